// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdarg.h>
#include <string.h>
#include "rules/rules.h"
#include "model/memory.h"

#define ARROWS(a) .arrow = (a), .nr_arrows = sizeof(a) / sizeof((a)[0])

#define SAY(name, ...)                                                                            \
	static void name(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len) \
	{                                                                                         \
		(void)n, (void)s;                                                                 \
		snprintf(buf, len, __VA_ARGS__);                                                  \
	}

typedef unsigned long long ull;

/* The recording found the container inside its window: the begin of it is not known. */
static bool late(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return n->container->joined_inside;
}

SAY(say_late, "was in its window already when the recording began")

/* window-closed */

static bool not_killed(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return !n->killed;
}

static bool too_long(const struct rs_note *n, const struct rs_slot *s)
{
	return n->ts > s->since + RS_WINDOW_LIMIT_NS;
}

SAY(say_released, "had no vaddr when its container was given up, by a process that lived")
SAY(say_too_long, "has been without a vaddr for %llu s", (n->ts - s->since) / 1000000000ULL)
SAY(say_still_open, "has no vaddr yet, and here the recording ends")

static const struct rs_transition window_closed[] = {
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 0, RS_N_FOUND_INVALID, NULL, 1, NULL },
	{ 1, RS_N_REMAPPED, NULL, 0, NULL },
	{ 1, RS_N_UNMAPPED, NULL, 0, NULL },
	{ 1, RS_N_RELEASED, not_killed, RS_TO_VIOLATED, say_released },
	{ 1, RS_N_RELEASED, NULL, 0, NULL },
	{ 1, RS_N_TICK, too_long, RS_TO_VIOLATED, say_too_long },
	{ 1, RS_N_END, NULL, RS_TO_UNKNOWN, say_still_open },
};

/* remap-exact */

static bool inexact(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return n->remap->ev->iova.v != n->remap->old_iova.v ||
	       n->remap->ev->size != n->remap->old_size;
}

SAY(say_inexact, "was remapped as iova 0x%llx size 0x%llx", (ull)n->remap->ev->iova.v,
    (ull)n->remap->ev->size)
SAY(say_only_inexact, "was only ever remapped with another iova or size, which the kernel refused")
SAY(say_inexact_open,
    "has been remapped only with another iova or size, and here the recording ends")

static const struct rs_transition remap_exact[] = {
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 0, RS_N_FOUND_INVALID, NULL, 1, NULL },
	{ 1, RS_N_REMAP_REFUSED, inexact, 2, NULL },
	{ 1, RS_N_REMAPPED, inexact, RS_TO_VIOLATED, say_inexact },
	{ 1, RS_N_REMAPPED, NULL, 0, NULL },
	{ 1, RS_N_UNMAPPED, NULL, 0, NULL },
	{ 1, RS_N_RELEASED, NULL, 0, NULL },
	{ 2, RS_N_REMAPPED, inexact, RS_TO_VIOLATED, say_inexact },
	{ 2, RS_N_REMAPPED, NULL, 0, NULL },
	{ 2, RS_N_UNMAPPED, NULL, RS_TO_VIOLATED, say_only_inexact },
	{ 2, RS_N_RELEASED, NULL, RS_TO_VIOLATED, say_only_inexact },
	{ 2, RS_N_END, NULL, RS_TO_UNKNOWN, say_inexact_open },
};

/* remap-same-memory */

static bool other_memory(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return rs_memory_compare(n->remap, NULL, 0) == RS_MEMORY_OTHER;
}

static bool unproved_memory(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return rs_memory_compare(n->remap, NULL, 0) == RS_MEMORY_UNPROVED;
}

/* Its pages will be looked at: they may prove what nothing else does. */
static bool unproved_yet(const struct rs_note *n, const struct rs_slot *s)
{
	return n->remap->verified && unproved_memory(n, s);
}

static bool other_pages(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return n->pages->other;
}

static bool all_pages_same(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return rs_pages_prove(n->pages);
}

static void say_memory(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	rs_memory_compare(n->remap, buf, len);
}

static const char *who_has(__u32 source)
{
	return source == RS_PAGES_IOMMU ? "the IOMMU has"
	       : source == RS_PAGES_PIN ? "a driver's pin has"
					: "the new vaddr has";
}

