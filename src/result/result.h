/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The result of an analysis
 *
 * Everything that any renderer prints, and nothing that only one of them needs. A result is built
 * once, by rs_analysis_finish() (src/result/analysis.h), and does not change afterwards. It owns all
 * it points to. Times are ns of the recording's clock (CLOCK_MONOTONIC) unless a name ends in _len,
 * which is a length in ns. An optional time that is not known is 0.
 */
#ifndef RS_RESULT_RESULT_H
#define RS_RESULT_RESULT_H

#include <jansson.h>
#include "remapscope/path.h"
#include "stats/hist.h"

/** enum rs_verdict - in order of precedence: the worst of several wins */
enum rs_verdict {
	RS_PASS = 0,
	RS_UNKNOWN = 1,
	RS_VIOLATED = 2,
};

/** enum rs_severity - how bad a violation is for the guest or the host */
enum rs_severity {
	RS_SEV_WARNING = 0,  /* nothing is broken yet */
	RS_SEV_ERROR = 1,    /* the update went wrong */
	RS_SEV_CRITICAL = 2, /* memory of others or of the guest is at risk */
};

const char *rs_verdict_name(enum rs_verdict v);	  /* "pass" "unknown" "violated" */
const char *rs_severity_name(enum rs_severity s); /* "warning" "error" "critical" */
const char *rs_path_name(enum rs_path p);	  /* "cached" ... "refused" */
const char *
rs_request_name(__u32 request); /* enum rs_request_op: "pin" ... "remap"; "?" for others */
const char *rs_reason_name(enum rs_reason r); /* "window" "no-mapping" ... */

/** struct rs_proc_ref - a process as of one moment */
struct rs_proc_ref {
	__u32 tgid;
	char comm[RS_COMM_LEN];
};

/** struct rs_piece - what lies behind a part of a range; offsets are bytes */
struct rs_piece {
	__u64 at; /* from the range's begin */
	__u64 len;
	__u32 what; /* enum rs_backing */
	__u32 dev;
	__u64 ino;
	__u32 generation;
	__u64 offset;
	__u64 vm_flags;
};

/** struct rs_backing_list - the pieces of a range, in order */
struct rs_backing_list {
	struct rs_piece *piece;
	size_t nr;
	bool known;    /* false: nobody saw what was behind it */
	bool complete; /* false: some of it could not be looked at */
};

/** enum rs_range_state - how a range came out of its window */
enum rs_range_state {
	RS_STATE_INVALID = 0, /* still without a vaddr */
	RS_STATE_REMAPPED = 1,
	RS_STATE_UNMAPPED = 2, /* by a plain unmap */
	RS_STATE_RELEASED = 3, /* with its container */
};

const char *rs_range_state_name(enum rs_range_state s);

/** enum rs_memory - what a comparison of memory before and after a remap came to */
enum rs_memory {
	RS_MEMORY_SAME = 0,
	RS_MEMORY_OTHER = 1,
	RS_MEMORY_UNPROVED = 2,
};

const char *rs_memory_name(enum rs_memory m); /* "same" "other" "unproved" */

/** struct rs_range_view - a range inside a window */
struct rs_range_view {
	rs_iova_t iova;
	__u64 size;
	__u32 prot; /* 1 read, 2 write */
	rs_vaddr_t old_vaddr;
	rs_vaddr_t new_vaddr; /* 0 unless REMAPPED */
	struct rs_proc_ref old_owner;
	struct rs_proc_ref new_owner; /* tgid 0 unless REMAPPED */
	struct rs_backing_list old_backing;
	struct rs_backing_list new_backing;
	enum rs_range_state state;
	enum rs_memory memory; /* of a REMAPPED range: new against old */
	__u64 since_ns;	       /* known since: mapped, found by a snapshot or by the invalidation */
	bool mapped_seen;      /* its map was recorded: what is behind it is from then */
	__u64 pages_asked;     /* pages compared with what the IOMMU has; 0: none were */
	__u64 pages_same;
	__u64 pages_other;
	__u64 invalid_ns; /* when it lost its vaddr */
	__u64 valid_ns;	  /* when that ended, 0: not yet */
	__u64 remap_len;  /* the remap ioctl's own time */
};

