/* SPDX-License-Identifier: GPL-2.0-only */
/* A result made by hand that has a bit of everything, all of it static, and helpers to print it. */
#ifndef RS_TESTS_RENDER_FIXTURE_H
#define RS_TESTS_RENDER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "render/render.h"

#define T0 100000000000ULL /* the recording's start */
#define US 1000ULL
#define MS 1000000ULL

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define OLD_QEMU                        \
	{                               \
		1234, "qemu-system-x86" \
	}
#define NEW_QEMU                        \
	{                               \
		1301, "qemu-system-x86" \
	}

static struct rs_piece low_piece[] = {
	{ 0, 0xa0000, RS_BACKING_FILE, 1, 1027, 7, 0, RS_VM_SHARED | RS_VM_WRITE },
};

/* The same memory in one piece before and in two after. */
static struct rs_piece ram_one[] = {
	{ 0, 0x7ff40000, RS_BACKING_FILE, 1, 1027, 7, 0x100000, RS_VM_SHARED },
};
static struct rs_piece ram_two[] = {
	{ 0, 0x40000000, RS_BACKING_FILE, 1, 1027, 7, 0x100000, RS_VM_SHARED },
	{ 0x40000000, 0x3ff40000, RS_BACKING_FILE, 1, 1027, 7, 0x40100000, RS_VM_SHARED },
};

static struct rs_piece high_old[] = {
	{ 0, 1 << 30, RS_BACKING_FILE, 1, 1027, 7, 0x80000000, RS_VM_SHARED },
};
static struct rs_piece high_new[] = {
	{ 0, 1 << 30, RS_BACKING_FILE, 0x800001, 1027, 9, 0xc0000000, 0 },
};

static struct rs_piece bar_old[] = {
	{ 0, 0x4000, RS_BACKING_ANON, 0, 0, 0, 0, 0 },
};

static struct rs_range_view ranges_1[] = {
	{
		.iova = { 0x0 },
		.size = 0xa0000,
		.prot = 3,
		.old_vaddr = { 0x7f12a0000000 },
		.new_vaddr = { 0x7f88c0000000 },
		.old_owner = OLD_QEMU,
		.new_owner = NEW_QEMU,
		.old_backing = { low_piece, 1, true, true },
		.new_backing = { low_piece, 1, true, true },
		.state = RS_STATE_REMAPPED,
		.since_ns = T0 + 3 * MS,
		.pages_asked = 64,
		.pages_same = 64,
		.invalid_ns = T0 + 1204400 * US,
		.valid_ns = T0 + 1222500 * US,
		.remap_len = 150 * US,
	},
	{
		.iova = { 0x100000 },
		.size = 0x7ff40000,
		.prot = 3,
		.old_vaddr = { 0x7f12a0100000 },
		.new_vaddr = { 0x7f88c0100000 },
		.old_owner = OLD_QEMU,
		.new_owner = NEW_QEMU,
		.old_backing = { ram_one, 1, true, true },
		.new_backing = { ram_two, 2, true, true },
		.state = RS_STATE_REMAPPED,
		.since_ns = T0 + 60 * MS,
		.mapped_seen = true,
		.pages_asked = 64,
		.pages_same = 60,
		.invalid_ns = T0 + 1204400 * US,
		.valid_ns = T0 + 1224500 * US,
		.remap_len = 800 * US,
	},
	{
		.iova = { 0xfeb00000 },
		.size = 0x4000,
		.prot = 1,
		.old_vaddr = { 0x7f12f0000000 },
		.new_vaddr = { 0x7f88f0000000 },
		.old_owner = OLD_QEMU,
		.new_owner = { 1302, "helper" },
		.old_backing = { bar_old, 1, true, true },
		.new_backing = { bar_old, 1, true, true },
		.memory = RS_MEMORY_UNPROVED,
		.state = RS_STATE_REMAPPED,
		.since_ns = T0 + 61 * MS,
		.mapped_seen = true,
		.pages_asked = 4,
		.invalid_ns = T0 + 1204400 * US,
		.valid_ns = T0 + 1225400 * US,
		.remap_len = 150 * US,
	},
	{
		.iova = { 0x100000000 },
		.size = 1 << 30,
		.prot = 3,
		.old_vaddr = { 0x7f1320000000 },
		.new_vaddr = { 0x7f8940000000 },
		.old_owner = OLD_QEMU,
		.new_owner = NEW_QEMU,
		.old_backing = { high_old, 1, true, true },
		.new_backing = { high_new, 1, true, true },
		.memory = RS_MEMORY_OTHER,
		.state = RS_STATE_REMAPPED,
		.since_ns = T0 + 62 * MS,
		.mapped_seen = true,
		.pages_asked = 1024,
		.pages_same = 1000,
		.pages_other = 3,
		.invalid_ns = T0 + 1204400 * US,
		.valid_ns = T0 + 1226500 * US,
		.remap_len = 150 * US,
	},
};

