// SPDX-License-Identifier: GPL-2.0-only
/* A clause as text, in its one canonical form. */
#define _GNU_SOURCE 1
#include "budget/clause.h"
#include "stats/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct rs_short rs_micro_text(__u64 micro)
{
	struct rs_short t;
	size_t n;

	snprintf(t.s, sizeof(t.s), "%llu.%06llu", micro / RS_MICRO, micro % RS_MICRO);
	for (n = strlen(t.s); t.s[n - 1] == '0'; n--)
		t.s[n - 1] = 0;
	if (t.s[n - 1] == '.')
		t.s[n - 1] = 0;
	return t;
}

struct rs_short rs_clause_stat_name(const struct rs_clause *cl)
{
	struct rs_short t;

	if (cl->stat->kind == RS_STAT_QUANTILE)
		snprintf(t.s, sizeof(t.s), "p%.20s",
			 rs_micro_text((__u64)cl->quantile * (RS_MICRO / 1000)).s);
	else
		snprintf(t.s, sizeof(t.s), "%s", cl->stat->name);
	return t;
}

struct line {
	struct rs_clause_text text;
	size_t n;
	bool filtered;
};

static void put(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *l, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(l->text.s + l->n, sizeof(l->text.s) - l->n, fmt, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(l->text.s) - l->n)
		l->n += (size_t)n;
}

static void filter(struct line *l, const char *key, const char *value)
{
	put(l, "%s%s%s", l->filtered ? ", " : "[", key, value);
	l->filtered = true;
}

static void put_filters(struct line *l, const struct rs_clause *cl)
{
	static const char *const places[] = {
		[RS_WHERE_INSIDE] = "in-window",
		[RS_WHERE_OUTSIDE] = "outside-window",
		[RS_WHERE_HANDOVER] = "in-handover",
	};
	static const char *const parts[] = { [RS_LAT_WAIT] = "wait", [RS_LAT_WORK] = "work" };
	char device[sizeof(cl->device) + 2];

	if (cl->phase)
		filter(l, "name=", cl->phase);
	if (cl->path >= 0)
		filter(l, "path=", rs_path_name((enum rs_path)cl->path));
	if (cl->reason >= 0)
		filter(l, "reason=", rs_reason_name((enum rs_reason)cl->reason));
	if (cl->device[0]) {
		snprintf(device, sizeof(device), "\"%s\"", cl->device);
		filter(l, "device=", device);
	}
	if (cl->made_by != cl->subject)
		filter(l, "direction=", cl->made_by->name);
	if (cl->part != RS_LAT_TOTAL)
		filter(l, "part=", parts[cl->part]);
	if (cl->where != RS_WHERE_ANY)
		filter(l, places[cl->where], "");
	if (l->filtered)
		put(l, "]");
}

struct rs_clause_text rs_clause_print(const struct rs_clause *cl)
{
	struct line l = { .n = 0 };
	__u64 usual = cl->stat->needed;

	if (cl->stat->kind == RS_STAT_QUANTILE)
		usual = rs_quantile_needed(cl->quantile);
	put(&l, "%s", cl->subject->name);
	put_filters(&l, cl);
	put(&l, " %s %s ", rs_clause_stat_name(cl).s, rs_compare_name(cl->compare));
	if (cl->ratio)
		put(&l, "%sx base", rs_micro_text(cl->limit).s);
	else if (cl->stat->unit == RS_UNIT_TIME)
		put(&l, "%s", rs_fmt_len_exact(cl->limit).s);
	else if (cl->stat->unit == RS_UNIT_RATE)
		put(&l, "%s/s", rs_micro_text(cl->limit).s);
	else
		put(&l, "%llu", cl->limit);
	if (cl->needed != usual)
		put(&l, " min-samples=%llu", cl->needed);
	return l.text;
}
