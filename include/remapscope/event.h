/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Events
 *
 * What the BPF programs write into the ring buffer and what a trace file holds: the same bytes.
 *
 * Every record begins with &struct rs_event. Types, flags and enum values are append-only; a record
 * may grow at its end (a reader takes the bytes it knows and treats missing ones as zero), so that
 * &rs_event.size, not sizeof, says where the next record begins.
 *
 * Times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns()). Kernel objects (containers, devices,
 * mms) are named by their address: unique while the object lives, reused afterwards.
 *
 * One request can need several records: the pieces (&RS_EV_BACKING, &RS_EV_RANGE, &RS_EV_REMOVE,
 * &RS_EV_XLATE, &RS_EV_IOMMU) come first and carry the request's id, the record that closes the
 * request (&RS_EV_MAP, &RS_EV_UNMAP, ...) comes last.
 */
#ifndef REMAPSCOPE_EVENT_H
#define REMAPSCOPE_EVENT_H

#include "remapscope/types.h"

/* Linux's TASK_COMM_LEN (include/linux/sched.h). */
#define RS_COMM_LEN 16

/** enum rs_event_type - what a record says */
enum rs_event_type {
	RS_EV_NONE = 0,
	RS_EV_PROC = 1,	     /* a process takes part for the first time */
	RS_EV_FORK = 2,	     /* ... has a child */
	RS_EV_EXEC = 3,	     /* ... has replaced its mm */
	RS_EV_EXIT = 4,	     /* ... is gone (its last thread) */
	RS_EV_OPEN = 5,	     /* a container came to be */
	RS_EV_RELEASE = 6,   /* a container is gone */
	RS_EV_ATTACH = 7,    /* a group was attached, or refused */
	RS_EV_DETACH = 8,    /* a group was detached */
	RS_EV_MAP = 9,	     /* VFIO_IOMMU_MAP_DMA returned */
	RS_EV_UNMAP = 10,    /* VFIO_IOMMU_UNMAP_DMA returned */
	RS_EV_IOCTL = 11,    /* another ioctl of the container returned */
	RS_EV_RANGE = 12,    /* a range as the kernel holds it now */
	RS_EV_BACKING = 13,  /* what lies behind a piece of a range's vaddr */
	RS_EV_REMOVE = 14,   /* a range is being taken down */
	RS_EV_REQUEST = 15,  /* pin, unpin or read/write by a driver returned */
	RS_EV_XLATE = 16,    /* a vaddr was translated while its container's window was open */
	RS_EV_IOMMU = 17,    /* the IOMMU's table changed while a window was open */
	RS_EV_SNAPSHOT = 18, /* a container as it was found, after its ranges */
	RS_EV_DEVICE = 19,   /* a device asked for something for the first time */
	RS_EV_PAGES = 20,    /* what an iova, or the vaddr behind it, translates to */
	RS_EV_VERIFY = 21,   /* the recorder has looked at the pages behind a remapped range */
	RS_EV_FLIGHT = 22,   /* a request of before the window, from the flight recorder */
	RS_EV_STATS = 23,    /* requests counted, and their latencies, since the recording began */
	RS_EV_VCPU = 24,     /* a vCPU runs, or is told as it was at an invalidation */
	RS_EV_VM = 25,	     /* a virtual machine is gone */
	RS_EV_IRQ = 26,	     /* an interrupt's eventfd was given or taken away */
	RS_EV_DEVOP = 27,    /* an ioctl of a device returned */
	RS_EV_PASSED = 28,   /* a process was passed a container's, group's or device's file */
	RS_EV_MARK = 29,     /* what another witness says (--qmp); in no trace file */
	RS_EV_IOAS = 30,     /* an ioctl of an iommufd context returned */
	RS_EV_WAIT = 31,     /* a driver's request begins to wait for a vaddr */
	RS_EV_NR
};

