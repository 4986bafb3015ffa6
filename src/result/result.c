// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "result/result.h"

#include <stdlib.h>

#define ARRAY_SIZE(a)	  (sizeof(a) / sizeof((a)[0]))
#define NAME_OF(names, i) ((size_t)(i) < ARRAY_SIZE(names) ? (names)[i] : "unknown")

const char *rs_verdict_name(enum rs_verdict v)
{
	static const char *const names[] = {
		[RS_PASS] = "pass",
		[RS_UNKNOWN] = "unknown",
		[RS_VIOLATED] = "violated",
	};

	return NAME_OF(names, v);
}

const char *rs_severity_name(enum rs_severity s)
{
	static const char *const names[] = {
		[RS_SEV_WARNING] = "warning",
		[RS_SEV_ERROR] = "error",
		[RS_SEV_CRITICAL] = "critical",
	};

	return NAME_OF(names, s);
}

const char *rs_path_name(enum rs_path p)
{
	static const char *const names[] = {
		[RS_PATH_NONE] = "none",
		[RS_PATH_CACHED] = "cached",
		[RS_PATH_GUP] = "gup",
		[RS_PATH_COPY_OWN] = "copy_own",
		[RS_PATH_COPY_KTHREAD] = "copy_kthread",
		[RS_PATH_RELEASED] = "released",
		[RS_PATH_REFUSED] = "refused",
		[RS_PATH_PFNMAP] = "pfnmap",
		[RS_PATH_WAITED] = "waited",
		[RS_PATH_FILE] = "file",
		[RS_PATH_DOMAIN] = "domain",
	};

	_Static_assert(ARRAY_SIZE(names) == RS_PATH_NR, "every path has a name");
	return NAME_OF(names, p);
}

const char *rs_request_name(__u32 request)
{
	static const char *const names[RS_REQ_NR] = {
		"?",
		[RS_REQ_PIN] = "pin",
		[RS_REQ_UNPIN] = "unpin",
		[RS_REQ_READ] = "read",
		[RS_REQ_WRITE] = "write",
		[RS_REQ_MAP] = "map",
		[RS_REQ_UNMAP] = "unmap",
		[RS_REQ_INVALIDATE] = "invalidate",
		[RS_REQ_REMAP] = "remap",
		[RS_REQ_CHANGE] = "change",
	};

	return names[request < RS_REQ_NR ? request : 0];
}

const char *rs_reason_name(enum rs_reason r)
{
	static const char *const names[] = {
		[RS_REASON_NONE] = "none",
		[RS_REASON_WINDOW] = "window",
		[RS_REASON_NO_MAPPING] = "no-mapping",
		[RS_REASON_PROT] = "prot",
		[RS_REASON_MEMLOCK] = "memlock",
		[RS_REASON_DEAD_MM] = "dead-mm",
		[RS_REASON_WRONG_MM] = "wrong-mm",
		[RS_REASON_V1] = "v1",
		[RS_REASON_NO_UNMAP_CB] = "no-unmap-cb",
		[RS_REASON_ARGUMENTS] = "arguments",
		[RS_REASON_FAULT] = "fault",
		[RS_REASON_OTHER] = "other",
		[RS_REASON_PFNMAP] = "pfnmap",
		[RS_REASON_REMOTE_MM] = "remote-mm",
		[RS_REASON_WAIT_BROKEN] = "wait-broken",
		[RS_REASON_DETACHED] = "detached",
		[RS_REASON_UNMAPPING] = "unmapping",
		[RS_REASON_DMABUF] = "dmabuf",
		[RS_REASON_WAIT_TIMEOUT] = "wait-timeout",
	};

	_Static_assert(ARRAY_SIZE(names) == RS_REASON_NR, "every reason has a name");
	return NAME_OF(names, r);
}

const char *rs_memory_name(enum rs_memory m)
{
	switch (m) {
	case RS_MEMORY_SAME:
		return "same";
	case RS_MEMORY_OTHER:
		return "other";
	case RS_MEMORY_UNPROVED:
		return "unproved";
	}
	return "?";
}

const char *rs_mode_name(enum rs_mode m)
{
	return m == RS_MODE_ARMED ? "armed" : "all";
}

const char *rs_verify_name(enum rs_verify v)
{
	static const char *const names[] = { "none", "sampled", "all" };

	return names[v <= RS_VERIFY_ALL ? v : 0];
}

