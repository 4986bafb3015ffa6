// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1
#include "render/describe.h"
#include "render/names.h"
#include "stats/units.h"

#include <linux/vfio.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

void rs_line_add(struct rs_line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (l->used >= l->len)
		return;
	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->used, l->len - l->used, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->used += (size_t)n;
}

void rs_line_take(void *to, size_t len, const struct rs_event *ev)
{
	memset(to, 0, len);
	memcpy(to, ev, ev->size < len ? ev->size : len);
}

const char *rs_event_type_name(const struct rs_event *ev)
{
	static const char *const names[] = {
		[RS_EV_NONE] = "none",	       [RS_EV_PROC] = "proc",
		[RS_EV_FORK] = "fork",	       [RS_EV_EXEC] = "exec",
		[RS_EV_EXIT] = "exit",	       [RS_EV_OPEN] = "open",
		[RS_EV_RELEASE] = "release",   [RS_EV_ATTACH] = "attach",
		[RS_EV_DETACH] = "detach",     [RS_EV_MAP] = "map",
		[RS_EV_UNMAP] = "unmap",       [RS_EV_IOCTL] = "ioctl",
		[RS_EV_RANGE] = "range",       [RS_EV_BACKING] = "backing",
		[RS_EV_REMOVE] = "remove",     [RS_EV_REQUEST] = "request",
		[RS_EV_XLATE] = "xlate",       [RS_EV_IOMMU] = "iommu",
		[RS_EV_SNAPSHOT] = "snapshot", [RS_EV_DEVICE] = "device",
		[RS_EV_PAGES] = "pages",       [RS_EV_VERIFY] = "verify",
		[RS_EV_FLIGHT] = "flight",     [RS_EV_STATS] = "stats",
		[RS_EV_VCPU] = "vcpu",	       [RS_EV_VM] = "vm",
		[RS_EV_IRQ] = "irq",	       [RS_EV_DEVOP] = "devop",
		[RS_EV_PASSED] = "passed",     [RS_EV_MARK] = "mark",
		[RS_EV_IOAS] = "ioas",	       [RS_EV_WAIT] = "wait",
	};

	_Static_assert(ARRAY_SIZE(names) == RS_EV_NR, "every event type has a name");
	return ev->type < RS_EV_NR ? names[ev->type] : "unknown";
}

void rs_line_size(struct rs_line *l, const char *before, __u64 size)
{
	rs_line_add(l, "%s%s", before, size ? rs_fmt_size(size).s : "0");
}

const char *rs_plural(__u64 n)
{
	return n == 1 ? "" : "s";
}

void rs_line_invalid(struct rs_line *l, const struct rs_op *op)
{
	if (!op->invalid_before && !op->invalid_after)
		return;
	rs_line_add(l, ", %u range%s invalid", op->invalid_after, rs_plural(op->invalid_after));
	if (op->invalid_before != op->invalid_after)
		rs_line_add(l, " (was %u)", op->invalid_before);
}

static void add_mm(struct rs_line *l, __u64 old_mm, __u32 users)
{
	if (!old_mm)
		return;
	if (users)
		rs_line_add(l, ", old mm still used by %u", users);
	else
		rs_line_add(l, ", old mm gone");
}

const char *rs_caller_name(__u32 caller)
{
	static const char *const names[] = {
		[RS_IN_NOTHING] = "something else", [RS_IN_IOCTL_MAP] = "MAP_DMA",
		[RS_IN_IOCTL_UNMAP] = "UNMAP_DMA",  [RS_IN_IOCTL_OTHER] = "an ioctl",
		[RS_IN_ATTACH] = "an attach",	    [RS_IN_DETACH] = "a detach",
		[RS_IN_RELEASE] = "the release",    [RS_IN_PIN] = "a pin",
		[RS_IN_UNPIN] = "an unpin",	    [RS_IN_RW] = "a read or write",
		[RS_IN_OPEN] = "the open",	    [RS_IN_CHANGE] = "CHANGE_PROCESS",
	};

	return caller < ARRAY_SIZE(names) ? names[caller] : "something unknown";
}

