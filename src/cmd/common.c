// SPDX-License-Identifier: GPL-2.0-only
/* What the subcommands share: how they fail, how they read a trace. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "cmd/cmd.h"
#include "source/qmp.h"
#include "trace/trace.h"

int rs_fail(const struct rs_cli *cli, int status, const char *fmt, ...)
{
	char text[768];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fflush(stdout);
	if (cli->json) {
		json_t *o = json_pack("{s:s,s:i}", "error", text, "status", status);

		json_dumpf(o, stderr, JSON_COMPACT);
		fputc('\n', stderr);
		json_decref(o);
	} else {
		fprintf(stderr, "remapscope: %s\n", text);
	}
	return status;
}

int rs_bad_option(const struct rs_cli *cli, const char *command, int c, char **argv)
{
	const char *word = argv[optind - 1], *colon = command ? ": " : "";

	command = command ? command : "";
	if (c == ':')
		return rs_fail(cli, RS_EXIT_USAGE, "%s%soption \"%s\" wants a value", command,
			       colon, word);
	if (optopt && optopt < 256 && (!word || strncmp(word, "--", 2)))
		return rs_fail(cli, RS_EXIT_USAGE, "%s%sunknown option \"-%c\"", command, colon,
			       optopt);
	return rs_fail(cli, RS_EXIT_USAGE, "%s%sunknown option \"%s\"", command, colon, word);
}

int rs_status_of(int err)
{
	switch (-err) {
	case EPERM:
	case ENOTSUP:
	case ENOENT:
	case ENOMEM:
	case EACCES:
		return RS_EXIT_MACHINE;
	default:
		return RS_EXIT_USAGE;
	}
}

int rs_flush_out(const struct rs_cli *cli, int status)
{
	if (fflush(stdout) || ferror(stdout))
		return rs_fail(cli, RS_EXIT_USAGE, "cannot write the output: %s", strerror(errno));
	return status;
}

/* What monitors said goes among the trace's records, by time. */
static int read_marks(struct rs_qmp *q, const struct rs_analysis_opts *opts, const json_t *meta,
		      const char *path, struct rs_msg *msg)
{
	const json_t *clock = json_object_get(meta, "clock");
	json_int_t offset = json_integer_value(json_object_get(clock, "realtime_offset_ns"));
	int err = 0;

	if (!opts->nr_qmp)
		return 0;
	if (!offset)
		return rs_msg_set(
			msg, -EINVAL,
			"\"%s\" does not say what time it was: no QMP event can be placed in it",
			path);
	for (size_t i = 0; i < opts->nr_qmp && !err; i++)
		err = rs_qmp_read(q, opts->qmp[i], msg);
	rs_qmp_place(q, offset, json_integer_value(json_object_get(clock, "attached_ns")));
	return err;
}

int rs_replay(const char *path, const struct rs_analysis_opts *opts, struct rs_result **out,
	      struct rs_msg *msg)
{
	struct rs_trace_reader *reader = NULL;
	struct rs_analysis_opts with_file = *opts;
	struct rs_analysis *a = NULL;
	struct rs_trace_state state;
	const struct rs_event *ev;
	struct rs_qmp marks = { 0 };
	json_int_t ended;
	int err;

	*out = NULL;
	with_file.file = path;
	err = rs_analysis_new(&with_file, &a, msg);
	if (err)
		return err;
	err = rs_trace_open(path, &reader, msg);
	if (err)
		goto out;
	err = read_marks(&marks, opts, rs_trace_meta(reader), path, msg);
	if (err)
		goto out;
	err = rs_analysis_meta(a, rs_trace_meta(reader));
	while (!err) {
		err = rs_trace_next(reader, &ev, msg);
		if (err <= 0)
			break;
		err = rs_qmp_until(&marks, ev->ts, rs_analysis_event, a);
		if (!err)
			err = rs_analysis_event(a, ev);
		if (err)
			rs_msg_set(msg, err, "cannot analyse \"%s\": %s", path, strerror(-err));
	}
	if (err)
		goto out;
	/* Nothing is known of what came after the end. */
	ended = json_integer_value(json_object_get(rs_trace_end(reader), "ended_ns"));
	err = ended > 0 ? rs_qmp_until(&marks, ended, rs_analysis_event, a) : 0;
	if (err) {
		rs_msg_set(msg, err, "cannot analyse \"%s\": %s", path, strerror(-err));
		goto out;
	}
	rs_trace_state(reader, &state);
	err = rs_analysis_finish(a, rs_trace_end(reader), state.complete ? NULL : state.reason,
				 out);
	if (err)
		rs_msg_set(msg, err, "cannot analyse \"%s\": %s", path, strerror(-err));
out:
	rs_qmp_free(&marks);
	rs_trace_close(reader);
	rs_analysis_free(a);
	return err;
}
