// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/guest.h"
#include "model/ioctx.h"
#include "model/irqs.h"

struct rs_proc *rs_proc_get(struct rs_model *m, __u32 tgid)
{
	struct rs_proc *p;

	HASH_FIND(hh, m->procs, &tgid, sizeof(tgid), p);
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->tgid = tgid;
	HASH_ADD(hh, m->procs, tgid, sizeof(p->tgid), p);
	return p;
}

struct rs_proc_ref rs_proc_ref(struct rs_model *m, __u32 tgid)
{
	struct rs_proc_ref ref = { .tgid = tgid };
	struct rs_proc *p;

	HASH_FIND(hh, m->procs, &tgid, sizeof(tgid), p);
	if (p)
		memcpy(ref.comm, p->comm, sizeof(ref.comm));
	return ref;
}

/* Is it the mm of a process that we know to live, other than @tgid (0: any)? */
bool rs_mm_in_use(const struct rs_model *m, __u64 mm, __u32 tgid)
{
	const struct rs_proc *p;

	for (p = m->procs; p; p = p->hh.next)
		if (p->tgid != tgid && !p->exited && p->mm == mm)
			return true;
	return false;
}

__u32 rs_proc_by_mm(const struct rs_model *m, __u64 mm)
{
	const struct rs_proc *p;

	for (p = mm ? m->procs : NULL; p; p = p->hh.next)
		if (!p->exited && p->mm == mm)
			return p->tgid;
	return 0;
}

struct rs_mm *rs_mm_get(struct rs_model *m, __u64 key)
{
	struct rs_mm *mm;

	HASH_FIND(hh, m->mms, &key, sizeof(key), mm);
	if (mm || !key)
		return mm;
	mm = calloc(1, sizeof(*mm));
	if (!mm)
		return NULL;
	mm->key = key;
	HASH_ADD(hh, m->mms, key, sizeof(mm->key), mm);
	return mm;
}

void rs_mm_forget(struct rs_model *m, __u64 key)
{
	struct rs_mm *mm;

	HASH_FIND(hh, m->mms, &key, sizeof(key), mm);
	if (!mm)
		return;
	HASH_DEL(m->mms, mm);
	rs_object_free(&mm->obj);
	free(mm);
}

const struct rs_mm *rs_mm_find(const struct rs_model *m, __u64 key)
{
	const struct rs_mm *mm;

	HASH_FIND(hh, m->mms, &key, sizeof(key), mm);
	return mm;
}

/* The kernel's own count: who seems to have the mm still has left it, and the record of that is lost. */
static void all_left(struct rs_model *m, __u64 mm, __u32 tgid)
{
	for (struct rs_proc *p = m->procs; p; p = p->hh.next)
		if (p->tgid != tgid && p->mm == mm)
			p->mm = 0;
}

/*
 * Armed, ranges can be gone that were there when last told. Before an owner leaves its mm, a snapshot
 * says which ranges it leaves behind. Of iommufd all maps are told, armed too.
 */
static bool left_behind(const struct rs_model *m, const struct rs_range *r, __u32 tgid)
{
	return m->mode != RS_MODE_ARMED || r->container->ioctx || r->leaving == tgid;
}

/* What is known by a file or a dma-buf needs no mm. */
static bool needs_mm(const struct rs_range *r)
{
	return r->area == RS_AREA_TYPE1 || r->area == RS_AREA_USER;
}

/*
 * A process left its mm. A passing reference (somebody who reads its /proc entry) keeps mm_users up
 * for a moment: for the ranges of this process the mm is gone all the same, unless a process that we
 * know shares it.
 */
