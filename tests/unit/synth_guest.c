// SPDX-License-Identifier: GPL-2.0-only
/* The fake kernel's guests: their vCPUs and interrupts, and what is done with devices. */
#include "synth_internal.h"

/* A vCPU's address; of another VM another. */
static __u64 vcpu_key(__u64 kvm, __u32 id)
{
	return kvm + 0x1000 + id * 0x100ULL;
}

static struct synth_vcpu *vcpu_of(struct synth *s, __u64 kvm, __u32 id)
{
	for (size_t i = 0; i < s->nr_vcpus; i++)
		if (s->vcpu[i].kvm == kvm && s->vcpu[i].id == id)
			return &s->vcpu[i];
	s->vcpu = realloc(s->vcpu, (s->nr_vcpus + 1) * sizeof(*s->vcpu));
	MUST(s->vcpu);
	s->vcpu[s->nr_vcpus] = (struct synth_vcpu){ .kvm = kvm, .id = id, .tgid = s->pid };
	return &s->vcpu[s->nr_vcpus++];
}

static void tell(struct synth *s, const struct synth_vcpu *v, enum rs_vcpu_what what)
{
	struct rs_ev_vcpu *x = RECORD(s, RS_EV_VCPU, rs_ev_vcpu);

	if (!x)
		return;
	x->kvm = v->kvm;
	x->vcpu = vcpu_key(v->kvm, v->id);
	x->enter_ns = what == RS_VCPU_TOLD ? v->enter_ns : x->h.ts;
	x->exit_ns = v->exit_ns;
	x->runs = v->runs;
	x->id = v->id;
	x->what = what;
	if (what == RS_VCPU_TOLD && v->inside)
		x->flags = RS_VCPUF_INSIDE;
}

void synth_vcpu_run(struct synth *s, __u64 kvm, __u32 id)
{
	struct synth_vcpu *v = vcpu_of(s, kvm, id);
	enum rs_vcpu_what what = v->told ? RS_VCPU_AGAIN : RS_VCPU_FIRST;

	MUST(!v->inside && v->tgid == s->pid);
	v->inside = true;
	if (s->off) {
		/* The recorder sees nothing of it, and takes it for new later. */
		return;
	}
	v->runs++;
	if (!v->seen || v->told)
		tell(s, v, what);
	v->enter_ns = s->now;
	v->seen = true;
	v->told = false;
}

void synth_vcpu_stop(struct synth *s, __u64 kvm, __u32 id)
{
	struct synth_vcpu *v = vcpu_of(s, kvm, id);

	MUST(v->inside && v->tgid == s->pid);
	s->now += US;
	v->inside = false;
	if (v->seen && !s->off)
		v->exit_ns = s->now;
}

void synth_vcpus_told(struct synth *s)
{
	for (size_t i = 0; i < s->nr_vcpus; i++) {
		struct synth_vcpu *v = &s->vcpu[i];

		if (v->tgid != s->pid || !v->seen || s->off)
			continue;
		tell(s, v, RS_VCPU_TOLD);
		v->told = true;
	}
}

void synth_vcpus_gone(struct synth *s, __u32 pid)
{
	for (size_t i = s->nr_vcpus; i-- > 0;)
		if (s->vcpu[i].tgid == pid)
			s->vcpu[i] = s->vcpu[--s->nr_vcpus];
}

void synth_vm_gone(struct synth *s, __u64 kvm)
{
	struct rs_ev_vm *x;

	for (size_t i = s->nr_vcpus; i-- > 0;)
		if (s->vcpu[i].kvm == kvm)
			s->vcpu[i] = s->vcpu[--s->nr_vcpus];
	x = RECORD(s, RS_EV_VM, rs_ev_vm);
	if (x)
		x->kvm = kvm;
}

struct rs_ev_irq *synth_irq(struct synth *s, enum rs_irq_what what, __u64 object, __u32 vector,
			    __u64 eventfd)
{
	struct synth_twist t = s->twist;
	__u64 start = s->now;
	struct rs_ev_irq *x;

	s->twist = (struct synth_twist){ 0 };
	x = RECORD(s, RS_EV_IRQ, rs_ev_irq);
	if (!x)
		return NULL;
	x->start_ns = start;
	x->object = object;
	x->eventfd = eventfd;
	x->ret = t.ret;
	x->what = what;
	x->index = what < RS_IRQ_IRQFD ? 2 : 0; /* VFIO_PCI_MSIX_IRQ_INDEX */
	x->vector = vector;
	x->count = 1;
	return x;
}

struct rs_ev_devop *synth_devop(struct synth *s, __u64 device, __u64 c, __u32 cmd)
{
	struct synth_twist t = s->twist;
	__u64 start = s->now;
	struct rs_ev_devop *x;

	s->twist = (struct synth_twist){ 0 };
	x = RECORD(s, RS_EV_DEVOP, rs_ev_devop);
	if (!x)
		return NULL;
	x->start_ns = start;
	x->device = device;
	x->container = c;
	x->ret = t.ret;
	x->cmd = cmd;
	return x;
}

void synth_passed(struct synth *s, __u64 c, enum rs_passed_what what, __u64 object, __u32 from)
{
	struct rs_ev_passed *x = RECORD(s, RS_EV_PASSED, rs_ev_passed);

	if (!x)
		return;
	x->object = object;
	x->container = c;
	x->what = what;
	x->from = from;
}

void synth_mark(struct synth *s, enum rs_mark_what what, __u32 witness)
{
	struct rs_ev_mark *x = RECORD(s, RS_EV_MARK, rs_ev_mark);

	if (!x)
		return;
	x->what = what;
	x->witness = witness;
}
