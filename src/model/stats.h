/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Statistics that the kernel kept
 */
#ifndef RS_MODEL_STATS_H
#define RS_MODEL_STATS_H

#include "model/model.h"

/** rs_stats_event() - RS_EV_STATS. Return: 0 or -ENOMEM */
int rs_stats_event(struct rs_model *m, const struct rs_event *ev);

/** rs_stats_take() - make the rows of requests and devices of them. Return: 0 or -ENOMEM */
int rs_stats_take(struct rs_model *m);

/** rs_stats_compare() - what the kernel counted and nobody recorded is a gap. Return: 0 or -ENOMEM */
int rs_stats_compare(struct rs_model *m);

void rs_stats_free(struct rs_model *m);

#endif /* RS_MODEL_STATS_H */
