// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers of the type1 backend: their ioctls, groups, ranges and locked memory
 * (drivers/vfio/vfio_iommu_type1.c).
 */
#include "hook.bpf.h"
#include "device.bpf.h"
#include "range.bpf.h"
#include "stats.bpf.h"
#include "guest.bpf.h"

/*
 * Follows the container's window: who works on its IOMMU domains matters only while it is open. A global
 * function, as others below: the verifier looks at each once and by itself, not at every way through
 * all of them, and the stack is free again after it.
 */
int follow_window(__u64 key, __u32 invalid)
{
	struct rs_container *c = bpf_map_lookup_elem(&containers, &key);
	struct list_head *head, *pos;
	int i;

	if (!c)
		return 0;
	if (invalid && !__sync_val_compare_and_swap(&c->open, 0, 1)) {
		struct vfio_iommu *iommu = (void *)key;

		head = &iommu->domain_list;
		pos = BPF_CORE_READ(head, next);
		for (i = 0; i < 4 && pos && pos != head; i++) {
			struct vfio_domain *d;

			d = (void *)pos - bpf_core_field_offset(struct vfio_domain, next);
			c->domain[i] = (__u64)BPF_CORE_READ(d, domain);
			if (c->domain[i]) {
				__u64 domain = c->domain[i];

				bpf_map_update_elem(&domains, &domain, &key, BPF_ANY);
			}
			pos = BPF_CORE_READ(pos, next);
		}
		__sync_fetch_and_add(&nr_open, 1);
		if (armed)
			write_flight(key);
	} else if (!invalid && __sync_val_compare_and_swap(&c->open, 1, 0)) {
		for (i = 0; i < 4; i++) {
			__u64 domain = c->domain[i];

			if (domain)
				bpf_map_delete_elem(&domains, &domain);
			c->domain[i] = 0;
		}
		c->tail_until = bpf_ktime_get_ns() + tail_ns;
		__sync_fetch_and_add(&nr_open, -1);
	}
	return 0;
}

static __always_inline void read_arg(struct rs_frame *f)
{
	if (f->caller == RS_IN_IOCTL_MAP) {
		struct dma_map_arg a = {};

		if (bpf_probe_read_user(&a, sizeof(a), (void *)f->arg))
			goto unread;
		f->uflags = a.flags;
		f->vaddr = a.vaddr;
		f->iova = a.iova;
		f->size = a.size;
	} else if (f->caller == RS_IN_IOCTL_UNMAP) {
		struct dma_unmap_arg a = {};

		if (bpf_probe_read_user(&a, sizeof(a), (void *)f->arg))
			goto unread;
		f->uflags = a.flags;
		f->iova = a.iova;
		f->size = a.size;
	}
	f->op_flags &= ~RS_OPF_NO_ARG;
	return;
unread:
	f->op_flags |= RS_OPF_NO_ARG;
}

static __always_inline void enter_vfio_iommu_type1_ioctl(__u64 iommu, __u64 cmd, __u64 arg)
{
	struct vfio_dma *dma;
	struct rs_frame *f;
	__u32 caller = RS_IN_IOCTL_OTHER;

	/* CHECK_EXTENSION before SET_IOMMU has no container. */
	if (!iommu)
		return;
	if ((__u32)cmd == VFIO_IOMMU_MAP_DMA)
		caller = RS_IN_IOCTL_MAP;
	else if ((__u32)cmd == VFIO_IOMMU_UNMAP_DMA)
		caller = RS_IN_IOCTL_UNMAP;
	drop_left_over();
	f = push_frame(caller, iommu);
	if (!f)
		return;
	f->cmd = cmd;
	f->arg = arg;
	f->work_ns = f->start_ns;
	enter_container(f);
	read_arg(f);
	if (caller != RS_IN_IOCTL_MAP || !(f->uflags & VFIO_DMA_MAP_FLAG_VADDR))
		return;
	dma = find_dma(iommu, f->iova);
	if (!dma)
		return;
	f->old_vaddr = BPF_CORE_READ(dma, vaddr);
	f->old_mm = dma_mm(dma);
	f->old_size = BPF_CORE_READ(dma, size);
	f->old_iova = BPF_CORE_READ(dma, iova);
	f->old_flags = dma_flags(dma);
}

