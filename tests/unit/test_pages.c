// SPDX-License-Identifier: GPL-2.0-only
/* Physical pages: translation-stable, and remap-same-memory where only pages can prove it. */
#include <errno.h>
#include "judge.h"

#define LOW   "c1 range 0x0 size 0x200000 "
#define PAGES 512 /* of the range at 0 */
#define PFN   0x1000

static struct synth *mapped(__u64 *c, enum rs_verify verify, enum rs_backing what)
{
	struct synth *s = synth_new();

	s->verify = verify;
	synth_as(s, QEMU);
	*c = synth_open(s);
	synth_attach(s, *c);
	s->twist.what = what;
	s->twist.pfn = PFN;
	synth_map(s, *c, 0, 2 * MIB, INO, 0);
	return s;
}

/* An update to a new mm; what it shows of the pages is the caller's. */
static struct synth *updated(__u64 *c, enum rs_verify verify, enum rs_backing what)
{
	struct synth *s = mapped(c, verify, what);

	synth_invalidate_all(s, *c);
	synth_exec(s);
	s->twist.what = what;
	synth_remap(s, *c, 0, 2 * MIB, INO, 0);
	return s;
}

static void all_the_same(void **state)
{
	const struct rs_range_view *v;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = updated(&c, RS_VERIFY_ALL, RS_BACKING_ANON);
	/* In any pieces. */
	synth_pagemap(s, 100 * PAGE, PAGES - 100, PFN + 100);
	synth_pagemap(s, 0, 1, PFN);
	synth_pagemap(s, PAGE, 99, PFN + 1);
	synth_verify(s, PAGES, PAGES, true);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->verify, RS_VERIFY_ALL);
	v = &r->window[0].range[0];
	assert_int_equal(v->memory, RS_MEMORY_SAME);
	assert_int_equal(v->pages_asked, PAGES);
	assert_int_equal(v->pages_same, PAGES);
	assert_int_equal(v->pages_other, 0);
	rs_result_free(r);
	/* Once more, from there on. */
	synth_invalidate_all(s, c);
	synth_exec(s);
	s->twist.what = RS_BACKING_ANON;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_pagemap(s, 0, PAGES, PFN);
	synth_verify(s, PAGES, PAGES, true);
	r = judged(s, "");
	assert_int_equal(r->window[1].range[0].memory, RS_MEMORY_SAME);
	rs_result_free(r);
}

static void another_page(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = updated(&c, RS_VERIFY_ALL, RS_BACKING_ANON);
	synth_pagemap(s, 0, 3, PFN);
	synth_pagemap(s, 3 * PAGE, 1, 0x4321);
	synth_pagemap(s, 4 * PAGE, PAGES - 4, PFN + 4);
	synth_verify(s, PAGES, PAGES, true);
	r = synth_result(s);
	expect_verdicts(r, "remap-same-memory=violated translation-stable=violated");
	f = expect_finding(r, "remap-same-memory",
			   LOW "is another page at +0x3000: the IOMMU has pfn 0x1003, the new "
			       "vaddr has pfn 0x4321");
	expect_excerpt(f, RS_EV_MAP, RS_EV_UNMAP, RS_EV_MAP, RS_EV_PAGES, RS_EV_VERIFY);
	assert_int_equal(((struct rs_ev_pages *)f->event[3])->pfn.v, 0x4321);
	f = expect_finding(r, "translation-stable",
			   LOW "is another page at +0x3000: the IOMMU has pfn 0x1003, the new "
			       "vaddr has pfn 0x4321");
	expect_excerpt(f, RS_EV_MAP, RS_EV_PAGES, RS_EV_VERIFY);
	assert_int_equal(r->window[0].range[0].memory, RS_MEMORY_OTHER);
	assert_int_equal(r->window[0].range[0].pages_same, PAGES - 1);
	assert_int_equal(r->window[0].range[0].pages_other, 1);
	rs_result_free(r);
	synth_free(s);

	/* The same file at the same offset, of which a page was punched out and filled again. */
	s = updated(&c, RS_VERIFY_SAMPLED, RS_BACKING_FILE);
	synth_pagemap(s, 8 * PAGE, 1, PFN + 8);
	synth_pagemap(s, 16 * PAGE, 1, PFN + 17);
	synth_verify(s, 2, 2, false);
	r = judged(s, "remap-same-memory=violated translation-stable=violated");
	f = expect_finding(r, "remap-same-memory",
			   LOW "is another page at +0x10000: the IOMMU has pfn 0x1010, the new "
			       "vaddr has pfn 0x1011");
	expect_excerpt(f, RS_EV_MAP, RS_EV_PAGES, RS_EV_VERIFY);
	assert_int_equal(r->window[0].range[0].memory, RS_MEMORY_OTHER);
	rs_result_free(r);
}

