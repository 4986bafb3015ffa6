// SPDX-License-Identifier: GPL-2.0-only
/* Requests by several threads: at random, or in step, with counts that are known before. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "lab.h"
#include "load.h"
#include "../module/rs_testdev.h"

#define PAGE	       4096u
#define NOWHERE	       0x7000000000ull /* no range is ever there */
#define MAX_PIN_PAGES  32
#define CORE_MAX_PAGES 512 /* of one vfio_pin_pages(); more is -E2BIG */

uint64_t load_draw(uint64_t *random, uint64_t below)
{
	*random = *random * 6364136223846793005ull + 1442695040888963407ull;
	return (*random >> 33) % below;
}

static uint64_t draw(struct load *l, uint64_t below)
{
	return load_draw(&l->random, below);
}

/* One of the test devices; NULL: there is none. */
static const struct lab_device *draw_device(struct load *l)
{
	const struct lab_device *list[LAB_MAX_DEVICES];
	int i, n = 0;

	for (i = 0; i < LAB_MAX_DEVICES; i++) {
		const struct lab_device *dev = &l->lab->p.devices[i];

		if (dev->used && dev->testdev)
			list[n++] = dev;
	}
	return n ? list[draw(l, n)] : NULL;
}

/* A range of the device's container that stays. */
static const struct lab_range *draw_range(struct load *l, const struct lab_device *dev)
{
	const struct lab_range *list[LAB_MAX_RANGES];
	int i, n = 0;

	for (i = 0; i < LAB_MAX_RANGES; i++) {
		const struct lab_range *r = &l->lab->shared->ranges[i];

		if (r->used && r->container == (uint32_t)dev->container &&
		    r->iova < LOAD_CHURN_IOVA)
			list[n++] = r;
	}
	return n ? list[draw(l, n)] : NULL;
}

/* What a request at random may come back with, whatever else goes on; a list that 0 ends. */
static void expect(struct load *l, const char *what, int err, const int *errs)
{
	while (*errs && -*errs != err)
		errs++;
	if (!err || *errs || l->err)
		return;
	l->err = err;
	fprintf(stderr, "lab-client: a %s at random came back with %s\n", what, errno_name(-err));
}

static void unpin_at(struct load *l, int i)
{
	struct load_pin *p = &l->pins[i];
	struct rs_testdev_pin arg = {
		.argsz = sizeof(arg),
		.flags = draw(l, 4) ? 0 : RS_TESTDEV_WORKER,
		.iova = p->iova,
		.npages = p->npages,
	};

	expect(l, "vfio_unpin_pages", testdev_unpin(l->lab, p->dev, &arg), (const int[]){ 0 });
	*p = l->pins[--l->npins];
}

static void pin_in_range(struct load *l, const struct lab_device *dev, const struct lab_range *r)
{
	uint64_t pages = r->size / PAGE, npages = 1 + draw(l, MAX_PIN_PAGES);
	struct rs_testdev_pin arg = { .argsz = sizeof(arg) };
	int err;

	if (npages > pages)
		npages = pages;
	arg.iova = r->iova + draw(l, pages - npages + 1) * PAGE;
	arg.npages = npages;
	if (!draw(l, 4))
		arg.flags |= RS_TESTDEV_WORKER;
	if (draw(l, 2))
		arg.flags |= RS_TESTDEV_WRITE;
	err = testdev_pin(l->lab, dev, &arg);
	/* It may cross into what lies behind the range: nothing, or a read-only range. */
	expect(l, "vfio_pin_pages", err, (const int[]){ EPERM, EINVAL, 0 });
	if (!err)
		l->pins[l->npins++] = (struct load_pin){ dev, arg.iova, npages };
}

