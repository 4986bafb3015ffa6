// SPDX-License-Identifier: GPL-2.0-only
/* Guests: vCPUs that are stopped and run again, interrupts that are taken away and given back. */
#include <errno.h>
#include "synth_internal.h"
#include "gen.h"

#define MSIX 2 /* VFIO_PCI_MSIX_IRQ_INDEX */

/* Beyond the eventfd that KVM takes: the one that the program listens to itself. */
#define OWN 0x8

__u64 gen_irq_device(const struct gen_container *c)
{
	return gen_device(c, GEN_DEVICES);
}

int gen_irq_of(const struct gen_vm *v, const struct gen_container *c)
{
	for (int i = 0; i < v->guest.nr; i++)
		if (&v->c[v->guest.irq[i].container] == c && v->guest.irq[i].kvm &&
		    !v->guest.irq[i].masked)
			return i;
	return -1;
}

int gen_irqs_missing(const struct gen_vm *v, int container)
{
	const struct gen_guest *g = &v->guest;
	int nr = 0;

	for (int i = 0; i < g->nr; i++)
		nr += g->irq[i].container == container && g->irq[i].kvm && !g->irq[i].irqfd &&
		      !g->irq[i].masked;
	return nr;
}

bool gen_guest_of(const struct gen_vm *v, __u32 pid)
{
	for (size_t i = 0; i < v->s->nr_vcpus; i++)
		if (v->s->vcpu[i].kvm == v->guest.kvm && v->s->vcpu[i].tgid == pid)
			return true;
	return false;
}

static bool runs(const struct gen_vm *v)
{
	return v->guest.runs && gen_guest_of(v, v->pid);
}

static void trigger(struct gen_vm *v, const struct gen_irq *irq, __u64 eventfd)
{
	synth_irq(v->s, eventfd ? RS_IRQ_TRIGGER : RS_IRQ_UNTRIGGER,
		  gen_irq_device(&v->c[irq->container]), irq->vector, eventfd);
}

static void irqfd(struct gen_vm *v, struct gen_irq *irq, bool there)
{
	synth_irq(v->s, there ? RS_IRQ_IRQFD : RS_IRQ_NO_IRQFD, v->guest.kvm,
		  24 + (irq - v->guest.irq), irq->eventfd);
	irq->irqfd = there;
}

static void run(struct gen_vm *v)
{
	for (__u32 i = 0; i < v->guest.vcpus; i++)
		synth_vcpu_run(v->s, v->guest.kvm, i);
	v->guest.runs = true;
}

static void stop(struct gen_vm *v)
{
	for (__u32 i = 0; i < v->guest.vcpus; i++)
		synth_vcpu_stop(v->s, v->guest.kvm, i);
	v->guest.runs = false;
}

void gen_guest_start(struct gen_vm *v)
{
	struct gen_guest *g = &v->guest;

	if (proof_chance(&g->r, 40))
		return;
	g->vcpus = 1 + proof_below(&g->r, 3);
	g->pid = v->pid;
	g->kvm = 0xffffc90000000000ULL + ((__u64)v->pid << 28);
	g->next_eventfd = g->kvm + 0x8000000;
	for (int i = 0; i < v->nr; i++) {
		if (proof_chance(&g->r, 30))
			continue;
		synth_device(v->s, gen_irq_device(&v->c[i]), v->c[i].key, 20, "");
		for (__u32 n = 1 + proof_below(&g->r, 3), k = 0; k < n && g->nr < GEN_IRQS; k++) {
			struct gen_irq *irq = &g->irq[g->nr++];
			bool first = proof_chance(&g->r, 50);

			*irq = (struct gen_irq){ .container = i,
						 .vector = k,
						 .eventfd = g->next_eventfd += 0x100,
						 .kvm = proof_chance(&g->r, 80) };
			if (irq->kvm && first)
				irqfd(v, irq, true);
			trigger(v, irq, irq->eventfd);
			if (irq->kvm && !first)
				irqfd(v, irq, true);
		}
	}
	run(v);
}

