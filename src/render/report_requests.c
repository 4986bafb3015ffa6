// SPDX-License-Identifier: GPL-2.0-only
/* The report's requests: what they took, by path and by device, and what came before a window. */
#include "render/names.h"
#include "render/report.h"
#include "stats/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOW_SHOWN 5

#define PATH_COL  13 /* begins */
#define PAGES_COL 43 /* ends, unless a row needs more */
#define LAT_COLS  8
#define WAIT_COLS 5

/* The columns of the tables of requests; a name or number that is too long for its own moves all. */
struct columns {
	int count; /* ends */
	int pages; /* ends */
	bool p90;  /* there is room for it */
	bool wait; /* it is known */
};

static struct rs_fmt pages_of(const struct rs_request_row *row)
{
	return row->pages ? rs_fmt_count(row->pages) : (struct rs_fmt){ "-" };
}

static void widen(struct columns *c, int *pages, const struct rs_request_row *row, size_t nr)
{
	for (size_t i = 0; i < nr; i++, row++) {
		int path = (int)strlen(rs_name_path(row->path, row->reason).s);
		int count = (int)strlen(rs_fmt_count(row->requests).s);
		int n = (int)strlen(pages_of(row).s);
		int need = PATH_COL + path + 1 + count + 1 + n;

		*pages = n > *pages ? n : *pages;
		c->pages = need > c->pages ? need : c->pages;
	}
}

static struct columns columns_for(const struct rs_text *t, const struct rs_result *r)
{
	struct columns c = { .pages = PAGES_COL, .wait = rs_split_known(r) };
	int pages = (int)strlen("pages");

	widen(&c, &pages, r->request, r->nr_requests);
	for (size_t i = 0; i < r->nr_devices; i++)
		widen(&c, &pages, r->device[i].request, r->device[i].nr_requests);
	c.count = c.pages - pages - 1;
	c.p90 = c.pages + 4 * LAT_COLS + WAIT_COLS <= t->style->width;
	return c;
}

static void put_latency(struct rs_text *t, const struct columns *c, enum rs_tone tone,
			const struct rs_hist *h)
{
	const __u64 value[] = { rs_hist_quantile(h, 0.5), rs_hist_quantile(h, 0.9),
				rs_hist_quantile(h, 0.99), h->max };
	int end = c->pages;

	for (int k = 0; k < 4; k++) {
		if (k == 1 && !c->p90)
			continue;
		end += LAT_COLS;
		rs_text_right(t, tone, end, "%s", rs_fmt_len(value[k]).s);
	}
}

/* Of the requests' time, how much had passed when their own work could begin. */
static struct rs_fmt wait_share(const struct rs_hist *latency)
{
	double wait = (double)latency[RS_LAT_WAIT].sum, work = (double)latency[RS_LAT_WORK].sum;
	double percent = wait > 0 ? wait / (wait + work) * 100 : 0;
	struct rs_fmt f;

	if (percent > 0 && percent < 0.5)
		snprintf(f.s, sizeof(f.s), "<1%%");
	else if (percent < 100 && percent >= 99.5)
		snprintf(f.s, sizeof(f.s), ">99%%");
	else
		snprintf(f.s, sizeof(f.s), "%d%%", (int)(percent + 0.5));
	return f;
}

static int wait_end(const struct columns *c)
{
	return c->pages + (c->p90 ? 4 : 3) * LAT_COLS + WAIT_COLS;
}

static void put_row(struct rs_text *t, const struct rs_request_row *row, const struct columns *c)
{
	static const struct {
		enum rs_latency part;
		const char *name;
	} parts[] = { { RS_LAT_WAIT, "wait" }, { RS_LAT_WORK, "work" } };
	const struct rs_hist *h = row->latency;

	rs_text_begin(t, 2, 4);
	rs_text_keep(t, RS_TONE_PLAIN, "%s", row->op);
	rs_text_to(t, PATH_COL);
	rs_text_keep(t, row->path == RS_PATH_REFUSED ? RS_TONE_WARN : RS_TONE_PLAIN, "%s",
		     rs_name_path(row->path, row->reason).s);
	rs_text_right(t, RS_TONE_PLAIN, c->count, "%s", rs_fmt_count(row->requests).s);
	rs_text_right(t, RS_TONE_PLAIN, c->pages, "%s", pages_of(row).s);
	if (h[RS_LAT_TOTAL].count)
		put_latency(t, c, RS_TONE_PLAIN, &h[RS_LAT_TOTAL]);
	if (c->wait && h[RS_LAT_WAIT].count)
		rs_text_right(t, RS_TONE_PLAIN, wait_end(c), "%s", wait_share(h).s);
	rs_text_end(t);
	for (size_t i = 0; t->style->verbose && c->wait && i < sizeof(parts) / sizeof(parts[0]);
	     i++) {
		if (!h[parts[i].part].count)
			continue;
		rs_text_begin(t, PATH_COL + 2, PATH_COL + 4);
		rs_text_keep(t, RS_TONE_DIM, "%s", parts[i].name);
		put_latency(t, c, RS_TONE_DIM, &h[parts[i].part]);
		rs_text_end(t);
	}
}

