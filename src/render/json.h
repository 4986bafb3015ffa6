/* SPDX-License-Identifier: GPL-2.0-only */
/* What the JSON renderers share. A value that could not be made is NULL, which json_pack() passes on. */
#ifndef RS_RENDER_JSON_H
#define RS_RENDER_JSON_H

#include <jansson.h>
#include "result/result.h"

/** rs_json_text() - any bytes as a string, null for NULL; what is not UTF-8 becomes U+FFFD */
json_t *rs_json_text(const char *s);

/** rs_json_hex() - an address or offset */
json_t *rs_json_hex(__u64 v);

/** rs_json_num() - JSON's integers end at 2^63 - 1 in this library and in many readers */
json_int_t rs_json_num(__u64 v);

/** rs_json_when() - a time; one that is not known is null */
json_t *rs_json_when(__u64 ns);

/** rs_json_id() - 0 is null */
json_t *rs_json_id(__u32 id);

/** rs_json_proc() - a process, null when there is none */
json_t *rs_json_proc(const struct rs_proc_ref *p);

/** rs_json_backing() - what lies behind a range */
json_t *rs_json_backing(const struct rs_result *r, const struct rs_backing_list *l);

/** rs_json_requests() - rows of requests */
json_t *rs_json_requests(const struct rs_result *r, const struct rs_request_row *row, size_t nr);

/* Of iommufd (json_iommufd.c): */

/** rs_json_areas() - areas of ioas */
json_t *rs_json_areas(const struct rs_result *r, const struct rs_area_view *area, size_t nr);

/** rs_json_ioctxs() - all contexts */
json_t *rs_json_ioctxs(const struct rs_result *r);

/** rs_json_handovers() - all hand-overs */
json_t *rs_json_handovers(const struct rs_result *r);

#endif /* RS_RENDER_JSON_H */
