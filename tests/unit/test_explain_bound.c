// SPDX-License-Identifier: GPL-2.0-only
/* Excerpts that cannot be made small, and excerpts that say of their objects what cannot be. */
#include "explain/slice.h"
#include "judge.h"
#include "render/render.h"
#include "result/analysis.h"

#define KEPT 1500 /* pages that are never given back */

/* Judged whole, and what an excerpt is cut out of. */
static struct rs_result *collected(struct synth *s, struct rs_records *recs)
{
	json_t *meta = synth_meta(s), *end = synth_end(s);
	struct rs_result *whole = synth_result(s);

	assert_int_equal(rs_records_init(recs, whole, false), 0);
	for (size_t i = 0; i < s->nr; i++)
		assert_int_equal(rs_records_add(recs, s->rec[i].ev), 0);
	assert_int_equal(rs_records_about(recs, meta, end), 0);
	json_decref(meta);
	json_decref(end);
	return whole;
}

static const struct rs_finding *first_of(const struct rs_result *r, const char *rule)
{
	for (size_t i = 0; i < r->nr_findings; i++)
		if (!strcmp(r->finding[i].rule, rule) && r->finding[i].verdict == RS_VIOLATED)
			return &r->finding[i];
	fail_msg("%s is not violated", rule);
	return NULL;
}

static struct rs_result *read_excerpt(const struct rs_records *recs, const struct rs_slice *slice)
{
	struct rs_analysis_opts opts = { .source = "excerpt" };
	struct rs_analysis *a;
	struct rs_result *r;

	assert_int_equal(rs_analysis_new(&opts, &a, NULL), 0);
	assert_int_equal(rs_analysis_meta(a, slice->meta), 0);
	for (size_t i = 0; i < slice->nr; i++)
		assert_int_equal(rs_analysis_event(a, recs->record[slice->record[i]].ev), 0);
	assert_int_equal(rs_analysis_finish(a, slice->end, NULL, &r), 0);
	rs_analysis_free(a);
	return r;
}

/* Each of many requests is needed: the search ends where it says, with what still shows the violation. */
static void all_are_needed(void **state)
{
	struct synth *s = synth_new();
	struct rs_records recs;
	struct rs_result *whole, *r;
	const struct rs_finding *f;
	struct rs_slice slice;
	__u64 c;

	(void)state;
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_attach(s, c);
	synth_map(s, c, 0, 16 * MIB, INO, 0);
	for (int i = 0; i < KEPT; i++) {
		synth_pin(s, c, i * PAGE, 1, 0);
		synth_pin(s, c, 15 * MIB, 1, 0);
		synth_unpin(s, c, 15 * MIB, 1);
	}
	synth_release(s, c);
	whole = collected(s, &recs);
	f = first_of(whole, "pin-balance");
	assert_int_equal(rs_slice_find(&recs, whole, f, NULL, &slice), 0);
	assert_false(slice.minimal);
	assert_true(slice.nr_groups >= KEPT);
	/* Each candidate is judged twice at most, as is the last part that is tried and what is handed out. */
	assert_true(slice.replayed <= (8 + RS_SLICE_WORK + 4) * (__u64)recs.nr + RS_SLICE_FREE);
	r = read_excerpt(&recs, &slice);
	assert_string_equal(first_of(r, "pin-balance")->text, f->text);
	assert_int_equal(r->nr_losses, 0);
	rs_result_free(r);
	rs_slice_free(&slice);
	rs_records_free(&recs);
	rs_result_free(whole);
	synth_free(s);
}

static char *rendered(const struct rs_result *r)
{
	struct rs_style style = { .width = 80, .verbose = 1 };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(rs_render_report(r, &style, out), 0);
	assert_int_equal(rs_render_check(r, &style, out), 0);
	assert_int_equal(rs_render_json(r, out), 0);
	assert_int_equal(rs_render_junit(r, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* Windows that are numbered against the time, with gaps: a reader finds each all the same. */
static void numbered_backwards(void **state)
{
	static const char *const lists[] = { "[9, 7, 2]", "[2147483647, 1, 5]", "[3]" };
	static const __u32 want[][3] = { { 2, 7, 9 }, { 1, 5, 2147483647 }, { 3, 4, 5 } };
	struct synth *s = synth_new();
	struct rs_records recs;
	struct rs_result *whole, *r;
	const struct rs_finding *f;
	struct rs_slice slice;
	__u64 c;

	(void)state;
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	for (int i = 0; i < 3; i++) {
		synth_invalidate_all(s, c);
		synth_wait(s, MS);
		synth_remap(s, c, 0, 2 * MIB, i == 2 ? INO + 1 : INO, 0);
		synth_wait(s, MS);
	}
	whole = collected(s, &recs);
	f = first_of(whole, "remap-same-memory");
	assert_int_equal(rs_slice_find(&recs, whole, f, NULL, &slice), 0);
	/* All of the recording, under the excerpt's name. */
	slice.record = realloc(slice.record, recs.nr * sizeof(*slice.record));
	assert_non_null(slice.record);
	for (slice.nr = 0; slice.nr < recs.nr; slice.nr++)
		slice.record[slice.nr] = slice.nr;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char *text;

		json_object_set_new(json_object_get(slice.meta, "excerpt"), "windows",
				    json_loads(lists[i], 0, NULL));
		r = read_excerpt(&recs, &slice);
		assert_int_equal(r->nr_windows, 3);
		for (size_t k = 0; k < 3; k++) {
			char name[32];

			assert_int_equal(r->window[k].id, want[i][k]);
			text = rendered(r);
			snprintf(name, sizeof(name), "window %u of c1", want[i][k]);
			assert_non_null(strstr(text, name));
			free(text);
		}
		assert_int_equal(first_of(r, "remap-same-memory")->at_ns, f->at_ns);
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
		cmocka_unit_test(all_are_needed),
		cmocka_unit_test(numbered_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
