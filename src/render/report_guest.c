// SPDX-License-Identifier: GPL-2.0-only
/* What the report says of an update's guest: what became of it, when its vCPUs stood still, what was done. */
#include "render/names.h"
#include "render/report.h"
#include "stats/units.h"

#include <stdint.h>

/* More marks than this are shown only when verbose. */
#define MARKS_SHOWN 8

/* One sentence for whoever has to do something about it; nothing when all is well. */
void rs_report_outcome(struct rs_text *t, const struct rs_result *r, const struct rs_update_view *u)
{
	struct rs_name from = rs_name_proc(&u->from), to = rs_name_proc(&u->to);

	if (u->outcome == RS_OUTCOME_OPEN || u->outcome == RS_OUTCOME_DONE ||
	    u->outcome == RS_OUTCOME_IN_PLACE)
		return;
	rs_text_begin(t, 2, 4);
	switch (u->outcome) {
	case RS_OUTCOME_ABANDONED:
		rs_text_put(t, RS_TONE_BAD,
			    "abandoned: %s runs again with %u of %u ranges without a vaddr, since "
			    "%s: DMA "
			    "goes on, but no new mapping or pin will work there",
			    from.s, u->invalid, u->ranges,
			    rs_fmt_at(u->abandoned_ns, r->first_ns, 6).s);
		break;
	case RS_OUTCOME_NOT_RUNNING:
		rs_text_put(
			t, RS_TONE_BAD,
			"not running: its memory is whole again, but no vCPU of %s was seen to run",
			u->to.tgid ? to.s : from.s);
		break;
	case RS_OUTCOME_CANCELLED:
		rs_text_put(t, RS_TONE_WARN,
			    "cancelled: nothing was handed over, and %s runs again", from.s);
		break;
	default:
		if (!u->nr_windows) {
			rs_text_put(t, RS_TONE_BAD,
				    "failed: its context was closed or emptied before a "
				    "CHANGE_PROCESS of a new owner had succeeded");
			break;
		}
		rs_text_put(t, RS_TONE_BAD, "failed: not all of its windows were ended by a remap");
		break;
	}
	rs_text_end(t);
}

/* " VM 1 -> VM 2," of vCPUs that all agree. */
static void put_vms(struct rs_text *t, const struct rs_update_view *u)
{
	__u32 old_vm = 0, new_vm = 0;
	bool several = false;

	for (size_t i = 0; i < u->nr_vcpus; i++) {
		const struct rs_vcpu_view *v = &u->vcpu[i];

		several |= (old_vm && v->old_vm && v->old_vm != old_vm) ||
			   (new_vm && v->new_vm && v->new_vm != new_vm);
		old_vm = v->old_vm ? v->old_vm : old_vm;
		new_vm = v->new_vm ? v->new_vm : new_vm;
	}
	if (several)
		rs_text_put(t, RS_TONE_PLAIN, " several VMs,");
	else if (old_vm && new_vm && old_vm != new_vm)
		rs_text_put(t, RS_TONE_PLAIN, " VM %u -> VM %u,", old_vm, new_vm);
	else
		rs_text_put(t, RS_TONE_PLAIN, " VM %u,", old_vm ? old_vm : new_vm);
}

static bool all_run(const struct rs_update_view *u)
{
	for (size_t i = 0; i < u->nr_vcpus; i++)
		if (!u->vcpu[i].run_ns)
			return false;
	return true;
}

static __u64 run_spread(const struct rs_update_view *u)
{
	__u64 first = UINT64_MAX, last = 0;

	for (size_t i = 0; i < u->nr_vcpus; i++) {
		__u64 run = u->vcpu[i].run_ns;

		first = run && run < first ? run : first;
		last = run > last ? run : last;
	}
	return last > first ? last - first : 0;
}

static void put_vcpu(struct rs_text *t, const struct rs_result *r, const struct rs_vcpu_view *v)
{
	rs_text_begin(t, 4, 10);
	rs_text_keep(t, RS_TONE_PLAIN, "vCPU %u", v->id);
	if (v->inside)
		rs_text_keep(t, RS_TONE_BAD, " ran at the invalidation%s",
			     v->stop_ns || v->run_ns ? "," : "");
	if (v->stop_ns)
		rs_text_keep(t, RS_TONE_PLAIN, " stopped %s,",
			     rs_fmt_at(v->stop_ns, r->first_ns, 6).s);
	if (v->run_ns)
		rs_text_keep(t, RS_TONE_PLAIN, " ran %s", rs_fmt_at(v->run_ns, r->first_ns, 6).s);
	else if (v->stop_ns)
		rs_text_keep(t, RS_TONE_WARN, " was not seen to run again");
	if (v->run_ns && v->stop_ns && v->run_ns > v->stop_ns)
		rs_text_keep(t, RS_TONE_PLAIN, " (%s)", rs_fmt_len(v->run_ns - v->stop_ns).s);
	rs_text_end(t);
}

