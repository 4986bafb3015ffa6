// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel counted: taken for what was asked when armed, compared with what was recorded else. */
#include <errno.h>
#include "judge.h"

#define EDU 0xffff888200000000ULL

static struct synth *armed(__u64 *c)
{
	struct synth *s = synth_new();

	s->mode = RS_MODE_ARMED;
	synth_as(s, QEMU);
	*c = synth_open(s);
	return s;
}

static struct rs_ev_stats stat_of(__u64 device, __u32 request, __u32 path, __u32 latency)
{
	return (struct rs_ev_stats){
		.key = { .device = device, .request = request, .path = path },
		.requests = 7,
		.pages = 70,
		.latency = latency,
	};
}

static const struct rs_loss_view *uncounted(const struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_losses; i++)
		if (!strcmp(r->loss[i].what, "requests that were counted but not recorded"))
			return &r->loss[i];
	return NULL;
}

/* The last record of a key and latency counts; devices add up; nothing of the numbers is rounded. */
static void rows(void **state)
{
	/* 8 linear buckets per power of two: 100 to 103 ns and 960 to 1023 ns. */
	static const struct rs_stat_bucket early[] = { { 0, 3 } },
					   late[] = { { 36, 6 }, { 63, 1 } };
	struct rs_ev_stats x = stat_of(EDU, RS_REQ_PIN, RS_PATH_GUP, RS_LAT_TOTAL);
	const struct rs_request_row *row;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = armed(&c);
	synth_device(s, EDU, c, 5, "edu0");
	x.requests = x.count = 3;
	x.nr = 1;
	synth_stat(s, &x, early);
	x = stat_of(EDU, RS_REQ_PIN, RS_PATH_GUP, RS_LAT_TOTAL);
	x.count = 7;
	x.sum = 1600;
	x.min = 100;
	x.max = 1000;
	x.nr = 2;
	synth_stat(s, &x, late);
	x = stat_of(EDU, RS_REQ_PIN, RS_PATH_GUP, RS_LAT_WAIT);
	x.count = 7;
	x.sum = 7;
	x.min = x.max = 1;
	synth_stat(s, &x, NULL);
	x = stat_of(EDU + 1, RS_REQ_PIN, RS_PATH_GUP, RS_LAT_TOTAL);
	x.count = 1;
	x.sum = x.min = x.max = 2000;
	synth_stat(s, &x, NULL);
	r = judged(s, "");
	assert_int_equal(r->nr_requests, 1);
	row = &r->request[0];
	assert_string_equal(row->op, "pin");
	assert_int_equal(row->path, RS_PATH_GUP);
	assert_int_equal(row->requests, 14);
	assert_int_equal(row->pages, 140);
	assert_int_equal(row->latency[RS_LAT_TOTAL].count, 8);
	assert_int_equal(row->latency[RS_LAT_TOTAL].sum, 3600);
	assert_int_equal(row->latency[RS_LAT_TOTAL].max, 2000);
	assert_int_equal(r->nr_devices, 2);
	row = &r->device[0].request[0];
	assert_int_equal(row->requests, 7);
	assert_int_equal(row->latency[RS_LAT_TOTAL].count, 7);
	assert_int_equal(row->latency[RS_LAT_TOTAL].sum, 1600);
	assert_int_equal(row->latency[RS_LAT_TOTAL].min, 100);
	assert_int_equal(row->latency[RS_LAT_TOTAL].max, 1000);
	assert_int_equal(rs_hist_quantile(&row->latency[RS_LAT_TOTAL], 0.5), 103);
	assert_int_equal(rs_hist_quantile(&row->latency[RS_LAT_TOTAL], 1), 1000);
	assert_int_equal(row->latency[RS_LAT_WAIT].sum, 7);
	assert_int_equal(row->latency[RS_LAT_WORK].count, 0);
	assert_int_equal(r->device[0].pinned, 70);
	/* Of one that only the counts know, there is no more than that. */
	assert_int_equal(r->device[1].key, EDU + 1);
	assert_int_equal(r->device[1].container, 0);
	rs_result_free(r);
}