struct flag_name {
	__u32 flag;
	const char *name;
};

static void add_flags(struct rs_line *l, __u32 flags, const struct flag_name *names, size_t nr)
{
	const char *sep = "(";
	__u32 known = 0;

	for (size_t i = 0; i < nr; i++) {
		known |= names[i].flag;
		if (!(flags & names[i].flag))
			continue;
		rs_line_add(l, "%s%s", sep, names[i].name);
		sep = "|";
	}
	if (flags & ~known) {
		rs_line_add(l, "%s0x%x", sep, flags & ~known);
		sep = "|";
	}
	if (*sep == '|')
		rs_line_add(l, ")");
}

static void proc_event(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_proc e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "process \"%.*s\", parent %u", RS_COMM_LEN, e.comm, e.ppid);
}

static void fork_event(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_fork e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "fork, child %u%s", e.child_tgid,
		    e.child_mm && e.child_mm == e.h.mm ? " in the same mm" : "");
}

static void exec_event(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_exec e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "exec \"%.*s\"", RS_COMM_LEN, e.comm);
	add_mm(l, e.old_mm, e.old_mm_users);
}

static void exit_event(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_exit e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "exit, %s", rs_name_status((int)(e.status & 0xffff)).s);
	add_mm(l, e.old_mm, e.old_mm_users);
}

static void open_event(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_open e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l,
		    e.op.kind == RS_CONTAINER_IOMMUFD ? "context opened, " : "container opened, ");
	if (e.op.kind != RS_CONTAINER_TYPE1)
		rs_line_add(l, "%s", rs_name_kind(e.op.kind));
	else if (e.iommu_type == VFIO_TYPE1_IOMMU)
		rs_line_add(l, "type1");
	else if (e.iommu_type == VFIO_TYPE1v2_IOMMU)
		rs_line_add(l, "type1v2");
	else
		rs_line_add(l, "iommu type %llu", e.iommu_type);
	if (e.op.ret)
		rs_line_add(l, " -> %s", rs_name_ret(e.op.ret).s);
}

static void release_event(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_release e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "%s released", e.op.kind == RS_CONTAINER_IOMMUFD ? "context" : "container");
	if (e.op.invalid_before)
		rs_line_add(l, " with %u range%s invalid", e.op.invalid_before,
			    rs_plural(e.op.invalid_before));
	if (e.h.flags & RS_EVF_EXITING)
		rs_line_add(l, " by an exit");
}

/* The first page, and whether accounting and pinning went by different mms. */
static void add_more(struct rs_line *l, const struct rs_more *m)
{
	if (m->more & RS_MOREF_PFN)
		rs_line_add(l, ", the first page is pfn 0x%llx", m->pfn.v);
	if (!m->foreign_calls)
		return;
	rs_line_add(l, ", pinned in another mm than the one charged at iova 0x%llx",
		    m->foreign_iova.v);
	if (m->foreign_calls > 1)
		rs_line_add(l, " and %u more time%s", m->foreign_calls - 1,
			    rs_plural(m->foreign_calls - 1));
}

static void group_event(struct rs_line *l, const struct rs_event *ev)
{
	static const char *const types[] = { "", " (emulated)", " (no-IOMMU)" };
	bool attach = ev->type == RS_EV_ATTACH;
	struct rs_ev_group e;

	rs_line_take(&e, sizeof(e), ev);
	if (e.op.kind == RS_CONTAINER_IOMMUFD) {
		rs_describe_attach(l, &e);
		return;
	}
	rs_line_add(l, "%s group %u", attach ? "attach" : "detach", e.group_id);
	if (attach)
		rs_line_add(l, "%s -> %s",
			    e.group_type < ARRAY_SIZE(types) ? types[e.group_type] : "",
			    rs_name_ret(e.op.ret).s);
	add_more(l, &e.more);
	rs_line_invalid(l, &e.op);
}

static void add_no_argument(struct rs_line *l, const char *call, const struct rs_op *op)
{
	rs_line_add(l, "%s with an unreadable argument -> %s", call, rs_name_ret(op->ret).s);
	rs_line_invalid(l, op);
}

