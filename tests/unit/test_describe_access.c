// SPDX-License-Identifier: GPL-2.0-only
/* One line for each type of event that a request, its pages or the recorder writes. */
#include "describe_event.h"

static void accesses(void **state)
{
	struct rs_ev_request req = { HEAD(RS_EV_REQUEST, req), .request = RS_REQ_PIN,
				     .iova = { 0x1000 }, .len = 4096, .op.ret = 1 };
	struct rs_ev_xlate xlate = { HEAD(RS_EV_XLATE, xlate),
				     .vaddr = { 0x7f0000000000 },
				     .npage = 512,
				     .ret = 512,
				     .caller = RS_IN_IOCTL_MAP,
				     .target_mm = 0x10 };
	struct rs_ev_iommu iommu = { HEAD(RS_EV_IOMMU, iommu), .iova = { 0x1000 },
				     .size = 2 << 20,	       .paddr = 0x40000000,
				     .op = RS_IOMMU_MAP,       .caller = RS_IN_ATTACH };

	(void)state;
	says(&req, "pin iova 0x1000 size 4 KiB -> 1");
	req.gup_calls = req.gup_pages = 1;
	says(&req, "pin iova 0x1000 size 4 KiB -> 1, gup 1 page");
	req.op.ret = -EBUSY;
	req.gup_calls = req.gup_pages = 0;
	req.op.invalid_before = req.op.invalid_after = 3;
	req.rflags = RS_REQF_RANGE;
	req.range_flags = RS_RANGEF_INVALID;
	says(&req, "pin iova 0x1000 size 4 KiB -> -EBUSY, its range was invalid, 3 ranges invalid");
	req.request = RS_REQ_WRITE;
	req.rflags = RS_REQF_MM_DEAD;
	req.op.ret = -EFAULT;
	req.op.invalid_before = req.op.invalid_after = 0;
	says(&req, "write iova 0x1000 size 4 KiB -> -EFAULT, the owner's mm was gone");
	req.rflags = 0;
	req.request = RS_REQ_PIN;
	req.op.ret = -ENOMEM;
	req.gup_calls = 2;
	req.gup_pages = 1;
	req.gup_err = -EFAULT;
	req.acct_err = -ENOMEM;
	says(&req, "pin iova 0x1000 size 4 KiB -> -ENOMEM, gup 1 page, gup failed with -EFAULT, "
		   "accounting failed with -ENOMEM");
	memset(&req.op, 0, sizeof(req.op));
	req.gup_calls = 0;
	req.gup_err = req.acct_err = 0;
	req.request = RS_REQ_UNPIN;
	says(&req, "unpin iova 0x1000 size 4 KiB");
	req.request = 44;
	says(&req, "request iova 0x1000 size 4 KiB -> 0");

	says(&xlate, "vaddr 0x7f0000000000 translated, 512 pages, for MAP_DMA -> 512");
	xlate.caller = RS_IN_PIN;
	xlate.ret = -EFAULT;
	xlate.npage = 1;
	xlate.target_mm = 0x30;
	xlate.dma_iova.v = 0x1000;
	xlate.dma_size = 8192;
	xlate.dma_flags = RS_RANGEF_INVALID;
	says(&xlate, "vaddr 0x7f0000000000 translated, 1 page, for a pin -> -EFAULT, "
		     "range iova 0x1000 size 8 KiB invalid, in another mm");

	says(&iommu, "iommu map iova 0x1000 size 2 MiB to phys 0x40000000 -> 0, by an attach");
	iommu.op = RS_IOMMU_UNMAP;
	iommu.ret = 2 << 20;
	iommu.removing = 1;
	iommu.caller = RS_IN_IOCTL_UNMAP;
	says(&iommu,
	     "iommu unmap iova 0x1000 size 2 MiB -> 2 MiB, by UNMAP_DMA (range taken down)");
	iommu.ret = -EINVAL;
	iommu.removing = 0;
	iommu.caller = RS_IN_NOTHING;
	says(&iommu, "iommu unmap iova 0x1000 size 2 MiB -> -EINVAL, by something else");
}

