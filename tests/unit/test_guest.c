// SPDX-License-Identifier: GPL-2.0-only
/* That a guest runs while ranges have no vaddr: who is told of it, of which ranges, and how often. */
#include "explain/slice.h"
#include "judge.h"

#define VM  0xffff888200000000ULL
#define VM2 0xffff888200100000ULL

static void say(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	snprintf(buf, len, "runs %u", n->by);
}

static const struct rs_transition arrows[] = {
	{ 0, RS_N_INVALIDATED, NULL, 1, NULL },
	{ 1, RS_N_GUEST_RUNS, NULL, RS_TO_VIOLATED, say },
	{ 0, RS_N_GUEST_RUNS, NULL, RS_TO_VIOLATED, say },
};

static const struct rs_rule rule = {
	.id = "runs",
	.scope = RS_SCOPE_RANGE,
	.expected = "that it stands still",
	.state = { "whole", "invalid" },
	.arrow = arrows,
	.nr_arrows = 3,
};

static const struct rs_rule_table table = { &rule, 1 };

/* Two ranges, and two vCPUs that run. */
static struct synth *guest(__u64 *c)
{
	struct synth *s = synth_new();

	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_map(s, *c, 0, MIB, INO, 0);
	synth_map(s, *c, 4 * MIB, MIB, INO, MIB);
	synth_vcpu_run(s, VM, 0);
	synth_vcpu_run(s, VM, 1);
	return s;
}

static void stop(struct synth *s)
{
	synth_vcpu_stop(s, VM, 0);
	synth_vcpu_stop(s, VM, 1);
}

static void remap(struct synth *s, __u64 c)
{
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, MIB);
}

/* @want: tgids of those who ran, of each range that it was told of */
static struct rs_result *told(struct synth *s, const char *want)
{
	struct rs_analysis_opts opts = { .source = "synth", .table = &table };
	json_t *meta = synth_meta(s), *end = synth_end(s);
	struct rs_analysis *a;
	struct rs_result *r;
	char got[256] = "";
	struct rs_msg msg;

	assert_int_equal(rs_analysis_new(&opts, &a, &msg), 0);
	assert_int_equal(rs_analysis_meta(a, meta), 0);
	for (size_t i = 0; i < s->nr; i++)
		if (!s->rec[i].dropped)
			assert_int_equal(rs_analysis_event(a, s->rec[i].ev), 0);
	assert_int_equal(rs_analysis_finish(a, end, NULL, &r), 0);
	rs_analysis_free(a);
	json_decref(meta);
	json_decref(end);
	for (size_t i = 0; i < r->nr_findings; i++)
		for (size_t k = 0; k < r->finding[i].objects; k++) {
			size_t at = strlen(got);

			snprintf(got + at, sizeof(got) - at, "%s%s", at ? " " : "",
				 strstr(r->finding[i].text, "runs ") + 5);
		}
	assert_string_equal(got, want);
	return r;
}

static void nobody_runs(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	/* In place, after all is remapped. */
	s = guest(&c);
	stop(s);
	synth_invalidate_all(s, c);
	remap(s, c);
	synth_vcpu_run(s, VM, 0);
	synth_vcpu_run(s, VM, 1);
	rs_result_free(told(s, ""));
	synth_free(s);

	/* Another guest runs all the time: of a process that has to do with nothing of this. */
	s = guest(&c);
	stop(s);
	synth_as(s, NEXT);
	synth_vcpu_run(s, VM2, 0);
	synth_as(s, QEMU);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_vcpu_run(s, VM2, 1);
	synth_as(s, QEMU);
	remap(s, c);
	rs_result_free(told(s, ""));
	synth_free(s);
}

static void inside_at_the_invalidation(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = guest(&c);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	remap(s, c);
	r = told(s, "100 100");
	/* What it is proved by comes in the order of time: how the vCPU was, and what took the vaddr. */
	assert_int_equal(r->finding[0].nr_events, 2);
	assert_int_equal(r->finding[0].event[0]->type, RS_EV_VCPU);
	assert_int_equal(((struct rs_ev_vcpu *)r->finding[0].event[0])->id, 1);
	assert_int_equal(r->finding[0].event[1]->type, RS_EV_UNMAP);
	rs_result_free(r);
	synth_free(s);
}

