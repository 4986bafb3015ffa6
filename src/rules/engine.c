// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rules/rules.h"

void rs_engine_init(struct rs_engine *e, const struct rs_rule_table *table)
{
	memset(e, 0, sizeof(*e));
	e->table = table ? *table : (struct rs_rule_table){ rs_rules, rs_nr_rules };
	for (size_t i = 0; i < e->table.nr; i++)
		e->on[i] = true;
}

static __u32 container_id(const struct rs_note *n)
{
	return n->container ? n->container->view.id : n->device->view.container;
}

/* What a finding is about: "c1 range 0x100000 size 0x200000", "d2 0000:00:05.0". */
static int subject(const struct rs_rule *rule, const struct rs_note *n, char *buf, size_t len)
{
	if (rule->scope == RS_SCOPE_DEVICE)
		return snprintf(buf, len, "d%u%s%s ", n->device->view.id,
				n->device->view.name[0] ? " " : "", n->device->view.name);
	if (n->range && n->range->size)
		return snprintf(buf, len, "c%u range 0x%llx size 0x%llx ", container_id(n),
				(unsigned long long)n->range->iova.v,
				(unsigned long long)n->range->size);
	if (n->range)
		return snprintf(buf, len, "c%u range at 0x%llx ", container_id(n),
				(unsigned long long)n->range->iova.v);
	return snprintf(buf, len, "c%u ", container_id(n));
}

static struct rs_event *copy_event(const struct rs_event *ev)
{
	struct rs_event *copy = malloc(ev->size);

	if (copy)
		memcpy(copy, ev, ev->size);
	return copy;
}

/* Unless it is there already: two notes can come from one event, a remap and what it pinned. */
static int add_event(struct rs_finding *f, const struct rs_event *ev)
{
	for (size_t i = 0; ev && i < f->nr_events; i++)
		if (f->event[i]->seq == ev->seq && f->event[i]->cpu == ev->cpu)
			return 0;
	if (!ev)
		return 0;
	f->event[f->nr_events] = copy_event(ev);
	return f->event[f->nr_events++] ? 0 : -ENOMEM;
}

static int take_excerpt(struct rs_finding *f, const struct rs_note *n, const struct rs_slot *s)
{
	int err = 0;

	f->event = calloc(s->nr + 2, sizeof(*f->event));
	if (!f->event)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr && !err; i++)
		err = add_event(f, &s->trail[i]->ev);
	if (!err)
		err = add_event(f, n->proof);
	return err ? err : add_event(f, n->ev);
}

static int find(struct rs_engine *e, size_t which, const struct rs_transition *t,
		const struct rs_note *n, const struct rs_slot *s)
{
	const struct rs_rule *rule = &e->table.rule[which];
	enum rs_verdict verdict = t->to == RS_TO_VIOLATED ? RS_VIOLATED : RS_UNKNOWN;
	struct rs_finding *f;
	char text[512];
	__u64 nr;
	int at;

	nr = verdict == RS_VIOLATED ? ++e->violations[which] : ++e->unknowns[which];
	if (nr > RS_FINDINGS_MAX)
		return 0;
	f = rs_grow(e->finding, e->nr, sizeof(*f));
	if (!f)
		return -ENOMEM;
	e->finding = f;
	f += e->nr++;
	*f = (struct rs_finding){
		.rule = rule->id,
		.verdict = verdict,
		.at_ns = n->ts,
		.container = container_id(n),
		.window = n->container && n->container->window ? n->container->window->view.id : 0,
	};
	at = subject(rule, n, text, sizeof(text));
	t->say(n, s, text + at, sizeof(text) - at);
	f->text = strdup(text);
	f->expected = strdup(rule->expected);
	if (!f->text || !f->expected)
		return -ENOMEM;
	return take_excerpt(f, n, s);
}

static void forget_trail(struct rs_slot *s)
{
	while (s->nr)
		rs_drop(s->trail[--s->nr]);
}

/* @kept: the note's event, copied for the first trail that wants it and shared by the others. */
static int remember(struct rs_slot *s, const struct rs_note *n, struct rs_kept **kept)
{
	if (!n->ev)
		return 0;
	if (!*kept)
		*kept = rs_keep(n->ev);
	if (!s->trail)
		s->trail = calloc(RS_TRAIL_MAX, sizeof(struct rs_kept *));
	if (!*kept || !s->trail)
		return -ENOMEM;
	if (s->nr == RS_TRAIL_MAX) {
		/* No rule of today gets here: they forget what no longer matters. */
		rs_drop(s->trail[0]);
		memmove(s->trail, s->trail + 1, (RS_TRAIL_MAX - 1) * sizeof(*s->trail));
		s->nr--;
	}
	(*kept)->refs++;
	s->trail[s->nr++] = *kept;
	return 0;
}

static int step(struct rs_engine *e, size_t which, struct rs_note *n, struct rs_slot *s,
		struct rs_kept **kept)
{
	const struct rs_rule *rule = &e->table.rule[which];

	for (size_t i = 0; i < rule->nr_arrows; i++) {
		const struct rs_transition *t = &rule->arrow[i];
		int err = 0;

		if (t->from != s->state || t->on != n->type || (t->guard && !t->guard(n, s)))
			continue;
		if (!s->used) {
			s->used = true;
			e->instances[which]++;
		}
		if (t->to >= RS_TO_UNKNOWN)
			err = find(e, which, t, n, s);
		if (t->to == 0 || (t->to & RS_ANEW))
			forget_trail(s);
		s->state = t->to >= RS_TO_UNKNOWN ? 0 : t->to & ~(RS_ANEW | RS_MUTE);
		s->since = n->ts;
		/* What led here is kept: also an event that made the range what it is. */
		if (err || !s->state || (t->to & RS_MUTE))
			return err;
		return remember(s, n, kept);
	}
	return 0;
}

static struct rs_object *object_of(const struct rs_rule *rule, const struct rs_note *n)
{
	switch (rule->scope) {
	case RS_SCOPE_RANGE:
		return n->range ? &n->range->obj : NULL;
	case RS_SCOPE_CONTAINER:
		return n->container ? &n->container->obj : NULL;
	case RS_SCOPE_DEVICE:
		return n->device ? &n->device->obj : NULL;
	}
	return NULL;
}

int rs_engine_note(struct rs_engine *e, struct rs_note *n)
{
	struct rs_kept *kept = NULL;
	int err = 0;

	for (size_t i = 0; i < e->table.nr && !err; i++) {
		struct rs_object *o;

		if (!e->on[i])
			continue;
		o = object_of(&e->table.rule[i], n);
		if (o)
			err = step(e, i, n, &o->slot[i], &kept);
	}
	rs_drop(kept);
	return err;
}

void rs_engine_free(struct rs_engine *e)
{
	for (size_t i = 0; i < e->nr; i++) {
		for (size_t k = 0; k < e->finding[i].nr_events; k++)
			free(e->finding[i].event[k]);
		free(e->finding[i].event);
		free(e->finding[i].text);
		free(e->finding[i].expected);
	}
	free(e->finding);
}
