// SPDX-License-Identifier: GPL-2.0-only
/* Windows that belong together: one update. */
#include <errno.h>
#include <stdlib.h>
#include "model/model.h"

/*
 * The update of @opener that a window which begins at @ts belongs to. Its earlier updates had ended before
 * its last one began: that one tells.
 */
static struct rs_update *last_update(const struct rs_model *m, __u32 opener, __u64 ts)
{
	for (size_t i = m->nr_updates; i-- > 0;) {
		struct rs_update *u = m->update[i];

		if (u->view.from.tgid == opener)
			return u->open || ts <= u->view.end_ns ? u : NULL;
	}
	return NULL;
}

static struct rs_update *add_update(struct rs_model *m, const struct rs_window_view *w)
{
	struct rs_update **grown = rs_grow(m->update, m->nr_updates, sizeof(*grown)), *u;

	if (!grown)
		return NULL;
	m->update = grown;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	grown[m->nr_updates++] = u;
	u->view.id = rs_model_id(m, RS_NR_UPDATE, ++m->next_update);
	u->view.from = w->opener;
	u->view.start_ns = w->open_ns;
	return u;
}

int rs_update_join(struct rs_model *m, struct rs_window *w)
{
	struct rs_update *u = last_update(m, w->view.opener.tgid, w->view.open_ns);
	__u32 *grown;

	if (!u)
		u = add_update(m, &w->view);
	grown = u ? rs_grow(u->view.window, u->view.nr_windows, sizeof(*grown)) : NULL;
	if (!grown)
		return -ENOMEM;
	u->view.window = grown;
	grown[u->view.nr_windows++] = w->view.id;
	u->open++;
	u->told = false;
	w->update = u;
	w->view.update = u->view.id;
	/* Of a window that was found open, the begin is earlier than now. */
	for (size_t i = m->nr_execs; i-- > 0 && m->exec[i].ts >= w->view.open_ns && !w->exec_ns;)
		if (m->exec[i].tgid == w->view.opener.tgid)
			w->exec_ns = m->exec[i].ts;
	return 0;
}

void rs_update_exec(struct rs_model *m, __u32 tgid, __u64 ts)
{
	for (struct rs_container *c = m->containers; c; c = c->hh.next)
		if (c->window && c->window->view.opener.tgid == tgid)
			c->window->exec_ns = ts;
}

void rs_update_leave(struct rs_window *w)
{
	struct rs_update_view *u = &w->update->view;
	const struct rs_window_view *v = &w->view;

	/* One that the recording does not see close stays open, and the update has no end. */
	if (v->end != RS_WINDOW_OPEN)
		w->update->open--;
	if (v->close_ns > u->end_ns)
		u->end_ns = v->close_ns;
	if (v->end == RS_WINDOW_REMAPPED || !u->to.tgid)
		u->to = v->closer;
	if (w->exec_ns) {
		u->exec_ns = w->exec_ns;
		u->handover = RS_HANDOVER_EXEC;
	} else if (v->end == RS_WINDOW_REMAPPED && v->closer.tgid != v->opener.tgid) {
		u->handover = RS_HANDOVER_OTHER;
	}
}

void rs_update_free(struct rs_update *u)
{
	rs_object_free(&u->obj);
	free(u->view.window);
	free(u);
}

void rs_updates_free(struct rs_model *m)
{
	for (size_t i = 0; i < m->nr_updates; i++)
		rs_update_free(m->update[i]);
	free(m->update);
}
