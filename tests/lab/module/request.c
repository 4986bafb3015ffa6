// SPDX-License-Identifier: GPL-2.0-only
/* The calls of the vfio core: pin, unpin, copy, by the caller's thread or by a kernel thread. */
#include <linux/iommu.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "internal.h"

#define PIN_FLAGS   (RS_TESTDEV_WORKER | RS_TESTDEV_WRITE | RS_TESTDEV_FORGET)
#define UNPIN_FLAGS (RS_TESTDEV_WORKER | RS_TESTDEV_RAW)
#define RW_FLAGS    (RS_TESTDEV_WORKER | RS_TESTDEV_WRITE)

static struct workqueue_struct *worker;

static unsigned long pin_count(struct testdev *dev, unsigned long page)
{
	void *entry = xa_load(&dev->pins, page);

	return entry ? xa_to_value(entry) : 0;
}

static int set_pin_count(struct testdev *dev, unsigned long page, unsigned long n)
{
	if (!n) {
		xa_erase(&dev->pins, page);
		return 0;
	}
	return xa_err(xa_store(&dev->pins, page, xa_mk_value(n), GFP_KERNEL));
}

static void unpin(struct testdev *dev, dma_addr_t iova, int npages)
{
	vfio_unpin_pages(&dev->vdev, iova, npages);
	rs_tally(dev, RS_TESTDEV_OP_UNPIN, 0, npages);
}

/* Notes the pages; what cannot be remembered cannot be unpinned later either, and goes at once. */
static int note_pins(struct testdev *dev, dma_addr_t iova, int npages)
{
	unsigned long page = iova >> PAGE_SHIFT;
	int i, err = 0;

	for (i = 0; i < npages && !err; i++)
		err = set_pin_count(dev, page + i, pin_count(dev, page + i) + 1);
	if (!err) {
		dev->held += npages;
		return 0;
	}
	for (i--; i > 0; i--)
		set_pin_count(dev, page + i - 1, pin_count(dev, page + i - 1) - 1);
	unpin(dev, iova, npages);
	return err;
}

static int do_pin(struct testdev *dev, struct rs_testdev_pin *arg)
{
	int prot = IOMMU_READ | (arg->flags & RS_TESTDEV_WRITE ? IOMMU_WRITE : 0);
	struct page **pages;
	int ret, err = 0;

	pages = kcalloc(arg->npages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	mutex_lock(&dev->lock);
	WRITE_ONCE(dev->pinning, current);
	arg->ns = ktime_get_ns();
	ret = vfio_pin_pages(&dev->vdev, arg->iova, arg->npages, prot, pages);
	arg->ns = ktime_get_ns() - arg->ns;
	WRITE_ONCE(dev->pinning, NULL);
	rs_tally(dev, RS_TESTDEV_OP_PIN, ret, ret < 0 ? arg->npages : ret);
	if (ret > 0) {
		arg->pfn = page_to_pfn(pages[0]);
		if (arg->flags & RS_TESTDEV_FORGET)
			dev->forgotten += ret;
		else
			err = note_pins(dev, arg->iova, ret);
	}
	mutex_unlock(&dev->lock);
	kfree(pages);
	return err ? err : ret;
}

static int do_unpin(struct testdev *dev, struct rs_testdev_pin *arg)
{
	unsigned long page = arg->iova >> PAGE_SHIFT;
	int i, ret = arg->npages;

	mutex_lock(&dev->lock);
	if (arg->flags & RS_TESTDEV_RAW) {
		unpin(dev, arg->iova, arg->npages);
		goto out;
	}
	for (i = 0; i < arg->npages && ret > 0; i++) {
		if (!pin_count(dev, page + i))
			ret = -ENOENT;
	}
	if (ret < 0)
		goto out;
	unpin(dev, arg->iova, arg->npages);
	for (i = 0; i < arg->npages; i++)
		set_pin_count(dev, page + i, pin_count(dev, page + i) - 1);
	dev->held -= arg->npages;
out:
	mutex_unlock(&dev->lock);
	return ret;
}

static int do_rw(struct testdev *dev, struct rs_testdev_rw *arg, void *buf)
{
	bool write = arg->flags & RS_TESTDEV_WRITE;
	int ret;

	arg->ns = ktime_get_ns();
	ret = vfio_dma_rw(&dev->vdev, arg->iova, buf, arg->len, write);
	arg->ns = ktime_get_ns() - arg->ns;
	rs_tally(dev, write ? RS_TESTDEV_OP_WRITE : RS_TESTDEV_OP_READ, ret, arg->len);
	return ret;
}

/* One call, by the caller's own thread or by a kernel thread. */
struct job {
	struct work_struct work;
	struct testdev *dev;
	unsigned int cmd;
	struct rs_testdev_pin *pin;
	struct rs_testdev_rw *rw;
	void *buf;
	int ret;
};

static void job_do(struct job *job)
{
	if (job->cmd == RS_TESTDEV_PIN)
		job->ret = do_pin(job->dev, job->pin);
	else if (job->cmd == RS_TESTDEV_UNPIN)
		job->ret = do_unpin(job->dev, job->pin);
	else
		job->ret = do_rw(job->dev, job->rw, job->buf);
}

static void job_work(struct work_struct *work)
{
	job_do(container_of(work, struct job, work));
}

static int job_run(struct job *job, bool by_worker)
{
	if (!by_worker) {
		job_do(job);
		return job->ret;
	}
	INIT_WORK_ONSTACK(&job->work, job_work);
	queue_work(worker, &job->work);
	flush_work(&job->work);
	destroy_work_on_stack(&job->work);
	return job->ret;
}

static long ioctl_pin(struct testdev *dev, unsigned int cmd, void __user *uarg)
{
	u32 allowed = cmd == RS_TESTDEV_PIN ? PIN_FLAGS : UNPIN_FLAGS;
	struct rs_testdev_pin arg;
	struct job job = { .dev = dev, .cmd = cmd, .pin = &arg };

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.argsz < sizeof(arg) || arg.flags & ~allowed || !PAGE_ALIGNED(arg.iova))
		return -EINVAL;
	/* vfio_unpin_pages() has no result: it warns of a bad argument, which has to be wanted. */
	if (arg.npages > RS_TESTDEV_MAX_PAGES ||
	    (cmd == RS_TESTDEV_UNPIN && !arg.npages && !(arg.flags & RS_TESTDEV_RAW)))
		return -EINVAL;
	arg.pfn = 0;
	arg.result = job_run(&job, arg.flags & RS_TESTDEV_WORKER);
	if (copy_to_user(uarg, &arg, sizeof(arg)))
		return -EFAULT;
	return arg.result < 0 ? arg.result : 0;
}