/* What was looked at is right; what was not is not known. */
static void not_all(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = updated(&c, RS_VERIFY_SAMPLED, RS_BACKING_ANON);
	for (__u64 page = 0; page < PAGES; page += 8)
		synth_pagemap(s, page * PAGE, 1, PFN + page);
	synth_verify(s, 64, 64, false);
	r = judged(s, "remap-same-memory=unknown");
	expect_finding(r, "remap-same-memory",
		       LOW "is anonymous memory, which nothing identifies (at +0x0); of 64 pages "
			   "that were looked for, 64 are the same");
	assert_int_equal(r->window[0].range[0].memory, RS_MEMORY_UNPROVED);
	assert_int_equal(r->window[0].range[0].pages_same, 64);
	rs_result_free(r);

	/* One of them could not be seen: swapped out, or not faulted in. */
	s = updated(&c, RS_VERIFY_ALL, RS_BACKING_ANON);
	synth_pagemap(s, 0, PAGES - 1, PFN);
	synth_verify(s, PAGES, PAGES - 1, true);
	expect_judged(s, "remap-same-memory=unknown");

	/* It says that all were looked at, and that these were less than there are. */
	s = updated(&c, RS_VERIFY_ALL, RS_BACKING_ANON);
	synth_pagemap(s, 0, PAGES - 1, PFN);
	synth_verify(s, PAGES - 1, PAGES - 1, true);
	expect_judged(s, "remap-same-memory=unknown");

	/* Seen, but nobody knows what the IOMMU has. */
	s = updated(&c, RS_VERIFY_ALL, RS_BACKING_ANON);
	synth_erase(s, synth_find(s, RS_EV_PAGES, 0));
	synth_pagemap(s, 0, PAGES, PFN);
	synth_verify(s, PAGES, PAGES, true);
	r = judged(s, "remap-same-memory=unknown");
	/* Its first page is in the map's own record. */
	assert_int_equal(r->window[0].range[0].pages_same, 1);
	rs_result_free(r);

	/* A file that is the same needs no page to prove it. */
	s = updated(&c, RS_VERIFY_SAMPLED, RS_BACKING_FILE);
	synth_verify(s, 64, 0, false);
	expect_judged(s, "");
	s = updated(&c, RS_VERIFY_SAMPLED, RS_BACKING_FILE);
	expect_judged(s, "");
	/* And one that is another is not excused by them. */
	s = mapped(&c, RS_VERIFY_ALL, RS_BACKING_FILE);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO + 1, 0);
	synth_pagemap(s, 0, PAGES, PFN);
	synth_verify(s, PAGES, PAGES, true);
	expect_judged(s, "remap-same-memory=violated");
}

