// SPDX-License-Identifier: GPL-2.0-only
/* What became of an update, and where its time went. */
#include <errno.h>
#include <stdlib.h>
#include "result/build.h"

/* What is known of an update's course, besides its view; a time that is not known is 0. */
struct course {
	__u64 invalidated; /* the last invalidation had returned */
	__u64 remap;	   /* the first remap was entered */
	__u64 remapped;	   /* the last one had returned */
	__u64 closed;	   /* the last window that has closed had */
	__u32 ranges;
	__u32 invalid;
	bool by_remap;	/* all its windows have ended by one, and all hand-overs as they should */
	bool cancelled; /* a hand-over was */
	bool windows; /* it has some: else CHANGE_PROCESS is in the place of invalidations and remaps */
};

/* Windows are in the order of their ids, which in an excerpt have gaps. */
static const struct rs_window_view *window_of(const struct rs_result *r, __u32 id)
{
	const struct rs_window_view *w = r->window;

	if (id <= r->nr_windows && w[id - 1].id == id)
		return &w[id - 1];
	while (w->id != id)
		w++;
	return w;
}

static const struct rs_handover_view *handover_of(const struct rs_result *r, __u32 id)
{
	for (size_t i = 0; i < r->nr_handovers; i++)
		if (r->handover[i].id == id)
			return &r->handover[i];
	return NULL;
}

/* A probe has the place of an invalidation, the new owner's CHANGE_PROCESS that of a remap. */
static void add_handover(struct course *c, const struct rs_handover_view *h)
{
	c->by_remap &= h->end == RS_HANDED_OVER;
	c->cancelled |= h->end == RS_HANDED_CANCELLED;
	c->ranges += h->areas;
	if (h->probed_ns > c->invalidated)
		c->invalidated = h->probed_ns;
	if (!h->change_ns)
		return;
	if (!c->remap || h->change_ns < c->remap)
		c->remap = h->change_ns;
	if (h->end_ns > c->remapped)
		c->remapped = h->end_ns;
}

static struct course course_of(const struct rs_result *r, const struct rs_update_view *u)
{
	struct course c = { .invalidated = u->start_ns,
			    .closed = u->end_ns,
			    .by_remap = true,
			    .windows = u->nr_windows };

	for (size_t i = 0; i < u->nr_windows; i++) {
		const struct rs_window_view *w = window_of(r, u->window[i]);

		c.by_remap &= w->end == RS_WINDOW_REMAPPED;
		for (size_t k = 0; k < w->nr_ranges; k++) {
			const struct rs_range_view *v = &w->range[k];

			c.ranges++;
			c.invalid += v->state == RS_STATE_INVALID;
			if (v->invalid_ns > c.invalidated)
				c.invalidated = v->invalid_ns;
			if (v->state != RS_STATE_REMAPPED)
				continue;
			if (!c.remap || v->valid_ns - v->remap_len < c.remap)
				c.remap = v->valid_ns - v->remap_len;
			if (v->valid_ns > c.remapped)
				c.remapped = v->valid_ns;
		}
	}
	for (size_t i = 0; i < u->nr_handovers; i++) {
		const struct rs_handover_view *h = handover_of(r, u->handovers[i]);

		if (h)
			add_handover(&c, h);
	}
	return c;
}

static void put_phase(struct rs_update_view *u, struct rs_phase p, __u64 to)
{
	if (to <= p.start_ns || u->nr_phases == RS_PHASES_MAX)
		return;
	p.len = to - p.start_ns;
	u->phase[u->nr_phases++] = p;
}

static void add_phase(struct rs_update_view *u, const char *name, __u64 from, __u64 to)
{
	put_phase(u, (struct rs_phase){ .name = name, .start_ns = from }, to);
}

/* By its windows alone: from the update's first invalidation to its last remap, without a gap. */
static void split_windows(struct rs_update_view *u, const struct course *c)
{
	__u64 end = u->abandoned_ns ? u->abandoned_ns : c->closed;

	add_phase(u, c->windows ? "invalidate" : "probe", u->start_ns, c->invalidated);
	if (!c->remap) {
		if (u->exec_ns) {
			add_phase(u, "exec", c->invalidated, u->exec_ns);
			add_phase(u, "restart", u->exec_ns, end);
		} else {
			add_phase(u, "open", c->invalidated, end);
		}
		return;
	}
	if (u->exec_ns > c->invalidated && u->exec_ns < c->remap) {
		add_phase(u, "exec", c->invalidated, u->exec_ns);
		add_phase(u, "restart", u->exec_ns, c->remap);
	} else {
		add_phase(u, u->handover == RS_HANDOVER_NONE ? "between" : "hand-over",
			  c->invalidated, c->remap);
	}
	add_phase(u, c->windows ? "remap" : "change", c->remap, end);
}