/** enum rs_window_end - how a window ended */
enum rs_window_end {
	RS_WINDOW_OPEN = 0, /* it had not, when the recording ended */
	RS_WINDOW_REMAPPED = 1,
	RS_WINDOW_UNMAPPED = 2, /* the last invalid range was unmapped */
	RS_WINDOW_RELEASED = 3, /* the container was closed with ranges invalid */
	RS_WINDOW_KILLED = 4,	/* ... because its owner was killed by a signal */
};

const char *rs_window_end_name(enum rs_window_end e);

/** struct rs_window_view - a remap window of one container */
struct rs_window_view {
	__u32 id;	 /* 1, 2, ... */
	__u32 container; /* rs_container_view.id */
	__u32 update;	 /* rs_update_view.id */
	__u64 open_ns;	 /* the first invalidation's ioctl was entered */
	__u64 close_ns;	 /* the last remap's (unmap's, release's) ioctl returned; 0 while open */
	enum rs_window_end end;
	struct rs_proc_ref opener;
	struct rs_proc_ref closer;
	__u64 bytes;	      /* of all its ranges */
	__u64 invalidate_len; /* time inside the invalidating ioctls */
	__u64 remap_len;      /* time inside the remapping ioctls */
	__u32 remaps;
	__u32 failed_remaps;
	__u32 new_maps;	    /* plain maps inside it */
	__u32 requests;	    /* pins, reads, writes inside it */
	__u32 translations; /* of vaddrs inside it */
	struct rs_range_view *range;
	size_t nr_ranges;
};

/** enum rs_handover - how the owner changed within an update */
enum rs_handover {
	RS_HANDOVER_NONE = 0,  /* one process, one mm */
	RS_HANDOVER_EXEC = 1,  /* the same process, a new mm */
	RS_HANDOVER_OTHER = 2, /* another process */
};

const char *rs_handover_name(enum rs_handover h); /* "in place" "exec" "process" */

/** enum rs_outcome - what became of an update */
enum rs_outcome {
	RS_OUTCOME_OPEN = 0,	    /* its windows had not ended with the recording */
	RS_OUTCOME_DONE = 1,	    /* remapped by a new process or program */
	RS_OUTCOME_IN_PLACE = 2,    /* remapped by what had invalidated */
	RS_OUTCOME_NOT_RUNNING = 3, /* remapped, but its guest does not run again */
	RS_OUTCOME_ABANDONED = 4,   /* the old guest runs again, with ranges invalid */
	RS_OUTCOME_FAILED = 5,	    /* its windows ended, and not by a remap */
	RS_OUTCOME_CANCELLED =
		6, /* iommufd: nothing was handed over, and the old guest runs again */
};

const char *rs_outcome_name(enum rs_outcome o); /* "open" "done" "in place" ... */

/** struct rs_phase - a part of an update's time */
struct rs_phase {
	const char *name; /* static: see docs/json.md */
	__u64 start_ns;
	__u64 len;
	const char
		*begun_by; /* static: the evidence, "exec"; NULL: windows alone tell the phases */
	const char *ended_by;
};

#define RS_PHASES_MAX 10

/**
 * struct rs_vcpu_view - a vCPU of a guest that was updated
 *
 * VMs are numbered as they appear.
 */
struct rs_vcpu_view {
	__u32 id;
	__u32 old_vm;  /* 0: the old one was not seen */
	__u32 new_vm;  /* 0: it does not run again */
	__u64 stop_ns; /* it left KVM_RUN for the last time before the update; 0: not known */
	__u64 run_ns;  /* it entered KVM_RUN again; 0: it did not */
	bool inside;   /* it was in KVM_RUN at an invalidation */
};

