// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading trace files. Nothing in a file is believed: sizes are held against limits before memory is
 * taken, every byte is under a checksum, and a chunk's records are walked before the first of them is
 * handed out.
 */
#include "trace/trace.h"
#include "trace/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct buffer {
	unsigned char *data;
	size_t room;
};

struct rs_trace_reader {
	int fd;
	bool inflating; /* z is initialised */
	bool stopped;	/* st says why */
	char *path;
	z_stream z;
	json_t *meta;
	json_t *end;
	struct buffer stored; /* a chunk's payload as it is in the file */
	struct buffer raw;    /* the records of the current chunk */
	size_t len;	      /* how much of raw is valid */
	size_t at;	      /* the next record in raw */
	__u64 pos;	      /* all before this was read and is good */
	int err;	      /* why the file cannot be read any more */
	struct rs_trace_state st;
};

static int fail(const struct rs_trace_reader *r, int err, struct rs_msg *msg)
{
	return rs_msg_set(msg, err, "cannot read " RS_PATH_FMT ": %s", r->path, strerror(-err));
}

/* Return: 0, which is what a function that finds no next chunk returns */
__attribute__((format(printf, 2, 3))) static int stop(struct rs_trace_reader *r, const char *fmt,
						      ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->st.reason, sizeof(r->st.reason), fmt, ap);
	va_end(ap);
	r->stopped = true;
	return 0;
}

static int stop_damaged(struct rs_trace_reader *r, const char *what)
{
	return stop(r, "the chunk at byte %llu is damaged: %s", (unsigned long long)r->pos, what);
}

static int stop_cut(struct rs_trace_reader *r, __u64 at)
{
	return stop(r,
		    "the file ends inside a chunk at byte %llu: the recorder was killed or the "
		    "file was cut",
		    (unsigned long long)at);
}

/* Return: bytes read, less than @len only at the end of the file, or -errno */
static ssize_t read_all(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else if (!n)
			break;
		else if (errno != EINTR)
			return -errno;
	}
	return (ssize_t)done;
}

/* Make room; what the buffer held is lost. */
static int need(struct buffer *buf, size_t len)
{
	if (buf->room >= len)
		return 0;
	free(buf->data);
	buf->room = 0;
	buf->data = malloc(len);
	if (!buf->data)
		return -ENOMEM;
	buf->room = len;
	return 0;
}

static int damaged_head(const struct rs_trace_reader *r, struct rs_msg *msg, const char *what)
{
	return rs_msg_set(msg, -EINVAL, RS_PATH_FMT " is damaged: %s", r->path, what);
}

/* Return: 1 when the checksum is right, 0 when it is not, or -errno */
static int read_head_rest(struct rs_trace_reader *r, const struct rs_trace_head *head)
{
	unsigned char more[RS_TRACE_HEAD_MAX - sizeof(*head)];
	size_t len;
	ssize_t n;

	if (head->head_size < sizeof(*head) || head->head_size > RS_TRACE_HEAD_MAX)
		return 0;
	len = head->head_size - sizeof(*head);
	n = read_all(r->fd, more, len);
	if (n < 0)
		return (int)n;
	return (size_t)n == len && head->crc == rs_trace_head_crc(*head, more, len);
}

static int read_head(struct rs_trace_reader *r, struct rs_msg *msg)
{
	struct rs_trace_head head;
	ssize_t n;
	int good;

	n = read_all(r->fd, &head, sizeof(head));
	if (n < 0)
		return fail(r, (int)n, msg);
	if (!n)
		return rs_msg_set(msg, -EINVAL, RS_PATH_FMT " is empty", r->path);
	if (memcmp(head.magic, RS_TRACE_MAGIC,
		   (size_t)n < sizeof(head.magic) ? (size_t)n : sizeof(head.magic)))
		return rs_msg_set(msg, -EINVAL, RS_PATH_FMT " is not a remapscope trace", r->path);
	if ((size_t)n < sizeof(head))
		return damaged_head(r, msg, "it ends inside its head");
	good = read_head_rest(r, &head);
	if (good < 0)
		return fail(r, good, msg);
	if (!good && head.major == __builtin_bswap16(RS_TRACE_MAJOR) &&
	    __builtin_bswap32(head.head_size) <= RS_TRACE_HEAD_MAX)
		return rs_msg_set(msg, -EINVAL,
				  RS_PATH_FMT " has big-endian numbers, a trace has little-endian "
					      "ones",
				  r->path);
	/* A newer version is free to have another checksum. */
	if (head.major > RS_TRACE_MAJOR)
		return rs_msg_set(msg, -EPROTONOSUPPORT,
				  RS_PATH_FMT " was written by a newer remapscope (format %u.%u, "
					      "this one reads up to %u.x)%s",
				  r->path, head.major, head.minor, RS_TRACE_MAJOR,
				  good ? "" : ", or its head is damaged");
	if (!good)
		return damaged_head(r, msg, "its head's checksum is wrong");
	if (!head.major)
		return damaged_head(r, msg, "there is no format 0");
	if (head.event_abi > sizeof(struct rs_event))
		return rs_msg_set(msg, -EPROTONOSUPPORT,
				  RS_PATH_FMT " was written by a newer remapscope (its records' "
					      "heads have %u bytes, this one reads %zu)",
				  r->path, head.event_abi, sizeof(struct rs_event));
	if (head.event_abi < sizeof(struct rs_event))
		return damaged_head(r, msg, "its records' heads are too short");
	r->pos = head.head_size;
	return 0;
}

