// SPDX-License-Identifier: GPL-2.0-only
/* Guests: their vCPUs, and who was passed the files of what they are given. */
#include <errno.h>
#include <stdlib.h>
#include "model/guest.h"

static struct rs_vcpu *get_vcpu(struct rs_model *m, __u64 key)
{
	struct rs_vcpu *v;

	HASH_FIND(hh, m->vcpus, &key, sizeof(key), v);
	if (v)
		return v;
	v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->key = key;
	HASH_ADD(hh, m->vcpus, key, sizeof(v->key), v);
	return v;
}

static void drop_vcpu(struct rs_model *m, struct rs_vcpu *v)
{
	HASH_DEL(m->vcpus, v);
	rs_drop(v->told);
	free(v);
}

static bool is_inside(const struct rs_vcpu *v)
{
	struct rs_ev_vcpu x;

	if (!v->told)
		return false;
	rs_event_read(&x, sizeof(x), &v->told->ev);
	return x.flags & RS_VCPUF_INSIDE;
}

/* A vCPU runs although ranges of its update have no vaddr. Each is told once. */
static int note_runs(struct rs_model *m, struct rs_update *u, const struct rs_event *proof,
		     const struct rs_event *ev)
{
	int err = 0;

	for (struct rs_container *c = m->containers; c && !err; c = c->hh.next) {
		if (!c->window || c->window->update != u)
			continue;
		for (size_t i = 0; i < c->nr && !err; i++) {
			struct rs_range *r = c->range[i];

			if (!r->invalid || r->ran)
				continue;
			r->ran = true;
			err = rs_note(m, (struct rs_note){ .type = RS_N_GUEST_RUNS,
							   .ts = ev->ts,
							   .ev = ev,
							   .proof = proof,
							   .container = c,
							   .range = r,
							   .by = ev->tgid });
		}
	}
	return err;
}

static int on_vcpu(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_update *u = rs_update_by(m, ev->tgid);
	struct rs_ev_vcpu x;
	struct rs_vcpu *v;

	rs_event_read(&x, sizeof(x), ev);
	v = get_vcpu(m, x.vcpu);
	if (!v)
		return -ENOMEM;
	v->tgid = ev->tgid;
	rs_drop(v->told);
	v->told = NULL;
	if (x.what == RS_VCPU_TOLD) {
		v->told = rs_keep(ev);
		return v->told ? 0 : -ENOMEM;
	}
	return u ? note_runs(m, u, NULL, ev) : 0;
}

int rs_guest_invalidated(struct rs_model *m, struct rs_update *u, const struct rs_event *ev)
{
	for (struct rs_vcpu *v = m->vcpus; v; v = v->hh.next)
		if (v->tgid == ev->tgid && is_inside(v))
			return note_runs(m, u, &v->told->ev, ev);
	return 0;
}

static int on_passed(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_passed *grown;
	struct rs_ev_passed x;
	struct rs_container *c;

	rs_event_read(&x, sizeof(x), ev);
	if (!x.container)
		return 0;
	HASH_FIND(hh, m->containers, &x.container, sizeof(x.container), c);
	if (c && c->window)
		return rs_update_heir(c->window->update, ev->tgid);
	for (size_t i = 0; i < m->nr_passed; i++)
		if (m->passed[i].container == x.container && m->passed[i].tgid == ev->tgid)
			return 0;
	grown = rs_grow(m->passed, m->nr_passed, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	m->passed = grown;
	m->passed[m->nr_passed++] =
		(struct rs_passed){ .container = x.container, .tgid = ev->tgid };
	return 0;
}

int rs_guest_opened(struct rs_model *m, __u64 container, struct rs_update *u)
{
	int err = 0;

	for (size_t i = 0; i < m->nr_passed && !err; i++)
		if (m->passed[i].container == container)
			err = rs_update_heir(u, m->passed[i].tgid);
	rs_guest_released(m, container);
	return err;
}

void rs_guest_released(struct rs_model *m, __u64 container)
{
	for (size_t i = m->nr_passed; i-- > 0;)
		if (m->passed[i].container == container)
			m->passed[i] = m->passed[--m->nr_passed];
}

void rs_guest_exit(struct rs_model *m, __u32 tgid)
{
	rs_guest_exec(m, tgid);
	for (size_t i = m->nr_passed; i-- > 0;)
		if (m->passed[i].tgid == tgid)
			m->passed[i] = m->passed[--m->nr_passed];
}

void rs_guest_exec(struct rs_model *m, __u32 tgid)
{
	struct rs_vcpu *v, *next;

	HASH_ITER(hh, m->vcpus, v, next)
	{
		if (v->tgid == tgid)
			drop_vcpu(m, v);
	}
}

int rs_guest_event(struct rs_model *m, const struct rs_event *ev)
{
	switch (ev->type) {
	case RS_EV_VCPU:
		return on_vcpu(m, ev);
	case RS_EV_PASSED:
		return on_passed(m, ev);
	default:
		return 0;
	}
}

void rs_guest_free(struct rs_model *m)
{
	while (m->vcpus)
		drop_vcpu(m, m->vcpus);
	free(m->passed);
}
