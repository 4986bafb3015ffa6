// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1
#include "render/names.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct rs_name rs_name_proc(const struct rs_proc_ref *p)
{
	struct rs_name n;

	snprintf(n.s, sizeof(n.s), "%.*s[%u]", RS_COMM_LEN, p->comm, p->tgid);
	return n;
}

static bool is_proc(const struct rs_proc_ref *p, __u32 tgid)
{
	return p->tgid == tgid && p->comm[0];
}

/* An exec changes the name: an update knows the one before and the one after. */
static const struct rs_proc_ref *proc_of_updates(const struct rs_result *r, __u32 tgid, __u64 ts)
{
	const struct rs_proc_ref *found = NULL;

	for (size_t i = 0; i < r->nr_updates; i++) {
		const struct rs_update_view *u = &r->update[i];

		if (found && u->start_ns > ts)
			break;
		if (is_proc(&u->from, tgid))
			found = &u->from;
		if (is_proc(&u->to, tgid) && (!found || (u->exec_ns && ts >= u->exec_ns)))
			found = &u->to;
	}
	return found;
}

static const struct rs_proc_ref *find_proc(const struct rs_result *r, __u32 tgid, __u64 ts)
{
	const struct rs_proc_ref *p = proc_of_updates(r, tgid, ts);

	if (p)
		return p;
	for (size_t i = 0; i < r->nr_windows; i++) {
		const struct rs_window_view *w = &r->window[i];

		if (is_proc(&w->opener, tgid))
			return &w->opener;
		if (is_proc(&w->closer, tgid))
			return &w->closer;
	}
	for (size_t i = 0; i < r->nr_containers; i++)
		if (is_proc(&r->container[i].owner, tgid))
			return &r->container[i].owner;
	for (size_t i = 0; i < r->nr_failures; i++)
		if (is_proc(&r->failure[i].proc, tgid))
			return &r->failure[i].proc;
	for (size_t i = 0; i < r->nr_slow; i++)
		if (is_proc(&r->slow[i].proc, tgid))
			return &r->slow[i].proc;
	for (size_t i = 0; i < r->nr_flights; i++)
		if (is_proc(&r->flight[i].request.proc, tgid))
			return &r->flight[i].request.proc;
	return NULL;
}

struct rs_name rs_name_task(const struct rs_result *r, const struct rs_event *ev)
{
	const struct rs_proc_ref *p = r ? find_proc(r, ev->tgid, ev->ts) : NULL;
	struct rs_name n;

	if (p)
		return rs_name_proc(p);
	snprintf(n.s, sizeof(n.s), "[%u]", ev->tgid);
	return n;
}

/* Of what is said of a context and no ioas of it. */
static bool name_context(const struct rs_result *r, __u64 key, __u64 ts, struct rs_name *n)
{
	for (size_t i = 0; r && i < r->nr_ioctxs; i++) {
		const struct rs_ioctx_view *x = &r->ioctx[i];

		if (x->key != key || (x->released_ns && ts > x->released_ns))
			continue;
		snprintf(n->s, sizeof(n->s), "i%u", x->id);
		return true;
	}
	return false;
}

/* Addresses are used again: the container that lived at @ts is meant. */
struct rs_name rs_name_container(const struct rs_result *r, __u64 key, __u32 ioas, __u64 ts)
{
	struct rs_name n = { "" };

	if (!key || (!ioas && name_context(r, key, ts, &n)))
		return n;
	for (size_t i = 0; r && i < r->nr_containers; i++) {
		const struct rs_container_view *c = &r->container[i];

		if (c->key != key || c->ioas != ioas || (c->released_ns && ts > c->released_ns))
			continue;
		snprintf(n.s, sizeof(n.s), "c%u", c->id);
		break;
	}
	return n;
}

struct rs_name rs_name_device(const struct rs_device_view *d)
{
	struct rs_name n;

	snprintf(n.s, sizeof(n.s), "%.*s", RS_DEVICE_NAME_LEN, d->name[0] ? d->name : "(no name)");
	return n;
}

/* The last one that was known by then; the first when a record came before the device's own. */
struct rs_name rs_name_device_at(const struct rs_result *r, __u64 key, __u64 ts)
{
	const struct rs_device_view *found = NULL;
	struct rs_name n = { "" };

	for (size_t i = 0; r && key && i < r->nr_devices; i++) {
		const struct rs_device_view *d = &r->device[i];

		if (d->key == key && (!found || d->since_ns <= ts))
			found = d;
	}
	if (found)
		snprintf(n.s, sizeof(n.s), "d%u", found->id);
	return n;
}

const char *rs_name_kind(__u32 kind)
{
	switch (kind) {
	case RS_CONTAINER_TYPE1:
		return "type1";
	case RS_CONTAINER_IOMMUFD:
		return "iommufd";
	}
	return "unknown";
}

const char *rs_name_area(__u32 area)
{
	switch (area) {
	case RS_AREA_FILE:
		return "file";
	case RS_AREA_DMABUF:
		return "dma-buf";
	}
	return "vaddr";
}

const char *rs_name_account(__u32 account)
{
	switch (account) {
	case RS_ACCOUNT_NONE:
		return "none";
	case RS_ACCOUNT_USER:
		return "user";
	case RS_ACCOUNT_MM:
		return "mm";
	}
	return "unknown";
}