static void the_old_one_runs_again(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = guest(&c);
	stop(s);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_vcpu_run(s, VM, 1);
	synth_vcpu_run(s, VM, 0); /* once is enough */
	r = told(s, "100");
	assert_non_null(strstr(r->finding[0].text, "range 0x400000"));
	assert_int_equal(r->finding[0].event[1]->type, RS_EV_VCPU);
	rs_result_free(r);
	/* Anew, what was invalidated anew. */
	synth_remap(s, c, 4 * MIB, MIB, INO, MIB);
	stop(s);
	synth_invalidate(s, c, 4 * MIB, MIB);
	synth_vcpu_run(s, VM, 0);
	rs_result_free(told(s, "100 100"));
	synth_free(s);
}

static void the_new_one_runs_too_early(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	/* It was passed the file, before the window or inside it, or has remapped a range. */
	for (int how = 0; how < 3; how++) {
		s = guest(&c);
		synth_as(s, NEXT);
		if (how == 0)
			synth_passed(s, c, RS_PASSED_CONTAINER, 0, QEMU);
		synth_as(s, QEMU);
		stop(s);
		synth_invalidate_all(s, c);
		synth_as(s, NEXT);
		if (how == 1)
			synth_passed(s, c, RS_PASSED_DEVICE, 77, 0);
		if (how == 2)
			synth_remap(s, c, 0, MIB, INO, 0);
		synth_vcpu_run(s, VM2, 0);
		rs_result_free(told(s, how == 2 ? "200" : "200 200"));
		synth_free(s);
	}

	/* The new program. */
	s = guest(&c);
	stop(s);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_vcpu_run(s, VM2, 0);
	rs_result_free(told(s, "100 100"));
	synth_free(s);
}

/* What is cut out of it has the vCPU's record, and what says whose it is. */
static void excerpts(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		struct rs_records recs;
		struct rs_slice slice;
		struct rs_result *r;
		bool passed = false, vcpu = false;
		json_t *meta, *end;
		struct synth *s;
		__u64 c;

		s = guest(&c);
		if (how == 0)
			synth_vcpu_stop(s, VM, 0);
		else
			stop(s);
		synth_as(s, NEXT);
		if (how == 2)
			synth_passed(s, c, RS_PASSED_CONTAINER, 0, QEMU);
		synth_as(s, QEMU);
		synth_invalidate_all(s, c);
		if (how == 1)
			synth_vcpu_run(s, VM, 1);
		synth_as(s, NEXT);
		synth_vcpu_run(s, VM2, 0);
		synth_as(s, QEMU);
		remap(s, c);
		r = told(s, how == 2 ? "200 200" : "100 100");
		meta = synth_meta(s);
		end = synth_end(s);
		assert_int_equal(rs_records_init(&recs, r, false), 0);
		for (size_t i = 0; i < s->nr; i++)
			assert_int_equal(rs_records_add(&recs, s->rec[i].ev), 0);
		assert_int_equal(rs_records_about(&recs, meta, end), 0);
		assert_int_equal(rs_slice_find(&recs, r, &r->finding[0], &table, &slice), 0);
		assert_true(slice.minimal);
		for (size_t i = 0; i < slice.nr; i++) {
			const struct rs_event *ev = recs.record[slice.record[i]].ev;

			passed |= ev->type == RS_EV_PASSED;
			vcpu |= ev->type == RS_EV_VCPU;
		}
		assert_true(vcpu);
		assert_int_equal(passed, how == 2);
		rs_slice_free(&slice);
		rs_records_free(&recs);
		json_decref(meta);
		json_decref(end);
		rs_result_free(r);
		synth_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_runs),
		cmocka_unit_test(inside_at_the_invalidation),
		cmocka_unit_test(the_old_one_runs_again),
		cmocka_unit_test(the_new_one_runs_too_early),
		cmocka_unit_test(excerpts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
