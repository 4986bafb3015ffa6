// SPDX-License-Identifier: GPL-2.0-only
/*
 * CHANGE_PROCESS: the areas of a context become the caller's (iommufd_ioas_change_process(), drivers/iommu/iommufd/ioas.c).
 * By who owns them already it changes nothing: QEMU asks so, when it saves, whether it could be done.
 */
#include <errno.h>
#include <stdlib.h>
#include "model/iommufd.h"

/* The areas are charged to another mm than the caller's. */
static bool by_another(const struct rs_ioctx *x, const struct rs_ev_ioas *e)
{
	return (e->old_mm && e->old_mm != e->h.mm) || rs_ioctx_foreign(x, e->h.mm);
}

static struct rs_proc_ref old_owner(struct rs_model *m, const struct rs_ioctx *x,
				    const struct rs_ev_ioas *e)
{
	return e->old_tgid ? rs_proc_ref(m, e->old_tgid) : x->view.owner;
}

/* What an mm was charged within the call, all in all; or what all others were given back. */
static __s64 net(const struct rs_work *w, __u64 mm, bool others)
{
	__u64 pages = 0;

	for (int i = 0; i < RS_NR_ACCT; i++)
		if (w->acct[i].mm && (w->acct[i].mm == mm) != others)
			pages += w->acct[i].pages;
	return others ? 0 - pages : pages;
}

/* Was one that shares its pages told before it? */
static bool is_counted(const struct rs_pending *p, size_t at)
{
	__u64 key = p->range[at].ev.pages_key;

	for (size_t i = 0; i < at && key; i++)
		if (p->range[i].ev.pages_key == key)
			return true;
	return false;
}

/* As need_charge_update() has it: what is charged to the caller's mm already stays. */
static __u64 to_move(const struct rs_ioctx *x, const struct rs_ev_ioas *e,
		     const struct rs_pending *p)
{
	__u64 pages = 0;

	for (size_t i = 0; p && i < p->nr_ranges; i++) {
		const struct rs_ev_range *told = &p->range[i].ev;
		struct rs_container *c = NULL;
		const struct rs_range *r;

		for (size_t k = 0; k < x->nr && !c; k++)
			if (x->ioas[k]->view.ioas == told->ioas)
				c = x->ioas[k];
		r = c ? rs_range_at(c, told->iova.v) : NULL;
		if (told->account == RS_ACCOUNT_NONE || is_counted(p, i) ||
		    (r ? r->owner_mm : e->old_mm) == e->h.mm)
			continue;
		pages += told->locked_pages;
	}
	return pages;
}

static int charge_moved(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_ioas *e,
			const struct rs_pending *p, const struct rs_event *ev)
{
	struct rs_moved moved = {
		.gain = net(&e->work, e->h.mm, false),
		.loss = net(&e->work, e->h.mm, true),
		.told = !e->op.ret && e->nr_ranges && p && p->nr_ranges == e->nr_ranges,
		.others = e->work.acct_other,
		.err = e->op.ret < 0 ? rs_errno(e->op.ret) : 0,
	};
	struct rs_container *c = NULL;

	if (moved.told)
		moved.pages = to_move(x, e, p);
	for (size_t i = 0; i < x->nr && !c; i++)
		if (x->ioas[i]->nr)
			c = x->ioas[i];
	if (!c)
		return 0;
	return rs_note(m, (struct rs_note){ .type = RS_N_CHARGE_MOVED,
					    .ts = ev->ts,
					    .ev = ev,
					    .container = c,
					    .range = c->range[0],
					    .ioctx = x,
					    .moved = &moved,
					    .by = ev->tgid });
}

static __u32 dmabuf_areas(const struct rs_ioctx *x)
{
	__u32 nr = 0;

	for (size_t i = 0; i < x->nr; i++)
		for (size_t k = 0; k < x->ioas[i]->nr; k++)
			nr += x->ioas[i]->range[k]->area == RS_AREA_DMABUF;
	return nr;
}

