// SPDX-License-Identifier: GPL-2.0-only
/*
 * rs_testdev: emulated vfio devices that pin, unpin and copy guest memory when told to.
 *
 * No sample of the kernel calls vfio_pin_pages() or vfio_dma_rw(), so that nothing in a VM without
 * such a device would ever show these translations. rs_testdev.h has the ioctls; debugfs has
 * rs_testdev/counters (tally.c) and rs_testdev/inject (inject.c).
 *
 * The last device has no dma_unmap callback, without which it is not allowed to pin.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "internal.h"

#define MAX_DEVICES 8
#define MAX_PARENTS (MAX_DEVICES + 1)

static unsigned int count = 6;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count,
		 "number of devices with a dma_unmap callback, 1 to 8; one without comes after");

static struct platform_device *parents[MAX_PARENTS];
static struct testdev *devices[MAX_PARENTS];
static struct dentry *debugfs_dir;

/* Also asked in a probe: nothing here may sleep. */
bool rs_testdev_pinning(struct task_struct *task)
{
	int i;

	for (i = 0; i < MAX_PARENTS; i++) {
		struct testdev *dev = READ_ONCE(devices[i]);

		if (dev && READ_ONCE(dev->pinning) == task)
			return true;
	}
	return false;
}

static long testdev_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct testdev *dev = container_of(vdev, struct testdev, vdev);

	if (cmd == RS_TESTDEV_COUNTERS)
		return rs_tally_ioctl(dev, (void __user *)arg);
	return rs_request_ioctl(dev, cmd, (void __user *)arg);
}

static void testdev_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	rs_request_dma_unmap(container_of(vdev, struct testdev, vdev), iova, length);
}

static int testdev_open(struct vfio_device *vdev)
{
	return 0;
}

static void testdev_close(struct vfio_device *vdev)
{
	rs_request_close(container_of(vdev, struct testdev, vdev));
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

/* The same without .dma_unmap. */
static struct vfio_device_ops testdev_ops_no_callback;

static int testdev_probe(struct platform_device *pdev)
{
	struct testdev *dev;
	int err;

	dev = vfio_alloc_device(testdev, vdev, &pdev->dev,
				pdev->id < count ? &testdev_ops : &testdev_ops_no_callback);
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

	for (i = 0; i <= count; i++) {
		if (devices[i])
			rs_tally_show(devices[i], i, m);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static void remove_parents(void)
{
	int i;

	for (i = 0; i < MAX_PARENTS; i++) {
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
	err = rs_request_init();
	if (err)
		return err;
	testdev_ops_no_callback = testdev_ops;
	testdev_ops_no_callback.dma_unmap = NULL;
	debugfs_dir = debugfs_create_dir("rs_testdev", NULL);
	debugfs_create_file("counters", 0444, debugfs_dir, NULL, &counters_fops);
	rs_inject_init(debugfs_dir);
	err = platform_driver_register(&testdev_driver);
	if (err)
		goto out_debugfs;
	for (i = 0; i <= count; i++) {
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
	rs_request_exit();
	return err;
}

static void __exit testdev_module_exit(void)
{
	debugfs_remove_recursive(debugfs_dir);
	rs_inject_exit();
	remove_parents();
	platform_driver_unregister(&testdev_driver);
	rs_request_exit();
}

module_init(testdev_module_init);
module_exit(testdev_module_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("vfio test devices that pin and copy, and faults for a tracer to find");
