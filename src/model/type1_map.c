// SPDX-License-Identifier: GPL-2.0-only
/* Maps, unmaps, invalidations and remaps of the type1 backend. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/calls.h"
#include "model/guest.h"
#include "model/irqs.h"
#include "model/memory.h"
#include "model/pages.h"
#include "model/type1.h"

/* include/uapi/linux/vfio.h */
#define MAP_FLAG_VADDR	 (1U << 2)
#define UNMAP_FLAG_ALL	 (1U << 1)
#define UNMAP_FLAG_VADDR (1U << 2)

/* @kept: the event, copied for the first range and shared by the others */
static int invalidate(struct rs_model *m, struct rs_range *r, const struct rs_event *ev,
		      const struct rs_op *op, struct rs_kept **kept)
{
	int err;

	if (r->invalid)
		return 0;
	err = rs_window_open(m, r->container, op->start_ns, ev->tgid);
	if (!err)
		err = rs_window_range(m, r, ev->ts);
	if (err)
		return err;
	if (!*kept)
		*kept = rs_keep(ev);
	if (!*kept)
		return -ENOMEM;
	(*kept)->refs++;
	rs_drop(r->invalidation);
	r->invalidation = *kept;
	r->invalid = true;
	r->ran = false;
	return rs_note(m, (struct rs_note){ .type = RS_N_INVALIDATED,
					    .ts = ev->ts,
					    .ev = ev,
					    .container = r->container,
					    .range = r,
					    .by = ev->tgid });
}

static int on_invalidate(struct rs_model *m, struct rs_container *c, const struct rs_ev_map *x,
			 struct rs_pending *p, const struct rs_event *ev)
{
	/* From one window's end to the next one's begin nothing may have been recorded. */
	bool gap = rs_model_gaps(m) && !c->window;
	size_t told = p ? p->nr_ranges : 0;
	bool all = told && told == x->nr_ranges && !(x->op.flags & RS_OPF_CONCURRENT);
	struct rs_kept *kept = NULL;
	int err = 0;

	if (all && gap)
		err = rs_type1_forget_untold(m, c, p, x->op.start_ns, false);
	for (size_t i = 0; i < told && !err; i++) {
		struct rs_range *r;

		if (!p->range[i].ev.size)
			continue;
		r = rs_type1_learn(c, &p->range[i], ev->tgid, ev->ts, gap);
		if (!r)
			err = -ENOMEM;
		else if (p->range[i].ev.flags & RS_RANGEF_INVALID)
			err = invalidate(m, r, ev, &x->op, &kept);
	}
	if (!err && all && !gap)
		err = rs_type1_forget_untold(m, c, p, x->op.start_ns, true);
	if (!err && told != x->nr_ranges) {
		/* Some were lost on the way: what was asked for is the next best thing to know. */
		err = rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts);
		for (size_t i = 0; i < c->nr && !err; i++) {
			struct rs_range *r = c->range[i];

			if ((x->uflags & UNMAP_FLAG_ALL) ||
			    (r->iova.v >= x->iova.v &&
			     r->iova.v + (r->size - 1) <= x->iova.v + (x->size - 1)))
				err = invalidate(m, r, ev, &x->op, &kept);
		}
	}
	rs_drop(kept);
	if (c->window)
		c->window->view.invalidate_len += rs_type1_len(x);
	return err;
}

/*
 * The kernel counts its invalid ranges (vaddr_invalid_count). If it counts others than we know, and
 * nobody else was at work, something has escaped us: then nothing may pass.
 */
static int compare_counts(struct rs_model *m, const struct rs_container *c, const struct rs_op *op,
			  __u64 ts)
{
	__u32 known = c->window ? c->window->invalid + c->window->unseen : 0;

	if (op->invalid_after == known || (op->flags & RS_OPF_CONCURRENT))
		return 0;
	return rs_model_gap_in(m, RS_GAP_PARTS, c, ts);
}

