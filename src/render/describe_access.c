// SPDX-License-Identifier: GPL-2.0-only
/* Requests of drivers, and what they and maps come to: translations, pages, statistics. */
#include "render/describe.h"
#include "render/names.h"
#include "stats/units.h"

static const char *request_name(__u32 request)
{
	return request && request < RS_REQ_NR ? rs_request_name(request) : "request";
}

static void add_request(struct rs_line *l, const struct rs_ev_request *e)
{
	rs_line_add(l, "%s iova 0x%llx", request_name(e->request), e->iova.v);
	rs_line_size(l, " size ", e->len);
	if (e->request != RS_REQ_UNPIN)
		rs_line_add(l, " -> %s", rs_name_ret(e->op.ret).s);
	if (e->rflags & RS_REQF_PFN)
		rs_line_add(l, ", the first page is pfn 0x%llx", e->pfn.v);
	if (e->put_pages)
		rs_line_add(l, ", last reference of %u page%s dropped", e->put_pages,
			    rs_plural(e->put_pages));
	if (e->waits)
		rs_line_add(l, ", waited %s for a vaddr", rs_fmt_len(e->wait_ns).s);
	if (e->waits > 1)
		rs_line_add(l, " (%u times)", e->waits);
	if (e->gup_calls)
		rs_line_add(l, ", gup %u page%s", e->gup_pages, rs_plural(e->gup_pages));
	rs_describe_access(l, e);
	if (e->gup_zero)
		rs_line_add(l, ", gup succeeded and got no page");
	if (e->gup_zero > 1)
		rs_line_add(l, " (%u times)", e->gup_zero);
	if (e->gup_err)
		rs_line_add(l, ", gup failed with %s", rs_name_ret(e->gup_err).s);
	if (e->acct_err)
		rs_line_add(l, ", accounting failed with %s", rs_name_ret(e->acct_err).s);
	if (e->rflags & RS_REQF_RANGE && e->range_flags & RS_RANGEF_INVALID)
		rs_line_add(l, ", its range was invalid");
	if (e->rflags & RS_REQF_MM_DEAD)
		rs_line_add(l, ", the owner's mm was gone");
	rs_line_invalid(l, &e->op);
}

void rs_describe_request(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_request e;

	rs_line_take(&e, sizeof(e), ev);
	add_request(l, &e);
}

void rs_describe_wait(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_wait e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "%s iova 0x%llx", request_name(e.request), e.iova.v);
	rs_line_size(l, " size ", e.len);
	rs_line_add(l, " waits for a vaddr");
}

void rs_describe_xlate(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_xlate e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "vaddr 0x%llx translated, %llu page%s, for %s -> %s", e.vaddr.v, e.npage,
		    rs_plural(e.npage), rs_caller_name(e.caller), rs_name_ret(e.ret).s);
	if (e.dma_size) {
		rs_line_add(l, ", range iova 0x%llx", e.dma_iova.v);
		rs_line_size(l, " size ", e.dma_size);
		if (e.dma_flags & RS_RANGEF_INVALID)
			rs_line_add(l, " invalid");
	}
	if (e.target_mm && e.target_mm != e.h.mm)
		rs_line_add(l, ", in another mm");
}

void rs_describe_iommu(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_iommu e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "iommu %s iova 0x%llx", e.op == RS_IOMMU_MAP ? "map" : "unmap", e.iova.v);
	rs_line_size(l, " size ", e.size);
	if (e.op == RS_IOMMU_MAP) {
		rs_line_add(l, " to phys 0x%llx -> %s", e.paddr, rs_name_ret(e.ret).s);
	} else if (e.ret < 0) {
		rs_line_add(l, " -> %s", rs_name_ret(e.ret).s);
	} else {
		rs_line_size(l, " -> ", (__u64)e.ret);
	}
	rs_line_add(l, ", by %s%s", rs_caller_name(e.caller),
		    e.removing ? " (range taken down)" : "");
}

/* A name from a damaged trace can be anything, and lack its NUL. */
void rs_describe_device(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_device e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "device \"%.*s\"", RS_DEVICE_NAME_LEN, e.name);
	if (e.group_id >= 0)
		rs_line_add(l, ", group %d", e.group_id);
}

void rs_describe_pages(struct rs_line *l, const struct rs_event *ev)
{
	static const char *const sources[] = {
		[RS_PAGES_IOMMU] = "given to the IOMMU",
		[RS_PAGES_PIN] = "given to a driver's pin",
		[RS_PAGES_PAGEMAP] = "in the owner's page table",
	};
	struct rs_ev_pages e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "iova 0x%llx, %llu page%s: pfn 0x%llx", e.iova.v, e.npage,
		    rs_plural(e.npage), e.pfn.v);
	if (e.npage > 1)
		rs_line_add(l, " and on");
	if (e.source && e.source < ARRAY_SIZE(sources))
		rs_line_add(l, " %s", sources[e.source]);
}

void rs_describe_verify(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_verify e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "%s pages of range iova 0x%llx", e.all ? "all" : "sampled", e.iova.v);
	rs_line_size(l, " size ", e.size);
	rs_line_add(l, " looked up: %llu of %llu found", e.found, e.asked);
}

/* The record inside says for itself when it was written. */
void rs_describe_flight(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_flight e;

	rs_line_take(&e, sizeof(e), ev);
	if (e.request.h.ts && e.request.h.ts <= e.h.ts)
		rs_line_add(l, "%s before: ", rs_fmt_len(e.h.ts - e.request.h.ts).s);
	else
		rs_line_add(l, "before: ");
	add_request(l, &e.request);
}

void rs_describe_stats(struct rs_line *l, const struct rs_event *ev)
{
	static const char *const parts[] = {
		[RS_LAT_TOTAL] = "took",
		[RS_LAT_WAIT] = "waited",
		[RS_LAT_WORK] = "worked",
	};
	struct rs_ev_stats e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "so far, %s %s %s windows: %s request%s", request_name(e.key.request),
		    rs_name_path(e.key.path, e.key.reason).s,
		    e.key.in_window ? "inside" : "outside", rs_fmt_count(e.requests).s,
		    rs_plural(e.requests));
	rs_line_add(l, " of %s page%s", rs_fmt_count(e.pages).s, rs_plural(e.pages));
	if (e.count && e.latency < ARRAY_SIZE(parts))
		rs_line_add(l, "; %s %s %s to %s", rs_fmt_count(e.count).s, parts[e.latency],
			    rs_fmt_len(e.min).s, rs_fmt_len(e.max).s);
}
