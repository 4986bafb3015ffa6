// SPDX-License-Identifier: GPL-2.0-only
/* A recording that goes on: each update is told when it is over, what is found at once; and nothing is kept. */
#include "source/order.h"
#include "told_fixture.h"

static void told_when_it_is_over(void **state)
{
	struct watch *w;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	w = watch_of(s, NULL);
	synth_invalidate_all(s, c);
	synth_wait(s, 20 * MS);
	synth_exec(s);
	synth_wait(s, 30 * MS);
	remap_both(s, c);
	catch_up(w, s->nr);
	tick(w, s->now + SEC);
	assert_int_equal(w->nr, 0);
	/* Nothing else happens, and yet: */
	tick(w, s->now + 2 * SEC);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->one[0].id, 1);
	assert_int_equal(w->one[0].view.handover, RS_HANDOVER_EXEC);
	assert_in_range(w->one[0].view.blackout_len, 50 * MS, 51 * MS);
	assert_int_equal(w->one[0].windows, 1);
	assert_int_equal(w->one[0].containers, 1);
	assert_int_equal(w->one[0].verdict, RS_PASS);
	tick(w, s->now + 100 * SEC);
	assert_int_equal(w->nr, 1);
	/* The next one has the next number. */
	synth_wait(s, 200 * SEC);
	synth_invalidate_all(s, c);
	remap_both(s, c);
	synth_wait(s, 5 * SEC);
	catch_up(w, s->nr);
	finish(w);
	assert_int_equal(w->nr, 2);
	assert_int_equal(w->one[1].id, 2);
	assert_int_equal(w->one[1].verdict, RS_PASS);
	done(w);
	synth_free(s);
}

/* A clock is raised while it runs out, with the time that a replay finds; then nothing, until the update is over. */
static void raised_meanwhile(void **state)
{
	struct rs_result *r;
	struct watch *w;
	struct synth *s;
	__u64 c, lost;
	size_t nr;

	(void)state;
	s = two_ranges(&c);
	w = watch_of(s, NULL);
	synth_invalidate_all(s, c);
	lost = s->now;
	catch_up(w, s->nr);
	tick(w, lost + RS_WINDOW_LIMIT_NS);
	assert_int_equal(w->nr, 0);
	tick(w, lost + RS_WINDOW_LIMIT_NS + SEC);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->one[0].id, 0);
	assert_int_equal(w->one[0].violations, 1);
	assert_int_equal(w->one[0].at_ns, lost + RS_WINDOW_LIMIT_NS);
	assert_non_null(strstr(w->one[0].text,
			       "window-closed: c1 2 ranges, the first at iova 0x0 size 0x200000"));
	for (__u64 t = 2; t < 50; t++)
		tick(w, lost + RS_WINDOW_LIMIT_NS + t * SEC);
	assert_int_equal(w->nr, 1);

	synth_wait(s, RS_WINDOW_LIMIT_NS + 60 * SEC);
	remap_both(s, c);
	catch_up(w, s->nr);
	nr = w->nr;
	assert_int_equal(nr, 1);
	tick(w, s->now + 2 * SEC);
	assert_int_equal(w->nr, 2);
	assert_int_equal(w->one[1].id, 1);
	assert_int_equal(w->one[1].verdict, RS_VIOLATED);
	assert_int_equal(w->one[1].violations, 1);
	assert_string_equal(w->one[1].text, w->one[0].text);
	finish(w);
	assert_int_equal(w->nr, 2);

	r = judged(s, "window-closed=violated");
	assert_int_equal(nr_findings(r, "window-closed"), 2);
	assert_int_equal(r->finding[0].at_ns, w->one[0].at_ns);
	rs_result_free(r);
	done(w);
}

