// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts: what was found, and what losses, missing hooks and a late begin could have hidden or faked.
 * docs/verdicts.md has the reasons.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "result/build.h"

/* Records without which a rule can miss, or misread, something. */
static __u32 types_of_rule(const struct rs_rule *rule)
{
	__u32 types = rule->reads;

	for (size_t i = 0; i < rule->nr_arrows; i++)
		types |= rs_note_records(rule->arrow[i].on);
	switch (rule->scope) {
	case RS_SCOPE_CONTAINER:
	case RS_SCOPE_REQUEST:
		return types | RS_TYPE(OPEN) | RS_TYPE(RELEASE);
	case RS_SCOPE_DEVICE:
	case RS_SCOPE_IRQ:
		return types | RS_TYPE(DEVICE) | RS_TYPE(OPEN) | RS_TYPE(RELEASE) |
		       RS_TYPE(ATTACH) | RS_TYPE(DETACH);
	default:
		/* It has to be known which ranges there are. */
		return types | RS_TYPES_LIFE | RS_TYPE(IOAS);
	}
}

/*
 * Can it have been one of the records that say who has which mm, of a rule that asks for that? It is made of all that
 * processes did since ever, before they had a container too.
 */
static bool of_mms(const struct rs_loss_part *p, __u32 types)
{
	return types & RS_TYPES_PROCESS & ~RS_TYPE(EXIT) && p->types & RS_TYPES_PROCESS;
}

/*
 * Records of which one that is lost cannot make anything look worse than it is: all that they tell are notes which
 * lead to a violation and nowhere else.
 */
static __u32 types_that_hide(const struct rs_rule *rule)
{
	__u32 hide = 0, fake = rule->reads | RS_TYPES_LIFE | RS_TYPE(IOAS);

	for (size_t i = 0; i < rule->nr_arrows; i++) {
		bool only = true;

		for (size_t k = 0; k < rule->nr_arrows; k++)
			only &= rule->arrow[k].on != rule->arrow[i].on ||
				rule->arrow[k].to == RS_TO_VIOLATED;
		*(only ? &hide : &fake) |= rs_note_records(rule->arrow[i].on);
	}
	return hide & ~fake;
}

/* Can it have been lost in that container's life, or matter in it? @types: records that the rule depends on */
static bool part_of(const struct rs_loss_part *p, const struct rs_container_view *c, __u32 types)
{
	if (p->unseen || (p->container && p->container != c->id))
		return false;
	if (of_mms(p, types) && p->from_ns <= c->mms_ns)
		return true;
	/* One that lived on, or whose birth nobody saw, has no bound on that side. */
	return (!c->released_ns || p->from_ns <= c->released_ns) &&
	       (!(c->born || c->found) || p->to_ns >= c->since_ns);
}

/* All that was lost of which nobody knows whose it was: one container's can be missing in several places. */
static __u64 nobodys(const struct rs_result *r)
{
	__u64 count = 0;

	for (size_t i = 0; i < r->nr_losses; i++) {
		const struct rs_loss_view *v = &r->loss[i];
		bool any = false;

		for (size_t k = 0; k < v->nr_parts; k++)
			any |= !v->part[k].container && !v->part[k].unseen;
		count += any && v->hides ? v->count : 0;
	}
	return count;
}

/* Can it have been a container of which nothing was seen at all? @lost: of nobody, in all */
static bool part_of_unseen(const struct rs_loss_view *v, const struct rs_loss_part *p, __u64 lost)
{
	if (p->container)
		return false;
	if (p->unseen)
		return true;
	return (p->types & (RS_TYPES_LIFE | RS_TYPE(IOAS))) &&
	       (!v->count || (v->hides && lost >= v->hides));
}

