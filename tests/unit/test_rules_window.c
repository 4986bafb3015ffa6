// SPDX-License-Identifier: GPL-2.0-only
/* What may not happen around a window: each rule, broken and nearly broken, and what the others say. */
#include <errno.h>
#include "judge.h"

#define LOW  "c1 range 0x0 size 0x200000 "
#define HIGH "c1 range 0x400000 size 0x100000 "

#define STALE \
	"still had the old vaddr when its owner's memory went away, and its container lives on"

/* no-gup-in-window */

static void translated_inside(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.gup_calls = 1;
	synth_pin(s, c, 0, 4, 0);
	remap_both(s, c);
	r = synth_result(s);
	expect_verdicts(r, "no-gup-in-window=violated");
	f = expect_finding(r, "no-gup-in-window",
			   LOW "was translated through its vaddr while that was invalid");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_REQUEST);
	expect_proof(f, synth_event(s, RS_EV_UNMAP, 0));
	expect_proof(f, synth_event(s, RS_EV_REQUEST, 0));
	assert_int_equal(r->window[0].translations, 1);
	rs_result_free(r);
	synth_free(s);

	/* A failed lookup was one all the same. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.gup_calls = 1;
	s->twist.ret = -EFAULT;
	synth_pin(s, c, 4 * MIB, 1, 0);
	remap_both(s, c);
	r = judged(s, "no-gup-in-window=violated");
	expect_finding(r, "no-gup-in-window",
		       HIGH "was translated through its vaddr while that was invalid");
	rs_result_free(r);

	/* By the attach of a group, which pins what is not pinned yet. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_xlate(s, c, 0, RS_IN_ATTACH);
	s->twist.ret = -EBUSY;
	synth_attach(s, c);
	remap_both(s, c);
	r = judged(s, "no-gup-in-window=violated");
	f = expect_finding(r, "no-gup-in-window",
			   LOW "was translated through its vaddr while that was invalid");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_XLATE);
	rs_result_free(r);
}

static void translated_by_the_remap(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.gup_calls = 1;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = synth_result(s);
	expect_verdicts(r, "no-gup-in-window=violated");
	f = expect_finding(r, "no-gup-in-window",
			   LOW "was translated through its vaddr while that was invalid");
	expect_proof(f, synth_event(s, RS_EV_UNMAP, 0));
	expect_proof(f, synth_event(s, RS_EV_MAP, 2));
	rs_result_free(r);
	synth_free(s);
}

static void translated_elsewhere(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_pin(s, c, 0, 4, 0);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_pin(s, c, 0, 4, 0); /* refused */
	s->twist.gup_calls = 1;
	synth_pin(s, c, 4 * MIB, 4, 0); /* of the range that is valid */
	synth_xlate(s, c, 4 * MIB, RS_IN_ATTACH);
	synth_rw(s, c, 0, 64, false); /* refused */
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_pin(s, c, 0, 4, 0);
	r = judged(s, "");
	assert_int_equal(r->window[0].requests, 3);
	assert_int_equal(r->window[0].translations, 0);
	rs_result_free(r);
}

/* no-iommu-change */

static void table_changed_inside(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_iommu(s, c, MIB, PAGE, RS_IOMMU_UNMAP, PAGE);
	remap_both(s, c);
	r = synth_result(s);
	expect_verdicts(r, "no-iommu-change=violated");
	f = expect_finding(r, "no-iommu-change",
			   LOW "was changed in the IOMMU's table while it had no vaddr");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_IOMMU);
	expect_proof(f, synth_event(s, RS_EV_IOMMU, 0));
	rs_result_free(r);
	synth_free(s);

	/* One change over the end of one range and the begin of the other. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_iommu(s, c, MIB, 4 * MIB, RS_IOMMU_MAP, 0);
	remap_both(s, c);
	r = judged(s, "no-iommu-change=violated");
	assert_int_equal(nr_findings(r, "no-iommu-change"), 2);
	rs_result_free(r);
}

static void table_changed_elsewhere(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_iommu(s, c, 0, PAGE, RS_IOMMU_MAP, -ENOMEM); /* failed */
	synth_iommu(s, c, 0, PAGE, RS_IOMMU_UNMAP, 0);	   /* there was nothing */
	synth_iommu(s, c, 2 * MIB, 3 * MIB, RS_IOMMU_MAP, 0);
	synth_unmap(s, c, 4 * MIB, MIB); /* the valid one: part of its removal */
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_iommu(s, c, 0, PAGE, RS_IOMMU_UNMAP, PAGE);
	expect_judged(s, "");
}

