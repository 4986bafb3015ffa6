// SPDX-License-Identifier: GPL-2.0-only
/* Findings that are one: what one moment says of several objects of a container. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "result/build.h"

/* The other one's objects; the excerpt and the path stay those of the first. */
static int join(struct rs_finding *to, struct rs_finding *f)
{
	for (size_t i = 0; i < f->nr_ranges; i++) {
		struct rs_finding_range *grown = rs_grow(to->range, to->nr_ranges, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		to->range = grown;
		to->range[to->nr_ranges++] = f->range[i];
	}
	to->objects += f->objects;
	rs_finding_free(f);
	return 0;
}

/* "c1 7 ranges, the first at iova 0x0 size 0x100000: each has no vaddr yet" */
static int say_all(struct rs_finding *f)
{
	unsigned long long nr = f->objects;
	char *text;
	int len;

	if (nr == 1)
		return 0;
	if (f->nr_ranges)
		len = asprintf(&text,
			       "%.*s%llu ranges, the first at iova 0x%llx size 0x%llx: each %s",
			       (int)f->object, f->text, nr, (unsigned long long)f->range[0].iova.v,
			       (unsigned long long)f->range[0].size, f->text + f->prefix);
	else
		len = asprintf(&text, "%.*s%llu interrupts, the first %s", (int)f->object, f->text,
			       nr, f->text + f->object);
	if (len < 0)
		return -ENOMEM;
	free(f->text);
	f->text = text;
	return 0;
}

int rs_build_findings(struct rs_result *r)
{
	size_t nr = 0;
	int err = 0;

	for (size_t i = 0; i < r->nr_findings; i++) {
		struct rs_finding *f = &r->finding[i], *to = r->finding + nr;

		/* What is told at one moment is told in a row, but for what other rules say of it. */
		while (to > r->finding && !err && !rs_finding_joins(to - 1, f))
			to--;
		if (err || to == r->finding)
			r->finding[nr++] = *f;
		else
			err = join(to - 1, f);
	}
	r->nr_findings = nr;
	for (size_t i = 0; i < nr && !err; i++)
		err = say_all(&r->finding[i]);
	return err;
}
