// SPDX-License-Identifier: GPL-2.0-only
/*
 * A statistic of an incomplete recording is not a number but an interval: what was lost can have been
 * anything. A clause passes when the whole interval satisfies it, is violated when none of it does,
 * and is unknown otherwise. docs/budgets.md says the same in more words.
 */
#define _GNU_SOURCE 1
#include "budget/clause.h"
#include "stats/units.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDLESS UINT64_MAX

/*
 * @low and @high hold the least and the greatest that each sample can have been. @missing samples
 * may exist that nobody saw, any number of them when @unbounded.
 */
struct samples {
	struct rs_hist low;
	struct rs_hist high;
	__u64 missing;
	bool unbounded;
	bool open; /* a window or an update had not ended */
	__u64 failed_remaps;
	char why[224]; /* samples may be missing */
};

struct interval {
	__u64 low;
	__u64 high;
};

/* Lost records that can be named; more are the same as any number. */
#define MISSING_MAX 1000000000ULL

static bool hook_missing(const struct rs_result *r, const char *function)
{
	for (size_t i = 0; i < r->nr_hooks; i++)
		if (!r->hook[i].mechanism && !strcmp(r->hook[i].function, function))
			return true;
	return false;
}

static const char *find_missing_hook(const struct rs_result *r, const struct rs_subject *s)
{
	static const char *const all[] = {
		"vfio_iommu_type1_ioctl",  "vfio_pin_pages", "vfio_iommu_type1_pin_pages",
		"vfio_unpin_pages",	   "vfio_dma_rw",    "vfio_iommu_type1_unpin_pages",
		"vfio_iommu_type1_dma_rw",
	};
	bool every = s->kind == RS_SUBJECT_REQUEST && !s->op;
	const char *const *hook = every ? all : s->hook;
	size_t nr = every ? sizeof(all) / sizeof(all[0]) : sizeof(s->hook) / sizeof(s->hook[0]);

	for (size_t i = 0; i < nr && hook[i]; i++)
		if (hook_missing(r, hook[i]))
			return hook[i];
	return NULL;
}

static void find_missing(const struct rs_result *r, const struct rs_clause *cl, struct samples *s)
{
	const char *hook = find_missing_hook(r, cl->subject);

	for (size_t i = 0; i < r->nr_losses; i++) {
		if (!r->loss[i].count || r->loss[i].count > MISSING_MAX)
			s->unbounded = true;
		else
			s->missing += r->loss[i].count;
	}
	if (s->missing > MISSING_MAX)
		s->unbounded = true;
	if (!r->complete || hook)
		s->unbounded = true;

	if (hook)
		snprintf(s->why, sizeof(s->why), "%s could not be traced", hook);
	else if (!r->complete)
		snprintf(s->why, sizeof(s->why), "the recording is not complete%s%s",
			 r->incomplete_reason ? ": " : "",
			 r->incomplete_reason ? r->incomplete_reason : "");
	else if (r->nr_losses == 1 && r->loss[0].count)
		snprintf(s->why, sizeof(s->why), "the recording has a loss: %llu %s",
			 r->loss[0].count, r->loss[0].what);
	else if (r->nr_losses)
		snprintf(s->why, sizeof(s->why), "the recording has losses: %s%s", r->loss[0].what,
			 r->nr_losses > 1 ? ", and more" : "");
}

/* A loss between @from and @to may have hidden an end or a beginning. */
static bool loss_overlaps(const struct rs_result *r, __u64 from, __u64 to)
{
	for (size_t i = 0; i < r->nr_losses; i++) {
		const struct rs_loss_view *l = &r->loss[i];

		if (!l->from_ns && !l->to_ns)
			return true;
		if (l->from_ns <= to && l->to_ns >= from)
			return true;
	}
	return false;
}

static void add_span(const struct rs_result *r, struct samples *s, __u64 from, __u64 to)
{
	__u64 end = to ? to : r->last_ns;
	__u64 len = end > from ? end - from : 0;

	if (loss_overlaps(r, from, end)) {
		rs_hist_add(&s->low, 0);
		rs_hist_add(&s->high, ENDLESS);
	} else {
		rs_hist_add(&s->low, len);
		rs_hist_add(&s->high, to ? len : ENDLESS);
	}
	if (!to)
		s->open = true;
}

static bool row_matches(const struct rs_request_row *row, const struct rs_clause *cl)
{
	if (cl->subject->op && strcmp(cl->subject->op, row->op))
		return false;
	if (cl->path >= 0 && row->path != (enum rs_path)cl->path)
		return false;
	if (cl->reason >= 0 && row->reason != (enum rs_reason)cl->reason)
		return false;
	return cl->where == RS_WHERE_ANY || row->in_window == (cl->where == RS_WHERE_INSIDE);
}

