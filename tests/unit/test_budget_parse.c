// SPDX-License-Identifier: GPL-2.0-only
/* Budgets: the grammar, its messages, and the canonical form of clauses. */
#include "budget_fixture.h"
#include "budget/scan.h"

#include <unistd.h>

static void grammar(void **state)
{
	struct rs_budget *b =
		parse_ok("# nothing\n"
			 "\n"
			 "window max <= 100ms   # blackout\n"
			 "\tpin[path=gup, outside-window]p99.9<1.5us min-samples=50\r\n"
			 "request[reason=no-unmap-cb,in-window] count == 0\n"
			 "window failed-remaps == 0\n"
			 "update mean >= 0.000000001s\n"
			 "remap total > 2 s min-samples=3");

	(void)state;
	assert_int_equal(b->nr, 6);
	assert_string_equal(b->clause[0].text, "window max <= 100ms");
	assert_int_equal(b->clause[0].line, 3);
	assert_int_equal(b->clause[0].limit, 100 * MS);
	assert_int_equal(b->clause[0].needed, 1);
	assert_int_equal(b->clause[0].path, -1);

	assert_int_equal(b->clause[1].limit, 1500);
	assert_int_equal(b->clause[1].compare, RS_CMP_LT);
	assert_int_equal(b->clause[1].path, RS_PATH_GUP);
	assert_int_equal(b->clause[1].where, RS_WHERE_OUTSIDE);
	assert_int_equal(b->clause[1].needed, 50);
	assert_string_equal(rs_clause_stat_name(&b->clause[1]).s, "p99.9");

	assert_int_equal(b->clause[2].reason, RS_REASON_NO_UNMAP_CB);
	assert_int_equal(b->clause[2].where, RS_WHERE_INSIDE);
	assert_int_equal(b->clause[2].needed, 0);
	assert_int_equal(b->clause[4].limit, 1);
	assert_int_equal(b->clause[5].limit, 2000 * MS);
	assert_int_equal(b->clause[5].needed, 3);
	rs_budget_free(b);

	b = parse_ok("");
	assert_int_equal(b->nr, 0);
	rs_budget_free(b);
	rs_budget_free(NULL);
}

/* What is new in a clause, in the order of its words. */
static void filters(void **state)
{
	struct rs_budget *b =
		parse_ok("blackout max <= 1s\n"
			 "phase[name=hand-over] p90 <= 10ms\n"
			 "range p99 < 5ms\n"
			 "request[direction=write, device=0000:3b:00.0] rate <= 0.5/s\n"
			 "pin[device=\"a # b\", part=wait, in-window] p99.999 <= 1us # a comment\n"
			 "pin[path=cached] p50 <= 1.2x base\n"
			 "window count >= 1 x base\n"
			 "pin rate <= 1000 / s\n");

	(void)state;
	assert_int_equal(b->nr, 8);
	assert_int_equal(b->clause[0].subject->kind, RS_SUBJECT_BLACKOUT);
	assert_string_equal(b->clause[1].phase, "hand-over");
	assert_int_equal(b->clause[2].subject->kind, RS_SUBJECT_RANGE);
	assert_string_equal(b->clause[3].made_by->op, "write");
	assert_string_equal(b->clause[3].device, "0000:3b:00.0");
	assert_int_equal(b->clause[3].limit, 500000);
	assert_string_equal(b->clause[4].device, "a # b");
	assert_int_equal(b->clause[4].part, RS_LAT_WAIT);
	assert_int_equal(b->clause[4].needed, 100000);
	assert_string_equal(b->clause[4].text,
			    "pin[device=\"a # b\", part=wait, in-window] p99.999 <= 1us");
	assert_true(b->clause[5].ratio);
	assert_int_equal(b->clause[5].limit, 1200000);
	assert_int_equal(b->clause[5].column, 25);
	assert_true(b->clause[6].ratio);
	assert_int_equal(b->clause[7].limit, 1000 * RS_MICRO);
	rs_budget_free(b);
}

