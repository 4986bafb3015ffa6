// SPDX-License-Identifier: GPL-2.0-only
/* Excerpts: each rule, violated in the midst of much that is in order, and what is cut out of it. */
#include "explain/slice.h"
#include "violations.h"

/* Groups of an excerpt at most. */
#define FEW 12

/* What rs_explain() reads from a file. */
static void collect(struct rs_records *recs, struct synth *s, const struct rs_result *whole)
{
	json_t *meta = synth_meta(s), *end = synth_end(s);

	assert_int_equal(rs_records_init(recs, whole, false), 0);
	for (size_t n = 0; n < s->nr; n++) {
		const struct synth_rec *rec = &s->rec[s->order[n]];

		if (!rec->dropped)
			assert_int_equal(rs_records_add(recs, rec->ev), 0);
		if (rec->twice)
			assert_int_equal(rs_records_add(recs, rec->ev), 0);
	}
	assert_int_equal(rs_records_about(recs, meta, s->cut ? NULL : end), 0);
	json_decref(meta);
	json_decref(end);
}

/* Nothing is held that is another container's, or that began too late. */
static void expect_bounds(const struct rs_records *recs)
{
	for (size_t i = 0; i < recs->nr_groups && !recs->all; i++) {
		const struct rs_group_of *g = &recs->group[i];
		bool ours = !g->container;

		if (!g->nr)
			continue;
		assert_true(g->first_ns <= recs->until_ns);
		/* Pieces alone: what they are pieces of was not taken. */
		assert_int_not_equal(g->type, RS_EV_BACKING);
		for (size_t k = 0; k < recs->nr_keys; k++)
			ours |= g->container == recs->key[k];
		assert_true(ours);
	}
}

/* The excerpt as a reader judges it, without these groups. */
static struct rs_result *read_excerpt(const struct rs_records *recs, const struct rs_slice *slice,
				      const bool *without)
{
	struct rs_analysis_opts opts = { .source = "excerpt" };
	struct rs_analysis *a;
	struct rs_result *r;

	assert_int_equal(rs_analysis_new(&opts, &a, NULL), 0);
	assert_int_equal(rs_analysis_meta(a, slice->meta), 0);
	for (size_t i = 0; i < slice->nr; i++) {
		const struct rs_held *h = &recs->record[slice->record[i]];

		if (!without || !without[h->group])
			assert_int_equal(rs_analysis_event(a, h->ev), 0);
	}
	assert_int_equal(rs_analysis_finish(a, slice->end, NULL, &r), 0);
	rs_analysis_free(a);
	return r;
}

static bool same_event(const struct rs_event *a, const struct rs_event *b)
{
	return a->size == b->size && !memcmp(a, b, a->size);
}

/* A finding with that sentence at that time, whatever its events. */
static const struct rs_finding *the_same(const struct rs_result *r, const struct rs_finding *f)
{
	for (size_t i = 0; i < r->nr_findings; i++) {
		const struct rs_finding *g = &r->finding[i];

		if (!strcmp(g->rule, f->rule) && g->verdict == f->verdict && g->text && f->text &&
		    !strcmp(g->text, f->text) && g->at_ns == f->at_ns &&
		    g->container == f->container)
			return g;
	}
	return NULL;
}

static void expect_the_same(const struct rs_result *r, const struct rs_finding *f)
{
	const struct rs_finding *g = the_same(r, f);

	if (!g)
		print_verdicts(r);
	assert_non_null(g);
	assert_int_equal(g->window, f->window);
	assert_string_equal(g->expected, f->expected);
	assert_int_equal(g->nr_events, f->nr_events);
	for (size_t i = 0; i < f->nr_events; i++)
		assert_true(same_event(g->event[i], f->event[i]));
}

static void judge_excerpt_of(const struct rs_records *recs, const struct rs_slice *slice,
			     const struct rs_result *whole, const struct rs_finding *f)
{
	struct rs_result *r = read_excerpt(recs, slice, NULL);

	expect_the_same(r, f);
	/* Of no other rule does it say anything. */
	assert_int_equal(r->nr_rules, 1);
	assert_string_equal(r->rule[0].id, f->rule);
	assert_int_equal(r->rule[0].verdict, RS_VIOLATED);
	assert_int_equal(rs_result_exit_status(r), 1);
	assert_string_equal(r->excerpt.rule, f->rule);
	assert_string_equal(r->excerpt.text, f->text);
	assert_string_equal(r->excerpt.of, whole->source);
	for (size_t i = 0; i < r->nr_findings; i++)
		assert_non_null(the_same(whole, &r->finding[i]));
	rs_result_free(r);
}

