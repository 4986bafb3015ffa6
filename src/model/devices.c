// SPDX-License-Identifier: GPL-2.0-only
/* Devices that ask for translations, and which pages they have pinned. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/devices.h"
#include "model/ioctx.h"
#include "model/irqs.h"
#include "model/pages.h"
#include "model/stats.h"

/*
 * Far beyond what one call can pin or unpin: 512 (drivers/vfio/vfio.h, VFIO_PIN_PAGES_MAX_ENTRIES). A
 * record that says more is damaged.
 */
#define PAGES_MAX 65536

static struct rs_device *add_device(struct rs_model *m, __u64 key, __u64 ts)
{
	struct rs_device **grown = rs_grow(m->device, m->nr_devices, sizeof(*grown)), *d;

	if (!grown)
		return NULL;
	m->device = grown;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	m->device[m->nr_devices++] = d;
	d->key = key;
	d->open = true;
	d->view.id = rs_model_id(m, RS_NR_DEVICE, ++m->next_device);
	d->view.key = key;
	d->view.group_id = -1;
	d->view.since_ns = ts;
	HASH_ADD(hh, m->devices, key, sizeof(d->key), d);
	return d;
}

static void take_out(struct rs_model *m, struct rs_device *d)
{
	HASH_DEL(m->devices, d);
	for (struct rs_waiter *w = m->waiters; w; w = w->hh.next)
		w->device = w->device == d ? NULL : w->device;
	d->open = false;
	rs_pins_free(&d->pins);
	rs_object_free(&d->obj);
}

/* Where a device is, as far as it is told: in a container, or in some ioas of a context; or neither. */
struct place {
	const struct rs_container *c;
	const struct rs_ioctx *x;
};

static struct rs_key key_of(const struct place *at)
{
	return at->c ? at->c->key : (struct rs_key){ .object = at->x ? at->x->key : 0 };
}

/* Can it not be the same place? */
static bool contradicts(struct rs_key known, struct rs_key now)
{
	return known.object && now.object &&
	       (known.object != now.object || (known.ioas && now.ioas && known.ioas != now.ioas));
}

/* @name: NULL or "": not told. What contradicts is another device at the same address. */
static struct rs_device *get_device(struct rs_model *m, __u64 key, struct place at, __s32 group_id,
				    const char *name, __u64 ts)
{
	struct rs_key place = key_of(&at);
	struct rs_device *d;

	HASH_FIND(hh, m->devices, &key, sizeof(key), d);
	if (d && (contradicts(d->container, place) ||
		  (group_id >= 0 && d->view.group_id >= 0 && d->view.group_id != group_id) ||
		  (name && name[0] && d->view.name[0] && strcmp(name, d->view.name) != 0))) {
		take_out(m, d);
		d = NULL;
	}
	if (!d)
		d = add_device(m, key, ts);
	if (!d)
		return NULL;
	if (place.object && !d->container.object) {
		d->container = place;
		d->born = at.c ? at.c->view.born : at.x->view.born;
	}
	if (at.c && !d->view.container) {
		d->container = place;
		d->view.container = at.c->view.id;
	}
	if (group_id >= 0)
		d->view.group_id = group_id;
	if (name && name[0])
		memcpy(d->view.name, name, sizeof(d->view.name));
	return d;
}

int rs_device_event(struct rs_model *m, const struct rs_event *ev)
{
	struct place at = { 0 };
	struct rs_ev_device x;

	rs_event_read(&x, sizeof(x), ev);
	x.name[sizeof(x.name) - 1] = 0;
	if (!x.device)
		return 0;
	/* In which ioas of a context it is, its attach says. */
	at.x = rs_ioctx_find(m, x.container);
	if (x.container && !at.x && x.kind == RS_CONTAINER_IOMMUFD)
		at.x = rs_ioctx_get(m, x.container, ev->ts);
	else if (x.container && !at.x)
		at.c = rs_container_get(m, x.container, ev->ts);
	if (x.container && !at.x && !at.c)
		return -ENOMEM;
	return get_device(m, x.device, at, x.group_id, x.name, ev->ts) ? 0 : -ENOMEM;
}