static void needed_samples(void **state)
{
	static const struct {
		const char *stat;
		__u64 needed;
	} cases[] = {
		{ "p50", 2 },	  { "p75", 4 },	     { "p90", 10 },	   { "p95", 20 },
		{ "p99", 100 },	  { "p99.9", 1000 }, { "p99.99", 10000 },  { "p99.999", 100000 },
		{ "p66.667", 4 }, { "p10", 10 },     { "p0.001", 100000 }, { "p99.990", 10000 },
		{ "p050", 2 },	  { "min", 1 },	     { "max", 1 },	   { "mean", 1 },
		{ "total", 1 },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rs_budget *b;

		snprintf(text, sizeof(text), "pin %s < 1s", cases[i].stat);
		b = parse_ok(text);
		assert_int_equal(b->clause[0].needed, cases[i].needed);
		rs_budget_free(b);
	}
	assert_int_equal(rs_quantile_needed(99999), 100000);
	assert_int_equal(rs_quantile_needed(50000), 2);
	assert_int_equal(rs_quantile_needed(33333), 4);
}

#define SUBJECT                                                                              \
	"a subject (window, handover, update, blackout, phase, range, request, pin, unpin, " \
	"read, write, map, unmap, invalidate, remap, change)"
#define STAT	   "a statistic (count, rate, min, mean, max, total, failed-remaps, p50 ... p99.999)"
#define PERCENTILE "a percentile (above p0, below p100, at most three digits after the point)"
#define PHASE                                                                         \
	"a phase (invalidate, exec, restart, hand-over, between, open, remap, save, " \
	"start-up, load, interrupts, resume, unattributed, probe, change)"
#define FILTER                                                                              \
	"a filter (path=, reason=, device=, direction=, part=, in-window, outside-window, " \
	"in-handover)"
#define PATH                                                                                     \
	"a path (none, cached, gup, copy_own, copy_kthread, released, refused, pfnmap, waited, " \
	"file, domain)"
#define REASON                                                                                   \
	"a reason (window, no-mapping, prot, memlock, dead-mm, wrong-mm, v1, no-unmap-cb, "      \
	"arguments, fault, other, pfnmap, remote-mm, wait-broken, detached, unmapping, dmabuf, " \
	"wait-timeout)"
#define COMPARE "a comparison (<=, <, >=, >, ==)"
#define TIME	"a time (10ms) or a factor (1.2x base)"
#define NUMBER	"a whole number or a factor (1.2x base)"
#define RATE	"a rate (100/s) or a factor (1.2x base)"
#define UNIT	"a unit of time (ns, us, ms, s, x base)"

