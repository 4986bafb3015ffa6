// SPDX-License-Identifier: GPL-2.0-only
/* Records put into the order of time; what is missing, found and placed. */
#include <errno.h>
#include "judge.h"
#include "render/render.h"
#include "source/order.h"

#define SEEN_MAX 4096

/* What came out, in its order: times, and the numbers of the records. */
struct seen {
	size_t nr;
	__u64 ts[SEEN_MAX];
	__u32 seq[SEEN_MAX];
	__u16 cpu[SEEN_MAX];
	size_t fail_at; /* refuse the record of that place; 0: none */
};

static int see(void *ctx, const struct rs_event *ev)
{
	struct seen *seen = ctx;

	if (seen->fail_at && seen->nr + 1 == seen->fail_at)
		return -EIO;
	assert_true(seen->nr < SEEN_MAX);
	seen->ts[seen->nr] = ev->ts;
	seen->seq[seen->nr] = ev->seq;
	seen->cpu[seen->nr++] = ev->cpu;
	return 0;
}

static int push(struct rs_order *o, __u16 cpu, __u32 seq, __u64 ts)
{
	struct rs_event ev = { .ts = ts, .seq = seq, .cpu = cpu, .size = sizeof(ev) };

	return rs_order_push(o, &ev);
}

#define PUSH(cpu, seq, ts) assert_int_equal(push(o, cpu, seq, ts), 0)

static size_t lost(const struct rs_order *o)
{
	const struct rs_hole *hole;
	size_t nr = rs_order_holes(o, &hole), count = 0;

	for (size_t i = 0; i < nr; i++)
		count += hole[i].count;
	return count;
}

/* The only hole that is not empty. */
static __u32 late(const struct rs_order *o)
{
	struct rs_hole l;

	rs_order_late(o, &l);
	return l.count;
}

static void expect_hole(const struct rs_order *o, struct rs_hole want)
{
	const struct rs_hole *hole;
	size_t nr = rs_order_holes(o, &hole), found = 0;

	for (size_t i = 0; i < nr; i++) {
		if (!hole[i].count)
			continue;
		assert_int_equal(hole[i].cpu, want.cpu);
		assert_int_equal(hole[i].seq, want.seq);
		assert_int_equal(hole[i].count, want.count);
		assert_int_equal(hole[i].from_ns, want.from_ns);
		assert_int_equal(hole[i].to_ns, want.to_ns);
		found++;
	}
	assert_int_equal(found, 1);
}

static void restored(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	PUSH(0, 0, 30);
	PUSH(1, 0, 10);
	PUSH(2, 0, 20);
	PUSH(1, 1, 40);
	/* Nothing is handed on before it is certain. */
	assert_int_equal(seen.nr, 0);
	assert_int_equal(rs_order_flush(o), 0);
	assert_int_equal(seen.nr, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(seen.ts[i], 10 * (i + 1));
	assert_int_equal(late(o), 0);
	assert_int_equal(lost(o), 0);
	assert_int_equal(rs_order_flush(o), 0);
	assert_int_equal(seen.nr, 4);
	rs_order_free(o);
	rs_order_free(NULL);
}

static void held_back_by_the_records_own_times(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	PUSH(0, 0, 1000);
	PUSH(0, 1, 1000 + RS_ORDER_NS - 1);
	assert_int_equal(seen.nr, 0);
	PUSH(0, 2, 1000 + RS_ORDER_NS);
	assert_int_equal(seen.nr, 1);
	/* One that lay in the buffer for just as long is still in time. */
	PUSH(1, 0, 1001);
	assert_int_equal(late(o), 0);
	PUSH(0, 3, 1001 + RS_ORDER_NS);
	assert_int_equal(seen.nr, 2);
	assert_int_equal(seen.cpu[1], 1);
	rs_order_free(o);
}

static void equal_times_keep_their_order(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	for (__u32 i = 0; i < 100; i++)
		PUSH(0, i, 5000);
	assert_int_equal(rs_order_flush(o), 0);
	for (__u32 i = 0; i < 100; i++)
		assert_int_equal(seen.seq[i], i);
	rs_order_free(o);
}

static void late_ones_are_counted(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	PUSH(0, 0, 1000);
	PUSH(0, 1, 2000 + RS_ORDER_NS);
	assert_int_equal(seen.nr, 1);
	PUSH(1, 0, 999);
	assert_int_equal(late(o), 1);
	PUSH(1, 1, 1000);
	assert_int_equal(late(o), 1);
	assert_int_equal(rs_order_flush(o), 0);
	/* Late, but not lost. */
	assert_int_equal(seen.nr, 4);
	assert_int_equal(lost(o), 0);
	rs_order_free(o);
}

static void room_is_bounded(void **state)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct rs_order *o = rs_order_new(see, seen);
	__u32 i;

	(void)state;
	assert_non_null(seen);
	for (i = 0; i < RS_ORDER_MAX; i++)
		PUSH(0, i, 1000 + i);
	assert_int_equal(seen->nr, 0);
	PUSH(0, i, 1000 + i);
	assert_int_equal(seen->nr, 1);
	assert_int_equal(seen->seq[0], 0);
	rs_order_free(o);
	free(seen);
}

