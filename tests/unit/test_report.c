// SPDX-License-Identifier: GPL-2.0-only
/* The report's text, on a result made by hand. */
#define _GNU_SOURCE 1
#include "render_fixture.h"

static void report_golden(void **state)
{
	char *text = rendered(rs_render_report, fixture(), plain);

	(void)state;
	has(text, "remapscope report of trace.rst\n"
		  "  machine     lab, Linux 6.12.107+deb13-amd64\n"
		  "  recorded    2025-11-22T18:10:03.123Z, 5.00 s, 1,204 events\n"
		  "  mode        armed: outside windows only counts and latencies\n"
		  "  verify      sampled pages of remapped ranges\n"
		  "  complete    NO: something was lost (see LOST below)\n"
		  "  hooks       1 of 2 could not be attached: vfio_wait\n"
		  "  command     lab update --exec (exit status 1)\n"
		  "  verdict     VIOLATED: remap-same-memory, pin[path=gup] p99 <= 50us\n");
	has(text, "\nUPDATE 1: to another process, 22.4 ms\n"
		  "  +1.204318 s  2025-11-22T18:10:04.327Z  qemu-system-x86[1234]\n"
		  "    -> qemu-system-x86[1301]\n"
		  "  invalidate  |#                               |    210 us   +1.204318 s\n"
		  "  restart     |#########################       |   17.9 ms   +1.204528 s\n"
		  "  remap       |                         #######|   4.29 ms   +1.222428 s\n");
	has(text, "  window 1 of c1: 22.4 ms, 4 ranges (3.00 GiB), all remapped\n");
	has(text, "  inside: 4 remaps, 1 failed remap, 12 requests, 1 translation\n"
		  "  owner qemu-system-x86[1234] -> qemu-system-x86[1301]\n"
		  "  iova               size  vaddr, old -> new                 state     invalid\n"
		  "  0x0             640 KiB  0x7f12a0000000 -> 0x7f88c0000000  remapped  18.1 ms\n"
		  "    same  file 0:1 ino 1027 +0x0\n"
		  "    pages 64 of 64 sampled are the same\n"
		  "    known since +0.003 s\n"
		  "  0x100000    2047.25 MiB  0x7f12a0100000 -> 0x7f88c0100000  remapped  20.1 ms\n"
		  "    same  +0x0 1 GiB: file 0:1 ino 1027 +0x100000\n"
		  "          +0x40000000 1023.25 MiB: file 0:1 ino 1027 +0x40100000\n"
		  "    ? pages 60 of 64 sampled are the same, 4 could not be compared\n"
		  "  0xfeb00000       16 KiB  0x7f12f0000000 -> 0x7f88f0000000  remapped  21.0 ms\n"
		  "    ? was anonymous memory\n"
		  "    ? now anonymous memory\n"
		  "    ? pages none of 4 sampled could be compared\n"
		  "    owner qemu-system-x86[1234] -> helper[1302]\n"
		  "  0x100000000       1 GiB  0x7f1320000000 -> 0x7f8940000000  remapped  22.1 ms\n"
		  "    ! was file 0:1 ino 1027 gen 7 +0x80000000\n"
		  "    ! now file 8:1 ino 1027 gen 9 +0xc0000000 private\n"
		  "    ! pages 3 of 1,024 sampled are other pages, 21 could not be compared\n");
	has(text, "UPDATE 2: in place, 10.0 ms so far, not ended\n");
	has(text, "STILL OPEN at the end,");
	has(text, "  ranges known only since the invalidation, their maps were not recorded\n"
		  "  iova                size  vaddr");
	has(text,
	    "\nREQUESTS     path               count pages     p50     p90     p99     max wait\n"
	    "  inside windows\n"
	    "  pin        refused:no-unmap-cb    1     -  830 ns  830 ns  830 ns  830 ns\n"
	    "  outside windows\n"
	    "  pin        gup                1,000 4,096 51.2 us 90.1 us  100 us  100 us  25%\n"
	    "  pin        cached                 3   900\n"
	    "  map        -                      2 4,096 11.0 ms  490 ms  490 ms  490 ms\n"
	    "\n"
	    "DEVICES      path               count pages     p50     p90     p99     max wait\n"
	    "  d1 0000:00:04.0, group 7, c1, known since +0.117 s, 4,996 pages pinned,\n"
	    "      4,000 unpinned\n"
	    "  inside windows\n"
	    "  pin        refused:no-unmap-cb    1     -  830 ns  830 ns  830 ns  830 ns\n"
	    "  outside windows\n"
	    "  pin        gup                1,000 4,096 51.2 us 90.1 us  100 us  100 us  25%\n"
	    "  d2 ?[2Jx???????????????????????????????????, 1 page pinned, 0 unpinned\n"
	    "\nSLOWEST");
	has(text, "  pin refused:window  iova 0xfffffffffffff000 4 KiB  c1\n"
		  "                           d2  a-long-name-her[1234567]  in a window\n"
		  "                           waited 30.0 us\n");
	has(text, "\nFLIGHT RECORDER\n"
		  "  before window 1: 2 requests (shown when verbose)\n"
		  "  before window 2: 1 request (shown when verbose)\n"
		  "\n");
	has(text,
	    "       1 x  VFIO_IOMMU_MAP_DMA(VADDR) -ENOENT  at +1.210000 s\n"
	    "            by qemu-system-x86[1301] in a window\n"
	    "  12,345 x  attach group 3 -EBUSY  first +0.001000 s by qemu-system-x86[1234]\n");
	has(text, "\nLOST\n  120 records that found no room in the ring buffer, of c1, c2 "
		  "(request, xlate),\n"
		  "    cpu 3, +");
	has(text, "  c1   type1 of qemu-system-x86[1301], opened +0.050 s, lives on\n"
		  "       1 window, 12 maps, 3 taken down, at most 4 ranges (3.00 GiB)\n"
		  "  c2   type1 of spdk?[31m[77], first seen +0.000 s, released +4.999 s\n"
		  "       1 window, 1 map, 0 taken down, at most 1 range (4 KiB)\n"
		  "       what it held before that is not known\n"
		  "  c3   type1 of qemu-system-x86[1234], found +0.003 s with 4 ranges, lives on\n"
		  "       0 windows, 0 maps, 0 taken down, at most 4 ranges (16 KiB)\n");
	has_not(text, "HOOKS");
	free(text);
}

