// SPDX-License-Identifier: GPL-2.0-only
/* An iommufd context: its ioas, each a container of ours, what is mapped there, and devices by their own file. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "iommufd.h"
#include "lab.h"

/* Makes @c a new ioas of the context that its file is. */
static int alloc_ioas(struct op *op, struct lab_container *c)
{
	struct ioas_alloc alloc = { .size = sizeof(alloc) };

	if (ioctl(c->fd, IOAS_ALLOC, &alloc)) {
		int err = errno;

		close(c->fd);
		return op_fail(op, "expected IOAS_ALLOC to succeed, got %s", errno_name(err));
	}
	c->used = true;
	c->ioas = alloc.out_ioas_id;
	op->lab->p.current = c - op->lab->p.containers;
	op_say(op, "fd %d, ioas %u", c->fd, c->ioas);
	return 0;
}

int op_iommufd(struct op *op)
{
	struct lab_container *c;
	bool mm = op_flag(op, "mm");
	int err;

	err = lab_new_container(op, &c);
	if (err)
		return err;
	c->fd = open("/dev/iommu", O_RDWR);
	if (c->fd < 0)
		return op_fail(op, "expected to open /dev/iommu, got %s", errno_name(errno));
	/* Who is charged: the user, or the process; only as long as there is nothing in it. */
	if (mm) {
		struct iommu_option option = { .size = sizeof(option),
					       .option_id = OPTION_RLIMIT_MODE,
					       .val64 = 1 };

		if (ioctl(c->fd, IOMMU_OPTION, &option)) {
			err = errno;
			close(c->fd);
			return op_fail(op, "expected the limit's mode to be set, got %s",
				       errno_name(err));
		}
	}
	return alloc_ioas(op, c);
}

/* The current one's context gets another. */
int op_ioas(struct op *op)
{
	struct lab_container *from = lab_current(op), *c;
	int err;

	if (!from || !from->ioas)
		return op_usage(op, "there is no iommufd context");
	err = lab_new_container(op, &c);
	if (err)
		return err;
	c->fd = dup(from->fd);
	if (c->fd < 0)
		return op_fail(op, "expected another fd, got %s", errno_name(errno));
	return alloc_ioas(op, c);
}

/* The current ioas, unless there is none. */
static struct lab_container *current_ioas(struct op *op)
{
	struct lab_container *c = lab_current(op);

	if (c && !c->ioas) {
		op_usage(op, "the container is no ioas");
		return NULL;
	}
	return c;
}

int op_free(struct op *op)
{
	struct lab_container *c = current_ioas(op);
	struct ioas_destroy destroy = { .size = sizeof(destroy) };
	int i, err;

	if (!c || op_end(op))
		return -EINVAL;
	destroy.id = c->ioas;
	err = op_expect(op, "IOMMU_DESTROY", ioctl(c->fd, IOAS_DESTROY, &destroy) ? -errno : 0);
	if (err)
		return err < 0 ? err : 0;
	for (i = 0; i < LAB_MAX_RANGES; i++) {
		struct lab_range *r = &op->lab->shared->ranges[i];

		if (r->container == (uint32_t)op->lab->p.current)
			r->used = 0;
	}
	op_say(op, "ioas %u", c->ioas);
	close(c->fd);
	c->used = false;
	return 0;
}

static uint32_t prot_flags(uint32_t flags)
{
	return IOAS_MAP_FIXED | (flags & VFIO_DMA_MAP_FLAG_READ ? IOAS_MAP_READABLE : 0) |
	       (flags & VFIO_DMA_MAP_FLAG_WRITE ? IOAS_MAP_WRITEABLE : 0);
}

/* A BAR is mapped by a dma-buf, which lives as long as the area. Return: an fd, or -errno */
static int bar_fd(const struct lab_mem *mem)
{
	struct feature_dma_buf feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_GET | FEATURE_DMA_BUF,
		.region_index = VFIO_PCI_BAR0_REGION_INDEX,
		.open_flags = O_RDWR | O_CLOEXEC,
		.nr_ranges = 1,
		.length = mem->size,
	};
	int fd = ioctl(mem->fd, VFIO_DEVICE_FEATURE, &feature);

	return fd < 0 ? -errno : fd;
}

int lab_map_ioas(const struct lab_container *c, const struct lab_mem *mem,
		 const struct lab_range *r, bool file)
{
	struct ioas_map map = {
		.size = sizeof(map),
		.flags = prot_flags(r->prot),
		.ioas_id = c->ioas,
		.user_va = r->vaddr,
		.length = r->size,
		.iova = r->iova,
	};
	struct ioas_map_file map_file = {
		.size = sizeof(map_file),
		.flags = prot_flags(r->prot),
		.ioas_id = c->ioas,
		.fd = mem->fd,
		.start = r->off,
		.length = r->size,
		.iova = r->iova,
	};

	int err;

	if (!file)
		return ioctl(c->fd, IOAS_MAP, &map) ? -errno : 0;
	if (mem->bar)
		map_file.fd = bar_fd(mem);
	if (map_file.fd < 0)
		return map_file.fd;
	err = ioctl(c->fd, IOAS_MAP_FILE, &map_file) ? -errno : 0;
	if (mem->bar)
		close(map_file.fd);
	return err;
}

