// SPDX-License-Identifier: GPL-2.0-only
/* Armed: outside windows nothing is recorded but who lives and which containers there are. */
#include <errno.h>
#include "judge.h"

#define LOW  "c1 range 0x0 size 0x200000 "
#define HIGH "c1 range 0x400000 size 0x100000 "

static struct synth *armed(__u64 *c)
{
	struct synth *s = synth_new();

	s->mode = RS_MODE_ARMED;
	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_attach(s, *c);
	synth_map(s, *c, 0, 2 * MIB, INO, 0);
	synth_map(s, *c, 4 * MIB, MIB, INO, 2 * MIB);
	return s;
}

static void update(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	synth_tail_passes(s, c);
}

static size_t nr_of(const struct synth *s, enum rs_event_type type)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr; i++)
		nr += s->rec[i].ev->type == type;
	return nr;
}

static void orderly_update(void **state)
{
	const struct rs_range_view *v;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = armed(&c);
	synth_pin(s, c, 0, 4, 0);
	synth_unpin(s, c, 0, 4);
	assert_int_equal(nr_of(s, RS_EV_MAP), 0);
	assert_int_equal(nr_of(s, RS_EV_REQUEST), 0);
	update(s, c);
	update(s, c);
	synth_release(s, c);
	synth_exit(s, 0);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->mode, RS_MODE_ARMED);
	assert_int_equal(r->nr_losses, 0);
	assert_int_equal(r->nr_windows, 2);
	assert_int_equal(r->window[0].nr_ranges, 2);
	v = &r->window[0].range[0];
	assert_false(v->mapped_seen);
	assert_int_equal(v->since_ns, v->invalid_ns);
	assert_int_equal(v->memory, RS_MEMORY_SAME);
	/* Known from the first window, and looked at anew: it could be another one by now. */
	assert_int_equal(r->window[1].range[0].since_ns, r->window[1].range[0].invalid_ns);
	assert_int_equal(r->container[0].bytes_max, 3 * MIB);
	rs_result_free(r);
	synth_free(s);
}

static void other_memory(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = armed(&c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO, PAGE);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "remap-same-memory=violated");
	f = expect_finding(r, "remap-same-memory",
			   LOW "was inode 42 at offset 0x0 and now is at offset 0x1000 (at +0x0)");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_MAP);
	rs_result_free(r);

	/* By a process that does not own the ranges: nobody looked at what is behind them. */
	s = armed(&c);
	synth_fork(s, NEXT, false);
	synth_as(s, NEXT);
	synth_invalidate_all(s, c);
	remap_both(s, c);
	r = judged(s, "remap-same-memory=unknown");
	assert_int_equal(nr_findings(r, "remap-same-memory"), 2);
	rs_result_free(r);
}

/* What was unmapped, mapped and mapped again between two windows is no loss, and is not confused. */
static void changed_unseen(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = armed(&c);
	update(s, c);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_map(s, c, 0, 2 * MIB, INO + 1, 0);
	synth_unmap(s, c, 4 * MIB, MIB);
	synth_map(s, c, 4 * MIB, 2 * MIB, INO + 1, 2 * MIB);
	synth_map(s, c, 16 * MIB, MIB, INO, 0);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO + 1, 0);
	synth_remap(s, c, 4 * MIB, 2 * MIB, INO + 1, 2 * MIB);
	synth_remap(s, c, 16 * MIB, MIB, INO, 0);
	synth_tail_passes(s, c);
	synth_unmap(s, c, 16 * MIB, MIB);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, 2 * MIB, INO + 1, 0);
	synth_remap(s, c, 4 * MIB, 2 * MIB, INO + 1, 2 * MIB);
	r = judged(s, "");
	assert_int_equal(r->nr_windows, 3);
	assert_int_equal(r->window[1].nr_ranges, 3);
	assert_int_equal(r->window[2].nr_ranges, 2);
	assert_int_equal(r->container[0].bytes_max, 5 * MIB);
	rs_result_free(r);

	/* The memory of the range that was there in the first window. */
	s = armed(&c);
	update(s, c);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_map(s, c, 0, 2 * MIB, INO + 1, 0);
	update(s, c);
	expect_judged(s, "remap-same-memory=violated");

	/* Unmapped before its owner went away, and found in no snapshot: it is not left behind. */
	s = armed(&c);
	update(s, c);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_unmap(s, c, 4 * MIB, MIB);
	synth_exec(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	expect_judged(s, "");
}

