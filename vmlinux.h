/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The kernel types that remapscope's BPF programs read
 *
 * Hand-written and minimal: CO-RE takes every offset from the running kernel's BTF (vmlinux and
 * modules), so that only names and shapes matter here. Sources: include/linux/sched.h, mm_types.h,
 * fs.h, rbtree_types.h and drivers/vfio/vfio_iommu_type1.c, drivers/iommu/iommu.c, in Linux 6.1 to 7.3.
 * A type whose members differ between kernels has a flavour (a name with three underscores).
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct list_head {
	struct list_head *next, *prev;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct mm_struct {
	atomic_t mm_users;
};

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
};

struct task_struct {
	unsigned int flags;
	struct mm_struct *mm;
	int exit_code;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	__u64 start_time;
	char comm[16];
	struct signal_struct *signal;
};

struct super_block {
	unsigned int s_dev;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	__u32 i_generation;
};

struct file {
	struct inode *f_inode;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	struct file *vm_file;
};

struct iommu_domain;

struct iommu_group {
	int id;
};

struct linux_binprm;
struct vfio_device;

/* drivers/vfio/vfio_iommu_type1.c */

struct vfio_iommu {
	struct list_head domain_list;
	struct rb_root dma_list;
	struct list_head device_list;
	unsigned int vaddr_invalid_count;
	bool v2;
	struct list_head emulated_iommu_groups;
};

struct vfio_domain {
	struct iommu_domain *domain;
	struct list_head next;
};

struct vfio_dma {
	struct rb_node node;
	__u64 iova;
	unsigned long vaddr;
	__u64 size;
	int prot;
	bool iommu_mapped;
	bool lock_cap;
	bool vaddr_invalid;
	struct mm_struct *mm;
	size_t locked_vm;
};

/* The kernel's own view of the registers, for the kprobe twins. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15;
	unsigned long r14;
	unsigned long r13;
	unsigned long r12;
	unsigned long bp;
	unsigned long bx;
	unsigned long r11;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long cs;
	unsigned long flags;
	unsigned long sp;
	unsigned long ss;
};
#else
#error "remapscope's kprobe twins know x86-64's registers only"
#endif

#pragma clang attribute pop

#endif /* __VMLINUX_H__ */
