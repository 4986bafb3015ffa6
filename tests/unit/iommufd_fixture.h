/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A VMM whose guest's memory is in an iommufd context
 */
#ifndef RS_TESTS_IOMMUFD_FIXTURE_H
#define RS_TESTS_IOMMUFD_FIXTURE_H

#include "guest_fixture.h"
#include "synth_iommufd.h"

#define NIC  0xffff888500001000ULL
#define MDEV 0xffff888500002000ULL

/* A context with one ioas and two areas that are known by their file; a device is attached to it. */
static inline struct synth *vmm(__u64 *x, __u32 *ioas)
{
	struct synth *s = synth_new();

	synth_as(s, QEMU);
	*x = synth_iommufd(s);
	*ioas = synth_ioas(s, *x);
	synth_ioas_attach(s, *x, *ioas, NIC, false);
	synth_ioas_map_file(s, *x, *ioas, 0, 2 * MIB, INO, 0);
	synth_ioas_map_file(s, *x, *ioas, 4 * MIB, MIB, INO, 2 * MIB);
	return s;
}

/* The same with a guest of two vCPUs that runs. */
static inline struct synth *vmm_with_guest(__u64 *x, __u32 *ioas)
{
	struct synth *s = vmm(x, ioas);

	synth_vcpu_run(s, VM, 0);
	synth_vcpu_run(s, VM, 1);
	synth_wait(s, SEC);
	return s;
}

static inline const struct rs_handover_view *only_handover(const struct rs_result *r)
{
	assert_int_equal(r->nr_handovers, 1);
	assert_int_equal(r->nr_updates, 1);
	assert_int_equal(r->update[0].nr_handovers, 1);
	assert_int_equal(r->update[0].handovers[0], r->handover[0].id);
	assert_int_equal(r->handover[0].update, r->update[0].id);
	return &r->handover[0];
}

#endif /* RS_TESTS_IOMMUFD_FIXTURE_H */
