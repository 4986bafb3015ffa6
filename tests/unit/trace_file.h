/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A trace file of known records, and what reading it must give
 */
#ifndef RS_TESTS_TRACE_FILE_H
#define RS_TESTS_TRACE_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/trace.h"

union record {
	struct rs_event ev;
	unsigned char bytes[RS_EVENT_MAX];
};

static char dir[] = "/tmp/rs-test-trace.XXXXXX";
static char file[128];

static __u64 rng_state = 0x9e3779b97f4a7c15ULL;

static inline __u64 rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

/* Records of some hundred bytes, as most are. */
#define RECORD_MAX 512

/* The same @i gives the same record, so that the reading side needs no copy. */
static inline void make_record(union record *rec, __u64 i)
{
	__u64 saved = rng_state;
	size_t size, at;

	rng_state = (i + 1) * 0x9e3779b97f4a7c15ULL;
	size = sizeof(rec->ev) + rng() % ((RECORD_MAX - sizeof(rec->ev)) / 8 + 1) * 8;
	for (at = 0; at < sizeof(rec->bytes); at += 8) {
		__u64 v = rng();

		memcpy(rec->bytes + at, &v, 8);
	}
	rec->ev.size = (__u16)size;
	rec->ev.ts = 1000000 + i * 10 - rng() % 50; /* CPUs are not in order */
	rng_state = saved;
}

static inline json_t *make_meta(void)
{
	json_t *meta = json_pack("{s:s, s:[s,s]}", "format", "remapscope-trace", "command", "true",
				 "\xc3\xa4");

	assert_non_null(meta);
	return meta;
}

static inline struct rs_trace_writer *create(const char *path)
{
	struct rs_trace_writer *w;
	struct rs_msg msg = { "" };
	json_t *meta = make_meta();
	int err = rs_trace_create(path, meta, &w, &msg);

	json_decref(meta);
	if (err)
		fail_msg("%s", msg.text);
	return w;
}

static inline void write_records(struct rs_trace_writer *w, __u64 from, __u64 nr)
{
	struct rs_msg msg;
	union record rec;
	__u64 i;

	for (i = from; i < from + nr; i++) {
		make_record(&rec, i);
		assert_int_equal(rs_trace_write(w, &rec.ev, &msg), 0);
	}
}

static inline void finish(struct rs_trace_writer *w)
{
	json_t *end = json_pack("{s:s}", "ended_by", "test");
	struct rs_msg msg = { "" };
	int err = rs_trace_finish(w, end, &msg);

	json_decref(end);
	if (err)
		fail_msg("%s", msg.text);
}

static inline void put_file(const void *data, size_t len)
{
	int fd;

	/* not O_TRUNC: ext4 writes a file emptied and filled again to the disk at once */
	unlink(file);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static inline size_t get_file(unsigned char *data, size_t room)
{
	int fd = open(file, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, data, room);
	assert_true(n >= 0 && (size_t)n < room);
	close(fd);
	return (size_t)n;
}

/* Read @file to its end; each record must be the one that make_record() gives. */
static inline struct rs_trace_state read_file_state(bool *has_end)
{
	const struct rs_event *ev;
	struct rs_trace_reader *r;
	struct rs_trace_state st;
	struct rs_msg msg = { "" };
	union record rec;
	__u64 nr = 0, last = 0;
	int ret;

	if (rs_trace_open(file, &r, &msg))
		fail_msg("%s", msg.text);
	rs_trace_state(r, &st);
	assert_false(st.complete);
	assert_null(rs_trace_end(r));
	while ((ret = rs_trace_next(r, &ev, &msg)) == 1) {
		make_record(&rec, nr++);
		assert_int_equal(ev->size, rec.ev.size);
		assert_memory_equal(ev, rec.bytes, ev->size);
		if (ev->ts > last)
			last = ev->ts;
	}
	assert_int_equal(ret, 0);
	assert_int_equal(rs_trace_next(r, &ev, &msg), 0);
	rs_trace_state(r, &st);
	assert_int_equal(st.records, nr);
	assert_int_equal(st.last_ts, last);
	assert_int_equal(st.complete, st.reason[0] == '\0');
	if (has_end)
		*has_end = rs_trace_end(r) != NULL;
	rs_trace_close(r);
	return st;
}

static inline void expect_open_fails(int want, const char *sentence)
{
	struct rs_trace_reader *r = (void *)1;
	struct rs_msg msg = { "" };

	assert_int_equal(rs_trace_open(file, &r, &msg), want);
	assert_null(r);
	if (!strstr(msg.text, sentence) || !strstr(msg.text, file))
		fail_msg("got '%s', not '%s'", msg.text, sentence);
}

static inline void expect_stops(__u64 records, const char *sentence)
{
	struct rs_trace_state st = read_file_state(NULL);

	assert_false(st.complete);
	assert_int_equal(st.records, records);
	if (!strstr(st.reason, sentence))
		fail_msg("got '%s', not '%s'", st.reason, sentence);
}

static inline int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/x.rst", dir);
	return 0;
}

static inline int teardown(void **state)
{
	char fifo[160];

	(void)state;
	/* left over when a test failed */
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	unlink(fifo);
	unlink(file);
	return rmdir(dir);
}

#endif /* RS_TESTS_TRACE_FILE_H */
