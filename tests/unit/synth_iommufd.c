// SPDX-License-Identifier: GPL-2.0-only
/* drivers/iommu/iommufd in small, and the recorder's view of it. */
#include <errno.h>
#include "synth_fake_iommufd.h"

#define PROT_RW 3

struct synth_iommufd *fake_iommufd(struct synth *s)
{
	if (!s->iommufd) {
		s->iommufd = calloc(1, sizeof(*s->iommufd));
		MUST(s->iommufd);
		s->iommufd->next_pages = 0xffff888400000000ULL;
		s->iommufd->account = RS_ACCOUNT_USER;
	}
	return s->iommufd;
}

void synth_iommufd_free(struct synth *s)
{
	struct synth_iommufd *f = s->iommufd;

	if (!f)
		return;
	free(f->ioctx);
	free(f->area);
	free(f->pages);
	free(f->access);
	free(f);
}

void *fake_more(void *array, size_t nr, size_t size)
{
	array = realloc(array, (nr + 1) * size);
	MUST(array);
	memset((char *)array + nr * size, 0, size);
	return array;
}

struct fake_ioctx *fake_ioctx_of(struct synth *s, __u64 key)
{
	struct synth_iommufd *f = fake_iommufd(s);

	for (size_t i = 0; i < f->nr_ioctxs; i++)
		if (f->ioctx[i].key == key)
			return &f->ioctx[i];
	MUST(!"a context of that key");
	return NULL;
}

struct fake_access *fake_access_of(struct synth *s, __u64 device)
{
	struct synth_iommufd *f = fake_iommufd(s);

	for (size_t i = 0; i < f->nr_accesses; i++)
		if (f->access[i].device == device)
			return &f->access[i];
	return NULL;
}

static bool has_domain(struct synth *s, __u64 x, __u32 ioas)
{
	struct synth_iommufd *f = fake_iommufd(s);

	for (size_t i = 0; i < f->nr_accesses; i++)
		if (f->access[i].ioctx == x && f->access[i].ioas == ioas && !f->access[i].emulated)
			return true;
	return false;
}

struct fake_area *fake_area_at(struct synth *s, __u64 x, __u32 ioas, __u64 iova)
{
	struct synth_iommufd *f = fake_iommufd(s);

	for (size_t i = 0; i < f->nr_areas; i++)
		if (f->area[i].ioctx == x && f->area[i].ioas == ioas &&
		    iova - f->area[i].iova < f->area[i].size)
			return &f->area[i];
	return NULL;
}

static struct fake_pages *pages_of(struct synth *s, const struct fake_area *a)
{
	return &fake_iommufd(s)->pages[a->pages];
}

/* Of iommufd all but requests is recorded when armed, too. */
struct rs_op fake_begin(struct synth *s, __u64 x, bool request)
{
	synth_introduce(s);
	s->now += US;
	s->quiet = request && s->mode == RS_MODE_ARMED && !fake_ioctx_of(s, x)->awake;
	return (struct rs_op){
		.req = ++s->req << 16 | s->cpu,
		.container = x,
		.start_ns = s->now,
		.kind = RS_CONTAINER_IOMMUFD,
	};
}

__u64 synth_iommufd_at(struct synth *s, __u64 key)
{
	struct synth_iommufd *f = fake_iommufd(s);
	struct rs_ev_open *x;
	struct rs_op op;

	f->ioctx = fake_more(f->ioctx, f->nr_ioctxs, sizeof(*f->ioctx));
	f->ioctx[f->nr_ioctxs++] = (struct fake_ioctx){ .key = key, .next_id = 1 };
	op = fake_begin(s, key, false);
	x = RECORD(s, RS_EV_OPEN, rs_ev_open);
	if (x)
		x->op = op;
	return key;
}

__u64 synth_iommufd(struct synth *s)
{
	s->next_key += 0x1000;
	return synth_iommufd_at(s, s->next_key);
}

