/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the fake kernel's iommufd share. */
#ifndef RS_TESTS_SYNTH_FAKE_IOMMUFD_H
#define RS_TESTS_SYNTH_FAKE_IOMMUFD_H

#include "synth_iommufd.h"
#include "synth_internal.h"

/* struct iopt_pages: what areas that are copies of each other share */
struct fake_pages {
	__u64 key;
	__u32 area; /* enum rs_area */
	__u32 account;
	__u64 npage;
	__u64 npinned;
	__u64 mm;
	__u32 tgid;
	__u64 vaddr, ino, off;
	__u32 refs;
};

struct fake_area {
	__u64 ioctx;
	__u32 ioas;
	__u64 iova, size;
	size_t pages; /* its place among them */
};

struct fake_ioctx {
	__u64 key;
	__u32 next_id;
	bool awake; /* armed: it is recorded */
	__u32 ioas[16];
	size_t nr;
};

struct fake_access {
	__u64 device, ioctx;
	__u32 ioas;
	bool emulated;
};

struct synth_iommufd {
	struct fake_ioctx *ioctx;
	size_t nr_ioctxs;
	struct fake_area *area; /* in the order of contexts, ioas and iovas */
	size_t nr_areas;
	struct fake_pages *pages;
	size_t nr_pages;
	struct fake_access *access;
	size_t nr_accesses;
	__u64 next_pages;
	enum rs_account account;
};

struct synth_iommufd *fake_iommufd(struct synth *s);
/* Room for one more element, which is zero. */
void *fake_more(void *array, size_t nr, size_t size);
struct fake_ioctx *fake_ioctx_of(struct synth *s, __u64 key);
/* NULL: it is in no ioas */
struct fake_access *fake_access_of(struct synth *s, __u64 device);
/* The area that holds @iova; NULL */
struct fake_area *fake_area_at(struct synth *s, __u64 x, __u32 ioas, __u64 iova);
/* A call of the context begins. @request: a driver's */
struct rs_op fake_begin(struct synth *s, __u64 x, bool request);
/* Pins what is not pinned yet. Return: pages */
__u64 fake_fill_domain(struct fake_pages *p);

#endif /* RS_TESTS_SYNTH_FAKE_IOMMUFD_H */
