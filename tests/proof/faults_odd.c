// SPDX-License-Identifier: GPL-2.0-only
/* Recordings that begin or end inside a window, faults that come twice, what nearly is a fault, what contradicts itself. */
#include "synth_internal.h"
#include "faults.h"

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
	return fault_old_owner_maps(w, v, c, r);
}

FITS(late_untried, c->joined_inside && !r->tried)
FITS(late_range, r->late)
FITS(late_seen_whole, r->late && !r->kind.cut && r->kind.what != RS_BACKING_BUSY)

static bool end_inside(GO)
{
	gen_expect(w, "window-closed", RS_UNKNOWN);
	if (r->tried)
		gen_expect(w, "remap-exact", RS_UNKNOWN);
	/* What was taken off may not be back by then. */
	w->perhaps[proof_rule("irq-restored")] = true;
	fault_leave(c);
	r->skip = true;
	v->dead = true;
	return true;
}

static bool end_tried(GO)
{
	gen_try_longer(v, c, r);
	return end_inside(w, v, c, r);
}

DO(new_users, for (int i = 0; i < 2; i++) fault_map_inside(w, v, c, r);
   for (int i = 0; i < 2; i++) synth_attach(v->s, c->key); fault_unmap_inside(w, v, c, r))

/* After an exec with all its ranges. */
FITS(alone, r && v->nr == 1 && !v->s->off && synth_users_of(v->s, synth_mm(v->s, v->pid)) == 1)
DO(exec_then_unmap, synth_exec(v->s); synth_unmap(v->s, c->key, r->iova, r->size);
   gen_forget_range(c, r); fault_leave(c))
DO(exec_then_end, synth_exec(v->s); fault_leave(c); v->dead = true)

/* Armed and late: nobody knows which group was the last one, with which all ranges go. */
FITS(found_alone, alone(w, v, c, r) && v->late)
DO(detach_exec_attach, gen_expect(w, "all-before-exec", RS_UNKNOWN); synth_detach(v->s, c->key);
   synth_exec(v->s); synth_attach(v->s, c->key); fault_leave(c); v->dead = true)
DO(detach_exec_end, gen_expect(w, "all-before-exec", RS_UNKNOWN); synth_detach(v->s, c->key);
   synth_exec(v->s); fault_leave(c); v->dead = true)

