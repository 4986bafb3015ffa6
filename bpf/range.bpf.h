/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A range's state and what lies behind its vaddr, as records
 *
 * Included by type1.bpf.c, process.bpf.c, snapshot.bpf.c and area.bpf.h.
 */
#ifndef RS_RANGE_BPF_H
#define RS_RANGE_BPF_H

#include "common.bpf.h"

/* VMAs looked at per range; what is beyond is said to be cut. */
#define SCAN_MAX 4096
/* bpf_find_vma() only tries the mmap lock; a writer holds it briefly. These count among the above. */
#define SCAN_TRIES 1024
/* Steps of a walk over a container's ranges: each range costs about two. */
#define WALK_MAX (1U << 18)

static long read_vma(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	struct rs_vma_piece *p = *(struct rs_vma_piece **)ctx;
	struct file *file = BPF_CORE_READ(vma, vm_file);

	p->start = BPF_CORE_READ(vma, vm_start);
	p->end = BPF_CORE_READ(vma, vm_end);
	p->vm_flags = BPF_CORE_READ(vma, vm_flags);
	p->what = RS_BACKING_ANON;
	p->ino = p->offset = 0;
	p->dev = p->generation = 0;
	if (file) {
		struct inode *inode = BPF_CORE_READ(file, f_inode);

		p->what = RS_BACKING_FILE;
		p->ino = BPF_CORE_READ(inode, i_ino);
		p->generation = BPF_CORE_READ(inode, i_generation);
		p->dev = BPF_CORE_READ(inode, i_sb, s_dev);
		/* In units of 4 KiB also for hugetlb (mm/hugetlb.c, vma_hugecache_offset()). */
		p->offset = BPF_CORE_READ(vma, vm_pgoff) << RS_PAGE_SHIFT;
	}
	return 0;
}

static __always_inline void scan_write(struct rs_scan *s)
{
	struct rs_ev_backing *ev;

	if (s->cur.end == s->cur.start)
		return;
	ev = RS_RECORD(RS_EV_BACKING, rs_ev_backing, s->container);
	if (ev) {
		ev->req = s->req;
		ev->iova.v = s->iova + (s->cur.start - s->base);
		ev->vaddr.v = s->cur.start;
		ev->len = s->cur.end - s->cur.start;
		ev->ino = s->cur.ino;
		ev->offset = s->cur.offset;
		ev->vm_flags = s->cur.vm_flags;
		ev->dev = s->cur.dev;
		ev->generation = s->cur.generation;
		ev->what = s->cur.what;
		ev->reserved = 0;
		bpf_ringbuf_submit(ev, 0);
	}
	s->pieces++;
}

/* The callbacks' contexts are pointers on the stack to what lives in the task's storage. */
struct scan_ctx {
	struct rs_scan *scan;
	struct task_struct *task; /* whose memory */
};

static long scan_step(__u32 i, void *ctx)
{
	struct scan_ctx *sc = ctx;
	struct rs_scan *s = sc->scan;
	struct rs_vma_piece *p = &s->seen;
	long err;

	if (s->addr >= s->end)
		return 1;
	err = bpf_find_vma(sc->task, s->addr, read_vma, &p, 0);
	if (err == -EBUSY && ++s->tries < SCAN_TRIES)
		return 0;
	if (err || p->end <= s->addr) {
		/* A hole: how far it goes is not known, but what is wrong is. */
		p->what = err == -EBUSY ? RS_BACKING_BUSY : RS_BACKING_NONE;
		p->start = s->addr;
		p->end = s->end;
		p->ino = p->offset = p->vm_flags = 0;
		p->dev = p->generation = 0;
	}
	s->tries = 0;
	if (p->start < s->addr) {
		p->offset += p->what == RS_BACKING_FILE ? s->addr - p->start : 0;
		p->start = s->addr;
	}
	if (p->end > s->end)
		p->end = s->end;
	s->addr = p->end;
	if (s->cur.end != s->cur.start && s->cur.what == p->what && s->cur.dev == p->dev &&
	    s->cur.ino == p->ino && s->cur.generation == p->generation &&
	    s->cur.vm_flags == p->vm_flags &&
	    (p->what != RS_BACKING_FILE ||
	     s->cur.offset + (p->start - s->cur.start) == p->offset)) {
		s->cur.end = p->end;
		return 0;
	}
	scan_write(s);
	s->cur = *p;
	return 0;
}

