/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The model
 *
 * Rebuilds containers, ranges, windows, owners and hand-overs from events in the order of time, and
 * tells what changed as *notes*: the alphabet of the rules. Nothing here knows a rule, and nothing
 * but the readers of their events (src/model/type1.c, src/model/iommufd.c) knows type1 or iommufd.
 *
 * The kernel's own state in the events (the ranges after an invalidation, the range after a remap)
 * beats what the model has worked out from requests.
 */
#ifndef RS_MODEL_MODEL_H
#define RS_MODEL_MODEL_H

#include <errno.h>
#include <uthash.h>
#include "model/pins.h"
#include "result/result.h"
#include "util/array.h"

/* Rules keep their state in the objects they judge; src/rules/rules.c asserts that this is enough. */
#define RS_RULES_MAX 32

/**
 * struct rs_kept - an event that outlives its turn, counted
 *
 * Taken with rs_keep(), given back with rs_drop().
 */
struct rs_kept {
	__u32 refs;
	__u32 reserved;
	struct rs_event ev; /* ev.size bytes */
};

#define RS_TRAIL_MAX \
	10 /* a finding's excerpt is the trail, a proof, and the event that ended it: 12 */

/**
 * struct rs_taken - an arrow that an automaton has taken
 * @kept: the event of the note that it was taken on
 * @proof: the note's proof; NULL: it had none
 * @arrow: its place in the rule's table
 */
struct rs_taken {
	struct rs_kept *kept;
	struct rs_kept *proof;
	__u8 arrow;
};

/** struct rs_timer - an automaton in a state that it may not stay in for ever */
struct rs_timer {
	struct rs_timer *prev, *next;
	struct rs_object *obj;
	__u64 at; /* it may be there until then */
};

/** struct rs_slot - one rule's automaton on one object */
struct rs_slot {
	__u8 state;
	__u8 nr;		/* of @trail */
	bool used;		/* has left its first state: counts as an instance */
	struct rs_taken *trail; /* the arrows so far */
	struct rs_timer *timer; /* NULL: no clock runs */
};

/** struct rs_object - what a rule can be about: ranges, containers, devices begin with one */
struct rs_object {
	struct rs_slot slot[RS_RULES_MAX];
};

/** struct rs_proc - a process that has to do with containers */
struct rs_proc {
	UT_hash_handle hh;
	__u32 tgid;
	char comm[RS_COMM_LEN];
	__u64 mm;
	__u64 start_ns; /* 0: not known */
	bool exited;
	__u64 exited_ns;
	int status; /* as wait(2) has it, once exited */
};

/** struct rs_run - pages that are contiguous on both sides; the iova's as a number of pages */
struct rs_run {
	__u64 page;
	__u64 npage;
	__u64 pfn;
};

/**
 * struct rs_pages - what the IOMMU was given for a range, as far as it was told
 * @run: by iova, none overlaps another
 * @weak: the IOMMU may have let go of them: no proof any more
 */
struct rs_pages {
	struct rs_run *run;
	size_t nr;
	bool weak;
};

/** struct rs_range - a DMA mapping */
struct rs_range {
	struct rs_object obj;
	struct rs_container *container;
	__u32 serial; /* of its container, from 1: an iova can be mapped again */
	rs_iova_t iova;
	rs_vaddr_t vaddr;
	__u64 size;
	__u32 prot;
	bool invalid;
	bool stale;  /* valid, but its owner's mm is gone */
	bool ran;    /* invalid, and it was told that the guest ran meanwhile */
	__u32 owner; /* tgid that gave it its vaddr */
	__u64 owner_mm;
	__u64 locked_pages;
	struct rs_backing_list backing; /* of the memory the IOMMU was given */
	__s64 view;			/* its place in the open window's view; -1 */
	__u64 since_ns;			/* known since */
	bool mapped_seen;		/* its map was recorded */
	__u64 told_ns;			/* when the kernel last said how it is */
	__u32 leaving;			/* tgid that is about to leave its owner's mm (armed) */
	struct rs_pages pages;
	__u64 remap_req;    /* its last remap, whose pages may be looked at later */
	__u32 remap_window; /* and its place in the views: the window's id, */
	__s64 remap_view;   /* the range's index; -1: none */
	char *unproved;	    /* why that remap is not proved to be of the same memory; NULL */
	bool pages_told;    /* that something is known of its pages */
	struct rs_kept *invalidation; /* what took its vaddr; NULL: nothing did, or nobody saw it */
	__u32 area;		      /* enum rs_area */
	__u32 account;		      /* iommufd: enum rs_account */
	__u64 pages_key;	      /* iommufd: areas that share it share their pages */
};

