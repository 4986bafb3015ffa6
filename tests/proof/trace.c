// SPDX-License-Identifier: GPL-2.0-only
/* Recordings of several hosts' parts as one, and their way through the analysis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "synth_internal.h"
#include "proof.h"
#include "trace/trace.h"

/* A driver's request is timed before its place is taken; meanwhile others can take theirs (bpf/stats.bpf.h). */
#define RING_LATE_NS (200 * US)

__u32 proof_rule(const char *id)
{
	for (size_t i = 0; i < rs_nr_rules; i++)
		if (!strcmp(rs_rules[i].id, id))
			return i;
	return UINT32_MAX;
}

static int by_time(const void *a, const void *b)
{
	const struct rs_event *x = *(struct rs_event *const *)a, *y = *(struct rs_event *const *)b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	/* A CPU writes no two at once; the order of two CPUs does not matter. */
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

struct proof_trace *proof_merge(struct synth *const *vm, size_t nr, __u64 seed)
{
	struct proof_trace *t = calloc(1, sizeof(*t));
	json_t *cpus = json_array();
	__u64 last = 0, seq[SYNTH_CPUS] = { 0 };

	MUST(t);
	t->seed = seed;
	t->hit.rule = UINT32_MAX;
	t->mode = vm[0]->mode;
	t->verify = vm[0]->verify;
	for (size_t i = 0; i < nr; i++) {
		t->nr += vm[i]->nr;
		last = vm[i]->now > last ? vm[i]->now : last;
	}
	t->ev = calloc(t->nr + 1, sizeof(struct rs_event *));
	MUST(t->ev);
	for (size_t i = 0, at = 0; i < nr; i++)
		for (size_t k = 0; k < vm[i]->nr; k++) {
			t->ev[at++] = vm[i]->rec[k].ev;
			vm[i]->rec[k].ev = NULL;
		}
	qsort(t->ev, t->nr, sizeof(*t->ev), by_time);
	/* On one CPU one host's record comes after another's. */
	for (size_t i = 0; i < t->nr; i++) {
		struct rs_event *ev = t->ev[i];

		ev->seq = seq[ev->cpu]++;
	}
	for (int i = 0; i < SYNTH_CPUS; i++)
		if (seq[i])
			json_array_append_new(cpus, json_pack("{s:i, s:I}", "cpu", i, "seq",
							      (json_int_t)seq[i]));
	t->meta = synth_meta(vm[0]);
	t->end = json_pack("{s:o, s:I, s:s, s:[]}", "cpus", cpus, "ended_ns", (json_int_t)last,
			   "ended_by", "proof", "loss");
	MUST(t->end);
	return t;
}

void proof_trace_free(struct proof_trace *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr; i++)
		free(t->ev[i]);
	free(t->ev);
	free(t->sent);
	json_decref(t->meta);
	json_decref(t->end);
	free(t);
}

struct arrival {
	__u64 ns;
	struct rs_event *ev;
};

static int by_arrival(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->ev->seq > y->ev->seq) - (x->ev->seq < y->ev->seq);
}

void proof_send(struct proof_trace *t, struct proof_rng *r)
{
	struct arrival *a = calloc(t->nr + 1, sizeof(*a));
	MUST(a);
	for (size_t i = 0; i < t->nr; i++) {
		a[i].ev = t->ev[i];
		a[i].ns = t->ev[i]->ts;
		if (t->ev[i]->type == RS_EV_REQUEST)
			a[i].ns += proof_below(r, RING_LATE_NS);
	}
	qsort(a, t->nr, sizeof(*a), by_arrival);
	free(t->sent);
	/* Twice the room: some of it may be sent twice. */
	t->sent = calloc(2 * t->nr + 1, sizeof(*t->sent));
	MUST(t->sent);
	t->nr_sent = t->nr;
	for (size_t i = 0; i < t->nr; i++)
		t->sent[i].ev = a[i].ev;
	free(a);
}

static void add_object(struct proof_verdicts *v, struct proof_object o)
{
	if (proof_has(v, &o))
		return;
	MUST(v->nr < PROOF_OBJECTS);
	v->object[v->nr++] = o;
}

/* The text of a finding begins with what it is about. */
static struct proof_object object_of(const struct rs_result *r, const struct rs_finding *f)
{
	struct proof_object o = { .rule = proof_rule(f->rule) };
	unsigned long long iova = 0;
	unsigned int id = 0;

	if (sscanf(f->text, "d%u", &id) == 1) {
		MUST(id && id <= r->nr_devices);
		o.at = r->device[id - 1].key;
		return o;
	}
	for (size_t i = 0; i < r->nr_containers; i++)
		if (r->container[i].id == f->container)
			o.container = r->container[i].key;
	if (o.rule != UINT32_MAX && (rs_rules[o.rule].scope == RS_SCOPE_CONTAINER ||
				     rs_rules[o.rule].scope == RS_SCOPE_UPDATE))
		return o;
	if (f->nr_ranges)
		o.at = f->range[0].iova.v;
	else if (sscanf(f->text, "c%u range at 0x%llx", &id, &iova) == 2 ||
		 sscanf(f->text, "c%u range 0x%llx", &id, &iova) == 2)
		o.at = iova;
	return o;
}

