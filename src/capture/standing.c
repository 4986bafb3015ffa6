// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/signalfd.h>
#include "capture/standing.h"
#include "capture/traces.h"
#include "rules/rules.h"
#include "trace/trace.h"

/* What is recorded reaches the file at least this often: a killed recorder loses no more. */
#define FLUSH_NS 500000000ULL
#define POLL_MS	 100

/* A new trace is begun no more often than this, unless it is asked for, */
#define REST_NS 60000000000ULL
/* ... and waits this long at most for updates that are under way. */
#define WAIT_NS RS_WINDOW_LIMIT_NS
/* What the kernel counts, and what is kept of devices and processes, begins anew with it. */
#define DAY_NS (86400 * 1000000000ULL)

struct stand;

/* One recording, with its trace and its analysis. */
struct stretch {
	struct stand *stand;
	struct rs_live *live;
	struct rs_analysis *analysis;
	struct rs_listener listener;
	struct rs_trace_writer *writer;
	char *path; /* NULL: no trace is written */
	__u64 begun_ns, flushed_ns;
	__u64 bytes; /* in the file, when last looked at */
	/* What ended up to then was told by the one before; what ends after that is told by the next one. */
	__u64 from_ns, until_ns;
	bool attached, announced;
	int write_err;
};

struct stand {
	const struct rs_standing_opts *opts;
	struct rs_traces traces;
	struct stretch *now;
	int signal_fd;
	__u64 wanted_ns; /* since when a new trace is wanted; 0: it is not */
	__u64 rest_ns;	 /* and not before */
	bool untrimmed;
	bool stop;
};

static __u64 now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void say(const struct stand *s, bool wrong, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say(const struct stand *s, bool wrong, const char *fmt, ...)
{
	char text[600];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	s->opts->say(s->opts->ctx, wrong, text);
}

static int on_event(void *ctx, const struct rs_event *ev)
{
	struct stretch *t = ctx;
	struct rs_msg msg;

	if (t->writer && !t->write_err) {
		t->write_err = rs_trace_write(t->writer, ev, &msg);
		if (t->write_err)
			say(t->stand, true, "%s; judging goes on", msg.text);
	}
	return rs_analysis_event(t->analysis, ev);
}

static bool is_mine(const struct stretch *t, __u64 at)
{
	return at > t->from_ns && at <= t->until_ns;
}

static int on_told(void *ctx, const struct rs_result *r)
{
	struct stretch *t = ctx;
	bool mine =
		r->nr_updates && is_mine(t, r->update[0].end_ns ? r->update[0].end_ns : UINT64_MAX);

	for (size_t i = 0; i < r->nr_findings && !r->nr_updates; i++)
		mine |= is_mine(t, r->finding[i].at_ns);
	return mine ? t->stand->opts->told(t->stand->opts->ctx, r) : 0;
}

static json_t *so_far(void *ctx)
{
	const struct stretch *t = ctx;

	return rs_live_so_far(t->live);
}

static void free_stretch(struct stretch *t)
{
	if (!t)
		return;
	rs_live_free(t->live);
	rs_trace_discard(t->writer);
	rs_analysis_free(t->analysis);
	free(t->path);
	free(t);
}

static int make_path(struct stretch *t)
{
	if (!t->stand->opts->dir)
		return 0;
	t->path = rs_traces_name(&t->stand->traces, now_ns(CLOCK_REALTIME));
	return t->path ? 0 : -ENOMEM;
}

/* @usage: was it the user's input? */
static int begin(struct stand *s, struct stretch **out, bool *usage, struct rs_msg *msg)
{
	struct rs_analysis_opts analysis = { .source = "live", .budget = s->opts->budget };
	struct rs_live_opts live = s->opts->live;
	struct stretch *t = calloc(1, sizeof(*t));
	json_t *meta = NULL;
	int err;

	*out = NULL;
	*usage = false;
	if (!t || (t->stand = s, make_path(t))) {
		err = rs_msg_set(msg, -ENOMEM, "out of memory");
		goto out;
	}
	t->until_ns = UINT64_MAX;
	t->listener = (struct rs_listener){ .told = on_told, .so_far = so_far, .ctx = t };
	analysis.listener = &t->listener;
	analysis.file = t->path;
	if (t->path)
		analysis.source = t->path;
	live.wait = true;
	err = rs_analysis_new(&analysis, &t->analysis, msg);
	if (!err)
		err = rs_live_start(&live, on_event, t, &t->live, msg);
	if (err)
		goto out;
	meta = rs_live_meta(t->live);
	err = rs_analysis_meta(t->analysis, meta);
	if (err)
		rs_msg_set(msg, err, "out of memory");
	*usage = !err;
	if (!err && t->path)
		err = rs_trace_create(t->path, meta, &t->writer, msg);
	t->begun_ns = t->flushed_ns = now_ns(CLOCK_MONOTONIC);
out:
	json_decref(meta);
	if (err)
		free_stretch(t);
	else
		*out = t;
	return err;
}

/* Said once: what stands in the way is likely to stay. */
static void trim(struct stand *s)
{
	struct rs_msg msg;
	int err = s->now->path ? rs_traces_trim(&s->traces, s->now->path, &msg) : 0;

	if (err < 0 && !s->untrimmed)
		say(s, true, "%s", msg.text);
	s->untrimmed = err < 0;
}

/* Nothing is recorded any more; what ended after @until is told by the next one. */
static int end(struct stretch *t, __u64 until, const char *by, struct rs_msg *msg)
{
	struct rs_result *rest = NULL;
	struct rs_msg why;
	json_t *o;
	int err;

	t->until_ns = until;
	err = rs_live_stop(t->live);
	o = rs_live_end(t->live);
	json_object_set_new(o, "ended_by", json_string(t->write_err ? "write error" : by));
	if (t->writer) {
		int werr = rs_trace_finish(t->writer, o, &why);

		t->writer = NULL;
		if (werr && !t->write_err)
			say(t->stand, true, "%s", why.text);
	}
	if (!err)
		err = rs_analysis_finish(t->analysis, o, NULL, &rest);
	json_decref(o);
	rs_result_free(rest);
	return err ? rs_msg_set(msg, err, "cannot analyse the recording: %s", strerror(-err)) : 0;
}

/* Without a next one the last one goes on. */
static int change(struct stand *s, struct rs_msg *msg)
{
	struct stretch *last = s->now, *next = NULL;
	struct rs_msg why;
	bool usage;
	int err = 0;

	s->wanted_ns = 0;
	if (s->opts->dir)
		err = rs_traces_open(&s->traces, &why);
	if (!err)
		err = begin(s, &next, &usage, &why);
	if (err) {
		say(s, true, "%s; what is recorded now goes on", why.text);
		s->rest_ns = now_ns(CLOCK_MONOTONIC) + REST_NS;
		return 0;
	}
	s->now = next;
	next->from_ns = now_ns(CLOCK_MONOTONIC);
	err = end(last, next->from_ns, "next", msg);
	free_stretch(last);
	trim(s);
	return err;
}

/* Is it time for a new trace? */
static bool is_due(struct stand *s, __u64 now)
{
	const struct stretch *t = s->now;
	struct rs_progress p;

	if (!s->wanted_ns && now >= s->rest_ns && now >= t->begun_ns + REST_NS &&
	    (t->write_err || (t->path && t->bytes >= s->opts->file_bytes) ||
	     now >= t->begun_ns + DAY_NS || rs_live_lost(t->live)))
		s->wanted_ns = now;
	if (!s->wanted_ns)
		return false;
	rs_analysis_progress(t->analysis, &p);
	return (!p.open && !p.untold) || now >= s->wanted_ns + WAIT_NS;
}

static void take_signal(struct stand *s, __u64 now)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGHUP)
		s->stop = true;
	else if (!s->wanted_ns)
		s->wanted_ns = now;
}

