// SPDX-License-Identifier: GPL-2.0-only
/* One line for each type of event that tells of a guest. */
#include <linux/vfio.h>
#include "describe_event.h"

static void vcpus(void **state)
{
	struct rs_ev_vcpu e = { HEAD(RS_EV_VCPU, e), .kvm = 0x9000, .id = 1,
				.what = RS_VCPU_FIRST };
	struct rs_ev_vm vm = { HEAD(RS_EV_VM, vm), .kvm = 0x9000 };

	(void)state;
	says(&e, "vCPU 1 of VM 0x9000 runs");
	e.what = RS_VCPU_AGAIN;
	e.exit_ns = 1000000;
	e.enter_ns = 13400000;
	says(&e, "vCPU 1 of VM 0x9000 runs again, after 12.4 ms");
	e.what = RS_VCPU_TOLD;
	e.h.ts = 1000000;
	e.exit_ns = e.h.ts - 12400;
	says(&e, "vCPU 1 of VM 0x9000 stands still since 12.4 us");
	e.exit_ns = 0;
	says(&e, "vCPU 1 of VM 0x9000 stands still");
	e.flags = RS_VCPUF_INSIDE;
	says(&e, "vCPU 1 of VM 0x9000 is running");
	says(&vm, "VM 0x9000 is gone");
}

static void interrupts(void **state)
{
	struct rs_ev_irq e = { HEAD(RS_EV_IRQ, e), .object = 0x7000,
			       .eventfd = 0xe000,  .what = RS_IRQ_TRIGGER,
			       .index = 2,	   .vector = 3,
			       .count = 1 };

	(void)state;
	says(&e, "MSI-X vector 3 signals eventfd 0xe000 -> 0");
	e.what = RS_IRQ_UNTRIGGER;
	e.ret = -EINVAL;
	says(&e, "MSI-X vector 3 signals nobody -> -EINVAL");
	e.ret = 0;
	e.count = 0;
	e.index = 9;
	says(&e, "interrupt index 9 disabled -> 0");
	e.what = RS_IRQ_IRQFD;
	e.vector = 24;
	says(&e, "eventfd 0xe000 becomes gsi 24 of VM 0x7000 -> 0");
	e.what = RS_IRQ_NO_IRQFD;
	says(&e, "eventfd 0xe000 is no longer gsi 24 of VM 0x7000 -> 0");
}

static void devices(void **state)
{
	struct rs_ev_devop e = { HEAD(RS_EV_DEVOP, e), .cmd = VFIO_DEVICE_RESET };
	struct rs_ev_passed p = { HEAD(RS_EV_PASSED, p), .what = RS_PASSED_DEVICE, .from = 44 };
	struct rs_ev_mark m = { HEAD(RS_EV_MARK, m), .what = RS_MARK_STOP };

	(void)state;
	e.h.ts = 20000000;
	e.start_ns = e.h.ts - 12400000;
	says(&e, "VFIO_DEVICE_RESET -> 0 in 12.4 ms");
	e.start_ns = e.h.ts;
	e.cmd = VFIO_DEVICE_FEATURE;
	e.feature = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE;
	e.state = 3;
	says(&e, "VFIO_DEVICE_FEATURE(set 2) stop-copy -> 0");
	e.feature = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION;
	e.ret = -ENOTTY;
	says(&e, "VFIO_DEVICE_FEATURE(get 1) -> -ENOTTY");
	e.cmd = 0x4444;
	says(&e, "device ioctl 0x4444 -> -ENOTTY");
	says(&p, "was passed a device's file by 44");
	p.what = RS_PASSED_CONTAINER;
	p.from = 0;
	says(&p, "was passed a container's file");
	says(&m, "QMP says that the guest has stopped");
	m.what = RS_MARK_RESUME;
	says(&m, "QMP says that the guest runs again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vcpus),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
