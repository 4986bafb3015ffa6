/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The trace file
 *
 * A trace file is a &struct rs_trace_head, then chunks, each a &struct rs_chunk_head followed by its
 * payload. All numbers are little-endian. A recorder writes a chunk with one write(2), so that a
 * recorder killed at any moment leaves a file whose whole chunks can be read; what follows the last
 * whole chunk is ignored and said. A file whose last chunk is &RS_CHUNK_END is complete.
 *
 * META and END payloads are JSON objects (UTF-8); EVENTS payloads are the concatenation of records
 * (see remapscope/event.h) compressed with zlib's deflate (RFC 1950). A reader skips chunk types that
 * it does not know and refuses a file of a newer major version.
 */
#ifndef REMAPSCOPE_TRACE_H
#define REMAPSCOPE_TRACE_H

#include "remapscope/event.h"

#define RS_TRACE_MAGIC "RMPSCOPE" /* 8 bytes, no NUL */
#define RS_TRACE_MAJOR 1
#define RS_TRACE_MINOR 0

/**
 * struct rs_trace_head - the file's first 32 bytes
 * @magic: RS_TRACE_MAGIC
 * @major: readers refuse a larger one
 * @minor: counts compatible additions
 * @head_size: where the first chunk begins
 * @event_abi: sizeof(struct rs_event): the records' head
 * @crc: CRC-32 of this head with @crc as zero
 */
struct rs_trace_head {
	char magic[8];
	__u16 major;
	__u16 minor;
	__u32 head_size;
	__u32 event_abi;
	__u32 reserved[2];
	__u32 crc;
};

/** enum rs_chunk_type - what a chunk holds */
enum rs_chunk_type {
	RS_CHUNK_META = 1,   /* JSON: kernel, attach plan, clock, command */
	RS_CHUNK_EVENTS = 2, /* records, compressed */
	RS_CHUNK_END = 3,    /* JSON: losses, how the recording ended */
};

#define RS_CHUNK_MAGIC 0x4b435352U /* "RSCK" */
/* No writer makes a larger chunk; a reader refuses one. */
#define RS_CHUNK_MAX (4U << 20)

/**
 * struct rs_chunk_head - the head of a chunk
 * @magic: RS_CHUNK_MAGIC
 * @type: &enum rs_chunk_type
 * @nr: how many records it holds (EVENTS)
 * @stored: payload bytes in the file
 * @raw: payload bytes when unpacked; equals @stored for META and END
 * @payload_crc: CRC-32 of the payload as stored
 * @first_ts: EVENTS: smallest and
 * @last_ts: ... largest time in it, ns
 * @head_crc: CRC-32 of this head with @head_crc as zero
 */
struct rs_chunk_head {
	__u32 magic;
	__u32 type;
	__u32 nr;
	__u32 stored;
	__u32 raw;
	__u32 payload_crc;
	__u64 first_ts;
	__u64 last_ts;
	__u32 reserved;
	__u32 head_crc;
};

RS_ASSERT_SIZE(rs_trace_head, 32);
RS_ASSERT_SIZE(rs_chunk_head, 48);

#endif /* REMAPSCOPE_TRACE_H */
