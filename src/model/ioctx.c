// SPDX-License-Identifier: GPL-2.0-only
/* iommufd contexts: who owns their areas, and how these are handed over. */
#include <errno.h>
#include <stdlib.h>
#include "model/guest.h"
#include "model/ioctx.h"
#include "model/irqs.h"

struct rs_ioctx *rs_ioctx_find(const struct rs_model *m, __u64 key)
{
	struct rs_ioctx *x;

	HASH_FIND(hh, m->ioctxs, &key, sizeof(key), x);
	return x;
}

struct rs_ioctx *rs_ioctx_get(struct rs_model *m, __u64 key, __u64 ts)
{
	struct rs_ioctx *x = rs_ioctx_find(m, key);

	if (x)
		return x;
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->key = key;
	x->view.id = rs_model_id(m, RS_NR_IOCTX, ++m->next_ioctx);
	x->view.key = key;
	x->view.since_ns = ts;
	HASH_ADD(hh, m->ioctxs, key, sizeof(x->key), x);
	return x;
}

int rs_ioctx_adopt(struct rs_ioctx *x, struct rs_container *c)
{
	struct rs_container **grown = rs_grow(x->ioas, x->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	x->ioas = grown;
	grown[x->nr++] = c;
	x->view.nr_ioas++;
	c->ioctx = x;
	c->view.kind = RS_CONTAINER_IOMMUFD;
	c->view.ioctx = x->view.id;
	/* Born is what was seen to be allocated: this one may have been, unseen. */
	c->view.born = false;
	return 0;
}

void rs_ioctx_disown(struct rs_container *c)
{
	struct rs_ioctx *x = c->ioctx;
	size_t i = 0;

	while (x->ioas[i] != c)
		i++;
	x->nr--;
	memmove(x->ioas + i, x->ioas + i + 1, (x->nr - i) * sizeof(*x->ioas));
	c->ioctx = NULL;
}

struct rs_range *rs_ioctx_foreign(const struct rs_ioctx *x, __u64 mm)
{
	for (size_t i = 0; i < x->nr; i++)
		for (size_t k = 0; k < x->ioas[i]->nr; k++)
			if (x->ioas[i]->range[k]->owner_mm != mm)
				return x->ioas[i]->range[k];
	return NULL;
}

/* An area that is charged to that mm, one that is known by its file if there is any. NULL: there is none */
static struct rs_range *charged_to(const struct rs_ioctx *x, __u64 mm)
{
	struct rs_range *found = NULL;

	for (size_t i = 0; i < x->nr; i++)
		for (size_t k = 0; k < x->ioas[i]->nr; k++) {
			struct rs_range *r = x->ioas[i]->range[k];

			if (r->owner_mm != mm)
				continue;
			if (r->area == RS_AREA_FILE)
				return r;
			found = r;
		}
	return found;
}

static int note(struct rs_model *m, enum rs_note_type type, struct rs_ioctx *x,
		const struct rs_event *proof, const struct rs_event *ev)
{
	return rs_note(m, (struct rs_note){ .type = type,
					    .ts = ev->ts,
					    .ev = ev,
					    .proof = proof,
					    .ioctx = x,
					    .update = x->change ? x->change->update : NULL,
					    .by = ev->tgid });
}

/* How the old owner's vCPUs were, as far as it was told, and which interrupts it had. */
static int begun(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev)
{
	struct rs_update *u = x->change->update;
	int err = 0;

	for (const struct rs_vcpu *v = m->vcpus; v && !err; v = v->hh.next)
		if (v->tgid == u->view.from.tgid && v->told && !u->exec)
			err = rs_update_told(u, v);
	return err || !x->nr ? err : rs_irqs_at_stake(m, u, x->ioas[0], ev);
}

int rs_ioctx_begin(struct rs_model *m, struct rs_ioctx *x, const struct rs_proc_ref *from,
		   __u64 start_ns, const char *begun_by, const struct rs_event *ev)
{
	struct rs_change *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->begun = rs_keep(ev);
	if (!h->begun) {
		free(h);
		return -ENOMEM;
	}
	h->view = (struct rs_handover_view){
		.id = rs_model_id(m, RS_NR_HANDOVER, ++m->next_handover),
		.ioctx = x->view.id,
		.begun_by = begun_by,
		.start_ns = start_ns,
		.from = *from,
	};
	/* What began with the owner's probe may show only now. */
	if (x->probe_ns) {
		h->view.start_ns = x->probe_ns;
		h->view.probed_ns = x->probed_ns;
		h->view.probes = 1;
		h->view.begun_by = "probe";
	}
	x->probe_ns = 0;
	x->change = h;
	x->ran = false;
	x->view.handovers++;
	err = rs_update_join_handover(m, x);
	return err ? err : begun(m, x, ev);
}

int rs_ioctx_take_back(struct rs_model *m, struct rs_ioctx *x, __u64 start_ns,
		       const struct rs_event *ev)
{
	struct rs_change *h = NULL;
	struct rs_update *u;
	size_t at = m->nr_handovers;

	while (at > 0 && m->handover[at - 1].view.ioctx != x->view.id)
		at--;
	if (at)
		h = &m->handover[--at];
	if (!h || x->in_use || h->view.end != RS_HANDED_OVER || h->view.left_ns ||
	    h->view.from.tgid != ev->tgid || h->view.to.tgid != x->view.owner.tgid ||
	    h->update->told)
		return -ENOENT;
	x->change = malloc(sizeof(*x->change));
	if (!x->change)
		return -ENOMEM;
	*x->change = *h;
	memmove(h, h + 1, (--m->nr_handovers - at) * sizeof(*h));
	h = x->change;
	u = h->update;
	if (!u->open++ && !u->view.nr_windows)
		u->view.start_ns = start_ns;
	u->remapper = 0;
	u->view.handover = RS_HANDOVER_NONE;
	u->view.to = (struct rs_proc_ref){ 0 };
	u->view.end_ns = 0;
	rs_area_views_free(h->view.area, h->view.nr_areas);
	rs_rows_free(&h->rows);
	h->rows = (struct rs_rows){ 0 };
	h->view = (struct rs_handover_view){
		.id = h->view.id,
		.ioctx = h->view.ioctx,
		.update = h->view.update,
		.from = h->view.from,
		.begun_by = "probe",
		.start_ns = start_ns,
		.probed_ns = ev->ts,
		.probes = 1,
		.taken_back = h->view.taken_back + 1,
		.refused = h->view.refused,
	};
	rs_drop(h->begun);
	h->begun = rs_keep(ev);
	return h->begun ? begun(m, x, ev) : -ENOMEM;
}

/* A program has left and taken its context along: that is no hand-over. */
static bool is_void(const struct rs_change *h)
{
	return h->view.end == RS_HANDED_GIVEN_UP && !h->alive;
}

static void drop_id(__u32 *ids, size_t *nr, __u32 id)
{
	size_t left = 0;

	for (size_t i = 0; i < *nr; i++)
		if (ids[i] != id)
			ids[left++] = ids[i];
	*nr = left;
}

static void free_change(struct rs_change *h)
{
	rs_drop(h->begun);
	rs_drop(h->refused);
	h->begun = h->refused = NULL;
	rs_handover_view_free(&h->view);
	rs_rows_free(&h->rows);
}

void rs_changes_free(struct rs_change *h, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free_change(&h[i]);
	free(h);
}

int rs_ioctx_end(struct rs_model *m, struct rs_ioctx *x, enum rs_handover_end end, __u32 by,
		 __u64 ts)
{
	struct rs_change *h = x->change, *grown;
	struct rs_update_view *u;
	int err = 0;

	if (!h)
		return 0;
	u = &h->update->view;
	h->view.end = end;
	h->view.end_ns = ts;
	h->view.to = end == RS_HANDED_OVER ? rs_proc_ref(m, by) : h->view.from;
	if (end == RS_HANDED_OPEN)
		h->view.to = (struct rs_proc_ref){ 0 };
	rs_update_handed(h);
	grown = rs_grow(m->handover, m->nr_handovers, sizeof(*grown));
	if (grown)
		m->handover = grown;
	if (is_void(h)) {
		drop_id(u->handovers, &u->nr_handovers, h->view.id);
		x->view.handovers--;
		free_change(h);
	} else if (grown) {
		grown[m->nr_handovers++] = *h;
	} else {
		free_change(h);
		err = -ENOMEM;
	}
	free(h);
	x->change = NULL;
	return err;
}

static bool has_vcpus(const struct rs_model *m, __u32 tgid)
{
	for (const struct rs_vcpu *v = m->vcpus; v; v = v->hh.next)
		if (v->tgid == tgid)
			return true;
	return false;
}

static int owner_leaves(struct rs_model *m, struct rs_ioctx *x, const struct rs_range *r,
			const struct rs_event *ev)
{
	struct rs_proc_ref from = rs_proc_ref(m, ev->tgid);
	int err = 0;

	x->vcpus |= has_vcpus(m, ev->tgid);
	x->left = true;
	if (ev->type == RS_EV_EXEC && r->area == RS_AREA_FILE && !x->change)
		err = rs_ioctx_begin(m, x, &from, ev->ts, "exec", ev);
	if (x->change && x->change->view.from.tgid == ev->tgid)
		x->change->view.left_ns = ev->ts;
	return err ? err : note(m, RS_N_OWNER_LEFT, x, NULL, ev);
}

int rs_ioctx_left(struct rs_model *m, const struct rs_event *ev, __u64 mm, __u32 users)
{
	/* As the kernel counts; a passing reference counts too. */
	bool in_use = users && rs_mm_in_use(m, mm, ev->tgid);
	int err = 0;

	for (struct rs_ioctx *x = mm ? m->ioctxs : NULL; x && !err; x = x->hh.next) {
		const struct rs_range *r = charged_to(x, mm);

		if (r && !in_use && (!users || r->owner == ev->tgid))
			err = owner_leaves(m, x, r, ev);
	}
	return err;
}

/* The process has to do with the context: it has, had, or was passed it. */
static bool concerns(const struct rs_model *m, const struct rs_ioctx *x, __u32 tgid)
{
	const struct rs_update *u = x->change ? x->change->update : x->last;

	return x->view.owner.tgid == tgid || (u && rs_update_has(u, tgid)) ||
	       rs_guest_passed(m, x->key, tgid);
}

int rs_ioctx_ran(struct rs_model *m, const struct rs_event *ev)
{
	int err = 0;

	for (struct rs_ioctx *x = m->ioctxs; x && !err; x = x->hh.next) {
		const struct rs_change *h = x->change;
		const struct rs_kept *proof = h ? h->refused ? h->refused : h->begun : x->handed;

		if (!concerns(m, x, ev->tgid))
			continue;
		x->vcpus = true;
		if (x->view.owner.tgid == ev->tgid && !x->left) {
			x->probe_ns = 0;
			x->in_use = true;
		}
		if (x->ran || !rs_ioctx_foreign(x, ev->mm))
			continue;
		x->ran = true;
		if (x->change)
			x->change->alive = true;
		err = note(m, RS_N_OTHER_RUNS, x, proof ? &proof->ev : NULL, ev);
	}
	return err;
}

int rs_ioctx_used(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev)
{
	if (ev->mm && ev->mm == x->owner_mm) {
		x->probe_ns = 0;
		x->in_use = true;
	}
	if (x->vcpus || !x->left || !ev->mm || !rs_ioctx_foreign(x, ev->mm))
		return 0;
	if (x->change)
		x->change->alive = true;
	return note(m, RS_N_OTHER_USES, x, NULL, ev);
}

int rs_ioctx_emptied(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev)
{
	int err;

	for (size_t i = 0; i < x->nr; i++)
		if (x->ioas[i]->nr)
			return 0;
	err = note(m, RS_N_GIVEN_UP, x, NULL, ev);
	x->left = x->ran = false;
	x->owner_mm = 0;
	x->probe_ns = 0;
	return err ? err : rs_ioctx_end(m, x, RS_HANDED_GIVEN_UP, 0, ev->ts);
}

int rs_ioctx_cancel(struct rs_model *m, struct rs_update *u, __u64 ts)
{
	int err = 0;

	for (struct rs_ioctx *x = m->ioctxs; x && !err; x = x->hh.next)
		if (x->change && x->change->update == u && !x->change->view.left_ns)
			err = rs_ioctx_end(m, x, RS_HANDED_CANCELLED, 0, ts);
	return err;
}

struct rs_update *rs_ioctx_update(const struct rs_model *m, const struct rs_ioctx *x)
{
	(void)m;
	if (x->change)
		return x->change->update;
	return x->last && rs_update_stands_still(x->last) ? x->last : NULL;
}

struct rs_update *rs_ioctx_open_update(const struct rs_model *m, __u64 key)
{
	const struct rs_ioctx *x = rs_ioctx_find(m, key);

	return x && x->change ? x->change->update : NULL;
}

int rs_area_take(struct rs_model *m, const struct rs_range *r, struct rs_area_view *v)
{
	*v = (struct rs_area_view){
		.container = r->container->view.id,
		.iova = r->iova,
		.size = r->size,
		.prot = r->prot,
		.area = r->area,
		.vaddr = r->vaddr,
		.owner = rs_proc_ref(m, r->owner),
		.account = r->account,
		.locked_pages = r->locked_pages,
		.pages_key = r->pages_key,
	};
	return rs_backing_copy(&v->backing, &r->backing);
}

int rs_area_keep(struct rs_model *m, const struct rs_range *r)
{
	struct rs_area_view *grown = rs_grow(m->area, m->nr_areas, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	m->area = grown;
	return rs_area_take(m, r, &grown[m->nr_areas++]);
}

int rs_ioctx_release(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev)
{
	struct rs_ioctx_view *grown = rs_grow(m->past_ioctx, m->nr_past_ioctxs, sizeof(*grown));
	int err = 0;

	if (!grown)
		return -ENOMEM;
	m->past_ioctx = grown;
	if (ev) {
		err = note(m, RS_N_GIVEN_UP, x, NULL, ev);
		if (!err)
			err = rs_ioctx_end(m, x, RS_HANDED_GIVEN_UP, 0, ev->ts);
		x->view.released_ns = ev->ts;
		rs_guest_released(m, x->key);
	}
	grown[m->nr_past_ioctxs++] = x->view;
	HASH_DEL(m->ioctxs, x);
	rs_object_free(&x->obj);
	rs_drop(x->handed);
	free(x->ioas);
	free(x);
	return err;
}

int rs_ioctxs_end(struct rs_model *m)
{
	int err = 0;

	for (struct rs_ioctx *x = m->ioctxs; x && !err; x = x->hh.next) {
		err = rs_note(m,
			      (struct rs_note){ .type = RS_N_END, .ts = m->last_ns, .ioctx = x });
		if (!err)
			err = rs_ioctx_end(m, x, RS_HANDED_OPEN, 0, 0);
		for (size_t i = 0; i < x->nr; i++)
			for (size_t k = 0; k < x->ioas[i]->nr && !err; k++)
				err = rs_area_keep(m, x->ioas[i]->range[k]);
	}
	return err;
}

static bool is_told(const struct rs_model *m, __u32 update)
{
	for (size_t i = 0; i < m->nr_updates; i++)
		if (m->update[i]->view.id == update)
			return m->update[i]->told;
	return true;
}

/* Of a context that was released, only a hand-over that has not been told can speak. */
static bool can_be_told(const struct rs_model *m, __u32 ioctx)
{
	for (size_t i = 0; i < m->nr_handovers; i++)
		if (m->handover[i].view.ioctx == ioctx)
			return true;
	return false;
}

void rs_ioctxs_forget(struct rs_model *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_handovers; i++) {
		if (!is_told(m, m->handover[i].view.update))
			m->handover[nr++] = m->handover[i];
		else
			free_change(&m->handover[i]);
	}
	m->nr_handovers = nr;
	nr = 0;
	for (size_t i = 0; i < m->nr_past_ioctxs; i++)
		if (can_be_told(m, m->past_ioctx[i].id))
			m->past_ioctx[nr++] = m->past_ioctx[i];
	m->nr_past_ioctxs = nr;
	rs_area_views_free(m->area, m->nr_areas);
	m->area = NULL;
	m->nr_areas = m->nr_refusals = 0;
}

void rs_ioctxs_free(struct rs_model *m)
{
	struct rs_ioctx *x, *next;

	HASH_ITER(hh, m->ioctxs, x, next)
	{
		HASH_DEL(m->ioctxs, x);
		if (x->change)
			free_change(x->change);
		rs_object_free(&x->obj);
		rs_drop(x->handed);
		free(x->change);
		free(x->ioas);
		free(x);
	}
	rs_changes_free(m->handover, m->nr_handovers);
	free(m->past_ioctx);
	free(m->refusal);
	rs_area_views_free(m->area, m->nr_areas);
}
