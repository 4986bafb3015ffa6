/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Reading and writing trace files
 *
 * Every function returns 0 or -errno unless it says otherwise, and fills a message that is one clear
 * sentence for the user (without a newline, without the program's name) when it fails.
 */
#ifndef RS_TRACE_TRACE_H
#define RS_TRACE_TRACE_H

#include <jansson.h>
#include "remapscope/trace.h"
#include "util/msg.h"

struct rs_trace_writer;

/**
 * rs_trace_create() - begin a trace file
 * @path: replaced if it exists and is a regular file
 * @meta: what the recording is; written at once as the META chunk; stays the caller's
 * @out: to be ended by rs_trace_finish() or rs_trace_discard()
 * @msg: filled on failure
 *
 * Return: 0 or -errno
 */
int rs_trace_create(const char *path, const json_t *meta, struct rs_trace_writer **out,
		    struct rs_msg *msg);

/**
 * rs_trace_write() - add a record
 *
 * Buffered; a chunk is written when 256 KiB have come together or rs_trace_flush() is called. When
 * writing fails (a full disk), the file is cut back to its last whole chunk, the error is kept and
 * returned by this and every later call; records are then only counted.
 *
 * Return: 0 or -errno
 */
int rs_trace_write(struct rs_trace_writer *w, const struct rs_event *ev, struct rs_msg *msg);

/** rs_trace_flush() - write what is buffered as a chunk. Return: 0 or -errno */
int rs_trace_flush(struct rs_trace_writer *w, struct rs_msg *msg);

/**
 * rs_trace_finish() - write the END chunk, close and free
 * @end: what is known at the end (losses, command status); stays the caller's
 *
 * After an earlier write error the END chunk is not written. @w is freed in any case.
 *
 * Return: 0 or -errno (also the kept error)
 */
int rs_trace_finish(struct rs_trace_writer *w, const json_t *end, struct rs_msg *msg);

/** rs_trace_discard() - close and free without an END chunk; NULL is allowed */
void rs_trace_discard(struct rs_trace_writer *w);

/** rs_trace_written() - records and bytes that are in the file so far */
void rs_trace_written(const struct rs_trace_writer *w, __u64 *records, __u64 *bytes);

struct rs_trace_reader;

/**
 * struct rs_trace_state - how well a file could be read
 * @complete: it ends with an END chunk and nothing was skipped but chunks of unknown types
 * @reason: when not complete: one sentence that says why
 * @records: read so far
 * @bytes: of the file read so far
 * @last_ts: largest time of the records read so far, ns
 */
struct rs_trace_state {
	bool complete;
	char reason[256];
	__u64 records;
	__u64 bytes;
	__u64 last_ts;
};

/**
 * rs_trace_open() - open a trace file and read its META chunk
 *
 * -EINVAL: not a trace file (empty, foreign, damaged head or META); -EPROTONOSUPPORT: of a newer
 * major version; other -errno: of open(2) and read(2).
 *
 * Return: 0 or -errno
 */
int rs_trace_open(const char *path, struct rs_trace_reader **out, struct rs_msg *msg);

/** rs_trace_meta() - the META object; borrowed */
const json_t *rs_trace_meta(const struct rs_trace_reader *r);

/** rs_trace_end() - the END object after the last record; borrowed, NULL when there is none */
const json_t *rs_trace_end(const struct rs_trace_reader *r);

/**
 * rs_trace_next() - the next record
 * @ev: valid until the next call
 *
 * Damage does not make this fail: a chunk whose checksum is wrong ends the reading (what is after it
 * cannot be placed), and rs_trace_state() tells. Every record handed out has a size of at
 * least sizeof(struct rs_event), at most RS_EVENT_MAX, a multiple of 8, and lies within its chunk.
 *
 * Return: 1 with a record, 0 at the end, -errno when the file cannot be read any more
 */
int rs_trace_next(struct rs_trace_reader *r, const struct rs_event **ev, struct rs_msg *msg);

/** rs_trace_state() - how the reading went so far; final once rs_trace_next() returned 0 */
void rs_trace_state(const struct rs_trace_reader *r, struct rs_trace_state *st);

/** rs_trace_close() - close and free; NULL is allowed */
void rs_trace_close(struct rs_trace_reader *r);

#endif /* RS_TRACE_TRACE_H */
