// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/ioctx.h"
#include "model/irqs.h"
#include "rules/rules.h"

int rs_engine_init(struct rs_engine *e, const struct rs_rule_table *table)
{
	memset(e, 0, sizeof(*e));
	e->findings_max = RS_FINDINGS_MAX;
	e->table = table ? *table : (struct rs_rule_table){ rs_rules, rs_nr_rules };
	e->clock = calloc(e->table.nr * RS_STATES_MAX, sizeof(*e->clock));
	if (!e->clock)
		return -ENOMEM;
	for (size_t i = 0; i < e->table.nr; i++) {
		e->on[i] = true;
		for (__u8 k = 0; k < RS_STATES_MAX; k++) {
			struct rs_clock *c = &e->clock[e->nr_clocks];

			if (!e->table.rule[i].within[k].ns)
				continue;
			*c = (struct rs_clock){ .rule = i, .state = k };
			c->due.prev = c->due.next = &c->due;
			e->nr_clocks++;
		}
	}
	return 0;
}

static __u32 container_id(const struct rs_note *n)
{
	if (n->container)
		return n->container->view.id;
	/* A context's: its first ioas, by which losses are known to be of it. */
	if (n->ioctx)
		return n->ioctx->nr ? n->ioctx->ioas[0]->view.id : 0;
	return n->device ? n->device->view.container : 0;
}

static const struct rs_ioctx *ioctx_of(const struct rs_note *n)
{
	return n->ioctx ? n->ioctx : n->container ? n->container->ioctx : NULL;
}

/* A request that takes several ranges down one by one: the id of it. */
static __u64 request_of(const struct rs_event *ev)
{
	struct rs_ev_remove x;

	if (!ev || ev->type != RS_EV_REMOVE)
		return 0;
	rs_event_read(&x, sizeof(x), ev);
	return x.req;
}

static int request_subject(const struct rs_note *n, char *buf, size_t len)
{
	const struct rs_ev_wait *x = &n->waiter->ev;
	int at = snprintf(buf, len, "c%u ", n->container->view.id);

	if (n->device)
		at += snprintf(buf + at, len - at, "d%u ", n->device->view.id);
	return at + snprintf(buf + at, len - at, "%s of 0x%llx bytes at iova 0x%llx ",
			     rs_request_name(x->request), (unsigned long long)x->len,
			     (unsigned long long)x->iova.v);
}

/*
 * What a finding is about: "c1 range 0x100000 size 0x200000", "d2 0000:00:05.0", "u1 c1", "d2 MSI-X vector 3:".
 * @object: where the name of what can be one of several begins; 0: it cannot
 */
static int subject(const struct rs_rule *rule, const struct rs_note *n, char *buf, size_t len,
		   __u32 *object)
{
	int at = 0;

	*object = 0;
	if (rule->scope == RS_SCOPE_IRQ) {
		if (n->device)
			at = snprintf(buf, len, "d%u%s%s ", n->device->view.id,
				      n->device->view.name[0] ? " " : "", n->device->view.name);
		else if (n->update)
			at = snprintf(buf, len, "u%u ", n->update->view.id);
		*object = at;
		at += rs_irq_name(n->irq, buf + at, len - at);
		return at + snprintf(buf + at, len - at, ": ");
	}
	if (rule->scope == RS_SCOPE_REQUEST)
		return request_subject(n, buf, len);
	/* Also what is said of a range, when it is meant of all that its context has. */
	if (n->ioctx)
		return snprintf(buf, len, "i%u ", n->ioctx->view.id);
	if (rule->scope == RS_SCOPE_DEVICE)
		return snprintf(buf, len, "d%u%s%s ", n->device->view.id,
				n->device->view.name[0] ? " " : "", n->device->view.name);
	if (rule->scope == RS_SCOPE_UPDATE)
		at += snprintf(buf, len, "u%u ", n->update->view.id);
	if (n->container)
		at += snprintf(buf + at, len - at, "c%u ", n->container->view.id);
	if (rule->scope == RS_SCOPE_RANGE)
		*object = at;
	if (n->range && n->range->size)
		at += snprintf(buf + at, len - at, "range 0x%llx size 0x%llx ",
			       (unsigned long long)n->range->iova.v,
			       (unsigned long long)n->range->size);
	else if (n->range)
		at += snprintf(buf + at, len - at, "range at 0x%llx ",
			       (unsigned long long)n->range->iova.v);
	return at;
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
	struct rs_event *copy;
	size_t at;

	for (size_t i = 0; ev && i < f->nr_events; i++)
		if (f->event[i]->seq == ev->seq && f->event[i]->cpu == ev->cpu)
			return 0;
	if (!ev)
		return 0;
	copy = copy_event(ev);
	if (!copy)
		return -ENOMEM;
	/* How a vCPU was at an invalidation is told before it, and proves what is noted after it. */
	for (at = f->nr_events++; at && f->event[at - 1]->ts > ev->ts; at--)
		f->event[at] = f->event[at - 1];
	f->event[at] = copy;
	return 0;
}

