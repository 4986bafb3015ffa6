/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Subcommands
 *
 * One file per subcommand. Each takes argv from its own name on and returns the exit status.
 */
#ifndef RS_CMD_CMD_H
#define RS_CMD_CMD_H

#include <stdbool.h>
#include "result/analysis.h"
#include "util/msg.h"

/* Exit statuses: docs/man/remapscope.1.rst */
#define RS_EXIT_PASS	 0
#define RS_EXIT_VIOLATED 1
#define RS_EXIT_USAGE	 2 /* usage, bad input */
#define RS_EXIT_UNKNOWN	 3
#define RS_EXIT_MACHINE	 4 /* this machine cannot do it */

/** struct rs_cli - what all subcommands share */
struct rs_cli {
	bool json;
	bool debug;
};

int rs_cmd_doctor(struct rs_cli *cli, int argc, char **argv);
int rs_cmd_record(struct rs_cli *cli, int argc, char **argv);
int rs_cmd_report(struct rs_cli *cli, int argc, char **argv);
int rs_cmd_check(struct rs_cli *cli, int argc, char **argv);
int rs_cmd_diff(struct rs_cli *cli, int argc, char **argv);
int rs_cmd_rules(struct rs_cli *cli, int argc, char **argv);
int rs_cmd_watch(struct rs_cli *cli, int argc, char **argv);
int rs_cmd_version(struct rs_cli *cli, int argc, char **argv);

/** rs_fail() - say one sentence on stderr (an object under --json). Return: @status */
int rs_fail(const struct rs_cli *cli, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** rs_bad_option() - for getopt_long()'s '?' and ':'; @command: NULL before there is one. Return: RS_EXIT_USAGE */
int rs_bad_option(const struct rs_cli *cli, const char *command, int c, char **argv);

/** rs_status_of() - the exit status that fits an error of a source or a machine */
int rs_status_of(int err);

/** rs_replay() - analyse a trace file. Return: 0 or -errno with a sentence */
int rs_replay(const char *path, const struct rs_analysis_opts *opts, struct rs_result **out,
	      struct rs_msg *msg);

/** rs_flush_out() - stdout must have reached its reader. Return: @status, or 2 with a sentence */
int rs_flush_out(const struct rs_cli *cli, int status);

#endif /* RS_CMD_CMD_H */
