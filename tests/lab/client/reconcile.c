// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-reconcile [--lossy] REPORT BEFORE AFTER CLIENT: are the requests that remapscope reported the ones that
 * the test devices made, to the last one? REPORT is `remapscope report --json`; BEFORE and AFTER are
 * the module's counters (module/tally.c); CLIENT is lab-client's output, whose maps and unmaps are
 * compared too. In all, and device by device:
 *
 *   requests that were served, by operation, and the pages of pins and unpins
 *   requests that were refused, by operation and errno, where REPORT has errnos; else by reason
 *
 * --lossy: REPORT may own up to losses, and as many requests of it may be missing, or be taken for what
 * they are not, but no more. Devices, pages and errnos are not compared then.
 *
 * Skipped calls of sched_process_fork, exec and exit are told, and do not matter here.
 *
 * Says each difference. Exit status 1: there is one; 2: something could not be read.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define MAX_DEVICES 16
#define NAME_LEN    40

/* Those before MAP are devices' requests. */
enum call { PIN, UNPIN, READ, WRITE, MAP, UNMAP, NR_CALLS };

static const char *const call_names[NR_CALLS] = { "pin", "unpin", "read", "write", "map", "unmap" };

/* Errnos, and what a refusal's reason can stand for: see include/remapscope/path.h. */
enum result {
	OK,
	BUSY,	 /* EBUSY: window */
	INVALID, /* EINVAL, E2BIG: arguments, no mapping, no callback, no struct page */
	FAULT, /* EFAULT, EINTR: fault, wrong mm; others, as when killed while pages are charged */
	PERM,  /* EPERM: protection, of a copy also a dead mm */
	NOMEM,
	NODEV,
	ACCESS,
	NR_RESULTS,
};

static const char *const result_names[NR_RESULTS] = {
	"ok",	 "EBUSY",  "EINVAL or E2BIG", "EFAULT, EINTR or another",
	"EPERM", "ENOMEM", "ENODEV",	      "EACCES",
};

static const struct {
	const char *name;
	enum result result;
} errnos[] = {
	{ "ok", OK },	      { "EBUSY", BUSY },   { "EINVAL", INVALID }, { "E2BIG", INVALID },
	{ "EFAULT", FAULT },  { "EINTR", FAULT },  { "EPERM", PERM },	  { "ENOMEM", NOMEM },
	{ "ENODEV", NODEV },  { "EACCES", ACCESS }, { "other", FAULT },
}, reasons[] = {
	{ "window", BUSY },	  { "no-mapping", INVALID }, { "no-unmap-cb", INVALID },
	{ "arguments", INVALID }, { "pfnmap", INVALID },     { "fault", FAULT },
	{ "wrong-mm", FAULT },	  { "prot", PERM },	     { "memlock", NOMEM },
	{ "v1", ACCESS },	  { "other", FAULT },
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NR_ERRNOS     ARRAY_SIZE(errnos)

/**
 * struct book - what was asked for
 * @calls: by operation and result
 * @pages: of the calls that were served
 * @by_errno: of those that were refused, by the index of errnos[]
 */
struct book {
	char device[NAME_LEN];
	unsigned long long calls[NR_CALLS][NR_RESULTS];
	unsigned long long pages[NR_CALLS];
	unsigned long long by_errno[NR_CALLS][NR_ERRNOS];
};

/**
 * struct books - a side of the comparison
 * @all: every device
 * @has_errnos: @all's by_errno is known
 * @lost: what the report says that it lost, but for what of_processes() leaves out
 */
struct books {
	struct book all;
	struct book device[MAX_DEVICES];
	size_t nr;
	bool has_errnos;
	unsigned long long lost;
};

static int find_call(const char *name)
{
	for (int i = 0; i < NR_CALLS; i++)
		if (!strcmp(name, call_names[i]))
			return i;
	return -1;
}

static int find_errno(const char *name)
{
	for (size_t i = 0; i < NR_ERRNOS; i++)
		if (!strcmp(name, errnos[i].name))
			return i;
	return NR_ERRNOS - 1;
}

static struct book *find_device(struct books *b, const char *name)
{
	for (size_t i = 0; i < b->nr; i++)
		if (!strcmp(b->device[i].device, name))
			return &b->device[i];
	if (b->nr == MAX_DEVICES)
		return NULL;
	snprintf(b->device[b->nr].device, NAME_LEN, "%s", name);
	return &b->device[b->nr++];
}

/* ---- the module's and the client's side ---- */

static void book_add(struct book *b, int call, int error, long long calls, long long pages)
{
	enum result result = errnos[error].result;

	b->calls[call][result] += calls;
	if (result == OK)
		b->pages[call] += pages;
	else
		b->by_errno[call][error] += calls;
}

/* @sign: 1 for the state after, -1 for the one before */
static int read_counters(struct books *b, const char *path, int sign)
{
	char line[256], device[NAME_LEN], op[16], result[16];
	long long calls, amount;
	int n = 0, err = 0;
	FILE *f;

	f = fopen(path, "r");
	if (!f)
		return -errno;
	while (!err && fgets(line, sizeof(line), f)) {
		struct book *d;
		int call, error;

		if (sscanf(line, "device=%39s op=%15s result=%15s calls=%lld amount=%lld", device,
			   op, result, &calls, &amount) != 5)
			continue;
		n++;
		call = find_call(op);
		error = find_errno(result);
		/* The callback is no request. */
		if (call < 0)
			continue;
		d = find_device(b, device);
		if (!d) {
			err = -E2BIG;
			break;
		}
		book_add(d, call, error, sign * calls, sign * amount);
		book_add(&b->all, call, error, sign * calls, sign * amount);
	}
	fclose(f);
	return err ? err : n ? 0 : -ENODATA;
}

static int read_client(struct books *b, const char *path)
{
	char line[256], op[16], result[16];
	long long calls;
	int n = 0;
	FILE *f;

	f = fopen(path, "r");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		int call;

		if (sscanf(line, "client op=%15s result=%15s calls=%lld", op, result, &calls) != 3)
			continue;
		n++;
		call = find_call(op);
		/* Of the others a thread that was killed has not counted its last. */
		if (call == MAP || call == UNMAP)
			book_add(&b->all, call, find_errno(result), calls, 0);
	}
	fclose(f);
	return n ? 0 : -ENODATA;
}

