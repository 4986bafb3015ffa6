// SPDX-License-Identifier: GPL-2.0-only
/* The trace file: what is written is read again; what is cut, flipped or not written is said. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "trace_file.h"

#define SMALL_CHUNKS	3
#define SMALL_PER_CHUNK 4

/* bounds[n]: where the n-th chunk ends; [0] is META's end. Return: the file's length */
static size_t small_file(unsigned char *data, size_t room, __u64 *bounds)
{
	struct rs_trace_writer *w = create(file);
	struct rs_msg msg;
	__u64 records;
	int i;

	rs_trace_written(w, &records, &bounds[0]);
	for (i = 0; i < SMALL_CHUNKS; i++) {
		write_records(w, (__u64)i * SMALL_PER_CHUNK, SMALL_PER_CHUNK);
		assert_int_equal(rs_trace_flush(w, &msg), 0);
		rs_trace_written(w, &records, &bounds[i + 1]);
		assert_int_equal(records, (i + 1) * SMALL_PER_CHUNK);
	}
	finish(w);
	return get_file(data, room);
}

static void test_round_trip(void **state)
{
	struct rs_trace_writer *w = create(file);
	struct rs_trace_reader *r;
	struct rs_trace_state st;
	struct rs_msg msg;
	json_t *meta = make_meta();
	__u64 records, bytes;
	struct stat sb;
	bool has_end;

	(void)state;
	write_records(w, 0, 10000);
	rs_trace_written(w, &records, &bytes);
	/* 256 KiB a chunk, 2.7 MB of records */
	assert_in_range(records, 9000, 9999);
	finish(w);
	st = read_file_state(&has_end);
	assert_true(st.complete);
	assert_true(has_end);
	assert_int_equal(st.records, 10000);
	assert_int_equal(stat(file, &sb), 0);
	assert_int_equal(st.bytes, sb.st_size);
	assert_int_equal(sb.st_mode & 07777, 0600);

	assert_int_equal(rs_trace_open(file, &r, &msg), 0);
	assert_true(json_equal(rs_trace_meta(r), meta));
	rs_trace_close(r);
	json_decref(meta);
}

static void test_no_records(void **state)
{
	struct rs_trace_writer *w = create(file);
	struct rs_trace_state st;
	struct rs_msg msg;
	bool has_end;

	(void)state;
	assert_int_equal(rs_trace_flush(w, &msg), 0);
	finish(w);
	st = read_file_state(&has_end);
	assert_true(st.complete && has_end);
	assert_int_equal(st.records, 0);
}

/* Chunks full of records of one size each: the border is met in every way there is. */
static void test_every_record_size(void **state)
{
	struct rs_trace_writer *w = create(file);
	const struct rs_event *ev;
	struct rs_trace_reader *r;
	union record rec = { .bytes = { 0 } };
	struct rs_msg msg;
	__u32 size, i, nr;

	(void)state;
	for (size = sizeof(rec.ev); size <= RS_EVENT_MAX; size += 8) {
		rec.ev.size = (__u16)size;
		nr = (256U << 10) / size + 2;
		for (i = 0; i < nr; i++) {
			rec.ev.ts = rec.ev.seq = i;
			assert_int_equal(rs_trace_write(w, &rec.ev, &msg), 0);
		}
		assert_int_equal(rs_trace_flush(w, &msg), 0);
	}
	finish(w);
	assert_int_equal(rs_trace_open(file, &r, &msg), 0);
	for (size = sizeof(rec.ev); size <= RS_EVENT_MAX; size += 8) {
		rec.ev.size = (__u16)size;
		nr = (256U << 10) / size + 2;
		for (i = 0; i < nr; i++) {
			rec.ev.ts = rec.ev.seq = i;
			assert_int_equal(rs_trace_next(r, &ev, &msg), 1);
			assert_int_equal(ev->size, size);
			assert_memory_equal(ev, rec.bytes, size);
		}
	}
	assert_int_equal(rs_trace_next(r, &ev, &msg), 0);
	rs_trace_close(r);
}

static void test_bad_record_refused(void **state)
{
	static const __u16 sizes[] = { 0, 8, 32, 44, RS_EVENT_MAX + 8, 65528 };
	struct rs_trace_writer *w = create(file);
	struct rs_trace_state st;
	struct rs_msg msg;
	union record rec;
	size_t i;

	(void)state;
	write_records(w, 0, 1);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make_record(&rec, 1);
		rec.ev.size = sizes[i];
		assert_int_equal(rs_trace_write(w, &rec.ev, &msg), -EINVAL);
		assert_non_null(strstr(msg.text, file));
	}
	write_records(w, 1, 1);
	finish(w);
	st = read_file_state(NULL);
	assert_true(st.complete);
	assert_int_equal(st.records, 2);
}