int rs_type1_unmap(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_pending *p;
	struct rs_ev_map x;
	bool vaddr;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	c = rs_type1_container(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	c->view.owner = rs_proc_ref(m, ev->tgid);
	vaddr = x.uflags & UNMAP_FLAG_VADDR;
	if (c->removing_req == x.op.req)
		c->removing_req = 0;
	p = rs_pending_take(m, x.op.req);
	if (!x.op.ret && x.size_after)
		err = rs_owner_changed(m, c, NULL, ev);
	if (!err && vaddr && !x.op.ret)
		err = on_invalidate(m, c, &x, p, ev);
	if (!err && vaddr && c->window)
		err = rs_guest_invalidated(m, c->window->update, ev);
	if (!err && vaddr && c->window)
		err = rs_irqs_at_stake(m, c->window->update, c, ev);
	if (!err)
		err = rs_pages_iommu(m, c, p, ev);
	rs_pending_drop(p);
	if (!err && x.op.ret < 0)
		err = rs_call_failed(m, ev, &x.op,
				     vaddr ? "VFIO_IOMMU_UNMAP_DMA(VADDR)"
					   : "VFIO_IOMMU_UNMAP_DMA");
	if (!err)
		err = compare_counts(m, c, &x.op, ev->ts);
	if (!err)
		err = rs_type1_spent(m, ev, &x, c);
	return err ? err : rs_ranges_used(m, c, ev);
}

static int refused_remap(struct rs_model *m, struct rs_container *c, const struct rs_ev_map *x,
			 const struct rs_event *ev)
{
	struct rs_remap remap = { .ev = x };
	int err = 0;

	if (c->window)
		c->window->view.failed_remaps++;
	for (size_t i = rs_range_from(c, x->iova.v); i < c->nr && !err; i++) {
		struct rs_range *r = c->range[i];

		if (x->size && r->iova.v > x->iova.v + (x->size - 1))
			break;
		if (!r->invalid)
			continue;
		remap.old_iova = r->iova;
		remap.old_size = r->size;
		err = rs_note(m, (struct rs_note){ .type = RS_N_REMAP_REFUSED,
						   .ts = ev->ts,
						   .ev = ev,
						   .container = c,
						   .range = r,
						   .remap = &remap,
						   .by = ev->tgid });
	}
	return err;
}

/* A range that was there, and invalid, before the recording. */
static struct rs_range *late_range(struct rs_container *c, const struct rs_ev_map *x)
{
	struct rs_range *r = rs_range_add(c, x->old_iova, x->old_size);

	if (!r)
		return NULL;
	r->since_ns = x->op.start_ns;
	r->vaddr = x->old_vaddr;
	r->owner_mm = x->old_mm;
	return r;
}

/* @mm: pays for the range from now on */
static int charged(struct rs_model *m, struct rs_note note, __u64 mm)
{
	note.type = RS_N_MAP_DONE;
	note.mm = rs_mm_get(m, mm);
	return mm && !note.mm ? -ENOMEM : rs_note(m, note);
}

static int on_remap(struct rs_model *m, struct rs_container *c, const struct rs_ev_map *x,
		    struct rs_seen_range *seen, const struct rs_event *ev)
{
	struct rs_range *r = rs_range_at(c, x->iova.v);
	struct rs_remap remap = { .ev = x };
	const struct rs_mm *old_mm;
	struct rs_note note = {
		.ts = ev->ts, .ev = ev, .container = c, .remap = &remap, .by = ev->tgid
	};
	static const struct rs_backing_list nothing;
	struct rs_range_view *v;
	enum rs_memory memory;
	char why[256];
	int err;

	if (!r) {
		if (!x->old_size) {
			/* The kernel remapped what it did not have a moment before: pieces are missing. */
			return rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts);
		}
		r = late_range(c, x);
		if (!r)
			return -ENOMEM;
	}
	if (!r->invalid) {
		/* Its invalidation was not seen: the kernel says that it was invalid. */
		err = rs_window_open(m, c, x->op.start_ns, ev->tgid);
		if (!err)
			err = rs_window_range(m, r, x->op.start_ns);
		if (err)
			return err;
		r->invalid = true;
		c->joined_inside |= !rs_container_whole(c);
		if (c->window->unseen)
			c->window->unseen--;
		else if (rs_container_whole(c))
			err = rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts);
		if (err)
			return err;
	}
	remap.old = &r->backing;
	remap.now = seen ? &seen->backing : &nothing;
	remap.old_iova = r->iova;
	remap.old_size = r->size;
	remap.old_vaddr = r->vaddr;
	remap.old_owner_mm = x->old_mm ? x->old_mm : r->owner_mm;
	remap.old_mm_gone = !rs_mm_in_use(m, remap.old_owner_mm, 0);
	old_mm = rs_mm_find(m, remap.old_owner_mm);
	remap.old_mm_unsure = remap.old_mm_gone && old_mm && old_mm->shared && !old_mm->gone;
	if (remap.old_mm_gone && remap.old_owner_mm != ev->mm && !(old_mm && old_mm->gone))
		c->view.mms_ns = ev->ts;
	remap.locked_pages = seen && seen->ev.owner_mm ? seen->ev.locked_pages : UINT64_MAX;
	remap.verified = m->verify != RS_VERIFY_NONE;
	memory = rs_memory_compare(&remap, why, sizeof(why));
	note.range = r;
	note.type = RS_N_REMAPPED;
	err = rs_note(m, note);
	if (!err)
		err = charged(m, note, seen && seen->ev.owner_mm ? seen->ev.owner_mm : ev->mm);
	if (!err && (x->work.gup_calls || x->work.pin_calls))
		err = rs_type1_translated(m, r, ev);
	if (!err)
		err = rs_owner_remapped(m, r, ev);
	if (!err)
		err = rs_update_remapped(c->window->update, ev->tgid);
	if (err)
		return err;
	rs_drop(r->invalidation);
	r->invalidation = NULL;
	r->vaddr = seen ? seen->ev.vaddr : x->vaddr;
	r->owner = ev->tgid;
	r->owner_mm = seen && seen->ev.owner_mm ? seen->ev.owner_mm : ev->mm;
	r->invalid = false;
	r->told_ns = seen ? seen->ev.h.ts : ev->ts;
	if (remap.verified) {
		r->remap_req = x->op.req;
		r->remap_window = c->window->view.id;
		r->remap_view = r->view;
		free(r->unproved);
		r->unproved = memory == RS_MEMORY_UNPROVED ? strdup(why) : NULL;
		if (memory == RS_MEMORY_UNPROVED && !r->unproved)
			return -ENOMEM;
	}
	if (r->stale) {
		r->stale = false;
		c->nr_stale--;
	}
	if (seen)
		r->locked_pages = seen->ev.locked_pages;
	v = r->view >= 0 ? &c->window->view.range[r->view] : NULL;
	if (v) {
		v->remap_len = rs_type1_len(x);
		v->memory = memory;
	}
	if (v && seen)
		err = rs_backing_copy(&v->new_backing, &seen->backing);
	rs_window_range_done(m, r, RS_STATE_REMAPPED, ev->ts);
	if (!err && !r->backing.known && seen)
		err = rs_backing_copy(&r->backing, &seen->backing);
	return err;
}

