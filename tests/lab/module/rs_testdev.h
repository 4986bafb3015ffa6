/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ioctls of the test device rs_testdev.N, on its vfio device fd.
 *
 * Each returns 0, or -1 with the errno of the vfio function it called; `result` has what that
 * function returned in both cases. With RS_TESTDEV_WORKER the call is made by a kernel thread,
 * where current->mm is NULL.
 *
 * Arguments that the vfio core refuses (no pages, more than 512, no bytes) reach it. What the device
 * itself refuses is no call of a vfio function: an unpin of what it has not pinned is -ENOENT.
 */
#ifndef RS_TESTDEV_H
#define RS_TESTDEV_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RS_TESTDEV_WORKER (1u << 0)
#define RS_TESTDEV_WRITE  (1u << 1) /* RS_TESTDEV_RW: memory is written, prot of a pin */
#define RS_TESTDEV_FORGET (1u << 2) /* a pin that is not noted, and so never given back */
#define RS_TESTDEV_RAW	  (1u << 3) /* an unpin whatever the device has noted, and not noted */

#define RS_TESTDEV_MAX_RW    (1u << 20)
#define RS_TESTDEV_MAX_PAGES 1024 /* twice what the vfio core takes */

struct rs_testdev_pin {
	__u32 argsz;
	__u32 flags;
	__u64 iova;
	__u32 npages;
	__s32 result;
	__u64 pfn; /* of the first page, 0 when nothing was pinned */
	__u64 ns;  /* in the vfio core */
};

struct rs_testdev_rw {
	__u32 argsz;
	__u32 flags;
	__u64 iova;
	__u64 data; /* address of the caller's buffer */
	__u32 len;
	__s32 result;
	__u64 ns; /* in the vfio core */
};

enum rs_testdev_op {
	RS_TESTDEV_OP_PIN,
	RS_TESTDEV_OP_UNPIN,
	RS_TESTDEV_OP_READ,
	RS_TESTDEV_OP_WRITE,
	RS_TESTDEV_OP_DMA_UNMAP, /* the callback: its unpins are counted as such */
	RS_TESTDEV_NR_OPS,
};

enum rs_testdev_res {
	RS_TESTDEV_RES_OK,
	RS_TESTDEV_RES_EBUSY,
	RS_TESTDEV_RES_EINVAL,
	RS_TESTDEV_RES_EFAULT,
	RS_TESTDEV_RES_EPERM,
	RS_TESTDEV_RES_ENOMEM,
	RS_TESTDEV_RES_ENODEV,
	RS_TESTDEV_RES_EACCES,
	RS_TESTDEV_RES_E2BIG,
	RS_TESTDEV_RES_EINTR, /* GUP, when the caller is being killed */
	RS_TESTDEV_RES_OTHER,
	RS_TESTDEV_NR_RES,
};

struct rs_testdev_counters {
	__u32 argsz;
	__u32 flags;
	__u64 calls[RS_TESTDEV_NR_OPS][RS_TESTDEV_NR_RES];
	__u64 amount[RS_TESTDEV_NR_OPS][RS_TESTDEV_NR_RES]; /* pages, bytes: see struct rs_tally */
	__u64 held;	    /* pages pinned now, without the forgotten */
	__u64 forgotten;    /* pages */
	__u64 by_dma_unmap; /* pages given back in .dma_unmap */
	__u64 by_close;	    /* pages given back in .close_device */
};

#define RS_TESTDEV_PIN	    _IOWR('R', 0x40, struct rs_testdev_pin)
#define RS_TESTDEV_UNPIN    _IOWR('R', 0x41, struct rs_testdev_pin)
#define RS_TESTDEV_RW	    _IOWR('R', 0x42, struct rs_testdev_rw)
#define RS_TESTDEV_COUNTERS _IOWR('R', 0x43, struct rs_testdev_counters)

#endif
