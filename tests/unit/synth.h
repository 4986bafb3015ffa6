/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A fake kernel that writes events
 *
 * A test calls what processes do, in their order, and this does what type1 does and writes what the
 * recorder would: with right counters, owners, locked memory, per-CPU numbers and times. What a test
 * wants otherwise it says in &synth.twist before the call, and what the recorder lost or got in
 * another order it says afterwards, of the records.
 *
 *	struct synth *s = synth_new();
 *	__u64 c;
 *
 *	synth_as(s, 100);
 *	c = synth_open(s);
 *	synth_map(s, c, 0, 2 * MIB, INO, 0);
 *	synth_invalidate_all(s, c);
 *	synth_exec(s);
 *	synth_remap(s, c, 0, 2 * MIB, INO, 0);
 *	r = synth_result(s);
 *
 * A fake that cannot do what it is told (a wrong test, no memory) aborts with a line on stderr.
 */
#ifndef RS_TESTS_SYNTH_H
#define RS_TESTS_SYNTH_H

#include "result/analysis.h"

#define KIB  1024ULL
#define MIB  (1024 * KIB)
#define US   1000ULL
#define MS   1000000ULL
#define SEC  1000000000ULL
#define PAGE RS_PAGE_SIZE

#define SYNTH_CPUS 4

/**
 * struct synth_twist - how the next call differs from what a correct caller and kernel do
 * @ret: it fails with that, and changes nothing
 * @size: a remap's size as the kernel takes it over although the range has another
 * @what: backing, &enum rs_backing; 0: a file
 * @hole: nothing is mapped there; with @split: from there on
 * @private_map: the file is mapped privately
 * @vm_flags: more of them
 * @dev: the file's device, 0: the usual one
 * @generation: its inode's generation, 0: the usual one
 * @split: the vaddr's backing comes in two pieces, the second beginning there
 * @split_off: what is added to the second piece's file offset
 * @cut: the scan of the backing ended early: the last piece is missing
 * @vaddr: the new vaddr; 0: one that fits
 * @gup_calls: a remap or a refused pin translates that often
 * @gain_off: added to what the mm is charged
 * @no_charge: the mm is charged nothing
 * @no_refund: the old owner's mm does not get its pages back
 * @third_mm: a third mm is charged
 * @no_mm: the kernel has no vfio_dma.mm and .locked_vm (before March 2023)
 * @killed: by this signal (exit)
 * @kthread: a request is made by a kernel thread
 * @waits: a request waits for a vaddr that often; then it is not refused in a window
 * @wait_pages: pages that it translated after its first wait
 * @wait_ns: how long it waited
 * @gup_zero: pages that were pinned without there being one
 * @pfn: of the first page that is mapped or pinned; the others follow
 * @foreign: pages were pinned in another mm than the one of that process, which is charged
 */
struct synth_twist {
	__s64 ret;
	__u64 size;
	__u32 what;
	bool hole;
	bool private_map;
	__u64 vm_flags;
	__u32 dev;
	__u32 generation;
	__u64 split;
	__s64 split_off;
	bool cut;
	__u64 vaddr;
	__u32 gup_calls;
	__s64 gain_off;
	bool no_charge;
	bool no_refund;
	bool third_mm;
	bool no_mm;
	int killed;
	bool kthread;
	__u32 waits;
	__u32 wait_pages;
	__u64 wait_ns;
	__u32 gup_zero;
	__u64 pfn;
	__u32 foreign;
};

/** struct synth_rec - a record, and what becomes of it on the way to the analysis */
struct synth_rec {
	struct rs_event *ev;
	bool dropped;
	bool erased;
	bool twice;
};

struct synth_proc;
struct synth_container;
struct synth_iommufd;

