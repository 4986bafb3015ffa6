// SPDX-License-Identifier: GPL-2.0-only
/* The report's updates: phases as bars, windows, ranges with what lies behind them. */
#include "render/names.h"
#include "render/report.h"
#include "stats/units.h"

#include <string.h>

/* More ranges than this are summed up, except those that are not as they should be. */
#define RANGES_SHOWN 12
#define PIECES_SHOWN 4

#define BAR_COLS 32

const struct rs_window_view *rs_report_window(const struct rs_result *r, __u32 id)
{
	for (size_t i = 0; i < r->nr_windows; i++)
		if (r->window[i].id == id)
			return &r->window[i];
	return NULL;
}

/* One text for both if they are the same process. */
static void put_procs(struct rs_text *t, const struct rs_proc_ref *a, const struct rs_proc_ref *b)
{
	struct rs_name from = rs_name_proc(a), to = rs_name_proc(b);

	rs_text_keep(t, RS_TONE_PLAIN, " %s", from.s);
	if (b->tgid && strcmp(from.s, to.s))
		rs_text_keep(t, RS_TONE_PLAIN, " -> %s", to.s);
}

/* Where @ns lies between @start and @end, in columns of the bar. */
static int bar_col(__u64 ns, __u64 start, __u64 end)
{
	if (ns <= start || end <= start)
		return 0;
	if (ns >= end)
		return BAR_COLS;
	return (int)((unsigned __int128)(ns - start) * BAR_COLS / (end - start));
}

static void put_phases(struct rs_text *t, const struct rs_result *r, const struct rs_update_view *u)
{
	__u64 start = u->start_ns, end = u->end_ns ? u->end_ns : r->last_ns;

	/* A blackout begins before the first window, and ends after the last. */
	if (u->nr_phases && u->phase[0].begun_by) {
		const struct rs_phase *last = &u->phase[u->nr_phases - 1];

		start = u->phase[0].start_ns;
		end = last->start_ns + last->len;
	}
	for (size_t i = 0; i < u->nr_phases; i++) {
		const struct rs_phase *p = &u->phase[i];
		int from = bar_col(p->start_ns, start, end);
		int to = bar_col(p->start_ns + p->len, start, end);
		char bar[BAR_COLS + 1];

		/* Even the shortest phase is seen. */
		if (from == BAR_COLS)
			from--;
		if (to <= from)
			to = from + 1;
		memset(bar, ' ', BAR_COLS);
		memset(bar + from, '#', (size_t)(to - from));
		bar[BAR_COLS] = 0;
		rs_text_begin(t, 2, 2);
		rs_text_keep(t, RS_TONE_PLAIN, "%s", p->name);
		rs_text_to(t, 14);
		rs_text_keep(t, RS_TONE_DIM, "|%s|", bar);
		rs_text_right(t, RS_TONE_PLAIN, 58, "%s", rs_fmt_len(p->len).s);
		rs_text_right(t, RS_TONE_DIM, 72, "%s", rs_fmt_at(p->start_ns, r->first_ns, 6).s);
		rs_text_end(t);
		if (!t->style->verbose || !p->begun_by)
			continue;
		rs_text_begin(t, 4, 6);
		rs_text_put(t, RS_TONE_DIM, "from: %s; to: %s", p->begun_by, p->ended_by);
		rs_text_end(t);
	}
}

static bool generations_differ(const struct rs_range_view *v)
{
	const struct rs_piece *a = v->old_backing.piece, *b = v->new_backing.piece;

	return v->old_backing.nr && v->new_backing.nr && a->generation != b->generation;
}

static void put_backing(struct rs_text *t, const struct rs_range_view *v, bool old,
			const char *label, enum rs_tone tone)
{
	const struct rs_backing_list *l = old ? &v->old_backing : &v->new_backing;
	size_t shown = l->nr;

	if (!t->style->verbose && shown > PIECES_SHOWN)
		shown = PIECES_SHOWN;
	for (size_t i = 0; i < shown; i++) {
		const struct rs_piece *p = &l->piece[i];
		bool whole = l->nr == 1 && !p->at && p->len == v->size;

		rs_text_begin(t, 4, 10);
		rs_text_keep(t, tone, "%s", i ? "" : label);
		rs_text_to(t, 10);
		if (!whole)
			rs_text_keep(t, RS_TONE_DIM, "+0x%llx %s: ", p->at, rs_fmt_size(p->len).s);
		rs_text_put(t, tone, "%s", rs_name_piece(p, generations_differ(v)).s);
		rs_text_end(t);
	}
	if (shown == l->nr && l->known && l->complete && l->nr)
		return;
	rs_text_begin(t, 4, 10);
	rs_text_keep(t, tone, "%s", shown ? "" : label);
	rs_text_to(t, 10);
	if (!l->known || !l->nr)
		rs_text_put(t, RS_TONE_DIM, "not known");
	else if (shown < l->nr)
		rs_text_put(t, RS_TONE_DIM, "and %zu more pieces", l->nr - shown);
	else
		rs_text_put(t, RS_TONE_DIM, "the rest could not be looked at");
	rs_text_end(t);
}

