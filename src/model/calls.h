/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What the readers of type1's and of iommufd's events share
 */
#ifndef RS_MODEL_CALLS_H
#define RS_MODEL_CALLS_H

#include "model/model.h"

/** rs_proc_killed() - the process was killed by a signal */
bool rs_proc_killed(const struct rs_model *m, __u32 tgid);

/** rs_call_failed() - count a failed call. Return: 0 or -ENOMEM */
int rs_call_failed(struct rs_model *m, const struct rs_event *ev, const struct rs_op *op,
		   const char *call);

/** rs_foreign_pins() - tell what a request pinned in another mm than the one that is charged */
int rs_foreign_pins(struct rs_model *m, struct rs_container *c, const struct rs_more *more,
		    const struct rs_event *ev);

/** rs_ranges_used() - tell the ranges whose owner's mm is gone that their container lives on */
int rs_ranges_used(struct rs_model *m, struct rs_container *c, const struct rs_event *ev);

/** rs_ranges_asked() - the same of those that a driver asks for */
int rs_ranges_asked(struct rs_model *m, struct rs_container *c, const struct rs_ev_request *x,
		    const struct rs_event *ev);

/** rs_ranges_released() - tell that all ranges that are left go down with their container */
int rs_ranges_released(struct rs_model *m, struct rs_container *c, const struct rs_event *ev);

/** rs_group_of() - what is attached, a group or, of iommufd, a device; NULL: not as far as was seen */
struct rs_group *rs_group_of(const struct rs_container *c, __u64 key);

/** rs_group_drop() - it is detached; with the last IOMMU-backed one the IOMMU lets go of all pages */
void rs_group_drop(struct rs_container *c, __u64 key);

/** rs_group_add() - it is attached. @iommu: IOMMU-backed. Return: 0 or -ENOMEM */
int rs_group_add(struct rs_container *c, __u64 key, bool iommu);

#endif /* RS_MODEL_CALLS_H */
