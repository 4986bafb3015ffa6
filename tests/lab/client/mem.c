// SPDX-License-Identifier: GPL-2.0-only
/* The memory that is mapped for DMA: memfds (or anonymous), filled with a known pattern. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lab.h"

#define PATTERN_STEP 0x9e3779b97f4a7c15ull
#define HUGE_SHIFT   21
#define HUGE_SIZE    (1ull << HUGE_SHIFT)

struct lab_mem *lab_find_mem(struct lab *lab, const char *name)
{
	int i;

	for (i = 0; i < LAB_MAX_MEMS; i++) {
		if (lab->p.mems[i].used && !strcmp(lab->p.mems[i].name, name))
			return &lab->p.mems[i];
	}
	return NULL;
}

static int op_mem_name(struct op *op, struct lab_mem **mem)
{
	const char *name;
	int err;

	err = op_name(op, "the name of a memory", &name);
	if (err)
		return err;
	*mem = lab_find_mem(op->lab, name);
	return *mem ? 0 : op_usage(op, "there is no memory '%s'", name);
}

uint64_t pattern_word(const struct lab_mem *mem, uint64_t off)
{
	return mem->seed + off / 8 * PATTERN_STEP;
}

void pattern_fill(const struct lab_mem *mem, void *at, uint64_t off, uint64_t len)
{
	uint64_t word = pattern_word(mem, off), *p = at;
	uint64_t i;

	for (i = 0; i < len / 8; i++, word += PATTERN_STEP)
		p[i] = word;
}

static int map_file(const struct lab_mem *mem, int prot, int flags, void **addr)
{
	if (mem->anon)
		flags = MAP_PRIVATE | MAP_ANONYMOUS | (mem->huge ? MAP_HUGETLB : 0);
	*addr = mmap(NULL, mem->size, prot, flags, mem->fd, mem->fd_off);
	return *addr == MAP_FAILED ? -errno : 0;
}

/* Anonymous memory can only move; what an exec took away comes back as other memory. */
static int map_anon(struct lab_mem *mem, void **addr)
{
	int err;

	err = map_file(mem, PROT_READ | PROT_WRITE, 0, addr);
	if (err)
		return err;
	if (!mem->addr) {
		pattern_fill(mem, *addr, 0, mem->size);
		return 0;
	}
	*addr = mremap(mem->addr, mem->size, mem->size, MREMAP_MAYMOVE | MREMAP_FIXED, *addr);
	return *addr == MAP_FAILED ? -errno : 0;
}

static bool overlaps(const void *addr, uint64_t old, uint64_t size)
{
	uint64_t a = (uintptr_t)addr;

	return old && a < old + size && old < a + size;
}

/* A new mapping of the same memory, never where the old one is or was. */
int mem_map_fresh(struct lab_mem *mem, bool priv, uint64_t old, void **addr)
{
	int prot = mem->ro ? PROT_READ : PROT_READ | PROT_WRITE;
	int flags = priv ? MAP_PRIVATE : MAP_SHARED;
	void *taken = NULL;
	int err;

	if (mem->anon) {
		err = map_anon(mem, addr);
	} else {
		err = map_file(mem, prot, flags, addr);
		if (!err && overlaps(*addr, old, mem->size)) {
			taken = *addr;
			err = map_file(mem, prot, flags, addr);
			munmap(taken, mem->size);
		}
	}
	if (!err)
		mem->addr = *addr;
	return err;
}

/* The memory as the CPU sees it, for checks: not one of the mappings told to vfio. */
int mem_map_rw(struct lab_mem *mem, void **addr)
{
	if (mem->anon) {
		*addr = mem->addr;
		return *addr ? 0 : -ENXIO;
	}
	return map_file(mem, PROT_READ | PROT_WRITE, MAP_SHARED, addr);
}

void mem_unmap_rw(struct lab_mem *mem, void *addr)
{
	if (!mem->anon)
		munmap(addr, mem->size);
}

/* So that the process's page table has every page. */
void mem_read_all(const struct lab_mem *mem, const void *addr)
{
	uint64_t off;

	for (off = 0; off < mem->size; off += 4096)
		(void)*(const volatile uint8_t *)((const uint8_t *)addr + off);
}

static int mem_create(struct lab_mem *mem)
{
	void *addr;
	int err;

	if (mem->anon) {
		mem->fd = -1;
		return mem_map_fresh(mem, false, 0, &addr);
	}
	if (mem->bar)
		return mem_map_fresh(mem, false, 0, &addr);
	/* Mirror the memory's name where /proc/PID/maps shows it. */
	mem->fd = memfd_create(mem->name, mem->huge ? MFD_HUGETLB | HUGE_SHIFT << 26 : 0);
	if (mem->fd < 0)
		return -errno;
	if (ftruncate(mem->fd, mem->size)) {
		err = -errno;
		goto out;
	}
	err = mem_map_rw(mem, &addr);
	if (err)
		goto out;
	pattern_fill(mem, addr, 0, mem->size);
	mem_unmap_rw(mem, addr);
	err = mem_map_fresh(mem, false, 0, &addr);
out:
	if (err)
		close(mem->fd);
	return err;
}