/* rs_event.flags */
#define RS_EVF_EXITING	(1U << 0) /* the task was in do_exit(): the kernel cleans up after it */
#define RS_EVF_KTHREAD	(1U << 1) /* the task had no mm */
#define RS_EVF_RECORDER (1U << 2) /* by the recorder itself, as the CPU after the last one */

/**
 * struct rs_event - the head of every record
 * @ts: when the record was written, ns
 * @mm: the task's mm, 0 without one
 * @seq: counts the records of one CPU, including those that found no room: a hole is a loss
 * @tgid: process, in the initial pid namespace
 * @tid: thread
 * @type: &enum rs_event_type
 * @size: the whole record, bytes, a multiple of 8
 * @cpu: where it was written
 * @flags: RS_EVF_*
 */
struct rs_event {
	__u64 ts;
	__u64 mm;
	__u32 seq;
	__u32 tgid;
	__u32 tid;
	__u16 type;
	__u16 size;
	__u16 cpu;
	__u16 flags;
	__u32 reserved;
};

/**
 * struct rs_ev_proc - RS_EV_PROC
 * @ppid: its parent
 * @start_ns: when its leader started, CLOCK_MONOTONIC (task_struct.start_time)
 * @comm: its leader's name
 */
struct rs_ev_proc {
	struct rs_event h;
	__u64 start_ns;
	__u32 ppid;
	__u32 reserved;
	char comm[RS_COMM_LEN];
};

/**
 * struct rs_ev_fork - RS_EV_FORK, written by the parent
 * @child_mm: equals &rs_event.mm for vfork and CLONE_VM
 */
struct rs_ev_fork {
	struct rs_event h;
	__u64 child_mm;
	__u32 child_tgid;
	__u32 reserved;
};

/**
 * struct rs_ev_exec - RS_EV_EXEC; &rs_event.mm is the new mm
 * @old_mm: the mm before, 0 when not known
 * @old_mm_users: who else still uses it (mm_struct.mm_users); 0: it is gone
 */
struct rs_ev_exec {
	struct rs_event h;
	__u64 old_mm;
	__u32 old_mm_users;
	__u32 reserved;
	char comm[RS_COMM_LEN];
};

/**
 * struct rs_ev_exit - RS_EV_EXIT
 * @old_mm: the mm it had
 * @old_mm_users: other users of that mm
 * @status: as wait(2) has it: signal in the low 7 bits, exit code above 8
 */
struct rs_ev_exit {
	struct rs_event h;
	__u64 old_mm;
	__u32 old_mm_users;
	__u32 status;
};

/* Which kernel interface a container belongs to. */
enum rs_container_kind {
	RS_CONTAINER_TYPE1 = 0,
	RS_CONTAINER_IOMMUFD = 1,
};

/**
 * struct rs_op - what the record of every finished request has
 * @req: the request's id, unique within a recording
 * @container: struct vfio_iommu's address, or struct iommufd_ctx's
 * @start_ns: when the request entered the kernel's function; it returned at &rs_event.ts, or a little
 *	before (rs_more.end_ns)
 * @ret: the function's return value, -errno on failure
 * @invalid_before: ranges without a vaddr at entry (vfio_iommu.vaddr_invalid_count)
 * @invalid_after: the same at exit
 * @flags: RS_OPF_*
 * @kind: &enum rs_container_kind
 */
struct rs_op {
	__u64 req;
	__u64 container;
	__u64 start_ns;
	__s64 ret;
	__u32 invalid_before;
	__u32 invalid_after;
	__u32 flags;
	__u32 kind;
};

#define RS_OPF_CONCURRENT  (1U << 0) /* another request ran on this container meanwhile */
#define RS_OPF_NO_ARG	   (1U << 1) /* the user's argument could not be read */
#define RS_OPF_EMULATED	   (1U << 2) /* the container had an emulated (mdev-like) group at exit */
#define RS_OPF_V2	   (1U << 3) /* VFIO_TYPE1v2_IOMMU */
#define RS_OPF_NO_UNMAP_CB (1U << 4) /* no device with a dma_unmap callback is registered */

