// SPDX-License-Identifier: GPL-2.0-only
/*
 * A statistic of an incomplete recording is not a number but an interval: what was lost can have been
 * anything. docs/budgets.md says the same in more words.
 */
#define _GNU_SOURCE 1
#include "budget/samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lost records that can be named; more are the same as any number. */
#define MISSING_MAX 1000000000ULL

/*
 * Times between two events are kept one by one: @low and @high the least and the greatest that each
 * can have been, @span what was seen. Requests are in a histogram. Of what nobody saw there may be
 * @missing, or any number when @unbounded. @blind: what was seen says nothing either.
 */
struct samples {
	struct rs_hist hist;
	__u64 *low;
	__u64 *high;
	__u64 *span;
	size_t nr;
	bool requests;
	__u64 missing;
	bool unbounded;
	bool blind;
	__u64 failed_remaps;
	struct rs_figure *f;
};

static void find_missing(const struct rs_result *r, const struct rs_clause *cl, struct samples *s)
{
	const char *hook = rs_missing_hook(r, cl->made_by);
	__u32 types = cl->made_by->kind == RS_SUBJECT_REQUEST ? rs_request_types(cl->made_by->op)
							      : rs_window_types();
	const struct rs_loss_view *first = NULL;
	char *why = s->f->why;
	size_t nr = 0;
	size_t len = sizeof(s->f->why);

	for (size_t i = 0; i < r->nr_losses; i++) {
		const struct rs_loss_view *l = &r->loss[i];

		if (!rs_loss_touches(l, types, 0, UINT64_MAX))
			continue;
		first = first ? first : l;
		nr++;
		if (!l->count || l->count > MISSING_MAX)
			s->unbounded = true;
		else
			s->missing += l->count;
	}
	if (s->missing > MISSING_MAX)
		s->unbounded = true;
	if (!r->complete || hook)
		s->unbounded = true;

	if (hook)
		snprintf(why, len, "%s could not be traced", hook);
	else if (!r->complete)
		snprintf(why, len, "the recording is not complete%s%s",
			 r->incomplete_reason ? ": " : "",
			 r->incomplete_reason ? r->incomplete_reason : "");
	else if (nr == 1 && first->count)
		snprintf(why, len, "the recording has a loss: %llu %s", first->count, first->what);
	else if (nr)
		snprintf(why, len, "the recording has losses: %s%s", first->what,
			 nr > 1 ? ", and more" : "");
}

/* A loss between @from and @to may have hidden an end or a beginning. */
static bool loss_overlaps(const struct rs_result *r, __u32 types, __u64 from, __u64 to)
{
	for (size_t i = 0; i < r->nr_losses; i++)
		if (rs_loss_touches(&r->loss[i], types, from, to))
			return true;
	return false;
}

/* The same of what is taken from an update's records, and is said even if that loss hides no update. */
static bool doubt(const struct rs_result *r, struct samples *s, __u32 types, __u64 from, __u64 to)
{
	char *why = s->f->why;

	for (size_t i = 0; i < r->nr_losses; i++) {
		if (!rs_loss_touches(&r->loss[i], types, from, to))
			continue;
		if (!why[0])
			snprintf(why, sizeof(s->f->why), "the recording has a loss: %s",
				 r->loss[i].what);
		return true;
	}
	return false;
}

static void put_span(struct samples *s, __u64 span, __u64 low, __u64 high)
{
	s->span[s->nr] = span;
	s->low[s->nr] = low;
	s->high[s->nr++] = high;
}

/* From @from to @to, or to the recording's end when that is 0; @types tell of both. */
static void add_span(const struct rs_result *r, struct samples *s, __u32 types, __u64 from,
		     __u64 to)
{
	__u64 end = to ? to : r->last_ns;
	__u64 len = end > from ? end - from : 0;
	bool doubtful = loss_overlaps(r, types, from, end);

	put_span(s, len, doubtful ? 0 : len, doubtful || !to ? RS_ENDLESS : len);
	if (!to)
		s->f->open = true;
}

/* Its blackout can begin before its first window. */
static __u64 begin_of(const struct rs_update_view *u)
{
	return u->blackout_ns && u->blackout_ns < u->start_ns ? u->blackout_ns : u->start_ns;
}

