// SPDX-License-Identifier: GPL-2.0-only
/* What can go wrong, each with the rule that has to find it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "synth_internal.h"
#include "gen.h"

#define W  const struct gen_world *w
#define V  const struct gen_vm *v
#define C  const struct gen_container *c
#define R  const struct gen_range *r
#define GO struct gen_world *w, struct gen_vm *v, struct gen_container *c, struct gen_range *r

#define FITS(name, cond)                            \
	static bool name(W, V, C, R)                \
	{                                           \
		(void)w, (void)v, (void)c, (void)r; \
		return cond;                        \
	}

/* What is said of the call that is about to be made, which then goes on. */
#define TWIST(name, ...)                            \
	static bool name(GO)                        \
	{                                           \
		(void)w, (void)v, (void)c, (void)r; \
		__VA_ARGS__;                        \
		return false;                       \
	}

/* What happens in place of that call. */
#define DO(name, ...)                               \
	static bool name(GO)                        \
	{                                           \
		(void)w, (void)v, (void)c, (void)r; \
		__VA_ARGS__;                        \
		return true;                        \
	}

static bool is_named(const struct gen_range *r)
{
	return r->kind.what != RS_BACKING_ANON && r->kind.what != RS_BACKING_BUSY &&
	       !r->kind.private_map && !r->kind.cut;
}

static bool is_seen(const struct gen_container *c, const struct gen_range *r)
{
	return is_named(r) && !c->joined_inside;
}

/* Everything that is left of the container is its end. */
static void leave(struct gen_container *c)
{
	c->hands_off = true;
}

static __u64 owner_of(const struct gen_vm *v, __u64 key, __u64 iova)
{
	const struct synth_container *c = synth_container_of(v->s, key);

	for (size_t i = 0; i < c->nr; i++)
		if (c->range[i].iova == iova)
			return c->range[i].mm;
	return 0;
}

static bool moves(const struct gen_vm *v, const struct gen_container *c, const struct gen_range *r)
{
	return owner_of(v, c->key, r->iova) != synth_mm(v->s, v->pid);
}

static bool pays_back(const struct gen_vm *v, const struct gen_container *c,
		      const struct gen_range *r)
{
	__u64 mm = owner_of(v, c->key, r->iova);

	return mm != synth_mm(v->s, v->pid) && synth_users_of(v->s, mm);
}

static void remap_as(GO, __u64 size, __u64 ino, __u64 off)
{
	synth_remap(v->s, c->key, r->iova, size, ino, off);
	gen_remapped(w, v, r, false);
	leave(c);
}

static void *last_of(struct synth *s, enum rs_event_type type)
{
	for (size_t i = s->nr; i-- > 0;)
		if (s->rec[i].ev->type == type)
			return s->rec[i].ev;
	MUST(!"a record of that type");
	return NULL;
}

static const struct gen_range *neighbour(const struct gen_container *c, const struct gen_range *r)
{
	for (int i = 0; i < c->nr; i++)
		if (c->range[i].iova == r->iova + r->size)
			return &c->range[i];
	return NULL;
}

FITS(whole_window, !c->joined_inside)
FITS(untried, !r->tried)
/* Another range's remap shows that the container lives on; a close by the same process would not. */
FITS(lone_mm, c->nr > 1 && synth_users_of(v->s, synth_mm(v->s, v->pid)) == 1)
FITS(seen, is_seen(c, r))
FITS(has_range, r && !v->s->off)
FITS(recorded, !v->s->off)
FITS(owner_changes, moves(v, c, r))
FITS(old_owner_lives, pays_back(v, c, r))
FITS(stays, !moves(v, c, r))
FITS(has_neighbour, neighbour(c, r) != NULL && neighbour(c, r)->invalid)
FITS(two_pages, is_seen(c, r) && r->size > PAGE)
FITS(born_device, r && !v->s->off && !v->late && !c->nr_pins)
FITS(pfn_known, r && !v->s->off && !v->late)