const char *rs_range_state_name(enum rs_range_state s)
{
	static const char *const names[] = {
		[RS_STATE_INVALID] = "invalid",
		[RS_STATE_REMAPPED] = "remapped",
		[RS_STATE_UNMAPPED] = "unmapped",
		[RS_STATE_RELEASED] = "released",
	};

	return NAME_OF(names, s);
}

const char *rs_window_end_name(enum rs_window_end e)
{
	static const char *const names[] = {
		[RS_WINDOW_OPEN] = "open",	   [RS_WINDOW_REMAPPED] = "remapped",
		[RS_WINDOW_UNMAPPED] = "unmapped", [RS_WINDOW_RELEASED] = "released",
		[RS_WINDOW_KILLED] = "killed",
	};

	return NAME_OF(names, e);
}

const char *rs_handover_name(enum rs_handover h)
{
	static const char *const names[] = {
		[RS_HANDOVER_NONE] = "in place",
		[RS_HANDOVER_EXEC] = "exec",
		[RS_HANDOVER_OTHER] = "process",
	};

	return NAME_OF(names, h);
}

const char *rs_outcome_name(enum rs_outcome o)
{
	static const char *const names[] = {
		[RS_OUTCOME_OPEN] = "open",	      [RS_OUTCOME_DONE] = "done",
		[RS_OUTCOME_IN_PLACE] = "in place",   [RS_OUTCOME_NOT_RUNNING] = "not running",
		[RS_OUTCOME_ABANDONED] = "abandoned", [RS_OUTCOME_FAILED] = "failed",
		[RS_OUTCOME_CANCELLED] = "cancelled",
	};

	return NAME_OF(names, o);
}

const char *rs_phase_name(size_t i)
{
	static const char *const names[] = { "invalidate",   "exec",  "restart",    "hand-over",
					     "between",	     "open",  "remap",	    "save",
					     "start-up",     "load",  "interrupts", "resume",
					     "unattributed", "probe", "change" };

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}

static void free_windows(struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_windows; i++) {
		struct rs_window_view *w = &r->window[i];

		for (size_t j = 0; j < w->nr_ranges; j++) {
			free(w->range[j].old_backing.piece);
			free(w->range[j].new_backing.piece);
		}
		free(w->range);
	}
	free(r->window);
}

static bool same_words(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool rs_finding_joins(const struct rs_finding *a, const struct rs_finding *b)
{
	const struct rs_finding_step *x, *y;

	if (strcmp(a->rule, b->rule) != 0 || a->verdict != b->verdict || !a->object || !b->object ||
	    a->container != b->container || a->window != b->window || a->device != b->device ||
	    (a->at_ns != b->at_ns && (!a->request || a->request != b->request)) || !a->nr_steps ||
	    !b->nr_steps)
		return false;
	x = &a->step[a->nr_steps - 1];
	y = &b->step[b->nr_steps - 1];
	return same_words(x->state, y->state) && same_words(x->note, y->note) &&
	       same_words(x->when, y->when) && same_words(a->text + a->prefix, b->text + b->prefix);
}

void rs_finding_free(struct rs_finding *f)
{
	for (size_t i = 0; i < f->nr_events; i++)
		free(f->event[i]);
	free(f->event);
	free(f->step);
	free(f->text);
	free(f->expected);
	free(f->replay);
	free(f->range);
}

static void free_findings(struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_findings; i++)
		rs_finding_free(&r->finding[i]);
	free(r->finding);
}

static void free_judged(struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_rules; i++) {
		free(r->rule[i].reason);
		free(r->rule[i].container);
	}
	free(r->rule);

	for (size_t i = 0; i < r->nr_budgets; i++) {
		free(r->budget[i].text);
		free(r->budget[i].where);
		free(r->budget[i].measured);
		free(r->budget[i].reason);
		free(r->budget[i].base);
		free(r->budget[i].note);
	}
	free(r->budget);
}

static void free_rows(struct rs_request_row *row, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(row[i].latency);
	free(row);
}

__u32 rs_loss_types(const struct rs_loss_view *l)
{
	__u32 types = 0;

	for (size_t i = 0; i < l->nr_parts; i++)
		types |= l->part[i].types;
	return types;
}

