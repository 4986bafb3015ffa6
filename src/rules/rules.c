// SPDX-License-Identifier: GPL-2.0-only
/* The rules: what is said of each, and its automaton. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "rules/tables.h"

#define ARROWS(a) .arrow = (a), .nr_arrows = sizeof(a) / sizeof((a)[0])

const struct rs_rule rs_rules[] = {
	{
		.id = "window-closed",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_RANGE,
		.about = RS_ABOUT_TYPE1,
		.sentence =
			"Every invalidated range is remapped, or unmapped on purpose, before its "
			"guest runs again and before its container is given up.",
		.expected = "a MAP_DMA with FLAG_VADDR (or an UNMAP_DMA) for it",
		.why = "A range without a vaddr cannot be pinned: a group that is attached then is "
		       "refused, "
		       "and a driver that asks for its pages waits (from 5.12 to the 2023 fix) or "
		       "is refused. What the "
		       "IOMMU has goes on working, so that the guest seems well until it is not. A "
		       "container that goes down because a "
		       "process was killed proves nothing about the update. That the guest runs is "
		       "seen by its vCPUs, if they are KVM's; else the rule judges by who gives "
		       "the container up, and by the time.",
		.example =
			"c1 range 0x400000 size 0x100000 had no vaddr when its container was given "
			"up, by a process that lived",
		.state = { "valid", "invalid" },
		.within = { [1] = { RS_WINDOW_LIMIT_NS, "for more than 60 s", rs_say_too_long } },
		.reads = RS_TYPE(EXIT), /* was its owner killed? */
		.needs = { "vfio_remove_dma", "sched_process_exit" },
		ARROWS(rs_window_closed),
	},
	{
		.id = "remap-exact",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_RANGE,
		.about = RS_ABOUT_TYPE1,
		.sentence = "A remap has the iova and the size of the range that was invalidated.",
		.expected = "a MAP_DMA with FLAG_VADDR that has the range's iova and size",
		.why = "The kernel refuses a remap of another size, and the caller then believes "
		       "in a layout that the kernel does not have: it lost track of the guest's "
		       "memory. A kernel that took one over would have part of the range without "
		       "memory behind it. A refused attempt is forgiven when the right one "
		       "follows. The rule does not see what the caller never tried.",
		.example = "c1 range 0x0 size 0x200000 was only ever remapped with another iova or "
			   "size, which the kernel refused",
		.state = { "valid", "invalid", "tried-inexactly" },
		ARROWS(rs_remap_exact),
	},
	{
		.id = "remap-same-memory",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.about = RS_ABOUT_TYPE1,
		.sentence =
			"The new vaddr of a range is the same file and offset as the old one, over "
			"the whole range.",
		.expected = "the memory that the IOMMU was given when the range was mapped",
		.why = "The kernel does not look: it takes any vaddr. If another page is behind "
		       "it, devices go on writing into the old memory by the IOMMU, while drivers, "
		       "later pins and the guest use the new one: silent corruption of the guest, "
		       "and of whatever now has the old pages. Files are compared by device, "
		       "inode, generation and offset; anonymous memory has no name, so that only "
		       "--verify can prove it. What was mapped before the recording is not known "
		       "to be the same.",
		.example =
			"c1 range 0x0 size 0x200000 was inode 42 of device 0:1 and now is inode 43 "
			"of device 0:1 (at +0x0)",
		.state = { "unseen", "mapped", "invalid", "unverified" },
		.reads = RS_TYPE(BACKING),
		ARROWS(rs_remap_same_memory),
	},
	{
		.id = "no-gup-in-window",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.about = RS_ABOUT_TYPE1,
		.sentence =
			"Nothing is translated through an invalid vaddr; a remap of a vaddr itself "
			"pins nothing.",
		.expected = "no page looked up through this range's vaddr until it is remapped",
		.why = "An invalid vaddr is a number from a process image that may be gone: "
		       "whatever is mapped there now gets pinned, and a device writes into it. A "
		       "correct kernel refuses such a request or lets it wait. Of a window that "
		       "was open before the recording, what was done in it by then is not known.",
		.example = "c1 range 0x0 size 0x200000 was translated through its vaddr while that "
			   "was "
			   "invalid",
		.state = { "valid", "invalid", "remapped", "found-invalid" },
		.needs = { "vaddr_get_pfns", "vfio_pin_pages_remote",
			   "vfio_iommu_type1_pin_pages" },
		ARROWS(rs_no_gup_in_window),
	},
	{
		.id = "no-iommu-change",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.about = RS_ABOUT_TYPE1,
		.sentence = "The IOMMU maps and unmaps nothing in an invalidated range inside its "
			    "window.",
		.expected = "the IOMMU's table to stay as it was until the range is remapped",
		.why = "Devices go on with DMA while the window is open, by what the IOMMU's table "
		       "says. If it changes, that DMA faults or lands in other memory. The rule "
		       "sees the calls of the IOMMU's interface for the container's domains, not "
		       "what hardware caches.",
		.example =
			"c1 range 0x0 size 0x200000 was changed in the IOMMU's table while it had "
			"no vaddr",
		.state = { "valid", "invalid", "found-invalid" },
		.needs = { "iommu_map", "iommu_unmap", "iommu_unmap_fast" },
		ARROWS(rs_no_iommu_change),
	},
	{
		.id = "no-new-user",
		.severity = RS_SEV_WARNING,
		.scope = RS_SCOPE_CONTAINER,
		.about = RS_ABOUT_TYPE1,
		.sentence = "Inside a window no group is attached, nothing is newly mapped, and no "
			    "invalid range is plainly unmapped.",
		.expected = "the container to be left alone until its window has closed",
		.why = "Between two processes nobody knows the whole layout: what is mapped, "
		       "unmapped or attached then is known to one of them only, and is easily lost "
		       "or done twice. The kernel refuses some of it, by its state at that moment, "
		       "which is no protection. Nothing is broken yet; so this is a warning.",
		.example = "c1 range 0x800000 size 0x100000 was newly mapped while the container's "
			   "window was open",
		.state = { "quiet", "window", "found-inside" },
		.needs = { "vfio_iommu_type1_attach_group", "vfio_remove_dma" },
		ARROWS(rs_no_new_user),
	},
	{
		.id = "all-before-exec",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.sentence =
			"No range still has the old vaddr when its owner's memory goes away (exec, "
			"exit) while the container lives on.",
		.expected = "an UNMAP_DMA with FLAG_VADDR for it before the exec or exit",
		.expected_ioas = "memory that is mapped by its file (IOMMU_IOAS_MAP_FILE), or an "
				 "unmap before the exec or exit",
		.why = "The range's vaddr belongs to an mm that is gone: pins of it fail from then "
		       "on, and pages stay charged to nobody that could give them back. The "
		       "container must be seen to live on: used, or taken down by another process, "
		       "or still there at the end. An armed recorder is told which ranges are left "
		       "behind only when their owner goes. An area of iommufd that is known by a "
		       "vaddr is such a range, too; one that is known by its file needs no mm.",
		.example =
			"c1 range 0x400000 size 0x100000 still had the old vaddr when its owner's "
			"memory went away, and its container lives on",
		.state = { "unseen", "mapped", "stale" },
		.reads = RS_TYPE(DETACH), /* did a group leave? */
		.needs = { "sched_process_exec", "sched_process_exit", "vfio_remove_dma" },
		.also = { "iommufd_ioas_map", "iommufd_ioas_unmap" },
		ARROWS(rs_all_before_exec),
	},
	{
		.id = "locked-conserved",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_RANGE,
		.sentence =
			"Locked memory moves with its range: what the new owner's mm gains is what "
			"the old one's loses.",
		.expected = "as many locked pages charged, and given back, as the range holds",
		.why = "An mm that is charged too much hits RLIMIT_MEMLOCK and cannot pin any "
		       "more; one that is charged too little underflows when the range goes, and "
		       "its limit protects nobody. Each map and remap says what it charged to "
		       "which mm, and is judged by itself: an instance is a range, because only "
		       "the range says how many pages must move, and sums over an mm would need "
		       "every unmap and every pin of its life, which no recording that is armed or "
		       "late has. What an unmap gives back is not compared. Of iommufd a "
		       "CHANGE_PROCESS moves what all areas of a context have pinned, those "
		       "without "
		       "an account left out: it is judged as a whole, and one that fails may move "
		       "nothing.",
		.example =
			"c1 range 0x0 size 0x200000 is charged twice: the old owner's mm did not "
			"get its 512 pages back",
		.state = { "unseen", "charged" },
		.reads = RS_TYPES_PROCESS, /* has anybody the old mm still? */
		.needs = { "mm_lock_acct" },
		.also = { "iommufd_ioas_change_process", "iopt_pages_update_pinned" },
		ARROWS(rs_locked_conserved),
	},
	{
		.id = "owner-mm",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_MM,
		.sentence = "Pinning charges and uses the same mm.",
		.expected = "its pages looked up in the mm that is charged for them",
		.why = "If pages are looked up in one process and charged to another, the first "
		       "gets around its limit at the other's cost, and memory of a process that "
		       "has nothing to do with the guest is given to a device. Its instance is the "
		       "mm that is charged. Kernels before vfio_dma.mm (March 2023) do not tell "
		       "it.",
		.example = "c1 range 0x0 size 0x200000 was pinned in the mm of process 200, and "
			   "charged to process 100 (at iova 0x0)",
		.state = { "unseen", "charged" },
		.alone = true,
		.needs = { "vfio_pin_pages_remote", "vfio_iommu_type1_attach_group" },
		ARROWS(rs_owner_mm),
	},
	{
		.id = "pin-balance",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_DEVICE,
		.sentence =
			"Per device and page, pins minus unpins is never negative, and zero when "
			"the device is closed.",
		.expected = "every page given back as often as it was pinned, until the device is "
			    "closed",
		.why = "Pages that stay pinned after their device is gone can never be freed; a "
		       "page that is given back once too often is taken from another user who "
		       "still does DMA to it. Of a device that was there before the recording, "
		       "what it had pinned is not known. The rule adds up, so that a single lost "
		       "record puts it in doubt.",
		.example = "d1 0000:00:05.0 was closed with 3 pages still pinned (at iova 0x5000)",
		.state = { "unused", "pinned" },
		.sums = true,
		.needs = { "vfio_iommu_type1_pin_pages", "vfio_iommu_type1_unpin_pages" },
		.also = { "iommufd_access_pin_pages", "iommufd_access_unpin_pages" },
		ARROWS(rs_pin_balance),
	},
	{
		.id = "no-zero-pin",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_CONTAINER,
		.sentence = "A pin never reports success without a page.",
		.expected = "a page for each that was asked for, or an error",
		.why = "The driver takes what it finds in its array, an old page or none, and does "
		       "DMA to it. Kernels before 6.15 could report success when the lookup had "
		       "found no page. The rule sees how many pages a lookup returned, not what "
		       "the driver did with them.",
		.example =
			"c1 pinned 8 pages for d1 at iova 0x0, and for 1 of them there was no page",
		.state = { "unused", "pinned" },
		.alone = true,
		.needs = { "vaddr_get_pfns", "vfio_iommu_type1_pin_pages" },
		ARROWS(rs_no_zero_pin),
	},
	{
		.id = "translation-stable",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_RANGE,
		.sentence = "One iova gives the same page before, inside and after a window.",
		.expected = "the page that the IOMMU, or the driver that holds it, was given first",
		.why = "A device that still has the page of before and a driver that gets another "
		       "one for the same iova no longer see the same memory: what the one writes "
		       "the other never reads. Pages are known from pins, and with --verify from "
		       "the IOMMU and from the new vaddr; of others nothing is said.",
		.example = "c1 range 0x0 size 0x200000 is another page at +0x7000: the IOMMU has "
			   "pfn 0x1007, a driver's pin has pfn 0x7777",
		.state = { "unseen", "known" },
		.needs = { "vaddr_get_pfns", "vfio_iommu_type1_pin_pages" },
		.also = { "iommufd_access_pin_pages" },
		ARROWS(rs_translation_stable),
	},
	{
		.id = "one-owner",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_UPDATE,
		.about = RS_ABOUT_TYPE1,
		.sentence = "After a hand-over only the new owner maps and unmaps, and runs the "
			    "guest.",
		.expected = "the old owner to leave the container alone, until it is handed back "
			    "through a window",
		.why = "Two processes that both believe they own the guest's memory (split brain) "
		       "undo each other's work: a range that one unmaps is one that the other "
		       "gives the guest. A container is handed over when a process remaps what "
		       "another process had invalidated; an exec is none, since the process stays. "
		       "That a vCPU of the old owner runs while the new one lives violates the "
		       "rule, too. "
		       "From then on a map, remap, unmap or invalidation by the old owner that "
		       "succeeds violates the rule: also the remap of one range after the new "
		       "owner has remapped another. It ends when the container is handed back, by "
		       "a window that the new owner opened and in which the old one remaps, and "
		       "when the new owner exits: nobody has the container then. Closing an fd or "
		       "exiting changes no mapping. An update that is cancelled, so that the old "
		       "owner remaps all itself, is no hand-over. Its instance is the update "
		       "because that is what hands over; each of its containers is looked at by "
		       "itself, so that some of them can stay. The rule does not know what an "
		       "armed recorder does not record, maps and unmaps outside windows, nor "
		       "whether a third process that joins in was told to.",
		.example =
			"u1 c1 range 0x800000 size 0x100000 was mapped by process 100, which had "
			"handed the container over to process 200",
		.state = { "undivided", "handed-over", "taken-over" },
		.reads = RS_TYPE(EXIT), /* does the new owner live? */
		.needs = { "sched_process_exit" },
		ARROWS(rs_one_owner),
	},
	{
		.id = "irq-restored",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_IRQ,
		.sentence =
			"Every interrupt's eventfd that is taken away in the old process is given "
			"back before the guest runs again.",
		.expected = "an irqfd for the eventfd that the interrupt signals, in the VM that "
			    "runs, or the one that was there before",
		.why = "A device's vector signals an eventfd, whose signals KVM takes as "
		       "interrupts by an irqfd. The irqfds are those of a VM: they go with the old "
		       "process, which takes them off before, and the new one must put its own on "
		       "the same eventfds, or give the vectors others. Forgotten, the guest waits "
		       "for an interrupt that never comes: a disk or a network card that hangs, "
		       "with nothing in any log. What an interrupt must have is decided when "
		       "the update's first range of its container loses its vaddr: what its vector "
		       "signals, and an irqfd "
		       "if there was one since; a guest that masks a vector changes what it "
		       "signals. It is judged when a vCPU of the update's processes runs next. Of "
		       "a guest whose vCPUs are not seen only that is judged which a vector "
		       "signals: taken away inside a window, and not given back until the device "
		       "is closed. Eventfds of errors and requests are the program's own. An "
		       "eventfd that is closed everywhere takes its irqfd along unseen. What was "
		       "set up before the recording is known only when it is taken away.",
		.example = "d1 0000:00:05.0 MSI-X vector 3: its eventfd lost its irqfd in proc-100 "
			   "100 and has none in proc-200 200 when the guest runs again: the guest "
			   "does not get this interrupt (only through a slower path, if at all)",
		.state = { "quiet", "at-stake" },
		.sees = { "vfio_pci_set_irqs_ioctl", "kvm_irqfd", "kvm_arch_vcpu_ioctl_run",
			  "kvm_destroy_vm" },
		ARROWS(rs_irq_restored),
	},
	{
		.id = "wait-bounded",
		.severity = RS_SEV_ERROR,
		.scope = RS_SCOPE_REQUEST,
		.about = RS_ABOUT_TYPE1,
		.sentence = "A request that waits for a vaddr returns within 30 s.",
		.expected = "a remap of the range, or the kernel to give the request up",
		.why = "A kernel that lets a driver's request wait until a range has a vaddr again "
		       "(5.12 to the 2023 fix) leaves it to the range's owner when that is. One "
		       "that never remaps, by mistake or on purpose, holds up a kernel thread, "
		       "what "
		       "it has locked, and whoever waits for it: that is why Linux gave the "
		       "waiting "
		       "up. On kernels in which nothing waits there is nothing to judge.",
		.example = "c1 d1 pin of 0x4000 bytes at iova 0x0 waits for a vaddr for more than "
			   "30 s",
		.state = { "served", "waiting" },
		.within = { [1] = { RS_WAIT_LIMIT_NS, "for more than 30 s", rs_say_waits } },
		.sees = { "vfio_wait" },
		ARROWS(rs_wait_bounded),
	},
	{
		.id = "iommufd-handover",
		.severity = RS_SEV_CRITICAL,
		.scope = RS_SCOPE_IOCTX,
		.about = RS_ABOUT_IOMMUFD,
		.sentence =
			"After the owner of an iommufd context's areas has left, one successful "
			"CHANGE_PROCESS by the new owner comes before its guest runs.",
		.expected = "an IOMMU_IOAS_CHANGE_PROCESS by the new owner, which succeeds only if "
			    "all areas are known by a file",
		.why = "iommufd has no windows: what is mapped by its file stays, is pinned and is "
		       "served while a VMM replaces itself. But the areas belong to the mm and the "
		       "user that they were charged to, until a CHANGE_PROCESS moves them. Without "
		       "it their memory stays locked on the account of a process that is gone; "
		       "what is newly pinned is charged there too, or refused, and nobody's limit "
		       "protects the host. The kernel refuses it if any area of the context is "
		       "known by a vaddr (or a dma-buf): such memory cannot be handed over at all. "
		       "The owner has left when it has another program, or exits while the context "
		       "lives on. That a guest runs is seen by its vCPUs, if they are KVM's: a run "
		       "in any process but the owner, that was passed the context's or a device's "
		       "file or had it before, violates the rule. Where no vCPU was seen, a map, "
		       "copy or attach by the new owner does. A CHANGE_PROCESS by the owner itself "
		       "changes nothing: QEMU asks so, when it saves, whether it can be done. It "
		       "may fail and be tried again, and be repeated by the new owner.",
		.example = "i1 has its guest running in the new program of process 100, and its "
			   "areas are charged to the old one: no CHANGE_PROCESS has succeeded",
		.state = { "owned", "left", "handed-over" },
		.within = { [1] = { RS_WINDOW_LIMIT_NS, "for more than 60 s", rs_say_ownerless } },
		.sees = { "iommufd_ioas_change_process" },
		ARROWS(rs_iommufd_handover),
	},
};

const size_t rs_nr_rules = sizeof(rs_rules) / sizeof(rs_rules[0]);

_Static_assert(sizeof(rs_rules) / sizeof(rs_rules[0]) <= RS_RULES_MAX, "RS_RULES_MAX");

const char *rs_scope_name(enum rs_scope s)
{
	static const char *const name[RS_SCOPE_NR] = { "range", "container", "device",	"update",
						       "mm",	"interrupt", "request", "context" };

	return s < RS_SCOPE_NR ? name[s] : "?";
}

int rs_rule_find(const struct rs_rule_table *t, const char *id, struct rs_msg *msg)
{
	char known[512] = "";

	for (size_t i = 0; i < t->nr; i++)
		if (!strcmp(t->rule[i].id, id))
			return i;
	for (size_t i = 0; i < t->nr; i++) {
		size_t at = strlen(known);

		snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "", t->rule[i].id);
	}
	return rs_msg_set(msg, -ENOENT, "unknown rule \"%s\" (known: %s)", id, known);
}
