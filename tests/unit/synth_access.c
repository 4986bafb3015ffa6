// SPDX-License-Identifier: GPL-2.0-only
/* The fake kernel's iommufd: devices in its ioas, and what their drivers ask for. */
#include <errno.h>
#include "synth_fake_iommufd.h"

#define PROT_RW 3

static struct rs_ev_group *group_record(struct synth *s, enum rs_event_type type,
					const struct rs_op *op, const struct fake_access *a)
{
	struct rs_ev_group *x = RECORD(s, type, rs_ev_group);

	if (!x)
		return NULL;
	x->op = *op;
	x->op.ret = s->twist.ret;
	x->group = a->device + 0x200;
	x->group_type = a->emulated;
	x->group_id = 5;
	x->device = a->device;
	return x;
}

void synth_ioas_attach(struct synth *s, __u64 x, __u32 ioas, __u64 device, bool emulated)
{
	struct synth_iommufd *f = fake_iommufd(s);
	struct fake_access *a = fake_access_of(s, device);
	struct rs_op op = fake_begin(s, x, false);
	struct rs_ev_group *e;
	__u32 old = a ? a->ioas : 0;
	__u64 pinned = 0;

	if (!a) {
		f->access = fake_more(f->access, f->nr_accesses, sizeof(*f->access));
		a = &f->access[f->nr_accesses++];
	}
	if (!s->twist.ret)
		*a = (struct fake_access){ device, x, ioas, emulated };
	for (size_t i = 0; i < f->nr_areas && !emulated && !s->twist.ret; i++) {
		struct fake_pages *p = &f->pages[f->area[i].pages];
		__u64 pages;

		if (f->area[i].ioctx != x || f->area[i].ioas != ioas)
			continue;
		pages = fake_fill_domain(p);
		pinned += pages;
	}
	e = group_record(s, RS_EV_ATTACH, &op, &(struct fake_access){ device, x, ioas, emulated });
	if (e) {
		e->ioas = ioas;
		e->old_ioas = old;
		e->work.pages_pinned = pinned;
	}
	if (s->twist.ret && !old)
		f->nr_accesses--;
	s->twist = (struct synth_twist){ 0 };
}

void synth_ioas_detach(struct synth *s, __u64 x, __u64 device)
{
	struct synth_iommufd *f = fake_iommufd(s);
	struct fake_access *a = fake_access_of(s, device);
	struct rs_op op = fake_begin(s, x, false);
	struct rs_ev_group *e;

	MUST(a);
	e = group_record(s, RS_EV_DETACH, &op, a);
	if (e)
		e->old_ioas = a->ioas;
	*a = f->access[--f->nr_accesses];
	s->twist = (struct synth_twist){ 0 };
}

static void request(struct synth *s, __u64 x, __u64 device, struct rs_ev_request e, __u32 cached)
{
	const struct fake_access *d = fake_access_of(s, device);
	const struct fake_area *a = d ? fake_area_at(s, x, d->ioas, e.iova.v) : NULL;
	const struct fake_pages *p = a ? &fake_iommufd(s)->pages[a->pages] : NULL;
	struct synth_twist t = s->twist;
	struct rs_op op = fake_begin(s, x, true);
	__u32 pages = e.len >> RS_PAGE_SHIFT, found;
	struct rs_ev_request *to;
	struct rs_paths paths;

	s->twist = (struct synth_twist){ 0 };
	if (!pages)
		pages = 1;
	found = pages - cached;
	e.op = op;
	e.op.ret = t.ret ? t.ret : !a ? -ENOENT : e.request == RS_REQ_PIN ? (__s64)pages : 0;
	e.device = device;
	e.begin_ns = op.start_ns;
	e.prot = PROT_RW;
	e.ioas = d ? d->ioas : 0;
	e.rflags = RS_REQF_OUTER | RS_REQF_BACKEND | (a ? RS_REQF_RANGE : RS_REQF_HOLE) |
		   (d ? 0 : RS_REQF_DETACHED);
	e.group_id = 5;
	e.h.mm = t.kthread ? 0 : synth_mm(s, s->pid);
	if (p) {
		e.area = p->area;
		e.range_iova = rs_iova(a->iova);
		e.range_mm = p->mm;
	}
	if (e.op.ret >= 0 && e.request != RS_REQ_UNPIN && p && p->area == RS_AREA_FILE)
		e.file_pages = found;
	else if (e.op.ret >= 0 && e.request == RS_REQ_PIN && p)
		e.gup_pages = found;
	e.gup_calls = (e.file_pages || e.gup_pages);
	if (t.kthread && e.request != RS_REQ_PIN && p && p->area == RS_AREA_USER)
		e.rflags |= RS_REQF_USE_MM;
	if (t.pfn && e.op.ret > 0) {
		e.rflags |= RS_REQF_PFN;
		e.pfn.v = t.pfn;
		if (s->verify)
			synth_pages(s, &op, RS_PAGES_PIN, device, e.iova.v, e.op.ret, t.pfn);
	}
	rs_request_paths(&e, &paths);
	synth_count(s, device, e.request, false, &paths);
	to = RECORD(s, RS_EV_REQUEST, rs_ev_request);
	if (!to)
		return;
	to->h.mm = e.h.mm;
	e.h = to->h;
	*to = e;
}

void synth_access_pin(struct synth *s, __u64 x, __u64 device, __u64 iova, __u32 pages, __u32 cached)
{
	request(s, x, device,
		(struct rs_ev_request){
			.request = RS_REQ_PIN, .iova = rs_iova(iova), .len = pages * PAGE },
		cached);
}

void synth_access_unpin(struct synth *s, __u64 x, __u64 device, __u64 iova, __u32 pages)
{
	request(s, x, device,
		(struct rs_ev_request){
			.request = RS_REQ_UNPIN, .iova = rs_iova(iova), .len = pages * PAGE },
		0);
}

void synth_access_rw(struct synth *s, __u64 x, __u64 device, __u64 iova, __u64 len, bool write)
{
	request(s, x, device,
		(struct rs_ev_request){ .request = write ? RS_REQ_WRITE : RS_REQ_READ,
					.iova = rs_iova(iova),
					.len = len },
		0);
}

void synth_iommufd_tail_passes(struct synth *s, __u64 x)
{
	fake_ioctx_of(s, x)->awake = false;
}