/* Writes what is behind a vaddr in the mm of @task. @flags: RS_RANGEF_*. Return: pieces */
static __always_inline __u32 scan_range(struct rs_task *t, struct task_struct *task,
					__u64 container, __u64 req, __u64 iova, __u64 vaddr,
					__u64 size, __u32 *flags)
{
	struct rs_scan *s = &t->scan;
	struct scan_ctx sc = { .scan = s, .task = task };

	__builtin_memset(s, 0, sizeof(*s));
	s->addr = s->base = vaddr;
	s->end = vaddr + size;
	s->iova = iova;
	s->req = req;
	s->container = container;
	bpf_loop(SCAN_MAX, scan_step, &sc, 0);
	scan_write(s);
	*flags |= RS_RANGEF_SCANNED | (s->addr < s->end ? RS_RANGEF_SCAN_CUT : 0);
	return s->pieces;
}

/* Writes a range's state, and what is behind its vaddr in the mm of @task. */
static __always_inline void write_range(struct rs_task *t, struct task_struct *task,
					__u64 container, __u64 req, struct vfio_dma *dma,
					__u32 cause, bool scan)
{
	__u32 flags = dma_flags(dma), pieces = 0;
	__u64 vaddr = BPF_CORE_READ(dma, vaddr), size = BPF_CORE_READ(dma, size);
	__u64 iova = BPF_CORE_READ(dma, iova);
	struct rs_ev_range *ev;

	if (scan)
		pieces = scan_range(t, task, container, req, iova, vaddr, size, &flags);
	ev = RS_RECORD(RS_EV_RANGE, rs_ev_range, container);
	if (!ev)
		return;
	ev->req = req;
	ev->container = container;
	ev->iova.v = iova;
	ev->vaddr.v = vaddr;
	ev->size = size;
	ev->owner_mm = dma_mm(dma);
	ev->locked_pages = 0;
	if (bpf_core_field_exists(dma->locked_vm))
		ev->locked_pages = BPF_CORE_READ(dma, locked_vm);
	ev->prot = BPF_CORE_READ(dma, prot);
	ev->flags = flags;
	ev->cause = cause;
	ev->pieces = pieces;
	ev->pages_key = 0;
	ev->ioas = 0;
	ev->area = RS_AREA_TYPE1;
	ev->account = 0;
	ev->owner_tgid = 0;
	bpf_ringbuf_submit(ev, 0);
}

/* An in-order walk of a container's dma_list, one pointer a step. */
struct walk {
	struct rs_task *t;
	struct task_struct *task;
	struct rb_node *node; /* where we are */
	__u64 container;
	__u64 req;
	__u64 mm;
	__u32 cause;
	__u8 down; /* going to the leftmost below @node */
	__u8 scan;
	__u8 only_mm; /* only valid ranges that @mm is charged for */
	__u8 done;
	__u32 nr;
};

static __always_inline void walk_range(struct walk *w, struct vfio_dma *dma)
{
	bool ours = dma_mm(dma) == w->mm;

	if (w->only_mm && (!ours || BPF_CORE_READ(dma, vaddr_invalid)))
		return;
	write_range(w->t, w->task, w->container, w->req, dma, w->cause, w->scan && ours);
	w->nr++;
}

