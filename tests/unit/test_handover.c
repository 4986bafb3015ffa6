// SPDX-License-Identifier: GPL-2.0-only
/* Updates of guests whose memory is iommufd's: what they begin and end with, and what is seen of them. */
#include <errno.h>
#include "iommufd_fixture.h"

static __u64 entered(struct synth *s, size_t nth)
{
	return ((struct rs_ev_ioas *)synth_event(s, RS_EV_IOAS, nth))->op.start_ns;
}

/* The n-th CHANGE_PROCESS: ALLOC and two maps come before. */
#define CHANGE(nth) (3 + (nth))

/* As QEMU does it: it asks, is replaced, and the new program asks for good. */
static void by_exec(void **state)
{
	const struct rs_handover_view *h;
	const struct rs_update_view *u;
	struct rs_result *r;
	__u64 x, stopped;
	struct synth *s;
	__u32 ioas;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	stopped = s->now;
	synth_wait(s, 5 * MS);
	assert_int_equal(synth_change_process(s, x), 0);
	synth_wait(s, 10 * MS);
	synth_exec(s);
	synth_wait(s, 100 * MS);
	synth_access_pin(s, x, NIC, 0, 4, 0);
	synth_devop(s, NIC, x, VFIO_DEVICE_GET_INFO);
	synth_wait(s, 20 * MS);
	assert_int_equal(synth_change_process(s, x), 0);
	synth_wait(s, 3 * MS);
	run(s, VM2);
	r = synth_result(s);
	expect_verdicts(r, "");
	h = only_handover(r);
	u = &r->update[0];
	assert_string_equal(h->begun_by, "probe");
	assert_int_equal(h->start_ns, entered(s, CHANGE(0)));
	assert_int_equal(h->probed_ns, ts_of(s, RS_EV_IOAS, CHANGE(0)));
	assert_int_equal(h->left_ns, ts_of(s, RS_EV_EXEC, 0));
	assert_int_equal(h->change_ns, entered(s, CHANGE(1)));
	assert_int_equal(h->end_ns, ts_of(s, RS_EV_IOAS, CHANGE(1)));
	assert_int_equal(h->end, RS_HANDED_OVER);
	assert_int_equal(h->probes, 1);
	assert_int_equal(h->refused, 0);
	assert_int_equal(h->areas, 2);
	assert_int_equal(h->bytes, 3 * MIB);
	assert_int_equal(h->charged, 3 * MIB / PAGE);
	assert_string_equal(h->from.comm, "proc-100");
	assert_string_equal(h->to.comm, "exec-100");
	assert_int_equal(h->nr_areas, 2);
	assert_int_equal(h->area[1].iova.v, 4 * MIB);
	assert_int_equal(h->area[1].area, RS_AREA_FILE);
	assert_int_equal(h->area[1].backing.piece[0].ino, INO);
	assert_int_equal(h->area[1].backing.piece[0].offset, 2 * MIB);
	assert_string_equal(h->area[1].old_owner.comm, "proc-100");
	assert_string_equal(h->area[1].owner.comm, "exec-100");

	/* What was asked for meanwhile was served through the file. */
	assert_int_equal(h->nr_requests, 1);
	assert_string_equal(h->request[0].op, "pin");
	assert_int_equal(h->request[0].path, RS_PATH_FILE);
	assert_int_equal(h->request[0].requests, 1);
	assert_int_equal(h->request[0].pages, 4);

	assert_int_equal(u->handover, RS_HANDOVER_EXEC);
	assert_int_equal(u->outcome, RS_OUTCOME_DONE);
	assert_int_equal(u->nr_windows, 0);
	assert_int_equal(u->nr_containers, 1);
	assert_int_equal(u->nr_ioctxs, 1);
	assert_int_equal(u->nr_devices, 1);
	assert_int_equal(u->ranges, 2);
	assert_int_equal(u->invalid, 0);
	expect_blackout(u, "vcpus", stopped, ts_of(s, RS_EV_VCPU, 6));
	expect_phases(u, "save probe exec start-up load change resume");
	assert_int_equal(phase_of(u, "save")->len, h->start_ns - stopped);
	assert_int_equal(phase_of(u, "change")->len, h->end_ns - h->change_ns);
	rs_result_free(r);
	synth_free(s);
}

