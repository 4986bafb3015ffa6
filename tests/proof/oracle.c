// SPDX-License-Identifier: GPL-2.0-only
/* The second opinion on windows, owners and what is asked inside windows: each rule by its sentence. */
#include <stdlib.h>
#include <string.h>
#include "synth_internal.h"
#include "oracle.h"

#define LIMIT_NS   (60 * SEC)
#define FLAG_VADDR 4

void o_violated(struct oracle *o, const char *rule, __u64 container, __u64 at)
{
	struct proof_object object = { proof_rule(rule), container, at };

	MUST(object.rule != UINT32_MAX);
	o->v->verdict[object.rule] = RS_VIOLATED;
	if (proof_has(o->v, &object))
		return;
	MUST(o->v->nr < PROOF_OBJECTS);
	o->v->object[o->v->nr++] = object;
}

void o_unknown(struct oracle *o, const char *rule)
{
	__u32 i = proof_rule(rule);

	MUST(i != UINT32_MAX);
	if (o->v->verdict[i] == RS_PASS)
		o->v->verdict[i] = RS_UNKNOWN;
}

static __u64 key_of(const struct oracle *o, const struct o_range *r)
{
	return o->container[r->container].key;
}

static void range_violated(struct oracle *o, const char *rule, const struct o_range *r)
{
	o_violated(o, rule, key_of(o, r), r->iova);
}

/*
 * "Every invalidated range is remapped, or unmapped on purpose, before its guest runs again and before its container is
 * given up."
 */
static void window_closed(struct oracle *o, const struct o_range *r)
{
	const struct o_happening *from, *to;

	for (size_t n = 0; o_period(r, n, &from, &to); n++) {
		__u64 until = to ? o->ev[to->at]->ts : o->end_ns;

		bool ran = false;

		for (size_t i = from->at + 1; i < (to ? to->at : o->nr); i++)
			ran |= o_guest_runs(o, i, from->at);
		if (ran || until > o->ev[from->at]->ts + LIMIT_NS)
			range_violated(o, "window-closed", r);
		else if (!to)
			o_unknown(o, "window-closed");
		else if (to->what == O_RELEASED && !o_killed(o, o->ev[to->at]->tgid, to->at) &&
			 !o_killed(o, to->owner, to->at))
			range_violated(o, "window-closed", r);
	}
}

static bool inexact(const struct oracle *o, const struct o_range *r, const struct o_happening *h)
{
	const struct rs_ev_map *x = O_EV(o, h->at, rs_ev_map);

	return x->iova.v != r->iova || x->size != r->size;
}

/* "A remap has the iova and the size of the range that was invalidated." */
static void remap_exact(struct oracle *o, const struct o_range *r)
{
	const struct o_happening *from, *to;

	for (size_t n = 0; o_period(r, n, &from, &to); n++) {
		bool tried = false;

		for (size_t i = 0; i < r->nr; i++)
			if (r->happened[i].what == O_REFUSED && r->happened[i].at > from->at &&
			    (!to || r->happened[i].at < to->at))
				tried |= inexact(o, r, &r->happened[i]);
		if (to && to->what == O_REMAPPED ? inexact(o, r, to) : to && tried)
			range_violated(o, "remap-exact", r);
		else if (!to && tried)
			o_unknown(o, "remap-exact");
	}
}

static bool overlaps(const struct o_range *r, __u64 iova, __u64 len)
{
	return len && iova < r->iova + r->size && r->iova < iova + len;
}

static bool translates(const struct oracle *o, const struct o_range *r, size_t i)
{
	if (o->ev[i]->type == RS_EV_XLATE) {
		const struct rs_ev_xlate *x = O_EV(o, i, rs_ev_xlate);

		return x->container == key_of(o, r) && x->caller != RS_IN_PIN && x->dma_size &&
		       x->dma_iova.v - r->iova < r->size;
	}
	if (o->ev[i]->type == RS_EV_REQUEST) {
		const struct rs_ev_request *x = O_EV(o, i, rs_ev_request);

		return x->op.container == key_of(o, r) && x->gup_calls &&
		       !(x->waits && x->rflags & RS_REQF_RANGE &&
			 !(x->range_flags & RS_RANGEF_INVALID)) &&
		       overlaps(r, x->iova.v, x->len);
	}
	return false;
}

