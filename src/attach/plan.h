/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The attach plan
 *
 * For every hook the mechanisms are tried on the running kernel, best first, with a program of two
 * instructions: a function in BTF may still be inlined, renamed or out of ftrace's reach, and only
 * trying tells. The plan says what was chosen and why nothing better was possible.
 */
#ifndef RS_ATTACH_PLAN_H
#define RS_ATTACH_PLAN_H

#include <jansson.h>
#include "attach/symbols.h"
#include "attach/trial.h"
#include "remapscope/types.h"
#include "util/msg.h"

/** enum rs_mechanism - how a hook is attached */
enum rs_mechanism {
	RS_MECH_NONE = 0,
	RS_MECH_FENTRY = 1, /* fentry and fexit, as the hook needs */
	RS_MECH_KPROBE = 2, /* kprobe and kretprobe */
	RS_MECH_TP_BTF = 3, /* BTF-enabled raw tracepoint */
	RS_MECH_NR
};

/** rs_mechanism_name() - "fentry", "kprobe", "tp_btf"; NULL for none */
const char *rs_mechanism_name(enum rs_mechanism m);

/* Which programs a hook has (bpf/common.bpf.h). */
enum rs_hook_shape {
	RS_HOOK_ENTRY = 1, /* only the entry matters */
	RS_HOOK_BOTH = 2,  /* entry and exit */
	RS_HOOK_LEAF = 3,  /* only the exit; a kretprobe needs the kprobe for the arguments */
	RS_HOOK_TP = 4,	   /* a tracepoint */
};

/* Whose hook it is. */
enum rs_backend_kind {
	RS_BACKEND_ANY = 0,
	RS_BACKEND_TYPE1 = 1,
	RS_BACKEND_IOMMUFD = 2,
};

/**
 * struct rs_hook_def - a hook that remapscope wants
 * @function: the kernel's function or tracepoint
 * @module: where it lives, unless it is built in; NULL: vmlinux
 * @program: a tracepoint's program
 * @twin: another one that does the same, NULL: none. Attached too where tasks are switched inside tracepoints
 *	(&rs_plan_opts.exact): a call that one misses, the other one sees
 * @shape: which programs
 * @vital: nothing useful can be recorded without it
 * @args: its programs read the function's arguments: a clone that gcc made of it will not do
 * @replaces: does the same for another kernel release as the entry before; only one is in the plan
 * @if_loaded: its module is not there on every host: as long as it is not, nothing is missing
 * @backend: only that one needs it: without the backend nothing is missing
 * @unless: another hook, earlier in the list, that makes this one superfluous
 * @only_with: type1, too, calls it for a request, where struct vfio_dma has this member
 * @if_there: not every kernel that has the backend has this: without a symbol of its name nothing is missing
 * @maybe_absent: only some kernels have the function and only these need it: those whose struct
 *	vfio_iommu has this member. NULL: all need it
 */
struct rs_hook_def {
	const char *function;
	const char *module;
	const char *program;
	const char *twin;
	enum rs_hook_shape shape;
	bool vital;
	bool args;
	bool replaces;
	bool if_loaded;
	const char *only_with;
	bool if_there;
	enum rs_backend_kind backend;
	const char *unless;
	const char *maybe_absent;
};

#define RS_WHY_LEN 160

/**
 * struct rs_hook - a hook's place in the plan
 * @mechanism: what was chosen
 * @absent: this kernel has not got the function, and does not need it: no fault
 * @quiet: @absent for a reason that is not the hook's own: its backend is not there, or another one does the same
 * @twin: the tracepoint's other program is wanted
 * @symbol: what is really probed, once a mechanism is chosen: the function, or a clone of it
 * @module: where the symbol was found, "" for the kernel itself
 * @multi: by kprobe.multi, at @addr: it has a place for the return of every call, where a kretprobe has some
 *	(since Linux 6.14 fprobe keeps it on the task's own shadow stack, kernel/trace/fprobe.c)
 * @btf: what fentry, fexit or tp_btf attach to
 * @note: what is not seen all the same, "" for nothing
 * @why_not: why a mechanism was not possible, "" if it was or was not tried
 */
struct rs_hook {
	const struct rs_hook_def *def;
	enum rs_mechanism mechanism;
	bool absent;
	bool quiet;
	bool twin;
	bool multi;
	unsigned long addr;
	char symbol[RS_SYMBOL_LEN];
	char module[RS_MODULE_LEN];
	struct rs_btf_ref btf;
	char note[RS_WHY_LEN];
	char why_not[RS_MECH_NR][RS_WHY_LEN];
};