static void map_event(struct rs_line *l, const struct rs_event *ev)
{
	static const struct flag_name flags[] = {
		{ VFIO_DMA_MAP_FLAG_READ, "READ" },
		{ VFIO_DMA_MAP_FLAG_WRITE, "WRITE" },
		{ VFIO_DMA_MAP_FLAG_VADDR, "VADDR" },
	};
	struct rs_ev_map e;

	rs_line_take(&e, sizeof(e), ev);
	if (e.op.flags & RS_OPF_NO_ARG) {
		add_no_argument(l, "MAP_DMA", &e.op);
		return;
	}
	rs_line_add(l, "MAP_DMA");
	add_flags(l, e.uflags, flags, ARRAY_SIZE(flags));
	rs_line_add(l, " iova 0x%llx", e.iova.v);
	rs_line_size(l, " size ", e.size);
	rs_line_add(l, " vaddr 0x%llx", e.vaddr.v);
	if (e.uflags & VFIO_DMA_MAP_FLAG_VADDR && e.old_size)
		rs_line_add(l, " (was 0x%llx)", e.old_vaddr.v);
	rs_line_add(l, " -> %s", rs_name_ret(e.op.ret).s);
	if (e.uflags & VFIO_DMA_MAP_FLAG_VADDR && e.old_size &&
	    (e.old_size != e.size || e.old_iova.v != e.iova.v)) {
		rs_line_add(l, ", the range is iova 0x%llx", e.old_iova.v);
		rs_line_size(l, " size ", e.old_size);
	}
	add_more(l, &e.more);
	rs_line_invalid(l, &e.op);
}

static void unmap_event(struct rs_line *l, const struct rs_event *ev)
{
	static const struct flag_name flags[] = {
		{ VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, "GET_DIRTY_BITMAP" },
		{ VFIO_DMA_UNMAP_FLAG_VADDR, "VADDR" },
		{ VFIO_DMA_UNMAP_FLAG_ALL, "ALL" },
	};
	struct rs_ev_map e;

	rs_line_take(&e, sizeof(e), ev);
	if (e.op.flags & RS_OPF_NO_ARG) {
		add_no_argument(l, "UNMAP_DMA", &e.op);
		return;
	}
	rs_line_add(l, "UNMAP_DMA");
	add_flags(l, e.uflags, flags, ARRAY_SIZE(flags));
	rs_line_add(l, " iova 0x%llx", e.iova.v);
	rs_line_size(l, " size ", e.size);
	rs_line_add(l, " -> %s", rs_name_ret(e.op.ret).s);
	if (!e.op.ret && e.size_after != e.size)
		rs_line_add(l, " (%s)", rs_fmt_size_about(e.size_after).s);
	rs_line_invalid(l, &e.op);
}

static void ioctl_event(struct rs_line *l, const struct rs_event *ev)
{
	static const struct flag_name calls[] = {
		{ VFIO_GET_API_VERSION, "VFIO_GET_API_VERSION" },
		{ VFIO_CHECK_EXTENSION, "VFIO_CHECK_EXTENSION" },
		{ VFIO_SET_IOMMU, "VFIO_SET_IOMMU" },
		{ VFIO_IOMMU_GET_INFO, "VFIO_IOMMU_GET_INFO" },
		{ VFIO_IOMMU_MAP_DMA, "VFIO_IOMMU_MAP_DMA" },
		{ VFIO_IOMMU_UNMAP_DMA, "VFIO_IOMMU_UNMAP_DMA" },
		{ VFIO_IOMMU_ENABLE, "VFIO_IOMMU_ENABLE" },
		{ VFIO_IOMMU_DISABLE, "VFIO_IOMMU_DISABLE" },
		{ VFIO_IOMMU_DIRTY_PAGES, "VFIO_IOMMU_DIRTY_PAGES" },
	};
	const char *name = NULL;
	struct rs_ev_ioctl e;

	rs_line_take(&e, sizeof(e), ev);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].flag == e.cmd)
			name = calls[i].name;
	if (name)
		rs_line_add(l, "%s", name);
	else
		rs_line_add(l, "ioctl 0x%x", e.cmd);
	if (e.uflags)
		rs_line_add(l, "%s%s%s", e.uflags & 1 ? " start" : "", e.uflags & 2 ? " stop" : "",
			    e.uflags & 4 ? " get bitmap" : "");
	rs_line_add(l, " -> %s", rs_name_ret(e.op.ret).s);
	rs_line_invalid(l, &e.op);
}