static long walk_step(__u32 i, void *ctx)
{
	struct walk *w = ctx;
	struct rb_node *node = w->node, *next, *parent;

	if (!node) {
		w->done = 1;
		return 1;
	}
	if (w->down == 1) {
		next = BPF_CORE_READ(node, rb_left);
		if (next) {
			w->node = next;
			return 0;
		}
		w->down = 0;
	}
	if (w->down == 2) {
		/* Up until we come from a left child. */
		parent = (void *)(BPF_CORE_READ(node, __rb_parent_color) & ~3UL);
		if (parent && node == BPF_CORE_READ(parent, rb_left))
			w->down = 0;
		w->node = parent;
		return 0;
	}
	walk_range(w, dma_of_node(node));
	next = BPF_CORE_READ(node, rb_right);
	if (next) {
		w->node = next;
		w->down = 1;
	} else {
		w->down = 2;
	}
	return 0;
}

static __always_inline __u32 walk_ranges(struct walk *w)
{
	struct vfio_iommu *iommu = (void *)w->container;

	if (!has_type1())
		return 0;
	w->node = BPF_CORE_READ(iommu, dma_list.rb_node);
	w->down = 1;
	bpf_loop(WALK_MAX, walk_step, w, 0);
	if (!w->done)
		count_loss(RS_LOSS_WALK);
	return w->nr;
}

#define TELL_CAUSE   0xffU     /* enum rs_range_cause */
#define TELL_SCAN    (1U << 8) /* and what is behind those of @mm */
#define TELL_ONLY_MM (1U << 9) /* only valid ranges that @mm is charged for */

/*
 * The state of a container's ranges, with the current task's memory behind them (range.bpf.c). A global
 * function: the verifier looks at it once, not again wherever it is called.
 */
int tell_ranges(__u64 container, __u64 req, __u64 mm, __u32 how);

/* Writes the state of all ranges of a container. Return: how many */
static __always_inline __u32 write_all_ranges(struct rs_task *t, struct task_struct *task,
					      __u64 container, __u64 req, __u32 cause, bool scan)
{
	struct walk w = {
		.t = t,
		.task = task,
		.container = container,
		.req = req,
		.mm = (__u64)BPF_CORE_READ(task, mm),
		.cause = cause,
		.scan = scan,
	};

	return walk_ranges(&w);
}

static __always_inline void close_snapshot(__u64 container, __u64 req, __u64 start, __u32 gen,
					   __u32 nr_ranges, struct task_struct *task, __u32 why,
					   __s32 fd)
{
	struct rs_container *c = container_of_key(container);
	struct rs_ev_snapshot *ev = RS_RECORD(RS_EV_SNAPSHOT, rs_ev_snapshot, container);
	struct vfio_iommu *iommu = (void *)container;

	if (!ev)
		return;
	__builtin_memset(&ev->op, 0, sizeof(ev->op));
	ev->op.req = req;
	ev->op.container = container;
	ev->op.start_ns = start;
	ev->op.invalid_before = ev->op.invalid_after = invalid_count(container);
	ev->op.kind = RS_CONTAINER_TYPE1;
	if (has_type1() && BPF_CORE_READ(iommu, v2))
		ev->op.flags |= RS_OPF_V2;
	if (has_type1() && !list_is_empty(&iommu->emulated_iommu_groups))
		ev->op.flags |= RS_OPF_EMULATED;
	if (!c || c->gen != gen || c->inflight)
		ev->op.flags |= RS_OPF_CONCURRENT;
	else if (why != RS_SNAP_OWNER)
		c->told = 1;
	ev->why = why;
	ev->nr_ranges = nr_ranges;
	ev->owner_tgid = BPF_CORE_READ(task, tgid);
	ev->fd = fd;
	ev->ioas = 0;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

/* Writes a container as it is: nobody is stopped for it. */
static __always_inline void write_snapshot(struct rs_task *t, struct task_struct *task,
					   __u64 container, __u32 why, __s32 fd)
{
	struct rs_container *c = container_of_key(container);
	__u64 req = new_request(), start = bpf_ktime_get_ns();
	__u32 gen = c ? c->gen : 0, nr;

	nr = write_all_ranges(t, task, container, req, RS_RANGE_FOUND, true);
	close_snapshot(container, req, start, gen, nr, task, why, fd);
}

#endif /* RS_RANGE_BPF_H */
