// SPDX-License-Identifier: GPL-2.0-only
/* The rank test: against tables, against all permutations, and under simulation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "stats/rank.h"

#define SAMPLES_MAX 512

static __u64 next_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Above 0, below 1. */
static double uniform(__u64 *seed)
{
	return ((double)(next_random(seed) >> 11) + 0.5) / 9007199254740992.0;
}

/* Box and Muller. */
static double normal(__u64 *seed)
{
	double r = sqrt(-2 * log(uniform(seed)));

	return r * cos(2 * M_PI * uniform(seed));
}

static int by_value(const void *a, const void *b)
{
	const struct rs_group *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

/* Pools @na values of @a and @nb of @b, and compares them. */
static struct rs_rank compare(const __u64 *a, size_t na, const __u64 *b, size_t nb)
{
	static struct rs_group g[2 * SAMPLES_MAX];
	struct rs_rank r;
	size_t nr = 0, n = 0;

	assert_true(na <= SAMPLES_MAX && nb <= SAMPLES_MAX);
	for (size_t i = 0; i < na; i++)
		g[nr++] = (struct rs_group){ a[i], 1, 0 };
	for (size_t i = 0; i < nb; i++)
		g[nr++] = (struct rs_group){ b[i], 0, 1 };
	qsort(g, nr, sizeof(g[0]), by_value);
	for (size_t i = 0; i < nr; i++) {
		if (n && g[n - 1].value == g[i].value) {
			g[n - 1].a += g[i].a;
			g[n - 1].b += g[i].b;
		} else {
			g[n++] = g[i];
		}
	}
	assert_int_equal(rs_rank_test(g, n, 0.95, &r), 0);
	assert_int_equal(r.na, na);
	assert_int_equal(r.nb, nb);
	return r;
}

static void near(double got, double want, double tolerance)
{
	if (fabs(got - want) > tolerance)
		fail_msg("got %.12g, not %.12g", got, want);
}

/* Samples without ties that have U = @u: the first begins lowest and is moved up step by step. */
static struct rs_rank with_u(size_t na, size_t nb, size_t u)
{
	__u64 a[64], b[64];
	size_t taken[128] = { 0 }, k = 0;

	assert_true(u <= na * nb);
	for (size_t i = 0; i < na; i++)
		a[i] = i;
	for (size_t i = na; i-- && u;) {
		size_t step = u < nb ? u : nb;

		a[i] += step;
		u -= step;
	}
	for (size_t i = 0; i < na; i++)
		taken[a[i]] = 1;
	for (size_t i = 0; i < na + nb; i++)
		if (!taken[i])
			b[k++] = i + 100;
	assert_int_equal(k, nb);
	for (size_t i = 0; i < na; i++)
		a[i] += 100;
	return compare(a, na, b, nb);
}

/* The largest U that is significant at 5 %, two-sided, as books on statistics print it. */
static void critical_values(void **state)
{
	static const struct {
		size_t na, nb, u;
	} table[] = {
		{ 3, 5, 0 },	{ 3, 8, 2 },	{ 4, 4, 0 },	{ 4, 6, 2 },
		{ 5, 5, 2 },	{ 5, 10, 8 },	{ 6, 6, 5 },	{ 7, 7, 8 },
		{ 8, 8, 13 },	{ 8, 12, 22 },	{ 9, 9, 17 },	{ 10, 10, 23 },
		{ 10, 20, 55 }, { 12, 12, 37 }, { 15, 15, 64 }, { 20, 20, 127 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rs_rank at = with_u(table[i].na, table[i].nb, table[i].u);
		struct rs_rank above = with_u(table[i].na, table[i].nb, table[i].u + 1);
		double pairs = (double)(table[i].na * table[i].nb);

		assert_int_equal(at.method, RS_RANK_EXACT);
		if (at.p > 0.05 || above.p <= 0.05)
			fail_msg("%zu, %zu: p is %g at %zu and %g above", table[i].na, table[i].nb,
				 at.p, table[i].u, above.p);
		near(at.superiority, 1 - (double)table[i].u / pairs, 1e-12);
	}
	/* All of one below all of the other: 2 of all ways to deal. */
	near(with_u(3, 3, 0).p, 2.0 / 20, 1e-12);
	near(with_u(4, 4, 0).p, 2.0 / 70, 1e-12);
	near(with_u(5, 5, 0).p_least, 2.0 / 252, 1e-12);
	near(with_u(5, 5, 12).p, 1, 1e-12);
}

/* Twice the midrank of @v among @nr values. */
static long twice_rank(const __u64 *v, size_t nr, __u64 x)
{
	long rank = 1;

	for (size_t i = 0; i < nr; i++)
		rank += v[i] < x ? 2 : v[i] == x ? 1 : 0;
	return rank;
}

/* By trying all ways to deal the values, with as many ties as there are. */
static void against_permutations(void **state)
{
	__u64 seed = 0x2545f4914f6cdd1dULL;

	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t na = 1 + next_random(&seed) % 6, nb = 1 + next_random(&seed) % 6;
		size_t nr = na + nb, ways = 0, as_far = 0;
		__u64 v[12], spread = 1 + next_random(&seed) % 12;
		long seen = 0, mid = (long)(na * (nr + 1)), furthest = -1;
		size_t nr_furthest = 0;
		struct rs_rank r;

		for (size_t i = 0; i < nr; i++)
			v[i] = 100 + next_random(&seed) % spread;
		for (size_t i = 0; i < na; i++)
			seen += twice_rank(v, nr, v[i]);
		for (unsigned int deal = 0; deal < 1U << nr; deal++) {
			long sum = 0, far;

			if ((size_t)__builtin_popcount(deal) != na)
				continue;
			for (size_t i = 0; i < nr; i++)
				sum += deal & 1U << i ? twice_rank(v, nr, v[i]) : 0;
			far = labs(sum - mid);
			ways++;
			as_far += far >= labs(seen - mid);
			if (far > furthest) {
				furthest = far;
				nr_furthest = 0;
			}
			nr_furthest += far == furthest;
		}
		r = compare(v, na, v + na, nb);
		assert_int_equal(r.method, RS_RANK_EXACT);
		near(r.p, (double)as_far / (double)ways, 1e-9);
		near(r.p_least, (double)nr_furthest / (double)ways, 1e-9);
	}
}

/* What both can compute they agree on: 40 and 40 values are dealt, and approximated here. */
static void approximation(void **state)
{
	size_t n = 40;

	(void)state;
	for (size_t u = 500; u <= 800; u += 25) {
		struct rs_rank r = with_u(n, n, u);
		double sd = sqrt((double)(n * n * (2 * n + 1)) / 12);
		double far = fabs((double)u - (double)(n * n) / 2) - 0.5;
		double p = far > 0 ? erfc(far / sd / sqrt(2)) : 1;

		assert_int_equal(r.method, RS_RANK_EXACT);
		near(r.p, p, 0.003);
	}
}

static void fill(__u64 *seed, __u64 *v, size_t nr, double middle, double spread)
{
	for (size_t i = 0; i < nr; i++)
		v[i] = (__u64)(middle * exp(spread * normal(seed)));
}

/* The approximation's formula, by hand: few values, each many times. */
static void approximation_with_ties(void **state)
{
	static const struct rs_group g[] = {
		{ 10, 900, 700 }, { 20, 500, 520 }, { 30, 10, 30 }, { 50, 90, 120 }, { 70, 1, 80 },
	};
	double na = 1501, nb = 1450, all = na + nb, below = 0, u = 0, ties = 0, far, sd;
	struct rs_rank r;

	(void)state;
	for (size_t i = 0; i < sizeof(g) / sizeof(g[0]); i++) {
		double a = (double)g[i].a, b = (double)g[i].b, t = a + b;

		u += b * (below + a / 2);
		below += a;
		ties += t * (t * t - 1);
	}
	sd = sqrt(na * nb / 12 * ((all + 1) - ties / (all * (all - 1))));
	far = fabs(u - na * nb / 2) - 0.5;
	assert_int_equal(rs_rank_test(g, sizeof(g) / sizeof(g[0]), 0.95, &r), 0);
	assert_int_equal(r.method, RS_RANK_NORMAL);
	near(r.superiority, u / na / nb, 1e-12);
	near(r.p / erfc(far / sd / sqrt(2)), 1, 1e-9);
}

static int by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Estimate and interval are where they should be among all quotients, sorted. */
static void among_quotients(const __u64 *a, size_t na, const __u64 *b, size_t nb, size_t c)
{
	struct rs_rank r = compare(a, na, b, nb);
	size_t nr = na * nb;
	double *q = calloc(nr, sizeof(*q));

	assert_non_null(q);
	for (size_t i = 0; i < nr; i++)
		q[i] = (double)b[i / na] / (double)a[i % na];
	qsort(q, nr, sizeof(*q), by_number);
	near(r.ratio / sqrt(q[(nr - 1) / 2] * q[nr / 2]), 1, 1e-8);
	near(r.ratio_low / q[c - 1], 1, 1e-8);
	near(r.ratio_high / q[nr - c], 1, 1e-8);
	free(q);
}

static void intervals(void **state)
{
	static __u64 a[SAMPLES_MAX], b[SAMPLES_MAX];
	__u64 seed = 0x1f83d9abfb41bd6bULL;
	double sd = sqrt(200.0 * 200 * 401 / 12);

	(void)state;
	fill(&seed, a, 200, 1e9, 0.4);
	fill(&seed, b, 200, 1.1e9, 0.4);
	/* One above the largest U that the tables have for 5 %. */
	among_quotients(a, 5, b, 5, 2 + 1);
	among_quotients(a, 6, b, 6, 5 + 1);
	among_quotients(a, 8, b, 12, 22 + 1);
	among_quotients(a, 20, b, 10, 55 + 1);
	among_quotients(a, 20, b, 20, 127 + 1);
	among_quotients(a, 200, b, 200,
			(size_t)floor(200 * 200 / 2.0 - 1.959963984540054 * sd - 0.5));
}

static void edges(void **state)
{
	static const struct rs_group one[] = { { 5, 100, 100 } };
	static const struct rs_group none[] = { { 5, 100, 0 } };
	static const struct rs_group few[] = { { 5, 1000000, 1 }, { 6, 1000000, 2 } };
	static const struct rs_group huge[] = { { 5, 4000000000ULL, 4000000000ULL },
						{ 6, 4000000000ULL, 3900000000ULL } };
	struct rs_rank r;

	(void)state;
	/* Nothing but ties. */
	assert_int_equal(rs_rank_test(one, 1, 0.95, &r), 0);
	near(r.p, 1, 1e-12);
	near(r.p_least, 1, 1e-12);
	near(r.superiority, 0.5, 1e-12);
	near(r.ratio, 1, 1e-9);
	/* A sample is missing. */
	assert_int_equal(rs_rank_test(none, 1, 0.95, &r), 0);
	assert_int_equal(r.method, RS_RANK_NONE);
	assert_int_equal(rs_rank_test(none, 0, 0.95, &r), 0);
	assert_int_equal(r.method, RS_RANK_NONE);
	/* Three beside two millions are too few for the approximation. */
	assert_int_equal(rs_rank_test(few, 2, 0.95, &r), 0);
	assert_int_equal(r.method, RS_RANK_NONE);
	assert_int_equal(r.na, 2000000);
	assert_false(isfinite(r.ratio_high));
	assert_int_equal(rs_rank_test(huge, 2, 0.95, &r), 0);
	assert_int_equal(r.method, RS_RANK_NORMAL);
	assert_true(r.p < 1e-9);
}

/* Of samples of one population, with ties, a share p has a p-value of at most p. */
static void null_is_kept(void **state)
{
	static const struct {
		size_t na, nb;
		int rounds;
		enum rs_rank_method method;
		double middle;	    /* small ones make ties */
		double least, most; /* of 5 % */
	} cases[] = {
		{ 12, 9, 4000, RS_RANK_EXACT, 1e6, 0.037, 0.060 },
		{ 5, 7, 4000, RS_RANK_EXACT, 20, 0.020, 0.060 },
		{ 300, 250, 1000, RS_RANK_NORMAL, 1e6, 0.030, 0.070 },
		{ 300, 250, 1000, RS_RANK_NORMAL, 10, 0.030, 0.070 },
	};
	static __u64 a[SAMPLES_MAX], b[SAMPLES_MAX];
	__u64 seed = 0x853c49e6748fea9bULL;

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		int below = 0, half = 0;

		for (int i = 0; i < cases[c].rounds; i++) {
			struct rs_rank r;

			fill(&seed, a, cases[c].na, cases[c].middle, 0.3);
			fill(&seed, b, cases[c].nb, cases[c].middle, 0.3);
			r = compare(a, cases[c].na, b, cases[c].nb);
			assert_int_equal(r.method, cases[c].method);
			assert_true(r.p >= r.p_least - 1e-12);
			below += r.p <= 0.05;
			half += r.p <= 0.5;
		}
		if (below < cases[c].least * cases[c].rounds ||
		    below > cases[c].most * cases[c].rounds)
			fail_msg("case %zu: %d of %d below 0.05", c, below, cases[c].rounds);
		if (half < 0.40 * cases[c].rounds || half > 0.54 * cases[c].rounds)
			fail_msg("case %zu: %d of %d below 0.5", c, half, cases[c].rounds);
	}
}

