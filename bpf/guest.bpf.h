/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What guest.bpf.c does for others
 */
#ifndef RS_GUEST_BPF_H
#define RS_GUEST_BPF_H

/* A process has invalidated a range: how its vCPUs are. */
int tell_vcpus(__u32 tgid);

#endif /* RS_GUEST_BPF_H */
