// SPDX-License-Identifier: GPL-2.0-only
/* What is said and printed of iommufd. */
#include "describe_event.h"
#include "iommufd_fixture.h"
#include "render_fixture.h"

static void calls(void **state)
{
	struct rs_ev_ioas e = { HEAD(RS_EV_IOAS, e), .what = RS_IOAS_ALLOC, .ioas = 3, .fd = -1 };

	(void)state;
	says(&e, "IOAS_ALLOC 3 -> 0");
	e.what = RS_IOAS_DESTROY;
	says(&e, "DESTROY of an ioas 3 -> 0");
	e.what = RS_IOAS_MAP;
	e.iova = rs_iova(0x1000);
	e.size = 0x200000;
	e.vaddr = rs_vaddr(0x7f0000000000);
	e.work.pages_pinned = 512;
	says(&e, "IOAS_MAP 3 iova 0x1000 size 2 MiB vaddr 0x7f0000000000 -> 0, 512 pages pinned");
	e.what = RS_IOAS_MAP_FILE;
	e.fd = 9;
	e.offset = 0x4000;
	e.file_pages = 512;
	says(&e, "IOAS_MAP_FILE 3 iova 0x1000 size 2 MiB fd 9 +0x4000 -> 0, 512 pages pinned, 512 "
		 "through the file");
	e.what = RS_IOAS_COPY;
	e.src_ioas = 2;
	e.src_iova = rs_iova(0x5000);
	e.work.pages_pinned = e.file_pages = 0;
	e.domain_pages = 512;
	says(&e,
	     "IOAS_COPY 3 iova 0x1000 size 2 MiB of ioas 2 iova 0x5000 -> 0, 512 from an IOMMU's "
	     "table");
	e.what = RS_IOAS_UNMAP;
	e.domain_pages = 0;
	e.size_after = 0x1000;
	says(&e, "IOAS_UNMAP 3 iova 0x1000 size 2 MiB -> 0, unmapped 4 KiB");
	e.op.ret = -ENOENT;
	says(&e, "IOAS_UNMAP 3 iova 0x1000 size 2 MiB -> -ENOENT");
	e.op.flags = RS_OPF_NO_ARG;
	says(&e, "IOAS_UNMAP with an unreadable argument -> -ENOENT");
	e.op.flags = 0;
	e.what = 99;
	says(&e, "an ioctl 3 -> -ENOENT");
}

static void change_process(void **state)
{
	struct rs_ev_ioas e = { HEAD(RS_EV_IOAS, e), .what = RS_IOAS_CHANGE_PROCESS, .old_mm = 0x10,
				.old_tgid = 7, .areas = 2 };

	(void)state;
	says(&e, "CHANGE_PROCESS by the areas' owner, 2 areas -> 0");
	e.old_mm = 0x20;
	e.old_tgid = 6;
	e.work.acct[0] = (struct rs_acct){ 0x10, 512 };
	e.work.acct[1] = (struct rs_acct){ 0x20, -1 };
	says(&e, "CHANGE_PROCESS, the areas are of [6], 2 areas -> 0, its mm charged 512 pages, "
		 "another "
		 "mm given back 1 page");
	memset(&e.work, 0, sizeof(e.work));
	e.op.ret = -EINVAL;
	e.user_areas = 2;
	says(&e, "CHANGE_PROCESS, the areas are of [6], 2 areas -> -EINVAL: 2 areas are known by "
		 "vaddr");
	e.op.ret = -ENOMEM;
	says(&e,
	     "CHANGE_PROCESS, the areas are of [6], 2 areas -> -ENOMEM: over the new owner's limit "
	     "of locked memory");
	e.op.ret = -EOPNOTSUPP;
	e.old_tgid = e.areas = 0;
	says(&e, "CHANGE_PROCESS, 0 areas -> -EOPNOTSUPP: a reserved field is not 0");
	e.op.ret = -EINTR;
	says(&e, "CHANGE_PROCESS, 0 areas -> -EINTR");
}

