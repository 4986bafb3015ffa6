// SPDX-License-Identifier: GPL-2.0-only
/* The state of a process, and its ways into the next one: exec and a unix socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lab.h"

#define LAB_MAX_FDS (1 + LAB_MAX_CONTAINERS + 3 * LAB_MAX_DEVICES + LAB_MAX_MEMS)

static int map_shared(struct lab *lab)
{
	lab->shared = mmap(NULL, sizeof(*lab->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			   lab->p.shared_fd, 0);
	return lab->shared == MAP_FAILED ? -errno : 0;
}

int lab_state_init(struct lab *lab)
{
	lab->p.current = -1;
	lab->p.keep_done = -1;
	lab->p.keep_release = -1;
	lab->p.shared_fd = memfd_create("lab-shared", 0);
	if (lab->p.shared_fd < 0 || ftruncate(lab->p.shared_fd, sizeof(*lab->shared)))
		return -errno;
	return map_shared(lab);
}

/* The addresses of the process that was are nobody's here; registers are mapped again. */
static int adopt(struct lab *lab)
{
	int i, err;

	err = map_shared(lab);
	for (i = 0; i < LAB_MAX_MEMS; i++)
		lab->p.mems[i].addr = NULL;
	for (i = 0; i < LAB_MAX_DEVICES && !err; i++) {
		if (lab->p.devices[i].used)
			err = lab_device_map_bar(&lab->p.devices[i]);
	}
	return err;
}

int lab_state_load(struct lab *lab)
{
	const char *text = getenv(LAB_STATE_ENV);
	int fd, err = 0;

	if (!text)
		return -ENOENT;
	fd = atoi(text);
	unsetenv(LAB_STATE_ENV);
	if (pread(fd, &lab->p, sizeof(lab->p), 0) != sizeof(lab->p))
		err = -EIO;
	close(fd);
	return err ? err : adopt(lab);
}

/* Leaves the state for the program that exec starts; forgets what is close-on-exec. */
int lab_state_save(struct lab *lab)
{
	struct lab_proc p = lab->p;
	char text[16];
	int i, fd;

	for (i = 0; i < LAB_MAX_CONTAINERS; i++) {
		if (p.containers[i].used && fcntl(p.containers[i].fd, F_GETFD) & FD_CLOEXEC)
			p.containers[i].used = false;
	}
	for (i = 0; i < LAB_MAX_DEVICES; i++) {
		if (p.devices[i].used && fcntl(p.devices[i].fd, F_GETFD) & FD_CLOEXEC)
			p.devices[i].used = false;
	}
	fd = memfd_create("lab-state", 0);
	if (fd < 0)
		return -errno;
	if (pwrite(fd, &p, sizeof(p), 0) != sizeof(p)) {
		close(fd);
		return -EIO;
	}
	snprintf(text, sizeof(text), "%d", fd);
	setenv(LAB_STATE_ENV, text, 1);
	return 0;
}

/* Every fd of a state, always in the same order, so that sender and receiver agree. */
static int list_fds(struct lab_proc *p, int **fds)
{
	int i, n = 0;

	fds[n++] = &p->shared_fd;
	for (i = 0; i < LAB_MAX_CONTAINERS; i++) {
		if (p->containers[i].used)
			fds[n++] = &p->containers[i].fd;
	}
	for (i = 0; i < LAB_MAX_DEVICES; i++) {
		if (!p->devices[i].used)
			continue;
		if (p->devices[i].group_fd >= 0)
			fds[n++] = &p->devices[i].group_fd;
		fds[n++] = &p->devices[i].fd;
		if (p->devices[i].irq_fd >= 0)
			fds[n++] = &p->devices[i].irq_fd;
	}
	for (i = 0; i < LAB_MAX_MEMS; i++) {
		if (p->mems[i].used && !p->mems[i].anon)
			fds[n++] = &p->mems[i].fd;
	}
	return n;
}

