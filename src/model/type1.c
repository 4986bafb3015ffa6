// SPDX-License-Identifier: GPL-2.0-only
/* What the type1 backend's events mean for containers, ranges and windows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "model/pending.h"

/* include/uapi/linux/vfio.h */
#define MAP_FLAG_VADDR	 (1U << 2)
#define UNMAP_FLAG_ALL	 (1U << 1)
#define UNMAP_FLAG_VADDR (1U << 2)

static bool is_killed(const struct rs_model *m, __u32 tgid)
{
	const struct rs_proc *p;

	HASH_FIND(hh, m->procs, &tgid, sizeof(tgid), p);
	return p && p->exited && WIFSIGNALED(p->status);
}

static int failed(struct rs_model *m, const struct rs_event *ev, const struct rs_op *op,
		  const char *call)
{
	struct rs_failure f = {
		.err = -op->ret,
		.first_ns = ev->ts,
		.proc = rs_proc_ref(m, ev->tgid),
		.in_window = op->invalid_before > 0,
	};

	snprintf(f.call, sizeof(f.call), "%s", call);
	return rs_tally_failure(m, &f);
}

static int spent(struct rs_model *m, const struct rs_event *ev, const struct rs_op *op,
		 const struct rs_container *c, const char *what, rs_iova_t iova, __u64 size,
		 __u64 pages)
{
	struct rs_slow s = {
		.op = what,
		.path = op->ret < 0 ? RS_PATH_REFUSED : pages ? RS_PATH_GUP : RS_PATH_NONE,
		.reason = op->ret < 0 ? RS_REASON_OTHER : RS_REASON_NONE,
		.in_window = op->invalid_before > 0,
		.iova = iova,
		.size = size,
		.start_ns = op->start_ns,
		.len = ev->ts - op->start_ns,
		.proc = rs_proc_ref(m, ev->tgid),
		.container = c->view.id,
	};

	return rs_tally_add(m, &s, pages);
}

/*
 * The container of a request. Seen for the first time with ranges already invalid, it is inside a
 * window whose begin nobody saw.
 */
static struct rs_container *container_of_op(struct rs_model *m, const struct rs_event *ev,
					    const struct rs_op *op)
{
	struct rs_container *c = rs_container_get(m, op->container, op->start_ns);

	if (!c)
		return NULL;
	if (op->invalid_before && !c->window && !c->nr && !c->view.born) {
		c->joined_inside = true;
		if (rs_window_open(m, c, op->start_ns, ev->tgid))
			return NULL;
	}
	return c;
}

/* Somebody uses the container: is a range left behind in it whose owner's mm is gone? */
static int used(struct rs_model *m, struct rs_container *c, const struct rs_event *ev)
{
	int err = 0;

	for (size_t i = 0; c->nr_stale && i < c->nr && !err; i++)
		if (c->range[i]->stale)
			err = rs_note(m, (struct rs_note){ .type = RS_N_USED,
							   .ts = ev->ts,
							   .ev = ev,
							   .container = c,
							   .range = c->range[i],
							   .by = ev->tgid });
	return err;
}

static int invalidate(struct rs_model *m, struct rs_range *r, const struct rs_event *ev,
		      const struct rs_op *op)
{
	int err;

	if (r->invalid)
		return 0;
	err = rs_window_open(m, r->container, op->start_ns, ev->tgid);
	if (!err)
		err = rs_window_range(m, r, ev->ts);
	if (err)
		return err;
	r->invalid = true;
	return rs_note(m, (struct rs_note){ .type = RS_N_INVALIDATED,
					    .ts = ev->ts,
					    .ev = ev,
					    .container = r->container,
					    .range = r,
					    .by = ev->tgid });
}

/* Brings a range in line with what the kernel says of it. Return: the range or NULL without memory */
static struct rs_range *learn_range(struct rs_container *c, struct rs_seen_range *s, __u32 tgid)
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
	}
	if (!r->invalid)
		r->vaddr = s->ev.vaddr;
	r->prot = s->ev.prot;
	r->locked_pages = s->ev.locked_pages;
	if (s->ev.owner_mm)
		r->owner_mm = s->ev.owner_mm;
	if (!r->backing.known && s->backing.known) {
		r->backing = s->backing;
		s->backing = (struct rs_backing_list){ 0 };
	}
	return r;
}

