// SPDX-License-Identifier: GPL-2.0-only
/* What the model makes of events: containers, ranges, windows, updates. */
#include <errno.h>
#include "judge.h"

static __u64 ts_of(struct synth *s, enum rs_event_type type, size_t nth)
{
	return ((struct rs_event *)synth_event(s, type, nth))->ts;
}

static void containers(void **state)
{
	const struct rs_container_view *v;
	const struct rs_ev_open *open;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_map(s, c, 0, MIB, INO, 0);
	s->twist.ret = -ENOMEM;
	synth_map(s, c, 16 * MIB, MIB, INO, 0);
	synth_as(s, NEXT);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 0);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_release(s, c);
	r = synth_result(s);
	open = synth_event(s, RS_EV_OPEN, 0);
	assert_int_equal(r->nr_containers, 1);
	v = &r->container[0];
	assert_int_equal(v->id, 1);
	assert_int_equal(v->key, c);
	assert_int_equal(v->kind, RS_CONTAINER_TYPE1);
	assert_true(v->born);
	assert_int_equal(v->since_ns, open->op.start_ns);
	assert_int_equal(v->released_ns, ts_of(s, RS_EV_RELEASE, 0));
	assert_int_equal(v->owner.tgid, NEXT);
	assert_string_equal(v->owner.comm, "proc-200");
	assert_int_equal(v->windows, 1);
	assert_int_equal(v->ranges_max, 2);
	assert_int_equal(v->bytes_max, 3 * MIB);
	assert_int_equal(v->maps, 3);
	assert_int_equal(v->unmaps, 3);
	assert_int_equal(r->events, s->nr);
	assert_string_equal(r->kernel, "6.12.0-synth");
	rs_result_free(r);
	synth_free(s);
}

static void window(void **state)
{
	const struct rs_ev_map *unmap, *map;
	const struct rs_window_view *w;
	const struct rs_range_view *v;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_invalidate(s, c, 4 * MIB, MIB);
	synth_invalidate(s, c, 0, 2 * MIB);
	synth_pin(s, c, 0, 1, 0);
	synth_exec(s);
	synth_remap(s, c, 0, MIB, INO, 0);
	s->twist.split = PAGE;
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	synth_unmap(s, c, 4 * MIB, MIB);
	r = synth_result(s);
	assert_int_equal(r->nr_windows, 1);
	w = &r->window[0];
	unmap = synth_event(s, RS_EV_UNMAP, 0);
	map = synth_event(s, RS_EV_MAP, 3);
	assert_int_equal(w->id, 1);
	assert_int_equal(w->container, 1);
	assert_int_equal(w->update, 1);
	assert_int_equal(w->open_ns, unmap->op.start_ns);
	assert_int_equal(w->close_ns, ts_of(s, RS_EV_REMOVE, 0));
	assert_int_equal(w->end, RS_WINDOW_UNMAPPED);
	assert_int_equal(w->opener.tgid, QEMU);
	assert_string_equal(w->opener.comm, "proc-100");
	assert_string_equal(w->closer.comm, "exec-100");
	assert_int_equal(w->bytes, 3 * MIB);
	assert_int_equal(w->remaps, 1);
	assert_int_equal(w->failed_remaps, 1);
	assert_int_equal(w->new_maps, 0);
	assert_int_equal(w->requests, 1);
	assert_int_equal(w->translations, 0);
	assert_int_equal(w->nr_ranges, 2);

	/* In the order in which they lost their vaddrs. */
	v = &w->range[0];
	assert_int_equal(v->iova.v, 4 * MIB);
	assert_int_equal(v->state, RS_STATE_UNMAPPED);
	assert_int_equal(v->invalid_ns, unmap->h.ts);
	assert_int_equal(v->valid_ns, w->close_ns);
	assert_int_equal(v->new_vaddr.v, 0);
	assert_int_equal(v->new_owner.tgid, 0);
	assert_int_equal(v->remap_len, 0);
	v = &w->range[1];
	assert_int_equal(v->iova.v, 0);
	assert_int_equal(v->size, 2 * MIB);
	assert_int_equal(v->prot, 3);
	assert_int_equal(v->state, RS_STATE_REMAPPED);
	assert_int_equal(v->old_vaddr.v, map->old_vaddr.v);
	assert_int_equal(v->new_vaddr.v, map->vaddr.v);
	assert_int_not_equal(v->old_vaddr.v, v->new_vaddr.v);
	assert_string_equal(v->old_owner.comm, "proc-100");
	assert_string_equal(v->new_owner.comm, "exec-100");
	assert_int_equal(v->remap_len, map->h.ts - map->op.start_ns);
	assert_int_equal(v->old_backing.nr, 1);
	assert_int_equal(v->new_backing.nr, 2);
	assert_true(v->new_backing.complete);
	assert_int_equal(v->new_backing.piece[1].at, PAGE);
	assert_int_equal(v->new_backing.piece[1].offset, PAGE);
	rs_result_free(r);
	synth_free(s);
}

