// SPDX-License-Identifier: GPL-2.0-only
/* Budgets: the grammar and its messages, and how clauses are judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "budget/budget.h"
#include "budget/clause.h"

#define US 1000ULL
#define MS 1000000ULL

static struct rs_budget *parse_ok(const char *text)
{
	struct rs_budget *b = NULL;
	struct rs_msg msg = { "" };
	int err = rs_budget_parse("b", text, &b, &msg);

	if (err)
		print_error("%s\n", msg.text);
	assert_int_equal(err, 0);
	return b;
}

static void parse_fails(const char *text, const char *message)
{
	struct rs_budget *b = NULL;
	struct rs_msg msg = { "" };

	assert_int_equal(rs_budget_parse("b", text, &b, &msg), -EINVAL);
	assert_null(b);
	assert_string_equal(msg.text, message);
}

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
	assert_string_equal(b->clause[1].stat->name, "p99.9");

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

static void needed_samples(void **state)
{
	struct rs_budget *b = parse_ok("pin p50 < 1s\npin p90 < 1s\npin p95 < 1s\npin p99 < 1s\n"
				       "pin p99.9 < 1s\npin min < 1s\npin count < 1\n");
	static const __u64 needed[] = { 2, 10, 20, 100, 1000, 1, 0 };

	(void)state;
	for (size_t i = 0; i < b->nr; i++)
		assert_int_equal(b->clause[i].needed, needed[i]);
	rs_budget_free(b);
}

#define SUBJECTS "window, update, request, pin, unpin, read, write, map, unmap, invalidate, remap"
#define STATS	 "count, min, mean, max, p50, p90, p95, p99, p99.9, total, failed-remaps"

static void messages(void **state)
{
	(void)state;
	parse_fails("widow max <= 1ms",
		    "b:1:1: expected a subject (" SUBJECTS "), found \"widow\"");
	parse_fails("\n  window maximum <= 1ms",
		    "b:2:10: expected a statistic (" STATS "), found \"maximum\"");
	parse_fails("window", "b:1:7: expected a statistic (" STATS "), found the end of the line");
	parse_fails("window max 1ms",
		    "b:1:12: expected a comparison (<=, <, >=, >, ==), found \"1ms\"");
	parse_fails("window max != 1ms",
		    "b:1:12: expected a comparison (<=, <, >=, >, ==), found \"!=\"");
	parse_fails("window max <= ", "b:1:14: expected a time (10ms), found the end of the line");
	parse_fails("window max <= fast", "b:1:15: expected a time (10ms), found \"fast\"");
	parse_fails("window max <= 10",
		    "b:1:17: expected a unit of time (ns, us, ms, s), found the end of the line");
	parse_fails("window max <= 10m",
		    "b:1:17: expected a unit of time (ns, us, ms, s), found \"m\"");
	parse_fails("window max <= 1.5ns",
		    "b:1:15: expected a whole number of ns, found \"1.5ns\"");
	parse_fails("window max <= 1.01ns",
		    "b:1:15: expected a whole number of ns, found \"1.01ns\"");
	parse_fails("window max <= 1.ms",
		    "b:1:15: expected digits after the point, found \"1.ms\"");
	parse_fails("window max <= 99999999999999999999s",
		    "b:1:15: expected a smaller number, found \"99999999999999999999s\"");
	parse_fails("window max <= 9999999999999s",
		    "b:1:15: expected a shorter time, found \"9999999999999s\"");
	parse_fails("window max <= -1s", "b:1:15: expected a time (10ms), found \"-1s\"");
	parse_fails("window count <= 1ms", "b:1:17: expected a whole number, found \"1ms\"");
	parse_fails("window count <= 1.5", "b:1:17: expected a whole number, found \"1.5\"");
	parse_fails("window[in-window] max <= 1ms",
		    "b:1:8: expected no filter (only requests have a path, a reason and a place), "
		    "found \"in-window\"");
	parse_fails("pin[] max <= 1ms",
		    "b:1:5: expected a filter (path=NAME, reason=NAME, in-window, outside-window), "
		    "found \"]\"");
	parse_fails("pin[path] max <= 1ms", "b:1:9: expected \"=\", found \"]\"");
	parse_fails("pin[path=fast] max <= 1ms",
		    "b:1:10: expected a path (none, cached, gup, copy_own, copy_kthread, released, "
		    "refused, pfnmap, waited), found \"fast\"");
	parse_fails(
		"pin[reason=none] max <= 1ms",
		"b:1:12: expected a reason (window, no-mapping, prot, memlock, dead-mm, wrong-mm, "
		"v1, no-unmap-cb, arguments, fault, other, pfnmap, remote-mm, wait-broken), found "
		"\"none\"");
	parse_fails("pin[path=gup,path=cached] max <= 1ms",
		    "b:1:14: expected each filter once, found \"path\"");
	parse_fails("pin[in-window,outside-window] max <= 1ms",
		    "b:1:15: expected in-window or outside-window once, found \"outside-window\"");
	parse_fails("pin[in-window max <= 1ms", "b:1:15: expected \",\" or \"]\", found \"max\"");
	parse_fails(
		"pin failed-remaps == 0",
		"b:1:5: expected a statistic of requests or updates (only a window has this one), "
		"found \"failed-remaps\"");
	parse_fails("pin max <= 1ms please",
		    "b:1:16: expected min-samples=N or the end of the line, found \"please\"");
	parse_fails("pin max <= 1ms min-samples",
		    "b:1:27: expected \"=\", found the end of the line");
	parse_fails("pin max <= 1ms min-samples=0", "b:1:28: expected at least 1, found \"0\"");
	parse_fails("pin max <= 1ms min-samples=1 x",
		    "b:1:30: expected the end of the line, found \"x\"");
	parse_fails("pin count <= 1 min-samples=1",
		    "b:1:16: expected the end of the line (a number of things needs no samples), "
		    "found \"min-samples\"");
	parse_fails("pin max <= 1ms\npin max <= 1ms \x1b[31m",
		    "b:2:16: expected min-samples=N or the end of the line, found \"?[\"");
}

static struct rs_result *result_new(void)
{
	struct rs_result *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->complete = true;
	r->first_ns = 1;
	r->last_ns = 1000 * MS;
	return r;
}

static struct rs_window_view *add_window(struct rs_result *r, __u64 open, __u64 close)
{
	struct rs_window_view *w;

	r->window = realloc(r->window, (r->nr_windows + 1) * sizeof(*r->window));
	assert_non_null(r->window);
	w = &r->window[r->nr_windows++];
	memset(w, 0, sizeof(*w));
	w->id = (__u32)r->nr_windows;
	w->open_ns = open;
	w->close_ns = close;
	return w;
}

static struct rs_hist *add_row(struct rs_result *r, const char *op, enum rs_path path,
			       enum rs_reason reason, bool in_window)
{
	struct rs_request_row *row;

	r->request = realloc(r->request, (r->nr_requests + 1) * sizeof(*r->request));
	assert_non_null(r->request);
	row = &r->request[r->nr_requests++];
	*row = (struct rs_request_row){
		.op = op, .path = path, .reason = reason, .in_window = in_window
	};
	row->latency = calloc(RS_LAT_NR, sizeof(*row->latency));
	assert_non_null(row->latency);
	return row->latency;
}

static void add_loss(struct rs_result *r, __u64 count, __u64 from, __u64 to)
{
	struct rs_loss_view *l;

	r->loss = realloc(r->loss, (r->nr_losses + 1) * sizeof(*r->loss));
	assert_non_null(r->loss);
	l = &r->loss[r->nr_losses++];
	*l = (struct rs_loss_view){
		.what = "records that found no room", .count = count, .from_ns = from, .to_ns = to
	};
}

/* Judge one clause; @reason NULL: there must be none. */
static void judged(struct rs_result *r, const char *text, enum rs_verdict verdict,
		   const char *measured, const char *reason)
{
	struct rs_budget *b = parse_ok(text);
	struct rs_budget_view *v;

	assert_int_equal(rs_budget_judge(b, r), 0);
	v = &r->budget[r->nr_budgets - 1];
	assert_string_equal(v->text, text);
	assert_string_equal(v->where, "b:1");
	if (v->verdict != verdict)
		print_error("%s: %s %s\n", text, rs_verdict_name(v->verdict), v->reason);
	assert_int_equal(v->verdict, verdict);
	if (measured)
		assert_string_equal(v->measured, measured);
	else
		assert_null(v->measured);
	if (reason)
		assert_string_equal(v->reason, reason);
	else
		assert_null(v->reason);
	rs_budget_free(b);
}

