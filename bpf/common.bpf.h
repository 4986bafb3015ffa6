/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What all BPF programs do: write records, keep the task's stack of requests, find a range
 */
#ifndef RS_COMMON_BPF_H
#define RS_COMMON_BPF_H

#include "state.bpf.h"

static __always_inline struct rs_percpu *this_percpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&percpu, &cpu);
}

static __always_inline void count_loss(__u32 kind)
{
	struct rs_percpu *p = this_percpu();
	__u64 now = bpf_ktime_get_ns();

	if (!p || kind >= RS_LOSS_NR)
		return;
	if (__sync_fetch_and_add(&p->loss[kind].count, 1) == 0)
		p->loss[kind].first_ns = now;
	p->loss[kind].last_ns = now;
}

static __always_inline __u64 current_mm(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return (__u64)BPF_CORE_READ(task, mm);
}

static __always_inline __u32 mm_users(__u64 mm)
{
	return mm ? BPF_CORE_READ((struct mm_struct *)mm, mm_users.counter) : 0;
}

static __always_inline void write_head(struct rs_event *h, __u32 type, __u32 size, __u32 seq)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 id = bpf_get_current_pid_tgid();

	h->mm = (__u64)BPF_CORE_READ(task, mm);
	h->seq = seq;
	h->tgid = id >> 32;
	h->tid = (__u32)id;
	h->type = type;
	h->size = size;
	h->cpu = bpf_get_smp_processor_id();
	h->flags = (BPF_CORE_READ(task, flags) & PF_EXITING ? RS_EVF_EXITING : 0) |
		   (h->mm ? 0 : RS_EVF_KTHREAD);
	h->reserved = 0;
	h->ts = bpf_ktime_get_ns();
}

/* A record of that type, of that container (0: of none), found no room. In stats.bpf.c */
int note_lost(__u32 type, __u64 container);

/* The sequence number goes up even when there is no room: that is how a loss is found and placed. */
/* Room for a record with its head filled in, or NULL; bpf_ringbuf_submit() it. */
#define RS_RECORD(type, name, container)                                               \
	({                                                                             \
		struct rs_percpu *__p = this_percpu();                                 \
		struct name *__e = NULL;                                               \
		if (__p) {                                                             \
			__u32 __seq = __sync_fetch_and_add(&__p->seq, 1);              \
			__e = bpf_ringbuf_reserve(&events, sizeof(struct name), 0);    \
			if (__e)                                                       \
				write_head(&__e->h, type, sizeof(struct name), __seq); \
			else                                                           \
				note_lost(type, container);                            \
		}                                                                      \
		__e;                                                                   \
	})

static __always_inline __u64 new_request(void)
{
	struct rs_percpu *p = this_percpu();

	if (!p)
		return 0;
	return ((__u64)bpf_get_smp_processor_id() << 48) + __sync_fetch_and_add(&p->req, 1) + 1;
}

static __always_inline struct rs_task *this_task(bool create)
{
	struct rs_task *t;

	t = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL,
				 create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	if (!t && create)
		count_loss(RS_LOSS_CTX);
	return t;
}

static __always_inline struct rs_frame *top_frame(struct rs_task *t)
{
	__u32 i;

	if (!t)
		return NULL;
	i = t->depth - 1;
	if (i >= RS_DEPTH)
		return NULL;
	return &t->frame[i];
}

/* The request that a nested kernel function works for, NULL for a stranger's. */
static __always_inline struct rs_frame *nested_frame(void)
{
	if (!nr_active)
		return NULL;
	return top_frame(this_task(false));
}

/* Without the module there are none of its types, and nothing is to be looked for in them. */
static __always_inline bool has_type1(void)
{
	return bpf_core_type_exists(struct vfio_iommu);
}

static __always_inline __u32 invalid_count(__u64 iommu)
{
	if (!has_type1())
		return 0;
	return iommu ? BPF_CORE_READ((struct vfio_iommu *)iommu, vaddr_invalid_count) : 0;
}

/* The same of a request's container: only type1 has windows. */
static __always_inline __u32 frame_invalid(const struct rs_frame *f)
{
	return f->kind == RS_CONTAINER_TYPE1 ? invalid_count(f->container) : 0;
}