/**
 * struct synth - a recording
 * @twist: for the next call, which clears it
 * @cpu: where the next records are written
 * @now: the clock; every record takes 1 us
 * @rec: what was written
 * @order: in which order the analysis gets it: indices of @rec
 * @no_hook: a function that the plan could not hook
 * @no_type1: the plan has no hooks of type1, whose module was not there, but iommufd's
 * @no_kvm: the plan has no hooks of KVM, nor of PCI devices: their modules were not there
 * @no_plan: the recording has no META
 * @cut: why the recording has no END; NULL: it has one
 * @ended_ns: when the recording ended; 0: now
 * @realtime_offset_ns: of its clock, 0: it does not know
 * @loss: END's list of losses, taken over; NULL: none
 * @lost: END's book of records that found no room, likewise; NULL: it has none
 * @rule: judge that rule only; NULL: all
 * @command: that was run; NULL: none
 * @status: its status, as wait(2) has it
 * @mode: of the recording; armed, what happens outside windows is not written
 * @verify: likewise; with it, what iovas are mapped to is written page by page
 * @device: that makes the requests, 0: the container's own
 * @group: its group, 0: the usual one
 */
struct synth {
	struct synth_twist twist;
	__u16 cpu;
	__u64 now;
	struct synth_rec *rec;
	size_t *order;
	size_t nr;
	const char *no_hook;
	bool no_type1;
	bool no_kvm;
	bool no_plan;
	const char *cut;
	__u64 ended_ns;
	__s64 realtime_offset_ns;
	json_t *loss;
	json_t *lost;
	const char *rule;
	const char *command;
	int status;
	enum rs_mode mode;
	enum rs_verify verify;
	__u64 device;
	__s32 group;
	/* the fake's own */
	bool off;
	bool quiet; /* the request at work is not recorded */
	struct rs_op entered;
	__u32 seq[SYNTH_CPUS];
	__u64 req;
	__u64 next_mm;
	__u64 next_key;
	__u32 pid;
	struct synth_proc *proc;
	size_t nr_procs;
	struct synth_container *container;
	size_t nr_containers;
	size_t room;
	struct rs_op snapshot; /* the one under way, */
	__u64 snapshot_of;
	enum rs_snapshot_why snapshot_why;
	__u32 snapshot_ranges;
	struct synth_counted {
		struct rs_stat_key key;
		__u64 requests;
		__u64 pages;
		__u64 times; /* requests whose time is counted here */
	} * counted;
	size_t nr_counted;
	struct synth_vcpu {
		__u64 kvm;
		__u32 id;
		__u32 tgid;
		__u64 enter_ns, exit_ns, runs; /* as the recorder saw it */
		bool inside;
		bool seen;
		bool told;
	} * vcpu;
	size_t nr_vcpus;
	struct synth_iommufd *iommufd; /* synth_iommufd.h; NULL: nobody has used it */
};

struct synth *synth_new(void);
void synth_free(struct synth *s);

/* The recorder is not there (yet): what happens is not written. */
void synth_unrecorded(struct synth *s, bool off);

void synth_wait(struct synth *s, __u64 ns);

/* Processes. The calls below are made by the one that was named last. */
void synth_as(struct synth *s, __u32 pid);
__u64 synth_mm(struct synth *s, __u32 pid);
void synth_fork(struct synth *s, __u32 child, bool share_mm);
void synth_exec(struct synth *s);
void synth_exit(struct synth *s, int code);

/* The recorder gets to know the current process, if it does not. */
void synth_introduce(struct synth *s);

/* Containers; named by the kernel's address. */
__u64 synth_open(struct synth *s);
__u64 synth_open_at(struct synth *s, __u64 key);
void synth_release(struct synth *s, __u64 c);
void synth_attach(struct synth *s, __u64 c);
void synth_detach(struct synth *s, __u64 c);
void synth_detach_last(struct synth *s, __u64 c);
void synth_ioctl(struct synth *s, __u64 c, __u32 cmd);

/* Ranges. @ino and @off: the file behind the vaddr. */
void synth_map(struct synth *s, __u64 c, __u64 iova, __u64 size, __u64 ino, __u64 off);
void synth_unmap(struct synth *s, __u64 c, __u64 iova, __u64 size);
void synth_invalidate(struct synth *s, __u64 c, __u64 iova, __u64 size);
void synth_invalidate_all(struct synth *s, __u64 c);
void synth_remap(struct synth *s, __u64 c, __u64 iova, __u64 size, __u64 ino, __u64 off);

