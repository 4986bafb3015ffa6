// SPDX-License-Identifier: GPL-2.0-only
/* The test device: pins, copies, and the faults its module puts into the kernel. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lab.h"
#include "../module/rs_testdev.h"

#define INJECT_FILE "/sys/kernel/debug/rs_testdev/inject"
#define MAX_RW	    (1u << 20)

int testdev_pin(struct lab *lab, const struct lab_device *dev, struct rs_testdev_pin *arg)
{
	int err = ioctl(dev->fd, RS_TESTDEV_PIN, arg) ? -errno : 0;

	lab_count(lab, LAB_CALL_PIN, err);
	return err;
}

int testdev_unpin(struct lab *lab, const struct lab_device *dev, struct rs_testdev_pin *arg)
{
	int err = ioctl(dev->fd, RS_TESTDEV_UNPIN, arg) ? -errno : 0;

	lab_count(lab, LAB_CALL_UNPIN, err);
	return err;
}

int testdev_rw(struct lab *lab, const struct lab_device *dev, struct rs_testdev_rw *arg)
{
	int err = ioctl(dev->fd, RS_TESTDEV_RW, arg) ? -errno : 0;

	lab_count(lab, arg->flags & RS_TESTDEV_WRITE ? LAB_CALL_WRITE : LAB_CALL_READ, err);
	return err;
}

static int pick_device(struct op *op, struct lab_device **dev)
{
	const char *alias = op_key(op, "dev");
	struct lab *lab = op->lab;
	char name[LAB_NAME];
	int i;

	*dev = NULL;
	if (alias && !lab_device_name(alias, name))
		*dev = lab_find_device(lab, name);
	for (i = 0; i < LAB_MAX_DEVICES && !alias && !*dev; i++) {
		struct lab_device *d = &lab->p.devices[i];

		if (d->used && d->testdev && d->container == lab->p.current)
			*dev = d;
	}
	if (!*dev || !(*dev)->testdev)
		return op_usage(op, "there is no test device in the container");
	return 0;
}

static int do_pin(struct op *op, bool pin)
{
	struct rs_testdev_pin arg = { .argsz = sizeof(arg) };
	struct lab_device *dev;
	uint64_t npages;
	int err;

	err = pick_device(op, &dev);
	if (!err)
		err = op_number(op, "an iova", (uint64_t *)&arg.iova);
	if (!err)
		err = op_number(op, "a number of pages", &npages);
	if (err)
		return err;
	if (op_flag(op, "worker"))
		arg.flags |= RS_TESTDEV_WORKER;
	if (pin && op_flag(op, "write"))
		arg.flags |= RS_TESTDEV_WRITE;
	if (pin && op_flag(op, "forget"))
		arg.flags |= RS_TESTDEV_FORGET;
	if (!pin && op_flag(op, "raw"))
		arg.flags |= RS_TESTDEV_RAW;
	err = op_end(op);
	if (err)
		return err;
	arg.npages = npages;
	err = pin ? testdev_pin(op->lab, dev, &arg) : testdev_unpin(op->lab, dev, &arg);
	err = op_expect(op, pin ? "vfio_pin_pages" : "vfio_unpin_pages", err);
	if (err)
		return err < 0 ? err : 0;
	if (pin && arg.result != (int32_t)npages)
		return op_fail(op, "expected %llu pages, got %d", (unsigned long long)npages,
			       arg.result);
	if (pin)
		op_say(op, "%d pages, the first is pfn %#llx", arg.result,
		       (unsigned long long)arg.pfn);
	else
		op_say(op, "%d pages", arg.result);
	return 0;
}

int op_pin(struct op *op)
{
	return do_pin(op, true);
}

int op_unpin(struct op *op)
{
	return do_pin(op, false);
}

/* The CPU's view of the memory behind an iova. */
static int cpu_view(struct op *op, struct lab_device *dev, uint64_t iova, uint64_t len,
		    struct lab_mem **mem, void **map, uint64_t *off)
{
	struct lab_range *r = lab_range_at(op->lab, dev->container, iova);
	int err;

