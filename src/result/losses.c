// SPDX-License-Identifier: GPL-2.0-only
/* What is missing from a recording, when it went missing, and what that does to the verdicts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "result/build.h"

static const struct {
	const char *kind; /* as in the trace's END */
	const char *what;
} kinds[] = {
	{ "context", "requests for which the kernel had no task storage" },
	{ "depth", "requests whose begin or end was missed" },
	{ "walk", "walks over a container's ranges that ended early" },
	{ "owners", "processes or containers beyond what the recorder can hold" },
	{ "recursion", "calls of a hook that the kernel skipped" },
	{ "statistics", "requests beyond what the recorder can count by device and path" },
};

static struct rs_loss_view *add_loss(struct rs_result *r)
{
	struct rs_loss_view *grown = rs_grow(r->loss, r->nr_losses, sizeof(*grown));

	if (!grown)
		return NULL;
	r->loss = grown;
	grown += r->nr_losses++;
	*grown = (struct rs_loss_view){ 0 };
	return grown;
}

static int add_counted(struct rs_result *r, const json_t *o)
{
	const char *kind = json_string_value(json_object_get(o, "kind"));
	const char *what = "losses of a kind that this version does not know";
	struct rs_loss_view *v;

	/* Full rings show as holes in the sequence numbers, which say when. */
	if (kind && !strcmp(kind, "ring"))
		return 0;
	for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].kind, kind))
			what = kinds[i].what;
	v = add_loss(r);
	if (!v)
		return -ENOMEM;
	snprintf(v->what, sizeof(v->what), "%s", what);
	v->any_cpu = !json_object_get(o, "cpu");
	v->cpu = json_integer_value(json_object_get(o, "cpu"));
	v->count = json_integer_value(json_object_get(o, "count"));
	v->from_ns = json_integer_value(json_object_get(o, "first_ns"));
	v->to_ns = json_integer_value(json_object_get(o, "last_ns"));
	return 0;
}

static int add_plain(struct rs_result *r, const char *what, __u64 count, __u64 from, __u64 to)
{
	struct rs_loss_view *v = add_loss(r);

	if (!v)
		return -ENOMEM;
	snprintf(v->what, sizeof(v->what), "%s", what);
	v->any_cpu = true;
	v->count = count;
	v->from_ns = from;
	v->to_ns = to;
	return 0;
}

/* Requests without a record, beyond those of which the record is known to be lost. */
static __u64 unrecorded(const struct rs_build *b)
{
	__u64 missing = b->model->unrecorded, lost = 0;
	const struct rs_hole *hole;
	size_t nr = rs_order_holes(b->order, &hole);

	for (size_t i = 0; i < nr; i++)
		lost += hole[i].count;
	return !b->incomplete && missing > lost ? missing - lost : 0;
}

int rs_build_losses(const struct rs_build *b, struct rs_result *r)
{
	const struct rs_hole *hole;
	size_t nr = rs_order_holes(b->order, &hole), i;
	const json_t *o;
	int err = 0;

	for (i = 0; i < nr && !err; i++) {
		struct rs_loss_view *v;

		if (!hole[i].count)
			continue;
		v = add_loss(r);
		if (!v)
			return -ENOMEM;
		snprintf(v->what, sizeof(v->what), "records that found no room in the ring buffer");
		v->cpu = hole[i].cpu;
		v->count = hole[i].count;
		v->from_ns = hole[i].from_ns ? hole[i].from_ns : r->first_ns;
		v->to_ns = hole[i].to_ns ? hole[i].to_ns : r->last_ns;
	}
	json_array_foreach(json_object_get(b->end, "loss"), i, o) {
		if (!err)
			err = add_counted(r, o);
	}
	if (!err && rs_order_late(b->order))
		err = add_plain(r, "records that came too late to be put in order",
				rs_order_late(b->order), 0, 0);
	if (!err && b->model->incomplete)
		err = add_plain(r, "requests of which parts are missing", b->model->incomplete, 0,
				0);
	if (!err && b->model->unseen)
		err = add_plain(r, "ranges that lost their vaddr before the recording",
				b->model->unseen, 0, 0);
	if (!err && unrecorded(b))
		err = add_plain(r, "requests that were counted but not recorded", unrecorded(b), 0,
				0);
	if (!err && b->model->unread)
		err = add_plain(r, "records of a kind that this version does not know",
				b->model->unread, 0, 0);
	if (!err && b->incomplete)
		err = add_plain(r, "the end of the recording", 0, b->model->last_ns, UINT64_MAX);
	return err;
}

/* The least that a container writes in its life: process, open, attach, map, release. */
#define RECORDS_OF_A_CONTAINER 5

/*
 * Could the loss have hidden anything? In a known container's life, yes; elsewhere only if it is
 * large enough for a container of which nothing was seen at all.
 */
