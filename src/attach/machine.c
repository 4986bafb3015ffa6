// SPDX-License-Identifier: GPL-2.0-only
#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/utsname.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include "attach/plan.h"
#include "attach/watch.h"

#define TYPE1_KO "/vfio_iommu_type1.ko"
/* /dev/iommu, once iommufd is ready (drivers/iommu/iommufd/main.c, iommu_misc_dev) */
#define IOMMUFD_DEVICE "/sys/class/misc/iommu"

static bool is_there(const char *path)
{
	return !access(path, F_OK);
}

/* Is the word in one of the lists that depmod(8) keeps for this kernel? */
static bool listed(const char *release, const char *list, const char *word)
{
	char path[160], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/lib/modules/%s/%s", release, list);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && getline(&line, &room, f) > 0)
		found = strstr(line, word);
	free(line);
	fclose(f);
	return found;
}

static bool on_disk(const char *release, const char *word)
{
	return listed(release, "modules.dep", word) || listed(release, "modules.builtin", word);
}

static bool built_in(const char *function)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool found = btf && btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return found;
}

unsigned int rs_built_in(void)
{
	struct utsname u;
	bool type1, iommufd = false;

	/* Of a module initstate says in what state it is. */
	type1 = (!uname(&u) && listed(u.release, "modules.builtin", TYPE1_KO)) ||
		(!is_there("/sys/module/vfio_iommu_type1/initstate") &&
		 built_in("vfio_iommu_type1_ioctl"));
	if (is_there(IOMMUFD_DEVICE) && !is_there("/sys/module/iommufd/initstate"))
		iommufd = built_in("iommufd_ioas_map");
	return (type1 ? RS_WATCH_TYPE1 : 0) | (iommufd ? RS_WATCH_IOMMUFD : 0);
}

/*
 * CAP_BPF and CAP_PERFMON let programs load, but the BTF of modules is had by id, which the kernel
 * keeps for CAP_SYS_ADMIN (kernel/bpf/syscall.c, bpf_obj_get_next_id()): trying tells.
 */
static bool may_trace(void)
{
	__u32 id = 0;

	capng_get_caps_process();
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		return true;
	return capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF) &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_PERFMON) && !bpf_btf_get_next_id(id, &id);
}

/* What is chosen says debugfs, if it is there; what is built in says the version (uname -v). */
static bool switches_tasks(const struct utsname *u)
{
	FILE *f = fopen("/sys/kernel/debug/sched/preempt", "re");
	char line[128] = "";
	int major = 0, minor = 0;

	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		fclose(f);
	}
	if (line[0])
		return strstr(line, "(full)") || strstr(line, "(lazy)");
	if (!strstr(u->version, "PREEMPT"))
		return false;
	if (!strstr(u->version, "PREEMPT_DYNAMIC"))
		return true;
	/* Lazy preemption came with 6.13, and is the choice there. */
	return sscanf(u->release, "%d.%d", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 13));
}

void rs_machine_look(struct rs_machine *m)
{
	struct utsname u;
	bool loaded;

	memset(m, 0, sizeof(*m));
	if (!uname(&u)) {
		snprintf(m->release, sizeof(m->release), "%s", u.release);
		snprintf(m->host, sizeof(m->host), "%s", u.nodename);
		m->switches = switches_tasks(&u);
	}
	m->may = may_trace();
	m->btf = is_there("/sys/kernel/btf/vmlinux");
	loaded = is_there("/sys/module/vfio_iommu_type1");
	m->module_btf = is_there("/sys/kernel/btf/vfio_iommu_type1");
	/* A built-in driver without parameters need not show under /sys/module. */
	if (m->btf && !m->module_btf && built_in("vfio_iommu_type1_ioctl"))
		loaded = m->module_btf = true;
	m->type1 = loaded;
	m->iommufd = is_there(IOMMUFD_DEVICE);
	m->iommufd_btf = m->iommufd && m->btf &&
			 (is_there("/sys/kernel/btf/iommufd") || built_in("iommufd_ioas_map"));
	m->vfio = loaded || is_there("/sys/module/vfio") || on_disk(m->release, TYPE1_KO);
}

int rs_machine_refusal(const struct rs_machine *m, struct rs_msg *msg)
{
	if (!m->vfio)
		return rs_msg_set(msg, -ENOTSUP, "this kernel (%s) has no VFIO", m->release);
	if (!m->may)
		return rs_msg_set(msg, -EPERM,
				  "no privilege: CAP_SYS_ADMIN is needed (run as root)");
	if (!m->btf)
		return rs_msg_set(msg, -ENOTSUP,
				  "this kernel (%s) has no BTF: /sys/kernel/btf/vmlinux is missing",
				  m->release);
	if (m->iommufd_btf)
		return 0;
	if (!m->type1)
		return rs_msg_set(msg, -ENOENT,
				  "the module vfio_iommu_type1 is not loaded (\"modprobe "
				  "vfio-pci\" loads it)");
	if (!m->module_btf)
		return rs_msg_set(msg, -ENOTSUP, "the module vfio_iommu_type1 has no BTF");
	return 0;
}
