// SPDX-License-Identifier: GPL-2.0-only
/* The second opinion's reading of the records: which containers and ranges there were, and what happened to them. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "synth_internal.h"
#include "oracle.h"

/* include/uapi/linux/vfio.h: the same bit for MAP_DMA and UNMAP_DMA */
#define FLAG_VADDR 4

size_t o_container_at(const struct oracle *o, __u64 key, size_t at)
{
	for (size_t i = 0; i < o->nr_containers; i++)
		if (o->container[i].key == key && o->container[i].from <= at &&
		    at <= o->container[i].until)
			return i;
	return NEVER;
}

struct o_range *o_range_at(const struct oracle *o, size_t container, __u64 iova, size_t at)
{
	for (size_t i = 0; i < o->nr_ranges; i++) {
		struct o_range *r = &o->range[i];

		if (r->container == container && r->from <= at && at <= r->until &&
		    iova - r->iova < r->size)
			return r;
	}
	return NULL;
}

static bool takes_vaddr(enum o_what w)
{
	return w == O_INVALIDATED || w == O_FOUND_INVALID;
}

static bool ends(enum o_what w)
{
	return w == O_REMAPPED || w == O_UNMAPPED || w == O_RELEASED;
}

bool o_invalid(const struct o_range *r, size_t at)
{
	bool invalid = false;

	for (size_t i = 0; i < r->nr && r->happened[i].at <= at; i++) {
		invalid |= takes_vaddr(r->happened[i].what);
		invalid &= !ends(r->happened[i].what);
	}
	return invalid;
}

bool o_period(const struct o_range *r, size_t n, const struct o_happening **from,
	      const struct o_happening **to)
{
	*from = *to = NULL;
	for (size_t i = 0; i < r->nr; i++) {
		if (takes_vaddr(r->happened[i].what) && !n--)
			*from = &r->happened[i];
		if (*from && ends(r->happened[i].what)) {
			*to = &r->happened[i];
			return true;
		}
	}
	return *from;
}

__u32 o_mm_user(const struct oracle *o, __u64 mm, __u32 except, size_t at)
{
	/* Of each process the last record before @at that says which mm it has. */
	for (size_t i = 0; i < at; i++) {
		__u32 tgid = o->ev[i]->tgid;
		__u64 has = o->ev[i]->mm;
		bool last = true;

		if (o->ev[i]->type == RS_EV_FORK) {
			tgid = O_EV(o, i, rs_ev_fork)->child_tgid;
			has = O_EV(o, i, rs_ev_fork)->child_mm;
		} else if (o->ev[i]->type != RS_EV_PROC && o->ev[i]->type != RS_EV_EXEC) {
			continue;
		}
		if (has != mm || tgid == except)
			continue;
		for (size_t k = i + 1; k < at; k++) {
			const struct rs_event *e = o->ev[k];

			last &= !(e->tgid == tgid &&
				  (e->type == RS_EV_PROC || e->type == RS_EV_EXEC ||
				   e->type == RS_EV_EXIT));
			last &= !(e->type == RS_EV_FORK &&
				  O_EV(o, k, rs_ev_fork)->child_tgid == tgid);
		}
		if (last)
			return tgid;
	}
	return 0;
}

bool o_killed(const struct oracle *o, __u32 tgid, size_t at)
{
	bool killed = false;

	for (size_t i = 0; i < at; i++)
		if (o->ev[i]->tgid == tgid && o->ev[i]->type == RS_EV_EXIT)
			killed = WIFSIGNALED(O_EV(o, i, rs_ev_exit)->status);
	return killed;
}

__u32 o_owner_at(const struct o_range *r, size_t at, __u64 *mm)
{
	for (size_t i = 0; i < r->nr; i++)
		if (r->happened[i].at > at) {
			*mm = r->happened[i].mm;
			return r->happened[i].owner;
		}
	*mm = r->mm;
	return r->owner;
}

size_t o_piece(const struct oracle *o, __u64 req, __u16 type, size_t i)
{
	for (; i < o->nr; i++) {
		if (o->ev[i]->type != type)
			continue;
		if (type == RS_EV_RANGE && O_EV(o, i, rs_ev_range)->req == req)
			return i;
		if (type == RS_EV_PAGES && O_EV(o, i, rs_ev_pages)->req == req)
			return i;
		if (type == RS_EV_VERIFY && O_EV(o, i, rs_ev_verify)->req == req)
			return i;
	}
	return NEVER;
}

