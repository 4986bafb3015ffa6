// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "capture/filter.h"
#include "util/array.h"

#define VFIO_MAJOR 10
#define VFIO_MINOR 196

struct rs_filter_roots rs_filter_roots_here(void)
{
	return (struct rs_filter_roots){ .sys = "/sys",
					 .proc = "/proc",
					 .vfio = makedev(VFIO_MAJOR, VFIO_MINOR) };
}

bool rs_filter_on(const struct rs_filter *f)
{
	return f->tgid || f->cgroup || f->group_id >= 0 || f->container_tgid;
}

/* Digits only, so that nothing else gets into a path. */
static int parse_number(const char *text, const char **end, __u32 *v)
{
	unsigned long long n;
	char *stop;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &stop, 10);
	if (errno || n > INT_MAX)
		return -EINVAL;
	*v = n;
	*end = stop;
	return 0;
}

/* A process, not one of its threads: /proc has directories for these, too. */
static int find_process(const struct rs_filter_roots *roots, __u32 pid, struct rs_msg *msg)
{
	char path[PATH_MAX], line[128];
	unsigned int tgid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%u/status", roots->proc, pid);
	f = fopen(path, "re");
	if (!f && errno != ENOENT)
		return rs_msg_set(msg, -EINVAL, "cannot look at process %u: %s", pid,
				  strerror(errno));
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %u", &tgid) == 1)
			break;
	if (f)
		fclose(f);
	if (!tgid)
		return rs_msg_set(msg, -ENOENT, "there is no process %u", pid);
	if (tgid != pid)
		return rs_msg_set(msg, -EINVAL, "%u is a thread of process %u", pid, tgid);
	return 0;
}

static int resolve_process(struct rs_filter *f, const char *text,
			   const struct rs_filter_roots *roots, struct rs_msg *msg)
{
	const char *end;
	__u32 pid;

	if (parse_number(text, &end, &pid) || *end || !pid)
		return rs_msg_set(msg, -EINVAL, "\"%s\" is not a process id", text);
	f->tgid = pid;
	return find_process(roots, pid, msg);
}

/* Where the cgroup v2 tree is mounted: beside v1's it is not /sys/fs/cgroup itself. */
static int find_cgroup_mount(const struct rs_filter_roots *roots, char *dir, size_t len)
{
	char path[PATH_MAX], strings[PATH_MAX];
	struct mntent mnt;
	int err = -ENOENT;
	FILE *f;

	snprintf(path, sizeof(path), "%s/self/mounts", roots->proc);
	f = setmntent(path, "re");
	if (!f)
		return -errno;
	while (err && getmntent_r(f, &mnt, strings, sizeof(strings))) {
		if (strcmp(mnt.mnt_type, "cgroup2"))
			continue;
		snprintf(dir, len, "%s", mnt.mnt_dir);
		err = 0;
	}
	endmntent(f);
	return err;
}

/* Return: an open directory, -EINVAL when it is not a cgroup's, other -errno */
static int open_cgroup(const char *path)
{
	int fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTDIR ? -EINVAL : -errno;
	/* In every v2 cgroup, in none of v1 (Documentation/admin-guide/cgroup-v2.rst). */
	if (!faccessat(fd, "cgroup.controllers", F_OK, 0))
		return fd;
	close(fd);
	return -EINVAL;
}

/* Return: an open directory; -ENODEV without a tree to look in; as open_cgroup() */
static int find_cgroup(const char *text, const struct rs_filter_roots *roots, char **path)
{
	int whole = *text == '/' ? open_cgroup(text) : -ENOENT, fd;
	char mount[PATH_MAX];

	*path = NULL;
	if (whole >= 0) {
		*path = strdup(text);
		return whole;
	}
	/* /proc/PID/cgroup and systemd also begin with a slash, at the mount. */
	if (find_cgroup_mount(roots, mount, sizeof(mount)))
		return whole == -ENOENT ? -ENODEV : whole;
	if (asprintf(path, "%s/%s", mount, text + strspn(text, "/")) < 0) {
		*path = NULL;
		return -ENOMEM;
	}
	fd = open_cgroup(*path);
	/* That something is no cgroup says more than that something else is not there. */
	return fd == -ENOENT ? whole : fd;
}

