// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing trace files. Signals are the caller's: a recorder that wants -EFBIG or -EPIPE instead of
 * being killed ignores SIGXFSZ and SIGPIPE.
 */
#include "trace/trace.h"
#include "trace/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Records of one chunk, bytes: what a killed recorder loses at most. */
#define CHUNK_RAW (256U << 10)

/* Measured: 6 saves a tenth of the bytes for two and a half times the CPU, 1 costs a tenth more. */
#define DEFLATE_LEVEL 3

struct rs_trace_writer {
	int fd;
	bool regular;
	bool deflating; /* z is initialised */
	char *path;
	z_stream z;
	unsigned char *raw; /* records of the chunk to come */
	unsigned char *out; /* the chunk's head and its compressed payload */
	size_t out_size;
	__u32 used;
	__u32 nr;
	__u64 first_ts;
	__u64 last_ts;
	__u64 records;
	__u64 bytes; /* the file's whole chunks end here */
	__u64 dropped;
	int err; /* the first failure of a write; nothing is written after it */
	struct rs_msg msg;
};

static int fail(const struct rs_trace_writer *w, int err, struct rs_msg *msg)
{
	return rs_msg_set(msg, err, "cannot write " RS_PATH_FMT ": %s", w->path, strerror(-err));
}

static int kept_error(const struct rs_trace_writer *w, struct rs_msg *msg)
{
	return rs_msg_set(msg, w->err, "%s", w->msg.text);
}

