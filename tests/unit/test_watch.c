// SPDX-License-Identifier: GPL-2.0-only
/* A module that comes and goes, in a directory that looks like /sys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "attach/watch.h"

struct sys {
	char dir[64];
	char module[128];
	char state[160];
	struct rs_watch *w;
};

static int setup(void **state)
{
	struct sys *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	strcpy(s->dir, "/tmp/rs-watch-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->module, sizeof(s->module), "%s/module", s->dir);
	assert_int_equal(mkdir(s->module, 0755), 0);
	snprintf(s->module, sizeof(s->module), "%s/module/vfio_iommu_type1", s->dir);
	snprintf(s->state, sizeof(s->state), "%s/initstate", s->module);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct sys *s = *state;
	char command[128];

	rs_watch_close(s->w);
	snprintf(command, sizeof(command), "rm -rf %s", s->dir);
	assert_int_equal(system(command), 0);
	free(s);
	return 0;
}

static void say(const struct sys *s, const char *state)
{
	FILE *f = fopen(s->state, "w");

	assert_non_null(f);
	assert_true(fprintf(f, "%s\n", state) > 0);
	assert_int_equal(fclose(f), 0);
}

static void is(struct sys *s, bool there, bool changed)
{
	bool told = !changed;

	assert_int_equal(rs_watch_backends(s->w, &told, NULL), there);
	assert_int_equal(told, changed);
}

static void comes_and_goes(void **state)
{
	struct sys *s = *state;
	char aside[192];
	struct pollfd p;

	assert_int_equal(rs_watch_open(s->dir, 0, &s->w, NULL), 0);
	is(s, false, false);
	/* The directory comes first, and the module's init function runs for a while. */
	assert_int_equal(mkdir(s->module, 0755), 0);
	is(s, false, false);
	say(s, "coming");
	is(s, false, false);
	say(s, "live");
	is(s, true, true);
	is(s, true, false);
	assert_true(rs_watch_backends(s->w, NULL, NULL));
	say(s, "going");
	is(s, false, true);
	is(s, false, false);
	say(s, "live");
	is(s, true, true);
	/* Gone and back between two looks. The old one is kept, lest its inode be used again. */
	snprintf(aside, sizeof(aside), "%s/old", s->dir);
	assert_int_equal(rename(s->module, aside), 0);
	assert_int_equal(mkdir(s->module, 0755), 0);
	say(s, "live");
	is(s, true, true);
	is(s, true, false);
	assert_int_equal(unlink(s->state), 0);
	assert_int_equal(rmdir(s->module), 0);
	is(s, false, true);
	/* What the kernel may have sent meanwhile was taken. */
	p = (struct pollfd){ .fd = rs_watch_fd(s->w), .events = POLLIN };
	assert_true(p.fd >= 0);
	assert_true(poll(&p, 1, 0) >= 0);
	assert_int_equal(p.revents & (POLLERR | POLLNVAL), 0);
}

static void there_before(void **state)
{
	struct sys *s = *state;

	assert_int_equal(mkdir(s->module, 0755), 0);
	say(s, "live");
	assert_int_equal(rs_watch_open(s->dir, 0, &s->w, NULL), 0);
	is(s, true, true);
	is(s, true, false);
}

/* Loading VFIO loads iommufd first, where the kernel has it; it may also be there alone. */
static void two_backends(void **state)
{
	struct sys *s = *state, other = *s;

	snprintf(other.module, sizeof(other.module), "%s/module/iommufd", s->dir);
	snprintf(other.state, sizeof(other.state), "%s/initstate", other.module);
	assert_int_equal(rs_watch_open(s->dir, 0, &s->w, NULL), 0);
	is(s, false, false);
	assert_int_equal(mkdir(other.module, 0755), 0);
	say(&other, "live");
	is(s, true, true);
	assert_int_equal(mkdir(s->module, 0755), 0);
	say(s, "coming");
	is(s, true, false);
	say(s, "live");
	is(s, true, true);
	is(s, true, false);
	say(s, "going");
	is(s, true, true);
	say(&other, "going");
	is(s, false, true);
	is(s, false, false);
	rs_watch_close(s->w);
	assert_int_equal(rs_watch_open(s->dir, RS_WATCH_IOMMUFD, &s->w, NULL), 0);
	is(s, true, true);
	say(s, "live");
	is(s, true, true);
}

/* What is no backend makes none be there, but it is told, once each time that it comes. */
static void others(void **state)
{
	struct sys *s = *state, pci = *s;
	unsigned int came = 0;
	bool changed;

	snprintf(pci.module, sizeof(pci.module), "%s/module/vfio_pci_core", s->dir);
	snprintf(pci.state, sizeof(pci.state), "%s/initstate", pci.module);
	assert_int_equal(rs_watch_open(s->dir, RS_WATCH_IOMMUFD, &s->w, NULL), 0);
	assert_true(rs_watch_backends(s->w, &changed, &came));
	assert_int_equal(came, RS_WATCH_IOMMUFD);
	assert_string_equal(rs_watch_name(came), "iommufd");
	assert_int_equal(mkdir(pci.module, 0755), 0);
	say(&pci, "coming");
	assert_true(rs_watch_backends(s->w, &changed, &came));
	assert_int_equal(came, 0);
	assert_null(rs_watch_name(came));
	say(&pci, "live");
	assert_true(rs_watch_backends(s->w, &changed, &came));
	assert_false(changed);
	assert_int_equal(came, RS_WATCH_PCI);
	assert_string_equal(rs_watch_name(came), "vfio_pci_core");
	assert_true(rs_watch_backends(s->w, &changed, &came));
	assert_int_equal(came, 0);
	say(&pci, "going");
	assert_true(rs_watch_backends(s->w, &changed, &came));
	assert_false(changed);
	assert_int_equal(came, 0);
	say(&pci, "live");
	assert_true(rs_watch_backends(s->w, NULL, &came));
	assert_int_equal(came, RS_WATCH_PCI);
	rs_watch_close(s->w);
	assert_int_equal(rs_watch_open(s->dir, 0, &s->w, NULL), 0);
	assert_false(rs_watch_backends(s->w, &changed, &came));
	assert_int_equal(came, RS_WATCH_PCI);
	assert_string_equal(rs_watch_name(RS_WATCH_VFIO | RS_WATCH_KVM), "vfio");
	assert_string_equal(rs_watch_name(RS_WATCH_KVM), "kvm");
}

static void built_in(void **state)
{
	struct sys *s = *state;

	assert_int_equal(rs_watch_open(s->dir, RS_WATCH_TYPE1, &s->w, NULL), 0);
	is(s, true, true);
	/* Its parameters have a directory, without a state. */
	assert_int_equal(mkdir(s->module, 0755), 0);
	is(s, true, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_and_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(there_before, setup, teardown),
		cmocka_unit_test_setup_teardown(two_backends, setup, teardown),
		cmocka_unit_test_setup_teardown(others, setup, teardown),
		cmocka_unit_test_setup_teardown(built_in, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