/* ---- remapscope's side ---- */

static enum result result_of(int call, const char *path, const char *reason)
{
	if (strcmp(path, "refused"))
		return OK;
	if (!strcmp(reason, "dead-mm"))
		return call == PIN ? NODEV : PERM;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (!strcmp(reason, reasons[i].name))
			return reasons[i].result;
	return FAULT;
}

/* A request counts in the row of each path that it took; its time in one, which is how it is told. */
static int read_rows(struct book *b, const json_t *rows)
{
	const char *op, *path, *reason;
	json_int_t pages, samples;
	json_error_t error;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		int call;

		if (json_unpack_ex(row, &error, 0, "{s:s,s:s,s:s,s:I,s:{s:I}}", "op", &op, "path",
				   &path, "reason", &reason, "pages", &pages, "latency", "samples",
				   &samples)) {
			fprintf(stderr, "lab-reconcile: a row of requests: %s\n", error.text);
			return -EBADMSG;
		}
		call = find_call(op);
		if (call < 0)
			continue;
		b->calls[call][result_of(call, path, reason)] += samples;
		if (strcmp(path, "refused"))
			b->pages[call] += pages;
	}
	return 0;
}

static int read_failures(struct books *b, const json_t *failures)
{
	const char *name, *error;
	json_int_t count;
	json_t *f;
	size_t i;

	json_array_foreach(failures, i, f) {
		int call;

		if (json_unpack(f, "{s:s,s:s,s:I}", "call", &name, "error", &error, "count",
				&count))
			return -EBADMSG;
		call = find_call(name);
		if (call >= 0)
			b->all.by_errno[call][find_errno(error)] += count;
	}
	return 0;
}

