// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/pending.h"

/* Requests whose closing record was lost would stay for ever: the oldest gives way. */
#define PENDING_MAX 4096

static bool has_pieces(const struct rs_pending *p)
{
	return p->nr_ranges || p->nr_loose;
}

/*
 * Armed, there can be pages of a pin that is not recorded. Of pages nothing depends but the proof that
 * they would have been: they go first.
 */
static int give_way(struct rs_model *m)
{
	struct rs_pending *p = m->pending;
	int err = 0;

	while (p && has_pieces(p))
		p = p->hh.next;
	if (!p) {
		p = m->pending;
		err = rs_model_gap_in(m, RS_GAP_PARTS, NULL, m->last_ns);
	}
	rs_pending_drop(rs_pending_take(m, p->req));
	return err;
}

static struct rs_pending *get(struct rs_model *m, __u64 req)
{
	struct rs_pending *p;

	HASH_FIND(hh, m->pending, &req, sizeof(req), p);
	if (p)
		return p;
	if (HASH_COUNT(m->pending) >= PENDING_MAX && give_way(m))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->req = req;
	HASH_ADD(hh, m->pending, req, sizeof(p->req), p);
	return p;
}

int rs_pending_backing(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_backing b, *grown;
	struct rs_pending *p;

	rs_event_read(&b, sizeof(b), ev);
	p = get(m, b.req);
	if (!p)
		return -ENOMEM;
	grown = rs_grow(p->loose, p->nr_loose, sizeof(*p->loose));
	if (!grown)
		return -ENOMEM;
	p->loose = grown;
	p->loose[p->nr_loose++] = b;
	return 0;
}

/* The loose pieces become the range's, if they are all there and cover it from its begin. */
static int adopt_pieces(struct rs_pending *p, struct rs_seen_range *s)
{
	struct rs_backing_list *b = &s->backing;
	__u64 at = 0;

	b->known = s->ev.flags & RS_RANGEF_SCANNED;
	b->complete =
		b->known && !(s->ev.flags & RS_RANGEF_SCAN_CUT) && p->nr_loose == s->ev.pieces;
	b->piece = calloc(p->nr_loose ? p->nr_loose : 1, sizeof(*b->piece));
	if (!b->piece)
		return -ENOMEM;
	for (size_t i = 0; i < p->nr_loose; i++) {
		const struct rs_ev_backing *from = &p->loose[i];
		struct rs_piece *to = &b->piece[b->nr];

		*to = (struct rs_piece){
			.at = from->iova.v - s->ev.iova.v,
			.len = from->len,
			.what = from->what,
			.dev = from->dev,
			.ino = from->ino,
			.generation = from->generation,
			.offset = from->offset,
			.vm_flags = from->vm_flags,
		};
		/* What is known by its file needs no mapping: whoever has the file has the pages. */
		if (s->ev.area == RS_AREA_FILE)
			to->vm_flags |= RS_VM_SHARED;
		if (from->iova.v < s->ev.iova.v || to->at != at || !to->len) {
			b->complete = false;
			continue;
		}
		at += to->len;
		b->nr++;
	}
	if (at != s->ev.size)
		b->complete = false;
	p->nr_loose = 0;
	return 0;
}

int rs_pending_inside(struct rs_model *m, __u64 req)
{
	struct rs_pending *p = get(m, req);

	if (!p)
		return -ENOMEM;
	p->inside = true;
	return 0;
}

int rs_pending_range(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_seen_range *grown, *s;
	struct rs_ev_range r;
	struct rs_pending *p;

	rs_event_read(&r, sizeof(r), ev);
	p = get(m, r.req);
	if (!p)
		return -ENOMEM;
	grown = rs_grow(p->range, p->nr_ranges, sizeof(*p->range));
	if (!grown)
		return -ENOMEM;
	p->range = grown;
	s = &p->range[p->nr_ranges++];
	*s = (struct rs_seen_range){ .ev = r };
	if (r.cause == RS_RANGE_FOUND) {
		const struct rs_container *c =
			rs_container_find(m, (struct rs_key){ r.container, r.ioas });

		/* It is taken down at this moment: its REMOVE came first, its end is yet to come. */
		s->gone = c && c->removing_req && c->removing_iova == r.iova.v;
		m->nr_snapshots += !p->snapshot;
		p->snapshot = true;
	}
	return adopt_pieces(p, s);
}

int rs_pending_pages(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_pages x, *grown;
	struct rs_pending *p;

	rs_event_read(&x, sizeof(x), ev);
	/* It is shown as a record of its own: then it must not say that it is longer. */
	x.h.size = sizeof(x);
	p = get(m, x.req);
	if (!p)
		return -ENOMEM;
	grown = rs_grow(p->pages, p->nr_pages, sizeof(*p->pages));
	if (!grown)
		return -ENOMEM;
	p->pages = grown;
	p->pages[p->nr_pages++] = x;
	return 0;
}

void rs_pending_removed(struct rs_model *m, const struct rs_ev_remove *x)
{
	struct rs_pending *p;

	for (p = m->nr_snapshots ? m->pending : NULL; p; p = p->hh.next) {
		for (size_t i = 0; p->snapshot && i < p->nr_ranges; i++)
			if (p->range[i].ev.container == x->container &&
			    p->range[i].ev.ioas == x->ioas && p->range[i].ev.iova.v == x->iova.v)
				p->range[i].gone = true;
	}
}

struct rs_pending *rs_pending_take(struct rs_model *m, __u64 req)
{
	struct rs_pending *p;

	HASH_FIND(hh, m->pending, &req, sizeof(req), p);
	if (p) {
		HASH_DEL(m->pending, p);
		m->nr_snapshots -= p->snapshot;
	}
	return p;
}

void rs_pending_drop(struct rs_pending *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nr_ranges; i++)
		rs_backing_free(&p->range[i].backing);
	free(p->range);
	free(p->loose);
	free(p->pages);
	free(p);
}

void rs_pending_free(struct rs_model *m)
{
	while (m->pending)
		rs_pending_drop(rs_pending_take(m, m->pending->req));
}
