// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translations: what drivers ask for (vfio_pin_pages(), vfio_unpin_pages(), vfio_dma_rw()), and the
 * functions that translate (vaddr_get_pfns(), vfio_pin_pages_remote()).
 */
#include "hook.bpf.h"
#include "access.bpf.h"
#include "device.bpf.h"
#include "iommufd.bpf.h"
#include "stats.bpf.h"

static __always_inline struct rs_frame *enter_outer(__u32 caller, __u32 request, __u64 device,
						    __u64 iova, __u64 len)
{
	__u32 kind = RS_CONTAINER_TYPE1;
	__u64 container = 0;
	struct rs_frame *f;

	/* With a filter it matters whose device it is before anything is asked of the backend. */
	if (filter) {
		container = device_container(device, &kind);
		if (!wanted(container))
			return NULL;
	}
	f = push_frame(caller, container);
	if (!f)
		return NULL;
	f->kind = kind;
	f->device = device;
	f->iova = iova;
	f->size = len;
	f->request = request;
	f->rflags = RS_REQF_OUTER;
	return f;
}

int write_request(__s64 ret)
{
	struct rs_task *t = this_task(false);
	struct rs_frame *f = top_frame(t);
	struct rs_flight *slot = next_flight();
	struct rs_ev_request *ev;
	struct rs_device *d;
	bool hot;

	if (!t || !f || !slot)
		return 0;
	d = know_device(f->device, f->container, f->kind);
	hot = is_hot(f);
	ev = &slot->r;
	if (d && d->flags & RS_DEVICE_NO_CB)
		f->rflags |= RS_REQF_NO_CB;
	fill_op(&ev->op, f, ret);
	ev->device = f->device;
	ev->iova.v = f->iova;
	ev->len = f->size;
	ev->begin_ns = f->begin_ns;
	ev->prot = f->prot;
	ev->request = f->request;
	ev->gup_pages = f->gup_pages;
	ev->gup_calls = f->gup_calls;
	ev->gup_err = f->gup_err;
	ev->acct_err = f->acct_err;
	ev->rflags = f->rflags;
	ev->range_prot = f->range_prot;
	ev->range_iova.v = f->range_iova;
	ev->range_mm = f->range_mm;
	ev->range_flags = f->range_flags;
	ev->pfnmap_pages = f->work.pfnmap_pages;
	ev->work_ns = f->work_ns;
	ev->wait_ns = f->wait_ns;
	ev->pfn = f->more.pfn;
	ev->waits = f->waits;
	ev->wait_pages = f->wait_pages;
	ev->gup_zero = f->gup_zero;
	ev->put_pages = f->put_pages;
	ev->group_id = d ? d->group_id : -1;
	ev->reserved = 0;
	ev->ioas = f->ioas;
	ev->area = f->area;
	ev->file_pages = f->file_pages;
	ev->domain_pages = f->domain_pages;
	write_head(&ev->h, RS_EV_REQUEST, sizeof(*ev), 0);
	finish_request(t, slot, hot);
	return 0;
}

struct ranges_walk {
	struct rs_frame *f;
	__u64 at;
	__u64 last; /* byte of the request */
};

static __always_inline void take_range(struct rs_frame *f, struct vfio_dma *dma)
{
	f->rflags |= RS_REQF_RANGE;
	f->range_iova = BPF_CORE_READ(dma, iova);
	f->range_mm = dma_mm(dma);
	f->range_prot = BPF_CORE_READ(dma, prot);
	f->range_flags = dma_flags(dma);
	if (f->range_mm && !mm_users(f->range_mm))
		f->rflags |= RS_REQF_MM_DEAD;
}

/* The next range of a request that failed: up to the one that explains it. */
static long range_step(__u32 i, void *ctx)
{
	struct ranges_walk *w = ctx;
	struct rs_frame *f = w->f;
	struct vfio_dma *dma = find_dma(f->container, w->at);
	__u64 end, mm = current_mm();

	if (!dma) {
		f->rflags |= RS_REQF_HOLE;
		return 1;
	}
	take_range(f, dma);
	end = f->range_iova + BPF_CORE_READ(dma, size) - 1;
	if (f->rflags & RS_REQF_MM_DEAD || end >= w->last)
		return 1;
	/* A copy by a process that does not own the range; a pin may be anybody's. */
	if (f->caller == RS_IN_RW && mm && f->range_mm && f->range_mm != mm)
		return 1;
	w->at = end + 1;
	return 0;
}

/* The range that a request was about; of one that failed, the one that it may have failed at. */
static __always_inline void look_at_ranges(struct rs_frame *f, __s64 ret)
{
	struct ranges_walk w = { .f = f, .at = f->iova, .last = f->iova + f->size - 1 };
	struct vfio_dma *dma;

	if (ret < 0) {
		bpf_loop(RANGES_OF_REQUEST, range_step, &w, 0);
		return;
	}
	dma = find_dma(f->container, f->iova);
	if (dma)
		take_range(f, dma);
}

