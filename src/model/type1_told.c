// SPDX-License-Identifier: GPL-2.0-only
/* Ranges as the kernel tells them, without anybody having mapped them in sight: in an invalidation or a
 * snapshot. */
#include <errno.h>
#include <stdlib.h>
#include "model/pages.h"
#include "model/type1.h"

static bool is_as_told(const struct rs_range *r, const struct rs_ev_range *told)
{
	return r->vaddr.v == told->vaddr.v && r->prot == told->prot &&
	       r->locked_pages == told->locked_pages &&
	       (!told->owner_mm || r->owner_mm == told->owner_mm);
}

struct rs_range *rs_type1_learn(struct rs_container *c, struct rs_seen_range *s, __u32 tgid,
				__u64 ts, bool other)
{
	struct rs_range *r = rs_range_at(c, s->ev.iova.v);

	if (r && (r->iova.v != s->ev.iova.v || r->size != s->ev.size)) {
		rs_range_remove(c, r);
		r = NULL;
	}
	if (!r) {
		r = rs_range_add(c, s->ev.iova, s->ev.size);
		if (!r)
			return NULL;
		r->owner = tgid;
		r->vaddr = s->ev.vaddr;
		r->since_ns = ts;
	} else if (other) {
		rs_backing_free(&r->backing);
		rs_pages_forget(r);
		r->since_ns = ts;
		r->mapped_seen = false;
		if (s->ev.owner_mm && r->owner_mm != s->ev.owner_mm)
			r->owner = tgid;
	}
	if (!r->invalid)
		r->vaddr = s->ev.vaddr;
	r->told_ns = s->ev.h.ts;
	r->prot = s->ev.prot;
	r->locked_pages = s->ev.locked_pages;
	if (s->ev.owner_mm)
		r->owner_mm = s->ev.owner_mm;
	/* What the old vaddr of one that had none already shows now proves nothing. */
	if (!r->backing.known && s->backing.known && !r->invalid) {
		r->backing = s->backing;
		s->backing = (struct rs_backing_list){ 0 };
	}
	return r;
}

int rs_type1_forget_untold(struct rs_model *m, struct rs_container *c, const struct rs_pending *p,
			   __u64 before, bool loss)
{
	size_t i = 0, told = 0, nr = p ? p->nr_ranges : 0;
	int err = 0;

	while (i < c->nr && !err) {
		struct rs_range *r = c->range[i];

		while (told < nr && p->range[told].ev.iova.v < r->iova.v)
			told++;
		if (r->told_ns >= before || (told < nr && p->range[told].ev.iova.v == r->iova.v)) {
			i++;
			continue;
		}
		if (loss)
			err = rs_model_gap_in(m, RS_GAP_PARTS, c, m->last_ns);
		rs_window_range_done(m, r, RS_STATE_UNMAPPED, 0);
		rs_range_remove(c, r);
	}
	return err;
}

/* A release of the container since the snapshot began: what was found may be of the one before. */
static bool released_since(const struct rs_model *m, const struct rs_ev_snapshot *x)
{
	for (size_t i = m->nr_past; i-- > 0;)
		if (m->past[i].key == x->op.container && m->past[i].released_ns >= x->op.start_ns)
			return true;
	return false;
}

/* What is known of the same place and is newer than the piece, which then says nothing. */
static bool known_better(struct rs_container *c, const struct rs_ev_range *told)
{
	for (size_t i = rs_range_from(c, told->iova.v); i < c->nr; i++) {
		if (c->range[i]->iova.v > told->iova.v + (told->size - 1))
			break;
		if (c->range[i]->told_ns > told->h.ts)
			return true;
	}
	return false;
}

static int note_found(struct rs_model *m, struct rs_range *r, enum rs_note_type type,
		      const struct rs_event *ev)
{
	return rs_note(m, (struct rs_note){ .type = type,
					    .ts = ev->ts,
					    .ev = ev,
					    .container = r->container,
					    .range = r,
					    .by = ev->tgid });
}

/* Its window has begun before, nobody knows when; what its old vaddr shows now proves nothing. */
static int found_invalid(struct rs_model *m, struct rs_range *r, const struct rs_ev_snapshot *x,
			 const struct rs_event *ev)
{
	struct rs_container *c = r->container;
	int err;

	rs_backing_free(&r->backing);
	err = rs_window_open(m, c, x->op.start_ns, x->owner_tgid);
	if (!err)
		err = rs_window_range(m, r, r->told_ns);
	if (err)
		return err;
	r->invalid = true;
	c->joined_inside = true;
	if (c->window->unseen)
		c->window->unseen--;
	return note_found(m, r, RS_N_FOUND_INVALID, ev);
}

