// SPDX-License-Identifier: GPL-2.0-only
/* What a standing recording tells, a line each. */
#include <string.h>
#include "render/names.h"
#include "render/text.h"
#include "stats/units.h"

static struct rs_text begin_line(const struct rs_result *r, const struct rs_style *style, __u64 at,
				 FILE *out)
{
	struct rs_text t;
	struct rs_fmt utc = rs_fmt_utc((__s64)at + r->realtime_offset_ns);
	char *fraction = strchr(utc.s, '.');

	if (fraction)
		strcpy(fraction, "Z");
	rs_text_init(&t, style, out);
	rs_text_begin(&t, 0, 0);
	rs_text_whole(&t, RS_TONE_DIM, utc.s);
	rs_text_words(&t, RS_TONE_PLAIN, "  ");
	return t;
}

static void field(struct rs_text *t, enum rs_tone tone, const char *s)
{
	rs_text_whole(t, tone, s);
	rs_text_words(t, RS_TONE_PLAIN, "  ");
}

/* A range has a finding of its own: those of one rule and container are one line. Return: how many; 0: not the first */
static size_t alike(const struct rs_result *r, size_t at)
{
	const struct rs_finding *f = &r->finding[at];
	size_t nr = 0;

	for (size_t i = 0; i < r->nr_findings; i++) {
		const struct rs_finding *other = &r->finding[i];

		if (other->rule != f->rule || other->container != f->container ||
		    other->verdict != f->verdict)
			continue;
		if (i < at)
			return 0;
		nr++;
	}
	return nr;
}

static void finding(struct rs_text *t, const struct rs_result *r, size_t at, size_t nr)
{
	const struct rs_finding *f = &r->finding[at];
	char text[1024];
	int len;

	len = snprintf(text, sizeof(text), "%s: %s", f->rule, f->text);
	if (nr > 1 && (size_t)len < sizeof(text))
		snprintf(text + len, sizeof(text) - len, " (and %zu more)", nr - 1);
	field(t, f->verdict == RS_VIOLATED ? RS_TONE_BAD : RS_TONE_WARN,
	      f->verdict == RS_VIOLATED ? "!" : "?");
	rs_text_whole(t, RS_TONE_PLAIN, text);
	rs_text_end(t);
}

static void below(struct rs_text *t)
{
	rs_text_begin(t, 4, 0);
}

static bool has_finding(const struct rs_result *r, const struct rs_rule_view *rule)
{
	for (size_t i = 0; i < r->nr_findings; i++)
		if (r->finding[i].rule == rule->id && r->finding[i].verdict == rule->verdict)
			return true;
	return false;
}

static bool is_blind(const struct rs_result *r, const struct rs_rule_view *rule)
{
	return rule->verdict == RS_UNKNOWN && rule->reason && !has_finding(r, rule);
}

/* Rules that cannot be judged for the same reason share a line. */
static void unknown(struct rs_text *t, const struct rs_result *r, size_t at)
{
	const struct rs_rule_view *rule = &r->rule[at];
	size_t nr = 0;
	char text[1024];

	if (!is_blind(r, rule))
		return;
	for (size_t i = 0; i < r->nr_rules; i++) {
		if (!is_blind(r, &r->rule[i]) || strcmp(r->rule[i].reason, rule->reason) != 0)
			continue;
		if (i < at)
			return;
		nr++;
	}
	snprintf(text, sizeof(text), nr > 1 ? "%s: %s (and %zu rules more)" : "%s: %s", rule->id,
		 rule->reason, nr - 1);
	below(t);
	field(t, RS_TONE_WARN, "?");
	rs_text_whole(t, RS_TONE_PLAIN, text);
	rs_text_end(t);
}

static void budget(struct rs_text *t, const struct rs_budget_view *b)
{
	char text[1024];

	if (b->verdict == RS_PASS)
		return;
	if (b->measured)
		snprintf(text, sizeof(text), "%s: %s: it is %s", b->where, b->text, b->measured);
	else
		snprintf(text, sizeof(text), "%s: %s: %s", b->where, b->text,
			 b->reason ? b->reason : "not known");
	below(t);
	field(t, b->verdict == RS_VIOLATED ? RS_TONE_BAD : RS_TONE_WARN,
	      b->verdict == RS_VIOLATED ? "!" : "?");
	rs_text_whole(t, RS_TONE_PLAIN, text);
	rs_text_end(t);
}

static void who(struct rs_text *t, const struct rs_update_view *u)
{
	struct rs_name from = rs_name_proc(&u->from), to = rs_name_proc(&u->to);

	rs_text_whole(t, RS_TONE_PLAIN, from.s);
	if (u->to.tgid && strcmp(from.s, to.s) != 0) {
		rs_text_words(t, RS_TONE_PLAIN, " -> ");
		rs_text_whole(t, RS_TONE_PLAIN, to.s);
	}
	rs_text_words(t, RS_TONE_PLAIN, "  ");
}