static int read_devices(struct books *b, const json_t *devices)
{
	json_t *d, *rows;
	const char *name;
	size_t i;
	int err;

	json_array_foreach(devices, i, d) {
		struct book *book;

		if (json_unpack(d, "{s:s,s:o}", "name", &name, "requests", &rows)) {
			fprintf(stderr, "lab-reconcile: a device has no name\n");
			return -EBADMSG;
		}
		book = find_device(b, name);
		if (!book)
			return -E2BIG;
		err = read_rows(book, rows);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Processes' ends and the like are seen by two programs on a kernel that switches tasks anywhere, and what the report
 * says is how many both can have missed at most. These are no calls; all other losses count.
 */
static bool of_processes(const json_t *loss)
{
	const char *what = json_string_value(json_object_get(loss, "what"));

	if (!what || strncmp(what, "calls of sched_process_", 23))
		return false;
	printf("beside it: %lld %s\n",
	       (long long)json_integer_value(json_object_get(loss, "count")), what);
	return true;
}

static int read_report(struct books *b, const char *path, bool lossy)
{
	json_t *o, *rows, *failures, *devices, *losses, *loss;
	const char *mode;
	json_error_t error;
	int complete, err;
	size_t i;

	o = json_load_file(path, 0, &error);
	if (!o || json_unpack_ex(o, &error, 0, "{s:s,s:b,s:o,s:o,s:o,s:o}", "mode", &mode,
				 "complete", &complete, "requests", &rows, "devices", &devices,
				 "failures", &failures, "losses", &losses)) {
		fprintf(stderr, "lab-reconcile: %s: %s\n", path, error.text);
		err = -EBADMSG;
		goto out;
	}
	if (!complete) {
		fprintf(stderr, "lab-reconcile: %s: the recording is not complete\n", path);
		err = -EBADMSG;
		goto out;
	}
	json_array_foreach(losses, i, loss)
		if (!of_processes(loss))
			b->lost += json_integer_value(json_object_get(loss, "count"));
	/* Armed, what fails outside a window is only counted by its reason. */
	b->has_errnos = !strcmp(mode, "all");
	err = read_rows(&b->all, rows);
	if (!err)
		err = read_failures(b, failures);
	/* What was lost may have been what told a device's name. */
	if (!err && !lossy)
		err = read_devices(b, devices);
out:
	json_decref(o);
	return err;
}

/* ---- the comparison ---- */

static int differ(const char *where, const char *call, const char *what, unsigned long long truth,
		  unsigned long long told)
{
	if (truth == told)
		return 0;
	printf("%s: %s %s: %llu were made, %llu were reported\n", where, call, what, truth, told);
	return 1;
}

static int compare(const char *where, const struct book *truth, const struct book *told, int calls)
{
	int bad = 0;

	for (int c = 0; c < calls; c++) {
		for (int r = 0; r < NR_RESULTS; r++)
			bad += differ(where, call_names[c], result_names[r], truth->calls[c][r],
				      told->calls[c][r]);
		if (c == PIN || c == UNPIN)
			bad += differ(where, call_names[c], "pages", truth->pages[c],
				      told->pages[c]);
	}
	return bad;
}

static int compare_all(struct books *truth, struct books *told)
{
	unsigned long long calls = 0;
	int bad;

	bad = compare("in all", &truth->all, &told->all, NR_CALLS);
	for (int c = 0; c < MAP && told->has_errnos; c++)
		for (size_t e = 0; e < NR_ERRNOS; e++)
			bad += differ("in all", call_names[c], errnos[e].name,
				      truth->all.by_errno[c][e], told->all.by_errno[c][e]);
	for (size_t i = 0; i < truth->nr; i++) {
		const char *name = truth->device[i].device;
		struct book *d = find_device(told, name);

		/* One that asked for nothing is not reported, and equals an empty book. */
		bad += d ? compare(name, &truth->device[i], d, MAP) : 1;
	}
	/* Others that were only opened are reported too; nobody else asks for anything here. */
	for (size_t i = 0; i < told->nr; i++) {
		const struct book nothing = { .device = "" };

		if (!find_device(truth, told->device[i].device))
			bad += compare(told->device[i].device, &nothing, &told->device[i], MAP);
	}
	for (int c = 0; c < NR_CALLS; c++)
		for (int r = 0; r < NR_RESULTS; r++)
			calls += truth->all.calls[c][r];
	printf("%llu requests, %llu pages pinned, %llu unpinned: %d difference%s\n", calls,
	       truth->all.pages[PIN], truth->all.pages[UNPIN], bad, bad == 1 ? "" : "s");
	return calls ? bad : bad + 1;
}

/* What is missing in one place may be too much in another. */
static int compare_lossy(const struct books *truth, const struct books *told)
{
	unsigned long long calls = 0, off = 0;

	for (int c = 0; c < MAP; c++)
		for (int r = 0; r < NR_RESULTS; r++) {
			unsigned long long made = truth->all.calls[c][r];
			unsigned long long reported = told->all.calls[c][r];

			calls += made;
			off += made > reported ? made - reported : reported - made;
		}
	printf("%llu requests, %llu off, with %llu reported as lost\n", calls, off, told->lost);
	return !calls || off > 2 * told->lost;
}

int main(int argc, char **argv)
{
	bool lossy = argc > 1 && !strcmp(argv[1], "--lossy");
	struct books truth = { 0 }, told = { 0 };
	int err;

	argv += lossy;
	if (argc - lossy != 5) {
		fprintf(stderr, "usage: lab-reconcile [--lossy] REPORT BEFORE AFTER CLIENT\n");
		return 2;
	}
	err = read_counters(&truth, argv[2], -1);
	if (!err)
		err = read_counters(&truth, argv[3], 1);
	if (!err)
		err = read_client(&truth, argv[4]);
	if (!err)
		err = read_report(&told, argv[1], lossy);
	if (err) {
		fprintf(stderr, "lab-reconcile: %s\n", strerror(-err));
		return 2;
	}
	if (lossy)
		return compare_lossy(&truth, &told);
	if (told.lost) {
		printf("%llu reported as lost\n", told.lost);
		return 1;
	}
	return compare_all(&truth, &told) ? 1 : 0;
}
