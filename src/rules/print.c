// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "render/text.h"
#include "rules/print.h"

const char *rs_rule_target(const struct rs_rule *r, __u8 to)
{
	if (to == RS_TO_VIOLATED)
		return "violated";
	if (to == RS_TO_UNKNOWN)
		return "unknown";
	return r->state[to & ~(RS_ANEW | RS_MUTE)];
}

size_t rs_rule_states(const struct rs_rule *r)
{
	size_t nr = 0;

	while (nr < RS_STATES_MAX && r->state[nr])
		nr++;
	return nr;
}

static size_t nr_names(const char *const *name, size_t max)
{
	size_t nr = 0;

	while (nr < max && name[nr])
		nr++;
	return nr;
}

#define NR_NAMES(list) nr_names(list, sizeof(list) / sizeof((list)[0]))

int rs_rules_list(const struct rs_rule_table *t, const struct rs_style *style, FILE *out)
{
	struct rs_text text;

	rs_text_init(&text, style, out);
	for (size_t i = 0; i < t->nr; i++) {
		const struct rs_rule *r = &t->rule[i];

		rs_text_begin(&text, 0, 6);
		rs_text_keep(&text, RS_TONE_HEAD, "%s", r->id);
		rs_text_to(&text, 20);
		rs_text_keep(&text, RS_TONE_DIM, "%s, of each %s", rs_severity_name(r->severity),
			     rs_scope_name(r->scope));
		rs_text_end(&text);
		rs_text_begin(&text, 6, 6);
		rs_text_words(&text, RS_TONE_PLAIN, r->sentence);
		rs_text_end(&text);
	}
	return rs_text_status(&text);
}

static void put_field(struct rs_text *t, const char *name, const char *value)
{
	rs_text_begin(t, 0, 12);
	rs_text_keep(t, RS_TONE_DIM, "%s", name);
	rs_text_to(t, 12);
	rs_text_words(t, RS_TONE_PLAIN, value);
	rs_text_end(t);
}

static void put_names(struct rs_text *t, const char *name, const char *const *of, size_t nr)
{
	rs_text_begin(t, 0, 12);
	rs_text_keep(t, RS_TONE_DIM, "%s", name);
	rs_text_to(t, 12);
	for (size_t i = 0; i < nr; i++)
		rs_text_put(t, RS_TONE_PLAIN, "%s%s ", of[i], i + 1 < nr ? "," : "");
	rs_text_end(t);
}

static void put_arrow(struct rs_text *t, const char *from, const char *note, const char *when,
		      const char *to)
{
	rs_text_begin(t, 2, 8);
	rs_text_keep(t, RS_TONE_PLAIN, "%s -%s->", from, note);
	rs_text_keep(t, RS_TONE_PLAIN, " %s", to);
	if (when)
		rs_text_put(t, RS_TONE_DIM, " (%s)", when);
	rs_text_end(t);
}

/* The notes of its arrows, each once, with what they say. */
static void put_notes(struct rs_text *t, const struct rs_rule *r)
{
	bool told[RS_N_NR] = { false };

	for (size_t i = 0; i < r->nr_arrows; i++) {
		enum rs_note_type on = r->arrow[i].on;

		if (told[on])
			continue;
		told[on] = true;
		rs_text_begin(t, 2, 20);
		rs_text_keep(t, RS_TONE_PLAIN, "%s", rs_note_name(on));
		rs_text_to(t, 20);
		rs_text_words(t, RS_TONE_PLAIN, rs_note_gloss(on));
		rs_text_end(t);
	}
}

static void put_head(struct rs_text *t, const char *head)
{
	rs_text_begin(t, 0, 0);
	rs_text_end(t);
	rs_text_begin(t, 0, 0);
	rs_text_keep(t, RS_TONE_HEAD, "%s", head);
	rs_text_end(t);
}

