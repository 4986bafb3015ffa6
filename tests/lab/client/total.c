// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the processes of a family asked vfio and the test devices for, and what came back. A thread
 * that is killed inside a call has not counted it: the module's counters are the truth.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>

#include "lab.h"

static const char *const calls[LAB_NR_CALLS] = { "pin", "unpin", "read", "write", "map", "unmap" };

#define OTHER -1 /* all that is not named here */

static const int results[LAB_NR_RESULTS] = {
	0, EBUSY, EINVAL, EFAULT, EPERM, ENOMEM, ENODEV, EACCES, E2BIG, ENOENT, EEXIST, OTHER,
};

static const char *result_name(int result)
{
	if (result == OTHER)
		return "other";
	return result ? errno_name(result) : "ok";
}

void lab_count(struct lab *lab, enum lab_call call, int err)
{
	int i = 0;

	while (i < LAB_NR_RESULTS - 1 && results[i] != -err)
		i++;
	__atomic_fetch_add(&lab->shared->totals[call][i], 1, __ATOMIC_RELAXED);
}

/* One line each, key=value, on standard output; what never came is left out. */
void lab_print_totals(struct lab *lab)
{
	int call, i;

	for (call = 0; call < LAB_NR_CALLS; call++) {
		for (i = 0; i < LAB_NR_RESULTS; i++) {
			uint64_t n =
				__atomic_load_n(&lab->shared->totals[call][i], __ATOMIC_RELAXED);

			if (n)
				printf("client op=%s result=%s calls=%llu\n", calls[call],
				       result_name(results[i]), (unsigned long long)n);
		}
	}
	fflush(stdout);
}
