// SPDX-License-Identifier: GPL-2.0-only
/* Rules in Graphviz's language, and in Markdown. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "rules/print.h"

/* A quoted ID of the DOT language: only the quote needs a backslash, which then needs one itself. */
static void put_quoted(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
}

static void put_node(FILE *out, const struct rs_rule *r, __u8 to)
{
	if (to >= RS_TO_UNKNOWN)
		fputs(rs_rule_target(r, to), out);
	else
		fprintf(out, "s%d", to & ~(RS_ANEW | RS_MUTE));
}

static void put_edge(FILE *out, const struct rs_rule *r, __u8 from, const char *note,
		     const char *when, __u8 to)
{
	fprintf(out, "\ts%d -> ", from);
	put_node(out, r, to);
	fputs(" [label=\"", out);
	put_quoted(out, note);
	if (when) {
		fputs("\\n", out);
		put_quoted(out, when);
	}
	fputs("\"];\n", out);
}

static bool leads_to(const struct rs_rule *r, __u8 to)
{
	for (size_t i = 0; i < r->nr_arrows; i++)
		if (r->arrow[i].to == to)
			return true;
	for (size_t i = 0; i < RS_STATES_MAX; i++)
		if (r->within[i].ns && to == RS_TO_VIOLATED)
			return true;
	return false;
}

static int written(FILE *out)
{
	errno = EIO;
	return fflush(out) || ferror(out) ? -errno : 0;
}

int rs_rule_dot(const struct rs_rule *r, FILE *out)
{
	fputs("digraph \"", out);
	put_quoted(out, r->id);
	fputs("\" {\n\trankdir=LR;\n\tnode [shape=box, style=rounded];\n"
	      "\tbegin [shape=point];\n",
	      out);
	for (size_t i = 0; i < rs_rule_states(r); i++) {
		fprintf(out, "\ts%zu [label=\"", i);
		put_quoted(out, r->state[i]);
		if (r->within[i].ns)
			fprintf(out, "\\nat most %llu s", r->within[i].ns / 1000000000ULL);
		fputs("\"];\n", out);
	}
	if (leads_to(r, RS_TO_VIOLATED))
		fputs("\tviolated [shape=octagon, style=bold];\n", out);
	if (leads_to(r, RS_TO_UNKNOWN))
		fputs("\tunknown [shape=octagon, style=dashed];\n", out);
	fputs("\tbegin -> s0;\n", out);
	for (size_t i = 0; i < r->nr_arrows; i++) {
		const struct rs_transition *a = &r->arrow[i];

		put_edge(out, r, a->from, rs_note_name(a->on), a->guard ? a->guard->text : NULL,
			 a->to);
	}
	for (size_t i = 0; i < RS_STATES_MAX; i++)
		if (r->within[i].ns)
			put_edge(out, r, i, "time", r->within[i].text, RS_TO_VIOLATED);
	fputs("}\n", out);
	return written(out);
}

/* Text that Markdown could take for markup. */
static void put_plain(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '|' || *s == '<' || *s == '*' || *s == '_' || *s == '`')
			fputc('\\', out);
		fputc(*s, out);
	}
}

/* The same in lines of a length that is good to read, and to compare. */
static void put_wrapped(FILE *out, const char *s)
{
	size_t col = 0;

	while (*s) {
		char word[2] = { *s++, 0 };

		if (*word == ' ' && col + strcspn(s, " ") >= 120) {
			fputc('\n', out);
			col = 0;
			continue;
		}
		put_plain(out, word);
		col++;
	}
}

static void put_row(FILE *out, const char *from, const char *note, const char *when, const char *to)
{
	bool found = to == rs_verdict_name(RS_VIOLATED) || to == rs_verdict_name(RS_UNKNOWN);

	fprintf(out, "| %s | `%s`", from, note);
	if (when) {
		fputs(", ", out);
		put_plain(out, when);
	}
	fprintf(out, found ? " | **%s** |\n" : " | %s |\n", to);
}