static void test_every_truncation(void **state)
{
	unsigned char data[16 << 10];
	__u64 bounds[SMALL_CHUNKS + 1];
	size_t size = small_file(data, sizeof(data), bounds);
	struct rs_trace_state st;
	size_t len;
	int whole;

	(void)state;
	for (len = 0; len < size; len++) {
		put_file(data, len);
		if (len < bounds[0]) {
			expect_open_fails(-EINVAL, len ? " is damaged: " : " is empty");
			continue;
		}
		for (whole = 0; whole < SMALL_CHUNKS && bounds[whole + 1] <= len;)
			whole++;
		st = read_file_state(NULL);
		assert_false(st.complete);
		assert_int_equal(st.records, whole * SMALL_PER_CHUNK);
		assert_int_equal(st.bytes, bounds[whole]);
		if (len == bounds[whole])
			assert_string_equal(st.reason, "the recording was not ended: no END chunk");
		else
			assert_non_null(strstr(st.reason, "the file ends inside a chunk at byte "));
	}
	put_file(data, size);
	assert_true(read_file_state(NULL).complete);
}

static void test_every_bit_flip(void **state)
{
	unsigned char data[16 << 10];
	__u64 bounds[SMALL_CHUNKS + 1];
	size_t size = small_file(data, sizeof(data), bounds);
	size_t bit;

	(void)state;
	for (bit = 0; bit < size * 8; bit++) {
		struct rs_trace_state st;
		int whole;

		data[bit / 8] ^= (unsigned char)(1U << bit % 8);
		put_file(data, size);
		data[bit / 8] ^= (unsigned char)(1U << bit % 8);
		if (bit / 8 < bounds[0]) {
			struct rs_trace_reader *r;
			struct rs_msg msg = { "" };
			int err = rs_trace_open(file, &r, &msg);

			assert_true(err == -EINVAL || err == -EPROTONOSUPPORT);
			assert_non_null(strstr(msg.text, file));
			continue;
		}
		for (whole = 0; whole < SMALL_CHUNKS && bounds[whole + 1] <= bit / 8;)
			whole++;
		st = read_file_state(NULL);
		assert_false(st.complete);
		assert_int_equal(st.records, whole * SMALL_PER_CHUNK);
		assert_int_equal(st.bytes, bounds[whole]);
	}
}

static void expect_create_fails(const char *path, int want, const char *sentence)
{
	struct rs_trace_writer *w = (void *)1;
	struct rs_msg msg = { "" };
	json_t *meta = make_meta();

	assert_int_equal(rs_trace_create(path, meta, &w, &msg), want);
	assert_null(w);
	json_decref(meta);
	if (!strstr(msg.text, sentence) || !strstr(msg.text, path))
		fail_msg("got '%s', not '%s'", msg.text, sentence);
}

