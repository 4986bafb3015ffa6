// SPDX-License-Identifier: GPL-2.0-only
/* One line for each type of event, and records shorter or longer than those we know. */
#include <stdlib.h>

#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "describe_event.h"

static void processes(void **state)
{
	struct rs_ev_proc proc = { HEAD(RS_EV_PROC, proc), .ppid = 1, .comm = "qemu" };
	struct rs_ev_fork fork = { HEAD(RS_EV_FORK, fork), .child_tgid = 8, .child_mm = 0x20 };
	struct rs_ev_exec exec = { HEAD(RS_EV_EXEC, exec), .old_mm = 0x20, .comm = "lab-client" };
	struct rs_ev_exit exit = { HEAD(RS_EV_EXIT, exit), .old_mm = 0x20, .status = 3 << 8 };

	(void)state;
	says(&proc, "process \"qemu\", parent 1");
	/* A full name has no NUL. */
	memcpy(proc.comm, "sixteen-letters!", RS_COMM_LEN);
	says(&proc, "process \"sixteen-letters!\", parent 1");

	says(&fork, "fork, child 8");
	fork.child_mm = 0x10;
	says(&fork, "fork, child 8 in the same mm");

	says(&exec, "exec \"lab-client\", old mm gone");
	exec.old_mm_users = 2;
	says(&exec, "exec \"lab-client\", old mm still used by 2");
	exec.old_mm = 0;
	says(&exec, "exec \"lab-client\"");

	says(&exit, "exit, exit status 3, old mm gone");
	exit.status = 9;
	exit.old_mm_users = 1;
	says(&exit, "exit, killed by SIGKILL, old mm still used by 1");
	exit.status = 60;
	exit.old_mm = 0;
	says(&exit, "exit, killed by signal 60");
}

static void containers(void **state)
{
	struct rs_ev_open open = { HEAD(RS_EV_OPEN, open), .iommu_type = VFIO_TYPE1v2_IOMMU };
	struct rs_ev_release release = { HEAD(RS_EV_RELEASE, release) };
	struct rs_ev_group group = { HEAD(RS_EV_ATTACH, group), .group_id = 3, .group_type = 1 };
	struct rs_ev_ioctl ioctl = { HEAD(RS_EV_IOCTL, ioctl), .cmd = VFIO_IOMMU_GET_INFO };

	(void)state;
	says(&open, "container opened, type1v2");
	open.iommu_type = VFIO_TYPE1_IOMMU;
	open.op.ret = -EINVAL;
	says(&open, "container opened, type1 -> -EINVAL");
	open.iommu_type = 99;
	open.op.ret = 0;
	says(&open, "container opened, iommu type 99");
	open.op.kind = RS_CONTAINER_IOMMUFD;
	says(&open, "context opened, iommufd");

	says(&release, "container released");
	release.op.invalid_before = 1;
	release.h.flags = RS_EVF_EXITING;
	says(&release, "container released with 1 range invalid by an exit");

	says(&group, "attach group 3 (emulated) -> 0");
	group.op.ret = -EBUSY;
	group.group_type = 0;
	group.op.invalid_before = group.op.invalid_after = 7;
	says(&group, "attach group 3 -> -EBUSY, 7 ranges invalid");
	group.group_type = 17;
	says(&group, "attach group 3 -> -EBUSY, 7 ranges invalid");
	group.h.type = RS_EV_DETACH;
	group.op.invalid_before = group.op.invalid_after = 0;
	says(&group, "detach group 3");

	says(&ioctl, "VFIO_IOMMU_GET_INFO -> 0");
	ioctl.cmd = VFIO_CHECK_EXTENSION;
	ioctl.op.ret = 1;
	says(&ioctl, "VFIO_CHECK_EXTENSION -> 1");
	ioctl.cmd = 0x3bff;
	ioctl.op.ret = -ENOTTY;
	says(&ioctl, "ioctl 0x3bff -> -ENOTTY");
	ioctl.op.ret = -524;
	says(&ioctl, "ioctl 0x3bff -> -ENOTSUPP");
	ioctl.op.ret = -4000;
	says(&ioctl, "ioctl 0x3bff -> -E4000");
}

