// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rules/rules.h"

void rs_engine_init(struct rs_engine *e)
{
	memset(e, 0, sizeof(*e));
	for (size_t i = 0; i < rs_nr_rules; i++)
		e->on[i] = true;
}

/* What a finding is about: "c1 range 0x100000+2 MiB". */
static int subject(const struct rs_note *n, char *buf, size_t len)
{
	if (n->range)
		return snprintf(buf, len, "c%u range 0x%llx size 0x%llx ", n->container->view.id,
				(unsigned long long)n->range->iova.v,
				(unsigned long long)n->range->size);
	return snprintf(buf, len, "c%u ", n->container->view.id);
}

static struct rs_event *copy_event(const struct rs_event *ev)
{
	struct rs_event *copy = malloc(ev->size);

	if (copy)
		memcpy(copy, ev, ev->size);
	return copy;
}

static int take_excerpt(struct rs_finding *f, const struct rs_note *n, const struct rs_slot *s)
{
	f->event = calloc(s->nr + 1, sizeof(*f->event));
	if (!f->event)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr; i++) {
		f->event[f->nr_events] = copy_event(&s->trail[i]->ev);
		if (!f->event[f->nr_events++])
			return -ENOMEM;
	}
	/* Two notes can come from one event: a remap, and what it pinned. */
	if (!n->ev || (s->nr && s->trail[s->nr - 1]->ev.seq == n->ev->seq &&
		       s->trail[s->nr - 1]->ev.cpu == n->ev->cpu))
		return 0;
	f->event[f->nr_events] = copy_event(n->ev);
	return f->event[f->nr_events++] ? 0 : -ENOMEM;
}

static int find(struct rs_engine *e, size_t which, const struct rs_transition *t,
		const struct rs_note *n, const struct rs_slot *s)
{
	const struct rs_rule *rule = &rs_rules[which];
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
		.container = n->container->view.id,
		.window = n->container->window ? n->container->window->view.id : 0,
	};
	at = subject(n, text, sizeof(text));
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
	const struct rs_rule *rule = &rs_rules[which];

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
		s->state = t->to >= RS_TO_UNKNOWN ? 0 : t->to & ~RS_ANEW;
		s->since = n->ts;
		/* What led here is kept: also an event that made the range what it is. */
		return err ? err : s->state ? remember(s, n, kept) : 0;
	}
	return 0;
}

int rs_engine_note(struct rs_engine *e, struct rs_note *n)
{
	struct rs_kept *kept = NULL;
	int err = 0;

	for (size_t i = 0; i < rs_nr_rules && !err; i++) {
		struct rs_object *o = NULL;

		if (!e->on[i])
			continue;
		if (rs_rules[i].scope == RS_SCOPE_CONTAINER)
			o = &n->container->obj;
		else if (n->range)
			o = &n->range->obj;
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
