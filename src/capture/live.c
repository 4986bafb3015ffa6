// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "attach/watch.h"
#include "capture/kstats.h"
#include "capture/lost.h"
#include "capture/live.h"
#include "capture/mapped.h"
#include "capture/members.h"
#include "capture/pagemap.h"
#include "capture/programs.h"
#include "util/array.h"
#include "remapscope.skel.h"

/* What was counted reaches the trace this often: a killed recorder loses no more. */
#define STATS_NS 60000000000ULL
/* What the kernel has skipped lies between two looks. */
#define LOOK_NS 1000000000ULL
/* A module that has just come may still be at work on itself: one that cannot be attached yet is tried again. */
#define RETRY_NS 200000000ULL

struct rs_live {
	struct rs_live_opts opts;
	struct rs_machine machine;
	struct rs_plan plan;
	struct rs_watch *watch;
	struct remapscope_bpf *skel; /* NULL while it waits for the backend */
	struct ring_buffer *ring;
	struct rs_programs programs;
	rs_event_fn fn;
	void *ctx;
	int err; /* of fn: kept, because libbpf stops at it */
	int cpus;
	__u32 seq;	   /* of our own records, as the CPU after the last one */
	__u64 attach_ns;   /* the first hook was attached after this, */
	__u64 attached_ns; /* ... the last one before this */
	__u64 ended_ns;	   /* detaching began */
	__u64 stats_ns, retry_ns;
	__s64 realtime_offset;
	struct rs_mapped counters, rows; /* the maps `percpu` and `stats` */
	struct rs_percpu *percpu;	 /* as of the last stop */
	struct rs_kstats stats;
	struct rs_ev_map *look; /* remaps whose pages are still to be looked at */
	size_t nr_look;
	struct rs_lost_book lost;
	__u32 attachments;
	bool waited; /* for the backend, at the begin */
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

/* Hands a record of our own, or the ring's, to whoever takes them. */
static int hand_out(void *ctx, const struct rs_event *ev)
{
	struct rs_live *l = ctx;

	if (!l->err)
		l->err = l->fn(l->ctx, ev);
	return l->err;
}

static int consume(void *ctx)
{
	struct rs_live *l = ctx;
	int n = l->ring ? ring_buffer__consume(l->ring) : 0;

	if (l->err)
		return l->err;
	return n < 0 ? n : 0;
}

static int on_record(void *ctx, void *data, size_t len)
{
	struct rs_live *l = ctx;
	const struct rs_event *ev = data;
	struct rs_ev_map *grown;

	/* Our own programs wrote it; the ring may hand out a few bytes more than were asked for. */
	if (len < sizeof(*ev) || ev->size > len)
		return 0;
	hand_out(l, ev);
	if (!l->opts.verify || ev->type != RS_EV_MAP || ev->size < sizeof(*grown) || l->err)
		return 0;
	/* Not here: the ring is not to wait for it. */
	grown = rs_grow(l->look, l->nr_look, sizeof(*grown));
	if (!grown) {
		l->err = -ENOMEM;
		return 0;
	}
	l->look = grown;
	memcpy(&l->look[l->nr_look++], ev, sizeof(*grown));
	return 0;
}

static int look_at_pages(struct rs_live *l)
{
	struct rs_pagemap_opts look = { .all = l->opts.verify == RS_VERIFY_ALL,
					.cpu = l->cpus,
					.seq = &l->seq,
					.between = consume };
	int err = 0;

	/* More can come while one is looked at. */
	for (size_t i = 0; i < l->nr_look && !err; i++) {
		struct rs_ev_map remap = l->look[i];

		err = rs_pagemap_look(&remap, &look, hand_out, l);
	}
	free(l->look);
	l->look = NULL;
	l->nr_look = 0;
	return err;
}

/* bpf/state.bpf.h: RS_FILTER_*, RS_OWNER_* */
enum {
	FILTER_PROCESS = 1 << 0,
	FILTER_CGROUP = 1 << 1,
	FILTER_GROUP = 1 << 2,
	FILTER_CONTAINER = 1 << 3,
	OWNER_SELECTS = 1 << 0,
	OWNER_TREE = 1 << 1,
};

static void set_filter(struct rs_live *l)
{
	const struct rs_filter *f = &l->opts.filter;
	__u32 filter = 0;

	if (f->tgid)
		filter |= FILTER_PROCESS;
	if (f->cgroup_fd >= 0)
		filter |= FILTER_CGROUP;
	if (f->group_id >= 0)
		filter |= FILTER_GROUP;
	if (f->container_tgid)
		filter |= FILTER_CONTAINER;
	l->skel->rodata->filter = filter;
	l->skel->rodata->filter_group = f->group_id;
	l->skel->rodata->filter_tgid = f->container_tgid;
	l->skel->rodata->filter_fd = f->container_fd;
}

static int note_member(void *ctx, __u32 tgid)
{
	struct rs_live *l = ctx;
	/* struct rs_owner of bpf/state.bpf.h */
	struct {
		__u64 mm;
		__u32 flags;
		__u32 reserved;
	} owner = { .flags = OWNER_SELECTS | (l->opts.filter.tgid ? OWNER_TREE : 0) };
	int err;

	err = bpf_map_update_elem(bpf_map__fd(l->skel->maps.owners), &tgid, &owner, BPF_NOEXIST);
	/* The hook on fork was faster. */
	return err == -EEXIST ? 0 : err;
}

static int fill_filter(struct rs_live *l, struct rs_msg *msg)
{
	const struct rs_filter *f = &l->opts.filter;
	__u32 zero = 0;
	int err = 0;

	if (f->tgid)
		err = note_member(l, f->tgid);
	if (!err && f->cgroup_fd >= 0)
		err = bpf_map_update_elem(bpf_map__fd(l->skel->maps.cgroups), &zero, &f->cgroup_fd,
					  BPF_ANY);
	if (err)
		return rs_msg_set(msg, err, "cannot set the filter: %s", strerror(-err));
	return 0;
}

static int map_counters(struct rs_live *l)
{
	int err = rs_mapped_open(&l->counters, l->skel->maps.percpu);

	if (!err)
		err = rs_mapped_open(&l->rows, l->skel->maps.stats);
	/* What an earlier attachment counted goes on: numbers and losses are the whole recording's. */
	if (!err)
		memcpy(l->counters.at, l->percpu, l->cpus * sizeof(*l->percpu));
	return err;
}

static int load(struct rs_live *l, struct rs_msg *msg)
{
	struct rs_loader *loader;
	int err;

	err = rs_loader_new(&l->plan, &loader);
	if (err)
		return rs_msg_set(msg, err, "cannot prepare libbpf: %s", strerror(-err));
	l->skel = remapscope_bpf__open();
	if (!l->skel) {
		err = rs_msg_set(msg, -errno, "cannot open the BPF object: %s", strerror(errno));
		goto out;
	}
	rs_programs_choose(l->skel->obj, &l->plan);
	l->skel->rodata->armed = l->opts.mode == RS_MODE_ARMED;
	l->skel->rodata->verify = l->opts.verify;
	l->skel->rodata->tail_ns = l->opts.tail_ns;
	l->skel->rodata->nr_cpus = l->cpus;
	set_filter(l);
	bpf_map__set_max_entries(l->skel->maps.percpu, l->cpus);
	if (l->opts.ring_bytes)
		bpf_map__set_max_entries(l->skel->maps.events, l->opts.ring_bytes);
	err = remapscope_bpf__load(l->skel);
	if (err) {
		rs_msg_set(msg, err, "the kernel refused the BPF programs: %s (--debug shows why)",
			   strerror(-err));
		goto out;
	}
	err = fill_filter(l, msg);
	if (err)
		goto out;
	err = map_counters(l);
	if (err) {
		rs_msg_set(msg, err, "cannot set up the counters: %s", strerror(-err));
		goto out;
	}
	l->ring = ring_buffer__new(bpf_map__fd(l->skel->maps.events), on_record, l, NULL);
	if (!l->ring)
		err = rs_msg_set(msg, -errno, "cannot open the ring buffer: %s", strerror(errno));
out:
	rs_loader_free(loader);
	return err;
}

static void unload(struct rs_live *l)
{
	rs_programs_detach(&l->programs);
	ring_buffer__free(l->ring);
	rs_mapped_close(&l->counters);
	rs_mapped_close(&l->rows);
	remapscope_bpf__destroy(l->skel);
	l->ring = NULL;
	l->skel = NULL;
}

/* Containers that are there already: an iterator over all tasks' files writes them into the ring. */
static int find_containers(struct rs_live *l, struct rs_msg *msg)
{
	struct bpf_link *link = bpf_program__attach_iter(l->skel->progs.find_containers, NULL);
	char nothing[64];
	int fd, err = libbpf_get_error(link);
	ssize_t n;

	if (err)
		return rs_msg_set(msg, err, "cannot look for containers: %s", strerror(-err));
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		err = rs_msg_set(msg, fd, "cannot look for containers: %s", strerror(-fd));
		goto out;
	}
	do
		n = read(fd, nothing, sizeof(nothing));
	while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	if (n < 0)
		err = rs_msg_set(msg, -errno, "cannot look for containers: %s", strerror(errno));
	close(fd);
out:
	bpf_link__destroy(link);
	return err;
}

