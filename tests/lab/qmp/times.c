// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-times REPORT LOG MONITOR...: holds the times of an update in REPORT (remapscope report --json) against
 * what QEMU says of the same moments: its trace events in LOG (-msg timestamp=on), and the events of its monitor,
 * as lab-qmp -l writes them. Ends with 0 when all agree.
 *
 * No moment of ours has an event of QEMU's that is the same one; each has to lie between two that are before and after
 * it whatever the scheduler does, the nearest that QEMU has:
 *
 *   stopped      runstate_set finish-migrate ... kvm_io_window_exit or kvm_run_exit after the vCPUs' last KVM_RUN; this
 *                alone if it was the earlier one
 *   STOP         runstate_set finish-migrate ... STOP, sent when all vCPUs and devices have stopped
 *   invalidated  src-iterable-saved ... src-non-iterable-saved: the container is the last that is saved
 *   exec         cpr_exec ... the first that the new program says
 *   remapped     src-non-iterable-saved ... dst-precopy-loadvm-completed
 *   running      kvm_vcpu_ioctl, the first KVM_RUN ... the next that is said of the vCPU
 *   blackout     STOP ... RESUME, which does not have all of it; finish-migrate ... the end of that KVM_RUN, which has
 *                more; by QMP: STOP ... RESUME
 *
 * or beyond by no more than 2 ms and 2 % of the blackout. What is printed is how far it is from both. Also the phases
 * have to follow on each other and to add up to the blackout, less than 10 % of it unattributed.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#define SLACK_NS     2000000
#define SLACK_PART   50 /* 2 % */
#define UNATTRIBUTED 10 /* a tenth */

enum moment {
	Q_STOPPING,
	Q_STOP,
	Q_SAVING,
	Q_SAVED,
	Q_LEFT,
	Q_NEW,
	Q_LOADED,
	Q_RESUME,
	Q_RUNNING,
	Q_EXIT,
	Q_NR
};

/* What is in a line of the log; the others are the monitor's, or see read_line(). */
static const char *const text[Q_NR] = {
	[Q_STOPPING] = "new_state 7 (finish-migrate)",
	[Q_SAVING] = "vmstate_downtime_checkpoint src-iterable-saved",
	[Q_SAVED] = "vmstate_downtime_checkpoint src-non-iterable-saved",
	[Q_LEFT] = "Z cpr_exec ",
	[Q_LOADED] = "vmstate_downtime_checkpoint dst-precopy-loadvm-completed",
	[Q_RUNNING] = "(inmigrate) new_state 9 (running)",
};

#define CALLS_MAX 16

/* A call of KVM_RUN by the new QEMU */
struct call {
	int64_t begin;
	int64_t end; /* the next that QEMU says of the vCPU, which is later than the return */
	bool interrupted;
};

struct times {
	int64_t at[Q_NR]; /* CLOCK_REALTIME, ns; 0: QEMU did not say */
	struct call call[CALLS_MAX];
	int nr_calls;
	bool kicked; /* the old one's vCPU was asked to leave the guest before it entered it */
	int64_t slack;
	bool bad;
};

