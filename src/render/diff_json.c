// SPDX-License-Identifier: GPL-2.0-only
/* A diff as JSON. As in json.c, what could not be made is NULL and passed on upwards. */
#include "render/diff.h"
#include "render/json.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>

static json_int_t num(__u64 v)
{
	return v > INT64_MAX ? INT64_MAX : (json_int_t)v;
}

static json_t *side(const struct rs_diff_side *s)
{
	return json_pack("{s:I, s:o, s:o}", "samples", num(s->samples), "missing",
			 s->missing == UINT64_MAX ? json_null() : json_integer(num(s->missing)),
			 "median_ns", s->samples ? json_integer(num(s->median)) : json_null());
}

static json_t *real_or_null(bool known, double v)
{
	return known ? json_real(v) : json_null();
}

static json_t *row(const struct rs_diff_row *r)
{
	bool both = r->base.samples && r->now.samples;
	bool has_p = r->rank.method != RS_RANK_NONE;
	bool interval = both && isfinite(r->rank.ratio_high);

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "name",
			 r->name, "state", rs_diff_state_name(r->state), "base", side(&r->base),
			 "new", side(&r->now), "ratio", real_or_null(both, r->rank.ratio),
			 "ratio_low", real_or_null(interval, r->rank.ratio_low), "ratio_high",
			 real_or_null(interval, r->rank.ratio_high), "superiority",
			 real_or_null(both, r->rank.superiority), "method",
			 rs_rank_method_name(r->rank.method), "p", real_or_null(has_p, r->rank.p),
			 "p_corrected", real_or_null(r->tested, r->p), "reason",
			 rs_json_text(r->reason));
}

static json_t *rows(const struct rs_diff *d)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < d->nr_rows; i++) {
		if (json_array_append_new(a, row(&d->row[i]))) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static json_t *counts(const struct rs_diff *d)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < d->nr_counts; i++) {
		const struct rs_diff_count *c = &d->count[i];

		if (json_array_append_new(a, json_pack("{s:s, s:I, s:I}", "name", c->name, "base",
						       num(c->base), "new", num(c->now)))) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static json_t *rules(const struct rs_diff *d)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < d->nr_rules; i++) {
		const struct rs_diff_rule *r = &d->rule[i];

		if (json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:s}", "id", r->id, "state",
						       rs_diff_state_name(r->state), "base",
						       rs_verdict_name(r->base), "new",
						       rs_verdict_name(r->now)))) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static json_t *recording(const struct rs_result *r)
{
	return json_pack("{s:o, s:o, s:s, s:s, s:b}", "source", rs_json_text(r->source), "kernel",
			 rs_json_text(r->kernel), "mode", rs_mode_name(r->mode), "verify",
			 rs_verify_name(r->verify), "complete", r->complete);
}

int rs_render_diff_json(const struct rs_diff *d, FILE *out)
{
	json_t *o =
		json_pack("{s:s, s:i, s:s, s:o, s:i, s:f, s:f, s:o, s:o, s:o, s:I, s:o, s:o, "
			  "s:o}",
			  "schema", "remapscope-diff", "schema_version", 1, "verdict",
			  rs_verdict_name(d->verdict), "verdict_reason",
			  rs_json_text(d->verdict_reason), "exit_status", rs_diff_exit_status(d),
			  "alpha", d->opts.alpha, "threshold", d->opts.threshold, "base",
			  recording(d->base), "new", recording(d->now), "note",
			  rs_json_text(d->note), "compared", (json_int_t)d->compared, "times",
			  rows(d), "counts", counts(d), "rules", rules(d));
	int err = 0;

	if (!o)
		return -ENOMEM;
	if (json_dumpf(o, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6)) ||
	    fputc('\n', out) == EOF || fflush(out))
		err = -EIO;
	json_decref(o);
	return err;
}