/* Requests of drivers; a pin inside a window is refused unless twist.gup_calls is set. */
/* A pin enters the backend and waits for a vaddr; the next request of the container is what becomes of it. */
void synth_waits(struct synth *s, __u64 c, __u64 iova, __u32 pages);
/* One that waits for so long and fails with ETIMEDOUT. */
void synth_wait_given_up(struct synth *s, __u64 c, __u64 iova, __u32 pages, __u64 ns);
void synth_pin(struct synth *s, __u64 c, __u64 iova, __u32 pages, __u32 cached);
void synth_unpin(struct synth *s, __u64 c, __u64 iova, __u32 pages);
void synth_rw(struct synth *s, __u64 c, __u64 iova, __u64 len, bool write);
/* The next request has begun here, and ends when it is called. */
void synth_enter(struct synth *s, __u64 c);
/* A translation of a range's vaddr, and a change of the IOMMU's table, by @caller. */
void synth_xlate(struct synth *s, __u64 c, __u64 iova, enum rs_caller caller);
void synth_iommu(struct synth *s, __u64 c, __u64 iova, __u64 size, enum rs_iommu_op op, __s64 ret);

/*
 * A guest, named by struct kvm's address: a vCPU of the current process enters KVM_RUN, and returns. How each
 * is goes before an invalidation; an exec, or the process' end, takes them.
 */
void synth_vcpu_run(struct synth *s, __u64 kvm, __u32 id);
void synth_vcpu_stop(struct synth *s, __u64 kvm, __u32 id);
void synth_vm_gone(struct synth *s, __u64 kvm);
/* An eventfd of a vector (@object: the device) or a gsi (struct kvm). NULL when nobody records */
struct rs_ev_irq *synth_irq(struct synth *s, enum rs_irq_what what, __u64 object, __u32 vector,
			    __u64 eventfd);
/* A call of a device's file. NULL when nobody records */
struct rs_ev_devop *synth_devop(struct synth *s, __u64 device, __u64 c, __u32 cmd);
/* The current process is passed a file, by @from. */
void synth_passed(struct synth *s, __u64 c, enum rs_passed_what what, __u64 object, __u32 from);
/* What a monitor says. */
void synth_mark(struct synth *s, enum rs_mark_what what, __u32 witness);

/* Armed: the time after a window in which everything is still recorded is over. */
void synth_tail_passes(struct synth *s, __u64 c);

/*
 * What the recorder writes of itself. A snapshot's ranges are told at the begin, as far as @why has them,
 * and it is closed at the end.
 */
void synth_snapshot_begin(struct synth *s, __u64 c, enum rs_snapshot_why why);
struct rs_ev_snapshot *synth_snapshot_end(struct synth *s);
void synth_snapshot(struct synth *s, __u64 c, enum rs_snapshot_why why);
void synth_device(struct synth *s, __u64 device, __u64 c, __s32 group_id, const char *name);
/* The page at @at of the range that was remapped last; and that all were looked at. */
void synth_pagemap(struct synth *s, __u64 at, __u64 npage, __u64 pfn);
struct rs_ev_verify *synth_verify(struct synth *s, __u64 asked, __u64 found, bool all);
/* A request of before, that the flight recorder still has. */
void synth_flight(struct synth *s, const struct rs_ev_request *rq);
/* What the kernel counted: as @x says; of all requests made so far, recorded or not. */
void synth_stat(struct synth *s, const struct rs_ev_stats *x, const struct rs_stat_bucket *bucket);
void synth_stats(struct synth *s);

/* Records: the last one, the @nth (from 0) of a type. Return: its index */
size_t synth_last(const struct synth *s);
size_t synth_find(const struct synth *s, enum rs_event_type type, size_t nth);
void *synth_event(struct synth *s, enum rs_event_type type, size_t nth);
/* Lost on the way: the CPU's numbers have a hole. */
void synth_drop(struct synth *s, size_t i);
/* The recorder knows which ones were dropped, and says so in END. */
void synth_tell_lost(struct synth *s);
/* Never written: they have none. */
void synth_erase(struct synth *s, size_t i);
/* Another order in which the CPUs' records meet, each CPU's among themselves kept. */
void synth_interleave(struct synth *s, __u64 seed);

/* META and END of the recording; the caller's. */
json_t *synth_meta(const struct synth *s);
json_t *synth_end(const struct synth *s);

/* The result of it all; rs_result_free() it. @s can go on and be asked again. */
struct rs_result *synth_result(struct synth *s);

/* The same numbers for the same seed. */
__u64 synth_random(__u64 *state);

#endif /* RS_TESTS_SYNTH_H */
