// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include "model/model.h"

#define ROOM_MIN 64

/* Neighbouring pages shall not crowd together: they are pinned together. */
static size_t home_of(const struct rs_pins *t, __u64 page)
{
	return (page * 0x9e3779b97f4a7c15ULL >> 20) & (t->room - 1);
}

static struct rs_pin *slot_of(const struct rs_pins *t, __u64 page)
{
	size_t i = home_of(t, page);

	while (t->slot[i].count && t->slot[i].page != page)
		i = (i + 1) & (t->room - 1);
	return &t->slot[i];
}

struct rs_pin *rs_pins_find(const struct rs_pins *t, __u64 page)
{
	struct rs_pin *p;

	if (!t->nr)
		return NULL;
	p = slot_of(t, page);
	return p->count ? p : NULL;
}

static bool grow(struct rs_pins *t)
{
	struct rs_pins wider = { .room = t->room ? 2 * t->room : ROOM_MIN, .nr = t->nr };

	wider.slot = calloc(wider.room, sizeof(*wider.slot));
	if (!wider.slot)
		return false;
	for (size_t i = 0; i < t->room; i++)
		if (t->slot[i].count)
			*slot_of(&wider, t->slot[i].page) = t->slot[i];
	free(t->slot);
	*t = wider;
	return true;
}

struct rs_pin *rs_pins_add(struct rs_pins *t, __u64 page)
{
	struct rs_pin *p;

	if (2 * t->nr >= t->room && !grow(t))
		return NULL;
	p = slot_of(t, page);
	if (!p->count) {
		*p = (struct rs_pin){ .page = page, .pfn = RS_PFN_NONE };
		t->nr++;
	}
	p->count++;
	return p;
}

void rs_pins_drop(struct rs_pins *t, struct rs_pin *p)
{
	size_t hole = p - t->slot, i = hole;

	if (--p->count)
		return;
	rs_drop(p->by);
	t->nr--;
	/* What had to give way to this one moves up, or it would not be found any more. */
	for (;;) {
		i = (i + 1) & (t->room - 1);
		if (!t->slot[i].count)
			break;
		if (((i - home_of(t, t->slot[i].page)) & (t->room - 1)) <
		    ((i - hole) & (t->room - 1)))
			continue;
		t->slot[hole] = t->slot[i];
		t->slot[i].count = 0;
		hole = i;
	}
}

const struct rs_pin *rs_pins_lowest(const struct rs_pins *t)
{
	const struct rs_pin *lowest = NULL;

	for (size_t i = 0; i < t->room; i++)
		if (t->slot[i].count && (!lowest || t->slot[i].page < lowest->page))
			lowest = &t->slot[i];
	return lowest;
}

void rs_pins_free(struct rs_pins *t)
{
	for (size_t i = 0; i < t->room; i++)
		if (t->slot[i].count)
			rs_drop(t->slot[i].by);
	free(t->slot);
	*t = (struct rs_pins){ 0 };
}
