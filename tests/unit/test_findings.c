// SPDX-License-Identifier: GPL-2.0-only
/* What one moment says of several objects is one finding; and what a guest that runs says. */
#include "judge.h"

#define VM  0xffff888200000000ULL
#define VM2 0xffff888200100000ULL

#define TWO	 "c1 2 ranges, the first at iova 0x0 size 0x200000: each "
#define GIVEN_UP "had no vaddr when its container was given up, by a process that lived"

/* The only finding there is. */
static const struct rs_finding *only(const struct rs_result *r, const char *rule, __u64 objects,
				     const char *text)
{
	const struct rs_finding *f = &r->finding[0];

	assert_int_equal(r->nr_findings, 1);
	assert_string_equal(f->rule, rule);
	assert_string_equal(f->text, text);
	assert_int_equal(f->objects, objects);
	assert_int_equal(f->nr_ranges, objects);
	return f;
}

/* The container's end takes its ranges one by one. */
static void at_the_end_of_a_container(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	for (int detach = 0; detach <= 1; detach++) {
		s = two_ranges(&c);
		synth_attach(s, c);
		synth_invalidate_all(s, c);
		if (detach)
			synth_detach_last(s, c);
		else
			synth_release(s, c);
		r = judged(s, "window-closed=violated");
		f = only(r, "window-closed", 2, TWO GIVEN_UP);
		assert_int_equal(f->range[0].iova.v, 0);
		assert_int_equal(f->range[0].size, 2 * MIB);
		assert_int_equal(f->range[1].iova.v, 4 * MIB);
		assert_int_equal(f->range[1].size, MIB);
		expect_excerpt(f, RS_EV_UNMAP, RS_EV_REMOVE);
		assert_int_equal(r->rule[0].findings, 2);
		rs_result_free(r);
	}

	/* One is none of several. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_release(s, c);
	r = judged(s, "window-closed=violated");
	only(r, "window-closed", 1, "c1 range 0x0 size 0x200000 " GIVEN_UP);
	rs_result_free(r);
}

static void not_of_one_moment(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c, other;

	(void)state;
	/* Of two containers. */
	s = two_ranges(&c);
	other = synth_open(s);
	synth_map(s, other, 0, MIB, INO, 8 * MIB);
	synth_invalidate_all(s, c);
	synth_invalidate_all(s, other);
	synth_release(s, c);
	synth_release(s, other);
	r = judged(s, "window-closed=violated");
	assert_int_equal(r->nr_findings, 2);
	assert_int_equal(r->finding[0].objects, 2);
	assert_int_equal(r->finding[1].objects, 1);
	rs_result_free(r);

	/* By two requests, to each of which a clock of its own belongs. */
	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_invalidate(s, c, 4 * MIB, MIB);
	synth_wait(s, 70 * SEC);
	remap_both(s, c);
	r = judged(s, "window-closed=violated");
	assert_int_equal(r->nr_findings, 2);
	rs_result_free(r);

	/* By one. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_wait(s, 70 * SEC);
	remap_both(s, c);
	r = judged(s, "window-closed=violated");
	only(r, "window-closed", 2, TWO "has been without a vaddr for more than 60 s");
	rs_result_free(r);
}

/* Only one of them can be explained by what is missing. */
static void not_of_one_verdict(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_ioctl(s, c, 0x3b70);
	synth_drop(s, synth_last(s));
	synth_ioctl(s, c, 0x3b70);
	synth_invalidate(s, c, 4 * MIB, MIB);
	synth_release(s, c);
	r = synth_result(s);
	assert_int_equal(verdict_of(r, "window-closed"), RS_VIOLATED);
	assert_int_equal(r->nr_findings, 2);
	assert_int_equal(r->finding[0].verdict, RS_UNKNOWN);
	assert_int_equal(r->finding[1].verdict, RS_VIOLATED);
	assert_int_equal(r->finding[1].objects, 1);
	assert_int_equal(r->finding[1].range[0].iova.v, 4 * MIB);
	rs_result_free(r);
	synth_free(s);
}

static void when_the_recording_ends(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	r = judged(s, "window-closed=unknown");
	only(r, "window-closed", 2, TWO "has no vaddr yet, and here the recording ends");
	rs_result_free(r);
}

/* A guest runs with ranges that have no vaddr. */
static void guest_runs(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	/* The old one, */
	s = two_ranges(&c);
	synth_vcpu_run(s, VM, 0);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_vcpu_run(s, VM, 0);
	synth_release(s, c);
	r = judged(s, "window-closed=violated");
	f = only(r, "window-closed", 2,
		 TWO "had no vaddr when the guest ran again in the old process 100: the update was "
		     "abandoned half-way");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_VCPU);
	rs_result_free(r);

	/* the new one, */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_vcpu_run(s, VM2, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "window-closed=violated");
	only(r, "window-closed", 1,
	     "c1 range 0x400000 size 0x100000 had no vaddr yet when the guest ran in the new "
	     "process 200");
	rs_result_free(r);

	/* the new program, */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_vcpu_run(s, VM2, 0);
	remap_both(s, c);
	r = judged(s, "window-closed=violated");
	only(r, "window-closed", 2,
	     TWO "had no vaddr yet when the guest ran in the new process 100");
	rs_result_free(r);

	/* and one that was not stopped. */
	s = two_ranges(&c);
	synth_vcpu_run(s, VM, 0);
	synth_invalidate_all(s, c);
	remap_both(s, c);
	r = judged(s, "window-closed=violated");
	f = only(r, "window-closed", 2,
		 TWO "lost its vaddr while the guest was running in process 100");
	expect_excerpt(f, RS_EV_VCPU, RS_EV_UNMAP);
	rs_result_free(r);
}

