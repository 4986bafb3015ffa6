// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-handover: what violates it, and what nearly does. */
#include <errno.h>
#include "iommufd_fixture.h"

/* The new program runs its guest, and has not asked for the areas. */
static void forgotten_after_exec(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_exec(s);
	synth_wait(s, 100 * MS);
	run(s, VM2);
	r = synth_result(s);
	expect_verdicts(r, "iommufd-handover=violated");
	f = expect_finding(r, "iommufd-handover",
			   "i1 has its guest running in the new program of process 100, and its "
			   "areas are charged to the old one: no CHANGE_PROCESS has succeeded");
	expect_path(f, "owned owner-left, left other-runs");
	expect_excerpt(f, RS_EV_IOAS, RS_EV_EXEC, RS_EV_VCPU);
	assert_int_equal(f->at_ns, ts_of(s, RS_EV_VCPU, 6));
	assert_int_equal(f->ioctx, 1);
	assert_int_equal(f->handover, 1);
	assert_int_equal(f->container, 1);
	assert_int_equal(f->nr_ranges, 0);
	rs_result_free(r);

	/* What comes too late does not mend it, and is no second fault. */
	synth_change_process(s, x);
	synth_vcpu_stop(s, VM2, 0);
	synth_vcpu_run(s, VM2, 0);
	expect_judged(s, "iommufd-handover=violated");
}

static void forgotten_after_passing(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	synth_as(s, NEXT);
	synth_passed(s, x, RS_PASSED_CONTAINER, 0, QEMU);
	synth_as(s, QEMU);
	stop(s, VM, MS);
	synth_as(s, NEXT);
	run(s, VM2);
	r = judged(s, "iommufd-handover=violated");
	expect_finding(
		r, "iommufd-handover",
		"i1 has its guest running in process 200, and its areas are charged to process "
		"100: no CHANGE_PROCESS by process 200 has succeeded since");
	rs_result_free(r);
}

/* It was tried and refused: what for is said. */
static void refused_for_good(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_exec(s);
	s->twist.ret = -ENOMEM;
	synth_change_process(s, x);
	run(s, VM2);
	r = judged(s, "iommufd-handover=violated");
	f = expect_finding(
		r, "iommufd-handover",
		"i1 has its guest running in the new program of process 100, and its areas are "
		"charged to the old one: no CHANGE_PROCESS has succeeded (1 failed, the last one: "
		"over the new owner's limit of locked memory)");
	expect_excerpt(f, RS_EV_EXEC, RS_EV_IOAS, RS_EV_VCPU);
	rs_result_free(r);
}

/* An area that is known by a vaddr keeps all others from being handed over. */
static void vaddr_left_at_exec(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	synth_ioas_map(s, x, ioas, 16 * MIB, MIB);
	stop(s, VM, MS);
	synth_exec(s);
	assert_int_equal(synth_change_process(s, x), -EINVAL);
	run(s, VM2);
	synth_ioas_unmap(s, x, ioas, 16 * MIB);
	r = judged(s, "all-before-exec=violated iommufd-handover=violated");
	f = expect_finding(
		r, "all-before-exec",
		"c1 range 0x1000000 size 0x100000 still had the old vaddr when its owner's "
		"memory went away, and its container lives on");
	assert_string_equal(f->expected,
			    "memory that is mapped by its file (IOMMU_IOAS_MAP_FILE), or an unmap "
			    "before the exec or exit");
	expect_excerpt(f, RS_EV_IOAS, RS_EV_EXEC, RS_EV_REMOVE);
	rs_result_free(r);
}

