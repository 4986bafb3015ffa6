// SPDX-License-Identifier: GPL-2.0-only
/* The fake kernel's processes, its records, and their way to a result. */
#include "rules/rules.h"
#include "synth_internal.h"

__u64 synth_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct synth *synth_new(void)
{
	struct synth *s = calloc(1, sizeof(*s));

	MUST(s);
	s->now = 1000 * SEC;
	s->next_mm = 0xffff888000001000ULL;
	s->next_key = 0xffff888100000000ULL;
	return s;
}

void synth_free(struct synth *s)
{
	for (size_t i = 0; i < s->nr; i++)
		free(s->rec[i].ev);
	for (size_t i = 0; i < s->nr_containers; i++)
		free(s->container[i].range);
	free(s->container);
	free(s->rec);
	free(s->order);
	free(s->proc);
	free(s->counted);
	free(s->vcpu);
	synth_iommufd_free(s);
	json_decref(s->loss);
	json_decref(s->lost);
	free(s);
}

void synth_unrecorded(struct synth *s, bool off)
{
	s->off = off;
}

void synth_wait(struct synth *s, __u64 ns)
{
	s->now += ns;
}

struct synth_proc *synth_proc_of(struct synth *s, __u32 pid)
{
	for (size_t i = 0; i < s->nr_procs; i++)
		if (s->proc[i].pid == pid)
			return &s->proc[i];
	s->proc = realloc(s->proc, (s->nr_procs + 1) * sizeof(*s->proc));
	MUST(s->proc);
	s->proc[s->nr_procs] = (struct synth_proc){ .pid = pid, .mm = s->next_mm };
	s->next_mm += 0x400;
	return &s->proc[s->nr_procs++];
}

__u64 synth_mm(struct synth *s, __u32 pid)
{
	return synth_proc_of(s, pid)->mm;
}

__u32 synth_users_of(const struct synth *s, __u64 mm)
{
	__u32 users = 0;

	for (size_t i = 0; i < s->nr_procs; i++)
		users += !s->proc[i].exited && s->proc[i].mm == mm;
	return users;
}

void synth_introduce(struct synth *s)
{
	struct synth_proc *p = synth_proc_of(s, s->pid);
	struct rs_ev_proc *x;

	if (s->off || p->told)
		return;
	p->told = true;
	x = RECORD(s, RS_EV_PROC, rs_ev_proc);
	x->start_ns = s->now - SEC;
	x->ppid = 1;
	snprintf(x->comm, sizeof(x->comm), "proc-%u", p->pid);
}

/* Armed, these are not written outside windows; but maps are, if pages are to be verified. */
static bool is_detail(const struct synth *s, enum rs_event_type type)
{
	switch (type) {
	case RS_EV_IOCTL:
	case RS_EV_REQUEST:
		return true;
	case RS_EV_MAP:
	case RS_EV_UNMAP:
	case RS_EV_RANGE:
	case RS_EV_BACKING:
	case RS_EV_REMOVE:
	case RS_EV_PAGES:
		return !s->verify;
	default:
		return false;
	}
}

void *synth_record(struct synth *s, enum rs_event_type type, size_t size)
{
	struct synth_proc *p = synth_proc_of(s, s->pid);
	struct rs_event *ev;

	if (s->off || (s->quiet && is_detail(s, type)))
		return NULL;
	synth_introduce(s);
	if (s->nr == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->rec = realloc(s->rec, s->room * sizeof(*s->rec));
		s->order = realloc(s->order, s->room * sizeof(*s->order));
		MUST(s->rec && s->order);
	}
	ev = calloc(1, size);
	MUST(ev);
	s->now += US;
	ev->ts = s->now;
	ev->mm = p->exited ? 0 : p->mm;
	ev->seq = s->seq[s->cpu]++;
	ev->tgid = ev->tid = s->pid;
	ev->type = type;
	ev->size = size;
	ev->cpu = s->cpu;
	ev->flags = p->exited ? RS_EVF_EXITING : 0;
	s->order[s->nr] = s->nr;
	s->rec[s->nr++] = (struct synth_rec){ .ev = ev };
	return ev;
}

void synth_as(struct synth *s, __u32 pid)
{
	synth_proc_of(s, pid);
	s->pid = pid;
}

