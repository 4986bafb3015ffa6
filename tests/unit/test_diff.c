// SPDX-License-Identifier: GPL-2.0-only
/* What changed from one result to another, and what is said of it. */
#include "budget_fixture.h"
#include "diff/diff.h"
#include "remapscope/kstat.h"
#include "render/diff.h"

#include <math.h>

static const struct rs_diff_opts usual = { .alpha = 0.05, .threshold = 0.1 };

static __u64 next_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Log-normal, near enough: the sum of twelve. */
static double noise(__u64 *seed)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += (double)(next_random(seed) >> 11) / 9007199254740992.0;
	return sum;
}

/* @nr windows of about @len, one after the other. */
static void add_windows(struct rs_result *r, size_t nr, __u64 len, double spread, __u64 *seed)
{
	for (size_t i = 0; i < nr; i++) {
		__u64 at = (i + 1) * 10000 * MS;

		add_window(r, at, at + (__u64)((double)len * exp(spread * noise(seed))));
		r->last_ns = at + 10000 * MS;
	}
}

static struct rs_diff *diff_of(const struct rs_result *base, const struct rs_result *now)
{
	struct rs_diff *d;

	assert_int_equal(rs_diff_new(base, now, &usual, &d), 0);
	return d;
}

static const struct rs_diff_row *row_of(const struct rs_diff *d, const char *name)
{
	for (size_t i = 0; i < d->nr_rows; i++)
		if (!strcmp(d->row[i].name, name))
			return &d->row[i];
	fail_msg("no row \"%s\"", name);
	return NULL;
}

/* Compares @base with @now and lets them go. */
static void expect(struct rs_result *base, struct rs_result *now, const char *name,
		   enum rs_diff_state state, const char *reason, int status)
{
	struct rs_diff *d = diff_of(base, now);
	const struct rs_diff_row *row = row_of(d, name);

	if (row->state != state)
		fail_msg("%s is %s, not %s: %s", name, rs_diff_state_name(row->state),
			 rs_diff_state_name(state), row->reason ? row->reason : "");
	if (reason)
		assert_string_equal(row->reason, reason);
	else
		assert_null(row->reason);
	assert_int_equal(rs_diff_exit_status(d), status);
	rs_diff_free(d);
	rs_result_free(base);
	rs_result_free(now);
}

static struct rs_result *windows(size_t nr, __u64 len, double spread, __u64 seed)
{
	struct rs_result *r = result_new();

	add_windows(r, nr, len, spread, &seed);
	return r;
}

static struct rs_result *pins(size_t nr, __u64 ns, double spread, __u64 seed)
{
	struct rs_result *r = result_new();
	struct rs_hist *h = add_row(r, "pin", RS_PATH_GUP, RS_REASON_REMOTE_MM, true);

	for (size_t i = 0; i < nr; i++)
		rs_hist_add(h, (__u64)((double)ns * exp(spread * noise(&seed))));
	return r;
}

static void states(void **state)
{
	struct rs_result *r;

	(void)state;
	expect(windows(10, 20 * MS, 0.05, 1), windows(12, 30 * MS, 0.05, 2), "window",
	       RS_DIFF_WORSE, NULL, 1);
	expect(windows(12, 30 * MS, 0.05, 1), windows(10, 20 * MS, 0.05, 2), "window",
	       RS_DIFF_BETTER, NULL, 0);
	/* Significant, but nobody minds. */
	expect(windows(30, 100 * MS, 0.01, 1), windows(30, 105 * MS, 0.01, 2), "window",
	       RS_DIFF_SAME, NULL, 0);
	expect(windows(3, 20 * MS, 0.05, 1), windows(3, 60 * MS, 0.05, 2), "window",
	       RS_DIFF_UNKNOWN, "With 3 and 3 samples no difference can be significant at 5 %.", 3);
	/* Shorter, if anything: no danger. */
	expect(windows(3, 60 * MS, 0.05, 1), windows(3, 20 * MS, 0.05, 2), "window",
	       RS_DIFF_UNKNOWN, "With 3 and 3 samples no difference can be significant at 5 %.", 0);
	expect(windows(8, 20 * MS, 2, 5), windows(8, 24 * MS, 2, 9), "window", RS_DIFF_NOISE,
	       "Chance alone could have made this.", 0);
	expect(windows(5, 20 * MS, 0.05, 1), result_new(), "window", RS_DIFF_ONLY_BASE, NULL, 3);
	/* Nothing to compare is no pass. */
	expect(result_new(), windows(5, 20 * MS, 0.05, 1), "window", RS_DIFF_ONLY_NEW, NULL, 3);
	/* Nor is it one when there are requests in both, but the update is not there any more. */
	r = pins(100, 10 * US, 0.1, 1);
	add_window(r, MS, 2 * MS);
	expect(r, pins(100, 10 * US, 0.1, 2), "pin gup:remote-mm, in window", RS_DIFF_SAME, NULL,
	       3);
	/* A window that is still open has no length. */
	r = windows(5, 20 * MS, 0.05, 1);
	add_window(r, r->last_ns - MS, 0);
	expect(windows(5, 20 * MS, 0.05, 1), r, "window", RS_DIFF_SAME, NULL, 0);
}