static bool changes_iommu(const struct oracle *o, const struct o_range *r, size_t i)
{
	const struct rs_ev_iommu *x = O_EV(o, i, rs_ev_iommu);

	return x->h.type == RS_EV_IOMMU && x->container == key_of(o, r) && !x->removing &&
	       (x->op == RS_IOMMU_MAP ? !x->ret : x->ret > 0) && overlaps(r, x->iova.v, x->size);
}

/*
 * "Nothing is translated through an invalid vaddr; a remap of a vaddr itself pins nothing." And "The IOMMU maps and
 * unmaps nothing in an invalidated range inside its window."
 */
static void left_alone(struct oracle *o, const struct o_range *r)
{
	const struct o_happening *from, *to;

	for (size_t n = 0; o_period(r, n, &from, &to); n++) {
		for (size_t i = from->at + 1; i < (to ? to->at : o->nr); i++) {
			if (translates(o, r, i))
				range_violated(o, "no-gup-in-window", r);
			if (changes_iommu(o, r, i))
				range_violated(o, "no-iommu-change", r);
		}
		if (to && to->what == O_REMAPPED &&
		    (O_EV(o, to->at, rs_ev_map)->work.gup_calls ||
		     O_EV(o, to->at, rs_ev_map)->work.pin_calls))
			range_violated(o, "no-gup-in-window", r);
		if (from->what == O_FOUND_INVALID) {
			/* Nobody saw the window's first part. */
			o_unknown(o, "no-gup-in-window");
			o_unknown(o, "no-iommu-change");
			o_unknown(o, "no-new-user");
		}
	}
}

static bool window_open(const struct oracle *o, size_t container, size_t at)
{
	for (size_t i = 0; i < o->nr_ranges; i++)
		if (o->range[i].container == container && o_invalid(&o->range[i], at))
			return true;
	return false;
}

/* "Inside a window no group is attached, nothing is newly mapped, and no invalid range is plainly unmapped." */
static void no_new_user(struct oracle *o)
{
	for (size_t i = 1; i < o->nr; i++) {
		const struct rs_ev_map *map = O_EV(o, i, rs_ev_map);
		const struct rs_ev_group *group = O_EV(o, i, rs_ev_group);
		const struct rs_ev_remove *gone = O_EV(o, i, rs_ev_remove);
		struct o_range *r;
		__u64 key = 0;

		if (o->ev[i]->type == RS_EV_MAP && !map->op.ret && !(map->uflags & FLAG_VADDR))
			key = map->op.container;
		else if (o->ev[i]->type == RS_EV_ATTACH && !group->op.ret)
			key = group->op.container;
		if (key && window_open(o, o_container_at(o, key, i), i))
			o_violated(o, "no-new-user", key, 0);
		if (o->ev[i]->type != RS_EV_REMOVE || gone->caller != RS_IN_IOCTL_UNMAP)
			continue;
		r = o_range_at(o, o_container_at(o, gone->container, i), gone->iova.v, i);
		if (r && r->iova == gone->iova.v && o_invalid(r, i - 1))
			o_violated(o, "no-new-user", gone->container, 0);
	}
}

/* Armed: the recorder has told that the process leaves this range behind. */
static bool told_to_be_left(const struct oracle *o, const struct o_range *r, size_t at, __u32 tgid)
{
	for (size_t i = 0; i < r->nr; i++) {
		size_t k = r->happened[i].at;

		if (r->happened[i].what == O_FOUND && k < at && o->ev[k]->tgid == tgid &&
		    O_EV(o, k, rs_ev_snapshot)->why == RS_SNAP_OWNER)
			return true;
	}
	return o->t->mode != RS_MODE_ARMED;
}

/* What an ioctl or an attached group says: the container lives on. */
static bool uses(const struct oracle *o, __u64 key, size_t i)
{
	switch (o->ev[i]->type) {
	case RS_EV_MAP:
	case RS_EV_UNMAP:
		return O_EV(o, i, rs_ev_map)->op.container == key;
	case RS_EV_IOCTL:
		return O_EV(o, i, rs_ev_ioctl)->op.container == key;
	case RS_EV_ATTACH:
		return O_EV(o, i, rs_ev_group)->op.container == key;
	default:
		return false;
	}
}