static __always_inline struct rs_container *container_of_kind(__u64 key, __u32 kind)
{
	struct rs_container fresh = { .kind = kind }, *c;

	c = bpf_map_lookup_elem(&containers, &key);
	if (c)
		return c;
	bpf_map_update_elem(&containers, &key, &fresh, BPF_NOEXIST);
	c = bpf_map_lookup_elem(&containers, &key);
	if (!c)
		count_loss(RS_LOSS_OWNERS);
	return c;
}

static __always_inline struct rs_container *container_of_key(__u64 key)
{
	return container_of_kind(key, RS_CONTAINER_TYPE1);
}

/* Takes note of a process: it owns, or handles, a container. */
static __always_inline void note_task(struct task_struct *task, __u32 flags)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct rs_owner fresh = { .mm = (__u64)BPF_CORE_READ(task, mm), .flags = flags }, *o;
	struct task_struct *leader;
	struct rs_ev_proc *ev;

	if (!fresh.mm)
		return;
	o = bpf_map_lookup_elem(&owners, &tgid);
	if (o && o->mm) {
		o->mm = fresh.mm;
		if (flags & ~o->flags)
			o->flags |= flags;
		return;
	}
	if (o)
		fresh.flags |= o->flags;
	if (bpf_map_update_elem(&owners, &tgid, &fresh, BPF_ANY)) {
		count_loss(RS_LOSS_OWNERS);
		return;
	}
	ev = RS_RECORD(RS_EV_PROC, rs_ev_proc, 0);
	if (!ev)
		return;
	/* Not always the current task: a snapshot looks at others. */
	ev->h.tgid = tgid;
	ev->h.tid = BPF_CORE_READ(task, pid);
	ev->h.mm = fresh.mm;
	ev->h.flags = 0;
	leader = BPF_CORE_READ(task, group_leader);
	ev->start_ns = BPF_CORE_READ(leader, start_time);
	ev->ppid = BPF_CORE_READ(task, real_parent, tgid);
	ev->reserved = 0;
	bpf_probe_read_kernel(ev->comm, sizeof(ev->comm), &leader->comm);
	bpf_ringbuf_submit(ev, 0);
}

static __always_inline bool process_matches(__u32 tgid)
{
	struct rs_owner *o;

	if (filter & RS_FILTER_PROCESS) {
		o = bpf_map_lookup_elem(&owners, &tgid);
		if (!o || !(o->flags & RS_OWNER_SELECTS))
			return false;
	}
	if (filter & RS_FILTER_CGROUP && bpf_current_task_under_cgroup(&cgroups, 0) != 1)
		return false;
	return true;
}

/* A selected container is recorded whoever uses it: a hand-over has two sides. */
static __always_inline bool wanted(__u64 container)
{
	if (!filter)
		return true;
	if (container && bpf_map_lookup_elem(&containers, &container))
		return true;
	if (filter & (RS_FILTER_GROUP | RS_FILTER_CONTAINER))
		return false;
	return process_matches(bpf_get_current_pid_tgid() >> 32);
}

/* Begins a request on the task's stack. */
static __always_inline struct rs_frame *push_frame(__u32 caller, __u64 container)
{
	struct rs_task *t;
	struct rs_frame *f;
	__u32 i;

	if (!wanted(container))
		return NULL;
	note_task((void *)bpf_get_current_task(), 0);
	t = this_task(true);
	if (!t)
		return NULL;
	i = t->depth;
	if (i >= RS_DEPTH) {
		count_loss(RS_LOSS_DEPTH);
		return NULL;
	}
	f = &t->frame[i];
	__builtin_memset(f, 0, sizeof(*f));
	t->depth = i + 1;
	__sync_fetch_and_add(&nr_active, 1);
	f->caller = caller;
	f->container = container;
	f->req = new_request();
	f->group_id = -1;
	f->start_ns = bpf_ktime_get_ns();
	return f;
}

static __always_inline void pop_frame(struct rs_task *t)
{
	struct rs_frame *f = top_frame(t);

	if (!f)
		return;
	if (f->reads)
		__sync_fetch_and_add(&nr_reading, -1);
	t->depth--;
	__sync_fetch_and_add(&nr_active, -1);
}

/*
 * An ioctl comes from user space and is never inside another request: what is on the stack then had
 * its exit missed.
 */
static __always_inline void drop_left_over(void)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;

	if (!t || !t->depth)
		return;
	for (int i = 0; i < RS_DEPTH; i++)
		pop_frame(t);
	count_loss(RS_LOSS_DEPTH);
}

