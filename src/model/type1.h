/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What the readers of type1's events share
 */
#ifndef RS_MODEL_TYPE1_H
#define RS_MODEL_TYPE1_H

#include "model/pending.h"

/** rs_type1_map() - RS_EV_MAP. Return: 0 or -errno */
int rs_type1_map(struct rs_model *m, const struct rs_event *ev);

/** rs_type1_unmap() - RS_EV_UNMAP. Return: 0 or -errno */
int rs_type1_unmap(struct rs_model *m, const struct rs_event *ev);

/** rs_type1_spent() - count a map's or unmap's time and pages. Return: 0 or -ENOMEM */
int rs_type1_spent(struct rs_model *m, const struct rs_event *ev, const struct rs_ev_map *x,
		   const struct rs_container *c);

/** rs_type1_len() - a map's, unmap's, invalidation's or remap's own time, without the recorder's. Return: ns */
__u64 rs_type1_len(const struct rs_ev_map *x);

/** rs_type1_snapshot() - RS_EV_SNAPSHOT. Return: 0 or -errno */
int rs_type1_snapshot(struct rs_model *m, const struct rs_event *ev);

/**
 * rs_type1_learn() - bring a range in line with what the kernel says of it
 * @tgid: who gave it its vaddr, if it is new
 * @ts: since when it is then known
 * @other: it may not be the one that was known: what was known of its memory goes
 *
 * Return: the range, NULL without memory
 */
struct rs_range *rs_type1_learn(struct rs_container *c, struct rs_seen_range *s, __u32 tgid,
				__u64 ts, bool other);

/**
 * rs_type1_forget_untold() - what the kernel did not tell among all its ranges was unmapped unseen
 * @before: of what was told last before that time
 * @loss: that must not happen
 *
 * Return: 0 or -ENOMEM
 */
int rs_type1_forget_untold(struct rs_model *m, struct rs_container *c, const struct rs_pending *p,
			   __u64 before, bool loss);

/**
 * rs_type1_container() - the container of a request; NULL without memory
 *
 * Seen for the first time with ranges already invalid, it is inside a window whose begin nobody saw.
 */
struct rs_container *rs_type1_container(struct rs_model *m, const struct rs_event *ev,
					const struct rs_op *op);

/** rs_type1_translated() - tell that an invalid range's vaddr was translated */
int rs_type1_translated(struct rs_model *m, struct rs_range *r, const struct rs_event *ev);

/** rs_type1_close_if_done() - close the window when its last invalid range is valid or gone */
int rs_type1_close_if_done(struct rs_model *m, struct rs_container *c, const struct rs_event *ev,
			   enum rs_window_end end);

#endif /* RS_MODEL_TYPE1_H */
