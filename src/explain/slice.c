// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "explain/slice.h"
#include "model/model.h"
#include "result/analysis.h"

/* One search: what is looked for, and the part that is tried. */
struct search {
	const struct rs_records *recs;
	const struct rs_result *whole;
	const struct rs_finding *f;
	const struct rs_rule_table *table;
	json_t *meta; /* the excerpt's */
	json_t *end;
	size_t *record; /* room for all; of the part, */
	size_t nr;
	__u64 replayed;
};

static int by_place(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* That a clock has run out shows a moment later; what is found at the recording's end is found there. */
static __u64 least_end(const struct search *s)
{
	return s->f->at_ns + (s->whole->last_ns > s->f->at_ns);
}

/* The part's records in the source's order, and when it ends. */
static __u64 gather(struct search *s, const size_t *group, size_t nr)
{
	__u64 end_ns = least_end(s);

	s->nr = 0;
	for (size_t i = 0; i < nr; i++) {
		const struct rs_group_of *g = &s->recs->group[group[i]];

		for (size_t k = g->nr ? g->first : SIZE_MAX; k != SIZE_MAX;
		     k = s->recs->record[k].next)
			s->record[s->nr++] = k;
	}
	qsort(s->record, s->nr, sizeof(*s->record), by_place);
	for (size_t i = 0; i < s->nr; i++)
		if (s->recs->record[s->record[i]].ev->ts > end_ns)
			end_ns = s->recs->record[s->record[i]].ev->ts;
	return end_ns;
}

static int judge(struct search *s, const size_t *group, size_t nr, struct rs_result **out)
{
	const char *rule[] = { s->f->rule };
	struct rs_analysis_opts opts = {
		.rule = rule, .nr_rules = 1, .source = "", .table = s->table
	};
	__u64 end_ns = gather(s, group, nr);
	struct rs_analysis *a;
	int err;

	err = rs_analysis_new(&opts, &a, NULL);
	if (err)
		return err;
	err = rs_analysis_meta(a, s->meta);
	for (size_t i = 0; i < s->nr && !err; i++)
		err = rs_analysis_event(a, s->recs->record[s->record[i]].ev);
	s->replayed += s->nr;
	if (!err && json_object_set_new(s->end, "ended_ns", json_integer(end_ns)))
		err = -ENOMEM;
	if (!err)
		err = rs_analysis_finish(a, s->end, NULL, out);
	rs_analysis_free(a);
	return err;
}

static bool same_event(const struct rs_event *a, const struct rs_event *b)
{
	return a->size == b->size && !memcmp(a, b, a->size);
}

static bool same_text(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static bool same_events(const struct rs_finding *a, const struct rs_finding *b)
{
	if (a->nr_events != b->nr_events)
		return false;
	for (size_t i = 0; i < a->nr_events; i++)
		if (!same_event(a->event[i], b->event[i]))
			return false;
	return true;
}

static bool same_finding(const struct rs_finding *a, const struct rs_finding *b)
{
	return !strcmp(a->rule, b->rule) && a->verdict == b->verdict &&
	       same_text(a->text, b->text) && same_text(a->expected, b->expected) &&
	       a->at_ns == b->at_ns && a->container == b->container && a->window == b->window &&
	       same_events(a, b);
}

/* Are all of this rule's violations in the list, or only as many as it has room for? */
static bool all_listed(const struct rs_result *r, const char *rule)
{
	__u64 listed = 0;

	for (size_t i = 0; i < r->nr_findings; i++)
		if (!strcmp(r->finding[i].rule, rule))
			listed += r->finding[i].objects;
	for (size_t i = 0; i < r->nr_rules; i++)
		if (!strcmp(r->rule[i].id, rule))
			return r->rule[i].findings <= listed;
	return false;
}

/* Does the recording say so, too? Of the same object, in the same words. */
static bool said(const struct rs_result *whole, const struct rs_finding *f)
{
	for (size_t i = 0; i < whole->nr_findings; i++)
		if (!strcmp(whole->finding[i].rule, f->rule) &&
		    whole->finding[i].verdict == f->verdict &&
		    same_text(whole->finding[i].text, f->text))
			return true;
	return false;
}

static bool proves(const struct search *s, const struct rs_result *r)
{
	bool listed = all_listed(s->whole, s->f->rule), found = false;

	for (size_t i = 0; i < r->nr_findings; i++) {
		const struct rs_finding *f = &r->finding[i];

		if (same_finding(f, s->f))
			found = true;
		else if (listed && !said(s->whole, f))
			return false;
	}
	return found;
}

/* What that container, window or device of the part is in the whole recording; 0: not known. */

static __u32 whole_container(const struct rs_result *whole, const struct rs_container_view *c)
{
	for (size_t i = whole->nr_containers; i-- > 0;) {
		const struct rs_container_view *w = &whole->container[i];

		if (w->key == c->key && w->ioas == c->ioas && w->since_ns <= c->since_ns)
			return w->id;
	}
	return 0;
}

static __u32 whole_ioctx(const struct rs_result *whole, const struct rs_ioctx_view *x)
{
	for (size_t i = whole->nr_ioctxs; i-- > 0;) {
		const struct rs_ioctx_view *w = &whole->ioctx[i];

		if (w->key == x->key && w->since_ns <= x->since_ns)
			return w->id;
	}
	return 0;
}

static __u32 whole_device(const struct rs_result *whole, const struct rs_device_view *d)
{
	for (size_t i = whole->nr_devices; i-- > 0;) {
		const struct rs_device_view *w = &whole->device[i];

		if (w->key == d->key && w->since_ns <= d->since_ns)
			return w->id;
	}
	return 0;
}

static __u32 whole_window(const struct rs_result *whole, const struct rs_result *r,
			  const struct rs_window_view *v)
{
	__u32 container = 0;

	for (size_t i = 0; i < r->nr_containers; i++)
		if (r->container[i].id == v->container)
			container = whole_container(whole, &r->container[i]);
	for (size_t i = whole->nr_windows; i-- > 0;) {
		const struct rs_window_view *w = &whole->window[i];

		if (w->container == container && w->open_ns <= v->open_ns)
			return w->id;
	}
	return 0;
}

static const struct rs_handover_view *whole_handover(const struct rs_result *whole,
						     const struct rs_result *r,
						     const struct rs_handover_view *v)
{
	__u32 ioctx = 0;

	for (size_t i = 0; i < r->nr_ioctxs; i++)
		if (r->ioctx[i].id == v->ioctx)
			ioctx = whole_ioctx(whole, &r->ioctx[i]);
	for (size_t i = whole->nr_handovers; i-- > 0;) {
		const struct rs_handover_view *w = &whole->handover[i];

		if (w->ioctx == ioctx && w->start_ns <= v->start_ns)
			return w;
	}
	return NULL;
}

/* Of an update without windows. */
static __u32 update_of_handover(const struct rs_result *whole, const struct rs_result *r,
				const struct rs_update_view *u)
{
	for (size_t i = 0; i < r->nr_handovers && u->nr_handovers; i++) {
		const struct rs_handover_view *w;

		if (r->handover[i].id != u->handovers[0])
			continue;
		w = whole_handover(whole, r, &r->handover[i]);
		return w ? w->update : 0;
	}
	return 0;
}

static __u32 whole_update(const struct rs_result *whole, const struct rs_result *r,
			  const struct rs_update_view *u)
{
	__u32 window = 0;

	if (!u->nr_windows)
		return update_of_handover(whole, r, u);

	for (size_t i = 0; i < r->nr_windows && u->nr_windows; i++)
		if (r->window[i].id == u->window[0])
			window = whole_window(whole, r, &r->window[i]);
	for (size_t i = 0; i < whole->nr_windows; i++)
		if (whole->window[i].id == window)
			return whole->window[i].update;
	return 0;
}

/* Whether each is listed once shows when it is read: of a list with one twice nothing is used. */
static int list_id(json_t *list, __u32 id)
{
	if (!id)
		return 0;
	return json_array_append_new(list, json_integer(id)) ? -ENOMEM : 1;
}

static int forget_ids(struct search *s)
{
	json_t *excerpt = json_object_get(s->meta, "excerpt");

	if (json_object_set_new(excerpt, "containers", json_array()) ||
	    json_object_set_new(excerpt, "windows", json_array()) ||
	    json_object_set_new(excerpt, "devices", json_array()) ||
	    json_object_set_new(excerpt, "updates", json_array()) ||
	    json_object_set_new(excerpt, "contexts", json_array()) ||
	    json_object_set_new(excerpt, "handovers", json_array()))
		return -ENOMEM;
	return 0;
}

/*
 * @r: of the part with its objects numbered from 1 as they appear. Return: 1; 0 when not all of them are
 * the recording's; or -errno
 */
static int take_ids(struct search *s, const struct rs_result *r)
{
	const json_t *excerpt = json_object_get(s->meta, "excerpt");
	json_t *list = json_object_get(excerpt, "containers");
	int got = 1;

	for (size_t i = 0; i < r->nr_containers && got > 0; i++)
		got = list_id(list, whole_container(s->whole, &r->container[i]));
	list = json_object_get(excerpt, "windows");
	for (size_t i = 0; i < r->nr_windows && got > 0; i++)
		got = list_id(list, whole_window(s->whole, r, &r->window[i]));
	list = json_object_get(excerpt, "devices");
	for (size_t i = 0; i < r->nr_devices && got > 0; i++)
		got = list_id(list, whole_device(s->whole, &r->device[i]));
	list = json_object_get(excerpt, "updates");
	for (size_t i = 0; i < r->nr_updates && got > 0; i++)
		got = list_id(list, whole_update(s->whole, r, &r->update[i]));
	list = json_object_get(excerpt, "contexts");
	for (size_t i = 0; i < r->nr_ioctxs && got > 0; i++)
		got = list_id(list, whole_ioctx(s->whole, &r->ioctx[i]));
	list = json_object_get(excerpt, "handovers");
	for (size_t i = 0; i < r->nr_handovers && got > 0; i++) {
		const struct rs_handover_view *w = whole_handover(s->whole, r, &r->handover[i]);

		got = list_id(list, w ? w->id : 0);
	}
	return got;
}

/* Is it there, but for what is numbered as it appears? */
static bool may_prove(const struct search *s, const struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_findings; i++)
		if (r->finding[i].at_ns == s->f->at_ns && same_events(&r->finding[i], s->f))
			return true;
	return false;
}

/*
 * Return: 1 if the part will do, 0 if not, -errno. It is judged twice: what the ids of its objects are in
 * the recording shows only when it has been judged.
 */
static int try(struct search *s, const size_t *group, size_t nr)
{
	struct rs_result *r = NULL;
	int err = forget_ids(s);

	if (!err)
		err = judge(s, group, nr, &r);
	if (!err)
		err = may_prove(s, r) ? take_ids(s, r) : 0;
	rs_result_free(r);
	if (err <= 0)
		return err;
	r = NULL;
	err = judge(s, group, nr, &r);
	if (!err)
		err = proves(s, r);
	rs_result_free(r);
	return err;
}

static int begin(struct search *s)
{
	json_t *plan = json_object_get(s->recs->end, "plan"), *excerpt;

	excerpt =
		json_pack("{s:s, s:s, s:s, s:I}", "of", s->whole->source ? s->whole->source : "?",
			  "rule", s->f->rule, "text", s->f->text, "at_ns", (json_int_t)s->f->at_ns);
	s->meta = json_deep_copy(s->recs->meta);
	s->end = json_pack("{s:[], s:[], s:I, s:s}", "loss", "cpus", "ended_ns",
			   (json_int_t)least_end(s), "ended_by", "excerpt");
	s->record = calloc(s->recs->nr + 1, sizeof(*s->record));
	if (!excerpt || !s->meta || !s->end || !s->record) {
		json_decref(excerpt);
		return -ENOMEM;
	}
	if (json_object_set_new(s->meta, "excerpt", excerpt) ||
	    (plan && json_object_set(s->end, "plan", plan)))
		return -ENOMEM;
	return forget_ids(s);
}

static void finish(struct search *s)
{
	json_decref(s->meta);
	json_decref(s->end);
	free(s->record);
}

/* The key of the finding's container; 0: not known. */
static __u64 container_key(const struct search *s)
{
	for (size_t i = 0; i < s->whole->nr_containers; i++)
		if (s->whole->container[i].id == s->f->container)
			return s->whole->container[i].key;
	return 0;
}

static bool is_process(const struct rs_group_of *g)
{
	return g->type >= RS_EV_PROC && g->type <= RS_EV_EXIT;
}

/* What a container is without its ranges and requests. */
static bool is_frame(const struct rs_group_of *g)
{
	return g->type == RS_EV_OPEN || g->type == RS_EV_ATTACH || g->type == RS_EV_DETACH ||
	       g->type == RS_EV_SNAPSHOT || g->type == RS_EV_DEVICE;
}

enum candidate {
	OWN_EVENTS = 0,
	WITH_FRAME = 1, /* ... its processes, and what its container is */
	CONTAINER = 2,	/* all of the container, and its processes */
	ALL = 3,
	NR_CANDIDATES
};

struct tgids {
	__u32 *tgid;
	size_t nr;
};

static bool has_tgid(const struct tgids *t, __u32 tgid)
{
	for (size_t i = 0; i < t->nr; i++)
		if (t->tgid[i] == tgid)
			return true;
	return false;
}

static int add_tgid(struct tgids *t, __u32 tgid)
{
	__u32 *grown;

	if (!tgid || has_tgid(t, tgid))
		return 0;
	grown = rs_grow(t->tgid, t->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->tgid = grown;
	t->tgid[t->nr++] = tgid;
	return 0;
}

/* Marks the groups of the finding's own events. */
static void mark_own(const struct search *s, bool *own)
{
	for (size_t i = 0; i < s->recs->nr; i++) {
		const struct rs_held *h = &s->recs->record[i];

		for (size_t k = 0; k < s->f->nr_events && h->ev; k++)
			if (same_event(h->ev, s->f->event[k]))
				own[h->group] = true;
	}
}

/* Return: 0 or -ENOMEM. @group: room for all, filled by the order of their begin */
static int choose(const struct search *s, enum candidate what, const bool *own, size_t *group,
		  size_t *nr)
{
	__u64 key = container_key(s);
	struct tgids tgids = { 0 };
	int err = 0;

	*nr = 0;
	for (size_t i = 0; i < s->recs->nr_groups && !err; i++) {
		const struct rs_group_of *g = &s->recs->group[i];

		if (own[i] || (what == CONTAINER && key && g->container == key))
			err = add_tgid(&tgids, g->tgid);
	}
	for (size_t i = 0; i < s->recs->nr_groups && !err; i++) {
		const struct rs_group_of *g = &s->recs->group[i];
		bool ours = key && g->container == key, take = own[i];

		if (!g->nr || (!take && g->first_ns > s->f->at_ns))
			continue;
		if (what >= WITH_FRAME)
			take |= (ours && is_frame(g)) ||
				(is_process(g) &&
				 (has_tgid(&tgids, g->tgid) || has_tgid(&tgids, g->child)));
		if (what >= CONTAINER)
			take |= ours;
		if (take || what == ALL)
			group[(*nr)++] = i;
	}
	free(tgids.tgid);
	return err;
}

/* Leaves out @chunk groups at a time, from the oldest on. Return: 1 if any went, 0, or -errno */
static int leave_out(struct search *s, size_t *group, size_t *nr, size_t chunk, __u64 limit)
{
	size_t *rest = calloc(*nr + 1, sizeof(*rest));
	int err = rest ? 0 : -ENOMEM;
	bool any = false;

	for (size_t at = 0; at < *nr && err >= 0 && s->replayed < limit;) {
		size_t out = *nr - at < chunk ? *nr - at : chunk;

		memcpy(rest, group, at * sizeof(*rest));
		memcpy(rest + at, group + at + out, (*nr - at - out) * sizeof(*rest));
		err = try(s, rest, *nr - out);
		if (err > 0) {
			*nr -= out;
			memcpy(group, rest, *nr * sizeof(*rest));
			any = true;
		} else {
			at += out;
		}
	}
	free(rest);
	return err < 0 ? err : any;
}

static int minimise(struct search *s, size_t *group, size_t *nr, bool *minimal)
{
	__u64 limit;
	int err;

	gather(s, group, *nr);
	limit = s->replayed + (__u64)s->nr * RS_SLICE_WORK + RS_SLICE_FREE;
	for (size_t chunk = (*nr + 1) / 2; chunk > 1; chunk = (chunk + 1) / 2) {
		err = leave_out(s, group, nr, chunk, limit);
		if (err < 0)
			return err;
		/* No point in leaving out more than there still is. */
		while (chunk > 2 && chunk > *nr)
			chunk = (chunk + 1) / 2;
	}
	do {
		err = leave_out(s, group, nr, 1, limit);
	} while (err > 0);
	*minimal = !err && s->replayed < limit;
	return err;
}

/* The numbers and the end must be those of what is handed out, not of what was tried last. */
static int settle(struct search *s, const size_t *group, size_t nr)
{
	int err = try(s, group, nr);

	return err < 0 ? err : err ? 0 : -ENOENT;
}

int rs_slice_find(const struct rs_records *recs, const struct rs_result *whole,
		  const struct rs_finding *f, const struct rs_rule_table *table,
		  struct rs_slice *out)
{
	struct search s = { .recs = recs, .whole = whole, .f = f, .table = table };
	bool *own = calloc(recs->nr_groups + 1, sizeof(*own));
	size_t *group = calloc(recs->nr_groups + 1, sizeof(*group)), nr = 0;
	int err = own && group ? begin(&s) : -ENOMEM, found = 0;

	memset(out, 0, sizeof(*out));
	if (err)
		goto out;
	mark_own(&s, own);
	for (int what = OWN_EVENTS; what < NR_CANDIDATES && !err && !found; what++) {
		err = choose(&s, what, own, group, &nr);
		if (!err)
			found = try(&s, group, nr);
	}
	if (!err && found <= 0)
		err = found ? found : -ENOENT;
	if (!err)
		err = minimise(&s, group, &nr, &out->minimal);
	if (!err)
		err = settle(&s, group, nr);
	if (err)
		goto out;
	*out = (struct rs_slice){
		.group = group,
		.nr_groups = nr,
		.record = s.record,
		.nr = s.nr,
		.meta = json_incref(s.meta),
		.end = json_incref(s.end),
		.replayed = s.replayed,
		.minimal = out->minimal,
	};
	group = NULL;
	s.record = NULL;
out:
	finish(&s);
	free(own);
	free(group);
	return err;
}

int rs_slice_try(const struct rs_records *recs, const struct rs_result *whole,
		 const struct rs_finding *f, const struct rs_rule_table *table, const size_t *group,
		 size_t nr)
{
	struct search s = { .recs = recs, .whole = whole, .f = f, .table = table };
	int err = begin(&s);

	if (!err)
		err = try(&s, group, nr);
	finish(&s);
	return err;
}

void rs_slice_free(struct rs_slice *s)
{
	free(s->group);
	free(s->record);
	json_decref(s->meta);
	json_decref(s->end);
	*s = (struct rs_slice){ 0 };
}
