// SPDX-License-Identifier: GPL-2.0-only
/* irq-restored: interrupts that an update takes away, and gives back, or not. */
#include <linux/vfio.h>
#include "judge.h"

#define VM	0xffff888200000000ULL
#define VM2	0xffff888200100000ULL
#define NIC	0xffff888200001000ULL
#define DISK	0xffff888200002000ULL
#define FD(n)	(0xffff888300000000ULL + 0x100ULL * (n))
#define VECTORS 3

#define LOST                                                                                       \
	"when the guest runs again: the guest does not get this interrupt (only through a slower " \
	"path, if at all)"

static void irqfd(struct synth *s, __u64 kvm, __u32 gsi, __u64 eventfd)
{
	synth_irq(s, RS_IRQ_IRQFD, kvm, gsi, eventfd);
}

static void no_irqfd(struct synth *s, __u64 kvm, __u32 gsi, __u64 eventfd)
{
	synth_irq(s, RS_IRQ_NO_IRQFD, kvm, gsi, eventfd);
}

static void trigger(struct synth *s, __u64 device, __u32 vector, __u64 eventfd)
{
	synth_irq(s, RS_IRQ_TRIGGER, device, vector, eventfd);
}

/* The whole index goes. */
static void disable(struct synth *s, __u64 device)
{
	struct rs_ev_irq *x = synth_irq(s, RS_IRQ_UNTRIGGER, device, 0, 0);

	if (x)
		x->count = 0;
}

/* Two ranges, a device with its vectors, a vCPU that runs. */
static struct synth *guest(__u64 *c)
{
	struct synth *s = two_ranges(c);

	synth_device(s, NIC, *c, 5, "0000:00:05.0");
	for (__u32 i = 0; i < VECTORS; i++) {
		irqfd(s, VM, 24 + i, FD(i));
		trigger(s, NIC, i, FD(i));
	}
	synth_vcpu_run(s, VM, 0);
	return s;
}

static void take_off(struct synth *s)
{
	for (__u32 i = 0; i < VECTORS; i++)
		no_irqfd(s, VM, 24 + i, FD(i));
}

/* The old one's part of it. */
static struct synth *stopped(__u64 *c)
{
	struct synth *s = guest(c);

	take_off(s);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, *c);
	return s;
}

static __u64 instances(const struct rs_result *r)
{
	for (size_t i = 0; i < r->nr_rules; i++)
		if (!strcmp(r->rule[i].id, "irq-restored"))
			return r->rule[i].instances;
	return UINT64_MAX;
}

/* The other QEMU comes, with other gsis. */
static void successor(struct synth *s, __u64 c)
{
	synth_as(s, NEXT);
	synth_passed(s, c, RS_PASSED_DEVICE, NIC, QEMU);
	remap_both(s, c);
}

static void given_back(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	/* By another process, */
	s = stopped(&c);
	successor(s, c);
	for (__u32 i = 0; i < VECTORS; i++)
		irqfd(s, VM2, 40 + i, FD(i));
	synth_vcpu_run(s, VM2, 0);
	synth_as(s, QEMU);
	synth_vm_gone(s, VM);
	synth_exit(s, 0);
	r = judged(s, "");
	assert_int_equal(instances(r), VECTORS);
	rs_result_free(r);

	/* by another program that gives the vectors other eventfds, */
	s = guest(&c);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	synth_exec(s);
	synth_vm_gone(s, VM);
	remap_both(s, c);
	disable(s, NIC);
	for (__u32 i = 0; i < VECTORS; i++) {
		trigger(s, NIC, i, FD(10 + i));
		irqfd(s, VM2, 24 + i, FD(10 + i));
	}
	synth_vcpu_run(s, VM2, 0);
	expect_judged(s, "");

	/* by the old one, which had to give it up. */
	s = stopped(&c);
	remap_both(s, c);
	for (__u32 i = 0; i < VECTORS; i++)
		irqfd(s, VM, 24 + i, FD(i));
	synth_vcpu_run(s, VM, 0);
	expect_judged(s, "");
}

