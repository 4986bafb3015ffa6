// SPDX-License-Identifier: GPL-2.0-only
/* Guests: their vCPUs, their devices' calls, and who was passed the files of what they are given. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include "model/guest.h"
#include "model/ioctx.h"

/* Of another process it is another VM: KVM lets only the mm that has made it run its vCPUs. */
static struct rs_vm *get_vm(struct rs_model *m, __u64 key, __u32 tgid)
{
	struct rs_vm *vm;

	HASH_FIND(hh, m->vms, &key, sizeof(key), vm);
	if (!vm) {
		vm = calloc(1, sizeof(*vm));
		if (!vm)
			return NULL;
		vm->key = key;
		HASH_ADD(hh, m->vms, key, sizeof(vm->key), vm);
	}
	if (vm->tgid != tgid) {
		vm->tgid = tgid;
		vm->id = ++m->next_vm;
	}
	return vm;
}

static void drop_vm(struct rs_model *m, struct rs_vm *vm)
{
	HASH_DEL(m->vms, vm);
	free(vm);
}

static struct rs_vcpu *get_vcpu(struct rs_model *m, __u64 key)
{
	struct rs_vcpu *v;

	HASH_FIND(hh, m->vcpus, &key, sizeof(key), v);
	if (v)
		return v;
	v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->key = key;
	HASH_ADD(hh, m->vcpus, key, sizeof(v->key), v);
	return v;
}

static void drop_vcpu(struct rs_model *m, struct rs_vcpu *v)
{
	HASH_DEL(m->vcpus, v);
	rs_drop(v->told);
	free(v);
}

static bool is_inside(const struct rs_vcpu *v)
{
	struct rs_ev_vcpu x;

	if (!v->told)
		return false;
	rs_event_read(&x, sizeof(x), &v->told->ev);
	return x.flags & RS_VCPUF_INSIDE;
}

/* A vCPU runs although ranges of its update have no vaddr. Each is told once. */
static int note_runs(struct rs_model *m, struct rs_update *u, const struct rs_event *proof,
		     const struct rs_event *ev)
{
	int err = 0;

	for (struct rs_container *c = m->containers; c && !err; c = c->hh.next) {
		if (!c->window || c->window->update != u)
			continue;
		for (size_t i = 0; i < c->nr && !err; i++) {
			struct rs_range *r = c->range[i];

			if (!r->invalid || r->ran)
				continue;
			r->ran = true;
			err = rs_note(m, (struct rs_note){ .type = RS_N_GUEST_RUNS,
							   .ts = ev->ts,
							   .ev = ev,
							   .proof = proof,
							   .container = c,
							   .range = r,
							   .by = ev->tgid });
		}
	}
	return err;
}

static int on_vcpu(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_update *u = rs_update_by(m, ev->tgid);
	struct rs_ev_vcpu x;
	struct rs_vcpu *v;
	struct rs_vm *vm;
	bool inside;
	int err;

	rs_event_read(&x, sizeof(x), ev);
	vm = get_vm(m, x.kvm, ev->tgid);
	v = get_vcpu(m, x.vcpu);
	if (!vm || !v)
		return -ENOMEM;
	v->tgid = ev->tgid;
	v->vm = vm->id;
	inside = is_inside(v);
	rs_drop(v->told);
	v->told = NULL;
	if (x.what == RS_VCPU_TOLD) {
		v->told = rs_keep(ev);
		return v->told ? 0 : -ENOMEM;
	}
	if (!u)
		return 0;
	err = rs_update_runs(m, u, v, &x, inside);
	return err ? err : note_runs(m, u, NULL, ev);
}

int rs_guest_invalidated(struct rs_model *m, struct rs_update *u, const struct rs_event *ev)
{
	bool old = u->view.from.tgid == ev->tgid && !u->exec;
	const struct rs_vcpu *inside = NULL;
	int err = 0;

	for (const struct rs_vcpu *v = m->vcpus; v && !err; v = v->hh.next) {
		if (v->tgid != ev->tgid || !v->told)
			continue;
		if (!inside && is_inside(v))
			inside = v;
		if (old)
			err = rs_update_told(u, v);
	}
	if (err || !inside)
		return err;
	return note_runs(m, u, &inside->told->ev, ev);
}

static void on_vm(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_vm x;
	struct rs_vm *vm;
	struct rs_vcpu *v, *next;

	rs_event_read(&x, sizeof(x), ev);
	HASH_FIND(hh, m->vms, &x.kvm, sizeof(x.kvm), vm);
	if (!vm)
		return;
	HASH_ITER(hh, m->vcpus, v, next)
	{
		if (v->vm == vm->id)
			drop_vcpu(m, v);
	}
	drop_vm(m, vm);
}

static void on_irq(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_irq x;

	rs_event_read(&x, sizeof(x), ev);
	if (x.ret >= 0 && (x.what == RS_IRQ_TRIGGER || x.what == RS_IRQ_IRQFD))
		rs_update_irq(m, ev->tgid, ev->ts);
}

