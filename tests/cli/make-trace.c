// SPDX-License-Identifier: GPL-2.0-only
/* make-trace KIND FILE: a trace file for the command-line tests, of events that no kernel wrote. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../unit/synth_iommufd.h"
#include "trace/layout.h"
#include "trace/trace.h"

#define QEMU 100
#define INO  42

/* An update by exec; the callers add what goes wrong. */
static struct synth *begin_update(__u64 *c)
{
	struct synth *s = synth_new();

	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_map(s, *c, 0, 2 * MIB, INO, 0);
	synth_map(s, *c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_pin(s, *c, 0, 4, 0);
	synth_unpin(s, *c, 0, 4);
	synth_wait(s, MS);
	synth_invalidate_all(s, *c);
	synth_wait(s, 20 * MS);
	synth_exec(s);
	synth_wait(s, 30 * MS);
	synth_remap(s, *c, 0, 2 * MIB, INO, 0);
	return s;
}

static struct synth *pass(void)
{
	__u64 c;
	struct synth *s = begin_update(&c);

	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_release(s, c);
	return s;
}

static struct synth *violated(void)
{
	__u64 c;
	struct synth *s = begin_update(&c);

	synth_remap(s, c, 4 * MIB, MIB, INO + 1, 2 * MIB);
	synth_release(s, c);
	return s;
}

/* It knows what time it was. */
static struct synth *clocked(void)
{
	struct synth *s = pass();

	s->realtime_offset_ns = 1700000000 * (__s64)SEC;
	synth_wait(s, SEC);
	return s;
}

/* Two updates of a guest, by a file that is passed on: one that goes well, and one that is abandoned. */
static struct synth *guest(void)
{
	const __u64 vm = 0xffff888200000000ULL, device = 0xffff888300000000ULL;
	struct synth *s = synth_new();
	__u64 c;

	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	synth_device(s, device, c, 7, "0000:00:05.0");
	synth_vcpu_run(s, vm, 0);
	for (__u32 i = 1; i < 3; i++) {
		synth_as(s, QEMU + i);
		synth_passed(s, c, RS_PASSED_CONTAINER, 0, QEMU + i - 1);
		synth_devop(s, device, c, VFIO_DEVICE_GET_INFO);
		synth_wait(s, 50 * MS);
		synth_as(s, QEMU + i - 1);
		synth_vcpu_stop(s, vm + i - 1, 0);
		synth_wait(s, 5 * MS);
		synth_invalidate_all(s, c);
		synth_as(s, QEMU + i);
		synth_wait(s, 20 * MS);
		if (i == 2)
			break;
		synth_remap(s, c, 0, 2 * MIB, INO, 0);
		s->twist.ret = -EIO;
		synth_devop(s, device, c, VFIO_DEVICE_RESET);
		synth_irq(s, RS_IRQ_TRIGGER, device, 0, 0xffff888400000000ULL);
		synth_vcpu_run(s, vm + i, 0);
		synth_wait(s, SEC);
	}
	synth_exit(s, 1);
	synth_as(s, QEMU + 1);
	synth_vcpu_run(s, vm + 1, 0);
	synth_wait(s, SEC);
	return s;
}

/* A guest whose memory is iommufd's: an update by exec that goes well, and one to a process that forgets the areas. */
static struct synth *iommufd(void)
{
	const __u64 vm = 0xffff888200000000ULL, nic = 0xffff888300000000ULL;
	struct synth *s = synth_new();
	__u32 ioas, other;
	__u64 x;

