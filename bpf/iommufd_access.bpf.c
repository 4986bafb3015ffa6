// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translations by iommufd: what drivers ask of an ioas (iommufd_access_pin_pages() and its like, drivers/iommu/iommufd/
 * device.c), and where the pages are found (pages.c).
 */
#include "hook.bpf.h"
#include "access.bpf.h"
#include "iommufd.bpf.h"

#define ACCESS_RW_WRITE (1U << 0) /* IOMMUFD_ACCESS_RW_WRITE, include/linux/iommufd.h */

/* An access without a context is iommufd's own: no driver's. */
static __always_inline struct rs_frame *enter_access(__u32 caller, __u32 request, __u64 key,
						     __u64 iova, __u64 len)
{
	struct iommufd_access *access = (void *)key;
	__u64 ictx = (__u64)BPF_CORE_READ(access, ictx);
	struct rs_frame *f;

	if (!ictx)
		return NULL;
	f = enter_backend(caller, request, RS_CONTAINER_IOMMUFD, ictx, iova, len);
	if (!f)
		return NULL;
	f->access = key;
	/* While a device is being detached it may still give back. */
	if (caller == RS_IN_UNPIN && bpf_core_field_exists(access->ioas_unpin))
		f->ioas_at = (__u64)BPF_CORE_READ(access, ioas_unpin);
	else
		f->ioas_at = (__u64)BPF_CORE_READ(access, ioas);
	f->ioas = ioas_id(f->ioas_at);
	f->at = iova;
	f->bytes = len;
	if (caller == RS_IN_UNPIN)
		return f;
	f->reads = 1;
	__sync_fetch_and_add(&nr_reading, 1);
	return f;
}

static __always_inline void take_area(struct rs_frame *f, struct iopt_area *area)
{
	struct iopt_pages *pages = BPF_CORE_READ(area, pages);

	f->rflags |= RS_REQF_RANGE;
	f->range_iova = BPF_CORE_READ(area, node.start);
	f->range_prot = BPF_CORE_READ(area, iommu_prot) & 3;
	if (BPF_CORE_READ_BITFIELD_PROBED(area, prevent_access))
		f->rflags |= RS_REQF_UNMAPPING;
	if (!pages)
		return;
	f->range_mm = (__u64)BPF_CORE_READ(pages, source_mm);
	f->range_flags = area_flags(area, pages);
	f->area = area_kind(pages);
	if (!mm_users(f->range_mm))
		f->rflags |= RS_REQF_MM_DEAD;
}

struct areas_walk {
	struct rs_frame *f;
	__u64 at;
	__u64 last; /* byte of the request */
};

/* The next area of a request that failed: up to the one that explains it. */
static long area_step(__u32 i, void *ctx)
{
	struct areas_walk *w = ctx;
	struct rs_frame *f = w->f;
	struct iopt_area *area = find_area(f->ioas_at, w->at);
	__u64 end;

	if (!area) {
		f->rflags |= RS_REQF_HOLE;
		return 1;
	}
	take_area(f, area);
	end = BPF_CORE_READ(area, node.last);
	if (f->rflags & (RS_REQF_MM_DEAD | RS_REQF_UNMAPPING) || f->area == RS_AREA_DMABUF ||
	    end >= w->last)
		return 1;
	w->at = end + 1;
	return 0;
}

/* As look_at_ranges() of type1 */
static __always_inline void look_at_areas(struct rs_frame *f, __s64 ret)
{
	struct areas_walk w = { .f = f, .at = f->at, .last = f->at + f->bytes - 1 };
	struct iommufd_access *access = (void *)f->access;
	struct iopt_area *area;

	if (ret == -RS_ENOENT && (!f->ioas_at || !BPF_CORE_READ(access, ioas)))
		f->rflags |= RS_REQF_DETACHED;
	if (ret < 0) {
		bpf_loop(RANGES_OF_REQUEST, area_step, &w, 0);
		return;
	}
	area = find_area(f->ioas_at, f->at);
	if (area)
		take_area(f, area);
}

