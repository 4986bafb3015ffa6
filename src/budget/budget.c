// SPDX-License-Identifier: GPL-2.0-only
/* A budget file: its lines, and the base recording that some of them need. */
#define _GNU_SOURCE 1
#include "budget/clause.h"
#include "budget/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No one writes a larger one by hand. */
#define BUDGET_FILE_MAX (1U << 20)

static int add_line(struct rs_budget *b, struct rs_cursor *c)
{
	struct rs_clause *grown;
	struct rs_clause cl = { 0 };
	int err;

	if (rs_scan_at_end(c))
		return 0;
	cl.text = strndup(c->p, (size_t)(c->end - c->p));
	if (!cl.text)
		return rs_msg_set(c->msg, -ENOMEM, "out of memory");
	err = rs_clause_parse(c, &cl);
	if (err)
		goto out;
	grown = reallocarray(b->clause, b->nr + 1, sizeof(*grown));
	if (!grown) {
		err = rs_msg_set(c->msg, -ENOMEM, "out of memory");
		goto out;
	}
	b->clause = grown;
	b->clause[b->nr++] = cl;
	return 0;
out:
	free(cl.text);
	return err;
}

int rs_budget_parse(const char *name, const char *text, struct rs_budget **out, struct rs_msg *msg)
{
	struct rs_cursor c = { .name = name, .msg = msg };
	struct rs_budget *b = calloc(1, sizeof(*b));
	int err = 0;

	if (!b)
		return rs_msg_set(msg, -ENOMEM, "out of memory");
	b->name = strdup(name);
	if (!b->name)
		err = rs_msg_set(msg, -ENOMEM, "out of memory");
	while (!err && *text) {
		text = rs_scan_line(&c, text);
		err = add_line(b, &c);
	}
	if (err) {
		rs_budget_free(b);
		return err;
	}
	*out = b;
	return 0;
}

int rs_budget_load(const char *path, struct rs_budget **out, struct rs_msg *msg)
{
	FILE *in = fopen(path, "re");
	char *text;
	size_t n;
	int err;

	if (!in) {
		err = -errno;
		return rs_msg_set(msg, err, "cannot read \"%s\": %s", path, strerror(-err));
	}
	text = malloc(BUDGET_FILE_MAX + 1);
	if (!text) {
		err = rs_msg_set(msg, -ENOMEM, "out of memory");
		goto out;
	}
	errno = 0;
	n = fread(text, 1, BUDGET_FILE_MAX + 1, in);
	if (ferror(in)) {
		err = errno ? -errno : -EIO;
		rs_msg_set(msg, err, "cannot read \"%s\": %s", path, strerror(-err));
	} else if (n > BUDGET_FILE_MAX || memchr(text, 0, n)) {
		err = rs_msg_set(msg, -EINVAL, "\"%s\" is not a budget file: %s", path,
				 n > BUDGET_FILE_MAX ? "larger than 1 MiB" : "it holds a NUL byte");
	} else {
		text[n] = 0;
		err = rs_budget_parse(path, text, out, msg);
	}
out:
	free(text);
	fclose(in);
	return err;
}

void rs_budget_free(struct rs_budget *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->nr; i++)
		free(b->clause[i].text);
	free(b->clause);
	free(b->name);
	free(b);
}

int rs_budget_needs_base(const struct rs_budget *b, struct rs_msg *msg)
{
	for (size_t i = 0; i < b->nr; i++) {
		const struct rs_clause *cl = &b->clause[i];

		if (cl->ratio && !b->base)
			return rs_msg_set(msg, -EINVAL,
					  "%s:%u:%u: expected a base recording (--base FILE) for "
					  "\"%sx base\", found none",
					  b->name, cl->line, cl->column,
					  rs_micro_text(cl->limit).s);
	}
	return 0;
}

void rs_budget_set_base(struct rs_budget *b, const struct rs_result *base)
{
	b->base = base;
}