/* Over without having brought anything back, an update's blackout still had no end. */
static void add_blackout(const struct rs_result *r, struct samples *s,
			 const struct rs_update_view *u)
{
	__u64 end = u->end_ns ? u->end_ns : r->last_ns, len = u->blackout_len;
	bool doubtful;

	if (u->blackout_from) {
		doubtful = doubt(r, s, rs_blackout_types(), begin_of(u), begin_of(u) + len);
		put_span(s, len, doubtful ? 0 : len, doubtful ? RS_ENDLESS : len);
		return;
	}
	len = end > u->start_ns ? end - u->start_ns : 0;
	put_span(s, len, doubt(r, s, rs_blackout_types(), u->start_ns, end) ? 0 : len, RS_ENDLESS);
	s->f->open = true;
}

/* Where a phase begins and ends is taken from all of the update's events. */
static void add_phase(const struct rs_result *r, const struct rs_clause *cl, struct samples *s,
		      const struct rs_update_view *u)
{
	bool doubtful =
		doubt(r, s, rs_phase_types(), begin_of(u), u->end_ns ? u->end_ns : r->last_ns);

	for (size_t i = 0; i < u->nr_phases; i++) {
		__u64 len = u->phase[i].len;

		if (!strcmp(u->phase[i].name, cl->phase))
			put_span(s, len, doubtful ? 0 : len, doubtful ? RS_ENDLESS : len);
	}
	/* More of its phases may come. */
	if (!u->end_ns) {
		s->missing++;
		s->f->open = true;
	}
}

static int make_room(struct samples *s, size_t nr)
{
	s->low = calloc(nr + 1, sizeof(*s->low));
	s->high = calloc(nr + 1, sizeof(*s->high));
	s->span = calloc(nr + 1, sizeof(*s->span));
	return s->low && s->high && s->span ? 0 : -ENOMEM;
}

static int collect_windows(const struct rs_result *r, const struct rs_clause *cl, struct samples *s)
{
	bool ranges = cl->subject->kind == RS_SUBJECT_RANGE;
	size_t nr = r->nr_windows;
	int err;

	for (size_t i = 0; i < r->nr_windows && ranges; i++)
		nr += r->window[i].nr_ranges;
	err = make_room(s, nr);
	for (size_t i = 0; i < r->nr_windows && !err; i++) {
		const struct rs_window_view *w = &r->window[i];

		s->failed_remaps += w->failed_remaps;
		if (!ranges)
			add_span(r, s, rs_window_types(), w->open_ns, w->close_ns);
		for (size_t k = 0; k < w->nr_ranges && ranges; k++)
			add_span(r, s, rs_window_types(), w->range[k].invalid_ns,
				 w->range[k].valid_ns);
	}
	return err;
}

static int collect_updates(const struct rs_result *r, const struct rs_clause *cl, struct samples *s)
{
	int err = make_room(s, r->nr_updates * RS_PHASES_MAX);

	for (size_t i = 0; i < r->nr_updates && !err; i++) {
		const struct rs_update_view *u = &r->update[i];

		if (cl->subject->kind == RS_SUBJECT_PHASE)
			add_phase(r, cl, s, u);
		else if (cl->subject->kind == RS_SUBJECT_BLACKOUT)
			add_blackout(r, s, u);
		else
			add_span(r, s, rs_window_types(), u->start_ns, u->end_ns);
	}
	return err;
}

/* One that came to nothing is not measured: its owner's guest runs again, or there is nothing left. */
static bool handed(const struct rs_handover_view *h)
{
	return h->end == RS_HANDED_OVER || h->end == RS_HANDED_OPEN;
}

/* That the old owner's guest runs again, which would have cancelled it, only vCPUs' records say. */
static int collect_handovers(const struct rs_result *r, struct samples *s)
{
	int err = make_room(s, r->nr_handovers);

	for (size_t i = 0; i < r->nr_handovers && !err; i++)
		if (handed(&r->handover[i]))
			add_span(r, s, rs_blackout_types(), r->handover[i].start_ns,
				 r->handover[i].end_ns);
	return err;
}