static void range_event(struct rs_line *l, const struct rs_event *ev)
{
	static const char *const causes[] = {
		[RS_RANGE_MAPPED] = "mapped",
		[RS_RANGE_REMAPPED] = "remapped",
		[RS_RANGE_INVALIDATED] = "after an invalidation",
		[RS_RANGE_FOUND] = "found",
		[RS_RANGE_COPIED] = "copied",
		[RS_RANGE_HANDED] = "after a CHANGE_PROCESS",
	};
	struct rs_ev_range e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "%s iova 0x%llx", e.area ? "area" : "range", e.iova.v);
	rs_line_size(l, " size ", e.size);
	if (e.area == RS_AREA_FILE || e.area == RS_AREA_DMABUF)
		rs_line_add(l, " known by its %s", rs_name_area(e.area));
	else
		rs_line_add(l, " vaddr 0x%llx%s", e.vaddr.v,
			    e.flags & RS_RANGEF_INVALID ? " invalid" : "");
	rs_line_add(l, " %s%s", e.prot & 1 ? "r" : "-", e.prot & 2 ? "w" : "-");
	if (e.area)
		rs_line_add(l, " of [%u]", e.owner_tgid);
	if (e.cause && e.cause < ARRAY_SIZE(causes))
		rs_line_add(l, ", %s", causes[e.cause]);
	if (e.locked_pages)
		rs_line_add(l, ", %llu page%s locked", e.locked_pages, rs_plural(e.locked_pages));
	if (!(e.flags & RS_RANGEF_SCANNED))
		rs_line_add(l, ", backing not looked at");
	else if (e.flags & RS_RANGEF_SCAN_CUT)
		rs_line_add(l, ", backing only in part");
}

static void backing_event(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_backing e;
	struct rs_piece p;

	rs_line_take(&e, sizeof(e), ev);
	p = (struct rs_piece){ .what = e.what,
			       .dev = e.dev,
			       .ino = e.ino,
			       .offset = e.offset,
			       .generation = e.generation,
			       .vm_flags = e.vm_flags };
	rs_line_add(l, "behind iova 0x%llx", e.iova.v);
	rs_line_size(l, " size ", e.len);
	if (e.vaddr.v || e.vm_flags)
		rs_line_add(l, " vaddr 0x%llx", e.vaddr.v);
	else
		p.vm_flags = RS_VM_SHARED;
	rs_line_add(l, ": %s", rs_name_piece(&p, false).s);
}

static void remove_event(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_remove e;

	rs_line_take(&e, sizeof(e), ev);
	rs_line_add(l, "%s iova 0x%llx", e.ioas ? "area" : "range", e.iova.v);
	rs_line_size(l, " size ", e.size);
	rs_line_add(l, "%s taken down by %s", e.flags & RS_RANGEF_INVALID ? ", invalid," : "",
		    e.ioas && e.caller == RS_IN_IOCTL_UNMAP ? "IOAS_UNMAP"
							    : rs_caller_name(e.caller));
}

static void snapshot_event(struct rs_line *l, const struct rs_event *ev)
{
	struct rs_ev_snapshot e;

	rs_line_take(&e, sizeof(e), ev);
	if (e.op.kind == RS_CONTAINER_IOMMUFD && e.ioas)
		rs_line_add(l, "ioas %u found", e.ioas);
	else
		rs_line_add(l, "%s found",
			    e.op.kind == RS_CONTAINER_IOMMUFD ? "context" : "container");
	if (e.why == RS_SNAP_START)
		rs_line_add(l, " at the start, fd %d of [%u],", e.fd, e.owner_tgid);
	else if (e.why == RS_SNAP_FILTER)
		rs_line_add(l, " when it came to match the filter,");
	rs_line_add(l, " with %u range%s", e.nr_ranges, rs_plural(e.nr_ranges));
	if (e.why == RS_SNAP_OWNER)
		rs_line_add(l, " of an mm that is about to go");
	if (e.op.flags & RS_OPF_CONCURRENT)
		rs_line_add(l, ", while it was at work");
	rs_line_invalid(l, &e.op);
}

