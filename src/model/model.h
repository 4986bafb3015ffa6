/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The model
 *
 * Rebuilds containers, ranges, windows, owners and hand-overs from events in the order of time, and
 * tells what changed as *notes*: the alphabet of the rules. Nothing here knows a rule, and nothing
 * but the type1 events' reader (src/model/type1.c) knows type1.
 *
 * The kernel's own state in the events (the ranges after an invalidation, the range after a remap)
 * beats what the model has worked out from requests.
 */
#ifndef RS_MODEL_MODEL_H
#define RS_MODEL_MODEL_H

#include <errno.h>
#include <uthash.h>
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

#define RS_TRAIL_MAX 11 /* a finding's excerpt is the trail and the event that ended it: 12 */

/** struct rs_slot - one rule's automaton on one object */
struct rs_slot {
	__u8 state;
	__u8 nr;   /* of @trail */
	bool used; /* has left its first state: counts as an instance */
	__u64 since;
	struct rs_kept *
		*trail; /* the events of the transitions so far; NULL or RS_TRAIL_MAX long */
};

/** struct rs_object - what a rule can be about: ranges and containers begin with one */
struct rs_object {
	struct rs_slot slot[RS_RULES_MAX];
};

/** struct rs_proc - a process that has to do with containers */
struct rs_proc {
	UT_hash_handle hh;
	__u32 tgid;
	char comm[RS_COMM_LEN];
	__u64 mm;
	bool exited;
	int status; /* as wait(2) has it, once exited */
};

/** struct rs_range - a DMA mapping */
struct rs_range {
	struct rs_object obj;
	struct rs_container *container;
	rs_iova_t iova;
	rs_vaddr_t vaddr;
	__u64 size;
	__u32 prot;
	bool invalid;
	bool stale;  /* valid, but its owner's mm is gone */
	__u32 owner; /* tgid that gave it its vaddr */
	__u64 owner_mm;
	__u64 locked_pages;
	struct rs_backing_list backing; /* of the memory the IOMMU was given */
	__s64 view;			/* its place in the open window's view; -1 */
};

/** struct rs_window - a window under way */
struct rs_window {
	struct rs_window_view view;
	size_t room;
	__u32 invalid; /* ranges without a vaddr */
	__u32 unseen;  /* ... and those that lost it before the recording: only counted so far */
};

/** struct rs_container - a container that lives */
struct rs_container {
	struct rs_object obj;
	UT_hash_handle hh;
	__u64 key;
	struct rs_container_view view;
	struct rs_range **range; /* by iova */
	size_t nr, room;
	__u64 bytes;
	struct rs_window *window; /* NULL outside */
	size_t nr_stale;
	bool joined_inside; /* first seen when its window was open already */
	__u64 ticked_ns;
};

/** enum rs_note_type - what can happen, in the words of the rules */
enum rs_note_type {
	RS_N_MAPPED,	    /* range: a plain map made it */
	RS_N_INVALIDATED,   /* range: lost its vaddr */
	RS_N_REMAPPED,	    /* range: has a vaddr again; .remap */
	RS_N_REMAP_REFUSED, /* range, invalid: a remap that overlaps it failed; .remap */
	RS_N_UNMAPPED,	    /* range: a plain unmap took it down */
	RS_N_RELEASED,	    /* range: went down with its container or its last group; .by */
	RS_N_TRANSLATED,    /* range, invalid: its vaddr was translated */
	RS_N_IOMMU_CHANGED, /* range, invalid: the IOMMU's table changed under it */
	RS_N_MM_GONE,	    /* range, valid: its owner's mm is no more */
	RS_N_USED,	    /* range, stale: its container was used, by .by */
	RS_N_NEW_MAP,	    /* container: a plain map inside the window; range */
	RS_N_PLAIN_UNMAP,   /* container: a plain unmap of an invalid range; range */
	RS_N_ATTACHED,	    /* container: a group joined inside the window */
	RS_N_CLOSED,	    /* container: its window has closed */
	RS_N_MAP_DONE,	    /* range: a map or remap has charged memory; .remap */
	RS_N_END,	    /* range, container: the recording ends */
	RS_N_TICK,	    /* range, invalid: time has passed */
	RS_N_NR
};

/**
 * struct rs_remap - a map or remap, as a rule needs it
 * @ev: the request's record
 * @old: what was behind the range before
 * @now: what is behind its new vaddr
 * @old_iova: the range as it was invalidated
 * @old_owner_mm: who was charged
 * @locked_pages: what is charged for it now (vfio_dma.locked_vm); UINT64_MAX: not known
 * @old_mm_gone: no process that is known to live has the old owner's mm
 */
