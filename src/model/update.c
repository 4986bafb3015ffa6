// SPDX-License-Identifier: GPL-2.0-only
/* Windows that belong together: one update; who takes part in it, and what its guest does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/guest.h"
#include "model/ioctx.h"

/*
 * The update of @opener that a window which begins at @ts belongs to. Its earlier updates had ended before
 * its last one began: that one tells. After one that was abandoned everything is a new attempt.
 */
static struct rs_update *last_update(const struct rs_model *m, __u32 opener, __u64 ts)
{
	for (size_t i = m->nr_updates; i-- > 0;) {
		struct rs_update *u = m->update[i];

		if (u->view.from.tgid == opener)
			return !u->view.abandoned_ns && (u->open || ts <= u->view.end_ns) ? u
											  : NULL;
	}
	return NULL;
}

static struct rs_update *add_update(struct rs_model *m, const struct rs_proc_ref *from, __u64 ts)
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
	u->view.from = *from;
	u->view.start_ns = ts;
	u->own.tgid = from->tgid;
	return u;
}

static struct rs_heir *find_heir(struct rs_update *u, __u32 tgid)
{
	for (size_t i = 0; i < u->nr_heirs; i++)
		if (u->heir[i].tgid == tgid && !u->heir[i].gone)
			return &u->heir[i];
	return u->own.tgid == tgid && !u->own.gone ? &u->own : NULL;
}

bool rs_update_has(const struct rs_update *u, __u32 tgid)
{
	return find_heir((struct rs_update *)u, tgid);
}

struct rs_update *rs_update_by(const struct rs_model *m, __u32 tgid)
{
	for (size_t i = m->nr_updates; i-- > 0;)
		if (rs_update_has(m->update[i], tgid))
			return m->update[i];
	return NULL;
}

struct rs_heir *rs_update_heir(struct rs_update *u, __u32 tgid)
{
	struct rs_heir *grown, *known = find_heir(u, tgid);

	if (known)
		return known;
	grown = rs_grow(u->heir, u->nr_heirs, sizeof(*grown));
	if (!grown)
		return NULL;
	u->heir = grown;
	grown += u->nr_heirs++;
	*grown = (struct rs_heir){ .tgid = tgid };
	return grown;
}

int rs_update_remapped(struct rs_update *u, __u32 tgid)
{
	u->remapper = tgid;
	return rs_update_heir(u, tgid) ? 0 : -ENOMEM;
}

