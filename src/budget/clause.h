/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A budget clause as parsed
 *
 * Private to src/budget.
 */
#ifndef RS_BUDGET_CLAUSE_H
#define RS_BUDGET_CLAUSE_H

#include "budget/budget.h"

/** enum rs_subject_kind - where a subject's samples come from */
enum rs_subject_kind {
	RS_SUBJECT_WINDOW,
	RS_SUBJECT_UPDATE,
	RS_SUBJECT_REQUEST,
};

/**
 * struct rs_subject - what a clause is about
 * @op: rs_request_row.op, NULL for all
 * @hook: functions that must have been traced to see all of it
 */
struct rs_subject {
	const char *name;
	enum rs_subject_kind kind;
	const char *op;
	const char *hook[2];
};

/** enum rs_stat_kind - how the samples become one number */
enum rs_stat_kind {
	RS_STAT_COUNT,
	RS_STAT_MIN,
	RS_STAT_MEAN,
	RS_STAT_MAX,
	RS_STAT_QUANTILE,
	RS_STAT_TOTAL,
	RS_STAT_FAILED_REMAPS,
};

/**
 * struct rs_stat - a statistic
 * @quantile: of RS_STAT_QUANTILE
 * @needed: samples without which it says nothing
 * @time: in ns, else a plain number
 * @windows_only: only a window has it
 */
struct rs_stat {
	const char *name;
	enum rs_stat_kind kind;
	double quantile;
	__u64 needed;
	bool time;
	bool windows_only;
};

/** enum rs_compare - OP */
enum rs_compare {
	RS_CMP_LE,
	RS_CMP_LT,
	RS_CMP_GE,
	RS_CMP_GT,
	RS_CMP_EQ,
};

/** enum rs_where - requests inside windows, outside them, or both */
enum rs_where {
	RS_WHERE_ANY = 0,
	RS_WHERE_INSIDE = 1,
	RS_WHERE_OUTSIDE = 2,
};

/** struct rs_clause - one clause; -1 for a path or reason that is not asked for */
struct rs_clause {
	char *text;
	unsigned int line;
	const struct rs_subject *subject;
	const struct rs_stat *stat;
	int path;
	int reason;
	enum rs_where where;
	enum rs_compare compare;
	__u64 limit;
	__u64 needed;
};

/** struct rs_budget - a budget file's clauses */
struct rs_budget {
	char *name;
	struct rs_clause *clause;
	size_t nr;
};

/** rs_compare_name() - "<=" ... */
const char *rs_compare_name(enum rs_compare c);

#endif /* RS_BUDGET_CLAUSE_H */
