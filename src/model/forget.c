// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is over, and was told, is forgotten: a recorder that stands for weeks keeps what is there now. What is
 * forgotten here changes no verdict of what is yet to come.
 */
#include <stdlib.h>
#include "model/devices.h"
#include "model/ioctx.h"

/* A window of the same update may have begun before the last one closed, and be told only when its call returns. */
#define SETTLE_NS 1000000000ULL

/* A process that was killed may hold a file for some time after its exit: how it ended is asked then. */
#define EXITED_NS 60000000000ULL

/* A guest that stood still runs again after the last window; it may be long in coming, or not come. */
#define RUNS_NS 10000000000ULL

bool rs_update_over(const struct rs_update *u, __u64 now)
{
	const struct rs_update_view *v = &u->view;

	if (u->told)
		return false;
	/* What its windows still do is no more of it. */
	if (v->abandoned_ns)
		return v->abandoned_ns + SETTLE_NS < now;
	if (u->open)
		return false;
	if (!u->run_ns && rs_update_stood_still(v))
		return v->end_ns + RUNS_NS < now;
	/* Its other vCPUs follow the first one. */
	return (u->run_ns > v->end_ns ? u->run_ns : v->end_ns) + SETTLE_NS < now;
}

/* A container was handed over in it; or has a window of it yet, when it was abandoned. */
static bool is_needed(const struct rs_model *m, const struct rs_update *u)
{
	for (const struct rs_container *c = m->containers; c; c = c->hh.next)
		if (c->handed == u || (c->window && c->window->update == u))
			return true;
	for (const struct rs_ioctx *x = m->ioctxs; x; x = x->hh.next)
		if (x->last == u || (x->change && x->change->update == u))
			return true;
	return false;
}

static void forget_updates(struct rs_model *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_updates; i++) {
		struct rs_update *u = m->update[i];

		if (!u->told || is_needed(m, u))
			m->update[nr++] = u;
		else
			rs_update_free(u);
	}
	m->nr_updates = nr;
}

static bool is_untold(const struct rs_model *m, __u32 update)
{
	for (size_t i = 0; i < m->nr_updates; i++)
		if (m->update[i]->view.id == update)
			return !m->update[i]->told;
	return false;
}

/* Those of an update that was abandoned can close after it was told. */
static void forget_windows(struct rs_model *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_windows; i++) {
		if (is_untold(m, m->window[i].update))
			m->window[nr++] = m->window[i];
		else
			rs_window_view_free(&m->window[i]);
	}
	m->nr_windows = nr;
}

/* Of a container that was released, only an update that has not been told can speak. */
static bool can_be_told(const struct rs_model *m, __u32 container)
{
	for (size_t i = 0; i < m->nr_windows; i++)
		if (m->window[i].container == container)
			return true;
	for (size_t i = 0; i < m->nr_updates; i++)
		for (size_t k = 0; k < m->update[i]->view.nr_containers; k++)
			if (m->update[i]->view.container[k] == container && !m->update[i]->told)
				return true;
	return false;
}

static void forget_released(struct rs_model *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_past; i++)
		if (can_be_told(m, m->past[i].id))
			m->past[nr++] = m->past[i];
	m->nr_past = nr;
}

static bool is_known(const struct rs_model *m, __u32 container)
{
	for (const struct rs_container *c = m->containers; c; c = c->hh.next)
		if (c->view.id == container)
			return true;
	for (size_t i = 0; i < m->nr_past; i++)
		if (m->past[i].id == container)
			return true;
	return false;
}

static void forget_gaps(struct rs_model *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_gaps; i++)
		if (!m->gap[i].container || is_known(m, m->gap[i].container))
			m->gap[nr++] = m->gap[i];
	m->nr_gaps = nr;
}

static bool has_range(const struct rs_model *m, __u32 tgid, __u64 mm)
{
	for (const struct rs_container *c = m->containers; c; c = c->hh.next)
		for (size_t i = 0; i < c->nr; i++)
			if ((tgid && c->range[i]->owner == tgid) ||
			    (mm && c->range[i]->owner_mm == mm))
				return true;
	return false;
}

static void forget_processes(struct rs_model *m, __u64 now)
{
	struct rs_proc *p, *next;
	struct rs_mm *mm, *next_mm;

	HASH_ITER(hh, m->procs, p, next)
	{
		if (!p->exited || p->exited_ns + EXITED_NS > now || has_range(m, p->tgid, 0))
			continue;
		HASH_DEL(m->procs, p);
		free(p);
	}
	HASH_ITER(hh, m->mms, mm, next_mm)
	{
		if (!rs_mm_in_use(m, mm->key, 0) && !has_range(m, 0, mm->key))
			rs_mm_forget(m, mm->key);
	}
}

/* Of each process that lives the last one is asked for. */
static void forget_execs(struct rs_model *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_execs; i++) {
		struct rs_exec_seen x = m->exec[i];
		const struct rs_proc *p;
		bool last = true;

		HASH_FIND(hh, m->procs, &x.tgid, sizeof(x.tgid), p);
		for (size_t k = i + 1; k < m->nr_execs && last; k++)
			last = m->exec[k].tgid != x.tgid;
		if (last && p && !p->exited)
			m->exec[nr++] = x;
	}
	m->nr_execs = nr;
}

void rs_model_forget(struct rs_model *m, __u64 now)
{
	forget_updates(m);
	forget_windows(m);
	forget_released(m);
	forget_gaps(m);
	forget_processes(m, now);
	forget_execs(m);
	rs_devices_forget(m);
	rs_ioctxs_forget(m);
	/* Of the whole recording: none of it is told of an update. */
	m->tally.nr_slow = m->tally.nr_failures = m->tally.nr_flights = 0;
}