static int take_excerpt(struct rs_finding *f, const struct rs_note *n, const struct rs_slot *s)
{
	int err = 0;

	f->event = calloc(RS_TRAIL_MAX + 2, sizeof(*f->event));
	if (!f->event)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr && !err; i++) {
		const struct rs_taken *t = &s->trail[i];

		/* An excerpt is short: what belongs to an event stays out if that makes it too long. */
		if (t->proof && 2 * s->nr <= RS_TRAIL_MAX)
			err = add_event(f, &t->proof->ev);
		if (!err)
			err = add_event(f, &t->kept->ev);
	}
	if (!err)
		err = add_event(f, n->proof);
	return err ? err : add_event(f, n->ev);
}

static struct rs_finding_step a_step(const struct rs_rule *rule, const struct rs_transition *t,
				     __u64 ts)
{
	return (struct rs_finding_step){ rule->state[t->from], rs_note_name(t->on),
					 t->guard ? t->guard->text : NULL, ts };
}

/* The arrows of the trail, and @last, which led to the finding. */
static int take_path(struct rs_finding *f, const struct rs_rule *rule, const struct rs_slot *s,
		     const struct rs_finding_step *last)
{
	f->step = calloc(s->nr + 1, sizeof(*f->step));
	if (!f->step)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr; i++) {
		const struct rs_transition *t = &rule->arrow[s->trail[i].arrow];

		f->step[f->nr_steps++] = a_step(rule, t, s->trail[i].kept->ev.ts);
	}
	f->step[f->nr_steps++] = *last;
	return 0;
}

/* Of what the list has no room for, it is still said how much of it is one with what is listed. */
static void join_listed(struct rs_engine *e, const struct rs_finding *f)
{
	for (size_t i = e->nr; i-- > 0;) {
		if (!rs_finding_joins(&e->finding[i], f))
			continue;
		e->finding[i].objects++;
		return;
	}
}

static int name_range(struct rs_finding *f, const struct rs_range *r)
{
	f->range = rs_grow(NULL, 0, sizeof(*f->range));
	if (!f->range)
		return -ENOMEM;
	f->range[f->nr_ranges++] = (struct rs_finding_range){ r->iova, r->size };
	return 0;
}

static int find(struct rs_engine *e, size_t which, enum rs_verdict verdict, rs_say_fn say,
		struct rs_finding_step *last, const struct rs_note *n, const struct rs_slot *s)
{
	const struct rs_rule *rule = &e->table.rule[which];
	const struct rs_ioctx *x = ioctx_of(n);
	char text[512];
	struct rs_finding *f, found = {
		.rule = rule->id,
		.verdict = verdict,
		.at_ns = n->ts,
		.container = container_id(n),
		.window = n->container && n->container->window ? n->container->window->view.id : 0,
		.device = n->device ? n->device->view.id : 0,
		.ioctx = x ? x->view.id : 0,
		.handover = x && x->change ? x->change->view.id : 0,
		.whole = n->ioctx,
		.request = request_of(n->ev),
		.objects = 1,
		.text = text,
		.step = last,
		.nr_steps = 1,
	};
	__u64 nr;
	int err;

