// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are attached to an ioas, or taken off it (drivers/vfio/iommufd.c): those that an IOMMU translates for,
 * and emulated ones, whose drivers ask for pages.
 */
#include "hook.bpf.h"
#include "area.bpf.h"
#include "device.bpf.h"

/* enum vfio_group_type (drivers/vfio/vfio.h) */
#define PHYSICAL 0
#define EMULATED 1

#define NO_PASID 0 /* IOMMU_NO_PASID, include/linux/iommu.h */

/* What an IOMMU's page table is filled from; 0: it is user space's own, or not known */
static __always_inline __u64 ioas_of_hwpt(__u64 key)
{
	struct iommufd_hw_pagetable___old *old = (void *)key;
	struct iommufd_hwpt_nested *nested = (void *)key;
	struct iommufd_hwpt_paging *paging = (void *)key;
	__u32 type;

	if (!key)
		return 0;
	type = object_type(key);
	if (!bpf_core_type_exists(struct iommufd_hwpt_paging)) {
		if (type ==
		    bpf_core_enum_value(enum iommufd_object_type___old, IOMMUFD_OBJ_HW_PAGETABLE))
			return (__u64)BPF_CORE_READ(old, ioas);
		return 0;
	}
	if (type == bpf_core_enum_value(enum iommufd_object_type, IOMMUFD_OBJ_HWPT_PAGING))
		return (__u64)BPF_CORE_READ(paging, ioas);
	if (type == bpf_core_enum_value(enum iommufd_object_type, IOMMUFD_OBJ_HWPT_NESTED))
		return (__u64)BPF_CORE_READ(nested, parent, ioas);
	return 0;
}

/* Of an ioas, or of a page table */
static __always_inline __u64 ioas_of_pt(__u64 ictx, __u32 id)
{
	__u64 obj = object_of_id(ictx, id);

	if (!obj)
		return 0;
	return is_ioas(obj) ? obj : ioas_of_hwpt(obj);
}

static __always_inline bool is_attached(__u64 device)
{
	struct vfio_device *vdev = (void *)device;

	return BPF_CORE_READ_BITFIELD_PROBED(vdev, iommufd_attached);
}

/* The ioas that a device is attached to */
static __always_inline __u64 ioas_of_device(__u64 device)
{
	struct vfio_device *vdev = (void *)device;
	struct iommufd_access *access = BPF_CORE_READ(vdev, iommufd_access);
	struct iommufd_group *group;
	struct iommufd_attach *attach;

	if (!is_attached(device))
		return 0;
	if (access)
		return (__u64)BPF_CORE_READ(access, ioas);
	group = BPF_CORE_READ(vdev, iommufd_device, igroup);
	if (!bpf_core_field_exists(group->pasid_attach)) {
		struct iommufd_group___old *old = (void *)group;

		return ioas_of_hwpt((__u64)BPF_CORE_READ(old, hwpt));
	}
	attach = (void *)xa_find((__u64)BPF_CORE_READ(group, pasid_attach.xa_head), NO_PASID);
	return attach ? ioas_of_hwpt((__u64)BPF_CORE_READ(attach, hwpt)) : 0;
}

/* A device of the group that the filter asks for comes to a context: from here on that is recorded. */
static __always_inline void select_by_device(__u64 ictx, __u64 device)
{
	if (filter & RS_FILTER_CONTAINER || device_group(device) != filter_group ||
	    bpf_map_lookup_elem(&containers, &ictx) ||
	    !process_matches(bpf_get_current_pid_tgid() >> 32))
		return;
	note_task(bpf_get_current_task_btf(), 0);
	tell_context(ictx, RS_SNAP_FILTER);
}

/* Global functions, which take no pointers that the verifier knows: four programs do this, by two mechanisms each. */
int look_at_attach(void)
{
	struct rs_frame *f = top_frame(this_task(false));
	struct vfio_device *vdev;
	__u32 id = 0;

	if (!f)
		return 0;
	vdev = (void *)f->device;
	f->group_id = device_group(f->device);
	if (f->group_id >= 0)
		f->group = (__u64)BPF_CORE_READ(vdev, group, iommu_group);
	f->other_ioas = ioas_id(ioas_of_device(f->device));
	if (f->arg && !bpf_probe_read_kernel(&id, sizeof(id), (void *)f->arg)) {
		f->ioas_at = ioas_of_pt(f->container, id);
		f->ioas = ioas_id(f->ioas_at);
	}
	enter_container(f);
	return 0;
}

/* @pt_id: where the id of what it is attached to is; 0: it is taken off */
static __always_inline void enter_attach(__u64 device, __u64 pt_id, __u32 type)
{
	__u64 ictx = device_context(device);
	struct rs_frame *f;

	if (!ictx)
		return;
	if (filter & RS_FILTER_GROUP && pt_id)
		select_by_device(ictx, device);
	f = push_frame(pt_id ? RS_IN_ATTACH : RS_IN_DETACH, ictx);
	if (!f)
		return;
	f->kind = RS_CONTAINER_IOMMUFD;
	f->device = device;
	f->arg = pt_id;
	f->group_type = type;
	f->work_ns = f->start_ns;
	look_at_attach();
}