/* What tells a reader where a request's time and pages went. */
static void access_details(void **state)
{
	struct rs_ev_request req = { HEAD(RS_EV_REQUEST, req),
				     .request = RS_REQ_PIN,
				     .iova = { 0x1000 },
				     .len = 8192,
				     .op.ret = 2,
				     .gup_calls = 2,
				     .gup_pages = 1 };

	(void)state;
	req.rflags = RS_REQF_PFN;
	req.pfn.v = 0x12345;
	says(&req, "pin iova 0x1000 size 8 KiB -> 2, the first page is pfn 0x12345, gup 1 page");
	req.rflags = 0;
	req.gup_zero = 1;
	says(&req, "pin iova 0x1000 size 8 KiB -> 2, gup 1 page, gup succeeded and got no page");
	req.gup_zero = 2;
	says(&req, "pin iova 0x1000 size 8 KiB -> 2, gup 1 page, gup succeeded and got no page "
		   "(2 times)");
	req.gup_zero = 0;
	req.waits = 1;
	req.wait_ns = 12400000;
	says(&req, "pin iova 0x1000 size 8 KiB -> 2, waited 12.4 ms for a vaddr, gup 1 page");
	req.waits = 3;
	says(&req,
	     "pin iova 0x1000 size 8 KiB -> 2, waited 12.4 ms for a vaddr (3 times), gup 1 page");
	req.waits = req.gup_calls = 0;
	req.request = RS_REQ_UNPIN;
	req.put_pages = 2;
	says(&req, "unpin iova 0x1000 size 8 KiB, last reference of 2 pages dropped");
}

static void pages(void **state)
{
	struct rs_ev_pages run = { HEAD(RS_EV_PAGES, run), .iova = { 0x1000 }, .npage = 1,
				   .pfn = { 0x54321 }, .source = RS_PAGES_IOMMU };
	struct rs_ev_verify verify = { HEAD(RS_EV_VERIFY, verify), .iova = { 0x100000 },
				       .size = 2 << 20, .asked = 64, .found = 60 };

	(void)state;
	says(&run, "iova 0x1000, 1 page: pfn 0x54321 given to the IOMMU");
	run.npage = 512;
	run.source = RS_PAGES_PIN;
	says(&run, "iova 0x1000, 512 pages: pfn 0x54321 and on given to a driver's pin");
	run.source = RS_PAGES_PAGEMAP;
	says(&run, "iova 0x1000, 512 pages: pfn 0x54321 and on in the owner's page table");
	run.source = 9;
	says(&run, "iova 0x1000, 512 pages: pfn 0x54321 and on");
	says(&verify, "sampled pages of range iova 0x100000 size 2 MiB looked up: 60 of 64 found");
	verify.all = 1;
	verify.asked = verify.found = 512;
	says(&verify, "all pages of range iova 0x100000 size 2 MiB looked up: 512 of 512 found");
}

static void by_the_recorder(void **state)
{
	struct rs_ev_flight flight = { HEAD(RS_EV_FLIGHT, flight),
				       .request = { .h = { .ts = 690 },
						    .request = RS_REQ_READ,
						    .iova = { 0x1000 },
						    .len = 512 } };
	struct rs_ev_stats stats = { HEAD(RS_EV_STATS, stats),
				     .key = { .request = RS_REQ_PIN, .path = RS_PATH_GUP },
				     .requests = 1000,
				     .pages = 4096,
				     .count = 900,
				     .min = 100,
				     .max = 100000 };

	(void)state;
	says(&flight, "310 ns before: read iova 0x1000 size 512 bytes -> 0");
	/* A damaged record: from the future, or without a time. */
	flight.request.h.ts = 1001;
	says(&flight, "before: read iova 0x1000 size 512 bytes -> 0");
	flight.h.size = sizeof(struct rs_event);
	says(&flight, "before: request iova 0x0 size 0 -> 0");

	says(&stats, "so far, pin gup outside windows: 1,000 requests of 4,096 pages; "
		     "900 took 100 ns to 100 us");
	stats.latency = RS_LAT_WAIT;
	stats.key.in_window = 1;
	stats.key.path = RS_PATH_REFUSED;
	stats.key.reason = RS_REASON_WINDOW;
	stats.requests = stats.pages = stats.count = 1;
	says(&stats, "so far, pin refused:window inside windows: 1 request of 1 page; "
		     "1 waited 100 ns to 100 us");
	stats.key.request = RS_REQ_REMAP;
	stats.latency = RS_LAT_WORK;
	says(&stats, "so far, remap refused:window inside windows: 1 request of 1 page; "
		     "1 worked 100 ns to 100 us");
	stats.count = 0;
	stats.key.request = RS_REQ_NR;
	stats.key.path = stats.key.reason = 999;
	says(&stats, "so far, request unknown:unknown inside windows: 1 request of 1 page");
}

