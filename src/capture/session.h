/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A recording session
 *
 * The live source, the trace file, the analysis, COMMAND, signals and the clock of one recording.
 */
#ifndef RS_CAPTURE_SESSION_H
#define RS_CAPTURE_SESSION_H

#include "capture/live.h"
#include "result/analysis.h"

/**
 * struct rs_session_opts - what to do
 * @live: how to attach
 * @analysis: what to judge
 * @path: the trace file; NULL: none
 * @argv: COMMAND, NULL-terminated; NULL: none
 * @duration_ns: end after that; 0: no limit
 * @progress: show a line of progress on stderr
 * @announce: say on stderr when everything is attached
 * @judge_on: go on without the trace when it cannot be written any more
 */
struct rs_session_opts {
	struct rs_live_opts live;
	struct rs_analysis_opts analysis;
	const char *path;
	char **argv;
	__u64 duration_ns;
	bool progress;
	bool announce;
	bool judge_on;
};

/**
 * struct rs_session_end - how it went
 * @result: the caller's, rs_result_free()
 * @events: recorded
 * @lost: records lost
 * @bytes: of the trace file
 * @write_err: 0, or -errno when the trace could not be written to its end; @msg says it
 * @ran: COMMAND was run
 * @status: COMMAND's, as wait(2) has it
 * @signal: what ended the recording early, 0 for none
 */
struct rs_session_end {
	struct rs_result *result;
	__u64 events;
	__u64 lost;
	__u64 bytes;
	int write_err;
	bool ran;
	int status;
	int signal;
	struct rs_msg msg;
};

/**
 * rs_session_run() - record until COMMAND ends, time is up or a signal comes
 *
 * SIGINT, SIGTERM and SIGHUP end the recording; COMMAND gets the signal too and is waited for, a second signal
 * ends the waiting. Nothing stays attached in any case.
 *
 * Return: 0 (also with @write_err set) or -errno with a sentence: then nothing was recorded; *@usage
 * tells whether it was the user's input rather than the machine
 */
int rs_session_run(const struct rs_session_opts *opts, struct rs_session_end *end, bool *usage,
		   struct rs_msg *msg);

#endif /* RS_CAPTURE_SESSION_H */
