/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The hosts that the generator makes, and where a fault can come in
 */
#ifndef RS_TESTS_PROOF_GEN_H
#define RS_TESTS_PROOF_GEN_H

#include "proof.h"

#define GEN_RANGES     40
#define GEN_CONTAINERS 3
#define GEN_VMS	       3
#define GEN_PINS       16
#define GEN_DEVICES    3

struct gen_range {
	__u64 iova, size, ino, off;
	__u64 pfn;		 /* of its first page */
	struct synth_twist kind; /* what is behind it */
	bool invalid;
	bool tried; /* somebody tried to remap it inexactly */
	bool late;  /* found without a vaddr when the recording began */
	bool skip;  /* a fault: it is not invalidated with the others */
};

struct gen_pin {
	int device;
	__u64 iova;
	__u32 pages;
	bool old; /* of before the recording */
};

struct gen_container {
	__u64 key;
	struct gen_range range[GEN_RANGES];
	int nr;
	struct gen_pin pin[GEN_PINS];
	int nr_pins;
	__u64 next_iova;
	bool told[GEN_DEVICES]; /* armed: the recorder has seen the device */
	bool hands_off; /* a fault has left it so that nothing correct can be done with it */
	bool joined_inside;
	bool seen_inside; /* ... and some of its ranges were seen to lose their vaddr */
	bool gone;
};

#define GEN_IRQS 6

/**
 * struct gen_irq - a vector of a container's interrupt device
 * @eventfd: that KVM takes
 * @kvm: it is to reach the guest by KVM
 * @irqfd: and does, in the VM that there is now
 * @masked: the vector signals the program instead
 */
struct gen_irq {
	int container;
	__u32 vector;
	__u64 eventfd;
	bool kvm;
	bool irqfd;
	bool masked;
};

/** enum gen_slip - what goes wrong with an interrupt that is to be given back */
enum gen_slip {
	GEN_SLIP_NONE,
	GEN_SLIP_FORGET,    /* no irqfd */
	GEN_SLIP_OTHER,	    /* one for another eventfd */
	GEN_SLIP_UNTRIGGER, /* the vector signals nothing */
	GEN_SLIP_RETRIGGER, /* ... or what nobody takes */
};

/**
 * struct gen_guest - the guest of a process
 * @r: its own, so that a host is the same with and without one
 * @vcpus: 0: there is none
 * @pid: whose VM it is
 * @runs: it does, and so may not when a range loses its vaddr
 * @slip: with @slips, the interrupt
 */
struct gen_guest {
	struct proof_rng r;
	__u64 kvm;
	__u64 next_eventfd;
	__u32 vcpus;
	__u32 pid;
	bool runs;
	struct gen_irq irq[GEN_IRQS];
	int nr;
	enum gen_slip slip;
	int slips;
};

/* A process with its containers, and those that follow it. */
struct gen_vm {
	struct synth *s;
	struct proof_rng r;
	__u32 pid, next_pid;
	__u32 before; /* the process that it was handed over by, and that still lives; 0 */
	struct gen_container c[GEN_CONTAINERS];
	int nr;
	struct gen_guest guest;
	__u64 old_mm; /* of the update under way: the owner's before */
	bool late, dead;
};

/** struct gen_world - all that one recording sees */
struct gen_world {
	enum rs_mode mode;
	enum rs_verify verify;
	struct gen_vm vm[GEN_VMS];
	int nr;
	enum rs_verdict want[RS_RULES_MAX];
	bool perhaps[RS_RULES_MAX];
	struct proof_object hit;
	const struct proof_fault *fault;
	int occasions; /* that the fault had so far */
	int take;      /* which one it takes; -1: none */
	bool fired;
};

/** enum gen_point - where a fault can come in */
enum gen_point {
	GEN_AT_MAP,	   /* range: is about to be mapped, twist set */
	GEN_AT_INVALIDATE, /* range: is about to be invalidated, with all others */
	GEN_AT_WINDOW,	   /* range: invalid */
	GEN_AT_REMAP,	   /* range: is about to be remapped, twist set */
	GEN_AT_REMAPPED,   /* range: has just been */
	GEN_AT_QUIET,	   /* range, or NULL: outside of windows */
	GEN_AT_END,	   /* container: is about to be closed, everything given back */
	GEN_AT_PASSED,	   /* range: after a hand-over; the process before still lives */
	GEN_AT_RESUME, /* container: its interrupts are about to be given back, the guest to run */
};

