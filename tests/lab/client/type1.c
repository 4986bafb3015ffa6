// SPDX-License-Identifier: GPL-2.0-only
/* The DMA mappings of a container, or of an ioas: map, invalidate, remap, unmap. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/vfio.h>

#include "lab.h"

typedef int (*range_fn)(struct op *op, struct lab_container *c, struct lab_range *r);

struct lab_range *lab_range_at(struct lab *lab, int container, uint64_t iova)
{
	int i;

	for (i = 0; i < LAB_MAX_RANGES; i++) {
		struct lab_range *r = &lab->shared->ranges[i];

		if (r->used && r->container == (uint32_t)container && iova >= r->iova &&
		    iova - r->iova < r->size)
			return r;
	}
	return NULL;
}

int lab_map_dma(struct lab *lab, const struct lab_container *c, uint32_t flags, uint64_t vaddr,
		uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = vaddr,
		.iova = iova,
		.size = size,
	};
	int err;

	err = ioctl(c->fd, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
	if (!(flags & VFIO_DMA_MAP_FLAG_VADDR))
		lab_count(lab, LAB_CALL_MAP, err);
	return err;
}

int lab_unmap_dma(struct lab *lab, const struct lab_container *c, uint32_t flags, uint64_t iova,
		  uint64_t *size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};

	int err;

	err = ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : 0;
	if (!(flags & VFIO_DMA_UNMAP_FLAG_VADDR))
		lab_count(lab, LAB_CALL_UNMAP, err);
	if (!err)
		*size = unmap.size;
	return err;
}

static int expect_size(struct op *op, uint64_t expected, uint64_t got)
{
	if (expected != got)
		return op_fail(op, "expected the returned size to be %#llx, got %#llx",
			       (unsigned long long)expected, (unsigned long long)got);
	return 0;
}

static int name_to_mem(struct op *op, const char *name, struct lab_mem **mem)
{
	*mem = lab_find_mem(op->lab, name);
	return *mem ? 0 : op_usage(op, "there is no memory '%s'", name);
}

int op_map(struct op *op)
{
	struct lab_container *c = lab_current(op);
	uint32_t flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	struct lab_range r = { .used = 1 };
	struct lab *lab = op->lab;
	struct lab_mem *mem;
	bool file = op_flag(op, "file");
	const char *name;
	void *addr;
	int i, err;

	if (!c)
		return -EINVAL;
	if (file && !c->ioas)
		return op_usage(op, "type1 maps no files");
	err = op_name(op, "the name of a memory", &name);
	if (!err)
		err = name_to_mem(op, name, &mem);
	if (!err)
		err = op_number(op, "an iova", &r.iova);
	if (!err)
		err = op_key_number(op, "off", &r.off, NULL);
	if (err)
		return err;
	r.size = mem->size - r.off;
	err = op_key_number(op, "size", &r.size, NULL);
	if (op_flag(op, "ro"))
		flags = VFIO_DMA_MAP_FLAG_READ;
	else if (op_flag(op, "wo"))
		flags = VFIO_DMA_MAP_FLAG_WRITE;
	if (!err)
		err = op_end(op);
	if (err)
		return err;

	for (i = 0; i < LAB_MAX_RANGES && lab->shared->ranges[i].used; i++)
		;
	if (i == LAB_MAX_RANGES)
		return op_usage(op, "there are too many ranges");
	if (!mem->addr && !file) {
		err = mem_map_fresh(mem, false, 0, &addr);
		if (err)
			return op_fail(op, "expected to map the memory, got %s", errno_name(-err));
	}
	r.container = c - lab->p.containers;
	r.mem = mem - lab->p.mems;
	r.vaddr = file ? 0 : (uintptr_t)mem->addr + r.off;
	r.prot = flags;
	if (c->ioas)
		err = op_expect(op, file ? "IOAS_MAP_FILE" : "IOAS_MAP",
				lab_map_ioas(c, mem, &r, file));
	else
		err = op_expect(op, "MAP_DMA", lab_map_dma(lab, c, flags, r.vaddr, r.iova, r.size));
	if (err)
		return err < 0 ? err : 0;
	lab->shared->ranges[i] = r;
	op_say(op, "iova %#llx size %#llx vaddr %#llx", (unsigned long long)r.iova,
	       (unsigned long long)r.size, (unsigned long long)r.vaddr);
	return 0;
}

static int by_iova(const void *a, const void *b)
{
	const struct lab_range *ra = *(struct lab_range *const *)a;
	const struct lab_range *rb = *(struct lab_range *const *)b;

	return ra->iova < rb->iova ? -1 : ra->iova > rb->iova;
}

/* The ranges of a container by ascending iova; mem NULL: whatever their memory. */
static int collect(struct op *op, struct lab_container *c, struct lab_mem *mem,
		   struct lab_range **list)
{
	struct lab *lab = op->lab;
	int i, n = 0;