static void not_given_back(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	/* One of many. */
	s = stopped(&c);
	successor(s, c);
	irqfd(s, VM2, 40, FD(0));
	irqfd(s, VM2, 42, FD(2));
	synth_vcpu_run(s, VM2, 0);
	synth_vcpu_run(s, VM2, 1);
	r = synth_result(s);
	expect_verdicts(r, "irq-restored=violated");
	f = expect_finding(r, "irq-restored",
			   "d1 0000:00:05.0 MSI-X vector 1: its eventfd lost its irqfd in proc-100 "
			   "100 and has none in proc-200 200 " LOST);
	expect_path(f, "quiet at-stake, at-stake needed");
	expect_excerpt(f, RS_EV_IRQ, RS_EV_IRQ, RS_EV_UNMAP, RS_EV_VCPU);
	expect_proof(f, synth_event(s, RS_EV_IRQ, 3));	/* what its vector signals */
	expect_proof(f, synth_event(s, RS_EV_IRQ, 7));	/* what took the irqfd */
	expect_proof(f, synth_event(s, RS_EV_VCPU, 2)); /* who ran first */
	assert_int_equal(f->container, 1);
	rs_result_free(r);
	synth_free(s);

	/* None: that is one finding. */
	s = stopped(&c);
	successor(s, c);
	synth_vcpu_run(s, VM2, 0);
	r = judged(s, "irq-restored=violated");
	assert_int_equal(r->nr_findings, 1);
	assert_int_equal(r->finding[0].objects, VECTORS);
	assert_string_equal(r->finding[0].text,
			    "d1 0000:00:05.0 3 interrupts, the first MSI-X vector 0: its eventfd "
			    "lost its irqfd in proc-100 100 and has none in proc-200 200 " LOST);
	rs_result_free(r);

	/* On an eventfd that nobody signals. */
	s = stopped(&c);
	successor(s, c);
	for (__u32 i = 0; i < VECTORS; i++)
		irqfd(s, VM2, 40 + i, FD(i == 2 ? 12 : i));
	synth_vcpu_run(s, VM2, 0);
	r = judged(s, "irq-restored=violated");
	assert_int_equal(nr_findings(r, "irq-restored"), 1);
	assert_non_null(strstr(r->finding[0].text, "vector 2: its eventfd lost its irqfd"));
	rs_result_free(r);

	/* By the new program in the same process. */
	s = stopped(&c);
	synth_exec(s);
	remap_both(s, c);
	irqfd(s, VM2, 40, FD(0));
	irqfd(s, VM2, 41, FD(1));
	synth_vcpu_run(s, VM2, 0);
	r = judged(s, "irq-restored=violated");
	expect_finding(r, "irq-restored",
		       "d1 0000:00:05.0 MSI-X vector 2: its eventfd lost its irqfd and has none in "
		       "exec-100 100 " LOST);
	rs_result_free(r);
}

static void taken_away_otherwise(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	/* The old one has kept them. */
	s = guest(&c);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	successor(s, c);
	synth_vcpu_run(s, VM2, 0);
	r = judged(s, "irq-restored=violated");
	assert_int_equal(nr_findings(r, "irq-restored"), VECTORS);
	assert_non_null(strstr(r->finding[0].text, "its eventfd has its irqfd in proc-100 100 "
						   "still, and none in proc-200 200 " LOST));
	rs_result_free(r);

	/* The exec, the exit, the VM's end take them. */
	for (int how = 0; how < 3; how++) {
		s = guest(&c);
		synth_vcpu_stop(s, VM, 0);
		synth_invalidate_all(s, c);
		if (how == 0)
			synth_exec(s);
		else if (how == 1)
			synth_exit(s, 0);
		else
			synth_vm_gone(s, VM);
		if (how)
			synth_as(s, NEXT);
		remap_both(s, c);
		for (__u32 i = 1; i < VECTORS; i++)
			irqfd(s, VM2, 40 + i, FD(i));
		synth_vcpu_run(s, VM2, 0);
		r = judged(s, "irq-restored=violated");
		assert_int_equal(nr_findings(r, "irq-restored"), 1);
		assert_non_null(strstr(r->finding[0].text, "vector 0: its eventfd lost its irqfd"));
		assert_int_equal(r->finding[0].event[r->finding[0].nr_events - 1]->type,
				 RS_EV_VCPU);
		rs_result_free(r);
	}

	/* The vector signals nothing, or what nobody takes. */
	s = stopped(&c);
	successor(s, c);
	for (__u32 i = 0; i < VECTORS; i++)
		irqfd(s, VM2, 40 + i, FD(i));
	synth_irq(s, RS_IRQ_UNTRIGGER, NIC, 1, 0);
	trigger(s, NIC, 2, FD(12));
	synth_vcpu_run(s, VM2, 0);
	r = judged(s, "irq-restored=violated");
	assert_int_equal(r->nr_findings, 2);
	assert_string_equal(
		r->finding[0].text,
		"d1 0000:00:05.0 MSI-X vector 1: the device signals no eventfd for it "
		"any more when the guest runs again in proc-200 200: the guest does not "
		"get this interrupt");
	assert_string_equal(
		r->finding[1].text,
		"d1 0000:00:05.0 MSI-X vector 2: it signals another eventfd than before, "
		"which has no irqfd in proc-200 200 " LOST);
	rs_result_free(r);
}

