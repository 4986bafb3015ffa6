// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU's page table (drivers/iommu/iommu.c). These functions also serve the DMA API of every
 * driver in the machine: a call that is neither inside a request nor inside a window is let go at once.
 */
#include "hook.bpf.h"

#define VERIFY_ALL 2 /* enum rs_verify (src/result/result.h) */

/* A run of pages goes into the IOMMU's table: is it one that is to be compared later? */
static __always_inline void write_mapped_run(struct rs_frame *f, __u64 iova, __u64 paddr,
					     __u64 size)
{
	/* While a map is under way, vfio_dma.size is only what has been mapped so far. */
	__u64 whole = f->caller == RS_IN_IOCTL_MAP ? f->size : f->dma_size;
	__u64 step, at = iova - f->dma_iova;
	struct rs_ev_pages *ev;

	if (at >= whole)
		return;
	step = rs_sample_step(whole, verify == VERIFY_ALL);
	if ((at + step - 1) / step * step >= at + size)
		return;
	ev = RS_RECORD(RS_EV_PAGES, rs_ev_pages, f->container);
	if (!ev)
		return;
	ev->req = f->req;
	ev->container = f->container;
	ev->device = 0;
	ev->iova.v = iova;
	ev->pfn.v = paddr >> RS_PAGE_SHIFT;
	ev->npage = size >> RS_PAGE_SHIFT;
	ev->source = RS_PAGES_IOMMU;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

static __always_inline void note_mapped(struct rs_frame *f, __u64 iova, __u64 paddr, __u64 size)
{
	f->work.iommu_mapped += size;
	if (f->caller == RS_IN_IOCTL_MAP && iova == f->iova) {
		f->more.pfn.v = paddr >> RS_PAGE_SHIFT;
		f->more.more |= RS_MOREF_PFN;
	}
	if (verify && f->kind == RS_CONTAINER_TYPE1)
		write_mapped_run(f, iova, paddr, size);
}

static __always_inline void iommu_changed(__u32 op, __u64 domain, __u64 iova, __u64 paddr,
					  __u64 size, __s64 ret)
{
	struct rs_frame *f;
	__u64 *key, container;
	struct rs_ev_iommu *ev;

	if (!nr_active && !nr_open)
		return;
	f = nested_frame();
	/* A driver's own DMA mappings, made while it serves a request, are not the container's. */
	if (f && (f->caller == RS_IN_PIN || f->caller == RS_IN_UNPIN || f->caller == RS_IN_RW))
		f = NULL;
	if (f) {
		if (op == RS_IOMMU_MAP && !ret)
			note_mapped(f, iova, paddr, size);
		else if (op == RS_IOMMU_UNMAP && ret > 0)
			f->work.iommu_unmapped += ret;
		container = f->container;
		if (!frame_invalid(f) || f->details >= RS_DETAILS)
			return;
		f->details++;
	} else {
		if (!nr_open)
			return;
		key = bpf_map_lookup_elem(&domains, &domain);
		if (!key)
			return;
		container = *key;
	}
	ev = RS_RECORD(RS_EV_IOMMU, rs_ev_iommu, container);
	if (!ev)
		return;
	ev->req = f ? f->req : 0;
	ev->container = container;
	ev->domain = domain;
	ev->iova.v = iova;
	ev->size = size;
	ev->paddr = paddr;
	ev->ret = ret;
	ev->caller = f ? f->caller : RS_IN_NOTHING;
	ev->op = op;
	ev->removing = f ? f->removing : 0;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

static __always_inline void leaf_iommu_map(__u64 domain, __u64 iova, __u64 paddr, __u64 size,
					   __u64 ret)
{
	iommu_changed(RS_IOMMU_MAP, domain, iova, paddr, size, (__s32)ret);
}

RS_LEAF(iommu_map, 4, RS_LEAF_IOMMU_MAP)

static __always_inline void leaf_iommu_unmap(__u64 domain, __u64 iova, __u64 size, __u64 ret)
{
	iommu_changed(RS_IOMMU_UNMAP, domain, iova, 0, size, ret);
}

RS_LEAF(iommu_unmap, 3, RS_LEAF_IOMMU_UNMAP)

static __always_inline void leaf_iommu_unmap_fast(__u64 domain, __u64 iova, __u64 size, __u64 ret)
{
	iommu_changed(RS_IOMMU_UNMAP, domain, iova, 0, size, ret);
}

RS_LEAF(iommu_unmap_fast, 3, RS_LEAF_IOMMU_UNMAP_FAST)

char LICENSE[] SEC("license") = "GPL";
