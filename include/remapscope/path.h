/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Which path served a request
 *
 * Worked out from what BPF counted inside it (&struct rs_ev_request, &struct rs_work), by the recorder
 * and by the BPF programs that keep statistics: the same code, so that both say the same. Sources:
 * drivers/vfio/vfio_iommu_type1.c, vfio_iommu_type1_pin_pages(), vfio_iommu_type1_dma_rw();
 * drivers/vfio/vfio_main.c, vfio_pin_pages(), in Linux 6.1 to 7.3; drivers/iommu/iommufd/device.c,
 * iommufd_access_pin_pages(), iommufd_access_rw(), pages.c, iopt_pages_rw_access(), pfn_reader_fill_span(), in
 * Linux 7.3. docs/paths.md explains each.
 */
#ifndef REMAPSCOPE_PATH_H
#define REMAPSCOPE_PATH_H

#include "remapscope/event.h"

/** enum rs_path - what served a request; the names are design words. Append-only: traces hold it */
enum rs_path {
	RS_PATH_NONE = 0,   /* nothing to translate (unpin of nothing, length 0) */
	RS_PATH_CACHED = 1, /* was pinned already */
	RS_PATH_GUP = 2,    /* through the vaddr, get_user_pages and its like */
	RS_PATH_COPY_OWN = 3,
	RS_PATH_COPY_KTHREAD = 4,
	RS_PATH_RELEASED = 5, /* unpin: references dropped */
	RS_PATH_REFUSED = 6,
	RS_PATH_PFNMAP = 7, /* through the vaddr, of memory that has no struct page: a BAR */
	RS_PATH_WAITED = 8, /* through the vaddr, after waiting for it to be valid again */
	RS_PATH_FILE = 9, /* through the file behind the range: its page cache, a memfd's folios */
	RS_PATH_DOMAIN = 10, /* looked up in an IOMMU's table, which has the pages pinned */
	RS_PATH_NR
};

/** enum rs_reason - why a request was refused, or how a path was taken. Append-only */
enum rs_reason {
	RS_REASON_NONE = 0,
	RS_REASON_WINDOW = 1,	  /* the container's window was open */
	RS_REASON_NO_MAPPING = 2, /* no range holds the iova */
	RS_REASON_PROT = 3,
	RS_REASON_MEMLOCK = 4,
	RS_REASON_DEAD_MM = 5,
	RS_REASON_WRONG_MM = 6,
	RS_REASON_V1 = 7, /* VFIO_TYPE1_IOMMU, not v2 */
	RS_REASON_NO_UNMAP_CB = 8,
	RS_REASON_ARGUMENTS = 9,
	RS_REASON_FAULT = 10, /* GUP or the copy failed */
	RS_REASON_OTHER = 11,
	RS_REASON_PFNMAP = 12,	  /* memory without a struct page cannot be pinned for a driver */
	RS_REASON_REMOTE_MM = 13, /* of RS_PATH_GUP, which is not refused: not in the caller's mm */
	RS_REASON_WAIT_BROKEN = 14, /* waited for a vaddr, and was killed or the container closed */
	RS_REASON_DETACHED = 15,    /* iommufd: the device is attached to no ioas */
	RS_REASON_UNMAPPING = 16,   /* iommufd: the area is being unmapped */
	RS_REASON_DMABUF = 17,	    /* iommufd: a dma-buf cannot be pinned or copied */
	RS_REASON_WAIT_TIMEOUT = 18, /* waited for a vaddr as long as it may */
	RS_REASON_NR
};

#define RS_INLINE static inline __attribute__((always_inline))

/* Linux's numbers, the same on every architecture that has VFIO (asm-generic/errno-base.h). */
#define RS_EPERM     1
#define RS_ENOENT    2
#define RS_ENOMEM    12
#define RS_EACCES    13
#define RS_EFAULT    14
#define RS_EBUSY     16
#define RS_ENODEV    19
#define RS_EINVAL    22
#define RS_EOVERFLOW 75 /* this and the next: asm-generic/errno.h */
#define RS_ETIMEDOUT 110

/*
 * Where nothing else explains -EINVAL: was a part of the request in no range? Ranges are looked at when the
 * request returns; one that is there then can have come in between, if others were at work.
 */
RS_INLINE __u32 rs_invalid_reason(const struct rs_ev_request *rq)
{
	if (rq->rflags & RS_REQF_HOLE || !(rq->rflags & RS_REQF_RANGE) ||
	    rq->op.flags & RS_OPF_CONCURRENT)
		return RS_REASON_NO_MAPPING;
	return RS_REASON_OTHER;
}

