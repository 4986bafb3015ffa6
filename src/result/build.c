// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "result/build.h"

static char *copy_string(const json_t *s)
{
	const char *text = json_string_value(s);

	return text ? strdup(text) : NULL;
}

static int build_head(const struct rs_build *b, struct rs_result *r)
{
	const json_t *kernel = json_object_get(b->meta, "kernel");
	const json_t *clock = json_object_get(b->meta, "clock");

	r->source = strdup(b->source);
	r->kernel = copy_string(json_object_get(kernel, "release"));
	r->host = copy_string(json_object_get(kernel, "host"));
	r->realtime_offset_ns = json_integer_value(json_object_get(clock, "realtime_offset_ns"));
	r->first_ns = json_integer_value(json_object_get(clock, "attached_ns"));
	if (!r->first_ns || (b->model->first_ns && b->model->first_ns < r->first_ns))
		r->first_ns = b->model->first_ns;
	r->last_ns = json_integer_value(json_object_get(b->end, "ended_ns"));
	if (r->last_ns < b->model->last_ns)
		r->last_ns = b->model->last_ns;
	r->events = b->model->events;
	r->mode = b->model->mode;
	r->verify = b->model->verify;
	r->complete = !b->incomplete;
	if (b->incomplete)
		r->incomplete_reason = strdup(b->incomplete);
	return !r->source || (b->incomplete && !r->incomplete_reason) ? -ENOMEM : 0;
}

static int build_excerpt(const struct rs_build *b, struct rs_result *r)
{
	const json_t *excerpt = json_object_get(b->meta, "excerpt");
	struct rs_excerpt_view *v = &r->excerpt;

	if (!json_is_object(excerpt))
		return 0;
	v->of = copy_string(json_object_get(excerpt, "of"));
	v->rule = copy_string(json_object_get(excerpt, "rule"));
	v->text = copy_string(json_object_get(excerpt, "text"));
	if (!v->of)
		v->of = strdup("?");
	return v->of ? 0 : -ENOMEM;
}

static int build_hooks(const struct rs_build *b, struct rs_result *r)
{
	const json_t *plan = json_object_get(b->meta, "plan"), *later, *hook, *why;
	const char *m;
	size_t i;

	/* What was attached only after the begin, or anew. */
	later = json_object_get(b->end, "plan");
	if (later)
		plan = later;

	r->hook = calloc(json_array_size(plan) + 1, sizeof(*r->hook));
	if (!r->hook)
		return -ENOMEM;
	json_array_foreach(plan, i, hook) {
		struct rs_hook_view *v = &r->hook[r->nr_hooks++];
		char text[512] = "";

		v->function = copy_string(json_object_get(hook, "function"));
		if (!v->function)
			v->function = strdup("?");
		v->mechanism = copy_string(json_object_get(hook, "mechanism"));
		json_object_foreach((json_t *)json_object_get(hook, "not"), m, why) {
			size_t at = strlen(text);

			snprintf(text + at, sizeof(text) - at, "%s%s: %s", at ? "; " : "", m,
				 json_string_value(why));
		}
		if (text[0])
			v->reason = strdup(text);
		if (!v->function || (text[0] && !v->reason))
			return -ENOMEM;
	}
	return 0;
}

static int build_command(const struct rs_build *b, struct rs_result *r)
{
	const json_t *argv = json_object_get(b->meta, "command"), *word;
	const json_t *command = json_object_get(b->end, "command");
	char line[1024] = "";
	size_t i;

	if (!json_array_size(argv))
		return 0;
	json_array_foreach(argv, i, word) {
		size_t at = strlen(line);

		snprintf(line + at, sizeof(line) - at, "%s%s", i ? " " : "",
			 json_string_value(word));
	}
	r->command.line = strdup(line);
	r->command.ran = json_is_integer(json_object_get(command, "status"));
	r->command.status = json_integer_value(json_object_get(command, "status"));
	return r->command.line ? 0 : -ENOMEM;
}

