/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The kernel types that remapscope's BPF programs read
 *
 * Hand-written and minimal: CO-RE takes every offset from the running kernel's BTF (vmlinux and
 * modules), so that only names and shapes matter here. Sources: include/linux/sched.h, mm_types.h,
 * fs.h, kvm_host.h, rbtree_types.h, interval_tree.h, xarray.h and drivers/vfio/vfio_iommu_type1.c, drivers/iommu/iommu.c,
 * drivers/iommu/iommufd/iommufd_private.h, io_pagetable.h, in Linux 6.1 to 7.3.
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

struct rb_root_cached {
	struct rb_root rb_root;
};

struct interval_tree_node {
	struct rb_node rb;
	unsigned long start;
	unsigned long last;
};

struct xarray {
	void *xa_head;
};

struct xa_node {
	unsigned char shift;
	void *slots[64];
};

struct mm_struct {
	atomic_t mm_users;
};

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
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
	struct files_struct *files;
};

struct upid {
	int nr;
};

struct pid {
	struct upid numbers[1];
};

struct super_block {
	unsigned int s_dev;
};

struct inode {
	unsigned int i_rdev;
	struct super_block *i_sb;
	unsigned long i_ino;
	__u32 i_generation;
};

struct file;

struct file_operations {
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
};

struct file {
	struct inode *f_inode;
	const struct file_operations *f_op;
	void *private_data;
};

/* include/net/scm.h */
struct scm_fp_list {
	short count;
	struct file *fp[253];
};

struct scm_cookie {
	struct pid *pid;
	struct scm_fp_list *fp;
};

struct page {
	unsigned long flags;
};

/* include/linux/bpf.h: what a program over all tasks' files gets */
struct bpf_iter_meta;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
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

struct bpf_map;
struct linux_binprm;

struct kobject {
	const char *name;
};

struct device {
	struct kobject kobj;
};

/* include/linux/vfio.h, drivers/vfio/vfio.h, drivers/vfio/container.c */

struct vfio_iommu_driver_ops {
	char *name;
};

struct vfio_iommu_driver {
	const struct vfio_iommu_driver_ops *ops;
};

struct vfio_container {
	struct vfio_iommu_driver *iommu_driver;
	void *iommu_data;
};

struct vfio_group {
	struct vfio_container *container;
	struct iommu_group *iommu_group;
};

struct vfio_device_ops {
	void (*dma_unmap)(void *vdev, __u64 iova, __u64 length);
};

struct iommufd_access;
struct iommufd_device;

/* iommufd_* with CONFIG_IOMMUFD only */
struct vfio_device {
	struct device *dev;
	const struct vfio_device_ops *ops;
	struct vfio_group *group;
	struct iommufd_access *iommufd_access;
	struct iommufd_device *iommufd_device;
	__u8 iommufd_attached : 1;
};

/* since Linux 6.6 */
struct vfio_device_file {
	struct vfio_device *device;
};

/* include/linux/kvm_host.h; wants_to_run since Linux 6.11, and in older stable kernels */
struct kvm;
struct kvm_run;

struct kvm_vcpu {
	struct kvm *kvm;
	int vcpu_id;
	struct kvm_run *run;
	bool wants_to_run;
};

/* drivers/vfio/vfio_iommu_type1.c */

struct mutex {
	unsigned long owner;
};

struct vfio_iommu_group {
	struct iommu_group *iommu_group;
	struct list_head next;
};

struct vfio_iommu {
	struct mutex lock;
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
	struct list_head group_list;
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

/* drivers/iommu/iommufd/iommufd_private.h, since Linux 6.2 */

struct rw_semaphore {
	unsigned long owner;
};

/* The numbers are the running kernel's: bpf_core_enum_value(). */
enum iommufd_object_type {
	IOMMUFD_OBJ_IOAS,
	IOMMUFD_OBJ_HWPT_PAGING,
	IOMMUFD_OBJ_HWPT_NESTED,
};

/* before Linux 6.7 */
enum iommufd_object_type___old {
	IOMMUFD_OBJ_HW_PAGETABLE,
};

struct iommufd_object {
	enum iommufd_object_type type;
	unsigned int id;
};

struct iommufd_ioas;

struct iommufd_ctx {
	struct xarray objects;
	struct xarray groups;
	struct iommufd_ioas *vfio_ioas;
};

struct io_pagetable {
	struct rw_semaphore domains_rwsem;
	struct rw_semaphore iova_rwsem;
	struct rb_root_cached area_itree;
};

struct iommufd_ioas {
	struct iommufd_object obj;
	struct io_pagetable iopt;
};

struct iommufd_ucmd {
	struct iommufd_ctx *ictx;
	void *cmd;
};

struct iommufd_hw_pagetable {
	struct iommufd_object obj;
};

struct iommufd_hwpt_paging {
	struct iommufd_hw_pagetable common;
	struct iommufd_ioas *ioas;
};

struct iommufd_hwpt_nested {
	struct iommufd_hwpt_paging *parent;
};

struct iommufd_hw_pagetable___old {
	struct iommufd_ioas *ioas;
};

/* drivers/iommu/iommufd/device.c, since Linux 6.15 */
struct iommufd_attach {
	struct iommufd_hw_pagetable *hwpt;
};

struct iommufd_group {
	struct xarray pasid_attach;
};

struct iommufd_group___old {
	struct iommufd_hw_pagetable *hwpt;
};

struct iommufd_device {
	struct iommufd_ctx *ictx;
	struct iommufd_group *igroup;
};

struct iommufd_access {
	struct iommufd_ctx *ictx;
	struct iommufd_ioas *ioas;
	struct iommufd_ioas *ioas_unpin;
	struct mutex ioas_lock;
};

/* drivers/iommu/iommufd/io_pagetable.h */

/* since Linux 6.13; before, all is known by vaddr */
enum iopt_address_type {
	IOPT_ADDRESS_USER = 0,
	IOPT_ADDRESS_FILE = 1,
	IOPT_ADDRESS_DMABUF = 2,
};

/* uptr, or file and start: members of unions without a name there, which CO-RE looks through */
struct iopt_pages {
	struct mutex mutex;
	size_t npinned;
	struct task_struct *source_task;
	struct mm_struct *source_mm;
	enum iopt_address_type type;
	void *uptr;
	struct file *file;
	unsigned long start;
	__u8 account_mode;
};

struct iopt_area {
	struct interval_tree_node node;
	struct interval_tree_node pages_node;
	struct io_pagetable *iopt;
	struct iopt_pages *pages;
	struct iommu_domain *storage_domain;
	unsigned int page_offset;
	int iommu_prot;
	bool prevent_access : 1;
};

/* drivers/iommu/iommufd/pages.c; file since Linux 6.13 */
struct pfn_reader_user {
	unsigned long upages_start;
	unsigned long upages_end;
	struct file *file;
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