static __always_inline void write_map(struct rs_frame *f, __u32 type, __s64 ret, __u64 size_after)
{
	struct rs_ev_map *ev = RS_RECORD(type, rs_ev_map, f->container);

	if (!ev)
		return;
	fill_op(&ev->op, f, ret);
	ev->iova.v = f->iova;
	ev->vaddr.v = f->vaddr;
	ev->size = f->size;
	ev->size_after = size_after;
	ev->uflags = f->uflags;
	ev->nr_ranges = f->nr_ranges;
	ev->old_vaddr.v = f->old_vaddr;
	ev->old_mm = f->old_mm;
	ev->old_size = f->old_size;
	ev->old_iova.v = f->old_iova;
	ev->old_flags = f->old_flags;
	ev->reserved = 0;
	ev->work = f->work;
	ev->more = f->more;
	ev->more.work_ns = f->work_ns;
	bpf_ringbuf_submit(ev, 0);
}

/* Who maps is charged: its memory's end matters. */
static __always_inline void note_mapper(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct rs_owner *o = bpf_map_lookup_elem(&owners, &tgid);

	if (o && !(o->flags & RS_OWNER_MAPS))
		o->flags |= RS_OWNER_MAPS;
}

int leave_map(__s64 ret)
{
	struct rs_task *t = this_task(false);
	struct rs_frame *f = top_frame(t);
	struct vfio_dma *dma;
	bool remap;

	if (!t || !f)
		return 0;
	if (f->op_flags & RS_OPF_NO_ARG)
		read_arg(f);
	remap = f->uflags & VFIO_DMA_MAP_FLAG_VADDR;
	count_work(t, f, rs_map_request(false, f->uflags), ret);
	if (!ret)
		note_mapper();
	/* What the IOMMU was given is told as it is mapped, or not at all: then so is the map. */
	if (!remap && !verify && !is_hot(f))
		return 0;
	if (!ret) {
		dma = find_dma(f->container, f->iova);
		if (dma) {
			write_range(t, bpf_get_current_task_btf(), f->container, f->req, dma,
				    remap ? RS_RANGE_REMAPPED : RS_RANGE_MAPPED, true);
			f->nr_ranges++;
		}
	}
	write_map(f, RS_EV_MAP, ret, 0);
	return 0;
}

/* Not below leave_unmap(): the walk needs the stack. */
static __always_inline void tell_invalidated(struct rs_task *t, struct rs_frame *f, __s64 ret)
{
	__u64 key = f->container;
	struct rs_container *c;

	if (f->op_flags & RS_OPF_NO_ARG)
		read_arg(f);
	count_work(t, f, rs_map_request(true, f->uflags), ret);
	if (ret || !(f->uflags & VFIO_DMA_UNMAP_FLAG_VADDR))
		return;
	tell_vcpus(bpf_get_current_pid_tgid() >> 32);
	/* A container of which everything was recorded has told its ranges' memory already. */
	c = bpf_map_lookup_elem(&containers, &key);
	f->nr_ranges = tell_ranges(key, f->req, current_mm(),
				   RS_RANGE_INVALIDATED |
					   (armed || !c || (!c->born && !c->told) ? TELL_SCAN : 0));
}

int leave_unmap(__s64 ret)
{
	struct rs_task *t = this_task(false);
	struct rs_frame *f = top_frame(t);
	__u64 size = 0;

	if (!f)
		return 0;
	if (!(f->uflags & VFIO_DMA_UNMAP_FLAG_VADDR) && !verify && !is_hot(f))
		return 0;
	if (!ret)
		bpf_probe_read_user(&size, sizeof(size),
				    (void *)f->arg + offsetof(struct dma_unmap_arg, size));
	write_map(f, RS_EV_UNMAP, ret, size);
	return 0;
}

