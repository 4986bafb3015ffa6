// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include "attach/plan.h"

#define TYPE1 "vfio_iommu_type1"

/* All but the first few are optional: a rule that needs a missing one says unknown (src/rules/). */
static const struct rs_hook_def hook_defs[] = {
	{ "vfio_iommu_type1_ioctl", TYPE1, NULL, RS_HOOK_BOTH, true, false },
	{ "vfio_iommu_type1_open", TYPE1, NULL, RS_HOOK_BOTH, false, false },
	{ "vfio_iommu_type1_release", TYPE1, NULL, RS_HOOK_BOTH, true, false },
	{ "vfio_iommu_type1_attach_group", TYPE1, NULL, RS_HOOK_BOTH, false, false },
	{ "vfio_iommu_type1_detach_group", TYPE1, NULL, RS_HOOK_BOTH, false, false },
	{ "vfio_iommu_type1_pin_pages", TYPE1, NULL, RS_HOOK_BOTH, false, false },
	{ "vfio_iommu_type1_unpin_pages", TYPE1, NULL, RS_HOOK_BOTH, false, false },
	{ "vfio_iommu_type1_dma_rw", TYPE1, NULL, RS_HOOK_BOTH, false, false },
	{ "vfio_remove_dma", TYPE1, NULL, RS_HOOK_ENTRY, false, false },
	{ "vaddr_get_pfns", TYPE1, NULL, RS_HOOK_LEAF, false, false },
	{ "vfio_pin_pages_remote", TYPE1, NULL, RS_HOOK_BOTH, false, false },
	{ "vfio_unpin_pages_remote", TYPE1, NULL, RS_HOOK_ENTRY, false, false },
	{ "mm_lock_acct", TYPE1, NULL, RS_HOOK_LEAF, false, false },
	{ "vfio_pin_pages", "vfio", NULL, RS_HOOK_BOTH, false, false },
	{ "vfio_unpin_pages", "vfio", NULL, RS_HOOK_BOTH, false, false },
	{ "vfio_dma_rw", "vfio", NULL, RS_HOOK_BOTH, false, false },
	{ "follow_pfnmap_start", NULL, NULL, RS_HOOK_ENTRY, false, false },
	{ "follow_pte", NULL, NULL, RS_HOOK_ENTRY, false, true }, /* before 6.12 */
	{ "iommu_map", NULL, NULL, RS_HOOK_LEAF, false, false },
	{ "iommu_unmap", NULL, NULL, RS_HOOK_LEAF, false, false },
	{ "iommu_unmap_fast", NULL, NULL, RS_HOOK_LEAF, false, false },
	{ "sched_process_fork", NULL, "on_fork", RS_HOOK_TP, false, false },
	{ "sched_process_exec", NULL, "on_exec", RS_HOOK_TP, false, false },
	{ "sched_process_exit", NULL, "on_exit", RS_HOOK_TP, false, false },
};

_Static_assert(sizeof(hook_defs) / sizeof(hook_defs[0]) <= RS_HOOKS_MAX, "RS_HOOKS_MAX");

const char *rs_mechanism_name(enum rs_mechanism m)
{
	switch (m) {
	case RS_MECH_FENTRY:
		return "fentry";
	case RS_MECH_KPROBE:
		return "kprobe";
	case RS_MECH_TP_BTF:
		return "tp_btf";
	default:
		return NULL;
	}
}

/* BTF of the kernel and of the modules, looked up once for all hooks. */
struct btfs {
	struct btf *vmlinux;
	struct {
		const char *name;
		struct btf *btf;
		int fd;
	} module[4];
	size_t nr;
};

static void btfs_free(struct btfs *b)
{
	for (size_t i = 0; i < b->nr; i++) {
		btf__free(b->module[i].btf);
		if (b->module[i].fd >= 0)
			close(b->module[i].fd);
	}
	btf__free(b->vmlinux);
}