/*
 * The next chunk's head and payload, whatever it is.
 * Return: 1, 0 with the reading stopped, or -errno
 */
static int read_chunk(struct rs_trace_reader *r, struct rs_chunk_head *head)
{
	ssize_t n;
	int err;

	n = read_all(r->fd, head, sizeof(*head));
	if (n < 0)
		return (int)n;
	if (!n)
		return stop(r, "the recording was not ended: no END chunk");
	if ((size_t)n < sizeof(*head))
		return stop_cut(r, r->pos + (size_t)n);
	if (head->magic != RS_CHUNK_MAGIC)
		return stop_damaged(r, "no chunk begins there");
	if (head->head_crc != rs_chunk_head_crc(*head))
		return stop_damaged(r, "its head's checksum is wrong");
	if (head->stored > RS_CHUNK_MAX || head->raw > RS_CHUNK_MAX)
		return stop_damaged(r, "it is larger than a chunk may be");
	/* of at least one byte, so that there is always an address */
	err = need(&r->stored, head->stored ? head->stored : 1);
	if (err)
		return err;
	n = read_all(r->fd, r->stored.data, head->stored);
	if (n < 0)
		return (int)n;
	if ((size_t)n < head->stored)
		return stop_cut(r, r->pos + sizeof(*head) + (size_t)n);
	if (head->payload_crc != rs_crc(r->stored.data, head->stored))
		return stop_damaged(r, "its checksum is wrong");
	return 1;
}

static void accept_chunk(struct rs_trace_reader *r, const struct rs_chunk_head *head)
{
	r->pos += sizeof(*head) + head->stored;
}

/* Return: 1, 0 with the reading stopped, or -errno */
static int parse_json(struct rs_trace_reader *r, const struct rs_chunk_head *head, json_t **out)
{
	json_t *obj;

	if (head->raw != head->stored)
		return stop_damaged(r, "its two sizes differ");
	obj = json_loadb((const char *)r->stored.data, head->stored, 0, NULL);
	if (!json_is_object(obj)) {
		json_decref(obj);
		return stop_damaged(r, "it holds no JSON object");
	}
	*out = obj;
	return 1;
}

/* Return: NULL or what is wrong with the unpacked records */
static const char *check_records(const unsigned char *data, const struct rs_chunk_head *head)
{
	__u64 first = ~0ULL, last = 0;
	__u32 at, nr = 0;

	for (at = 0; at < head->raw; nr++) {
		const struct rs_event *ev = (const void *)(data + at);

		if (head->raw - at < sizeof(*ev))
			return "its last record is cut";
		if (ev->size < sizeof(*ev) || ev->size > RS_EVENT_MAX || ev->size % 8)
			return "a record's size is not possible";
		if (ev->size > head->raw - at)
			return "its last record is cut";
		if (ev->ts < first)
			first = ev->ts;
		if (ev->ts > last)
			last = ev->ts;
		at += ev->size;
	}
	if (!nr || nr != head->nr)
		return "it does not hold as many records as it says";
	if (first != head->first_ts || last != head->last_ts)
		return "its records are not from the time it says";
	return NULL;
}

/* Return: 1, 0 with the reading stopped, or -errno */
static int unpack(struct rs_trace_reader *r, const struct rs_chunk_head *head)
{
	const char *wrong;
	int err, zerr;

	err = need(&r->raw, head->raw ? head->raw : 1);
	if (err)
		return err;
	r->z.next_in = r->stored.data;
	r->z.avail_in = head->stored;
	r->z.next_out = r->raw.data;
	r->z.avail_out = head->raw;
	if (inflateReset(&r->z) != Z_OK)
		return -EIO;
	zerr = inflate(&r->z, Z_FINISH);
	if (zerr == Z_MEM_ERROR)
		return -ENOMEM;
	if (zerr != Z_STREAM_END || r->z.avail_in || r->z.avail_out)
		return stop_damaged(r, "it does not unpack to what it says");
	wrong = check_records(r->raw.data, head);
	if (wrong)
		return stop_damaged(r, wrong);
	r->at = 0;
	r->len = head->raw;
	return 1;
}

