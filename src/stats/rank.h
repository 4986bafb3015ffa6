/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Are the values of one sample larger than those of another?
 *
 * Mann, H. B. and Whitney, D. R., "On a test of whether one of two random variables is stochastically
 * larger than the other", 1947. It compares ranks: latencies are skewed, have two humps, and a few
 * that are enormous; nothing is assumed of their distribution, and ties count half.
 *
 * The distribution of the statistic when both samples are from one population is computed exactly,
 * with the ties that are there, by counting the ways to deal the pooled values; where that would take
 * too long the normal approximation with corrections for ties and continuity is used.
 */
#ifndef RS_STATS_RANK_H
#define RS_STATS_RANK_H

#include <stddef.h>
#include "remapscope/types.h"

/**
 * struct rs_group - pooled values that are equal
 * @value: ns
 * @a: how many of them are in the first sample
 * @b: in the second
 */
struct rs_group {
	__u64 value;
	__u64 a;
	__u64 b;
};

/** enum rs_rank_method - where a p-value is from */
enum rs_rank_method {
	RS_RANK_NONE = 0, /* no value: a sample is empty, or too small beside a large one */
	RS_RANK_EXACT = 1,
	RS_RANK_NORMAL = 2,
};

const char *rs_rank_method_name(enum rs_rank_method m); /* "none" "exact" "normal" */

/**
 * struct rs_rank - how two samples compare
 * @method: of @p and @p_least
 * @p: two-sided: how often chance alone would be at least as far from the middle
 * @p_least: the smallest that @p can be with these sizes and ties
 * @superiority: the probability that a value of the second sample is larger than one of the first, an
 *	equal one counting half; 0.5: neither
 * @ratio: second to first: the median of the quotients of all pairs (Hodges and Lehmann's estimate, of
 *	a factor)
 * @ratio_low: of a confidence interval that fits the test, at the level that was asked for
 * @ratio_high: likewise; infinite: no upper end, and then @ratio_low is 0
 */
struct rs_rank {
	__u64 na;
	__u64 nb;
	enum rs_rank_method method;
	double p;
	double p_least;
	double superiority;
	double ratio;
	double ratio_low;
	double ratio_high;
};

/**
 * rs_rank_test() - compare two samples
 * @g: their pooled values, ascending, each once
 * @confidence: of the interval, 0.95
 *
 * Return: 0 or -ENOMEM
 */
int rs_rank_test(const struct rs_group *g, size_t nr, double confidence, struct rs_rank *out);

/**
 * rs_holm() - p-values that can each be held against the level, for all comparisons at once
 * @p: ascending; each becomes its adjusted value (Holm, 1979)
 */
void rs_holm(double *p, size_t nr);

/**
 * rs_tarone() - how many comparisons to correct for (Tarone, 1990)
 * @p_least: the smallest value that each p could have had, ascending
 *
 * What cannot become significant whatever its values need not be paid for by the others. As it depends
 * on sizes and ties alone, Holm's correction of the rest still holds.
 *
 * Return: how many, from the first, can become significant at @alpha
 */
size_t rs_tarone(const double *p_least, size_t nr, double alpha);

#endif /* RS_STATS_RANK_H */
