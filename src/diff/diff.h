/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What changed from one recording to another
 *
 * Takes two results and gives a third thing, which is data: renderers print it. docs/diff.md says what
 * is compared, by which test, and what the verdict means.
 */
#ifndef RS_DIFF_DIFF_H
#define RS_DIFF_DIFF_H

#include "result/result.h"
#include "stats/rank.h"

/** enum rs_diff_state - what became of something that was measured */
enum rs_diff_state {
	RS_DIFF_SAME = 0,      /* no change above the threshold */
	RS_DIFF_NOISE = 1,     /* one, but chance could have made it */
	RS_DIFF_BETTER = 2,    /* significantly shorter, by more than the threshold */
	RS_DIFF_WORSE = 3,     /* significantly longer, by more than the threshold */
	RS_DIFF_UNKNOWN = 4,   /* too few samples, or losses, to tell */
	RS_DIFF_ONLY_BASE = 5, /* not seen in the new recording */
	RS_DIFF_ONLY_NEW = 6,  /* not seen in the base */
	RS_DIFF_STATES
};

/** rs_diff_state_name() - "same" "noise" "better" "worse" "unknown" "only-base" "only-new" */
const char *rs_diff_state_name(enum rs_diff_state s);

/**
 * struct rs_diff_side - one recording's samples of a row
 * @samples: that were compared
 * @missing: that losses may have hidden or made doubtful; UINT64_MAX: any number
 * @median: ns, 0 without samples; of requests the middle of its bucket
 */
struct rs_diff_side {
	__u64 samples;
	__u64 missing;
	__u64 median;
};

/**
 * struct rs_diff_row - times of one kind in both recordings
 * @rank: the comparison; method RS_RANK_NONE when there was none
 * @p: rank.p, corrected for all comparisons that could become significant
 * @tested: it is one of these; else @p says nothing
 * @reason: one sentence for NOISE and UNKNOWN; else NULL
 */
struct rs_diff_row {
	char name[80]; /* "window", "phase remap", "pin gup, in window" */
	struct rs_diff_side base;
	struct rs_diff_side now;
	struct rs_rank rank;
	double p;
	bool tested;
	enum rs_diff_state state;
	char *reason;
};

/** struct rs_diff_count - a number of things in both */
struct rs_diff_count {
	const char *name; /* static */
	__u64 base;
	__u64 now;
};

/** struct rs_diff_rule - a rule's verdicts; @state is WORSE, BETTER, UNKNOWN or SAME */
struct rs_diff_rule {
	const char *id; /* static */
	enum rs_verdict base;
	enum rs_verdict now;
	enum rs_diff_state state;
};

/**
 * struct rs_diff_opts - what is a regression
 * @alpha: the probability of any false one, over all comparisons: 0.05
 * @threshold: a change that is of interest: 0.1 for 10 %
 */
struct rs_diff_opts {
	double alpha;
	double threshold;
};

/**
 * struct rs_diff - all of it; owns all but the results
 * @base: borrowed
 * @now: borrowed
 * @row: worst first
 * @compared: rows that were in the correction for multiple comparisons
 * @note: how the two were recorded otherwise; NULL: alike
 * @verdict: RS_VIOLATED: a regression, RS_UNKNOWN: cannot be told
 * @verdict_reason: one phrase
 */
struct rs_diff {
	struct rs_diff_opts opts;
	const struct rs_result *base;
	const struct rs_result *now;
	struct rs_diff_row *row;
	size_t nr_rows;
	size_t compared;
	struct rs_diff_count *count;
	size_t nr_counts;
	struct rs_diff_rule *rule;
	size_t nr_rules;
	char *note;
	enum rs_verdict verdict;
	char *verdict_reason;
};

/**
 * rs_diff_new() - compare two results
 * @base: has to live as long as @out
 * @now: likewise
 *
 * Return: 0 or -ENOMEM
 */
int rs_diff_new(const struct rs_result *base, const struct rs_result *now,
		const struct rs_diff_opts *opts, struct rs_diff **out);

/** rs_diff_free() - NULL is allowed */
void rs_diff_free(struct rs_diff *d);

/** rs_diff_exit_status() - 0 no regression, 1 a regression, 3 cannot be told */
int rs_diff_exit_status(const struct rs_diff *d);

#endif /* RS_DIFF_DIFF_H */