struct rs_device *rs_device_of(struct rs_model *m, const struct rs_ev_request *rq,
			       const struct rs_container *c)
{
	__s32 group_id = rq->group_id;

	/* An older recorder did not tell it. */
	if (rq->h.size < offsetof(struct rs_ev_request, group_id) + sizeof(group_id))
		group_id = -1;
	return get_device(m, rq->device,
			  (struct place){ c, c ? NULL : rs_ioctx_find(m, rq->op.container) },
			  group_id, NULL, rq->op.start_ns);
}

struct rs_device *rs_device_counted(struct rs_model *m, __u64 key, __u64 ts)
{
	return get_device(m, key, (struct place){ 0 }, -1, NULL, ts);
}

static int note_pins(struct rs_model *m, enum rs_note_type type, struct rs_device *d,
		     struct rs_container *c, const struct rs_pins_seen *pins,
		     const struct rs_event *proof, const struct rs_event *ev)
{
	return rs_note(m, (struct rs_note){ .type = type,
					    .ts = ev ? ev->ts : m->last_ns,
					    .ev = ev,
					    .proof = proof,
					    .container = c,
					    .device = d,
					    .pins = pins,
					    .by = ev ? ev->tgid : 0 });
}

static int pin(struct rs_model *m, struct rs_device *d, struct rs_container *c,
	       const struct rs_ev_request *rq, const struct rs_pending *p,
	       const struct rs_event *ev)
{
	__u64 first = rq->iova.v >> RS_PAGE_SHIFT, pages = rq->op.ret;
	struct rs_kept *kept = NULL;
	struct rs_range *r = NULL;
	int err = 0;

	d->view.pinned += pages;
	if (!d->pinned) {
		d->pinned = true;
		err = note_pins(m, RS_N_PINNED, d, c, NULL, NULL, ev);
	}
	for (__u64 page = first; page < first + pages && !err; page++) {
		struct rs_pin *pinned = rs_pins_add(&d->pins, page);

		if (!kept)
			kept = rs_keep(ev);
		if (!pinned || !kept) {
			err = -ENOMEM;
			break;
		}
		if (c && (!r || (page << RS_PAGE_SHIFT) - r->iova.v >= r->size))
			r = rs_range_at(c, page << RS_PAGE_SHIFT);
		if (!r || pinned->range != r->serial)
			pinned->pfn = RS_PFN_NONE;
		pinned->range = r ? r->serial : 0;
		if (pinned->pfn == RS_PFN_NONE)
			pinned->pfn = rs_pages_told(rq, p, page);
		rs_drop(pinned->by);
		pinned->by = kept;
		kept->refs++;
	}
	rs_drop(kept);
	return err;
}

/* More pages than anybody asks for at a time. */
static int unread(struct rs_model *m, const struct rs_container *c, const struct rs_event *ev)
{
	return rs_model_gap(m, &(struct rs_gap){ .kind = RS_GAP_UNREAD,
						 .container = c ? c->view.id : 0,
						 .types = RS_TYPE(REQUEST),
						 .count = 1,
						 .from_ns = ev->ts,
						 .to_ns = ev->ts });
}

static int unpin(struct rs_model *m, struct rs_device *d, struct rs_container *c,
		 const struct rs_ev_request *rq, __u64 pages, const struct rs_event *ev)
{
	__u64 first = rq->iova.v >> RS_PAGE_SHIFT;
	struct rs_pins_seen missing = { 0 };

	d->view.unpinned += pages;
	for (__u64 page = first; page < first + pages; page++) {
		struct rs_pin *pinned = rs_pins_find(&d->pins, page);

		if (pinned) {
			rs_pins_drop(&d->pins, pinned);
			continue;
		}
		if (!missing.pages++)
			missing.iova = rs_iova(page << RS_PAGE_SHIFT);
	}
	return missing.pages ? note_pins(m, RS_N_UNDERFLOW, d, c, &missing, NULL, ev) : 0;
}

