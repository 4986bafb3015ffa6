// SPDX-License-Identifier: GPL-2.0-only
/* Requests that wait for a vaddr: from when they begin to until they return. */
#include <errno.h>
#include <stdlib.h>
#include "model/model.h"

static struct rs_waiter *find(const struct rs_model *m, __u64 req)
{
	struct rs_waiter *w;

	HASH_FIND(hh, m->waiters, &req, sizeof(req), w);
	return w;
}

static void drop(struct rs_model *m, struct rs_waiter *w)
{
	HASH_DEL(m->waiters, w);
	rs_object_free(&w->obj);
	free(w);
}

int rs_wait_begins(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_wait x;
	struct rs_waiter *w;

	rs_event_read(&x, sizeof(x), ev);
	if (!x.req || !x.container || find(m, x.req))
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->req = x.req;
	w->ev = x;
	w->container = rs_container_get(m, x.container, ev->ts);
	if (!w->container) {
		free(w);
		return -ENOMEM;
	}
	HASH_FIND(hh, m->devices, &x.device, sizeof(x.device), w->device);
	HASH_ADD(hh, m->waiters, req, sizeof(w->req), w);
	return rs_note(m, (struct rs_note){ .type = RS_N_WAITS,
					    .ts = ev->ts,
					    .ev = ev,
					    .container = w->container,
					    .device = w->device,
					    .waiter = w,
					    .by = ev->tgid });
}

void rs_wait_over(struct rs_model *m, __u64 req)
{
	struct rs_waiter *w = m->waiters ? find(m, req) : NULL;

	if (w)
		drop(m, w);
}

void rs_waits_forget(struct rs_model *m, const struct rs_container *c)
{
	struct rs_waiter *w, *next;

	HASH_ITER(hh, m->waiters, w, next)
	{
		if (!c || w->container == c)
			drop(m, w);
	}
}
