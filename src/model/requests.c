// SPDX-License-Identifier: GPL-2.0-only
/* What requests cost, by the path that served them (include/remapscope/path.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/model.h"

static struct rs_request_row *row_of(struct rs_tally *t, const struct rs_slow *s, enum rs_path path)
{
	enum rs_reason reason = path == s->path ? s->reason : RS_REASON_NONE;
	struct rs_request_row *row;

	for (size_t i = 0; i < t->nr_rows; i++) {
		row = &t->row[i];
		if (!strcmp(row->op, s->op) && row->path == path && row->reason == reason &&
		    row->in_window == s->in_window)
			return row;
	}
	row = rs_grow(t->row, t->nr_rows, sizeof(*row));
	if (!row)
		return NULL;
	t->row = row;
	row += t->nr_rows;
	*row = (struct rs_request_row){
		.op = s->op,
		.path = path,
		.reason = reason,
		.in_window = s->in_window,
	};
	row->latency = calloc(RS_LAT_NR, sizeof(*row->latency));
	if (!row->latency)
		return NULL;
	t->nr_rows++;
	return row;
}

int rs_tally_add(struct rs_model *m, const struct rs_slow *s, const __u64 pages[RS_PATH_NR])
{
	struct rs_tally *t = &m->tally;
	size_t at;

	for (int path = 0; path < RS_PATH_NR; path++) {
		struct rs_request_row *row;

		if (path != (int)s->path && !pages[path])
			continue;
		row = row_of(t, s, path);
		if (!row)
			return -ENOMEM;
		row->requests++;
		row->pages += pages[path];
		if (path != (int)s->path)
			continue;
		rs_hist_add(&row->latency[RS_LAT_TOTAL], s->len);
		rs_hist_add(&row->latency[RS_LAT_WAIT], s->wait_len);
		rs_hist_add(&row->latency[RS_LAT_WORK], s->len - s->wait_len);
	}
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
