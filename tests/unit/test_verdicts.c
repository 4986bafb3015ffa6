// SPDX-License-Identifier: GPL-2.0-only
/* What is lost, was not hooked or began too late: it makes verdicts unknown where it could have hidden
 * something, and only there. */
#include <errno.h>
#include "judge.h"

#define ALL_UNKNOWN                                                                             \
	"window-closed=unknown remap-exact=unknown remap-same-memory=unknown "                  \
	"no-gup-in-window=unknown no-iommu-change=unknown no-new-user=unknown "                 \
	"all-before-exec=unknown locked-conserved=unknown owner-mm=unknown "                    \
	"pin-balance=unknown no-zero-pin=unknown translation-stable=unknown one-owner=unknown " \
	"irq-restored=unknown wait-bounded=unknown"

/* Of a container that nobody saw: it may have been an iommufd context. */
#define UNSEEN " iommufd-handover=unknown"

/* An orderly update whose container comes and goes within the recording, with room around it. */
static struct synth *update_amid_others(__u64 *c)
{
	struct synth *s = synth_new();

	for (__u32 pid = 1; pid <= 3; pid++) {
		synth_as(s, pid);
		synth_introduce(s);
	}
	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_map(s, *c, 0, 2 * MIB, INO, 0);
	synth_map(s, *c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_invalidate_all(s, *c);
	synth_ioctl(s, *c, 0x3b70);
	synth_exec(s);
	remap_both(s, *c);
	synth_release(s, *c);
	for (__u32 pid = 4; pid <= 6; pid++) {
		synth_as(s, pid);
		synth_introduce(s);
	}
	return s;
}

static void expect_reason(const struct rs_result *r, const char *reason)
{
	for (size_t i = 0; i < r->nr_rules; i++)
		if (r->rule[i].verdict == RS_UNKNOWN)
			assert_string_equal(r->rule[i].reason, reason);
}

static void lost_inside(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = update_amid_others(&c);
	synth_drop(s, synth_find(s, RS_EV_IOCTL, 0));
	r = synth_result(s);
	expect_verdicts(r, ALL_UNKNOWN);
	expect_reason(r, "lost: 1 records that found no room in the ring buffer");
	assert_int_equal(r->nr_losses, 1);
	assert_int_equal(r->loss[0].count, 1);
	assert_int_equal(r->loss[0].cpu, 0);
	assert_false(r->loss[0].any_cpu);
	assert_int_equal(r->loss[0].from_ns,
			 ((struct rs_event *)synth_event(s, RS_EV_UNMAP, 0))->ts);
	assert_int_equal(r->loss[0].to_ns, ((struct rs_event *)synth_event(s, RS_EV_EXEC, 0))->ts);
	rs_result_free(r);
	synth_free(s);

	/* Anything of it, also what tells of no window. */
	for (size_t i = 3; i < 3 + 5; i++) {
		s = update_amid_others(&c);
		synth_drop(s, i);
		r = synth_result(s);
		assert_int_not_equal(r->verdict, RS_PASS);
		rs_result_free(r);
		synth_free(s);
	}
}

static void lost_outside(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = update_amid_others(&c);
	synth_drop(s, synth_find(s, RS_EV_PROC, 1));
	r = judged(s, "");
	assert_int_equal(r->nr_losses, 1);
	rs_result_free(r);

	s = update_amid_others(&c);
	synth_drop(s, synth_find(s, RS_EV_PROC, 5));
	r = judged(s, "");
	assert_int_equal(r->nr_losses, 1);
	rs_result_free(r);

	/* The last ones: found by END's counters. Two can be a container that was found, and its range. */
	for (size_t lost = 1; lost <= 2; lost++) {
		s = update_amid_others(&c);
		for (size_t i = 0; i < lost; i++)
			synth_drop(s, synth_last(s) - i);
		r = judged(s, lost == 1 ? "" : ALL_UNKNOWN UNSEEN);
		assert_int_equal(r->nr_losses, 1);
		assert_int_equal(r->loss[0].count, lost);
		rs_result_free(r);
	}

	/* The one before the first that came: lost at any time up to it. */
	s = update_amid_others(&c);
	synth_drop(s, 0);
	expect_judged(s, "");
}

/* As much as a container of which nothing was seen would have written. */
static void much_lost_outside(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = update_amid_others(&c);
	for (__u32 pid = 10; pid < 30; pid++) {
		synth_as(s, pid);
		synth_introduce(s);
	}
	for (size_t i = 2; i < 12; i++)
		synth_drop(s, synth_last(s) - i);
	r = judged(s, ALL_UNKNOWN UNSEEN);
	expect_reason(r, "lost: 10 records that found no room in the ring buffer");
	rs_result_free(r);
}

/* The same tail, on a CPU that was silent since before the window: nobody knows when it was lost. */
static void lost_on_a_silent_cpu(void **state)
{
	struct synth *s = synth_new();
	__u64 c;

	(void)state;
	s->cpu = 1;
	synth_as(s, 1);
	synth_introduce(s);
	s->cpu = 0;
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_release(s, c);
	s->cpu = 1;
	synth_as(s, 2);
	synth_introduce(s);
	synth_drop(s, synth_last(s));
	expect_judged(s, ALL_UNKNOWN);

	s = synth_new();
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_release(s, c);
	s->cpu = 3;
	synth_as(s, 2);
	synth_introduce(s);
	synth_drop(s, synth_last(s));
	expect_judged(s, ALL_UNKNOWN);
}

static void lost_in_the_kernel(void **state)
{
	static const struct {
		const char *kind, *verdicts, *outside;
	} kinds[] = {
		/* The request can be the snapshot that would have told a container, */
		{ "context", ALL_UNKNOWN UNSEEN, ALL_UNKNOWN UNSEEN },
		/* while nobody opens one, gives it a group and maps with two. */
		{ "depth", ALL_UNKNOWN, "" },
		/* Pins and devices have nothing to do with ranges that were not told. */
		{ "walk",
		  "window-closed=unknown remap-exact=unknown remap-same-memory=unknown "
		  "no-gup-in-window=unknown no-iommu-change=unknown "
		  "no-new-user=unknown all-before-exec=unknown locked-conserved=unknown "
		  "owner-mm=unknown translation-stable=unknown one-owner=unknown "
		  "irq-restored=unknown",
		  "" },
		{ "owners", ALL_UNKNOWN UNSEEN, ALL_UNKNOWN UNSEEN },
		{ "recursion", ALL_UNKNOWN, "" },
		{ "statistics", "pin-balance=unknown no-zero-pin=unknown", "" },
		{ "some-new-kind", ALL_UNKNOWN UNSEEN, ALL_UNKNOWN UNSEEN },
	};
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (int outside = 0; outside < 2; outside++) {
			__u64 at;

			s = update_amid_others(&c);
			at = outside ? s->now
				     : ((struct rs_event *)synth_event(s, RS_EV_EXEC, 0))->ts;
			s->loss = json_pack("[{s:s, s:i, s:i, s:I, s:I}]", "kind", kinds[i].kind,
					    "cpu", 0, "count", 2, "first_ns", (json_int_t)at,
					    "last_ns", (json_int_t)at);
			r = judged(s, outside ? kinds[i].outside : kinds[i].verdicts);
			assert_int_equal(r->nr_losses, 1);
			assert_int_equal(r->loss[0].count, 2);
			rs_result_free(r);
		}
	}
	/* Full rings are told by the holes, which say when; not twice. */
	s = update_amid_others(&c);
	synth_drop(s, synth_find(s, RS_EV_PROC, 5));
	s->loss = json_pack("[{s:s, s:i, s:i, s:I, s:I}]", "kind", "ring", "cpu", 0, "count", 1,
			    "first_ns", (json_int_t)1, "last_ns", (json_int_t)s->now);
	r = judged(s, "");
	assert_int_equal(r->nr_losses, 1);
	rs_result_free(r);
}

