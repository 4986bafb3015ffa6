// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "capture/session.h"
#include "cmd/cmd.h"
#include "cmd/recording.h"
#include "explain/explain.h"
#include "render/render.h"

struct check {
	struct rs_session_opts session;
	struct rs_recording recording;
	struct rs_budget *budget;
	const char *budget_path;
	struct rs_result *base;
	const char *base_path;
	const char *junit;
	const char *explain; /* the directory of the excerpts */
	bool made;	     /* ... which was not there */
	char *kept;	     /* the recording that they are cut out of, when none is asked for */
	const char **rule;
	size_t nr_rules;
	const char **qmp;
	size_t nr_qmp;
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

/* Before the work: what cannot be written in the end is not begun. */
static int prepare_excerpts(const struct rs_cli *cli, struct check *k)
{
	struct rs_msg msg;

	if (!k->explain || !rs_explain_prepare(k->explain, &k->made, &msg))
		return 0;
	return rs_fail(cli, RS_EXIT_USAGE, "check: %s", msg.text);
}

/* @path: the recording. Return: 0 or an exit status. A directory that got nothing is not left behind. */
static int write_excerpts(const struct rs_cli *cli, struct check *k, const char *path,
			  struct rs_result *r)
{
	struct rs_explained done = { 0 };
	struct rs_msg msg;
	int err = 0;

	if (!k->explain)
		return 0;
	for (size_t i = 0; i < r->nr_findings && !done.missed; i++)
		done.missed += r->finding[i].verdict == RS_VIOLATED;
	if (done.missed)
		err = rs_explain(k->explain, path, r, &done, &msg);
	if (done.written)
		k->made = false;
	if (err)
		return rs_fail(cli, RS_EXIT_USAGE, "check: %s", msg.text);
	if (done.missed)
		rs_fail(cli, rs_result_exit_status(r),
			"check: no excerpt of %zu finding%s: what is in \"%s\" does not yield %s",
			done.missed, done.missed == 1 ? "" : "s", path,
			done.missed == 1 ? "it" : "them");
	else if (done.larger && !cli->json)
		fprintf(stderr,
			"remapscope: %zu of %zu excerpts show%s more than is needed: to make them "
			"smaller takes too long\n",
			done.larger, done.written, done.larger == 1 ? "s" : "");
	else if (!done.written && !cli->json)
		fprintf(stderr, "remapscope: no rule is violated: there is nothing to explain\n");
	return 0;
}

/* The verdict is told whatever became of the excerpts: a command that was recorded will not run again. */
static int explain_and_print(const struct rs_cli *cli, struct check *k, const char *path,
			     struct rs_result *r)
{
	int failed = write_excerpts(cli, k, path, r), status = print_result(cli, k, r);