int leave_attach(__s64 ret)
{
	struct rs_task *t = this_task(false);
	struct rs_frame *f = top_frame(t);
	struct rs_ev_group *ev;
	bool attach;

	if (!t || !f)
		return 0;
	attach = f->caller == RS_IN_ATTACH;
	leave_container(f);
	f->more.end_ns = bpf_ktime_get_ns();
	if (attach)
		know_device(f->device, f->container, f->kind);
	ev = RS_RECORD(attach ? RS_EV_ATTACH : RS_EV_DETACH, rs_ev_group, f->container);
	if (ev) {
		fill_op(&ev->op, f, ret);
		ev->group = f->group;
		ev->group_type = f->group_type;
		ev->group_id = f->group_id;
		ev->work = f->work;
		ev->more = f->more;
		ev->more.work_ns = f->work_ns;
		ev->device = f->device;
		ev->ioas = f->ioas;
		ev->old_ioas = f->other_ioas;
		bpf_ringbuf_submit(ev, 0);
	}
	pop_frame(t);
	return 0;
}

static __always_inline void leave_device(__u32 caller, __s64 ret)
{
	struct rs_frame *f = nested_frame();

	if (f && f->caller == caller && f->kind == RS_CONTAINER_IOMMUFD)
		leave_attach(ret);
}

static __always_inline void enter_detach(__u64 device, __u32 type)
{
	if (is_attached(device))
		enter_attach(device, 0, type);
}

/* A device that was closed: its address may be used again. */
static __always_inline void leave_unbind(void)
{
	struct rs_frame *f = nested_frame();
	__u64 device;

	if (!f || f->caller != RS_IN_DETACH || f->kind != RS_CONTAINER_IOMMUFD)
		return;
	device = f->device;
	leave_attach(0);
	bpf_map_delete_elem(&devices, &device);
}

/* int vfio_iommufd_physical_attach_ioas(struct vfio_device *vdev, u32 *pt_id): of an ioas or a page table */
static __always_inline void enter_vfio_iommufd_physical_attach_ioas(__u64 device, __u64 pt_id)
{
	enter_attach(device, pt_id, PHYSICAL);
}

static __always_inline void leave_vfio_iommufd_physical_attach_ioas(__u64 ret)
{
	leave_device(RS_IN_ATTACH, (__s32)ret);
}

RS_ENTRY(vfio_iommufd_physical_attach_ioas, 2)
RS_EXIT(vfio_iommufd_physical_attach_ioas)

static __always_inline void enter_vfio_iommufd_emulated_attach_ioas(__u64 device, __u64 pt_id)
{
	enter_attach(device, pt_id, EMULATED);
}

static __always_inline void leave_vfio_iommufd_emulated_attach_ioas(__u64 ret)
{
	leave_device(RS_IN_ATTACH, (__s32)ret);
}

RS_ENTRY(vfio_iommufd_emulated_attach_ioas, 2)
RS_EXIT(vfio_iommufd_emulated_attach_ioas)

static __always_inline void enter_vfio_iommufd_physical_detach_ioas(__u64 device)
{
	enter_detach(device, PHYSICAL);
}

static __always_inline void leave_vfio_iommufd_physical_detach_ioas(__u64 ret)
{
	leave_device(RS_IN_DETACH, 0);
}

RS_ENTRY(vfio_iommufd_physical_detach_ioas, 1)
RS_EXIT(vfio_iommufd_physical_detach_ioas)

static __always_inline void enter_vfio_iommufd_emulated_detach_ioas(__u64 device)
{
	enter_detach(device, EMULATED);
}

static __always_inline void leave_vfio_iommufd_emulated_detach_ioas(__u64 ret)
{
	leave_device(RS_IN_DETACH, 0);
}

RS_ENTRY(vfio_iommufd_emulated_detach_ioas, 1)
RS_EXIT(vfio_iommufd_emulated_detach_ioas)

/* void vfio_iommufd_physical_unbind(struct vfio_device *vdev): a device that is closed need not have been detached. */
static __always_inline void enter_vfio_iommufd_physical_unbind(__u64 device)
{
	enter_detach(device, PHYSICAL);
}

static __always_inline void leave_vfio_iommufd_physical_unbind(__u64 ret)
{
	leave_unbind();
}

RS_ENTRY(vfio_iommufd_physical_unbind, 1)
RS_EXIT(vfio_iommufd_physical_unbind)

static __always_inline void enter_vfio_iommufd_emulated_unbind(__u64 device)
{
	enter_detach(device, EMULATED);
}

static __always_inline void leave_vfio_iommufd_emulated_unbind(__u64 ret)
{
	leave_unbind();
}

RS_ENTRY(vfio_iommufd_emulated_unbind, 1)
RS_EXIT(vfio_iommufd_emulated_unbind)

char LICENSE[] SEC("license") = "GPL";
