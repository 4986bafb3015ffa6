/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two halves of the fake kernel share. */
#ifndef RS_TESTS_SYNTH_INTERNAL_H
#define RS_TESTS_SYNTH_INTERNAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "synth.h"

#define MUST(cond)                                                                              \
	do {                                                                                    \
		if (!(cond)) {                                                                  \
			fprintf(stderr, "%s:%d: synth: %s does not hold\n", __FILE__, __LINE__, \
				#cond);                                                         \
			abort();                                                                \
		}                                                                               \
	} while (0)

struct synth_proc {
	__u32 pid;
	__u64 mm;
	bool told; /* the recorder knows it */
	bool exited;
};

struct fake_range {
	__u64 iova, size, vaddr;
	bool invalid;
	bool no_mm;
	__u64 mm; /* charged */
	__u64 locked;
	struct synth_twist backing; /* what was said of it when it got its vaddr */
	__u64 ino, off;
};

struct synth_container {
	__u64 key;
	bool born;		  /* the recorder saw it open */
	struct fake_range *range; /* by iova */
	size_t nr, room;
	__u32 invalid;
};

struct synth_proc *synth_proc_of(struct synth *s, __u32 pid);
__u32 synth_users_of(const struct synth *s, __u64 mm);
/* A record of the current process, zero but for its head; NULL when nobody records. */
void *synth_record(struct synth *s, enum rs_event_type type, size_t size);

#define RECORD(s, type, st) ((struct st *)synth_record(s, type, sizeof(struct st)))

#endif /* RS_TESTS_SYNTH_INTERNAL_H */
