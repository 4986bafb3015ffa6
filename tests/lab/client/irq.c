// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's interrupt on its way into a guest: the device signals an eventfd (VFIO_DEVICE_SET_IRQS), KVM takes
 * the signal as an interrupt of its guest (KVM_IRQFD). The eventfd is handed over with the device.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>
#include <linux/vfio.h>

#include "lab.h"

/* edu's registers, see QEMU's docs/specs/edu.rst */
#define EDU_IRQ_RAISE 0x60
#define EDU_IRQ_ACK   0x64

static int op_device(struct op *op, struct lab_device **dev)
{
	char name[LAB_NAME];
	const char *alias;
	int err;

	err = op_name(op, "a device", &alias);
	if (err)
		return err;
	*dev = lab_device_name(alias, name) ? NULL : lab_find_device(op->lab, name);
	if (!*dev || !(*dev)->bar)
		return op_usage(op, "needs an edu that is open");
	return 0;
}

/* Interrupts are numbered as the devices are. */
static unsigned int irq_number(struct lab *lab, const struct lab_device *dev)
{
	return dev - lab->p.devices;
}

/* @fd: -1 takes the trigger away, and the device's message with it. */
static int set_trigger(const struct lab_device *dev, int fd)
{
	char buf[sizeof(struct vfio_irq_set) + sizeof(fd)] = { 0 };
	struct vfio_irq_set *set = (struct vfio_irq_set *)buf;

	set->argsz = sizeof(buf);
	set->index = VFIO_PCI_MSI_IRQ_INDEX;
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER;
	if (fd < 0) {
		set->argsz = sizeof(*set);
		set->flags |= VFIO_IRQ_SET_DATA_NONE;
	} else {
		set->count = 1;
		set->flags |= VFIO_IRQ_SET_DATA_EVENTFD;
		memcpy(set->data, &fd, sizeof(fd));
	}
	return ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
}

int op_irq(struct op *op)
{
	struct lab_device *dev;
	bool off;
	int err;

	err = op_device(op, &dev);
	if (err)
		return err;
	off = op_flag(op, "off");
	err = op_end(op);
	if (err)
		return err;
	if (!off && dev->irq_fd < 0) {
		/* An exec must find it. */
		dev->irq_fd = eventfd(0, EFD_NONBLOCK);
		if (dev->irq_fd < 0)
			return op_fail(op, "expected an eventfd, got %s", errno_name(errno));
	}
	err = set_trigger(dev, off ? -1 : dev->irq_fd);
	if (err)
		return op_fail(op, "expected VFIO_DEVICE_SET_IRQS to succeed, got %s",
			       errno_name(-err));
	op_say(op, "eventfd %d", dev->irq_fd);
	return 0;
}

int op_irqfd(struct op *op)
{
	struct kvm_irqfd arg = { 0 };
	struct lab_device *dev;
	struct lab_vm *vm;
	unsigned int nr;
	int err;

	err = op_device(op, &dev);
	if (err)
		return err;
	vm = lab_vm_named(op, op_key(op, "vm"));
	if (!vm)
		return -EINVAL;
	if (op_flag(op, "off"))
		arg.flags = KVM_IRQFD_FLAG_DEASSIGN;
	err = op_end(op);
	if (err)
		return err;
	nr = irq_number(op->lab, dev);
	if (dev->irq_fd < 0 || nr >= LAB_MAX_IRQS)
		return op_usage(op, "needs one of the first %d devices, with an interrupt",
				LAB_MAX_IRQS);
	arg.fd = dev->irq_fd;
	arg.gsi = LAB_FIRST_IRQ + nr;
	if (ioctl(lab_vm_fd(vm), KVM_IRQFD, &arg))
		return op_fail(op, "expected KVM_IRQFD to succeed, got %s", errno_name(errno));
	dev->irq_mem = lab_vm_mem(vm);
	op_say(op, "interrupt %u", arg.gsi);
	return 0;
}

static uint32_t seen(const struct lab_guest *g, unsigned int nr)
{
	return __atomic_load_n(&g->irqs[nr], __ATOMIC_SEQ_CST);
}

static int wait_for_guest(struct op *op, const struct lab_guest *g, unsigned int nr)
{
	int64_t until = now_ms() + LAB_TIMEOUT_MS;

	while (seen(g, nr) < g->due[nr]) {
		if (now_ms() > until)
			return op_fail(op, "expected the guest to have %u interrupts, got %u",
				       g->due[nr], seen(g, nr));
		nap_ms(1);
	}
	op_say(op, "%u interrupts", seen(g, nr));
	return 0;
}

/* fire:DEV[:held]: the device interrupts, and unless held the guest sees it; came:DEV: it has seen all of them */
int op_fire(struct op *op)
{
	bool fire = !strcmp(op->tok[0], "fire"), held;
	struct lab_device *dev;
	struct lab_guest *g;
	unsigned int nr;
	int err;

	err = op_device(op, &dev);
	if (err)
		return err;
	held = op_flag(op, "held");
	err = op_end(op);
	if (err)
		return err;
	if (dev->irq_fd < 0)
		return op_usage(op, "the device has no interrupt");
	err = mem_map_rw(&op->lab->p.mems[dev->irq_mem], (void **)&g);
	if (err)
		return op_fail(op, "expected to map the memory, got %s", errno_name(-err));
	nr = irq_number(op->lab, dev);
	if (fire) {
		/* From what it has: an emulated processor was seen to take one twice. */
		if (g->due[nr] < seen(g, nr))
			g->due[nr] = seen(g, nr);
		g->due[nr]++;
		*(volatile uint32_t *)((char *)dev->bar + EDU_IRQ_RAISE) = 1;
		*(volatile uint32_t *)((char *)dev->bar + EDU_IRQ_ACK) = 1;
	}
	if (!held)
		err = wait_for_guest(op, g, nr);
	mem_unmap_rw(&op->lab->p.mems[dev->irq_mem], g);
	return err;
}
