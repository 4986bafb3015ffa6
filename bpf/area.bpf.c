// SPDX-License-Identifier: GPL-2.0-only
/* Walks over the areas of an iommufd context, in the current task's name; what a hand-over begins with. */
#include "area.bpf.h"
#include "stats.bpf.h"

int tell_areas(__u64 ictx, __u64 req, __u32 how)
{
	struct rs_task *t = this_task(true);

	if (!has_iommufd() || !t)
		return 0;
	walk_areas(t, bpf_get_current_task_btf(), ictx, req, how, 0, -1);
	return 0;
}

int tell_area(__u64 ioas, __u64 req, __u64 iova, __u32 cause)
{
	struct rs_task *t = this_task(true);
	struct rs_frame *f = top_frame(t);
	struct iopt_area *area;

	if (!has_iommufd() || !t || !f)
		return 0;
	area = find_area(ioas, iova);
	return area && write_area(t, bpf_get_current_task_btf(), f->container, req, ioas_id(ioas),
				  area, cause);
}

int tell_context(__u64 ictx, __u32 why)
{
	struct rs_task *t = this_task(true);

	if (!has_iommufd() || !t)
		return 0;
	write_context(t, bpf_get_current_task_btf(), ictx, why, -1);
	return 0;
}

int begin_handover(__u64 ictx)
{
	struct rs_container *c = bpf_map_lookup_elem(&containers, &ictx);

	if (!armed || !c || c->kind != RS_CONTAINER_IOMMUFD)
		return 0;
	c->tail_until = bpf_ktime_get_ns() + HANDOVER_NS;
	write_flight(ictx);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
