// SPDX-License-Identifier: GPL-2.0-only
/* Each rule, broken and nearly broken; and what all the others say of it. */
#include <errno.h>
#include "judge.h"

#define LOW  "c1 range 0x0 size 0x200000 "
#define HIGH "c1 range 0x400000 size 0x100000 "

static void orderly_update(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_attach(s, c);
	synth_pin(s, c, 0, 4, 1);
	synth_unpin(s, c, 0, 4);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	synth_rw(s, c, 4096, 100, true);
	synth_release(s, c);
	synth_exit(s, 0);
	r = judged(s, "");
	assert_int_equal(r->nr_findings, 0);
	assert_int_equal(r->nr_losses, 0);
	/* What every verdict rests on. */
	for (size_t i = 0; i < r->nr_rules; i++) {
		const char *id = r->rule[i].id;
		/* The container, and its device; no page is known, nobody else takes over. */
		__u64 instances = !strcmp(id, "no-new-user") || !strcmp(id, "pin-balance") ||
						  !strcmp(id, "no-zero-pin")
					  ? 1
				  : !strcmp(id, "translation-stable") || !strcmp(id, "one-owner") ||
						  !strcmp(id, "irq-restored") ||
						  !strcmp(id, "wait-bounded") ||
						  !strcmp(id, "iommufd-handover")
					  ? 0
					  : 2;

		assert_int_equal(r->rule[i].instances, instances);
	}
	rs_result_free(r);
}

/* Again and again in one container, alone and by others: nothing adds up to a violation. */
static void many_orderly_updates(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	for (int i = 0; i < 20; i++) {
		if (i % 2)
			synth_invalidate_all(s, c);
		else {
			synth_invalidate(s, c, 4 * MIB, MIB);
			synth_invalidate(s, c, 0, 2 * MIB);
		}
		if (i % 3 == 0)
			synth_exec(s);
		if (i % 3 == 1) {
			/* The old process stays for a while: its mm is given back what it paid. */
			synth_as(s, NEXT + i);
			remap_both(s, c);
		} else {
			remap_both(s, c);
		}
	}
	synth_release(s, c);
	expect_judged(s, "");
}

/* window-closed */

static void given_up_by_the_living(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_release(s, c);
	r = synth_result(s);
	expect_verdicts(r, "window-closed=violated");
	f = expect_finding(r, "window-closed",
			   HIGH
			   "had no vaddr when its container was given up, by a process that lived");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_REMOVE);
	expect_proof(f, synth_event(s, RS_EV_UNMAP, 0));
	expect_proof(f, synth_event(s, RS_EV_REMOVE, 1));
	assert_int_equal(f->container, 1);
	assert_int_equal(f->window, 1);
	assert_int_equal(f->at_ns, f->event[1]->ts);
	rs_result_free(r);
	synth_free(s);

	/* exit() is not a death by signal. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_exit(s, 1);
	synth_release(s, c);
	r = judged(s, "window-closed=violated");
	assert_int_equal(nr_findings(r, "window-closed"), 2);
	rs_result_free(r);

	/* The container's fd did not survive the exec. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_release(s, c);
	expect_judged(s, "window-closed=violated");

	/* With its last group, not with itself. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_detach_last(s, c);
	synth_release(s, c);
	expect_judged(s, "window-closed=violated");
}

static void given_up_by_the_dead(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.killed = 9;
	synth_exit(s, 0);
	synth_release(s, c);
	r = judged(s, "");
	assert_int_equal(r->window[0].end, RS_WINDOW_KILLED);
	rs_result_free(r);

	/* The fds lived on in a child that had nothing to do with them. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_fork(s, NEXT, false);
	s->twist.killed = 11;
	synth_exit(s, 0);
	synth_as(s, NEXT);
	synth_release(s, c);
	expect_judged(s, "");
}

static void found_by_time(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_wait(s, 61 * SEC);
	/* Somebody else. */
	synth_as(s, 300);
	synth_open(s);
	r = synth_result(s);
	expect_verdicts(r, "window-closed=violated");
	f = expect_finding(r, "window-closed", LOW "has been without a vaddr for more than 60 s");
	expect_excerpt(f, RS_EV_UNMAP);
	assert_int_equal(f->at_ns, f->event[0]->ts + RS_WINDOW_LIMIT_NS);
	expect_path(f, "valid invalidated, invalid time");
	rs_result_free(r);
	/* That it is remapped in the end does not take it back. */
	synth_as(s, QEMU);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_release(s, c);
	r = judged(s, "window-closed=violated");
	expect_finding(r, "window-closed", LOW "has been without a vaddr for more than 60 s");
	rs_result_free(r);

	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_wait(s, 60 * SEC - 10 * US);
	synth_as(s, 300);
	synth_open(s);
	synth_as(s, QEMU);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	expect_judged(s, "");
}

