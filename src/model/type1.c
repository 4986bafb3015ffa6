// SPDX-License-Identifier: GPL-2.0-only
/* What the type1 backend's events mean for containers, ranges and windows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/calls.h"
#include "model/devices.h"
#include "model/guest.h"
#include "model/ioctx.h"
#include "model/pages.h"
#include "model/type1.h"

int rs_type1_spent(struct rs_model *m, const struct rs_event *ev, const struct rs_ev_map *x,
		   const struct rs_container *c)
{
	bool unmap = ev->type == RS_EV_UNMAP;
	struct rs_paths paths;
	struct rs_slow s = {
		.op = rs_request_name(rs_map_request(unmap, x->uflags)),
		.in_window = x->op.invalid_before > 0,
		.iova = x->iova,
		.size = unmap && !x->op.ret ? x->size_after : x->size,
		.start_ns = x->op.start_ns,
		.len = rs_type1_len(x),
		.proc = rs_proc_ref(m, ev->tgid),
		.container = c->view.id,
	};

	if (x->more.work_ns > x->op.start_ns && x->more.work_ns - x->op.start_ns <= s.len)
		s.wait_len = x->more.work_ns - x->op.start_ns;
	rs_work_paths(&x->work, x->op.ret, &paths);
	s.path = paths.path;
	s.reason = paths.reason;
	return rs_tally_add(m, NULL, &s, paths.pages);
}

__u64 rs_type1_len(const struct rs_ev_map *x)
{
	__u64 end = x->more.end_ns;

	return (end > x->op.start_ns && end < x->h.ts ? end : x->h.ts) - x->op.start_ns;
}

/*
 * The container of a request. Seen for the first time with ranges already invalid, it is inside a
 * window whose begin nobody saw.
 */
struct rs_container *rs_type1_container(struct rs_model *m, const struct rs_event *ev,
					const struct rs_op *op)
{
	struct rs_container *c = rs_container_get(m, op->container, op->start_ns);

	if (!c)
		return NULL;
	if (op->invalid_before && !c->window && !c->nr && !rs_container_whole(c)) {
		c->joined_inside = true;
		if (rs_window_open(m, c, op->start_ns, ev->tgid))
			return NULL;
		c->window->unseen = op->invalid_before;
	}
	return c;
}

int rs_type1_translated(struct rs_model *m, struct rs_range *r, const struct rs_event *ev)
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

/* The last invalid range has its vaddr again, or is gone. */
int rs_type1_close_if_done(struct rs_model *m, struct rs_container *c, const struct rs_event *ev,
			   enum rs_window_end end)
{
	if (!c->window || c->window->invalid || c->window->unseen)
		return 0;
	return rs_window_close(m, c, ev, end);
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
	rs_pending_removed(m, &x);
	note.container->removing_req = x.req;
	note.container->removing_iova = x.iova.v;
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
		note.killed = rs_proc_killed(m, ev->tgid) || rs_proc_killed(m, r->owner);
		end = note.killed ? RS_WINDOW_KILLED : RS_WINDOW_RELEASED;
		rs_window_range_done(m, r, RS_STATE_RELEASED, ev->ts);
	}
	if (!err)
		err = rs_note(m, note);
	rs_range_remove(note.container, r);
	return err ? err : rs_type1_close_if_done(m, note.container, ev, end);
}