static int attach(struct rs_live *l, struct rs_msg *msg)
{
	struct rs_plan_opts opts = { .no_fentry = l->opts.no_fentry };
	int err;

	rs_machine_look(&l->machine);
	opts.exact = l->machine.switches && !l->opts.fentry;
	opts.type1 = l->machine.type1 && l->machine.module_btf;
	opts.iommufd = l->machine.iommufd_btf;
	err = rs_machine_refusal(&l->machine, msg);
	if (!err)
		err = rs_plan_make(&l->plan, &opts, msg);
	if (err)
		return err;
	do {
		unload(l);
		err = load(l, msg);
		if (err)
			goto out;
		l->attach_ns = now_ns(CLOCK_MONOTONIC);
		err = rs_programs_attach(&l->programs, l->skel->obj, &l->plan);
		if (err && rs_plan_lacks_vital(&l->plan, msg)) {
			err = -ENOTSUP;
			goto out;
		}
		/* Each turn takes a mechanism from some hook: this ends. */
	} while (err == -EAGAIN);
	/* Once fork is hooked nobody escapes. */
	if (!err) {
		err = rs_members_each(&l->opts.filter, note_member, l);
		if (err)
			rs_msg_set(msg, err, "cannot list the filter's processes: %s",
				   strerror(-err));
	}
	if (!err)
		err = find_containers(l, msg);
	l->attached_ns = now_ns(CLOCK_MONOTONIC);
	if (!err) {
		l->attachments++;
		rs_lost_attached(&l->lost, l->attach_ns);
	}
out:
	if (err)
		unload(l);
	return err;
}

