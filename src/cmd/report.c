// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/cmd.h"
#include "render/render.h"

int rs_cmd_report(struct rs_cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "qmp", required_argument, NULL, 'Q' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct rs_style style = rs_style_for(stdout);
	struct rs_analysis_opts opts = { 0 };
	struct rs_result *r;
	const char **qmp = calloc(argc, sizeof(*qmp));
	struct rs_msg msg;
	int c, err, status;

	if (!qmp)
		return rs_fail(cli, RS_EXIT_MACHINE, "out of memory");
	opts.qmp = qmp;
	while ((c = getopt_long(argc, argv, ":jv", options, NULL)) != -1) {
		switch (c) {
		case 'Q':
			qmp[opts.nr_qmp++] = optarg;
			break;
		case 'j':
			cli->json = true;
			break;
		case 'v':
			style.verbose++;
			break;
		default:
			status = rs_bad_option(cli, "report", c, argv);
			goto out;
		}
	}
	if (argc - optind != 1) {
		status = rs_fail(cli, RS_EXIT_USAGE, "report: one trace file, please");
		goto out;
	}
	opts.source = argv[optind];
	err = rs_replay(argv[optind], &opts, &r, &msg);
	if (err) {
		status = rs_fail(cli, RS_EXIT_USAGE, "%s", msg.text);
		goto out;
	}
	err = cli->json ? rs_render_json(r, stdout) : rs_render_report(r, &style, stdout);
	rs_result_free(r);
	errno = -err;
	status = rs_flush_out(cli, RS_EXIT_PASS);
out:
	free(qmp);
	return status;
}
