// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-qmp [-l LOG] SOCKET OP...: a client of QEMU's monitor (QMP). Connects, as long as it takes, does the
 * operations in order and stops at the first that fails:
 *
 *   {...}             a command; an error of QEMU's is one
 *   json:{...}        the same, and print what it returns
 *   event:NAME        wait for an event; one that came before counts, once
 *   migration:STATUS  wait until query-migrate says so
 *   status            print query-status' status
 *   words:ADDR:N      print N words of 32 bits of the guest's physical memory, in decimal
 *   gone              wait until QEMU has closed the connection
 *   say:TEXT          print TEXT: it has come so far
 *
 * LOG gets a line for every message of QEMU's: the time at which it was read, in seconds, then the message.
 * Events have QEMU's own time in them.
 * Each wait ends after a minute.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#define PATIENCE_S 60
#define STEP_NS	   10000000L

struct qmp {
	int fd;
	FILE *log;
	json_t *event; /* those that nobody has waited for */
	char buf[1 << 16];
	size_t used;
};

static long long now_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static bool is_late(long long begin_us)
{
	return now_us(CLOCK_MONOTONIC) - begin_us > PATIENCE_S * 1000000LL;
}

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = STEP_NS }, NULL);
}

static void log_message(struct qmp *q, json_t *message)
{
	long long at = now_us(CLOCK_REALTIME);

	if (!q->log)
		return;
	fprintf(q->log, "%lld.%06lld ", at / 1000000, at % 1000000);
	json_dumpf(message, q->log, JSON_COMPACT | JSON_PRESERVE_ORDER);
	fputc('\n', q->log);
	fflush(q->log);
}

/* A line that is there already; QEMU's messages are one each. */
static json_t *take_line(struct qmp *q)
{
	char *end = memchr(q->buf, '\n', q->used);
	size_t len;
	json_t *message;

	if (!end)
		return NULL;
	len = end + 1 - q->buf;
	message = json_loadb(q->buf, len, 0, NULL);
	q->used -= len;
	memmove(q->buf, end + 1, q->used);
	return message ? message : json_null();
}

/* The next message, a new reference. -ECONNRESET: QEMU is gone, -ETIMEDOUT: nothing came. */
static int next_message(struct qmp *q, json_t **message)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	ssize_t n;

	while (!(*message = take_line(q))) {
		if (q->used == sizeof(q->buf))
			return -EMSGSIZE;
		if (poll(&p, 1, PATIENCE_S * 1000) <= 0)
			return -ETIMEDOUT;
		n = read(q->fd, q->buf + q->used, sizeof(q->buf) - q->used);
		if (n <= 0)
			return -ECONNRESET;
		q->used += n;
	}
	log_message(q, *message);
	if (!json_is_object(*message)) {
		json_decref(*message);
		return -EPROTO;
	}
	if (json_object_get(*message, "event"))
		json_array_append(q->event, *message);
	return 0;
}

/* Sends a command; what it returns is a new reference. */
static int execute(struct qmp *q, json_t *command, json_t **result)
{
	char *text = json_dumps(command, JSON_COMPACT);
	json_t *message, *error;
	int err = -EINVAL;

	if (!text)
		return err;
	if (send(q->fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) {
		err = -errno;
		goto out;
	}
	for (;;) {
		err = next_message(q, &message);
		if (err)
			goto out;
		*result = json_incref(json_object_get(message, "return"));
		error = json_object_get(message, "error");
		if (error) {
			fprintf(stderr, "lab-qmp: %s: %s\n", text,
				json_string_value(json_object_get(error, "desc")));
			err = -EREMOTEIO;
		}
		json_decref(message);
		if (*result || error)
			goto out;
	}
out:
	free(text);
	return err;
}

static int execute_text(struct qmp *q, const char *text, json_t **result)
{
	json_t *command = json_loads(text, 0, NULL);
	int err;

	if (!command)
		return -EINVAL;
	err = execute(q, command, result);
	json_decref(command);
	return err;
}

/* QEMU makes its socket when it starts, and after an exec anew. */
static int connect_to(struct qmp *q, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	long long begin = now_us(CLOCK_MONOTONIC);
	json_t *message;
	int err;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, path);
	for (;;) {
		q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (q->fd < 0)
			return -errno;
		if (!connect(q->fd, (struct sockaddr *)&to, sizeof(to)))
			break;
		close(q->fd);
		if (is_late(begin))
			return -ETIMEDOUT;
		pause_a_little();
	}
	err = next_message(q, &message);
	if (err)
		return err;
	json_decref(message);
	err = execute_text(q, "{\"execute\": \"qmp_capabilities\"}", &message);
	if (!err)
		json_decref(message);
	return err;
}

