// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "explain/explain.h"
#include "explain/slice.h"
#include "rules/rules.h"
#include "trace/trace.h"

#define SUFFIX ".trace"

/* RULE-N.trace? */
static bool is_excerpt(const char *name)
{
	for (size_t i = 0; i < rs_nr_rules; i++) {
		size_t len = strlen(rs_rules[i].id), digits;

		if (strncmp(name, rs_rules[i].id, len) != 0 || name[len] != '-')
			continue;
		digits = strspn(name + len + 1, "0123456789");
		if (digits && !strcmp(name + len + 1 + digits, SUFFIX))
			return true;
	}
	return false;
}

int rs_explain_prepare(const char *dir, bool *made, struct rs_msg *msg)
{
	const struct dirent *entry;
	int err = 0;
	DIR *d;

	*made = !mkdir(dir, 0777);
	if (!*made && errno != EEXIST)
		return rs_msg_set(msg, -errno, "cannot make the directory \"%.300s\": %s", dir,
				  strerror(errno));
	d = opendir(dir);
	if (!d)
		return rs_msg_set(msg, -errno, "cannot write excerpts into \"%.300s\": %s", dir,
				  strerror(errno));
	while (!err && (entry = readdir(d)))
		if (is_excerpt(entry->d_name))
			err = rs_msg_set(msg, -EEXIST,
					 "\"%.300s\" has an excerpt already, \"%s\", which is not "
					 "overwritten",
					 dir, entry->d_name);
	closedir(d);
	if (!err && access(dir, W_OK | X_OK))
		err = rs_msg_set(msg, -errno, "cannot write excerpts into \"%.300s\": %s", dir,
				 strerror(errno));
	return err;
}

static int write_slice(const char *path, const struct rs_records *recs, const struct rs_slice *s,
		       struct rs_msg *msg)
{
	struct rs_trace_writer *w = NULL;
	int err, fd;

	/* Since the directory was looked at, somebody may have come: from here on it is ours. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return rs_msg_set(msg, -EEXIST, "\"%.300s\" exists, and is not overwritten", path);
	if (fd < 0)
		return rs_msg_set(msg, -errno, "cannot write \"%.300s\": %s", path,
				  strerror(errno));
	close(fd);
	err = rs_trace_create(path, s->meta, &w, msg);
	for (size_t i = 0; i < s->nr && !err; i++)
		err = rs_trace_write(w, recs->record[s->record[i]].ev, msg);
	if (err)
		rs_trace_discard(w);
	else
		err = rs_trace_finish(w, s->end, msg);
	if (err)
		unlink(path);
	return err;
}

struct explain {
	const char *dir;
	const char *path;
	struct rs_result *whole;
	struct rs_explained *out;
	struct rs_records near; /* what is of the findings' containers */
	struct rs_records all;	/* read when that does not suffice */
	bool all_read;
};

/* Which of its rule's violations it is, from 1. */
static size_t number_of(const struct rs_result *r, const struct rs_finding *f)
{
	size_t nr = 1;

	for (const struct rs_finding *g = r->finding; g < f; g++)
		nr += g->verdict == RS_VIOLATED && !strcmp(g->rule, f->rule);
	return nr;
}

static int read_all(struct explain *x, struct rs_msg *msg)
{
	int err;

	if (x->all_read)
		return 0;
	x->all_read = true;
	err = rs_records_init(&x->all, x->whole, true);
	if (err)
		return rs_msg_set(msg, err, "out of memory");
	return rs_records_read(&x->all, x->path, msg);
}

static int explain_one(struct explain *x, struct rs_finding *f, struct rs_msg *msg)
{
	const struct rs_records *from = &x->near;
	struct rs_slice slice;
	char *path = NULL;
	int err;

	err = rs_slice_find(from, x->whole, f, NULL, &slice);
	if (err == -ENOENT) {
		err = read_all(x, msg);
		if (err)
			return err;
		from = &x->all;
		err = rs_slice_find(from, x->whole, f, NULL, &slice);
	}
	if (err == -ENOENT) {
		x->out->missed++;
		return 0;
	}
	if (err)
		return rs_msg_set(msg, err, "cannot cut an excerpt of \"%.300s\": %s", x->path,
				  strerror(-err));
	if (asprintf(&path, "%s/%s-%zu" SUFFIX, x->dir, f->rule, number_of(x->whole, f)) < 0) {
		path = NULL;
		err = rs_msg_set(msg, -ENOMEM, "out of memory");
	}
	if (!err)
		err = write_slice(path, from, &slice, msg);
	if (!err) {
		x->out->written++;
		x->out->larger += !slice.minimal;
		err = rs_finding_set_replay(f, path);
		if (err)
			rs_msg_set(msg, err, "out of memory");
	}
	rs_slice_free(&slice);
	free(path);
	return err;
}

int rs_explain(const char *dir, const char *path, struct rs_result *whole, struct rs_explained *out,
	       struct rs_msg *msg)
{
	struct explain x = { .dir = dir, .path = path, .whole = whole, .out = out };
	int err;

	*out = (struct rs_explained){ 0 };
	/* A file at its size limit is a write error, not an end. */
	signal(SIGXFSZ, SIG_IGN);
	err = rs_records_init(&x.near, whole, false);
	if (err)
		rs_msg_set(msg, err, "out of memory");
	else
		err = rs_records_read(&x.near, path, msg);
	for (size_t i = 0; i < whole->nr_findings && !err; i++)
		if (whole->finding[i].verdict == RS_VIOLATED)
			err = explain_one(&x, &whole->finding[i], msg);
	rs_records_free(&x.near);
	rs_records_free(&x.all);
	return err;
}
