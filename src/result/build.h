/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RS_RESULT_BUILD_H
#define RS_RESULT_BUILD_H

#include "budget/budget.h"
#include "model/model.h"
#include "rules/rules.h"
#include "source/order.h"

/** struct rs_build - what a result is made of; all borrowed, lists are taken over where that is cheap */
struct rs_build {
	struct rs_model *model;
	struct rs_engine *engine;
	const struct rs_order *order;
	const json_t *meta;
	const json_t *end;
	const char *incomplete;
	const char *source;
	const char *file;
	const struct rs_budget *budget;
};

/** rs_build_result() - Return: 0 or -ENOMEM */
int rs_build_result(struct rs_build *b, struct rs_result **out);

struct rs_listener;

/**
 * rs_tell() - tell what is over, and what was found; then forget it
 * @now: the records' time
 *
 * Return: 0 or -errno, also the listener's
 */
int rs_tell(const struct rs_build *b, const struct rs_listener *l, __u64 now);

/** rs_build_losses() - fill r->loss from holes, counters and gaps. Return: 0 or -ENOMEM */
int rs_build_losses(const struct rs_build *b, struct rs_result *r);

/** rs_build_requests() - fill in rows, devices and flights; the model is left without them */
int rs_build_requests(struct rs_model *m, struct rs_result *r);

/** rs_build_updates() - the model's updates, and where their time went. Return: 0 or -ENOMEM */
int rs_build_updates(const struct rs_build *b, struct rs_result *r);

/** rs_build_replays() - the command that finds each finding again. Return: 0 or -ENOMEM */
int rs_build_replays(const struct rs_build *b, struct rs_result *r);

/** rs_build_findings() - make one of findings that are one. Return: 0 or -ENOMEM */
int rs_build_findings(struct rs_result *r);

/** rs_build_rules() - verdicts per rule, from findings, losses and missing hooks. Return: 0 or -ENOMEM */
int rs_build_rules(const struct rs_build *b, struct rs_result *r);

#endif /* RS_RESULT_BUILD_H */
