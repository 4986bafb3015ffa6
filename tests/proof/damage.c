// SPDX-License-Identifier: GPL-2.0-only
/* What can happen to records on their way: the truth is what they were before. */
#include <stdlib.h>
#include <string.h>
#include "synth_internal.h"
#include "proof.h"

static void keep(struct proof_trace *t,
		 bool (*lost)(const struct rs_event *, size_t, size_t, __u64), size_t at, __u64 arg)
{
	size_t nr = 0;

	for (size_t i = 0; i < t->nr_sent; i++)
		/* What the kernel counted does not go through the ring. */
		if (t->sent[i].ev->type == RS_EV_STATS || !lost(t->sent[i].ev, i, at, arg))
			t->sent[nr++] = t->sent[i];
	t->nr_sent = nr;
}

static bool is_at(const struct rs_event *ev, size_t i, size_t at, __u64 nr)
{
	(void)ev;
	return i >= at && i - at < nr;
}

static bool is_of_cpu(const struct rs_event *ev, size_t i, size_t at, __u64 cpu)
{
	return ev->cpu == cpu && i >= at && i - at < 50;
}

static bool lose_one(struct proof_trace *t, struct proof_rng *r)
{
	keep(t, is_at, proof_below(r, t->nr_sent), 1);
	return true;
}

static bool lose_some(struct proof_trace *t, struct proof_rng *r)
{
	keep(t, is_at, proof_below(r, t->nr_sent), 1 + proof_below(r, 40));
	return true;
}

static bool lose_of_cpu(struct proof_trace *t, struct proof_rng *r)
{
	size_t at = proof_below(r, t->nr_sent);

	keep(t, is_of_cpu, at, t->sent[at].ev->cpu);
	return true;
}

static bool lose_last(struct proof_trace *t, struct proof_rng *r)
{
	keep(t, is_at, proof_below(r, t->nr_sent), t->nr_sent);
	return true;
}

/* Whose the recorder says it is: all that have a container have it in the same place. 0: nobody's */
static __u64 container_of(const struct proof_trace *t, const struct rs_event *ev)
{
	const struct rs_ev_range *x = (const void *)ev;

	switch (ev->type) {
	case RS_EV_PROC:
	case RS_EV_FORK:
	case RS_EV_EXEC:
	case RS_EV_EXIT:
	case RS_EV_VCPU:
	case RS_EV_VM:
	case RS_EV_IRQ:
		return 0;
	case RS_EV_BACKING:
		/* It knows it from the range. */
		for (size_t i = 0; i < t->nr; i++) {
			const struct rs_ev_range *r = (const void *)t->ev[i];

			if (r->h.type == RS_EV_RANGE && r->req == x->req)
				return r->container;
		}
		return 0;
	default:
		return x->container;
	}
}

/* Nothing comes of one container, wherever it was on the way. */
static bool lose_container(struct proof_trace *t, struct proof_rng *r)
{
	__u64 key = container_of(t, t->sent[proof_below(r, t->nr_sent)].ev);
	size_t nr = 0;

	for (size_t i = 0; i < t->nr_sent; i++) {
		const struct rs_event *ev = t->sent[i].ev;

		if (ev->type == RS_EV_STATS || !key || container_of(t, ev) != key)
			t->sent[nr++] = t->sent[i];
	}
	t->nr_sent = nr;
	return true;
}

static bool arrives(const struct proof_trace *t, const struct rs_event *ev)
{
	for (size_t i = 0; i < t->nr_sent; i++)
		if (t->sent[i].ev == ev)
			return true;
	return false;
}

static void count_in_row(json_t *row, const struct rs_event *ev)
{
	json_int_t count = json_integer_value(json_object_get(row, "count"));

	if (!count)
		json_object_set_new(row, "first_ns", json_integer(ev->ts));
	json_object_set_new(row, "last_ns", json_integer(ev->ts));
	json_object_set_new(row, "count", json_integer(count + 1));
}