/* Two at a time are told apart, and each has its own verdict. */
static void kept_apart(void **state)
{
	struct watch *w;
	struct synth *s;
	__u64 c, d;

	(void)state;
	s = two_ranges(&c);
	w = watch_of(s, NULL);
	synth_as(s, 300);
	d = synth_open(s);
	synth_attach(s, d);
	synth_map(s, d, 0, 2 * MIB, INO + 1, 0);
	synth_invalidate_all(s, d);
	synth_as(s, QEMU);
	synth_invalidate_all(s, c);
	synth_wait(s, MS);
	/* The memory of another file. */
	synth_remap(s, c, 0, 2 * MIB, INO + 7, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	catch_up(w, s->nr);
	/* Raised at once; then the one that is over. */
	tick(w, s->now + SEC / 2);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->one[0].id, 0);
	assert_int_equal(w->one[0].violations, 1);
	tick(w, s->now + 5 * SEC);
	assert_int_equal(w->nr, 2);
	assert_int_equal(w->one[1].id, 2);
	assert_int_equal(w->one[1].verdict, RS_VIOLATED);
	assert_int_equal(w->one[1].violations, 1);
	assert_non_null(strstr(w->one[1].text, "remap-same-memory: c1 range 0x0"));
	synth_wait(s, 10 * SEC);
	synth_as(s, 300);
	synth_remap(s, d, 0, 2 * MIB, INO + 1, 0);
	catch_up(w, s->nr);
	tick(w, s->now + 5 * SEC);
	assert_int_equal(w->nr, 3);
	assert_int_equal(w->one[2].id, 1);
	assert_int_equal(w->one[2].verdict, RS_PASS);
	finish(w);
	assert_int_equal(w->nr, 3);
	done(w);
	synth_free(s);
}

/* What is found when no update is under way is told by itself, and once. */
static void outside(void **state)
{
	struct watch *w;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	w = watch_of(s, NULL);
	s->twist.gup_zero = 1;
	synth_pin(s, c, 0, 1, 0);
	catch_up(w, s->nr);
	tick(w, s->now + SEC);
	tick(w, s->now + 2 * SEC);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->one[0].id, 0);
	assert_int_equal(w->one[0].violations, 1);
	assert_non_null(strstr(w->one[0].text, "no-zero-pin: "));
	/* An update after it is none the worse for it. */
	synth_invalidate_all(s, c);
	remap_both(s, c);
	catch_up(w, s->nr);
	tick(w, s->now + 3 * SEC);
	assert_int_equal(w->nr, 2);
	assert_int_equal(w->one[1].id, 1);
	assert_int_equal(w->one[1].verdict, RS_PASS);
	finish(w);
	assert_int_equal(w->nr, 2);
	done(w);
	synth_free(s);
}

/* One that is not over when the recording ends is told without an end; a late loss makes it unknown. */
static void open_at_the_end(void **state)
{
	struct watch *w;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	w = watch_of(s, NULL);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_wait(s, SEC);
	catch_up(w, s->nr);
	finish(w);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->one[0].id, 1);
	assert_int_equal(w->one[0].view.end_ns, 0);
	assert_int_equal(w->one[0].view.nr_windows, 1);
	done(w);
	synth_free(s);

	s = two_ranges(&c);
	w = watch_of(s, NULL);
	synth_invalidate_all(s, c);
	synth_ioctl(s, c, 0x3b64);
	synth_drop(s, synth_last(s));
	remap_both(s, c);
	catch_up(w, s->nr);
	tick(w, s->now + 3 * SEC);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->one[0].verdict, RS_UNKNOWN);
	finish(w);
	done(w);
	synth_free(s);
}

#define VM 0xffff888400000000ULL

/* A guest with a vCPU stands still, and its ranges lose their vaddrs. */
static struct synth *stopped_guest(__u64 *c)
{
	struct synth *s = two_ranges(c);

	synth_vcpu_run(s, VM, 0);
	synth_wait(s, MS);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, *c);
	synth_wait(s, 10 * MS);
	return s;
}

/* An abandoned one is told when its guest runs again, though its windows stay open; what closes later is not kept. */
static void abandoned(void **state)
{
	struct watch *w;
	struct synth *s;
	__u64 c;

	(void)state;
	s = stopped_guest(&c);
	w = watch_of(s, NULL);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_vcpu_run(s, VM, 0);
	catch_up(w, s->nr);
	tick(w, s->now + 3 * SEC);
	assert_true(w->nr > 0);
	assert_int_equal(w->one[w->nr - 1].id, 1);
	assert_int_equal(w->one[w->nr - 1].view.outcome, RS_OUTCOME_ABANDONED);
	assert_int_equal(w->one[w->nr - 1].view.ranges, 2);
	assert_int_equal(w->one[w->nr - 1].view.invalid, 1);
	assert_int_equal(w->one[w->nr - 1].windows, 1);
	for (size_t i = 0, nr = w->nr; i < 3; i++) {
		synth_wait(s, 5 * SEC);
		if (i == 1)
			synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
		catch_up(w, s->nr);
		tick(w, s->now + 3 * SEC);
		assert_int_equal(w->nr, nr);
	}
	/* The next one is another one. */
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	remap_both(s, c);
	synth_vcpu_run(s, VM, 0);
	catch_up(w, s->nr);
	tick(w, s->now + 3 * SEC);
	assert_int_equal(w->one[w->nr - 1].id, 2);
	assert_int_equal(w->one[w->nr - 1].view.outcome, RS_OUTCOME_IN_PLACE);
	finish(w);
	done(w);
	synth_free(s);
}