static void put_range_backing(struct rs_text *t, const struct rs_range_view *v)
{
	if (v->state != RS_STATE_REMAPPED) {
		put_backing(t, v, true, "was", RS_TONE_PLAIN);
		return;
	}
	switch (v->memory) {
	case RS_MEMORY_SAME:
		put_backing(t, v, false, "same", RS_TONE_DIM);
		break;
	case RS_MEMORY_OTHER:
		put_backing(t, v, true, "! was", RS_TONE_BAD);
		put_backing(t, v, false, "! now", RS_TONE_BAD);
		break;
	case RS_MEMORY_UNPROVED:
		put_backing(t, v, true, "? was", RS_TONE_WARN);
		put_backing(t, v, false, "? now", RS_TONE_WARN);
		break;
	}
}

/* Remapped to what it was before: nothing to look at twice. */
static bool is_ordinary(const struct rs_range_view *v)
{
	return v->state == RS_STATE_REMAPPED && v->memory == RS_MEMORY_SAME && !v->pages_other;
}

/* What the comparison of the pages themselves came to, where there was one. */
static void put_pages(struct rs_text *t, const struct rs_result *r, const struct rs_range_view *v)
{
	const char *sampled = r->verify == RS_VERIFY_SAMPLED ? " sampled" : "";
	__u64 seen = v->pages_same + v->pages_other;
	enum rs_tone tone = v->pages_other	    ? RS_TONE_BAD
			    : seen < v->pages_asked ? RS_TONE_WARN
						    : RS_TONE_DIM;

	if (!v->pages_asked)
		return;
	rs_text_begin(t, 4, 10);
	rs_text_keep(t, tone, "%spages", v->pages_other ? "! " : seen < v->pages_asked ? "? " : "");
	if (v->pages_other)
		rs_text_put(t, tone, " %s of %s%s are other pages", rs_fmt_count(v->pages_other).s,
			    rs_fmt_count(v->pages_asked).s, sampled);
	else if (seen)
		rs_text_put(t, tone, " %s of %s%s are the same", rs_fmt_count(v->pages_same).s,
			    rs_fmt_count(v->pages_asked).s, sampled);
	else
		rs_text_put(t, tone, " none of %s%s could be compared",
			    rs_fmt_count(v->pages_asked).s, sampled);
	if (seen && seen < v->pages_asked)
		rs_text_put(t, tone, ", %s could not be compared",
			    rs_fmt_count(v->pages_asked - seen).s);
	rs_text_end(t);
}

/* Since when a range is known whose map was not recorded: what is told of it is from then on. */
static struct rs_name since_when(const struct rs_result *r, const struct rs_window_view *w,
				 const struct rs_range_view *v)
{
	struct rs_name n = { "" };

	if (v->mapped_seen || !v->since_ns)
		return n;
	if (v->since_ns >= w->open_ns)
		snprintf(n.s, sizeof(n.s), "only since the invalidation");
	else
		snprintf(n.s, sizeof(n.s), "since %s", rs_fmt_at(v->since_ns, r->first_ns, 3).s);
	return n;
}

static bool same_since(const struct rs_result *r, const struct rs_window_view *w)
{
	struct rs_name first = since_when(r, w, &w->range[0]);

	for (size_t i = 1; i < w->nr_ranges; i++)
		if (strcmp(since_when(r, w, &w->range[i]).s, first.s))
			return false;
	return true;
}

struct columns {
	int size;    /* ends */
	int vaddr;   /* begins */
	int state;   /* begins */
	int invalid; /* ends; 0: no room for it */
	bool since;  /* each range says for itself since when it is known */
};

static bool procs_equal(const struct rs_proc_ref *a, const struct rs_proc_ref *b)
{
	return a->tgid == b->tgid && !strncmp(a->comm, b->comm, RS_COMM_LEN);
}

