// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include "capture/session.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/recording.h"

#define DEFAULT_TRACE "remapscope.trace"

static void print_end(const struct rs_cli *cli, const char *path, const struct rs_session_end *end)
{
	size_t windows = end->result->nr_windows;

	if (cli->json) {
		json_t *o =
			json_pack("{s:s,s:I,s:I,s:I,s:I}", "trace", path, "bytes",
				  (json_int_t)end->bytes, "events", (json_int_t)end->events, "lost",
				  (json_int_t)end->lost, "windows", (json_int_t)windows);

		if (end->ran)
			json_object_set_new(o, "command_status", json_integer(end->status));
		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(o);
		return;
	}
	fprintf(stderr,
		"remapscope: %llu events, %zu window%s, %llu lost; trace in %s (%llu bytes)\n",
		(unsigned long long)end->events, windows, windows == 1 ? "" : "s",
		(unsigned long long)end->lost, path, (unsigned long long)end->bytes);
	if (!end->ran || !end->status)
		return;
	if (WIFSIGNALED(end->status))
		fprintf(stderr, "remapscope: the command was killed by signal %d (%s)\n",
			WTERMSIG(end->status), strsignal(WTERMSIG(end->status)));
	else
		fprintf(stderr, "remapscope: the command exited with status %d\n",
			WEXITSTATUS(end->status));
}

enum { OPT_DURATION = RS_OPT_OWN, OPT_WAIT };

static int parse(struct rs_cli *cli, struct rs_recording *r, struct rs_session_opts *opts, int argc,
		 char **argv)
{
	static const struct option options[] = {
		RS_RECORDING_OPTIONS,
		{ "duration", required_argument, NULL, OPT_DURATION },
		{ "wait", no_argument, NULL, OPT_WAIT },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct rs_msg msg;
	int c, err;

	while ((c = getopt_long(argc, argv, "+:" RS_RECORDING_LETTERS "j", options, NULL)) != -1) {
		err = rs_recording_option(r, c, optarg, &msg);
		if (!err) {
			switch (c) {
			case OPT_DURATION:
				err = rs_parse_duration(optarg, &opts->duration_ns, &msg);
				break;
			case OPT_WAIT:
				r->live.wait = true;
				break;
			case 'j':
				cli->json = true;
				break;
			default:
				return rs_bad_option(cli, "record", c, argv);
			}
		}
		if (err < 0)
			return rs_fail(cli, RS_EXIT_USAGE, "record: %s", msg.text);
	}
	if (optind < argc && strcmp(argv[optind - 1], "--"))
		return rs_fail(cli, RS_EXIT_USAGE, "record: a command comes after \"--\"");
	if (optind < argc)
		opts->argv = argv + optind;
	else if (!strcmp(argv[argc - 1], "--"))
		return rs_fail(cli, RS_EXIT_USAGE, "record: no command after \"--\"");
	if (rs_recording_resolve(r, &msg))
		return rs_fail(cli, RS_EXIT_USAGE, "record: %s", msg.text);
	return 0;
}

int rs_cmd_record(struct rs_cli *cli, int argc, char **argv)
{
	struct rs_session_opts opts = { .analysis.source = "live" };
	struct rs_recording recording;
	struct rs_session_end end;
	struct rs_msg msg;
	int err, status;
	bool usage;

	rs_recording_init(&recording, RS_MODE_ARMED);
	status = parse(cli, &recording, &opts, argc, argv);
	if (status)
		goto out;
	opts.live = recording.live;
	opts.path = recording.path ? recording.path : DEFAULT_TRACE;
	opts.live.debug = cli->debug;
	opts.progress = !cli->json && isatty(STDERR_FILENO);
	opts.announce = !cli->json && !opts.argv;
	err = rs_session_run(&opts, &end, &usage, &msg);
	if (err) {
		status = rs_fail(cli, usage ? RS_EXIT_USAGE : rs_status_of(err), "%s", msg.text);
		goto out;
	}
	if (end.write_err)
		status = rs_fail(cli, RS_EXIT_UNKNOWN, "%s; what was recorded before is kept",
				 end.msg.text);
	print_end(cli, opts.path, &end);
	rs_result_free(end.result);
	status = rs_flush_out(cli, status);
out:
	rs_recording_free(&recording);
	return status;
}