static void put_vcpus(struct rs_text *t, const struct rs_result *r, const struct rs_update_view *u)
{
	__u64 runs = run_spread(u), spread = u->stop_len > runs ? u->stop_len : runs;

	if (!u->nr_vcpus)
		return;
	rs_text_begin(t, 2, 4);
	rs_text_put(t, RS_TONE_PLAIN, "guest:");
	put_vms(t, u);
	rs_text_keep(t, RS_TONE_PLAIN, " %zu vCPU%s", u->nr_vcpus, u->nr_vcpus == 1 ? "" : "s");
	if (u->stop_len)
		rs_text_keep(t, RS_TONE_PLAIN, ", stopped within %s", rs_fmt_len(u->stop_len).s);
	if (runs && all_run(u))
		rs_text_keep(t, RS_TONE_PLAIN, ", ran again within %s", rs_fmt_len(runs).s);
	rs_text_end(t);
	/* Each for itself where what is said of all does not say enough. */
	for (size_t i = 0; i < u->nr_vcpus; i++)
		if (t->style->verbose || spread > u->blackout_len / 10 || u->vcpu[i].inside)
			put_vcpu(t, r, &u->vcpu[i]);
}

/* @last: nothing comes after it */
static bool put_before(struct rs_text *t, const char *what, __u64 ns, __u64 begin, bool last)
{
	if (!ns || ns > begin)
		return false;
	rs_text_keep(t, RS_TONE_PLAIN, " %s %s%s", what, rs_fmt_len(begin - ns).s, last ? "" : ",");
	return true;
}

/* What another process has done before lies outside the blackout. */
static void put_start_up(struct rs_text *t, const struct rs_update_view *u)
{
	__u64 begin = u->blackout_ns ? u->blackout_ns : u->start_ns;
	bool looked = u->set_up_ns && u->set_up_ns <= begin, any;

	if (u->handover != RS_HANDOVER_OTHER || !u->passed_ns)
		return;
	rs_text_begin(t, 2, 4);
	rs_text_put(t, RS_TONE_PLAIN, "%s was", rs_name_proc(&u->to).s);
	put_before(t, "started", u->started_ns, begin, false);
	any = put_before(t, "passed its files", u->passed_ns, begin, !looked);
	put_before(t, "set up", u->set_up_ns, begin, true);
	rs_text_put(t, RS_TONE_PLAIN, any ? " before" : " passed its files in the blackout");
	rs_text_end(t);
}

static void put_marks(struct rs_text *t, const struct rs_result *r, const struct rs_update_view *u)
{
	size_t shown = u->nr_marks;

	if (!t->style->verbose && shown > MARKS_SHOWN)
		shown = MARKS_SHOWN;
	for (size_t i = 0; i < shown; i++) {
		const struct rs_mark_view *m = &u->mark[i];

		rs_text_begin(t, 2, 4);
		rs_text_keep(t, RS_TONE_DIM, "%s", rs_fmt_at(m->at_ns, r->first_ns, 6).s);
		rs_text_put(t, m->err ? RS_TONE_WARN : RS_TONE_PLAIN, " %s", m->what);
		if (m->err)
			rs_text_keep(t, RS_TONE_WARN, " -%s", rs_name_errno(m->err).s);
		if (m->device)
			rs_text_keep(t, RS_TONE_PLAIN, " d%u", m->device);
		else if (m->container)
			rs_text_keep(t, RS_TONE_PLAIN, " c%u", m->container);
		if (m->len)
			rs_text_keep(t, RS_TONE_PLAIN, " %s", rs_fmt_len(m->len).s);
		rs_text_keep(t, RS_TONE_PLAIN, " by %s", rs_name_proc(&m->proc).s);
		rs_text_end(t);
	}
	if (shown == u->nr_marks)
		return;
	rs_text_begin(t, 2, 4);
	rs_text_put(t, RS_TONE_DIM, "... and %zu more (shown when verbose)", u->nr_marks - shown);
	rs_text_end(t);
}

void rs_report_guest(struct rs_text *t, const struct rs_result *r, const struct rs_update_view *u)
{
	put_vcpus(t, r, u);
	put_start_up(t, u);
	put_marks(t, r, u);
}
