/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The smallest part of a recording that yields a finding
 *
 * A part is tried by judging it the normal way through (src/result/analysis.h), as the excerpt that it would be. It
 * will do when it yields the finding again: the same rule, object, sentence, time and events, and when
 * it yields no violation of that rule that the recording does not have: what is left out must not
 * look like something that did not happen.
 *
 * Candidates are tried from the smallest on: the finding's own events; with the processes and the container that
 * they are of; all of the container and its processes; all that was collected. The first that will do is made
 * smaller by delta debugging (Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input, 2002):
 * parts of it are left out, halves first, single groups last, the oldest first, until no single group can be.
 *
 * What it costs: each candidate is judged at most twice; then at most RS_SLICE_WORK times as many records
 * are judged as the one that did has, plus RS_SLICE_FREE. Where that does not suffice, the slice is right but
 * not the smallest. The records are not copied: what is held beyond them is an index for each.
 */
#ifndef RS_EXPLAIN_SLICE_H
#define RS_EXPLAIN_SLICE_H

#include "explain/records.h"

struct rs_rule_table;

#define RS_SLICE_WORK 32
#define RS_SLICE_FREE 1000000

/**
 * struct rs_slice - a part of a recording
 * @group: indices of rs_records.group
 * @record: indices of rs_records.record, in the source's order
 * @meta: of the excerpt
 * @end: likewise
 * @replayed: records that were judged to find it
 * @minimal: not one of the groups can be left out
 */
struct rs_slice {
	size_t *group;
	size_t nr_groups;
	size_t *record;
	size_t nr;
	json_t *meta;
	json_t *end;
	__u64 replayed;
	bool minimal;
};

/**
 * rs_slice_find() - the smallest part of @recs that yields @f
 * @whole: the recording's result, of which @f is a violated finding
 * @table: the rules; NULL: rs_rules
 * @out: rs_slice_free() it
 *
 * Return: 0, -ENOENT when not even all of @recs yields it, or another -errno
 */
int rs_slice_find(const struct rs_records *recs, const struct rs_result *whole,
		  const struct rs_finding *f, const struct rs_rule_table *table,
		  struct rs_slice *out);

/**
 * rs_slice_try() - does this part yield the finding?
 * @group: indices of rs_records.group
 *
 * Return: 1, 0 or -errno
 */
int rs_slice_try(const struct rs_records *recs, const struct rs_result *whole,
		 const struct rs_finding *f, const struct rs_rule_table *table, const size_t *group,
		 size_t nr);

/** rs_slice_free() - free what it points to */
void rs_slice_free(struct rs_slice *s);

#endif /* RS_EXPLAIN_SLICE_H */
