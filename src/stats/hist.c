// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "stats/hist.h"

#define SUB_MASK ((1U << RS_HIST_SUB) - 1)

_Static_assert(RS_HIST_SUB >= RS_KHIST_SUB, "a kernel's bucket ends where one of ours does");

static unsigned int bucket_of(__u64 ns)
{
	unsigned int msb;

	if (ns <= SUB_MASK)
		return ns;
	msb = 63 - __builtin_clzll(ns);
	return ((msb - RS_HIST_SUB + 1) << RS_HIST_SUB) + ((ns >> (msb - RS_HIST_SUB)) & SUB_MASK);
}

/* The largest value that falls into bucket @i of 2^@sub a power of two. */
static __u64 bucket_bound(unsigned int i, unsigned int sub)
{
	unsigned int mask = (1U << sub) - 1, shift;
	__u64 low;

	if (i <= mask)
		return i;
	shift = (i >> sub) - 1;
	low = (__u64)(mask + 1 + (i & mask)) << shift;
	return low + ((1ULL << shift) - 1);
}

/* A full bucket stays full: the count is exact, and a quantile then errs towards the maximum. */
static void bucket_add(__u32 *bucket, __u32 n)
{
	if (__builtin_add_overflow(*bucket, n, bucket))
		*bucket = ~0U;
}

void rs_hist_add(struct rs_hist *h, __u64 ns)
{
	if (!h->count || ns < h->min)
		h->min = ns;
	if (!h->count || ns > h->max)
		h->max = ns;
	h->count++;
	h->sum += ns;
	bucket_add(&h->bucket[bucket_of(ns)], 1);
}

void rs_hist_merge(struct rs_hist *h, const struct rs_hist *from)
{
	if (!from->count)
		return;
	if (!h->count || from->min < h->min)
		h->min = from->min;
	if (!h->count || from->max > h->max)
		h->max = from->max;
	h->count += from->count;
	h->sum += from->sum;
	h->coarse |= from->coarse;
	for (unsigned int i = 0; i < RS_HIST_BUCKETS; i++)
		bucket_add(&h->bucket[i], from->bucket[i]);
}

void rs_hist_from_kernel(struct rs_hist *h, const struct rs_ev_stats *s,
			 const struct rs_stat_bucket *bucket, size_t nr)
{
	memset(h, 0, sizeof(*h));
	h->count = s->count;
	h->sum = s->sum;
	h->min = s->min;
	h->max = s->max;
	h->coarse = true;
	for (size_t i = 0; i < nr; i++) {
		/* The last one has no end: what is in it is at most the maximum. */
		__u64 bound = bucket[i].nr < RS_KHIST_BUCKETS - 1
				      ? bucket_bound(bucket[i].nr, RS_KHIST_SUB)
				      : ~0ULL;

		bucket_add(&h->bucket[bucket_of(bound)], bucket[i].count);
	}
}

/* ceil(q * n), at least 1; q's own rounding must not cost a whole sample (0.07 * 100 is 7, not 8). */
static __u64 rank_of(double q, __u64 n)
{
	double r = q * (double)n * (1 - 1e-12);
	__u64 rank = (__u64)r;

	if ((double)rank < r)
		rank++;
	if (!rank)
		rank = 1;
	return rank < n ? rank : n;
}

/* Where the kernel's last bucket begins: it has no end. */
#define LAST_KERNEL_BUCKET \
	((2ULL * (1U << RS_KHIST_SUB) - 1) << (RS_KHIST_MAX_BITS - RS_KHIST_SUB - 1))

void rs_hist_bucket_range(unsigned int i, bool coarse, __u64 *low, __u64 *high)
{
	__u64 bound = bucket_bound(i, RS_HIST_SUB);
	unsigned int shift;

	if (!coarse) {
		*low = i ? bucket_bound(i - 1, RS_HIST_SUB) + 1 : 0;
		*high = bound;
		return;
	}
	if (bound < 1U << RS_KHIST_SUB) {
		*low = *high = bound;
		return;
	}
	shift = 63 - __builtin_clzll(bound) - RS_KHIST_SUB;
	*low = bound >> shift << shift;
	*high = *low + (1ULL << shift) - 1;
	if (*low >= LAST_KERNEL_BUCKET) {
		*low = LAST_KERNEL_BUCKET;
		*high = ~0ULL;
	}
}

static __u64 within(const struct rs_hist *h, __u64 v)
{
	if (v < h->min)
		return h->min;
	return v < h->max ? v : h->max;
}

void rs_hist_at(const struct rs_hist *h, __u64 rank, __u64 *low, __u64 *high)
{
	__u64 seen = 0, from, to;

	*low = h->min;
	*high = h->max;
	for (unsigned int i = 0; i < RS_HIST_BUCKETS && h->count; i++) {
		seen += h->bucket[i];
		if (seen < rank)
			continue;
		rs_hist_bucket_range(i, h->coarse, &from, &to);
		*low = within(h, from);
		*high = within(h, bucket_bound(i, RS_HIST_SUB));
		return;
	}
}

__u64 rs_hist_quantile(const struct rs_hist *h, double q)
{
	__u64 low, high;

	rs_hist_at(h, rank_of(q, h->count), &low, &high);
	return high;
}

double rs_hist_mean(const struct rs_hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}