static void numbers(void **state)
{
	struct rs_result *base = result_new(), *now = result_new();
	const struct rs_diff_row *row;
	struct rs_diff *d;

	(void)state;
	for (__u64 i = 0; i < 6; i++) {
		add_window(base, (i + 1) * 100 * MS, (i + 1) * 100 * MS + (10 + i) * MS);
		add_window(now, (i + 1) * 100 * MS, (i + 1) * 100 * MS + 2 * (10 + i) * MS);
	}
	d = diff_of(base, now);
	assert_int_equal(d->nr_rows, 1);
	assert_int_equal(d->compared, 1);
	row = &d->row[0];
	assert_int_equal(row->base.samples, 6);
	assert_int_equal(row->now.samples, 6);
	assert_int_equal(row->base.median, 12 * MS);
	assert_int_equal(row->now.median, 24 * MS);
	assert_int_equal(row->rank.method, RS_RANK_EXACT);
	/* All of one above all of the other: 2 of 924 ways. */
	assert_true(fabs(row->rank.p - 2.0 / 924) < 1e-12);
	assert_true(fabs(row->p - row->rank.p) < 1e-12);
	assert_true(fabs(row->rank.ratio - 2) < 0.01);
	assert_true(row->rank.superiority == 1);
	assert_string_equal(d->verdict_reason, "1 of 1 times longer, 0 of 0 rules newly violated");
	rs_diff_free(d);
	rs_result_free(base);
	rs_result_free(now);
}

static struct rs_result *with_loss(struct rs_result *r, __u64 lost, __u64 from, __u64 to)
{
	add_loss(r, lost, from, to);
	return r;
}

/* A difference is told in spite of a loss only if no content of what was lost could undo it. */
static void losses(void **state)
{
	static const char *const name = "pin gup:remote-mm, in window";
	struct rs_result *r;

	(void)state;
	expect(pins(1000, 10 * US, 0.2, 1), pins(1000, 15 * US, 0.2, 2), name, RS_DIFF_WORSE, NULL,
	       1);
	expect(pins(1000, 10 * US, 0.2, 1), with_loss(pins(1000, 15 * US, 0.2, 2), 5, 1, 2), name,
	       RS_DIFF_WORSE, NULL, 1);
	expect(with_loss(pins(1000, 15 * US, 0.2, 1), 5, 1, 2), pins(1000, 10 * US, 0.2, 2), name,
	       RS_DIFF_BETTER, NULL, 0);
	expect(pins(1000, 10 * US, 0.2, 1), with_loss(pins(1000, 15 * US, 0.2, 2), 1200, 1, 2),
	       name, RS_DIFF_UNKNOWN, "Significant, but what was lost could account for it.", 3);
	expect(pins(1000, 10 * US, 0.2, 1), with_loss(pins(1000, 15 * US, 0.2, 2), 0, 1, 2), name,
	       RS_DIFF_UNKNOWN, "Significant, but what was lost could account for it.", 3);
	r = pins(1000, 15 * US, 0.2, 2);
	r->complete = false;
	expect(pins(1000, 10 * US, 0.2, 1), r, name, RS_DIFF_UNKNOWN,
	       "Significant, but what was lost could account for it.", 3);
	expect(with_loss(pins(30, 10 * US, 2, 5), 3, 1, 2), pins(30, 15 * US, 2, 11), name,
	       RS_DIFF_UNKNOWN, "Not significant, but what was lost could have made it so.", 3);
	expect(pins(100, 10 * US, 0.2, 1), with_loss(pins(0, 1, 0, 1), 3, 1, 2), name,
	       RS_DIFF_UNKNOWN, "The new recording has none, but it has losses.", 3);

	/* A window that a loss overlaps may have had another end: the others still count. */
	expect(windows(10, 20 * MS, 0.05, 1),
	       with_loss(windows(12, 30 * MS, 0.05, 2), 1, 10001 * MS, 10002 * MS), "window",
	       RS_DIFF_WORSE, NULL, 1);
	expect(windows(10, 20 * MS, 0.05, 1), with_loss(windows(12, 30 * MS, 0.05, 2), 1, 0, 0),
	       "window", RS_DIFF_UNKNOWN, "The new recording has none, but it has losses.", 3);
}

