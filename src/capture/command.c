// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "capture/command.h"

/* In the child: wait for one byte, become COMMAND, or say why not. */
static void run_child(int gate, char *const argv[], const sigset_t *mask)
{
	char go;
	int err;

	/* The parent gave up before it opened the gate. */
	if (read(gate, &go, 1) != 1)
		_exit(0);
	/* What we ignore for ourselves would stay ignored. */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	err = errno;
	if (write(gate, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

int rs_command_prepare(struct rs_command *c, char *const argv[], const sigset_t *mask,
		       struct rs_msg *msg)
{
	int pair[2], err;

	memset(c, 0, sizeof(*c));
	c->pidfd = c->gate = -1;
	c->name = argv[0];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return rs_msg_set(msg, -errno, "cannot start %s: %s", argv[0], strerror(errno));
	c->pid = fork();
	if (c->pid < 0) {
		err = -errno;
		close(pair[0]);
		close(pair[1]);
		c->pid = 0;
		return rs_msg_set(msg, err, "cannot start %s: %s", argv[0], strerror(-err));
	}
	if (!c->pid) {
		close(pair[0]);
		run_child(pair[1], argv, mask);
	}
	close(pair[1]);
	c->gate = pair[0];
	c->pidfd = syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0) {
		err = -errno;
		rs_command_abandon(c);
		return rs_msg_set(msg, err, "cannot watch %s: %s", argv[0], strerror(-err));
	}
	return 0;
}

int rs_command_go(struct rs_command *c, struct rs_msg *msg)
{
	int err = 0;
	ssize_t n;

	if (write(c->gate, "g", 1) != 1)
		return rs_msg_set(msg, -errno, "cannot start %s: %s", c->name, strerror(errno));
	/* Its end is closed by a successful exec: then there is nothing to read. */
	do {
		n = read(c->gate, &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	close(c->gate);
	c->gate = -1;
	if (n == sizeof(err))
		return rs_msg_set(msg, -err, "cannot run %s: %s", c->name, strerror(err));
	return 0;
}

int rs_command_wait(struct rs_command *c)
{
	pid_t pid;

	do {
		pid = waitpid(c->pid, &c->status, 0);
	} while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return -errno;
	c->pid = 0;
	return 0;
}

void rs_command_abandon(struct rs_command *c)
{
	if (c->gate >= 0)
		close(c->gate);
	c->gate = -1;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		rs_command_wait(c);
	}
	if (c->pidfd >= 0)
		close(c->pidfd);
	c->pidfd = -1;
}