bool rs_split_known(const struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_requests; i++)
		if (r->request[i].latency[RS_LAT_WAIT].max)
			return true;
	return false;
}

bool rs_loss_touches(const struct rs_loss_view *l, __u32 types, __u64 from, __u64 to)
{
	for (size_t i = 0; i < l->nr_parts; i++) {
		const struct rs_loss_part *p = &l->part[i];

		if ((p->types & types) && p->from_ns <= to && p->to_ns >= from)
			return true;
	}
	return false;
}

__u32 rs_request_types(const char *op)
{
	static const char *const by_drivers[] = { "pin", "unpin", "read", "write" };
	const __u32 drivers = 1U << RS_EV_REQUEST | 1U << RS_EV_STATS;
	const __u32 owners =
		1U << RS_EV_MAP | 1U << RS_EV_UNMAP | 1U << RS_EV_IOAS | 1U << RS_EV_STATS;

	for (size_t i = 0; op && i < sizeof(by_drivers) / sizeof(by_drivers[0]); i++)
		if (!strcmp(by_drivers[i], op))
			return drivers;
	return op ? owners : drivers | owners;
}

__u32 rs_window_types(void)
{
	return 1U << RS_EV_PROC | 1U << RS_EV_FORK | 1U << RS_EV_EXEC | 1U << RS_EV_EXIT |
	       1U << RS_EV_OPEN | 1U << RS_EV_RELEASE | 1U << RS_EV_ATTACH | 1U << RS_EV_DETACH |
	       1U << RS_EV_MAP | 1U << RS_EV_UNMAP | 1U << RS_EV_REMOVE | 1U << RS_EV_RANGE |
	       1U << RS_EV_SNAPSHOT | 1U << RS_EV_IOAS;
}

__u32 rs_blackout_types(void)
{
	return rs_window_types() | 1U << RS_EV_VCPU | 1U << RS_EV_PASSED;
}

__u32 rs_phase_types(void)
{
	return rs_blackout_types() | 1U << RS_EV_IRQ | 1U << RS_EV_DEVOP | 1U << RS_EV_IOCTL;
}

bool rs_update_stood_still(const struct rs_update_view *u)
{
	bool any = false;

	for (size_t i = 0; i < u->nr_vcpus; i++) {
		if (u->vcpu[i].old_vm && !u->vcpu[i].stop_ns)
			return false;
		any |= u->vcpu[i].old_vm != 0;
	}
	return any;
}

void rs_update_view_free(struct rs_update_view *u)
{
	free(u->window);
	free(u->container);
	free(u->device);
	free(u->vcpu);
	free(u->mark);
	free(u->handovers);
	free(u->ioctxs);
	*u = (struct rs_update_view){ 0 };
}

void rs_result_free(struct rs_result *r)
{
	if (!r)
		return;

	for (size_t i = 0; i < r->nr_hooks; i++) {
		free(r->hook[i].function);
		free(r->hook[i].mechanism);
		free(r->hook[i].reason);
	}
	free(r->hook);
	for (size_t i = 0; i < r->nr_updates; i++)
		rs_update_view_free(&r->update[i]);
	free(r->update);
	free_rows(r->request, r->nr_requests);
	for (size_t i = 0; i < r->nr_devices; i++)
		free_rows(r->device[i].request, r->device[i].nr_requests);
	free(r->device);
	free(r->flight);
	free_windows(r);
	for (size_t i = 0; i < r->nr_handovers; i++)
		rs_handover_view_free(&r->handover[i]);
	free(r->handover);
	rs_area_views_free(r->area, r->nr_areas);
	free(r->refusal);
	free(r->ioctx);
	free_findings(r);
	free_judged(r);
	for (size_t i = 0; i < r->nr_losses; i++)
		free(r->loss[i].part);
	free(r->loss);
	free(r->container);
	free(r->slow);
	free(r->failure);
	free(r->command.line);
	free(r->verdict_reason);
	free(r->incomplete_reason);
	free(r->excerpt.of);
	free(r->excerpt.rule);
	free(r->excerpt.text);
	free(r->source);
	free(r->kernel);
	free(r->host);
	free(r);
}

int rs_result_exit_status(const struct rs_result *r)
{
	switch (r->verdict) {
	case RS_PASS:
		return 0;
	case RS_VIOLATED:
		return 1;
	case RS_UNKNOWN:
		break;
	}
	return 3;
}