/* @lead: before the first, if there is any */
static void put_names(FILE *out, const char *lead, const char *const *name, size_t max)
{
	for (size_t i = 0; i < max && name[i]; i++)
		fprintf(out, "%s`%s`", i ? ", " : lead, name[i]);
}

#define PUT_NAMES(out, lead, list) put_names(out, lead, list, sizeof(list) / sizeof((list)[0]))

static void put_rule(FILE *out, const struct rs_rule *r)
{
	fprintf(out, "\n## %s\n\n", r->id);
	put_plain(out, r->sentence);
	fprintf(out, "\n\nSeverity: %s. Of each %s. Needs: ", rs_severity_name(r->severity),
		rs_scope_name(r->scope));
	if (!r->needs[0])
		fputs("no hook but those that every recording has", out);
	PUT_NAMES(out, "", r->needs);
	PUT_NAMES(out, "; of iommufd: ", r->also);
	PUT_NAMES(out, "; where they are: ", r->sees);
	fputs(".\n\n", out);
	put_wrapped(out, r->why);
	fputs("\n\n| in state | on | to |\n|---|---|---|\n", out);
	for (size_t i = 0; i < r->nr_arrows; i++) {
		const struct rs_transition *a = &r->arrow[i];
		const char *to = a->to == RS_TO_VIOLATED  ? rs_verdict_name(RS_VIOLATED)
				 : a->to == RS_TO_UNKNOWN ? rs_verdict_name(RS_UNKNOWN)
							  : rs_rule_target(r, a->to);

		put_row(out, r->state[a->from], rs_note_name(a->on),
			a->guard ? a->guard->text : NULL, to);
	}
	for (size_t i = 0; i < RS_STATES_MAX; i++)
		if (r->within[i].ns)
			put_row(out, r->state[i], "time", r->within[i].text,
				rs_verdict_name(RS_VIOLATED));
	fputs("\nA violation, for example: \"", out);
	put_plain(out, r->example);
	fputs("\"; expected was ", out);
	put_plain(out, r->expected);
	fputs(".\n", out);
}

int rs_rules_markdown(const struct rs_rule_table *t, FILE *out)
{
	fputs("<!-- SPDX-License-Identifier: GPL-2.0-only -->\n"
	      "<!-- Made by `make docs/rules.md` from src/rules/rules.c: change it there. -->\n"
	      "# Rules\n\n"
	      "Each rule is an automaton, of which every object of its kind has an instance: each "
	      "range, "
	      "container, device, update, or mm. An\n"
	      "instance begins in the first state of the table. What happens is told as *notes*, "
	      "listed "
	      "at the end; the first arrow of its state whose\n"
	      "note and condition fit is taken, and no arrow means that nothing changes. An arrow "
	      "to "
	      "**violated** or **unknown** is a finding, and\n"
	      "the instance goes on from its first state.\n\n"
	      "`time` is no note: it says how long an instance may stay in a state. That it stayed "
	      "too long "
	      "is found by the time of any later\n"
	      "record, or of the recording's end; the finding's time is the deadline.\n\n"
	      "`remapscope rules ID` prints a rule, `remapscope rules --dot ID` its automaton for "
	      "Graphviz.\n\n"
	      "| rule | severity | of each | clause |\n|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < t->nr; i++) {
		const struct rs_rule *r = &t->rule[i];

		fprintf(out, "| [%s](#%s) | %s | %s | ", r->id, r->id,
			rs_severity_name(r->severity), rs_scope_name(r->scope));
		put_plain(out, r->sentence);
		fputs(" |\n", out);
	}
	for (size_t i = 0; i < t->nr; i++)
		put_rule(out, &t->rule[i]);
	fputs("\n## Notes\n\n| note | what happened |\n|---|---|\n", out);
	for (unsigned int i = 0; i < RS_N_NR; i++) {
		fprintf(out, "| `%s` | ", rs_note_name(i));
		put_plain(out, rs_note_gloss(i));
		fputs(" |\n", out);
	}
	return written(out);
}