static void tell_area(struct synth *s, const struct fake_area *a, const struct rs_op *op,
		      enum rs_range_cause cause)
{
	const struct fake_pages *p = pages_of(s, a);
	bool scan = p->area == RS_AREA_FILE ||
		    (p->area == RS_AREA_USER && p->mm == synth_mm(s, s->pid));
	struct rs_ev_backing *b = scan ? RECORD(s, RS_EV_BACKING, rs_ev_backing) : NULL;
	struct rs_ev_range *x;

	if (b) {
		b->req = op->req;
		b->iova = rs_iova(a->iova);
		b->vaddr = rs_vaddr(p->vaddr);
		b->len = a->size;
		b->what = p->area == RS_AREA_FILE ? RS_BACKING_FILE : RS_BACKING_ANON;
		b->ino = p->ino;
		b->offset = p->off;
		b->dev = p->area == RS_AREA_FILE;
		b->generation = 7;
		b->vm_flags = p->area == RS_AREA_FILE ? 0 : RS_VM_WRITE;
	}
	x = RECORD(s, RS_EV_RANGE, rs_ev_range);
	if (!x)
		return;
	x->req = op->req;
	x->container = a->ioctx;
	x->iova = rs_iova(a->iova);
	x->vaddr = rs_vaddr(p->vaddr);
	x->size = a->size;
	x->owner_mm = p->mm;
	x->locked_pages = p->npinned;
	x->prot = PROT_RW;
	x->flags = scan ? RS_RANGEF_SCANNED : 0;
	x->cause = cause;
	x->pieces = scan;
	x->pages_key = p->key;
	x->ioas = a->ioas;
	x->area = p->area;
	x->account = p->account;
	x->owner_tgid = p->tgid;
}

static struct rs_ev_ioas *ioas_record(struct synth *s, const struct rs_op *op, enum rs_ioas_op what,
				      __u32 ioas)
{
	struct rs_ev_ioas *x = RECORD(s, RS_EV_IOAS, rs_ev_ioas);

	if (!x)
		return NULL;
	x->op = *op;
	x->op.ret = s->twist.ret;
	x->what = what;
	x->ioas = ioas;
	x->fd = -1;
	return x;
}

static void count(struct synth *s, __u32 request, const struct rs_ev_ioas *x)
{
	struct rs_paths paths;

	if (!x)
		return;
	rs_ioas_paths(&x->work, x->file_pages, x->domain_pages, x->op.ret, &paths);
	synth_count(s, 0, request, false, &paths);
}

__u32 synth_ioas(struct synth *s, __u64 key)
{
	struct fake_ioctx *x = fake_ioctx_of(s, key);
	struct rs_op op = fake_begin(s, key, false);
	__u32 id = s->twist.ret ? 0 : x->next_id++;

	MUST(x->nr < sizeof(x->ioas) / sizeof(x->ioas[0]));
	if (id)
		x->ioas[x->nr++] = id;
	ioas_record(s, &op, RS_IOAS_ALLOC, id);
	s->twist = (struct synth_twist){ 0 };
	return id;
}

static void put_pages(struct synth *s, size_t at)
{
	fake_iommufd(s)->pages[at].refs--;
}

/* Areas of an ioas from @iova on, up to and without @end, are taken down. Return: bytes */
static __u64 take_down(struct synth *s, __u64 x, __u32 ioas, __u64 iova, __u64 end,
		       const struct rs_op *op, enum rs_caller caller)
{
	struct synth_iommufd *f = fake_iommufd(s);
	__u64 bytes = 0;
	size_t nr = 0;

	for (size_t i = 0; i < f->nr_areas; i++) {
		const struct fake_area a = f->area[i];
		struct rs_ev_remove *r;

		if (a.ioctx != x || a.ioas != ioas || a.iova < iova || a.iova >= end) {
			f->area[nr++] = a;
			continue;
		}
		r = RECORD(s, RS_EV_REMOVE, rs_ev_remove);
		if (r) {
			r->req = op->req;
			r->container = x;
			r->iova = rs_iova(a.iova);
			r->size = a.size;
			r->caller = caller;
			r->ioas = ioas;
		}
		bytes += a.size;
		put_pages(s, a.pages);
	}
	f->nr_areas = nr;
	return bytes;
}

