// SPDX-License-Identifier: GPL-2.0-only
/* trace-json meta|end TRACE: the JSON of a trace's META or END chunk. Ends with 1 when there is none. */
#include <stdio.h>
#include <string.h>
#include "trace/trace.h"

int main(int argc, char **argv)
{
	struct rs_trace_reader *r = NULL;
	const struct rs_event *ev;
	const json_t *o;
	struct rs_msg msg;
	int err;

	if (argc != 3 || (strcmp(argv[1], "meta") && strcmp(argv[1], "end"))) {
		fprintf(stderr, "usage: trace-json meta|end TRACE\n");
		return 2;
	}
	err = rs_trace_open(argv[2], &r, &msg);
	while (!err && (err = rs_trace_next(r, &ev, &msg)) > 0)
		err = 0;
	if (err < 0) {
		fprintf(stderr, "trace-json: %s\n", msg.text);
		rs_trace_close(r);
		return 2;
	}
	o = strcmp(argv[1], "end") ? rs_trace_meta(r) : rs_trace_end(r);
	if (o) {
		json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	}
	rs_trace_close(r);
	return o ? 0 : 1;
}