static void came_too_late(void **state)
{
	struct rs_result *r;
	struct synth *s;
	size_t i;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	s->cpu = 1;
	synth_ioctl(s, c, 0x3b70);
	s->cpu = 0;
	synth_wait(s, 600 * MS);
	synth_ioctl(s, c, 0x3b70);
	synth_wait(s, 600 * MS);
	synth_ioctl(s, c, 0x3b70);
	/* The first comes last. */
	i = synth_find(s, RS_EV_IOCTL, 0);
	memmove(s->order + i, s->order + i + 1, (s->nr - i - 1) * sizeof(*s->order));
	s->order[s->nr - 1] = i;
	r = judged(s, ALL_UNKNOWN UNSEEN);
	expect_reason(r, "lost: 1 records that came too late to be put in order");
	rs_result_free(r);
}

static void cut_recording(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	s->cut = "the recording was not ended: no END chunk";
	r = judged(s, ALL_UNKNOWN UNSEEN);
	expect_reason(r, "the end of the recording is missing");
	assert_false(r->complete);
	assert_string_equal(r->incomplete_reason, "the recording was not ended: no END chunk");
	rs_result_free(r);

	/* What came after it may have been anything, also when all known containers were gone. */
	s = update_amid_others(&c);
	s->cut = "the recording was not ended: no END chunk";
	expect_judged(s, ALL_UNKNOWN UNSEEN);
}

