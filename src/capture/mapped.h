/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Maps that are memory of the recorder, too
 *
 * An array with BPF_F_MMAPABLE can be read without a system call. While bpf(2) looks into a map, the kernel lets no
 * program of a kprobe run on that CPU (kernel/bpf/syscall.c, bpf_map_copy_value(), bpf_disable_instrumentation()): on
 * a kernel that may switch tasks there, calls of the task that comes next are not seen.
 */
#ifndef RS_CAPTURE_MAPPED_H
#define RS_CAPTURE_MAPPED_H

#include <stddef.h>

struct bpf_map;

/** struct rs_mapped - a map's values, one after the other; all zero: none */
struct rs_mapped {
	void *at;
	size_t bytes;
};

/**
 * rs_mapped_open() - map the values of an array into memory
 * @map: loaded, with BPF_F_MMAPABLE, of values whose size is a multiple of 8
 *
 * Return: 0 or -errno
 */
int rs_mapped_open(struct rs_mapped *m, const struct bpf_map *map);

/** rs_mapped_close() - the memory is no longer needed; nothing happens to the map */
void rs_mapped_close(struct rs_mapped *m);

#endif /* RS_CAPTURE_MAPPED_H */