static void test_unwritable(void **state)
{
	char path[160], want[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/missing/x.rst", dir);
	snprintf(want, sizeof(want), "cannot write \"%s\": No such file or directory", path);
	expect_create_fails(path, -ENOENT, want);
	expect_create_fails(dir, -EISDIR, "Is a directory");
	expect_create_fails("/dev/full", -ENOSPC, "cannot write \"/dev/full\": No space left");
}

/* The node names no device at all: should it be opened after all, nothing is harmed. */
static void test_block_device(void **state)
{
	char path[160];
	int err;

	(void)state;
	snprintf(path, sizeof(path), "%s/block", dir);
	if (mknod(path, S_IFBLK | 0600, makedev(4000, 77)))
		skip();
	expect_create_fails(path, -ENOTSUP, "it is a block device");
	err = unlink(path);
	assert_int_equal(err, 0);
}

static void test_bad_json_spares_file(void **state)
{
	struct rs_trace_writer *w;
	unsigned char data[16];
	json_t *meta = json_array();
	struct rs_msg msg;

	(void)state;
	put_file("precious", 8);
	assert_int_equal(rs_trace_create(file, meta, &w, &msg), -EINVAL);
	assert_non_null(strstr(msg.text, "it is not a JSON object"));
	assert_int_equal(rs_trace_create(file, NULL, &w, &msg), -EINVAL);
	json_decref(meta);
	assert_int_equal(get_file(data, sizeof(data)), 8);
	assert_memory_equal(data, "precious", 8);

	w = create(file);
	write_records(w, 0, 2);
	assert_int_equal(rs_trace_finish(w, NULL, &msg), -EINVAL);
	assert_non_null(strstr(msg.text, "it is not a JSON object"));
	expect_stops(2, "no END chunk");
}

static void test_replaces(void **state)
{
	static const char junk[5000];
	struct stat st;

	(void)state;
	put_file(junk, sizeof(junk));
	assert_int_equal(chmod(file, 0644), 0);
	finish(create(file));
	assert_true(read_file_state(NULL).complete);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_not_regular(void **state)
{
	unsigned char data[4096];
	char fifo[160];
	struct rs_trace_writer *w;
	ssize_t n, len = 0;
	int fd;

	(void)state;
	w = create("/dev/null");
	write_records(w, 0, 3000);
	finish(w);

	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	w = create(fifo);
	write_records(w, 0, 2);
	finish(w);
	while ((n = read(fd, data + len, sizeof(data) - (size_t)len)) > 0)
		len += n;
	close(fd);
	put_file(data, (size_t)len);
	assert_true(read_file_state(NULL).complete);
	assert_int_equal(read_file_state(NULL).records, 2);
	assert_int_equal(unlink(fifo), 0);
}

static int handled = -1;

static void on_signal(int sig)
{
	int saved = errno;

	(void)sig;
	if (write(handled, "x", 1) != 1)
		_exit(1);
	errno = saved;
}

/* Interrupt @pid in the system call that it sleeps in, several times; @ack: its handler's word */
static int interrupt(pid_t pid, int ack)
{
	char path[64], stat[512], token;
	int round;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (round = 0; round < 5; round++) {
		const char *after;

		do {
			int fd = open(path, O_RDONLY);
			ssize_t n = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);

			if (n <= 0)
				return -1;
			close(fd);
			stat[n] = '\0';
			after = strrchr(stat, ')');
		} while (after && strncmp(after, ") S", 3));
		if (!after || kill(pid, SIGUSR1) || read(ack, &token, 1) != 1)
			return -1;
	}
	return 0;
}

static int copy(int from, int to)
{
	char data[4096];
	ssize_t n;

	while ((n = read(from, data, sizeof(data))) > 0)
		if (write(to, data, (size_t)n) != n)
			return -1;
	return (int)n;
}

/* The child interrupts its parent, then copies from the pipe to @file or, not @takes, back. */
static pid_t start_other_end(const char *fifo, bool takes, const int *ack)
{
	pid_t parent = getpid(), pid = fork();
	int in, out;

	assert_true(pid >= 0);
	if (pid)
		return pid;
	in = open(takes ? fifo : file, O_RDONLY);
	out = takes ? open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600) : open(fifo, O_WRONLY);
	if (in < 0 || out < 0 || interrupt(parent, ack[0]) || copy(in, out))
		_exit(1);
	_exit(0);
}

static void test_interrupted(void **state)
{
	struct sigaction act = { .sa_handler = on_signal }, old; /* without SA_RESTART */
	struct rs_trace_writer *w;
	struct rs_trace_state st;
	char fifo[sizeof(file)], saved[sizeof(file)];
	int ack[2], status;
	pid_t pid;

	(void)state;
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(pipe(ack), 0);
	handled = ack[1];
	assert_int_equal(sigaction(SIGUSR1, &act, &old), 0);

	/* more than the pipe holds: the writer sleeps until the child reads */
	pid = start_other_end(fifo, true, ack);
	w = create(fifo);
	write_records(w, 0, 2000);
	finish(w);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	st = read_file_state(NULL);
	assert_true(st.complete);
	assert_int_equal(st.records, 2000);

	/* nothing comes: the reader sleeps until the child writes */
	memcpy(saved, file, sizeof(file));
	pid = start_other_end(fifo, false, ack);
	memcpy(file, fifo, sizeof(file));
	st = read_file_state(NULL);
	memcpy(file, saved, sizeof(file));
	assert_true(st.complete);
	assert_int_equal(st.records, 2000);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);

	sigaction(SIGUSR1, &old, NULL);
	close(ack[0]);
	close(ack[1]);
	assert_int_equal(unlink(fifo), 0);
}

/* A pipe whose reader leaves; nothing can be cut back. */
static void test_broken_pipe(void **state)
{
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	struct rs_trace_writer *w;
	struct rs_msg msg = { "" };
	char fifo[160];
	json_t *end = json_object();
	int fd;

	(void)state;
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	w = create(fifo);
	close(fd);
	write_records(w, 0, 2);
	assert_int_equal(rs_trace_flush(w, &msg), -EPIPE);
	assert_non_null(strstr(msg.text, "Broken pipe"));
	assert_int_equal(rs_trace_finish(w, end, &msg), -EPIPE);
	assert_non_null(strstr(msg.text, "2 records are not in it"));
	json_decref(end);
	assert_int_equal(unlink(fifo), 0);
	signal(SIGPIPE, old);
}

