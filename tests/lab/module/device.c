// SPDX-License-Identifier: GPL-2.0-only
/*
 * rs_testdev: emulated vfio devices that pin, unpin and copy guest memory when told to.
 *
 * No sample of the kernel calls vfio_pin_pages() or vfio_dma_rw(), so that nothing in a VM without
 * such a device would ever show these translations. rs_testdev.h has the ioctls; debugfs has
 * rs_testdev/counters, and rs_testdev/inject (see inject.c).
 */
#include <linux/debugfs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vfio.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/iommu.h>

#include "internal.h"
#include "rs_testdev.h"

#define MAX_DEVICES 8
#define MAX_PAGES   512 /* the vfio core's own limit for one call */

static unsigned int count = 2;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "number of devices, 1 to 8");

struct testdev {
	struct vfio_device vdev;
	struct mutex lock;  /* pins and what is known of them change together */
	struct xarray pins; /* iova page number -> how often it is pinned, a value entry */
	u64 npins;
	u64 pages_unpinned;
	atomic64_t calls[RS_TESTDEV_NR_OPS][RS_TESTDEV_NR_RES];
};

static struct platform_device *parents[MAX_DEVICES];
static struct testdev *devices[MAX_DEVICES];
static struct dentry *debugfs_dir;
static struct workqueue_struct *worker;

static const char *const op_names[] = { "pin", "unpin", "read", "write", "dma_unmap" };
static const char *const res_names[] = { "ok", "busy", "inval", "fault", "perm", "nomem", "other" };

static enum rs_testdev_res res_class(long ret)
{
	switch (ret) {
	case -EBUSY:
		return RS_TESTDEV_RES_BUSY;
	case -EINVAL:
		return RS_TESTDEV_RES_INVAL;
	case -EFAULT:
		return RS_TESTDEV_RES_FAULT;
	case -EPERM:
		return RS_TESTDEV_RES_PERM;
	case -ENOMEM:
		return RS_TESTDEV_RES_NOMEM;
	}
	return ret < 0 ? RS_TESTDEV_RES_OTHER : RS_TESTDEV_RES_OK;
}

static void tally(struct testdev *dev, enum rs_testdev_op op, long ret)
{
	atomic64_inc(&dev->calls[op][res_class(ret)]);
}

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