/* Counted in the kernel's buckets, the same requests are the same. */
static void coarse(void **state)
{
	struct rs_result *base = result_new(), *now = result_new();
	struct rs_hist *fine = add_row(base, "pin", RS_PATH_GUP, RS_REASON_NONE, false);
	struct rs_hist *wide = add_row(now, "pin", RS_PATH_GUP, RS_REASON_NONE, false);
	struct rs_stat_bucket bucket[RS_KHIST_BUCKETS] = { 0 };
	struct rs_ev_stats s = { .min = UINT64_MAX };
	__u64 seed = 77;
	struct rs_diff *d;

	(void)state;
	for (int i = 0; i < 500; i++) {
		__u64 ns = 1000 + next_random(&seed) % 3000;

		rs_hist_add(fine, ns);
		bucket[rs_khist_bucket(ns)].nr = rs_khist_bucket(ns);
		bucket[rs_khist_bucket(ns)].count++;
		s.count++;
		s.sum += ns;
		s.min = ns < s.min ? ns : s.min;
		s.max = ns > s.max ? ns : s.max;
	}
	rs_hist_from_kernel(wide, &s, bucket, RS_KHIST_BUCKETS);
	now->mode = RS_MODE_ARMED;
	d = diff_of(base, now);
	assert_int_equal(d->row[0].base.samples, 500);
	assert_int_equal(d->row[0].now.samples, 500);
	assert_true(d->row[0].rank.superiority == 0.5);
	assert_true(fabs(d->row[0].rank.ratio - 1) < 1e-6);
	assert_string_equal(d->note, "The two were recorded differently: mode all and armed.");
	rs_diff_free(d);
	rs_result_free(base);
	rs_result_free(now);
}

/* Ranges of a window go together: however many, they are one sample. */
static void ranges_are_not_samples(void **state)
{
	struct rs_result *base = windows(2, 20 * MS, 0.01, 1), *now = windows(2, 60 * MS, 0.01, 2);
	struct rs_range_view *range[4];
	struct rs_diff *d;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct rs_window_view *w = i < 2 ? &base->window[i] : &now->window[i - 2];

		range[i] = calloc(100, sizeof(*range[i]));
		assert_non_null(range[i]);
		for (size_t k = 0; k < 100; k++) {
			range[i][k].invalid_ns = w->open_ns;
			range[i][k].valid_ns = w->close_ns - k;
		}
		w->range = range[i];
		w->nr_ranges = 100;
	}
	d = diff_of(base, now);
	assert_int_equal(row_of(d, "range")->base.samples, 2);
	assert_int_equal(row_of(d, "range")->now.samples, 2);
	assert_int_equal(row_of(d, "range")->state, RS_DIFF_UNKNOWN);
	assert_int_equal(rs_diff_exit_status(d), 3);
	rs_diff_free(d);
	rs_result_free(base);
	rs_result_free(now);
}

