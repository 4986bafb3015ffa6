// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual machines: guests of a few instructions, in a memory that is mapped for DMA too. Each vCPU counts
 * in the guest's memory, and so does each device's interrupt: that is what has to go on after a live update.
 *
 * A VM is its process's own. The next one makes another with the same memory, which has all that a guest has
 * to remember: its vCPUs begin at the same place, and go on counting.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "lab.h"

#define CODE_COUNT   0x1000
#define CODE_SPIN    0x1020
#define CODE_IRQ     0x1100
#define CODE_IRQ_LEN 0x10
#define STACK_TOP    0x8000
#define STACK_LEN    0x100
#define KICK	     SIGUSR1
/* A vCPU that leaves the guest after each count rests as long: there are few processors to share. */
#define REST_MS 1

#define load(p)	    __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

struct vcpu {
	struct lab_vm *vm;
	int fd;
	struct kvm_run *run;
	size_t run_len;
	pthread_t thread;
	bool running;
	bool stop;
	bool stopped;
	int err;
	uint32_t exit_reason;
	uint32_t exits; /* after a count: by this VM, and not by another one with the same memory */
};

struct lab_vm {
	char name[LAB_NAME];
	uint32_t mem;
	bool spin;
	int fd;
	struct lab_guest *guest; /* its memory, as KVM has it */
	uint64_t size;
	int nr;
	struct vcpu vcpu[LAB_MAX_VCPUS];
};

/* 16 bits, real mode; the vCPU's counter is at [bx], and port 0xf4 is ours. */
static const uint8_t code_count[] = {
	0xfb,		  /* sti */
	0x66, 0xff, 0x07, /* inc dword [bx] */
	0xe6, 0xf4,	  /* out 0xf4, al */
	0xeb, 0xf9,	  /* jmp to the inc */
};

static const uint8_t code_spin[] = {
	0xfb,		  /* sti */
	0x66, 0xff, 0x07, /* inc dword [bx] */
	0xeb, 0xfb,	  /* jmp to the inc */
};

/* The address of the counter is put in. */
static const uint8_t code_irq[] = {
	0x66, 0xff, 0x06, 0, 0, /* inc dword [counter] */
	0x50,			/* push ax */
	0xb0, 0x20,		/* mov al, 0x20 */
	0xe6, 0x20,		/* out 0x20, al: end of interrupt */
	0x58,			/* pop ax */
	0xcf,			/* iret */
};

_Static_assert(sizeof(code_irq) <= CODE_IRQ_LEN, "a handler has its place");
_Static_assert(CODE_IRQ + LAB_MAX_IRQS * CODE_IRQ_LEN <= offsetof(struct lab_guest, count),
	       "code ends before the counters begin");
_Static_assert(sizeof(struct lab_guest) <= STACK_TOP - LAB_MAX_VCPUS * STACK_LEN,
	       "the counters end before the stacks begin");

/* A processor begins with the interrupt controller's vectors at 0, and so do the vectors' addresses. */
static void put_code(struct lab_guest *g)
{
	uint8_t *at = (uint8_t *)g;
	uint32_t i;

	memcpy(at + CODE_COUNT, code_count, sizeof(code_count));
	memcpy(at + CODE_SPIN, code_spin, sizeof(code_spin));
	for (i = 0; i < LAB_MAX_IRQS; i++) {
		uint32_t handler = CODE_IRQ + i * CODE_IRQ_LEN;
		uint16_t counter = offsetof(struct lab_guest, irqs) + i * sizeof(g->irqs[0]);

		memcpy(at + handler, code_irq, sizeof(code_irq));
		memcpy(at + handler + 3, &counter, sizeof(counter));
		memcpy(at + (LAB_FIRST_IRQ + i) * 4, &handler, sizeof(handler));
	}
	g->magic = LAB_GUEST_MAGIC;
}

static void on_kick(int sig)
{
	(void)sig;
}

/* KVM has not ended an exit before the next entry: this one ends it and does not run the guest. */
static void end_exit(struct vcpu *v)
{
	store(&v->run->immediate_exit, 1);
	if (!ioctl(v->fd, KVM_RUN, 0) || errno != EINTR)
		v->err = v->err ?: -EPROTO;
}

static void *vcpu_main(void *arg)
{
	struct vcpu *v = arg;

	while (!load(&v->stop)) {
		if (ioctl(v->fd, KVM_RUN, 0)) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			v->err = -errno;
			break;
		}
		if (v->run->exit_reason == KVM_EXIT_IO) {
			__atomic_fetch_add(&v->exits, 1, __ATOMIC_SEQ_CST);
			nap_ms(REST_MS);
		} else if (v->run->exit_reason != KVM_EXIT_INTR) {
			v->exit_reason = v->run->exit_reason;
			v->err = -EPROTO;
			break;
		}
	}
	end_exit(v);
	store(&v->stopped, true);
	return NULL;
}

