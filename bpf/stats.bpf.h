/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Statistics, the flight recorder, and what becomes an event
 *
 * Every request is counted under the paths that served it. An armed recorder writes events only from
 * the first invalidation of a container on until its window has closed and a tail has passed; what
 * was asked just before is in the flight recorder.
 */
#ifndef RS_STATS_BPF_H
#define RS_STATS_BPF_H

#include "common.bpf.h"

/* To be called when a request returns: is it to be recorded in full? */
static __always_inline bool is_hot(struct rs_frame *f)
{
	__u64 key = f->container;
	struct rs_container *c;

	if (!armed || f->invalid_before || frame_invalid(f))
		return true;
	c = bpf_map_lookup_elem(&containers, &key);
	return c && bpf_ktime_get_ns() < c->tail_until;
}

/*
 * Counts what the current task has in rs_task.counted under one of its paths. A global function, defined in
 * stats.bpf.c: in line, nine times over, it would be most of every program.
 */
int count_row(__u32 path);

static __always_inline void count_request(struct rs_counted *c)
{
#pragma unroll
	for (__u32 path = 0; path < RS_PATH_NR; path++)
		if (path == c->paths.path || c->paths.pages[path])
			count_row(path);
}

/* Counts a map, unmap, invalidation, remap or CHANGE_PROCESS. */
static __always_inline void count_work(struct rs_task *t, struct rs_frame *f, __u32 request,
				       __s64 ret)
{
	struct rs_counted *c = &t->counted;

	__builtin_memset(&c->key, 0, sizeof(c->key));
	c->key.request = request;
	c->key.in_window = f->invalid_before > 0;
	c->start = f->start_ns;
	c->work = f->work_ns;
	c->end = f->more.end_ns = bpf_ktime_get_ns();
	if (f->kind == RS_CONTAINER_IOMMUFD)
		rs_ioas_paths(&f->work, f->file_pages, f->domain_pages, ret, &c->paths);
	else
		rs_work_paths(&f->work, ret, &c->paths);
	count_request(c);
}

/* Where the next record of a request is made: a place of this CPU's flight recorder. */
static __always_inline struct rs_flight *next_flight(void)
{
	struct rs_percpu *p = this_percpu();
	struct rs_flight *slot;
	__u32 i;

	if (!p)
		return NULL;
	i = __sync_fetch_and_add(&p->flight, 1) % RS_FLIGHT;
	slot = bpf_map_lookup_elem(&flight, &i);
	if (slot)
		slot->held = 0;
	return slot;
}

/* What a correct kernel does not do is recorded even when nothing else is. */
static __always_inline bool is_odd(const struct rs_ev_request *r)
{
	return r->op.ret > 0 && r->gup_zero;
}

/* Counts a driver's request; writes it, or keeps it in the flight recorder. */
static __always_inline void finish_request(struct rs_task *t, struct rs_flight *slot, bool hot)
{
	struct rs_ev_request *r = &slot->r;
	struct rs_counted *c = &t->counted;
	struct rs_percpu *p = this_percpu();

	c->key.device = r->device;
	c->key.request = r->request;
	c->key.in_window = r->op.invalid_before > 0;
	c->start = r->op.start_ns;
	c->work = r->work_ns;
	c->end = r->h.ts;
	rs_request_paths(r, &c->paths);
	count_request(c);
	if (!hot && !is_odd(r)) {
		slot->held = 1;
		return;
	}
	if (!p)
		return;
	r->h.seq = __sync_fetch_and_add(&p->seq, 1);
	if (bpf_ringbuf_output(&events, r, sizeof(*r), 0))
		note_lost(RS_EV_REQUEST, r->op.container);
}

struct flight_walk {
	__u64 container;
};

static long flight_step(__u32 i, void *ctx)
{
	struct flight_walk *w = ctx;
	__u32 at = i % RS_FLIGHT, cpu = i / RS_FLIGHT;
	struct rs_flight *slot = bpf_map_lookup_percpu_elem(&flight, &at, cpu);
	struct rs_ev_flight *ev;

	if (!slot || !slot->held || slot->r.op.container != w->container)
		return 0;
	ev = RS_RECORD(RS_EV_FLIGHT, rs_ev_flight, w->container);
	if (!ev)
		return 0;
	ev->request = slot->r;
	slot->held = 0;
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

/* The container's window has opened: what was asked of it before? */
static __always_inline void write_flight(__u64 container)
{
	struct flight_walk w = { .container = container };

	bpf_loop(nr_cpus * RS_FLIGHT, flight_step, &w, 0);
}

#endif /* RS_STATS_BPF_H */