RS_INLINE __u32 rs_refused_pin(const struct rs_ev_request *rq)
{
	/*
	 * vfio_pin_pages() itself refuses bad arguments and, since 6.2, devices without a dma_unmap
	 * callback.
	 */
	if (!(rq->rflags & RS_REQF_BACKEND))
		return rq->rflags & RS_REQF_NO_CB && rq->op.ret == -RS_EINVAL && rq->len
			       ? RS_REASON_NO_UNMAP_CB
			       : RS_REASON_ARGUMENTS;
	if (rq->waits && rq->op.ret == -RS_EFAULT && !rq->gup_err)
		return RS_REASON_WAIT_BROKEN;
	if (rq->waits && rq->op.ret == -RS_ETIMEDOUT)
		return RS_REASON_WAIT_TIMEOUT;
	switch (rq->op.ret) {
	case -RS_EBUSY:
		return RS_REASON_WINDOW;
	case -RS_EACCES:
		return RS_REASON_V1;
	case -RS_EPERM:
		return RS_REASON_PROT;
	case -RS_ENODEV:
		return RS_REASON_DEAD_MM;
	case -RS_ENOMEM:
		return rq->gup_err == -RS_ENOMEM ? RS_REASON_FAULT : RS_REASON_MEMLOCK;
	case -RS_EINVAL:
		if (rq->op.flags & RS_OPF_NO_UNMAP_CB)
			return RS_REASON_NO_UNMAP_CB;
		if (rq->pfnmap_pages)
			return RS_REASON_PFNMAP;
		if (rq->gup_err)
			return RS_REASON_FAULT;
		return rs_invalid_reason(rq);
	default:
		return rq->gup_err || rq->gup_zero ? RS_REASON_FAULT : RS_REASON_OTHER;
	}
}

RS_INLINE __u32 rs_refused_rw(const struct rs_ev_request *rq)
{
	if (!(rq->rflags & RS_REQF_BACKEND))
		return RS_REASON_ARGUMENTS;
	if (rq->waits && rq->op.ret == -RS_ETIMEDOUT)
		return RS_REASON_WAIT_TIMEOUT;
	switch (rq->op.ret) {
	case -RS_EBUSY:
		return RS_REASON_WINDOW;
	case -RS_EPERM:
		return rq->rflags & RS_REQF_MM_DEAD ? RS_REASON_DEAD_MM : RS_REASON_PROT;
	case -RS_EFAULT:
		if (rq->h.mm && rq->range_mm && rq->h.mm != rq->range_mm)
			return RS_REASON_WRONG_MM;
		return rq->waits ? RS_REASON_WAIT_BROKEN : RS_REASON_FAULT;
	case -RS_EINVAL:
		return rs_invalid_reason(rq);
	default:
		return RS_REASON_OTHER;
	}
}

/*
 * iommufd's -EINVAL. Of an area that is being unmapped, a request that came too late for it may find it gone when
 * it returns: what was never there is -ENOENT.
 */
RS_INLINE __u32 rs_area_invalid(const struct rs_ev_request *rq)
{
	if (rq->rflags & RS_REQF_UNMAPPING)
		return RS_REASON_UNMAPPING;
	if (rq->area == RS_AREA_DMABUF)
		return RS_REASON_DMABUF;
	/* There is no mm to charge (update_mm_locked_vm()). */
	if (rq->acct_err)
		return rq->rflags & RS_REQF_MM_DEAD ? RS_REASON_DEAD_MM : RS_REASON_OTHER;
	/* A file that is no memfd (memfd_pin_folios()). */
	if (rq->gup_err)
		return RS_REASON_FAULT;
	return rq->rflags & RS_REQF_HOLE ? RS_REASON_UNMAPPING : RS_REASON_ARGUMENTS;
}

/* A pin or copy that iommufd has refused. */
RS_INLINE __u32 rs_refused_access(const struct rs_ev_request *rq)
{
	switch (rq->op.ret) {
	case -RS_ENOENT:
		return rq->rflags & RS_REQF_DETACHED ? RS_REASON_DETACHED : RS_REASON_NO_MAPPING;
	case -RS_EPERM:
		return RS_REASON_PROT;
	case -RS_EINVAL:
		return rs_area_invalid(rq);
	case -RS_EOVERFLOW:
		return RS_REASON_ARGUMENTS;
	case -RS_EFAULT:
		return rq->rflags & RS_REQF_MM_DEAD ? RS_REASON_DEAD_MM : RS_REASON_FAULT;
	case -RS_ENOMEM:
		return rq->acct_err ? RS_REASON_MEMLOCK : RS_REASON_FAULT;
	default:
		return rq->gup_err ? RS_REASON_FAULT : RS_REASON_OTHER;
	}
}

