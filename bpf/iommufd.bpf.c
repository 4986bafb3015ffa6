// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of iommufd contexts, and the areas that they make (drivers/iommu/iommufd/main.c, ioas.c, vfio_compat.c).
 */
#include "hook.bpf.h"
#include "area.bpf.h"
#include "guest.bpf.h"
#include "stats.bpf.h"

/* include/uapi/linux/iommufd.h */
struct destroy_cmd {
	__u32 size;
	__u32 id;
};

struct alloc_cmd {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};

/* IOMMU_IOAS_MAP's fd is reserved there, and its start is the vaddr. */
struct map_cmd {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__u64 start;
	__u64 length;
	__u64 iova;
};

struct copy_cmd {
	__u32 size;
	__u32 flags;
	__u32 dst_ioas_id;
	__u32 src_ioas_id;
	__u64 length;
	__u64 dst_iova;
	__u64 src_iova;
};

struct unmap_cmd {
	__u32 size;
	__u32 ioas_id;
	__u64 iova;
	__u64 length;
};

#define MAP_FIXED_IOVA	(1U << 0)
#define MAP_WRITEABLE	(1U << 1)
#define MAP_READABLE	(1U << 2)
#define TYPE1_READABLE	(1U << 0) /* VFIO_DMA_MAP_FLAG_*, include/uapi/linux/vfio.h */
#define TYPE1_WRITEABLE (1U << 1)

/* Areas that a copy makes of one range are at most so many here; more are there all the same. */
#define AREAS_OF_COPY 1024

static __always_inline struct rs_frame *enter_context(__u64 ictx, __u32 what, __u32 caller)
{
	struct rs_frame *f;

	drop_left_over();
	f = push_frame(caller, ictx);
	if (!f)
		return NULL;
	f->kind = RS_CONTAINER_IOMMUFD;
	f->what = what;
	f->work_ns = f->start_ns;
	enter_container(f);
	return f;
}

/* struct iommufd_ucmd.cmd is the kernel's copy of the argument, and gets the answer. */
static __always_inline struct rs_frame *enter_ucmd(__u64 key, __u32 what, __u32 caller)
{
	struct iommufd_ucmd *ucmd = (void *)key;
	struct rs_frame *f;

	f = enter_context((__u64)BPF_CORE_READ(ucmd, ictx), what, caller);
	if (f)
		f->arg = (__u64)BPF_CORE_READ(ucmd, cmd);
	return f;
}

static __always_inline void name_ioas(struct rs_frame *f, __u32 id)
{
	f->ioas = id;
	f->ioas_at = ioas_of_id(f->container, id);
}

static __always_inline void count_reads(struct rs_frame *f)
{
	f->reads = 1;
	__sync_fetch_and_add(&nr_reading, 1);
}

/* The areas that an ioctl has made. */
struct made {
	struct rs_frame *f;
	__u64 at;
	__u64 last;
	__u32 cause;
};

static long tell_made(__u32 i, void *ctx)
{
	struct made *m = ctx;
	struct rs_frame *f = m->f;
	struct iopt_area *area = find_area(f->ioas_at, m->at);
	__u64 end;

	if (!area)
		return 1;
	end = BPF_CORE_READ(area, node.last);
	if (tell_area(f->ioas_at, f->req, m->at, m->cause))
		f->nr_ranges++;
	if (end >= m->last)
		return 1;
	m->at = end + 1;
	return 0;
}

/* Who maps is charged: its memory's end matters. */
static __always_inline void note_mapped_by(struct rs_frame *f)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct rs_owner *o = bpf_map_lookup_elem(&owners, &tgid);
	struct rs_container *c;
	__u64 key = f->container;

	if (o && !(o->flags & RS_OWNER_CONTEXT))
		o->flags |= RS_OWNER_CONTEXT;
	c = bpf_map_lookup_elem(&containers, &key);
	if (c)
		c->owner_mm = current_mm();
}

static __always_inline void tell_map(struct rs_frame *f)
{
	struct made m = { .f = f, .at = f->iova, .last = f->iova + f->size - 1 };

	m.cause = f->what == RS_IOAS_COPY ? RS_RANGE_COPIED : RS_RANGE_MAPPED;
	if (f->what != RS_IOAS_COPY)
		note_mapped_by(f);
	bpf_loop(AREAS_OF_COPY, tell_made, &m, 0);
}

/*
 * All areas are the caller's now. If some were another's, that was what a hand-over waits for: what comes after it is
 * recorded for a while.
 */