static bool lives_on(const struct oracle *o, const struct o_range *r, size_t i)
{
	__u32 tgid = o->ev[i]->tgid;
	size_t until = r->until == NEVER ? o->nr : r->until;

	for (size_t k = i + 1; k < until; k++)
		if (uses(o, key_of(o, r), k))
			return true;
	if (until == o->nr)
		return true;
	/* It closes with what the process closes at its exec or exit. */
	return r->happened[r->nr - 1].what != O_RELEASED ||
	       (o->ev[until]->tgid != tgid && !(o->ev[until]->flags & RS_EVF_KTHREAD));
}

/* "No range still has the old vaddr when its owner's memory goes away while the container lives on." */
static void all_before_exec(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		const struct rs_event *e = o->ev[i];
		__u64 mm, of;
		__u32 users;

		if (e->type != RS_EV_EXEC && e->type != RS_EV_EXIT)
			continue;
		mm = e->type == RS_EV_EXEC ? O_EV(o, i, rs_ev_exec)->old_mm
					   : O_EV(o, i, rs_ev_exit)->old_mm;
		users = e->type == RS_EV_EXEC ? O_EV(o, i, rs_ev_exec)->old_mm_users
					      : O_EV(o, i, rs_ev_exit)->old_mm_users;
		if (!mm || o_mm_user(o, mm, e->tgid, i))
			continue;
		for (size_t k = 0; k < o->nr_ranges; k++) {
			struct o_range *r = &o->range[k];
			__u32 owner = o_owner_at(r, i, &of);

			if (!(r->from < i && i < r->until && of == mm && !o_invalid(r, i) &&
			      !(users && owner != e->tgid) && told_to_be_left(o, r, i, e->tgid) &&
			      lives_on(o, r, i)))
				continue;
			if (o->container[r->container].perhaps_empty)
				o_unknown(o, "all-before-exec");
			else
				range_violated(o, "all-before-exec", r);
		}
	}
}

/* "Pinning charges and uses the same mm." */
static void owner_mm(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		const struct rs_more *more = NULL;
		struct o_range *r;
		__u64 key = 0;

		if (o->ev[i]->type == RS_EV_MAP) {
			more = &O_EV(o, i, rs_ev_map)->more;
			key = O_EV(o, i, rs_ev_map)->op.container;
		} else if (o->ev[i]->type == RS_EV_ATTACH && !O_EV(o, i, rs_ev_group)->op.ret) {
			more = &O_EV(o, i, rs_ev_group)->more;
			key = O_EV(o, i, rs_ev_group)->op.container;
		}
		if (!more || !more->foreign_calls || !more->foreign_mm)
			continue;
		r = o_range_at(o, o_container_at(o, key, i), more->foreign_iova.v, i);
		o_violated(o, "owner-mm", key, r ? r->iova : more->foreign_iova.v);
	}
}

/* "A pin never reports success without a page." */
static void no_zero_pin(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		const struct rs_ev_request *x = O_EV(o, i, rs_ev_request);

		if (x->h.type == RS_EV_REQUEST && x->request == RS_REQ_PIN && x->op.ret > 0 &&
		    x->gup_zero && x->op.container)
			o_violated(o, "no-zero-pin", x->op.container, 0);
	}
}

/* Who has a container, as far as one process and one moment are concerned. */
struct o_tenure {
	__u32 heir; /* whom it was handed over to, and who has it since; 0: nobody */
	bool given; /* the process in question has handed it over, and not got it back */
	bool unknown; /* who had it when the recording began, and perhaps handed it over, nobody knows */
};

/* The time without a vaddr that the remap @at ended, of a range of that container; NULL */
static const struct o_happening *remapped_after(const struct oracle *o, size_t container, size_t at)
{
	const struct o_happening *from, *to;

	for (size_t k = 0; k < o->nr_ranges; k++)
		for (size_t n = 0; o->range[k].container == container &&
				   o_period(&o->range[k], n, &from, &to) && to;
		     n++)
			if (to->at == at && to->what == O_REMAPPED)
				return from;
	return NULL;
}

/* A container is handed over when a process remaps what another process had invalidated. */
static struct o_tenure tenure(const struct oracle *o, size_t container, __u32 tgid, size_t at)
{
	struct o_tenure t = { 0 };