	nr = verdict == RS_VIOLATED ? ++e->violations[which] : ++e->unknowns[which];
	found.prefix = subject(rule, n, text, sizeof(text), &found.object);
	say(n, s, text + found.prefix, sizeof(text) - found.prefix);
	if (nr > e->findings_max) {
		join_listed(e, &found);
		return 0;
	}
	f = rs_grow(e->finding, e->nr, sizeof(*f));
	if (!f)
		return -ENOMEM;
	e->finding = f;
	f += e->nr++;
	*f = found;
	f->step = NULL;
	f->nr_steps = 0;
	f->text = strdup(text);
	f->expected = strdup(x && rule->expected_ioas ? rule->expected_ioas : rule->expected);
	if (!f->text || !f->expected)
		return -ENOMEM;
	err = rule->scope == RS_SCOPE_RANGE && n->range && !n->ioctx ? name_range(f, n->range) : 0;
	if (!err)
		err = take_path(f, rule, s, last);
	return err ? err : take_excerpt(f, n, s);
}

static void forget_trail(struct rs_slot *s)
{
	while (s->nr)
		rs_taken_drop(&s->trail[--s->nr]);
}

/* @kept: the note's event, copied for the first trail that wants it and shared by the others. */
static int remember(struct rs_slot *s, size_t arrow, const struct rs_note *n, struct rs_kept **kept)
{
	struct rs_taken *t;

	if (!n->ev)
		return 0;
	if (!*kept)
		*kept = rs_keep(n->ev);
	if (!*kept)
		return -ENOMEM;
	if (s->nr == RS_TRAIL_MAX) {
		/* No rule of today gets here: they forget what no longer matters. */
		rs_taken_drop(&s->trail[0]);
		memmove(s->trail, s->trail + 1, --s->nr * sizeof(*s->trail));
	} else {
		/* By two: most trails are one or two arrows long, and there are many. */
		t = s->nr % 2 ? s->trail : realloc(s->trail, (s->nr + 2) * sizeof(*t));
		if (!t)
			return -ENOMEM;
		s->trail = t;
	}
	t = &s->trail[s->nr];
	*t = (struct rs_taken){ .arrow = arrow, .proof = n->proof ? rs_keep(n->proof) : NULL };
	if (n->proof && !t->proof)
		return -ENOMEM;
	t->kept = *kept;
	t->kept->refs++;
	s->nr++;
	return 0;
}

/* The instance has come into a state: does a clock run there? */
static int start_timer(struct rs_engine *e, size_t which, struct rs_object *o)
{
	struct rs_slot *s = &o->slot[which];
	struct rs_clock *c = e->clock;
	struct rs_timer *t;

	rs_timer_stop(s);
	while (c < e->clock + e->nr_clocks && (c->rule != which || c->state != s->state))
		c++;
	if (c == e->clock + e->nr_clocks)
		return 0;
	t = malloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	/* Time does not go back, so that whoever comes last is due last. */
	*t = (struct rs_timer){
		.prev = c->due.prev,
		.next = &c->due,
		.obj = o,
		.at = e->now + e->table.rule[which].within[s->state].ns,
	};
	t->prev->next = t->next->prev = t;
	s->timer = t;
	return 0;
}

static int step(struct rs_engine *e, size_t which, struct rs_note *n, struct rs_object *o,
		struct rs_kept **kept)
{
	const struct rs_rule *rule = &e->table.rule[which];
	struct rs_slot *s = &o->slot[which];

