// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include "util/array.h"

void *rs_grow(void *array, size_t nr, size_t size)
{
	/* Powers of two from 8 on; in between there is room. */
	if (nr >= 8 && (nr & (nr - 1)))
		return array;
	if (nr && nr < 8)
		return array;
	return realloc(array, (nr ? 2 * nr : 8) * size);
}