/* What is no interrupt of the guest by KVM need not be one afterwards; calls that fail change nothing. */
static void not_at_stake(void **state)
{
	struct rs_ev_irq *x;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = guest(&c);
	/* Masked by the guest: the program listens itself, and leaves the irqfd where it was. */
	trigger(s, NIC, 0, FD(10));
	/* Off. */
	synth_irq(s, RS_IRQ_UNTRIGGER, NIC, 1, 0);
	/* Another container's device, and eventfds of the program's own: errors, requests. */
	trigger(s, DISK, 0, FD(20));
	x = synth_irq(s, RS_IRQ_TRIGGER, NIC, 0, FD(21));
	x->index = VFIO_PCI_ERR_IRQ_INDEX;
	irqfd(s, VM, 60, FD(20));
	no_irqfd(s, VM, 60, FD(20));
	take_off(s);
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	successor(s, c);
	irqfd(s, VM2, 42, FD(2));
	s->twist.ret = -EINVAL;
	no_irqfd(s, VM2, 42, FD(2));
	s->twist.ret = -EINVAL;
	disable(s, NIC);
	x = synth_irq(s, RS_IRQ_UNTRIGGER, NIC, 0, 0);
	x->index = VFIO_PCI_ERR_IRQ_INDEX;
	synth_vcpu_run(s, VM2, 0);
	r = judged(s, "");
	assert_int_equal(instances(r), 2);
	rs_result_free(r);

	/* A call that failed has given nothing back. */
	s = stopped(&c);
	successor(s, c);
	for (__u32 i = 0; i < VECTORS; i++) {
		s->twist.ret = i ? 0 : -EBUSY;
		irqfd(s, VM2, 40 + i, FD(i));
	}
	synth_vcpu_run(s, VM2, 0);
	r = judged(s, "irq-restored=violated");
	assert_int_equal(nr_findings(r, "irq-restored"), 1);
	rs_result_free(r);

	/* Once it has run, what a guest does with its vectors is its own. */
	s = stopped(&c);
	successor(s, c);
	for (__u32 i = 0; i < VECTORS; i++)
		irqfd(s, VM2, 40 + i, FD(i));
	synth_vcpu_run(s, VM2, 0);
	disable(s, NIC);
	synth_vcpu_run(s, VM2, 1);
	expect_judged(s, "");
}

