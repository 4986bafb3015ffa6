// SPDX-License-Identifier: GPL-2.0-only
/* What happens to a range that loses its vaddr, or should have. */
#include "rules/tables.h"

/* window-closed */

GUARD(not_killed, "by a process that lived", !n->killed)

SAY(say_released, "had no vaddr when its container was given up, by a process that lived")
SAY(say_still_open, "has no vaddr yet, and here the recording ends")

void rs_say_too_long(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)n, (void)s;
	snprintf(buf, len, "has been without a vaddr for more than %llu s",
		 RS_WINDOW_LIMIT_NS / 1000000000ULL);
}

static void say_runs(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	const struct rs_update *u = n->update;

	(void)s;
	if (n->ev->type != RS_EV_VCPU)
		snprintf(buf, len, "lost its vaddr while the guest was running in process %u",
			 n->by);
	else if (u && u->view.from.tgid == n->by && !u->exec)
		snprintf(buf, len,
			 "had no vaddr when the guest ran again in the old process %u: the update "
			 "was abandoned half-way",
			 n->by);
	else
		snprintf(buf, len, "had no vaddr yet when the guest ran in the new process %u",
			 n->by);
}

const struct rs_transition rs_window_closed[] = {
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 0, RS_N_FOUND_INVALID, NULL, 1, NULL },
	{ 1, RS_N_REMAPPED, NULL, 0, NULL },
	{ 1, RS_N_UNMAPPED, NULL, 0, NULL },
	{ 1, RS_N_RELEASED, &not_killed, RS_TO_VIOLATED, say_released },
	{ 1, RS_N_RELEASED, NULL, 0, NULL },
	{ 1, RS_N_END, NULL, RS_TO_UNKNOWN, say_still_open },
	{ 1, RS_N_GUEST_RUNS, NULL, RS_TO_VIOLATED, say_runs },
};

/* remap-exact */

GUARD(inexact, "with another iova or size",
      n->remap->ev->iova.v != n->remap->old_iova.v || n->remap->ev->size != n->remap->old_size)

SAY(say_inexact, "was remapped as iova 0x%llx size 0x%llx", (ull)n->remap->ev->iova.v,
    (ull)n->remap->ev->size)
SAY(say_only_inexact, "was only ever remapped with another iova or size, which the kernel refused")
SAY(say_inexact_open,
    "has been remapped only with another iova or size, and here the recording ends")

const struct rs_transition rs_remap_exact[] = {
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 0, RS_N_FOUND_INVALID, NULL, 1, NULL },
	{ 1, RS_N_REMAP_REFUSED, &inexact, 2, NULL },
	{ 1, RS_N_REMAPPED, &inexact, RS_TO_VIOLATED, say_inexact },
	{ 1, RS_N_REMAPPED, NULL, 0, NULL },
	{ 1, RS_N_UNMAPPED, NULL, 0, NULL },
	{ 1, RS_N_RELEASED, NULL, 0, NULL },
	{ 2, RS_N_REMAPPED, &inexact, RS_TO_VIOLATED, say_inexact },
	{ 2, RS_N_REMAPPED, NULL, 0, NULL },
	{ 2, RS_N_UNMAPPED, NULL, RS_TO_VIOLATED, say_only_inexact },
	{ 2, RS_N_RELEASED, NULL, RS_TO_VIOLATED, say_only_inexact },
	{ 2, RS_N_END, NULL, RS_TO_UNKNOWN, say_inexact_open },
};

/* all-before-exec */

static bool same_process_holds(const struct rs_note *n, const struct rs_slot *s)
{
	/* A kernel thread holds no container: it closes for a task that exits (fs/file_table.c, fput()). */
	if (n->ev->flags & RS_EVF_KTHREAD)
		return true;
	/* The trail's last event is the exec or exit. */
	return s->nr && s->trail[s->nr - 1].kept->ev.tgid == n->by;
}

static const struct rs_guard same_process = {
	"by the process whose mm went, or by the kernel for it", same_process_holds
};

SAY(say_stale,
    "still had the old vaddr when its owner's memory went away, and its container lives on")

/* Armed, a range is not told when it goes with the last group of its container. */
GUARD(perhaps_gone, "a group of the container left, perhaps the last one", n->container->group_gone)

SAY(say_perhaps_stale, "still had the old vaddr when its owner's memory went away, and may have "
		       "gone down with a group "
		       "of which the attaching was not recorded")

const struct rs_transition rs_all_before_exec[] = {
	{ 0, RS_N_MAPPED, NULL, 1, NULL },
	{ 0, RS_N_FOUND, NULL, 1, NULL },
	{ 0, RS_N_MM_GONE, NULL, 2, NULL },
	{ 1, RS_N_MM_GONE, NULL, 2, NULL },
	{ 1, RS_N_REMAPPED, NULL, RS_ANEW | 1, NULL },
	/* exec closes what is close-on-exec, exit closes all: a container may go down with it. */
	{ 2, RS_N_RELEASED, &same_process, 0, NULL },
	{ 2, RS_N_RELEASED, NULL, RS_TO_VIOLATED, say_stale },
	{ 2, RS_N_UNMAPPED, NULL, RS_TO_VIOLATED, say_stale },
	{ 2, RS_N_USED, &perhaps_gone, RS_TO_UNKNOWN, say_perhaps_stale },
	{ 2, RS_N_USED, NULL, RS_TO_VIOLATED, say_stale },
	{ 2, RS_N_END, &perhaps_gone, RS_TO_UNKNOWN, say_perhaps_stale },
	{ 2, RS_N_END, NULL, RS_TO_VIOLATED, say_stale },
};
