/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Trials
 *
 * Whether a mechanism works on a function, by trying it with a program of two instructions. Each
 * returns 0, or -errno with one phrase in @why.
 */
#ifndef RS_ATTACH_TRIAL_H
#define RS_ATTACH_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <bpf/btf.h>

/* Modules with hooks, and those of the functions that doctor was asked for. */
#define RS_BTFS_MAX 32

/** struct rs_btfs - BTF of the kernel and of the modules, looked up once for all hooks */
struct rs_btfs {
	struct btf *vmlinux;
	struct {
		const char *name;
		struct btf *btf;
		__u32 id;
		int fd;
	} module[RS_BTFS_MAX];
	size_t nr;
};

/**
 * struct rs_btf_ref - a type in the running kernel
 * @object: the BTF object's id (bpf_btf_get_fd_by_id()); 0: the kernel's own
 * @type: the type's id there; 0: none
 */
struct rs_btf_ref {
	__u32 object;
	__u32 type;
};

/** rs_btfs_load() - the kernel's own; rs_btfs_free() in any case. Return: 0 or -errno */
int rs_btfs_load(struct rs_btfs *b);
void rs_btfs_free(struct rs_btfs *b);

/**
 * rs_btfs_has_member() - does a structure have that member?
 * @module: where the structure is, unless it is built in; must live as long as @b
 *
 * Return: 1 or 0, -ENOENT when there is no such structure
 */
int rs_btfs_has_member(struct rs_btfs *b, const char *module, const char *structure,
		       const char *member);

/**
 * rs_try_fentry() - fentry (or fexit)
 * @module: where to look first; NULL: the kernel itself. Must live as long as @b
 * @exit: fexit
 * @attach: also attach, not only load
 * @ref: on success, what to attach to
 */
int rs_try_fentry(struct rs_btfs *b, const char *function, const char *module, bool exit,
		  bool attach, struct rs_btf_ref *ref, char *why, size_t len);

/** rs_try_tp() - a BTF-enabled tracepoint. @ref: on success, its type */
int rs_try_tp(struct rs_btfs *b, const char *name, struct rs_btf_ref *ref, char *why, size_t len);

/** rs_try_kprobe() - kprobe (or kretprobe) on a symbol */
int rs_try_kprobe(const char *symbol, bool ret, char *why, size_t len);

/** rs_explain_attach() - a phrase for -errno of attaching to ftrace */
void rs_explain_attach(int err, char *why, size_t len);

#endif /* RS_ATTACH_TRIAL_H */
