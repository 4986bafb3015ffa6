// SPDX-License-Identifier: GPL-2.0-only
#include "stats/rank.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* What an exact distribution may take: some tenths of a second, and 32 MiB. */
#define EXACT_STEPS 1e8
#define EXACT_CELLS 4e6

/* In the approximation the smaller sample has to have at least that many values. */
#define NORMAL_LEAST 20

/* Two-sided p-values that differ by less come of rounding. */
#define TINY 1e-9

/* The statistic of a sample is twice the sum of its ranks: whole numbers, also with ties. */
struct ranks {
	const struct rs_group *g;
	size_t nr;
	bool second; /* the smaller sample is the second one */
	__u64 n;     /* values of the smaller sample */
	__u64 all;
	double sum;   /* its statistic */
	double least; /* what that can be at least */
	double most;
	double ties; /* sum of t^3 - t */
};

const char *rs_rank_method_name(enum rs_rank_method m)
{
	static const char *const names[] = {
		[RS_RANK_NONE] = "none",
		[RS_RANK_EXACT] = "exact",
		[RS_RANK_NORMAL] = "normal",
	};

	return names[m];
}

static __u64 own(const struct ranks *r, size_t i)
{
	return r->second ? r->g[i].b : r->g[i].a;
}

/* Twice the rank that the values of a group share, when @below come before it. */
static double shared_rank(__u64 below, __u64 size)
{
	return 2.0 * (double)below + (double)size + 1;
}

static void count_ranks(struct ranks *r, __u64 na, __u64 nb)
{
	__u64 below = 0, left;

	r->second = nb < na;
	r->n = r->second ? nb : na;
	r->all = na + nb;
	left = r->n;
	for (size_t i = 0; i < r->nr; i++) {
		__u64 size = r->g[i].a + r->g[i].b, take = left < size ? left : size;
		double t = (double)size;

		r->sum += (double)own(r, i) * shared_rank(below, size);
		r->least += (double)take * shared_rank(below, size);
		r->ties += t * t * t - t;
		left -= take;
		below += size;
	}
	left = r->n;
	for (size_t i = r->nr; i-- && left;) {
		__u64 size = r->g[i].a + r->g[i].b, take = left < size ? left : size;

		below -= size;
		r->most += (double)take * shared_rank(below, size);
		left -= take;
	}
}

/* Twice the sum of ranks that is expected. */
static double middle(const struct ranks *r)
{
	return (double)r->n * ((double)r->all + 1);
}

static bool can_be_exact(const struct ranks *r)
{
	double cells = ((double)r->n + 1) * (r->most + 1), steps = 0;

	for (size_t i = 0; i < r->nr; i++)
		steps += fmin((double)(r->g[i].a + r->g[i].b), (double)r->n);
	return cells <= EXACT_CELLS && steps * cells <= EXACT_STEPS;
}

/*
 * way[k][s]: in how many ways @k values of the groups so far come to a statistic of s, of all ways to
 * take them. Group after group, at most as many values of it as it has. The numbers are scaled by
 * powers of two; only their quotients are of interest.
 */
struct ways {
	double *way;
	size_t sums; /* of a row */
	__u64 n;
};

static double *row(const struct ways *w, __u64 k)
{
	return w->way + k * w->sums;
}

static void add_group(struct ways *w, __u64 size, size_t rank)
{
	/* From the largest on: what is read has not been written yet. */
	for (__u64 k = w->n; k > 0; k--) {
		__u64 most = size < k ? size : k;
		double choose = 1;

		for (__u64 t = 1; t <= most; t++) {
			const double *from = row(w, k - t);
			double *to = row(w, k);
			size_t shift = (size_t)t * rank;

			choose *= (double)(size - t + 1) / (double)t;
			for (size_t s = shift; s < w->sums; s++)
				to[s] += from[s - shift] * choose;
		}
	}
}

/* Keeps the largest number in bounds. */
static void scale_down(struct ways *w)
{
	double most = 0;

	for (size_t i = 0; i < (w->n + 1) * w->sums; i++)
		most = fmax(most, w->way[i]);
	if (most < 1e100)
		return;
	for (size_t i = 0; i < (w->n + 1) * w->sums; i++)
		w->way[i] = ldexp(w->way[i], -300);
}

static int count_ways(const struct ranks *r, struct ways *w)
{
	__u64 below = 0;

	w->n = r->n;
	w->sums = (size_t)r->most + 1;
	w->way = calloc((w->n + 1) * w->sums, sizeof(*w->way));
	if (!w->way)
		return -ENOMEM;
	w->way[0] = 1;
	for (size_t i = 0; i < r->nr; i++) {
		__u64 size = r->g[i].a + r->g[i].b;

		add_group(w, size, (size_t)shared_rank(below, size));
		scale_down(w);
		below += size;
	}
	return 0;
}

static double exact_p(const struct ranks *r, const struct ways *w, double sum)
{
	const double *last = row(w, w->n);
	double far = fabs(sum - middle(r)), all = 0, tail = 0;

	for (size_t s = 0; s < w->sums; s++) {
		all += last[s];
		if (fabs((double)s - middle(r)) >= far)
			tail += last[s];
	}
	return fmin(1, tail / all);
}

/* Of U, half of the statistic but for a constant. */
static double deviation(const struct ranks *r)
{
	double n = (double)r->n, m = (double)(r->all - r->n), all = (double)r->all;

	if (r->all < 2)
		return 0;
	return sqrt(n * m / 12 * (all + 1 - r->ties / (all * (all - 1))));
}