/* The ioas of a context, where a record of this type has one. */
static __u32 ioas_of_event(const struct rs_event *ev)
{
	struct rs_ev_snapshot snapshot;
	struct rs_ev_request request;
	struct rs_ev_remove remove;
	struct rs_ev_flight flight;
	struct rs_ev_range range;
	struct rs_ev_group group;
	struct rs_ev_ioas ioas;

	switch (ev->type) {
	case RS_EV_ATTACH:
	case RS_EV_DETACH:
		rs_line_take(&group, sizeof(group), ev);
		return group.ioas ? group.ioas : group.old_ioas;
	case RS_EV_RANGE:
		rs_line_take(&range, sizeof(range), ev);
		return range.ioas;
	case RS_EV_REMOVE:
		rs_line_take(&remove, sizeof(remove), ev);
		return remove.ioas;
	case RS_EV_REQUEST:
		rs_line_take(&request, sizeof(request), ev);
		return request.ioas;
	case RS_EV_FLIGHT:
		rs_line_take(&flight, sizeof(flight), ev);
		return flight.request.ioas;
	case RS_EV_SNAPSHOT:
		rs_line_take(&snapshot, sizeof(snapshot), ev);
		return snapshot.ioas;
	case RS_EV_IOAS:
		rs_line_take(&ioas, sizeof(ioas), ev);
		return ioas.ioas;
	}
	return 0;
}

/* The container's address, where a record of this type has one. */
static __u64 container_of_event(const struct rs_event *ev)
{
	struct rs_ev_release op;
	struct rs_ev_range piece;
	struct rs_ev_flight flight;
	struct rs_ev_devop devop;
	struct rs_ev_passed passed;

	switch (ev->type) {
	case RS_EV_OPEN:
	case RS_EV_RELEASE:
	case RS_EV_ATTACH:
	case RS_EV_DETACH:
	case RS_EV_MAP:
	case RS_EV_UNMAP:
	case RS_EV_IOCTL:
	case RS_EV_REQUEST:
	case RS_EV_SNAPSHOT:
	case RS_EV_IOAS:
		rs_line_take(&op, sizeof(op), ev);
		return op.op.container;
	case RS_EV_RANGE:
	case RS_EV_REMOVE:
	case RS_EV_XLATE:
	case RS_EV_IOMMU:
	case RS_EV_WAIT:
	case RS_EV_DEVICE:
	case RS_EV_PAGES:
	case RS_EV_VERIFY:
		rs_line_take(&piece, sizeof(piece), ev);
		return piece.container;
	case RS_EV_FLIGHT:
		rs_line_take(&flight, sizeof(flight), ev);
		return flight.request.op.container;
	case RS_EV_DEVOP:
		rs_line_take(&devop, sizeof(devop), ev);
		return devop.container;
	case RS_EV_PASSED:
		rs_line_take(&passed, sizeof(passed), ev);
		return passed.container;
	}
	return 0;
}