/* The parts of an update's time follow each other without a gap and are all of it. */
static void expect_phases(const struct rs_update_view *u, const char *names)
{
	char got[128] = "";
	__u64 at = u->start_ns;

	for (size_t i = 0; i < u->nr_phases; i++) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%s", i ? " " : "", u->phase[i].name);
		assert_int_equal(u->phase[i].start_ns, at);
		assert_true(u->phase[i].len > 0);
		at += u->phase[i].len;
	}
	assert_string_equal(got, names);
	assert_int_equal(at, u->end_ns);
}

static void updates(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	/* 1: in place; 2: by exec; 3: by another process; 4: abandoned */
	synth_invalidate_all(s, c);
	remap_both(s, c);
	synth_wait(s, SEC);
	synth_invalidate_all(s, c);
	synth_wait(s, 20 * MS);
	synth_exec(s);
	synth_wait(s, 30 * MS);
	remap_both(s, c);
	synth_wait(s, SEC);
	synth_invalidate_all(s, c);
	synth_wait(s, 20 * MS);
	synth_as(s, NEXT);
	remap_both(s, c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_wait(s, 10 * MS);
	synth_release(s, c);
	r = synth_result(s);
	assert_int_equal(r->nr_updates, 4);
	assert_int_equal(r->update[0].handover, RS_HANDOVER_NONE);
	expect_phases(&r->update[0], "invalidate between remap");
	assert_int_equal(r->update[1].handover, RS_HANDOVER_EXEC);
	assert_int_equal(r->update[1].exec_ns, ts_of(s, RS_EV_EXEC, 0));
	assert_int_equal(r->update[1].from.tgid, QEMU);
	assert_int_equal(r->update[1].to.tgid, QEMU);
	expect_phases(&r->update[1], "invalidate exec restart remap");
	assert_in_range(r->update[1].phase[1].len, 20 * MS, 20 * MS + 100 * US);
	assert_in_range(r->update[1].phase[2].len, 30 * MS, 30 * MS + 100 * US);
	assert_int_equal(r->update[2].handover, RS_HANDOVER_OTHER);
	assert_int_equal(r->update[2].from.tgid, QEMU);
	assert_int_equal(r->update[2].to.tgid, NEXT);
	assert_int_equal(r->update[2].exec_ns, 0);
	expect_phases(&r->update[2], "invalidate hand-over remap");
	expect_phases(&r->update[3], "invalidate exec restart");
	for (__u32 i = 0; i < 4; i++) {
		assert_int_equal(r->update[i].id, i + 1);
		assert_int_equal(r->update[i].nr_windows, 1);
		assert_int_equal(r->update[i].window[0], i + 1);
		assert_int_equal(r->window[i].update, i + 1);
		assert_int_equal(r->update[i].start_ns, r->window[i].open_ns);
		assert_int_equal(r->update[i].end_ns, r->window[i].close_ns);
	}
	rs_result_free(r);
	synth_free(s);
}

static void two_containers_one_update(void **state)
{
	struct synth *s = synth_new();
	struct rs_result *r;
	__u64 c[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		/* The third is somebody else's. */
		synth_as(s, i < 2 ? QEMU : 300);
		c[i] = synth_open(s);
		/* The same iova in each: they have nothing to do with each other. */
		synth_map(s, c[i], 0, MIB, INO + i, 0);
	}
	synth_invalidate_all(s, c[2]);
	synth_as(s, QEMU);
	synth_invalidate_all(s, c[0]);
	synth_invalidate_all(s, c[1]);
	synth_exec(s);
	synth_remap(s, c[1], 0, MIB, INO + 1, 0);
	synth_remap(s, c[0], 0, MIB, INO, 0);
	synth_as(s, 300);
	synth_remap(s, c[2], 0, MIB, INO + 2, 0);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->nr_containers, 3);
	assert_int_equal(r->nr_windows, 3);
	assert_int_equal(r->nr_updates, 2);
	assert_int_equal(r->update[0].nr_windows, 1);
	assert_int_equal(r->update[0].from.tgid, 300);
	assert_int_equal(r->update[0].handover, RS_HANDOVER_NONE);
	assert_int_equal(r->update[1].nr_windows, 2);
	assert_int_equal(r->update[1].from.tgid, QEMU);
	assert_int_equal(r->update[1].handover, RS_HANDOVER_EXEC);
	assert_int_equal(r->update[1].start_ns, r->window[1].open_ns);
	assert_int_equal(r->update[1].end_ns, r->window[1].close_ns);
	assert_true(r->window[1].close_ns > r->window[2].close_ns);
	rs_result_free(r);

	/* What one does wrong is its own. */
	synth_as(s, QEMU);
	synth_invalidate_all(s, c[0]);
	synth_invalidate_all(s, c[1]);
	synth_release(s, c[1]);
	synth_remap(s, c[0], 0, MIB, INO, 0);
	r = judged(s, "window-closed=violated");
	assert_int_equal(r->finding[0].container, 2);
	assert_int_equal(r->finding[0].window, 5);
	rs_result_free(r);
}

