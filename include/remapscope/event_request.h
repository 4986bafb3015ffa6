/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Events of requests: what drivers ask for, what is translated for them, what it costs
 *
 * The second half of event.h, which includes it: the same rules hold.
 */
#ifndef REMAPSCOPE_EVENT_REQUEST_H
#define REMAPSCOPE_EVENT_REQUEST_H

#ifndef REMAPSCOPE_EVENT_H
#error "include remapscope/event.h"
#endif

/** enum rs_request_op - what a driver asked for */
enum rs_request_op {
	RS_REQ_PIN = 1,
	RS_REQ_UNPIN = 2,
	RS_REQ_READ = 3,
	RS_REQ_WRITE = 4,
	/* In statistics only: these have records of their own. */
	RS_REQ_MAP = 5,
	RS_REQ_UNMAP = 6,
	RS_REQ_INVALIDATE = 7,
	RS_REQ_REMAP = 8,
	RS_REQ_CHANGE = 9, /* iommufd: CHANGE_PROCESS */
	RS_REQ_NR
};

/* rs_ev_request.rflags */
#define RS_REQF_BACKEND (1U << 0) /* the type1 function was entered */
/* range_* are valid: the range that held @iova at exit, or, of a request over several that failed, the first
 * one that may explain it */
#define RS_REQF_RANGE	(1U << 1)
#define RS_REQF_MM_DEAD (1U << 2) /* the range owner's mm had no users */
#define RS_REQF_OUTER	(1U << 3) /* entered through vfio_pin_pages() and its like */
#define RS_REQF_PFN	(1U << 4) /* pin: @pfn is what the driver got for the first page */
#define RS_REQF_NO_CB	(1U << 5) /* the device has no dma_unmap callback */
#define RS_REQF_HOLE	(1U << 6) /* it failed, and not all of it lies in ranges */
/* iommufd: */
#define RS_REQF_DETACHED  (1U << 7) /* the device was attached to no ioas (iommufd_access.ioas) */
#define RS_REQF_UNMAPPING (1U << 8) /* the area was being unmapped (iopt_area.prevent_access) */
#define RS_REQF_USE_MM	  (1U << 9) /* a kernel thread borrowed the owner's mm (kthread_use_mm()) */

/**
 * struct rs_ev_request - RS_EV_REQUEST
 * @device: struct vfio_device's address, 0 when the type1 function was entered directly
 * @iova: first byte
 * @len: bytes (a pin's npage in bytes)
 * @begin_ns: when the backend's function (type1) was entered, 0 if it was not
 * @prot: pin: IOMMU_READ 1, IOMMU_WRITE 2
 * @request: &enum rs_request_op
 * @gup_pages: pages that vaddr_get_pfns() translated
 * @pfnmap_pages: of these, those without a struct page
 * @gup_calls: how often it was called
 * @gup_err: its last error, 0 for none
 * @acct_err: mm_lock_acct()'s last error, 0 for none
 * @rflags: RS_REQF_*
 * @range_iova: the range that held @iova at exit
 * @range_mm: its owner
 * @range_prot: its protection
 * @range_flags: RS_RANGEF_*
 * @work_ns: when the path's own work could begin: the container's lock was taken, and every wait for
 *	a vaddr was over; 0: not known, or the backend was not entered
 * @wait_ns: time in vfio_wait() (kernels from 5.12 to the 2023 fix)
 * @pfn: see RS_REQF_PFN
 * @waits: how often it waited for a vaddr
 * @wait_pages: pages that were translated after the first wait
 * @gup_zero: how often vaddr_get_pfns() reported success without a page
 * @put_pages: unpin: pages of which the last reference was dropped
 * @group_id: the device's group, -1 when not known
 * @ioas: iommufd: the ioas' id, 0: none
 * @area: &enum rs_area of the range
 * @file_pages: pages found through the range's file (memfd_pin_folios())
 * @domain_pages: pages looked up in an IOMMU's table (iommu_iova_to_phys())
 */
struct rs_ev_request {
	struct rs_event h;
	struct rs_op op;
	__u64 device;
	rs_iova_t iova;
	__u64 len;
	__u64 begin_ns;
	__u32 prot;
	__u32 request;
	__u32 gup_pages;
	__u32 gup_calls;
	__s32 gup_err;
	__s32 acct_err;
	__u32 rflags;
	__u32 range_prot;
	rs_iova_t range_iova;
	__u64 range_mm;
	__u32 range_flags;
	__u32 pfnmap_pages;
	__u64 work_ns;
	__u64 wait_ns;
	rs_pfn_t pfn;
	__u32 waits;
	__u32 wait_pages;
	__u32 gup_zero;
	__u32 put_pages;
	__s32 group_id;
	__u32 reserved;
	__u32 ioas;
	__u32 area;
	__u32 file_pages;
	__u32 domain_pages;
};

