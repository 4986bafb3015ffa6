// SPDX-License-Identifier: GPL-2.0-only
#include "util/msg.h"

#include <stdarg.h>
#include <stdio.h>

int rs_msg_set(struct rs_msg *msg, int err, const char *fmt, ...)
{
	va_list ap;

	if (!msg)
		return err;
	va_start(ap, fmt);
	vsnprintf(msg->text, sizeof(msg->text), fmt, ap);
	va_end(ap);
	return err;
}