/* What one moment says of several ranges is one finding. */
static void add_objects(struct proof_verdicts *v, const struct rs_result *r,
			const struct rs_finding *f)
{
	struct proof_object o = object_of(r, f);

	add_object(v, o);
	for (size_t i = 1; i < f->nr_ranges; i++) {
		o.at = f->range[i].iova.v;
		add_object(v, o);
	}
}

static void print(__u64 *p, __u64 with)
{
	*p = (*p ^ with) * 0x100000001b3ULL;
}

static void print_finding(__u64 *p, const struct rs_result *r, const struct rs_finding *f)
{
	struct proof_object o = object_of(r, f);

	print(p, f->verdict);
	print(p, o.container ^ o.at);
	print(p, f->at_ns);
	print(p, f->objects);
	for (size_t i = 0; i < f->nr_ranges; i++)
		print(p, f->range[i].iova.v);
	for (size_t i = 0; i < f->nr_events; i++)
		print(p, (__u64)f->event[i]->cpu << 32 | f->event[i]->seq);
	for (size_t i = 0; i < f->nr_steps; i++)
		for (const char *c = f->step[i].state; *c; c++)
			print(p, *c);
}

void proof_engine(const struct proof_trace *t, const struct rs_rule_table *table, const char *rule,
		  struct proof_verdicts *v)
{
	struct rs_analysis_opts opts = {
		.source = "proof",
		.rule = &rule,
		.nr_rules = !!rule,
		.table = table,
		/* Each object is compared; what is in doubt is also said of findings that are only counted. */
		.findings_max = t->damaged ? 0 : PROOF_OBJECTS,
	};
	struct rs_analysis *a;
	struct rs_result *r;
	struct rs_msg msg;

	*v = (struct proof_verdicts){ 0 };
	MUST(!rs_analysis_new(&opts, &a, &msg));
	MUST(!rs_analysis_meta(a, t->meta));
	for (size_t i = 0; i < t->nr_sent; i++)
		MUST(!rs_analysis_event(a, t->sent[i].ev));
	MUST(!rs_analysis_finish(a, t->cut ? NULL : t->end, t->cut, &r));
	for (size_t i = 0; i < r->nr_rules; i++) {
		v->verdict[proof_rule(r->rule[i].id)] = r->rule[i].verdict;
		print(&v->print[proof_rule(r->rule[i].id)], r->rule[i].instances);
	}
	for (size_t i = 0; i < r->nr_findings; i++)
		print_finding(&v->print[proof_rule(r->finding[i].rule)], r, &r->finding[i]);
	for (size_t i = 0; i < r->nr_findings; i++)
		if (r->finding[i].verdict == RS_VIOLATED)
			add_objects(v, r, &r->finding[i]);
	rs_result_free(r);
	rs_analysis_free(a);
}

bool proof_has(const struct proof_verdicts *v, const struct proof_object *o)
{
	for (size_t i = 0; i < v->nr; i++)
		if (v->object[i].rule == o->rule && v->object[i].at == o->at &&
		    v->object[i].container == o->container)
			return true;
	return false;
}

static bool all_in(const struct proof_verdicts *a, const struct proof_verdicts *b, size_t rule)
{
	for (size_t i = 0; i < a->nr; i++)
		if (a->object[i].rule == rule && !proof_has(b, &a->object[i]))
			return false;
	return true;
}

bool proof_same(const struct proof_verdicts *a, const struct proof_verdicts *b, size_t rule)
{
	return a->verdict[rule] == b->verdict[rule] && all_in(a, b, rule) && all_in(b, a, rule);
}

void proof_print(const struct proof_verdicts *v, const char *whose)
{
	for (size_t i = 0; i < rs_nr_rules; i++)
		if (v->verdict[i] != RS_PASS)
			printf("     %s: %s %s\n", whose, rs_rules[i].id,
			       rs_verdict_name(v->verdict[i]));
	for (size_t i = 0; i < v->nr; i++)
		printf("     %s: %s of container %llx at 0x%llx\n", whose,
		       rs_rules[v->object[i].rule].id, (unsigned long long)v->object[i].container,
		       (unsigned long long)v->object[i].at);
}

int proof_write(const struct proof_trace *t, const char *path)
{
	struct rs_trace_writer *w = NULL;
	struct rs_msg msg;
	int err;

	err = rs_trace_create(path, t->meta, &w, &msg);
	for (size_t i = 0; i < t->nr_sent && !err; i++)
		err = rs_trace_write(w, t->sent[i].ev, &msg);
	if (!err && !t->cut) {
		err = rs_trace_finish(w, t->end, &msg);
		w = NULL;
	} else if (!err) {
		err = rs_trace_flush(w, &msg);
	}
	rs_trace_discard(w);
	if (err)
		fprintf(stderr, "proof: %s\n", msg.text);
	return !!err;
}
