/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What an iova translates to, and whether it still does
 *
 * What the IOMMU was given is kept per range, as runs of pages, for as long as the range lives. What a
 * driver was given is kept with its pins (src/model/pins.h), for as long as the page is pinned: one that
 * nobody holds may be moved by the kernel, and is then another one rightly.
 */
#ifndef RS_MODEL_PAGES_H
#define RS_MODEL_PAGES_H

#include "model/pending.h"

/** rs_pages_iommu() - what the IOMMU was given within a request. Return: 0 or -errno */
int rs_pages_iommu(struct rs_model *m, struct rs_container *c, const struct rs_pending *p,
		   const struct rs_event *ev);

/** rs_pages_first() - what the IOMMU was given for a range's first page. Return: 0 or -errno */
int rs_pages_first(struct rs_model *m, struct rs_range *r, rs_pfn_t pfn, const struct rs_event *ev);

/** rs_pages_pinned() - compare what a driver's pin was given. Return: 0 or -errno */
int rs_pages_pinned(struct rs_model *m, struct rs_container *c, const struct rs_ev_request *rq,
		    const struct rs_pending *p, const struct rs_event *ev);

/** rs_pages_told() - Return: what a pin was given for a page, RS_PFN_NONE: not told */
__u64 rs_pages_told(const struct rs_ev_request *rq, const struct rs_pending *p, __u64 page);

/** rs_pages_verify() - RS_EV_VERIFY: compare what the new vaddr shows. Return: 0 or -errno */
int rs_pages_verify(struct rs_model *m, const struct rs_event *ev);

/** rs_pages_weaken() - the IOMMU may have let go of all pages of a container */
void rs_pages_weaken(struct rs_container *c);

/** rs_pages_forget() - nothing is known of a range's pages any more */
void rs_pages_forget(struct rs_range *r);

#endif /* RS_MODEL_PAGES_H */