static struct rs_range_view ranges_2[] = {
	{
		.iova = { 0xfffffffffffff000 },
		.size = 0x1000,
		.prot = 3,
		.old_vaddr = { 0xffff7f12a0000000 },
		.old_owner = { 77, "spdk\033[31m" },
		.state = RS_STATE_INVALID,
		.since_ns = T0 + 4990 * MS,
		.invalid_ns = T0 + 4990 * MS,
	},
};

static struct rs_window_view windows[] = {
	{
		.id = 1,
		.container = 1,
		.update = 1,
		.open_ns = T0 + 1204318 * US,
		.close_ns = T0 + 1226718 * US,
		.end = RS_WINDOW_REMAPPED,
		.opener = OLD_QEMU,
		.closer = NEW_QEMU,
		.bytes = 0xa0000ULL + 0x7ff40000 + 0x4000 + (1 << 30),
		.invalidate_len = 210 * US,
		.remap_len = 1250 * US,
		.remaps = 4,
		.failed_remaps = 1,
		.requests = 12,
		.translations = 1,
		.range = ranges_1,
		.nr_ranges = COUNT_OF(ranges_1),
	},
	{
		.id = 2,
		.container = 2,
		.update = 2,
		.open_ns = T0 + 4990 * MS,
		.end = RS_WINDOW_OPEN,
		.opener = { 77, "spdk\033[31m" },
		.bytes = 0x1000,
		.invalidate_len = 2 * US,
		.range = ranges_2,
		.nr_ranges = 1,
	},
};

static __u32 windows_of_1[] = { 1 };
static __u32 windows_of_2[] = { 2 };

static struct rs_update_view updates[] = {
	{
		.id = 1, .handover = RS_HANDOVER_OTHER, .from = OLD_QEMU, .to = NEW_QEMU,
		.start_ns = T0 + 1204318 * US, .end_ns = T0 + 1226718 * US,
		.outcome = RS_OUTCOME_DONE,
		.window = windows_of_1, .nr_windows = 1,
		.phase = {
			{ .name = "invalidate", .start_ns = T0 + 1204318 * US, .len = 210 * US },
			{ .name = "restart", .start_ns = T0 + 1204528 * US, .len = 17900 * US },
			{ .name = "remap", .start_ns = T0 + 1222428 * US, .len = 4290 * US },
		},
		.nr_phases = 3,
	},
	{
		.id = 2, .handover = RS_HANDOVER_NONE, .from = { 77, "spdk\033[31m" },
		.to = { 77, "spdk\033[31m" }, .start_ns = T0 + 4990 * MS,
		.window = windows_of_2, .nr_windows = 1,
	},
};

static struct rs_container_view containers[] = {
	{
		.id = 1,
		.key = 0xffff888012345600,
		.born = true,
		.since_ns = T0 + 50 * MS,
		.owner = NEW_QEMU,
		.windows = 1,
		.ranges_max = 4,
		.bytes_max = 0xa0000ULL + 0x7ff40000 + 0x4000 + (1 << 30),
		.maps = 12,
		.unmaps = 3,
	},
	{
		.id = 2,
		.key = 0xffff888012345700,
		.since_ns = T0,
		.released_ns = T0 + 4999 * MS,
		.owner = { 77, "spdk\033[31m" },
		.windows = 1,
		.ranges_max = 1,
		.bytes_max = 0x1000,
		.maps = 1,
	},
	{
		.id = 3,
		.key = 0xffff888012345800,
		.found = true,
		.found_ranges = 4,
		.since_ns = T0 + 3 * MS,
		.owner = OLD_QEMU,
		.ranges_max = 4,
		.bytes_max = 0x4000,
	},
};

