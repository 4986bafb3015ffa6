// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1
/*
 * All of the result as JSON. A value that could not be made is NULL; json_pack() and the functions
 * here pass that on upwards, so that only the outermost object has to be checked.
 */
#include "render/json.h"
#include "render/names.h"
#include "render/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Any bytes as a JSON string: what is not UTF-8 becomes U+FFFD. */
static json_t *text_n(const char *s, size_t max)
{
	size_t len = strnlen(s, max), used = 0;
	char *in = strndup(s, len), *clean = malloc(3 * len + 1);
	json_t *j = NULL;
	__u32 cp;

	if (!in || !clean)
		goto out;
	for (const char *p = in; *p;) {
		size_t n = rs_utf8_next(p, &cp);

		if (cp == 0xfffd)
			memcpy(clean + used, "\xef\xbf\xbd", 3);
		else
			memcpy(clean + used, p, n);
		used += cp == 0xfffd ? 3 : n;
		p += n;
	}
	j = json_stringn(clean, used);
out:
	free(in);
	free(clean);
	return j;
}

static json_t *text(const char *s)
{
	return s ? text_n(s, strlen(s)) : json_null();
}

json_t *rs_json_text(const char *s)
{
	return text(s);
}

static json_t *hex(__u64 v)
{
	return json_sprintf("0x%llx", v);
}

/* JSON's integers end at 2^63 - 1 in this library and in many readers. */
static json_int_t num(__u64 v)
{
	return v > INT64_MAX ? INT64_MAX : (json_int_t)v;
}

/* A time that is not known is null. */
static json_t *when(__u64 ns)
{
	return ns ? json_integer(num(ns)) : json_null();
}

static json_t *proc(const struct rs_proc_ref *p)
{
	if (!p->tgid && !p->comm[0])
		return json_null();
	return json_pack("{s:I, s:o}", "tgid", (json_int_t)p->tgid, "comm",
			 text_n(p->comm, RS_COMM_LEN));
}