static void report_verbose(void **state)
{
	char *text = rendered(rs_render_report, fixture(),
			      (struct rs_style){ .width = 80, .verbose = 1 });

	(void)state;
	has(text, "\nHOOKS\n"
		  "  fentry   vfio_iommu_type1_ioctl\n"
		  "  none     vfio_wait: no such function in this kernel\n");
	/* Of the requests whose time was split, each part; of the others nothing. */
	has(text,
	    "  pin        gup                1,000 4,096 51.2 us 90.1 us  100 us  100 us  25%\n"
	    "               wait                         12.8 us 22.5 us 25.0 us 25.0 us\n"
	    "               work                         38.9 us 69.6 us 75.0 us 75.0 us\n"
	    "  pin        cached                 3   900\n"
	    "  map        -                      2 4,096 11.0 ms  490 ms  490 ms  490 ms\n"
	    "\n");
	has(text, "\nFLIGHT RECORDER\n"
		  "  before window 1: 2 requests\n"
		  "    -0.001000 s   7.00 us  read copy_own  iova 0x2000 512 bytes  c1  d1\n"
		  "                           vhost-1234[1300]\n"
		  "    -0.000010 s   9.00 us  pin refused:memlock -ENOMEM  iova 0x3000 4 KiB  c1\n"
		  "                           d1  vhost-1234[1300]\n"
		  "  before window 2: 1 request\n"
		  "    -0.001000 s   2.00 us  unpin released  iova 0x1000 4 KiB  c2  d2\n"
		  "                           spdk?[31m[77]\n"
		  "\n");
	has_not(text, "shown when verbose");
	free(text);
}

/* One device says no more than the table of all requests, unless asked. */
static void report_one_device(void **state)
{
	struct rs_result r = *fixture();
	char *text;

	(void)state;
	r.nr_devices = 1;
	text = rendered(rs_render_report, &r, plain);
	has_not(text, "DEVICES");
	has_not(text, "  d2  ");
	free(text);
	text = rendered(rs_render_report, &r, (struct rs_style){ .width = 80, .verbose = 1 });
	has(text, "\nDEVICES      path               count pages ");
	has(text, "\n  d1 0000:00:04.0, group 7, c1,");
	has_not(text, "  d1  ");
	free(text);
}