/* @plain gets the samples as they are, for what is shown. */
static void collect(const struct rs_result *r, const struct rs_clause *cl, struct samples *s,
		    struct rs_hist *plain)
{
	switch (cl->subject->kind) {
	case RS_SUBJECT_WINDOW:
		for (size_t i = 0; i < r->nr_windows; i++) {
			const struct rs_window_view *w = &r->window[i];
			__u64 end = w->close_ns ? w->close_ns : r->last_ns;

			add_span(r, s, w->open_ns, w->close_ns);
			rs_hist_add(plain, end > w->open_ns ? end - w->open_ns : 0);
			s->failed_remaps += w->failed_remaps;
		}
		break;
	case RS_SUBJECT_UPDATE:
		for (size_t i = 0; i < r->nr_updates; i++) {
			const struct rs_update_view *u = &r->update[i];
			__u64 end = u->end_ns ? u->end_ns : r->last_ns;

			add_span(r, s, u->start_ns, u->end_ns);
			rs_hist_add(plain, end > u->start_ns ? end - u->start_ns : 0);
		}
		break;
	case RS_SUBJECT_REQUEST:
		for (size_t i = 0; i < r->nr_requests; i++)
			if (row_matches(&r->request[i], cl))
				rs_hist_merge(plain, r->request[i].latency);
		rs_hist_merge(&s->low, plain);
		rs_hist_merge(&s->high, plain);
		break;
	}
}

/* The samples that nobody saw, as short and as long as can be. */
static void add_missing(struct samples *s)
{
	struct rs_hist *unseen = calloc(1, sizeof(*unseen));

	if (!unseen || s->unbounded || !s->missing) {
		/* Without memory for the exact bound, the wider one is right as well. */
		s->unbounded = s->unbounded || s->missing;
		free(unseen);
		return;
	}
	rs_hist_add(unseen, 0);
	unseen->count = s->missing;
	unseen->bucket[0] = (__u32)s->missing;
	rs_hist_merge(&s->low, unseen);

	memset(unseen, 0, sizeof(*unseen));
	rs_hist_add(unseen, ENDLESS);
	unseen->count = s->missing;
	unseen->bucket[RS_HIST_BUCKETS - 1] = (__u32)s->missing;
	rs_hist_merge(&s->high, unseen);
	free(unseen);
}

static __u64 rounded_mean(const struct rs_hist *h)
{
	if (!h->count)
		return 0;
	return h->sum / h->count + (h->sum % h->count >= (h->count + 1) / 2);
}

static __u64 stat_of(const struct rs_hist *h, const struct rs_stat *stat)
{
	switch (stat->kind) {
	case RS_STAT_MIN:
		return h->min;
	case RS_STAT_MAX:
		return h->max;
	case RS_STAT_MEAN:
		return rounded_mean(h);
	case RS_STAT_TOTAL:
		return h->sum;
	case RS_STAT_QUANTILE:
		return rs_hist_quantile(h, stat->quantile);
	case RS_STAT_COUNT:
	case RS_STAT_FAILED_REMAPS:
		break;
	}
	return h->count;
}

static struct interval bounds(const struct samples *s, const struct rs_stat *stat, __u64 seen)
{
	bool endless = s->unbounded || s->high.max == ENDLESS;
	struct interval v;

	if (stat->kind == RS_STAT_COUNT || stat->kind == RS_STAT_FAILED_REMAPS) {
		v.low = stat->kind == RS_STAT_COUNT ? seen : s->failed_remaps;
		v.high = s->unbounded ? ENDLESS : v.low + s->missing;
		return v;
	}
	v.low = stat_of(&s->low, stat);
	v.high = stat_of(&s->high, stat);
	switch (stat->kind) {
	case RS_STAT_MIN:
		v.low = s->unbounded ? 0 : v.low;
		break;
	case RS_STAT_MAX:
		v.high = endless ? ENDLESS : v.high;
		break;
	case RS_STAT_TOTAL:
		v.high = endless ? ENDLESS : v.high;
		break;
	case RS_STAT_MEAN:
		v.low = s->unbounded ? 0 : v.low;
		v.high = endless ? ENDLESS : v.high;
		break;
	default:
		v.low = s->unbounded ? 0 : v.low;
		v.high = s->unbounded ? ENDLESS : v.high;
		break;
	}
	return v;
}