static void say_other_pages(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	const struct rs_pages_seen *p = n->pages;

	(void)s;
	snprintf(buf, len, "is another page at +0x%llx: %s pfn 0x%llx, %s pfn 0x%llx",
		 (ull)p->iova.v - n->range->iova.v, who_has(p->had_by), (ull)p->had,
		 who_has(p->has_by), (ull)p->has);
}

static void say_unproved_pages(const struct rs_note *n, const struct rs_slot *s, char *buf,
			       size_t len)
{
	const char *why = n->range->unproved ? n->range->unproved : "is not proved to be the same";

	(void)s;
	snprintf(buf, len, "%s; of %llu pages that were looked for, %llu are the same", why,
		 (ull)n->pages->asked, (ull)n->pages->same);
}

static void say_unverified(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	const char *why = n->range->unproved ? n->range->unproved : "is not proved to be the same";

	(void)s;
	snprintf(buf, len, "%s, and nobody looked at its pages in time", why);
}

static const struct rs_transition remap_same_memory[] = {
	{ 0, RS_N_MAPPED, NULL, 1, NULL },
	{ 0, RS_N_FOUND, NULL, 1, NULL },
	{ 0, RS_N_INVALIDATED, NULL, 2, NULL },
	{ 1, RS_N_INVALIDATED, NULL, 2, NULL },
	{ 2, RS_N_REMAPPED, other_memory, RS_TO_VIOLATED, say_memory },
	{ 2, RS_N_REMAPPED, unproved_yet, 3, NULL },
	{ 2, RS_N_REMAPPED, unproved_memory, RS_TO_UNKNOWN, say_memory },
	{ 2, RS_N_REMAPPED, NULL, RS_ANEW | 1, NULL },
	{ 0, RS_N_REMAPPED, other_memory, RS_TO_VIOLATED, say_memory },
	{ 0, RS_N_REMAPPED, unproved_yet, 3, NULL },
	{ 0, RS_N_REMAPPED, unproved_memory, RS_TO_UNKNOWN, say_memory },
	/* The same by name, but of that file a page can have been replaced. */
	{ 0, RS_N_VERIFIED, other_pages, RS_TO_VIOLATED, say_other_pages },
	{ 1, RS_N_VERIFIED, other_pages, RS_TO_VIOLATED, say_other_pages },
	{ 3, RS_N_VERIFIED, other_pages, RS_TO_VIOLATED, say_other_pages },
	{ 3, RS_N_VERIFIED, all_pages_same, RS_ANEW | 1, NULL },
	{ 3, RS_N_VERIFIED, NULL, RS_TO_UNKNOWN, say_unproved_pages },
	{ 3, RS_N_INVALIDATED, NULL, RS_TO_UNKNOWN, say_unverified },
	{ 3, RS_N_UNMAPPED, NULL, RS_TO_UNKNOWN, say_unverified },
	{ 3, RS_N_RELEASED, NULL, RS_TO_UNKNOWN, say_unverified },
	{ 3, RS_N_END, NULL, RS_TO_UNKNOWN, say_unverified },
};

/* no-gup-in-window */

SAY(say_translated, "was translated through its vaddr while that was invalid")

static const struct rs_transition no_gup_in_window[] = {
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 1, RS_N_TRANSLATED, NULL, RS_TO_VIOLATED, say_translated },
	{ 1, RS_N_REMAPPED, NULL, 2, NULL },
	/* The remap itself: told right after it, with the same event. */
	{ 2, RS_N_TRANSLATED, NULL, RS_TO_VIOLATED, say_translated },
	{ 2, RS_N_INVALIDATED, NULL, RS_ANEW | 1, NULL },
	{ 0, RS_N_FOUND_INVALID, NULL, 3, NULL },
	{ 3, RS_N_TRANSLATED, NULL, RS_TO_VIOLATED, say_translated },
	{ 3, RS_N_REMAPPED, NULL, RS_TO_UNKNOWN, say_late },
	{ 3, RS_N_UNMAPPED, NULL, RS_TO_UNKNOWN, say_late },
	{ 3, RS_N_RELEASED, NULL, RS_TO_UNKNOWN, say_late },
	{ 3, RS_N_END, NULL, RS_TO_UNKNOWN, say_late },
	{ 0, RS_N_REMAPPED, late, RS_TO_UNKNOWN, say_late },
	/* The remap that has just been told as late has translated, too. */
	{ 0, RS_N_TRANSLATED, NULL, RS_TO_VIOLATED, say_translated },
};

