// SPDX-License-Identifier: GPL-2.0-only
/* Containers that were there before, and that a snapshot tells: as good as seen from their birth. */
#include <errno.h>
#include "judge.h"

#define LOW "c1 range 0x0 size 0x200000 "

/* Two ranges of QEMU's that nobody saw being mapped. */
static struct synth *before(__u64 *c)
{
	struct synth *s = synth_new();

	synth_unrecorded(s, true);
	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_map(s, *c, 0, 2 * MIB, INO, 0);
	synth_map(s, *c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_unrecorded(s, false);
	return s;
}

static void concurrent(struct synth *s)
{
	synth_snapshot_end(s)->op.flags |= RS_OPF_CONCURRENT;
}

static void set_ts(struct synth *s, enum rs_event_type type, size_t nth, __u64 ts)
{
	((struct rs_event *)synth_event(s, type, nth))->ts = ts;
}

static __u64 ts_of(struct synth *s, enum rs_event_type type, size_t nth)
{
	return ((struct rs_event *)synth_event(s, type, nth))->ts;
}

static void update(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
}

static void found_whole(void **state)
{
	const struct rs_range_view *v;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = before(&c);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	synth_remap(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->nr_containers, 1);
	assert_false(r->container[0].born);
	assert_true(r->container[0].found);
	assert_int_equal(r->container[0].owner.tgid, QEMU);
	assert_int_equal(r->container[0].ranges_max, 3);
	assert_int_equal(r->container[0].bytes_max, 4 * MIB);
	v = r->window[0].range;
	assert_int_equal(r->window[0].nr_ranges, 3);
	assert_int_equal(v[0].since_ns, ts_of(s, RS_EV_RANGE, 0));
	assert_false(v[0].mapped_seen);
	assert_true(v[0].old_backing.known);
	assert_int_equal(v[0].old_backing.piece[0].ino, INO);
	assert_int_equal(v[2].since_ns, ts_of(s, RS_EV_MAP, 0));
	assert_true(v[2].mapped_seen);
	assert_int_equal(v[0].memory, RS_MEMORY_SAME);
	rs_result_free(r);
	synth_free(s);

	/* One that was there without any range. */
	s = synth_new();
	synth_unrecorded(s, true);
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_unrecorded(s, false);
	synth_snapshot(s, c, RS_SNAP_START);
	r = judged(s, "");
	assert_true(r->container[0].found);
	rs_result_free(r);
}

/* What was behind a range when it was found is what the new vaddr is compared with. */
static void other_memory_than_found(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = before(&c);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO + 1, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "remap-same-memory=violated");
	f = expect_finding(r, "remap-same-memory",
			   LOW "was inode 42 of device 0:1 and now is inode 43 of device 0:1 "
			       "(at +0x0)");
	expect_excerpt(f, RS_EV_SNAPSHOT, RS_EV_UNMAP, RS_EV_MAP);
	rs_result_free(r);

	s = before(&c);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	r = judged(s, "all-before-exec=violated");
	f = expect_finding(r, "all-before-exec",
			   "c1 range 0x400000 size 0x100000 still had the old vaddr when its "
			   "owner's memory went away, and its container lives on");
	expect_excerpt(f, RS_EV_SNAPSHOT, RS_EV_EXEC, RS_EV_MAP);
	rs_result_free(r);
}

#define LATE_UNKNOWN                                                                  \
	"remap-same-memory=unknown no-gup-in-window=unknown no-iommu-change=unknown " \
	"no-new-user=unknown"

static struct synth *inside(__u64 *c)
{
	struct synth *s = before(c);

	synth_unrecorded(s, true);
	synth_invalidate_all(s, *c);
	synth_exec(s);
	synth_unrecorded(s, false);
	synth_snapshot(s, *c, RS_SNAP_START);
	return s;
}