/* Every group is needed. */
static void expect_minimal(const struct rs_records *recs, const struct rs_slice *slice,
			   const struct rs_result *whole, const struct rs_finding *f)
{
	size_t *rest = calloc(slice->nr_groups + 1, sizeof(*rest));

	assert_true(slice->minimal);
	assert_non_null(rest);
	assert_int_equal(rs_slice_try(recs, whole, f, NULL, slice->group, slice->nr_groups), 1);
	for (size_t out = 0; out < slice->nr_groups; out++) {
		size_t nr = 0;

		for (size_t i = 0; i < slice->nr_groups; i++)
			if (i != out)
				rest[nr++] = slice->group[i];
		assert_int_equal(rs_slice_try(recs, whole, f, NULL, rest, nr), 0);
	}
	free(rest);
}

/*
 * Every event that is printed is in the excerpt. Return: how many of them are not needed: without them it is
 * the same violation, but for the events that prove it
 */
static size_t count_spare(const struct rs_records *recs, const struct rs_slice *slice,
			  const struct rs_finding *f)
{
	bool *without = calloc(recs->nr_groups + 1, sizeof(*without));
	size_t spare = 0;

	assert_non_null(without);
	for (size_t k = 0; k < f->nr_events; k++) {
		struct rs_result *r;
		size_t at = SIZE_MAX;

		for (size_t i = 0; i < slice->nr && at == SIZE_MAX; i++)
			if (same_event(recs->record[slice->record[i]].ev, f->event[k]))
				at = recs->record[slice->record[i]].group;
		assert_int_not_equal(at, SIZE_MAX);
		without[at] = true;
		r = read_excerpt(recs, slice, without);
		without[at] = false;
		if (the_same(r, f)) {
			print_message("  %s: not needed: record %zu of %zu, type %u\n", f->rule,
				      k + 1, f->nr_events, f->event[k]->type);
			spare++;
		}
		rs_result_free(r);
	}
	free(without);
	return spare;
}

/* All of @rule's violations are explained. Return: how many */
static size_t explain(struct synth *s, const struct rs_result *whole, const char *rule,
		      size_t spare)
{
	struct rs_records recs;
	size_t explained = 0;

	collect(&recs, s, whole);
	expect_bounds(&recs);
	for (size_t i = 0; i < whole->nr_findings; i++) {
		const struct rs_finding *f = &whole->finding[i];
		struct rs_slice slice;

		if (f->verdict != RS_VIOLATED || strcmp(f->rule, rule) != 0)
			continue;
		assert_int_equal(rs_slice_find(&recs, whole, f, NULL, &slice), 0);
		judge_excerpt_of(&recs, &slice, whole, f);
		expect_minimal(&recs, &slice, whole, f);
		assert_true(count_spare(&recs, &slice, f) <= spare);
		if (slice.nr_groups > FEW)
			fail_msg("%s: %zu groups", rule, slice.nr_groups);
		rs_slice_free(&slice);
		explained++;
	}
	rs_records_free(&recs);
	return explained;
}

static void every_rule(void **state)
{
	bool shown[RS_RULES_MAX] = { false };

	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *x = &scenarios[i];
		struct synth *s = embedded(x->violate, x->pages);
		struct rs_result *r = synth_result(s);
		int which = rs_rule_find(&(struct rs_rule_table){ rs_rules, rs_nr_rules }, x->rule,
					 NULL);

		print_message("  %s\n", x->name);
		assert_true(which >= 0);
		assert_true(s->nr > 4000);
		assert_int_equal(verdict_of(r, x->rule), RS_VIOLATED);
		assert_true(explain(s, r, x->rule, x->spare) > 0);
		shown[which] = true;
		rs_result_free(r);
		synth_free(s);
	}
	for (size_t i = 0; i < rs_nr_rules; i++)
		if (!shown[i])
			fail_msg("no excerpt of %s was tried", rs_rules[i].id);
}