/* The BAR of the first device that has one. */
static int take_bar(struct op *op, struct lab_mem *mem)
{
	struct lab_proc *p = &op->lab->p;
	int i;

	for (i = 0; i < LAB_MAX_DEVICES; i++) {
		struct lab_device *dev = &p->devices[i];

		if (!dev->used || !dev->bar || mem->size > dev->bar_size)
			continue;
		mem->fd = dup(dev->fd);
		mem->fd_off = dev->bar_off;
		return mem->fd < 0 ? -errno : 0;
	}
	return op_usage(op, "no device has such a BAR");
}

int op_mem(struct op *op)
{
	struct lab_mem mem = { .used = true };
	const char *name;
	int i, err;

	err = op_name(op, "a name", &name);
	if (!err)
		err = op_number(op, "a size", &mem.size);
	if (err)
		return err;
	mem.huge = op_flag(op, "huge");
	mem.anon = op_flag(op, "anon");
	mem.ro = op_flag(op, "ro");
	mem.bar = op_flag(op, "bar");
	err = op_end(op);
	if (err)
		return err;
	if (!mem.size || mem.size % (mem.huge ? HUGE_SIZE : 4096))
		return op_usage(op, "the size must be a multiple of the page size");
	if (mem.anon && mem.ro)
		return op_usage(op, "anonymous memory cannot be read-only");
	if (lab_find_mem(op->lab, name))
		return op_usage(op, "there is a memory '%s' already", name);

	for (i = 0; i < LAB_MAX_MEMS && op->lab->p.mems[i].used; i++)
		;
	if (i == LAB_MAX_MEMS)
		return op_usage(op, "there are too many memories");
	if (mem.bar) {
		err = take_bar(op, &mem);
		if (err)
			return err;
	}
	strcpy(mem.name, name);
	mem.seed = (uint64_t)(i + 1) << 56 | (uint64_t)(unsigned char)name[0] << 48;
	err = mem_create(&mem);
	if (err)
		return op_fail(op, "expected %#llx bytes of memory, got %s",
			       (unsigned long long)mem.size, errno_name(-err));
	op->lab->p.mems[i] = mem;
	op_say(op, "at %p", mem.addr);
	return 0;
}

int op_punch(struct op *op)
{
	struct lab_mem *mem;
	uint64_t off, len;
	bool other;
	void *addr;
	int err;

	err = op_mem_name(op, &mem);
	if (!err)
		err = op_number(op, "an offset", &off);
	if (!err)
		err = op_number(op, "a length", &len);
	other = op_flag(op, "other");
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	if (mem->anon || off > mem->size || len > mem->size - off)
		return op_usage(op, "this is no part of a memfd");
	if (fallocate(mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len))
		return op_fail(op, "expected fallocate to punch a hole, got %s", errno_name(errno));
	err = mem_map_rw(mem, &addr);
	if (err)
		return op_fail(op, "expected to map the memory, got %s", errno_name(-err));
	if (other)
		memset((char *)addr + off, 0x5a, len);
	else
		pattern_fill(mem, (char *)addr + off, off, len);
	mem_unmap_rw(mem, addr);
	op_say(op, "other pages, %s content", other ? "other" : "same");
	return 0;
}

/* The vaddr that vfio was told is nothing's then, unless pages of it are pinned. */
int op_drop(struct op *op)
{
	struct lab_mem *mem;
	int err;

	err = op_mem_name(op, &mem);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	if (!mem->addr || munmap(mem->addr, mem->size))
		return op_fail(op, "expected to take the mapping away, got %s",
			       errno_name(mem->addr ? errno : ENXIO));
	mem->addr = NULL;
	op_say(op, "not mapped");
	return 0;
}

static int check_pattern(struct op *op, struct lab_mem *mem, const uint64_t *p)
{
	uint64_t i, word = pattern_word(mem, 0);

	for (i = 0; i < mem->size / 8; i++, word += PATTERN_STEP) {
		if (p[i] != word)
			return op_fail(op, "expected %016llx at offset %#llx, got %016llx",
				       (unsigned long long)word, (unsigned long long)i * 8,
				       (unsigned long long)p[i]);
	}
	op_say(op, "%#llx bytes are right", (unsigned long long)mem->size);
	return 0;
}

int op_check(struct op *op)
{
	struct lab_mem *mem;
	uint32_t idx;
	void *addr;
	int err;

	err = op_mem_name(op, &mem);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	err = mem_map_rw(mem, &addr);
	if (err)
		return op_fail(op, "expected to map the memory, got %s", errno_name(-err));
	/* A driver has content of its own in it while a transfer is under way. */
	idx = mem - op->lab->p.mems;
	err = dma_pause(op->lab, idx, true);
	if (err)
		op_fail(op, "expected the DMA driver to pause, got %s", errno_name(-err));
	else
		err = check_pattern(op, mem, addr);
	dma_pause(op->lab, idx, false);
	mem_unmap_rw(mem, addr);
	return err;
}
