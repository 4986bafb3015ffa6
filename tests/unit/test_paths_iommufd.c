// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which path served a request to an iommufd context: include/remapscope/path.h, a leaf at a time. What the
 * kernel does in each case is in its drivers/iommu/iommufd/device.c and pages.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "remapscope/path.h"

#define OWNER 0x100
#define OTHER 0x200

#define PIN_OF(k, by, npage)                                                        \
	.op = { .kind = (k), .ret = (npage) }, .h.mm = (by), .request = RS_REQ_PIN, \
	.len = (npage)*RS_PAGE_SIZE, .range_mm = OWNER, .rflags = RS_REQF_BACKEND | RS_REQF_RANGE
#define COPY_OF(k, by, bytes, more)                                                               \
	.op.kind = (k), .h.mm = (by), .request = RS_REQ_WRITE, .len = (bytes), .range_mm = OWNER, \
	.rflags = RS_REQF_BACKEND | RS_REQF_RANGE | (more)
#define PIN(by, npage)	PIN_OF(RS_CONTAINER_IOMMUFD, by, npage)
#define COPY(by, bytes) COPY_OF(RS_CONTAINER_IOMMUFD, by, bytes, 0)
#define REFUSED_OF(k, by, what, err, more)                                     \
	.op = { .kind = (k), .ret = -(err) }, .h.mm = (by), .request = (what), \
	.len = RS_PAGE_SIZE, .range_mm = OWNER, .rflags = RS_REQF_BACKEND | (more)
#define REFUSED(what, err, more) REFUSED_OF(RS_CONTAINER_IOMMUFD, OWNER, what, err, more)

/* A request, the path that it has to be counted under, and up to two paths with pages. */
struct leaf {
	const char *name;
	struct rs_ev_request rq;
	__u32 path;
	__u32 reason;
	struct {
		__u32 path;
		__u64 pages;
	} pages[3];
};

static void check(const struct leaf *l)
{
	__u64 want[RS_PATH_NR] = { 0 };
	struct rs_paths p;

	memset(&p, 0xff, sizeof(p));
	rs_request_paths(&l->rq, &p);
	if (p.path != l->path || p.reason != l->reason)
		fail_msg("%s: path %u reason %u, not %u %u", l->name, p.path, p.reason, l->path,
			 l->reason);
	for (size_t i = 0; i < 3; i++)
		want[l->pages[i].path] += l->pages[i].pages;
	for (size_t i = 0; i < RS_PATH_NR; i++)
		if (p.pages[i] != want[i])
			fail_msg("%s: %llu pages by path %zu, not %llu", l->name,
				 (unsigned long long)p.pages[i], i, (unsigned long long)want[i]);
}

#define CHECK_ALL(leaves)                                                     \
	do {                                                                  \
		for (size_t k = 0; k < sizeof(leaves) / sizeof(*leaves); k++) \
			check(&(leaves)[k]);                                  \
	} while (0)

