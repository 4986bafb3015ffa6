// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that keeps an edu device busy with DMA and checks every transfer: what a guest's
 * driver does, which knows nothing of the live update of the process that owns the device.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define EDU_DMA_SRC	 0x80
#define EDU_DMA_DST	 0x88
#define EDU_DMA_COUNT	 0x90
#define EDU_DMA_CMD	 0x98
#define EDU_CMD_START	 1
#define EDU_CMD_TO_RAM	 2
#define EDU_BUFFER	 0x40000
#define EDU_MAX_TRANSFER 2048 /* larger ones abort QEMU 7.2 */
#define EDU_MAX_SHIFT	 1024

#define load(p)	    __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

struct busy {
	struct lab_driver *drv;
	const struct lab_mem *mem;
	volatile uint8_t *bar;
	uint8_t *cpu; /* the range's memory as this process sees it */
	uint64_t iova;
	uint64_t off;
	uint64_t size;
	uint64_t seq;
	uint64_t random;
};

static uint64_t draw(struct busy *b, uint64_t below)
{
	b->random = b->random * 6364136223846793005ull + 1442695040888963407ull;
	return (b->random >> 33) % below;
}

static void put_reg(struct busy *b, unsigned int reg, uint64_t val)
{
	*(volatile uint64_t *)(b->bar + reg) = val;
}

static int edu_transfer(struct busy *b, uint64_t src, uint64_t dst, uint64_t len, uint64_t dir)
{
	int64_t until = now_ms() + LAB_TIMEOUT_MS;

	put_reg(b, EDU_DMA_SRC, src);
	put_reg(b, EDU_DMA_DST, dst);
	put_reg(b, EDU_DMA_COUNT, len);
	put_reg(b, EDU_DMA_CMD, EDU_CMD_START | dir);
	while (*(volatile uint64_t *)(b->bar + EDU_DMA_CMD) & EDU_CMD_START) {
		if (now_ms() > until)
			return -ETIMEDOUT;
		nap_ms(1);
	}
	return 0;
}

static void note_bad(struct busy *b, const char *what, uint64_t iova, uint64_t expected,
		     uint64_t got)
{
	if (!load(&b->drv->bad))
		snprintf(b->drv->first_bad, sizeof(b->drv->first_bad),
			 "%s at iova %#llx: expected %016llx, got %016llx", what,
			 (unsigned long long)iova, (unsigned long long)expected,
			 (unsigned long long)got);
	__atomic_fetch_add(&b->drv->bad, 1, __ATOMIC_SEQ_CST);
}

/* Memory to the device from the range's lower half, back into the upper half, and compare. */
static void one_round(struct busy *b)
{
	uint64_t half = b->size / 2 / 8, words, from, to, i, tag;
	uint64_t shift = draw(b, EDU_MAX_SHIFT / 8) * 8;
	uint64_t *in, *out;
	int err;

	words = 1 + draw(b, (half < EDU_MAX_TRANSFER / 8 ? half : EDU_MAX_TRANSFER / 8));
	from = draw(b, half - words + 1) * 8;
	to = (half + draw(b, half - words + 1)) * 8;
	in = (uint64_t *)(b->cpu + from);
	out = (uint64_t *)(b->cpu + to);
	tag = ++b->seq << 32 ^ b->random;
	for (i = 0; i < words; i++) {
		in[i] = tag + i;
		out[i] = ~(tag + i);
	}
	err = edu_transfer(b, b->iova + from, EDU_BUFFER + shift, words * 8, 0);
	if (!err)
		err = edu_transfer(b, EDU_BUFFER + shift, b->iova + to, words * 8, EDU_CMD_TO_RAM);
	if (err)
		note_bad(b, "a transfer that did not end", b->iova + from, 0, 1);
	for (i = 0; i < words && !err; i++) {
		uint64_t got = ((volatile uint64_t *)out)[i];

		if (got != tag + i) {
			note_bad(b, "content", b->iova + to + i * 8, tag + i, got);
			break;
		}
	}
	pattern_fill(b->mem, in, b->off + from, words * 8);
	pattern_fill(b->mem, out, b->off + to, words * 8);
	__atomic_fetch_add(&b->drv->count, 2, __ATOMIC_SEQ_CST);
}