/* A line, where it is wrong, what was expected, and what is there; NULL: the line ends. */
static const struct {
	const char *text;
	const char *place;
	const char *expected;
	const char *found;
} wrong[] = {
	{ "widow max <= 1ms", "1:1", SUBJECT, "widow" },
	{ "[in-window] max <= 1ms", "1:1", SUBJECT, "[" },
	{ "\n  window maximum <= 1ms", "2:10", STAT, "maximum" },
	{ "window", "1:7", STAT, NULL },
	{ "window stddev <= 1ms", "1:8", STAT, "stddev" },
	{ "window p <= 1ms", "1:8", STAT, "p" },
	{ "window p0 <= 1ms", "1:8", PERCENTILE, "p0" },
	{ "window p100 <= 1ms", "1:8", PERCENTILE, "p100" },
	{ "window p99.9999 <= 1ms", "1:8", PERCENTILE, "p99.9999" },
	{ "window p99. <= 1ms", "1:8", PERCENTILE, "p99." },
	{ "window p9x <= 1ms", "1:8", PERCENTILE, "p9x" },
	{ "window p99999999999999999999 <= 1ms", "1:8", PERCENTILE, "p99999999999999999999" },
	{ "window max 1ms", "1:12", COMPARE, "1ms" },
	{ "window max != 1ms", "1:12", COMPARE, "!=" },
	{ "window max <= ", "1:14", TIME, NULL },
	{ "window max <= fast", "1:15", TIME, "fast" },
	{ "window max <= -1s", "1:15", TIME, "-1s" },
	{ "window max <= 10", "1:17", UNIT, NULL },
	{ "window max <= 10m", "1:17", UNIT, "m" },
	{ "window max <= 10/s", "1:17", UNIT, "/" },
	{ "window max <= 1.2xbase", "1:18", UNIT, "xbase" },
	{ "window max <= 1.2x", "1:19", "\"base\"", NULL },
	{ "window max <= 1.2x bass", "1:20", "\"base\"", "bass" },
	{ "window max <= 0x base", "1:15", "a factor above 0", "0x" },
	{ "window max <= 0.0000001x base", "1:15", "at most six digits after the point",
	  "0.0000001x" },
	{ "window max <= 1000001x base", "1:15", "a smaller number", "1000001x" },
	{ "window max <= 99999999999999x base", "1:15", "a smaller number", "99999999999999x" },
	{ "window max <= 1.5ns", "1:15", "a whole number of ns", "1.5ns" },
	{ "window max <= 1.01ns", "1:15", "a whole number of ns", "1.01ns" },
	{ "window max <= 1.ms", "1:15", "digits after the point", "1.ms" },
	{ "window max <= 99999999999999999999s", "1:15", "a smaller number",
	  "99999999999999999999s" },
	{ "window max <= 9999999999999s", "1:15", "a shorter time", "9999999999999s" },
	{ "window count <= 1ms", "1:17", NUMBER, "1ms" },
	{ "window count <= 1.5", "1:17", NUMBER, "1.5" },
	{ "window count <= 1/s", "1:18", "min-samples=N or the end of the line", "/" },
	{ "window count <= 18446744073709551615", "1:17", NUMBER, "18446744073709551615" },
	{ "window rate <= x", "1:16", RATE, "x" },
	{ "window rate <= 5", "1:17", "\"/s\" or \"x base\"", NULL },
	{ "window rate <= 5ms", "1:17", "\"/s\" or \"x base\"", "ms" },
	{ "window rate <= 5/ms", "1:18", "\"s\"", "ms" },
	{ "window rate <= 5/", "1:18", "\"s\"", NULL },
	{ "window rate <= 0.0000001/s", "1:16", "at most six digits after the point", "0.0000001" },
	{ "window rate <= 99999999999999/s", "1:16", "a smaller number", "99999999999999" },
	{ "window[in-window] max <= 1ms", "1:8", "no filter (only requests and phases have some)",
	  "in-window" },
	{ "range[device=x] max <= 1ms", "1:7", "no filter (only requests and phases have some)",
	  "device" },
	{ "phase max <= 1ms", "1:7", "\"[name=\" and a phase's name", "max" },
	{ "phase", "1:6", "\"[name=\" and a phase's name", NULL },
	{ "phase[remap] max <= 1ms", "1:7", "a phase's name (name=)", "remap" },
	{ "phase[name=boot] max <= 1ms", "1:12", PHASE, "boot" },
	{ "phase[name=] max <= 1ms", "1:12", PHASE, "]" },
	{ "phase[name=exec, name=remap] max <= 1ms", "1:18", "each filter once", "name" },
	{ "pin[] max <= 1ms", "1:5", FILTER, "]" },
	{ "pin[container=c1] max <= 1ms", "1:5", FILTER, "container" },
	{ "pin[path] max <= 1ms", "1:9", "\"=\"", "]" },
	{ "pin[path=fast] max <= 1ms", "1:10", PATH, "fast" },
	{ "pin[reason=none] max <= 1ms", "1:12", REASON, "none" },
	{ "pin[path=gup,path=cached] max <= 1ms", "1:14", "each filter once", "path" },
	{ "pin[reason=prot,reason=prot] max <= 1ms", "1:17", "each filter once", "reason" },
	{ "pin[part=all] max <= 1ms", "1:10", "a part (wait, work)", "all" },
	{ "pin[part=wait,part=work] max <= 1ms", "1:15", "each filter once", "part" },
	{ "pin[part=wait] count <= 1", "1:16", "a statistic of time (part= splits a time)",
	  "count" },
	{ "pin[part=wait] rate <= 1/s", "1:16", "a statistic of time (part= splits a time)",
	  "rate" },
	{ "pin[direction=read] max <= 1ms", "1:5",
	  "another filter (only of request there are several)", "direction" },
	{ "request[direction=up] max <= 1ms", "1:19", "a direction (read, write)", "up" },
	{ "request[direction=read,direction=read] max <= 1ms", "1:24", "each filter once",
	  "direction" },
	{ "map[device=x] max <= 1ms", "1:5",
	  "another filter (these requests are not made by devices)", "device" },
	{ "pin[device] max <= 1ms", "1:11", "\"=\"", "]" },
	{ "pin[device=] max <= 1ms", "1:12", "a device's name", "]" },
	{ "pin[device=\"\"] max <= 1ms", "1:13", "a device's name", "\"]" },
	{ "pin[device=\"x] max <= 1ms", "1:26", "a closing quotation mark", NULL },
	{ "pin[device=x,device=y] max <= 1ms", "1:14", "each filter once", "device" },
	{ "pin[device=0123456789012345678901234567890123456789] max <= 1ms", "1:12",
	  "a shorter name", "0123456789012345678901234567890123456789" },
	{ "pin[in-window,outside-window] max <= 1ms", "1:15",
	  "in-window, outside-window or in-handover once", "outside-window" },
	{ "pin[in-window max <= 1ms", "1:15", "\",\" or \"]\"", "max" },
	{ "pin failed-remaps == 0", "1:5", "another statistic (only a window has this one)",
	  "failed-remaps" },
	{ "pin max <= 1ms please", "1:16", "min-samples=N or the end of the line", "please" },
	{ "pin max <= 1.2x base+1", "1:21", "min-samples=N or the end of the line", "+" },
	{ "pin max <= 1ms min-samples", "1:27", "\"=\"", NULL },
	{ "pin max <= 1ms min-samples=", "1:28", "a whole number", NULL },
	{ "pin max <= 1ms min-samples=0", "1:28", "at least 1", "0" },
	{ "pin max <= 1ms min-samples=2x", "1:28", "a whole number", "2x" },
	{ "pin max <= 1ms min-samples=1 x", "1:30", "the end of the line", "x" },
	{ "pin count <= 1 min-samples=1", "1:16",
	  "the end of the line (a number of things needs no samples)", "min-samples" },
	{ "pin rate <= 1/s min-samples=1", "1:17",
	  "the end of the line (a number of things needs no samples)", "min-samples" },
	{ "pin max <= 1ms\npin max <= 1ms \x1b[31m", "2:16", "min-samples=N or the end of the line",
	  "?[" },
};