static __always_inline void tell_change(struct rs_task *t, struct rs_frame *f)
{
	__u64 key = f->container;
	struct rs_container *c;

	tell_areas(key, f->req, RS_RANGE_HANDED);
	f->nr_ranges = t->areas.told;
	if (f->areas)
		note_mapped_by(f);
	c = bpf_map_lookup_elem(&containers, &key);
	if (c && f->foreign)
		c->tail_until = bpf_ktime_get_ns() + tail_ns;
}

static __always_inline void read_answer(struct rs_frame *f, __s64 ret)
{
	struct alloc_cmd alloc = {};
	struct unmap_cmd unmap = {};
	struct copy_cmd copy = {};
	struct map_cmd map = {};

	switch (f->what) {
	case RS_IOAS_ALLOC:
		if (ret || !f->arg)
			return;
		bpf_probe_read_kernel(&alloc, sizeof(alloc), (void *)f->arg);
		f->ioas = alloc.out_ioas_id;
		return;
	case RS_IOAS_MAP:
	case RS_IOAS_MAP_FILE:
		if (!f->arg)
			return;
		bpf_probe_read_kernel(&map, sizeof(map), (void *)f->arg);
		f->iova = map.iova;
		return;
	case RS_IOAS_COPY:
		bpf_probe_read_kernel(&copy, sizeof(copy), (void *)f->arg);
		f->iova = copy.dst_iova;
		return;
	case RS_IOAS_UNMAP:
		if (ret || !f->arg)
			return;
		bpf_probe_read_kernel(&unmap, sizeof(unmap), (void *)f->arg);
		f->size_after = unmap.length;
		return;
	}
}

static __always_inline void write_ioas(struct rs_frame *f, __s64 ret)
{
	struct rs_ev_ioas *ev = RS_RECORD(RS_EV_IOAS, rs_ev_ioas, f->container);

	if (!ev)
		return;
	fill_op(&ev->op, f, ret);
	ev->what = f->what;
	ev->ioas = f->ioas;
	ev->src_ioas = f->other_ioas;
	ev->uflags = f->uflags;
	ev->iova.v = f->iova;
	ev->vaddr.v = f->vaddr;
	ev->size = f->size;
	ev->size_after = f->size_after;
	ev->src_iova.v = f->src_iova;
	ev->offset = f->offset;
	ev->old_mm = f->old_mm;
	ev->old_tgid = f->old_tgid;
	ev->fd = f->fd;
	ev->nr_ranges = f->nr_ranges;
	ev->areas = f->areas;
	ev->user_areas = f->user_areas;
	ev->reserved = 0;
	ev->work = f->work;
	ev->more = f->more;
	ev->more.work_ns = f->work_ns;
	ev->file_pages = f->file_pages;
	ev->domain_pages = f->domain_pages;
	bpf_ringbuf_submit(ev, 0);
}

/* The current task's ioctl of a context has returned. Global functions: the verifier looks at each once. */
int leave_context(__s64 ret)
{
	struct rs_task *t = this_task(false);
	struct rs_frame *f = top_frame(t);

	if (!t || !f)
		return 0;
	leave_container(f);
	read_answer(f, ret);
	switch (f->what) {
	case RS_IOAS_MAP:
	case RS_IOAS_MAP_FILE:
	case RS_IOAS_COPY:
		count_work(t, f, RS_REQ_MAP, ret);
		break;
	case RS_IOAS_UNMAP:
		count_work(t, f, RS_REQ_UNMAP, ret);
		break;
	case RS_IOAS_CHANGE_PROCESS:
		count_work(t, f, RS_REQ_CHANGE, ret);
		break;
	default:
		f->more.end_ns = bpf_ktime_get_ns();
	}
	return 0;
}

int tell_context_made(__s64 ret)
{
	struct rs_task *t = this_task(false);
	struct rs_frame *f = top_frame(t);

	if (!t || !f)
		return 0;
	if (!ret && f->what == RS_IOAS_CHANGE_PROCESS)
		tell_change(t, f);
	else if (!ret && f->what >= RS_IOAS_MAP && f->what <= RS_IOAS_COPY)
		tell_map(f);
	write_ioas(f, ret);
	return 0;
}

static __always_inline void leave_ucmd(__u32 what, __s64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);

	if (!f || f->kind != RS_CONTAINER_IOMMUFD || f->what != what)
		return;
	leave_context(ret);
	tell_context_made(ret);
	pop_frame(t);
}

static __always_inline void enter_iommufd_ioas_alloc_ioctl(__u64 ucmd)
{
	enter_ucmd(ucmd, RS_IOAS_ALLOC, RS_IN_IOCTL_OTHER);
}

static __always_inline void leave_iommufd_ioas_alloc_ioctl(__u64 ret)
{
	leave_ucmd(RS_IOAS_ALLOC, (__s32)ret);
}

