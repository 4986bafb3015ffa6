// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "capture/command.h"
#include "capture/session.h"
#include "trace/trace.h"

/* What is recorded reaches the file at least this often: a killed recorder loses no more. */
#define FLUSH_NS    500000000ULL
#define PROGRESS_NS 500000000ULL
#define POLL_MS	    100

struct session {
	const struct rs_session_opts *opts;
	struct rs_session_end *end;
	struct rs_live *live;
	struct rs_trace_writer *writer;
	struct rs_analysis *analysis;
	struct rs_command command;
	int signal_fd;
	__u64 start_ns, flushed_ns, shown_ns;
	bool running; /* COMMAND */
	bool announced;
	__u32 attachments; /* that were announced */
	bool stop;
};

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Is there such a program at all? Said before anything is attached. */
static int find_program(const char *name, struct rs_msg *msg)
{
	const char *path = getenv("PATH");
	struct stat st;

	if (strchr(name, '/')) {
		if (stat(name, &st))
			return rs_msg_set(msg, -ENOENT, "cannot run %s: %s", name, strerror(errno));
		if (S_ISDIR(st.st_mode) || access(name, X_OK))
			return rs_msg_set(msg, -EACCES, "cannot run %s: not a program", name);
		return 0;
	}
	while (path && *path) {
		size_t n = strcspn(path, ":");
		char full[4096];

		snprintf(full, sizeof(full), "%.*s/%s", n ? (int)n : 1, n ? path : ".", name);
		if (!access(full, X_OK) && !stat(full, &st) && S_ISREG(st.st_mode))
			return 0;
		path += n + (path[n] == ':');
	}
	return rs_msg_set(msg, -ENOENT, "cannot run %s: no such program", name);
}

static int lose_writer(struct session *s, int err)
{
	s->end->write_err = err;
	if (!s->opts->judge_on)
		s->stop = true;
	return 0;
}

static int on_event(void *ctx, const struct rs_event *ev)
{
	struct session *s = ctx;
	int err;

	if (s->writer && !s->end->write_err) {
		err = rs_trace_write(s->writer, ev, &s->end->msg);
		if (err)
			lose_writer(s, err);
	}
	return rs_analysis_event(s->analysis, ev);
}

static void show_progress(struct session *s, bool last)
{
	__u64 now = now_ns();
	struct rs_progress p;

	if (!s->opts->progress || (!last && now < s->shown_ns + PROGRESS_NS))
		return;
	s->shown_ns = now;
	if (last) {
		fprintf(stderr, "\r\033[K");
		return;
	}
	rs_analysis_progress(s->analysis, &p);
	fprintf(stderr,
		"\rrecording %llu s: windows: %llu (%llu open), %llu events, %llu lost\033[K",
		(unsigned long long)((now - s->start_ns) / 1000000000ULL),
		(unsigned long long)p.windows, (unsigned long long)p.open,
		(unsigned long long)p.events, (unsigned long long)rs_live_lost(s->live));
}

static json_t *describe_recording(const struct session *s)
{
	json_t *meta = rs_live_meta(s->live);

	if (s->opts->argv) {
		json_t *argv = json_array();

		for (char **word = s->opts->argv; *word; word++) {
			json_t *text = json_string(*word);

			/* Not all of the world is UTF-8. */
			json_array_append_new(argv, text ? text : json_string("?"));
		}
		json_object_set_new(meta, "command", argv);
	}
	return meta;
}

static void take_signal(struct session *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	/* The second time the user means us, whatever COMMAND does. */
	if (!s->running || s->end->signal)
		s->stop = true;
	else if (info.ssi_code <= 0)
		/* Sent to us alone by kill(2); a terminal's goes to COMMAND by itself. */
		kill(s->command.pid, info.ssi_signo);
	s->end->signal = info.ssi_signo;
}

static void take_end_of_command(struct session *s)
{
	if (rs_command_wait(&s->command))
		return;
	s->running = false;
	s->end->status = s->command.status;
	s->stop = true;
}

/* Whoever waits for the recorder goes on when it says so. */
static void announce(struct session *s, bool first)
{
	bool attached = rs_live_attached(s->live);
	__u32 attachments = rs_live_attachments(s->live);

	if (!s->opts->announce ||
	    (attached == s->announced && attachments == s->attachments && !first))
		return;
	s->announced = attached;
	s->attachments = attachments;
	if (attached)
		fprintf(stderr, "remapscope: recording to %s; Ctrl-C ends it\n", s->opts->path);
	else
		fprintf(stderr, "remapscope: waiting for vfio_iommu_type1\n");
}

