// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests: their vCPUs, their interrupts, their devices' ioctls, and whose files are passed on. Only of processes
 * that have to do with containers; KVM's types are in its module, and the programs are loaded when that is.
 */
#include "hook.bpf.h"
#include "device.bpf.h"
#include "file.bpf.h"
#include "guest.bpf.h"
#include "iommufd.bpf.h"

/* include/uapi/linux/vfio.h */
#define VFIO_DEVICE_GET_INFO		     0x3b6b
#define VFIO_DEVICE_SET_IRQS		     0x3b6e
#define VFIO_DEVICE_PCI_HOT_RESET	     0x3b71
#define VFIO_IRQ_SET_DATA_NONE		     (1U << 0)
#define VFIO_IRQ_SET_DATA_EVENTFD	     (1U << 2)
#define VFIO_IRQ_SET_ACTION_TRIGGER	     (1U << 5)
#define VFIO_IRQ_SET_ACTION_TYPE_MASK	     (7U << 3)
#define VFIO_DEVICE_FEATURE		     0x3b75
#define VFIO_DEVICE_BIND_IOMMUFD	     0x3b76
#define VFIO_DEVICE_FEATURE_MASK	     0xffff
#define VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE 2

/* struct vfio_device_feature, and of MIG_DEVICE_STATE the first member of its data */
struct feature_arg {
	__u32 argsz;
	__u32 flags;
	__u32 state;
};

/* include/uapi/linux/kvm.h */
#define KVM_IRQFD_FLAG_DEASSIGN (1U << 0)

struct kvm_irqfd_arg {
	__u32 fd;
	__u32 gsi;
	__u32 flags;
};

#define SCM_MAX_FD 253 /* include/net/scm.h */

static __always_inline bool is_owner(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&owners, &tgid);
}

/* vCPUs */

