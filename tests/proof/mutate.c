// SPDX-License-Identifier: GPL-2.0-only
/* Rules that are changed a little: does anything tell them from the right ones? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "synth_internal.h"
#include "proof.h"

#define ARROWS_MAX 48
#define NAME_LEN   256

/* A rule that is changed, in a table of all. */
struct mutant {
	struct rs_rule rule[RS_RULES_MAX];
	struct rs_transition arrow[ARROWS_MAX];
	size_t which;
	char name[NAME_LEN];
};

struct hunt {
	struct proof_trace *const *corpus;
	size_t nr;
	struct proof_verdicts *right; /* of each */
	size_t *found_by;	      /* by rule: the corpus in the order in which it kills */
	char (*equivalent)[NAME_LEN];
	bool *seen; /* of @equivalent */
	bool *open; /* ... which is not equivalent, only not killed yet */
	size_t nr_equivalent;
	size_t killed, listed, known, survived, wrongly_listed;
};

static __u8 plain(__u8 to)
{
	return to >= RS_TO_UNKNOWN ? to : to & ~(RS_ANEW | RS_MUTE);
}

static const char *state_name(const struct rs_rule *rule, __u8 to)
{
	to = plain(to);
	return to == RS_TO_VIOLATED  ? "VIOLATED"
	       : to == RS_TO_UNKNOWN ? "UNKNOWN"
				     : rule->state[to];
}

/* "rule: arrow 3 (invalid on remapped to valid): what": the same as long as the rule is. */
static void name_mutant(struct mutant *m, size_t arrow, const char *what)
{
	const struct rs_rule *rule = &rs_rules[m->which];
	const struct rs_transition *t = &rule->arrow[arrow];
	int nth = 0;

	for (size_t i = 0; i < arrow; i++)
		nth += rule->arrow[i].from == t->from && rule->arrow[i].on == t->on &&
		       plain(rule->arrow[i].to) == plain(t->to);
	snprintf(m->name, sizeof(m->name), "%s: %s on %s%.*s to %s: %s", rule->id,
		 rule->state[t->from], rs_note_name(t->on), nth, "'", state_name(rule, t->to),
		 what);
}

static void begin(struct mutant *m, size_t which)
{
	const struct rs_rule *rule = &rs_rules[which];

	MUST(rule->nr_arrows <= ARROWS_MAX);
	m->which = which;
	memcpy(m->rule, rs_rules, rs_nr_rules * sizeof(*m->rule));
	memcpy(m->arrow, rule->arrow, rule->nr_arrows * sizeof(*m->arrow));
	m->rule[which].arrow = m->arrow;
}

static bool is_killed(struct hunt *h, const struct mutant *m)
{
	const struct rs_rule_table table = { m->rule, rs_nr_rules };
	size_t *order = h->found_by + m->which * h->nr;

	for (size_t n = 0; n < h->nr; n++) {
		size_t i = order[n];
		struct proof_verdicts v;

		proof_engine(h->corpus[i], &table, rs_rules[m->which].id, &v);
		if (v.verdict[m->which] == h->right[i].verdict[m->which] &&
		    v.print[m->which] == h->right[i].print[m->which])
			continue;
		/* What has killed one may kill the next. */
		memmove(order + 1, order, n * sizeof(*order));
		order[0] = i;
		return true;
	}
	return false;
}

static void try(struct hunt *h, const struct mutant *m)
{
	bool killed = is_killed(h, m), listed = false, open = false;

	for (size_t i = 0; i < h->nr_equivalent; i++) {
		if (strcmp(h->equivalent[i], m->name))
			continue;
		listed = h->seen[i] = true;
		open = h->open[i];
	}
	h->killed += killed;
	h->listed += listed && !killed && !open;
	h->known += listed && !killed && open;
	h->survived += !killed && !listed;
	h->wrongly_listed += killed && listed;
	if (!killed && !listed)
		printf("FAIL survivor: %s\n", m->name);
	if (!killed && open)
		printf("skip survivor, as listed: %s\n", m->name);
	if (killed && listed)
		printf("FAIL listed, and killed: %s\n", m->name);
}

static void nobody_says(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)n;
	(void)s;
	snprintf(buf, len, "is what a mutant has found");
}

