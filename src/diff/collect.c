// SPDX-License-Identifier: GPL-2.0-only
#include "diff/collect.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Times of one kind in one recording. */
struct spans {
	__u64 *v;
	size_t nr;
	__u64 doubtful; /* left out: a loss may have moved an end */
};

/* Takes the spans of @r: @which is a phase's name, or NULL. */
typedef int (*spans_fn)(const struct rs_result *r, const char *which, struct spans *s);

static int add_span(const struct rs_result *r, struct spans *s, __u32 types, __u64 from, __u64 to,
		    __u64 len)
{
	__u64 *grown;

	for (size_t i = 0; i < r->nr_losses; i++) {
		if (rs_loss_touches(&r->loss[i], types, from, to)) {
			s->doubtful++;
			return 0;
		}
	}
	grown = reallocarray(s->v, s->nr + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->v = grown;
	s->v[s->nr++] = len;
	return 0;
}

/* What had not ended has no length yet; how many there are is among the counts. */
static int window_spans(const struct rs_result *r, const char *which, struct spans *s)
{
	int err = 0;

	(void)which;
	for (size_t i = 0; i < r->nr_windows && !err; i++) {
		const struct rs_window_view *w = &r->window[i];

		if (w->close_ns)
			err = add_span(r, s, rs_window_types(), w->open_ns, w->close_ns,
				       w->close_ns - w->open_ns);
	}
	return err;
}

static int by_value(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * The ranges of a window lose their vaddrs together: they are not samples of their own. Each window
 * gives one, the median of its ranges.
 */
static int range_spans(const struct rs_result *r, const char *which, struct spans *s)
{
	int err = 0;

	(void)which;
	for (size_t i = 0; i < r->nr_windows && !err; i++) {
		const struct rs_window_view *w = &r->window[i];
		__u64 *len = calloc(w->nr_ranges + 1, sizeof(*len));
		size_t nr = 0;

		if (!len)
			return -ENOMEM;
		for (size_t k = 0; k < w->nr_ranges; k++)
			if (w->range[k].valid_ns > w->range[k].invalid_ns)
				len[nr++] = w->range[k].valid_ns - w->range[k].invalid_ns;
		if (nr && w->close_ns) {
			qsort(len, nr, sizeof(*len), by_value);
			err = add_span(r, s, rs_window_types(), w->open_ns, w->close_ns,
				       len[(nr - 1) / 2]);
		}
		free(len);
	}
	return err;
}

static int blackout_spans(const struct rs_result *r, const char *which, struct spans *s)
{
	int err = 0;

	(void)which;
	for (size_t i = 0; i < r->nr_updates && !err; i++) {
		const struct rs_update_view *u = &r->update[i];
		__u64 begin = u->blackout_ns ? u->blackout_ns : u->start_ns;

		if (u->blackout_from)
			err = add_span(r, s, rs_blackout_types(), begin, begin + u->blackout_len,
				       u->blackout_len);
	}
	return err;
}

static int phase_spans(const struct rs_result *r, const char *which, struct spans *s)
{
	int err = 0;

	for (size_t i = 0; i < r->nr_updates; i++) {
		const struct rs_update_view *u = &r->update[i];

		for (size_t k = 0; k < u->nr_phases && u->end_ns && !err; k++)
			if (!strcmp(u->phase[k].name, which))
				err = add_span(r, s, rs_phase_types(),
					       u->blackout_ns ? u->blackout_ns : u->start_ns,
					       u->end_ns, u->phase[k].len);
	}
	return err;
}

static struct rs_pool *add_pool(struct rs_pools *p, size_t groups)
{
	struct rs_pool *grown = reallocarray(p->pool, p->nr + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	p->pool = grown;
	grown += p->nr;
	*grown = (struct rs_pool){ .group = calloc(groups + 1, sizeof(*grown->group)) };
	if (!grown->group)
		return NULL;
	p->nr++;
	return grown;
}

static int by_group(const void *a, const void *b)
{
	const struct rs_group *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

static void sort_groups(struct rs_pool *p)
{
	size_t nr = 0;

	if (p->nr)
		qsort(p->group, p->nr, sizeof(*p->group), by_group);
	for (size_t i = 0; i < p->nr; i++) {
		if (nr && p->group[nr - 1].value == p->group[i].value) {
			p->group[nr - 1].a += p->group[i].a;
			p->group[nr - 1].b += p->group[i].b;
		} else {
			p->group[nr++] = p->group[i];
		}
	}
	p->nr = nr;
}

static int pool_spans(const struct rs_result *base, const struct rs_result *now, const char *name,
		      const char *which, spans_fn take, struct rs_pools *out)
{
	struct spans a = { 0 }, b = { 0 };
	struct rs_pool *p;
	int err = take(base, which, &a);

	if (!err)
		err = take(now, which, &b);
	if (err || (!a.nr && !b.nr && !a.doubtful && !b.doubtful))
		goto out;
	err = -ENOMEM;
	p = add_pool(out, a.nr + b.nr);
	if (!p)
		goto out;
	snprintf(p->name, sizeof(p->name), "%s%s%s", name, which ? " " : "", which ? which : "");
	for (size_t i = 0; i < a.nr; i++)
		p->group[p->nr++] = (struct rs_group){ .value = a.v[i], .a = 1 };
	for (size_t i = 0; i < b.nr; i++)
		p->group[p->nr++] = (struct rs_group){ .value = b.v[i], .b = 1 };
	p->base_missing = a.doubtful;
	p->now_missing = b.doubtful;
	sort_groups(p);
	err = 0;
out:
	free(a.v);
	free(b.v);
	return err;
}

/* Requests that nobody saw may be of any row. */
static __u64 requests_missing(const struct rs_result *r)
{
	__u64 missing = 0;

	if (!r->complete)
		return UINT64_MAX;
	for (size_t i = 0; i < r->nr_losses; i++) {
		const struct rs_loss_view *l = &r->loss[i];

		if (!rs_loss_touches(l, rs_request_types(NULL), 0, UINT64_MAX))
			continue;
		if (!l->count || __builtin_add_overflow(missing, l->count, &missing))
			return UINT64_MAX;
	}
	return missing;
}

static const struct rs_request_row *same_row(const struct rs_result *r,
					     const struct rs_request_row *row)
{
	for (size_t i = 0; i < r->nr_requests; i++) {
		const struct rs_request_row *x = &r->request[i];

		if (!strcmp(x->op, row->op) && x->path == row->path && x->reason == row->reason &&
		    x->in_window == row->in_window)
			return x;
	}
	return NULL;
}

static void name_row(struct rs_pool *p, const struct rs_request_row *row)
{
	bool path = row->path != RS_PATH_NONE, reason = row->reason != RS_REASON_NONE;

	snprintf(p->name, sizeof(p->name), "%s%s%s%s%s%s", row->op, path ? " " : "",
		 path ? rs_path_name(row->path) : "", reason ? ":" : "",
		 reason ? rs_reason_name(row->reason) : "", row->in_window ? ", in window" : "");
}

static void add_buckets(struct rs_pool *p, const struct rs_hist *h, bool coarse, bool now)
{
	for (unsigned int i = 0; h && i < RS_HIST_BUCKETS; i++) {
		__u64 low, high;

		if (!h->bucket[i])
			continue;
		rs_hist_bucket_range(i, coarse, &low, &high);
		p->group[p->nr++] = (struct rs_group){
			.value = low + (high - low) / 2,
			.a = now ? 0 : h->bucket[i],
			.b = now ? h->bucket[i] : 0,
		};
	}
}

/* A request counts in the middle of its bucket; both sides in the wider ones if one has these. */
static int pool_requests(const struct rs_result *base, const struct rs_result *now,
			 const struct rs_request_row *a, const struct rs_request_row *b,
			 struct rs_pools *out)
{
	const struct rs_hist *x = a ? &a->latency[RS_LAT_TOTAL] : NULL;
	const struct rs_hist *y = b ? &b->latency[RS_LAT_TOTAL] : NULL;
	bool coarse = (x && x->coarse) || (y && y->coarse);
	struct rs_pool *p;

	if ((!x || !x->count) && (!y || !y->count))
		return 0;
	p = add_pool(out, 2 * RS_HIST_BUCKETS);
	if (!p)
		return -ENOMEM;
	name_row(p, a ? a : b);
	add_buckets(p, x, coarse, false);
	add_buckets(p, y, coarse, true);
	p->base_missing = requests_missing(base);
	p->now_missing = requests_missing(now);
	sort_groups(p);
	return 0;
}

int rs_pools_collect(const struct rs_result *base, const struct rs_result *now,
		     struct rs_pools *out)
{
	const char *phase;
	int err;

	*out = (struct rs_pools){ 0 };
	err = pool_spans(base, now, "blackout", NULL, blackout_spans, out);
	if (!err)
		err = pool_spans(base, now, "window", NULL, window_spans, out);
	if (!err)
		err = pool_spans(base, now, "range", NULL, range_spans, out);
	for (size_t i = 0; !err && (phase = rs_phase_name(i)); i++)
		err = pool_spans(base, now, "phase", phase, phase_spans, out);
	for (size_t i = 0; i < base->nr_requests && !err; i++)
		err = pool_requests(base, now, &base->request[i], same_row(now, &base->request[i]),
				    out);
	for (size_t i = 0; i < now->nr_requests && !err; i++)
		if (!same_row(base, &now->request[i]))
			err = pool_requests(base, now, NULL, &now->request[i], out);
	if (err)
		rs_pools_free(out);
	return err;
}

void rs_pools_free(struct rs_pools *p)
{
	for (size_t i = 0; i < p->nr; i++)
		free(p->pool[i].group);
	free(p->pool);
	*p = (struct rs_pools){ 0 };
}
