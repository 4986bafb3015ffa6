// SPDX-License-Identifier: GPL-2.0-only
/* Contexts of iommufd, their areas and their hand-overs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "result/result.h"

const char *rs_handover_end_name(enum rs_handover_end e)
{
	static const char *const names[] = {
		[RS_HANDED_OPEN] = "open",
		[RS_HANDED_OVER] = "handed over",
		[RS_HANDED_CANCELLED] = "cancelled",
		[RS_HANDED_GIVEN_UP] = "given up",
	};

	return (size_t)e < sizeof(names) / sizeof(names[0]) ? names[e] : "unknown";
}

const char *rs_refusal_why(const struct rs_refusal_view *f, char *buf, size_t len)
{
	*buf = 0;
	switch (f->err) {
	case EINVAL:
		if (f->user_areas)
			snprintf(buf, len, "%u area%s %s known by vaddr", f->user_areas,
				 f->user_areas == 1 ? "" : "s", f->user_areas == 1 ? "is" : "are");
		else if (f->dmabuf_areas)
			snprintf(buf, len, "%u area%s %s known by a dma-buf", f->dmabuf_areas,
				 f->dmabuf_areas == 1 ? "" : "s",
				 f->dmabuf_areas == 1 ? "is" : "are");
		else
			snprintf(buf, len,
				 "an area is known by a dma-buf, or the old owner could not be "
				 "given back what it was charged");
		break;
	case EBUSY:
		snprintf(buf, len, "an area was being unmapped");
		break;
	case ENOMEM:
		snprintf(buf, len, "over the new owner's limit of locked memory");
		break;
	case EOPNOTSUPP:
		snprintf(buf, len, "a reserved field is not 0");
		break;
	}
	return buf;
}

void rs_area_views_free(struct rs_area_view *area, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(area[i].backing.piece);
	free(area);
}

void rs_handover_view_free(struct rs_handover_view *h)
{
	rs_area_views_free(h->area, h->nr_areas);
	for (size_t i = 0; i < h->nr_requests; i++)
		free(h->request[i].latency);
	free(h->request);
	*h = (struct rs_handover_view){ 0 };
}
