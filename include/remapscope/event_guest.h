/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Events of a guest: its vCPUs, its interrupts, its devices, and who is passed them
 *
 * Part of remapscope/event.h. They are recorded always, armed too: they are few.
 */
#ifndef REMAPSCOPE_EVENT_GUEST_H
#define REMAPSCOPE_EVENT_GUEST_H

/** enum rs_vcpu_what - why a vCPU was written down */
enum rs_vcpu_what {
	RS_VCPU_FIRST = 1, /* it enters KVM_RUN, for the first time that was seen */
	RS_VCPU_AGAIN = 2, /* ... for the first time since it was told */
	RS_VCPU_TOLD = 3,  /* its process has invalidated a range: how the vCPU is at that moment */
};

#define RS_VCPUF_INSIDE \
	(1U << 0) /* TOLD: it was inside KVM_RUN, and not only to leave it at once */

/**
 * struct rs_ev_vcpu - RS_EV_VCPU, by the process whose vCPU it is
 *
 * Calls of KVM_RUN that the guest does not run in (kvm_run.immediate_exit) do not count.
 *
 * @kvm: struct kvm's address
 * @vcpu: struct kvm_vcpu's address
 * @enter_ns: when it last entered KVM_RUN (kvm_arch_vcpu_ioctl_run()); FIRST, AGAIN: now. 0 not seen
 * @exit_ns: when it last came to its end (vcpu_put()), 0 not seen
 * @runs: how often it was seen to enter
 * @id: kvm_vcpu.vcpu_id
 * @what: &enum rs_vcpu_what
 * @flags: RS_VCPUF_*
 */
struct rs_ev_vcpu {
	struct rs_event h;
	__u64 kvm;
	__u64 vcpu;
	__u64 enter_ns;
	__u64 exit_ns;
	__u64 runs;
	__u32 id;
	__u32 what;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct rs_ev_vm - RS_EV_VM, kvm_destroy_vm() was entered
 *
 * With it go its irqfds. An exec closes the old program's VM, but only after RS_EV_EXEC or, by another
 * task, later.
 *
 * @kvm: struct kvm's address
 */
struct rs_ev_vm {
	struct rs_event h;
	__u64 kvm;
};

/** enum rs_irq_what - what happened to an interrupt */
enum rs_irq_what {
	RS_IRQ_TRIGGER = 1, /* VFIO_DEVICE_SET_IRQS: the vector signals this eventfd from now on */
	RS_IRQ_UNTRIGGER = 2, /* ... no eventfd any more */
	RS_IRQ_IRQFD =
		3, /* KVM_IRQFD: KVM takes the eventfd's signals as interrupts of its guest */
	RS_IRQ_NO_IRQFD = 4, /* KVM_IRQFD with DEASSIGN */
};

/**
 * struct rs_ev_irq - RS_EV_IRQ; a SET_IRQS of several vectors has one for each of them
 * @start_ns: when the call was entered; it returned at &rs_event.ts
 * @object: struct vfio_device's address; of an irqfd struct kvm's
 * @eventfd: struct eventfd_ctx's address: the same eventfd in any process; 0 none, or not known
 * @ret: the function's return value (vfio_pci_set_irqs_ioctl(), kvm_irqfd())
 * @what: &enum rs_irq_what
 * @index: VFIO_PCI_INTX_IRQ_INDEX and its like (uapi linux/vfio.h); of an irqfd its flags
 * @vector: the vector of @index; of an irqfd the gsi
 * @count: how many from @vector on: 1; 0 of an UNTRIGGER: the whole index was disabled
 */
struct rs_ev_irq {
	struct rs_event h;
	__u64 start_ns;
	__u64 object;
	__u64 eventfd;
	__s64 ret;
	__u32 what;
	__u32 index;
	__u32 vector;
	__u32 count;
};

/**
 * struct rs_ev_devop - RS_EV_DEVOP: an ioctl on a device's file: one that looks into it, resets it, or
 *	VFIO_DEVICE_FEATURE
 * @start_ns: when it was entered
 * @device: struct vfio_device's address
 * @container: its container's, 0: it has none
 * @ret: its return value
 * @cmd: the ioctl's number; of VFIO_DEVICE_BIND_IOMMUFD that failed @container is 0
 * @feature: VFIO_DEVICE_FEATURE: vfio_device_feature.flags: which, and GET, SET or PROBE
 * @state: VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE: enum vfio_device_mig_state, as asked for or as returned
 */
struct rs_ev_devop {
	struct rs_event h;
	__u64 start_ns;
	__u64 device;
	__u64 container;
	__s64 ret;
	__u32 cmd;
	__u32 feature;
	__u32 state;
	__u32 reserved;
};

/** enum rs_passed_what - what kind of file was passed */
enum rs_passed_what {
	RS_PASSED_CONTAINER = 1,
	RS_PASSED_GROUP = 2,
	RS_PASSED_DEVICE = 3,
};

/**
 * struct rs_ev_passed - RS_EV_PASSED, by the receiver (scm_detach_fds())
 * @object: the device's (DEVICE) or group's (GROUP) address; CONTAINER: 0
 * @container: the container's, 0: it has none
 * @what: &enum rs_passed_what
 * @from: the sender's tgid, 0: not known
 */
struct rs_ev_passed {
	struct rs_event h;
	__u64 object;
	__u64 container;
	__u32 what;
	__u32 from;
};

/** enum rs_mark_what - moments that QEMU's monitor tells */
enum rs_mark_what {
	RS_MARK_STOP = 1,   /* the guest has stopped */
	RS_MARK_RESUME = 2, /* it runs again */
};

/**
 * struct rs_ev_mark - RS_EV_MARK, made of what is said elsewhere
 * @what: &enum rs_mark_what
 * @witness: which file said it, from 1: a witness tells of one guest
 */
struct rs_ev_mark {
	struct rs_event h;
	__u32 what;
	__u32 witness;
};

RS_ASSERT_SIZE(rs_ev_vcpu, 96);
RS_ASSERT_SIZE(rs_ev_vm, 48);
RS_ASSERT_SIZE(rs_ev_irq, 88);
RS_ASSERT_SIZE(rs_ev_devop, 88);
RS_ASSERT_SIZE(rs_ev_passed, 64);
RS_ASSERT_SIZE(rs_ev_mark, 48);

#endif /* REMAPSCOPE_EVENT_GUEST_H */