static void pieces(void **state)
{
	struct rs_ev_range range = { HEAD(RS_EV_RANGE, range),
				     .iova = { 0x1000 },
				     .size = 0x1000,
				     .prot = 3,
				     .area = RS_AREA_FILE,
				     .owner_tgid = 7,
				     .flags = RS_RANGEF_SCANNED,
				     .cause = RS_RANGE_HANDED };
	struct rs_ev_backing backing = { HEAD(RS_EV_BACKING, backing), .len = 0x1000,
					 .what = RS_BACKING_FILE, .ino = 5, .dev = 1 };
	struct rs_ev_remove remove = { HEAD(RS_EV_REMOVE, remove), .size = 0x1000, .ioas = 3,
				       .caller = RS_IN_IOCTL_UNMAP };
	struct rs_ev_snapshot snapshot = { HEAD(RS_EV_SNAPSHOT, snapshot),
					   .op.kind = RS_CONTAINER_IOMMUFD,
					   .why = RS_SNAP_START,
					   .owner_tgid = 7,
					   .fd = 12,
					   .nr_ranges = 1,
					   .ioas = 3 };
	struct rs_ev_release release = { HEAD(RS_EV_RELEASE, release),
					 .op.kind = RS_CONTAINER_IOMMUFD };

	(void)state;
	says(&range,
	     "area iova 0x1000 size 4 KiB known by its file rw of [7], after a CHANGE_PROCESS");
	range.area = RS_AREA_USER;
	range.vaddr = rs_vaddr(0x7000);
	range.cause = RS_RANGE_COPIED;
	says(&range, "area iova 0x1000 size 4 KiB vaddr 0x7000 rw of [7], copied");
	range.area = RS_AREA_DMABUF;
	range.cause = RS_RANGE_FOUND;
	says(&range, "area iova 0x1000 size 4 KiB known by its dma-buf rw of [7], found");
	says(&backing, "behind iova 0x0 size 4 KiB: file 0:1 ino 5 +0x0");
	says(&remove, "area iova 0x0 size 4 KiB taken down by IOAS_UNMAP");
	remove.caller = RS_IN_RELEASE;
	says(&remove, "area iova 0x0 size 4 KiB taken down by the release");
	says(&snapshot, "ioas 3 found at the start, fd 12 of [7], with 1 range");
	snapshot.ioas = snapshot.nr_ranges = 0;
	says(&snapshot, "context found at the start, fd 12 of [7], with 0 ranges");
	says(&release, "context released");
}

static void attaches_and_requests(void **state)
{
	struct rs_ev_group group = { HEAD(RS_EV_ATTACH, group), .op.kind = RS_CONTAINER_IOMMUFD,
				     .ioas = 3 };
	struct rs_ev_request rq = { HEAD(RS_EV_REQUEST, rq), .request = RS_REQ_PIN,
				    .len = 0x4000,	     .op.ret = 4,
				    .file_pages = 3,	     .domain_pages = 1 };

	(void)state;
	says(&group, "attach to ioas 3 -> 0");
	group.old_ioas = 2;
	group.group_type = 1;
	says(&group, "attach to ioas 3, in place of ioas 2 (emulated) -> 0");
	group.ioas = group.old_ioas = group.group_type = 0;
	group.op.ret = -EINVAL;
	says(&group, "attach to a page table of user space's own -> -EINVAL");
	group.h.type = RS_EV_DETACH;
	group.old_ioas = 2;
	says(&group, "detach from ioas 2");
	says(&rq, "pin iova 0x0 size 16 KiB -> 4, 3 pages through the file, 1 page from an IOMMU's "
		  "table");
	rq.file_pages = rq.domain_pages = 0;
	rq.op.ret = -ENOENT;
	rq.rflags = RS_REQF_DETACHED;
	says(&rq, "pin iova 0x0 size 16 KiB -> -ENOENT, the device was in no ioas");
	rq.op.ret = -EINVAL;
	rq.rflags = RS_REQF_UNMAPPING;
	says(&rq, "pin iova 0x0 size 16 KiB -> -EINVAL, the area was being unmapped");
}

/* An update by exec, one that was refused before, and what was asked for meanwhile. */
static struct rs_result *an_update(void)
{
	struct rs_result *r;
	struct synth *s;
	__u32 ioas, other;
	__u64 x;

	s = vmm_with_guest(&x, &ioas);
	other = synth_ioas(s, x);
	synth_ioas_attach(s, x, other, MDEV, true);
	synth_ioas_copy(s, x, other, 16 * MIB, ioas, 0);
	synth_ioas_map(s, x, ioas, 32 * MIB, MIB);
	synth_change_process(s, x);
	synth_ioas_unmap(s, x, ioas, 32 * MIB);
	stop(s, VM, MS);
	synth_change_process(s, x);
	synth_exec(s);
	synth_wait(s, 20 * MS);
	synth_access_pin(s, x, MDEV, 16 * MIB, 4, 1);
	s->twist.ret = -ENOMEM;
	synth_change_process(s, x);
	synth_change_process(s, x);
	synth_access_unpin(s, x, MDEV, 16 * MIB, 4);
	run(s, VM2);
	r = synth_result(s);
	synth_free(s);
	return r;
}