static void address_used_again(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_release(s, c);
	synth_open_at(s, c);
	synth_map(s, c, 0, MIB, INO + 1, 0);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 0, MIB, INO + 1, 0);
	r = judged(s, "");
	assert_int_equal(r->nr_containers, 2);
	assert_int_equal(r->container[0].key, r->container[1].key);
	assert_int_equal(r->container[0].maps, 2);
	assert_int_equal(r->container[1].maps, 1);
	assert_int_equal(r->window[0].container, 2);
	rs_result_free(r);

	/* Its release was lost: what was in it is not in the new one. */
	s = two_ranges(&c);
	synth_invalidate_all(s, c);
	s->twist.killed = 9;
	synth_exit(s, 0);
	synth_release(s, c);
	for (size_t i = 0; i < 3; i++)
		synth_drop(s, synth_last(s) - i);
	synth_as(s, NEXT);
	synth_open_at(s, c);
	synth_map(s, c, 0, MIB, INO, 0);
	r = synth_result(s);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	assert_int_equal(r->nr_containers, 2);
	assert_int_equal(r->container[1].ranges_max, 1);
	assert_int_equal(r->nr_windows, 1);
	rs_result_free(r);
	synth_free(s);
}

/* What the kernel tells of its ranges goes before what was worked out. */
static void the_kernel_knows_better(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	/* A map that nobody saw: its three records are missing. */
	s = two_ranges(&c);
	for (size_t i = 0; i < 3; i++)
		synth_drop(s, synth_last(s) - i);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	r = synth_result(s);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	assert_int_equal(r->nr_findings, 1); /* its memory is not known */
	assert_string_equal(r->finding[0].rule, "remap-same-memory");
	assert_int_equal(r->window[0].nr_ranges, 2);
	assert_int_equal(r->window[0].bytes, 3 * MIB);
	assert_int_equal(r->window[0].end, RS_WINDOW_REMAPPED);
	assert_int_equal(r->container[0].ranges_max, 2);
	rs_result_free(r);
	synth_free(s);

	/* An unmap and a smaller map in its place that nobody saw. */
	s = two_ranges(&c);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_map(s, c, 0, MIB, INO, 64 * MIB);
	for (size_t i = 0; i < 5; i++)
		synth_drop(s, synth_last(s) - i);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 64 * MIB);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = synth_result(s);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	assert_int_equal(r->window[0].nr_ranges, 2);
	assert_int_equal(r->window[0].bytes, 2 * MIB);
	assert_int_equal(r->window[0].end, RS_WINDOW_REMAPPED);
	rs_result_free(r);
	synth_free(s);

	/* Only what the kernel says to be invalid is, whatever was asked for. */
	s = two_ranges(&c);
	synth_invalidate(s, c, 4 * MIB, MIB);
	((struct rs_ev_map *)synth_event(s, RS_EV_UNMAP, 0))->iova = rs_iova(0);
	((struct rs_ev_map *)synth_event(s, RS_EV_UNMAP, 0))->size = 64 * MIB;
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = judged(s, "");
	assert_int_equal(r->window[0].nr_ranges, 1);
	rs_result_free(r);
}

