// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path `waited`: kernels from 5.12 to the fixes of 2023 let a request wait in a window until the vaddr
 * is valid again. None of the lab's does that any more, so that what such a kernel would have recorded
 * is played here, from its source: vfio_find_dma_valid() and vfio_wait() of Linux 5.12's
 * drivers/vfio/vfio_iommu_type1.c.
 */
#include <errno.h>
#include "judge.h"

#define WORKER 300

/* The only row of that kind. */
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

static void expect_row(const struct rs_result *r, const char *op, enum rs_path path,
		       enum rs_reason reason, __u64 requests, __u64 pages, __u64 wait)
{
	const struct rs_request_row *q = row(r, op, path, reason, true);

	assert_int_equal(q->requests, requests);
	assert_int_equal(q->pages, pages);
	assert_int_equal(q->latency[RS_LAT_TOTAL].count, requests);
	assert_int_equal(q->latency[RS_LAT_WAIT].sum, wait);
	assert_int_equal(q->latency[RS_LAT_WAIT].sum + q->latency[RS_LAT_WORK].sum,
			 q->latency[RS_LAT_TOTAL].sum);
}

/* A request that has begun in the window, and waits until the remap of its range. */
static void enter(struct synth *s, __u64 c, struct rs_op *op)
{
	synth_enter(s, c);
	*op = s->entered;
	s->entered = (struct rs_op){ 0 };
}

static void leave(struct synth *s, const struct rs_op *op, __u32 wait_pages)
{
	s->entered = *op;
	s->twist.waits = 1;
	s->twist.wait_pages = wait_pages;
	s->twist.wait_ns = s->now - op->start_ns;
}

/* Four that wait at once, in one window, each in its own way; the remap ends it for all. */
static void until_the_remap(void **state)
{
	struct rs_op pin, mixed, own, worker;
	__u64 waited[4];
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_pin(s, c, 0, 4, 0);
	synth_invalidate_all(s, c);
	enter(s, c, &pin);
	enter(s, c, &mixed);
	enter(s, c, &own);
	enter(s, c, &worker);
	synth_wait(s, 3 * MS);
	synth_exec(s);
	remap_both(s, c);

	leave(s, &pin, 8);
	waited[0] = s->twist.wait_ns;
	synth_pin(s, c, 16 * PAGE, 8, 0);
	/* Four of its pages were pinned already: these it did not wait for. */
	leave(s, &mixed, 12);
	waited[1] = s->twist.wait_ns;
	synth_pin(s, c, 0, 16, 4);
	leave(s, &own, 0);
	waited[2] = s->twist.wait_ns;
	synth_rw(s, c, 0, 5000, false);
	synth_as(s, WORKER);
	leave(s, &worker, 0);
	waited[3] = s->twist.wait_ns;
	s->twist.kthread = true;
	synth_rw(s, c, 4 * MIB, 100, true);
	synth_as(s, QEMU);
	/* And after it, one that need not. */
	synth_pin(s, c, 32 * PAGE, 2, 0);
	synth_stats(s);
	r = judged(s, "");

	expect_row(r, "pin", RS_PATH_WAITED, RS_REASON_NONE, 2, 20, waited[0] + waited[1]);
	expect_row(r, "read", RS_PATH_WAITED, RS_REASON_NONE, 1, 2, waited[2]);
	expect_row(r, "write", RS_PATH_WAITED, RS_REASON_NONE, 1, 1, waited[3]);
	/* The part that was cached is counted there, without a time of its own. */
	assert_int_equal(row(r, "pin", RS_PATH_CACHED, RS_REASON_NONE, true)->pages, 4);
	assert_int_equal(row(r, "pin", RS_PATH_CACHED, RS_REASON_NONE, true)->latency->count, 0);
	assert_int_equal(row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false)->requests, 2);
	assert_int_equal(row(r, "pin", RS_PATH_GUP, RS_REASON_NONE, false)->pages, 6);
	/* Nothing else was asked: 2 maps, an invalidation, 2 remaps. */
	assert_int_equal(r->nr_requests, 8);
	assert_int_equal(r->nr_failures, 0);
	assert_int_equal(r->window[0].requests, 0);
	assert_int_equal(r->window[0].translations, 0);
	/* The slowest is the one that waited longest. */
	assert_int_equal(r->slow[0].path, RS_PATH_WAITED);
	assert_true(r->slow[0].wait_len >= 3 * MS);
	assert_true(r->slow[0].len > r->slow[0].wait_len);
	rs_result_free(r);
}