/* The recording's own clock says it, without an event. */
static void found_by_the_end(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->ended_ns = s->now + 300 * SEC;
	expect_judged(s, "window-closed=violated");

	/* No longer than 60 s: that long is not too long. */
	for (__u64 late = 0; late < 2; late++) {
		s = two_ranges(&c);
		synth_invalidate(s, c, 0, 2 * MIB);
		s->ended_ns = s->now + RS_WINDOW_LIMIT_NS + late;
		expect_judged(s, late ? "window-closed=violated" : "window-closed=unknown");
	}
}

/* Whatever is recorded after it, and how often: the finding is the same, and each is told when it is due. */
static void found_at_the_deadline(void **state)
{
	__u64 at[2] = { 0 };

	(void)state;
	for (int records = 0; records < 3; records++) {
		struct rs_result *r;
		struct synth *s;
		__u64 c;

		s = two_ranges(&c);
		synth_invalidate(s, c, 4 * MIB, MIB);
		synth_wait(s, 30 * SEC);
		synth_invalidate(s, c, 0, 2 * MIB);
		for (int i = 0; i < records; i++) {
			synth_wait(s, 70 * SEC);
			synth_ioctl(s, c, 0x3b70);
		}
		s->ended_ns = 2000 * SEC;
		r = judged(s, "window-closed=violated");
		assert_int_equal(r->nr_findings, 2);
		assert_string_equal(r->finding[0].text,
				    HIGH "has been without a vaddr for more than 60 s");
		assert_string_equal(r->finding[1].text,
				    LOW "has been without a vaddr for more than 60 s");
		for (int i = 0; i < 2; i++) {
			assert_int_equal(r->finding[i].window, 1);
			if (!records)
				at[i] = r->finding[i].at_ns;
			assert_int_equal(r->finding[i].at_ns, at[i]);
		}
		rs_result_free(r);
	}
}

/* A recorder that runs can say so while the window is still open. */
static void told_while_it_lasts(void **state)
{
	struct rs_analysis_opts opts = { .source = "synth" };
	struct rs_progress p;
	struct rs_analysis *a;
	struct rs_msg msg;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_wait(s, 61 * SEC);
	synth_as(s, 300);
	synth_introduce(s);
	synth_wait(s, SEC);
	synth_as(s, 301);
	synth_introduce(s);
	assert_int_equal(rs_analysis_new(&opts, &a, &msg), 0);
	for (size_t i = 0; i < s->nr; i++) {
		rs_analysis_progress(a, &p);
		assert_int_equal(p.violations, 0);
		assert_int_equal(rs_analysis_event(a, s->rec[i].ev), 0);
	}
	rs_analysis_progress(a, &p);
	assert_int_equal(p.open, 1);
	assert_int_equal(p.violations, 1);
	rs_analysis_free(a);
	synth_free(s);
}

static void open_at_the_end(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_exec(s);
	r = judged(s, "window-closed=unknown all-before-exec=violated");
	expect_finding(r, "window-closed", LOW "has no vaddr yet, and here the recording ends");
	assert_int_equal(r->nr_windows, 1);
	assert_int_equal(r->window[0].end, RS_WINDOW_OPEN);
	assert_int_equal(r->window[0].close_ns, 0);
	rs_result_free(r);

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	expect_judged(s, "window-closed=unknown");
}

/* remap-exact */

static void another_size(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.size = MIB;
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = synth_result(s);
	expect_verdicts(r, "remap-exact=violated");
	f = expect_finding(r, "remap-exact", LOW "was remapped as iova 0x0 size 0x100000");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_MAP);
	expect_proof(f, synth_event(s, RS_EV_MAP, 2));
	rs_result_free(r);
	synth_free(s);

	/* Refused, as it should be, and then nothing better came. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_remap(s, c, 0, MIB, INO, 0);
	s->twist.killed = 9;
	synth_exit(s, 0);
	synth_release(s, c);
	r = judged(s, "remap-exact=violated");
	f = expect_finding(r, "remap-exact",
			   LOW "was only ever remapped with another iova or size, which the kernel "
			       "refused");
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_MAP, RS_EV_REMOVE);
	rs_result_free(r);

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, 2 * MIB, INO, 2 * MIB);
	synth_unmap(s, c, 4 * MIB, MIB);
	expect_judged(s, "remap-exact=violated no-new-user=violated");

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 0);
	expect_judged(s, "window-closed=unknown remap-exact=unknown");
}

static void another_size_first(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, 2 * MIB, INO, 2 * MIB);
	s->twist.ret = -EFAULT;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	remap_both(s, c);
	/* Not invalid: another size of it says nothing. */
	synth_remap(s, c, 0, MIB, INO, 0);
	expect_judged(s, "");
}