/* Its window has begun before: what depends on how stays unknown, and nothing else does. */
static void found_inside_a_window(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = inside(&c);
	remap_both(s, c);
	r = synth_result(s);
	expect_verdicts(r, LATE_UNKNOWN);
	assert_int_equal(r->nr_windows, 1);
	assert_int_equal(r->window[0].nr_ranges, 2);
	assert_int_equal(r->window[0].end, RS_WINDOW_REMAPPED);
	assert_int_equal(r->window[0].opener.tgid, QEMU);
	assert_true(r->container[0].found);
	rs_result_free(r);
	/* The next one is seen whole. */
	update(s, c);
	r = judged(s, LATE_UNKNOWN);
	assert_int_equal(r->nr_windows, 2);
	assert_int_equal(r->window[1].range[0].memory, RS_MEMORY_SAME);
	rs_result_free(r);

	s = inside(&c);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	r = judged(s, "window-closed=unknown " LATE_UNKNOWN);
	expect_finding(r, "window-closed",
		       "c1 range 0x400000 size 0x100000 has no vaddr yet, and here the recording "
		       "ends");
	rs_result_free(r);

	/* Wrong whenever the window began. */
	s = inside(&c);
	synth_xlate(s, c, 0, RS_IN_IOCTL_MAP);
	synth_iommu(s, c, 0, PAGE, RS_IOMMU_UNMAP, PAGE);
	synth_release(s, c);
	r = judged(s, "window-closed=violated no-gup-in-window=violated no-iommu-change=violated "
		      "no-new-user=unknown");
	/* The other range was left alone, as far as was seen. */
	assert_int_equal(nr_findings(r, "no-gup-in-window"), 2);
	f = r->finding;
	while (strcmp(f->rule, "no-gup-in-window"))
		f++;
	assert_string_equal(f->text, LOW "was translated through its vaddr while that was invalid");
	expect_excerpt(f, RS_EV_SNAPSHOT, RS_EV_XLATE);
	rs_result_free(r);
}

/* Only the state from then on counts: what was lost before is none of its. */
static void lost_before(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = before(&c);
	for (__u32 pid = 1; pid < 4; pid++) {
		synth_as(s, pid);
		synth_introduce(s);
	}
	synth_drop(s, synth_find(s, RS_EV_PROC, 1));
	synth_as(s, QEMU);
	synth_snapshot(s, c, RS_SNAP_START);
	update(s, c);
	synth_release(s, c);
	expect_judged(s, "");

	/* Unlike one that only shows by what it does. */
	s = before(&c);
	for (__u32 pid = 1; pid < 4; pid++) {
		synth_as(s, pid);
		synth_introduce(s);
	}
	synth_drop(s, synth_find(s, RS_EV_PROC, 1));
	synth_as(s, QEMU);
	update(s, c);
	synth_release(s, c);
	{
		struct rs_result *r = synth_result(s);

		assert_int_equal(r->verdict, RS_UNKNOWN);
		rs_result_free(r);
	}
	synth_free(s);
}

/* Not all that it says to have told has come. */
static void piece_missing(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = before(&c);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_erase(s, synth_find(s, RS_EV_RANGE, 1));
	update(s, c);
	r = synth_result(s);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	assert_false(r->container[0].found);
	rs_result_free(r);
	synth_free(s);
}

static void taken_down_meanwhile(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	/* After it was told. */
	s = before(&c);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	synth_unmap(s, c, 0, 2 * MIB);
	concurrent(s);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "");
	assert_int_equal(r->container[0].ranges_max, 1);
	assert_false(r->container[0].found);
	rs_result_free(r);

	/* While it was told: it was in the list still, although its end had begun. */
	s = before(&c);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	synth_unmap(s, c, 0, 2 * MIB);
	concurrent(s);
	for (size_t i = 0; i < 2; i++) {
		__u64 ts = ts_of(s, RS_EV_REMOVE, 0) + 1 + 2 * i;

		set_ts(s, RS_EV_BACKING, i, ts);
		set_ts(s, RS_EV_RANGE, i, ts + 1);
	}
	synth_invalidate_all(s, c);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "");
	assert_int_equal(r->container[0].ranges_max, 1);
	rs_result_free(r);

	/* And mapped again, with another size, before the snapshot was closed. */
	s = before(&c);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_map(s, c, 0, MIB, INO, 16 * MIB);
	concurrent(s);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 16 * MIB);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "");
	assert_int_equal(r->window[0].range[0].size, MIB);
	assert_true(r->window[0].range[0].mapped_seen);
	rs_result_free(r);
}

