// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "capture/standing.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/recording.h"
#include "render/render.h"

#define DEFAULT_SIZE (1ULL << 30)
/* A size is shared by that many traces, unless told otherwise. */
#define FILES 8

struct watch {
	struct rs_cli *cli;
	struct rs_style style;
	struct rs_standing_opts standing;
	struct rs_recording recording;
	const char *budget_path;
	struct rs_budget *budget;
	__u64 updates[RS_VIOLATED + 1]; /* by verdict */
	enum rs_verdict verdict;	/* the worst that was told */
	int out_err;
};

static void worse(struct watch *w, enum rs_verdict verdict)
{
	if (verdict > w->verdict)
		w->verdict = verdict;
}

static int on_told(void *ctx, const struct rs_result *r)
{
	struct watch *w = ctx;

	for (size_t i = 0; i < r->nr_updates; i++)
		w->updates[r->verdict]++;
	for (size_t i = 0; i < r->nr_findings; i++)
		worse(w, r->finding[i].verdict);
	if (r->nr_updates)
		worse(w, r->verdict);
	w->out_err = w->cli->json ? rs_render_json_line(r, stdout)
				  : rs_render_told(r, &w->style, stdout);
	return w->out_err;
}

static void on_say(void *ctx, bool wrong, const char *sentence)
{
	const struct watch *w = ctx;

	if (wrong)
		rs_fail(w->cli, 0, "%s", sentence);
	else if (!w->cli->json)
		fprintf(stderr, "remapscope: %s\n", sentence);
}

enum { OPT_DIR = RS_OPT_OWN, OPT_SIZE, OPT_FILE_SIZE, OPT_BUDGET };

static int parse(struct watch *w, int argc, char **argv)
{
	static const struct option options[] = {
		RS_RECORDING_OPTIONS,
		{ "dir", required_argument, NULL, OPT_DIR },
		{ "size", required_argument, NULL, OPT_SIZE },
		{ "file-size", required_argument, NULL, OPT_FILE_SIZE },
		{ "budget", required_argument, NULL, OPT_BUDGET },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct rs_standing_opts *s = &w->standing;
	struct rs_msg msg;
	int c, err;

	while ((c = getopt_long(argc, argv, "+:" RS_RECORDING_LETTERS "j", options, NULL)) != -1) {
		err = rs_recording_option(&w->recording, c, optarg, &msg);
		if (!err) {
			switch (c) {
			case OPT_DIR:
				s->dir = optarg;
				break;
			case OPT_SIZE:
				err = rs_parse_size(optarg, &s->dir_bytes, &msg);
				break;
			case OPT_FILE_SIZE:
				err = rs_parse_size(optarg, &s->file_bytes, &msg);
				break;
			case OPT_BUDGET:
				w->budget_path = optarg;
				break;
			case 'j':
				w->cli->json = true;
				break;
			default:
				return rs_bad_option(w->cli, "watch", c, argv);
			}
		}
		if (err < 0)
			return rs_fail(w->cli, RS_EXIT_USAGE, "watch: %s", msg.text);
	}
	if (optind < argc)
		return rs_fail(w->cli, RS_EXIT_USAGE, "watch: unknown argument \"%s\"",
			       argv[optind]);
	return 0;
}

/* Do the options go together, and is what they name there? */
static int resolve(struct watch *w)
{
	struct rs_standing_opts *s = &w->standing;
	struct rs_msg msg;

	if (w->recording.path)
		return rs_fail(w->cli, RS_EXIT_USAGE,
			       "watch: it writes more than one trace: --dir, not -o");
	if (w->recording.all)
		return rs_fail(w->cli, RS_EXIT_USAGE, "watch: it is armed, so --all is not for it");
	if (!s->dir && (s->dir_bytes || s->file_bytes))
		return rs_fail(w->cli, RS_EXIT_USAGE,
			       "watch: without --dir no traces are written that could have a size");
	if (!s->dir_bytes)
		s->dir_bytes = DEFAULT_SIZE;
	if (!s->file_bytes)
		s->file_bytes = s->dir_bytes / FILES;
	if (s->file_bytes > s->dir_bytes)
		return rs_fail(w->cli, RS_EXIT_USAGE,
			       "watch: --file-size is more than all traces may have (--size)");
	if (rs_recording_resolve(&w->recording, &msg))
		return rs_fail(w->cli, RS_EXIT_USAGE, "watch: %s", msg.text);
	if (w->budget_path && rs_budget_load(w->budget_path, &w->budget, &msg))
		return rs_fail(w->cli, RS_EXIT_USAGE, "%s", msg.text);
	if (w->budget && rs_budget_needs_base(w->budget, &msg))
		return rs_fail(w->cli, RS_EXIT_USAGE, "%s", msg.text);
	return 0;
}

static int conclude(const struct watch *w)
{
	__u64 all = w->updates[RS_PASS] + w->updates[RS_UNKNOWN] + w->updates[RS_VIOLATED];

	if (!w->cli->json)
		fprintf(stderr,
			"remapscope: %llu update%s: %llu pass, %llu violated, %llu unknown\n",
			(unsigned long long)all, all == 1 ? "" : "s",
			(unsigned long long)w->updates[RS_PASS],
			(unsigned long long)w->updates[RS_VIOLATED],
			(unsigned long long)w->updates[RS_UNKNOWN]);
	switch (w->verdict) {
	case RS_VIOLATED:
		return RS_EXIT_VIOLATED;
	case RS_UNKNOWN:
		return RS_EXIT_UNKNOWN;
	default:
		return RS_EXIT_PASS;
	}
}

int rs_cmd_watch(struct rs_cli *cli, int argc, char **argv)
{
	struct watch w = { .cli = cli, .style = rs_style_for(stdout) };
	struct rs_msg msg;
	int err, status;
	bool usage;

	rs_recording_init(&w.recording, RS_MODE_ARMED);
	status = parse(&w, argc, argv);
	if (!status)
		status = resolve(&w);
	if (status)
		goto out;
	w.standing.live = w.recording.live;
	w.standing.live.debug = cli->debug;
	w.standing.budget = w.budget;
	w.standing.told = on_told;
	w.standing.say = on_say;
	w.standing.ctx = &w;
	err = rs_standing_run(&w.standing, &usage, &msg);
	if (w.out_err)
		status = rs_fail(cli, RS_EXIT_USAGE, "cannot write the output: %s",
				 strerror(-w.out_err));
	else if (err)
		status = rs_fail(cli, usage ? RS_EXIT_USAGE : rs_status_of(err), "%s", msg.text);
	else
		status = conclude(&w);
out:
	rs_recording_free(&w.recording);
	rs_budget_free(w.budget);
	return status;
}
