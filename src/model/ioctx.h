/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: iommufd contexts, who owns their areas, and hand-overs
 *
 * An ioas is a container (&struct rs_container): it has ranges. What all of them have in common is here: the
 * context, and that its areas change their owner together, by CHANGE_PROCESS, without losing anything meanwhile.
 */
#ifndef RS_MODEL_IOCTX_H
#define RS_MODEL_IOCTX_H

#include "model/model.h"

/**
 * struct rs_change - a context's hand-over under way
 * @update: that it is of
 * @rows: what was asked for inside it
 * @alive: something tells that somebody wants to take over: it is not only a program that left
 * @begun: the record that it began with
 * @refused: the last CHANGE_PROCESS of a new owner that failed; NULL: none has
 * @refusal: that one
 */
struct rs_change {
	struct rs_handover_view view;
	struct rs_update *update;
	struct rs_rows rows;
	bool alive;
	struct rs_kept *begun;
	struct rs_kept *refused;
	struct rs_refusal_view refusal;
};

/**
 * struct rs_ioctx - an iommufd context that lives
 * @ioas: those that are there
 * @owner_mm: that areas were charged to when it was last told; 0: not known
 * @left: that mm's process has another program, or is gone
 * @vcpus: vCPUs of an owner were seen: they tell when the guest runs
 * @ran: it was told that a guest runs in another process than the owner's
 * @probe_ns: the owner's last CHANGE_PROCESS was entered, and nothing else done since; 0: there is none
 * @probed_ns: it had returned
 * @change: NULL: no hand-over is under way
 * @last: the update that it was in last; NULL: none
 * @in_use: the owner has run its guest, or used the context, since it was made the owner
 * @handed: the last CHANGE_PROCESS that made another process the owner; NULL: none has
 */
struct rs_ioctx {
	struct rs_object obj;
	UT_hash_handle hh;
	__u64 key;
	struct rs_ioctx_view view;
	struct rs_container **ioas;
	size_t nr;
	__u64 owner_mm;
	bool left;
	bool vcpus;
	bool ran;
	__u64 probe_ns;
	__u64 probed_ns;
	struct rs_change *change;
	struct rs_update *last;
	bool in_use;
	struct rs_kept *handed;
};

/** rs_ioctx_find() - NULL: it is not known */
struct rs_ioctx *rs_ioctx_find(const struct rs_model *m, __u64 key);

/** rs_ioctx_get() - made known if it was not. NULL without memory */
struct rs_ioctx *rs_ioctx_get(struct rs_model *m, __u64 key, __u64 ts);

/** rs_ioctx_adopt() - a new ioas is of the context. Return: 0 or -ENOMEM */
int rs_ioctx_adopt(struct rs_ioctx *x, struct rs_container *c);

/** rs_ioctx_disown() - the ioas is no more */
void rs_ioctx_disown(struct rs_container *c);

/** rs_ioctx_release() - the context is no more; its ioas have gone before. @ev: NULL: the recording ends */
int rs_ioctx_release(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev);

/** rs_ioctx_begin() - a hand-over begins. @begun_by: static. Return: 0 or -errno */
int rs_ioctx_begin(struct rs_model *m, struct rs_ioctx *x, const struct rs_proc_ref *from,
		   __u64 start_ns, const char *begun_by, const struct rs_event *ev);

/** rs_ioctx_end() - it ends. @by: 0: the view's from. Return: 0 or -ENOMEM */
int rs_ioctx_end(struct rs_model *m, struct rs_ioctx *x, enum rs_handover_end end, __u32 by,
		 __u64 ts);

/**
 * rs_ioctx_take_back() - the last hand-over goes on: whom it was from has got everything back before it was of use
 * Return: 0, -ENOENT (it was not from that process, or has been told or used), or another -errno
 */
int rs_ioctx_take_back(struct rs_model *m, struct rs_ioctx *x, __u64 start_ns,
		       const struct rs_event *ev);

/** rs_ioctx_left() - a process is about to leave that mm, by exec or exit. @users: who else has it */
int rs_ioctx_left(struct rs_model *m, const struct rs_event *ev, __u64 mm, __u32 users);

/** rs_ioctx_ran() - a vCPU of the process enters KVM_RUN */
int rs_ioctx_ran(struct rs_model *m, const struct rs_event *ev);

/** rs_ioctx_used() - a process maps, copies or attaches: the context is in use */
int rs_ioctx_used(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev);

/** rs_ioctx_emptied() - an area went down; was it the last one? */
int rs_ioctx_emptied(struct rs_model *m, struct rs_ioctx *x, const struct rs_event *ev);

/** rs_ioctx_cancel() - the old owner's guest runs again: what of the update was not handed over is cancelled */
int rs_ioctx_cancel(struct rs_model *m, struct rs_update *u, __u64 ts);

/** rs_ioctx_update() - the update that it is in, or that its guest has not come out of; NULL: none */
struct rs_update *rs_ioctx_update(const struct rs_model *m, const struct rs_ioctx *x);

/** rs_ioctx_open_update() - that of its hand-over under way; NULL: none. @key: of anything */
struct rs_update *rs_ioctx_open_update(const struct rs_model *m, __u64 key);

/** rs_ioctx_foreign() - an area that is charged to another mm than that; NULL: there is none */
struct rs_range *rs_ioctx_foreign(const struct rs_ioctx *x, __u64 mm);

/** rs_area_take() - an area as a view. Return: 0 or -ENOMEM */
int rs_area_take(struct rs_model *m, const struct rs_range *r, struct rs_area_view *v);

/** rs_area_keep() - an area of an ioas that goes with all that is in it stays for the result. Return: 0 or -ENOMEM */
int rs_area_keep(struct rs_model *m, const struct rs_range *r);

/** rs_changes_free() - free @nr of them, and the array */
void rs_changes_free(struct rs_change *h, size_t nr);

/** rs_ioctxs_end() - the recording ends: contexts, hand-overs and areas as they are. Return: 0 or -errno */
int rs_ioctxs_end(struct rs_model *m);

/** rs_ioctxs_forget() - of a recorder that goes on: what was told, or will not be */
void rs_ioctxs_forget(struct rs_model *m);

void rs_ioctxs_free(struct rs_model *m);

#endif /* RS_MODEL_IOCTX_H */
