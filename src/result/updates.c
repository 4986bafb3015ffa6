// SPDX-License-Identifier: GPL-2.0-only
/* Where an update's time went. */
#include <errno.h>
#include <stdlib.h>
#include "result/build.h"

static void add_phase(struct rs_update_view *u, const char *name, __u64 from, __u64 to)
{
	if (to <= from || u->nr_phases == RS_PHASES_MAX)
		return;
	u->phase[u->nr_phases++] = (struct rs_phase){ name, from, to - from };
}

/* Windows are in the order of their ids, which in an excerpt have gaps. */
static const struct rs_window_view *window_of(const struct rs_result *r, __u32 id)
{
	const struct rs_window_view *w = r->window;

	if (id <= r->nr_windows && w[id - 1].id == id)
		return &w[id - 1];
	while (w->id != id)
		w++;
	return w;
}

/* From the update's first invalidation to its last remap, without a gap. */
static void split(const struct rs_result *r, struct rs_update_view *u)
{
	__u64 invalidated = u->start_ns, remap = UINT64_MAX;

	for (size_t i = 0; i < u->nr_windows; i++) {
		const struct rs_window_view *w = window_of(r, u->window[i]);

		for (size_t k = 0; k < w->nr_ranges; k++) {
			const struct rs_range_view *v = &w->range[k];

			if (v->invalid_ns > invalidated)
				invalidated = v->invalid_ns;
			if (v->state == RS_STATE_REMAPPED && v->valid_ns - v->remap_len < remap)
				remap = v->valid_ns - v->remap_len;
		}
	}
	add_phase(u, "invalidate", u->start_ns, invalidated);
	if (remap == UINT64_MAX) {
		if (u->exec_ns) {
			add_phase(u, "exec", invalidated, u->exec_ns);
			add_phase(u, "restart", u->exec_ns, u->end_ns);
		} else {
			add_phase(u, "open", invalidated, u->end_ns);
		}
		return;
	}
	if (u->exec_ns > invalidated && u->exec_ns < remap) {
		add_phase(u, "exec", invalidated, u->exec_ns);
		add_phase(u, "restart", u->exec_ns, remap);
	} else {
		add_phase(u, u->handover == RS_HANDOVER_NONE ? "between" : "hand-over", invalidated,
			  remap);
	}
	add_phase(u, "remap", remap, u->end_ns);
}

/* Only an update that is over, and gave at least one range its vaddr back, had a blackout of known length. */
static void set_blackout(const struct rs_result *r, struct rs_update_view *u)
{
	__u64 last = 0;

	for (size_t i = 0; i < u->nr_windows; i++) {
		const struct rs_window_view *w = window_of(r, u->window[i]);

		for (size_t k = 0; k < w->nr_ranges; k++)
			if (w->range[k].state == RS_STATE_REMAPPED && w->range[k].valid_ns > last)
				last = w->range[k].valid_ns;
	}
	if (!u->end_ns || last <= u->start_ns)
		return;
	u->blackout_len = last - u->start_ns;
	u->blackout_from = "windows";
}

int rs_build_updates(const struct rs_build *b, struct rs_result *r)
{
	struct rs_model *m = b->model;

	r->update = calloc(m->nr_updates + 1, sizeof(*r->update));
	if (!r->update)
		return -ENOMEM;
	for (size_t i = 0; i < m->nr_updates; i++) {
		struct rs_update *u = m->update[i];

		r->update[r->nr_updates++] = u->view;
		u->view.window = NULL;
		if (u->open)
			r->update[i].end_ns = 0;
		split(r, &r->update[i]);
		set_blackout(r, &r->update[i]);
	}
	return 0;
}
