// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-client [-v] OPERATION...: does the operations in order. Exit status: 0 all came as expected,
 * 1 one did not (one sentence says which and how), 2 the list makes no sense.
 *
 * Numbers are decimal or 0x, with k, M or G. fail=NAME[/NAME] expects one of these errnos.
 *
 *   container[:NAME][:v1]   open a container (A) and make it current; use:NAME makes one current
 *   iommufd[:NAME][:mm]     open /dev/iommu with an ioas (A), and make that current; mm: the process is
 *                           charged, not the user; ioas[:NAME]: another one of the current one's context
 *   free[:fail=]            destroy the current ioas
 *   bind:DEV[:only][:fail=] open DEV's own file, bind it to the current context, attach it to the ioas
 *   attach:DEV[:fail=], leave:DEV[:fail=]
 *                           attach it to the current ioas instead; detach it
 *   copy:NAME:IOVA:SIZE:TO[:fail=]
 *                           what the ioas NAME has at IOVA, at TO in the current one too
 *   change[:fail=]          IOAS_CHANGE_PROCESS
 *   group:DEV[:fail=]       attach DEV's group and open DEV: a BDF, edu0, rs_testdev.0, testdev0
 *   extension:N             VFIO_CHECK_EXTENSION(VFIO_UPDATE_VADDR) is N
 *   requests:refuse|block|file[:ms=N][:fail=]
 *                           what requests on invalid ranges get (the lab's own kernel), for how long
 *                           they wait at most
 *   detach:DEV              close its device and its group
 *   close[:NAME]            close devices, groups, container
 *   cloexec[:NAME]          the next exec does so (a DMA driver or a child still holds them)
 *   mem:NAME:SIZE[:huge][:anon][:ro][:bar]
 *                           bar: the BAR0 of a device that is open
 *   punch:NAME:OFF:LEN[:other]
 *                           other pages with the same content, or with other content
 *   check:NAME              the content is right
 *   drop:NAME               take this process's mapping of it away
 *   map:NAME:IOVA[:off=][:size=][:ro][:wo][:file][:fail=]
 *                           file: to an ioas, not by a vaddr; a BAR by a dma-buf
 *   inval:all|NAME[:fail=]
 *   remap:all|rev[:touch][:fail=]
 *                           every invalid range, ascending or descending; touch: every page of
 *                           its memory is read before
 *   remap:NAME[:iova=][:size=][:off=][:mem=OTHER][:vaddr=][:priv][:copy][:touch][:fail=]
 *                           copy: private, and every page is written
 *   unmap:all|NAME[:size=][:fail=]
 *   dma:start:NAME[:DEV]    a process keeps an edu busy with the first range of NAME
 *   dma:mark, dma:ran[:min=N], dma:stop
 *                           N (3) transfers came after the mark, all right; transfers count in
 *                           pairs, so that 3 have one pair that began after the mark
 *   exec                    exec itself with the rest of the list
 *   fork{ OPS }             a child does OPS; spawn{ OPS }: not waited for, until `wait`
 *   fork:keep{ OPS }        waits for OPS, the child stays until `wait`
 *   launch{ OPS }           like spawn, by another program: it has nothing of ours but what it is sent
 *   sendfds:PATH[:stay], recvfds:PATH
 *                           hand everything over; stay: wait for the receiver's end
 *   doom:MS                 this process is killed by then, whatever it does
 *   kill, exit:N, sleep:MS, memlock:BYTES, dropcap
 *   touch:PATH, await:PATH  make a file; go on when there is such a file
 *   pin:IOVA:NPAGES[:write][:worker][:forget][:dev=DEV][:fail=]
 *   unpin:IOVA:NPAGES[:worker][:raw][:dev=DEV][:fail=]
 *                           forget: the device does not note the pin; raw: it does not look at
 *                           what it has noted
 *   read:IOVA:LEN[:worker][:any][:dev=DEV][:fail=], write:...
 *                           by the test device; any: whatever the content
 *   inject:WORD[:ARG]...    a line for the test device's module, see module/inject.c
 *   vm:NAME:MEM[:vcpus=N][:spin]
 *                           a virtual machine with that memory, whose vCPUs count in it; they leave the
 *                           guest at each count, or (spin) only when they are made to
 *   run[:NAME], stop[:NAME], destroy[:NAME]
 *                           its vCPUs, or every VM's
 *   ran[:NAME][:min=N]      each vCPU counts N (3) times more, from what it had when it was stopped
 *   irq:DEV[:off]           the device's MSI signals an eventfd
 *   irqfd:DEV[:vm=NAME][:off]
 *                           which is an interrupt of the guest
 *   fire:DEV[:held]         the device gives an interrupt; unless held the guest counts it
 *   came:DEV                the guest has counted all that the device gave
 *   crowd:THREADS:TIMES:IOVA:NPAGES[:worker]
 *                           each thread pins and unpins pages of its own so often
 *   burst:TIMES[:threads=][:seed=]
 *                           requests at random, by every test device, wherever there is a range
 *   stress:SECONDS:THREADS[:seed=]
 *                           that by so many threads, while ranges come and go and children do the
 *                           same, exec or are killed; prints what was asked for
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

/* No operation waits for ever; this ends the ones that the kernel keeps waiting. */
#define LAB_ALARM_S 240

static const struct {
	const char *name;
	int (*run)(struct op *op);
} operations[] = {
	{ "container", op_container },
	{ "use", op_use },
	{ "iommufd", op_iommufd },
	{ "ioas", op_ioas },
	{ "free", op_free },
	{ "copy", op_copy },
	{ "change", op_change },
	{ "group", op_group },
	{ "bind", op_group },
	{ "attach", op_attach },
	{ "leave", op_attach },
	{ "detach", op_detach },
	{ "extension", op_extension },
	{ "requests", op_requests },
	{ "close", op_close },
	{ "cloexec", op_cloexec },
	{ "mem", op_mem },
	{ "punch", op_punch },
	{ "drop", op_drop },
	{ "check", op_check },
	{ "map", op_map },
	{ "inval", op_inval },
	{ "remap", op_remap },
	{ "unmap", op_unmap },
	{ "dma", op_dma },
	{ "exec", op_exec },
	{ "fork{", op_fork },
	{ "fork", op_fork },
	{ "spawn{", op_fork },
	{ "launch{", op_launch },
	{ "wait", op_wait },
	{ "kill", op_kill },
	{ "doom", op_doom },
	{ "exit", op_exit },
	{ "sleep", op_sleep },
	{ "await", op_await },
	{ "touch", op_touch },
	{ "memlock", op_memlock },
	{ "dropcap", op_dropcap },
	{ "sendfds", op_sendfds },
	{ "recvfds", op_recvfds },
	{ "pin", op_pin },
	{ "unpin", op_unpin },
	{ "read", op_read },
	{ "write", op_write },
	{ "inject", op_inject },
	{ "vm", op_vm },
	{ "run", op_vcpus },
	{ "stop", op_vcpus },
	{ "ran", op_vcpus },
	{ "destroy", op_vcpus },
	{ "irq", op_irq },
	{ "irqfd", op_irqfd },
	{ "fire", op_fire },
	{ "came", op_fire },
	{ "burst", op_burst },
	{ "crowd", op_crowd },
	{ "stress", op_stress },
};

#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static int run_one(struct op *op)
{
	size_t i;

	for (i = 0; i < N_OPERATIONS; i++) {
		if (!strcmp(op->tok[0], operations[i].name))
			return operations[i].run(op);
	}
	return op_usage(op, "is no operation");
}

int lab_run(struct lab *lab, char **words, int n)
{
	struct op op;
	int i, err;

	alarm(LAB_ALARM_S);
	for (i = 0; i < n && !lab->leave; i += 1 + op.consumed) {
		err = op_parse(&op, lab, words[i]);
		if (err)
			return err;
		op.rest = words + i + 1;
		op.nrest = n - i - 1;
		err = run_one(&op);
		if (err)
			return err;
	}
	return 0;
}

/* A process's whole list; returns the exit status. */
int lab_main(struct lab *lab, char **words, int n)
{
	struct pollfd pfd = { .fd = lab->p.keep_release, .events = POLLIN };
	int err;

	err = lab_run(lab, words, n);
	if (lab->leave)
		return lab->status;
	if (err)
		return err == -EINVAL ? 2 : 1;
	if (lab->p.keep_release >= 0) {
		if (write(lab->p.keep_done, "", 1) != 1)
			return 1;
		poll(&pfd, 1, LAB_KEEP_MS);
	}
	return 0;
}

static void usage(FILE *out)
{
	size_t i;

	fprintf(out, "usage: lab-client [-v] OPERATION...\noperations:");
	for (i = 0; i < N_OPERATIONS; i++)
		fprintf(out, " %s", operations[i].name);
	fprintf(out, "\n");
}

int main(int argc, char **argv)
{
	struct lab lab = { .progname = argv[0], .peer_fd = -1 };
	int err, i = 1;

	if (i < argc && !strcmp(argv[i], "-v")) {
		lab.verbose = true;
		i++;
	}
	err = lab_state_load(&lab);
	if (err == -ENOENT) {
		if (i == argc) {
			usage(stderr);
			return 2;
		}
		err = lab_state_init(&lab);
	}
	if (err) {
		fprintf(stderr, "lab-client: cannot set up its state: %s\n", errno_name(-err));
		return 1;
	}
	return lab_main(&lab, argv + i, argc - i);
}