/* The new process was passed the files before, and the old one lives on. */
static void by_passing(void **state)
{
	const struct rs_handover_view *h;
	const struct rs_update_view *u;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	synth_as(s, NEXT);
	synth_passed(s, x, RS_PASSED_CONTAINER, 0, QEMU);
	synth_passed(s, x, RS_PASSED_DEVICE, NIC, QEMU);
	synth_wait(s, 50 * MS);
	synth_devop(s, NIC, x, VFIO_DEVICE_GET_INFO);
	synth_as(s, QEMU);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_as(s, NEXT);
	synth_wait(s, 30 * MS);
	synth_change_process(s, x);
	run(s, VM2);
	synth_as(s, QEMU);
	synth_exit(s, 0);
	r = synth_result(s);
	expect_verdicts(r, "");
	h = only_handover(r);
	u = &r->update[0];
	assert_int_equal(h->from.tgid, QEMU);
	assert_int_equal(h->to.tgid, NEXT);
	assert_int_equal(h->left_ns, 0);
	assert_int_equal(u->handover, RS_HANDOVER_OTHER);
	assert_int_equal(u->outcome, RS_OUTCOME_DONE);
	assert_int_equal(u->passed_ns, ts_of(s, RS_EV_PASSED, 0));
	assert_int_equal(u->set_up_ns, ts_of(s, RS_EV_DEVOP, 0));
	assert_int_equal(u->nr_marks, 2);
	expect_phases(u, "save probe load change resume");
	assert_int_equal(r->ioctx[0].owner.tgid, NEXT);
	assert_int_equal(r->ioctx[0].handovers, 1);
	rs_result_free(r);
	synth_free(s);
}

/* Without a probe it begins with the exec, and without that with the CHANGE_PROCESS. */
static void without_probe(void **state)
{
	const struct rs_handover_view *h;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_wait(s, MS);
	synth_exec(s);
	synth_wait(s, MS);
	synth_change_process(s, x);
	run(s, VM2);
	r = synth_result(s);
	expect_verdicts(r, "");
	h = only_handover(r);
	assert_string_equal(h->begun_by, "exec");
	assert_int_equal(h->start_ns, ts_of(s, RS_EV_EXEC, 0));
	assert_int_equal(r->update[0].handover, RS_HANDOVER_EXEC);
	expect_phases(&r->update[0], "save restart change resume");
	rs_result_free(r);
	synth_free(s);

	s = vmm(&x, &ioas);
	synth_as(s, NEXT);
	synth_wait(s, MS);
	synth_change_process(s, x);
	r = synth_result(s);
	expect_verdicts(r, "");
	h = only_handover(r);
	assert_string_equal(h->begun_by, "change");
	assert_int_equal(h->start_ns, entered(s, CHANGE(0)));
	assert_int_equal(h->from.tgid, QEMU);
	assert_int_equal(r->update[0].handover, RS_HANDOVER_OTHER);
	expect_blackout(&r->update[0], "handover", h->start_ns, h->end_ns);
	rs_result_free(r);
	synth_free(s);
}

/* Without vCPUs a probe shows to have been one only by what comes after it. */
static void probe_without_vcpus(void **state)
{
	const struct rs_handover_view *h;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	synth_change_process(s, x);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->nr_updates, 0);
	assert_int_equal(r->nr_handovers, 0);
	rs_result_free(r);
	synth_wait(s, MS);
	synth_exec(s);
	synth_wait(s, MS);
	synth_change_process(s, x);
	r = synth_result(s);
	expect_verdicts(r, "");
	h = only_handover(r);
	assert_string_equal(h->begun_by, "probe");
	assert_int_equal(h->start_ns, entered(s, CHANGE(0)));
	expect_blackout(&r->update[0], "handover", h->start_ns, h->end_ns);
	expect_phases(&r->update[0], "probe exec restart change");
	rs_result_free(r);
	synth_free(s);

	/* But not if the owner goes on with it. */
	s = vmm(&x, &ioas);
	synth_change_process(s, x);
	synth_ioas_map_file(s, x, ioas, 8 * MIB, MIB, INO, 8 * MIB);
	synth_exec(s);
	synth_change_process(s, x);
	r = judged(s, "");
	assert_string_equal(only_handover(r)->begun_by, "exec");
	rs_result_free(r);
}