static struct rs_result *judged_as(enum rs_verdict verdict)
{
	struct rs_result *r = windows(5, 20 * MS, 0.05, 1);

	r->rule = calloc(1, sizeof(*r->rule));
	assert_non_null(r->rule);
	r->nr_rules = 1;
	r->rule[0] = (struct rs_rule_view){ .id = "window-closed", .verdict = verdict };
	return r;
}

static void rules(void **state)
{
	/* base, new: state, exit status */
	static const int want[3][3][2] = {
		[RS_PASS] = { [RS_PASS] = { RS_DIFF_SAME, 0 },
			      [RS_UNKNOWN] = { RS_DIFF_UNKNOWN, 3 },
			      [RS_VIOLATED] = { RS_DIFF_WORSE, 1 } },
		[RS_UNKNOWN] = { [RS_PASS] = { RS_DIFF_BETTER, 0 },
				 [RS_UNKNOWN] = { RS_DIFF_SAME, 0 },
				 [RS_VIOLATED] = { RS_DIFF_UNKNOWN, 3 } },
		[RS_VIOLATED] = { [RS_PASS] = { RS_DIFF_BETTER, 0 },
				  [RS_UNKNOWN] = { RS_DIFF_UNKNOWN, 3 },
				  [RS_VIOLATED] = { RS_DIFF_SAME, 0 } },
	};

	(void)state;
	for (int a = RS_PASS; a <= RS_VIOLATED; a++) {
		for (int b = RS_PASS; b <= RS_VIOLATED; b++) {
			struct rs_result *base = judged_as(a), *now = judged_as(b);
			struct rs_diff *d = diff_of(base, now);

			assert_int_equal(d->nr_rules, 1);
			assert_int_equal(d->rule[0].state, want[a][b][0]);
			assert_int_equal(rs_diff_exit_status(d), want[a][b][1]);
			rs_diff_free(d);
			rs_result_free(base);
			rs_result_free(now);
		}
	}
}

/* Two recordings of the same, with everything that is compared. */
static struct rs_result *machine(__u64 *seed, double slower)
{
	static const enum rs_path path[] = { RS_PATH_CACHED, RS_PATH_GUP, RS_PATH_PFNMAP };
	struct rs_result *r = result_new();

	add_windows(r, 8, 20 * MS, 0.3, seed);
	for (size_t i = 0; i < 6; i++) {
		struct rs_hist *h =
			add_row(r, i < 3 ? "pin" : "read", path[i % 3], RS_REASON_NONE, false);
		/* Few enough for exact tests, or many enough for the approximation. */
		size_t nr = i % 3 ? 5 + next_random(seed) % 6 : 600;

		for (size_t k = 0; k < nr; k++)
			rs_hist_add(h,
				    (__u64)(5000 * (i == 3 ? slower : 1) * exp(0.4 * noise(seed))));
	}
	return r;
}

/*
 * No false alarm beyond alpha: 2,000 pairs of recordings of one population, seven comparisons each, and
 * every significant difference counts, however small.
 */
static void false_alarms(void **state)
{
	static const struct rs_diff_opts strict = { .alpha = 0.05, .threshold = 1e-9 };
	__u64 seed = 0xb5297a4d3f84d5b5ULL;
	int alarms = 0, usual_alarms = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct rs_result *base = machine(&seed, 1), *now = machine(&seed, 1);
		struct rs_diff *d;
		bool alarm = false;

		assert_int_equal(rs_diff_new(base, now, &strict, &d), 0);
		assert_int_equal(d->nr_rows, 7);
		assert_true(d->compared >= 3);
		for (size_t k = 0; k < d->nr_rows; k++)
			alarm |= d->row[k].state == RS_DIFF_WORSE ||
				 d->row[k].state == RS_DIFF_BETTER;
		alarms += alarm;
		rs_diff_free(d);
		d = diff_of(base, now);
		usual_alarms += d->verdict == RS_VIOLATED;
		rs_diff_free(d);
		rs_result_free(base);
		rs_result_free(now);
	}
	/* 100 are allowed; three standard deviations are 29. And the correction is not vacuous. */
	assert_in_range(alarms, 40, 129);
	/* One direction only. */
	assert_true(usual_alarms <= 75);
}

