// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/options.h"

int rs_parse_seconds(const char *text, __u64 *ns, struct rs_msg *msg)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (errno || *end || end == text || !isfinite(v) || v < 0 || v > 1e9)
		return rs_msg_set(msg, -EINVAL, "\"%s\" is not a duration in seconds", text);
	*ns = v * 1e9;
	return 0;
}

int rs_parse_duration(const char *text, __u64 *ns, struct rs_msg *msg)
{
	int err = rs_parse_seconds(text, ns, msg);

	if (!err && !*ns)
		return rs_msg_set(msg, -EINVAL, "\"%s\" is not a duration in seconds", text);
	return err;
}

static int parse_bytes(const char *text, __u64 *bytes, struct rs_msg *msg)
{
	static const char suffixes[] = "kmgt";
	unsigned long long v;
	int shift = 0;
	const char *s;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 0);
	s = *end ? strchr(suffixes, tolower((unsigned char)*end)) : NULL;
	if (s) {
		shift = 10 * (s - suffixes + 1);
		end++;
	}
	if (errno || *end || end == text || !isdigit((unsigned char)text[0]) ||
	    v > 1ULL << 50 >> shift)
		return rs_msg_set(msg, -EINVAL, "\"%s\" is not a size", text);
	*bytes = v << shift;
	return 0;
}

int rs_parse_size(const char *text, __u64 *bytes, struct rs_msg *msg)
{
	int err = parse_bytes(text, bytes, msg);

	if (!err && *bytes < 4096)
		return rs_msg_set(msg, -EINVAL, "traces have 4k at least, not %s", text);
	return err;
}

int rs_parse_buffer(const char *text, __u32 *bytes, struct rs_msg *msg)
{
	__u64 v;
	int err = parse_bytes(text, &v, msg);

	if (err)
		return err;
	if (v < 64 << 10 || v > 1ULL << 30)
		return rs_msg_set(msg, -EINVAL, "a buffer has 64k to 1G, not %s", text);
	*bytes = 1;
	while (*bytes < v)
		*bytes <<= 1;
	return 0;
}