/** struct rs_mark_view - a moment of an update that belongs to no phase */
struct rs_mark_view {
	const char *what; /* static: "device reset" */
	__u64 at_ns;	  /* when it had begun */
	__u64 len;
	__u32 container; /* rs_container_view.id, 0: of none */
	__u32 device;	 /* rs_device_view.id, 0: of none */
	struct rs_proc_ref proc;
	int err; /* positive errno, 0: it succeeded */
};

/** rs_phase_name() - Return: the name of the @i-th kind of phase that there is, NULL beyond the last */
const char *rs_phase_name(size_t i);

/** struct rs_update_view - windows and hand-over that belong together */
struct rs_update_view {
	__u32 id;
	enum rs_handover handover;
	struct rs_proc_ref from;
	struct rs_proc_ref to;
	__u64 start_ns;
	/* The guest runs again, or the last window has closed, or it was abandoned; 0 while a window is open */
	__u64 end_ns;
	__u64 exec_ns; /* when the exec happened, 0 for none */
	/*
	 * From the last vCPU's last KVM_RUN to the first one's next; or the guest's stop to its resume as QMP tells
	 * them; or, when nothing better is known, from the first invalidation's entry to the last remap's return. 0
	 * when that did not come.
	 */
	__u64 blackout_len;
	const char *blackout_from; /* static: "vcpus" "qmp" "windows"; NULL: it is not known */
	__u64 blackout_ns;	   /* when it began */
	const char *doubt;	   /* static, one sentence: why nothing better tells it; NULL */
	__u32 *window;		   /* ids */
	size_t nr_windows;
	struct rs_phase phase[RS_PHASES_MAX]; /* one after the other: they add up to the blackout */
	size_t nr_phases;
	enum rs_outcome outcome;
	__u64 abandoned_ns; /* when the old guest ran again, 0: it did not */
	__u32 ranges;	    /* of all its windows, when it was abandoned or at the end */
	__u32 invalid;	    /* of these, without a vaddr then */
	__u32 *container;   /* ids */
	size_t nr_containers;
	__u32 *device; /* ids of those of its containers */
	size_t nr_devices;
	struct rs_vcpu_view *vcpu;
	size_t nr_vcpus;
	__u64 stop_len;	  /* from the first vCPU's last KVM_RUN to the last one's */
	__u64 started_ns; /* when the new process was started, 0: no other, or not known */
	__u64 passed_ns;  /* when it was first passed a file, 0: not seen */
	__u64 set_up_ns; /* its last call that looks into what it was given, before it remapped; 0 */
	struct rs_mark_view *mark; /* in time order */
	size_t nr_marks;
	__u32 *handovers; /* ids: what iommufd has in the place of windows */
	size_t nr_handovers;
	__u32 *ioctxs; /* ids of the contexts that they are of */
	size_t nr_ioctxs;
};

/** struct rs_container_view - a container seen in the recording */
struct rs_container_view {
	__u32 id;
	__u64 key;		  /* the kernel object's address */
	__u32 kind;		  /* enum rs_container_kind */
	bool born;		  /* the recording saw it come to be */
	bool found;		  /* ... or found it whole: a snapshot told all its ranges */
	__u32 found_ranges;	  /* @found: how many ranges it had then */
	__u64 since_ns;		  /* known since */
	__u64 released_ns;	  /* 0: lived on */
	struct rs_proc_ref owner; /* the last one to change it */
	__u32 windows;
	__u32 ranges_max; /* most ranges at a time */
	__u64 bytes_max;  /* most memory mapped at a time */
	__u64 maps;	  /* successful plain maps */
	__u64 unmaps;	  /* ranges taken down */
	__u64 mms_ns;	  /* last time that who else has an mm mattered, untold; 0: never */
	__u32 ioctx;	  /* rs_ioctx_view.id of the context that it is an ioas of; 0: type1 */
	__u32 ioas;	  /* its id there */
};

/**
 * struct rs_request_row - requests of one kind, path and reason, inside or outside windows
 *
 * A request over several pages can take several paths: it counts in the row of each, with the pages
 * that took it. Its time counts in one row only, that of the path that cost most.
 */