/* How much of the time was waiting, at both ends; and when nobody knows. */
static void wait_column(void **state)
{
	static struct rs_hist h[RS_LAT_NR], half[RS_LAT_NR];
	struct rs_request_row row[] = {
		{ "pin", RS_PATH_GUP, RS_REASON_NONE, false, 1, 1, h },
		{ "unpin", RS_PATH_RELEASED, RS_REASON_NONE, false, 1, 1, half },
	};
	static const struct {
		__u64 wait, work;
		const char *share;
	} want[] = {
		{ 0, 100, "  0%\n" }, { 1, 999, " <1%\n" }, { 5, 995, "  1%\n" },
		{ 994, 6, " 99%\n" }, { 999, 1, ">99%\n" }, { 100, 0, "100%\n" },
		{ 0, 0, "  0%\n" },
	};
	struct rs_result r = idle();
	char line[120], *text;

	(void)state;
	memset(half, 0, sizeof(half));
	for (int i = 0; i < RS_LAT_NR; i++)
		rs_hist_add(&half[i], i == RS_LAT_TOTAL ? 20 : 10);
	r.request = row;
	r.nr_requests = 2;
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		memset(h, 0, sizeof(h));
		rs_hist_add(&h[RS_LAT_TOTAL], want[i].wait + want[i].work);
		rs_hist_add(&h[RS_LAT_WAIT], want[i].wait);
		rs_hist_add(&h[RS_LAT_WORK], want[i].work);
		text = rendered(rs_render_report, &r, plain);
		has(text, "     max wait\n");
		snprintf(line, sizeof(line), "%4s %s",
			 want[i].wait + want[i].work == 1000 ? "1.00 us"
			 : want[i].wait + want[i].work	     ? "100 ns"
							     : "0 ns",
			 want[i].share);
		has(text, line);
		free(text);
	}
	/* A trace of before requests' time was split: as if all of it was work. */
	r.nr_requests = 1;
	memset(h, 0, sizeof(h));
	rs_hist_add(&h[RS_LAT_TOTAL], 100);
	rs_hist_add(&h[RS_LAT_WAIT], 0);
	rs_hist_add(&h[RS_LAT_WORK], 100);
	text = rendered(rs_render_report, &r, plain);
	has(text, "     p50     p90     p99     max\n");
	has_not(text, "%");
	free(text);
	text = rendered(rs_render_report, &r, (struct rs_style){ .width = 80, .verbose = 1 });
	has_not(text, "wait");
	free(text);
}

/* Numbers of any size stay exact, and the table stays one line a row. */
static void wide_numbers(void **state)
{
	static struct rs_hist h[RS_LAT_NR];
	struct rs_request_row rows[] = {
		{ "invalidate", RS_PATH_REFUSED, RS_REASON_NO_UNMAP_CB, false, 1, 0, h },
		{ "pin", RS_PATH_GUP, RS_REASON_REMOTE_MM, false, 12345678, 123456789, h },
	};
	struct rs_result r = idle();
	char *text;

	(void)state;
	memset(h, 0, sizeof(h));
	for (int i = 0; i < RS_LAT_NR; i++)
		rs_hist_add(&h[i], 10 * MS);
	r.request = rows;
	r.nr_requests = COUNT_OF(rows);
	text = rendered(rs_render_report, &r, plain);
	has(text,
	    "REQUESTS     path               count       pages     p50     p99     max wait\n"
	    "  outside windows\n"
	    "  invalidate refused:no-unmap-cb    1           - 10.0 ms 10.0 ms 10.0 ms  50%\n"
	    "  pin        gup:remote-mm 12,345,678 123,456,789 10.0 ms 10.0 ms 10.0 ms  50%\n");
	free(text);
	text = rendered(rs_render_report, &r, (struct rs_style){ .width = 100 });
	has(text, " 10.0 ms 10.0 ms 10.0 ms 10.0 ms  50%\n");
	free(text);
}

/* How a container became known: it was opened, found, or only met. */
static void container_known(void **state)
{
	struct rs_container_view c = { .id = 1, .since_ns = T0 + 3 * MS, .owner = OLD_QEMU };
	struct rs_result r = idle();
	char *text;

	(void)state;
	r.container = &c;
	r.nr_containers = 1;
	text = rendered(rs_render_report, &r, plain);
	has(text, "of qemu-system-x86[1234], first seen +0.003 s, lives on\n");
	has(text, "\n       what it held before that is not known\n");
	free(text);
	c.found = true;
	text = rendered(rs_render_report, &r, plain);
	has(text, "of qemu-system-x86[1234], found +0.003 s, lives on\n");
	has_not(text, "not known");
	free(text);
	c.found_ranges = 1;
	text = rendered(rs_render_report, &r, plain);
	has(text, "of qemu-system-x86[1234], found +0.003 s with 1 range, lives on\n");
	free(text);
	c.born = true;
	text = rendered(rs_render_report, &r, plain);
	has(text, "of qemu-system-x86[1234], opened +0.003 s, lives on\n");
	has_not(text, "not known");
	free(text);
}