static void never_looked_at(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = updated(&c, RS_VERIFY_ALL, RS_BACKING_ANON);
	r = synth_result(s);
	expect_verdicts(r, "remap-same-memory=unknown");
	expect_finding(r, "remap-same-memory",
		       LOW "is anonymous memory, which nothing identifies (at +0x0), and nobody "
			   "looked at its pages in time");
	rs_result_free(r);
	/* Too late: it is invalid again, and remapped again. */
	synth_pagemap(s, 0, PAGES, PFN);
	synth_verify(s, PAGES, PAGES, true);
	for (size_t i = 0; i < 2; i++) {
		struct rs_event *ev = s->rec[s->nr - 2 + i].ev;

		ev->ts += MS;
	}
	synth_invalidate_all(s, c);
	s->twist.what = RS_BACKING_ANON;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_wait(s, 2 * MS);
	synth_ioctl(s, c, 0x3b70);
	r = judged(s, "remap-same-memory=unknown");
	assert_int_equal(r->window[0].range[0].pages_asked, 0);
	assert_int_equal(r->window[1].range[0].pages_asked, 0);
	rs_result_free(r);

	s = updated(&c, RS_VERIFY_ALL, RS_BACKING_ANON);
	synth_unmap(s, c, 0, 2 * MIB);
	expect_judged(s, "remap-same-memory=unknown");

	/* Without the request nobody waits for it. */
	s = updated(&c, RS_VERIFY_NONE, RS_BACKING_ANON);
	r = judged(s, "remap-same-memory=unknown");
	expect_finding(r, "remap-same-memory",
		       LOW "is anonymous memory, which nothing identifies (at +0x0)");
	rs_result_free(r);
}

/* What a driver gets, against what the IOMMU has. */
static void pinned_another_page(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = updated(&c, RS_VERIFY_SAMPLED, RS_BACKING_FILE);
	s->twist.pfn = PFN + 7;
	synth_pin(s, c, 7 * PAGE, 4, 0);
	synth_unpin(s, c, 7 * PAGE, 4);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->rule[11].instances, 1);
	assert_string_equal(r->rule[11].id, "translation-stable");
	rs_result_free(r);
	s->twist.pfn = 0x7777;
	synth_pin(s, c, 7 * PAGE, 4, 0);
	synth_unpin(s, c, 7 * PAGE, 4);
	r = synth_result(s);
	expect_verdicts(r, "translation-stable=violated");
	f = expect_finding(r, "translation-stable",
			   LOW "is another page at +0x7000: the IOMMU has pfn 0x1007, a driver's "
			       "pin has pfn 0x7777");
	expect_excerpt(f, RS_EV_MAP, RS_EV_REQUEST);
	expect_proof(f, synth_event(s, RS_EV_REQUEST, 2));
	rs_result_free(r);
	synth_free(s);

	/* Without the request the first page of each is known. */
	s = mapped(&c, RS_VERIFY_NONE, RS_BACKING_FILE);
	s->twist.pfn = 0x7777;
	synth_pin(s, c, PAGE, 4, 0);
	s->twist.pfn = 0x7777;
	synth_pin(s, c, 0, 1, 0);
	expect_judged(s, "translation-stable=violated");
}

/* An iova is another range's when it is mapped again; and what is let go of may move. */
static void another_page_rightly(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = mapped(&c, RS_VERIFY_ALL, RS_BACKING_FILE);
	synth_unmap(s, c, 0, 2 * MIB);
	s->twist.pfn = 0x8000;
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	s->twist.pfn = 0x8000;
	synth_pin(s, c, 0, 4, 0);
	expect_judged(s, "");

	/* Also when a driver has not let go of what was there before. */
	s = synth_new();
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	s->twist.pfn = 0x8000;
	synth_pin(s, c, 0, 1, 0);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	s->twist.pfn = 0x9000;
	synth_pin(s, c, 0, 1, 0);
	expect_judged(s, "");

	/* A container without an IOMMU: what a driver gave back is nobody's. */
	s = synth_new();
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	s->twist.pfn = 0x8000;
	synth_pin(s, c, 0, 1, 0);
	synth_unpin(s, c, 0, 1);
	s->twist.pfn = 0x9000;
	synth_pin(s, c, 0, 1, 0);
	expect_judged(s, "");

	/* The last IOMMU-backed group is gone, and came back. */
	s = mapped(&c, RS_VERIFY_ALL, RS_BACKING_FILE);
	{
		struct rs_ev_group *g;

		synth_attach(s, c);
		g = synth_event(s, RS_EV_ATTACH, 1);
		g->group_type = 1;
		g->group = 0x99;
		synth_detach(s, c);
	}
	s->twist.pfn = 0x8000;
	synth_pin(s, c, 0, 4, 0);
	expect_judged(s, "");
}

