// SPDX-License-Identifier: GPL-2.0-only
/* What was asked for: rows, devices, and what the flight recorder had. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/ioctx.h"
#include "result/build.h"

static int by_row(const void *a, const void *b)
{
	const struct rs_request_row *x = a, *y = b;
	int c = strcmp(x->op, y->op);

	if (c)
		return c;
	if (x->in_window != y->in_window)
		return x->in_window - y->in_window;
	return x->path != y->path ? (int)x->path - (int)y->path : (int)x->reason - (int)y->reason;
}

static struct rs_request_row *take_rows(struct rs_rows *rows, size_t *nr)
{
	struct rs_request_row *row = rows->row;

	*nr = rows->nr;
	if (rows->nr)
		qsort(row, rows->nr, sizeof(*row), by_row);
	*rows = (struct rs_rows){ 0 };
	return row;
}

static int take_devices(struct rs_model *m, struct rs_result *r)
{
	r->device = calloc(m->nr_devices + 1, sizeof(*r->device));
	if (!r->device)
		return -ENOMEM;
	for (size_t i = 0; i < m->nr_devices; i++) {
		struct rs_device_view *v = &r->device[r->nr_devices++];

		*v = m->device[i]->view;
		v->request = take_rows(&m->device[i]->rows, &v->nr_requests);
	}
	return 0;
}

/* The first window that had not closed when the request ended. */
static const struct rs_window_view *next_window(const struct rs_result *r, __u64 end_ns)
{
	for (size_t i = 0; i < r->nr_windows; i++)
		if (!r->window[i].close_ns || r->window[i].close_ns >= end_ns)
			return &r->window[i];
	return NULL;
}

static const struct rs_handover_view *next_handover(const struct rs_result *r, __u64 end_ns)
{
	for (size_t i = 0; i < r->nr_handovers; i++)
		if (!r->handover[i].end_ns || r->handover[i].end_ns >= end_ns)
			return &r->handover[i];
	return NULL;
}

/* What the flight recorder was emptied for. */
static void set_occasion(const struct rs_result *r, __u64 end_ns, struct rs_flight_view *f)
{
	const struct rs_handover_view *h = next_handover(r, end_ns);
	const struct rs_window_view *w = next_window(r, end_ns);

	if (h && (!w || h->start_ns < w->open_ns))
		f->handover = h->id;
	else
		f->window = w ? w->id : 0;
}

static int by_end(const void *a, const void *b)
{
	const struct rs_flight *x = a, *y = b;

	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	return x->req < y->req ? -1 : x->req > y->req;
}

static int take_flights(const struct rs_tally *t, struct rs_result *r)
{
	r->flight = calloc(t->nr_flights + 1, sizeof(*r->flight));
	if (!r->flight)
		return -ENOMEM;
	if (t->nr_flights)
		qsort(t->flight, t->nr_flights, sizeof(*t->flight), by_end);
	for (size_t i = 0; i < t->nr_flights; i++) {
		const struct rs_flight *f = &t->flight[i];

		/* Two windows in a row have the same requests before them. */
		if (i && f->req && f->req == f[-1].req)
			continue;
		r->flight[r->nr_flights] = f->view;
		set_occasion(r, f->end_ns, &r->flight[r->nr_flights++]);
	}
	return 0;
}

static int by_handover(const void *a, const void *b)
{
	const struct rs_handover_view *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int take_handovers(struct rs_model *m, struct rs_result *r)
{
	r->handover = calloc(m->nr_handovers + 1, sizeof(*r->handover));
	if (!r->handover)
		return -ENOMEM;
	for (size_t i = 0; i < m->nr_handovers; i++) {
		struct rs_handover_view *v = &r->handover[r->nr_handovers++];

		*v = m->handover[i].view;
		v->request = take_rows(&m->handover[i].rows, &v->nr_requests);
		m->handover[i].view = (struct rs_handover_view){ .id = v->id };
	}
	qsort(r->handover, r->nr_handovers, sizeof(*r->handover), by_handover);
	return 0;
}

int rs_build_requests(struct rs_model *m, struct rs_result *r)
{
	struct rs_tally *t = &m->tally;
	int err;

	r->request = take_rows(&t->rows, &r->nr_requests);
	r->slow = t->slow;
	r->nr_slow = t->nr_slow;
	r->failure = t->failure;
	r->nr_failures = t->nr_failures;
	t->slow = NULL;
	t->failure = NULL;
	t->nr_slow = t->nr_failures = 0;
	err = take_handovers(m, r);
	if (!err)
		err = take_devices(m, r);
	return err ? err : take_flights(t, r);
}