static void holes_are_placed(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	PUSH(3, 0, 100);
	PUSH(3, 1, 200);
	PUSH(0, 0, 250);
	PUSH(3, 5, 300);
	expect_hole(o, (struct rs_hole){
			       .cpu = 3, .seq = 2, .count = 3, .from_ns = 200, .to_ns = 300 });
	rs_order_free(o);

	/* Before the first record of a CPU. */
	o = rs_order_new(see, &seen);
	PUSH(200, 7, 500);
	expect_hole(o, (struct rs_hole){ .cpu = 200, .seq = 0, .count = 7, .to_ns = 500 });
	rs_order_free(o);
}

static void holes_are_filled(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	PUSH(0, 0, 100);
	PUSH(0, 6, 700);
	assert_int_equal(lost(o), 5);
	PUSH(0, 3, 400); /* in the middle: two holes are left */
	assert_int_equal(lost(o), 4);
	PUSH(0, 1, 200); /* at the begin of one */
	PUSH(0, 5, 600); /* at the end of the other */
	assert_int_equal(lost(o), 2);
	PUSH(0, 2, 300);
	expect_hole(o, (struct rs_hole){
			       .cpu = 0, .seq = 4, .count = 1, .from_ns = 100, .to_ns = 700 });
	PUSH(0, 4, 500);
	assert_int_equal(lost(o), 0);
	/* The same number of another CPU fills nothing. */
	PUSH(1, 0, 100);
	PUSH(1, 2, 300);
	PUSH(0, 1, 200);
	assert_int_equal(lost(o), 1);
	assert_int_equal(rs_order_flush(o), 0);
	assert_int_equal(seen.nr, 9);
	for (size_t i = 1; i < seen.nr; i++)
		assert_true(seen.ts[i] >= seen.ts[i - 1]);
	rs_order_free(o);
}

static void duplicates_are_dropped(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	for (int twice = 0; twice < 2; twice++)
		for (__u32 i = 0; i < 10; i++)
			PUSH(0, i, 100 + i);
	PUSH(0, 12, 200);
	PUSH(0, 10, 150);
	PUSH(0, 10, 150);
	assert_int_equal(rs_order_flush(o), 0);
	assert_int_equal(seen.nr, 12);
	assert_int_equal(lost(o), 1);
	rs_order_free(o);
}

static void tails_are_found(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	PUSH(0, 0, 100);
	PUSH(0, 1, 200);
	assert_int_equal(rs_order_tail(o, 0, 2), 0);
	assert_int_equal(lost(o), 0);
	assert_int_equal(rs_order_tail(o, 0, 9), 0);
	expect_hole(o, (struct rs_hole){ .cpu = 0, .seq = 2, .count = 7, .from_ns = 200 });
	rs_order_free(o);

	/* Of a CPU of which nothing came at all. */
	o = rs_order_new(see, &seen);
	assert_int_equal(rs_order_tail(o, 65535, 3), 0);
	expect_hole(o, (struct rs_hole){ .cpu = 65535, .count = 3 });
	rs_order_free(o);
}

/* 2^32 records of a CPU: the numbers begin again, the counter that END has does not. */
static void numbers_wrap(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	PUSH(0, 0x7ffffff0, 100);
	PUSH(0, 0xffffffd0, 200);
	PUSH(0, 0xfffffffe, 300);
	assert_int_equal(lost(o), 0xfffffffeULL - 2);
	PUSH(0, 0xffffffff, 400);
	PUSH(0, 0, 500);
	PUSH(0, 2, 600);
	assert_int_equal(lost(o), 0xfffffffeULL - 1);
	assert_int_equal(rs_order_tail(o, 0, (1ULL << 32) + 3), 0);
	assert_int_equal(lost(o), 0xfffffffeULL - 1);
	assert_int_equal(rs_order_tail(o, 0, (1ULL << 32) + 4), 0);
	assert_int_equal(lost(o), 0xfffffffeULL);
	rs_order_free(o);
}

