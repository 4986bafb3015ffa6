// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which path served a request (vfio_iommu_type1.c: vfio_iommu_type1_pin_pages(),
 * vfio_iommu_type1_dma_rw(); vfio_main.c: vfio_pin_pages()), and what requests cost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model/model.h"

static enum rs_reason refused_pin(const struct rs_ev_request *rq)
{
	/* vfio_pin_pages() itself refuses bad arguments, and devices without a dma_unmap callback. */
	if (!(rq->rflags & RS_REQF_BACKEND))
		return RS_REASON_ARGUMENTS;
	switch (rs_errno(rq->op.ret)) {
	case EBUSY:
		return RS_REASON_WINDOW;
	case EACCES:
		return RS_REASON_V1;
	case EPERM:
		return RS_REASON_PROT;
	case ENODEV:
		return RS_REASON_DEAD_MM;
	case ENOMEM:
		return rq->gup_err == -ENOMEM ? RS_REASON_FAULT : RS_REASON_MEMLOCK;
	case EINVAL:
		if (rq->op.flags & RS_OPF_NO_UNMAP_CB)
			return RS_REASON_NO_UNMAP_CB;
		if (rq->pfnmap_pages)
			return RS_REASON_PFNMAP;
		if (rq->gup_err)
			return RS_REASON_FAULT;
		return rq->rflags & RS_REQF_RANGE ? RS_REASON_OTHER : RS_REASON_NO_MAPPING;
	default:
		return rq->gup_err ? RS_REASON_FAULT : RS_REASON_OTHER;
	}
}

static enum rs_reason refused_rw(const struct rs_ev_request *rq)
{
	if (!(rq->rflags & RS_REQF_BACKEND))
		return RS_REASON_ARGUMENTS;
	switch (rs_errno(rq->op.ret)) {
	case EBUSY:
		return RS_REASON_WINDOW;
	case EPERM:
		return rq->rflags & RS_REQF_MM_DEAD ? RS_REASON_DEAD_MM : RS_REASON_PROT;
	case EFAULT:
		if (rq->h.mm && rq->range_mm && rq->h.mm != rq->range_mm)
			return RS_REASON_WRONG_MM;
		return RS_REASON_FAULT;
	case EINVAL:
		return rq->rflags & RS_REQF_RANGE ? RS_REASON_OTHER : RS_REASON_NO_MAPPING;
	default:
		return RS_REASON_OTHER;
	}
}

static enum rs_path classify_pin(const struct rs_ev_request *rq, __u64 pages[RS_PATH_NR])
{
	__u64 pinned = rq->op.ret, walked = rq->gup_pages;

	/* A page that was not looked up was in the container's list of pinned pages already. */
	pages[RS_PATH_CACHED] = pinned > walked ? pinned - walked : 0;
	pages[RS_PATH_PFNMAP] = rq->pfnmap_pages < walked ? rq->pfnmap_pages : walked;
	pages[RS_PATH_GUP] = walked - pages[RS_PATH_PFNMAP];
	if (pages[RS_PATH_PFNMAP])
		return RS_PATH_PFNMAP;
	if (pages[RS_PATH_GUP])
		return RS_PATH_GUP;
	return pages[RS_PATH_CACHED] ? RS_PATH_CACHED : RS_PATH_NONE;
}

enum rs_path rs_classify(const struct rs_ev_request *rq, enum rs_reason *reason,
			 __u64 pages[RS_PATH_NR])
{
	__u64 touched = 0;
	enum rs_path path;

	memset(pages, 0, RS_PATH_NR * sizeof(*pages));
	*reason = RS_REASON_NONE;
	/* Also of an unaligned copy: every page of which a byte is copied. */
	if (rq->len)
		touched = ((rq->iova.v + (rq->len - 1)) >> RS_PAGE_SHIFT) -
			  (rq->iova.v >> RS_PAGE_SHIFT) + 1;
	switch (rq->request) {
	case RS_REQ_PIN:
		if (rq->op.ret < 0) {
			*reason = refused_pin(rq);
			return RS_PATH_REFUSED;
		}
		path = classify_pin(rq, pages);
		/* By a worker, or by a process that does not own the range. */
		if (path == RS_PATH_GUP && rq->range_mm && rq->range_mm != rq->h.mm)
			*reason = RS_REASON_REMOTE_MM;
		return path;
	case RS_REQ_UNPIN:
		path = rq->rflags & RS_REQF_BACKEND ? RS_PATH_RELEASED : RS_PATH_NONE;
		break;
	case RS_REQ_READ:
	case RS_REQ_WRITE:
		if (rq->op.ret < 0) {
			*reason = refused_rw(rq);
			return RS_PATH_REFUSED;
		}
		/* The kernel's own test: vfio_iommu_type1_dma_rw_chunk(), kthread = !current->mm */
		path = rq->h.mm ? RS_PATH_COPY_OWN : RS_PATH_COPY_KTHREAD;
		break;
	default:
		return RS_PATH_NONE;
	}
	pages[path] = touched;
	return path;
}

static struct rs_request_row *row_of(struct rs_tally *t, const struct rs_slow *s, enum rs_path path)
{
	enum rs_reason reason = path == s->path ? s->reason : RS_REASON_NONE;
	struct rs_request_row *row;

	for (size_t i = 0; i < t->nr_rows; i++) {
		row = &t->row[i];
		if (!strcmp(row->op, s->op) && row->path == path && row->reason == reason &&
		    row->in_window == s->in_window)
			return row;
	}
	row = rs_grow(t->row, t->nr_rows, sizeof(*row));
	if (!row)
		return NULL;
	t->row = row;
	row += t->nr_rows;
	*row = (struct rs_request_row){
		.op = s->op,
		.path = path,
		.reason = reason,
		.in_window = s->in_window,
	};
	row->latency = calloc(1, sizeof(*row->latency));
	if (!row->latency)
		return NULL;
	t->nr_rows++;
	return row;
}

int rs_tally_add(struct rs_model *m, const struct rs_slow *s, const __u64 pages[RS_PATH_NR])
{
	struct rs_tally *t = &m->tally;
	size_t at;

	for (int path = 0; path < RS_PATH_NR; path++) {
		struct rs_request_row *row;

		if (path != (int)s->path && !pages[path])
			continue;
		row = row_of(t, s, path);
		if (!row)
			return -ENOMEM;
		row->requests++;
		row->pages += pages[path];
		if (path == (int)s->path)
			rs_hist_add(row->latency, s->len);
	}
	if (!t->slow) {
		t->slow = calloc(RS_SLOW_MAX, sizeof(*t->slow));
		if (!t->slow)
			return -ENOMEM;
	}
	for (at = t->nr_slow; at && t->slow[at - 1].len < s->len; at--)
		;
	if (at == RS_SLOW_MAX)
		return 0;
	if (t->nr_slow < RS_SLOW_MAX)
		t->nr_slow++;
	memmove(t->slow + at + 1, t->slow + at, (t->nr_slow - at - 1) * sizeof(*t->slow));
	t->slow[at] = *s;
	return 0;
}

int rs_tally_failure(struct rs_model *m, const struct rs_failure *f)
{
	struct rs_tally *t = &m->tally;
	struct rs_failure *grown;

	for (size_t i = 0; i < t->nr_failures; i++)
		if (t->failure[i].err == f->err && !strcmp(t->failure[i].call, f->call)) {
			t->failure[i].count++;
			return 0;
		}
	grown = rs_grow(t->failure, t->nr_failures, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->failure = grown;
	t->failure[t->nr_failures] = *f;
	t->failure[t->nr_failures++].count = 1;
	return 0;
}
