// SPDX-License-Identifier: GPL-2.0-only
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "cmd/cmd.h"

static const struct {
	const char *name;
	int (*run)(struct rs_cli *cli, int argc, char **argv);
	const char *help;
} commands[] = {
	{ "doctor", rs_cmd_doctor, "what can be recorded on this machine, and how" },
	{ "record", rs_cmd_record, "record live updates into a trace file" },
	{ "watch", rs_cmd_watch, "tell of each live update as it ends, for as long as it runs" },
	{ "report", rs_cmd_report, "print what a trace file holds" },
	{ "check", rs_cmd_check, "judge a trace file, or a command while it runs" },
	{ "diff", rs_cmd_diff, "what changed from one trace to another, and whether by chance" },
	{ "rules", rs_cmd_rules, "list the rules, or explain one" },
	{ "version", rs_cmd_version, "print the version and what it was built with" },
};

static void usage(FILE *out)
{
	fprintf(out, "usage: remapscope [--json] [--debug] COMMAND [ARGUMENTS]\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
	fprintf(out,
		"\n  remapscope doctor [--fentry | --no-fentry] [FUNCTION...]\n"
		"  remapscope record [-o FILE] [--all] [--wait] [--duration S] [RECORDING]\n"
		"                    [-- COMMAND [ARG...]]\n"
		"  remapscope watch [--dir DIR [--size SIZE] [--file-size SIZE]] [--budget FILE]\n"
		"                   [RECORDING]\n"
		"  remapscope report [--qmp FILE]... [-v] FILE\n"
		"  remapscope check [--budget FILE [--base FILE]] [--rule ID]... [--junit FILE]\n"
		"                   [--explain DIR] [--qmp FILE]... [-v] FILE\n"
		"  remapscope check [--budget FILE [--base FILE]] [--rule ID]... [--junit FILE]\n"
		"                   [--explain DIR] [-v] [-o FILE] [--armed] [RECORDING]\n"
		"                   -- COMMAND [ARG...]\n"
		"  remapscope diff [--alpha P] [--threshold PERCENT] [-v] BASE NEW\n"
		"  remapscope rules [--dot] [ID]\n\n"
		"  RECORDING: [-p PID | --tree PID] [--cgroup PATH] [--device NAME | --group N]\n"
		"             [--container PID:FD] [--tail S] [--verify[=sampled|all]]\n"
		"             [--buffer SIZE] [--fentry | --no-fentry]\n\n"
		"exit status: 0 pass, 1 violated, 2 usage or bad input, 3 unknown,\n"
		"             4 this machine cannot do it\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct rs_cli cli = { 0 };
	int c;

	/* A reader that goes away is a write error like any other. */
	signal(SIGPIPE, SIG_IGN);
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:jdhV", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			cli.json = true;
			break;
		case 'd':
			cli.debug = true;
			break;
		case 'h':
			usage(stdout);
			return rs_flush_out(&cli, RS_EXIT_PASS);
		case 'V':
			return rs_cmd_version(&cli, 1, argv);
		default:
			return rs_bad_option(&cli, NULL, c, argv);
		}
	}
	argc -= optind;
	argv += optind;
	if (!argc && cli.json)
		return rs_fail(&cli, RS_EXIT_USAGE, "no command (try \"remapscope help\")");
	if (!argc) {
		usage(stderr);
		return RS_EXIT_USAGE;
	}
	optind = 0;
	if (!strcmp(argv[0], "help") ||
	    (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))) {
		usage(stdout);
		return rs_flush_out(&cli, RS_EXIT_PASS);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, argv[0]))
			return commands[i].run(&cli, argc, argv);
	return rs_fail(&cli, RS_EXIT_USAGE, "unknown command \"%s\" (try \"remapscope help\")",
		       argv[0]);
}