/* The recorder's own book: a row for each container and type, as bpf/stats.bpf.c keeps it. */
static void tell_lost(struct proof_trace *t)
{
	json_t *book = json_array(), *ring = json_pack("{s:s, s:i}", "kind", "ring", "cpu", 0);

	MUST(book && ring);
	for (size_t i = 0; i < t->nr; i++) {
		const struct rs_event *ev = t->ev[i];
		__u64 key = container_of(t, ev);
		json_t *row = NULL;
		char name[32];

		if (arrives(t, ev))
			continue;
		snprintf(name, sizeof(name), "0x%llx", (unsigned long long)key);
		for (size_t k = 0; k < json_array_size(book) && !row; k++) {
			const char *whose;

			row = json_array_get(book, k);
			whose = json_string_value(json_object_get(row, "container"));
			if (json_integer_value(json_object_get(row, "type")) != ev->type ||
			    (key ? !whose || strcmp(whose, name) : whose != NULL))
				row = NULL;
		}
		if (!row) {
			row = json_pack("{s:o, s:i}", "container",
					key ? json_string(name) : json_null(), "type", ev->type);
			MUST(!json_array_append_new(book, row));
		}
		count_in_row(row, ev);
		count_in_row(ring, ev);
	}
	if (json_object_get(ring, "count"))
		json_array_append(json_object_get(t->end, "loss"), ring);
	json_decref(ring);
	json_object_set_new(t->end, "lost", book);
}

static bool lose_some_told(struct proof_trace *t, struct proof_rng *r)
{
	lose_some(t, r);
	tell_lost(t);
	return true;
}

static bool lose_of_cpu_told(struct proof_trace *t, struct proof_rng *r)
{
	lose_of_cpu(t, r);
	tell_lost(t);
	return true;
}

static bool lose_container_told(struct proof_trace *t, struct proof_rng *r)
{
	lose_container(t, r);
	tell_lost(t);
	return true;
}

/* Nothing is on its way any more. */
static void in_time(struct proof_trace *t)
{
	for (size_t i = 0; i < t->nr; i++)
		t->sent[i].ev = t->ev[i];
}

/* The recorder was killed, or the disk was full. */
static bool cut_on_the_way(struct proof_trace *t, struct proof_rng *r)
{
	t->cut = "it ends without an END chunk";
	t->nr_sent -= 1 + proof_below(r, t->nr_sent);
	return true;
}

static bool cut(struct proof_trace *t, struct proof_rng *r)
{
	in_time(t);
	return cut_on_the_way(t, r);
}

static bool repeat(struct proof_trace *t, struct proof_rng *r)
{
	size_t nr = t->nr_sent;

	for (size_t i = 0; i < nr; i++) {
		size_t at = proof_below(r, t->nr_sent);

		if (!proof_chance(r, 20))
			continue;
		memmove(&t->sent[at + 1], &t->sent[at], (t->nr_sent - at) * sizeof(*t->sent));
		t->nr_sent++;
	}
	return true;
}

/* Nobody is interrupted for longer. */
#define LATE_NS (10 * MS)

/* Within one CPU, too: an interrupt writes between a record's place and its arrival. */
static bool reorder(struct proof_trace *t, struct proof_rng *r)
{
	for (size_t i = 1; i < t->nr_sent; i++) {
		struct proof_sent first = t->sent[i - 1];
		__u64 a = first.ev->ts, b = t->sent[i].ev->ts;

		if (!proof_chance(r, 30) || a + LATE_NS < b || b + LATE_NS < a)
			continue;
		t->sent[i - 1] = t->sent[i];
		t->sent[i] = first;
	}
	return true;
}

/* Everything on the way for longer than anybody waits for it. */
static bool far_too_late(struct proof_trace *t, struct proof_rng *r)
{
	size_t at = proof_below(r, t->nr_sent);
	struct proof_sent late = t->sent[at];

	memmove(&t->sent[at], &t->sent[at + 1], (t->nr_sent - at - 1) * sizeof(*t->sent));
	t->sent[t->nr_sent - 1] = late;
	return true;
}

