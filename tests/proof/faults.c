// SPDX-License-Identifier: GPL-2.0-only
/* What can go wrong, each with the rule that has to find it. */
#include "synth_internal.h"
#include "faults.h"

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
void fault_leave(struct gen_container *c)
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

	/* Of those that have it one must be told. */
	for (size_t i = 0; mm != synth_mm(v->s, v->pid) && i < v->s->nr_procs; i++) {
		const struct synth_proc *p = &v->s->proc[i];

		if (p->told && !p->exited && p->mm == mm)
			return true;
	}
	return false;
}

void fault_remap_as(GO, __u64 size, __u64 ino, __u64 off)
{
	synth_remap(v->s, c->key, r->iova, size, ino, off);
	gen_remapped(w, v, r, false);
	fault_leave(c);
}

void *fault_last_of(struct synth *s, enum rs_event_type type)
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

FITS_OF_ALL(fault_whole_window, !c->joined_inside)
FITS_OF_ALL(fault_untried, !r->tried)
/* Another range's remap shows that the container lives on; a close by the same process would not. */
FITS(lone_mm, c->nr > 1 && synth_users_of(v->s, synth_mm(v->s, v->pid)) == 1)
FITS_OF_ALL(fault_seen, is_seen(c, r))
FITS(has_range, r && !v->s->off)
FITS_OF_ALL(fault_recorded, !v->s->off)
FITS(owner_changes, moves(v, c, r))
FITS(old_owner_lives, pays_back(v, c, r))
FITS(stays, !moves(v, c, r))
FITS(has_neighbour, neighbour(c, r) != NULL && neighbour(c, r)->invalid)
FITS(two_pages, is_seen(c, r) && r->size > PAGE)
FITS_OF_ALL(fault_born_device, r && !v->s->off && !v->late && !c->nr_pins)
FITS(pfn_known, r && !v->s->off && !v->late)

/* window-closed */
DO(forget_remap, fault_leave(c); r->skip = true)
TWIST(wait_too_long, synth_wait(v->s, 61 * SEC))

/* remap-exact */
DO(remap_longer, v->s->twist.size = r->size + PAGE;
   fault_remap_as(w, v, c, r, r->size + PAGE, r->ino, r->off))
DO(remap_both, v->s->twist.size = r->size + neighbour(c, r)->size;
   fault_remap_as(w, v, c, r, r->size + neighbour(c, r)->size, r->ino, r->off))
DO(remap_refused_then_left, gen_try_longer(v, c, r); fault_leave(c); r->skip = true)

static bool remap_elsewhere(GO)
{
	struct rs_ev_map *x;

	fault_remap_as(w, v, c, r, r->size, r->ino, r->off);
	x = fault_last_of(v->s, RS_EV_MAP);
	x->old_iova = rs_iova(r->iova - PAGE);
	x->iova = rs_iova(r->iova + PAGE);
	return true;
}