static void device_names(void **state)
{
	struct rs_ev_device device = { HEAD(RS_EV_DEVICE, device), .device = 0xd00,
				       .container = 0xabc, .group_id = 3, .name = "0000:00:04.0" };
	struct rs_ev_request req = { HEAD(RS_EV_REQUEST, req),
				     .request = RS_REQ_PIN,
				     .iova = { 0x1000 },
				     .len = 4096,
				     .op.ret = 1,
				     .device = 0xd00 };
	struct rs_ev_pages run = { HEAD(RS_EV_PAGES, run), .device = 0xd01, .container = 0xabc,
				   .npage = 1, .source = RS_PAGES_PIN };
	struct rs_ev_flight flight = {
		HEAD(RS_EV_FLIGHT, flight),
		.request = { .op.container = 0xabc, .device = 0xd00, .request = RS_REQ_PIN }
	};
	struct rs_ev_verify verify = { HEAD(RS_EV_VERIFY, verify), .container = 0xabc };
	struct rs_ev_snapshot snap = { HEAD(RS_EV_SNAPSHOT, snap), .op.container = 0xabc };
	struct rs_container_view c[] = { { .id = 4, .key = 0xabc } };
	struct rs_device_view d[] = {
		{ .id = 1, .key = 0xd00, .since_ns = 100 },
		{ .id = 2, .key = 0xd01, .since_ns = 2000 },
		{ .id = 3, .key = 0xd00, .since_ns = 1500 },
	};
	struct rs_result r = { .container = c, .nr_containers = 1, .device = d, .nr_devices = 3 };
	char got[240];

	(void)state;
	says(&device, "device \"0000:00:04.0\", group 3");
	device.group_id = -1;
	memset(device.name, 'x', sizeof(device.name));
	says(&device, "device \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"");
	memcpy(device.name, "a", 2);

	rs_describe_event(&r, &device.h, got, sizeof(got));
	assert_string_equal(got, "c4 d1 device \"a\"");
	rs_describe_event(&r, &req.h, got, sizeof(got));
	assert_string_equal(got, "d1 pin iova 0x1000 size 4 KiB -> 1");
	/* The address was used again. */
	req.h.ts = 1500;
	rs_describe_event(&r, &req.h, got, sizeof(got));
	assert_string_equal(got, "d3 pin iova 0x1000 size 4 KiB -> 1");
	/* A record that was put in order before the one that names its device. */
	rs_describe_event(&r, &run.h, got, sizeof(got));
	assert_string_equal(got, "c4 d2 iova 0x0, 1 page: pfn 0x0 given to a driver's pin");
	rs_describe_event(&r, &flight.h, got, sizeof(got));
	assert_string_equal(got, "c4 d1 before: pin iova 0x0 size 0 -> 0");
	rs_describe_event(&r, &verify.h, got, sizeof(got));
	assert_string_equal(got, "c4 sampled pages of range iova 0x0 size 0 looked up: 0 of 0 "
				 "found");
	rs_describe_event(&r, &snap.h, got, sizeof(got));
	assert_string_equal(got, "c4 container found with 0 ranges");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses),	cmocka_unit_test(access_details),
		cmocka_unit_test(pages),	cmocka_unit_test(by_the_recorder),
		cmocka_unit_test(device_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
