// SPDX-License-Identifier: GPL-2.0-only
/* What is written down of the pages behind a remap: from made-up page maps, and from this process's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "capture/pagemap.h"

#define PAGE	RS_PAGE_SIZE
#define PRESENT (1ULL << 63)
#define SWAPPED (1ULL << 62)
#define SHARED	(1ULL << 61)
#define VADDR	(16 * PAGE) /* low, so that a made-up map is short */
#define IOVA	0x100000000ULL
#define RUNS	4096

struct got {
	struct rs_ev_pages run[RUNS];
	size_t nr;
	struct rs_ev_verify verify;
	size_t verifies;
	__u32 seq; /* of the next record */
	__u64 ts;
	size_t stop_at; /* fail at this record, 0: never */
	size_t pauses;
};

/* A process directory with a page map. */
struct fake {
	char dir[64];
	int fd;
};

static int take(void *ctx, const struct rs_event *ev)
{
	struct got *g = ctx;

	assert_int_equal(ev->seq, g->seq++);
	assert_true(ev->ts >= g->ts);
	g->ts = ev->ts;
	assert_int_equal(ev->cpu, 9);
	assert_int_equal(ev->flags, RS_EVF_RECORDER);
	assert_int_equal(ev->mm, 0xffff888000000040ULL);
	assert_int_equal(ev->tid, 4712);
	assert_int_equal(g->verifies, 0); /* nothing after it */
	if (g->stop_at && g->stop_at == g->nr + 1)
		return -ENOSPC;
	if (ev->type == RS_EV_PAGES) {
		assert_int_equal(ev->size, sizeof(struct rs_ev_pages));
		assert_true(g->nr < RUNS);
		memcpy(&g->run[g->nr], ev, sizeof(g->run[0]));
		assert_int_equal(g->run[g->nr].req, 77);
		assert_int_equal(g->run[g->nr].container, 0xffff888000001000ULL);
		assert_int_equal(g->run[g->nr].device, 0);
		assert_int_equal(g->run[g->nr].source, RS_PAGES_PAGEMAP);
		g->nr++;
		return 0;
	}
	assert_int_equal(ev->type, RS_EV_VERIFY);
	assert_int_equal(ev->size, sizeof(g->verify));
	memcpy(&g->verify, ev, sizeof(g->verify));
	assert_int_equal(g->verify.req, 77);
	assert_int_equal(g->verify.container, 0xffff888000001000ULL);
	g->verifies++;
	return 0;
}

static int pause_between(void *ctx)
{
	struct got *g = ctx;

	g->pauses++;
	return 0;
}

static struct rs_ev_map remap_of(__u64 vaddr, __u64 size)
{
	struct rs_ev_map e = {
		.h = { .ts = 1,
		       .mm = 0xffff888000000040ULL,
		       .tgid = getpid(),
		       .tid = 4712,
		       .cpu = 1,
		       .type = RS_EV_MAP,
		       .size = sizeof(e) },
		.op = { .req = 77, .container = 0xffff888000001000ULL },
		.iova = rs_iova(IOVA),
		.vaddr = rs_vaddr(vaddr),
		.size = size,
		.uflags = 1U << 2,
		.old_flags = RS_RANGEF_IOMMU_MAPPED,
	};

	return e;
}

static struct got *look(const struct rs_ev_map *remap, bool all, const char *proc)
{
	struct got *g = calloc(1, sizeof(*g));
	__u32 seq = 5;
	const struct rs_pagemap_opts o = {
		.all = all, .cpu = 9, .seq = &seq, .proc = proc, .between = pause_between
	};

	assert_non_null(g);
	g->seq = 5;
	assert_int_equal(rs_pagemap_look(remap, &o, take, g), 0);
	assert_int_equal(seq, g->seq);
	if (g->verifies) {
		assert_int_equal(g->verify.iova.v, remap->iova.v);
		assert_int_equal(g->verify.size, remap->size);
	}
	return g;
}

