// SPDX-License-Identifier: GPL-2.0-only
/* What requests cost, by the path that served them (include/remapscope/path.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/model.h"

const struct rs_request_row *rs_rows_find(const struct rs_rows *rows,
					  const struct rs_request_row *kind)
{
	for (size_t i = 0; i < rows->nr; i++) {
		const struct rs_request_row *row = &rows->row[i];

		/* The names are rs_request_name()'s: the same one has the same address. */
		if (row->op == kind->op && row->path == kind->path && row->reason == kind->reason &&
		    row->in_window == kind->in_window)
			return row;
	}
	return NULL;
}

struct rs_request_row *rs_rows_get(struct rs_rows *rows, const struct rs_request_row *kind)
{
	const struct rs_request_row *known = rs_rows_find(rows, kind);
	struct rs_request_row *row;

	if (known)
		return &rows->row[known - rows->row];
	row = rs_grow(rows->row, rows->nr, sizeof(*row));
	if (!row)
		return NULL;
	rows->row = row;
	row += rows->nr;
	*row = (struct rs_request_row){
		.op = kind->op,
		.path = kind->path,
		.reason = kind->reason,
		.in_window = kind->in_window,
		.latency = calloc(RS_LAT_NR, sizeof(*row->latency)),
	};
	if (!row->latency)
		return NULL;
	rows->nr++;
	return row;
}

void rs_rows_free(struct rs_rows *rows)
{
	for (size_t i = 0; i < rows->nr; i++)
		free(rows->row[i].latency);
	free(rows->row);
	*rows = (struct rs_rows){ 0 };
}

int rs_rows_add(struct rs_rows *rows, const struct rs_slow *s, const __u64 pages[RS_PATH_NR])
{
	for (int path = 0; path < RS_PATH_NR; path++) {
		bool main = path == (int)s->path;
		struct rs_request_row *row, kind = {
			.op = s->op,
			.path = path,
			.reason = main ? s->reason : RS_REASON_NONE,
			.in_window = s->in_window,
		};

		if (!main && !pages[path])
			continue;
		row = rs_rows_get(rows, &kind);
		if (!row)
			return -ENOMEM;
		row->requests++;
		row->pages += pages[path];
		if (!main)
			continue;
		rs_hist_add(&row->latency[RS_LAT_TOTAL], s->len);
		rs_hist_add(&row->latency[RS_LAT_WAIT], s->wait_len);
		rs_hist_add(&row->latency[RS_LAT_WORK], s->len - s->wait_len);
	}
	return 0;
}

int rs_tally_add(struct rs_model *m, struct rs_device *d, const struct rs_slow *s,
		 const __u64 pages[RS_PATH_NR])
{
	struct rs_tally *t = &m->tally;
	int err = 0;
	size_t at;

	/* Armed, the kernel's own counts are the only ones that have all requests. */
	if (m->mode != RS_MODE_ARMED) {
		err = rs_rows_add(&t->rows, s, pages);
		if (!err && d)
			err = rs_rows_add(&d->rows, s, pages);
	}
	if (err)
		return err;
	if (!t->slow) {
		t->slow = calloc(RS_SLOW_MAX, sizeof(*t->slow));
		if (!t->slow)
			return -ENOMEM;
	}
	for (at = t->nr_slow; at && t->slow[at - 1].len < s->len; at--)
		;
	if (at == RS_SLOW_MAX)
		return 0;
	if (t->nr_slow < RS_SLOW_MAX)
		t->nr_slow++;
	memmove(t->slow + at + 1, t->slow + at, (t->nr_slow - at - 1) * sizeof(*t->slow));
	t->slow[at] = *s;
	return 0;
}

void rs_request_cost(struct rs_model *m, const struct rs_ev_request *rq, struct rs_slow *s,
		     struct rs_paths *paths)
{
	const struct rs_container *c;
	const struct rs_device *d;

	rs_request_paths(rq, paths);
	*s = (struct rs_slow){
		.op = rs_request_name(rq->request <= RS_REQ_WRITE ? rq->request : 0),
		.path = paths->path,
		.reason = paths->reason,
		.in_window = rq->op.invalid_before > 0,
		.iova = rq->iova,
		.size = rq->len,
		.start_ns = rq->op.start_ns,
		.len = rq->h.ts - rq->op.start_ns,
		.proc = rs_proc_ref(m, rq->h.tgid),
	};
	if (rq->work_ns > rq->op.start_ns && rq->work_ns <= rq->h.ts)
		s->wait_len = rq->work_ns - rq->op.start_ns;
	c = rs_container_find(m, (struct rs_key){ rq->op.container, rq->ioas });
	if (c)
		s->container = c->view.id;
	HASH_FIND(hh, m->devices, &rq->device, sizeof(d->key), d);
	if (d)
		s->device = d->view.id;
}

int rs_tally_failure(struct rs_model *m, const struct rs_failure *f)
{
	struct rs_tally *t = &m->tally;
	struct rs_failure *grown;

	for (size_t i = 0; i < t->nr_failures; i++)
		if (t->failure[i].err == f->err && !strcmp(t->failure[i].call, f->call)) {
			t->failure[i].count++;
			return 0;
		}
	grown = rs_grow(t->failure, t->nr_failures, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->failure = grown;
	t->failure[t->nr_failures] = *f;
	t->failure[t->nr_failures++].count = 1;
	return 0;
}

/* Told after the fact: it was counted when it happened, and is only shown. */
int rs_tally_flight(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_tally *t = &m->tally;
	struct rs_paths paths;
	struct rs_ev_flight x;
	struct rs_flight *f;

	rs_event_read(&x, sizeof(x), ev);
	f = rs_grow(t->flight, t->nr_flights, sizeof(*f));
	if (!f)
		return -ENOMEM;
	t->flight = f;
	f += t->nr_flights++;
	*f = (struct rs_flight){ .req = x.request.op.req, .end_ns = x.request.h.ts };
	rs_request_cost(m, &x.request, &f->view.request, &paths);
	if (x.request.op.ret < 0)
		f->view.err = rs_errno(x.request.op.ret);
	return 0;
}
