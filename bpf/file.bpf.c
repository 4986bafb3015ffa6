// SPDX-License-Identifier: GPL-2.0-only
/* What files are known by: an ioctl of their own. Only one object file may name a symbol of the kernel. */
#include "file.bpf.h"

/* drivers/iommu/iommufd/main.c, drivers/vfio/vfio_main.c */
extern const void iommufd_fops_ioctl __ksym __weak;
extern const void vfio_device_fops_unl_ioctl __ksym __weak;

__u64 context_ioctl(void)
{
	return (__u64)&iommufd_fops_ioctl;
}

__u64 device_ioctl(void)
{
	return (__u64)&vfio_device_fops_unl_ioctl;
}

char LICENSE[] SEC("license") = "GPL";
