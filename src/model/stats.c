// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel counted, outside of the ring buffer: nothing of it can be lost on the way. */
#include <errno.h>
#include <stdlib.h>
#include "model/devices.h"
#include "model/stats.h"

/* More keys than any machine has devices for; a damaged file could tell of any number. */
#define STATS_MAX 16384

struct rs_stat {
	UT_hash_handle hh;
	struct rs_stat_key key;
	__u64 told_ns;
	__u64 requests;
	__u64 pages;
	struct rs_hist *latency[RS_LAT_NR];
};

static struct rs_stat *add_stat(struct rs_model *m, const struct rs_stat_key *key)
{
	struct rs_stat *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->key = *key;
	HASH_ADD(hh, m->stats, key, sizeof(s->key), s);
	return s;
}

/* Does this version know what is counted there? */
static bool readable(const struct rs_ev_stats *x)
{
	return x->key.request > 0 && x->key.request < RS_REQ_NR && x->key.path < RS_PATH_NR &&
	       x->key.reason < RS_REASON_NR && x->latency < RS_LAT_NR;
}

int rs_stats_event(struct rs_model *m, const struct rs_event *ev)
{
	size_t nr =
		ev->size > sizeof(struct rs_ev_stats)
			? (ev->size - sizeof(struct rs_ev_stats)) / sizeof(struct rs_stat_bucket)
			: 0;
	struct rs_ev_stats x;
	struct rs_stat *s;

	rs_event_read(&x, sizeof(x), ev);
	x.key.in_window = !!x.key.in_window;
	HASH_FIND(hh, m->stats, &x.key, sizeof(x.key), s);
	if (!readable(&x) || (!s && HASH_COUNT(m->stats) >= STATS_MAX)) {
		return rs_model_gap(m, &(struct rs_gap){ .kind = RS_GAP_UNREAD,
							 .types = RS_TYPE(STATS),
							 .count = 1,
							 .to_ns = ev->ts });
	}
	if (!s)
		s = add_stat(m, &x.key);
	if (!s)
		return -ENOMEM;
	if (!s->latency[x.latency])
		s->latency[x.latency] = malloc(sizeof(struct rs_hist));
	if (!s->latency[x.latency])
		return -ENOMEM;
	s->told_ns = ev->ts;
	s->requests = x.requests;
	s->pages = x.pages;
	rs_hist_from_kernel(s->latency[x.latency], &x, ((const struct rs_ev_stats *)ev)->bucket,
			    x.nr < nr ? x.nr : nr);
	return 0;
}

static struct rs_request_row kind_of(const struct rs_stat *s)
{
	return (struct rs_request_row){
		.op = rs_request_name(s->key.request),
		.path = s->key.path,
		.reason = s->key.reason,
		.in_window = s->key.in_window,
	};
}

static int add_to_rows(struct rs_rows *rows, const struct rs_stat *s)
{
	struct rs_request_row kind = kind_of(s), *row = rs_rows_get(rows, &kind);

	if (!row)
		return -ENOMEM;
	row->requests += s->requests;
	row->pages += s->pages;
	for (size_t i = 0; i < RS_LAT_NR; i++)
		if (s->latency[i])
			rs_hist_merge(&row->latency[i], s->latency[i]);
	return 0;
}

/* The one that has the address last: the kernel's counts do not tell them apart. */
static struct rs_device *device_at(struct rs_model *m, __u64 key)
{
	for (size_t i = m->nr_devices; i-- > 0;)
		if (m->device[i]->key == key)
			return m->device[i];
	return NULL;
}

int rs_stats_take(struct rs_model *m)
{
	struct rs_stat *s, *next;
	int err = 0;

	HASH_ITER(hh, m->stats, s, next)
	{
		struct rs_device *d = NULL;

		if (!err)
			err = add_to_rows(&m->tally.rows, s);
		if (err || !s->key.device)
			continue;
		d = device_at(m, s->key.device);
		if (!d)
			d = rs_device_counted(m, s->key.device, s->told_ns);
		err = d ? add_to_rows(&d->rows, s) : -ENOMEM;
	}
	return err;
}

/* By their latencies: a request that took several paths is in several rows, but its time is in one. */
static __u64 requests_in(const struct rs_rows *rows, const struct rs_request_row *kind)
{
	const struct rs_request_row *row = rs_rows_find(rows, kind);

	return row ? row->latency[RS_LAT_TOTAL].count : 0;
}

/* What the records of such requests came to; maps belong to no device. */
static __u64 recorded(const struct rs_model *m, const struct rs_stat *s)
{
	struct rs_request_row kind = kind_of(s);
	__u64 all = requests_in(&m->tally.rows, &kind), of_devices = 0;

	for (size_t i = 0; i < m->nr_devices; i++)
		if (!s->key.device || m->device[i]->key == s->key.device)
			of_devices += requests_in(&m->device[i]->rows, &kind);
	return s->key.device ? of_devices : all - of_devices;
}

/* Which records would have told of such requests. */
static __u32 records_of(__u32 request)
{
	switch (request) {
	case RS_REQ_PIN:
	case RS_REQ_UNPIN:
	case RS_REQ_READ:
	case RS_REQ_WRITE:
		return RS_TYPE(REQUEST);
	default:
		return RS_TYPE(MAP) | RS_TYPE(UNMAP);
	}
}

/* The container that they were asked of; 0 when the device's address was in several. */
static __u32 container_of_stat(const struct rs_model *m, const struct rs_stat *s)
{
	__u32 container = 0;

	for (size_t i = 0; i < m->nr_devices; i++) {
		const struct rs_device_view *v = &m->device[i]->view;

		if (v->key != s->key.device)
			continue;
		if (!v->container || (container && v->container != container))
			return 0;
		container = v->container;
	}
	return container;
}

int rs_stats_compare(struct rs_model *m)
{
	const struct rs_stat *s;
	int err = 0;

	for (s = m->stats; s && !err; s = s->hh.next) {
		const struct rs_hist *counted = s->latency[RS_LAT_TOTAL];
		__u64 seen = recorded(m, s);

		if (counted && counted->count > seen)
			err = rs_model_gap(m,
					   &(struct rs_gap){ .kind = RS_GAP_UNRECORDED,
							     .container = container_of_stat(m, s),
							     .types = records_of(s->key.request),
							     .count = counted->count - seen,
							     .to_ns = m->last_ns });
	}
	return err;
}

void rs_stats_free(struct rs_model *m)
{
	struct rs_stat *s, *next;

	HASH_ITER(hh, m->stats, s, next)
	{
		HASH_DEL(m->stats, s);
		for (size_t i = 0; i < RS_LAT_NR; i++)
			free(s->latency[i]);
		free(s);
	}
}
