// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict and what proves it. The proof stands right above the verdict and the verdict in the
 * last line: that is what the end of a CI log shows.
 */
#include "render/names.h"
#include "render/report.h"
#include "stats/units.h"

#include <string.h>

#define TEXT_COL 12

static void put_head(struct rs_text *t, const struct rs_result *r)
{
	__u64 len = r->last_ns > r->first_ns ? r->last_ns - r->first_ns : 0;

	rs_text_begin(t, 0, 2);
	rs_text_put(t, RS_TONE_HEAD, "remapscope check of ");
	rs_text_words(t, RS_TONE_HEAD, r->source ? r->source : "an unnamed source");
	rs_text_put(t, RS_TONE_PLAIN, ":");
	if (r->kernel)
		rs_text_keep(t, RS_TONE_PLAIN, " Linux %s,", r->kernel);
	rs_text_keep(t, RS_TONE_PLAIN, " %s,", rs_fmt_len(len).s);
	rs_text_keep(t, RS_TONE_PLAIN, " %s event%s", rs_fmt_count(r->events).s,
		     r->events == 1 ? "" : "s");
	rs_text_end(t);

	if (r->excerpt.of) {
		rs_text_begin(t, 0, 2);
		rs_text_put(t, RS_TONE_WARN, "excerpt: ");
		rs_report_excerpt(t, r);
		rs_text_end(t);
	}
	if (!r->complete) {
		rs_text_begin(t, 0, 2);
		rs_text_put(t, RS_TONE_WARN, "incomplete: ");
		rs_text_words(t, RS_TONE_WARN,
			      r->incomplete_reason ? r->incomplete_reason : "no reason is known");
		rs_text_end(t);
	}
	for (size_t i = 0; i < r->nr_losses; i++) {
		rs_text_begin(t, 0, 2);
		rs_text_put(t, RS_TONE_WARN, "lost: ");
		if (r->loss[i].count)
			rs_text_keep(t, RS_TONE_WARN, "%s ", rs_fmt_count(r->loss[i].count).s);
		rs_text_words(t, RS_TONE_WARN, r->loss[i].what);
		rs_text_words(t, RS_TONE_WARN, rs_name_loss(&r->loss[i]).s);
		rs_text_end(t);
	}
	if (r->command.ran) {
		rs_text_begin(t, 0, 2);
		rs_text_put(t, RS_TONE_PLAIN, "command: ");
		rs_text_words(t, RS_TONE_PLAIN, r->command.line ? r->command.line : "");
		rs_text_keep(t, r->command.status ? RS_TONE_WARN : RS_TONE_PLAIN, " (%s)",
			     rs_name_status(r->command.status).s);
		rs_text_end(t);
	}
}

static void begin_verdict(struct rs_text *t, enum rs_verdict v, int hang)
{
	rs_text_begin(t, 2, hang);
	rs_text_keep(t, rs_verdict_tone(v), "%s", rs_verdict_label(v));
	rs_text_to(t, TEXT_COL);
}

static void put_line(struct rs_text *t, enum rs_tone tone, const char *s)
{
	rs_text_begin(t, TEXT_COL, TEXT_COL);
	rs_text_words(t, tone, s);
	rs_text_end(t);
}

/* Of several containers, those that do not pass: the others are none the worse for them. */
static void put_rule_containers(struct rs_text *t, const struct rs_result *r,
				const struct rs_rule_view *v)
{
	size_t others = r->nr_containers - v->nr_containers;

	if (!v->nr_containers || !others)
		return;
	rs_text_begin(t, TEXT_COL, TEXT_COL);
	for (size_t i = 0; i < v->nr_containers; i++)
		rs_text_keep(t, rs_verdict_tone(v->container[i].verdict), "%sc%u %s", i ? ", " : "",
			     v->container[i].container, rs_verdict_name(v->container[i].verdict));
	rs_text_keep(t, RS_TONE_PLAIN, "; ");
	if (others == 1)
		rs_text_put(t, RS_TONE_PLAIN, "the other container passes");
	else
		rs_text_keep(t, RS_TONE_PLAIN, "the other %s containers pass",
			     rs_fmt_count(others).s);
	rs_text_end(t);
}