static int resolve_cgroup(struct rs_filter *f, const char *text,
			  const struct rs_filter_roots *roots, struct rs_msg *msg)
{
	int fd;

	if (!*text)
		return rs_msg_set(msg, -EINVAL, "\"\" is not a cgroup");
	fd = find_cgroup(text, roots, &f->cgroup);
	f->cgroup_fd = fd < 0 ? -1 : fd;
	if (fd == -ENODEV)
		return rs_msg_set(msg, -ENOENT,
				  "no cgroup v2 tree is mounted to look for \"%s\" in", text);
	if (fd == -ENOENT)
		return rs_msg_set(msg, -ENOENT, "there is no cgroup \"%s\"", text);
	if (fd == -EINVAL)
		return rs_msg_set(msg, -EINVAL, "\"%s\" is not a cgroup v2 directory", text);
	if (fd >= 0 && !f->cgroup)
		fd = -ENOMEM;
	return fd < 0 ? rs_msg_set(msg, -EINVAL, "cannot open cgroup \"%s\": %s", text,
				   strerror(-fd))
		      : 0;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* /sys/kernel/iommu_groups/N/devices/NAME. Return: N or -ENOENT */
static int group_by_list(const struct rs_filter_roots *roots, const char *name)
{
	char path[PATH_MAX];
	struct dirent *d;
	int group = -ENOENT;
	const char *end;
	struct stat st;
	__u32 n;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups", roots->sys);
	dir = opendir(path);
	while (dir && group < 0 && (d = readdir(dir))) {
		if (parse_number(d->d_name, &end, &n) || *end)
			continue;
		snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%u/devices/%s", roots->sys, n,
			 name);
		if (!lstat(path, &st))
			group = n;
	}
	if (dir)
		closedir(dir);
	return group;
}

/* /sys/bus/BUS/devices/NAME/iommu_group. Return: its number, -ENOENT, -ENODEV: there, but in no group */
static int group_by_bus(const struct rs_filter_roots *roots, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	int group = -ENOENT;
	struct dirent *d;
	const char *end, *base;
	struct stat st;
	ssize_t n;
	__u32 nr;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/bus", roots->sys);
	dir = opendir(path);
	while (dir && group < 0 && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/bus/%s/devices/%s", roots->sys, d->d_name, name);
		if (stat(path, &st))
			continue;
		group = -ENODEV;
		snprintf(path, sizeof(path), "%s/bus/%s/devices/%s/iommu_group", roots->sys,
			 d->d_name, name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		base = strrchr(target, '/');
		if (!parse_number(base ? base + 1 : target, &end, &nr) && !*end)
			group = nr;
	}
	if (dir)
		closedir(dir);
	return group;
}

/* Sysfs writes BDFs and UUIDs in small letters, and a BDF with its domain. */
static void spell(const char *text, int how, char *name, size_t len)
{
	unsigned int bus, dev, fn;
	int n = 0;

	if (how == 2 && sscanf(text, "%2x:%2x.%1x%n", &bus, &dev, &fn, &n) == 3 && !text[n])
		snprintf(name, len, "0000:%02x:%02x.%x", bus, dev, fn);
	else
		snprintf(name, len, "%s", text);
	for (char *c = name; how && *c; c++)
		*c = tolower((unsigned char)*c);
}

static int resolve_device(struct rs_filter *f, const char *text,
			  const struct rs_filter_roots *roots, struct rs_msg *msg)
{
	int group = -ENOENT;

	if (!*text || *text == '.' || strchr(text, '/') || strlen(text) >= sizeof(f->device))
		return rs_msg_set(msg, -EINVAL, "\"%s\" is not a device's name", text);
	for (int how = 0; how < 3 && group == -ENOENT; how++) {
		spell(text, how, f->device, sizeof(f->device));
		group = group_by_list(roots, f->device);
		if (group < 0)
			group = group_by_bus(roots, f->device);
	}
	if (group == -ENODEV)
		return rs_msg_set(msg, -EINVAL, "device %s is in no IOMMU group", f->device);
	if (group < 0)
		return rs_msg_set(msg, -ENOENT, "there is no device \"%s\"", text);
	f->group_id = group;
	return 0;
}

static int resolve_group(struct rs_filter *f, const char *text, const struct rs_filter_roots *roots,
			 struct rs_msg *msg)
{
	char path[PATH_MAX];
	const char *end;
	__u32 n;

	if (parse_number(text, &end, &n) || *end)
		return rs_msg_set(msg, -EINVAL, "\"%s\" is not a group's number", text);
	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%u", roots->sys, n);
	if (!is_dir(path))
		return rs_msg_set(msg, -ENOENT, "there is no IOMMU group %u", n);
	f->group_id = n;
	return 0;
}

/* An iommufd context: /dev/iommu's number is given as it comes (MISC_DYNAMIC_MINOR), and told by sysfs. */
static bool is_context(const struct rs_filter_roots *roots, dev_t dev)
{
	unsigned int major, minor;
	char path[PATH_MAX];
	bool same = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/class/misc/iommu/dev", roots->sys);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%u:%u", &major, &minor) == 2)
		same = dev == makedev(major, minor);
	fclose(f);
	return same;
}

