// SPDX-License-Identifier: GPL-2.0-only
/* Hosts on which live updates go right, and what must be found of them. */
#include <errno.h>
#include <string.h>
#include "synth_internal.h"
#include "gen.h"

#define GET_INFO 0x3b70

void gen_expect(struct gen_world *w, const char *rule, enum rs_verdict verdict)
{
	__u32 i = proof_rule(rule);

	MUST(i != UINT32_MAX);
	if (verdict > w->want[i])
		w->want[i] = verdict;
}

/* An occasion for the fault. Return: true if it was done in place of what was about to be done */
static bool occasion(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
		     struct gen_range *r, enum gen_point at)
{
	const struct proof_fault *f = w->fault;

	if (!f || w->fired || f->at != at || (f->fits && !f->fits(w, v, c, r)))
		return false;
	if (w->occasions++ != w->take)
		return false;
	w->fired = true;
	if (f->rule) {
		gen_expect(w, f->rule, RS_VIOLATED);
		w->hit = (struct proof_object){ proof_rule(f->rule), c->key, r ? r->iova : 0 };
		if (f->flags & PROOF_CONTAINER)
			w->hit.at = 0;
		if (f->flags & PROOF_DEVICE)
			w->hit = (struct proof_object){ w->hit.rule, 0, gen_device(c, 0) };
	}
	for (size_t i = 0; i < sizeof(f->also) / sizeof(f->also[0]) && f->also[i]; i++)
		gen_expect(w, f->also[i], RS_VIOLATED);
	return f->fire(w, v, c, r);
}

static void new_cpu(struct gen_vm *v)
{
	if (proof_chance(&v->r, 30))
		v->s->cpu = proof_below(&v->r, SYNTH_CPUS);
	if (proof_chance(&v->r, 30))
		synth_wait(v->s, proof_below(&v->r, 20 * MS));
}

__u64 gen_device(const struct gen_container *c, int device)
{
	return c->key + 0x300 + 0x10 * device;
}

static void choose_device(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
			  int device)
{
	struct synth *s = v->s;

	s->device = gen_device(c, device);
	s->group = device ? 10 + device : 0;
	if (w->mode != RS_MODE_ARMED || s->off || c->told[device])
		return;
	c->told[device] = true;
	synth_device(s, s->device, c->key, device ? 10 + device : 5, "");
}

void gen_pin(struct gen_world *w, struct gen_vm *v, struct gen_container *c, int device,
	     struct gen_range *r, __u64 at, __u32 pages)
{
	choose_device(w, v, c, device);
	synth_pin(v->s, c->key, r->iova + at, pages, proof_below(&v->r, pages + 1));
}