/* The first loss that can have hidden something of that rule; @c: from that container, NULL: from an unseen one. */
static const struct rs_loss_view *hiding(const struct rs_result *r, const struct rs_rule *rule,
					 const struct rs_container_view *c)
{
	__u32 types = types_of_rule(rule);
	__u64 lost = nobodys(r);

	if (c && rule->about &&
	    (rule->about == RS_ABOUT_IOMMUFD) != (c->kind == RS_CONTAINER_IOMMUFD))
		return NULL;
	for (size_t i = 0; i < r->nr_losses; i++) {
		const struct rs_loss_view *v = &r->loss[i];

		for (size_t k = 0; k < v->nr_parts; k++) {
			const struct rs_loss_part *p = &v->part[k];

			if ((p->types & types) &&
			    (c ? part_of(p, c, types) : part_of_unseen(v, p, lost)))
				return v;
		}
	}
	return NULL;
}

static const struct rs_hook_view *planned(const struct rs_result *r, const char *function)
{
	for (size_t i = 0; i < r->nr_hooks; i++)
		if (!strcmp(r->hook[i].function, function))
			return &r->hook[i];
	return NULL;
}

/* Only iommufd was there: no recording without type1's module plans its functions, and no container can be its. */
static bool without_type1(const struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_containers; i++)
		if (r->container[i].kind == RS_CONTAINER_TYPE1)
			return false;
	return planned(r, "iommufd_fops_release") && !planned(r, "vfio_iommu_type1_ioctl");
}

static const char *missing_hook(const struct rs_result *r, const struct rs_rule *rule)
{
	bool none = without_type1(r);

	for (size_t n = 0; n < sizeof(rule->needs) / sizeof(rule->needs[0]); n++) {
		const struct rs_hook_view *h;

		if (!rule->needs[n])
			break;
		h = planned(r, rule->needs[n]);
		if (h ? !h->mechanism : !none)
			return rule->needs[n];
	}
	return NULL;
}

/* The first of these functions that was planned in vain; NULL: none was. */
static const char *first_failed(const struct rs_result *r, const char *const *function, size_t max)
{
	for (size_t n = 0; n < max && function[n]; n++) {
		const struct rs_hook_view *h = planned(r, function[n]);

		if (h && !h->mechanism)
			return function[n];
	}
	return NULL;
}

/* What a rule sees its objects by, and could not; NULL: it could, or there was nothing to be seen. */
static const char *failed_hook(const struct rs_result *r, const struct rs_rule *rule)
{
	const size_t sees = sizeof(rule->sees) / sizeof(rule->sees[0]);
	const size_t also = sizeof(rule->also) / sizeof(rule->also[0]);
	const char *failed;

	if (rule->sees[0] && !r->nr_hooks)
		return rule->sees[0];
	failed = first_failed(r, rule->sees, sees);
	return failed || !r->nr_ioctxs ? failed : first_failed(r, rule->also, also);
}

/* None of its hooks was planned: their modules were not there, or the recorder was older than they are. */
static bool sees_nothing(const struct rs_result *r, const struct rs_rule *rule)
{
	if (!rule->sees[0] || !r->nr_hooks)
		return false;
	for (size_t n = 0; n < sizeof(rule->sees) / sizeof(rule->sees[0]) && rule->sees[n]; n++)
		if (planned(r, rule->sees[n]))
			return false;
	return true;
}

static size_t rule_of(const struct rs_build *b, const struct rs_finding *f)
{
	size_t which = 0;

	while (b->engine->table.rule[which].id != f->rule)
		which++;
	return which;
}

static const struct rs_container_view *container_by_id(const struct rs_result *r, __u32 id)
{
	for (size_t i = 0; i < r->nr_containers; i++)
		if (r->container[i].id == id)
			return &r->container[i];
	return NULL;
}

/* Pages are compared with what was told of them at any time before. */
static bool of_pages(const struct rs_finding *f)
{
	const char *note = f->nr_steps ? f->step[f->nr_steps - 1].note : "";

	return !strcmp(note, rs_note_name(RS_N_VERIFIED)) ||
	       !strcmp(note, rs_note_name(RS_N_PAGES_OTHER));
}