/* The guest's pause, and what tells its ends. */
struct pause {
	__u64 stop;
	__u64 run;
	const char *stopped_by;
	const char *run_by;
};

/* Where the phases are cut; each cut is at or after the one before, and within the pause. */
struct cutter {
	struct rs_update_view *u;
	const struct pause *p;
	__u64 at;
	const char *by;
};

static void cut(struct cutter *k, const char *name, __u64 ns, const char *by)
{
	__u64 to = ns > k->p->run ? k->p->run : ns;

	if (to <= k->at)
		return;
	put_phase(k->u,
		  (struct rs_phase){ .name = name,
				     .start_ns = k->at,
				     .begun_by = k->by,
				     .ended_by = ns > k->p->run ? k->p->run_by : by },
		  to);
	k->at = to;
	k->by = by;
}

static void split_pause(struct rs_update_view *u, const struct course *c, const struct pause *p,
			__u64 irq_ns)
{
	const char *entered = c->windows ? "the first remap was entered"
					 : "the new owner's CHANGE_PROCESS was entered";
	struct cutter k = { .u = u, .p = p, .at = p->stop, .by = p->stopped_by };

	if (c->windows) {
		cut(&k, "save", u->start_ns, "the first invalidation was entered");
		cut(&k, "invalidate", c->invalidated, "the last invalidation returned");
	} else if (c->invalidated > u->start_ns) {
		cut(&k, "save", u->start_ns, "the old owner's CHANGE_PROCESS was entered");
		cut(&k, "probe", c->invalidated, "the old owner's CHANGE_PROCESS returned");
	} else if (u->start_ns == u->exec_ns) {
		cut(&k, "save", u->exec_ns, "exec");
	}
	if (u->exec_ns > c->invalidated)
		cut(&k, "exec", u->exec_ns, "exec");
	if (!c->remap) {
		cut(&k, "unattributed", p->run, p->run_by);
		return;
	}
	if (u->handover == RS_HANDOVER_EXEC && u->set_up_ns > u->exec_ns) {
		cut(&k, "start-up", u->set_up_ns, "the new program's last look at its devices");
		cut(&k, "load", c->remap, entered);
	} else {
		cut(&k,
		    u->handover == RS_HANDOVER_EXEC    ? "restart"
		    : u->handover == RS_HANDOVER_OTHER ? "load"
						       : "between",
		    c->remap, entered);
	}
	if (c->windows)
		cut(&k, "remap", c->remapped, "the last remap returned");
	else
		cut(&k, "change", c->remapped, "the new owner's CHANGE_PROCESS returned");
	cut(&k, "interrupts", irq_ns, "the last interrupt was given back");
	cut(&k, "resume", p->run, p->run_by);
}

/* From the last old vCPU's stop to the first new one's run. Return: both are known */
static bool pause_of_vcpus(struct rs_update_view *u, const struct rs_update *m, struct pause *p)
{
	__u64 first = UINT64_MAX;
	bool old = false;

	*p = (struct pause){ .run = m->run_ns,
			     .stopped_by = "the last vCPU left KVM_RUN",
			     .run_by = "the first vCPU entered KVM_RUN" };
	for (size_t i = 0; i < u->nr_vcpus; i++) {
		const struct rs_vcpu_view *v = &u->vcpu[i];

		if (!v->old_vm)
			continue;
		old = true;
		if (v->inside)
			u->doubt = u->nr_windows ? "a vCPU ran when the ranges lost their vaddr"
						 : "a vCPU ran when the hand-over began";
		if (!v->stop_ns)
			return false;
		if (v->stop_ns > p->stop)
			p->stop = v->stop_ns;
		if (v->stop_ns < first)
			first = v->stop_ns;
	}
	if (old)
		u->stop_len = p->stop - first;
	return old && p->run > p->stop;
}

static bool pair_fits(const struct rs_update_view *u, __u64 stop, __u64 resume)
{
	return !u->abandoned_ns && u->start_ns >= stop && u->end_ns && u->end_ns <= resume;
}

