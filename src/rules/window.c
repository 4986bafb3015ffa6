// SPDX-License-Identifier: GPL-2.0-only
/* What may not happen in a container while its window is open. */
#include "rules/tables.h"

/* The recording found the container inside its window: the begin of it is not known. */
GUARD(late, "the recording began inside the window", n->container->joined_inside)

SAY(say_late, "was in its window already when the recording began")

/* no-gup-in-window */

SAY(say_translated, "was translated through its vaddr while that was invalid")

const struct rs_transition rs_no_gup_in_window[] = {
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
	{ 0, RS_N_REMAPPED, &late, RS_TO_UNKNOWN, say_late },
	/* The remap that has just been told as late has translated, too. */
	{ 0, RS_N_TRANSLATED, NULL, RS_TO_VIOLATED, say_translated },
};

/* no-iommu-change */

SAY(say_iommu, "was changed in the IOMMU's table while it had no vaddr")

const struct rs_transition rs_no_iommu_change[] = {
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 0, RS_N_REMAPPED, &late, RS_TO_UNKNOWN, say_late },
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

const struct rs_transition rs_no_new_user[] = {
	{ 0, RS_N_NEW_MAP, NULL, RS_TO_VIOLATED, say_new_map },
	{ 0, RS_N_PLAIN_UNMAP, NULL, RS_TO_VIOLATED, say_plain_unmap },
	{ 0, RS_N_ATTACHED, NULL, RS_TO_VIOLATED, say_attached },
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 1, RS_N_NEW_MAP, NULL, RS_TO_VIOLATED, say_new_map },
	{ 1, RS_N_PLAIN_UNMAP, NULL, RS_TO_VIOLATED, say_plain_unmap },
	{ 1, RS_N_ATTACHED, NULL, RS_TO_VIOLATED, say_attached },
	{ 0, RS_N_REMAPPED, &late, RS_TO_UNKNOWN, say_late },
	{ 1, RS_N_CLOSED, NULL, 0, NULL },
	/* Found inside its window: of the window's first part nobody knows. */
	{ 0, RS_N_FOUND_INVALID, NULL, 2, NULL },
	{ 2, RS_N_NEW_MAP, NULL, RS_TO_VIOLATED, say_new_map },
	{ 2, RS_N_PLAIN_UNMAP, NULL, RS_TO_VIOLATED, say_plain_unmap },
	{ 2, RS_N_ATTACHED, NULL, RS_TO_VIOLATED, say_attached },
	{ 2, RS_N_CLOSED, NULL, RS_TO_UNKNOWN, say_late },
	{ 2, RS_N_END, NULL, RS_TO_UNKNOWN, say_late },
};

/* one-owner */

GUARD(old_owner, "by a process that has handed it over", rs_owner_was(n->container, n->by))

/* Who had it before the recording is not known: anybody but the heir. */
GUARD(perhaps_old, "by another process than the new owner, which may have handed it over unseen",
      n->container->former_unknown && n->by != n->container->heir)

static void say_old_owner(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	static const char *const what[RS_REQ_NR] = {
		[RS_REQ_MAP] = "was mapped",
		[RS_REQ_REMAP] = "was remapped",
		[RS_REQ_UNMAP] = "had ranges unmapped",
		[RS_REQ_INVALIDATE] = "had ranges invalidated",
	};
	struct rs_ev_map x;

	(void)s;
	rs_event_read(&x, sizeof(x), n->ev);
	snprintf(buf, len, "%s by process %u, which had %shanded the container over to process %u",
		 what[rs_map_request(n->ev->type == RS_EV_UNMAP, x.uflags)], n->by,
		 rs_owner_was(n->container, n->by) ? "" : "perhaps ", n->container->heir);
}

SAY(say_both,
    "has its guest running in process %u, which had handed the container over to process %u: both "
    "believe that they own it",
    n->by, n->container->heir)

const struct rs_transition rs_one_owner[] = {
	{ 0, RS_N_HANDED_OVER, NULL, 1, NULL },
	{ 1, RS_N_CHANGED, &old_owner, RS_TO_VIOLATED, say_old_owner },
	{ 1, RS_N_CHANGED, &perhaps_old, RS_TO_UNKNOWN, say_old_owner },
	{ 0, RS_N_TAKEN, NULL, 2, NULL },
	{ 2, RS_N_HANDED_OVER, NULL, RS_ANEW | 1, NULL },
	{ 2, RS_N_CHANGED, &perhaps_old, RS_TO_UNKNOWN, say_old_owner },
	/* Not for the first time. */
	{ 0, RS_N_CHANGED, &old_owner, RS_TO_VIOLATED, say_old_owner },
	{ 0, RS_N_CHANGED, &perhaps_old, RS_TO_UNKNOWN, say_old_owner },
	{ 1, RS_N_OLD_RUNS, NULL, RS_TO_VIOLATED, say_both },
	{ 0, RS_N_OLD_RUNS, NULL, RS_TO_VIOLATED, say_both },
};

/* wait-bounded */

void rs_say_waits(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)n, (void)s;
	snprintf(buf, len, "waits for a vaddr for more than %llu s",
		 (ull)(RS_WAIT_LIMIT_NS / 1000000000ULL));
}

const struct rs_transition rs_wait_bounded[] = {
	/* And it is gone when it has returned. */
	{ 0, RS_N_WAITS, NULL, 1, NULL },
};
