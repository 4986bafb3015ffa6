// SPDX-License-Identifier: GPL-2.0-only
/* An update as one thing: who takes part in it, and what became of it. */
#include "guest_fixture.h"

static void to_another_process(void **state)
{
	const struct rs_update_view *u;
	__u64 c, stopped, remapped;
	struct rs_result *r;
	struct synth *s;

	(void)state;
	for (int late = 0; late < 2; late++) {
		s = guest(&c);
		if (late)
			stop(s, VM, 0);
		synth_as(s, NEXT);
		synth_passed(s, c, RS_PASSED_CONTAINER, 0, QEMU);
		synth_passed(s, c, RS_PASSED_DEVICE, DEV, QEMU);
		synth_devop(s, DEV, c, VFIO_DEVICE_GET_IRQ_INFO);
		synth_wait(s, 50 * MS);
		synth_as(s, QEMU);
		if (!late)
			stop(s, VM, 0);
		stopped = ((struct synth_vcpu *)&s->vcpu[1])->exit_ns;
		synth_wait(s, 3 * MS);
		synth_invalidate_all(s, c);
		synth_wait(s, 4 * MS);
		synth_as(s, NEXT);
		synth_remap(s, c, 0, MIB, INO, 0);
		remapped = s->now;
		run(s, VM2);
		r = synth_result(s);
		assert_int_equal(r->nr_updates, 1);
		u = &r->update[0];
		assert_int_equal(u->outcome, RS_OUTCOME_DONE);
		assert_int_equal(u->handover, RS_HANDOVER_OTHER);
		assert_int_equal(u->from.tgid, QEMU);
		assert_int_equal(u->to.tgid, NEXT);
		expect_blackout(u, "vcpus", stopped, ts_of(s, RS_EV_VCPU, 4));
		expect_phases(u, "save invalidate load remap resume");
		assert_int_equal(phase_of(u, "resume")->start_ns, remapped);
		assert_int_equal(u->passed_ns, ts_of(s, RS_EV_PASSED, 0));
		assert_int_equal(u->set_up_ns, ts_of(s, RS_EV_DEVOP, 0));
		assert_true(u->started_ns && u->started_ns < u->passed_ns);
		assert_int_equal(u->nr_marks, 2);
		assert_string_equal(u->mark[0].what, "container's file passed");
		assert_string_equal(u->mark[1].what, "device's file passed");
		assert_int_equal(u->mark[1].proc.tgid, NEXT);
		rs_result_free(r);
		synth_free(s);
	}
}

static void in_place(void **state)
{
	const struct rs_update_view *u;
	struct rs_result *r;
	__u64 c, stopped;
	struct synth *s;

	(void)state;
	s = guest(&c);
	stop(s, VM, 0);
	stopped = s->now;
	synth_invalidate_all(s, c);
	synth_wait(s, 7 * MS);
	synth_remap(s, c, 0, MIB, INO, 0);
	run(s, VM);
	r = judged(s, "");
	u = &r->update[0];
	assert_int_equal(u->outcome, RS_OUTCOME_IN_PLACE);
	assert_string_equal(u->blackout_from, "vcpus");
	assert_int_equal(u->blackout_ns, stopped);
	expect_phases(u, "save invalidate between remap resume");
	assert_int_equal(u->vcpu[0].old_vm, u->vcpu[0].new_vm);
	rs_result_free(r);
}

static void abandoned(void **state)
{
	const struct rs_update_view *u;
	struct rs_result *r;
	struct synth *s;
	__u64 c, again;

	(void)state;
	s = guest(&c);
	synth_map(s, c, 2 * MIB, MIB, INO, MIB);
	stop(s, VM, 0);
	synth_as(s, NEXT);
	synth_passed(s, c, RS_PASSED_CONTAINER, 0, QEMU);
	synth_as(s, QEMU);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_exit(s, 1);
	synth_as(s, QEMU);
	synth_wait(s, MS);
	run(s, VM);
	again = ts_of(s, RS_EV_VCPU, 4);
	synth_wait(s, SEC);
	r = synth_result(s);
	assert_int_equal(r->nr_updates, 1);
	u = &r->update[0];
	assert_int_equal(u->outcome, RS_OUTCOME_ABANDONED);
	assert_int_equal(u->abandoned_ns, again);
	assert_int_equal(u->end_ns, again);
	assert_int_equal(u->ranges, 2);
	assert_int_equal(u->invalid, 1);
	assert_null(u->blackout_from);
	assert_int_equal(u->blackout_len, 0);
	rs_result_free(r);

	/* The next attempt is another update, also while the first one's window is open. */
	s->rule = NULL;
	stop(s, VM, 0);
	__u64 c2 = container(s);

	synth_invalidate_all(s, c2);
	synth_exec(s);
	synth_remap(s, c2, 0, MIB, INO, 0);
	run(s, VM2);
	r = synth_result(s);
	assert_int_equal(r->nr_updates, 2);
	assert_int_equal(r->update[0].outcome, RS_OUTCOME_ABANDONED);
	assert_int_equal(r->update[1].outcome, RS_OUTCOME_DONE);
	assert_string_equal(r->update[1].blackout_from, "vcpus");
	rs_result_free(r);
	synth_free(s);
}