#define PROOF_ALL_ONLY	  1U /* armed, nobody would see it */
#define PROOF_ARMED_ONLY  2U
#define PROOF_VERIFY_ONLY 4U  /* pages must be told */
#define PROOF_CONTAINER	  8U  /* the rule's object is the container */
#define PROOF_DEVICE	  16U /* ... is the container's first device */
#define PROOF_NOT_PASS \
	32U /* the recording contradicts itself: all that is asked is that nothing passes */
#define PROOF_LATE	 128U /* the recording begins inside a window */
#define PROOF_LATE_ARMED 256U /* an armed recording begins late */
#define PROOF_CORRECT	 64U  /* no fault, but nearly: nothing may be found */

/**
 * struct proof_fault - something that goes wrong, once
 * @rule: that must find it; NULL with PROOF_NOT_PASS or PROOF_CORRECT
 * @also: rules that it breaks too
 * @fits: whether it can happen there; NULL: always
 * @fire: makes it happen. Return: true if it was done in place of what was about to be done
 */
struct proof_fault {
	const char *name;
	const char *rule;
	const char *also[3];
	enum gen_point at;
	unsigned int flags;
	bool (*fits)(const struct gen_world *w, const struct gen_vm *v,
		     const struct gen_container *c, const struct gen_range *r);
	bool (*fire)(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
		     struct gen_range *r);
};

/* The i-th fault of all; NULL: there are no more */
const struct proof_fault *proof_fault(size_t i);
size_t proof_nr_faults(void);

/* gen_calls.c: what a correct process does; faults make use of some of it. */
void gen_expect(struct gen_world *w, const char *rule, enum rs_verdict verdict);
/* An occasion for the fault. Return: true if it was done in place of what was about to be done */
bool gen_occasion(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
		  struct gen_range *r, enum gen_point at);
/* The process goes on, perhaps on another CPU, perhaps later. */
void gen_new_cpu(struct gen_vm *v);
void gen_map(struct gen_world *w, struct gen_vm *v, struct gen_container *c);
/* All pins in the range are given back. @r: NULL: in all of the container */
void gen_unpin(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
	       const struct gen_range *r);
/* Something outside of windows. */
void gen_quiet(struct gen_world *w, struct gen_vm *v, struct gen_container *c);
/* Something inside a window that is right, or refused. */
void gen_inside(struct gen_world *w, struct gen_vm *v, struct gen_container *c);
/* Some range that has no vaddr, or has one. NULL: there is none */
struct gen_range *gen_invalid_range(struct gen_vm *v, struct gen_container *c, bool invalid);
void gen_remap(struct gen_world *w, struct gen_vm *v, struct gen_container *c, struct gen_range *r);
/* A range has a vaddr again. @looked: all its pages were looked at */
void gen_remapped(struct gen_world *w, struct gen_vm *v, struct gen_range *r, bool looked);
/* A remap that is refused because it is longer than the range. */
void gen_try_longer(struct gen_vm *v, struct gen_container *c, struct gen_range *r);
void gen_forget_range(struct gen_container *c, struct gen_range *r);
__u64 gen_device(const struct gen_container *c, int device);
void gen_pin(struct gen_world *w, struct gen_vm *v, struct gen_container *c, int device,
	     struct gen_range *r, __u64 at, __u32 pages);

/* gen_guest.c: what a guest does, and its process with it */
void gen_guest_start(struct gen_vm *v);
/* It does something of its own. */
void gen_guest_quiet(struct gen_vm *v);
/* Ranges are about to lose their vaddrs. */
void gen_guest_stop(struct gen_vm *v);
/* What is needed is given back, and unless a range has no vaddr it runs. */
void gen_guest_resume(struct gen_vm *v);
/* The same, and a fault can come in: all its containers have been through a window. */
void gen_guest_resume_all(struct gen_world *w, struct gen_vm *v);
/* Is its VM there, and that process'? It goes with the process, and with its program. */
bool gen_guest_of(const struct gen_vm *v, __u32 pid);
/* It runs for a moment, with its interrupts, whatever the ranges are. */
void gen_guest_blink(struct gen_vm *v);
/* Its process is about to close all. */
void gen_guest_end(struct gen_vm *v);
__u64 gen_irq_device(const struct gen_container *c);
/* An interrupt of the container that KVM is to take; -1: it has none. */
int gen_irq_of(const struct gen_vm *v, const struct gen_container *c);
/* Those of its interrupts that a guest would miss if it ran now. */
int gen_irqs_missing(const struct gen_vm *v, int container);

#endif /* RS_TESTS_PROOF_GEN_H */
