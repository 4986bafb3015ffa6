// SPDX-License-Identifier: GPL-2.0-only
/* drivers/vfio/vfio_iommu_type1.c in small, and the recorder's view of it. */
#include <errno.h>
#include "synth_internal.h"

/* include/uapi/linux/vfio.h */
#define MAP_FLAG_VADDR	 (1U << 2)
#define UNMAP_FLAG_ALL	 (1U << 1)
#define UNMAP_FLAG_VADDR (1U << 2)

#define PROT_RW 3

struct synth_container *synth_container_of(struct synth *s, __u64 key)
{
	for (size_t i = 0; i < s->nr_containers; i++)
		if (s->container[i].key == key)
			return &s->container[i];
	MUST(!"a container of that key");
	return NULL;
}

/* Index of the first range that begins at @iova or above. */
static size_t range_from(const struct synth_container *c, __u64 iova)
{
	size_t lo = 0, hi = c->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->range[mid].iova < iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct fake_range *range_at(struct synth_container *c, __u64 iova)
{
	size_t i = range_from(c, iova);

	return i < c->nr && c->range[i].iova == iova ? &c->range[i] : NULL;
}

/* A request begins: the container's state and the time at its entry. */
struct rs_op synth_begin(struct synth *s, const struct synth_container *c)
{
	synth_introduce(s);
	s->now += US;
	s->quiet = s->mode == RS_MODE_ARMED && !c->awake;
	return (struct rs_op){
		.req = ++s->req << 16 | s->cpu,
		.container = c->key,
		.start_ns = s->now,
		.invalid_before = c->invalid,
		.flags = RS_OPF_V2,
	};
}

struct rs_op synth_ended(struct rs_op op, const struct synth_container *c, __s64 ret)
{
	op.invalid_after = c->invalid;
	op.ret = ret;
	return op;
}

__u64 synth_open_at(struct synth *s, __u64 key)
{
	struct synth_container *c;
	struct rs_ev_open *x;
	struct rs_op op;

	s->container = realloc(s->container, (s->nr_containers + 1) * sizeof(*s->container));
	MUST(s->container);
	c = &s->container[s->nr_containers++];
	*c = (struct synth_container){ .key = key, .born = !s->off };
	op = synth_begin(s, c);
	x = RECORD(s, RS_EV_OPEN, rs_ev_open);
	if (x) {
		x->op = synth_ended(op, c, 0);
		x->iommu_type = 3; /* VFIO_TYPE1v2_IOMMU */
	}
	return key;
}

__u64 synth_open(struct synth *s)
{
	s->next_key += 0x1000;
	return synth_open_at(s, s->next_key);
}

static void backing_piece(struct synth *s, const struct fake_range *r, const struct rs_op *op,
			  __u64 at, __u64 len)
{
	const struct synth_twist *t = &r->backing;
	struct rs_ev_backing *x = RECORD(s, RS_EV_BACKING, rs_ev_backing);

	if (!x)
		return;
	x->req = op->req;
	x->iova = rs_iova(r->iova + at);
	x->vaddr = rs_vaddr(r->vaddr + at);
	x->len = len;
	if (t->hole && (at || !t->split))
		return;
	x->what = t->what ? t->what : RS_BACKING_FILE;
	x->vm_flags = t->vm_flags | RS_VM_WRITE | (t->private_map ? 0 : RS_VM_SHARED);
	if (x->what != RS_BACKING_FILE)
		return;
	x->ino = r->ino;
	x->offset = r->off + at + (at ? t->split_off : 0);
	x->dev = t->dev ? t->dev : 1;
	x->generation = t->generation ? t->generation : 7;
}

void synth_tell_range(struct synth *s, const struct synth_container *c, const struct fake_range *r,
		      const struct rs_op *op, enum rs_range_cause cause, bool scan)
{
	__u32 pieces = 0, flags = 0;
	struct rs_ev_range *x;

	if (s->off || (s->quiet && !s->verify))
		return;
	if (scan) {
		__u64 first = r->backing.split ? r->backing.split : r->size;

		flags = RS_RANGEF_SCANNED | (r->backing.cut ? RS_RANGEF_SCAN_CUT : 0);
		if (!r->backing.cut || first < r->size) {
			backing_piece(s, r, op, 0, first);
			pieces++;
		}
		if (!r->backing.cut && first < r->size) {
			backing_piece(s, r, op, first, r->size - first);
			pieces++;
		}
	}
	x = RECORD(s, RS_EV_RANGE, rs_ev_range);
	x->req = op->req;
	x->container = c->key;
	x->iova = rs_iova(r->iova);
	x->vaddr = rs_vaddr(r->vaddr);
	x->size = r->size;
	x->owner_mm = r->no_mm ? 0 : r->mm;
	x->locked_pages = r->no_mm ? 0 : r->locked;
	x->prot = PROT_RW;
	x->flags = flags | (r->invalid ? RS_RANGEF_INVALID : 0) | RS_RANGEF_IOMMU_MAPPED;
	x->cause = cause;
	x->pieces = pieces;
}

/* What the kernel counts of a map or unmap. */
static void count(struct synth *s, const struct rs_op *op, __u32 request, __s64 ret, __u64 pinned)
{
	struct rs_work work = { .pages_pinned = pinned };
	struct rs_paths paths;

	rs_work_paths(&work, ret, &paths);
	synth_count(s, 0, request, op->invalid_before, &paths);
}

static __u64 fitting_vaddr(const struct synth *s, __u64 mm, __u64 iova)
{
	return s->twist.vaddr ? s->twist.vaddr
			      : 0x700000000000ULL + ((mm >> 10 & 0xff) << 38) + iova;
}

void synth_map(struct synth *s, __u64 key, __u64 iova, __u64 size, __u64 ino, __u64 off)
{
	struct synth_container *c = synth_container_of(s, key);
	struct synth_twist t = s->twist;
	__u64 mm = synth_mm(s, s->pid);
	struct rs_op op = synth_begin(s, c);
	struct fake_range r = {
		.iova = iova,
		.size = size,
		.vaddr = fitting_vaddr(s, mm, iova),
		.no_mm = t.no_mm,
		.mm = mm,
		.locked = size / PAGE,
		.backing = t,
		.ino = ino,
		.off = off,
	};
	struct rs_ev_map *x;

	s->twist = (struct synth_twist){ 0 };
	if (!t.ret) {
		size_t at = range_from(c, iova);

		MUST(!range_at(c, iova));
		if (c->nr == c->room) {
			c->room = c->room ? 2 * c->room : 16;
			c->range = realloc(c->range, c->room * sizeof(*c->range));
			MUST(c->range);
		}
		memmove(c->range + at + 1, c->range + at, (c->nr - at) * sizeof(*c->range));
		c->range[at] = r;
		c->nr++;
		synth_tell_range(s, c, &r, &op, RS_RANGE_MAPPED, true);
		if (t.pfn && s->verify)
			synth_pages(s, &op, RS_PAGES_IOMMU, 0, iova, size / PAGE, t.pfn);
	}
	count(s, &op, RS_REQ_MAP, t.ret, t.ret ? 0 : r.locked);
	x = RECORD(s, RS_EV_MAP, rs_ev_map);
	if (!x)
		return;
	x->op = synth_ended(op, c, t.ret);
	x->iova = rs_iova(iova);
	x->vaddr = rs_vaddr(r.vaddr);
	x->size = size;
	if (t.ret)
		return;
	x->nr_ranges = 1;
	x->work.pages_pinned = r.locked;
	x->work.iommu_mapped = size;
	x->work.pin_calls = x->work.gup_calls = 1;
	if (!t.no_charge)
		x->work.acct[0] = (struct rs_acct){ mm, r.locked + t.gain_off };
	x->more.work_ns = t.wait_ns ? op.start_ns + t.wait_ns : 0;
	if (t.pfn) {
		x->more.more = RS_MOREF_PFN;
		x->more.pfn.v = t.pfn;
	}
}

static void remap(struct synth *s, struct synth_container *c, struct fake_range *r,
		  const struct rs_op *op, const struct synth_twist *t, __u64 ino, __u64 off)
{
	r->vaddr = fitting_vaddr(s, synth_mm(s, s->pid), r->iova);
	r->mm = synth_mm(s, s->pid);
	r->invalid = false;
	r->backing = *t;
	r->ino = ino;
	r->off = off;
	c->invalid--;
	synth_tell_range(s, c, r, op, RS_RANGE_REMAPPED, true);
}

/* vfio_change_dma_owner(): the new mm is charged, then the old one is given back what it paid. */
static void move_charge(struct synth *s, struct rs_ev_map *x, const struct fake_range *r,
			const struct synth_twist *t)
{
	__u64 mm = synth_mm(s, s->pid);
	bool moved = mm != r->mm;

	if (!t->no_charge && (moved || t->gain_off))
		x->work.acct[0] = (struct rs_acct){ mm, (moved ? r->locked : 0) + t->gain_off };
	if (moved && synth_users_of(s, r->mm) && !t->no_refund)
		x->work.acct[1] = (struct rs_acct){ r->mm, -(__s64)r->locked };
	x->work.acct_other = t->third_mm;
}

void synth_remap(struct synth *s, __u64 key, __u64 iova, __u64 size, __u64 ino, __u64 off)
{
	struct synth_container *c = synth_container_of(s, key);
	struct fake_range *r = range_at(c, iova);
	struct synth_twist t = s->twist;
	struct rs_op op = synth_begin(s, c);
	struct rs_ev_map *x, before = { 0 };
	__s64 ret = t.ret;

	if (!ret && (!r || !r->invalid || r->size != size))
		ret = r && r->invalid && t.size == size ? 0 : r ? -EINVAL : -ENOENT;
	if (r) {
		before.old_iova = rs_iova(r->iova);
		before.old_size = r->size;
		before.old_vaddr = rs_vaddr(r->vaddr);
		before.old_mm = r->no_mm ? 0 : r->mm;
		before.old_flags = r->invalid ? RS_RANGEF_INVALID : 0;
		move_charge(s, &before, r, &t);
	}
	if (!ret)
		remap(s, c, r, &op, &t, ino, off);
	count(s, &op, RS_REQ_REMAP, ret, 0);
	x = RECORD(s, RS_EV_MAP, rs_ev_map);
	if (x) {
		struct rs_event head = x->h;

		*x = before;
		x->h = head;
		x->op = synth_ended(op, c, ret);
		x->iova = rs_iova(iova);
		x->vaddr = rs_vaddr(fitting_vaddr(s, synth_mm(s, s->pid), iova));
		x->size = size;
		x->uflags = MAP_FLAG_VADDR;
		x->nr_ranges = !ret;
		x->work.gup_calls = t.gup_calls;
		if (ret)
			memset(&x->work, 0, sizeof(x->work));
	}
	s->twist = (struct synth_twist){ 0 };
}

static void invalidate(struct synth *s, __u64 key, __u64 iova, __u64 size, __u32 flags)
{
	struct synth_container *c = synth_container_of(s, key);
	struct rs_ev_map *x;
	__u64 done = 0;
	struct rs_op op;

	c->awake |= !s->twist.ret;
	op = synth_begin(s, c);
	for (size_t i = 0; i < c->nr && !s->twist.ret; i++) {
		struct fake_range *r = &c->range[i];

		if (!(flags & UNMAP_FLAG_ALL) &&
		    (r->iova < iova || r->iova + r->size > iova + size))
			continue;
		MUST(!r->invalid);
		r->invalid = true;
		c->invalid++;
		done += r->size;
	}
	for (size_t i = 0; i < c->nr && !s->twist.ret; i++)
		synth_tell_range(s, c, &c->range[i], &op, RS_RANGE_INVALIDATED,
				 (!c->born || s->mode == RS_MODE_ARMED) &&
					 c->range[i].mm == synth_mm(s, s->pid));
	count(s, &op, RS_REQ_INVALIDATE, s->twist.ret, 0);
	if (!s->twist.ret)
		synth_vcpus_told(s);
	x = RECORD(s, RS_EV_UNMAP, rs_ev_map);
	if (x) {
		x->op = synth_ended(op, c, s->twist.ret);
		x->iova = rs_iova(iova);
		x->size = size;
		x->size_after = done;
		x->uflags = flags;
		x->nr_ranges = s->twist.ret ? 0 : c->nr;
	}
	s->twist = (struct synth_twist){ 0 };
}

void synth_invalidate(struct synth *s, __u64 c, __u64 iova, __u64 size)
{
	invalidate(s, c, iova, size, UNMAP_FLAG_VADDR);
}

void synth_invalidate_all(struct synth *s, __u64 c)
{
	invalidate(s, c, 0, 0, UNMAP_FLAG_VADDR | UNMAP_FLAG_ALL);
}

static void iommu_record(struct synth *s, const struct synth_container *c, __u64 iova, __u64 size,
			 enum rs_iommu_op op, __s64 ret, __u32 caller, bool removing)
{
	struct rs_ev_iommu *x = RECORD(s, RS_EV_IOMMU, rs_ev_iommu);

	if (!x)
		return;
	x->container = c->key;
	x->domain = c->key + 0x100;
	x->iova = rs_iova(iova);
	x->size = size;
	x->ret = ret;
	x->caller = caller;
	x->op = op;
	x->removing = removing;
}

/* vfio_remove_dma(): the IOMMU's part of it is written while the window is open only. */
static void remove_ranges(struct synth *s, struct synth_container *c, size_t from, size_t to,
			  const struct rs_op *op, enum rs_caller caller)
{
	for (size_t i = from; i < to; i++) {
		const struct fake_range *r = &c->range[i];
		struct rs_ev_remove *x = RECORD(s, RS_EV_REMOVE, rs_ev_remove);

		if (x) {
			x->req = op->req;
			x->container = c->key;
			x->iova = rs_iova(r->iova);
			x->size = r->size;
			x->caller = caller;
			x->flags = r->invalid ? RS_RANGEF_INVALID : 0;
		}
		if (c->invalid)
			iommu_record(s, c, r->iova, r->size, RS_IOMMU_UNMAP, r->size, caller, true);
		c->invalid -= r->invalid;
	}
	if (to > from)
		memmove(c->range + from, c->range + to, (c->nr - to) * sizeof(*c->range));
	c->nr -= to - from;
}

void synth_unmap(struct synth *s, __u64 key, __u64 iova, __u64 size)
{
	struct synth_container *c = synth_container_of(s, key);
	size_t from = range_from(c, iova), to = from;
	struct rs_op op = synth_begin(s, c);
	struct rs_ev_map *x;
	__u64 done = 0;

	while (!s->twist.ret && to < c->nr && c->range[to].iova + c->range[to].size <= iova + size)
		done += c->range[to++].size;
	remove_ranges(s, c, from, to, &op, RS_IN_IOCTL_UNMAP);
	count(s, &op, RS_REQ_UNMAP, s->twist.ret, 0);
	x = RECORD(s, RS_EV_UNMAP, rs_ev_map);
	if (x) {
		x->op = synth_ended(op, c, s->twist.ret);
		x->iova = rs_iova(iova);
		x->size = size;
		x->size_after = done;
	}
	s->twist = (struct synth_twist){ 0 };
}

void synth_release(struct synth *s, __u64 key)
{
	struct synth_container *c = synth_container_of(s, key);
	struct rs_op op = synth_begin(s, c);
	struct rs_ev_release *x;

	remove_ranges(s, c, 0, c->nr, &op, RS_IN_RELEASE);
	x = RECORD(s, RS_EV_RELEASE, rs_ev_release);
	if (x)
		x->op = synth_ended(op, c, 0);
	free(c->range);
	*c = s->container[--s->nr_containers];
}

static void group(struct synth *s, __u64 key, enum rs_event_type type, bool last)
{
	struct synth_container *c = synth_container_of(s, key);
	struct rs_op op = synth_begin(s, c);
	struct rs_ev_group *x;

	if (last)
		remove_ranges(s, c, 0, c->nr, &op, RS_IN_DETACH);
	/* A second domain is given what the first one has. */
	for (size_t i = 0; i < c->nr && s->twist.pfn; i++)
		synth_pages(s, &op, RS_PAGES_IOMMU, 0, c->range[i].iova, c->range[i].size / PAGE,
			    s->twist.pfn);
	x = RECORD(s, type, rs_ev_group);
	if (x) {
		x->op = synth_ended(op, c, s->twist.ret);
		x->group = key + 0x200;
		x->group_id = 5;
		if (s->twist.foreign) {
			x->more.foreign_calls = 3;
			x->more.foreign_iova = rs_iova(c->nr ? c->range[0].iova : 0);
			x->more.foreign_mm = synth_mm(s, s->twist.foreign);
		}
	}
	s->twist = (struct synth_twist){ 0 };
}

void synth_attach(struct synth *s, __u64 c)
{
	group(s, c, RS_EV_ATTACH, false);
}

void synth_detach(struct synth *s, __u64 c)
{
	group(s, c, RS_EV_DETACH, false);
}

void synth_detach_last(struct synth *s, __u64 c)
{
	group(s, c, RS_EV_DETACH, true);
}

void synth_ioctl(struct synth *s, __u64 key, __u32 cmd)
{
	struct synth_container *c = synth_container_of(s, key);
	struct rs_op op = synth_begin(s, c);
	struct rs_ev_ioctl *x = RECORD(s, RS_EV_IOCTL, rs_ev_ioctl);

	if (x) {
		x->op = synth_ended(op, c, s->twist.ret);
		x->cmd = cmd;
	}
	s->twist = (struct synth_twist){ 0 };
}

void synth_enter(struct synth *s, __u64 c)
{
	s->entered = synth_begin(s, synth_container_of(s, c));
}

/* The request as the kernel did it; then it is recorded, or not. */
static void request(struct synth *s, __u64 key, struct rs_ev_request x, const struct synth_twist *t)
{
	struct synth_container *c = synth_container_of(s, key);
	struct fake_range *r = range_at(c, x.iova.v);
	struct rs_op op = s->entered.req ? s->entered : synth_begin(s, c);
	struct rs_paths paths;
	struct rs_ev_request *to;

	s->entered = (struct rs_op){ 0 };
	x.op = synth_ended(op, c, x.op.ret);
	x.device = s->device ? s->device : key + 0x300;
	x.begin_ns = op.start_ns;
	x.prot = PROT_RW;
	x.rflags = RS_REQF_OUTER | RS_REQF_BACKEND | (r ? RS_REQF_RANGE : 0);
	x.range_iova = rs_iova(r ? r->iova : 0);
	x.range_mm = r ? r->mm : 0;
	x.group_id = s->group ? s->group : 5;
	x.waits = t->waits;
	x.wait_ns = t->wait_ns;
	x.work_ns = t->wait_ns ? op.start_ns + t->wait_ns : 0;
	x.h.mm = t->kthread ? 0 : synth_mm(s, s->pid);
	if (t->pfn && x.op.ret > 0) {
		x.rflags |= RS_REQF_PFN;
		x.pfn.v = t->pfn;
		if (s->verify)
			synth_pages(s, &op, RS_PAGES_PIN, x.device, x.iova.v, x.op.ret, t->pfn);
	}
	rs_request_paths(&x, &paths);
	synth_count(s, x.device, x.request, op.invalid_before, &paths);
	to = RECORD(s, RS_EV_REQUEST, rs_ev_request);
	if (!to)
		return;
	to->h.mm = x.h.mm;
	x.h = to->h;
	*to = x;
}

void synth_waits(struct synth *s, __u64 c, __u64 iova, __u32 pages)
{
	struct rs_ev_wait *x;

	synth_enter(s, c);
	x = RECORD(s, RS_EV_WAIT, rs_ev_wait);
	if (!x)
		return;
	x->req = s->entered.req;
	x->container = c;
	x->device = s->device ? s->device : c + 0x300;
	x->iova = rs_iova(iova);
	x->len = pages * PAGE;
	x->request = RS_REQ_PIN;
}

void synth_wait_given_up(struct synth *s, __u64 c, __u64 iova, __u32 pages, __u64 ns)
{
	struct rs_ev_request x = {
		.request = RS_REQ_PIN,
		.iova = rs_iova(iova),
		.len = pages * PAGE,
		.op.ret = -ETIMEDOUT,
	};
	struct synth_twist t = { .waits = 1, .wait_ns = ns };

	synth_waits(s, c, iova, pages);
	synth_wait(s, ns);
	request(s, c, x, &t);
}

void synth_pin(struct synth *s, __u64 c, __u64 iova, __u32 pages, __u32 cached)
{
	struct synth_twist t = s->twist;
	bool refused = synth_container_of(s, c)->invalid && !t.gup_calls && !t.waits;
	struct rs_ev_request x = {
		.request = RS_REQ_PIN,
		.iova = rs_iova(iova),
		.len = pages * PAGE,
		.op.ret = t.ret	    ? t.ret
			  : refused ? -EBUSY
				    : (__s64)pages,
		.gup_zero = t.gup_zero,
		.wait_pages = t.wait_pages,
	};

	s->twist = (struct synth_twist){ 0 };
	if (!refused) {
		x.gup_pages = pages - cached - t.gup_zero;
		x.gup_calls = t.gup_calls ? t.gup_calls : x.gup_pages > 0;
	}
	request(s, c, x, &t);
}

void synth_unpin(struct synth *s, __u64 c, __u64 iova, __u32 pages)
{
	struct rs_ev_request x = {
		.request = RS_REQ_UNPIN,
		.iova = rs_iova(iova),
		.len = pages * PAGE,
	};

	request(s, c, x, &s->twist);
	s->twist = (struct synth_twist){ 0 };
}

void synth_rw(struct synth *s, __u64 c, __u64 iova, __u64 len, bool write)
{
	struct synth_twist t = s->twist;
	struct rs_ev_request x = {
		.request = write ? RS_REQ_WRITE : RS_REQ_READ,
		.iova = rs_iova(iova),
		.len = len,
		.op.ret = synth_container_of(s, c)->invalid && !t.waits ? -EBUSY : t.ret,
	};

	s->twist = (struct synth_twist){ 0 };
	request(s, c, x, &t);
}

void synth_xlate(struct synth *s, __u64 key, __u64 iova, enum rs_caller caller)
{
	struct synth_container *c = synth_container_of(s, key);
	struct fake_range *r = range_at(c, iova);
	struct rs_ev_xlate *x = RECORD(s, RS_EV_XLATE, rs_ev_xlate);

	MUST(r);
	if (!x)
		return;
	x->container = key;
	x->vaddr = rs_vaddr(r->vaddr);
	x->npage = x->ret = 1;
	x->target_mm = r->mm;
	x->dma_iova = rs_iova(r->iova);
	x->dma_size = r->size;
	x->caller = caller;
	x->dma_flags = r->invalid ? RS_RANGEF_INVALID : 0;
}

void synth_iommu(struct synth *s, __u64 key, __u64 iova, __u64 size, enum rs_iommu_op op, __s64 ret)
{
	iommu_record(s, synth_container_of(s, key), iova, size, op, ret, RS_IN_IOCTL_OTHER, false);
}
