/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Is it the same memory, and is it charged right
 */
#ifndef RS_MODEL_MEMORY_H
#define RS_MODEL_MEMORY_H

#include "model/model.h"

/**
 * rs_memory_compare() - a range's memory before and after a remap
 * @buf: if not NULL, one clause that says what differs or why it is not known
 *
 * The same: shared mappings of the same file (device, inode, generation) at the same offset all over
 * the range. Memory without a file has no name: unproved, unless neither mm nor vaddr changed.
 */
enum rs_memory rs_memory_compare(const struct rs_remap *remap, char *buf, size_t len);

/**
 * rs_locked_compare() - locked memory charged within a map or remap, against what the range holds
 *
 * drivers/vfio/vfio_iommu_type1.c, vfio_change_dma_owner(): the new mm is charged vfio_dma.locked_vm,
 * then the old one gets it back, if it still has users.
 */
enum rs_memory rs_locked_compare(const struct rs_remap *remap, char *buf, size_t len);

#endif /* RS_MODEL_MEMORY_H */