/* A range that was unmapped unseen is not in the kernel's list: nobody left it behind. */
static void the_kernel_knows_it_gone(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = two_ranges(&c);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_drop(s, synth_last(s));
	synth_drop(s, synth_last(s) - 1);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	r = synth_result(s);
	assert_int_equal(r->verdict, RS_UNKNOWN);
	rs_result_free(r);
	synth_free(s);
}

/* Updates by exec and by two other processes, with maps and unmaps between; nothing wrong in it. */
static struct synth *orderly(void)
{
	struct synth *s;
	__u64 c;

	s = two_ranges(&c);
	synth_attach(s, c);
	synth_invalidate_all(s, c);
	synth_exec(s);
	remap_both(s, c);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	remap_both(s, c);
	synth_as(s, QEMU);
	synth_exit(s, 0);
	synth_as(s, NEXT);
	synth_unmap(s, c, 0, 2 * MIB);
	synth_map(s, c, 0, 4 * MIB, INO, 0);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT + 1);
	synth_remap(s, c, 4 * MIB, MIB, INO, 2 * MIB);
	synth_remap(s, c, 0, 4 * MIB, INO, 0);
	synth_release(s, c);
	return s;
}

/* Is the rest of @s, which is freed, said to violate something? The first few such cases are printed. */
static bool seen_violated(struct synth *s, size_t already)
{
	struct rs_result *r = synth_result(s);
	bool violated = r->verdict == RS_VIOLATED;

	if (violated && already < 10) {
		print_error("without the records (place#type)");
		for (size_t i = 0; i < s->nr; i++)
			if (s->rec[i].dropped)
				print_error(" %zu#%u", i, s->rec[i].ev->type);
		print_error(":\n");
		for (size_t i = 0; i < r->nr_findings; i++)
			if (r->finding[i].verdict == RS_VIOLATED)
				print_error("  %s: %s\n", r->finding[i].rule, r->finding[i].text);
	}
	rs_result_free(r);
	synth_free(s);
	return violated;
}

/* That a record was lost is no reason to see a violation. */
static void a_loss_makes_no_violation(void **state)
{
	size_t wrong = 0, nr = 1;

	(void)state;
	for (size_t i = 0; i < nr; i++) {
		struct synth *s = orderly();

		nr = s->nr;
		synth_drop(s, i);
		wrong += seen_violated(s, wrong);
	}
	assert_int_equal(wrong, 0);
}

/* Nor are many at one place, as when the ring buffer is full. */
static void a_gap_makes_no_violation(void **state)
{
	size_t wrong = 0, nr = 8;

	(void)state;
	for (size_t first = 0; first + 8 <= nr; first++) {
		for (size_t len = 2; len <= 8; len++) {
			struct synth *s = orderly();

			nr = s->nr;
			for (size_t i = first; i < first + len; i++)
				synth_drop(s, i);
			wrong += seen_violated(s, wrong);
		}
	}
	assert_int_equal(wrong, 0);
}

static void top_of_the_address_space(void **state)
{
	struct synth *s = synth_new();
	struct rs_result *r;
	__u64 c;

	(void)state;
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, -PAGE, PAGE, INO, 0);
	synth_map(s, c, 0, PAGE, INO, PAGE);
	synth_map(s, c, 1ULL << 63, MIB, INO, MIB);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_remap(s, c, -PAGE, PAGE, INO, 0);
	synth_remap(s, c, 0, PAGE, INO, PAGE);
	synth_remap(s, c, 1ULL << 63, MIB, INO, MIB);
	r = judged(s, "");
	assert_int_equal(r->window[0].nr_ranges, 3);
	assert_int_equal(r->window[0].end, RS_WINDOW_REMAPPED);
	assert_int_equal(r->container[0].ranges_max, 3);
	rs_result_free(r);
}

