/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: BPF programs, attached as the plan says
 */
#ifndef RS_CAPTURE_PROGRAMS_H
#define RS_CAPTURE_PROGRAMS_H

#include <bpf/libbpf.h>
#include "attach/plan.h"

#define RS_PROGRAMS_MAX (2 * RS_HOOKS_MAX)

/** struct rs_programs - what is attached */
struct rs_programs {
	struct bpf_link *link[RS_PROGRAMS_MAX];
	const struct bpf_program *attached[RS_PROGRAMS_MAX];
	const char *function[RS_PROGRAMS_MAX]; /* of the plan */
	bool twin[RS_PROGRAMS_MAX];	       /* of the next one: only what both miss is missing */
	size_t nr;
};

struct rs_loader;

/**
 * rs_loader_new() - make libbpf take from the plan what fentry, fexit and tp_btf programs attach to
 *
 * By itself it looks for each function's name in the BTF of the kernel and then of every module, and
 * takes the first that has it. To be called before the object is opened; one at a time. @plan is
 * borrowed until rs_loader_free(). Return: 0 or -errno
 */
int rs_loader_new(const struct rs_plan *plan, struct rs_loader **out);

/** rs_loader_free() - NULL is allowed */
void rs_loader_free(struct rs_loader *l);

/** rs_programs_choose() - load only the programs that the plan needs */
void rs_programs_choose(struct bpf_object *obj, const struct rs_plan *plan);

/**
 * rs_programs_attach() - attach all that the plan says
 *
 * Return: 0, or -EAGAIN when hooks had to be demoted and the programs must be loaded anew
 */
int rs_programs_attach(struct rs_programs *p, struct bpf_object *obj, struct rs_plan *plan);

/** rs_programs_detach() - in the reverse order of attaching */
void rs_programs_detach(struct rs_programs *p);

/**
 * rs_programs_missed() - how often the kernel left an attached program out: it was running on that CPU already,
 * or a kprobe had no place left for a return
 *
 * 0 of a program without which nothing is missing.
 */
__u64 rs_programs_missed(const struct rs_programs *p, size_t which);

#endif /* RS_CAPTURE_PROGRAMS_H */