static void run_is(const struct got *g, size_t i, __u64 page, __u64 pfn, __u64 npage)
{
	assert_true(i < g->nr);
	assert_int_equal(g->run[i].iova.v, IOVA + page * PAGE);
	assert_int_equal(g->run[i].pfn.v, pfn);
	assert_int_equal(g->run[i].npage, npage);
}

static void verify_is(const struct got *g, __u64 asked, __u64 found, bool all)
{
	assert_int_equal(g->verifies, 1);
	assert_int_equal(g->verify.asked, asked);
	assert_int_equal(g->verify.found, found);
	assert_int_equal(g->verify.all, all);
}

static struct fake fake_map(void)
{
	struct fake f = { .dir = "/tmp/rs-pagemap-XXXXXX" };
	char path[128];

	assert_non_null(mkdtemp(f.dir));
	snprintf(path, sizeof(path), "%s/%d", f.dir, getpid());
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/%d/pagemap", f.dir, getpid());
	f.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(f.fd >= 0);
	return f;
}

static void fake_end(struct fake *f)
{
	char command[128];

	close(f->fd);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
}

/* @page counts from VADDR. */
static void put(const struct fake *f, __u64 page, __u64 entry)
{
	assert_int_equal(pwrite(f->fd, &entry, 8, (VADDR / PAGE + page) * 8), 8);
}

static void runs(void **state)
{
	struct rs_ev_map remap = remap_of(VADDR, 10 * PAGE);
	struct fake f = fake_map();
	struct got *g;

	(void)state;
	/* 0-2 contiguous, 3 elsewhere, 4 swapped, 5 not there, 6-7 falling, 8-9 contiguous over a hole */
	put(&f, -1, PRESENT | 99);
	put(&f, 0, PRESENT | 100);
	put(&f, 1, PRESENT | SHARED | 101);
	put(&f, 2, PRESENT | 102);
	put(&f, 3, PRESENT | 200);
	put(&f, 4, SWAPPED | 201);
	put(&f, 6, PRESENT | 202);
	put(&f, 7, PRESENT | 201);
	put(&f, 9, PRESENT | 203);
	put(&f, 10, PRESENT | 204);
	g = look(&remap, true, f.dir);
	assert_int_equal(g->nr, 5);
	run_is(g, 0, 0, 100, 3);
	run_is(g, 1, 3, 200, 1);
	run_is(g, 2, 6, 202, 1);
	run_is(g, 3, 7, 201, 1);
	run_is(g, 4, 9, 203, 1);
	verify_is(g, 10, 7, true);
	free(g);
	fake_end(&f);
}

static void sampled(void **state)
{
	/* Steps of 3 pages: 0, 3, ... 192, and 193 and 194 are not looked at. */
	struct rs_ev_map remap = remap_of(VADDR, (64 * 3 + 2) * PAGE);
	struct fake f = fake_map();
	struct got *g;

	(void)state;
	for (__u64 i = 0; i < 64 * 3 + 2; i++)
		put(&f, i, i == 6 ? 0 : PRESENT | (1000 + i));
	g = look(&remap, false, f.dir);
	assert_int_equal(g->nr, 64);
	run_is(g, 0, 0, 1000, 1);
	run_is(g, 1, 3, 1003, 1);
	run_is(g, 2, 9, 1009, 1);
	run_is(g, 63, 192, 1192, 1);
	verify_is(g, 65, 64, false);
	free(g);
	/* A small range is looked at whole, and says so. */
	remap.size = 5 * PAGE;
	g = look(&remap, false, f.dir);
	assert_int_equal(g->nr, 1);
	run_is(g, 0, 0, 1000, 5);
	verify_is(g, 5, 5, true);
	free(g);
	fake_end(&f);
}

