// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include "capture/programs.h"

/* The programs of a hook under a mechanism; NULL where there is none. */
static void hook_programs(struct bpf_object *obj, const struct rs_hook *h,
			  struct bpf_program *prog[2])
{
	const struct rs_hook_def *def = h->def;
	const char *prefix[2] = { NULL, NULL };
	enum rs_mechanism m = h->mechanism;
	char name[96];

	prog[0] = prog[1] = NULL;
	if (m == RS_MECH_TP_BTF) {
		prog[0] = bpf_object__find_program_by_name(obj, def->program);
		if (h->twin)
			prog[1] = bpf_object__find_program_by_name(obj, def->twin);
		return;
	}
	if (m == RS_MECH_FENTRY) {
		prefix[0] = def->shape == RS_HOOK_LEAF ? NULL : "fe";
		prefix[1] = def->shape == RS_HOOK_ENTRY ? NULL : "fx";
	} else if (m == RS_MECH_KPROBE) {
		prefix[0] = "kp";
		prefix[1] = def->shape == RS_HOOK_ENTRY ? NULL : "kr";
	}
	for (int i = 0; i < 2; i++) {
		if (!prefix[i])
			continue;
		snprintf(name, sizeof(name), "%s_%s", prefix[i], def->function);
		prog[i] = bpf_object__find_program_by_name(obj, name);
	}
}

void rs_programs_choose(struct bpf_object *obj, const struct rs_plan *plan)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj) bpf_program__set_autoload(
		prog, bpf_program__expected_attach_type(prog) == BPF_TRACE_ITER);
	for (size_t i = 0; i < plan->nr; i++) {
		struct bpf_program *two[2];

		hook_programs(obj, &plan->hook[i], two);
		for (int k = 0; k < 2; k++) {
			if (!two[k])
				continue;
			bpf_program__set_autoload(two[k], true);
			if (plan->hook[i].multi)
				bpf_program__set_expected_attach_type(two[k],
								      BPF_TRACE_KPROBE_MULTI);
		}
	}
}

/* libbpf returns NULL with errno, or a pointer that is an error: libbpf_get_error() knows. */
static struct bpf_link *attach_program(const struct rs_hook *h, const struct bpf_program *prog,
				       bool at_return)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .addrs = &h->addr, .cnt = 1,
		    .retprobe = at_return);

	if (h->mechanism != RS_MECH_KPROBE)
		return bpf_program__attach_trace(prog);
	if (h->multi)
		return bpf_program__attach_kprobe_multi_opts(prog, NULL, &opts);
	/* What the program says is the function's own name; here it can have a suffix. */
	return bpf_program__attach_kprobe(prog, at_return, h->symbol);
}

static int attach_hook(struct rs_programs *p, struct bpf_object *obj, const struct rs_hook *h)
{
	struct bpf_program *two[2];

	/*
	 * The exit's side first (and off last): an exit without its entry is ignored, but an entry
	 * without its exit would stay on the task's stack.
	 */
	hook_programs(obj, h, two);
	for (int k = 1; k >= 0; k--) {
		struct bpf_link *link;
		int err;

		if (!two[k])
			continue;
		link = attach_program(h, two[k], k == 1);
		err = libbpf_get_error(link);
		if (err)
			return err;
		p->link[p->nr] = link;
		p->function[p->nr] = h->def->function;
		p->twin[p->nr] = k == 1 && h->mechanism == RS_MECH_TP_BTF;
		p->attached[p->nr++] = two[k];
	}
	return 0;
}

int rs_programs_attach(struct rs_programs *p, struct bpf_object *obj, struct rs_plan *plan)
{
	int err = 0;

	/* Tracepoints and inner functions first: a request seen from its entry is then seen whole. */
	for (size_t i = plan->nr; i-- > 0;) {
		struct rs_hook *h = &plan->hook[i];
		int failed = h->mechanism ? attach_hook(p, obj, h) : 0;

		if (!failed)
			continue;
		rs_plan_demote(h, failed);
		err = -EAGAIN;
	}
	return err;
}

void rs_programs_detach(struct rs_programs *p)
{
	/* What begins a request goes first. */
	while (p->nr)
		bpf_link__destroy(p->link[--p->nr]);
}

/*
 * What the kernel answers for a kprobe's link, struct bpf_link_info in include/uapi/linux/bpf.h of Linux 6.7:
 * Debian 12's header is older. An older kernel leaves what it does not know as it is, 0.
 */
struct perf_link_info {
	__u32 type, id, prog_id, reserved;
	__u32 event_type, reserved2;
	__u64 func_name;
	__u32 name_len, offset;
	__u64 addr;
	__u64 missed;
	__u64 cookie;
};

/* The same of kprobe.multi's link. */
struct multi_link_info {
	__u32 type, id, prog_id, reserved;
	__u64 addrs;
	__u32 count, flags;
	__u64 missed;
	__u64 cookies;
};

/* Hits that a kprobe was not ready for, and returns that no place was left for (Linux 6.7 and later). */
static __u64 missed_hits(const struct bpf_link *link)
{
	union {
		struct perf_link_info perf;
		struct multi_link_info multi;
	} info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_link__fd(link), (void *)&info, &len))
		return 0;
	if (info.perf.type == BPF_LINK_TYPE_KPROBE_MULTI)
		return info.multi.missed;
	return info.perf.type == BPF_LINK_TYPE_PERF_EVENT ? info.perf.missed : 0;
}

__u64 rs_programs_missed(const struct rs_programs *p, size_t which)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	/* Runs for every contended lock, also one of our own maps': only a time depends on it. */
	if (!strcmp(bpf_program__name(p->attached[which]), "on_contention_end"))
		return 0;
	if (bpf_obj_get_info_by_fd(bpf_program__fd(p->attached[which]), &info, &len))
		info.recursion_misses = 0;
	return info.recursion_misses + missed_hits(p->link[which]);
}