static void report(void **state)
{
	struct rs_result *r = an_update();
	char *text = rendered(rs_render_report, r, plain);

	(void)state;
	has(text, "UPDATE 1: by exec, ");
	has(text, "  hand-over 1 of i1: ");
	has(text, " 3 areas handed over (5 MiB)\n");
	has(text, "with a CHANGE_PROCESS of the old owner, proc-100[100]\n");
	has(text, "by exec-100[100], which was charged 768 pages\n");
	has(text, " CHANGE_PROCESS -ENOMEM by exec-100[100]: over the new owner's\n");
	has(text, "  inside it:\n"
		  "    pin cached 1 x, 1 page\n"
		  "    pin file 1 x, 3 pages, at most 1.00 us\n");
	has(text, "    c1 0x0 2 MiB rw file 0:1 ino 42 +0x0 of proc-100[100] -> exec-100[100],\n"
		  "          512 pages pinned, charged to its user, shared\n");
	has(text, "IOMMUFD CONTEXTS\n"
		  "  i1   opened +1.000 s, by proc-100[100], areas charged to exec-100[100],\n"
		  "       2 ioas, 1 hand-over, lives on\n");
	has(text, " CHANGE_PROCESS -EINVAL by proc-100[100], the owner: 1 area is\n"
		  "          known by vaddr\n");
	has(text, "  c1   ioas 1 of i1, iommufd of proc-100[100], opened +1.000 s, lives on\n");
	has(text, "  c2 (ioas 2), at the end:\n"
		  "    0x1000000 2 MiB rw file 0:1 ino 42 +0x0 of exec-100[100],\n"
		  "          512 pages pinned, charged to its user, shared\n");
	has_not(text, "No remap window");
	free(text);
	rs_result_free(r);
}

static json_t *at(const json_t *o, const char *key, size_t i)
{
	json_t *e = json_array_get(json_object_get(o, key), i);

	assert_non_null(e);
	return e;
}

static const char *string(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static json_int_t number(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static int as_json(const struct rs_result *r, const struct rs_style *style, FILE *out)
{
	(void)style;
	return rs_render_json(r, out);
}

static void json(void **state)
{
	struct rs_result *r = an_update();
	char *text = rendered(as_json, r, plain);
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *e, *h;

	(void)state;
	assert_non_null(o);
	e = at(o, "contexts", 0);
	assert_int_equal(number(e, "id"), 1);
	assert_int_equal(number(e, "handovers"), 1);
	assert_string_equal(string(json_object_get(e, "owner"), "comm"), "exec-100");
	assert_int_equal(json_array_size(json_object_get(e, "containers")), 2);
	assert_int_equal(json_array_size(json_object_get(e, "refused")), 2);
	e = at(e, "refused", 0);
	assert_true(json_is_true(json_object_get(e, "probe")));
	assert_true(json_is_null(json_object_get(e, "handover")));
	assert_string_equal(string(e, "error"), "EINVAL");
	assert_string_equal(string(e, "why"), "1 area is known by vaddr");
	assert_int_equal(number(e, "user_areas"), 1);

	h = at(o, "handovers", 0);
	assert_string_equal(string(h, "begun_by"), "probe");
	assert_string_equal(string(h, "end"), "handed over");
	assert_int_equal(number(h, "charged_pages"), 768);
	assert_int_equal(number(h, "refused"), 1);
	assert_int_equal(number(h, "areas"), 3);
	e = at(h, "ranges", 0);
	assert_string_equal(string(e, "known_by"), "file");
	assert_true(json_is_null(json_object_get(e, "vaddr")));
	assert_string_equal(string(json_object_get(e, "old_owner"), "comm"), "proc-100");
	assert_string_equal(string(e, "account"), "user");
	assert_string_equal(string(at(h, "requests", 1), "path"), "file");

	e = at(o, "updates", 0);
	assert_int_equal(json_integer_value(at(e, "handovers", 0)), 1);
	assert_int_equal(json_integer_value(at(e, "contexts", 0)), 1);
	assert_int_equal(json_array_size(json_object_get(e, "windows")), 0);
	e = at(o, "containers", 0);
	assert_string_equal(string(e, "kind"), "iommufd");
	assert_int_equal(number(e, "context"), 1);
	assert_int_equal(number(e, "ioas"), 1);
	assert_int_equal(json_array_size(json_object_get(e, "areas")), 2);
	json_decref(o);
	free(text);
	rs_result_free(r);
}

/* In the line that a standing recording prints. */
static void told(void **state)
{
	struct rs_result *r = an_update();
	char *text = rendered(rs_render_told, r, plain);

	(void)state;
	has(text, "u1  proc-100[100] -> exec-100[100]  exec  blackout ");
	has(text, "  hand-over 20ms  pass\n");
	free(text);
	rs_result_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),  cmocka_unit_test(change_process),
		cmocka_unit_test(pieces), cmocka_unit_test(attaches_and_requests),
		cmocka_unit_test(report), cmocka_unit_test(json),
		cmocka_unit_test(told),
	};

	return cmocka_run_group_tests_name("iommufd: in words", tests, NULL, NULL);
}
