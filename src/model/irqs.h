/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Interrupts of passed-through devices, and whether they reach a guest
 *
 * A device's vector signals an eventfd; KVM takes that eventfd's signals as interrupts of its guest (an irqfd). A
 * program that updates itself takes the irqfd off and leaves the vector as it is; its successor puts one on the
 * same eventfd, or gives the vector another one. A guest that masks a vector makes the program change what the vector
 * signals, so that "the same eventfd, had an irqfd, has none" is the sign of an update.
 */
#ifndef RS_MODEL_IRQS_H
#define RS_MODEL_IRQS_H

#include "model/model.h"

/** enum rs_irq_lack - why an interrupt does not reach its guest as it did before */
enum rs_irq_lack {
	RS_IRQ_REACHES = 0,    /* it does */
	RS_IRQ_NO_TRIGGER = 1, /* the vector signals nothing */
	RS_IRQ_NOT_TAKEN = 2,  /* what it signals is not taken by the guest's KVM */
	RS_IRQ_UNTOLD = 3,     /* it cannot be told */
};

/**
 * struct rs_irq_seen - an interrupt, when it is judged
 * @had: whose irqfd it had, .tgid 0: not known
 * @has: who runs the guest, .tgid 0: nobody
 * @kept: the irqfd of @had is still there
 * @other: it signals another eventfd than when the update began
 */
struct rs_irq_seen {
	enum rs_irq_lack lack;
	struct rs_proc_ref had;
	struct rs_proc_ref has;
	bool kept;
	bool other;
};

/** struct rs_irq_key - a vector; of an eventfd whose vector is not known: that, and RS_IRQ_STRAY */
struct rs_irq_key {
	__u64 object;
	__u32 index;
	__u32 vector;
};

#define RS_IRQ_STRAY UINT32_MAX

/**
 * struct rs_irq - an interrupt: a vector of a device
 * @eventfd: what it signals, 0: nothing, or it is not known
 * @set: it signals something
 * @taken: that had an irqfd since it became what the vector signals
 * @update: id of the last update that it was at stake in
 * @at_stake: the guest has not run since
 * @need_irqfd: what has to be there when it does
 * @vcpus: whether vCPUs of it were seen
 * @was: what it signalled when the update began
 * @lost_inside: it was told to signal nothing while a window of the update was open
 * @back: a stray one: it has an irqfd again
 * @tgid: a stray one: who took the irqfd off
 * @set_by: the record that made it signal that
 * @unset_by: ... or nothing
 */
struct rs_irq {
	struct rs_object obj;
	UT_hash_handle hh;
	struct rs_irq_key key;
	__u64 eventfd;
	bool set;
	bool taken;
	__u32 update;
	bool at_stake;
	bool need_irqfd;
	bool vcpus;
	__u64 was;
	bool lost_inside;
	bool back;
	__u32 tgid;
	struct rs_kept *set_by;
	struct rs_kept *unset_by;
};

/**
 * struct rs_eventfd - an eventfd that KVM takes, or took
 * @irqfd: those that are there
 * @lost_by: whose irqfd went last
 * @lost: the record that took it; NULL: none has
 */
struct rs_eventfd {
	UT_hash_handle hh;
	__u64 key;
	struct rs_irqfd {
		__u64 kvm;
		__u32 gsi;
		__u32 tgid;
	} * irqfd;
	size_t nr;
	struct rs_proc_ref lost_by;
	struct rs_kept *lost;
};

/** rs_irq_name() - "MSI-X vector 3". Return: its length */
int rs_irq_name(const struct rs_irq *irq, char *buf, size_t len);

/** rs_irqs_event() - RS_EV_IRQ, RS_EV_VM. Return: 0 or -errno */
int rs_irqs_event(struct rs_model *m, const struct rs_event *ev);

/** rs_irqs_ran() - RS_EV_VCPU of one that runs: what is at stake in its update is judged */
int rs_irqs_ran(struct rs_model *m, const struct rs_event *ev);

/**
 * rs_irqs_at_stake() - ranges of @c were invalidated: its devices' interrupts are at stake in @u from now on
 *
 * Of an ioas all of its context's are: their hand-over has begun.
 */
int rs_irqs_at_stake(struct rs_model *m, struct rs_update *u, struct rs_container *c,
		     const struct rs_event *ev);

/** rs_irqs_left() - the process is no more, or has another program: its irqfds are gone */
int rs_irqs_left(struct rs_model *m, const struct rs_event *ev);

/** rs_irqs_closed() - the device is gone. @ev: what closed it; NULL: nobody saw it */
int rs_irqs_closed(struct rs_model *m, struct rs_device *d, const struct rs_event *ev);

/** rs_irqs_end() - the recording ends */
int rs_irqs_end(struct rs_model *m);

void rs_irqs_free(struct rs_model *m);

#endif /* RS_MODEL_IRQS_H */