/**
 * struct rs_ev_wait - RS_EV_WAIT: once a request, however often it waits
 *
 * vfio_wait() of kernels from 5.12 to the 2023 fix, and of the lab's kernel with remap_requests=block. The
 * request's RS_EV_REQUEST says how it ended.
 *
 * @req: the request
 * @device: as in its RS_EV_REQUEST
 * @request: &enum rs_request_op
 */
struct rs_ev_wait {
	struct rs_event h;
	__u64 req;
	__u64 container;
	__u64 device;
	rs_iova_t iova;
	__u64 len;
	__u32 request;
	__u32 reserved;
};

/**
 * struct rs_ev_xlate - RS_EV_XLATE (vaddr_get_pfns() returned inside a window)
 * @req: the request it was for
 * @vaddr: what was translated
 * @npage: how many pages were asked for
 * @ret: pages translated or -errno
 * @target_mm: the mm it was translated in
 * @dma_iova: the range, when vfio_pin_pages_remote() named it
 * @dma_size: its size, 0 when not known
 * @caller: &enum rs_caller
 * @dma_flags: RS_RANGEF_* of that range
 */
struct rs_ev_xlate {
	struct rs_event h;
	__u64 req;
	__u64 container;
	rs_vaddr_t vaddr;
	__u64 npage;
	__s64 ret;
	__u64 target_mm;
	rs_iova_t dma_iova;
	__u64 dma_size;
	__u32 caller;
	__u32 dma_flags;
};

/** enum rs_iommu_op - how the IOMMU's table changed */
enum rs_iommu_op {
	RS_IOMMU_MAP = 1,
	RS_IOMMU_UNMAP = 2,
};

/**
 * struct rs_ev_iommu - RS_EV_IOMMU
 * @req: the request it was for, 0: somebody else's doing
 * @domain: struct iommu_domain's address
 * @paddr: MAP: the physical address
 * @ret: MAP: 0 or -errno; UNMAP: bytes unmapped
 * @caller: &enum rs_caller
 * @op: &enum rs_iommu_op
 * @removing: inside vfio_remove_dma(): the range is being taken down
 */
struct rs_ev_iommu {
	struct rs_event h;
	__u64 req;
	__u64 container;
	__u64 domain;
	rs_iova_t iova;
	__u64 size;
	__u64 paddr;
	__s64 ret;
	__u32 caller;
	__u32 op;
	__u32 removing;
	__u32 reserved;
};

/* rs_ev_snapshot.why */
enum rs_snapshot_why {
	RS_SNAP_START = 1,  /* found in a process's files when the recording began */
	RS_SNAP_OWNER = 2,  /* armed: its owner is about to lose its mm (exec, exit) */
	RS_SNAP_FILTER = 3, /* it has come to match the filter */
};

/**
 * struct rs_ev_snapshot - RS_EV_SNAPSHOT: a container as it was found, without stopping anyone
 *
 * Closes a request (op.req) of &RS_EV_BACKING and &RS_EV_RANGE records (cause RS_RANGE_FOUND). With
 * RS_OPF_CONCURRENT the container was at work meanwhile: what is told may be out of date.
 *
 * @why: &enum rs_snapshot_why
 * @nr_ranges: how many there are; of RS_SNAP_OWNER only those that the mm is charged for
 * @owner_tgid: a process that has the container's file (RS_SNAP_START)
 * @fd: under this number there
 * @ioas: iommufd: the ranges are those of this ioas; 0: the context has none
 */
struct rs_ev_snapshot {
	struct rs_event h;
	struct rs_op op;
	__u32 why;
	__u32 nr_ranges;
	__u32 owner_tgid;
	__s32 fd;
	__u32 ioas;
	__u32 reserved;
};

#define RS_DEVICE_NAME_LEN 40

/**
 * struct rs_ev_device - RS_EV_DEVICE
 * @device: struct vfio_device's address, as in requests
 * @container: whose it is, 0 when not known
 * @group_id: the number under /dev/vfio, -1 when not known
 * @kind: &enum rs_container_kind: what @container is
 * @name: the device's name in sysfs: a BDF, an mdev's UUID
 */
struct rs_ev_device {
	struct rs_event h;
	__u64 device;
	__u64 container;
	__s32 group_id;
	union {
		__u32 kind;
		__u32 reserved; /* of older recorders: 0, type1 */
	};
	char name[RS_DEVICE_NAME_LEN];
};

/** enum rs_pages_source - who says what an iova translates to */
enum rs_pages_source {
	RS_PAGES_IOMMU = 1,   /* the IOMMU was given it: iommu_map() */
	RS_PAGES_PIN = 2,     /* a driver's pin was given it */
	RS_PAGES_PAGEMAP = 3, /* the owner's page table has it, /proc/PID/pagemap */
};

