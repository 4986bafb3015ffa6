/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the events' sentences share. */
#ifndef RS_TESTS_DESCRIBE_EVENT_H
#define RS_TESTS_DESCRIBE_EVENT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "render/render.h"

#define HEAD(t, s) \
	.h = { .ts = 1000, .mm = 0x10, .tgid = 7, .tid = 7, .type = (t), .size = sizeof(s) }

static inline void says(const void *ev, const char *want)
{
	char got[240];

	rs_describe_event(NULL, ev, got, sizeof(got));
	assert_string_equal(got, want);
}

#endif /* RS_TESTS_DESCRIBE_EVENT_H */
