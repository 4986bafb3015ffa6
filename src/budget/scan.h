/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: A budget line, word by word
 *
 * Private to src/budget.
 */
#ifndef RS_BUDGET_SCAN_H
#define RS_BUDGET_SCAN_H

#include <stddef.h>
#include "remapscope/types.h"
#include "util/msg.h"

/**
 * struct rs_cursor - a place in a line
 * @name: the file's, for messages
 * @line: its begin
 * @p: the place
 * @end: where the line ends, or its comment begins
 */
struct rs_cursor {
	const char *name;
	const char *line;
	const char *p;
	const char *end;
	unsigned int line_nr;
	struct rs_msg *msg;
};

/** struct rs_word - a part of the line */
struct rs_word {
	const char *s;
	size_t len;
};

/** struct rs_number - digits, and those after the point */
struct rs_number {
	const char *at;
	__u64 whole;
	const char *frac;
	size_t frac_len;
};

/** rs_scan_line() - go to the line that begins at @text. Return: where the next one begins */
const char *rs_scan_line(struct rs_cursor *c, const char *text);

/** rs_scan_at_end() - is nothing left? Blanks are skipped */
bool rs_scan_at_end(struct rs_cursor *c);

/**
 * rs_scan_fail() - "FILE:LINE:COLUMN: expected ..., found ...", the place being where @at begins
 *
 * Return: -EINVAL
 */
int rs_scan_fail(struct rs_cursor *c, const char *at, const char *expected);

/** rs_scan_word() - letters, digits, "-", "_" and "."; may be empty */
struct rs_word rs_scan_word(struct rs_cursor *c);

/** rs_scan_any_of() - as many of these characters as there are */
struct rs_word rs_scan_any_of(struct rs_cursor *c, const char *chars);

/** rs_scan_char() - is it the next one? Then it is taken */
bool rs_scan_char(struct rs_cursor *c, char ch);

/** rs_scan_name() - a name, in quotation marks or of characters that BDFs and UUIDs have */
int rs_scan_name(struct rs_cursor *c, char *buf, size_t len, const char *what);

bool rs_word_is(struct rs_word w, const char *s);

/**
 * rs_scan_lookup() - which of the names is @w?
 * @name_of: gives them until it gives NULL
 *
 * Return: the index, or -EINVAL and a message that lists them
 */
int rs_scan_lookup(struct rs_cursor *c, struct rs_word w, const char *what,
		   const char *(*name_of)(size_t));

/** rs_scan_number() - digits with or without a fraction. Return: 0 or -EINVAL with a message */
int rs_scan_number(struct rs_cursor *c, struct rs_number *n, const char *expected);

/**
 * rs_number_scaled() - a number times @scale, a power of ten
 *
 * Return: 0, -ERANGE: too large, -EDOM: not a whole number then
 */
int rs_number_scaled(const struct rs_number *n, __u64 scale, __u64 *out);

/** rs_scan_plain() - a whole number, and nothing of a word behind it */
int rs_scan_plain(struct rs_cursor *c, __u64 *n, const char *expected);

#endif /* RS_BUDGET_SCAN_H */
