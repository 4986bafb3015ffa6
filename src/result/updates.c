// SPDX-License-Identifier: GPL-2.0-only
/* Windows that belong together, and where their time went. */
#include <errno.h>
#include <stdlib.h>
#include "result/build.h"

static bool overlap(const struct rs_update_view *u, const struct rs_window_view *w)
{
	return !u->end_ns || w->open_ns <= u->end_ns;
}

/* The last exec of the opener inside the window, 0 for none. */
static __u64 exec_inside(const struct rs_model *m, const struct rs_window_view *w)
{
	__u64 at = 0;

	for (size_t i = 0; i < m->nr_execs; i++)
		if (m->exec[i].tgid == w->opener.tgid && m->exec[i].ts >= w->open_ns &&
		    (!w->close_ns || m->exec[i].ts <= w->close_ns))
			at = m->exec[i].ts;
	return at;
}

static int add_window(const struct rs_build *b, struct rs_update_view *u, struct rs_window_view *w)
{
	__u32 *grown = rs_grow(u->window, u->nr_windows, sizeof(*grown));
	__u64 exec = exec_inside(b->model, w);

	if (!grown)
		return -ENOMEM;
	u->window = grown;
	u->window[u->nr_windows++] = w->id;
	w->update = u->id;
	if (!w->close_ns || (u->end_ns && w->close_ns > u->end_ns))
		u->end_ns = w->close_ns;
	if (exec)
		u->exec_ns = exec;
	if (w->end == RS_WINDOW_REMAPPED)
		u->to = w->closer;
	if (exec)
		u->handover = RS_HANDOVER_EXEC;
	else if (w->end == RS_WINDOW_REMAPPED && w->closer.tgid != w->opener.tgid)
		u->handover = RS_HANDOVER_OTHER;
	return 0;
}

static void add_phase(struct rs_update_view *u, const char *name, __u64 from, __u64 to)
{
	if (to <= from || u->nr_phases == RS_PHASES_MAX)
		return;
	u->phase[u->nr_phases++] = (struct rs_phase){ name, from, to - from };
}

/* From the update's first invalidation to its last remap, without a gap. */
static void split(const struct rs_result *r, struct rs_update_view *u)
{
	__u64 invalidated = u->start_ns, remap = UINT64_MAX;

	for (size_t i = 0; i < u->nr_windows; i++) {
		const struct rs_window_view *w = &r->window[u->window[i] - 1];

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
		const struct rs_window_view *w = &r->window[u->window[i] - 1];

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
	int err = 0;

	/* In the order of their begin: ids are. */
	for (size_t i = 0; i < r->nr_windows && !err; i++) {
		struct rs_window_view *w = &r->window[i];
		struct rs_update_view *u = NULL, *grown;

		for (size_t k = 0; k < r->nr_updates && !u; k++)
			if (r->update[k].from.tgid == w->opener.tgid && overlap(&r->update[k], w))
				u = &r->update[k];
		if (!u) {
			grown = rs_grow(r->update, r->nr_updates, sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			r->update = grown;
			u = &grown[r->nr_updates];
			*u = (struct rs_update_view){
				.id = ++r->nr_updates,
				.from = w->opener,
				.to = w->closer,
				.start_ns = w->open_ns,
				.end_ns = w->close_ns,
			};
		}
		err = add_window(b, u, w);
	}
	for (size_t i = 0; i < r->nr_updates; i++) {
		split(r, &r->update[i]);
		set_blackout(r, &r->update[i]);
	}
	return err;
}
