/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The pieces of a request, until the record that closes it comes
 */
#ifndef RS_MODEL_PENDING_H
#define RS_MODEL_PENDING_H

#include "model/model.h"

/**
 * struct rs_seen_range - a range as the kernel told it, with what is behind its vaddr
 * @gone: of a snapshot: it was taken down since
 */
struct rs_seen_range {
	struct rs_ev_range ev;
	struct rs_backing_list backing;
	bool gone;
};

/** struct rs_pending - one request's pieces so far */
struct rs_pending {
	UT_hash_handle hh;
	__u64 req;
	struct rs_seen_range *range;
	size_t nr_ranges;
	struct rs_ev_backing *loose; /* pieces of the range that is told next */
	size_t nr_loose;
	struct rs_ev_pages *pages;
	size_t nr_pages;
	bool snapshot; /* has ranges that a snapshot found */
	bool inside;   /* has translated while something was invalid */
};

/** rs_pending_backing() - a piece came. Return: 0 or -ENOMEM */
int rs_pending_backing(struct rs_model *m, const struct rs_event *ev);

/** rs_pending_range() - a range came; the loose pieces are its own. Return: 0 or -ENOMEM */
int rs_pending_range(struct rs_model *m, const struct rs_event *ev);

/** rs_pending_pages() - a run of pages came. Return: 0 or -ENOMEM */
int rs_pending_pages(struct rs_model *m, const struct rs_event *ev);

/** rs_pending_inside() - a driver's request has translated a vaddr while something was invalid. Return: 0 or -ENOMEM */
int rs_pending_inside(struct rs_model *m, __u64 req);

/** rs_pending_removed() - a range is taken down: what snapshots under way told of it is out of date */
void rs_pending_removed(struct rs_model *m, const struct rs_ev_remove *x);

/** rs_pending_take() - the request is closed. Return: its pieces (rs_pending_drop() them) or NULL */
struct rs_pending *rs_pending_take(struct rs_model *m, __u64 req);

/** rs_pending_drop() - NULL is allowed */
void rs_pending_drop(struct rs_pending *p);

#endif /* RS_MODEL_PENDING_H */
