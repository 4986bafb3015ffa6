// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "capture/live.h"
#include "remapscope.skel.h"

#define PROGRAMS_MAX (2 * RS_HOOKS_MAX)

struct rs_live {
	struct rs_machine machine;
	struct rs_plan plan;
	struct remapscope_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link *link[PROGRAMS_MAX];
	const struct bpf_program *attached[PROGRAMS_MAX];
	size_t nr;
	rs_event_fn fn;
	void *ctx;
	int err; /* of fn: kept, because libbpf stops at it */
	int cpus;
	__u64 attach_ns;   /* the first hook was attached after this, */
	__u64 attached_ns; /* ... the last one before this */
	__u64 ended_ns;	   /* detaching began */
	__s64 realtime_offset;
	struct rs_percpu *percpu; /* after the stop */
	__u64 recursed;
};

static __u64 now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int libbpf_quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level, (void)fmt, (void)args;
	return 0;
}

static int libbpf_debug(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, fmt, args);
}

/* The programs of a hook under a mechanism; NULL where there is none. */
static void hook_programs(const struct rs_live *l, const struct rs_hook_def *def,
			  enum rs_mechanism m, struct bpf_program *prog[2])
{
	const char *prefix[2] = { NULL, NULL };
	char name[96];

	prog[0] = prog[1] = NULL;
	if (m == RS_MECH_TP_BTF) {
		prog[0] = bpf_object__find_program_by_name(l->skel->obj, def->program);
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
		prog[i] = bpf_object__find_program_by_name(l->skel->obj, name);
	}
}

static void choose_programs(struct rs_live *l)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, l->skel->obj) bpf_program__set_autoload(prog, false);
	for (size_t i = 0; i < l->plan.nr; i++) {
		struct bpf_program *two[2];

		hook_programs(l, l->plan.hook[i].def, l->plan.hook[i].mechanism, two);
		for (int k = 0; k < 2; k++)
			if (two[k])
				bpf_program__set_autoload(two[k], true);
	}
}

static int attach_hook(struct rs_live *l, const struct rs_hook *h)
{
	struct bpf_program *two[2];

	/*
	 * The exit's side first (and off last): an exit without its entry is ignored, but an entry
	 * without its exit would stay on the task's stack.
	 */
	hook_programs(l, h->def, h->mechanism, two);
	for (int k = 1; k >= 0; k--) {
		struct bpf_link *link;
		int err;

		if (!two[k])
			continue;
		/* What the program says is the function's own name; here it can have a suffix. */
		link = h->mechanism == RS_MECH_KPROBE
			       ? bpf_program__attach_kprobe(two[k], k == 1, h->symbol)
			       : bpf_program__attach(two[k]);
		err = libbpf_get_error(link);
		if (err)
			return err;
		l->link[l->nr] = link;
		l->attached[l->nr++] = two[k];
	}
	return 0;
}

/* Return: 0, or -EAGAIN when hooks had to be demoted and the programs must be loaded anew */
static int attach_all(struct rs_live *l)
{
	int err = 0;

	/* Tracepoints and inner functions first: a request seen from its entry is then seen whole. */
	for (size_t i = l->plan.nr; i-- > 0;) {
		struct rs_hook *h = &l->plan.hook[i];
		int failed = h->mechanism ? attach_hook(l, h) : 0;

		if (!failed)
			continue;
		rs_plan_demote(h, failed);
		err = -EAGAIN;
	}
	return err;
}

static int on_record(void *ctx, void *data, size_t len)
{
	struct rs_live *l = ctx;
	const struct rs_event *ev = data;

	/* Our own programs wrote it; the ring may hand out a few bytes more than were asked for. */
	if (len < sizeof(*ev) || ev->size > len)
		return 0;
	if (!l->err)
		l->err = l->fn(l->ctx, ev);
	return 0;
}

