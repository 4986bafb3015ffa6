// SPDX-License-Identifier: GPL-2.0-only
/*
 * prove [--seed N] [--traces N] [--only SEED [--fault NAME]] [--equivalent FILE] [--out DIR]
 *
 * Random recordings of correct updates and of updates with one fault; the analysis must find what is known to be in
 * them, and a second implementation of the rules must agree. The same recordings damaged: nothing false may be found. Then mutants
 * of the rules, which these recordings must tell from the rules.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "synth_internal.h"
#include "gen.h"

#define MUTANT_SEED  1000 /* the same ones every time: what they kill is listed */
#define MUTANT_SEEDS 40
#define WAYS_MAX     32
#define SHOWN_MAX    10

struct proof {
	const char *out;
	struct proof_count count;
	size_t correct, faulty, damaged;
	size_t records;
	size_t known_wrong
		[WAYS_MAX]; /* by way of damage: recordings that are known to be judged wrongly */
	size_t undecided, decided; /* rules of damaged recordings, unknown or not */
	size_t fired[128];	   /* by fault */
};

static void show(struct proof *p, const struct proof_trace *t, const char *why,
		 const struct proof_verdicts *engine, const struct proof_verdicts *oracle)
{
	char path[512];

	if (p->count.failed++ >= SHOWN_MAX)
		return;
	printf("FAIL seed %llu, %s: %s\n", (unsigned long long)t->seed, t->what, why);
	for (size_t i = 0; i < rs_nr_rules && !t->damaged; i++)
		if (t->want[i] != RS_PASS)
			printf("     known: %s %s\n", rs_rules[i].id, rs_verdict_name(t->want[i]));
	proof_print(engine, "analysis");
	proof_print(oracle, t->damaged ? "truth" : "second implementation");
	snprintf(path, sizeof(path), "%s/proof-%llu.trace", p->out, (unsigned long long)t->seed);
	if (!proof_write(t, path))
		printf("     written to %s\n", path);
}

static bool agree(const struct proof_verdicts *a, const struct proof_verdicts *b)
{
	for (size_t i = 0; i < rs_nr_rules; i++)
		if (!proof_same(a, b, i))
			return false;
	return true;
}

static bool any_unknown(const struct proof_verdicts *v)
{
	for (size_t i = 0; i < rs_nr_rules; i++)
		if (v->verdict[i] != RS_PASS)
			return true;
	return false;
}

static bool as_known(const struct proof_trace *t, const struct proof_verdicts *engine,
		     const struct proof_verdicts *oracle)
{
	for (size_t i = 0; i < rs_nr_rules; i++)
		if (engine->verdict[i] != t->want[i] &&
		    !(t->perhaps[i] && t->want[i] != RS_VIOLATED &&
		      engine->verdict[i] != RS_VIOLATED &&
		      oracle->verdict[i] == engine->verdict[i]))
			return false;
	return true;
}

/* A recording of which all that happened arrives. */
static void judge_whole(struct proof *p, const struct proof_trace *t, unsigned int flags)
{
	struct proof_verdicts engine, oracle;

	proof_engine(t, NULL, NULL, &engine);
	proof_oracle(t, &oracle);
	p->records += t->nr;
	if (flags & PROOF_NOT_PASS) {
		if (!any_unknown(&engine) || !any_unknown(&oracle))
			show(p, t, "it contradicts itself, and passes", &engine, &oracle);
		else
			p->count.passed++;
	} else if (!as_known(t, &engine, &oracle)) {
		show(p, t, "other verdicts than what is known", &engine, &oracle);
	} else if (t->hit.rule != UINT32_MAX && !proof_has(&engine, &t->hit)) {
		show(p, t, "found of another object", &engine, &oracle);
	} else if (!agree(&engine, &oracle)) {
		show(p, t, "the second implementation does not agree", &engine, &oracle);
	} else {
		p->count.passed++;
	}
}

