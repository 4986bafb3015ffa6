// SPDX-License-Identifier: GPL-2.0-only
/* A recording that goes on, of guests whose memory is iommufd's. */
#include "iommufd_fixture.h"
#include "told_fixture.h"

static void told_when_it_is_over(void **state)
{
	struct watch *w;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	w = watch_of(s, NULL);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_exec(s);
	synth_wait(s, 30 * MS);
	synth_change_process(s, x);
	catch_up(w, s->nr);
	tick(w, s->now + 5 * SEC);
	assert_int_equal(w->nr, 0);
	run(s, VM2);
	catch_up(w, s->nr);
	tick(w, s->now + 2 * SEC);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->one[0].id, 1);
	assert_int_equal(w->one[0].windows, 0);
	assert_int_equal(w->one[0].handovers, 1);
	assert_int_equal(w->one[0].contexts, 1);
	assert_int_equal(w->one[0].containers, 1);
	assert_int_equal(w->one[0].areas, 2);
	assert_int_equal(w->one[0].verdict, RS_PASS);
	assert_string_equal(w->one[0].view.blackout_from, "vcpus");
	finish(w);
	assert_int_equal(w->nr, 1);
	done(w);
	synth_free(s);
}

/* What was forgotten is raised at once, and told again with the update. */
static void raised_meanwhile(void **state)
{
	struct watch *w;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm_with_guest(&x, &ioas);
	w = watch_of(s, NULL);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_exec(s);
	run(s, VM2);
	catch_up(w, s->nr);
	tick(w, s->now + SEC);
	assert_int_equal(w->nr, 1);
	assert_int_equal(w->one[0].id, 0);
	assert_int_equal(w->one[0].violations, 1);
	assert_int_equal(w->one[0].contexts, 1);
	assert_int_equal(strncmp(w->one[0].text, "iommufd-handover: i1 ", 21), 0);
	finish(w);
	assert_int_equal(w->nr, 2);
	assert_int_equal(w->one[1].id, 1);
	assert_int_equal(w->one[1].verdict, RS_VIOLATED);
	done(w);
	synth_free(s);
}

/* Programs that leave with their context are no updates, and not told. */
static void nothing_to_tell(void **state)
{
	struct watch *w;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	w = watch_of(s, NULL);
	synth_exec(s);
	synth_iommufd_release(s, x);
	catch_up(w, s->nr);
	tick(w, s->now + 30 * SEC);
	finish(w);
	assert_int_equal(w->nr, 0);
	done(w);
	synth_free(s);
}

#define UPDATES 1200

/* One VM that is updated again and again, now by exec and now to another process; sometimes it begins anew. */
static void a_thousand(void **state)
{
	size_t after[UPDATES + 1], base, early = 0, most = 0, updates = 0;
	__u32 pid = 1000, ioas, owner;
	struct synth *s = synth_new();
	__u64 x, vm = VM;
	struct rs_result *r;
	struct watch *w;

	(void)state;
	synth_as(s, owner = pid++);
	x = synth_iommufd_at(s, 0xffff888200000000ULL);
	ioas = synth_ioas(s, x);
	synth_ioas_map_file(s, x, ioas, 0, 2 * MIB, INO, 0);
	synth_vcpu_run(s, vm, 0);
	after[0] = s->nr;
	for (size_t i = 0; i < UPDATES; i++) {
		synth_ioas_map_file(s, x, ioas, 16 * MIB, MIB, INO, 0);
		synth_ioas_unmap(s, x, ioas, 16 * MIB);
		synth_vcpu_stop(s, vm, 0);
		synth_change_process(s, x);
		if (i % 2) {
			synth_exec(s);
		} else {
			synth_as(s, pid);
			synth_passed(s, x, RS_PASSED_CONTAINER, 0, owner);
		}
		synth_wait(s, 5 * MS);
		synth_change_process(s, x);
		vm += 0x100000;
		synth_vcpu_run(s, vm, 0);
		if (!(i % 2)) {
			synth_as(s, owner);
			synth_exit(s, 0);
			synth_as(s, owner = pid++);
		}
		synth_wait(s, 3 * SEC);
		if (i % 50 == 49) {
			synth_iommufd_release(s, x);
			synth_exit(s, 0);
			synth_as(s, owner = pid++);
			x = synth_iommufd_at(s, 0xffff888200000000ULL);
			ioas = synth_ioas(s, x);
			synth_ioas_map_file(s, x, ioas, 0, 2 * MIB, INO, 0);
			vm += 0x100000;
			synth_vcpu_run(s, vm, 0);
		}
		after[i + 1] = s->nr;
	}
	w = watch_of(s, NULL);
	base = allocated();
	for (size_t i = 0; i <= UPDATES; i++) {
		size_t now;

		catch_up(w, after[i]);
		now = allocated() - base;
		if (i < UPDATES / 10)
			early = now > early ? now : early;
		else
			most = now > most ? now : most;
	}
	assert_true(early > 0);
	if (most > early + SLACK)
		print_error("%zu bytes at most in the beginning, %zu later\n", early, most);
	assert_true(most <= early + SLACK);
	finish(w);
	r = synth_result(s);
	assert_int_equal(r->nr_updates, UPDATES);
	assert_int_equal(r->nr_handovers, UPDATES);
	for (size_t i = 0; i < w->nr; i++) {
		const struct rs_update_view *u = &r->update[updates];

		assert_int_equal(w->one[i].id, u->id);
		assert_int_equal(w->one[i].handovers, 1);
		assert_int_equal(w->one[i].view.end_ns, u->end_ns);
		assert_int_equal(w->one[i].view.handover, u->handover);
		assert_int_equal(w->one[i].view.blackout_len, u->blackout_len);
		assert_int_equal(w->one[i].verdict, RS_PASS);
		updates++;
	}
	assert_int_equal(updates, UPDATES);
	rs_result_free(r);
	done(w);
	synth_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_when_it_is_over),
		cmocka_unit_test(raised_meanwhile),
		cmocka_unit_test(nothing_to_tell),
		cmocka_unit_test(a_thousand),
	};

	return cmocka_run_group_tests_name("told: iommufd", tests, NULL, NULL);
}
