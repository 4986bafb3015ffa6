// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts of passed-through devices: what their vectors signal, and whether a guest's KVM takes it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/vfio.h>
#include "model/ioctx.h"
#include "model/irqs.h"

int rs_irq_name(const struct rs_irq *irq, char *buf, size_t len)
{
	static const char *const names[] = {
		[VFIO_PCI_INTX_IRQ_INDEX] = "INTx",
		[VFIO_PCI_MSI_IRQ_INDEX] = "MSI",
		[VFIO_PCI_MSIX_IRQ_INDEX] = "MSI-X",
	};

	if (irq->key.index == RS_IRQ_STRAY)
		return snprintf(buf, len, "eventfd 0x%llx", (unsigned long long)irq->key.object);
	if (irq->key.index == VFIO_PCI_INTX_IRQ_INDEX)
		return snprintf(buf, len, "%s", names[irq->key.index]);
	return snprintf(buf, len, "%s vector %u", names[irq->key.index], irq->key.vector);
}

static struct rs_irq *find_irq(const struct rs_model *m, struct rs_irq_key key)
{
	struct rs_irq *irq;

	HASH_FIND(hh, m->irqs, &key, sizeof(key), irq);
	return irq;
}

static struct rs_irq *get_irq(struct rs_model *m, struct rs_irq_key key)
{
	struct rs_irq *irq = find_irq(m, key);

	if (irq)
		return irq;
	irq = calloc(1, sizeof(*irq));
	if (!irq)
		return NULL;
	irq->key = key;
	HASH_ADD(hh, m->irqs, key, sizeof(irq->key), irq);
	return irq;
}

static struct rs_irq_key stray_key(__u64 eventfd)
{
	return (struct rs_irq_key){ .object = eventfd, .index = RS_IRQ_STRAY };
}

static bool is_stray(const struct rs_irq *irq)
{
	return irq->key.index == RS_IRQ_STRAY;
}

static void drop_irq(struct rs_model *m, struct rs_irq *irq)
{
	HASH_DEL(m->irqs, irq);
	m->irqs_at_stake -= irq->at_stake;
	rs_object_free(&irq->obj);
	rs_drop(irq->set_by);
	rs_drop(irq->unset_by);
	free(irq);
}

static struct rs_eventfd *find_eventfd(const struct rs_model *m, __u64 key)
{
	struct rs_eventfd *e;

	HASH_FIND(hh, m->eventfds, &key, sizeof(key), e);
	return e;
}

static struct rs_eventfd *get_eventfd(struct rs_model *m, __u64 key)
{
	struct rs_eventfd *e = find_eventfd(m, key);

	if (e)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->key = key;
	HASH_ADD(hh, m->eventfds, key, sizeof(e->key), e);
	return e;
}

static void drop_eventfd(struct rs_model *m, struct rs_eventfd *e)
{
	HASH_DEL(m->eventfds, e);
	rs_drop(e->lost);
	free(e->irqfd);
	free(e);
}

static bool is_signalled(const struct rs_model *m, __u64 eventfd)
{
	for (const struct rs_irq *irq = m->irqs; irq; irq = irq->hh.next)
		if (irq->eventfd == eventfd || (irq->at_stake && irq->was == eventfd))
			return true;
	return false;
}

/* Nobody asks for what an eventfd had that is no vector's any more. */
static void forget_eventfd(struct rs_model *m, __u64 key)
{
	struct rs_eventfd *e = find_eventfd(m, key);

	if (e && !e->nr && !is_signalled(m, key))
		drop_eventfd(m, e);
}

static bool has_irqfd(const struct rs_eventfd *e, __u32 tgid)
{
	for (size_t i = 0; e && i < e->nr; i++)
		if (!tgid || e->irqfd[i].tgid == tgid)
			return true;
	return false;
}

/* Of anybody who takes part in it. */
static bool has_irqfd_in(const struct rs_eventfd *e, const struct rs_update *u)
{
	for (size_t i = 0; e && u && i < e->nr; i++)
		if (rs_update_has(u, e->irqfd[i].tgid))
			return true;
	return false;
}

static int replace(struct rs_kept **kept, const struct rs_event *ev)
{
	rs_drop(*kept);
	*kept = rs_keep(ev);
	return *kept ? 0 : -ENOMEM;
}

