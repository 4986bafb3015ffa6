/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the text report share. */
#ifndef RS_RENDER_REPORT_H
#define RS_RENDER_REPORT_H

#include "render/text.h"

/** rs_report_section() - a blank line and a heading */
void rs_report_section(struct rs_text *t, const char *heading);

/** rs_report_updates() - the updates with their phases and windows */
void rs_report_updates(struct rs_text *t, const struct rs_result *r);

/**
 * rs_report_requests() - requests by path and device, the slowest, those before a window
 *
 * Return: 0 or -ENOMEM
 */
int rs_report_requests(struct rs_text *t, const struct rs_result *r);

/** rs_report_window() - a window by its id; NULL: there is none */
const struct rs_window_view *rs_report_window(const struct rs_result *r, __u32 id);

/** rs_verdict_tone() - how a verdict looks */
enum rs_tone rs_verdict_tone(enum rs_verdict v);

/** rs_verdict_label() - "pass", "UNKNOWN", "VIOLATED": what matters must stand out in a log */
const char *rs_verdict_label(enum rs_verdict v);

/** rs_report_excerpt() - what an excerpt is of: words of a line. Only of one */
void rs_report_excerpt(struct rs_text *t, const struct rs_result *r);

/* report_iommufd.c */
void rs_report_handovers(struct rs_text *t, const struct rs_result *r,
			 const struct rs_update_view *u);
void rs_report_ioctxs(struct rs_text *t, const struct rs_result *r);

/* report_guest.c */
void rs_report_outcome(struct rs_text *t, const struct rs_result *r,
		       const struct rs_update_view *u);
void rs_report_guest(struct rs_text *t, const struct rs_result *r, const struct rs_update_view *u);

#endif /* RS_RENDER_REPORT_H */
