// SPDX-License-Identifier: GPL-2.0-only
/*
 * A clause passes when every value that its statistic can have had satisfies it, is violated when none
 * does, and is unknown otherwise. A limit that comes from a base recording is an interval as well.
 */
#define _GNU_SOURCE 1
#include "budget/samples.h"
#include "stats/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In millionths of the statistic's unit, so that a factor is exact. */
typedef unsigned __int128 wide_t;

#define WIDE_ENDLESS (~(wide_t)0)

struct wide_interval {
	wide_t low;
	wide_t high;
};

static wide_t widen(__u64 v, __u64 factor)
{
	return v == RS_ENDLESS ? WIDE_ENDLESS : (wide_t)v * factor;
}

static struct wide_interval widen_interval(struct rs_interval v, __u64 factor)
{
	return (struct wide_interval){ widen(v.low, factor), widen(v.high, factor) };
}

static enum rs_verdict three_way(bool all, bool none)
{
	return all ? RS_PASS : none ? RS_VIOLATED : RS_UNKNOWN;
}

/* What has no upper end is neither above nor below anything that has none. */
static bool below(wide_t a, wide_t b)
{
	return a < b;
}

static bool at_most(wide_t a, wide_t b)
{
	return a <= b && a != WIDE_ENDLESS;
}

static enum rs_verdict compare(struct wide_interval v, enum rs_compare op,
			       struct wide_interval limit)
{
	switch (op) {
	case RS_CMP_LE:
		return three_way(at_most(v.high, limit.low), below(limit.high, v.low));
	case RS_CMP_LT:
		return three_way(below(v.high, limit.low), at_most(limit.high, v.low));
	case RS_CMP_GE:
		return three_way(at_most(limit.high, v.low), below(v.high, limit.low));
	case RS_CMP_GT:
		return three_way(below(limit.high, v.low), at_most(v.high, limit.low));
	case RS_CMP_EQ:
		break;
	}
	return three_way(at_most(v.high, limit.low) && at_most(limit.high, v.low),
			 below(limit.high, v.low) || below(v.high, limit.low));
}

static struct rs_interval exactly(__u64 v)
{
	return (struct rs_interval){ v, v };
}

static struct wide_interval limit_of(const struct rs_clause *cl, struct rs_interval base)
{
	if (cl->ratio)
		return widen_interval(base, cl->limit);
	return widen_interval(exactly(cl->limit), RS_MICRO);
}

/* "12.4ms", "7" or "3.5/s"; all digits where three of them would not tell it from @other. */
static struct rs_fmt value_text(const struct rs_clause *cl, __u64 v, __u64 other)
{
	struct rs_fmt f;

	switch (cl->stat->unit) {
	case RS_UNIT_NUMBER:
		snprintf(f.s, sizeof(f.s), "%llu", v);
		return f;
	case RS_UNIT_RATE:
		snprintf(f.s, sizeof(f.s), "%s/s", rs_micro_text(v).s);
		return f;
	case RS_UNIT_TIME:
		break;
	}
	f = rs_fmt_len_tight(v);
	if (v != other && !strcmp(f.s, rs_fmt_len_tight(other).s))
		return rs_fmt_len_exact(v);
	return f;
}

/* The limit as one number, for people: what was measured in the base recording times the factor. */
static __u64 shown_limit(const struct rs_clause *cl, const struct rs_figure *base)
{
	wide_t v;

	if (!cl->ratio)
		return cl->limit;
	v = ((wide_t)base->measured * cl->limit + RS_MICRO / 2) / RS_MICRO;
	return v < RS_ENDLESS ? (__u64)v : RS_ENDLESS;
}

/* "10ms", or "1.2x base (10ms)". */
static struct rs_clause_text limit_text(const struct rs_clause *cl, __u64 limit)
{
	struct rs_clause_text t;
	struct rs_fmt value;

	if (cl->stat->unit == RS_UNIT_TIME)
		value = rs_fmt_len_exact(limit);
	else
		value = value_text(cl, limit, limit);
	if (cl->ratio)
		snprintf(t.s, sizeof(t.s), "%sx base (%s)", rs_micro_text(cl->limit).s, value.s);
	else
		snprintf(t.s, sizeof(t.s), "%s", value.s);
	return t;
}

