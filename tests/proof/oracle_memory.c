// SPDX-License-Identifier: GPL-2.0-only
/* The second opinion on memory: what is behind a range, who is charged for it, which pages it has, who holds them. */
#include <stdlib.h>
#include <string.h>
#include "synth_internal.h"
#include "oracle.h"

#define FLAG_VADDR 4
#define UNTOLD	   UINT64_MAX

enum o_memory { O_SAME, O_UNPROVED, O_OTHER };

static __u64 key_of(const struct oracle *o, const struct o_range *r)
{
	return o->container[r->container].key;
}

/* What a request told of the page at @at of a range: a record of type RS_EV_BACKING. NULL: nothing */
static const struct rs_ev_backing *backing_at(const struct oracle *o, size_t told, __u64 at)
{
	const struct rs_ev_range *range = O_EV(o, told, rs_ev_range);

	for (size_t i = 0; i < told; i++) {
		const struct rs_ev_backing *b = O_EV(o, i, rs_ev_backing);

		if (b->h.type == RS_EV_BACKING && b->req == range->req &&
		    range->iova.v + at - b->iova.v < b->len)
			return b;
	}
	return NULL;
}

static bool told_in_full(const struct oracle *o, size_t told)
{
	__u32 flags = O_EV(o, told, rs_ev_range)->flags;

	return flags & RS_RANGEF_SCANNED && !(flags & RS_RANGEF_SCAN_CUT);
}

/* One page of a remapped range. @mm: whose it was, as far as its map tells; a kernel need not tell it */
static enum o_memory same_page(const struct rs_ev_map *x, __u64 mm, const struct rs_ev_backing *was,
			       const struct rs_ev_backing *is)
{
	if (is && is->what == RS_BACKING_NONE)
		return O_OTHER;
	if (!was || !is || was->what == RS_BACKING_BUSY || is->what == RS_BACKING_BUSY)
		return O_UNPROVED;
	if (was->what != is->what)
		return O_OTHER;
	/* Nothing names it but where it is, and whose. */
	if (is->what == RS_BACKING_ANON)
		return (x->old_mm ? x->old_mm : mm) == x->h.mm && x->old_vaddr.v == x->vaddr.v
			       ? O_SAME
			       : O_UNPROVED;
	if (was->dev != is->dev || was->ino != is->ino || was->generation != is->generation ||
	    was->offset - was->iova.v != is->offset - is->iova.v)
		return O_OTHER;
	if (is->vm_flags & RS_VM_SHARED)
		return was->vm_flags & RS_VM_SHARED ? O_SAME : O_UNPROVED;
	return was->vm_flags & RS_VM_SHARED ? O_OTHER : O_UNPROVED;
}

static enum o_memory same_memory(const struct oracle *o, const struct o_range *r,
				 const struct o_happening *h)
{
	const struct rs_ev_map *x = O_EV(o, h->at, rs_ev_map);
	size_t is = o_piece(o, x->op.req, RS_EV_RANGE, 0), was = h->memory;
	enum o_memory worst = O_SAME;

	if (is == NEVER || !(O_EV(o, is, rs_ev_range)->flags & RS_RANGEF_SCANNED))
		return O_UNPROVED;
	if (was == NEVER) {
		const struct rs_ev_backing *first = backing_at(o, is, 0);

		return first && first->what == RS_BACKING_NONE ? O_OTHER : O_UNPROVED;
	}
	for (__u64 at = 0; at < r->size; at += PAGE) {
		enum o_memory page =
			same_page(x, h->mm, backing_at(o, was, at), backing_at(o, is, at));

		if (page > worst)
			worst = page;
	}
	if (worst == O_SAME && !(told_in_full(o, was) && told_in_full(o, is)))
		return O_UNPROVED;
	return worst;
}