/* The guest has to run: who is in another update, or in none, says nothing. */
static void who_runs(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = stopped(&c);
	synth_as(s, 300);
	synth_vcpu_run(s, VM2 + 0x100000, 0);
	successor(s, c);
	r = judged(s, "irq-restored=unknown");
	assert_int_equal(nr_findings(r, "irq-restored"), VECTORS);
	assert_string_equal(
		r->finding[0].text,
		"d1 0000:00:05.0 3 interrupts, the first MSI-X vector 0: its eventfd has "
		"no irqfd again yet, and here the recording ends");
	rs_result_free(r);

	/* It never ran, and its successor's successor has forgotten one that it had not given back. */
	s = stopped(&c);
	successor(s, c);
	irqfd(s, VM2, 40, FD(0));
	irqfd(s, VM2, 41, FD(1));
	synth_invalidate_all(s, c);
	synth_as(s, 300);
	remap_both(s, c);
	irqfd(s, VM2 + 0x100000, 40, FD(0));
	irqfd(s, VM2 + 0x100000, 41, FD(1));
	synth_vcpu_run(s, VM2 + 0x100000, 0);
	r = judged(s, "irq-restored=violated");
	assert_int_equal(nr_findings(r, "irq-restored"), 1);
	assert_non_null(strstr(r->finding[0].text, "vector 2"));
	rs_result_free(r);

	/* Taken down without having run: nobody missed it. */
	s = stopped(&c);
	successor(s, c);
	synth_release(s, c);
	expect_judged(s, "");
}

/* The update is given up: the old one goes on, with all that it had taken off. */
static void abandoned(void **state)
{
	const struct rs_finding *f;
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	s = stopped(&c);
	synth_vcpu_run(s, VM, 0);
	r = judged(s, "window-closed=violated irq-restored=violated");
	assert_int_equal(r->nr_findings, 2);
	f = &r->finding[0];
	assert_string_equal(
		f->text, "c1 2 ranges, the first at iova 0x0 size 0x200000: each had no vaddr when "
			 "the guest ran again in the old process 100: the update was abandoned "
			 "half-way");
	assert_int_equal(f->objects, 2);
	assert_int_equal(f->nr_ranges, 2);
	assert_int_equal(f->range[1].iova.v, 4 * MIB);
	assert_int_equal(f->range[1].size, MIB);
	expect_excerpt(f, RS_EV_UNMAP, RS_EV_VCPU);
	expect_path(f, "valid invalidated, invalid guest-runs");
	f = &r->finding[1];
	assert_int_equal(f->objects, VECTORS);
	assert_non_null(strstr(f->text, "lost its irqfd and has none in proc-100 100 "));
	rs_result_free(r);
}

/* Without vCPUs: what is taken away inside a window, and not given back. */
static void without_vcpus(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	for (int how = 0; how < 4; how++) {
		s = two_ranges(&c);
		synth_device(s, NIC, c, 5, "");
		trigger(s, NIC, 0, FD(0));
		synth_invalidate_all(s, c);
		if (how < 3)
			disable(s, NIC);
		synth_as(s, NEXT);
		remap_both(s, c);
		/* Given back; not; not yet; or only taken down in the end. */
		if (how == 0)
			trigger(s, NIC, 0, FD(1));
		if (how == 0 || how == 3)
			disable(s, NIC);
		if (how != 2)
			synth_release(s, c);
		r = judged(s, how == 1	 ? "irq-restored=violated"
			      : how == 2 ? "irq-restored=unknown"
					 : "");
		if (how == 1)
			expect_finding(
				r, "irq-restored",
				"d1 MSI-X vector 0: the device was told to signal no eventfd "
				"for it inside the window, and was given none until it was "
				"closed");
		assert_int_equal(instances(r), 1);
		rs_result_free(r);
	}
}

