// SPDX-License-Identifier: GPL-2.0-only
/* Guests that run when they may not, and interrupts that do not come back. */
#include "synth_internal.h"
#include "faults.h"

FITS(has_interrupt, gen_irq_of(v, c) >= 0 && !v->guest.irq[gen_irq_of(v, c)].irqfd)
FITS(has_vector, gen_irq_of(v, c) >= 0)
FITS(has_guest, v->guest.vcpus && !v->s->off)
FITS(old_guest_lives, v->before &&gen_guest_of(v, v->before))

static void slip(struct gen_world *w, struct gen_vm *v, const struct gen_container *c,
		 enum gen_slip what)
{
	v->guest.slip = what;
	v->guest.slips = gen_irq_of(v, c);
	w->hit.container = 0;
	w->hit.at = gen_irq_device(c);
}

DO(forget_irqfd, slip(w, v, c, GEN_SLIP_FORGET))
DO(other_eventfd, slip(w, v, c, GEN_SLIP_OTHER))
DO(forget_trigger, slip(w, v, c, GEN_SLIP_UNTRIGGER))
DO(other_trigger, slip(w, v, c, GEN_SLIP_RETRIGGER))
DO(run_early, gen_guest_blink(v))

/* With all its interrupts, so that only its owner is wrong. */
static bool run_both(GO)
{
	__u32 now = v->pid;

	(void)w, (void)c, (void)r;
	v->pid = v->before;
	synth_as(v->s, v->pid);
	gen_guest_blink(v);
	v->pid = now;
	synth_as(v->s, v->pid);
	return true;
}

static const struct proof_fault faults[] = {
	{ "an irqfd not given back",
	  "irq-restored",
	  { 0 },
	  GEN_AT_RESUME,
	  0,
	  has_interrupt,
	  forget_irqfd },
	{ "an irqfd for another eventfd",
	  "irq-restored",
	  { 0 },
	  GEN_AT_RESUME,
	  0,
	  has_interrupt,
	  other_eventfd },
	{ "a vector that signals nothing",
	  "irq-restored",
	  { 0 },
	  GEN_AT_RESUME,
	  0,
	  has_vector,
	  forget_trigger },
	{ "a vector that signals what nobody takes",
	  "irq-restored",
	  { 0 },
	  GEN_AT_RESUME,
	  0,
	  has_vector,
	  other_trigger },
	{ "a guest that runs inside a window",
	  "window-closed",
	  { 0 },
	  GEN_AT_WINDOW,
	  0,
	  has_guest,
	  run_early },
	{ "both guests run",
	  "one-owner",
	  { 0 },
	  GEN_AT_PASSED,
	  PROOF_CONTAINER,
	  old_guest_lives,
	  run_both },
};

const struct fault_list faults_of_guests = FAULT_LIST(faults);
