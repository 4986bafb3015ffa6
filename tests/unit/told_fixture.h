/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A listener that keeps what it is told, and the memory that is used meanwhile
 */
#ifndef RS_TESTS_TOLD_FIXTURE_H
#define RS_TESTS_TOLD_FIXTURE_H

#include <errno.h>
#include <malloc.h>
#include "judge.h"
#include "rules/rules.h"

#if defined(__SANITIZE_ADDRESS__)
/* <sanitizer/allocator_interface.h>, which gcc does not bring. */
size_t __sanitizer_get_current_allocated_bytes(void);
#define allocated() __sanitizer_get_current_allocated_bytes()
#define SLACK	    0
#else
#define allocated() mallinfo2().uordblks
/* glibc counts what waits in its caches, too: far less than a record for each update. */
#define SLACK	    (16 * KIB)
#endif

#define TOLD_MAX 4096

/* What was told of an update, or of findings alone (id 0). */
struct one {
	__u32 id;
	struct rs_update_view view;
	size_t windows;
	size_t containers;
	size_t handovers;
	size_t contexts;
	size_t areas;
	enum rs_verdict verdict;
	size_t violations;
	char text[160]; /* the first finding's */
	__u64 at_ns;	/* and its time */
};

struct watch {
	struct synth *s;
	struct rs_analysis *a;
	size_t pushed;
	__u64 now;
	int refuse; /* what the listener returns */
	size_t nr;
	struct one one[TOLD_MAX];
};

static inline int on_told(void *ctx, const struct rs_result *r)
{
	struct watch *w = ctx;
	struct one *o = &w->one[w->nr];

	assert_true(w->nr++ < TOLD_MAX);
	assert_true(r->nr_updates <= 1);
	memset(o, 0, sizeof(*o));
	if (r->nr_updates) {
		o->view = r->update[0];
		o->id = o->view.id;
	}
	o->windows = r->nr_windows;
	o->containers = r->nr_containers;
	o->handovers = r->nr_handovers;
	o->contexts = r->nr_ioctxs;
	o->areas = r->nr_handovers ? r->handover[0].nr_areas : 0;
	o->verdict = r->verdict;
	for (size_t i = 0; i < r->nr_findings; i++)
		o->violations += r->finding[i].verdict == RS_VIOLATED;
	if (r->nr_findings) {
		snprintf(o->text, sizeof(o->text), "%s: %s", r->finding[0].rule,
			 r->finding[0].text);
		o->at_ns = r->finding[0].at_ns;
	}
	return w->refuse;
}

static inline struct watch *watch_of(struct synth *s, const struct rs_budget *budget)
{
	struct watch *w = calloc(1, sizeof(*w));
	static struct rs_listener listener;
	json_t *meta = synth_meta(s);

	assert_non_null(w);
	w->s = s;
	listener = (struct rs_listener){ .told = on_told, .ctx = w };
	assert_int_equal(rs_analysis_new(&(struct rs_analysis_opts){ .source = "live",
								     .budget = budget,
								     .listener = &listener },
					 &w->a, NULL),
			 0);
	assert_int_equal(rs_analysis_meta(w->a, meta), 0);
	json_decref(meta);
	return w;
}

static inline void tick(struct watch *w, __u64 now)
{
	w->now = now;
	assert_int_equal(rs_analysis_tick(w->a, now), 0);
}

/* All that was written by now; in between time passes as it does for a recorder. */
static inline void catch_up(struct watch *w, size_t until)
{
	for (; w->pushed < until; w->pushed++) {
		const struct rs_event *ev = w->s->rec[w->pushed].ev;

		if (w->now && ev->ts > w->now + SEC) {
			tick(w, w->now + SEC / 2);
			tick(w, ev->ts - US);
		}
		if (!w->s->rec[w->pushed].dropped)
			assert_int_equal(rs_analysis_event(w->a, ev), 0);
		w->now = ev->ts;
	}
}

static inline void finish(struct watch *w)
{
	json_t *end = synth_end(w->s);
	struct rs_result *r;

	assert_int_equal(rs_analysis_finish(w->a, end, NULL, &r), 0);
	/* All has been told. */
	assert_int_equal(r->nr_updates, 0);
	assert_int_equal(r->nr_windows, 0);
	assert_int_equal(r->nr_handovers, 0);
	assert_int_equal(r->nr_findings, 0);
	rs_result_free(r);
	json_decref(end);
}

static inline void done(struct watch *w)
{
	rs_analysis_free(w->a);
	free(w);
}

#endif /* RS_TESTS_TOLD_FIXTURE_H */
