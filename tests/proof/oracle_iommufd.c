// SPDX-License-Identifier: GPL-2.0-only
/* The second opinion on contexts of iommufd: whose their areas are, and whether that is in order. */
#include <stdlib.h>
#include "synth_internal.h"
#include "oracle.h"

#define LIMIT_NS  (60 * SEC)
#define IO_AREAS  256
#define IO_PEOPLE 64

struct io_area {
	__u32 ioas;
	__u64 iova;
	bool by_vaddr;
	__u64 mm;
	__u32 tgid;
};

/**
 * struct io_context - a context, at one place in the history
 * @left_ns: the owner of areas has left; 0: none has, or another one has them since
 * @guest: a vCPU of somebody who has to do with it was seen
 * @ran: ... of another one than the owner, which counts once
 */
struct io_context {
	struct oracle *o;
	__u64 key;
	struct io_area area[IO_AREAS];
	int nr;
	__u32 person[IO_PEOPLE];
	int nr_people;
	__u64 left_ns;
	bool guest, ran;
};

static void meets(struct io_context *x, __u32 tgid)
{
	for (int i = 0; i < x->nr_people; i++)
		if (x->person[i] == tgid)
			return;
	MUST(x->nr_people < IO_PEOPLE);
	x->person[x->nr_people++] = tgid;
}

static bool knows(const struct io_context *x, __u32 tgid)
{
	for (int i = 0; i < x->nr_people; i++)
		if (x->person[i] == tgid)
			return true;
	return false;
}

/* Does anybody else than that mm have an area? */
static bool is_foreign(const struct io_context *x, __u64 mm)
{
	for (int i = 0; i < x->nr; i++)
		if (x->area[i].mm != mm)
			return true;
	return false;
}

static bool has_run(const struct oracle *o, __u32 tgid, size_t until)
{
	for (size_t i = 0; i < until; i++)
		if (o->ev[i]->type == RS_EV_VCPU && o->ev[i]->tgid == tgid)
			return true;
	return false;
}

static void handover_violated(struct io_context *x)
{
	o_violated(x->o, "iommufd-handover", x->key, 0);
}

/* "... comes before its guest runs", and within a minute. */
static void until(struct io_context *x, __u64 ns)
{
	if (x->left_ns && ns > x->left_ns + LIMIT_NS)
		handover_violated(x);
}

static void settled(struct io_context *x, __u64 ns)
{
	until(x, ns);
	x->left_ns = 0;
	x->ran = false;
}

/* Where no guest is seen, who uses the context shows that it has it. */
static void used(struct io_context *x, const struct rs_event *e)
{
	until(x, e->ts);
	if (x->left_ns && !x->guest && is_foreign(x, e->mm))
		handover_violated(x);
}

static void mapped(struct io_context *x, const struct rs_ev_ioas *e)
{
	used(x, &e->h);
	MUST(x->nr < IO_AREAS);
	x->area[x->nr++] =
		(struct io_area){ e->ioas, e->iova.v, e->what == RS_IOAS_MAP, e->h.mm, e->h.tgid };
	meets(x, e->h.tgid);
}

static void unmapped(struct io_context *x, const struct rs_ev_ioas *e)
{
	int left = 0;

	for (int i = 0; i < x->nr; i++)
		if (x->area[i].ioas != e->ioas || x->area[i].iova < e->iova.v ||
		    x->area[i].iova >= e->iova.v + e->size)
			x->area[left++] = x->area[i];
	x->nr = left;
	if (!left)
		settled(x, e->h.ts);
}

static __u64 charged(const struct rs_work *w, __u64 mm, bool others)
{
	__u64 pages = 0;

	for (int i = 0; i < RS_NR_ACCT; i++)
		if (w->acct[i].mm && (w->acct[i].mm != mm) == others)
			pages += w->acct[i].pages;
	return pages;
}

/* "Locked memory moves with its range: what the new owner's mm gains is what the old one's loses." */
static void changed(struct io_context *x, const struct rs_ev_ioas *e)
{
	if (e->work.acct_other)
		o_unknown(x->o, "locked-conserved");
	else if (charged(&e->work, e->h.mm, false) + charged(&e->work, e->h.mm, true))
		o_violated(x->o, "locked-conserved", x->key, 0);
	meets(x, e->h.tgid);
	if (e->op.ret)
		return;
	for (int i = 0; i < x->nr; i++) {
		x->area[i].mm = e->h.mm;
		x->area[i].tgid = e->h.tgid;
	}
	settled(x, e->h.ts);
}