/**
 * struct rs_heir - a process that was passed an update's files, or has remapped
 * @passed_ns: when it was first passed one, 0: it was not
 * @set_up_ns: when its last call returned that looks into what it was given, 0: none did
 * @gone: the process is no more, and its number can be another's
 */
struct rs_heir {
	__u32 tgid;
	__u64 passed_ns;
	__u64 set_up_ns;
	bool gone;
};

/**
 * struct rs_update - one live update: the windows of one opener that overlap
 * @view: all that is known so far; without phases
 * @open: its windows that are open
 * @heir: who may go on with the guest
 * @own: the opener's own place among them, once it has another program
 * @exec: it has
 * @remapper: who has remapped last, 0: nobody yet
 * @vcpu_key: of each of view.vcpu the old vCPU, 0: it was not seen
 * @run_ns: when the first vCPU ran again
 * @irq_ns: when the last interrupt was given back before that
 * @resumed: a monitor has said meanwhile that a guest runs again
 * @told: a standing recording has told it; kept only for whom it is handed over to
 *
 * The containers join here: what else belongs to an update has its place here.
 */
struct rs_update {
	struct rs_object obj;
	struct rs_update_view view;
	__u32 open;
	struct rs_heir *heir;
	size_t nr_heirs;
	struct rs_heir own;
	bool exec;
	__u32 remapper;
	__u64 *vcpu_key;
	__u64 run_ns;
	__u64 irq_ns;
	bool resumed;
	bool told;
};

/** struct rs_vm - a virtual machine, named by struct kvm's address */
struct rs_vm {
	UT_hash_handle hh;
	__u64 key;
	__u32 id;
	__u32 tgid;
};

/**
 * struct rs_vcpu - a vCPU that was seen
 * @vm: its VM's id
 * @told: how it was at its process' last invalidation; NULL: it was not told, or has run since
 */
struct rs_vcpu {
	UT_hash_handle hh;
	__u64 key;
	__u32 tgid;
	__u32 vm;
	struct rs_kept *told;
};

/** struct rs_passed - a process was passed a file of a container that has no window */
struct rs_passed {
	__u64 container;
	struct rs_heir heir;
};

/**
 * struct rs_mm - an mm that is, or was, charged for ranges
 * @gone: nobody uses it any more, as the kernel counts (mm_struct.mm_users)
 * @shared: the kernel counted somebody else when a process left it last
 */
struct rs_mm {
	struct rs_object obj;
	UT_hash_handle hh;
	__u64 key;
	bool gone;
	bool shared;
};

/** struct rs_window - a window under way */
struct rs_window {
	struct rs_window_view view;
	struct rs_update *update;
	__u64 exec_ns; /* the opener's last exec inside it, 0: none */
	size_t room;
	__u32 invalid; /* ranges without a vaddr */
	__u32 unseen;  /* ... and those that lost it before the recording: only counted so far */
};

/**
 * struct rs_key - what names a container
 * @object: struct vfio_iommu's address, or struct iommufd_ctx's
 * @ioas: iommufd: the ioas' id in it; 0 of type1, and of a context of which no ioas is meant
 */
