/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Budgets and results made by hand
 */
#ifndef RS_TESTS_BUDGET_FIXTURE_H
#define RS_TESTS_BUDGET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "budget/budget.h"
#include "budget/clause.h"
#include "synth.h"

static inline struct rs_budget *parse_ok(const char *text)
{
	struct rs_budget *b = NULL;
	struct rs_msg msg = { "" };
	int err = rs_budget_parse("b", text, &b, &msg);

	if (err)
		print_error("%s\n", msg.text);
	assert_int_equal(err, 0);
	return b;
}

static inline struct rs_result *result_new(void)
{
	struct rs_result *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->complete = true;
	r->first_ns = 1;
	r->last_ns = 1000 * MS;
	return r;
}

static inline struct rs_window_view *add_window(struct rs_result *r, __u64 open, __u64 close)
{
	struct rs_window_view *w;

	r->window = realloc(r->window, (r->nr_windows + 1) * sizeof(*r->window));
	assert_non_null(r->window);
	w = &r->window[r->nr_windows++];
	memset(w, 0, sizeof(*w));
	w->id = (__u32)r->nr_windows;
	w->open_ns = open;
	w->close_ns = close;
	return w;
}

static inline struct rs_hist *add_row(struct rs_result *r, const char *op, enum rs_path path,
				      enum rs_reason reason, bool in_window)
{
	struct rs_request_row *row;

	r->request = realloc(r->request, (r->nr_requests + 1) * sizeof(*r->request));
	assert_non_null(r->request);
	row = &r->request[r->nr_requests++];
	*row = (struct rs_request_row){
		.op = op, .path = path, .reason = reason, .in_window = in_window
	};
	row->latency = calloc(RS_LAT_NR, sizeof(*row->latency));
	assert_non_null(row->latency);
	return row->latency;
}

/* Of any container; @types: of which records it may have been. Both times 0: at any time */
static inline void add_loss_of(struct rs_result *r, __u32 types, __u64 count, __u64 from, __u64 to)
{
	struct rs_loss_view *l;

	r->loss = realloc(r->loss, (r->nr_losses + 1) * sizeof(*r->loss));
	assert_non_null(r->loss);
	l = &r->loss[r->nr_losses++];
	*l = (struct rs_loss_view){
		.what = "records that found no room", .count = count, .from_ns = from, .to_ns = to
	};
	l->part = calloc(1, sizeof(*l->part));
	assert_non_null(l->part);
	l->nr_parts = 1;
	l->part[0] = (struct rs_loss_part){ .types = types,
					    .from_ns = from,
					    .to_ns = from || to ? to : UINT64_MAX };
}

static inline void add_loss(struct rs_result *r, __u64 count, __u64 from, __u64 to)
{
	add_loss_of(r, UINT32_MAX, count, from, to);
}

static inline void forget_losses(struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_losses; i++)
		free(r->loss[i].part);
	r->nr_losses = 0;
}

/* Judge one clause against @base; @reason NULL: there must be none. */
static inline struct rs_budget_view *judged_with(struct rs_result *r, const struct rs_result *base,
						 const char *text, enum rs_verdict verdict,
						 const char *measured, const char *reason)
{
	struct rs_budget *b = parse_ok(text);
	struct rs_budget_view *v;

	rs_budget_set_base(b, base);
	assert_int_equal(rs_budget_judge(b, r), 0);
	v = &r->budget[r->nr_budgets - 1];
	assert_string_equal(v->text, text);
	assert_string_equal(v->where, "b:1");
	if (v->verdict != verdict)
		print_error("%s: %s %s\n", text, rs_verdict_name(v->verdict), v->reason);
	assert_int_equal(v->verdict, verdict);
	if (measured)
		assert_string_equal(v->measured, measured);
	else
		assert_null(v->measured);
	if (reason)
		assert_string_equal(v->reason, reason);
	else
		assert_null(v->reason);
	rs_budget_free(b);
	return v;
}

static inline struct rs_budget_view *judged(struct rs_result *r, const char *text,
					    enum rs_verdict verdict, const char *measured,
					    const char *reason)
{
	return judged_with(r, NULL, text, verdict, measured, reason);
}

#endif /* RS_TESTS_BUDGET_FIXTURE_H */