/* Nothing may be found that did not happen, and nothing may pass that did. */
static bool is_true(const struct proof_verdicts *engine, const struct proof_verdicts *truth)
{
	for (size_t i = 0; i < rs_nr_rules; i++)
		if (engine->verdict[i] == RS_PASS
			    ? truth->verdict[i] == RS_VIOLATED
			    : engine->verdict[i] == RS_VIOLATED && truth->verdict[i] != RS_VIOLATED)
			return false;
	for (size_t i = 0; i < engine->nr; i++)
		if (!proof_has(truth, &engine->object[i]))
			return false;
	return true;
}

static void judge_damaged(struct proof *p, struct proof_trace *t, struct proof_rng *r)
{
	struct proof_verdicts engine, truth;
	const char *cut = t->cut, *how;
	json_t *end = json_deep_copy(t->end);
	char what[sizeof(t->what)];

	MUST(end);
	proof_oracle(t, &truth);
	memcpy(what, t->what, sizeof(what));
	t->damaged = true;
	for (size_t way = 0;; way++) {
		struct proof_rng send = *r;

		proof_random(r);
		proof_send(t, &send);
		how = proof_damage(t, way, &send);
		if (!how)
			break;
		snprintf(t->what, sizeof(t->what), "%.40s, %.40s", what, how);
		proof_engine(t, NULL, NULL, &engine);
		p->damaged++;
		for (size_t i = 0; i < rs_nr_rules; i++)
			*(engine.verdict[i] == RS_UNKNOWN ? &p->undecided : &p->decided) += 1;
		MUST(way < WAYS_MAX);
		if (is_true(&engine, &truth))
			p->count.passed++;
		else if (proof_damage_known(way))
			p->known_wrong[way]++;
		else
			show(p, t, "damaged, and judged wrongly", &engine, &truth);
		proof_undamage(t);
		t->cut = cut;
		json_decref(t->end);
		t->end = json_deep_copy(end);
	}
	json_decref(end);
}

static bool is_known(const struct proof_fault *f)
{
	return !f->rule || proof_rule(f->rule) != UINT32_MAX;
}

/* A correct host, and the same one with each fault in turn (@only: with that one). */
static void judge_seed(struct proof *p, __u64 seed, size_t fault)
{
	struct proof_rng r = { seed ^ 0x5eed };
	struct proof_trace *t = proof_generate(seed, NULL);
	const struct proof_fault *f = proof_fault(fault);

	judge_whole(p, t, 0);
	p->correct++;
	if (seed % 4 == 0)
		judge_damaged(p, t, &r);
	proof_trace_free(t);
	if (!is_known(f))
		return;
	t = proof_generate(seed, f);
	if (!t)
		return;
	p->fired[fault]++;
	p->faulty++;
	judge_whole(p, t, f->flags);
	if (seed % 4 == 1 && !(f->flags & PROOF_NOT_PASS))
		judge_damaged(p, t, &r);
	proof_trace_free(t);
}

/* A host with iommufd contexts, and a story. */
static void judge_iommufd(struct proof *p, __u64 seed, size_t story)
{
	struct proof_rng r = { seed ^ 0x10f0 };
	struct proof_trace *t = proof_generate_iommufd(seed, story);

	judge_whole(p, t, 0);
	*(story ? &p->faulty : &p->correct) += 1;
	if (seed % 4 == 0)
		judge_damaged(p, t, &r);
	proof_trace_free(t);
}

static void mutants(struct proof *p, const char *equivalent)
{
	struct proof_trace **corpus;
	size_t nr = 0;

	corpus = calloc(MUTANT_SEEDS * (proof_nr_faults() + 1 + proof_nr_io_stories()),
			sizeof(struct proof_trace *));
	MUST(corpus);
	for (__u64 i = 0; i < MUTANT_SEEDS; i++) {
		corpus[nr++] = proof_generate(MUTANT_SEED + i, NULL);
		for (size_t f = 0; f < proof_nr_faults(); f++) {
			if (is_known(proof_fault(f)))
				corpus[nr] = proof_generate(MUTANT_SEED + i, proof_fault(f));
			nr += corpus[nr] != NULL;
		}
		for (size_t k = 0; k < proof_nr_io_stories(); k++)
			corpus[nr++] = proof_generate_iommufd(MUTANT_SEED + i, k);
	}
	proof_mutants(corpus, nr, equivalent, &p->count);
	while (nr)
		proof_trace_free(corpus[--nr]);
	free(corpus);
}

