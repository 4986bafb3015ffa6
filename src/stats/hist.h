/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Log-linear histograms of latencies
 *
 * 16 linear buckets per power of two: a percentile is at most 1/16 (6.25 %) too large, at any size,
 * in a fixed amount of memory. Minimum, maximum, sum and count are exact.
 */
#ifndef RS_STATS_HIST_H
#define RS_STATS_HIST_H

#include "remapscope/event.h"

#define RS_HIST_SUB	4 /* log2 of the buckets per power of two */
#define RS_HIST_BUCKETS ((64 - RS_HIST_SUB + 1) << RS_HIST_SUB)

/**
 * struct rs_hist - all values are ns
 * @coarse: some were counted in the kernel's wider buckets (RS_KHIST_SUB)
 */
struct rs_hist {
	__u64 count;
	__u64 sum;
	__u64 min;
	__u64 max;
	bool coarse;
	__u32 bucket[RS_HIST_BUCKETS];
};

/** rs_hist_add() - count one value */
void rs_hist_add(struct rs_hist *h, __u64 ns);

/** rs_hist_merge() - add all of @from to @h */
void rs_hist_merge(struct rs_hist *h, const struct rs_hist *from);

/**
 * rs_hist_from_kernel() - the histogram that the kernel kept
 * @s: for its count, sum, min and max, which stay exact
 * @bucket: its buckets; one of which is wider (RS_KHIST_SUB) than ours
 * @nr: how many
 *
 * A quantile of it is a bound of the kernel's buckets.
 */
void rs_hist_from_kernel(struct rs_hist *h, const struct rs_ev_stats *s,
			 const struct rs_stat_bucket *bucket, size_t nr);

/**
 * rs_hist_quantile() - the smallest bucket bound that at least @q of the values do not exceed
 * @q: above 0, at most 1
 *
 * Never above the maximum nor below the minimum seen. Return: ns, 0 when empty
 */
__u64 rs_hist_quantile(const struct rs_hist *h, double q);

/**
 * rs_hist_at() - what is known of the @rank-th smallest value
 * @rank: 1 to the count
 * @low: the least that it can be; 0 when empty
 * @high: the greatest
 */
void rs_hist_at(const struct rs_hist *h, __u64 rank, __u64 *low, __u64 *high);

/**
 * rs_hist_bucket_range() - the values that bucket @i stands for
 * @coarse: the histogram holds values of the kernel's buckets
 * @low: the smallest
 * @high: the largest
 */
void rs_hist_bucket_range(unsigned int i, bool coarse, __u64 *low, __u64 *high);

/** rs_hist_mean() - Return: ns, 0 when empty */
double rs_hist_mean(const struct rs_hist *h);

#endif /* RS_STATS_HIST_H */