static int note_target(struct rs_live *l, __u32 tgid)
{
	struct {
		__u64 mm;
	} owner = {};

	return bpf_map_update_elem(bpf_map__fd(l->skel->maps.owners), &tgid, &owner, BPF_ANY);
}

static int load(struct rs_live *l, const struct rs_live_opts *opts, struct rs_msg *msg)
{
	int err;

	l->skel = remapscope_bpf__open();
	if (!l->skel)
		return rs_msg_set(msg, -errno, "cannot open the BPF object: %s", strerror(errno));
	choose_programs(l);
	l->skel->rodata->only_known = opts->tgid != 0;
	if (opts->ring_bytes)
		bpf_map__set_max_entries(l->skel->maps.events, opts->ring_bytes);
	err = remapscope_bpf__load(l->skel);
	if (err)
		return rs_msg_set(msg, err,
				  "the kernel refused the BPF programs: %s (--debug shows why)",
				  strerror(-err));
	if (opts->tgid) {
		err = note_target(l, opts->tgid);
		if (err)
			return rs_msg_set(msg, err, "cannot set the filter: %s", strerror(-err));
	}
	l->ring = ring_buffer__new(bpf_map__fd(l->skel->maps.events), on_record, l, NULL);
	if (!l->ring)
		return rs_msg_set(msg, -errno, "cannot open the ring buffer: %s", strerror(errno));
	return 0;
}

static void detach_all(struct rs_live *l)
{
	/* The reverse of attaching: what begins a request goes first. */
	while (l->nr)
		bpf_link__destroy(l->link[--l->nr]);
}

static void unload(struct rs_live *l)
{
	detach_all(l);
	ring_buffer__free(l->ring);
	remapscope_bpf__destroy(l->skel);
	l->ring = NULL;
	l->skel = NULL;
}

int rs_live_start(const struct rs_live_opts *opts, rs_event_fn fn, void *ctx, struct rs_live **out,
		  struct rs_msg *msg)
{
	struct rs_plan_opts plan_opts = { .no_fentry = opts->no_fentry };
	struct rs_live *l = calloc(1, sizeof(*l));
	int err;

	*out = NULL;
	if (!l)
		return rs_msg_set(msg, -ENOMEM, "out of memory");
	l->fn = fn;
	l->ctx = ctx;
	libbpf_set_print(opts->debug ? libbpf_debug : libbpf_quiet);
	rs_machine_look(&l->machine);
	err = rs_machine_refusal(&l->machine, msg);
	if (!err)
		err = rs_plan_make(&l->plan, &plan_opts, msg);
	if (err)
		goto out;
	l->cpus = libbpf_num_possible_cpus();
	l->percpu = calloc(l->cpus > 0 ? l->cpus : 1, sizeof(*l->percpu));
	if (!l->percpu) {
		err = rs_msg_set(msg, -ENOMEM, "out of memory");
		goto out;
	}
	do {
		unload(l);
		err = load(l, opts, msg);
		if (err)
			goto out;
		l->realtime_offset = (__s64)(now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC));
		l->attach_ns = now_ns(CLOCK_MONOTONIC);
		err = attach_all(l);
		l->attached_ns = now_ns(CLOCK_MONOTONIC);
		if (err && rs_plan_lacks_vital(&l->plan, msg)) {
			err = -ENOTSUP;
			goto out;
		}
		/* Each turn takes a mechanism from some hook: this ends. */
	} while (err == -EAGAIN);
out:
	if (err) {
		rs_live_free(l);
		return err;
	}
	*out = l;
	return 0;
}

const struct rs_plan *rs_live_plan(const struct rs_live *l)
{
	return &l->plan;
}