/* The excerpt of the only violation of @rule; rs_slice_free() it. */
static void only_slice(struct rs_records *recs, struct synth *s, const struct rs_result *whole,
		       const char *rule, struct rs_slice *slice)
{
	const struct rs_finding *f = NULL;

	collect(recs, s, whole);
	for (size_t i = 0; i < whole->nr_findings; i++)
		if (!strcmp(whole->finding[i].rule, rule))
			f = &whole->finding[i];
	assert_non_null(f);
	assert_int_equal(rs_slice_find(recs, whole, f, NULL, slice), 0);
}

/* What was lost later changes nothing; of what a loss makes unknown nothing is cut out. */
static void with_a_loss(void **state)
{
	struct rs_result *r;
	struct synth *s;

	(void)state;
	s = embedded(other_file, false);
	synth_drop(s, s->nr - 20);
	r = synth_result(s);
	assert_true(r->nr_losses > 0);
	assert_int_equal(verdict_of(r, "window-closed"), RS_UNKNOWN);
	assert_int_equal(verdict_of(r, "remap-same-memory"), RS_VIOLATED);
	assert_int_equal(explain(s, r, "remap-same-memory", 1), 1);
	rs_result_free(r);
	synth_free(s);

	s = embedded(other_file, false);
	synth_drop(s, synth_find(s, RS_EV_UNMAP, CROWD));
	r = synth_result(s);
	/* Whether it is in doubt is not for the excerpt to say: it is there if the violation is. */
	assert_int_equal(explain(s, r, "remap-same-memory", 1),
			 verdict_of(r, "remap-same-memory") == RS_VIOLATED);
	rs_result_free(r);
	synth_free(s);
}

/* Of a recording without an end: what was violated before stands, what hangs on the end does not. */
static void of_a_cut_recording(void **state)
{
	struct rs_result *r;
	struct synth *s;

	(void)state;
	s = embedded(other_file, false);
	s->cut = "the file ends inside a chunk";
	r = synth_result(s);
	assert_false(r->complete);
	assert_int_equal(verdict_of(r, "window-closed"), RS_UNKNOWN);
	assert_int_equal(explain(s, r, "remap-same-memory", 1), 1);
	rs_result_free(r);
	synth_free(s);

	s = embedded(leave_open, false);
	s->cut = "the file ends inside a chunk";
	r = synth_result(s);
	assert_int_equal(verdict_of(r, "window-closed"), RS_UNKNOWN);
	assert_int_equal(explain(s, r, "window-closed", 0), 0);
	rs_result_free(r);
	synth_free(s);
}

/* Records that come twice, and CPUs that meet in another order. */
static void out_of_order(void **state)
{
	(void)state;
	for (__u64 seed = 1; seed <= 4; seed++) {
		struct synth *s = embedded(other_file, false);
		struct rs_result *r;

		for (size_t i = 0; i < s->nr; i += 7)
			s->rec[i].twice = true;
		synth_interleave(s, seed);
		r = synth_result(s);
		assert_int_equal(explain(s, r, "remap-same-memory", 1), 1);
		rs_result_free(r);
		synth_free(s);
	}
}

/* Many violations of one rule, more than are listed: each that is listed has its own excerpt. */
static void many_violations(void **state)
{
	struct synth *s = synth_new();
	struct rs_result *r;
	__u64 c;

	(void)state;
	synth_as(s, QEMU);
	c = synth_open(s);
	for (int i = 0; i < RS_FINDINGS_MAX + 6; i++)
		synth_map(s, c, i * MIB, MIB, INO, i * MIB);
	synth_invalidate_all(s, c);
	for (int i = 0; i < RS_FINDINGS_MAX + 6; i++)
		synth_remap(s, c, i * MIB, MIB, INO + 1, i * MIB);
	r = synth_result(s);
	assert_int_equal(r->nr_findings, RS_FINDINGS_MAX);
	assert_int_equal(explain(s, r, "remap-same-memory", 1), RS_FINDINGS_MAX);
	rs_result_free(r);
	synth_free(s);
}

