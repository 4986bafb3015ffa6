/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Events of iommufd
 *
 * The fourth part of event.h, which includes it: the same rules hold. Sources: drivers/iommu/iommufd/ioas.c,
 * device.c, pages.c, io_pagetable.h and include/uapi/linux/iommufd.h of Linux 7.3.
 *
 * An iommufd context is a container (&rs_op.container is struct iommufd_ctx's address, &rs_op.kind
 * RS_CONTAINER_IOMMUFD). Its ranges (struct iopt_area) lie in the ioas of it, which are named by their id there;
 * an id is used again only after the ioas was destroyed.
 *
 * What other records say of a context:
 *
 * - RS_EV_OPEN, RS_EV_RELEASE: the file /dev/iommu;
 * - RS_EV_RANGE: an area, with @ioas, @area and who is charged; RS_EV_BACKING before it says what is behind it,
 *   as for type1: of RS_AREA_FILE one piece, RS_BACKING_FILE with the file's offset and a vaddr of 0;
 * - RS_EV_REMOVE: an area goes down (iopt_area_unfill_domains() of an unmap, iommufd_ioas_destroy());
 * - RS_EV_ATTACH, RS_EV_DETACH: a device's vfio_iommufd_{physical,emulated}_{attach,detach}_ioas();
 * - RS_EV_REQUEST: vfio_pin_pages() and its like, or iommufd_access_pin_pages(), _unpin_pages(), _rw() themselves;
 * - RS_EV_SNAPSHOT: one of each ioas that was there before, or one with ioas 0 of a context that has none.
 */
#ifndef REMAPSCOPE_EVENT_IOMMUFD_H
#define REMAPSCOPE_EVENT_IOMMUFD_H

#ifndef REMAPSCOPE_EVENT_H
#error "include remapscope/event.h"
#endif

/** enum rs_ioas_op - which ioctl of a context returned */
enum rs_ioas_op {
	RS_IOAS_ALLOC = 1,
	RS_IOAS_DESTROY =
		2, /* IOMMU_DESTROY of an ioas; what goes with the context has no record */
	RS_IOAS_MAP = 3,
	RS_IOAS_MAP_FILE = 4,
	RS_IOAS_COPY = 5,
	RS_IOAS_UNMAP = 6,
	RS_IOAS_CHANGE_PROCESS = 7,
	RS_IOAS_NR
};

/**
 * struct rs_ev_ioas - RS_EV_IOAS: an ioctl of an iommufd context, from the kernel's own copy of its argument
 *
 * RS_EV_RANGE and RS_EV_REMOVE records with its request's id come before it.
 *
 * @what: &enum rs_ioas_op
 * @ioas: the ioas' id; of a copy the destination's; of CHANGE_PROCESS 0: it is about all
 * @src_ioas: COPY
 * @uflags: IOMMU_IOAS_MAP_*: 1 fixed iova, 2 writeable, 4 readable
 * @iova: at return: the kernel may have chosen it
 * @vaddr: MAP
 * @size: at entry
 * @size_after: UNMAP: bytes unmapped
 * @src_iova: COPY
 * @offset: MAP_FILE: in the file
 * @old_mm: CHANGE_PROCESS: the first area's iopt_pages.source_mm before, 0 without areas; the new one is &rs_event.mm
 * @old_tgid: its iopt_pages.source_task's process
 * @fd: MAP_FILE
 * @nr_ranges: RS_EV_RANGE records that belong to this request
 * @areas: CHANGE_PROCESS: areas in all ioas at entry; of more than can be counted, one more than were,
 * @user_areas: and of these, those that are known by vaddr: they make it fail
 * @work: what it did. @work.pages_pinned are all pages newly pinned; @work.acct are locked pages charged
 *	(iopt_pages_update_pinned()) by mm
 * @file_pages: of @work.pages_pinned, through the file (memfd_pin_folios())
 * @domain_pages: pages looked up in an IOMMU's table
 */
struct rs_ev_ioas {
	struct rs_event h;
	struct rs_op op;
	__u32 what;
	__u32 ioas;
	__u32 src_ioas;
	__u32 uflags;
	rs_iova_t iova;
	rs_vaddr_t vaddr;
	__u64 size;
	__u64 size_after;
	rs_iova_t src_iova;
	__u64 offset;
	__u64 old_mm;
	__u32 old_tgid;
	__s32 fd;
	__u32 nr_ranges;
	__u32 areas;
	__u32 user_areas;
	__u32 reserved;
	struct rs_work work;
	struct rs_more more;
	__u64 file_pages;
	__u64 domain_pages;
};

RS_ASSERT_SIZE(rs_ev_ioas, 336);

#endif /* REMAPSCOPE_EVENT_IOMMUFD_H */