/* What was mapped is told by a map or remap; an invalidation tells only what is behind the vaddr then. */
static bool of_older_map(const struct rs_finding *f)
{
	return f->nr_steps && f->event[0]->type == RS_EV_UNMAP &&
	       !strcmp(f->step[f->nr_steps - 1].note, rs_note_name(RS_N_REMAPPED));
}

/* What a CHANGE_PROCESS has to move is what is not the caller's yet: areas tell whose they are when they are mapped. */
static bool of_owners(const struct rs_finding *f)
{
	return f->nr_steps &&
	       !strcmp(f->step[f->nr_steps - 1].note, rs_note_name(RS_N_CHARGE_MOVED));
}

/* An exec or exit says nothing of the ranges that it leaves behind. */
static bool begins_with_process(const struct rs_finding *f)
{
	return f->nr_events && RS_TYPES_PROCESS & 1U << f->event[0]->type;
}

/*
 * Since when a loss can make what is found wrong. What led to it begins with a record in which the kernel says how
 * things are; only a sum, which page is which, and who has which mm, is made of all that was before.
 */
static __u64 since(const struct rs_rule *rule, const struct rs_loss_part *p,
		   const struct rs_finding *f, const struct rs_container_view *c)
{
	if (of_mms(p, types_of_rule(rule)))
		return 0;
	/* Found from where every object begins, it may be in a window that others say is open. */
	if (!rule->sums && f->nr_events && (f->nr_steps > 1 || rule->alone) && !of_pages(f) &&
	    !of_older_map(f) && !of_owners(f) && !begins_with_process(f))
		return f->event[0]->ts;
	return c && (c->born || c->found) ? c->since_ns : 0;
}

/* Can something that was lost explain what was found? */
static bool doubt(const struct rs_build *b, const struct rs_result *r, const struct rs_finding *f)
{
	const struct rs_container_view *c = container_by_id(r, f->container);
	const struct rs_rule *rule = &b->engine->table.rule[rule_of(b, f)];
	__u32 types = types_of_rule(rule) & ~types_that_hide(rule);

	for (size_t i = 0; i < r->nr_losses; i++) {
		for (size_t k = 0; k < r->loss[i].nr_parts; k++) {
			const struct rs_loss_part *p = &r->loss[i].part[k];

			__u64 begin = since(rule, p, f, c);

			/* Armed, that a group left a container is kept in mind ever after. */
			if (b->model->mode == RS_MODE_ARMED && c && !c->born && begin &&
			    (rule->reads & p->types & RS_TYPE(DETACH)))
				begin = c->found ? c->since_ns : 0;
			if (c && (p->unseen || (p->container && p->container != c->id)))
				continue;
			if ((p->types & types) && p->from_ns <= f->at_ns && p->to_ns >= begin &&
			    (!c || !begin || part_of(p, c, types)))
				return true;
		}
	}
	return false;
}

/* Findings that the list had no room for are no better than those that it has. */
static void doubt_unlisted(const struct rs_build *b, const struct rs_result *r)
{
	bool stands[RS_RULES_MAX] = { false }, listed[RS_RULES_MAX] = { false };

	for (size_t i = 0; i < r->nr_findings; i++) {
		size_t which = rule_of(b, &r->finding[i]);

		listed[which] = true;
		stands[which] |= r->finding[i].verdict == RS_VIOLATED;
	}
	for (size_t i = 0; i < b->engine->table.nr; i++) {
		if (!listed[i] || stands[i])
			continue;
		b->engine->unknowns[i] += b->engine->violations[i];
		b->engine->violations[i] = 0;
	}
}