/* no-iommu-change */

SAY(say_iommu, "was changed in the IOMMU's table while it had no vaddr")

static const struct rs_transition no_iommu_change[] = {
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 0, RS_N_REMAPPED, late, RS_TO_UNKNOWN, say_late },
	{ 0, RS_N_FOUND_INVALID, NULL, 2, NULL },
	{ 1, RS_N_IOMMU_CHANGED, NULL, RS_TO_VIOLATED, say_iommu },
	{ 2, RS_N_IOMMU_CHANGED, NULL, RS_TO_VIOLATED, say_iommu },
	{ 2, RS_N_REMAPPED, NULL, RS_TO_UNKNOWN, say_late },
	{ 2, RS_N_UNMAPPED, NULL, RS_TO_UNKNOWN, say_late },
	{ 2, RS_N_RELEASED, NULL, RS_TO_UNKNOWN, say_late },
	{ 2, RS_N_END, NULL, RS_TO_UNKNOWN, say_late },
	{ 1, RS_N_REMAPPED, NULL, 0, NULL },
	{ 1, RS_N_UNMAPPED, NULL, 0, NULL },
	{ 1, RS_N_RELEASED, NULL, 0, NULL },
};

/* no-new-user */

SAY(say_new_map, "was newly mapped while the container's window was open")
SAY(say_plain_unmap, "was unmapped while it had no vaddr")
SAY(say_attached, "got another group while its window was open")

static const struct rs_transition no_new_user[] = {
	{ 0, RS_N_NEW_MAP, NULL, RS_TO_VIOLATED, say_new_map },
	{ 0, RS_N_PLAIN_UNMAP, NULL, RS_TO_VIOLATED, say_plain_unmap },
	{ 0, RS_N_ATTACHED, NULL, RS_TO_VIOLATED, say_attached },
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 1, RS_N_NEW_MAP, NULL, RS_TO_VIOLATED, say_new_map },
	{ 1, RS_N_PLAIN_UNMAP, NULL, RS_TO_VIOLATED, say_plain_unmap },
	{ 1, RS_N_ATTACHED, NULL, RS_TO_VIOLATED, say_attached },
	{ 0, RS_N_REMAPPED, late, RS_TO_UNKNOWN, say_late },
	{ 1, RS_N_CLOSED, NULL, 0, NULL },
	/* Found inside its window: of the window's first part nobody knows. */
	{ 0, RS_N_FOUND_INVALID, NULL, 2, NULL },
	{ 2, RS_N_NEW_MAP, NULL, RS_TO_VIOLATED, say_new_map },
	{ 2, RS_N_PLAIN_UNMAP, NULL, RS_TO_VIOLATED, say_plain_unmap },
	{ 2, RS_N_ATTACHED, NULL, RS_TO_VIOLATED, say_attached },
	{ 2, RS_N_CLOSED, NULL, RS_TO_UNKNOWN, say_late },
	{ 2, RS_N_END, NULL, RS_TO_UNKNOWN, say_late },
};

/* all-before-exec */

static bool same_process(const struct rs_note *n, const struct rs_slot *s)
{
	/* A kernel thread holds no container: it closes for a task that exits (fs/file_table.c, fput()). */
	if (n->ev->flags & RS_EVF_KTHREAD)
		return true;
	/* The trail's last event is the exec or exit. */
	return s->nr && s->trail[s->nr - 1]->ev.tgid == n->by;
}

SAY(say_stale,
    "still had the old vaddr when its owner's memory went away, and its container lives on")

/* Armed, a range is not told when it goes with the last group of its container. */
static bool perhaps_gone(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return n->container->group_gone;
}

SAY(say_perhaps_stale, "still had the old vaddr when its owner's memory went away, and may have "
		       "gone down with a group "
		       "of which the attaching was not recorded")