static bool same_owners(const struct rs_window_view *w, const struct rs_range_view *v)
{
	const struct rs_range_view *first = &w->range[0];

	return procs_equal(&v->old_owner, &first->old_owner) &&
	       procs_equal(&v->new_owner, &first->new_owner);
}

static void put_range(struct rs_text *t, const struct rs_result *r, const struct rs_window_view *w,
		      const struct rs_range_view *v, const struct columns *c)
{
	bool remapped = v->state == RS_STATE_REMAPPED;
	__u64 end = v->valid_ns ? v->valid_ns : r->last_ns;
	struct rs_name since;
	char iova[24];

	snprintf(iova, sizeof(iova), "0x%llx", v->iova.v);
	rs_text_begin(t, 2, 10);
	rs_text_keep(t, RS_TONE_PLAIN, "%s", iova);
	rs_text_right(t, RS_TONE_PLAIN, c->size, "%s", rs_fmt_size(v->size).s);
	rs_text_to(t, c->vaddr);
	rs_text_keep(t, RS_TONE_PLAIN, "0x%llx", v->old_vaddr.v);
	if (remapped)
		rs_text_keep(t, RS_TONE_PLAIN, " -> 0x%llx", v->new_vaddr.v);
	rs_text_to(t, c->state);
	rs_text_keep(t, remapped ? RS_TONE_PLAIN : RS_TONE_BAD, "%s",
		     v->state == RS_STATE_INVALID ? "INVALID" : rs_range_state_name(v->state));
	if (c->invalid)
		rs_text_right(t, RS_TONE_PLAIN, c->invalid, "%s",
			      rs_fmt_len(end > v->invalid_ns ? end - v->invalid_ns : 0).s);
	rs_text_end(t);

	put_range_backing(t, v);
	put_pages(t, r, v);
	if (!same_owners(w, v)) {
		rs_text_begin(t, 4, 10);
		rs_text_put(t, RS_TONE_PLAIN, "owner");
		put_procs(t, &v->old_owner, &v->new_owner);
		rs_text_end(t);
	}
	since = since_when(r, w, v);
	if (since.s[0] && c->since) {
		rs_text_begin(t, 4, 10);
		rs_text_put(t, RS_TONE_DIM, "known %s", since.s);
		rs_text_end(t);
	}
}

static void put_range_head(struct rs_text *t, const struct rs_window_view *w, struct columns *c)
{
	int iova = 4, size = 4, vaddr = 14;

	for (size_t i = 0; i < w->nr_ranges; i++) {
		const struct rs_range_view *v = &w->range[i];
		__u64 high = v->old_vaddr.v > v->new_vaddr.v ? v->old_vaddr.v : v->new_vaddr.v;
		char hex[24];
		int n = snprintf(hex, sizeof(hex), "0x%llx", v->iova.v);

		iova = n > iova ? n : iova;
		n = (int)strlen(rs_fmt_size(v->size).s);
		size = n > size ? n : size;
		n = snprintf(hex, sizeof(hex), "0x%llx", high);
		vaddr = n > vaddr ? n : vaddr;
	}
	c->size = 2 + iova + 1 + size;
	c->vaddr = c->size + 2;
	c->state = c->vaddr + 2 * vaddr + 4 + 2;
	c->invalid = c->state + 17 <= t->style->width ? c->state + 17 : 0;

	rs_text_begin(t, 2, 10);
	rs_text_keep(t, RS_TONE_DIM, "iova");
	rs_text_right(t, RS_TONE_DIM, c->size, "size");
	rs_text_to(t, c->vaddr);
	rs_text_keep(t, RS_TONE_DIM, "vaddr, old -> new");
	rs_text_to(t, c->state);
	rs_text_keep(t, RS_TONE_DIM, "state");
	if (c->invalid)
		rs_text_right(t, RS_TONE_DIM, c->invalid, "invalid");
	rs_text_end(t);
}