/*
 * From the monitors' STOP to the next RESUME, which can come from another monitor: the new process'. Only if it is
 * the only such pair, and no other update lies in it. Return: there is one
 */
static bool pause_of_qmp(const struct rs_model *m, const struct rs_result *r,
			 struct rs_update_view *u, struct pause *p)
{
	size_t pairs = 0, others = 0;

	for (size_t i = 0; i < m->nr_marks; i++) {
		size_t k = i + 1;

		while (k < m->nr_marks && m->mark[k].what != RS_MARK_RESUME)
			k++;
		if (m->mark[i].what != RS_MARK_STOP || k == m->nr_marks ||
		    !pair_fits(u, m->mark[i].h.ts, m->mark[k].h.ts))
			continue;
		pairs++;
		*p = (struct pause){ m->mark[i].h.ts, m->mark[k].h.ts, "QMP's STOP",
				     "QMP's RESUME" };
		for (size_t n = 0; n < r->nr_updates; n++)
			others += r->update[n].id != u->id &&
				  pair_fits(&r->update[n], p->stop, p->run);
	}
	if (pairs > 1 || others)
		u->doubt = "QMP tells of several stops or updates at that time, and not which "
			   "belong together";
	return pairs == 1 && !others;
}

/* Can a record that is lost have told that a vCPU runs again? */
static bool run_may_be_lost(const struct rs_result *r, __u64 since)
{
	for (size_t i = 0; i < r->nr_losses; i++)
		if (rs_loss_touches(&r->loss[i], RS_TYPE(VCPU) | RS_TYPE(PASSED), since,
				    UINT64_MAX))
			return true;
	return false;
}

static enum rs_outcome outcome_of(const struct rs_result *r, const struct rs_update *m,
				  const struct rs_update_view *u, const struct course *c)
{
	if (u->abandoned_ns)
		return RS_OUTCOME_ABANDONED;
	if (m->open)
		return RS_OUTCOME_OPEN;
	if (!c->by_remap)
		return c->cancelled && !c->remap ? RS_OUTCOME_CANCELLED : RS_OUTCOME_FAILED;
	if (rs_update_stood_still(u) && !m->run_ns && !run_may_be_lost(r, u->start_ns))
		return RS_OUTCOME_NOT_RUNNING;
	return u->handover == RS_HANDOVER_NONE ? RS_OUTCOME_IN_PLACE : RS_OUTCOME_DONE;
}

static void set_blackout(struct rs_update_view *u, const char *from, __u64 begin, __u64 end)
{
	u->blackout_from = from;
	u->blackout_ns = begin;
	u->blackout_len = end - begin;
}

/* Only an update that is over, and gave at least one range its vaddr back, had a blackout of known length. */
static void measure(const struct rs_model *m, const struct rs_result *r, const struct rs_update *mu,
		    struct rs_update_view *u, const struct course *c)
{
	struct pause p;

	if (!u->abandoned_ns && pause_of_vcpus(u, mu, &p)) {
		set_blackout(u, "vcpus", p.stop, p.run);
		split_pause(u, c, &p, mu->irq_ns);
		return;
	}
	if (!u->abandoned_ns && u->outcome != RS_OUTCOME_NOT_RUNNING && pause_of_qmp(m, r, u, &p)) {
		set_blackout(u, "qmp", p.stop, p.run);
		split_pause(u, c, &p, mu->irq_ns);
		return;
	}
	split_windows(u, c);
	if (rs_update_stood_still(u) && !mu->run_ns) {
		u->doubt = "the guest's vCPUs stood still, and none was seen to run again";
		return;
	}
	if (u->end_ns && !u->abandoned_ns && c->remapped > u->start_ns)
		set_blackout(u, c->windows ? "windows" : "handover", u->start_ns, c->remapped);
}

