// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/guest.h"
#include "model/ioctx.h"
#include "model/pages.h"

struct rs_container *rs_container_find(const struct rs_model *m, struct rs_key key)
{
	struct rs_container *c;

	HASH_FIND(hh, m->containers, &key, sizeof(key), c);
	return c;
}

struct rs_container *rs_container_at(struct rs_model *m, struct rs_key key, struct rs_ioctx *x,
				     __u64 ts)
{
	struct rs_container *c = rs_container_find(m, key);

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	if (x && rs_ioctx_adopt(x, c)) {
		free(c);
		return NULL;
	}
	c->key = key;
	c->view.id = rs_model_id(m, RS_NR_CONTAINER, ++m->next_container);
	c->view.key = key.object;
	c->view.since_ns = ts;
	HASH_ADD(hh, m->containers, key, sizeof(c->key), c);
	return c;
}

struct rs_container *rs_container_get(struct rs_model *m, __u64 key, __u64 ts)
{
	return rs_container_at(m, (struct rs_key){ .object = key }, NULL, ts);
}

int rs_container_release(struct rs_model *m, struct rs_container *c, __u64 ts)
{
	struct rs_container_view *grown;

	rs_waits_forget(m, c);
	rs_range_remove_all(c);
	c->view.released_ns = ts;
	grown = rs_grow(m->past, m->nr_past, sizeof(*m->past));
	if (!grown)
		return -ENOMEM;
	m->past = grown;
	m->past[m->nr_past++] = c->view;
	HASH_DEL(m->containers, c);
	if (c->ioctx)
		rs_ioctx_disown(c);
	else
		rs_guest_released(m, c->key.object);
	rs_object_free(&c->obj);
	rs_owner_free(c);
	free(c->range);
	free(c->group);
	free(c->mark);
	free(c);
	return 0;
}