static void pin(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
{
	struct gen_range *r = &c->range[proof_below(&v->r, c->nr)];
	__u64 pages = r->size / PAGE, at = proof_below(&v->r, pages);
	__u32 nr = 1 + proof_below(&v->r, pages - at < 8 ? pages - at : 8);
	int device = proof_below(&v->r, GEN_DEVICES);

	if (c->nr_pins == GEN_PINS)
		return;
	if (proof_chance(&v->r, 70))
		v->s->twist.pfn = r->pfn + at;
	v->s->twist.kthread = proof_chance(&v->r, 30);
	gen_pin(w, v, c, device, r, at * PAGE, nr);
	c->pin[c->nr_pins++] = (struct gen_pin){ device, r->iova + at * PAGE, nr, v->s->off };
}

static void unpin(struct gen_world *w, struct gen_vm *v, struct gen_container *c, int i)
{
	struct gen_pin p = c->pin[i];

	c->pin[i] = c->pin[--c->nr_pins];
	choose_device(w, v, c, p.device);
	/* Pages can be given back in other portions. */
	if (p.pages > 1 && proof_chance(&v->r, 30)) {
		synth_unpin(v->s, c->key, p.iova + PAGE, p.pages - 1);
		p.pages = 1;
	}
	synth_unpin(v->s, c->key, p.iova, p.pages);
	if (p.old && !v->s->off && w->mode == RS_MODE_ALL) {
		gen_expect(w, "pin-balance", RS_UNKNOWN);
		/* Unless the same page has been pinned since: then that one seems to be given back. */
		w->perhaps[proof_rule("pin-balance")] = true;
	}
}

static void unpin_range(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
			const struct gen_range *r)
{
	for (int i = c->nr_pins; i-- > 0;)
		if (!r || c->pin[i].iova - r->iova < r->size)
			unpin(w, v, c, i);
}

/* What is behind a range, mostly a shared file. */
static void choose_memory(struct gen_vm *v, struct gen_range *r, struct proof_rng *rng)
{
	__u64 pages = r->size / PAGE;

	r->ino = 40 + proof_below(rng, 5);
	r->off = proof_below(rng, 1000) * PAGE;
	r->pfn = ((v->pid & 0xff00ULL) << 20) + (proof_random(rng) & 0xffff) * 0x1000 + 0x100000;
	r->kind = (struct synth_twist){ 0 };
	if (pages > 1 && proof_chance(rng, 25)) {
		r->kind.split = (1 + proof_below(rng, pages - 1)) * PAGE;
		r->kind.split_off = proof_chance(rng, 50) ? (__s64)(100 * PAGE) : 0;
	}
	if (proof_chance(rng, 10))
		r->kind.vm_flags = RS_VM_HUGETLB;
	if (proof_chance(rng, 6))
		r->kind.what = RS_BACKING_ANON;
	else if (proof_chance(rng, 2))
		r->kind.private_map = true;
	else if (proof_chance(rng, 2))
		r->kind.cut = true;
	else if (proof_chance(rng, 2))
		r->kind.what = RS_BACKING_BUSY;
}

static void map(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
{
	struct gen_range *r = &c->range[c->nr];

	if (c->nr == GEN_RANGES)
		return;
	*r = (struct gen_range){
		.iova = c->next_iova,
		.size = (1 + proof_below(&v->r, proof_chance(&v->r, 80) ? 16 : 512)) * PAGE
	};
	c->next_iova += r->size;
	if (proof_chance(&v->r, 50))
		c->next_iova += proof_below(&v->r, 64) * PAGE;
	choose_memory(v, r, &v->r);
	v->s->twist = r->kind;
	v->s->twist.pfn = r->pfn;
	c->nr++;
	if (!occasion(w, v, c, r, GEN_AT_MAP))
		synth_map(v->s, c->key, r->iova, r->size, r->ino, r->off);
}

void gen_forget_range(struct gen_container *c, struct gen_range *r)
{
	bool highest = true;

	for (int i = 0; i < c->nr; i++)
		highest &= c->range[i].iova <= r->iova;
	/* An iova can be mapped again, to other memory. */
	if (highest)
		c->next_iova = r->iova;
	*r = c->range[--c->nr];
}

static void unmap(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
		  struct gen_range *r)
{
	unpin_range(w, v, c, r);
	synth_unmap(v->s, c->key, r->iova, r->size);
	gen_forget_range(c, r);
}

/* Somebody who has nothing to do with it but a common ancestor, and perhaps a common mm. */
static void helper(struct gen_vm *v)
{
	__u32 child = v->next_pid++;

	synth_fork(v->s, child, proof_chance(&v->r, 50));
	synth_as(v->s, child);
	if (proof_chance(&v->r, 70))
		synth_exec(v->s);
	if (proof_chance(&v->r, 70)) {
		v->s->twist.killed = proof_chance(&v->r, 30) ? 9 : 0;
		synth_exit(v->s, 0);
	}
	synth_as(v->s, v->pid);
}

static void copy(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
{
	struct gen_range *r = &c->range[proof_below(&v->r, c->nr)];

	choose_device(w, v, c, proof_below(&v->r, GEN_DEVICES));
	v->s->twist.kthread = proof_chance(&v->r, 50);
	synth_rw(v->s, c->key, r->iova, 1 + proof_below(&v->r, r->size), proof_chance(&v->r, 50));
}

/* Something outside of windows. */
static void quiet(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
{
	struct gen_range *r = c->nr ? &c->range[proof_below(&v->r, c->nr)] : NULL;

	new_cpu(v);
	if (c->hands_off || c->gone || occasion(w, v, c, r, GEN_AT_QUIET) || c->hands_off)
		return;
	switch (proof_below(&v->r, r ? 11 : 3)) {
	case 0:
		map(w, v, c);
		break;
	case 1:
		synth_ioctl(v->s, c->key, GET_INFO);
		break;
	case 2:
		helper(v);
		break;
	case 3:
	case 4:
		pin(w, v, c);
		break;
	case 5:
	case 6:
		if (c->nr_pins)
			unpin(w, v, c, proof_below(&v->r, c->nr_pins));
		break;
	case 7:
		copy(w, v, c);
		break;
	case 8:
		unmap(w, v, c, r);
		break;
	case 9:
		/* Refused: nothing has happened. */
		v->s->twist.ret = -ENOMEM;
		synth_map(v->s, c->key, r->iova + (1ULL << 40), PAGE, 1, 0);
		break;
	case 10:
		/* A range that is valid: the kernel refuses. */
		synth_remap(v->s, c->key, r->iova, r->size, r->ino, r->off);
		break;
	}
}

static struct gen_range *invalid_range(struct gen_vm *v, struct gen_container *c, bool invalid)
{
	int first = c->nr ? proof_below(&v->r, c->nr) : 0;

	for (int i = 0; i < c->nr; i++) {
		struct gen_range *r = &c->range[(first + i) % c->nr];

		if (r->invalid == invalid && !r->skip)
			return r;
	}
	return NULL;
}

void gen_try_longer(struct gen_vm *v, struct gen_container *c, struct gen_range *r)
{
	__u64 end = r->iova + r->size + PAGE;

	synth_remap(v->s, c->key, r->iova, r->size + PAGE, r->ino, r->off);
	for (int i = 0; i < c->nr; i++)
		if (c->range[i].iova >= r->iova && c->range[i].iova < end)
			c->range[i].tried = c->range[i].invalid;
}

/* Something inside a window that is right, or refused. */
static void inside(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
{
	struct gen_range *r = invalid_range(v, c, true), *valid = invalid_range(v, c, false);
	struct synth *s = v->s;

	if (!r || c->hands_off)
		return;
	new_cpu(v);
	if (occasion(w, v, c, r, GEN_AT_WINDOW) || c->hands_off)
		return;
	choose_device(w, v, c, proof_below(&v->r, GEN_DEVICES));
	switch (proof_below(&v->r, 13)) {
	case 0:
		synth_pin(s, c->key, r->iova, 1, 0);
		break;
	case 1:
		synth_rw(s, c->key, r->iova, 8, true);
		break;
	case 2:
		if (c->nr_pins)
			unpin(w, v, c, proof_below(&v->r, c->nr_pins));
		break;
	case 3:
		synth_ioctl(s, c->key, GET_INFO);
		break;
	case 4:
		s->twist.ret = -EINVAL;
		synth_map(s, c->key, r->iova + (1ULL << 40), PAGE, 1, 0);
		break;
	case 5:
		s->twist.ret = -EINVAL;
		synth_unmap(s, c->key, r->iova, r->size);
		break;
	case 6:
		s->twist.ret = -EBUSY;
		synth_attach(s, c->key);
		break;
	case 7:
		/* Refused; it will be done right later. */
		gen_try_longer(v, c, r);
		break;
	case 8:
		synth_iommu(s, c->key, r->iova, r->size, RS_IOMMU_MAP, -ENOMEM);
		break;
	case 9:
		if (valid)
			synth_iommu(s, c->key, valid->iova, valid->size, RS_IOMMU_UNMAP,
				    valid->size);
		break;
	case 10:
		if (valid)
			synth_xlate(s, c->key, valid->iova, RS_IN_ATTACH);
		break;
	case 11:
		if (valid)
			unmap(w, v, c, valid);
		break;
	case 12:
		/* Refused, though exact. */
		s->twist.ret = -ENOMEM;
		synth_remap(s, c->key, r->iova, r->size, r->ino, r->off);
		break;
	}
}

/* --verify: the recorder looks at the pages. Return: whether all were looked at */
static bool look(struct gen_world *w, struct gen_vm *v, const struct gen_range *r)
{
	__u64 step = rs_sample_step(r->size, w->verify == RS_VERIFY_ALL), asked = 0;

	if (proof_chance(&v->r, 10))
		return false;
	if (step == PAGE) {
		asked = r->size / PAGE;
		synth_pagemap(v->s, 0, asked, r->pfn);
	} else {
		for (__u64 at = 0; at < r->size; at += step, asked++)
			synth_pagemap(v->s, at, 1, r->pfn + at / PAGE);
	}
	synth_verify(v->s, asked, asked, step == PAGE);
	return step == PAGE;
}

void gen_remapped(struct gen_world *w, struct gen_vm *v, struct gen_range *r, bool looked)
{
	bool named = r->kind.what != RS_BACKING_ANON && r->kind.what != RS_BACKING_BUSY &&
		     !r->kind.private_map && !r->kind.cut;

	if (r->kind.what == RS_BACKING_ANON && v->old_mm == synth_mm(v->s, v->pid) && !r->kind.cut)
		named = true;
	if (r->late)
		named = false;
	if (!named && !looked)
		gen_expect(w, "remap-same-memory", RS_UNKNOWN);
	r->invalid = r->tried = r->late = false;
}

static void remap(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
		  struct gen_range *r)
{
	bool looked;

	new_cpu(v);
	v->s->twist = r->kind;
	if (occasion(w, v, c, r, GEN_AT_REMAP))
		return;
	synth_remap(v->s, c->key, r->iova, r->size, r->ino, r->off);
	if (occasion(w, v, c, r, GEN_AT_REMAPPED)) {
		gen_remapped(w, v, r, true);
		return;
	}
	looked = w->verify && look(w, v, r);
	gen_remapped(w, v, r, looked);
}

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
		remap(w, v, todo[left].c, todo[left].r);
		if (todo[left].r->invalid)
			todo[left].r->skip = true;
		if (proof_chance(&v->r, 30))
			inside(w, v, todo[left].c);
	}
}

static void invalidate_container(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
{
	bool all = proof_chance(&v->r, 60);
	struct gen_range *r;

	for (int i = 0; i < c->nr; i++) {
		occasion(w, v, c, &c->range[i], GEN_AT_INVALIDATE);
		all &= !c->range[i].skip && !c->range[i].invalid;
	}
	if (all && c->nr) {
		synth_invalidate_all(v->s, c->key);
		for (int i = 0; i < c->nr; i++)
			c->range[i].invalid = true;
	}
	while ((r = invalid_range(v, c, false))) {
		new_cpu(v);
		synth_invalidate(v->s, c->key, r->iova, r->size);
		r->invalid = true;
		if (proof_chance(&v->r, 20))
			inside(w, v, c);
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

	while (some-- && (r = invalid_range(v, c, false))) {
		synth_invalidate(v->s, c->key, r->iova, r->size);
		r->invalid = true;
		if (proof_chance(&v->r, 30))
			inside(w, v, c);
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
		struct gen_range *r = c->hands_off || c->gone ? NULL : invalid_range(v, c, false);

		v->before = old;
		if (r)
			occasion(w, v, c, r, GEN_AT_PASSED);
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

		while ((r = invalid_range(v, c, false))) {
			new_cpu(v);
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
	if (proof_chance(&v->r, 25)) {
		cancelled_update(w, v);
		return;
	}
	for (int i = 0; i < v->nr; i++) {
		struct gen_container *c = &v->c[(first + i) % v->nr];

		invalidate_container(w, v, c);
		for (int n = proof_below(&v->r, 3); n-- > 0;)
			inside(w, v, c);
	}
	hand_over(w, v);
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
	while (some-- && (r = invalid_range(v, c, false))) {
		synth_invalidate(v->s, c->key, r->iova, r->size);
		r->invalid = true;
		gen_expect(w, "window-closed", RS_UNKNOWN);
		inside(w, v, c);
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
		unpin_range(w, v, &v->c[i], NULL);
	for (int i = 0; i < v->nr; i++) {
		struct gen_range *r;

		while ((r = invalid_range(v, &v->c[i], false))) {
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
			map(w, v, c);
		for (int n = proof_below(&v->r, 4); n-- > 0 && c->nr;)
			quiet(w, v, c);
	}
	if (!v->late)
		return;
	/* The recording begins. */
	inside_window = (w->mode == RS_MODE_ALL && proof_chance(&v->r, 50)) ||
			(w->fault && w->fault->flags & PROOF_LATE);
	for (int i = 0; i < v->nr && inside_window; i++) {
		struct gen_container *c = &v->c[i];

		for (int n = c->nr ? 1 + proof_below(&v->r, c->nr) : 0; n-- > 0;) {
			struct gen_range *r = invalid_range(v, c, false);

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
		new_cpu(v);
		unpin_range(w, v, c, NULL);
		if (!c->hands_off)
			occasion(w, v, c, c->nr ? &c->range[0] : NULL, GEN_AT_END);
	}
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
			quiet(w, v, &v->c[proof_below(&v->r, v->nr)]);
		update(w, v);
	}
	for (int k = proof_below(&v->r, 4); k-- > 0;)
		quiet(w, v, &v->c[proof_below(&v->r, v->nr)]);
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
