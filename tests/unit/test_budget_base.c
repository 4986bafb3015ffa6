// SPDX-License-Identifier: GPL-2.0-only
/* Budgets: blackouts, phases, ranges, devices, parts, rates, and clauses against a base recording. */
#include "budget_fixture.h"

static struct rs_update_view *add_update(struct rs_result *r, __u64 start, __u64 end)
{
	struct rs_update_view *u;

	r->update = realloc(r->update, (r->nr_updates + 1) * sizeof(*r->update));
	assert_non_null(r->update);
	u = &r->update[r->nr_updates++];
	*u = (struct rs_update_view){ .id = r->nr_updates, .start_ns = start, .end_ns = end };
	return u;
}

static void set_blackout(struct rs_update_view *u, __u64 len)
{
	u->blackout_len = len;
	u->blackout_from = "windows";
}

static void blackout(void **state)
{
	struct rs_result *r = result_new();

	(void)state;
	judged(r, "blackout max <= 1s", RS_UNKNOWN, NULL,
	       "Nothing to measure: no update was seen.");
	set_blackout(add_update(r, 10 * MS, 60 * MS), 40 * MS);
	judged(r, "blackout max <= 40ms", RS_PASS, "40ms", NULL);
	judged(r, "update max <= 40ms", RS_VIOLATED, "50ms", "max is 50ms, not <= 40ms.");
	/* It ended, but nothing got its vaddr back: that is no end of a blackout. */
	add_update(r, 100 * MS, 120 * MS);
	judged(r, "blackout max <= 1s", RS_UNKNOWN, "40ms",
	       "It holds so far, but an update gave no range its vaddr back.");
	judged(r, "blackout max <= 39ms", RS_VIOLATED, "40ms", "max is 40ms, not <= 39ms.");
	judged(r, "blackout min <= 20ms", RS_UNKNOWN, "20ms",
	       "It holds so far, but an update gave no range its vaddr back.");
	judged(r, "blackout min >= 20ms", RS_PASS, "20ms", NULL);
	judged(r, "blackout count == 2", RS_PASS, "2", NULL);
	rs_result_free(r);
}

static void add_phase(struct rs_update_view *u, const char *name, __u64 start, __u64 len)
{
	u->phase[u->nr_phases++] = (struct rs_phase){ .name = name, .start_ns = start, .len = len };
}

static void phases(void **state)
{
	struct rs_result *r = result_new();
	struct rs_update_view *u;

	(void)state;
	u = add_update(r, 10 * MS, 60 * MS);
	add_phase(u, "invalidate", 10 * MS, 10 * MS);
	add_phase(u, "remap", 20 * MS, 40 * MS);
	judged(r, "phase[name=remap] max <= 40ms", RS_PASS, "40ms", NULL);
	judged(r, "phase[name=invalidate] max < 10ms", RS_VIOLATED, "10ms",
	       "max is 10ms, not < 10ms.");
	judged(r, "phase[name=exec] max <= 1s", RS_UNKNOWN, NULL,
	       "Nothing to measure: no update had such a phase.");
	judged(r, "phase[name=exec] count == 0", RS_PASS, "0", NULL);
	/* The remaps of an update that goes on are still to come. */
	add_phase(add_update(r, 900 * MS, 0), "invalidate", 900 * MS, 5 * MS);
	judged(r, "phase[name=remap] max <= 50ms", RS_UNKNOWN, "40ms",
	       "It holds so far, but an update had not ended with the recording.");
	judged(r, "phase[name=remap] max <= 30ms", RS_VIOLATED, "40ms",
	       "max is 40ms, not <= 30ms.");
	/* What was lost anywhere in an update may have moved its phases. */
	r->nr_updates = 1;
	add_loss(r, 1, 11 * MS, 12 * MS);
	judged(r, "phase[name=remap] max <= 30ms", RS_UNKNOWN, "40ms",
	       "It does not hold for what was recorded, but the recording has a loss: "
	       "1 records that found no room.");
	rs_result_free(r);
}