/* An array of @nr elements that @make makes; NULL when one cannot be made. */
static json_t *list(const struct rs_result *r, const void *first, size_t nr, size_t size,
		    json_t *(*make)(const struct rs_result *r, const void *e))
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < nr; i++) {
		if (json_array_append_new(a, make(r, (const char *)first + i * size))) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

#define LIST(r, array, nr, make) list(r, array, nr, sizeof(*(array)), make)

static json_t *piece(const struct rs_result *r, const void *e)
{
	static const char *const what[] = {
		[RS_BACKING_NONE] = "none",
		[RS_BACKING_FILE] = "file",
		[RS_BACKING_ANON] = "anonymous",
		[RS_BACKING_BUSY] = "busy",
	};
	const struct rs_piece *p = e;

	(void)r;
	return json_pack("{s:o, s:I, s:s, s:I, s:I, s:I, s:I, s:o, s:b, s:b, s:b, s:o}", "at",
			 hex(p->at), "bytes", num(p->len), "what",
			 p->what < sizeof(what) / sizeof(what[0]) ? what[p->what] : "unknown",
			 "dev_major", (json_int_t)(p->dev >> 20), "dev_minor",
			 (json_int_t)(p->dev & 0xfffff), "ino", num(p->ino), "generation",
			 (json_int_t)p->generation, "offset", hex(p->offset), "shared",
			 !!(p->vm_flags & RS_VM_SHARED), "hugetlb", !!(p->vm_flags & RS_VM_HUGETLB),
			 "pfnmap", !!(p->vm_flags & (RS_VM_PFNMAP | RS_VM_IO)), "vm_flags",
			 hex(p->vm_flags));
}

static json_t *backing(const struct rs_result *r, const struct rs_backing_list *l)
{
	return json_pack("{s:b, s:b, s:o}", "known", l->known, "complete", l->complete, "pieces",
			 LIST(r, l->piece, l->nr, piece));
}

/* Of a remapped range's pages; null when they were not compared. */
static json_t *compared(const struct rs_range_view *v)
{
	if (!v->pages_asked)
		return json_null();
	return json_pack("{s:I, s:I, s:I}", "asked", num(v->pages_asked), "same",
			 num(v->pages_same), "other", num(v->pages_other));
}

static json_t *range(const struct rs_result *r, const void *e)
{
	const struct rs_range_view *v = e;
	bool remapped = v->state == RS_STATE_REMAPPED;

	return json_pack("{s:o, s:I, s:b, s:b, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:I, s:o, s:b, s:o}",
			 "iova", hex(v->iova.v), "bytes", num(v->size), "read", !!(v->prot & 1),
			 "write", !!(v->prot & 2), "state", rs_range_state_name(v->state), "memory",
			 remapped ? rs_memory_name(v->memory) : NULL, "old_vaddr",
			 hex(v->old_vaddr.v), "new_vaddr",
			 remapped ? hex(v->new_vaddr.v) : json_null(), "old_owner",
			 proc(&v->old_owner), "new_owner", proc(&v->new_owner), "old_backing",
			 backing(r, &v->old_backing), "new_backing", backing(r, &v->new_backing),
			 "invalid_ns", when(v->invalid_ns), "valid_ns", when(v->valid_ns),
			 "remap_len_ns", num(v->remap_len), "since_ns", when(v->since_ns),
			 "mapped_seen", v->mapped_seen, "pages", compared(v));
}

static json_t *window(const struct rs_result *r, const void *e)
{
	const struct rs_window_view *w = e;

	return json_pack("{s:I, s:I, s:I, s:o, s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, "
			 "s:I, s:I, s:o}",
			 "id", (json_int_t)w->id, "container", (json_int_t)w->container, "update",
			 (json_int_t)w->update, "open_ns", when(w->open_ns), "close_ns",
			 when(w->close_ns), "end", rs_window_end_name(w->end), "opener",
			 proc(&w->opener), "closer", proc(&w->closer), "bytes", num(w->bytes),
			 "invalidate_len_ns", num(w->invalidate_len), "remap_len_ns",
			 num(w->remap_len), "remaps", (json_int_t)w->remaps, "failed_remaps",
			 (json_int_t)w->failed_remaps, "new_maps", (json_int_t)w->new_maps,
			 "requests", (json_int_t)w->requests, "translations",
			 (json_int_t)w->translations, "ranges",
			 LIST(r, w->range, w->nr_ranges, range));
}

static json_t *phase(const struct rs_result *r, const void *e)
{
	const struct rs_phase *p = e;

	(void)r;
	return json_pack("{s:s, s:o, s:I, s:s?, s:s?}", "name", p->name, "start_ns",
			 when(p->start_ns), "len_ns", num(p->len), "begun_by", p->begun_by,
			 "ended_by", p->ended_by);
}

static json_t *id_or_null(__u32 id)
{
	return id ? json_integer(id) : json_null();
}

static json_t *vcpu(const struct rs_result *r, const void *e)
{
	const struct rs_vcpu_view *v = e;

	(void)r;
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:b}", "id", (json_int_t)v->id, "old_vm",
			 id_or_null(v->old_vm), "new_vm", id_or_null(v->new_vm), "stop_ns",
			 when(v->stop_ns), "run_ns", when(v->run_ns), "inside", v->inside);
}

static json_t *mark(const struct rs_result *r, const void *e)
{
	const struct rs_mark_view *m = e;

	(void)r;
	return json_pack("{s:s, s:o, s:I, s:o, s:o, s:o, s:o}", "what", m->what, "at_ns",
			 when(m->at_ns), "len_ns", num(m->len), "container",
			 id_or_null(m->container), "device", id_or_null(m->device), "process",
			 proc(&m->proc), "error",
			 m->err ? json_string(rs_name_errno(m->err).s) : json_null());
}

static json_t *id_number(const struct rs_result *r, const void *e)
{
	(void)r;
	return json_integer(*(const __u32 *)e);
}

