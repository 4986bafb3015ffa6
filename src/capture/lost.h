/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What the recorder itself could not record, for the trace's END
 *
 * Which records found no room in the ring buffer, by container and type (the map `lost` of bpf/), and which
 * functions' calls the kernel did not hand to a program, as often as somebody looks.
 */
#ifndef RS_CAPTURE_LOST_H
#define RS_CAPTURE_LOST_H

#include <jansson.h>
#include "capture/programs.h"
#include "remapscope/event.h"

/** struct rs_missed - calls of a function that no program saw; between these two times */
struct rs_missed {
	const char *function; /* of the plan */
	__u64 count;
	__u64 first_ns;
	__u64 last_ns;
};

/** struct rs_lost_book - what was lost so far; all zero to begin with */
struct rs_lost_book {
	struct rs_lost_row {
		struct rs_lost_key key;
		struct rs_lost lost;
	} * row;
	size_t nr_rows;
	struct rs_missed *missed;
	size_t nr_missed;
	__u64 seen[RS_PROGRAMS_MAX]; /* missed by each program when it was looked at */
	__u64 looked_ns;	     /* last */
	__u64 off_ns; /* taken off then, while there was something to see; 0: not now */
	__u64 offs, off_first_ns, off_last_ns; /* so often, from when to when */
};

/** rs_lost_off() - from now on nothing is attached, and yet a backend is there */
void rs_lost_off(struct rs_lost_book *b, __u64 now);

/** rs_lost_attached() - the programs are new: they have missed nothing yet */
void rs_lost_attached(struct rs_lost_book *b, __u64 now);

/**
 * rs_lost_look() - what has been missed since the last look?
 *
 * It lies between the two looks. Return: 0 or -ENOMEM
 */
int rs_lost_look(struct rs_lost_book *b, const struct rs_programs *p, __u64 now);

/** rs_lost_keep() - add what the map `lost` has, before it goes. Return: 0 or -ENOMEM */
int rs_lost_keep(struct rs_lost_book *b, int map_fd);

/** rs_lost_missed() - how many calls in all, and times of which nobody knows how many */
__u64 rs_lost_missed(const struct rs_lost_book *b);

/** rs_lost_write() - END's `lost`, and the missed calls into @loss (docs/trace-format.md) */
void rs_lost_write(const struct rs_lost_book *b, json_t *end, json_t *loss);

/** rs_lost_free() - free what it holds */
void rs_lost_free(struct rs_lost_book *b);

#endif /* RS_CAPTURE_LOST_H */
