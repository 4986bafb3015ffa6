// SPDX-License-Identifier: GPL-2.0-only
/* iommufd contexts in the model: ioas, areas, devices; found late; taken down. */
#include <errno.h>
#include "iommufd_fixture.h"

static const struct rs_area_view *area_at(const struct rs_result *r, __u32 container, __u64 iova)
{
	for (size_t i = 0; i < r->nr_areas; i++)
		if (r->area[i].container == container && r->area[i].iova.v == iova)
			return &r->area[i];
	return NULL;
}

static void contexts_and_their_ioas(void **state)
{
	const struct rs_area_view *a;
	struct rs_result *r;
	__u32 ioas, other, third;
	struct synth *s;
	__u64 x, y;

	(void)state;
	s = vmm(&x, &ioas);
	other = synth_ioas(s, x);
	synth_ioas_map(s, x, other, 0, MIB);
	synth_ioas_copy(s, x, other, 16 * MIB, ioas, 4 * MIB);
	synth_as(s, NEXT);
	y = synth_iommufd(s);
	third = synth_ioas(s, y);
	synth_ioas_map_file(s, y, third, 0, 4 * MIB, INO + 1, 8 * MIB);
	r = judged(s, "");
	assert_int_equal(r->nr_ioctxs, 2);
	assert_int_equal(r->ioctx[0].id, 1);
	assert_int_equal(r->ioctx[0].key, x);
	assert_true(r->ioctx[0].born);
	assert_int_equal(r->ioctx[0].opener.tgid, QEMU);
	assert_int_equal(r->ioctx[0].owner.tgid, QEMU);
	assert_int_equal(r->ioctx[0].nr_ioas, 2);
	assert_int_equal(r->ioctx[1].owner.tgid, NEXT);
	assert_int_equal(r->nr_containers, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(r->container[i].kind, RS_CONTAINER_IOMMUFD);
		assert_true(r->container[i].born);
	}
	assert_int_equal(r->container[0].ioctx, 1);
	assert_int_equal(r->container[0].ioas, ioas);
	assert_int_equal(r->container[0].maps, 2);
	assert_int_equal(r->container[1].ioas, other);
	assert_int_equal(r->container[1].maps, 2);
	assert_int_equal(r->container[1].ranges_max, 2);
	assert_int_equal(r->container[1].bytes_max, 2 * MIB);
	assert_int_equal(r->container[2].ioctx, 2);
	assert_int_equal(r->container[2].key, y);
	/* The same id in another context is another ioas. */
	assert_int_equal(r->container[2].ioas, r->container[0].ioas);

	/* All areas are there, with what they are known by. */
	assert_int_equal(r->nr_areas, 5);
	a = area_at(r, 1, 4 * MIB);
	assert_int_equal(a->area, RS_AREA_FILE);
	assert_int_equal(a->backing.piece[0].what, RS_BACKING_FILE);
	assert_int_equal(a->backing.piece[0].offset, 2 * MIB);
	assert_int_equal(a->locked_pages, MIB / PAGE);
	assert_int_equal(a->account, RS_ACCOUNT_USER);
	assert_int_equal(a->owner.tgid, QEMU);
	assert_int_equal(area_at(r, 2, 16 * MIB)->pages_key, a->pages_key);
	a = area_at(r, 2, 0);
	assert_int_equal(a->area, RS_AREA_USER);
	assert_int_equal(a->vaddr.v, 0x700000000000ULL);
	assert_int_equal(a->locked_pages, 0);
	assert_int_equal(area_at(r, 3, 0)->owner.tgid, NEXT);
	rs_result_free(r);
}

