// SPDX-License-Identifier: GPL-2.0-only
/* Histograms, and the numbers that are printed of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "remapscope/kstat.h"
#include "stats/hist.h"
#include "stats/units.h"

static struct rs_hist *hist_new(void)
{
	struct rs_hist *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	return h;
}

static __u64 next_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void empty(void **state)
{
	struct rs_hist *h = hist_new();

	(void)state;
	assert_int_equal(rs_hist_quantile(h, 0.5), 0);
	assert_true(rs_hist_mean(h) == 0);
	rs_hist_merge(h, h);
	assert_int_equal(h->count, 0);
	free(h);
}

static void small_values_are_exact(void **state)
{
	struct rs_hist *h = hist_new();

	(void)state;
	for (int i = 0; i < 10; i++)
		rs_hist_add(h, i);
	assert_int_equal(h->min, 0);
	assert_int_equal(h->max, 9);
	assert_int_equal(h->sum, 45);
	assert_true(rs_hist_mean(h) == 4.5);
	/* 0.9 and its like are not exact in binary: the rank must be right all the same. */
	assert_int_equal(rs_hist_quantile(h, 0.1), 0);
	assert_int_equal(rs_hist_quantile(h, 0.5), 4);
	assert_int_equal(rs_hist_quantile(h, 0.9), 8);
	assert_int_equal(rs_hist_quantile(h, 0.95), 9);
	assert_int_equal(rs_hist_quantile(h, 1), 9);
	for (int i = 10; i < 100; i++)
		rs_hist_add(h, i);
	assert_int_equal(rs_hist_quantile(h, 0.07), 6);
	free(h);
}

/* A single value is its own every quantile, from one end of the range to the other. */
static void one_value(void **state)
{
	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		for (int d = -1; d <= 1; d++) {
			__u64 v = (1ULL << bit) + (__u64)d;
			struct rs_hist *h = hist_new();

			rs_hist_add(h, v);
			assert_true(rs_hist_quantile(h, 0.01) == v);
			assert_true(rs_hist_quantile(h, 1) == v);
			free(h);
		}
	}
}

static void extremes(void **state)
{
	struct rs_hist *h = hist_new();

	(void)state;
	rs_hist_add(h, 0);
	rs_hist_add(h, UINT64_MAX);
	assert_int_equal(h->bucket[0], 1);
	assert_int_equal(h->bucket[RS_HIST_BUCKETS - 1], 1);
	assert_true(rs_hist_quantile(h, 0.5) == 0);
	assert_true(rs_hist_quantile(h, 0.51) == UINT64_MAX);
	free(h);
}

static int by_value(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

/* Against sorting: never too small, and too large by 1/16 at most. */
static void against_sorting(void **state)
{
	static const double q[] = { 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1 };
	static const size_t permille[] = { 10, 250, 500, 900, 950, 990, 999, 1000 };
	static __u64 v[4000];
	__u64 seed = 88172645463325252ULL;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct rs_hist *h = hist_new();
		size_t n = 1000 * (1 + round % 4);
		__u64 low, high;

		for (size_t i = 0; i < n; i++) {
			v[i] = next_random(&seed) >> (next_random(&seed) % 64);
			rs_hist_add(h, v[i]);
		}
		qsort(v, n, sizeof(v[0]), by_value);
		assert_true(h->min == v[0] && h->max == v[n - 1] && h->count == n);
		for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
			__u64 exact = v[n * permille[i] / 1000 - 1];
			__u64 got = rs_hist_quantile(h, q[i]);

			assert_true(got >= exact);
			assert_true(got - exact <= exact / 16);
			rs_hist_at(h, n * permille[i] / 1000, &low, &high);
			assert_true(low <= exact && high == got);
		}
		free(h);
	}
}

static void merge_is_add(void **state)
{
	struct rs_hist *a = hist_new(), *b = hist_new(), *both = hist_new();
	__u64 seed = 42;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		__u64 v = next_random(&seed) >> (i % 60);

		rs_hist_add(i % 3 ? a : b, v);
		rs_hist_add(both, v);
	}
	rs_hist_merge(a, b);
	assert_memory_equal(a, both, sizeof(*a));

	memset(b, 0, sizeof(*b));
	rs_hist_merge(b, both);
	assert_memory_equal(b, both, sizeof(*b));
	free(a);
	free(b);
	free(both);
}

static void full_bucket(void **state)
{
	struct rs_hist *h = hist_new(), *more = hist_new();

	(void)state;
	rs_hist_add(h, 3);
	rs_hist_add(h, 100);
	h->bucket[3] = UINT32_MAX - 1;
	h->count = UINT32_MAX;
	rs_hist_add(h, 3);
	rs_hist_add(h, 3);
	assert_int_equal(h->bucket[3], UINT32_MAX);
	assert_true(h->count == (__u64)UINT32_MAX + 2);
	rs_hist_merge(more, h);
	rs_hist_merge(more, h);
	assert_int_equal(more->bucket[3], UINT32_MAX);
	assert_int_equal(rs_hist_quantile(more, 1), 100);
	free(h);
	free(more);
}

