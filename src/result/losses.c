// SPDX-License-Identifier: GPL-2.0-only
/* What is missing from a recording: when it went missing, of which containers, and what it may have been. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "result/build.h"

/* A record's time is taken a moment before or after that of its being lost. */
#define SLOP_NS 1000000ULL

/* All that a request writes: what is left of one that was not seen whole. */
#define REQUESTS (RS_TYPES_ANY & ~(RS_TYPES_PROCESS | RS_TYPE(STATS) | RS_TYPE(FLIGHT) | GUESTS))

/* What tells of guests is no part of any request. */
#define GUESTS                                                                           \
	(RS_TYPE(VCPU) | RS_TYPE(VM) | RS_TYPE(IRQ) | RS_TYPE(DEVOP) | RS_TYPE(PASSED) | \
	 RS_TYPE(MARK))

/*
 * The least that there is of a container with a range: one that was there before, a snapshot and the range in it; one
 * that is opened, three calls: to open it, to attach a group, to map. One call can be the snapshot's.
 */
#define RECORDS_OF_A_CONTAINER 2
#define CALLS_OF_A_CONTAINER   3

static const struct {
	const char *kind; /* as in the trace's END */
	const char *what;
	__u32 types;
	__u32 hides;
} kinds[] = {
	{ "context", "requests for which the kernel had no task storage", REQUESTS, 1 },
	{ "depth", "requests whose begin or end was missed", REQUESTS, CALLS_OF_A_CONTAINER },
	/* The walk's snapshot, map or unmap is there. */
	{ "walk", "walks over a container's ranges that ended early",
	  RS_TYPE(RANGE) | RS_TYPE(BACKING) | RS_TYPE(SNAPSHOT), 0 },
	{ "owners", "processes or containers beyond what the recorder can hold", RS_TYPES_ANY, 1 },
	{ "recursion", "calls of a hook that the kernel skipped", RS_TYPES_ANY,
	  CALLS_OF_A_CONTAINER },
	{ "detached", "times in which nothing was attached, since a module came or went",
	  RS_TYPES_ANY, 1 },
	{ "statistics", "requests beyond what the recorder can count by device and path",
	  RS_TYPE(STATS), 0 },
};

/*
 * Hooks of which a skipped call leaves no trace but its own. Of all others the task's stack of requests is
 * wrong after it, and with it what comes next.
 */
static const struct {
	const char *function;
	__u32 types;
} leaves[] = {
	{ "sched_process_fork", RS_TYPE(FORK) },
	{ "sched_process_exec", RS_TYPE(EXEC) },
	{ "sched_process_exit", RS_TYPE(EXIT) },
	{ "vfio_remove_dma", RS_TYPE(REMOVE) },
	{ "iommu_map", RS_TYPE(IOMMU) | RS_TYPE(PAGES) | RS_TYPE(MAP) | RS_TYPE(ATTACH) },
	{ "iommu_unmap", RS_TYPE(IOMMU) | RS_TYPE(UNMAP) | RS_TYPE(DETACH) },
	{ "kvm_arch_vcpu_ioctl_run", RS_TYPE(VCPU) },
	{ "vcpu_put", RS_TYPE(VCPU) },
	{ "kvm_destroy_vm", RS_TYPE(VM) | RS_TYPE(VCPU) },
	{ "kvm_irqfd", RS_TYPE(IRQ) },
	{ "vfio_pci_set_irqs_ioctl", RS_TYPE(IRQ) | RS_TYPE(DEVICE) },
	{ "vfio_device_fops_unl_ioctl", RS_TYPE(DEVOP) | RS_TYPE(DEVICE) | RS_TYPE(PROC) },
	{ "scm_detach_fds", RS_TYPE(PASSED) | RS_TYPE(PROC) },
	{ "iommu_unmap_fast", RS_TYPE(IOMMU) | RS_TYPE(UNMAP) | RS_TYPE(DETACH) },
};

static __u32 types_of_function(const char *function)
{
	for (size_t i = 0; function && i < sizeof(leaves) / sizeof(leaves[0]); i++)
		if (!strcmp(leaves[i].function, function))
			return leaves[i].types;
	return REQUESTS;
}

