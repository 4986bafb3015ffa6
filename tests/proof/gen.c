// SPDX-License-Identifier: GPL-2.0-only
/* Hosts on which live updates go right, and what must be found of them. */
#include <string.h>
#include "synth_internal.h"
#include "gen.h"

struct todo {
	struct gen_container *c;
	struct gen_range *r;
};

static void remap_all(struct gen_world *w, struct gen_vm *v)
{
	struct todo todo[GEN_CONTAINERS * GEN_RANGES];

	for (;;) {
		size_t left = 0;

		/* In any order; what happens inside can move ranges about, so look anew. */
		for (int i = 0; i < v->nr; i++)
			for (int k = 0; k < v->c[i].nr; k++)
				if (v->c[i].range[k].invalid && !v->c[i].range[k].skip)
					todo[left++] = (struct todo){ &v->c[i], &v->c[i].range[k] };
		if (!left)
			return;
		left = proof_below(&v->r, left);
		gen_remap(w, v, todo[left].c, todo[left].r);
		if (todo[left].r->invalid)
			todo[left].r->skip = true;
		if (proof_chance(&v->r, 30))
			gen_inside(w, v, todo[left].c);
	}
}

static void invalidate_container(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
{
	bool all = proof_chance(&v->r, 60);
	struct gen_range *r;

	for (int i = 0; i < c->nr; i++) {
		gen_occasion(w, v, c, &c->range[i], GEN_AT_INVALIDATE);
		all &= !c->range[i].skip && !c->range[i].invalid;
	}
	if (all && c->nr) {
		synth_invalidate_all(v->s, c->key);
		for (int i = 0; i < c->nr; i++)
			c->range[i].invalid = true;
	}
	while ((r = gen_invalid_range(v, c, false))) {
		gen_new_cpu(v);
		synth_invalidate(v->s, c->key, r->iova, r->size);
		r->invalid = true;
		if (proof_chance(&v->r, 20))
			gen_inside(w, v, c);
	}
}

static void window_is_over(struct gen_world *w, struct gen_vm *v)
{
	for (int i = 0; i < v->nr; i++) {
		struct gen_container *c = &v->c[i];
		bool open = c->gone;

		for (int k = 0; k < c->nr; k++)
			open |= c->range[k].invalid;
		c->joined_inside = c->seen_inside = false;
		if (!open && w->mode == RS_MODE_ARMED && proof_chance(&v->r, 60))
			synth_tail_passes(v->s, c->key);
	}
}

/* A few ranges lose their vaddr and get it back, and nobody else comes. */
static void cancelled_update(struct gen_world *w, struct gen_vm *v)
{
	struct gen_container *c = &v->c[proof_below(&v->r, v->nr)];
	int some = c->nr ? 1 + proof_below(&v->r, c->nr) : 0;
	struct gen_range *r;

	while (some-- && (r = gen_invalid_range(v, c, false))) {
		synth_invalidate(v->s, c->key, r->iova, r->size);
		r->invalid = true;
		if (proof_chance(&v->r, 30))
			gen_inside(w, v, c);
	}
	v->old_mm = synth_mm(v->s, v->pid);
	remap_all(w, v);
	window_is_over(w, v);
}

static bool any_skipped(const struct gen_vm *v)
{
	for (int i = 0; i < v->nr; i++)
		for (int k = 0; k < v->c[i].nr; k++)
			if (v->c[i].range[k].skip)
				return true;
	return false;
}

static void exit_as(struct gen_vm *v, __u32 pid)
{
	synth_as(v->s, pid);
	synth_exit(v->s, 0);
	synth_as(v->s, v->pid);
}

static void hand_over(struct gen_world *w, struct gen_vm *v)
{
	__u32 old = v->pid;
	bool stays = proof_chance(&v->r, 40) && !any_skipped(v);

	/* That a container without ranges has another owner now nobody can see: not whose guest runs, either. */
	for (int i = 0; i < v->nr; i++)
		if (!v->c[i].nr)
			w->perhaps[proof_rule("irq-restored")] = true;
	v->old_mm = synth_mm(v->s, v->pid);
	if (proof_chance(&v->r, 50)) {
		synth_exec(v->s);
		remap_all(w, v);
		return;
	}
	v->pid = v->next_pid++;
	if (proof_chance(&v->r, 50)) {
		synth_fork(v->s, v->pid, false);
		synth_as(v->s, v->pid);
		if (proof_chance(&v->r, 50))
			synth_exec(v->s);
	}
	synth_as(v->s, v->pid);
	if (!stays && proof_chance(&v->r, 50)) {
		exit_as(v, old);
		remap_all(w, v);
		return;
	}
	remap_all(w, v);
	for (int i = 0; stays && i < v->nr; i++) {
		struct gen_container *c = &v->c[i];
		struct gen_range *r =
			c->hands_off || c->gone ? NULL : gen_invalid_range(v, c, false);

		v->before = old;
		if (r)
			gen_occasion(w, v, c, r, GEN_AT_PASSED);
		v->before = 0;
	}
	if (!stays)
		exit_as(v, old);
}

static void remap_by_itself(struct gen_world *w, struct gen_vm *v)
{
	v->old_mm = synth_mm(v->s, v->pid);
	remap_all(w, v);
}

/* Of an update under way when the recording begins, the rest is seen. */
static void update_goes_on(struct gen_world *w, struct gen_vm *v)
{
	for (int i = 0; i < v->nr; i++) {
		struct gen_container *c = &v->c[i];

		struct gen_range *r;

		while ((r = gen_invalid_range(v, c, false))) {
			gen_new_cpu(v);
			synth_invalidate(v->s, c->key, r->iova, r->size);
			r->invalid = c->seen_inside = true;
		}
	}
	hand_over(w, v);
}

static void update(struct gen_world *w, struct gen_vm *v)
{
	int first = proof_below(&v->r, v->nr);

	for (int i = 0; i < v->nr; i++)
		if (v->c[i].hands_off || v->c[i].gone)
			return;
	gen_guest_stop(v);
	if (proof_chance(&v->r, 25)) {
		cancelled_update(w, v);
		gen_guest_resume(v);
		return;
	}
	for (int i = 0; i < v->nr; i++) {
		struct gen_container *c = &v->c[(first + i) % v->nr];

		invalidate_container(w, v, c);
		for (int n = proof_below(&v->r, 3); n-- > 0;)
			gen_inside(w, v, c);
	}
	hand_over(w, v);
	gen_guest_resume_all(w, v);
	window_is_over(w, v);
}

/* The recording ends inside a window. */
static void open_end(struct gen_world *w, struct gen_vm *v)
{
	struct gen_container *c = &v->c[0];
	int some = c->nr ? 1 + proof_below(&v->r, c->nr) : 0;
	struct gen_range *r;

	if (c->hands_off || c->gone)
		return;
	gen_guest_stop(v);
	if (some && gen_irqs_missing(v, 0))
		gen_expect(w, "irq-restored", RS_UNKNOWN);
	while (some-- && (r = gen_invalid_range(v, c, false))) {
		synth_invalidate(v->s, c->key, r->iova, r->size);
		r->invalid = true;
		gen_expect(w, "window-closed", RS_UNKNOWN);
		gen_inside(w, v, c);
	}
	for (int i = 0; i < c->nr; i++)
		if (c->range[i].tried)
			gen_expect(w, "remap-exact", RS_UNKNOWN);
	v->dead = true;
}

/* The owner is killed inside its windows: nobody is to blame. */
static void killed_update(struct gen_world *w, struct gen_vm *v)
{
	for (int i = 0; i < v->nr; i++)
		if (v->c[i].hands_off || v->c[i].gone)
			return;
	for (int i = 0; i < v->nr; i++)
		gen_unpin(w, v, &v->c[i], NULL);
	gen_guest_stop(v);
	for (int i = 0; i < v->nr; i++) {
		struct gen_range *r;

		while ((r = gen_invalid_range(v, &v->c[i], false))) {
			synth_invalidate(v->s, v->c[i].key, r->iova, r->size);
			r->invalid = true;
		}
	}
	v->s->twist.killed = 9;
	synth_exit(v->s, 0);
	for (int i = 0; i < v->nr; i++) {
		synth_release(v->s, v->c[i].key);
		v->c[i].gone = true;
	}
	v->dead = true;
}

static void setup(struct gen_world *w, struct gen_vm *v)
{
	struct synth *s = v->s;
	bool inside_window;

	synth_as(s, v->pid);
	synth_unrecorded(s, v->late);
	for (int i = 0; i < v->nr; i++) {
		struct gen_container *c = &v->c[i];

		c->key = synth_open(s);
		c->next_iova = proof_chance(&v->r, 50) ? 0 : 0x100000;
		synth_attach(s, c->key);
		for (int n = proof_chance(&v->r, 90) ? 1 + proof_below(&v->r, 4)
						     : proof_below(&v->r, GEN_RANGES);
		     n-- > 0;)
			gen_map(w, v, c);
		for (int n = proof_below(&v->r, 4); n-- > 0 && c->nr;)
			gen_quiet(w, v, c);
	}
	if (!v->late) {
		gen_guest_start(v);
		return;
	}
	/* The recording begins. */
	inside_window = (w->mode == RS_MODE_ALL && proof_chance(&v->r, 50)) ||
			(w->fault && w->fault->flags & PROOF_LATE);
	for (int i = 0; i < v->nr && inside_window; i++) {
		struct gen_container *c = &v->c[i];

		for (int n = c->nr ? 1 + proof_below(&v->r, c->nr) : 0; n-- > 0;) {
			struct gen_range *r = gen_invalid_range(v, c, false);

			synth_invalidate(s, c->key, r->iova, r->size);
			r->invalid = r->late = c->joined_inside = true;
		}
	}
	synth_unrecorded(s, false);
	synth_introduce(s);
	for (int i = 0; i < v->nr; i++) {
		synth_snapshot(s, v->c[i].key, RS_SNAP_START);
		if (v->c[i].joined_inside) {
			/* What happened in the window before nobody saw. */
			gen_expect(w, "no-gup-in-window", RS_UNKNOWN);
			gen_expect(w, "no-iommu-change", RS_UNKNOWN);
			gen_expect(w, "no-new-user", RS_UNKNOWN);
			/* And who had it: a container that is empty is handed over unseen. */
			w->perhaps[proof_rule("one-owner")] = true;
		}
	}
	if (inside_window) {
		if (proof_chance(&v->r, 50))
			update_goes_on(w, v);
		else
			remap_by_itself(w, v);
		window_is_over(w, v);
	}
}

static void teardown(struct gen_world *w, struct gen_vm *v)
{
	bool exits = proof_chance(&v->r, 60), first = proof_chance(&v->r, 50);

	for (int i = 0; i < v->nr; i++) {
		struct gen_container *c = &v->c[i];

		if (c->gone)
			continue;
		gen_new_cpu(v);
		gen_unpin(w, v, c, NULL);
		if (!c->hands_off)
			gen_occasion(w, v, c, c->nr ? &c->range[0] : NULL, GEN_AT_END);
	}
	if (exits)
		gen_guest_end(v);
	if (exits && first && !w->fired)
		synth_exit(v->s, 0);
	for (int i = 0; i < v->nr; i++) {
		struct gen_container *c = &v->c[i];

		if (c->gone || (!exits && !c->hands_off))
			continue;
		if (!c->hands_off && proof_chance(&v->r, 30))
			synth_detach_last(v->s, c->key);
		synth_release(v->s, c->key);
	}
	if (exits && !(first && !w->fired))
		synth_exit(v->s, 0);
}

static void live(struct gen_world *w, struct gen_vm *v)
{
	setup(w, v);
	for (int n = 1 + proof_below(&v->r, 3); n-- > 0;) {
		for (int k = proof_below(&v->r, 4); k-- > 0;)
			gen_quiet(w, v, &v->c[proof_below(&v->r, v->nr)]);
		gen_guest_quiet(v);
		update(w, v);
	}
	gen_guest_quiet(v);
	for (int k = proof_below(&v->r, 4); k-- > 0;)
		gen_quiet(w, v, &v->c[proof_below(&v->r, v->nr)]);
	if (proof_chance(&v->r, 10))
		killed_update(w, v);
	else if (!w->fault && proof_chance(&v->r, 10))
		open_end(w, v);
	if (!v->dead)
		teardown(w, v);
}

static struct proof_trace *make(__u64 seed, const struct proof_fault *fault, int take, int *nr)
{
	struct gen_world w = { .fault = fault, .take = take };
	struct proof_rng r = { seed };
	struct proof_trace *t;
	struct synth *synth[GEN_VMS];
	unsigned int flags = fault ? fault->flags : 0;

	w.hit.rule = UINT32_MAX;
	w.mode = flags & (PROOF_ALL_ONLY | PROOF_LATE)		 ? RS_MODE_ALL
		 : flags & (PROOF_ARMED_ONLY | PROOF_LATE_ARMED) ? RS_MODE_ARMED
		 : proof_chance(&r, 30)				 ? RS_MODE_ARMED
								 : RS_MODE_ALL;
	w.verify = proof_chance(&r, flags & PROOF_VERIFY_ONLY ? 100 : 25)
			   ? RS_VERIFY_SAMPLED + proof_below(&r, 2)
			   : RS_VERIFY_NONE;
	if (flags & (PROOF_LATE | PROOF_LATE_ARMED))
		w.verify = RS_VERIFY_NONE;
	w.nr = 1 + proof_below(&r, GEN_VMS);
	for (int i = 0; i < w.nr; i++) {
		struct gen_vm *v = &w.vm[i];

		v->r.state = proof_random(&r);
		v->guest.r.state = ~v->r.state;
		v->nr = 1 + proof_below(&r, proof_chance(&r, 70) ? 1 : GEN_CONTAINERS);
		v->late = !w.verify &&
			  proof_chance(&r, flags & (PROOF_LATE | PROOF_LATE_ARMED) ? 100 : 15);
		v->pid = 1000 * (i + 1);
		v->next_pid = v->pid + 1;
		v->s = synth[i] = synth_new();
		v->s->mode = w.mode;
		v->s->verify = w.verify;
		v->s->next_mm += (__u64)i << 24;
		v->s->next_key += (__u64)i << 32;
		v->s->req = (__u64)i << 32;
		v->s->cpu = proof_below(&r, SYNTH_CPUS);
		v->s->now += proof_below(&r, SEC);
		live(&w, v);
		if (w.mode == RS_MODE_ARMED) {
			synth_as(v->s, 99);
			synth_stats(v->s);
		}
	}
	*nr = w.occasions;
	t = proof_merge(synth, w.nr, seed);
	for (int i = 0; i < w.nr; i++)
		synth_free(synth[i]);
	memcpy(t->want, w.want, sizeof(t->want));
	memcpy(t->perhaps, w.perhaps, sizeof(t->perhaps));
	t->hit = w.hit;
	snprintf(t->what, sizeof(t->what), "%s", fault ? fault->name : "correct");
	proof_send(t, &r);
	return t;
}

struct proof_trace *proof_generate(__u64 seed, const struct proof_fault *fault)
{
	struct proof_trace *t;
	struct proof_rng r = { ~seed };
	int occasions;

	t = make(seed, fault, -1, &occasions);
	if (!fault)
		return t;
	proof_trace_free(t);
	return occasions ? make(seed, fault, proof_below(&r, occasions), &occasions) : NULL;
}
