// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "source/order.h"
#include "util/array.h"

/* What is known of one CPU's sequence. */
struct cpu {
	__u32 next;
	__u64 last_ns;
};

struct held {
	__u64 ts;
	__u64 nr; /* arrival, for equal times */
	struct rs_event *ev;
};

struct rs_order {
	rs_event_fn fn;
	void *ctx;
	struct held *heap;
	size_t nr, room;
	__u64 arrived;
	__u64 newest;
	__u64 released; /* the time of the last record handed on */
	__u32 late;
	__u64 late_from, late_to;
	__u64 began; /* the last begin of a request that has been recorded */
	struct rs_hole stepped;
	struct cpu *cpu;
	size_t nr_cpus;
	struct rs_hole *hole;
	size_t nr_holes;
	bool excerpt;
};

struct rs_order *rs_order_new(rs_event_fn fn, void *ctx)
{
	struct rs_order *o = calloc(1, sizeof(*o));

	if (o) {
		o->fn = fn;
		o->ctx = ctx;
	}
	return o;
}

void rs_order_excerpt(struct rs_order *o)
{
	o->excerpt = true;
}

static struct cpu *cpu_of(struct rs_order *o, __u32 cpu)
{
	if (cpu >= o->nr_cpus) {
		size_t nr = (cpu + 64) & ~63UL;
		struct cpu *grown = realloc(o->cpu, nr * sizeof(*grown));

		if (!grown)
			return NULL;
		memset(grown + o->nr_cpus, 0, (nr - o->nr_cpus) * sizeof(*grown));
		o->cpu = grown;
		o->nr_cpus = nr;
	}
	return &o->cpu[cpu];
}