/* A loss of @count, between these times as far as the recording goes; without parts yet. */
static struct rs_loss_view *add_loss(struct rs_result *r, const char *what, __u64 count, __u64 from,
				     __u64 to)
{
	struct rs_loss_view *v = rs_grow(r->loss, r->nr_losses, sizeof(*v));

	if (!v)
		return NULL;
	r->loss = v;
	v += r->nr_losses++;
	*v = (struct rs_loss_view){
		.any_cpu = true,
		.hides = RECORDS_OF_A_CONTAINER,
		.count = count,
		.from_ns = from > r->first_ns ? from : r->first_ns,
		.to_ns = to,
	};
	snprintf(v->what, sizeof(v->what), "%s", what);
	return v;
}

static int add_part(struct rs_loss_view *v, struct rs_loss_part part)
{
	struct rs_loss_part *grown = rs_grow(v->part, v->nr_parts, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	v->part = grown;
	v->part[v->nr_parts++] = part;
	return 0;
}

/* A loss that is one part: of that container (0: any), of records of these types. */
static int add_plain(struct rs_result *r, const char *what, __u64 count, __u64 from, __u64 to,
		     __u32 container, __u32 types)
{
	struct rs_loss_view *v = add_loss(r, what, count, from, to);

	if (!v)
		return -ENOMEM;
	return add_part(v, (struct rs_loss_part){ .container = container,
						  .types = types,
						  .from_ns = v->from_ns,
						  .to_ns = v->to_ns });
}

static __u64 number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static int add_counted(struct rs_result *r, const json_t *o)
{
	const char *kind = json_string_value(json_object_get(o, "kind"));
	const char *function = json_string_value(json_object_get(o, "function"));
	const char *what = "losses of a kind that this version does not know";
	__u32 types = RS_TYPES_ANY, hides = 1;
	char text[96];
	int err;

	/* Full rings show as holes in the sequence numbers, which say when. */
	if (kind && !strcmp(kind, "ring"))
		return 0;
	for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].kind, kind))
			continue;
		what = kinds[i].what;
		types = kinds[i].types;
		hides = kinds[i].hides;
	}
	if (function) {
		types = types_of_function(function);
		snprintf(text, sizeof(text), "calls of %.60s that the kernel skipped", function);
		what = text;
	}
	err = add_plain(r, what, number(o, "count"), number(o, "first_ns"), number(o, "last_ns"), 0,
			types);
	if (!err)
		r->loss[r->nr_losses - 1].hides = hides;
	if (!err && json_object_get(o, "cpu")) {
		r->loss[r->nr_losses - 1].any_cpu = false;
		r->loss[r->nr_losses - 1].cpu = number(o, "cpu");
	}
	return err;
}

/* Does END say of each record that found no room whose it was? */
static bool has_book(const struct rs_build *b)
{
	const json_t *o, *book = json_object_get(b->end, "lost");
	__u64 told = 0, lost = 0;
	size_t i;

	json_array_foreach(json_object_get(b->end, "loss"), i, o) {
		const char *kind = json_string_value(json_object_get(o, "kind"));

		if (kind && !strcmp(kind, "ring"))
			lost += number(o, "count");
	}
	json_array_foreach(book, i, o)
		told += number(o, "count");
	return json_is_array(book) && told >= lost;
}

/* The containers that had that address meanwhile; one that nobody saw, if there was none. */
static int add_owners(const struct rs_result *r, struct rs_loss_view *v, __u64 key,
		      struct rs_loss_part part)
{
	int err = 0;

	part.unseen = true;
	for (size_t i = 0; i < r->nr_containers && !err; i++) {
		const struct rs_container_view *c = &r->container[i];

		if (c->key != key || (c->released_ns && c->released_ns + SLOP_NS < part.from_ns))
			continue;
		part.unseen = false;
		part.container = c->id;
		err = add_part(v, part);
	}
	return err || !part.unseen ? err : add_part(v, part);
}

static int add_hole(const struct rs_build *b, struct rs_result *r, const struct rs_hole *h,
		    bool book)
{
	struct rs_loss_view *v = add_loss(r, "records that found no room in the ring buffer",
					  h->count, h->from_ns, h->to_ns ? h->to_ns : r->last_ns);
	struct rs_loss_part part;
	const json_t *row;
	int err = 0;
	size_t i;

	if (!v)
		return -ENOMEM;
	v->any_cpu = false;
	v->cpu = h->cpu;
	json_array_foreach(json_object_get(b->end, "lost"), i, row) {
		__u64 first = number(row, "first_ns"), last = number(row, "last_ns") + SLOP_NS;
		const char *key = json_string_value(json_object_get(row, "container"));
		json_int_t type = number(row, "type");

		first -= first > SLOP_NS ? SLOP_NS : first;
		if (err || !book || first > v->to_ns || last < v->from_ns)
			continue;
		part = (struct rs_loss_part){
			.types = type > 0 && type < 32 ? 1U << type : RS_TYPES_ANY,
			.from_ns = first > v->from_ns ? first : v->from_ns,
			.to_ns = last < v->to_ns ? last : v->to_ns,
		};
		err = key ? add_owners(r, v, strtoull(key, NULL, 16), part) : add_part(v, part);
	}
	if (err || v->nr_parts)
		return err;
	return add_part(v, (struct rs_loss_part){ .types = RS_TYPES_ANY,
						  .from_ns = v->from_ns,
						  .to_ns = v->to_ns });
}

