/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A directory of traces, held below a size
 *
 * Traces are named by the time of their begin, remapscope-YYYYMMDDTHHMMSS.mmmZ.trace, so that they sort. What has
 * another name is left alone. A lock on the directory keeps a second recorder from deleting what the first one
 * writes.
 */
#ifndef RS_CAPTURE_TRACES_H
#define RS_CAPTURE_TRACES_H

#include "remapscope/types.h"
#include "util/msg.h"

/**
 * struct rs_traces - the directory
 * @path: as it was given; borrowed
 * @limit: bytes of all traces in it; 0: none
 * @fd: it, locked; -1: not open
 */
struct rs_traces {
	const char *path;
	__u64 limit;
	int fd;
};

/**
 * rs_traces_open() - take the directory, also anew: when another one has its name by now, that one
 *
 * One that is open stays so on failure. Return: 0 or -errno (-EBUSY: another recorder has it) with a sentence
 */
int rs_traces_open(struct rs_traces *t, struct rs_msg *msg);

/**
 * rs_traces_name() - a name that is free
 * @realtime_ns: CLOCK_REALTIME; the next free millisecond from there on
 *
 * Return: the path, to be freed; NULL without memory
 */
char *rs_traces_name(const struct rs_traces *t, __u64 realtime_ns);

/**
 * rs_traces_trim() - delete the oldest traces until all are below the limit
 * @keep: path of one that stays; NULL: none
 *
 * Return: how many were deleted, or -errno with a sentence
 */
int rs_traces_trim(const struct rs_traces *t, const char *keep, struct rs_msg *msg);

/** rs_traces_close() - also when it was never opened (@fd -1) */
void rs_traces_close(struct rs_traces *t);

#endif /* RS_CAPTURE_TRACES_H */
