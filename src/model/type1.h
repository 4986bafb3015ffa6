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

/** rs_type1_failed() - count a failed call. Return: 0 or -ENOMEM */
int rs_type1_failed(struct rs_model *m, const struct rs_event *ev, const struct rs_op *op,
		    const char *call);

/** rs_type1_spent() - count a call's time, and the pages that it translated. Return: 0 or -ENOMEM */
int rs_type1_spent(struct rs_model *m, const struct rs_event *ev, const struct rs_op *op,
		   const struct rs_container *c, const char *what, rs_iova_t iova, __u64 size,
		   const struct rs_work *work);

/**
 * rs_type1_container() - the container of a request; NULL without memory
 *
 * Seen for the first time with ranges already invalid, it is inside a window whose begin nobody saw.
 */
struct rs_container *rs_type1_container(struct rs_model *m, const struct rs_event *ev,
					const struct rs_op *op);

/** rs_type1_used() - tell the ranges whose owner's mm is gone that their container lives on */
int rs_type1_used(struct rs_model *m, struct rs_container *c, const struct rs_event *ev);

/** rs_type1_translated() - tell that an invalid range's vaddr was translated */
int rs_type1_translated(struct rs_model *m, struct rs_range *r, const struct rs_event *ev);

/** rs_type1_close_if_done() - close the window when its last invalid range is valid or gone */
int rs_type1_close_if_done(struct rs_model *m, struct rs_container *c, const struct rs_event *ev,
			   enum rs_window_end end);

#endif /* RS_MODEL_TYPE1_H */