/* The old owner's guest runs on after the new one has taken over. */
static void both_run(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	for (int dies = 0; dies <= 1; dies++) {
		s = two_ranges(&c);
		for (__u32 i = 0; i < 2; i++) {
			synth_vcpu_run(s, VM, i);
			synth_vcpu_stop(s, VM, i);
		}
		synth_invalidate_all(s, c);
		synth_as(s, NEXT);
		remap_both(s, c);
		synth_vcpu_run(s, VM2, 0);
		if (dies)
			synth_exit(s, 1);
		synth_as(s, QEMU);
		for (__u32 i = 0; i < 2; i++)
			synth_vcpu_run(s, VM, i);
		r = synth_result(s);
		/* Of one that is no more, the old owner has all that there is: not its memory, though. */
		assert_int_equal(verdict_of(r, "one-owner"), dies ? RS_PASS : RS_VIOLATED);
		if (!dies) {
			f = expect_finding(r, "one-owner",
					   "u1 c1 has its guest running in process 100, which had "
					   "handed the container over to process 200: both believe "
					   "that they own it");
			expect_path(f, "undivided handed-over, handed-over old-runs");
			expect_excerpt(f, RS_EV_UNMAP, RS_EV_MAP, RS_EV_VCPU);
		}
		rs_result_free(r);
		synth_free(s);
	}

	/* Handed back: it may. */
	s = two_ranges(&c);
	synth_vcpu_run(s, VM, 0);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	remap_both(s, c);
	synth_vcpu_run(s, VM2, 0);
	synth_vcpu_stop(s, VM2, 0);
	synth_invalidate_all(s, c);
	synth_as(s, QEMU);
	remap_both(s, c);
	synth_vcpu_run(s, VM, 0);
	expect_judged(s, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_end_of_a_container),
		cmocka_unit_test(not_of_one_moment),
		cmocka_unit_test(not_of_one_verdict),
		cmocka_unit_test(when_the_recording_ends),
		cmocka_unit_test(guest_runs),
		cmocka_unit_test(both_run),
	};

	return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
