// SPDX-License-Identifier: GPL-2.0-only
/* What the recorder writes into END of records that found no room: note_lost() of bpf/stats.bpf.c. */
#include "synth_internal.h"

/* All that have a container have it 8 bytes behind their head, after their request's id or device's address. */
static __u64 container_of_record(const struct synth *s, const struct rs_event *ev)
{
	const struct rs_ev_range *x = (const void *)ev;

	switch (ev->type) {
	case RS_EV_PROC:
	case RS_EV_FORK:
	case RS_EV_EXEC:
	case RS_EV_EXIT:
	case RS_EV_VCPU:
	case RS_EV_VM:
	case RS_EV_IRQ:
		return 0;
	case RS_EV_DEVOP:
		return ((const struct rs_ev_devop *)ev)->container;
	case RS_EV_PASSED:
		return ((const struct rs_ev_passed *)ev)->container;
	case RS_EV_BACKING:
		/* The recorder knows it from the range. */
		for (size_t i = 0; i < s->nr; i++) {
			const struct rs_ev_range *r = (const void *)s->rec[i].ev;

			if (r->h.type == RS_EV_RANGE && r->req == x->req)
				return r->container;
		}
		return 0;
	default:
		return x->container;
	}
}

void synth_tell_lost(struct synth *s)
{
	json_t *rows = json_array();
	__u64 count = 0;

	for (size_t i = 0; i < s->nr; i++) {
		const struct rs_event *ev = s->rec[i].ev;
		__u64 key;

		if (!s->rec[i].dropped || s->rec[i].erased)
			continue;
		key = container_of_record(s, ev);
		json_array_append_new(rows,
				      json_pack("{s:o, s:i, s:i, s:I, s:I}", "container",
						key ? json_sprintf("0x%llx", key) : json_null(),
						"type", ev->type, "count", 1, "first_ns",
						(json_int_t)ev->ts, "last_ns", (json_int_t)ev->ts));
		count++;
	}
	json_decref(s->lost);
	s->lost = rows;
	json_decref(s->loss);
	s->loss = json_pack("[{s:s, s:i, s:I, s:i, s:I}]", "kind", "ring", "cpu", 0, "count",
			    (json_int_t)count, "first_ns", 1, "last_ns", (json_int_t)s->now);
	MUST(s->lost && s->loss);
}