/* Does the context live on after its owner has left? */
static bool lives_on(const struct io_context *x, size_t at)
{
	const struct oracle *o = x->o;

	for (size_t i = at + 1; i < o->nr; i++) {
		if (o->ev[i]->type == RS_EV_IOAS && O_EV(o, i, rs_ev_ioas)->op.container == x->key)
			return true;
		if (o->ev[i]->type == RS_EV_RELEASE &&
		    O_EV(o, i, rs_ev_release)->op.container == x->key)
			return o->ev[i]->tgid != o->ev[at]->tgid;
	}
	return true;
}

static void left(struct io_context *x, size_t at, __u64 mm, __u32 users)
{
	const struct oracle *o = x->o;
	__u32 tgid = o->ev[at]->tgid;
	bool any = false;

	if (!mm || o_mm_user(o, mm, tgid, at))
		return;
	for (int i = 0; i < x->nr; i++) {
		if (x->area[i].mm != mm || (users && x->area[i].tgid != tgid))
			continue;
		any = true;
		if (x->area[i].by_vaddr && lives_on(x, at))
			o_violated(x->o, "all-before-exec", x->key, x->area[i].iova);
	}
	if (!any)
		return;
	until(x, o->ev[at]->ts);
	x->left_ns = o->ev[at]->ts;
	x->guest |= has_run(o, tgid, at);
}

static void ran(struct io_context *x, const struct rs_event *e)
{
	if (!knows(x, e->tgid))
		return;
	x->guest = true;
	if (!x->ran && is_foreign(x, e->mm)) {
		handover_violated(x);
		x->ran = true;
	}
}

static void ioctl(struct io_context *x, size_t i)
{
	const struct rs_ev_ioas *e = O_EV(x->o, i, rs_ev_ioas);

	if (e->op.container != x->key)
		return;
	if (e->what == RS_IOAS_CHANGE_PROCESS)
		changed(x, e);
	else if (e->op.ret)
		return;
	else if (e->what == RS_IOAS_MAP || e->what == RS_IOAS_MAP_FILE)
		mapped(x, e);
	else if (e->what == RS_IOAS_UNMAP)
		unmapped(x, e);
}

/* From the record that opened it to the one that let it go. */
static void judge(struct oracle *o, size_t from)
{
	struct io_context x = { .o = o, .key = O_EV(o, from, rs_ev_open)->op.container };
	size_t i;

	meets(&x, o->ev[from]->tgid);
	for (i = from + 1; i < o->nr; i++) {
		const struct rs_event *e = o->ev[i];

		if (e->type == RS_EV_RELEASE && O_EV(o, i, rs_ev_release)->op.container == x.key)
			break;
		if (e->type == RS_EV_IOAS)
			ioctl(&x, i);
		else if (e->type == RS_EV_ATTACH && O_EV(o, i, rs_ev_group)->op.container == x.key)
			used(&x, e);
		else if (e->type == RS_EV_EXEC)
			left(&x, i, O_EV(o, i, rs_ev_exec)->old_mm,
			     O_EV(o, i, rs_ev_exec)->old_mm_users);
		else if (e->type == RS_EV_EXIT)
			left(&x, i, O_EV(o, i, rs_ev_exit)->old_mm,
			     O_EV(o, i, rs_ev_exit)->old_mm_users);
		else if (e->type == RS_EV_PASSED && O_EV(o, i, rs_ev_passed)->container == x.key)
			meets(&x, e->tgid);
		else if (e->type == RS_EV_VCPU && O_EV(o, i, rs_ev_vcpu)->what != RS_VCPU_TOLD)
			ran(&x, e);
	}
	until(&x, i < o->nr ? o->ev[i]->ts : o->end_ns);
	if (i == o->nr && x.left_ns)
		o_unknown(o, "iommufd-handover");
}

void o_judge_iommufd(struct oracle *o)
{
	for (size_t i = 0; i < o->nr; i++)
		if (o->ev[i]->type == RS_EV_OPEN &&
		    O_EV(o, i, rs_ev_open)->op.kind == RS_CONTAINER_IOMMUFD)
			judge(o, i);
}
