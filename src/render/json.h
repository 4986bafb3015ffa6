/* SPDX-License-Identifier: GPL-2.0-only */
/* What the JSON renderers share. */
#ifndef RS_RENDER_JSON_H
#define RS_RENDER_JSON_H

#include <jansson.h>

/** rs_json_text() - any bytes as a string, null for NULL; what is not UTF-8 becomes U+FFFD */
json_t *rs_json_text(const char *s);

#endif /* RS_RENDER_JSON_H */