/* A known factor is found: by the test, by the estimate, and within the interval as often as it says. */
static void known_factor(void **state)
{
	static __u64 a[SAMPLES_MAX], b[SAMPLES_MAX];
	__u64 seed = 0xda3e39cb94b95bdbULL;
	int found = 0, inside = 0, rounds = 1000;
	double sum = 0;

	(void)state;
	for (int i = 0; i < rounds; i++) {
		struct rs_rank r;

		fill(&seed, a, 10, 1e6, 0.15);
		fill(&seed, b, 12, 1.5e6, 0.15);
		r = compare(a, 10, b, 12);
		assert_true(r.ratio_low <= r.ratio && r.ratio <= r.ratio_high);
		found += r.p <= 0.05;
		inside += r.ratio_low <= 1.5 && r.ratio_high >= 1.5;
		sum += log(r.ratio);
	}
	assert_in_range(found, 990, rounds);
	assert_in_range(inside, 930, 975);
	near(exp(sum / rounds), 1.5, 0.01);
}

/* The same with so many that the approximation is taken. */
static void known_factor_of_many(void **state)
{
	static __u64 a[SAMPLES_MAX], b[SAMPLES_MAX];
	__u64 seed = 0x9e3779b97f4a7c15ULL;
	int inside = 0, rounds = 300;

	(void)state;
	for (int i = 0; i < rounds; i++) {
		struct rs_rank r;

		fill(&seed, a, 300, 1e6, 0.3);
		fill(&seed, b, 300, 1.2e6, 0.3);
		r = compare(a, 300, b, 300);
		assert_int_equal(r.method, RS_RANK_NORMAL);
		assert_true(r.p < 0.001);
		inside += r.ratio_low <= 1.2 && r.ratio_high >= 1.2;
	}
	assert_in_range(inside, rounds * 91 / 100, rounds * 99 / 100);
}