static void windows(void **state)
{
	struct rs_result *r = result_new();

	(void)state;
	judged(r, "window max <= 10ms", RS_UNKNOWN, NULL,
	       "Nothing to measure: no remap window was seen.");
	judged(r, "window count == 0", RS_PASS, "0", NULL);
	judged(r, "window count >= 1", RS_VIOLATED, "0", "count is 0, not >= 1.");

	add_window(r, 10 * MS, 20 * MS)->failed_remaps = 2;
	add_window(r, 100 * MS, 130 * MS + 400)->failed_remaps = 1;
	judged(r, "window count == 2", RS_PASS, "2", NULL);
	judged(r, "window min == 10ms", RS_PASS, "10ms", NULL);
	judged(r, "window max <= 40ms", RS_PASS, "30ms", NULL);
	judged(r, "window max <= 25ms", RS_VIOLATED, "30ms", "max is 30ms, not <= 25ms.");
	/* Three digits would show the limit itself. */
	judged(r, "window max <= 30ms", RS_VIOLATED, "30.0004ms", "max is 30.0004ms, not <= 30ms.");
	judged(r, "window max < 30.0004ms", RS_VIOLATED, "30ms", "max is 30ms, not < 30.0004ms.");
	judged(r, "window max == 30.0004ms", RS_PASS, "30ms", NULL);
	judged(r, "window mean > 20ms", RS_PASS, "20.0002ms", NULL);
	judged(r, "window total < 40ms", RS_VIOLATED, "40.0004ms",
	       "total is 40.0004ms, not < 40ms.");
	judged(r, "window p50 <= 11ms", RS_PASS, "10.5ms", NULL);
	judged(r, "window p90 <= 40ms", RS_UNKNOWN, "30ms", "2 samples, and p90 needs 10.");
	judged(r, "window p90 <= 40ms min-samples=2", RS_PASS, "30ms", NULL);
	judged(r, "window failed-remaps == 0", RS_VIOLATED, "3", "failed-remaps is 3, not == 0.");
	assert_int_equal(r->budget[3].samples, 2);
	assert_int_equal(r->verdict, RS_PASS);
	rs_result_free(r);
}