RS_INLINE __u32 rs_refused(const struct rs_ev_request *rq)
{
	if (rq->op.kind == RS_CONTAINER_IOMMUFD && rq->rflags & RS_REQF_BACKEND)
		return rs_refused_access(rq);
	return rq->request == RS_REQ_PIN ? rs_refused_pin(rq) : rs_refused_rw(rq);
}

/**
 * struct rs_paths - what a request came to
 * @path: the path that cost most: the request's time is counted there
 * @reason: of @path
 * @pages: how many pages took which path
 */
struct rs_paths {
	__u32 path;
	__u32 reason;
	__u64 pages[RS_PATH_NR];
};

RS_INLINE void rs_pages_clear(struct rs_paths *p)
{
	for (int i = 0; i < RS_PATH_NR; i++)
		p->pages[i] = 0;
	p->path = RS_PATH_NONE;
	p->reason = RS_REASON_NONE;
}

RS_INLINE void rs_split_pin(const struct rs_ev_request *rq, struct rs_paths *p)
{
	__u64 pinned = rq->op.ret, walked = rq->gup_pages, waited = rq->wait_pages;
	__u64 pfnmap = rq->pfnmap_pages, file = rq->file_pages;

	/* Success without a page (before 6.15): the driver was told that it has it. */
	walked += rq->gup_zero;
	if (waited > walked)
		waited = walked;
	if (pfnmap > walked - waited)
		pfnmap = walked - waited;
	/* A page that was not looked up was in the container's list of pinned pages already. */
	p->pages[RS_PATH_CACHED] = pinned > walked + file ? pinned - walked - file : 0;
	p->pages[RS_PATH_FILE] = file;
	p->pages[RS_PATH_WAITED] = waited;
	p->pages[RS_PATH_PFNMAP] = pfnmap;
	p->pages[RS_PATH_GUP] = walked - waited - pfnmap;
	if (waited || rq->waits)
		p->path = RS_PATH_WAITED;
	else if (pfnmap)
		p->path = RS_PATH_PFNMAP;
	else if (p->pages[RS_PATH_GUP])
		p->path = RS_PATH_GUP;
	else if (file)
		p->path = RS_PATH_FILE;
	else
		p->path = pinned ? RS_PATH_CACHED : RS_PATH_NONE;
	/* By a worker, or by a process that does not own the range. */
	if (p->path == RS_PATH_GUP && rq->range_mm && rq->range_mm != rq->h.mm)
		p->reason = RS_REASON_REMOTE_MM;
}

RS_INLINE void rs_split_rw(const struct rs_ev_request *rq, __u64 touched, struct rs_paths *p)
{
	__u64 file = rq->file_pages < touched ? rq->file_pages : touched;

	/* The kernel's own test: vfio_iommu_type1_dma_rw_chunk(), kthread = !current->mm */
	if (rq->waits)
		p->path = RS_PATH_WAITED;
	else if (file && file == touched)
		p->path = RS_PATH_FILE;
	else if (rq->h.mm)
		p->path = RS_PATH_COPY_OWN;
	else
		p->path = RS_PATH_COPY_KTHREAD;
	p->pages[RS_PATH_FILE] = file;
	if (touched > file)
		p->pages[p->path] = touched - file;
}

/* At most @left: a batch that was full looks its last page up again. Return: what is left then */
RS_INLINE __u64 rs_take_pages(struct rs_paths *p, __u32 path, __u64 pages, __u64 left)
{
	if (pages > left)
		pages = left;
	p->pages[path] = pages;
	if (pages && !p->path)
		p->path = path;
	return left - pages;
}

/*
 * A pin or copy that iommufd has served, by where it found the pages: in the owner's mm, the file, an IOMMU's
 * table. The others a pin has from those that are pinned for drivers already; a copy from there too, unless it needs
 * no pages because it goes through the vaddr.
 */
