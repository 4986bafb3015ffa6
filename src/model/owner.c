// SPDX-License-Identifier: GPL-2.0-only
/* Who has a container: a process gives it to another one when that one remaps what the first invalidated. */
#include <errno.h>
#include <stdlib.h>
#include "model/model.h"

bool rs_owner_was(const struct rs_container *c, __u32 tgid)
{
	for (size_t i = 0; i < c->nr_former; i++)
		if (c->former[i] == tgid)
			return true;
	return false;
}

static void not_former(struct rs_container *c, __u32 tgid)
{
	for (size_t i = 0; i < c->nr_former; i++)
		if (c->former[i] == tgid)
			c->former[i--] = c->former[--c->nr_former];
}

static int set_former(struct rs_container *c, __u32 tgid)
{
	__u32 *grown = rs_grow(c->former, c->nr_former, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->former = grown;
	c->former[c->nr_former++] = tgid;
	return 0;
}

/* @proof: the invalidation; NULL: nobody saw it */
static int give(struct rs_model *m, struct rs_range *r, const struct rs_event *proof,
		const struct rs_event *ev)
{
	struct rs_container *c = r->container;

	rs_drop(c->handover);
	c->handover = rs_keep(ev);
	if (!c->handover)
		return -ENOMEM;
	c->heir = ev->tgid;
	c->handed = c->window->update;
	c->both_ran = false;
	not_former(c, ev->tgid);
	return rs_note(m, (struct rs_note){ .type = proof ? RS_N_HANDED_OVER : RS_N_TAKEN,
					    .ts = ev->ts,
					    .ev = ev,
					    .proof = proof,
					    .container = c,
					    .range = r,
					    .by = ev->tgid });
}

int rs_owner_remapped(struct rs_model *m, struct rs_range *r, const struct rs_event *ev)
{
	const struct rs_event *lost = r->invalidation ? &r->invalidation->ev : NULL;
	struct rs_container *c = r->container;
	int err;

	if (lost && lost->tgid == ev->tgid)
		return rs_owner_changed(m, c, r, ev);
	if (!lost) {
		c->former_unknown = true;
		/* Of the same window: it has it, or perhaps had it once. */
		return c->handed ? rs_owner_changed(m, c, r, ev) : give(m, r, NULL, ev);
	}
	if (c->heir == ev->tgid && rs_owner_was(c, lost->tgid))
		return 0;
	if (!rs_owner_was(c, lost->tgid)) {
		err = set_former(c, lost->tgid);
		if (err)
			return err;
	}
	return give(m, r, lost, ev);
}

int rs_owner_changed(struct rs_model *m, struct rs_container *c, struct rs_range *r,
		     const struct rs_event *ev)
{
	if (!c->handed)
		return 0;
	return rs_note(m, (struct rs_note){ .type = RS_N_CHANGED,
					    .ts = ev->ts,
					    .ev = ev,
					    .proof = &c->handover->ev,
					    .container = c,
					    .range = r,
					    .update = c->handed,
					    .by = ev->tgid });
}

int rs_owner_ran(struct rs_model *m, const struct rs_event *ev)
{
	int err = 0;

	for (struct rs_container *c = m->containers; c && !err; c = c->hh.next) {
		if (!c->handed || c->both_ran || !rs_owner_was(c, ev->tgid))
			continue;
		c->both_ran = true;
		err = rs_note(m, (struct rs_note){ .type = RS_N_OLD_RUNS,
						   .ts = ev->ts,
						   .ev = ev,
						   .proof = &c->handover->ev,
						   .container = c,
						   .update = c->handed,
						   .by = ev->tgid });
	}
	return err;
}

static void forget_handover(struct rs_container *c)
{
	rs_drop(c->handover);
	c->handover = NULL;
	c->handed = NULL;
	c->heir = 0;
	c->nr_former = 0;
	c->former_unknown = false;
}

void rs_owner_exit(struct rs_model *m, __u32 tgid)
{
	for (struct rs_container *c = m->containers; c; c = c->hh.next) {
		/* Another process can get its number. */
		not_former(c, tgid);
		if (c->heir == tgid)
			forget_handover(c);
	}
}

void rs_owner_free(struct rs_container *c)
{
	forget_handover(c);
	free(c->former);
	c->former = NULL;
}
