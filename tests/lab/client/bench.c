// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-bench: what a driver's request costs by the path that serves it, type1 against iommufd.
 *
 * Prints a line for each: BACKEND REQUEST PATH MEMORY PAGES NANOSECONDS, the median of many calls, as the test
 * device's module has measured it around vfio_pin_pages() and vfio_dma_rw(). Under -icount shift=0 with one
 * processor a nanosecond of the guest is an instruction. On a kernel with remap_requests (kernel/README.md) and
 * iommufd. Exit status: 0, or 1 with one sentence.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../module/rs_testdev.h"
#include "iommufd.h"

#define PAGE	 4096UL
#define SIZE	 (4UL << 20)
#define IOVA	 0x10000000UL
#define WARM	 8
#define CALLS	 48
#define PIN_MAX	 512
#define RW_MAX	 256
#define TESTDEV	 "/sys/bus/platform/devices/rs_testdev.0"
#define EDU	 "/sys/bus/pci/devices/0000:00:02.0"
#define REQUESTS "/sys/module/vfio_iommu_type1/parameters/remap_requests"

#define MAP_RW 7 /* at this iova, readable, writeable */

struct memory {
	const char *name;
	int fd;
	void *addr;
};

struct bench {
	const char *backend;
	int device;
};

#define CHECK(x)                                                                     \
	({                                                                           \
		long __r = (long)(x);                                                \
		if (__r < 0) {                                                       \
			fprintf(stderr, "lab-bench: %s: %s\n", #x, strerror(errno)); \
			exit(1);                                                     \
		}                                                                    \
		__r;                                                                 \
	})

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print(const struct bench *b, const char *request, const char *path,
		  const struct memory *m, unsigned int pages, uint64_t *ns)
{
	qsort(ns, CALLS, sizeof(*ns), by_value);
	printf("%s %s %s %s %u %llu\n", b->backend, request, path, m->name, pages,
	       (unsigned long long)ns[CALLS / 2]);
	fflush(stdout);
}

static void pin(const struct bench *b, const char *path, const struct memory *m, unsigned int pages)
{
	struct rs_testdev_pin p = { .argsz = sizeof(p), .npages = pages };
	uint64_t ns[CALLS];

	for (int i = -WARM; i < CALLS; i++) {
		/* Each on other pages, as far as there are some. */
		p.iova = IOVA + (i + WARM) * pages * PAGE % SIZE;
		CHECK(ioctl(b->device, RS_TESTDEV_PIN, &p));
		if (i >= 0)
			ns[i] = p.ns;
		CHECK(ioctl(b->device, RS_TESTDEV_UNPIN, &p));
	}
	print(b, "pin", path, m, pages, ns);
}

static void hold(const struct bench *b, bool on, unsigned int pages)
{
	struct rs_testdev_pin p = { .argsz = sizeof(p), .npages = pages };

	for (p.iova = IOVA; p.iova < IOVA + SIZE; p.iova += pages * PAGE)
		CHECK(ioctl(b->device, on ? RS_TESTDEV_PIN : RS_TESTDEV_UNPIN, &p));
}

static void copy(const struct bench *b, const char *path, const struct memory *m,
		 unsigned int pages, bool worker)
{
	static char data[RW_MAX * PAGE];
	struct rs_testdev_rw rw = {
		.argsz = sizeof(rw),
		.flags = worker ? RS_TESTDEV_WORKER : 0,
		.data = (uintptr_t)data,
		.len = pages * PAGE,
	};
	uint64_t ns[CALLS];

	for (int i = -WARM; i < CALLS; i++) {
		rw.iova = IOVA + (i + WARM) * pages * PAGE % SIZE;
		CHECK(ioctl(b->device, RS_TESTDEV_RW, &rw));
		if (i >= 0)
			ns[i] = rw.ns;
	}
	print(b, "read", path, m, pages, ns);
}

static void pins(const struct bench *b, const char *path, const struct memory *m)
{
	pin(b, path, m, 1);
	pin(b, path, m, PIN_MAX);
}

static void copies(const struct bench *b, const char *path, const struct memory *m, bool worker)
{
	copy(b, path, m, 1, worker);
	copy(b, path, m, RW_MAX, worker);
}

/* Each size's pages are held by pins of that size: for iommufd such a pin is the one that is there already. */
static void cached(const struct bench *b, const struct memory *m)
{
	const unsigned int sizes[] = { 1, PIN_MAX };

	for (int i = 0; i < 2; i++) {
		hold(b, true, sizes[i]);
		pin(b, "cached", m, sizes[i]);
		hold(b, false, sizes[i]);
	}
}

static void requests(const char *policy)
{
	int fd = CHECK(open(REQUESTS, O_WRONLY));

	CHECK(write(fd, policy, strlen(policy)));
	close(fd);
}

static int group_of(const char *device)
{
	char path[128], link[256];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/iommu_group", device);
	n = CHECK(readlink(path, link, sizeof(link) - 1));
	link[n] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	return CHECK(open(path, O_RDWR));
}

static void type1(const struct memory *m)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)m->addr,
		.iova = IOVA,
		.size = SIZE,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_VADDR,
		.iova = IOVA,
		.size = SIZE,
	};
	int container = CHECK(open("/dev/vfio/vfio", O_RDWR)), group = group_of(TESTDEV);
	struct bench b = { .backend = "type1" };

	requests("file");
	CHECK(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	CHECK(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	b.device = CHECK(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, "rs_testdev.0"));
	CHECK(ioctl(container, VFIO_IOMMU_MAP_DMA, &map));
	pins(&b, "gup", m);
	cached(&b, m);
	copies(&b, "copy_own", m, false);
	copies(&b, "copy_kthread", m, true);
	CHECK(ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	pins(&b, "file", m);
	copies(&b, "file", m, false);
	map.flags = VFIO_DMA_MAP_FLAG_VADDR;
	CHECK(ioctl(container, VFIO_IOMMU_MAP_DMA, &map));
	close(b.device);
	close(group);
	close(container);
	requests("refuse");
}

static int cdev_of(const char *device)
{
	char path[300];
	struct dirent *e;
	DIR *d;
	int fd;

	snprintf(path, sizeof(path), "%s/vfio-dev", device);
	d = opendir(path);
	CHECK(d ? 0 : -1);
	while ((e = readdir(d)) && e->d_name[0] == '.')
		;
	CHECK(e ? 0 : -1);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", e->d_name);
	fd = CHECK(open(path, O_RDWR));
	closedir(d);
	return fd;
}

static int join(const char *device, int ctx, uint32_t ioas)
{
	struct bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = ctx };
	struct attach_pt pt = { .argsz = sizeof(pt), .pt_id = ioas };
	int fd = cdev_of(device);

	CHECK(ioctl(fd, BIND_IOMMUFD, &bind));
	CHECK(ioctl(fd, ATTACH_PT, &pt));
	return fd;
}