int rs_device_request(struct rs_model *m, struct rs_device *d, struct rs_container *c,
		      const struct rs_ev_request *rq, const struct rs_pending *p,
		      const struct rs_event *ev)
{
	bool backend = rq->rflags & RS_REQF_BACKEND;
	__u64 pages = rq->len >> RS_PAGE_SHIFT;
	int err = 0;

	if (rq->request == RS_REQ_PIN && rq->op.ret > 0) {
		if (rq->op.ret > PAGES_MAX)
			return unread(m, c, ev);
		if (rq->gup_zero && c)
			err = rs_note(m, (struct rs_note){ .type = RS_N_PIN_ZERO,
							   .ts = ev->ts,
							   .ev = ev,
							   .container = c,
							   .device = d,
							   .by = ev->tgid });
		if (!err && c)
			err = rs_pages_pinned(m, c, rq, p, ev);
		/* Armed, most pins are only counted. */
		if (!err && d && m->mode != RS_MODE_ARMED)
			err = pin(m, d, c, rq, p, ev);
	} else if (rq->request == RS_REQ_UNPIN && backend && d && m->mode != RS_MODE_ARMED) {
		if (pages > PAGES_MAX)
			err = unread(m, c, ev);
		else
			err = unpin(m, d, c, rq, pages, ev);
	}
	return err;
}

static int close_device(struct rs_model *m, struct rs_device *d, struct rs_container *c,
			const struct rs_event *ev)
{
	const struct rs_pin *first = rs_pins_lowest(&d->pins);
	struct rs_pins_seen left = { .pages = d->pins.nr };
	int err;

	if (first)
		left.iova = rs_iova(first->page << RS_PAGE_SHIFT);
	err = rs_irqs_closed(m, d, ev);
	if (ev && !err)
		err = note_pins(m, RS_N_DEVICE_CLOSED, d, c, &left, first ? &first->by->ev : NULL,
				ev);
	take_out(m, d);
	return err;
}

int rs_devices_close(struct rs_model *m, struct rs_container *c, __s64 group_id,
		     const struct rs_event *ev)
{
	struct rs_device *d, *next;
	int err = 0;

	HASH_ITER(hh, m->devices, d, next)
	{
		if (!err && rs_key_same(d->container, c->key) &&
		    (group_id < 0 || d->view.group_id == group_id))
			err = close_device(m, d, c, ev);
	}
	return err;
}

int rs_devices_leave(struct rs_model *m, __u64 object, const struct rs_event *ev)
{
	struct rs_device *d, *next;
	int err = 0;

	HASH_ITER(hh, m->devices, d, next)
	{
		if (!err && d->container.object == object)
			err = close_device(m, d, rs_container_find(m, d->container), ev);
	}
	return err;
}

/* Its driver must have given back all that it had pinned in the ioas that it leaves. */
static int leaves_ioas(struct rs_model *m, struct rs_device *d, const struct rs_event *ev)
{
	const struct rs_pin *first = rs_pins_lowest(&d->pins);
	struct rs_pins_seen left = { .pages = d->pins.nr, .left = true };
	int err;

	if (!first)
		return 0;
	left.iova = rs_iova(first->page << RS_PAGE_SHIFT);
	err = note_pins(m, RS_N_DEVICE_CLOSED, d, rs_container_find(m, d->container), &left,
			&first->by->ev, ev);
	rs_pins_free(&d->pins);
	return err;
}

int rs_device_attached(struct rs_model *m, const struct rs_ev_group *e, struct rs_ioctx *x,
		       struct rs_container *c, const struct rs_event *ev)
{
	struct rs_key now = c ? c->key : (struct rs_key){ .object = x->key };
	struct rs_device *d;
	int err = 0;

