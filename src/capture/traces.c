// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "capture/traces.h"
#include "util/array.h"

/* # is a digit. */
#define NAME "remapscope-########T######.###Z.trace"

struct trace {
	char name[sizeof(NAME)];
	__u64 bytes;
};

static bool is_ours(const char *name)
{
	static const char form[] = NAME;
	size_t i = 0;

	for (; name[i] && form[i]; i++)
		if (form[i] == '#' ? !isdigit((unsigned char)name[i]) : name[i] != form[i])
			return false;
	return name[i] == form[i];
}

int rs_traces_open(struct rs_traces *t, struct rs_msg *msg)
{
	struct stat here, there;
	int fd, err;

	fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return rs_msg_set(msg, -errno, "cannot write traces to \"%s\": %s", t->path,
				  strerror(errno));
	if (t->fd >= 0 && !fstat(t->fd, &here) && !fstat(fd, &there) &&
	    here.st_dev == there.st_dev && here.st_ino == there.st_ino) {
		close(fd);
		return 0;
	}
	/* Not every file system has locks. */
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		err = rs_msg_set(msg, -EBUSY,
				 "another remapscope writes its traces to \"%s\" already", t->path);
		close(fd);
		return err;
	}
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS)) {
		err = rs_msg_set(msg, -errno, "cannot write traces to \"%s\": %s", t->path,
				 strerror(errno));
		close(fd);
		return err;
	}
	rs_traces_close(t);
	t->fd = fd;
	return 0;
}

char *rs_traces_name(const struct rs_traces *t, __u64 realtime_ns)
{
	__u64 ms = realtime_ns / 1000000;
	struct stat st;

	for (;; ms++) {
		time_t seconds = ms / 1000;
		char *path, when[32];
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm);
		if (asprintf(&path, "%s/remapscope-%s.%03uZ.trace", t->path, when,
			     (unsigned int)(ms % 1000)) < 0)
			return NULL;
		if (lstat(path, &st))
			return path;
		free(path);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct trace *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* @bytes: of all of them */
static int list(const struct rs_traces *t, struct trace **out, size_t *nr, __u64 *bytes)
{
	int fd = openat(t->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	*out = NULL;
	*nr = 0;
	*bytes = 0;
	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (errno = 0, entry = readdir(dir))) {
		struct trace *grown;
		struct stat st;

		if (!is_ours(entry->d_name) ||
		    fstatat(t->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		grown = rs_grow(*out, *nr, sizeof(*grown));
		if (!grown) {
			err = -ENOMEM;
			break;
		}
		*out = grown;
		grown += (*nr)++;
		strcpy(grown->name, entry->d_name);
		grown->bytes = st.st_size;
		*bytes += st.st_size;
	}
	if (!err && !entry)
		err = -errno;
	closedir(dir);
	if (*nr)
		qsort(*out, *nr, sizeof(**out), by_name);
	return err;
}

int rs_traces_trim(const struct rs_traces *t, const char *keep, struct rs_msg *msg)
{
	const char *slash = keep ? strrchr(keep, '/') : NULL;
	struct trace *trace;
	int deleted = 0, err;
	__u64 bytes;
	size_t nr;

	if (slash)
		keep = slash + 1;
	err = list(t, &trace, &nr, &bytes);
	for (size_t i = 0; i < nr && !err && t->limit && bytes > t->limit; i++) {
		if (keep && !strcmp(trace[i].name, keep))
			continue;
		if (unlinkat(t->fd, trace[i].name, 0) && errno != ENOENT) {
			err = -errno;
			break;
		}
		bytes -= trace[i].bytes;
		deleted++;
	}
	free(trace);
	if (err)
		return rs_msg_set(msg, err, "cannot remove old traces from \"%s\": %s", t->path,
				  strerror(-err));
	return deleted;
}

void rs_traces_close(struct rs_traces *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
