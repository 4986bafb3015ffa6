// SPDX-License-Identifier: GPL-2.0-only
/* What iommufd's events mean for contexts, their ioas and the areas in these. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "model/calls.h"
#include "model/devices.h"
#include "model/guest.h"
#include "model/iommufd.h"
#include "model/pages.h"

struct rs_container *rs_iommufd_ioas(struct rs_model *m, struct rs_ioctx *x, __u32 ioas, __u64 ts)
{
	struct rs_container *c;

	if (!ioas)
		return NULL;
	c = rs_container_at(m, (struct rs_key){ x->key, ioas }, x, ts);
	if (c)
		c->view.ioas = ioas;
	return c;
}

/* NULL: it is not known; there is none with id 0 */
static struct rs_container *find_ioas(const struct rs_model *m, const struct rs_ioctx *x,
				      __u32 ioas)
{
	return ioas ? rs_container_find(m, (struct rs_key){ x->key, ioas }) : NULL;
}

__u64 rs_iommufd_len(const struct rs_ev_ioas *e)
{
	__u64 end = e->more.end_ns;

	return (end > e->op.start_ns && end < e->h.ts ? end : e->h.ts) - e->op.start_ns;
}

/* Another one may have been at that place, and was taken down unseen. */
static bool is_another(const struct rs_range *r, const struct rs_ev_range *told)
{
	return r->iova.v != told->iova.v || r->size != told->size || r->area != told->area ||
	       (told->pages_key && r->pages_key != told->pages_key);
}

static void drop_area(struct rs_container *c, struct rs_range *r)
{
	rs_range_remove(c, r);
}

struct rs_range *rs_iommufd_learn(struct rs_model *m, struct rs_container *c,
				  struct rs_seen_range *s, __u64 ts)
{
	struct rs_range *r;

	for (size_t i = rs_range_from(c, s->ev.iova.v); i < c->nr;) {
		r = c->range[i];
		if (r->iova.v > s->ev.iova.v + (s->ev.size - 1))
			break;
		if (is_another(r, &s->ev))
			drop_area(c, r);
		else
			i++;
	}
	r = rs_range_at(c, s->ev.iova.v);
	if (!r) {
		r = rs_range_add(c, s->ev.iova, s->ev.size);
		if (!r)
			return NULL;
		r->since_ns = ts;
		r->area = s->ev.area;
		r->pages_key = s->ev.pages_key;
	}
	r->vaddr = s->ev.vaddr;
	r->prot = s->ev.prot;
	r->account = s->ev.account;
	r->locked_pages = s->ev.locked_pages;
	r->owner = s->ev.owner_tgid;
	r->owner_mm = s->ev.owner_mm;
	r->told_ns = s->ev.h.ts;
	if (!r->backing.known && s->backing.known) {
		r->backing = s->backing;
		s->backing = (struct rs_backing_list){ 0 };
	}
	/* That of a context is the owner of its areas, which a CHANGE_PROCESS makes one. */
	if (!c->ioctx->owner_mm) {
		c->ioctx->owner_mm = r->owner_mm;
		c->ioctx->view.owner = rs_proc_ref(m, r->owner);
	}
	return r;
}

int rs_iommufd_gone(struct rs_model *m, struct rs_container *c, const struct rs_event *ev)
{
	int err = rs_devices_close(m, c, -1, ev);

	if (!err && ev)
		err = rs_ranges_released(m, c, ev);
	for (size_t i = 0; i < c->nr && !err; i++)
		err = rs_area_keep(m, c->range[i]);
	return err ? err : rs_container_release(m, c, ev ? ev->ts : m->last_ns);
}

static int context_gone(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev)
{
	int err = rs_devices_leave(m, x->key, ev);

	while (x->nr && !err)
		err = rs_iommufd_gone(m, x->ioas[0], ev);
	return err ? err : rs_ioctx_release(m, x, ev);
}

static int on_open(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_open e;
	struct rs_ioctx *x;
	int err = 0;

	rs_event_read(&e, sizeof(e), ev);
	if (e.op.ret)
		return 0;
	x = rs_ioctx_find(m, e.op.container);
	if (x) {
		/* Its release was not seen. */
		err = rs_model_gap_in(m, RS_GAP_PARTS, x->nr ? x->ioas[0] : NULL, ev->ts);
		if (!err)
			err = context_gone(m, x, NULL);
	}
	if (err)
		return err;
	x = rs_ioctx_get(m, e.op.container, e.op.start_ns);
	if (!x)
		return -ENOMEM;
	x->view.born = true;
	x->view.opener = rs_proc_ref(m, ev->tgid);
	return 0;
}

