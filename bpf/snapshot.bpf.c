// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers that were there before: an iterator over all tasks' files finds them without stopping
 * anyone. Run by the recorder once everything else is attached.
 */
#include "area.bpf.h"
#include "common.bpf.h"
#include "device.bpf.h"
#include "file.bpf.h"
#include "range.bpf.h"

struct group_search {
	struct list_head *pos;
	struct list_head *head;
	__u32 found;
};

static long group_step(__u32 i, void *ctx)
{
	struct group_search *g = ctx;
	struct vfio_iommu_group *group;

	if (!g->pos || g->pos == g->head)
		return 1;
	group = (void *)g->pos - bpf_core_field_offset(struct vfio_iommu_group, next);
	if (BPF_CORE_READ(group, iommu_group, id) == filter_group) {
		g->found = 1;
		return 1;
	}
	g->pos = BPF_CORE_READ(group, next.next);
	return 0;
}

static __always_inline bool list_has_group(struct list_head *head)
{
	struct group_search g = { .head = head, .pos = BPF_CORE_READ(head, next) };

	bpf_loop(1024, group_step, &g, 0);
	return g.found;
}

static __always_inline bool has_filter_group(__u64 container)
{
	struct vfio_iommu *iommu = (void *)container;
	struct list_head *head = &iommu->domain_list, *pos;

	if (!has_type1())
		return false;
	pos = BPF_CORE_READ(head, next);
	if (list_has_group(&iommu->emulated_iommu_groups))
		return true;
	for (int i = 0; i < 4 && pos && pos != head; i++) {
		struct vfio_domain *d;

		d = (void *)pos - bpf_core_field_offset(struct vfio_domain, next);
		if (list_has_group(&d->group_list))
			return true;
		pos = BPF_CORE_READ(pos, next);
	}
	return false;
}

/*
 * iommufd_ctx.groups has those whose devices an IOMMU translates for, by number (drivers/iommu/iommufd/device.c). An
 * emulated device is found by its own file.
 */
static __always_inline bool context_has_group(__u64 key)
{
	struct iommufd_ctx *ictx = (void *)key;

	return xa_find((__u64)BPF_CORE_READ(ictx, groups.xa_head), filter_group);
}

/* The iterator runs as the recorder: the cgroup is asked for by the owner's entry (capture/live.c). */
static __always_inline bool selects(__u32 tgid, __u32 fd, __u64 container, __u32 kind)
{
	struct rs_owner *o;

	if (filter & RS_FILTER_CONTAINER && (tgid != filter_tgid || (__s32)fd != filter_fd))
		return false;
	if (filter & RS_FILTER_GROUP &&
	    !(kind == RS_CONTAINER_TYPE1 ? has_filter_group(container)
					 : context_has_group(container)))
		return false;
	if (filter & (RS_FILTER_PROCESS | RS_FILTER_CGROUP)) {
		o = bpf_map_lookup_elem(&owners, &tgid);
		return o && o->flags & RS_OWNER_SELECTS;
	}
	return true;
}

static __always_inline void found_context(struct task_struct *task, __u64 ictx, __s32 fd)
{
	struct rs_container *c = bpf_map_lookup_elem(&containers, &ictx);
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct rs_task *t;

	if (!c && fd >= 0 && !selects(tgid, fd, ictx, RS_CONTAINER_IOMMUFD))
		return;
	note_task(task, RS_OWNER_CONTEXT);
	if (c && (c->born || c->told))
		return;
	t = this_task(true);
	if (t)
		write_context(t, task, ictx, RS_SNAP_START, fd);
}

/* With a filter for its group a device's file leads to the context, too. */
static __always_inline void found_device(struct task_struct *task, struct file *file)
{
	__u64 device = device_of_file(file), ictx;
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct rs_owner *o;

	if (filter & RS_FILTER_CONTAINER || device_group(device) != filter_group)
		return;
	if (filter & (RS_FILTER_PROCESS | RS_FILTER_CGROUP)) {
		o = bpf_map_lookup_elem(&owners, &tgid);
		if (!o || !(o->flags & RS_OWNER_SELECTS))
			return;
	}
	ictx = device_context(device);
	if (ictx)
		found_context(task, ictx, -1);
}

SEC("iter/task_file")
int find_containers(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	__u32 fd = ctx->fd, tgid;
	struct rs_container *c;
	struct rs_task *t;
	__u64 container;

	if (!task || !file)
		return 0;
	container = context_of_file(file);
	if (container) {
		if (has_iommufd())
			found_context(task, container, fd);
		return 0;
	}
	if (has_iommufd() && filter & RS_FILTER_GROUP && has_ioctl(file, device_ioctl())) {
		found_device(task, file);
		return 0;
	}
	container = type1_of_file(file);
	if (!container)
		return 0;
	tgid = BPF_CORE_READ(task, tgid);
	c = bpf_map_lookup_elem(&containers, &container);
	if (!c && !selects(tgid, fd, container, RS_CONTAINER_TYPE1))
		return 0;
	note_task(task, RS_OWNER_MAPS);
	if (c && (c->born || c->told))
		return 0;
	t = this_task(true);
	if (t)
		write_snapshot(t, task, container, RS_SNAP_START, fd);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