/* A snapshot never makes a container that is gone, nor fills one that has its address. */
static void released_meanwhile(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = before(&c);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	synth_release(s, c);
	concurrent(s);
	r = judged(s, "");
	assert_int_equal(r->nr_containers, 1);
	assert_true(r->container[0].released_ns > 0);
	rs_result_free(r);

	s = before(&c);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	synth_release(s, c);
	synth_open_at(s, c);
	synth_map(s, c, 4 * MIB, MIB, INO, 0);
	concurrent(s);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 4 * MIB, MIB, INO, 0);
	r = judged(s, "");
	assert_int_equal(r->nr_containers, 2);
	assert_true(r->container[1].born);
	assert_int_equal(r->container[1].ranges_max, 1);
	rs_result_free(r);
}

/* A map, an invalidation and a remap that were recorded say more than a piece from before them. */
static void changed_meanwhile(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = before(&c);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	concurrent(s);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	synth_remap(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	r = judged(s, "");
	assert_int_equal(r->window[0].nr_ranges, 3);
	assert_true(r->window[0].range[2].mapped_seen);
	rs_result_free(r);

	/* Told as valid; it is not any more when the snapshot closes. */
	s = before(&c);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	synth_invalidate_all(s, c);
	concurrent(s);
	synth_exec(s);
	remap_both(s, c);
	r = judged(s, "");
	assert_int_equal(r->nr_windows, 1);
	assert_int_equal(r->window[0].end, RS_WINDOW_REMAPPED);
	rs_result_free(r);

	/* Told with its old owner; it has another one when the snapshot closes, and is left by that. */
	s = before(&c);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	update(s, c);
	concurrent(s);
	synth_exec(s);
	r = judged(s, "all-before-exec=violated");
	assert_int_equal(nr_findings(r, "all-before-exec"), 2);
	rs_result_free(r);

	/* Told as invalid; one has its vaddr again when the snapshot closes. */
	s = before(&c);
	synth_unrecorded(s, true);
	synth_invalidate_all(s, c);
	synth_unrecorded(s, false);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	concurrent(s);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, LATE_UNKNOWN);
	assert_int_equal(r->nr_windows, 1);
	assert_int_equal(r->window[0].nr_ranges, 2);
	assert_int_equal(r->window[0].end, RS_WINDOW_REMAPPED);
	rs_result_free(r);
}

/* Two processes that hold the container: the same told twice, and by each what it can see. */
static void found_twice(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = before(&c);
	synth_as(s, NEXT);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_as(s, QEMU);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_as(s, NEXT);
	/* Not its memory: nobody looks at what is behind it now. */
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, 2 * MIB, INO + 1, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "remap-same-memory=violated");
	assert_int_equal(r->nr_containers, 1);
	assert_int_equal(r->container[0].ranges_max, 2);
	assert_int_equal(r->window[0].range[0].old_owner.tgid, QEMU);
	rs_result_free(r);

	/* One that a later snapshot lacks was taken down, and nobody wrote that. */
	s = before(&c);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_unrecorded(s, true);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_unrecorded(s, false);
	synth_snapshot(s, c, RS_SNAP_START);
	r = synth_result(s);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	rs_result_free(r);
	synth_free(s);

	/* Unless it was not to be recorded. */
	s = before(&c);
	synth_snapshot(s, c, RS_SNAP_FILTER);
	synth_unrecorded(s, true);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_map(s, c, 0, 2 * MIB, INO + 1, 0);
	synth_unrecorded(s, false);
	synth_snapshot(s, c, RS_SNAP_FILTER);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO + 1, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	expect_judged(s, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_whole),		 cmocka_unit_test(other_memory_than_found),
		cmocka_unit_test(found_inside_a_window), cmocka_unit_test(lost_before),
		cmocka_unit_test(piece_missing),	 cmocka_unit_test(taken_down_meanwhile),
		cmocka_unit_test(released_meanwhile),	 cmocka_unit_test(changed_meanwhile),
		cmocka_unit_test(found_twice),
	};

	return cmocka_run_group_tests_name("model: snapshots", tests, NULL, NULL);
}
