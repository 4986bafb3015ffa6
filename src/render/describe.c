// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1
#include "render/names.h"
#include "stats/units.h"

#include <linux/vfio.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A line that is put together; what does not fit is cut off. */
struct line {
	char *buf;
	size_t len;
	size_t used;
};

static void add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *l, const char *fmt, ...)
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

/* The record as we know it: bytes that an older writer did not have are zero. */
static void take(void *to, size_t len, const struct rs_event *ev)
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
	};

	_Static_assert(ARRAY_SIZE(names) == RS_EV_NR, "every event type has a name");
	return ev->type < RS_EV_NR ? names[ev->type] : "unknown";
}

static void add_size(struct line *l, const char *before, __u64 size)
{
	add(l, "%s%s", before, size ? rs_fmt_size(size).s : "0");
}

static const char *plural(__u64 n)
{
	return n == 1 ? "" : "s";
}

/* How many ranges were without a vaddr, when any were. */
static void add_invalid(struct line *l, const struct rs_op *op)
{
	if (!op->invalid_before && !op->invalid_after)
		return;
	add(l, ", %u range%s invalid", op->invalid_after, plural(op->invalid_after));
	if (op->invalid_before != op->invalid_after)
		add(l, " (was %u)", op->invalid_before);
}

static void add_mm(struct line *l, __u64 old_mm, __u32 users)
{
	if (!old_mm)
		return;
	if (users)
		add(l, ", old mm still used by %u", users);
	else
		add(l, ", old mm gone");
}

static const char *caller_name(__u32 caller)
{
	static const char *const names[] = {
		[RS_IN_NOTHING] = "something else", [RS_IN_IOCTL_MAP] = "MAP_DMA",
		[RS_IN_IOCTL_UNMAP] = "UNMAP_DMA",  [RS_IN_IOCTL_OTHER] = "an ioctl",
		[RS_IN_ATTACH] = "an attach",	    [RS_IN_DETACH] = "a detach",
		[RS_IN_RELEASE] = "the release",    [RS_IN_PIN] = "a pin",
		[RS_IN_UNPIN] = "an unpin",	    [RS_IN_RW] = "a read or write",
		[RS_IN_OPEN] = "the open",
	};

	return caller < ARRAY_SIZE(names) ? names[caller] : "something unknown";
}

struct flag_name {
	__u32 flag;
	const char *name;
};

static void add_flags(struct line *l, __u32 flags, const struct flag_name *names, size_t nr)
{
	const char *sep = "(";
	__u32 known = 0;

	for (size_t i = 0; i < nr; i++) {
		known |= names[i].flag;
		if (!(flags & names[i].flag))
			continue;
		add(l, "%s%s", sep, names[i].name);
		sep = "|";
	}
	if (flags & ~known) {
		add(l, "%s0x%x", sep, flags & ~known);
		sep = "|";
	}
	if (*sep == '|')
		add(l, ")");
}

static void proc_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_proc e;

	take(&e, sizeof(e), ev);
	add(l, "process \"%.*s\", parent %u", RS_COMM_LEN, e.comm, e.ppid);
}

static void fork_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_fork e;

	take(&e, sizeof(e), ev);
	add(l, "fork, child %u%s", e.child_tgid,
	    e.child_mm && e.child_mm == e.h.mm ? " in the same mm" : "");
}

static void exec_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_exec e;

	take(&e, sizeof(e), ev);
	add(l, "exec \"%.*s\"", RS_COMM_LEN, e.comm);
	add_mm(l, e.old_mm, e.old_mm_users);
}

static void exit_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_exit e;

	take(&e, sizeof(e), ev);
	add(l, "exit, %s", rs_name_status((int)(e.status & 0xffff)).s);
	add_mm(l, e.old_mm, e.old_mm_users);
}

