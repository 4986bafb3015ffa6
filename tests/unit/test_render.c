// SPDX-License-Identifier: GPL-2.0-only
/* The texts for people, on a result made by hand. */
#define _GNU_SOURCE 1
#include "render_fixture.h"
#include "render/text.h"

#include <errno.h>

static void check_golden(void **state)
{
	char *text = rendered(rs_render_check, fixture(), plain);
	const char *tail;

	(void)state;
	has(text,
	    "remapscope check of trace.rst: Linux 6.12.107+deb13-amd64, 5.00 s, 1,204 events\n"
	    "lost: 120 records that found no room in the ring buffer, of c1, c2 (request,\n"
	    "  xlate)\n"
	    "command: lab update --exec (exit status 1)\n"
	    "\n"
	    "RULES\n"
	    "  UNKNOWN   window-closed        2 judged, 1 finding, critical\n"
	    "            every invalidated range is remapped or unmapped before its owner\n"
	    "            runs again\n"
	    "            the recording ended inside window 2\n"
	    "            c2 unknown; the other 2 containers pass\n"
	    "  pass      remap-exact          4 judged\n"
	    "  VIOLATED  remap-same-memory    4 judged, 3 findings, critical\n"
	    "            old and new vaddr are the same file and offset over the whole range\n"
	    "  pass      no-iommu-change      nothing to judge\n"
	    "\n"
	    "BUDGET\n"
	    "  pass      window max <= 100ms  measured 22.4ms  2 samples  b.budget:3\n"
	    "  VIOLATED  pin[path=gup] p99 <= 50us  measured 61us  1,204 samples  b.budget:4\n"
	    "            p99 is 61us, not <= 50us.\n"
	    "  UNKNOWN   read max <= 1ms  measured nothing  0 samples  b.budget:5\n"
	    "            Nothing to measure: no such request was seen.\n"
	    "\n"
	    "FINDINGS\n"
	    "  1. VIOLATED remap-same-memory (critical)  +1.226718 s  c1  window 1\n"
	    "    seen      The range at iova 0x100000000 was remapped from <file> 0:1 ino\n"
	    "              1027 +0x80000000 to file 8:1 ino 1027 +0xc0000000.\n"
	    "    expected  The new vaddr is the same file & offset.\n"
	    "    path      mapped -invalidated-> invalid -remapped (its memory is <other>)->\n"
	    "              violated\n"
	    "      +1.204528 s  cpu1  qemu-system-x86[1234]  c1 UNMAP_DMA(VADDR|ALL) iova 0x0\n"
	    "            size 0 -> 0 (3.00 GiB), 4 ranges invalid (was 0)\n");
	has(text, "  ... and 2 more\n");
	tail = "\n\nverdict: violated (1 of 4 rules, 1 of 3 budget clauses)\n";
	assert_string_equal(text + strlen(text) - strlen(tail), tail);
	free(text);
}

static void check_idle(void **state)
{
	struct rs_result r = idle();
	char *text;

	(void)state;
	r.rule = &rules[1];
	r.nr_rules = 1;
	r.verdict = RS_UNKNOWN;
	r.verdict_reason = (char *)"no remap window was seen";
	r.complete = false;
	r.incomplete_reason = (char *)"the file was cut";
	r.command = (struct rs_command_view){ true, (char *)"true", 9 };
	text = rendered(rs_render_check, &r, plain);
	has(text, "incomplete: the file was cut\n"
		  "command: true (killed by SIGKILL)\n");
	has(text, "\nnothing to judge: no remap window was seen\n"
		  "verdict: unknown (0 of 1 rule): no remap window was seen\n");
	has_not(text, "BUDGET");
	has_not(text, "FINDINGS");
	free(text);
}

/* Every line within the width, whatever the width; nothing that a terminal would act on. */
static void within_width(void **state)
{
	static const render_fn fns[] = { rs_render_report, rs_render_check };

	(void)state;
	for (int width = 60; width <= 132; width++) {
		for (size_t i = 0; i < COUNT_OF(fns); i++) {
			struct rs_style style = { .width = width, .verbose = width & 1 };
			char *text = rendered(fns[i], fixture(), style);
			int col = 0;

			for (const char *s = text; *s; s++) {
				assert_true(*s == '\n' || (*s >= ' ' && *s <= '~'));
				col = *s == '\n' ? 0 : col + 1;
				assert_true(col <= width);
				/* No line ends in blanks. */
				assert_false(*s == ' ' && s[1] == '\n');
			}
			free(text);
		}
	}
}

/* A command that is to be copied is one line, however narrow the others are. */
static void replay_in_one_piece(void **state)
{
	static const char command[] =
		"remapscope check --rule remap-same-memory "
		"/var/lib/ci/artifacts/update-of-a-long-name/remap-same-memory-1.trace";
	struct rs_result r = *fixture();
	struct rs_finding f = r.finding[0];
	char *text;

	(void)state;
	f.replay = (char *)command;
	r.finding = &f;
	r.nr_findings = 1;
	text = rendered(rs_render_check, &r, (struct rs_style){ .width = 60 });
	has(text, "\n    replay    remapscope check --rule remap-same-memory "
		  "/var/lib/ci/artifacts/update-of-a-long-name/remap-same-memory-1.trace\n");
	free(text);
	/* Nothing of it acts on the terminal. */
	f.replay = (char *)"remapscope check --rule x 'a\033[2J.trace'";
	text = rendered(rs_render_check, &r, plain);
	has(text, "\n    replay    remapscope check --rule x 'a?[2J.trace'\n");
	free(text);
	f.replay = NULL;
	text = rendered(rs_render_check, &r, plain);
	has_not(text, "replay");
	free(text);
}