/* Every phase that an update can get can be asked for. */
static void phase_names(void **state)
{
	struct synth *s = synth_new();
	struct rs_result *r;
	__u64 c;

	(void)state;
	synth_as(s, 100);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, 42, 0);
	synth_wait(s, MS);
	synth_invalidate_all(s, c);
	synth_wait(s, 20 * MS);
	synth_exec(s);
	synth_wait(s, 30 * MS);
	synth_remap(s, c, 0, 2 * MIB, 42, 0);
	synth_wait(s, 10 * MS);
	r = synth_result(s);
	assert_int_equal(r->nr_updates, 1);
	assert_true(r->update[0].nr_phases >= 3);
	for (size_t i = 0; i < r->update[0].nr_phases; i++) {
		char text[64];

		snprintf(text, sizeof(text), "phase[name=%s] count == 1",
			 r->update[0].phase[i].name);
		judged(r, text, RS_PASS, "1", NULL);
	}
	assert_string_equal(r->update[0].blackout_from, "windows");
	assert_int_equal(r->update[0].blackout_len, r->update[0].end_ns - r->update[0].start_ns);
	synth_free(s);
	rs_result_free(r);
}

/* Given up with its ranges invalid, an update has no end of its blackout. */
static void no_blackout(void **state)
{
	struct synth *s = synth_new();
	struct rs_result *r;
	__u64 c;

	(void)state;
	synth_as(s, 100);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, 42, 0);
	synth_invalidate_all(s, c);
	synth_wait(s, 20 * MS);
	synth_release(s, c);
	r = synth_result(s);
	assert_int_equal(r->nr_updates, 1);
	assert_int_not_equal(r->update[0].end_ns, 0);
	assert_null(r->update[0].blackout_from);
	assert_int_equal(r->update[0].blackout_len, 0);
	synth_free(s);
	rs_result_free(r);
}

static void ranges(void **state)
{
	struct rs_range_view range[3] = {
		{ .invalid_ns = 10 * MS, .valid_ns = 15 * MS, .state = RS_STATE_REMAPPED },
		{ .invalid_ns = 11 * MS, .valid_ns = 19 * MS, .state = RS_STATE_REMAPPED },
		{ .invalid_ns = 12 * MS, .valid_ns = 20 * MS, .state = RS_STATE_UNMAPPED },
	};
	struct rs_result *r = result_new();
	struct rs_window_view *w = add_window(r, 10 * MS, 20 * MS);

	(void)state;
	judged(r, "range max <= 1s", RS_UNKNOWN, NULL,
	       "Nothing to measure: no range lost its vaddr.");
	w->range = range;
	w->nr_ranges = 3;
	judged(r, "range count == 3", RS_PASS, "3", NULL);
	judged(r, "range min == 5ms", RS_PASS, "5ms", NULL);
	judged(r, "range p50 == 8ms", RS_PASS, "8ms", NULL);
	judged(r, "range mean == 7ms", RS_PASS, "7ms", NULL);
	range[1].valid_ns = 0;
	judged(r, "range max <= 2s", RS_UNKNOWN, "989ms",
	       "It holds so far, but a range had not got its vaddr back.");
	w->range = NULL;
	w->nr_ranges = 0;
	rs_result_free(r);
}

static struct rs_hist *add_device_row(struct rs_result *r, const char *name, const char *op)
{
	struct rs_device_view *d;

	r->device = realloc(r->device, (r->nr_devices + 1) * sizeof(*r->device));
	assert_non_null(r->device);
	d = &r->device[r->nr_devices++];
	*d = (struct rs_device_view){ .id = r->nr_devices, .nr_requests = 1 };
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->request = calloc(1, sizeof(*d->request));
	assert_non_null(d->request);
	*d->request = (struct rs_request_row){ .op = op, .path = RS_PATH_GUP };
	d->request->latency = calloc(RS_LAT_NR, sizeof(*d->request->latency));
	assert_non_null(d->request->latency);
	return d->request->latency;
}