static __always_inline void write_vcpu(__u64 key, struct rs_vcpu *v, __u32 what)
{
	struct rs_ev_vcpu *ev = RS_RECORD(RS_EV_VCPU, rs_ev_vcpu, 0);

	if (!ev)
		return;
	ev->kvm = v->kvm;
	ev->vcpu = key;
	ev->enter_ns = v->enter_ns;
	ev->exit_ns = v->exit_ns;
	ev->runs = v->runs;
	ev->id = v->id;
	ev->what = what;
	ev->flags = what == RS_VCPU_TOLD && v->inside ? RS_VCPUF_INSIDE : 0;
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

static __always_inline struct rs_vcpu *know_vcpu(__u64 key)
{
	struct kvm_vcpu *vcpu = (void *)key;
	struct rs_vcpu fresh = {}, *v = bpf_map_lookup_elem(&vcpus, &key);

	if (v || !is_owner())
		return v;
	fresh.kvm = (__u64)BPF_CORE_READ(vcpu, kvm);
	fresh.id = BPF_CORE_READ(vcpu, vcpu_id);
	fresh.tgid = bpf_get_current_pid_tgid() >> 32;
	if (bpf_map_update_elem(&vcpus, &key, &fresh, BPF_ANY)) {
		count_loss(RS_LOSS_OWNERS);
		return NULL;
	}
	return bpf_map_lookup_elem(&vcpus, &key);
}

/* kvm_run.immediate_exit: KVM_RUN only finishes what it was about; the guest does not run. */
static __always_inline bool runs_guest(struct kvm_vcpu *vcpu)
{
	__u8 immediate_exit = 0;

	if (bpf_core_field_exists(vcpu->wants_to_run))
		return BPF_CORE_READ(vcpu, wants_to_run);
	/* The second byte of struct kvm_run (include/uapi/linux/kvm.h), whatever it is called. */
	bpf_probe_read_kernel(&immediate_exit, 1, (void *)BPF_CORE_READ(vcpu, run) + 1);
	return !immediate_exit;
}

/* int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu) */
static __always_inline void enter_kvm_arch_vcpu_ioctl_run(__u64 key)
{
	struct rs_vcpu *v = know_vcpu(key);
	__u32 what = 0;

	if (!v || !runs_guest((void *)key))
		return;
	v->enter_ns = bpf_ktime_get_ns();
	if (!v->runs++)
		what = RS_VCPU_FIRST;
	else if (v->told)
		what = RS_VCPU_AGAIN;
	v->inside = 1;
	v->told = 0;
	if (what)
		write_vcpu(key, v, what);
}

RS_ENTRY(kvm_arch_vcpu_ioctl_run, 1)

/*
 * void vcpu_put(struct kvm_vcpu *vcpu): the last that kvm_arch_vcpu_ioctl_run() does. Not its return: a kretprobe
 * has places for so many calls at a time only, and this one can last.
 */
static __always_inline void enter_vcpu_put(__u64 key)
{
	struct rs_vcpu *v = bpf_map_lookup_elem(&vcpus, &key);

	if (!v || !v->inside)
		return;
	v->exit_ns = bpf_ktime_get_ns();
	v->inside = 0;
}

RS_ENTRY(vcpu_put, 1)

static long tell_vcpu(struct bpf_map *map, const void *key, void *value, void *ctx)
{
	const __u32 *tgid = ctx;
	struct rs_vcpu *v = value;

	if (v->tgid != *tgid || !v->runs)
		return 0;
	v->told = 1;
	write_vcpu(*(const __u64 *)key, v, RS_VCPU_TOLD);
	return 0;
}

int tell_vcpus(__u32 tgid)
{
	bpf_for_each_map_elem(&vcpus, tell_vcpu, &tgid, 0);
	return 0;
}

struct gone {
	__u64 kvm;
	__u32 found; /* not how many: the verifier would count along */
};

static long forget_vcpu(struct bpf_map *map, const void *key, void *value, void *ctx)
{
	struct rs_vcpu *v = value;
	struct gone *g = ctx;

	if (v->kvm != g->kvm)
		return 0;
	bpf_map_delete_elem(map, key);
	g->found = 1;
	return 0;
}

/* void kvm_destroy_vm(struct kvm *kvm) */
static __always_inline void enter_kvm_destroy_vm(__u64 kvm)
{
	struct gone g = { .kvm = kvm };
	struct rs_ev_vm *ev;

	bpf_for_each_map_elem(&vcpus, forget_vcpu, &g, 0);
	if (!g.found)
		return;
	ev = RS_RECORD(RS_EV_VM, rs_ev_vm, 0);
	if (!ev)
		return;
	ev->kvm = kvm;
	bpf_ringbuf_submit(ev, 0);
}

RS_ENTRY(kvm_destroy_vm, 1)

/* Interrupts */

/* What an eventfd of the current task is, in any task: eventfd_ctx is its file's private_data (fs/eventfd.c). */
static __always_inline __u64 eventfd_of(__s32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **at, *file = NULL;

	if (fd < 0 || (__u32)fd >= BPF_CORE_READ(fdt, max_fds))
		return 0;
	at = BPF_CORE_READ(fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), at + fd);
	return file ? (__u64)BPF_CORE_READ(file, private_data) : 0;
}

struct irq {
	__u64 start;
	__u64 object;
	__s64 ret;
	__u64 eventfd;
	__u32 what;
	__u32 index;
	__u32 vector;
	__u32 count;
};

static __always_inline void write_irq(const struct irq *i)
{
	struct rs_ev_irq *ev = RS_RECORD(RS_EV_IRQ, rs_ev_irq, 0);

	if (!ev)
		return;
	ev->start_ns = i->start;
	ev->object = i->object;
	ev->eventfd = i->eventfd;
	ev->ret = i->ret;
	ev->what = i->what;
	ev->index = i->index;
	ev->vector = i->vector;
	ev->count = i->count;
	bpf_ringbuf_submit(ev, 0);
}

/* int kvm_irqfd(struct kvm *kvm, struct kvm_irqfd *args), the kernel's copy on the caller's stack */
static __always_inline void enter_kvm_irqfd(__u64 kvm, __u64 args)
{
	struct rs_task *t = is_owner() ? this_task(true) : NULL;

	if (!t)
		return;
	t->irq.start = bpf_ktime_get_ns();
	t->irq.object = kvm;
	t->irq.data = args;
}

