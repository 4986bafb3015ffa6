// SPDX-License-Identifier: GPL-2.0-only
/* The texts for people, on a result made by hand. */
#define _GNU_SOURCE 1
#include "render_fixture.h"
#include "render/text.h"

#include <errno.h>

static void report_golden(void **state)
{
	char *text = rendered(rs_render_report, fixture(), plain);

	(void)state;
	has(text, "remapscope report of trace.rst\n"
		  "  machine     lab, Linux 6.12.107+deb13-amd64\n"
		  "  recorded    2025-11-22T18:10:03.123Z, 5.00 s, 1,204 events\n"
		  "  complete    NO: something was lost (see LOST below)\n"
		  "  hooks       1 of 2 could not be attached: vfio_wait\n"
		  "  command     lab update --exec (exit status 1)\n"
		  "  verdict     VIOLATED: remap-same-memory, pin[path=gup] p99 <= 50us\n");
	has(text, "\nUPDATE 1: to another process, 22.4 ms\n"
		  "  +1.204318 s  2025-11-22T18:10:04.327Z  qemu-system-x86[1234]\n"
		  "    -> qemu-system-x86[1301]\n"
		  "  invalidate  |#                               |    210 us   +1.204318 s\n"
		  "  restart     |#########################       |   17.9 ms   +1.204528 s\n"
		  "  remap       |                         #######|   4.29 ms   +1.222428 s\n");
	has(text, "  window 1 of c1: 22.4 ms, 4 ranges (3.00 GiB), all remapped\n");
	has(text, "  inside: 4 remaps, 1 failed remap, 12 requests, 1 translation\n"
		  "  owner qemu-system-x86[1234] -> qemu-system-x86[1301]\n"
		  "  iova               size  vaddr, old -> new                 state     invalid\n"
		  "  0x0             640 KiB  0x7f12a0000000 -> 0x7f88c0000000  remapped  18.1 ms\n"
		  "    same  file 0:1 ino 1027 +0x0\n"
		  "  0x100000    2047.25 MiB  0x7f12a0100000 -> 0x7f88c0100000  remapped  20.1 ms\n"
		  "    same  +0x0 1 GiB: file 0:1 ino 1027 +0x100000\n"
		  "          +0x40000000 1023.25 MiB: file 0:1 ino 1027 +0x40100000\n"
		  "  0xfeb00000       16 KiB  0x7f12f0000000 -> 0x7f88f0000000  remapped  21.0 ms\n"
		  "    ? was anonymous memory\n"
		  "    ? now anonymous memory\n"
		  "    owner qemu-system-x86[1234] -> helper[1302]\n"
		  "  0x100000000       1 GiB  0x7f1320000000 -> 0x7f8940000000  remapped  22.1 ms\n"
		  "    ! was file 0:1 ino 1027 gen 7 +0x80000000\n"
		  "    ! now file 8:1 ino 1027 gen 9 +0xc0000000 private\n");
	has(text, "UPDATE 2: in place, 10.0 ms so far, not ended\n");
	has(text, "STILL OPEN at the end,");
	has(text,
	    "  outside windows\n"
	    "  pin        gup                  1,000   4,096 51.2 us 90.1 us  100 us  100 us\n"
	    "  map        -                        2   4,096 11.0 ms  490 ms  490 ms  490 ms\n");
	has(text,
	    "       1 x  VFIO_IOMMU_MAP_DMA(VADDR) -ENOENT  at +1.210000 s\n"
	    "            by qemu-system-x86[1301] in a window\n"
	    "  12,345 x  attach group 3 -EBUSY  first +0.001000 s by qemu-system-x86[1234]\n");
	has(text, "\nLOST\n  120 records that found no room in the ring buffer, cpu 3,");
	has(text, "  c1   type1 of qemu-system-x86[1301], opened +0.050 s, lives on\n"
		  "       1 window, 12 maps, 3 taken down, at most 4 ranges (3.00 GiB)\n");
	has_not(text, "HOOKS");
	free(text);
}

static void report_verbose(void **state)
{
	char *text = rendered(rs_render_report, fixture(),
			      (struct rs_style){ .width = 80, .verbose = 1 });

	(void)state;
	has(text, "\nHOOKS\n"
		  "  fentry   vfio_iommu_type1_ioctl\n"
		  "  none     vfio_wait: no such function in this kernel\n");
	free(text);
}

static void report_idle(void **state)
{
	struct rs_result r = idle();
	char *text = rendered(rs_render_report, &r, plain);

	(void)state;
	assert_string_equal(text, "remapscope report of live\n"
				  "  recorded    3.00 s, 0 events\n"
				  "  complete    yes\n"
				  "\n"
				  "No remap window was seen.\n");
	free(text);
}

