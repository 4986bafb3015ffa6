/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Devices that ask for translations
 *
 * Included by access.bpf.c, type1.bpf.c and others.
 */
#ifndef RS_DEVICE_BPF_H
#define RS_DEVICE_BPF_H

#include "common.bpf.h"

/* vfio_device.group->iommu_group->id; -1 for a device without a group. */
static __always_inline __s32 device_group(__u64 device)
{
	struct vfio_device *vdev = (void *)device;
	struct iommu_group *group;

	if (!device || !bpf_core_field_exists(vdev->group))
		return -1;
	group = BPF_CORE_READ(vdev, group, iommu_group);
	return group ? BPF_CORE_READ(group, id) : -1;
}

/* The iommufd context that a device is bound to, 0: none. */
static __always_inline __u64 device_context(__u64 device)
{
	struct vfio_device *vdev = (void *)device;
	struct iommufd_access *access;

	/* The member is there without iommufd too, its type is not. */
	if (!device || !bpf_core_type_exists(struct iommufd_access) ||
	    !bpf_core_field_exists(vdev->iommufd_access))
		return 0;
	access = BPF_CORE_READ(vdev, iommufd_access);
	if (access)
		return (__u64)BPF_CORE_READ(access, ictx);
	return (__u64)BPF_CORE_READ(vdev, iommufd_device, ictx);
}

/*
 * The container that a device belongs to: type1's, as vfio_device_container_pin_pages() finds it, or the context
 * that it is bound to.
 */
static __always_inline __u64 device_container(__u64 device, __u32 *kind)
{
	struct vfio_device *vdev = (void *)device;
	__u64 container = 0;

	if (device && bpf_core_field_exists(vdev->group))
		container = (__u64)BPF_CORE_READ(vdev, group, container, iommu_data);
	*kind = RS_CONTAINER_TYPE1;
	if (container)
		return container;
	container = device_context(device);
	if (container)
		*kind = RS_CONTAINER_IOMMUFD;
	return container;
}

static __always_inline void write_device(__u64 device, const struct rs_device *d)
{
	struct rs_ev_device *ev = RS_RECORD(RS_EV_DEVICE, rs_ev_device, d->container);
	const char *name;

	if (!ev)
		return;
	ev->device = device;
	ev->container = d->container;
	ev->group_id = d->group_id;
	ev->kind = d->kind;
	__builtin_memset(ev->name, 0, sizeof(ev->name));
	/* dev_name(): the kobject's name, unless it has an initial one, which is gone by now. */
	name = BPF_CORE_READ((struct vfio_device *)device, dev, kobj.name);
	bpf_probe_read_kernel_str(ev->name, sizeof(ev->name), name);
	bpf_ringbuf_submit(ev, 0);
}

/* What is known of a device; told when it is new, or in another container than before. */
static __always_inline struct rs_device *know_device(__u64 device, __u64 container, __u32 kind)
{
	struct rs_device fresh = { .container = container, .kind = kind }, *d;
	struct vfio_device *vdev = (void *)device;

	if (!device)
		return NULL;
	d = bpf_map_lookup_elem(&devices, &device);
	if (d && (d->container == container || !container))
		return d;
	fresh.group_id = device_group(device);
	if (!BPF_CORE_READ(vdev, ops, dma_unmap))
		fresh.flags |= RS_DEVICE_NO_CB;
	if (bpf_map_update_elem(&devices, &device, &fresh, BPF_ANY)) {
		count_loss(RS_LOSS_OWNERS);
		return NULL;
	}
	write_device(device, &fresh);
	return bpf_map_lookup_elem(&devices, &device);
}

static long forget_device(struct bpf_map *map, const void *key, void *value, void *ctx)
{
	struct rs_device *d = value;
	__s32 *group_id = ctx;

	if (d->group_id == *group_id)
		bpf_map_delete_elem(map, key);
	return 0;
}

/* A group has left its container: its devices' addresses may be used again. */
static __always_inline void forget_devices(__s32 group_id)
{
	bpf_for_each_map_elem(&devices, forget_device, &group_id, 0);
}

#endif /* RS_DEVICE_BPF_H */