static const char *nothing_seen(const struct rs_clause *cl)
{
	static const char *const names[] = {
		[RS_SUBJECT_WINDOW] = "no remap window was seen",
		[RS_SUBJECT_HANDOVER] = "no iommufd context was handed over",
		[RS_SUBJECT_UPDATE] = "no update was seen",
		[RS_SUBJECT_BLACKOUT] = "no update was seen",
		[RS_SUBJECT_PHASE] = "no update had such a phase",
		[RS_SUBJECT_RANGE] = "no range lost its vaddr",
		[RS_SUBJECT_REQUEST] = "no such request was seen",
	};

	return names[cl->subject->kind];
}

static const char *not_ended(const struct rs_clause *cl)
{
	static const char *const names[] = {
		[RS_SUBJECT_WINDOW] = "the window had not ended with the recording",
		[RS_SUBJECT_HANDOVER] = "a hand-over had not ended with the recording",
		[RS_SUBJECT_UPDATE] = "the update had not ended with the recording",
		[RS_SUBJECT_BLACKOUT] = "an update gave no range its vaddr back",
		[RS_SUBJECT_PHASE] = "an update had not ended with the recording",
		[RS_SUBJECT_RANGE] = "a range had not got its vaddr back",
		[RS_SUBJECT_REQUEST] = "a request had not ended with the recording",
	};

	return names[cl->subject->kind];
}

/* "50us", "between 47.1us and 50.2us". */
static struct rs_clause_text range_text(const struct rs_clause *cl, struct rs_interval v,
					__u64 factor)
{
	struct rs_clause_text t;
	wide_t low = (wide_t)v.low * factor / RS_MICRO;
	wide_t high = ((wide_t)v.high * factor + RS_MICRO - 1) / RS_MICRO;
	__u64 from = low < RS_ENDLESS ? (__u64)low : RS_ENDLESS;
	__u64 to = high < RS_ENDLESS ? (__u64)high : RS_ENDLESS;

	if (from == to)
		snprintf(t.s, sizeof(t.s), "%s", value_text(cl, from, from).s);
	else if (to == RS_ENDLESS)
		snprintf(t.s, sizeof(t.s), "at least %s", value_text(cl, from, to).s);
	else
		snprintf(t.s, sizeof(t.s), "between %s and %s", value_text(cl, from, to).s,
			 value_text(cl, to, from).s);
	return t;
}

/* Too few samples in one of the recordings. Return: 0 when there are enough, 1 when it was said, or -ENOMEM */
static int explain_few(const struct rs_clause *cl, const struct rs_figure *f, const char *where,
		       char **reason)
{
	int n;

	if (f->samples >= cl->needed)
		return 0;
	if (!f->samples && f->why[0])
		n = asprintf(reason, "Nothing to measure%s: %s, and %s.", where, nothing_seen(cl),
			     f->why);
	else if (!f->samples)
		n = asprintf(reason, "Nothing to measure%s: %s.", where, nothing_seen(cl));
	else
		n = asprintf(reason, "%llu sample%s%s, and %s needs %llu.", f->samples,
			     f->samples == 1 ? "" : "s", where, rs_clause_stat_name(cl).s,
			     cl->needed);
	return n < 0 ? -ENOMEM : 1;
}

static int explain(const struct rs_clause *cl, const struct rs_figure *f,
		   const struct rs_figure *base, struct rs_budget_view *v)
{
	const char *op = rs_compare_name(cl->compare), *holds;
	__u64 limit = shown_limit(cl, base);
	int n;

	if (v->verdict == RS_VIOLATED) {
		n = asprintf(&v->reason, "%s is %s, not %s %s.", rs_clause_stat_name(cl).s,
			     value_text(cl, f->measured, limit).s, op, limit_text(cl, limit).s);
		goto out;
	}
	n = explain_few(cl, f, "", &v->reason);
	if (!n && cl->ratio)
		n = explain_few(cl, base, " in the base recording", &v->reason);
	if (n)
		goto out;
	holds = compare(widen_interval(exactly(f->measured), RS_MICRO), cl->compare,
			limit_of(cl, exactly(base->measured))) == RS_PASS
			? "holds"
			: "does not hold";
	if (f->why[0])
		n = asprintf(&v->reason, "It %s for what was recorded, but %s.", holds, f->why);
	else if (f->open)
		n = asprintf(&v->reason, "It %s so far, but %s.", holds, not_ended(cl));
	else if (cl->ratio && base->why[0])
		n = asprintf(&v->reason, "It %s for what was recorded, but of the base: %s.", holds,
			     base->why);
	else if (cl->ratio && base->open)
		n = asprintf(&v->reason, "It %s so far, but in the base recording %s.", holds,
			     not_ended(cl));
	else
		n = asprintf(&v->reason, "Too close to tell: %s is %s, the limit %s.",
			     rs_clause_stat_name(cl).s, range_text(cl, f->bounds, RS_MICRO).s,
			     cl->ratio ? range_text(cl, base->bounds, cl->limit).s
				       : limit_text(cl, limit).s);
out:
	if (n < 0)
		v->reason = NULL;
	return n < 0 ? -ENOMEM : 0;
}

