// SPDX-License-Identifier: GPL-2.0-only
/* Requests and their latencies by device, path and reason, in the map that the recorder reads. */
#include "stats.bpf.h"

static __u32 nr_rows = 0; /* of `stats` that are taken */
static const struct rs_lost none_lost;

static __always_inline void count_latency(struct rs_khist *h, __u64 ns)
{
	__u32 i = rs_khist_bucket(ns);
	__u64 seen;

	/* Other CPUs, and tasks that take this one over, count here too. */
	__sync_fetch_and_add(&h->count, 1);
	__sync_fetch_and_add(&h->sum, ns);
	/* clang 19 would compare what it has before the last bits are in, and 6.1's verifier learns nothing of i. */
	barrier_var(i);
	if (i < RS_KHIST_BUCKETS)
		__sync_fetch_and_add(&h->bucket[i], 1);
	seen = h->max;
	for (int k = 0; k < 8 && ns > seen; k++)
		seen = __sync_val_compare_and_swap(&h->max, seen, ns);
	seen = h->least;
	for (int k = 0; k < 8 && ~ns > seen; k++)
		seen = __sync_val_compare_and_swap(&h->least, seen, ~ns);
}

static __always_inline void take_row(struct rs_stat_key *key)
{
	struct rs_kstat_row *row;
	__u32 at;

	if (nr_rows >= RS_KSTAT_ROWS)
		return;
	at = __sync_fetch_and_add(&nr_rows, 1);
	row = bpf_map_lookup_elem(&stats, &at);
	if (!row)
		return;
	row->key = *key;
	/* Of two that come at once the other's stays empty. */
	bpf_map_update_elem(&stat_rows, key, &at, BPF_NOEXIST);
}

static __always_inline struct rs_kstat *stat_of(struct rs_stat_key *key)
{
	__u32 *at = bpf_map_lookup_elem(&stat_rows, key);
	struct rs_kstat_row *row = NULL;

	if (!at) {
		take_row(key);
		at = bpf_map_lookup_elem(&stat_rows, key);
	}
	if (at)
		row = bpf_map_lookup_elem(&stats, at);
	if (!row) {
		count_loss(RS_LOSS_STATS);
		return NULL;
	}
	return &row->stat;
}

int count_row(__u32 path)
{
	struct rs_task *t = this_task(false);
	struct rs_counted *c;
	struct rs_kstat *s;
	bool costly;

	if (!t || path >= RS_PATH_NR)
		return 0;
	c = &t->counted;
	costly = path == c->paths.path;
	c->key.path = path;
	c->key.reason = costly ? c->paths.reason : RS_REASON_NONE;
	s = stat_of(&c->key);
	if (!s)
		return 0;
	__sync_fetch_and_add(&s->requests, 1);
	__sync_fetch_and_add(&s->pages, c->paths.pages[path]);
	if (!costly)
		return 0;
	if (c->work < c->start || c->work > c->end)
		c->work = c->start;
	count_latency(&s->latency[RS_LAT_TOTAL], c->end - c->start);
	count_latency(&s->latency[RS_LAT_WAIT], c->work - c->start);
	count_latency(&s->latency[RS_LAT_WORK], c->end - c->work);
	return 0;
}

/* Of the stack this takes little: on 6.1 a deep one that has to say so has 512 bytes in all. */
int note_lost(__u32 type, __u64 container)
{
	struct rs_lost_key key = { .container = container, .type = type };
	struct rs_lost *l;
	__u64 now, seen;

	count_loss(RS_LOSS_RING);
	l = bpf_map_lookup_elem(&lost, &key);
	if (!l) {
		bpf_map_update_elem(&lost, &key, &none_lost, BPF_NOEXIST);
		l = bpf_map_lookup_elem(&lost, &key);
	}
	if (!l)
		return 0;
	now = bpf_ktime_get_ns();
	if (__sync_fetch_and_add(&l->count, 1) == 0)
		l->first_ns = now;
	seen = l->last_ns;
	for (int k = 0; k < 8 && now > seen; k++)
		seen = __sync_val_compare_and_swap(&l->last_ns, seen, now);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