/* A window that had not closed is at least as long as what was seen of it. */
static void open_window(void **state)
{
	static const char *const holds =
		"It holds so far, but the window had not ended with the recording.";
	static const char *const does_not =
		"It does not hold so far, but the window had not ended with the recording.";
	struct rs_result *r = result_new();

	(void)state;
	add_window(r, 990 * MS, 0);
	judged(r, "window max <= 5ms", RS_VIOLATED, "10ms", "max is 10ms, not <= 5ms.");
	judged(r, "window max <= 50ms", RS_UNKNOWN, "10ms", holds);
	judged(r, "window max >= 5ms", RS_PASS, "10ms", NULL);
	judged(r, "window max >= 50ms", RS_UNKNOWN, "10ms", does_not);
	judged(r, "window count == 1", RS_PASS, "1", NULL);
	add_window(r, 1 * MS, 2 * MS);
	judged(r, "window min <= 5ms", RS_PASS, "1ms", NULL);
	judged(r, "window total <= 5ms", RS_VIOLATED, "11ms", "total is 11ms, not <= 5ms.");
	judged(r, "window mean <= 50ms", RS_UNKNOWN, "5.5ms", holds);
	judged(r, "window p50 <= 5ms", RS_PASS, "1.02ms", NULL);
	rs_result_free(r);
}

static void updates(void **state)
{
	struct rs_result *r = result_new();

	(void)state;
	judged(r, "update max <= 1s", RS_UNKNOWN, NULL, "Nothing to measure: no update was seen.");
	r->update = calloc(1, sizeof(*r->update));
	assert_non_null(r->update);
	r->nr_updates = 1;
	r->update[0].start_ns = 5 * MS;
	r->update[0].end_ns = 25 * MS;
	judged(r, "update max <= 20ms", RS_PASS, "20ms", NULL);
	r->update[0].end_ns = 0;
	judged(r, "update max <= 2s", RS_UNKNOWN, "995ms",
	       "It holds so far, but the update had not ended with the recording.");
	rs_result_free(r);
}