static void errors_come_through(void **state)
{
	struct seen seen = { .fail_at = 2 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	PUSH(0, 0, 100);
	PUSH(0, 1, 200);
	PUSH(0, 2, 300);
	assert_int_equal(push(o, 0, 3, 1000 + RS_ORDER_NS), -EIO);
	rs_order_free(o);

	seen = (struct seen){ .fail_at = 2 };
	o = rs_order_new(see, &seen);
	PUSH(0, 0, 100);
	PUSH(0, 1, 200);
	assert_int_equal(rs_order_flush(o), -EIO);
	rs_order_free(o);
}

/* The result as text: two results are the same if their texts are. */
static char *text_of(struct synth *s)
{
	struct rs_result *r = synth_result(s);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(rs_render_json(r, f), 0);
	fclose(f);
	rs_result_free(r);
	return text;
}

/* Two owners on four CPUs, updates at the same time, with and without mistakes and losses. */
static struct synth *busy(__u64 seed)
{
	struct synth *s = synth_new();
	__u64 c[2], state = seed + 1;

	for (int k = 0; k < 2; k++) {
		s->cpu = k;
		synth_as(s, QEMU + k);
		c[k] = synth_open(s);
		for (__u64 i = 0; i < 20; i++)
			synth_map(s, c[k], i * MIB, MIB, INO + k, i * MIB);
	}
	for (int k = 0; k < 2; k++) {
		s->cpu = 2 + k;
		synth_as(s, QEMU + k);
		synth_invalidate_all(s, c[k]);
	}
	for (__u64 i = 0; i < 40; i++) {
		int k = i % 2;

		s->cpu = synth_random(&state) % SYNTH_CPUS;
		synth_as(s, QEMU + k);
		if (synth_random(&state) % 8 == 0)
			synth_pin(s, c[k], 0, 1, 0);
		if (i == 7)
			s->twist.gup_calls = 1;
		synth_remap(s, c[k], i / 2 * MIB, MIB, INO + (i == 11), i / 2 * MIB);
	}
	synth_iommu(s, c[1], 0, PAGE, RS_IOMMU_UNMAP, PAGE);
	if (seed % 2)
		synth_drop(s, synth_random(&state) % s->nr);
	synth_release(s, c[0]);
	return s;
}

static void any_interleaving_gives_the_same(void **state)
{
	(void)state;
	for (__u64 seed = 0; seed < 8; seed++) {
		struct synth *s = busy(seed);
		char *want = text_of(s);

		assert_non_null(strstr(want, "violated"));
		for (__u64 n = 1; n <= 20; n++) {
			char *got;

			synth_interleave(s, seed * 100 + n);
			for (size_t i = 0; i < s->nr; i++)
				s->rec[i].twice = synth_random(&(__u64){ n + i + 1 }) % 16 == 0 &&
						  !s->rec[i].dropped;
			got = text_of(s);
			assert_string_equal(got, want);
			free(got);
		}
		free(want);
		synth_free(s);
	}
}

/* Time passes although nothing comes: what is old enough goes on, and in the order in which it would have. */
static void ticks(void **state)
{
	struct seen seen = { 0 };
	struct rs_order *o = rs_order_new(see, &seen);

	(void)state;
	assert_non_null(o);
	PUSH(0, 0, SEC + 5);
	PUSH(1, 0, SEC);
	assert_int_equal(rs_order_tick(o, SEC + RS_ORDER_NS - 1), 0);
	assert_int_equal(seen.nr, 0);
	assert_int_equal(rs_order_tick(o, SEC + RS_ORDER_NS), 0);
	assert_int_equal(seen.nr, 1);
	assert_int_equal(seen.ts[0], SEC);
	/* A record of before the tick, as far back as one can be. */
	PUSH(1, 1, SEC + 1);
	assert_int_equal(seen.nr, 1);
	assert_int_equal(rs_order_tick(o, 2 * SEC), 0);
	assert_int_equal(seen.nr, 3);
	assert_int_equal(seen.ts[1], SEC + 1);
	assert_int_equal(seen.ts[2], SEC + 5);
	assert_int_equal(late(o), 0);
	/* Time does not go back with an older tick. */
	PUSH(0, 1, 2 * SEC);
	assert_int_equal(rs_order_tick(o, SEC), 0);
	assert_int_equal(seen.nr, 3);
	seen.fail_at = 4;
	assert_int_equal(rs_order_tick(o, 3 * SEC), -EIO);
	rs_order_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks),
		cmocka_unit_test(restored),
		cmocka_unit_test(held_back_by_the_records_own_times),
		cmocka_unit_test(equal_times_keep_their_order),
		cmocka_unit_test(late_ones_are_counted),
		cmocka_unit_test(room_is_bounded),
		cmocka_unit_test(holes_are_placed),
		cmocka_unit_test(holes_are_filled),
		cmocka_unit_test(duplicates_are_dropped),
		cmocka_unit_test(tails_are_found),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(errors_come_through),
		cmocka_unit_test(any_interleaving_gives_the_same),
	};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