static const struct rs_transition all_before_exec[] = {
	{ 0, RS_N_MAPPED, NULL, 1, NULL },
	{ 0, RS_N_FOUND, NULL, 1, NULL },
	{ 0, RS_N_MM_GONE, NULL, 2, NULL },
	{ 1, RS_N_MM_GONE, NULL, 2, NULL },
	{ 1, RS_N_REMAPPED, NULL, RS_ANEW | 1, NULL },
	/* exec closes what is close-on-exec, exit closes all: a container may go down with it. */
	{ 2, RS_N_RELEASED, same_process, 0, NULL },
	{ 2, RS_N_RELEASED, NULL, RS_TO_VIOLATED, say_stale },
	{ 2, RS_N_UNMAPPED, NULL, RS_TO_VIOLATED, say_stale },
	{ 2, RS_N_USED, perhaps_gone, RS_TO_UNKNOWN, say_perhaps_stale },
	{ 2, RS_N_USED, NULL, RS_TO_VIOLATED, say_stale },
	{ 2, RS_N_END, perhaps_gone, RS_TO_UNKNOWN, say_perhaps_stale },
	{ 2, RS_N_END, NULL, RS_TO_VIOLATED, say_stale },
};

/* locked-conserved */

static bool lock_lost(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return rs_locked_compare(n->remap, NULL, 0) == RS_MEMORY_OTHER;
}

static bool lock_unproved(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return rs_locked_compare(n->remap, NULL, 0) == RS_MEMORY_UNPROVED;
}

static void say_locked(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	rs_locked_compare(n->remap, buf, len);
}

static const struct rs_transition locked_conserved[] = {
	{ 0, RS_N_MAP_DONE, lock_lost, RS_TO_VIOLATED, say_locked },
	{ 0, RS_N_MAP_DONE, lock_unproved, RS_TO_UNKNOWN, say_locked },
	{ 0, RS_N_MAP_DONE, NULL, 1, NULL },
	{ 1, RS_N_MAP_DONE, lock_lost, RS_TO_VIOLATED, say_locked },
	{ 1, RS_N_MAP_DONE, lock_unproved, RS_TO_UNKNOWN, say_locked },
	{ 1, RS_N_MAP_DONE, NULL, RS_ANEW | 1, NULL },
	{ 1, RS_N_INVALIDATED, NULL, 1, NULL },
};

/* owner-mm */

static bool knows_owner(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	/* An older recorder did not look. */
	return n->remap->locked_pages != UINT64_MAX && n->ev->size >= sizeof(struct rs_ev_map);
}

static void say_foreign(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	char owner[32] = "another process";

	(void)s;
	if (n->foreign->owner)
		snprintf(owner, sizeof(owner), "process %u", n->foreign->owner);
	snprintf(buf, len, "was pinned in the mm of process %u, and charged to %s (at iova 0x%llx)",
		 n->by, owner, (ull)n->foreign->iova.v);
}

static const struct rs_transition owner_mm[] = {
	{ 0, RS_N_MAP_DONE, knows_owner, RS_MUTE | 1, NULL },
	{ 0, RS_N_FOREIGN_PIN, NULL, RS_TO_VIOLATED, say_foreign },
	{ 1, RS_N_FOREIGN_PIN, NULL, RS_TO_VIOLATED, say_foreign },
};

/* pin-balance */

/* Of a device that was there before the recording, pins from before can be given back. */
static bool old_device(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return !n->device->born;
}

static bool pins_left(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return n->pins->pages;
}

static void say_underflow(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	if (n->pins->totals)
		snprintf(buf, len, "gave back %llu pages, and had pinned %llu",
			 (ull)n->pins->unpinned, (ull)n->pins->pinned);
	else
		snprintf(buf, len, "gave back %llu page%s that it had not pinned (at iova 0x%llx)",
			 (ull)n->pins->pages, n->pins->pages == 1 ? "" : "s", (ull)n->pins->iova.v);
}

SAY(say_old_underflow,
    "gave back %llu page%s that it may have pinned before the recording (at iova 0x%llx)",
    (ull)n->pins->pages, n->pins->pages == 1 ? "" : "s", (ull)n->pins->iova.v)

static void say_left(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	if (n->pins->totals)
		snprintf(buf, len, "was closed: it had pinned %llu pages, and gave back %llu",
			 (ull)n->pins->pinned, (ull)n->pins->unpinned);
	else
		snprintf(buf, len, "was closed with %llu page%s still pinned (at iova 0x%llx)",
			 (ull)n->pins->pages, n->pins->pages == 1 ? "" : "s", (ull)n->pins->iova.v);
}