static bool has_id(const __u32 *ids, size_t nr, __u32 id)
{
	for (size_t i = 0; i < nr; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool has_container(const struct rs_update *u, __u32 id)
{
	return has_id(u->view.container, u->view.nr_containers, id);
}

static int add_id(__u32 **ids, size_t *nr, __u32 id)
{
	__u32 *grown = rs_grow(*ids, *nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*ids = grown;
	grown[(*nr)++] = id;
	return 0;
}

/* What was seen of the container before its window goes first. */
static int take_marks(struct rs_update *u, struct rs_container *c)
{
	int err = 0;

	for (size_t i = 0; i < c->nr_marks && !err; i++) {
		struct rs_mark_view *grown =
			rs_grow(u->view.mark, u->view.nr_marks, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		u->view.mark = grown;
		grown[u->view.nr_marks++] = c->mark[i];
	}
	c->nr_marks = 0;
	return err;
}

int rs_update_join(struct rs_model *m, struct rs_container *c)
{
	struct rs_window *w = c->window;
	struct rs_update *u = last_update(m, w->view.opener.tgid, w->view.open_ns);
	int err;

	if (!u)
		u = add_update(m, &w->view.opener, w->view.open_ns);
	if (!u || add_id(&u->view.window, &u->view.nr_windows, w->view.id))
		return -ENOMEM;
	if (!has_container(u, c->view.id) &&
	    add_id(&u->view.container, &u->view.nr_containers, c->view.id))
		return -ENOMEM;
	u->open++;
	u->told = false;
	w->update = u;
	w->view.update = u->view.id;
	/* Of a window that was found open, the begin is earlier than now. */
	for (size_t i = m->nr_execs; i-- > 0 && m->exec[i].ts >= w->view.open_ns && !w->exec_ns;)
		if (m->exec[i].tgid == w->view.opener.tgid)
			w->exec_ns = m->exec[i].ts;
	u->exec |= w->exec_ns != 0;
	err = take_marks(u, c);
	return err ? err : rs_guest_opened(m, c->key.object, u);
}

static int add_ioas(struct rs_update *u, struct rs_container *c)
{
	int err = take_marks(u, c);

	if (err || has_container(u, c->view.id))
		return err;
	return add_id(&u->view.container, &u->view.nr_containers, c->view.id);
}

int rs_update_join_handover(struct rs_model *m, struct rs_ioctx *x)
{
	struct rs_handover_view *h = &x->change->view;
	struct rs_update *u = last_update(m, h->from.tgid, h->start_ns);
	int err;

	if (!u)
		u = add_update(m, &h->from, h->start_ns);
	if (!u || add_id(&u->view.handovers, &u->view.nr_handovers, h->id))
		return -ENOMEM;
	if (!has_id(u->view.ioctxs, u->view.nr_ioctxs, x->view.id) &&
	    add_id(&u->view.ioctxs, &u->view.nr_ioctxs, x->view.id))
		return -ENOMEM;
	u->open++;
	u->told = false;
	x->change->update = x->last = u;
	h->update = u->view.id;
	err = rs_guest_opened(m, x->key, u);
	for (size_t i = 0; i < x->nr && !err; i++)
		err = add_ioas(u, x->ioas[i]);
	return err;
}

void rs_update_exec(struct rs_model *m, __u32 tgid, __u64 ts)
{
	for (struct rs_container *c = m->containers; c; c = c->hh.next)
		if (c->window && c->window->view.opener.tgid == tgid) {
			c->window->exec_ns = ts;
			c->window->update->exec = true;
		}
	for (struct rs_ioctx *x = m->ioctxs; x; x = x->hh.next)
		if (x->change && x->change->view.from.tgid == tgid)
			x->change->update->exec = true;
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

void rs_update_handed(struct rs_change *h)
{
	struct rs_update_view *u = &h->update->view;
	const struct rs_handover_view *v = &h->view;
	bool other = v->end == RS_HANDED_OVER && v->to.tgid != v->from.tgid;

	if (v->end != RS_HANDED_OPEN)
		h->update->open--;
	if (v->end_ns > u->end_ns)
		u->end_ns = v->end_ns;
	if (v->end == RS_HANDED_OVER || !u->to.tgid)
		u->to = v->to;
	if (other) {
		u->handover = RS_HANDOVER_OTHER;
	} else if (h->update->exec && v->left_ns) {
		u->exec_ns = v->left_ns;
		u->handover = RS_HANDOVER_EXEC;
	}
}

bool rs_update_void(const struct rs_update *u)
{
	return !u->open && !u->view.nr_windows && !u->view.nr_handovers;
}

bool rs_update_stands_still(const struct rs_update *u)
{
	return !u->run_ns && !u->view.abandoned_ns && rs_update_stood_still(&u->view);
}

struct rs_update *rs_update_of(const struct rs_model *m, const struct rs_container *c)
{
	if (c->window)
		return c->window->update;
	if (c->ioctx)
		return rs_ioctx_update(m, c->ioctx);
	for (size_t i = m->nr_updates; i-- > 0;)
		if (has_container(m->update[i], c->view.id))
			return rs_update_stands_still(m->update[i]) ? m->update[i] : NULL;
	return NULL;
}

/* How many ranges are left without a vaddr; and of how many that lost it. */
static __u32 invalid_ranges(const struct rs_model *m, const struct rs_update *u, __u32 *all)
{
	__u32 invalid = 0;

	*all = 0;
	for (size_t i = 0; i < m->nr_windows; i++)
		if (m->window[i].update == u->view.id)
			*all += m->window[i].nr_ranges;
	for (const struct rs_container *c = m->containers; c; c = c->hh.next) {
		if (!c->window || c->window->update != u)
			continue;
		*all += c->window->view.nr_ranges + c->window->unseen;
		invalid += c->window->invalid + c->window->unseen;
	}
	return invalid;
}

static struct rs_vcpu_view *add_vcpu(struct rs_update *u, __u64 key, __u32 id)
{
	struct rs_vcpu_view *grown = rs_grow(u->view.vcpu, u->view.nr_vcpus, sizeof(*grown));
	__u64 *keys;

	if (!grown)
		return NULL;
	u->view.vcpu = grown;
	keys = rs_grow(u->vcpu_key, u->view.nr_vcpus, sizeof(*keys));
	if (!keys)
		return NULL;
	u->vcpu_key = keys;
	keys[u->view.nr_vcpus] = key;
	grown += u->view.nr_vcpus++;
	*grown = (struct rs_vcpu_view){ .id = id };
	return grown;
}

static struct rs_vcpu_view *old_vcpu(const struct rs_update *u, __u64 key)
{
	for (size_t i = 0; i < u->view.nr_vcpus; i++)
		if (u->vcpu_key[i] == key)
			return &u->view.vcpu[i];
	return NULL;
}

int rs_update_told(struct rs_update *u, const struct rs_vcpu *v)
{
	struct rs_vcpu_view *seen = old_vcpu(u, v->key);
	struct rs_ev_vcpu x;

	rs_event_read(&x, sizeof(x), &v->told->ev);
	if (u->told || u->view.abandoned_ns || !x.runs)
		return 0;
	if (!seen)
		seen = add_vcpu(u, v->key, x.id);
	if (!seen)
		return -ENOMEM;
	seen->old_vm = v->vm;
	seen->inside |= (x.flags & RS_VCPUF_INSIDE) != 0;
	seen->stop_ns = x.flags & RS_VCPUF_INSIDE ? 0 : x.exit_ns;
	/* Between two invalidations it has run: only the last pause counts. */
	seen->run_ns = 0;
	seen->new_vm = 0;
	u->run_ns = 0;
	return 0;
}

/* The place of a vCPU of the new guest: the old one's with the same id. NULL: it has none */
static struct rs_vcpu_view *new_vcpu(const struct rs_update *u, __u32 id)
{
	for (size_t i = 0; i < u->view.nr_vcpus; i++)
		if (u->view.vcpu[i].id == id && !u->view.vcpu[i].run_ns)
			return &u->view.vcpu[i];
	return NULL;
}

/* One that comes when the guest has long been running is not of the update. */
static bool comes_late(const struct rs_update *u)
{
	for (size_t i = 0; i < u->view.nr_vcpus && u->run_ns; i++)
		if (u->vcpu_key[i])
			return true;
	return false;
}

static void abandon(const struct rs_model *m, struct rs_update *u, __u64 ts)
{
	u->view.abandoned_ns = ts;
	u->view.invalid = invalid_ranges(m, u, &u->view.ranges);
}

int rs_update_runs(struct rs_model *m, struct rs_update *u, const struct rs_vcpu *v,
		   const struct rs_ev_vcpu *x, bool inside)
{
	__u64 ts = x->enter_ns && x->enter_ns < x->h.ts ? x->enter_ns : x->h.ts;
	bool old = u->view.from.tgid == v->tgid && !u->exec;
	struct rs_vcpu_view *seen;
	__u32 all;

	if (u->told || u->view.abandoned_ns)
		return 0;
	if (old && invalid_ranges(m, u, &all)) {
		/* One that has never stood still is not going on again. */
		if (inside || x->what != RS_VCPU_AGAIN)
			return 0;
		abandon(m, u, ts);
	} else if (old && u->remapper && u->remapper != v->tgid) {
		return 0;
	}
	if (old && !inside && x->what == RS_VCPU_AGAIN && rs_ioctx_cancel(m, u, ts))
		return -ENOMEM;
	seen = old ? old_vcpu(u, v->key) : NULL;
	if (!seen)
		seen = new_vcpu(u, x->id);
	if (!seen && comes_late(u))
		return 0;
	if (!seen)
		seen = add_vcpu(u, 0, x->id);
	if (!seen)
		return -ENOMEM;
	if (seen->run_ns)
		return 0;
	/* By now it is known when it has left. */
	if (old && inside)
		seen->stop_ns = x->exit_ns;
	seen->run_ns = ts;
	seen->new_vm = v->vm;
	if (!u->run_ns)
		u->run_ns = ts;
	return 0;
}

void rs_update_exit(struct rs_model *m, __u32 tgid)
{
	for (size_t i = 0; i < m->nr_updates; i++) {
		struct rs_heir *h = find_heir(m->update[i], tgid);

		if (h)
			h->gone = true;
	}
}

void rs_update_irq(struct rs_model *m, __u32 tgid, __u64 ts)
{
	struct rs_update *u = rs_update_by(m, tgid);

	if (u && !u->run_ns && !u->resumed && !u->view.abandoned_ns)
		u->irq_ns = ts;
}

void rs_update_resumed(struct rs_model *m)
{
	for (size_t i = 0; i < m->nr_updates; i++)
		m->update[i]->resumed |= !m->update[i]->open;
}

/* As many are kept of what comes before an update as can be of interest in it. */
#define MARKS_BEFORE 64

int rs_update_mark(struct rs_model *m, struct rs_container *c, const struct rs_mark_view *mark)
{
	struct rs_update *now = rs_update_of(m, c), *u = now && now->told ? NULL : now;
	struct rs_mark_view **list = u ? &u->view.mark : &c->mark, *grown;
	size_t *nr = u ? &u->view.nr_marks : &c->nr_marks;

	if (!u && *nr == MARKS_BEFORE)
		memmove(*list, *list + 1, --*nr * sizeof(**list));
	grown = rs_grow(*list, *nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[(*nr)++] = *mark;
	return 0;
}

void rs_update_free(struct rs_update *u)
{
	rs_object_free(&u->obj);
	rs_update_view_free(&u->view);
	free(u->heir);
	free(u->vcpu_key);
	free(u);
}

void rs_updates_free(struct rs_model *m)
{
	for (size_t i = 0; i < m->nr_updates; i++)
		rs_update_free(m->update[i]);
	free(m->update);
}
