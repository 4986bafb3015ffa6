// SPDX-License-Identifier: GPL-2.0-only
/* The recorder says whose records found no room, and which: that, and nothing else, is in doubt. */
#include "judge.h"

#define PAGES 16

/* Two VMs update at the same time, in turns; a driver pins in both of them before. */
static struct synth *two_updates(__u64 c[2])
{
	struct synth *s = synth_new();

	for (int i = 0; i < 2; i++) {
		synth_as(s, QEMU + i);
		c[i] = synth_open(s);
		synth_map(s, c[i], 0, 2 * MIB, INO + i, 0);
		synth_pin(s, c[i], 0, PAGES, 0);
		synth_unpin(s, c[i], 0, PAGES);
	}
	for (int i = 0; i < 2; i++) {
		synth_as(s, QEMU + i);
		synth_invalidate_all(s, c[i]);
	}
	for (int i = 0; i < 2; i++) {
		synth_as(s, QEMU + i);
		synth_remap(s, c[i], 0, 2 * MIB, INO + i, 0);
		synth_release(s, c[i]);
	}
	return s;
}

static const struct rs_rule_view *rule_in(const struct rs_result *r, const char *id)
{
	for (size_t i = 0; i < r->nr_rules; i++)
		if (!strcmp(r->rule[i].id, id))
			return &r->rule[i];
	fail_msg("no rule %s", id);
	return NULL;
}

/* What the rule comes to in the container with that id. */
static enum rs_verdict verdict_in(const struct rs_result *r, const char *id, __u32 container)
{
	const struct rs_rule_view *v = rule_in(r, id);

	for (size_t i = 0; i < v->nr_containers; i++)
		if (v->container[i].container == container)
			return v->container[i].verdict;
	return RS_PASS;
}

/* Each record of each container in turn: in the other one nothing is in doubt but what processes tell. */
static void of_one_container(void **state)
{
	size_t nr, tried = 0;
	struct synth *s;
	__u64 c[2];

	(void)state;
	s = two_updates(c);
	nr = s->nr;
	synth_free(s);
	for (size_t i = 0; i < nr; i++) {
		const struct rs_ev_range *x;
		struct rs_result *r;
		__u32 of;

		s = two_updates(c);
		x = (const void *)s->rec[i].ev;
		synth_drop(s, i);
		synth_tell_lost(s);
		r = synth_result(s);
		if (x->h.type == RS_EV_PROC) {
			assert_int_equal(r->loss[0].part[0].container, 0);
		} else {
			/* Its BACKING comes without the address, but between its RANGEs. */
			of = r->loss[0].part[0].container;
			assert_true(of == 1 || of == 2);
			if (x->h.type != RS_EV_BACKING)
				assert_int_equal(x->container, c[of - 1]);
			for (size_t k = 0; k < r->nr_rules; k++)
				assert_int_equal(verdict_in(r, r->rule[k].id, 3 - of), RS_PASS);
			tried++;
		}
		rs_result_free(r);
		synth_free(s);
	}
	assert_true(tried > 20);
}

