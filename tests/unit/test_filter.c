// SPDX-License-Identifier: GPL-2.0-only
/* Filters, on a tree of files that looks like /sys and /proc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "capture/filter.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

struct tree {
	char dir[64];
	char sys[96];
	char proc[96];
	char cgroup[96];
	struct rs_filter_roots roots;
};

/* Makes a directory with all above it, or (with text) a file. Paths begin at the tree. */
static void put(const struct tree *t, const char *text, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put(const struct tree *t, const char *text, const char *fmt, ...)
{
	char path[512];
	va_list args;
	size_t n = snprintf(path, sizeof(path), "%s/", t->dir);
	FILE *f;

	va_start(args, fmt);
	vsnprintf(path + n, sizeof(path) - n, fmt, args);
	va_end(args);
	for (char *c = path + n; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		assert_true(!mkdir(path, 0755) || errno == EEXIST);
		*c = '/';
	}
	if (!text) {
		assert_int_equal(mkdir(path, 0755), 0);
		return;
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void put_link(const struct tree *t, const char *target, const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", t->dir, path);
	assert_int_equal(symlink(target, full), 0);
}

static void put_process(const struct tree *t, int pid, int parent, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "%d (%s) S %d %d %d 0 -1 4194560 1 2 3\n", pid, name, parent,
		 pid, pid);
	put(t, text, "proc/%d/stat", pid);
	snprintf(text, sizeof(text), "Name:\t%s\nUmask:\t0022\nState:\tS\nTgid:\t%d\nPid:\t%d\n",
		 name, pid, pid);
	put(t, text, "proc/%d/status", pid);
}

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));
	char text[256];
	struct stat st;

	assert_non_null(t);
	strcpy(t->dir, "/tmp/rs-filter-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	snprintf(t->sys, sizeof(t->sys), "%s/sys", t->dir);
	snprintf(t->proc, sizeof(t->proc), "%s/proc", t->dir);
	snprintf(t->cgroup, sizeof(t->cgroup), "%s/cg", t->dir);
	t->roots = (struct rs_filter_roots){ .sys = t->sys, .proc = t->proc };
	/* A character device that everybody has stands for /dev/vfio/vfio. */
	assert_int_equal(stat("/dev/null", &st), 0);
	t->roots.vfio = st.st_rdev;

	put(t, NULL, "sys/kernel/iommu_groups/7/devices");
	put(t, NULL, "sys/kernel/iommu_groups/12/devices");
	put(t, NULL, "sys/kernel/iommu_groups/0/devices");
	put_link(t, "../../nowhere", "sys/kernel/iommu_groups/7/devices/0000:3b:00.0");
	put_link(t, "../../nowhere", "sys/kernel/iommu_groups/12/devices/" UUID);
	put_link(t, "../../nowhere", "sys/kernel/iommu_groups/0/devices/0001:00:1f.3");
	put(t, NULL, "sys/bus/pci/devices/0000:00:02.0");
	put(t, NULL, "sys/bus/pci/devices/0000:00:03.0");
	put_link(t, "../../../../kernel/iommu_groups/44",
		 "sys/bus/pci/devices/0000:00:03.0/iommu_group");

	/* 100 with children 110 (101 in a thread's guise) and 120, whose child is 130. */
	put_process(t, 1, 0, "init");
	put_process(t, 100, 1, "qemu");
	put_process(t, 110, 100, "a) S 1 (b");
	put_process(t, 120, 100, "child");
	put_process(t, 130, 120, "grandchild");
	put_process(t, 140, 1, "other");
	put_process(t, 150, 140, "others child");
	put(t, "Name:\tqemu\nTgid:\t100\nPid:\t105\n", "proc/105/status");
	put(t, "nothing of the kind", "proc/160/stat");
	put(t, "", "proc/version");
	put(t, NULL, "proc/100/fd");
	put_link(t, "/dev/null", "proc/100/fd/9");
	put_link(t, "/dev/zero", "proc/100/fd/10");
	put_link(t, "/proc/self/status", "proc/100/fd/11");

	put(t, "cpu memory\n", "cg/cgroup.controllers");
	put(t, "cpu memory\n", "cg/system.slice/vm 1.scope/cgroup.controllers");
	put(t, NULL, "cg/plain");
	put(t, "", "cg/file");
	snprintf(text, sizeof(text),
		 "proc /proc proc rw 0 0\ncgroup %s/v1 cgroup rw,cpu 0 0\n"
		 "cgroup2 %s cgroup2 rw,nosuid 0 0\n",
		 t->dir, t->cgroup);
	put(t, text, "proc/self/mounts");
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct tree *t = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", t->dir);
	assert_int_equal(system(command), 0);
	free(t);
	return 0;
}