/* Only what it works with stays open, so that a close elsewhere means what it says. */
static void keep_only(const int *fds, int n)
{
	int fd, i;

	for (fd = 3; fd < sysconf(_SC_OPEN_MAX) && fd < 1024; fd++) {
		for (i = 0; i < n && fds[i] != fd; i++)
			;
		if (i == n)
			close(fd);
	}
}

/* One byte of the shared memfd per driver, locked as long as the driver lives. */
static int lock_slot(struct lab *lab, const struct lab_driver *drv, int cmd, struct flock *fl)
{
	memset(fl, 0, sizeof(*fl));
	fl->l_type = F_WRLCK;
	fl->l_whence = SEEK_SET;
	fl->l_start = drv - lab->shared->drivers;
	fl->l_len = 1;
	return fcntl(lab->p.shared_fd, cmd, fl) ? -errno : 0;
}

static bool driver_alive(struct lab *lab, const struct lab_driver *drv)
{
	struct flock fl;

	return !lock_slot(lab, drv, F_GETLK, &fl) && fl.l_type != F_UNLCK;
}

static void driver_main(struct lab *lab, struct busy *b, const int *fds, pid_t parent)
	__attribute__((noreturn));

static void driver_main(struct lab *lab, struct busy *b, const int *fds, pid_t parent)
{
	struct flock fl;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	keep_only(fds, 3);
	if (lock_slot(lab, b->drv, F_SETLK, &fl))
		_exit(1);
	store(&b->drv->pid, getpid());
	while (!load(&b->drv->stop)) {
		if (load(&b->drv->pause)) {
			store(&b->drv->paused, 1);
			nap_ms(1);
			continue;
		}
		store(&b->drv->paused, 0);
		one_round(b);
	}
	store(&b->drv->stopped, 1);
	_exit(0);
}

static struct lab_device *driver_device(struct op *op, const char *alias)
{
	struct lab *lab = op->lab;
	char name[LAB_NAME];
	int i;

	if (alias)
		return lab_device_name(alias, name) ? NULL : lab_find_device(lab, name);
	for (i = 0; i < LAB_MAX_DEVICES; i++) {
		struct lab_device *dev = &lab->p.devices[i];

		if (dev->used && dev->bar && dev->container == lab->p.current)
			return dev;
	}
	return NULL;
}

static struct lab_range *range_of(struct lab *lab, uint32_t container, uint32_t mem)
{
	int i;

	for (i = 0; i < LAB_MAX_RANGES; i++) {
		struct lab_range *r = &lab->shared->ranges[i];

		if (r->used && r->container == container && r->mem == mem)
			return r;
	}
	return NULL;
}

static int wait_for_driver(struct op *op, struct lab_driver *drv)
{
	int64_t until = now_ms() + LAB_TIMEOUT_MS;

	while (!load(&drv->pid)) {
		if (now_ms() > until)
			return op_fail(op, "expected the DMA driver to start, got nothing");
		nap_ms(1);
	}
	return 0;
}

static int dma_start(struct op *op)
{
	struct lab *lab = op->lab;
	struct busy b = { .random = 88172645463325252ull };
	pid_t parent = getpid(), pid;
	const char *name, *alias;
	struct lab_device *dev;
	struct lab_range *r;
	struct lab_mem *mem;
	void *cpu;
	int i, err;

	err = op_name(op, "the name of a memory", &name);
	if (err)
		return err;
	alias = op_word(op);
	err = op_end(op);
	if (err)
		return err;
	mem = lab_find_mem(lab, name);
	dev = driver_device(op, alias);
	if (!mem || mem->anon || !dev || !dev->bar)
		return op_usage(op, "needs a memfd and an edu device");
	r = range_of(lab, dev->container, mem - lab->p.mems);
	if (!r)
		return op_usage(op, "'%s' is not mapped for the device", name);
	for (i = 0; i < LAB_MAX_DRIVERS && lab->shared->drivers[i].active; i++)
		;
	if (i == LAB_MAX_DRIVERS)
		return op_usage(op, "there are too many DMA drivers");
	err = mem_map_rw(mem, &cpu);
	if (err)
		return op_fail(op, "expected to map the memory, got %s", errno_name(-err));

	b.drv = &lab->shared->drivers[i];
	b.mem = mem;
	b.bar = dev->bar;
	b.cpu = (uint8_t *)cpu + r->off;
	b.iova = r->iova;
	b.off = r->off;
	b.size = r->size;
	memset(b.drv, 0, sizeof(*b.drv));
	b.drv->mem = r->mem;
	pid = fork();
	if (!pid)
		driver_main(lab, &b, (int[]){ dev->fd, mem->fd, lab->p.shared_fd }, parent);
	/* The mapping is the driver's alone: here it would be one vaddr more to confuse. */
	mem_unmap_rw(mem, cpu);
	if (pid < 0)
		return op_fail(op, "expected a child, got %s", errno_name(errno));
	b.drv->active = 1;
	err = wait_for_driver(op, b.drv);
	if (!err)
		op_say(op, "driver %d", (int)pid);
	return err;
}

