/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RS_UTIL_ARRAY_H
#define RS_UTIL_ARRAY_H

#include <stddef.h>

/**
 * rs_grow() - make room for one more element of an array that grows by doubling
 * @nr: elements it has now; the room is worked out from it, so that only this function may allocate
 * @size: of an element
 *
 * Return: the array, perhaps elsewhere, or NULL without memory (then it is as it was)
 */
void *rs_grow(void *array, size_t nr, size_t size);

#endif /* RS_UTIL_ARRAY_H */