/* From a newer or a broken recorder: not understood, and said so. */
static void out_of_range(void **state)
{
	struct rs_ev_stats bad[] = {
		stat_of(EDU, RS_REQ_NR, RS_PATH_GUP, 0), stat_of(EDU, 0, RS_PATH_GUP, 0),
		stat_of(EDU, RS_REQ_PIN, RS_PATH_NR, 0), stat_of(EDU, RS_REQ_PIN, 0xffff, 0),
		stat_of(EDU, RS_REQ_PIN, 0, RS_LAT_NR),	 stat_of(EDU, RS_REQ_PIN, 0, 0),
	};
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	bad[5].key.reason = RS_REASON_NR;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s = armed(&c);
		synth_stat(s, &bad[i], NULL);
		r = synth_result(s);
		assert_int_equal(r->nr_requests, 0);
		assert_int_equal(r->nr_devices, 0);
		assert_int_equal(r->nr_losses, 1);
		assert_string_equal(r->loss[0].what,
				    "records of a kind that this version does not know");
		rs_result_free(r);
		synth_free(s);
	}
}

static struct synth *recorded(__u64 *c)
{
	struct synth *s = two_ranges(c);

	synth_pin(s, *c, 0, 8, 3);
	synth_pin(s, *c, 0, 4, 4);
	synth_unpin(s, *c, 0, 8);
	synth_unpin(s, *c, 0, 4);
	s->device = EDU;
	synth_rw(s, *c, 0, 100, true);
	synth_invalidate_all(s, *c);
	synth_rw(s, *c, 0, 100, true);
	synth_exec(s);
	remap_both(s, *c);
	synth_unmap(s, *c, 4 * MIB, MIB);
	synth_stats(s);
	return s;
}

static void counted_and_recorded(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = recorded(&c);
	r = judged(s, "");
	assert_int_equal(r->nr_losses, 0);
	rs_result_free(r);

	/* Of each kind one that the ring buffer never saw, and that left no hole either. */
	for (size_t i = 0; i < 6; i++) {
		const struct rs_loss_view *loss;

		s = recorded(&c);
		synth_erase(s, synth_find(s, RS_EV_REQUEST, i));
		r = synth_result(s);
		loss = uncounted(r);
		assert_non_null(loss);
		/* Also the first one, which took two paths. */
		assert_int_equal(loss->count, 1);
		assert_true(loss->any_cpu);
		/* At any time of the recording. */
		assert_int_equal(loss->from_ns, r->first_ns);
		assert_int_equal(loss->to_ns, r->last_ns);
		assert_int_equal(loss->nr_parts, 1);
		assert_int_equal(loss->part[0].types, 1U << RS_EV_REQUEST);
		assert_int_equal(r->verdict, RS_UNKNOWN);
		rs_result_free(r);
		synth_free(s);
	}
	s = recorded(&c);
	synth_erase(s, synth_find(s, RS_EV_UNMAP, 1));
	r = synth_result(s);
	assert_non_null(uncounted(r));
	rs_result_free(r);
	synth_free(s);

	/* Counted for one device, recorded for another. */
	s = recorded(&c);
	((struct rs_ev_request *)synth_event(s, RS_EV_REQUEST, 4))->device = EDU + 1;
	r = synth_result(s);
	assert_int_equal(uncounted(r)->count, 1);
	rs_result_free(r);
	synth_free(s);
}

/* What is known to be lost explains itself, in its own time; a cut recording lacks more anyway. */
static void loss_that_is_known(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = recorded(&c);
	synth_drop(s, synth_find(s, RS_EV_REQUEST, 2));
	r = synth_result(s);
	assert_null(uncounted(r));
	assert_int_equal(r->nr_losses, 1);
	rs_result_free(r);
	synth_erase(s, synth_find(s, RS_EV_REQUEST, 3));
	synth_erase(s, synth_find(s, RS_EV_REQUEST, 4));
	/* Three are missing, and one of them is accounted for. */
	r = synth_result(s);
	assert_int_equal(uncounted(r)->count, 2);
	rs_result_free(r);
	synth_free(s);

	s = recorded(&c);
	synth_erase(s, synth_find(s, RS_EV_REQUEST, 3));
	s->cut = "the file ends early";
	r = synth_result(s);
	assert_null(uncounted(r));
	rs_result_free(r);
	synth_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(out_of_range),
		cmocka_unit_test(counted_and_recorded),
		cmocka_unit_test(loss_that_is_known),
	};

	return cmocka_run_group_tests_name("the kernel's counts", tests, NULL, NULL);
}