static int refused(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_ioas *e, bool another,
		   const struct rs_event *ev)
{
	struct rs_refusal_view *grown = rs_grow(m->refusal, m->nr_refusals, sizeof(*grown));
	struct rs_change *h = x->change;

	if (!grown)
		return -ENOMEM;
	m->refusal = grown;
	grown += m->nr_refusals++;
	*grown = (struct rs_refusal_view){
		.ioctx = x->view.id,
		.handover = h ? h->view.id : 0,
		.probe = !another,
		.err = rs_errno(e->op.ret),
		.at_ns = ev->ts,
		.len = rs_iommufd_len(e),
		.proc = rs_proc_ref(m, ev->tgid),
		.areas = e->areas,
		.user_areas = e->user_areas,
		.dmabuf_areas = dmabuf_areas(x),
	};
	if (!another)
		return 0;
	h->view.refused++;
	h->alive = true;
	h->refusal = *grown;
	rs_drop(h->refused);
	h->refused = rs_keep(ev);
	return h->refused ? 0 : -ENOMEM;
}

/* Its guest's vCPUs were told with it, and none of them was running. */
static bool guest_stands(const struct rs_model *m, __u32 tgid)
{
	bool any = false;

	for (const struct rs_vcpu *v = m->vcpus; v; v = v->hh.next) {
		struct rs_ev_vcpu told;

		if (v->tgid != tgid)
			continue;
		if (!v->told)
			return false;
		rs_event_read(&told, sizeof(told), &v->told->ev);
		if (told.flags & RS_VCPUF_INSIDE)
			return false;
		any = true;
	}
	return any;
}

/*
 * By the owner. If its guest stands still, an update begins; else that shows when something comes of it. A new owner may
 * ask several times before its guest runs: once for each device.
 */
static int probed(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_ioas *e,
		  const struct rs_event *ev)
{
	const struct rs_update *u = rs_ioctx_update(m, x);
	struct rs_proc_ref from = rs_proc_ref(m, ev->tgid);

	if (x->change) {
		x->change->view.probes++;
		x->change->view.probed_ns = ev->ts;
		return 0;
	}
	if (u && u->remapper == ev->tgid)
		return 0;
	x->probe_ns = e->op.start_ns;
	x->probed_ns = ev->ts;
	return guest_stands(m, ev->tgid) ? rs_ioctx_begin(m, x, &from, e->op.start_ns, "probe", ev)
					 : 0;
}

static int take_area(struct rs_model *m, struct rs_handover_view *h, const struct rs_range *r,
		     const struct rs_proc_ref *old)
{
	struct rs_area_view *grown = rs_grow(h->area, h->nr_areas, sizeof(*grown));
	int err;

	if (!grown)
		return -ENOMEM;
	h->area = grown;
	grown += h->nr_areas++;
	err = rs_area_take(m, r, grown);
	grown->old_owner = *old;
	h->areas++;
	h->bytes += r->size;
	return err;
}

static int hand_area(struct rs_model *m, struct rs_ioctx *x, struct rs_seen_range *s,
		     const struct rs_event *ev)
{
	struct rs_handover_view *h = &x->change->view;
	struct rs_container *c = rs_iommufd_ioas(m, x, s->ev.ioas, ev->ts);
	struct rs_proc_ref old = h->from;
	struct rs_range *r;

	if (!s->ev.size || !s->ev.ioas)
		return 0;
	if (!c)
		return -ENOMEM;
	r = rs_range_at(c, s->ev.iova.v);
	/* Of an exec the name is the old program's. */
	if (r && r->owner != h->from.tgid)
		old = rs_proc_ref(m, r->owner);
	r = rs_iommufd_learn(m, c, s, ev->ts);
	return r ? take_area(m, h, r, &old) : -ENOMEM;
}

/* What the owner has is told as it is handed over: areas that were mapped unseen. */
static int learn_areas(struct rs_model *m, struct rs_ioctx *x, struct rs_pending *p,
		       const struct rs_event *ev)
{
	for (size_t i = 0; p && i < p->nr_ranges; i++) {
		struct rs_seen_range *s = &p->range[i];
		struct rs_container *c = rs_iommufd_ioas(m, x, s->ev.ioas, ev->ts);

		if (!s->ev.size || !s->ev.ioas)
			continue;
		if (!c || !rs_iommufd_learn(m, c, s, ev->ts))
			return -ENOMEM;
	}
	return 0;
}

/* What was not told was handed over all the same. */
static void hand_the_rest(struct rs_ioctx *x, const struct rs_event *ev)
{
	for (size_t i = 0; i < x->nr; i++)
		for (size_t k = 0; k < x->ioas[i]->nr; k++) {
			x->ioas[i]->range[k]->owner = ev->tgid;
			x->ioas[i]->range[k]->owner_mm = ev->mm;
		}
}

