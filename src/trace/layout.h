/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What the writer and the reader of trace files share beyond remapscope/trace.h
 */
#ifndef RS_TRACE_LAYOUT_H
#define RS_TRACE_LAYOUT_H

#include <zlib.h>
#include "remapscope/trace.h"

/* Records go into the file as the kernel wrote them: no conversion exists. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the trace format is little-endian");

/* Longest file head of any version; leaves room to grow, yet bounds what a reader must take. */
#define RS_TRACE_HEAD_MAX 4096U

/* Longest part of a path that goes into a message, so that the reason after it still fits. */
#define RS_PATH_FMT "\"%.300s\""

static inline __u32 rs_crc(const void *data, size_t len)
{
	return (__u32)crc32_z(0, data, len);
}

/**
 * rs_trace_head_crc() - the checksum that a file's head must have
 * @more: what follows the 32 bytes that this version knows
 * @len: its length
 */
static inline __u32 rs_trace_head_crc(struct rs_trace_head head, const void *more, size_t len)
{
	head.crc = 0;
	return (__u32)crc32_z(rs_crc(&head, sizeof(head)), len ? more : (const void *)"", len);
}

/** rs_chunk_head_crc() - the checksum that a chunk's head must have */
static inline __u32 rs_chunk_head_crc(struct rs_chunk_head head)
{
	head.head_crc = 0;
	return rs_crc(&head, sizeof(head));
}

#endif /* RS_TRACE_LAYOUT_H */