static int on_release(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_release e;
	struct rs_ioctx *x;

	rs_event_read(&e, sizeof(e), ev);
	x = rs_ioctx_get(m, e.op.container, e.op.start_ns);
	return x ? context_gone(m, x, ev) : -ENOMEM;
}

/* An area goes down: by an unmap, or with its ioas. */
static int on_remove(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_note note = { .ts = ev->ts, .ev = ev, .by = ev->tgid };
	struct rs_container *c;
	struct rs_ev_remove e;
	struct rs_ioctx *x;
	struct rs_range *r;
	int err = 0;

	rs_event_read(&e, sizeof(e), ev);
	x = rs_ioctx_get(m, e.container, ev->ts);
	c = x ? rs_iommufd_ioas(m, x, e.ioas, ev->ts) : NULL;
	if (!c)
		return -ENOMEM;
	rs_pending_removed(m, &e);
	c->removing_req = e.req;
	c->removing_iova = e.iova.v;
	r = rs_range_at(c, e.iova.v);
	if (!r || r->iova.v != e.iova.v)
		return 0;
	c->view.unmaps++;
	note.container = c;
	note.range = r;
	note.type = e.caller == RS_IN_IOCTL_UNMAP ? RS_N_UNMAPPED : RS_N_RELEASED;
	note.killed = rs_proc_killed(m, ev->tgid) || rs_proc_killed(m, r->owner);
	if (note.type == RS_N_RELEASED)
		err = rs_area_keep(m, r);
	if (!err)
		err = rs_note(m, note);
	drop_area(c, r);
	return err ? err : rs_ioctx_emptied(m, x, ev);
}

static const char *call_name(__u32 what)
{
	static const char *const names[] = {
		[RS_IOAS_ALLOC] = "IOMMU_IOAS_ALLOC",
		[RS_IOAS_DESTROY] = "IOMMU_DESTROY",
		[RS_IOAS_MAP] = "IOMMU_IOAS_MAP",
		[RS_IOAS_MAP_FILE] = "IOMMU_IOAS_MAP_FILE",
		[RS_IOAS_COPY] = "IOMMU_IOAS_COPY",
		[RS_IOAS_UNMAP] = "IOMMU_IOAS_UNMAP",
		[RS_IOAS_CHANGE_PROCESS] = "IOMMU_IOAS_CHANGE_PROCESS",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == RS_IOAS_NR, "every ioctl has a name");
	return what && what < RS_IOAS_NR ? names[what] : NULL;
}

static int on_alloc(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_ioas *e,
		    const struct rs_event *ev)
{
	struct rs_container *c = find_ioas(m, x, e->ioas);
	int err = 0;

	if (c) {
		/* Its end was not seen. */
		err = rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts);
		if (!err)
			err = rs_iommufd_gone(m, c, NULL);
	}
	if (err || !e->ioas)
		return err;
	c = rs_iommufd_ioas(m, x, e->ioas, e->op.start_ns);
	if (!c)
		return -ENOMEM;
	c->view.born = true;
	c->view.owner = rs_proc_ref(m, ev->tgid);
	return 0;
}

static int on_destroy(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_ioas *e,
		      const struct rs_event *ev)
{
	struct rs_container *c = find_ioas(m, x, e->ioas);
	int err = c ? rs_iommufd_gone(m, c, ev) : 0;

	return err ? err : rs_ioctx_emptied(m, x, ev);
}

/* MAP, MAP_FILE, COPY: a copy can be of several areas. */
static int on_map(struct rs_model *m, struct rs_ioctx *x, struct rs_container *c,
		  const struct rs_ev_ioas *e, struct rs_pending *p, const struct rs_event *ev)
{
	size_t told = p ? p->nr_ranges : 0;
	int err = 0;

	if (told != e->nr_ranges)
		err = rs_model_gap_in(m, RS_GAP_PARTS, c, ev->ts);
	for (size_t i = 0; i < told && !err; i++) {
		struct rs_range *r;

		if (!p->range[i].ev.size)
			continue;
		r = rs_iommufd_learn(m, c, &p->range[i], ev->ts);
		if (!r)
			return -ENOMEM;
		r->mapped_seen = true;
		/* Only of a vaddr it matters whose it is. */
		if (r->area == RS_AREA_USER)
			err = rs_note(m, (struct rs_note){ .type = RS_N_MAPPED,
							   .ts = ev->ts,
							   .ev = ev,
							   .container = c,
							   .range = r,
							   .by = ev->tgid });
		if (!err && !i && (e->more.more & RS_MOREF_PFN))
			err = rs_pages_first(m, r, e->more.pfn, ev);
	}
	c->view.maps++;
	if (!err)
		err = rs_pages_iommu(m, c, p, ev);
	if (!err)
		err = rs_foreign_pins(m, c, &e->more, ev);
	if (!err)
		err = rs_ranges_used(m, c, ev);
	return err ? err : rs_ioctx_used(m, x, ev);
}