static int dma_check(struct op *op, struct lab_driver *drv)
{
	if (load(&drv->bad))
		return op_fail(op, "expected every transfer to be right, got %llu wrong, first: %s",
			       (unsigned long long)load(&drv->bad), drv->first_bad);
	return 0;
}

static int dma_ran(struct op *op, struct lab_driver *drv, uint64_t min)
{
	int64_t until = now_ms() + LAB_TIMEOUT_MS;
	uint64_t n;
	int err;

	for (;;) {
		n = load(&drv->count) - drv->mark;
		err = dma_check(op, drv);
		if (err)
			return err;
		if (n >= min)
			break;
		if (now_ms() > until || !driver_alive(op->lab, drv))
			return op_fail(op, "expected %llu transfers since the mark, got %llu%s",
				       (unsigned long long)min, (unsigned long long)n,
				       driver_alive(op->lab, drv) ? ""
								  : ", and the driver is gone");
		nap_ms(5);
	}
	op_say(op, "%llu transfers since the mark", (unsigned long long)n);
	return 0;
}

static int dma_stop(struct op *op, struct lab_driver *drv)
{
	int64_t until = now_ms() + LAB_TIMEOUT_MS;
	int status = 0, err;

	store(&drv->stop, 1);
	while (driver_alive(op->lab, drv)) {
		if (now_ms() > until)
			return op_fail(op, "expected the DMA driver to stop, got nothing");
		nap_ms(1);
	}
	drv->active = 0;
	err = dma_check(op, drv);
	if (err)
		return err;
	/* It is not a child of the process that took its device over. */
	if (waitpid(drv->pid, &status, 0) == drv->pid && status)
		return op_fail(op, "expected the DMA driver to end well, got status %#x", status);
	if (!load(&drv->stopped))
		return op_fail(op, "expected the DMA driver to be running, got none");
	if (!load(&drv->count))
		return op_fail(op, "expected transfers, got none");
	op_say(op, "%llu transfers, all right", (unsigned long long)load(&drv->count));
	return 0;
}

/* Asks the drivers of a memory to leave it alone for a while. */
int dma_pause(struct lab *lab, uint32_t mem, bool on)
{
	int64_t until = now_ms() + LAB_TIMEOUT_MS;
	int i;

	for (i = 0; i < LAB_MAX_DRIVERS; i++) {
		struct lab_driver *drv = &lab->shared->drivers[i];

		if (!drv->active || drv->mem != mem)
			continue;
		store(&drv->pause, on);
		while (on && !load(&drv->paused) && driver_alive(lab, drv)) {
			if (now_ms() > until)
				return -ETIMEDOUT;
			nap_ms(1);
		}
	}
	return 0;
}

int op_dma(struct op *op)
{
	struct lab *lab = op->lab;
	uint64_t min = 3;
	const char *what;
	int i, n = 0, err;

	err = op_name(op, "start, mark, ran or stop", &what);
	if (err)
		return err;
	if (!strcmp(what, "start"))
		return dma_start(op);
	if (!strcmp(what, "ran"))
		err = op_key_number(op, "min", &min, NULL);
	else if (strcmp(what, "mark") && strcmp(what, "stop"))
		err = op_usage(op, "is start, mark, ran or stop");
	if (!err)
		err = op_end(op);
	for (i = 0; i < LAB_MAX_DRIVERS && !err; i++) {
		struct lab_driver *drv = &lab->shared->drivers[i];

		if (!drv->active)
			continue;
		n++;
		if (!strcmp(what, "mark"))
			drv->mark = load(&drv->count);
		else if (!strcmp(what, "ran"))
			err = dma_ran(op, drv, min);
		else
			err = dma_stop(op, drv);
	}
	if (err)
		return err;
	return n ? 0 : op_usage(op, "there is no DMA driver");
}
