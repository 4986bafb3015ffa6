// SPDX-License-Identifier: GPL-2.0-only
/* What happened, for a person. A section appears when it has something to say. */
#include "render/report.h"
#include "render/names.h"
#include "stats/units.h"

#include <string.h>

#define TEXT_COL 14

enum rs_tone rs_verdict_tone(enum rs_verdict v)
{
	switch (v) {
	case RS_PASS:
		return RS_TONE_GOOD;
	case RS_UNKNOWN:
		return RS_TONE_WARN;
	case RS_VIOLATED:
		break;
	}
	return RS_TONE_BAD;
}

const char *rs_verdict_label(enum rs_verdict v)
{
	switch (v) {
	case RS_PASS:
		return "pass";
	case RS_UNKNOWN:
		return "UNKNOWN";
	case RS_VIOLATED:
		break;
	}
	return "VIOLATED";
}

void rs_report_section(struct rs_text *t, const char *heading)
{
	fputc('\n', t->out);
	rs_text_begin(t, 0, 2);
	rs_text_words(t, RS_TONE_HEAD, heading);
	rs_text_end(t);
}

void rs_report_excerpt(struct rs_text *t, const struct rs_result *r)
{
	rs_text_put(t, RS_TONE_WARN, "of ");
	rs_text_words(t, RS_TONE_WARN, r->excerpt.of);
	rs_text_put(t, RS_TONE_WARN, ": it shows one violation of ");
	rs_text_words(t, RS_TONE_WARN, r->excerpt.rule ? r->excerpt.rule : "an unknown rule");
	rs_text_put(t, RS_TONE_WARN, ", and nothing else");
}

static void begin_item(struct rs_text *t, const char *label)
{
	rs_text_begin(t, 2, TEXT_COL);
	rs_text_keep(t, RS_TONE_DIM, "%s", label);
	rs_text_to(t, TEXT_COL);
}

/* Names the rules and clauses that did not pass. */
static void put_verdict(struct rs_text *t, const struct rs_result *r)
{
	enum rs_tone tone = rs_verdict_tone(r->verdict);
	bool any = false;

	begin_item(t, "verdict");
	rs_text_put(t, tone, "%s", rs_verdict_label(r->verdict));
	for (size_t i = 0; i < r->nr_rules; i++) {
		if (r->rule[i].verdict == RS_PASS || r->rule[i].verdict != r->verdict)
			continue;
		rs_text_keep(t, tone, "%s%s", any ? ", " : ": ", r->rule[i].id);
		any = true;
	}
	for (size_t i = 0; i < r->nr_budgets; i++) {
		if (r->budget[i].verdict == RS_PASS || r->budget[i].verdict != r->verdict)
			continue;
		rs_text_keep(t, tone, "%s%s", any ? ", " : ": ", r->budget[i].text);
		any = true;
	}
	if (r->verdict_reason) {
		rs_text_put(t, tone, any ? "; " : ": ");
		rs_text_words(t, tone, r->verdict_reason);
	}
	rs_text_end(t);
}