/* A pin of nothing, of too much, where no range is, or only the beginning of which a range holds. */
static void pin_badly(struct load *l, const struct lab_device *dev, const struct lab_range *r)
{
	struct rs_testdev_pin arg = { .argsz = sizeof(arg), .iova = r->iova, .npages = 1 };

	switch (draw(l, 4)) {
	case 0:
		arg.npages = 0;
		break;
	case 1:
		arg.npages = CORE_MAX_PAGES + 1;
		break;
	case 2:
		arg.iova = NOWHERE + draw(l, 1000) * PAGE;
		break;
	default:
		arg.iova = r->iova + r->size - PAGE;
		arg.npages = CORE_MAX_PAGES;
		break;
	}
	if (!draw(l, 4))
		arg.flags |= RS_TESTDEV_WORKER;
	expect(l, "bad vfio_pin_pages", testdev_pin(l->lab, dev, &arg) ?: -EPROTO,
	       (const int[]){ EINVAL, E2BIG, EPERM, 0 });
}

static void copy(struct load *l, const struct lab_device *dev, uint64_t iova, uint64_t len)
{
	struct rs_testdev_rw arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.data = (uintptr_t)l->buf,
		.len = len,
	};

	if (draw(l, 2))
		arg.flags |= RS_TESTDEV_WRITE;
	if (!draw(l, 4))
		arg.flags |= RS_TESTDEV_WORKER;
	/* -EFAULT: in a child, whose mm is another than the range's owner's. */
	expect(l, "vfio_dma_rw", testdev_rw(l->lab, dev, &arg),
	       (const int[]){ EINVAL, EPERM, EFAULT, 0 });
}

static void copy_somewhere(struct load *l, const struct lab_device *dev, const struct lab_range *r)
{
	uint64_t len = 1 + draw(l, LOAD_MAX_RW);

	switch (draw(l, 16)) {
	case 0:
		copy(l, dev, NOWHERE + draw(l, PAGE), len);
		break;
	case 1:
		copy(l, dev, r->iova, 0);
		break;
	case 2:
	case 3:
		copy(l, dev, LOAD_CHURN_IOVA + draw(l, 16) * PAGE, len);
		break;
	default:
		if (len > r->size)
			len = r->size;
		copy(l, dev, r->iova + draw(l, r->size - len + 1), len);
		break;
	}
}

static void one_request(struct load *l)
{
	const struct lab_device *dev = draw_device(l);
	const struct lab_range *r = dev ? draw_range(l, dev) : NULL;

	if (!r) {
		l->err = -ENODEV;
		return;
	}
	switch (draw(l, 10)) {
	case 0:
		pin_badly(l, dev, r);
		break;
	case 1 ... 4:
		if (l->npins == LOAD_MAX_PINS)
			unpin_at(l, draw(l, l->npins));
		pin_in_range(l, dev, r);
		break;
	case 5 ... 6:
		if (l->npins)
			unpin_at(l, draw(l, l->npins));
		break;
	default:
		copy_somewhere(l, dev, r);
		break;
	}
}

static void *load_main(void *arg)
{
	struct load *l = arg;

	while (l->times && !l->err && !__atomic_load_n(l->stop, __ATOMIC_RELAXED)) {
		one_request(l);
		if (l->times != LOAD_FOR_EVER)
			l->times--;
		/* What is recorded has to be written too, by processors that all of this shares. */
		if (!draw(l, 4))
			usleep(draw(l, 4000));
	}
	while (l->npins)
		unpin_at(l, l->npins - 1);
	return NULL;
}

/* Ends the threads that there are, and says what the first one that failed came to. */
int crew_wait(struct crew *crew)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < crew->n; i++) {
		pthread_join(crew->load[i].thread, NULL);
		if (!err)
			err = crew->load[i].err;
	}
	crew->n = 0;
	return err;
}

int crew_start(struct crew *crew, struct lab *lab, unsigned int threads, uint64_t times,
	       uint64_t seed)
{
	int err = 0;

	memset(crew, 0, sizeof(*crew));
	while (crew->n < threads && !err) {
		struct load *l = &crew->load[crew->n];

		l->lab = lab;
		l->stop = &crew->stop;
		l->times = times;
		l->random = seed * 1000003 + crew->n;
		err = -pthread_create(&l->thread, NULL, load_main, l);
		if (!err)
			crew->n++;
	}
	if (err) {
		crew->stop = true;
		crew_wait(crew);
	}
	return err;
}

