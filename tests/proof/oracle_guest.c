// SPDX-License-Identifier: GPL-2.0-only
/* The second opinion on guests: when they run, and whether their interrupts reach them. */
#include <stdlib.h>
#include "synth_internal.h"
#include "oracle.h"

#define FLAG_VADDR 4

static bool runs(const struct oracle *o, size_t i)
{
	return o->ev[i]->type == RS_EV_VCPU && O_EV(o, i, rs_ev_vcpu)->what != RS_VCPU_TOLD;
}

static bool invalidates(const struct oracle *o, size_t i)
{
	const struct rs_ev_map *x = O_EV(o, i, rs_ev_map);

	return x->h.type == RS_EV_UNMAP && !x->op.ret && x->uflags & FLAG_VADDR && x->size_after;
}

/* Has it remapped, before @at, what that process had invalidated after @from? */
static bool has_followed(const struct oracle *o, __u32 tgid, __u32 opener, size_t from, size_t at)
{
	const struct o_happening *begin, *end;

	for (size_t k = 0; k < o->nr_ranges; k++)
		for (size_t n = 0; o_period(&o->range[k], n, &begin, &end) && end; n++)
			if (end->what == O_REMAPPED && end->at < at && begin->at >= from &&
			    o->ev[begin->at]->tgid == opener && o->ev[end->at]->tgid == tgid)
				return true;
	return false;
}

bool o_guest_runs(const struct oracle *o, size_t i, size_t invalidated)
{
	__u32 opener = o->ev[invalidated]->tgid, tgid = o->ev[i]->tgid;

	return runs(o, i) && (tgid == opener || has_followed(o, tgid, opener, 0, i));
}

/* What the vector signals after the record before @at, and since when; 0: nothing */
static __u64 signals(const struct oracle *o, const struct rs_ev_irq *vector, size_t at,
		     size_t *since)
{
	__u64 eventfd = 0;

	*since = 0;
	for (size_t i = 0; i < at; i++) {
		const struct rs_ev_irq *x = O_EV(o, i, rs_ev_irq);

		if (x->h.type != RS_EV_IRQ || x->ret || x->object != vector->object ||
		    x->index != vector->index || (x->count && x->vector != vector->vector))
			continue;
		if (x->what == RS_IRQ_TRIGGER && x->eventfd != eventfd)
			*since = i;
		if (x->what == RS_IRQ_TRIGGER)
			eventfd = x->eventfd;
		else if (x->what == RS_IRQ_UNTRIGGER)
			eventfd = 0;
	}
	return eventfd;
}

/* Is the irqfd that the record @i made there still after the one before @at? */
static bool lasts(const struct oracle *o, size_t i, size_t at)
{
	const struct rs_ev_irq *made = O_EV(o, i, rs_ev_irq);

	for (size_t k = i + 1; k < at; k++) {
		const struct rs_ev_irq *x = O_EV(o, k, rs_ev_irq);

		if (x->h.type == RS_EV_VM && O_EV(o, k, rs_ev_vm)->kvm == made->object)
			return false;
		if ((x->h.type == RS_EV_EXEC || x->h.type == RS_EV_EXIT) &&
		    x->h.tgid == made->h.tgid)
			return false;
		if (x->h.type == RS_EV_IRQ && x->what == RS_IRQ_NO_IRQFD && !x->ret &&
		    x->object == made->object && x->eventfd == made->eventfd &&
		    x->vector == made->vector)
			return false;
	}
	return true;
}

/* An irqfd of @tgid (0: of anybody) for it, that is there at some time from @since to @at, or (@now) at @at. */
static bool has_irqfd(const struct oracle *o, __u64 eventfd, __u32 tgid, size_t since, size_t at,
		      bool now)
{
	for (size_t i = 0; eventfd && i < at; i++) {
		const struct rs_ev_irq *x = O_EV(o, i, rs_ev_irq);

		if (x->h.type == RS_EV_IRQ && x->what == RS_IRQ_IRQFD && !x->ret &&
		    x->eventfd == eventfd && (!tgid || x->h.tgid == tgid) &&
		    (now ? lasts(o, i, at) : i > since || lasts(o, i, since)))
			return true;
	}
	return false;
}

static __u64 container_of_device(const struct oracle *o, __u64 device)
{
	for (size_t i = 0; i < o->nr; i++)
		if (o->ev[i]->type == RS_EV_DEVICE && O_EV(o, i, rs_ev_device)->device == device)
			return O_EV(o, i, rs_ev_device)->container;
	return 0;
}

static bool lives_on(const struct oracle *o, __u64 container)
{
	for (size_t i = 0; i < o->nr_containers; i++)
		if (o->container[i].key == container && o->container[i].until == NEVER)
			return true;
	return false;
}

/* "Every interrupt's eventfd that is taken away in the old process is given back before the guest runs again." */
static void vector_restored(struct oracle *o, const struct rs_ev_irq *vector)
{
	__u64 container = container_of_device(o, vector->object), eventfd;
	bool at_stake = false, by_kvm = false, given;
	size_t begin = 0, since, i;

	for (i = 0; i < o->nr; i++) {
		if (invalidates(o, i) && O_EV(o, i, rs_ev_map)->op.container == container) {
			eventfd = signals(o, vector, i, &since);
			by_kvm = has_irqfd(o, eventfd, 0, since, i, false);
			at_stake = eventfd;
			begin = i;
		}
		if (!at_stake || !runs(o, i) ||
		    (o->ev[i]->tgid != o->ev[begin]->tgid &&
		     !has_followed(o, o->ev[i]->tgid, o->ev[begin]->tgid, 0, i)))
			continue;
		eventfd = signals(o, vector, i, &since);
		if (!eventfd || (by_kvm && !has_irqfd(o, eventfd, o->ev[i]->tgid, since, i, true)))
			o_violated(o, "irq-restored", 0, vector->object);
		at_stake = false;
	}
	/* Whoever closes it has not missed it. */
	if (!at_stake || !lives_on(o, container))
		return;
	eventfd = signals(o, vector, i, &since);
	given = eventfd && !by_kvm;
	/* By anybody who takes part. */
	for (size_t k = 0; k < o->nr && eventfd; k++)
		given |= o->ev[k]->type == RS_EV_IRQ &&
			 (o->ev[k]->tgid == o->ev[begin]->tgid ||
			  has_followed(o, o->ev[k]->tgid, o->ev[begin]->tgid, 0, i)) &&
			 has_irqfd(o, eventfd, o->ev[k]->tgid, since, i, true);
	if (!given)
		o_unknown(o, "irq-restored");
}

void o_judge_irqs(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		const struct rs_ev_irq *x = O_EV(o, i, rs_ev_irq);
		bool first = x->h.type == RS_EV_IRQ && x->what == RS_IRQ_TRIGGER && !x->ret;

		for (size_t k = 0; k < i && first; k++) {
			const struct rs_ev_irq *y = O_EV(o, k, rs_ev_irq);

			first = y->h.type != RS_EV_IRQ || y->what != RS_IRQ_TRIGGER || y->ret ||
				y->object != x->object || y->vector != x->vector;
		}
		if (first)
			vector_restored(o, x);
	}
}
