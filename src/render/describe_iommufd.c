// SPDX-License-Identifier: GPL-2.0-only
/* Records of iommufd in words. */
#include "render/describe.h"
#include "render/names.h"

static const char *call_name(__u32 what)
{
	static const char *const names[] = {
		[RS_IOAS_ALLOC] = "IOAS_ALLOC",
		[RS_IOAS_DESTROY] = "DESTROY of an ioas",
		[RS_IOAS_MAP] = "IOAS_MAP",
		[RS_IOAS_MAP_FILE] = "IOAS_MAP_FILE",
		[RS_IOAS_COPY] = "IOAS_COPY",
		[RS_IOAS_UNMAP] = "IOAS_UNMAP",
		[RS_IOAS_CHANGE_PROCESS] = "CHANGE_PROCESS",
	};

	_Static_assert(ARRAY_SIZE(names) == RS_IOAS_NR, "every ioctl has a name");
	return what && what < ARRAY_SIZE(names) ? names[what] : "an ioctl";
}

static void add_mapped(struct rs_line *l, const struct rs_ev_ioas *e)
{
	rs_line_add(l, " iova 0x%llx", e->iova.v);
	rs_line_size(l, " size ", e->size);
	switch (e->what) {
	case RS_IOAS_MAP:
		rs_line_add(l, " vaddr 0x%llx", e->vaddr.v);
		break;
	case RS_IOAS_MAP_FILE:
		rs_line_add(l, " fd %d +0x%llx", e->fd, e->offset);
		break;
	case RS_IOAS_COPY:
		rs_line_add(l, " of ioas %u iova 0x%llx", e->src_ioas, e->src_iova.v);
		break;
	}
}

/* Whose the areas were, and what the kernel did to accounts. */
static void add_change(struct rs_line *l, const struct rs_ev_ioas *e)
{
	struct rs_refusal_view f = { .err = e->op.ret < 0 ? (int)-e->op.ret : 0,
				     .areas = e->areas,
				     .user_areas = e->user_areas };
	char why[128];

	if (e->old_tgid && e->old_mm == e->h.mm)
		rs_line_add(l, " by the areas' owner");
	else if (e->old_tgid)
		rs_line_add(l, ", the areas are of [%u]", e->old_tgid);
	rs_line_add(l, ", %u area%s", e->areas, rs_plural(e->areas));
	rs_line_add(l, " -> %s", rs_name_ret(e->op.ret).s);
	if (rs_refusal_why(&f, why, sizeof(why))[0])
		rs_line_add(l, ": %s", why);
	for (int i = 0; i < RS_NR_ACCT; i++) {
		__s64 pages = e->work.acct[i].pages;

		if (!e->work.acct[i].mm || !pages)
			continue;
		rs_line_add(l, ", %s %s %lld page%s",
			    e->work.acct[i].mm == e->h.mm ? "its mm" : "another mm",
			    pages > 0 ? "charged" : "given back", pages > 0 ? pages : -pages,
			    rs_plural(pages > 0 ? pages : -pages));
	}
}

void rs_describe_ioas(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_ioas e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "%s", call_name(e.what));
	if (e.op.flags & RS_OPF_NO_ARG) {
		rs_line_add(l, " with an unreadable argument -> %s", rs_name_ret(e.op.ret).s);
		return;
	}
	if (e.what == RS_IOAS_CHANGE_PROCESS) {
		add_change(l, &e);
		return;
	}
	if (e.ioas)
		rs_line_add(l, " %u", e.ioas);
	if (e.what >= RS_IOAS_MAP && e.what <= RS_IOAS_UNMAP)
		add_mapped(l, &e);
	rs_line_add(l, " -> %s", rs_name_ret(e.op.ret).s);
	if (e.what == RS_IOAS_UNMAP && !e.op.ret && e.size_after != e.size)
		rs_line_size(l, ", unmapped ", e.size_after);
	if (e.work.pages_pinned)
		rs_line_add(l, ", %llu page%s pinned", e.work.pages_pinned,
			    rs_plural(e.work.pages_pinned));
	if (e.file_pages)
		rs_line_add(l, ", %llu through the file", e.file_pages);
	if (e.domain_pages)
		rs_line_add(l, ", %llu from an IOMMU's table", e.domain_pages);
}

void rs_describe_attach(struct rs_line *l, const struct rs_ev_group *e)
{
	bool attach = e->h.type == RS_EV_ATTACH;
	__u32 left = attach || e->old_ioas ? e->old_ioas : e->ioas;

	rs_line_add(l, "%s", attach ? "attach" : "detach");
	if (attach && e->ioas)
		rs_line_add(l, " to ioas %u", e->ioas);
	else if (attach)
		rs_line_add(l, " to a page table of user space's own");
	if (left)
		rs_line_add(l, "%s ioas %u", attach ? ", in place of" : " from", left);
	if (attach)
		rs_line_add(l, "%s -> %s", e->group_type ? " (emulated)" : "",
			    rs_name_ret(e->op.ret).s);
}

void rs_describe_access(struct rs_line *l, const struct rs_ev_request *e)
{
	if (e->file_pages)
		rs_line_add(l, ", %u page%s through the file", e->file_pages,
			    rs_plural(e->file_pages));
	if (e->domain_pages)
		rs_line_add(l, ", %u page%s from an IOMMU's table", e->domain_pages,
			    rs_plural(e->domain_pages));
	if (e->rflags & RS_REQF_DETACHED)
		rs_line_add(l, ", the device was in no ioas");
	if (e->rflags & RS_REQF_UNMAPPING)
		rs_line_add(l, ", the area was being unmapped");
}