static void open_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_open e;

	take(&e, sizeof(e), ev);
	add(l, "container opened, ");
	if (e.op.kind != RS_CONTAINER_TYPE1)
		add(l, "%s", rs_name_kind(e.op.kind));
	else if (e.iommu_type == VFIO_TYPE1_IOMMU)
		add(l, "type1");
	else if (e.iommu_type == VFIO_TYPE1v2_IOMMU)
		add(l, "type1v2");
	else
		add(l, "iommu type %llu", e.iommu_type);
	if (e.op.ret)
		add(l, " -> %s", rs_name_ret(e.op.ret).s);
}

static void release_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_release e;

	take(&e, sizeof(e), ev);
	add(l, "container released");
	if (e.op.invalid_before)
		add(l, " with %u range%s invalid", e.op.invalid_before,
		    plural(e.op.invalid_before));
	if (e.h.flags & RS_EVF_EXITING)
		add(l, " by an exit");
}

static void group_event(struct line *l, const struct rs_event *ev)
{
	static const char *const types[] = { "", " (emulated)", " (no-IOMMU)" };
	bool attach = ev->type == RS_EV_ATTACH;
	struct rs_ev_group e;

	take(&e, sizeof(e), ev);
	add(l, "%s group %u", attach ? "attach" : "detach", e.group_id);
	if (attach)
		add(l, "%s -> %s", e.group_type < ARRAY_SIZE(types) ? types[e.group_type] : "",
		    rs_name_ret(e.op.ret).s);
	add_invalid(l, &e.op);
}

static void add_no_argument(struct line *l, const char *call, const struct rs_op *op)
{
	add(l, "%s with an unreadable argument -> %s", call, rs_name_ret(op->ret).s);
	add_invalid(l, op);
}

static void map_event(struct line *l, const struct rs_event *ev)
{
	static const struct flag_name flags[] = {
		{ VFIO_DMA_MAP_FLAG_READ, "READ" },
		{ VFIO_DMA_MAP_FLAG_WRITE, "WRITE" },
		{ VFIO_DMA_MAP_FLAG_VADDR, "VADDR" },
	};
	struct rs_ev_map e;

	take(&e, sizeof(e), ev);
	if (e.op.flags & RS_OPF_NO_ARG) {
		add_no_argument(l, "MAP_DMA", &e.op);
		return;
	}
	add(l, "MAP_DMA");
	add_flags(l, e.uflags, flags, ARRAY_SIZE(flags));
	add(l, " iova 0x%llx", e.iova.v);
	add_size(l, " size ", e.size);
	add(l, " vaddr 0x%llx", e.vaddr.v);
	if (e.uflags & VFIO_DMA_MAP_FLAG_VADDR && e.old_size)
		add(l, " (was 0x%llx)", e.old_vaddr.v);
	add(l, " -> %s", rs_name_ret(e.op.ret).s);
	if (e.uflags & VFIO_DMA_MAP_FLAG_VADDR && e.old_size &&
	    (e.old_size != e.size || e.old_iova.v != e.iova.v)) {
		add(l, ", the range is iova 0x%llx", e.old_iova.v);
		add_size(l, " size ", e.old_size);
	}
	add_invalid(l, &e.op);
}

static void unmap_event(struct line *l, const struct rs_event *ev)
{
	static const struct flag_name flags[] = {
		{ VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, "GET_DIRTY_BITMAP" },
		{ VFIO_DMA_UNMAP_FLAG_VADDR, "VADDR" },
		{ VFIO_DMA_UNMAP_FLAG_ALL, "ALL" },
	};
	struct rs_ev_map e;

	take(&e, sizeof(e), ev);
	if (e.op.flags & RS_OPF_NO_ARG) {
		add_no_argument(l, "UNMAP_DMA", &e.op);
		return;
	}
	add(l, "UNMAP_DMA");
	add_flags(l, e.uflags, flags, ARRAY_SIZE(flags));
	add(l, " iova 0x%llx", e.iova.v);
	add_size(l, " size ", e.size);
	add(l, " -> %s", rs_name_ret(e.op.ret).s);
	if (!e.op.ret && e.size_after != e.size)
		add(l, " (%s)", rs_fmt_size_about(e.size_after).s);
	add_invalid(l, &e.op);
}

