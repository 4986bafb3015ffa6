/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ioctls of the test device rs_testdev.N, on its vfio device fd.
 *
 * Each returns 0, or -1 with the errno of the vfio function it called; `result` has what that
 * function returned in both cases. With RS_TESTDEV_WORKER the call is made by a kernel thread,
 * where current->mm is NULL.
 */
#ifndef RS_TESTDEV_H
#define RS_TESTDEV_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RS_TESTDEV_WORKER (1u << 0)
#define RS_TESTDEV_WRITE  (1u << 1) /* RS_TESTDEV_RW: memory is written, prot of a pin */

#define RS_TESTDEV_MAX_RW (1u << 20)

struct rs_testdev_pin {
	__u32 argsz;
	__u32 flags;
	__u64 iova;
	__u32 npages;
	__s32 result;
	__u64 pfn; /* of the first page, 0 when nothing was pinned */
};

struct rs_testdev_rw {
	__u32 argsz;
	__u32 flags;
	__u64 iova;
	__u64 data; /* address of the caller's buffer */
	__u32 len;
	__s32 result;
};

enum rs_testdev_op {
	RS_TESTDEV_OP_PIN,
	RS_TESTDEV_OP_UNPIN,
	RS_TESTDEV_OP_READ,
	RS_TESTDEV_OP_WRITE,
	RS_TESTDEV_OP_DMA_UNMAP,
	RS_TESTDEV_NR_OPS,
};

enum rs_testdev_res {
	RS_TESTDEV_RES_OK,
	RS_TESTDEV_RES_BUSY,
	RS_TESTDEV_RES_INVAL,
	RS_TESTDEV_RES_FAULT,
	RS_TESTDEV_RES_PERM,
	RS_TESTDEV_RES_NOMEM,
	RS_TESTDEV_RES_OTHER,
	RS_TESTDEV_NR_RES,
};

struct rs_testdev_counters {
	__u32 argsz;
	__u32 flags;
	__u64 calls[RS_TESTDEV_NR_OPS][RS_TESTDEV_NR_RES];
	__u64 pages_pinned;   /* now */
	__u64 pages_unpinned; /* by .dma_unmap, so far */
};

#define RS_TESTDEV_PIN	    _IOWR('R', 0x40, struct rs_testdev_pin)
#define RS_TESTDEV_UNPIN    _IOWR('R', 0x41, struct rs_testdev_pin)
#define RS_TESTDEV_RW	    _IOWR('R', 0x42, struct rs_testdev_rw)
#define RS_TESTDEV_COUNTERS _IOWR('R', 0x43, struct rs_testdev_counters)

#endif
