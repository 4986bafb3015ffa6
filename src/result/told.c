// SPDX-License-Identifier: GPL-2.0-only
/* What a recording that goes on has to tell: each update as it ends, and what is found, each as a result of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/ioctx.h"
#include "result/analysis.h"
#include "result/build.h"

/* A part of the model's and the engine's books, as if it were all of them. */
struct part {
	struct rs_model model;
	struct rs_engine engine;
	struct rs_update *update; /* NULL: findings alone */
};

static const struct rs_window_view *open_window(const struct rs_model *m, const struct rs_update *u,
						__u32 id)
{
	for (const struct rs_container *c = m->containers; c; c = c->hh.next)
		if (c->window && c->window->update == u && c->window->view.id == id)
			return &c->window->view;
	return NULL;
}

static const struct rs_window_view *window_of(const struct rs_model *m, const struct rs_update *u,
					      __u32 id)
{
	for (size_t i = 0; i < m->nr_windows; i++)
		if (m->window[i].id == id)
			return &m->window[i];
	return open_window(m, u, id);
}

/* Is that found of the update? After a window it is of the update that its container was in last. */
static bool is_of(const struct rs_model *m, const struct rs_update *u, const struct rs_finding *f)
{
	for (size_t i = 0; i < u->view.nr_handovers; i++)
		if (f->handover && f->handover == u->view.handovers[i])
			return true;
	for (size_t i = 0; i < u->view.nr_ioctxs; i++)
		if (!f->handover && f->ioctx == u->view.ioctxs[i] && f->at_ns >= u->view.start_ns)
			return true;
	for (size_t i = 0; i < u->view.nr_windows; i++) {
		const struct rs_window_view *w = window_of(m, u, u->view.window[i]);

		if (f->window ? f->window == u->view.window[i]
			      : w && f->container == w->container && f->at_ns >= u->view.start_ns)
			return true;
	}
	return false;
}

static bool under_way(const struct rs_model *m, const struct rs_finding *f)
{
	for (size_t i = 0; i < m->nr_updates; i++)
		if (!m->update[i]->told && is_of(m, m->update[i], f))
			return true;
	return false;
}

