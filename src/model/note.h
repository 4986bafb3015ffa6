/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Notes: what the model tells of what it sees, the alphabet of the rules
 *
 * A part of model.h, which includes it.
 */
#ifndef RS_MODEL_NOTE_H
#define RS_MODEL_NOTE_H

#ifndef RS_MODEL_MODEL_H
#error "include model/model.h"
#endif

struct rs_ioctx;
struct rs_irq;
struct rs_irq_seen;
struct rs_waiter;

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
	RS_N_FOUND,	    /* range, valid: a snapshot told it */
	RS_N_FOUND_INVALID, /* range, invalid: ... and its window had begun before */
	RS_N_FOREIGN_PIN,   /* range: pinned in another mm than the one that is charged; .foreign */
	RS_N_PAGES_KNOWN,   /* range: what one of its pages is, for the first time */
	RS_N_PAGES_OTHER,   /* range: pages are others than before; .pages */
	RS_N_VERIFIED,	    /* range: the pages behind its new vaddr were looked at; .pages */
	RS_N_PINNED,	    /* device: pins for the first time */
	RS_N_PIN_ZERO,	    /* container: a pin succeeded without a page; .device may be NULL */
	RS_N_UNDERFLOW,	    /* device: gave back what it does not have; .pins */
	RS_N_DEVICE_CLOSED, /* device: is gone; .pins */
	RS_N_HANDED_OVER,   /* update: a remap gave a container to another process, .by */
	RS_N_TAKEN,	    /* update: .by remapped what lost its vaddr unseen */
	RS_N_CHANGED,	   /* update, that handed it over: a container was changed, by .by; range */
	RS_N_GUEST_RUNS,   /* range, invalid: a vCPU of the update's guest runs, in .by */
	RS_N_OLD_RUNS,	   /* update, that handed it over: a vCPU of who had it runs, in .by */
	RS_N_IRQ_AT_STAKE, /* interrupt: an update has begun; .device NULL: not known */
	RS_N_IRQ_NEEDED,   /* interrupt, at stake: the guest runs, in .by; .irq_seen */
	RS_N_IRQ_CLOSED, /* interrupt, at stake, of a guest that is not seen: its device is gone; .irq_seen */
	RS_N_IRQ_END,	 /* interrupt, at stake: the recording ends; .irq_seen */
	RS_N_WAITS,	 /* waiter: a driver's request waits for a vaddr */
	RS_N_END,	 /* range, container, context: the recording ends */
	RS_N_OWNER_LEFT, /* context: whom its areas are charged to has another program, or is gone */
	RS_N_OWNER_CHANGED, /* context: a CHANGE_PROCESS has made .by the areas' owner */
	RS_N_OTHER_USES,    /* context: another than the owner maps or attaches; no vCPU was seen */
	RS_N_OTHER_RUNS,    /* context: a vCPU runs in another than the areas' owner, in .by */
	RS_N_GIVEN_UP,	    /* context: it is closed, or has no areas any more */
	RS_N_CHARGE_MOVED, /* range, the first of its context: a CHANGE_PROCESS has returned; .moved */
	RS_N_NR
};

/** rs_note_name() - a note's name in automata, and in what is printed: "invalidated". Static */
const char *rs_note_name(unsigned int type);

/** rs_note_gloss() - what it says, in English. Static */
const char *rs_note_gloss(unsigned int type);

/**
 * struct rs_remap - a map or remap, as a rule needs it
 * @ev: the request's record
 * @old: what was behind the range before
 * @now: what is behind its new vaddr
 * @old_iova: the range as it was invalidated
 * @old_owner_mm: who was charged
 * @locked_pages: what is charged for it now (vfio_dma.locked_vm); UINT64_MAX: not known
 * @old_mm_gone: no process that is known to live has the old owner's mm
 * @old_mm_unsure: ... but the kernel counted somebody who had it: a process that was not told, or one in passing
 * @verified: the pages behind the new vaddr will be looked at
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
	bool old_mm_unsure;
	bool verified;
};

/**
 * struct rs_pages_seen - pages compared with what was known of them
 * @asked: looked for; of these,
 * @found: could be seen,
 * @same: are what they were,
 * @other: are others; the rest was not known before
 * @all: none of the range was left out
 * @iova: of the first one that is another
 * @had: what it was
 * @has: what it is
 * @had_by: &enum rs_pages_source: who had it
 * @has_by: who has it
 */
struct rs_pages_seen {
	__u64 asked;
	__u64 found;
	__u64 same;
	__u64 other;
	bool all;
	rs_iova_t iova;
	__u64 had;
	__u64 has;
	__u32 had_by;
	__u32 has_by;
};

/** rs_pages_prove() - every page of the range was seen, and is what it was */
static inline bool rs_pages_prove(const struct rs_pages_seen *s)
{
	return s->all && s->asked && !s->other && s->same == s->asked;
}

/**
 * struct rs_pins_seen - a device's pins, when they do not add up
 * @iova: of the first page
 * @pages: how many: given back although not pinned, or left
 * @pinned: in all; with @totals only, which is then all that is known
 * @unpinned: likewise
 * @left: the device is not gone: it is in another ioas now
 */
struct rs_pins_seen {
	rs_iova_t iova;
	__u64 pages;
	__u64 pinned;
	__u64 unpinned;
	bool totals;
	bool left;
};

/**
 * struct rs_moved - what a CHANGE_PROCESS did to locked memory
 * @gain: pages that the caller's mm was charged
 * @loss: that others were given back
 * @pages: that are pinned and had to move; of areas that share their pages, once
 * @told: all areas were told: @pages is right
 * @others: more mms than were counted
 * @err: it failed with that; 0: it did not
 */
struct rs_moved {
	__s64 gain;
	__s64 loss;
	__u64 pages;
	bool told;
	bool others;
	int err;
};

/** struct rs_foreign - pinned by one, charged to another */
struct rs_foreign {
	rs_iova_t iova; /* the first time */
	__u32 calls;
	__u32 owner; /* the process that is charged, 0: not known */
};

/**
 * struct rs_note - one thing that happened
 * @ev: the event that told it; NULL for RS_N_END and of a clock
 * @proof: an earlier event that belongs to it, before @ev in an excerpt; NULL
 * @container: NULL only of a device whose container is not known, or gone
 * @update: that of the container's open window, unless the model says another; NULL: none
 * @mm: NULL: the note is about none
 * @ioctx: NULL: it is about no context; with a range: about all that the context has
 * @by: the process that did it, 0: nobody
 * @killed: RS_N_RELEASED: because a process was killed by a signal
 */
struct rs_note {
	enum rs_note_type type;
	__u64 ts;
	const struct rs_event *ev;
	const struct rs_event *proof;
	struct rs_container *container;
	struct rs_range *range;
	struct rs_device *device;
	struct rs_update *update;
	struct rs_mm *mm;
	struct rs_ioctx *ioctx;
	const struct rs_moved *moved;
	const struct rs_remap *remap;
	const struct rs_foreign *foreign;
	const struct rs_pages_seen *pages;
	const struct rs_pins_seen *pins;
	struct rs_irq *irq;
	const struct rs_irq_seen *irq_seen;
	struct rs_waiter *waiter;
	__u32 by;
	bool killed;
};

/** rs_note_fn - takes a note. Return: 0 or -errno, which ends the analysis */
typedef int (*rs_note_fn)(void *ctx, struct rs_note *note);

#endif /* RS_MODEL_NOTE_H */