static int on_invalidate(struct rs_model *m, struct rs_container *c, const struct rs_ev_map *x,
			 struct rs_pending *p, const struct rs_event *ev)
{
	size_t told = p ? p->nr_ranges : 0;
	int err = 0;

	for (size_t i = 0; i < told && !err; i++) {
		struct rs_range *r = learn_range(c, &p->range[i], ev->tgid);

		if (!r)
			return -ENOMEM;
		if (p->range[i].ev.flags & RS_RANGEF_INVALID)
			err = invalidate(m, r, ev, &x->op);
	}
	if (!err && told != x->nr_ranges) {
		/* Some were lost on the way: what was asked for is the next best thing to know. */
		m->incomplete++;
		for (size_t i = 0; i < c->nr && !err; i++) {
			struct rs_range *r = c->range[i];

			if ((x->uflags & UNMAP_FLAG_ALL) ||
			    (r->iova.v >= x->iova.v &&
			     r->iova.v + (r->size - 1) <= x->iova.v + (x->size - 1)))
				err = invalidate(m, r, ev, &x->op);
		}
	}
	if (c->window)
		c->window->view.invalidate_len += ev->ts - x->op.start_ns;
	return err;
}

static int on_unmap(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_pending *p;
	struct rs_ev_map x;
	bool vaddr;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	c = container_of_op(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	c->view.owner = rs_proc_ref(m, ev->tgid);
	vaddr = x.uflags & UNMAP_FLAG_VADDR;
	p = rs_pending_take(m, x.op.req);
	if (vaddr && !x.op.ret)
		err = on_invalidate(m, c, &x, p, ev);
	rs_pending_drop(p);
	if (!err && x.op.ret < 0)
		err = failed(m, ev, &x.op,
			     vaddr ? "VFIO_IOMMU_UNMAP_DMA(VADDR)" : "VFIO_IOMMU_UNMAP_DMA");
	if (!err)
		err = spent(m, ev, &x.op, c, vaddr ? "invalidate" : "unmap", x.iova,
			    x.op.ret ? x.size : x.size_after, 0);
	return err ? err : used(m, c, ev);
}

static int tell_translated(struct rs_model *m, struct rs_range *r, const struct rs_event *ev)
{
	if (r->container->window)
		r->container->window->view.translations++;
	return rs_note(m, (struct rs_note){ .type = RS_N_TRANSLATED,
					    .ts = ev->ts,
					    .ev = ev,
					    .container = r->container,
					    .range = r,
					    .by = ev->tgid });
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
	r->vaddr = x->old_vaddr;
	r->owner_mm = x->old_mm;
	return r;
}

static int on_remap(struct rs_model *m, struct rs_container *c, const struct rs_ev_map *x,
		    struct rs_seen_range *seen, const struct rs_event *ev)
{
	struct rs_range *r = rs_range_at(c, x->iova.v);
	struct rs_remap remap = { .ev = x };
	struct rs_note note = { .ts = ev->ts, .ev = ev, .container = c, .remap = &remap,
				.by = ev->tgid };
	static const struct rs_backing_list nothing;
	struct rs_range_view *v;
	int err;

	if (!r) {
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
		c->joined_inside |= !c->view.born;
		if (c->view.born)
			m->incomplete++;
	}
	remap.old = &r->backing;
	remap.now = seen ? &seen->backing : &nothing;
	remap.old_iova = r->iova;
	remap.old_size = r->size;
	remap.old_vaddr = r->vaddr;
	remap.old_owner_mm = x->old_mm ? x->old_mm : r->owner_mm;
	remap.old_mm_gone = !rs_mm_in_use(m, remap.old_owner_mm, 0);
	remap.locked_pages = seen && seen->ev.owner_mm ? seen->ev.locked_pages : UINT64_MAX;
	note.range = r;
	note.type = RS_N_REMAPPED;
	err = rs_note(m, note);
	if (!err) {
		note.type = RS_N_MAP_DONE;
		err = rs_note(m, note);
	}
	if (!err && (x->work.gup_calls || x->work.pin_calls))
		err = tell_translated(m, r, ev);
	if (err)
		return err;
	r->vaddr = seen ? seen->ev.vaddr : x->vaddr;
	r->owner = ev->tgid;
	r->owner_mm = seen && seen->ev.owner_mm ? seen->ev.owner_mm : ev->mm;
	r->invalid = false;
	if (r->stale) {
		r->stale = false;
		c->nr_stale--;
	}
	if (seen)
		r->locked_pages = seen->ev.locked_pages;
	v = r->view >= 0 ? &c->window->view.range[r->view] : NULL;
	if (v && seen) {
		v->remap_len = ev->ts - x->op.start_ns;
		err = rs_backing_copy(&v->new_backing, &seen->backing);
	}
	rs_window_range_done(m, r, RS_STATE_REMAPPED, ev->ts);
	if (!err && !r->backing.known && seen)
		err = rs_backing_copy(&r->backing, &seen->backing);
	return err;
}

static int on_new_map(struct rs_model *m, struct rs_container *c, const struct rs_ev_map *x,
		      struct rs_seen_range *seen, const struct rs_event *ev)
{
	struct rs_remap remap = { .ev = x, .old_mm_gone = true, .locked_pages = UINT64_MAX };
	struct rs_note note = { .ts = ev->ts, .ev = ev, .container = c, .remap = &remap,
				.by = ev->tgid };
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
	if (!err) {
		note.type = RS_N_MAP_DONE;
		err = rs_note(m, note);
	}
	if (!err && c->window) {
		c->window->view.new_maps++;
		note.type = RS_N_NEW_MAP;
		err = rs_note(m, note);
	}
	return err;
}

/* The last invalid range has its vaddr again, or is gone. */
static int close_if_done(struct rs_model *m, struct rs_container *c, const struct rs_event *ev,
			 enum rs_window_end end)
{
	if (!c->window || c->window->invalid)
		return 0;
	return rs_window_close(m, c, ev, end);
}

static int on_map(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_seen_range *seen = NULL;
	struct rs_container *c;
	struct rs_pending *p;
	struct rs_ev_map x;
	bool vaddr;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	c = container_of_op(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	c->view.owner = rs_proc_ref(m, ev->tgid);
	vaddr = x.uflags & MAP_FLAG_VADDR;
	p = rs_pending_take(m, x.op.req);
	if (p && p->nr_ranges)
		seen = &p->range[0];
	else if (x.nr_ranges)
		m->incomplete++;
	err = used(m, c, ev);
	if (err)
		goto out;
	if (vaddr && c->window)
		c->window->view.remap_len += ev->ts - x.op.start_ns;
	if (x.op.ret < 0)
		err = vaddr ? refused_remap(m, c, &x, ev) : 0;
	else if (vaddr)
		err = on_remap(m, c, &x, seen, ev);
	else
		err = on_new_map(m, c, &x, seen, ev);
	if (!err && vaddr && !x.op.ret && c->window)
		c->window->view.remaps++;
	if (!err && x.op.ret < 0)
		err = failed(m, ev, &x.op,
			     vaddr ? "VFIO_IOMMU_MAP_DMA(VADDR)" : "VFIO_IOMMU_MAP_DMA");
	if (!err)
		err = spent(m, ev, &x.op, c, vaddr ? "remap" : "map", x.iova, x.size,
			    x.work.pages_pinned);
	if (!err && vaddr)
		err = close_if_done(m, c, ev, RS_WINDOW_REMAPPED);
out:
	rs_pending_drop(p);
	return err;
}

/* A range goes down: by an unmap, or with its group or container. */
static int on_remove(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_note note = { .ts = ev->ts, .ev = ev, .by = ev->tgid };
	enum rs_window_end end = RS_WINDOW_UNMAPPED;
	struct rs_ev_remove x;
	struct rs_range *r;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	note.container = rs_container_get(m, x.container, ev->ts);
	if (!note.container)
		return -ENOMEM;
	r = rs_range_at(note.container, x.iova.v);
	if (!r || r->iova.v != x.iova.v)
		return 0;
	note.range = r;
	note.container->view.unmaps++;
	if (x.caller == RS_IN_IOCTL_UNMAP) {
		note.type = RS_N_PLAIN_UNMAP;
		if (r->invalid)
			err = rs_note(m, note);
		note.type = RS_N_UNMAPPED;
		rs_window_range_done(m, r, RS_STATE_UNMAPPED, ev->ts);
	} else {
		note.type = RS_N_RELEASED;
		note.killed = is_killed(m, ev->tgid) || is_killed(m, r->owner);
		end = note.killed ? RS_WINDOW_KILLED : RS_WINDOW_RELEASED;
		rs_window_range_done(m, r, RS_STATE_RELEASED, ev->ts);
	}
	if (!err)
		err = rs_note(m, note);
	rs_range_remove(note.container, r);
	return err ? err : close_if_done(m, note.container, ev, end);
}

static int on_open(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_open x;
	int err;

	rs_event_read(&x, sizeof(x), ev);
	HASH_FIND(hh, m->containers, &x.op.container, sizeof(c->key), c);
	if (c) {
		/* Its release was not seen. */
		m->incomplete++;
		err = c->window ? rs_window_close(m, c, ev, RS_WINDOW_RELEASED) : 0;
		if (!err)
			err = rs_container_release(m, c, ev->ts);
		if (err)
			return err;
	}
	c = rs_container_get(m, x.op.container, x.op.start_ns);
	if (!c)
		return -ENOMEM;
	c->view.born = true;
	c->view.owner = rs_proc_ref(m, ev->tgid);
	return 0;
}

static int on_release(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_release x;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	c = rs_container_get(m, x.op.container, x.op.start_ns);
	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr && !err; i++)
		err = rs_note(m, (struct rs_note){ .type = RS_N_RELEASED,
						   .ts = ev->ts,
						   .ev = ev,
						   .container = c,
						   .range = c->range[i],
						   .by = ev->tgid,
						   .killed = is_killed(m, ev->tgid) ||
							     is_killed(m, c->range[i]->owner) });
	if (!err && c->window)
		err = rs_window_close(m, c, ev,
				      is_killed(m, ev->tgid) ? RS_WINDOW_KILLED :
							       RS_WINDOW_RELEASED);
	return err ? err : rs_container_release(m, c, ev->ts);
}

static int on_group(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_group x;
	char call[64];
	int err;

	rs_event_read(&x, sizeof(x), ev);
	c = container_of_op(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	if (ev->type == RS_EV_DETACH)
		return 0;
	err = used(m, c, ev);
	if (!err && x.op.ret < 0) {
		snprintf(call, sizeof(call), "attach of group %u", x.group_id);
		return failed(m, ev, &x.op, call);
	}
	if (!err && c->window)
		err = rs_note(m, (struct rs_note){ .type = RS_N_ATTACHED,
						   .ts = ev->ts,
						   .ev = ev,
						   .container = c,
						   .by = ev->tgid });
	return err;
}

static const char *ioctl_name(__u32 cmd, char *buf, size_t len)
{
	switch (cmd) {
	case 0x3b65:
		return "VFIO_CHECK_EXTENSION";
	case 0x3b70:
		return "VFIO_IOMMU_GET_INFO";
	case 0x3b75:
		return "VFIO_IOMMU_DIRTY_PAGES";
	}
	snprintf(buf, len, "ioctl 0x%x", cmd);
	return buf;
}

static int on_ioctl(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_ioctl x;
	char name[32];
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	c = container_of_op(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	if (x.op.ret < 0)
		err = failed(m, ev, &x.op, ioctl_name(x.cmd, name, sizeof(name)));
	return err ? err : used(m, c, ev);
}

static int on_request(struct rs_model *m, const struct rs_event *ev)
{
	static const char *const ops[] = { "?", "pin", "unpin", "read", "write" };
	struct rs_ev_request x;
	struct rs_container *c;
	struct rs_slow s = { 0 };
	__u64 cached, pages;
	int err;

	rs_event_read(&x, sizeof(x), ev);
	s.op = ops[x.request < 5 ? x.request : 0];
	s.path = rs_classify(&x, &s.reason, &cached);
	s.in_window = x.op.invalid_before > 0;
	s.iova = x.iova;
	s.size = x.len;
	s.start_ns = x.op.start_ns;
	s.len = ev->ts - x.op.start_ns;
	s.proc = rs_proc_ref(m, ev->tgid);
	pages = x.request == RS_REQ_PIN && x.op.ret > 0 ? (__u64)x.op.ret :
							  (x.len + RS_PAGE_SIZE - 1) / RS_PAGE_SIZE;
	c = x.op.container ? container_of_op(m, ev, &x.op) : NULL;
	if (c)
		s.container = c->view.id;
	else if (x.op.container)
		return -ENOMEM;
	if (c && c->window)
		c->window->view.requests++;
	err = rs_tally_add(m, &s, x.op.ret < 0 ? 0 : pages);
	if (!err && x.op.ret < 0)
		err = failed(m, ev, &x.op, s.op);
	if (!c || !x.gup_calls || !x.len)
		return err;
	for (size_t i = rs_range_from(c, x.iova.v); i < c->nr && !err; i++) {
		if (c->range[i]->iova.v > x.iova.v + (x.len - 1))
			break;
		if (c->range[i]->invalid)
			err = tell_translated(m, c->range[i], ev);
	}
	return err;
}

/* Who asked for a range by its vaddr: vfio_pin_pages_remote() names the range. */
static int on_xlate(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_xlate x;
	struct rs_container *c;
	struct rs_range *r;

	rs_event_read(&x, sizeof(x), ev);
	c = rs_container_get(m, x.container, ev->ts);
	if (!c)
		return -ENOMEM;
	/* A driver's pin is judged when its request returns, which knows the iova. */
	if (!x.dma_size || x.caller == RS_IN_PIN)
		return 0;
	r = rs_range_at(c, x.dma_iova.v);
	if (!r || !r->invalid)
		return 0;
	return tell_translated(m, r, ev);
}

static int on_iommu(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_iommu x;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	if (x.removing || !x.size || (x.op == RS_IOMMU_MAP ? x.ret != 0 : x.ret <= 0))
		return 0;
	c = rs_container_get(m, x.container, ev->ts);
	if (!c)
		return -ENOMEM;
	for (size_t i = rs_range_from(c, x.iova.v); i < c->nr && !err; i++) {
		if (c->range[i]->iova.v > x.iova.v + (x.size - 1))
			break;
		if (c->range[i]->invalid)
			err = rs_note(m, (struct rs_note){ .type = RS_N_IOMMU_CHANGED,
							   .ts = ev->ts,
							   .ev = ev,
							   .container = c,
							   .range = c->range[i],
							   .by = ev->tgid });
	}
	return err;
}

int rs_model_type1(struct rs_model *m, const struct rs_event *ev)
{
	switch (ev->type) {
	case RS_EV_OPEN:
		return on_open(m, ev);
	case RS_EV_RELEASE:
		return on_release(m, ev);
	case RS_EV_ATTACH:
	case RS_EV_DETACH:
		return on_group(m, ev);
	case RS_EV_MAP:
		return on_map(m, ev);
	case RS_EV_UNMAP:
		return on_unmap(m, ev);
	case RS_EV_IOCTL:
		return on_ioctl(m, ev);
	case RS_EV_RANGE:
		return rs_pending_range(m, ev);
	case RS_EV_BACKING:
		return rs_pending_backing(m, ev);
	case RS_EV_REMOVE:
		return on_remove(m, ev);
	case RS_EV_REQUEST:
		return on_request(m, ev);
	case RS_EV_XLATE:
		return on_xlate(m, ev);
	case RS_EV_IOMMU:
		return on_iommu(m, ev);
	default:
		m->unread++;
		return 0;
	}
}
