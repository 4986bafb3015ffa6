// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "capture/session.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "render/render.h"

struct check {
	struct rs_session_opts session;
	struct rs_budget *budget;
	const char *budget_path;
	const char *junit;
	const char **rule;
	size_t nr_rules;
	int verbose;
};

static int write_junit(const struct rs_cli *cli, const struct rs_result *r, const char *path)
{
	FILE *f = fopen(path, "we");
	int err;

	if (!f)
		return rs_fail(cli, RS_EXIT_USAGE, "cannot write \"%s\": %s", path,
			       strerror(errno));
	err = rs_render_junit(r, f);
	if (fclose(f) && !err)
		err = -errno;
	if (err)
		return rs_fail(cli, RS_EXIT_USAGE, "cannot write \"%s\": %s", path, strerror(-err));
	return 0;
}

static int print_result(const struct rs_cli *cli, const struct check *k, const struct rs_result *r)
{
	struct rs_style style = rs_style_for(stdout);
	int err, status;

	style.verbose = k->verbose;
	err = cli->json ? rs_render_json(r, stdout) : rs_render_check(r, &style, stdout);
	errno = -err;
	if (err)
		return rs_flush_out(cli, RS_EXIT_USAGE);
	status = k->junit ? write_junit(cli, r, k->junit) : 0;
	return rs_flush_out(cli, status ? status : rs_result_exit_status(r));
}

static int check_file(struct rs_cli *cli, struct check *k, const char *path)
{
	struct rs_result *r;
	struct rs_msg msg;
	int status;

	k->session.analysis.source = path;
	if (rs_replay(path, &k->session.analysis, &r, &msg))
		return rs_fail(cli, RS_EXIT_USAGE, "%s", msg.text);
	status = print_result(cli, k, r);
	rs_result_free(r);
	return status;
}

static int check_command(struct rs_cli *cli, struct check *k)
{
	struct rs_session_end end;
	struct rs_msg msg;
	int err, status;
	bool usage;

	k->session.analysis.source = k->session.path ? k->session.path : "live";
	k->session.live.debug = cli->debug;
	k->session.progress = !cli->json && isatty(STDERR_FILENO);
	k->session.judge_on = true;
	err = rs_session_run(&k->session, &end, &usage, &msg);
	if (err)
		return rs_fail(cli, usage ? RS_EXIT_USAGE : rs_status_of(err), "%s", msg.text);
	status = print_result(cli, k, end.result);
	rs_result_free(end.result);
	if (end.write_err) {
		rs_fail(cli, 0, "%s", end.msg.text);
		if (status == RS_EXIT_PASS)
			status = RS_EXIT_UNKNOWN;
	}
	return status;
}

static int parse(struct rs_cli *cli, struct check *k, int argc, char **argv)
{
	static const struct option options[] = {
		{ "budget", required_argument, NULL, 'b' },
		{ "rule", required_argument, NULL, 'r' },
		{ "junit", required_argument, NULL, 'u' },
		{ "output", required_argument, NULL, 'o' },
		{ "pid", required_argument, NULL, 'p' },
		{ "buffer", required_argument, NULL, 'B' },
		{ "no-fentry", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct rs_msg msg;
	int c;

	while ((c = getopt_long(argc, argv, "+:o:p:jv", options, NULL)) != -1) {
		int err = 0;

		switch (c) {
		case 'b':
			k->budget_path = optarg;
			break;
		case 'r':
			k->rule[k->nr_rules++] = optarg;
			break;
		case 'u':
			k->junit = optarg;
			break;
		case 'o':
			k->session.path = optarg;
			break;
		case 'p':
			err = rs_parse_pid(optarg, &k->session.live.tgid, &msg);
			break;
		case 'B':
			err = rs_parse_buffer(optarg, &k->session.live.ring_bytes, &msg);
			break;
		case 'F':
			k->session.live.no_fentry = true;
			break;
		case 'j':
			cli->json = true;
			break;
		case 'v':
			k->verbose++;
			break;
		default:
			return rs_bad_option(cli, "check", c, argv);
		}
		if (err)
			return rs_fail(cli, RS_EXIT_USAGE, "check: %s", msg.text);
	}
	return 0;
}

int rs_cmd_check(struct rs_cli *cli, int argc, char **argv)
{
	struct check k = { 0 };
	struct rs_msg msg;
	bool command;
	int status;

	k.rule = calloc(argc, sizeof(*k.rule));
	if (!k.rule)
		return rs_fail(cli, RS_EXIT_MACHINE, "out of memory");
	status = parse(cli, &k, argc, argv);
	if (status)
		goto out;
	command = !strcmp(argv[optind - 1], "--");
	if (optind == argc) {
		status = rs_fail(cli, RS_EXIT_USAGE,
				 command ? "check: no command after \"--\""
					 : "check: a trace file or \"-- COMMAND\", please");
		goto out;
	}
	if (!command && argc - optind > 1) {
		status = rs_fail(cli, RS_EXIT_USAGE,
				 "check: one trace file, please (a command comes after \"--\")");
		goto out;
	}
	if (!command && k.session.path) {
		status = rs_fail(cli, RS_EXIT_USAGE, "check: -o is for a command, not for a trace");
		goto out;
	}
	if (k.budget_path && rs_budget_load(k.budget_path, &k.budget, &msg)) {
		status = rs_fail(cli, RS_EXIT_USAGE, "%s", msg.text);
		goto out;
	}
	k.session.analysis.rule = k.rule;
	k.session.analysis.nr_rules = k.nr_rules;
	k.session.analysis.budget = k.budget;
	k.session.argv = argv + optind;
	status = command ? check_command(cli, &k) : check_file(cli, &k, argv[optind]);
out:
	rs_budget_free(k.budget);
	free(k.rule);
	return status;
}