/* A pin's record tells nothing of windows, one of the memory behind a range only what that was. */
static void of_one_kind(void **state)
{
	static const struct {
		enum rs_event_type type;
		size_t nth;
		const char *unknown;
	} cases[] = {
		{ RS_EV_REQUEST, 0,
		  "no-gup-in-window=unknown all-before-exec=unknown owner-mm=unknown "
		  "pin-balance=unknown no-zero-pin=unknown translation-stable=unknown "
		  "wait-bounded=unknown" },
		{ RS_EV_IOCTL, 0, "all-before-exec=unknown" },
		{ RS_EV_XLATE, 0, "no-gup-in-window=unknown" },
		{ RS_EV_IOMMU, 0, "no-iommu-change=unknown translation-stable=unknown" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct synth *s = synth_new();
		__u64 c;

		synth_as(s, QEMU);
		c = synth_open(s);
		synth_map(s, c, 0, 2 * MIB, INO, 0);
		synth_ioctl(s, c, 0x3b70);
		synth_pin(s, c, 0, PAGES, 0);
		synth_invalidate_all(s, c);
		synth_xlate(s, c, 0, RS_IN_PIN);
		synth_iommu(s, c, 0, PAGE, RS_IOMMU_MAP, 0);
		synth_drop(s, synth_find(s, cases[i].type, cases[i].nth));
		/* The other violations are not what this is about. */
		if (cases[i].type != RS_EV_XLATE)
			synth_erase(s, synth_find(s, RS_EV_XLATE, 0));
		if (cases[i].type != RS_EV_IOMMU)
			synth_erase(s, synth_find(s, RS_EV_IOMMU, 0));
		if (cases[i].type != RS_EV_REQUEST)
			synth_erase(s, synth_find(s, RS_EV_REQUEST, 0));
		synth_remap(s, c, 0, 2 * MIB, INO, 0);
		synth_release(s, c);
		synth_tell_lost(s);
		expect_judged(s, cases[i].unknown);
	}
}

/* A flood of pins in one container; the update of another one is judged all the same, also when it goes wrong. */
static void flood_beside_a_violation(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	__u64 busy, c;
	struct synth *s;

	(void)state;
	s = synth_new();
	synth_as(s, QEMU);
	busy = synth_open(s);
	synth_map(s, busy, 0, 2 * MIB, INO, 0);
	synth_as(s, NEXT);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO + 1, 0);
	synth_invalidate_all(s, c);
	for (int i = 0; i < 50; i++) {
		synth_as(s, QEMU);
		synth_pin(s, busy, 0, PAGES, PAGES);
		synth_drop(s, synth_last(s));
	}
	synth_as(s, NEXT);
	synth_remap(s, c, 0, 2 * MIB, INO + 2, 0);
	synth_release(s, c);
	synth_as(s, QEMU);
	synth_release(s, busy);

	/* Without the book nobody knows what it was. */
	r = synth_result(s);
	assert_int_equal(verdict_of(r, "remap-same-memory"), RS_UNKNOWN);
	rs_result_free(r);

	synth_tell_lost(s);
	r = judged(s, "remap-same-memory=violated no-gup-in-window=unknown all-before-exec=unknown "
		      "owner-mm=unknown pin-balance=unknown no-zero-pin=unknown "
		      "translation-stable=unknown wait-bounded=unknown");
	f = &r->finding[0];
	assert_int_equal(f->verdict, RS_VIOLATED);
	assert_int_equal(f->container, 2);
	assert_int_equal(verdict_in(r, "remap-same-memory", 1), RS_PASS);
	assert_int_equal(verdict_in(r, "remap-same-memory", 2), RS_VIOLATED);
	assert_int_equal(verdict_in(r, "pin-balance", 1), RS_UNKNOWN);
	assert_int_equal(verdict_in(r, "pin-balance", 2), RS_PASS);
	assert_int_equal(r->nr_losses, 1);
	assert_int_equal(r->loss[0].count, 50);
	assert_int_equal(r->loss[0].part[0].container, 1);
	assert_int_equal(rs_loss_types(&r->loss[0]), 1U << RS_EV_REQUEST);
	rs_result_free(r);
}

/* What began after the loss is not explained by it; what spans it may be. */
static void before_and_between(void **state)
{
	static const struct {
		size_t at; /* the n-th IOCTL is what was lost, as if it had been a map or unmap */
		enum rs_verdict verdict;
	} cases[] = { { 0, RS_VIOLATED }, { 1, RS_UNKNOWN }, { 2, RS_VIOLATED } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct synth *s = synth_new();
		struct rs_result *r;
		__u64 c;

		synth_as(s, QEMU);
		c = synth_open(s);
		synth_ioctl(s, c, 0x3b70);
		synth_map(s, c, 0, 2 * MIB, INO, 0);
		synth_invalidate_all(s, c);
		synth_ioctl(s, c, 0x3b70);
		/* More than the recorder's slack between a record's time and its loss's. */
		synth_wait(s, 10 * MS);
		synth_remap(s, c, 0, 2 * MIB, INO + 1, 0);
		synth_wait(s, 10 * MS);
		synth_ioctl(s, c, 0x3b70);
		((struct rs_event *)synth_event(s, RS_EV_IOCTL, cases[i].at))->type = RS_EV_MAP;
		synth_drop(s, synth_find(s, RS_EV_MAP, cases[i].at));
		synth_tell_lost(s);
		synth_release(s, c);
		r = synth_result(s);
		assert_int_equal(nr_findings(r, "remap-same-memory"), 1);
		assert_int_equal(verdict_of(r, "remap-same-memory"), cases[i].verdict);
		rs_result_free(r);
		synth_free(s);
	}
}