static void devices(void **state)
{
	struct rs_result *r = result_new();

	(void)state;
	rs_hist_add(add_device_row(r, "0000:3b:00.0", "pin"), 5 * US);
	rs_hist_add(add_device_row(r, "0000:3c:00.0", "pin"), 900 * US);
	judged(r, "pin[device=0000:3b:00.0] max <= 5us", RS_PASS, "5us", NULL);
	judged(r, "pin[device=3c:00.0] max <= 5us", RS_VIOLATED, "900us",
	       "max is 900us, not <= 5us.");
	judged(r, "request[device=\"0000:3b:00.0\"] count == 1", RS_PASS, "1", NULL);
	judged(r, "read[device=3b:00.0] count == 0", RS_PASS, "0", NULL);
	/* Nothing is proved of a device that is not there. */
	judged(r, "pin[device=3d:00.0] count == 0", RS_UNKNOWN, "0",
	       "It holds for what was recorded, but the recording has no device \"3d:00.0\" "
	       "that asked for anything.");
	judged(r, "pin[device=3d:00.0] max <= 1s", RS_UNKNOWN, NULL,
	       "Nothing to measure: no such request was seen, and the recording has no device "
	       "\"3d:00.0\" that asked for anything.");
	/* One without a name may be the one that is meant. */
	rs_hist_add(add_device_row(r, "", "pin"), 1000 * US);
	judged(r, "pin[device=3b:00.0] max <= 5us", RS_UNKNOWN, "5us",
	       "It holds for what was recorded, but the recording has a device whose name is not "
	       "known.");
	judged(r, "pin[device=3c:00.0] max <= 5us", RS_VIOLATED, "900us",
	       "max is 900us, not <= 5us.");
	rs_result_free(r);
}

static void parts(void **state)
{
	struct rs_result *r = result_new();
	struct rs_hist *h = add_row(r, "read", RS_PATH_COPY_OWN, RS_REASON_NONE, false);

	(void)state;
	rs_hist_add(&h[RS_LAT_TOTAL], 100 * US);
	rs_hist_add(&h[RS_LAT_WAIT], 0);
	rs_hist_add(&h[RS_LAT_WORK], 100 * US);
	judged(r, "read[part=wait] max <= 1us", RS_UNKNOWN, "0ns",
	       "It holds for what was recorded, but the recorder did not split times into waiting "
	       "and work.");
	rs_hist_add(&h[RS_LAT_TOTAL], 100 * US);
	rs_hist_add(&h[RS_LAT_WAIT], 90 * US);
	rs_hist_add(&h[RS_LAT_WORK], 10 * US);
	judged(r, "read[part=wait] max <= 1us", RS_VIOLATED, "90us", "max is 90us, not <= 1us.");
	judged(r, "read[part=work] min <= 10us", RS_PASS, "10us", NULL);
	judged(r, "request[direction=read, part=work] max == 100us", RS_PASS, "100us", NULL);
	judged(r, "request[direction=write] count == 0", RS_PASS, "0", NULL);
	rs_result_free(r);
}

static void rates(void **state)
{
	struct rs_result *r = result_new();
	struct rs_hist *out = add_row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false);
	struct rs_hist *in = add_row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, true);

	(void)state;
	r->first_ns = 1000 * MS;
	r->last_ns = 5000 * MS;
	for (int i = 0; i < 30; i++)
		rs_hist_add(out, US);
	for (int i = 0; i < 10; i++)
		rs_hist_add(in, US);
	judged(r, "pin rate <= 10/s", RS_PASS, "10/s", NULL);
	judged(r, "pin rate < 10/s", RS_VIOLATED, "10/s", "rate is 10/s, not < 10/s.");
	judged(r, "pin[in-window] rate <= 1/s", RS_UNKNOWN, "0/s",
	       "It holds for what was recorded, but there was no time to count in.");
	/* Two containers' windows, half of each at the same time. */
	add_window(r, 2000 * MS, 3000 * MS);
	add_window(r, 2500 * MS, 3500 * MS);
	judged(r, "pin[in-window] rate == 5/s", RS_PASS, "5/s", NULL);
	judged(r, "pin[outside-window] rate == 12/s", RS_PASS, "12/s", NULL);
	judged(r, "window rate <= 0.5/s", RS_PASS, "0.5/s", NULL);
	judged(r, "window rate <= 0.499999/s", RS_VIOLATED, "0.5/s",
	       "rate is 0.5/s, not <= 0.499999/s.");
	/* A third of a request in a second is no whole number of anything: both bounds hold. */
	r->last_ns = 1000 * MS + 6000 * MS;
	judged(r, "window rate <= 0.333334/s", RS_PASS, "0.333333/s", NULL);
	judged(r, "window rate >= 0.333333/s", RS_PASS, "0.333333/s", NULL);
	judged(r, "window rate <= 0.333333/s", RS_UNKNOWN, "0.333333/s",
	       "Too close to tell: rate is between 0.333333/s and 0.333334/s, the limit "
	       "0.333333/s.");
	r->last_ns = 5000 * MS;
	add_loss(r, 4, 2100 * MS, 2200 * MS);
	judged(r, "pin rate <= 11/s", RS_PASS, "10/s", NULL);
	judged(r, "pin rate <= 10.5/s", RS_UNKNOWN, "10/s",
	       "It holds for what was recorded, but the recording has a loss: "
	       "4 records that found no room.");
	judged(r, "pin rate <= 9/s", RS_VIOLATED, "10/s", "rate is 10/s, not <= 9/s.");
	judged(r, "pin[in-window] rate <= 100/s", RS_UNKNOWN, "5/s",
	       "It holds for what was recorded, but the recording has a loss: "
	       "4 records that found no room.");
	rs_result_free(r);
}