#define RS_HOOKS_MAX 80

/** struct rs_plan - all hooks */
struct rs_plan {
	struct rs_hook hook[RS_HOOKS_MAX];
	size_t nr;
};

/**
 * struct rs_machine - what this machine offers
 * @release: the kernel's release
 * @host: the node's name
 * @may: has the privilege (CAP_SYS_ADMIN, or less where the kernel is content with it)
 * @btf: /sys/kernel/btf/vmlinux is there
 * @vfio: this kernel has VFIO, loaded or as a module on disk
 * @type1: vfio_iommu_type1 is loaded or built in
 * @module_btf: its BTF is there (built in: vmlinux's)
 * @iommufd: iommufd is loaded or built in
 * @iommufd_btf: ... and its BTF is there
 * @switches: tasks are switched inside functions (preemption lazy or full): a program of fentry is left out
 *	for a task that comes while another is in it on that CPU (kernel/bpf/trampoline.c,
 *	__bpf_prog_enter_recur()); a kprobe's runs with preemption off
 */
struct rs_machine {
	char release[65];
	char host[65];
	bool may;
	bool btf;
	bool vfio;
	bool type1;
	bool module_btf;
	bool iommufd;
	bool iommufd_btf;
	bool switches;
};

/** rs_machine_look() - find out what this machine offers */
void rs_machine_look(struct rs_machine *m);

/** rs_built_in() - RS_WATCH_* of backends that are part of the kernel itself, by depmod(8)'s list or by BTF */
unsigned int rs_built_in(void);

/**
 * rs_machine_refusal() - why nothing can be recorded here
 *
 * One backend is enough. Return: -EPERM, -ENOTSUP (no BTF, no VFIO), -ENOENT (module not loaded) with a sentence, or 0
 */
int rs_machine_refusal(const struct rs_machine *m, struct rs_msg *msg);

/**
 * struct rs_plan_opts - how to plan
 * @no_fentry: leave fentry out, as if the kernel had none, and kprobe.multi: both keep a module from being unloaded
 * @exact: leave it out because calls could be missed, rs_machine.switches; no kretprobe either, if there is better
 * @type1: plan for this backend: rs_machine.type1 and module_btf
 * @iommufd: and for this one: rs_machine.iommufd_btf
 * @attach: try by attaching, not only by loading. What loads nearly always attaches, and taking a
 *	program off a function costs the kernel a grace period: a recorder saves it and falls back
 *	with rs_plan_demote() when an attachment fails after all
 */
struct rs_plan_opts {
	bool no_fentry;
	bool exact;
	bool type1;
	bool iommufd;
	bool attach;
};

/**
 * rs_plan_make() - try every mechanism of every hook
 *
 * Needs rs_machine_refusal() == 0. Return: 0 or -errno
 */
int rs_plan_make(struct rs_plan *plan, const struct rs_plan_opts *opts, struct rs_msg *msg);

/**
 * rs_plan_defs() - the same for other hooks than remapscope's own
 * @def: at most RS_HOOKS_MAX; must live as long as the plan
 *
 * Needs the privilege only. Return: 0 or -errno
 */
int rs_plan_defs(struct rs_plan *plan, const struct rs_hook_def *def, size_t nr,
		 const struct rs_plan_opts *opts, struct rs_msg *msg);

/**
 * rs_plan_demote() - a hook's mechanism did not attach: go to the next one
 * @err: -errno of the attachment
 */
void rs_plan_demote(struct rs_hook *h, int err);

/** rs_plan_lacks_of() - is there a hook of that module that is not attached, and that nothing makes superfluous? */
bool rs_plan_lacks_of(const struct rs_plan *plan, const char *module);

/** rs_plan_wants() - is a function among remapscope's own hooks? */
bool rs_plan_wants(const char *function);

/** rs_plan_lacks_vital() - is a hook out of reach without which nothing can be told? Return: 0 or -ENOTSUP */
int rs_plan_lacks_vital(const struct rs_plan *plan, struct rs_msg *msg);

/**
 * rs_plan_json() - the plan as it is stored in a trace; the caller's
 *
 * Without the hooks that are absent: nothing is missing there.
 */
json_t *rs_plan_json(const struct rs_plan *plan);

#endif /* RS_ATTACH_PLAN_H */
