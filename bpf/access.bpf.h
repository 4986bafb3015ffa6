/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A driver's request, whichever backend serves it
 *
 * Included by access.bpf.c and iommufd_access.bpf.c.
 */
#ifndef RS_ACCESS_BPF_H
#define RS_ACCESS_BPF_H

#include "common.bpf.h"

/* Ranges that one request is looked at over. */
#define RANGES_OF_REQUEST 64

/* The current task's request has returned. A global function, defined in access.bpf.c: the verifier looks at it once. */
int write_request(__s64 ret);

/* The backend is entered through the outer function's request, or directly. */
static __always_inline struct rs_frame *enter_backend(__u32 caller, __u32 request, __u32 kind,
						      __u64 container, __u64 iova, __u64 len)
{
	struct rs_frame *f = nested_frame();

	if (!f || f->caller != caller || (f->rflags & RS_REQF_BACKEND)) {
		f = push_frame(caller, container);
		if (!f)
			return NULL;
		f->iova = iova;
		f->size = len;
		f->request = request;
	}
	f->rflags |= RS_REQF_BACKEND;
	f->kind = kind;
	f->container = container;
	f->begin_ns = f->work_ns = bpf_ktime_get_ns();
	enter_container(f);
	return f;
}

static __always_inline __u64 bytes_of(__u64 npage)
{
	return (__s32)npage > 0 ? (__u64)(__u32)npage << RS_PAGE_SHIFT : 0;
}

/* Pages that iommufd has found for a request, or has failed to. */
static __always_inline void count_pages(struct rs_frame *f, __u64 pages, bool file, __s64 err)
{
	f->gup_calls++;
	f->work.gup_calls++;
	if (err) {
		f->gup_err = err;
		f->work.gup_failed++;
		return;
	}
	f->work.pages_pinned += pages;
	if (file)
		f->file_pages += pages;
	else
		f->gup_pages += pages;
}

#endif /* RS_ACCESS_BPF_H */