RS_ENTRY(iommufd_ioas_alloc_ioctl, 1)
RS_EXIT(iommufd_ioas_alloc_ioctl)

/* IOMMU_DESTROY, of whatever has an id */
static __always_inline void enter_iommufd_destroy(__u64 key)
{
	struct iommufd_ucmd *ucmd = (void *)key;
	struct destroy_cmd cmd = {};
	struct rs_frame *f;

	bpf_probe_read_kernel(&cmd, sizeof(cmd), (void *)BPF_CORE_READ(ucmd, cmd));
	if (!ioas_of_id((__u64)BPF_CORE_READ(ucmd, ictx), cmd.id))
		return;
	f = enter_ucmd(key, RS_IOAS_DESTROY, RS_IN_IOCTL_OTHER);
	if (f)
		f->ioas = cmd.id;
}

static __always_inline void leave_iommufd_destroy(__u64 ret)
{
	leave_ucmd(RS_IOAS_DESTROY, (__s32)ret);
}

RS_ENTRY(iommufd_destroy, 1)
RS_EXIT(iommufd_destroy)

static __always_inline void enter_map(__u64 ucmd, __u32 what)
{
	struct rs_frame *f = enter_ucmd(ucmd, what, RS_IN_IOCTL_MAP);
	struct map_cmd cmd = {};

	if (!f)
		return;
	bpf_probe_read_kernel(&cmd, sizeof(cmd), (void *)f->arg);
	name_ioas(f, cmd.ioas_id);
	f->uflags = cmd.flags;
	f->iova = cmd.iova;
	f->size = cmd.length;
	if (what == RS_IOAS_MAP) {
		f->vaddr = cmd.start;
	} else {
		f->offset = cmd.start;
		f->fd = cmd.fd;
	}
}

static __always_inline void enter_iommufd_ioas_map(__u64 ucmd)
{
	enter_map(ucmd, RS_IOAS_MAP);
}

static __always_inline void leave_iommufd_ioas_map(__u64 ret)
{
	leave_ucmd(RS_IOAS_MAP, (__s32)ret);
}

RS_ENTRY(iommufd_ioas_map, 1)
RS_EXIT(iommufd_ioas_map)

static __always_inline void enter_iommufd_ioas_map_file(__u64 ucmd)
{
	enter_map(ucmd, RS_IOAS_MAP_FILE);
}

static __always_inline void leave_iommufd_ioas_map_file(__u64 ret)
{
	leave_ucmd(RS_IOAS_MAP_FILE, (__s32)ret);
}

RS_ENTRY(iommufd_ioas_map_file, 1)
RS_EXIT(iommufd_ioas_map_file)

static __always_inline void enter_iommufd_ioas_copy(__u64 ucmd)
{
	struct rs_frame *f = enter_ucmd(ucmd, RS_IOAS_COPY, RS_IN_IOCTL_MAP);
	struct copy_cmd cmd = {};

	if (!f)
		return;
	bpf_probe_read_kernel(&cmd, sizeof(cmd), (void *)f->arg);
	name_ioas(f, cmd.dst_ioas_id);
	f->other_ioas = cmd.src_ioas_id;
	f->uflags = cmd.flags;
	f->iova = cmd.dst_iova;
	f->src_iova = cmd.src_iova;
	f->size = cmd.length;
	count_reads(f);
}

static __always_inline void leave_iommufd_ioas_copy(__u64 ret)
{
	leave_ucmd(RS_IOAS_COPY, (__s32)ret);
}

RS_ENTRY(iommufd_ioas_copy, 1)
RS_EXIT(iommufd_ioas_copy)

static __always_inline void enter_iommufd_ioas_unmap(__u64 ucmd)
{
	struct rs_frame *f = enter_ucmd(ucmd, RS_IOAS_UNMAP, RS_IN_IOCTL_UNMAP);
	struct unmap_cmd cmd = {};

	if (!f)
		return;
	bpf_probe_read_kernel(&cmd, sizeof(cmd), (void *)f->arg);
	name_ioas(f, cmd.ioas_id);
	f->iova = cmd.iova;
	f->size = cmd.length;
}

static __always_inline void leave_iommufd_ioas_unmap(__u64 ret)
{
	leave_ucmd(RS_IOAS_UNMAP, (__s32)ret);
}

RS_ENTRY(iommufd_ioas_unmap, 1)
RS_EXIT(iommufd_ioas_unmap)

