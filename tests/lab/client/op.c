// SPDX-License-Identifier: GPL-2.0-only
/* One operation: its words, what it expects, and how it says what came. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"

const char *errno_name(int err)
{
	const char *name = err ? strerrorname_np(err) : "success";

	return name ? name : "an unknown errno";
}

static bool is_bdf(const char *s)
{
	static const char form[] = "xxxx:xx:xx.x";
	size_t i;

	for (i = 0; form[i]; i++) {
		if (form[i] == 'x' ? !isxdigit((unsigned char)s[i]) : s[i] != form[i])
			return false;
	}
	return s[i] == '\0' || s[i] == ':';
}

/* A PCI address has colons of its own and is one word. */
static char *token_end(char *s)
{
	return is_bdf(s) ? s + 12 : s + strcspn(s, ":");
}

int op_parse(struct op *op, struct lab *lab, const char *text)
{
	char *s, *end;

	memset(op, 0, sizeof(*op));
	op->lab = lab;
	op->text = text;
	if (strlen(text) >= sizeof(op->buf))
		return op_usage(op, "is too long");
	strcpy(op->buf, text);

	for (s = op->buf;; s = end + 1) {
		bool last;

		if (op->n == LAB_MAX_TOKENS)
			return op_usage(op, "has too many words");
		end = token_end(s);
		last = *end == '\0';
		*end = '\0';
		op->tok[op->n++] = s;
		if (last)
			break;
	}
	op->taken[0] = true;
	op->fail = op_key(op, "fail");
	return 0;
}

/* The next word that is not key=value. */
const char *op_word(struct op *op)
{
	int i;

	for (i = 1; i < op->n; i++) {
		if (!op->taken[i] && !strchr(op->tok[i], '=')) {
			op->taken[i] = true;
			return op->tok[i];
		}
	}
	return NULL;
}

int op_name(struct op *op, const char *what, const char **name)
{
	*name = op_word(op);
	if (!*name || !**name)
		return op_usage(op, "needs %s", what);
	if (strlen(*name) >= LAB_NAME)
		return op_usage(op, "%s is too long", what);
	return 0;
}

bool op_flag(struct op *op, const char *word)
{
	int i;

	for (i = 1; i < op->n; i++) {
		if (!op->taken[i] && !strcmp(op->tok[i], word)) {
			op->taken[i] = true;
			return true;
		}
	}
	return false;
}

const char *op_key(struct op *op, const char *key)
{
	size_t len = strlen(key);
	int i;

	for (i = 1; i < op->n; i++) {
		if (!op->taken[i] && !strncmp(op->tok[i], key, len) && op->tok[i][len] == '=') {
			op->taken[i] = true;
			return op->tok[i] + len + 1;
		}
	}
	return NULL;
}

int parse_size(const char *s, uint64_t *val)
{
	unsigned int shift = 0;
	char *end;

	errno = 0;
	*val = strtoull(s, &end, 0);
	if (errno || end == s || *s == '-')
		return -EINVAL;
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'M':
		shift = 20;
		break;
	case 'G':
		shift = 30;
		break;
	}
	if (shift)
		end++;
	if (*end || *val > UINT64_MAX >> shift)
		return -EINVAL;
	*val <<= shift;
	return 0;
}

int op_number(struct op *op, const char *what, uint64_t *val)
{
	const char *word = op_word(op);

	if (!word)
		return op_usage(op, "needs %s", what);
	if (parse_size(word, val))
		return op_usage(op, "%s is not a number: %s", what, word);
	return 0;
}

int op_key_number(struct op *op, const char *key, uint64_t *val, bool *given)
{
	const char *word = op_key(op, key);

	if (given)
		*given = word != NULL;
	if (!word)
		return 0;
	if (parse_size(word, val))
		return op_usage(op, "%s is not a number: %s", key, word);
	return 0;
}

/* Every word must have meant something, or a misspelt one would silently test less. */
int op_end(struct op *op)
{
	int i;

	for (i = 1; i < op->n; i++) {
		if (!op->taken[i])
			return op_usage(op, "knows no word '%s'", op->tok[i]);
	}
	return 0;
}

static void op_print(struct op *op, const char *fmt, va_list ap)
{
	char line[512];

	vsnprintf(line, sizeof(line), fmt, ap);
	fprintf(stderr, "lab-client: %s: %s\n", op->text, line);
}

int op_fail(struct op *op, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	op_print(op, fmt, ap);
	va_end(ap);
	return -EPROTO;
}

int op_usage(struct op *op, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	op_print(op, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void op_say(struct op *op, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!op->lab->verbose)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "lab-client[%d] %s: %s\n", (int)getpid(), op->text, line);
}

static bool errno_listed(const char *list, int err)
{
	const char *name = errno_name(err);
	size_t len = strlen(name);

	while (list && *list) {
		size_t n = strcspn(list, "/");

		if (n == len && !strncmp(list, name, n))
			return true;
		list += n + (list[n] == '/');
	}
	return false;
}

/*
 * Compares what came (0 or -errno) with what the operation's fail= expects.
 * 0: it succeeded, as expected; 1: it failed, as expected; less: not as expected, and said so.
 */
int op_expect(struct op *op, const char *what, int err)
{
	if (!op->fail) {
		if (err)
			return op_fail(op, "expected %s to succeed, got %s", what,
				       errno_name(-err));
		return 0;
	}
	if (!err || !errno_listed(op->fail, -err))
		return op_fail(op, "expected %s to fail with %s, got %s", what, op->fail,
			       errno_name(-err));
	op_say(op, "%s failed with %s, as expected", what, errno_name(-err));
	return 1;
}
