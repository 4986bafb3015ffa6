/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Values of options
 *
 * Each returns 0 or -EINVAL with a sentence.
 */
#ifndef RS_CMD_OPTIONS_H
#define RS_CMD_OPTIONS_H

#include "remapscope/types.h"
#include "util/msg.h"

/** rs_parse_seconds() - seconds, with a fraction, from 0 on; in ns */
int rs_parse_seconds(const char *text, __u64 *ns, struct rs_msg *msg);

/** rs_parse_duration() - the same, above 0 */
int rs_parse_duration(const char *text, __u64 *ns, struct rs_msg *msg);

/** rs_parse_size() - bytes, from 4k on, with the suffix k, M, G or T */
int rs_parse_size(const char *text, __u64 *bytes, struct rs_msg *msg);

/** rs_parse_buffer() - 64K to 1G, with the suffix k, M or G; rounded up to a power of two */
int rs_parse_buffer(const char *text, __u32 *bytes, struct rs_msg *msg);

#endif /* RS_CMD_OPTIONS_H */
