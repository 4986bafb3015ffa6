/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The live source
 *
 * Loads and attaches the BPF programs as the plan says and hands out what they write. When the type1
 * backend is not loaded yet, or goes away, the source waits for it: no container can live without it.
 */
#ifndef RS_CAPTURE_LIVE_H
#define RS_CAPTURE_LIVE_H

#include <jansson.h>
#include "attach/plan.h"
#include "capture/filter.h"
#include "result/result.h"
#include "source/order.h"

struct rs_live;

/**
 * struct rs_live_opts - how to record
 * @no_fentry: use kprobes only
 * @fentry: use fentry also where calls could be missed, rs_machine.switches
 * @debug: libbpf's messages to stderr
 * @wait: begin even if the backend is not loaded yet
 * @mode: what is recorded outside windows
 * @verify: whether pages are compared after a remap
 * @tail_ns: armed: for how long after a window everything is recorded
 * @filter: which containers are recorded; borrowed until rs_live_free()
 * @ring_bytes: size of the ring buffer, a power of two of at least a page; 0: 8 MiB
 */
struct rs_live_opts {
	bool no_fentry;
	bool fentry;
	bool debug;
	bool wait;
	enum rs_mode mode;
	enum rs_verify verify;
	__u64 tail_ns;
	struct rs_filter filter;
	__u32 ring_bytes;
};

/**
 * rs_live_start() - plan, load, attach, and look for containers that are there
 * @fn: called by rs_live_poll() and rs_live_stop() for every record, in the ring's order
 * @out: to be freed with rs_live_free(), which also detaches
 * @msg: one sentence on failure
 *
 * Return: 0; -EPERM, -ENOTSUP, -ENOENT when this machine cannot; other -errno
 */
int rs_live_start(const struct rs_live_opts *opts, rs_event_fn fn, void *ctx, struct rs_live **out,
		  struct rs_msg *msg);

/** rs_live_attached() - false while it waits for the backend */
bool rs_live_attached(const struct rs_live *l);

/** rs_live_attachments() - how often it has been attached */
__u32 rs_live_attachments(const struct rs_live *l);

/** rs_live_meta() - what a trace says of its recording (docs/trace-format.md); the caller's */
json_t *rs_live_meta(const struct rs_live *l);

/** rs_live_fd() - readable when there are records; -1 while it waits */
int rs_live_fd(const struct rs_live *l);

/** rs_live_watch_fd() - readable when a module has come or gone */
int rs_live_watch_fd(const struct rs_live *l);

/**
 * rs_live_poll() - hand out what is there, without waiting; follow the backend's coming and going
 *
 * Return: 0 or -errno
 */
int rs_live_poll(struct rs_live *l);

/** rs_live_lost() - records lost so far */
__u64 rs_live_lost(const struct rs_live *l);

/** rs_live_stop() - detach, then hand out what is left, and the statistics. Return: 0 or -errno */
int rs_live_stop(struct rs_live *l);

/** rs_live_end() - losses and sequence numbers, after rs_live_stop(); the caller's */
json_t *rs_live_end(const struct rs_live *l);

/** rs_live_so_far() - losses until now, as rs_live_end() will have them; the caller's */
json_t *rs_live_so_far(struct rs_live *l);

/** rs_live_free() - NULL is allowed */
void rs_live_free(struct rs_live *l);

#endif /* RS_CAPTURE_LIVE_H */
