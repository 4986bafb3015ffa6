// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: threads with requests at random on every container, ranges that come and go
 * with pages of them pinned, and children that do the same, exec in the middle of it or are killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "lab.h"
#include "load.h"
#include "../module/rs_testdev.h"

#define PAGE	    4096u
#define CHURN_PAGES 16
#define MAX_MS	    300 /* a child that is killed, or execs, does so within this */

/* How a child ends. */
enum ending {
	ENDS_ALONE,
	ENDS_KILLED,
	ENDS_IN_EXEC,
	NR_ENDINGS,
};

/**
 * struct churn - one thread per container that maps and unmaps
 * @rounds: how often it did
 * @vaddr: memory of @size bytes that the container has mapped elsewhere too
 */
struct churn {
	struct lab *lab;
	pthread_t thread;
	const struct lab_container *c;
	uint64_t vaddr;
	uint64_t random;
	uint64_t rounds;
	const bool *stop;
	int err;
};

struct stress {
	struct op *op;
	struct crew *crew;
	struct churn churn[LAB_MAX_CONTAINERS];
	int nchurns;
	uint64_t random;
	uint64_t children[NR_ENDINGS];
};

/* Pins pages of the range by a device of its container; they are still pinned when it goes. */
static int churn_pin(struct churn *ch, uint64_t iova)
{
	struct lab *lab = ch->lab;
	int i, err = 0;

	for (i = 0; i < LAB_MAX_DEVICES && !err; i++) {
		const struct lab_device *dev = &lab->p.devices[i];
		struct rs_testdev_pin arg = {
			.argsz = sizeof(arg),
			.flags = load_draw(&ch->random, 2) ? RS_TESTDEV_WORKER : 0,
			.npages = 1 + load_draw(&ch->random, 4),
		};

		if (!dev->used || !dev->testdev || lab->p.containers + dev->container != ch->c)
			continue;
		arg.iova = iova + load_draw(&ch->random, CHURN_PAGES - 4) * PAGE;
		err = testdev_pin(lab, dev, &arg);
		if (!err && !load_draw(&ch->random, 3))
			err = testdev_unpin(lab, dev, &arg);
	}
	return err;
}

static void *churn_main(void *arg)
{
	uint32_t flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	struct churn *ch = arg;

	while (!ch->err && !__atomic_load_n(ch->stop, __ATOMIC_RELAXED)) {
		uint64_t size = CHURN_PAGES * PAGE;

		ch->err = lab_map_dma(ch->lab, ch->c, flags, ch->vaddr, LOAD_CHURN_IOVA, size);
		if (!ch->err)
			ch->err = churn_pin(ch, LOAD_CHURN_IOVA);
		usleep(load_draw(&ch->random, 8000));
		if (!ch->err)
			ch->err = lab_unmap_dma(ch->lab, ch->c, 0, LOAD_CHURN_IOVA, &size);
		ch->rounds++;
	}
	return NULL;
}

/* One for every container that has a range of its own which is large enough to be mapped twice. */
static int churn_start(struct stress *s, const bool *stop)
{
	struct lab *lab = s->op->lab;
	int i, err = 0;

	for (i = 0; i < LAB_MAX_RANGES && !err; i++) {
		const struct lab_range *r = &lab->shared->ranges[i];
		struct churn *ch = &s->churn[s->nchurns];
		int k;

		if (!r->used || r->size < CHURN_PAGES * PAGE ||
		    !(r->prot & VFIO_DMA_MAP_FLAG_WRITE))
			continue;
		for (k = 0; k < s->nchurns && s->churn[k].c != lab->p.containers + r->container;
		     k++)
			;
		if (k < s->nchurns)
			continue;
		ch->lab = lab;
		ch->c = lab->p.containers + r->container;
		ch->vaddr = r->vaddr;
		ch->random = s->random + k;
		ch->stop = stop;
		err = -pthread_create(&ch->thread, NULL, churn_main, ch);
		if (!err)
			s->nchurns++;
	}
	return err;
}