static void chunks(void **state)
{
	const __u64 pages = 5000;
	struct rs_ev_map remap = remap_of(VADDR, pages * PAGE);
	struct fake f = fake_map();
	struct got *g;

	(void)state;
	for (__u64 i = 0; i < pages; i++)
		put(&f, i, PRESENT | (i + (i < 3333 ? 50 : 60)));
	g = look(&remap, true, f.dir);
	assert_int_equal(g->nr, 2);
	run_is(g, 0, 0, 50, 3333);
	run_is(g, 1, 3333, 3393, pages - 3333);
	verify_is(g, pages, pages, true);
	assert_true(g->pauses > 1);
	free(g);
	/* The map ends before the range does. */
	remap.size = (pages + 700) * PAGE;
	remap.old_flags = 0;
	g = look(&remap, true, f.dir);
	assert_int_equal(g->nr, 2);
	verify_is(g, pages + 700, pages, true);
	free(g);
	fake_end(&f);
}

static void hidden(void **state)
{
	/* Without CAP_SYS_ADMIN the kernel shows that a page is there, and 0 for its number. */
	struct rs_ev_map remap = remap_of(VADDR, 2 * PAGE);
	struct fake f = fake_map();
	struct got *g;

	(void)state;
	put(&f, 0, PRESENT);
	put(&f, 1, PRESENT | SHARED);
	g = look(&remap, true, f.dir);
	assert_int_equal(g->nr, 0);
	verify_is(g, 2, 0, true);
	free(g);
	fake_end(&f);
}

static void nobody(void **state)
{
	struct rs_ev_map remap = remap_of(VADDR, 1ULL << 40);
	struct got *g = look(&remap, true, "/nowhere");

	(void)state;
	assert_int_equal(g->nr, 0);
	verify_is(g, 1ULL << 28, 0, true);
	assert_int_equal(g->pauses, 0);
	free(g);
	g = look(&remap, false, "/nowhere");
	verify_is(g, 64, 0, false);
	free(g);
}

static void no_remap(void **state)
{
	struct rs_ev_map remap = remap_of(VADDR, PAGE);
	struct got *g;

	(void)state;
	remap.op.ret = -EINVAL;
	g = look(&remap, true, NULL);
	assert_int_equal(g->seq, 5);
	free(g);
	remap = remap_of(VADDR, PAGE);
	remap.uflags = 3;
	g = look(&remap, true, NULL);
	assert_int_equal(g->seq, 5);
	free(g);
	remap = remap_of(VADDR, PAGE);
	remap.h.type = RS_EV_UNMAP;
	g = look(&remap, true, NULL);
	assert_int_equal(g->seq, 5);
	free(g);
}

static void taker_fails(void **state)
{
	struct rs_ev_map remap = remap_of(VADDR, 3 * PAGE);
	struct fake f = fake_map();
	__u32 seq = 5;
	const struct rs_pagemap_opts o = { .all = true, .cpu = 9, .seq = &seq, .proc = f.dir };

	(void)state;
	for (int i = 0; i < 3; i++)
		put(&f, i, PRESENT | (100 + 10 * i));
	for (size_t at = 1; at <= 4; at++) {
		struct got *g = calloc(1, sizeof(*g));

		assert_non_null(g);
		g->seq = seq = 5;
		g->stop_at = at;
		assert_int_equal(rs_pagemap_look(&remap, &o, take, g), -ENOSPC);
		assert_int_equal(g->nr, at - 1);
		assert_int_equal(g->verifies, 0);
		free(g);
	}
	fake_end(&f);
}

/* Does the kernel show this process the numbers of pages? In the first user namespace, CAP_SYS_ADMIN. */
static bool sees_pfns(void)
{
	unsigned long long caps = 0, first, outside, count = 0;
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	fclose(f);
	f = fopen("/proc/self/uid_map", "r");
	if (f) {
		assert_int_equal(fscanf(f, "%llu %llu %llu", &first, &outside, &count), 3);
		fclose(f);
	}
	return (caps & 1ULL << 21) && count == 0xffffffffULL;
}

