// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each device asked for and what came back: the truth that a tracer's counts are held against.
 *
 * debugfs has it as lines of key=value,
 *   device=rs_testdev.0 op=pin result=ok calls=3 amount=12
 *   device=rs_testdev.0 held=4 forgotten=0 by_dma_unmap=8 by_close=0
 * one of the first form for every operation and result, in the order of rs_testdev.h.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"

static const char *const op_names[RS_TESTDEV_NR_OPS] = {
	"pin", "unpin", "read", "write", "dma_unmap",
};

static const struct {
	const char *name;
	int err;
} results[RS_TESTDEV_NR_RES] = {
	[RS_TESTDEV_RES_OK] = { "ok", 0 },
	[RS_TESTDEV_RES_EBUSY] = { "EBUSY", -EBUSY },
	[RS_TESTDEV_RES_EINVAL] = { "EINVAL", -EINVAL },
	[RS_TESTDEV_RES_EFAULT] = { "EFAULT", -EFAULT },
	[RS_TESTDEV_RES_EPERM] = { "EPERM", -EPERM },
	[RS_TESTDEV_RES_ENOMEM] = { "ENOMEM", -ENOMEM },
	[RS_TESTDEV_RES_ENODEV] = { "ENODEV", -ENODEV },
	[RS_TESTDEV_RES_EACCES] = { "EACCES", -EACCES },
	[RS_TESTDEV_RES_E2BIG] = { "E2BIG", -E2BIG },
	[RS_TESTDEV_RES_EINTR] = { "EINTR", -EINTR },
	[RS_TESTDEV_RES_OTHER] = { "other", 1 },
};

void rs_tally(struct testdev *dev, enum rs_testdev_op op, long ret, u64 amount)
{
	int res = RS_TESTDEV_RES_OK;

	while (ret < 0 && res < RS_TESTDEV_RES_OTHER && results[res].err != ret)
		res++;
	atomic64_inc(&dev->tally.calls[op][res]);
	atomic64_add(amount, &dev->tally.amount[op][res]);
}

void rs_tally_show(struct testdev *dev, unsigned int nr, struct seq_file *m)
{
	int op, res;

	for (op = 0; op < RS_TESTDEV_NR_OPS; op++) {
		for (res = 0; res < RS_TESTDEV_NR_RES; res++)
			seq_printf(m,
				   "device=rs_testdev.%u op=%s result=%s calls=%lld amount=%lld\n",
				   nr, op_names[op], results[res].name,
				   (long long)atomic64_read(&dev->tally.calls[op][res]),
				   (long long)atomic64_read(&dev->tally.amount[op][res]));
	}
	mutex_lock(&dev->lock);
	seq_printf(
		m,
		"device=rs_testdev.%u held=%llu forgotten=%llu by_dma_unmap=%llu by_close=%llu\n",
		nr, dev->held, dev->forgotten, dev->by_dma_unmap, dev->by_close);
	mutex_unlock(&dev->lock);
}

long rs_tally_ioctl(struct testdev *dev, void __user *uarg)
{
	struct rs_testdev_counters *c;
	int op, res;
	long ret = 0;

	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	c->argsz = sizeof(*c);
	for (op = 0; op < RS_TESTDEV_NR_OPS; op++) {
		for (res = 0; res < RS_TESTDEV_NR_RES; res++) {
			c->calls[op][res] = atomic64_read(&dev->tally.calls[op][res]);
			c->amount[op][res] = atomic64_read(&dev->tally.amount[op][res]);
		}
	}
	mutex_lock(&dev->lock);
	c->held = dev->held;
	c->forgotten = dev->forgotten;
	c->by_dma_unmap = dev->by_dma_unmap;
	c->by_close = dev->by_close;
	mutex_unlock(&dev->lock);
	if (copy_to_user(uarg, c, sizeof(*c)))
		ret = -EFAULT;
	kfree(c);
	return ret;
}