/* A pin returns 0, where vfio_pin_pages() returns how many pages. Global: the verifier looks at it once. */
int leave_access(__s64 ret)
{
	struct rs_task *t = this_task(false);
	struct rs_frame *f = top_frame(t);

	if (!t || !f)
		return 0;
	leave_container(f);
	look_at_areas(f, ret);
	if (f->rflags & RS_REQF_OUTER)
		return 0;
	if (f->caller == RS_IN_PIN && !ret)
		ret = (f->bytes + RS_PAGE_SIZE - 1) >> RS_PAGE_SHIFT;
	write_request(ret);
	pop_frame(t);
	return 0;
}

static __always_inline void leave_backend_of(__u32 caller, __s64 ret)
{
	struct rs_frame *f = nested_frame();

	if (f && f->caller == caller && f->kind == RS_CONTAINER_IOMMUFD && f->access)
		leave_access(ret);
}

/* int iommufd_access_pin_pages(access, iova, length, struct page **out_pages, unsigned int flags) */
static __always_inline void enter_iommufd_access_pin_pages(__u64 access, __u64 iova, __u64 length,
							   __u64 pages, __u64 flags)
{
	struct rs_frame *f = enter_access(RS_IN_PIN, RS_REQ_PIN, access, iova, length);

	if (f && !(f->rflags & RS_REQF_OUTER))
		f->prot = flags & ACCESS_RW_WRITE ? 2 : 1;
}

static __always_inline void leave_iommufd_access_pin_pages(__u64 ret)
{
	leave_backend_of(RS_IN_PIN, (__s32)ret);
}

RS_ENTRY(iommufd_access_pin_pages, 5)
RS_EXIT(iommufd_access_pin_pages)

/* void iommufd_access_unpin_pages(access, iova, length) */
static __always_inline void enter_iommufd_access_unpin_pages(__u64 access, __u64 iova, __u64 length)
{
	enter_access(RS_IN_UNPIN, RS_REQ_UNPIN, access, iova, length);
}

static __always_inline void leave_iommufd_access_unpin_pages(__u64 ret)
{
	leave_backend_of(RS_IN_UNPIN, 0);
}

RS_ENTRY(iommufd_access_unpin_pages, 3)
RS_EXIT(iommufd_access_unpin_pages)

/* int iommufd_access_rw(access, iova, void *data, size_t length, unsigned int flags) */
static __always_inline void enter_iommufd_access_rw(__u64 access, __u64 iova, __u64 data,
						    __u64 length, __u64 flags)
{
	enter_access(RS_IN_RW, flags & ACCESS_RW_WRITE ? RS_REQ_WRITE : RS_REQ_READ, access, iova,
		     length);
}

static __always_inline void leave_iommufd_access_rw(__u64 ret)
{
	leave_backend_of(RS_IN_RW, (__s32)ret);
}

RS_ENTRY(iommufd_access_rw, 5)
RS_EXIT(iommufd_access_rw)

/* The request that pages are read for; NULL: none of iommufd's */
static __always_inline struct rs_frame *reading_frame(void)
{
	struct rs_frame *f = nested_frame();

	return f && f->kind == RS_CONTAINER_IOMMUFD ? f : NULL;
}

/*
 * int pfn_reader_user_pin(struct pfn_reader_user *user, struct iopt_pages *pages, ...): the one place that pins what
 * is to stay pinned, through the vaddr or the file.
 */
static __always_inline void enter_pfn_reader_user_pin(__u64 user)
{
	struct rs_frame *f = reading_frame();

	if (f)
		f->reader = user;
}

static __always_inline void leave_pfn_reader_user_pin(__u64 ret)
{
	struct rs_frame *f = reading_frame();
	struct pfn_reader_user *user;
	bool file = false;

	if (!f || !f->reader)
		return;
	user = (void *)f->reader;
	f->reader = 0;
	if (bpf_core_field_exists(user->file))
		file = BPF_CORE_READ(user, file);
	count_pages(f, BPF_CORE_READ(user, upages_end) - BPF_CORE_READ(user, upages_start), file,
		    (__s32)ret);
}