/* Memory that nothing has touched through this mapping yet. */
static void *map_memfd(int fd, __u64 pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

static void own_memfd(void **state)
{
	const __u64 pages = 700;
	int fd = memfd_create("pagemap", MFD_CLOEXEC);
	struct rs_ev_map remap;
	struct got *a, *b;
	size_t same = 0;
	void *p, *q;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, pages * PAGE), 0);
	for (__u64 i = 0; i < pages; i++)
		assert_int_equal(pwrite(fd, &i, 8, i * PAGE), 8);
	p = map_memfd(fd, pages);
	q = map_memfd(fd, pages);
	remap = remap_of((unsigned long)p, pages * PAGE);
	a = look(&remap, true, NULL);
	remap = remap_of((unsigned long)q, pages * PAGE);
	b = look(&remap, true, NULL);
	if (sees_pfns()) {
		/* The same pages behind both, none of which had been in the page table. */
		verify_is(a, pages, pages, true);
		verify_is(b, pages, pages, true);
		assert_int_equal(a->nr, b->nr);
		for (size_t i = 0; i < a->nr; i++)
			same += a->run[i].iova.v == b->run[i].iova.v &&
				a->run[i].pfn.v == b->run[i].pfn.v &&
				a->run[i].npage == b->run[i].npage;
		assert_int_equal(same, a->nr);
	} else {
		verify_is(a, pages, 0, true);
		verify_is(b, pages, 0, true);
	}
	free(a);
	free(b);
	munmap(p, pages * PAGE);
	munmap(q, pages * PAGE);
	close(fd);
}

/* Pages of a mapping that are in the page table, whoever may see their numbers. */
static size_t resident(const void *p, __u64 pages)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	__u64 entry;

	assert_true(fd >= 0);
	for (__u64 i = 0; i < pages; i++) {
		assert_int_equal(pread(fd, &entry, 8, ((unsigned long)p / PAGE + i) * 8), 8);
		n += entry >> 63;
	}
	close(fd);
	return n;
}

static void own_anonymous(void **state)
{
	const __u64 pages = 64;
	unsigned char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rs_ev_map remap = remap_of((unsigned long)p, pages * PAGE);
	struct got *g;

	(void)state;
	assert_true(p != MAP_FAILED);
	/* All of a range that the IOMMU does not have is left as it is. */
	remap.old_flags = 0;
	g = look(&remap, true, NULL);
	verify_is(g, pages, 0, true);
	assert_int_equal(resident(p, pages), 0);
	free(g);
	/* A hole in it: only that is not seen. */
	assert_int_equal(munmap(p + 10 * PAGE, PAGE), 0);
	remap.old_flags = RS_RANGEF_IOMMU_MAPPED;
	g = look(&remap, true, NULL);
	verify_is(g, pages, sees_pfns() ? pages - 1 : 0, true);
	assert_int_equal(resident(p, 10), 10);
	assert_int_equal(resident(p + 11 * PAGE, pages - 11), pages - 11);
	for (__u64 i = 0; i < pages; i++)
		assert_true(i == 10 || !p[i * PAGE]);
	free(g);
	munmap(p, pages * PAGE);
}

static void gone(void **state)
{
	struct rs_ev_map remap = remap_of((unsigned long)&gone & ~(PAGE - 1), PAGE);
	pid_t child = fork();
	struct got *g;

	(void)state;
	assert_true(child >= 0);
	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	remap.h.tgid = child;
	g = look(&remap, true, NULL);
	assert_int_equal(g->nr, 0);
	verify_is(g, 1, 0, true);
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs),	     cmocka_unit_test(sampled),
		cmocka_unit_test(chunks),    cmocka_unit_test(hidden),
		cmocka_unit_test(nobody),    cmocka_unit_test(no_remap),
		cmocka_unit_test(own_memfd), cmocka_unit_test(own_anonymous),
		cmocka_unit_test(gone),	     cmocka_unit_test(taker_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