/* What is taken down on purpose is gone; what goes with its ioas or context is kept as it was. */
static void taken_down(void **state)
{
	struct rs_result *r;
	__u32 ioas, other;
	struct synth *s;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	other = synth_ioas(s, x);
	synth_ioas_map_file(s, x, other, 0, MIB, INO, 0);
	synth_ioas_destroy(s, x, other);
	synth_ioas_unmap(s, x, ioas, 0);
	synth_iommufd_release(s, x);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->container[1].released_ns, ts_of(s, RS_EV_IOAS, 5));
	assert_int_equal(r->container[0].released_ns, ts_of(s, RS_EV_RELEASE, 0));
	assert_int_equal(r->ioctx[0].released_ns, ts_of(s, RS_EV_RELEASE, 0));
	assert_int_equal(r->container[0].unmaps, 2);
	assert_int_equal(r->nr_areas, 2);
	assert_non_null(area_at(r, 2, 0));
	assert_non_null(area_at(r, 1, 4 * MIB));
	rs_result_free(r);

	/* The address, and the ioas' id, are used again. */
	synth_as(s, NEXT);
	synth_iommufd_at(s, x);
	ioas = synth_ioas(s, x);
	synth_ioas_map_file(s, x, ioas, 0, MIB, INO, 0);
	r = judged(s, "");
	assert_int_equal(r->nr_ioctxs, 2);
	assert_int_equal(r->nr_containers, 3);
	assert_int_equal(r->ioctx[1].key, x);
	assert_int_equal(r->ioctx[1].owner.tgid, NEXT);
	rs_result_free(r);
}

/* In one ioas after the other, and in none. */
static void devices(void **state)
{
	struct rs_result *r;
	__u32 ioas, other;
	struct synth *s;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	other = synth_ioas(s, x);
	synth_ioas_map(s, x, other, 0, MIB);
	synth_ioas_attach(s, x, ioas, MDEV, true);
	synth_access_pin(s, x, MDEV, 0, 4, 0);
	synth_access_unpin(s, x, MDEV, 0, 4);
	synth_ioas_attach(s, x, other, MDEV, true);
	synth_access_pin(s, x, MDEV, 0, 2, 0);
	synth_access_rw(s, x, MDEV, 0, 64, true);
	synth_access_unpin(s, x, MDEV, 0, 2);
	synth_ioas_detach(s, x, MDEV);
	synth_access_pin(s, x, MDEV, 0, 1, 0);
	r = judged(s, "");
	/* The one that is gone, and what asks for something in no ioas. */
	assert_int_equal(r->nr_devices, 3);
	assert_int_equal(r->device[1].key, MDEV);
	assert_int_equal(r->device[1].container, 2);
	assert_int_equal(r->device[1].group_id, 5);
	assert_int_equal(r->device[1].pinned, 6);
	assert_int_equal(r->device[1].unpinned, 6);
	assert_int_equal(r->device[2].container, 0);
	assert_int_equal(r->device[2].request[0].reason, RS_REASON_DETACHED);
	for (size_t i = 0; i < r->device[1].nr_requests; i++) {
		const struct rs_request_row *row = &r->device[1].request[i];

		if (!strcmp(row->op, "pin"))
			assert_int_equal(row->pages, row->path == RS_PATH_FILE ? 4 : 2);
		if (!strcmp(row->op, "write"))
			assert_int_equal(row->path, RS_PATH_COPY_OWN);
	}
	rs_result_free(r);

	/* An attach that failed changes nothing, but is told. */
	s = vmm(&x, &ioas);
	s->twist.ret = -EBUSY;
	synth_ioas_attach(s, x, ioas, MDEV, true);
	r = judged(s, "");
	assert_int_equal(r->nr_devices, 1);
	assert_string_equal(r->failure[0].call, "attach of group 5 to an ioas");
	assert_int_equal(r->failure[0].err, EBUSY);
	rs_result_free(r);

	/* Known only by its context: an ioas shows when it asks. */
	s = vmm(&x, &ioas);
	synth_device(s, MDEV, x, 5, "mdev0");
	((struct rs_ev_device *)s->rec[synth_last(s)].ev)->kind = RS_CONTAINER_IOMMUFD;
	r = synth_result(s);
	assert_int_equal(r->nr_devices, 2);
	assert_int_equal(r->device[1].container, 0);
	assert_int_equal(r->nr_containers, 1);
	rs_result_free(r);
	synth_ioas_attach(s, x, ioas, MDEV, true);
	r = judged(s, "");
	assert_int_equal(r->nr_devices, 2);
	assert_int_equal(r->device[1].container, 1);
	assert_string_equal(r->device[1].name, "mdev0");
	rs_result_free(r);
}

