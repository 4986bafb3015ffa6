/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The records of a recording that a finding can rest on, in groups
 *
 * A group is what only makes sense together: all records of one request (by its id: pieces, the pages
 * that were looked at later, the record that closes it), or a single record that belongs to none.
 *
 * Each record is held once. What can be said to be of another container, before a group is taken in, is
 * not held; nor is anything that began after the last finding, nor what the flight recorder kept.
 */
#ifndef RS_EXPLAIN_RECORDS_H
#define RS_EXPLAIN_RECORDS_H

#include <jansson.h>
#include "result/result.h"
#include "util/msg.h"

/**
 * struct rs_group_of - a group
 * @first: its first record: index of rs_records.record; the others by rs_held.next
 * @first_ns: the smallest time of its records
 * @container: the kernel object's address, 0 not known
 * @device: likewise
 * @tgid: of its first record
 * @child: FORK: the child's
 * @type: of its last record
 * @nr: how many records
 */
struct rs_group_of {
	size_t first;
	size_t last;
	__u64 first_ns;
	__u64 container;
	__u64 device;
	__u32 tgid;
	__u32 child;
	__u16 type;
	size_t nr;
};

/** struct rs_held - a record; @next: of its group, SIZE_MAX: the last one */
struct rs_held {
	struct rs_event *ev;
	size_t group;
	size_t next;
};

struct rs_request_of;

/**
 * struct rs_records - what was collected, in the source's order
 * @meta: the recording's META, copied
 * @end: its END; NULL: it was cut
 * @all: whatever the container
 * @until_ns: what begins later is left out
 * @key: containers that are wanted
 */
struct rs_records {
	struct rs_held *record;
	size_t nr;
	struct rs_group_of *group;
	size_t nr_groups;
	json_t *meta;
	json_t *end;
	bool all;
	__u64 until_ns;
	__u64 *key;
	size_t nr_keys;
	struct rs_request_of *request; /* by id: its group */
};

/**
 * rs_records_init() - what is wanted for the violated findings of @whole
 * @all: take every container's
 *
 * Return: 0 or -ENOMEM
 */
int rs_records_init(struct rs_records *recs, const struct rs_result *whole, bool all);

/** rs_records_about() - META and END of the recording; copied. @end: may be NULL. Return: 0 or -ENOMEM */
int rs_records_about(struct rs_records *recs, const json_t *meta, const json_t *end);

/** rs_records_add() - take a record, or leave it. Return: 0 or -ENOMEM */
int rs_records_add(struct rs_records *recs, const struct rs_event *ev);

/** rs_records_read() - all of it from a trace file. Return: 0 or -errno with a sentence */
int rs_records_read(struct rs_records *recs, const char *path, struct rs_msg *msg);

/** rs_records_free() - free what was collected */
void rs_records_free(struct rs_records *recs);

#endif /* RS_EXPLAIN_RECORDS_H */