/* Did the IOMMU let go of all its pages between the two? With its last group it does. */
static bool lets_go(const struct oracle *o, __u64 key, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (o->ev[i]->type == RS_EV_DETACH && O_EV(o, i, rs_ev_group)->op.container == key)
			return true;
	return false;
}

/* The page that a record told for @iova, when it told it for the IOMMU; @of: the range. */
static __u64 iommu_page(const struct oracle *o, const struct o_range *r, size_t i, __u64 iova)
{
	const struct rs_ev_pages *p = O_EV(o, i, rs_ev_pages);
	const struct rs_ev_map *x = O_EV(o, i, rs_ev_map);

	if (p->h.type == RS_EV_PAGES && p->source == RS_PAGES_IOMMU &&
	    p->container == key_of(o, r) && iova - p->iova.v < p->npage * PAGE)
		return p->pfn.v + (iova - p->iova.v) / PAGE;
	if (x->h.type == RS_EV_MAP && !x->op.ret && !(x->uflags & FLAG_VADDR) &&
	    x->op.container == key_of(o, r) && x->more.more & RS_MOREF_PFN && x->iova.v == iova)
		return x->more.pfn.v;
	return UNTOLD;
}

/* The request that a page record belongs to ends there. */
static size_t request_end(const struct oracle *o, size_t i)
{
	__u64 req = O_EV(o, i, rs_ev_pages)->req;

	for (size_t k = i; k < o->nr; k++) {
		__u16 type = o->ev[k]->type;

		if ((type == RS_EV_MAP || type == RS_EV_ATTACH || type == RS_EV_REQUEST) &&
		    O_EV(o, k, rs_ev_map)->op.req == req)
			return k;
	}
	return NEVER;
}

/* What the IOMMU has at that iova before @at; UNTOLD. The first one that told it. */
static __u64 iommu_has(const struct oracle *o, const struct o_range *r, __u64 iova, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		__u64 page = iommu_page(o, r, i, iova);
		size_t when =
			page != UNTOLD && o->ev[i]->type == RS_EV_PAGES ? request_end(o, i) : i;

		if (page != UNTOLD && when >= r->from && when <= r->until && when < at &&
		    !lets_go(o, key_of(o, r), when, at))
			return page;
	}
	return UNTOLD;
}

/* What a pin told of one of its pages. */
static __u64 pin_page(const struct oracle *o, size_t at, __u64 iova)
{
	const struct rs_ev_request *x = O_EV(o, at, rs_ev_request);

	for (size_t i = 0; (i = o_piece(o, x->op.req, RS_EV_PAGES, i)) != NEVER; i++) {
		const struct rs_ev_pages *p = O_EV(o, i, rs_ev_pages);

		if (p->source == RS_PAGES_PIN && iova - p->iova.v < p->npage * PAGE)
			return p->pfn.v + (iova - p->iova.v) / PAGE;
	}
	return x->rflags & RS_REQF_PFN && iova == x->iova.v ? x->pfn.v : UNTOLD;
}

static bool pins(const struct oracle *o, size_t i, __u64 device, __u64 iova)
{
	const struct rs_ev_request *x = O_EV(o, i, rs_ev_request);

	return x->h.type == RS_EV_REQUEST && x->request == RS_REQ_PIN && x->op.ret > 0 &&
	       (!device || x->device == device) && iova - x->iova.v < x->op.ret * PAGE;
}

static bool unpins(const struct oracle *o, size_t i, __u64 device, __u64 iova)
{
	const struct rs_ev_request *x = O_EV(o, i, rs_ev_request);

	return x->h.type == RS_EV_REQUEST && x->request == RS_REQ_UNPIN && x->device == device &&
	       x->rflags & RS_REQF_BACKEND && iova - x->iova.v < x->len;
}

