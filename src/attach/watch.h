/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Modules that come and go
 *
 * The backends, vfio_iommu_type1 and iommufd, can be loaded after the recorder has begun, and unloaded and loaded
 * again. The kernel sends a message then (NETLINK_KOBJECT_UEVENT), which only says that it is worth looking: what is
 * there is asked of sysfs.
 */
#ifndef RS_ATTACH_WATCH_H
#define RS_ATTACH_WATCH_H

#include <stdbool.h>
#include "util/msg.h"

struct rs_watch;

/* What is built in is always there. */
#define RS_WATCH_TYPE1	 (1U << 0)
#define RS_WATCH_IOMMUFD (1U << 1)

/**
 * rs_watch_open() - begin to watch
 * @sys: sysfs; NULL: "/sys"
 * @built_in: RS_WATCH_* of those that are part of the kernel itself (rs_built_in())
 * @out: rs_watch_close() it
 *
 * Return: 0, or -errno of the socket with a sentence
 */
int rs_watch_open(const char *sys, unsigned int built_in, struct rs_watch **out,
		  struct rs_msg *msg);

/**
 * rs_watch_fd() - readable when a module may have come or gone
 *
 * It need not be one of ours; rs_watch_backends() takes what is there.
 */
int rs_watch_fd(const struct rs_watch *w);

/**
 * rs_watch_backends() - is one there, and ready?
 * @changed: one came, went, or is another than at the last call (unloaded and loaded again meanwhile);
 *	may be NULL. At the first call: one is there
 *
 * One that is being loaded, or unloaded, is not there.
 */
bool rs_watch_backends(struct rs_watch *w, bool *changed);

/** rs_watch_close() - NULL is allowed */
void rs_watch_close(struct rs_watch *w);

#endif /* RS_ATTACH_WATCH_H */