size_t rs_range_from(const struct rs_container *c, __u64 iova)
{
	size_t lo = 0, hi = c->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct rs_range *r = c->range[mid];

		/* Inclusive ends: a range may end at the very top of the address space. */
		if (r->iova.v + (r->size - 1) < iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct rs_range *rs_range_at(struct rs_container *c, __u64 iova)
{
	size_t i = rs_range_from(c, iova);

	return i < c->nr && c->range[i]->iova.v <= iova ? c->range[i] : NULL;
}

struct rs_range *rs_range_add(struct rs_container *c, rs_iova_t iova, __u64 size)
{
	struct rs_range **grown, *r = calloc(1, sizeof(*r));
	size_t at = rs_range_from(c, iova.v);

	if (!r)
		return NULL;
	grown = rs_grow(c->range, c->nr, sizeof(*c->range));
	if (!grown) {
		free(r);
		return NULL;
	}
	c->range = grown;
	memmove(c->range + at + 1, c->range + at, (c->nr - at) * sizeof(*c->range));
	c->range[at] = r;
	c->nr++;
	r->container = c;
	r->iova = iova;
	r->size = size;
	r->serial = ++c->ranges_ever;
	r->view = r->remap_view = -1;
	c->bytes += size;
	if (c->nr > c->view.ranges_max)
		c->view.ranges_max = c->nr;
	if (c->bytes > c->view.bytes_max)
		c->view.bytes_max = c->bytes;
	return r;
}

static void remove_at(struct rs_container *c, size_t at)
{
	struct rs_range *r = c->range[at];

	memmove(c->range + at, c->range + at + 1, (c->nr - at - 1) * sizeof(*c->range));
	c->nr--;
	c->bytes -= r->size;
	if (r->stale)
		c->nr_stale--;
	rs_backing_free(&r->backing);
	rs_pages_forget(r);
	rs_object_free(&r->obj);
	rs_drop(r->invalidation);
	free(r->unproved);
	free(r);
}

void rs_range_remove(struct rs_container *c, struct rs_range *r)
{
	size_t at = rs_range_from(c, r->iova.v);

	/* Ranges overlap only in a damaged recording: then the order does not help. */
	if (at == c->nr || c->range[at] != r)
		for (at = 0; at < c->nr && c->range[at] != r; at++)
			;
	if (at < c->nr)
		remove_at(c, at);
}

void rs_range_remove_all(struct rs_container *c)
{
	while (c->nr)
		remove_at(c, c->nr - 1);
}

void rs_backing_free(struct rs_backing_list *b)
{
	free(b->piece);
	*b = (struct rs_backing_list){ 0 };
}

int rs_backing_copy(struct rs_backing_list *to, const struct rs_backing_list *from)
{
	struct rs_piece *piece = NULL;

	if (from->nr) {
		piece = malloc(from->nr * sizeof(*piece));
		if (!piece)
			return -ENOMEM;
		memcpy(piece, from->piece, from->nr * sizeof(*piece));
	}
	rs_backing_free(to);
	*to = *from;
	to->piece = piece;
	return 0;
}

int rs_window_open(struct rs_model *m, struct rs_container *c, __u64 ts, __u32 tgid)
{
	if (c->window)
		return 0;
	c->window = calloc(1, sizeof(*c->window));
	if (!c->window)
		return -ENOMEM;
	c->window->view.id = rs_model_id(m, RS_NR_WINDOW, ++m->next_window);
	c->window->view.container = c->view.id;
	c->window->view.open_ns = ts;
	c->window->view.opener = rs_proc_ref(m, tgid);
	c->view.windows++;
	return rs_update_join(m, c);
}

/* Takes a range that has just lost its vaddr into the window's view. */
int rs_window_range(struct rs_model *m, struct rs_range *r, __u64 ts)
{
	struct rs_window *w = r->container->window;
	struct rs_range_view *v = rs_grow(w->view.range, w->view.nr_ranges, sizeof(*v));
	int err;

	if (!v)
		return -ENOMEM;
	w->view.range = v;
	v += w->view.nr_ranges;
	*v = (struct rs_range_view){
		.iova = r->iova,
		.size = r->size,
		.prot = r->prot,
		.old_vaddr = r->vaddr,
		.old_owner = rs_proc_ref(m, r->owner),
		.since_ns = r->since_ns,
		.mapped_seen = r->mapped_seen,
		.invalid_ns = ts,
	};
	r->view = w->view.nr_ranges++;
	w->invalid++;
	w->view.bytes += r->size;
	err = rs_backing_copy(&v->old_backing, &r->backing);
	return err;
}

struct rs_range_view *rs_window_range_view(struct rs_model *m, struct rs_container *c, __u32 window,
					   __s64 at)
{
	struct rs_window_view *w = NULL;

	if (c->window && c->window->view.id == window)
		w = &c->window->view;
	for (size_t i = m->nr_windows; i-- > 0 && !w;)
		if (m->window[i].id == window)
			w = &m->window[i];
	return w && at >= 0 && (size_t)at < w->nr_ranges ? &w->range[at] : NULL;
}

void rs_window_range_done(struct rs_model *m, struct rs_range *r, enum rs_range_state state,
			  __u64 ts)
{
	struct rs_window *w = r->container->window;
	struct rs_range_view *v;

	if (!w || r->view < 0)
		return;
	v = &w->view.range[r->view];
	v->state = state;
	v->valid_ns = ts;
	if (state == RS_STATE_REMAPPED) {
		v->new_vaddr = r->vaddr;
		v->new_owner = rs_proc_ref(m, r->owner);
	}
	r->view = -1;
	w->invalid--;
}

int rs_window_close(struct rs_model *m, struct rs_container *c, const struct rs_event *ev,
		    enum rs_window_end end)
{
	struct rs_window_view *grown = rs_grow(m->window, m->nr_windows, sizeof(*m->window));
	int err = 0;

	if (!grown)
		return -ENOMEM;
	m->window = grown;
	if (ev) {
		err = rs_note(m, (struct rs_note){ .type = RS_N_CLOSED,
						   .ts = ev->ts,
						   .ev = ev,
						   .container = c,
						   .by = ev->tgid });
		c->window->view.close_ns = ev->ts;
		c->window->view.closer = rs_proc_ref(m, ev->tgid);
	}
	c->window->view.end = end;
	rs_update_leave(c->window);
	if (c->window->unseen && !err)
		err = rs_model_gap(m, &(struct rs_gap){ .kind = RS_GAP_UNSEEN,
							.container = c->view.id,
							.types = RS_TYPES_LIFE | RS_TYPE(BACKING),
							.count = c->window->unseen,
							.to_ns = c->window->view.close_ns
									 ? c->window->view.close_ns
									 : m->last_ns });
	m->window[m->nr_windows++] = c->window->view;
	free(c->window);
	c->window = NULL;
	for (size_t i = 0; i < c->nr; i++)
		c->range[i]->view = -1;
	return err;
}