static void maps(void **state)
{
	struct rs_ev_map map = { HEAD(RS_EV_MAP, map), .iova = { 0x100000 }, .size = 2 << 20,
				 .vaddr = { 0x7f0000000000 }, .uflags = 3 };

	(void)state;
	says(&map, "MAP_DMA(READ|WRITE) iova 0x100000 size 2 MiB vaddr 0x7f0000000000 -> 0");
	map.uflags = VFIO_DMA_MAP_FLAG_VADDR;
	map.op.ret = -EINVAL;
	says(&map, "MAP_DMA(VADDR) iova 0x100000 size 2 MiB vaddr 0x7f0000000000 -> -EINVAL");
	map.uflags = 0x104;
	says(&map, "MAP_DMA(VADDR|0x100) iova 0x100000 size 2 MiB vaddr 0x7f0000000000 -> -EINVAL");

	map.uflags = VFIO_DMA_MAP_FLAG_VADDR;
	map.old_iova.v = 0x100000;
	map.old_size = 2 << 20;
	map.old_vaddr.v = 0x7e0000000000;
	map.op.ret = 0;
	map.op.invalid_before = 2;
	map.op.invalid_after = 1;
	says(&map, "MAP_DMA(VADDR) iova 0x100000 size 2 MiB vaddr 0x7f0000000000 "
		   "(was 0x7e0000000000) -> 0, 1 range invalid (was 2)");
	map.old_size = 4 << 20;
	map.op.ret = -EINVAL;
	map.op.invalid_after = 2;
	says(&map, "MAP_DMA(VADDR) iova 0x100000 size 2 MiB vaddr 0x7f0000000000 "
		   "(was 0x7e0000000000) -> -EINVAL, the range is iova 0x100000 size 4 MiB, "
		   "2 ranges invalid");
	map.op.flags = RS_OPF_NO_ARG;
	says(&map, "MAP_DMA with an unreadable argument -> -EINVAL, 2 ranges invalid");
}

static void unmaps(void **state)
{
	struct rs_ev_map unmap = { HEAD(RS_EV_UNMAP, unmap), .uflags = 6, .op.invalid_after = 7 };

	(void)state;
	says(&unmap, "UNMAP_DMA(VADDR|ALL) iova 0x0 size 0 -> 0, 7 ranges invalid (was 0)");
	unmap.size_after = 3ULL << 30;
	says(&unmap, "UNMAP_DMA(VADDR|ALL) iova 0x0 size 0 -> 0 (3 GiB), 7 ranges invalid (was 0)");
	unmap.uflags = 0;
	unmap.iova.v = 0x1000;
	unmap.size = unmap.size_after = 0x7ff41000;
	unmap.op.invalid_after = 0;
	says(&unmap, "UNMAP_DMA iova 0x1000 size 0x7ff41000 -> 0");
	unmap.uflags = 1;
	unmap.op.ret = -EBUSY;
	unmap.size_after = 0;
	says(&unmap, "UNMAP_DMA(GET_DIRTY_BITMAP) iova 0x1000 size 0x7ff41000 -> -EBUSY");
	unmap.op.flags = RS_OPF_NO_ARG;
	unmap.op.ret = -EFAULT;
	says(&unmap, "UNMAP_DMA with an unreadable argument -> -EFAULT");
}

static void pieces(void **state)
{
	struct rs_ev_range range = { HEAD(RS_EV_RANGE, range),
				     .iova = { 0x100000 },
				     .size = 2 << 20,
				     .vaddr = { 0x7f0000000000 },
				     .prot = 3,
				     .cause = RS_RANGE_MAPPED,
				     .flags = RS_RANGEF_SCANNED };
	struct rs_ev_backing backing = { HEAD(RS_EV_BACKING, backing),
					 .iova = { 0x100000 },
					 .vaddr = { 0x7f0000000000 },
					 .len = 2 << 20,
					 .what = RS_BACKING_FILE,
					 .dev = (8U << 20) | 1,
					 .ino = 1027,
					 .offset = 0x200000,
					 .vm_flags = RS_VM_SHARED };
	struct rs_ev_remove remove = { HEAD(RS_EV_REMOVE, remove), .iova = { 0x100000 },
				       .size = 4096, .caller = RS_IN_IOCTL_UNMAP };

	(void)state;
	says(&range, "range iova 0x100000 size 2 MiB vaddr 0x7f0000000000 rw, mapped");
	range.flags = RS_RANGEF_INVALID | RS_RANGEF_SCANNED | RS_RANGEF_SCAN_CUT;
	range.cause = RS_RANGE_INVALIDATED;
	range.prot = 1;
	range.locked_pages = 1;
	says(&range, "range iova 0x100000 size 2 MiB vaddr 0x7f0000000000 invalid r-, "
		     "after an invalidation, 1 page locked, backing only in part");
	range.flags = 0;
	range.cause = 50;
	range.locked_pages = 512;
	says(&range, "range iova 0x100000 size 2 MiB vaddr 0x7f0000000000 r-, 512 pages locked, "
		     "backing not looked at");

	says(&backing, "behind iova 0x100000 size 2 MiB vaddr 0x7f0000000000: file 8:1 ino 1027 "
		       "+0x200000");
	backing.vm_flags = RS_VM_HUGETLB;
	says(&backing, "behind iova 0x100000 size 2 MiB vaddr 0x7f0000000000: file 8:1 ino 1027 "
		       "+0x200000 hugetlb private");
	backing.vm_flags = RS_VM_SHARED | RS_VM_IO | RS_VM_PFNMAP;
	says(&backing, "behind iova 0x100000 size 2 MiB vaddr 0x7f0000000000: file 8:1 ino 1027 "
		       "+0x200000 pfnmap");
	backing.what = RS_BACKING_ANON;
	says(&backing, "behind iova 0x100000 size 2 MiB vaddr 0x7f0000000000: anonymous memory");
	backing.what = RS_BACKING_NONE;
	says(&backing, "behind iova 0x100000 size 2 MiB vaddr 0x7f0000000000: nothing mapped");
	backing.what = RS_BACKING_BUSY;
	says(&backing,
	     "behind iova 0x100000 size 2 MiB vaddr 0x7f0000000000: could not be looked at");
	backing.what = 9;
	says(&backing,
	     "behind iova 0x100000 size 2 MiB vaddr 0x7f0000000000: something unknown (9)");

	says(&remove, "range iova 0x100000 size 4 KiB taken down by UNMAP_DMA");
	remove.flags = RS_RANGEF_INVALID;
	remove.caller = RS_IN_RELEASE;
	says(&remove, "range iova 0x100000 size 4 KiB, invalid, taken down by the release");
	remove.caller = 99;
	says(&remove, "range iova 0x100000 size 4 KiB, invalid, taken down by something unknown");
}