/* An excerpt without a part that it needs shows nothing, and nothing passes. */
static void never_passes(void **state)
{
	struct synth *s = embedded(other_file, false);
	struct rs_result *whole = synth_result(s), *r;
	struct rs_records recs;
	struct rs_slice slice;
	bool *without;

	(void)state;
	only_slice(&recs, s, whole, "remap-same-memory", &slice);
	without = calloc(recs.nr_groups, sizeof(*without));
	assert_non_null(without);
	without[slice.group[slice.nr_groups - 1]] = true;
	r = read_excerpt(&recs, &slice, without);
	assert_int_equal(r->nr_findings, 0);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	assert_int_equal(r->rule[0].verdict, RS_UNKNOWN);
	assert_non_null(r->rule[0].reason);
	assert_int_equal(rs_result_exit_status(r), 3);
	rs_result_free(r);
	free(without);

	/* Nor when its rule is one that is not known here. */
	json_object_set_new(json_object_get(slice.meta, "excerpt"), "rule",
			    json_string("of-a-later-version"));
	r = read_excerpt(&recs, &slice, NULL);
	assert_int_equal(r->nr_rules, 0);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	assert_non_null(r->verdict_reason);
	rs_result_free(r);

	/* A reader that does not know excerpts sees that records are missing. */
	json_object_del(slice.meta, "excerpt");
	r = read_excerpt(&recs, &slice, NULL);
	assert_true(r->nr_losses > 0);
	for (size_t i = 0; i < r->nr_rules; i++)
		assert_int_equal(r->rule[i].verdict, RS_UNKNOWN);
	rs_result_free(r);
	rs_slice_free(&slice);
	rs_records_free(&recs);
	rs_result_free(whole);
	synth_free(s);
}

/* What an excerpt leaves open, the recording may have closed. */
static void leaves_open(void **state)
{
	static const char *const rule[] = { "window-closed" };
	struct rs_analysis_opts opts = { .rule = rule, .nr_rules = 1, .source = "open" };
	json_t *excerpt = json_pack("{s:s}", "rule", rule[0]);

	(void)state;
	assert_non_null(excerpt);
	for (int cut_out = 0; cut_out <= 1; cut_out++) {
		struct rs_analysis *a;
		struct rs_result *r;
		struct synth *s;
		json_t *meta, *end;
		__u64 c;

		s = two_ranges(&c);
		synth_invalidate_all(s, c);
		meta = synth_meta(s);
		end = synth_end(s);
		if (cut_out)
			json_object_set(meta, "excerpt", excerpt);
		assert_int_equal(rs_analysis_new(&opts, &a, NULL), 0);
		assert_int_equal(rs_analysis_meta(a, meta), 0);
		for (size_t i = 0; i < s->nr; i++)
			assert_int_equal(rs_analysis_event(a, s->rec[i].ev), 0);
		assert_int_equal(rs_analysis_finish(a, end, NULL, &r), 0);
		assert_int_equal(nr_findings(r, "window-closed"), cut_out ? 0 : 2);
		assert_int_equal(r->verdict, RS_UNKNOWN);
		rs_result_free(r);
		rs_analysis_free(a);
		json_decref(meta);
		json_decref(end);
		synth_free(s);
	}
	json_decref(excerpt);
}

/* Lists of ids that nobody would write are not used. */
static void forged_ids(void **state)
{
	static const char *const lists[] = {
		"[4, 4]", "[0]", "[-1]", "[\"4\"]", "[4294967296]", "4"
	};
	struct synth *s = embedded(other_file, false);
	struct rs_result *whole = synth_result(s), *r;
	struct rs_records recs;
	struct rs_slice slice;

	(void)state;
	only_slice(&recs, s, whole, "remap-same-memory", &slice);
	r = read_excerpt(&recs, &slice, NULL);
	assert_int_equal(r->container[0].id, CROWD + 1);
	rs_result_free(r);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		json_object_set_new(json_object_get(slice.meta, "excerpt"), "containers",
				    json_loads(lists[i], JSON_DECODE_ANY, NULL));
		r = read_excerpt(&recs, &slice, NULL);
		assert_int_equal(r->nr_containers, 1);
		assert_int_equal(r->container[0].id, 1);
		rs_result_free(r);
	}
	rs_slice_free(&slice);
	rs_records_free(&recs);
	rs_result_free(whole);
	synth_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule),	      cmocka_unit_test(with_a_loss),
		cmocka_unit_test(of_a_cut_recording), cmocka_unit_test(out_of_order),
		cmocka_unit_test(many_violations),    cmocka_unit_test(never_passes),
		cmocka_unit_test(leaves_open),	      cmocka_unit_test(forged_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