/* A module's BTF has to be found among all of the kernel's by its name. */
static int btf_fd_of_module(const char *name, __u32 *id)
{
	int err;

	*id = 0;
	for (;;) {
		struct bpf_btf_info info = {};
		__u32 len = sizeof(info);
		char found[64] = "";
		int fd;

		err = bpf_btf_get_next_id(*id, id);
		if (err)
			return -ENOENT;
		fd = bpf_btf_get_fd_by_id(*id);
		if (fd < 0)
			continue;
		info.name = (__u64)(unsigned long)found;
		info.name_len = sizeof(found);
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.kernel_btf &&
		    !strcmp(found, name))
			return fd;
		close(fd);
	}
}

static int find_module(struct btfs *b, const char *name)
{
	__u32 id;
	int fd;

	for (size_t i = 0; i < b->nr; i++)
		if (!strcmp(b->module[i].name, name))
			return i;
	if (b->nr == sizeof(b->module) / sizeof(b->module[0]))
		return -ENOSPC;
	fd = btf_fd_of_module(name, &id);
	if (fd < 0)
		return fd;
	b->module[b->nr].name = name;
	b->module[b->nr].fd = fd;
	b->module[b->nr].btf = btf__load_from_kernel_by_id_split(id, b->vmlinux);
	if (!b->module[b->nr].btf) {
		close(fd);
		return -errno;
	}
	return b->nr++;
}

static void explain_attach(int err, char *why, size_t len)
{
	if (err == -EBUSY)
		snprintf(why, len, "ftrace cannot reach it (EBUSY)");
	else if (err == -524) /* the kernel's ENOTSUPP, which has no name in user space */
		snprintf(why, len, "more arguments than registers (ENOTSUPP)");
	else
		snprintf(why, len, "attaching: %s", strerror(-err));
}

/* Loads (and attaches) a program that does nothing, and takes it away again. */
static int try_tracing(int btf_id, int btf_fd, enum bpf_attach_type type, bool attach, char *why,
		       size_t len)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type, .attach_btf_id = btf_id,
		    .attach_btf_obj_fd = btf_fd);
	int prog, link = -1, err = 0;

	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "rs_trial", "GPL", insns, 2, &opts);
	if (prog < 0) {
		err = -errno;
		snprintf(why, len, "%s",
			 err == -ENOENT ? "in BTF, but the kernel has no such symbol"
					: strerror(-err));
		return err;
	}
	if (attach) {
		link = bpf_raw_tracepoint_open(NULL, prog);
		if (link < 0) {
			err = -errno;
			explain_attach(err, why, len);
		} else {
			close(link);
		}
	}
	close(prog);
	return err;
}

static int try_fentry(struct btfs *b, const struct rs_hook_def *def, bool attach, char *why,
		      size_t len)
{
	int id, m, fd = 0;

	id = btf__find_by_name_kind(b->vmlinux, def->function, BTF_KIND_FUNC);
	if (id < 0 && def->module) {
		m = find_module(b, def->module);
		if (m < 0) {
			snprintf(why, len, "module %s is not loaded or has no BTF", def->module);
			return -ENOENT;
		}
		fd = b->module[m].fd;
		id = btf__find_by_name_kind(b->module[m].btf, def->function, BTF_KIND_FUNC);
	}
	if (id < 0) {
		snprintf(why, len, "not in BTF: inlined, or not in this kernel");
		return -ENOENT;
	}
	return try_tracing(id, fd, def->shape == RS_HOOK_ENTRY ? BPF_TRACE_FENTRY : BPF_TRACE_FEXIT,
			   attach, why, len);
}

static int try_tp(struct btfs *b, const struct rs_hook_def *def, char *why, size_t len)
{
	char name[96];

	/* libbpf and the kernel name a tracepoint's type so (include/linux/tracepoint.h). */
	snprintf(name, sizeof(name), "btf_trace_%s", def->function);
	if (btf__find_by_name_kind(b->vmlinux, name, BTF_KIND_TYPEDEF) < 0) {
		snprintf(why, len, "no such tracepoint");
		return -ENOENT;
	}
	return 0;
}

static int kprobe_pmu_type(void)
{
	FILE *f = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	int type = -ENOTSUP;

	if (!f)
		return -ENOTSUP;
	if (fscanf(f, "%d", &type) != 1)
		type = -ENOTSUP;
	fclose(f);
	return type;
}

