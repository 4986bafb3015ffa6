// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "explain/records.h"
#include "model/model.h"
#include "trace/trace.h"

/* The group of a request; NO_GROUP: it is another container's. */
struct rs_request_of {
	UT_hash_handle hh;
	__u64 req;
	size_t group;
};

#define NO_GROUP SIZE_MAX

/* What a record says of itself, 0 where it does not. */
struct about {
	__u64 req;
	__u64 container;
	__u64 device;
	__u32 child;
	bool early; /* a piece that does not tell its container: the next one will */
};

#define READ(type, name, ev) \
	struct type name;    \
	rs_event_read(&name, sizeof(name), ev)

static struct about about(const struct rs_event *ev)
{
	struct about a = { 0 };

	switch (ev->type) {
	case RS_EV_FORK: {
		READ(rs_ev_fork, x, ev);
		a.child = x.child_tgid;
		break;
	}
	case RS_EV_OPEN:
	case RS_EV_RELEASE:
	case RS_EV_ATTACH:
	case RS_EV_DETACH:
	case RS_EV_MAP:
	case RS_EV_UNMAP:
	case RS_EV_IOCTL:
	case RS_EV_SNAPSHOT:
	case RS_EV_IOAS: {
		/* They all begin like this one. */
		READ(rs_ev_release, x, ev);
		a.req = x.op.req;
		a.container = x.op.container;
		break;
	}
	case RS_EV_REQUEST: {
		READ(rs_ev_request, x, ev);
		a.req = x.op.req;
		a.container = x.op.container;
		a.device = x.device;
		break;
	}
	case RS_EV_BACKING: {
		READ(rs_ev_backing, x, ev);
		a.req = x.req;
		a.early = true;
		break;
	}
	case RS_EV_RANGE:
	case RS_EV_REMOVE:
	case RS_EV_XLATE:
	case RS_EV_WAIT:
	case RS_EV_IOMMU:
	case RS_EV_PAGES:
	case RS_EV_VERIFY: {
		/* They all begin like this one. */
		READ(rs_ev_range, x, ev);
		a.req = x.req;
		a.container = x.container;
		break;
	}
	case RS_EV_DEVICE: {
		READ(rs_ev_device, x, ev);
		a.container = x.container;
		a.device = x.device;
		break;
	}
	case RS_EV_STATS: {
		READ(rs_ev_stats, x, ev);
		a.device = x.key.device;
		break;
	}
	case RS_EV_DEVOP: {
		READ(rs_ev_devop, x, ev);
		a.container = x.container;
		a.device = x.device;
		break;
	}
	case RS_EV_PASSED: {
		READ(rs_ev_passed, x, ev);
		a.container = x.container;
		break;
	}
	}
	return a;
}

