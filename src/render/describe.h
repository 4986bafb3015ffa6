/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that put events into words share. */
#ifndef RS_RENDER_DESCRIBE_H
#define RS_RENDER_DESCRIBE_H

#include "render/render.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/** struct rs_line - a line that is put together; what does not fit is cut off */
struct rs_line {
	char *buf;
	size_t len;
	size_t used;
};

/** rs_line_add() - add text, formatted */
void rs_line_add(struct rs_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** rs_line_size() - add @before and a size */
void rs_line_size(struct rs_line *l, const char *before, __u64 size);

/** rs_line_invalid() - add how many ranges were without a vaddr, when any were */
void rs_line_invalid(struct rs_line *l, const struct rs_op *op);

/** rs_line_take() - a record as we know it: bytes that an older writer did not have are zero */
void rs_line_take(void *to, size_t len, const struct rs_event *ev);

/** rs_plural() - "s" unless it is one */
const char *rs_plural(__u64 n);

/** rs_caller_name() - "MAP_DMA", "a pin" */
const char *rs_caller_name(__u32 caller);

/* Each adds the sentence of one type of record (describe_access.c). */
void rs_describe_request(struct rs_line *l, const struct rs_event *ev);
void rs_describe_wait(struct rs_line *l, const struct rs_event *ev);
void rs_describe_xlate(struct rs_line *l, const struct rs_event *ev);
void rs_describe_iommu(struct rs_line *l, const struct rs_event *ev);
void rs_describe_device(struct rs_line *l, const struct rs_event *ev);
void rs_describe_pages(struct rs_line *l, const struct rs_event *ev);
void rs_describe_verify(struct rs_line *l, const struct rs_event *ev);
void rs_describe_flight(struct rs_line *l, const struct rs_event *ev);
void rs_describe_stats(struct rs_line *l, const struct rs_event *ev);
/* (describe_iommufd.c) */
void rs_describe_ioas(struct rs_line *l, const struct rs_event *ev);
/* Of an attach or detach of a context's device. */
void rs_describe_attach(struct rs_line *l, const struct rs_ev_group *e);
/* What a request had of its ioas. */
void rs_describe_access(struct rs_line *l, const struct rs_ev_request *e);
/* (describe_guest.c) */
void rs_describe_vcpu(struct rs_line *l, const struct rs_event *ev);
void rs_describe_vm(struct rs_line *l, const struct rs_event *ev);
void rs_describe_irq(struct rs_line *l, const struct rs_event *ev);
void rs_describe_devop(struct rs_line *l, const struct rs_event *ev);
void rs_describe_passed(struct rs_line *l, const struct rs_event *ev);
void rs_describe_mark(struct rs_line *l, const struct rs_event *ev);

#endif /* RS_RENDER_DESCRIBE_H */
