// SPDX-License-Identifier: GPL-2.0-only
/* Who may map and unmap after a hand-over: broken and nearly broken, and what the others say. */
#include <errno.h>
#include "judge.h"

#define THIRD 201

/* QEMU has handed both ranges over to NEXT; what comes is done by QEMU. */
static struct synth *handed_over(__u64 *c)
{
	struct synth *s = two_ranges(c);

	synth_invalidate_all(s, *c);
	synth_as(s, NEXT);
	remap_both(s, *c);
	synth_as(s, QEMU);
	return s;
}

static void old_owner_goes_on(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = handed_over(&c);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	r = synth_result(s);
	expect_verdicts(r, "one-owner=violated");
	f = expect_finding(r, "one-owner",
			   "u1 c1 range 0x800000 size 0x100000 was mapped by process 100, which "
			   "had handed the container over to process 200");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_MAP, RS_EV_MAP);
	expect_proof(f, synth_event(s, RS_EV_UNMAP, 0));
	expect_proof(f, synth_event(s, RS_EV_MAP, 2));
	expect_proof(f, synth_event(s, RS_EV_MAP, 4));
	expect_path(f, "undivided handed-over, handed-over changed");
	assert_int_equal(f->container, 1);
	rs_result_free(r);
	synth_free(s);

	s = handed_over(&c);
	synth_unmap(s, c, 0, 2 * MIB);
	r = judged(s, "one-owner=violated");
	expect_finding(r, "one-owner",
		       "u1 c1 had ranges unmapped by process 100, which had handed the container "
		       "over to process 200");
	rs_result_free(r);

	/* Its invalidation is one; what it remaps then itself is another. */
	s = handed_over(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	r = judged(s, "one-owner=violated");
	assert_int_equal(nr_findings(r, "one-owner"), 2);
	assert_string_equal(r->finding[0].text,
			    "u1 c1 had ranges invalidated by process 100, which had handed the "
			    "container over to process 200");
	assert_string_equal(r->finding[1].text,
			    "u1 c1 range 0x0 size 0x200000 was remapped by process 100, which had "
			    "handed the container over to process 200");
	assert_int_equal(r->finding[1].nr_steps, 1);
	rs_result_free(r);
}

static void both_remap(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_as(s, QEMU);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "one-owner=violated");
	f = expect_finding(r, "one-owner",
			   "u1 c1 range 0x400000 size 0x100000 was remapped by process 100, which "
			   "had handed the container over to process 200");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_MAP, RS_EV_MAP);
	assert_int_equal(f->window, 1);
	rs_result_free(r);
}