static void lengths(void **state)
{
	(void)state;
	assert_string_equal(rs_fmt_len(0).s, "0 ns");
	assert_string_equal(rs_fmt_len(830).s, "830 ns");
	assert_string_equal(rs_fmt_len(999).s, "999 ns");
	assert_string_equal(rs_fmt_len(1000).s, "1.00 us");
	assert_string_equal(rs_fmt_len(830000).s, "830 us");
	assert_string_equal(rs_fmt_len(999499).s, "999 us");
	assert_string_equal(rs_fmt_len(999500).s, "1.00 ms");
	assert_string_equal(rs_fmt_len(9994999).s, "9.99 ms");
	assert_string_equal(rs_fmt_len(9995000).s, "10.0 ms");
	assert_string_equal(rs_fmt_len(12400000).s, "12.4 ms");
	assert_string_equal(rs_fmt_len(1030000000).s, "1.03 s");
	assert_string_equal(rs_fmt_len(1234500000000ULL).s, "1235 s");
	assert_string_equal(rs_fmt_len(UINT64_MAX).s, "18446744074 s");

	assert_string_equal(rs_fmt_len_tight(10000000).s, "10ms");
	assert_string_equal(rs_fmt_len_tight(12400000).s, "12.4ms");
	assert_string_equal(rs_fmt_len_tight(100).s, "100ns");

	assert_string_equal(rs_fmt_len_exact(0).s, "0ns");
	assert_string_equal(rs_fmt_len_exact(10000400).s, "10.0004ms");
	assert_string_equal(rs_fmt_len_exact(1000000001).s, "1.000000001s");
	assert_string_equal(rs_fmt_len_exact(60000000000ULL).s, "60s");

	assert_string_equal(rs_fmt_at(2204318999ULL, 1000000000, 6).s, "+1.204318 s");
	assert_string_equal(rs_fmt_at(1000000000, 1000000000, 3).s, "+0.000 s");
	assert_string_equal(rs_fmt_at(0, 2500000000ULL, 1).s, "-2.5 s");
	assert_string_equal(rs_fmt_at(7000000000ULL, 0, 0).s, "+7 s");
}

static void sizes(void **state)
{
	(void)state;
	assert_string_equal(rs_fmt_size(0).s, "0 bytes");
	assert_string_equal(rs_fmt_size(512).s, "512 bytes");
	assert_string_equal(rs_fmt_size(4096).s, "4 KiB");
	assert_string_equal(rs_fmt_size(0xa0000).s, "640 KiB");
	assert_string_equal(rs_fmt_size(2 << 20).s, "2 MiB");
	assert_string_equal(rs_fmt_size(0x7ff40000).s, "2047.25 MiB");
	assert_string_equal(rs_fmt_size(3ULL << 30).s, "3 GiB");
	assert_string_equal(rs_fmt_size(0x1001000).s, "16388 KiB");
	assert_string_equal(rs_fmt_size(0x123456789000ULL).s, "0x123456789000");
	assert_string_equal(rs_fmt_size(1ULL << 63).s, "0x8000000000000000");
	assert_string_equal(rs_fmt_size_about(0x123456789000ULL).s, "18.2 TiB");
	assert_string_equal(rs_fmt_size_about(0xc1234567).s, "3.02 GiB");
	assert_string_equal(rs_fmt_size_about(1ULL << 62).s, "4194304 TiB");

	assert_string_equal(rs_fmt_count(0).s, "0");
	assert_string_equal(rs_fmt_count(999).s, "999");
	assert_string_equal(rs_fmt_count(1000).s, "1,000");
	assert_string_equal(rs_fmt_count(1204318).s, "1,204,318");
	assert_string_equal(rs_fmt_count(UINT64_MAX).s, "18,446,744,073,709,551,615");

	assert_string_equal(rs_fmt_utc(1763835003123000000LL).s, "2025-11-22T18:10:03.123Z");
	assert_string_equal(rs_fmt_utc(-1).s, "1969-12-31T23:59:59.999Z");
}

/* Where the kernel counts it, from what include/remapscope/event.h says of its buckets. */
static __u32 kernel_bucket(__u64 ns)
{
	__u32 per = 1U << RS_KHIST_SUB, shift = 0;

	if (ns >> RS_KHIST_MAX_BITS)
		return RS_KHIST_BUCKETS - 1;
	while (ns >> shift >= 2 * per)
		shift++;
	return ns < per ? ns : shift * per + (ns >> shift);
}

/* The largest value of that bucket. */
static __u64 kernel_bound(__u32 bucket)
{
	__u64 v = 0;

	/* Widths double; the value grows by a bucket's width at a time. */
	for (__u32 i = 0; i <= bucket; i++)
		v += i < 2U << RS_KHIST_SUB ? 1 : 1ULL << ((i >> RS_KHIST_SUB) - 1);
	return v - 1;
}