static json_t *update(const struct rs_result *r, const void *e)
{
	const struct rs_update_view *u = e;

	return json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s?, s:o, s:o, s:s, s:o, s:I, "
			 "s:I, s:o, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "id", (json_int_t)u->id, "handover", rs_handover_name(u->handover), "from",
			 proc(&u->from), "to", proc(&u->to), "start_ns", when(u->start_ns),
			 "end_ns", when(u->end_ns), "exec_ns", when(u->exec_ns), "blackout_len_ns",
			 when(u->blackout_len), "blackout_from", u->blackout_from, "windows",
			 LIST(r, u->window, u->nr_windows, id_number), "phases",
			 LIST(r, u->phase, u->nr_phases, phase), "outcome",
			 rs_outcome_name(u->outcome), "abandoned_ns", when(u->abandoned_ns),
			 "ranges", (json_int_t)u->ranges, "invalid", (json_int_t)u->invalid,
			 "blackout_ns", when(u->blackout_ns), "doubt", u->doubt, "containers",
			 LIST(r, u->container, u->nr_containers, id_number), "devices",
			 LIST(r, u->device, u->nr_devices, id_number), "vcpus",
			 LIST(r, u->vcpu, u->nr_vcpus, vcpu), "stop_len_ns",
			 u->nr_vcpus ? json_integer(num(u->stop_len)) : json_null(), "started_ns",
			 when(u->started_ns), "passed_ns", when(u->passed_ns), "set_up_ns",
			 when(u->set_up_ns), "marks", LIST(r, u->mark, u->nr_marks, mark),
			 "contexts", LIST(r, u->ioctxs, u->nr_ioctxs, id_number), "handovers",
			 LIST(r, u->handovers, u->nr_handovers, id_number));
}

/* The areas of a container, which are together. */
static json_t *areas_of(const struct rs_result *r, const struct rs_container_view *c)
{
	size_t first = 0, nr = 0;

	while (first < r->nr_areas && r->area[first].container != c->id)
		first++;
	while (first + nr < r->nr_areas && r->area[first + nr].container == c->id)
		nr++;
	return rs_json_areas(r, r->area + first, nr);
}

static json_t *container(const struct rs_result *r, const void *e)
{
	const struct rs_container_view *c = e;

	return json_pack("{s:I, s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, "
			 "s:o, s:o, s:o}",
			 "id", (json_int_t)c->id, "key", hex(c->key), "kind", rs_name_kind(c->kind),
			 "born", c->born, "found", c->found, "found_ranges",
			 c->found ? json_integer(c->found_ranges) : json_null(), "since_ns",
			 when(c->since_ns), "released_ns", when(c->released_ns), "owner",
			 proc(&c->owner), "windows", (json_int_t)c->windows, "ranges_max",
			 (json_int_t)c->ranges_max, "bytes_max", num(c->bytes_max), "maps",
			 num(c->maps), "unmaps", num(c->unmaps), "context", id_or_null(c->ioctx),
			 "ioas", id_or_null(c->ioas), "areas",
			 c->kind == RS_CONTAINER_IOMMUFD ? areas_of(r, c) : json_null());
}

static json_t *histogram(const struct rs_hist *h)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "min_ns",
			 num(h->min), "mean_ns", num((__u64)(rs_hist_mean(h) + 0.5)), "p50_ns",
			 num(rs_hist_quantile(h, 0.5)), "p90_ns", num(rs_hist_quantile(h, 0.9)),
			 "p95_ns", num(rs_hist_quantile(h, 0.95)), "p99_ns",
			 num(rs_hist_quantile(h, 0.99)), "p999_ns", num(rs_hist_quantile(h, 0.999)),
			 "max_ns", num(h->max), "total_ns", num(h->sum), "samples", num(h->count));
}

/* A part of the requests' time; null when it is known of none. */
static json_t *part(const struct rs_result *r, const struct rs_hist *h)
{
	return h->count && rs_split_known(r) ? histogram(h) : json_null();
}