/* One path of six is half slower: it is found, and no other is blamed. */
static void power(void **state)
{
	__u64 seed = 0x68e31da4b5297a4dULL;
	int found = 0, blamed = 0, rounds = 300;

	(void)state;
	for (int i = 0; i < rounds; i++) {
		struct rs_result *base = machine(&seed, 1), *now = machine(&seed, 1.5);
		struct rs_diff *d = diff_of(base, now);

		for (size_t k = 0; k < d->nr_rows; k++) {
			if (d->row[k].state != RS_DIFF_WORSE)
				continue;
			if (!strcmp(d->row[k].name, "read cached"))
				found++;
			else
				blamed++;
		}
		if (d->verdict == RS_VIOLATED)
			assert_int_equal(d->row[0].state, RS_DIFF_WORSE);
		rs_diff_free(d);
		rs_result_free(base);
		rs_result_free(now);
	}
	assert_in_range(found, rounds * 85 / 100, rounds);
	assert_in_range(blamed, 0, rounds * 5 / 100);
}

static char *rendered(const struct rs_diff *d, bool json, int verbose)
{
	struct rs_style style = { .width = 80, .verbose = verbose };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(json ? rs_render_diff_json(d, out) : rs_render_diff(d, &style, out), 0);
	fclose(out);
	return text;
}

static struct rs_result *recorded(const char *name, __u64 len, __u64 pin)
{
	struct rs_result *r = result_new();
	struct rs_hist *h;

	r->source = strdup(name);
	r->kernel = strdup("6.12");
	for (__u64 i = 0; i < 6; i++)
		add_window(r, (i + 1) * 100 * MS, (i + 1) * 100 * MS + len + i * US);
	h = add_row(r, "pin", RS_PATH_CACHED, RS_REASON_NONE, false);
	for (__u64 i = 0; i < 100; i++)
		rs_hist_add(h, pin + i);
	h = add_row(r, "pin", RS_PATH_REFUSED, RS_REASON_WINDOW, true);
	rs_hist_add(h, pin);
	return r;
}

static void texts(void **state)
{
	struct rs_result *base = recorded("a.trace", 10 * MS, 2000);
	struct rs_result *now = recorded("b.trace", 15 * MS, 2000);
	struct rs_diff *d = diff_of(base, now);
	char *text = rendered(d, false, 0);
	json_t *o, *row;

	(void)state;
	assert_string_equal(
		text,
		"base  a.trace: Linux 6.12, 0 updates, 6 windows\n"
		"new   b.trace: Linux 6.12, 0 updates, 6 windows\n"
		"\n"
		"TIMES\n"
		"                                              base       new   change         p\n"
		"  WORSE    window                          10.0 ms   15.0 ms  +50.0 %    0.0043\n"
		"             6 and 6 samples, 95 % interval +50.0 % to +50.0 %,\n"
		"             longer with probability 1.00 (exact)\n"
		"  same     2 that changed by no more than 10 %\n"
		"\n"
		"verdict: regression (1 of 3 times longer, 0 of 0 rules newly violated)\n");
	free(text);
	text = rendered(d, false, 1);
	assert_non_null(strstr(text, "pin cached "));
	assert_non_null(strstr(text, "pin refused:window, in window "));
	free(text);
	text = rendered(d, true, 0);
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "schema")), "remapscope-diff");
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "violated");
	assert_int_equal(json_integer_value(json_object_get(o, "exit_status")), 1);
	assert_int_equal(json_array_size(json_object_get(o, "times")), 3);
	row = json_array_get(json_object_get(o, "times"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "window");
	assert_string_equal(json_string_value(json_object_get(row, "state")), "worse");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(row, "new"), "samples")), 6);
	json_decref(o);
	free(text);
	rs_diff_free(d);
	rs_result_free(base);
	rs_result_free(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(numbers),
		cmocka_unit_test(losses),
		cmocka_unit_test(coarse),
		cmocka_unit_test(ranges_are_not_samples),
		cmocka_unit_test(rules),
		cmocka_unit_test(false_alarms),
		cmocka_unit_test(power),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