static int add_container(struct part *p, const struct rs_model *m, __u32 id)
{
	const struct rs_container_view *v = NULL;
	struct rs_container_view *grown;

	for (size_t i = 0; i < p->model.nr_past; i++)
		if (p->model.past[i].id == id)
			return 0;
	for (const struct rs_container *c = m->containers; c; c = c->hh.next)
		if (c->view.id == id)
			v = &c->view;
	for (size_t i = 0; i < m->nr_past && !v; i++)
		if (m->past[i].id == id)
			v = &m->past[i];
	if (!v)
		return 0;
	grown = rs_grow(p->model.past, p->model.nr_past, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->model.past = grown;
	p->model.past[p->model.nr_past++] = *v;
	return 0;
}

static int add_ioctx(struct part *p, const struct rs_model *m, __u32 id)
{
	const struct rs_ioctx_view *v = NULL;
	struct rs_ioctx_view *grown;

	for (size_t i = 0; i < p->model.nr_past_ioctxs; i++)
		if (p->model.past_ioctx[i].id == id)
			return 0;
	for (const struct rs_ioctx *x = m->ioctxs; x; x = x->hh.next)
		if (x->view.id == id)
			v = &x->view;
	for (size_t i = 0; i < m->nr_past_ioctxs && !v; i++)
		if (m->past_ioctx[i].id == id)
			v = &m->past_ioctx[i];
	if (!v)
		return 0;
	grown = rs_grow(p->model.past_ioctx, p->model.nr_past_ioctxs, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->model.past_ioctx = grown;
	grown[p->model.nr_past_ioctxs++] = *v;
	return 0;
}

/* The update's hand-overs leave the model. */
static int take_handovers(struct part *p, struct rs_model *m, const struct rs_update *u)
{
	size_t nr = 0;
	int err = 0;

	for (size_t i = 0; i < m->nr_handovers; i++) {
		struct rs_change *grown = NULL;

		if (!err && m->handover[i].view.update == u->view.id) {
			grown = rs_grow(p->model.handover, p->model.nr_handovers, sizeof(*grown));
			err = grown ? 0 : -ENOMEM;
		}
		if (!grown) {
			m->handover[nr++] = m->handover[i];
			continue;
		}
		p->model.handover = grown;
		grown[p->model.nr_handovers++] = m->handover[i];
	}
	m->nr_handovers = nr;
	for (size_t i = 0; i < u->view.nr_ioctxs && !err; i++)
		err = add_ioctx(p, m, u->view.ioctxs[i]);
	for (size_t i = 0; i < u->view.nr_containers && !err; i++)
		err = add_container(p, m, u->view.container[i]);
	return err;
}

static int copy_window(const struct rs_window_view *from, struct rs_window_view *to)
{
	int err = 0;

	*to = *from;
	to->nr_ranges = 0;
	to->range = calloc(from->nr_ranges + 1, sizeof(*to->range));
	if (!to->range)
		return -ENOMEM;
	for (size_t i = 0; i < from->nr_ranges && !err; i++) {
		struct rs_range_view *r = &to->range[to->nr_ranges++];

		*r = from->range[i];
		r->old_backing = r->new_backing = (struct rs_backing_list){ 0 };
		err = rs_backing_copy(&r->old_backing, &from->range[i].old_backing);
		if (!err)
			err = rs_backing_copy(&r->new_backing, &from->range[i].new_backing);
	}
	return err;
}

static struct rs_window_view *add_window(struct part *p)
{
	struct rs_window_view *grown =
		rs_grow(p->model.window, p->model.nr_windows, sizeof(*grown));

	if (!grown)
		return NULL;
	p->model.window = grown;
	grown += p->model.nr_windows++;
	*grown = (struct rs_window_view){ 0 };
	return grown;
}

/* Windows of an abandoned update stay open, in the model. */
static int copy_open_windows(struct part *p, const struct rs_model *m, const struct rs_update *u)
{
	int err = 0;

	for (const struct rs_container *c = m->containers; c && !err; c = c->hh.next) {
		struct rs_window_view *copy;

		if (!c->window || c->window->update != u)
			continue;
		copy = add_window(p);
		if (!copy)
			return -ENOMEM;
		err = copy_window(&c->window->view, copy);
		if (!err)
			err = add_container(p, m, c->view.id);
	}
	return err;
}

/* The update's closed windows leave the model. */
static int take_windows(struct part *p, struct rs_model *m, struct rs_update *u)
{
	size_t nr = 0;
	int err = 0;

	for (size_t i = 0; i < m->nr_windows; i++) {
		bool ours = m->window[i].update == u->view.id;
		struct rs_window_view *taken = ours && !err ? add_window(p) : NULL;

		if (!taken) {
			if (ours)
				err = -ENOMEM;
			m->window[nr++] = m->window[i];
			continue;
		}
		*taken = m->window[i];
		err = add_container(p, m, taken->container);
	}
	m->nr_windows = nr;
	return err ? err : copy_open_windows(p, m, u);
}

static int add_finding(struct part *p, const struct rs_model *m, const struct rs_finding *f)
{
	struct rs_finding *grown = rs_grow(p->engine.finding, p->engine.nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->engine.finding = grown;
	p->engine.finding[p->engine.nr++] = *f;
	if (f->ioctx && add_ioctx(p, m, f->ioctx))
		return -ENOMEM;
	return f->container ? add_container(p, m, f->container) : 0;
}

static __u64 *count_of(struct rs_engine *e, const struct rs_finding *f)
{
	for (size_t i = 0; i < e->table.nr; i++)
		if (e->table.rule[i].id == f->rule)
			return f->verdict == RS_VIOLATED ? &e->violations[i] : &e->unknowns[i];
	return NULL;
}

static void count(struct rs_engine *e)
{
	memset(e->violations, 0, sizeof(e->violations));
	memset(e->unknowns, 0, sizeof(e->unknowns));
	for (size_t i = 0; i < e->nr; i++) {
		__u64 *n = count_of(e, &e->finding[i]);

		if (n)
			++*n;
	}
}

/* What was only counted is told with the first that is listed of its rule; there is no telling of which it was. */
static void share_counts(struct rs_engine *e, struct rs_engine *part)
{
	struct rs_engine listed = *e;

	count(&listed);
	count(part);
	for (size_t i = 0; i < e->table.nr; i++) {
		__u64 *told[] = { &part->violations[i], &part->unknowns[i] };
		__u64 *all[] = { &e->violations[i], &e->unknowns[i] };
		__u64 left[] = { listed.violations[i], listed.unknowns[i] };

		for (size_t k = 0; k < 2; k++) {
			if (!*told[k])
				continue;
			*told[k] = *all[k] - left[k];
			*all[k] = left[k];
		}
	}
}

/* The findings that leave the engine: those of the part's update, or those of none that is under way. */
static int take_findings(struct part *p, const struct rs_model *m, struct rs_engine *e)
{
	size_t nr = 0;
	int err = 0;

	for (size_t i = 0; i < e->nr; i++) {
		bool take = p->update ? is_of(m, p->update, &e->finding[i])
				      : !under_way(m, &e->finding[i]);

		if (take && !err)
			err = add_finding(p, m, &e->finding[i]);
		if (!take || err)
			e->finding[nr++] = e->finding[i];
	}
	e->nr = nr;
	share_counts(e, &p->engine);
	return err;
}

static int copy_finding(const struct rs_finding *f, struct rs_finding *to)
{
	*to = *f;
	to->nr_events = 0;
	to->replay = NULL;
	to->text = strdup(f->text);
	to->expected = strdup(f->expected);
	to->event = calloc(f->nr_events + 1, sizeof(*to->event));
	to->step = malloc((f->nr_steps + 1) * sizeof(*to->step));
	to->range = malloc((f->nr_ranges + 1) * sizeof(*to->range));
	if (!to->text || !to->expected || !to->event || !to->step || !to->range)
		return -ENOMEM;
	memcpy(to->step, f->step, f->nr_steps * sizeof(*to->step));
	if (f->nr_ranges)
		memcpy(to->range, f->range, f->nr_ranges * sizeof(*to->range));
	for (size_t i = 0; i < f->nr_events; i++) {
		to->event[i] = malloc(f->event[i]->size);
		if (!to->event[i])
			return -ENOMEM;
		memcpy(to->event[i], f->event[i], f->event[i]->size);
		to->nr_events++;
	}
	return 0;
}

/* Violations of updates that are under way: copies, for the update has them too when it ends. */
static int raise_findings(struct part *p, const struct rs_model *m, struct rs_engine *e)
{
	int err = 0;

	for (size_t i = 0; i < e->nr && !err; i++) {
		struct rs_finding *f = &e->finding[i], copy;

		if (f->told || f->verdict != RS_VIOLATED || !under_way(m, f))
			continue;
		f->told = true;
		err = copy_finding(f, &copy);
		if (!err)
			err = add_finding(p, m, &copy);
		if (err)
			rs_finding_free(&copy);
	}
	count(&p->engine);
	return err;
}

static void begin_part(const struct rs_build *b, struct rs_update *u, struct part *p)
{
	p->update = u;
	p->model = *b->model;
	p->model.update = &p->update;
	p->model.nr_updates = u ? 1 : 0;
	p->model.window = NULL;
	p->model.past = NULL;
	p->model.nr_windows = p->model.nr_past = 0;
	p->model.past_ioctx = NULL;
	p->model.handover = NULL;
	p->model.refusal = NULL;
	p->model.area = NULL;
	p->model.nr_past_ioctxs = p->model.nr_handovers = 0;
	p->model.nr_refusals = p->model.nr_areas = 0;
	p->model.tally = (struct rs_tally){ 0 };
	p->engine = (struct rs_engine){ .table = b->engine->table };
	memcpy(p->engine.on, b->engine->on, sizeof(p->engine.on));
	memcpy(p->engine.instances, b->engine->instances, sizeof(p->engine.instances));
}

/* What the result has not taken, because there was no memory for it. */
static void end_part(struct part *p)
{
	for (size_t i = 0; i < p->engine.nr; i++)
		rs_finding_free(&p->engine.finding[i]);
	free(p->engine.finding);
	free(p->model.past);
	for (size_t i = 0; i < p->model.nr_windows; i++)
		rs_window_view_free(&p->model.window[i]);
	free(p->model.window);
	free(p->model.past_ioctx);
	rs_changes_free(p->model.handover, p->model.nr_handovers);
}

/* @err: of making the part */
static int tell_part(const struct rs_build *b, const struct rs_listener *l, struct part *p, int err)
{
	struct rs_build part = *b;
	struct rs_result *r = NULL;
	json_t *end = NULL;

	if (!err && l->so_far && !b->end)
		end = l->so_far(l->ctx);
	if (end)
		part.end = end;
	part.model = &p->model;
	part.engine = &p->engine;
	if (!p->update)
		part.budget = NULL;
	if (!err)
		err = rs_build_result(&part, &r);
	if (!err)
		err = l->told(l->ctx, r);
	rs_result_free(r);
	json_decref(end);
	end_part(p);
	return err;
}

static int tell_update(const struct rs_build *b, const struct rs_listener *l, struct rs_update *u)
{
	struct part p;
	int err;

	begin_part(b, u, &p);
	/* Its windows tell which findings are its own. */
	err = take_findings(&p, b->model, b->engine);
	if (!err)
		err = take_windows(&p, b->model, u);
	if (!err)
		err = take_handovers(&p, b->model, u);
	u->told = true;
	err = tell_part(b, l, &p, err);
	return err;
}

static int tell_findings(const struct rs_build *b, const struct rs_listener *l,
			 int (*take)(struct part *p, const struct rs_model *m, struct rs_engine *e))
{
	struct part p;
	int err;

	begin_part(b, NULL, &p);
	err = take(&p, b->model, b->engine);
	if (!err && !p.engine.nr) {
		end_part(&p);
		return 0;
	}
	return tell_part(b, l, &p, err);
}

int rs_tell(const struct rs_build *b, const struct rs_listener *l, __u64 now)
{
	struct rs_model *m = b->model;
	int err = tell_findings(b, l, raise_findings);

	for (size_t i = 0; i < m->nr_updates; i++)
		m->update[i]->told |= rs_update_void(m->update[i]);
	for (size_t i = 0; i < m->nr_updates && !err; i++)
		if (now == UINT64_MAX ? !m->update[i]->told : rs_update_over(m->update[i], now))
			err = tell_update(b, l, m->update[i]);
	if (!err)
		err = tell_findings(b, l, take_findings);
	if (!err)
		rs_model_forget(m, now);
	return err;
}
