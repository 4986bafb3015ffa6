// SPDX-License-Identifier: GPL-2.0-only
/* The rules that are older than iommufd, in its contexts: what violates them, and what nearly does. */
#include <errno.h>
#include "iommufd_fixture.h"

/* locked-conserved */

static void charges(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas, other;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	synth_exec(s);
	s->twist.no_refund = true;
	synth_change_process(s, x);
	r = judged(s, "locked-conserved=violated");
	expect_finding(
		r, "locked-conserved",
		"i1 was handed over to process 100, which was charged 768 pages, and the old "
		"owner got 0 back");
	rs_result_free(r);

	s = vmm(&x, &ioas);
	synth_exec(s);
	s->twist.gain_off = -1;
	synth_change_process(s, x);
	r = judged(s, "locked-conserved=violated");
	expect_finding(
		r, "locked-conserved",
		"i1 was handed over to process 100, which was charged 767 pages, and the old "
		"owner got 768 back");
	rs_result_free(r);

	/* One that fails moves nothing. */
	s = vmm(&x, &ioas);
	synth_exec(s);
	s->twist.ret = -EINVAL;
	s->twist.gain_off = 768;
	synth_change_process(s, x);
	synth_change_process(s, x);
	r = judged(s, "locked-conserved=violated");
	expect_finding(r, "locked-conserved",
		       "i1 had a CHANGE_PROCESS that failed, and yet process 100 was charged 768 "
		       "pages, and others got 0 back");
	rs_result_free(r);

	/* What others were charged meanwhile cannot be told. */
	s = vmm(&x, &ioas);
	synth_exec(s);
	s->twist.third_mm = true;
	synth_change_process(s, x);
	expect_judged(s, "locked-conserved=unknown");

	/* Without an account nothing moves. */
	s = vmm(&x, &ioas);
	synth_ioas_unmap(s, x, ioas, 0);
	synth_ioas_unmap(s, x, ioas, 4 * MIB);
	synth_ioas_account(s, RS_ACCOUNT_NONE);
	synth_ioas_map_file(s, x, ioas, 0, MIB, INO, 0);
	synth_exec(s);
	synth_change_process(s, x);
	r = judged(s, "");
	assert_int_equal(r->handover[0].charged, 0);
	rs_result_free(r);
	s = vmm(&x, &ioas);
	synth_ioas_unmap(s, x, ioas, 0);
	synth_ioas_unmap(s, x, ioas, 4 * MIB);
	synth_ioas_account(s, RS_ACCOUNT_NONE);
	synth_ioas_map_file(s, x, ioas, 0, MIB, INO, 0);
	synth_exec(s);
	s->twist.gain_off = 256;
	synth_change_process(s, x);
	expect_judged(s, "locked-conserved=violated");

	/* Pages of a copy are pinned once. */
	s = vmm(&x, &ioas);
	other = synth_ioas(s, x);
	synth_ioas_copy(s, x, other, 16 * MIB, ioas, 0);
	synth_exec(s);
	synth_change_process(s, x);
	r = judged(s, "");
	assert_int_equal(r->handover[0].charged, 3 * MIB / PAGE);
	assert_int_equal(r->handover[0].areas, 3);
	assert_int_equal(r->handover[0].area[0].pages_key, r->handover[0].area[2].pages_key);
	rs_result_free(r);

	/* By the owner itself nothing moves. */
	s = vmm(&x, &ioas);
	s->twist.gain_off = 1;
	synth_change_process(s, x);
	expect_judged(s, "locked-conserved=violated");
}

/* pin-balance */

static void pins(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas, other;
	__u64 x;

	(void)state;
	/* Pins live on through a hand-over, and are given back after it. */
	s = vmm(&x, &ioas);
	synth_ioas_attach(s, x, ioas, MDEV, true);
	synth_access_pin(s, x, MDEV, 0, 4, 0);
	synth_exec(s);
	synth_access_pin(s, x, MDEV, 0x4000, 2, 0);
	synth_change_process(s, x);
	synth_access_unpin(s, x, MDEV, 0, 6);
	synth_ioas_detach(s, x, MDEV);
	expect_judged(s, "");

	s = vmm(&x, &ioas);
	synth_ioas_attach(s, x, ioas, MDEV, true);
	synth_access_pin(s, x, MDEV, 0, 4, 0);
	synth_ioas_detach(s, x, MDEV);
	r = judged(s, "pin-balance=violated");
	expect_finding(r, "pin-balance", "d2 was closed with 4 pages still pinned (at iova 0x0)");
	rs_result_free(r);

	/* A device that changes its ioas has to let go of all before. */
	s = vmm(&x, &ioas);
	other = synth_ioas(s, x);
	synth_ioas_attach(s, x, ioas, MDEV, true);
	synth_access_pin(s, x, MDEV, 0, 4, 0);
	synth_ioas_attach(s, x, other, MDEV, true);
	r = judged(s, "pin-balance=violated");
	expect_finding(r, "pin-balance",
		       "d2 left its ioas for another one with 4 pages still pinned (at iova 0x0)");
	assert_int_equal(r->device[1].container, 2);
	rs_result_free(r);

	s = vmm(&x, &ioas);
	synth_ioas_attach(s, x, ioas, MDEV, true);
	synth_access_unpin(s, x, MDEV, 0, 1);
	expect_judged(s, "pin-balance=violated");

	/* With its context, all that it has must be given back, too. */
	s = vmm(&x, &ioas);
	synth_ioas_attach(s, x, ioas, MDEV, true);
	synth_access_pin(s, x, MDEV, 0, 1, 0);
	synth_iommufd_release(s, x);
	expect_judged(s, "pin-balance=violated");
}