static void put_ranges(struct rs_text *t, const struct rs_result *r, const struct rs_window_view *w)
{
	bool all = t->style->verbose || w->nr_ranges <= RANGES_SHOWN;
	size_t left = RANGES_SHOWN, hidden = 0;
	struct rs_name since;
	struct columns c;

	if (!w->nr_ranges)
		return;
	rs_text_begin(t, 2, 10);
	rs_text_put(t, RS_TONE_PLAIN, "owner");
	put_procs(t, &w->range[0].old_owner, &w->range[0].new_owner);
	rs_text_end(t);
	since = since_when(r, w, &w->range[0]);
	c.since = !same_since(r, w);
	if (since.s[0] && !c.since) {
		rs_text_begin(t, 2, 10);
		rs_text_put(t, RS_TONE_DIM, "ranges known %s, their maps were not recorded",
			    since.s);
		rs_text_end(t);
	}
	put_range_head(t, w, &c);

	for (size_t i = 0; !all && i < w->nr_ranges; i++)
		if (left && !is_ordinary(&w->range[i]))
			left--;
	for (size_t i = 0; i < w->nr_ranges; i++) {
		bool ordinary = is_ordinary(&w->range[i]);

		if (!all && ordinary && !left) {
			hidden++;
			continue;
		}
		if (!all && ordinary)
			left--;
		put_range(t, r, w, &w->range[i], &c);
	}
	if (hidden) {
		rs_text_begin(t, 2, 4);
		rs_text_put(t, RS_TONE_DIM,
			    "... and %zu more, remapped to the same memory (shown when verbose)",
			    hidden);
		rs_text_end(t);
	}
}

static void put_window_end(struct rs_text *t, const struct rs_window_view *w)
{
	size_t invalid = 0;

	for (size_t i = 0; i < w->nr_ranges; i++)
		invalid += w->range[i].state != RS_STATE_REMAPPED;
	switch (w->end) {
	case RS_WINDOW_REMAPPED:
		if (!invalid)
			rs_text_keep(t, RS_TONE_GOOD, " all remapped");
		else
			rs_text_keep(t, RS_TONE_WARN, " remapped, but not all ranges");
		break;
	case RS_WINDOW_OPEN:
		rs_text_keep(t, RS_TONE_BAD, " STILL OPEN at the end,");
		rs_text_keep(t, RS_TONE_BAD, " %zu invalid", invalid);
		break;
	case RS_WINDOW_UNMAPPED:
		rs_text_keep(t, RS_TONE_WARN, " ended by an unmap");
		break;
	case RS_WINDOW_RELEASED:
		rs_text_keep(t, RS_TONE_BAD, " RELEASED with ranges invalid");
		break;
	case RS_WINDOW_KILLED:
		rs_text_keep(t, RS_TONE_BAD, " owner KILLED with ranges invalid");
		break;
	}
}

static void put_count(struct rs_text *t, enum rs_tone tone, __u32 n, const char *what, bool *any)
{
	if (!n)
		return;
	rs_text_keep(t, tone, "%s%s %s%s", *any ? ", " : " ", rs_fmt_count(n).s, what,
		     n == 1 ? "" : "s");
	*any = true;
}

/* In words: what went on inside the window besides the remaps. */
static void put_window_traffic(struct rs_text *t, const struct rs_window_view *w)
{
	bool any = false;

	rs_text_begin(t, 2, 10);
	rs_text_put(t, RS_TONE_PLAIN, "inside:");
	put_count(t, RS_TONE_PLAIN, w->remaps, "remap", &any);
	put_count(t, RS_TONE_WARN, w->failed_remaps, "failed remap", &any);
	put_count(t, RS_TONE_WARN, w->new_maps, "new map", &any);
	put_count(t, RS_TONE_PLAIN, w->requests, "request", &any);
	put_count(t, RS_TONE_BAD, w->translations, "translation", &any);
	if (!any)
		rs_text_put(t, RS_TONE_PLAIN, " nothing");
	rs_text_end(t);
}

static void put_window(struct rs_text *t, const struct rs_result *r, const struct rs_window_view *w)
{
	__u64 end = w->close_ns ? w->close_ns : r->last_ns;

	fputc('\n', t->out);
	rs_text_begin(t, 2, 10);
	rs_text_put(t, RS_TONE_HEAD, "window %u", w->id);
	rs_text_keep(t, RS_TONE_PLAIN, " of c%u:", w->container);
	rs_text_keep(t, RS_TONE_HEAD, " %s%s,",
		     rs_fmt_len(end > w->open_ns ? end - w->open_ns : 0).s,
		     w->close_ns ? "" : " so far");
	rs_text_keep(t, RS_TONE_PLAIN, " %zu range%s (%s),", w->nr_ranges,
		     w->nr_ranges == 1 ? "" : "s", rs_fmt_size_about(w->bytes).s);
	put_window_end(t, w);
	rs_text_end(t);

	rs_text_begin(t, 2, 10);
	rs_text_put(t, RS_TONE_PLAIN, "opened");
	rs_text_keep(t, RS_TONE_PLAIN, " %s", rs_fmt_at(w->open_ns, r->first_ns, 6).s);
	rs_text_keep(t, RS_TONE_PLAIN, " by %s", rs_name_proc(&w->opener).s);
	if (w->close_ns) {
		rs_text_keep(t, RS_TONE_PLAIN, ", closed");
		rs_text_keep(t, RS_TONE_PLAIN, " %s", rs_fmt_at(w->close_ns, r->first_ns, 6).s);
		rs_text_keep(t, RS_TONE_PLAIN, " by %s", rs_name_proc(&w->closer).s);
	}
	rs_text_end(t);

	rs_text_begin(t, 2, 10);
	rs_text_put(t, RS_TONE_PLAIN, "in the kernel:");
	rs_text_keep(t, RS_TONE_PLAIN, " invalidate %s,", rs_fmt_len(w->invalidate_len).s);
	rs_text_keep(t, RS_TONE_PLAIN, " remap %s", rs_fmt_len(w->remap_len).s);
	rs_text_end(t);
	put_window_traffic(t, w);
	put_ranges(t, r, w);
}

