/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Modules that come and go
 *
 * The backends, vfio_iommu_type1 and iommufd, can be loaded after the recorder has begun, and unloaded and loaded
 * again; so can other modules whose functions are hooked, which are often loaded only when a guest needs them. The
 * kernel sends a message then (NETLINK_KOBJECT_UEVENT), which only says that it is worth looking: what is
 * there is asked of sysfs.
 */
#ifndef RS_ATTACH_WATCH_H
#define RS_ATTACH_WATCH_H

#include <stdbool.h>
#include "util/msg.h"

struct rs_watch;

/* Backends; what is built in is always there. */
#define RS_WATCH_TYPE1	 (1U << 0)
#define RS_WATCH_IOMMUFD (1U << 1)
/* Others; what is built in never comes. */
#define RS_WATCH_VFIO (1U << 2)
#define RS_WATCH_PCI  (1U << 3)
#define RS_WATCH_KVM  (1U << 4)

/** rs_watch_name() - the module of the lowest of these RS_WATCH_*; NULL: there is none */
const char *rs_watch_name(unsigned int which);

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
 * @came: RS_WATCH_* of modules that came since the last call, or are others than then; may be NULL
 * @changed: one came, went, or is another than at the last call (unloaded and loaded again meanwhile);
 *	may be NULL. At the first call: one is there
 *
 * One that is being loaded, or unloaded, is not there.
 */
bool rs_watch_backends(struct rs_watch *w, bool *changed, unsigned int *came);

/** rs_watch_close() - NULL is allowed */
void rs_watch_close(struct rs_watch *w);

#endif /* RS_ATTACH_WATCH_H */