	synth_as(s, QEMU);
	x = synth_iommufd(s);
	ioas = synth_ioas(s, x);
	other = synth_ioas(s, x);
	synth_ioas_attach(s, x, ioas, nic, false);
	synth_ioas_attach(s, x, other, nic + 0x1000, true);
	synth_ioas_map_file(s, x, ioas, 0, 2 * MIB, INO, 0);
	synth_ioas_copy(s, x, other, 16 * MIB, ioas, 0);
	synth_ioas_map(s, x, ioas, 8 * MIB, MIB);
	synth_vcpu_run(s, vm, 0);
	synth_wait(s, SEC);
	synth_change_process(s, x);
	synth_ioas_unmap(s, x, ioas, 8 * MIB);
	synth_vcpu_stop(s, vm, 0);
	synth_change_process(s, x);
	synth_wait(s, 5 * MS);
	synth_exec(s);
	synth_access_pin(s, x, nic + 0x1000, 16 * MIB, 4, 1);
	synth_access_rw(s, x, nic + 0x1000, 32 * MIB, 64, false);
	synth_wait(s, 20 * MS);
	s->twist.ret = -ENOMEM;
	synth_change_process(s, x);
	synth_change_process(s, x);
	synth_access_unpin(s, x, nic + 0x1000, 16 * MIB, 4);
	synth_vcpu_run(s, vm + 0x100000, 0);
	synth_wait(s, SEC);
	synth_as(s, QEMU + 1);
	synth_passed(s, x, RS_PASSED_CONTAINER, 0, QEMU);
	synth_as(s, QEMU);
	synth_vcpu_stop(s, vm + 0x100000, 0);
	synth_change_process(s, x);
	synth_as(s, QEMU + 1);
	synth_wait(s, 20 * MS);
	synth_vcpu_run(s, vm + 0x200000, 0);
	return s;
}

/* The window's end is not in it. */
static struct synth *unknown(void)
{
	__u64 c;

	return begin_update(&c);
}

/* Eight updates, of which each takes a little longer than the one before. */
static struct synth *updates(__u64 len)
{
	struct synth *s = synth_new();
	__u64 c;

	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	for (__u64 i = 0; i < 8; i++) {
		synth_wait(s, 500 * MS);
		synth_invalidate_all(s, c);
		synth_wait(s, len + i * MS / 10);
		synth_remap(s, c, 0, 2 * MIB, INO, 0);
	}
	synth_release(s, c);
	return s;
}

static struct synth *fast(void)
{
	return updates(20 * MS);
}

static struct synth *slow(void)
{
	return updates(30 * MS);
}

static struct synth *empty(void)
{
	return synth_new();
}

static const struct {
	const char *name;
	struct synth *(*make)(void);
	__u16 major;
} kinds[] = {
	{ "pass", pass, RS_TRACE_MAJOR },	{ "violated", violated, RS_TRACE_MAJOR },
	{ "unknown", unknown, RS_TRACE_MAJOR }, { "empty", empty, RS_TRACE_MAJOR },
	{ "fast", fast, RS_TRACE_MAJOR },	{ "slow", slow, RS_TRACE_MAJOR },
	{ "clocked", clocked, RS_TRACE_MAJOR }, { "guest", guest, RS_TRACE_MAJOR },
	{ "iommufd", iommufd, RS_TRACE_MAJOR }, { "newer", pass, RS_TRACE_MAJOR + 1 },
};

static int write_trace(const char *path, struct synth *s, struct rs_msg *msg)
{
	struct rs_trace_writer *w = NULL;
	json_t *meta = synth_meta(s), *end = synth_end(s);
	int err = rs_trace_create(path, meta, &w, msg);

	for (size_t i = 0; i < s->nr && !err; i++)
		err = rs_trace_write(w, s->rec[i].ev, msg);
	if (w && !err)
		err = rs_trace_finish(w, end, msg);
	else
		rs_trace_discard(w);
	json_decref(meta);
	json_decref(end);
	return err;
}

/* Makes the file one of another major version, with a checksum that is right. */
static int set_major(const char *path, __u16 major, struct rs_msg *msg)
{
	struct rs_trace_head head;
	int fd = open(path, O_RDWR), err = 0;

	if (fd < 0)
		return rs_msg_set(msg, -errno, "%s: %s", path, strerror(errno));
	if (pread(fd, &head, sizeof(head), 0) == sizeof(head)) {
		head.major = major;
		head.crc = rs_trace_head_crc(head, NULL, 0);
	}
	if (pwrite(fd, &head, sizeof(head), 0) != sizeof(head))
		err = rs_msg_set(msg, -EIO, "%s: cannot be changed", path);
	close(fd);
	return err;
}

int main(int argc, char **argv)
{
	struct rs_msg msg = { "" };

	for (size_t i = 0; argc == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct synth *s;
		int err;

		if (strcmp(kinds[i].name, argv[1]))
			continue;
		s = kinds[i].make();
		err = write_trace(argv[2], s, &msg);
		synth_free(s);
		if (!err && kinds[i].major != RS_TRACE_MAJOR)
			err = set_major(argv[2], kinds[i].major, &msg);
		if (err)
			fprintf(stderr, "make-trace: %s\n", msg.text);
		return err ? 1 : 0;
	}
	fprintf(stderr, "usage: make-trace pass|violated|unknown|empty|fast|slow|newer FILE\n");
	return 2;
}
