// SPDX-License-Identifier: GPL-2.0-only
/* The example that each rule gives of its violation: it happens like that, and what nearly does it passes. */
#include <errno.h>
#include "judge.h"
#include "synth_iommufd.h"

#define NIC 0xffff888200001000ULL

/* Each makes a recording: one that violates its rule, or, if @near, one that only nearly does. */

static struct synth *window_closed(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	if (near)
		synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_release(s, c);
	return s;
}

static struct synth *remap_exact(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_remap(s, c, 0, MIB, INO, 0);
	if (near)
		synth_remap(s, c, 0, 2 * MIB, INO, 0);
	s->twist.killed = 9;
	synth_exit(s, 0);
	synth_release(s, c);
	return s;
}

static struct synth *remap_same_memory(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, near ? INO : INO + 1, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	return s;
}

static struct synth *no_gup_in_window(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.gup_calls = !near;
	synth_pin(s, c, 0, 4, 0);
	remap_both(s, c);
	return s;
}

static struct synth *no_iommu_change(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_iommu(s, c, near ? 2 * MIB : MIB, PAGE, RS_IOMMU_UNMAP, PAGE);
	remap_both(s, c);
	return s;
}

static struct synth *no_new_user(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	if (near)
		remap_both(s, c);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	if (!near)
		remap_both(s, c);
	return s;
}

static struct synth *all_before_exec(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	if (near)
		synth_invalidate(s, c, 4 * MIB, MIB);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	if (near)
		synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_release(s, c);
	return s;
}

static struct synth *locked_conserved(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	s->twist.no_refund = !near;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	return s;
}

static struct synth *owner_mm(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_fork(s, NEXT, false);
	if (!near) {
		synth_as(s, NEXT);
		s->twist.foreign = QEMU;
	}
	synth_attach(s, c);
	return s;
}

static struct synth *pin_balance(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_attach(s, c);
	synth_device(s, NIC, c, 5, "0000:00:05.0");
	s->device = NIC;
	s->group = 5;
	synth_pin(s, c, 0, 8, 0);
	synth_unpin(s, c, 0, near ? 8 : 5);
	synth_detach_last(s, c);
	return s;
}

static struct synth *no_zero_pin(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	s->device = NIC;
	s->twist.gup_zero = 1;
	s->twist.ret = near ? -EFAULT : 0;
	synth_pin(s, c, 0, 8, 3);
	return s;
}

static struct synth *translation_stable(bool near)
{
	struct synth *s;
	__u64 c;

	s = synth_new();
	s->verify = RS_VERIFY_SAMPLED;
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_attach(s, c);
	s->twist.pfn = 0x1000;
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	s->twist.pfn = near ? 0x1007 : 0x7777;
	synth_pin(s, c, 7 * PAGE, 4, 0);
	synth_unpin(s, c, 7 * PAGE, 4);
	return s;
}

static struct synth *one_owner(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	remap_both(s, c);
	if (!near)
		synth_as(s, QEMU);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	return s;
}

static struct synth *irq_restored(bool near)
{
	const __u64 vm = 0xffff888200000000ULL, vm2 = vm + 0x100000, eventfd = vm + 0x200000;
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_device(s, NIC, c, 5, "0000:00:05.0");
	synth_irq(s, RS_IRQ_TRIGGER, NIC, 3, eventfd);
	synth_irq(s, RS_IRQ_IRQFD, vm, 24, eventfd);
	synth_vcpu_run(s, vm, 0);
	synth_irq(s, RS_IRQ_NO_IRQFD, vm, 24, eventfd);
	synth_vcpu_stop(s, vm, 0);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	remap_both(s, c);
	synth_irq(s, RS_IRQ_IRQFD, vm2, 24, near ? eventfd : eventfd + 0x100);
	synth_vcpu_run(s, vm2, 0);
	return s;
}

static struct synth *wait_bounded(bool near)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_pin(s, c, 0, 1, 0);
	synth_invalidate_all(s, c);
	synth_waits(s, c, 0, 4);
	synth_wait(s, near ? RS_WAIT_LIMIT_NS - 1000 * MS : RS_WAIT_LIMIT_NS + 1000 * MS);
	remap_both(s, c);
	s->twist.waits = 1;
	s->twist.wait_pages = 3;
	synth_pin(s, c, 0, 4, 1);
	return s;
}