static void pins(void **state)
{
	static const struct leaf leaves[] = {
		{ "pinned already",
		  { PIN(OWNER, 4), .area = RS_AREA_USER },
		  RS_PATH_CACHED,
		  0,
		  { { RS_PATH_CACHED, 4 } } },
		{ "through the vaddr",
		  { PIN(OWNER, 4), .area = RS_AREA_USER, .gup_pages = 4 },
		  RS_PATH_GUP,
		  0,
		  { { RS_PATH_GUP, 4 } } },
		{ "by another process",
		  { PIN(OTHER, 4), .area = RS_AREA_USER, .gup_pages = 4 },
		  RS_PATH_GUP,
		  RS_REASON_REMOTE_MM,
		  { { RS_PATH_GUP, 4 } } },
		{ "by a kernel thread",
		  { PIN(0, 4), .area = RS_AREA_USER, .gup_pages = 4 },
		  RS_PATH_GUP,
		  RS_REASON_REMOTE_MM,
		  { { RS_PATH_GUP, 4 } } },
		{ "through the file",
		  { PIN(OWNER, 4), .area = RS_AREA_FILE, .file_pages = 4 },
		  RS_PATH_FILE,
		  0,
		  { { RS_PATH_FILE, 4 } } },
		{ "through the file, by another process",
		  { PIN(OTHER, 4), .area = RS_AREA_FILE, .file_pages = 4 },
		  RS_PATH_FILE,
		  0,
		  { { RS_PATH_FILE, 4 } } },
		{ "in an IOMMU's table",
		  { PIN(OWNER, 4), .area = RS_AREA_FILE, .domain_pages = 4 },
		  RS_PATH_DOMAIN,
		  0,
		  { { RS_PATH_DOMAIN, 4 } } },
		{ "some pinned already",
		  { PIN(OWNER, 4), .area = RS_AREA_FILE, .file_pages = 3 },
		  RS_PATH_FILE,
		  0,
		  { { RS_PATH_FILE, 3 }, { RS_PATH_CACHED, 1 } } },
		{ "over two areas",
		  { PIN(OWNER, 4), .area = RS_AREA_USER, .gup_pages = 1, .file_pages = 1,
		    .domain_pages = 2 },
		  RS_PATH_GUP,
		  0,
		  { { RS_PATH_GUP, 1 }, { RS_PATH_FILE, 1 }, { RS_PATH_DOMAIN, 2 } } },
		{ "a page looked up twice",
		  { PIN(OWNER, 2), .area = RS_AREA_FILE, .domain_pages = 3 },
		  RS_PATH_DOMAIN,
		  0,
		  { { RS_PATH_DOMAIN, 2 } } },
	};

	(void)state;
	CHECK_ALL(leaves);
}

static void copies(void **state)
{
	static const struct leaf leaves[] = {
		{ "own mm",
		  { COPY(OWNER, 8), .area = RS_AREA_USER },
		  RS_PATH_COPY_OWN,
		  0,
		  { { RS_PATH_COPY_OWN, 1 } } },
		{ "over a page's end",
		  { COPY(OWNER, 8), .area = RS_AREA_USER, .iova = { RS_PAGE_SIZE - 4 } },
		  RS_PATH_COPY_OWN,
		  0,
		  { { RS_PATH_COPY_OWN, 2 } } },
		{ "a kernel thread that borrows the mm",
		  { COPY_OF(RS_CONTAINER_IOMMUFD, 0, 8, RS_REQF_USE_MM), .area = RS_AREA_USER },
		  RS_PATH_COPY_KTHREAD,
		  0,
		  { { RS_PATH_COPY_KTHREAD, 1 } } },
		{ "another mm, one page",
		  { COPY(OTHER, 8), .area = RS_AREA_USER, .gup_pages = 1 },
		  RS_PATH_GUP,
		  RS_REASON_REMOTE_MM,
		  { { RS_PATH_GUP, 1 } } },
		{ "another mm, pages that a driver has pinned",
		  { COPY(OTHER, 2 * RS_PAGE_SIZE), .area = RS_AREA_USER },
		  RS_PATH_CACHED,
		  0,
		  { { RS_PATH_CACHED, 2 } } },
		{ "another mm, pages of an IOMMU's table",
		  { COPY(OTHER, 2 * RS_PAGE_SIZE), .area = RS_AREA_USER, .domain_pages = 2 },
		  RS_PATH_DOMAIN,
		  0,
		  { { RS_PATH_DOMAIN, 2 } } },
		{ "through the file",
		  { COPY(OWNER, 8), .area = RS_AREA_FILE, .file_pages = 1 },
		  RS_PATH_FILE,
		  0,
		  { { RS_PATH_FILE, 1 } } },
		{ "a file's pages that a driver has pinned",
		  { COPY(OWNER, 8), .area = RS_AREA_FILE },
		  RS_PATH_CACHED,
		  0,
		  { { RS_PATH_CACHED, 1 } } },
		{ "a file's pages of an IOMMU's table",
		  { COPY(OWNER, 8), .area = RS_AREA_FILE, .domain_pages = 1 },
		  RS_PATH_DOMAIN,
		  0,
		  { { RS_PATH_DOMAIN, 1 } } },
		{ "a file, then own memory",
		  { COPY(OWNER, 2 * RS_PAGE_SIZE), .area = RS_AREA_FILE, .file_pages = 1 },
		  RS_PATH_FILE,
		  0,
		  { { RS_PATH_FILE, 1 }, { RS_PATH_CACHED, 1 } } },
	};

	(void)state;
	CHECK_ALL(leaves);
}