static long ioctl_rw(struct testdev *dev, unsigned int cmd, void __user *uarg)
{
	struct rs_testdev_rw arg;
	struct job job = { .dev = dev, .cmd = cmd, .rw = &arg };
	void __user *data;
	long ret = 0;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.argsz < sizeof(arg) || arg.flags & ~RW_FLAGS || arg.len > RS_TESTDEV_MAX_RW)
		return -EINVAL;
	data = u64_to_user_ptr(arg.data);
	/* Also of no bytes: the vfio core refuses the length, not a buffer that is missing. */
	job.buf = kvzalloc(max(arg.len, 1u), GFP_KERNEL);
	if (!job.buf)
		return -ENOMEM;
	if (arg.flags & RS_TESTDEV_WRITE && copy_from_user(job.buf, data, arg.len)) {
		ret = -EFAULT;
		goto out;
	}
	arg.result = job_run(&job, arg.flags & RS_TESTDEV_WORKER);
	if (!arg.result && !(arg.flags & RS_TESTDEV_WRITE) && copy_to_user(data, job.buf, arg.len))
		ret = -EFAULT;
	if (copy_to_user(uarg, &arg, sizeof(arg)))
		ret = -EFAULT;
	if (!ret)
		ret = arg.result;
out:
	kvfree(job.buf);
	return ret;
}

long rs_request_ioctl(struct testdev *dev, unsigned int cmd, void __user *uarg)
{
	switch (cmd) {
	case RS_TESTDEV_PIN:
	case RS_TESTDEV_UNPIN:
		return ioctl_pin(dev, cmd, uarg);
	case RS_TESTDEV_RW:
		return ioctl_rw(dev, cmd, uarg);
	}
	return -ENOTTY;
}

/*
 * How many pages from @page on go back in one call: type1 takes each alone, iommufd only what was pinned together.
 * The book does not have that; it is right unless such neighbours were pinned by different calls.
 */
static int pages_together(struct testdev *dev, unsigned long page, unsigned long last)
{
	unsigned long n = pin_count(dev, page);
	int pages = 1;

#if IS_ENABLED(CONFIG_IOMMUFD)
	while (dev->vdev.iommufd_access && page + pages <= last &&
	       pin_count(dev, page + pages) == n)
		pages++;
#endif
	return pages;
}

/* Gives up every pin of the pages first to last. */
static void unpin_range(struct testdev *dev, unsigned long first, unsigned long last, u64 *gone)
{
	unsigned long page;
	void *entry;

	mutex_lock(&dev->lock);
	xa_for_each_range(&dev->pins, page, entry, first, last)
	{
		int pages = pages_together(dev, page, last);
		unsigned long n = xa_to_value(entry);

		for (int i = 0; i < pages; i++)
			xa_erase(&dev->pins, page + i);
		dev->held -= n * pages;
		*gone += n * pages;
		while (n--)
			unpin(dev, (dma_addr_t)page << PAGE_SHIFT, pages);
	}
	mutex_unlock(&dev->lock);
}

#if IS_ENABLED(CONFIG_IOMMUFD)
/* iommufd is to refuse it; type1, whose lock may be held here, is not asked. */
static void pin_unmapped(struct testdev *dev, u64 iova)
{
	struct page *page;
	int ret;

	ret = vfio_pin_pages(&dev->vdev, iova, 1, IOMMU_READ, &page);
	rs_tally(dev, RS_TESTDEV_OP_PIN, ret, 1);
	if (ret == 1)
		unpin(dev, iova, 1);
}
#endif

void rs_request_dma_unmap(struct testdev *dev, u64 iova, u64 length)
{
	rs_tally(dev, RS_TESTDEV_OP_DMA_UNMAP, 0, length >> PAGE_SHIFT);
	unpin_range(dev, iova >> PAGE_SHIFT, (iova + length - 1) >> PAGE_SHIFT, &dev->by_dma_unmap);
#if IS_ENABLED(CONFIG_IOMMUFD)
	if (rs_inject_pin_unmapped() && dev->vdev.iommufd_access)
		pin_unmapped(dev, iova);
#endif
}

void rs_request_close(struct testdev *dev)
{
	unpin_range(dev, 0, ULONG_MAX, &dev->by_close);
}

int rs_request_init(void)
{
	worker = alloc_workqueue("rs_testdev", WQ_UNBOUND, 0);
	return worker ? 0 : -ENOMEM;
}

void rs_request_exit(void)
{
	destroy_workqueue(worker);
}
