/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Filters: what is recorded
 *
 * From what the user says (a process, a cgroup, a device) to what the kernel side compares. Filters
 * select containers; what they mean together is in docs/man/remapscope.1.rst.
 */
#ifndef RS_CAPTURE_FILTER_H
#define RS_CAPTURE_FILTER_H

#include <jansson.h>
#include <sys/types.h>
#include "remapscope/types.h"
#include "util/msg.h"

/** struct rs_filter_opts - the options' values as they were written; NULL: not given */
struct rs_filter_opts {
	const char *pid;
	const char *tree;
	const char *cgroup;
	const char *device;
	const char *group;
	const char *container;
};

/**
 * struct rs_filter_roots - where to look
 * @sys: "/sys"
 * @proc: "/proc"
 * @vfio: what /dev/vfio/vfio is: a misc device (major 10, include/uapi/linux/major.h) with the minor
 *	196 (VFIO_MINOR, include/linux/miscdevice.h)
 */
struct rs_filter_roots {
	const char *sys;
	const char *proc;
	dev_t vfio;
};

/** rs_filter_roots_here() - this machine's */
struct rs_filter_roots rs_filter_roots_here(void);

/* A device's name in sysfs is mostly a BDF or a UUID; longer ones are not found. */
#define RS_FILTER_DEVICE_LEN 64

/**
 * struct rs_filter - what the kernel side compares; RS_FILTER_NONE: everything is recorded
 * @tgid: this process (and its children from now on); 0: any
 * @tree: and its descendants that are there already
 * @cgroup: a cgroup's directory, NULL: any
 * @cgroup_fd: the same, open; -1
 * @group_id: containers with this group; -1: any
 * @device: the device that the group was named by; "": the group was named, or none
 * @container_tgid: the container that this process has open; 0: any
 * @container_fd: under this number there
 */
struct rs_filter {
	__u32 tgid;
	bool tree;
	char *cgroup;
	int cgroup_fd;
	__s32 group_id;
	char device[RS_FILTER_DEVICE_LEN];
	__u32 container_tgid;
	int container_fd;
};

#define RS_FILTER_NONE                                              \
	{                                                           \
		.cgroup_fd = -1, .group_id = -1, .container_fd = -1 \
	}

/** rs_filter_on() - is anything left out at all? */
bool rs_filter_on(const struct rs_filter *f);

/**
 * rs_filter_resolve() - make a filter of options
 * @f: rs_filter_free() it, also after a failure
 *
 * Return: 0; -EINVAL for what cannot be, -ENOENT for what is not there, each with a sentence
 */
int rs_filter_resolve(struct rs_filter *f, const struct rs_filter_opts *o,
		      const struct rs_filter_roots *roots, struct rs_msg *msg);

/**
 * rs_filter_descendants() - a process and all its descendants that are there now
 * @tgid: with it the list begins
 * @list: to be freed
 *
 * One that forks meanwhile can be missed: look after the hook on fork has been attached. A process
 * whose parent has ended belongs to nobody's tree but its reaper's, as ps(1) has it.
 *
 * Return: 0 or -errno
 */
int rs_filter_descendants(const struct rs_filter_roots *roots, __u32 tgid, __u32 **list,
			  size_t *nr);

/** rs_filter_json() - for META (docs/trace-format.md): what was asked for; NULL without a filter. The caller's */
json_t *rs_filter_json(const struct rs_filter *f);

/** rs_filter_free() - close and free; safe on RS_FILTER_NONE */
void rs_filter_free(struct rs_filter *f);

#endif /* RS_CAPTURE_FILTER_H */
