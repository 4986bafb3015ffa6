/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Renderers of a diff
 *
 * Each returns 0 or -errno (a write error of @out).
 */
#ifndef RS_RENDER_DIFF_H
#define RS_RENDER_DIFF_H

#include "diff/diff.h"
#include "render/render.h"

/** rs_render_diff() - a table for a person, worst first; what did not change is folded unless verbose */
int rs_render_diff(const struct rs_diff *d, const struct rs_style *style, FILE *out);

/** rs_render_diff_json() - all of it; docs/diff.md has the schema */
int rs_render_diff_json(const struct rs_diff *d, FILE *out);

#endif /* RS_RENDER_DIFF_H */
