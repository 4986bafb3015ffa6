// SPDX-License-Identifier: GPL-2.0-only
/* Contexts that were there before the recording: a snapshot tells each ioas. */
#include <errno.h>
#include "model/iommufd.h"

/* A release of the context, or the ioas, since the snapshot began: what was found may be of the one before. */
static bool gone_since(const struct rs_model *m, const struct rs_ev_snapshot *e)
{
	for (size_t i = m->nr_past_ioctxs; i-- > 0;)
		if (m->past_ioctx[i].key == e->op.container &&
		    m->past_ioctx[i].released_ns >= e->op.start_ns)
			return true;
	for (size_t i = m->nr_past; i-- > 0;)
		if (m->past[i].key == e->op.container && m->past[i].ioas == e->ioas &&
		    m->past[i].released_ns >= e->op.start_ns)
			return true;
	return false;
}

/* What is known of the same place and is newer than the piece, which then says nothing. */
static bool known_better(const struct rs_container *c, const struct rs_ev_range *told)
{
	for (size_t i = rs_range_from(c, told->iova.v); i < c->nr; i++) {
		if (c->range[i]->iova.v > told->iova.v + (told->size - 1))
			break;
		if (c->range[i]->told_ns > told->h.ts)
			return true;
	}
	return false;
}

static int learn_piece(struct rs_model *m, struct rs_container *c, struct rs_seen_range *s,
		       const struct rs_event *ev)
{
	const struct rs_range *known;
	struct rs_range *r;
	bool fresh;

	if (s->gone || !s->ev.size || known_better(c, &s->ev))
		return 0;
	known = rs_range_at(c, s->ev.iova.v);
	fresh = !known || known->iova.v != s->ev.iova.v || known->size != s->ev.size;
	r = rs_iommufd_learn(m, c, s, s->ev.h.ts);
	if (!r)
		return -ENOMEM;
	if (!fresh || r->area != RS_AREA_USER)
		return 0;
	return rs_note(m, (struct rs_note){ .type = RS_N_FOUND,
					    .ts = ev->ts,
					    .ev = ev,
					    .container = c,
					    .range = r,
					    .by = ev->tgid });
}

int rs_iommufd_forget(struct rs_model *m, struct rs_container *c, __u64 before, bool loss)
{
	int err = 0;

	for (size_t i = 0; i < c->nr && !err;) {
		if (c->range[i]->told_ns >= before) {
			i++;
			continue;
		}
		if (loss)
			err = rs_model_gap_in(m, RS_GAP_PARTS, c, m->last_ns);
		rs_range_remove(c, c->range[i]);
	}
	return err;
}

/* The areas' owner has had another program since, or is gone, when they are found. */
static int left_before(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev)
{
	__u32 tgid = x->view.owner.tgid;
	const struct rs_proc *p;

	HASH_FIND(hh, m->procs, &tgid, sizeof(tgid), p);
	if (x->left || !x->owner_mm || !p || (!p->exited && (!p->mm || p->mm == x->owner_mm)))
		return 0;
	x->left = true;
	return rs_note(
		m,
		(struct rs_note){
			.type = RS_N_OWNER_LEFT, .ts = ev->ts, .ev = ev, .ioctx = x, .by = tgid });
}

static int found_ioas(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_snapshot *e,
		      const struct rs_pending *p, const struct rs_event *ev)
{
	struct rs_container *c = rs_iommufd_ioas(m, x, e->ioas, e->op.start_ns);
	size_t told = p ? p->nr_ranges : 0;
	int err = c ? 0 : -ENOMEM;

	if (!err && !c->view.owner.tgid)
		c->view.owner = rs_proc_ref(m, e->owner_tgid ? e->owner_tgid : ev->tgid);
	for (size_t i = 0; i < told && !err; i++)
		err = learn_piece(m, c, &p->range[i], ev);
	if (err)
		return err;
	if (told != e->nr_ranges) {
		err = rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts);
	} else if (e->why != RS_SNAP_OWNER && !(e->op.flags & RS_OPF_CONCURRENT)) {
		err = rs_iommufd_forget(m, c, e->op.start_ns, e->why == RS_SNAP_START);
		c->view.found = !c->view.born;
		c->view.found_ranges = e->nr_ranges;
	}
	return err ? err : left_before(m, x, ev);
}

int rs_iommufd_snapshot(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_snapshot e;
	struct rs_pending *p;
	struct rs_ioctx *x;
	int err = 0;

	rs_event_read(&e, sizeof(e), ev);
	p = rs_pending_take(m, e.op.req);
	if (gone_since(m, &e))
		goto out;
	x = rs_ioctx_get(m, e.op.container, e.op.start_ns);
	if (!x) {
		err = -ENOMEM;
		goto out;
	}
	if (e.why != RS_SNAP_OWNER)
		x->view.found = !x->view.born;
	if (!x->view.opener.tgid)
		x->view.opener = rs_proc_ref(m, e.owner_tgid ? e.owner_tgid : ev->tgid);
	if (e.ioas)
		err = found_ioas(m, x, &e, p, ev);
out:
	rs_pending_drop(p);
	return err;
}
