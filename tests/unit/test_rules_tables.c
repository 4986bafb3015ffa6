// SPDX-License-Identifier: GPL-2.0-only
/* The rules' tables make sense, and what is printed of them is well formed. */
#include "attach/plan.h"
#include "judge.h"
#include "rules/print.h"

static bool reached(const struct rs_rule *r, __u8 state)
{
	bool seen[RS_STATES_MAX] = { true };

	for (size_t round = 0; round < RS_STATES_MAX; round++)
		for (size_t i = 0; i < r->nr_arrows; i++)
			if (seen[r->arrow[i].from] && r->arrow[i].to < RS_TO_UNKNOWN)
				seen[r->arrow[i].to & (RS_ANEW - 1)] = true;
	return seen[state];
}

static const char *wrong_arrow(const struct rs_rule *r, size_t nr)
{
	const struct rs_transition *a = &r->arrow[nr];
	bool finding = a->to >= RS_TO_UNKNOWN;

	if (a->from >= rs_rule_states(r))
		return "it leaves a state without a name";
	if (!finding && (size_t)(a->to & (RS_ANEW - 1)) >= rs_rule_states(r))
		return "it leads to a state without a name";
	if ((unsigned int)a->on >= RS_N_NR)
		return "it is taken on no note";
	if (finding != (a->say != NULL))
		return finding ? "a finding has no sentence" : "its sentence is never said";
	if (a->guard && (!a->guard->text || !a->guard->holds))
		return "its condition cannot be told or judged";
	if (!a->from && !a->to)
		return "it does nothing";
	for (size_t i = 0; i < nr; i++)
		if (r->arrow[i].from == a->from && r->arrow[i].on == a->on &&
		    (!r->arrow[i].guard || r->arrow[i].guard == a->guard))
			return "it is never taken: an earlier one is";
	return NULL;
}

/* What is wrong with a rule by its table alone; NULL: nothing. */
static const char *wrong(const struct rs_rule *r)
{
	bool violated = false;

	if (!r->id || !r->sentence || !r->expected || !r->why || !r->example)
		return "something is not said of it";
	if (r->sentence[strlen(r->sentence) - 1] != '.' || r->why[strlen(r->why) - 1] != '.')
		return "a sentence has no end";
	if ((unsigned int)r->scope >= RS_SCOPE_NR)
		return "it has no scope";
	for (size_t i = 0; i < r->nr_arrows; i++) {
		const char *what = wrong_arrow(r, i);

		if (what)
			return what;
		violated |= r->arrow[i].to == RS_TO_VIOLATED;
	}
	for (size_t i = 0; i < RS_STATES_MAX; i++) {
		const struct rs_invariant *w = &r->within[i];

		if (r->state[i] && i != 0 && !r->state[i - 1])
			return "a state has no name";
		if (r->state[i] && !reached(r, i))
			return "a state cannot be reached";
		if (w->ns && (!r->state[i] || !w->text || !w->say))
			return "a clock cannot be told";
		violated |= w->ns != 0;
	}
	for (size_t n = 0; n < sizeof(r->needs) / sizeof(r->needs[0]) && r->needs[n]; n++)
		if (!rs_plan_wants(r->needs[n]))
			return "it needs a hook that nobody plans";
	for (size_t n = 0; n < sizeof(r->sees) / sizeof(r->sees[0]) && r->sees[n]; n++)
		if (!rs_plan_wants(r->sees[n]))
			return "it needs a hook that nobody plans";
	return violated ? NULL : "nothing violates it";
}

static void tables_make_sense(void **state)
{
	bool scope[RS_SCOPE_NR] = { false }, note[RS_N_NR] = { false };

	(void)state;
	for (size_t i = 0; i < rs_nr_rules; i++) {
		const char *what = wrong(&rs_rules[i]);

		if (what)
			fail_msg("%s: %s", rs_rules[i].id, what);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(rs_rules[i].id, rs_rules[k].id);
		scope[rs_rules[i].scope] = true;
		for (size_t k = 0; k < rs_rules[i].nr_arrows; k++)
			note[rs_rules[i].arrow[k].on] = true;
	}
	/* Every kind of object is judged by some rule, and nothing is told that nobody hears. */
	for (unsigned int i = 0; i < RS_SCOPE_NR; i++)
		assert_true(scope[i]);
	for (unsigned int i = 0; i < RS_N_NR; i++) {
		if (!note[i])
			fail_msg("no rule hears of \"%s\"", rs_note_name(i));
		assert_string_not_equal(rs_note_name(i), "?");
		assert_string_not_equal(rs_note_gloss(i), "?");
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(rs_note_name(i), rs_note_name(k));
	}
}

