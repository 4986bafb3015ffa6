// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "capture/kstats.h"
#include "util/array.h"

_Static_assert(sizeof(struct rs_ev_stats) + RS_KHIST_BUCKETS * sizeof(struct rs_stat_bucket) <=
		       RS_EVENT_MAX,
	       "a full histogram fits into a record");

static void add_khist(struct rs_khist *to, const struct rs_khist *h)
{
	to->count += h->count;
	to->sum += h->sum;
	if (h->max > to->max)
		to->max = h->max;
	if (h->least > to->least)
		to->least = h->least;
	for (size_t i = 0; i < RS_KHIST_BUCKETS; i++)
		to->bucket[i] += h->bucket[i];
}

static int add_row(struct rs_kstats *k, const struct rs_stat_key *key, const struct rs_kstat *s)
{
	struct rs_kstat_row *row = NULL;

	for (size_t i = 0; i < k->nr && !row; i++)
		if (!memcmp(&k->row[i].key, key, sizeof(*key)))
			row = &k->row[i];
	if (!row) {
		row = rs_grow(k->row, k->nr, sizeof(*k->row));
		if (!row)
			return -ENOMEM;
		k->row = row;
		row += k->nr++;
		memset(row, 0, sizeof(*row));
		row->key = *key;
	}
	row->stat.requests += s->requests;
	row->stat.pages += s->pages;
	for (size_t i = 0; i < RS_LAT_NR; i++)
		add_khist(&row->stat.latency[i], &s->latency[i]);
	return 0;
}

int rs_kstats_keep(struct rs_kstats *k, const struct rs_kstat_row *rows)
{
	int err = 0;

	for (size_t i = 0; i < RS_KSTAT_ROWS && !err; i++)
		/* A row has its key before anything is counted in it. */
		if (__atomic_load_n(&rows[i].stat.requests, __ATOMIC_ACQUIRE))
			err = add_row(k, &rows[i].key, &rows[i].stat);
	return err;
}

static int write_latency(const struct rs_kstat_row *row, enum rs_latency which,
			 struct rs_ev_stats *ev, rs_event_fn fn, void *ctx)
{
	const struct rs_khist *h = &row->stat.latency[which];

	ev->key = row->key;
	ev->requests = row->stat.requests;
	ev->pages = row->stat.pages;
	ev->count = h->count;
	ev->sum = h->sum;
	ev->min = h->count ? ~h->least : 0;
	ev->max = h->max;
	ev->latency = which;
	ev->nr = 0;
	for (__u32 i = 0; i < RS_KHIST_BUCKETS; i++)
		if (h->bucket[i])
			ev->bucket[ev->nr++] =
				(struct rs_stat_bucket){ .nr = i, .count = h->bucket[i] };
	ev->h.size = sizeof(*ev) + ev->nr * sizeof(ev->bucket[0]);
	return fn(ctx, &ev->h);
}

/* Has anything been counted since the row was written last? Return: 1, 0 or -ENOMEM */
static int take_news(struct rs_kstats *k, const struct rs_kstat_row *row)
{
	struct rs_kstats_told *told = NULL;

	for (size_t i = 0; i < k->nr_told && !told; i++)
		if (!memcmp(&k->told[i].key, &row->key, sizeof(row->key)))
			told = &k->told[i];
	if (told && told->requests == row->stat.requests)
		return 0;
	if (!told) {
		told = rs_grow(k->told, k->nr_told, sizeof(*told));
		if (!told)
			return -ENOMEM;
		k->told = told;
		told += k->nr_told++;
		told->key = row->key;
	}
	told->requests = row->stat.requests;
	return 1;
}

int rs_kstats_write(struct rs_kstats *k, const struct rs_kstat_row *rows, __u16 cpu, __u32 *seq,
		    rs_event_fn fn, void *ctx)
{
	struct rs_kstats now = { 0 };
	struct rs_ev_stats *ev;
	struct timespec ts;
	int err = 0;

	ev = calloc(1, RS_EVENT_MAX);
	if (!ev)
		return -ENOMEM;
	for (size_t i = 0; i < k->nr && !err; i++)
		err = add_row(&now, &k->row[i].key, &k->row[i].stat);
	if (!err && rows)
		err = rs_kstats_keep(&now, rows);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ev->h.ts = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
	ev->h.type = RS_EV_STATS;
	ev->h.cpu = cpu;
	ev->h.flags = RS_EVF_RECORDER;
	for (size_t i = 0; i < now.nr && !err; i++) {
		int news = take_news(k, &now.row[i]);

		/* What was read while it was being counted is written once more in the end. */
		if (!news && !rows)
			news = 1;
		err = news < 0 ? news : 0;
		for (int which = 0; which < RS_LAT_NR && news > 0 && !err; which++) {
			/* A row of pages only, whose requests' time is another row's, has no times. */
			if (which && !now.row[i].stat.latency[RS_LAT_TOTAL].count)
				continue;
			ev->h.seq = (*seq)++;
			err = write_latency(&now.row[i], which, ev, fn, ctx);
		}
	}
	rs_kstats_free(&now);
	free(ev);
	return err;
}

void rs_kstats_free(struct rs_kstats *k)
{
	free(k->row);
	free(k->told);
	*k = (struct rs_kstats){ 0 };
}