/* Whoever waits for the recorder goes on when it says so. */
static void announce(struct stretch *t)
{
	bool attached = rs_live_attached(t->live);

	if (t->announced && attached == t->attached)
		return;
	t->announced = true;
	t->attached = attached;
	if (!attached)
		say(t->stand, false, "waiting for vfio_iommu_type1");
	else if (t->path)
		say(t->stand, false, "recording to %s", t->path);
	else
		say(t->stand, false, "watching");
}

static void flush(struct stand *s, __u64 now)
{
	struct stretch *t = s->now;
	__u64 records, bytes;
	struct rs_msg msg;

	if (now < t->flushed_ns + FLUSH_NS || !t->writer || t->write_err)
		return;
	t->flushed_ns = now;
	t->write_err = rs_trace_flush(t->writer, &msg);
	if (t->write_err)
		say(s, true, "%s; judging goes on", msg.text);
	rs_trace_written(t->writer, &records, &bytes);
	if (bytes != t->bytes)
		trim(s);
	t->bytes = bytes;
}

static int watch(struct stand *s, struct rs_msg *msg)
{
	int err = 0;

	while (!s->stop && !err) {
		struct stretch *t = s->now;
		struct pollfd fds[] = {
			{ .fd = s->signal_fd, .events = POLLIN },
			{ .fd = rs_live_fd(t->live), .events = POLLIN },
			{ .fd = rs_live_watch_fd(t->live), .events = POLLIN },
		};
		__u64 now;

		poll(fds, 3, POLL_MS);
		/* Before the ring is emptied: what it does not have then is newer. */
		now = now_ns(CLOCK_MONOTONIC);
		err = rs_live_poll(t->live);
		if (!err)
			err = rs_analysis_tick(t->analysis, now);
		if (err)
			return rs_msg_set(msg, err, "the recording broke off: %s", strerror(-err));
		announce(t);
		flush(s, now);
		if (fds[0].revents)
			take_signal(s, now);
		if (!s->stop && is_due(s, now))
			err = change(s, msg);
	}
	return err;
}

int rs_standing_run(const struct rs_standing_opts *opts, bool *usage, struct rs_msg *msg)
{
	struct stand s = { .opts = opts,
			   .traces = { .path = opts->dir, .limit = opts->dir_bytes, .fd = -1 },
			   .signal_fd = -1 };
	sigset_t mask, old;
	int err = 0;

	*usage = true;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &old);
	/* A file at its size limit is a write error, not an end. */
	signal(SIGXFSZ, SIG_IGN);
	s.signal_fd = signalfd(-1, &mask, SFD_CLOEXEC);
	if (s.signal_fd < 0)
		err = rs_msg_set(msg, -errno, "cannot take signals: %s", strerror(errno));
	if (!err && opts->dir)
		err = rs_traces_open(&s.traces, msg);
	if (!err)
		err = begin(&s, &s.now, usage, msg);
	if (err)
		goto out;
	trim(&s);
	err = watch(&s, msg);
	if (!err)
		err = end(s.now, UINT64_MAX, "signal", msg);
out:
	free_stretch(s.now);
	rs_traces_close(&s.traces);
	if (s.signal_fd >= 0)
		close(s.signal_fd);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}