static void requests(void **state)
{
	struct rs_result *r = result_new();
	struct rs_hist *h = add_row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false);

	(void)state;
	for (int i = 0; i < 99; i++)
		rs_hist_add(h, 10 * US);
	judged(r, "pin p99 <= 1ms", RS_UNKNOWN, "10us", "99 samples, and p99 needs 100.");
	rs_hist_add(h, 900 * US);
	judged(r, "pin p99 <= 11us", RS_PASS, "10.2us", NULL);
	judged(r, "pin max <= 11us", RS_VIOLATED, "900us", "max is 900us, not <= 11us.");

	h = add_row(r, "pin", RS_PATH_REFUSED, RS_REASON_WINDOW, true);
	rs_hist_add(h, 2 * US);
	rs_hist_add(h, 3 * US);
	h = add_row(r, "read", RS_PATH_COPY_OWN, RS_REASON_NONE, true);
	rs_hist_add(h, 5 * US);
	judged(r, "pin count == 102", RS_PASS, "102", NULL);
	judged(r, "pin[path=gup] count == 100", RS_PASS, "100", NULL);
	judged(r, "pin[reason=window] max == 3us", RS_PASS, "3us", NULL);
	judged(r, "pin[in-window] count == 2", RS_PASS, "2", NULL);
	judged(r, "pin[outside-window] count == 100", RS_PASS, "100", NULL);
	judged(r, "request[in-window] count == 3", RS_PASS, "3", NULL);
	judged(r, "request count == 103", RS_PASS, "103", NULL);
	judged(r, "read[path=gup] max <= 1s", RS_UNKNOWN, NULL,
	       "Nothing to measure: no such request was seen.");
	judged(r, "read[path=refused,in-window] count == 0", RS_PASS, "0", NULL);
	rs_result_free(r);
}

#define LOST "the recording has a loss: 5 records that found no room."

static void lost_records(void **state)
{
	struct rs_result *r = result_new();
	struct rs_hist *h = add_row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false);

	(void)state;
	for (int i = 0; i < 1000; i++)
		rs_hist_add(h, i < 980 ? 10 * US : 900 * US);
	add_loss(r, 5, 500 * MS, 501 * MS);

	/* Upper bounds: what passed is open, what was violated remains so. */
	judged(r, "pin max <= 1ms", RS_UNKNOWN, "900us",
	       "It holds for what was recorded, but " LOST);
	judged(r, "pin max <= 100us", RS_VIOLATED, "900us", "max is 900us, not <= 100us.");
	judged(r, "pin count <= 2000", RS_PASS, "1000", NULL);
	judged(r, "pin count <= 1002", RS_UNKNOWN, "1000",
	       "It holds for what was recorded, but " LOST);
	judged(r, "pin count <= 10", RS_VIOLATED, "1000", "count is 1000, not <= 10.");
	/* Lower bounds: the other way about. */
	judged(r, "pin count >= 1", RS_PASS, "1000", NULL);
	judged(r, "pin count >= 1005", RS_UNKNOWN, "1000",
	       "It does not hold for what was recorded, but " LOST);
	judged(r, "pin count >= 1006", RS_VIOLATED, "1000", "count is 1000, not >= 1006.");
	judged(r, "pin count == 1000", RS_UNKNOWN, "1000",
	       "It holds for what was recorded, but " LOST);
	judged(r, "pin max >= 100us", RS_PASS, "900us", NULL);
	judged(r, "pin min <= 10us", RS_PASS, "10us", NULL);
	judged(r, "pin min >= 5us", RS_UNKNOWN, "10us",
	       "It holds for what was recorded, but " LOST);
	/* Five samples more cannot change these percentiles ... */
	judged(r, "pin p90 <= 20us", RS_PASS, "10.2us", NULL);
	judged(r, "pin p99 <= 20us", RS_VIOLATED, "900us", "p99 is 900us, not <= 20us.");
	/* ... but these they can. */
	judged(r, "pin p99.9 <= 1ms", RS_UNKNOWN, "900us",
	       "It holds for what was recorded, but " LOST);
	judged(r, "pin mean >= 1us", RS_PASS, "27.8us", NULL);
	judged(r, "pin mean <= 100us", RS_UNKNOWN, "27.8us",
	       "It holds for what was recorded, but " LOST);
	/* Nothing was seen at all: a lost record may have been it. */
	judged(r, "read count == 0", RS_UNKNOWN, "0", "It holds for what was recorded, but " LOST);
	rs_result_free(r);
}