static const char *blackout_by(const char *from)
{
	if (!strcmp(from, "vcpus"))
		return "its vCPUs";
	if (!strcmp(from, "handover"))
		return "its hand-over";
	return !strcmp(from, "qmp") ? "QMP" : "its windows";
}

static void put_update(struct rs_text *t, const struct rs_result *r, const struct rs_update_view *u)
{
	static const char *const how[] = {
		[RS_HANDOVER_NONE] = "in place",
		[RS_HANDOVER_EXEC] = "by exec",
		[RS_HANDOVER_OTHER] = "to another process",
	};
	__u64 end = u->end_ns ? u->end_ns : r->last_ns;
	char heading[96];

	snprintf(heading, sizeof(heading), "UPDATE %u: %s, %s%s", u->id,
		 u->outcome == RS_OUTCOME_ABANDONED || u->outcome == RS_OUTCOME_FAILED ||
				 u->outcome == RS_OUTCOME_CANCELLED
			 ? rs_outcome_name(u->outcome)
			 : how[u->handover],
		 rs_fmt_len(end > u->start_ns ? end - u->start_ns : 0).s,
		 u->end_ns ? "" : " so far, not ended");
	rs_report_section(t, heading);

	rs_text_begin(t, 2, 4);
	rs_text_keep(t, RS_TONE_PLAIN, "%s", rs_fmt_at(u->start_ns, r->first_ns, 6).s);
	if (r->realtime_offset_ns)
		rs_text_keep(t, RS_TONE_PLAIN, "  %s",
			     rs_fmt_utc((__s64)u->start_ns + r->realtime_offset_ns).s);
	rs_text_put(t, RS_TONE_PLAIN, " ");
	put_procs(t, &u->from, &u->to);
	rs_text_end(t);
	if (u->blackout_from) {
		rs_text_begin(t, 2, 4);
		rs_text_keep(t, RS_TONE_PLAIN, "blackout %s", rs_fmt_len(u->blackout_len).s);
		rs_text_keep(t, RS_TONE_DIM, " (by %s)", blackout_by(u->blackout_from));
		rs_text_end(t);
	}
	if (u->doubt) {
		rs_text_begin(t, 2, 4);
		rs_text_put(t, RS_TONE_WARN, "%s", u->doubt);
		rs_text_end(t);
	}
	rs_report_outcome(t, r, u);
	put_phases(t, r, u);
	rs_report_guest(t, r, u);

	for (size_t i = 0; i < u->nr_windows; i++) {
		const struct rs_window_view *w = rs_report_window(r, u->window[i]);

		if (w)
			put_window(t, r, w);
	}
	rs_report_handovers(t, r, u);
}

static bool in_an_update(const struct rs_result *r, __u32 id)
{
	for (size_t i = 0; i < r->nr_updates; i++)
		for (size_t j = 0; j < r->update[i].nr_windows; j++)
			if (r->update[i].window[j] == id)
				return true;
	return false;
}

void rs_report_updates(struct rs_text *t, const struct rs_result *r)
{
	bool headed = false;

	for (size_t i = 0; i < r->nr_updates; i++)
		put_update(t, r, &r->update[i]);
	for (size_t i = 0; i < r->nr_windows; i++) {
		if (in_an_update(r, r->window[i].id))
			continue;
		if (!headed)
			rs_report_section(t, "WINDOWS OF NO UPDATE");
		headed = true;
		put_window(t, r, &r->window[i]);
	}
}