/* What a device that holds it was told; UNTOLD. */
static __u64 pin_has(const struct oracle *o, const struct o_range *r, __u64 iova, size_t at)
{
	if (o->t->mode == RS_MODE_ARMED)
		return UNTOLD;
	for (size_t i = r->from; i < at; i++) {
		__u64 device, page;
		size_t held = 1;

		if (!pins(o, i, 0, iova) || O_EV(o, i, rs_ev_request)->op.container != key_of(o, r))
			continue;
		device = O_EV(o, i, rs_ev_request)->device;
		page = pin_page(o, i, iova);
		for (size_t k = i + 1; k < at && held; k++) {
			held += pins(o, k, device, iova);
			held -= unpins(o, k, device, iova);
		}
		if (held && page != UNTOLD)
			return page;
	}
	return UNTOLD;
}

static __u64 known_page(const struct oracle *o, const struct o_range *r, __u64 iova, size_t at)
{
	__u64 page = iommu_has(o, r, iova, at);

	return page != UNTOLD ? page : pin_has(o, r, iova, at);
}

struct looked {
	__u64 same, other;
};

/* What the recorder saw behind the new vaddr of the remap @req, against what was known. */
static struct looked look(const struct oracle *o, const struct o_range *r, __u64 req, size_t at)
{
	struct looked l = { 0 };

	for (size_t i = 0; (i = o_piece(o, req, RS_EV_PAGES, i)) != NEVER && i < at; i++) {
		const struct rs_ev_pages *p = O_EV(o, i, rs_ev_pages);

		for (__u64 n = 0; n < p->npage && p->source == RS_PAGES_PAGEMAP; n++) {
			__u64 known = known_page(o, r, p->iova.v + n * PAGE, at);

			l.same += known == p->pfn.v + n;
			l.other += known != UNTOLD && known != p->pfn.v + n;
		}
	}
	return l;
}

/* "The new vaddr of a range is the same file and offset as the old one, over the whole range." */
static void judge_remap(struct oracle *o, const struct o_range *r, size_t n)
{
	const struct o_happening *h = &r->happened[n];
	const struct rs_ev_map *x = O_EV(o, h->at, rs_ev_map);
	enum o_memory memory = same_memory(o, r, h);
	size_t verify = o_piece(o, x->op.req, RS_EV_VERIFY, h->at), end = r->until;

	for (size_t i = n + 1; i < r->nr; i++)
		if (r->happened[i].at < end && r->happened[i].what != O_FOUND)
			end = r->happened[i].at;
	if (verify != NEVER && verify < end) {
		const struct rs_ev_verify *v = O_EV(o, verify, rs_ev_verify);
		struct looked l = look(o, r, x->op.req, verify);

		if (l.other) {
			o_violated(o, "remap-same-memory", key_of(o, r), r->iova);
			o_violated(o, "translation-stable", key_of(o, r), r->iova);
		}
		if (memory == O_UNPROVED && v->all && v->asked == r->size / PAGE &&
		    l.same == v->asked)
			memory = O_SAME;
	}
	if (memory == O_OTHER)
		o_violated(o, "remap-same-memory", key_of(o, r), r->iova);
	else if (memory == O_UNPROVED)
		o_unknown(o, "remap-same-memory");
}

void o_judge_memory(struct oracle *o)
{
	for (size_t i = 0; i < o->nr_ranges; i++)
		for (size_t n = 0; n < o->range[i].nr; n++)
			if (o->range[i].happened[n].what == O_REMAPPED)
				judge_remap(o, &o->range[i], n);
}

static __s64 charged(const struct rs_work *w, __u64 mm)
{
	__s64 pages = 0;

	for (int i = 0; i < RS_NR_ACCT; i++)
		pages += w->acct[i].mm == mm ? w->acct[i].pages : 0;
	return pages;
}

