/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Statistics kept in the kernel, as records
 */
#ifndef RS_CAPTURE_KSTATS_H
#define RS_CAPTURE_KSTATS_H

#include "remapscope/kstat.h"
#include "source/order.h"

/** struct rs_kstats - what earlier programs counted; zero is a valid begin */
struct rs_kstats {
	struct rs_kstat_row *row;
	size_t nr;
	struct rs_kstats_told {
		struct rs_stat_key key;
		__u64 requests;
	} * told; /* what was written last */
	size_t nr_told;
};

/**
 * rs_kstats_keep() - the map is about to go: remember what it counted
 * @rows: the map `stats` of bpf/, RS_KSTAT_ROWS of them
 *
 * Return: 0 or -ENOMEM
 */
int rs_kstats_keep(struct rs_kstats *k, const struct rs_kstat_row *rows);

/**
 * rs_kstats_write() - write rows as RS_EV_STATS records: those in which something was counted since
 * @rows: NULL: nothing counts any more: all that was kept is written
 * @cpu: the recorder's own number; @seq counts its records
 *
 * Return: 0 or -errno
 */
int rs_kstats_write(struct rs_kstats *k, const struct rs_kstat_row *rows, __u16 cpu, __u32 *seq,
		    rs_event_fn fn, void *ctx);

/** rs_kstats_free() - forget all */
void rs_kstats_free(struct rs_kstats *k);

#endif /* RS_CAPTURE_KSTATS_H */
