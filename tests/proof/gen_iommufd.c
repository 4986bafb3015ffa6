// SPDX-License-Identifier: GPL-2.0-only
/* A host with iommufd contexts, which are handed over, with at most one thing that goes wrong in the last of it. */
#include <errno.h>
#include "synth_internal.h"
#include "synth_iommufd.h"
#include "gen.h"

#define IO_CONTEXTS 2
#define IO_IOAS	    2
#define IO_AREAS    3
#define IO_VM	    0xffff888700000000ULL
#define IO_DEVICE   0xffff888600000000ULL

struct io_ctx {
	__u64 key;
	__u32 ioas[IO_IOAS];
	int nr_ioas;
	int areas; /* in each of its ioas, from iova 0 on, a MiB each */
};

struct io_host {
	struct synth *s;
	struct proof_rng r;
	__u32 pid, next_pid;
	struct io_ctx x[IO_CONTEXTS];
	int nr;
	int vcpus; /* 0: nobody sees a guest */
	__u64 vm;
	enum rs_verdict want;
	const struct io_ctx *hit;
	__u64 hit_iova;
	bool over; /* something went wrong that is not mended, or the recording is to end here */
};

/* What goes wrong. The names are told. */
enum io_story {
	IO_RIGHT,
	IO_FORGOTTEN,
	IO_LATE,
	IO_REFUSED,
	IO_TOO_LONG,
	IO_OLD_RUNS,
	IO_OPEN_END,
	IO_VADDR,
	IO_CHARGE_STAYS,
	IO_CHARGE_UNTOLD,
	IO_STORIES
};

static const struct {
	const char *name, *rule;
} stories[] = {
	[IO_RIGHT] = { "contexts handed over", NULL },
	[IO_FORGOTTEN] = { "no CHANGE_PROCESS", "iommufd-handover" },
	[IO_LATE] = { "CHANGE_PROCESS too late", "iommufd-handover" },
	[IO_REFUSED] = { "CHANGE_PROCESS refused for good", "iommufd-handover" },
	[IO_TOO_LONG] = { "no owner for long", "iommufd-handover" },
	[IO_OLD_RUNS] = { "the old owner's guest runs", "iommufd-handover" },
	[IO_OPEN_END] = { "the recording ends without an owner", "iommufd-handover" },
	[IO_VADDR] = { "an area is known by vaddr at exec", "all-before-exec" },
	[IO_CHARGE_STAYS] = { "the old owner stays charged", "locked-conserved" },
	[IO_CHARGE_UNTOLD] = { "more mms are charged than are told", "locked-conserved" },
};

size_t proof_nr_io_stories(void)
{
	return IO_STORIES;
}

static void guest(struct io_host *h, bool run)
{
	for (int i = 0; i < h->vcpus; i++) {
		if (run)
			synth_vcpu_run(h->s, h->vm, i);
		else
			synth_vcpu_stop(h->s, h->vm, i);
		synth_wait(h->s, proof_below(&h->r, MS));
	}
}

static void map(struct io_host *h, struct io_ctx *x, bool file)
{
	for (int k = 0; k < x->nr_ioas; k++) {
		if (file)
			synth_ioas_map_file(h->s, x->key, x->ioas[k], x->areas * MIB, MIB,
					    100 + x->areas, 0);
		else
			synth_ioas_map(h->s, x->key, x->ioas[k], x->areas * MIB, MIB);
	}
	x->areas++;
}

static void unmap(struct io_host *h, struct io_ctx *x)
{
	x->areas--;
	for (int k = 0; k < x->nr_ioas; k++)
		synth_ioas_unmap(h->s, x->key, x->ioas[k], x->areas * MIB);
}

static void open_all(struct io_host *h, bool charged)
{
	static const enum rs_account accounts[] = { RS_ACCOUNT_USER, RS_ACCOUNT_MM,
						    RS_ACCOUNT_NONE };

	h->nr = 1 + proof_below(&h->r, IO_CONTEXTS);
	for (int i = 0; i < h->nr; i++) {
		struct io_ctx *x = &h->x[i];

		x->key = synth_iommufd(h->s);
		synth_ioas_account(h->s, accounts[proof_below(&h->r, charged ? 2 : 3)]);
		x->nr_ioas = 1 + proof_below(&h->r, IO_IOAS);
		for (int k = 0; k < x->nr_ioas; k++) {
			x->ioas[k] = synth_ioas(h->s, x->key);
			synth_ioas_attach(h->s, x->key, x->ioas[k],
					  IO_DEVICE + 0x1000 * (i * IO_IOAS + k),
					  !charged && proof_chance(&h->r, 30));
		}
		for (int n = 1 + proof_below(&h->r, IO_AREAS); n > 0; n--)
			map(h, x, true);
	}
}