/* Set up before the recording: an irqfd that is taken off shows that there was one. */
static void late(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	for (int back = 0; back <= 2; back++) {
		s = synth_new();
		synth_unrecorded(s, true);
		synth_as(s, QEMU);
		c = synth_open(s);
		synth_map(s, c, 0, 2 * MIB, INO, 0);
		synth_map(s, c, 4 * MIB, MIB, INO, 2 * MIB);
		synth_unrecorded(s, false);
		synth_introduce(s);
		synth_snapshot(s, c, RS_SNAP_START);
		if (back == 2) {
			/* Its vector is set anew: then it is known. */
			synth_device(s, NIC, c, 5, "");
			trigger(s, NIC, 7, FD(0));
		}
		no_irqfd(s, VM, 24, FD(0));
		synth_invalidate_all(s, c);
		synth_as(s, NEXT);
		remap_both(s, c);
		if (back == 1)
			irqfd(s, VM2, 40, FD(0));
		synth_vcpu_run(s, VM2, 0);
		r = judged(s, back == 0	  ? "irq-restored=unknown"
			      : back == 1 ? ""
					  : "irq-restored=violated");
		assert_int_equal(instances(r), 1);
		if (back == 0)
			expect_finding(
				r, "irq-restored",
				"u1 eventfd 0xffff888300000000: it lost its irqfd in proc-100 "
				"100, and whose interrupt it is was settled before the "
				"recording");
		rs_result_free(r);
	}

	/* Of a container that was seen from its begin, all vectors are known: it is something else's. */
	s = guest(&c);
	irqfd(s, VM, 50, FD(30));
	no_irqfd(s, VM, 50, FD(30));
	synth_vcpu_stop(s, VM, 0);
	synth_invalidate_all(s, c);
	successor(s, c);
	for (__u32 i = 0; i < VECTORS; i++)
		irqfd(s, VM2, 40 + i, FD(i));
	synth_vcpu_run(s, VM2, 0);
	r = judged(s, "");
	assert_int_equal(instances(r), VECTORS);
	rs_result_free(r);
}

/* Old recordings, and machines without KVM, say nothing of interrupts, whatever they have lost. */
static void not_seen(void **state)
{
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	for (int kvm = 0; kvm <= 1; kvm++) {
		s = two_ranges(&c);
		s->no_kvm = !kvm;
		synth_ioctl(s, c, 0x3b70);
		synth_drop(s, synth_last(s));
		synth_invalidate_all(s, c);
		remap_both(s, c);
		r = synth_result(s);
		assert_int_equal(verdict_of(r, "irq-restored"), kvm ? RS_UNKNOWN : RS_PASS);
		assert_int_equal(verdict_of(r, "window-closed"), RS_UNKNOWN);
		rs_result_free(r);
		synth_free(s);
	}
}

static void expect_unknown(struct synth *s, enum rs_event_type type, const char *want)
{
	synth_drop(s, synth_find(s, type, 0));
	synth_tell_lost(s);
	expect_judged(s, want);
}

/* A record of each kind is lost, and known to be: what does it put in doubt? */
static void lost_records(void **state)
{
	static const struct {
		enum rs_event_type type;
		const char *unknown;
	} cases[] = {
		{ RS_EV_VCPU, "window-closed=unknown one-owner=unknown irq-restored=unknown" },
		{ RS_EV_IRQ, "irq-restored=unknown" },
		{ RS_EV_VM, "irq-restored=unknown" },
		{ RS_EV_PASSED, "window-closed=unknown irq-restored=unknown" },
	};
	struct rs_result *r;
	struct synth *s;
	__u64 c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = stopped(&c);
		successor(s, c);
		for (__u32 k = 0; k < VECTORS; k++)
			irqfd(s, VM2, 40 + k, FD(k));
		synth_vcpu_run(s, VM2, 0);
		synth_as(s, QEMU);
		synth_vm_gone(s, VM);
		expect_unknown(s, cases[i].type, cases[i].unknown);
	}

	/* A run that was not seen hides a violation, and fakes none: what was found stands. */
	s = stopped(&c);
	synth_as(s, NEXT);
	synth_vcpu_run(s, VM2, 0);
	synth_drop(s, synth_last(s));
	synth_tell_lost(s);
	synth_release(s, c);
	r = judged(s, "window-closed=violated one-owner=unknown irq-restored=unknown");
	rs_result_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(given_back),
		cmocka_unit_test(not_given_back),
		cmocka_unit_test(taken_away_otherwise),
		cmocka_unit_test(not_at_stake),
		cmocka_unit_test(who_runs),
		cmocka_unit_test(abandoned),
		cmocka_unit_test(without_vcpus),
		cmocka_unit_test(late),
		cmocka_unit_test(not_seen),
		cmocka_unit_test(lost_records),
	};

	return cmocka_run_group_tests_name("interrupts", tests, NULL, NULL);
}
