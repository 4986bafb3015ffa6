// SPDX-License-Identifier: GPL-2.0-only
#include "diff/collect.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95

const char *rs_diff_state_name(enum rs_diff_state s)
{
	static const char *const names[RS_DIFF_STATES] = {
		[RS_DIFF_SAME] = "same",	 [RS_DIFF_NOISE] = "noise",
		[RS_DIFF_BETTER] = "better",	 [RS_DIFF_WORSE] = "worse",
		[RS_DIFF_UNKNOWN] = "unknown",	 [RS_DIFF_ONLY_BASE] = "only-base",
		[RS_DIFF_ONLY_NEW] = "only-new",
	};

	return names[s];
}

static bool grew(const struct rs_diff *d, double ratio)
{
	return ratio > 1 + d->opts.threshold;
}

static bool shrank(const struct rs_diff *d, double ratio)
{
	return ratio < 1 / (1 + d->opts.threshold);
}

static __u64 median_of(const struct rs_pool *p, bool now, __u64 samples)
{
	__u64 seen = 0;

	for (size_t i = 0; i < p->nr; i++) {
		seen += now ? p->group[i].b : p->group[i].a;
		if (samples && seen >= (samples + 1) / 2)
			return p->group[i].value;
	}
	return 0;
}

static int compare(const struct rs_pool *p, struct rs_diff_row *row)
{
	int err = rs_rank_test(p->group, p->nr, CONFIDENCE, &row->rank);

	snprintf(row->name, sizeof(row->name), "%s", p->name);
	row->p = 1;
	row->base = (struct rs_diff_side){ row->rank.na, p->base_missing,
					   median_of(p, false, row->rank.na) };
	row->now = (struct rs_diff_side){ row->rank.nb, p->now_missing,
					  median_of(p, true, row->rank.nb) };
	return err;
}