static void drop_arrow(struct hunt *h, struct mutant *m, size_t i)
{
	begin(m, m->which);
	memmove(m->arrow + i, m->arrow + i + 1,
		(m->rule[m->which].nr_arrows - i - 1) * sizeof(*m->arrow));
	m->rule[m->which].nr_arrows--;
	name_mutant(m, i, "dropped");
	try(h, m);
}

static void drop_guard(struct hunt *h, struct mutant *m, size_t i)
{
	if (!rs_rules[m->which].arrow[i].guard)
		return;
	begin(m, m->which);
	m->arrow[i].guard = NULL;
	name_mutant(m, i, "without its guard");
	try(h, m);
}

static void never_take(struct hunt *h, struct mutant *m, size_t i)
{
	const struct rs_transition *t = &rs_rules[m->which].arrow[i];

	/* An arrow that says nothing where it said something. */
	if (t->to < RS_TO_UNKNOWN)
		return;
	begin(m, m->which);
	m->arrow[i].to = 0;
	m->arrow[i].say = NULL;
	name_mutant(m, i, "passes");
	try(h, m);
	begin(m, m->which);
	m->arrow[i].to = t->to == RS_TO_UNKNOWN ? RS_TO_VIOLATED : RS_TO_UNKNOWN;
	name_mutant(m, i, t->to == RS_TO_UNKNOWN ? "violated" : "unknown");
	try(h, m);
}

static void retarget(struct hunt *h, struct mutant *m, size_t i)
{
	const struct rs_rule *rule = &rs_rules[m->which];
	const struct rs_transition *t = &rule->arrow[i];
	char what[64];

	for (__u8 to = 0; to < RS_STATES_MAX && rule->state[to]; to++) {
		if (plain(t->to) == to || (t->to >= RS_TO_UNKNOWN && !to))
			continue;
		begin(m, m->which);
		m->arrow[i].to = to | (t->to < RS_TO_UNKNOWN ? t->to & (RS_ANEW | RS_MUTE) : 0);
		snprintf(what, sizeof(what), "to %s instead", rule->state[to]);
		name_mutant(m, i, what);
		try(h, m);
	}
	if (t->to >= RS_TO_UNKNOWN)
		return;
	for (__u8 to = RS_TO_UNKNOWN; to <= RS_TO_VIOLATED; to++) {
		begin(m, m->which);
		m->arrow[i].to = to;
		m->arrow[i].say = nobody_says;
		snprintf(what, sizeof(what), "%s instead", state_name(rule, to));
		name_mutant(m, i, what);
		try(h, m);
	}
}

/* The later of the two guarded arrows from one state on one note is tried first. */
static void swap_arrows(struct hunt *h, struct mutant *m, size_t i)
{
	const struct rs_rule *rule = &rs_rules[m->which];

	for (size_t k = i + 1; k < rule->nr_arrows; k++) {
		const struct rs_transition first = rule->arrow[i], second = rule->arrow[k];

		if (first.from != second.from || first.on != second.on)
			continue;
		begin(m, m->which);
		m->arrow[i] = second;
		m->arrow[k] = first;
		name_mutant(m, i, "after the next one from there");
		try(h, m);
		return;
	}
}

static void merge_states(struct hunt *h, struct mutant *m)
{
	const struct rs_rule *rule = &rs_rules[m->which];

	for (__u8 a = 0; a < RS_STATES_MAX && rule->state[a]; a++)
		for (__u8 b = a + 1; b < RS_STATES_MAX && rule->state[b]; b++) {
			begin(m, m->which);
			for (size_t i = 0; i < rule->nr_arrows; i++) {
				struct rs_transition *t = &m->arrow[i];

				if (t->from == b)
					t->from = a;
				if (t->to < RS_TO_UNKNOWN && plain(t->to) == b)
					t->to = a | (t->to & (RS_ANEW | RS_MUTE));
			}
			if (!m->rule[m->which].within[a].ns)
				m->rule[m->which].within[a] = rule->within[b];
			snprintf(m->name, sizeof(m->name), "%s: %s merged into %s", rule->id,
				 rule->state[b], rule->state[a]);
			try(h, m);
		}
}