/* What both are refused for, and in the same words. */
static void refusals(void **state)
{
	static const struct {
		struct rs_ev_request rq;
		__u32 reason;
	} both[] = {
		{ { REFUSED(0, ENOENT, RS_REQF_DETACHED | RS_REQF_HOLE) }, RS_REASON_DETACHED },
		{ { REFUSED(0, ENOENT, RS_REQF_HOLE) }, RS_REASON_NO_MAPPING },
		{ { REFUSED(0, EPERM, RS_REQF_RANGE) }, RS_REASON_PROT },
		{ { REFUSED(0, EINVAL, RS_REQF_RANGE | RS_REQF_UNMAPPING) }, RS_REASON_UNMAPPING },
		{ { REFUSED(0, EINVAL, RS_REQF_HOLE) }, RS_REASON_UNMAPPING },
		{ { REFUSED(0, EINVAL, RS_REQF_RANGE), .area = RS_AREA_DMABUF }, RS_REASON_DMABUF },
		{ { REFUSED(0, EINVAL, RS_REQF_RANGE), .area = RS_AREA_USER },
		  RS_REASON_ARGUMENTS },
		{ { REFUSED(0, EINVAL, RS_REQF_RANGE), .area = RS_AREA_FILE, .gup_err = -EINVAL },
		  RS_REASON_FAULT },
		{ { REFUSED(0, EINVAL, RS_REQF_RANGE | RS_REQF_MM_DEAD), .acct_err = -EINVAL },
		  RS_REASON_DEAD_MM },
		{ { REFUSED(0, EINVAL, RS_REQF_RANGE), .acct_err = -EINVAL }, RS_REASON_OTHER },
		{ { REFUSED(0, EOVERFLOW, 0) }, RS_REASON_ARGUMENTS },
		{ { REFUSED(0, EFAULT, RS_REQF_RANGE | RS_REQF_MM_DEAD), .gup_err = -EFAULT },
		  RS_REASON_DEAD_MM },
		{ { REFUSED(0, EFAULT, RS_REQF_RANGE), .gup_err = -EFAULT }, RS_REASON_FAULT },
		{ { REFUSED(0, ENOMEM, RS_REQF_RANGE), .acct_err = -ENOMEM }, RS_REASON_MEMLOCK },
		{ { REFUSED(0, ENOMEM, RS_REQF_RANGE), .gup_err = -ENOMEM }, RS_REASON_FAULT },
		{ { REFUSED(0, EAGAIN, RS_REQF_RANGE), .gup_err = -EAGAIN }, RS_REASON_FAULT },
		{ { REFUSED(0, EINTR, RS_REQF_RANGE) }, RS_REASON_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(both) / sizeof(*both); i++)
		for (__u32 what = RS_REQ_PIN; what <= RS_REQ_WRITE; what++) {
			struct leaf l = {
				"refused", both[i].rq, RS_PATH_REFUSED, both[i].reason, { { 0 } }
			};

			if (what == RS_REQ_UNPIN)
				continue;
			l.rq.request = what;
			check(&l);
		}
}

/* vfio_pin_pages() asks nothing of the context then: as of any container. */
static void not_reached(void **state)
{
	static const struct leaf leaves[] = {
		{ "no pages",
		  { .op.ret = -EINVAL, .request = RS_REQ_PIN },
		  RS_PATH_REFUSED,
		  RS_REASON_ARGUMENTS,
		  { { 0 } } },
		{ "no dma_unmap",
		  { .op = { .ret = -EINVAL, .kind = RS_CONTAINER_IOMMUFD },
		    .request = RS_REQ_PIN,
		    .len = RS_PAGE_SIZE,
		    .rflags = RS_REQF_NO_CB },
		  RS_PATH_REFUSED,
		  RS_REASON_NO_UNMAP_CB,
		  { { 0 } } },
		{ "no bytes",
		  { .op = { .ret = -EINVAL, .kind = RS_CONTAINER_IOMMUFD },
		    .request = RS_REQ_WRITE },
		  RS_PATH_REFUSED,
		  RS_REASON_ARGUMENTS,
		  { { 0 } } },
	};

	(void)state;
	CHECK_ALL(leaves);
}

static void unpins(void **state)
{
	struct leaf l = {
		"unpin", { PIN(OWNER, 4) }, RS_PATH_RELEASED, 0, { { RS_PATH_RELEASED, 4 } }
	};

	(void)state;
	l.rq.request = RS_REQ_UNPIN;
	l.rq.op.ret = 0;
	check(&l);
	l.rq.rflags = 0;
	l.path = RS_PATH_NONE;
	l.pages[0].pages = 0;
	check(&l);
}

/* The same numbers mean something else of type1. */
static void not_of_type1(void **state)
{
	static const struct leaf leaves[] = {
		{ "pin",
		  { PIN_OF(RS_CONTAINER_TYPE1, OWNER, 4), .domain_pages = 4 },
		  RS_PATH_CACHED,
		  0,
		  { { RS_PATH_CACHED, 4 } } },
		{ "copy",
		  { COPY_OF(RS_CONTAINER_TYPE1, OWNER, 8, 0), .gup_pages = 1 },
		  RS_PATH_COPY_OWN,
		  0,
		  { { RS_PATH_COPY_OWN, 1 } } },
		{ "refused pin",
		  { REFUSED_OF(RS_CONTAINER_TYPE1, OWNER, RS_REQ_PIN, EINVAL, RS_REQF_HOLE) },
		  RS_PATH_REFUSED,
		  RS_REASON_NO_MAPPING,
		  { { 0 } } },
		{ "refused copy",
		  { REFUSED_OF(RS_CONTAINER_TYPE1, OTHER, RS_REQ_READ, EFAULT, RS_REQF_RANGE) },
		  RS_PATH_REFUSED,
		  RS_REASON_WRONG_MM,
		  { { 0 } } },
	};

	(void)state;
	CHECK_ALL(leaves);
}

static void check_ioctl(__u64 pinned, __u64 file, __u64 domain, __s64 ret, struct rs_paths want)
{
	struct rs_work w = { .pages_pinned = pinned };
	struct rs_paths p;

	memset(&p, 0xff, sizeof(p));
	rs_ioas_paths(&w, file, domain, ret, &p);
	assert_int_equal(p.path, want.path);
	assert_int_equal(p.reason, want.reason);
	assert_memory_equal(p.pages, want.pages, sizeof(p.pages));
}

#define WANT(...) ((struct rs_paths){ __VA_ARGS__ })

static void ioctls(void **state)
{
	(void)state;
	/* Without a device attached nothing is pinned yet. */
	check_ioctl(0, 0, 0, 0, WANT(.path = RS_PATH_NONE));
	check_ioctl(8, 0, 0, 0, WANT(.path = RS_PATH_GUP, .pages[RS_PATH_GUP] = 8));
	check_ioctl(8, 8, 0, 0, WANT(.path = RS_PATH_FILE, .pages[RS_PATH_FILE] = 8));
	check_ioctl(8, 3, 0, 0,
		    WANT(.path = RS_PATH_GUP, .pages[RS_PATH_GUP] = 5, .pages[RS_PATH_FILE] = 3));
	check_ioctl(0, 0, 8, 0, WANT(.path = RS_PATH_DOMAIN, .pages[RS_PATH_DOMAIN] = 8));
	check_ioctl(2, 2, 8, 0,
		    WANT(.path = RS_PATH_FILE, .pages[RS_PATH_FILE] = 2,
			 .pages[RS_PATH_DOMAIN] = 8));
	check_ioctl(2, 9, 0, 0, WANT(.path = RS_PATH_FILE, .pages[RS_PATH_FILE] = 2));
	check_ioctl(8, 8, 8, -ENOMEM, WANT(.path = RS_PATH_REFUSED, .reason = RS_REASON_OTHER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pins),	    cmocka_unit_test(copies),
		cmocka_unit_test(refusals), cmocka_unit_test(not_reached),
		cmocka_unit_test(unpins),   cmocka_unit_test(not_of_type1),
		cmocka_unit_test(ioctls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
