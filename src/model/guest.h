/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests: their vCPUs, their devices' calls, and who was passed the files of what they are given. */
#ifndef RS_MODEL_GUEST_H
#define RS_MODEL_GUEST_H

#include "model/model.h"

/* A record of remapscope/event_guest.h. Return: 0 or -errno */
int rs_guest_event(struct rs_model *m, const struct rs_event *ev);
/* An ioctl of a container that neither maps nor unmaps. Return: 0 or -ENOMEM */
int rs_guest_ioctl(struct rs_model *m, struct rs_container *c, const struct rs_ev_ioctl *x,
		   const struct rs_event *ev);
/* Ranges were invalidated, or an update begins otherwise: how the process' vCPUs are at that moment has been told. */
int rs_guest_invalidated(struct rs_model *m, struct rs_update *u, const struct rs_event *ev);
/* The process was passed a file of that container or context, which has no update since. */
bool rs_guest_passed(const struct rs_model *m, __u64 container, __u32 tgid);
/* The container's window, or the context's hand-over, has just begun: who was passed its files is of the update. */
int rs_guest_opened(struct rs_model *m, __u64 container, struct rs_update *u);
/* The container is no more. */
void rs_guest_released(struct rs_model *m, __u64 container);
/* The process is no more; or has another program, and its vCPUs are gone. */
void rs_guest_exit(struct rs_model *m, __u32 tgid);
void rs_guest_exec(struct rs_model *m, __u32 tgid);
void rs_guest_free(struct rs_model *m);

#endif /* RS_MODEL_GUEST_H */