static void put_head(struct rs_text *t, const struct rs_result *r)
{
	__u64 len = r->last_ns > r->first_ns ? r->last_ns - r->first_ns : 0;
	size_t missing = 0;

	rs_text_begin(t, 0, 2);
	rs_text_put(t, RS_TONE_HEAD, "remapscope report of ");
	rs_text_words(t, RS_TONE_HEAD, r->source ? r->source : "an unnamed source");
	rs_text_end(t);

	if (r->host || r->kernel) {
		begin_item(t, "machine");
		if (r->host)
			rs_text_put(t, RS_TONE_PLAIN, "%s%s", r->host, r->kernel ? ", " : "");
		if (r->kernel)
			rs_text_put(t, RS_TONE_PLAIN, "Linux %s", r->kernel);
		rs_text_end(t);
	}
	begin_item(t, "recorded");
	if (r->realtime_offset_ns)
		rs_text_keep(t, RS_TONE_PLAIN, "%s, ",
			     rs_fmt_utc((__s64)r->first_ns + r->realtime_offset_ns).s);
	rs_text_keep(t, RS_TONE_PLAIN, "%s, ", rs_fmt_len(len).s);
	rs_text_keep(t, RS_TONE_PLAIN, "%s event%s", rs_fmt_count(r->events).s,
		     r->events == 1 ? "" : "s");
	rs_text_end(t);

	if (r->mode == RS_MODE_ARMED) {
		begin_item(t, "mode");
		rs_text_put(t, RS_TONE_PLAIN, "armed: outside windows only counts and latencies");
		rs_text_end(t);
	}
	if (r->verify != RS_VERIFY_NONE) {
		begin_item(t, "verify");
		rs_text_put(t, RS_TONE_PLAIN,
			    r->verify == RS_VERIFY_ALL ? "every page of remapped ranges"
						       : "sampled pages of remapped ranges");
		rs_text_end(t);
	}
	if (r->excerpt.of) {
		begin_item(t, "excerpt");
		rs_report_excerpt(t, r);
		rs_text_end(t);
	}
	begin_item(t, "complete");
	if (r->complete && !r->nr_losses) {
		rs_text_put(t, RS_TONE_GOOD, "yes");
	} else {
		rs_text_put(t, RS_TONE_WARN, "NO: ");
		rs_text_words(t, RS_TONE_WARN,
			      r->incomplete_reason ? r->incomplete_reason
			      : r->nr_losses	   ? "something was lost (see LOST below)"
						   : "no reason is known");
	}
	rs_text_end(t);

	for (size_t i = 0; i < r->nr_hooks; i++)
		missing += !r->hook[i].mechanism;
	if (missing) {
		begin_item(t, "hooks");
		rs_text_put(t, RS_TONE_WARN, "%zu of %zu could not be attached:", missing,
			    r->nr_hooks);
		for (size_t i = 0; i < r->nr_hooks; i++)
			if (!r->hook[i].mechanism)
				rs_text_put(t, RS_TONE_WARN, " %s", r->hook[i].function);
		rs_text_end(t);
	}
	if (r->command.ran) {
		begin_item(t, "command");
		rs_text_words(t, RS_TONE_PLAIN, r->command.line ? r->command.line : "");
		rs_text_keep(t, RS_TONE_PLAIN, " (%s)", rs_name_status(r->command.status).s);
		rs_text_end(t);
	}
	if (r->nr_rules || r->nr_budgets)
		put_verdict(t, r);
}

static void put_failures(struct rs_text *t, const struct rs_result *r)
{
	if (!r->nr_failures)
		return;
	rs_report_section(t, "FAILED CALLS");
	for (size_t i = 0; i < r->nr_failures; i++) {
		const struct rs_failure *f = &r->failure[i];

		rs_text_begin(t, 2, 12);
		rs_text_right(t, RS_TONE_PLAIN, 8, "%s", rs_fmt_count(f->count).s);
		rs_text_keep(t, RS_TONE_PLAIN, " x");
		rs_text_to(t, 12);
		rs_text_keep(t, RS_TONE_WARN, "%s -%s", f->call, rs_name_errno(f->err).s);
		rs_text_keep(t, RS_TONE_PLAIN, "  %s %s", f->count > 1 ? "first" : "at",
			     rs_fmt_at(f->first_ns, r->first_ns, 6).s);
		rs_text_keep(t, RS_TONE_PLAIN, " by %s", rs_name_proc(&f->proc).s);
		if (f->in_window)
			rs_text_keep(t, RS_TONE_PLAIN, " in a window");
		rs_text_end(t);
	}
}

static void put_losses(struct rs_text *t, const struct rs_result *r)
{
	if (!r->nr_losses)
		return;
	rs_report_section(t, "LOST");
	for (size_t i = 0; i < r->nr_losses; i++) {
		const struct rs_loss_view *l = &r->loss[i];

		rs_text_begin(t, 2, 4);
		if (l->count)
			rs_text_keep(t, RS_TONE_WARN, "%s ", rs_fmt_count(l->count).s);
		rs_text_words(t, RS_TONE_WARN, l->what);
		rs_text_words(t, RS_TONE_PLAIN, rs_name_loss(l).s);
		if (!l->any_cpu)
			rs_text_put(t, RS_TONE_PLAIN, ", cpu %u", l->cpu);
		if (l->from_ns || l->to_ns) {
			rs_text_put(t, RS_TONE_PLAIN, ", ");
			rs_text_keep(t, RS_TONE_PLAIN, "%s",
				     rs_fmt_at(l->from_ns, r->first_ns, 6).s);
			if (l->to_ns <= r->last_ns)
				rs_text_keep(t, RS_TONE_PLAIN, " to %s",
					     rs_fmt_at(l->to_ns, r->first_ns, 6).s);
			else
				rs_text_put(t, RS_TONE_PLAIN, " and later");
		} else {
			rs_text_keep(t, RS_TONE_PLAIN, ", at an unknown time");
		}
		rs_text_end(t);
	}
}