/* remap-same-memory */

static struct synth *invalidated(__u64 *c)
{
	struct synth *s = synth_new();

	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_map(s, *c, 0, 2 * MIB, INO, 0);
	synth_invalidate_all(s, *c);
	synth_exec(s);
	return s;
}

static void other_memory(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = invalidated(&c);
	synth_remap(s, c, 0, 2 * MIB, INO + 1, 0);
	r = synth_result(s);
	expect_verdicts(r, "remap-same-memory=violated");
	f = expect_finding(r, "remap-same-memory",
			   LOW "was inode 42 of device 0:1 and now is inode 43 of device 0:1 "
			       "(at +0x0)");
	expect_excerpt(f, RS_EV_MAP, RS_EV_UNMAP, RS_EV_MAP);
	expect_proof(f, synth_event(s, RS_EV_MAP, 0));
	expect_proof(f, synth_event(s, RS_EV_MAP, 1));
	rs_result_free(r);
	synth_free(s);

	s = invalidated(&c);
	s->twist.split = MIB;
	s->twist.split_off = PAGE;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	r = judged(s, "remap-same-memory=violated");
	expect_finding(r, "remap-same-memory",
		       LOW "was inode 42 at offset 0x100000 and now is at offset 0x101000 "
			   "(at +0x100000)");
	rs_result_free(r);

	s = invalidated(&c);
	s->twist.hole = true;
	s->twist.split = MIB;
	s->twist.vaddr = 0x7e0000000000;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	r = judged(s, "remap-same-memory=violated");
	expect_finding(r, "remap-same-memory",
		       LOW "has nothing mapped at its new vaddr 0x7e0000100000");
	rs_result_free(r);
}

static void memory_without_a_name(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = synth_new();
	synth_as(s, QEMU);
	c = synth_open(s);
	s->twist.what = RS_BACKING_ANON;
	synth_map(s, c, 0, 2 * MIB, 0, 0);
	synth_invalidate_all(s, c);
	synth_fork(s, NEXT, false);
	synth_as(s, NEXT);
	s->twist.what = RS_BACKING_ANON;
	synth_remap(s, c, 0, 2 * MIB, 0, 0);
	r = judged(s, "remap-same-memory=unknown");
	expect_finding(r, "remap-same-memory",
		       LOW "is anonymous memory, which nothing identifies (at +0x0)");
	rs_result_free(r);

	/* The same mm and vaddr: that is the same memory. */
	s = synth_new();
	synth_as(s, QEMU);
	c = synth_open(s);
	s->twist.what = RS_BACKING_ANON;
	synth_map(s, c, 0, 2 * MIB, 0, 0);
	synth_invalidate_all(s, c);
	s->twist.what = RS_BACKING_ANON;
	synth_remap(s, c, 0, 2 * MIB, 0, 0);
	expect_judged(s, "");
}

/* In pieces before, in others after, at another vaddr: the same all the same. */
static void same_memory_in_other_pieces(void **state)
{
	struct synth *s = synth_new();
	__u64 c;

	(void)state;
	synth_as(s, QEMU);
	c = synth_open(s);
	s->twist.split = 512 * KIB;
	synth_map(s, c, 0, 2 * MIB, INO, 8 * MIB);
	synth_invalidate_all(s, c);
	synth_exec(s);
	s->twist.split = MIB;
	s->twist.vaddr = 0x7e0000000000;
	synth_remap(s, c, 0, 2 * MIB, INO, 8 * MIB);
	expect_judged(s, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orderly_update),
		cmocka_unit_test(many_orderly_updates),
		cmocka_unit_test(given_up_by_the_living),
		cmocka_unit_test(given_up_by_the_dead),
		cmocka_unit_test(found_by_time),
		cmocka_unit_test(found_by_the_end),
		cmocka_unit_test(found_at_the_deadline),
		cmocka_unit_test(told_while_it_lasts),
		cmocka_unit_test(open_at_the_end),
		cmocka_unit_test(another_size),
		cmocka_unit_test(another_size_first),
		cmocka_unit_test(other_memory),
		cmocka_unit_test(memory_without_a_name),
		cmocka_unit_test(same_memory_in_other_pieces),
	};

	return cmocka_run_group_tests_name("rules: a range's remap", tests, NULL, NULL);
}