/* With colour the same text, once the colours are taken out. */
static void colour_changes_nothing_else(void **state)
{
	static const render_fn fns[] = { rs_render_report, rs_render_check };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fns); i++) {
		char *bare = rendered(fns[i], fixture(), plain);
		char *coloured = rendered(fns[i], fixture(), (struct rs_style){ true, 80, 0 });
		char *to = coloured;

		assert_non_null(strstr(coloured, "\033[1;31m"));
		for (char *from = coloured; *from;) {
			if (*from == '\033') {
				from += strcspn(from, "m") + 1;
				continue;
			}
			*to++ = *from++;
		}
		*to = 0;
		assert_string_equal(coloured, bare);
		free(bare);
		free(coloured);
	}
}

static void words_and_wrapping(void **state)
{
	struct rs_style style = { .width = 60 };
	char *text = NULL;
	struct rs_text t;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	rs_text_init(&t, &style, out);
	rs_text_begin(&t, 2, 4);
	rs_text_words(
		&t, RS_TONE_PLAIN,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b\tc");
	rs_text_put(&t, RS_TONE_PLAIN, "  %s",
		    "d\xff\xc3\xa4\xc2\x9b"
		    "e\xe2\x80\xae"
		    "f");
	rs_text_end(&t);
	rs_text_begin(&t, 0, 4);
	rs_text_put(&t, RS_TONE_PLAIN, "%055d", 0);
	rs_text_keep(&t, RS_TONE_PLAIN, " 12.4 ms");
	rs_text_to(&t, 20);
	rs_text_right(&t, RS_TONE_PLAIN, 40, "right");
	rs_text_right(&t, RS_TONE_PLAIN, 10, "too late");
	rs_text_end(&t);
	fclose(out);
	assert_string_equal(text, "  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
				  "    aaaaaaaaaaaaaa b?c  d?\xc3\xa4?e?f\n"
				  "0000000000000000000000000000000000000000000000000000000\n"
				  "    12.4 ms                        right too late\n");
	free(text);
}

static void utf8(void **state)
{
	static const struct {
		const char *s;
		size_t len;
		__u32 cp;
	} want[] = {
		{ "a", 1, 'a' },
		{ "\xc3\xa4", 2, 0xe4 },
		{ "\xe2\x82\xac", 3, 0x20ac },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xc3", 1, 0xfffd },
		{ "\xc3"
		  "a",
		  1, 0xfffd },
		{ "\x80", 1, 0xfffd },
		{ "\xff", 1, 0xfffd },
		{ "\xc0\xaf", 1, 0xfffd },
		{ "\xe0\x80\x80", 1, 0xfffd },
		{ "\xed\xa0\x80", 1, 0xfffd },
		{ "\xf4\x90\x80\x80", 1, 0xfffd },
		{ "\xf8\x88\x80\x80", 1, 0xfffd },
	};
	__u32 cp;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_int_equal(rs_utf8_next(want[i].s, &cp), want[i].len);
		assert_int_equal(cp, want[i].cp);
	}
}

static void write_errors(void **state)
{
	static const render_fn fns[] = { rs_render_report, rs_render_check, json_styled,
					 junit_styled };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fns); i++) {
		FILE *out = fopen("/dev/full", "w");

		assert_non_null(out);
		assert_int_equal(fns[i](fixture(), &plain, out), -EIO);
		fclose(out);
	}
}

static void style(void **state)
{
	FILE *out = tmpfile();
	struct rs_style s;

	(void)state;
	assert_non_null(out);
	s = rs_style_for(out);
	assert_false(s.color);
	assert_int_equal(s.width, 80);
	assert_int_equal(s.verbose, 0);
	fclose(out);
}

/* What a result owns is freed: the leak checker of an instrumented build has the last word. */
static void result_is_freed(void **state)
{
	struct rs_result *r = calloc(1, sizeof(*r));

	(void)state;
	assert_non_null(r);
	r->source = strdup("s");
	r->command.line = strdup("c");
	r->verdict_reason = strdup("v");
	r->window = calloc(1, sizeof(*r->window));
	r->nr_windows = 1;
	r->window->range = calloc(1, sizeof(*r->window->range));
	r->window->nr_ranges = 1;
	r->window->range->old_backing.piece = calloc(1, sizeof(struct rs_piece));
	r->window->range->new_backing.piece = calloc(1, sizeof(struct rs_piece));
	r->finding = calloc(1, sizeof(*r->finding));
	r->nr_findings = 1;
	r->finding->text = strdup("t");
	r->finding->expected = strdup("e");
	r->finding->event = calloc(1, sizeof(struct rs_event *));
	r->finding->event[0] = calloc(1, sizeof(struct rs_event));
	r->finding->nr_events = 1;
	r->rule = calloc(1, sizeof(*r->rule));
	r->nr_rules = 1;
	r->rule->reason = strdup("r");
	r->update = calloc(1, sizeof(*r->update));
	r->nr_updates = 1;
	r->update->window = calloc(1, sizeof(__u32));
	assert_int_equal(rs_result_exit_status(r), 0);
	r->verdict = RS_VIOLATED;
	assert_int_equal(rs_result_exit_status(r), 1);
	r->verdict = RS_UNKNOWN;
	assert_int_equal(rs_result_exit_status(r), 3);
	rs_result_free(r);
	rs_result_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_golden),
		cmocka_unit_test(check_idle),
		cmocka_unit_test(within_width),
		cmocka_unit_test(replay_in_one_piece),
		cmocka_unit_test(colour_changes_nothing_else),
		cmocka_unit_test(words_and_wrapping),
		cmocka_unit_test(utf8),
		cmocka_unit_test(write_errors),
		cmocka_unit_test(style),
		cmocka_unit_test(result_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
