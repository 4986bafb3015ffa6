// SPDX-License-Identifier: GPL-2.0-only
/* Of iommufd as JSON: contexts, their areas, their hand-overs. */
#include "render/json.h"
#include "render/names.h"

static json_t *area(const struct rs_result *r, const struct rs_area_view *a)
{
	bool user = a->area == RS_AREA_USER;

	return json_pack("{s:I, s:o, s:I, s:b, s:b, s:s, s:o, s:o, s:o, s:o, s:s, s:I, s:o}",
			 "container", (json_int_t)a->container, "iova", rs_json_hex(a->iova.v),
			 "bytes", rs_json_num(a->size), "read", !!(a->prot & 1), "write",
			 !!(a->prot & 2), "known_by", rs_name_area(a->area), "vaddr",
			 user ? rs_json_hex(a->vaddr.v) : json_null(), "backing",
			 rs_json_backing(r, &a->backing), "owner", rs_json_proc(&a->owner),
			 "old_owner", rs_json_proc(&a->old_owner), "account",
			 rs_name_account(a->account), "locked_pages", rs_json_num(a->locked_pages),
			 "pages_key", rs_json_hex(a->pages_key));
}

json_t *rs_json_areas(const struct rs_result *r, const struct rs_area_view *a, size_t nr)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < nr; i++)
		if (json_array_append_new(list, area(r, &a[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *refusal(const struct rs_refusal_view *f)
{
	char why[128];

	rs_refusal_why(f, why, sizeof(why));
	return json_pack("{s:o, s:b, s:s, s:i, s:o, s:o, s:I, s:o, s:I, s:I, s:I}", "handover",
			 rs_json_id(f->handover), "probe", f->probe, "error",
			 rs_name_errno(f->err).s, "errno", f->err, "why",
			 why[0] ? json_string(why) : json_null(), "at_ns", rs_json_when(f->at_ns),
			 "len_ns", rs_json_num(f->len), "process", rs_json_proc(&f->proc), "areas",
			 (json_int_t)f->areas, "user_areas", (json_int_t)f->user_areas,
			 "dmabuf_areas", (json_int_t)f->dmabuf_areas);
}

static json_t *refusals_of(const struct rs_result *r, const struct rs_ioctx_view *x)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->nr_refusals; i++) {
		if (r->refusal[i].ioctx != x->id)
			continue;
		if (json_array_append_new(list, refusal(&r->refusal[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *containers_of(const struct rs_result *r, const struct rs_ioctx_view *x)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->nr_containers; i++) {
		if (r->container[i].ioctx != x->id)
			continue;
		if (json_array_append_new(list, json_integer(r->container[i].id))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *ioctx(const struct rs_result *r, const struct rs_ioctx_view *x)
{
	return json_pack("{s:I, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "id",
			 (json_int_t)x->id, "key", rs_json_hex(x->key), "born", x->born, "found",
			 x->found, "since_ns", rs_json_when(x->since_ns), "released_ns",
			 rs_json_when(x->released_ns), "opener", rs_json_proc(&x->opener), "owner",
			 rs_json_proc(&x->owner), "handovers", (json_int_t)x->handovers,
			 "containers", containers_of(r, x), "refused", refusals_of(r, x));
}

json_t *rs_json_ioctxs(const struct rs_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->nr_ioctxs; i++)
		if (json_array_append_new(list, ioctx(r, &r->ioctx[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *handover(const struct rs_result *r, const struct rs_handover_view *h)
{
	return json_pack("{s:I, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:I, "
			 "s:I, s:I, s:I, s:o, s:o, s:I}",
			 "id", (json_int_t)h->id, "context", (json_int_t)h->ioctx, "update",
			 (json_int_t)h->update, "begun_by", h->begun_by, "start_ns",
			 rs_json_when(h->start_ns), "probed_ns", rs_json_when(h->probed_ns),
			 "left_ns", rs_json_when(h->left_ns), "change_ns",
			 rs_json_when(h->change_ns), "end_ns", rs_json_when(h->end_ns), "end",
			 rs_handover_end_name(h->end), "from", rs_json_proc(&h->from), "to",
			 rs_json_proc(&h->to), "probes", (json_int_t)h->probes, "refused",
			 (json_int_t)h->refused, "areas", (json_int_t)h->areas, "bytes",
			 rs_json_num(h->bytes), "charged_pages", (json_int_t)h->charged, "ranges",
			 rs_json_areas(r, h->area, h->nr_areas), "requests",
			 rs_json_requests(r, h->request, h->nr_requests), "taken_back",
			 (json_int_t)h->taken_back);
}

json_t *rs_json_handovers(const struct rs_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->nr_handovers; i++)
		if (json_array_append_new(list, handover(r, &r->handover[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}
