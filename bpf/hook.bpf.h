/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Hooks
 *
 * A hook's body is written once and emitted twice, as fentry/fexit and as kprobe/kretprobe; the
 * loader enables one of the two (src/attach/).
 */
#ifndef RS_HOOK_BPF_H
#define RS_HOOK_BPF_H

#include "common.bpf.h"

/*
 * Hooks. ENTRY and EXIT are for functions that begin and end a request; enter_FN(args...) and
 * leave_FN(ret) are their bodies. LEAF is for functions inside a request, of which only the return
 * matters: leaf_FN(args..., ret). All arguments and results are 64-bit; the bodies narrow them.
 */
/* The verifier of 6.1 lets nobody read a pointer to a pointer from the context itself. */
static __always_inline __u64 fe_arg(__u64 *ctx, __u32 n)
{
	__u64 arg = 0;

	bpf_get_func_arg(ctx, n, &arg);
	return arg;
}

#define FE_ARGS1 ctx[0]
#define FE_ARGS2 FE_ARGS1, ctx[1]
#define FE_ARGS3 FE_ARGS2, ctx[2]
#define FE_ARGS4 FE_ARGS3, ctx[3]
#define FE_ARGS5 FE_ARGS4, fe_arg(ctx, 4)
#define FE_ARGS6 FE_ARGS5, fe_arg(ctx, 5)
#define KP_ARGS1 PT_REGS_PARM1(ctx)
#define KP_ARGS2 KP_ARGS1, PT_REGS_PARM2(ctx)
#define KP_ARGS3 KP_ARGS2, PT_REGS_PARM3(ctx)
#define KP_ARGS4 KP_ARGS3, PT_REGS_PARM4(ctx)
#define KP_ARGS5 KP_ARGS4, PT_REGS_PARM5(ctx)
/* libbpf 1.1 knows five. */
#define KP_ARGS6 KP_ARGS5, ctx->r9
#define LF_ARGS1 a[0]
#define LF_ARGS2 LF_ARGS1, a[1]
#define LF_ARGS3 LF_ARGS2, a[2]
#define LF_ARGS4 LF_ARGS3, a[3]
#define LF_KEEP1 a[0] = PT_REGS_PARM1(ctx);
#define LF_KEEP2 LF_KEEP1 a[1] = PT_REGS_PARM2(ctx);
#define LF_KEEP3 LF_KEEP2 a[2] = PT_REGS_PARM3(ctx);
#define LF_KEEP4 LF_KEEP3 a[3] = PT_REGS_PARM4(ctx);

#define RS_ENTRY(fn, n)                                     \
	SEC("fentry/" #fn) int fe_##fn(__u64 *ctx)          \
	{                                                   \
		enter_##fn(FE_ARGS##n);                     \
		return 0;                                   \
	}                                                   \
	SEC("kprobe/" #fn) int kp_##fn(struct pt_regs *ctx) \
	{                                                   \
		enter_##fn(KP_ARGS##n);                     \
		return 0;                                   \
	}

#define RS_EXIT(fn)                                            \
	SEC("fexit/" #fn) int fx_##fn(__u64 *ctx)              \
	{                                                      \
		__u64 ret = 0;                                 \
                                                               \
		bpf_get_func_ret(ctx, &ret);                   \
		leave_##fn(ret);                               \
		return 0;                                      \
	}                                                      \
	SEC("kretprobe/" #fn) int kr_##fn(struct pt_regs *ctx) \
	{                                                      \
		leave_##fn(PT_REGS_RC(ctx));                   \
		return 0;                                      \
	}

#define RS_LEAF(fn, n, slot)                                                        \
	SEC("fexit/" #fn) int fx_##fn(__u64 *ctx)                                   \
	{                                                                           \
		__u64 ret = 0;                                                      \
                                                                                    \
		bpf_get_func_ret(ctx, &ret);                                        \
		leaf_##fn(FE_ARGS##n, ret);                                         \
		return 0;                                                           \
	}                                                                           \
	SEC("kprobe/" #fn) int kp_##fn(struct pt_regs *ctx)                         \
	{                                                                           \
		struct rs_task *t = nr_active || nr_open ? this_task(true) : NULL;  \
                                                                                    \
		if (t) {                                                            \
			__u64 *a = t->leaf[slot];                                   \
                                                                                    \
			LF_KEEP##n                                                  \
		}                                                                   \
		return 0;                                                           \
	}                                                                           \
	SEC("kretprobe/" #fn) int kr_##fn(struct pt_regs *ctx)                      \
	{                                                                           \
		struct rs_task *t = nr_active || nr_open ? this_task(false) : NULL; \
                                                                                    \
		if (t) {                                                            \
			__u64 *a = t->leaf[slot];                                   \
                                                                                    \
			leaf_##fn(LF_ARGS##n, PT_REGS_RC(ctx));                     \
		}                                                                   \
		return 0;                                                           \
	}

#endif /* RS_HOOK_BPF_H */