static void messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct rs_budget *b = NULL;
		struct rs_msg msg = { "" };
		char want[sizeof(msg.text)];

		if (wrong[i].found)
			snprintf(want, sizeof(want), "b:%s: expected %s, found \"%s\"",
				 wrong[i].place, wrong[i].expected, wrong[i].found);
		else
			snprintf(want, sizeof(want), "b:%s: expected %s, found the end of the line",
				 wrong[i].place, wrong[i].expected);
		assert_int_equal(rs_budget_parse("b", wrong[i].text, &b, &msg), -EINVAL);
		assert_null(b);
		assert_string_equal(msg.text, want);
	}
}

static void same_clause(const struct rs_clause *a, const struct rs_clause *b)
{
	assert_ptr_equal(a->subject, b->subject);
	assert_ptr_equal(a->made_by, b->made_by);
	assert_ptr_equal(a->stat, b->stat);
	assert_ptr_equal(a->phase, b->phase);
	assert_int_equal(a->quantile, b->quantile);
	assert_int_equal(a->path, b->path);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->part, b->part);
	assert_int_equal(a->where, b->where);
	assert_string_equal(a->device, b->device);
	assert_int_equal(a->compare, b->compare);
	assert_int_equal(a->ratio, b->ratio);
	assert_int_equal(a->limit, b->limit);
	assert_int_equal(a->needed, b->needed);
}