static int write_all(int fd, const unsigned char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (!n) {
			return -EIO;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* All of @data or, in a regular file, nothing of it. @nr: records in it. */
static int append(struct rs_trace_writer *w, const unsigned char *data, size_t len, __u32 nr,
		  struct rs_msg *msg)
{
	int err = write_all(w->fd, data, len);

	if (!err) {
		w->bytes += len;
		w->records += nr;
		return 0;
	}
	w->err = fail(w, err, &w->msg);
	if (w->regular && ftruncate(w->fd, (off_t)w->bytes))
		rs_msg_set(&w->msg, err,
			   "cannot write " RS_PATH_FMT ": %s, and its last chunk may be cut: %s",
			   w->path, strerror(-err), strerror(errno));
	w->dropped += nr;
	return kept_error(w, msg);
}

static void seal(struct rs_chunk_head *head, const unsigned char *payload)
{
	head->magic = RS_CHUNK_MAGIC;
	head->payload_crc = rs_crc(payload, head->stored);
	head->head_crc = rs_chunk_head_crc(*head);
}

/**
 * json_chunk() - make a META or END chunk
 * @lead: bytes to leave free before it
 * @out: @lead bytes and the chunk; to be freed by the caller
 * @len: length of @out
 *
 * Return: 0 or -errno
 */
static int json_chunk(enum rs_chunk_type type, const json_t *obj, size_t lead, unsigned char **out,
		      size_t *len)
{
	struct rs_chunk_head head = { .type = type };
	unsigned char *buf = NULL;
	char *text = NULL;
	size_t size;
	int err = 0;

	if (!json_is_object(obj))
		return -EINVAL;
	text = json_dumps(obj, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	size = strlen(text);
	if (size > RS_CHUNK_MAX) {
		err = -EMSGSIZE;
		goto out;
	}
	buf = malloc(lead + sizeof(head) + size);
	if (!buf) {
		err = -ENOMEM;
		goto out;
	}
	head.stored = (__u32)size;
	head.raw = (__u32)size;
	seal(&head, (const unsigned char *)text);
	memcpy(buf + lead, &head, sizeof(head));
	memcpy(buf + lead + sizeof(head), text, size);
	*out = buf;
	*len = lead + sizeof(head) + size;
out:
	free(text);
	return err;
}

static int json_fail(const struct rs_trace_writer *w, const char *what, int err, struct rs_msg *msg)
{
	const char *why = strerror(-err);

	if (err == -EINVAL)
		why = "it is not a JSON object";
	else if (err == -EMSGSIZE)
		why = "it is longer than a chunk may be";
	return rs_msg_set(msg, err, "cannot write %s of " RS_PATH_FMT ": %s", what, w->path, why);
}

/* Open what is at w->path, and empty it if it is a regular file. */
static int open_file(struct rs_trace_writer *w, struct rs_msg *msg)
{
	struct stat st;

	/* To open one for writing already has effects. */
	if (!stat(w->path, &st) && S_ISBLK(st.st_mode))
		return rs_msg_set(msg, -ENOTSUP,
				  "cannot write " RS_PATH_FMT ": it is a block device", w->path);
	/* no O_TRUNC: first see what it is */
	w->fd = open(w->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (w->fd < 0 || fstat(w->fd, &st))
		return fail(w, -errno, msg);
	w->regular = S_ISREG(st.st_mode);
	if (!w->regular)
		return 0;
	/* A file that was there before is not more public than a new one: kernel addresses. */
	if ((st.st_mode & 077) && fchmod(w->fd, 0600))
		return rs_msg_set(msg, -errno,
				  "cannot make " RS_PATH_FMT " unreadable for others: %s", w->path,
				  strerror(errno));
	if (ftruncate(w->fd, 0))
		return fail(w, -errno, msg);
	return 0;
}

static int alloc_buffers(struct rs_trace_writer *w)
{
	if (deflateInit(&w->z, DEFLATE_LEVEL) != Z_OK)
		return -ENOMEM;
	w->deflating = true;
	w->out_size = sizeof(struct rs_chunk_head) + deflateBound(&w->z, CHUNK_RAW);
	w->raw = malloc(CHUNK_RAW);
	w->out = malloc(w->out_size);
	return w->raw && w->out ? 0 : -ENOMEM;
}

int rs_trace_create(const char *path, const json_t *meta, struct rs_trace_writer **out,
		    struct rs_msg *msg)
{
	struct rs_trace_head head = {
		.major = RS_TRACE_MAJOR,
		.minor = RS_TRACE_MINOR,
		.head_size = sizeof(head),
		.event_abi = sizeof(struct rs_event),
	};
	struct rs_trace_writer *w;
	unsigned char *begin = NULL;
	size_t len;
	int err;

	*out = NULL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return rs_msg_set(msg, -ENOMEM, "cannot write " RS_PATH_FMT ": %s", path,
				  strerror(ENOMEM));
	w->fd = -1;
	w->path = strdup(path);
	if (!w->path) {
		err = rs_msg_set(msg, -ENOMEM, "cannot write " RS_PATH_FMT ": %s", path,
				 strerror(ENOMEM));
		goto fail;
	}
	err = alloc_buffers(w);
	if (err) {
		fail(w, err, msg);
		goto fail;
	}
	/* Before the open: a bad @meta must not cost the file that was there. */
	err = json_chunk(RS_CHUNK_META, meta, sizeof(head), &begin, &len);
	if (err) {
		json_fail(w, "the description", err, msg);
		goto fail;
	}
	err = open_file(w, msg);
	if (err)
		goto fail;
	memcpy(head.magic, RS_TRACE_MAGIC, sizeof(head.magic));
	head.crc = rs_trace_head_crc(head, NULL, 0);
	memcpy(begin, &head, sizeof(head));
	/* with one write(2), too: no reader ever meets a head without META */
	err = append(w, begin, len, 0, msg);
	if (err)
		goto fail;
	free(begin);
	*out = w;
	return 0;
fail:
	free(begin);
	rs_trace_discard(w);
	return err;
}

int rs_trace_flush(struct rs_trace_writer *w, struct rs_msg *msg)
{
	struct rs_chunk_head head = { .type = RS_CHUNK_EVENTS };
	unsigned char *payload = w->out + sizeof(head);

	if (w->err)
		return kept_error(w, msg);
	if (!w->nr)
		return 0;
	w->z.next_in = w->raw;
	w->z.avail_in = w->used;
	w->z.next_out = payload;
	w->z.avail_out = (uInt)(w->out_size - sizeof(head));
	/* Neither can fail with the room that deflateBound() asks for. */
	if (deflateReset(&w->z) != Z_OK || deflate(&w->z, Z_FINISH) != Z_STREAM_END) {
		w->err = rs_msg_set(&w->msg, -EIO,
				    "cannot write " RS_PATH_FMT ": compressing failed", w->path);
		w->dropped += w->nr;
		return kept_error(w, msg);
	}
	head.nr = w->nr;
	head.stored = (__u32)w->z.total_out;
	head.raw = w->used;
	head.first_ts = w->first_ts;
	head.last_ts = w->last_ts;
	seal(&head, payload);
	memcpy(w->out, &head, sizeof(head));
	w->nr = 0;
	w->used = 0;
	return append(w, w->out, sizeof(head) + head.stored, head.nr, msg);
}

int rs_trace_write(struct rs_trace_writer *w, const struct rs_event *ev, struct rs_msg *msg)
{
	__u32 size = ev->size;
	int err;

	if (w->err) {
		w->dropped++;
		return kept_error(w, msg);
	}
	if (size < sizeof(*ev) || size > RS_EVENT_MAX || size % 8)
		return rs_msg_set(msg, -EINVAL,
				  "cannot write " RS_PATH_FMT ": a record of %u bytes is not valid",
				  w->path, size);
	if (w->used + size > CHUNK_RAW) {
		err = rs_trace_flush(w, msg);
		if (err) {
			w->dropped++;
			return err;
		}
	}
	memcpy(w->raw + w->used, ev, size);
	w->used += size;
	if (!w->nr || ev->ts < w->first_ts)
		w->first_ts = ev->ts;
	if (!w->nr || ev->ts > w->last_ts)
		w->last_ts = ev->ts;
	w->nr++;
	return 0;
}

static int write_end(struct rs_trace_writer *w, const json_t *end, struct rs_msg *msg)
{
	unsigned char *chunk;
	size_t len;
	int err;

	err = json_chunk(RS_CHUNK_END, end, 0, &chunk, &len);
	if (err)
		return json_fail(w, "the end", err, msg);
	err = append(w, chunk, len, 0, msg);
	free(chunk);
	return err;
}

int rs_trace_finish(struct rs_trace_writer *w, const json_t *end, struct rs_msg *msg)
{
	int err, fd = w->fd;

	err = rs_trace_flush(w, msg);
	if (!err)
		err = write_end(w, end, msg);
	/* A network file system may find only now that there is no room. */
	w->fd = -1;
	if (close(fd) && !err && errno != EINTR)
		err = fail(w, -errno, msg);
	if (w->err && w->dropped)
		rs_msg_set(msg, err, "%.440s; %llu records are not in it", w->msg.text,
			   (unsigned long long)w->dropped);
	rs_trace_discard(w);
	return err;
}

void rs_trace_discard(struct rs_trace_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	if (w->deflating)
		deflateEnd(&w->z);
	free(w->raw);
	free(w->out);
	free(w->path);
	free(w);
}

void rs_trace_written(const struct rs_trace_writer *w, __u64 *records, __u64 *bytes)
{
	*records = w->records;
	*bytes = w->bytes;
}