static void violated(struct io_host *h, const struct io_ctx *x)
{
	h->want = RS_VIOLATED;
	h->hit = x;
	h->over = true;
}

/* What the new owner does before its guest may run; each as good as the other. */
static void take_over(struct io_host *h, struct io_ctx *x, __u32 old)
{
	unsigned int way = proof_below(&h->r, 10);

	/* A machine that sleeps meanwhile (damage.c) is not to make it a minute. */
	if (way == 0)
		synth_wait(h->s, 50 * SEC / h->nr);
	if (way == 1 || way == 2) {
		h->s->twist.ret = way == 1 ? -ENOMEM : -EBUSY;
		synth_change_process(h->s, x->key);
	}
	if (way == 3) {
		while (x->areas)
			unmap(h, x);
		return;
	}
	synth_change_process(h->s, x->key);
	if (way == 4)
		synth_change_process(h->s, x->key);
	/* It goes back, and is fetched again. */
	if (way == 5 && old) {
		synth_as(h->s, old);
		synth_change_process(h->s, x->key);
		synth_as(h->s, h->pid);
		synth_change_process(h->s, x->key);
	}
}

/* The old owner's, for a moment, when it has nothing any more. */
static void old_runs(struct io_host *h, __u32 old, __u64 old_vm)
{
	__u32 pid = h->pid;
	__u64 vm = h->vm;

	synth_as(h->s, old);
	h->vm = old_vm;
	guest(h, true);
	guest(h, false);
	h->vm = vm;
	synth_as(h->s, pid);
}

/* Its guest runs, or it is seen to use the context. */
static void go_on(struct io_host *h, struct io_ctx *x)
{
	if (h->vcpus)
		guest(h, true);
	else if (x->areas < GEN_RANGES)
		map(h, x, true);
}

static void go_wrong(struct io_host *h, struct io_ctx *x, enum io_story story)
{
	switch (story) {
	case IO_REFUSED:
		h->s->twist.ret = -ENOMEM;
		synth_change_process(h->s, x->key);
		break;
	case IO_TOO_LONG:
		synth_wait(h->s, 61 * SEC);
		break;
	case IO_OPEN_END:
		h->want = RS_UNKNOWN;
		h->over = true;
		return;
	default:
		break;
	}
	violated(h, x);
	go_on(h, x);
	if (story == IO_LATE || story == IO_TOO_LONG)
		synth_change_process(h->s, x->key);
}