static int transfer(struct lab_proc *p, int sock, bool send)
{
	char control[CMSG_SPACE(LAB_MAX_FDS * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = p, .iov_len = sizeof(*p) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int *fds[LAB_MAX_FDS], numbers[LAB_MAX_FDS];
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int i, n;

	if (send) {
		n = list_fds(p, fds);
		for (i = 0; i < n; i++)
			numbers[i] = *fds[i];
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), numbers, n * sizeof(int));
		return sendmsg(sock, &msg, MSG_NOSIGNAL) == sizeof(*p) ? 0 : -EIO;
	}
	if (recvmsg(sock, &msg, 0) != sizeof(*p))
		return -EIO;
	cmsg = CMSG_FIRSTHDR(&msg);
	n = list_fds(p, fds);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS || cmsg->cmsg_len != CMSG_LEN(n * sizeof(int)))
		return -EPROTO;
	memcpy(numbers, CMSG_DATA(cmsg), n * sizeof(int));
	for (i = 0; i < n; i++)
		*fds[i] = numbers[i];
	return 0;
}

static int socket_at(struct op *op, const char *path, struct sockaddr_un *addr)
{
	int fd;

	if (strlen(path) >= sizeof(addr->sun_path))
		return op_usage(op, "the path is too long");
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	strcpy(addr->sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd < 0 ? op_fail(op, "expected a socket, got %s", errno_name(errno)) : fd;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int n = poll(&pfd, 1, timeout_ms);

	return n < 0 ? -errno : n ? 0 : -ETIMEDOUT;
}

int op_sendfds(struct op *op)
{
	int64_t until = now_ms() + LAB_TIMEOUT_MS;
	struct sockaddr_un addr;
	const char *path;
	bool stay;
	int sock, err;

	stay = op_flag(op, "stay");
	err = op_name(op, "the path of a socket", &path);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	sock = socket_at(op, path, &addr);
	if (sock < 0)
		return sock;
	/* The receiver may not have come as far as listening. */
	while (connect(sock, (struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
		if ((err != -ENOENT && err != -ECONNREFUSED) || now_ms() > until) {
			err = op_fail(op, "expected a receiver, got %s", errno_name(-err));
			goto out;
		}
		nap_ms(10);
	}
	err = transfer(&op->lab->p, sock, true);
	if (err) {
		err = op_fail(op, "expected to send the state, got %s", errno_name(-err));
		goto out;
	}
	op_say(op, "sent");
	if (stay) {
		/* Nothing is ever sent back: readable means that the receiver is gone. */
		err = wait_readable(sock, LAB_KEEP_MS);
		if (err)
			err = op_fail(op, "expected the receiver to end, got %s", errno_name(-err));
	}
out:
	close(sock);
	return err;
}

static int accept_from(struct op *op, int sock, const struct sockaddr_un *addr)
{
	int err, peer;

	unlink(addr->sun_path);
	if (bind(sock, (const struct sockaddr *)addr, sizeof(*addr)) || listen(sock, 1))
		return op_fail(op, "expected to listen, got %s", errno_name(errno));
	err = wait_readable(sock, LAB_TIMEOUT_MS);
	if (err)
		return op_fail(op, "expected a sender, got %s", errno_name(-err));
	peer = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
	if (peer < 0)
		return op_fail(op, "expected a sender, got %s", errno_name(errno));
	return peer;
}

int op_recvfds(struct op *op)
{
	struct lab *lab = op->lab;
	struct sockaddr_un addr;
	struct lab_proc p;
	const char *path;
	int sock, err;

	err = op_name(op, "the path of a socket", &path);
	if (!err)
		err = op_end(op);
	if (err)
		return err;
	if (lab->p.current >= 0)
		return op_usage(op, "this process has a state of its own already");
	sock = socket_at(op, path, &addr);
	if (sock < 0)
		return sock;
	lab->peer_fd = accept_from(op, sock, &addr);
	close(sock);
	unlink(path);
	if (lab->peer_fd < 0)
		return lab->peer_fd;

	err = wait_readable(lab->peer_fd, LAB_TIMEOUT_MS);
	if (!err)
		err = transfer(&p, lab->peer_fd, false);
	if (err)
		return op_fail(op, "expected the sender's state, got %s", errno_name(-err));
	munmap(lab->shared, sizeof(*lab->shared));
	close(lab->p.shared_fd);
	/* Children stay their parent's. */
	memcpy(p.children, lab->p.children, sizeof(p.children));
	p.keep_done = lab->p.keep_done;
	p.keep_release = lab->p.keep_release;
	lab->p = p;
	err = adopt(lab);
	if (err)
		return op_fail(op, "expected to take the state over, got %s", errno_name(-err));
	op_say(op, "took over");
	return 0;
}
