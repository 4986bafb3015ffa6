/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: How faults are written, and what those of several files make use of
 */
#ifndef RS_TESTS_PROOF_FAULTS_H
#define RS_TESTS_PROOF_FAULTS_H

#include "gen.h"

#define W  const struct gen_world *w
#define V  const struct gen_vm *v
#define C  const struct gen_container *c
#define R  const struct gen_range *r
#define GO struct gen_world *w, struct gen_vm *v, struct gen_container *c, struct gen_range *r

#define FITS(name, cond) static FITS_OF_ALL(name, cond)
#define FITS_OF_ALL(name, cond)                     \
	bool name(W, V, C, R)                       \
	{                                           \
		(void)w, (void)v, (void)c, (void)r; \
		return cond;                        \
	}

/* What is said of the call that is about to be made, which then goes on. */
#define TWIST(name, ...)                            \
	static bool name(GO)                        \
	{                                           \
		(void)w, (void)v, (void)c, (void)r; \
		__VA_ARGS__;                        \
		return false;                       \
	}

/* What happens in place of that call. */
#define DO(name, ...) static DO_OF_ALL(name, __VA_ARGS__)
#define DO_OF_ALL(name, ...)                        \
	bool name(GO)                               \
	{                                           \
		(void)w, (void)v, (void)c, (void)r; \
		__VA_ARGS__;                        \
		return true;                        \
	}

#define ALL PROOF_ALL_ONLY

/** struct fault_list - the faults of one file */
struct fault_list {
	const struct proof_fault *fault;
	size_t nr;
};

#define FAULT_LIST(array)                                   \
	{                                                   \
		(array), sizeof(array) / sizeof((array)[0]) \
	}

/* faults.c: what breaks a rule, on a host that is seen from the beginning to the end */
extern const struct fault_list faults_of_rules;
/* faults_odd.c: where a recording begins and ends, what comes twice, what contradicts itself */
extern const struct fault_list faults_odd;

/* faults_guest.c: guests and their interrupts */
extern const struct fault_list faults_of_guests;

/* What fits. */
bool fault_whole_window(W, V, C, R);
bool fault_untried(W, V, C, R);
bool fault_seen(W, V, C, R);
bool fault_recorded(W, V, C, R);
bool fault_born_device(W, V, C, R);

/* What is done in place of a call. */
bool fault_nothing_there(GO);
bool fault_translate_inside(GO);
bool fault_iommu_map_inside(GO);
bool fault_map_inside(GO);
bool fault_attach_inside(GO);
bool fault_other_pages(GO);
bool fault_unmap_inside(GO);
bool fault_old_owner_maps(GO);

/* What that is made of. */
void fault_leave(struct gen_container *c);
void fault_remap_as(GO, __u64 size, __u64 ino, __u64 off);
void *fault_last_of(struct synth *s, enum rs_event_type type);

#endif /* RS_TESTS_PROOF_FAULTS_H */