static bool row_matches(const struct rs_request_row *row, const struct rs_clause *cl)
{
	if (cl->made_by->op && strcmp(cl->made_by->op, row->op))
		return false;
	if (cl->path >= 0 && row->path != (enum rs_path)cl->path)
		return false;
	if (cl->reason >= 0 && row->reason != (enum rs_reason)cl->reason)
		return false;
	switch (cl->where) {
	case RS_WHERE_INSIDE:
		return row->in_window;
	case RS_WHERE_OUTSIDE:
		return !row->in_window;
	default:
		return true;
	}
}

static void add_rows(const struct rs_clause *cl, struct samples *s,
		     const struct rs_request_row *row, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (row_matches(&row[i], cl))
			rs_hist_merge(&s->hist, &row[i].latency[cl->part]);
}

/* What begins or ends a hand-over may have been lost: then it is not known what was inside it. */
static void collect_inside(const struct rs_result *r, const struct rs_clause *cl, struct samples *s)
{
	for (size_t i = 0; i < r->nr_handovers; i++)
		add_rows(cl, s, r->handover[i].request, r->handover[i].nr_requests);
	s->blind |= doubt(r, s, rs_blackout_types(), 0, UINT64_MAX);
}

/* "3b:00.0" is "0000:3b:00.0", as people write it. */
static bool device_is(const struct rs_device_view *d, const char *name)
{
	static const char domain[] = "0000:";

	if (!strcmp(d->name, name))
		return true;
	return !strncmp(d->name, domain, strlen(domain)) && !strcmp(d->name + strlen(domain), name);
}

static void collect_device(const struct rs_result *r, const struct rs_clause *cl, struct samples *s)
{
	bool seen = false, nameless = false;

	for (size_t i = 0; i < r->nr_devices; i++) {
		nameless |= !r->device[i].name[0];
		if (!device_is(&r->device[i], cl->device))
			continue;
		seen = true;
		add_rows(cl, s, r->device[i].request, r->device[i].nr_requests);
	}
	if (nameless) {
		s->unbounded = true;
		snprintf(s->f->why, sizeof(s->f->why),
			 "the recording has a device whose name is not known");
	} else if (!seen) {
		/* A name that is misspelled must not pass for a device that asked nothing. */
		s->blind = true;
		snprintf(s->f->why, sizeof(s->f->why),
			 "the recording has no device \"%s\" that asked for anything", cl->device);
	}
}

static int collect(const struct rs_result *r, const struct rs_clause *cl, struct samples *s)
{
	switch (cl->subject->kind) {
	case RS_SUBJECT_WINDOW:
	case RS_SUBJECT_RANGE:
		return collect_windows(r, cl, s);
	case RS_SUBJECT_HANDOVER:
		return collect_handovers(r, s);
	case RS_SUBJECT_UPDATE:
	case RS_SUBJECT_BLACKOUT:
	case RS_SUBJECT_PHASE:
		return collect_updates(r, cl, s);
	case RS_SUBJECT_REQUEST:
		break;
	}
	s->requests = true;
	if (cl->device[0])
		collect_device(r, cl, s);
	else if (cl->where == RS_WHERE_HANDOVER)
		collect_inside(r, cl, s);
	else
		add_rows(cl, s, r->request, r->nr_requests);
	if (cl->part != RS_LAT_TOTAL && !rs_split_known(r)) {
		s->blind = true;
		snprintf(s->f->why, sizeof(s->f->why),
			 "the recorder did not split times into waiting and work");
	}
	return 0;
}

/* What the samples come to when those that were not seen do not exist. */
static struct rs_interval time_seen(const struct samples *s, const struct rs_clause *cl, __u64 rank)
{
	struct rs_interval v = { 0, 0 };
	unsigned __int128 low = 0, high = 0;
	size_t nr = s->nr;

