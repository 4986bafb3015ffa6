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

/* @cached: pages of a pin that were pinned already; the others went through GUP. */
enum rs_path rs_classify(const struct rs_ev_request *rq, enum rs_reason *reason, __u64 *cached)
{
	*reason = RS_REASON_NONE;
	*cached = 0;
	switch (rq->request) {
	case RS_REQ_PIN:
		if (rq->op.ret < 0) {
			*reason = refused_pin(rq);
			return RS_PATH_REFUSED;
		}
		if ((__u64)rq->op.ret > rq->gup_pages)
			*cached = rq->op.ret - rq->gup_pages;
		if (!rq->op.ret)
			return RS_PATH_NONE;
		return rq->gup_pages ? RS_PATH_GUP : RS_PATH_CACHED;
	case RS_REQ_UNPIN:
		return rq->rflags & RS_REQF_BACKEND ? RS_PATH_RELEASED : RS_PATH_NONE;
	case RS_REQ_READ:
	case RS_REQ_WRITE:
		if (rq->op.ret < 0) {
			*reason = refused_rw(rq);
			return RS_PATH_REFUSED;
		}
		/* The kernel's own test: vfio_iommu_type1_dma_rw_chunk(), kthread = !current->mm */
		return rq->h.mm ? RS_PATH_COPY_OWN : RS_PATH_COPY_KTHREAD;
	default:
		return RS_PATH_NONE;
	}
}

static struct rs_request_row *row_of(struct rs_tally *t, const struct rs_slow *s)
{
	struct rs_request_row *row;

	for (size_t i = 0; i < t->nr_rows; i++) {
		row = &t->row[i];
		if (!strcmp(row->op, s->op) && row->path == s->path && row->reason == s->reason &&
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
		.path = s->path,
		.reason = s->reason,
		.in_window = s->in_window,
	};
	row->latency = calloc(1, sizeof(*row->latency));
	if (!row->latency)
		return NULL;
	t->nr_rows++;
	return row;
}

int rs_tally_add(struct rs_model *m, const struct rs_slow *s, __u64 pages)
{
	struct rs_tally *t = &m->tally;
	struct rs_request_row *row = row_of(t, s);
	size_t at;

	if (!row)
		return -ENOMEM;
	row->pages += pages;
	rs_hist_add(row->latency, s->len);
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