/* One range of two is valid again, which ends the wait of who asked for that one only. */
static void until_its_own_remap(void **state)
{
	struct rs_op low, high;
	struct rs_result *r;
	struct synth *s;
	__u64 c, waited;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	enter(s, c, &low);
	enter(s, c, &high);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	leave(s, &low, 1);
	waited = s->twist.wait_ns;
	synth_pin(s, c, 0, 1, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	leave(s, &high, 2);
	waited += s->twist.wait_ns;
	synth_pin(s, c, 4 * MIB, 2, 0);
	r = judged(s, "");
	expect_row(r, "pin", RS_PATH_WAITED, RS_REASON_NONE, 2, 3, waited);
	/* While the other range was invalid, the container's window was open. */
	assert_int_equal(r->window[0].requests, 1);
	assert_int_equal(r->window[0].translations, 0);
	rs_result_free(r);
}

/* A fatal signal, or the end of the container, breaks the wait: -EFAULT, and nothing was looked up. */
static void broken(void **state)
{
	struct rs_op pin, own, worker, fault;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	enter(s, c, &pin);
	enter(s, c, &own);
	enter(s, c, &worker);
	enter(s, c, &fault);
	synth_wait(s, MS);
	leave(s, &pin, 0);
	s->twist.ret = -EFAULT;
	synth_pin(s, c, 0, 4, 4);
	leave(s, &own, 0);
	s->twist.ret = -EFAULT;
	synth_rw(s, c, 0, 100, false);
	leave(s, &worker, 0);
	s->twist.ret = -EFAULT;
	s->twist.kthread = true;
	synth_rw(s, c, 0, 100, true);
	remap_both(s, c);
	/* It waited in vain, too, but for another reason: there was no memory at the new vaddr. */
	leave(s, &fault, 0);
	s->twist.ret = -EFAULT;
	synth_pin(s, c, 0, 1, 0);
	((struct rs_ev_request *)synth_event(s, RS_EV_REQUEST, 3))->gup_err = -EFAULT;
	r = judged(s, "");
	assert_int_equal(row(r, "pin", RS_PATH_REFUSED, RS_REASON_WAIT_BROKEN, true)->requests, 1);
	assert_int_equal(row(r, "read", RS_PATH_REFUSED, RS_REASON_WAIT_BROKEN, true)->requests, 1);
	assert_int_equal(row(r, "write", RS_PATH_REFUSED, RS_REASON_WAIT_BROKEN, true)->requests,
			 1);
	assert_int_equal(row(r, "pin", RS_PATH_REFUSED, RS_REASON_FAULT, true)->requests, 1);
	assert_int_equal(row(r, "pin", RS_PATH_REFUSED, RS_REASON_WAIT_BROKEN, true)->pages, 0);
	assert_int_equal(r->nr_requests, 7);
	assert_int_equal(r->nr_failures, 3);
	assert_int_equal(r->window[0].requests, 3);
	rs_result_free(r);
}

/* The remap wakes it; its own record comes before the remap's. @valid: the range was, when it returned */
static struct synth *woken(bool valid)
{
	struct rs_op op;
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	enter(s, c, &op);
	synth_wait(s, 3 * MS);
	leave(s, &op, 4);
	synth_pin(s, c, 0, 4, 0);
	if (!valid)
		((struct rs_ev_request *)synth_event(s, RS_EV_REQUEST, 0))->range_flags =
			RS_RANGEF_INVALID;
	remap_both(s, c);
	return s;
}

static void before_its_remap(void **state)
{
	struct rs_result *r;
	struct synth *s = woken(true);

	(void)state;
	r = judged(s, "");
	expect_row(r, "pin", RS_PATH_WAITED, RS_REASON_NONE, 1, 4,
		   row(r, "pin", RS_PATH_WAITED, RS_REASON_NONE, true)->latency[RS_LAT_WAIT].sum);
	rs_result_free(r);
	/* A kernel that does not wait until it may. */
	s = woken(false);
	expect_judged(s, "no-gup-in-window=violated");
}

static void given_up(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_pin(s, c, 0, 1, 0);
	synth_invalidate_all(s, c);
	synth_wait_given_up(s, c, 4 * PAGE, 2, 500 * MS);
	remap_both(s, c);
	r = judged(s, "");
	assert_int_equal(row(r, "pin", RS_PATH_REFUSED, RS_REASON_WAIT_TIMEOUT, true)->requests, 1);
	rs_result_free(r);
}

/* Two at once; one that has returned starts nobody's clock again. */
static void for_ever(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_pin(s, c, 0, 1, 0);
	synth_invalidate_all(s, c);
	synth_waits(s, c, 8 * PAGE, 1);
	s->entered = (struct rs_op){ 0 };
	synth_wait_given_up(s, c, 4 * PAGE, 2, 20 * SEC);
	synth_wait_given_up(s, c, 4 * PAGE, 2, 20 * SEC);
	remap_both(s, c);
	r = judged(s, "wait-bounded=violated");
	f = expect_finding(
		r, "wait-bounded",
		"c1 d1 pin of 0x1000 bytes at iova 0x8000 waits for a vaddr for more than 30 s");
	assert_int_equal(f->event[0]->type, RS_EV_WAIT);
	assert_int_equal(f->at_ns, f->event[0]->ts + RS_WAIT_LIMIT_NS);
	rs_result_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_its_remap),
		cmocka_unit_test(given_up),
		cmocka_unit_test(for_ever),
		cmocka_unit_test(until_the_remap),
		cmocka_unit_test(until_its_own_remap),
		cmocka_unit_test(broken),
	};

	return cmocka_run_group_tests_name("requests that wait for a vaddr", tests, NULL, NULL);
}
