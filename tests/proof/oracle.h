/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The second opinion
 *
 * Reads the same records and judges by the rules' sentences, over the whole history once it is known. Lists and
 * linear search; shares with the analysis what include/remapscope/ says, and nothing else.
 */
#ifndef RS_TESTS_PROOF_ORACLE_H
#define RS_TESTS_PROOF_ORACLE_H

#include "proof.h"

#define NEVER SIZE_MAX

/* A place in the history is the number of a record, by time. */

struct o_container {
	__u64 key;
	size_t from, until; /* NEVER: it was still there in the end */
	bool born, found;
	bool perhaps_empty; /* armed: its last group may have gone, and all ranges with it */
};

/* What happens to a range. */
enum o_what {
	O_MAPPED,
	O_FOUND,
	O_FOUND_INVALID,
	O_INVALIDATED,
	O_REMAPPED,
	O_REFUSED,
	O_UNMAPPED,
	O_RELEASED,
};

struct o_happening {
	enum o_what what;
	size_t at;
	size_t memory; /* O_REMAPPED: the RS_EV_RANGE that told what it was before, NEVER */
	__u32 owner;   /* who had given it its vaddr, */
	__u64 mm;      /* and which mm was charged, before */
};

struct o_range {
	size_t container;
	__u64 iova, size;
	size_t from, until;
	struct o_happening *happened;
	size_t nr;
	/* of the moment, while the history is read */
	size_t memory;
	__u32 owner;
	__u64 mm;
};

struct oracle {
	const struct proof_trace *t;
	struct rs_event *const *ev;
	size_t nr;
	__u64 end_ns;
	struct o_container *container;
	size_t nr_containers;
	struct o_range *range;
	size_t nr_ranges;
	bool contradicts; /* something happened that was not recorded */
	struct proof_verdicts *v;
};

/* The record at @i as @type, whose fields must be there. */
#define O_EV(o, i, type) ((const struct type *)(o)->ev[i])

/* history.c */
void o_history(struct oracle *o);
void o_forget(struct oracle *o);
/* The container of that key that is there at @at; NEVER */
size_t o_container_at(const struct oracle *o, __u64 key, size_t at);
/* The range of the container that holds @iova at @at; NULL */
struct o_range *o_range_at(const struct oracle *o, size_t container, __u64 iova, size_t at);
/* Has it no vaddr after the record @at? */
bool o_invalid(const struct o_range *r, size_t at);
/* The n-th time without a vaddr: the happenings that begin and end it (NULL: none). */
bool o_period(const struct o_range *r, size_t n, const struct o_happening **from,
	      const struct o_happening **to);
/* A process, other than @except, that has that mm at @at: the one known for longest. 0: none */
__u32 o_mm_user(const struct oracle *o, __u64 mm, __u32 except, size_t at);
bool o_killed(const struct oracle *o, __u32 tgid, size_t at);
__u32 o_owner_at(const struct o_range *r, size_t at, __u64 *mm);
/* The record of that type that belongs to a request, from @i on; NEVER */
size_t o_piece(const struct oracle *o, __u64 req, __u16 type, size_t i);

/* oracle.c */
void o_violated(struct oracle *o, const char *rule, __u64 container, __u64 at);
void o_unknown(struct oracle *o, const char *rule);

/* oracle_memory.c: what is behind ranges, what is charged for them, which pages they are */
void o_judge_memory(struct oracle *o);
void o_judge_locked(struct oracle *o);
void o_judge_pages(struct oracle *o);
void o_judge_pins(struct oracle *o);

/* oracle_guest.c */
/* Is it a run of the guest whose range the record @invalidated took the vaddr of? */
bool o_guest_runs(const struct oracle *o, size_t i, size_t invalidated);
void o_judge_irqs(struct oracle *o);

/* oracle_iommufd.c: of a recording that has nothing else */
void o_judge_iommufd(struct oracle *o);

#endif /* RS_TESTS_PROOF_ORACLE_H */