static void resolved(const struct tree *t, const struct rs_filter_opts *o, struct rs_filter *f)
{
	struct rs_msg msg = { "" };
	int err = rs_filter_resolve(f, o, &t->roots, &msg);

	if (err)
		print_error("%s\n", msg.text);
	assert_int_equal(err, 0);
}

static void refused(const struct tree *t, const struct rs_filter_opts *o, int want,
		    const char *sentence)
{
	struct rs_filter f;
	struct rs_msg msg = { "" };

	assert_int_equal(rs_filter_resolve(&f, o, &t->roots, &msg), want);
	assert_string_equal(msg.text, sentence);
	rs_filter_free(&f);
	assert_int_equal(f.cgroup_fd, -1);
}

#define OPTS(...)                      \
	&(const struct rs_filter_opts) \
	{                              \
		__VA_ARGS__            \
	}

static void says(const struct rs_filter *f, const char *json)
{
	json_t *o = rs_filter_json(f);
	char *text = json_dumps(o, JSON_COMPACT);

	assert_non_null(text);
	assert_string_equal(text, json);
	free(text);
	json_decref(o);
}

static void none(void **state)
{
	struct rs_filter f;

	resolved(*state, OPTS(0), &f);
	assert_false(rs_filter_on(&f));
	assert_null(rs_filter_json(&f));
	assert_int_equal(f.tgid, 0);
	assert_int_equal(f.group_id, -1);
	assert_int_equal(f.cgroup_fd, -1);
	assert_int_equal(f.container_fd, -1);
	rs_filter_free(&f);
}

static void processes(void **state)
{
	static const char *const not_pids[] = {
		"", "0", "-1", "x", "1x", "+1", " 1", "2147483648"
	};
	struct tree *t = *state;
	struct rs_filter f;
	char text[64];

	resolved(t, OPTS(.pid = "100"), &f);
	assert_int_equal(f.tgid, 100);
	assert_false(f.tree);
	says(&f, "{\"pid\":100}");
	resolved(t, OPTS(.tree = "100"), &f);
	assert_int_equal(f.tgid, 100);
	assert_true(f.tree);
	says(&f, "{\"tree\":100}");
	for (size_t i = 0; i < sizeof(not_pids) / sizeof(not_pids[0]); i++) {
		snprintf(text, sizeof(text), "\"%s\" is not a process id", not_pids[i]);
		refused(t, OPTS(.pid = not_pids[i]), -EINVAL, text);
		refused(t, OPTS(.tree = not_pids[i]), -EINVAL, text);
	}
	refused(t, OPTS(.pid = "99"), -ENOENT, "there is no process 99");
	refused(t, OPTS(.tree = "2147483647"), -ENOENT, "there is no process 2147483647");
	refused(t, OPTS(.pid = "105"), -EINVAL, "105 is a thread of process 100");
	refused(t, OPTS(.pid = "100", .tree = "100"), -EINVAL,
		"--pid and --tree both name a process: one of them, please");
}

static int by_number(const void *a, const void *b)
{
	return (int)*(const __u32 *)a - (int)*(const __u32 *)b;
}

