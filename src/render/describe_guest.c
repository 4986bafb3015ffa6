// SPDX-License-Identifier: GPL-2.0-only
/* A guest's vCPUs, interrupts and devices. */
#include <linux/vfio.h>
#include "render/describe.h"
#include "render/names.h"
#include "stats/units.h"

/* Linux 6.6; Debian 12's headers do not have it. */
#ifndef VFIO_DEVICE_BIND_IOMMUFD
#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#endif

void rs_describe_vcpu(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_vcpu e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "vCPU %u of VM 0x%llx ", e.id, e.kvm);
	if (e.what != RS_VCPU_TOLD) {
		rs_line_add(l, e.what == RS_VCPU_AGAIN ? "runs again" : "runs");
		if (e.exit_ns && e.enter_ns > e.exit_ns)
			rs_line_add(l, ", after %s", rs_fmt_len(e.enter_ns - e.exit_ns).s);
		return;
	}
	if (e.flags & RS_VCPUF_INSIDE)
		rs_line_add(l, "is running");
	else if (e.exit_ns && ev->ts >= e.exit_ns)
		rs_line_add(l, "stands still since %s", rs_fmt_len(ev->ts - e.exit_ns).s);
	else
		rs_line_add(l, "stands still");
}

void rs_describe_vm(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_vm e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "VM 0x%llx is gone", e.kvm);
}

static void irq_index(struct rs_line *l, __u32 index)
{
	static const char *const names[] = {
		[VFIO_PCI_INTX_IRQ_INDEX] = "INTx",   [VFIO_PCI_MSI_IRQ_INDEX] = "MSI",
		[VFIO_PCI_MSIX_IRQ_INDEX] = "MSI-X",  [VFIO_PCI_ERR_IRQ_INDEX] = "error",
		[VFIO_PCI_REQ_IRQ_INDEX] = "request",
	};

	if (index < ARRAY_SIZE(names))
		rs_line_add(l, "%s", names[index]);
	else
		rs_line_add(l, "interrupt index %u", index);
}

void rs_describe_irq(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_irq e;

	rs_line_take(&e, sizeof(e), ev);
	if (e.what == RS_IRQ_IRQFD || e.what == RS_IRQ_NO_IRQFD) {
		rs_line_add(l, "eventfd 0x%llx %s gsi %u of VM 0x%llx", e.eventfd,
			    e.what == RS_IRQ_IRQFD ? "becomes" : "is no longer", e.vector,
			    e.object);
	} else {
		irq_index(l, e.index);
		if (e.what == RS_IRQ_UNTRIGGER && !e.count)
			rs_line_add(l, " disabled");
		else if (e.what == RS_IRQ_UNTRIGGER)
			rs_line_add(l, " vector %u signals nobody", e.vector);
		else
			rs_line_add(l, " vector %u signals eventfd 0x%llx", e.vector, e.eventfd);
	}
	rs_line_add(l, " -> %s", rs_name_ret(e.ret).s);
}

static const char *device_call(__u32 cmd)
{
	static const struct {
		__u32 cmd;
		const char *name;
	} calls[] = {
		{ VFIO_DEVICE_GET_INFO, "VFIO_DEVICE_GET_INFO" },
		{ VFIO_DEVICE_GET_REGION_INFO, "VFIO_DEVICE_GET_REGION_INFO" },
		{ VFIO_DEVICE_GET_IRQ_INFO, "VFIO_DEVICE_GET_IRQ_INFO" },
		{ VFIO_DEVICE_SET_IRQS, "VFIO_DEVICE_SET_IRQS" },
		{ VFIO_DEVICE_RESET, "VFIO_DEVICE_RESET" },
		{ VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO" },
		{ VFIO_DEVICE_PCI_HOT_RESET, "VFIO_DEVICE_PCI_HOT_RESET" },
		{ VFIO_DEVICE_IOEVENTFD, "VFIO_DEVICE_IOEVENTFD" },
		{ VFIO_DEVICE_FEATURE, "VFIO_DEVICE_FEATURE" },
		{ VFIO_DEVICE_BIND_IOMMUFD, "VFIO_DEVICE_BIND_IOMMUFD" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].cmd == cmd)
			return calls[i].name;
	return NULL;
}

/* enum vfio_device_mig_state, uapi linux/vfio.h */
static const char *migration_state(__u32 state)
{
	static const char *const names[] = {
		"error",    "stop",	   "running",  "stop-copy",
		"resuming", "running-p2p", "pre-copy", "pre-copy-p2p"
	};

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

void rs_describe_devop(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_devop e;
	const char *name;

	rs_line_take(&e, sizeof(e), ev);
	name = device_call(e.cmd);
	if (name)
		rs_line_add(l, "%s", name);
	else
		rs_line_add(l, "device ioctl 0x%x", e.cmd);
	if (e.cmd == VFIO_DEVICE_FEATURE) {
		rs_line_add(l, "(%s %u)",
			    e.feature & VFIO_DEVICE_FEATURE_PROBE ? "probe"
			    : e.feature & VFIO_DEVICE_FEATURE_SET ? "set"
								  : "get",
			    e.feature & VFIO_DEVICE_FEATURE_MASK);
		if ((e.feature & VFIO_DEVICE_FEATURE_MASK) ==
			    VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE &&
		    !(e.feature & VFIO_DEVICE_FEATURE_PROBE))
			rs_line_add(l, " %s", migration_state(e.state));
	}
	rs_line_add(l, " -> %s", rs_name_ret(e.ret).s);
	if (ev->ts > e.start_ns)
		rs_line_add(l, " in %s", rs_fmt_len(ev->ts - e.start_ns).s);
}

void rs_describe_passed(struct rs_line *l, const struct rs_event *ev)
{
	static const char *const what[] = { [RS_PASSED_CONTAINER] = "a container's",
					    [RS_PASSED_GROUP] = "a group's",
					    [RS_PASSED_DEVICE] = "a device's" };
	struct rs_ev_passed e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "was passed %s file",
		    e.what && e.what < ARRAY_SIZE(what) ? what[e.what] : "a");
	if (e.from)
		rs_line_add(l, " by %u", e.from);
}

void rs_describe_mark(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_mark e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "QMP says that the guest %s",
		    e.what == RS_MARK_STOP ? "has stopped" : "runs again");
}