/* Printed and read again a clause is the same one, and prints the same. */
static void prints_back(const struct rs_clause *cl)
{
	struct rs_clause_text text = rs_clause_print(cl);
	struct rs_budget *again = parse_ok(text.s);

	assert_int_equal(again->nr, 1);
	same_clause(cl, &again->clause[0]);
	assert_string_equal(rs_clause_print(&again->clause[0]).s, text.s);
	rs_budget_free(again);
}

static void canonical(void **state)
{
	static const char *const pairs[][2] = {
		{ "window   max<=  0100.50ms", "window max <= 100.5ms" },
		{ "pin[in-window,path=gup]p99 < 1us", "pin[path=gup, in-window] p99 < 1us" },
		{ "request[ outside-window , direction=read , reason=window ] count == 00",
		  "request[reason=window, direction=read, outside-window] count == 0" },
		{ "pin[device=3b:00.0] p99.90 <= 1.20x base min-samples=1000",
		  "pin[device=\"3b:00.0\"] p99.9 <= 1.2x base" },
		{ "phase[name=exec] p50 > 1500ns min-samples=3",
		  "phase[name=exec] p50 > 1.5us min-samples=3" },
		{ "pin rate >= 00.2500/s", "pin rate >= 0.25/s" },
		{ "pin[part=work] mean <= 1000000x base", "pin[part=work] mean <= 1000000x base" },
		{ "window max <= 9223372036.854775807s", "window max <= 9223372036.854775807s" },
		{ "window failed-remaps == 9223372036854775807",
		  "window failed-remaps == 9223372036854775807" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct rs_budget *b = parse_ok(pairs[i][0]);

		assert_string_equal(rs_clause_print(&b->clause[0]).s, pairs[i][1]);
		prints_back(&b->clause[0]);
		rs_budget_free(b);
	}
}

static __u64 next_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Words of the language in a likely order, now and then another byte or none. */
static size_t make_line(__u64 *seed, char *buf, size_t len)
{
	static const char *const words[] = {
		"window",
		"update",
		"blackout",
		"phase",
		"range",
		"request",
		"pin",
		"map",
		"read",
		"[",
		"[",
		"name=remap",
		"path=gup",
		"reason=window",
		"device=0000:3b:00.0",
		"device=\"a b\"",
		"direction=write",
		"part=wait",
		"in-window",
		",",
		"]",
		"]",
		" count",
		" rate",
		" max",
		" mean",
		" p50",
		" p99.9",
		" p99.999",
		" p",
		" <=",
		" <",
		" ==",
		" >=",
		" 1ms",
		" 0.5us",
		" 10",
		" 3/s",
		" 1.2x base",
		" 99999999999999999999",
		" min-samples=3",
		"#",
		"\n",
		"\"",
		" ",
		".",
		"x",
		"9",
	};
	static const unsigned char plan[][2] = {
		{ 0, 9 }, { 9, 11 }, { 11, 19 }, { 20, 22 }, { 22, 30 }, { 30, 34 }, { 34, 40 },
	};
	size_t n = 0, steps = sizeof(plan) / sizeof(plan[0]);
	bool filter = next_random(seed) % 2;

	for (size_t i = 0; i < steps; i++) {
		const char *w = words[plan[i][0] + next_random(seed) % (plan[i][1] - plan[i][0])];

		if (!filter && i >= 1 && i <= 3)
			continue;
		if (!(next_random(seed) % 24))
			w = words[next_random(seed) % (sizeof(words) / sizeof(words[0]))];
		if (!(next_random(seed) % 40))
			continue;
		n += (size_t)snprintf(buf + n, len - n, "%s", w);
	}
	if (!(next_random(seed) % 8))
		n += (size_t)snprintf(buf + n, len - n, " min-samples=%llu", next_random(seed) % 5);
	if (n && !(next_random(seed) % 6))
		buf[next_random(seed) % n] = (char)(next_random(seed) % 255 + 1);
	return n;
}

/* Any text is refused with a place in it, or has a canonical form. */
static void random_lines(void **state)
{
	__u64 seed = 0x9e3779b97f4a7c15ULL;
	unsigned int accepted = 0, refused = 0;
	char line[512];

	(void)state;
	for (int round = 0; round < 40000; round++) {
		struct rs_budget *b = NULL;
		struct rs_msg msg = { "" };
		unsigned int row, column;

		line[make_line(&seed, line, sizeof(line))] = 0;
		if (!rs_budget_parse("b", line, &b, &msg)) {
			for (size_t i = 0; i < b->nr; i++)
				prints_back(&b->clause[i]);
			accepted += b->nr > 0;
			rs_budget_free(b);
			continue;
		}
		refused++;
		assert_null(b);
		assert_int_equal(sscanf(msg.text, "b:%u:%u: expected ", &row, &column), 2);
		assert_in_range(row, 1, strlen(line) + 1);
		assert_in_range(column, 1, strlen(line) + 1);
		assert_non_null(strstr(msg.text, ", found "));
	}
	assert_true(accepted > 2000);
	assert_true(refused > 2000);
}

/* A clause against a base names its place when none is given. */
static void base_wanted(void **state)
{
	struct rs_budget *b = parse_ok("pin max <= 1ms\n pin p50 <= 1.5x base\n");
	struct rs_result base = { 0 };
	struct rs_msg msg = { "" };

	(void)state;
	assert_int_equal(rs_budget_needs_base(b, &msg), -EINVAL);
	assert_string_equal(msg.text, "b:2:13: expected a base recording (--base FILE) for "
				      "\"1.5x base\", found none");
	rs_budget_set_base(b, &base);
	assert_int_equal(rs_budget_needs_base(b, &msg), 0);
	rs_budget_free(b);
	b = parse_ok("pin max <= 1ms");
	assert_int_equal(rs_budget_needs_base(b, &msg), 0);
	rs_budget_free(b);
}

static void files(void **state)
{
	char path[] = "/tmp/rs-budget-XXXXXX", want[160];
	int fd = mkstemp(path);
	struct rs_budget *b = NULL;
	struct rs_msg msg = { "" };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "pin max <= 1ms\n", 15), 15);
	assert_int_equal(rs_budget_load(path, &b, &msg), 0);
	assert_int_equal(b->nr, 1);
	rs_budget_free(b);
	b = NULL;

	assert_int_equal(write(fd, "pin\n", 4), 4);
	assert_int_equal(rs_budget_load(path, &b, &msg), -EINVAL);
	snprintf(want, sizeof(want), "%s:2:4: expected a statistic", path);
	assert_memory_equal(msg.text, want, strlen(want));

	assert_int_equal(write(fd, "\0", 1), 1);
	assert_int_equal(rs_budget_load(path, &b, &msg), -EINVAL);
	snprintf(want, sizeof(want), "\"%s\" is not a budget file: it holds a NUL byte", path);
	assert_string_equal(msg.text, want);
	assert_int_equal(ftruncate(fd, 2 << 20), 0);
	assert_int_equal(rs_budget_load(path, &b, &msg), -EINVAL);
	assert_non_null(strstr(msg.text, "larger than 1 MiB"));
	close(fd);
	unlink(path);

	assert_int_equal(rs_budget_load(path, &b, &msg), -ENOENT);
	snprintf(want, sizeof(want), "cannot read \"%s\": No such file or directory", path);
	assert_string_equal(msg.text, want);
	assert_int_equal(rs_budget_load("/", &b, &msg), -EISDIR);
	assert_null(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),	  cmocka_unit_test(filters),
		cmocka_unit_test(needed_samples), cmocka_unit_test(messages),
		cmocka_unit_test(canonical),	  cmocka_unit_test(random_lines),
		cmocka_unit_test(base_wanted),	  cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