/* After the END chunk nothing may come. Return: 0 with the reading stopped, or -errno */
static int read_end(struct rs_trace_reader *r, const struct rs_chunk_head *head)
{
	unsigned char beyond;
	ssize_t n;
	int ret;

	ret = parse_json(r, head, &r->end);
	if (ret <= 0)
		return ret;
	accept_chunk(r, head);
	n = read_all(r->fd, &beyond, 1);
	if (n < 0)
		return (int)n;
	if (n)
		return stop(r, "something follows the END chunk at byte %llu",
			    (unsigned long long)r->pos);
	stop(r, "%s", "");
	r->st.complete = true;
	return 0;
}

/* Return: 1 when there are records or the next chunk may have some, 0 at the end, or -errno */
static int next_chunk(struct rs_trace_reader *r)
{
	struct rs_chunk_head head;
	int ret;

	ret = read_chunk(r, &head);
	if (ret <= 0)
		return ret;
	switch (head.type) {
	case RS_CHUNK_END:
		return read_end(r, &head);
	case RS_CHUNK_META:
		return stop_damaged(r, "it is a second META chunk");
	case RS_CHUNK_EVENTS:
		ret = unpack(r, &head);
		break;
	default: /* of a newer minor version */
		break;
	}
	if (ret > 0)
		accept_chunk(r, &head);
	return ret;
}

static int read_meta(struct rs_trace_reader *r, struct rs_msg *msg)
{
	struct rs_chunk_head head;
	int ret;

	ret = read_chunk(r, &head);
	if (ret > 0 && head.type != RS_CHUNK_META)
		ret = stop_damaged(r, "it is not the META chunk");
	if (ret > 0)
		ret = parse_json(r, &head, &r->meta);
	if (ret < 0)
		return fail(r, ret, msg);
	if (!ret)
		return rs_msg_set(msg, -EINVAL, RS_PATH_FMT " is damaged: %s", r->path,
				  r->st.reason);
	accept_chunk(r, &head);
	return 0;
}

int rs_trace_open(const char *path, struct rs_trace_reader **out, struct rs_msg *msg)
{
	struct rs_trace_reader *r;
	int err;

	*out = NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return rs_msg_set(msg, -ENOMEM, "cannot read " RS_PATH_FMT ": %s", path,
				  strerror(ENOMEM));
	r->fd = -1;
	r->path = strdup(path);
	if (!r->path || inflateInit(&r->z) != Z_OK) {
		err = rs_msg_set(msg, -ENOMEM, "cannot read " RS_PATH_FMT ": %s", path,
				 strerror(ENOMEM));
		goto fail;
	}
	r->inflating = true;
	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (r->fd < 0) {
		err = fail(r, -errno, msg);
		goto fail;
	}
	err = read_head(r, msg);
	if (err)
		goto fail;
	err = read_meta(r, msg);
	if (err)
		goto fail;
	snprintf(r->st.reason, sizeof(r->st.reason), "the file was not read to its end");
	*out = r;
	return 0;
fail:
	rs_trace_close(r);
	return err;
}

const json_t *rs_trace_meta(const struct rs_trace_reader *r)
{
	return r->meta;
}

const json_t *rs_trace_end(const struct rs_trace_reader *r)
{
	return r->end;
}

int rs_trace_next(struct rs_trace_reader *r, const struct rs_event **ev, struct rs_msg *msg)
{
	while (r->at == r->len) {
		int ret;

		if (r->err)
			return fail(r, r->err, msg);
		if (r->stopped)
			return 0;
		ret = next_chunk(r);
		if (ret < 0) {
			r->err = ret;
			stop(r, "it cannot be read after byte %llu: %s", (unsigned long long)r->pos,
			     strerror(-ret));
		}
	}
	*ev = (const void *)(r->raw.data + r->at);
	r->at += (*ev)->size;
	r->st.records++;
	if ((*ev)->ts > r->st.last_ts)
		r->st.last_ts = (*ev)->ts;
	return 1;
}

void rs_trace_state(const struct rs_trace_reader *r, struct rs_trace_state *st)
{
	*st = r->st;
	st->bytes = r->pos;
}

void rs_trace_close(struct rs_trace_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	if (r->inflating)
		inflateEnd(&r->z);
	json_decref(r->meta);
	json_decref(r->end);
	free(r->stored.data);
	free(r->raw.data);
	free(r->path);
	free(r);
}