/* struct vfio_iommu_type1_dirty_bitmap.flags; 0 of any other ioctl */
static __always_inline __u32 dirty_flags(const struct rs_frame *f)
{
	__u32 flags = 0;

	if (f->cmd == VFIO_IOMMU_DIRTY_PAGES)
		bpf_probe_read_user(&flags, sizeof(flags), (void *)f->arg + sizeof(__u32));
	return flags;
}

static __always_inline void leave_vfio_iommu_type1_ioctl(__u64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);
	struct rs_ev_ioctl *ev;

	if (!f || f->kind != RS_CONTAINER_TYPE1)
		return;
	if (f->caller != RS_IN_IOCTL_MAP && f->caller != RS_IN_IOCTL_UNMAP &&
	    f->caller != RS_IN_IOCTL_OTHER)
		return;
	leave_container(f);
	if (f->caller == RS_IN_IOCTL_MAP) {
		leave_map(ret);
	} else if (f->caller == RS_IN_IOCTL_UNMAP) {
		tell_invalidated(t, f, ret);
		leave_unmap(ret);
	} else if (is_hot(f) || dirty_flags(f) & (DIRTY_START | DIRTY_STOP)) {
		ev = RS_RECORD(RS_EV_IOCTL, rs_ev_ioctl, f->container);
		if (ev) {
			fill_op(&ev->op, f, ret);
			ev->cmd = f->cmd;
			ev->uflags = dirty_flags(f);
			bpf_ringbuf_submit(ev, 0);
		}
	}
	follow_window(f->container, invalid_count(f->container));
	pop_frame(t);
}

RS_ENTRY(vfio_iommu_type1_ioctl, 3)
RS_EXIT(vfio_iommu_type1_ioctl)

static __always_inline void enter_vfio_iommu_type1_open(__u64 type)
{
	struct rs_frame *f = push_frame(RS_IN_OPEN, 0);

	if (f)
		f->arg = type;
}

static __always_inline void leave_vfio_iommu_type1_open(__u64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);
	struct rs_container *c;
	struct rs_ev_open *ev;

	if (!f || f->caller != RS_IN_OPEN)
		return;
	/* ERR_PTR(): include/linux/err.h */
	if (ret && ret < (__u64)-4095) {
		f->container = ret;
		c = container_of_key(ret);
		if (c)
			c->born = 1;
		ev = RS_RECORD(RS_EV_OPEN, rs_ev_open, f->container);
		if (ev) {
			fill_op(&ev->op, f, 0);
			ev->iommu_type = f->arg;
			bpf_ringbuf_submit(ev, 0);
		}
	}
	pop_frame(t);
}

RS_ENTRY(vfio_iommu_type1_open, 1)
RS_EXIT(vfio_iommu_type1_open)

static __always_inline void enter_vfio_iommu_type1_release(__u64 iommu)
{
	struct rs_frame *f = push_frame(RS_IN_RELEASE, iommu);

	if (f)
		enter_container(f);
}

static __always_inline void leave_vfio_iommu_type1_release(__u64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);
	struct rs_ev_release *ev;
	__u64 key;

	if (!f || f->caller != RS_IN_RELEASE)
		return;
	key = f->container;
	leave_container(f);
	ev = RS_RECORD(RS_EV_RELEASE, rs_ev_release, key);
	if (ev) {
		fill_op(&ev->op, f, 0);
		ev->op.invalid_after = 0; /* the object is gone: nothing to read there */
		bpf_ringbuf_submit(ev, 0);
	}
	follow_window(key, 0);
	bpf_map_delete_elem(&containers, &key);
	pop_frame(t);
}

RS_ENTRY(vfio_iommu_type1_release, 1)
RS_EXIT(vfio_iommu_type1_release)

static __always_inline void enter_group(__u32 caller, __u64 iommu, __u64 group, __u32 type)
{
	struct rs_frame *f = push_frame(caller, iommu);

	if (!f)
		return;
	f->group = group;
	f->group_type = type;
	f->group_id = BPF_CORE_READ((struct iommu_group *)group, id);
	f->work_ns = f->start_ns;
	enter_container(f);
}