static void ioctl_event(struct line *l, const struct rs_event *ev)
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

	take(&e, sizeof(e), ev);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].flag == e.cmd)
			name = calls[i].name;
	if (name)
		add(l, "%s", name);
	else
		add(l, "ioctl 0x%x", e.cmd);
	add(l, " -> %s", rs_name_ret(e.op.ret).s);
	add_invalid(l, &e.op);
}

static void range_event(struct line *l, const struct rs_event *ev)
{
	static const char *const causes[] = {
		[RS_RANGE_MAPPED] = "mapped",
		[RS_RANGE_REMAPPED] = "remapped",
		[RS_RANGE_INVALIDATED] = "after an invalidation",
	};
	struct rs_ev_range e;

	take(&e, sizeof(e), ev);
	add(l, "range iova 0x%llx", e.iova.v);
	add_size(l, " size ", e.size);
	add(l, " vaddr 0x%llx%s %s%s", e.vaddr.v, e.flags & RS_RANGEF_INVALID ? " invalid" : "",
	    e.prot & 1 ? "r" : "-", e.prot & 2 ? "w" : "-");
	if (e.cause && e.cause < ARRAY_SIZE(causes))
		add(l, ", %s", causes[e.cause]);
	if (e.locked_pages)
		add(l, ", %llu page%s locked", e.locked_pages, plural(e.locked_pages));
	if (!(e.flags & RS_RANGEF_SCANNED))
		add(l, ", backing not looked at");
	else if (e.flags & RS_RANGEF_SCAN_CUT)
		add(l, ", backing only in part");
}

static void backing_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_backing e;
	struct rs_piece p;

	take(&e, sizeof(e), ev);
	p = (struct rs_piece){ .what = e.what,
			       .dev = e.dev,
			       .ino = e.ino,
			       .offset = e.offset,
			       .generation = e.generation,
			       .vm_flags = e.vm_flags };
	add(l, "behind iova 0x%llx", e.iova.v);
	add_size(l, " size ", e.len);
	add(l, " vaddr 0x%llx: %s", e.vaddr.v, rs_name_piece(&p, false).s);
}

static void remove_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_remove e;

	take(&e, sizeof(e), ev);
	add(l, "range iova 0x%llx", e.iova.v);
	add_size(l, " size ", e.size);
	add(l, "%s taken down by %s", e.flags & RS_RANGEF_INVALID ? ", invalid," : "",
	    caller_name(e.caller));
}

static void request_event(struct line *l, const struct rs_event *ev)
{
	static const char *const ops[] = {
		[RS_REQ_PIN] = "pin",
		[RS_REQ_UNPIN] = "unpin",
		[RS_REQ_READ] = "read",
		[RS_REQ_WRITE] = "write",
	};
	struct rs_ev_request e;
	bool known;

	take(&e, sizeof(e), ev);
	known = e.request && e.request < ARRAY_SIZE(ops);
	add(l, "%s iova 0x%llx", known ? ops[e.request] : "request", e.iova.v);
	add_size(l, " size ", e.len);
	if (e.request != RS_REQ_UNPIN)
		add(l, " -> %s", rs_name_ret(e.op.ret).s);
	if (e.gup_calls)
		add(l, ", gup %u page%s", e.gup_pages, plural(e.gup_pages));
	if (e.gup_err)
		add(l, ", gup failed with %s", rs_name_ret(e.gup_err).s);
	if (e.acct_err)
		add(l, ", accounting failed with %s", rs_name_ret(e.acct_err).s);
	if (e.rflags & RS_REQF_RANGE && e.range_flags & RS_RANGEF_INVALID)
		add(l, ", its range was invalid");
	if (e.rflags & RS_REQF_MM_DEAD)
		add(l, ", the owner's mm was gone");
	add_invalid(l, &e.op);
}

