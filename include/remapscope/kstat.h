/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Statistics that the BPF programs keep
 *
 * Not part of the trace format: the recorder turns them into RS_EV_STATS records.
 */
#ifndef REMAPSCOPE_KSTAT_H
#define REMAPSCOPE_KSTAT_H

#include "remapscope/event.h"

/**
 * struct rs_khist - latencies, ns; all zero is empty
 * @least: the complement of the smallest
 */
struct rs_khist {
	__u64 count;
	__u64 sum;
	__u64 max;
	__u64 least;
	__u32 bucket[RS_KHIST_BUCKETS];
};

/** struct rs_kstat - what is kept per &struct rs_stat_key */
struct rs_kstat {
	__u64 requests;
	__u64 pages;
	struct rs_khist latency[RS_LAT_NR];
};

/**
 * struct rs_kstat_row - a key and what was counted for it
 *
 * Rows without requests are not in use.
 */
struct rs_kstat_row {
	struct rs_stat_key key;
	struct rs_kstat stat;
};

#define RS_KSTAT_ROWS 1024

/** rs_khist_bucket() - where a latency is counted; always below RS_KHIST_BUCKETS */
static inline __attribute__((always_inline)) __u32 rs_khist_bucket(__u64 ns)
{
	__u32 msb = 0, shift;
	__u64 v = ns;

	if (ns >> RS_KHIST_MAX_BITS)
		return RS_KHIST_BUCKETS - 1;
	if (ns < 1U << RS_KHIST_SUB)
		return ns;
	if (v >> 32) {
		v >>= 32;
		msb += 32;
	}
	if (v >> 16) {
		v >>= 16;
		msb += 16;
	}
	if (v >> 8) {
		v >>= 8;
		msb += 8;
	}
	if (v >> 4) {
		v >>= 4;
		msb += 4;
	}
	if (v >> 2) {
		v >>= 2;
		msb += 2;
	}
	msb += v >> 1;
	shift = msb - RS_KHIST_SUB;
	return ((shift + 1) << RS_KHIST_SUB) + ((ns >> shift) & ((1U << RS_KHIST_SUB) - 1));
}

#endif /* REMAPSCOPE_KSTAT_H */
