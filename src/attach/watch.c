// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "attach/watch.h"

#define NR_BACKENDS 2

struct rs_watch {
	struct {
		char module[PATH_MAX]; /* its directory in sysfs */
		bool built_in;
		ino_t known; /* the directory's, 0: not there at the last call */
	} backend[NR_BACKENDS];
	int fd;
};

int rs_watch_open(const char *sys, unsigned int built_in, struct rs_watch **out, struct rs_msg *msg)
{
	/* In the order of RS_WATCH_*. */
	static const char *const names[NR_BACKENDS] = { "vfio_iommu_type1", "iommufd" };

	/* Group 1 is the kernel's own; 2 is udev's. */
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct rs_watch *w = calloc(1, sizeof(*w));
	int err = 0;

	*out = NULL;
	if (!w)
		return rs_msg_set(msg, -ENOMEM, "out of memory");
	for (int i = 0; i < NR_BACKENDS; i++) {
		w->backend[i].built_in = built_in & (1U << i);
		snprintf(w->backend[i].module, sizeof(w->backend[i].module), "%s/module/%s",
			 sys ? sys : "/sys", names[i]);
	}
	w->fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_KOBJECT_UEVENT);
	if (w->fd < 0 || bind(w->fd, (struct sockaddr *)&kernel, sizeof(kernel)))
		err = rs_msg_set(msg, -errno, "cannot watch for modules: %s", strerror(errno));
	if (err) {
		rs_watch_close(w);
		return err;
	}
	*out = w;
	return 0;
}

int rs_watch_fd(const struct rs_watch *w)
{
	return w->fd;
}

/*
 * The directory's inode: a module that is loaded again has another. Before its init function has
 * returned, and from delete_module() on, initstate is not "live" (kernel/module/sysfs.c,
 * show_initstate()). What is built in has a directory, when it has parameters, but no initstate.
 */
static ino_t look(const char *module)
{
	char path[PATH_MAX + 16], state[16] = "";
	struct stat st;
	FILE *f;

	if (stat(module, &st))
		return 0;
	snprintf(path, sizeof(path), "%s/initstate", module);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(state, sizeof(state), f))
		state[0] = '\0';
	fclose(f);
	return strcmp(state, "live\n") ? 0 : st.st_ino;
}

bool rs_watch_backends(struct rs_watch *w, bool *changed)
{
	bool there = false, other = false;
	char message[4096];

	/* ENOBUFS, that some were lost, is no matter either; what else fails has nothing to read. */
	while (recv(w->fd, message, sizeof(message), 0) >= 0 || errno == EINTR || errno == ENOBUFS)
		;
	for (int i = 0; i < NR_BACKENDS; i++) {
		ino_t now = w->backend[i].built_in ? 1 : look(w->backend[i].module);

		there = there || now;
		other = other || now != w->backend[i].known;
		w->backend[i].known = now;
	}
	if (changed)
		*changed = other;
	return there;
}

void rs_watch_close(struct rs_watch *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}