/* Where no vCPU is seen, a use of the context tells; or time. */
static void used_without_owner(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	synth_exec(s);
	synth_wait(s, SEC);
	synth_ioas_map_file(s, x, ioas, 16 * MIB, MIB, INO, 16 * MIB);
	r = judged(s, "iommufd-handover=violated");
	expect_finding(r, "iommufd-handover",
		       "i1 is used by the new program of process 100, and its areas are charged to "
		       "the old one, which has left: no CHANGE_PROCESS has succeeded");
	rs_result_free(r);

	s = vmm(&x, &ioas);
	synth_as(s, NEXT);
	synth_passed(s, x, RS_PASSED_CONTAINER, 0, QEMU);
	synth_as(s, QEMU);
	synth_exit(s, 0);
	synth_as(s, NEXT);
	synth_ioas_attach(s, x, ioas, MDEV, true);
	r = judged(s, "iommufd-handover=violated");
	expect_finding(r, "iommufd-handover",
		       "i1 is used by process 200, and its areas are charged to another, which has "
		       "left: no CHANGE_PROCESS has succeeded");
	rs_result_free(r);

	/* What it does when it has asked is its own. */
	s = vmm(&x, &ioas);
	synth_exec(s);
	synth_change_process(s, x);
	synth_ioas_map_file(s, x, ioas, 16 * MIB, MIB, INO, 16 * MIB);
	expect_judged(s, "");
}

static void ownerless_for_too_long(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	synth_exec(s);
	synth_wait(s, 59 * SEC);
	synth_change_process(s, x);
	expect_judged(s, "");

	s = vmm(&x, &ioas);
	synth_exec(s);
	s->ended_ns = s->now + 61 * SEC;
	r = synth_result(s);
	expect_verdicts(r, "iommufd-handover=violated");
	f = expect_finding(
		r, "iommufd-handover",
		"i1 has had no owner for more than 60 s: process 100, which its areas are "
		"charged to, has left, and no CHANGE_PROCESS has succeeded");
	assert_int_equal(f->at_ns, ts_of(s, RS_EV_EXEC, 0) + 60 * SEC);
	rs_result_free(r);
	s->ended_ns = s->now + 59 * SEC;
	r = judged(s, "iommufd-handover=unknown");
	expect_finding(
		r, "iommufd-handover",
		"i1 has no owner yet: process 100, which its areas are charged to, has left, "
		"and here the recording ends");
	rs_result_free(r);
}

/* Two believe that the guest is theirs. */
static void old_guest_runs(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	synth_as(s, NEXT);
	synth_passed(s, x, RS_PASSED_CONTAINER, 0, QEMU);
	synth_as(s, QEMU);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_as(s, NEXT);
	synth_change_process(s, x);
	synth_as(s, QEMU);
	run(s, VM);
	r = judged(s, "iommufd-handover=violated");
	f = expect_finding(r, "iommufd-handover",
			   "i1 has its guest running in process 100, and its areas are charged to "
			   "process 200: no CHANGE_PROCESS by process 100 has succeeded since");
	expect_excerpt(f, RS_EV_IOAS, RS_EV_VCPU);
	rs_result_free(r);

	/* Unless it gets them back. */
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_as(s, NEXT);
	synth_change_process(s, x);
	synth_as(s, QEMU);
	synth_change_process(s, x);
	run(s, VM);
	expect_judged(s, "");
}

/* Nothing of this is a fault. */
static void near_misses(void **state)
{
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	/* It asked, and went on. */
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_change_process(s, x);
	run(s, VM);
	expect_judged(s, "");

	/* It asked and was told that it cannot be. */
	s = vmm_with_guest(&x, &ioas);
	synth_ioas_map(s, x, ioas, 16 * MIB, MIB);
	stop(s, VM, MS);
	synth_change_process(s, x);
	run(s, VM);
	expect_judged(s, "");

	/* Failed and tried again. */
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_exec(s);
	s->twist.ret = -EBUSY;
	synth_change_process(s, x);
	synth_change_process(s, x);
	run(s, VM2);
	expect_judged(s, "");

	/* No guest ran, and everything was given up. */
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_exec(s);
	synth_iommufd_release(s, x);
	expect_judged(s, "");

	/* All areas were taken down: there is nothing to hand over. */
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_exec(s);
	synth_ioas_unmap(s, x, ioas, 0);
	synth_ioas_unmap(s, x, ioas, 4 * MIB);
	run(s, VM2);
	expect_judged(s, "");

	/* An owner that exits takes its context along. */
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_exit(s, 0);
	synth_iommufd_release(s, x);
	expect_judged(s, "");

	/* Another process that runs a guest of its own. */
	s = vmm_with_guest(&x, &ioas);
	synth_as(s, OTHER);
	container(s);
	synth_vcpu_run(s, VM3, 0);
	expect_judged(s, "");

	/* A child that executes something else has copied the mm, and leaves nothing. */
	s = vmm_with_guest(&x, &ioas);
	synth_fork(s, OTHER, false);
	synth_as(s, OTHER);
	synth_exec(s);
	synth_as(s, QEMU);
	synth_vcpu_stop(s, VM, 0);
	synth_vcpu_run(s, VM, 0);
	expect_judged(s, "");

	/* One that has shared it, too. */
	s = vmm_with_guest(&x, &ioas);
	synth_fork(s, OTHER, true);
	synth_as(s, OTHER);
	synth_exec(s);
	synth_as(s, QEMU);
	synth_vcpu_stop(s, VM, 0);
	synth_vcpu_run(s, VM, 0);
	expect_judged(s, "");
}

