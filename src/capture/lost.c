// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "capture/lost.h"
#include "util/array.h"

void rs_lost_off(struct rs_lost_book *b, __u64 now)
{
	if (!b->off_ns)
		b->off_ns = now;
}

void rs_lost_attached(struct rs_lost_book *b, __u64 now)
{
	memset(b->seen, 0, sizeof(b->seen));
	b->looked_ns = now;
	if (b->off_ns) {
		if (!b->offs++)
			b->off_first_ns = b->off_ns;
		b->off_last_ns = now;
		b->off_ns = 0;
	}
}

static int add_missed(struct rs_lost_book *b, const char *function, __u64 count, __u64 now)
{
	struct rs_missed *m = NULL;

	for (size_t i = 0; i < b->nr_missed && !m; i++)
		if (!strcmp(b->missed[i].function, function))
			m = &b->missed[i];
	if (!m) {
		m = rs_grow(b->missed, b->nr_missed, sizeof(*m));
		if (!m)
			return -ENOMEM;
		b->missed = m;
		m += b->nr_missed++;
		*m = (struct rs_missed){ .function = function, .first_ns = b->looked_ns };
	}
	m->count += count;
	m->last_ns = now;
	return 0;
}

int rs_lost_look(struct rs_lost_book *b, const struct rs_programs *p, __u64 now)
{
	__u64 twin = 0;
	int err = 0;

	for (size_t i = 0; i < p->nr && !err; i++) {
		__u64 missed = rs_programs_missed(p, i);

		/* At most so many calls were missed by both; then by the one that is looked at next. */
		if (p->twin[i]) {
			twin = missed;
			continue;
		}
		if (i && p->twin[i - 1] && twin < missed)
			missed = twin;
		if (missed > b->seen[i])
			err = add_missed(b, p->function[i], missed - b->seen[i], now);
		b->seen[i] = missed;
	}
	b->looked_ns = now;
	return err;
}

int rs_lost_keep(struct rs_lost_book *b, int map_fd)
{
	struct rs_lost_key key, *last = NULL;
	struct rs_lost lost;

	while (!bpf_map_get_next_key(map_fd, last, &key)) {
		struct rs_lost_row *grown;

		last = &key;
		if (bpf_map_lookup_elem(map_fd, &key, &lost))
			continue;
		grown = rs_grow(b->row, b->nr_rows, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		b->row = grown;
		b->row[b->nr_rows++] = (struct rs_lost_row){ key, lost };
	}
	return 0;
}

__u64 rs_lost_missed(const struct rs_lost_book *b)
{
	__u64 sum = 0;

	for (size_t i = 0; i < b->nr_missed; i++)
		sum += b->missed[i].count;
	return sum + b->offs;
}

void rs_lost_write(const struct rs_lost_book *b, json_t *end, json_t *loss)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < b->nr_rows; i++) {
		const struct rs_lost_row *r = &b->row[i];

		json_array_append_new(
			rows, json_pack("{s:o,s:i,s:I,s:I,s:I}", "container",
					r->key.container ? json_sprintf("0x%llx", r->key.container)
							 : json_null(),
					"type", r->key.type, "count", (json_int_t)r->lost.count,
					"first_ns", (json_int_t)r->lost.first_ns, "last_ns",
					(json_int_t)r->lost.last_ns));
	}
	json_object_set_new(end, "lost", rows);
	if (b->offs)
		json_array_append_new(loss, json_pack("{s:s,s:I,s:I,s:I}", "kind", "detached",
						      "count", (json_int_t)b->offs, "first_ns",
						      (json_int_t)b->off_first_ns, "last_ns",
						      (json_int_t)b->off_last_ns));
	for (size_t i = 0; i < b->nr_missed; i++) {
		const struct rs_missed *m = &b->missed[i];

		json_array_append_new(loss, json_pack("{s:s,s:s,s:I,s:I,s:I}", "kind", "recursion",
						      "function", m->function, "count",
						      (json_int_t)m->count, "first_ns",
						      (json_int_t)m->first_ns, "last_ns",
						      (json_int_t)m->last_ns));
	}
}

void rs_lost_free(struct rs_lost_book *b)
{
	free(b->row);
	free(b->missed);
	*b = (struct rs_lost_book){ 0 };
}