static void descendants(void **state)
{
	struct tree *t = *state;
	__u32 *list;
	size_t nr;

	assert_int_equal(rs_filter_descendants(&t->roots, 100, &list, &nr), 0);
	assert_int_equal(nr, 4);
	assert_int_equal(list[0], 100);
	qsort(list, nr, sizeof(*list), by_number);
	assert_int_equal(list[1], 110);
	assert_int_equal(list[2], 120);
	assert_int_equal(list[3], 130);
	free(list);
	/* One that has none, and one that is gone. */
	assert_int_equal(rs_filter_descendants(&t->roots, 130, &list, &nr), 0);
	assert_int_equal(nr, 1);
	free(list);
	assert_int_equal(rs_filter_descendants(&t->roots, 99, &list, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(list[0], 99);
	free(list);
	t->roots.proc = "/nowhere";
	assert_int_equal(rs_filter_descendants(&t->roots, 1, &list, &nr), -ENOENT);
	t->roots.proc = t->proc;
	free(list);
}

static void descendants_here(void **state)
{
	const struct rs_filter_roots here = rs_filter_roots_here();
	__u32 *list, child;
	size_t nr, found = 0;
	int hold[2];
	char c;

	(void)state;
	assert_int_equal(pipe(hold), 0);
	child = fork();
	if (!child) {
		close(hold[1]);
		_exit(read(hold[0], &c, 1));
	}
	assert_int_equal(rs_filter_descendants(&here, getpid(), &list, &nr), 0);
	close(hold[0]);
	close(hold[1]);
	assert_int_equal(list[0], getpid());
	for (size_t i = 0; i < nr; i++)
		found += list[i] == child;
	assert_int_equal(found, 1);
	free(list);
}

static void cgroups(void **state)
{
	struct tree *t = *state;
	struct rs_filter f;
	char text[256], path[160];
	struct stat a, b;

	resolved(t, OPTS(.cgroup = "system.slice/vm 1.scope"), &f);
	assert_true(rs_filter_on(&f));
	snprintf(path, sizeof(path), "%s/system.slice/vm 1.scope", t->cgroup);
	assert_string_equal(f.cgroup, path);
	assert_int_equal(fstat(f.cgroup_fd, &a), 0);
	assert_int_equal(stat(path, &b), 0);
	assert_true(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	snprintf(text, sizeof(text), "{\"cgroup\":\"%s\"}", path);
	says(&f, text);
	rs_filter_free(&f);
	assert_int_equal(fstat(f.cgroup_fd, &a), -1);
	/* By its whole path, as /proc/PID/cgroup says it, and the root. */
	resolved(t, OPTS(.cgroup = path), &f);
	assert_string_equal(f.cgroup, path);
	rs_filter_free(&f);
	resolved(t, OPTS(.cgroup = "/system.slice/vm 1.scope"), &f);
	assert_string_equal(f.cgroup, path);
	rs_filter_free(&f);
	resolved(t, OPTS(.cgroup = t->cgroup), &f);
	rs_filter_free(&f);

	refused(t, OPTS(.cgroup = ""), -EINVAL, "\"\" is not a cgroup");
	refused(t, OPTS(.cgroup = "plain"), -EINVAL, "\"plain\" is not a cgroup v2 directory");
	refused(t, OPTS(.cgroup = "/tmp"), -EINVAL, "\"/tmp\" is not a cgroup v2 directory");
	refused(t, OPTS(.cgroup = "no.slice"), -ENOENT, "there is no cgroup \"no.slice\"");
	refused(t, OPTS(.cgroup = "/no.slice"), -ENOENT, "there is no cgroup \"/no.slice\"");
	refused(t, OPTS(.cgroup = "file"), -EINVAL, "\"file\" is not a cgroup v2 directory");
	snprintf(path, sizeof(path), "%s/self/mounts", t->proc);
	assert_int_equal(unlink(path), 0);
	refused(t, OPTS(.cgroup = "plain"), -ENOENT,
		"no cgroup v2 tree is mounted to look for \"plain\" in");
	refused(t, OPTS(.cgroup = "/tmp"), -EINVAL, "\"/tmp\" is not a cgroup v2 directory");
	resolved(t, OPTS(.cgroup = t->cgroup), &f);
	rs_filter_free(&f);
}

static void devices(void **state)
{
	static const struct {
		const char *text, *name;
		int group;
	} known[] = {
		{ "0000:3b:00.0", "0000:3b:00.0", 7 }, { "3b:00.0", "0000:3b:00.0", 7 },
		{ "3B:00.0", "0000:3b:00.0", 7 },      { "0000:3B:00.0", "0000:3b:00.0", 7 },
		{ "0001:00:1f.3", "0001:00:1f.3", 0 }, { UUID, UUID, 12 },
		{ "00:03.0", "0000:00:03.0", 44 },
	};
	struct tree *t = *state;
	char text[128], longest[80];
	struct rs_filter f;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		resolved(t, OPTS(.device = known[i].text), &f);
		assert_int_equal(f.group_id, known[i].group);
		assert_string_equal(f.device, known[i].name);
		assert_true(rs_filter_on(&f));
		snprintf(text, sizeof(text), "{\"device\":\"%s\",\"group\":%d}", known[i].name,
			 known[i].group);
		says(&f, text);
	}
	refused(t, OPTS(.device = "00:1f.3"), -ENOENT, "there is no device \"00:1f.3\"");
	refused(t, OPTS(.device = "3b:00.0x"), -ENOENT, "there is no device \"3b:00.0x\"");
	refused(t, OPTS(.device = "0000:00:02.0"), -EINVAL,
		"device 0000:00:02.0 is in no IOMMU group");
	refused(t, OPTS(.device = ""), -EINVAL, "\"\" is not a device's name");
	refused(t, OPTS(.device = ".."), -EINVAL, "\"..\" is not a device's name");
	refused(t, OPTS(.device = "../7"), -EINVAL, "\"../7\" is not a device's name");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	snprintf(text, sizeof(text), "\"%s\" is not a device's name", longest);
	refused(t, OPTS(.device = longest), -EINVAL, text);
	refused(t, OPTS(.device = "3b:00.0", .group = "7"), -EINVAL,
		"--device and --group both name a group: one of them, please");
}

static void groups(void **state)
{
	struct tree *t = *state;
	struct rs_filter f;

	resolved(t, OPTS(.group = "0"), &f);
	assert_int_equal(f.group_id, 0);
	assert_string_equal(f.device, "");
	assert_true(rs_filter_on(&f));
	says(&f, "{\"group\":0}");
	refused(t, OPTS(.group = "8"), -ENOENT, "there is no IOMMU group 8");
	refused(t, OPTS(.group = "-1"), -EINVAL, "\"-1\" is not a group's number");
	refused(t, OPTS(.group = "7/devices"), -EINVAL, "\"7/devices\" is not a group's number");
	refused(t, OPTS(.group = ""), -EINVAL, "\"\" is not a group's number");
}

static void containers(void **state)
{
	static const char *const not_pairs[] = { "",	   "100",     "100:",  ":9",
						 "0:9",	   "x:9",     "100:x", "100:9x",
						 "100:-1", "100:9:1", "-1:9",  "100 9" };
	struct tree *t = *state;
	struct rs_filter f;
	char text[64];

	resolved(t, OPTS(.container = "100:9"), &f);
	assert_int_equal(f.container_tgid, 100);
	assert_int_equal(f.container_fd, 9);
	assert_true(rs_filter_on(&f));
	says(&f, "{\"container\":{\"pid\":100,\"fd\":9}}");
	for (size_t i = 0; i < sizeof(not_pairs) / sizeof(not_pairs[0]); i++) {
		snprintf(text, sizeof(text), "\"%s\" is not PID:FD", not_pairs[i]);
		refused(t, OPTS(.container = not_pairs[i]), -EINVAL, text);
	}
	refused(t, OPTS(.container = "99:9"), -ENOENT, "there is no process 99");
	refused(t, OPTS(.container = "100:12"), -ENOENT, "process 100 has no file 12");
	refused(t, OPTS(.container = "100:10"), -EINVAL,
		"file 10 of process 100 is not a container (/dev/vfio/vfio, /dev/iommu)");
	refused(t, OPTS(.container = "100:11"), -EINVAL,
		"file 11 of process 100 is not a container (/dev/vfio/vfio, /dev/iommu)");
}

/* /dev/zero stands for /dev/iommu, whose number sysfs tells. */
static void contexts(void **state)
{
	struct tree *t = *state;
	struct rs_filter f;

	put(t, "1:7\n", "sys/class/misc/iommu/dev");
	refused(t, OPTS(.container = "100:10"), -EINVAL,
		"file 10 of process 100 is not a container (/dev/vfio/vfio, /dev/iommu)");
	put(t, "1:5\n", "sys/class/misc/iommu/dev");
	resolved(t, OPTS(.container = "100:10"), &f);
	assert_int_equal(f.container_tgid, 100);
	assert_int_equal(f.container_fd, 10);
	resolved(t, OPTS(.container = "100:9"), &f);
	put(t, "rubbish\n", "sys/class/misc/iommu/dev");
	refused(t, OPTS(.container = "100:10"), -EINVAL,
		"file 10 of process 100 is not a container (/dev/vfio/vfio, /dev/iommu)");
}

static void together(void **state)
{
	struct tree *t = *state;
	struct rs_filter f;
	char text[256];

	resolved(t, OPTS(.tree = "100", .cgroup = "/", .device = "3b:00.0", .container = "100:9"),
		 &f);
	snprintf(text, sizeof(text),
		 "{\"tree\":100,\"cgroup\":\"%s/\",\"device\":\"0000:3b:00.0\",\"group\":7,"
		 "\"container\":{\"pid\":100,\"fd\":9}}",
		 t->cgroup);
	says(&f, text);
	rs_filter_free(&f);
	assert_false(rs_filter_on(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(none, setup, teardown),
		cmocka_unit_test_setup_teardown(processes, setup, teardown),
		cmocka_unit_test_setup_teardown(descendants, setup, teardown),
		cmocka_unit_test(descendants_here),
		cmocka_unit_test_setup_teardown(cgroups, setup, teardown),
		cmocka_unit_test_setup_teardown(devices, setup, teardown),
		cmocka_unit_test_setup_teardown(groups, setup, teardown),
		cmocka_unit_test_setup_teardown(containers, setup, teardown),
		cmocka_unit_test_setup_teardown(contexts, setup, teardown),
		cmocka_unit_test_setup_teardown(together, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