/* no-new-user */

static void new_user_inside(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	remap_both(s, c);
	r = judged(s, "no-new-user=violated");
	f = expect_finding(r, "no-new-user",
			   "c1 range 0x800000 size 0x100000 was newly mapped while the "
			   "container's window was open");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_MAP);
	assert_int_equal(r->window[0].new_maps, 1);
	rs_result_free(r);

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_attach(s, c);
	remap_both(s, c);
	r = judged(s, "no-new-user=violated");
	f = expect_finding(r, "no-new-user", "c1 got another group while its window was open");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_ATTACH);
	rs_result_free(r);

	/* On purpose or not: it is unmapped, so its window is closed, but this is no way to. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_unmap(s, c, 4 * MIB, MIB);
	r = judged(s, "no-new-user=violated");
	f = expect_finding(r, "no-new-user", HIGH "was unmapped while it had no vaddr");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_REMOVE);
	assert_int_equal(r->window[0].end, RS_WINDOW_UNMAPPED);
	rs_result_free(r);

	/* Each one is told. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_attach(s, c);
	synth_attach(s, c);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	remap_both(s, c);
	r = judged(s, "no-new-user=violated");
	assert_int_equal(nr_findings(r, "no-new-user"), 3);
	rs_result_free(r);
}

static void new_user_elsewhere(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	s->twist.ret = -EBUSY;
	synth_attach(s, c);
	s->twist.ret = -EINVAL;
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	synth_unmap(s, c, 4 * MIB, MIB); /* it has its vaddr */
	s->twist.ret = -EINVAL;
	synth_unmap(s, c, 0, 2 * MIB);
	synth_ioctl(s, c, 0x3b70);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_attach(s, c);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	synth_unmap(s, c, 8 * MIB, MIB);
	expect_judged(s, "");
}

/* all-before-exec */

static void left_behind(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_release(s, c);
	r = synth_result(s);
	expect_verdicts(r, "all-before-exec=violated");
	f = expect_finding(r, "all-before-exec", HIGH STALE);
	expect_excerpt(f, RS_EV_MAP, RS_EV_EXEC, RS_EV_MAP);
	expect_proof(f, synth_event(s, RS_EV_MAP, 1));
	expect_proof(f, synth_event(s, RS_EV_EXEC, 0));
	expect_proof(f, synth_event(s, RS_EV_MAP, 2));
	rs_result_free(r);
	synth_free(s);

	/* By an exit, and nobody uses the container before another one closes it. */
	s = two_ranges(&c);
	synth_fork(s, NEXT, false);
	synth_exit(s, 0);
	synth_as(s, NEXT);
	synth_release(s, c);
	r = judged(s, "all-before-exec=violated");
	assert_int_equal(nr_findings(r, "all-before-exec"), 2);
	rs_result_free(r);

	/* ... or before the recording ends. */
	s = two_ranges(&c);
	s->twist.killed = 9;
	synth_exit(s, 0);
	r = judged(s, "all-before-exec=violated");
	assert_int_equal(nr_findings(r, "all-before-exec"), 2);
	rs_result_free(r);

	/* The remap gave it the first mm; the second goes. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	synth_exec(s);
	synth_ioctl(s, c, 0x3b70);
	expect_judged(s, "all-before-exec=violated");
}

static void not_left_behind(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	/* Another mm goes: a child's own, and one that is shared. */
	s = two_ranges(&c);
	synth_fork(s, NEXT, false);
	synth_as(s, NEXT);
	synth_exec(s);
	synth_ioctl(s, c, 0x3b70);
	synth_exit(s, 0);
	synth_as(s, QEMU);
	synth_fork(s, NEXT + 1, true);
	synth_as(s, NEXT + 1);
	synth_exec(s);
	synth_ioctl(s, c, 0x3b70);
	synth_as(s, QEMU);
	synth_fork(s, NEXT + 2, true);
	synth_as(s, NEXT + 2);
	synth_exit(s, 1);
	synth_as(s, QEMU);
	synth_ioctl(s, c, 0x3b70);
	expect_judged(s, "");

	/* The one that maps goes, its mm stays with the other thread group. */
	s = two_ranges(&c);
	synth_fork(s, NEXT, true);
	synth_exit(s, 0);
	synth_as(s, NEXT);
	synth_ioctl(s, c, 0x3b70);
	synth_release(s, c);
	expect_judged(s, "");

	/* The container goes down with the process, by exit and by close-on-exec. */
	s = two_ranges(&c);
	synth_exit(s, 0);
	synth_release(s, c);
	expect_judged(s, "");
	s = two_ranges(&c);
	synth_exec(s);
	synth_release(s, c);
	expect_judged(s, "");

	/* ... of which the last reference may be dropped by a kernel thread. */
	s = two_ranges(&c);
	synth_exit(s, 0);
	synth_release(s, c);
	for (size_t i = 0; i < 2; i++) {
		struct rs_event *ev = synth_event(s, RS_EV_REMOVE, i);

		ev->tgid = ev->tid = 2;
		ev->mm = 0;
		ev->flags |= RS_EVF_KTHREAD;
	}
	expect_judged(s, "");

	/* Taken down before. */
	s = two_ranges(&c);
	synth_unmap(s, c, 0, 8 * MIB);
	synth_exec(s);
	synth_ioctl(s, c, 0x3b70);
	expect_judged(s, "");
}