/* remap-same-memory */
DO(other_file, fault_remap_as(w, v, c, r, r->size, r->ino + 1, r->off))
DO(other_offset, fault_remap_as(w, v, c, r, r->size, r->ino, r->off + PAGE))
DO(other_device, v->s->twist.dev = 9; fault_remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(other_generation, v->s->twist.generation = 8;
   fault_remap_as(w, v, c, r, r->size, r->ino, r->off))
DO_OF_ALL(fault_nothing_there, v->s->twist.hole = true; v->s->twist.split = 0;
	  fault_remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(became_private, v->s->twist.private_map = true;
   fault_remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(became_anonymous, v->s->twist.what = RS_BACKING_ANON;
   fault_remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(other_last_page, v->s->twist.split = r->size - PAGE; v->s->twist.split_off = 333 * PAGE;
   fault_remap_as(w, v, c, r, r->size, r->ino, r->off))
DO(hole_at_end, v->s->twist.split = r->size - PAGE; v->s->twist.hole = true;
   v->s->twist.split_off = r->kind.split ? r->kind.split_off : 0;
   fault_remap_as(w, v, c, r, r->size, r->ino, r->off))

/* no-gup-in-window */
DO(pin_inside, v->s->twist.gup_calls = 1; v->s->device = 0; gen_pin(w, v, c, 0, r, 0, 1);
   synth_unpin(v->s, c->key, r->iova, 1))
DO_OF_ALL(fault_translate_inside, synth_xlate(v->s, c->key, r->iova, RS_IN_ATTACH))
TWIST(remap_translates, v->s->twist.gup_calls = 1)

/* no-iommu-change */
DO_OF_ALL(fault_iommu_map_inside, synth_iommu(v->s, c->key, r->iova, PAGE, RS_IOMMU_MAP, 0))
DO(iommu_unmap_inside,
   synth_iommu(v->s, c->key, r->iova + r->size - PAGE, PAGE, RS_IOMMU_UNMAP, PAGE))

/* no-new-user */
DO_OF_ALL(fault_map_inside, synth_map(v->s, c->key, 1ULL << 40, PAGE, 1, 0);
	  synth_unmap(v->s, c->key, 1ULL << 40, PAGE))
DO_OF_ALL(fault_attach_inside, synth_attach(v->s, c->key))

bool fault_unmap_inside(GO)
{
	(void)w;
	synth_unmap(v->s, c->key, r->iova, r->size);
	gen_forget_range(c, r);
	return true;
}

static bool refused_then_unmapped(GO)
{
	gen_try_longer(v, c, r);
	return fault_unmap_inside(w, v, c, r);
}

/* all-before-exec */
TWIST(leave_behind, r->skip = true; fault_leave(c))

/* locked-conserved */
TWIST(charged_one_more, v->s->twist.gain_off = 1)
TWIST(charged_one_less, v->s->twist.gain_off = -1)
TWIST(charged_nothing, v->s->twist.no_charge = true)
TWIST(not_given_back, v->s->twist.no_refund = true)
TWIST(third_charged, v->s->twist.third_mm = true)

static bool given_back_twice(GO)
{
	struct rs_ev_map *x;

	fault_remap_as(w, v, c, r, r->size, r->ino, r->off);
	c->hands_off = false;
	x = fault_last_of(v->s, RS_EV_MAP);
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
   synth_unpin(v->s, c->key, r->iova + PAGE, 1); fault_leave(c))
DO(pin_left, if (r) gen_pin(w, v, c, 0, r, 0, 1); fault_leave(c))

/* no-zero-pin */
DO(pin_zero, v->s->twist.gup_zero = 1; gen_pin(w, v, c, 0, r, 0, 1);
   synth_unpin(v->s, c->key, r->iova, 1))

/* translation-stable */
DO(pin_other_page, v->s->twist.pfn = r->pfn + 7; gen_pin(w, v, c, 0, r, 0, 1);
   synth_unpin(v->s, c->key, r->iova, 1))
DO_OF_ALL(fault_other_pages, synth_pagemap(v->s, 0, 1, r->pfn + 1);
	  synth_verify(v->s, 1, 1, r->size == PAGE))
DO(
	pin_other_page_twice, for (int i = 1; i < 3; i++) {
		v->s->twist.pfn = r->pfn + i;
		gen_pin(w, v, c, 0, r, 0, 1);
		synth_unpin(v->s, c->key, r->iova, 1);
	})
DO(second_domain_differs, v->s->twist.pfn = r->pfn + 1; synth_attach(v->s, c->key))

/* one-owner */
bool fault_old_owner_maps(GO)
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

/* wait-bounded */

DO(wait_for_ever, synth_waits(v->s, c->key, r->iova, 1); v->s->entered = (struct rs_op){ 0 };
   synth_wait(v->s, 31 * SEC))

static const struct proof_fault faults[] = {
	{ "missing remap", "window-closed", {}, GEN_AT_REMAP, 0, fault_untried, forget_remap },
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
	{ "another file", "remap-same-memory", {}, GEN_AT_REMAP, 0, fault_seen, other_file },
	{ "another offset", "remap-same-memory", {}, GEN_AT_REMAP, 0, fault_seen, other_offset },
	{ "another device's file",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  0,
	  fault_seen,
	  other_device },
	{ "another generation of the inode",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  0,
	  fault_seen,
	  other_generation },
	{ "nothing at the new vaddr",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  0,
	  fault_seen,
	  fault_nothing_there },
	{ "a private mapping",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  0,
	  fault_seen,
	  became_private },
	{ "anonymous memory",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  0,
	  fault_seen,
	  became_anonymous },
	{ "another last page",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  0,
	  two_pages,
	  other_last_page },
	{ "a hole at the end", "remap-same-memory", {}, GEN_AT_REMAP, 0, two_pages, hole_at_end },
	{ "pin inside", "no-gup-in-window", {}, GEN_AT_WINDOW, 0, NULL, pin_inside },
	{ "translation inside",
	  "no-gup-in-window",
	  {},
	  GEN_AT_WINDOW,
	  0,
	  NULL,
	  fault_translate_inside },
	{ "remap that translates",
	  "no-gup-in-window",
	  {},
	  GEN_AT_REMAP,
	  0,
	  NULL,
	  remap_translates },
	{ "IOMMU map inside",
	  "no-iommu-change",
	  {},
	  GEN_AT_WINDOW,
	  0,
	  NULL,
	  fault_iommu_map_inside },
	{ "IOMMU unmap inside", "no-iommu-change", {}, GEN_AT_WINDOW, 0, NULL, iommu_unmap_inside },
	{ "map inside", "no-new-user", {}, GEN_AT_WINDOW, PROOF_CONTAINER, NULL, fault_map_inside },
	{ "unmap inside",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_CONTAINER,
	  fault_untried,
	  fault_unmap_inside },
	{ "attach inside",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_CONTAINER,
	  NULL,
	  fault_attach_inside },
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
	  fault_recorded,
	  charged_one_more },
	{ "map charged too little",
	  "locked-conserved",
	  {},
	  GEN_AT_MAP,
	  ALL,
	  fault_recorded,
	  charged_one_less },
	{ "map charged nothing",
	  "locked-conserved",
	  {},
	  GEN_AT_MAP,
	  ALL,
	  fault_recorded,
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
	  fault_born_device,
	  unpin_unpinned },
	{ "unpin by a device that never pinned",
	  "pin-balance",
	  {},
	  GEN_AT_QUIET,
	  ALL | PROOF_DEVICE,
	  fault_born_device,
	  unpin_never_pinned },
	{ "unpin of another page, then closed",
	  "pin-balance",
	  {},
	  GEN_AT_END,
	  ALL | PROOF_DEVICE,
	  fault_born_device,
	  unpin_then_leave },
	{ "pins left at the end",
	  "pin-balance",
	  {},
	  GEN_AT_END,
	  PROOF_DEVICE,
	  fault_born_device,
	  pin_left },
	{ "unpin of what is not pinned, counted",
	  "pin-balance",
	  {},
	  GEN_AT_QUIET,
	  PROOF_ARMED_ONLY | PROOF_DEVICE,
	  fault_born_device,
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
	  fault_whole_window,
	  fault_other_pages },
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
	  fault_whole_window,
	  fault_old_owner_maps },
	{ "a request that waits for ever",
	  "wait-bounded",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_CONTAINER,
	  fault_whole_window,
	  wait_for_ever },
};

const struct fault_list faults_of_rules = FAULT_LIST(faults);

static const struct fault_list *const lists[] = { &faults_of_rules, &faults_odd,
						  &faults_of_guests };

const struct proof_fault *proof_fault(size_t i)
{
	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		if (i < lists[k]->nr)
			return &lists[k]->fault[i];
		i -= lists[k]->nr;
	}
	return NULL;
}

size_t proof_nr_faults(void)
{
	size_t nr = 0;

	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++)
		nr += lists[k]->nr;
	return nr;
}
