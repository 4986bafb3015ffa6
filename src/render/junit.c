// SPDX-License-Identifier: GPL-2.0-only
/*
 * JUnit XML, as CI systems read it: a test case per rule and per budget clause, violated is a failure
 * and unknown an error. Written without a library: an escaper is all it takes.
 */
#include "render/names.h"
#include "render/text.h"
#include "stats/units.h"

#include <errno.h>
#include <string.h>

/* Characters that XML 1.0 allows at all. */
static bool xml_allows(__u32 cp)
{
	if (cp < 0x20)
		return cp == '\t' || cp == '\n' || cp == '\r';
	return !(cp >= 0x7f && cp < 0xa0) && cp != 0xfffe && cp != 0xffff;
}

static void put_escaped(FILE *out, const char *s, bool attribute)
{
	__u32 cp;

	while (*s) {
		size_t n = rs_utf8_next(s, &cp);

		if (!xml_allows(cp) || cp == 0xfffd)
			fputs("\xef\xbf\xbd", out);
		else if (cp == '&')
			fputs("&amp;", out);
		else if (cp == '<')
			fputs("&lt;", out);
		else if (cp == '>')
			fputs("&gt;", out);
		else if (cp == '"' && attribute)
			fputs("&quot;", out);
		else if (cp < 0x20 && (attribute || cp == '\r'))
			fprintf(out, "&#%u;", cp);
		else
			fwrite(s, 1, n, out);
		s += n;
	}
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	put_escaped(out, value, true);
	fputc('"', out);
}

static void put_counts(FILE *out, size_t tests, size_t failures, size_t errors)
{
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", tests, failures, errors);
}

static size_t count_rules(const struct rs_result *r, enum rs_verdict v)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nr_rules; i++)
		n += r->rule[i].verdict == v;
	return n;
}

static size_t count_budgets(const struct rs_result *r, enum rs_verdict v)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nr_budgets; i++)
		n += r->budget[i].verdict == v;
	return n;
}

static void begin_suite(FILE *out, const struct rs_result *r, const char *name, size_t tests,
			size_t failures, size_t errors)
{
	fprintf(out, "  <testsuite name=\"remapscope.%s\"", name);
	put_counts(out, tests, failures, errors);
	fputs(" skipped=\"0\"", out);
	if (r->realtime_offset_ns)
		put_attribute(out, "timestamp",
			      rs_fmt_utc((__s64)r->first_ns + r->realtime_offset_ns).s);
	if (r->host)
		put_attribute(out, "hostname", r->host);
	fputs(">\n", out);
}

static void begin_case(FILE *out, const char *suite, const char *name, bool passed)
{
	fprintf(out, "    <testcase classname=\"remapscope.%s\"", suite);
	put_attribute(out, "name", name);
	fprintf(out, " time=\"0\"%s>\n", passed ? "/" : "");
}

static const char *problem_tag(enum rs_verdict v)
{
	return v == RS_VIOLATED ? "failure" : "error";
}

static void begin_problem(FILE *out, enum rs_verdict v, const char *type, const char *message)
{
	fprintf(out, "      <%s", problem_tag(v));
	put_attribute(out, "type", type);
	put_attribute(out, "message", message);
	fputc('>', out);
}

static void end_problem(FILE *out, enum rs_verdict v)
{
	fprintf(out, "</%s>\n    </testcase>\n", problem_tag(v));
}

static void put_finding(FILE *out, const struct rs_result *r, const struct rs_finding *f)
{
	char line[320], path[1024];

	put_escaped(out, f->text ? f->text : "", false);
	if (f->expected) {
		fputs("\nexpected: ", out);
		put_escaped(out, f->expected, false);
	}
	if (f->nr_steps) {
		rs_describe_path(f, path, sizeof(path));
		fputs("\npath: ", out);
		put_escaped(out, path, false);
	}
	fputc('\n', out);
	for (size_t i = 0; i < f->nr_events; i++) {
		const struct rs_event *ev = f->event[i];

		rs_describe_event(r, ev, line, sizeof(line));
		fprintf(out, "  %s cpu%u ", rs_fmt_at(ev->ts, r->first_ns, 6).s, ev->cpu);
		put_escaped(out, rs_name_task(r, ev).s, false);
		fputc(' ', out);
		put_escaped(out, line, false);
		fputc('\n', out);
	}
	if (f->replay) {
		fputs("replay: ", out);
		put_escaped(out, f->replay, false);
		fputc('\n', out);
	}
}

