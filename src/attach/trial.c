// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <bpf/bpf.h>
#include "attach/trial.h"

int rs_btfs_load(struct rs_btfs *b)
{
	memset(b, 0, sizeof(*b));
	b->vmlinux = btf__load_vmlinux_btf();
	return b->vmlinux ? 0 : -errno;
}

void rs_btfs_free(struct rs_btfs *b)
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

static int find_module(struct rs_btfs *b, const char *name)
{
	__u32 id;
	int fd;

	for (size_t i = 0; i < b->nr; i++)
		if (!strcmp(b->module[i].name, name))
			return i;
	if (b->nr == RS_BTFS_MAX)
		return -ENOSPC;
	fd = btf_fd_of_module(name, &id);
	if (fd < 0)
		return fd;
	b->module[b->nr].name = name;
	b->module[b->nr].fd = fd;
	b->module[b->nr].id = id;
	b->module[b->nr].btf = btf__load_from_kernel_by_id_split(id, b->vmlinux);
	if (!b->module[b->nr].btf) {
		close(fd);
		return -errno;
	}
	return b->nr++;
}

/* btf__find_by_name_kind() of a module finds the kernel's own first, which may be another function. */
static int find_own_func(const struct rs_btfs *b, const struct btf *module, const char *name)
{
	for (__u32 id = btf__type_cnt(b->vmlinux); id < btf__type_cnt(module); id++) {
		const struct btf_type *t = btf__type_by_id(module, id);

		if (btf_is_func(t) && !strcmp(btf__name_by_offset(module, t->name_off), name))
			return id;
	}
	return -ENOENT;
}

int rs_btfs_has_member(struct rs_btfs *b, const char *module, const char *structure,
		       const char *member)
{
	int m = find_module(b, module);
	const struct btf *btf = m < 0 ? b->vmlinux : b->module[m].btf;
	int id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);
	const struct btf_type *t;
	const struct btf_member *list;

	if (id < 0)
		return -ENOENT;
	t = btf__type_by_id(btf, id);
	list = btf_members(t);
	for (int i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, list[i].name_off), member))
			return 1;
	return 0;
}

void rs_explain_attach(int err, char *why, size_t len)
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
			rs_explain_attach(err, why, len);
		} else {
			close(link);
		}
	}
	close(prog);
	return err;
}

int rs_try_fentry(struct rs_btfs *b, const char *function, const char *module, bool exit,
		  bool attach, struct rs_btf_ref *ref, char *why, size_t len)
{
	int id = -ENOENT, m, fd = 0, err;
	__u32 object = 0;

	if (module) {
		m = find_module(b, module);
		if (m >= 0) {
			fd = b->module[m].fd;
			object = b->module[m].id;
			id = find_own_func(b, b->module[m].btf, function);
		} else {
			snprintf(why, len, "module %s is not loaded or has no BTF", module);
		}
	}
	if (id < 0) {
		/* A module's function can be built in. */
		fd = 0;
		object = 0;
		id = btf__find_by_name_kind(b->vmlinux, function, BTF_KIND_FUNC);
	}
	if (id < 0) {
		if (!why[0])
			snprintf(why, len, "not in BTF: inlined, or not in this kernel");
		return -ENOENT;
	}
	why[0] = '\0';
	err = try_tracing(id, fd, exit ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY, attach, why, len);
	if (!err)
		*ref = (struct rs_btf_ref){ .object = object, .type = id };
	return err;
}

int rs_try_tp(struct rs_btfs *b, const char *name, struct rs_btf_ref *ref, char *why, size_t len)
{
	char type[96];
	int id;

	/* libbpf and the kernel name a tracepoint's type so (include/linux/tracepoint.h). */
	snprintf(type, sizeof(type), "btf_trace_%s", name);
	id = btf__find_by_name_kind(b->vmlinux, type, BTF_KIND_TYPEDEF);
	if (id < 0) {
		snprintf(why, len, "no such tracepoint");
		return -ENOENT;
	}
	*ref = (struct rs_btf_ref){ .type = id };
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

int rs_try_kprobe(const char *symbol, bool ret, char *why, size_t len)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.config = ret, /* bit 0: kretprobe */
		.config1 = (__u64)(unsigned long)symbol,
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
		else if (err == -EINVAL) /* check_kprobe_address_safe() in kernel/kprobes.c */
			snprintf(why, len, "the kernel allows no probe there (EINVAL)");
		else
			snprintf(why, len, "%s", strerror(-err));
		return err;
	}
	close(fd);
	return 0;
}
