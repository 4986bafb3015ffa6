/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Rules
 *
 * A rule is one clause of correctness: a small automaton in a table (src/rules/rules.c), of which every
 * range, container or device has an instance. The engine feeds it the model's notes. Nothing in the engine
 * knows a particular rule, and nothing in a rule knows where its events come from.
 */
#ifndef RS_RULES_RULES_H
#define RS_RULES_RULES_H

#include "model/model.h"
#include "util/msg.h"

/* States 0 to 5 are a rule's own; state 0 is where every instance begins. */
#define RS_STATES_MAX  6
#define RS_TO_VIOLATED 254 /* not a state: what was seen violates the rule; on from state 0 */
#define RS_TO_UNKNOWN  253 /* not a state: it cannot be told; on from state 0 */
#define RS_ANEW	       64  /* with a state: what led here before proves nothing any more */
#define RS_MUTE	       128 /* with a state: what leads here proves nothing */

/** enum rs_scope - what a rule has one instance of */
enum rs_scope {
	RS_SCOPE_RANGE = 0,
	RS_SCOPE_CONTAINER = 1,
	RS_SCOPE_DEVICE = 2,
};

struct rs_rule;

/**
 * struct rs_transition - one arrow of an automaton
 * @from: a state
 * @on: the note that takes it
 * @guard: whether it applies; NULL: always. The first arrow that applies is taken
 * @to: a state, RS_TO_VIOLATED or RS_TO_UNKNOWN
 * @say: the sentence for a finding: what was seen, without the subject; NULL for other arrows
 */
struct rs_transition {
	__u8 from;
	enum rs_note_type on;
	bool (*guard)(const struct rs_note *n, const struct rs_slot *s);
	__u8 to;
	void (*say)(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len);
};

/**
 * struct rs_rule - a rule's table
 * @id: stable
 * @sentence: the clause, in English
 * @expected: of a finding: what should have been
 * @state: names of its states
 * @reads: records that its guards look into beyond those that tell its notes, bits by &enum rs_event_type
 * @sums: it adds requests up, so that one that is missing at any time makes it wrong
 * @needs: functions without whose hooks it cannot be judged; NULL-terminated
 */
struct rs_rule {
	const char *id;
	enum rs_severity severity;
	enum rs_scope scope;
	const char *sentence;
	const char *expected;
	const char *state[RS_STATES_MAX];
	__u32 reads;
	bool sums;
	const char *needs[6];
	const struct rs_transition *arrow;
	size_t nr_arrows;
};

extern const struct rs_rule rs_rules[];
extern const size_t rs_nr_rules;

/**
 * struct rs_rule_table - the rules of an engine
 *
 * rs_rules everywhere but in tests, which try what a changed rule would let pass.
 */
struct rs_rule_table {
	const struct rs_rule *rule;
	size_t nr; /* at most RS_RULES_MAX */
};

/** rs_rule_find() - Return: the rule's place in the table, -ENOENT with a sentence */
int rs_rule_find(const struct rs_rule_table *t, const char *id, struct rs_msg *msg);

/* A window that is open for longer than this is taken for one that never closes. */
#define RS_WINDOW_LIMIT_NS 60000000000ULL

/* Findings of one rule beyond this are only counted. */
#define RS_FINDINGS_MAX 64

/** struct rs_engine - all instances' common part */
struct rs_engine {
	struct rs_rule_table table;
	bool on[RS_RULES_MAX]; /* rules that are judged */
	__u64 instances[RS_RULES_MAX];
	__u64 violations[RS_RULES_MAX];
	__u64 unknowns[RS_RULES_MAX];
	struct rs_finding *finding;
	size_t nr;
};

/** rs_engine_init() - all rules on. @table: copied; what it points to is borrowed. NULL: rs_rules */
void rs_engine_init(struct rs_engine *e, const struct rs_rule_table *table);

/** rs_engine_note() - an &rs_note_fn: let every instance that it concerns take its step */
int rs_engine_note(struct rs_engine *e, struct rs_note *n);

/** rs_engine_free() - free the findings that nobody has taken */
void rs_engine_free(struct rs_engine *e);

#endif /* RS_RULES_RULES_H */
