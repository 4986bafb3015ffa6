// SPDX-License-Identifier: GPL-2.0-only
/* Containers, groups and devices. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "lab.h"

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8
#define MAX_EDU	   16

struct lab_container *lab_find_container(struct lab *lab, const char *name)
{
	int i;

	for (i = 0; i < LAB_MAX_CONTAINERS; i++) {
		struct lab_container *c = &lab->p.containers[i];

		if (c->used && !strcmp(c->name, name))
			return c;
	}
	return NULL;
}

/* The current container; says so when there is none. */
struct lab_container *lab_current(struct op *op)
{
	int i = op->lab->p.current;

	if (i >= 0 && op->lab->p.containers[i].used)
		return &op->lab->p.containers[i];
	op_usage(op, "there is no container");
	return NULL;
}

struct lab_device *lab_find_device(struct lab *lab, const char *name)
{
	int i;

	for (i = 0; i < LAB_MAX_DEVICES; i++) {
		if (lab->p.devices[i].used && !strcmp(lab->p.devices[i].name, name))
			return &lab->p.devices[i];
	}
	return NULL;
}

/* A new place for one, without a file yet, by the name that the operation has left for it (A). */
int lab_new_container(struct op *op, struct lab_container **new)
{
	const char *name = op_word(op);
	struct lab *lab = op->lab;
	struct lab_container *c;
	uint32_t i;
	int err;

	if (!name)
		name = "A";
	err = op_end(op);
	if (err)
		return err;
	if (strlen(name) >= LAB_NAME || lab_find_container(lab, name))
		return op_usage(op, "the name is too long, or taken");
	/* The number is the family's, so that nobody's ranges are taken for another's. */
	i = __atomic_fetch_add(&lab->shared->ncontainers, 1, __ATOMIC_SEQ_CST);
	if (i >= LAB_MAX_CONTAINERS)
		return op_usage(op, "there are too many containers");
	c = &lab->p.containers[i];
	memset(c, 0, sizeof(*c));
	strcpy(c->name, name);
	*new = c;
	return 0;
}

int op_container(struct op *op)
{
	bool v1 = op_flag(op, "v1");
	struct lab *lab = op->lab;
	struct lab_container *c;
	int err;

	err = lab_new_container(op, &c);
	if (err)
		return err;
	c->fd = open("/dev/vfio/vfio", O_RDWR);
	if (c->fd < 0)
		return op_fail(op, "expected to open /dev/vfio/vfio, got %s", errno_name(errno));
	if (ioctl(c->fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION) {
		close(c->fd);
		return op_fail(op, "expected the VFIO API's version 0, got another");
	}
	c->used = true;
	c->v1 = v1;
	lab->p.current = c - lab->p.containers;
	op_say(op, "fd %d", c->fd);
	return 0;
}

int op_use(struct op *op)
{
	struct lab_container *c;
	const char *name;
	int err;

	err = op_name(op, "the name of a container", &name);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	c = lab_find_container(op->lab, name);
	if (!c)
		return op_usage(op, "there is no container '%s'", name);
	op->lab->p.current = c - op->lab->p.containers;
	return 0;
}

static int read_hex(const char *bdf, const char *file, unsigned long *val)
{
	char path[PATH_MAX], text[32];
	int fd, n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	*val = strtoul(text, NULL, 16);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The n-th edu device that vfio-pci has. */
static int find_edu(unsigned int n, char *name)
{
	char found[MAX_EDU][LAB_NAME];
	unsigned long vendor, device;
	unsigned int count = 0;
	struct dirent *de;
	DIR *dir;

	dir = opendir("/sys/bus/pci/drivers/vfio-pci");
	if (!dir)
		return -errno;
	while ((de = readdir(dir)) && count < MAX_EDU) {
		if (strlen(de->d_name) != 12 || read_hex(de->d_name, "vendor", &vendor) ||
		    read_hex(de->d_name, "device", &device))
			continue;
		if (vendor == EDU_VENDOR && device == EDU_DEVICE)
			snprintf(found[count++], LAB_NAME, "%.12s", de->d_name);
	}
	closedir(dir);
	if (n >= count)
		return -ENODEV;
	qsort(found, count, sizeof(found[0]), by_name);
	strcpy(name, found[n]);
	return 0;
}

/* The test device without a dma_unmap callback is the one after the others. */
static int find_testdev_nocb(char *name)
{
	unsigned int n;
	FILE *f;
	int got;

	f = fopen("/sys/module/rs_testdev/parameters/count", "re");
	if (!f)
		return -errno;
	got = fscanf(f, "%u", &n);
	fclose(f);
	if (got != 1)
		return -EIO;
	snprintf(name, LAB_NAME, "rs_testdev.%u", n);
	return 0;
}

/* edu0 and testdev0 are short for what the kernel calls them. */
int lab_device_name(const char *alias, char *name)
{
	unsigned int n;
	int end = 0;

	if (sscanf(alias, "edu%u%n", &n, &end) == 1 && !alias[end])
		return find_edu(n, name);
	if (!strcmp(alias, "testdevnocb"))
		return find_testdev_nocb(name);
	if (sscanf(alias, "testdev%u%n", &n, &end) == 1 && !alias[end])
		snprintf(name, LAB_NAME, "rs_testdev.%u", n);
	else
		snprintf(name, LAB_NAME, "%s", alias);
	return 0;
}

static int group_number(const struct lab_device *dev, unsigned int *group)
{
	char path[PATH_MAX], link[PATH_MAX], *base;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/iommu_group",
		 dev->testdev ? "platform" : "pci", dev->name);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return -errno;
	link[n] = '\0';
	base = strrchr(link, '/');
	return base && sscanf(base + 1, "%u", group) == 1 ? 0 : -EIO;
}

static int open_group(struct lab_device *dev)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[64];
	unsigned int n;
	int err;

	err = group_number(dev, &n);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/dev/vfio/%u", n);
	dev->group_fd = open(path, O_RDWR);
	if (dev->group_fd < 0)
		return -errno;
	if (ioctl(dev->group_fd, VFIO_GROUP_GET_STATUS, &status))
		return -errno;
	return status.flags & VFIO_GROUP_FLAGS_VIABLE ? 0 : -EPERM;
}