/* Inside a window all is recorded: there what escapes makes everything unknown. */
static void loss_inside_a_window(void **state)
{
	static const struct {
		enum rs_event_type type;
		size_t nth;
	} lost[] = { { RS_EV_MAP, 0 }, { RS_EV_UNMAP, 1 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rs_result *r;
		struct synth *s;
		__u64 c;

		s = armed(&c);
		synth_invalidate(s, c, 0, 2 * MIB);
		synth_invalidate(s, c, 4 * MIB, MIB);
		synth_exec(s);
		remap_both(s, c);
		synth_erase(s, synth_find(s, lost[i].type, lost[i].nth));
		r = synth_result(s);
		assert_int_equal(r->verdict, RS_UNKNOWN);
		assert_true(r->nr_losses > 0);
		rs_result_free(r);
		synth_free(s);
	}

	/* A range that vanished between two invalidations of one window did so unrecorded. */
	{
		struct rs_result *r;
		struct synth *s;
		__u64 c;

		s = armed(&c);
		synth_map(s, c, 16 * MIB, MIB, INO, 16 * MIB);
		synth_invalidate(s, c, 0, 2 * MIB);
		synth_unmap(s, c, 16 * MIB, MIB);
		synth_erase(s, synth_find(s, RS_EV_REMOVE, 0));
		synth_erase(s, synth_find(s, RS_EV_UNMAP, 1));
		synth_invalidate(s, c, 4 * MIB, MIB);
		synth_exec(s);
		remap_both(s, c);
		r = synth_result(s);
		assert_int_equal(r->verdict, RS_UNKNOWN);
		assert_int_equal(r->nr_losses, 1);
		rs_result_free(r);
		synth_free(s);
	}
}

static void left_behind(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = armed(&c);
	synth_exec(s);
	r = judged(s, "all-before-exec=violated");
	assert_int_equal(nr_findings(r, "all-before-exec"), 2);
	rs_result_free(r);

	s = armed(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	r = judged(s, "all-before-exec=violated");
	f = expect_finding(r, "all-before-exec",
			   HIGH "still had the old vaddr when its owner's memory went away, and "
				"its container lives on");
	expect_excerpt(f, RS_EV_SNAPSHOT, RS_EV_EXEC, RS_EV_MAP);
	rs_result_free(r);

	/* It goes down with the process that had it. */
	s = armed(&c);
	synth_exec(s);
	synth_release(s, c);
	expect_judged(s, "");
	s = armed(&c);
	synth_exit(s, 0);
	synth_release(s, c);
	expect_judged(s, "");

	/* Another process has it, and its memory is another. */
	s = armed(&c);
	synth_fork(s, NEXT, false);
	synth_as(s, NEXT);
	synth_exit(s, 0);
	expect_judged(s, "");
}

/* The last group takes all ranges with it, and armed nobody says so. */
static void gone_with_the_group(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = armed(&c);
	synth_exit(s, 0);
	synth_detach_last(s, c);
	/* Somebody else has the container still. */
	expect_judged(s, "");

	/* Which groups a container has that was there before, nobody knows. */
	s = synth_new();
	s->mode = RS_MODE_ARMED;
	synth_unrecorded(s, true);
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_attach(s, c);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	synth_unrecorded(s, false);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_exit(s, 0);
	synth_detach_last(s, c);
	r = judged(s, "all-before-exec=unknown");
	assert_int_equal(nr_findings(r, "all-before-exec"), 1);
	rs_result_free(r);
}

/* A recorder that comes late, armed. */
static void found(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = synth_new();
	s->mode = RS_MODE_ARMED;
	synth_unrecorded(s, true);
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	synth_map(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_unrecorded(s, false);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_unmap(s, c, 4 * MIB, MIB);
	synth_map(s, c, 4 * MIB, MIB, INO + 1, 0);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO + 1, 0);
	r = judged(s, "");
	assert_true(r->container[0].found);
	rs_result_free(r);
}

/* What the kernel counted is all there is: of requests, of devices, and of their pins. */
static void counts(void **state)
{
	const struct rs_device_view *d;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = armed(&c);
	s->device = 0xd000;
	synth_device(s, s->device, c, 5, "0000:00:05.0");
	synth_pin(s, c, 0, 8, 2);
	synth_pin(s, c, 0, 8, 8);
	synth_unpin(s, c, 0, 16);
	update(s, c);
	synth_stats(s);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->nr_devices, 1);
	d = &r->device[0];
	assert_string_equal(d->name, "0000:00:05.0");
	assert_int_equal(d->container, 1);
	assert_int_equal(d->group_id, 5);
	assert_int_equal(d->pinned, 16);
	assert_int_equal(d->unpinned, 16);
	assert_int_equal(d->nr_requests, 3);
	assert_string_equal(d->request[0].op, "pin");
	assert_int_equal(d->request[0].path, RS_PATH_CACHED);
	assert_int_equal(d->request[0].requests, 2);
	assert_int_equal(d->request[0].pages, 10);
	/* Also the maps of the window, once: as counted, not as recorded too. */
	assert_int_equal(r->nr_requests, 6);
	assert_string_equal(r->request[0].op, "invalidate");
	assert_int_equal(r->request[0].requests, 1);
	assert_string_equal(r->request[1].op, "map");
	assert_int_equal(r->request[1].requests, 2);
	assert_string_equal(r->request[4].op, "remap");
	assert_int_equal(r->request[4].requests, 2);
	rs_result_free(r);
	synth_free(s);

	/* Cut before it could ask the kernel: no row at all, rather than a wrong one. */
	s = armed(&c);
	update(s, c);
	r = judged(s, "");
	assert_int_equal(r->nr_requests, 0);
	rs_result_free(r);
}

static void pins_by_counts(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = armed(&c);
	synth_device(s, c + 0x300, c, 5, "edu0");
	synth_pin(s, c, 0, 8, 0);
	synth_unpin(s, c, 0, 9);
	synth_stats(s);
	r = judged(s, "pin-balance=violated");
	expect_finding(r, "pin-balance", "d1 edu0 gave back 9 pages, and had pinned 8");
	rs_result_free(r);

	/* Pages that it still has are none too many while it lives. */
	s = armed(&c);
	synth_device(s, c + 0x300, c, 5, "edu0");
	synth_pin(s, c, 0, 8, 0);
	synth_unpin(s, c, 0, 7);
	synth_stats(s);
	r = synth_result(s);
	expect_verdicts(r, "");
	rs_result_free(r);
	synth_release(s, c);
	r = judged(s, "pin-balance=violated");
	expect_finding(r, "pin-balance",
		       "d1 edu0 was closed: it had pinned 8 pages, and gave back 7");
	rs_result_free(r);

	/* What it had pinned before, nobody counted. */
	s = synth_new();
	s->mode = RS_MODE_ARMED;
	synth_unrecorded(s, true);
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	synth_pin(s, c, 0, 8, 0);
	synth_unrecorded(s, false);
	synth_device(s, c + 0x300, c, 5, "edu0");
	synth_unpin(s, c, 0, 8);
	synth_release(s, c);
	synth_stats(s);
	expect_judged(s, "");
}

/* Pages can be compared only with those that the IOMMU was given: then maps are recorded throughout. */
static void verified(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = synth_new();
	s->mode = RS_MODE_ARMED;
	s->verify = RS_VERIFY_ALL;
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_attach(s, c);
	s->twist.what = RS_BACKING_ANON;
	s->twist.pfn = 0x1000;
	synth_map(s, c, 0, 2 * MIB, 0, 0);
	synth_map(s, c, 4 * MIB, MIB, INO, 0);
	synth_unmap(s, c, 4 * MIB, MIB);
	/* Its pages are told, and nobody says that there was such a pin. */
	for (int i = 0; i < 5000; i++) {
		s->twist.pfn = 0x1000;
		synth_pin(s, c, 0, 1, 0);
		synth_unpin(s, c, 0, 1);
	}
	assert_int_equal(nr_of(s, RS_EV_REQUEST), 0);
	assert_int_equal(nr_of(s, RS_EV_PAGES), 5001);
	synth_invalidate_all(s, c);
	synth_exec(s);
	s->twist.what = RS_BACKING_ANON;
	synth_remap(s, c, 0, 2 * MIB, 0, 0);
	synth_pagemap(s, 0, 512, 0x1000);
	synth_verify(s, 512, 512, true);
	r = judged(s, "");
	assert_int_equal(r->nr_losses, 0);
	assert_true(r->window[0].range[0].mapped_seen);
	assert_int_equal(r->window[0].range[0].memory, RS_MEMORY_SAME);
	rs_result_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orderly_update), cmocka_unit_test(other_memory),
		cmocka_unit_test(changed_unseen), cmocka_unit_test(loss_inside_a_window),
		cmocka_unit_test(left_behind),	  cmocka_unit_test(gone_with_the_group),
		cmocka_unit_test(found),	  cmocka_unit_test(counts),
		cmocka_unit_test(pins_by_counts), cmocka_unit_test(verified),
	};

	return cmocka_run_group_tests_name("verdicts: armed", tests, NULL, NULL);
}