/* Requests without a record, in all, and those of which the record is known to be lost. */
static void unrecorded(const struct rs_build *b, __u64 *missing, __u64 *lost)
{
	const struct rs_hole *hole;
	size_t nr = rs_order_holes(b->order, &hole);

	*missing = *lost = 0;
	for (size_t i = 0; i < b->model->nr_gaps; i++)
		if (b->model->gap[i].kind == RS_GAP_UNRECORDED)
			*missing += b->model->gap[i].count;
	for (size_t i = 0; i < nr; i++)
		*lost += hole[i].count;
}

static int add_gap(const struct rs_build *b, struct rs_result *r, const struct rs_gap *g)
{
	static const char *const what[] = {
		[RS_GAP_UNREAD] = "records of a kind that this version does not know",
		[RS_GAP_PARTS] = "requests of which parts are missing",
		[RS_GAP_UNSEEN] = "ranges that lost their vaddr before the recording",
		[RS_GAP_UNRECORDED] = "requests that were counted but not recorded",
	};
	__u64 count = g->count, missing, lost;

	/* Left out of an excerpt is not lost. */
	if (r->excerpt.of && g->kind != RS_GAP_UNREAD)
		return 0;
	if (g->kind == RS_GAP_UNRECORDED) {
		unrecorded(b, &missing, &lost);
		if (b->incomplete || missing <= lost)
			return 0;
		/* Which of them the known losses were nobody knows. */
		count = count > lost ? count - lost : 1;
	}
	return add_plain(r, what[g->kind], count, g->from_ns, g->to_ns, g->container, g->types);
}

/*
 * A cut file lacks what came after it, and what was on its way: drivers' requests are longer on theirs than the rest.
 * When armed it lacks what had been counted, too.
 */
static int add_end(const struct rs_build *b, struct rs_result *r)
{
	const __u32 slow = RS_TYPE(REQUEST) | RS_TYPE(FLIGHT);
	__u64 last = b->model->last_ns;
	struct rs_loss_part part = { .types = slow, .to_ns = UINT64_MAX };
	int err;

	part.from_ns = last > RS_ORDER_NS ? last - RS_ORDER_NS : 0;
	err = add_plain(r, "the end of the recording", 0, rs_order_began(b->order), UINT64_MAX, 0,
			RS_TYPES_ANY & ~slow);
	if (!err)
		err = add_part(&r->loss[r->nr_losses - 1], part);
	part.types = RS_TYPE(STATS);
	part.from_ns = r->first_ns;
	if (!err && b->model->mode == RS_MODE_ARMED)
		err = add_part(&r->loss[r->nr_losses - 1], part);
	return err;
}

int rs_build_losses(const struct rs_build *b, struct rs_result *r)
{
	const struct rs_hole *hole;
	size_t nr = rs_order_holes(b->order, &hole), i;
	bool book = has_book(b);
	struct rs_hole late, stepped;
	const json_t *o;
	int err = 0;

	for (i = 0; i < nr && !err; i++)
		if (hole[i].count)
			err = add_hole(b, r, &hole[i], book);
	json_array_foreach(json_object_get(b->end, "loss"), i, o) {
		if (!err)
			err = add_counted(r, o);
	}
	rs_order_late(b->order, &late);
	if (!err && late.count)
		err = add_plain(r, "records that came too late to be put in order", late.count,
				late.from_ns, late.to_ns, 0, RS_TYPES_ANY);
	rs_order_stepped(b->order, &stepped);
	/* Where it went back shows only now and then: nothing can be told by time. */
	if (!err && stepped.count)
		err = add_plain(r, "records of before one that had come already: a clock went back",
				stepped.count, r->first_ns, r->last_ns, 0, RS_TYPES_ANY);
	for (i = 0; i < b->model->nr_gaps && !err; i++)
		err = add_gap(b, r, &b->model->gap[i]);
	return err || !b->incomplete ? err : add_end(b, r);
}