int rs_live_start(const struct rs_live_opts *opts, rs_event_fn fn, void *ctx, struct rs_live **out,
		  struct rs_msg *msg)
{
	struct rs_live *l = calloc(1, sizeof(*l));
	int err = 0;

	*out = NULL;
	if (!l)
		return rs_msg_set(msg, -ENOMEM, "out of memory");
	l->opts = *opts;
	l->fn = fn;
	l->ctx = ctx;
	libbpf_set_print(opts->debug ? libbpf_debug : libbpf_quiet);
	l->cpus = libbpf_num_possible_cpus();
	l->percpu = calloc(l->cpus > 0 ? l->cpus : 1, sizeof(*l->percpu));
	if (!l->percpu)
		err = rs_msg_set(msg, -ENOMEM, "out of memory");
	l->realtime_offset = (__s64)(now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC));
	l->stats_ns = now_ns(CLOCK_MONOTONIC);
	/* Watched before it is looked for: what comes in between is told. */
	if (!err)
		err = rs_watch_open(NULL, rs_built_in(), &l->watch, msg);
	if (!err) {
		rs_watch_backends(l->watch, NULL, NULL);
		err = attach(l, msg);
		/* Also where no such module is on the disk: somebody may bring it. */
		l->waited = err && opts->wait && l->machine.may && l->machine.btf &&
			    !l->machine.type1 && !l->machine.iommufd_btf;
		if (l->waited)
			err = 0;
	}
	if (err) {
		rs_live_free(l);
		return err;
	}
	*out = l;
	return 0;
}

bool rs_live_attached(const struct rs_live *l)
{
	return l->skel != NULL;
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
	json_object_set_new(meta, "mode", json_string(rs_mode_name(l->opts.mode)));
	if (l->opts.mode == RS_MODE_ARMED)
		json_object_set_new(meta, "tail_ns", json_integer(l->opts.tail_ns));
	json_object_set_new(meta, "verify", json_string(rs_verify_name(l->opts.verify)));
	if (rs_filter_on(&l->opts.filter))
		json_object_set_new(meta, "filter", rs_filter_json(&l->opts.filter));
	return meta;
}

__u32 rs_live_attachments(const struct rs_live *l)
{
	return l->attachments;
}

int rs_live_fd(const struct rs_live *l)
{
	return l->ring ? ring_buffer__epoll_fd(l->ring) : -1;
}

int rs_live_watch_fd(const struct rs_live *l)
{
	return rs_watch_fd(l->watch);
}