static json_t *request(const struct rs_result *r, const void *e)
{
	const struct rs_request_row *q = e;

	return json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:o, s:o, s:o}", "op", q->op, "path",
			 rs_path_name(q->path), "reason", rs_reason_name(q->reason), "in_window",
			 q->in_window, "count", num(q->requests), "pages", num(q->pages), "latency",
			 histogram(&q->latency[RS_LAT_TOTAL]), "wait",
			 part(r, &q->latency[RS_LAT_WAIT]), "work",
			 part(r, &q->latency[RS_LAT_WORK]));
}

static json_t *device(const struct rs_result *r, const void *e)
{
	const struct rs_device_view *d = e;

	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "id", (json_int_t)d->id,
			 "key", hex(d->key), "name",
			 d->name[0] ? text_n(d->name, sizeof(d->name)) : json_null(), "group",
			 d->group_id >= 0 ? json_integer(d->group_id) : json_null(), "container",
			 id_or_null(d->container), "since_ns", when(d->since_ns), "pages_pinned",
			 num(d->pinned), "pages_unpinned", num(d->unpinned), "requests",
			 LIST(r, d->request, d->nr_requests, request));
}

static json_t *slow(const struct rs_result *r, const void *e)
{
	const struct rs_slow *s = e;

	(void)r;
	return json_pack("{s:s, s:s, s:s, s:b, s:o, s:I, s:o, s:I, s:o, s:I, s:o, s:I}", "op",
			 s->op, "path", rs_path_name(s->path), "reason", rs_reason_name(s->reason),
			 "in_window", s->in_window, "iova", hex(s->iova.v), "bytes", num(s->size),
			 "start_ns", when(s->start_ns), "len_ns", num(s->len), "process",
			 proc(&s->proc), "container", (json_int_t)s->container, "device",
			 id_or_null(s->device), "wait_len_ns", num(s->wait_len));
}

static json_t *flight(const struct rs_result *r, const void *e)
{
	const struct rs_flight_view *f = e;

	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "window", id_or_null(f->window), "error",
			 f->err ? json_string(rs_name_errno(f->err).s) : json_null(), "errno",
			 f->err ? json_integer(f->err) : json_null(), "request",
			 slow(r, &f->request), "handover", id_or_null(f->handover));
}

static json_t *failure(const struct rs_result *r, const void *e)
{
	const struct rs_failure *f = e;

	(void)r;
	return json_pack("{s:o, s:s, s:i, s:I, s:o, s:o, s:b}", "call",
			 text_n(f->call, sizeof(f->call)), "error", rs_name_errno(f->err).s,
			 "errno", f->err, "count", num(f->count), "first_ns", when(f->first_ns),
			 "process", proc(&f->proc), "in_window", f->in_window);
}

/* Whose records were lost; null: of any container, or of one that was never seen. */
static json_t *lost_of(const struct rs_loss_view *l)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < l->nr_parts; i++) {
		bool known = false;

		if (!l->part[i].container) {
			json_decref(ids);
			return json_null();
		}
		for (size_t k = 0; k < i; k++)
			known |= l->part[k].container == l->part[i].container;
		if (!known)
			json_array_append_new(ids, json_integer(l->part[i].container));
	}
	return ids;
}

/* Which kinds of records; null: any. */
static json_t *lost_records(const struct rs_loss_view *l)
{
	json_t *names = json_array();
	__u32 types = rs_loss_types(l);

	if (types == UINT32_MAX) {
		json_decref(names);
		return json_null();
	}
	for (__u32 type = 1; type < RS_EV_NR; type++) {
		struct rs_event ev = { .type = type };

		if (types & 1U << type)
			json_array_append_new(names, json_string(rs_event_type_name(&ev)));
	}
	return names;
}

static json_t *loss(const struct rs_result *r, const void *e)
{
	const struct rs_loss_view *l = e;

	(void)r;
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "what",
			 text_n(l->what, sizeof(l->what)), "cpu",
			 l->any_cpu ? json_null() : json_integer(l->cpu), "count",
			 l->count ? json_integer(num(l->count)) : json_null(), "from_ns",
			 when(l->from_ns), "to_ns", when(l->to_ns), "containers", lost_of(l),
			 "records", lost_records(l));
}