/* There before the recorder: told by a snapshot of each ioas. */
static void found(void **state)
{
	const struct rs_area_view *a;
	struct rs_result *r;
	__u32 ioas, other;
	struct synth *s;
	__u64 x;

	(void)state;
	s = synth_new();
	synth_as(s, QEMU);
	synth_unrecorded(s, true);
	x = synth_iommufd(s);
	ioas = synth_ioas(s, x);
	other = synth_ioas(s, x);
	synth_ioas_map_file(s, x, ioas, 0, MIB, INO, 0);
	synth_ioas_map(s, x, other, 0, MIB);
	synth_ioas_map_file(s, x, other, 4 * MIB, MIB, INO, MIB);
	synth_unrecorded(s, false);
	synth_iommufd_snapshot(s, x, RS_SNAP_START);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(r->nr_ioctxs, 1);
	assert_false(r->ioctx[0].born);
	assert_true(r->ioctx[0].found);
	assert_int_equal(r->ioctx[0].owner.tgid, QEMU);
	assert_int_equal(r->nr_containers, 2);
	assert_true(r->container[0].found);
	assert_int_equal(r->container[0].found_ranges, 1);
	assert_int_equal(r->container[1].found_ranges, 2);
	a = area_at(r, 2, 4 * MIB);
	assert_int_equal(a->area, RS_AREA_FILE);
	assert_int_equal(a->backing.piece[0].offset, MIB);
	rs_result_free(r);

	/* What it then does with it is judged like anything else. */
	synth_ioas_unmap(s, x, other, 0);
	synth_exec(s);
	synth_change_process(s, x);
	r = synth_result(s);
	expect_verdicts(r, "");
	assert_int_equal(only_handover(r)->areas, 2);
	rs_result_free(r);
	synth_free(s);

	/* One that has no ioas yet. */
	s = synth_new();
	synth_as(s, QEMU);
	synth_unrecorded(s, true);
	x = synth_iommufd(s);
	synth_unrecorded(s, false);
	synth_iommufd_snapshot(s, x, RS_SNAP_START);
	r = judged(s, "");
	assert_int_equal(r->nr_ioctxs, 1);
	assert_true(r->ioctx[0].found);
	assert_int_equal(r->nr_containers, 0);
	rs_result_free(r);

	/* A vaddr that was found, and left behind. */
	s = synth_new();
	synth_as(s, QEMU);
	synth_unrecorded(s, true);
	x = synth_iommufd(s);
	ioas = synth_ioas(s, x);
	synth_ioas_map(s, x, ioas, 0, MIB);
	synth_unrecorded(s, false);
	synth_iommufd_snapshot(s, x, RS_SNAP_START);
	synth_exec(s);
	synth_ioas_map_file(s, x, ioas, 16 * MIB, MIB, INO, 0);
	expect_judged(s, "all-before-exec=violated iommufd-handover=violated");
}

/* Never told: what it held before is not known. */
static void first_seen(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = synth_new();
	synth_as(s, QEMU);
	synth_unrecorded(s, true);
	x = synth_iommufd(s);
	ioas = synth_ioas(s, x);
	synth_ioas_map_file(s, x, ioas, 0, MIB, INO, 0);
	synth_unrecorded(s, false);
	synth_introduce(s);
	synth_exec(s);
	synth_as(s, NEXT);
	synth_change_process(s, x);
	r = judged(s, "");
	assert_false(r->ioctx[0].born);
	assert_false(r->ioctx[0].found);
	assert_int_equal(r->nr_containers, 1);
	assert_false(r->container[0].born);
	/* The kernel says whose they were. */
	assert_int_equal(only_handover(r)->from.tgid, QEMU);
	assert_int_equal(r->handover[0].to.tgid, NEXT);
	assert_int_equal(r->handover[0].areas, 1);
	rs_result_free(r);
}