static int do_pin(struct testdev *dev, struct rs_testdev_pin *arg)
{
	int prot = IOMMU_READ | (arg->flags & RS_TESTDEV_WRITE ? IOMMU_WRITE : 0);
	unsigned long page = arg->iova >> PAGE_SHIFT;
	struct page **pages;
	int i, ret, err = 0;

	if (!arg->npages || arg->npages > MAX_PAGES)
		return -E2BIG;
	pages = kcalloc(arg->npages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	mutex_lock(&dev->lock);
	ret = vfio_pin_pages(&dev->vdev, arg->iova, arg->npages, prot, pages);
	for (i = 0; i < ret && !err; i++)
		err = set_pin_count(dev, page + i, pin_count(dev, page + i) + 1);
	if (err) {
		/* what cannot be remembered cannot be unpinned later either */
		for (i--; i > 0; i--)
			set_pin_count(dev, page + i - 1, pin_count(dev, page + i - 1) - 1);
		vfio_unpin_pages(&dev->vdev, arg->iova, ret);
		ret = err;
	}
	if (ret > 0) {
		dev->npins += ret;
		arg->pfn = page_to_pfn(pages[0]);
	}
	mutex_unlock(&dev->lock);
	kfree(pages);
	tally(dev, RS_TESTDEV_OP_PIN, ret);
	return ret;
}

static int do_unpin(struct testdev *dev, struct rs_testdev_pin *arg)
{
	unsigned long page = arg->iova >> PAGE_SHIFT;
	int i, ret = 0;

	if (!arg->npages || arg->npages > MAX_PAGES)
		return -E2BIG;
	mutex_lock(&dev->lock);
	for (i = 0; i < arg->npages; i++) {
		if (!pin_count(dev, page + i))
			ret = -EINVAL;
	}
	if (!ret) {
		vfio_unpin_pages(&dev->vdev, arg->iova, arg->npages);
		for (i = 0; i < arg->npages; i++)
			set_pin_count(dev, page + i, pin_count(dev, page + i) - 1);
		dev->npins -= arg->npages;
		ret = arg->npages;
	}
	mutex_unlock(&dev->lock);
	tally(dev, RS_TESTDEV_OP_UNPIN, ret);
	return ret;
}

static int do_rw(struct testdev *dev, struct rs_testdev_rw *arg, void *buf)
{
	bool write = arg->flags & RS_TESTDEV_WRITE;
	int ret;

	ret = vfio_dma_rw(&dev->vdev, arg->iova, buf, arg->len, write);
	tally(dev, write ? RS_TESTDEV_OP_WRITE : RS_TESTDEV_OP_READ, ret);
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
	struct rs_testdev_pin arg;
	struct job job = { .dev = dev, .cmd = cmd, .pin = &arg };

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.argsz < sizeof(arg) || arg.flags & ~(RS_TESTDEV_WORKER | RS_TESTDEV_WRITE) ||
	    !PAGE_ALIGNED(arg.iova))
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
	if (arg.argsz < sizeof(arg) || arg.flags & ~(RS_TESTDEV_WORKER | RS_TESTDEV_WRITE) ||
	    !arg.len || arg.len > RS_TESTDEV_MAX_RW)
		return -EINVAL;
	data = u64_to_user_ptr(arg.data);
	job.buf = kvzalloc(arg.len, GFP_KERNEL);
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

static long ioctl_counters(struct testdev *dev, void __user *uarg)
{
	struct rs_testdev_counters *c;
	int op, res;
	long ret = 0;

	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	c->argsz = sizeof(*c);
	for (op = 0; op < RS_TESTDEV_NR_OPS; op++) {
		for (res = 0; res < RS_TESTDEV_NR_RES; res++)
			c->calls[op][res] = atomic64_read(&dev->calls[op][res]);
	}
	mutex_lock(&dev->lock);
	c->pages_pinned = dev->npins;
	c->pages_unpinned = dev->pages_unpinned;
	mutex_unlock(&dev->lock);
	if (copy_to_user(uarg, c, sizeof(*c)))
		ret = -EFAULT;
	kfree(c);
	return ret;
}

static long testdev_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct testdev *dev = container_of(vdev, struct testdev, vdev);
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case RS_TESTDEV_PIN:
	case RS_TESTDEV_UNPIN:
		return ioctl_pin(dev, cmd, uarg);
	case RS_TESTDEV_RW:
		return ioctl_rw(dev, cmd, uarg);
	case RS_TESTDEV_COUNTERS:
		return ioctl_counters(dev, uarg);
	}
	return -ENOTTY;
}

/* Gives up every pin of the pages first to last. */
static void unpin_range(struct testdev *dev, unsigned long first, unsigned long last)
{
	unsigned long page;
	void *entry;

	mutex_lock(&dev->lock);
	xa_for_each_range(&dev->pins, page, entry, first, last)
	{
		unsigned long n = xa_to_value(entry);

		xa_erase(&dev->pins, page);
		dev->npins -= n;
		dev->pages_unpinned += n;
		while (n--)
			vfio_unpin_pages(&dev->vdev, (dma_addr_t)page << PAGE_SHIFT, 1);
	}
	mutex_unlock(&dev->lock);
}

static void testdev_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct testdev *dev = container_of(vdev, struct testdev, vdev);

	tally(dev, RS_TESTDEV_OP_DMA_UNMAP, 0);
	unpin_range(dev, iova >> PAGE_SHIFT, (iova + length - 1) >> PAGE_SHIFT);
}

static int testdev_open(struct vfio_device *vdev)
{
	return 0;
}

static void testdev_close(struct vfio_device *vdev)
{
	unpin_range(container_of(vdev, struct testdev, vdev), 0, ULONG_MAX);
}

static int testdev_init(struct vfio_device *vdev)
{
	struct testdev *dev = container_of(vdev, struct testdev, vdev);

	mutex_init(&dev->lock);
	xa_init(&dev->pins);
	return 0;
}

static void testdev_release(struct vfio_device *vdev)
{
	struct testdev *dev = container_of(vdev, struct testdev, vdev);

	xa_destroy(&dev->pins);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	vfio_free_device(vdev);
#endif
}

