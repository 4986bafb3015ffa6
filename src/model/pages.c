// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/pages.h"

/* Pages of one run that are looked up one by one among the pinned ones. */
#define LOOK_MAX 65536

/* What is compared, and with what: the range's facts, and the pins of the container's devices. */
struct compare {
	const struct rs_model *m;
	const struct rs_range *r;
	struct rs_pages_seen seen;
	const struct rs_event *proof;  /* of what the first differing page was */
	const struct rs_ev_pages *run; /* in which it was found */
};

static struct rs_run run_of(rs_iova_t iova, rs_pfn_t pfn, __u64 npage)
{
	__u64 page = iova.v >> RS_PAGE_SHIFT, max = (~0ULL >> RS_PAGE_SHIFT) - page + 1;

	return (struct rs_run){ page, npage < max ? npage : max, pfn.v };
}

/* Cuts a run down to its part in [@first, @last]. Return: whether there is one */
static bool clip(struct rs_run *run, __u64 first, __u64 last)
{
	__u64 end = run->page + (run->npage - 1);

	if (!run->npage || last < first || run->page > last || end < first)
		return false;
	if (run->page < first) {
		run->pfn += first - run->page;
		run->page = first;
	}
	run->npage = (end < last ? end : last) - run->page + 1;
	return true;
}

static bool clip_to_range(struct rs_run *run, const struct rs_range *r)
{
	return r->size &&
	       clip(run, r->iova.v >> RS_PAGE_SHIFT, (r->iova.v + (r->size - 1)) >> RS_PAGE_SHIFT);
}