static int by_container(const void *a, const void *b)
{
	const struct rs_container_view *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_window(const void *a, const void *b)
{
	const struct rs_window_view *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_ioctx(const void *a, const void *b)
{
	const struct rs_ioctx_view *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_area(const void *a, const void *b)
{
	const struct rs_area_view *x = a, *y = b;

	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	return x->iova.v < y->iova.v ? -1 : x->iova.v > y->iova.v;
}

/* What there is of iommufd; the hand-overs are taken with their requests. */
static void take_ioctxs(struct rs_model *m, struct rs_result *r)
{
	r->ioctx = m->past_ioctx;
	r->nr_ioctxs = m->nr_past_ioctxs;
	r->refusal = m->refusal;
	r->nr_refusals = m->nr_refusals;
	r->area = m->area;
	r->nr_areas = m->nr_areas;
	m->past_ioctx = NULL;
	m->refusal = NULL;
	m->area = NULL;
	m->nr_past_ioctxs = m->nr_refusals = m->nr_areas = 0;
	if (r->nr_ioctxs)
		qsort(r->ioctx, r->nr_ioctxs, sizeof(*r->ioctx), by_ioctx);
	if (r->nr_areas)
		qsort(r->area, r->nr_areas, sizeof(*r->area), by_area);
}

/* The model's books become the result's; the model is left without them. */
static void take_books(struct rs_model *m, struct rs_engine *e, struct rs_result *r)
{
	r->container = m->past;
	r->nr_containers = m->nr_past;
	r->window = m->window;
	r->nr_windows = m->nr_windows;
	r->finding = e->finding;
	r->nr_findings = e->nr;
	m->past = NULL;
	m->window = NULL;
	m->nr_past = m->nr_windows = 0;
	e->finding = NULL;
	e->nr = 0;
	take_ioctxs(m, r);
	if (r->nr_containers)
		qsort(r->container, r->nr_containers, sizeof(*r->container), by_container);
	if (r->nr_windows)
		qsort(r->window, r->nr_windows, sizeof(*r->window), by_window);
}

/* What an excerpt leaves open, the recording may have closed. */
static void drop_open(struct rs_engine *e)
{
	size_t nr = 0;

	for (size_t i = 0; i < e->nr; i++) {
		struct rs_finding *f = &e->finding[i];

		if (f->verdict == RS_VIOLATED) {
			e->finding[nr++] = *f;
			continue;
		}
		rs_finding_free(f);
	}
	e->nr = nr;
	memset(e->unknowns, 0, sizeof(e->unknowns));
}

/* An excerpt shows a violation or nothing at all. */
static int nothing_passes(struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_rules; i++) {
		if (r->rule[i].verdict != RS_PASS)
			continue;
		r->rule[i].verdict = RS_UNKNOWN;
		r->rule[i].reason = strdup("the excerpt does not show that it is violated");
		if (!r->rule[i].reason)
			return -ENOMEM;
	}
	return 0;
}

static void worse(enum rs_verdict *v, enum rs_verdict other)
{
	if (other > *v)
		*v = other;
}

/* The whole's verdict. A COMMAND that failed may not have done what was to be judged. */
static int conclude(struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_rules; i++)
		worse(&r->verdict, r->rule[i].verdict);
	for (size_t i = 0; i < r->nr_budgets; i++)
		worse(&r->verdict, r->budget[i].verdict);
	if (r->verdict == RS_PASS && r->command.ran && r->command.status) {
		r->verdict = RS_UNKNOWN;
		r->verdict_reason = strdup("the command failed, so what was to be judged may not "
					   "have happened");
		if (!r->verdict_reason)
			return -ENOMEM;
	}
	if (r->verdict == RS_PASS && r->excerpt.of) {
		r->verdict = RS_UNKNOWN;
		r->verdict_reason = strdup("it is an excerpt, which can show what it was cut out "
					   "for, and nothing else");
		if (!r->verdict_reason)
			return -ENOMEM;
	}
	return 0;
}

int rs_build_result(struct rs_build *b, struct rs_result **out)
{
	struct rs_result *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	err = build_head(b, r);
	if (!err)
		err = build_excerpt(b, r);
	if (!err)
		err = build_hooks(b, r);
	if (!err)
		err = build_command(b, r);
	if (r->excerpt.of)
		drop_open(b->engine);
	if (!err) {
		take_books(b->model, b->engine, r);
		err = rs_build_losses(b, r);
	}
	if (!err)
		err = rs_build_requests(b->model, r);
	if (!err)
		err = rs_build_updates(b, r);
	if (!err)
		err = rs_build_rules(b, r);
	if (!err && r->excerpt.of)
		err = nothing_passes(r);
	if (!err && b->file)
		err = rs_build_replays(b, r);
	if (!err && b->budget && !r->excerpt.of)
		err = rs_budget_judge(b->budget, r);
	if (!err)
		err = conclude(r);
	if (err) {
		rs_result_free(r);
		return err;
	}
	*out = r;
	return 0;
}