/* Would it still be told, had what was lost been as good as it can for the other outcome? */
static int survives_loss(const struct rs_diff *d, const struct rs_pool *p,
			 const struct rs_diff_row *row, double factor, bool *survives)
{
	__u64 a = p->base_missing, b = p->now_missing;
	bool worse = grew(d, row->rank.ratio);
	struct rs_group *g;
	struct rs_rank r;
	size_t nr = 0;
	int err;

	*survives = false;
	if (a == UINT64_MAX || b == UINT64_MAX)
		return 0;
	g = calloc(p->nr + 2, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g[nr++] = (struct rs_group){ 0, worse ? 0 : a, worse ? b : 0 };
	for (size_t i = 0; i < p->nr; i++) {
		g[nr] = p->group[i];
		if (g[nr].value)
			nr++;
		else
			g[0] = (struct rs_group){ 0, g[0].a + g[nr].a, g[0].b + g[nr].b };
	}
	g[nr++] = (struct rs_group){ UINT64_MAX, worse ? a : 0, worse ? 0 : b };
	err = rs_rank_test(g, nr, CONFIDENCE, &r);
	free(g);
	if (!err)
		*survives = r.method != RS_RANK_NONE && r.p * factor <= d->opts.alpha &&
			    (worse ? grew(d, r.ratio) : shrank(d, r.ratio));
	return err;
}

static int say(struct rs_diff_row *row, enum rs_diff_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int say(struct rs_diff_row *row, enum rs_diff_state state, const char *fmt, ...)
{
	va_list args;
	int n;

	row->state = state;
	va_start(args, fmt);
	n = vasprintf(&row->reason, fmt, args);
	va_end(args);
	if (n < 0)
		row->reason = NULL;
	return n < 0 ? -ENOMEM : 0;
}

static int judge_row(const struct rs_diff *d, const struct rs_pool *p, struct rs_diff_row *row)
{
	bool lost = p->base_missing || p->now_missing, survives = true;
	double factor = row->rank.p > 0 ? row->p / row->rank.p : (double)d->compared;
	int err = 0;

	if (!row->base.samples && !row->now.samples)
		return say(row, RS_DIFF_UNKNOWN, "A loss makes all of its samples doubtful.");
	if (!row->base.samples || !row->now.samples) {
		const __u64 missing = row->base.samples ? p->now_missing : p->base_missing;

		if (missing)
			return say(row, RS_DIFF_UNKNOWN,
				   "The %s recording has none, but it has losses.",
				   row->base.samples ? "new" : "base");
		row->state = row->base.samples ? RS_DIFF_ONLY_BASE : RS_DIFF_ONLY_NEW;
		return 0;
	}
	if (!grew(d, row->rank.ratio) && !shrank(d, row->rank.ratio)) {
		row->state = RS_DIFF_SAME;
		return 0;
	}
	if (!row->tested)
		return say(row, RS_DIFF_UNKNOWN,
			   "With %llu and %llu samples no difference can be significant at %g %%.",
			   row->base.samples, row->now.samples, 100 * d->opts.alpha);
	if (row->p > d->opts.alpha)
		return lost ? say(row, RS_DIFF_UNKNOWN,
				  "Not significant, but what was lost could have made it so.")
			    : say(row, RS_DIFF_NOISE, "Chance alone could have made this.");
	if (lost)
		err = survives_loss(d, p, row, factor, &survives);
	if (err)
		return err;
	if (!survives)
		return say(row, RS_DIFF_UNKNOWN,
			   "Significant, but what was lost could account for it.");
	row->state = grew(d, row->rank.ratio) ? RS_DIFF_WORSE : RS_DIFF_BETTER;
	return 0;
}

/* Where a row is in the order of something. */
struct place {
	size_t row;
	double p;
};

static int by_p(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->p < y->p || x->p > y->p)
		return x->p < y->p ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Corrects all p-values that can matter at all for each other. */
static int correct(struct rs_diff *d)
{
	struct place *at = calloc(d->nr_rows + 1, sizeof(*at));
	double *p = calloc(d->nr_rows + 1, sizeof(*p));
	size_t nr = 0;
	int err = at && p ? 0 : -ENOMEM;

	if (err)
		goto out;
	for (size_t i = 0; i < d->nr_rows; i++)
		if (d->row[i].rank.method != RS_RANK_NONE)
			at[nr++] = (struct place){ i, d->row[i].rank.p_least };
	if (nr)
		qsort(at, nr, sizeof(*at), by_p);
	for (size_t i = 0; i < nr; i++)
		p[i] = at[i].p;
	nr = rs_tarone(p, nr, d->opts.alpha);
	d->compared = nr;
	for (size_t i = 0; i < nr; i++) {
		d->row[at[i].row].tested = true;
		at[i].p = d->row[at[i].row].rank.p;
	}
	if (nr)
		qsort(at, nr, sizeof(*at), by_p);
	for (size_t i = 0; i < nr; i++)
		p[i] = at[i].p;
	rs_holm(p, nr);
	for (size_t i = 0; i < nr; i++)
		d->row[at[i].row].p = p[i];
out:
	free(at);
	free(p);
	return err;
}

/* What a reader looks for first. */
static int urgency(enum rs_diff_state s)
{
	static const int order[RS_DIFF_STATES] = {
		[RS_DIFF_WORSE] = 0, [RS_DIFF_UNKNOWN] = 1,  [RS_DIFF_BETTER] = 2,
		[RS_DIFF_NOISE] = 3, [RS_DIFF_ONLY_NEW] = 4, [RS_DIFF_ONLY_BASE] = 5,
		[RS_DIFF_SAME] = 6,
	};

	return order[s];
}

static int by_urgency(const void *a, const void *b)
{
	const struct rs_diff_row *x = a, *y = b;

	if (x->state != y->state)
		return urgency(x->state) - urgency(y->state);
	if (x->rank.ratio < y->rank.ratio || x->rank.ratio > y->rank.ratio)
		return x->rank.ratio > y->rank.ratio ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int compare_all(struct rs_diff *d)
{
	struct rs_pools pools;
	int err = rs_pools_collect(d->base, d->now, &pools);

	if (err)
		return err;
	d->row = calloc(pools.nr + 1, sizeof(*d->row));
	if (!d->row)
		err = -ENOMEM;
	for (size_t i = 0; i < pools.nr && !err; i++)
		err = compare(&pools.pool[i], &d->row[d->nr_rows++]);
	if (!err)
		err = correct(d);
	for (size_t i = 0; i < pools.nr && !err; i++)
		err = judge_row(d, &pools.pool[i], &d->row[i]);
	if (!err && d->nr_rows)
		qsort(d->row, d->nr_rows, sizeof(*d->row), by_urgency);
	rs_pools_free(&pools);
	return err;
}

enum { WINDOWS, OPEN, UPDATES, ONGOING, FAILED, REQUESTS, REFUSED, FINDINGS, LOSSES, NR_COUNTS };

static void count(const struct rs_result *r, __u64 n[NR_COUNTS])
{
	n[WINDOWS] = r->nr_windows;
	n[UPDATES] = r->nr_updates;
	n[LOSSES] = r->nr_losses;
	for (size_t i = 0; i < r->nr_windows; i++) {
		n[OPEN] += !r->window[i].close_ns;
		n[FAILED] += r->window[i].failed_remaps;
	}
	for (size_t i = 0; i < r->nr_updates; i++)
		n[ONGOING] += !r->update[i].blackout_from;
	for (size_t i = 0; i < r->nr_requests; i++) {
		__u64 nr = r->request[i].latency[RS_LAT_TOTAL].count;

		n[REQUESTS] += nr;
		n[REFUSED] += r->request[i].path == RS_PATH_REFUSED ? nr : 0;
	}
	for (size_t i = 0; i < r->nr_rules; i++)
		n[FINDINGS] += r->rule[i].findings;
}

static int count_all(struct rs_diff *d)
{
	static const char *const names[NR_COUNTS] = {
		[WINDOWS] = "windows",
		[OPEN] = "windows that did not end",
		[UPDATES] = "updates",
		[ONGOING] = "updates without an end of the blackout",
		[FAILED] = "failed remaps",
		[REQUESTS] = "requests",
		[REFUSED] = "refused requests",
		[FINDINGS] = "findings",
		[LOSSES] = "losses",
	};
	__u64 base[NR_COUNTS] = { 0 }, now[NR_COUNTS] = { 0 };

	d->count = calloc(NR_COUNTS, sizeof(*d->count));
	if (!d->count)
		return -ENOMEM;
	d->nr_counts = NR_COUNTS;
	count(d->base, base);
	count(d->now, now);
	for (size_t i = 0; i < NR_COUNTS; i++)
		d->count[i] = (struct rs_diff_count){ names[i], base[i], now[i] };
	return 0;
}

static const struct rs_rule_view *find_rule(const struct rs_result *r, const char *id)
{
	for (size_t i = 0; i < r->nr_rules; i++)
		if (!strcmp(r->rule[i].id, id))
			return &r->rule[i];
	return NULL;
}

/* A pass that is none any more is a regression, or may be one. */
static enum rs_diff_state rule_state(enum rs_verdict base, enum rs_verdict now)
{
	if (base == now)
		return RS_DIFF_SAME;
	if (base == RS_PASS)
		return now == RS_VIOLATED ? RS_DIFF_WORSE : RS_DIFF_UNKNOWN;
	if (base == RS_UNKNOWN)
		return now == RS_VIOLATED ? RS_DIFF_UNKNOWN : RS_DIFF_BETTER;
	return now == RS_PASS ? RS_DIFF_BETTER : RS_DIFF_UNKNOWN;
}

static int compare_rules(struct rs_diff *d)
{
	d->rule = calloc(d->now->nr_rules + 1, sizeof(*d->rule));
	if (!d->rule)
		return -ENOMEM;
	for (size_t i = 0; i < d->now->nr_rules; i++) {
		const struct rs_rule_view *now = &d->now->rule[i];
		const struct rs_rule_view *base = find_rule(d->base, now->id);

		if (base)
			d->rule[d->nr_rules++] =
				(struct rs_diff_rule){ now->id, base->verdict, now->verdict,
						       rule_state(base->verdict, now->verdict) };
	}
	return 0;
}

/* Kernel, mode and --verify change what things cost. */
static int note(struct rs_diff *d)
{
	const char *a = d->base->kernel ? d->base->kernel : "unknown";
	const char *b = d->now->kernel ? d->now->kernel : "unknown";
	char text[384] = "";
	size_t n = 0;

	if (strcmp(a, b))
		n += (size_t)snprintf(text, sizeof(text), ", Linux %.64s and %.64s", a, b);
	if (d->base->mode != d->now->mode)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ", mode %s and %s",
				      rs_mode_name(d->base->mode), rs_mode_name(d->now->mode));
	if (d->base->verify != d->now->verify)
		snprintf(text + n, sizeof(text) - n, ", verify %s and %s",
			 rs_verify_name(d->base->verify), rs_verify_name(d->now->verify));
	if (!text[0])
		return 0;
	if (asprintf(&d->note, "The two were recorded differently: %s.", text + 2) < 0) {
		d->note = NULL;
		return -ENOMEM;
	}
	return 0;
}

static size_t windows_ended(const struct rs_result *r)
{
	size_t nr = 0;

	for (size_t i = 0; i < r->nr_windows; i++)
		nr += r->window[i].close_ns != 0;
	return nr;
}

static int conclude(struct rs_diff *d)
{
	size_t worse = 0, lengthened = 0, rules = 0, doubts = 0, both = 0;
	bool gone = windows_ended(d->base) && !windows_ended(d->now);
	int n;

	for (size_t i = 0; i < d->nr_rows; i++) {
		const struct rs_diff_row *row = &d->row[i];

		both += row->base.samples && row->now.samples;
		worse += row->state == RS_DIFF_WORSE;
		/* What may have become shorter is no danger. */
		lengthened += row->state == RS_DIFF_UNKNOWN &&
			      (!row->base.samples || !row->now.samples || row->rank.ratio > 1);
	}
	for (size_t i = 0; i < d->nr_rules; i++) {
		rules += d->rule[i].state == RS_DIFF_WORSE;
		doubts += d->rule[i].state == RS_DIFF_UNKNOWN;
	}
	if (worse || rules) {
		d->verdict = RS_VIOLATED;
		n = asprintf(&d->verdict_reason,
			     "%zu of %zu times longer, %zu of %zu rules newly violated", worse,
			     d->nr_rows, rules, d->nr_rules);
	} else if (gone || !both) {
		d->verdict = RS_UNKNOWN;
		n = asprintf(&d->verdict_reason, "%s",
			     gone ? "the new recording has no window that ended"
				  : "the two have nothing in common");
	} else if (lengthened || doubts) {
		d->verdict = RS_UNKNOWN;
		n = asprintf(&d->verdict_reason,
			     "%zu of %zu times may be longer, %zu of %zu rules may be violated",
			     lengthened, d->nr_rows, doubts, d->nr_rules);
	} else {
		n = asprintf(&d->verdict_reason, "%zu times and %zu rules compared", both,
			     d->nr_rules);
	}
	if (n < 0)
		d->verdict_reason = NULL;
	return n < 0 ? -ENOMEM : 0;
}

int rs_diff_new(const struct rs_result *base, const struct rs_result *now,
		const struct rs_diff_opts *opts, struct rs_diff **out)
{
	struct rs_diff *d = calloc(1, sizeof(*d));
	int err;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->base = base;
	d->now = now;
	d->opts = *opts;
	err = compare_all(d);
	if (!err)
		err = count_all(d);
	if (!err)
		err = compare_rules(d);
	if (!err)
		err = note(d);
	if (!err)
		err = conclude(d);
	if (err) {
		rs_diff_free(d);
		return err;
	}
	*out = d;
	return 0;
}

void rs_diff_free(struct rs_diff *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->nr_rows; i++)
		free(d->row[i].reason);
	free(d->row);
	free(d->count);
	free(d->rule);
	free(d->note);
	free(d->verdict_reason);
	free(d);
}

int rs_diff_exit_status(const struct rs_diff *d)
{
	switch (d->verdict) {
	case RS_PASS:
		return 0;
	case RS_VIOLATED:
		return 1;
	case RS_UNKNOWN:
		break;
	}
	return 3;
}
