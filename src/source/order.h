/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Putting records into the order of time, and finding what is missing
 *
 * The ring buffer holds records in the order in which their room was reserved, which is nearly but
 * not quite the order of their times. Records are held back until the newest one is RS_ORDER_NS
 * ahead of them: by the records' own times, never by the reader's clock, so that a replay decides
 * exactly as the live run did. A hole in a CPU's sequence numbers is a loss, and lies in time between
 * the records around it.
 */
#ifndef RS_SOURCE_ORDER_H
#define RS_SOURCE_ORDER_H

#include "remapscope/event.h"

/*
 * Above the time between a program's timestamp and its reservation, even when preempted. In a VM whose four vCPUs take
 * turns (TCG) a record has come more than 200 ms late.
 */
#define RS_ORDER_NS 500000000ULL
/* Records held back at most; beyond, the oldest goes on early. */
#define RS_ORDER_MAX 65536

struct rs_order;

/** rs_event_fn - takes a record; valid during the call only. Return: 0 or -errno, which ends it all */
typedef int (*rs_event_fn)(void *ctx, const struct rs_event *ev);

/** struct rs_hole - records of a CPU that are missing */
struct rs_hole {
	__u32 cpu;
	__u32 seq;   /* the first one */
	__u32 count; /* how many */
	__u64 from_ns;
	__u64 to_ns; /* 0: to the end of the recording */
};

/** rs_order_new() - Return: an orderer that hands records to @fn, NULL without memory */
struct rs_order *rs_order_new(rs_event_fn fn, void *ctx);

/**
 * rs_order_excerpt() - the records are an excerpt: what is missing was left out, and is no loss
 *
 * They keep their numbers, so that one that comes twice is still told.
 */
void rs_order_excerpt(struct rs_order *o);

/** rs_order_push() - take a record. Return: 0 or -errno (its own, or of @fn) */
int rs_order_push(struct rs_order *o, const struct rs_event *ev);

/**
 * rs_order_tick() - the source had nothing more to give at @now (CLOCK_MONOTONIC)
 *
 * What came before hands itself on then, although nothing newer has come. What comes later is newer than @now by
 * its own time, or older by less than RS_ORDER_NS: it is handed on in the same order as without the tick.
 * Return: 0 or -errno
 */
int rs_order_tick(struct rs_order *o, __u64 now);

/** rs_order_flush() - hand on what is held back. Return: 0 or -errno */
int rs_order_flush(struct rs_order *o);

/**
 * rs_order_tail() - how many records a CPU tried to write in all (struct rs_percpu.seq)
 *
 * Finds what was lost after the last record. Return: 0 or -ENOMEM
 */
int rs_order_tail(struct rs_order *o, __u32 cpu, __u64 seq);

/** rs_order_holes() - what is missing; borrowed until the next call. Return: how many */
size_t rs_order_holes(const struct rs_order *o, const struct rs_hole **holes);

/**
 * rs_order_late() - records that came too late to be put in order
 * @out: how many, and the time in which they should have had their place
 */
void rs_order_late(const struct rs_order *o, struct rs_hole *out);

/**
 * rs_order_stepped() - records that say they were written before a request began that had been recorded already
 * @out: how many, and the times between which the clock has gone back; after that no time can be trusted
 *
 * Room in the ring is taken in the order of time, a request's record after it began, and a record's time after its
 * room (but for a driver's requests, bpf/stats.bpf.h): that cannot be, unless a CPU's clock went back.
 */
void rs_order_stepped(const struct rs_order *o, struct rs_hole *out);

/** rs_order_began() - when the last request began that has been recorded: other records than requests of before all came */
__u64 rs_order_began(const struct rs_order *o);

/** rs_order_free() - NULL is allowed */
void rs_order_free(struct rs_order *o);

#endif /* RS_SOURCE_ORDER_H */