static __u32 request_of(__u32 what)
{
	switch (what) {
	case RS_IOAS_MAP:
	case RS_IOAS_MAP_FILE:
	case RS_IOAS_COPY:
		return RS_REQ_MAP;
	case RS_IOAS_UNMAP:
		return RS_REQ_UNMAP;
	case RS_IOAS_CHANGE_PROCESS:
		return RS_REQ_CHANGE;
	default:
		return 0;
	}
}

static int spent(struct rs_model *m, const struct rs_ev_ioas *e, const struct rs_container *c)
{
	__u32 request = request_of(e->what);
	bool unmapped = e->what == RS_IOAS_UNMAP && !e->op.ret;
	struct rs_slow s = {
		.op = rs_request_name(request),
		.iova = e->iova,
		.size = unmapped ? e->size_after : e->size,
		.start_ns = e->op.start_ns,
		.len = rs_iommufd_len(e),
		.proc = rs_proc_ref(m, e->h.tgid),
		.container = c ? c->view.id : 0,
	};
	struct rs_paths paths;

	if (!request)
		return 0;
	if (e->more.work_ns > e->op.start_ns && e->more.work_ns - e->op.start_ns <= s.len)
		s.wait_len = e->more.work_ns - e->op.start_ns;
	rs_ioas_paths(&e->work, e->file_pages, e->domain_pages, e->op.ret, &paths);
	s.path = paths.path;
	s.reason = paths.reason;
	return rs_tally_add(m, NULL, &s, paths.pages);
}

static int done(struct rs_model *m, struct rs_ioctx *x, struct rs_container *c,
		const struct rs_ev_ioas *e, struct rs_pending *p, const struct rs_event *ev)
{
	switch (e->what) {
	case RS_IOAS_ALLOC:
		return on_alloc(m, x, e, ev);
	case RS_IOAS_DESTROY:
		return on_destroy(m, x, e, ev);
	case RS_IOAS_MAP:
	case RS_IOAS_MAP_FILE:
	case RS_IOAS_COPY:
		return c ? on_map(m, x, c, e, p, ev) : 0;
	case RS_IOAS_UNMAP:
		return c ? rs_ranges_used(m, c, ev) : 0;
	default:
		return 0;
	}
}

static int on_ioas(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c = NULL;
	struct rs_pending *p;
	struct rs_ev_ioas e;
	struct rs_ioctx *x;
	int err = 0;

	rs_event_read(&e, sizeof(e), ev);
	if (!call_name(e.what))
		return rs_model_gap_in(m, RS_GAP_UNREAD, NULL, ev->ts);
	x = rs_ioctx_get(m, e.op.container, e.op.start_ns);
	if (!x)
		return -ENOMEM;
	/* What failed may have named an ioas that there is not. */
	c = find_ioas(m, x, e.ioas);
	if (!c && e.op.ret >= 0 && e.what != RS_IOAS_ALLOC && e.what != RS_IOAS_DESTROY && e.ioas) {
		c = rs_iommufd_ioas(m, x, e.ioas, e.op.start_ns);
		if (!c)
			return -ENOMEM;
	}
	if (c) {
		c->view.owner = rs_proc_ref(m, ev->tgid);
		if (c->removing_req == e.op.req)
			c->removing_req = 0;
	}
	p = rs_pending_take(m, e.op.req);
	err = spent(m, &e, c);
	if (!err && e.op.ret < 0)
		err = rs_call_failed(m, ev, &e.op, call_name(e.what));
	if (!err && e.what == RS_IOAS_CHANGE_PROCESS)
		err = rs_iommufd_change(m, x, &e, p, ev);
	else if (!err && e.op.ret >= 0)
		err = done(m, x, c, &e, p, ev);
	rs_pending_drop(p);
	return err;
}

