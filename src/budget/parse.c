// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1
#include "budget/clause.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* No one writes a larger one by hand. */
#define BUDGET_FILE_MAX (1U << 20)

#define IOCTL  "vfio_iommu_type1_ioctl"
#define PIN    "vfio_pin_pages", "vfio_iommu_type1_pin_pages"
#define UNPIN  "vfio_unpin_pages", "vfio_iommu_type1_unpin_pages"
#define DMA_RW "vfio_dma_rw", "vfio_iommu_type1_dma_rw"

/* `request` needs the hooks of all the others. */
static const struct rs_subject subjects[] = {
	{ "window", RS_SUBJECT_WINDOW, NULL, { IOCTL } },
	{ "update", RS_SUBJECT_UPDATE, NULL, { IOCTL } },
	{ "request", RS_SUBJECT_REQUEST, NULL, { NULL } },
	{ "pin", RS_SUBJECT_REQUEST, "pin", { PIN } },
	{ "unpin", RS_SUBJECT_REQUEST, "unpin", { UNPIN } },
	{ "read", RS_SUBJECT_REQUEST, "read", { DMA_RW } },
	{ "write", RS_SUBJECT_REQUEST, "write", { DMA_RW } },
	{ "map", RS_SUBJECT_REQUEST, "map", { IOCTL } },
	{ "unmap", RS_SUBJECT_REQUEST, "unmap", { IOCTL } },
	{ "invalidate", RS_SUBJECT_REQUEST, "invalidate", { IOCTL } },
	{ "remap", RS_SUBJECT_REQUEST, "remap", { IOCTL } },
};

/* A percentile p needs ceil(1 / (1 - p)) samples: with fewer it is only the maximum's other name. */
static const struct rs_stat stats[] = {
	{ "count", RS_STAT_COUNT, 0, 0, false, false },
	{ "min", RS_STAT_MIN, 0, 1, true, false },
	{ "mean", RS_STAT_MEAN, 0, 1, true, false },
	{ "max", RS_STAT_MAX, 0, 1, true, false },
	{ "p50", RS_STAT_QUANTILE, 0.5, 2, true, false },
	{ "p90", RS_STAT_QUANTILE, 0.9, 10, true, false },
	{ "p95", RS_STAT_QUANTILE, 0.95, 20, true, false },
	{ "p99", RS_STAT_QUANTILE, 0.99, 100, true, false },
	{ "p99.9", RS_STAT_QUANTILE, 0.999, 1000, true, false },
	{ "total", RS_STAT_TOTAL, 0, 1, true, false },
	{ "failed-remaps", RS_STAT_FAILED_REMAPS, 0, 0, false, true },
};

static const char *const compares[] = {
	[RS_CMP_LE] = "<=", [RS_CMP_LT] = "<",	[RS_CMP_GE] = ">=",
	[RS_CMP_GT] = ">",  [RS_CMP_EQ] = "==",
};

const char *rs_compare_name(enum rs_compare c)
{
	return compares[c];
}

struct cursor {
	const char *name;
	const char *line;
	const char *p;
	const char *end;
	unsigned int line_nr;
	struct rs_msg *msg;
};

struct word {
	const char *s;
	size_t len;
};

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

static void skip_blanks(struct cursor *c)
{
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
}

/* "FILE:LINE:COLUMN: expected ..., found ...", the place being where @at begins. */
static int fail_at(struct cursor *c, const char *at, const char *expected)
{
	const char *stop = at;
	char found[48];
	size_t n = 0;

	while (stop < c->end && is_word(*stop))
		stop++;
	if (stop == at)
		while (stop < c->end && !is_word(*stop) && !is_blank(*stop))
			stop++;
	for (const char *s = at; s < stop && n < sizeof(found) - 1; s++)
		found[n++] = *s >= ' ' && *s <= '~' ? *s : '?';
	found[n] = 0;
	if (at >= c->end)
		return rs_msg_set(c->msg, -EINVAL,
				  "%s:%u:%zu: expected %s, found the end of the line", c->name,
				  c->line_nr, (size_t)(at - c->line) + 1, expected);
	return rs_msg_set(c->msg, -EINVAL, "%s:%u:%zu: expected %s, found \"%s\"", c->name,
			  c->line_nr, (size_t)(at - c->line) + 1, expected, found);
}

static struct word take_word(struct cursor *c)
{
	struct word w;

	skip_blanks(c);
	w.s = c->p;
	while (c->p < c->end && is_word(*c->p))
		c->p++;
	w.len = (size_t)(c->p - w.s);
	return w;
}

