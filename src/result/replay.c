// SPDX-License-Identifier: GPL-2.0-only
/* The command that finds a finding again, as it can be given to a shell. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "result/build.h"

/* What no shell takes for anything but itself. */
#define PLAIN                                                  \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789_./:=@%+,-"

/* A file's name as one word of a command, which is no option either. */
static char *quoted(const char *path)
{
	const char *here = path[0] == '-' ? "./" : "";
	char *word, *to;

	if (path[strspn(path, PLAIN)] == 0)
		return asprintf(&word, "%s%s", here, path) < 0 ? NULL : word;
	/* Each ' of it becomes '\''. */
	word = malloc(4 * strlen(path) + strlen(here) + 3);
	if (!word)
		return NULL;
	to = stpcpy(stpcpy(word, "'"), here);
	for (; *path; path++) {
		if (*path == '\'')
			to = stpcpy(to, "'\\'");
		*to++ = *path;
	}
	strcpy(to, "'");
	return word;
}

int rs_finding_set_replay(struct rs_finding *f, const char *path)
{
	char *word = quoted(path), *line = NULL;

	if (!word)
		return -ENOMEM;
	if (asprintf(&line, "remapscope check --rule %s %s", f->rule, word) < 0)
		line = NULL;
	free(word);
	if (!line)
		return -ENOMEM;
	free(f->replay);
	f->replay = line;
	return 0;
}

int rs_build_replays(const struct rs_build *b, struct rs_result *r)
{
	int err = 0;

	for (size_t i = 0; i < r->nr_findings && !err; i++)
		err = rs_finding_set_replay(&r->finding[i], b->file);
	return err;
}