static void say_nothing(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)n, (void)s, (void)len;
	*buf = 0;
}

static void faults_are_seen(void **state)
{
	static const struct rs_guard mute = { NULL, NULL };
	struct rs_transition arrow[9];
	const struct rs_rule *good = &rs_rules[0];
	struct rs_rule r;

	(void)state;
	assert_true(good->nr_arrows < 9);
#define EXPECT(want, change)                                                    \
	do {                                                                    \
		r = *good;                                                      \
		memcpy(arrow, good->arrow, good->nr_arrows * sizeof(arrow[0])); \
		r.arrow = arrow;                                                \
		change;                                                         \
		assert_non_null(wrong(&r));                                     \
		assert_string_equal(wrong(&r), want);                           \
	} while (0)
	EXPECT("something is not said of it", r.why = NULL);
	EXPECT("a sentence has no end", r.sentence = "No end");
	EXPECT("it has no scope", r.scope = RS_SCOPE_NR);
	EXPECT("it leaves a state without a name", arrow[0].from = 2);
	EXPECT("it leads to a state without a name", arrow[0].to = RS_ANEW | 3);
	EXPECT("it is taken on no note", arrow[0].on = RS_N_NR);
	EXPECT("a finding has no sentence", arrow[0].to = RS_TO_UNKNOWN);
	EXPECT("its sentence is never said", arrow[0].say = say_nothing);
	EXPECT("its condition cannot be told or judged", arrow[0].guard = &mute);
	EXPECT("it does nothing", arrow[0].to = 0);
	EXPECT("it is never taken: an earlier one is", arrow[1].on = arrow[0].on);
	EXPECT("a state cannot be reached", r.state[2] = "far");
	EXPECT("a state has no name", r.state[3] = "far");
	EXPECT("a clock cannot be told", r.within[1].text = NULL);
	EXPECT("a clock cannot be told", r.within[2].ns = 1);
	EXPECT("it needs a hook that nobody plans", r.needs[0] = "vfio_no_such_function");
	EXPECT("it needs a hook that nobody plans", r.sees[0] = "vfio_no_such_function");
	EXPECT("nothing violates it",
	       (r.within[1].ns = 0, arrow[4].to = RS_TO_UNKNOWN, r.nr_arrows = 5));
#undef EXPECT
}