static struct lab_vm *find_vm(struct lab *lab, const char *name)
{
	int i;

	for (i = 0; i < LAB_MAX_VMS; i++) {
		if (lab->vms[i] && (!name || !strcmp(lab->vms[i]->name, name)))
			return lab->vms[i];
	}
	return NULL;
}

/* NAME, else the first one. */
struct lab_vm *lab_vm_named(struct op *op, const char *name)
{
	struct lab_vm *vm = find_vm(op->lab, name);

	if (!vm)
		op_usage(op, "there is no VM%s%s", name ? " " : "", name ?: "");
	return vm;
}

int lab_vm_fd(const struct lab_vm *vm)
{
	return vm->fd;
}

uint32_t lab_vm_mem(const struct lab_vm *vm)
{
	return vm->mem;
}

static int set_registers(struct lab_vm *vm, int i)
{
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_regs regs = {
		.rip = vm->spin ? CODE_SPIN : CODE_COUNT,
		.rbx = offsetof(struct lab_guest, count) + i * sizeof(vm->guest->count[0]),
		.rsp = STACK_TOP - i * STACK_LEN,
		.rflags = 2,
	};
	int fd = vm->vcpu[i].fd;
	struct kvm_sregs s;

	if (ioctl(fd, KVM_GET_SREGS, &s))
		return -errno;
	s.cs.base = 0;
	s.cs.selector = 0;
	if (ioctl(fd, KVM_SET_SREGS, &s) || ioctl(fd, KVM_SET_REGS, &regs) ||
	    ioctl(fd, KVM_SET_MP_STATE, &mp))
		return -errno;
	return 0;
}

static int add_vcpu(struct lab_vm *vm, int kvm)
{
	struct vcpu *v = &vm->vcpu[vm->nr];
	int len = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (len < 0)
		return -errno;
	v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, vm->nr);
	if (v->fd < 0)
		return -errno;
	vm->nr++;
	v->vm = vm;
	v->run_len = len;
	v->run = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED) {
		v->run = NULL;
		return -errno;
	}
	return set_registers(vm, v - vm->vcpu);
}

static int create(struct lab_vm *vm, struct lab_mem *mem, int vcpus)
{
	struct kvm_userspace_memory_region region = { .memory_size = mem->size };
	int kvm, err = 0;
	void *addr;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return -errno;
	vm->fd = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		err = -errno;
	if (!err)
		err = mem_map_rw(mem, &addr);
	if (err)
		goto out;
	vm->guest = addr;
	vm->size = mem->size;
	if (vm->guest->magic != LAB_GUEST_MAGIC) {
		memset(addr, 0, sizeof(*vm->guest));
		put_code(addr);
	}
	region.userspace_addr = (uintptr_t)addr;
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) ||
	    ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		err = -errno;
	while (!err && vm->nr < vcpus)
		err = add_vcpu(vm, kvm);
out:
	close(kvm);
	return err;
}

static void destroy(struct lab_vm *vm)
{
	for (int i = 0; i < vm->nr; i++) {
		struct vcpu *v = &vm->vcpu[i];

		if (v->run)
			munmap(v->run, v->run_len);
		close(v->fd);
	}
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->guest)
		munmap(vm->guest, vm->size);
	free(vm);
}

int op_vm(struct op *op)
{
	const char *name, *mem_name;
	struct lab *lab = op->lab;
	uint64_t vcpus = 1;
	struct lab_mem *mem;
	struct lab_vm *vm;
	bool spin;
	int i, err;

	err = op_name(op, "a name", &name);
	if (!err)
		err = op_name(op, "the name of a memory", &mem_name);
	if (!err)
		err = op_key_number(op, "vcpus", &vcpus, NULL);
	if (err)
		return err;
	spin = op_flag(op, "spin");
	err = op_end(op);
	if (err)
		return err;
	mem = lab_find_mem(lab, mem_name);
	if (!mem || mem->anon || mem->ro || mem->bar || mem->size < STACK_TOP)
		return op_usage(op, "needs a memfd of %d bytes or more", STACK_TOP);
	if (!vcpus || vcpus > LAB_MAX_VCPUS)
		return op_usage(op, "a VM has 1 to %d vCPUs", LAB_MAX_VCPUS);
	for (i = 0; i < LAB_MAX_VMS && lab->vms[i]; i++)
		;
	if (i == LAB_MAX_VMS || find_vm(lab, name) || strlen(name) >= LAB_NAME)
		return op_usage(op, "there are too many VMs, or the name is too long, or taken");
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	strcpy(vm->name, name);
	vm->mem = mem - lab->p.mems;
	vm->spin = spin;
	vm->fd = -1;
	err = create(vm, mem, vcpus);
	if (err) {
		destroy(vm);
		return op_fail(op, "expected KVM to make a VM, got %s", errno_name(-err));
	}
	lab->vms[i] = vm;
	op_say(op, "fd %d, %d vCPUs", vm->fd, vm->nr);
	return 0;
}

