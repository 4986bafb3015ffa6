// SPDX-License-Identifier: GPL-2.0-only
/* Which path served a request, and how many of its pages took which. */
#include <errno.h>
#include "judge.h"

static const struct rs_request_row *row(const struct rs_result *r, const char *op,
					enum rs_path path, enum rs_reason reason, bool inside)
{
	for (size_t i = 0; i < r->nr_requests; i++) {
		const struct rs_request_row *q = &r->request[i];

		if (!strcmp(q->op, op) && q->path == path && q->reason == reason &&
		    q->in_window == inside)
			return q;
	}
	fail_msg("no row for %s %s %s %s the window", op, rs_path_name(path),
		 rs_reason_name(reason), inside ? "inside" : "outside");
	return NULL;
}

static void requests(void **state)
{
	const struct rs_request_row *q;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_pin(s, c, 0, 8, 0);
	synth_pin(s, c, 0, 8, 8);
	synth_pin(s, c, 0, 8, 3);
	synth_unpin(s, c, 0, 8);
	synth_rw(s, c, 0, 5000, true);
	synth_rw(s, c, 0, 5000, false);
	s->twist.ret = -EINVAL;
	synth_pin(s, c, 64 * MIB, 1, 1);
	synth_invalidate_all(s, c);
	synth_pin(s, c, 0, 8, 0);
	synth_rw(s, c, 0, 5000, true);
	remap_both(s, c);
	r = judged(s, "");
	q = row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false);
	/* Of the third pin's pages, five were looked up and three were pinned already. */
	assert_int_equal(q->requests, 2);
	assert_int_equal(q->latency->count, 2);
	assert_int_equal(q->pages, 13);
	q = row(r, "pin", RS_PATH_CACHED, RS_REASON_NONE, false);
	assert_int_equal(q->requests, 2);
	assert_int_equal(q->latency->count, 1);
	assert_int_equal(q->pages, 11);
	assert_int_equal(row(r, "unpin", RS_PATH_RELEASED, RS_REASON_NONE, false)->pages, 8);
	q = row(r, "write", RS_PATH_COPY_OWN, RS_REASON_NONE, false);
	assert_int_equal(q->latency->count, 1);
	assert_int_equal(q->pages, 2);
	row(r, "read", RS_PATH_COPY_OWN, RS_REASON_NONE, false);
	q = row(r, "pin", RS_PATH_REFUSED, RS_REASON_NO_MAPPING, false);
	assert_int_equal(q->pages, 0);
	row(r, "pin", RS_PATH_REFUSED, RS_REASON_WINDOW, true);
	row(r, "write", RS_PATH_REFUSED, RS_REASON_WINDOW, true);
	assert_int_equal(row(r, "map", RS_PATH_GUP, RS_REASON_NONE, false)->latency->count, 2);
	row(r, "invalidate", RS_PATH_NONE, RS_REASON_NONE, false);
	assert_int_equal(row(r, "remap", RS_PATH_NONE, RS_REASON_NONE, true)->latency->count, 2);
	assert_int_equal(r->nr_failures, 3);
	assert_string_equal(r->failure[0].call, "pin");
	assert_int_equal(r->failure[0].err, EINVAL);
	assert_false(r->failure[0].in_window);
	assert_int_equal(r->failure[1].err, EBUSY);
	assert_true(r->failure[1].in_window);
	assert_string_equal(r->failure[2].call, "write");
	assert_int_equal(r->nr_slow, 10);
	for (size_t i = 1; i < r->nr_slow; i++)
		assert_true(r->slow[i].len <= r->slow[i - 1].len);
	rs_result_free(r);
}

/* A BAR has no struct pages: type1 maps it, and refuses to pin it for a driver. */
static void memory_without_pages(void **state)
{
	struct rs_ev_request *rq;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	((struct rs_ev_map *)synth_event(s, RS_EV_MAP, 1))->work.pfnmap_pages = 256;
	s->twist.ret = -EINVAL;
	synth_pin(s, c, 4 * MIB, 1, 0);
	rq = (struct rs_ev_request *)synth_event(s, RS_EV_REQUEST, 0);
	rq->rflags |= RS_REQF_RANGE;
	rq->gup_pages = rq->pfnmap_pages = 1;
	synth_invalidate_all(s, c);
	remap_both(s, c);
	r = judged(s, "");
	assert_int_equal(row(r, "map", RS_PATH_GUP, RS_REASON_NONE, false)->pages, 512);
	assert_int_equal(row(r, "map", RS_PATH_PFNMAP, RS_REASON_NONE, false)->pages, 256);
	assert_int_equal(row(r, "pin", RS_PATH_REFUSED, RS_REASON_PFNMAP, false)->requests, 1);
	rs_result_free(r);
}

/* A kernel thread has no mm: the pages are looked up in the owner's, and copied through it. */
static void by_a_worker(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_pin(s, c, 0, 8, 3);
	((struct rs_event *)synth_event(s, RS_EV_REQUEST, 0))->mm = 0;
	synth_rw(s, c, 0, 5000, false);
	((struct rs_event *)synth_event(s, RS_EV_REQUEST, 1))->mm = 0;
	synth_invalidate_all(s, c);
	remap_both(s, c);
	r = judged(s, "");
	assert_int_equal(row(r, "pin", RS_PATH_GUP, RS_REASON_REMOTE_MM, false)->pages, 5);
	assert_int_equal(row(r, "pin", RS_PATH_CACHED, RS_REASON_NONE, false)->pages, 3);
	assert_int_equal(row(r, "read", RS_PATH_COPY_KTHREAD, RS_REASON_NONE, false)->pages, 2);
	rs_result_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(memory_without_pages),
		cmocka_unit_test(by_a_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