/* window-closed */
DO(forget_remap, leave(c); r->skip = true)
TWIST(wait_too_long, synth_wait(v->s, 61 * SEC))
TWIST(wait_nearly, synth_wait(v->s, 50 * SEC))

/* remap-exact */
DO(remap_longer, v->s->twist.size = r->size + PAGE;
   remap_as(w, v, c, r, r->size + PAGE, r->ino, r->off))
DO(remap_both, v->s->twist.size = r->size + neighbour(c, r)->size;
   remap_as(w, v, c, r, r->size + neighbour(c, r)->size, r->ino, r->off))
DO(remap_refused_then_left, gen_try_longer(v, c, r); leave(c); r->skip = true)

static bool remap_elsewhere(GO)
{
	struct rs_ev_map *x;

	remap_as(w, v, c, r, r->size, r->ino, r->off);
	x = last_of(v->s, RS_EV_MAP);
	x->old_iova = rs_iova(r->iova - PAGE);
	x->iova = rs_iova(r->iova + PAGE);
	return true;
}

/* remap-same-memory */
DO(other_file, remap_as(w, v, c, r, r->size, r->ino + 1, r->off))
DO(other_offset, remap_as(w, v, c, r, r->size, r->ino, r->off + PAGE))
DO(other_device, v->s->twist.dev = 9; remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(other_generation, v->s->twist.generation = 8; remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(nothing_there, v->s->twist.hole = true; v->s->twist.split = 0;
   remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(became_private, v->s->twist.private_map = true; remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(became_anonymous, v->s->twist.what = RS_BACKING_ANON;
   remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(other_last_page, v->s->twist.split = r->size - PAGE; v->s->twist.split_off = 333 * PAGE;
   remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(hole_at_end, v->s->twist.split = r->size - PAGE; v->s->twist.hole = true;
   v->s->twist.split_off = r->kind.split ? r->kind.split_off : 0;
   remap_as(w, v, c, r, r->size, r->ino, r->off))

/* no-gup-in-window */
DO(pin_inside, v->s->twist.gup_calls = 1; v->s->device = 0; gen_pin(w, v, c, 0, r, 0, 1);
   synth_unpin(v->s, c->key, r->iova, 1))
DO(translate_inside, synth_xlate(v->s, c->key, r->iova, RS_IN_ATTACH))
TWIST(remap_translates, v->s->twist.gup_calls = 1)

/* no-iommu-change */
DO(iommu_map_inside, synth_iommu(v->s, c->key, r->iova, PAGE, RS_IOMMU_MAP, 0))
DO(iommu_unmap_inside,
   synth_iommu(v->s, c->key, r->iova + r->size - PAGE, PAGE, RS_IOMMU_UNMAP, PAGE))

/* no-new-user */
DO(map_inside, synth_map(v->s, c->key, 1ULL << 40, PAGE, 1, 0);
   synth_unmap(v->s, c->key, 1ULL << 40, PAGE))
DO(attach_inside, synth_attach(v->s, c->key))

static bool unmap_inside(GO)
{
	(void)w;
	synth_unmap(v->s, c->key, r->iova, r->size);
	gen_forget_range(c, r);
	return true;
}

static bool refused_then_unmapped(GO)
{
	gen_try_longer(v, c, r);
	return unmap_inside(w, v, c, r);
}

/* all-before-exec */
TWIST(leave_behind, r->skip = true; leave(c))

/* locked-conserved */
TWIST(charged_one_more, v->s->twist.gain_off = 1)
TWIST(charged_one_less, v->s->twist.gain_off = -1)
TWIST(charged_nothing, v->s->twist.no_charge = true)
TWIST(not_given_back, v->s->twist.no_refund = true)
TWIST(third_charged, v->s->twist.third_mm = true)

static bool given_back_twice(GO)
{
	struct rs_ev_map *x;

	remap_as(w, v, c, r, r->size, r->ino, r->off);
	c->hands_off = false;
	x = last_of(v->s, RS_EV_MAP);
	x->work.acct[1].pages *= 2;
	return true;
}

/* owner-mm */
static bool attach_pins_for_other(GO)
{
	(void)r;
	/* The first range. */
	w->hit.at = synth_container_of(v->s, c->key)->range[0].iova;
	v->s->twist.foreign = 99;
	synth_attach(v->s, c->key);
	return true;
}

/* pin-balance */
DO(unpin_unpinned, gen_pin(w, v, c, 0, r, 0, 1);
   for (int i = 0; i < 2; i++) synth_unpin(v->s, c->key, r->iova, 1))
DO(unpin_never_pinned, v->s->device = gen_device(c, 0); v->s->group = 0;
   synth_unpin(v->s, c->key, r->iova, 1))
DO(unpin_then_leave, v->s->device = gen_device(c, 0); v->s->group = 0; gen_pin(w, v, c, 0, r, 0, 1);
   synth_unpin(v->s, c->key, r->iova + PAGE, 1); leave(c))
DO(pin_left, if (r) gen_pin(w, v, c, 0, r, 0, 1); leave(c))

/* no-zero-pin */
DO(pin_zero, v->s->twist.gup_zero = 1; gen_pin(w, v, c, 0, r, 0, 1);
   synth_unpin(v->s, c->key, r->iova, 1))

/* translation-stable */
DO(pin_other_page, v->s->twist.pfn = r->pfn + 7; gen_pin(w, v, c, 0, r, 0, 1);
   synth_unpin(v->s, c->key, r->iova, 1))
DO(other_pages, synth_pagemap(v->s, 0, 1, r->pfn + 1); synth_verify(v->s, 1, 1, r->size == PAGE))
DO(
	pin_other_page_twice, for (int i = 1; i < 3; i++) {
		v->s->twist.pfn = r->pfn + i;
		gen_pin(w, v, c, 0, r, 0, 1);
		synth_unpin(v->s, c->key, r->iova, 1);
	})
DO(second_domain_differs, v->s->twist.pfn = r->pfn + 1; synth_attach(v->s, c->key))

/* one-owner */
static bool old_owner_maps(GO)
{
	__u32 now = v->pid;

	(void)w;
	(void)r;
	synth_as(v->s, v->before);
	synth_map(v->s, c->key, 1ULL << 40, PAGE, 1, 0);
	synth_unmap(v->s, c->key, 1ULL << 40, PAGE);
	synth_as(v->s, now);
	return true;
}

/* Where the recording begins inside a window, or ends inside one. */
FITS(late_window, c->joined_inside)
FITS(late_seen, c->joined_inside && c->seen_inside)
FITS(late_unseen, c->joined_inside && !c->seen_inside)

#define STRANGER 4000000

/* Nobody knows whether it has handed the container over before. */
static bool stranger_maps(GO)
{
	(void)r;
	gen_expect(w, "one-owner", RS_UNKNOWN);
	for (int i = 0; i < 2; i++) {
		synth_as(v->s, STRANGER);
		synth_map(v->s, c->key, 1ULL << 40, PAGE, 1, 0);
		synth_unmap(v->s, c->key, 1ULL << 40, PAGE);
	}
	synth_as(v->s, v->pid);
	return true;
}

static bool unknown_owner_maps(GO)
{
	gen_expect(w, "one-owner", RS_UNKNOWN);
	return old_owner_maps(w, v, c, r);
}

FITS(late_untried, c->joined_inside && !r->tried)
FITS(late_range, r->late)
FITS(late_seen_whole, r->late && !r->kind.cut && r->kind.what != RS_BACKING_BUSY)

static bool end_inside(GO)
{
	gen_expect(w, "window-closed", RS_UNKNOWN);
	if (r->tried)
		gen_expect(w, "remap-exact", RS_UNKNOWN);
	leave(c);
	r->skip = true;
	v->dead = true;
	return true;
}

static bool end_tried(GO)
{
	gen_try_longer(v, c, r);
	return end_inside(w, v, c, r);
}

DO(new_users, for (int i = 0; i < 2; i++) map_inside(w, v, c, r);
   for (int i = 0; i < 2; i++) synth_attach(v->s, c->key); unmap_inside(w, v, c, r))

/* After an exec with all its ranges. */
FITS(alone, r && v->nr == 1 && !v->s->off && synth_users_of(v->s, synth_mm(v->s, v->pid)) == 1)
DO(exec_then_unmap, synth_exec(v->s); synth_unmap(v->s, c->key, r->iova, r->size);
   gen_forget_range(c, r); leave(c))
DO(exec_then_end, synth_exec(v->s); leave(c); v->dead = true)

/* Armed and late: nobody knows which group was the last one, with which all ranges go. */
FITS(found_alone, alone(w, v, c, r) && v->late)
DO(detach_exec_attach, gen_expect(w, "all-before-exec", RS_UNKNOWN); synth_detach(v->s, c->key);
   synth_exec(v->s); synth_attach(v->s, c->key); leave(c); v->dead = true)
DO(detach_exec_end, gen_expect(w, "all-before-exec", RS_UNKNOWN); synth_detach(v->s, c->key);
   synth_exec(v->s); leave(c); v->dead = true)

/* An older recorder's records are shorter. */
static bool older_pin(GO)
{
	struct rs_ev_request *x;

	v->s->twist.kthread = false;
	gen_pin(w, v, c, 1, r, 0, 1);
	x = last_of(v->s, RS_EV_REQUEST);
	x->h.size = offsetof(struct rs_ev_request, gup_zero);
	synth_unpin(v->s, c->key, r->iova, 1);
	return true;
}

/* What is found wrong more than once. */
DO(
	pages_twice, for (int i = 0; i < 2; i++) {
		synth_pagemap(v->s, 0, 1, r->pfn + 1);
		synth_verify(v->s, 1, 1, r->size == PAGE);
	})
DO(other_file_and_pages, remap_as(w, v, c, r, r->size, r->ino + 1, r->off);
   synth_pagemap(v->s, 0, 1, r->pfn + 1); synth_verify(v->s, 1, 1, r->size == PAGE))
DO(other_file_same_pages, remap_as(w, v, c, r, r->size, r->ino + 1, r->off);
   synth_pagemap(v->s, 0, 1, r->pfn); synth_verify(v->s, 1, 1, r->size == PAGE))
FITS(is_anonymous, r->kind.what == RS_BACKING_ANON && !c->joined_inside)

/* A kernel that does not tell who is charged. */
TWIST(not_told, v->s->twist.no_mm = true; gen_expect(w, "locked-conserved", RS_UNKNOWN))

/* What contradicts itself. */
static bool remap_twice(GO)
{
	struct rs_ev_map *x;

	remap_as(w, v, c, r, r->size, r->ino, r->off);
	/* The kernel refuses the second one. Here it says that it did not. */
	v->s->twist = r->kind;
	synth_remap(v->s, c->key, r->iova, r->size, r->ino, r->off);
	x = last_of(v->s, RS_EV_MAP);
	x->op.ret = 0;
	return true;
}

static bool invalidate_unseen(GO)
{
	struct fake_range *f = synth_container_of(v->s, c->key)->range;

	(void)w;
	while (f->iova != r->iova)
		f++;
	f->invalid = true;
	synth_container_of(v->s, c->key)->invalid++;
	r->invalid = true;
	r->skip = true;
	synth_ioctl(v->s, c->key, 0x3b70);
	v->s->twist = r->kind;
	synth_remap(v->s, c->key, r->iova, r->size, r->ino, r->off);
	r->invalid = r->skip = false;
	return true;
}

DO(remap_again_refused, remap_as(w, v, c, r, r->size, r->ino, r->off); c->hands_off = false;
   synth_remap(v->s, c->key, r->iova, r->size, r->ino, r->off))

#define ALL PROOF_ALL_ONLY

const struct proof_fault proof_faults[] = {
	{ "missing remap", "window-closed", {}, GEN_AT_REMAP, 0, untried, forget_remap },
	{ "late remap", "window-closed", {}, GEN_AT_REMAP, 0, NULL, wait_too_long },
	{ "inexact remap taken", "remap-exact", {}, GEN_AT_REMAP, 0, NULL, remap_longer },
	{ "overlapping remap taken",
	  "remap-exact",
	  {},
	  GEN_AT_REMAP,
	  0,
	  has_neighbour,
	  remap_both },
	{ "remap elsewhere taken", "remap-exact", {}, GEN_AT_REMAP, 0, two_pages, remap_elsewhere },
	{ "inexact remap refused, then closed",
	  "remap-exact",
	  { "window-closed" },
	  GEN_AT_REMAP,
	  0,
	  NULL,
	  remap_refused_then_left },
	{ "inexact remap refused, then unmapped",
	  "remap-exact",
	  { "no-new-user" },
	  GEN_AT_WINDOW,
	  0,
	  NULL,
	  refused_then_unmapped },
	{ "another file", "remap-same-memory", {}, GEN_AT_REMAP, 0, seen, other_file },
	{ "another offset", "remap-same-memory", {}, GEN_AT_REMAP, 0, seen, other_offset },
	{ "another device's file", "remap-same-memory", {}, GEN_AT_REMAP, 0, seen, other_device },
	{ "another generation of the inode",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  0,
	  seen,
	  other_generation },
	{ "nothing at the new vaddr",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  0,
	  seen,
	  nothing_there },
	{ "a private mapping", "remap-same-memory", {}, GEN_AT_REMAP, 0, seen, became_private },
	{ "anonymous memory", "remap-same-memory", {}, GEN_AT_REMAP, 0, seen, became_anonymous },
	{ "another last page",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  0,
	  two_pages,
	  other_last_page },
	{ "a hole at the end", "remap-same-memory", {}, GEN_AT_REMAP, 0, two_pages, hole_at_end },
	{ "pin inside", "no-gup-in-window", {}, GEN_AT_WINDOW, 0, NULL, pin_inside },
	{ "translation inside", "no-gup-in-window", {}, GEN_AT_WINDOW, 0, NULL, translate_inside },
	{ "remap that translates",
	  "no-gup-in-window",
	  {},
	  GEN_AT_REMAP,
	  0,
	  NULL,
	  remap_translates },
	{ "IOMMU map inside", "no-iommu-change", {}, GEN_AT_WINDOW, 0, NULL, iommu_map_inside },
	{ "IOMMU unmap inside", "no-iommu-change", {}, GEN_AT_WINDOW, 0, NULL, iommu_unmap_inside },
	{ "map inside", "no-new-user", {}, GEN_AT_WINDOW, PROOF_CONTAINER, NULL, map_inside },
	{ "unmap inside",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_CONTAINER,
	  untried,
	  unmap_inside },
	{ "attach inside", "no-new-user", {}, GEN_AT_WINDOW, PROOF_CONTAINER, NULL, attach_inside },
	{ "exec or exit with a live range",
	  "all-before-exec",
	  {},
	  GEN_AT_INVALIDATE,
	  0,
	  lone_mm,
	  leave_behind },
	{ "map charged too much",
	  "locked-conserved",
	  {},
	  GEN_AT_MAP,
	  ALL,
	  recorded,
	  charged_one_more },
	{ "map charged too little",
	  "locked-conserved",
	  {},
	  GEN_AT_MAP,
	  ALL,
	  recorded,
	  charged_one_less },
	{ "map charged nothing",
	  "locked-conserved",
	  {},
	  GEN_AT_MAP,
	  ALL,
	  recorded,
	  charged_nothing },
	{ "remap charged too much",
	  "locked-conserved",
	  {},
	  GEN_AT_REMAP,
	  0,
	  owner_changes,
	  charged_one_more },
	{ "remap charged too little",
	  "locked-conserved",
	  {},
	  GEN_AT_REMAP,
	  0,
	  owner_changes,
	  charged_one_less },
	{ "remap charged nothing",
	  "locked-conserved",
	  {},
	  GEN_AT_REMAP,
	  0,
	  owner_changes,
	  charged_nothing },
	{ "remap by the owner charged",
	  "locked-conserved",
	  {},
	  GEN_AT_REMAP,
	  0,
	  stays,
	  charged_one_more },
	{ "remap without giving back",
	  "locked-conserved",
	  {},
	  GEN_AT_REMAP,
	  0,
	  old_owner_lives,
	  not_given_back },
	{ "remap that gives back twice",
	  "locked-conserved",
	  {},
	  GEN_AT_REMAP,
	  0,
	  old_owner_lives,
	  given_back_twice },
	{ "remap charges a third", "locked-conserved", {}, GEN_AT_REMAP, 0, NULL, third_charged },
	{ "attach pins for another",
	  "owner-mm",
	  {},
	  GEN_AT_QUIET,
	  ALL,
	  has_range,
	  attach_pins_for_other },
	{ "unpin of what is not pinned",
	  "pin-balance",
	  {},
	  GEN_AT_QUIET,
	  ALL | PROOF_DEVICE,
	  born_device,
	  unpin_unpinned },
	{ "unpin by a device that never pinned",
	  "pin-balance",
	  {},
	  GEN_AT_QUIET,
	  ALL | PROOF_DEVICE,
	  born_device,
	  unpin_never_pinned },
	{ "unpin of another page, then closed",
	  "pin-balance",
	  {},
	  GEN_AT_END,
	  ALL | PROOF_DEVICE,
	  born_device,
	  unpin_then_leave },
	{ "pins left at the end",
	  "pin-balance",
	  {},
	  GEN_AT_END,
	  PROOF_DEVICE,
	  born_device,
	  pin_left },
	{ "unpin of what is not pinned, counted",
	  "pin-balance",
	  {},
	  GEN_AT_QUIET,
	  PROOF_ARMED_ONLY | PROOF_DEVICE,
	  born_device,
	  unpin_unpinned },
	{ "pin without a page",
	  "no-zero-pin",
	  {},
	  GEN_AT_QUIET,
	  ALL | PROOF_CONTAINER,
	  has_range,
	  pin_zero },
	{ "pin of another page",
	  "translation-stable",
	  {},
	  GEN_AT_QUIET,
	  ALL,
	  pfn_known,
	  pin_other_page },
	{ "pins of other pages",
	  "translation-stable",
	  {},
	  GEN_AT_QUIET,
	  ALL,
	  pfn_known,
	  pin_other_page_twice },
	{ "other pages at the new vaddr",
	  "translation-stable",
	  { "remap-same-memory" },
	  GEN_AT_REMAPPED,
	  PROOF_VERIFY_ONLY,
	  whole_window,
	  other_pages },
	{ "a second domain with other pages",
	  "translation-stable",
	  {},
	  GEN_AT_QUIET,
	  ALL | PROOF_VERIFY_ONLY,
	  pfn_known,
	  second_domain_differs },
	{ "the old owner maps",
	  "one-owner",
	  {},
	  GEN_AT_PASSED,
	  PROOF_CONTAINER,
	  whole_window,
	  old_owner_maps },
	{ "late, the old owner maps",
	  "one-owner",
	  {},
	  GEN_AT_PASSED,
	  PROOF_LATE | PROOF_CONTAINER,
	  late_seen,
	  old_owner_maps },
	{ "late, an owner of before maps",
	  NULL,
	  {},
	  GEN_AT_PASSED,
	  PROOF_LATE | PROOF_CORRECT,
	  late_unseen,
	  unknown_owner_maps },
	{ "late, a third process maps",
	  NULL,
	  {},
	  GEN_AT_PASSED,
	  PROOF_LATE | PROOF_CORRECT,
	  late_window,
	  stranger_maps },
	{ "late, nothing at the new vaddr",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  PROOF_LATE,
	  late_seen_whole,
	  nothing_there },
	{ "late, translation inside",
	  "no-gup-in-window",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE,
	  late_range,
	  translate_inside },
	{ "late, IOMMU map inside",
	  "no-iommu-change",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE,
	  late_range,
	  iommu_map_inside },
	{ "late, map inside",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE | PROOF_CONTAINER,
	  late_window,
	  map_inside },
	{ "late, unmap inside",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE | PROOF_CONTAINER,
	  late_untried,
	  unmap_inside },
	{ "late, attach inside",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE | PROOF_CONTAINER,
	  late_window,
	  attach_inside },
	{ "late, and ends inside",
	  NULL,
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE | PROOF_CORRECT,
	  late_range,
	  end_inside },
	{ "ends inside", NULL, {}, GEN_AT_REMAP, PROOF_CORRECT, NULL, end_inside },
	{ "ends inside, remapped inexactly",
	  NULL,
	  {},
	  GEN_AT_REMAP,
	  PROOF_CORRECT,
	  NULL,
	  end_tried },
	{ "new users, one after the other",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_CONTAINER,
	  untried,
	  new_users },
	{ "exec with live ranges, then unmapped",
	  "all-before-exec",
	  {},
	  GEN_AT_QUIET,
	  ALL,
	  alone,
	  exec_then_unmap },
	{ "exec with live ranges, and ends",
	  "all-before-exec",
	  {},
	  GEN_AT_QUIET,
	  0,
	  alone,
	  exec_then_end },
	{ "other pages, told twice",
	  "translation-stable",
	  { "remap-same-memory" },
	  GEN_AT_REMAPPED,
	  PROOF_VERIFY_ONLY,
	  whole_window,
	  pages_twice },
	{ "another file and other pages",
	  "remap-same-memory",
	  { "translation-stable" },
	  GEN_AT_REMAP,
	  PROOF_VERIFY_ONLY,
	  seen,
	  other_file_and_pages },
	{ "another file, of which a page is the same",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  PROOF_VERIFY_ONLY,
	  seen,
	  other_file_same_pages },
	{ "a group gone, exec with live ranges",
	  NULL,
	  {},
	  GEN_AT_QUIET,
	  PROOF_LATE_ARMED | PROOF_CORRECT,
	  found_alone,
	  detach_exec_attach },
	{ "a group gone, exec with live ranges, and ends",
	  NULL,
	  {},
	  GEN_AT_QUIET,
	  PROOF_LATE_ARMED | PROOF_CORRECT,
	  found_alone,
	  detach_exec_end },
	{ "an older recorder's pin",
	  NULL,
	  {},
	  GEN_AT_QUIET,
	  ALL | PROOF_CORRECT,
	  born_device,
	  older_pin },
	{ "anonymous memory of other pages",
	  "remap-same-memory",
	  { "translation-stable" },
	  GEN_AT_REMAPPED,
	  PROOF_VERIFY_ONLY,
	  is_anonymous,
	  other_pages },
	{ "who is charged not told",
	  NULL,
	  {},
	  GEN_AT_MAP,
	  ALL | PROOF_CORRECT,
	  recorded,
	  not_told },
	{ "a second remap taken",
	  NULL,
	  {},
	  GEN_AT_REMAP,
	  PROOF_NOT_PASS,
	  whole_window,
	  remap_twice },
	{ "an invalidation not recorded",
	  NULL,
	  {},
	  GEN_AT_QUIET,
	  PROOF_NOT_PASS | ALL,
	  born_device,
	  invalidate_unseen },
	{ "nearly too late", NULL, {}, GEN_AT_REMAP, PROOF_CORRECT, seen, wait_nearly },
	{ "a second remap refused",
	  NULL,
	  {},
	  GEN_AT_REMAP,
	  PROOF_CORRECT,
	  seen,
	  remap_again_refused },
};

const size_t proof_nr_faults = sizeof(proof_faults) / sizeof(proof_faults[0]);