/* Records of an address that no record names: a container that nobody saw. */
static void of_an_unseen_container(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	remap_both(s, c);
	synth_as(s, NEXT);
	synth_open_at(s, 0xffff888000ff0000);
	synth_drop(s, synth_last(s));
	synth_tell_lost(s);
	r = synth_result(s);
	assert_true(r->loss[0].part[0].unseen);
	/* Whatever an OPEN can tell; but c1 has nothing to do with it. */
	assert_int_equal(verdict_of(r, "window-closed"), RS_UNKNOWN);
	assert_int_equal(verdict_in(r, "window-closed", 1), RS_PASS);
	rs_result_free(r);
	synth_free(s);
}

/* Every record of a container lost, here and there, and no book: that is no pass, though each hole is small. */
static void scattered(void **state)
{
	struct synth *s = synth_new();
	struct rs_result *r;
	size_t first;
	__u64 c;

	(void)state;
	synth_as(s, QEMU);
	first = s->nr;
	s->cpu = SYNTH_CPUS - 1;
	c = synth_open(s);
	for (__u64 i = 0; i < 3; i++) {
		s->cpu = i;
		synth_map(s, c, i * 2 * MIB, 2 * MIB, INO, 0);
		synth_wait(s, MS);
	}
	synth_exec(s);
	for (size_t i = first; i < s->nr; i++)
		if (s->rec[i].ev->type > RS_EV_EXIT)
			synth_drop(s, i);
	r = synth_result(s);
	assert_int_equal(r->nr_containers, 0);
	assert_true(r->nr_losses > 1);
	assert_int_equal(verdict_of(r, "all-before-exec"), RS_UNKNOWN);
	assert_int_equal(verdict_of(r, "window-closed"), RS_UNKNOWN);
	rs_result_free(r);
	synth_free(s);
}

/* A process that shares the owner's mm comes and goes before the container does; @gone: its exit. */
static struct synth *shared_before(__u64 *c, size_t *gone)
{
	struct synth *s = synth_new();

	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_release(s, *c);
	synth_fork(s, NEXT, true);
	synth_as(s, NEXT);
	synth_exit(s, 0);
	*gone = synth_last(s);
	assert_int_equal(s->rec[*gone].ev->type, RS_EV_EXIT);
	synth_as(s, QEMU);
	synth_wait(s, 10 * MS);
	*c = synth_open(s);
	synth_map(s, *c, 0, 2 * MIB, INO, 0);
	return s;
}

/* It seems to have the mm still. The kernel, which counts, is believed; if it counts somebody, nobody knows whom. */
static void exit_before_the_container(void **state)
{
	(void)state;
	for (__u32 users = 0; users < 2; users++) {
		struct rs_result *r;
		struct rs_ev_exec *x;
		struct synth *s;
		size_t gone;
		__u64 c;

		s = shared_before(&c, &gone);
		synth_exec(s);
		x = (void *)s->rec[synth_last(s)].ev;
		assert_int_equal(x->h.type, RS_EV_EXEC);
		assert_int_equal(x->old_mm_users, 0);
		x->old_mm_users = users;
		synth_ioctl(s, c, 0x3b70);
		r = synth_result(s);
		assert_int_equal(verdict_of(r, "all-before-exec"), RS_VIOLATED);
		rs_result_free(r);

		synth_drop(s, gone);
		synth_tell_lost(s);
		r = synth_result(s);
		assert_int_equal(verdict_of(r, "all-before-exec"), RS_UNKNOWN);
		assert_int_equal(nr_findings(r, "all-before-exec"), !users);
		assert_int_equal(verdict_of(r, "window-closed"), RS_PASS);
		rs_result_free(r);
		synth_free(s);
	}
}