/* Any container of an object: of a context, the first of its ioas. NULL: there is none */
static struct rs_container *container_of_object(const struct rs_model *m, __u64 object)
{
	const struct rs_ioctx *x = rs_ioctx_find(m, object);

	if (x)
		return x->nr ? x->ioas[0] : NULL;
	return rs_container_find(m, (struct rs_key){ .object = object });
}

/* The update that it is in; NULL: none */
static struct rs_update *update_of_object(const struct rs_model *m, __u64 object)
{
	const struct rs_ioctx *x = rs_ioctx_find(m, object);
	const struct rs_container *c;

	if (x)
		return rs_ioctx_update(m, x);
	c = rs_container_find(m, (struct rs_key){ .object = object });
	return c ? rs_update_of(m, c) : NULL;
}

/* The process has looked into what it was given. */
static void set_up(struct rs_model *m, __u64 container, const struct rs_event *ev)
{
	struct rs_update *u = rs_update_by(m, ev->tgid), *now = update_of_object(m, container);

	for (size_t i = 0; i < m->nr_passed; i++)
		if (m->passed[i].container == container && m->passed[i].heir.tgid == ev->tgid)
			m->passed[i].heir.set_up_ns = ev->ts;
	/* The opener's own only once it has another program. */
	if (u && now == u && !u->remapper && (u->exec || u->view.from.tgid != ev->tgid))
		rs_update_heir(u, ev->tgid)->set_up_ns = ev->ts;
}

