// SPDX-License-Identifier: GPL-2.0-only
/* A recorder that comes when the containers, or even their windows, are there already. */
#include "judge.h"

static struct synth *late(__u64 *c)
{
	struct synth *s = synth_new();

	synth_unrecorded(s, true);
	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_map(s, *c, 0, 2 * MIB, INO, 0);
	synth_map(s, *c, 4 * MIB, MIB, INO, 2 * MIB);
	return s;
}

#define LATE_UNKNOWN                                                                  \
	"remap-same-memory=unknown no-gup-in-window=unknown no-iommu-change=unknown " \
	"no-new-user=unknown"

/* The invalidation tells all ranges and what is behind them. */
static void attached_before_the_window(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = late(&c);
	synth_unrecorded(s, false);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	r = judged(s, "");
	assert_int_equal(r->nr_containers, 1);
	assert_false(r->container[0].born);
	assert_int_equal(r->container[0].ranges_max, 2);
	rs_result_free(r);

	s = late(&c);
	synth_unrecorded(s, false);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_exec(s);
	s->twist.split = PAGE;
	s->twist.split_off = PAGE;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	expect_judged(s, "remap-same-memory=violated all-before-exec=violated");
}

static void attached_inside_the_window(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = late(&c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_unrecorded(s, false);
	remap_both(s, c);
	r = synth_result(s);
	expect_verdicts(r, LATE_UNKNOWN);
	/* Two ranges, one window: the kernel's count says that the first remap did not close it. */
	assert_int_equal(r->nr_windows, 1);
	assert_int_equal(r->window[0].nr_ranges, 2);
	assert_int_equal(r->window[0].end, RS_WINDOW_REMAPPED);
	rs_result_free(r);
	/* The next window is seen from its begin; the first is not forgotten. */
	synth_invalidate_all(s, c);
	remap_both(s, c);
	expect_judged(s, LATE_UNKNOWN);
}

/* The argument was swapped out at entry, so that nobody looked at the range: no reason to be sure. */
static void attached_inside_and_argument_unread(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = late(&c);
	synth_invalidate_all(s, c);
	synth_unrecorded(s, false);
	remap_both(s, c);
	for (size_t i = 0; i < 2; i++) {
		struct rs_ev_map *map = synth_event(s, RS_EV_MAP, i);

		map->op.flags |= RS_OPF_NO_ARG;
		map->old_size = map->old_mm = 0;
		map->old_iova = rs_iova(0);
		map->old_vaddr = rs_vaddr(0);
	}
	r = synth_result(s);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	for (size_t i = 0; i < r->nr_rules; i++)
		assert_int_not_equal(r->rule[i].verdict, RS_VIOLATED);
	rs_result_free(r);
	synth_free(s);
}

/* Ranges that nobody has seen are invalid all the same: the kernel counts them. */
static void attached_inside_and_left_open(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = late(&c);
	synth_invalidate_all(s, c);
	synth_unrecorded(s, false);
	synth_ioctl(s, c, 0x3b70);
	r = synth_result(s);
	assert_int_not_equal(verdict_of(r, "window-closed"), RS_PASS);
	rs_result_free(r);
	synth_free(s);

	s = late(&c);
	synth_invalidate_all(s, c);
	synth_unrecorded(s, false);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	r = synth_result(s);
	assert_int_not_equal(verdict_of(r, "window-closed"), RS_PASS);
	rs_result_free(r);
	synth_free(s);
}

static void attached_inside_and_given_up(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = late(&c);
	synth_invalidate_all(s, c);
	synth_unrecorded(s, false);
	synth_release(s, c);
	r = synth_result(s);
	assert_int_not_equal(verdict_of(r, "window-closed"), RS_PASS);
	rs_result_free(r);
	synth_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attached_before_the_window),
		cmocka_unit_test(attached_inside_the_window),
		cmocka_unit_test(attached_inside_and_argument_unread),
		cmocka_unit_test(attached_inside_and_left_open),
		cmocka_unit_test(attached_inside_and_given_up),
	};

	return cmocka_run_group_tests_name("verdicts: attached late", tests, NULL, NULL);
}