int lab_device_map_bar(struct lab_device *dev)
{
	dev->bar = NULL;
	if (!dev->bar_size)
		return 0;
	dev->bar = mmap(NULL, dev->bar_size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
			dev->bar_off);
	if (dev->bar == MAP_FAILED) {
		dev->bar = NULL;
		return -errno;
	}
	return 0;
}

static int get_region(int fd, unsigned int index, struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
}

static int setup_pci(struct lab_device *dev)
{
	struct vfio_region_info info;
	uint16_t command;
	int err;

	err = get_region(dev->fd, VFIO_PCI_CONFIG_REGION_INDEX, &info);
	if (err)
		return err;
	if (pread(dev->fd, &command, 2, info.offset + PCI_COMMAND) != 2)
		return -EIO;
	command |= PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;
	if (pwrite(dev->fd, &command, 2, info.offset + PCI_COMMAND) != 2)
		return -EIO;

	err = get_region(dev->fd, VFIO_PCI_BAR0_REGION_INDEX, &info);
	if (err)
		return err;
	if (!(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return 0;
	dev->bar_off = info.offset;
	dev->bar_size = info.size;
	return lab_device_map_bar(dev);
}

static void close_device(struct lab_device *dev)
{
	if (dev->bar)
		munmap(dev->bar, dev->bar_size);
	if (dev->fd >= 0)
		close(dev->fd);
	if (dev->group_fd >= 0)
		close(dev->group_fd);
	if (dev->irq_fd >= 0)
		close(dev->irq_fd);
	memset(dev, 0, sizeof(*dev));
	dev->irq_fd = -1;
	dev->fd = -1;
	dev->group_fd = -1;
}

static int set_iommu(struct op *op, struct lab_container *c)
{
	uint32_t *set = &op->lab->shared->iommu_set[c - op->lab->p.containers];

	if (*set)
		return 0;
	if (ioctl(c->fd, VFIO_SET_IOMMU, c->v1 ? VFIO_TYPE1_IOMMU : VFIO_TYPE1v2_IOMMU))
		return op_fail(op, "expected VFIO_SET_IOMMU to succeed, got %s", errno_name(errno));
	*set = 1;
	return 0;
}

static int attach(struct op *op, struct lab_container *c, struct lab_device *dev)
{
	int err;

	err = open_group(dev);
	if (err)
		return op_fail(op, "expected a viable group of %s, got %s", dev->name,
			       errno_name(-err));
	err = ioctl(dev->group_fd, VFIO_GROUP_SET_CONTAINER, &c->fd) ? -errno : 0;
	err = op_expect(op, "VFIO_GROUP_SET_CONTAINER", err);
	if (err)
		return err;
	err = set_iommu(op, c);
	if (err)
		return err;
	dev->fd = ioctl(dev->group_fd, VFIO_GROUP_GET_DEVICE_FD, dev->name);
	if (dev->fd < 0)
		return op_fail(op, "expected an fd of %s, got %s", dev->name, errno_name(errno));
	/* vfio gives it close-on-exec, and an exec must find it. */
	fcntl(dev->fd, F_SETFD, 0);
	return 0;
}

/* group:DEV by its group; bind:DEV[:only] by its own file, for which only an iommufd context will do */
int op_group(struct op *op)
{
	bool bind = !strcmp(op->tok[0], "bind"), only = bind && op_flag(op, "only");
	struct lab *lab = op->lab;
	struct lab_container *c = lab_current(op);
	struct lab_device *dev;
	const char *alias;
	int i, err;

	if (!c)
		return -EINVAL;
	if (bind == !c->ioas)
		return op_usage(op, "the container is of the other kind");
	err = op_name(op, "a device", &alias);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	for (i = 0; i < LAB_MAX_DEVICES && lab->p.devices[i].used; i++)
		;
	if (i == LAB_MAX_DEVICES)
		return op_usage(op, "there are too many devices");
	dev = &lab->p.devices[i];
	memset(dev, 0, sizeof(*dev));
	dev->irq_fd = -1;
	dev->fd = -1;
	dev->group_fd = -1;
	err = lab_device_name(alias, dev->name);
	if (err)
		return op_fail(op, "expected a device bound to vfio-pci, got %s", errno_name(-err));
	dev->testdev = !strncmp(dev->name, "rs_testdev.", 11);
	dev->container = c - lab->p.containers;
	err = bind ? lab_bind(op, c, dev, !only) : attach(op, c, dev);
	if (!err && !dev->testdev) {
		err = setup_pci(dev);
		if (err)
			err = op_fail(op, "expected the device's registers, got %s",
				      errno_name(-err));
	}
	if (err) {
		close_device(dev);
		return err < 0 ? err : 0;
	}
	dev->used = true;
	op_say(op, "%s, fd %d, %#llx bytes of registers", dev->name, dev->fd,
	       (unsigned long long)dev->bar_size);
	return 0;
}

/* The device's group leaves its container with the group's last fd. */
int op_detach(struct op *op)
{
	char name[LAB_NAME] = "";
	struct lab_device *dev;
	const char *alias;
	int err;

	err = op_name(op, "a device", &alias);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	err = lab_device_name(alias, name);
	dev = err ? NULL : lab_find_device(op->lab, name);
	if (!dev)
		return op_usage(op, "there is no such device");
	close_device(dev);
	op_say(op, "%s", name);
	return 0;
}

/* The container an operation is about: the one it names, else the current one. */
static struct lab_container *named_container(struct op *op)
{
	const char *name = op_word(op);
	struct lab_container *c;

	if (op_end(op))
		return NULL;
	if (!name)
		return lab_current(op);
	c = lab_find_container(op->lab, name);
	if (!c)
		op_usage(op, "there is no container '%s'", name);
	return c;
}

int op_close(struct op *op)
{
	struct lab_container *c = named_container(op);
	struct lab *lab = op->lab;
	int i;

	if (!c)
		return -EINVAL;
	for (i = 0; i < LAB_MAX_DEVICES; i++) {
		if (lab->p.devices[i].used && lab->p.devices[i].container == c - lab->p.containers)
			close_device(&lab->p.devices[i]);
	}
	if (close(c->fd))
		return op_fail(op, "expected close to succeed, got %s", errno_name(errno));
	c->used = false;
	op_say(op, "closed");
	return 0;
}

int op_cloexec(struct op *op)
{
	struct lab_container *c = named_container(op);
	struct lab *lab = op->lab;
	int i;

	if (!c)
		return -EINVAL;
	for (i = 0; i < LAB_MAX_DEVICES; i++) {
		struct lab_device *dev = &lab->p.devices[i];

		if (!dev->used || dev->container != c - lab->p.containers)
			continue;
		if (fcntl(dev->fd, F_SETFD, FD_CLOEXEC) ||
		    (dev->group_fd >= 0 && fcntl(dev->group_fd, F_SETFD, FD_CLOEXEC)))
			return op_fail(op, "expected fcntl to succeed, got %s", errno_name(errno));
	}
	if (fcntl(c->fd, F_SETFD, FD_CLOEXEC))
		return op_fail(op, "expected fcntl to succeed, got %s", errno_name(errno));
	op_say(op, "the next exec lets the container go");
	return 0;
}

int op_extension(struct op *op)
{
	struct lab_container *c = lab_current(op);
	uint64_t expected;
	int err, got;

	if (!c)
		return -EINVAL;
	err = op_number(op, "the value expected", &expected);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	got = ioctl(c->fd, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR);
	if (got < 0)
		return op_fail(op, "expected %d for VFIO_UPDATE_VADDR, got %s", (int)expected,
			       errno_name(errno));
	if (got != (int)expected)
		return op_fail(op, "expected %d for VFIO_UPDATE_VADDR, got %d", (int)expected, got);
	op_say(op, "VFIO_UPDATE_VADDR is %d", got);
	return 0;
}

#define PARAMETERS "/sys/module/vfio_iommu_type1/parameters/"

static int set_parameter(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), n = strlen(value), err;

	if (fd < 0)
		return -errno;
	err = write(fd, value, n) == n ? 0 : -errno;
	close(fd);
	return err;
}

int op_requests(struct op *op)
{
	const char *policy = op_word(op);
	uint64_t ms = 0;
	char text[24];
	bool given;
	int err;

	if (!policy)
		return op_usage(op, "expected refuse, block or file");
	err = op_key_number(op, "ms", &ms, &given);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	err = set_parameter(PARAMETERS "remap_requests", policy);
	if (!err && given) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)ms);
		err = set_parameter(PARAMETERS "remap_block_ms", text);
	}
	err = op_expect(op, "the kernel's parameter", err);
	if (err)
		return err < 0 ? err : 0;
	op_say(op, "requests on invalid ranges: %s", policy);
	return 0;
}
