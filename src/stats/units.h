/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Numbers for people
 *
 * Each returns its text by value, so that a printf() can take it: printf("%s", rs_fmt_len(ns).s).
 */
#ifndef RS_STATS_UNITS_H
#define RS_STATS_UNITS_H

#include "remapscope/types.h"

/** struct rs_fmt - a short text */
struct rs_fmt {
	char s[40];
};

/** rs_fmt_len() - a length of time, three digits: "830 us", "12.4 ms", "1.03 s" */
struct rs_fmt rs_fmt_len(__u64 ns);

/** rs_fmt_len_tight() - as budgets write it: "830us", "12.4ms", "10ms" */
struct rs_fmt rs_fmt_len_tight(__u64 ns);

/** rs_fmt_len_exact() - all digits: "10.0004ms", "1.000000001s" */
struct rs_fmt rs_fmt_len_exact(__u64 ns);

/**
 * rs_fmt_at() - a time relative to @origin: "+1.204 s"
 * @digits: after the point, 0 to 9; what is beyond is cut off
 */
struct rs_fmt rs_fmt_at(__u64 ns, __u64 origin, int digits);

/** rs_fmt_size() - exactly: "2 MiB", "2047.25 MiB", or in hex when no unit fits */
struct rs_fmt rs_fmt_size(__u64 bytes);

/** rs_fmt_size_about() - the same, but rounded to three digits rather than in hex: "3.02 GiB" */
struct rs_fmt rs_fmt_size_about(__u64 bytes);

/** rs_fmt_count() - with thousands separated: "1,204,318" */
struct rs_fmt rs_fmt_count(__u64 n);

/** rs_fmt_utc() - a CLOCK_REALTIME time as ISO 8601, "2025-11-22T18:10:03.123Z" */
struct rs_fmt rs_fmt_utc(__s64 realtime_ns);

#endif /* RS_STATS_UNITS_H */