struct rs_key {
	__u64 object;
	__u64 ioas;
};

static inline bool rs_key_same(struct rs_key a, struct rs_key b)
{
	return a.object == b.object && a.ioas == b.ioas;
}

/**
 * struct rs_container - a container that lives
 *
 * Each ioas of an iommufd context is one: what has ranges.
 */
struct rs_container {
	struct rs_object obj;
	UT_hash_handle hh;
	struct rs_key key;
	struct rs_ioctx *ioctx; /* NULL of type1 */
	struct rs_container_view view;
	struct rs_range **range; /* by iova */
	size_t nr, room;
	__u64 bytes;
	struct rs_window *window; /* NULL outside */
	size_t nr_stale;
	bool joined_inside; /* first seen when its window was open already */
	__u32 ranges_ever;
	__u64 removing_req; /* takes down @removing_iova at this moment; 0: nobody does */
	__u64 removing_iova;
	struct rs_group {
		__u64 key;
		bool iommu; /* IOMMU-backed, not emulated */
	} * group;	    /* attached, as far as was seen */
	size_t nr_groups;
	bool group_gone; /* one was detached, perhaps the last one: with that all ranges go */
	__u32 heir;	 /* tgid that it was handed over to last and that lives; 0: it was not */
	__u32 *former;	 /* tgids that have handed it over, and have not got it back */
	size_t nr_former;
	bool former_unknown;	   /* and perhaps others, before the recording */
	bool both_ran;		   /* it was told that a guest runs in one of them */
	struct rs_kept *handover;  /* the heir's first remap, */
	struct rs_update *handed;  /* and the update that it was of */
	struct rs_mark_view *mark; /* what its next update may have begun with */
	size_t nr_marks;
};

/** struct rs_rows - requests by kind, path and reason */
struct rs_rows {
	struct rs_request_row *row;
	size_t nr;
};

/**
 * struct rs_device - a device that asked for something, also when it is gone
 * @container: the key of its container, .object 0: not known
 * @born: the recording has all that it ever asked of that container
 * @open: the device is there; @view.key can be another's as soon as it is not
 * @pinned: has pinned something
 * @pins: pages that it has pinned now
 */
struct rs_device {
	struct rs_object obj;
	UT_hash_handle hh;
	__u64 key;
	struct rs_key container;
	bool born;
	bool open;
	bool pinned;
	struct rs_device_view view; /* its rows are in @rows until the end */
	struct rs_rows rows;
	struct rs_pins pins;
};

/** rs_container_whole() - its ranges are known from a moment on at which none was missed */
static inline bool rs_container_whole(const struct rs_container *c)
{
	return c->view.born || c->view.found;
}

/**
 * struct rs_waiter - a driver's request that waits for a vaddr
 * @ev: its RS_EV_WAIT
 */
struct rs_waiter {
	struct rs_object obj;
	UT_hash_handle hh;
	__u64 req;
	struct rs_container *container;
	struct rs_device *device; /* NULL: not known */
	struct rs_ev_wait ev;
};

#include "model/note.h"

/* What the model has found out about requests, kept for the result. */
struct rs_tally {
	struct rs_rows rows;
	struct rs_slow *slow;
	size_t nr_slow;
	struct rs_failure *failure;
	size_t nr_failures;
	struct rs_flight {
		__u64 req;
		__u64 end_ns;
		struct rs_flight_view view; /* without its window */
	} * flight;
	size_t nr_flights;
};

#define RS_SLOW_MAX 10

/** enum rs_gap_kind - how the records show that something is missing */
enum rs_gap_kind {
	RS_GAP_UNREAD = 0,     /* a record of unknown type, or too short */
	RS_GAP_PARTS = 1,      /* a request of which pieces are missing, or that nothing explains */
	RS_GAP_UNSEEN = 2,     /* a range without a vaddr of which nothing was ever seen */
	RS_GAP_UNRECORDED = 3, /* a request that the kernel counted, and that was not recorded */
};