static int on_attach(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_group *e,
		     const struct rs_event *ev)
{
	struct rs_container *c = rs_iommufd_ioas(m, x, e->ioas, ev->ts), *old;
	struct rs_pending *p = rs_pending_take(m, e->op.req);
	int err = e->ioas && !c ? -ENOMEM : 0;
	char call[64];

	if (!err && e->op.ret < 0) {
		snprintf(call, sizeof(call), "attach of group %u to an ioas", e->group_id);
		err = rs_call_failed(m, ev, &e->op, call);
		goto out;
	}
	old = find_ioas(m, x, e->old_ioas);
	if (old && old != c)
		rs_group_drop(old, e->device);
	if (!err)
		err = rs_device_attached(m, e, x, c, ev);
	if (!err && c)
		err = rs_group_add(c, e->device, !e->group_type);
	if (!err && c)
		err = rs_pages_iommu(m, c, p, ev);
	if (!err && c)
		err = rs_foreign_pins(m, c, &e->more, ev);
	if (!err && c)
		err = rs_ranges_used(m, c, ev);
	if (!err)
		err = rs_ioctx_used(m, x, ev);
out:
	rs_pending_drop(p);
	return err;
}

static int on_group(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c;
	struct rs_ev_group e;
	struct rs_ioctx *x;

	rs_event_read(&e, sizeof(e), ev);
	x = rs_ioctx_get(m, e.op.container, e.op.start_ns);
	if (!x)
		return -ENOMEM;
	if (ev->type == RS_EV_ATTACH)
		return on_attach(m, x, &e, ev);
	c = find_ioas(m, x, e.old_ioas ? e.old_ioas : e.ioas);
	/* With the last page table the IOMMU lets go of the pages. */
	if (c)
		rs_group_drop(c, e.device);
	return rs_device_detached(m, e.device, c, ev);
}

static int on_request(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_container *c = NULL;
	struct rs_device *d = NULL;
	struct rs_ev_request e;
	struct rs_pending *p;
	struct rs_paths paths;
	struct rs_ioctx *x;
	struct rs_slow s;
	int err;

	rs_event_read(&e, sizeof(e), ev);
	x = rs_ioctx_get(m, e.op.container, e.op.start_ns);
	if (!x)
		return -ENOMEM;
	c = rs_iommufd_ioas(m, x, e.ioas, e.op.start_ns);
	if (e.device)
		d = rs_device_of(m, &e, c);
	if ((e.ioas && !c) || (e.device && !d))
		return -ENOMEM;
	rs_request_cost(m, &e, &s, &paths);
	p = rs_pending_take(m, e.op.req);
	err = rs_tally_add(m, d, &s, paths.pages);
	if (!err && x->change && e.op.start_ns >= x->change->view.start_ns)
		err = rs_rows_add(&x->change->rows, &s, paths.pages);
	if (!err && e.op.ret < 0)
		err = rs_call_failed(m, ev, &e.op, s.op);
	if (!err)
		err = rs_device_request(m, d, c, &e, p, ev);
	rs_pending_drop(p);
	return err || !c || !e.len ? err : rs_ranges_asked(m, c, &e, ev);
}

static bool has_op(__u16 type)
{
	switch (type) {
	case RS_EV_OPEN:
	case RS_EV_RELEASE:
	case RS_EV_ATTACH:
	case RS_EV_DETACH:
	case RS_EV_REQUEST:
	case RS_EV_SNAPSHOT:
		return true;
	default:
		return false;
	}
}

bool rs_is_iommufd(const struct rs_event *ev)
{
	struct rs_ev_release op;
	struct rs_ev_remove e;

	if (ev->type == RS_EV_IOAS)
		return true;
	if (ev->type == RS_EV_REMOVE) {
		rs_event_read(&e, sizeof(e), ev);
		return e.ioas;
	}
	rs_event_read(&op, sizeof(op), ev);
	return has_op(ev->type) && op.op.kind == RS_CONTAINER_IOMMUFD && op.op.container;
}

int rs_model_iommufd(struct rs_model *m, const struct rs_event *ev)
{
	switch (ev->type) {
	case RS_EV_OPEN:
		return on_open(m, ev);
	case RS_EV_RELEASE:
		return on_release(m, ev);
	case RS_EV_ATTACH:
	case RS_EV_DETACH:
		return on_group(m, ev);
	case RS_EV_IOAS:
		return on_ioas(m, ev);
	case RS_EV_REMOVE:
		return on_remove(m, ev);
	case RS_EV_REQUEST:
		return on_request(m, ev);
	case RS_EV_SNAPSHOT:
		return rs_iommufd_snapshot(m, ev);
	default:
		return 0;
	}
}
