// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that own containers, and their children: a hand-over is an exec or a child's work.
 */
#include "common.bpf.h"
#include "guest.bpf.h"
#include "iommufd.bpf.h"
#include "range.bpf.h"

#define SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h */

struct leaving {
	struct task_struct *task;
	__u64 mm;
};

static long leave_container_of(struct bpf_map *map, const void *key, void *value, void *ctx)
{
	struct leaving *l = ctx;
	struct rs_container *c = value;
	__u64 container = *(const __u64 *)key, start = bpf_ktime_get_ns(), req = new_request();
	__u32 gen = c->gen, nr;

	/* Of iommufd's areas all is told when they are mapped. */
	if (c->kind != RS_CONTAINER_TYPE1)
		return 0;
	nr = tell_ranges(container, req, l->mm, RS_RANGE_FOUND | TELL_ONLY_MM);
	if (nr)
		close_snapshot(container, req, start, gen, nr, l->task, RS_SNAP_OWNER, -1);
	return 0;
}

/*
 * An armed recorder does not know the ranges of a container that is at rest. A process that is
 * charged for some is about to lose its mm: these must be known.
 */
static __always_inline void tell_ranges_of(struct task_struct *task, struct rs_owner *o)
{
	struct leaving l = { .task = task, .mm = o->mm };

	if (armed && o->flags & RS_OWNER_MAPS)
		bpf_for_each_map_elem(&containers, leave_container_of, &l, 0);
}

static long hand_over_context(struct bpf_map *map, const void *key, void *value, void *ctx)
{
	struct leaving *l = ctx;
	struct rs_container *c = value;

	if (c->kind == RS_CONTAINER_IOMMUFD && c->owner_mm == l->mm)
		begin_handover(*(const __u64 *)key);
	return 0;
}

/* By exec a process leaves the areas of its contexts to who comes after. */
static __always_inline void leave_contexts_of(struct task_struct *task, struct rs_owner *o)
{
	struct leaving l = { .task = task, .mm = o->mm };

	if (!(o->flags & RS_OWNER_CONTEXT))
		return;
	tell_vcpus(BPF_CORE_READ(task, tgid));
	if (armed)
		bpf_for_each_map_elem(&containers, hand_over_context, &l, 0);
}

/*
 * Each has a twin: a kernel that switches tasks inside tracepoints leaves a program out for a task that comes while
 * another one is in it on that CPU (bpf_prog->active), but hardly ever both. Whoever comes second finds
 * the work done.
 */
static __always_inline int do_fork(struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = BPF_CORE_READ(parent, tgid), child_tgid = BPF_CORE_READ(child, tgid);
	struct rs_owner fresh = {}, *o, *known;
	struct rs_ev_fork *ev;

	if (tgid == child_tgid)
		return 0;
	o = bpf_map_lookup_elem(&owners, &tgid);
	if (!o)
		return 0;
	known = bpf_map_lookup_elem(&owners, &child_tgid);
	if (known && known->mm && known->mm == (__u64)BPF_CORE_READ(child, mm))
		return 0;
	if (o->flags & RS_OWNER_TREE)
		fresh.flags = RS_OWNER_SELECTS | RS_OWNER_TREE;
	fresh.mm = (__u64)BPF_CORE_READ(child, mm);
	if (bpf_map_update_elem(&owners, &child_tgid, &fresh, BPF_ANY))
		count_loss(RS_LOSS_OWNERS);
	ev = RS_RECORD(RS_EV_FORK, rs_ev_fork, 0);
	if (!ev)
		return 0;
	ev->child_mm = fresh.mm;
	ev->child_tgid = child_tgid;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

static __always_inline int do_exec(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct rs_owner *o = bpf_map_lookup_elem(&owners, &tgid);
	struct rs_ev_exec *ev;
	__u64 old;

	if (!o || o->mm == (__u64)BPF_CORE_READ(task, mm))
		return 0;
	tell_ranges_of(task, o);
	leave_contexts_of(task, o);
	old = o->mm;
	o->mm = (__u64)BPF_CORE_READ(task, mm);
	o->flags &= ~(RS_OWNER_MAPS | RS_OWNER_CONTEXT);
	ev = RS_RECORD(RS_EV_EXEC, rs_ev_exec, 0);
	if (!ev)
		return 0;
	ev->old_mm = old;
	/* The memory of an mm that owns a range is kept by the range (mmgrab() in type1). */
	ev->old_mm_users = mm_users(old);
	ev->reserved = 0;
	bpf_probe_read_kernel(ev->comm, sizeof(ev->comm), &task->comm);
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

static __always_inline int do_exit(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct rs_owner *o = bpf_map_lookup_elem(&owners, &tgid);
	struct signal_struct *signal;
	struct rs_ev_exit *ev;
	__u64 mm;

	if (!o)
		return 0;
	signal = BPF_CORE_READ(task, signal);
	/* do_exit() has taken this thread off the count already. */
	if (BPF_CORE_READ(signal, live.counter))
		return 0;
	tell_ranges_of(task, o);
	mm = o->mm;
	bpf_map_delete_elem(&owners, &tgid);
	ev = RS_RECORD(RS_EV_EXIT, rs_ev_exit, 0);
	if (!ev)
		return 0;
	ev->old_mm = mm;
	/* Since 6.16 the tracepoint comes before exit_mm(): then we still count ourselves. */
	ev->old_mm_users = mm_users(mm) - (BPF_CORE_READ(task, mm) ? 1 : 0);
	ev->status = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT
			     ? BPF_CORE_READ(signal, group_exit_code)
			     : BPF_CORE_READ(task, exit_code);
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	return do_fork(parent, child);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork_twin, struct task_struct *parent, struct task_struct *child)
{
	return do_fork(parent, child);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	return do_exec(task);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec_twin, struct task_struct *task)
{
	return do_exec(task);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	return do_exit(task);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_twin, struct task_struct *task)
{
	return do_exit(task);
}

char LICENSE[] SEC("license") = "GPL";