static void put_found(struct rs_text *t, const struct rs_container_view *c, const char *at)
{
	if (c->found_ranges)
		rs_text_keep(t, RS_TONE_PLAIN, " found %s with %u range%s,", at, c->found_ranges,
			     c->found_ranges == 1 ? "" : "s");
	else
		rs_text_keep(t, RS_TONE_PLAIN, " found %s,", at);
}

static void put_containers(struct rs_text *t, const struct rs_result *r)
{
	if (!r->nr_containers)
		return;
	rs_report_section(t, "CONTAINERS");
	for (size_t i = 0; i < r->nr_containers; i++) {
		const struct rs_container_view *c = &r->container[i];
		struct rs_fmt at;

		rs_text_begin(t, 2, 7);
		rs_text_keep(t, RS_TONE_PLAIN, "c%u", c->id);
		rs_text_to(t, 7);
		if (c->ioctx)
			rs_text_keep(t, RS_TONE_PLAIN, "ioas %u of i%u,", c->ioas, c->ioctx);
		rs_text_keep(t, RS_TONE_PLAIN, c->ioctx ? " %s of %s," : "%s of %s,",
			     rs_name_kind(c->kind), rs_name_proc(&c->owner).s);
		at = rs_fmt_at(c->since_ns, r->first_ns, 3);
		if (c->born)
			rs_text_keep(t, RS_TONE_PLAIN, " opened %s,", at.s);
		else if (c->found)
			put_found(t, c, at.s);
		else
			rs_text_keep(t, RS_TONE_PLAIN, " first seen %s,", at.s);
		if (c->released_ns)
			rs_text_keep(t, RS_TONE_PLAIN, " released %s",
				     rs_fmt_at(c->released_ns, r->first_ns, 3).s);
		else
			rs_text_keep(t, RS_TONE_PLAIN, " lives on");
		rs_text_end(t);

		rs_text_begin(t, 7, 7);
		if (!c->ioctx)
			rs_text_keep(t, RS_TONE_PLAIN, "%u window%s, ", c->windows,
				     c->windows == 1 ? "" : "s");
		rs_text_keep(t, RS_TONE_PLAIN, "%s map%s, ", rs_fmt_count(c->maps).s,
			     c->maps == 1 ? "" : "s");
		rs_text_keep(t, RS_TONE_PLAIN, "%s taken down, ", rs_fmt_count(c->unmaps).s);
		rs_text_keep(t, RS_TONE_PLAIN, "at most %u range%s (%s)", c->ranges_max,
			     c->ranges_max == 1 ? "" : "s", rs_fmt_size_about(c->bytes_max).s);
		rs_text_end(t);
		if (c->born || c->found)
			continue;
		rs_text_begin(t, 7, 7);
		rs_text_put(t, RS_TONE_WARN, "what it held before that is not known");
		rs_text_end(t);
	}
}

static void put_hooks(struct rs_text *t, const struct rs_result *r)
{
	if (!t->style->verbose || !r->nr_hooks)
		return;
	rs_report_section(t, "HOOKS");
	for (size_t i = 0; i < r->nr_hooks; i++) {
		const struct rs_hook_view *h = &r->hook[i];

		rs_text_begin(t, 2, 13);
		rs_text_keep(t, h->mechanism ? RS_TONE_GOOD : RS_TONE_WARN, "%s",
			     h->mechanism ? h->mechanism : "none");
		rs_text_to(t, 11);
		rs_text_keep(t, RS_TONE_PLAIN, "%s", h->function);
		if (h->reason) {
			rs_text_put(t, RS_TONE_DIM, ": ");
			rs_text_words(t, RS_TONE_DIM, h->reason);
		}
		rs_text_end(t);
	}
}

int rs_render_report(const struct rs_result *r, const struct rs_style *style, FILE *out)
{
	struct rs_text t;
	int err;

	rs_text_init(&t, style, out);
	put_head(&t, r);
	rs_report_updates(&t, r);
	if (!r->nr_windows && !r->nr_handovers) {
		fputc('\n', out);
		rs_text_begin(&t, 0, 2);
		rs_text_put(&t, RS_TONE_PLAIN, "No remap window was seen.");
		rs_text_end(&t);
	}
	err = rs_report_requests(&t, r);
	put_failures(&t, r);
	put_losses(&t, r);
	put_containers(&t, r);
	rs_report_ioctxs(&t, r);
	put_hooks(&t, r);
	return err ? err : rs_text_status(&t);
}
