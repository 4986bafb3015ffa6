// SPDX-License-Identifier: GPL-2.0-only
/* A directory of traces that stays below a size. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "capture/traces.h"

struct dir {
	char path[64];
	struct rs_traces t;
};

static int setup(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	strcpy(d->path, "/tmp/rs-traces-XXXXXX");
	assert_non_null(mkdtemp(d->path));
	d->t = (struct rs_traces){ .path = d->path, .limit = 1000, .fd = -1 };
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct dir *d = *state;
	char command[160];

	rs_traces_close(&d->t);
	snprintf(command, sizeof(command), "rm -rf %s %s.old", d->path, d->path);
	assert_int_equal(system(command), 0);
	free(d);
	return 0;
}

static void make(const struct dir *d, const char *name, long bytes)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(truncate(path, bytes), 0);
}

static bool there(const struct dir *d, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	return !access(path, F_OK);
}

#define NAME(n) "remapscope-2026010" #n "T000000.000Z.trace"

static void oldest_first(void **state)
{
	struct dir *d = *state;
	struct rs_msg msg;

	assert_int_equal(rs_traces_open(&d->t, &msg), 0);
	assert_int_equal(rs_traces_trim(&d->t, NULL, &msg), 0);
	make(d, NAME(2), 400);
	make(d, NAME(1), 300);
	make(d, NAME(3), 300);
	assert_int_equal(rs_traces_trim(&d->t, NULL, &msg), 0);
	make(d, NAME(4), 1);
	assert_int_equal(rs_traces_trim(&d->t, NULL, &msg), 1);
	assert_false(there(d, NAME(1)));
	assert_true(there(d, NAME(2)) && there(d, NAME(3)) && there(d, NAME(4)));
	/* As many as are needed, but not the one that is being written. */
	make(d, NAME(5), 950);
	assert_int_equal(rs_traces_trim(&d->t, "somewhere/" NAME(2), &msg), 3);
	assert_true(there(d, NAME(2)) && there(d, NAME(5)) == false);
	assert_int_equal(rs_traces_trim(&d->t, NULL, &msg), 0);
	d->t.limit = 0;
	make(d, NAME(6), 5000);
	assert_int_equal(rs_traces_trim(&d->t, NULL, &msg), 0);
}

static void others_are_left_alone(void **state)
{
	static const char *const names[] = {
		"remapscope.trace",
		"remapscope-20260101.trace",
		"remapscope-20260101T000000.000Z.trace.gz",
		"remapscope-20260101T000000.000Z.trac",
		"remapscope-2026010xT000000.000Z.trace",
		"xremapscope-20260101T000000.000Z.trace",
	};
	struct dir *d = *state;
	struct rs_msg msg;

	assert_int_equal(rs_traces_open(&d->t, &msg), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		make(d, names[i], 5000);
	make(d, NAME(1), 900);
	assert_int_equal(rs_traces_trim(&d->t, NULL, &msg), 0);
	d->t.limit = 10;
	assert_int_equal(rs_traces_trim(&d->t, NULL, &msg), 1);
	assert_false(there(d, NAME(1)));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(there(d, names[i]));
}

static void names(void **state)
{
	struct dir *d = *state;
	struct rs_msg msg;
	char want[256], *name;

	assert_int_equal(rs_traces_open(&d->t, &msg), 0);
	/* 2026-11-23T05:49:11.123Z */
	name = rs_traces_name(&d->t, 1795412951123456789ULL);
	snprintf(want, sizeof(want), "%s/remapscope-20261123T054911.123Z.trace", d->path);
	assert_string_equal(name, want);
	make(d, strrchr(name, '/') + 1, 2000);
	free(name);
	/* Taken: the next one, which still sorts after it; and it is one of ours. */
	name = rs_traces_name(&d->t, 1795412951123456789ULL);
	snprintf(want, sizeof(want), "%s/remapscope-20261123T054911.124Z.trace", d->path);
	assert_string_equal(name, want);
	free(name);
	assert_int_equal(rs_traces_trim(&d->t, NULL, &msg), 1);
}

static void one_at_a_time(void **state)
{
	struct dir *d = *state;
	struct rs_traces other = { .path = d->path, .fd = -1 };
	struct rs_msg msg;
	char old[80];

	assert_int_equal(rs_traces_open(&d->t, &msg), 0);
	assert_int_equal(rs_traces_open(&other, &msg), -EBUSY);
	assert_non_null(strstr(msg.text, "another remapscope writes its traces"));
	assert_int_equal(other.fd, -1);
	/* Anew, the same one. */
	assert_int_equal(rs_traces_open(&d->t, &msg), 0);
	/* Its name is another one's by now; the old one is free then. */
	snprintf(old, sizeof(old), "%s.old", d->path);
	assert_int_equal(rename(d->path, old), 0);
	assert_int_equal(rs_traces_open(&d->t, &msg), -ENOENT);
	assert_true(d->t.fd >= 0);
	assert_int_equal(mkdir(d->path, 0700), 0);
	assert_int_equal(rs_traces_open(&d->t, &msg), 0);
	other.path = old;
	assert_int_equal(rs_traces_open(&other, &msg), 0);
	make(d, NAME(1), 2000);
	assert_int_equal(rs_traces_trim(&d->t, NULL, &msg), 1);
	rs_traces_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(oldest_first, setup, teardown),
		cmocka_unit_test_setup_teardown(others_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(one_at_a_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
