// SPDX-License-Identifier: GPL-2.0-only
/* A diff for a person: a line per change, the worst first, and the verdict in the last line. */
#include "render/diff.h"
#include "render/report.h"
#include "stats/units.h"

#include <math.h>
#include <stdio.h>

#define NAME_COL   11
#define BASE_END   50
#define NEW_END	   60
#define CHANGE_END 69
#define P_END	   79

static enum rs_tone tone_of(enum rs_diff_state s)
{
	switch (s) {
	case RS_DIFF_WORSE:
		return RS_TONE_BAD;
	case RS_DIFF_UNKNOWN:
		return RS_TONE_WARN;
	case RS_DIFF_BETTER:
		return RS_TONE_GOOD;
	default:
		return RS_TONE_PLAIN;
	}
}

/* What matters must stand out in a log. */
static const char *label_of(enum rs_diff_state s)
{
	static const char *const labels[RS_DIFF_STATES] = {
		[RS_DIFF_SAME] = "same",       [RS_DIFF_NOISE] = "noise",
		[RS_DIFF_BETTER] = "better",   [RS_DIFF_WORSE] = "WORSE",
		[RS_DIFF_UNKNOWN] = "UNKNOWN", [RS_DIFF_ONLY_BASE] = "gone",
		[RS_DIFF_ONLY_NEW] = "new",
	};

	return labels[s];
}

/* "+23 %", "-5 %"; "x 12.3" from three times on, "/ 4.0" likewise. */
static struct rs_fmt change_text(double ratio)
{
	struct rs_fmt f;

	if (ratio >= 3)
		snprintf(f.s, sizeof(f.s), "x %.3g", ratio);
	else if (ratio <= 1 / 3.0)
		snprintf(f.s, sizeof(f.s), "/ %.3g", 1 / ratio);
	else
		snprintf(f.s, sizeof(f.s), "%+.1f %%", (ratio - 1) * 100);
	return f;
}

static struct rs_fmt p_text(double p)
{
	struct rs_fmt f;

	if (p < 0.0001)
		snprintf(f.s, sizeof(f.s), "< 0.0001");
	else
		snprintf(f.s, sizeof(f.s), "%.4f", p);
	return f;
}

static void put_recording(struct rs_text *t, const char *what, const struct rs_result *r)
{
	rs_text_begin(t, 0, 6);
	rs_text_keep(t, RS_TONE_HEAD, "%s", what);
	rs_text_to(t, 6);
	rs_text_words(t, RS_TONE_PLAIN, r->source ? r->source : "unnamed");
	rs_text_put(t, RS_TONE_PLAIN, ":");
	if (r->kernel)
		rs_text_keep(t, RS_TONE_PLAIN, " Linux %s,", r->kernel);
	rs_text_keep(t, RS_TONE_PLAIN, " %zu update%s,", r->nr_updates,
		     r->nr_updates == 1 ? "" : "s");
	rs_text_keep(t, RS_TONE_PLAIN, " %zu window%s", r->nr_windows,
		     r->nr_windows == 1 ? "" : "s");
	if (!r->complete)
		rs_text_keep(t, RS_TONE_WARN, ", incomplete");
	if (r->nr_losses)
		rs_text_keep(t, RS_TONE_WARN, ", with losses");
	rs_text_end(t);
}

static void put_detail(struct rs_text *t, const struct rs_diff_row *r)
{
	rs_text_begin(t, NAME_COL + 2, NAME_COL + 2);
	rs_text_keep(t, RS_TONE_DIM, "%s and %s samples,", rs_fmt_count(r->base.samples).s,
		     rs_fmt_count(r->now.samples).s);
	if (isfinite(r->rank.ratio_high))
		rs_text_keep(t, RS_TONE_DIM, " 95 %% interval %s to %s,",
			     change_text(r->rank.ratio_low).s, change_text(r->rank.ratio_high).s);
	rs_text_keep(t, RS_TONE_DIM, " longer with probability %.2f", r->rank.superiority);
	if (r->rank.method != RS_RANK_NONE)
		rs_text_keep(t, RS_TONE_DIM, " (%s)", rs_rank_method_name(r->rank.method));
	rs_text_end(t);
}

static void put_row(struct rs_text *t, const struct rs_diff_row *r)
{
	bool both = r->base.samples && r->now.samples;

	rs_text_begin(t, 2, NAME_COL + 2);
	rs_text_keep(t, tone_of(r->state), "%s", label_of(r->state));
	rs_text_to(t, NAME_COL);
	rs_text_keep(t, RS_TONE_PLAIN, "%s", r->name);
	rs_text_right(t, RS_TONE_PLAIN, BASE_END, "%s",
		      r->base.samples ? rs_fmt_len(r->base.median).s : "-");
	rs_text_right(t, RS_TONE_PLAIN, NEW_END, "%s",
		      r->now.samples ? rs_fmt_len(r->now.median).s : "-");
	if (both)
		rs_text_right(t, tone_of(r->state), CHANGE_END, "%s", change_text(r->rank.ratio).s);
	if (r->tested)
		rs_text_right(t, RS_TONE_PLAIN, P_END, "%s", p_text(r->p).s);
	rs_text_end(t);
	if (r->reason && (r->state == RS_DIFF_UNKNOWN || t->style->verbose)) {
		rs_text_begin(t, NAME_COL + 2, NAME_COL + 2);
		rs_text_words(t, tone_of(r->state), r->reason);
		rs_text_end(t);
	}
	if (both && (r->state == RS_DIFF_WORSE || t->style->verbose))
		put_detail(t, r);
}