static int left_mm(struct rs_model *m, const struct rs_event *ev, __u64 mm, __u32 users)
{
	struct rs_container *c, *next;
	bool charged = false, in_use;
	struct rs_mm *known;
	int err;

	if (!mm)
		return 0;
	if (!users)
		all_left(m, mm, ev->tgid);
	in_use = rs_mm_in_use(m, mm, ev->tgid);
	HASH_ITER(hh, m->containers, c, next)
	{
		for (size_t i = 0; i < c->nr; i++) {
			struct rs_range *r = c->range[i];

			charged |= r->owner_mm == mm;
			if (r->owner_mm != mm || r->invalid || r->stale || !needs_mm(r) ||
			    !left_behind(m, r, ev->tgid))
				continue;
			if (users)
				c->view.mms_ns = ev->ts;
			if (in_use || (users && r->owner != ev->tgid))
				continue;
			r->leaving = 0;
			r->stale = true;
			c->nr_stale++;
			err = rs_note(m, (struct rs_note){ .type = RS_N_MM_GONE,
							   .ts = ev->ts,
							   .ev = ev,
							   .container = c,
							   .range = r,
							   .by = ev->tgid });
			if (err)
				return err;
		}
	}
	/* A range keeps the mm it is charged to: only without one can another mm get the address. */
	if (!charged && !in_use)
		rs_mm_forget(m, mm);
	if (!charged)
		return 0;
	known = rs_mm_get(m, mm);
	if (!known)
		return -ENOMEM;
	known->shared = users;
	known->gone |= !users;
	return 0;
}

static int on_exec(struct rs_model *m, const struct rs_event *ev, struct rs_proc *p)
{
	struct rs_exec_seen *grown;
	struct rs_ev_exec x;
	int err;

	rs_event_read(&x, sizeof(x), ev);
	/* It is still what it was: an update begins with that. */
	err = rs_ioctx_left(m, ev, x.old_mm, x.old_mm_users);
	if (err)
		return err;
	memcpy(p->comm, x.comm, sizeof(p->comm));
	p->comm[RS_COMM_LEN - 1] = 0;
	p->mm = ev->mm;
	grown = rs_grow(m->exec, m->nr_execs, sizeof(*m->exec));
	if (!grown)
		return -ENOMEM;
	m->exec = grown;
	m->exec[m->nr_execs++] = (struct rs_exec_seen){ .tgid = ev->tgid, .ts = ev->ts };
	rs_update_exec(m, ev->tgid, ev->ts);
	rs_guest_exec(m, ev->tgid);
	err = rs_irqs_left(m, ev);
	return err ? err : left_mm(m, ev, x.old_mm, x.old_mm_users);
}

int rs_model_process(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_proc *p = rs_proc_get(m, ev->tgid), *child;
	int err;

	if (!p)
		return -ENOMEM;
	switch (ev->type) {
	case RS_EV_PROC: {
		struct rs_ev_proc x;

		rs_event_read(&x, sizeof(x), ev);
		memcpy(p->comm, x.comm, sizeof(p->comm));
		p->comm[RS_COMM_LEN - 1] = 0;
		p->mm = ev->mm;
		p->start_ns = x.start_ns;
		p->exited = false;
		return 0;
	}
	case RS_EV_FORK: {
		struct rs_ev_fork x;

		rs_event_read(&x, sizeof(x), ev);
		child = rs_proc_get(m, x.child_tgid);
		if (!child)
			return -ENOMEM;
		memcpy(child->comm, p->comm, sizeof(child->comm));
		child->mm = x.child_mm;
		child->exited = false;
		child->start_ns = ev->ts;
		return 0;
	}
	case RS_EV_EXEC:
		return on_exec(m, ev, p);
	case RS_EV_EXIT: {
		struct rs_ev_exit x;

		rs_event_read(&x, sizeof(x), ev);
		err = rs_ioctx_left(m, ev, x.old_mm, x.old_mm_users);
		if (err)
			return err;
		p->exited = true;
		p->exited_ns = ev->ts;
		p->status = x.status;
		p->mm = 0;
		rs_owner_exit(m, ev->tgid);
		rs_guest_exit(m, ev->tgid);
		rs_update_exit(m, ev->tgid);
		err = rs_irqs_left(m, ev);
		return err ? err : left_mm(m, ev, x.old_mm, x.old_mm_users);
	}
	}
	return 0;
}
