/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RS_TESTDEV_INTERNAL_H
#define RS_TESTDEV_INTERNAL_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/vfio.h>
#include <linux/xarray.h>

#include "rs_testdev.h"

struct dentry;
struct seq_file;
struct task_struct;

/**
 * struct rs_tally - what a device asked the vfio core for
 * @calls: how often, by operation and what came back
 * @amount: pages, or bytes of reads and writes: done by calls that succeeded, asked for by others
 */
struct rs_tally {
	atomic64_t calls[RS_TESTDEV_NR_OPS][RS_TESTDEV_NR_RES];
	atomic64_t amount[RS_TESTDEV_NR_OPS][RS_TESTDEV_NR_RES];
};

/**
 * struct testdev - a device, rs_testdev.N
 * @lock: pins and what is known of them change together
 * @pins: the book: iova page number -> how often it is pinned, a value entry
 * @held: pages pinned now, as the book has it
 * @forgotten: pages pinned with RS_TESTDEV_FORGET
 * @by_dma_unmap: pages given back because their range went
 * @by_close: pages given back because the device was closed
 * @pinning: who is inside vfio_pin_pages(), NULL: nobody
 */
struct testdev {
	struct vfio_device vdev;
	struct mutex lock;
	struct xarray pins;
	u64 held;
	u64 forgotten;
	u64 by_dma_unmap;
	u64 by_close;
	struct task_struct *pinning;
	struct rs_tally tally;
};

/* device.c */
bool rs_testdev_pinning(struct task_struct *task);

/* request.c */
int rs_request_init(void);
void rs_request_exit(void);
long rs_request_ioctl(struct testdev *dev, unsigned int cmd, void __user *uarg);
void rs_request_dma_unmap(struct testdev *dev, u64 iova, u64 length);
void rs_request_close(struct testdev *dev);

/* tally.c */
void rs_tally(struct testdev *dev, enum rs_testdev_op op, long ret, u64 amount);
void rs_tally_show(struct testdev *dev, unsigned int nr, struct seq_file *m);
long rs_tally_ioctl(struct testdev *dev, void __user *uarg);

/* inject.c */
void rs_inject_init(struct dentry *dir);
void rs_inject_exit(void);
bool rs_inject_pin_unmapped(void);

#endif