static void estimates(void **state)
{
	static const __u64 a[] = { 100, 200, 400, 800 }, b[] = { 300, 600, 1200, 2400 };
	static const __u64 c[] = { 10, 20 }, d[] = { 20, 80 }, zero[] = { 0, 0 };
	struct rs_rank r = compare(a, 4, b, 4);

	(void)state;
	near(r.ratio, 3, 1e-6);
	near(r.superiority, (16 - 3) / 16.0, 1e-12);
	/* 1, 2, 4, 8: the middle of two and four, as factors go. */
	r = compare(c, 2, d, 2);
	near(r.ratio, sqrt(2 * 4), 1e-6);
	near(r.superiority, (3 + 0.5) / 4, 1e-12);
	assert_false(isfinite(r.ratio_high));
	/* Nothing is shorter than 1 ns where factors are concerned. */
	r = compare(zero, 2, c, 2);
	near(r.ratio, sqrt(10 * 20), 1e-4);
}

static void corrections(void **state)
{
	double p[] = { 0.01, 0.011, 0.03, 0.04 }, few[] = { 0.2, 0.9 };
	static const double want[] = { 0.04, 0.04, 0.06, 0.06 };
	static const double least[] = { 0.001, 0.02, 0.03, 0.2 };
	static const double all[] = { 1e-6, 1e-5, 1e-4 };

	(void)state;
	rs_holm(p, 4);
	for (size_t i = 0; i < 4; i++)
		near(p[i], want[i], 1e-12);
	rs_holm(few, 2);
	near(few[0], 0.4, 1e-12);
	near(few[1], 0.9, 1e-12);
	/* 3 are at most 0.05, 2 at most 0.025: two can be paid for. */
	assert_int_equal(rs_tarone(least, 4, 0.05), 2);
	assert_int_equal(rs_tarone(least + 3, 1, 0.05), 0);
	assert_int_equal(rs_tarone(all, 3, 0.05), 3);
	assert_int_equal(rs_tarone(all, 0, 0.05), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(critical_values),
		cmocka_unit_test(against_permutations),
		cmocka_unit_test(approximation),
		cmocka_unit_test(approximation_with_ties),
		cmocka_unit_test(intervals),
		cmocka_unit_test(edges),
		cmocka_unit_test(null_is_kept),
		cmocka_unit_test(known_factor),
		cmocka_unit_test(known_factor_of_many),
		cmocka_unit_test(estimates),
		cmocka_unit_test(corrections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