/* Its own time begins when the areas have been looked at. */
static __always_inline void enter_iommufd_ioas_change_process(__u64 ucmd)
{
	struct rs_frame *f = enter_ucmd(ucmd, RS_IOAS_CHANGE_PROCESS, RS_IN_CHANGE);
	struct rs_task *t = this_task(false);

	if (!f || !t)
		return;
	tell_vcpus(bpf_get_current_pid_tgid() >> 32);
	tell_areas(f->container, f->req, AREAS_COUNT);
	f->areas = t->areas.areas + !t->areas.done;
	f->user_areas = t->areas.user_areas;
	f->old_mm = t->areas.old_mm;
	f->old_tgid = t->areas.old_tgid;
	f->foreign = t->areas.foreign;
	if (f->areas)
		begin_handover(f->container);
	f->start_ns = f->work_ns = bpf_ktime_get_ns();
}

static __always_inline void leave_iommufd_ioas_change_process(__u64 ret)
{
	leave_ucmd(RS_IOAS_CHANGE_PROCESS, (__s32)ret);
}

RS_ENTRY(iommufd_ioas_change_process, 1)
RS_EXIT(iommufd_ioas_change_process)

/*
 * int iommufd_vfio_ioctl(struct iommufd_ctx *ictx, unsigned int cmd, unsigned long arg): a context that stands in
 * for a container of type1. All is done in one ioas of it.
 */
static __always_inline void enter_iommufd_vfio_ioctl(__u64 key, __u64 cmd, __u64 arg)
{
	struct iommufd_ctx *ictx = (void *)key;
	struct dma_unmap_arg unmap = {};
	struct dma_map_arg map = {};
	struct rs_frame *f;

	if ((__u32)cmd == VFIO_IOMMU_MAP_DMA) {
		f = enter_context(key, RS_IOAS_MAP, RS_IN_IOCTL_MAP);
		if (!f)
			return;
		if (bpf_probe_read_user(&map, sizeof(map), (void *)arg))
			f->op_flags |= RS_OPF_NO_ARG;
		f->uflags = MAP_FIXED_IOVA | (map.flags & TYPE1_READABLE ? MAP_READABLE : 0) |
			    (map.flags & TYPE1_WRITEABLE ? MAP_WRITEABLE : 0);
		f->iova = map.iova;
		f->vaddr = map.vaddr;
		f->size = map.size;
	} else if ((__u32)cmd == VFIO_IOMMU_UNMAP_DMA) {
		f = enter_context(key, RS_IOAS_UNMAP, RS_IN_IOCTL_UNMAP);
		if (!f)
			return;
		if (bpf_probe_read_user(&unmap, sizeof(unmap), (void *)arg))
			f->op_flags |= RS_OPF_NO_ARG;
		f->iova = unmap.iova;
		f->size = unmap.size;
	} else {
		return;
	}
	f->group = arg;
	f->ioas_at = (__u64)BPF_CORE_READ(ictx, vfio_ioas);
	f->ioas = ioas_id(f->ioas_at);
}

static __always_inline void leave_iommufd_vfio_ioctl(__u64 ret)
{
	struct rs_frame *f = nested_frame();

	if (!f || f->kind != RS_CONTAINER_IOMMUFD || f->arg || !f->group)
		return;
	if (f->what == RS_IOAS_UNMAP && !(__s32)ret)
		bpf_probe_read_user(&f->size_after, sizeof(f->size_after),
				    (void *)f->group + offsetof(struct dma_unmap_arg, size));
	if (f->what == RS_IOAS_MAP || f->what == RS_IOAS_UNMAP)
		leave_ucmd(f->what, (__s32)ret);
}

RS_ENTRY(iommufd_vfio_ioctl, 3)
RS_EXIT(iommufd_vfio_ioctl)

/* int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx): that ioas, unless there is one */
static __always_inline void enter_iommufd_vfio_compat_ioas_create(__u64 key)
{
	struct iommufd_ctx *ictx = (void *)key;
	struct rs_frame *f = enter_context(key, RS_IOAS_ALLOC, RS_IN_IOCTL_OTHER);

	if (f)
		f->ioas_at = (__u64)BPF_CORE_READ(ictx, vfio_ioas);
}

static __always_inline void leave_iommufd_vfio_compat_ioas_create(__u64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);
	struct iommufd_ctx *ictx;
	__u64 now;

	if (!f || f->kind != RS_CONTAINER_IOMMUFD || f->what != RS_IOAS_ALLOC || f->arg)
		return;
	ictx = (void *)f->container;
	now = (__u64)BPF_CORE_READ(ictx, vfio_ioas);
	if (!(__s32)ret && now != f->ioas_at) {
		f->ioas = ioas_id(now);
		leave_ucmd(RS_IOAS_ALLOC, 0);
		return;
	}
	leave_container(f);
	pop_frame(t);
}

RS_ENTRY(iommufd_vfio_compat_ioas_create, 1)
RS_EXIT(iommufd_vfio_compat_ioas_create)

char LICENSE[] SEC("license") = "GPL";