/* One is not over before its guest runs; of one that does not, it is told after a while. */
static void waits_for_the_guest(void **state)
{
	struct watch *w;
	struct synth *s;
	__u64 c;

	(void)state;
	s = stopped_guest(&c);
	w = watch_of(s, NULL);
	remap_both(s, c);
	catch_up(w, s->nr);
	tick(w, s->now + 5 * SEC);
	assert_int_equal(w->nr, 0);
	synth_wait(s, 8 * SEC);
	synth_vcpu_run(s, VM, 0);
	catch_up(w, s->nr);
	tick(w, s->now + 3 * SEC);
	assert_int_equal(w->nr, 1);
	assert_string_equal(w->one[0].view.blackout_from, "vcpus");
	assert_true(w->one[0].view.blackout_len > 8 * SEC);
	finish(w);
	done(w);
	synth_free(s);

	s = stopped_guest(&c);
	w = watch_of(s, NULL);
	remap_both(s, c);
	catch_up(w, s->nr);
	tick(w, s->now + 9 * SEC);
	assert_int_equal(w->nr, 0);
	tick(w, s->now + 12 * SEC);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->one[0].view.outcome, RS_OUTCOME_NOT_RUNNING);
	finish(w);
	done(w);
	synth_free(s);
}

static void judged_by_a_budget(void **state)
{
	struct rs_budget *b;
	struct watch *w;
	struct synth *s;
	__u64 c;

	(void)state;
	assert_int_equal(rs_budget_parse("b", "window max <= 10ms\n", &b, NULL), 0);
	s = two_ranges(&c);
	w = watch_of(s, b);
	for (int i = 0; i < 2; i++) {
		synth_wait(s, 10 * SEC);
		synth_invalidate_all(s, c);
		synth_wait(s, i ? 5 * MS : 50 * MS);
		remap_both(s, c);
	}
	catch_up(w, s->nr);
	finish(w);
	assert_int_equal(w->nr, 2);
	assert_int_equal(w->one[0].verdict, RS_VIOLATED);
	assert_int_equal(w->one[1].verdict, RS_PASS);
	done(w);
	synth_free(s);
	rs_budget_free(b);
}

static void refused_by_the_listener(void **state)
{
	struct watch *w;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	w = watch_of(s, NULL);
	synth_invalidate_all(s, c);
	remap_both(s, c);
	catch_up(w, s->nr);
	w->refuse = -EPIPE;
	assert_int_equal(rs_analysis_tick(w->a, s->now + 5 * SEC), -EPIPE);
	done(w);
	synth_free(s);
}

/* A host on which four VMs are updated again and again, in one way or another. */
#define VMS	4
#define UPDATES 1200

struct host {
	struct synth *s;
	__u64 container[VMS];
	__u32 owner[VMS];
	__u32 pid;
	size_t after[UPDATES + 1]; /* records when that many updates were over */
	size_t wrong;
};

static void boot(struct host *h, size_t vm)
{
	struct synth *s = h->s;

	synth_as(s, h->owner[vm] = h->pid++);
	/* The kernel uses an address again. */
	h->container[vm] = synth_open_at(s, 0xffff888200000000ULL + vm * 0x1000);
	s->device = 0xffff888300000000ULL + vm * 0x1000;
	s->group = 20 + vm;
	synth_attach(s, h->container[vm]);
	synth_map(s, h->container[vm], 0, 2 * MIB, INO + vm, 0);
	synth_map(s, h->container[vm], 4 * MIB, MIB, INO + vm, 2 * MIB);
	synth_vcpu_run(s, VM + s->pid * 0x1000ULL, 0);
}

static void shut_down(struct host *h, size_t vm)
{
	synth_as(h->s, h->owner[vm]);
	synth_release(h->s, h->container[vm]);
	synth_exit(h->s, 0);
}

