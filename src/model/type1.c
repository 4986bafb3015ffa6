// SPDX-License-Identifier: GPL-2.0-only
/* What the type1 backend's events mean for containers, ranges and windows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "model/type1.h"

static bool is_killed(const struct rs_model *m, __u32 tgid)
{
	const struct rs_proc *p;

	HASH_FIND(hh, m->procs, &tgid, sizeof(tgid), p);
	return p && p->exited && WIFSIGNALED(p->status);
}

int rs_type1_failed(struct rs_model *m, const struct rs_event *ev, const struct rs_op *op,
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

int rs_type1_spent(struct rs_model *m, const struct rs_event *ev, const struct rs_op *op,
		   const struct rs_container *c, const char *what, rs_iova_t iova, __u64 size,
		   const struct rs_work *work)
{
	struct rs_paths paths;
	struct rs_slow s = {
		.op = what,
		.in_window = op->invalid_before > 0,
		.iova = iova,
		.size = size,
		.start_ns = op->start_ns,
		.len = ev->ts - op->start_ns,
		.proc = rs_proc_ref(m, ev->tgid),
		.container = c->view.id,
	};

	rs_work_paths(work, op->ret, &paths);
	s.path = paths.path;
	s.reason = paths.reason;
	return rs_tally_add(m, &s, paths.pages);
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
	if (op->invalid_before && !c->window && !c->nr && !c->view.born) {
		c->joined_inside = true;
		if (rs_window_open(m, c, op->start_ns, ev->tgid))
			return NULL;
		c->window->unseen = op->invalid_before;
	}
	return c;
}

/* Somebody uses the container: is a range left behind in it whose owner's mm is gone? */
int rs_type1_used(struct rs_model *m, struct rs_container *c, const struct rs_event *ev)
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
	return err ? err : rs_type1_close_if_done(m, note.container, ev, end);
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
	c = rs_type1_container(m, ev, &x.op);
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
		err = rs_window_close(
			m, c, ev, is_killed(m, ev->tgid) ? RS_WINDOW_KILLED : RS_WINDOW_RELEASED);
	return err ? err : rs_container_release(m, c, ev->ts);
}

static int on_group(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_group x;
	char call[64];
	int err;

	rs_event_read(&x, sizeof(x), ev);
	c = rs_type1_container(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	if (ev->type == RS_EV_DETACH)
		return 0;
	err = rs_type1_used(m, c, ev);
	if (!err && x.op.ret < 0) {
		snprintf(call, sizeof(call), "attach of group %u", x.group_id);
		return rs_type1_failed(m, ev, &x.op, call);
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
	c = rs_type1_container(m, ev, &x.op);
	if (!c)
		return -ENOMEM;
	if (x.op.ret < 0)
		err = rs_type1_failed(m, ev, &x.op, ioctl_name(x.cmd, name, sizeof(name)));
	return err ? err : rs_type1_used(m, c, ev);
}

static int on_request(struct rs_model *m, const struct rs_event *ev)
{
	static const char *const ops[] = { "?", "pin", "unpin", "read", "write" };
	struct rs_ev_request x;
	struct rs_container *c;
	struct rs_slow s = { 0 };
	struct rs_paths paths;
	int err;

	rs_event_read(&x, sizeof(x), ev);
	rs_request_paths(&x, &paths);
	s.op = ops[x.request < 5 ? x.request : 0];
	s.path = paths.path;
	s.reason = paths.reason;
	s.in_window = x.op.invalid_before > 0;
	s.iova = x.iova;
	s.size = x.len;
	s.start_ns = x.op.start_ns;
	s.len = ev->ts - x.op.start_ns;
	if (x.work_ns > x.op.start_ns && x.work_ns <= ev->ts)
		s.wait_len = x.work_ns - x.op.start_ns;
	s.proc = rs_proc_ref(m, ev->tgid);
	c = x.op.container ? rs_type1_container(m, ev, &x.op) : NULL;
	if (c)
		s.container = c->view.id;
	else if (x.op.container)
		return -ENOMEM;
	if (c && c->window)
		c->window->view.requests++;
	err = rs_tally_add(m, &s, paths.pages);
	if (!err && x.op.ret < 0)
		err = rs_type1_failed(m, ev, &x.op, s.op);
	if (!c || !x.gup_calls || !x.len)
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
	c = rs_container_get(m, x.container, ev->ts);
	if (!c)
		return -ENOMEM;
	/* A driver's pin is judged when its request returns, which knows the iova. */
	if (!x.dma_size || x.caller == RS_IN_PIN)
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
	default:
		m->unread++;
		return 0;
	}
}
