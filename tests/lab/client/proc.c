// SPDX-License-Identifier: GPL-2.0-only
/* Processes: exec, fork, and the limits and capabilities of this one. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

void nap_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Does not return, or returns what went wrong. */
int lab_exec(struct lab *lab, char **argv)
{
	char path[4096];
	int n, err;

	err = lab_state_save(lab);
	if (err)
		return err;
	/* By its name: "exe" would be the process's name afterwards. */
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n > 0) {
		path[n] = 0;
		execv(path, argv);
	}
	return -errno;
}

int op_exec(struct op *op)
{
	struct lab *lab = op->lab;
	char **argv;
	int i, n = 0, err;

	err = op_end(op);
	if (err)
		return err;
	argv = calloc(op->nrest + 3, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	argv[n++] = (char *)lab->progname;
	if (lab->verbose)
		argv[n++] = "-v";
	for (i = 0; i < op->nrest; i++)
		argv[n++] = op->rest[i];
	err = lab_exec(lab, argv);
	free(argv);
	return op_fail(op, "expected exec not to return, got %s", errno_name(-err));
}

static bool killed_itself(struct lab *lab, pid_t pid)
{
	uint32_t i, n = lab->shared->nkilled;

	for (i = 0; i < n && i < LAB_MAX_CHILDREN; i++) {
		if (lab->shared->killed[i] == pid)
			return true;
	}
	return false;
}

static int reap(struct op *op, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return op_fail(op, "expected a child %d, got %s", (int)pid,
				       errno_name(errno));
	}
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGKILL && killed_itself(op->lab, pid))
			return 0;
		return op_fail(op, "expected the child to succeed, got signal %d",
			       WTERMSIG(status));
	}
	if (WEXITSTATUS(status))
		return op_fail(op, "expected the child to succeed, got exit status %d",
			       WEXITSTATUS(status));
	return 0;
}

/* How many words the block after an opening brace has, without the closing one; -1: no end. */
static int block_length(char **words, int n)
{
	int i, depth = 1;

	for (i = 0; i < n; i++) {
		size_t len = strlen(words[i]);

		if (!strcmp(words[i], "}"))
			depth--;
		else if (len && words[i][len - 1] == '{')
			depth++;
		if (!depth)
			return i;
	}
	return -1;
}

struct branch {
	bool wait;
	bool keep;
	int done[2];	/* child to parent: the operations are done */
	int release[2]; /* parent to child: it may go */
};

static void child_main(struct op *op, struct branch *b, int len) __attribute__((noreturn));

static void child_main(struct op *op, struct branch *b, int len)
{
	struct lab_proc *p = &op->lab->p;

	/* The children of the parent are not ours to wait for, and neither is its parent. */
	memset(p->children, 0, sizeof(p->children));
	p->keep_done = -1;
	p->keep_release = -1;
	if (b->keep) {
		close(b->done[0]);
		close(b->release[1]);
		p->keep_done = b->done[1];
		p->keep_release = b->release[0];
	}
	_exit(lab_main(op->lab, op->rest, len));
}

static int parent_main(struct op *op, struct branch *b, struct lab_child *slot, pid_t pid)
{
	struct pollfd pfd = { .fd = b->done[0], .events = POLLIN };
	char byte;
	int n;

	if (b->wait && !b->keep)
		return reap(op, pid);
	slot->pid = pid;
	slot->keep_fd = -1;
	if (!b->keep)
		return 0;

	close(b->done[1]);
	close(b->release[0]);
	slot->keep_fd = b->release[1];
	n = poll(&pfd, 1, LAB_KEEP_MS);
	if (n == 1)
		n = read(b->done[0], &byte, 1);
	close(b->done[0]);
	return n == 1 ? 0 : op_fail(op, "expected the child to do its operations, got none");
}

/* fork{ waits, spawn{ does not, fork:keep{ waits for the operations and keeps the child. */
int op_fork(struct op *op)
{
	struct branch b = { .wait = !strncmp(op->tok[0], "fork", 4) };
	struct lab *lab = op->lab;
	int i, len, err;
	pid_t pid;

	b.keep = op_flag(op, "keep{");
	err = op_end(op);
	if (err)
		return err;
	if (!strcmp(op->tok[0], "fork") && !b.keep)
		return op_usage(op, "is 'fork{' or 'fork:keep{'");
	len = block_length(op->rest, op->nrest);
	if (len < 0)
		return op_usage(op, "has no closing brace");
	op->consumed = len + 1;
	for (i = 0; i < LAB_MAX_CHILDREN && lab->p.children[i].pid; i++)
		;
	if (i == LAB_MAX_CHILDREN)
		return op_usage(op, "there are too many children");
	if (b.keep && (pipe(b.done) || pipe(b.release)))
		return op_fail(op, "expected a pipe, got %s", errno_name(errno));

	pid = fork();
	if (pid < 0)
		return op_fail(op, "expected a child, got %s", errno_name(errno));
	if (!pid)
		child_main(op, &b, len);
	op_say(op, "child %d", (int)pid);
	return parent_main(op, &b, &lab->p.children[i], pid);
}

static void launched(struct op *op, int len) __attribute__((noreturn));