/**
 * struct rs_gap - something that is missing
 * @container: rs_container_view.id, 0: it can be any
 * @types: records that may be missing: bits by &enum rs_event_type
 * @count: how many
 * @from_ns: it went missing after this
 * @to_ns: ... and before this
 */
struct rs_gap {
	enum rs_gap_kind kind;
	__u32 container;
	__u32 types;
	__u64 count;
	__u64 from_ns;
	__u64 to_ns;
};

_Static_assert(RS_EV_NR <= 32, "a bit for each type of record");

#define RS_TYPES_ANY  UINT32_MAX
#define RS_TYPE(type) (1U << RS_EV_##type)

/* How containers, their groups and their ranges come, change and go. */
#define RS_TYPES_LIFE                                                                          \
	(RS_TYPE(OPEN) | RS_TYPE(RELEASE) | RS_TYPE(ATTACH) | RS_TYPE(DETACH) | RS_TYPE(MAP) | \
	 RS_TYPE(UNMAP) | RS_TYPE(REMOVE) | RS_TYPE(RANGE) | RS_TYPE(SNAPSHOT))
#define RS_TYPES_PROCESS (RS_TYPE(PROC) | RS_TYPE(FORK) | RS_TYPE(EXEC) | RS_TYPE(EXIT))

struct rs_change;
struct rs_eventfd;
struct rs_ioctx;
struct rs_irq;
struct rs_irq_seen;
struct rs_pending;
struct rs_stat;

/* A longer list of ids is not used. */
#define RS_IDS_MAX 65536

/* Objects that are numbered as they appear. */
enum rs_numbered {
	RS_NR_CONTAINER = 0,
	RS_NR_WINDOW = 1,
	RS_NR_DEVICE = 2,
	RS_NR_UPDATE = 3,
	RS_NR_IOCTX = 4,
	RS_NR_HANDOVER = 5,
	RS_NUMBERED_NR
};

/**
 * struct rs_ids - of an excerpt: the ids that the objects had in the whole recording
 * @id: by the order in which they appear, each once, none 0
 * @max: the largest: what is not listed is numbered from there on
 */
struct rs_ids {
	__u32 *id;
	size_t nr;
	__u32 max;
};

/** struct rs_model - the state of the world as far as the events tell */
struct rs_model {
	rs_note_fn note;
	void *ctx;
	struct rs_container *containers; /* by key */
	struct rs_proc *procs;		 /* by tgid */
	struct rs_pending *pending;	 /* pieces of requests under way, by request */
	__u32 nr_snapshots;		 /* of these, those of snapshots */
	struct rs_device *devices;	 /* open ones, by key */
	struct rs_stat *stats;		 /* the last statistics, by key */
	enum rs_mode mode;
	enum rs_verify verify;

	struct rs_device **device; /* all that there ever were, by id */
	size_t nr_devices;
	struct rs_container_view *past; /* released containers */
	size_t nr_past;
	struct rs_window_view *window; /* closed windows */
	size_t nr_windows;
	struct rs_update **update; /* by id */
	size_t nr_updates;
	struct rs_mm *mms;     /* by key */
	struct rs_vm *vms;     /* by key */
	struct rs_vcpu *vcpus; /* by key */
	struct rs_passed *passed;
	size_t nr_passed;
	struct rs_ev_mark *mark; /* what monitors said, in time order */
	size_t nr_marks;
	struct rs_waiter *waiters;	  /* by request */
	struct rs_ioctx *ioctxs;	  /* by key */
	struct rs_ioctx_view *past_ioctx; /* released ones */
	size_t nr_past_ioctxs;
	struct rs_change *handover; /* that have ended; of these, only view and rows */
	size_t nr_handovers;
	struct rs_refusal_view *refusal;
	size_t nr_refusals;
	struct rs_area_view *area; /* of ioas that are gone */
	size_t nr_areas;
	struct rs_irq *irqs;	     /* by key */
	struct rs_eventfd *eventfds; /* by key */
	size_t irqs_at_stake;
	struct rs_exec_seen {
		__u32 tgid;
		__u64 ts;
	} * exec; /* hand-overs by exec */
	size_t nr_execs;
	struct rs_tally tally;
	struct rs_ids ids[RS_NUMBERED_NR]; /* all empty unless it is an excerpt */
	__u32 next_container;		   /* how many there were */
	__u32 next_window;
	__u32 next_vm;
	__u32 next_update;
	__u32 next_device;
	__u32 next_ioctx;
	__u32 next_handover;
	__u64 first_ns, last_ns;
	__u64 events;
	struct rs_gap *gap; /* what is missing, as far as the records themselves show it */
	size_t nr_gaps;
};

