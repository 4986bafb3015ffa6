/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Each rule violated, in the midst of much that is in order
 */
#ifndef RS_TESTS_VIOLATIONS_H
#define RS_TESTS_VIOLATIONS_H

#include <errno.h>
#include "judge.h"
#include "synth_iommufd.h"

#define CROWD 3	  /* other containers */
#define BUSY  700 /* requests of each, before and after */

/* Other containers, before ours, and what they do. */
struct crowd {
	__u64 c[CROWD];
};

static void crowd_enters(struct synth *s, struct crowd *crowd)
{
	for (int i = 0; i < CROWD; i++) {
		synth_as(s, 1000 + i);
		crowd->c[i] = synth_open(s);
		synth_attach(s, crowd->c[i]);
		synth_map(s, crowd->c[i], 0, 2 * MIB, 7000 + i, 0);
		synth_map(s, crowd->c[i], 4 * MIB, MIB, 7000 + i, 2 * MIB);
	}
}

/* Requests, an update by exec, and processes that come and go. */
static void crowd_works(struct synth *s, struct crowd *crowd)
{
	for (int i = 0; i < CROWD; i++) {
		synth_as(s, 1000 + i);
		for (int n = 0; n < BUSY / 2; n++) {
			synth_pin(s, crowd->c[i], n % 256 * PAGE, 1, 0);
			synth_unpin(s, crowd->c[i], n % 256 * PAGE, 1);
		}
		synth_invalidate_all(s, crowd->c[i]);
		synth_exec(s);
		synth_remap(s, crowd->c[i], 0, 2 * MIB, 7000 + i, 0);
		synth_remap(s, crowd->c[i], 4 * MIB, MIB, 7000 + i, 2 * MIB);
		synth_fork(s, (__u32)(s->now / US % 100000 + 5000), false);
	}
}

/* The same in our own container: ranges and pages that the violations do not touch. */
static void we_work(struct synth *s, __u64 c)
{
	for (int n = 0; n < BUSY / 2; n++) {
		synth_pin(s, c, 64 * MIB + n % 256 * PAGE, 1, 0);
		synth_unpin(s, c, 64 * MIB + n % 256 * PAGE, 1);
	}
	for (int n = 0; n < 20; n++) {
		synth_map(s, c, (80 + n) * MIB, MIB, INO, 80 * MIB);
		synth_rw(s, c, (80 + n) * MIB, 64, true);
		synth_unmap(s, c, (80 + n) * MIB, MIB);
	}
}

static void orderly(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	synth_remap(s, c, 64 * MIB, 2 * MIB, INO, 64 * MIB);
}

static void rest(struct synth *s, __u64 c)
{
	remap_both(s, c);
	synth_remap(s, c, 64 * MIB, 2 * MIB, INO, 64 * MIB);
}

/* How each rule is violated. */

static void give_up(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_release(s, c);
}

static void never_close(struct synth *s, __u64 c)
{
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_wait(s, 61 * SEC);
	synth_as(s, 300);
	synth_open(s);
}

static void leave_open(struct synth *s, __u64 c)
{
	synth_invalidate(s, c, 0, 2 * MIB);
	s->ended_ns = s->now + 70 * SEC;
}

static void stay_owner(struct synth *s, __u64 c)
{
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_as(s, NEXT);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_as(s, QEMU);
	synth_map(s, c, 8 * MIB, MIB, INO, 8 * MIB);
}

static void remap_larger(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	s->twist.size = MIB;
	synth_remap(s, c, 0, MIB, INO, 0);
}

static void try_inexactly(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_unmap(s, c, 0, 2 * MIB);
}

static void other_file(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO + 1, 0);
}

static void pin_inside(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	s->twist.gup_calls = 1;
	synth_pin(s, c, 0, 4, 0);
	rest(s, c);
}

static void translate_inside(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_xlate(s, c, 0, RS_IN_ATTACH);
	s->twist.ret = -EBUSY;
	synth_attach(s, c);
	rest(s, c);
}