static void foreign_pins(void **state)
{
	struct rs_ev_group group = { HEAD(RS_EV_ATTACH, group), .group_id = 3,
				     .op.invalid_before = 1, .op.invalid_after = 1 };
	struct rs_ev_map map = { HEAD(RS_EV_MAP, map), .iova = { 0x100000 }, .size = 2 << 20,
				 .vaddr = { 0x7f0000000000 }, .uflags = 3 };

	(void)state;
	map.more = (struct rs_more){ .more = RS_MOREF_PFN, .pfn = { 0 } };
	says(&map, "MAP_DMA(READ|WRITE) iova 0x100000 size 2 MiB vaddr 0x7f0000000000 -> 0, "
		   "the first page is pfn 0x0");
	map.more = (struct rs_more){ .foreign_calls = 1, .foreign_iova = { 0x100000 } };
	says(&map, "MAP_DMA(READ|WRITE) iova 0x100000 size 2 MiB vaddr 0x7f0000000000 -> 0, "
		   "pinned in another mm than the one charged at iova 0x100000");
	group.more = (struct rs_more){ .foreign_calls = 2, .foreign_iova = { 0x1000 } };
	says(&group, "attach group 3 -> 0, pinned in another mm than the one charged at iova "
		     "0x1000 and 1 more time, 1 range invalid");
	group.more.foreign_calls = 9;
	says(&group, "attach group 3 -> 0, pinned in another mm than the one charged at iova "
		     "0x1000 and 8 more times, 1 range invalid");
}

static void snapshots(void **state)
{
	struct rs_ev_snapshot snap = { HEAD(RS_EV_SNAPSHOT, snap), .why = RS_SNAP_START,
				       .nr_ranges = 4, .owner_tgid = 1234, .fd = 12 };
	struct rs_ev_range range = { HEAD(RS_EV_RANGE, range), .iova = { 0x100000 },
				     .size = 2 << 20,	       .vaddr = { 0x7f0000000000 },
				     .cause = RS_RANGE_FOUND,  .flags = RS_RANGEF_SCANNED };

	(void)state;
	says(&snap, "container found at the start, fd 12 of [1234], with 4 ranges");
	snap.op.flags = RS_OPF_CONCURRENT;
	snap.nr_ranges = 1;
	says(&snap, "container found at the start, fd 12 of [1234], with 1 range, while it was at "
		    "work");
	snap.op.flags = 0;
	snap.why = RS_SNAP_FILTER;
	snap.op.invalid_before = snap.op.invalid_after = 1;
	says(&snap, "container found when it came to match the filter, with 1 range, "
		    "1 range invalid");
	snap.op.invalid_before = snap.op.invalid_after = 0;
	snap.why = RS_SNAP_OWNER;
	says(&snap, "container found with 1 range of an mm that is about to go");
	snap.why = 77;
	says(&snap, "container found with 1 range");
	says(&range, "range iova 0x100000 size 2 MiB vaddr 0x7f0000000000 --, found");
}

