// SPDX-License-Identifier: GPL-2.0-only
#include "budget/scan.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' ||
	       c == '_' || c == '.';
}

static void skip_blanks(struct rs_cursor *c)
{
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
}

const char *rs_scan_line(struct rs_cursor *c, const char *text)
{
	size_t len = strcspn(text, "\n");
	bool quoted = false;

	c->line = text;
	c->p = text;
	c->line_nr++;
	for (c->end = text; c->end < text + len && (quoted || *c->end != '#'); c->end++)
		quoted ^= *c->end == '"';
	while (c->end > c->p && is_blank(c->end[-1]))
		c->end--;
	return text + len + (text[len] == '\n');
}

bool rs_scan_at_end(struct rs_cursor *c)
{
	skip_blanks(c);
	return c->p >= c->end;
}

int rs_scan_fail(struct rs_cursor *c, const char *at, const char *expected)
{
	size_t column = (size_t)(at - c->line) + 1, n = 0;
	const char *stop = at;
	char found[48];

	if (at >= c->end)
		return rs_msg_set(c->msg, -EINVAL,
				  "%s:%u:%zu: expected %s, found the end of the line", c->name,
				  c->line_nr, column, expected);
	while (stop < c->end && is_word(*stop))
		stop++;
	if (stop == at)
		while (stop < c->end && !is_word(*stop) && !is_blank(*stop))
			stop++;
	for (const char *s = at; s < stop && n < sizeof(found) - 1; s++)
		found[n++] = *s >= ' ' && *s <= '~' ? *s : '?';
	found[n] = 0;
	return rs_msg_set(c->msg, -EINVAL, "%s:%u:%zu: expected %s, found \"%s\"", c->name,
			  c->line_nr, column, expected, found);
}

struct rs_word rs_scan_word(struct rs_cursor *c)
{
	struct rs_word w;

	skip_blanks(c);
	w.s = c->p;
	while (c->p < c->end && is_word(*c->p))
		c->p++;
	w.len = (size_t)(c->p - w.s);
	return w;
}

struct rs_word rs_scan_any_of(struct rs_cursor *c, const char *chars)
{
	struct rs_word w;

	skip_blanks(c);
	w.s = c->p;
	while (c->p < c->end && *c->p && strchr(chars, *c->p))
		c->p++;
	w.len = (size_t)(c->p - w.s);
	return w;
}

bool rs_scan_char(struct rs_cursor *c, char ch)
{
	skip_blanks(c);
	if (c->p >= c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

int rs_scan_name(struct rs_cursor *c, char *buf, size_t len, const char *what)
{
	bool quoted = rs_scan_char(c, '"');
	const char *at = c->p;
	size_t n;

	while (c->p < c->end && (quoted ? *c->p != '"' && *c->p >= ' ' && *c->p != 0x7f
					: is_word(*c->p) || *c->p == ':'))
		c->p++;
	n = (size_t)(c->p - at);
	if (quoted && (c->p >= c->end || *c->p != '"'))
		return rs_scan_fail(c, c->p, "a closing quotation mark");
	if (!n)
		return rs_scan_fail(c, at, what);
	if (n >= len)
		return rs_scan_fail(c, at, "a shorter name");
	memcpy(buf, at, n);
	buf[n] = 0;
	c->p += quoted;
	return 0;
}

bool rs_word_is(struct rs_word w, const char *s)
{
	return w.len == strlen(s) && !memcmp(w.s, s, w.len);
}

/* "what (a, b, c)" of the names that @name_of gives until it gives NULL. */
static void list_names(char *buf, size_t len, const char *what, const char *(*name_of)(size_t))
{
	size_t n = (size_t)snprintf(buf, len, "%s (", what);
	const char *name;

	for (size_t i = 0; n < len && (name = name_of(i)); i++)
		n += (size_t)snprintf(buf + n, len - n, "%s%s", i ? ", " : "", name);
	if (n < len)
		snprintf(buf + n, len - n, ")");
}

int rs_scan_lookup(struct rs_cursor *c, struct rs_word w, const char *what,
		   const char *(*name_of)(size_t))
{
	char expected[320];
	const char *name;

	for (size_t i = 0; (name = name_of(i)); i++)
		if (rs_word_is(w, name))
			return (int)i;
	list_names(expected, sizeof(expected), what, name_of);
	return rs_scan_fail(c, w.s, expected);
}

int rs_scan_number(struct rs_cursor *c, struct rs_number *n, const char *expected)
{
	skip_blanks(c);
	*n = (struct rs_number){ .at = c->p };
	if (c->p >= c->end || !is_digit(*c->p))
		return rs_scan_fail(c, n->at, expected);
	for (; c->p < c->end && is_digit(*c->p); c->p++) {
		if (__builtin_mul_overflow(n->whole, 10ULL, &n->whole) ||
		    __builtin_add_overflow(n->whole, (__u64)(*c->p - '0'), &n->whole))
			return rs_scan_fail(c, n->at, "a smaller number");
	}
	if (c->p < c->end && *c->p == '.') {
		n->frac = ++c->p;
		while (c->p < c->end && is_digit(*c->p))
			c->p++;
		n->frac_len = (size_t)(c->p - n->frac);
		if (!n->frac_len)
			return rs_scan_fail(c, n->at, "digits after the point");
	}
	return 0;
}

int rs_number_scaled(const struct rs_number *n, __u64 scale, __u64 *out)
{
	__u64 rest = 0;

	if (__builtin_mul_overflow(n->whole, scale, out) || *out > INT64_MAX)
		return -ERANGE;
	for (size_t k = 0; k < n->frac_len; k++) {
		__u64 digit = (__u64)(n->frac[k] - '0');

		if (scale == 1 && digit)
			return -EDOM;
		scale = scale > 1 ? scale / 10 : 1;
		rest += scale * digit;
	}
	*out += rest;
	return 0;
}

int rs_scan_plain(struct rs_cursor *c, __u64 *out, const char *expected)
{
	struct rs_number n;
	int err = rs_scan_number(c, &n, expected);

	if (err)
		return err;
	*out = n.whole;
	if (n.frac_len || n.whole > INT64_MAX || (c->p < c->end && is_word(*c->p)))
		return rs_scan_fail(c, n.at, expected);
	return 0;
}