static int vcpu_ok(struct op *op, const struct vcpu *v)
{
	if (!v->err)
		return 0;
	if (v->err == -EPROTO)
		return op_fail(op, "expected vCPU %d to go on, got exit reason %u",
			       (int)(v - v->vm->vcpu), v->exit_reason);
	return op_fail(op, "expected KVM_RUN to succeed, got %s", errno_name(-v->err));
}

static int run_vm(struct op *op, struct lab_vm *vm)
{
	struct sigaction kick = { .sa_handler = on_kick };
	int i, err = 0;

	/* Without SA_RESTART: it is to interrupt the call. */
	sigaction(KICK, &kick, NULL);
	for (i = 0; i < vm->nr && !err; i++) {
		struct vcpu *v = &vm->vcpu[i];

		if (v->running)
			return op_usage(op, "it runs already");
		v->stop = false;
		v->stopped = false;
		v->run->immediate_exit = 0;
		err = -pthread_create(&v->thread, NULL, vcpu_main, v);
		v->running = !err;
	}
	return err ? op_fail(op, "expected a thread, got %s", errno_name(-err)) : 0;
}

static int stop_vm(struct op *op, struct lab_vm *vm)
{
	int i, err = 0;

	/* All of them, then wait: a guest whose vCPUs stop one after the other is stopped as late as the last. */
	for (i = 0; i < vm->nr; i++) {
		if (!vm->vcpu[i].running)
			return op_usage(op, "it does not run");
		store(&vm->vcpu[i].stop, true);
		store(&vm->vcpu[i].run->immediate_exit, 1);
	}
	for (i = 0; i < vm->nr; i++) {
		struct vcpu *v = &vm->vcpu[i];

		while (!load(&v->stopped)) {
			pthread_kill(v->thread, KICK);
			nap_ms(REST_MS);
		}
		pthread_join(v->thread, NULL);
		v->running = false;
		vm->guest->had[i] = load(&vm->guest->count[i]);
		err = err ?: vcpu_ok(op, v);
	}
	return err;
}

/* Each vCPU counts so much further, from what it had when it was last stopped. */
static int ran_vm(struct op *op, struct lab_vm *vm, uint32_t min)
{
	int64_t until = now_ms() + LAB_TIMEOUT_MS;
	uint32_t from, to, exits;
	int i, err;

	for (i = 0; i < vm->nr; i++) {
		struct vcpu *v = &vm->vcpu[i];

		if (!v->running)
			return op_usage(op, "it does not run");
		exits = load(&v->exits);
		from = load(&vm->guest->count[i]);
		if (from < vm->guest->had[i])
			return op_fail(op, "expected vCPU %d to go on from %u, got %u", i,
				       vm->guest->had[i], from);
		while ((to = load(&vm->guest->count[i])) - from < min ||
		       (!vm->spin && load(&v->exits) - exits < min)) {
			err = load(&v->stopped) ? vcpu_ok(op, v) : 0;
			if (err)
				return err;
			if (now_ms() > until)
				return op_fail(op, "expected vCPU %d to count %u times, got %u", i,
					       min, to - from);
			nap_ms(REST_MS);
		}
		op_say(op, "vCPU %d counted from %u to %u", i, from, to);
	}
	return 0;
}

static int destroy_vm(struct op *op, struct lab_vm *vm)
{
	struct lab *lab = op->lab;

	for (int i = 0; i < vm->nr; i++) {
		if (vm->vcpu[i].running)
			return op_usage(op, "it still runs");
	}
	for (int i = 0; i < LAB_MAX_VMS; i++) {
		if (lab->vms[i] == vm)
			lab->vms[i] = NULL;
	}
	destroy(vm);
	return 0;
}

/* run, stop, ran, destroy: of one VM, or of all */
int op_vcpus(struct op *op)
{
	const char *what = op->tok[0], *name;
	struct lab *lab = op->lab;
	uint64_t min = 3;
	int i, n = 0, err;

	err = op_key_number(op, "min", &min, NULL);
	if (err)
		return err;
	name = op_word(op);
	err = op_end(op);
	for (i = 0; i < LAB_MAX_VMS && !err; i++) {
		struct lab_vm *vm = lab->vms[i];

		if (!vm || (name && strcmp(vm->name, name)))
			continue;
		n++;
		if (!strcmp(what, "run"))
			err = run_vm(op, vm);
		else if (!strcmp(what, "stop"))
			err = stop_vm(op, vm);
		else if (!strcmp(what, "ran"))
			err = ran_vm(op, vm, min);
		else
			err = destroy_vm(op, vm);
	}
	if (err)
		return err;
	return n ? 0 : op_usage(op, "there is no such VM");
}