static int churn_wait(struct stress *s)
{
	int i, err = 0;

	for (i = 0; i < s->nchurns; i++) {
		pthread_join(s->churn[i].thread, NULL);
		if (!err)
			err = s->churn[i].err;
	}
	return err;
}

static void child_main(struct stress *s, enum ending ending, pid_t parent)
	__attribute__((noreturn));

/* In the child there is only this thread; what the others of the parent held is not its own. */
static void child_main(struct stress *s, enum ending ending, pid_t parent)
{
	struct lab *lab = s->op->lab;
	char burst[80], *argv[] = { (char *)lab->progname, burst, NULL };
	uint64_t times = ending == ENDS_ALONE ? 20 : LOAD_FOR_EVER;
	struct crew *crew;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	crew = malloc(sizeof(*crew));
	if (!crew || crew_start(crew, lab, 2, times, s->random))
		_exit(1);
	if (ending == ENDS_IN_EXEC) {
		usleep(1000 * load_draw(&s->random, MAX_MS));
		snprintf(burst, sizeof(burst), "burst:20:threads=2:seed=%u",
			 (unsigned int)(s->random >> 40));
		lab_exec(lab, argv);
		_exit(1);
	}
	/* The one that is to be killed waits for that here. */
	_exit(crew_wait(crew) ? 1 : 0);
}

static int one_child(struct stress *s, enum ending ending)
{
	pid_t parent = getpid(), pid;
	int status;

	/* Every child does something else. */
	load_draw(&s->random, 1);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		child_main(s, ending, parent);
	if (ending == ENDS_KILLED) {
		usleep(1000 * load_draw(&s->random, MAX_MS));
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (ending == ENDS_KILLED)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : -ECHILD;
	return status ? -ECHILD : 0;
}

static int stress_run(struct stress *s, uint64_t seconds, uint64_t threads, uint64_t seed)
{
	int64_t until = now_ms() + 1000 * seconds;
	struct lab *lab = s->op->lab;
	int i, err, waited;

	s->random = seed;
	err = crew_start(s->crew, lab, threads, LOAD_FOR_EVER, seed);
	if (err)
		return err;
	err = churn_start(s, &s->crew->stop);
	for (i = 0; !err && now_ms() < until; i++) {
		err = one_child(s, i % NR_ENDINGS);
		if (!err)
			s->children[i % NR_ENDINGS]++;
	}
	__atomic_store_n(&s->crew->stop, true, __ATOMIC_RELAXED);
	waited = churn_wait(s);
	err = err ? err : waited;
	waited = crew_wait(s->crew);
	return err ? err : waited;
}

int op_stress(struct op *op)
{
	uint64_t seconds, threads, seed = 1, rounds = 0;
	struct stress s = { .op = op };
	int i, err;

	err = op_number(op, "seconds", &seconds);
	if (!err)
		err = op_number(op, "a number of threads", &threads);
	if (!err)
		err = op_key_number(op, "seed", &seed, NULL);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	if (!threads || threads > LOAD_MAX_THREADS)
		return op_usage(op, "has 1 to %d threads", LOAD_MAX_THREADS);
	s.crew = malloc(sizeof(*s.crew));
	if (!s.crew)
		return -ENOMEM;
	err = stress_run(&s, seconds, threads, seed);
	free(s.crew);
	for (i = 0; i < s.nchurns; i++)
		rounds += s.churn[i].rounds;
	printf("stress seed=%llu threads=%llu churned=%llu ended=%llu killed=%llu exec=%llu\n",
	       (unsigned long long)seed, (unsigned long long)threads, (unsigned long long)rounds,
	       (unsigned long long)s.children[ENDS_ALONE],
	       (unsigned long long)s.children[ENDS_KILLED],
	       (unsigned long long)s.children[ENDS_IN_EXEC]);
	lab_print_totals(op->lab);
	if (err)
		return op_fail(op, "expected it to go on to the end, got %s", errno_name(-err));
	return 0;
}