static int resolve_container(struct rs_filter *f, const char *text,
			     const struct rs_filter_roots *roots, struct rs_msg *msg)
{
	char path[PATH_MAX];
	const char *end;
	struct stat st;
	__u32 pid, fd;
	int err;

	if (parse_number(text, &end, &pid) || !pid || *end != ':' ||
	    parse_number(end + 1, &end, &fd) || *end)
		return rs_msg_set(msg, -EINVAL, "\"%s\" is not PID:FD", text);
	err = find_process(roots, pid, msg);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/%u/fd/%u", roots->proc, pid, fd);
	if (stat(path, &st)) {
		if (errno == ENOENT)
			return rs_msg_set(msg, -ENOENT, "process %u has no file %u", pid, fd);
		return rs_msg_set(msg, -EINVAL, "cannot look at file %u of process %u: %s", fd, pid,
				  strerror(errno));
	}
	if (!S_ISCHR(st.st_mode) || (st.st_rdev != roots->vfio && !is_context(roots, st.st_rdev)))
		return rs_msg_set(
			msg, -EINVAL,
			"file %u of process %u is not a container (/dev/vfio/vfio, /dev/iommu)", fd,
			pid);
	f->container_tgid = pid;
	f->container_fd = fd;
	return 0;
}

int rs_filter_resolve(struct rs_filter *f, const struct rs_filter_opts *o,
		      const struct rs_filter_roots *roots, struct rs_msg *msg)
{
	int err = 0;

	*f = (struct rs_filter)RS_FILTER_NONE;
	if (o->pid && o->tree)
		return rs_msg_set(msg, -EINVAL,
				  "--pid and --tree both name a process: one of them, please");
	if (o->device && o->group)
		return rs_msg_set(msg, -EINVAL,
				  "--device and --group both name a group: one of them, please");
	f->tree = o->tree;
	if (o->pid || o->tree)
		err = resolve_process(f, o->pid ? o->pid : o->tree, roots, msg);
	if (!err && o->cgroup)
		err = resolve_cgroup(f, o->cgroup, roots, msg);
	if (!err && o->device)
		err = resolve_device(f, o->device, roots, msg);
	if (!err && o->group)
		err = resolve_group(f, o->group, roots, msg);
	if (!err && o->container)
		err = resolve_container(f, o->container, roots, msg);
	return err;
}

struct family {
	__u32 tgid;
	__u32 parent;
};

/* The parent is the second word after the name, which is in brackets and may hold anything (proc(5)). */
static int read_parent(const struct rs_filter_roots *roots, __u32 tgid, __u32 *parent)
{
	char path[PATH_MAX], text[512], *after;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%u/stat", roots->proc, tgid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	after = strrchr(text, ')');
	return after && sscanf(after + 1, " %*c %u", parent) == 1 ? 0 : -EINVAL;
}

static int read_families(const struct rs_filter_roots *roots, struct family **out, size_t *nr)
{
	struct family *list = NULL;
	struct dirent *d;
	DIR *dir = opendir(roots->proc);
	int err = dir ? 0 : -errno;

	*nr = 0;
	while (!err && (d = readdir(dir))) {
		struct family one;
		const char *end;
		void *room;

		/* Who is gone by now has no descendants here either. */
		if (parse_number(d->d_name, &end, &one.tgid) || *end ||
		    read_parent(roots, one.tgid, &one.parent))
			continue;
		room = rs_grow(list, *nr, sizeof(*list));
		if (!room) {
			err = -ENOMEM;
			break;
		}
		list = room;
		list[(*nr)++] = one;
	}
	if (dir)
		closedir(dir);
	*out = list;
	return err;
}

int rs_filter_descendants(const struct rs_filter_roots *roots, __u32 tgid, __u32 **list, size_t *nr)
{
	struct family *family = NULL;
	size_t nr_family;
	int err = read_families(roots, &family, &nr_family);

	*nr = 0;
	*list = NULL;
	if (err)
		goto out;
	/* Room for all: each has one parent, and so a place at most. */
	*list = calloc(nr_family + 1, sizeof(**list));
	if (!*list) {
		err = -ENOMEM;
		goto out;
	}
	(*list)[(*nr)++] = tgid;
	for (size_t i = 0; i < *nr; i++)
		for (size_t k = 0; k < nr_family; k++)
			if (family[k].parent == (*list)[i] && family[k].tgid != tgid)
				(*list)[(*nr)++] = family[k].tgid;
out:
	free(family);
	return err;
}

json_t *rs_filter_json(const struct rs_filter *f)
{
	json_t *o, *path;

	if (!rs_filter_on(f))
		return NULL;
	o = json_object();
	if (f->tgid)
		json_object_set_new(o, f->tree ? "tree" : "pid", json_integer(f->tgid));
	if (f->cgroup) {
		path = json_string(f->cgroup);
		/* Not all of the world is UTF-8. */
		json_object_set_new(o, "cgroup", path ? path : json_string("?"));
	}
	if (f->device[0])
		json_object_set_new(o, "device", json_string(f->device));
	if (f->group_id >= 0)
		json_object_set_new(o, "group", json_integer(f->group_id));
	if (f->container_tgid)
		json_object_set_new(o, "container",
				    json_pack("{s:I,s:i}", "pid", (json_int_t)f->container_tgid,
					      "fd", f->container_fd));
	return o;
}

void rs_filter_free(struct rs_filter *f)
{
	if (f->cgroup_fd >= 0)
		close(f->cgroup_fd);
	free(f->cgroup);
	*f = (struct rs_filter)RS_FILTER_NONE;
}