static bool count_loss(struct proof_trace *t, struct proof_rng *r)
{
	static const char *const kinds[] = { "context", "depth", "walk", "owners", "recursion" };
	__u64 at = t->ev[proof_below(r, t->nr)]->ts;

	/* Called by what is in it: that a call was lost. The record goes with it, and has no number. */
	json_array_append_new(json_object_get(t->end, "loss"),
			      json_pack("{s:s, s:i, s:I, s:I, s:I}", "kind",
					kinds[proof_below(r, 5)], "cpu", 0, "count", (json_int_t)1,
					"first_ns", (json_int_t)at, "last_ns", (json_int_t)at));
	return true;
}

/* A machine that slept: from then on all is later. What it slept in has happened nonetheless. */
static bool sleeps(struct proof_trace *t, struct proof_rng *r)
{
	__u64 from = t->ev[proof_below(r, t->nr)]->ts, by = proof_below(r, 5 * SEC);

	in_time(t);
	for (size_t i = 0; i < t->nr_sent; i++) {
		struct rs_event *ev;

		if (t->sent[i].ev->ts < from)
			continue;
		ev = malloc(t->sent[i].ev->size);
		MUST(ev);
		memcpy(ev, t->sent[i].ev, t->sent[i].ev->size);
		ev->ts += by;
		t->sent[i].ev = ev;
	}
	json_object_set_new(
		t->end, "ended_ns",
		json_integer(json_integer_value(json_object_get(t->end, "ended_ns")) + by));
	return true;
}

/* One CPU's clock is set back. */
static bool steps_back(struct proof_trace *t, struct proof_rng *r)
{
	size_t at = proof_below(r, t->nr_sent);
	__u64 by = 1 + proof_below(r, 50 * MS);
	__u32 cpu = t->sent[at].ev->cpu;

	for (size_t i = at; i < t->nr_sent; i++) {
		struct rs_event *ev;

		if (t->sent[i].ev->cpu != cpu)
			continue;
		ev = malloc(t->sent[i].ev->size);
		MUST(ev);
		memcpy(ev, t->sent[i].ev, t->sent[i].ev->size);
		ev->ts -= by;
		t->sent[i].ev = ev;
	}
	return true;
}

static const struct {
	const char *name;
	bool (*damage)(struct proof_trace *t, struct proof_rng *r);
	const char *known; /* why the analysis is known to judge it wrongly; NULL: it does not */
} ways[] = {
	{ "a record lost", lose_one, NULL },
	{ "records lost in a row", lose_some, NULL },
	{ "a CPU's records lost", lose_of_cpu, NULL },
	{ "the last records lost", lose_last, NULL },
	{ "cut", cut, NULL },
	{ "cut, with records on their way", cut_on_the_way, NULL },
	{ "records twice", repeat, NULL },
	{ "records in another order", reorder, NULL },
	{ "a record far too late", far_too_late, NULL },
	{ "a loss counted", count_loss, NULL },
	{ "the machine slept", sleeps, NULL },
	{ "a CPU's clock set back", steps_back,
	  "nobody notices that a CPU's records go back in time" },
	{ "a container's records lost", lose_container, NULL },
	{ "records lost in a row, and told", lose_some_told, NULL },
	{ "a CPU's records lost, and told", lose_of_cpu_told, NULL },
	{ "a container's records lost, and told", lose_container_told, NULL },
};

const char *proof_damage_known(size_t way)
{
	return way < sizeof(ways) / sizeof(ways[0]) ? ways[way].known : NULL;
}

const char *proof_damage(struct proof_trace *t, size_t way, struct proof_rng *r)
{
	if (way >= sizeof(ways) / sizeof(ways[0]))
		return NULL;
	if (!t->nr_sent)
		return "nothing there";
	ways[way].damage(t, r);
	return ways[way].name;
}

/* What was changed for it was copied. */
void proof_undamage(struct proof_trace *t)
{
	for (size_t i = 0; i < t->nr_sent; i++) {
		bool own = true;

		for (size_t k = 0; k < t->nr && own; k++)
			own = t->sent[i].ev != t->ev[k];
		if (own)
			free((void *)t->sent[i].ev);
	}
	t->nr_sent = 0;
}
