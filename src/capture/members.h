/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RS_CAPTURE_MEMBERS_H
#define RS_CAPTURE_MEMBERS_H

#include "capture/filter.h"

/** rs_member_fn - takes a process. Return: 0 or -errno, which ends it all */
typedef int (*rs_member_fn)(void *ctx, __u32 tgid);

/**
 * rs_members_each() - the processes that a filter selects now
 *
 * One that forks, or moves to another cgroup, meanwhile can be missed, unless the hooks on fork are
 * attached already. Return: 0, -errno of @fn, or -errno when they cannot be listed
 */
int rs_members_each(const struct rs_filter *f, rs_member_fn fn, void *ctx);

#endif /* RS_CAPTURE_MEMBERS_H */
