/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Budgets
 *
 * A budget file holds one clause a line; `#` begins a comment. docs/budgets.md has the grammar.
 */
#ifndef RS_BUDGET_BUDGET_H
#define RS_BUDGET_BUDGET_H

#include "result/result.h"
#include "util/msg.h"

struct rs_budget;

/**
 * rs_budget_load() - read a budget file
 * @out: to be freed with rs_budget_free()
 * @msg: on failure "FILE:LINE:COLUMN: what was expected, what was found"
 *
 * Return: 0 or -errno (-EINVAL for a clause that cannot be read)
 */
int rs_budget_load(const char *path, struct rs_budget **out, struct rs_msg *msg);

/** rs_budget_parse() - the same from a string; @name is used in messages */
int rs_budget_parse(const char *name, const char *text, struct rs_budget **out, struct rs_msg *msg);

/**
 * rs_budget_set_base() - what clauses like "p50 <= 1.2x base" are judged against
 * @base: borrowed, until the budget is freed
 */
void rs_budget_set_base(struct rs_budget *b, const struct rs_result *base);

/**
 * rs_budget_needs_base() - is there a clause against a base recording, and none was set?
 * @msg: then "FILE:LINE:COLUMN: ..."
 *
 * Return: 0 or -EINVAL
 */
int rs_budget_needs_base(const struct rs_budget *b, struct rs_msg *msg);

/**
 * rs_budget_judge() - judge every clause and store the verdicts in @r
 *
 * Reads windows, updates, requests and devices of @r and fills r->budget. Does not touch r->verdict.
 * Losses, an incomplete recording and too few samples make a clause unknown that they could change.
 * A clause against a base recording is unknown when none was set.
 *
 * Return: 0 or -ENOMEM
 */
int rs_budget_judge(const struct rs_budget *b, struct rs_result *r);

/** rs_budget_free() - NULL is allowed */
void rs_budget_free(struct rs_budget *b);

#endif /* RS_BUDGET_BUDGET_H */