static void judge_one(struct proof *p, __u64 seed, const char *fault)
{
	for (size_t f = 0; f < proof_nr_faults(); f++)
		if (is_known(proof_fault(f)) && (!fault || !strcmp(fault, proof_fault(f)->name)))
			judge_seed(p, seed, f);
	for (size_t k = 0; k < proof_nr_io_stories() && !fault; k++)
		judge_iommufd(p, seed, k);
}

/* A fault that never came to be proves nothing. */
static void count_faults(struct proof *p)
{
	MUST(proof_nr_faults() <= sizeof(p->fired) / sizeof(p->fired[0]));
	for (size_t way = 0; way < WAYS_MAX; way++) {
		if (!p->known_wrong[way])
			continue;
		printf("skip %zu damaged recordings: known problem: %s\n", p->known_wrong[way],
		       proof_damage_known(way));
		p->count.skipped++;
	}
	for (size_t f = 0; f < proof_nr_faults(); f++) {
		if (!is_known(proof_fault(f))) {
			printf("skip %s: there is no rule %s\n", proof_fault(f)->name,
			       proof_fault(f)->rule);
			p->count.skipped++;
		} else if (!p->fired[f]) {
			printf("FAIL the fault \"%s\" never had an occasion\n",
			       proof_fault(f)->name);
			p->count.failed++;
		}
	}
}

static int usage(void)
{
	fputs("usage: prove [--seed N] [--traces N] [--only SEED] [--fault NAME] [--out DIR]\n"
	      "             [--equivalent FILE]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "traces", required_argument, NULL, 'n' },
		{ "only", required_argument, NULL, 'o' },
		{ "fault", required_argument, NULL, 'f' },
		{ "out", required_argument, NULL, 'd' },
		{ "equivalent", required_argument, NULL, 'e' },
		{ 0 },
	};
	const char *equivalent = "tests/proof/equivalent.txt", *fault = NULL, *only = NULL;
	struct proof p = { .out = "build" };
	__u64 seed, traces = 10000;
	int c;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = 1;
	seed >>= 16;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'n')
			traces = strtoull(optarg, NULL, 0);
		else if (c == 'o')
			only = optarg;
		else if (c == 'f')
			fault = optarg;
		else if (c == 'd')
			p.out = optarg;
		else if (c == 'e')
			equivalent = optarg;
		else
			return usage();
	}
	if (only) {
		judge_one(&p, strtoull(only, NULL, 0), fault);
	} else {
		printf("seed %llu, again with: prove --seed %llu --traces %llu; one of them: prove "
		       "--only SEED\n",
		       (unsigned long long)seed, (unsigned long long)seed,
		       (unsigned long long)traces);
		fflush(stdout);
		for (__u64 i = 0; i < traces; i++)
			judge_seed(&p, seed + i, i % proof_nr_faults());
		for (__u64 i = 0; i < traces; i++)
			judge_iommufd(&p, seed + i, i % proof_nr_io_stories());
		count_faults(&p);
		printf("traces: %zu correct, %zu with a fault, %zu damaged, %zu records\n",
		       p.correct, p.faulty, p.damaged, p.records);
		printf("damaged: %zu of %zu verdicts unknown\n", p.undecided,
		       p.undecided + p.decided);
		fflush(stdout);
		mutants(&p, equivalent);
	}
	printf("%zu passed, %zu failed, %zu skipped\n", p.count.passed, p.count.failed,
	       p.count.skipped);
	return p.count.failed ? 1 : 0;
}
