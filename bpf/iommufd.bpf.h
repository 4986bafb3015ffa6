/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: iommufd's objects, as its kernel code finds them (drivers/iommu/iommufd/)
 *
 * A kernel without iommufd has none of these types: what can be reached there asks has_iommufd() first, and the
 * verifier does not look at what comes after.
 */
#ifndef RS_IOMMUFD_BPF_H
#define RS_IOMMUFD_BPF_H

#include "common.bpf.h"

/* An owner's areas are about to become another's: from here on all is recorded. In area.bpf.c */
int begin_handover(__u64 ictx);

/* A lock that was waited for has been taken. In iommufd_access.bpf.c */
int wait_over(__u64 lock);

/* An armed recorder's memory of a hand-over that is not brought to its end: as long as the rules wait for it. */
#define HANDOVER_NS 60000000000ULL

#define XA_LEVELS 6 /* of 64 slots each there are enough for an id of 31 bits */

static __always_inline bool has_iommufd(void)
{
	return bpf_core_type_exists(struct iommufd_ctx);
}

/* include/linux/xarray.h: what has 2 in its lowest bits is internal; below 4096 it is no node's address. */
static __always_inline bool xa_is_node(__u64 entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

static __always_inline bool xa_is_object(__u64 entry)
{
	return entry && !(entry & 3);
}

static __always_inline __u32 xa_slots(void)
{
	return bpf_core_field_size(struct xa_node, slots) / sizeof(void *);
}

static __always_inline __u32 xa_shift(__u64 entry)
{
	struct xa_node *node = (void *)(entry - 2);

	return BPF_CORE_READ(node, shift) & 63;
}

/* The entry that a node has for an index; what does not fit any more has been moved under another one. */
static __always_inline __u64 xa_slot(__u64 entry, __u64 index)
{
	__u64 at = entry - 2 + bpf_core_field_offset(struct xa_node, slots);
	__u64 found = 0;

	index = (index >> xa_shift(entry)) & (xa_slots() - 1);
	bpf_probe_read_kernel(&found, sizeof(found), (void *)(at + index * sizeof(found)));
	return found;
}

/* xa_load(), without anybody's lock */
static __always_inline __u64 xa_find(__u64 head, __u64 index)
{
	__u64 entry = head;

	if (xa_is_node(head) ? index >= (__u64)xa_slots() << xa_shift(head) : index)
		return 0;
	for (int i = 0; i < XA_LEVELS && xa_is_node(entry); i++)
		entry = xa_slot(entry, index);
	return xa_is_object(entry) ? entry : 0;
}

/* struct iommufd_object's address, 0: there is none with that id */
static __always_inline __u64 object_of_id(__u64 key, __u32 id)
{
	struct iommufd_ctx *ictx = (void *)key;

	return xa_find((__u64)BPF_CORE_READ(ictx, objects.xa_head), id);
}

static __always_inline __u32 object_type(__u64 key)
{
	struct iommufd_object *obj = (void *)key;

	return BPF_CORE_READ(obj, type);
}

static __always_inline bool is_ioas(__u64 obj)
{
	return object_type(obj) == bpf_core_enum_value(enum iommufd_object_type, IOMMUFD_OBJ_IOAS);
}

/* struct iommufd_ioas' address: its object comes first in it (__iommufd_object_alloc()). */
static __always_inline __u64 ioas_of_id(__u64 ictx, __u32 id)
{
	__u64 obj = object_of_id(ictx, id);

	return obj && is_ioas(obj) ? obj : 0;
}

static __always_inline __u32 ioas_id(__u64 key)
{
	struct iommufd_ioas *ioas = (void *)key;

	return ioas ? BPF_CORE_READ(ioas, obj.id) : 0;
}

/* What an area lies in: container_of(iopt_area.iopt, struct iommufd_ioas, iopt) */
static __always_inline __u64 ioas_of_area(struct iopt_area *area)
{
	__u64 iopt = (__u64)BPF_CORE_READ(area, iopt);

	return iopt ? iopt - bpf_core_field_offset(struct iommufd_ioas, iopt) : 0;
}

static __always_inline struct iopt_area *area_of_node(struct rb_node *node)
{
	return (void *)node - bpf_core_field_offset(struct iopt_area, node.rb);
}

/* The area that holds @iova: they do not overlap. */
static __always_inline struct iopt_area *find_area(__u64 key, __u64 iova)
{
	struct iommufd_ioas *ioas = (void *)key;
	struct rb_node *node;

	if (!ioas)
		return NULL;
	node = BPF_CORE_READ(ioas, iopt.area_itree.rb_root.rb_node);
	for (int i = 0; i < 40 && node; i++) {
		struct iopt_area *area = area_of_node(node);

		if (iova < BPF_CORE_READ(area, node.start))
			node = BPF_CORE_READ(node, rb_left);
		else if (iova > BPF_CORE_READ(area, node.last))
			node = BPF_CORE_READ(node, rb_right);
		else
			return area;
	}
	return NULL;
}

/* enum rs_area */
static __always_inline __u32 area_kind(struct iopt_pages *pages)
{
	if (!bpf_core_field_exists(pages->type))
		return RS_AREA_USER;
	switch (BPF_CORE_READ(pages, type)) {
	case IOPT_ADDRESS_USER:
		return RS_AREA_USER;
	case IOPT_ADDRESS_FILE:
		return RS_AREA_FILE;
	default:
		return RS_AREA_DMABUF;
	}
}

/* RS_RANGEF_* */
static __always_inline __u32 area_flags(struct iopt_area *area, struct iopt_pages *pages)
{
	__u32 flags = BPF_CORE_READ(area, storage_domain) ? RS_RANGEF_IOMMU_MAPPED : 0;

	/* The numbers are enum rs_account's. A dma-buf's pages are nobody's to account. */
	if (BPF_CORE_READ(pages, account_mode) == RS_ACCOUNT_NONE &&
	    area_kind(pages) != RS_AREA_DMABUF)
		flags |= RS_RANGEF_LOCK_CAP;
	return flags;
}

/* The area's pages are known to begin so far in what they are known by. */
static __always_inline __u64 area_offset(struct iopt_area *area)
{
	return BPF_CORE_READ(area, page_offset) +
	       (BPF_CORE_READ(area, pages_node.start) << RS_PAGE_SHIFT);
}

/* The context's areas are somebody else's than the current task's. */
static __always_inline bool is_foreign(__u64 ictx)
{
	struct rs_container *c = bpf_map_lookup_elem(&containers, &ictx);

	return c && c->owner_mm && c->owner_mm != current_mm();
}

#endif /* RS_IOMMUFD_BPF_H */
