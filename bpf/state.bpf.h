/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What the BPF programs keep: requests in progress, maps, what is set before loading
 *
 * Requests live on a small stack in task-local storage, because they nest: an unmap calls a driver
 * back, which unpins on the same thread.
 */
#ifndef RS_STATE_BPF_H
#define RS_STATE_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include "vmlinux.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "remapscope/event.h"
#include "remapscope/kstat.h"
#include "remapscope/path.h"

#define EBUSY 16

#define PF_EXITING 0x00000004 /* include/linux/sched.h */

/* include/uapi/linux/vfio.h */
#define VFIO_IOMMU_MAP_DMA	  0x3b71
#define VFIO_IOMMU_UNMAP_DMA	  0x3b72
#define VFIO_IOMMU_DIRTY_PAGES	  0x3b75
#define DIRTY_START		  (1U << 0)
#define DIRTY_STOP		  (1U << 1)
#define VFIO_DMA_MAP_FLAG_VADDR	  (1U << 2)
#define VFIO_DMA_UNMAP_FLAG_VADDR (1U << 2)

struct dma_map_arg {
	__u32 argsz;
	__u32 flags;
	__u64 vaddr;
	__u64 iova;
	__u64 size;
};

struct dma_unmap_arg {
	__u32 argsz;
	__u32 flags;
	__u64 iova;
	__u64 size;
};

/* A request in progress. */
struct rs_frame {
	__u64 req;
	__u64 start_ns;
	__u64 begin_ns;
	__u64 work_ns; /* its own work could begin: the container's lock was taken */
	__u64 container;
	__u64 device;
	__u64 arg;
	__u32 caller; /* enum rs_caller */
	__u32 cmd;
	__u32 invalid_before;
	__u32 gen; /* of the container, when this request entered */
	__u64 iova;
	__u64 vaddr;
	__u64 size;
	__u32 uflags;
	__u32 op_flags;
	__u64 old_vaddr;
	__u64 old_mm;
	__u64 old_size;
	__u64 old_iova;
	__u32 old_flags;
	__u32 nr_ranges;
	struct rs_work work;
	__u32 prot;
	__u32 request;
	__u32 gup_pages;
	__u32 gup_calls;
	__s32 gup_err;
	__s32 acct_err;
	__u32 rflags;
	__u32 range_prot;
	__u64 range_iova;
	__u64 range_mm;
	__u32 range_flags;
	__u32 details;	/* in-window records written for this request */
	__u64 dma_iova; /* what vfio_pin_pages_remote() works on */
	__u64 dma_size;
	__u32 dma_flags;
	__u32 removing;
	__u32 pfnmap; /* vaddr_get_pfns() has come across memory without struct pages */
	__u32 waits;
	__u64 wait_ns;
	__u64 wait_start;
	__u32 wait_pages;
	__u32 gup_zero;
	__u32 put_pages;
	__s32 group_id;
	__u64 group;
	__u32 group_type;
	__u32 reserved;
	__u64 file_pages; /* found through the file behind a range */
	__u64 pages;	  /* a pin: where the driver wants its struct page pointers */
	struct rs_more more;
	/* iommufd: */
	__u32 kind; /* enum rs_container_kind */
	__u32 what; /* enum rs_ioas_op */
	__u64 access;
	__u64 ioas_at;	  /* struct iommufd_ioas, */
	__u32 ioas;	  /* ... its id */
	__u32 other_ioas; /* a copy's source; what a device leaves */
	__u64 at;	  /* what the backend was asked for: first byte, bytes */
	__u64 bytes;
	__u64 reader; /* pfn_reader_user_pin() under way: its struct pfn_reader_user */
	__u64 domain_pages;
	__u64 src_iova;
	__u64 offset;
	__u32 area; /* enum rs_area */
	__u32 areas;
	__u32 user_areas;
	__u32 old_tgid;
	__u32 foreign; /* an area is charged to another mm */
	__u32 reads;   /* counted in nr_reading */
	__s32 fd;
	__u32 reserved2;
	__u64 size_after;
};

#define RS_DEPTH 4
/* In-window records of one request beyond this are only counted (struct rs_work). */
#define RS_DETAILS 16

