// SPDX-License-Identifier: GPL-2.0-only
/* What is missing, as far as the records themselves show it; and which records tell what. */
#include <errno.h>
#include <stdlib.h>
#include "model/model.h"

int rs_model_gap(struct rs_model *m, const struct rs_gap *g)
{
	struct rs_gap *grown;

	for (size_t i = 0; i < m->nr_gaps; i++) {
		struct rs_gap *known = &m->gap[i];

		if (known->kind != g->kind || known->container != g->container ||
		    known->types != g->types)
			continue;
		known->count += g->count;
		if (g->from_ns < known->from_ns)
			known->from_ns = g->from_ns;
		if (g->to_ns > known->to_ns)
			known->to_ns = g->to_ns;
		return 0;
	}
	grown = rs_grow(m->gap, m->nr_gaps, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	m->gap = grown;
	m->gap[m->nr_gaps++] = *g;
	return 0;
}

int rs_model_gap_in(struct rs_model *m, enum rs_gap_kind kind, const struct rs_container *c,
		    __u64 ts)
{
	struct rs_gap g = { .kind = kind, .types = RS_TYPES_ANY, .count = 1, .to_ns = ts };

	if (kind == RS_GAP_UNREAD)
		g.from_ns = ts;
	if (c) {
		g.container = c->view.id;
		g.from_ns = c->view.since_ns;
		g.types = RS_TYPES_LIFE | RS_TYPE(BACKING);
		if (c->ioctx)
			g.types |= RS_TYPE(IOAS);
	}
	return rs_model_gap(m, &g);
}

/* Everything that uses a container. */
#define USES                                                                                   \
	(RS_TYPE(MAP) | RS_TYPE(UNMAP) | RS_TYPE(IOCTL) | RS_TYPE(REQUEST) | RS_TYPE(ATTACH) | \
	 RS_TYPE(DETACH) | RS_TYPE(IOAS))

/* What gives interrupts, and takes them away. */
#define IRQS (RS_TYPE(IRQ) | RS_TYPE(VM) | RS_TYPE(EXEC) | RS_TYPE(EXIT) | RS_TYPE(DEVICE))

__u32 rs_note_records(enum rs_note_type type)
{
	static const __u32 records[RS_N_NR] = {
		[RS_N_MAPPED] = RS_TYPE(MAP) | RS_TYPE(IOAS) | RS_TYPE(RANGE),
		[RS_N_INVALIDATED] = RS_TYPE(UNMAP) | RS_TYPE(RANGE),
		[RS_N_REMAPPED] = RS_TYPE(MAP) | RS_TYPE(RANGE),
		[RS_N_REMAP_REFUSED] = RS_TYPE(MAP),
		[RS_N_UNMAPPED] = RS_TYPE(UNMAP) | RS_TYPE(REMOVE) | RS_TYPE(IOAS),
		[RS_N_RELEASED] =
			RS_TYPE(RELEASE) | RS_TYPE(REMOVE) | RS_TYPE(DETACH) | RS_TYPE(IOAS),
		[RS_N_TRANSLATED] =
			RS_TYPE(XLATE) | RS_TYPE(MAP) | RS_TYPE(ATTACH) | RS_TYPE(REQUEST),
		[RS_N_IOMMU_CHANGED] = RS_TYPE(IOMMU) | RS_TYPE(MAP) | RS_TYPE(UNMAP) |
				       RS_TYPE(ATTACH) | RS_TYPE(DETACH),
		[RS_N_MM_GONE] = RS_TYPES_PROCESS | RS_TYPE(RANGE) | RS_TYPE(SNAPSHOT),
		[RS_N_USED] = USES,
		[RS_N_NEW_MAP] = RS_TYPE(MAP),
		[RS_N_PLAIN_UNMAP] = RS_TYPE(UNMAP) | RS_TYPE(REMOVE),
		[RS_N_ATTACHED] = RS_TYPE(ATTACH),
		[RS_N_CLOSED] = RS_TYPE(MAP) | RS_TYPE(UNMAP) | RS_TYPE(REMOVE) | RS_TYPE(RELEASE),
		[RS_N_MAP_DONE] = RS_TYPE(MAP),
		[RS_N_FOUND] = RS_TYPE(SNAPSHOT) | RS_TYPE(RANGE),
		[RS_N_FOUND_INVALID] = RS_TYPE(SNAPSHOT) | RS_TYPE(RANGE),
		[RS_N_FOREIGN_PIN] =
			RS_TYPE(MAP) | RS_TYPE(ATTACH) | RS_TYPE(REQUEST) | RS_TYPE(IOAS),
		[RS_N_PAGES_KNOWN] =
			RS_TYPE(PAGES) | RS_TYPE(REQUEST) | RS_TYPE(MAP) | RS_TYPE(IOAS),
		[RS_N_PAGES_OTHER] = RS_TYPE(PAGES) | RS_TYPE(REQUEST) | RS_TYPE(MAP) |
				     RS_TYPE(IOMMU) | RS_TYPE(IOAS),
		[RS_N_VERIFIED] = RS_TYPE(PAGES) | RS_TYPE(VERIFY) | RS_TYPE(MAP),
		[RS_N_PINNED] = RS_TYPE(REQUEST) | RS_TYPE(STATS),
		[RS_N_PIN_ZERO] = RS_TYPE(REQUEST),
		[RS_N_UNDERFLOW] = RS_TYPE(REQUEST) | RS_TYPE(STATS) | RS_TYPE(DEVICE),
		[RS_N_DEVICE_CLOSED] =
			RS_TYPE(DEVICE) | RS_TYPE(REQUEST) | RS_TYPE(STATS) | RS_TYPE(ATTACH),
		[RS_N_HANDED_OVER] = RS_TYPE(MAP) | RS_TYPE(UNMAP) | RS_TYPE(RANGE),
		[RS_N_TAKEN] = RS_TYPE(MAP) | RS_TYPE(UNMAP) | RS_TYPE(RANGE),
		[RS_N_CHANGED] = RS_TYPE(MAP) | RS_TYPE(UNMAP),
		[RS_N_OLD_RUNS] = RS_TYPE(VCPU),
		[RS_N_IRQ_AT_STAKE] = IRQS | RS_TYPE(UNMAP) | RS_TYPE(RANGE) | RS_TYPE(SNAPSHOT),
		[RS_N_IRQ_NEEDED] = IRQS | RS_TYPE(VCPU) | RS_TYPE(PASSED),
		[RS_N_IRQ_CLOSED] = IRQS | RS_TYPE(RELEASE) | RS_TYPE(DETACH),
		[RS_N_IRQ_END] = IRQS,
		[RS_N_WAITS] = RS_TYPE(WAIT) | RS_TYPE(REQUEST),
		[RS_N_GUEST_RUNS] = RS_TYPE(VCPU) | RS_TYPE(PASSED),
		[RS_N_OWNER_LEFT] = RS_TYPES_PROCESS | RS_TYPE(RANGE) | RS_TYPE(SNAPSHOT),
		[RS_N_OWNER_CHANGED] = RS_TYPE(IOAS) | RS_TYPE(RANGE),
		[RS_N_OTHER_USES] = RS_TYPE(IOAS) | RS_TYPE(ATTACH),
		[RS_N_OTHER_RUNS] = RS_TYPE(VCPU) | RS_TYPE(PASSED),
		[RS_N_GIVEN_UP] = RS_TYPE(RELEASE) | RS_TYPE(REMOVE),
		[RS_N_CHARGE_MOVED] = RS_TYPE(IOAS) | RS_TYPE(RANGE),
	};

	return type < RS_N_NR ? records[type] : 0;
}