int lab_unmap_ioas(const struct lab_container *c, uint64_t iova, uint64_t *size)
{
	struct ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = c->ioas, .iova = iova, .length = *size
	};

	if (ioctl(c->fd, IOAS_UNMAP, &unmap))
		return -errno;
	*size = unmap.length;
	return 0;
}

/* copy:FROM:IOVA:SIZE:TO: what another ioas has at IOVA, at TO in the current one */
int op_copy(struct op *op)
{
	struct lab_container *c = current_ioas(op), *from = NULL;
	struct ioas_copy copy = { .size = sizeof(copy) };
	struct lab_range *r, new;
	const char *name;
	int i, err;

	if (!c)
		return -EINVAL;
	err = op_name(op, "the name of an ioas", &name);
	if (!err)
		err = op_number(op, "an iova", &copy.src_iova);
	if (!err)
		err = op_number(op, "a size", &copy.length);
	if (!err)
		err = op_number(op, "an iova", &copy.dst_iova);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	from = lab_find_container(op->lab, name);
	r = from ? lab_range_at(op->lab, from - op->lab->p.containers, copy.src_iova) : NULL;
	if (!r)
		return op_usage(op, "there is no such range");
	for (i = 0; i < LAB_MAX_RANGES && op->lab->shared->ranges[i].used; i++)
		;
	if (i == LAB_MAX_RANGES)
		return op_usage(op, "there are too many ranges");
	copy.flags = prot_flags(r->prot);
	copy.src_ioas_id = from->ioas;
	copy.dst_ioas_id = c->ioas;
	err = op_expect(op, "IOAS_COPY", ioctl(c->fd, IOAS_COPY, &copy) ? -errno : 0);
	if (err)
		return err < 0 ? err : 0;
	new = *r;
	new.container = c - op->lab->p.containers;
	new.off += copy.src_iova - r->iova;
	new.vaddr += copy.src_iova - r->iova;
	new.iova = copy.dst_iova;
	new.size = copy.length;
	op->lab->shared->ranges[i] = new;
	op_say(op, "iova %#llx size %#llx", (unsigned long long)new.iova,
	       (unsigned long long)new.size);
	return 0;
}

int op_change(struct op *op)
{
	struct lab_container *c = current_ioas(op);
	struct ioas_change_process change = { .size = sizeof(change) };
	int err;

	if (!c || op_end(op))
		return -EINVAL;
	err = ioctl(c->fd, IOAS_CHANGE_PROCESS, &change) ? -errno : 0;
	err = op_expect(op, "IOAS_CHANGE_PROCESS", err);
	if (err)
		return err < 0 ? err : 0;
	op_say(op, "the context's memory is this process's");
	return 0;
}

/* A device has one file under vfio-dev, whose name is that of its node. */
static int open_cdev(const struct lab_device *dev)
{
	char path[PATH_MAX + 32];
	struct dirent *de;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/vfio-dev",
		 dev->testdev ? "platform" : "pci", dev->name);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((de = readdir(dir)) && de->d_name[0] == '.')
		;
	if (!de) {
		closedir(dir);
		return -ENODEV;
	}
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", de->d_name);
	closedir(dir);
	fd = open(path, O_RDWR);
	return fd < 0 ? -errno : fd;
}

static int attach_ioas(struct op *op, const struct lab_device *dev, const struct lab_container *c)
{
	struct attach_pt pt = { .argsz = sizeof(pt), .pt_id = c->ioas };

	return op_expect(op, "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
			 ioctl(dev->fd, ATTACH_PT, &pt) ? -errno : 0);
}

int lab_bind(struct op *op, const struct lab_container *c, struct lab_device *dev, bool attach)
{
	struct bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = c->fd };
	int err;

	dev->fd = open_cdev(dev);
	if (dev->fd < 0)
		return op_fail(op, "expected to open %s's file, got %s", dev->name,
			       errno_name(-dev->fd));
	err = ioctl(dev->fd, BIND_IOMMUFD, &bind) ? -errno : 0;
	if (err || !attach)
		return op_expect(op, "VFIO_DEVICE_BIND_IOMMUFD", err);
	return attach_ioas(op, dev, c);
}

/* attach:DEV: from where it is, or from nowhere, to the current ioas; leave:DEV: to nowhere */
int op_attach(struct op *op)
{
	bool leave = !strcmp(op->tok[0], "leave");
	struct detach_pt pt = { .argsz = sizeof(pt) };
	struct lab_container *c = current_ioas(op);
	struct lab_device *dev;
	char name[LAB_NAME] = "";
	const char *alias;
	int err;

	if (!c)
		return -EINVAL;
	err = op_name(op, "a device", &alias);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	err = lab_device_name(alias, name);
	dev = err ? NULL : lab_find_device(op->lab, name);
	if (!dev)
		return op_usage(op, "there is no such device");
	if (leave)
		err = op_expect(op, "VFIO_DEVICE_DETACH_IOMMUFD_PT",
				ioctl(dev->fd, DETACH_PT, &pt) ? -errno : 0);
	else
		err = attach_ioas(op, dev, c);
	if (err)
		return err < 0 ? err : 0;
	if (!leave)
		dev->container = c - op->lab->p.containers;
	op_say(op, "%s", name);
	return 0;
}