static struct synth *iommufd_handover(bool near)
{
	const __u64 vm = 0xffff888200000000ULL, vm2 = vm + 0x100000;
	struct synth *s = synth_new();
	__u32 ioas;
	__u64 x;

	synth_as(s, QEMU);
	x = synth_iommufd(s);
	ioas = synth_ioas(s, x);
	synth_ioas_map_file(s, x, ioas, 0, 2 * MIB, INO, 0);
	synth_vcpu_run(s, vm, 0);
	synth_vcpu_stop(s, vm, 0);
	synth_change_process(s, x);
	synth_exec(s);
	if (near)
		synth_change_process(s, x);
	synth_vcpu_run(s, vm2, 0);
	return s;
}

static const struct {
	const char *rule;
	struct synth *(*make)(bool near);
} examples[] = {
	{ "window-closed", window_closed },
	{ "remap-exact", remap_exact },
	{ "remap-same-memory", remap_same_memory },
	{ "no-gup-in-window", no_gup_in_window },
	{ "no-iommu-change", no_iommu_change },
	{ "no-new-user", no_new_user },
	{ "all-before-exec", all_before_exec },
	{ "locked-conserved", locked_conserved },
	{ "owner-mm", owner_mm },
	{ "pin-balance", pin_balance },
	{ "no-zero-pin", no_zero_pin },
	{ "translation-stable", translation_stable },
	{ "one-owner", one_owner },
	{ "irq-restored", irq_restored },
	{ "wait-bounded", wait_bounded },
	{ "iommufd-handover", iommufd_handover },
};

#define NR_EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static bool in_excerpt(const struct rs_finding *f, __u64 ts)
{
	for (size_t i = 0; i < f->nr_events; i++)
		if (f->event[i]->ts == ts)
			return true;
	return false;
}

/* What the path says has happened is in the excerpt, and the path is one of the table's. */
static void path_agrees(const struct rs_rule *rule, const struct rs_finding *f)
{
	assert_true(f->nr_steps >= 1);
	for (size_t i = 0; i < f->nr_steps; i++) {
		const struct rs_finding_step *s = &f->step[i];
		const char *to = i + 1 < f->nr_steps ? s[1].state : NULL;
		bool found = false;

		/* By the clock nothing happens. */
		if (!strcmp(s->note, "time")) {
			assert_int_equal(i + 1, f->nr_steps);
			continue;
		}
		assert_true(in_excerpt(f, s->at_ns));
		for (size_t k = 0; k < rule->nr_arrows; k++) {
			const struct rs_transition *a = &rule->arrow[k];

			found |= !strcmp(s->state, rule->state[a->from]) &&
				 !strcmp(s->note, rs_note_name(a->on)) &&
				 s->when == (a->guard ? a->guard->text : NULL) &&
				 (to ? a->to < RS_TO_UNKNOWN &&
						  !strcmp(to, rule->state[a->to & (RS_ANEW - 1)])
				     : a->to == RS_TO_VIOLATED);
		}
		if (!found)
			fail_msg("%s: step %zu, from %s by %s, is no arrow", rule->id, i, s->state,
				 s->note);
	}
	assert_int_equal(f->step[f->nr_steps - 1].at_ns, f->at_ns);
}

static void examples_happen(void **state)
{
	char want[64];

	(void)state;
	for (size_t i = 0; i < NR_EXAMPLES; i++) {
		const struct rs_rule_table t = { rs_rules, rs_nr_rules };
		const struct rs_finding *f;
		struct rs_result *r;
		struct synth *s;
		struct rs_msg msg;
		int which = rs_rule_find(&t, examples[i].rule, &msg);

		assert_true(which >= 0);
		snprintf(want, sizeof(want), "%s=violated", examples[i].rule);
		s = examples[i].make(false);
		r = judged(s, want);
		f = expect_finding(r, examples[i].rule, rs_rules[which].example);
		assert_string_equal(f->expected, rs_rules[which].expected);
		path_agrees(&rs_rules[which], f);
		rs_result_free(r);
		s = examples[i].make(true);
		expect_judged(s, "");
	}
}

static void every_rule_has_one(void **state)
{
	(void)state;
	assert_int_equal(NR_EXAMPLES, rs_nr_rules);
	for (size_t i = 0; i < NR_EXAMPLES; i++)
		assert_string_equal(examples[i].rule, rs_rules[i].id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_happen),
		cmocka_unit_test(every_rule_has_one),
	};

	return cmocka_run_group_tests_name("rules: examples", tests, NULL, NULL);
}
