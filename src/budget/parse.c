// SPDX-License-Identifier: GPL-2.0-only
/* The grammar of a clause: docs/budgets.md. */
#define _GNU_SOURCE 1
#include "budget/clause.h"
#include "budget/scan.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define IOCTL  "vfio_iommu_type1_ioctl"
#define EXEC   "sched_process_exec"
#define PIN    "vfio_pin_pages", "vfio_iommu_type1_pin_pages"
#define UNPIN  "vfio_unpin_pages", "vfio_iommu_type1_unpin_pages"
#define DMA_RW "vfio_dma_rw", "vfio_iommu_type1_dma_rw"
#define CHANGE "iommufd_ioas_change_process"
#define MAPS   "iommufd_ioas_map", "iommufd_ioas_map_file"
#define UNMAPS "iommufd_ioas_unmap"
#define PINS   "iommufd_access_pin_pages"
#define UNPINS "iommufd_access_unpin_pages"
#define COPIES "iommufd_access_rw"

#define IN_HANDOVER_ALL \
	"another filter (inside hand-overs requests are not told apart by their device)"

/* `request` needs the hooks of all the others. */
static const struct rs_subject subjects[] = {
	{ "window", RS_SUBJECT_WINDOW, NULL, { IOCTL }, { NULL }, false },
	{ "handover", RS_SUBJECT_HANDOVER, NULL, { CHANGE, EXEC }, { NULL }, false },
	{ "update", RS_SUBJECT_UPDATE, NULL, { IOCTL }, { CHANGE }, false },
	{ "blackout", RS_SUBJECT_BLACKOUT, NULL, { IOCTL }, { CHANGE }, false },
	{ "phase", RS_SUBJECT_PHASE, NULL, { IOCTL, EXEC }, { CHANGE }, false },
	{ "range", RS_SUBJECT_RANGE, NULL, { IOCTL }, { NULL }, false },
	{ "request", RS_SUBJECT_REQUEST, NULL, { NULL }, { NULL }, true },
	{ "pin", RS_SUBJECT_REQUEST, "pin", { PIN }, { PINS }, true },
	{ "unpin", RS_SUBJECT_REQUEST, "unpin", { UNPIN }, { UNPINS }, true },
	{ "read", RS_SUBJECT_REQUEST, "read", { DMA_RW }, { COPIES }, true },
	{ "write", RS_SUBJECT_REQUEST, "write", { DMA_RW }, { COPIES }, true },
	{ "map", RS_SUBJECT_REQUEST, "map", { IOCTL }, { MAPS }, false },
	{ "unmap", RS_SUBJECT_REQUEST, "unmap", { IOCTL }, { UNMAPS }, false },
	{ "invalidate", RS_SUBJECT_REQUEST, "invalidate", { IOCTL }, { NULL }, false },
	{ "remap", RS_SUBJECT_REQUEST, "remap", { IOCTL }, { NULL }, false },
	{ "change", RS_SUBJECT_REQUEST, "change", { CHANGE }, { NULL }, false },
};

/* The last one stands for all percentiles. */
static const struct rs_stat stats[] = {
	{ "count", RS_STAT_COUNT, 0, RS_UNIT_NUMBER, false },
	{ "rate", RS_STAT_RATE, 0, RS_UNIT_RATE, false },
	{ "min", RS_STAT_MIN, 1, RS_UNIT_TIME, false },
	{ "mean", RS_STAT_MEAN, 1, RS_UNIT_TIME, false },
	{ "max", RS_STAT_MAX, 1, RS_UNIT_TIME, false },
	{ "total", RS_STAT_TOTAL, 1, RS_UNIT_TIME, false },
	{ "failed-remaps", RS_STAT_FAILED_REMAPS, 0, RS_UNIT_NUMBER, true },
	{ "p50 ... p99.999", RS_STAT_QUANTILE, 1, RS_UNIT_TIME, false },
};

static const char *const compares[] = {
	[RS_CMP_LE] = "<=", [RS_CMP_LT] = "<",	[RS_CMP_GE] = ">=",
	[RS_CMP_GT] = ">",  [RS_CMP_EQ] = "==",
};

const char *rs_compare_name(enum rs_compare c)
{
	return compares[c];
}

