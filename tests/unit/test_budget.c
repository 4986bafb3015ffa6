// SPDX-License-Identifier: GPL-2.0-only
/* Budgets: how clauses are judged, with and without losses. */
#include "budget_fixture.h"

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
	judged(r, "window p50 <= 10ms", RS_PASS, "10ms", NULL);
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
	judged(r, "window p50 <= 1ms", RS_PASS, "1ms", NULL);
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

/* What was lost are maps, or pins, or what processes did: of the others all is known. */
static void lost_of_another_kind(void **state)
{
	struct rs_result *r = result_new();
	struct rs_hist *pin = add_row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false);
	struct rs_hist *map = add_row(r, "map", RS_PATH_GUP, RS_REASON_NONE, false);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		rs_hist_add(pin, 10 * US);
		rs_hist_add(map, 10 * US);
	}
	add_loss_of(r, 1U << RS_EV_REQUEST, 5, 500 * MS, 501 * MS);
	judged(r, "map max <= 1ms", RS_PASS, "10us", NULL);
	judged(r, "map count == 1000", RS_PASS, "1000", NULL);
	judged(r, "window count == 0", RS_PASS, "0", NULL);
	judged(r, "pin max <= 1ms", RS_UNKNOWN, "10us",
	       "It holds for what was recorded, but " LOST);
	forget_losses(r);
	add_loss_of(r, 1U << RS_EV_MAP, 5, 500 * MS, 501 * MS);
	judged(r, "pin max <= 1ms", RS_PASS, "10us", NULL);
	judged(r, "map max <= 1ms", RS_UNKNOWN, "10us",
	       "It holds for what was recorded, but " LOST);
	forget_losses(r);
	add_loss_of(r, 1U << RS_EV_EXEC, 5, 500 * MS, 501 * MS);
	judged(r, "pin count == 1000", RS_PASS, "1000", NULL);
	judged(r, "map count == 1000", RS_PASS, "1000", NULL);
	judged(r, "update count == 0", RS_UNKNOWN, "0",
	       "It holds for what was recorded, but " LOST);
	rs_result_free(r);
}

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
	forget_losses(r);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows),
		cmocka_unit_test(open_window),
		cmocka_unit_test(updates),
		cmocka_unit_test(requests),
		cmocka_unit_test(lost_of_another_kind),
		cmocka_unit_test(lost_records),
		cmocka_unit_test(unbounded_loss),
		cmocka_unit_test(loss_and_windows),
		cmocka_unit_test(missing_hook),
		cmocka_unit_test(several_clauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
