// SPDX-License-Identifier: GPL-2.0-only
/* What tracing programs attach to: as the plan has found it, not as libbpf would look for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "capture/programs.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *sec;
	enum bpf_attach_type type;
} sections[] = {
	{ "fentry/", BPF_TRACE_FENTRY },
	{ "fexit/", BPF_TRACE_FEXIT },
	{ "tp_btf/", BPF_TRACE_RAW_TP },
};

struct rs_loader {
	const struct rs_plan *plan;
	int handler[ARRAY_SIZE(sections)];
	struct {
		__u32 id;
		int fd;
	} object[RS_BTFS_MAX]; /* BTF of modules */
	size_t nr;
};

/* The programs' names are made by RS_ENTRY() and its like (bpf/hook.bpf.h). */
static const struct rs_hook *hook_of(const struct rs_plan *plan, const char *program)
{
	for (size_t i = 0; i < plan->nr; i++) {
		const struct rs_hook_def *def = plan->hook[i].def;

		if (def->program ? !strcmp(def->program, program) ||
					   (def->twin && !strcmp(def->twin, program))
		    : !strncmp(program, "fe_", 3) || !strncmp(program, "fx_", 3)
			    ? !strcmp(program + 3, def->function)
			    : false)
			return &plan->hook[i];
	}
	return NULL;
}

static int object_fd(struct rs_loader *l, __u32 id)
{
	int fd;

	for (size_t i = 0; i < l->nr; i++)
		if (l->object[i].id == id)
			return l->object[i].fd;
	if (l->nr == RS_BTFS_MAX)
		return -ENOSPC;
	fd = bpf_btf_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	l->object[l->nr].id = id;
	l->object[l->nr++].fd = fd;
	return fd;
}

static int prepare(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	struct rs_loader *l = (struct rs_loader *)cookie;
	const struct rs_hook *h = hook_of(l->plan, bpf_program__name(prog));
	int fd = 0;

	if (!h || !h->btf.type)
		return -ENOENT;
	if (h->btf.object) {
		fd = object_fd(l, h->btf.object);
		if (fd < 0)
			return fd;
	}
	opts->attach_btf_id = h->btf.type;
	opts->attach_btf_obj_fd = fd;
	return 0;
}

int rs_loader_new(const struct rs_plan *plan, struct rs_loader **out)
{
	struct rs_loader *l = calloc(1, sizeof(*l));
	int err = 0;

	*out = NULL;
	if (!l)
		return -ENOMEM;
	l->plan = plan;
	/*
	 * Before 1.3 libbpf frees its list with the last handler and goes on to use it (realloc() to
	 * nothing): one that handles nothing, and knows nothing of ours, stays.
	 */
	libbpf_register_prog_handler("rs.none", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		l->handler[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(sections) && !err; i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = (long)l,
			    .prog_prepare_load_fn = prepare);

		l->handler[i] = libbpf_register_prog_handler(sections[i].sec, BPF_PROG_TYPE_TRACING,
							     sections[i].type, &opts);
		if (l->handler[i] < 0)
			err = l->handler[i];
	}
	if (err) {
		rs_loader_free(l);
		return err;
	}
	*out = l;
	return 0;
}

void rs_loader_free(struct rs_loader *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (l->handler[i] >= 0)
			libbpf_unregister_prog_handler(l->handler[i]);
	while (l->nr)
		close(l->object[--l->nr].fd);
	free(l);
}