static void put_rules(struct rs_text *t, const struct rs_result *r)
{
	if (!r->nr_rules)
		return;
	rs_report_section(t, "RULES");
	for (size_t i = 0; i < r->nr_rules; i++) {
		const struct rs_rule_view *v = &r->rule[i];

		begin_verdict(t, v->verdict, TEXT_COL + 2);
		rs_text_keep(t, RS_TONE_PLAIN, "%s", v->id);
		rs_text_to(t, 33);
		if (v->instances)
			rs_text_keep(t, RS_TONE_DIM, "%s judged", rs_fmt_count(v->instances).s);
		else
			rs_text_keep(t, RS_TONE_DIM, "nothing to judge");
		if (v->findings)
			rs_text_keep(t, rs_verdict_tone(v->verdict), ", %s finding%s",
				     rs_fmt_count(v->findings).s, v->findings == 1 ? "" : "s");
		if (v->verdict != RS_PASS)
			rs_text_keep(t, rs_verdict_tone(v->verdict), ", %s",
				     rs_severity_name(v->severity));
		rs_text_end(t);
		if (v->verdict != RS_PASS || t->style->verbose)
			put_line(t, RS_TONE_PLAIN, v->sentence);
		if (v->reason)
			put_line(t, RS_TONE_WARN, v->reason);
		put_rule_containers(t, r, v);
	}
}

static void put_budgets(struct rs_text *t, const struct rs_result *r)
{
	if (!r->nr_budgets)
		return;
	rs_report_section(t, "BUDGET");
	for (size_t i = 0; i < r->nr_budgets; i++) {
		const struct rs_budget_view *v = &r->budget[i];

		begin_verdict(t, v->verdict, TEXT_COL + 2);
		rs_text_keep(t, RS_TONE_PLAIN, "%s", v->text);
		rs_text_keep(t, RS_TONE_PLAIN, "  measured %s",
			     v->measured ? v->measured : "nothing");
		if (v->base)
			rs_text_keep(t, RS_TONE_PLAIN, "  base %s", v->base);
		if (v->needed)
			rs_text_keep(t, RS_TONE_DIM, "  %s sample%s", rs_fmt_count(v->samples).s,
				     v->samples == 1 ? "" : "s");
		rs_text_keep(t, RS_TONE_DIM, "  %s", v->where);
		rs_text_end(t);
		if (v->reason)
			put_line(t, rs_verdict_tone(v->verdict), v->reason);
		if (v->note)
			put_line(t, RS_TONE_DIM, v->note);
	}
}

static const struct rs_rule_view *find_rule(const struct rs_result *r, const char *id)
{
	for (size_t i = 0; i < r->nr_rules; i++)
		if (!strcmp(r->rule[i].id, id))
			return &r->rule[i];
	return NULL;
}

static void put_event(struct rs_text *t, const struct rs_result *r, const struct rs_event *ev)
{
	char text[320];

	rs_describe_event(r, ev, text, sizeof(text));
	rs_text_begin(t, 6, 12);
	rs_text_keep(t, RS_TONE_DIM, "%s", rs_fmt_at(ev->ts, r->first_ns, 6).s);
	rs_text_keep(t, RS_TONE_DIM, "  cpu%u  %s", ev->cpu, rs_name_task(r, ev).s);
	rs_text_to(t, t->col + 2);
	rs_text_words(t, RS_TONE_PLAIN, text);
	rs_text_end(t);
}

