// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/cmd.h"
#include "render/diff.h"

/* A number above 0, with what may follow it. */
static int parse_number(const char *text, const char *suffix, double most, double *v)
{
	char *end;

	errno = 0;
	*v = strtod(text, &end);
	if (errno || end == text || (*end && strcmp(end, suffix)) || !isfinite(*v) || *v <= 0 ||
	    *v >= most)
		return -EINVAL;
	return 0;
}

enum { OPT_ALPHA = 256, OPT_THRESHOLD };

static int parse(struct rs_cli *cli, struct rs_diff_opts *opts, struct rs_style *style, int argc,
		 char **argv)
{
	static const struct option options[] = {
		{ "alpha", required_argument, NULL, OPT_ALPHA },
		{ "threshold", required_argument, NULL, OPT_THRESHOLD },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, ":jv", options, NULL)) != -1) {
		switch (c) {
		case OPT_ALPHA:
			if (parse_number(optarg, "", 1, &opts->alpha))
				return rs_fail(cli, RS_EXIT_USAGE,
					       "diff: --alpha is a probability (0.05), not \"%s\"",
					       optarg);
			break;
		case OPT_THRESHOLD:
			if (parse_number(optarg, "%", 1e6, &opts->threshold))
				return rs_fail(
					cli, RS_EXIT_USAGE,
					"diff: --threshold is in per cent (10%%), not \"%s\"",
					optarg);
			opts->threshold /= 100;
			break;
		case 'j':
			cli->json = true;
			break;
		case 'v':
			style->verbose++;
			break;
		default:
			return rs_bad_option(cli, "diff", c, argv);
		}
	}
	if (argc - optind != 2)
		return rs_fail(cli, RS_EXIT_USAGE, "diff: two trace files, please: BASE and NEW");
	return 0;
}

static int replay(const struct rs_cli *cli, const char *path, struct rs_result **r)
{
	struct rs_analysis_opts opts = { .source = path };
	struct rs_msg msg;

	if (rs_replay(path, &opts, r, &msg))
		return rs_fail(cli, RS_EXIT_USAGE, "%s", msg.text);
	return 0;
}

static int print(const struct rs_cli *cli, const struct rs_diff *d, const struct rs_style *style)
{
	int err = cli->json ? rs_render_diff_json(d, stdout) : rs_render_diff(d, style, stdout);

	errno = -err;
	return rs_flush_out(cli, err ? RS_EXIT_USAGE : rs_diff_exit_status(d));
}

int rs_cmd_diff(struct rs_cli *cli, int argc, char **argv)
{
	struct rs_diff_opts opts = { .alpha = 0.05, .threshold = 0.1 };
	struct rs_style style = rs_style_for(stdout);
	struct rs_result *base = NULL, *now = NULL;
	struct rs_diff *d = NULL;
	int status = parse(cli, &opts, &style, argc, argv);

	if (!status)
		status = replay(cli, argv[optind], &base);
	if (!status)
		status = replay(cli, argv[optind + 1], &now);
	if (!status && rs_diff_new(base, now, &opts, &d))
		status = rs_fail(cli, RS_EXIT_MACHINE, "out of memory");
	if (!status)
		status = print(cli, d, &style);
	rs_diff_free(d);
	rs_result_free(base);
	rs_result_free(now);
	return status;
}
