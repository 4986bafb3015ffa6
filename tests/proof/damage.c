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
