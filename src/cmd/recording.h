/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Options of a recording
 *
 * What `record` and `check -- COMMAND` have in common.
 */
#ifndef RS_CMD_RECORDING_H
#define RS_CMD_RECORDING_H

#include <getopt.h>
#include "capture/live.h"

/* For getopt_long(): long options that have no letter. */
enum rs_recording_option {
	RS_OPT_TREE = 256,
	RS_OPT_CGROUP,
	RS_OPT_DEVICE,
	RS_OPT_GROUP,
	RS_OPT_CONTAINER,
	RS_OPT_BUFFER,
	RS_OPT_NO_FENTRY,
	RS_OPT_FENTRY,
	RS_OPT_ALL,
	RS_OPT_ARMED,
	RS_OPT_TAIL,
	RS_OPT_VERIFY,
	RS_OPT_OWN, /* a subcommand's own begin here */
};

#define RS_RECORDING_LETTERS "o:p:"

/* The beginning of a subcommand's table. */
#define RS_RECORDING_OPTIONS                                                                 \
	{ "output", required_argument, NULL, 'o' }, { "pid", required_argument, NULL, 'p' }, \
		{ "tree", required_argument, NULL, RS_OPT_TREE },                            \
		{ "cgroup", required_argument, NULL, RS_OPT_CGROUP },                        \
		{ "device", required_argument, NULL, RS_OPT_DEVICE },                        \
		{ "group", required_argument, NULL, RS_OPT_GROUP },                          \
		{ "container", required_argument, NULL, RS_OPT_CONTAINER },                  \
		{ "buffer", required_argument, NULL, RS_OPT_BUFFER },                        \
		{ "no-fentry", no_argument, NULL, RS_OPT_NO_FENTRY },                        \
		{ "fentry", no_argument, NULL, RS_OPT_FENTRY },                              \
		{ "all", no_argument, NULL, RS_OPT_ALL },                                    \
		{ "armed", no_argument, NULL, RS_OPT_ARMED },                                \
		{ "tail", required_argument, NULL, RS_OPT_TAIL },                            \
	{                                                                                    \
		"verify", optional_argument, NULL, RS_OPT_VERIFY                             \
	}

/**
 * struct rs_recording - what the options said
 * @path: the trace file (-o); NULL: not given
 * @live: filled by and by; its filter by rs_recording_resolve()
 * @filter: as written
 * @first: the first of these options that was given, as the user knows it; NULL: none was
 * @all: --all
 * @armed: --armed
 * @tail: --tail
 */
struct rs_recording {
	const char *path;
	struct rs_live_opts live;
	struct rs_filter_opts filter;
	const char *first;
	bool all;
	bool armed;
	bool tail;
};

/** rs_recording_init() - @mode: what the subcommand does unless it is told otherwise */
void rs_recording_init(struct rs_recording *r, enum rs_mode mode);

/**
 * rs_recording_option() - take an option
 * @c: what getopt_long() returned
 * @value: its optarg
 *
 * Return: 1; 0 when it is none of these; -EINVAL with a sentence
 */
int rs_recording_option(struct rs_recording *r, int c, const char *value, struct rs_msg *msg);

/**
 * rs_recording_resolve() - after all options: do they go together, is what they name there?
 *
 * Return: 0; -EINVAL or -ENOENT with a sentence
 */
int rs_recording_resolve(struct rs_recording *r, struct rs_msg *msg);

/** rs_recording_free() - also when it was not resolved */
void rs_recording_free(struct rs_recording *r);

#endif /* RS_CMD_RECORDING_H */
