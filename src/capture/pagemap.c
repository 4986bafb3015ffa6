// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/uio.h>
#include "capture/pagemap.h"

/* VFIO_DMA_MAP_FLAG_VADDR (uapi linux/vfio.h) */
#define MAP_FLAG_VADDR (1U << 2)

/* An entry of pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define PM_PRESENT (1ULL << 63)
#define PM_PFN	   ((1ULL << 55) - 1)

/* Pages at a time: at most IOV_MAX (1024), and small enough for the stack. */
#define CHUNK 512

struct look {
	const struct rs_ev_map *remap;
	const struct rs_pagemap_opts *o;
	rs_event_fn fn;
	void *ctx;
	int fd;
	bool touch;
	__u64 step;
	struct rs_ev_pages run; /* npage 0: none yet */
	__u64 found;
};

static void begin_record(const struct look *l, void *record, __u16 type, __u16 size)
{
	struct rs_event *h = record;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	memset(record, 0, size);
	h->ts = now.tv_sec * 1000000000ULL + now.tv_nsec;
	h->mm = l->remap->h.mm;
	h->seq = (*l->o->seq)++;
	h->tgid = l->remap->h.tgid;
	h->tid = l->remap->h.tid;
	h->type = type;
	h->size = size;
	h->cpu = l->o->cpu;
	h->flags = RS_EVF_RECORDER;
}

static int put_run(struct look *l)
{
	struct rs_ev_pages *e = &l->run, run = *e;
	int err;

	if (!run.npage)
		return 0;
	begin_record(l, e, RS_EV_PAGES, sizeof(*e));
	e->req = l->remap->op.req;
	e->container = l->remap->op.container;
	e->iova = run.iova;
	e->pfn = run.pfn;
	e->npage = run.npage;
	e->source = RS_PAGES_PAGEMAP;
	err = l->fn(l->ctx, &e->h);
	e->npage = 0;
	return err;
}

static int add_page(struct look *l, __u64 pos, __u64 pfn)
{
	struct rs_ev_pages *run = &l->run;
	__u64 iova = l->remap->iova.v + pos;
	int err;

	l->found++;
	if (run->npage && iova == run->iova.v + (run->npage << RS_PAGE_SHIFT) &&
	    pfn == run->pfn.v + run->npage) {
		run->npage++;
		return 0;
	}
	err = put_run(l);
	run->iova.v = iova;
	run->pfn.v = pfn;
	run->npage = 1;
	return err;
}

/* What cannot be read is like what is not there: 0. */
static void read_entries(const struct look *l, __u64 pos, __u64 *entry, size_t nr)
{
	__u64 vaddr = l->remap->vaddr.v + pos;
	size_t i = 0;
	ssize_t n;

	memset(entry, 0, nr * sizeof(*entry));
	if (l->step == RS_PAGE_SIZE) {
		n = pread(l->fd, entry, nr * sizeof(*entry),
			  (vaddr >> RS_PAGE_SHIFT) * sizeof(*entry));
		/* Half an entry is none. */
		for (i = n > 0 ? n / sizeof(*entry) : 0; i < nr; i++)
			entry[i] = 0;
		return;
	}
	for (; i < nr; i++, vaddr += l->step)
		if (pread(l->fd, &entry[i], sizeof(entry[i]),
			  (vaddr >> RS_PAGE_SHIFT) * sizeof(*entry)) != sizeof(*entry))
			entry[i] = 0;
}

/* The number of a page that can be seen; 0 is no page that a process could have. */
static __u64 pfn_of(__u64 entry)
{
	return entry & PM_PRESENT ? entry & PM_PFN : 0;
}

/* Reads a byte of every page that is not in the owner's page table. Return: is there any? */
static bool touch_missing(struct look *l, __u64 pos, const __u64 *entry, size_t nr)
{
	struct iovec there[CHUNK], here;
	char bytes[CHUNK];
	size_t missing = 0;

	for (size_t i = 0; i < nr; i++) {
		if (entry[i] & PM_PRESENT)
			continue;
		there[missing].iov_base =
			(void *)(unsigned long)(l->remap->vaddr.v + pos + i * l->step);
		there[missing++].iov_len = 1;
	}
	for (size_t done = 0; done < missing;) {
		ssize_t n;

		here = (struct iovec){ bytes, missing - done };
		n = process_vm_readv(l->remap->h.tgid, &here, 1, &there[done], missing - done, 0);
		/* It stops at what cannot be read: go on behind that, unless nothing can be. */
		done += n > 0 ? (size_t)n : 1;
		if (n < 0 && errno != EFAULT) {
			l->touch = false;
			break;
		}
	}
	return missing;
}

static int look_at_chunk(struct look *l, __u64 pos, size_t nr)
{
	__u64 entry[CHUNK], pfn;
	int err = 0;

	read_entries(l, pos, entry, nr);
	if (l->touch && touch_missing(l, pos, entry, nr))
		read_entries(l, pos, entry, nr);
	for (size_t i = 0; i < nr && !err; i++) {
		pfn = pfn_of(entry[i]);
		if (pfn)
			err = add_page(l, pos + i * l->step, pfn);
	}
	return err;
}

static int put_verify(struct look *l, __u64 asked)
{
	struct rs_ev_verify e;

	begin_record(l, &e, RS_EV_VERIFY, sizeof(e));
	e.req = l->remap->op.req;
	e.container = l->remap->op.container;
	e.iova = l->remap->iova;
	e.size = l->remap->size;
	e.asked = asked;
	e.found = l->found;
	e.all = l->step == RS_PAGE_SIZE;
	return l->fn(l->ctx, &e.h);
}

int rs_pagemap_look(const struct rs_ev_map *remap, const struct rs_pagemap_opts *o, rs_event_fn fn,
		    void *ctx)
{
	struct look l = { .remap = remap, .o = o, .fn = fn, .ctx = ctx };
	__u64 asked, done = 0;
	char path[PATH_MAX];
	int err = 0;

	if (remap->h.type != RS_EV_MAP || remap->op.ret || !(remap->uflags & MAP_FLAG_VADDR) ||
	    !remap->size)
		return 0;
	l.step = rs_sample_step(remap->size, o->all);
	l.touch = !o->all || (remap->old_flags & RS_RANGEF_IOMMU_MAPPED);
	asked = (remap->size - 1) / l.step + 1;
	snprintf(path, sizeof(path), "%s/%u/pagemap", o->proc ? o->proc : "/proc", remap->h.tgid);
	/* Open, it stays with the mm that the process has now, even across exec. */
	l.fd = open(path, O_RDONLY | O_CLOEXEC);
	while (l.fd >= 0 && done < asked && !err) {
		size_t nr = asked - done < CHUNK ? asked - done : CHUNK;

		err = look_at_chunk(&l, done * l.step, nr);
		done += nr;
		if (!err && o->between && done < asked)
			err = o->between(ctx);
	}
	if (l.fd >= 0)
		close(l.fd);
	if (!err)
		err = put_run(&l);
	return err ? err : put_verify(&l, asked);
}
