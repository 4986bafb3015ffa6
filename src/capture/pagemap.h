/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The pages behind a remapped range
 *
 * After a remap the kernel has checked nothing: what the IOMMU was given and what the owner's new vaddr
 * shows need not be the same pages. This looks at the latter, in /proc/PID/pagemap
 * (Documentation/admin-guide/mm/pagemap.rst), and writes it down as events. Physical page numbers
 * are only shown to CAP_SYS_ADMIN.
 */
#ifndef RS_CAPTURE_PAGEMAP_H
#define RS_CAPTURE_PAGEMAP_H

#include "source/order.h"

/**
 * struct rs_pagemap_opts - how to look
 * @all: at every page; else at a sample, rs_sample_step()
 * @cpu: the CPU that the records say: the recorder's own
 * @seq: the next &rs_event.seq of that CPU, counted on here
 * @proc: where processes are; NULL: "/proc"
 * @between: called from time to time while a large range is looked at, so that the ring buffer can be
 *	emptied; NULL. Return: 0 or -errno, which ends it all
 */
struct rs_pagemap_opts {
	bool all;
	__u16 cpu;
	__u32 *seq;
	const char *proc;
	int (*between)(void *ctx);
};

/**
 * rs_pagemap_look() - look at the pages of a remap
 * @remap: an RS_EV_MAP; one that failed, or is not for a vaddr, is passed over
 * @fn: gets the RS_EV_PAGES and, after them, one RS_EV_VERIFY
 * @ctx: of @fn and of @between
 *
 * A page that the owner has not touched yet is not in its page table: one byte of it is read on its
 * behalf (process_vm_readv(2)), which brings it in as the owner's own read would. Nothing is written. Of
 * a range that the IOMMU has not mapped, its pages are in memory only where a driver pinned them: when
 * all of it is to be looked at, it is taken as it is, for else all of it would be brought into memory.
 *
 * The owner may exit, exec or unmap at any time; then less is found, or what is there by now. Who reads
 * the records must ask whether the process had the same mm until &RS_EV_VERIFY.
 *
 * Return: 0, or -errno of @fn or @between
 */
int rs_pagemap_look(const struct rs_ev_map *remap, const struct rs_pagemap_opts *o, rs_event_fn fn,
		    void *ctx);

#endif /* RS_CAPTURE_PAGEMAP_H */
