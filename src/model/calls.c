// SPDX-License-Identifier: GPL-2.0-only
/* What calls of type1 and of iommufd have in common. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "model/calls.h"
#include "model/pages.h"

bool rs_proc_killed(const struct rs_model *m, __u32 tgid)
{
	const struct rs_proc *p;

	HASH_FIND(hh, m->procs, &tgid, sizeof(tgid), p);
	return p && p->exited && WIFSIGNALED(p->status);
}

int rs_call_failed(struct rs_model *m, const struct rs_event *ev, const struct rs_op *op,
		   const char *call)
{
	struct rs_failure f = {
		.err = rs_errno(op->ret),
		.first_ns = ev->ts,
		.proc = rs_proc_ref(m, ev->tgid),
		.in_window = op->invalid_before > 0,
	};

	snprintf(f.call, sizeof(f.call), "%s", call);
	return rs_tally_failure(m, &f);
}

int rs_foreign_pins(struct rs_model *m, struct rs_container *c, const struct rs_more *more,
		    const struct rs_event *ev)
{
	struct rs_foreign foreign = {
		.iova = more->foreign_iova,
		.calls = more->foreign_calls,
		.owner = rs_proc_by_mm(m, more->foreign_mm),
	};
	/* Armed, a range can be there that nobody has told of. */
	struct rs_range unknown = { .container = c, .iova = more->foreign_iova };
	struct rs_range *r = rs_range_at(c, more->foreign_iova.v);
	struct rs_mm *mm;
	int err;

	/* A kernel without vfio_dma.mm does not tell who is charged. */
	if (!more->foreign_calls || !more->foreign_mm)
		return 0;
	mm = rs_mm_get(m, more->foreign_mm);
	if (!mm)
		return -ENOMEM;
	err = rs_note(m, (struct rs_note){ .type = RS_N_FOREIGN_PIN,
					   .ts = ev->ts,
					   .ev = ev,
					   .container = c,
					   .mm = mm,
					   .range = r ? r : &unknown,
					   .foreign = &foreign,
					   .by = ev->tgid });
	rs_object_free(&unknown.obj);
	return err;
}

/* Somebody uses the container: is a range left behind in it whose owner's mm is gone? */
int rs_ranges_used(struct rs_model *m, struct rs_container *c, const struct rs_event *ev)
{
	int err = 0;

	for (size_t i = 0; c->nr_stale && i < c->nr && !err; i++) {
		if (!c->range[i]->stale)
			continue;
		/* Once is enough: a container of many would pay for it at every call. */
		c->range[i]->stale = false;
		c->nr_stale--;
		err = rs_note(m, (struct rs_note){ .type = RS_N_USED,
						   .ts = ev->ts,
						   .ev = ev,
						   .container = c,
						   .range = c->range[i],
						   .by = ev->tgid });
	}
	return err;
}

/*
 * A driver asks for a range that was left behind: by an exec. One whose owner exits goes with its container a
 * moment later, whatever a worker asks for until then.
 */
int rs_ranges_asked(struct rs_model *m, struct rs_container *c, const struct rs_ev_request *x,
		    const struct rs_event *ev)
{
	int err = 0;

	for (size_t i = rs_range_from(c, x->iova.v); c->nr_stale && i < c->nr && !err; i++) {
		struct rs_range *r = c->range[i];
		const struct rs_proc *p;

		if (r->iova.v > x->iova.v + (x->len - 1))
			break;
		HASH_FIND(hh, m->procs, &r->owner, sizeof(r->owner), p);
		if (!r->stale || !p || p->exited)
			continue;
		r->stale = false;
		c->nr_stale--;
		err = rs_note(m, (struct rs_note){ .type = RS_N_USED,
						   .ts = ev->ts,
						   .ev = ev,
						   .container = c,
						   .range = r,
						   .by = ev->tgid });
	}
	return err;
}

/* All ranges that are left go down with the container, or its last group. */
int rs_ranges_released(struct rs_model *m, struct rs_container *c, const struct rs_event *ev)
{
	int err = 0;

	for (size_t i = 0; i < c->nr && !err; i++)
		err = rs_note(m,
			      (struct rs_note){ .type = RS_N_RELEASED,
						.ts = ev->ts,
						.ev = ev,
						.container = c,
						.range = c->range[i],
						.by = ev->tgid,
						.killed = rs_proc_killed(m, ev->tgid) ||
							  rs_proc_killed(m, c->range[i]->owner) });
	return err;
}

struct rs_group *rs_group_of(const struct rs_container *c, __u64 key)
{
	for (size_t i = 0; i < c->nr_groups; i++)
		if (c->group[i].key == key)
			return &c->group[i];
	return NULL;
}

void rs_group_drop(struct rs_container *c, __u64 key)
{
	struct rs_group *g = rs_group_of(c, key);
	size_t iommu_left = 0;

	if (g)
		*g = c->group[--c->nr_groups];
	for (size_t i = 0; i < c->nr_groups; i++)
		iommu_left += c->group[i].iommu;
	if (!iommu_left)
		rs_pages_weaken(c);
}

int rs_group_add(struct rs_container *c, __u64 key, bool iommu)
{
	struct rs_group *g = rs_group_of(c, key);

	if (!g) {
		g = rs_grow(c->group, c->nr_groups, sizeof(*g));
		if (!g)
			return -ENOMEM;
		c->group = g;
		g += c->nr_groups++;
	}
	*g = (struct rs_group){ .key = key, .iommu = iommu };
	return 0;
}