/* Each record alone at the end of an allocation: ASan sees a byte read too many. */
static void cut_short(void **state)
{
	char got[240];

	(void)state;
	for (__u16 type = 0; type < RS_EV_NR + 2; type++) {
		for (__u16 size = sizeof(struct rs_event); size <= 320; size += 8) {
			struct rs_event *ev = malloc(size);

			assert_non_null(ev);
			memset(ev, 0xff, size);
			ev->type = type;
			ev->size = size;
			rs_describe_event(NULL, ev, got, sizeof(got));
			assert_true(got[0]);
			free(ev);
		}
	}
}

static void older_record(void **state)
{
	struct rs_ev_map map = { HEAD(RS_EV_MAP, map), .iova = { 0x100000 },
				 .size = 2 << 20,      .vaddr = { 0x7f0000000000 },
				 .uflags = 4,	       .old_vaddr = { 0x7e0000000000 },
				 .old_size = 4 << 20 };
	struct {
		struct rs_ev_exec exec;
		__u64 more[4];
	} longer = { .exec = { HEAD(RS_EV_EXEC, longer), .comm = "x" }, .more = { 1, 2, 3, 4 } };

	(void)state;
	/* What an older writer did not have reads as zero. */
	map.h.size = offsetof(struct rs_ev_map, uflags);
	says(&map, "MAP_DMA iova 0x100000 size 2 MiB vaddr 0x7f0000000000 -> 0");
	map.h.size = sizeof(struct rs_event);
	says(&map, "MAP_DMA iova 0x0 size 0 vaddr 0x0 -> 0");
	says(&longer, "exec \"x\"");
}

static void short_buffer(void **state)
{
	struct rs_ev_exec exec = { HEAD(RS_EV_EXEC, exec), .old_mm = 1, .comm = "lab-client" };
	char *buf = malloc(8);

	(void)state;
	assert_non_null(buf);
	rs_describe_event(NULL, &exec.h, buf, 8);
	assert_string_equal(buf, "exec \"l");
	rs_describe_event(NULL, &exec.h, buf, 1);
	assert_string_equal(buf, "");
	rs_describe_event(NULL, &exec.h, buf, 0);
	free(buf);
}

static void names(void **state)
{
	static const char *const want[] = {
		"none",	  "proc",    "fork",  "exec",  "exit",	   "open",   "release",
		"attach", "detach",  "map",   "unmap", "ioctl",	   "range",  "backing",
		"remove", "request", "xlate", "iommu", "snapshot", "device", "pages",
		"verify", "flight",  "stats", "vcpu",  "vm",	   "irq",    "devop",
		"passed", "mark",    "ioas",  "wait",  "unknown",
	};
	struct rs_event ev = { .size = sizeof(ev) };

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		ev.type = (__u16)i;
		assert_string_equal(rs_event_type_name(&ev), want[i]);
	}
	ev.type = 60000;
	says(&ev, "event of the unknown type 60000");
}

/* With a result, the container that lived at the event's time is named. */
static void container_names(void **state)
{
	struct rs_container_view c[] = {
		{ .id = 1, .key = 0xabc, .released_ns = 500 },
		{ .id = 2, .key = 0xabc },
		{ .id = 3, .key = 0xdef },
	};
	struct rs_result r = { .container = c, .nr_containers = 3 };
	struct rs_ev_release release = { HEAD(RS_EV_RELEASE, release), .op.container = 0xabc };
	struct rs_ev_remove remove = { HEAD(RS_EV_REMOVE, remove), .container = 0xdef,
				       .iova = { 0x1000 }, .size = 4096, .caller = RS_IN_RELEASE };
	char got[240];

	(void)state;
	rs_describe_event(&r, &release.h, got, sizeof(got));
	assert_string_equal(got, "c2 container released");
	release.h.ts = 500;
	rs_describe_event(&r, &release.h, got, sizeof(got));
	assert_string_equal(got, "c1 container released");
	release.op.container = 0x123;
	rs_describe_event(&r, &release.h, got, sizeof(got));
	assert_string_equal(got, "container released");
	rs_describe_event(&r, &remove.h, got, sizeof(got));
	assert_string_equal(got, "c3 range iova 0x1000 size 4 KiB taken down by the release");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes),	cmocka_unit_test(containers),
		cmocka_unit_test(maps),		cmocka_unit_test(unmaps),
		cmocka_unit_test(pieces),	cmocka_unit_test(foreign_pins),
		cmocka_unit_test(snapshots),	cmocka_unit_test(cut_short),
		cmocka_unit_test(older_record), cmocka_unit_test(short_buffer),
		cmocka_unit_test(names),	cmocka_unit_test(container_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