/**
 * rs_model_gaps() - are ranges mapped and unmapped outside windows without a record?
 *
 * Armed; but pages can be verified only if all maps are recorded, and then they are.
 */
static inline bool rs_model_gaps(const struct rs_model *m)
{
	return m->mode == RS_MODE_ARMED && m->verify == RS_VERIFY_NONE;
}

/** rs_model_init() - @note is called for everything that changes */
void rs_model_init(struct rs_model *m, rs_note_fn note, void *ctx);

/** rs_model_id() - the id of the @nth object (from 1) of its kind */
static inline __u32 rs_model_id(const struct rs_model *m, enum rs_numbered kind, __u32 nth)
{
	const struct rs_ids *ids = &m->ids[kind];

	return nth <= ids->nr ? ids->id[nth - 1] : ids->max + (nth - ids->nr);
}

/** rs_model_event() - take the next event in time. Return: 0 or -errno */
int rs_model_event(struct rs_model *m, const struct rs_event *ev);

/** rs_model_end() - the recording ends: tells RS_N_END, closes the books. Return: 0 or -errno */
int rs_model_end(struct rs_model *m);

/**
 * rs_update_over() - none of its windows is open any more, its guest runs, and nothing that belongs to it can show
 *
 * Or it was abandoned, or its guest does not run for long enough.
 * @now: the records' time
 */
bool rs_update_over(const struct rs_update *u, __u64 now);

/**
 * rs_model_forget() - forget what is over, for a recorder that goes on
 *
 * Updates whose @told is set, with which their windows must have been taken; released containers, processes and
 * devices that are gone, and what was only counted for the whole recording.
 */
void rs_model_forget(struct rs_model *m, __u64 now);

/** rs_model_free() - free all */
void rs_model_free(struct rs_model *m);

/* Parts of the model (src/model/): */

struct rs_proc *rs_proc_get(struct rs_model *m, __u32 tgid);
struct rs_proc_ref rs_proc_ref(struct rs_model *m, __u32 tgid);
int rs_model_process(struct rs_model *m, const struct rs_event *ev);
bool rs_mm_in_use(const struct rs_model *m, __u64 mm, __u32 tgid);
/* A process that lives and has that mm, 0: none is known. */
__u32 rs_proc_by_mm(const struct rs_model *m, __u64 mm);

/* NULL: there is none */
struct rs_container *rs_container_find(const struct rs_model *m, struct rs_key key);
/* One that is new is of the context, which must be known; NULL without memory */
struct rs_container *rs_container_at(struct rs_model *m, struct rs_key key, struct rs_ioctx *x,
				     __u64 ts);
/* The same of type1. */
struct rs_container *rs_container_get(struct rs_model *m, __u64 key, __u64 ts);
int rs_container_release(struct rs_model *m, struct rs_container *c, __u64 ts);
struct rs_range *rs_range_at(struct rs_container *c, __u64 iova);
struct rs_range *rs_range_add(struct rs_container *c, rs_iova_t iova, __u64 size);
void rs_range_remove(struct rs_container *c, struct rs_range *r);
void rs_range_remove_all(struct rs_container *c);
/* Index of the first range that ends above @iova. */
size_t rs_range_from(const struct rs_container *c, __u64 iova);
void rs_backing_free(struct rs_backing_list *b);
int rs_backing_copy(struct rs_backing_list *to, const struct rs_backing_list *from);