static void xlate_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_xlate e;

	take(&e, sizeof(e), ev);
	add(l, "vaddr 0x%llx translated, %llu page%s, for %s -> %s", e.vaddr.v, e.npage,
	    plural(e.npage), caller_name(e.caller), rs_name_ret(e.ret).s);
	if (e.dma_size) {
		add(l, ", range iova 0x%llx", e.dma_iova.v);
		add_size(l, " size ", e.dma_size);
		if (e.dma_flags & RS_RANGEF_INVALID)
			add(l, " invalid");
	}
	if (e.target_mm && e.target_mm != e.h.mm)
		add(l, ", in another mm");
}

static void iommu_event(struct line *l, const struct rs_event *ev)
{
	struct rs_ev_iommu e;

	take(&e, sizeof(e), ev);
	add(l, "iommu %s iova 0x%llx", e.op == RS_IOMMU_MAP ? "map" : "unmap", e.iova.v);
	add_size(l, " size ", e.size);
	if (e.op == RS_IOMMU_MAP) {
		add(l, " to phys 0x%llx -> %s", e.paddr, rs_name_ret(e.ret).s);
	} else if (e.ret < 0) {
		add(l, " -> %s", rs_name_ret(e.ret).s);
	} else {
		add_size(l, " -> ", (__u64)e.ret);
	}
	add(l, ", by %s%s", caller_name(e.caller), e.removing ? " (range taken down)" : "");
}

/* The container's address, where a record of this type has one. */
static __u64 container_of_event(const struct rs_event *ev)
{
	struct rs_ev_release op;
	struct rs_ev_range piece;

	switch (ev->type) {
	case RS_EV_OPEN:
	case RS_EV_RELEASE:
	case RS_EV_ATTACH:
	case RS_EV_DETACH:
	case RS_EV_MAP:
	case RS_EV_UNMAP:
	case RS_EV_IOCTL:
	case RS_EV_REQUEST:
		take(&op, sizeof(op), ev);
		return op.op.container;
	case RS_EV_RANGE:
	case RS_EV_REMOVE:
	case RS_EV_XLATE:
	case RS_EV_IOMMU:
		take(&piece, sizeof(piece), ev);
		return piece.container;
	}
	return 0;
}

_Static_assert(offsetof(struct rs_ev_range, container) ==
			       offsetof(struct rs_ev_remove, container) &&
		       offsetof(struct rs_ev_range, container) ==
			       offsetof(struct rs_ev_xlate, container) &&
		       offsetof(struct rs_ev_range, container) ==
			       offsetof(struct rs_ev_iommu, container),
	       "the pieces of a request have their container in the same place");

void rs_describe_event(const struct rs_result *r, const struct rs_event *ev, char *buf, size_t len)
{
	static void (*const describe[RS_EV_NR])(struct line *, const struct rs_event *) = {
		[RS_EV_PROC] = proc_event,	 [RS_EV_FORK] = fork_event,
		[RS_EV_EXEC] = exec_event,	 [RS_EV_EXIT] = exit_event,
		[RS_EV_OPEN] = open_event,	 [RS_EV_RELEASE] = release_event,
		[RS_EV_ATTACH] = group_event,	 [RS_EV_DETACH] = group_event,
		[RS_EV_MAP] = map_event,	 [RS_EV_UNMAP] = unmap_event,
		[RS_EV_IOCTL] = ioctl_event,	 [RS_EV_RANGE] = range_event,
		[RS_EV_BACKING] = backing_event, [RS_EV_REMOVE] = remove_event,
		[RS_EV_REQUEST] = request_event, [RS_EV_XLATE] = xlate_event,
		[RS_EV_IOMMU] = iommu_event,
	};
	struct line l = { .buf = buf, .len = len };
	struct rs_name c = rs_name_container(r, container_of_event(ev), ev->ts);

	if (!len)
		return;
	buf[0] = 0;
	if (c.s[0])
		add(&l, "%s ", c.s);
	if (ev->type < RS_EV_NR && describe[ev->type])
		describe[ev->type](&l, ev);
	else
		add(&l, "event of the unknown type %u", ev->type);
}
