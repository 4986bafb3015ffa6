/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RS_TESTDEV_INTERNAL_H
#define RS_TESTDEV_INTERNAL_H

struct dentry;

void rs_inject_init(struct dentry *dir);
void rs_inject_exit(void);

#endif
