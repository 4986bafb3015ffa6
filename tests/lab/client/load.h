/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests by several threads; see load.c. */
#ifndef LAB_LOAD_H
#define LAB_LOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lab.h"

#define LOAD_MAX_THREADS 64
#define LOAD_MAX_PINS	 16
#define LOAD_MAX_RW	 (16u << 10)
#define LOAD_FOR_EVER	 UINT64_MAX

/* Iovas from here on are ranges that come and go: copied from and to, but pinned only by their owner. */
#define LOAD_CHURN_IOVA 0x4000000000ull

struct load_pin {
	const struct lab_device *dev;
	uint64_t iova;
	uint32_t npages;
};

/**
 * struct load - one thread's requests at random
 * @times: how many, or LOAD_FOR_EVER
 * @stop: ends it earlier
 * @err: something came back that a correct kernel does not give
 * @pins: what it holds, to give it back
 */
struct load {
	struct lab *lab;
	pthread_t thread;
	uint64_t random;
	uint64_t times;
	const bool *stop;
	int err;
	int npins;
	struct load_pin pins[LOAD_MAX_PINS];
	uint8_t buf[LOAD_MAX_RW];
};

/**
 * struct crew - the threads of one process
 * @stop: makes all of them end after their request
 */
struct crew {
	bool stop;
	unsigned int n;
	struct load load[LOAD_MAX_THREADS];
};

uint64_t load_draw(uint64_t *random, uint64_t below);
int crew_start(struct crew *crew, struct lab *lab, unsigned int threads, uint64_t times,
	       uint64_t seed);
int crew_wait(struct crew *crew);

#endif
