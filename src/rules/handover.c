// SPDX-License-Identifier: GPL-2.0-only
/* Are the areas of an iommufd context handed over before their guest runs? */
#include <string.h>
#include "model/ioctx.h"
#include "rules/tables.h"

/* iommufd-handover */

static __u32 owner(const struct rs_note *n)
{
	return n->ioctx->view.owner.tgid;
}

/* What was tried, and why it failed. */
static void say_tried(const struct rs_note *n, char *buf, size_t len)
{
	const struct rs_change *h = n->ioctx->change;
	size_t at = strlen(buf);
	char why[128];

	if (!h || !h->view.refused || at >= len)
		return;
	rs_refusal_why(&h->refusal, why, sizeof(why));
	snprintf(buf + at, len - at, " (%u failed, the last one%s%s)", h->view.refused,
		 why[0] ? ": " : "", why);
}

static void say_runs(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	if (owner(n) == n->by)
		snprintf(
			buf, len,
			"has its guest running in the new program of process %u, and its areas are "
			"charged to the old one: no CHANGE_PROCESS has succeeded",
			n->by);
	else
		snprintf(
			buf, len,
			"has its guest running in process %u, and its areas are charged to process "
			"%u: no CHANGE_PROCESS by process %u has succeeded since",
			n->by, owner(n), n->by);
	say_tried(n, buf, len);
}

static void say_uses(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	snprintf(buf, len,
		 "is used by %sprocess %u, and its areas are charged to %s, which has left: no "
		 "CHANGE_PROCESS has succeeded",
		 owner(n) == n->by ? "the new program of " : "", n->by,
		 owner(n) == n->by ? "the old one" : "another");
}

void rs_say_ownerless(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	snprintf(buf, len,
		 "has had no owner for more than %llu s: process %u, which its areas are charged "
		 "to, "
		 "has left, and no CHANGE_PROCESS has succeeded",
		 RS_WINDOW_LIMIT_NS / 1000000000ULL, owner(n));
}

SAY(say_not_yet,
    "has no owner yet: process %u, which its areas are charged to, has left, and here the "
    "recording "
    "ends",
    owner(n))

const struct rs_transition rs_iommufd_handover[] = {
	{ 0, RS_N_OWNER_LEFT, NULL, 1, NULL },
	{ 2, RS_N_OWNER_LEFT, NULL, RS_ANEW | 1, NULL },
	{ 0, RS_N_OWNER_CHANGED, NULL, RS_MUTE | 2, NULL },
	{ 1, RS_N_OWNER_CHANGED, NULL, RS_MUTE | 2, NULL },
	/* The owner need not have left: it may stand still, and be told to go on. */
	{ 0, RS_N_OTHER_RUNS, NULL, RS_TO_VIOLATED, say_runs },
	{ 1, RS_N_OTHER_RUNS, NULL, RS_TO_VIOLATED, say_runs },
	{ 2, RS_N_OTHER_RUNS, NULL, RS_TO_VIOLATED, say_runs },
	{ 1, RS_N_OTHER_USES, NULL, RS_TO_VIOLATED, say_uses },
	{ 1, RS_N_GIVEN_UP, NULL, 0, NULL },
	{ 1, RS_N_END, NULL, RS_TO_UNKNOWN, say_not_yet },
};