/**
 * struct rs_ev_open - RS_EV_OPEN
 * @iommu_type: VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU (uapi linux/vfio.h)
 */
struct rs_ev_open {
	struct rs_event h;
	struct rs_op op;
	__u64 iommu_type;
};

/** struct rs_ev_release - RS_EV_RELEASE */
struct rs_ev_release {
	struct rs_event h;
	struct rs_op op;
};

/**
 * struct rs_acct - locked memory charged within a request (mm_lock_acct())
 * @mm: whose
 * @pages: how much, negative when given back; failed charges do not count
 */
struct rs_acct {
	__u64 mm;
	__s64 pages;
};

#define RS_NR_ACCT 2

/**
 * struct rs_work - what the kernel did inside a map, unmap, attach or release
 * @pages_pinned: by vfio_pin_pages_remote()
 * @iommu_mapped: bytes successfully given to iommu_map()
 * @iommu_unmapped: bytes that iommu_unmap() and iommu_unmap_fast() took back
 * @pin_calls: calls of vfio_pin_pages_remote(), one per contiguous run
 * @unpin_calls: calls of vfio_unpin_pages_remote()
 * @gup_calls: calls of vaddr_get_pfns()
 * @gup_failed: those that failed
 * @removed: ranges taken down (vfio_remove_dma())
 * @acct_other: mm_lock_acct() calls for an mm that has no place in @acct
 * @acct: by mm
 * @pfnmap_pages: of the pages that vaddr_get_pfns() translated, those without a struct page
 *	(follow_pte() before 6.12, follow_pfnmap_start() since)
 */
struct rs_work {
	__u64 pages_pinned;
	__u64 iommu_mapped;
	__u64 iommu_unmapped;
	__u32 pin_calls;
	__u32 unpin_calls;
	__u32 gup_calls;
	__u32 gup_failed;
	__u32 removed;
	__u32 acct_other;
	struct rs_acct acct[RS_NR_ACCT];
	__u64 pfnmap_pages;
};

/**
 * struct rs_more - of a request that maps, or pins by attaching, what later versions added
 * @work_ns: when its own work could begin: the container's lock was taken; 0 not known
 * @foreign_iova: the first range that was pinned in another mm than the one that is charged for it
 *	(vfio_pin_pages_remote() takes current->mm, accounting takes vfio_dma.mm)
 * @foreign_mm: the mm that is charged for it
 * @foreign_calls: how often that happened
 * @more: RS_MOREF_*
 * @pfn: what the IOMMU was given for the first page (RS_MOREF_PFN)
 * @end_ns: when the kernel's function returned; &rs_event.ts is later by what the recorder itself did,
 *	which looks at the memory behind ranges; 0 not known
 */
struct rs_more {
	__u64 work_ns;
	rs_iova_t foreign_iova;
	__u64 foreign_mm;
	rs_pfn_t pfn;
	__u32 foreign_calls;
	__u32 more;
	__u64 end_ns;
};

#define RS_MOREF_PFN (1U << 0)

/**
 * struct rs_ev_group - RS_EV_ATTACH and RS_EV_DETACH
 * @group: struct iommu_group's address
 * @group_type: enum vfio_group_type: 0 IOMMU-backed, 1 emulated, 2 no-IOMMU (attach only)
 * @group_id: the number under /dev/vfio
 * @work: what an attach did: it maps the ranges that are there already
 * @device: iommufd, where no group is attached but a device: struct vfio_device's address; else 0
 * @ioas: iommufd: the ioas' id, 0: it is not known (a page table of user space's own)
 * @old_ioas: the ioas that it replaces, or leaves; 0: none
 */
struct rs_ev_group {
	struct rs_event h;
	struct rs_op op;
	__u64 group;
	__u32 group_type;
	__u32 group_id;
	struct rs_work work;
	struct rs_more more;
	__u64 device;
	__u32 ioas;
	__u32 old_ioas;
};