static void update(struct host *h, size_t i)
{
	struct synth *s = h->s;
	size_t vm = i % VMS;
	__u64 c = h->container[vm];
	bool wrong = i % 40 == 39;

	s->device = 0xffff888300000000ULL + vm * 0x1000;
	s->group = 20 + vm;
	synth_as(s, h->owner[vm]);
	synth_pin(s, c, 0, 4, 0);
	synth_unpin(s, c, 0, 4);
	if (i % 3 == 1) {
		/* A helper, which does nothing. */
		synth_fork(s, h->pid, false);
		synth_as(s, h->pid++);
		synth_exec(s);
		synth_exit(s, 0);
		synth_as(s, h->owner[vm]);
	}
	synth_vcpu_stop(s, VM + s->pid * 0x1000ULL, 0);
	synth_invalidate_all(s, c);
	synth_wait(s, (1 + i % 7) * MS);
	if (i % 3 == 0) {
		synth_exec(s);
	} else if (i % 3 == 1) {
		synth_as(s, h->pid);
		synth_introduce(s);
	}
	synth_remap(s, c, 0, 2 * MIB, INO + vm + (wrong ? 100 : 0), 0);
	synth_remap(s, c, 4 * MIB, MIB, INO + vm, 2 * MIB);
	synth_vcpu_run(s, VM + s->pid * 0x1000ULL, 0);
	if (i % 3 == 1) {
		synth_as(s, h->owner[vm]);
		synth_exit(s, 0);
		h->owner[vm] = h->pid++;
	}
	synth_wait(s, 3 * SEC);
	if (wrong || i % 50 == 49) {
		shut_down(h, vm);
		boot(h, vm);
	}
	h->wrong += wrong;
}

static void a_thousand(void **state)
{
	struct host h = { .s = synth_new(), .pid = 1000 };
	size_t updates = 0, windows = 0, violations = 0;
	size_t base, early = 0, most = 0;
	struct rs_result *r;
	struct watch *w;

	(void)state;
	for (size_t vm = 0; vm < VMS; vm++)
		boot(&h, vm);
	h.after[0] = h.s->nr;
	for (size_t i = 0; i < UPDATES; i++) {
		update(&h, i);
		h.after[i + 1] = h.s->nr;
	}
	w = watch_of(h.s, NULL);
	base = allocated();
	for (size_t i = 0; i <= UPDATES; i++) {
		size_t now;

		catch_up(w, h.after[i]);
		now = allocated() - base;
		/* The first tenth is for what is kept of VMs, and of processes for a minute. */
		if (i < UPDATES / 10)
			early = now > early ? now : early;
		else
			most = now > most ? now : most;
	}
	assert_true(early > 0);
	if (most > early + SLACK)
		print_error("%zu bytes at most in the beginning, %zu later\n", early, most);
	assert_true(most <= early + SLACK);
	finish(w);

	/* A replay, which forgets nothing, finds the same. */
	r = synth_result(h.s);
	assert_int_equal(r->nr_updates, UPDATES);
	for (size_t i = 0; i < w->nr; i++) {
		const struct one *o = &w->one[i];
		const struct rs_update_view *u = &r->update[updates];

		if (!o->id)
			continue;
		updates++;
		windows += o->windows;
		violations += o->violations;
		assert_int_equal(o->id, u->id);
		assert_int_equal(o->view.start_ns, u->start_ns);
		assert_int_equal(o->view.end_ns, u->end_ns);
		assert_int_equal(o->view.blackout_len, u->blackout_len);
		assert_int_equal(o->view.handover, u->handover);
		assert_memory_equal(&o->view.from, &u->from, sizeof(u->from));
		assert_memory_equal(&o->view.to, &u->to, sizeof(u->to));
		assert_int_equal(o->verdict, o->violations ? RS_VIOLATED : RS_PASS);
	}
	assert_int_equal(updates, UPDATES);
	assert_int_equal(windows, r->nr_windows);
	assert_true(h.wrong > 20);
	assert_int_equal(violations, h.wrong);
	assert_int_equal(r->nr_findings, h.wrong);
	rs_result_free(r);
	done(w);
	synth_free(h.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abandoned),
		cmocka_unit_test(waits_for_the_guest),
		cmocka_unit_test(told_when_it_is_over),
		cmocka_unit_test(raised_meanwhile),
		cmocka_unit_test(kept_apart),
		cmocka_unit_test(outside),
		cmocka_unit_test(open_at_the_end),
		cmocka_unit_test(judged_by_a_budget),
		cmocka_unit_test(refused_by_the_listener),
		cmocka_unit_test(a_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