static int wait_event(struct qmp *q, const char *name)
{
	json_t *message;
	int err;

	for (;;) {
		for (size_t i = 0; i < json_array_size(q->event); i++) {
			const char *is = json_string_value(
				json_object_get(json_array_get(q->event, i), "event"));

			if (is && !strcmp(is, name))
				return json_array_remove(q->event, i);
		}
		err = next_message(q, &message);
		if (err)
			return err;
		json_decref(message);
	}
}

static int wait_gone(struct qmp *q)
{
	json_t *message;
	int err;

	while (!(err = next_message(q, &message)))
		json_decref(message);
	return err == -ECONNRESET ? 0 : err;
}

static int wait_migration(struct qmp *q, const char *wanted)
{
	long long begin = now_us(CLOCK_MONOTONIC);
	json_t *result;
	bool found;
	int err;

	for (;;) {
		const char *is;

		err = execute_text(q, "{\"execute\": \"query-migrate\"}", &result);
		if (err)
			return err;
		is = json_string_value(json_object_get(result, "status"));
		found = is && !strcmp(is, wanted);
		if (!found && is && (!strcmp(is, "completed") || !strcmp(is, "failed"))) {
			fprintf(stderr, "lab-qmp: the migration is %s, not %s: %s\n", is, wanted,
				json_string_value(json_object_get(result, "error-desc")) ?: "");
			err = -EREMOTEIO;
		}
		json_decref(result);
		if (found || err)
			return err;
		if (is_late(begin))
			return -ETIMEDOUT;
		pause_a_little();
	}
}

static int print_words(struct qmp *q, const char *where)
{
	unsigned long addr, n;
	json_t *xp, *result;
	const char *text;
	char line[64];
	int err, at;

	if (sscanf(where, "%li:%lu", (long *)&addr, &n) != 2)
		return -EINVAL;
	snprintf(line, sizeof(line), "xp /%luwx 0x%lx", n, addr);
	xp = json_pack("{s:s,s:{s:s}}", "execute", "human-monitor-command", "arguments",
		       "command-line", line);
	err = execute(q, xp, &result);
	json_decref(xp);
	if (err)
		return err;
	/* ADDRESS: 0xWORD 0xWORD ..., four a line */
	for (text = json_string_value(result); text && *text; text += at) {
		char word[32];

		at = 0;
		if (sscanf(text, "%31s%n", word, &at) != 1)
			break;
		if (!strchr(word, ':'))
			printf("%lu%s", strtoul(word, NULL, 16), --n ? " " : "\n");
	}
	json_decref(result);
	return n ? -EPROTO : 0;
}

static int print_status(struct qmp *q)
{
	json_t *result;
	int err = execute_text(q, "{\"execute\": \"query-status\"}", &result);

	if (err)
		return err;
	puts(json_string_value(json_object_get(result, "status")) ?: "");
	json_decref(result);
	return 0;
}

static int command(struct qmp *q, const char *text, bool print)
{
	json_t *result;
	int err = execute_text(q, text, &result);

	if (err)
		return err;
	if (print) {
		json_dumpf(result, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
		putchar('\n');
	}
	json_decref(result);
	return 0;
}

static int run(struct qmp *q, const char *op)
{
	if (*op == '{')
		return command(q, op, false);
	if (!strncmp(op, "json:", 5))
		return command(q, op + 5, true);
	if (!strncmp(op, "event:", 6))
		return wait_event(q, op + 6);
	if (!strncmp(op, "migration:", 10))
		return wait_migration(q, op + 10);
	if (!strncmp(op, "words:", 6))
		return print_words(q, op + 6);
	if (!strncmp(op, "say:", 4))
		return puts(op + 4) < 0 ? -EIO : 0;
	if (!strcmp(op, "status"))
		return print_status(q);
	if (!strcmp(op, "gone"))
		return wait_gone(q);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	struct qmp q = { .fd = -1 };
	const char *at = "connecting";
	int opt, err = 0;

	while ((opt = getopt(argc, argv, "+l:")) != -1) {
		if (opt != 'l')
			return 2;
		q.log = fopen(optarg, "ae");
		if (!q.log) {
			fprintf(stderr, "lab-qmp: %s: %s\n", optarg, strerror(errno));
			return 1;
		}
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: lab-qmp [-l LOG] SOCKET OP...\n");
		return 2;
	}
	q.event = json_array();
	if (!q.event)
		return 1;
	err = connect_to(&q, argv[optind]);
	for (int i = optind + 1; i < argc && !err; i++) {
		at = argv[i];
		err = run(&q, at);
		fflush(stdout);
	}
	if (err)
		fprintf(stderr, "lab-qmp: %s: %s\n", at, strerror(-err));
	json_decref(q.event);
	if (q.fd >= 0)
		close(q.fd);
	if (q.log)
		fclose(q.log);
	return err ? 1 : 0;
}