/* translation-stable: before, inside and after a hand-over */
static void pages(void **state)
{
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	for (int other = 0; other < 2; other++) {
		s = vmm(&x, &ioas);
		s->verify = RS_VERIFY_SAMPLED;
		synth_ioas_attach(s, x, ioas, MDEV, true);
		synth_ioas_attach(s, x, ioas, NIC + 0x100, true);
		s->twist.pfn = 0x1000;
		synth_access_pin(s, x, MDEV, 0, 4, 0);
		synth_exec(s);
		s->twist.pfn = 0x1000 + other;
		synth_access_pin(s, x, NIC + 0x100, 0, 4, 4);
		synth_change_process(s, x);
		s->twist.pfn = 0x1002;
		synth_access_pin(s, x, NIC + 0x100, 0x2000, 1, 1);
		synth_access_unpin(s, x, NIC + 0x100, 0, 4);
		synth_access_unpin(s, x, NIC + 0x100, 0x2000, 1);
		synth_access_unpin(s, x, MDEV, 0, 4);
		expect_judged(s, other ? "translation-stable=violated" : "");
	}
}

/* irq-restored */
static void interrupts(void **state)
{
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	for (int forgotten = 0; forgotten < 2; forgotten++) {
		s = vmm_with_guest(&x, &ioas);
		synth_device(s, NIC, x, 5, "0000:00:05.0");
		((struct rs_ev_device *)s->rec[synth_last(s)].ev)->kind = RS_CONTAINER_IOMMUFD;
		synth_irq(s, RS_IRQ_TRIGGER, NIC, 0, 0x7000);
		synth_irq(s, RS_IRQ_IRQFD, VM, 24, 0x7000);
		stop(s, VM, MS);
		synth_irq(s, RS_IRQ_NO_IRQFD, VM, 24, 0x7000);
		synth_change_process(s, x);
		synth_exec(s);
		synth_change_process(s, x);
		if (!forgotten)
			synth_irq(s, RS_IRQ_IRQFD, VM2, 24, 0x7000);
		run(s, VM2);
		expect_judged(s, forgotten ? "irq-restored=violated" : "");
	}
}

/* Armed, requests outside hand-overs are only counted; all else is the same. */
static void armed(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	s->mode = RS_MODE_ARMED;
	synth_ioas_attach(s, x, ioas, MDEV, true);
	synth_access_pin(s, x, MDEV, 0, 4, 0);
	synth_exec(s);
	synth_access_pin(s, x, MDEV, 0x4000, 2, 2);
	synth_change_process(s, x);
	synth_iommufd_tail_passes(s, x);
	synth_access_unpin(s, x, MDEV, 0, 6);
	synth_stats(s);
	r = judged(s, "");
	assert_int_equal(r->handover[0].nr_requests, 1);
	assert_int_equal(r->handover[0].request[0].path, RS_PATH_CACHED);
	assert_int_equal(r->handover[0].request[0].pages, 2);
	rs_result_free(r);

	s = vmm(&x, &ioas);
	s->mode = RS_MODE_ARMED;
	synth_ioas_map(s, x, ioas, 16 * MIB, MIB);
	synth_exec(s);
	synth_ioas_unmap(s, x, ioas, 0);
	expect_judged(s, "all-before-exec=violated iommufd-handover=unknown");
}

/* Where type1's module is not loaded nothing of type1 can be missed; but a hook that is planned, and failed, can. */
static void without_type1(void **state)
{
	static const struct {
		const char *function, *verdicts;
	} cases[] = {
		{ NULL, "" },
		{ "sched_process_exec", "all-before-exec=unknown" },
		{ "iommu_map", "no-iommu-change=unknown" },
		{ "iommufd_ioas_map", "all-before-exec=unknown" },
		{ "iommufd_access_pin_pages", "pin-balance=unknown translation-stable=unknown" },
	};
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = vmm(&x, &ioas);
		s->no_type1 = true;
		s->no_hook = cases[i].function;
		synth_exec(s);
		synth_change_process(s, x);
		expect_judged(s, cases[i].verdicts);
	}

	/* A container of type1 that is there all the same is not to be believed in silence. */
	s = vmm(&x, &ioas);
	s->no_type1 = true;
	synth_open(s);
	r = synth_result(s);
	assert_int_equal(verdict_of(r, "no-gup-in-window"), RS_UNKNOWN);
	assert_int_equal(verdict_of(r, "window-closed"), RS_UNKNOWN);
	rs_result_free(r);
	synth_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(charges), cmocka_unit_test(pins),
		cmocka_unit_test(pages),   cmocka_unit_test(interrupts),
		cmocka_unit_test(armed),   cmocka_unit_test(without_type1),
	};

	return cmocka_run_group_tests_name("rules: iommufd", tests, NULL, NULL);
}