static void put_finding(struct rs_text *t, const struct rs_result *r, size_t nr)
{
	const struct rs_finding *f = &r->finding[nr];
	const struct rs_rule_view *rule = find_rule(r, f->rule);

	rs_text_begin(t, 2, 6);
	rs_text_keep(t, rs_verdict_tone(f->verdict), "%zu. %s %s", nr + 1,
		     rs_verdict_label(f->verdict), f->rule);
	if (rule)
		rs_text_keep(t, RS_TONE_PLAIN, " (%s)", rs_severity_name(rule->severity));
	if (f->at_ns)
		rs_text_keep(t, RS_TONE_PLAIN, "  %s", rs_fmt_at(f->at_ns, r->first_ns, 6).s);
	if (f->container)
		rs_text_keep(t, RS_TONE_PLAIN, "  c%u", f->container);
	if (f->window)
		rs_text_keep(t, RS_TONE_PLAIN, "  window %u", f->window);
	if (f->handover)
		rs_text_keep(t, RS_TONE_PLAIN, "  hand-over %u", f->handover);
	rs_text_end(t);

	rs_text_begin(t, 4, 14);
	rs_text_keep(t, RS_TONE_DIM, "seen");
	rs_text_to(t, 14);
	rs_text_words(t, RS_TONE_PLAIN, f->text ? f->text : "");
	rs_text_end(t);
	if (f->expected) {
		rs_text_begin(t, 4, 14);
		rs_text_keep(t, RS_TONE_DIM, "expected");
		rs_text_to(t, 14);
		rs_text_words(t, RS_TONE_PLAIN, f->expected);
		rs_text_end(t);
	}
	if (f->nr_steps) {
		char path[1024];

		rs_describe_path(f, path, sizeof(path));
		rs_text_begin(t, 4, 14);
		rs_text_keep(t, RS_TONE_DIM, "path");
		rs_text_to(t, 14);
		rs_text_words(t, RS_TONE_DIM, path);
		rs_text_end(t);
	}
	for (size_t i = 0; i < f->nr_events; i++)
		put_event(t, r, f->event[i]);
	if (f->replay) {
		rs_text_begin(t, 4, 14);
		rs_text_keep(t, RS_TONE_DIM, "replay");
		rs_text_to(t, 14);
		rs_text_whole(t, RS_TONE_PLAIN, f->replay);
		rs_text_end(t);
	}
}

static void put_findings(struct rs_text *t, const struct rs_result *r)
{
	__u64 all = 0, listed = 0;

	if (!r->nr_findings)
		return;
	rs_report_section(t, "FINDINGS");
	for (size_t i = 0; i < r->nr_findings; i++) {
		put_finding(t, r, i);
		listed += r->finding[i].objects;
	}
	for (size_t i = 0; i < r->nr_rules; i++)
		all += r->rule[i].findings;
	if (all > listed) {
		rs_text_begin(t, 2, 6);
		rs_text_put(t, RS_TONE_DIM, "... and %s more", rs_fmt_count(all - listed).s);
		rs_text_end(t);
	}
}

static void count_verdicts(const struct rs_result *r, enum rs_verdict v, size_t *rules,
			   size_t *clauses)
{
	*rules = 0;
	*clauses = 0;
	for (size_t i = 0; i < r->nr_rules; i++)
		*rules += r->rule[i].verdict == v;
	for (size_t i = 0; i < r->nr_budgets; i++)
		*clauses += r->budget[i].verdict == v;
}

static void put_verdict(struct rs_text *t, const struct rs_result *r)
{
	enum rs_tone tone = rs_verdict_tone(r->verdict);
	size_t rules, clauses;

	fputc('\n', t->out);
	if (!r->nr_windows && !r->nr_handovers) {
		rs_text_begin(t, 0, 2);
		rs_text_put(t, RS_TONE_PLAIN, "nothing to judge: no remap window was seen");
		rs_text_end(t);
	}
	count_verdicts(r, r->verdict, &rules, &clauses);
	rs_text_begin(t, 0, 2);
	rs_text_put(t, tone, "verdict: %s", rs_verdict_name(r->verdict));
	rs_text_keep(t, RS_TONE_PLAIN, " (%zu of %zu rule%s", rules, r->nr_rules,
		     r->nr_rules == 1 ? "" : "s");
	if (r->nr_budgets)
		rs_text_keep(t, RS_TONE_PLAIN, ", %zu of %zu budget clause%s", clauses,
			     r->nr_budgets, r->nr_budgets == 1 ? "" : "s");
	rs_text_put(t, RS_TONE_PLAIN, ")");
	if (r->verdict_reason) {
		rs_text_put(t, RS_TONE_PLAIN, ": ");
		rs_text_words(t, RS_TONE_PLAIN, r->verdict_reason);
	}
	rs_text_end(t);
}

int rs_render_check(const struct rs_result *r, const struct rs_style *style, FILE *out)
{
	struct rs_text t;

	rs_text_init(&t, style, out);
	put_head(&t, r);
	put_rules(&t, r);
	put_budgets(&t, r);
	put_findings(&t, r);
	put_verdict(&t, r);
	return rs_text_status(&t);
}