/* The longest of its windows. */
static void windows(struct rs_text *t, const struct rs_result *r)
{
	__u64 longest = 0;
	bool open = false;
	char text[64];
	int len;

	if (!r->nr_windows)
		return;
	for (size_t i = 0; i < r->nr_windows; i++) {
		const struct rs_window_view *w = &r->window[i];

		open |= !w->close_ns;
		if (w->close_ns && w->close_ns - w->open_ns > longest)
			longest = w->close_ns - w->open_ns;
	}
	len = snprintf(text, sizeof(text), "window%s %s", r->nr_windows > 1 ? "s" : "",
		       open ? "open" : rs_fmt_len_tight(longest).s);
	if (r->nr_windows > 1 && !open)
		snprintf(text + len, sizeof(text) - len, " (longest of %zu)", r->nr_windows);
	field(t, RS_TONE_PLAIN, text);
}

/* The longest of its hand-overs. */
static void handovers(struct rs_text *t, const struct rs_result *r)
{
	const struct rs_handover_view *longest = NULL;
	char text[96];

	for (size_t i = 0; i < r->nr_handovers; i++) {
		const struct rs_handover_view *h = &r->handover[i];

		if (!longest || !h->end_ns ||
		    (longest->end_ns &&
		     h->end_ns - h->start_ns > longest->end_ns - longest->start_ns))
			longest = h;
	}
	if (!longest)
		return;
	snprintf(text, sizeof(text), "hand-over %s",
		 longest->end_ns ? rs_fmt_len_tight(longest->end_ns - longest->start_ns).s
				 : "open");
	field(t, RS_TONE_PLAIN, text);
}

static void blackout(struct rs_text *t, const struct rs_update_view *u)
{
	char text[96];

	if (!u->blackout_from) {
		field(t, RS_TONE_PLAIN, "blackout -");
		return;
	}
	snprintf(text, sizeof(text), "blackout %s (%s)", rs_fmt_len_tight(u->blackout_len).s,
		 u->blackout_from);
	field(t, RS_TONE_PLAIN, text);
}

/* How it was handed over, or what became of it. */
static void how(struct rs_text *t, const struct rs_update_view *u)
{
	switch (u->outcome) {
	case RS_OUTCOME_OPEN:
		field(t, RS_TONE_PLAIN, "not over");
		break;
	case RS_OUTCOME_DONE:
	case RS_OUTCOME_IN_PLACE:
		field(t, RS_TONE_PLAIN, rs_handover_name(u->handover));
		break;
	case RS_OUTCOME_CANCELLED:
		field(t, RS_TONE_WARN, rs_outcome_name(u->outcome));
		break;
	default:
		field(t, RS_TONE_BAD, rs_outcome_name(u->outcome));
	}
}

static void update(const struct rs_result *r, const struct rs_update_view *u,
		   const struct rs_style *style, FILE *out)
{
	static const enum rs_tone tones[] = {
		[RS_PASS] = RS_TONE_GOOD,
		[RS_UNKNOWN] = RS_TONE_WARN,
		[RS_VIOLATED] = RS_TONE_BAD,
	};
	struct rs_text t = begin_line(r, style, u->end_ns ? u->end_ns : r->last_ns, out);
	char id[16];

	snprintf(id, sizeof(id), "u%u", u->id);
	field(&t, RS_TONE_HEAD, id);
	who(&t, u);
	how(&t, u);
	blackout(&t, u);
	windows(&t, r);
	handovers(&t, r);
	rs_text_whole(&t, tones[r->verdict], rs_verdict_name(r->verdict));
	rs_text_end(&t);
}

int rs_render_told(const struct rs_result *r, const struct rs_style *style, FILE *out)
{
	struct rs_text t;

	rs_text_init(&t, style, out);
	for (size_t i = 0; i < r->nr_updates; i++)
		update(r, &r->update[i], style, out);
	for (size_t i = 0; i < r->nr_findings; i++) {
		size_t nr = alike(r, i);

		if (!nr)
			continue;
		if (r->nr_updates)
			below(&t);
		else
			t = begin_line(r, style, r->finding[i].at_ns, out);
		finding(&t, r, i, nr);
	}
	if (!r->nr_updates)
		return rs_text_status(&t);
	for (size_t i = 0; i < r->nr_rules; i++)
		unknown(&t, r, i);
	for (size_t i = 0; i < r->nr_budgets; i++)
		budget(&t, &r->budget[i]);
	if (r->verdict_reason) {
		below(&t);
		rs_text_whole(&t, RS_TONE_PLAIN, r->verdict_reason);
		rs_text_end(&t);
	}
	return rs_text_status(&t);
}
