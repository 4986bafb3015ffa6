/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Pages that are pinned now
 *
 * A hash table by page; what is in it is what is pinned, so that memory goes by that and not by events.
 */
#ifndef RS_MODEL_PINS_H
#define RS_MODEL_PINS_H

#include "remapscope/types.h"

struct rs_kept;

#define RS_PFN_NONE (~0ULL)

/**
 * struct rs_pin - a pinned page
 * @page: its iova, as a number of pages
 * @pfn: what the driver got, RS_PFN_NONE: not known
 * @count: how often it is pinned
 * @range: the serial of the range that held it, 0: not known
 * @by: the request that pinned it last; a reference of its own
 */
struct rs_pin {
	__u64 page;
	__u64 pfn;
	__u32 count;
	__u32 range;
	struct rs_kept *by;
};

/** struct rs_pins - all zero is empty */
struct rs_pins {
	struct rs_pin *slot;
	size_t room; /* a power of two, or 0 */
	size_t nr;
};

/** rs_pins_find() - Return: the page's, borrowed until the table changes; NULL: is not pinned */
struct rs_pin *rs_pins_find(const struct rs_pins *t, __u64 page);

/** rs_pins_add() - pin a page once more. Return: its entry, NULL without memory */
struct rs_pin *rs_pins_add(struct rs_pins *t, __u64 page);

/** rs_pins_drop() - take one pin off; with the last one the entry goes */
void rs_pins_drop(struct rs_pins *t, struct rs_pin *p);

/** rs_pins_lowest() - Return: the entry with the lowest iova, NULL when empty */
const struct rs_pin *rs_pins_lowest(const struct rs_pins *t);

/** rs_pins_free() - empty it */
void rs_pins_free(struct rs_pins *t);

#endif /* RS_MODEL_PINS_H */
