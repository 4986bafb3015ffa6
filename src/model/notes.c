// SPDX-License-Identifier: GPL-2.0-only
/* What notes are called. */
#include "model/model.h"

static const struct {
	const char *name;
	const char *gloss;
} notes[RS_N_NR] = {
	[RS_N_MAPPED] = { "mapped", "a plain map made the range" },
	[RS_N_INVALIDATED] = { "invalidated", "the range lost its vaddr" },
	[RS_N_REMAPPED] = { "remapped", "the range has a vaddr again" },
	[RS_N_REMAP_REFUSED] = { "remap-refused",
				 "a remap that overlaps the invalid range failed" },
	[RS_N_UNMAPPED] = { "unmapped", "a plain unmap took the range down" },
	[RS_N_RELEASED] = { "released", "the range went down with its container or last group" },
	[RS_N_TRANSLATED] = { "translated", "the invalid range's vaddr was translated" },
	[RS_N_IOMMU_CHANGED] = { "iommu-changed",
				 "the IOMMU's table changed under the invalid range" },
	[RS_N_MM_GONE] = { "mm-gone", "the mm that the range's vaddr is of went away" },
	[RS_N_USED] = { "used", "the container of a range without its owner's mm was used" },
	[RS_N_NEW_MAP] = { "new-map", "a range was newly mapped inside the window" },
	[RS_N_PLAIN_UNMAP] = { "plain-unmap", "an invalid range was plainly unmapped" },
	[RS_N_ATTACHED] = { "attached", "a group joined inside the window" },
	[RS_N_CLOSED] = { "closed", "the container's window has closed" },
	[RS_N_MAP_DONE] = { "charged", "a map or remap has charged what it had to" },
	[RS_N_FOUND] = { "found", "the recording found the range there, valid" },
	[RS_N_FOUND_INVALID] = { "found-invalid", "the recording found the range there, invalid" },
	[RS_N_FOREIGN_PIN] = { "foreign-pin",
			       "pages were pinned in another mm than the one that is charged" },
	[RS_N_PAGES_KNOWN] = { "page-known",
			       "what one of the range's pages is, for the first time" },
	[RS_N_PAGES_OTHER] = { "pages-other", "pages of the range are others than before" },
	[RS_N_VERIFIED] = { "verified", "the pages behind the range's new vaddr were looked at" },
	[RS_N_PINNED] = { "pinned", "the device has pinned for the first time" },
	[RS_N_PIN_ZERO] = { "pinned-nothing", "a pin succeeded without a page" },
	[RS_N_UNDERFLOW] = { "underflow", "the device gave back what it does not have" },
	[RS_N_DEVICE_CLOSED] = { "device-closed", "the device is gone" },
	[RS_N_HANDED_OVER] = { "handed-over",
			       "a process remapped what another process had invalidated" },
	[RS_N_TAKEN] = { "taken", "a process remapped what was invalid before the recording" },
	[RS_N_CHANGED] = { "changed", "a container that had been handed over was mapped to, "
				      "remapped, unmapped or invalidated" },
	[RS_N_GUEST_RUNS] = { "guest-runs",
			      "a vCPU of the range's guest runs while the range is invalid" },
	[RS_N_OLD_RUNS] = { "old-runs",
			    "a vCPU of a process that has handed the container over runs" },
	[RS_N_IRQ_AT_STAKE] = { "at-stake",
				"an update begins of which the interrupt's device is part" },
	[RS_N_IRQ_NEEDED] = { "needed", "the guest runs for the first time since" },
	[RS_N_IRQ_CLOSED] = { "irq-closed",
			      "the device is gone, and of its guest no vCPU was seen" },
	[RS_N_IRQ_END] = { "irq-end", "the recording ends, and the guest has not run since" },
	[RS_N_WAITS] = { "waits", "a driver's request begins to wait for a vaddr" },
	[RS_N_OWNER_LEFT] = { "owner-left", "the process that the context's areas are charged to "
					    "has another program, or is gone" },
	[RS_N_OWNER_CHANGED] = { "owner-changed", "a CHANGE_PROCESS of another process or program "
						  "than the areas' owner succeeded" },
	[RS_N_OTHER_USES] = { "other-uses", "another process or program than the areas' owner "
					    "maps, copies or attaches, and no vCPU was seen" },
	[RS_N_OTHER_RUNS] = { "other-runs", "a vCPU runs in another process or program than the "
					    "areas' owner" },
	[RS_N_GIVEN_UP] = { "given-up", "the context is closed, or has no areas any more" },
	[RS_N_CHARGE_MOVED] = { "charge-moved", "a CHANGE_PROCESS has returned" },
	[RS_N_END] = { "end", "the recording ends" },
};

const char *rs_note_name(unsigned int type)
{
	return type < RS_N_NR && notes[type].name ? notes[type].name : "?";
}

const char *rs_note_gloss(unsigned int type)
{
	return type < RS_N_NR && notes[type].gloss ? notes[type].gloss : "?";
}