static double normal_p(const struct ranks *r, double sum)
{
	double sd = deviation(r), far = fabs(sum - middle(r)) / 2 - 0.5;

	if (sd <= 0 || far <= 0)
		return 1;
	return erfc(far / sd / sqrt(2));
}

/* p of the extremes: all of one sample on one side. */
static double least_p(const struct ranks *r, const struct ways *w)
{
	double low = w ? exact_p(r, w, r->least) : normal_p(r, r->least);
	double high = w ? exact_p(r, w, r->most) : normal_p(r, r->most);

	return fmin(low, high);
}

/* How many pairs have a quotient of at most @q; both values at least 1 ns. */
static double pairs_up_to(const struct rs_group *g, size_t nr, double q, bool equal)
{
	double pairs = 0, b = 0;
	size_t k = 0;

	for (size_t i = 0; i < nr; i++) {
		double bound = q * (double)(g[i].value ? g[i].value : 1);

		for (; k < nr; k++) {
			double v = (double)(g[k].value ? g[k].value : 1);

			if (equal ? v > bound : v >= bound)
				break;
			b += (double)g[k].b;
		}
		pairs += (double)g[i].a * b;
	}
	return pairs;
}

/* The @rank-th smallest quotient of all pairs, to about nine digits. */
static double quotient_at(const struct rs_group *g, size_t nr, double rank)
{
	double low = -45, high = 45; /* natural logarithms: wider than 64 bits */

	while (high - low > 1e-10) {
		double mid = (low + high) / 2;

		if (pairs_up_to(g, nr, exp(mid), true) >= rank)
			high = mid;
		else
			low = mid;
	}
	return exp(high);
}

/*
 * The interval holds the factors that the test would not refuse: from the c-th smallest quotient to the
 * c-th largest, c - 1 being the largest U that is not exceeded with a probability of at most @level.
 */
static double quotients_outside(const struct ranks *r, const struct ways *w, double level)
{
	double floor_sum = (double)r->n * ((double)r->n + 1), all = 0, tail = 0, c = 0;
	const double *last;

	if (!w) {
		double z = 0, step = 8;

		/* The normal distribution's quantile, by halving. */
		for (; step > 1e-12; step /= 2)
			if (erfc((z + step) / sqrt(2)) / 2 >= level)
				z += step;
		return floor((double)r->n * (double)(r->all - r->n) / 2 - z * deviation(r) - 0.5);
	}
	last = row(w, w->n);
	for (size_t s = 0; s < w->sums; s++)
		all += last[s];
	for (size_t s = 0; s < w->sums; s++) {
		tail += last[s];
		if (tail / all > level + TINY)
			break;
		if (last[s] > 0)
			c = floor(((double)s - floor_sum) / 2) + 1;
	}
	return c;
}

static void measure(const struct ranks *r, const struct ways *w, double confidence,
		    struct rs_rank *out)
{
	double pairs = (double)out->na * (double)out->nb;
	double upper = quotient_at(r->g, r->nr, floor(pairs / 2) + 1), c;
	double lower = quotient_at(r->g, r->nr, ceil(pairs / 2));

	out->superiority =
		1 - (pairs_up_to(r->g, r->nr, 1, true) + pairs_up_to(r->g, r->nr, 1, false)) / 2 /
			    pairs;
	out->ratio = sqrt(lower * upper);
	out->ratio_low = 0;
	out->ratio_high = INFINITY;
	c = quotients_outside(r, w, (1 - confidence) / 2);
	if (out->method == RS_RANK_NONE || c < 1)
		return;
	out->ratio_low = quotient_at(r->g, r->nr, c);
	out->ratio_high = quotient_at(r->g, r->nr, pairs + 1 - c);
}

int rs_rank_test(const struct rs_group *g, size_t nr, double confidence, struct rs_rank *out)
{
	struct ranks r = { .g = g, .nr = nr };
	struct ways w = { 0 };
	int err;

	*out = (struct rs_rank){ .p = 1, .p_least = 1, .superiority = 0.5, .ratio = 1 };
	out->ratio_high = INFINITY;
	for (size_t i = 0; i < nr; i++) {
		out->na += g[i].a;
		out->nb += g[i].b;
	}
	if (!out->na || !out->nb)
		return 0;
	count_ranks(&r, out->na, out->nb);
	if (can_be_exact(&r)) {
		err = count_ways(&r, &w);
		if (err)
			return err;
		out->method = RS_RANK_EXACT;
		out->p = exact_p(&r, &w, r.sum);
		out->p_least = least_p(&r, &w);
	} else if (r.n >= NORMAL_LEAST) {
		out->method = RS_RANK_NORMAL;
		out->p = normal_p(&r, r.sum);
		out->p_least = least_p(&r, NULL);
	}
	measure(&r, w.way ? &w : NULL, confidence, out);
	free(w.way);
	return 0;
}

void rs_holm(double *p, size_t nr)
{
	double most = 0;

	for (size_t i = 0; i < nr; i++) {
		most = fmax(most, fmin(1, p[i] * (double)(nr - i)));
		p[i] = most;
	}
}

size_t rs_tarone(const double *p_least, size_t nr, double alpha)
{
	for (size_t k = 1; k <= nr; k++) {
		size_t can = 0;

		while (can < nr && p_least[can] <= alpha / (double)k)
			can++;
		if (can <= k)
			return can;
	}
	return nr;
}