/* The kernel's limit (vfio_iommu_type1's dma_entry_limit). */
#define MANY 65535

static struct synth *many(__u64 *c, __u64 nr)
{
	struct synth *s = synth_new();

	synth_as(s, QEMU);
	*c = synth_open(s);
	for (__u64 i = 0; i < nr; i++)
		synth_map(s, *c, i * 2 * PAGE, PAGE, INO, i * PAGE);
	return s;
}

static void many_ranges(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = many(&c, MANY);
	synth_invalidate_all(s, c);
	synth_exec(s);
	for (__u64 i = 0; i < MANY; i++)
		synth_remap(s, c, i * 2 * PAGE, PAGE, INO + (i == 30000), i * PAGE);
	synth_unmap(s, c, 0, MANY * 2 * PAGE);
	r = judged(s, "remap-same-memory=violated");
	assert_int_equal(r->nr_findings, 1);
	assert_int_equal(r->window[0].nr_ranges, MANY);
	assert_int_equal(r->window[0].remaps, MANY);
	assert_int_equal(r->container[0].ranges_max, MANY);
	assert_int_equal(r->container[0].unmaps, MANY);
	assert_int_equal(r->nr_losses, 0);
	rs_result_free(r);
}

/* All of them left behind, and every later call finds them so. */
static void many_ranges_left_behind(void **state)
{
	const __u64 nr = 8192;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = many(&c, nr);
	synth_exec(s);
	for (__u64 i = 0; i < nr; i++)
		synth_remap(s, c, i * 2 * PAGE, PAGE, INO, i * PAGE);
	r = judged(s, "all-before-exec=violated");
	for (size_t i = 0; i < r->nr_rules; i++)
		assert_int_equal(r->rule[i].findings,
				 !strcmp(r->rule[i].id, "all-before-exec") ? nr : 0);
	rs_result_free(r);
}

/* A window that does not close leaves its update without an end, whatever else of it has ended. */
static void update_without_an_end(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c, other;

	(void)state;
	s = two_ranges(&c);
	other = synth_open(s);
	synth_map(s, other, 0, MIB, INO, 8 * MIB);
	synth_invalidate_all(s, c);
	synth_invalidate_all(s, other);
	synth_remap(s, other, 0, MIB, INO, 8 * MIB);
	r = judged(s, "window-closed=unknown");
	assert_int_equal(r->nr_updates, 1);
	assert_int_equal(r->update[0].nr_windows, 2);
	assert_int_equal(r->update[0].end_ns, 0);
	rs_result_free(r);
}

/* Found open by a snapshot that had begun before the exec: the exec was inside. */
static void exec_while_it_was_found(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = synth_new();
	synth_unrecorded(s, true);
	synth_as(s, QEMU);
	c = synth_open(s);
	synth_map(s, c, 0, 2 * MIB, INO, 0);
	synth_invalidate_all(s, c);
	synth_unrecorded(s, false);
	synth_introduce(s);
	synth_snapshot_begin(s, c, RS_SNAP_START);
	synth_exec(s);
	synth_snapshot_end(s);
	synth_remap(s, c, 0, 2 * MIB, INO, 0);
	r = synth_result(s);
	assert_int_equal(r->nr_updates, 1);
	assert_int_equal(r->update[0].handover, RS_HANDOVER_EXEC);
	assert_int_equal(r->update[0].exec_ns,
			 ((struct rs_event *)synth_event(s, RS_EV_EXEC, 0))->ts);
	rs_result_free(r);
	synth_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers),
		cmocka_unit_test(window),
		cmocka_unit_test(updates),
		cmocka_unit_test(two_containers_one_update),
		cmocka_unit_test(address_used_again),
		cmocka_unit_test(the_kernel_knows_better),
		cmocka_unit_test(the_kernel_knows_it_gone),
		cmocka_unit_test(a_loss_makes_no_violation),
		cmocka_unit_test(a_gap_makes_no_violation),
		cmocka_unit_test(top_of_the_address_space),
		cmocka_unit_test(many_ranges),
		cmocka_unit_test(many_ranges_left_behind),
		cmocka_unit_test(update_without_an_end),
		cmocka_unit_test(exec_while_it_was_found),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