/* Did the kernel count others when a process left that mm last? Perhaps one that nobody was told of. */
static bool left_to_others(const struct oracle *o, __u64 mm, size_t at)
{
	for (size_t i = at; i-- > 0;) {
		const struct rs_ev_exec *exec = O_EV(o, i, rs_ev_exec);
		const struct rs_ev_exit *gone = O_EV(o, i, rs_ev_exit);

		if (exec->h.type == RS_EV_EXEC && exec->old_mm == mm)
			return exec->old_mm_users;
		if (gone->h.type == RS_EV_EXIT && gone->old_mm == mm)
			return gone->old_mm_users;
	}
	return false;
}

static enum o_memory charged_right(const struct oracle *o, const struct o_happening *h)
{
	const struct rs_ev_map *x = O_EV(o, h->at, rs_ev_map);
	size_t piece = o_piece(o, x->op.req, RS_EV_RANGE, 0);
	__s64 locked = piece == NEVER ? 0 : O_EV(o, piece, rs_ev_range)->locked_pages, back;
	__u64 old = x->old_mm ? x->old_mm : h->mm;

	if (x->work.acct_other)
		return O_OTHER;
	if (h->what == O_REMAPPED && old == x->h.mm)
		return charged(&x->work, x->h.mm) ? O_OTHER : O_SAME;
	if (charged(&x->work, x->h.mm) != locked)
		return O_OTHER;
	if (h->what == O_MAPPED)
		return O_SAME;
	back = charged(&x->work, old);
	if (back == -locked)
		return O_SAME;
	if (back || o_mm_user(o, old, 0, h->at))
		return O_OTHER;
	return left_to_others(o, old, h->at) ? O_UNPROVED : O_SAME;
}

static void judge_charge(struct oracle *o, const struct o_range *r, const struct o_happening *h)
{
	size_t piece = o_piece(o, O_EV(o, h->at, rs_ev_map)->op.req, RS_EV_RANGE, 0);
	enum o_memory charge = O_UNPROVED;

	if (piece != NEVER && O_EV(o, piece, rs_ev_range)->owner_mm)
		charge = charged_right(o, h);
	if (charge == O_UNPROVED)
		o_unknown(o, "locked-conserved");
	else if (charge == O_OTHER)
		o_violated(o, "locked-conserved", key_of(o, r), r->iova);
}

/* "Locked memory moves with its range: what the new owner's mm gains is what the old one's loses." */
void o_judge_locked(struct oracle *o)
{
	for (size_t i = 0; i < o->nr_ranges; i++) {
		const struct o_range *r = &o->range[i];

		for (size_t n = 0; n < r->nr; n++)
			if (r->happened[n].what == O_MAPPED || r->happened[n].what == O_REMAPPED)
				judge_charge(o, r, &r->happened[n]);
	}
}

/* "One iova gives the same page before, inside and after a window." */
void o_judge_pages(struct oracle *o)
{
	for (size_t i = 0; i < o->nr_ranges; i++) {
		const struct o_range *r = &o->range[i];
		size_t end = r->until < o->nr ? r->until : o->nr;

		for (size_t k = r->from; k < end; k++) {
			const struct rs_ev_request *x = O_EV(o, k, rs_ev_request);
			const struct rs_ev_pages *p = O_EV(o, k, rs_ev_pages);
			bool pin = x->h.type == RS_EV_REQUEST && x->request == RS_REQ_PIN &&
				   x->op.ret > 0 && x->op.container == key_of(o, r);
			bool iommu = p->h.type == RS_EV_PAGES && p->source == RS_PAGES_IOMMU &&
				     p->container == key_of(o, r) && request_end(o, k) != NEVER;
			__u64 first = pin ? x->iova.v : iommu ? p->iova.v : 0;
			__u64 nr = pin ? (__u64)x->op.ret : iommu ? p->npage : 0;

			for (__u64 iova = first; iova < first + nr * PAGE; iova += PAGE) {
				__u64 page = pin ? pin_page(o, k, iova) : iommu_page(o, r, k, iova);
				__u64 known;

				if (page == UNTOLD || iova - r->iova >= r->size)
					continue;
				known = known_page(o, r, iova, pin ? k : request_end(o, k));
				if (known != UNTOLD && known != page)
					o_violated(o, "translation-stable", key_of(o, r), r->iova);
			}
		}
	}
}

