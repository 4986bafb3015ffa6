// SPDX-License-Identifier: GPL-2.0-only
/* iommufd contexts that come and go, and areas that go down (drivers/iommu/iommufd/main.c, io_pagetable.c). */
#include "hook.bpf.h"
#include "iommufd.bpf.h"

/* int iommufd_fops_open(struct inode *inode, struct file *filp) */
static __always_inline void enter_iommufd_fops_open(__u64 inode, __u64 filp)
{
	struct rs_frame *f = push_frame(RS_IN_OPEN, 0);

	if (!f)
		return;
	f->kind = RS_CONTAINER_IOMMUFD;
	f->arg = filp;
}

static __always_inline void leave_iommufd_fops_open(__u64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);
	struct rs_container *c;
	struct rs_ev_open *ev;
	struct file *file;

	if (!f || f->caller != RS_IN_OPEN || f->kind != RS_CONTAINER_IOMMUFD)
		return;
	file = (void *)f->arg;
	if (!(__s32)ret) {
		f->container = (__u64)BPF_CORE_READ(file, private_data);
		c = container_of_kind(f->container, RS_CONTAINER_IOMMUFD);
		if (c)
			c->born = 1;
		ev = RS_RECORD(RS_EV_OPEN, rs_ev_open, f->container);
		if (ev) {
			fill_op(&ev->op, f, 0);
			ev->iommu_type = 0;
			bpf_ringbuf_submit(ev, 0);
		}
	}
	pop_frame(t);
}

RS_ENTRY(iommufd_fops_open, 2)
RS_EXIT(iommufd_fops_open)

/* int iommufd_fops_release(struct inode *inode, struct file *filp) */
static __always_inline void enter_iommufd_fops_release(__u64 inode, __u64 filp)
{
	__u64 ictx = (__u64)BPF_CORE_READ((struct file *)filp, private_data);
	struct rs_frame *f = push_frame(RS_IN_RELEASE, ictx);

	if (!f)
		return;
	f->kind = RS_CONTAINER_IOMMUFD;
	enter_container(f);
}

static __always_inline void leave_iommufd_fops_release(__u64 ret)
{
	struct rs_task *t = nr_active ? this_task(false) : NULL;
	struct rs_frame *f = top_frame(t);
	struct rs_ev_release *ev;
	__u64 key;

	if (!f || f->caller != RS_IN_RELEASE || f->kind != RS_CONTAINER_IOMMUFD)
		return;
	key = f->container;
	leave_container(f);
	ev = RS_RECORD(RS_EV_RELEASE, rs_ev_release, key);
	if (ev) {
		fill_op(&ev->op, f, 0);
		bpf_ringbuf_submit(ev, 0);
	}
	bpf_map_delete_elem(&containers, &key);
	pop_frame(t);
}

RS_ENTRY(iommufd_fops_release, 2)
RS_EXIT(iommufd_fops_release)

/*
 * void iopt_area_unfill_domains(struct iopt_area *area, struct iopt_pages *pages): the area goes down. A map that
 * fails half-way takes back by it what nobody has been told of.
 */
static __always_inline void enter_iopt_area_unfill_domains(__u64 key, __u64 pages)
{
	struct iopt_area *area = (void *)key;
	struct rs_frame *f = nested_frame();
	struct rs_ev_remove *ev;
	__u64 iova;

	if (!f || f->kind != RS_CONTAINER_IOMMUFD || f->caller == RS_IN_IOCTL_MAP)
		return;
	f->work.removed++;
	f->removing = 1;
	ev = RS_RECORD(RS_EV_REMOVE, rs_ev_remove, f->container);
	if (!ev)
		return;
	iova = BPF_CORE_READ(area, node.start);
	ev->req = f->req;
	ev->container = f->container;
	ev->iova.v = iova;
	ev->size = BPF_CORE_READ(area, node.last) - iova + 1;
	ev->caller = f->caller;
	ev->flags = area_flags(area, (void *)pages);
	ev->ioas = ioas_id(ioas_of_area(area));
	ev->reserved = 0;
	bpf_ringbuf_submit(ev, 0);
}

RS_ENTRY(iopt_area_unfill_domains, 2)

char LICENSE[] SEC("license") = "GPL";