	if (!e->device)
		return 0;
	HASH_FIND(hh, m->devices, &e->device, sizeof(e->device), d);
	if (d && d->container.object == x->key && !rs_key_same(d->container, now)) {
		err = d->container.ioas ? leaves_ioas(m, d, ev) : 0;
		d->container = now;
		d->view.container = c ? c->view.id : 0;
	}
	if (err)
		return err;
	d = get_device(m, e->device, (struct place){ c, x }, e->group ? (__s32)e->group_id : -1,
		       NULL, ev->ts);
	return d ? 0 : -ENOMEM;
}

int rs_device_detached(struct rs_model *m, __u64 device, struct rs_container *c,
		       const struct rs_event *ev)
{
	struct rs_device *d;

	HASH_FIND(hh, m->devices, &device, sizeof(device), d);
	return d ? close_device(m, d, c, ev) : 0;
}

/* Of all devices that had this address, one after the other, and that the kernel counts as one. */
static int judge_totals(struct rs_model *m, struct rs_device *d, __u64 pinned, __u64 unpinned)
{
	struct rs_pins_seen seen = { .pinned = pinned, .unpinned = unpinned, .totals = true };
	bool whole = true, open = false;
	struct rs_container *c;
	int err = 0;

	for (size_t i = 0; i < m->nr_devices; i++) {
		if (m->device[i]->key != d->key)
			continue;
		whole &= m->device[i]->born;
		open |= m->device[i]->open;
	}
	if (!whole)
		return 0;
	if (pinned)
		err = note_pins(m, RS_N_PINNED, d, NULL, NULL, NULL, NULL);
	if (err)
		return err;
	c = rs_container_find(m, d->container);
	if (c && c->view.id != d->view.container)
		c = NULL;
	if (unpinned > pinned) {
		seen.pages = unpinned - pinned;
		return note_pins(m, RS_N_UNDERFLOW, d, c, &seen, NULL, NULL);
	}
	if (open)
		return 0;
	seen.pages = pinned - unpinned;
	return note_pins(m, RS_N_DEVICE_CLOSED, d, c, &seen, NULL, NULL);
}

int rs_devices_end(struct rs_model *m)
{
	int err;

	if (m->mode != RS_MODE_ARMED)
		return rs_stats_compare(m);
	err = rs_stats_take(m);
	for (size_t i = m->nr_devices; i-- > 0 && !err;) {
		struct rs_device *d = m->device[i];

		/* The newest of an address has the rows. */
		if (!d->rows.nr)
			continue;
		for (size_t k = 0; k < d->rows.nr; k++) {
			const struct rs_request_row *row = &d->rows.row[k];

			if (!strcmp(row->op, rs_request_name(RS_REQ_UNPIN)))
				d->view.unpinned += row->pages;
			else if (!strcmp(row->op, rs_request_name(RS_REQ_PIN)))
				d->view.pinned += row->pages;
		}
		err = judge_totals(m, d, d->view.pinned, d->view.unpinned);
	}
	return err;
}

static void free_device(struct rs_device *d)
{
	rs_pins_free(&d->pins);
	rs_rows_free(&d->rows);
	rs_object_free(&d->obj);
	free(d);
}

void rs_devices_forget(struct rs_model *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_devices; i++) {
		struct rs_device *d = m->device[i];
		bool last = true;

		for (size_t k = i + 1; k < m->nr_devices && !d->open && last; k++)
			last = m->device[k]->key != d->key;
		if (d->open || last)
			m->device[nr++] = d;
		else
			free_device(d);
	}
	m->nr_devices = nr;
}

void rs_devices_free(struct rs_model *m)
{
	HASH_CLEAR(hh, m->devices);
	for (size_t i = 0; i < m->nr_devices; i++)
		free_device(m->device[i]);
	free(m->device);
	m->device = NULL;
	m->nr_devices = 0;
}
