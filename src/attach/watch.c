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

/* In the order of RS_WATCH_*: the backends, then those whose functions are hooked, too. */
static const char *const names[] = { "vfio_iommu_type1", "iommufd", "vfio", "vfio_pci_core",
				     "kvm" };

#define NR_MODULES (sizeof(names) / sizeof(names[0]))

struct rs_watch {
	struct {
		char dir[PATH_MAX]; /* in sysfs */
		bool built_in;
		ino_t known; /* the directory's, 0: not there at the last call */
	} module[NR_MODULES];
	int fd;
};

const char *rs_watch_name(unsigned int which)
{
	for (size_t i = 0; i < NR_MODULES; i++)
		if (which & (1U << i))
			return names[i];
	return NULL;
}

int rs_watch_open(const char *sys, unsigned int built_in, struct rs_watch **out, struct rs_msg *msg)
{
	/* Group 1 is the kernel's own; 2 is udev's. */
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct rs_watch *w = calloc(1, sizeof(*w));
	int err = 0;

	*out = NULL;
	if (!w)
		return rs_msg_set(msg, -ENOMEM, "out of memory");
	for (size_t i = 0; i < NR_MODULES; i++) {
		w->module[i].built_in = i < NR_BACKENDS && built_in & (1U << i);
		snprintf(w->module[i].dir, sizeof(w->module[i].dir), "%s/module/%s",
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
static ino_t look(const char *dir)
{
	char path[PATH_MAX + 16], state[16] = "";
	struct stat st;
	FILE *f;

	if (stat(dir, &st))
		return 0;
	snprintf(path, sizeof(path), "%s/initstate", dir);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(state, sizeof(state), f))
		state[0] = '\0';
	fclose(f);
	return strcmp(state, "live\n") ? 0 : st.st_ino;
}

bool rs_watch_backends(struct rs_watch *w, bool *changed, unsigned int *came)
{
	bool there = false, other = false;
	unsigned int new = 0;
	char message[4096];

	/* ENOBUFS, that some were lost, is no matter either; what else fails has nothing to read. */
	while (recv(w->fd, message, sizeof(message), 0) >= 0 || errno == EINTR || errno == ENOBUFS)
		;
	for (size_t i = 0; i < NR_MODULES; i++) {
		ino_t now = w->module[i].built_in ? 1 : look(w->module[i].dir);

		if (now && now != w->module[i].known)
			new |= 1U << i;
		there = there || (now && i < NR_BACKENDS);
		other = other || (now != w->module[i].known && i < NR_BACKENDS);
		w->module[i].known = now;
	}
	if (changed)
		*changed = other;
	if (came)
		*came = new;
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
