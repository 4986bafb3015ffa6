// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "attach/symbols.h"

/* ".isra.0", also several of such endings. Not ".cold", which is only the end of a function's body. */
static bool is_clone_ending(const char *s)
{
	static const char *const kinds[] = { ".isra.", ".part.", ".constprop." };
	const size_t nr = sizeof(kinds) / sizeof(kinds[0]);

	do {
		size_t k = 0;

		while (k < nr && strncmp(s, kinds[k], strlen(kinds[k])))
			k++;
		if (k == nr)
			return false;
		s += strlen(kinds[k]);
		if (!isdigit((unsigned char)*s))
			return false;
		s += strspn(s, "0123456789");
	} while (*s);
	return true;
}

/* Cuts "address type name[\tmodule]" into pieces. Return: false for what is no function */
static bool cut_line(char *line, char **name, char **module)
{
	char *type = strchr(line, ' '), *end;

	if (!type || !type[1] || !strchr("tTwW", type[1]) || type[2] != ' ')
		return false;
	*name = type + 3;
	end = *name + strcspn(*name, " \t\n");
	*module = strchr(end, '[');
	*end = '\0';
	if (*module)
		(*module)[strcspn(*module, "]")] = '\0';
	*module = *module ? *module + 1 : end;
	return **name;
}

/* The list is long, and nearly nothing in it is asked for: its address is read only where it is. */
static void take(struct rs_symbol *s, const char *name, const char *module, const char *addr)
{
	bool plain, elsewhere;
	size_t n;

	if (*name != *s->function)
		return;
	n = strlen(s->function);
	if (strncmp(name, s->function, n))
		return;
	plain = !name[n];
	if (!plain && !is_clone_ending(name + n))
		return;
	if (strlen(name) >= sizeof(s->clone) || strlen(module) >= sizeof(s->home))
		return;
	elsewhere = s->module && *module && strcmp(module, s->module);
	if (!elsewhere && (s->plain || s->clones) && strcmp(module, s->home)) {
		/* The kernel's own come first in the list, and a module's function may be named alike. */
		if (s->module && *module) {
			s->others += s->plain;
			s->other_clones += s->clones;
			s->plain = s->clones = 0;
			s->clone[0] = '\0';
		} else {
			elsewhere = true;
		}
	}
	if (elsewhere) {
		if (plain)
			s->others++;
		else
			s->other_clones++;
		return;
	}
	strcpy(s->home, module);
	if (plain || !s->plain)
		s->addr = strtoull(addr, NULL, 16);
	if (plain) {
		s->plain++;
	} else {
		s->clones++;
		strcpy(s->clone, name);
	}
}

int rs_symbols_read(FILE *kallsyms, struct rs_symbol *sym, size_t nr)
{
	char *line = NULL, *name, *module;
	bool any = false;
	size_t room = 0;
	int err = 0;

	for (size_t i = 0; i < nr; i++) {
		sym[i].plain = sym[i].clones = sym[i].others = sym[i].other_clones = 0;
		sym[i].addr = 0;
		sym[i].clone[0] = sym[i].home[0] = '\0';
	}
	errno = 0;
	while (getline(&line, &room, kallsyms) > 0) {
		any = true;
		if (!cut_line(line, &name, &module))
			continue;
		for (size_t i = 0; i < nr; i++)
			take(&sym[i], name, module, line);
	}
	if (ferror(kallsyms) || errno == ENOMEM)
		err = errno ? -errno : -EIO;
	free(line);
	return err ? err : any ? 0 : -ENODATA;
}

const char *rs_symbol_choose(const struct rs_symbol *s, unsigned int uses, char *why, size_t len)
{
	why[0] = '\0';
	if (s->plain + s->others > 1) {
		/* By name the kernel takes the first one, or (since 6.6) none. */
		snprintf(why, len, "%u functions have this name", s->plain + s->others);
		return NULL;
	}
	if (s->plain) {
		if (s->clones)
			snprintf(why, len, "there is %s too: calls of that copy are not seen",
				 s->clone);
		return s->function;
	}
	if (!s->clones) {
		snprintf(why, len, "%s",
			 s->others ? "only another module has a function of this name"
				   : "no such symbol: inlined, or not in this kernel");
		return NULL;
	}
	if (s->clones > 1) {
		snprintf(why, len, "only as %u copies like %s: one probe would miss calls",
			 s->clones, s->clone);
		return NULL;
	}
	if (s->other_clones) {
		snprintf(why, len, "only as %s, and another module has one of its kind", s->clone);
		return NULL;
	}
	if (uses & RS_USES_ARGS) {
		snprintf(why, len, "only as %s, whose arguments may be others", s->clone);
		return NULL;
	}
	/* gcc's IPA-SRA also drops return values that no caller uses. */
	if ((uses & RS_USES_RET) && strstr(s->clone, ".isra.")) {
		snprintf(why, len, "only as %s, which may return nothing", s->clone);
		return NULL;
	}
	if (strstr(s->clone, ".part."))
		snprintf(why, len, "calls that end in the part inlined elsewhere are not seen");
	return s->clone;
}
