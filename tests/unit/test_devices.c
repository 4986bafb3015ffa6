// SPDX-License-Identifier: GPL-2.0-only
/* Devices: what they asked for and what they have pinned; pin-balance, no-zero-pin, owner-mm. */
#include <errno.h>
#include "judge.h"

#define EDU 0xffff888200000000ULL
#define NIC 0xffff888200001000ULL

static const struct rs_device_view *device(const struct rs_result *r, __u64 key)
{
	for (size_t i = 0; i < r->nr_devices; i++)
		if (r->device[i].key == key)
			return &r->device[i];
	fail_msg("no device 0x%llx in the result", (unsigned long long)key);
	return NULL;
}

static void use(struct synth *s, __u64 key, __s32 group)
{
	s->device = key;
	s->group = group;
}

static struct synth *two_devices(__u64 *c)
{
	struct synth *s = two_ranges(c);

	synth_attach(s, *c);
	synth_device(s, EDU, *c, 5, "edu0");
	synth_device(s, NIC, *c, 7, "0000:00:05.0");
	use(s, EDU, 5);
	return s;
}

static void rows_by_device(void **state)
{
	const struct rs_device_view *d;
	const struct rs_ev_device *told;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_devices(&c);
	synth_pin(s, c, 0, 8, 3);
	synth_rw(s, c, 0, 100, true);
	use(s, NIC, 7);
	synth_pin(s, c, 0, 4, 0);
	synth_pin(s, c, 0, 4, 4);
	s->twist.ret = -EFAULT;
	synth_pin(s, c, 0, 4, 0);
	synth_unpin(s, c, 0, 4);
	/* One that nobody has introduced. */
	use(s, 0, 5);
	synth_pin(s, c, 0, 1, 0);
	r = synth_result(s);
	assert_int_equal(r->nr_devices, 3);
	told = synth_event(s, RS_EV_DEVICE, 0);
	d = device(r, EDU);
	assert_int_equal(d->id, 1);
	assert_string_equal(d->name, "edu0");
	assert_int_equal(d->group_id, 5);
	assert_int_equal(d->container, 1);
	assert_int_equal(d->since_ns, told->h.ts);
	assert_int_equal(d->pinned, 8);
	assert_int_equal(d->unpinned, 0);
	assert_int_equal(d->nr_requests, 3);
	d = device(r, NIC);
	assert_int_equal(d->id, 2);
	assert_int_equal(d->pinned, 8);
	assert_int_equal(d->unpinned, 4);
	/* cached, gup, refused; released */
	assert_int_equal(d->nr_requests, 4);
	assert_string_equal(d->request[0].op, "pin");
	assert_int_equal(d->request[0].path, RS_PATH_CACHED);
	assert_int_equal(d->request[0].requests, 1);
	assert_int_equal(d->request[0].pages, 4);
	assert_int_equal(d->request[0].latency[RS_LAT_TOTAL].count, 1);
	d = device(r, c + 0x300);
	assert_int_equal(d->id, 3);
	assert_string_equal(d->name, "");
	/* All of them together are what the request's own rows say. */
	for (size_t i = 0; i < r->nr_requests; i++) {
		const struct rs_request_row *sum = &r->request[i];
		__u64 requests = 0, pages = 0;

		if (!strcmp(sum->op, "map"))
			continue;
		for (size_t k = 0; k < r->nr_devices; k++)
			for (size_t n = 0; n < r->device[k].nr_requests; n++) {
				const struct rs_request_row *q = &r->device[k].request[n];

				if (strcmp(q->op, sum->op) || q->path != sum->path ||
				    q->reason != sum->reason)
					continue;
				requests += q->requests;
				pages += q->pages;
			}
		assert_int_equal(sum->requests, requests);
		assert_int_equal(sum->pages, pages);
	}
	rs_result_free(r);
	synth_free(s);
}

static void split_of_time(void **state)
{
	const struct rs_request_row *row = NULL;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_devices(&c);
	s->twist.wait_ns = 700;
	synth_pin(s, c, 0, 8, 0);
	synth_unpin(s, c, 0, 8);
	s->twist.wait_ns = 300;
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
	r = judged(s, "");
	for (size_t i = 0; i < r->nr_requests; i++)
		if (!strcmp(r->request[i].op, "pin"))
			row = &r->request[i];
	assert_non_null(row);
	assert_int_equal(row->latency[RS_LAT_WAIT].sum, 700);
	assert_int_equal(row->latency[RS_LAT_WORK].sum, row->latency[RS_LAT_TOTAL].sum - 700);
	for (size_t i = 0; i < r->nr_slow; i++) {
		const struct rs_slow *slow = &r->slow[i];
		bool map = !strcmp(slow->op, "map");

		assert_int_equal(slow->device, map ? 0 : 1);
		assert_int_equal(slow->wait_len, !strcmp(slow->op, "pin")	  ? 700
						 : map && slow->iova.v == 8 * MIB ? 300
										  : 0);
	}
	rs_result_free(r);
}