static void forget_ioas(struct fake_ioctx *x, __u32 ioas)
{
	for (size_t i = 0; i < x->nr; i++)
		if (x->ioas[i] == ioas)
			x->ioas[i--] = x->ioas[--x->nr];
}

void synth_ioas_destroy(struct synth *s, __u64 key, __u32 ioas)
{
	struct rs_op op = fake_begin(s, key, false);

	take_down(s, key, ioas, 0, ~0ULL, &op, RS_IN_IOCTL_OTHER);
	forget_ioas(fake_ioctx_of(s, key), ioas);
	ioas_record(s, &op, RS_IOAS_DESTROY, ioas);
	s->twist = (struct synth_twist){ 0 };
}

void synth_iommufd_release(struct synth *s, __u64 key)
{
	struct synth_iommufd *f = fake_iommufd(s);
	struct fake_ioctx *x = fake_ioctx_of(s, key);
	struct rs_op op = fake_begin(s, key, false);
	struct rs_ev_release *r;
	size_t nr = 0;

	for (size_t i = 0; i < x->nr; i++)
		take_down(s, key, x->ioas[i], 0, ~0ULL, &op, RS_IN_RELEASE);
	r = RECORD(s, RS_EV_RELEASE, rs_ev_release);
	if (r)
		r->op = op;
	for (size_t i = 0; i < f->nr_accesses; i++)
		if (f->access[i].ioctx != key)
			f->access[nr++] = f->access[i];
	f->nr_accesses = nr;
	*x = f->ioctx[--f->nr_ioctxs];
}

void synth_ioas_account(struct synth *s, enum rs_account account)
{
	fake_iommufd(s)->account = account;
}

static size_t new_pages(struct synth *s, __u32 area, __u64 size)
{
	struct synth_iommufd *f = fake_iommufd(s);

	f->pages = fake_more(f->pages, f->nr_pages, sizeof(*f->pages));
	f->pages[f->nr_pages] = (struct fake_pages){
		.key = f->next_pages += 0x100,
		.area = area,
		.account = f->account,
		.npage = size / PAGE,
		.mm = synth_mm(s, s->pid),
		.tgid = s->pid,
	};
	return f->nr_pages++;
}

static struct fake_area *new_area(struct synth *s, __u64 x, __u32 ioas, __u64 iova, __u64 size,
				  size_t pages)
{
	struct synth_iommufd *f = fake_iommufd(s);
	size_t at = 0;

	MUST(!fake_area_at(s, x, ioas, iova));
	f->area = fake_more(f->area, f->nr_areas, sizeof(*f->area));
	while (at < f->nr_areas &&
	       (f->area[at].ioas < ioas || (f->area[at].ioas == ioas && f->area[at].iova < iova)))
		at++;
	memmove(f->area + at + 1, f->area + at, (f->nr_areas - at) * sizeof(*f->area));
	f->area[at] = (struct fake_area){ x, ioas, iova, size, pages };
	f->nr_areas++;
	f->pages[pages].refs++;
	return &f->area[at];
}

/* Pins what is not pinned yet. Return: pages */
__u64 fake_fill_domain(struct fake_pages *p)
{
	__u64 pages = p->npage - p->npinned;

	p->npinned = p->npage;
	return pages;
}

static void charge(struct rs_work *w, const struct fake_pages *p, __u64 pages)
{
	if (p->account != RS_ACCOUNT_NONE && pages)
		w->acct[0] = (struct rs_acct){ p->mm, pages };
}