static int64_t log_time(const char *line)
{
	struct tm tm = { 0 };
	unsigned int us;

	if (sscanf(line, "%d-%d-%dT%d:%d:%d.%uZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		   &tm.tm_min, &tm.tm_sec, &us) != 7)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return timegm(&tm) * 1000000000LL + us * 1000LL;
}

static void read_vcpu(struct times *t, const char *line, int64_t at)
{
	bool interrupted = strstr(line, "kvm_io_window_exit");
	bool called = strstr(line, "kvm_vcpu_ioctl");
	struct call *last = t->nr_calls ? &t->call[t->nr_calls - 1] : NULL;

	if (!t->at[Q_RUNNING]) {
		/* An interrupted call of one that was asked before did not run the guest. */
		if (strstr(line, "kvm_run_exit ") || (interrupted && !t->kicked))
			t->at[Q_EXIT] = at;
		if (strstr(line, "kvm_interrupt_exit_request"))
			t->kicked = true;
		else if (interrupted)
			t->kicked = false;
		return;
	}
	if (!interrupted && !called)
		return;
	if (last && !last->end) {
		last->end = at;
		last->interrupted = interrupted;
	}
	if (called && strstr(line, "type 0xae80") && t->nr_calls < CALLS_MAX)
		t->call[t->nr_calls++].begin = at;
}

static void read_line(struct times *t, const char *line, int64_t at)
{
	if (t->at[Q_LEFT] && !t->at[Q_NEW])
		t->at[Q_NEW] = at;
	for (int i = 0; i < Q_NR; i++) {
		if (text[i] && strstr(line, text[i]))
			t->at[i] = at;
	}
	read_vcpu(t, line, at);
}

/* The log has one update. */
static int read_log(struct times *t, const char *path)
{
	FILE *f = fopen(path, "re");
	int64_t last = 0;
	char line[4096];

	if (!f) {
		perror(path);
		return -1;
	}
	while (fgets(line, sizeof(line), f)) {
		int64_t at = log_time(line);

		if (!at)
			continue;
		read_line(t, line, at);
		last = at;
	}
	fclose(f);
	/* A vCPU that had left the guest for something else does not enter it again. */
	if (t->at[Q_EXIT] && t->at[Q_EXIT] < t->at[Q_STOPPING])
		t->at[Q_STOPPING] = t->at[Q_EXIT];
	if (t->nr_calls && !t->call[t->nr_calls - 1].end)
		t->call[t->nr_calls - 1].end = last;
	return 0;
}

static int64_t event_time(const json_t *message, const char *name)
{
	const json_t *stamp = json_object_get(message, "timestamp");
	const char *is = json_string_value(json_object_get(message, "event"));

	if (!is || strcmp(is, name))
		return 0;
	return json_integer_value(json_object_get(stamp, "seconds")) * 1000000000LL +
	       json_integer_value(json_object_get(stamp, "microseconds")) * 1000LL;
}

/* Of one monitor's log: the last time that something was said after @after, or the first one. */
static int find_event(const char *path, const char *name, bool last, int64_t after, int64_t *found)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!f) {
		perror(path);
		return -1;
	}
	while (getline(&line, &room, f) > 0) {
		char *text = strchr(line, '{');
		json_t *message = text ? json_loads(text, 0, NULL) : NULL;
		int64_t at = event_time(message, name);

		json_decref(message);
		if (at > after && (!*found || (last ? at > *found : at < *found)))
			*found = at;
	}
	free(line);
	fclose(f);
	return 0;
}

/* The last STOP, and the first RESUME after it, which can be another QEMU's. */
static int read_monitors(struct times *t, char **path, int n)
{
	int err = 0;

	for (int i = 0; i < n && !err; i++)
		err = find_event(path[i], "STOP", true, 0, &t->at[Q_STOP]);
	for (int i = 0; i < n && !err; i++)
		err = find_event(path[i], "RESUME", false, t->at[Q_STOP], &t->at[Q_RESUME]);
	return err;
}

static void complain(struct times *t, const char *what)
{
	printf("   %s\n", what);
	t->bad = true;
}

/* @least, @most: in ns, what QEMU says. Prints how far from each @is lies. */
static void hold(struct times *t, const char *what, int64_t is, int64_t least, int64_t most)
{
	int64_t beyond = is < least ? least - is : is > most ? is - most : 0;

	printf("   %-12s ", what);
	if (least == most)
		printf("%+10.3f ms from QEMU's", (is - least) / 1e6);
	else
		printf("%+10.3f ms from the first, %+10.3f ms from the second of QEMU's",
		       (is - least) / 1e6, (is - most) / 1e6);
	if (beyond)
		printf("; %.3f ms beyond, %.3f ms allowed", beyond / 1e6, t->slack / 1e6);
	putchar('\n');
	if (most < least)
		complain(t, "QEMU's own two are the wrong way round");
	if (beyond > t->slack)
		complain(t, "that is too much");
}

static void hold_moment(struct times *t, const char *what, int64_t is, enum moment from,
			enum moment to)
{
	if (!is || !t->at[from] || !t->at[to]) {
		printf("   %s: %s does not say when\n", what, is ? "QEMU" : "remapscope");
		t->bad = true;
		return;
	}
	hold(t, what, is, t->at[from], t->at[to]);
}

/*
 * The guest's first entry is in a call of QEMU's, and those before it were interrupted: a vCPU can be asked to leave
 * the guest before it is in it, and then is not. Return: where the call ends, 0: there is none
 */
static int64_t hold_entry(struct times *t, int64_t is)
{
	for (int i = 0; i < t->nr_calls; i++) {
		const struct call *c = &t->call[i];
		bool last = i == t->nr_calls - 1;

		/* Beyond this one, and this one may be left out */
		if (!last && c->interrupted && is > c->end)
			continue;
		hold(t, "running", is, c->begin, c->end);
		if (i)
			printf("   times that KVM_RUN was interrupted before: %d\n", i);
		return c->end;
	}
	complain(t, "QEMU does not say when a vCPU ran again");
	return 0;
}