/* Index of the first run that ends above @page. */
static size_t run_from(const struct rs_pages *p, __u64 page)
{
	size_t lo = 0, hi = p->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->run[mid].page + (p->run[mid].npage - 1) < page)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int insert(struct rs_pages *p, size_t at, struct rs_run run)
{
	struct rs_run *before = at ? &p->run[at - 1] : NULL, *grown;

	if (before && before->page + before->npage == run.page &&
	    before->pfn + before->npage == run.pfn) {
		before->npage += run.npage;
		return 0;
	}
	grown = rs_grow(p->run, p->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->run = grown;
	memmove(grown + at + 1, grown + at, (p->nr - at) * sizeof(*grown));
	grown[at] = run;
	p->nr++;
	return 0;
}

/* Takes over what is new in @run; what is known stays. */
static int learn(struct rs_pages *p, const struct rs_run *run)
{
	__u64 page = run->page, end = run->page + run->npage;
	int err = 0;

	while (page < end && !err) {
		size_t at = run_from(p, page);
		__u64 next = at < p->nr ? p->run[at].page : end;

		if (next <= page) {
			page = p->run[at].page + p->run[at].npage;
			continue;
		}
		if (next > end)
			next = end;
		err = insert(p, at,
			     (struct rs_run){ page, next - page, run->pfn + (page - run->page) });
		page = next;
	}
	return err;
}

static void differ(struct compare *c, __u64 page, __u64 nr, __u64 had, __u64 has, __u32 had_by)
{
	if (!c->seen.other) {
		c->seen.iova = rs_iova(page << RS_PAGE_SHIFT);
		c->seen.had = had;
		c->seen.has = has;
		c->seen.had_by = had_by;
	}
	c->seen.other += nr;
}

/* Who holds that page of the range, and what was it given? */
static const struct rs_pin *held(const struct compare *c, __u64 page)
{
	const struct rs_device *d;

	for (d = c->m->devices; d; d = d->hh.next) {
		const struct rs_pin *pin;

		if (!rs_key_same(d->container, c->r->container->key))
			continue;
		pin = rs_pins_find(&d->pins, page);
		if (pin && pin->range == c->r->serial && pin->pfn != RS_PFN_NONE)
			return pin;
	}
	return NULL;
}

/* Of pages that the IOMMU says nothing of. */
static void compare_pins(struct compare *c, const struct rs_run *run, __u64 page, __u64 end)
{
	if (end - page > LOOK_MAX)
		end = page + LOOK_MAX;
	for (; c->m->devices && page < end; page++) {
		const struct rs_pin *pin = held(c, page);
		__u64 has = run->pfn + (page - run->page);

		if (!pin)
			continue;
		if (pin->pfn == has) {
			c->seen.same++;
			continue;
		}
		if (!c->seen.other)
			c->proof = &pin->by->ev;
		differ(c, page, 1, pin->pfn, has, RS_PAGES_PIN);
	}
}

/* @run lies in the range. */
static void compare(struct compare *c, const struct rs_run *run)
{
	static const struct rs_pages nothing;
	const struct rs_pages *known = c->r->pages.weak ? &nothing : &c->r->pages;
	__u64 page = run->page, end = run->page + run->npage;

	for (size_t i = run_from(known, page); page < end; i++) {
		const struct rs_run *k = i < known->nr ? &known->run[i] : NULL;
		__u64 had, has, upto;

		upto = !k || k->page > end ? end : k->page;
		if (upto > page) {
			compare_pins(c, run, page, upto);
			page = upto;
			if (page == end)
				return;
		}
		upto = k->page + k->npage < end ? k->page + k->npage : end;
		had = k->pfn + (page - k->page);
		has = run->pfn + (page - run->page);
		if (had == has)
			c->seen.same += upto - page;
		else
			differ(c, page, upto - page, had, has, RS_PAGES_IOMMU);
		page = upto;
	}
}

static int note(struct rs_model *m, enum rs_note_type type, struct rs_range *r,
		const struct compare *c, const struct rs_event *proof, const struct rs_event *ev)
{
	return rs_note(m, (struct rs_note){ .type = type,
					    .ts = ev->ts,
					    .ev = ev,
					    .proof = proof,
					    .container = r->container,
					    .range = r,
					    .pages = c ? &c->seen : NULL,
					    .by = ev->tgid });
}

/* What was found: pages known for the first time, or others than before. */
static int tell(struct rs_model *m, struct rs_range *r, const struct compare *c,
		const struct rs_event *ev)
{
	int err = 0;

	if (!r->pages_told) {
		r->pages_told = true;
		err = note(m, RS_N_PAGES_KNOWN, r, NULL, NULL, ev);
	}
	if (!err && c->seen.other)
		err = note(m, RS_N_PAGES_OTHER, r, c, c->proof, ev);
	return err;
}

static int iommu_run(struct rs_model *m, struct rs_range *r, struct rs_run run,
		     const struct rs_event *ev)
{
	struct compare c = { .m = m, .r = r, .seen.has_by = RS_PAGES_IOMMU };
	int err;

	if (!clip_to_range(&run, r))
		return 0;
	/* It let go of all before: what it is given now need not be the same. */
	if (r->pages.weak)
		rs_pages_forget(r);
	compare(&c, &run);
	err = learn(&r->pages, &run);
	return err ? err : tell(m, r, &c, ev);
}

int rs_pages_iommu(struct rs_model *m, struct rs_container *c, const struct rs_pending *p,
		   const struct rs_event *ev)
{
	int err = 0;

	for (size_t i = 0; p && i < p->nr_pages; i++) {
		const struct rs_ev_pages *x = &p->pages[i];
		struct rs_run run = run_of(x->iova, x->pfn, x->npage);
		__u64 last = run.page + (run.npage - 1);

		if (x->source != RS_PAGES_IOMMU || !run.npage)
			continue;
		for (size_t k = rs_range_from(c, x->iova.v); k < c->nr && !err; k++) {
			if (c->range[k]->iova.v >> RS_PAGE_SHIFT > last)
				break;
			err = iommu_run(m, c->range[k], run, ev);
		}
	}
	return err;
}

int rs_pages_first(struct rs_model *m, struct rs_range *r, rs_pfn_t pfn, const struct rs_event *ev)
{
	return iommu_run(m, r, run_of(r->iova, pfn, 1), ev);
}

__u64 rs_pages_told(const struct rs_ev_request *rq, const struct rs_pending *p, __u64 page)
{
	for (size_t i = 0; p && i < p->nr_pages; i++) {
		const struct rs_ev_pages *x = &p->pages[i];
		__u64 at = page - (x->iova.v >> RS_PAGE_SHIFT);

		if (x->source == RS_PAGES_PIN && at < x->npage)
			return x->pfn.v + at;
	}
	if ((rq->rflags & RS_REQF_PFN) && page == rq->iova.v >> RS_PAGE_SHIFT)
		return rq->pfn.v;
	return RS_PFN_NONE;
}

/* The runs that a pin told, or its first page. Return: false when there are no more */
static bool next_told(const struct rs_ev_request *rq, const struct rs_pending *p, size_t *i,
		      struct rs_run *run)
{
	__u64 first = rq->iova.v >> RS_PAGE_SHIFT;
	size_t nr = p ? p->nr_pages : 0;

	while (*i < nr) {
		const struct rs_ev_pages *x = &p->pages[(*i)++];

		*run = run_of(x->iova, x->pfn, x->npage);
		if (x->source == RS_PAGES_PIN && clip(run, first, first + (rq->op.ret - 1)))
			return true;
	}
	if (*i > nr || !(rq->rflags & RS_REQF_PFN))
		return false;
	*i = nr + 1;
	for (size_t k = 0; k < nr; k++)
		if (p->pages[k].source == RS_PAGES_PIN)
			return false;
	*run = run_of(rq->iova, rq->pfn, 1);
	return true;
}

int rs_pages_pinned(struct rs_model *m, struct rs_container *c, const struct rs_ev_request *rq,
		    const struct rs_pending *p, const struct rs_event *ev)
{
	__u64 last = (rq->iova.v >> RS_PAGE_SHIFT) + (rq->op.ret - 1);
	int err = 0;

	if (!(rq->rflags & RS_REQF_PFN) && !(p && p->nr_pages))
		return 0;
	for (size_t k = rs_range_from(c, rq->iova.v); k < c->nr && !err; k++) {
		struct compare cmp = { .m = m, .r = c->range[k], .seen.has_by = RS_PAGES_PIN };
		struct rs_run run;
		bool any = false;

		if (c->range[k]->iova.v >> RS_PAGE_SHIFT > last)
			break;
		for (size_t i = 0; next_told(rq, p, &i, &run);) {
			if (!clip_to_range(&run, c->range[k]))
				continue;
			any = true;
			compare(&cmp, &run);
		}
		if (any)
			err = tell(m, c->range[k], &cmp, ev);
	}
	return err;
}

static void compare_pagemap(struct compare *cmp, const struct rs_pending *p)
{
	cmp->seen.has_by = RS_PAGES_PAGEMAP;
	for (size_t i = 0; p && i < p->nr_pages; i++) {
		const struct rs_ev_pages *x = &p->pages[i];
		struct rs_run run = run_of(x->iova, x->pfn, x->npage);

		if (x->source != RS_PAGES_PAGEMAP || !clip_to_range(&run, cmp->r))
			continue;
		compare(cmp, &run);
		if (cmp->seen.other && !cmp->run)
			cmp->run = x;
	}
}

/* What the window's view says of the range, also after the window has closed. */
static void update_view(struct rs_model *m, const struct rs_range *r,
			const struct rs_pages_seen *seen)
{
	struct rs_range_view *v =
		rs_window_range_view(m, r->container, r->remap_window, r->remap_view);

	if (!v)
		return;
	v->pages_asked = seen->asked;
	v->pages_same = seen->same;
	v->pages_other = seen->other;
	if (seen->other)
		v->memory = RS_MEMORY_OTHER;
	else if (rs_pages_prove(seen))
		v->memory = RS_MEMORY_SAME;
}

int rs_pages_verify(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_range *r = NULL;
	struct rs_container *c;
	struct rs_ev_verify x;
	struct rs_pending *p;
	int err = 0;

	rs_event_read(&x, sizeof(x), ev);
	p = rs_pending_take(m, x.req);
	c = rs_container_find(m, (struct rs_key){ .object = x.container });
	if (c)
		r = rs_range_at(c, x.iova.v);
	/* It may have been taken down, or remapped again, before anybody got to look. */
	if (r && r->iova.v == x.iova.v && r->size == x.size && r->remap_req == x.req &&
	    !r->invalid) {
		struct compare cmp = { .m = m, .r = r };

		compare_pagemap(&cmp, p);
		cmp.seen.asked = x.asked;
		cmp.seen.found = x.found;
		cmp.seen.all = x.all && x.asked == r->size >> RS_PAGE_SHIFT;
		update_view(m, r, &cmp.seen);
		err = note(m, RS_N_VERIFIED, r, &cmp, cmp.run ? &cmp.run->h : NULL, ev);
		free(r->unproved);
		r->unproved = NULL;
	}
	rs_pending_drop(p);
	return err;
}

void rs_pages_weaken(struct rs_container *c)
{
	for (size_t i = 0; i < c->nr; i++)
		c->range[i]->pages.weak = true;
}

void rs_pages_forget(struct rs_range *r)
{
	free(r->pages.run);
	r->pages = (struct rs_pages){ 0 };
}