static void map(struct synth *s, __u64 x, __u32 ioas, __u64 iova, __u64 size, __u32 area, __u64 ino,
		__u64 off)
{
	struct rs_op op = fake_begin(s, x, false);
	struct fake_pages *p = NULL;
	struct rs_ev_ioas *e;
	__u64 pinned = 0;

	if (!s->twist.ret) {
		size_t at = new_pages(s, area, size);

		p = &fake_iommufd(s)->pages[at];
		p->ino = ino;
		p->off = off;
		if (area == RS_AREA_USER)
			p->vaddr = 0x700000000000ULL + iova;
		if (has_domain(s, x, ioas))
			pinned = fake_fill_domain(p);
		tell_area(s, new_area(s, x, ioas, iova, size, at), &op, RS_RANGE_MAPPED);
	}
	e = ioas_record(s, &op, area == RS_AREA_USER ? RS_IOAS_MAP : RS_IOAS_MAP_FILE, ioas);
	if (e) {
		e->iova = rs_iova(iova);
		e->size = size;
		e->vaddr = rs_vaddr(p ? p->vaddr : 0);
		e->offset = off;
		e->fd = area == RS_AREA_USER ? -1 : 7;
		e->nr_ranges = p != NULL;
		e->work.pages_pinned = pinned;
		e->file_pages = area == RS_AREA_FILE ? pinned : 0;
		if (p)
			charge(&e->work, p, pinned);
	}
	count(s, RS_REQ_MAP, e);
	s->twist = (struct synth_twist){ 0 };
}

void synth_ioas_map(struct synth *s, __u64 x, __u32 ioas, __u64 iova, __u64 size)
{
	map(s, x, ioas, iova, size, RS_AREA_USER, 0, 0);
}

void synth_ioas_map_file(struct synth *s, __u64 x, __u32 ioas, __u64 iova, __u64 size, __u64 ino,
			 __u64 off)
{
	map(s, x, ioas, iova, size, RS_AREA_FILE, ino, off);
}

void synth_ioas_copy(struct synth *s, __u64 x, __u32 to, __u64 iova, __u32 from, __u64 from_iova)
{
	struct fake_area *src = fake_area_at(s, x, from, from_iova);
	struct rs_op op = fake_begin(s, x, false);
	struct rs_ev_ioas *e;
	__u64 size, pinned;
	size_t pages;

	MUST(src && src->iova == from_iova);
	size = src->size;
	pages = src->pages;
	pinned = has_domain(s, x, to) ? fake_fill_domain(&fake_iommufd(s)->pages[pages]) : 0;
	tell_area(s, new_area(s, x, to, iova, size, pages), &op, RS_RANGE_COPIED);
	e = ioas_record(s, &op, RS_IOAS_COPY, to);
	if (e) {
		e->src_ioas = from;
		e->iova = rs_iova(iova);
		e->src_iova = rs_iova(from_iova);
		e->size = size;
		e->nr_ranges = 1;
		e->work.pages_pinned = pinned;
		e->file_pages = fake_iommufd(s)->pages[pages].area == RS_AREA_FILE ? pinned : 0;
		charge(&e->work, &fake_iommufd(s)->pages[pages], pinned);
	}
	count(s, RS_REQ_MAP, e);
	s->twist = (struct synth_twist){ 0 };
}

void synth_ioas_unmap(struct synth *s, __u64 x, __u32 ioas, __u64 iova)
{
	const struct fake_area *a = fake_area_at(s, x, ioas, iova);
	struct rs_op op = fake_begin(s, x, false);
	__u64 size = a ? a->size : PAGE, done = 0;
	struct rs_ev_ioas *e;

	MUST(a || s->twist.ret);
	if (!s->twist.ret)
		done = take_down(s, x, ioas, iova, iova + 1, &op, RS_IN_IOCTL_UNMAP);
	e = ioas_record(s, &op, RS_IOAS_UNMAP, ioas);
	if (e) {
		e->iova = rs_iova(iova);
		e->size = size;
		e->size_after = done;
	}
	count(s, RS_REQ_UNMAP, e);
	s->twist = (struct synth_twist){ 0 };
}

/* iommufd_ioas_change_process(): who is charged for the context's pages, and who is given back. */
static void move_charges(struct synth *s, __u64 x, const struct synth_twist *t, struct rs_work *w)
{
	struct synth_iommufd *f = fake_iommufd(s);
	__u64 mm = synth_mm(s, s->pid), gain = 0;

	for (size_t i = 0; i < f->nr_pages; i++) {
		struct fake_pages *p = &f->pages[i];
		bool ours = false;

		for (size_t k = 0; k < f->nr_areas; k++)
			ours |= f->area[k].ioctx == x && f->area[k].pages == i;
		if (!ours)
			continue;
		if (p->account != RS_ACCOUNT_NONE && p->mm != mm && p->npinned) {
			gain += p->npinned;
			if (!t->no_refund && (!w->acct[1].mm || w->acct[1].mm == p->mm)) {
				w->acct[1].mm = p->mm;
				w->acct[1].pages -= p->npinned;
			} else if (!t->no_refund) {
				w->acct_other++;
			}
		}
		p->mm = mm;
		p->tgid = s->pid;
	}
	if ((gain || t->gain_off) && !t->no_charge)
		w->acct[0] = (struct rs_acct){ mm, (__s64)gain + t->gain_off };
	w->acct_other += t->third_mm;
}