	if (!r || len > r->size - (iova - r->iova))
		return op_usage(op, "this is not within one range");
	*mem = &op->lab->p.mems[r->mem];
	*off = r->off + (iova - r->iova);
	err = mem_map_rw(*mem, map);
	return err ? op_fail(op, "expected to map the memory, got %s", errno_name(-err)) : 0;
}

static int compare(struct op *op, const uint8_t *expected, const uint8_t *got, uint64_t iova,
		   uint64_t len)
{
	uint64_t i;

	for (i = 0; i < len; i++) {
		if (expected[i] != got[i])
			return op_fail(op, "expected %02x at iova %#llx, got %02x", expected[i],
				       (unsigned long long)(iova + i), got[i]);
	}
	op_say(op, "%llu bytes are right", (unsigned long long)len);
	return 0;
}

static int rw_and_compare(struct op *op, struct lab_device *dev, struct rs_testdev_rw *arg,
			  bool any)
{
	bool write = arg->flags & RS_TESTDEV_WRITE;
	uint8_t *buf = (uint8_t *)(uintptr_t)arg->data;
	struct lab_mem *mem = NULL;
	uint64_t off = 0;
	void *map = NULL;
	uint32_t i;
	int err;

	if (write) {
		for (i = 0; i < arg->len; i++)
			buf[i] = 0xa5 ^ i ^ i >> 8;
	}
	err = testdev_rw(op->lab, dev, arg);
	err = op_expect(op, write ? "a write by vfio_dma_rw" : "a read by vfio_dma_rw", err);
	if (err || any)
		return err < 0 ? err : 0;
	err = cpu_view(op, dev, arg->iova, arg->len, &mem, &map, &off);
	if (err)
		return err;
	if (write)
		err = compare(op, buf, (uint8_t *)map + off, arg->iova, arg->len);
	else
		err = compare(op, (uint8_t *)map + off, buf, arg->iova, arg->len);
	if (write) {
		uint64_t start = off & ~7ull;

		pattern_fill(mem, (uint8_t *)map + start, start,
			     (off + arg->len + 7 - start) & ~7ull);
	}
	mem_unmap_rw(mem, map);
	return err;
}

static int do_rw(struct op *op, uint32_t flags)
{
	struct rs_testdev_rw arg = { .argsz = sizeof(arg), .flags = flags };
	struct lab_device *dev;
	uint64_t len;
	void *buf;
	bool any;
	int err;

	err = pick_device(op, &dev);
	if (!err)
		err = op_number(op, "an iova", (uint64_t *)&arg.iova);
	if (!err)
		err = op_number(op, "a length", &len);
	if (err)
		return err;
	if (op_flag(op, "worker"))
		arg.flags |= RS_TESTDEV_WORKER;
	any = op_flag(op, "any");
	err = op_end(op);
	if (err)
		return err;
	if (len > MAX_RW)
		return op_usage(op, "the length is at most 1M");
	buf = calloc(1, len + 1);
	if (!buf)
		return -ENOMEM;
	arg.len = len;
	arg.data = (uintptr_t)buf;
	err = rw_and_compare(op, dev, &arg, any);
	free(buf);
	return err;
}

int op_read(struct op *op)
{
	return do_rw(op, 0);
}

int op_write(struct op *op)
{
	return do_rw(op, RS_TESTDEV_WRITE);
}

/* inject:WORD[:ARGUMENT...], the words of the module's file; edu0 and the like are resolved. */
int op_inject(struct op *op)
{
	char line[256] = "", name[LAB_NAME];
	const char *word;
	int fd, n, err;

	while ((word = op_word(op))) {
		err = lab_device_name(word, name);
		if (err)
			return op_fail(op, "expected a device, got %s", errno_name(-err));
		n = strlen(line);
		snprintf(line + n, sizeof(line) - n, "%s%s", n ? " " : "", name);
	}
	err = op_end(op);
	if (err)
		return err;
	fd = open(INJECT_FILE, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return op_fail(op, "expected the test device's module, got %s", errno_name(errno));
	n = strlen(line);
	err = write(fd, line, n) == n ? 0 : -errno;
	close(fd);
	err = op_expect(op, "the injection", err);
	if (err)
		return err < 0 ? err : 0;
	op_say(op, "%s", line);
	return 0;
}