static bool take_char(struct cursor *c, char ch)
{
	skip_blanks(c);
	if (c->p >= c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

static bool word_is(struct word w, const char *s)
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

static const char *subject_name(size_t i)
{
	return i < ARRAY_SIZE(subjects) ? subjects[i].name : NULL;
}

static const char *stat_name(size_t i)
{
	return i < ARRAY_SIZE(stats) ? stats[i].name : NULL;
}

static const char *path_name(size_t i)
{
	return i < RS_PATH_NR ? rs_path_name(i) : NULL;
}

/* A refusal without a reason is none: "none" cannot be asked for. */
static const char *reason_name(size_t i)
{
	return i + 1 < RS_REASON_NR ? rs_reason_name(i + 1) : NULL;
}

static const char *compare_name(size_t i)
{
	return i < ARRAY_SIZE(compares) ? compares[i] : NULL;
}

static const char *time_unit(size_t i)
{
	static const char *const names[] = { "ns", "us", "ms", "s" };

	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

/* The index of @w among the names, or -EINVAL and a message that lists them. */
static int lookup(struct cursor *c, struct word w, const char *what, const char *(*name_of)(size_t))
{
	char expected[320];
	const char *name;

	for (size_t i = 0; (name = name_of(i)); i++)
		if (word_is(w, name))
			return (int)i;
	list_names(expected, sizeof(expected), what, name_of);
	return fail_at(c, w.s, expected);
}

static int parse_subject(struct cursor *c, struct rs_clause *cl)
{
	int i = lookup(c, take_word(c), "a subject", subject_name);

	if (i < 0)
		return i;
	cl->subject = &subjects[i];
	return 0;
}

static int parse_named_filter(struct cursor *c, struct word key, int *value, int first,
			      const char *what, const char *(*name_of)(size_t))
{
	int i;

	if (*value >= 0)
		return fail_at(c, key.s, "each filter once");
	if (!take_char(c, '='))
		return fail_at(c, c->p, "\"=\"");
	i = lookup(c, take_word(c), what, name_of);
	if (i < 0)
		return i;
	*value = i + first;
	return 0;
}

static int parse_filter(struct cursor *c, struct rs_clause *cl)
{
	struct word key = take_word(c);

	if (cl->subject->kind != RS_SUBJECT_REQUEST)
		return fail_at(c, key.s,
			       "no filter (only requests have a path, a reason and a place)");
	if (word_is(key, "path"))
		return parse_named_filter(c, key, &cl->path, 0, "a path", path_name);
	if (word_is(key, "reason"))
		return parse_named_filter(c, key, &cl->reason, 1, "a reason", reason_name);
	if (!word_is(key, "in-window") && !word_is(key, "outside-window"))
		return fail_at(c, key.s,
			       "a filter (path=NAME, reason=NAME, in-window, outside-window)");
	if (cl->where != RS_WHERE_ANY)
		return fail_at(c, key.s, "in-window or outside-window once");
	cl->where = word_is(key, "in-window") ? RS_WHERE_INSIDE : RS_WHERE_OUTSIDE;
	return 0;
}

static int parse_filters(struct cursor *c, struct rs_clause *cl)
{
	int err;

	if (!take_char(c, '['))
		return 0;
	do {
		err = parse_filter(c, cl);
		if (err)
			return err;
	} while (take_char(c, ','));
	if (!take_char(c, ']'))
		return fail_at(c, c->p, "\",\" or \"]\"");
	return 0;
}

static int parse_stat(struct cursor *c, struct rs_clause *cl)
{
	struct word w = take_word(c);
	int i = lookup(c, w, "a statistic", stat_name);

	if (i < 0)
		return i;
	cl->stat = &stats[i];
	cl->needed = stats[i].needed;
	if (cl->stat->windows_only && cl->subject->kind != RS_SUBJECT_WINDOW)
		return fail_at(c, w.s,
			       "a statistic of requests or updates (only a window has this one)");
	return 0;
}

static int parse_compare(struct cursor *c, struct rs_clause *cl)
{
	struct word w;
	int i;

	skip_blanks(c);
	w.s = c->p;
	while (c->p < c->end && strchr("<>=!", *c->p) && *c->p)
		c->p++;
	w.len = (size_t)(c->p - w.s);
	i = lookup(c, w, "a comparison", compare_name);
	if (i < 0)
		return i;
	cl->compare = (enum rs_compare)i;
	return 0;
}

/* Digits and, if @scale allows, a fraction: a whole number of ns in the end. */
static int parse_number(struct cursor *c, __u64 *whole, const char **frac, size_t *frac_len,
			const char *expected)
{
	const char *at;

	skip_blanks(c);
	at = c->p;
	*whole = 0;
	*frac = NULL;
	*frac_len = 0;
	if (at >= c->end || !is_digit(*at))
		return fail_at(c, at, expected);
	for (; c->p < c->end && is_digit(*c->p); c->p++) {
		if (__builtin_mul_overflow(*whole, 10ULL, whole) ||
		    __builtin_add_overflow(*whole, (__u64)(*c->p - '0'), whole))
			return fail_at(c, at, "a smaller number");
	}
	if (c->p < c->end && *c->p == '.') {
		*frac = ++c->p;
		while (c->p < c->end && is_digit(*c->p))
			c->p++;
		*frac_len = (size_t)(c->p - *frac);
		if (!*frac_len)
			return fail_at(c, at, "digits after the point");
	}
	return 0;
}

static int parse_time(struct cursor *c, __u64 *ns)
{
	static const __u64 scales[] = { 1, 1000, 1000000, 1000000000 };
	const char *frac, *at;
	__u64 scale, rest = 0;
	size_t frac_len;
	struct word w;
	int i, err;

	skip_blanks(c);
	at = c->p;
	err = parse_number(c, ns, &frac, &frac_len, "a time (10ms)");
	if (err)
		return err;
	w = take_word(c);
	i = lookup(c, w, "a unit of time", time_unit);
	if (i < 0)
		return i;
	scale = scales[i];
	if (__builtin_mul_overflow(*ns, scale, ns) || *ns > INT64_MAX)
		return fail_at(c, at, "a shorter time");
	for (size_t k = 0; k < frac_len; k++) {
		__u64 digit = (__u64)(frac[k] - '0');

		if (scale == 1 && digit)
			return fail_at(c, at, "a whole number of ns");
		scale = scale > 1 ? scale / 10 : 1;
		rest += scale * digit;
	}
	*ns += rest;
	return 0;
}

static int parse_plain(struct cursor *c, __u64 *n, const char *expected)
{
	const char *frac, *at;
	size_t frac_len;
	int err;

	skip_blanks(c);
	at = c->p;
	err = parse_number(c, n, &frac, &frac_len, expected);
	if (err)
		return err;
	if (frac_len || *n > INT64_MAX || (c->p < c->end && is_word(*c->p)))
		return fail_at(c, at, expected);
	return 0;
}

static int parse_option(struct cursor *c, struct rs_clause *cl)
{
	struct word w;
	int err;

	skip_blanks(c);
	if (c->p >= c->end)
		return 0;
	w = take_word(c);
	if (!word_is(w, "min-samples"))
		return fail_at(c, w.s, "min-samples=N or the end of the line");
	if (!cl->stat->needed)
		return fail_at(c, w.s, "the end of the line (a number of things needs no samples)");
	if (!take_char(c, '='))
		return fail_at(c, c->p, "\"=\"");
	skip_blanks(c);
	w.s = c->p;
	err = parse_plain(c, &cl->needed, "a whole number");
	if (err)
		return err;
	if (!cl->needed)
		return fail_at(c, w.s, "at least 1");
	skip_blanks(c);
	return c->p < c->end ? fail_at(c, c->p, "the end of the line") : 0;
}

static int parse_clause(struct cursor *c, struct rs_clause *cl)
{
	int err;

	cl->path = -1;
	cl->reason = -1;
	cl->line = c->line_nr;
	err = parse_subject(c, cl);
	if (!err)
		err = parse_filters(c, cl);
	if (!err)
		err = parse_stat(c, cl);
	if (!err)
		err = parse_compare(c, cl);
	if (!err)
		err = cl->stat->time ? parse_time(c, &cl->limit)
				     : parse_plain(c, &cl->limit, "a whole number");
	if (!err)
		err = parse_option(c, cl);
	return err;
}

static int add_line(struct rs_budget *b, struct cursor *c)
{
	struct rs_clause *grown;
	struct rs_clause cl = { 0 };
	int err;

	skip_blanks(c);
	if (c->p >= c->end)
		return 0;
	cl.text = strndup(c->p, (size_t)(c->end - c->p));
	if (!cl.text)
		return rs_msg_set(c->msg, -ENOMEM, "out of memory");
	err = parse_clause(c, &cl);
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
	struct cursor c = { .name = name, .msg = msg };
	struct rs_budget *b = calloc(1, sizeof(*b));
	const char *next;
	int err = 0;

	if (!b)
		return rs_msg_set(msg, -ENOMEM, "out of memory");
	b->name = strdup(name);
	if (!b->name)
		err = rs_msg_set(msg, -ENOMEM, "out of memory");
	for (c.line = text; !err && *c.line; c.line = next) {
		size_t len = strcspn(c.line, "\n");

		next = c.line + len + (c.line[len] == '\n');
		c.line_nr++;
		c.p = c.line;
		c.end = c.line + strcspn(c.line, "#\n");
		while (c.end > c.p && is_blank(c.end[-1]))
			c.end--;
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
