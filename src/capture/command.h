/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Running COMMAND under a recording
 */
#ifndef RS_CAPTURE_COMMAND_H
#define RS_CAPTURE_COMMAND_H

#include <signal.h>
#include <sys/types.h>
#include "util/msg.h"

/**
 * struct rs_command - a child that waits to be let go
 * @pid: 0 when there is none
 * @pidfd: readable when it has ended; -1
 * @gate: internal: our end of a socket to the child
 * @name: argv[0]; borrowed
 * @status: as wait(2) has it, once ended
 */
struct rs_command {
	pid_t pid;
	int pidfd;
	int gate;
	const char *name;
	int status;
};

#define RS_COMMAND_INIT                 \
	{                               \
		.pidfd = -1, .gate = -1 \
	}

/**
 * rs_command_prepare() - fork the child; it waits at the gate
 * @argv: its words, NULL-terminated
 * @mask: the signal mask it shall run with
 *
 * Return: 0 or -errno
 */
int rs_command_prepare(struct rs_command *c, char *const argv[], const sigset_t *mask,
		       struct rs_msg *msg);

/**
 * rs_command_go() - in the parent: let it go and learn whether exec worked
 *
 * Return: 0, or -errno of execvp() with a sentence
 */
int rs_command_go(struct rs_command *c, struct rs_msg *msg);

/** rs_command_wait() - take its status; call when @pidfd is readable. Return: 0 or -errno */
int rs_command_wait(struct rs_command *c);

/** rs_command_abandon() - kill what still runs, and free; safe on RS_COMMAND_INIT */
void rs_command_abandon(struct rs_command *c);

#endif /* RS_CAPTURE_COMMAND_H */
