/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Whose file it is
 */
#ifndef RS_FILE_BPF_H
#define RS_FILE_BPF_H

#include "common.bpf.h"

/* /dev/vfio/vfio is misc device VFIO_MINOR (include/linux/miscdevice.h), dev_t as the kernel has it. */
#define VFIO_RDEV ((10U << 20) | 196)

/* Where iommufd_fops_ioctl() and vfio_device_fops_unl_ioctl() are, 0: nowhere. In file.bpf.c */
__u64 context_ioctl(void);
__u64 device_ioctl(void);

static __always_inline bool has_ioctl(struct file *file, __u64 is)
{
	return is && (__u64)BPF_CORE_READ(file, f_op, unlocked_ioctl) == is;
}

/* The iommufd context of a file, 0: it is none's. The number of /dev/iommu is given as it comes: it tells nothing. */
static __always_inline __u64 context_of_file(struct file *file)
{
	return has_ioctl(file, context_ioctl()) ? (__u64)BPF_CORE_READ(file, private_data) : 0;
}

/* struct file.private_data: the device itself before Linux 6.6, then a struct around it */
static __always_inline __u64 device_of_file(struct file *file)
{
	__u64 data = (__u64)BPF_CORE_READ(file, private_data);

	if (!bpf_core_type_exists(struct vfio_device_file))
		return data;
	return (__u64)BPF_CORE_READ((struct vfio_device_file *)data, device);
}

/* vfio_container.iommu_data, if its backend is type1 (drivers/vfio/vfio_iommu_type1.c, .name) */
static __always_inline __u64 type1_of_file(struct file *file)
{
	static const char type1[] = "vfio-iommu-type1";
	struct vfio_container *container;
	char name[sizeof(type1)] = {};
	const char *at;

	if (BPF_CORE_READ(file, f_inode, i_rdev) != VFIO_RDEV)
		return 0;
	container = BPF_CORE_READ(file, private_data);
	at = BPF_CORE_READ(container, iommu_driver, ops, name);
	if (!at || bpf_probe_read_kernel_str(name, sizeof(name), at) != sizeof(name))
		return 0;
	for (unsigned int i = 0; i < sizeof(name) - 1; i++)
		if (name[i] != type1[i])
			return 0;
	return (__u64)BPF_CORE_READ(container, iommu_data);
}

#endif /* RS_FILE_BPF_H */
