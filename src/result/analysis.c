// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/model.h"
#include "result/analysis.h"
#include "result/build.h"
#include "rules/rules.h"
#include "source/order.h"

struct rs_analysis {
	struct rs_analysis_opts opts;
	struct rs_order *order;
	struct rs_model model;
	struct rs_engine engine;
	json_t *meta;
};

static int on_note(void *ctx, struct rs_note *note)
{
	struct rs_analysis *a = ctx;

	return rs_engine_note(&a->engine, note);
}

static int on_ordered(void *ctx, const struct rs_event *ev)
{
	struct rs_analysis *a = ctx;
	int err;

	/* Clocks are read from the records' times, so that a replay finds what the live run found. */
	err = rs_engine_time(&a->engine, ev->ts);
	return err ? err : rs_model_event(&a->model, ev);
}

int rs_analysis_new(const struct rs_analysis_opts *opts, struct rs_analysis **out,
		    struct rs_msg *msg)
{
	struct rs_analysis *a = calloc(1, sizeof(*a));
	int err = 0;

	*out = NULL;
	if (!a)
		return rs_msg_set(msg, -ENOMEM, "out of memory");
	a->opts = *opts;
	rs_model_init(&a->model, on_note, a);
	a->order = rs_order_new(on_ordered, a);
	if (rs_engine_init(&a->engine, opts->table) || !a->order)
		err = rs_msg_set(msg, -ENOMEM, "out of memory");
	if (opts->findings_max)
		a->engine.findings_max = opts->findings_max;
	if (!err && opts->nr_rules)
		memset(a->engine.on, 0, sizeof(a->engine.on));
	for (size_t i = 0; i < opts->nr_rules && !err; i++) {
		int which = rs_rule_find(&a->engine.table, opts->rule[i], msg);

		if (which < 0)
			err = which;
		else
			a->engine.on[which] = true;
	}
	if (err) {
		rs_analysis_free(a);
		return err;
	}
	*out = a;
	return 0;
}

/* The value of a META key among @nr names; 0 when it is absent or unknown. */
static unsigned int named(const json_t *meta, const char *key, const char *(*name)(unsigned int),
			  unsigned int nr)
{
	const char *value = json_string_value(json_object_get(meta, key));

	for (unsigned int i = 0; value && i < nr; i++)
		if (!strcmp(value, name(i)))
			return i;
	return 0;
}

static const char *mode_name(unsigned int i)
{
	return rs_mode_name(i);
}

static const char *verify_name(unsigned int i)
{
	return rs_verify_name(i);
}

static int by_value(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Each once? Return: 1, 0 or -ENOMEM */
static int distinct(const __u32 *id, size_t nr)
{
	__u32 *sorted = malloc(nr * sizeof(*sorted));
	int good = 1;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, id, nr * sizeof(*sorted));
	qsort(sorted, nr, sizeof(*sorted), by_value);
	for (size_t i = 1; i < nr; i++)
		if (sorted[i] == sorted[i - 1])
			good = 0;
	free(sorted);
	return good;
}

/* A list that is not what it should be is not used: the objects are numbered as always. */
static int take_ids(struct rs_ids *ids, const json_t *list)
{
	size_t nr = json_array_size(list);
	int good = 1;

	free(ids->id);
	*ids = (struct rs_ids){ 0 };
	if (!nr || nr > RS_IDS_MAX)
		return 0;
	ids->id = calloc(nr, sizeof(*ids->id));
	if (!ids->id)
		return -ENOMEM;
	for (size_t i = 0; i < nr && good; i++) {
		json_int_t id = json_integer_value(json_array_get(list, i));

		good = id > 0 && id <= INT32_MAX;
		ids->id[i] = id;
		if (id > ids->max)
			ids->max = id;
	}
	if (good)
		good = distinct(ids->id, nr);
	ids->nr = good > 0 ? nr : 0;
	if (!ids->nr)
		ids->max = 0;
	return good < 0 ? good : 0;
}