/* Functions whose arguments a kprobe must keep for its kretprobe. */
enum rs_leaf {
	RS_LEAF_GUP,
	RS_LEAF_PIN_REMOTE,
	RS_LEAF_ACCT,
	RS_LEAF_UNPIN,
	RS_LEAF_IOMMU_MAP,
	RS_LEAF_IOMMU_UNMAP,
	RS_LEAF_IOMMU_UNMAP_FAST,
	RS_LEAF_FOLIOS,
	RS_LEAF_AREA_ACCT,
	RS_LEAF_AREA_GUP,
	RS_LEAF_AREA_REMOTE,
	RS_LEAF_NR
};

/* One VMA, or the part of it that lies in a range. */
struct rs_vma_piece {
	__u64 start;
	__u64 end;
	__u64 ino;
	__u64 offset; /* of @start in the file */
	__u64 vm_flags;
	__u32 dev;
	__u32 generation;
	__u32 what; /* enum rs_backing */
	__u32 reserved;
};

/* A look at what is behind a range's vaddr, under way (range.bpf.h). */
struct rs_scan {
	__u64 addr; /* next to look at */
	__u64 end;
	__u64 base; /* vaddr of the range */
	__u64 iova;
	__u64 req;
	__u64 container;
	__u32 tries;
	__u32 pieces;
	struct rs_vma_piece cur;  /* not yet written; clipped to the range */
	struct rs_vma_piece seen; /* as bpf_find_vma() found it */
};

/* A request that has returned, as it is counted. */
struct rs_counted {
	struct rs_stat_key key;
	struct rs_paths paths;
	__u64 start; /* entered; */
	__u64 work;  /* its own work could begin; */
	__u64 end;   /* returned */
};

/* An interrupt's eventfd is being given or taken away. */
struct rs_irq_call {
	__u64 start; /* 0: no such call is under way */
	__u64 object;
	__u64 data; /* the kernel's copy of the argument */
	__u32 flags;
	__u32 index;
	__u32 vector;
	__u32 count;
};

/* A device's ioctl. */
struct rs_devop_call {
	__u64 start; /* 0: no such call is under way */
	__u64 device;
	__u64 arg;
	__u32 cmd;
	__u32 reserved;
};

/* A walk over the areas of an iommufd context, under way (area.bpf.h). */
struct rs_areas {
	__u64 ictx;
	__u64 req;
	__u64 start;
	__u64 at;     /* the object that is next, by id; */
	__u64 ids;    /* there is none with this one, or beyond */
	__u64 node;   /* in the tree of the areas, 0: this ioas is done */
	__u64 old_mm; /* whose the first area is */
	__u32 old_tgid;
	__u32 down; /* as struct walk has it (range.bpf.h) */
	__u32 ioas; /* 0: none yet */
	__u32 ioas_seen;
	__u32 nr;    /* areas told of this ioas, */
	__u32 told;  /* ... of all, */
	__u32 areas; /* ... and seen */
	__u32 user_areas;
	__u32 foreign; /* one is charged to another mm */
	__u32 how;
	__u32 gen;
	__s32 fd;
	__u32 done;
	__u32 why;
};

/* Too much for the 512 bytes of a BPF stack lives here. */
struct rs_task {
	__u32 depth;
	__u32 reserved;
	struct rs_frame frame[RS_DEPTH];
	__u64 leaf[RS_LEAF_NR][4];
	struct rs_scan scan;
	struct rs_areas areas;
	struct rs_counted counted;
	struct rs_irq_call irq;
	struct rs_devop_call devop;
};

/* A container that is recorded: with a filter, only those that it has selected are here. */
struct rs_container {
	__u32 inflight;
	__u32 gen;
	__u32 open;	  /* its window */
	__u32 born;	  /* seen from its open() on */
	__u32 told;	  /* a snapshot has told all its ranges */
	__u32 kind;	  /* enum rs_container_kind */
	__u64 tail_until; /* armed: record everything until then */
	__u64 owner_mm;	  /* iommufd: that its areas are charged to, 0: not known */
	__u64 domain[4];
};

#define RS_OWNER_SELECTS (1U << 0) /* what it uses is to be recorded */
#define RS_OWNER_TREE	 (1U << 1) /* ... and what its children use */
#define RS_OWNER_MAPS	 (1U << 2) /* has mapped a range: it is charged for it */
#define RS_OWNER_CONTEXT (1U << 3) /* ... an area of an iommufd context */

struct rs_owner {
	__u64 mm;
	__u32 flags; /* RS_OWNER_* */
	__u32 reserved;
};