static struct rs_hist pins[RS_LAT_NR], refused[RS_LAT_NR], maps[RS_LAT_NR], cached[RS_LAT_NR];

static struct rs_request_row requests[] = {
	{ "pin", RS_PATH_REFUSED, RS_REASON_NO_UNMAP_CB, true, 1, 0, refused },
	{ "pin", RS_PATH_GUP, RS_REASON_NONE, false, 1000, 4096, pins },
	{ "pin", RS_PATH_CACHED, RS_REASON_NONE, false, 3, 900, cached },
	{ "map", RS_PATH_NONE, RS_REASON_NONE, false, 2, 4096, maps },
};

static struct rs_request_row requests_of_1[] = {
	{ "pin", RS_PATH_REFUSED, RS_REASON_NO_UNMAP_CB, true, 1, 0, refused },
	{ "pin", RS_PATH_GUP, RS_REASON_NONE, false, 1000, 4096, pins },
};

static struct rs_device_view devices[] = {
	{
		.id = 1,
		.key = 0xffff888012340000,
		.name = "0000:00:04.0",
		.group_id = 7,
		.container = 1,
		.since_ns = T0 + 117 * MS,
		.pinned = 4996,
		.unpinned = 4000,
		.request = requests_of_1,
		.nr_requests = COUNT_OF(requests_of_1),
	},
	{ .id = 2, .key = 0xffff888012350000, .group_id = -1, .pinned = 1 },
};

static struct rs_slow slow[] = {
	{ "map",
	  RS_PATH_NONE,
	  RS_REASON_NONE,
	  false,
	  { 0x100000 },
	  0x7ff40000,
	  T0 + 60 * MS,
	  490 * MS,
	  OLD_QEMU,
	  1,
	  0,
	  0 },
	{ "pin",
	  RS_PATH_REFUSED,
	  RS_REASON_WINDOW,
	  true,
	  { 0xfffffffffffff000 },
	  0x1000,
	  T0 + 1210 * MS,
	  31 * US,
	  { 1234567, "a-long-name-her" },
	  1,
	  2,
	  30 * US },
};

static struct rs_flight_view flights[] = {
	{ 1,
	  { "read",
	    RS_PATH_COPY_OWN,
	    RS_REASON_NONE,
	    false,
	    { 0x2000 },
	    0x200,
	    T0 + 1203318 * US,
	    7 * US,
	    { 1300, "vhost-1234" },
	    1,
	    1,
	    100 },
	  0,
	  0 },
	{ 1,
	  { "pin",
	    RS_PATH_REFUSED,
	    RS_REASON_MEMLOCK,
	    false,
	    { 0x3000 },
	    0x1000,
	    T0 + 1204308 * US,
	    9 * US,
	    { 1300, "vhost-1234" },
	    1,
	    1,
	    0 },
	  12,
	  0 },
	{ 2,
	  { "unpin",
	    RS_PATH_RELEASED,
	    RS_REASON_NONE,
	    false,
	    { 0x1000 },
	    0x1000,
	    T0 + 4989 * MS,
	    2 * US,
	    { 77, "spdk\033[31m" },
	    2,
	    2,
	    0 },
	  0,
	  0 },
};

static struct rs_failure failures[] = {
	{ "VFIO_IOMMU_MAP_DMA(VADDR)", 2, 1, T0 + 1210 * MS, NEW_QEMU, true },
	{ "attach group 3", 16, 12345, T0 + 1 * MS, OLD_QEMU, false },
};

static struct rs_loss_part lost_parts[] = {
	{ 1, false, 1U << RS_EV_REQUEST | 1U << RS_EV_XLATE, T0 + 2000 * MS, T0 + 2001 * MS },
	{ 2, false, 1U << RS_EV_REQUEST, T0 + 2000 * MS, T0 + 2001 * MS },
};

