// SPDX-License-Identifier: GPL-2.0-only
/*
 * The maps and variables that all programs share. The linker wants to see them before their users
 * (libbpf 1.1 loses the offsets of maps that are declared first and defined later).
 */
#define RS_DEFINE_MAPS
#include "common.bpf.h"

char LICENSE[] SEC("license") = "GPL";