static void ioas_map(int ctx, uint32_t ioas, const struct memory *m, bool file)
{
	struct ioas_map map = { .size = sizeof(map),
				.flags = MAP_RW,
				.ioas_id = ioas,
				.user_va = (uintptr_t)m->addr,
				.length = SIZE,
				.iova = IOVA };
	struct ioas_map_file map_file = { .size = sizeof(map_file),
					  .flags = MAP_RW,
					  .ioas_id = ioas,
					  .fd = m->fd,
					  .length = SIZE,
					  .iova = IOVA };

	CHECK(file ? ioctl(ctx, IOAS_MAP_FILE, &map_file) : ioctl(ctx, IOAS_MAP, &map));
}

static void iommufd(const struct memory *m)
{
	int ctx = CHECK(open("/dev/iommu", O_RDWR)), edu;
	struct ioas_alloc alloc = { .size = sizeof(alloc) };
	struct ioas_unmap unmap = { .size = sizeof(unmap), .iova = IOVA, .length = SIZE };
	struct bench b = { .backend = "iommufd" };

	CHECK(ioctl(ctx, IOAS_ALLOC, &alloc));
	unmap.ioas_id = alloc.out_ioas_id;
	b.device = join(TESTDEV, ctx, alloc.out_ioas_id);

	ioas_map(ctx, alloc.out_ioas_id, m, false);
	pins(&b, "gup", m);
	cached(&b, m);
	copies(&b, "copy_own", m, false);
	copies(&b, "copy_kthread", m, true);
	CHECK(ioctl(ctx, IOAS_UNMAP, &unmap));

	unmap.length = SIZE;
	ioas_map(ctx, alloc.out_ioas_id, m, true);
	pins(&b, "file", m);
	copies(&b, "file", m, false);

	/* A device behind an IOMMU in the same ioas: its table has all pages. */
	edu = join(EDU, ctx, alloc.out_ioas_id);
	pins(&b, "domain", m);
	copies(&b, "domain", m, false);
	close(edu);
	close(b.device);
	close(ctx);
}

static struct memory memory(const char *name, bool huge)
{
	struct memory m = { name, CHECK(memfd_create(name, huge ? MFD_HUGETLB : 0)), NULL };

	CHECK(ftruncate(m.fd, SIZE));
	m.addr = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd, 0);
	CHECK(m.addr == MAP_FAILED ? -1 : 0);
	memset(m.addr, 0x5a, SIZE);
	return m;
}

int main(void)
{
	const struct memory small = memory("4k", false), huge = memory("2m", true);

	/* The guest's clock settles only after some seconds. */
	sleep(8);
	type1(&small);
	type1(&huge);
	iommufd(&small);
	iommufd(&huge);
	return 0;
}