static struct rs_loss_view losses[] = {
	{ "records that found no room in the ring buffer", 3, false, 120, T0 + 2000 * MS,
	  T0 + 2001 * MS, lost_parts, 2, 2 },
};

static struct rs_hook_view hooks[] = {
	{ "vfio_iommu_type1_ioctl", "fentry", NULL },
	{ "vfio_wait", NULL, "no such function in this kernel" },
};

static struct rs_ev_map unmap_event = {
	.h = { .ts = T0 + 1204528 * US,
	       .mm = 1,
	       .tgid = 1234,
	       .tid = 1240,
	       .type = RS_EV_UNMAP,
	       .size = sizeof(struct rs_ev_map),
	       .cpu = 1 },
	.op = { .container = 0xffff888012345600, .invalid_after = 4 },
	.size_after = 0xa0000ULL + 0x7ff40000 + 0x4000 + (1 << 30),
	.uflags = 6,
};

static struct rs_ev_map map_event = {
	.h = { .ts = T0 + 1226718 * US,
	       .mm = 2,
	       .tgid = 1301,
	       .tid = 1301,
	       .type = RS_EV_MAP,
	       .size = sizeof(struct rs_ev_map) },
	.op = { .container = 0xffff888012345600, .invalid_before = 1 },
	.iova = { 0x100000000 },
	.vaddr = { 0x7f8940000000 },
	.size = 1 << 30,
	.uflags = 4,
	.old_vaddr = { 0x7f1320000000 },
	.old_size = 1 << 30,
	.old_iova = { 0x100000000 },
};

static struct rs_event *excerpt[] = { &unmap_event.h, &map_event.h };

static struct rs_finding_step steps[] = {
	{ "mapped", "invalidated", NULL, T0 + 1000000 * US },
	{ "invalid", "remapped", "its memory is <other>", T0 + 1226718 * US },
};

static struct rs_finding findings[] = {
	{
		.objects = 1,
		.rule = "remap-same-memory",
		.verdict = RS_VIOLATED,
		.text = (char *)"The range at iova 0x100000000 was remapped from <file> 0:1 ino "
				"1027 "
				"+0x80000000 to file 8:1 ino 1027 +0xc0000000.",
		.expected = (char *)"The new vaddr is the same file & offset.",
		.at_ns = T0 + 1226718 * US,
		.container = 1,
		.window = 1,
		.event = excerpt,
		.nr_events = 2,
		.step = steps,
		.nr_steps = 2,
	},
	{
		.objects = 1,
		.rule = "window-closed",
		.verdict = RS_UNKNOWN,
		.text = (char *)"Window 2 was open when the recording ended.",
		.at_ns = T0 + 5000 * MS,
		.container = 2,
		.window = 2,
	},
};

static struct rs_rule_container window_closed_in[] = { { 2, RS_UNKNOWN } };

static struct rs_rule_view rules[] = {
	{ "window-closed", RS_SEV_CRITICAL,
	  "every invalidated range is remapped or unmapped before its owner runs again", RS_UNKNOWN,
	  (char *)"the recording ended inside window 2", 2, 1, window_closed_in, 1 },
	{ "remap-exact", RS_SEV_ERROR, "a remap's iova and size equal the invalidated range's",
	  RS_PASS, NULL, 4, 0, NULL, 0 },
	{ "remap-same-memory", RS_SEV_CRITICAL,
	  "old and new vaddr are the same file and offset over the whole range", RS_VIOLATED, NULL,
	  4, 3, NULL, 0 },
	{ "no-iommu-change", RS_SEV_CRITICAL, "no IOMMU map or unmap inside a window", RS_PASS,
	  NULL, 0, 0, NULL, 0 },
};

static struct rs_budget_view budgets[] = {
	{ (char *)"window max <= 100ms", (char *)"b.budget:3", RS_PASS, (char *)"22.4ms", 2, 1,
	  NULL, NULL, 0, NULL },
	{ (char *)"pin[path=gup] p99 <= 50us", (char *)"b.budget:4", RS_VIOLATED, (char *)"61us",
	  1204, 100, (char *)"p99 is 61us, not <= 50us.", NULL, 0, NULL },
	{ (char *)"read max <= 1ms", (char *)"b.budget:5", RS_UNKNOWN, NULL, 0, 1,
	  (char *)"Nothing to measure: no such request was seen.", NULL, 0, NULL },
};