/* A clock that runs ten times as long or as short, or not at all. */
static void change_clocks(struct hunt *h, struct mutant *m)
{
	const struct rs_rule *rule = &rs_rules[m->which];

	for (size_t i = 0; i < RS_STATES_MAX; i++) {
		__u64 ns = rule->within[i].ns;
		const struct {
			__u64 ns;
			const char *what;
		} way[] = { { ns * 10, "ten times as long" },
			    { ns / 10, "a tenth as long" },
			    { 0, "dropped" } };

		for (size_t k = 0; ns && k < sizeof(way) / sizeof(way[0]); k++) {
			begin(m, m->which);
			m->rule[m->which].within[i].ns = way[k].ns;
			snprintf(m->name, sizeof(m->name), "%s: the clock of %s: %s", rule->id,
				 rule->state[i], way[k].what);
			try(h, m);
		}
	}
}

/* A reason that begins so is none: nothing in the corpus tells it from the rule yet. */
#define NOT_YET "not killed yet"

/* Lines of "mutant -- reason"; "#" begins a comment. */
static void read_equivalent(struct hunt *h, const char *path)
{
	char line[1024];
	FILE *f = fopen(path, "r");

	if (!f) {
		printf("FAIL %s cannot be read\n", path);
		h->survived++;
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		char *reason = strstr(line, " -- ");

		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (!reason || strlen(reason) < 10 || reason - line >= NAME_LEN) {
			printf("FAIL %s: no reason given: %s", path, line);
			h->survived++;
			continue;
		}
		*reason = 0;
		h->equivalent =
			realloc(h->equivalent, (h->nr_equivalent + 1) * sizeof(*h->equivalent));
		MUST(h->equivalent);
		h->open = realloc(h->open, (h->nr_equivalent + 1) * sizeof(*h->open));
		MUST(h->open);
		h->open[h->nr_equivalent] = !strncmp(reason + 4, NOT_YET, strlen(NOT_YET));
		strcpy(h->equivalent[h->nr_equivalent++], line);
	}
	fclose(f);
	h->seen = calloc(h->nr_equivalent + 1, sizeof(*h->seen));
	MUST(h->seen);
}

static void begin_hunt(struct hunt *h)
{
	h->right = calloc(h->nr, sizeof(*h->right));
	h->found_by = calloc(h->nr * rs_nr_rules, sizeof(*h->found_by));
	MUST(h->right && h->found_by);
	for (size_t i = 0; i < h->nr; i++) {
		proof_engine(h->corpus[i], NULL, NULL, &h->right[i]);
		for (size_t r = 0; r < rs_nr_rules; r++)
			h->found_by[r * h->nr + i] = i;
	}
}

void proof_mutants(struct proof_trace *const *corpus, size_t nr, const char *equivalent,
		   struct proof_count *count)
{
	struct hunt h = { .corpus = corpus, .nr = nr };
	struct mutant *m = calloc(1, sizeof(*m));
	size_t all;

	MUST(m);
	read_equivalent(&h, equivalent);
	begin_hunt(&h);
	for (m->which = 0; m->which < rs_nr_rules; m->which++) {
		for (size_t i = 0; i < rs_rules[m->which].nr_arrows; i++) {
			drop_arrow(&h, m, i);
			drop_guard(&h, m, i);
			never_take(&h, m, i);
			retarget(&h, m, i);
			swap_arrows(&h, m, i);
		}
		merge_states(&h, m);
		change_clocks(&h, m);
	}
	for (size_t i = 0; i < h.nr_equivalent; i++) {
		if (h.seen && h.seen[i])
			continue;
		printf("FAIL listed as equivalent, and there is no such mutant: %s\n",
		       h.equivalent[i]);
		h.wrongly_listed++;
	}
	all = h.killed + h.listed + h.known + h.survived;
	printf("mutants: %zu of %zu killed, %zu equivalent, %zu survived\n", h.killed, all,
	       h.listed, h.survived + h.known);
	count->passed += h.killed + h.listed - (h.wrongly_listed < h.killed ? h.wrongly_listed : 0);
	count->failed += h.survived + h.wrongly_listed;
	count->skipped += h.known;
	free(h.right);
	free(h.found_by);
	free(h.equivalent);
	free(h.seen);
	free(h.open);
	free(m);
}
