// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/devices.h"
#include "model/guest.h"
#include "model/ioctx.h"
#include "model/irqs.h"
#include "model/pages.h"
#include "model/stats.h"

struct rs_kept *rs_keep(const struct rs_event *ev)
{
	struct rs_kept *k = malloc(offsetof(struct rs_kept, ev) + ev->size);

	if (k) {
		k->refs = 1;
		memcpy(&k->ev, ev, ev->size);
	}
	return k;
}

void rs_drop(struct rs_kept *k)
{
	if (k && !--k->refs)
		free(k);
}

void rs_taken_drop(struct rs_taken *t)
{
	rs_drop(t->kept);
	rs_drop(t->proof);
}

void rs_timer_stop(struct rs_slot *s)
{
	if (!s->timer)
		return;
	s->timer->prev->next = s->timer->next;
	s->timer->next->prev = s->timer->prev;
	free(s->timer);
	s->timer = NULL;
}

void rs_object_free(struct rs_object *o)
{
	for (size_t i = 0; i < RS_RULES_MAX; i++) {
		for (size_t k = 0; k < o->slot[i].nr; k++)
			rs_taken_drop(&o->slot[i].trail[k]);
		free(o->slot[i].trail);
		rs_timer_stop(&o->slot[i]);
		o->slot[i] = (struct rs_slot){ 0 };
	}
}

int rs_note(struct rs_model *m, struct rs_note note)
{
	const struct rs_container *c = note.container;

	if (!note.update && c && c->window)
		note.update = c->window->update;
	else if (!note.update && c && c->ioctx && c->ioctx->change)
		note.update = c->ioctx->change->update;
	return m->note(m->ctx, &note);
}

void rs_model_init(struct rs_model *m, rs_note_fn note, void *ctx)
{
	memset(m, 0, sizeof(*m));
	m->note = note;
	m->ctx = ctx;
}

static int on_vcpu(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_vcpu x;
	int err = rs_guest_event(m, ev);

	rs_event_read(&x, sizeof(x), ev);
	if (err || x.what == RS_VCPU_TOLD)
		return err;
	err = rs_irqs_ran(m, ev);
	if (!err)
		err = rs_owner_ran(m, ev);
	return err ? err : rs_ioctx_ran(m, ev);
}

/* Who an interrupt reaches, and when it was given back. */
static int on_irq(struct rs_model *m, const struct rs_event *ev)
{
	int err = rs_guest_event(m, ev);

	return err ? err : rs_irqs_event(m, ev);
}

int rs_model_event(struct rs_model *m, const struct rs_event *ev)
{
	/* What another witness says is not of the recording. */
	if (ev->type == RS_EV_MARK)
		return rs_guest_event(m, ev);
	m->events++;
	if (!m->first_ns)
		m->first_ns = ev->ts;
	if (ev->ts > m->last_ns)
		m->last_ns = ev->ts;
	switch (ev->type) {
	case RS_EV_PROC:
	case RS_EV_FORK:
	case RS_EV_EXEC:
	case RS_EV_EXIT:
		return rs_model_process(m, ev);
	case RS_EV_DEVICE:
		return rs_device_event(m, ev);
	case RS_EV_PAGES:
		return rs_pending_pages(m, ev);
	case RS_EV_VERIFY:
		return rs_pages_verify(m, ev);
	case RS_EV_FLIGHT:
		return rs_tally_flight(m, ev);
	case RS_EV_STATS:
		return rs_stats_event(m, ev);
	case RS_EV_VCPU:
		return on_vcpu(m, ev);
	case RS_EV_VM:
	case RS_EV_IRQ:
		return on_irq(m, ev);
	case RS_EV_DEVOP:
	case RS_EV_PASSED:
		return rs_guest_event(m, ev);
	case RS_EV_WAIT:
		return rs_wait_begins(m, ev);
	case RS_EV_NONE:
		return rs_model_gap_in(m, RS_GAP_UNREAD, NULL, ev->ts);
	default:
		if (ev->type >= RS_EV_NR)
			return rs_model_gap_in(m, RS_GAP_UNREAD, NULL, ev->ts);
		return rs_is_iommufd(ev) ? rs_model_iommufd(m, ev) : rs_model_type1(m, ev);
	}
}

int rs_model_end(struct rs_model *m)
{
	struct rs_container *c, *next;
	int err = rs_irqs_end(m);

	if (!err)
		err = rs_devices_end(m);
	if (!err)
		err = rs_ioctxs_end(m);

	HASH_ITER(hh, m->containers, c, next)
	{
		struct rs_note note = { .type = RS_N_END, .ts = m->last_ns, .container = c };

		for (size_t i = 0; i < c->nr && !err; i++) {
			note.range = c->range[i];
			err = rs_note(m, note);
		}
		note.range = NULL;
		if (!err)
			err = rs_note(m, note);
		if (!err && c->window)
			err = rs_window_close(m, c, NULL, RS_WINDOW_OPEN);
		if (!err)
			err = rs_container_release(m, c, 0);
		if (err)
			break;
	}
	while (m->ioctxs && !err)
		err = rs_ioctx_release(m, m->ioctxs, NULL);
	return err;
}

void rs_window_view_free(struct rs_window_view *w)
{
	for (size_t i = 0; i < w->nr_ranges; i++) {
		rs_backing_free(&w->range[i].old_backing);
		rs_backing_free(&w->range[i].new_backing);
	}
	free(w->range);
}

void rs_model_free(struct rs_model *m)
{
	struct rs_container *c, *next;
	struct rs_proc *p, *next_p;

	rs_waits_forget(m, NULL);
	HASH_ITER(hh, m->containers, c, next)
	{
		rs_range_remove_all(c);
		if (c->window)
			rs_window_view_free(&c->window->view);
		HASH_DEL(m->containers, c);
		rs_object_free(&c->obj);
		rs_owner_free(c);
		free(c->window);
		free(c->range);
		free(c->group);
		free(c->mark);
		free(c);
	}
	HASH_ITER(hh, m->procs, p, next_p)
	{
		HASH_DEL(m->procs, p);
		free(p);
	}
	while (m->mms)
		rs_mm_forget(m, m->mms->key);
	rs_pending_free(m);
	rs_ioctxs_free(m);
	rs_guest_free(m);
	rs_irqs_free(m);
	rs_updates_free(m);
	for (size_t i = 0; i < m->nr_windows; i++)
		rs_window_view_free(&m->window[i]);
	rs_devices_free(m);
	rs_stats_free(m);
	rs_rows_free(&m->tally.rows);
	for (size_t i = 0; i < RS_NUMBERED_NR; i++)
		free(m->ids[i].id);
	free(m->past);
	free(m->window);
	free(m->exec);
	free(m->tally.slow);
	free(m->tally.failure);
	free(m->tally.flight);
	free(m->gap);
}