static void put_rows(struct rs_text *t, const struct rs_request_row *row, size_t nr,
		     const struct columns *c, bool in_window)
{
	bool headed = false;

	for (size_t i = 0; i < nr; i++) {
		if (row[i].in_window != in_window)
			continue;
		if (!headed) {
			rs_text_begin(t, 2, 4);
			rs_text_put(t, RS_TONE_DIM,
				    in_window ? "inside windows" : "outside windows");
			rs_text_end(t);
			headed = true;
		}
		put_row(t, &row[i], c);
	}
}

static void put_table_head(struct rs_text *t, const char *heading, const struct columns *c)
{
	static const char *const heads[] = { "p50", "p90", "p99", "max" };
	int end = c->pages;

	fputc('\n', t->out);
	rs_text_begin(t, 0, 4);
	rs_text_put(t, RS_TONE_HEAD, "%s", heading);
	rs_text_to(t, PATH_COL);
	rs_text_keep(t, RS_TONE_DIM, "path");
	rs_text_right(t, RS_TONE_DIM, c->count, "count");
	rs_text_right(t, RS_TONE_DIM, c->pages, "pages");
	for (int k = 0; k < 4; k++) {
		if (k == 1 && !c->p90)
			continue;
		end += LAT_COLS;
		rs_text_right(t, RS_TONE_DIM, end, "%s", heads[k]);
	}
	if (c->wait)
		rs_text_right(t, RS_TONE_DIM, wait_end(c), "wait");
	rs_text_end(t);
}

static void put_requests(struct rs_text *t, const struct rs_result *r, const struct columns *c)
{
	if (!r->nr_requests)
		return;
	put_table_head(t, "REQUESTS", c);
	put_rows(t, r->request, r->nr_requests, c, true);
	put_rows(t, r->request, r->nr_requests, c, false);
}

/* One device says no more than all requests do. */
static void put_devices(struct rs_text *t, const struct rs_result *r, const struct columns *c)
{
	if (!r->nr_devices || (r->nr_devices == 1 && !t->style->verbose))
		return;
	put_table_head(t, "DEVICES", c);
	for (size_t i = 0; i < r->nr_devices; i++) {
		const struct rs_device_view *d = &r->device[i];

		rs_text_begin(t, 2, 6);
		rs_text_keep(t, RS_TONE_HEAD, "d%u", d->id);
		rs_text_keep(t, RS_TONE_HEAD, " %s,", rs_name_device(d).s);
		if (d->group_id >= 0)
			rs_text_keep(t, RS_TONE_PLAIN, " group %d,", d->group_id);
		if (d->container)
			rs_text_keep(t, RS_TONE_PLAIN, " c%u,", d->container);
		if (d->since_ns)
			rs_text_keep(t, RS_TONE_PLAIN, " known since %s,",
				     rs_fmt_at(d->since_ns, r->first_ns, 3).s);
		rs_text_keep(t, RS_TONE_PLAIN, " %s page%s pinned,", rs_fmt_count(d->pinned).s,
			     d->pinned == 1 ? "" : "s");
		rs_text_keep(t, RS_TONE_PLAIN, " %s unpinned", rs_fmt_count(d->unpinned).s);
		rs_text_end(t);
		put_rows(t, d->request, d->nr_requests, c, true);
		put_rows(t, d->request, d->nr_requests, c, false);
	}
}