static struct rs_update *update_by_id(const struct rs_model *m, __u32 id)
{
	for (size_t i = m->nr_updates; i-- > 0;)
		if (m->update[i]->view.id == id)
			return m->update[i];
	return NULL;
}

/* What the vector signals */

static int set(struct rs_model *m, struct rs_irq *irq, __u64 eventfd, const struct rs_event *ev)
{
	__u64 before = irq->eventfd;

	irq->lost_inside = false;
	/* A program that says it again has not changed anything. */
	if (irq->set && irq->eventfd == eventfd)
		return 0;
	irq->set = true;
	irq->eventfd = eventfd;
	irq->taken = eventfd &&
		     (has_irqfd(find_eventfd(m, eventfd), 0) || find_irq(m, stray_key(eventfd)));
	if (before)
		forget_eventfd(m, before);
	return replace(&irq->set_by, ev);
}

static int unset(struct rs_model *m, struct rs_irq *irq, const struct rs_event *ev)
{
	const struct rs_update *u = update_by_id(m, irq->update);
	__u64 before = irq->eventfd;

	if (!irq->set)
		return 0;
	irq->set = irq->taken = false;
	irq->eventfd = 0;
	irq->lost_inside = irq->at_stake && u && u->open;
	if (before)
		forget_eventfd(m, before);
	return replace(&irq->unset_by, ev);
}

static int unset_all(struct rs_model *m, const struct rs_ev_irq *x, const struct rs_event *ev)
{
	struct rs_irq *irq, *next;
	int err = 0;

	HASH_ITER(hh, m->irqs, irq, next)
	{
		if (!err && irq->key.object == x->object && irq->key.index == x->index)
			err = unset(m, irq, ev);
	}
	return err;
}

static int on_trigger(struct rs_model *m, const struct rs_ev_irq *x, const struct rs_event *ev)
{
	const struct rs_irq_key key = { x->object, x->index, x->vector };
	struct rs_irq *irq;

	/* The others, of errors and requests, are the program's own. */
	if (!x->object || x->index > VFIO_PCI_MSIX_IRQ_INDEX)
		return 0;
	if (x->what == RS_IRQ_UNTRIGGER && !x->count)
		return unset_all(m, x, ev);
	if (x->what == RS_IRQ_UNTRIGGER) {
		irq = find_irq(m, key);
		return irq ? unset(m, irq, ev) : 0;
	}
	irq = get_irq(m, key);
	return irq ? set(m, irq, x->eventfd, ev) : -ENOMEM;
}

/* What KVM takes */

static void mark_taken(struct rs_model *m, __u64 eventfd)
{
	for (struct rs_irq *irq = m->irqs; irq; irq = irq->hh.next)
		if (irq->eventfd == eventfd && !is_stray(irq))
			irq->taken = true;
}