	for (i = 0; i < LAB_MAX_RANGES; i++) {
		struct lab_range *r = &lab->shared->ranges[i];

		if (r->used && r->container == c - lab->p.containers &&
		    (!mem || r->mem == mem - lab->p.mems))
			list[n++] = r;
	}
	qsort(list, n, sizeof(*list), by_iova);
	return n;
}

static int inval_all(struct op *op, struct lab_container *c)
{
	struct lab_range *list[LAB_MAX_RANGES];
	uint64_t size = 0, total = 0;
	int i, n, err;

	n = collect(op, c, NULL, list);
	for (i = 0; i < n; i++)
		total += list[i]->size;
	err = lab_unmap_dma(op->lab, c, VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR, 0,
			    &size);
	err = op_expect(op, "UNMAP_DMA of all vaddrs", err);
	if (err)
		return err < 0 ? err : 0;
	err = expect_size(op, total, size);
	if (err)
		return err;
	for (i = 0; i < n; i++)
		list[i]->invalid = 1;
	op_say(op, "%d ranges, %#llx bytes", n, (unsigned long long)size);
	return 0;
}

static int inval_one(struct op *op, struct lab_container *c, struct lab_range *r)
{
	uint64_t size = r->size;
	int err;

	err = op_expect(op, "UNMAP_DMA of the vaddr",
			lab_unmap_dma(op->lab, c, VFIO_DMA_UNMAP_FLAG_VADDR, r->iova, &size));
	if (err)
		return err < 0 ? err : 0;
	r->invalid = 1;
	op_say(op, "iova %#llx", (unsigned long long)r->iova);
	return expect_size(op, r->size, size);
}

static int unmap_one(struct op *op, struct lab_container *c, struct lab_range *r)
{
	uint64_t size = op->size ? op->size : r->size;
	int err;

	if (c->ioas)
		err = op_expect(op, "IOAS_UNMAP", lab_unmap_ioas(c, r->iova, &size));
	else
		err = op_expect(op, "UNMAP_DMA", lab_unmap_dma(op->lab, c, 0, r->iova, &size));
	if (err)
		return err < 0 ? err : 0;
	r->used = 0;
	op_say(op, "iova %#llx", (unsigned long long)r->iova);
	return expect_size(op, r->size, size);
}

static int for_ranges(struct op *op, struct lab_container *c, const char *name, range_fn fn)
{
	struct lab_range *list[LAB_MAX_RANGES];
	struct lab_mem *mem = NULL;
	int i, n, err = 0;

	if (name)
		err = name_to_mem(op, name, &mem);
	if (err)
		return err;
	n = collect(op, c, mem, list);
	if (!n)
		return op_usage(op, "there is no range");
	for (i = 0; i < n && !err; i++)
		err = fn(op, c, list[i]);
	return err;
}

int op_inval(struct op *op)
{
	struct lab_container *c = lab_current(op);
	const char *name;
	int err;

	if (!c)
		return -EINVAL;
	if (c->ioas)
		return op_usage(op, "an ioas has no vaddrs to invalidate");
	err = op_name(op, "'all' or the name of a memory", &name);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	return !strcmp(name, "all") ? inval_all(op, c) : for_ranges(op, c, name, inval_one);
}

int op_unmap(struct op *op)
{
	struct lab_container *c = lab_current(op);
	const char *name;
	int err;

	if (!c)
		return -EINVAL;
	err = op_name(op, "'all' or the name of a memory", &name);
	if (!err)
		err = op_key_number(op, "size", &op->size, NULL);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	return for_ranges(op, c, strcmp(name, "all") ? name : NULL, unmap_one);
}

/* What a remap says to the kernel, each part of which can be made wrong on purpose. */
struct remap {
	struct lab_mem *mem;
	uint64_t iova;
	uint64_t size;
	uint64_t off;
	uint64_t vaddr;
	bool has_vaddr;
	bool priv;  /* a private mapping */
	bool copy;  /* ... of which every page is written, so that it is a copy */
	bool touch; /* every page is read before the remap */
};