/* An owner of which nobody was told before the container came may live: then its mm has to get its pages back. */
static void owner_not_told(void **state)
{
	static const bool dropped[] = { false, true };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct synth *s = synth_new();
		struct rs_result *r;
		size_t told;
		__u64 c;

		synth_as(s, QEMU);
		synth_introduce(s);
		told = synth_last(s);
		synth_as(s, NEXT);
		synth_introduce(s);
		synth_wait(s, 10 * MS);
		synth_as(s, QEMU);
		c = synth_open(s);
		synth_map(s, c, 0, 2 * MIB, INO, 0);
		synth_invalidate_all(s, c);
		synth_as(s, NEXT);
		s->twist.no_refund = true;
		synth_remap(s, c, 0, 2 * MIB, INO, 0);
		if (dropped[i]) {
			synth_drop(s, told);
			synth_tell_lost(s);
		}
		r = synth_result(s);
		assert_int_equal(verdict_of(r, "locked-conserved"),
				 dropped[i] ? RS_UNKNOWN : RS_VIOLATED);
		rs_result_free(r);
		synth_free(s);
	}
}

/* A full book, or one of a recorder that was killed and began anew, says nothing of what is not in it. */
static void book_with_gaps(void **state)
{
	struct synth *s;
	__u64 c[2];

	(void)state;
	s = two_updates(c);
	synth_drop(s, synth_find(s, RS_EV_REQUEST, 0));
	synth_drop(s, synth_find(s, RS_EV_REQUEST, 2));
	synth_tell_lost(s);
	json_array_remove(s->lost, 0);
	expect_judged(s, "window-closed=unknown remap-exact=unknown remap-same-memory=unknown "
			 "no-gup-in-window=unknown no-iommu-change=unknown no-new-user=unknown "
			 "all-before-exec=unknown locked-conserved=unknown owner-mm=unknown "
			 "pin-balance=unknown no-zero-pin=unknown translation-stable=unknown "
			 "one-owner=unknown irq-restored=unknown wait-bounded=unknown "
			 "iommufd-handover=unknown");
}

/* Which function's calls were skipped says which records may be missing. */
static void skipped_calls(void **state)
{
	static const struct {
		const char *function, *unknown;
	} cases[] = {
		{ "sched_process_exec",
		  "all-before-exec=unknown locked-conserved=unknown irq-restored=unknown" },
		{ "sched_process_fork", "all-before-exec=unknown locked-conserved=unknown" },
		{ "sched_process_exit",
		  "window-closed=unknown all-before-exec=unknown locked-conserved=unknown "
		  "one-owner=unknown irq-restored=unknown" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rs_result *r;
		struct synth *s;
		__u64 c[2];

		s = two_updates(c);
		s->loss = json_pack("[{s:s, s:s, s:i, s:I, s:I}]", "kind", "recursion", "function",
				    cases[i].function, "count", 1, "first_ns",
				    (json_int_t)(s->now - 1000), "last_ns", (json_int_t)s->now);
		r = synth_result(s);
		for (size_t k = 0; k < r->nr_rules; k++) {
			bool want = strstr(cases[i].unknown, r->rule[k].id);

			if (r->rule[k].verdict != (want ? RS_UNKNOWN : RS_PASS))
				fail_msg("%s %s", cases[i].function, r->rule[k].id);
		}
		rs_result_free(r);
		synth_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_one_container),
		cmocka_unit_test(of_one_kind),
		cmocka_unit_test(flood_beside_a_violation),
		cmocka_unit_test(before_and_between),
		cmocka_unit_test(of_an_unseen_container),
		cmocka_unit_test(scattered),
		cmocka_unit_test(exit_before_the_container),
		cmocka_unit_test(owner_not_told),
		cmocka_unit_test(book_with_gaps),
		cmocka_unit_test(skipped_calls),
	};

	return cmocka_run_group_tests_name("what is lost, and what is not", tests, NULL, NULL);
}