static bool has_mm(const struct rs_model *m, __u32 tgid, __u64 mm)
{
	const struct rs_proc *p;

	HASH_FIND(hh, m->procs, &tgid, sizeof(tgid), p);
	return p && !p->exited && p->mm == mm;
}

static int learn_piece(struct rs_model *m, struct rs_container *c, struct rs_seen_range *s,
		       const struct rs_ev_snapshot *x, const struct rs_event *ev)
{
	bool invalid = s->ev.flags & RS_RANGEF_INVALID, other, fresh;
	__u32 owner = rs_proc_by_mm(m, s->ev.owner_mm), guess = x->owner_tgid;
	struct rs_range *r;

	if (s->gone || !s->ev.size || known_better(c, &s->ev))
		return 0;
	r = rs_range_at(c, s->ev.iova.v);
	fresh = !r || r->iova.v != s->ev.iova.v || r->size != s->ev.size;
	if (!fresh && r->invalid != invalid) {
		/* At this moment it loses its vaddr, or gets one: the request that does it will say so. */
		if (x->op.flags & RS_OPF_CONCURRENT)
			return 0;
		if (rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts))
			return -ENOMEM;
	}
	if (r && fresh)
		rs_window_range_done(m, r, RS_STATE_UNMAPPED, 0);
	/* Where nothing is recorded, or not all, another range can have come in its place unseen. */
	other = (rs_model_gaps(m) || x->why == RS_SNAP_FILTER) && !fresh && !c->window &&
		(s->backing.known || !is_as_told(r, &s->ev));
	r = rs_type1_learn(c, s, owner ? owner : guess ? guess : ev->tgid, s->ev.h.ts, other);
	if (!r)
		return -ENOMEM;
	/* Found by another process that has the container, it was taken for that one's. */
	if (owner && !has_mm(m, r->owner, s->ev.owner_mm))
		r->owner = owner;
	if (x->why == RS_SNAP_OWNER)
		r->leaving = ev->tgid;
	if (invalid && !r->invalid)
		return found_invalid(m, r, x, ev);
	if (!invalid && r->invalid) {
		r->invalid = false;
		rs_drop(r->invalidation);
		r->invalidation = NULL;
		r->vaddr = s->ev.vaddr;
		rs_window_range_done(m, r, RS_STATE_REMAPPED, s->ev.h.ts);
	}
	/* That it is left behind is said also of one that is known. */
	return fresh || x->why == RS_SNAP_OWNER ? note_found(m, r, RS_N_FOUND, ev) : 0;
}

/* All of them, and nobody changed anything meanwhile: that is the container. */
static int found_whole(struct rs_model *m, struct rs_container *c, const struct rs_ev_snapshot *x,
		       const struct rs_pending *p, const struct rs_event *ev)
{
	__u32 invalid = x->op.invalid_after;

	int err = rs_type1_forget_untold(m, c, p, x->op.start_ns,
					 !rs_model_gaps(m) && x->why == RS_SNAP_START);

	c->view.found = !c->view.born;
	c->view.found_ranges = x->nr_ranges;
	if (err || !c->window)
		return err;
	c->window->unseen = invalid > c->window->invalid ? invalid - c->window->invalid : 0;
	return rs_type1_close_if_done(m, c, ev, RS_WINDOW_REMAPPED);
}

int rs_type1_snapshot(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_snapshot x;
	struct rs_pending *p;
	size_t told;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	p = rs_pending_take(m, x.op.req);
	if (released_since(m, &x))
		goto out;
	err = -ENOMEM;
	c = rs_container_get(m, x.op.container, x.op.start_ns);
	if (!c)
		goto out;
	if (!c->view.owner.tgid)
		c->view.owner = rs_proc_ref(m, x.owner_tgid ? x.owner_tgid : ev->tgid);
	told = p ? p->nr_ranges : 0;
	err = 0;
	for (size_t i = 0; i < told && !err; i++)
		err = learn_piece(m, c, &p->range[i], &x, ev);
	if (err)
		goto out;
	if (told != x.nr_ranges)
		err = rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts);
	else if (x.why != RS_SNAP_OWNER && !(x.op.flags & RS_OPF_CONCURRENT))
		err = found_whole(m, c, &x, p, ev);
out:
	rs_pending_drop(p);
	return err;
}