RS_INLINE void rs_split_access(const struct rs_ev_request *rq, __u64 pages, struct rs_paths *p)
{
	__u32 rest = RS_PATH_CACHED;

	if (rq->request != RS_REQ_PIN && rq->rflags & RS_REQF_USE_MM)
		rest = RS_PATH_COPY_KTHREAD;
	else if (rq->request != RS_REQ_PIN && rq->area == RS_AREA_USER && rq->h.mm &&
		 rq->h.mm == rq->range_mm)
		rest = RS_PATH_COPY_OWN;
	pages = rs_take_pages(p, RS_PATH_GUP, rq->gup_pages, pages);
	pages = rs_take_pages(p, RS_PATH_FILE, rq->file_pages, pages);
	pages = rs_take_pages(p, RS_PATH_DOMAIN, rq->domain_pages, pages);
	rs_take_pages(p, rest, pages, pages);
	if (p->path == RS_PATH_GUP && rq->range_mm && rq->range_mm != rq->h.mm)
		p->reason = RS_REASON_REMOTE_MM;
}

/** rs_request_paths() - of a driver's request */
RS_INLINE void rs_request_paths(const struct rs_ev_request *rq, struct rs_paths *p)
{
	__u64 touched = 0;

	rs_pages_clear(p);
	/* Also of an unaligned copy: every page of which a byte is copied. */
	if (rq->len)
		touched = ((rq->iova.v + (rq->len - 1)) >> RS_PAGE_SHIFT) -
			  (rq->iova.v >> RS_PAGE_SHIFT) + 1;
	if (rq->request == RS_REQ_UNPIN) {
		if (rq->rflags & RS_REQF_BACKEND) {
			p->path = RS_PATH_RELEASED;
			p->pages[RS_PATH_RELEASED] = touched;
		}
		return;
	}
	if (rq->request < RS_REQ_PIN || rq->request > RS_REQ_WRITE)
		return;
	if (rq->op.ret < 0) {
		p->path = RS_PATH_REFUSED;
		p->reason = rs_refused(rq);
		return;
	}
	if (rq->op.kind == RS_CONTAINER_IOMMUFD) {
		rs_split_access(rq, rq->request == RS_REQ_PIN ? (__u64)rq->op.ret : touched, p);
	} else if (rq->request == RS_REQ_PIN) {
		rs_split_pin(rq, p);
	} else {
		rs_split_rw(rq, touched, p);
	}
}

/** rs_work_paths() - of a map, unmap, invalidation or remap that returned @ret */
RS_INLINE void rs_work_paths(const struct rs_work *w, __s64 ret, struct rs_paths *p)
{
	__u64 pfnmap = w->pfnmap_pages;

	rs_pages_clear(p);
	if (ret < 0) {
		p->path = RS_PATH_REFUSED;
		p->reason = RS_REASON_OTHER;
		return;
	}
	/* A lookup can find more pages than are taken; the rest is looked up again. */
	if (pfnmap > w->pages_pinned)
		pfnmap = w->pages_pinned;
	p->pages[RS_PATH_PFNMAP] = pfnmap;
	p->pages[RS_PATH_GUP] = w->pages_pinned - pfnmap;
	if (pfnmap)
		p->path = RS_PATH_PFNMAP;
	else if (p->pages[RS_PATH_GUP])
		p->path = RS_PATH_GUP;
}

/**
 * rs_ioas_paths() - of an ioctl of an iommufd context that returned @ret
 * @file: of the pages pinned, through the file
 * @domain: pages looked up in an IOMMU's table
 *
 * Of one that pins nothing, an unmap or CHANGE_PROCESS, there is no path.
 */
RS_INLINE void rs_ioas_paths(const struct rs_work *w, __u64 file, __u64 domain, __s64 ret,
			     struct rs_paths *p)
{
	rs_pages_clear(p);
	if (ret < 0) {
		p->path = RS_PATH_REFUSED;
		p->reason = RS_REASON_OTHER;
		return;
	}
	if (file > w->pages_pinned)
		file = w->pages_pinned;
	rs_take_pages(p, RS_PATH_GUP, w->pages_pinned - file, w->pages_pinned);
	rs_take_pages(p, RS_PATH_FILE, file, file);
	rs_take_pages(p, RS_PATH_DOMAIN, domain, domain);
}

/** rs_map_request() - the kind of a MAP_DMA or UNMAP_DMA, &enum rs_request_op, from its flags */
RS_INLINE __u32 rs_map_request(int unmap, __u32 uflags)
{
	/* VFIO_DMA_MAP_FLAG_VADDR and VFIO_DMA_UNMAP_FLAG_VADDR are the same bit (uapi linux/vfio.h). */
	if (uflags & (1U << 2))
		return unmap ? RS_REQ_INVALIDATE : RS_REQ_REMAP;
	return unmap ? RS_REQ_UNMAP : RS_REQ_MAP;
}

#endif /* REMAPSCOPE_PATH_H */