static void put_head_row(struct rs_text *t)
{
	rs_report_section(t, "TIMES");
	rs_text_begin(t, 2, 2);
	rs_text_right(t, RS_TONE_DIM, BASE_END, "base");
	rs_text_right(t, RS_TONE_DIM, NEW_END, "new");
	rs_text_right(t, RS_TONE_DIM, CHANGE_END, "change");
	rs_text_right(t, RS_TONE_DIM, P_END, "p");
	rs_text_end(t);
}

static void put_folded(struct rs_text *t, const struct rs_diff *d, enum rs_diff_state s,
		       const char *what)
{
	size_t nr = 0;

	for (size_t i = 0; i < d->nr_rows; i++)
		nr += d->row[i].state == s;
	if (!nr || t->style->verbose)
		return;
	rs_text_begin(t, 2, NAME_COL + 2);
	rs_text_keep(t, RS_TONE_DIM, "%s", label_of(s));
	rs_text_to(t, NAME_COL);
	rs_text_put(t, RS_TONE_DIM, "%zu %s", nr, what);
	rs_text_end(t);
}

static void put_times(struct rs_text *t, const struct rs_diff *d)
{
	char same[64];

	if (!d->nr_rows)
		return;
	put_head_row(t);
	for (size_t i = 0; i < d->nr_rows; i++) {
		enum rs_diff_state s = d->row[i].state;

		if (t->style->verbose || (s != RS_DIFF_SAME && s != RS_DIFF_NOISE &&
					  s != RS_DIFF_ONLY_BASE && s != RS_DIFF_ONLY_NEW))
			put_row(t, &d->row[i]);
	}
	snprintf(same, sizeof(same), "that changed by no more than %g %%", 100 * d->opts.threshold);
	put_folded(t, d, RS_DIFF_NOISE, "whose change could be chance");
	put_folded(t, d, RS_DIFF_ONLY_NEW, "that only the new recording has");
	put_folded(t, d, RS_DIFF_ONLY_BASE, "that only the base has");
	put_folded(t, d, RS_DIFF_SAME, same);
}

static void put_counts(struct rs_text *t, const struct rs_diff *d)
{
	bool headed = false;

	for (size_t i = 0; i < d->nr_counts; i++) {
		const struct rs_diff_count *c = &d->count[i];

		if (c->base == c->now && !t->style->verbose)
			continue;
		if (!headed)
			rs_report_section(t, "COUNTS");
		headed = true;
		rs_text_begin(t, 2, NAME_COL + 2);
		rs_text_keep(t, RS_TONE_PLAIN, "%s", c->name);
		rs_text_right(t, RS_TONE_PLAIN, BASE_END, "%s", rs_fmt_count(c->base).s);
		rs_text_right(t, RS_TONE_PLAIN, NEW_END, "%s", rs_fmt_count(c->now).s);
		rs_text_end(t);
	}
}

static void put_rules(struct rs_text *t, const struct rs_diff *d)
{
	bool headed = false;

	for (size_t i = 0; i < d->nr_rules; i++) {
		const struct rs_diff_rule *r = &d->rule[i];

		if (r->state == RS_DIFF_SAME && r->now == RS_PASS && !t->style->verbose)
			continue;
		if (!headed)
			rs_report_section(t, "RULES");
		headed = true;
		rs_text_begin(t, 2, NAME_COL + 2);
		rs_text_keep(t, tone_of(r->state), "%s", label_of(r->state));
		rs_text_to(t, NAME_COL);
		rs_text_keep(t, RS_TONE_PLAIN, "%s", r->id);
		rs_text_right(t, RS_TONE_PLAIN, BASE_END, "%s", rs_verdict_name(r->base));
		rs_text_right(t, RS_TONE_PLAIN, NEW_END, "%s", rs_verdict_name(r->now));
		rs_text_end(t);
	}
}

static void put_verdict(struct rs_text *t, const struct rs_diff *d)
{
	static const char *const names[] = {
		[RS_PASS] = "no regression",
		[RS_UNKNOWN] = "cannot be told",
		[RS_VIOLATED] = "regression",
	};

	fputc('\n', t->out);
	rs_text_begin(t, 0, 2);
	rs_text_put(t, rs_verdict_tone(d->verdict), "verdict: %s", names[d->verdict]);
	if (d->verdict_reason)
		rs_text_put(t, RS_TONE_PLAIN, " (%s)", d->verdict_reason);
	rs_text_end(t);
}

int rs_render_diff(const struct rs_diff *d, const struct rs_style *style, FILE *out)
{
	struct rs_text t;

	rs_text_init(&t, style, out);
	put_recording(&t, "base", d->base);
	put_recording(&t, "new", d->now);
	if (d->note) {
		rs_text_begin(&t, 0, 6);
		rs_text_words(&t, RS_TONE_WARN, d->note);
		rs_text_end(&t);
	}
	put_times(&t, d);
	put_counts(&t, d);
	put_rules(&t, d);
	put_verdict(&t, d);
	return rs_text_status(&t);
}