/* A vCPU of an owner. */
struct rs_vcpu {
	__u64 kvm;
	__u64 enter_ns;
	__u64 exit_ns;
	__u64 runs;
	__u32 id;
	__u32 tgid;
	__u32 inside; /* KVM_RUN */
	__u32 told;   /* as it was at an invalidation, and has not run since */
};

#define RS_DEVICE_NO_CB (1U << 0) /* has no dma_unmap callback */

/* What is known of a device that has asked for something. */
struct rs_device {
	__u64 container;
	__s32 group_id;
	__u32 flags;
	__u32 kind; /* of the container */
	__u32 reserved;
};

#define RS_FLIGHT 32 /* requests that the flight recorder keeps per CPU */

/* Where a request's record is made; it stays here unless it becomes an event. */
struct rs_flight {
	struct rs_ev_request r;
	__u64 held; /* the record is complete, and nobody has it yet */
};

/* Defined once, in maps.bpf.c; the others refer to them. */
#ifdef RS_DEFINE_MAPS
#define RS_MAP
#else
#define RS_MAP extern
#endif

RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

/*
 * By CPU. This one and `stats` are memory that the recorder has mapped: while bpf(2) looks into a map, no program of a
 * kprobe runs on that CPU (bpf_disable_instrumentation()), and a task that is switched to then is not seen.
 */
RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* as many as there are CPUs: src/capture/live.c */
	__type(key, __u32);
	__type(value, struct rs_percpu);
} percpu SEC(".maps");

RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct rs_task);
} tasks SEC(".maps");

RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct rs_container);
} containers SEC(".maps");

RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, __u64);
} domains SEC(".maps");

RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct rs_owner);
} owners SEC(".maps");

RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct rs_device);
} devices SEC(".maps");

RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct rs_vcpu);
} vcpus SEC(".maps");

RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RS_KSTAT_ROWS);
	__type(key, __u32);
	__type(value, struct rs_kstat_row);
} stats SEC(".maps");

/* Which row of `stats` a key has. */
RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RS_KSTAT_ROWS);
	__type(key, struct rs_stat_key);
	__type(value, __u32);
} stat_rows SEC(".maps");

RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RS_FLIGHT);
	__type(key, __u32);
	__type(value, struct rs_flight);
} flight SEC(".maps");

/* What a full map has no room for is only in rs_percpu.loss. */
RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RS_LOST_MAX);
	__type(key, struct rs_lost_key);
	__type(value, struct rs_lost);
} lost SEC(".maps");

/* The cgroup of RS_FILTER_CGROUP. */
RS_MAP struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cgroups SEC(".maps");

/* What a container must have to be recorded; without any, all are. */
#define RS_FILTER_PROCESS   (1U << 0) /* used by an owner with RS_OWNER_SELECTS */
#define RS_FILTER_CGROUP    (1U << 1) /* used by a process in the cgroup */
#define RS_FILTER_GROUP	    (1U << 2) /* has the group @filter_group */
#define RS_FILTER_CONTAINER (1U << 3) /* file @filter_fd of process @filter_tgid */

#ifdef RS_DEFINE_MAPS
/* Set before loading. */
const volatile __u32 armed = 0;	 /* record everything only from an invalidation on */
const volatile __u32 verify = 0; /* enum rs_verify: tell which pages the IOMMU is given */
const volatile __u64 tail_ns = 0;
const volatile __u32 nr_cpus = 1;
const volatile __u32 filter = 0;
const volatile __s32 filter_group = -1;
const volatile __u32 filter_tgid = 0;
const volatile __s32 filter_fd = -1;
/* Requests in progress, and containers with an open window: keeps strangers' calls cheap. */
__u32 nr_active = 0;
__u32 nr_open = 0;
/* ... of which so many may look pages up in an IOMMU's table, for iommufd. */
__u32 nr_reading = 0;
/* What devices' files have as f_op, once one was used. */
__u64 device_fops = 0;
#else
extern const volatile __u32 armed;
extern const volatile __u32 verify;
extern const volatile __u64 tail_ns;
extern const volatile __u32 nr_cpus;
extern const volatile __u32 filter;
extern const volatile __s32 filter_group;
extern const volatile __u32 filter_tgid;
extern const volatile __s32 filter_fd;
extern __u32 nr_active;
extern __u32 nr_open;
extern __u32 nr_reading;
extern __u64 device_fops;
#endif

#endif /* RS_STATE_BPF_H */