/* The container's side of a request's entry: is anybody else at it? */
static __always_inline void enter_container(struct rs_frame *f)
{
	struct rs_container *c = container_of_kind(f->container, f->kind);

	f->invalid_before = frame_invalid(f);
	if (!c)
		return;
	f->gen = __sync_fetch_and_add(&c->gen, 1) + 1;
	if (__sync_fetch_and_add(&c->inflight, 1))
		f->op_flags |= RS_OPF_CONCURRENT;
}

static __always_inline void leave_container(struct rs_frame *f)
{
	__u64 key = f->container;
	struct rs_container *c = bpf_map_lookup_elem(&containers, &key);

	if (!c)
		return;
	__sync_fetch_and_add(&c->inflight, -1);
}

/* After all that is told of the container has been read: has anybody come since the request entered? */
static __always_inline bool was_alone(struct rs_frame *f)
{
	struct rs_container *c = f->gen ? bpf_map_lookup_elem(&containers, &f->container) : NULL;

	return !c || c->gen == f->gen;
}

static __always_inline bool list_is_empty(const void *head)
{
	struct list_head *next = NULL;

	bpf_probe_read_kernel(&next, sizeof(next), head);
	return next == head;
}

static __always_inline void fill_op(struct rs_op *op, struct rs_frame *f, __s64 ret)
{
	struct vfio_iommu *iommu = (void *)f->container;

	op->req = f->req;
	op->container = f->container;
	op->start_ns = f->start_ns;
	op->ret = ret;
	op->invalid_before = f->invalid_before;
	op->invalid_after = frame_invalid(f);
	op->kind = f->kind;
	if (has_type1() && iommu && f->kind == RS_CONTAINER_TYPE1 && f->caller != RS_IN_RELEASE) {
		if (BPF_CORE_READ(iommu, v2))
			f->op_flags |= RS_OPF_V2;
		if (!list_is_empty(&iommu->emulated_iommu_groups))
			f->op_flags |= RS_OPF_EMULATED;
		if (list_is_empty(&iommu->device_list))
			f->op_flags |= RS_OPF_NO_UNMAP_CB;
	}
	if (!was_alone(f))
		f->op_flags |= RS_OPF_CONCURRENT;
	op->flags = f->op_flags;
}

/* Locked memory that a request has charged, or given back. */
static __always_inline void add_acct(struct rs_frame *f, __u64 mm, __s64 pages)
{
	struct rs_acct *a = &f->work.acct[0];

	if (a->mm && a->mm != mm)
		a = &f->work.acct[1];
	if (a->mm && a->mm != mm) {
		f->work.acct_other++;
		return;
	}
	a->mm = mm;
	a->pages += pages;
}

static __always_inline __u32 dma_flags(struct vfio_dma *dma)
{
	return (BPF_CORE_READ(dma, vaddr_invalid) ? RS_RANGEF_INVALID : 0) |
	       (BPF_CORE_READ(dma, iommu_mapped) ? RS_RANGEF_IOMMU_MAPPED : 0) |
	       (BPF_CORE_READ(dma, lock_cap) ? RS_RANGEF_LOCK_CAP : 0);
}

static __always_inline __u64 dma_mm(struct vfio_dma *dma)
{
	if (!bpf_core_field_exists(dma->mm))
		return 0;
	return (__u64)BPF_CORE_READ(dma, mm);
}

static __always_inline struct vfio_dma *dma_of_node(struct rb_node *node)
{
	return (void *)node - bpf_core_field_offset(struct vfio_dma, node);
}

/* The range that holds @iova, as vfio_find_dma() would find it. A tree of 65535 has depth 32. */
static __always_inline struct vfio_dma *find_dma(__u64 container, __u64 iova)
{
	struct vfio_iommu *iommu = (void *)container;
	struct rb_node *node;
	int i;

	if (!has_type1() || !iommu)
		return NULL;
	node = BPF_CORE_READ(iommu, dma_list.rb_node);
	for (i = 0; i < 40 && node; i++) {
		struct vfio_dma *dma = dma_of_node(node);
		__u64 start = BPF_CORE_READ(dma, iova);

		if (iova < start)
			node = BPF_CORE_READ(node, rb_left);
		else if (iova - start >= BPF_CORE_READ(dma, size))
			node = BPF_CORE_READ(node, rb_right);
		else
			return dma;
	}
	return NULL;
}

#endif /* RS_COMMON_BPF_H */