	for (size_t i = 0; i < rule->nr_arrows; i++) {
		const struct rs_transition *t = &rule->arrow[i];
		int err = 0;

		if (t->from != s->state || t->on != n->type || (t->guard && !t->guard->holds(n, s)))
			continue;
		if (!s->used) {
			s->used = true;
			e->instances[which]++;
		}
		if (t->to >= RS_TO_UNKNOWN) {
			struct rs_finding_step last = a_step(rule, t, n->ts);

			err = find(e, which, t->to == RS_TO_VIOLATED ? RS_VIOLATED : RS_UNKNOWN,
				   t->say, &last, n, s);
		}
		s->state = t->to >= RS_TO_UNKNOWN ? 0 : t->to & ~(RS_ANEW | RS_MUTE);
		if (!s->state || (t->to & (RS_ANEW | RS_MUTE)))
			forget_trail(s);
		if (!err)
			err = start_timer(e, which, o);
		/* What led here is kept: also an event that made the range what it is. */
		if (err || !s->state || (t->to & RS_MUTE))
			return err;
		return remember(s, i, n, kept);
	}
	return 0;
}

static struct rs_note note_of(enum rs_scope scope, struct rs_object *o)
{
	struct rs_note n = { .type = RS_N_NR };

	switch (scope) {
	case RS_SCOPE_RANGE:
		n.range = (struct rs_range *)o;
		n.container = n.range->container;
		break;
	case RS_SCOPE_CONTAINER:
		n.container = (struct rs_container *)o;
		break;
	case RS_SCOPE_DEVICE:
		n.device = (struct rs_device *)o;
		break;
	case RS_SCOPE_UPDATE:
		n.update = (struct rs_update *)o;
		break;
	case RS_SCOPE_IRQ:
		n.irq = (struct rs_irq *)o;
		break;
	case RS_SCOPE_REQUEST:
		n.waiter = (struct rs_waiter *)o;
		n.container = n.waiter->container;
		n.device = n.waiter->device;
		break;
	case RS_SCOPE_IOCTX:
		n.ioctx = (struct rs_ioctx *)o;
		break;
	default:
		n.mm = (struct rs_mm *)o;
	}
	return n;
}

/* It has been in its state for too long. */
static int expire(struct rs_engine *e, const struct rs_clock *c, struct rs_timer *t)
{
	const struct rs_rule *rule = &e->table.rule[c->rule];
	const struct rs_invariant *within = &rule->within[c->state];
	struct rs_finding_step last = { rule->state[c->state], "time", within->text, t->at };
	struct rs_note n = note_of(rule->scope, t->obj);
	struct rs_slot *s = &t->obj->slot[c->rule];
	int err;

	n.ts = t->at;
	err = find(e, c->rule, RS_VIOLATED, within->say, &last, &n, s);
	rs_timer_stop(s);
	s->state = 0;
	forget_trail(s);
	return err;
}

int rs_engine_time(struct rs_engine *e, __u64 ts)
{
	int err = 0;

	while (!err) {
		const struct rs_clock *c, *first = NULL;

		for (c = e->clock; c < e->clock + e->nr_clocks; c++)
			if (c->due.next != &c->due && c->due.next->at < ts &&
			    (!first || c->due.next->at < first->due.next->at))
				first = c;
		if (!first)
			break;
		err = expire(e, first, first->due.next);
	}
	if (ts > e->now)
		e->now = ts;
	return err;
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
	case RS_SCOPE_UPDATE:
		return n->update ? &n->update->obj : NULL;
	case RS_SCOPE_IRQ:
		return n->irq ? &n->irq->obj : NULL;
	case RS_SCOPE_REQUEST:
		return n->waiter ? &n->waiter->obj : NULL;
	case RS_SCOPE_IOCTX:
		return n->ioctx ? &n->ioctx->obj : NULL;
	default:
		return n->mm ? &n->mm->obj : NULL;
	}
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
			err = step(e, i, n, o, &kept);
	}
	rs_drop(kept);
	return err;
}

void rs_engine_free(struct rs_engine *e)
{
	for (size_t i = 0; i < e->nr; i++)
		rs_finding_free(&e->finding[i]);
	free(e->finding);
	free(e->clock);
}