/**
 * struct rs_ev_map - RS_EV_MAP and RS_EV_UNMAP
 * @iova: as the user's argument said
 * @vaddr: likewise (MAP only)
 * @size: likewise, at entry; of an unmap, what the kernel wrote back is in @size_after
 * @size_after: UNMAP: bytes unmapped or invalidated (valid when op.ret is 0)
 * @uflags: VFIO_DMA_MAP_FLAG_* or VFIO_DMA_UNMAP_FLAG_*
 * @nr_ranges: RS_EV_RANGE records that belong to this request
 * @old_vaddr: MAP with FLAG_VADDR: the range's vaddr before, from struct vfio_dma
 * @old_mm: its owner's mm before
 * @old_size: its size; 0: the kernel had no range at @iova
 * @old_iova: its iova
 * @old_flags: RS_RANGEF_* before
 */
struct rs_ev_map {
	struct rs_event h;
	struct rs_op op;
	rs_iova_t iova;
	rs_vaddr_t vaddr;
	__u64 size;
	__u64 size_after;
	__u32 uflags;
	__u32 nr_ranges;
	rs_vaddr_t old_vaddr;
	__u64 old_mm;
	__u64 old_size;
	rs_iova_t old_iova;
	__u32 old_flags;
	__u32 reserved;
	struct rs_work work;
	struct rs_more more;
};

/**
 * struct rs_ev_ioctl - RS_EV_IOCTL
 * @cmd: the ioctl's number
 * @uflags: VFIO_IOMMU_DIRTY_PAGES: the argument's flags (uapi linux/vfio.h: 1 start, 2 stop, 4 get the bitmap);
 *	else 0
 */
struct rs_ev_ioctl {
	struct rs_event h;
	struct rs_op op;
	__u32 cmd;
	__u32 uflags;
};

/* rs_ev_range.flags */
#define RS_RANGEF_INVALID      (1U << 0) /* vfio_dma.vaddr_invalid */
#define RS_RANGEF_IOMMU_MAPPED (1U << 1) /* vfio_dma.iommu_mapped */
#define RS_RANGEF_LOCK_CAP     (1U << 2) /* the owner had CAP_IPC_LOCK */
#define RS_RANGEF_SCANNED      (1U << 3) /* RS_EV_BACKING records describe its vaddr */
#define RS_RANGEF_SCAN_CUT     (1U << 4) /* ... but not all of it */

/** enum rs_range_cause - why a range's state was written down */
enum rs_range_cause {
	RS_RANGE_MAPPED = 1,	  /* by a plain MAP_DMA */
	RS_RANGE_REMAPPED = 2,	  /* by a MAP_DMA with FLAG_VADDR */
	RS_RANGE_INVALIDATED = 3, /* all ranges after an UNMAP_DMA with FLAG_VADDR */
	RS_RANGE_FOUND = 4,	  /* in a snapshot */
	RS_RANGE_COPIED = 5,	  /* iommufd: by IOAS_COPY: it shares its pages with another area */
	RS_RANGE_HANDED = 6,	  /* iommufd: after a successful CHANGE_PROCESS */
};

/** enum rs_area - what an iommufd area is known by (enum iopt_address_type, Linux 7.3) */
enum rs_area {
	RS_AREA_TYPE1 = 0, /* none: a range of type1, which has a vaddr */
	RS_AREA_USER = 1,  /* a vaddr in its owner's mm */
	RS_AREA_FILE = 2,  /* a file and an offset */
	RS_AREA_DMABUF = 3,
};

/** enum rs_account - what an area's pinned pages are charged to (iopt_pages.account_mode) */
enum rs_account {
	RS_ACCOUNT_NONE = 0, /* nothing: the owner had CAP_IPC_LOCK */
	RS_ACCOUNT_USER = 1, /* user_struct.locked_vm, and mm_struct.pinned_vm */
	RS_ACCOUNT_MM = 2,   /* mm_struct.locked_vm, and mm_struct.pinned_vm */
};