int rs_window_open(struct rs_model *m, struct rs_container *c, __u64 ts, __u32 tgid);
int rs_window_range(struct rs_model *m, struct rs_range *r, __u64 ts);
void rs_window_range_done(struct rs_model *m, struct rs_range *r, enum rs_range_state state,
			  __u64 ts);
/* A range's view in a window of the container that is open, or closed. NULL: there is none */
struct rs_range_view *rs_window_range_view(struct rs_model *m, struct rs_container *c, __u32 window,
					   __s64 at);
/* @ev: what closed it; NULL: nothing did, the recording ends */
int rs_window_close(struct rs_model *m, struct rs_container *c, const struct rs_event *ev,
		    enum rs_window_end end);

void rs_window_view_free(struct rs_window_view *w);

/* The container's window has just opened: which update is it of? */
int rs_update_join(struct rs_model *m, struct rs_container *c);
/* The same of a context's hand-over. */
int rs_update_join_handover(struct rs_model *m, struct rs_ioctx *x);
/* It has ended, as its view says. */
void rs_update_handed(struct rs_change *h);
/* The process has a new mm. */
void rs_update_exec(struct rs_model *m, __u32 tgid, __u64 ts);
/* The window is closed, as its view says. */
void rs_update_leave(struct rs_window *w);
/* The newest update that the process takes part in; NULL: in none. */
struct rs_update *rs_update_by(const struct rs_model *m, __u32 tgid);
/* The process takes part in it: it has opened it, was passed a file, or has remapped. */
bool rs_update_has(const struct rs_update *u, __u32 tgid);
/* Nothing came of it: what it began with was a program that left, and took its context along. */
bool rs_update_void(const struct rs_update *u);
/* Its guest is known to have stood still, and has not run since. */
bool rs_update_stands_still(const struct rs_update *u);
/* The update that the container is in, or that its guest has not come out of; NULL: none. */
struct rs_update *rs_update_of(const struct rs_model *m, const struct rs_container *c);
/* The process' place in the update: it was passed a file, or has remapped. NULL without memory */
struct rs_heir *rs_update_heir(struct rs_update *u, __u32 tgid);
/* A range of the container was remapped. */
int rs_update_remapped(struct rs_update *u, __u32 tgid);
/* How a vCPU was at an invalidation. */
int rs_update_told(struct rs_update *u, const struct rs_vcpu *v);
/* A vCPU of the update enters KVM_RUN. @inside: it had not left it when it was told */
int rs_update_runs(struct rs_model *m, struct rs_update *u, const struct rs_vcpu *v,
		   const struct rs_ev_vcpu *x, bool inside);
/* The process is no more. */
void rs_update_exit(struct rs_model *m, __u32 tgid);
/* An interrupt was given back, by a process that may be of an update. */
void rs_update_irq(struct rs_model *m, __u32 tgid, __u64 ts);
/* A monitor says that a guest runs again; nobody knows whose. */
void rs_update_resumed(struct rs_model *m);
int rs_update_mark(struct rs_model *m, struct rs_container *c, const struct rs_mark_view *mark);
void rs_update_free(struct rs_update *u);
void rs_updates_free(struct rs_model *m);

/* A range that had no vaddr was remapped: by another process than the one that took it? */
int rs_owner_remapped(struct rs_model *m, struct rs_range *r, const struct rs_event *ev);
/* A map, unmap or invalidation has changed the container. @r: NULL: not only that range */
int rs_owner_changed(struct rs_model *m, struct rs_container *c, struct rs_range *r,
		     const struct rs_event *ev);