/* The device's address, likewise. */
static __u64 device_of_event(const struct rs_event *ev)
{
	struct rs_ev_request request;
	struct rs_ev_flight flight;
	struct rs_ev_device device;
	struct rs_ev_passed passed;
	struct rs_ev_devop devop;
	struct rs_ev_group group;
	struct rs_ev_pages pages;
	struct rs_ev_wait wait;
	struct rs_ev_irq irq;

	switch (ev->type) {
	case RS_EV_ATTACH:
	case RS_EV_DETACH:
		rs_line_take(&group, sizeof(group), ev);
		return group.device;
	case RS_EV_REQUEST:
		rs_line_take(&request, sizeof(request), ev);
		return request.device;
	case RS_EV_FLIGHT:
		rs_line_take(&flight, sizeof(flight), ev);
		return flight.request.device;
	case RS_EV_DEVICE:
		rs_line_take(&device, sizeof(device), ev);
		return device.device;
	case RS_EV_WAIT:
		rs_line_take(&wait, sizeof(wait), ev);
		return wait.device;
	case RS_EV_PAGES:
		rs_line_take(&pages, sizeof(pages), ev);
		return pages.device;
	case RS_EV_IRQ:
		rs_line_take(&irq, sizeof(irq), ev);
		return irq.what == RS_IRQ_TRIGGER || irq.what == RS_IRQ_UNTRIGGER ? irq.object : 0;
	case RS_EV_DEVOP:
		rs_line_take(&devop, sizeof(devop), ev);
		return devop.device;
	case RS_EV_PASSED:
		rs_line_take(&passed, sizeof(passed), ev);
		return passed.what == RS_PASSED_DEVICE ? passed.object : 0;
	}
	return 0;
}

#define SAME_PLACE(type)                                                \
	_Static_assert(offsetof(struct type, container) ==              \
			       offsetof(struct rs_ev_range, container), \
		       #type " has its container where a range has it")
SAME_PLACE(rs_ev_remove);
SAME_PLACE(rs_ev_xlate);
SAME_PLACE(rs_ev_iommu);
SAME_PLACE(rs_ev_device);
SAME_PLACE(rs_ev_pages);
SAME_PLACE(rs_ev_verify);

void rs_describe_event(const struct rs_result *r, const struct rs_event *ev, char *buf, size_t len)
{
	static void (*const describe[RS_EV_NR])(struct rs_line *, const struct rs_event *) = {
		[RS_EV_PROC] = proc_event,
		[RS_EV_FORK] = fork_event,
		[RS_EV_EXEC] = exec_event,
		[RS_EV_EXIT] = exit_event,
		[RS_EV_OPEN] = open_event,
		[RS_EV_RELEASE] = release_event,
		[RS_EV_ATTACH] = group_event,
		[RS_EV_DETACH] = group_event,
		[RS_EV_MAP] = map_event,
		[RS_EV_UNMAP] = unmap_event,
		[RS_EV_IOCTL] = ioctl_event,
		[RS_EV_RANGE] = range_event,
		[RS_EV_BACKING] = backing_event,
		[RS_EV_REMOVE] = remove_event,
		[RS_EV_REQUEST] = rs_describe_request,
		[RS_EV_XLATE] = rs_describe_xlate,
		[RS_EV_IOMMU] = rs_describe_iommu,
		[RS_EV_SNAPSHOT] = snapshot_event,
		[RS_EV_DEVICE] = rs_describe_device,
		[RS_EV_PAGES] = rs_describe_pages,
		[RS_EV_VERIFY] = rs_describe_verify,
		[RS_EV_FLIGHT] = rs_describe_flight,
		[RS_EV_STATS] = rs_describe_stats,
		[RS_EV_VCPU] = rs_describe_vcpu,
		[RS_EV_VM] = rs_describe_vm,
		[RS_EV_IRQ] = rs_describe_irq,
		[RS_EV_DEVOP] = rs_describe_devop,
		[RS_EV_PASSED] = rs_describe_passed,
		[RS_EV_MARK] = rs_describe_mark,
		[RS_EV_WAIT] = rs_describe_wait,
		[RS_EV_IOAS] = rs_describe_ioas,
	};
	struct rs_line l = { .buf = buf, .len = len };
	struct rs_name c = rs_name_container(r, container_of_event(ev), ioas_of_event(ev), ev->ts);
	struct rs_name d = rs_name_device_at(r, device_of_event(ev), ev->ts);

	if (!len)
		return;
	buf[0] = 0;
	if (c.s[0])
		rs_line_add(&l, "%s ", c.s);
	if (d.s[0])
		rs_line_add(&l, "%s ", d.s);
	if (ev->type < RS_EV_NR && describe[ev->type])
		describe[ev->type](&l, ev);
	else
		rs_line_add(&l, "event of the unknown type %u", ev->type);
}
