/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RS_UTIL_MSG_H
#define RS_UTIL_MSG_H

/** struct rs_msg - one sentence for the user */
struct rs_msg {
	char text[512];
};

/**
 * rs_msg_set() - fill a message; what does not fit is cut off
 * @msg: may be NULL
 * @err: -errno, given back so that a failing function can end with this call
 *
 * Return: @err
 */
int rs_msg_set(struct rs_msg *msg, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* RS_UTIL_MSG_H */