/* A cut file: any number may be missing. */
static void unbounded_loss(void **state)
{
	struct rs_result *r = result_new();
	struct rs_hist *h = add_row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false);
	static const char *const cut =
		"It does not hold for what was recorded, but the recording is not complete: cut.";

	(void)state;
	for (int i = 0; i < 1000; i++)
		rs_hist_add(h, 10 * US);
	r->complete = false;
	r->incomplete_reason = strdup("cut");
	judged(r, "pin count >= 1000", RS_PASS, "1000", NULL);
	judged(r, "pin count >= 5000", RS_UNKNOWN, "1000", cut);
	judged(r, "pin count < 1000", RS_VIOLATED, "1000", "count is 1000, not < 1000.");
	judged(r, "pin max <= 1us", RS_VIOLATED, "10us", "max is 10us, not <= 1us.");
	judged(r, "pin p99 <= 1us", RS_UNKNOWN, "10us", cut);
	judged(r, "pin mean <= 1us", RS_UNKNOWN, "10us", cut);
	judged(r, "pin min <= 1us", RS_UNKNOWN, "10us", cut);
	judged(r, "pin min >= 20us", RS_VIOLATED, "10us", "min is 10us, not >= 20us.");
	judged(r, "pin total >= 10ms", RS_PASS, "10ms", NULL);
	rs_result_free(r);
}

/* A loss inside a window can have hidden its end; one outside leaves its length alone. */
static void loss_and_windows(void **state)
{
	struct rs_result *r = result_new();

	(void)state;
	add_window(r, 100 * MS, 200 * MS);
	add_loss(r, 5, 300 * MS, 301 * MS);
	judged(r, "window max <= 10ms", RS_VIOLATED, "100ms", "max is 100ms, not <= 10ms.");
	add_loss(r, 2, 50 * MS, 51 * MS);
	judged(r, "window max <= 10ms", RS_VIOLATED, "100ms", "max is 100ms, not <= 10ms.");
	add_loss(r, 1, 150 * MS, 151 * MS);
	judged(r, "window max <= 10ms", RS_UNKNOWN, "100ms",
	       "It does not hold for what was recorded, but the recording has losses: "
	       "records that found no room, and more.");
	r->nr_losses = 0;
	add_loss(r, 0, 0, 0);
	judged(r, "window max >= 10ms", RS_UNKNOWN, "100ms",
	       "It holds for what was recorded, but the recording has losses: "
	       "records that found no room.");
	rs_result_free(r);
}

static void missing_hook(void **state)
{
	struct rs_result *r = result_new();

	(void)state;
	r->hook = calloc(2, sizeof(*r->hook));
	assert_non_null(r->hook);
	r->nr_hooks = 2;
	r->hook[0].function = strdup("vfio_iommu_type1_ioctl");
	r->hook[0].mechanism = strdup("fentry");
	r->hook[1].function = strdup("vfio_dma_rw");
	judged(r, "pin count == 0", RS_PASS, "0", NULL);
	judged(r, "window count == 0", RS_PASS, "0", NULL);
	judged(r, "read count == 0", RS_UNKNOWN, "0",
	       "It holds for what was recorded, but vfio_dma_rw could not be traced.");
	judged(r, "request count == 0", RS_UNKNOWN, "0",
	       "It holds for what was recorded, but vfio_dma_rw could not be traced.");
	rs_result_free(r);
}

static void several_clauses(void **state)
{
	struct rs_budget *b = parse_ok("window count == 0\n# more\nupdate count == 0\n");
	struct rs_result *r = result_new();

	(void)state;
	assert_int_equal(rs_budget_judge(b, r), 0);
	assert_int_equal(rs_budget_judge(b, r), 0);
	assert_int_equal(r->nr_budgets, 4);
	assert_string_equal(r->budget[1].where, "b:3");
	assert_string_equal(r->budget[3].text, "update count == 0");
	rs_budget_free(b);
	rs_result_free(r);
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
		cmocka_unit_test(grammar),	  cmocka_unit_test(needed_samples),
		cmocka_unit_test(messages),	  cmocka_unit_test(windows),
		cmocka_unit_test(open_window),	  cmocka_unit_test(updates),
		cmocka_unit_test(requests),	  cmocka_unit_test(lost_records),
		cmocka_unit_test(unbounded_loss), cmocka_unit_test(loss_and_windows),
		cmocka_unit_test(missing_hook),	  cmocka_unit_test(several_clauses),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