static int remap_do(struct op *op, struct lab_container *c, const struct lab_range *old,
		    struct remap *m)
{
	struct lab_range *list[LAB_MAX_RANGES];
	void *addr;
	int i, n, err;

	if (!m->has_vaddr) {
		err = mem_map_fresh(m->mem, m->priv, old->vaddr - old->off, &addr);
		if (err)
			return op_fail(op, "expected a new mapping of the memory, got %s",
				       errno_name(-err));
		m->vaddr = (uintptr_t)addr + m->off;
		if (m->copy)
			pattern_fill(m->mem, addr, 0, m->mem->size);
		if (m->touch)
			mem_read_all(m->mem, addr);
	}
	err = op_expect(op, "MAP_DMA of the vaddr",
			lab_map_dma(op->lab, c, VFIO_DMA_MAP_FLAG_VADDR, m->vaddr, m->iova,
				    m->size));
	if (err)
		return err < 0 ? err : 0;
	op_say(op, "iova %#llx size %#llx vaddr %#llx", (unsigned long long)m->iova,
	       (unsigned long long)m->size, (unsigned long long)m->vaddr);
	n = collect(op, c, NULL, list);
	for (i = 0; i < n; i++) {
		if (list[i]->iova != m->iova)
			continue;
		list[i]->invalid = 0;
		list[i]->vaddr = m->vaddr;
	}
	return 0;
}

static int remap_every(struct op *op, struct lab_container *c, bool descending, bool touch)
{
	struct lab_range *list[LAB_MAX_RANGES];
	int i, n, done = 0, err;

	n = collect(op, c, NULL, list);
	for (i = 0; i < n; i++) {
		struct lab_range *r = list[descending ? n - 1 - i : i];
		struct remap m = {
			.mem = &op->lab->p.mems[r->mem],
			.iova = r->iova,
			.size = r->size,
			.off = r->off,
			.touch = touch,
		};

		if (!r->invalid)
			continue;
		err = remap_do(op, c, r, &m);
		if (err)
			return err;
		done++;
	}
	return done ? 0 : op_usage(op, "there is no invalid range");
}

/* The first invalid range of a memory, or the first one at all when none is invalid. */
static struct lab_range *pick_range(struct op *op, struct lab_container *c, struct lab_mem *mem)
{
	struct lab_range *list[LAB_MAX_RANGES];
	int i, n = collect(op, c, mem, list);

	for (i = 0; i < n; i++) {
		if (list[i]->invalid)
			return list[i];
	}
	return n ? list[0] : NULL;
}

static int remap_one(struct op *op, struct lab_container *c, const char *name)
{
	struct remap m = { 0 };
	struct lab_range *r;
	const char *other;
	int err;

	err = name_to_mem(op, name, &m.mem);
	if (err)
		return err;
	r = pick_range(op, c, m.mem);
	if (!r)
		return op_usage(op, "there is no range");
	m.iova = r->iova;
	m.size = r->size;
	m.off = r->off;
	err = op_key_number(op, "iova", &m.iova, NULL);
	if (!err)
		err = op_key_number(op, "size", &m.size, NULL);
	if (!err)
		err = op_key_number(op, "off", &m.off, NULL);
	if (!err)
		err = op_key_number(op, "vaddr", &m.vaddr, &m.has_vaddr);
	if (err)
		return err;
	other = op_key(op, "mem");
	if (other)
		err = name_to_mem(op, other, &m.mem);
	m.copy = op_flag(op, "copy");
	m.priv = op_flag(op, "priv") || m.copy;
	m.touch = op_flag(op, "touch");
	if (!err)
		err = op_end(op);
	return err ? err : remap_do(op, c, r, &m);
}

int op_remap(struct op *op)
{
	struct lab_container *c = lab_current(op);
	const char *name;
	bool touch;
	int err;

	if (!c)
		return -EINVAL;
	err = op_name(op, "'all', 'rev' or the name of a memory", &name);
	if (err)
		return err;
	if (strcmp(name, "all") && strcmp(name, "rev"))
		return remap_one(op, c, name);
	touch = op_flag(op, "touch");
	err = op_end(op);
	return err ? err : remap_every(op, c, !strcmp(name, "rev"), touch);
}
