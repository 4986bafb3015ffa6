// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include "capture/session.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

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

int rs_cmd_record(struct rs_cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "pid", required_argument, NULL, 'p' },
		{ "duration", required_argument, NULL, 'D' },
		{ "buffer", required_argument, NULL, 'B' },
		{ "no-fentry", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct rs_session_opts opts = { .path = DEFAULT_TRACE, .analysis.source = "live" };
	struct rs_session_end end;
	struct rs_msg msg;
	int c, err, status = RS_EXIT_PASS;
	bool usage;

	while ((c = getopt_long(argc, argv, "+:o:p:j", options, NULL)) != -1) {
		err = 0;
		switch (c) {
		case 'o':
			opts.path = optarg;
			break;
		case 'p':
			err = rs_parse_pid(optarg, &opts.live.tgid, &msg);
			break;
		case 'D':
			err = rs_parse_duration(optarg, &opts.duration_ns, &msg);
			break;
		case 'B':
			err = rs_parse_buffer(optarg, &opts.live.ring_bytes, &msg);
			break;
		case 'F':
			opts.live.no_fentry = true;
			break;
		case 'j':
			cli->json = true;
			break;
		default:
			return rs_bad_option(cli, "record", c, argv);
		}
		if (err)
			return rs_fail(cli, RS_EXIT_USAGE, "record: %s", msg.text);
	}
	if (optind < argc && strcmp(argv[optind - 1], "--"))
		return rs_fail(cli, RS_EXIT_USAGE, "record: a command comes after \"--\"");
	if (optind < argc)
		opts.argv = argv + optind;
	else if (!strcmp(argv[argc - 1], "--"))
		return rs_fail(cli, RS_EXIT_USAGE, "record: no command after \"--\"");
	opts.live.debug = cli->debug;
	opts.progress = !cli->json && isatty(STDERR_FILENO);
	opts.announce = !cli->json && !opts.argv;
	err = rs_session_run(&opts, &end, &usage, &msg);
	if (err)
		return rs_fail(cli, usage ? RS_EXIT_USAGE : rs_status_of(err), "%s", msg.text);
	if (end.write_err)
		status = rs_fail(cli, RS_EXIT_UNKNOWN, "%s; what was recorded before is kept",
				 end.msg.text);
	print_end(cli, opts.path, &end);
	rs_result_free(end.result);
	return rs_flush_out(cli, status);
}