/* Two contexts: one handed over, one forgotten. */
static void one_of_two(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas, other;
	__u64 x, y;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	y = synth_iommufd(s);
	other = synth_ioas(s, y);
	synth_ioas_map_file(s, y, other, 0, MIB, INO + 1, 0);
	stop(s, VM, MS);
	synth_exec(s);
	synth_change_process(s, x);
	run(s, VM2);
	r = judged(s, "iommufd-handover=violated");
	f = expect_finding(
		r, "iommufd-handover",
		"i2 has its guest running in the new program of process 100, and its areas "
		"are charged to the old one: no CHANGE_PROCESS has succeeded");
	assert_int_equal(f->container, 2);
	rs_result_free(r);
}

/* Found when the recording began, with its owner already gone. */
static void found_without_owner(void **state)
{
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	for (int forgotten = 0; forgotten < 2; forgotten++) {
		s = synth_new();
		synth_as(s, QEMU);
		synth_unrecorded(s, true);
		x = synth_iommufd(s);
		ioas = synth_ioas(s, x);
		synth_ioas_map_file(s, x, ioas, 0, MIB, INO, 0);
		synth_exec(s);
		synth_unrecorded(s, false);
		synth_introduce(s);
		synth_iommufd_snapshot(s, x, RS_SNAP_START);
		if (!forgotten)
			synth_change_process(s, x);
		synth_vcpu_run(s, VM2, 0);
		expect_judged(s, forgotten ? "iommufd-handover=violated" : "");
	}
}

/* A record that is lost may have been the CHANGE_PROCESS; one of another container was not. */
static void loss(void **state)
{
	struct synth *s;
	__u32 ioas;
	__u64 x, c;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_exec(s);
	synth_change_process(s, x);
	synth_drop(s, synth_last(s));
	run(s, VM2);
	synth_tell_lost(s);
	expect_judged(s, "all-before-exec=unknown locked-conserved=unknown owner-mm=unknown "
			 "translation-stable=unknown iommufd-handover=unknown");

	s = vmm_with_guest(&x, &ioas);
	synth_as(s, OTHER);
	c = container(s);
	synth_ioctl(s, c, 0x3b70);
	synth_drop(s, synth_last(s));
	synth_as(s, QEMU);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_exec(s);
	run(s, VM2);
	synth_tell_lost(s);
	expect_judged(s, "all-before-exec=unknown iommufd-handover=violated");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgotten_after_exec),
		cmocka_unit_test(forgotten_after_passing),
		cmocka_unit_test(refused_for_good),
		cmocka_unit_test(vaddr_left_at_exec),
		cmocka_unit_test(used_without_owner),
		cmocka_unit_test(ownerless_for_too_long),
		cmocka_unit_test(old_guest_runs),
		cmocka_unit_test(near_misses),
		cmocka_unit_test(one_of_two),
		cmocka_unit_test(found_without_owner),
		cmocka_unit_test(loss),
	};

	return cmocka_run_group_tests_name("rules: iommufd-handover", tests, NULL, NULL);
}
