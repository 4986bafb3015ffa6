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
	bool awake; /* armed: it is recorded */
};

struct synth_proc *synth_proc_of(struct synth *s, __u32 pid);
__u32 synth_users_of(const struct synth *s, __u64 mm);
/* A record of the current process, zero but for its head; NULL when nobody records. */
void *synth_record(struct synth *s, enum rs_event_type type, size_t size);

/* synth_type1.c */
struct synth_container *synth_container_of(struct synth *s, __u64 key);
struct rs_op synth_begin(struct synth *s, const struct synth_container *c);
struct rs_op synth_ended(struct rs_op op, const struct synth_container *c, __s64 ret);
/* One range's state; what is behind it only if @scan. */
void synth_tell_range(struct synth *s, const struct synth_container *c, const struct fake_range *r,
		      const struct rs_op *op, enum rs_range_cause cause, bool scan);

/* synth_guest.c */
void synth_vcpus_told(struct synth *s);
void synth_vcpus_gone(struct synth *s, __u32 pid);

/* synth_iommufd.c */
void synth_iommufd_free(struct synth *s);
/* A process is about to leave its mm by exec: how its vCPUs are is told, if it has areas. */
void synth_areas_left(struct synth *s, __u64 mm);

/* synth_told.c */
void synth_pages(struct synth *s, const struct rs_op *op, enum rs_pages_source source, __u64 device,
		 __u64 iova, __u64 npage, __u64 pfn);
/* The kernel counts what was asked of it, whoever records. */
void synth_count(struct synth *s, __u64 device, __u32 request, bool in_window,
		 const struct rs_paths *paths);
/* Armed: what a process leaves behind that is about to leave its mm. */
void synth_leave(struct synth *s, __u64 mm);

#define RECORD(s, type, st) ((struct st *)synth_record(s, type, sizeof(struct st)))

#endif /* RS_TESTS_SYNTH_INTERNAL_H */