static const struct rs_transition pin_balance[] = {
	{ 0, RS_N_PINNED, NULL, RS_MUTE | 1, NULL },
	{ 0, RS_N_UNDERFLOW, old_device, RS_TO_UNKNOWN, say_old_underflow },
	{ 1, RS_N_UNDERFLOW, old_device, RS_TO_UNKNOWN, say_old_underflow },
	{ 0, RS_N_UNDERFLOW, NULL, RS_TO_VIOLATED, say_underflow },
	{ 1, RS_N_UNDERFLOW, NULL, RS_TO_VIOLATED, say_underflow },
	{ 0, RS_N_DEVICE_CLOSED, pins_left, RS_TO_VIOLATED, say_left },
	{ 1, RS_N_DEVICE_CLOSED, pins_left, RS_TO_VIOLATED, say_left },
};

/* no-zero-pin */

static void say_zero_pin(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	struct rs_ev_request rq;

	(void)s;
	rs_event_read(&rq, sizeof(rq), n->ev);
	snprintf(buf, len,
		 "pinned %llu page%s for %s%u at iova 0x%llx, and for %u of them there was no page",
		 (ull)rq.op.ret, rq.op.ret == 1 ? "" : "s", n->device ? "d" : "group ",
		 n->device ? n->device->view.id : (__u32)rq.group_id, (ull)rq.iova.v, rq.gup_zero);
}

/* An older recorder did not look. */
static bool tells_zero(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	return n->ev && n->ev->size >= offsetof(struct rs_ev_request, put_pages);
}

static const struct rs_transition no_zero_pin[] = {
	{ 0, RS_N_PINNED, tells_zero, RS_MUTE | 1, NULL },
	{ 0, RS_N_PIN_ZERO, NULL, RS_TO_VIOLATED, say_zero_pin },
	{ 1, RS_N_PIN_ZERO, NULL, RS_TO_VIOLATED, say_zero_pin },
};

/* translation-stable */

static const struct rs_transition translation_stable[] = {
	{ 0, RS_N_PAGES_KNOWN, NULL, 1, NULL },
	{ 0, RS_N_PAGES_OTHER, NULL, RS_TO_VIOLATED, say_other_pages },
	{ 1, RS_N_PAGES_OTHER, NULL, RS_TO_VIOLATED, say_other_pages },
	{ 0, RS_N_VERIFIED, other_pages, RS_TO_VIOLATED, say_other_pages },
	{ 1, RS_N_VERIFIED, other_pages, RS_TO_VIOLATED, say_other_pages },
};