static int try_kprobe(const struct rs_hook_def *def, char *why, size_t len)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.config = def->shape == RS_HOOK_ENTRY ? 0 : 1, /* bit 0: kretprobe */
		.config1 = (__u64)(unsigned long)def->function,
	};
	int type = kprobe_pmu_type();
	int fd, err;

	if (type < 0) {
		snprintf(why, len, "this kernel has no kprobes");
		return type;
	}
	attr.type = type;
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT)
			snprintf(why, len, "no such symbol");
		else
			snprintf(why, len, "%s", strerror(-err));
		return err;
	}
	close(fd);
	return 0;
}

static void plan_hook(struct rs_hook *h, struct btfs *b, const struct rs_plan_opts *opts)
{
	const size_t len = sizeof(h->why_not[0]);

	if (h->def->shape == RS_HOOK_TP) {
		if (!try_tp(b, h->def, h->why_not[RS_MECH_TP_BTF], len))
			h->mechanism = RS_MECH_TP_BTF;
		return;
	}
	if (opts->no_fentry) {
		snprintf(h->why_not[RS_MECH_FENTRY], len, "left out as asked (--no-fentry)");
	} else if (!try_fentry(b, h->def, opts->attach, h->why_not[RS_MECH_FENTRY], len)) {
		h->mechanism = RS_MECH_FENTRY;
		return;
	}
	if (!try_kprobe(h->def, h->why_not[RS_MECH_KPROBE], len))
		h->mechanism = RS_MECH_KPROBE;
}

void rs_plan_demote(struct rs_hook *h, int err)
{
	const size_t len = sizeof(h->why_not[0]);

	explain_attach(err, h->why_not[h->mechanism], len);
	if (h->mechanism == RS_MECH_FENTRY && !try_kprobe(h->def, h->why_not[RS_MECH_KPROBE], len))
		h->mechanism = RS_MECH_KPROBE;
	else
		h->mechanism = RS_MECH_NONE;
}

int rs_plan_lacks_vital(const struct rs_plan *plan, struct rs_msg *msg)
{
	for (size_t i = 0; i < plan->nr; i++) {
		const struct rs_hook *h = &plan->hook[i];
		const char *why = h->why_not[RS_MECH_KPROBE];

		if (!h->mechanism && h->def->vital)
			return rs_msg_set(msg, -ENOTSUP, "cannot attach to %s: %s",
					  h->def->function,
					  why[0] ? why : h->why_not[RS_MECH_FENTRY]);
	}
	return 0;
}

int rs_plan_make(struct rs_plan *plan, const struct rs_plan_opts *opts, struct rs_msg *msg)
{
	struct btfs b = {};

	memset(plan, 0, sizeof(*plan));
	b.vmlinux = btf__load_vmlinux_btf();
	if (!b.vmlinux)
		return rs_msg_set(msg, -errno, "cannot read the kernel's BTF: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(hook_defs) / sizeof(hook_defs[0]); i++) {
		struct rs_hook *h = &plan->hook[plan->nr];

		memset(h, 0, sizeof(*h));
		h->def = &hook_defs[i];
		if (h->def->replaces && h[-1].mechanism)
			continue;
		plan_hook(h, &b, opts);
		if (h->def->replaces && h->mechanism)
			h[-1] = *h;
		if (!h->def->replaces)
			plan->nr++;
	}
	btfs_free(&b);
	return rs_plan_lacks_vital(plan, msg);
}

json_t *rs_plan_json(const struct rs_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->nr; i++) {
		const struct rs_hook *h = &plan->hook[i];
		json_t *o = json_object(), *why = json_object();

		json_object_set_new(o, "function", json_string(h->def->function));
		json_object_set_new(o, "module",
				    h->def->module ? json_string(h->def->module) : json_null());
		json_object_set_new(o, "mechanism",
				    h->mechanism ? json_string(rs_mechanism_name(h->mechanism))
						 : json_null());
		for (int m = 1; m < RS_MECH_NR; m++)
			if (h->why_not[m][0])
				json_object_set_new(why, rs_mechanism_name(m),
						    json_string(h->why_not[m]));
		json_object_set_new(o, "not", why);
		json_array_append_new(list, o);
	}
	return list;
}