#define SAME_PLACE(a, b, member) \
	_Static_assert(offsetof(struct a, member) == offsetof(struct b, member), #a " " #member)

SAME_PLACE(rs_ev_release, rs_ev_open, op);
SAME_PLACE(rs_ev_release, rs_ev_group, op);
SAME_PLACE(rs_ev_release, rs_ev_map, op);
SAME_PLACE(rs_ev_release, rs_ev_ioctl, op);
SAME_PLACE(rs_ev_release, rs_ev_snapshot, op);
SAME_PLACE(rs_ev_release, rs_ev_ioas, op);
SAME_PLACE(rs_ev_range, rs_ev_remove, req);
SAME_PLACE(rs_ev_range, rs_ev_remove, container);
SAME_PLACE(rs_ev_range, rs_ev_xlate, req);
SAME_PLACE(rs_ev_range, rs_ev_xlate, container);
SAME_PLACE(rs_ev_range, rs_ev_iommu, req);
SAME_PLACE(rs_ev_range, rs_ev_iommu, container);
SAME_PLACE(rs_ev_range, rs_ev_pages, req);
SAME_PLACE(rs_ev_range, rs_ev_pages, container);
SAME_PLACE(rs_ev_range, rs_ev_verify, req);
SAME_PLACE(rs_ev_range, rs_ev_verify, container);

static int want_container(struct rs_records *recs, const struct rs_result *whole, __u32 id)
{
	__u64 *grown;

	for (size_t i = 0; i < whole->nr_containers; i++) {
		if (whole->container[i].id != id)
			continue;
		for (size_t k = 0; k < recs->nr_keys; k++)
			if (recs->key[k] == whole->container[i].key)
				return 0;
		grown = rs_grow(recs->key, recs->nr_keys, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		recs->key = grown;
		recs->key[recs->nr_keys++] = whole->container[i].key;
		return 0;
	}
	/* A device's, of which nobody knows where it was. */
	recs->all = true;
	return 0;
}

int rs_records_init(struct rs_records *recs, const struct rs_result *whole, bool all)
{
	int err = 0;

	*recs = (struct rs_records){ .all = all };
	for (size_t i = 0; i < whole->nr_findings && !err; i++) {
		const struct rs_finding *f = &whole->finding[i];

		if (f->verdict != RS_VIOLATED)
			continue;
		if (f->at_ns > recs->until_ns)
			recs->until_ns = f->at_ns;
		err = want_container(recs, whole, f->container);
	}
	return err;
}

int rs_records_about(struct rs_records *recs, const json_t *meta, const json_t *end)
{
	recs->meta = json_deep_copy(meta);
	recs->end = json_deep_copy(end);
	return !recs->meta || (end && !recs->end) ? -ENOMEM : 0;
}

static bool wanted(const struct rs_records *recs, const struct rs_event *ev, const struct about *a)
{
	if (ev->type == RS_EV_FLIGHT || ev->type == RS_EV_NONE || ev->type >= RS_EV_NR)
		return false;
	if (recs->all || !a->container)
		return true;
	for (size_t i = 0; i < recs->nr_keys; i++)
		if (recs->key[i] == a->container)
			return true;
	return false;
}

/* Not of our container after all: what was held of it goes. */
static void let_go(struct rs_records *recs, size_t group)
{
	struct rs_group_of *g = &recs->group[group];

	for (size_t i = g->first; g->nr; i = recs->record[i].next, g->nr--) {
		free(recs->record[i].ev);
		recs->record[i].ev = NULL;
	}
}

static int remember_request(struct rs_records *recs, __u64 req, size_t group)
{
	struct rs_request_of *r;

	HASH_FIND(hh, recs->request, &req, sizeof(req), r);
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			return -ENOMEM;
		r->req = req;
		HASH_ADD(hh, recs->request, req, sizeof(r->req), r);
	}
	r->group = group;
	return 0;
}

static int new_group(struct rs_records *recs, const struct rs_event *ev, const struct about *a)
{
	struct rs_group_of *grown = rs_grow(recs->group, recs->nr_groups, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	recs->group = grown;
	recs->group[recs->nr_groups++] = (struct rs_group_of){
		.first = SIZE_MAX, .first_ns = ev->ts, .tgid = ev->tgid, .child = a->child
	};
	return a->req ? remember_request(recs, a->req, recs->nr_groups - 1) : 0;
}

static int hold(struct rs_records *recs, size_t group, const struct rs_event *ev,
		const struct about *a)
{
	struct rs_group_of *g = &recs->group[group];
	struct rs_held *grown = rs_grow(recs->record, recs->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	recs->record = grown;
	grown += recs->nr;
	*grown = (struct rs_held){ .ev = malloc(ev->size), .group = group, .next = SIZE_MAX };
	if (!grown->ev)
		return -ENOMEM;
	memcpy(grown->ev, ev, ev->size);
	if (g->nr++)
		recs->record[g->last].next = recs->nr;
	else
		g->first = recs->nr;
	g->last = recs->nr++;
	g->type = ev->type;
	if (ev->ts < g->first_ns)
		g->first_ns = ev->ts;
	if (a->container)
		g->container = a->container;
	if (a->device)
		g->device = a->device;
	return 0;
}

int rs_records_add(struct rs_records *recs, const struct rs_event *ev)
{
	const struct about a = about(ev);
	struct rs_request_of *r = NULL;
	int err;

	if (a.req)
		HASH_FIND(hh, recs->request, &a.req, sizeof(a.req), r);
	if (!wanted(recs, ev, &a)) {
		if (r && r->group != NO_GROUP && a.container) {
			let_go(recs, r->group);
			r->group = NO_GROUP;
		}
		return 0;
	}
	if (r && r->group != NO_GROUP)
		return hold(recs, r->group, ev, &a);
	/* What has begun may end later; nothing else is of interest then. */
	if (ev->ts > recs->until_ns)
		return 0;
	err = new_group(recs, ev, &a);
	return err ? err : hold(recs, recs->nr_groups - 1, ev, &a);
}

int rs_records_read(struct rs_records *recs, const char *path, struct rs_msg *msg)
{
	struct rs_trace_reader *reader;
	const struct rs_event *ev;
	int err = rs_trace_open(path, &reader, msg);

	if (err)
		return err;
	while ((err = rs_trace_next(reader, &ev, msg)) > 0) {
		err = rs_records_add(recs, ev);
		if (err)
			break;
	}
	if (err == -ENOMEM)
		rs_msg_set(msg, err, "out of memory");
	if (!err) {
		err = rs_records_about(recs, rs_trace_meta(reader), rs_trace_end(reader));
		if (err)
			rs_msg_set(msg, err, "out of memory");
	}
	rs_trace_close(reader);
	return err;
}

void rs_records_free(struct rs_records *recs)
{
	struct rs_request_of *r, *next;

	HASH_ITER(hh, recs->request, r, next)
	{
		HASH_DEL(recs->request, r);
		free(r);
	}
	for (size_t i = 0; i < recs->nr; i++)
		free(recs->record[i].ev);
	free(recs->record);
	free(recs->group);
	free(recs->key);
	json_decref(recs->meta);
	json_decref(recs->end);
	*recs = (struct rs_records){ 0 };
}