/**
 * struct rs_ev_range - RS_EV_RANGE, from struct vfio_dma or struct iopt_area
 * @req: the request that wrote it
 * @container: whose
 * @owner_mm: vfio_dma.mm, or iopt_pages.source_mm: the mm that is charged
 * @locked_pages: vfio_dma.locked_vm; of a kernel without that member (before March 2023) 0. iommufd:
 *	iopt_pages.npinned, which areas that share it have together
 * @prot: 1 read, 2 write (IOMMU_READ, IOMMU_WRITE)
 * @pieces: RS_EV_BACKING records of this range in this request
 * @pages_key: iommufd: struct iopt_pages' address: areas that share it share their pages (IOAS_COPY)
 * @ioas: the ioas' id, 0 of type1
 * @area: &enum rs_area
 * @account: &enum rs_account
 * @owner_tgid: iommufd: the process that it is charged to (iopt_pages.source_task)
 */
struct rs_ev_range {
	struct rs_event h;
	__u64 req;
	__u64 container;
	rs_iova_t iova;
	rs_vaddr_t vaddr;
	__u64 size;
	__u64 owner_mm;
	__u64 locked_pages;
	__u32 prot;
	__u32 flags;
	__u32 cause;
	__u32 pieces;
	__u64 pages_key;
	__u32 ioas;
	__u32 area;
	__u32 account;
	__u32 owner_tgid;
};

/** enum rs_backing - what lies behind a vaddr */
enum rs_backing {
	RS_BACKING_NONE = 0, /* nothing is mapped there */
	RS_BACKING_FILE = 1, /* a file: a memfd, hugetlb, shmem, a device */
	RS_BACKING_ANON = 2, /* anonymous memory: nothing names it */
	RS_BACKING_BUSY = 3, /* could not be looked up: the mmap lock was taken */
};

/**
 * struct rs_ev_backing - RS_EV_BACKING, from struct vm_area_struct
 * @iova: where in the range the piece begins
 * @vaddr: the same place in the owner's mm
 * @len: bytes
 * @ino: the file's inode
 * @offset: of the piece's first byte in the file
 * @vm_flags: vm_area_struct.vm_flags
 * @dev: the inode's device (dev_t as the kernel has it: major << 20 | minor)
 * @generation: the inode's generation
 * @what: &enum rs_backing
 */
struct rs_ev_backing {
	struct rs_event h;
	__u64 req;
	rs_iova_t iova;
	rs_vaddr_t vaddr;
	__u64 len;
	__u64 ino;
	__u64 offset;
	__u64 vm_flags;
	__u32 dev;
	__u32 generation;
	__u32 what;
	__u32 reserved;
};

/* vm_flags bits that matter here (include/linux/mm.h, the same on 6.1 to 7.3). */
#define RS_VM_WRITE   0x00000002ULL
#define RS_VM_SHARED  0x00000008ULL
#define RS_VM_PFNMAP  0x00000400ULL
#define RS_VM_IO      0x00004000ULL
#define RS_VM_HUGETLB 0x00400000ULL

/** enum rs_caller - what a nested kernel function was called for */
enum rs_caller {
	RS_IN_NOTHING = 0, /* no request of ours: somebody else */
	RS_IN_IOCTL_MAP = 1,
	RS_IN_IOCTL_UNMAP = 2,
	RS_IN_IOCTL_OTHER = 3,
	RS_IN_ATTACH = 4,
	RS_IN_DETACH = 5,
	RS_IN_RELEASE = 6,
	RS_IN_PIN = 7,
	RS_IN_UNPIN = 8,
	RS_IN_RW = 9,
	RS_IN_OPEN = 10,
	RS_IN_CHANGE = 11, /* iommufd: CHANGE_PROCESS */
};

/**
 * struct rs_ev_remove - RS_EV_REMOVE (vfio_remove_dma() entered)
 * @req: the request it belongs to, 0 for none
 * @caller: &enum rs_caller
 * @flags: RS_RANGEF_* of the range as it was
 * @ioas: the ioas' id, 0 of type1
 */