/* Many ordinary ranges are summed up; the odd one among them is not. */
static void report_many_ranges(void **state)
{
	struct rs_result r = idle();
	struct rs_range_view *v = calloc(100, sizeof(*v));
	struct rs_window_view w = { .id = 5,
				    .container = 1,
				    .open_ns = T0,
				    .close_ns = T0 + MS,
				    .end = RS_WINDOW_REMAPPED,
				    .range = v,
				    .nr_ranges = 100 };
	char *text;

	(void)state;
	assert_non_null(v);
	for (int i = 0; i < 100; i++) {
		v[i] = ranges_1[0];
		v[i].iova.v = (__u64)i << 20;
	}
	v[77].state = RS_STATE_UNMAPPED;
	r.window = &w;
	r.nr_windows = 1;
	text = rendered(rs_render_report, &r, plain);
	has(text, "WINDOWS OF NO UPDATE\n");
	has(text, "remapped, but not all ranges");
	has(text, "  0x4d00000");
	has(text, "unmapped");
	has(text, "  ... and 88 more, remapped to the same memory (shown when verbose)\n");
	has_not(text, "  0x4c00000");
	free(text);

	text = rendered(rs_render_report, &r, (struct rs_style){ .width = 80, .verbose = 1 });
	has(text, "  0x4c00000");
	has_not(text, "more, remapped");
	free(text);
	free(v);
}

static const char *one_range(struct rs_range_view v, char **text)
{
	struct rs_result r = idle();
	struct rs_window_view w = { .id = 1,
				    .container = 1,
				    .open_ns = T0,
				    .close_ns = T0 + MS,
				    .end = RS_WINDOW_REMAPPED,
				    .range = &v,
				    .nr_ranges = 1 };

	r.window = &w;
	r.nr_windows = 1;
	*text = rendered(rs_render_report, &r, plain);
	return *text;
}

static void backing_marks(void **state)
{
	struct rs_range_view v = ranges_1[0];
	struct rs_piece other = low_piece[0];
	char *text;

	(void)state;
	has(one_range(v, &text), "    same  file 0:1 ino 1027 +0x0\n");
	free(text);

	/* The model has compared them: the mark says how that came out. */
	v.memory = RS_MEMORY_OTHER;
	v.new_backing.piece = &other;
	other.offset = 0x1000;
	has(one_range(v, &text), "    ! was file 0:1 ino 1027 +0x0\n"
				 "    ! now file 0:1 ino 1027 +0x1000\n");
	free(text);
	other = low_piece[0];
	other.ino = 1028;
	has(one_range(v, &text), "    ! now file 0:1 ino 1028 +0x0\n");
	free(text);
	other = low_piece[0];
	other.generation = 8;
	has(one_range(v, &text), "    ! was file 0:1 ino 1027 gen 7 +0x0\n"
				 "    ! now file 0:1 ino 1027 gen 8 +0x0\n");
	free(text);
	other = low_piece[0];
	other.vm_flags = 0;
	has(one_range(v, &text), "    ! now file 0:1 ino 1027 +0x0 private\n");
	free(text);
	other = low_piece[0];
	other.what = RS_BACKING_NONE;
	has(one_range(v, &text), "    ! now nothing mapped\n");
	free(text);
	v.memory = RS_MEMORY_UNPROVED;
	other.what = RS_BACKING_BUSY;
	has(one_range(v, &text), "    ? now could not be looked at\n");
	free(text);

	/* All of it is there, and yet somebody says that something was left out. */
	other = low_piece[0];
	v.new_backing.complete = false;
	has(one_range(v, &text), "    ? now file 0:1 ino 1027 +0x0\n"
				 "          the rest could not be looked at\n");
	free(text);

	/* Half of it is not known. */
	other = low_piece[0];
	other.len /= 2;
	has(one_range(v, &text), "    ? now +0x0 320 KiB: file 0:1 ino 1027 +0x0\n"
				 "          the rest could not be looked at\n");
	free(text);
	v.new_backing.known = false;
	v.new_backing.nr = 0;
	has(one_range(v, &text), "    ? now not known\n");
	free(text);
}

static void check_golden(void **state)
{
	char *text = rendered(rs_render_check, fixture(), plain);
	const char *tail;

	(void)state;
	has(text,
	    "remapscope check of trace.rst: Linux 6.12.107+deb13-amd64, 5.00 s, 1,204 events\n"
	    "lost: 120 records that found no room in the ring buffer\n"
	    "command: lab update --exec (exit status 1)\n"
	    "\n"
	    "RULES\n"
	    "  UNKNOWN   window-closed        2 judged, 1 finding, critical\n"
	    "            every invalidated range is remapped or unmapped before its owner\n"
	    "            runs again\n"
	    "            the recording ended inside window 2\n"
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
		cmocka_unit_test(report_golden),
		cmocka_unit_test(report_verbose),
		cmocka_unit_test(report_idle),
		cmocka_unit_test(report_many_ranges),
		cmocka_unit_test(backing_marks),
		cmocka_unit_test(check_golden),
		cmocka_unit_test(check_idle),
		cmocka_unit_test(within_width),
		cmocka_unit_test(colour_changes_nothing_else),
		cmocka_unit_test(words_and_wrapping),
		cmocka_unit_test(utf8),
		cmocka_unit_test(write_errors),
		cmocka_unit_test(style),
		cmocka_unit_test(result_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
