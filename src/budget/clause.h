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
	RS_SUBJECT_HANDOVER,
	RS_SUBJECT_UPDATE,
	RS_SUBJECT_BLACKOUT,
	RS_SUBJECT_PHASE,
	RS_SUBJECT_RANGE,
	RS_SUBJECT_REQUEST,
};

/**
 * struct rs_subject - what a clause is about
 * @op: rs_request_row.op, NULL for all
 * @hook: functions that must have been traced to see all of it
 * @iommufd: likewise, where contexts of iommufd were seen
 * @devices: made by devices' drivers
 */
struct rs_subject {
	const char *name;
	enum rs_subject_kind kind;
	const char *op;
	const char *hook[2];
	const char *iommufd[2];
	bool devices;
};

/** enum rs_stat_kind - how the samples become one number */
enum rs_stat_kind {
	RS_STAT_COUNT,
	RS_STAT_RATE,
	RS_STAT_MIN,
	RS_STAT_MEAN,
	RS_STAT_MAX,
	RS_STAT_TOTAL,
	RS_STAT_FAILED_REMAPS,
	RS_STAT_QUANTILE,
};

/** enum rs_unit - what a statistic is measured in */
enum rs_unit {
	RS_UNIT_TIME, /* ns */
	RS_UNIT_NUMBER,
	RS_UNIT_RATE, /* 1 / RS_MICRO per second */
};

/* Rates and factors are kept in millionths. */
#define RS_MICRO 1000000ULL

/* A percentile is kept in thousandths of a percent: p99.999 is 99999. */
#define RS_QUANTILE_ONE 100000U

/**
 * struct rs_stat - a statistic
 * @needed: samples without which it says nothing; of a percentile they follow from it
 * @windows_only: only a window has it
 */
struct rs_stat {
	const char *name;
	enum rs_stat_kind kind;
	__u64 needed;
	enum rs_unit unit;
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

/** enum rs_where - requests inside windows, outside them, or wherever; inside iommufd's hand-overs */
enum rs_where {
	RS_WHERE_ANY = 0,
	RS_WHERE_INSIDE = 1,
	RS_WHERE_OUTSIDE = 2,
	RS_WHERE_HANDOVER = 3,
};

/**
 * struct rs_clause - one clause
 * @column: where its value begins
 * @made_by: the subject whose requests are meant, when direction= says it closer than @subject
 * @quantile: of RS_STAT_QUANTILE, of RS_QUANTILE_ONE
 * @path: -1: not asked for
 * @reason: likewise
 * @part: of a request's time, RS_LAT_TOTAL for all of it
 * @phase: its name; NULL for other subjects
 * @device: its name, "" for all devices
 * @ratio: @limit is a factor of the base recording's value, in millionths
 */
struct rs_clause {
	char *text;
	unsigned int line;
	unsigned int column;
	const struct rs_subject *subject;
	const struct rs_subject *made_by;
	const struct rs_stat *stat;
	unsigned int quantile;
	int path;
	int reason;
	int part;
	enum rs_where where;
	const char *phase;
	char device[RS_DEVICE_NAME_LEN];
	enum rs_compare compare;
	bool ratio;
	__u64 limit;
	__u64 needed;
};

/** struct rs_budget - a budget file's clauses; @base is borrowed */
struct rs_budget {
	char *name;
	struct rs_clause *clause;
	size_t nr;
	const struct rs_result *base;
};

/** struct rs_clause_text - a clause's canonical form */
struct rs_clause_text {
	char s[512];
};

/** rs_clause_print() - the one way to write this clause; it parses to the same one */
struct rs_clause_text rs_clause_print(const struct rs_clause *cl);

/** struct rs_short - a short text, by value */
struct rs_short {
	char s[32];
};

/** rs_clause_stat_name() - "max", "p99.9" */
struct rs_short rs_clause_stat_name(const struct rs_clause *cl);

/** rs_micro_text() - millionths as a decimal number: "1.2" */
struct rs_short rs_micro_text(__u64 micro);

/** rs_quantile_needed() - the samples that a percentile needs: its rarer side has at least one */
__u64 rs_quantile_needed(unsigned int quantile);

/** rs_compare_name() - "<=" ... */
const char *rs_compare_name(enum rs_compare c);

struct rs_cursor;

/** rs_clause_parse() - a clause from its line, without a comment. Return: 0 or -EINVAL with a message */
int rs_clause_parse(struct rs_cursor *c, struct rs_clause *cl);

#endif /* RS_BUDGET_CLAUSE_H */