/* Two containers' windows that open at the same time: the requests before each stay together. */
static void flights_by_window(void **state)
{
	struct rs_flight_view f[] = { flights[2], flights[0], flights[2], flights[1] };
	struct rs_result r = *fixture();
	char *text;

	(void)state;
	r.flight = f;
	r.nr_flights = COUNT_OF(f);
	text = rendered(rs_render_report, &r, plain);
	has(text, "  before window 1: 2 requests (shown when verbose)\n"
		  "  before window 2: 2 requests (shown when verbose)\n"
		  "\n");
	free(text);
	/* A window that is not there gives no origin. */
	f[0].window = 9;
	f[0].request.start_ns = T0 + 5 * MS;
	text = rendered(rs_render_report, &r, (struct rs_style){ .width = 80, .verbose = 1 });
	has(text, "  before window 9: 1 request\n"
		  "    +0.005000 s   2.00 us  unpin released");
	free(text);
}

static void report_idle(void **state)
{
	struct rs_result r = idle();
	char *text = rendered(rs_render_report, &r, plain);

	(void)state;
	assert_string_equal(text, "remapscope report of live\n"
				  "  recorded    3.00 s, 0 events\n"
				  "  complete    yes\n"
				  "\n"
				  "No remap window was seen.\n");
	free(text);
}

/* Many ordinary ranges are summed up; the odd one among them is not. */
static void report_many_ranges(void **state)
{
	struct rs_result r = idle();
	struct rs_range_view *v = calloc(100, sizeof(*v));
	struct rs_window_view w = { .id = 5,
				    .container = 1,
				    .open_ns = T0,
				    .close_ns = T0 + MS,
				    .end = RS_WINDOW_REMAPPED,
				    .range = v,
				    .nr_ranges = 100 };
	char *text;

	(void)state;
	assert_non_null(v);
	for (int i = 0; i < 100; i++) {
		v[i] = ranges_1[0];
		v[i].iova.v = (__u64)i << 20;
	}
	v[77].state = RS_STATE_UNMAPPED;
	v[78].pages_other = 1;
	r.window = &w;
	r.nr_windows = 1;
	text = rendered(rs_render_report, &r, plain);
	has(text, "WINDOWS OF NO UPDATE\n");
	has(text, "remapped, but not all ranges");
	has(text, "  0x4d00000");
	has(text, "unmapped");
	has(text, "  0x4e00000");
	has(text, "    ! pages 1 of 64 are other pages\n");
	has(text, "  ... and 88 more, remapped to the same memory (shown when verbose)\n");
	has_not(text, "  0x4c00000");
	free(text);

	text = rendered(rs_render_report, &r, (struct rs_style){ .width = 80, .verbose = 1 });
	has(text, "  0x4c00000");
	has_not(text, "more, remapped");
	free(text);
	free(v);
}

static const char *one_range(struct rs_range_view v, char **text)
{
	struct rs_result r = idle();
	struct rs_window_view w = { .id = 1,
				    .container = 1,
				    .open_ns = T0,
				    .close_ns = T0 + MS,
				    .end = RS_WINDOW_REMAPPED,
				    .range = &v,
				    .nr_ranges = 1 };

	r.window = &w;
	r.nr_windows = 1;
	*text = rendered(rs_render_report, &r, plain);
	return *text;
}

static void backing_marks(void **state)
{
	struct rs_range_view v = ranges_1[0];
	struct rs_piece other = low_piece[0];
	char *text;

	(void)state;
	has(one_range(v, &text), "    same  file 0:1 ino 1027 +0x0\n");
	free(text);

	/* The model has compared them: the mark says how that came out. */
	v.memory = RS_MEMORY_OTHER;
	v.new_backing.piece = &other;
	other.offset = 0x1000;
	has(one_range(v, &text), "    ! was file 0:1 ino 1027 +0x0\n"
				 "    ! now file 0:1 ino 1027 +0x1000\n");
	free(text);
	other = low_piece[0];
	other.ino = 1028;
	has(one_range(v, &text), "    ! now file 0:1 ino 1028 +0x0\n");
	free(text);
	other = low_piece[0];
	other.generation = 8;
	has(one_range(v, &text), "    ! was file 0:1 ino 1027 gen 7 +0x0\n"
				 "    ! now file 0:1 ino 1027 gen 8 +0x0\n");
	free(text);
	other = low_piece[0];
	other.vm_flags = 0;
	has(one_range(v, &text), "    ! now file 0:1 ino 1027 +0x0 private\n");
	free(text);
	other = low_piece[0];
	other.what = RS_BACKING_NONE;
	has(one_range(v, &text), "    ! now nothing mapped\n");
	free(text);
	v.memory = RS_MEMORY_UNPROVED;
	other.what = RS_BACKING_BUSY;
	has(one_range(v, &text), "    ? now could not be looked at\n");
	free(text);

	/* All of it is there, and yet somebody says that something was left out. */
	other = low_piece[0];
	v.new_backing.complete = false;
	has(one_range(v, &text), "    ? now file 0:1 ino 1027 +0x0\n"
				 "          the rest could not be looked at\n");
	free(text);

	/* Half of it is not known. */
	other = low_piece[0];
	other.len /= 2;
	has(one_range(v, &text), "    ? now +0x0 320 KiB: file 0:1 ino 1027 +0x0\n"
				 "          the rest could not be looked at\n");
	free(text);
	v.new_backing.known = false;
	v.new_backing.nr = 0;
	has(one_range(v, &text), "    ? now not known\n");
	free(text);
}

