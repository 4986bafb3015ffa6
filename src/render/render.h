/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Renderers
 *
 * They print a result; they decide, count and compute nothing that another renderer would need too.
 * Each returns 0 or -errno (a write error of @out).
 */
#ifndef RS_RENDER_RENDER_H
#define RS_RENDER_RENDER_H

#include <stdio.h>
#include "result/result.h"

/**
 * struct rs_style - how text is laid out
 * @color: use ANSI colours
 * @width: columns to stay within, at least 60
 * @verbose: 0: the essentials; 1: every range, every hook
 */
struct rs_style {
	bool color;
	int width;
	int verbose;
};

/** rs_style_for() - 80 columns, or the terminal's; colour on a terminal without NO_COLOR */
struct rs_style rs_style_for(FILE *out);

/** rs_render_report() - what happened, for a person */
int rs_render_report(const struct rs_result *r, const struct rs_style *style, FILE *out);

/** rs_render_check() - the verdict and what proves it, for a person */
int rs_render_check(const struct rs_result *r, const struct rs_style *style, FILE *out);

/** rs_render_json() - all of it; docs/json.md has the schema */
int rs_render_json(const struct rs_result *r, FILE *out);

/** rs_render_json_line() - the same on one line */
int rs_render_json_line(const struct rs_result *r, FILE *out);

/**
 * rs_render_told() - what &rs_listener.told is given, for a person who sees it come
 *
 * A line for the update, or for what was found; below an update's line one for each reason why it does not pass.
 */
int rs_render_told(const struct rs_result *r, const struct rs_style *style, FILE *out);

/** rs_render_junit() - the verdicts as JUnit XML: a test case per rule and per budget clause */
int rs_render_junit(const struct rs_result *r, FILE *out);

/**
 * rs_describe_event() - one line of text for an event
 * @r: for names of containers (c1) and processes; may be NULL
 * @buf: at least 200 bytes
 */
void rs_describe_event(const struct rs_result *r, const struct rs_event *ev, char *buf, size_t len);

/** rs_event_type_name() - "map", "unmap", "exec", ...; "unknown" for a type from the future */
const char *rs_event_type_name(const struct rs_event *ev);

#endif /* RS_RENDER_RENDER_H */
