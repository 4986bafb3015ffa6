/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: From events to a result: the one way through
 *
 * source -> order -> model -> rules, budgets, statistics -> result. Live recording, `check -- COMMAND`
 * and replay push their events in here, and nowhere else.
 */
#ifndef RS_RESULT_ANALYSIS_H
#define RS_RESULT_ANALYSIS_H

#include "budget/budget.h"
#include "result/result.h"
#include "util/msg.h"

struct rs_analysis;
struct rs_rule_table;

/**
 * struct rs_listener - who is told while the recording goes on, instead of at its end
 * @told: takes a result, borrowed: of one update that is over, with its windows, containers, findings and verdicts;
 *	or without an update, of what was found: violations as soon as they are found, which are told again with their
 *	update. Return: 0 or -errno, which ends the analysis
 * @so_far: the recording's END as it would be now, the caller's; NULL: there is nothing to say
 *
 * What has been told is forgotten, so that memory goes by what is there and not by what has been. Of the verdicts a
 * replay gives the same.
 */
struct rs_listener {
	int (*told)(void *ctx, const struct rs_result *r);
	json_t *(*so_far)(void *ctx);
	void *ctx;
};

/**
 * struct rs_analysis_opts - what to judge
 * @rule: ids of the rules to judge; NULL: all
 * @nr_rules: how many
 * @budget: borrowed, until the analysis is freed; NULL: none
 * @source: the file's name, or "live"
 * @file: the trace file from which the findings can be had again; NULL: none is kept
 * @table: the rules to know; NULL: rs_rules
 * @findings_max: how many findings of one rule are listed, not only counted; 0: RS_FINDINGS_MAX
 * @qmp: files with what QEMU's monitors said meanwhile; whoever reads the trace reads them with it
 * @nr_qmp: how many
 * @listener: borrowed; NULL: all is kept until the end
 */
struct rs_analysis_opts {
	const char *const *rule;
	size_t nr_rules;
	const struct rs_budget *budget;
	const char *source;
	const char *file;
	const struct rs_rule_table *table;
	__u64 findings_max;
	const char *const *qmp;
	size_t nr_qmp;
	const struct rs_listener *listener;
};

/**
 * struct rs_progress - what a recorder shows while it runs
 */
struct rs_progress {
	__u64 events;
	__u64 windows; /* begun */
	__u64 open;    /* still open */
	__u64 violations;
	__u64 untold; /* updates begun that the listener has not been told */
};

/** rs_analysis_new() - Return: 0 or -errno (-ENOENT: unknown rule, with a sentence) */
int rs_analysis_new(const struct rs_analysis_opts *opts, struct rs_analysis **out,
		    struct rs_msg *msg);

/**
 * rs_analysis_meta() - what the recording says of itself (docs/trace-format.md); copied
 *
 * Before the first event. Return: 0 or -ENOMEM
 */
int rs_analysis_meta(struct rs_analysis *a, const json_t *meta);

/** rs_analysis_event() - an &rs_event_fn: the next record, in the source's order */
int rs_analysis_event(void *analysis, const struct rs_event *ev);

/**
 * rs_analysis_tick() - the source had nothing more to give at @now (CLOCK_MONOTONIC)
 *
 * Time passes although nothing happens: clocks expire, and the listener is told what is over. Nothing is found that
 * a replay would not find, at the same time, from the next record on. Return: 0 or -errno
 */
int rs_analysis_tick(struct rs_analysis *a, __u64 now);

/** rs_analysis_progress() - so far */
void rs_analysis_progress(const struct rs_analysis *a, struct rs_progress *p);

/**
 * rs_analysis_finish() - no more events
 * @end: the recording's END object; NULL: it was cut
 * @incomplete: one sentence that says so; NULL: complete
 * @out: the caller's, rs_result_free()
 *
 * Return: 0 or -errno
 */
int rs_analysis_finish(struct rs_analysis *a, const json_t *end, const char *incomplete,
		       struct rs_result **out);

/** rs_analysis_free() - NULL is allowed */
void rs_analysis_free(struct rs_analysis *a);

#endif /* RS_RESULT_ANALYSIS_H */