/* An address is used again when its device is gone, and is then another's. */
static void address_used_again(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c, other;

	(void)state;
	s = two_devices(&c);
	synth_pin(s, c, 0, 2, 0);
	synth_unpin(s, c, 0, 2);
	synth_detach_last(s, c);
	synth_release(s, c);
	other = synth_open(s);
	synth_map(s, other, 0, MIB, INO, 0);
	synth_device(s, EDU, other, 9, "edu9");
	use(s, EDU, 9);
	synth_pin(s, other, 0, 1, 0);
	synth_unpin(s, other, 0, 1);
	r = judged(s, "");
	assert_int_equal(r->nr_devices, 3);
	assert_int_equal(r->device[2].key, EDU);
	assert_string_equal(r->device[2].name, "edu9");
	assert_int_equal(r->device[2].container, 2);
	assert_int_equal(r->device[2].pinned, 1);
	assert_int_equal(r->device[0].pinned, 2);
	rs_result_free(r);

	/* That it is another shows also by its container. */
	s = two_devices(&c);
	synth_pin(s, c, 0, 2, 0);
	other = synth_open(s);
	synth_map(s, other, 0, MIB, INO, 0);
	synth_pin(s, other, 0, 1, 0);
	r = judged(s, "");
	assert_int_equal(r->nr_devices, 3);
	rs_result_free(r);
}

/* pin-balance */

static void balanced(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	/* Twice pinned is given back twice, by each its own, in any pieces. */
	s = two_devices(&c);
	synth_pin(s, c, 0, 8, 0);
	synth_pin(s, c, 4 * PAGE, 8, 4);
	use(s, NIC, 7);
	synth_pin(s, c, 0, 512, 12);
	synth_unpin(s, c, 0, 256);
	synth_unpin(s, c, 256 * PAGE, 256);
	use(s, EDU, 5);
	synth_unpin(s, c, 0, 12);
	synth_unpin(s, c, 4 * PAGE, 4);
	/* What was refused is not pinned. */
	s->twist.ret = -ENOMEM;
	synth_pin(s, c, 0, 8, 0);
	synth_detach_last(s, c);
	synth_release(s, c);
	r = judged(s, "");
	assert_int_equal(r->rule[9].instances, 2);
	assert_string_equal(r->rule[9].id, "pin-balance");
	rs_result_free(r);

	/* Many, in and out, in an order of chance: nothing gets lost among them. */
	s = two_devices(&c);
	{
		__u64 state_of_chance = 42;
		__u8 pinned[512] = { 0 };

		for (int i = 0; i < 5000; i++) {
			__u64 page = synth_random(&state_of_chance) % 512;

			if (pinned[page]) {
				synth_unpin(s, c, page * PAGE, 1);
				pinned[page]--;
			} else {
				synth_pin(s, c, page * PAGE, 1, 0);
				synth_pin(s, c, page * PAGE, 1, 1);
				pinned[page] = 2;
			}
		}
		for (size_t page = 0; page < 512; page++)
			while (pinned[page]--)
				synth_unpin(s, c, page * PAGE, 1);
	}
	synth_release(s, c);
	expect_judged(s, "");
}

