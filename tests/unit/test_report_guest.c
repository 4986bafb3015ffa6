// SPDX-License-Identifier: GPL-2.0-only
/* What the report says of an update's guest. */
#define _GNU_SOURCE 1
#include "guest_fixture.h"
#include "render/render.h"

static char *report_of(struct synth *s, int verbose)
{
	struct rs_style style = { .width = 100, .verbose = verbose };
	struct rs_result *r = synth_result(s);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(rs_render_report(r, &style, f), 0);
	assert_int_equal(fclose(f), 0);
	rs_result_free(r);
	return text;
}

static void expect(struct synth *s, int verbose, const char *const *want, const char *never)
{
	char *text = report_of(s, verbose);

	for (; *want; want++) {
		if (!strstr(text, *want))
			fail_msg("no \"%s\" in:\n%s", *want, text);
	}
	if (never && strstr(text, never))
		fail_msg("\"%s\" in:\n%s", never, text);
	free(text);
}

#define EXPECT(s, verbose, never, ...) \
	expect(s, verbose, (const char *const[]){ __VA_ARGS__, NULL }, never)

static void all_went_well(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = guest(&c);
	synth_device(s, DEV, c, 7, "0000:00:05.0");
	synth_as(s, NEXT);
	synth_passed(s, c, RS_PASSED_CONTAINER, 0, QEMU);
	synth_wait(s, 40 * MS);
	synth_as(s, QEMU);
	stop(s, VM, 0);
	synth_wait(s, 30 * MS);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_wait(s, 10 * MS);
	synth_remap(s, c, 0, MIB, INO, 0);
	s->twist.ret = -EIO;
	synth_devop(s, DEV, c, VFIO_DEVICE_RESET);
	run(s, VM2);
	EXPECT(s, 0, "vCPU 0", "UPDATE 1: to another process, ",
	       "  blackout 40.0 ms (by its vCPUs)\n",
	       "\n  save        |#######################         |", "\n  load ", "\n  resume ",
	       "  guest: VM 1 -> VM 2, 2 vCPUs, stopped within 1.00 us, ran again within 2.00 ms\n",
	       "  proc-200[200] was started 1.04 s, passed its files 40.0 ms before\n",
	       " container's file passed c1 by proc-200[200]\n",
	       " device reset -EIO d1 1.00 us by proc-200[200]\n");
	EXPECT(s, 1, NULL,
	       "\n    from: the last vCPU left KVM_RUN; to: the first invalidation was entered\n",
	       "\n    from: the last remap returned; to: the first vCPU entered KVM_RUN\n",
	       "\n    vCPU 0 stopped +", "\n    vCPU 1 stopped +");
	synth_free(s);
}

static void what_went_wrong(void **state)
{
	struct synth *s;
	__u64 c;

	(void)state;
	s = guest(&c);
	stop(s, VM, 0);
	synth_invalidate_all(s, c);
	run(s, VM);
	EXPECT(s, 0, "blackout", "UPDATE 1: abandoned, ",
	       "  abandoned: proc-100[100] runs again with 1 of 1 ranges without a vaddr, since +",
	       "goes on,", "no new mapping or pin will work there\n");
	synth_free(s);

	s = guest(&c);
	stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_as(s, NEXT);
	synth_remap(s, c, 0, MIB, INO, 0);
	EXPECT(s, 0, "blackout",
	       "  the guest's vCPUs stood still, and none was seen to run again\n",
	       "  not running: its memory is whole again, but no vCPU of proc-200[200] was seen to "
	       "run\n",
	       "    vCPU 0 stopped +", " was not seen to run again\n");
	synth_free(s);

	s = guest(&c);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_remap(s, c, 0, MIB, INO, 0);
	EXPECT(s, 0, "(by its vCPUs)", "  a vCPU ran when the ranges lost their vaddr\n",
	       "    vCPU 1 ran at the invalidation\n");
	synth_free(s);

	s = guest(&c);
	stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_unmap(s, c, 0, MIB);
	EXPECT(s, 0, "abandoned", "  failed: not all of its windows were ended by a remap\n");
	synth_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_went_well),
		cmocka_unit_test(what_went_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