/* What looks wrong after a loss may be what the loss left; what was wrong before it stays so. */
static void violated_and_lost(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_ioctl(s, c, 0x3b70);
	synth_drop(s, synth_last(s));
	synth_iommu(s, c, 0, PAGE, RS_IOMMU_UNMAP, PAGE);
	remap_both(s, c);
	r = judged(s, ALL_UNKNOWN);
	assert_int_equal(r->nr_findings, 1);
	assert_int_equal(r->finding[0].verdict, RS_UNKNOWN);
	rs_result_free(r);

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_iommu(s, c, 0, PAGE, RS_IOMMU_UNMAP, PAGE);
	synth_ioctl(s, c, 0x3b70);
	synth_ioctl(s, c, 0x3b70);
	synth_drop(s, synth_last(s));
	remap_both(s, c);
	expect_judged(s, "window-closed=unknown remap-exact=unknown remap-same-memory=unknown "
			 "no-gup-in-window=unknown no-iommu-change=violated no-new-user=unknown "
			 "all-before-exec=unknown locked-conserved=unknown owner-mm=unknown "
			 "pin-balance=unknown no-zero-pin=unknown translation-stable=unknown "
			 "one-owner=unknown irq-restored=unknown "
			 "wait-bounded=unknown");

	/* A loss that is over before the container came to be is none of its. */
	s = synth_new();
	synth_as(s, 1);
	synth_introduce(s);
	synth_as(s, 2);
	synth_introduce(s);
	synth_drop(s, synth_last(s));
	synth_as(s, QEMU);
	synth_introduce(s);
	c = synth_open(s);
	synth_map(s, c, 0, MIB, INO, 0);
	synth_invalidate_all(s, c);
	synth_release(s, c);
	expect_judged(s, "window-closed=violated");
}

static void missing_hook(void **state)
{
	static const struct {
		const char *function, *verdicts;
	} cases[] = {
		{ "vfio_iommu_type1_ioctl", "" }, /* without it there is no recording at all */
		{ "vfio_remove_dma",
		  "window-closed=unknown no-new-user=unknown all-before-exec=unknown" },
		{ "sched_process_exit",
		  "window-closed=unknown all-before-exec=unknown one-owner=unknown" },
		{ "sched_process_exec", "all-before-exec=unknown" },
		{ "vaddr_get_pfns",
		  "no-gup-in-window=unknown no-zero-pin=unknown translation-stable=unknown" },
		{ "vfio_pin_pages_remote", "no-gup-in-window=unknown owner-mm=unknown" },
		{ "vfio_iommu_type1_pin_pages", "no-gup-in-window=unknown pin-balance=unknown "
						"no-zero-pin=unknown translation-stable=unknown" },
		{ "vfio_iommu_type1_unpin_pages", "pin-balance=unknown" },
		{ "iommu_map", "no-iommu-change=unknown" },
		{ "iommu_unmap", "no-iommu-change=unknown" },
		{ "iommu_unmap_fast", "no-iommu-change=unknown" },
		{ "vfio_iommu_type1_attach_group", "no-new-user=unknown owner-mm=unknown" },
		{ "mm_lock_acct", "locked-conserved=unknown" },
		{ "kvm_irqfd", "irq-restored=unknown" },
		{ "kvm_arch_vcpu_ioctl_run", "irq-restored=unknown" },
		{ "kvm_destroy_vm", "irq-restored=unknown" },
		{ "vfio_pci_set_irqs_ioctl", "irq-restored=unknown" },
	};
	char reason[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rs_result *r;
		struct synth *s;
		__u64 c;

		s = update_amid_others(&c);
		s->no_hook = cases[i].function;
		r = judged(s, cases[i].verdicts);
		snprintf(reason, sizeof(reason), "%s could not be hooked", cases[i].function);
		expect_reason(r, reason);
		rs_result_free(r);
	}
}

