// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "source/qmp.h"
#include "util/array.h"

static int read_text(const char *path, char **text, size_t *len, struct rs_msg *msg)
{
	FILE *f = fopen(path, "re");
	size_t room = 0, got = 1;
	int err = 0;

	*text = NULL;
	*len = 0;
	if (!f)
		return rs_msg_set(msg, -errno, "cannot read \"%.300s\": %s", path, strerror(errno));
	while (got && !err) {
		char *grown = *text;

		if (*len == room) {
			room = room ? 2 * room : 65536;
			grown = realloc(*text, room);
		}
		if (!grown) {
			err = rs_msg_set(msg, -ENOMEM, "out of memory");
			break;
		}
		*text = grown;
		got = fread(*text + *len, 1, room - *len, f);
		*len += got;
		if (*len > RS_QMP_MAX)
			err = rs_msg_set(msg, -EFBIG,
					 "\"%.300s\" is too long for a monitor's output", path);
	}
	if (!err && ferror(f))
		err = rs_msg_set(msg, -errno, "cannot read \"%.300s\": %s", path, strerror(errno));
	fclose(f);
	return err;
}

static __u32 mark_of(const json_t *o)
{
	const char *event = json_string_value(json_object_get(o, "event"));

	if (event && !strcmp(event, "STOP"))
		return RS_MARK_STOP;
	return event && !strcmp(event, "RESUME") ? RS_MARK_RESUME : 0;
}

/* QEMU says -1 for a time that it does not know. Return: 0 or -ERANGE */
static int time_of(const json_t *o, __u64 *ns)
{
	const json_t *t = json_object_get(o, "timestamp");
	const json_t *s = json_object_get(t, "seconds"), *us = json_object_get(t, "microseconds");
	json_int_t seconds = json_integer_value(s), micro = json_integer_value(us);

	if (!json_is_integer(s) || !json_is_integer(us) || seconds < 0 ||
	    seconds > INT64_MAX / 2000000000LL || micro < 0 || micro >= 1000000)
		return -ERANGE;
	*ns = (__u64)seconds * 1000000000ULL + (__u64)micro * 1000;
	return 0;
}

static int add_mark(struct rs_qmp *q, __u32 what, __u64 ns)
{
	struct rs_ev_mark *grown = rs_grow(q->mark, q->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	q->mark = grown;
	grown += q->nr++;
	*grown = (struct rs_ev_mark){
		.h = { .ts = ns,
		       .type = RS_EV_MARK,
		       .size = sizeof(*grown),
		       .cpu = UINT16_MAX,
		       .flags = RS_EVF_RECORDER },
		.what = what,
		.witness = q->witnesses,
	};
	return 0;
}

/* The events in a value: it is one, or a log has put it into something of its own. */
static int take_events(struct rs_qmp *q, const json_t *v, const char *path, struct rs_msg *msg)
{
	__u32 what = mark_of(v);
	const json_t *part;
	const char *key;
	size_t i;
	int err = 0;
	__u64 ns;

	if (what && time_of(v, &ns))
		return rs_msg_set(msg, -EINVAL,
				  "\"%.300s\" has a %s event without the time at which it was",
				  path, what == RS_MARK_STOP ? "STOP" : "RESUME");
	if (what)
		return add_mark(q, what, ns) ? rs_msg_set(msg, -ENOMEM, "out of memory") : 0;
	json_object_foreach((json_t *)v, key, part) {
		err = err ? err : take_events(q, part, path, msg);
	}
	json_array_foreach(v, i, part) {
		err = err ? err : take_events(q, part, path, msg);
	}
	return err;
}

int rs_qmp_read(struct rs_qmp *q, const char *path, struct rs_msg *msg)
{
	size_t len, before = q->nr;
	const char *at, *end;
	char *text;
	int err = read_text(path, &text, &len, msg);

	q->witnesses++;
	at = text;
	end = text + len;
	while (!err && at < end && (at = memchr(at, '{', end - at))) {
		json_error_t where;
		json_t *o = json_loadb(at, end - at, JSON_DISABLE_EOF_CHECK, &where);

		err = o ? take_events(q, o, path, msg) : 0;
		/* What is no object may have one in it. */
		at += o && where.position > 0 ? where.position : 1;
		json_decref(o);
	}
	free(text);
	if (!err && q->nr == before)
		err = rs_msg_set(msg, -EINVAL,
				 "\"%.300s\" has no STOP or RESUME event of QMP in it", path);
	return err;
}

static int by_time(const void *a, const void *b)
{
	const struct rs_ev_mark *x = a, *y = b;

	if (x->h.ts != y->h.ts)
		return x->h.ts < y->h.ts ? -1 : 1;
	return x->witness < y->witness ? -1 : x->witness > y->witness;
}

void rs_qmp_place(struct rs_qmp *q, __s64 realtime_offset_ns, __u64 from)
{
	size_t nr = 0;

	for (size_t i = 0; i < q->nr; i++) {
		struct rs_ev_mark m = q->mark[i];
		__s64 ts = (__s64)m.h.ts - realtime_offset_ns;

		if (ts < 0 || (__u64)ts < from)
			continue;
		m.h.ts = ts;
		q->mark[nr++] = m;
	}
	q->nr = nr;
	if (nr)
		qsort(q->mark, nr, sizeof(*q->mark), by_time);
	for (size_t i = 0; i < nr; i++)
		q->mark[i].h.seq = i;
}

int rs_qmp_until(struct rs_qmp *q, __u64 ts, rs_event_fn fn, void *ctx)
{
	int err = 0;

	while (!err && q->next < q->nr && q->mark[q->next].h.ts <= ts)
		err = fn(ctx, &q->mark[q->next++].h);
	return err;
}

void rs_qmp_free(struct rs_qmp *q)
{
	free(q->mark);
	*q = (struct rs_qmp){ 0 };
}
