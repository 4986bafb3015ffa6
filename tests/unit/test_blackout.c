// SPDX-License-Identifier: GPL-2.0-only
/* When an update's guest stood still, what tells it, and where the time went. */
#include "guest_fixture.h"

static void by_exec(void **state)
{
	const struct rs_update_view *u;
	__u64 c, stopped, looked, ran;
	struct rs_result *r;
	struct synth *s;

	(void)state;
	s = guest(&c);
	synth_device(s, DEV, c, 7, "0000:00:05.0");
	stop(s, VM, 300 * US);
	stopped = s->now;
	synth_wait(s, 5 * MS);
	synth_invalidate_all(s, c);
	synth_wait(s, MS);
	synth_exec(s);
	synth_vm_gone(s, VM);
	synth_wait(s, 20 * MS);
	synth_devop(s, DEV, c, VFIO_DEVICE_GET_INFO);
	synth_devop(s, DEV, c, VFIO_DEVICE_GET_REGION_INFO);
	looked = s->now;
	synth_wait(s, 10 * MS);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_wait(s, MS);
	synth_irq(s, RS_IRQ_TRIGGER, DEV, 0, 0x77);
	synth_irq(s, RS_IRQ_IRQFD, VM2, 24, 0x77);
	synth_wait(s, MS);
	run(s, VM2);
	ran = ts_of(s, RS_EV_VCPU, 4);
	synth_irq(s, RS_IRQ_TRIGGER, DEV, 1, 0x78); /* by the guest that runs */
	r = synth_result(s);
	assert_int_equal(r->nr_updates, 1);
	u = &r->update[0];
	assert_int_equal(u->outcome, RS_OUTCOME_DONE);
	assert_int_equal(u->handover, RS_HANDOVER_EXEC);
	expect_blackout(u, "vcpus", stopped, ran);
	expect_phases(u, "save invalidate exec start-up load remap interrupts resume");
	assert_int_equal(phase_of(u, "save")->len, u->start_ns - stopped);
	assert_int_equal(phase_of(u, "exec")->start_ns + phase_of(u, "exec")->len, u->exec_ns);
	assert_int_equal(phase_of(u, "load")->start_ns, looked);
	assert_int_equal(phase_of(u, "interrupts")->start_ns + phase_of(u, "interrupts")->len,
			 ts_of(s, RS_EV_IRQ, 1));
	assert_int_equal(phase_of(u, "resume")->len, ran - ts_of(s, RS_EV_IRQ, 1));
	assert_string_equal(phase_of(u, "start-up")->begun_by, "exec");
	assert_int_equal(u->end_ns, ran);
	assert_int_equal(u->stop_len, 301 * US);
	assert_int_equal(u->nr_vcpus, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(u->vcpu[i].id, i);
		assert_int_equal(u->vcpu[i].old_vm, 1);
		assert_int_equal(u->vcpu[i].new_vm, 2);
		assert_int_equal(u->vcpu[i].run_ns, ts_of(s, RS_EV_VCPU, 4 + i));
		assert_false(u->vcpu[i].inside);
	}
	assert_int_equal(u->vcpu[1].stop_ns, stopped);
	assert_int_equal(u->nr_containers, 1);
	assert_int_equal(u->nr_devices, 1);
	assert_int_equal(u->device[0], 1);
	rs_result_free(r);
	synth_free(s);
}

/* As QEMU does: the interrupts come back while the state is loaded, and that is no phase of its own. */
static void interrupts_before_memory(void **state)
{
	const struct rs_update_view *u;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = guest(&c);
	stop(s, VM, 0);
	synth_wait(s, MS);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_wait(s, MS);
	synth_irq(s, RS_IRQ_IRQFD, VM2, 24, 0x77);
	synth_wait(s, MS);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_wait(s, MS);
	run(s, VM2);
	r = synth_result(s);
	u = &r->update[0];
	expect_phases(u, "save invalidate exec restart remap resume");
	assert_int_equal(u->nr_marks, 1);
	assert_string_equal(u->mark[0].what, "last interrupt given back");
	assert_int_equal(u->mark[0].at_ns, ts_of(s, RS_EV_IRQ, 0));
	assert_int_equal(u->mark[0].proc.tgid, u->to.tgid);
	rs_result_free(r);
	synth_free(s);
}

static void never_stopped(void **state)
{
	const struct rs_update_view *u;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = guest(&c);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_vcpu_stop(s, VM, 1);
	synth_vcpu_run(s, VM, 1);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_vcpu_run(s, VM, 0);
	r = synth_result(s);
	u = &r->update[0];
	assert_int_equal(u->outcome, RS_OUTCOME_IN_PLACE);
	assert_string_equal(u->blackout_from, "windows");
	assert_non_null(u->doubt);
	assert_true(u->vcpu[1].inside);
	expect_phases(u, "invalidate between remap");
	rs_result_free(r);
	synth_free(s);

	/* It left later, and it is known when: the blackout begins no earlier. */
	s = guest(&c);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_wait(s, MS);
	synth_vcpu_stop(s, VM, 1);
	__u64 stopped = s->now;

	synth_wait(s, MS);
	synth_remap(s, c, 0, MIB, INO, 0);
	run(s, VM);
	r = synth_result(s);
	u = &r->update[0];
	/* The first to run was the other one: what is known of this one comes later. */
	expect_blackout(u, "vcpus", stopped, ts_of(s, RS_EV_VCPU, 4));
	expect_phases(u, "between remap resume");
	assert_non_null(u->doubt);
	rs_result_free(r);
	synth_free(s);
}

