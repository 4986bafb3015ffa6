// SPDX-License-Identifier: GPL-2.0-only
/* The walk over a container's ranges, for all that need it in the current task's name. */
#include "range.bpf.h"

int tell_ranges(__u64 container, __u64 req, __u64 mm, __u32 how)
{
	struct walk w = {
		.t = this_task(true),
		.task = bpf_get_current_task_btf(),
		.container = container,
		.req = req,
		.mm = mm,
		.cause = how & TELL_CAUSE,
		.scan = !!(how & TELL_SCAN),
		.only_mm = !!(how & TELL_ONLY_MM),
	};

	if (!w.t)
		return 0;
	return walk_ranges(&w);
}

char LICENSE[] SEC("license") = "GPL";