static enum rs_verdict three_way(bool all, bool none)
{
	return all ? RS_PASS : none ? RS_VIOLATED : RS_UNKNOWN;
}

static enum rs_verdict compare(struct interval v, enum rs_compare op, __u64 limit)
{
	switch (op) {
	case RS_CMP_LE:
		return three_way(v.high <= limit, v.low > limit);
	case RS_CMP_LT:
		return three_way(v.high < limit, v.low >= limit);
	case RS_CMP_GE:
		return three_way(v.low >= limit, v.high < limit);
	case RS_CMP_GT:
		return three_way(v.low > limit, v.high <= limit);
	case RS_CMP_EQ:
		break;
	}
	return three_way(v.low == limit && v.high == limit, v.low > limit || v.high < limit);
}

/* "12.4ms" or "7"; all digits where three of them would not tell it from the limit. */
static struct rs_fmt value_text(const struct rs_clause *cl, __u64 v)
{
	struct rs_fmt f, limit;

	if (!cl->stat->time) {
		snprintf(f.s, sizeof(f.s), "%llu", v);
		return f;
	}
	f = rs_fmt_len_tight(v);
	limit = rs_fmt_len_tight(cl->limit);
	if (v != cl->limit && !strcmp(f.s, limit.s))
		return rs_fmt_len_exact(v);
	return f;
}

static struct rs_fmt limit_text(const struct rs_clause *cl)
{
	struct rs_fmt f;

	if (cl->stat->time)
		return rs_fmt_len_exact(cl->limit);
	snprintf(f.s, sizeof(f.s), "%llu", cl->limit);
	return f;
}

static int explain(const struct rs_clause *cl, const struct samples *s, __u64 seen, __u64 measured,
		   struct rs_budget_view *v)
{
	static const char *const nothing[] = {
		[RS_SUBJECT_WINDOW] = "no remap window was seen",
		[RS_SUBJECT_UPDATE] = "no update was seen",
		[RS_SUBJECT_REQUEST] = "no such request was seen",
	};
	const char *op = rs_compare_name(cl->compare);
	enum rs_verdict as_seen =
		compare((struct interval){ measured, measured }, cl->compare, cl->limit);
	const char *kind = cl->subject->kind == RS_SUBJECT_WINDOW ? "window" : "update";
	int n;

	if (v->verdict == RS_VIOLATED)
		n = asprintf(&v->reason, "%s is %s, not %s %s.", cl->stat->name,
			     value_text(cl, measured).s, op, limit_text(cl).s);
	else if (seen < cl->needed && !seen)
		n = asprintf(&v->reason, "Nothing to measure: %s.", nothing[cl->subject->kind]);
	else if (seen < cl->needed)
		n = asprintf(&v->reason, "%llu sample%s, and %s needs %llu.", seen,
			     seen == 1 ? "" : "s", cl->stat->name, cl->needed);
	else if (s->why[0])
		n = asprintf(&v->reason, "It %s for what was recorded, but %s.",
			     as_seen == RS_PASS ? "holds" : "does not hold", s->why);
	else
		n = asprintf(&v->reason,
			     "It %s so far, but the %s had not ended with the recording.",
			     as_seen == RS_PASS ? "holds" : "does not hold", kind);
	if (n < 0) {
		v->reason = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int judge(const struct rs_budget *b, const struct rs_clause *cl, const struct rs_result *r,
		 struct rs_budget_view *v)
{
	struct samples *s = calloc(1, sizeof(*s));
	struct rs_hist *plain = calloc(1, sizeof(*plain));
	__u64 measured;
	int err = -ENOMEM;

	v->text = strdup(cl->text);
	if (asprintf(&v->where, "%s:%u", b->name, cl->line) < 0)
		v->where = NULL;
	if (!s || !plain || !v->text || !v->where)
		goto out;

	find_missing(r, cl, s);
	collect(r, cl, s, plain);
	add_missing(s);
	measured = cl->stat->kind == RS_STAT_FAILED_REMAPS ? s->failed_remaps
							   : stat_of(plain, cl->stat);
	v->samples = plain->count;
	v->needed = cl->needed;
	v->verdict = RS_UNKNOWN;
	if (v->samples >= cl->needed)
		v->verdict = compare(bounds(s, cl->stat, v->samples), cl->compare, cl->limit);
	if (v->samples || !cl->needed) {
		v->measured = strdup(value_text(cl, measured).s);
		if (!v->measured)
			goto out;
	}
	err = v->verdict == RS_PASS ? 0 : explain(cl, s, v->samples, measured, v);
out:
	free(s);
	free(plain);
	return err;
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