struct rs_ev_remove {
	struct rs_event h;
	__u64 req;
	__u64 container;
	rs_iova_t iova;
	__u64 size;
	__u32 caller;
	__u32 flags;
	__u32 ioas;
	__u32 reserved;
};

/* A record longer than this is not one of ours. */
#define RS_EVENT_MAX 4096

/** enum rs_loss_kind - ways to lose something; see &struct rs_loss */
enum rs_loss_kind {
	RS_LOSS_RING = 0,    /* no room in the ring buffer */
	RS_LOSS_CTX = 1,     /* no task-local storage to be had */
	RS_LOSS_DEPTH = 2,   /* requests nested too deep */
	RS_LOSS_WALK = 3,    /* a walk over ranges ended early */
	RS_LOSS_OWNERS = 4,  /* no room for another process or container */
	RS_LOSS_RECURSE = 5, /* the kernel skipped a program that was running on that CPU */
	RS_LOSS_STATS = 6,   /* no room for another row of statistics */
	RS_LOSS_NR
};

/**
 * struct rs_loss - one kind of loss on one CPU
 * @count: how often
 * @first_ns: first time
 * @last_ns: last time
 */
struct rs_loss {
	__u64 count;
	__u64 first_ns;
	__u64 last_ns;
};

/* Records that found no room are counted by container and type; in so many rows. */
#define RS_LOST_MAX 1024

/**
 * struct rs_lost_key - whose records, and of which type
 * @container: the kernel object's address, 0: of no particular one (processes)
 * @type: &enum rs_event_type
 */
struct rs_lost_key {
	__u64 container;
	__u32 type;
	__u32 reserved;
};

/** struct rs_lost - such records that found no room: how many, first and last time */
struct rs_lost {
	__u64 count;
	__u64 first_ns;
	__u64 last_ns;
};

/**
 * struct rs_percpu - what the BPF side counts per CPU
 * @seq: the next &rs_event.seq: events tried so far
 * @req: the next request id, less the CPU's number
 * @loss: by &enum rs_loss_kind
 * @flight: requests put into the flight recorder so far
 */
struct rs_percpu {
	__u64 seq;
	__u64 req;
	struct rs_loss loss[RS_LOSS_NR];
	__u64 flight;
};

#define RS_ASSERT_SIZE(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), #type " is part of the trace format")

#include "remapscope/event_request.h"
#include "remapscope/event_guest.h"
#include "remapscope/event_iommufd.h"

RS_ASSERT_SIZE(rs_event, 40);
RS_ASSERT_SIZE(rs_ev_proc, 72);
RS_ASSERT_SIZE(rs_ev_fork, 56);
RS_ASSERT_SIZE(rs_ev_exec, 72);
RS_ASSERT_SIZE(rs_ev_exit, 56);
RS_ASSERT_SIZE(rs_op, 48);
RS_ASSERT_SIZE(rs_ev_open, 96);
RS_ASSERT_SIZE(rs_ev_release, 88);
RS_ASSERT_SIZE(rs_more, 48);
RS_ASSERT_SIZE(rs_ev_group, 256);
RS_ASSERT_SIZE(rs_work, 88);
RS_ASSERT_SIZE(rs_ev_map, 304);
RS_ASSERT_SIZE(rs_ev_ioctl, 96);
RS_ASSERT_SIZE(rs_ev_range, 136);
RS_ASSERT_SIZE(rs_ev_backing, 112);
RS_ASSERT_SIZE(rs_ev_remove, 88);
_Static_assert(offsetof(struct rs_event, type) == 28, "rs_event.type is part of the trace format");
_Static_assert(offsetof(struct rs_event, size) == 30, "rs_event.size is part of the trace format");
_Static_assert(offsetof(struct rs_ev_map, work) == 168,
	       "rs_ev_map.work is part of the trace format");

#endif /* REMAPSCOPE_EVENT_H */