static const char *migration_state(__u32 state)
{
	static const char *const names[] = {
		"migration state error",    "migration state stop",
		"migration state running",  "migration state stop-copy",
		"migration state resuming", "migration state running-p2p",
		"migration state pre-copy", "migration state pre-copy-p2p",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "migration state";
}

static const char *feature(const struct rs_ev_devop *x)
{
	if (!(x->feature & VFIO_DEVICE_FEATURE_SET) || x->feature & VFIO_DEVICE_FEATURE_PROBE)
		return NULL;
	switch (x->feature & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
		return migration_state(x->state);
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
		return "device's dirty tracking started";
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP:
		return "device's dirty tracking stopped";
	default:
		return NULL;
	}
}

static int mark(struct rs_model *m, struct rs_container *c, const struct rs_event *ev,
		struct rs_mark_view v, __s64 ret)
{
	v.len = ev->ts > v.at_ns ? ev->ts - v.at_ns : 0;
	v.container = c->view.id;
	v.proc = rs_proc_ref(m, ev->tgid);
	v.err = ret < 0 ? rs_errno(ret) : 0;
	return rs_update_mark(m, c, &v);
}

static int on_devop(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_mark_view v = { 0 };
	struct rs_container *c;
	struct rs_ev_devop x;
	struct rs_device *d;

	rs_event_read(&x, sizeof(x), ev);
	HASH_FIND(hh, m->devices, &x.device, sizeof(x.device), d);
	if (!x.container && d)
		x.container = d->container.object;
	c = d ? rs_container_find(m, d->container) : NULL;
	if (!c || c->key.object != x.container)
		c = container_of_object(m, x.container);
	switch (x.cmd) {
	case VFIO_DEVICE_GET_INFO:
	case VFIO_DEVICE_GET_REGION_INFO:
	case VFIO_DEVICE_GET_IRQ_INFO:
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		set_up(m, x.container, ev);
		return 0;
	case VFIO_DEVICE_RESET:
		v.what = "device reset";
		break;
	case VFIO_DEVICE_PCI_HOT_RESET:
		v.what = "hot reset";
		break;
	case VFIO_DEVICE_FEATURE:
		v.what = feature(&x);
		break;
	}
	if (!v.what || !c)
		return 0;
	v.at_ns = x.start_ns;
	v.device = d ? d->view.id : 0;
	return mark(m, c, ev, v, x.ret);
}

int rs_guest_ioctl(struct rs_model *m, struct rs_container *c, const struct rs_ev_ioctl *x,
		   const struct rs_event *ev)
{
	struct rs_mark_view v = { .at_ns = x->op.start_ns };

	if (x->cmd != VFIO_IOMMU_DIRTY_PAGES) {
		set_up(m, c->key.object, ev);
		return 0;
	}
	if (x->uflags & VFIO_IOMMU_DIRTY_PAGES_FLAG_START)
		v.what = "dirty tracking started";
	else if (x->uflags & VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP)
		v.what = "dirty tracking stopped";
	return v.what ? mark(m, c, ev, v, x->op.ret) : 0;
}

/* The place among those of the container that may go on with its guest; NULL without memory. */
static struct rs_heir *passed_to(struct rs_model *m, __u64 container, __u32 tgid)
{
	struct rs_passed *grown;

	for (size_t i = 0; i < m->nr_passed; i++)
		if (m->passed[i].container == container && m->passed[i].heir.tgid == tgid)
			return &m->passed[i].heir;
	grown = rs_grow(m->passed, m->nr_passed, sizeof(*grown));
	if (!grown)
		return NULL;
	m->passed = grown;
	grown += m->nr_passed++;
	*grown = (struct rs_passed){ .container = container, .heir.tgid = tgid };
	return &grown->heir;
}

static int on_passed(struct rs_model *m, const struct rs_event *ev)
{
	static const char *const what[] = {
		[RS_PASSED_CONTAINER] = "container's file passed",
		[RS_PASSED_GROUP] = "group's file passed",
		[RS_PASSED_DEVICE] = "device's file passed",
	};
	struct rs_mark_view v = { .at_ns = ev->ts, .what = "file passed" };
	struct rs_container *c;
	struct rs_ev_passed x;
	struct rs_update *u;
	struct rs_device *d;
	struct rs_heir *h;

	rs_event_read(&x, sizeof(x), ev);
	HASH_FIND(hh, m->devices, &x.object, sizeof(x.object), d);
	if (!x.container && d)
		x.container = d->container.object;
	if (!x.container)
		return 0;
	c = container_of_object(m, x.container);
	u = c && c->window ? c->window->update : rs_ioctx_open_update(m, x.container);
	h = u ? rs_update_heir(u, ev->tgid) : passed_to(m, x.container, ev->tgid);
	if (!h)
		return -ENOMEM;
	if (!h->passed_ns)
		h->passed_ns = ev->ts;
	if (x.what && x.what < sizeof(what) / sizeof(what[0]))
		v.what = what[x.what];
	v.device = d && x.what == RS_PASSED_DEVICE ? d->view.id : 0;
	return c ? mark(m, c, ev, v, 0) : 0;
}

static int on_mark(struct rs_model *m, const struct rs_event *ev)
{
	struct rs_ev_mark *grown = rs_grow(m->mark, m->nr_marks, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	m->mark = grown;
	grown += m->nr_marks++;
	rs_event_read(grown, sizeof(*grown), ev);
	if (grown->what == RS_MARK_RESUME)
		rs_update_resumed(m);
	return 0;
}

bool rs_guest_passed(const struct rs_model *m, __u64 container, __u32 tgid)
{
	for (size_t i = 0; i < m->nr_passed; i++)
		if (m->passed[i].container == container && m->passed[i].heir.tgid == tgid)
			return true;
	return false;
}

int rs_guest_opened(struct rs_model *m, __u64 container, struct rs_update *u)
{
	for (size_t i = 0; i < m->nr_passed; i++) {
		const struct rs_heir *p = &m->passed[i].heir;
		struct rs_heir *h;

		/* Who opens it has got it at another time, for good. */
		if (m->passed[i].container != container || p->tgid == u->view.from.tgid)
			continue;
		h = rs_update_heir(u, p->tgid);
		if (!h)
			return -ENOMEM;
		if (!h->passed_ns || p->passed_ns < h->passed_ns)
			h->passed_ns = p->passed_ns;
		if (p->set_up_ns > h->set_up_ns)
			h->set_up_ns = p->set_up_ns;
	}
	rs_guest_released(m, container);
	return 0;
}

void rs_guest_released(struct rs_model *m, __u64 container)
{
	for (size_t i = m->nr_passed; i-- > 0;)
		if (m->passed[i].container == container)
			m->passed[i] = m->passed[--m->nr_passed];
}

void rs_guest_exit(struct rs_model *m, __u32 tgid)
{
	rs_guest_exec(m, tgid);
	for (size_t i = m->nr_passed; i-- > 0;)
		if (m->passed[i].heir.tgid == tgid)
			m->passed[i] = m->passed[--m->nr_passed];
}

void rs_guest_exec(struct rs_model *m, __u32 tgid)
{
	struct rs_vcpu *v, *next;
	struct rs_vm *vm, *next_vm;

	HASH_ITER(hh, m->vcpus, v, next)
	{
		if (v->tgid == tgid)
			drop_vcpu(m, v);
	}
	HASH_ITER(hh, m->vms, vm, next_vm)
	{
		if (vm->tgid == tgid)
			drop_vm(m, vm);
	}
}

int rs_guest_event(struct rs_model *m, const struct rs_event *ev)
{
	switch (ev->type) {
	case RS_EV_VCPU:
		return on_vcpu(m, ev);
	case RS_EV_VM:
		on_vm(m, ev);
		return 0;
	case RS_EV_IRQ:
		on_irq(m, ev);
		return 0;
	case RS_EV_DEVOP:
		return on_devop(m, ev);
	case RS_EV_PASSED:
		return on_passed(m, ev);
	case RS_EV_MARK:
		return on_mark(m, ev);
	default:
		return 0;
	}
}

void rs_guest_free(struct rs_model *m)
{
	while (m->vcpus)
		drop_vcpu(m, m->vcpus);
	while (m->vms)
		drop_vm(m, m->vms);
	free(m->passed);
	free(m->mark);
}