/* A device of a container, from its first request on. */
struct device {
	__u64 key;
	size_t container, closed;
	__s32 group;
};

/* Pins and unpins of one page, in their order. */
static void judge_page(struct oracle *o, const struct device *d, __u64 iova)
{
	const struct o_container *c = &o->container[d->container];
	size_t end = d->closed == NEVER ? o->nr : d->closed, held = 0;

	for (size_t i = c->from; i < end; i++) {
		held += pins(o, i, d->key, iova);
		if (!unpins(o, i, d->key, iova))
			continue;
		if (held)
			held--;
		else if (c->born)
			o_violated(o, "pin-balance", 0, d->key);
		else
			o_unknown(o, "pin-balance");
	}
	if (held && d->closed != NEVER)
		o_violated(o, "pin-balance", 0, d->key);
}

/* Armed, only the kernel's sums tell. */
static void judge_sums(struct oracle *o, const struct device *d)
{
	__u64 pinned = 0, unpinned = 0;

	for (size_t i = 0; i < o->nr; i++) {
		const struct rs_ev_stats *x = O_EV(o, i, rs_ev_stats);

		if (x->h.type != RS_EV_STATS || x->key.device != d->key)
			continue;
		pinned += x->key.request == RS_REQ_PIN ? x->pages : 0;
		unpinned += x->key.request == RS_REQ_UNPIN ? x->pages : 0;
	}
	if (o->container[d->container].born &&
	    (unpinned > pinned || (d->closed != NEVER && pinned != unpinned)))
		o_violated(o, "pin-balance", 0, d->key);
}

static void judge_device(struct oracle *o, const struct device *d)
{
	if (o->t->mode == RS_MODE_ARMED) {
		judge_sums(o, d);
		return;
	}
	for (size_t i = 0; i < o->nr; i++) {
		const struct rs_ev_request *x = O_EV(o, i, rs_ev_request);

		if (x->h.type != RS_EV_REQUEST || x->device != d->key || x->request > RS_REQ_UNPIN)
			continue;
		for (__u64 at = 0; at < x->len; at += PAGE)
			judge_page(o, d, x->iova.v + at);
	}
}

/* "Per device and page, pins minus unpins is never negative, and zero when the device is closed." */
void o_judge_pins(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		const struct rs_ev_request *x = O_EV(o, i, rs_ev_request);
		const struct rs_ev_device *told = O_EV(o, i, rs_ev_device);
		struct device d = { .closed = NEVER };
		__u64 container;
		bool first = true;

		if (x->h.type == RS_EV_REQUEST) {
			d.key = x->device;
			d.group = x->group_id;
			container = x->op.container;
		} else if (told->h.type == RS_EV_DEVICE) {
			d.key = told->device;
			d.group = told->group_id;
			container = told->container;
		} else {
			continue;
		}
		d.container = o_container_at(o, container, i);
		for (size_t k = 0; k < i && first; k++)
			first = !((o->ev[k]->type == RS_EV_REQUEST &&
				   O_EV(o, k, rs_ev_request)->device == d.key) ||
				  (o->ev[k]->type == RS_EV_DEVICE &&
				   O_EV(o, k, rs_ev_device)->device == d.key));
		for (size_t k = i; k < o->nr && first && d.closed == NEVER; k++) {
			const struct rs_ev_group *g = O_EV(o, k, rs_ev_group);

			if ((g->h.type == RS_EV_RELEASE && g->op.container == container) ||
			    (g->h.type == RS_EV_DETACH && g->op.container == container &&
			     (__s32)g->group_id == d.group))
				d.closed = k;
		}
		if (first && d.key)
			judge_device(o, &d);
	}
}