static void unbalanced(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_devices(&c);
	synth_pin(s, c, 0, 8, 0);
	synth_unpin(s, c, 4 * PAGE, 6);
	r = synth_result(s);
	expect_verdicts(r, "pin-balance=violated");
	f = expect_finding(r, "pin-balance",
			   "d1 edu0 gave back 2 pages that it had not pinned (at iova 0x8000)");
	expect_excerpt(f, RS_EV_REQUEST);
	expect_proof(f, synth_event(s, RS_EV_REQUEST, 1));
	assert_int_equal(f->container, 1);
	rs_result_free(r);
	synth_free(s);

	/* Pinned by another device: not this one's to give back. */
	s = two_devices(&c);
	synth_pin(s, c, 0, 1, 0);
	use(s, NIC, 7);
	synth_unpin(s, c, 0, 1);
	r = judged(s, "pin-balance=violated");
	expect_finding(r, "pin-balance",
		       "d2 0000:00:05.0 gave back 1 page that it had not pinned (at iova 0x0)");
	rs_result_free(r);

	/* Not given back: the pin that is left, and the end of it. */
	s = two_devices(&c);
	synth_pin(s, c, 0, 8, 0);
	synth_pin(s, c, 16 * PAGE, 8, 0);
	synth_unpin(s, c, 0, 8);
	synth_unpin(s, c, 16 * PAGE, 5);
	synth_detach_last(s, c);
	r = synth_result(s);
	expect_verdicts(r, "pin-balance=violated");
	f = expect_finding(r, "pin-balance",
			   "d1 edu0 was closed with 3 pages still pinned (at iova 0x15000)");
	expect_excerpt(f, RS_EV_REQUEST, RS_EV_DETACH);
	expect_proof(f, synth_event(s, RS_EV_REQUEST, 1));
	rs_result_free(r);
	synth_free(s);

	/* The group of the other one does not close it, the container does. */
	s = two_devices(&c);
	use(s, NIC, 7);
	synth_pin(s, c, 0, 1, 0);
	synth_detach_last(s, c);
	r = synth_result(s);
	expect_verdicts(r, "");
	rs_result_free(r);
	synth_release(s, c);
	r = judged(s, "pin-balance=violated");
	f = expect_finding(r, "pin-balance",
			   "d2 0000:00:05.0 was closed with 1 page still pinned (at iova 0x0)");
	expect_excerpt(f, RS_EV_REQUEST, RS_EV_RELEASE);
	rs_result_free(r);
}

static void balance_unknown(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = synth_new();
	synth_unrecorded(s, true);
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	synth_pin(s, c, 0, 4, 0);
	synth_unrecorded(s, false);
	synth_snapshot(s, c, RS_SNAP_START);
	synth_pin(s, c, 8 * PAGE, 1, 0);
	synth_unpin(s, c, 0, 4);
	r = synth_result(s);
	expect_verdicts(r, "pin-balance=unknown");
	expect_finding(r, "pin-balance",
		       "d1 gave back 4 pages that it may have pinned before the recording (at iova "
		       "0x0)");
	rs_result_free(r);
	/* What it pinned in sight it has to give back all the same. */
	synth_release(s, c);
	r = judged(s, "pin-balance=violated");
	assert_int_equal(nr_findings(r, "pin-balance"), 2);
	rs_result_free(r);

	/* The pin may be what was lost. */
	s = two_devices(&c);
	synth_pin(s, c, 0, 1, 0);
	synth_pin(s, c, PAGE, 1, 0);
	synth_unpin(s, c, 0, 2);
	synth_drop(s, synth_find(s, RS_EV_REQUEST, 0));
	r = synth_result(s);
	assert_int_equal(verdict_of(r, "pin-balance"), RS_UNKNOWN);
	rs_result_free(r);
	synth_free(s);
}

/* no-zero-pin */

static void zero_pin(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_devices(&c);
	s->twist.gup_zero = 1;
	synth_pin(s, c, 0, 8, 3);
	r = synth_result(s);
	expect_verdicts(r, "no-zero-pin=violated");
	f = expect_finding(r, "no-zero-pin",
			   "c1 pinned 8 pages for d1 at iova 0x0, and for 1 of them there was no "
			   "page");
	expect_excerpt(f, RS_EV_REQUEST);
	expect_proof(f, synth_event(s, RS_EV_REQUEST, 0));
	rs_result_free(r);
	/* Every one is one too many, also when others were right. */
	synth_pin(s, c, 0, 8, 8);
	s->twist.gup_zero = 1;
	synth_pin(s, c, 16 * PAGE, 1, 0);
	r = judged(s, "no-zero-pin=violated");
	assert_int_equal(nr_findings(r, "no-zero-pin"), 2);
	rs_result_free(r);

	/* That it says so is right. */
	s = two_devices(&c);
	s->twist.gup_zero = 1;
	s->twist.ret = -EFAULT;
	synth_pin(s, c, 0, 8, 3);
	expect_judged(s, "");

	s = two_devices(&c);
	synth_pin(s, c, 0, 8, 0);
	s->no_hook = "vaddr_get_pfns";
	expect_judged(s, "no-gup-in-window=unknown no-zero-pin=unknown translation-stable=unknown");
}

/* owner-mm */

