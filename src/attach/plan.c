// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "attach/plan.h"
#include "attach/trial.h"

#define KALLSYMS "/proc/kallsyms"

#define TYPE1	     "vfio_iommu_type1"
#define TYPE1_HOOK   TYPE1, .backend = RS_BACKEND_TYPE1
#define IOMMUFD_HOOK "iommufd", .backend = RS_BACKEND_IOMMUFD
#define DEVICE_HOOK  "vfio", .backend = RS_BACKEND_IOMMUFD

/* All but the first few are optional: a rule that needs a missing one says unknown (src/rules/). */
static const struct rs_hook_def hook_defs[] = {
	{ "vfio_iommu_type1_ioctl", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true,
	  .vital = true },
	{ "vfio_iommu_type1_open", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_iommu_type1_release", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true,
	  .vital = true },
	{ "vfio_iommu_type1_attach_group", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_iommu_type1_detach_group", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_iommu_type1_pin_pages", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_iommu_type1_unpin_pages", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_iommu_type1_dma_rw", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_remove_dma", TYPE1_HOOK, .shape = RS_HOOK_ENTRY, .args = true },
	{ "vaddr_get_pfns", TYPE1_HOOK, .shape = RS_HOOK_LEAF, .args = true },
	{ "vfio_pin_pages_remote", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_unpin_pages_remote", TYPE1_HOOK, .shape = RS_HOOK_ENTRY },
	/* A page that a driver has given back for good; where it was inlined, what its caller returns. */
	{ "put_pfn", TYPE1_HOOK, .shape = RS_HOOK_ENTRY },
	{ "vfio_unpin_page_external", TYPE1_HOOK, .shape = RS_HOOK_LEAF, .replaces = true },
	{ "mm_lock_acct", TYPE1_HOOK, .shape = RS_HOOK_LEAF, .args = true },
	/* From 5.12 to the 2023 fix (6.3) a request waits in a window, on vfio_iommu.vaddr_wait. */
	{ "vfio_wait", TYPE1_HOOK, .shape = RS_HOOK_BOTH, .args = true,
	  .maybe_absent = "vaddr_wait" },
	{ "iommufd_fops_release", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true,
	  .vital = true },
	{ "iommufd_fops_open", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_ioas_alloc_ioctl", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_destroy", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_ioas_map", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_ioas_map_file", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true,
	  .if_there = true }, /* since 6.13 */
	{ "iommufd_ioas_copy", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_ioas_unmap", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_ioas_change_process", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true,
	  .if_there = true }, /* since 6.14 */
	/* A context that stands in for a container of type1. */
	{ "iommufd_vfio_ioctl", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_vfio_compat_ioas_create", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true,
	  .if_there = true }, /* since 6.3 */
	{ "vfio_iommufd_physical_attach_ioas", DEVICE_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_iommufd_physical_detach_ioas", DEVICE_HOOK, .shape = RS_HOOK_BOTH, .args = true,
	  .if_there = true }, /* since 6.6, as the next but one */
	{ "vfio_iommufd_emulated_attach_ioas", DEVICE_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_iommufd_emulated_detach_ioas", DEVICE_HOOK, .shape = RS_HOOK_BOTH, .args = true,
	  .if_there = true },
	{ "vfio_iommufd_physical_unbind", DEVICE_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_iommufd_emulated_unbind", DEVICE_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_access_pin_pages", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_access_unpin_pages", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iommufd_access_rw", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "iopt_area_unfill_domains", IOMMUFD_HOOK, .shape = RS_HOOK_ENTRY, .args = true },
	{ "iopt_pages_update_pinned", IOMMUFD_HOOK, .shape = RS_HOOK_LEAF, .args = true },
	/* Pins what is to stay pinned; where it was inlined, what it calls, which is everybody's. */
	{ "pfn_reader_user_pin", IOMMUFD_HOOK, .shape = RS_HOOK_BOTH, .args = true },
	{ "pin_user_pages_fast", .backend = RS_BACKEND_IOMMUFD, .shape = RS_HOOK_LEAF,
	  .unless = "pfn_reader_user_pin" },
	/* The lab's kernel for type1 also takes a range's file for a vaddr that is gone. */
	{ "memfd_pin_folios", .backend = RS_BACKEND_IOMMUFD, .shape = RS_HOOK_LEAF, .args = true,
	  .unless = "pfn_reader_user_pin", .only_with = "file", .if_there = true },
	{ "pin_user_pages_remote", .backend = RS_BACKEND_IOMMUFD, .shape = RS_HOOK_LEAF },
	{ "iommu_iova_to_phys", .backend = RS_BACKEND_IOMMUFD, .shape = RS_HOOK_ENTRY },
	{ "kthread_use_mm", .backend = RS_BACKEND_IOMMUFD, .shape = RS_HOOK_ENTRY },
	{ "vfio_pin_pages", "vfio", .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_unpin_pages", "vfio", .shape = RS_HOOK_BOTH, .args = true },
	{ "vfio_dma_rw", "vfio", .shape = RS_HOOK_BOTH, .args = true },
	{ "follow_pfnmap_start", .backend = RS_BACKEND_TYPE1, .shape = RS_HOOK_ENTRY },
	{ "follow_pte", .backend = RS_BACKEND_TYPE1, .shape = RS_HOOK_ENTRY,
	  .replaces = true }, /* before 6.12 */
	{ "iommu_map", .shape = RS_HOOK_LEAF, .args = true },
	{ "iommu_unmap", .shape = RS_HOOK_LEAF, .args = true },
	{ "iommu_unmap_fast", .shape = RS_HOOK_LEAF, .args = true },
	{ "contention_end", .program = "on_contention_end", .shape = RS_HOOK_TP },
	{ "sched_process_fork", .program = "on_fork", .twin = "on_fork_twin", .shape = RS_HOOK_TP },
	{ "sched_process_exec", .program = "on_exec", .twin = "on_exec_twin", .shape = RS_HOOK_TP },
	{ "sched_process_exit", .program = "on_exit", .twin = "on_exit_twin", .shape = RS_HOOK_TP },
	/* A guest: its vCPUs, its interrupts, its devices, and who is passed them. */
	{ "kvm_arch_vcpu_ioctl_run", "kvm", .shape = RS_HOOK_ENTRY, .args = true,
	  .if_loaded = true },
	{ "vcpu_put", "kvm", .shape = RS_HOOK_ENTRY, .args = true, .if_loaded = true },
	{ "kvm_destroy_vm", "kvm", .shape = RS_HOOK_ENTRY, .args = true, .if_loaded = true },
	{ "kvm_irqfd", "kvm", .shape = RS_HOOK_BOTH, .args = true, .if_loaded = true },
	{ "vfio_pci_set_irqs_ioctl", "vfio_pci_core", .shape = RS_HOOK_BOTH, .args = true,
	  .if_loaded = true },
	{ "vfio_device_fops_unl_ioctl", "vfio", .shape = RS_HOOK_BOTH, .args = true },
	{ "scm_detach_fds", .shape = RS_HOOK_ENTRY, .args = true },
};

#define NR_HOOK_DEFS (sizeof(hook_defs) / sizeof(hook_defs[0]))
_Static_assert(NR_HOOK_DEFS <= RS_HOOKS_MAX, "RS_HOOKS_MAX");

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

/* What a plan is made from. */
struct planner {
	const struct rs_plan_opts *opts;
	struct rs_btfs btfs;
	struct rs_symbol symbol[RS_HOOKS_MAX];
	bool listed; /* the kernel's list of symbols could be read */
};

static int read_symbols(struct rs_symbol *sym, size_t nr)
{
	FILE *f = fopen(KALLSYMS, "re");
	int err;

	if (!f)
		return -errno;
	err = rs_symbols_read(f, sym, nr);
	fclose(f);
	return err;
}

static unsigned int uses(const struct rs_hook_def *def)
{
	return (def->args ? RS_USES_ARGS : 0) | (def->shape != RS_HOOK_ENTRY ? RS_USES_RET : 0);
}

static void try_kprobe(struct rs_hook *h, const struct rs_symbol *s, bool exact)
{
	const char *symbol = h->def->function;
	char *why = h->why_not[RS_MECH_KPROBE], note[RS_WHY_LEN] = "";

	/* Without the list: by its own name. */
	if (s)
		symbol = rs_symbol_choose(s, uses(h->def), note, sizeof(note));
	if (!symbol) {
		memcpy(why, note, sizeof(note));
		return;
	}
	if (rs_try_kprobe(symbol, h->def->shape != RS_HOOK_ENTRY, why, RS_WHY_LEN))
		return;
	h->mechanism = RS_MECH_KPROBE;
	h->addr = s ? s->addr : 0;
	h->multi = exact && h->addr;
	snprintf(h->symbol, sizeof(h->symbol), "%s", symbol);
	memcpy(h->note, note, sizeof(note));
}

static void try_fentry(struct rs_hook *h, struct planner *p, const struct rs_symbol *s)
{
	const char *module = s ? s->home : h->def->module;
	char *why = h->why_not[RS_MECH_FENTRY];

	if (p->opts->no_fentry) {
		snprintf(why, RS_WHY_LEN, "left out as asked (--no-fentry)");
		return;
	}
	if (p->opts->exact) {
		snprintf(why, RS_WHY_LEN,
			 "this kernel switches tasks inside functions, and would "
			 "miss calls (--fentry takes it all the same)");
		return;
	}
	/* The module that was not found, by its name. */
	if (s && !s->plain && !s->clones)
		module = h->def->module;
	if (s && s->plain > 1) {
		/* BTF has them as one, and the kernel takes the first that has the name. */
		snprintf(why, RS_WHY_LEN, "%u functions have this name", s->plain);
		return;
	}
	if (rs_try_fentry(&p->btfs, h->def->function, module && *module ? module : NULL,
			  h->def->shape != RS_HOOK_ENTRY, p->opts->attach, &h->btf, why,
			  RS_WHY_LEN))
		return;
	h->mechanism = RS_MECH_FENTRY;
	snprintf(h->symbol, sizeof(h->symbol), "%s", h->def->function);
	if (s)
		rs_symbol_choose(s, 0, h->note, sizeof(h->note));
}

static bool module_loaded(const char *name)
{
	char path[32 + RS_MODULE_LEN];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

static void plan_hook(struct rs_hook *h, struct planner *p, const struct rs_symbol *s)
{
	const struct rs_hook_def *def = h->def;

	if (def->shape == RS_HOOK_TP) {
		if (!rs_try_tp(&p->btfs, def->function, &h->btf, h->why_not[RS_MECH_TP_BTF],
			       RS_WHY_LEN))
			h->mechanism = RS_MECH_TP_BTF;
		h->twin = p->opts->exact && def->twin;
		return;
	}
	if (s)
		memcpy(h->module, s->home, sizeof(h->module));
	if (def->if_there && s && !s->plain && !s->clones) {
		h->absent = true;
		return;
	}
	/* Neither the function nor what it works on. With the latter it was inlined: a fault. */
	if (def->maybe_absent && s && !s->plain && !s->clones &&
	    !rs_btfs_has_member(&p->btfs, def->module, "vfio_iommu", def->maybe_absent)) {
		h->absent = true;
		return;
	}
	if (def->if_loaded && s && !s->plain && !s->clones && !module_loaded(def->module)) {
		h->absent = true;
		return;
	}
	try_fentry(h, p, s);
	if (!h->mechanism)
		try_kprobe(h, s, p->opts->exact && !p->opts->no_fentry);
}

void rs_plan_demote(struct rs_hook *h, int err)
{
	struct rs_symbol s = { .function = h->def->function, .module = h->def->module };
	enum rs_mechanism failed = h->mechanism;

	if (h->multi) {
		h->multi = false;
		return;
	}
	rs_explain_attach(err, h->why_not[failed], RS_WHY_LEN);
	h->mechanism = RS_MECH_NONE;
	h->symbol[0] = h->note[0] = '\0';
	if (failed == RS_MECH_FENTRY)
		try_kprobe(h, read_symbols(&s, 1) ? NULL : &s, false);
}

/* The hook's backend is not there. */
static bool is_left_out(const struct rs_hook_def *def, const struct rs_plan_opts *opts)
{
	return (def->backend == RS_BACKEND_TYPE1 && !opts->type1) ||
	       (def->backend == RS_BACKEND_IOMMUFD && !opts->iommufd);
}

/* Another hook does the same, and better. */
static bool is_superfluous(const struct rs_hook_def *def, const struct rs_plan *plan)
{
	for (size_t i = 0; def->unless && i < plan->nr; i++)
		if (plan->hook[i].mechanism && !strcmp(plan->hook[i].def->function, def->unless))
			return true;
	return false;
}

static bool is_needed(const struct rs_hook_def *def, const struct rs_plan *plan, struct planner *p)
{
	if (def->only_with && p->opts->type1 &&
	    rs_btfs_has_member(&p->btfs, TYPE1, "vfio_dma", def->only_with) > 0)
		return true;
	return !is_left_out(def, p->opts) && !is_superfluous(def, plan);
}

bool rs_plan_lacks_of(const struct rs_plan *plan, const char *module)
{
	for (size_t i = 0; i < plan->nr; i++) {
		const struct rs_hook *h = &plan->hook[i];

		if (!h->mechanism && !h->quiet && h->def->module && !strcmp(h->def->module, module))
			return true;
	}
	return false;
}

bool rs_plan_wants(const char *function)
{
	for (size_t i = 0; i < NR_HOOK_DEFS; i++)
		if (!strcmp(hook_defs[i].function, function))
			return true;
	return false;
}

int rs_plan_lacks_vital(const struct rs_plan *plan, struct rs_msg *msg)
{
	for (size_t i = 0; i < plan->nr; i++) {
		const struct rs_hook *h = &plan->hook[i];
		const char *why = h->why_not[RS_MECH_KPROBE];

		if (!h->mechanism && h->def->vital && !h->absent)
			return rs_msg_set(msg, -ENOTSUP, "cannot attach to %s: %s",
					  h->def->function,
					  why[0] ? why : h->why_not[RS_MECH_FENTRY]);
	}
	return 0;
}

int rs_plan_defs(struct rs_plan *plan, const struct rs_hook_def *def, size_t nr,
		 const struct rs_plan_opts *opts, struct rs_msg *msg)
{
	struct planner p = { .opts = opts };
	size_t wanted = 0, at = 0;
	int err;

	memset(plan, 0, sizeof(*plan));
	if (nr > RS_HOOKS_MAX)
		return rs_msg_set(msg, -E2BIG, "at most %d functions at a time", RS_HOOKS_MAX);
	err = rs_btfs_load(&p.btfs);
	if (err)
		return rs_msg_set(msg, err, "cannot read the kernel's BTF: %s", strerror(-err));
	for (size_t i = 0; i < nr; i++) {
		/* What is asked of the kernel's BTF comes later. */
		if (is_left_out(&def[i], opts) && !def[i].only_with)
			continue;
		p.symbol[wanted].function = def[i].function;
		p.symbol[wanted++].module = def[i].module;
	}
	p.listed = !read_symbols(p.symbol, wanted);
	for (size_t i = 0; i < nr; i++) {
		struct rs_hook *h = &plan->hook[plan->nr];
		const struct rs_symbol *s = NULL;

		memset(h, 0, sizeof(*h));
		h->def = &def[i];
		if (!is_left_out(&def[i], opts) || def[i].only_with)
			s = &p.symbol[at++];
		h->quiet = h->absent = !is_needed(&def[i], plan, &p);
		if (h->def->replaces && (h[-1].mechanism || h->quiet))
			continue;
		if (!h->quiet)
			plan_hook(h, &p, p.listed ? s : NULL);
		if (h->def->replaces && h->mechanism)
			h[-1] = *h;
		if (!h->def->replaces)
			plan->nr++;
	}
	rs_btfs_free(&p.btfs);
	return 0;
}

int rs_plan_make(struct rs_plan *plan, const struct rs_plan_opts *opts, struct rs_msg *msg)
{
	int err = rs_plan_defs(plan, hook_defs, NR_HOOK_DEFS, opts, msg);

	return err ? err : rs_plan_lacks_vital(plan, msg);
}

static json_t *hook_json(const struct rs_hook *h)
{
	json_t *o = json_object(), *why = json_object();
	const char *module = h->def->module ? h->def->module : h->module;

	json_object_set_new(o, "function", json_string(h->def->function));
	json_object_set_new(o, "module", module[0] ? json_string(module) : json_null());
	json_object_set_new(o, "mechanism",
			    h->mechanism ? json_string(rs_mechanism_name(h->mechanism))
					 : json_null());
	if (h->symbol[0] && strcmp(h->symbol, h->def->function))
		json_object_set_new(o, "symbol", json_string(h->symbol));
	if (h->note[0])
		json_object_set_new(o, "note", json_string(h->note));
	for (int m = 1; m < RS_MECH_NR; m++)
		if (h->why_not[m][0])
			json_object_set_new(why, rs_mechanism_name(m), json_string(h->why_not[m]));
	json_object_set_new(o, "not", why);
	return o;
}

json_t *rs_plan_json(const struct rs_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->nr; i++)
		if (!plan->hook[i].absent)
			json_array_append_new(list, hook_json(&plan->hook[i]));
	return list;
}
