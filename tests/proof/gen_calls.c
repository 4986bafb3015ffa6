// SPDX-License-Identifier: GPL-2.0-only
/* What a correct process does, one thing at a time, outside of windows and inside, and what must be found of it. */
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

bool gen_occasion(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
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

void gen_new_cpu(struct gen_vm *v)
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

void gen_unpin(struct gen_world *w, struct gen_vm *v, struct gen_container *c,
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

void gen_map(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
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
	if (!gen_occasion(w, v, c, r, GEN_AT_MAP))
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
	gen_unpin(w, v, c, r);
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

void gen_quiet(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
{
	struct gen_range *r = c->nr ? &c->range[proof_below(&v->r, c->nr)] : NULL;

	gen_new_cpu(v);
	if (c->hands_off || c->gone || gen_occasion(w, v, c, r, GEN_AT_QUIET) || c->hands_off)
		return;
	switch (proof_below(&v->r, r ? 11 : 3)) {
	case 0:
		gen_map(w, v, c);
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

struct gen_range *gen_invalid_range(struct gen_vm *v, struct gen_container *c, bool invalid)
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

void gen_inside(struct gen_world *w, struct gen_vm *v, struct gen_container *c)
{
	struct gen_range *r = gen_invalid_range(v, c, true),
			 *valid = gen_invalid_range(v, c, false);
	struct synth *s = v->s;

	if (!r || c->hands_off)
		return;
	gen_new_cpu(v);
	if (gen_occasion(w, v, c, r, GEN_AT_WINDOW) || c->hands_off)
		return;
	choose_device(w, v, c, proof_below(&v->r, GEN_DEVICES));
	switch (proof_below(&v->r, 14)) {
	case 13:
		/* A kernel that lets it wait, for a while. */
		synth_wait_given_up(s, c->key, r->iova, 1, SEC);
		break;
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

void gen_remap(struct gen_world *w, struct gen_vm *v, struct gen_container *c, struct gen_range *r)
{
	bool looked;

	gen_new_cpu(v);
	v->s->twist = r->kind;
	if (gen_occasion(w, v, c, r, GEN_AT_REMAP))
		return;
	synth_remap(v->s, c->key, r->iova, r->size, r->ino, r->off);
	if (gen_occasion(w, v, c, r, GEN_AT_REMAPPED)) {
		gen_remapped(w, v, r, true);
		return;
	}
	looked = w->verify && look(w, v, r);
	gen_remapped(w, v, r, looked);
}