/* The old guest runs again: nothing was handed over. */
static void cancelled(void **state)
{
	const struct rs_update_view *u;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_change_process(s, x);
	r = synth_result(s);
	assert_int_equal(r->update[0].outcome, RS_OUTCOME_OPEN);
	assert_int_equal(r->update[0].end_ns, 0);
	rs_result_free(r);
	synth_wait(s, 10 * MS);
	run(s, VM);
	r = synth_result(s);
	expect_verdicts(r, "");
	u = &r->update[0];
	assert_int_equal(only_handover(r)->end, RS_HANDED_CANCELLED);
	assert_int_equal(u->outcome, RS_OUTCOME_CANCELLED);
	assert_int_equal(u->handover, RS_HANDOVER_NONE);
	assert_int_equal(u->to.tgid, QEMU);
	assert_string_equal(u->blackout_from, "vcpus");
	rs_result_free(r);

	/* The next attempt is an update of its own. */
	synth_wait(s, SEC);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_exec(s);
	synth_change_process(s, x);
	run(s, VM2);
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 2);
	assert_int_equal(r->update[0].outcome, RS_OUTCOME_CANCELLED);
	assert_int_equal(r->update[1].outcome, RS_OUTCOME_DONE);
	assert_int_equal(r->ioctx[0].handovers, 2);
	rs_result_free(r);
}

/* One device after the other asks, in the old process and in the new one. */
static void asked_several_times(void **state)
{
	const struct rs_handover_view *h;
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_change_process(s, x);
	synth_exec(s);
	synth_change_process(s, x);
	synth_change_process(s, x);
	synth_change_process(s, x);
	run(s, VM2);
	r = judged(s, "");
	h = only_handover(r);
	assert_int_equal(h->probes, 2);
	assert_int_equal(h->end, RS_HANDED_OVER);
	assert_int_equal(r->ioctx[0].handovers, 1);
	rs_result_free(r);
}

/* The new process asks at its start whether it could, as QEMU does; the old one asks too, and has it again. */
static void taken_back(void **state)
{
	const struct rs_handover_view *h;
	const struct rs_update_view *u;
	struct rs_result *r;
	struct synth *s;
	__u64 x, stopped;
	__u32 ioas;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	synth_as(s, NEXT);
	synth_passed(s, x, RS_PASSED_CONTAINER, 0, QEMU);
	synth_change_process(s, x);
	synth_wait(s, 100 * MS);
	synth_access_pin(s, x, NIC, 0, 4, 0);
	synth_as(s, QEMU);
	stop(s, VM, MS);
	stopped = s->now;
	synth_change_process(s, x);
	synth_wait(s, 20 * MS);
	synth_as(s, NEXT);
	synth_change_process(s, x);
	synth_wait(s, 3 * MS);
	run(s, VM2);
	r = synth_result(s);
	expect_verdicts(r, "");
	h = only_handover(r);
	u = &r->update[0];
	assert_string_equal(h->begun_by, "probe");
	assert_int_equal(h->taken_back, 1);
	assert_int_equal(h->probes, 1);
	assert_int_equal(h->start_ns, entered(s, CHANGE(1)));
	assert_int_equal(h->change_ns, entered(s, CHANGE(2)));
	assert_int_equal(h->end, RS_HANDED_OVER);
	assert_int_equal(h->from.tgid, QEMU);
	assert_int_equal(h->to.tgid, NEXT);
	assert_int_equal(h->areas, 2);
	assert_int_equal(h->nr_areas, 2);
	/* What was asked for before was not inside. */
	assert_int_equal(h->nr_requests, 0);
	assert_int_equal(r->ioctx[0].handovers, 1);
	assert_int_equal(u->start_ns, h->start_ns);
	assert_int_equal(u->handover, RS_HANDOVER_OTHER);
	assert_int_equal(u->outcome, RS_OUTCOME_DONE);
	expect_blackout(u, "vcpus", stopped, ts_of(s, RS_EV_VCPU, 4));
	rs_result_free(r);
	synth_free(s);

	/* Of use once, what follows is another update. */
	s = vmm_with_guest(&x, &ioas);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_as(s, NEXT);
	synth_passed(s, x, RS_PASSED_CONTAINER, 0, QEMU);
	synth_change_process(s, x);
	run(s, VM2);
	synth_wait(s, SEC);
	stop(s, VM2, MS);
	synth_as(s, QEMU);
	synth_change_process(s, x);
	run(s, VM3);
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 2);
	assert_int_equal(r->nr_handovers, 2);
	assert_int_equal(r->handover[1].taken_back, 0);
	rs_result_free(r);
}

