/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What a recording has to say about a clause
 *
 * Private to src/budget.
 */
#ifndef RS_BUDGET_SAMPLES_H
#define RS_BUDGET_SAMPLES_H

#include <stdint.h>
#include "budget/clause.h"

/* No upper end. */
#define RS_ENDLESS UINT64_MAX

/** struct rs_interval - a value is not known better than that; in the statistic's unit */
struct rs_interval {
	__u64 low;
	__u64 high;
};

/**
 * struct rs_figure - a clause's statistic of one recording
 * @samples: that were seen
 * @measured: of what was seen, as it is shown
 * @bounds: what it can have been in truth
 * @open: something measured had not ended with the recording
 * @why: why samples may be missing, "" when none are
 */
struct rs_figure {
	__u64 samples;
	__u64 measured;
	struct rs_interval bounds;
	bool open;
	char why[224];
};

/** rs_missing_hook() - the first function of those that must be traced to see all of @s, and is not; or NULL */
const char *rs_missing_hook(const struct rs_result *r, const struct rs_subject *s);

/** rs_figure_of() - measure. Return: 0 or -ENOMEM */
int rs_figure_of(const struct rs_result *r, const struct rs_clause *cl, struct rs_figure *f);

#endif /* RS_BUDGET_SAMPLES_H */
