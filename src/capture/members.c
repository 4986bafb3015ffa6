// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include "capture/members.h"

static int of_tree(const struct rs_filter *f, rs_member_fn fn, void *ctx)
{
	struct rs_filter_roots roots = rs_filter_roots_here();
	__u32 *list = NULL;
	size_t nr = 0;
	int err;

	err = rs_filter_descendants(&roots, f->tgid, &list, &nr);
	for (size_t i = 0; i < nr && !err; i++)
		err = fn(ctx, list[i]);
	free(list);
	return err;
}

/* A threaded cgroup refuses to be read (EOPNOTSUPP): its processes are its parent's. */
static int of_directory(const char *dir, rs_member_fn fn, void *ctx)
{
	char *path = NULL;
	FILE *procs;
	__u32 tgid;
	int err = 0;

	if (asprintf(&path, "%s/cgroup.procs", dir) < 0)
		return -ENOMEM;
	procs = fopen(path, "re");
	while (procs && !err && fscanf(procs, "%u", &tgid) == 1)
		err = fn(ctx, tgid);
	if (procs)
		fclose(procs);
	free(path);
	return err;
}

static int of_cgroup(const struct rs_filter *f, rs_member_fn fn, void *ctx)
{
	char *const roots[] = { f->cgroup, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int err = 0;

	if (!fts)
		return -errno;
	while (!err && (e = fts_read(fts)))
		if (e->fts_info == FTS_D)
			err = of_directory(e->fts_path, fn, ctx);
	fts_close(fts);
	return err;
}

int rs_members_each(const struct rs_filter *f, rs_member_fn fn, void *ctx)
{
	int err = 0;

	if (f->tgid)
		err = f->tree ? of_tree(f, fn, ctx) : fn(ctx, f->tgid);
	if (!err && f->cgroup_fd >= 0)
		err = of_cgroup(f, fn, ctx);
	return err;
}