static json_t *event(const struct rs_result *r, const void *e)
{
	const struct rs_event *ev = *(struct rs_event *const *)e;
	char line[320];

	rs_describe_event(r, ev, line, sizeof(line));
	return json_pack("{s:o, s:I, s:I, s:I, s:o, s:s, s:o}", "at_ns", when(ev->ts), "cpu",
			 (json_int_t)ev->cpu, "tgid", (json_int_t)ev->tgid, "tid",
			 (json_int_t)ev->tid, "process", text(rs_name_task(r, ev).s), "type",
			 rs_event_type_name(ev), "text", text(line));
}

static json_t *step(const struct rs_result *r, const void *e)
{
	const struct rs_finding_step *s = e;

	(void)r;
	return json_pack("{s:s, s:s, s:o, s:o}", "state", s->state, "note", s->note, "when",
			 text(s->when), "at_ns", when(s->at_ns));
}

static json_t *finding_range(const struct rs_result *r, const void *e)
{
	const struct rs_finding_range *f = e;

	(void)r;
	return json_pack("{s:o, s:I}", "iova", hex(f->iova.v), "bytes", num(f->size));
}

static json_t *finding(const struct rs_result *r, const void *e)
{
	const struct rs_finding *f = e;

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "rule", f->rule, "verdict", rs_verdict_name(f->verdict), "text",
			 text(f->text), "expected", text(f->expected), "at_ns", when(f->at_ns),
			 "container", f->container ? json_integer(f->container) : json_null(),
			 "window", f->window ? json_integer(f->window) : json_null(), "objects",
			 num(f->objects), "ranges", LIST(r, f->range, f->nr_ranges, finding_range),
			 "path", LIST(r, f->step, f->nr_steps, step), "events",
			 LIST(r, f->event, f->nr_events, event), "replay", text(f->replay),
			 "context", id_or_null(f->ioctx), "handover", id_or_null(f->handover));
}

static json_t *rule_container(const struct rs_result *r, const void *e)
{
	const struct rs_rule_container *c = e;

	(void)r;
	return json_pack("{s:I, s:s}", "container", (json_int_t)c->container, "verdict",
			 rs_verdict_name(c->verdict));
}

static json_t *rule(const struct rs_result *r, const void *e)
{
	const struct rs_rule_view *v = e;

	(void)r;
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:o}", "id", v->id, "severity",
			 rs_severity_name(v->severity), "sentence", v->sentence, "verdict",
			 rs_verdict_name(v->verdict), "reason", text(v->reason), "instances",
			 num(v->instances), "findings", num(v->findings), "containers",
			 LIST(r, v->container, v->nr_containers, rule_container));
}

static json_t *budget(const struct rs_result *r, const void *e)
{
	const struct rs_budget_view *v = e;

	(void)r;
	return json_pack("{s:o, s:o, s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "text",
			 text(v->text), "where", text(v->where), "verdict",
			 rs_verdict_name(v->verdict), "measured", text(v->measured), "samples",
			 num(v->samples), "needed", num(v->needed), "reason", text(v->reason),
			 "base", text(v->base), "base_samples",
			 v->base ? json_integer(num(v->base_samples)) : json_null(), "note",
			 text(v->note));
}

static json_t *hook(const struct rs_result *r, const void *e)
{
	const struct rs_hook_view *h = e;

	(void)r;
	return json_pack("{s:o, s:o, s:o}", "function", text(h->function), "mechanism",
			 text(h->mechanism), "reason", text(h->reason));
}

static json_t *command(const struct rs_command_view *c)
{
	bool exited = WIFEXITED(c->status);

	if (!c->ran)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "line", text(c->line), "exit_status",
			 exited ? json_integer(WEXITSTATUS(c->status)) : json_null(), "signal",
			 exited ? json_null() : json_integer(WTERMSIG(c->status)));
}

