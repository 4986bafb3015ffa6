// SPDX-License-Identifier: GPL-2.0-only
/* Who pins, who is charged, and does it add up? */
#include "model/memory.h"
#include "rules/tables.h"

/* locked-conserved */

GUARD(lock_lost, "the charge is not what the range holds",
      rs_locked_compare(n->remap, NULL, 0) == RS_MEMORY_OTHER)

GUARD(lock_unproved, "the charge, or who has the old mm, is not told",
      rs_locked_compare(n->remap, NULL, 0) == RS_MEMORY_UNPROVED)

static void say_locked(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	rs_locked_compare(n->remap, buf, len);
}

/* Of iommufd: what moved with the areas of a context. One that failed has moved nothing. */
static bool charge_is_lost(const struct rs_moved *v)
{
	if (v->others)
		return false;
	if (v->err)
		return v->gain || v->loss;
	return v->gain != v->loss || (v->told && (__u64)v->gain != v->pages);
}

GUARD(charge_lost,
      "what the caller was charged is not what the old owner got back, or what is pinned",
      charge_is_lost(n->moved))

GUARD(charge_untold, "more mms were charged than are told", n->moved->others)

static void say_charge(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	const struct rs_moved *v = n->moved;

	(void)s;
	if (v->err)
		snprintf(buf, len,
			 "had a CHANGE_PROCESS that failed, and yet process %u was charged %lld "
			 "pages, and others got %lld back",
			 n->by, (long long)v->gain, (long long)v->loss);
	else if (v->gain != v->loss)
		snprintf(buf, len,
			 "was handed over to process %u, which was charged %lld pages, and the old "
			 "owner got %lld back",
			 n->by, (long long)v->gain, (long long)v->loss);
	else
		snprintf(buf, len,
			 "was handed over to process %u, which was charged %lld pages, and its "
			 "areas have %llu pinned",
			 n->by, (long long)v->gain, (ull)v->pages);
}

SAY(say_charge_untold,
    "was handed over to process %u, and more than two mms were charged or credited", n->by)

const struct rs_transition rs_locked_conserved[] = {
	{ 0, RS_N_MAP_DONE, &lock_lost, RS_TO_VIOLATED, say_locked },
	{ 0, RS_N_MAP_DONE, &lock_unproved, RS_TO_UNKNOWN, say_locked },
	{ 0, RS_N_MAP_DONE, NULL, 1, NULL },
	{ 1, RS_N_MAP_DONE, &lock_lost, RS_TO_VIOLATED, say_locked },
	{ 1, RS_N_MAP_DONE, &lock_unproved, RS_TO_UNKNOWN, say_locked },
	{ 1, RS_N_MAP_DONE, NULL, RS_ANEW | 1, NULL },
	{ 1, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 0, RS_N_CHARGE_MOVED, &charge_lost, RS_TO_VIOLATED, say_charge },
	{ 0, RS_N_CHARGE_MOVED, &charge_untold, RS_TO_UNKNOWN, say_charge_untold },
	{ 0, RS_N_CHARGE_MOVED, NULL, RS_MUTE | 1, NULL },
	{ 1, RS_N_CHARGE_MOVED, &charge_lost, RS_TO_VIOLATED, say_charge },
	{ 1, RS_N_CHARGE_MOVED, &charge_untold, RS_TO_UNKNOWN, say_charge_untold },
	{ 1, RS_N_CHARGE_MOVED, NULL, RS_ANEW | 1, NULL },
};

/* owner-mm */

static bool knows_owner_holds(const struct rs_note *n, const struct rs_slot *s)
{
	(void)s;
	/* An older recorder did not look. */
	return n->remap->locked_pages != UINT64_MAX && n->ev->size >= sizeof(struct rs_ev_map);
}

static const struct rs_guard knows_owner = { "the recording tells who is charged",
					     knows_owner_holds };

static void say_foreign(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	char owner[32] = "another process";

	(void)s;
	if (n->foreign->owner)
		snprintf(owner, sizeof(owner), "process %u", n->foreign->owner);
	snprintf(buf, len, "was pinned in the mm of process %u, and charged to %s (at iova 0x%llx)",
		 n->by, owner, (ull)n->foreign->iova.v);
}

const struct rs_transition rs_owner_mm[] = {
	{ 0, RS_N_MAP_DONE, &knows_owner, RS_MUTE | 1, NULL },
	{ 0, RS_N_FOREIGN_PIN, NULL, RS_TO_VIOLATED, say_foreign },
	{ 1, RS_N_FOREIGN_PIN, NULL, RS_TO_VIOLATED, say_foreign },
};

/* pin-balance */

/* Of a device that was there before the recording, pins from before can be given back. */
GUARD(old_device, "the device was there before the recording", !n->device->born)

GUARD(pins_left, "pages are left", n->pins->pages)

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
	else if (n->pins->left)
		snprintf(buf, len,
			 "left its ioas for another one with %llu page%s still pinned (at iova "
			 "0x%llx)",
			 (ull)n->pins->pages, n->pins->pages == 1 ? "" : "s", (ull)n->pins->iova.v);
	else
		snprintf(buf, len, "was closed with %llu page%s still pinned (at iova 0x%llx)",
			 (ull)n->pins->pages, n->pins->pages == 1 ? "" : "s", (ull)n->pins->iova.v);
}

const struct rs_transition rs_pin_balance[] = {
	{ 0, RS_N_PINNED, NULL, RS_MUTE | 1, NULL },
	{ 0, RS_N_UNDERFLOW, &old_device, RS_TO_UNKNOWN, say_old_underflow },
	{ 1, RS_N_UNDERFLOW, &old_device, RS_TO_UNKNOWN, say_old_underflow },
	{ 0, RS_N_UNDERFLOW, NULL, RS_TO_VIOLATED, say_underflow },
	{ 1, RS_N_UNDERFLOW, NULL, RS_TO_VIOLATED, say_underflow },
	{ 0, RS_N_DEVICE_CLOSED, &pins_left, RS_TO_VIOLATED, say_left },
	{ 1, RS_N_DEVICE_CLOSED, &pins_left, RS_TO_VIOLATED, say_left },
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
GUARD(tells_zero, "the recording tells pins without a page",
      n->ev && n->ev->size >= offsetof(struct rs_ev_request, put_pages))

const struct rs_transition rs_no_zero_pin[] = {
	{ 0, RS_N_PINNED, &tells_zero, RS_MUTE | 1, NULL },
	{ 0, RS_N_PIN_ZERO, NULL, RS_TO_VIOLATED, say_zero_pin },
	{ 1, RS_N_PIN_ZERO, NULL, RS_TO_VIOLATED, say_zero_pin },
};