int rs_rule_explain(const struct rs_rule *r, const struct rs_style *style, FILE *out)
{
	struct rs_text t;

	rs_text_init(&t, style, out);
	rs_text_begin(&t, 0, 0);
	rs_text_keep(&t, RS_TONE_HEAD, "%s", r->id);
	rs_text_end(&t);
	put_field(&t, "clause", r->sentence);
	put_field(&t, "severity", rs_severity_name(r->severity));
	put_field(&t, "of each", rs_scope_name(r->scope));
	put_field(&t, "why", r->why);
	if (NR_NAMES(r->needs))
		put_names(&t, "needs", r->needs, NR_NAMES(r->needs));
	else
		put_field(&t, "needs", "no hook but those that every recording has");
	if (NR_NAMES(r->also))
		put_names(&t, "of iommufd", r->also, NR_NAMES(r->also));
	if (NR_NAMES(r->sees))
		put_names(&t, "if there", r->sees, NR_NAMES(r->sees));

	put_head(&t, "states");
	for (size_t i = 0; i < rs_rule_states(r); i++) {
		rs_text_begin(&t, 2, 20);
		rs_text_keep(&t, RS_TONE_PLAIN, "%s", r->state[i]);
		rs_text_to(&t, 20);
		if (!i)
			rs_text_words(&t, RS_TONE_PLAIN, "the first one ");
		if (r->within[i].ns)
			rs_text_put(&t, RS_TONE_PLAIN, "for at most %llu s",
				    r->within[i].ns / 1000000000ULL);
		rs_text_end(&t);
	}
	put_head(&t, "arrows; the first one whose condition holds is taken");
	for (size_t i = 0; i < r->nr_arrows; i++) {
		const struct rs_transition *a = &r->arrow[i];

		put_arrow(&t, r->state[a->from], rs_note_name(a->on),
			  a->guard ? a->guard->text : NULL, rs_rule_target(r, a->to));
	}
	for (size_t i = 0; i < RS_STATES_MAX; i++)
		if (r->within[i].ns)
			put_arrow(&t, r->state[i], "time", r->within[i].text, "violated");
	put_head(&t, "notes");
	put_notes(&t, r);
	put_head(&t, "a violation");
	rs_text_begin(&t, 2, 12);
	rs_text_keep(&t, RS_TONE_DIM, "seen");
	rs_text_to(&t, 12);
	rs_text_words(&t, RS_TONE_PLAIN, r->example);
	rs_text_end(&t);
	rs_text_begin(&t, 2, 12);
	rs_text_keep(&t, RS_TONE_DIM, "expected");
	rs_text_to(&t, 12);
	rs_text_words(&t, RS_TONE_PLAIN, r->expected);
	rs_text_end(&t);
	return rs_text_status(&t);
}

static json_t *names_json(const char *const *name, size_t nr)
{
	json_t *list = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(list, json_string(name[i]));
	return list;
}

json_t *rs_rule_json(const struct rs_rule *r)
{
	json_t *states = json_array(), *arrows = json_array();

	for (size_t i = 0; i < rs_rule_states(r); i++)
		json_array_append_new(states,
				      json_pack("{s:s, s:o}", "name", r->state[i], "at_most_ns",
						r->within[i].ns ? json_integer(r->within[i].ns)
								: json_null()));
	for (size_t i = 0; i < r->nr_arrows; i++) {
		const struct rs_transition *a = &r->arrow[i];

		json_array_append_new(arrows,
				      json_pack("{s:s, s:s, s:s?, s:s}", "from", r->state[a->from],
						"note", rs_note_name(a->on), "when",
						a->guard ? a->guard->text : NULL, "to",
						rs_rule_target(r, a->to)));
	}
	for (size_t i = 0; i < RS_STATES_MAX; i++)
		if (r->within[i].ns)
			json_array_append_new(arrows,
					      json_pack("{s:s, s:s, s:s, s:s}", "from", r->state[i],
							"note", "time", "when", r->within[i].text,
							"to", "violated"));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id",
			 r->id, "severity", rs_severity_name(r->severity), "scope",
			 rs_scope_name(r->scope), "sentence", r->sentence, "why", r->why,
			 "expected", r->expected, "example", r->example, "needs",
			 names_json(r->needs, NR_NAMES(r->needs)), "also",
			 names_json(r->also, NR_NAMES(r->also)), "sees",
			 names_json(r->sees, NR_NAMES(r->sees)), "states", states, "arrows",
			 arrows);
}