/* The latest or the earliest of a list's; 0: there is none. */
static int64_t extreme(const json_t *list, const char *key, bool latest)
{
	int64_t found = 0;
	const json_t *e;
	size_t i;

	json_array_foreach(list, i, e) {
		int64_t v = json_integer_value(json_object_get(e, key));

		if (v && (!found || (latest ? v > found : v < found)))
			found = v;
	}
	return found;
}

static void hold_phases(struct times *t, const json_t *update, int64_t blackout)
{
	const json_t *phases = json_object_get(update, "phases"), *e;
	int64_t sum = 0, unknown = 0, next = 0;
	size_t i;

	json_array_foreach(phases, i, e) {
		int64_t start = json_integer_value(json_object_get(e, "start_ns"));
		int64_t len = json_integer_value(json_object_get(e, "len_ns"));
		const char *name = json_string_value(json_object_get(e, "name"));

		if (next && start != next)
			complain(t, "the phases do not follow on each other");
		next = start + len;
		sum += len;
		if (name && !strcmp(name, "unattributed"))
			unknown += len;
	}
	printf("   %zu phases, %.3f ms unattributed\n", json_array_size(phases), unknown / 1e6);
	if (sum != blackout)
		complain(t, "the phases do not add up to the blackout");
	if (unknown * UNATTRIBUTED >= blackout)
		complain(t, "too much is unattributed");
}

static int compare(struct times *t, const json_t *report)
{
	const json_t *update = json_array_get(json_object_get(report, "updates"), 0);
	const json_t *windows = json_object_get(report, "windows");
	const json_t *vcpus = json_object_get(update, "vcpus");
	const char *from = json_string_value(json_object_get(update, "blackout_from"));
	int64_t zero, blackout, exec, stop, run, entered = 0;

	zero = json_integer_value(
		json_object_get(json_object_get(report, "clock"), "realtime_offset_ns"));
	blackout = json_integer_value(json_object_get(update, "blackout_len_ns"));
	if (!zero || !blackout || !from) {
		fprintf(stderr, "lab-times: the report has no update with a blackout\n");
		return -1;
	}
	t->slack = SLACK_NS + blackout / SLACK_PART;
	stop = extreme(vcpus, "stop_ns", true);
	run = extreme(vcpus, "run_ns", false);
	exec = json_integer_value(json_object_get(update, "exec_ns"));
	printf("   blackout %.3f ms, by %s\n", blackout / 1e6, from);
	if (!strcmp(from, "vcpus")) {
		hold_moment(t, "stopped", stop ? stop + zero : 0, Q_STOPPING, Q_EXIT);
		hold_moment(t, "STOP", stop ? stop + zero : 0, Q_STOPPING, Q_STOP);
	}
	hold_moment(t, "invalidated", extreme(windows, "open_ns", false) + zero, Q_SAVING, Q_SAVED);
	if (exec)
		hold_moment(t, "exec", exec + zero, Q_LEFT, Q_NEW);
	hold_moment(t, "remapped", extreme(windows, "close_ns", true) + zero, Q_SAVED, Q_LOADED);
	if (!strcmp(from, "vcpus"))
		entered = hold_entry(t, run + zero);
	if (!t->at[Q_STOP] || !t->at[Q_RESUME])
		complain(t, "the monitors do not say that the guest stopped, and ran again");
	else if (!strcmp(from, "vcpus"))
		hold(t, "blackout", blackout, t->at[Q_RESUME] - t->at[Q_STOP],
		     entered - t->at[Q_STOPPING]);
	else if (!strcmp(from, "qmp"))
		hold(t, "blackout", blackout, t->at[Q_RESUME] - t->at[Q_STOP],
		     t->at[Q_RESUME] - t->at[Q_STOP]);
	hold_phases(t, update, blackout);
	return 0;
}

int main(int argc, char **argv)
{
	struct times t = { 0 };
	json_error_t error;
	json_t *report;
	int err;

	if (argc < 4) {
		fprintf(stderr, "usage: lab-times REPORT LOG MONITOR...\n");
		return 2;
	}
	report = json_load_file(argv[1], 0, &error);
	if (!report) {
		fprintf(stderr, "lab-times: %s: %s\n", argv[1], error.text);
		return 2;
	}
	err = read_log(&t, argv[2]);
	if (!err)
		err = read_monitors(&t, argv + 3, argc - 3);
	if (!err)
		err = compare(&t, report);
	json_decref(report);
	return err ? 2 : t.bad;
}
