/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What things are called
 *
 * Short texts by value, as in stats/units.h, and the sentences that several renderers share.
 */
#ifndef RS_RENDER_NAMES_H
#define RS_RENDER_NAMES_H

#include "render/render.h"

/** struct rs_name - a short text */
struct rs_name {
	char s[64];
};

/** struct rs_long_name - a longer one */
struct rs_long_name {
	char s[128];
};

/** rs_name_proc() - "lab-client[123]" */
struct rs_name rs_name_proc(const struct rs_proc_ref *p);

/** rs_name_task() - the same for an event's process, as far as the result knows its name */
struct rs_name rs_name_task(const struct rs_result *r, const struct rs_event *ev);

/** rs_name_container() - "c1", "i1" of a context, or "" for an address that the result does not know */
struct rs_name rs_name_container(const struct rs_result *r, __u64 key, __u32 ioas, __u64 ts);

/** rs_name_loss() - ", of c1, c2 (request, xlate)": whose records and which, as far as is known; or "" */
struct rs_name rs_name_loss(const struct rs_loss_view *l);

/** rs_name_device() - "0000:00:04.0", as in sysfs; "(no name)" */
struct rs_name rs_name_device(const struct rs_device_view *d);

/** rs_name_device_at() - "d1", or "" for an address that the result does not know */
struct rs_name rs_name_device_at(const struct rs_result *r, __u64 key, __u64 ts);

/** rs_name_kind() - "type1", "iommufd" */
const char *rs_name_kind(__u32 kind);

/** rs_name_area() - what an area is known by: "vaddr", "file", "dma-buf" */
const char *rs_name_area(__u32 area);

/** rs_name_account() - what its pages are charged to: "none", "user", "mm" */
const char *rs_name_account(__u32 account);

/** rs_name_errno() - "ENOENT"; "E4711" for a number without a name. @err is positive */
struct rs_name rs_name_errno(int err);

/** rs_name_ret() - a return value: "0", "512", "-ENOENT" */
struct rs_name rs_name_ret(__s64 ret);

/** rs_name_path() - "gup", "refused:window"; "-" for none */
struct rs_name rs_name_path(enum rs_path path, enum rs_reason reason);

/** rs_name_status() - a wait(2) status: "exit status 0", "killed by SIGKILL" */
struct rs_name rs_name_status(int status);

/** rs_name_piece() - "file 0:1 ino 1027 +0x200000 hugetlb", "anonymous memory" */
struct rs_long_name rs_name_piece(const struct rs_piece *p, bool generation);

/**
 * rs_describe_path() - the automaton's path to a finding, on one line
 *
 * "mapped -invalidated-> invalid -remapped (its memory is other)-> violated"
 */
void rs_describe_path(const struct rs_finding *f, char *buf, size_t len);

#endif /* RS_RENDER_NAMES_H */