	return failed ? failed : status;
}

static void leave_no_directory(struct check *k)
{
	if (k->explain && k->made)
		rmdir(k->explain);
}

static int check_file(struct rs_cli *cli, struct check *k, const char *path)
{
	struct rs_result *r;
	struct rs_msg msg;
	int status;

	status = prepare_excerpts(cli, k);
	if (status)
		return status;
	k->session.analysis.source = path;
	if (rs_replay(path, &k->session.analysis, &r, &msg))
		return rs_fail(cli, RS_EXIT_USAGE, "%s", msg.text);
	if (r->excerpt.of && k->budget)
		status = rs_fail(cli, RS_EXIT_USAGE,
				 "check: \"%s\" is an excerpt: a budget needs the whole recording",
				 path);
	else
		status = explain_and_print(cli, k, path, r);
	rs_result_free(r);
	return status;
}

/* Excerpts are cut out of a file; one that nobody asked for is there as long as we are. */
static int keep_recording(const struct rs_cli *cli, struct check *k)
{
	int fd;

	if (asprintf(&k->kept, "%s/.recording-XXXXXX", k->explain) < 0) {
		k->kept = NULL;
		return rs_fail(cli, RS_EXIT_MACHINE, "out of memory");
	}
	fd = mkstemp(k->kept);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	free(k->kept);
	k->kept = NULL;
	return rs_fail(cli, RS_EXIT_USAGE, "check: cannot write into \"%s\": %s", k->explain,
		       strerror(errno));
}

static int check_command(struct rs_cli *cli, struct check *k)
{
	struct rs_session_end end;
	struct rs_msg msg;
	int err, status;
	bool usage;

	status = prepare_excerpts(cli, k);
	if (!status && k->explain && !k->recording.path)
		status = keep_recording(cli, k);
	if (status)
		return status;
	k->session.live = k->recording.live;
	k->session.path = k->recording.path ? k->recording.path : k->kept;
	k->session.analysis.file = k->recording.path;
	k->session.analysis.source = k->recording.path ? k->recording.path : "live";
	k->session.live.debug = cli->debug;
	k->session.progress = !cli->json && isatty(STDERR_FILENO);
	k->session.judge_on = true;
	err = rs_session_run(&k->session, &end, &usage, &msg);
	if (err)
		return rs_fail(cli, usage ? RS_EXIT_USAGE : rs_status_of(err), "%s", msg.text);
	status = explain_and_print(cli, k, k->session.path, end.result);
	rs_result_free(end.result);
	if (end.write_err) {
		rs_fail(cli, 0, "%s", end.msg.text);
		if (status == RS_EXIT_PASS)
			status = RS_EXIT_UNKNOWN;
	}
	return status;
}

enum { OPT_BUDGET = RS_OPT_OWN, OPT_BASE, OPT_RULE, OPT_JUNIT, OPT_EXPLAIN, OPT_QMP };

static int parse(struct rs_cli *cli, struct check *k, int argc, char **argv)
{
	static const struct option options[] = {
		RS_RECORDING_OPTIONS,
		{ "budget", required_argument, NULL, OPT_BUDGET },
		{ "base", required_argument, NULL, OPT_BASE },
		{ "rule", required_argument, NULL, OPT_RULE },
		{ "junit", required_argument, NULL, OPT_JUNIT },
		{ "explain", required_argument, NULL, OPT_EXPLAIN },
		{ "qmp", required_argument, NULL, OPT_QMP },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct rs_msg msg;
	int c, taken;

	while ((c = getopt_long(argc, argv, "+:" RS_RECORDING_LETTERS "jv", options, NULL)) != -1) {
		taken = rs_recording_option(&k->recording, c, optarg, &msg);
		if (taken < 0)
			return rs_fail(cli, RS_EXIT_USAGE, "check: %s", msg.text);
		if (taken)
			continue;
		switch (c) {
		case OPT_BUDGET:
			k->budget_path = optarg;
			break;
		case OPT_BASE:
			k->base_path = optarg;
			break;
		case OPT_RULE:
			k->rule[k->nr_rules++] = optarg;
			break;
		case OPT_JUNIT:
			k->junit = optarg;
			break;
		case OPT_EXPLAIN:
			k->explain = optarg;
			break;
		case OPT_QMP:
			k->qmp[k->nr_qmp++] = optarg;
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
	}
	return 0;
}

/* The budget, and what it compares with. */
static int load_budget(const struct rs_cli *cli, struct check *k)
{
	struct rs_analysis_opts opts = { .source = k->base_path };
	struct rs_msg msg;

	if (!k->budget_path && k->base_path)
		return rs_fail(cli, RS_EXIT_USAGE, "check: --base is for a budget (--budget FILE)");
	if (!k->budget_path)
		return 0;
	if (rs_budget_load(k->budget_path, &k->budget, &msg))
		return rs_fail(cli, RS_EXIT_USAGE, "%s", msg.text);
	if (k->base_path) {
		if (rs_replay(k->base_path, &opts, &k->base, &msg))
			return rs_fail(cli, RS_EXIT_USAGE, "%s", msg.text);
		rs_budget_set_base(k->budget, k->base);
	}
	if (rs_budget_needs_base(k->budget, &msg))
		return rs_fail(cli, RS_EXIT_USAGE, "%s", msg.text);
	return 0;
}

int rs_cmd_check(struct rs_cli *cli, int argc, char **argv)
{
	struct check k = { 0 };
	struct rs_msg msg;
	bool command;
	int status;

	rs_recording_init(&k.recording, RS_MODE_ALL);
	k.rule = calloc(argc, sizeof(*k.rule));
	k.qmp = calloc(argc, sizeof(*k.qmp));
	status = !k.rule || !k.qmp ? rs_fail(cli, RS_EXIT_MACHINE, "out of memory")
				   : parse(cli, &k, argc, argv);
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
	if (!command && k.recording.first) {
		status = rs_fail(cli, RS_EXIT_USAGE, "check: %s is for a command, not for a trace",
				 k.recording.first);
		goto out;
	}
	if (command && k.nr_qmp) {
		status = rs_fail(cli, RS_EXIT_USAGE,
				 "check: --qmp is for a trace, not for a command");
		goto out;
	}
	if (command && rs_recording_resolve(&k.recording, &msg)) {
		status = rs_fail(cli, RS_EXIT_USAGE, "check: %s", msg.text);
		goto out;
	}
	status = load_budget(cli, &k);
	if (status)
		goto out;
	k.session.analysis.rule = k.rule;
	k.session.analysis.nr_rules = k.nr_rules;
	k.session.analysis.budget = k.budget;
	k.session.analysis.qmp = k.qmp;
	k.session.analysis.nr_qmp = k.nr_qmp;
	k.session.argv = argv + optind;
	status = command ? check_command(cli, &k) : check_file(cli, &k, argv[optind]);
out:
	if (k.kept)
		unlink(k.kept);
	free(k.kept);
	leave_no_directory(&k);
	rs_recording_free(&k.recording);
	rs_budget_free(k.budget);
	rs_result_free(k.base);
	free(k.rule);
	free(k.qmp);
	return status;
}
