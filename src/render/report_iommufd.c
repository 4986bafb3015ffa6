// SPDX-License-Identifier: GPL-2.0-only
/* What the report says of iommufd: contexts, their ioas and areas, and how they were handed over. */
#include "render/names.h"
#include "render/report.h"
#include "stats/units.h"

#include <string.h>

/* More areas than this are shown only when verbose. */
#define AREAS_SHOWN 12

static const char *account_of(const struct rs_area_view *a)
{
	return a->account == RS_ACCOUNT_NONE ? "to nobody"
	       : a->account == RS_ACCOUNT_MM ? "to its mm"
					     : "to its user";
}

static void put_backing(struct rs_text *t, const struct rs_area_view *a)
{
	const struct rs_backing_list *b = &a->backing;

	if (a->area == RS_AREA_DMABUF)
		rs_text_keep(t, RS_TONE_PLAIN, " dma-buf");
	else if (b->known && b->nr)
		rs_text_keep(t, RS_TONE_PLAIN, " %s", rs_name_piece(&b->piece[0], false).s);
	else if (a->area == RS_AREA_FILE)
		rs_text_keep(t, RS_TONE_PLAIN, " a file");
	if (b->nr > 1)
		rs_text_keep(t, RS_TONE_DIM, " and %zu more piece%s", b->nr - 1,
			     b->nr == 2 ? "" : "s");
}

/* The others that have the same pages, by IOAS_COPY. */
static bool is_shared(const struct rs_area_view *area, size_t nr, size_t at)
{
	for (size_t i = 0; i < nr; i++)
		if (i != at && area[at].pages_key && area[i].pages_key == area[at].pages_key)
			return true;
	return false;
}

static void put_area(struct rs_text *t, const struct rs_area_view *area, size_t nr, size_t at,
		     bool container)
{
	const struct rs_area_view *a = &area[at];
	bool shared = is_shared(area, nr, at);

	rs_text_begin(t, 4, 10);
	if (container)
		rs_text_keep(t, RS_TONE_PLAIN, "c%u ", a->container);
	rs_text_keep(t, RS_TONE_PLAIN, "0x%llx", a->iova.v);
	rs_text_keep(t, RS_TONE_PLAIN, " %s", rs_fmt_size(a->size).s);
	rs_text_keep(t, RS_TONE_PLAIN, " %s%s", a->prot & 1 ? "r" : "-", a->prot & 2 ? "w" : "-");
	if (a->area == RS_AREA_USER)
		rs_text_keep(t, RS_TONE_PLAIN, " vaddr 0x%llx", a->vaddr.v);
	put_backing(t, a);
	rs_text_keep(t, RS_TONE_PLAIN, " of ");
	if (a->old_owner.tgid && strcmp(rs_name_proc(&a->old_owner).s, rs_name_proc(&a->owner).s))
		rs_text_keep(t, RS_TONE_PLAIN, "%s -> ", rs_name_proc(&a->old_owner).s);
	rs_text_keep(t, RS_TONE_PLAIN, "%s%s", rs_name_proc(&a->owner).s,
		     a->locked_pages || shared ? "," : "");
	if (a->locked_pages)
		rs_text_keep(t, RS_TONE_DIM, " %s page%s pinned, charged %s%s",
			     rs_fmt_count(a->locked_pages).s, a->locked_pages == 1 ? "" : "s",
			     account_of(a), shared ? "," : "");
	if (shared)
		rs_text_keep(t, RS_TONE_DIM, " shared");
	rs_text_end(t);
}

/* Of @nr areas those of that container; 0: all, each with its container's name. */
static void put_areas(struct rs_text *t, const struct rs_area_view *area, size_t nr,
		      __u32 container)
{
	size_t hidden = 0, shown = 0;

	for (size_t i = 0; i < nr; i++) {
		if (container && area[i].container != container)
			continue;
		if (!t->style->verbose && shown == AREAS_SHOWN) {
			hidden++;
			continue;
		}
		put_area(t, area, nr, i, !container);
		shown++;
	}
	if (!hidden)
		return;
	rs_text_begin(t, 4, 6);
	rs_text_put(t, RS_TONE_DIM, "... and %zu more areas (shown when verbose)", hidden);
	rs_text_end(t);
}

