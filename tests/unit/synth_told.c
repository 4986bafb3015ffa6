// SPDX-License-Identifier: GPL-2.0-only
/* What the recorder writes of itself: snapshots, devices, pages, the kernel's counts. */
#include "synth_internal.h"

void synth_tail_passes(struct synth *s, __u64 key)
{
	struct synth_container *c = synth_container_of(s, key);

	MUST(!c->invalid);
	c->awake = false;
}

void synth_snapshot_begin(struct synth *s, __u64 key, enum rs_snapshot_why why)
{
	struct synth_container *c = synth_container_of(s, key);
	__u64 mm = synth_mm(s, s->pid);

	s->snapshot = synth_begin(s, c);
	s->snapshot_of = key;
	s->snapshot_why = why;
	s->snapshot_ranges = 0;
	s->quiet = false;
	for (size_t i = 0; i < c->nr; i++) {
		const struct fake_range *r = &c->range[i];

		if (why == RS_SNAP_OWNER && (r->mm != mm || r->invalid))
			continue;
		synth_tell_range(s, c, r, &s->snapshot, RS_RANGE_FOUND, r->mm == mm);
		s->snapshot_ranges++;
	}
}

struct rs_ev_snapshot *synth_snapshot_end(struct synth *s)
{
	struct rs_ev_snapshot *x = RECORD(s, RS_EV_SNAPSHOT, rs_ev_snapshot);

	MUST(x);
	x->op = s->snapshot;
	x->op.invalid_after = 0;
	for (size_t i = 0; i < s->nr_containers; i++)
		if (s->container[i].key == s->snapshot_of)
			x->op.invalid_after = s->container[i].invalid;
	x->why = s->snapshot_why;
	x->nr_ranges = s->snapshot_ranges;
	x->owner_tgid = s->snapshot_why == RS_SNAP_START ? s->pid : 0;
	return x;
}

void synth_snapshot(struct synth *s, __u64 c, enum rs_snapshot_why why)
{
	synth_snapshot_begin(s, c, why);
	synth_snapshot_end(s);
}

void synth_leave(struct synth *s, __u64 mm)
{
	if (s->mode != RS_MODE_ARMED || s->off)
		return;
	for (size_t i = 0; i < s->nr_containers; i++) {
		const struct synth_container *c = &s->container[i];
		bool any = false;

		for (size_t k = 0; k < c->nr; k++)
			any |= c->range[k].mm == mm && !c->range[k].invalid;
		if (any)
			synth_snapshot(s, c->key, RS_SNAP_OWNER);
	}
}

void synth_device(struct synth *s, __u64 device, __u64 c, __s32 group_id, const char *name)
{
	struct rs_ev_device *x = RECORD(s, RS_EV_DEVICE, rs_ev_device);

	MUST(x);
	x->device = device;
	x->container = c;
	x->group_id = group_id;
	snprintf(x->name, sizeof(x->name), "%s", name);
}

void synth_pages(struct synth *s, const struct rs_op *op, enum rs_pages_source source, __u64 device,
		 __u64 iova, __u64 npage, __u64 pfn)
{
	struct rs_ev_pages *x = RECORD(s, RS_EV_PAGES, rs_ev_pages);

	if (!x)
		return;
	x->req = op->req;
	x->container = op->container;
	x->device = device;
	x->iova = rs_iova(iova);
	x->pfn.v = pfn;
	x->npage = npage;
	x->source = source;
}

/* The last remap that succeeded. */
static const struct rs_ev_map *last_remap(const struct synth *s)
{
	for (size_t i = s->nr; i-- > 0;) {
		const struct rs_ev_map *x = (const struct rs_ev_map *)s->rec[i].ev;

		if (x->h.type == RS_EV_MAP && rs_map_request(0, x->uflags) == RS_REQ_REMAP &&
		    !x->op.ret)
			return x;
	}
	MUST(!"a remap");
	return NULL;
}

void synth_pagemap(struct synth *s, __u64 at, __u64 npage, __u64 pfn)
{
	const struct rs_ev_map *map = last_remap(s);

	s->quiet = false;
	synth_pages(s, &map->op, RS_PAGES_PAGEMAP, 0, map->iova.v + at, npage, pfn);
}

struct rs_ev_verify *synth_verify(struct synth *s, __u64 asked, __u64 found, bool all)
{
	const struct rs_ev_map *map = last_remap(s);
	struct rs_ev_verify *x = RECORD(s, RS_EV_VERIFY, rs_ev_verify);

	MUST(x);
	x->req = map->op.req;
	x->container = map->op.container;
	x->iova = map->iova;
	x->size = map->size;
	x->asked = asked;
	x->found = found;
	x->all = all;
	return x;
}

void synth_flight(struct synth *s, const struct rs_ev_request *rq)
{
	struct rs_ev_flight *x = RECORD(s, RS_EV_FLIGHT, rs_ev_flight);

	MUST(x);
	x->request = *rq;
}

static void count_path(struct synth *s, const struct rs_stat_key *key, __u64 pages, bool main)
{
	struct synth_counted *k;
	size_t i;

	for (i = 0; i < s->nr_counted; i++)
		if (!memcmp(&s->counted[i].key, key, sizeof(*key)))
			break;
	if (i == s->nr_counted) {
		s->counted = realloc(s->counted, (i + 1) * sizeof(*s->counted));
		MUST(s->counted);
		s->counted[s->nr_counted++] = (struct synth_counted){ .key = *key };
	}
	k = &s->counted[i];
	k->requests++;
	k->pages += pages;
	k->times += main;
}

void synth_count(struct synth *s, __u64 device, __u32 request, bool in_window,
		 const struct rs_paths *paths)
{
	if (s->off)
		return;
	for (__u32 path = 0; path < RS_PATH_NR; path++) {
		bool main = path == paths->path;
		struct rs_stat_key key = {
			.device = device,
			.request = request,
			.path = path,
			.reason = main ? paths->reason : RS_REASON_NONE,
			.in_window = in_window,
		};

		if (main || paths->pages[path])
			count_path(s, &key, paths->pages[path], main);
	}
}

void synth_stat(struct synth *s, const struct rs_ev_stats *stat,
		const struct rs_stat_bucket *bucket)
{
	size_t more = stat->nr * sizeof(*bucket);
	struct rs_ev_stats *x = synth_record(s, RS_EV_STATS, sizeof(*x) + more);
	struct rs_event head;

	MUST(x);
	head = x->h;
	*x = *stat;
	x->h = head;
	if (more)
		memcpy(x->bucket, bucket, more);
}

void synth_stats(struct synth *s)
{
	for (size_t i = 0; i < s->nr_counted; i++) {
		struct rs_ev_stats x = {
			.key = s->counted[i].key,
			.requests = s->counted[i].requests,
			.pages = s->counted[i].pages,
			.count = s->counted[i].times,
		};

		synth_stat(s, &x, NULL);
	}
}