static __always_inline void leave_backend(__u32 caller, __s64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);

	if (!f || f->caller != caller || f->kind != RS_CONTAINER_TYPE1 ||
	    !(f->rflags & RS_REQF_BACKEND))
		return;
	leave_container(f);
	look_at_ranges(f, ret);
	if (f->rflags & RS_REQF_OUTER)
		return;
	write_request(ret);
	pop_frame(t);
}

static __always_inline void leave_outer(__u32 caller, __s64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);

	if (!f || f->caller != caller || !(f->rflags & RS_REQF_OUTER))
		return;
	write_request(ret);
	pop_frame(t);
}

/* arch/x86/mm/kaslr.c: where the array of struct page begins; randomised. */
extern const void vmemmap_base __ksym __weak;

/* page_to_pfn() of a kernel with CONFIG_SPARSEMEM_VMEMMAP */
static __always_inline bool pfn_of_page(__u64 page, __u64 *pfn)
{
	__u64 base = 0;

	if (!&vmemmap_base ||
	    bpf_probe_read_kernel(&base, sizeof(base), (const void *)&vmemmap_base) || !base ||
	    page < base)
		return false;
	*pfn = (page - base) / bpf_core_type_size(struct page);
	return true;
}

struct pages_walk {
	struct rs_frame *f;
	__u64 nr;
	__u64 begin; /* of the run under way: its first page's place, */
	__u64 pfn;   /* ... and number */
};