struct rs_request_row {
	const char *op; /* static: pin unpin read write map unmap invalidate remap */
	enum rs_path path;
	enum rs_reason reason;
	bool in_window;
	__u64 requests;
	__u64 pages;
	struct rs_hist
		*latency; /* RS_LAT_NR of them: total, until its own work began, its own work */
};

/**
 * struct rs_device_view - a device that asked for something
 *
 * Its rows are those of result.request, for this device alone.
 */
struct rs_device_view {
	__u32 id;		       /* 1, 2, ...: "d1" */
	__u64 key;		       /* the kernel object's address */
	char name[RS_DEVICE_NAME_LEN]; /* as in sysfs; "" when not known */
	__s32 group_id;		       /* -1: not known */
	__u32 container;	       /* rs_container_view.id, 0: not known */
	__u64 since_ns;		       /* known since */
	__u64 pinned;		       /* pages pinned, in all */
	__u64 unpinned;		       /* pages given back, in all */
	struct rs_request_row *request;
	size_t nr_requests;
};

/** enum rs_mode - what was recorded outside windows */
enum rs_mode {
	RS_MODE_ALL = 0,   /* everything */
	RS_MODE_ARMED = 1, /* counts and latencies; everything from an invalidation on */
};

const char *rs_mode_name(enum rs_mode m); /* "all" "armed" */

/** enum rs_verify - whether pages were compared after a remap */
enum rs_verify {
	RS_VERIFY_NONE = 0,
	RS_VERIFY_SAMPLED = 1, /* RS_SAMPLES of each range */
	RS_VERIFY_ALL = 2,
};

const char *rs_verify_name(enum rs_verify v); /* "none" "sampled" "all" */

/** struct rs_slow - one slow request */
struct rs_slow {
	const char *op; /* as in rs_request_row */
	enum rs_path path;
	enum rs_reason reason;
	bool in_window;
	rs_iova_t iova;
	__u64 size;
	__u64 start_ns;
	__u64 len;
	struct rs_proc_ref proc;
	__u32 container;
	__u32 device;	/* rs_device_view.id, 0: none */
	__u64 wait_len; /* of @len, until its own work began */
};

/** struct rs_flight_view - a request of before a window, from the flight recorder */
struct rs_flight_view {
	__u32 window; /* rs_window_view.id of the window that it came before */
	struct rs_slow request;
	int err;	/* positive errno, 0: it was served */
	__u32 handover; /* rs_handover_view.id, if that came first */
};

/** struct rs_failure - failed calls of one kind with one error */
struct rs_failure {
	char call
		[64]; /* "VFIO_IOMMU_MAP_DMA", "VFIO_IOMMU_MAP_DMA(VADDR)", "attach group 3", "pin" */
	int err;      /* positive errno */
	__u64 count;
	__u64 first_ns;
	struct rs_proc_ref proc; /* of the first */
	bool in_window;		 /* of the first */
};

/**
 * struct rs_loss_part - what a loss may have been
 *
 * @container: rs_container_view.id; 0: of any, or with @unseen only of one of which no record came
 * @types: records: bits by &enum rs_event_type
 */
struct rs_loss_part {
	__u32 container;
	bool unseen;
	__u32 types;
	__u64 from_ns;
	__u64 to_ns;
};

/**
 * struct rs_loss_view - something lost, and when
 *
 * @hides: so many of what is counted can be all that there was of a container; 0: no number
 */
struct rs_loss_view {
	char what[96]; /* one phrase: "records that found no room in the ring buffer" */
	__u32 cpu;
	bool any_cpu;  /* not tied to one: @cpu says nothing */
	__u64 count;   /* 0: how much is not known (a cut file) */
	__u64 from_ns; /* lost between these two */
	__u64 to_ns;
	struct rs_loss_part *part; /* one at least */
	size_t nr_parts;
	__u32 hides;
};

/** struct rs_finding_step - an arrow of the rule's automaton that led to a finding; all static */
struct rs_finding_step {
	const char *state; /* that it left */
	const char *note;  /* what happened: rs_note_name(), "time" for a clock */
	const char *when;  /* the arrow's condition, NULL: always */
	__u64 at_ns;
};