static void own(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev)
{
	hand_the_rest(x, ev);
	x->owner_mm = ev->mm;
	x->view.owner = rs_proc_ref(m, ev->tgid);
	x->left = x->ran = x->in_use = false;
}

/* The old owner has it again, and its hand-over begins. */
static int took_back(struct rs_model *m, struct rs_ioctx *x, struct rs_pending *p,
		     const struct rs_event *ev)
{
	int err = learn_areas(m, x, p, ev);

	own(m, x, ev);
	rs_drop(x->handed);
	x->handed = NULL;
	return err ? err
		   : rs_note(m, (struct rs_note){ .type = RS_N_OWNER_CHANGED,
						  .ts = ev->ts,
						  .ev = ev,
						  .ioctx = x,
						  .update = x->change->update,
						  .by = ev->tgid });
}

static int changed(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_ioas *e,
		   struct rs_pending *p, const struct rs_event *ev)
{
	struct rs_handover_view *h = &x->change->view;
	size_t told = p ? p->nr_ranges : 0;
	int err = 0;

	if (told != e->nr_ranges)
		err = rs_model_gap_in(m, RS_GAP_PARTS, x->nr ? x->ioas[0] : NULL, ev->ts);
	for (size_t i = 0; i < told && !err; i++)
		err = hand_area(m, x, &p->range[i], ev);
	own(m, x, ev);
	if (!h->areas)
		h->areas = e->areas;
	x->change->alive = true;
	rs_drop(x->handed);
	x->handed = rs_keep(ev);
	if (!x->handed)
		return -ENOMEM;
	h->change_ns = e->op.start_ns;
	h->charged = net(&e->work, e->h.mm, false);
	if (!err)
		err = rs_note(m, (struct rs_note){ .type = RS_N_OWNER_CHANGED,
						   .ts = ev->ts,
						   .ev = ev,
						   .ioctx = x,
						   .update = x->change->update,
						   .by = ev->tgid });
	if (!err)
		err = rs_update_remapped(x->change->update, ev->tgid);
	return err ? err : rs_ioctx_end(m, x, RS_HANDED_OVER, ev->tgid, ev->ts);
}

/* When it tells all areas that there are, there are no others: what is known besides was unmapped unseen. */
static int forget_gone(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_ioas *e,
		       const struct rs_pending *p, const struct rs_event *ev)
{
	size_t told = p ? p->nr_ranges : 0, nr = 0;
	int err = 0;

	if (e->op.flags & RS_OPF_CONCURRENT || told != e->nr_ranges || told != e->areas)
		return 0;
	for (size_t i = 0; i < x->nr; i++)
		nr += x->ioas[i]->nr;
	for (size_t i = 0; i < told; i++) {
		struct rs_container *c = rs_iommufd_ioas(m, x, p->range[i].ev.ioas, ev->ts);
		struct rs_range *r = c ? rs_range_at(c, p->range[i].ev.iova.v) : NULL;

		if (r)
			r->told_ns = p->range[i].ev.h.ts;
	}
	for (size_t i = 0; i < x->nr && !err; i++)
		err = rs_iommufd_forget(m, x->ioas[i], e->op.start_ns, true);
	return err || !nr ? err : rs_ioctx_emptied(m, x, ev);
}

int rs_iommufd_change(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_ioas *e,
		      struct rs_pending *p, const struct rs_event *ev)
{
	int err = forget_gone(m, x, e, p, ev);
	struct rs_proc_ref from;
	bool another;

	if (err)
		return err;
	another = by_another(x, e);
	from = old_owner(m, x, e);
	/* Without areas there is nothing to hand over. */
	if (!e->old_mm && !rs_ioctx_foreign(x, 0))
		return e->op.ret < 0 ? refused(m, x, e, false, ev) : 0;
	err = charge_moved(m, x, e, p, ev);
	if (!err && another && !x->change && !e->op.ret) {
		err = rs_ioctx_take_back(m, x, e->op.start_ns, ev);
		if (!err)
			return took_back(m, x, p, ev);
		err = err == -ENOENT ? 0 : err;
	}
	if (!err && another && !x->change)
		err = rs_ioctx_begin(m, x, &from, e->op.start_ns, "change", ev);
	if (err)
		return err;
	if (e->op.ret < 0)
		return refused(m, x, e, another, ev);
	if (another)
		return changed(m, x, e, p, ev);
	err = learn_areas(m, x, p, ev);
	return err ? err : probed(m, x, e, ev);
}