static bool loss_matters(const struct rs_result *r, const struct rs_loss_view *v)
{
	if ((!v->from_ns && !v->to_ns) || !v->count || v->count >= RECORDS_OF_A_CONTAINER)
		return true;
	for (size_t i = 0; i < r->nr_containers; i++) {
		const struct rs_container_view *c = &r->container[i];

		/* One that lived on, or whose birth nobody saw, has no bound on that side. */
		if ((!c->released_ns || v->from_ns <= c->released_ns) &&
		    (!(c->born || c->found) || v->to_ns >= c->since_ns))
			return true;
	}
	return false;
}

static const char *missing_hook(const struct rs_result *r, const struct rs_rule *rule)
{
	for (size_t n = 0; n < sizeof(rule->needs) / sizeof(rule->needs[0]); n++) {
		bool attached = false;

		if (!rule->needs[n])
			break;
		for (size_t i = 0; i < r->nr_hooks; i++)
			if (r->hook[i].mechanism && !strcmp(r->hook[i].function, rule->needs[n]))
				attached = true;
		if (!attached)
			return rule->needs[n];
	}
	return NULL;
}

static size_t rule_of(const struct rs_build *b, const struct rs_finding *f)
{
	size_t which = 0;

	while (b->engine->table.rule[which].id != f->rule)
		which++;
	return which;
}

/*
 * Was something lost in the life of the finding's container before it was found? Then what looks
 * wrong may only be what is missing.
 */
static const struct rs_loss_view *doubt(const struct rs_build *b, const struct rs_result *r,
					const struct rs_finding *f)
{
	const struct rs_container_view *c = NULL;

	for (size_t i = 0; i < r->nr_containers; i++)
		if (r->container[i].id == f->container)
			c = &r->container[i];
	for (size_t i = 0; i < r->nr_losses; i++) {
		const struct rs_loss_view *v = &r->loss[i];

		if (!v->from_ns && !v->to_ns) {
			if (b->engine->table.rule[rule_of(b, f)].sums)
				return v;
			continue;
		}
		if (v->from_ns <= f->at_ns &&
		    (!c || !(c->born || c->found) || v->to_ns >= c->since_ns))
			return v;
	}
	return NULL;
}

static int doubt_findings(const struct rs_build *b, struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_findings; i++) {
		struct rs_finding *f = &r->finding[i];
		char *text;

		if (f->verdict != RS_VIOLATED || !doubt(b, r, f))
			continue;
		if (asprintf(&text, "%s (or so it seems: records are missing)", f->text) < 0)
			return -ENOMEM;
		free(f->text);
		f->text = text;
		f->verdict = RS_UNKNOWN;
		b->engine->violations[rule_of(b, f)]--;
		b->engine->unknowns[rule_of(b, f)]++;
	}
	return 0;
}

static int judge_rule(const struct rs_build *b, struct rs_result *r, size_t which,
		      const struct rs_loss_view *loss)
{
	const struct rs_rule *rule = &b->engine->table.rule[which];
	struct rs_rule_view *v = &r->rule[r->nr_rules++];
	const char *missing = missing_hook(r, rule);
	char reason[256] = "";

	*v = (struct rs_rule_view){
		.id = rule->id,
		.severity = rule->severity,
		.sentence = rule->sentence,
		.instances = b->engine->instances[which],
		.findings = b->engine->violations[which] + b->engine->unknowns[which],
	};
	if (b->engine->violations[which]) {
		v->verdict = RS_VIOLATED;
		return 0;
	}
	if (b->engine->unknowns[which])
		snprintf(reason, sizeof(reason), "%llu of its objects could not be judged",
			 (unsigned long long)b->engine->unknowns[which]);
	else if (missing)
		snprintf(reason, sizeof(reason), "%s could not be hooked", missing);
	else if (loss && !loss->count)
		snprintf(reason, sizeof(reason), "%s is missing", loss->what);
	else if (loss)
		snprintf(reason, sizeof(reason), "lost: %llu %s", (unsigned long long)loss->count,
			 loss->what);
	if (!reason[0])
		return 0;
	v->verdict = RS_UNKNOWN;
	v->reason = strdup(reason);
	return v->reason ? 0 : -ENOMEM;
}

int rs_build_rules(const struct rs_build *b, struct rs_result *r)
{
	const struct rs_loss_view *loss = NULL;
	int err;

	err = doubt_findings(b, r);
	for (size_t i = 0; i < r->nr_losses && !loss; i++)
		if (loss_matters(r, &r->loss[i]))
			loss = &r->loss[i];
	r->rule = calloc(b->engine->table.nr, sizeof(*r->rule));
	if (!r->rule)
		return -ENOMEM;
	for (size_t i = 0; i < b->engine->table.nr && !err; i++)
		if (b->engine->on[i])
			err = judge_rule(b, r, i, loss);
	return err;
}