/** struct rs_finding_range - a range that a finding is about */
struct rs_finding_range {
	rs_iova_t iova;
	__u64 size;
};

/**
 * struct rs_finding - one violation (or one reason for unknown) of a rule
 *
 * Several objects of a container of which the same moment says the same are one finding: its excerpt is that of
 * the first.
 */
struct rs_finding {
	const char *rule;	 /* static: its id */
	enum rs_verdict verdict; /* RS_VIOLATED or RS_UNKNOWN */
	char *text;		 /* one sentence: what was seen, of which object */
	char *expected;		 /* one sentence: what should have been */
	__u64 at_ns;
	__u32 container;
	__u32 window;		 /* 0: none */
	struct rs_event **event; /* the excerpt that proves it, in time order, at most 12 */
	size_t nr_events;
	struct rs_finding_step *step; /* the automaton's path; the last one led to @verdict */
	size_t nr_steps;
	char *replay;  /* the command that finds it again; NULL: there is no file */
	__u64 objects; /* that it is about, 1 at least */
	struct rs_finding_range
		*range; /* those of them that are ranges, but what found no room in the list */
	size_t nr_ranges;
	/* How findings that are one are known: */
	__u32 device;	/* rs_device_view.id, 0: not of one */
	__u32 object;	/* where in @text the object's name begins, 0: it is not one of several */
	__u32 prefix;	/* ... and where it ends */
	__u64 request;	/* that ended it, together with others; 0: its last event did */
	bool told;	/* a standing recording has raised it already */
	bool whole;	/* it is about all of its context, not only @container */
	__u32 ioctx;	/* rs_ioctx_view.id, 0: of none */
	__u32 handover; /* rs_handover_view.id, 0: of none */
};

/** struct rs_rule_container - a container that does not pass a rule */
struct rs_rule_container {
	__u32 container; /* rs_container_view.id */
	enum rs_verdict verdict;
};

/** struct rs_rule_view - one rule's verdict */
struct rs_rule_view {
	const char *id; /* static */
	enum rs_severity severity;
	const char *sentence; /* static: the clause */
	enum rs_verdict verdict;
	char *reason;			     /* for unknown: why; else NULL */
	__u64 instances;		     /* objects it judged */
	__u64 findings;			     /* also those beyond the list's limit */
	struct rs_rule_container *container; /* those that do not pass, in the order of their ids */
	size_t nr_containers;
};

/** struct rs_budget_view - one budget clause's verdict */
struct rs_budget_view {
	char *text;  /* as written */
	char *where; /* "file:line" */
	enum rs_verdict verdict;
	char *measured; /* "12.4ms" or "7", NULL without samples */
	__u64 samples;
	__u64 needed; /* samples without which it is unknown */
	char *reason; /* one sentence; NULL for pass */
	char *base;   /* of a clause against a base recording: @measured there; NULL: none */
	__u64 base_samples;
	char *note; /* one sentence: how the base recording was made otherwise; NULL */
};

/** struct rs_hook_view - one hook of the attach plan */
struct rs_hook_view {
	char *function;
	char *mechanism; /* "fentry", "kprobe", "tp_btf"; NULL: not attached */
	char *reason;	 /* why not (a better one); NULL */
};

/** struct rs_command_view - the COMMAND that was run */
struct rs_command_view {
	bool ran;
	char *line; /* its words, joined by spaces */
	int status; /* as wait(2) has it */
};

/**
 * struct rs_excerpt_view - what an excerpt was cut out for (docs/trace-format.md)
 *
 * Only that rule is judged: of all others, and of what was left out, an excerpt says nothing.
 */
struct rs_excerpt_view {
	char *of;   /* the recording's name as it was then; NULL: not an excerpt */
	char *rule; /* id of the rule that it proves to be violated */
	char *text; /* the finding's sentence */
};

#include "result/handover.h"