/* Held by one driver, given otherwise to another: one of them has a page that is not the guest's. */
static void held_and_another(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = synth_new();
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	s->twist.pfn = 0x8000;
	synth_pin(s, c, PAGE, 1, 0);
	synth_pin(s, c, 8 * PAGE, 1, 0);
	s->device = c + 0x900;
	s->twist.pfn = 0x9000;
	synth_pin(s, c, PAGE, 1, 0);
	r = synth_result(s);
	expect_verdicts(r, "translation-stable=violated");
	f = expect_finding(r, "translation-stable",
			   LOW "is another page at +0x1000: a driver's pin has pfn 0x8000, a "
			       "driver's pin has pfn 0x9000");
	expect_excerpt(f, RS_EV_REQUEST, RS_EV_REQUEST);
	expect_proof(f, synth_event(s, RS_EV_REQUEST, 0));
	rs_result_free(r);
	synth_free(s);

	/* The IOMMU itself is given another one, for a second domain. */
	s = mapped(&c, RS_VERIFY_ALL, RS_BACKING_FILE);
	s->twist.pfn = PFN + 1;
	synth_attach(s, c);
	r = judged(s, "translation-stable=violated");
	expect_finding(r, "translation-stable",
		       LOW "is another page at +0x0: the IOMMU has pfn 0x1000, the IOMMU has pfn "
			   "0x1001");
	rs_result_free(r);
}

/* What speaks against it may only be what is missing. */
static void unknown_pages(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = updated(&c, RS_VERIFY_SAMPLED, RS_BACKING_FILE);
	s->twist.pfn = 0x7777;
	synth_pin(s, c, 0, 1, 0);
	synth_ioctl(s, c, 0x3b70);
	synth_drop(s, synth_find(s, RS_EV_EXEC, 0));
	{
		struct rs_result *r = synth_result(s);

		assert_int_equal(verdict_of(r, "translation-stable"), RS_UNKNOWN);
		rs_result_free(r);
	}
	synth_free(s);

	s = updated(&c, RS_VERIFY_SAMPLED, RS_BACKING_FILE);
	s->no_hook = "vfio_iommu_type1_pin_pages";
	expect_judged(s, "no-gup-in-window=unknown pin-balance=unknown no-zero-pin=unknown "
			 "translation-stable=unknown");
}

/* Runs in any order, and over each other; half of them where nobody knows what the IOMMU has. */
static void many_runs(void **state)
{
	__u64 rng = 11;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = updated(&c, RS_VERIFY_ALL, RS_BACKING_ANON);
	{
		struct rs_ev_pages *x = synth_event(s, RS_EV_PAGES, 0);

		x->npage = PAGES / 2;
	}
	for (int i = 0; i < 300; i++) {
		__u64 page = synth_random(&rng) % PAGES, nr = synth_random(&rng) % 40;

		if (nr > PAGES - page)
			nr = PAGES - page;
		synth_pagemap(s, page * PAGE, nr, PFN + page);
	}
	synth_verify(s, PAGES, PAGES, true);
	r = judged(s, "remap-same-memory=unknown");
	assert_int_equal(r->window[0].range[0].pages_other, 0);
	rs_result_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_the_same),
		cmocka_unit_test(another_page),
		cmocka_unit_test(not_all),
		cmocka_unit_test(never_looked_at),
		cmocka_unit_test(pinned_another_page),
		cmocka_unit_test(another_page_rightly),
		cmocka_unit_test(held_and_another),
		cmocka_unit_test(unknown_pages),
		cmocka_unit_test(many_runs),
	};

	return cmocka_run_group_tests_name("physical pages", tests, NULL, NULL);
}
