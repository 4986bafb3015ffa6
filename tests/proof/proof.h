/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Proof that the rules bite
 *
 * gen.c makes recordings of hosts on which live updates go right, faults.c of such hosts with one fault,
 * and of recordings that are damaged. Of each it is known what must be found. oracle.c judges the same records by the rules'
 * sentences and shares no code with the analysis. mutate.c changes the rules and looks whether anybody notices.
 */
#ifndef RS_TESTS_PROOF_H
#define RS_TESTS_PROOF_H

#include "rules/rules.h"
#include "synth.h"

/* Random numbers: the same for the same seed. */
struct proof_rng {
	__u64 state;
};

static inline __u64 proof_random(struct proof_rng *r)
{
	__u64 z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 to @nr - 1 */
static inline __u64 proof_below(struct proof_rng *r, __u64 nr)
{
	return proof_random(r) % nr;
}

static inline bool proof_chance(struct proof_rng *r, unsigned int percent)
{
	return proof_below(r, 100) < percent;
}

#define PROOF_OBJECTS 1024

/**
 * struct proof_object - what a rule was found to be violated of
 * @container: its key; of a device, 0
 * @at: the range's iova, the device's key; of a container, 0
 */
struct proof_object {
	__u32 rule;
	__u64 container;
	__u64 at;
};

/**
 * struct proof_verdicts - what somebody found, by the place of a rule in rs_rules
 * @print: of the analysis: of all that its result says of the rule: how much it judged, each finding's
 *	verdict, object and excerpt
 */
struct proof_verdicts {
	enum rs_verdict verdict[RS_RULES_MAX];
	__u64 print[RS_RULES_MAX];
	struct proof_object object[PROOF_OBJECTS];
	size_t nr;
};

/** struct proof_trace - a recording, as the analysis gets it */
struct proof_trace {
	__u64 seed;
	char what[96];
	struct rs_event **ev; /* by time, owned */
	size_t nr;
	struct proof_sent { /* what arrives, in this order */
		const struct rs_event *ev;
	} * sent;
	size_t nr_sent;
	json_t *meta;
	json_t *end;
	const char *cut; /* the file broke off; then there is no END */
	enum rs_mode mode;
	enum rs_verify verify;
	enum rs_verdict want[RS_RULES_MAX];
	bool perhaps[RS_RULES_MAX]; /* it may pass, or be unknown, if both say so */
	struct proof_object hit;    /* of @want violated: an object of it; .rule UINT32_MAX: none */
	bool iommufd;		    /* of a host with iommufd contexts, and nothing else */
	bool damaged;		    /* what arrives is not all that happened */
};

/* trace.c */
struct proof_trace *proof_merge(struct synth *const *vm, size_t nr, __u64 seed);
void proof_trace_free(struct proof_trace *t);
/* The records arrive as they were written, drivers' requests late by what they may be late. */
void proof_send(struct proof_trace *t, struct proof_rng *r);
/* What the analysis says, with @table (NULL: rs_rules) and of @rule only (NULL: all). */
void proof_engine(const struct proof_trace *t, const struct rs_rule_table *table, const char *rule,
		  struct proof_verdicts *v);
bool proof_has(const struct proof_verdicts *v, const struct proof_object *o);
bool proof_same(const struct proof_verdicts *a, const struct proof_verdicts *b, size_t rule);
void proof_print(const struct proof_verdicts *v, const char *whose);
/* Return: 0, or 1 after a line on stderr */
int proof_write(const struct proof_trace *t, const char *path);
/* A rule's place in rs_rules; UINT32_MAX: there is none of that id. */
__u32 proof_rule(const char *id);

/* oracle.c */
void proof_oracle(const struct proof_trace *t, struct proof_verdicts *v);

/* gen.c: hosts; gen_calls.c: what is done on them */
struct proof_fault;
/* @fault: NULL: all goes right. Return: NULL when this seed's host has no occasion for the fault */
struct proof_trace *proof_generate(__u64 seed, const struct proof_fault *fault);

/* gen_iommufd.c: hosts with iommufd contexts. @story: below proof_nr_io_stories(); 0: all goes right */
struct proof_trace *proof_generate_iommufd(__u64 seed, size_t story);
size_t proof_nr_io_stories(void);

/* damage.c */
/* Damages what arrives, in the way of that number. Return: its name; NULL: there are no more */
const char *proof_damage(struct proof_trace *t, size_t way, struct proof_rng *r);
/* What the analysis is known to get wrong about it; NULL: nothing */
const char *proof_damage_known(size_t way);
/* Frees what that has made: then there is nothing to arrive. */
void proof_undamage(struct proof_trace *t);

/* mutate.c. Return: how many stand otherwise than they should */
struct proof_count {
	size_t passed, failed, skipped;
};
void proof_mutants(struct proof_trace *const *corpus, size_t nr, const char *equivalent,
		   struct proof_count *count);

#endif /* RS_TESTS_PROOF_H */