/* A difference of kernel, mode or --verify is worth knowing, and the reader's to weigh. */
static int note_base(const struct rs_result *r, const struct rs_result *base,
		     struct rs_budget_view *v)
{
	const char *here = r->kernel ? r->kernel : "unknown";
	const char *there = base->kernel ? base->kernel : "unknown";
	char text[384] = "";
	size_t n = 0;

	if (strcmp(here, there))
		n += (size_t)snprintf(text, sizeof(text), ", Linux %.64s, not %.64s", there, here);
	if (r->mode != base->mode)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ", mode %s, not %s",
				      rs_mode_name(base->mode), rs_mode_name(r->mode));
	if (r->verify != base->verify)
		snprintf(text + n, sizeof(text) - n, ", verify %s, not %s",
			 rs_verify_name(base->verify), rs_verify_name(r->verify));
	if (text[0] && asprintf(&v->note, "The base was recorded otherwise: %s.", text + 2) < 0) {
		v->note = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int judge_base(const struct rs_clause *cl, const struct rs_result *r,
		      const struct rs_result *base, struct rs_figure *f, struct rs_budget_view *v)
{
	int err;

	*f = (struct rs_figure){ .bounds = { 0, RS_ENDLESS } };
	if (!cl->ratio)
		return 0;
	if (!base) {
		snprintf(f->why, sizeof(f->why), "no base recording was given");
		return 0;
	}
	err = rs_figure_of(base, cl, f);
	if (err)
		return err;
	v->base_samples = f->samples;
	v->base = strdup(f->samples || !cl->needed ? value_text(cl, f->measured, f->measured).s
						   : "nothing");
	return v->base ? note_base(r, base, v) : -ENOMEM;
}

static int judge(const struct rs_budget *b, const struct rs_clause *cl, const struct rs_result *r,
		 struct rs_budget_view *v)
{
	struct rs_figure f, base;
	int err;

	v->text = strdup(cl->text);
	if (asprintf(&v->where, "%s:%u", b->name, cl->line) < 0)
		v->where = NULL;
	if (!v->text || !v->where)
		return -ENOMEM;
	err = rs_figure_of(r, cl, &f);
	if (!err)
		err = judge_base(cl, r, b->base, &base, v);
	if (err)
		return err;

	v->samples = f.samples;
	v->needed = cl->needed;
	v->verdict = RS_UNKNOWN;
	if (f.samples >= cl->needed && (!cl->ratio || base.samples >= cl->needed))
		v->verdict = compare(widen_interval(f.bounds, RS_MICRO), cl->compare,
				     limit_of(cl, base.bounds));
	if (f.samples || !cl->needed) {
		v->measured = strdup(value_text(cl, f.measured, shown_limit(cl, &base)).s);
		if (!v->measured)
			return -ENOMEM;
	}
	return v->verdict == RS_PASS ? 0 : explain(cl, &f, &base, v);
}

int rs_budget_judge(const struct rs_budget *b, struct rs_result *r)
{
	struct rs_budget_view *grown;
	int err = 0;

	if (!b->nr)
		return 0;
	grown = reallocarray(r->budget, r->nr_budgets + b->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->budget = grown;
	for (size_t i = 0; i < b->nr && !err; i++) {
		struct rs_budget_view *v = &r->budget[r->nr_budgets++];

		memset(v, 0, sizeof(*v));
		err = judge(b, &b->clause[i], r, v);
	}
	return err;
}