static __always_inline void leave_group(__u32 caller, __u32 type, __s64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);
	struct rs_ev_group *ev;

	if (!f || f->caller != caller)
		return;
	leave_container(f);
	ev = RS_RECORD(type, rs_ev_group, f->container);
	if (ev) {
		fill_op(&ev->op, f, ret);
		ev->group = f->group;
		ev->group_type = f->group_type;
		ev->group_id = f->group_id;
		ev->work = f->work;
		ev->more = f->more;
		ev->more.work_ns = f->work_ns;
		ev->device = 0;
		ev->ioas = ev->old_ioas = 0;
		bpf_ringbuf_submit(ev, 0);
	}
	follow_window(f->container, invalid_count(f->container));
	if (caller == RS_IN_DETACH)
		forget_devices(f->group_id);
	pop_frame(t);
}

/* The group that the filter asks for comes to a container: from here on that is recorded. */
static __always_inline void select_by_group(__u64 iommu, __u64 group)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct rs_task *t;

	if (filter & RS_FILTER_CONTAINER ||
	    BPF_CORE_READ((struct iommu_group *)group, id) != filter_group ||
	    bpf_map_lookup_elem(&containers, &iommu) ||
	    !process_matches(bpf_get_current_pid_tgid() >> 32))
		return;
	note_task(task, 0);
	t = this_task(true);
	if (t)
		write_snapshot(t, task, iommu, RS_SNAP_FILTER, -1);
}

static __always_inline void enter_vfio_iommu_type1_attach_group(__u64 iommu, __u64 group,
								__u64 type)
{
	if (filter & RS_FILTER_GROUP)
		select_by_group(iommu, group);
	enter_group(RS_IN_ATTACH, iommu, group, type);
}

static __always_inline void leave_vfio_iommu_type1_attach_group(__u64 ret)
{
	leave_group(RS_IN_ATTACH, RS_EV_ATTACH, (__s32)ret);
}

RS_ENTRY(vfio_iommu_type1_attach_group, 3)
RS_EXIT(vfio_iommu_type1_attach_group)

static __always_inline void enter_vfio_iommu_type1_detach_group(__u64 iommu, __u64 group)
{
	enter_group(RS_IN_DETACH, iommu, group, 0);
}

static __always_inline void leave_vfio_iommu_type1_detach_group(__u64 ret)
{
	leave_group(RS_IN_DETACH, RS_EV_DETACH, 0);
}

RS_ENTRY(vfio_iommu_type1_detach_group, 2)
RS_EXIT(vfio_iommu_type1_detach_group)

static __always_inline void enter_vfio_remove_dma(__u64 iommu, __u64 arg)
{
	struct vfio_dma *dma = (void *)arg;
	struct rs_frame *f = nested_frame();
	struct rs_ev_remove *ev;

	if (!f)
		return;
	f->work.removed++;
	f->removing = 1;
	if (!verify && !is_hot(f))
		return;
	ev = RS_RECORD(RS_EV_REMOVE, rs_ev_remove, f->container);
	if (!ev)
		return;
	ev->req = f->req;
	ev->container = iommu;
	ev->iova.v = BPF_CORE_READ(dma, iova);
	ev->size = BPF_CORE_READ(dma, size);
	ev->caller = f->caller;
	ev->flags = dma_flags(dma);
	ev->ioas = 0;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

RS_ENTRY(vfio_remove_dma, 2)

/* int mm_lock_acct(struct task_struct *, struct mm_struct *, bool lock_cap, long npage) */
static __always_inline void leaf_mm_lock_acct(__u64 task, __u64 mm, __u64 lock_cap, __u64 npage,
					      __u64 ret)
{
	struct rs_frame *f = nested_frame();

	if (!f)
		return;
	if ((__s32)ret)
		f->acct_err = ret;
	else
		add_acct(f, mm, npage);
}

RS_LEAF(mm_lock_acct, 4, RS_LEAF_ACCT)

char LICENSE[] SEC("license") = "GPL";