/* A piece, an end or a begin that was lost shows by itself. */
static void contradictions(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	synth_erase(s, synth_find(s, RS_EV_RANGE, 0));
	r = synth_result(s);
	assert_int_equal(r->nr_losses, 1);
	assert_string_equal(r->loss[0].what, "requests of which parts are missing");
	assert_int_equal(r->loss[0].part[0].container, 1);
	assert_int_equal(verdict_of(r, "iommufd-handover"), RS_UNKNOWN);
	/* It is none of a window's. */
	assert_int_equal(verdict_of(r, "window-closed"), RS_PASS);
	rs_result_free(r);
	synth_free(s);

	/* Opened twice. */
	s = vmm(&x, &ioas);
	synth_iommufd_release(s, x);
	synth_erase(s, synth_last(s));
	synth_iommufd_at(s, x);
	synth_ioas(s, x);
	r = judged(s, "all-before-exec=unknown locked-conserved=unknown owner-mm=unknown "
		      "pin-balance=unknown no-zero-pin=unknown translation-stable=unknown "
		      "irq-restored=unknown iommufd-handover=unknown");
	assert_int_equal(r->nr_ioctxs, 2);
	rs_result_free(r);
}

/* Calls and their time, as the kernel counts them. */
/*
 * A CHANGE_PROCESS that tells fewer areas than are known: the others were unmapped, and nobody has seen it. Of a context
 * that has none left nobody is the owner any more.
 */
static void told_all(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	s = vmm(&x, &ioas);
	synth_ioas_unmap(s, x, ioas, 0);
	synth_drop(s, synth_last(s));
	synth_drop(s, synth_last(s) - 1);
	synth_ioas_unmap(s, x, ioas, 4 * MIB);
	synth_drop(s, synth_last(s));
	synth_drop(s, synth_last(s) - 1);
	synth_change_process(s, x);
	synth_exec(s);
	synth_vcpu_run(s, VM, 0);
	r = synth_result(s);
	assert_int_equal(r->nr_findings, 0);
	rs_result_free(r);
	synth_free(s);
}

static void calls(void **state)
{
	struct rs_result *r;
	__u64 maps = 0, changes = 0, unmaps = 0;
	struct synth *s;
	__u32 ioas;
	__u64 x;

	(void)state;
	for (int armed = 0; armed < 2; armed++) {
		maps = changes = unmaps = 0;
		s = vmm(&x, &ioas);
		s->mode = armed ? RS_MODE_ARMED : RS_MODE_ALL;
		s->twist.ret = -EINVAL;
		synth_ioas_map(s, x, ioas, 32 * MIB, MIB);
		s->twist.ret = -ENOENT;
		synth_ioas_unmap(s, x, ioas, 64 * MIB);
		synth_ioas_unmap(s, x, ioas, 0);
		synth_change_process(s, x);
		synth_stats(s);
		r = judged(s, "");
		for (size_t i = 0; i < r->nr_requests; i++) {
			const struct rs_request_row *row = &r->request[i];

			if (!strcmp(row->op, "map"))
				maps += row->requests;
			if (!strcmp(row->op, "unmap"))
				unmaps += row->requests;
			if (!strcmp(row->op, "change"))
				changes += row->requests;
			if (!strcmp(row->op, "map") && row->path == RS_PATH_FILE)
				assert_int_equal(row->pages, 3 * MIB / PAGE);
		}
		assert_int_equal(maps, 3);
		assert_int_equal(unmaps, 2);
		assert_int_equal(changes, 1);
		assert_int_equal(r->nr_failures, 2);
		assert_string_equal(r->failure[0].call, "IOMMU_IOAS_MAP");
		assert_string_equal(r->failure[1].call, "IOMMU_IOAS_UNMAP");
		rs_result_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts_and_their_ioas),
		cmocka_unit_test(taken_down),
		cmocka_unit_test(devices),
		cmocka_unit_test(found),
		cmocka_unit_test(first_seen),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(told_all),
		cmocka_unit_test(calls),
	};

	return cmocka_run_group_tests_name("iommufd: contexts", tests, NULL, NULL);
}