static int find_devices(const struct rs_result *r, struct rs_update_view *u)
{
	for (size_t i = 0; i < r->nr_devices; i++) {
		__u32 *grown;
		bool ours = false;

		for (size_t k = 0; k < u->nr_containers; k++)
			ours |= r->device[i].container == u->container[k];
		if (!ours)
			continue;
		grown = rs_grow(u->device, u->nr_devices, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		u->device = grown;
		grown[u->nr_devices++] = r->device[i].id;
	}
	return 0;
}

/* What the new process or program has done before, which is not of the blackout of another process. */
static void set_start_up(struct rs_model *m, const struct rs_update *mu, struct rs_update_view *u)
{
	struct rs_proc *p;

	if (u->handover == RS_HANDOVER_EXEC)
		u->set_up_ns = mu->own.set_up_ns;
	if (u->handover != RS_HANDOVER_OTHER)
		return;
	p = rs_proc_get(m, u->to.tgid);
	if (p)
		u->started_ns = p->start_ns;
	for (size_t i = 0; i < mu->nr_heirs; i++) {
		if (mu->heir[i].tgid != u->to.tgid)
			continue;
		u->passed_ns = mu->heir[i].passed_ns;
		u->set_up_ns = mu->heir[i].set_up_ns;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct rs_mark_view *x = a, *y = b;

	return x->at_ns != y->at_ns ? (x->at_ns < y->at_ns ? -1 : 1) : 0;
}

/* Of what came before it, only what came after its files were passed on, or within the blackout. */
static void choose_marks(const struct rs_update *mu, struct rs_update_view *u)
{
	__u64 begin = u->blackout_ns && u->blackout_ns < u->start_ns ? u->blackout_ns : u->start_ns;
	size_t nr = 0;

	for (size_t i = 0; i < mu->nr_heirs; i++)
		if (mu->heir[i].passed_ns && mu->heir[i].passed_ns < begin)
			begin = mu->heir[i].passed_ns;
	for (size_t i = 0; i < u->nr_marks; i++)
		if (u->mark[i].at_ns + u->mark[i].len >= begin)
			u->mark[nr++] = u->mark[i];
	u->nr_marks = nr;
	if (nr)
		qsort(u->mark, nr, sizeof(*u->mark), by_time);
}

/* Given back while the state was loaded or memory remapped they are no phase of their own. */
static int mark_irqs(const struct rs_update *mu, struct rs_update_view *u, const struct course *c)
{
	struct rs_mark_view *grown;

	if (mu->irq_ns < u->start_ns || mu->irq_ns > c->remapped)
		return 0;
	grown = rs_grow(u->mark, u->nr_marks, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	u->mark = grown;
	grown[u->nr_marks++] = (struct rs_mark_view){ .what = "last interrupt given back",
						      .at_ns = mu->irq_ns,
						      .proc = u->to };
	return 0;
}

static int build_update(const struct rs_build *b, struct rs_result *r, const struct rs_update *mu,
			struct rs_update_view *u)
{
	struct course c = course_of(r, u);

	if (!u->abandoned_ns) {
		u->ranges = c.ranges;
		u->invalid = c.invalid;
	}
	u->outcome = outcome_of(r, mu, u, &c);
	set_start_up(b->model, mu, u);
	measure(b->model, r, mu, u, &c);
	if (mark_irqs(mu, u, &c))
		return -ENOMEM;
	choose_marks(mu, u);
	return find_devices(r, u);
}

int rs_build_updates(const struct rs_build *b, struct rs_result *r)
{
	struct rs_model *m = b->model;
	struct rs_update **of = calloc(m->nr_updates + 1, sizeof(*of));
	int err = 0;

	r->update = calloc(m->nr_updates + 1, sizeof(*r->update));
	if (!r->update || !of) {
		free(of);
		return -ENOMEM;
	}
	for (size_t i = 0; i < m->nr_updates; i++) {
		struct rs_update *u = m->update[i];

		if (rs_update_void(u))
			continue;
		of[r->nr_updates] = u;
		r->update[r->nr_updates] = u->view;
		u->view = (struct rs_update_view){ .id = u->view.id };
		if (u->open)
			r->update[r->nr_updates].end_ns = 0;
		r->nr_updates++;
	}
	for (size_t i = 0; i < r->nr_updates && !err; i++)
		err = build_update(b, r, of[i], &r->update[i]);
	/* Whose windows a monitor's times fit to is decided by the windows' ends, of all updates. */
	for (size_t i = 0; i < r->nr_updates && !err; i++) {
		struct rs_update_view *u = &r->update[i];
		__u64 run = of[i]->run_ns;

		if (u->abandoned_ns)
			u->end_ns = u->abandoned_ns;
		else if (u->end_ns && run > u->end_ns)
			u->end_ns = run;
	}
	free(of);
	return err;
}