static void put_request(struct rs_text *t, const struct rs_result *r, const struct rs_slow *s,
			int err)
{
	rs_text_keep(t, RS_TONE_PLAIN, "%s", s->op);
	if (s->path != RS_PATH_NONE)
		rs_text_keep(t, RS_TONE_PLAIN, " %s", rs_name_path(s->path, s->reason).s);
	if (err)
		rs_text_keep(t, RS_TONE_WARN, " -%s", rs_name_errno(err).s);
	if (s->size)
		rs_text_keep(t, RS_TONE_PLAIN, "  iova 0x%llx %s", s->iova.v,
			     rs_fmt_size(s->size).s);
	if (s->container)
		rs_text_keep(t, RS_TONE_PLAIN, "  c%u", s->container);
	if (s->device && r->nr_devices > 1)
		rs_text_keep(t, RS_TONE_PLAIN, "  d%u", s->device);
	rs_text_keep(t, RS_TONE_PLAIN, "  %s", rs_name_proc(&s->proc).s);
	if (s->in_window)
		rs_text_keep(t, RS_TONE_PLAIN, "  in a window");
	/* Less than a tenth is no news: there is always a lock to take. */
	if (s->wait_len && s->wait_len >= s->len / 10)
		rs_text_keep(t, RS_TONE_PLAIN, "  waited %s", rs_fmt_len(s->wait_len).s);
	rs_text_end(t);
}

static void put_slow(struct rs_text *t, const struct rs_result *r)
{
	size_t shown = r->nr_slow;

	if (!t->style->verbose && shown > SLOW_SHOWN)
		shown = SLOW_SHOWN;
	if (!shown)
		return;
	rs_report_section(t, "SLOWEST REQUESTS");
	for (size_t i = 0; i < shown; i++) {
		const struct rs_slow *s = &r->slow[i];

		rs_text_begin(t, 2, 27);
		rs_text_right(t, RS_TONE_PLAIN, 10, "%s", rs_fmt_len(s->len).s);
		rs_text_right(t, RS_TONE_DIM, 25, "%s", rs_fmt_at(s->start_ns, r->first_ns, 6).s);
		rs_text_to(t, 27);
		put_request(t, r, s, 0);
	}
}

static int by_window(const void *a, const void *b)
{
	const struct rs_flight_view *x = *(const struct rs_flight_view *const *)a;
	const struct rs_flight_view *y = *(const struct rs_flight_view *const *)b;

	if (x->handover != y->handover)
		return x->handover < y->handover ? -1 : 1;
	if (x->window != y->window)
		return x->window < y->window ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Times count from the window's begin: they are negative. */
static void put_flight(struct rs_text *t, const struct rs_result *r, const struct rs_flight_view *f,
		       __u64 origin)
{
	rs_text_begin(t, 2, 27);
	rs_text_right(t, RS_TONE_DIM, 15, "%s", rs_fmt_at(f->request.start_ns, origin, 6).s);
	rs_text_right(t, RS_TONE_PLAIN, 25, "%s", rs_fmt_len(f->request.len).s);
	rs_text_to(t, 27);
	put_request(t, r, &f->request, f->err);
}

static const struct rs_handover_view *handover(const struct rs_result *r, __u32 id)
{
	for (size_t i = 0; i < r->nr_handovers && id; i++)
		if (r->handover[i].id == id)
			return &r->handover[i];
	return NULL;
}

/* Windows of several containers can open at about the same time: each has its own. */
static int put_flights(struct rs_text *t, const struct rs_result *r)
{
	const struct rs_flight_view **f;

	if (!r->nr_flights)
		return 0;
	f = calloc(r->nr_flights, sizeof(*f));
	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < r->nr_flights; i++)
		f[i] = &r->flight[i];
	qsort(f, r->nr_flights, sizeof(*f), by_window);

	rs_report_section(t, "FLIGHT RECORDER");
	for (size_t i = 0, n; i < r->nr_flights; i += n) {
		const struct rs_window_view *w = rs_report_window(r, f[i]->window);
		const struct rs_handover_view *h = handover(r, f[i]->handover);
		__u64 origin = h ? h->start_ns : w ? w->open_ns : r->first_ns;

		for (n = 1; i + n < r->nr_flights && f[i + n]->window == f[i]->window &&
			    f[i + n]->handover == f[i]->handover;)
			n++;
		rs_text_begin(t, 2, 4);
		if (h)
			rs_text_put(t, RS_TONE_PLAIN, "before hand-over %u:", h->id);
		else
			rs_text_put(t, RS_TONE_PLAIN, "before window %u:", f[i]->window);
		rs_text_keep(t, RS_TONE_PLAIN, " %zu request%s", n, n == 1 ? "" : "s");
		if (!t->style->verbose)
			rs_text_keep(t, RS_TONE_DIM, " (shown when verbose)");
		rs_text_end(t);
		for (size_t k = i; t->style->verbose && k < i + n; k++)
			put_flight(t, r, f[k], origin);
	}
	free(f);
	return 0;
}

int rs_report_requests(struct rs_text *t, const struct rs_result *r)
{
	struct columns c = columns_for(t, r);

	put_requests(t, r, &c);
	put_devices(t, r, &c);
	put_slow(t, r);
	return put_flights(t, r);
}