void gen_guest_quiet(struct gen_vm *v)
{
	struct gen_guest *g = &v->guest;
	struct gen_irq *irq = g->nr ? &g->irq[proof_below(&g->r, g->nr)] : NULL;

	if (!runs(v) || !irq || v->c[irq->container].gone || v->c[irq->container].hands_off)
		return;
	switch (proof_below(&g->r, 6)) {
	case 0:
		irq->masked = !irq->masked;
		trigger(v, irq, irq->eventfd + (irq->masked ? OWN : 0));
		break;
	case 1:
		/* Another gsi. */
		if (irq->irqfd) {
			irqfd(v, irq, false);
			irqfd(v, irq, true);
		}
		break;
	case 2:
		v->s->twist.ret = -EINVAL;
		trigger(v, irq, 0);
		break;
	case 3:
		v->s->twist.ret = -EBUSY;
		synth_irq(v->s, RS_IRQ_IRQFD, g->kvm, 100, irq->eventfd + OWN);
		break;
	case 4:
		stop(v);
		run(v);
		break;
	case 5:
		/* Says what it has said before. */
		trigger(v, irq, irq->eventfd + (irq->masked ? OWN : 0));
		break;
	}
}

void gen_guest_stop(struct gen_vm *v)
{
	struct gen_guest *g = &v->guest;
	bool first = proof_chance(&g->r, 50);

	if (!runs(v))
		return;
	if (!first)
		stop(v);
	for (int i = 0, off = proof_chance(&g->r, 70); off && i < g->nr; i++)
		if (g->irq[i].irqfd)
			irqfd(v, &g->irq[i], false);
	if (first)
		stop(v);
}

/* The VM of the process that there is now. */
static void take_over(struct gen_vm *v)
{
	struct gen_guest *g = &v->guest;

	if (gen_guest_of(v, v->pid))
		return;
	if (g->pid == v->pid && proof_chance(&g->r, 50))
		synth_vm_gone(v->s, g->kvm);
	g->kvm += 0x10000;
	g->pid = v->pid;
	for (int i = 0; i < g->nr; i++)
		g->irq[i].irqfd = false;
}

static void give_back(struct gen_vm *v, int nr)
{
	struct gen_guest *g = &v->guest;
	struct gen_irq *irq = &g->irq[nr];
	enum gen_slip slip = g->slips == nr ? g->slip : GEN_SLIP_NONE;

	if (!irq->kvm || irq->irqfd || v->c[irq->container].gone)
		return;
	if (slip == GEN_SLIP_FORGET)
		return;
	if (slip == GEN_SLIP_OTHER) {
		synth_irq(v->s, RS_IRQ_IRQFD, g->kvm, 100, irq->eventfd + 0x40);
		return;
	}
	if (!slip && !irq->masked && proof_chance(&g->r, 20)) {
		irq->eventfd = g->next_eventfd += 0x100;
		trigger(v, irq, irq->eventfd);
	}
	irqfd(v, irq, true);
}

static bool all_valid(const struct gen_vm *v)
{
	for (int i = 0; i < v->nr; i++)
		for (int k = 0; k < v->c[i].nr && !v->c[i].gone; k++)
			if (v->c[i].range[k].invalid)
				return false;
	return true;
}

void gen_guest_resume(struct gen_vm *v)
{
	struct gen_guest *g = &v->guest;

	if (!g->vcpus)
		return;
	take_over(v);
	for (int i = 0; i < g->nr; i++)
		give_back(v, i);
	if (g->slip == GEN_SLIP_UNTRIGGER)
		trigger(v, &g->irq[g->slips], 0);
	if (g->slip == GEN_SLIP_RETRIGGER)
		trigger(v, &g->irq[g->slips], g->irq[g->slips].eventfd + OWN);
	/* It happens once; what is left of that interrupt is the program's own. */
	if (g->slip)
		g->irq[g->slips].kvm = false;
	g->slip = GEN_SLIP_NONE;
	if (all_valid(v))
		run(v);
}

void gen_guest_resume_all(struct gen_world *w, struct gen_vm *v)
{
	if (v->guest.vcpus)
		take_over(v);
	for (int i = 0; i < v->nr && v->guest.vcpus && all_valid(v); i++)
		if (v->c[i].nr && !v->c[i].gone && !v->c[i].hands_off)
			gen_occasion(w, v, &v->c[i], NULL, GEN_AT_RESUME);
	gen_guest_resume(v);
}

void gen_guest_blink(struct gen_vm *v)
{
	take_over(v);
	for (int i = 0; i < v->guest.nr; i++)
		give_back(v, i);
	run(v);
	stop(v);
}

void gen_guest_end(struct gen_vm *v)
{
	struct gen_guest *g = &v->guest;

	if (!runs(v))
		return;
	stop(v);
	for (int i = 0, off = proof_chance(&g->r, 50); off && i < g->nr; i++) {
		struct gen_irq *irq = &g->irq[i];

		if (v->c[irq->container].gone)
			continue;
		if (irq->irqfd)
			irqfd(v, irq, false);
		trigger(v, irq, 0);
	}
	if (proof_chance(&g->r, 50))
		synth_vm_gone(v->s, g->kvm);
}
