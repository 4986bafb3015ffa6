/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A guest with two vCPUs, and what a test expects of its update
 */
#ifndef RS_TESTS_GUEST_FIXTURE_H
#define RS_TESTS_GUEST_FIXTURE_H

#include <linux/vfio.h>
#include "judge.h"

#define VM  0xffff888200000000ULL
#define VM2 0xffff888200100000ULL
#define VM3 0xffff888200200000ULL
#define DEV 0xffff888300000000ULL

#define OTHER 300

/* A container with one range; of the process that is set. */
static inline __u64 container(struct synth *s)
{
	__u64 c = synth_open(s);

	synth_map(s, c, 0, MIB, INO, 0);
	return c;
}

static inline struct synth *guest(__u64 *c)
{
	struct synth *s = synth_new();

	synth_as(s, QEMU);
	*c = container(s);
	synth_vcpu_run(s, VM, 0);
	synth_vcpu_run(s, VM, 1);
	synth_wait(s, SEC);
	return s;
}

/* Both vCPUs; @ns apart. */
static inline void stop(struct synth *s, __u64 vm, __u64 ns)
{
	synth_vcpu_stop(s, vm, 0);
	synth_wait(s, ns);
	synth_vcpu_stop(s, vm, 1);
}

static inline void run(struct synth *s, __u64 vm)
{
	synth_vcpu_run(s, vm, 0);
	synth_wait(s, 2 * MS);
	synth_vcpu_run(s, vm, 1);
}

static inline __u64 ts_of(struct synth *s, enum rs_event_type type, size_t nth)
{
	return ((struct rs_event *)synth_event(s, type, nth))->ts;
}

/* Phases: one after the other, from the blackout's begin to its end; "save invalidate ...". */
static inline void expect_phases(const struct rs_update_view *u, const char *want)
{
	__u64 at = u->blackout_ns;
	char got[256] = "";

	for (size_t i = 0; i < u->nr_phases; i++) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%s", len ? " " : "", u->phase[i].name);
		assert_int_equal(u->phase[i].start_ns, at);
		assert_true(u->phase[i].len > 0);
		at += u->phase[i].len;
		if (strcmp(u->blackout_from, "windows") != 0 &&
		    strcmp(u->blackout_from, "handover") != 0) {
			assert_non_null(u->phase[i].begun_by);
			assert_non_null(u->phase[i].ended_by);
		}
	}
	assert_string_equal(got, want);
	assert_int_equal(at, u->blackout_ns + u->blackout_len);
}

static inline const struct rs_phase *phase_of(const struct rs_update_view *u, const char *name)
{
	for (size_t i = 0; i < u->nr_phases; i++)
		if (!strcmp(u->phase[i].name, name))
			return &u->phase[i];
	fail_msg("no phase %s", name);
	return NULL;
}

static inline void expect_blackout(const struct rs_update_view *u, const char *from, __u64 begin,
				   __u64 end)
{
	assert_non_null(u->blackout_from);
	assert_string_equal(u->blackout_from, from);
	assert_int_equal(u->blackout_ns, begin);
	assert_int_equal(u->blackout_len, end - begin);
}

#endif /* RS_TESTS_GUEST_FIXTURE_H */