static int on_open(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_open x;
	int err;

	rs_event_read(&x, sizeof(x), ev);
	c = rs_container_find(m, (struct rs_key){ .object = x.op.container });
	if (c) {
		/* Its release was not seen. */
		err = rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts);
		if (!err)
			err = rs_devices_close(m, c, -1, NULL);
		if (!err && c->window)
			err = rs_window_close(m, c, ev, RS_WINDOW_RELEASED);
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
	int err;

	rs_event_read(&x, sizeof(x), ev);
	c = rs_type1_container(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	err = rs_devices_close(m, c, -1, ev);
	if (!err)
		err = rs_ranges_released(m, c, ev);
	if (!err && c->window)
		err = rs_window_close(m, c, ev,
				      rs_proc_killed(m, ev->tgid) ? RS_WINDOW_KILLED
								  : RS_WINDOW_RELEASED);
	return err ? err : rs_container_release(m, c, ev->ts);
}

/*
 * vfio_iommu_type1_detach_group(): with the last group all ranges go; with the last IOMMU-backed one, if
 * emulated ones are left, the IOMMU lets go of their pages.
 */
static int on_detach(struct rs_model *m, struct rs_container *c, const struct rs_ev_group *x,
		     const struct rs_event *ev)
{
	int err;

	if (c->removing_req == x->op.req)
		c->removing_req = 0;
	err = rs_devices_close(m, c, x->group_id, ev);
	if (err)
		return err;
	rs_group_drop(c, x->group);
	if (!rs_model_gaps(m) || c->window)
		return 0;
	/* Nobody tells the ranges that went. */
	if (!c->view.born || c->nr_groups) {
		c->group_gone |= !c->view.born;
		return 0;
	}
	err = rs_ranges_released(m, c, ev);
	rs_range_remove_all(c);
	return err;
}

static int on_attach(struct rs_model *m, struct rs_container *c, const struct rs_ev_group *x,
		     const struct rs_event *ev)
{
	int err = rs_group_add(c, x->group, !x->group_type);

	return err ? err : rs_foreign_pins(m, c, &x->more, ev);
}

static int on_group(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_pending *p;
	struct rs_ev_group x;
	char call[64];
	int err;

	rs_event_read(&x, sizeof(x), ev);
	c = rs_type1_container(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	if (ev->type == RS_EV_DETACH)
		return on_detach(m, c, &x, ev);
	p = rs_pending_take(m, x.op.req);
	err = rs_ranges_used(m, c, ev);
	if (!err)
		err = rs_pages_iommu(m, c, p, ev);
	rs_pending_drop(p);
	if (!err && x.op.ret < 0) {
		snprintf(call, sizeof(call), "attach of group %u", x.group_id);
		return rs_call_failed(m, ev, &x.op, call);
	}
	if (!err && c->window)
		err = rs_note(m, (struct rs_note){ .type = RS_N_ATTACHED,
						   .ts = ev->ts,
						   .ev = ev,
						   .container = c,
						   .by = ev->tgid });
	return err ? err : on_attach(m, c, &x, ev);
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
	c = rs_type1_container(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	if (x.op.ret < 0)
		err = rs_call_failed(m, ev, &x.op, ioctl_name(x.cmd, name, sizeof(name)));
	if (!err)
		err = rs_guest_ioctl(m, c, &x, ev);
	return err ? err : rs_ranges_used(m, c, ev);
}

static int on_request(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c = NULL;
	struct rs_device *d = NULL;
	struct rs_ev_request x;
	struct rs_pending *p;
	struct rs_paths paths;
	struct rs_slow s;
	bool inside;
	int err;

	rs_event_read(&x, sizeof(x), ev);
	if (x.op.container)
		c = rs_type1_container(m, ev, &x.op);
	if (x.op.container && !c)
		return -ENOMEM;
	if (x.device)
		d = rs_device_of(m, &x, c);
	if (x.device && !d)
		return -ENOMEM;
	if (c && c->window)
		c->window->view.requests++;
	rs_wait_over(m, x.op.req);
	rs_request_cost(m, &x, &s, &paths);
	p = rs_pending_take(m, x.op.req);
	/* One that was there before the window has translated before it, unless it is seen to do so inside. */
	inside = x.op.invalid_before || (p && p->inside);
	err = rs_tally_add(m, d, &s, paths.pages);
	if (!err && x.op.ret < 0)
		err = rs_call_failed(m, ev, &x.op, s.op);
	if (!err)
		err = rs_device_request(m, d, c, &x, p, ev);
	rs_pending_drop(p);
	if (!err && c && x.len)
		err = rs_ranges_asked(m, c, &x, ev);
	if (!c || !inside || !x.gup_calls || !x.len)
		return err;
	/* It waited until its ranges had a vaddr, as the kernel says; the remap's own record may come later. */
	if (x.waits && x.rflags & RS_REQF_RANGE && !(x.range_flags & RS_RANGEF_INVALID))
		return err;
	for (size_t i = rs_range_from(c, x.iova.v); i < c->nr && !err; i++) {
		if (c->range[i]->iova.v > x.iova.v + (x.len - 1))
			break;
		if (c->range[i]->invalid)
			err = rs_type1_translated(m, c->range[i], ev);
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
	/* A context has no window. */
	if (rs_ioctx_find(m, x.container))
		return 0;
	c = rs_container_get(m, x.container, ev->ts);
	if (!c)
		return -ENOMEM;
	/* A driver's pin is judged when its request returns, which knows the iova. */
	if (x.caller == RS_IN_PIN)
		return rs_pending_inside(m, x.req);
	if (!x.dma_size)
		return 0;
	r = rs_range_at(c, x.dma_iova.v);
	if (!r || !r->invalid)
		return 0;
	return rs_type1_translated(m, r, ev);
}

static int on_iommu(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_iommu x;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	if (x.removing || !x.size || (x.op == RS_IOMMU_MAP ? x.ret != 0 : x.ret <= 0) ||
	    rs_ioctx_find(m, x.container))
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
		return rs_type1_map(m, ev);
	case RS_EV_UNMAP:
		return rs_type1_unmap(m, ev);
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
	case RS_EV_SNAPSHOT:
		return rs_type1_snapshot(m, ev);
	default:
		return rs_model_gap_in(m, RS_GAP_UNREAD, NULL, ev->ts);
	}
}
