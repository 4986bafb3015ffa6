/* SPDX-License-Identifier: GPL-2.0-only */
/* include/uapi/linux/iommufd.h and vfio.h of Linux 6.13, which Debian 12's headers do not have yet. */
#ifndef LAB_IOMMUFD_H
#define LAB_IOMMUFD_H

#include <stdint.h>
#include <sys/ioctl.h>

#include <linux/vfio.h>

struct ioas_alloc {
	uint32_t size, flags, out_ioas_id;
};

struct ioas_destroy {
	uint32_t size, id;
};

struct ioas_map {
	uint32_t size, flags, ioas_id, reserved;
	uint64_t user_va, length, iova;
};

struct ioas_map_file {
	uint32_t size, flags, ioas_id;
	int32_t fd;
	uint64_t start, length, iova;
};

struct ioas_copy {
	uint32_t size, flags, dst_ioas_id, src_ioas_id;
	uint64_t length, dst_iova, src_iova;
};

struct ioas_unmap {
	uint32_t size, ioas_id;
	uint64_t iova, length;
};

struct ioas_change_process {
	uint32_t size, reserved;
};

struct iommu_option {
	uint32_t size, option_id;
	uint16_t op, reserved;
	uint32_t object_id;
	uint64_t val64;
};

struct bind_iommufd {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t out_devid;
};

struct attach_pt {
	uint32_t argsz, flags, pt_id;
};

struct detach_pt {
	uint32_t argsz, flags;
};

struct feature_dma_buf {
	uint32_t argsz, flags; /* of struct vfio_device_feature */
	uint32_t region_index, open_flags, dma_buf_flags, nr_ranges;
	uint64_t offset, length;
};

#define FEATURE_DMA_BUF 11

#define IOAS_DESTROY	    _IO(';', 0x80)
#define IOAS_ALLOC	    _IO(';', 0x81)
#define IOAS_COPY	    _IO(';', 0x83)
#define IOAS_MAP	    _IO(';', 0x85)
#define IOAS_UNMAP	    _IO(';', 0x86)
#define IOMMU_OPTION	    _IO(';', 0x87)
#define IOAS_MAP_FILE	    _IO(';', 0x8f)
#define IOAS_CHANGE_PROCESS _IO(';', 0x92)
#define BIND_IOMMUFD	    _IO(VFIO_TYPE, VFIO_BASE + 18)
#define ATTACH_PT	    _IO(VFIO_TYPE, VFIO_BASE + 19)
#define DETACH_PT	    _IO(VFIO_TYPE, VFIO_BASE + 20)

#define IOAS_MAP_FIXED	   1
#define IOAS_MAP_WRITEABLE 2
#define IOAS_MAP_READABLE  4

#define OPTION_RLIMIT_MODE 0

#endif