static void recorder_comes_late(void **state)
{
	const struct rs_update_view *u;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = synth_new();
	synth_as(s, QEMU);
	synth_unrecorded(s, true);
	c = container(s);
	synth_vcpu_run(s, VM, 0);
	synth_vcpu_run(s, VM, 1);
	synth_unrecorded(s, false);
	synth_snapshot(s, c, RS_SNAP_START);
	/* One comes by, the other is in KVM_RUN all the time. */
	synth_vcpu_stop(s, VM, 0);
	synth_vcpu_run(s, VM, 0);
	synth_wait(s, SEC);
	synth_vcpu_stop(s, VM, 1);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, MIB, INO, 0);
	run(s, VM2);
	r = synth_result(s);
	u = &r->update[0];
	assert_int_equal(u->outcome, RS_OUTCOME_DONE);
	assert_string_equal(u->blackout_from, "vcpus");
	assert_int_equal(u->vcpu[0].old_vm, 1);
	rs_result_free(r);
	synth_free(s);

	/* Nothing was seen of the old one's: its end is known, its begin is not. */
	s = synth_new();
	synth_as(s, QEMU);
	c = container(s);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_wait(s, MS);
	run(s, VM2);
	r = synth_result(s);
	u = &r->update[0];
	assert_string_equal(u->blackout_from, "windows");
	expect_phases(u, "invalidate exec restart remap");
	assert_int_equal(u->end_ns, ts_of(s, RS_EV_VCPU, 0));
	assert_int_equal(u->vcpu[0].old_vm, 0);
	assert_int_equal(u->vcpu[0].stop_ns, 0);
	rs_result_free(r);
	synth_free(s);

	/* Found in its window, its guest runs; it was not seen to have stood still. */
	s = synth_new();
	synth_as(s, QEMU);
	synth_unrecorded(s, true);
	c = container(s);
	synth_invalidate_all(s, c);
	synth_unrecorded(s, false);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_vcpu_run(s, VM, 0);
	r = synth_result(s);
	assert_int_equal(r->update[0].outcome, RS_OUTCOME_OPEN);
	rs_result_free(r);
	synth_free(s);
}

static void without_kvm(void **state)
{
	const struct rs_update_view *u;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = synth_new();
	synth_as(s, QEMU);
	c = container(s);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_remap(s, c, 0, MIB, INO, 0);
	r = judged(s, "");
	u = &r->update[0];
	assert_int_equal(u->outcome, RS_OUTCOME_DONE);
	assert_string_equal(u->blackout_from, "windows");
	assert_null(u->doubt);
	expect_phases(u, "invalidate hand-over remap");
	assert_int_equal(u->nr_vcpus, 0);
	rs_result_free(r);
}

static void by_qmp(void **state)
{
	const struct rs_update_view *u;
	__u64 c, c2, stopped, resumed;
	struct rs_result *r;
	struct synth *s;

	(void)state;
	s = synth_new();
	synth_as(s, QEMU);
	c = container(s);
	synth_mark(s, RS_MARK_STOP, 1); /* another time */
	synth_mark(s, RS_MARK_RESUME, 1);
	synth_wait(s, SEC);
	synth_mark(s, RS_MARK_STOP, 1);
	stopped = s->now;
	synth_wait(s, MS);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_passed(s, c, RS_PASSED_CONTAINER, 0, QEMU);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_irq(s, RS_IRQ_TRIGGER, DEV, 0, 0x77);
	synth_wait(s, MS);
	synth_mark(s, RS_MARK_RESUME, 2);
	resumed = s->now;
	synth_irq(s, RS_IRQ_TRIGGER, DEV, 1, 0x77);
	r = synth_result(s);
	assert_int_equal(r->events, s->nr - 4);
	u = &r->update[0];
	expect_blackout(u, "qmp", stopped, resumed);
	expect_phases(u, "save invalidate load remap interrupts resume");
	assert_string_equal(phase_of(u, "save")->begun_by, "QMP's STOP");
	assert_null(u->doubt);
	rs_result_free(r);
	synth_free(s);

	/* What the vCPUs say is better. */
	s = guest(&c);
	stop(s, VM, 0);
	synth_mark(s, RS_MARK_STOP, 1);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_mark(s, RS_MARK_RESUME, 1);
	run(s, VM);
	r = judged(s, "");
	assert_string_equal(r->update[0].blackout_from, "vcpus");
	rs_result_free(r);

	/* Two updates within one pair, or two pairs around one update: nobody knows which. */
	s = synth_new();
	synth_as(s, QEMU);
	c = container(s);
	synth_as(s, OTHER);
	c2 = container(s);
	synth_as(s, QEMU);
	synth_mark(s, RS_MARK_STOP, 1);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_as(s, OTHER);
	synth_invalidate_all(s, c2);
	synth_remap(s, c2, 0, MIB, INO, 0);
	synth_mark(s, RS_MARK_RESUME, 1);
	synth_wait(s, SEC);
	synth_mark(s, RS_MARK_STOP, 1);
	synth_mark(s, RS_MARK_STOP, 2);
	synth_invalidate_all(s, c2);
	synth_remap(s, c2, 0, MIB, INO, 0);
	synth_mark(s, RS_MARK_RESUME, 2);
	r = judged(s, "");
	assert_int_equal(r->nr_updates, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(r->update[i].blackout_from, "windows");
		assert_non_null(r->update[i].doubt);
	}
	rs_result_free(r);
}