static void change_table(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_iommu(s, c, MIB, PAGE, RS_IOMMU_UNMAP, PAGE);
	rest(s, c);
}

static void map_inside(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_map(s, c, 32 * MIB, MIB, INO, 8 * MIB);
	rest(s, c);
}

static void attach_inside(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_attach(s, c);
	rest(s, c);
}

static void exec_too_early(struct synth *s, __u64 c)
{
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_exec(s);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_release(s, c);
}

static void exec_and_stay(struct synth *s, __u64 c)
{
	(void)c;
	synth_exec(s);
}

static void charge_too_much(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_exec(s);
	s->twist.gain_off = 3;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
}

static void pin_for_others(struct synth *s, __u64 c)
{
	synth_fork(s, NEXT, false);
	synth_as(s, NEXT);
	s->twist.foreign = QEMU;
	synth_attach(s, c);
}

static void give_back_more(struct synth *s, __u64 c)
{
	synth_pin(s, c, 0, 8, 0);
	synth_unpin(s, c, 4 * PAGE, 6);
}

static void keep_pinned(struct synth *s, __u64 c)
{
	/* What was given back before proves nothing. */
	synth_pin(s, c, 0, 4, 0);
	synth_unpin(s, c, 0, 4);
	synth_pin(s, c, 0, 4, 0);
	synth_release(s, c);
}

static void pin_nothing(struct synth *s, __u64 c)
{
	s->twist.gup_zero = 1;
	synth_pin(s, c, 0, 4, 0);
}

static void change_page(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_pagemap(s, 0, 3, 0x1000);
	synth_pagemap(s, 3 * PAGE, 1, 0x4321);
	synth_verify(s, 512, 4, false);
}

#define GUEST	0xffff888200000000ULL
#define EVENTFD 0xffff888300000000ULL

/* The guest runs again, and nothing is remapped. */
static void go_on(struct synth *s, __u64 c)
{
	synth_vcpu_run(s, GUEST, 0);
	synth_vcpu_stop(s, GUEST, 0);
	synth_invalidate_all(s, c);
	synth_vcpu_run(s, GUEST, 0);
}

static void remap_all_three(struct synth *s, __u64 c)
{
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_remap(s, c, 64 * MIB, 2 * MIB, INO, 64 * MIB);
}

static void run_both(struct synth *s, __u64 c)
{
	synth_vcpu_run(s, GUEST, 0);
	synth_vcpu_stop(s, GUEST, 0);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	remap_all_three(s, c);
	synth_as(s, QEMU);
	synth_vcpu_run(s, GUEST, 0);
}

static void forget_interrupt(struct synth *s, __u64 c)
{
	synth_device(s, EVENTFD + 0x1000, c, 5, "");
	for (__u32 i = 0; i < 2; i++) {
		synth_irq(s, RS_IRQ_TRIGGER, EVENTFD + 0x1000, i, EVENTFD + i);
		synth_irq(s, RS_IRQ_IRQFD, GUEST, 24 + i, EVENTFD + i);
	}
	synth_vcpu_run(s, GUEST, 0);
	synth_vcpu_stop(s, GUEST, 0);
	synth_irq(s, RS_IRQ_NO_IRQFD, GUEST, 24, EVENTFD);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_all_three(s, c);
	synth_irq(s, RS_IRQ_IRQFD, GUEST + 0x100000, 25, EVENTFD + 1);
	synth_vcpu_run(s, GUEST + 0x100000, 0);
}

static void wait_long(struct synth *s, __u64 c)
{
	synth_invalidate_all(s, c);
	synth_waits(s, c, 0, 4);
	synth_wait(s, RS_WAIT_LIMIT_NS + 1000 * MS);
	synth_exec(s);
	remap_all_three(s, c);
	s->twist.waits = 1;
	synth_pin(s, c, 0, 4, 0);
}