/* An update of the host's process: by exec, or by passing all to another one. */
static void update(struct io_host *h, enum io_story story)
{
	struct io_ctx *wrong = story == IO_RIGHT ? NULL : &h->x[proof_below(&h->r, h->nr)];
	bool exec = story == IO_VADDR || (story != IO_OLD_RUNS && proof_chance(&h->r, 50));
	bool leaves = !exec && (story == IO_TOO_LONG || story == IO_OPEN_END ||
				(story != IO_OLD_RUNS && proof_chance(&h->r, 40)));
	__u32 old = h->pid;
	__u64 old_vm = h->vm;

	guest(h, false);
	if (story == IO_VADDR)
		map(h, wrong, false);
	/* By that its vCPUs are told, so that they are seen again. */
	for (int i = 0; i < h->nr; i++)
		if (story == IO_OLD_RUNS || proof_chance(&h->r, 50))
			synth_change_process(h->s, h->x[i].key);
	if (exec) {
		synth_exec(h->s);
	} else {
		h->pid = h->next_pid++;
		synth_as(h->s, h->pid);
		for (int i = 0; i < h->nr; i++)
			synth_passed(h->s, h->x[i].key, RS_PASSED_CONTAINER, 0, old);
		/* Else nobody has left, and what is forgotten shows by a guest alone. */
		if (leaves || (story != IO_RIGHT && !h->vcpus && story != IO_OLD_RUNS)) {
			synth_as(h->s, old);
			synth_exit(h->s, 0);
			synth_as(h->s, h->pid);
			leaves = true;
		}
	}
	h->vm += 0x100000;
	synth_wait(h->s, proof_below(&h->r, SEC));
	for (int i = 0; i < h->nr; i++)
		if (&h->x[i] != wrong)
			take_over(h, &h->x[i], exec || leaves ? 0 : old);
	if (story == IO_VADDR) {
		/* The container lives on, and then all is well again. */
		unmap(h, wrong);
		synth_change_process(h->s, wrong->key);
		h->want = RS_VIOLATED;
		h->hit = wrong;
		h->hit_iova = wrong->areas * MIB;
	} else if (story == IO_CHARGE_STAYS || story == IO_CHARGE_UNTOLD) {
		h->s->twist.no_refund = story == IO_CHARGE_STAYS;
		h->s->twist.third_mm = story == IO_CHARGE_UNTOLD;
		synth_change_process(h->s, wrong->key);
		h->want = story == IO_CHARGE_STAYS ? RS_VIOLATED : RS_UNKNOWN;
		h->hit = wrong;
	} else if (story == IO_OLD_RUNS) {
		synth_change_process(h->s, wrong->key);
		violated(h, wrong);
		old_runs(h, old, old_vm);
	} else if (wrong) {
		go_wrong(h, wrong, story);
	}
	if (h->over)
		return;
	guest(h, true);
	if (!exec && !leaves && proof_chance(&h->r, 60)) {
		synth_as(h->s, old);
		synth_exit(h->s, 0);
		synth_as(h->s, h->pid);
	}
}

/* It asks whether it could, and goes on. */
static void think_better(struct io_host *h)
{
	struct io_ctx *x = &h->x[proof_below(&h->r, h->nr)];
	bool known_by_vaddr = proof_chance(&h->r, 30);

	guest(h, false);
	if (known_by_vaddr)
		map(h, x, false);
	synth_change_process(h->s, x->key);
	guest(h, true);
	if (known_by_vaddr)
		unmap(h, x);
}

static void end(struct io_host *h)
{
	bool first = proof_chance(&h->r, 50);

	if (h->over || proof_chance(&h->r, 20))
		return;
	guest(h, false);
	if (first)
		synth_exit(h->s, 0);
	for (int i = 0; i < h->nr; i++)
		synth_iommufd_release(h->s, h->x[i].key);
	if (!first)
		synth_exit(h->s, 0);
}

struct proof_trace *proof_generate_iommufd(__u64 seed, size_t story)
{
	struct io_host h = { .r = { seed * IO_STORIES + story }, .pid = 1000, .next_pid = 1001 };
	__u32 rule = stories[story].rule ? proof_rule(stories[story].rule) : UINT32_MAX;
	struct proof_trace *t;

	h.s = synth_new();
	h.s->mode = proof_chance(&h.r, 30) ? RS_MODE_ARMED : RS_MODE_ALL;
	h.vm = IO_VM;
	synth_as(h.s, h.pid);
	open_all(&h, story == IO_CHARGE_STAYS || story == IO_CHARGE_UNTOLD);
	if (story == IO_OLD_RUNS || proof_chance(&h.r, 60))
		h.vcpus = 1 + proof_below(&h.r, 3);
	guest(&h, true);
	for (int n = proof_below(&h.r, 3); n > 0; n--) {
		synth_wait(h.s, proof_below(&h.r, SEC));
		if (proof_chance(&h.r, 30))
			think_better(&h);
		else
			update(&h, IO_RIGHT);
	}
	/* Where all was unmapped there is nothing to hand over. */
	for (int i = 0; i < h.nr; i++)
		if (!h.x[i].areas)
			map(&h, &h.x[i], true);
	update(&h, story);
	end(&h);
	if (h.s->mode == RS_MODE_ARMED) {
		synth_as(h.s, 99);
		synth_stats(h.s);
	}
	t = proof_merge(&h.s, 1, seed);
	t->iommufd = true;
	synth_free(h.s);
	if (rule != UINT32_MAX) {
		t->want[rule] = h.want;
		if (h.want == RS_VIOLATED)
			t->hit = (struct proof_object){ rule, h.hit->key, h.hit_iova };
	}
	snprintf(t->what, sizeof(t->what), "%s", stories[story].name);
	proof_send(t, &h.r);
	return t;
}
