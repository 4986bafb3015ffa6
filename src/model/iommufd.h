/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What the readers of iommufd's events share
 */
#ifndef RS_MODEL_IOMMUFD_H
#define RS_MODEL_IOMMUFD_H

#include "model/ioctx.h"
#include "model/pending.h"

/** rs_iommufd_ioas() - the ioas of a record; NULL without memory, and for an id of 0 */
struct rs_container *rs_iommufd_ioas(struct rs_model *m, struct rs_ioctx *x, __u32 ioas, __u64 ts);

/**
 * rs_iommufd_learn() - bring an area in line with what the kernel says of it
 * @ts: since when it is known, if it is new
 *
 * Return: the area, NULL without memory
 */
struct rs_range *rs_iommufd_learn(struct rs_model *m, struct rs_container *c,
				  struct rs_seen_range *s, __u64 ts);

/**
 * rs_iommufd_forget() - what the kernel did not tell among all areas was unmapped unseen
 * @before: what was told last before that, ns
 * @loss: that is one; else it is only known now
 *
 * Return: 0 or -errno
 */
int rs_iommufd_forget(struct rs_model *m, struct rs_container *c, __u64 before, bool loss);

/** rs_iommufd_gone() - an ioas is no more, with all that is in it. @ev: NULL: nobody saw it. Return: 0 or -errno */
int rs_iommufd_gone(struct rs_model *m, struct rs_container *c, const struct rs_event *ev);

/** rs_iommufd_change() - RS_EV_IOAS of a CHANGE_PROCESS. Return: 0 or -errno */
int rs_iommufd_change(struct rs_model *m, struct rs_ioctx *x, const struct rs_ev_ioas *e,
		      struct rs_pending *p, const struct rs_event *ev);

/** rs_iommufd_snapshot() - RS_EV_SNAPSHOT. Return: 0 or -errno */
int rs_iommufd_snapshot(struct rs_model *m, const struct rs_event *ev);

/** rs_iommufd_len() - an ioctl's own time, without the recorder's. Return: ns */
__u64 rs_iommufd_len(const struct rs_ev_ioas *e);

#endif /* RS_MODEL_IOMMUFD_H */