static void along_a_chain(void **state)
{
	/* Who acts in the end, and what is said of it. */
	static const struct {
		__u32 pid;
		const char *verdicts;
	} cases[] = {
		{ THIRD, "" },
		{ NEXT, "one-owner=violated" },
		{ QEMU, "one-owner=violated" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct synth *s;
		__u64 c;

		s = handed_over(&c);
		synth_as(s, NEXT);
		synth_invalidate_all(s, c);
		synth_as(s, THIRD);
		remap_both(s, c);
		synth_as(s, cases[i].pid);
		synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
		expect_judged(s, cases[i].verdicts);
	}
}

static void handed_back(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	for (int again = 0; again < 2; again++) {
		s = handed_over(&c);
		synth_as(s, NEXT);
		synth_invalidate_all(s, c);
		synth_as(s, QEMU);
		remap_both(s, c);
		synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
		synth_unmap(s, c, 8 * MIB, MIB);
		synth_as(s, again ? NEXT : QEMU);
		synth_unmap(s, c, 0, 2 * MIB);
		r = judged(s, again ? "one-owner=violated" : "");
		if (again)
			expect_finding(r, "one-owner",
				       "u2 c1 had ranges unmapped by process 200, which had "
				       "handed the container over to process 100");
		rs_result_free(r);
	}
}

static void no_split(void **state)
{
	struct synth *s;
	__u64 c, other;

	(void)state;
	/* Cancelled: the new process got nothing. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	s->twist.ret = -EINVAL;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_as(s, QEMU);
	remap_both(s, c);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	expect_judged(s, "");

	/* By exec: the process stays. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	expect_judged(s, "");

	/* What fails changes nothing, nor does an unmap of nothing, nor a look. */
	s = handed_over(&c);
	s->twist.ret = -EEXIST;
	synth_map(s, c, 0, MIB, INO, 0);
	synth_unmap(s, c, 64 * MIB, MIB);
	synth_ioctl(s, c, 0x3b70);
	expect_judged(s, "");

	/* The old owner exits; a child of it has nothing to do with it. */
	s = handed_over(&c);
	synth_fork(s, THIRD, false);
	synth_exit(s, 0);
	synth_as(s, THIRD);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	synth_as(s, NEXT);
	synth_unmap(s, c, 8 * MIB, MIB);
	synth_release(s, c);
	expect_judged(s, "");

	/* Its number becomes another's. */
	s = handed_over(&c);
	synth_exit(s, 0);
	synth_as(s, THIRD);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	((struct rs_event *)synth_event(s, RS_EV_MAP, 4))->tgid = QEMU;
	expect_judged(s, "");

	/* Another container of the same update stays where it is, and others than the old owner's. */
	s = two_ranges(&c);
	other = synth_open(s);
	synth_map(s, other, 0, 2 * MIB, INO, 0);
	synth_invalidate_all(s, c);
	synth_invalidate_all(s, other);
	synth_as(s, NEXT);
	remap_both(s, c);
	synth_as(s, QEMU);
	synth_remap(s, other, 0, 2 * MIB, INO, 0);
	synth_unmap(s, other, 0, 2 * MIB);
	expect_judged(s, "");
}

/* Each container of an update is looked at by itself. */
static void one_of_two_containers(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c, other;

	(void)state;
	s = two_ranges(&c);
	other = synth_open(s);
	synth_map(s, other, 0, 2 * MIB, INO, 0);
	synth_invalidate_all(s, c);
	synth_invalidate_all(s, other);
	synth_as(s, NEXT);
	remap_both(s, c);
	synth_remap(s, other, 0, 2 * MIB, INO, 0);
	synth_as(s, QEMU);
	synth_unmap(s, other, 0, 2 * MIB);
	r = judged(s, "one-owner=violated");
	assert_int_equal(r->nr_updates, 1);
	f = expect_finding(r, "one-owner",
			   "u1 c2 had ranges unmapped by process 100, which had handed the "
			   "container over to process 200");
	assert_int_equal(f->container, 2);
	/* The hand-over of that container is in it. */
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_MAP, RS_EV_MAP, RS_EV_UNMAP);
	rs_result_free(r);
}

/* The new owner fails and exits: the old one takes up what nobody has. */
static void rescued(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	s->twist.killed = 9;
	synth_exit(s, 0);
	synth_as(s, QEMU);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	/* That the first range is lost is another matter. */
	expect_judged(s, "all-before-exec=violated");
}

/* Begun inside a window: who had the container before is not known. */
static void found_inside(void **state)
{
	static const struct {
		__u32 last;
		enum rs_verdict verdict;
	} cases[] = { { NEXT, RS_PASS }, { QEMU, RS_UNKNOWN } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rs_result *r;
		struct synth *s;
		__u64 c;

		s = synth_new();
		synth_unrecorded(s, true);
		synth_as(s, QEMU);
		c = synth_open(s);
		synth_map(s, c, 0, 2 * MIB, INO, 0);
		synth_map(s, c, 4 * MIB, MIB, INO, 2 * MIB);
		synth_invalidate_all(s, c);
		synth_unrecorded(s, false);
		synth_as(s, NEXT);
		synth_remap(s, c, 0, 2 * MIB, INO, 0);
		synth_as(s, cases[i].last);
		synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
		r = synth_result(s);
		assert_int_equal(verdict_of(r, "one-owner"), cases[i].verdict);
		if (cases[i].verdict == RS_UNKNOWN)
			expect_finding(r, "one-owner",
				       "u1 c1 range 0x400000 size 0x100000 was remapped by process "
				       "100, which had perhaps handed the container over to "
				       "process 200");
		rs_result_free(r);
		synth_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_owner_goes_on), cmocka_unit_test(both_remap),
		cmocka_unit_test(along_a_chain),     cmocka_unit_test(handed_back),
		cmocka_unit_test(no_split),	     cmocka_unit_test(one_of_two_containers),
		cmocka_unit_test(rescued),	     cmocka_unit_test(found_inside),
	};

	return cmocka_run_group_tests_name("rules: one owner", tests, NULL, NULL);
}