static const struct vfio_device_ops testdev_ops = {
	.name = "rs_testdev",
	.init = testdev_init,
	.release = testdev_release,
	.open_device = testdev_open,
	.close_device = testdev_close,
	.ioctl = testdev_ioctl,
	.dma_unmap = testdev_dma_unmap,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
#endif
};

static int testdev_probe(struct platform_device *pdev)
{
	struct testdev *dev;
	int err;

	dev = vfio_alloc_device(testdev, vdev, &pdev->dev, &testdev_ops);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = vfio_register_emulated_iommu_dev(&dev->vdev);
	if (err) {
		vfio_put_device(&dev->vdev);
		return err;
	}
	platform_set_drvdata(pdev, dev);
	devices[pdev->id] = dev;
	return 0;
}

static void remove_one(struct platform_device *pdev)
{
	struct testdev *dev = platform_get_drvdata(pdev);

	devices[pdev->id] = NULL;
	vfio_unregister_group_dev(&dev->vdev);
	vfio_put_device(&dev->vdev);
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
static int testdev_remove(struct platform_device *pdev)
{
	remove_one(pdev);
	return 0;
}
#else
static void testdev_remove(struct platform_device *pdev)
{
	remove_one(pdev);
}
#endif

/* A platform device that is bound: the vfio core looks at dev->driver. */
static struct platform_driver testdev_driver = {
	.probe = testdev_probe,
	.remove = testdev_remove,
	.driver = {
		.name = "rs_testdev",
		.suppress_bind_attrs = true,
	},
};

static int counters_show(struct seq_file *m, void *v)
{
	unsigned int i;
	int op, res;

	for (i = 0; i < count; i++) {
		struct testdev *dev = devices[i];

		if (!dev)
			continue;
		for (op = 0; op < RS_TESTDEV_NR_OPS; op++) {
			seq_printf(m, "rs_testdev.%u %s", i, op_names[op]);
			for (res = 0; res < RS_TESTDEV_NR_RES; res++)
				seq_printf(m, " %s=%lld", res_names[res],
					   (long long)atomic64_read(&dev->calls[op][res]));
			seq_putc(m, '\n');
		}
		mutex_lock(&dev->lock);
		seq_printf(m, "rs_testdev.%u pages pinned=%llu unpinned_by_dma_unmap=%llu\n", i,
			   dev->npins, dev->pages_unpinned);
		mutex_unlock(&dev->lock);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static void remove_parents(void)
{
	int i;

	for (i = 0; i < MAX_DEVICES; i++) {
		if (!IS_ERR_OR_NULL(parents[i]))
			platform_device_unregister(parents[i]);
	}
}

static int __init testdev_module_init(void)
{
	unsigned int i;
	int err;

	if (!count || count > MAX_DEVICES)
		return -EINVAL;
	worker = alloc_workqueue("rs_testdev", WQ_UNBOUND, 0);
	if (!worker)
		return -ENOMEM;
	debugfs_dir = debugfs_create_dir("rs_testdev", NULL);
	debugfs_create_file("counters", 0444, debugfs_dir, NULL, &counters_fops);
	rs_inject_init(debugfs_dir);
	err = platform_driver_register(&testdev_driver);
	if (err)
		goto out_debugfs;
	for (i = 0; i < count; i++) {
		parents[i] = platform_device_register_simple("rs_testdev", i, NULL, 0);
		if (IS_ERR(parents[i])) {
			err = PTR_ERR(parents[i]);
			goto out_parents;
		}
		if (!devices[i]) {
			err = -ENODEV;
			goto out_parents;
		}
	}
	return 0;

out_parents:
	remove_parents();
	platform_driver_unregister(&testdev_driver);
out_debugfs:
	debugfs_remove_recursive(debugfs_dir);
	rs_inject_exit();
	destroy_workqueue(worker);
	return err;
}

static void __exit testdev_module_exit(void)
{
	debugfs_remove_recursive(debugfs_dir);
	rs_inject_exit();
	remove_parents();
	platform_driver_unregister(&testdev_driver);
	destroy_workqueue(worker);
}

module_init(testdev_module_init);
module_exit(testdev_module_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("vfio test devices that pin and copy, and faults for a tracer to find");