/* An older recorder's records are shorter. */
static bool older_pin(GO)
{
	struct rs_ev_request *x;

	v->s->twist.kthread = false;
	gen_pin(w, v, c, 1, r, 0, 1);
	x = fault_last_of(v->s, RS_EV_REQUEST);
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
DO(other_file_and_pages, fault_remap_as(w, v, c, r, r->size, r->ino + 1, r->off);
   synth_pagemap(v->s, 0, 1, r->pfn + 1); synth_verify(v->s, 1, 1, r->size == PAGE))
DO(other_file_same_pages, fault_remap_as(w, v, c, r, r->size, r->ino + 1, r->off);
   synth_pagemap(v->s, 0, 1, r->pfn); synth_verify(v->s, 1, 1, r->size == PAGE))
FITS(is_anonymous, r->kind.what == RS_BACKING_ANON && !c->joined_inside)

/* A kernel that does not tell who is charged. */
TWIST(not_told, v->s->twist.no_mm = true; gen_expect(w, "locked-conserved", RS_UNKNOWN))

/* The record of whoever left the range's mm last, an exec or an exit, which begin alike; NULL */
static struct rs_ev_exec *left_by(const struct gen_vm *v, const struct gen_container *c,
				  const struct gen_range *r)
{
	const struct synth_container *of = synth_container_of(v->s, c->key);

	for (size_t i = v->s->nr; i-- > 0;) {
		struct rs_ev_exec *x = (void *)v->s->rec[i].ev;

		if (x->h.type != RS_EV_EXEC && x->h.type != RS_EV_EXIT)
			continue;
		for (size_t k = 0; k < of->nr; k++)
			if (of->range[k].iova == r->iova && of->range[k].mm == x->old_mm)
				return x;
	}
	return NULL;
}

_Static_assert(offsetof(struct rs_ev_exec, old_mm_users) ==
		       offsetof(struct rs_ev_exit, old_mm_users),
	       "old_mm_users");

FITS(left_to_nobody, left_by(v, c, r) && !left_by(v, c, r)->old_mm_users)

/* As the kernel counts, somebody has the old owner's mm still; nobody was told who. It gets nothing back. */
TWIST(left_to_somebody, left_by(v, c, r)->old_mm_users = 1;
      gen_expect(w, "locked-conserved", RS_UNKNOWN))

/* What contradicts itself. */
static bool remap_twice(GO)
{
	struct rs_ev_map *x;

	fault_remap_as(w, v, c, r, r->size, r->ino, r->off);
	/* The kernel refuses the second one. Here it says that it did not. */
	v->s->twist = r->kind;
	synth_remap(v->s, c->key, r->iova, r->size, r->ino, r->off);
	x = fault_last_of(v->s, RS_EV_MAP);
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

DO(remap_again_refused, fault_remap_as(w, v, c, r, r->size, r->ino, r->off); c->hands_off = false;
   synth_remap(v->s, c->key, r->iova, r->size, r->ino, r->off))

/* Long, but not too long. */
TWIST(wait_nearly, synth_wait(v->s, 50 * SEC))

static const struct proof_fault faults[] = {
	{ "late, the old owner maps",
	  "one-owner",
	  {},
	  GEN_AT_PASSED,
	  PROOF_LATE | PROOF_CONTAINER,
	  late_seen,
	  fault_old_owner_maps },
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
	  fault_nothing_there },
	{ "late, translation inside",
	  "no-gup-in-window",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE,
	  late_range,
	  fault_translate_inside },
	{ "late, IOMMU map inside",
	  "no-iommu-change",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE,
	  late_range,
	  fault_iommu_map_inside },
	{ "late, map inside",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE | PROOF_CONTAINER,
	  late_window,
	  fault_map_inside },
	{ "late, unmap inside",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE | PROOF_CONTAINER,
	  late_untried,
	  fault_unmap_inside },
	{ "late, attach inside",
	  "no-new-user",
	  {},
	  GEN_AT_WINDOW,
	  PROOF_LATE | PROOF_CONTAINER,
	  late_window,
	  fault_attach_inside },
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
	  fault_untried,
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
	  fault_whole_window,
	  pages_twice },
	{ "another file and other pages",
	  "remap-same-memory",
	  { "translation-stable" },
	  GEN_AT_REMAP,
	  PROOF_VERIFY_ONLY,
	  fault_seen,
	  other_file_and_pages },
	{ "another file, of which a page is the same",
	  "remap-same-memory",
	  {},
	  GEN_AT_REMAP,
	  PROOF_VERIFY_ONLY,
	  fault_seen,
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
	  fault_born_device,
	  older_pin },
	{ "anonymous memory of other pages",
	  "remap-same-memory",
	  { "translation-stable" },
	  GEN_AT_REMAPPED,
	  PROOF_VERIFY_ONLY,
	  is_anonymous,
	  fault_other_pages },
	{ "who is charged not told",
	  NULL,
	  {},
	  GEN_AT_MAP,
	  ALL | PROOF_CORRECT,
	  fault_recorded,
	  not_told },
	{ "the old owner's mm left to somebody",
	  NULL,
	  {},
	  GEN_AT_REMAP,
	  PROOF_CORRECT,
	  left_to_nobody,
	  left_to_somebody },
	{ "a second remap taken",
	  NULL,
	  {},
	  GEN_AT_REMAP,
	  PROOF_NOT_PASS,
	  fault_whole_window,
	  remap_twice },
	{ "an invalidation not recorded",
	  NULL,
	  {},
	  GEN_AT_QUIET,
	  PROOF_NOT_PASS | ALL,
	  fault_born_device,
	  invalidate_unseen },
	{ "nearly too late", NULL, {}, GEN_AT_REMAP, PROOF_CORRECT, fault_seen, wait_nearly },
	{ "a second remap refused",
	  NULL,
	  {},
	  GEN_AT_REMAP,
	  PROOF_CORRECT,
	  fault_seen,
	  remap_again_refused },
};

const struct fault_list faults_odd = FAULT_LIST(faults);