static void forget_change(struct synth *s, __u64 c)
{
	__u64 x = synth_iommufd(s);
	__u32 ioas = synth_ioas(s, x);

	orderly(s, c);
	synth_ioas_map_file(s, x, ioas, 0, 2 * MIB, INO, 0);
	synth_ioas_map_file(s, x, ioas, 4 * MIB, MIB, INO, 2 * MIB);
	synth_vcpu_run(s, GUEST, 0);
	synth_vcpu_stop(s, GUEST, 0);
	synth_invalidate_all(s, c);
	synth_change_process(s, x);
	synth_exec(s);
	remap_all_three(s, c);
	s->twist.ret = -ENOMEM;
	synth_change_process(s, x);
	synth_vcpu_run(s, GUEST + 0x100000, 0);
}

static const struct scenario {
	const char *name;
	void (*violate)(struct synth *s, __u64 c);
	const char *rule;
	bool pages;
	size_t spare; /* events that are printed and would not have to be */
} scenarios[] = {
	{ "given up", give_up, "window-closed", false, 0 },
	{ "never closed", never_close, "window-closed", false, 0 },
	{ "open at the end", leave_open, "window-closed", false, 0 },
	{ "another size", remap_larger, "remap-exact", false, 0 },
	{ "tried inexactly", try_inexactly, "remap-exact", false, 0 },
	{ "another file", other_file, "remap-same-memory", false, 1 },
	{ "another page, by memory", change_page, "remap-same-memory", true, 0 },
	{ "pinned inside", pin_inside, "no-gup-in-window", false, 0 },
	{ "translated inside", translate_inside, "no-gup-in-window", false, 0 },
	{ "table changed", change_table, "no-iommu-change", false, 0 },
	{ "mapped inside", map_inside, "no-new-user", false, 1 },
	{ "attached inside", attach_inside, "no-new-user", false, 1 },
	{ "exec too early", exec_too_early, "all-before-exec", false, 1 },
	{ "exec, to the end", exec_and_stay, "all-before-exec", false, 1 },
	{ "charged too much", charge_too_much, "locked-conserved", false, 2 },
	{ "pinned in another mm", pin_for_others, "owner-mm", false, 0 },
	{ "gave back too much", give_back_more, "pin-balance", false, 0 },
	{ "kept pinned", keep_pinned, "pin-balance", false, 0 },
	{ "pinned no page", pin_nothing, "no-zero-pin", false, 0 },
	{ "another page", change_page, "translation-stable", true, 0 },
	{ "two owners", stay_owner, "one-owner", false, 0 },
	{ "goes on", go_on, "window-closed", false, 0 },
	{ "both run", run_both, "one-owner", false, 1 },
	{ "forgot an interrupt", forget_interrupt, "irq-restored", false, 0 },
	{ "waited long", wait_long, "wait-bounded", false, 0 },
	{ "forgot the areas", forget_change, "iommufd-handover", false, 1 },
};

/* Ours is the last container of several, in the midst of what they do. @inside: violates */
static struct synth *embedded(void (*inside)(struct synth *, __u64), bool pages)
{
	struct synth *s = synth_new();
	struct crowd crowd;
	__u64 c;

	s->verify = pages ? RS_VERIFY_SAMPLED : RS_VERIFY_NONE;
	crowd_enters(s, &crowd);
	crowd_works(s, &crowd);
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_attach(s, c);
	s->twist.pfn = 0x1000;
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	synth_map(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_map(s, c, 64 * MIB, 2 * MIB, INO, 64 * MIB);
	we_work(s, c);
	orderly(s, c);
	we_work(s, c);
	crowd_works(s, &crowd);
	synth_as(s, QEMU);
	inside(s, c);
	if (!s->ended_ns) {
		crowd_works(s, &crowd);
		synth_as(s, 301);
		synth_open(s);
	}
	return s;
}

#endif /* RS_TESTS_VIOLATIONS_H */