	if (s->requests) {
		switch (cl->stat->kind) {
		case RS_STAT_MIN:
			return (struct rs_interval){ s->hist.min, s->hist.min };
		case RS_STAT_MAX:
			return (struct rs_interval){ s->hist.max, s->hist.max };
		case RS_STAT_QUANTILE:
			rs_hist_at(&s->hist, rank, &v.low, &v.high);
			return v;
		default:
			return (struct rs_interval){ s->hist.sum, s->hist.sum };
		}
	}
	if (!nr)
		return v;
	switch (cl->stat->kind) {
	case RS_STAT_MIN:
		return (struct rs_interval){ s->low[0], s->high[0] };
	case RS_STAT_MAX:
		return (struct rs_interval){ s->low[nr - 1], s->high[nr - 1] };
	case RS_STAT_QUANTILE:
		return (struct rs_interval){ s->low[rank - 1], s->high[rank - 1] };
	default:
		break;
	}
	for (size_t i = 0; i < nr; i++) {
		low += s->low[i];
		high += s->high[i];
	}
	v.low = low < RS_ENDLESS ? (__u64)low : RS_ENDLESS;
	v.high = high < RS_ENDLESS ? (__u64)high : RS_ENDLESS;
	return v;
}

/* ceil(q n), at least 1. */
static __u64 rank_of(const struct rs_clause *cl, __u64 n)
{
	__u64 rank = (__u64)(((unsigned __int128)n * cl->quantile + RS_QUANTILE_ONE - 1) /
			     RS_QUANTILE_ONE);

	return rank ? rank : 1;
}

static __u64 rounded(__u64 sum, __u64 n)
{
	return n && sum != RS_ENDLESS ? sum / n + (sum % n >= (n + 1) / 2) : sum;
}

/* The same with up to @missing samples more, as short and as long as can be. */
static struct rs_interval time_bounds(const struct samples *s, const struct rs_clause *cl, __u64 n)
{
	bool lost = s->missing || s->unbounded;
	struct rs_interval v, worst = { 0, RS_ENDLESS };
	__u64 rank;

	if (!n || s->blind)
		return worst;
	if (cl->stat->kind == RS_STAT_QUANTILE) {
		if (s->unbounded)
			return worst;
		rank = rank_of(cl, n + s->missing);
		v.low = rank > s->missing ? time_seen(s, cl, rank - s->missing).low : 0;
		v.high = rank <= n ? time_seen(s, cl, rank).high : RS_ENDLESS;
		return v;
	}
	v = time_seen(s, cl, 0);
	if (cl->stat->kind == RS_STAT_MIN) {
		v.low = lost ? 0 : v.low;
		return v;
	}
	if (cl->stat->kind == RS_STAT_MEAN) {
		v.low = s->unbounded ? 0 : rounded(v.low, n + s->missing);
		v.high = rounded(v.high, n);
	}
	v.high = lost ? RS_ENDLESS : v.high;
	return v;
}

static struct rs_interval count_bounds(const struct samples *s, __u64 seen)
{
	struct rs_interval v = { seen, seen + s->missing };

	if (s->unbounded || s->blind)
		v.high = RS_ENDLESS;
	return v;
}

static int by_open(const void *a, const void *b)
{
	const struct rs_window_view *x = *(const struct rs_window_view *const *)a;
	const struct rs_window_view *y = *(const struct rs_window_view *const *)b;

	return x->open_ns < y->open_ns ? -1 : x->open_ns > y->open_ns;
}

static __u64 time_inside(const struct rs_result *r)
{
	__u64 ns = 0;

	for (size_t i = 0; i < r->nr_handovers; i++) {
		const struct rs_handover_view *h = &r->handover[i];
		__u64 end = h->end_ns ? h->end_ns : r->last_ns;

		ns += end > h->start_ns ? end - h->start_ns : 0;
	}
	return ns;
}

/*
 * The time in which what is counted could happen: inside windows or hand-overs the sum of their lengths, outside
 * windows the time in which no container had one, else all that was recorded.
 */