/* What failed is kept, with the reason. */
static void refused(void **state)
{
	const struct rs_handover_view *h;
	struct rs_result *r;
	struct synth *s;
	char why[128];
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	synth_ioas_map(s, x, ioas, 16 * MIB, MIB);
	stop(s, VM, MS);
	assert_int_equal(synth_change_process(s, x), -EINVAL);
	run(s, VM);
	stop(s, VM, MS);
	synth_ioas_unmap(s, x, ioas, 16 * MIB);
	synth_change_process(s, x);
	synth_exec(s);
	s->twist.ret = -ENOMEM;
	synth_change_process(s, x);
	s->twist.ret = -EBUSY;
	synth_change_process(s, x);
	synth_change_process(s, x);
	run(s, VM2);
	r = judged(s, "");
	h = only_handover(r);
	assert_int_equal(h->refused, 2);
	assert_int_equal(r->nr_refusals, 3);
	assert_true(r->refusal[0].probe);
	assert_int_equal(r->refusal[0].handover, 0);
	assert_int_equal(r->refusal[0].err, EINVAL);
	assert_int_equal(r->refusal[0].areas, 3);
	assert_int_equal(r->refusal[0].user_areas, 1);
	assert_string_equal(rs_refusal_why(&r->refusal[0], why, sizeof(why)),
			    "1 area is known by vaddr");
	assert_false(r->refusal[1].probe);
	assert_int_equal(r->refusal[1].handover, h->id);
	assert_string_equal(rs_refusal_why(&r->refusal[1], why, sizeof(why)),
			    "over the new owner's limit of locked memory");
	assert_string_equal(rs_refusal_why(&r->refusal[2], why, sizeof(why)),
			    "an area was being unmapped");
	assert_int_equal(r->nr_failures, 3);
	assert_string_equal(r->failure[0].call, "IOMMU_IOAS_CHANGE_PROCESS");
	rs_result_free(r);
}

/* A program that leaves and takes its context along hands nothing over. */
static void context_goes_along(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	synth_exec(s);
	synth_iommufd_release(s, x);
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 0);
	assert_int_equal(r->nr_handovers, 0);
	assert_int_equal(r->ioctx[0].handovers, 0);
	rs_result_free(r);

	/* But one that was tried, and then given up, is shown. */
	s = vmm(&x, &ioas);
	synth_exec(s);
	s->twist.ret = -ENOMEM;
	synth_change_process(s, x);
	synth_iommufd_release(s, x);
	r = judged(s, "");
	assert_int_equal(only_handover(r)->end, RS_HANDED_GIVEN_UP);
	assert_int_equal(r->update[0].outcome, RS_OUTCOME_FAILED);
	rs_result_free(r);
}

/* Two contexts of one guest are one update; those of two guests are two. */
static void two_contexts(void **state)
{
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
	synth_change_process(s, x);
	synth_change_process(s, y);
	synth_exec(s);
	synth_change_process(s, y);
	synth_change_process(s, x);
	run(s, VM2);
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 1);
	assert_int_equal(r->nr_handovers, 2);
	assert_int_equal(r->update[0].nr_handovers, 2);
	assert_int_equal(r->update[0].nr_ioctxs, 2);
	assert_int_equal(r->update[0].nr_containers, 2);
	assert_int_equal(r->update[0].ranges, 3);
	expect_phases(&r->update[0], "save probe exec restart change resume");
	rs_result_free(r);

	s = vmm(&x, &ioas);
	synth_as(s, OTHER);
	y = synth_iommufd(s);
	other = synth_ioas(s, y);
	synth_ioas_map_file(s, y, other, 0, MIB, INO + 1, 0);
	synth_exec(s);
	synth_as(s, QEMU);
	synth_exec(s);
	synth_change_process(s, x);
	synth_as(s, OTHER);
	synth_change_process(s, y);
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 2);
	assert_int_equal(r->update[0].from.tgid, OTHER);
	assert_int_equal(r->update[1].from.tgid, QEMU);
	rs_result_free(r);
}

/* A type1 container and a context of one guest. */
static void with_windows(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x, c;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	c = container(s);
	stop(s, VM, MS);
	synth_invalidate_all(s, c);
	synth_change_process(s, x);
	synth_exec(s);
	synth_change_process(s, x);
	synth_remap(s, c, 0, MIB, INO, 0);
	run(s, VM2);
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 1);
	assert_int_equal(r->update[0].nr_windows, 1);
	assert_int_equal(r->update[0].nr_handovers, 1);
	assert_int_equal(r->update[0].outcome, RS_OUTCOME_DONE);
	expect_phases(&r->update[0], "save invalidate exec restart remap resume");
	rs_result_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_exec),
		cmocka_unit_test(by_passing),
		cmocka_unit_test(without_probe),
		cmocka_unit_test(probe_without_vcpus),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(asked_several_times),
		cmocka_unit_test(taken_back),
		cmocka_unit_test(refused),
		cmocka_unit_test(context_goes_along),
		cmocka_unit_test(two_contexts),
		cmocka_unit_test(with_windows),
	};

	return cmocka_run_group_tests_name("iommufd: hand-overs", tests, NULL, NULL);
}