/**
 * struct rs_ev_pages - RS_EV_PAGES: a contiguous run
 *
 * In what order: RS_PAGES_IOMMU and RS_PAGES_PIN come before the record that closes their request,
 * RS_PAGES_PAGEMAP before its RS_EV_VERIFY.
 *
 * @req: the request it belongs to; of RS_PAGES_PAGEMAP that of the remap
 * @device: RS_PAGES_PIN: who asked
 * @iova: of the first page
 * @pfn: of the first page
 * @npage: pages, contiguous in both
 * @source: &enum rs_pages_source
 */
struct rs_ev_pages {
	struct rs_event h;
	__u64 req;
	__u64 container;
	__u64 device;
	rs_iova_t iova;
	rs_pfn_t pfn;
	__u64 npage;
	__u32 source;
	__u32 reserved;
};

/**
 * struct rs_ev_verify - RS_EV_VERIFY, by the recorder: closes the pages of a remap
 * @req: the remap's
 * @iova: the range's
 * @asked: pages looked for
 * @found: pages that the owner's page table showed; the rest could not be seen
 * @all: every page of the range was looked for
 */
struct rs_ev_verify {
	struct rs_event h;
	__u64 req;
	__u64 container;
	rs_iova_t iova;
	__u64 size;
	__u64 asked;
	__u64 found;
	__u32 all;
	__u32 reserved;
};

/* Pages of a range that are looked at unless all are: one per size / RS_SAMPLES, from its begin on. */
#define RS_SAMPLES 64

/** rs_sample_step() - distance of the pages that are looked at, bytes. Both sides must agree on it. */
static inline __u64 rs_sample_step(__u64 size, int all)
{
	__u64 step = all ? RS_PAGE_SIZE : size / RS_SAMPLES & ~(RS_PAGE_SIZE - 1);

	return step ? step : RS_PAGE_SIZE;
}

/**
 * struct rs_ev_flight - RS_EV_FLIGHT
 * @request: the record as it would have been written; its own head says when. Its seq means nothing
 */
struct rs_ev_flight {
	struct rs_event h;
	struct rs_ev_request request;
};

/** enum rs_latency - the parts of a request's time */
enum rs_latency {
	RS_LAT_TOTAL = 0,
	RS_LAT_WAIT = 1, /* until the path's own work could begin: locks, waiting for a vaddr */
	RS_LAT_WORK = 2, /* the path's own work */
	RS_LAT_NR
};

/*
 * Buckets of a latency in the kernel: 8 linear ones per power of two, so that a percentile is at most
 * 1/8 too large. Values of RS_KHIST_MAX_BITS bits and more (18 minutes) are in the last one.
 */
#define RS_KHIST_SUB	  3
#define RS_KHIST_MAX_BITS 40
#define RS_KHIST_BUCKETS  ((RS_KHIST_MAX_BITS - RS_KHIST_SUB + 1) << RS_KHIST_SUB)

/**
 * struct rs_stat_key - what requests are counted by
 * @device: struct vfio_device's address; 0 for maps and unmaps
 * @request: &enum rs_request_op
 * @path: &enum rs_path
 * @reason: &enum rs_reason
 * @in_window: the container had ranges without a vaddr when it was entered
 */
struct rs_stat_key {
	__u64 device;
	__u16 request;
	__u16 path;
	__u16 reason;
	__u16 in_window;
};

/** struct rs_stat_bucket - a bucket that is not empty */
struct rs_stat_bucket {
	__u32 nr;
	__u32 count;
};

/**
 * struct rs_ev_stats - RS_EV_STATS, by the recorder; the last one of a key and latency counts
 *
 * A request over several pages can have several paths: it is counted under each, with the pages that
 * took it; its time is counted only under the path that cost most (@count).
 *
 * @requests: under this key
 * @pages: of theirs
 * @count: requests whose latency is in this record
 * @sum: of their latencies, ns
 * @latency: &enum rs_latency
 * @nr: how many @bucket follow
 */
struct rs_ev_stats {
	struct rs_event h;
	struct rs_stat_key key;
	__u64 requests;
	__u64 pages;
	__u64 count;
	__u64 sum;
	__u64 min;
	__u64 max;
	__u32 latency;
	__u32 nr;
	struct rs_stat_bucket bucket[];
};

RS_ASSERT_SIZE(rs_ev_request, 240);
RS_ASSERT_SIZE(rs_ev_wait, 88);
RS_ASSERT_SIZE(rs_ev_xlate, 112);
RS_ASSERT_SIZE(rs_ev_iommu, 112);
RS_ASSERT_SIZE(rs_ev_snapshot, 112);
RS_ASSERT_SIZE(rs_ev_device, 104);
RS_ASSERT_SIZE(rs_ev_pages, 96);
RS_ASSERT_SIZE(rs_ev_verify, 96);
RS_ASSERT_SIZE(rs_ev_flight, 280);
RS_ASSERT_SIZE(rs_stat_key, 16);
RS_ASSERT_SIZE(rs_ev_stats, 112);

#endif /* REMAPSCOPE_EVENT_REQUEST_H */