	for (size_t i = o->container[container].from; i < at; i++) {
		const struct o_happening *from;
		__u32 by = o->ev[i]->tgid;

		if (o->ev[i]->type == RS_EV_EXIT && by == t.heir)
			t = (struct o_tenure){ 0 };
		if (o->ev[i]->type == RS_EV_EXIT && by == tgid)
			t.given = false;
		from = o->ev[i]->type == RS_EV_MAP ? remapped_after(o, container, i) : NULL;
		if (!from)
			continue;
		if (from->what == O_FOUND_INVALID) {
			t.unknown = true;
			t.heir = t.heir ? t.heir : by;
		} else if (o->ev[from->at]->tgid != by) {
			t.heir = by;
			t.given = by != tgid && (t.given || o->ev[from->at]->tgid == tgid);
		}
	}
	return t;
}

/* "... and runs the guest." */
static void one_runner(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		if (o->ev[i]->type != RS_EV_VCPU || O_EV(o, i, rs_ev_vcpu)->what == RS_VCPU_TOLD)
			continue;
		for (size_t c = 0; c < o->nr_containers; c++)
			if (o->container[c].from < i && i < o->container[c].until &&
			    tenure(o, c, o->ev[i]->tgid, i).given)
				o_violated(o, "one-owner", o->container[c].key, 0);
	}
}

/* "After a hand-over only the new owner maps and unmaps, ..." */
static void one_owner(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		const struct rs_ev_map *x = O_EV(o, i, rs_ev_map);
		const struct o_happening *from;
		struct o_tenure t;
		size_t c;

		if ((x->h.type != RS_EV_MAP && x->h.type != RS_EV_UNMAP) || x->op.ret ||
		    (x->h.type == RS_EV_UNMAP && !x->size_after))
			continue;
		c = o_container_at(o, x->op.container, i);
		from = remapped_after(o, c, i);
		/* That is how it gets it. */
		if (from && from->what == O_INVALIDATED && o->ev[from->at]->tgid != x->h.tgid)
			continue;
		t = tenure(o, c, x->h.tgid, i);
		if (t.given)
			o_violated(o, "one-owner", x->op.container, 0);
		else if (t.heir && t.heir != x->h.tgid &&
			 (t.unknown || (from && from->what == O_FOUND_INVALID)))
			o_unknown(o, "one-owner");
	}
}

/* "A request that waits for a vaddr returns within 30 s." */
static void wait_bounded(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++) {
		const struct rs_ev_wait *x = O_EV(o, i, rs_ev_wait);
		__u64 until = o->end_ns;

		if (x->h.type != RS_EV_WAIT)
			continue;
		for (size_t k = i + 1; k < o->nr; k++)
			if ((o->ev[k]->type == RS_EV_REQUEST &&
			     O_EV(o, k, rs_ev_request)->op.req == x->req) ||
			    (o->ev[k]->type == RS_EV_RELEASE &&
			     O_EV(o, k, rs_ev_release)->op.container == x->container)) {
				until = o->ev[k]->ts;
				break;
			}
		if (until > x->h.ts + 30000000000ULL)
			o_violated(o, "wait-bounded", x->container, 0);
	}
}

void proof_oracle(const struct proof_trace *t, struct proof_verdicts *v)
{
	struct oracle o = { .t = t, .ev = t->ev, .nr = t->nr, .v = v };

	*v = (struct proof_verdicts){ 0 };
	o.end_ns = json_integer_value(json_object_get(t->end, "ended_ns"));
	o_history(&o);
	if (t->iommufd) {
		o_judge_iommufd(&o);
		o_forget(&o);
		return;
	}
	for (size_t i = 0; i < o.nr_ranges; i++) {
		window_closed(&o, &o.range[i]);
		remap_exact(&o, &o.range[i]);
		left_alone(&o, &o.range[i]);
	}
	no_new_user(&o);
	all_before_exec(&o);
	owner_mm(&o);
	no_zero_pin(&o);
	o_judge_memory(&o);
	o_judge_locked(&o);
	o_judge_pages(&o);
	o_judge_pins(&o);
	o_judge_irqs(&o);
	if (proof_rule("one-owner") != UINT32_MAX)
		one_owner(&o);
	one_runner(&o);
	if (proof_rule("wait-bounded") != UINT32_MAX)
		wait_bounded(&o);
	for (size_t i = 0; o.contradicts && i < rs_nr_rules; i++)
		o_unknown(&o, rs_rules[i].id);
	o_forget(&o);
}