struct rs_remap {
	const struct rs_ev_map *ev;
	const struct rs_backing_list *old;
	const struct rs_backing_list *now;
	rs_iova_t old_iova;
	__u64 old_size;
	rs_vaddr_t old_vaddr;
	__u64 old_owner_mm;
	__u64 locked_pages;
	bool old_mm_gone;
};

/**
 * struct rs_note - one thing that happened
 * @ev: the event that told it; NULL for RS_N_END and RS_N_TICK
 * @by: the process that did it, 0: nobody
 * @killed: RS_N_RELEASED: because a process was killed by a signal
 */
struct rs_note {
	enum rs_note_type type;
	__u64 ts;
	const struct rs_event *ev;
	struct rs_container *container;
	struct rs_range *range;
	const struct rs_remap *remap;
	__u32 by;
	bool killed;
};

/** rs_note_fn - takes a note. Return: 0 or -errno, which ends the analysis */
typedef int (*rs_note_fn)(void *ctx, struct rs_note *note);

/* What the model has found out about requests, kept for the result. */
struct rs_tally {
	struct rs_request_row *row;
	size_t nr_rows;
	struct rs_slow *slow;
	size_t nr_slow;
	struct rs_failure *failure;
	size_t nr_failures;
};

#define RS_SLOW_MAX 10

struct rs_pending;

/** struct rs_model - the state of the world as far as the events tell */
struct rs_model {
	rs_note_fn note;
	void *ctx;
	struct rs_container *containers; /* by key */
	struct rs_proc *procs;		 /* by tgid */
	struct rs_pending *pending;	 /* pieces of requests under way, by request */

	struct rs_container_view *past; /* released containers */
	size_t nr_past;
	struct rs_window_view *window; /* closed windows */
	size_t nr_windows;
	struct rs_exec_seen {
		__u32 tgid;
		__u64 ts;
	} * exec; /* hand-overs by exec */
	size_t nr_execs;
	struct rs_tally tally;
	__u32 next_container;
	__u32 next_window;
	__u64 first_ns, last_ns;
	__u64 events;
	__u64 unread;	  /* records of unknown type or too short */
	__u64 incomplete; /* requests of which pieces are missing */
	__u64 unseen;	  /* ranges without a vaddr of which nothing was ever seen */
};

/** rs_model_init() - @note is called for everything that changes */
void rs_model_init(struct rs_model *m, rs_note_fn note, void *ctx);

/** rs_model_event() - take the next event in time. Return: 0 or -errno */
int rs_model_event(struct rs_model *m, const struct rs_event *ev);

/** rs_model_end() - the recording ends: tells RS_N_END, closes the books. Return: 0 or -errno */
int rs_model_end(struct rs_model *m);

/** rs_model_free() - free all */
void rs_model_free(struct rs_model *m);

/* Parts of the model (src/model/): */

struct rs_proc *rs_proc_get(struct rs_model *m, __u32 tgid);
struct rs_proc_ref rs_proc_ref(struct rs_model *m, __u32 tgid);
int rs_model_process(struct rs_model *m, const struct rs_event *ev);
bool rs_mm_in_use(const struct rs_model *m, __u64 mm, __u32 tgid);

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
/* @ev: what closed it; NULL: nothing did, the recording ends */
int rs_window_close(struct rs_model *m, struct rs_container *c, const struct rs_event *ev,
		    enum rs_window_end end);

int rs_model_type1(struct rs_model *m, const struct rs_event *ev);
void rs_pending_free(struct rs_model *m);

/* Counts a request in the row of each path that it took, and its time in that of s->path. */
int rs_tally_add(struct rs_model *m, const struct rs_slow *s, const __u64 pages[RS_PATH_NR]);
int rs_tally_failure(struct rs_model *m, const struct rs_failure *f);

/* Copies a record; what it lacks (an older, shorter form) is zero. */
static inline void rs_event_read(void *to, size_t size, const struct rs_event *ev)
{
	size_t n = ev->size < size ? ev->size : size;

	memcpy(to, ev, n);
	memset((char *)to + n, 0, size - n);
}

/* A failed call's errno; EIO for what no kernel returns. */
static inline int rs_errno(__s64 ret)
{
	return ret >= -4095 ? (int)-ret : EIO;
}

int rs_note(struct rs_model *m, struct rs_note note);
struct rs_kept *rs_keep(const struct rs_event *ev);
void rs_drop(struct rs_kept *k);
void rs_object_free(struct rs_object *o);

#endif /* RS_MODEL_MODEL_H */