/* Takes everything off, and remembers what the maps counted. */
static int detach(struct rs_live *l)
{
	int err, err2;

	if (!l->skel)
		return 0;
	err = rs_lost_look(&l->lost, &l->programs, now_ns(CLOCK_MONOTONIC));
	rs_programs_detach(&l->programs);
	err2 = consume(l);
	if (!err)
		err = err2;
	memcpy(l->percpu, l->counters.at, l->cpus * sizeof(*l->percpu));
	err2 = rs_lost_keep(&l->lost, bpf_map__fd(l->skel->maps.lost));
	if (!err)
		err = err2;
	err2 = rs_kstats_keep(&l->stats, l->rows.at);
	return err ? err : err2;
}

/* Of modules that have just come: is one's function not hooked that could be now? */
static bool lacks_hooks(const struct rs_live *l, unsigned int came)
{
	for (; came; came &= came - 1)
		if (rs_plan_lacks_of(&l->plan, rs_watch_name(came)))
			return true;
	return false;
}

static int follow_backend(struct rs_live *l)
{
	__u64 now = now_ns(CLOCK_MONOTONIC);
	bool there, changed;
	unsigned int came;
	struct rs_msg msg;
	int err;

	there = rs_watch_backends(l->watch, &changed, &came);
	if (rs_live_attached(l) && (!there || changed || lacks_hooks(l, came))) {
		/* Only kprobes let a module go; they are dead now. Or one has come beside others. */
		if (there)
			rs_lost_off(&l->lost, now);
		err = detach(l);
		unload(l);
		if (err)
			return err;
	}
	if (!there || rs_live_attached(l) || now < l->retry_ns)
		return 0;
	l->retry_ns = now + RETRY_NS;
	err = attach(l, &msg);
	/* Still coming, or gone again: another try follows. */
	return err == -ENOENT || err == -ENOTSUP ? 0 : err;
}

int rs_live_poll(struct rs_live *l)
{
	__u64 now = now_ns(CLOCK_MONOTONIC);
	int err = consume(l);

	if (!err)
		err = look_at_pages(l);
	if (!err)
		err = follow_backend(l);
	if (!err && l->skel && now >= l->lost.looked_ns + LOOK_NS)
		err = rs_lost_look(&l->lost, &l->programs, now);
	if (!err && l->skel && now >= l->stats_ns + STATS_NS) {
		l->stats_ns = now;
		err = rs_kstats_write(&l->stats, l->rows.at, l->cpus, &l->seq, hand_out, l);
	}
	return err;
}

__u64 rs_live_lost(const struct rs_live *l)
{
	const struct rs_percpu *p = l->skel ? l->counters.at : l->percpu;
	__u64 lost = 0;

	for (int i = 0; i < l->cpus; i++)
		for (int k = 0; k < RS_LOSS_NR; k++)
			lost += p[i].loss[k].count;
	return lost + rs_lost_missed(&l->lost);
}

int rs_live_stop(struct rs_live *l)
{
	int err;

	l->ended_ns = now_ns(CLOCK_MONOTONIC);
	err = detach(l);
	if (!err)
		err = look_at_pages(l);
	if (!err)
		err = rs_kstats_write(&l->stats, NULL, l->cpus, &l->seq, hand_out, l);
	return err;
}

json_t *rs_live_end(const struct rs_live *l)
{
	/* enum rs_loss_kind, as the trace names them */
	static const char *const kinds[RS_LOSS_NR] = { "ring",	 "context",   "depth",	   "walk",
						       "owners", "recursion", "statistics" };
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
	if (l->seq)
		json_array_append_new(cpus, json_pack("{s:i,s:I}", "cpu", l->cpus, "seq",
						      (json_int_t)l->seq));
	rs_lost_write(&l->lost, end, loss);
	json_object_set_new(end, "loss", loss);
	json_object_set_new(end, "cpus", cpus);
	json_object_set_new(end, "ended_ns", json_integer(l->ended_ns));
	/* META has the plan of the begin: another one was attached later, or anew. */
	if (l->attachments > 1 || (l->waited && l->attachments))
		json_object_set_new(end, "plan", rs_plan_json(&l->plan));
	json_object_set_new(end, "attachments", json_integer(l->attachments));
	return end;
}

json_t *rs_live_so_far(struct rs_live *l)
{
	if (l->skel)
		memcpy(l->percpu, l->counters.at, l->cpus * sizeof(*l->percpu));
	return rs_live_end(l);
}

void rs_live_free(struct rs_live *l)
{
	if (!l)
		return;
	unload(l);
	rs_watch_close(l->watch);
	rs_kstats_free(&l->stats);
	rs_lost_free(&l->lost);
	free(l->percpu);
	free(l->look);
	free(l);
}