static void launched(struct op *op, int len)
{
	char path[4096], **argv = calloc(len + 3, sizeof(*argv));
	int n = readlink("/proc/self/exe", path, sizeof(path) - 1), argc = 0;

	if (!argv || n <= 0)
		_exit(1);
	path[n] = 0;
	close_range(3, ~0u, 0);
	argv[argc++] = (char *)op->lab->progname;
	if (op->lab->verbose)
		argv[argc++] = "-v";
	memcpy(argv + argc, op->rest, len * sizeof(*argv));
	execv(path, argv);
	_exit(1);
}

int op_launch(struct op *op)
{
	struct lab *lab = op->lab;
	int i, len, err;
	pid_t pid;

	err = op_end(op);
	if (err)
		return err;
	len = block_length(op->rest, op->nrest);
	if (len < 0)
		return op_usage(op, "has no closing brace");
	op->consumed = len + 1;
	for (i = 0; i < LAB_MAX_CHILDREN && lab->p.children[i].pid; i++)
		;
	if (i == LAB_MAX_CHILDREN)
		return op_usage(op, "there are too many children");
	pid = fork();
	if (pid < 0)
		return op_fail(op, "expected a child, got %s", errno_name(errno));
	if (!pid)
		launched(op, len);
	lab->p.children[i] = (struct lab_child){ .pid = pid, .keep_fd = -1 };
	op_say(op, "child %d", (int)pid);
	return 0;
}

int op_wait(struct op *op)
{
	struct lab *lab = op->lab;
	int i, n = 0, err;

	err = op_end(op);
	for (i = 0; i < LAB_MAX_CHILDREN && !err; i++) {
		struct lab_child *child = &lab->p.children[i];

		if (!child->pid)
			continue;
		if (child->keep_fd >= 0) {
			if (write(child->keep_fd, "", 1) != 1)
				err = op_fail(op, "expected to release the child, got %s",
					      errno_name(errno));
			close(child->keep_fd);
		}
		if (!err)
			err = reap(op, child->pid);
		child->pid = 0;
		n++;
	}
	if (!err)
		op_say(op, "%d children ended well", n);
	return err;
}

/* It is known that this process is to be killed. */
static void will_be_killed(struct lab_shared *s)
{
	uint32_t i = __atomic_fetch_add(&s->nkilled, 1, __ATOMIC_SEQ_CST);

	s->killed[i % LAB_MAX_CHILDREN] = getpid();
}

int op_doom(struct op *op)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec in = { 0 };
	uint64_t ms;
	timer_t timer;
	int err;

	err = op_number(op, "milliseconds", &ms);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	in.it_value.tv_sec = ms / 1000;
	in.it_value.tv_nsec = ms % 1000 * 1000000;
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) || timer_settime(timer, 0, &in, NULL))
		return op_fail(op, "expected a timer, got %s", errno_name(errno));
	will_be_killed(op->lab->shared);
	op_say(op, "SIGKILL in %llu ms", (unsigned long long)ms);
	return 0;
}

int op_kill(struct op *op)
{
	int err;

	err = op_end(op);
	if (err)
		return err;
	will_be_killed(op->lab->shared);
	op_say(op, "SIGKILL");
	raise(SIGKILL);
	return op_fail(op, "expected to die");
}

int op_exit(struct op *op)
{
	uint64_t status;
	int err;

	err = op_number(op, "an exit status", &status);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	op->lab->leave = true;
	op->lab->status = status;
	return 0;
}

int op_sleep(struct op *op)
{
	uint64_t ms;
	int err;

	err = op_number(op, "milliseconds", &ms);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	nap_ms(ms);
	return 0;
}

int op_await(struct op *op)
{
	const char *path;
	int64_t end;
	int err;

	err = op_name(op, "a path", &path);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	end = now_ms() + LAB_KEEP_MS;
	while (access(path, F_OK)) {
		if (now_ms() > end)
			return op_fail(op, "expected %s to come to be", path);
		nap_ms(20);
	}
	return 0;
}

int op_touch(struct op *op)
{
	const char *path;
	int fd, err;

	err = op_name(op, "a path", &path);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return op_fail(op, "expected to make %s, got %s", path, errno_name(errno));
	close(fd);
	return 0;
}

int op_memlock(struct op *op)
{
	struct rlimit lim;
	uint64_t bytes;
	int err;

	err = op_number(op, "a limit", &bytes);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	lim.rlim_cur = bytes;
	lim.rlim_max = bytes;
	if (setrlimit(RLIMIT_MEMLOCK, &lim))
		return op_fail(op, "expected setrlimit to succeed, got %s", errno_name(errno));
	op_say(op, "%llu bytes", (unsigned long long)bytes);
	return 0;
}

int op_dropcap(struct op *op)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t keep = ~CAP_TO_MASK(CAP_IPC_LOCK);
	int err;

	err = op_end(op);
	if (err)
		return err;
	/* The bounding set too, or root gets it back at the next exec. */
	if (prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0) || syscall(SYS_capget, &hdr, data))
		return op_fail(op, "expected to drop CAP_IPC_LOCK, got %s", errno_name(errno));
	data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &= keep;
	data[CAP_TO_INDEX(CAP_IPC_LOCK)].permitted &= keep;
	data[CAP_TO_INDEX(CAP_IPC_LOCK)].inheritable &= keep;
	if (syscall(SYS_capset, &hdr, data))
		return op_fail(op, "expected to drop CAP_IPC_LOCK, got %s", errno_name(errno));
	op_say(op, "CAP_IPC_LOCK is gone");
	return 0;
}