static void happen(struct o_range *r, enum o_what what, size_t at)
{
	r->happened = realloc(r->happened, (r->nr + 1) * sizeof(*r->happened));
	MUST(r->happened);
	r->happened[r->nr++] = (struct o_happening){ what, at, r->memory, r->owner, r->mm };
	if (what == O_UNMAPPED || what == O_RELEASED)
		r->until = at;
}

static struct o_range *add_range(struct oracle *o, size_t container, __u64 iova, __u64 size,
				 size_t at)
{
	o->range = realloc(o->range, (o->nr_ranges + 1) * sizeof(*o->range));
	MUST(o->range);
	o->range[o->nr_ranges] = (struct o_range){ .container = container,
						   .iova = iova,
						   .size = size,
						   .from = at,
						   .until = NEVER,
						   .memory = NEVER };
	return &o->range[o->nr_ranges++];
}

static size_t container_of(struct oracle *o, __u64 key, size_t at, bool born)
{
	size_t i = o_container_at(o, key, at);

	if (i != NEVER)
		return i;
	o->container = realloc(o->container, (o->nr_containers + 1) * sizeof(*o->container));
	MUST(o->container);
	o->container[o->nr_containers] =
		(struct o_container){ .key = key, .from = at, .until = NEVER, .born = born };
	return o->nr_containers++;
}

static bool scanned(const struct oracle *o, size_t piece)
{
	return piece != NEVER && O_EV(o, piece, rs_ev_range)->flags & RS_RANGEF_SCANNED;
}

static size_t invalid_in(const struct oracle *o, size_t container, size_t at)
{
	size_t nr = 0;

	for (size_t i = 0; i < o->nr_ranges; i++)
		nr += o->range[i].container == container && o_invalid(&o->range[i], at);
	return nr;
}

/* The kernel has counted, too. */
static void compare_counts(struct oracle *o, size_t container, const struct rs_op *op, size_t at)
{
	if (!(op->flags & RS_OPF_CONCURRENT) && op->invalid_after != invalid_in(o, container, at))
		o->contradicts = true;
}

static void on_map(struct oracle *o, size_t at)
{
	const struct rs_ev_map *x = O_EV(o, at, rs_ev_map);
	size_t c = container_of(o, x->op.container, at, false);
	size_t piece = o_piece(o, x->op.req, RS_EV_RANGE, 0);
	struct o_range *r;

	if (!(x->uflags & FLAG_VADDR)) {
		if (x->op.ret < 0)
			return;
		r = add_range(o, c, x->iova.v, x->size, at);
		r->memory = scanned(o, piece) ? piece : NEVER;
		happen(r, O_MAPPED, at);
	} else if (x->op.ret < 0) {
		for (size_t i = 0; i < o->nr_ranges; i++) {
			r = &o->range[i];
			if (r->container == c && o_invalid(r, at) &&
			    r->iova < x->iova.v + x->size && x->iova.v < r->iova + r->size)
				happen(r, O_REFUSED, at);
		}
		return;
	} else {
		r = o_range_at(o, c, x->iova.v, at);
		if (!r || !o_invalid(r, at)) {
			o->contradicts = true;
			return;
		}
		happen(r, O_REMAPPED, at);
		if (r->memory == NEVER && scanned(o, piece))
			r->memory = piece;
	}
	r->owner = x->h.tgid;
	r->mm = piece != NEVER && O_EV(o, piece, rs_ev_range)->owner_mm
			? O_EV(o, piece, rs_ev_range)->owner_mm
			: x->h.mm;
}

/* A range as the kernel told it. @anew: what was known of its memory may be of another one */
static struct o_range *learn(struct oracle *o, size_t c, size_t piece, size_t at, __u32 tgid,
			     bool anew)
{
	const struct rs_ev_range *told = O_EV(o, piece, rs_ev_range);
	__u32 owner = o_mm_user(o, told->owner_mm, 0, at);
	struct o_range *r = o_range_at(o, c, told->iova.v, at);

	if (r && (r->iova != told->iova.v || r->size != told->size)) {
		r->until = at - 1;
		r = NULL;
	}
	if (!r) {
		r = add_range(o, c, told->iova.v, told->size, at);
		anew = true;
	}
	if (anew)
		r->memory = NEVER;
	/* A kernel need not tell it. */
	if (told->owner_mm && r->mm != told->owner_mm)
		r->owner = owner ? owner : tgid;
	if (told->owner_mm)
		r->mm = told->owner_mm;
	if (r->memory == NEVER && scanned(o, piece) && !o_invalid(r, at))
		r->memory = piece;
	return r;
}