static void expect_budget(struct synth *s, const char *clause, enum rs_verdict want)
{
	struct rs_budget *b;
	struct rs_analysis_opts opts = { .source = "synth" };
	json_t *meta = synth_meta(s), *end = synth_end(s);
	struct rs_analysis *a;
	struct rs_result *r;
	struct rs_msg msg;

	assert_int_equal(rs_budget_parse("b", clause, &b, &msg), 0);
	opts.budget = b;
	assert_int_equal(rs_analysis_new(&opts, &a, &msg), 0);
	assert_int_equal(rs_analysis_meta(a, meta), 0);
	for (size_t i = 0; i < s->nr; i++)
		if (!s->rec[i].dropped)
			assert_int_equal(rs_analysis_event(a, s->rec[i].ev), 0);
	assert_int_equal(rs_analysis_finish(a, end, NULL, &r), 0);
	if (r->budget[0].verdict != want)
		fail_msg("%s: %s %s", clause, rs_verdict_name(r->budget[0].verdict),
			 r->budget[0].reason ? r->budget[0].reason : "");
	rs_result_free(r);
	rs_analysis_free(a);
	rs_budget_free(b);
	json_decref(meta);
	json_decref(end);
}

static void losses(void **state)
{
	static const char blackout[] = "blackout max <= 1s", load[] = "phase[name=load] max <= 1s";
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	for (int lost = 0; lost < 6; lost++) {
		s = guest(&c);
		synth_as(s, NEXT);
		synth_passed(s, c, RS_PASSED_CONTAINER, 0, QEMU);
		synth_as(s, QEMU);
		stop(s, VM, 0);
		synth_wait(s, MS);
		synth_invalidate_all(s, c);
		synth_as(s, NEXT);
		synth_remap(s, c, 0, MIB, INO, 0);
		synth_irq(s, RS_IRQ_TRIGGER, DEV, 0, 0x77);
		synth_wait(s, MS);
		synth_vcpu_run(s, VM2, 0);
		synth_vcpu_run(s, VM2, 1);
		synth_wait(s, SEC);
		synth_vcpu_stop(s, VM2, 0);
		synth_vcpu_run(s, VM2, 0);
		synth_introduce(s);
		synth_wait(s, SEC);
		synth_vcpu_run(s, VM2, 2);
		synth_wait(s, SEC);
		synth_ioctl(s, c, VFIO_IOMMU_GET_INFO);
		switch (lost) {
		case 0:
			expect_budget(s, blackout, RS_PASS);
			expect_budget(s, load, RS_PASS);
			break;
		case 1: /* how an old vCPU was */
			synth_drop(s, synth_find(s, RS_EV_VCPU, 2));
			synth_tell_lost(s);
			expect_budget(s, blackout, RS_UNKNOWN);
			expect_budget(s, load, RS_UNKNOWN);
			break;
		case 2: /* the first that runs */
			synth_drop(s, synth_find(s, RS_EV_VCPU, 4));
			synth_tell_lost(s);
			expect_budget(s, blackout, RS_UNKNOWN);
			break;
		case 3: /* an interrupt: only the phases are taken from it */
			synth_drop(s, synth_find(s, RS_EV_IRQ, 0));
			synth_tell_lost(s);
			expect_budget(s, blackout, RS_PASS);
			expect_budget(s, load, RS_UNKNOWN);
			break;
		case 4: /* of long after */
			synth_drop(s, synth_find(s, RS_EV_VCPU, 6));
			synth_tell_lost(s);
			expect_budget(s, blackout, RS_PASS);
			expect_budget(s, load, RS_PASS);
			break;
		case 5: /* all that tell that it runs: nobody may say that it does not */
			for (size_t i = 4; i < 7; i++)
				synth_drop(s, synth_find(s, RS_EV_VCPU, i));
			synth_tell_lost(s);
			expect_budget(s, blackout, RS_UNKNOWN);
			r = synth_result(s);
			assert_int_equal(r->update[0].outcome, RS_OUTCOME_DONE);
			assert_null(r->update[0].blackout_from);
			rs_result_free(r);
			break;
		}
		synth_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_exec),	 cmocka_unit_test(interrupts_before_memory),
		cmocka_unit_test(never_stopped), cmocka_unit_test(recorder_comes_late),
		cmocka_unit_test(without_kvm),	 cmocka_unit_test(by_qmp),
		cmocka_unit_test(losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