__u64 rs_quantile_needed(unsigned int quantile)
{
	unsigned int rare = RS_QUANTILE_ONE - quantile;

	if (quantile < rare)
		rare = quantile;
	return (RS_QUANTILE_ONE + rare - 1) / rare;
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

static const char *direction_name(size_t i)
{
	static const char *const names[] = { "read", "write" };

	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

static const char *part_name(size_t i)
{
	static const char *const names[] = {
		[RS_LAT_WAIT - 1] = "wait",
		[RS_LAT_WORK - 1] = "work",
	};

	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

static const char *compare_name(size_t i)
{
	return i < ARRAY_SIZE(compares) ? compares[i] : NULL;
}

static const char *time_unit(size_t i)
{
	static const char *const names[] = { "ns", "us", "ms", "s", "x base" };

	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

static int parse_subject(struct rs_cursor *c, struct rs_clause *cl)
{
	int i = rs_scan_lookup(c, rs_scan_word(c), "a subject", subject_name);

	if (i < 0)
		return i;
	cl->subject = cl->made_by = &subjects[i];
	return 0;
}

/* "=" and one of the names; @again: the filter was there before. */
static int parse_named(struct rs_cursor *c, struct rs_word key, bool again, const char *what,
		       const char *(*name_of)(size_t))
{
	if (again)
		return rs_scan_fail(c, key.s, "each filter once");
	if (!rs_scan_char(c, '='))
		return rs_scan_fail(c, c->p, "\"=\"");
	return rs_scan_lookup(c, rs_scan_word(c), what, name_of);
}

static int parse_device(struct rs_cursor *c, struct rs_clause *cl, struct rs_word key)
{
	if (!cl->subject->devices)
		return rs_scan_fail(c, key.s,
				    "another filter (these requests are not made by devices)");
	if (cl->device[0])
		return rs_scan_fail(c, key.s, "each filter once");
	if (cl->where == RS_WHERE_HANDOVER)
		return rs_scan_fail(c, key.s, IN_HANDOVER_ALL);
	if (!rs_scan_char(c, '='))
		return rs_scan_fail(c, c->p, "\"=\"");
	return rs_scan_name(c, cl->device, sizeof(cl->device), "a device's name");
}

static int parse_direction(struct rs_cursor *c, struct rs_clause *cl, struct rs_word key)
{
	int i;

	if (cl->subject->op)
		return rs_scan_fail(c, key.s, "another filter (only of request there are several)");
	i = parse_named(c, key, cl->made_by->op != NULL, "a direction", direction_name);
	for (size_t k = 0; i >= 0 && k < ARRAY_SIZE(subjects); k++)
		if (!strcmp(subjects[k].name, direction_name((size_t)i)))
			cl->made_by = &subjects[k];
	return i < 0 ? i : 0;
}

static int parse_place(struct rs_cursor *c, struct rs_clause *cl, struct rs_word key)
{
	if (cl->where != RS_WHERE_ANY)
		return rs_scan_fail(c, key.s, "in-window, outside-window or in-handover once");
	if (rs_word_is(key, "in-window"))
		cl->where = RS_WHERE_INSIDE;
	else if (rs_word_is(key, "outside-window"))
		cl->where = RS_WHERE_OUTSIDE;
	else
		cl->where = RS_WHERE_HANDOVER;
	if (cl->where != RS_WHERE_HANDOVER)
		return 0;
	if (!cl->subject->devices)
		return rs_scan_fail(
			c, key.s,
			"another filter (these requests are not told apart by hand-overs)");
	return cl->device[0] ? rs_scan_fail(c, key.s, IN_HANDOVER_ALL) : 0;
}

static int parse_request_filter(struct rs_cursor *c, struct rs_clause *cl, struct rs_word key)
{
	int i;

	if (rs_word_is(key, "path")) {
		i = parse_named(c, key, cl->path >= 0, "a path", path_name);
		cl->path = i;
		return i < 0 ? i : 0;
	}
	if (rs_word_is(key, "reason")) {
		i = parse_named(c, key, cl->reason >= 0, "a reason", reason_name);
		cl->reason = i + 1;
		return i < 0 ? i : 0;
	}
	if (rs_word_is(key, "part")) {
		i = parse_named(c, key, cl->part != RS_LAT_TOTAL, "a part", part_name);
		cl->part = i + 1;
		return i < 0 ? i : 0;
	}
	if (rs_word_is(key, "device"))
		return parse_device(c, cl, key);
	if (rs_word_is(key, "direction"))
		return parse_direction(c, cl, key);
	if (rs_word_is(key, "in-window") || rs_word_is(key, "outside-window") ||
	    rs_word_is(key, "in-handover"))
		return parse_place(c, cl, key);
	return rs_scan_fail(c, key.s,
			    "a filter (path=, reason=, device=, direction=, part=, in-window, "
			    "outside-window, in-handover)");
}

static int parse_filter(struct rs_cursor *c, struct rs_clause *cl)
{
	struct rs_word key = rs_scan_word(c);
	int i;

	if (cl->subject->kind == RS_SUBJECT_REQUEST)
		return parse_request_filter(c, cl, key);
	if (cl->subject->kind != RS_SUBJECT_PHASE)
		return rs_scan_fail(c, key.s, "no filter (only requests and phases have some)");
	if (!rs_word_is(key, "name"))
		return rs_scan_fail(c, key.s, "a phase's name (name=)");
	i = parse_named(c, key, cl->phase != NULL, "a phase", rs_phase_name);
	if (i < 0)
		return i;
	cl->phase = rs_phase_name((size_t)i);
	return 0;
}

static int parse_filters(struct rs_cursor *c, struct rs_clause *cl)
{
	int err;

	if (rs_scan_char(c, '[')) {
		do {
			err = parse_filter(c, cl);
			if (err)
				return err;
		} while (rs_scan_char(c, ','));
		if (!rs_scan_char(c, ']'))
			return rs_scan_fail(c, c->p, "\",\" or \"]\"");
	}
	if (cl->subject->kind == RS_SUBJECT_PHASE && !cl->phase)
		return rs_scan_fail(c, c->p, "\"[name=\" and a phase's name");
	return 0;
}

/* "p99.9"; false when it is not of this form at all. */
static bool looks_like_quantile(struct rs_word w)
{
	return w.len > 1 && w.s[0] == 'p' && w.s[1] >= '0' && w.s[1] <= '9';
}

static int parse_quantile(struct rs_cursor *c, struct rs_word w, struct rs_clause *cl)
{
	static const char *const expected =
		"a percentile (above p0, below p100, at most three digits after the point)";
	struct rs_cursor digits = *c;
	struct rs_number n;
	__u64 quantile;

	digits.p = w.s + 1;
	digits.end = w.s + w.len;
	digits.msg = NULL;
	if (rs_scan_number(&digits, &n, "") || digits.p != digits.end ||
	    rs_number_scaled(&n, RS_QUANTILE_ONE / 100, &quantile) || !quantile ||
	    quantile >= RS_QUANTILE_ONE)
		return rs_scan_fail(c, w.s, expected);
	cl->stat = &stats[ARRAY_SIZE(stats) - 1];
	cl->quantile = (unsigned int)quantile;
	cl->needed = rs_quantile_needed(cl->quantile);
	return 0;
}

static int parse_stat(struct rs_cursor *c, struct rs_clause *cl)
{
	struct rs_word w = rs_scan_word(c);
	int i;

	if (looks_like_quantile(w))
		return parse_quantile(c, w, cl);
	i = rs_scan_lookup(c, w, "a statistic", stat_name);
	if (i < 0)
		return i;
	cl->stat = &stats[i];
	cl->needed = stats[i].needed;
	if (cl->stat->windows_only && cl->subject->kind != RS_SUBJECT_WINDOW)
		return rs_scan_fail(c, w.s, "another statistic (only a window has this one)");
	if (cl->part != RS_LAT_TOTAL && cl->stat->unit != RS_UNIT_TIME)
		return rs_scan_fail(c, w.s, "a statistic of time (part= splits a time)");
	return 0;
}

static int parse_compare(struct rs_cursor *c, struct rs_clause *cl)
{
	int i = rs_scan_lookup(c, rs_scan_any_of(c, "<>=!"), "a comparison", compare_name);

	if (i < 0)
		return i;
	cl->compare = (enum rs_compare)i;
	return 0;
}

/* What follows "x" of "1.2x base". */
static int parse_factor(struct rs_cursor *c, const struct rs_number *n, struct rs_clause *cl)
{
	struct rs_word w = rs_scan_word(c);

	if (!rs_word_is(w, "base"))
		return rs_scan_fail(c, w.s, "\"base\"");
	switch (rs_number_scaled(n, RS_MICRO, &cl->limit)) {
	case 0:
		break;
	case -EDOM:
		return rs_scan_fail(c, n->at, "at most six digits after the point");
	default:
		return rs_scan_fail(c, n->at, "a smaller number");
	}
	if (!cl->limit)
		return rs_scan_fail(c, n->at, "a factor above 0");
	if (cl->limit > RS_MICRO * RS_MICRO)
		return rs_scan_fail(c, n->at, "a smaller number");
	cl->ratio = true;
	return 0;
}

static int parse_time(struct rs_cursor *c, struct rs_word unit, const struct rs_number *n,
		      __u64 *ns)
{
	static const __u64 scales[] = { 1, 1000, 1000000, 1000000000 };
	int i = rs_scan_lookup(c, unit, "a unit of time", time_unit);

	if (i < 0)
		return i;
	switch (rs_number_scaled(n, scales[i], ns)) {
	case 0:
		return 0;
	case -EDOM:
		return rs_scan_fail(c, n->at, "a whole number of ns");
	default:
		return rs_scan_fail(c, n->at, "a shorter time");
	}
}

static int parse_rate(struct rs_cursor *c, const struct rs_number *n, __u64 *rate)
{
	struct rs_word w;

	if (!rs_scan_char(c, '/'))
		return rs_scan_fail(c, c->p, "\"/s\" or \"x base\"");
	w = rs_scan_word(c);
	if (!rs_word_is(w, "s"))
		return rs_scan_fail(c, w.s, "\"s\"");
	switch (rs_number_scaled(n, RS_MICRO, rate)) {
	case 0:
		return 0;
	case -EDOM:
		return rs_scan_fail(c, n->at, "at most six digits after the point");
	default:
		return rs_scan_fail(c, n->at, "a smaller number");
	}
}

static int parse_value(struct rs_cursor *c, struct rs_clause *cl)
{
	static const char *const expected[] = {
		[RS_UNIT_TIME] = "a time (10ms) or a factor (1.2x base)",
		[RS_UNIT_NUMBER] = "a whole number or a factor (1.2x base)",
		[RS_UNIT_RATE] = "a rate (100/s) or a factor (1.2x base)",
	};
	const char *what = expected[cl->stat->unit];
	struct rs_number n;
	struct rs_word unit;
	int err = rs_scan_number(c, &n, what);

	if (err)
		return err;
	cl->column = (unsigned int)(n.at - c->line) + 1;
	unit = rs_scan_word(c);
	if (rs_word_is(unit, "x"))
		return parse_factor(c, &n, cl);
	if (cl->stat->unit == RS_UNIT_TIME)
		return parse_time(c, unit, &n, &cl->limit);
	c->p = unit.s;
	if (cl->stat->unit == RS_UNIT_RATE)
		return parse_rate(c, &n, &cl->limit);
	/* What stands apart may be an option; what does not is no number. */
	if (n.frac_len || n.whole > INT64_MAX ||
	    (unit.len && unit.s > n.at && unit.s[-1] >= '0' && unit.s[-1] <= '9'))
		return rs_scan_fail(c, n.at, what);
	cl->limit = n.whole;
	return 0;
}

static int parse_option(struct rs_cursor *c, struct rs_clause *cl)
{
	struct rs_word w;
	int err;

	if (rs_scan_at_end(c))
		return 0;
	w = rs_scan_word(c);
	if (!rs_word_is(w, "min-samples"))
		return rs_scan_fail(c, w.s, "min-samples=N or the end of the line");
	if (!cl->stat->needed)
		return rs_scan_fail(c, w.s,
				    "the end of the line (a number of things needs no samples)");
	if (!rs_scan_char(c, '='))
		return rs_scan_fail(c, c->p, "\"=\"");
	rs_scan_at_end(c);
	w.s = c->p;
	err = rs_scan_plain(c, &cl->needed, "a whole number");
	if (err)
		return err;
	if (!cl->needed)
		return rs_scan_fail(c, w.s, "at least 1");
	return rs_scan_at_end(c) ? 0 : rs_scan_fail(c, c->p, "the end of the line");
}

int rs_clause_parse(struct rs_cursor *c, struct rs_clause *cl)
{
	int err;

	cl->path = -1;
	cl->reason = -1;
	cl->part = RS_LAT_TOTAL;
	cl->line = c->line_nr;
	err = parse_subject(c, cl);
	if (!err)
		err = parse_filters(c, cl);
	if (!err)
		err = parse_stat(c, cl);
	if (!err)
		err = parse_compare(c, cl);
	if (!err)
		err = parse_value(c, cl);
	if (!err)
		err = parse_option(c, cl);
	return err;
}