RS_ENTRY(pfn_reader_user_pin, 1)
RS_EXIT(pfn_reader_user_pin)

/* Where that one was inlined, what it calls; memfd_pin_folios() is in access.bpf.c. int pin_user_pages_fast(start, nr_pages, ...) */
static __always_inline void leaf_pin_user_pages_fast(__u64 start, __u64 ret)
{
	struct rs_frame *f = reading_frame();
	__s64 n = (__s32)ret;

	if (f)
		count_pages(f, n, false, n > 0 ? 0 : n);
}

RS_LEAF(pin_user_pages_fast, 1, RS_LEAF_AREA_GUP)

/*
 * long pin_user_pages_remote(struct mm_struct *mm, ...), which has more arguments than fit into registers: also by
 * iopt_pages_rw_page(), for a page that it copies to or from and lets go of.
 */
static __always_inline void leaf_pin_user_pages_remote(__u64 mm, __u64 ret)
{
	struct rs_frame *f = reading_frame();
	__s64 n = ret;

	if (f && !f->reader)
		count_pages(f, n, false, n > 0 ? 0 : n);
}

RS_LEAF(pin_user_pages_remote, 1, RS_LEAF_AREA_REMOTE)

/* phys_addr_t iommu_iova_to_phys(struct iommu_domain *domain, ...), a page at a time; also for others, and often */
static __always_inline void enter_iommu_iova_to_phys(__u64 domain)
{
	struct rs_frame *f = nr_reading ? nested_frame() : NULL;

	if (f && f->reads)
		f->domain_pages++;
}

RS_ENTRY(iommu_iova_to_phys, 1)

/* void kthread_use_mm(struct mm_struct *mm) */
static __always_inline void enter_kthread_use_mm(__u64 mm)
{
	struct rs_frame *f = reading_frame();

	if (f && f->caller == RS_IN_RW)
		f->rflags |= RS_REQF_USE_MM;
}

RS_ENTRY(kthread_use_mm, 1)

/* int iopt_pages_update_pinned(struct iopt_pages *pages, unsigned long npages, bool inc, ...) */
static __always_inline void leaf_iopt_pages_update_pinned(__u64 key, __u64 npages, __u64 inc,
							  __u64 ret)
{
	struct iopt_pages *pages = (void *)key;
	struct rs_frame *f = reading_frame();

	if (!f || BPF_CORE_READ(pages, account_mode) == RS_ACCOUNT_NONE)
		return;
	if ((__s32)ret)
		f->acct_err = ret;
	else
		add_acct(f, (__u64)BPF_CORE_READ(pages, source_mm),
			 (__u8)inc ? (__s64)npages : -(__s64)npages);
}

RS_LEAF(iopt_pages_update_pinned, 3, RS_LEAF_AREA_ACCT)

/* What a request of this context may have to wait for, before anything is looked up for it */
static __always_inline bool is_awaited(struct rs_frame *f, __u64 lock)
{
	struct iopt_pages *pages;
	struct iopt_area *area;

	/* CHANGE_PROCESS takes the locks of all ioas, and nothing else that others hold for long. */
	if (f->caller == RS_IN_CHANGE)
		return true;
	if (f->access &&
	    lock == f->access + bpf_core_field_offset(struct iommufd_access, ioas_lock))
		return true;
	if (!f->ioas_at)
		return false;
	if (lock == f->ioas_at + bpf_core_field_offset(struct iommufd_ioas, iopt.iova_rwsem) ||
	    lock == f->ioas_at + bpf_core_field_offset(struct iommufd_ioas, iopt.domains_rwsem))
		return true;
	area = find_area(f->ioas_at, f->access ? f->at : f->iova);
	pages = area ? BPF_CORE_READ(area, pages) : NULL;
	return pages && lock == (__u64)pages + bpf_core_field_offset(struct iopt_pages, mutex);
}

int wait_over(__u64 lock)
{
	struct rs_frame *f = reading_frame();

	if (has_iommufd() && f && is_awaited(f, lock))
		f->work_ns = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