/* Call once before use. */
static inline struct rs_result *fixture(void)
{
	static struct rs_result r = {
		.source = (char *)"trace.rst",
		.kernel = (char *)"6.12.107+deb13-amd64",
		.host = (char *)"lab",
		.realtime_offset_ns = 1763835003123000000LL - (__s64)T0,
		.first_ns = T0,
		.last_ns = T0 + 5000 * MS,
		.events = 1204,
		.mode = RS_MODE_ARMED,
		.verify = RS_VERIFY_SAMPLED,
		.complete = true,
		.hook = hooks,
		.nr_hooks = COUNT_OF(hooks),
		.loss = losses,
		.nr_losses = COUNT_OF(losses),
		.container = containers,
		.nr_containers = COUNT_OF(containers),
		.update = updates,
		.nr_updates = COUNT_OF(updates),
		.window = windows,
		.nr_windows = COUNT_OF(windows),
		.request = requests,
		.nr_requests = COUNT_OF(requests),
		.device = devices,
		.nr_devices = COUNT_OF(devices),
		.flight = flights,
		.nr_flights = COUNT_OF(flights),
		.slow = slow,
		.nr_slow = COUNT_OF(slow),
		.failure = failures,
		.nr_failures = COUNT_OF(failures),
		.rule = rules,
		.nr_rules = COUNT_OF(rules),
		.finding = findings,
		.nr_findings = COUNT_OF(findings),
		.budget = budgets,
		.nr_budgets = COUNT_OF(budgets),
		.command = { true, (char *)"lab update --exec", 256 },
		.verdict = RS_VIOLATED,
	};

	memset(pins, 0, sizeof(pins));
	memset(refused, 0, sizeof(refused));
	memset(maps, 0, sizeof(maps));
	memset(cached, 0, sizeof(cached));
	/* A quarter of the time is waiting. Of the refused pin and of the maps that is not known. */
	for (__u64 i = 0; i < 1000; i++) {
		rs_hist_add(&pins[RS_LAT_TOTAL], (i + 1) * US / 10);
		rs_hist_add(&pins[RS_LAT_WAIT], (i + 1) * US / 40);
		rs_hist_add(&pins[RS_LAT_WORK], (i + 1) * US / 10 - (i + 1) * US / 40);
	}
	rs_hist_add(refused, 830);
	rs_hist_add(maps, 490 * MS);
	rs_hist_add(maps, 11 * MS);
	/* Bytes of no encoding, and no NUL. */
	memset(devices[1].name, 0xff, sizeof(devices[1].name));
	memcpy(devices[1].name, "\033[2Jx\n", 6);
	return &r;
}

typedef int (*render_fn)(const struct rs_result *r, const struct rs_style *style, FILE *out);

static inline int json_styled(const struct rs_result *r, const struct rs_style *style, FILE *out)
{
	(void)style;
	return rs_render_json(r, out);
}

static inline int junit_styled(const struct rs_result *r, const struct rs_style *style, FILE *out)
{
	(void)style;
	return rs_render_junit(r, out);
}

static inline char *rendered(render_fn fn, const struct rs_result *r, struct rs_style style)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(fn(r, &style, out), 0);
	fclose(out);
	return text;
}

static const struct rs_style plain = { .width = 80 };

static inline void has(const char *text, const char *want)
{
	if (!strstr(text, want)) {
		fprintf(stderr, "no \"%s\" in:\n", want);
		fputs(text, stderr);
		fail();
	}
}

static inline void has_not(const char *text, const char *unwanted)
{
	if (strstr(text, unwanted)) {
		fprintf(stderr, "\"%s\" in:\n", unwanted);
		fputs(text, stderr);
		fail();
	}
}

/* An empty result of an idle recording, to be changed as a test needs. */
static inline struct rs_result idle(void)
{
	return (struct rs_result){ .source = (char *)"live",
				   .first_ns = T0,
				   .last_ns = T0 + 3000 * MS,
				   .complete = true };
}

#endif /* RS_TESTS_RENDER_FIXTURE_H */