static __always_inline void write_pinned_run(struct pages_walk *w, __u64 end)
{
	struct rs_ev_pages *ev;

	if (end == w->begin)
		return;
	ev = RS_RECORD(RS_EV_PAGES, rs_ev_pages, w->f->container);
	if (!ev)
		return;
	ev->req = w->f->req;
	ev->container = w->f->container;
	ev->device = w->f->device;
	ev->iova.v = w->f->iova + (w->begin << RS_PAGE_SHIFT);
	ev->pfn.v = w->pfn;
	ev->npage = end - w->begin;
	ev->source = RS_PAGES_PIN;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

static long pinned_step(__u32 i, void *ctx)
{
	struct pages_walk *w = ctx;
	__u64 page = 0, pfn = 0;

	if (bpf_probe_read_kernel(&page, sizeof(page), (void *)(w->f->pages + 8ULL * i)) ||
	    !pfn_of_page(page, &pfn)) {
		write_pinned_run(w, i);
		w->begin = i + 1;
		return 0;
	}
	if (i > w->begin && pfn == w->pfn + (i - w->begin))
		return 0;
	write_pinned_run(w, i);
	w->begin = i;
	w->pfn = pfn;
	return 0;
}

/* What the driver was given: of its first page always, of all when pages are to be verified. */
static __always_inline void look_at_pinned(struct rs_frame *f, __s32 nr)
{
	struct pages_walk w = { .f = f };
	__u64 page = 0;

	if (!f->pages || nr <= 0)
		return;
	if (!bpf_probe_read_kernel(&page, sizeof(page), (void *)f->pages) &&
	    pfn_of_page(page, &f->more.pfn.v))
		f->rflags |= RS_REQF_PFN;
	if (!verify || nr == 1 || !is_hot(f))
		return;
	bpf_loop(nr, pinned_step, &w, 0);
	write_pinned_run(&w, nr);
}

/* int vfio_pin_pages(device, iova, int npage, int prot, struct page **pages) */
static __always_inline void enter_vfio_pin_pages(__u64 device, __u64 iova, __u64 npage, __u64 prot,
						 __u64 pages)
{
	struct rs_frame *f;

	f = enter_outer(RS_IN_PIN, RS_REQ_PIN, device, iova, bytes_of(npage));
	if (!f)
		return;
	f->prot = prot;
	f->pages = pages;
}

static __always_inline void leave_vfio_pin_pages(__u64 ret)
{
	struct rs_frame *f = nested_frame();

	if (f && f->caller == RS_IN_PIN)
		look_at_pinned(f, ret);
	leave_outer(RS_IN_PIN, (__s32)ret);
}

RS_ENTRY(vfio_pin_pages, 5)
RS_EXIT(vfio_pin_pages)

static __always_inline void enter_vfio_unpin_pages(__u64 device, __u64 iova, __u64 npage)
{
	enter_outer(RS_IN_UNPIN, RS_REQ_UNPIN, device, iova, bytes_of(npage));
}

static __always_inline void leave_vfio_unpin_pages(__u64 ret)
{
	leave_outer(RS_IN_UNPIN, 0);
}

RS_ENTRY(vfio_unpin_pages, 3)
RS_EXIT(vfio_unpin_pages)

static __always_inline void enter_vfio_dma_rw(__u64 device, __u64 iova, __u64 data, __u64 len,
					      __u64 write)
{
	enter_outer(RS_IN_RW, (__u8)write ? RS_REQ_WRITE : RS_REQ_READ, device, iova, len);
}

static __always_inline void leave_vfio_dma_rw(__u64 ret)
{
	leave_outer(RS_IN_RW, (__s32)ret);
}

RS_ENTRY(vfio_dma_rw, 5)
RS_EXIT(vfio_dma_rw)

/* int vfio_iommu_type1_pin_pages(iommu_data, group, iova, int npage, int prot, pages) */
static __always_inline void enter_vfio_iommu_type1_pin_pages(__u64 iommu, __u64 group, __u64 iova,
							     __u64 npage, __u64 prot)
{
	struct rs_frame *f;

	f = enter_backend(RS_IN_PIN, RS_REQ_PIN, RS_CONTAINER_TYPE1, iommu, iova, bytes_of(npage));
	if (f)
		f->prot = prot;
}

static __always_inline void leave_vfio_iommu_type1_pin_pages(__u64 ret)
{
	leave_backend(RS_IN_PIN, (__s32)ret);
}

RS_ENTRY(vfio_iommu_type1_pin_pages, 5)
RS_EXIT(vfio_iommu_type1_pin_pages)

static __always_inline void enter_vfio_iommu_type1_unpin_pages(__u64 iommu, __u64 iova, __u64 npage)
{
	enter_backend(RS_IN_UNPIN, RS_REQ_UNPIN, RS_CONTAINER_TYPE1, iommu, iova, bytes_of(npage));
}

static __always_inline void leave_vfio_iommu_type1_unpin_pages(__u64 ret)
{
	leave_backend(RS_IN_UNPIN, 0);
}

RS_ENTRY(vfio_iommu_type1_unpin_pages, 3)
RS_EXIT(vfio_iommu_type1_unpin_pages)

static __always_inline void enter_vfio_iommu_type1_dma_rw(__u64 iommu, __u64 iova, __u64 data,
							  __u64 count, __u64 write)
{
	enter_backend(RS_IN_RW, (__u8)write ? RS_REQ_WRITE : RS_REQ_READ, RS_CONTAINER_TYPE1, iommu,
		      iova, count);
}

static __always_inline void leave_vfio_iommu_type1_dma_rw(__u64 ret)
{
	leave_backend(RS_IN_RW, (__s32)ret);
}

RS_ENTRY(vfio_iommu_type1_dma_rw, 5)
RS_EXIT(vfio_iommu_type1_dma_rw)

/* vaddr_get_pfns(mm, vaddr, npages, prot, pfn, pages or batch): the one place that does GUP */
static __always_inline void leaf_vaddr_get_pfns(__u64 mm, __u64 vaddr, __u64 npages, __u64 ret)
{
	struct rs_frame *f = nested_frame();
	/* int before 6.18, long since; both fit, an error must be seen in either. */
	__s64 n = (__s32)ret;
	struct rs_ev_xlate *ev;

	if (!f)
		return;
	f->gup_calls++;
	f->work.gup_calls++;
	if (n > 0) {
		f->gup_pages += n;
		if (f->waits)
			f->wait_pages += n;
		else if (f->pfnmap)
			f->work.pfnmap_pages += n;
	} else if (!n) {
		f->gup_zero++;
		f->work.gup_failed++;
	} else {
		f->gup_err = n;
		f->work.gup_failed++;
	}
	f->pfnmap = 0;
	if (!frame_invalid(f) || f->details >= RS_DETAILS)
		return;
	f->details++;
	ev = RS_RECORD(RS_EV_XLATE, rs_ev_xlate, f->container);
	if (!ev)
		return;
	ev->req = f->req;
	ev->container = f->container;
	ev->vaddr.v = vaddr;
	ev->npage = npages;
	ev->ret = n;
	ev->target_mm = mm;
	ev->dma_iova.v = f->dma_iova;
	ev->dma_size = f->dma_size;
	ev->caller = f->caller;
	ev->dma_flags = f->dma_flags;
	bpf_ringbuf_submit(ev, 0);
}

RS_LEAF(vaddr_get_pfns, 3, RS_LEAF_GUP)

/*
 * long memfd_pin_folios(file, start, end, folios, max_folios, offset): pages through the file behind a range. Its
 * callers here ask for what as many folios hold, also if each has one page only.
 */
static __always_inline void leaf_memfd_pin_folios(__u64 file, __u64 start, __u64 end, __u64 ret)
{
	__u64 pages = (end >> RS_PAGE_SHIFT) - (start >> RS_PAGE_SHIFT) + 1;
	struct rs_frame *f = nested_frame();
	__s64 n = ret;

	if (!f)
		return;
	/* Of iommufd pfn_reader_user_pin() has said it, where that is hooked. */
	if (f->kind == RS_CONTAINER_IOMMUFD && !f->reader)
		count_pages(f, pages, true, n > 0 ? 0 : n);
	else if (f->kind == RS_CONTAINER_TYPE1 && n > 0)
		f->file_pages += pages;
}

RS_LEAF(memfd_pin_folios, 3, RS_LEAF_FOLIOS)

/* What follow_fault_pfn() in vfio_iommu_type1.c calls for a VM_PFNMAP vma, when GUP has refused it. */
static __always_inline void enter_follow_pte(__u64 unused)
{
	struct rs_frame *f = nested_frame();

	if (f)
		f->pfnmap = 1;
}

RS_ENTRY(follow_pte, 1)

static __always_inline void enter_follow_pfnmap_start(__u64 args)
{
	enter_follow_pte(args);
}

RS_ENTRY(follow_pfnmap_start, 1)

static __always_inline void enter_vfio_pin_pages_remote(__u64 arg, __u64 vaddr)
{
	struct vfio_dma *dma = (void *)arg;
	struct rs_frame *f = nested_frame();
	__u64 charged;

	if (!f)
		return;
	f->work.pin_calls++;
	f->dma_iova = BPF_CORE_READ(dma, iova);
	f->dma_size = BPF_CORE_READ(dma, size);
	f->dma_flags = dma_flags(dma);
	charged = dma_mm(dma);
	if (charged && charged != current_mm() && !f->more.foreign_calls++) {
		f->more.foreign_iova.v = f->dma_iova;
		f->more.foreign_mm = charged;
	}
}

static __always_inline void leave_vfio_pin_pages_remote(__u64 ret)
{
	struct rs_frame *f = nested_frame();

	if (f && (__s64)ret > 0)
		f->work.pages_pinned += ret;
}

RS_ENTRY(vfio_pin_pages_remote, 2)
RS_EXIT(vfio_pin_pages_remote)

static __always_inline void enter_vfio_unpin_pages_remote(__u64 dma)
{
	struct rs_frame *f = nested_frame();

	if (f)
		f->work.unpin_calls++;
}

RS_ENTRY(vfio_unpin_pages_remote, 1)

/* The last reference of a page that a driver had pinned is dropped. */
static __always_inline void enter_put_pfn(__u64 pfn)
{
	struct rs_frame *f = nested_frame();

	if (f && f->caller == RS_IN_UNPIN)
		f->put_pages++;
}

RS_ENTRY(put_pfn, 1)

/* int vfio_unpin_page_external(): how many pages it has given back for good; mostly a clone of gcc's */
static __always_inline void leaf_vfio_unpin_page_external(__u64 unused, __u64 ret)
{
	struct rs_frame *f = nested_frame();

	if (f && f->caller == RS_IN_UNPIN && (__s32)ret > 0)
		f->put_pages += ret;
}

RS_LEAF(vfio_unpin_page_external, 1, RS_LEAF_UNPIN)

/* int vfio_wait(struct vfio_iommu *, ...): until a vaddr is valid again. In kernels from 5.12 to 6.1, and the lab's */
static __always_inline void enter_vfio_wait(__u64 iommu)
{
	struct rs_frame *f = nested_frame();
	struct rs_ev_wait *ev;

	if (!f)
		return;
	f->wait_start = bpf_ktime_get_ns();
	if (f->waits)
		return;
	ev = RS_RECORD(RS_EV_WAIT, rs_ev_wait, f->container);
	if (!ev)
		return;
	ev->req = f->req;
	ev->container = f->container;
	ev->device = f->device;
	ev->iova.v = f->iova;
	ev->len = f->size;
	ev->request = f->request;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

static __always_inline void leave_vfio_wait(__u64 ret)
{
	struct rs_frame *f = nested_frame();

	if (!f || !f->wait_start)
		return;
	f->work_ns = bpf_ktime_get_ns();
	f->wait_ns += f->work_ns - f->wait_start;
	f->wait_start = 0;
	f->waits++;
}

RS_ENTRY(vfio_wait, 1)
RS_EXIT(vfio_wait)

/* Whoever had to wait for the container's lock has it now: what is its own work begins. */
SEC("tp_btf/contention_end")
int BPF_PROG(on_contention_end, void *lock, int ret)
{
	struct rs_frame *f = nested_frame();

	if (!f || !f->container)
		return 0;
	if (f->kind == RS_CONTAINER_IOMMUFD)
		wait_over((__u64)lock);
	else if (has_type1() &&
		 (__u64)lock == f->container + bpf_core_field_offset(struct vfio_iommu, lock))
		f->work_ns = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
