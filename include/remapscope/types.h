/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Address types
 *
 * An iova, a vaddr and a pfn are all 64-bit numbers, and mixing two of them up compiles. Each is
 * therefore a type of its own, on both sides of the ring buffer. All are in bytes, except the pfn,
 * which counts pages of 4 KiB.
 */
#ifndef REMAPSCOPE_TYPES_H
#define REMAPSCOPE_TYPES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/** struct rs_iova - an address as the device sees it, in bytes */
typedef struct rs_iova {
	__u64 v;
} rs_iova_t;

/** struct rs_vaddr - an address in the owner's mm, in bytes */
typedef struct rs_vaddr {
	__u64 v;
} rs_vaddr_t;

/** struct rs_pfn - a physical page's number */
typedef struct rs_pfn {
	__u64 v;
} rs_pfn_t;

#define RS_PAGE_SHIFT 12
#define RS_PAGE_SIZE  (1ULL << RS_PAGE_SHIFT)

#ifndef __bpf__
static inline rs_iova_t rs_iova(__u64 v)
{
	return (rs_iova_t){ v };
}

static inline rs_vaddr_t rs_vaddr(__u64 v)
{
	return (rs_vaddr_t){ v };
}
#endif

#endif /* REMAPSCOPE_TYPES_H */
