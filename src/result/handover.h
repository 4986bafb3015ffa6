/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Of iommufd: contexts, their areas and their hand-overs
 *
 * A part of result.h, which includes it.
 */
#ifndef RS_RESULT_HANDOVER_H
#define RS_RESULT_HANDOVER_H

#ifndef RS_RESULT_RESULT_H
#error "include result/result.h"
#endif

/** enum rs_handover_end - how an iommufd context's hand-over ended */
enum rs_handover_end {
	RS_HANDED_OPEN = 0,	 /* it had not, when the recording ended */
	RS_HANDED_OVER = 1,	 /* a CHANGE_PROCESS of the new owner succeeded */
	RS_HANDED_CANCELLED = 2, /* the old owner's guest runs again */
	RS_HANDED_GIVEN_UP = 3,	 /* the context was closed, or has no areas any more */
};

const char *rs_handover_end_name(enum rs_handover_end e); /* "open" "handed over" ... */

/** struct rs_area_view - an area of an ioas, at one moment */
struct rs_area_view {
	__u32 container; /* rs_container_view.id */
	rs_iova_t iova;
	__u64 size;
	__u32 prot;	  /* 1 read, 2 write */
	__u32 area;	  /* enum rs_area */
	rs_vaddr_t vaddr; /* of RS_AREA_USER */
	struct rs_backing_list backing;
	struct rs_proc_ref owner;     /* that it is charged to */
	struct rs_proc_ref old_owner; /* in a hand-over: before it */
	__u32 account;		      /* enum rs_account */
	__u64 locked_pages;	      /* pinned; of all areas that share its pages */
	__u64 pages_key;	      /* that it has in common with areas that share its pages */
};

/**
 * struct rs_handover_view - an iommufd context's hand-over
 *
 * There is no window: the areas stay what they are. It begins with a CHANGE_PROCESS of the old owner (a probe, which
 * changes nothing) or with its exec, or else with the new owner's first CHANGE_PROCESS, and ends with the one that succeeds.
 * A new owner may ask early whether it can be done, which hands over at once; the old owner's probe then takes it back, and the
 * hand-over begins with that (QEMU 11.1, hw/vfio/cpr-iommufd.c: vfio_iommufd_cpr_register_container(), iommufd_cpr_pre_save()).
 */
struct rs_handover_view {
	__u32 id;	      /* 1, 2, ... */
	__u32 ioctx;	      /* rs_ioctx_view.id */
	__u32 update;	      /* rs_update_view.id */
	const char *begun_by; /* static: "probe" "exec" "change" */
	__u64 start_ns;
	__u64 probed_ns; /* the last probe had returned; 0: none did */
	__u64 left_ns;	 /* the old owner's exec or exit; 0: it has done neither */
	__u64 change_ns; /* the CHANGE_PROCESS that succeeded was entered; 0: none did */
	__u64 end_ns;	 /* ... and returned; or how else it ended; 0: it did not */
	enum rs_handover_end end;
	struct rs_proc_ref from;
	struct rs_proc_ref to;
	__u32 probes;
	__u32 taken_back; /* times that the old owner got all back before the new one made use of it */
	__u32 refused;	  /* CHANGE_PROCESS by others than the old owner that failed */
	__u32 areas;	  /* that were handed over */
	__u64 bytes;	  /* of these */
	__s64 charged;	  /* locked pages that the new owner is charged */
	struct rs_area_view *area;
	size_t nr_areas;
	struct rs_request_row *request; /* pins, reads and writes inside it */
	size_t nr_requests;
};

/** struct rs_refusal_view - a CHANGE_PROCESS that failed, and why as far as the kernel's code tells */
struct rs_refusal_view {
	__u32 ioctx;	/* rs_ioctx_view.id */
	__u32 handover; /* rs_handover_view.id, 0: of none */
	bool probe;	/* by who owns the areas already */
	int err;	/* positive errno */
	__u64 at_ns;	/* it returned */
	__u64 len;
	struct rs_proc_ref proc;
	__u32 areas;	    /* in all ioas */
	__u32 user_areas;   /* known by vaddr */
	__u32 dmabuf_areas; /* known by a dma-buf, as far as they were seen */
};

/** rs_refusal_why() - "3 areas are known by vaddr"; "" when the error says all. Return: @buf */
const char *rs_refusal_why(const struct rs_refusal_view *f, char *buf, size_t len);

/** struct rs_ioctx_view - an iommufd context: its ioas are containers */
struct rs_ioctx_view {
	__u32 id;	   /* 1, 2, ...: "i1" */
	__u64 key;	   /* the kernel object's address */
	bool born;	   /* the recording saw it come to be */
	bool found;	   /* ... or found it in a snapshot */
	__u64 since_ns;	   /* known since */
	__u64 released_ns; /* 0: lived on */
	struct rs_proc_ref opener;
	struct rs_proc_ref owner; /* whom its areas were charged to last; .tgid 0: nobody known */
	__u32 handovers;
	__u32 nr_ioas; /* that there ever were */
};

/** rs_handover_view_free() - free what it points to */
void rs_handover_view_free(struct rs_handover_view *h);

/** rs_area_views_free() - free @nr of them, and the array */
void rs_area_views_free(struct rs_area_view *area, size_t nr);

#endif /* RS_RESULT_HANDOVER_H */