/* locked-conserved */

static void charge_goes_wrong(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	s->twist.no_refund = true;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = synth_result(s);
	expect_verdicts(r, "locked-conserved=violated");
	f = expect_finding(r, "locked-conserved",
			   LOW
			   "is charged twice: the old owner's mm did not get its 512 pages back");
	expect_excerpt(f, RS_EV_MAP, RS_EV_UNMAP, RS_EV_MAP);
	expect_proof(f, synth_event(s, RS_EV_MAP, 2));
	rs_result_free(r);
	synth_free(s);

	/* The kernels that forgot to charge the new mm (fixed by 90fdd158a695). */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	s->twist.no_charge = true;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "locked-conserved=violated");
	expect_finding(r, "locked-conserved",
		       LOW "holds 512 locked pages, but its owner's mm was charged 0");
	rs_result_free(r);

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.third_mm = true;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	s->twist.gain_off = 256;
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "locked-conserved=violated");
	assert_int_equal(nr_findings(r, "locked-conserved"), 2);
	assert_string_equal(r->finding[0].text, LOW "had a third mm charged or credited");
	assert_string_equal(r->finding[1].text,
			    HIGH "stayed with its owner, yet the mm was charged 256 pages");
	rs_result_free(r);

	/* At the first map already. */
	s = synth_new();
	synth_as(s, QEMU);
	c = synth_open(s);
	s->twist.gain_off = -1;
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	r = judged(s, "locked-conserved=violated");
	f = expect_finding(r, "locked-conserved",
			   LOW "holds 512 locked pages, but its owner's mm was charged 511");
	expect_excerpt(f, RS_EV_MAP);
	rs_result_free(r);
}

static void charge_that_need_not_move(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	/* Who is dead gets nothing back; who stays is not charged again. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	synth_invalidate_all(s, c);
	remap_both(s, c);
	synth_invalidate_all(s, c);
	synth_fork(s, NEXT, false);
	synth_as(s, NEXT);
	remap_both(s, c);
	expect_judged(s, "");
}

static void kernel_that_does_not_tell(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = synth_new();
	synth_as(s, QEMU);
	c = synth_open(s);
	s->twist.no_mm = true;
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	r = judged(s, "locked-conserved=unknown");
	expect_finding(r, "locked-conserved",
		       LOW
		       "is on a kernel, or in a recording, that does not tell its locked pages");
	rs_result_free(r);
}

/* A driver asks for a range that an exec has left behind; of one whose owner exits it may, for a moment. */
static void asked_for_when_stale(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	for (int how = 0; how < 3; how++) {
		s = two_ranges(&c);
		if (how < 2)
			synth_exec(s);
		else
			synth_exit(s, 0);
		synth_as(s, 300);
		if (how != 1) {
			s->twist.ret = -ENODEV;
			synth_pin(s, c, 0, 1, 0);
		}
		synth_as(s, QEMU);
		synth_release(s, c);
		expect_judged(s, how ? "" : "all-before-exec=violated");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_for_when_stale),
		cmocka_unit_test(translated_inside),
		cmocka_unit_test(translated_by_the_remap),
		cmocka_unit_test(translated_elsewhere),
		cmocka_unit_test(table_changed_inside),
		cmocka_unit_test(table_changed_elsewhere),
		cmocka_unit_test(new_user_inside),
		cmocka_unit_test(new_user_elsewhere),
		cmocka_unit_test(left_behind),
		cmocka_unit_test(not_left_behind),
		cmocka_unit_test(charge_goes_wrong),
		cmocka_unit_test(charge_that_need_not_move),
		cmocka_unit_test(kernel_that_does_not_tell),
	};

	return cmocka_run_group_tests_name("rules: around a window", tests, NULL, NULL);
}