/* The message: of the first finding with the rule's verdict, else the rule's reason. */
static const char *rule_message(const struct rs_result *r, const struct rs_rule_view *v)
{
	for (size_t i = 0; i < r->nr_findings; i++) {
		const struct rs_finding *f = &r->finding[i];

		if (!strcmp(f->rule, v->id) && f->verdict == v->verdict && f->text)
			return f->text;
	}
	return v->reason ? v->reason : v->sentence;
}

static void put_rule(FILE *out, const struct rs_result *r, const struct rs_rule_view *v)
{
	__u64 shown = 0;

	begin_case(out, "rules", v->id, v->verdict == RS_PASS);
	if (v->verdict == RS_PASS)
		return;
	begin_problem(out, v->verdict, rs_severity_name(v->severity), rule_message(r, v));
	put_escaped(out, v->sentence, false);
	fputc('\n', out);
	if (v->reason) {
		put_escaped(out, v->reason, false);
		fputc('\n', out);
	}
	for (size_t i = 0; i < r->nr_findings; i++) {
		if (strcmp(r->finding[i].rule, v->id))
			continue;
		fputc('\n', out);
		put_finding(out, r, &r->finding[i]);
		shown += r->finding[i].objects;
	}
	if (v->findings > shown)
		fprintf(out, "\nand %llu more\n", v->findings - shown);
	end_problem(out, v->verdict);
}

static void put_budget(FILE *out, const struct rs_budget_view *v)
{
	begin_case(out, "budget", v->text, v->verdict == RS_PASS);
	if (v->verdict == RS_PASS)
		return;
	begin_problem(out, v->verdict, "budget", v->reason ? v->reason : "");
	put_escaped(out, v->where, false);
	fputs(": ", out);
	put_escaped(out, v->text, false);
	fputs("\nmeasured: ", out);
	put_escaped(out, v->measured ? v->measured : "nothing", false);
	fprintf(out, "\nsamples: %llu of %llu needed\n", v->samples, v->needed);
	end_problem(out, v->verdict);
}

/* What no rule and no clause says (a failed command, nothing to judge) must not be lost. */
static void put_recording(FILE *out, const struct rs_result *r, enum rs_verdict v)
{
	begin_suite(out, r, "recording", 1, v == RS_VIOLATED, v == RS_UNKNOWN);
	begin_case(out, "recording", r->source ? r->source : "recording", v == RS_PASS);
	if (v != RS_PASS) {
		begin_problem(out, v, "recording", r->verdict_reason ? r->verdict_reason : "");
		if (r->command.ran) {
			put_escaped(out, r->command.line ? r->command.line : "", false);
			fprintf(out, ": %s\n", rs_name_status(r->command.status).s);
		}
		if (r->incomplete_reason) {
			put_escaped(out, r->incomplete_reason, false);
			fputc('\n', out);
		}
		end_problem(out, v);
	}
	fputs("  </testsuite>\n", out);
}

int rs_render_junit(const struct rs_result *r, FILE *out)
{
	size_t violated = count_rules(r, RS_VIOLATED), unknown = count_rules(r, RS_UNKNOWN);
	size_t over = count_budgets(r, RS_VIOLATED), unsure = count_budgets(r, RS_UNKNOWN);
	bool said = r->verdict == RS_VIOLATED ? violated + over : unknown + unsure;
	enum rs_verdict rest = r->verdict_reason || !said ? r->verdict : RS_PASS;

	__u64 len = r->last_ns > r->first_ns ? r->last_ns - r->first_ns : 0;

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"remapscope\"", out);
	fprintf(out, " time=\"%llu.%03llu\"", len / 1000000000, len / 1000000 % 1000);
	put_counts(out, r->nr_rules + r->nr_budgets + 1, violated + over + (rest == RS_VIOLATED),
		   unknown + unsure + (rest == RS_UNKNOWN));
	fputs(">\n", out);

	put_recording(out, r, rest);
	if (r->nr_rules) {
		begin_suite(out, r, "rules", r->nr_rules, violated, unknown);
		for (size_t i = 0; i < r->nr_rules; i++)
			put_rule(out, r, &r->rule[i]);
		fputs("  </testsuite>\n", out);
	}
	if (r->nr_budgets) {
		begin_suite(out, r, "budget", r->nr_budgets, over, unsure);
		for (size_t i = 0; i < r->nr_budgets; i++)
			put_budget(out, &r->budget[i]);
		fputs("  </testsuite>\n", out);
	}
	fputs("</testsuites>\n", out);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