static void not_running(void **state)
{
	const struct rs_update_view *u;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = guest(&c);
	stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_wait(s, SEC);
	synth_exit(s, 1);
	r = synth_result(s);
	u = &r->update[0];
	assert_int_equal(u->outcome, RS_OUTCOME_NOT_RUNNING);
	assert_null(u->blackout_from);
	assert_non_null(u->doubt);
	assert_int_equal(u->end_ns, ts_of(s, RS_EV_MAP, 1));
	rs_result_free(r);
	synth_free(s);

	/* Of a guest that ends with its container. */
	s = guest(&c);
	stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_exit(s, 1);
	synth_release(s, c);
	r = synth_result(s);
	assert_int_equal(r->update[0].outcome, RS_OUTCOME_FAILED);
	assert_null(r->update[0].blackout_from);
	rs_result_free(r);
	synth_free(s);
}

static void several_at_once(void **state)
{
	const struct rs_update_view *u;
	__u64 a, b, stopped_a, stopped_b;
	struct rs_result *r;
	struct synth *s;

	(void)state;
	s = guest(&a);
	synth_as(s, OTHER);
	b = container(s);
	synth_vcpu_run(s, VM2, 0);
	synth_as(s, QEMU);
	stop(s, VM, 0);
	stopped_a = s->now;
	synth_invalidate_all(s, a);
	synth_as(s, OTHER);
	synth_vcpu_stop(s, VM2, 0);
	stopped_b = s->now;
	synth_invalidate_all(s, b);
	synth_as(s, OTHER + 1);
	synth_remap(s, b, 0, MIB, INO, 0);
	synth_vcpu_run(s, VM3, 0);
	synth_as(s, QEMU);
	synth_exec(s);
	synth_remap(s, a, 0, MIB, INO, 0);
	run(s, VM);
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 2);
	u = &r->update[0];
	assert_int_equal(u->from.tgid, QEMU);
	assert_int_equal(u->handover, RS_HANDOVER_EXEC);
	assert_int_equal(u->blackout_ns, stopped_a);
	assert_int_equal(u->nr_vcpus, 2);
	assert_int_equal(u->nr_containers, 1);
	u = &r->update[1];
	assert_int_equal(u->from.tgid, OTHER);
	assert_int_equal(u->to.tgid, OTHER + 1);
	assert_int_equal(u->blackout_ns, stopped_b);
	assert_int_equal(u->nr_vcpus, 1);
	assert_int_equal(u->vcpu[0].old_vm, 2);
	assert_int_equal(u->vcpu[0].new_vm, 3);
	assert_true(u->end_ns < r->update[0].end_ns);
	rs_result_free(r);
}

static void twice_in_a_row(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c, second;

	(void)state;
	s = guest(&c);
	stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_passed(s, c, RS_PASSED_CONTAINER, 0, QEMU);
	synth_remap(s, c, 0, MIB, INO, 0);
	run(s, VM2);
	synth_wait(s, SEC);
	synth_as(s, OTHER);
	synth_passed(s, c, RS_PASSED_CONTAINER, 0, NEXT);
	synth_as(s, NEXT);
	stop(s, VM2, 0);
	second = s->now;
	synth_invalidate_all(s, c);
	synth_as(s, OTHER);
	synth_remap(s, c, 0, MIB, INO, 0);
	run(s, VM3);
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(r->update[i].outcome, RS_OUTCOME_DONE);
		assert_string_equal(r->update[i].blackout_from, "vcpus");
		assert_int_equal(r->update[i].nr_vcpus, 2);
		assert_int_equal(r->update[i].nr_marks, 1);
	}
	assert_int_equal(r->update[1].blackout_ns, second);
	assert_int_equal(r->update[1].to.tgid, OTHER);
	assert_int_equal(r->update[1].vcpu[0].old_vm, r->update[0].vcpu[0].new_vm);
	rs_result_free(r);

	/* The same process twice: its program execs. */
	s = guest(&c);
	for (int i = 0; i < 2; i++) {
		stop(s, i ? VM2 : VM, 0);
		synth_invalidate_all(s, c);
		synth_exec(s);
		synth_remap(s, c, 0, MIB, INO, 0);
		run(s, i ? VM3 : VM2);
		synth_wait(s, SEC);
	}
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 2);
	assert_true(r->update[0].end_ns < r->update[1].blackout_ns);
	assert_int_equal(r->update[1].vcpu[1].new_vm, 3);
	expect_phases(&r->update[1], "save invalidate exec restart remap resume");
	rs_result_free(r);
}