/* A percentile of a histogram is only known to be in a bucket: near the limit nobody can tell. */
static void buckets(void **state)
{
	struct rs_result *r = result_new();
	struct rs_hist *h = add_row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false);

	(void)state;
	for (int i = 0; i < 200; i++)
		rs_hist_add(h, i % 2 ? 1100 : 1030);
	rs_hist_add(h, 1);
	rs_hist_add(h, 5000);
	/* 1030 and 1087 share the bucket from 1024 to 1087. */
	judged(r, "pin p40 <= 1087ns", RS_PASS, "1.09us", NULL);
	judged(r, "pin p40 <= 1023ns", RS_VIOLATED, "1.09us", "p40 is 1.09us, not <= 1.023us.");
	judged(r, "pin p40 <= 1050ns", RS_UNKNOWN, "1.09us",
	       "Too close to tell: p40 is between 1.02us and 1.09us, the limit 1.05us.");
	judged(r, "pin p40 >= 1050ns", RS_UNKNOWN, "1.09us",
	       "Too close to tell: p40 is between 1.02us and 1.09us, the limit 1.05us.");
	judged(r, "pin p40 >= 1024ns", RS_PASS, "1.09us", NULL);
	/* The kernel's buckets are twice as wide: from 1024 to 1151. */
	h->coarse = true;
	judged(r, "pin p80 >= 1088ns", RS_UNKNOWN, "1.15us",
	       "Too close to tell: p80 is between 1.02us and 1.15us, the limit 1.088us.");
	rs_result_free(r);
}

static void against_base(void **state)
{
	struct rs_result *r = result_new(), *base = result_new();
	struct rs_hist *h = add_row(r, "pin", RS_PATH_CACHED, RS_REASON_NONE, false);
	struct rs_hist *b = add_row(base, "pin", RS_PATH_CACHED, RS_REASON_NONE, false);
	struct rs_budget_view *v;

	(void)state;
	for (int i = 0; i < 9; i++) {
		rs_hist_add(h, 12 * US);
		rs_hist_add(b, 10 * US);
	}
	/* All the same, so that the minimum and the maximum leave the bucket no room. */
	v = judged_with(r, base, "pin[path=cached] p50 <= 1.2x base", RS_PASS, "12us", NULL);
	assert_string_equal(v->base, "10us");
	assert_int_equal(v->base_samples, 9);
	assert_null(v->note);
	judged_with(r, base, "pin[path=cached] p50 <= 1.19x base", RS_VIOLATED, "12us",
		    "p50 is 12us, not <= 1.19x base (11.9us).");
	judged_with(r, base, "pin max < 1.2x base", RS_VIOLATED, "12us",
		    "max is 12us, not < 1.2x base (12us).");
	judged_with(r, base, "pin max == 1.2x base", RS_PASS, "12us", NULL);
	judged_with(r, base, "pin mean >= 1.2x base", RS_PASS, "12us", NULL);
	judged_with(r, base, "pin count <= 1x base", RS_PASS, "9", NULL);
	judged_with(r, base, "pin count < 1x base", RS_VIOLATED, "9",
		    "count is 9, not < 1x base (9).");
	judged_with(r, base, "pin rate <= 0.5x base", RS_VIOLATED, "9/s",
		    "rate is 9/s, not <= 0.5x base (4.5/s).");

	/* The buckets' width counts against whoever would gain from it, on both sides. */
	rs_hist_add(h, 11 * US);
	rs_hist_add(h, 14 * US);
	rs_hist_add(b, 9 * US);
	rs_hist_add(b, 14 * US);
	judged_with(r, base, "pin p50 <= 1.3x base", RS_PASS, "12.3us", NULL);
	judged_with(r, base, "pin p50 <= 1.2x base", RS_UNKNOWN, "12.3us",
		    "Too close to tell: p50 is between 11.8us and 12.3us, the limit between "
		    "11.7us and 12.3us.");
	judged_with(r, base, "pin p50 <= 1.1x base", RS_VIOLATED, "12.3us",
		    "p50 is 12.3us, not <= 1.1x base (11.263us).");
	rs_result_free(r);
	rs_result_free(base);
}

