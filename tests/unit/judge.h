/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What a test expects of a result's verdicts and findings
 */
#ifndef RS_TESTS_JUDGE_H
#define RS_TESTS_JUDGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules/rules.h"
#include "synth.h"

#define QEMU 100 /* the owner */
#define NEXT 200 /* who takes over */
#define INO  42

static inline void print_verdicts(const struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_rules; i++)
		if (r->rule[i].verdict != RS_PASS)
			print_error("  %s=%s %s\n", r->rule[i].id,
				    rs_verdict_name(r->rule[i].verdict),
				    r->rule[i].reason ? r->rule[i].reason : "");
	for (size_t i = 0; i < r->nr_findings; i++)
		print_error("  %s: %s\n", r->finding[i].rule, r->finding[i].text);
	for (size_t i = 0; i < r->nr_losses; i++)
		print_error("  loss: %llu %s\n", (unsigned long long)r->loss[i].count,
			    r->loss[i].what);
}

static inline enum rs_verdict verdict_of(const struct rs_result *r, const char *id)
{
	for (size_t i = 0; i < r->nr_rules; i++)
		if (!strcmp(r->rule[i].id, id))
			return r->rule[i].verdict;
	fail_msg("no rule %s in the result", id);
	return RS_UNKNOWN;
}

/* @want: "window-closed=violated no-new-user=unknown"; every other rule passes; "": all pass */
static inline void judge_verdicts(const struct rs_result *r, const char *want, const char *file,
				  int line)
{
	enum rs_verdict worst = RS_PASS;
	char got[512] = "";

	assert_int_equal(r->nr_rules, rs_nr_rules);
	for (size_t i = 0; i < r->nr_rules; i++) {
		size_t at = strlen(got);

		if (r->rule[i].verdict > worst)
			worst = r->rule[i].verdict;
		if (r->rule[i].verdict != RS_PASS)
			snprintf(got + at, sizeof(got) - at, "%s%s=%s", at ? " " : "",
				 r->rule[i].id, rs_verdict_name(r->rule[i].verdict));
		/* Only an unknown rule has to say why: a violated one has its finding. */
		if ((r->rule[i].verdict == RS_UNKNOWN) != (r->rule[i].reason != NULL))
			fail_msg("%s: verdict and reason do not go together", r->rule[i].id);
	}
	if (strcmp(got, want)) {
		print_verdicts(r);
		print_error("%s:%d: want \"%s\"\n", file, line, want);
		fail_msg("got \"%s\"", got);
	}
	assert_int_equal(r->verdict, worst);
	assert_int_equal(rs_result_exit_status(r), worst == RS_PASS	  ? 0
						   : worst == RS_VIOLATED ? 1
									  : 3);
}

#define expect_verdicts(r, want) judge_verdicts(r, want, __FILE__, __LINE__)

/* The result of @s, which goes; with these verdicts. */
#define judged(s, want)                                             \
	({                                                          \
		struct rs_result *judged_r = synth_result(s);       \
		judge_verdicts(judged_r, want, __FILE__, __LINE__); \
		synth_free(s);                                      \
		judged_r;                                           \
	})

/* The same, where the verdicts say all. */
#define expect_judged(s, want) rs_result_free(judged(s, want))

/* How many objects its findings are about. */
static inline size_t nr_findings(const struct rs_result *r, const char *rule)
{
	size_t nr = 0;

	for (size_t i = 0; i < r->nr_findings; i++)
		nr += strcmp(r->finding[i].rule, rule) ? 0 : r->finding[i].objects;
	return nr;
}

/* The only finding of @rule; its text is @text to the letter. */
static inline const struct rs_finding *expect_finding(const struct rs_result *r, const char *rule,
						      const char *text)
{
	assert_int_equal(nr_findings(r, rule), 1);
	for (size_t i = 0; i < r->nr_findings; i++) {
		const struct rs_finding *f = &r->finding[i];

		if (strcmp(f->rule, rule))
			continue;
		assert_string_equal(f->text, text);
		assert_true(f->verdict == RS_VIOLATED || f->verdict == RS_UNKNOWN);
		assert_non_null(f->expected);
		return f;
	}
	return NULL;
}

/* The excerpt is made of records of these types, in this order; ended by RS_EV_NONE. */
#define expect_excerpt(f, ...) judge_excerpt(f, (const __u16[]){ __VA_ARGS__, RS_EV_NONE })

static inline void judge_excerpt(const struct rs_finding *f, const __u16 *types)
{
	size_t nr = 0;

	for (size_t i = 1; i < f->nr_events; i++)
		assert_true(f->event[i]->ts >= f->event[i - 1]->ts);
	while (types[nr])
		nr++;
	for (size_t i = 0; i < f->nr_events && f->nr_events != nr; i++)
		print_error("  excerpt: record of type %u\n", f->event[i]->type);
	assert_int_equal(f->nr_events, nr);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(f->event[i]->type, types[i]);
}

/* The automaton's path: "valid invalidated, invalid released"; its times do not go back. */
static inline void expect_path(const struct rs_finding *f, const char *want)
{
	char got[256] = "";

	for (size_t i = 0; i < f->nr_steps; i++) {
		size_t at = strlen(got);

		snprintf(got + at, sizeof(got) - at, "%s%s %s", i ? ", " : "", f->step[i].state,
			 f->step[i].note);
		assert_true(!i || f->step[i].at_ns >= f->step[i - 1].at_ns);
	}
	assert_string_equal(got, want);
	assert_int_equal(f->step[f->nr_steps - 1].at_ns, f->at_ns);
}

/* The excerpt holds that very record. */
static inline void expect_proof(const struct rs_finding *f, const void *event)
{
	const struct rs_event *ev = event;

	for (size_t i = 0; i < f->nr_events; i++)
		if (f->event[i]->size == ev->size && !memcmp(f->event[i], ev, ev->size))
			return;
	fail_msg("the excerpt lacks the record of type %u at %llu ns", ev->type,
		 (unsigned long long)ev->ts);
}

/* QEMU with a container of two ranges, [0, 2 MiB) and [4 MiB, 5 MiB) of one memfd. */
static inline struct synth *two_ranges(__u64 *c)
{
	struct synth *s = synth_new();

	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_map(s, *c, 0, 2 * MIB, INO, 0);
	synth_map(s, *c, 4 * MIB, MIB, INO, 2 * MIB);
	return s;
}

static inline void remap_both(struct synth *s, __u64 c)
{
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
}

#endif /* RS_TESTS_JUDGE_H */