static json_t *excerpt(const struct rs_excerpt_view *x)
{
	if (!x->of)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "of", text(x->of), "rule", text(x->rule), "text",
			 text(x->text));
}

json_t *rs_json_hex(__u64 v)
{
	return hex(v);
}

json_int_t rs_json_num(__u64 v)
{
	return num(v);
}

json_t *rs_json_when(__u64 ns)
{
	return when(ns);
}

json_t *rs_json_id(__u32 id)
{
	return id_or_null(id);
}

json_t *rs_json_proc(const struct rs_proc_ref *p)
{
	return proc(p);
}

json_t *rs_json_backing(const struct rs_result *r, const struct rs_backing_list *l)
{
	return backing(r, l);
}

json_t *rs_json_requests(const struct rs_result *r, const struct rs_request_row *row, size_t nr)
{
	return LIST(r, row, nr, request);
}

static json_t *head(const struct rs_result *r)
{
	return json_pack("{s:s, s:i, s:o, s:o, s:o, s:{s:s, s:o}, s:I, s:I, s:I, s:s, s:s, s:b, "
			 "s:o, s:o, s:s, s:o, s:i, s:o}",
			 "schema", "remapscope-result", "schema_version", 1, "source",
			 text(r->source), "kernel", text(r->kernel), "host", text(r->host), "clock",
			 "name", "CLOCK_MONOTONIC", "realtime_offset_ns",
			 r->realtime_offset_ns ? json_integer(r->realtime_offset_ns) : json_null(),
			 "first_ns", num(r->first_ns), "last_ns", num(r->last_ns), "events",
			 num(r->events), "mode", rs_mode_name(r->mode), "verify",
			 rs_verify_name(r->verify), "complete", r->complete, "incomplete_reason",
			 text(r->incomplete_reason), "excerpt", excerpt(&r->excerpt), "verdict",
			 rs_verdict_name(r->verdict), "verdict_reason", text(r->verdict_reason),
			 "exit_status", rs_result_exit_status(r), "command", command(&r->command));
}

static int put(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value) ? -ENOMEM : 0;
}

static int render(const struct rs_result *r, size_t flags, FILE *out)
{
	json_t *o = head(r);
	int err = -ENOMEM;

	if (!o)
		return err;
	if (put(o, "rules", LIST(r, r->rule, r->nr_rules, rule)) ||
	    put(o, "findings", LIST(r, r->finding, r->nr_findings, finding)) ||
	    put(o, "budgets", LIST(r, r->budget, r->nr_budgets, budget)) ||
	    put(o, "updates", LIST(r, r->update, r->nr_updates, update)) ||
	    put(o, "windows", LIST(r, r->window, r->nr_windows, window)) ||
	    put(o, "containers", LIST(r, r->container, r->nr_containers, container)) ||
	    put(o, "contexts", rs_json_ioctxs(r)) || put(o, "handovers", rs_json_handovers(r)) ||
	    put(o, "requests", LIST(r, r->request, r->nr_requests, request)) ||
	    put(o, "devices", LIST(r, r->device, r->nr_devices, device)) ||
	    put(o, "slow", LIST(r, r->slow, r->nr_slow, slow)) ||
	    put(o, "flight", LIST(r, r->flight, r->nr_flights, flight)) ||
	    put(o, "failures", LIST(r, r->failure, r->nr_failures, failure)) ||
	    put(o, "losses", LIST(r, r->loss, r->nr_losses, loss)) ||
	    put(o, "hooks", LIST(r, r->hook, r->nr_hooks, hook)))
		goto out;

	err = 0;
	if (json_dumpf(o, out, flags | JSON_PRESERVE_ORDER) || fputc('\n', out) == EOF ||
	    fflush(out))
		err = -EIO;
out:
	json_decref(o);
	return err;
}

int rs_render_json(const struct rs_result *r, FILE *out)
{
	return render(r, JSON_INDENT(2), out);
}

int rs_render_json_line(const struct rs_result *r, FILE *out)
{
	return render(r, JSON_COMPACT, out);
}