struct rs_name rs_name_errno(int err)
{
	const char *name = strerrorname_np(err);
	struct rs_name n;

	/* The kernel's own numbers, which no header for user space has. */
	if (err == 512)
		name = "ERESTARTSYS";
	if (err == 524)
		name = "ENOTSUPP";
	if (name)
		snprintf(n.s, sizeof(n.s), "%s", name);
	else
		snprintf(n.s, sizeof(n.s), "E%d", err);
	return n;
}

struct rs_name rs_name_ret(__s64 ret)
{
	struct rs_name n;

	if (ret < 0 && ret > -4096)
		snprintf(n.s, sizeof(n.s), "-%.40s", rs_name_errno((int)-ret).s);
	else
		snprintf(n.s, sizeof(n.s), "%lld", ret);
	return n;
}

struct rs_name rs_name_path(enum rs_path path, enum rs_reason reason)
{
	struct rs_name n;

	if (path == RS_PATH_NONE && reason == RS_REASON_NONE)
		snprintf(n.s, sizeof(n.s), "-");
	else if (reason == RS_REASON_NONE)
		snprintf(n.s, sizeof(n.s), "%s", rs_path_name(path));
	else
		snprintf(n.s, sizeof(n.s), "%s:%s", rs_path_name(path), rs_reason_name(reason));
	return n;
}

struct rs_name rs_name_status(int status)
{
	struct rs_name n;
	const char *sig;

	if (WIFEXITED(status)) {
		snprintf(n.s, sizeof(n.s), "exit status %d", WEXITSTATUS(status));
	} else {
		sig = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
		if (sig)
			snprintf(n.s, sizeof(n.s), "killed by SIG%s", sig);
		else
			snprintf(n.s, sizeof(n.s), "killed by signal %d", WTERMSIG(status));
	}
	return n;
}

struct rs_long_name rs_name_piece(const struct rs_piece *p, bool generation)
{
	struct rs_long_name n;
	char gen[24] = "";

	switch (p->what) {
	case RS_BACKING_FILE:
		if (generation)
			snprintf(gen, sizeof(gen), " gen %u", p->generation);
		snprintf(n.s, sizeof(n.s), "file %u:%u ino %llu%s +0x%llx%s%s%s", p->dev >> 20,
			 p->dev & 0xfffff, p->ino, gen, p->offset,
			 p->vm_flags & RS_VM_HUGETLB ? " hugetlb" : "",
			 p->vm_flags & (RS_VM_PFNMAP | RS_VM_IO) ? " pfnmap" : "",
			 p->vm_flags & RS_VM_SHARED ? "" : " private");
		break;
	case RS_BACKING_ANON:
		snprintf(n.s, sizeof(n.s), "anonymous memory");
		break;
	case RS_BACKING_NONE:
		snprintf(n.s, sizeof(n.s), "nothing mapped");
		break;
	case RS_BACKING_BUSY:
		snprintf(n.s, sizeof(n.s), "could not be looked at");
		break;
	default:
		snprintf(n.s, sizeof(n.s), "something unknown (%u)", p->what);
		break;
	}
	return n;
}

void rs_describe_path(const struct rs_finding *f, char *buf, size_t len)
{
	size_t at = 0;

	*buf = 0;
	for (size_t i = 0; i < f->nr_steps && at < len; i++) {
		const struct rs_finding_step *s = &f->step[i];

		at += snprintf(buf + at, len - at, "%s -%s%s%s%s-> ", s->state, s->note,
			       s->when ? " (" : "", s->when ? s->when : "", s->when ? ")" : "");
	}
	if (at && at < len)
		snprintf(buf + at, len - at, "%s", rs_verdict_name(f->verdict));
}

/* Adds to what is there already, as far as there is room. */
__attribute__((format(printf, 2, 3))) static void add(struct rs_name *n, const char *fmt, ...)
{
	size_t at = strlen(n->s);
	va_list args;

	va_start(args, fmt);
	vsnprintf(n->s + at, sizeof(n->s) - at, fmt, args);
	va_end(args);
}

struct rs_name rs_name_loss(const struct rs_loss_view *l)
{
	__u32 types = rs_loss_types(l);
	struct rs_name n = { "" };
	bool any = !l->nr_parts;
	const char *sep = " (";

	for (size_t i = 0; i < l->nr_parts; i++)
		any |= !l->part[i].container;
	for (size_t i = 0; i < l->nr_parts && !any; i++) {
		bool known = false;

		for (size_t k = 0; k < i; k++)
			known |= l->part[k].container == l->part[i].container;
		if (!known)
			add(&n, "%sc%u", i ? ", " : ", of ", l->part[i].container);
	}
	/* Nearly all of them would say as little as none. */
	if (__builtin_popcount(types) > 6)
		return n;
	for (__u32 type = 1; type < RS_EV_NR; type++) {
		struct rs_event ev = { .type = type };

		if (!(types & 1U << type))
			continue;
		add(&n, "%s%s", sep, rs_event_type_name(&ev));
		sep = ", ";
	}
	if (types)
		add(&n, ")");
	return n;
}
