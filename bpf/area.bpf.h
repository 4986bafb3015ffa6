/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: An area's state and what lies behind it, as records; walks over the areas of a context
 *
 * Included by area.bpf.c and snapshot.bpf.c.
 */
#ifndef RS_AREA_BPF_H
#define RS_AREA_BPF_H

#include "iommufd.bpf.h"
#include "range.bpf.h"

#define AREAS_CAUSE    0xffU	 /* enum rs_range_cause */
#define AREAS_COUNT    (1U << 8) /* only count, nothing is written */
#define AREAS_SNAPSHOT (1U << 9) /* each ioas is a snapshot */

/*
 * All areas of a context, by the current task. What was seen is in rs_task.areas. Global functions (area.bpf.c), as
 * tell_ranges().
 */
int tell_areas(__u64 ictx, __u64 req, __u32 how);

/* The one that holds @iova. Return: 1 if it was told */
int tell_area(__u64 ioas, __u64 req, __u64 iova, __u32 cause);

/* The context as it is. @why: enum rs_snapshot_why */
int tell_context(__u64 ictx, __u32 why);

static __always_inline void write_file(__u64 ictx, __u64 req, __u64 iova, __u64 size, __u64 offset,
				       struct file *file)
{
	struct rs_ev_backing *ev = RS_RECORD(RS_EV_BACKING, rs_ev_backing, ictx);
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	if (!ev)
		return;
	ev->req = req;
	ev->iova.v = iova;
	ev->vaddr.v = 0;
	ev->len = size;
	ev->ino = BPF_CORE_READ(inode, i_ino);
	ev->offset = offset;
	ev->vm_flags = 0;
	ev->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	ev->generation = BPF_CORE_READ(inode, i_generation);
	ev->what = RS_BACKING_FILE;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

/* Writes an area's state, and what is behind it; a vaddr is looked at in the mm of @task, if that is its owner. */
static __always_inline bool write_area(struct rs_task *t, struct task_struct *task, __u64 ictx,
				       __u64 req, __u32 ioas, struct iopt_area *area, __u32 cause)
{
	struct iopt_pages *pages = BPF_CORE_READ(area, pages);
	__u64 iova = BPF_CORE_READ(area, node.start);
	__u64 size = BPF_CORE_READ(area, node.last) - iova + 1;
	__u64 offset = area_offset(area), vaddr = 0, mm;
	__u32 flags, kind, pieces = 0;
	struct rs_ev_range *ev;

	/* It is being set up, or taken down. */
	if (!pages)
		return false;
	flags = area_flags(area, pages);
	kind = area_kind(pages);
	mm = (__u64)BPF_CORE_READ(pages, source_mm);
	if (kind == RS_AREA_USER)
		vaddr = (__u64)BPF_CORE_READ(pages, uptr) + offset;
	if (kind == RS_AREA_FILE && bpf_core_field_exists(pages->file)) {
		write_file(ictx, req, iova, size, BPF_CORE_READ(pages, start) + offset,
			   BPF_CORE_READ(pages, file));
		flags |= RS_RANGEF_SCANNED;
		pieces = 1;
	} else if (kind == RS_AREA_USER && mm == (__u64)BPF_CORE_READ(task, mm)) {
		pieces = scan_range(t, task, ictx, req, iova, vaddr, size, &flags);
	}
	ev = RS_RECORD(RS_EV_RANGE, rs_ev_range, ictx);
	if (!ev)
		return true;
	ev->req = req;
	ev->container = ictx;
	ev->iova.v = iova;
	ev->vaddr.v = vaddr;
	ev->size = size;
	ev->owner_mm = mm;
	ev->locked_pages = BPF_CORE_READ(pages, npinned);
	ev->prot = BPF_CORE_READ(area, iommu_prot) & 3;
	ev->flags = flags;
	ev->cause = cause;
	ev->pieces = pieces;
	ev->pages_key = (__u64)pages;
	ev->ioas = ioas;
	ev->area = kind;
	ev->account = BPF_CORE_READ(pages, account_mode);
	ev->owner_tgid = BPF_CORE_READ(pages, source_task, tgid);
	bpf_ringbuf_submit(ev, 0);
	return true;
}

/* The callbacks' context: what a walk has got to is in the task's storage. */
struct areas_ctx {
	struct rs_task *t;
	struct task_struct *task; /* whose memory */
};

/* An ioas as it was found, after its areas; with id 0 a context that has none. */
static __always_inline void write_ioas_snapshot(struct rs_areas *w, struct task_struct *task)
{
	struct rs_ev_snapshot *ev = RS_RECORD(RS_EV_SNAPSHOT, rs_ev_snapshot, w->ictx);
	struct rs_container *c;
	__u64 key = w->ictx;

	if (!ev)
		return;
	__builtin_memset(&ev->op, 0, sizeof(ev->op));
	ev->op.req = w->req;
	ev->op.container = key;
	ev->op.start_ns = w->start;
	ev->op.kind = RS_CONTAINER_IOMMUFD;
	c = bpf_map_lookup_elem(&containers, &key);
	if (!c || c->gen != w->gen || c->inflight)
		ev->op.flags = RS_OPF_CONCURRENT;
	ev->why = w->why;
	ev->nr_ranges = w->nr;
	ev->owner_tgid = BPF_CORE_READ(task, tgid);
	ev->fd = w->fd;
	ev->ioas = w->ioas;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

/* The object with the id that is next, or a later one. Return: its address, 0: not in this step */
static __always_inline __u64 next_object(struct rs_areas *w)
{
	struct iommufd_ctx *ictx = (void *)w->ictx;
	__u64 entry = (__u64)BPF_CORE_READ(ictx, objects.xa_head);
	__u32 shift = 0;

	for (int i = 0; i < XA_LEVELS && xa_is_node(entry); i++) {
		shift = xa_shift(entry);
		entry = xa_slot(entry, w->at);
	}
	if (!xa_is_object(entry)) {
		/* Of what a slot is empty, nothing is there. */
		w->at = ((w->at >> shift) + 1) << shift;
		return 0;
	}
	w->at++;
	return entry;
}

static __always_inline long next_ioas(struct rs_areas *w, struct task_struct *task)
{
	struct iommufd_ioas *ioas;
	__u64 obj;

	if (w->ioas && w->how & AREAS_SNAPSHOT)
		write_ioas_snapshot(w, task);
	w->ioas = 0;
	if (w->at >= w->ids) {
		w->done = 1;
		return 1;
	}
	obj = next_object(w);
	if (!obj || !is_ioas(obj))
		return 0;
	ioas = (void *)obj;
	w->ioas = ioas_id(obj);
	w->ioas_seen = 1;
	w->node = (__u64)BPF_CORE_READ(ioas, iopt.area_itree.rb_root.rb_node);
	w->down = 1;
	w->nr = 0;
	if (w->how & AREAS_SNAPSHOT) {
		w->req = new_request();
		w->start = bpf_ktime_get_ns();
	}
	return 0;
}

static __always_inline void walk_area(struct areas_ctx *ac, struct iopt_area *area)
{
	struct rs_areas *w = &ac->t->areas;
	struct iopt_pages *pages = BPF_CORE_READ(area, pages);
	/* By itself: libbpf would look for our own struct in the kernel. */
	struct task_struct *task = ac->task;

	if (pages && !w->old_mm) {
		w->old_mm = (__u64)BPF_CORE_READ(pages, source_mm);
		w->old_tgid = BPF_CORE_READ(pages, source_task, tgid);
	}
	w->areas++;
	if (pages && area_kind(pages) == RS_AREA_USER)
		w->user_areas++;
	if (pages && (__u64)BPF_CORE_READ(pages, source_mm) != (__u64)BPF_CORE_READ(task, mm))
		w->foreign = 1;
	if (w->how & AREAS_COUNT)
		return;
	if (write_area(ac->t, ac->task, w->ictx, w->req, w->ioas, area, w->how & AREAS_CAUSE)) {
		w->nr++;
		w->told++;
	}
}

/* One pointer a step: from object to object, and through the areas of those that are an ioas. */
static long areas_step(__u32 i, void *ctx)
{
	struct areas_ctx *ac = ctx;
	struct rs_areas *w = &ac->t->areas;
	struct rb_node *node = (void *)w->node, *next;

	if (!node)
		return next_ioas(w, ac->task);
	if (w->down == 1) {
		next = BPF_CORE_READ(node, rb_left);
		if (next) {
			w->node = (__u64)next;
			return 0;
		}
		w->down = 0;
	}
	if (w->down == 2) {
		/* Up until we come from a left child. */
		next = (void *)(BPF_CORE_READ(node, __rb_parent_color) & ~3UL);
		if (next && node == BPF_CORE_READ(next, rb_left))
			w->down = 0;
		w->node = (__u64)next;
		return 0;
	}
	walk_area(ac, area_of_node(node));
	next = BPF_CORE_READ(node, rb_right);
	if (next) {
		w->node = (__u64)next;
		w->down = 1;
	} else {
		w->down = 2;
	}
	return 0;
}

static __always_inline void walk_areas(struct rs_task *t, struct task_struct *task, __u64 ictx,
				       __u64 req, __u32 how, __u32 why, __s32 fd)
{
	struct iommufd_ctx *x = (void *)ictx;
	struct rs_container *c = container_of_kind(ictx, RS_CONTAINER_IOMMUFD);
	__u64 head = (__u64)BPF_CORE_READ(x, objects.xa_head);
	struct areas_ctx ac = { .t = t, .task = task };
	struct rs_areas *w = &t->areas;

	__builtin_memset(w, 0, sizeof(*w));
	w->ictx = ictx;
	w->req = req;
	w->how = how;
	w->why = why;
	w->fd = fd;
	w->gen = c ? c->gen : 0;
	w->start = bpf_ktime_get_ns();
	w->ids = xa_is_node(head) ? (__u64)xa_slots() << xa_shift(head) : 0;
	bpf_loop(WALK_MAX, areas_step, &ac, 0);
	if (!w->done)
		count_loss(RS_LOSS_WALK);
}

/* Writes a context as it is: nobody is stopped for it. */
static __always_inline void write_context(struct rs_task *t, struct task_struct *task, __u64 ictx,
					  __u32 why, __s32 fd)
{
	struct rs_areas *w = &t->areas;
	struct rs_container *c;

	walk_areas(t, task, ictx, 0, RS_RANGE_FOUND | AREAS_SNAPSHOT, why, fd);
	if (!w->ioas_seen) {
		w->req = new_request();
		write_ioas_snapshot(w, task);
	}
	c = bpf_map_lookup_elem(&containers, &ictx);
	if (!c)
		return;
	if (!c->owner_mm)
		c->owner_mm = w->old_mm;
	if (c->gen == w->gen && !c->inflight)
		c->told = 1;
}

#endif /* RS_AREA_BPF_H */
