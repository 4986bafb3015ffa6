/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What QEMU's monitor said, as records of a recording
 *
 * QMP's events STOP and RESUME say when a guest stopped and went on, by the wall clock, in files that hold a monitor's
 * output. They become &RS_EV_MARK records, and are handed on among a trace's in the order of time.
 */
#ifndef RS_SOURCE_QMP_H
#define RS_SOURCE_QMP_H

#include "remapscope/event.h"
#include "source/order.h"
#include "util/msg.h"

/* A monitor's output that is longer is none. */
#define RS_QMP_MAX (64UL << 20)

/**
 * struct rs_qmp - marks, by time once they are placed
 * @mark: &rs_event.ts is CLOCK_REALTIME until rs_qmp_place()
 * @next: the first one that was not handed on
 * @witnesses: files that were read
 */
struct rs_qmp {
	struct rs_ev_mark *mark;
	size_t nr;
	size_t next;
	__u32 witnesses;
};

/**
 * rs_qmp_read() - take the marks of a file
 *
 * The file has JSON objects, one after another, perhaps with other text between them.
 *
 * Return: 0 or -errno with a sentence: it cannot be read, is too long, or has no event with a time
 */
int rs_qmp_read(struct rs_qmp *q, const char *path, struct rs_msg *msg);

/**
 * rs_qmp_place() - put the marks on a recording's clock, and in order
 * @realtime_offset_ns: CLOCK_REALTIME less CLOCK_MONOTONIC, as META has it
 * @from: CLOCK_MONOTONIC: marks of before are not of the recording
 */
void rs_qmp_place(struct rs_qmp *q, __s64 realtime_offset_ns, __u64 from);

/** rs_qmp_until() - hand on the marks up to that time. Return: 0 or what @fn returned */
int rs_qmp_until(struct rs_qmp *q, __u64 ts, rs_event_fn fn, void *ctx);

/** rs_qmp_free() - free the marks */
void rs_qmp_free(struct rs_qmp *q);

#endif /* RS_SOURCE_QMP_H */
