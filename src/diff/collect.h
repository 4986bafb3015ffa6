/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What two recordings have in common
 *
 * Private to src/diff.
 */
#ifndef RS_DIFF_COLLECT_H
#define RS_DIFF_COLLECT_H

#include "diff/diff.h"

/** struct rs_pool - the samples of one row, of both recordings: pooled, ascending, each value once */
struct rs_pool {
	char name[80];
	struct rs_group *group;
	size_t nr;
	__u64 base_missing; /* UINT64_MAX: any number */
	__u64 now_missing;
};

/** struct rs_pools - of all rows */
struct rs_pools {
	struct rs_pool *pool;
	size_t nr;
};

/** rs_pools_collect() - everything that can be compared. Return: 0 or -ENOMEM */
int rs_pools_collect(const struct rs_result *base, const struct rs_result *now,
		     struct rs_pools *out);

void rs_pools_free(struct rs_pools *p);

#endif /* RS_DIFF_COLLECT_H */