static void on_invalidate(struct oracle *o, size_t at)
{
	const struct rs_ev_map *x = O_EV(o, at, rs_ev_map);
	size_t c = container_of(o, x->op.container, at, false), told = 0;
	/* Nothing was recorded since the last window. */
	bool gap = o->t->mode == RS_MODE_ARMED && !o->t->verify && !invalid_in(o, c, at);

	for (size_t i = 0; i < o->nr_ranges && gap; i++) {
		struct o_range *r = &o->range[i];
		bool there = false;

		for (size_t p = 0; (p = o_piece(o, x->op.req, RS_EV_RANGE, p)) != NEVER; p++)
			there |= O_EV(o, p, rs_ev_range)->iova.v == r->iova;
		if (r->container == c && r->until == NEVER && !there)
			r->until = at - 1;
	}
	for (size_t p = 0; (p = o_piece(o, x->op.req, RS_EV_RANGE, p)) != NEVER; p++, told++) {
		struct o_range *r = learn(o, c, p, at, x->h.tgid, gap);

		if (O_EV(o, p, rs_ev_range)->flags & RS_RANGEF_INVALID && !o_invalid(r, at))
			happen(r, O_INVALIDATED, at);
	}
	if (told != x->nr_ranges)
		o->contradicts = true;
}

static void on_snapshot(struct oracle *o, size_t at)
{
	const struct rs_ev_snapshot *x = O_EV(o, at, rs_ev_snapshot);
	size_t c = container_of(o, x->op.container, at, false);
	bool gap = x->why == RS_SNAP_OWNER && !o->t->verify && !invalid_in(o, c, at);

	o->container[c].found |= x->why == RS_SNAP_START;
	for (size_t p = 0; (p = o_piece(o, x->op.req, RS_EV_RANGE, p)) != NEVER; p++) {
		bool invalid = O_EV(o, p, rs_ev_range)->flags & RS_RANGEF_INVALID;
		struct o_range *r =
			learn(o, c, p, at, x->owner_tgid ? x->owner_tgid : x->h.tgid, gap);

		/* What an old vaddr shows now proves nothing. */
		if (invalid)
			r->memory = NEVER;
		happen(r, invalid ? O_FOUND_INVALID : O_FOUND, at);
	}
}

static void all_go(struct oracle *o, size_t c, size_t at)
{
	for (size_t i = 0; i < o->nr_ranges; i++)
		if (o->range[i].container == c && o->range[i].until == NEVER)
			happen(&o->range[i], O_RELEASED, at);
}

static void on_remove(struct oracle *o, size_t at)
{
	const struct rs_ev_remove *x = O_EV(o, at, rs_ev_remove);
	struct o_range *r = o_range_at(o, container_of(o, x->container, at, false), x->iova.v, at);

	if (r && r->iova == x->iova.v)
		happen(r, x->caller == RS_IN_IOCTL_UNMAP ? O_UNMAPPED : O_RELEASED, at);
}

void o_history(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		size_t c;

		switch (o->ev[i]->type) {
		case RS_EV_OPEN:
			container_of(o, O_EV(o, i, rs_ev_open)->op.container, i, true);
			break;
		case RS_EV_MAP:
			on_map(o, i);
			compare_counts(
				o, container_of(o, O_EV(o, i, rs_ev_map)->op.container, i, false),
				&O_EV(o, i, rs_ev_map)->op, i);
			break;
		case RS_EV_UNMAP:
			if (O_EV(o, i, rs_ev_map)->uflags & FLAG_VADDR &&
			    !O_EV(o, i, rs_ev_map)->op.ret)
				on_invalidate(o, i);
			compare_counts(
				o, container_of(o, O_EV(o, i, rs_ev_map)->op.container, i, false),
				&O_EV(o, i, rs_ev_map)->op, i);
			break;
		case RS_EV_REMOVE:
			on_remove(o, i);
			break;
		case RS_EV_SNAPSHOT:
			on_snapshot(o, i);
			break;
		case RS_EV_DETACH:
			/* Armed, nobody tells which ranges went with the last group. */
			c = container_of(o, O_EV(o, i, rs_ev_group)->op.container, i, false);
			if (o->t->mode != RS_MODE_ARMED || o->t->verify || invalid_in(o, c, i))
				break;
			o->container[c].perhaps_empty = !o->container[c].born;
			if (o->container[c].born)
				all_go(o, c, i);
			break;
		case RS_EV_RELEASE:
			c = container_of(o, O_EV(o, i, rs_ev_release)->op.container, i, false);
			all_go(o, c, i);
			o->container[c].until = i;
			break;
		}
	}
}

void o_forget(struct oracle *o)
{
	for (size_t i = 0; i < o->nr_ranges; i++)
		free(o->range[i].happened);
	free(o->range);
	free(o->container);
}