/* RLIMIT_FSIZE is a full disk: the last write is short, the one after it fails. */
static void test_full_disk(void **state)
{
	void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
	struct rlimit saved, limit;
	struct rs_trace_writer *w;
	struct rs_trace_state st;
	struct rs_msg msg = { "" };
	__u64 i, records, bytes;
	json_t *end = json_object();
	union record rec;
	struct stat sb;
	char want[256];
	int err = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	limit = saved;
	limit.rlim_cur = 1000000;
	w = create(file);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (i = 0; !err && i < 100000; i++) {
		make_record(&rec, i);
		err = rs_trace_write(w, &rec.ev, &msg);
	}
	assert_int_equal(err, -EFBIG);
	snprintf(want, sizeof(want), "cannot write \"%s\": File too large", file);
	assert_string_equal(msg.text, want);
	rs_trace_written(w, &records, &bytes);
	assert_in_range(records, 1, i - 1);
	assert_in_range(bytes, 1, 999999);

	/* room again, but the file stays a prefix */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	assert_int_equal(stat(file, &sb), 0);
	assert_int_equal(sb.st_size, bytes);
	msg.text[0] = '\0';
	assert_int_equal(rs_trace_write(w, &rec.ev, &msg), -EFBIG);
	assert_string_equal(msg.text, want);
	assert_int_equal(rs_trace_flush(w, &msg), -EFBIG);
	assert_int_equal(rs_trace_finish(w, end, &msg), -EFBIG);
	json_decref(end);
	snprintf(want, sizeof(want), "; %llu records are not in it",
		 (unsigned long long)(i + 1 - records));
	assert_non_null(strstr(msg.text, want));

	st = read_file_state(NULL);
	assert_false(st.complete);
	assert_int_equal(st.records, records);
	assert_int_equal(st.bytes, bytes);
	assert_string_equal(st.reason, "the recording was not ended: no END chunk");
	signal(SIGXFSZ, old);
}

static void test_discard(void **state)
{
	struct rs_trace_writer *w = create(file);
	struct rs_msg msg;

	(void)state;
	write_records(w, 0, 5);
	assert_int_equal(rs_trace_flush(w, &msg), 0);
	rs_trace_discard(w);
	rs_trace_discard(NULL);
	rs_trace_close(NULL);
	expect_stops(5, "no END chunk");
}

/* Killed somewhere in its work: the parent only waits until some chunks must be there. */
static void test_killed_writer(void **state)
{
	struct rs_trace_state st;
	int round;

	(void)state;
	for (round = 0; round < 8; round++) {
		char token[64];
		int tell[2], status;
		ssize_t n;
		size_t seen = 0;
		pid_t pid;

		assert_int_equal(pipe(tell), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (!pid) {
			struct rs_trace_writer *w;
			json_t *meta = make_meta();
			union record rec;
			struct rs_msg msg;
			__u64 i;

			close(tell[0]);
			if (rs_trace_create(file, meta, &w, &msg))
				_exit(1);
			for (i = 0;; i++) {
				make_record(&rec, i);
				if (rs_trace_write(w, &rec.ev, &msg))
					_exit(1);
				if (i % 50 == 49 &&
				    (rs_trace_flush(w, &msg) || write(tell[1], "x", 1) != 1))
					_exit(1);
			}
		}
		close(tell[1]);
		while (seen < 20U + (unsigned int)round && (n = read(tell[0], token, 1)) > 0)
			seen += (size_t)n;
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		close(tell[0]);
		st = read_file_state(NULL);
		assert_false(st.complete);
		assert_true(st.records >= seen * 50);
		assert_int_equal(st.records % 50, 0);
	}
}

static void test_long_path(void **state)
{
	struct rs_trace_reader *r;
	struct rs_msg msg;
	char path[3000];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(rs_trace_open(path, &r, &msg), -ENAMETOOLONG);
	assert_non_null(strstr(msg.text, "File name too long"));
	assert_int_equal(rs_trace_open(path, &r, NULL), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_no_records),
		cmocka_unit_test(test_every_record_size),
		cmocka_unit_test(test_bad_record_refused),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_bit_flip),
		cmocka_unit_test(test_unwritable),
		cmocka_unit_test(test_block_device),
		cmocka_unit_test(test_bad_json_spares_file),
		cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_not_regular),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_broken_pipe),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_discard),
		cmocka_unit_test(test_killed_writer),
		cmocka_unit_test(test_long_path),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