/* Who does not say what was hooked cannot be believed that nothing happened. */
static void no_plan(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = update_amid_others(&c);
	s->no_plan = true;
	expect_judged(s, "window-closed=unknown no-gup-in-window=unknown no-iommu-change=unknown "
			 "no-new-user=unknown all-before-exec=unknown locked-conserved=unknown "
			 "owner-mm=unknown pin-balance=unknown no-zero-pin=unknown "
			 "translation-stable=unknown one-owner=unknown irq-restored=unknown "
			 "wait-bounded=unknown iommufd-handover=unknown");
}

/* The kernel counts one more invalid range than anybody has seen. */
static void the_kernel_counts_others(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = update_amid_others(&c);
	((struct rs_ev_map *)synth_event(s, RS_EV_UNMAP, 0))->op.invalid_after++;
	expect_judged(s, ALL_UNKNOWN);

	/* Unless somebody else was at it meanwhile: then the count is of another moment. */
	s = update_amid_others(&c);
	((struct rs_ev_map *)synth_event(s, RS_EV_UNMAP, 0))->op.invalid_after++;
	((struct rs_ev_map *)synth_event(s, RS_EV_UNMAP, 0))->op.flags |= RS_OPF_CONCURRENT;
	expect_judged(s, "");
}

static void missing_pieces(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	/* The range of a map, of an invalidation, of a remap. */
	for (size_t nth = 0; nth < 6; nth++) {
		s = two_ranges(&c);
		synth_invalidate_all(s, c);
		synth_exec(s);
		remap_both(s, c);
		synth_release(s, c);
		synth_erase(s, synth_find(s, RS_EV_RANGE, nth));
		r = synth_result(s);
		assert_int_equal(r->verdict, RS_UNKNOWN);
		/* What is missing is known to be of a type1 container. */
		for (size_t i = 0; i < r->nr_rules; i++)
			assert_int_equal(r->rule[i].verdict,
					 strcmp(r->rule[i].id, "iommufd-handover") ? RS_UNKNOWN
										   : RS_PASS);
		rs_result_free(r);
		synth_free(s);
	}

	/* Half of what is behind a range: where it is the same is known, the rest is not. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.split = MIB;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_erase(s, synth_find(s, RS_EV_BACKING, 3));
	expect_judged(s, "remap-same-memory=unknown");

	/* The scan itself ended early. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.split = MIB;
	s->twist.cut = true;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	expect_judged(s, "remap-same-memory=unknown");

	/* What could be seen was wrong already. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.split = MIB;
	s->twist.cut = true;
	synth_remap(s, c, 0, 2 * MIB, INO, PAGE);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	expect_judged(s, "remap-same-memory=violated");
}

static void nothing_happened(void **state)
{
	struct synth *s = synth_new();
	struct rs_result *r;

	(void)state;
	r = judged(s, "");
	assert_int_equal(r->events, 0);
	assert_int_equal(r->nr_containers, 0);
	rs_result_free(r);
}

static void command_failed(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = update_amid_others(&c);
	s->command = "update-the-vm";
	r = judged(s, "");
	assert_true(r->command.ran);
	assert_null(r->verdict_reason);
	rs_result_free(r);

	s = update_amid_others(&c);
	s->command = "update-the-vm";
	s->status = 1 << 8;
	r = synth_result(s);
	synth_free(s);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	assert_int_equal(rs_result_exit_status(r), 3);
	assert_string_equal(r->verdict_reason,
			    "the command failed, so what was to be judged may not "
			    "have happened");
	rs_result_free(r);

	/* What was violated before it failed was violated. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_release(s, c);
	s->command = "update-the-vm";
	s->status = 1 << 8;
	expect_judged(s, "window-closed=violated");
}

static void one_rule_only(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	s->rule = "remap-exact";
	synth_invalidate_all(s, c);
	synth_release(s, c);
	r = synth_result(s);
	assert_int_equal(r->nr_rules, 1);
	assert_string_equal(r->rule[0].id, "remap-exact");
	assert_int_equal(r->verdict, RS_PASS);
	assert_int_equal(r->nr_findings, 0);
	rs_result_free(r);
	s->rule = "window-closed";
	r = synth_result(s);
	assert_int_equal(r->verdict, RS_VIOLATED);
	rs_result_free(r);
	synth_free(s);
}

static void unknown_rule(void **state)
{
	static const char *const rule[] = { "window-closed", "no-such-rule" };
	struct rs_analysis_opts opts = { .rule = rule, .nr_rules = 2, .source = "x" };
	struct rs_analysis *a = (void *)1;
	struct rs_msg msg;

	(void)state;
	assert_int_equal(rs_analysis_new(&opts, &a, &msg), -ENOENT);
	assert_null(a);
	assert_string_equal(
		msg.text, "unknown rule \"no-such-rule\" (known: window-closed, remap-exact, "
			  "remap-same-memory, no-gup-in-window, no-iommu-change, no-new-user, "
			  "all-before-exec, locked-conserved, owner-mm, pin-balance, no-zero-pin, "
			  "translation-stable, one-owner, irq-restored, wait-bounded, "
			  "iommufd-handover)");
}

/* More than anyone reads are counted, not kept. */
static void many_findings(void **state)
{
	struct rs_result *r;
	struct synth *s = synth_new();
	__u64 c;

	(void)state;
	synth_as(s, QEMU);
	c = synth_open(s);
	for (__u64 i = 0; i < 100; i++)
		synth_map(s, c, i * MIB, MIB, INO, i * MIB);
	synth_invalidate_all(s, c);
	synth_release(s, c);
	r = judged(s, "window-closed=violated");
	/* Of each 64 are listed; they are one, and it knows of the others. */
	assert_int_equal(r->nr_findings, 1);
	assert_int_equal(r->finding[0].objects, 100);
	assert_int_equal(r->finding[0].nr_ranges, RS_FINDINGS_MAX);
	assert_int_equal(r->rule[0].findings, 100);
	assert_int_equal(r->rule[0].instances, 100);
	rs_result_free(r);
}

/* What went right in earlier windows proves nothing, and is not in the excerpt. */
static void many_windows(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	for (int i = 0; i < 30; i++) {
		synth_invalidate_all(s, c);
		if (i == 29)
			s->twist.third_mm = true;
		synth_remap(s, c, 0, 2 * MIB, INO, 0);
		synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	}
	r = synth_result(s);
	expect_verdicts(r, "locked-conserved=violated");
	f = expect_finding(r, "locked-conserved",
			   "c1 range 0x0 size 0x200000 had a third mm charged or credited");
	assert_int_equal(f->nr_events, 3);
	expect_proof(f, synth_event(s, RS_EV_MAP, 2 + 28 * 2));
	expect_proof(f, synth_event(s, RS_EV_UNMAP, 29));
	expect_proof(f, synth_event(s, RS_EV_MAP, 2 + 29 * 2));
	rs_result_free(r);
	synth_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_inside),
		cmocka_unit_test(lost_outside),
		cmocka_unit_test(much_lost_outside),
		cmocka_unit_test(lost_on_a_silent_cpu),
		cmocka_unit_test(lost_in_the_kernel),
		cmocka_unit_test(came_too_late),
		cmocka_unit_test(cut_recording),
		cmocka_unit_test(violated_and_lost),
		cmocka_unit_test(the_kernel_counts_others),
		cmocka_unit_test(missing_hook),
		cmocka_unit_test(no_plan),
		cmocka_unit_test(missing_pieces),
		cmocka_unit_test(nothing_happened),
		cmocka_unit_test(command_failed),
		cmocka_unit_test(one_rule_only),
		cmocka_unit_test(unknown_rule),
		cmocka_unit_test(many_findings),
		cmocka_unit_test(many_windows),
	};

	return cmocka_run_group_tests_name("verdicts", tests, NULL, NULL);
}