static int add_hole(struct rs_order *o, struct rs_hole hole)
{
	struct rs_hole *grown = rs_grow(o->hole, o->nr_holes, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	o->hole = grown;
	o->hole[o->nr_holes++] = hole;
	return 0;
}

/* A record with a number that was taken for lost. Return: 1 if it fills a hole, 0 if not, -errno */
static int fill_hole(struct rs_order *o, __u32 cpu, __u32 seq)
{
	for (size_t i = o->nr_holes; i-- > 0;) {
		struct rs_hole *h = &o->hole[i], rest;
		__u32 at = seq - h->seq;

		if (h->cpu != cpu || at >= h->count)
			continue;
		rest = *h;
		rest.seq = seq + 1;
		rest.count = h->count - at - 1;
		h->count = at;
		if (!h->count)
			*h = o->hole[--o->nr_holes];
		if (rest.count && add_hole(o, rest))
			return -ENOMEM;
		return 1;
	}
	return 0;
}

/* Return: 1 to go on with the record, 0 to drop it (it was there already), -errno */
static int follow_seq(struct rs_order *o, const struct rs_event *ev)
{
	struct cpu *c = cpu_of(o, ev->cpu);
	int err = 0;

	if (!c)
		return -ENOMEM;
	if (ev->seq == c->next) {
		c->next++;
	} else if ((__s32)(ev->seq - c->next) > 0) {
		err = add_hole(o, (struct rs_hole){ .cpu = ev->cpu,
						    .seq = c->next,
						    .count = ev->seq - c->next,
						    .from_ns = c->last_ns,
						    .to_ns = ev->ts });
		c->next = ev->seq + 1;
	} else {
		return fill_hole(o, ev->cpu, ev->seq);
	}
	if (ev->ts > c->last_ns)
		c->last_ns = ev->ts;
	return err ? err : 1;
}

static bool before(const struct held *a, const struct held *b)
{
	return a->ts != b->ts ? a->ts < b->ts : a->nr < b->nr;
}

static void heap_up(struct rs_order *o, size_t i)
{
	struct held h = o->heap[i];

	while (i && before(&h, &o->heap[(i - 1) / 2])) {
		o->heap[i] = o->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	o->heap[i] = h;
}

static void heap_down(struct rs_order *o)
{
	struct held h = o->heap[0];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < o->nr) {
		if (child + 1 < o->nr && before(&o->heap[child + 1], &o->heap[child]))
			child++;
		if (!before(&o->heap[child], &h))
			break;
		o->heap[i] = o->heap[child];
		i = child;
	}
	o->heap[i] = h;
}

static int hand_on(struct rs_order *o)
{
	struct held h = o->heap[0];
	int err;

	o->heap[0] = o->heap[--o->nr];
	if (o->nr)
		heap_down(o);
	if (h.ts > o->released)
		o->released = h.ts;
	err = o->fn(o->ctx, h.ev);
	free(h.ev);
	return err;
}

/* When the request began that this record closes; 0: it closes none. */
static __u64 begin_of(const struct rs_event *ev)
{
	const struct rs_ev_ioctl *x = (const void *)ev;

	switch (ev->type) {
	case RS_EV_OPEN:
	case RS_EV_RELEASE:
	case RS_EV_ATTACH:
	case RS_EV_DETACH:
	case RS_EV_MAP:
	case RS_EV_UNMAP:
	case RS_EV_IOCTL:
	case RS_EV_REQUEST:
	case RS_EV_SNAPSHOT:
	case RS_EV_IOAS:
		return ev->size >= sizeof(x->h) + sizeof(x->op) ? x->op.start_ns : 0;
	default:
		return 0;
	}
}

/* CPUs' clocks are the same to much less than this. */
#define SKEW_NS 100000ULL

static void watch_clock(struct rs_order *o, const struct rs_event *ev)
{
	__u64 begin = begin_of(ev), before = begin;

	if (ev->flags & RS_EVF_RECORDER)
		return;
	if (ev->type != RS_EV_REQUEST && ev->type != RS_EV_FLIGHT && o->began > before)
		before = o->began;
	if (ev->ts + SKEW_NS < before) {
		if (!o->stepped.count++ || ev->ts < o->stepped.from_ns)
			o->stepped.from_ns = ev->ts;
		o->stepped.to_ns = before;
	}
	if (begin > o->began && begin <= ev->ts)
		o->began = begin;
}

int rs_order_push(struct rs_order *o, const struct rs_event *ev)
{
	int err = follow_seq(o, ev);
	struct held h;

	if (err <= 0)
		return err;
	watch_clock(o, ev);
	if (o->nr == o->room) {
		size_t room = o->room ? 2 * o->room : 1024;
		struct held *grown = realloc(o->heap, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		o->heap = grown;
		o->room = room;
	}
	h = (struct held){ .ts = ev->ts, .nr = o->arrived++, .ev = malloc(ev->size) };
	if (!h.ev)
		return -ENOMEM;
	memcpy(h.ev, ev, ev->size);
	if (ev->ts < o->released) {
		if (!o->late++ || ev->ts < o->late_from)
			o->late_from = ev->ts;
		o->late_to = o->released;
	}
	if (ev->ts > o->newest)
		o->newest = ev->ts;
	o->heap[o->nr++] = h;
	heap_up(o, o->nr - 1);
	err = 0;
	while (!err && o->nr && (o->nr > RS_ORDER_MAX || o->heap[0].ts + RS_ORDER_NS <= o->newest))
		err = hand_on(o);
	return err;
}

int rs_order_tick(struct rs_order *o, __u64 now)
{
	int err = 0;

	while (!err && o->nr && o->heap[0].ts + RS_ORDER_NS <= now)
		err = hand_on(o);
	return err;
}

int rs_order_flush(struct rs_order *o)
{
	int err = 0;

	while (!err && o->nr)
		err = hand_on(o);
	return err;
}

int rs_order_tail(struct rs_order *o, __u32 cpu, __u64 seq)
{
	struct cpu *c = cpu_of(o, cpu);
	__s32 missing;

	if (!c)
		return -ENOMEM;
	missing = (__u32)seq - c->next;
	if (missing <= 0)
		return 0;
	return add_hole(
		o, (struct rs_hole){
			   .cpu = cpu, .seq = c->next, .count = missing, .from_ns = c->last_ns });
}

size_t rs_order_holes(const struct rs_order *o, const struct rs_hole **holes)
{
	*holes = o->hole;
	return o->excerpt ? 0 : o->nr_holes;
}

void rs_order_late(const struct rs_order *o, struct rs_hole *out)
{
	*out = (struct rs_hole){ .count = o->late, .from_ns = o->late_from, .to_ns = o->late_to };
}

void rs_order_stepped(const struct rs_order *o, struct rs_hole *out)
{
	*out = o->stepped;
}

__u64 rs_order_began(const struct rs_order *o)
{
	return o->began;
}

void rs_order_free(struct rs_order *o)
{
	if (!o)
		return;
	while (o->nr)
		free(o->heap[--o->nr].ev);
	free(o->heap);
	free(o->cpu);
	free(o->hole);
	free(o);
}