static int record(struct session *s, struct rs_msg *msg)
{
	int err = 0;

	announce(s, true);
	while (!s->stop && !err) {
		struct pollfd fds[] = {
			{ .fd = s->signal_fd, .events = POLLIN },
			{ .fd = rs_live_fd(s->live), .events = POLLIN },
			{ .fd = s->running ? s->command.pidfd : -1, .events = POLLIN },
			{ .fd = rs_live_watch_fd(s->live), .events = POLLIN },
		};
		__u64 now;

		poll(fds, 4, POLL_MS);
		err = rs_live_poll(s->live);
		announce(s, false);
		if (fds[0].revents)
			take_signal(s);
		if (fds[2].revents)
			take_end_of_command(s);
		now = now_ns();
		if (s->opts->duration_ns && now - s->start_ns >= s->opts->duration_ns)
			s->stop = true;
		if (s->writer && !s->end->write_err && now >= s->flushed_ns + FLUSH_NS) {
			int werr = rs_trace_flush(s->writer, &s->end->msg);

			s->flushed_ns = now;
			if (werr)
				lose_writer(s, werr);
		}
		show_progress(s, false);
	}
	if (err)
		rs_msg_set(msg, err, "the recording broke off: %s", strerror(-err));
	return err;
}

static int finish(struct session *s, struct rs_msg *msg)
{
	struct rs_session_end *end = s->end;
	const char *incomplete = NULL;
	__u64 records;
	struct stat st;
	json_t *o;
	int err, werr;

	err = rs_live_stop(s->live);
	end->lost = rs_live_lost(s->live);
	o = rs_live_end(s->live);
	json_object_set_new(o, "ended_by",
			    json_string(end->write_err && !s->opts->judge_on ? "write error"
					: end->signal			     ? "signal"
					: end->ran			     ? "command"
									     : "duration"));
	if (end->ran && !s->running)
		json_object_set_new(o, "command", json_pack("{s:i}", "status", end->status));
	if (s->writer) {
		werr = rs_trace_flush(s->writer, &end->msg);
		if (werr && !end->write_err)
			lose_writer(s, werr);
		rs_trace_written(s->writer, &records, &end->bytes);
		werr = rs_trace_finish(s->writer, o, &end->msg);
		if (werr && !end->write_err)
			lose_writer(s, werr);
		else if (!werr && !stat(s->opts->path, &st) && S_ISREG(st.st_mode))
			end->bytes = st.st_size; /* with its end */
		s->writer = NULL;
	}
	if (end->write_err && !s->opts->judge_on)
		incomplete = "the trace could not be written to its end";
	if (!err)
		err = rs_analysis_finish(s->analysis, o, incomplete, &end->result);
	json_decref(o);
	if (err)
		return rs_msg_set(msg, err, "cannot analyse the recording: %s", strerror(-err));
	end->events = end->result->events;
	return 0;
}

int rs_session_run(const struct rs_session_opts *opts, struct rs_session_end *end, bool *usage,
		   struct rs_msg *msg)
{
	struct session s = {
		.opts = opts, .end = end, .signal_fd = -1, .command = RS_COMMAND_INIT
	};
	sigset_t mask, old;
	json_t *meta = NULL;
	int err;

	memset(end, 0, sizeof(*end));
	*usage = true;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &old);
	/* A file at its size limit is a write error, not an end. */
	signal(SIGXFSZ, SIG_IGN);
	err = rs_analysis_new(&opts->analysis, &s.analysis, msg);
	if (!err && opts->argv)
		err = find_program(opts->argv[0], msg);
	if (err)
		goto out;
	s.signal_fd = signalfd(-1, &mask, SFD_CLOEXEC);
	if (s.signal_fd < 0) {
		err = rs_msg_set(msg, -errno, "cannot take signals: %s", strerror(errno));
		goto out;
	}
	if (opts->argv)
		err = rs_command_prepare(&s.command, opts->argv, &old, msg);
	if (err)
		goto out;
	*usage = false;
	err = rs_live_start(&opts->live, on_event, &s, &s.live, msg);
	if (err)
		goto out;
	*usage = true;
	meta = describe_recording(&s);
	err = rs_analysis_meta(s.analysis, meta);
	if (!err && opts->path)
		err = rs_trace_create(opts->path, meta, &s.writer, msg);
	if (!err && opts->argv) {
		err = rs_command_go(&s.command, msg);
		end->ran = s.running = !err;
	}
	if (err)
		goto out;
	s.start_ns = s.flushed_ns = now_ns();
	err = record(&s, msg);
	show_progress(&s, true);
	if (!err)
		err = finish(&s, msg);
out:
	rs_command_abandon(&s.command);
	rs_live_free(s.live);
	rs_trace_discard(s.writer);
	rs_analysis_free(s.analysis);
	json_decref(meta);
	if (s.signal_fd >= 0)
		close(s.signal_fd);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}