static void put_refusal(struct rs_text *t, const struct rs_result *r,
			const struct rs_refusal_view *f)
{
	char why[128];

	rs_text_begin(t, 4, 10);
	rs_text_keep(t, RS_TONE_DIM, "%s", rs_fmt_at(f->at_ns, r->first_ns, 6).s);
	rs_text_keep(t, RS_TONE_WARN, " CHANGE_PROCESS -%s", rs_name_errno(f->err).s);
	rs_text_keep(t, RS_TONE_PLAIN, " by %s%s", rs_name_proc(&f->proc).s,
		     f->probe ? ", the owner" : "");
	if (rs_refusal_why(f, why, sizeof(why))[0])
		rs_text_put(t, RS_TONE_WARN, ": %s", why);
	rs_text_end(t);
}

static void put_end(struct rs_text *t, const struct rs_handover_view *h)
{
	switch (h->end) {
	case RS_HANDED_OVER:
		rs_text_keep(t, RS_TONE_GOOD, " %u area%s handed over", h->areas,
			     h->areas == 1 ? "" : "s");
		if (h->bytes)
			rs_text_keep(t, RS_TONE_GOOD, " (%s)", rs_fmt_size_about(h->bytes).s);
		break;
	case RS_HANDED_OPEN:
		rs_text_keep(t, RS_TONE_BAD, " NOT HANDED OVER at the end");
		break;
	case RS_HANDED_CANCELLED:
		rs_text_keep(t, RS_TONE_WARN, " cancelled: the old guest runs again");
		break;
	case RS_HANDED_GIVEN_UP:
		rs_text_keep(t, RS_TONE_WARN, " given up: the context was closed or emptied");
		break;
	}
}

static const char *begun_by(const struct rs_handover_view *h)
{
	if (!strcmp(h->begun_by, "probe"))
		return "with a CHANGE_PROCESS of the old owner";
	return !strcmp(h->begun_by, "exec") ? "with the exec"
					    : "with the new owner's CHANGE_PROCESS";
}

static void put_requests(struct rs_text *t, const struct rs_handover_view *h)
{
	for (size_t i = 0; i < h->nr_requests; i++) {
		const struct rs_request_row *row = &h->request[i];
		const struct rs_hist *len = &row->latency[RS_LAT_TOTAL];

		rs_text_begin(t, 4, 10);
		rs_text_keep(t, RS_TONE_PLAIN, "%s", row->op);
		rs_text_keep(t, row->path == RS_PATH_REFUSED ? RS_TONE_WARN : RS_TONE_PLAIN, " %s",
			     rs_name_path(row->path, row->reason).s);
		rs_text_keep(t, RS_TONE_PLAIN, " %s x", rs_fmt_count(row->requests).s);
		if (row->pages)
			rs_text_keep(t, RS_TONE_PLAIN, ", %s page%s", rs_fmt_count(row->pages).s,
				     row->pages == 1 ? "" : "s");
		if (len->count)
			rs_text_keep(t, RS_TONE_DIM, ", at most %s", rs_fmt_len(len->max).s);
		rs_text_end(t);
	}
}

static void put_handover(struct rs_text *t, const struct rs_result *r,
			 const struct rs_handover_view *h)
{
	__u64 end = h->end_ns ? h->end_ns : r->last_ns;

	fputc('\n', t->out);
	rs_text_begin(t, 2, 10);
	rs_text_put(t, RS_TONE_HEAD, "hand-over %u", h->id);
	rs_text_keep(t, RS_TONE_PLAIN, " of i%u:", h->ioctx);
	rs_text_keep(t, RS_TONE_HEAD, " %s%s,",
		     rs_fmt_len(end > h->start_ns ? end - h->start_ns : 0).s,
		     h->end_ns ? "" : " so far");
	put_end(t, h);
	rs_text_end(t);

	rs_text_begin(t, 2, 10);
	rs_text_put(t, RS_TONE_PLAIN, "began");
	rs_text_keep(t, RS_TONE_PLAIN, " %s", rs_fmt_at(h->start_ns, r->first_ns, 6).s);
	rs_text_put(t, RS_TONE_PLAIN, " %s, %s", begun_by(h), rs_name_proc(&h->from).s);
	rs_text_end(t);
	if (h->taken_back) {
		rs_text_begin(t, 2, 10);
		rs_text_put(t, RS_TONE_PLAIN,
			    "that took it back from a process that had asked early and had made no "
			    "use of it");
		rs_text_end(t);
	}
	if (h->change_ns) {
		rs_text_begin(t, 2, 10);
		rs_text_put(t, RS_TONE_PLAIN, "CHANGE_PROCESS took");
		rs_text_keep(t, RS_TONE_PLAIN, " %s", rs_fmt_len(h->end_ns - h->change_ns).s);
		rs_text_keep(t, RS_TONE_PLAIN, " by %s%s", rs_name_proc(&h->to).s,
			     h->charged ? "," : "");
		if (h->charged)
			rs_text_put(t, RS_TONE_PLAIN, " which was charged %lld page%s", h->charged,
				    h->charged == 1 ? "" : "s");
		rs_text_end(t);
	}
	for (size_t i = 0; i < r->nr_refusals; i++)
		if (r->refusal[i].handover == h->id)
			put_refusal(t, r, &r->refusal[i]);
	rs_text_begin(t, 2, 10);
	rs_text_put(t, RS_TONE_PLAIN, h->nr_requests ? "inside it:" : "inside it: no requests");
	rs_text_end(t);
	put_requests(t, h);
	if (!h->nr_areas)
		return;
	rs_text_begin(t, 2, 10);
	rs_text_put(t, RS_TONE_PLAIN, "areas:");
	rs_text_end(t);
	put_areas(t, h->area, h->nr_areas, 0);
}