json_t *rs_live_meta(const struct rs_live *l)
{
	json_t *meta = json_object(), *kernel = json_object(), *clock = json_object();

	json_object_set_new(meta, "format", json_string("remapscope-trace"));
	json_object_set_new(kernel, "release", json_string(l->machine.release));
	json_object_set_new(kernel, "host", json_string(l->machine.host));
	json_object_set_new(meta, "kernel", kernel);
	json_object_set_new(clock, "name", json_string("CLOCK_MONOTONIC"));
	json_object_set_new(clock, "realtime_offset_ns", json_integer(l->realtime_offset));
	json_object_set_new(clock, "attach_ns", json_integer(l->attach_ns));
	json_object_set_new(clock, "attached_ns", json_integer(l->attached_ns));
	json_object_set_new(meta, "clock", clock);
	json_object_set_new(meta, "plan", rs_plan_json(&l->plan));
	return meta;
}

int rs_live_fd(const struct rs_live *l)
{
	return ring_buffer__epoll_fd(l->ring);
}

int rs_live_poll(struct rs_live *l)
{
	int n = ring_buffer__consume(l->ring);

	if (l->err)
		return l->err;
	return n < 0 ? n : 0;
}

static int read_percpu(const struct rs_live *l, struct rs_percpu *p)
{
	__u32 zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(l->skel->maps.percpu), &zero, p))
		return -errno;
	return 0;
}

__u64 rs_live_lost(const struct rs_live *l)
{
	struct rs_percpu *p = calloc(l->cpus, sizeof(*p));
	__u64 lost = 0;

	if (p && !read_percpu(l, p))
		for (int i = 0; i < l->cpus; i++)
			for (int k = 0; k < RS_LOSS_NR; k++)
				lost += p[i].loss[k].count;
	free(p);
	return lost;
}

/* How often the kernel left a program out because it was running on that CPU already. */
static __u64 count_recursed(const struct rs_live *l)
{
	__u64 sum = 0;

	for (size_t i = 0; i < l->nr; i++) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(l->attached[i]), &info, &len))
			sum += info.recursion_misses;
	}
	return sum;
}

int rs_live_stop(struct rs_live *l)
{
	int err, err2;

	l->ended_ns = now_ns(CLOCK_MONOTONIC);
	l->recursed = count_recursed(l);
	detach_all(l);
	err = rs_live_poll(l);
	err2 = read_percpu(l, l->percpu);
	return err ? err : err2;
}

json_t *rs_live_end(const struct rs_live *l)
{
	/* enum rs_loss_kind, as the trace names them */
	static const char *const kinds[RS_LOSS_NR] = { "ring", "context", "depth",
						       "walk", "owners",  "recursion" };
	json_t *end = json_object(), *loss = json_array(), *cpus = json_array();

	for (int i = 0; i < l->cpus; i++) {
		const struct rs_percpu *p = &l->percpu[i];

		if (p->seq)
			json_array_append_new(cpus, json_pack("{s:i,s:I}", "cpu", i, "seq",
							      (json_int_t)p->seq));
		for (int k = 0; k < RS_LOSS_NR; k++)
			if (p->loss[k].count)
				json_array_append_new(
					loss,
					json_pack("{s:s,s:i,s:I,s:I,s:I}", "kind", kinds[k], "cpu",
						  i, "count", (json_int_t)p->loss[k].count,
						  "first_ns", (json_int_t)p->loss[k].first_ns,
						  "last_ns", (json_int_t)p->loss[k].last_ns));
	}
	if (l->recursed)
		json_array_append_new(loss,
				      json_pack("{s:s,s:I,s:I,s:I}", "kind", kinds[RS_LOSS_RECURSE],
						"count", (json_int_t)l->recursed, "first_ns",
						(json_int_t)l->attach_ns, "last_ns",
						(json_int_t)now_ns(CLOCK_MONOTONIC)));
	json_object_set_new(end, "loss", loss);
	json_object_set_new(end, "cpus", cpus);
	json_object_set_new(end, "ended_ns", json_integer(l->ended_ns));
	return end;
}

void rs_live_free(struct rs_live *l)
{
	if (!l)
		return;
	unload(l);
	free(l->percpu);
	free(l);
}