static void range_pages(void **state)
{
	struct rs_range_view v = ranges_1[0];
	struct rs_result r = idle();
	struct rs_window_view w = {
		.id = 1, .container = 1, .open_ns = T0 + 5 * MS, .range = &v, .nr_ranges = 1
	};
	char *text;

	(void)state;
	v.mapped_seen = true;
	v.pages_asked = v.pages_same = 1024;
	has(one_range(v, &text), "    pages 1,024 of 1,024 are the same\n");
	has_not(text, "known");
	free(text);
	v.pages_same = 1021;
	v.pages_other = 3;
	has(one_range(v, &text), "    ! pages 3 of 1,024 are other pages\n");
	free(text);
	v.pages_asked = 0;
	has_not(one_range(v, &text), "pages");
	free(text);

	/* Known since the snapshot, since the invalidation, and of an unknown time. */
	r.window = &w;
	r.nr_windows = 1;
	v.mapped_seen = false;
	v.since_ns = T0 + 3 * MS;
	text = rendered(rs_render_report, &r, plain);
	has(text, "  ranges known since +0.003 s, their maps were not recorded\n  iova ");
	has_not(text, "    known since");
	free(text);
	v.since_ns = w.open_ns;
	text = rendered(rs_render_report, &r, plain);
	has(text, "  ranges known only since the invalidation, their maps were not recorded\n");
	free(text);
	v.since_ns = 0;
	text = rendered(rs_render_report, &r, plain);
	has_not(text, "known");
	free(text);
}

/* Lines of a standing recording: one for the update, one for each reason; findings alike share one. */
static void told_golden(void **state)
{
	struct rs_result *f = fixture(), r = *f;
	struct rs_update_view u = f->update[0];
	struct rs_finding many[3] = { f->finding[0], f->finding[0], f->finding[0] };
	char *text;

	(void)state;
	u.blackout_len = 45 * 1000000 + 200000;
	u.blackout_from = "vcpus";
	r.update = &u;
	r.nr_updates = 1;
	r.nr_windows = 1;
	text = rendered(rs_render_told, &r, plain);
	has(text, "2025-11-22T18:10:04Z  u1  qemu-system-x86[1234] -> qemu-system-x86[1301]  "
		  "process  blackout 45.2ms (vcpus)  window 22.4ms  violated\n"
		  "    !  remap-same-memory: ");
	has_not(text, "more)");
	free(text);

	r.finding = many;
	r.nr_findings = 3;
	text = rendered(rs_render_told, &r, plain);
	has(text, " (and 2 more)\n");
	free(text);

	/* By themselves, each with its time; what cannot be told is marked. */
	r.nr_updates = 0;
	many[1].container++;
	many[2].verdict = RS_UNKNOWN;
	text = rendered(rs_render_told, &r, plain);
	has_not(text, "u1");
	has_not(text, "more)");
	has(text, "Z  !  remap-same-memory: ");
	has(text, "Z  ?  remap-same-memory: ");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_golden),	   cmocka_unit_test(report_golden),
		cmocka_unit_test(report_verbose),  cmocka_unit_test(report_one_device),
		cmocka_unit_test(wait_column),	   cmocka_unit_test(wide_numbers),
		cmocka_unit_test(container_known), cmocka_unit_test(flights_by_window),
		cmocka_unit_test(report_idle),	   cmocka_unit_test(report_many_ranges),
		cmocka_unit_test(backing_marks),   cmocka_unit_test(range_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