void rs_report_handovers(struct rs_text *t, const struct rs_result *r,
			 const struct rs_update_view *u)
{
	for (size_t i = 0; i < u->nr_handovers; i++)
		for (size_t k = 0; k < r->nr_handovers; k++)
			if (r->handover[k].id == u->handovers[i])
				put_handover(t, r, &r->handover[k]);
}

static void put_ioas(struct rs_text *t, const struct rs_result *r,
		     const struct rs_container_view *c)
{
	bool any = false;

	for (size_t i = 0; i < r->nr_areas; i++)
		any |= r->area[i].container == c->id;
	if (!any)
		return;
	rs_text_begin(t, 2, 7);
	rs_text_keep(t, RS_TONE_PLAIN, "c%u (ioas %u)%s", c->id, c->ioas,
		     c->released_ns ? ", when it ended:" : ", at the end:");
	rs_text_end(t);
	put_areas(t, r->area, r->nr_areas, c->id);
}

static void put_ioctx(struct rs_text *t, const struct rs_result *r, const struct rs_ioctx_view *x)
{
	struct rs_fmt at = rs_fmt_at(x->since_ns, r->first_ns, 3);

	rs_text_begin(t, 2, 7);
	rs_text_keep(t, RS_TONE_PLAIN, "i%u", x->id);
	rs_text_to(t, 7);
	rs_text_keep(t, RS_TONE_PLAIN, "%s %s,",
		     x->born	? "opened"
		     : x->found ? "found"
				: "first seen",
		     at.s);
	if (x->opener.tgid)
		rs_text_keep(t, RS_TONE_PLAIN, " by %s,", rs_name_proc(&x->opener).s);
	if (x->owner.tgid)
		rs_text_keep(t, RS_TONE_PLAIN, " areas charged to %s,", rs_name_proc(&x->owner).s);
	rs_text_keep(t, RS_TONE_PLAIN, " %u ioas, %u hand-over%s,", x->nr_ioas, x->handovers,
		     x->handovers == 1 ? "" : "s");
	if (x->released_ns)
		rs_text_keep(t, RS_TONE_PLAIN, " released %s",
			     rs_fmt_at(x->released_ns, r->first_ns, 3).s);
	else
		rs_text_keep(t, RS_TONE_PLAIN, " lives on");
	rs_text_end(t);
	for (size_t i = 0; i < r->nr_refusals; i++)
		if (r->refusal[i].ioctx == x->id && !r->refusal[i].handover)
			put_refusal(t, r, &r->refusal[i]);
	for (size_t i = 0; i < r->nr_containers; i++)
		if (r->container[i].ioctx == x->id)
			put_ioas(t, r, &r->container[i]);
}

void rs_report_ioctxs(struct rs_text *t, const struct rs_result *r)
{
	if (!r->nr_ioctxs)
		return;
	rs_report_section(t, "IOMMUFD CONTEXTS");
	for (size_t i = 0; i < r->nr_ioctxs; i++)
		put_ioctx(t, r, &r->ioctx[i]);
}
