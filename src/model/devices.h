/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Devices, and what they have pinned
 */
#ifndef RS_MODEL_DEVICES_H
#define RS_MODEL_DEVICES_H

#include "model/pending.h"

/** rs_device_event() - RS_EV_DEVICE. Return: 0 or -ENOMEM */
int rs_device_event(struct rs_model *m, const struct rs_event *ev);

/**
 * rs_device_of() - the device of a request, made known if it was not
 * @c: its container, NULL: not known
 *
 * Return: the device; NULL without memory
 */
struct rs_device *rs_device_of(struct rs_model *m, const struct rs_ev_request *rq,
			       const struct rs_container *c);

/** rs_device_counted() - one of which only the kernel's counts tell. Return: it, NULL without memory */
struct rs_device *rs_device_counted(struct rs_model *m, __u64 key, __u64 ts);

/**
 * rs_device_request() - account for a pin or unpin that was served
 * @d: NULL: the backend was asked by somebody who is no device
 * @p: the request's pieces; NULL: it has none
 *
 * Return: 0 or -errno
 */
int rs_device_request(struct rs_model *m, struct rs_device *d, struct rs_container *c,
		      const struct rs_ev_request *rq, const struct rs_pending *p,
		      const struct rs_event *ev);

/**
 * rs_devices_close() - the devices of a group are gone
 * @group_id: -1: all of the container
 * @ev: what closed them; NULL: nobody saw it, and nothing is told of their pins
 */
int rs_devices_close(struct rs_model *m, struct rs_container *c, __s64 group_id,
		     const struct rs_event *ev);

/** rs_devices_leave() - the same of all devices of a context, whatever their ioas */
int rs_devices_leave(struct rs_model *m, __u64 object, const struct rs_event *ev);

/**
 * rs_device_attached() - a device is in an ioas now, perhaps instead of another one
 * @c: NULL: which one is not known
 *
 * Return: 0 or -errno
 */
int rs_device_attached(struct rs_model *m, const struct rs_ev_group *e, struct rs_ioctx *x,
		       struct rs_container *c, const struct rs_event *ev);

/** rs_device_detached() - a device has left its ioas for none. @c: NULL: not known. Return: 0 or -errno */
int rs_device_detached(struct rs_model *m, __u64 device, struct rs_container *c,
		       const struct rs_event *ev);

/** rs_devices_end() - the recording ends: judge pins by the kernel's counts, if these are all there is */
int rs_devices_end(struct rs_model *m);

/** rs_devices_forget() - those that are gone and whose address another one has: no count is of them any more */
void rs_devices_forget(struct rs_model *m);

void rs_devices_free(struct rs_model *m);

#endif /* RS_MODEL_DEVICES_H */
