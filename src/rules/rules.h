/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Rules
 *
 * A rule is one clause of correctness: a small automaton in a table, of which every range, container,
 * device, update or mm has an instance. The engine feeds it the model's notes, and the time. Nothing in
 * the engine knows a particular rule, and nothing in a rule knows where its events come from. What is
 * said of a rule, docs/rules.md and `remapscope rules`, comes from the same table.
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
	RS_SCOPE_UPDATE = 3,
	RS_SCOPE_MM = 4,
	RS_SCOPE_IRQ = 5,
	RS_SCOPE_REQUEST = 6, /* one that waits for a vaddr */
	RS_SCOPE_IOCTX = 7,
	RS_SCOPE_NR
};

/** enum rs_about - which kernel interface's containers a rule can be broken in */
enum rs_about {
	RS_ABOUT_ALL = 0,
	RS_ABOUT_TYPE1 = 1, /* it is about windows */
	RS_ABOUT_IOMMUFD = 2,
};

const char *rs_scope_name(enum rs_scope s); /* "range" "container" ... */

/* What a finding says was seen, without its subject. @s: the trail that led there */
typedef void (*rs_say_fn)(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len);

/**
 * struct rs_guard - a condition of an arrow
 * @text: in English, to be read after the note: "the process lived"
 */
struct rs_guard {
	const char *text;
	bool (*holds)(const struct rs_note *n, const struct rs_slot *s);
};

/**
 * struct rs_transition - one arrow of an automaton
 * @from: a state
 * @on: the note that takes it
 * @guard: whether it applies; NULL: always. The first arrow that applies is taken
 * @to: a state, RS_TO_VIOLATED or RS_TO_UNKNOWN
 * @say: the sentence for a finding; NULL for other arrows
 */
struct rs_transition {
	__u8 from;
	enum rs_note_type on;
	const struct rs_guard *guard;
	__u8 to;
	rs_say_fn say;
};

/**
 * struct rs_invariant - how long an instance may stay in a state
 * @ns: no longer than that; 0: for ever
 * @text: what has happened when it did, in English: "for longer than 60 s"
 * @say: the sentence for the finding, whose time is the deadline; the instance goes on from state 0
 *
 * The time is that of the recording's records, whatever they are about, and of its end.
 */
struct rs_invariant {
	__u64 ns;
	const char *text;
	rs_say_fn say;
};

/**
 * struct rs_rule - a rule's table
 * @id: stable
 * @about: in which containers it can be broken: what is lost of others does not matter
 * @sentence: the clause, in English
 * @expected: of a finding: what should have been
 * @expected_ioas: the same of what is found of an iommufd context's ioas; NULL: no other
 * @why: what goes wrong for guest or host when it is broken, and what the rule does not know
 * @example: the text of a finding (tests/unit/test_rules_example.c makes it happen)
 * @state: names of its states
 * @within: clocks, by state
 * @reads: records that its guards look into beyond those that tell its notes, bits by &enum rs_event_type
 * @alone: one record is all that a finding from its first state needs: the kernel says it in that record
 * @sums: it adds requests up, so that one that is missing at any time makes it wrong
 * @needs: functions without whose hooks it cannot be judged; NULL-terminated
 * @sees: functions without whose hooks it cannot be judged where they are: their module may not be loaded, or the
 *	recorder older than they; NULL-terminated
 * @also: functions that it needs where iommufd contexts are; NULL-terminated
 */
struct rs_rule {
	const char *id;
	enum rs_severity severity;
	enum rs_scope scope;
	enum rs_about about;
	const char *sentence;
	const char *expected;
	const char *expected_ioas;
	const char *why;
	const char *example;
	const char *state[RS_STATES_MAX];
	struct rs_invariant within[RS_STATES_MAX];
	__u32 reads;
	bool alone;
	bool sums;
	const char *needs[6];
	const char *sees[6];
	const char *also[4];
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

/* A window that is open for longer than this is taken for one that never closes; as is a hand-over. */
#define RS_WINDOW_LIMIT_NS 60000000000ULL

/* Findings of one rule beyond this are only counted. */
#define RS_FINDINGS_MAX 64

/* A request that waits for longer than this is taken for one that nobody bounds. */
#define RS_WAIT_LIMIT_NS 30000000000ULL

/** struct rs_clock - the instances that are in a state which has an invariant */
struct rs_clock {
	struct rs_timer due; /* before the first and after the last; by time */
	__u8 rule;
	__u8 state;
};

/**
 * struct rs_engine - all instances' common part
 *
 * It stays where it was initialised: timers of the model's objects point into it.
 */
struct rs_engine {
	struct rs_rule_table table;
	__u64 now; /* the latest time that was seen */
	struct rs_clock *clock;
	size_t nr_clocks;
	bool on[RS_RULES_MAX]; /* rules that are judged */
	__u64 instances[RS_RULES_MAX];
	__u64 violations[RS_RULES_MAX];
	__u64 unknowns[RS_RULES_MAX];
	struct rs_finding *finding;
	size_t nr;
	__u64 findings_max; /* RS_FINDINGS_MAX, unless somebody wants to see all */
};

/**
 * rs_engine_init() - all rules on
 * @table: copied; what it points to is borrowed. NULL: rs_rules
 *
 * Return: 0 or -ENOMEM
 */
int rs_engine_init(struct rs_engine *e, const struct rs_rule_table *table);

/** rs_engine_time() - it is @ts: find the invariants that are broken by it. Return: 0 or -ENOMEM */
int rs_engine_time(struct rs_engine *e, __u64 ts);

/** rs_engine_note() - an &rs_note_fn: let every instance that it concerns take its step */
int rs_engine_note(struct rs_engine *e, struct rs_note *n);

/** rs_engine_free() - free the findings that nobody has taken; the model's objects are gone */
void rs_engine_free(struct rs_engine *e);

#endif /* RS_RULES_RULES_H */