static void from_the_kernel(void **state)
{
	static const double q[] = { 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 };
	struct rs_hist *h = hist_new(), *sum = hist_new();
	struct rs_ev_stats x = { .min = ~0ULL };
	struct rs_stat_bucket bucket[RS_KHIST_BUCKETS];
	__u64 rng = 7;

	(void)state;
	for (__u32 i = 0; i < RS_KHIST_BUCKETS; i++)
		bucket[i] = (struct rs_stat_bucket){ .nr = i };
	for (int i = 0; i < 20000; i++) {
		__u64 v = next_random(&rng);

		v >>= 24 + next_random(&rng) % 40;
		x.count++;
		x.sum += v;
		x.min = v < x.min ? v : x.min;
		x.max = v > x.max ? v : x.max;
		bucket[kernel_bucket(v)].count++;
	}
	rs_hist_from_kernel(h, &x, bucket, RS_KHIST_BUCKETS);
	assert_true(h->count == x.count && h->sum == x.sum && h->min == x.min && h->max == x.max);
	for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		__u64 seen = 0, want = x.max;

		for (__u32 b = 0; b < RS_KHIST_BUCKETS - 1; b++) {
			seen += bucket[b].count;
			if ((double)seen >= q[i] * (double)x.count * (1 - 1e-12)) {
				want = kernel_bound(b) < x.max ? kernel_bound(b) : x.max;
				break;
			}
		}
		assert_int_equal(rs_hist_quantile(h, q[i]), want);
	}
	/* Added up, they stay what they are. */
	rs_hist_merge(sum, h);
	rs_hist_merge(sum, h);
	assert_true(sum->count == 2 * x.count && sum->sum == 2 * x.sum);
	assert_int_equal(rs_hist_quantile(sum, 0.5), rs_hist_quantile(h, 0.5));
	free(h);
	free(sum);
}

/* What the BPF programs count with (include/remapscope/kstat.h), against the format's own words. */
static void kernel_counts_so(void **state)
{
	__u64 rng = 4711;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		__u64 v = next_random(&rng) >> next_random(&rng) % 64;

		assert_int_equal(rs_khist_bucket(v), kernel_bucket(v));
	}
	for (int bit = 0; bit < 64; bit++)
		for (int d = -1; d <= 1; d++)
			assert_int_equal(rs_khist_bucket((1ULL << bit) + d),
					 kernel_bucket((1ULL << bit) + d));
}

static void kernel_edges(void **state)
{
	struct rs_hist *h = hist_new();
	struct rs_ev_stats x = { .count = 1 };
	struct rs_stat_bucket one = { .count = 1 };

	(void)state;
	/* Every value alone: its bucket's bound is the maximum, which is exact. */
	for (int bit = 0; bit < 64; bit++) {
		x.sum = x.min = x.max = (1ULL << bit) + (bit ? 1 : 0);
		one.nr = kernel_bucket(x.max);
		rs_hist_from_kernel(h, &x, &one, 1);
		assert_true(rs_hist_quantile(h, 0.5) == x.max);
	}
	/* The last bucket has no end; what says that it is beyond it is taken for it. */
	x.min = 1;
	x.max = ~0ULL;
	one.nr = RS_KHIST_BUCKETS + 5;
	rs_hist_from_kernel(h, &x, &one, 1);
	assert_true(rs_hist_quantile(h, 0.5) == ~0ULL);
	/* The bounds are those of the kernel, also where ours lie closer. */
	x.max = 1000000;
	one.nr = kernel_bucket(1000);
	rs_hist_from_kernel(h, &x, &one, 1);
	assert_int_equal(rs_hist_quantile(h, 0.5), 1023);
	rs_hist_from_kernel(h, &x, NULL, 0);
	assert_int_equal(rs_hist_quantile(h, 0.5), 1000000);
	free(h);
}

/* Buckets lie side by side; a coarse one is the kernel's that holds the fine one. */
static void bucket_ranges(void **state)
{
	__u64 low, high, next = 0;

	(void)state;
	for (unsigned int i = 0; i < RS_HIST_BUCKETS; i++) {
		rs_hist_bucket_range(i, false, &low, &high);
		assert_true(low == next && high >= low);
		next = high + 1;
		rs_hist_bucket_range(i, true, &low, &high);
		assert_true(low <= next - 1 && high >= next - 1);
		assert_int_equal(rs_khist_bucket(low), rs_khist_bucket(next - 1));
		assert_int_equal(rs_khist_bucket(high), rs_khist_bucket(low));
		if (low)
			assert_int_equal(rs_khist_bucket(low - 1) + 1, rs_khist_bucket(low));
		if (high != UINT64_MAX)
			assert_int_equal(rs_khist_bucket(high + 1), rs_khist_bucket(low) + 1);
	}
	assert_true(next == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),	   cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(one_value),	   cmocka_unit_test(extremes),
		cmocka_unit_test(against_sorting), cmocka_unit_test(merge_is_add),
		cmocka_unit_test(full_bucket),	   cmocka_unit_test(lengths),
		cmocka_unit_test(sizes),	   cmocka_unit_test(from_the_kernel),
		cmocka_unit_test(kernel_edges),	   cmocka_unit_test(kernel_counts_so),
		cmocka_unit_test(bucket_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
