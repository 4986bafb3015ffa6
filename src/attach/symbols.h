/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The kernel's list of symbols
 *
 * gcc gives a function that it has changed another name: FN.isra.N, FN.constprop.N, FN.part.N. Each
 * may take other arguments than the source says, .isra may return nothing, and .part is what was left
 * of FN after its beginning was put into its callers. BTF knows none of these names; /proc/kallsyms lists them, and
 * hides at most their addresses (Documentation/admin-guide/sysctl/kernel.rst, kptr_restrict).
 */
#ifndef RS_ATTACH_SYMBOLS_H
#define RS_ATTACH_SYMBOLS_H

#include <stdio.h>

/* Longer names are passed over; the kernel's KSYM_NAME_LEN is 128, 512 since 6.1. */
#define RS_SYMBOL_LEN 128
#define RS_MODULE_LEN 64

/**
 * struct rs_symbol - a function, and what the list has of it
 * @function: as the source calls it; set by the caller
 * @module: where it lives, unless it is built in; NULL: wherever it is found first, and that is in the
 *	kernel itself when it has one. Set by the caller
 * @plain: symbols of exactly that name there: more than one when files have static functions so named
 * @clones: names that gcc made of it, there
 * @others: symbols of that name elsewhere: a kprobe by name might find these
 * @other_clones: names that gcc made of these
 * @clone: one of the @clones, "" for none
 * @addr: where the last one of @plain, or without any of @clones, is; 0: hidden
 * @home: the module in which @plain and @clones are, "" for the kernel itself
 */
struct rs_symbol {
	const char *function;
	const char *module;
	unsigned int plain;
	unsigned int clones;
	unsigned int others;
	unsigned int other_clones;
	unsigned long long addr;
	char clone[RS_SYMBOL_LEN];
	char home[RS_MODULE_LEN];
};

/**
 * rs_symbols_read() - look functions up
 * @kallsyms: text as in /proc/kallsyms: address, type, name, module in brackets; read once, to its end
 *
 * Return: 0, or -errno of reading; -ENODATA when there was nothing to read
 */
int rs_symbols_read(FILE *kallsyms, struct rs_symbol *sym, size_t nr);

/* What a hook's programs count on. */
#define RS_USES_ARGS (1U << 0) /* the function's arguments */
#define RS_USES_RET  (1U << 1) /* its return value */

/**
 * rs_symbol_choose() - which name to probe
 * @uses: RS_USES_*
 * @why: one phrase: why there is none; or, with a name, what is not seen there ("" for nothing)
 *
 * Return: the name (@s's own), or NULL
 */
const char *rs_symbol_choose(const struct rs_symbol *s, unsigned int uses, char *why, size_t len);

#endif /* RS_ATTACH_SYMBOLS_H */