static int assign(struct rs_model *m, const struct rs_ev_irq *x)
{
	struct rs_eventfd *e = get_eventfd(m, x->eventfd);
	struct rs_irq *stray = find_irq(m, stray_key(x->eventfd));
	struct rs_irqfd *grown;

	if (!e)
		return -ENOMEM;
	if (stray && stray->at_stake)
		stray->back = true;
	else if (stray)
		drop_irq(m, stray);
	mark_taken(m, x->eventfd);
	for (size_t i = 0; i < e->nr; i++)
		if (e->irqfd[i].kvm == x->object && e->irqfd[i].gsi == x->vector) {
			e->irqfd[i].tgid = x->h.tgid;
			return 0;
		}
	grown = rs_grow(e->irqfd, e->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	e->irqfd = grown;
	e->irqfd[e->nr++] = (struct rs_irqfd){ x->object, x->vector, x->h.tgid };
	return 0;
}

static int lose(struct rs_model *m, struct rs_eventfd *e, __u32 tgid, const struct rs_event *ev)
{
	e->lost_by = rs_proc_ref(m, tgid);
	return replace(&e->lost, ev);
}

static int stake(struct rs_model *m, struct rs_irq *irq, struct rs_container *c,
		 struct rs_update *u, const struct rs_event *ev);

/* Of a container that was there before, vectors may have been set before. */
static struct rs_container *late_container(const struct rs_model *m, const struct rs_update *u)
{
	for (struct rs_container *c = m->containers; c; c = c->hh.next)
		if (c->window && c->window->update == u && !c->view.born)
			return c;
	for (const struct rs_ioctx *x = m->ioctxs; x; x = x->hh.next)
		if (x->change && x->change->update == u && x->nr && !x->view.born)
			return x->ioas[0];
	return NULL;
}

/* An irqfd is taken off whose eventfd is no vector's, as far as the recording tells. */
static int take_off_stray(struct rs_model *m, const struct rs_ev_irq *x, const struct rs_event *ev)
{
	struct rs_irq *irq = get_irq(m, stray_key(x->eventfd));
	struct rs_update *u = rs_update_by(m, ev->tgid);
	struct rs_container *c;

	if (!irq)
		return -ENOMEM;
	irq->tgid = ev->tgid;
	irq->back = false;
	c = u && u->open ? late_container(m, u) : NULL;
	if (replace(&irq->unset_by, ev))
		return -ENOMEM;
	return c ? stake(m, irq, c, u, ev) : 0;
}

static int deassign(struct rs_model *m, const struct rs_ev_irq *x, const struct rs_event *ev)
{
	struct rs_eventfd *e = get_eventfd(m, x->eventfd);
	size_t i = 0;
	int err;

	if (!e)
		return -ENOMEM;
	mark_taken(m, x->eventfd);
	while (i < e->nr && (e->irqfd[i].kvm != x->object || e->irqfd[i].gsi != x->vector))
		i++;
	if (i < e->nr)
		e->irqfd[i] = e->irqfd[--e->nr];
	err = lose(m, e, ev->tgid, ev);
	if (err || e->nr || is_signalled(m, x->eventfd))
		return err;
	forget_eventfd(m, x->eventfd);
	return take_off_stray(m, x, ev);
}

/* All irqfds of a VM, or of a process (@tgid), are gone. */
static int gone(struct rs_model *m, __u64 kvm, __u32 tgid, const struct rs_event *ev)
{
	struct rs_eventfd *e, *next;
	int err = 0;

	HASH_ITER(hh, m->eventfds, e, next)
	{
		bool lost = false;

		for (size_t i = e->nr; i-- > 0 && !err;) {
			struct rs_irqfd f = e->irqfd[i];

			if (tgid ? f.tgid != tgid : f.kvm != kvm)
				continue;
			e->irqfd[i] = e->irqfd[--e->nr];
			err = lose(m, e, f.tgid, ev);
			lost = true;
		}
		if (err)
			break;
		if (lost)
			forget_eventfd(m, e->key);
	}
	return err;
}

int rs_irqs_event(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_irq x;
	struct rs_ev_vm vm;

	if (ev->type == RS_EV_VM) {
		rs_event_read(&vm, sizeof(vm), ev);
		return gone(m, vm.kvm, 0, ev);
	}
	rs_event_read(&x, sizeof(x), ev);
	if (x.ret)
		return 0;
	switch (x.what) {
	case RS_IRQ_TRIGGER:
	case RS_IRQ_UNTRIGGER:
		return on_trigger(m, &x, ev);
	case RS_IRQ_IRQFD:
		return x.eventfd ? assign(m, &x) : 0;
	case RS_IRQ_NO_IRQFD:
		return x.eventfd ? deassign(m, &x, ev) : 0;
	default:
		return rs_model_gap(m, &(struct rs_gap){ .kind = RS_GAP_UNREAD,
							 .types = RS_TYPE(IRQ),
							 .count = 1,
							 .from_ns = ev->ts,
							 .to_ns = ev->ts });
	}
}

int rs_irqs_left(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_irq *irq, *next;

	HASH_ITER(hh, m->irqs, irq, next)
	{
		if (is_stray(irq) && irq->tgid == ev->tgid && !irq->at_stake)
			drop_irq(m, irq);
	}
	return gone(m, 0, ev->tgid, ev);
}

/* What is at stake in an update */

static struct rs_device *device_of(const struct rs_model *m, const struct rs_irq *irq)
{
	struct rs_device *d = NULL;

	if (!is_stray(irq))
		HASH_FIND(hh, m->devices, &irq->key.object, sizeof(irq->key.object), d);
	return d;
}

static struct rs_container *container_of_device(const struct rs_model *m, const struct rs_device *d)
{
	return d ? rs_container_find(m, d->container) : NULL;
}

static int stake(struct rs_model *m, struct rs_irq *irq, struct rs_container *c,
		 struct rs_update *u, const struct rs_event *ev)
{
	const struct rs_kept *proof = is_stray(irq) ? irq->unset_by : irq->set_by;

	if (irq->at_stake && irq->update == u->view.id)
		return 0;
	irq->update = u->view.id;
	m->irqs_at_stake += !irq->at_stake;
	irq->need_irqfd = irq->taken;
	irq->at_stake = true;
	irq->was = irq->eventfd;
	irq->vcpus = false;
	for (const struct rs_vcpu *v = m->vcpus; v; v = v->hh.next)
		irq->vcpus |= rs_update_has(u, v->tgid);
	return rs_note(m, (struct rs_note){ .type = RS_N_IRQ_AT_STAKE,
					    .ts = ev->ts,
					    .ev = ev,
					    .proof = proof && &proof->ev != ev ? &proof->ev : NULL,
					    .container = c,
					    .device = device_of(m, irq),
					    .update = u,
					    .irq = irq,
					    .by = ev->tgid });
}

/* Its update has nothing to do with it any more. */
static void settle(struct rs_model *m, struct rs_irq *irq)
{
	__u64 was = irq->was;

	m->irqs_at_stake--;
	irq->at_stake = irq->need_irqfd = irq->lost_inside = false;
	irq->was = 0;
	if (is_stray(irq))
		drop_irq(m, irq);
	if (was)
		forget_eventfd(m, was);
}

/* Of a context, a device is in any of its ioas, or in one that is not told. */
static bool is_device_of(const struct rs_model *m, const struct rs_irq *irq,
			 const struct rs_container *c)
{
	const struct rs_device *d = device_of(m, irq);

	return d && (c->ioctx ? d->container.object == c->key.object
			      : rs_key_same(d->container, c->key));
}

int rs_irqs_at_stake(struct rs_model *m, struct rs_update *u, struct rs_container *c,
		     const struct rs_event *ev)
{
	bool born = c->ioctx ? c->ioctx->view.born : c->view.born;
	struct rs_irq *irq, *next;
	int err = 0;

	HASH_ITER(hh, m->irqs, irq, next)
	{
		bool ours = is_stray(irq) ? !born && rs_update_has(u, irq->tgid)
					  : is_device_of(m, irq, c);

		if (!ours || err)
			continue;
		/* Off when an update begins: whoever ran since an earlier one did so without it. */
		if (!irq->set && !is_stray(irq) && irq->at_stake && irq->update != u->view.id)
			settle(m, irq);
		else if (irq->set || is_stray(irq))
			err = stake(m, irq, c, u, ev);
	}
	return err;
}

/* Does KVM take what it signals, in the VM that runs? Of one that does not, in any of the update. */
static bool is_taken(const struct rs_model *m, const struct rs_irq *irq, __u32 tgid)
{
	const struct rs_eventfd *e = find_eventfd(m, irq->eventfd);

	return tgid ? has_irqfd(e, tgid) : has_irqfd_in(e, update_by_id(m, irq->update));
}

/* @tgid: who runs the guest; 0: nobody */
static struct rs_irq_seen look(struct rs_model *m, const struct rs_irq *irq, __u32 tgid)
{
	const struct rs_eventfd *e = find_eventfd(m, irq->was ? irq->was : irq->eventfd);
	struct rs_irq_seen seen = { 0 };

	seen.other = irq->eventfd != irq->was;
	seen.has = rs_proc_ref(m, tgid);
	if (is_stray(irq)) {
		seen.had = rs_proc_ref(m, irq->tgid);
		seen.lack = irq->back ? RS_IRQ_REACHES : RS_IRQ_UNTOLD;
		return seen;
	}
	if (has_irqfd(e, 0)) {
		seen.kept = true;
		seen.had = rs_proc_ref(m, e->irqfd[0].tgid);
	} else if (e) {
		seen.had = e->lost_by;
	}
	if (!irq->set)
		seen.lack = RS_IRQ_NO_TRIGGER;
	else if (irq->need_irqfd && !irq->eventfd)
		seen.lack = RS_IRQ_UNTOLD;
	else if (irq->need_irqfd && !is_taken(m, irq, tgid))
		seen.lack = RS_IRQ_NOT_TAKEN;
	return seen;
}

static const struct rs_event *proof_of(const struct rs_model *m, const struct rs_irq *irq,
				       const struct rs_irq_seen *seen)
{
	const struct rs_kept *kept = NULL;
	const struct rs_eventfd *e;

	if (seen->lack == RS_IRQ_NO_TRIGGER) {
		kept = irq->unset_by;
	} else if (seen->lack && seen->other) {
		kept = irq->set_by;
	} else if (seen->lack) {
		e = find_eventfd(m, irq->was);
		kept = is_stray(irq) ? irq->unset_by : e ? e->lost : NULL;
	}
	return kept ? &kept->ev : NULL;
}

static int judge(struct rs_model *m, enum rs_note_type type, struct rs_irq *irq, __u32 tgid,
		 const struct rs_event *ev)
{
	struct rs_update *u = update_by_id(m, irq->update);
	struct rs_irq_seen seen = look(m, irq, tgid);
	struct rs_device *d = device_of(m, irq);

	/* Without vCPUs nobody sees when the guest runs: what was lost inside a window counts, and only that. */
	if (!tgid && !irq->vcpus && !is_stray(irq))
		seen.lack = irq->lost_inside ? RS_IRQ_NO_TRIGGER : RS_IRQ_REACHES;
	return rs_note(m, (struct rs_note){ .type = type,
					    .ts = ev ? ev->ts : m->last_ns,
					    .ev = ev,
					    .proof = proof_of(m, irq, &seen),
					    .container = d   ? container_of_device(m, d)
							 : u ? late_container(m, u)
							     : NULL,
					    .device = d,
					    .update = u,
					    .irq = irq,
					    .irq_seen = &seen,
					    .by = tgid });
}

/* Has it to do with the guest that runs after @u? What was at stake before, nobody has needed since, was the same one's. */
static bool is_of(const struct rs_model *m, const struct rs_irq *irq, const struct rs_update *u)
{
	const struct rs_update *mine;

	if (irq->update == u->view.id)
		return true;
	mine = update_by_id(m, irq->update);
	return mine && mine->view.from.tgid == u->view.from.tgid;
}

int rs_irqs_ran(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_irq *irq, *next;
	struct rs_update *u;
	int err = 0;

	u = m->irqs_at_stake ? rs_update_by(m, ev->tgid) : NULL;
	if (!u)
		return 0;
	HASH_ITER(hh, m->irqs, irq, next)
	{
		if (err || !irq->at_stake || !is_of(m, irq, u))
			continue;
		err = judge(m, RS_N_IRQ_NEEDED, irq, ev->tgid, ev);
		settle(m, irq);
	}
	return err;
}

int rs_irqs_closed(struct rs_model *m, struct rs_device *d, const struct rs_event *ev)
{
	struct rs_irq *irq, *next;
	int err = 0;

	HASH_ITER(hh, m->irqs, irq, next)
	{
		__u64 eventfd = irq->eventfd, was = irq->was;

		if (is_stray(irq) || irq->key.object != d->key)
			continue;
		/* Where vCPUs are seen, none has run: nobody needed it. */
		if (ev && irq->at_stake && !irq->vcpus && !err)
			err = judge(m, RS_N_IRQ_CLOSED, irq, 0, ev);
		drop_irq(m, irq);
		forget_eventfd(m, eventfd);
		forget_eventfd(m, was);
	}
	return err;
}

int rs_irqs_end(struct rs_model *m)
{
	struct rs_irq *irq, *next;
	int err = 0;

	HASH_ITER(hh, m->irqs, irq, next)
	{
		if (irq->at_stake && !err)
			err = judge(m, RS_N_IRQ_END, irq, 0, NULL);
	}
	return err;
}

void rs_irqs_free(struct rs_model *m)
{
	while (m->irqs)
		drop_irq(m, m->irqs);
	while (m->eventfds)
		drop_eventfd(m, m->eventfds);
}