void synth_fork(struct synth *s, __u32 child, bool share_mm)
{
	struct rs_ev_fork *x;
	bool told;

	synth_proc_of(s, child);
	if (share_mm)
		synth_proc_of(s, child)->mm = synth_mm(s, s->pid);
	told = synth_proc_of(s, s->pid)->told;
	x = told ? RECORD(s, RS_EV_FORK, rs_ev_fork) : NULL;
	if (!x)
		return;
	x->child_tgid = child;
	x->child_mm = synth_mm(s, child);
	synth_proc_of(s, child)->told = true;
}

void synth_exec(struct synth *s)
{
	struct synth_proc *p = synth_proc_of(s, s->pid);
	__u64 old = p->mm;
	struct rs_ev_exec *x;

	synth_leave(s, old);
	synth_areas_left(s, old);
	synth_vcpus_gone(s, s->pid);
	p->mm = s->next_mm;
	s->next_mm += 0x400;
	x = p->told ? RECORD(s, RS_EV_EXEC, rs_ev_exec) : NULL;
	if (!x)
		return;
	x->old_mm = old;
	x->old_mm_users = synth_users_of(s, old);
	snprintf(x->comm, sizeof(x->comm), "exec-%u", s->pid);
}

void synth_exit(struct synth *s, int code)
{
	struct synth_proc *p = synth_proc_of(s, s->pid);
	struct synth_twist t = s->twist;
	struct rs_ev_exit *x;

	s->twist = (struct synth_twist){ 0 };
	synth_leave(s, p->mm);
	synth_vcpus_gone(s, s->pid);
	p->exited = true;
	x = p->told ? RECORD(s, RS_EV_EXIT, rs_ev_exit) : NULL;
	if (!x)
		return;
	x->old_mm = p->mm;
	x->old_mm_users = synth_users_of(s, p->mm);
	x->status = t.killed ? t.killed : code << 8;
}

size_t synth_last(const struct synth *s)
{
	MUST(s->nr);
	return s->nr - 1;
}

size_t synth_find(const struct synth *s, enum rs_event_type type, size_t nth)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->rec[i].ev->type == type && !nth--)
			return i;
	MUST(!"a record of that type");
	return 0;
}

void *synth_event(struct synth *s, enum rs_event_type type, size_t nth)
{
	return s->rec[synth_find(s, type, nth)].ev;
}

void synth_drop(struct synth *s, size_t i)
{
	s->rec[i].dropped = true;
}

void synth_erase(struct synth *s, size_t i)
{
	struct rs_event *gone = s->rec[i].ev;

	s->rec[i].dropped = s->rec[i].erased = true;
	for (; i < s->nr; i++)
		s->rec[i].ev->seq -= s->rec[i].ev->cpu == gone->cpu;
	s->seq[gone->cpu]--;
}

/* No place in the ring is taken longer after another's than that: clocks that differ by more have stepped. */
#define RING_APART (50 * US)

void synth_interleave(struct synth *s, __u64 seed)
{
	size_t left[SYNTH_CPUS] = { 0 }, next[SYNTH_CPUS] = { 0 };
	__u64 state = seed * 0x9e3779b97f4a7c15ULL + 1;

	for (size_t i = 0; i < s->nr; i++)
		left[s->rec[i].ev->cpu]++;
	for (size_t n = 0; n < s->nr; n++) {
		__u64 pick = synth_random(&state) % (s->nr - n);
		size_t cpu = 0, first = SIZE_MAX;

		for (size_t i = 0; i < SYNTH_CPUS; i++) {
			while (left[i] && s->rec[next[i]].ev->cpu != i)
				next[i]++;
			if (left[i] && (first == SIZE_MAX ||
					s->rec[next[i]].ev->ts < s->rec[next[first]].ev->ts))
				first = i;
		}
		while (pick >= left[cpu])
			pick -= left[cpu++];
		if (s->rec[next[cpu]].ev->ts > s->rec[next[first]].ev->ts + RING_APART)
			cpu = first;
		s->order[n] = next[cpu]++;
		left[cpu]--;
	}
}

static bool of_type1(const char *function)
{
	static const char *const other[] = { "vaddr_get_pfns", "vfio_pin_pages_remote",
					     "vfio_remove_dma", "mm_lock_acct", "vfio_wait" };

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (!strcmp(function, other[i]))
			return true;
	return strstr(function, "vfio_iommu_type1_");
}