static int time_base(const struct rs_result *r, const struct rs_clause *cl, __u64 *ns)
{
	const struct rs_window_view **w;
	__u64 inside = 0, any = 0, until = 0;

	*ns = r->last_ns > r->first_ns ? r->last_ns - r->first_ns : 0;
	if (cl->where == RS_WHERE_ANY)
		return 0;
	if (cl->where == RS_WHERE_HANDOVER) {
		*ns = time_inside(r);
		return 0;
	}
	w = calloc(r->nr_windows + 1, sizeof(const struct rs_window_view *));
	if (!w)
		return -ENOMEM;
	for (size_t i = 0; i < r->nr_windows; i++)
		w[i] = &r->window[i];
	if (r->nr_windows)
		qsort(w, r->nr_windows, sizeof(*w), by_open);
	for (size_t i = 0; i < r->nr_windows; i++) {
		__u64 from = w[i]->open_ns, to = w[i]->close_ns ? w[i]->close_ns : r->last_ns;

		inside += to > from ? to - from : 0;
		from = from > until ? from : until;
		any += to > from ? to - from : 0;
		until = to > until ? to : until;
	}
	free(w);
	if (cl->where == RS_WHERE_INSIDE)
		*ns = inside;
	else
		*ns = *ns > any ? *ns - any : 0;
	return 0;
}

static __u64 per_second(__u64 n, __u64 ns, bool up)
{
	unsigned __int128 scaled =
		(unsigned __int128)n * RS_MICRO * 1000000000ULL + (up ? ns - 1 : 0);

	if (n == RS_ENDLESS || scaled / ns > INT64_MAX)
		return RS_ENDLESS;
	return (__u64)(scaled / ns);
}

static bool any_window_doubtful(const struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_windows; i++)
		if (loss_overlaps(r, rs_window_types(), r->window[i].open_ns,
				  r->window[i].close_ns ? r->window[i].close_ns : r->last_ns))
			return true;
	return false;
}

static int measure_rate(const struct rs_result *r, const struct rs_clause *cl, struct samples *s)
{
	struct rs_figure *f = s->f;
	struct rs_interval n = count_bounds(s, f->samples);
	__u64 ns;
	int err = time_base(r, cl, &ns);

	f->bounds = (struct rs_interval){ 0, RS_ENDLESS };
	if (err)
		return err;
	if (!ns) {
		if (!f->why[0])
			snprintf(f->why, sizeof(f->why), "there was no time to count in");
		return 0;
	}
	f->measured = per_second(f->samples, ns, false);
	if (s->blind || (cl->where != RS_WHERE_ANY && any_window_doubtful(r)))
		return 0;
	f->bounds.low = per_second(n.low, ns, false);
	f->bounds.high = per_second(n.high, ns, true);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sort(__u64 *v, size_t nr)
{
	if (nr)
		qsort(v, nr, sizeof(*v), by_value);
}

static void measure_time(const struct rs_clause *cl, struct samples *s)
{
	struct rs_figure *f = s->f;
	__u64 rank = f->samples && cl->stat->kind == RS_STAT_QUANTILE ? rank_of(cl, f->samples) : 0;
	struct samples as_seen = *s;

	f->bounds = time_bounds(s, cl, f->samples);
	if (!f->samples)
		return;
	as_seen.low = as_seen.high = s->span;
	f->measured = time_seen(&as_seen, cl, rank).high;
	if (cl->stat->kind == RS_STAT_MEAN)
		f->measured = rounded(f->measured, f->samples);
}

int rs_figure_of(const struct rs_result *r, const struct rs_clause *cl, struct rs_figure *f)
{
	struct samples *s = calloc(1, sizeof(*s));
	int err;

	*f = (struct rs_figure){ 0 };
	if (!s)
		return -ENOMEM;
	s->f = f;
	find_missing(r, cl, s);
	err = collect(r, cl, s);
	if (err)
		goto out;
	f->samples = s->requests ? s->hist.count : s->nr;
	sort(s->low, s->nr);
	sort(s->high, s->nr);
	sort(s->span, s->nr);
	switch (cl->stat->kind) {
	case RS_STAT_COUNT:
		f->measured = f->samples;
		f->bounds = count_bounds(s, f->samples);
		break;
	case RS_STAT_FAILED_REMAPS:
		f->measured = s->failed_remaps;
		f->bounds = count_bounds(s, s->failed_remaps);
		break;
	case RS_STAT_RATE:
		err = measure_rate(r, cl, s);
		break;
	default:
		measure_time(cl, s);
		break;
	}
out:
	free(s->low);
	free(s->high);
	free(s->span);
	free(s);
	return err;
}