static void base_unknown(void **state)
{
	struct rs_result *r = result_new(), *base = result_new();
	struct rs_hist *h = add_row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false);
	struct rs_hist *b = add_row(base, "pin", RS_PATH_GUP, RS_REASON_NONE, false);
	struct rs_budget_view *v;

	(void)state;
	for (int i = 0; i < 100; i++)
		rs_hist_add(h, 10 * US);
	v = judged_with(r, base, "pin max <= 2x base", RS_UNKNOWN, "10us",
			"Nothing to measure in the base recording: no such request was seen.");
	assert_string_equal(v->base, "nothing");
	judged_with(r, base, "pin count <= 2x base", RS_VIOLATED, "100",
		    "count is 100, not <= 2x base (0).");
	for (int i = 0; i < 20; i++)
		rs_hist_add(b, 10 * US);
	judged_with(r, base, "pin p99 <= 2x base", RS_UNKNOWN, "10us",
		    "20 samples in the base recording, and p99 needs 100.");
	judged_with(r, base, "pin p95 <= 2x base", RS_PASS, "10us", NULL);
	judged_with(r, NULL, "pin p95 <= 2x base", RS_UNKNOWN, "10us",
		    "Nothing to measure in the base recording: no such request was seen, and no "
		    "base recording was given.");

	/* What the base lost could have been short or long: only one direction stays. */
	add_loss(base, 5, 500 * MS, 501 * MS);
	judged_with(r, base, "pin max <= 2x base", RS_PASS, "10us", NULL);
	judged_with(r, base, "pin max <= 0.5x base", RS_UNKNOWN, "10us",
		    "It does not hold for what was recorded, but of the base: the recording has a "
		    "loss: 5 records that found no room.");
	judged_with(r, base, "pin min <= 2x base", RS_UNKNOWN, "10us",
		    "It holds for what was recorded, but of the base: the recording has a loss: "
		    "5 records that found no room.");
	judged_with(r, base, "pin p50 <= 2x base", RS_PASS, "10us", NULL);

	base->mode = RS_MODE_ARMED;
	base->kernel = strdup("6.1");
	r->kernel = strdup("6.12");
	r->verify = RS_VERIFY_ALL;
	v = judged_with(r, base, "pin p50 <= 2x base", RS_PASS, "10us", NULL);
	assert_string_equal(v->note,
			    "The base was recorded otherwise: Linux 6.1, not 6.12, mode armed, "
			    "not all, verify none, not all.");
	v = judged_with(r, base, "pin p50 <= 2s", RS_PASS, "10us", NULL);
	assert_null(v->note);
	assert_null(v->base);
	rs_result_free(r);
	rs_result_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blackout),	cmocka_unit_test(phases),
		cmocka_unit_test(phase_names),	cmocka_unit_test(no_blackout),
		cmocka_unit_test(ranges),	cmocka_unit_test(devices),
		cmocka_unit_test(parts),	cmocka_unit_test(rates),
		cmocka_unit_test(buckets),	cmocka_unit_test(against_base),
		cmocka_unit_test(base_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