int op_burst(struct op *op)
{
	uint64_t times, threads = 1, seed = 1;
	struct crew *crew;
	int err;

	err = op_number(op, "a number of requests", &times);
	if (!err)
		err = op_key_number(op, "threads", &threads, NULL);
	if (!err)
		err = op_key_number(op, "seed", &seed, NULL);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	if (!threads || threads > LOAD_MAX_THREADS)
		return op_usage(op, "has 1 to %d threads", LOAD_MAX_THREADS);
	crew = malloc(sizeof(*crew));
	if (!crew)
		return -ENOMEM;
	err = crew_start(crew, op->lab, threads, times, seed);
	if (!err)
		err = crew_wait(crew);
	free(crew);
	if (err)
		return op_fail(op, "expected its requests to come back as they may, got %s",
			       errno_name(-err));
	op_say(op, "%llu requests by each of %llu threads", (unsigned long long)times,
	       (unsigned long long)threads);
	return 0;
}

/* One of a crowd: pins and unpins the same pages, which are no other's. */
struct walker {
	struct lab *lab;
	pthread_t thread;
	const struct lab_device *dev;
	struct rs_testdev_pin arg;
	uint64_t times;
	int err;
};

static void *walk(void *arg)
{
	struct walker *w = arg;
	uint64_t i;

	for (i = 0; i < w->times && !w->err; i++) {
		w->err = testdev_pin(w->lab, w->dev, &w->arg);
		if (!w->err)
			w->err = testdev_unpin(w->lab, w->dev, &w->arg);
	}
	return NULL;
}

static int crowd_run(struct op *op, struct walker *walkers, unsigned int n)
{
	unsigned int i, started;
	int err = 0;

	for (started = 0; started < n && !err; started++)
		err = -pthread_create(&walkers[started].thread, NULL, walk, &walkers[started]);
	if (err)
		started--;
	for (i = 0; i < started; i++) {
		pthread_join(walkers[i].thread, NULL);
		if (!err)
			err = walkers[i].err;
	}
	if (err)
		return op_fail(op, "expected every pin and unpin to succeed, got %s",
			       errno_name(-err));
	return 0;
}

/* The threads take the test devices of the current container in turn. */
int op_crowd(struct op *op)
{
	const struct lab_device *devs[LAB_MAX_DEVICES];
	struct walker walkers[LOAD_MAX_THREADS] = { 0 };
	uint64_t threads, times, iova, npages, i;
	struct lab *lab = op->lab;
	uint64_t ndevs = 0;
	uint32_t flags;
	int err;

	err = op_number(op, "a number of threads", &threads);
	if (!err)
		err = op_number(op, "a number of times", &times);
	if (!err)
		err = op_number(op, "an iova", &iova);
	if (!err)
		err = op_number(op, "a number of pages", &npages);
	if (err)
		return err;
	flags = op_flag(op, "worker") ? RS_TESTDEV_WORKER : 0;
	err = op_end(op);
	if (err)
		return err;
	for (i = 0; i < LAB_MAX_DEVICES; i++) {
		const struct lab_device *dev = &lab->p.devices[i];

		if (dev->used && dev->testdev && dev->container == lab->p.current)
			devs[ndevs++] = dev;
	}
	if (!ndevs || !threads || threads > LOAD_MAX_THREADS || !npages || npages > CORE_MAX_PAGES)
		return op_usage(op, "needs a test device, threads, and pages");
	for (i = 0; i < threads; i++) {
		struct walker *w = &walkers[i];

		w->lab = lab;
		w->dev = devs[i % ndevs];
		w->times = times;
		w->arg.argsz = sizeof(w->arg);
		w->arg.flags = flags;
		w->arg.iova = iova + i * npages * PAGE;
		w->arg.npages = npages;
	}
	return crowd_run(op, walkers, threads);
}
