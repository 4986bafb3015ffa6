/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The fake kernel's iommufd
 *
 *	struct synth *s = synth_new();
 *	__u64 x;
 *	__u32 ioas;
 *
 *	synth_as(s, 100);
 *	x = synth_iommufd(s);
 *	ioas = synth_ioas(s, x);
 *	synth_ioas_map_file(s, x, ioas, 0, 2 * MIB, INO, 0);
 *	synth_change_process(s, x);
 *	synth_exec(s);
 *	synth_change_process(s, x);
 *	r = synth_result(s);
 *
 * As synth.h's: what differs is said in &synth.twist before the call: @ret, @no_charge, @no_refund, @third_mm,
 * @gain_off of a CHANGE_PROCESS, @pfn, @kthread.
 */
#ifndef RS_TESTS_SYNTH_IOMMUFD_H
#define RS_TESTS_SYNTH_IOMMUFD_H

#include "synth.h"

/* Contexts; named by the kernel's address. */
__u64 synth_iommufd(struct synth *s);
__u64 synth_iommufd_at(struct synth *s, __u64 key);
void synth_iommufd_release(struct synth *s, __u64 x);

/* Their ioas; named by their id. */
__u32 synth_ioas(struct synth *s, __u64 x);
void synth_ioas_destroy(struct synth *s, __u64 x, __u32 ioas);

/* Areas; pages are pinned for them when an IOMMU-backed device is attached. */
void synth_ioas_map(struct synth *s, __u64 x, __u32 ioas, __u64 iova, __u64 size);
void synth_ioas_map_file(struct synth *s, __u64 x, __u32 ioas, __u64 iova, __u64 size, __u64 ino,
			 __u64 off);
/* Of a whole area. */
void synth_ioas_copy(struct synth *s, __u64 x, __u32 to, __u64 iova, __u32 from, __u64 from_iova);
void synth_ioas_unmap(struct synth *s, __u64 x, __u32 ioas, __u64 iova);
/* What areas mapped from now on are charged to; RS_ACCOUNT_USER until it is said. */
void synth_ioas_account(struct synth *s, enum rs_account account);
/* Return: what it returned */
__s64 synth_change_process(struct synth *s, __u64 x);

/* Devices, of group 5; @ioas 0: which one is not known. */
void synth_ioas_attach(struct synth *s, __u64 x, __u32 ioas, __u64 device, bool emulated);
void synth_ioas_detach(struct synth *s, __u64 x, __u64 device);

/* Requests of a device; of @pages those not @cached are found as the area's kind has it. */
void synth_access_pin(struct synth *s, __u64 x, __u64 device, __u64 iova, __u32 pages,
		      __u32 cached);
void synth_access_unpin(struct synth *s, __u64 x, __u64 device, __u64 iova, __u32 pages);
void synth_access_rw(struct synth *s, __u64 x, __u64 device, __u64 iova, __u64 len, bool write);

/* Armed: the time after a hand-over in which everything is still recorded is over. */
void synth_iommufd_tail_passes(struct synth *s, __u64 x);

/* The context as it is found: a snapshot of each ioas. */
void synth_iommufd_snapshot(struct synth *s, __u64 x, enum rs_snapshot_why why);

#endif /* RS_TESTS_SYNTH_IOMMUFD_H */