static int doubt_findings(const struct rs_build *b, struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_findings; i++) {
		struct rs_finding *f = &r->finding[i];
		char *text;

		if (f->verdict != RS_VIOLATED || !doubt(b, r, f))
			continue;
		if (asprintf(&text, "%s (or so it seems: records are missing)", f->text) < 0)
			return -ENOMEM;
		free(f->text);
		f->text = text;
		f->verdict = RS_UNKNOWN;
		b->engine->violations[rule_of(b, f)] -= f->objects;
		b->engine->unknowns[rule_of(b, f)] += f->objects;
	}
	doubt_unlisted(b, r);
	return 0;
}

/* What a rule comes to in each container; those that pass are not listed. */
static int judge_containers(const struct rs_result *r, const struct rs_rule *rule,
			    struct rs_rule_view *v, bool blind)
{
	v->container = calloc(r->nr_containers + 1, sizeof(*v->container));
	if (!v->container)
		return -ENOMEM;
	for (size_t i = 0; i < r->nr_containers; i++) {
		const struct rs_container_view *c = &r->container[i];
		enum rs_verdict verdict = blind || hiding(r, rule, c) ? RS_UNKNOWN : RS_PASS;

		for (size_t k = 0; k < r->nr_findings; k++) {
			const struct rs_finding *f = &r->finding[k];

			if (f->rule == v->id && f->verdict > verdict &&
			    (f->whole ? f->ioctx == c->ioctx : f->container == c->id))
				verdict = f->verdict;
		}
		if (verdict != RS_PASS)
			v->container[v->nr_containers++] =
				(struct rs_rule_container){ c->id, verdict };
	}
	return 0;
}

static void say_loss(const struct rs_loss_view *loss, char *buf, size_t len)
{
	if (loss->count)
		snprintf(buf, len, "lost: %llu %s", (unsigned long long)loss->count, loss->what);
	else
		snprintf(buf, len, "%s is missing", loss->what);
}

static int judge_rule(const struct rs_build *b, struct rs_result *r, size_t which)
{
	const struct rs_rule *rule = &b->engine->table.rule[which];
	struct rs_rule_view *v = &r->rule[r->nr_rules++];
	const char *missing = missing_hook(r, rule), *failed = failed_hook(r, rule);
	const struct rs_loss_view *loss;
	char reason[256] = "";
	int err;

	*v = (struct rs_rule_view){
		.id = rule->id,
		.severity = rule->severity,
		.sentence = rule->sentence,
		.instances = b->engine->instances[which],
		.findings = b->engine->violations[which] + b->engine->unknowns[which],
	};
	if (sees_nothing(r, rule))
		return 0;
	if (!missing)
		missing = failed;
	err = judge_containers(r, rule, v, missing);
	if (err)
		return err;
	if (b->engine->violations[which]) {
		v->verdict = RS_VIOLATED;
		return 0;
	}
	loss = hiding(r, rule, NULL);
	for (size_t i = 0; i < r->nr_containers && !loss; i++)
		loss = hiding(r, rule, &r->container[i]);
	if (b->engine->unknowns[which])
		snprintf(reason, sizeof(reason), "%llu of its objects could not be judged",
			 (unsigned long long)b->engine->unknowns[which]);
	else if (missing)
		snprintf(reason, sizeof(reason), "%s could not be hooked", missing);
	else if (loss)
		say_loss(loss, reason, sizeof(reason));
	if (!reason[0])
		return 0;
	v->verdict = RS_UNKNOWN;
	v->reason = strdup(reason);
	return v->reason ? 0 : -ENOMEM;
}

int rs_build_rules(const struct rs_build *b, struct rs_result *r)
{
	int err;

	err = doubt_findings(b, r);
	if (!err)
		err = rs_build_findings(r);
	r->rule = calloc(b->engine->table.nr, sizeof(*r->rule));
	if (!r->rule)
		return -ENOMEM;
	for (size_t i = 0; i < b->engine->table.nr && !err; i++)
		if (b->engine->on[i])
			err = judge_rule(b, r, i);
	return err;
}