const struct rs_rule rs_rules[] = {
	{
		.id = "window-closed",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_RANGE,
		.sentence =
			"Every invalidated range is remapped, or unmapped on purpose, before its "
			"container is given up.",
		.expected = "a MAP_DMA with FLAG_VADDR (or an UNMAP_DMA) for it",
		.state = { "valid", "invalid" },
		.reads = RS_TYPE(EXIT), /* was its owner killed? */
		.needs = { "vfio_remove_dma", "sched_process_exit" },
		ARROWS(window_closed),
	},
	{
		.id = "remap-exact",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_RANGE,
		.sentence = "A remap has the iova and the size of the range that was invalidated.",
		.expected = "a MAP_DMA with FLAG_VADDR that has the range's iova and size",
		.state = { "valid", "invalid", "tried-inexactly" },
		ARROWS(remap_exact),
	},
	{
		.id = "remap-same-memory",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.sentence =
			"The new vaddr of a range is the same file and offset as the old one, over "
			"the whole range.",
		.expected = "the memory that the IOMMU was given when the range was mapped",
		.state = { "unseen", "mapped", "invalid", "unverified" },
		.reads = RS_TYPE(BACKING),
		ARROWS(remap_same_memory),
	},
	{
		.id = "no-gup-in-window",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.sentence =
			"Nothing is translated through an invalid vaddr; a remap of a vaddr itself "
			"pins nothing.",
		.expected = "no page looked up through this range's vaddr until it is remapped",
		.state = { "valid", "invalid", "remapped", "found-invalid" },
		.needs = { "vaddr_get_pfns", "vfio_pin_pages_remote",
			   "vfio_iommu_type1_pin_pages" },
		ARROWS(no_gup_in_window),
	},
	{
		.id = "no-iommu-change",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.sentence = "The IOMMU maps and unmaps nothing in an invalidated range inside its "
			    "window.",
		.expected = "the IOMMU's table to stay as it was until the range is remapped",
		.state = { "valid", "invalid", "found-invalid" },
		.needs = { "iommu_map", "iommu_unmap", "iommu_unmap_fast" },
		ARROWS(no_iommu_change),
	},
	{
		.id = "no-new-user",
		.severity = RS_SEV_WARNING,
		.scope = RS_SCOPE_CONTAINER,
		.sentence = "Inside a window no group is attached, nothing is newly mapped, and no "
			    "invalid range is plainly unmapped.",
		.expected = "the container to be left alone until its window has closed",
		.state = { "quiet", "window", "found-inside" },
		.needs = { "vfio_iommu_type1_attach_group", "vfio_remove_dma" },
		ARROWS(no_new_user),
	},
	{
		.id = "all-before-exec",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.sentence =
			"No range still has the old vaddr when its owner's memory goes away (exec, "
			"exit) while the container lives on.",
		.expected = "an UNMAP_DMA with FLAG_VADDR for it before the exec or exit",
		.state = { "unseen", "mapped", "stale" },
		.needs = { "sched_process_exec", "sched_process_exit", "vfio_remove_dma" },
		ARROWS(all_before_exec),
	},
	{
		.id = "locked-conserved",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_RANGE,
		.sentence =
			"Locked memory moves with its range: what the new owner's mm gains is what "
			"the old one's loses.",
		.expected = "as many locked pages charged, and given back, as the range holds",
		.state = { "unseen", "charged" },
		.reads = RS_TYPES_PROCESS, /* has anybody the old mm still? */
		.needs = { "mm_lock_acct" },
		ARROWS(locked_conserved),
	},
	{
		.id = "owner-mm",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_RANGE,
		.sentence = "Pinning charges and uses the same mm.",
		.expected = "its pages looked up in the mm that is charged for them",
		.state = { "unseen", "mapped" },
		.needs = { "vfio_pin_pages_remote", "vfio_iommu_type1_attach_group" },
		ARROWS(owner_mm),
	},
	{
		.id = "pin-balance",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_DEVICE,
		.sentence = "Per device and page, pins minus unpins is never negative, and zero "
			    "when the device is closed.",
		.expected = "every page given back as often as it was pinned, until the device is "
			    "closed",
		.state = { "unused", "pinned" },
		.sums = true,
		.needs = { "vfio_iommu_type1_pin_pages", "vfio_iommu_type1_unpin_pages" },
		ARROWS(pin_balance),
	},
	{
		.id = "no-zero-pin",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_CONTAINER,
		.sentence = "A pin never reports success without a page.",
		.expected = "a page for each that was asked for, or an error",
		.state = { "unused", "pinned" },
		.needs = { "vaddr_get_pfns", "vfio_iommu_type1_pin_pages" },
		ARROWS(no_zero_pin),
	},
	{
		.id = "translation-stable",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.sentence = "One iova gives the same page before, inside and after a window.",
		.expected = "the page that the IOMMU, or the driver that holds it, was given first",
		.state = { "unseen", "known" },
		.needs = { "vaddr_get_pfns", "vfio_iommu_type1_pin_pages" },
		ARROWS(translation_stable),
	},
};

const size_t rs_nr_rules = sizeof(rs_rules) / sizeof(rs_rules[0]);

_Static_assert(sizeof(rs_rules) / sizeof(rs_rules[0]) <= RS_RULES_MAX, "RS_RULES_MAX");

int rs_rule_find(const struct rs_rule_table *t, const char *id, struct rs_msg *msg)
{
	char known[256] = "";

	for (size_t i = 0; i < t->nr; i++)
		if (!strcmp(t->rule[i].id, id))
			return i;
	for (size_t i = 0; i < t->nr; i++) {
		size_t at = strlen(known);

		snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "", t->rule[i].id);
	}
	return rs_msg_set(msg, -ENOENT, "unknown rule \"%s\" (known: %s)", id, known);
}