/** struct rs_result - all of it */
struct rs_result {
	char *source;		  /* the file's name, or "live" */
	char *kernel;		  /* release; NULL: not known */
	char *host;		  /* node name; NULL */
	__s64 realtime_offset_ns; /* add to a time for CLOCK_REALTIME; 0: not known */
	__u64 first_ns;		  /* of the recording */
	__u64 last_ns;
	__u64 events;
	enum rs_mode mode;
	enum rs_verify verify;
	bool complete;
	char *incomplete_reason; /* one sentence, NULL when complete */
	struct rs_excerpt_view excerpt;

	struct rs_hook_view *hook;
	size_t nr_hooks;
	struct rs_loss_view *loss;
	size_t nr_losses;
	struct rs_container_view *container;
	size_t nr_containers;
	struct rs_update_view *update;
	size_t nr_updates;
	struct rs_window_view *window;
	size_t nr_windows;
	struct rs_ioctx_view *ioctx;
	size_t nr_ioctxs;
	struct rs_handover_view *handover;
	size_t nr_handovers;
	struct rs_refusal_view *refusal; /* in time order */
	size_t nr_refusals;
	struct rs_area_view *area; /* that there were when their ioas ended, or the recording */
	size_t nr_areas;
	struct rs_request_row *request;
	size_t nr_requests;
	struct rs_device_view *device;
	size_t nr_devices;
	struct rs_flight_view *flight; /* in time order */
	size_t nr_flights;
	struct rs_slow *slow; /* slowest first */
	size_t nr_slow;
	struct rs_failure *failure;
	size_t nr_failures;
	struct rs_rule_view *rule;
	size_t nr_rules;
	struct rs_finding *finding; /* in time order */
	size_t nr_findings;
	struct rs_budget_view *budget;
	size_t nr_budgets;
	struct rs_command_view command;

	enum rs_verdict verdict; /* the worst of all */
	char *verdict_reason;	 /* one sentence when no rule or budget gives it; NULL */
};

/** rs_loss_types() - what records it may have been: bits by &enum rs_event_type */
__u32 rs_loss_types(const struct rs_loss_view *l);

/** rs_loss_touches() - can it have been records of these types, between these two times? */
bool rs_loss_touches(const struct rs_loss_view *l, __u32 types, __u64 from, __u64 to);

/** rs_request_types() - records that tell of requests of one kind. @op: as in rs_request_row; NULL: of all */
__u32 rs_request_types(const char *op);

/** rs_window_types() - records that tell of windows, their ranges and hand-overs */
__u32 rs_window_types(void);

/** rs_blackout_types() - these, and those that tell when a guest stood still */
__u32 rs_blackout_types(void);

/** rs_phase_types() - these, and those that tell what was done meanwhile */
__u32 rs_phase_types(void);

/** rs_finding_joins() - does the same moment say the same of both, but for the object? */
bool rs_finding_joins(const struct rs_finding *a, const struct rs_finding *b);

/** rs_finding_free() - free what it points to */
void rs_finding_free(struct rs_finding *f);

/** rs_finding_set_replay() - @path: the trace file in which it is found again. Return: 0 or -ENOMEM */
int rs_finding_set_replay(struct rs_finding *f, const char *path);

/**
 * rs_split_known() - is any request's time split into waiting and work?
 *
 * A recorder that did not know how counts all of it as work. With a lock to take, no recording that
 * knows has only zeros.
 */
bool rs_split_known(const struct rs_result *r);

/** rs_update_stood_still() - all of its old vCPUs are known to have left KVM_RUN; there is one at least */
bool rs_update_stood_still(const struct rs_update_view *u);

/** rs_update_view_free() - free what it points to; it is empty then */
void rs_update_view_free(struct rs_update_view *u);

/** rs_result_free() - free a result; NULL is allowed */
void rs_result_free(struct rs_result *r);

/** rs_result_exit_status() - design's exit status: 0 pass, 1 violated, 3 unknown */
int rs_result_exit_status(const struct rs_result *r);

#endif /* RS_RESULT_RESULT_H */