static int on_new_map(struct rs_model *m, struct rs_container *c, const struct rs_ev_map *x,
		      struct rs_seen_range *seen, const struct rs_event *ev)
{
	struct rs_remap remap = { .ev = x, .old_mm_gone = true, .locked_pages = UINT64_MAX };
	struct rs_note note = {
		.ts = ev->ts, .ev = ev, .container = c, .remap = &remap, .by = ev->tgid
	};
	struct rs_range *r;
	int err;

	r = rs_range_at(c, x->iova.v);
	if (r)
		/* Taken down unseen. */
		rs_range_remove(c, r);
	r = rs_range_add(c, x->iova, x->size ? x->size : RS_PAGE_SIZE);
	if (!r)
		return -ENOMEM;
	r->vaddr = x->vaddr;
	r->owner = ev->tgid;
	r->owner_mm = ev->mm;
	r->since_ns = ev->ts;
	r->mapped_seen = true;
	r->told_ns = seen ? seen->ev.h.ts : ev->ts;
	if (seen) {
		r->prot = seen->ev.prot;
		r->locked_pages = seen->ev.locked_pages;
		if (seen->ev.owner_mm) {
			r->owner_mm = seen->ev.owner_mm;
			remap.locked_pages = seen->ev.locked_pages;
		}
		r->backing = seen->backing;
		seen->backing = (struct rs_backing_list){ 0 };
	}
	c->view.maps++;
	remap.now = &r->backing;
	note.range = r;
	note.type = RS_N_MAPPED;
	err = rs_note(m, note);
	if (!err)
		err = charged(m, note, r->owner_mm);
	if (!err && c->window) {
		c->window->view.new_maps++;
		note.type = RS_N_NEW_MAP;
		err = rs_note(m, note);
	}
	if (!err)
		err = rs_owner_changed(m, c, r, ev);
	if (!err && (x->more.more & RS_MOREF_PFN))
		err = rs_pages_first(m, r, x->more.pfn, ev);
	return err;
}

int rs_type1_map(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_seen_range *seen = NULL;
	struct rs_container *c;
	struct rs_pending *p;
	struct rs_ev_map x;
	bool vaddr;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	c = rs_type1_container(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	c->view.owner = rs_proc_ref(m, ev->tgid);
	vaddr = x.uflags & MAP_FLAG_VADDR;
	p = rs_pending_take(m, x.op.req);
	if (p && p->nr_ranges)
		seen = &p->range[0];
	else if (x.nr_ranges)
		err = rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts);
	if (!err)
		err = rs_ranges_used(m, c, ev);
	if (err)
		goto out;
	if (vaddr && c->window)
		c->window->view.remap_len += rs_type1_len(&x);
	if (x.op.ret < 0)
		err = vaddr ? refused_remap(m, c, &x, ev) : 0;
	else if (vaddr)
		err = on_remap(m, c, &x, seen, ev);
	else
		err = on_new_map(m, c, &x, seen, ev);
	if (!err)
		err = rs_pages_iommu(m, c, p, ev);
	if (!err)
		err = rs_foreign_pins(m, c, &x.more, ev);
	if (!err && vaddr && !x.op.ret && c->window)
		c->window->view.remaps++;
	if (!err && x.op.ret < 0)
		err = rs_call_failed(m, ev, &x.op,
				     vaddr ? "VFIO_IOMMU_MAP_DMA(VADDR)" : "VFIO_IOMMU_MAP_DMA");
	if (!err)
		err = rs_type1_spent(m, ev, &x, c);
	if (!err)
		err = compare_counts(m, c, &x.op, ev->ts);
	if (!err && vaddr)
		err = rs_type1_close_if_done(m, c, ev, RS_WINDOW_REMAPPED);
out:
	rs_pending_drop(p);
	return err;
}