static void count_areas(struct synth *s, __u64 x, struct rs_ev_ioas *e)
{
	const struct synth_iommufd *f = fake_iommufd(s);

	for (size_t i = 0; i < f->nr_areas; i++) {
		const struct fake_pages *p = &f->pages[f->area[i].pages];

		if (f->area[i].ioctx != x)
			continue;
		if (!e->old_mm) {
			e->old_mm = p->mm;
			e->old_tgid = p->tgid;
		}
		e->areas++;
		e->user_areas += p->area == RS_AREA_USER;
	}
}

__s64 synth_change_process(struct synth *s, __u64 x)
{
	struct rs_ev_ioas e = { 0 }, *to;
	const struct synth_iommufd *f;
	struct synth_twist t = s->twist;
	struct rs_op op;

	op = fake_begin(s, x, false);
	synth_vcpus_told(s);
	count_areas(s, x, &e);
	fake_ioctx_of(s, x)->awake |= e.areas != 0;
	op.ret = t.ret ? t.ret : e.user_areas ? -EINVAL : 0;
	f = fake_iommufd(s);
	if (!op.ret)
		move_charges(s, x, &t, &e.work);
	else if (t.gain_off)
		e.work.acct[0] = (struct rs_acct){ synth_mm(s, s->pid), t.gain_off };
	for (size_t i = 0; i < f->nr_areas && !op.ret; i++) {
		if (f->area[i].ioctx != x)
			continue;
		tell_area(s, &f->area[i], &op, RS_RANGE_HANDED);
		e.nr_ranges++;
	}
	to = ioas_record(s, &op, RS_IOAS_CHANGE_PROCESS, 0);
	if (to) {
		e.h = to->h;
		e.op = op;
		e.what = to->what;
		e.fd = -1;
		*to = e;
		count(s, RS_REQ_CHANGE, to);
	}
	s->twist = (struct synth_twist){ 0 };
	return op.ret;
}

static void snapshot(struct synth *s, __u64 x, __u32 ioas, enum rs_snapshot_why why)
{
	const struct synth_iommufd *f = fake_iommufd(s);
	struct rs_op op = fake_begin(s, x, false);
	struct rs_ev_snapshot *e;
	__u32 nr = 0;

	for (size_t i = 0; i < f->nr_areas; i++) {
		if (f->area[i].ioctx != x || f->area[i].ioas != ioas)
			continue;
		tell_area(s, &f->area[i], &op, RS_RANGE_FOUND);
		nr++;
	}
	e = RECORD(s, RS_EV_SNAPSHOT, rs_ev_snapshot);
	MUST(e);
	e->op = op;
	e->why = why;
	e->nr_ranges = nr;
	e->owner_tgid = s->pid;
	e->ioas = ioas;
}

void synth_iommufd_snapshot(struct synth *s, __u64 key, enum rs_snapshot_why why)
{
	const struct fake_ioctx *x = fake_ioctx_of(s, key);

	for (size_t i = 0; i < x->nr; i++)
		snapshot(s, key, x->ioas[i], why);
	if (!x->nr)
		snapshot(s, key, 0, why);
}

void synth_areas_left(struct synth *s, __u64 mm)
{
	const struct synth_iommufd *f = s->iommufd;
	bool any = false;

	for (size_t i = 0; f && i < f->nr_areas; i++) {
		if (f->pages[f->area[i].pages].mm != mm)
			continue;
		any = true;
		fake_ioctx_of(s, f->area[i].ioctx)->awake = true;
	}
	if (any)
		synth_vcpus_told(s);
}