static void containers_and_devices(void **state)
{
	const struct rs_update_view *u;
	__u64 a, b, stopped;
	struct rs_result *r;
	struct synth *s;

	(void)state;
	/* Two containers of one guest, one of them with two devices; and a device of neither. */
	s = guest(&a);
	b = container(s);
	synth_device(s, DEV, a, 1, "0000:00:05.0");
	synth_device(s, DEV + 0x1000, a, 2, "0000:00:06.0");
	synth_device(s, DEV + 0x2000, b, 3, "0000:00:07.0");
	synth_as(s, OTHER);
	synth_device(s, DEV + 0x3000, container(s), 4, "0000:00:08.0");
	synth_as(s, QEMU);
	stop(s, VM, 0);
	stopped = s->now;
	synth_invalidate_all(s, a);
	synth_wait(s, MS);
	synth_invalidate_all(s, b);
	synth_exec(s);
	synth_remap(s, b, 0, MIB, INO, 0);
	synth_remap(s, a, 0, MIB, INO, 0);
	run(s, VM2);
	r = synth_result(s);
	assert_int_equal(r->nr_updates, 1);
	u = &r->update[0];
	assert_int_equal(u->nr_windows, 2);
	assert_int_equal(u->nr_containers, 2);
	assert_int_equal(u->nr_devices, 3);
	assert_int_equal(u->nr_vcpus, 2);
	expect_blackout(u, "vcpus", stopped, ts_of(s, RS_EV_VCPU, 6));
	expect_phases(u, "save invalidate exec restart remap resume");
	assert_int_equal(phase_of(u, "invalidate")->start_ns + phase_of(u, "invalidate")->len,
			 ts_of(s, RS_EV_UNMAP, 1));
	assert_int_equal(phase_of(u, "remap")->start_ns + phase_of(u, "remap")->len,
			 ts_of(s, RS_EV_MAP, 4));
	rs_result_free(r);
	synth_free(s);
}

static void marks(void **state)
{
	const struct rs_update_view *u;
	struct rs_ev_devop *x;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = guest(&c);
	synth_device(s, DEV, c, 1, "0000:00:05.0");
	synth_devop(s, DEV, c, VFIO_DEVICE_RESET); /* long before */
	synth_wait(s, SEC);
	stop(s, VM, 0);
	x = synth_devop(s, DEV, c, VFIO_DEVICE_FEATURE);
	x->feature = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE;
	x->state = 1;
	x = synth_devop(s, DEV, c, VFIO_DEVICE_FEATURE);
	x->feature = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE;
	synth_invalidate_all(s, c);
	synth_ioctl(s, c, VFIO_IOMMU_DIRTY_PAGES);
	((struct rs_ev_ioctl *)synth_event(s, RS_EV_IOCTL, 0))->uflags = 1;
	synth_exec(s);
	s->twist.ret = -EIO;
	x = synth_devop(s, DEV, c, VFIO_DEVICE_RESET);
	x->start_ns = x->h.ts - 1;
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_devop(s, DEV, c, VFIO_DEVICE_PCI_HOT_RESET);
	run(s, VM2);
	synth_devop(s, DEV, c, VFIO_DEVICE_RESET); /* by the guest that runs */
	r = synth_result(s);
	u = &r->update[0];
	assert_int_equal(u->nr_marks, 4);
	assert_string_equal(u->mark[0].what, "migration state stop");
	assert_string_equal(u->mark[1].what, "dirty tracking started");
	assert_string_equal(u->mark[2].what, "device reset");
	assert_int_equal(u->mark[2].err, EIO);
	assert_int_equal(u->mark[2].len, 1);
	assert_int_equal(u->mark[2].device, 1);
	assert_string_equal(u->mark[3].what, "hot reset");
	rs_result_free(r);
	synth_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_another_process),
		cmocka_unit_test(in_place),
		cmocka_unit_test(abandoned),
		cmocka_unit_test(not_running),
		cmocka_unit_test(several_at_once),
		cmocka_unit_test(twice_in_a_row),
		cmocka_unit_test(containers_and_devices),
		cmocka_unit_test(marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