/* A vCPU of the process runs. */
int rs_owner_ran(struct rs_model *m, const struct rs_event *ev);
/* The process is no more: nobody has what was handed over to it. */
void rs_owner_exit(struct rs_model *m, __u32 tgid);
/* The process has handed the container over to another one, and has not got it back. */
bool rs_owner_was(const struct rs_container *c, __u32 tgid);
void rs_owner_free(struct rs_container *c);

/* NULL without memory, and for @key 0 */
struct rs_mm *rs_mm_get(struct rs_model *m, __u64 key);
/* What is known of that mm; NULL: nothing */
const struct rs_mm *rs_mm_find(const struct rs_model *m, __u64 key);
/* The mm may be gone: another one can get its address. */
void rs_mm_forget(struct rs_model *m, __u64 key);

int rs_model_type1(struct rs_model *m, const struct rs_event *ev);
int rs_model_iommufd(struct rs_model *m, const struct rs_event *ev);
/* Is it a record of iommufd, for rs_model_iommufd()? Pieces of requests are of either. */
bool rs_is_iommufd(const struct rs_event *ev);
void rs_pending_free(struct rs_model *m);

/* What a driver's request cost. Its device and container must be known, or stay out of it. */
void rs_request_cost(struct rs_model *m, const struct rs_ev_request *rq, struct rs_slow *s,
		     struct rs_paths *paths);
/* Counts a request, also in the rows of @d (NULL: no device), for each path that it took. */
int rs_tally_add(struct rs_model *m, struct rs_device *d, const struct rs_slow *s,
		 const __u64 pages[RS_PATH_NR]);
int rs_rows_add(struct rs_rows *rows, const struct rs_slow *s, const __u64 pages[RS_PATH_NR]);
int rs_tally_failure(struct rs_model *m, const struct rs_failure *f);
int rs_tally_flight(struct rs_model *m, const struct rs_event *ev);
/* The row of that kind, with its latencies; a new one if need be. NULL without memory */
struct rs_request_row *rs_rows_get(struct rs_rows *rows, const struct rs_request_row *kind);
const struct rs_request_row *rs_rows_find(const struct rs_rows *rows,
					  const struct rs_request_row *kind);
void rs_rows_free(struct rs_rows *rows);

/* Copies a record; what it lacks (an older, shorter form) is zero. */
static inline void rs_event_read(void *to, size_t size, const struct rs_event *ev)
{
	size_t n = ev->size < size ? ev->size : size;

	memcpy(to, ev, n);
	memset((char *)to + n, 0, size - n);
}

/* A request begins to wait for a vaddr; it has returned; its container (NULL: whatever container) is no more. */
int rs_wait_begins(struct rs_model *m, const struct rs_event *ev);
void rs_wait_over(struct rs_model *m, __u64 req);
void rs_waits_forget(struct rs_model *m, const struct rs_container *c);

/* A failed call's errno; EIO for what no kernel returns. */
static inline int rs_errno(__s64 ret)
{
	return ret >= -4095 ? (int)-ret : EIO;
}

/* Something is missing; gaps of one kind, container and types are one. Return: 0 or -ENOMEM */
int rs_model_gap(struct rs_model *m, const struct rs_gap *g);
/* The same of a container of which it went missing since it is known. @c: NULL: of any */
int rs_model_gap_in(struct rs_model *m, enum rs_gap_kind kind, const struct rs_container *c,
		    __u64 ts);
/* Records that tell a note: bits by &enum rs_event_type. */
__u32 rs_note_records(enum rs_note_type type);

/* Sets what a note's container says of it, and tells it. */
int rs_note(struct rs_model *m, struct rs_note note);
struct rs_kept *rs_keep(const struct rs_event *ev);
void rs_drop(struct rs_kept *k);
void rs_taken_drop(struct rs_taken *t);
void rs_timer_stop(struct rs_slot *s);
void rs_object_free(struct rs_object *o);

#endif /* RS_MODEL_MODEL_H */