/* A token of the DOT language, as far as it is used: an ID, a quoted string, "->" or one character. */
static const char *dot_token(const char *s, char *tok, size_t len)
{
	size_t at = 0;

	s += strspn(s, " \t\n");
	if (*s == '"') {
		for (tok[at++] = *s++; *s && *s != '"'; s++) {
			assert_true(*s != '\n');
			if (*s == '\\')
				assert_true(s[1] == '"' || s[1] == '\\' || s[1] == 'n');
			assert_true(at + 2 < len);
			tok[at++] = *s;
			if (*s == '\\')
				tok[at++] = *++s;
		}
		assert_int_equal(*s, '"');
		s++;
	} else if (s[0] == '-' && s[1] == '>') {
		tok[at++] = *s++;
		tok[at++] = *s++;
	} else if (strchr("{}[];,=", *s)) {
		if (*s)
			tok[at++] = *s++;
	} else {
		size_t n = strspn(
			s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

		assert_true(n && n < len);
		memcpy(tok, s, n);
		at = n;
		s += n;
	}
	tok[at] = 0;
	return s;
}

struct dot {
	char node[16][64];
	size_t nr_nodes;
	size_t nr_edges;
};

static bool dot_knows(const struct dot *d, const char *node)
{
	for (size_t i = 0; i < d->nr_nodes; i++)
		if (!strcmp(d->node[i], node))
			return true;
	return false;
}

/* [name=value, ...], if there is one; Return: what comes after it */
static const char *dot_attributes(const char *s)
{
	char tok[512];
	const char *next = dot_token(s, tok, sizeof(tok));

	if (strcmp(tok, "["))
		return s;
	do {
		next = dot_token(next, tok, sizeof(tok));
		assert_true(tok[0] >= 'a' && tok[0] <= 'z');
		next = dot_token(next, tok, sizeof(tok));
		assert_string_equal(tok, "=");
		next = dot_token(next, tok, sizeof(tok));
		assert_true(tok[0] && !strchr("{}[];,=", tok[0]));
		next = dot_token(next, tok, sizeof(tok));
	} while (!strcmp(tok, ","));
	assert_string_equal(tok, "]");
	return next;
}

/* digraph ID { statements }: every node of an edge has been told before. */
static void read_dot(const char *s, struct dot *d)
{
	char tok[512], to[512];

	memset(d, 0, sizeof(*d));
	s = dot_token(s, tok, sizeof(tok));
	assert_string_equal(tok, "digraph");
	s = dot_token(s, tok, sizeof(tok));
	assert_int_equal(tok[0], '"');
	s = dot_token(s, tok, sizeof(tok));
	assert_string_equal(tok, "{");
	while (s = dot_token(s, tok, sizeof(tok)), strcmp(tok, "}")) {
		const char *next = dot_token(s, to, sizeof(to));

		if (!strcmp(to, "->")) {
			s = dot_token(next, to, sizeof(to));
			assert_true(dot_knows(d, tok));
			assert_true(dot_knows(d, to));
			d->nr_edges++;
		} else if (!strcmp(to, "=")) {
			s = dot_token(next, to, sizeof(to));
		} else if (strcmp(tok, "node")) {
			assert_false(dot_knows(d, tok));
			assert_true(strlen(tok) < sizeof(d->node[0]));
			strcpy(d->node[d->nr_nodes++], tok);
		}
		s = dot_attributes(s);
		s = dot_token(s, tok, sizeof(tok));
		assert_string_equal(tok, ";");
	}
	assert_string_equal(s, "\n");
}

static void dot_is_well_formed(void **state)
{
	static const struct rs_guard quoted = { "a \"quote\" and a \\", NULL };
	struct rs_transition arrow[9];

	(void)state;
	for (size_t i = 0; i <= rs_nr_rules; i++) {
		struct rs_rule r = rs_rules[i % rs_nr_rules];
		size_t len, clocks = 0, ends = 0;
		bool to[2] = { false };
		struct dot d;
		char *buf;
		FILE *out = open_memstream(&buf, &len);

		assert_non_null(out);
		if (i == rs_nr_rules) {
			/* What has to be quoted. */
			memcpy(arrow, r.arrow, r.nr_arrows * sizeof(arrow[0]));
			arrow[0].guard = &quoted;
			r.arrow = arrow;
			r.state[1] = "\"\\";
		}
		assert_int_equal(rs_rule_dot(&r, out), 0);
		fclose(out);
		read_dot(buf, &d);
		for (size_t k = 0; k < RS_STATES_MAX; k++)
			clocks += r.within[k].ns != 0;
		to[0] = clocks;
		for (size_t k = 0; k < r.nr_arrows; k++)
			if (r.arrow[k].to >= RS_TO_UNKNOWN)
				to[r.arrow[k].to == RS_TO_UNKNOWN] = true;
		ends = to[0] + to[1];
		/* Each arrow and each clock, and where it begins. */
		assert_int_equal(d.nr_edges, r.nr_arrows + clocks + 1);
		assert_int_equal(d.nr_nodes, rs_rule_states(&r) + ends + 1);
		if (i == rs_nr_rules) {
			assert_non_null(strstr(buf, "a \\\"quote\\\" and a \\\\\"]"));
			assert_non_null(strstr(buf, "[label=\"\\\"\\\\"));
		}
		free(buf);
	}
}

static void json_has_it_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < rs_nr_rules; i++) {
		json_t *o = rs_rule_json(&rs_rules[i]), *arrows = json_object_get(o, "arrows");
		size_t clocks = 0;

		assert_non_null(o);
		for (size_t k = 0; k < RS_STATES_MAX; k++)
			clocks += rs_rules[i].within[k].ns != 0;
		assert_int_equal(json_array_size(arrows), rs_rules[i].nr_arrows + clocks);
		assert_int_equal(json_array_size(json_object_get(o, "states")),
				 rs_rule_states(&rs_rules[i]));
		assert_string_equal(json_string_value(json_object_get(o, "why")), rs_rules[i].why);
		json_decref(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_make_sense),
		cmocka_unit_test(faults_are_seen),
		cmocka_unit_test(dot_is_well_formed),
		cmocka_unit_test(json_has_it_all),
	};

	return cmocka_run_group_tests_name("rules: tables", tests, NULL, NULL);
}
