/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A standing recording
 *
 * Goes on until it is told to end, in *stretches*: each is a recording of its own, with a trace that can be read by
 * itself and the analysis that judges it. The next one is attached, and has looked at what is there, before the last
 * one ends: nothing is missed, and what is over is told by one of them only.
 */
#ifndef RS_CAPTURE_STANDING_H
#define RS_CAPTURE_STANDING_H

#include "capture/live.h"
#include "result/analysis.h"

/**
 * struct rs_standing_opts - what to do
 * @live: how to attach; it waits for the backend in any case
 * @budget: clauses that each update is judged by; NULL: none
 * @dir: where the traces go; NULL: none are written
 * @dir_bytes: of all traces in @dir; the oldest go first
 * @file_bytes: of one trace; the next update that is over ends it
 * @told: takes what &rs_listener.told is given; its source is the trace, or "live" without one
 * @say: takes a sentence about the recording itself; @wrong: something went wrong, and it goes on all the same
 */
struct rs_standing_opts {
	struct rs_live_opts live;
	const struct rs_budget *budget;
	const char *dir;
	__u64 dir_bytes;
	__u64 file_bytes;
	int (*told)(void *ctx, const struct rs_result *r);
	void (*say)(void *ctx, bool wrong, const char *sentence);
	void *ctx;
};

/**
 * rs_standing_run() - record and tell until SIGTERM or SIGINT
 *
 * SIGHUP begins a new trace, in the directory that has @dir's name then, as soon as no update is under way, but after
 * a minute at the latest. So does a trace that has reached its size, is a day old, could not be written or has lost
 * records, though not more often than once a minute. When the next stretch cannot begin, the last one goes on.
 * Nothing stays attached in any case.
 *
 * Return: 0, or -errno with a sentence; *@usage tells whether it was the user's input rather than the machine
 */
int rs_standing_run(const struct rs_standing_opts *opts, bool *usage, struct rs_msg *msg);

#endif /* RS_CAPTURE_STANDING_H */