static __always_inline void leave_kvm_irqfd(__u64 ret)
{
	struct rs_task *t = this_task(false);
	struct kvm_irqfd_arg a = {};
	struct irq i = {};

	if (!t || !t->irq.start)
		return;
	bpf_probe_read_kernel(&a, sizeof(a), (void *)t->irq.data);
	i.start = t->irq.start;
	i.object = t->irq.object;
	i.ret = (__s32)ret;
	i.eventfd = eventfd_of(a.fd);
	i.what = a.flags & KVM_IRQFD_FLAG_DEASSIGN ? RS_IRQ_NO_IRQFD : RS_IRQ_IRQFD;
	i.index = a.flags;
	i.vector = a.gsi;
	i.count = 1;
	t->irq.start = 0;
	write_irq(&i);
}

RS_ENTRY(kvm_irqfd, 2)
RS_EXIT(kvm_irqfd)

/*
 * int vfio_pci_set_irqs_ioctl(struct vfio_pci_core_device *vdev, uint32_t flags, unsigned index, unsigned start,
 * unsigned count, void *data): @data is the kernel's copy, and the vfio_device comes first in @vdev.
 */
static __always_inline void enter_vfio_pci_set_irqs_ioctl(__u64 vdev, __u64 flags, __u64 index,
							  __u64 start, __u64 count, __u64 data)
{
	__u32 kind;
	__u64 container = device_container(vdev, &kind);
	struct rs_task *t;

	if (((__u32)flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return;
	if (!wanted(container))
		return;
	know_device(vdev, container, kind);
	t = this_task(true);
	if (!t)
		return;
	t->irq.start = bpf_ktime_get_ns();
	t->irq.object = vdev;
	t->irq.data = data;
	t->irq.flags = flags;
	t->irq.index = index;
	t->irq.vector = start;
	t->irq.count = count;
}

struct vectors {
	struct irq irq;
	__u64 data;
};

static long tell_vector(__u32 n, void *ctx)
{
	struct vectors *v = ctx;
	struct irq i = v->irq;
	__s32 fd = -1;

	bpf_probe_read_kernel(&fd, sizeof(fd), (void *)v->data + n * sizeof(fd));
	i.what = fd < 0 ? RS_IRQ_UNTRIGGER : RS_IRQ_TRIGGER;
	i.eventfd = eventfd_of(fd);
	i.vector += n;
	i.count = 1;
	write_irq(&i);
	return 0;
}

/* A device has at most so many vectors (PCI_MSIX_FLAGS_QSIZE, include/uapi/linux/pci_regs.h). */
#define VECTORS_MAX 2048

static __always_inline void leave_vfio_pci_set_irqs_ioctl(__u64 ret)
{
	struct rs_task *t = this_task(false);
	struct vectors v = {};

	if (!t || !t->irq.start)
		return;
	v.irq.start = t->irq.start;
	v.irq.object = t->irq.object;
	v.irq.ret = (__s32)ret;
	v.irq.index = t->irq.index;
	v.irq.vector = t->irq.vector;
	v.data = t->irq.data;
	t->irq.start = 0;
	if (t->irq.flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		bpf_loop(t->irq.count < VECTORS_MAX ? t->irq.count : VECTORS_MAX, tell_vector, &v,
			 0);
	} else if (t->irq.flags & VFIO_IRQ_SET_DATA_NONE && !t->irq.count) {
		v.irq.what = RS_IRQ_UNTRIGGER;
		write_irq(&v.irq);
	}
	/* Everything else only makes the device look as if it had interrupted. */
}

RS_ENTRY(vfio_pci_set_irqs_ioctl, 6)
RS_EXIT(vfio_pci_set_irqs_ioctl)

/* Devices' ioctls */

/* Not those of a driver's own, which may be as frequent as its requests; SET_IRQS has its own record. */
static __always_inline bool is_told(__u32 cmd)
{
	return (cmd >= VFIO_DEVICE_GET_INFO && cmd <= VFIO_DEVICE_PCI_HOT_RESET &&
		cmd != VFIO_DEVICE_SET_IRQS) ||
	       cmd == VFIO_DEVICE_FEATURE || cmd == VFIO_DEVICE_BIND_IOMMUFD;
}

/* long vfio_device_fops_unl_ioctl(struct file *filep, unsigned int cmd, unsigned long arg) */
static __always_inline void enter_vfio_device_fops_unl_ioctl(__u64 file, __u64 cmd, __u64 arg)
{
	__u64 device, container;
	struct rs_task *t;
	__u32 kind;

	device_fops = (__u64)BPF_CORE_READ((struct file *)file, f_op);
	if (!is_told(cmd))
		return;
	device = device_of_file((void *)file);
	container = device_container(device, &kind);
	if (!device || !wanted(container))
		return;
	note_task((void *)bpf_get_current_task(), 0);
	/* Before it is bound there is nothing that it belongs to. */
	if (container)
		know_device(device, container, kind);
	t = this_task(true);
	if (!t)
		return;
	t->devop.start = bpf_ktime_get_ns();
	t->devop.device = device;
	t->devop.arg = arg;
	t->devop.cmd = cmd;
}

static __always_inline void leave_vfio_device_fops_unl_ioctl(__u64 ret)
{
	struct rs_task *t = this_task(false);
	struct feature_arg a = {};
	struct rs_ev_devop *ev;
	__u64 container;
	__u32 kind;

	if (!t || !t->devop.start)
		return;
	container = device_container(t->devop.device, &kind);
	if (t->devop.cmd == VFIO_DEVICE_BIND_IOMMUFD && container)
		know_device(t->devop.device, container, kind);
	if (t->devop.cmd == VFIO_DEVICE_FEATURE)
		bpf_probe_read_user(&a, sizeof(a), (void *)t->devop.arg);
	ev = RS_RECORD(RS_EV_DEVOP, rs_ev_devop, container);
	if (ev) {
		ev->start_ns = t->devop.start;
		ev->device = t->devop.device;
		ev->container = container;
		ev->ret = ret;
		ev->cmd = t->devop.cmd;
		ev->feature = a.flags;
		ev->state =
			(a.flags & VFIO_DEVICE_FEATURE_MASK) == VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE
				? a.state
				: 0;
		ev->reserved = 0;
		bpf_ringbuf_submit(ev, 0);
	}
	t->devop.start = 0;
}

RS_ENTRY(vfio_device_fops_unl_ioctl, 3)
RS_EXIT(vfio_device_fops_unl_ioctl)

/* Files passed on */

struct passing {
	struct scm_fp_list *list;
	__u32 from;
};

static long tell_passed(__u32 n, void *ctx)
{
	struct passing *p = ctx;
	struct rs_ev_passed *ev;
	__u64 object = 0, container;
	struct file *file = NULL;
	__u32 what, kind;

	bpf_probe_read_kernel(&file, sizeof(file),
			      (void *)p->list + bpf_core_field_offset(struct scm_fp_list, fp) +
				      n * sizeof(file));
	if (!file)
		return 1;
	container = context_of_file(file);
	if (container) {
		what = RS_PASSED_CONTAINER;
		if (is_foreign(container))
			begin_handover(container);
	} else if (BPF_CORE_READ(file, f_inode, i_rdev) == VFIO_RDEV) {
		what = RS_PASSED_CONTAINER;
		container = type1_of_file(file);
	} else if (device_fops && (__u64)BPF_CORE_READ(file, f_op) == device_fops) {
		what = RS_PASSED_DEVICE;
		object = device_of_file(file);
		container = device_container(object, &kind);
	} else {
		return 0;
	}
	if (!wanted(container))
		return 0;
	note_task((void *)bpf_get_current_task(), 0);
	ev = RS_RECORD(RS_EV_PASSED, rs_ev_passed, container);
	if (!ev)
		return 0;
	ev->object = object;
	ev->container = container;
	ev->what = what;
	ev->from = p->from;
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

/* void scm_detach_fds(struct msghdr *msg, struct scm_cookie *scm) */
static __always_inline void enter_scm_detach_fds(__u64 msg, __u64 cookie)
{
	struct scm_cookie *scm = (void *)cookie;
	struct scm_fp_list *list = BPF_CORE_READ(scm, fp);
	struct pid *pid = BPF_CORE_READ(scm, pid);
	__s16 count = BPF_CORE_READ(list, count);
	struct passing p = { .list = list };

	if (count <= 0)
		return;
	/* Its number in the initial pid namespace. */
	if (pid)
		p.from = BPF_CORE_READ(pid, numbers[0].nr);
	bpf_loop(count < SCM_MAX_FD ? count : SCM_MAX_FD, tell_passed, &p, 0);
}

RS_ENTRY(scm_detach_fds, 2)

char LICENSE[] SEC("license") = "GPL";