/* What was left out of an excerpt may be what another rule, or another object, rests on. */
static int take_excerpt(struct rs_analysis *a, const json_t *excerpt)
{
	const char *rule = json_string_value(json_object_get(excerpt, "rule"));
	int err;

	rs_order_excerpt(a->order);
	for (size_t i = 0; i < a->engine.table.nr; i++)
		if (!rule || strcmp(a->engine.table.rule[i].id, rule) != 0)
			a->engine.on[i] = false;
	err = take_ids(&a->model.ids[RS_NR_CONTAINER], json_object_get(excerpt, "containers"));
	if (!err)
		err = take_ids(&a->model.ids[RS_NR_WINDOW], json_object_get(excerpt, "windows"));
	if (!err)
		err = take_ids(&a->model.ids[RS_NR_DEVICE], json_object_get(excerpt, "devices"));
	if (!err)
		err = take_ids(&a->model.ids[RS_NR_UPDATE], json_object_get(excerpt, "updates"));
	if (!err)
		err = take_ids(&a->model.ids[RS_NR_IOCTX], json_object_get(excerpt, "contexts"));
	if (!err)
		err = take_ids(&a->model.ids[RS_NR_HANDOVER],
			       json_object_get(excerpt, "handovers"));
	return err;
}

int rs_analysis_meta(struct rs_analysis *a, const json_t *meta)
{
	const json_t *excerpt = json_object_get(meta, "excerpt");

	json_decref(a->meta);
	a->meta = json_deep_copy(meta);
	a->model.mode = named(meta, "mode", mode_name, RS_MODE_ARMED + 1);
	a->model.verify = named(meta, "verify", verify_name, RS_VERIFY_ALL + 1);
	if (!a->meta)
		return -ENOMEM;
	return json_is_object(excerpt) ? take_excerpt(a, excerpt) : 0;
}

int rs_analysis_event(void *analysis, const struct rs_event *ev)
{
	struct rs_analysis *a = analysis;

	return rs_order_push(a->order, ev);
}

static struct rs_build build_of(struct rs_analysis *a)
{
	return (struct rs_build){
		.model = &a->model,
		.engine = &a->engine,
		.order = a->order,
		.meta = a->meta,
		.source = a->opts.source,
		.file = a->opts.file,
		.budget = a->opts.budget,
	};
}

int rs_analysis_tick(struct rs_analysis *a, __u64 now)
{
	/* Up to here every record has come. */
	__u64 known = now > RS_ORDER_NS ? now - RS_ORDER_NS : 0;
	struct rs_build b = build_of(a);
	int err;

	err = rs_order_tick(a->order, now);
	if (!err)
		err = rs_engine_time(&a->engine, known);
	if (!err && a->opts.listener)
		err = rs_tell(&b, a->opts.listener, known);
	return err;
}

void rs_analysis_progress(const struct rs_analysis *a, struct rs_progress *p)
{
	const struct rs_container *c;

	*p = (struct rs_progress){ .events = a->model.events, .windows = a->model.next_window };
	for (c = a->model.containers; c; c = c->hh.next)
		p->open += c->window != NULL;
	for (size_t i = 0; i < a->model.nr_updates; i++)
		p->untold += !a->model.update[i]->told;
	for (size_t i = 0; i < a->engine.table.nr; i++)
		p->violations += a->engine.violations[i];
}

int rs_analysis_finish(struct rs_analysis *a, const json_t *end, const char *incomplete,
		       struct rs_result **out)
{
	struct rs_build b = build_of(a);
	json_int_t ended;
	json_t *cpu;
	size_t i;
	int err;

	*out = NULL;
	b.end = end;
	b.incomplete = incomplete;
	err = rs_order_flush(a->order);
	json_array_foreach(json_object_get(end, "cpus"), i, cpu) {
		json_int_t nr = json_integer_value(json_object_get(cpu, "cpu"));

		if (!err && nr >= 0 && nr <= UINT16_MAX)
			err = rs_order_tail(a->order, nr,
					    json_integer_value(json_object_get(cpu, "seq")));
	}
	/* Clocks run until the recording's end, also when nothing happened any more. */
	ended = json_integer_value(json_object_get(end, "ended_ns"));
	if (ended > (json_int_t)a->model.last_ns)
		a->model.last_ns = ended;
	if (!err)
		err = rs_engine_time(&a->engine, a->model.last_ns);
	if (!err)
		err = rs_model_end(&a->model);
	/* What is still open ends with the recording. */
	if (!err && a->opts.listener)
		err = rs_tell(&b, a->opts.listener, UINT64_MAX);
	if (!err)
		err = rs_build_result(&b, out);
	return err;
}

void rs_analysis_free(struct rs_analysis *a)
{
	if (!a)
		return;
	rs_order_free(a->order);
	rs_model_free(&a->model);
	rs_engine_free(&a->engine);
	json_decref(a->meta);
	free(a);
}