static void foreign_mm(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_fork(s, NEXT, false);
	synth_as(s, NEXT);
	s->twist.foreign = QEMU;
	synth_attach(s, c);
	r = synth_result(s);
	expect_verdicts(r, "owner-mm=violated");
	f = expect_finding(r, "owner-mm",
			   "c1 range 0x0 size 0x200000 was pinned in the mm of process 200, and "
			   "charged to process 100 (at iova 0x0)");
	expect_excerpt(f, RS_EV_ATTACH);
	expect_proof(f, synth_event(s, RS_EV_ATTACH, 0));
	rs_result_free(r);
	synth_free(s);

	/* By its owner. */
	s = two_ranges(&c);
	synth_fork(s, NEXT, false);
	synth_attach(s, c);
	expect_judged(s, "");

	/* Who is charged, that kernel does not say. */
	s = two_ranges(&c);
	synth_as(s, NEXT);
	s->twist.foreign = QEMU;
	synth_attach(s, c);
	((struct rs_ev_group *)synth_event(s, RS_EV_ATTACH, 0))->more.foreign_mm = 0;
	expect_judged(s, "");

	/* Armed, a range of which nobody has told. */
	s = synth_new();
	s->mode = RS_MODE_ARMED;
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, MIB, MIB, INO, 0);
	synth_as(s, NEXT);
	s->twist.foreign = QEMU;
	synth_attach(s, c);
	r = judged(s, "owner-mm=violated");
	expect_finding(r, "owner-mm",
		       "c1 range at 0x100000 was pinned in the mm of process 200, and charged to "
		       "process 100 (at iova 0x100000)");
	rs_result_free(r);

	s = two_ranges(&c);
	s->no_hook = "vfio_pin_pages_remote";
	expect_judged(s, "no-gup-in-window=unknown owner-mm=unknown");
}

/* What the flight recorder had is shown with the window that came next, and counted nowhere. */
static void flights(void **state)
{
	const struct rs_flight_view *f;
	struct rs_ev_request rq[3];
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_devices(&c);
	synth_pin(s, c, 0, 4, 0);
	s->twist.ret = -EFAULT;
	synth_pin(s, c, 8 * PAGE, 1, 0);
	synth_unpin(s, c, 0, 4);
	for (size_t i = 0; i < 3; i++)
		memcpy(&rq[i], synth_event(s, RS_EV_REQUEST, i), sizeof(rq[i]));
	for (size_t i = 0; i < 3; i++)
		synth_erase(s, synth_find(s, RS_EV_REQUEST, i));
	synth_invalidate_all(s, c);
	/* Told by CPU, not by time; and twice, by two windows in a row. */
	synth_flight(s, &rq[2]);
	synth_flight(s, &rq[0]);
	synth_flight(s, &rq[1]);
	remap_both(s, c);
	synth_invalidate_all(s, c);
	synth_flight(s, &rq[1]);
	remap_both(s, c);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->nr_losses, 0);
	assert_int_equal(r->nr_flights, 3);
	f = r->flight;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(f[i].window, 1);
		assert_int_equal(f[i].request.device, 1);
		assert_int_equal(f[i].request.container, 1);
		assert_int_equal(f[i].request.start_ns, rq[i].op.start_ns);
	}
	assert_string_equal(f[0].request.op, "pin");
	assert_int_equal(f[0].request.path, RS_PATH_GUP);
	assert_int_equal(f[0].err, 0);
	assert_int_equal(f[1].request.path, RS_PATH_REFUSED);
	assert_int_equal(f[1].err, EFAULT);
	assert_string_equal(f[2].request.op, "unpin");
	for (size_t i = 0; i < r->nr_requests; i++)
		assert_true(strcmp(r->request[i].op, "pin") && strcmp(r->request[i].op, "unpin"));
	assert_int_equal(r->device[0].nr_requests, 0);
	assert_int_equal(r->nr_failures, 0);
	rs_result_free(r);
	synth_free(s);

	/* No window came. */
	s = two_devices(&c);
	synth_invalidate_all(s, c);
	remap_both(s, c);
	rq[0].h.ts = s->now + 10;
	rq[0].op.start_ns = s->now + 5;
	synth_flight(s, &rq[0]);
	r = judged(s, "");
	assert_int_equal(r->nr_flights, 1);
	assert_int_equal(r->flight[0].window, 0);
	rs_result_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_by_device),
		cmocka_unit_test(split_of_time),
		cmocka_unit_test(address_used_again),
		cmocka_unit_test(balanced),
		cmocka_unit_test(unbalanced),
		cmocka_unit_test(balance_unknown),
		cmocka_unit_test(zero_pin),
		cmocka_unit_test(foreign_mm),
		cmocka_unit_test(flights),
	};

	return cmocka_run_group_tests_name("devices and their rules", tests, NULL, NULL);
}