static void add_hook(const struct synth *s, json_t *plan, const char *function)
{
	const json_t *known;
	json_t *hook;
	size_t i;

	if (s->no_type1 && of_type1(function))
		return;
	json_array_foreach(plan, i, known) {
		const char *name = json_string_value(json_object_get(known, "function"));

		if (!strcmp(name, function))
			return;
	}
	if (s->no_hook && !strcmp(s->no_hook, function))
		hook = json_pack("{s:s, s:n, s:n, s:{s:s}}", "function", function, "module",
				 "mechanism", "not", "fentry", "inlined");
	else
		hook = json_pack("{s:s, s:n, s:s, s:{}}", "function", function, "module",
				 "mechanism", "fentry", "not");
	MUST(!json_array_append_new(plan, hook));
}

json_t *synth_meta(const struct synth *s)
{
	json_t *plan = json_array(), *meta;

	add_hook(s, plan, "vfio_iommu_type1_ioctl");
	if (s->no_type1)
		add_hook(s, plan, "iommufd_fops_release");
	for (size_t i = 0; i < rs_nr_rules; i++)
		for (size_t n = 0; n < sizeof(rs_rules[i].needs) / sizeof(char *); n++)
			if (rs_rules[i].needs[n])
				add_hook(s, plan, rs_rules[i].needs[n]);
	for (size_t i = 0; i < rs_nr_rules; i++)
		for (size_t n = 0; n < sizeof(rs_rules[i].sees) / sizeof(char *); n++)
			if (rs_rules[i].sees[n] && !s->no_kvm)
				add_hook(s, plan, rs_rules[i].sees[n]);
	for (size_t i = 0; i < rs_nr_rules; i++)
		for (size_t n = 0; n < sizeof(rs_rules[i].also) / sizeof(char *); n++)
			if (rs_rules[i].also[n])
				add_hook(s, plan, rs_rules[i].also[n]);
	meta = json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:I, s:I, s:I}, s:o}", "format",
			 "remapscope-trace", "kernel", "release", "6.12.0-synth", "host", "synth",
			 "clock", "name", "CLOCK_MONOTONIC", "realtime_offset_ns",
			 (json_int_t)s->realtime_offset_ns, "attach_ns", (json_int_t)(998 * SEC),
			 "attached_ns", (json_int_t)(999 * SEC), "plan", plan);
	MUST(meta);
	if (s->mode)
		json_object_set_new(meta, "mode", json_string(rs_mode_name(s->mode)));
	if (s->verify)
		json_object_set_new(meta, "verify", json_string(rs_verify_name(s->verify)));
	if (s->command)
		json_object_set_new(meta, "command", json_pack("[s]", s->command));
	return meta;
}

json_t *synth_end(const struct synth *s)
{
	json_t *cpus = json_array(), *end;

	for (int i = 0; i < SYNTH_CPUS; i++)
		if (s->seq[i])
			json_array_append_new(cpus, json_pack("{s:i, s:I}", "cpu", i, "seq",
							      (json_int_t)s->seq[i]));
	end = json_pack("{s:o, s:I, s:s}", "cpus", cpus, "ended_ns",
			(json_int_t)(s->ended_ns ? s->ended_ns : s->now), "ended_by", "synth");
	MUST(end);
	json_object_set_new(end, "loss", s->loss ? json_incref(s->loss) : json_array());
	if (s->lost)
		json_object_set(end, "lost", s->lost);
	if (s->command)
		json_object_set_new(end, "command", json_pack("{s:i}", "status", s->status));
	return end;
}

struct rs_result *synth_result(struct synth *s)
{
	struct rs_analysis_opts opts = { .source = "synth",
					 .rule = &s->rule,
					 .nr_rules = !!s->rule };
	json_t *meta = synth_meta(s), *end = synth_end(s);
	struct rs_analysis *a;
	struct rs_result *r;
	struct rs_msg msg;

	MUST(!rs_analysis_new(&opts, &a, &msg));
	MUST(s->no_plan || !rs_analysis_meta(a, meta));
	for (size_t n = 0; n < s->nr; n++) {
		const struct synth_rec *rec = &s->rec[s->order[n]];

		if (!rec->dropped)
			MUST(!rs_analysis_event(a, rec->ev));
		if (rec->twice)
			MUST(!rs_analysis_event(a, rec->ev));
	}
	MUST(!rs_analysis_finish(a, s->cut ? NULL : end, s->cut, &r));
	rs_analysis_free(a);
	json_decref(meta);
	json_decref(end);
	return r;
}
