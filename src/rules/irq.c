// SPDX-License-Identifier: GPL-2.0-only
/* Do interrupts reach their guest after an update? */
#include "model/irqs.h"
#include "rules/tables.h"

/* irq-restored */

GUARD(not_restored, "it does not reach the guest as before",
      n->irq_seen->lack == RS_IRQ_NO_TRIGGER || n->irq_seen->lack == RS_IRQ_NOT_TAKEN)

GUARD(untold, "what it was before is not known", n->irq_seen->lack == RS_IRQ_UNTOLD)

GUARD(not_yet, "it would not reach the guest as before", n->irq_seen->lack != RS_IRQ_REACHES)

#define NO_INTERRUPT "the guest does not get this interrupt"

struct who {
	char s[RS_COMM_LEN + 16];
};

static struct who name(const struct rs_proc_ref *p)
{
	struct who w;

	snprintf(w.s, sizeof(w.s), "%.*s %u", RS_COMM_LEN, p->comm[0] ? p->comm : "process",
		 p->tgid);
	return w;
}

static void say_lost(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	const struct rs_irq_seen *seen = n->irq_seen;
	const char *end = "when the guest runs again: " NO_INTERRUPT
			  " (only through a slower path, if at all)";
	struct who has = name(&seen->has), had = name(&seen->had);

	(void)s;
	if (seen->lack == RS_IRQ_NO_TRIGGER)
		snprintf(buf, len,
			 "the device signals no eventfd for it any more when the guest runs again "
			 "in %s: " NO_INTERRUPT,
			 has.s);
	else if (seen->other)
		snprintf(buf, len,
			 "it signals another eventfd than before, which has no irqfd in "
			 "%s %s",
			 has.s, end);
	else if (seen->kept)
		snprintf(buf, len, "its eventfd has its irqfd in %s still, and none in %s %s",
			 had.s, has.s, end);
	else if (seen->had.tgid == seen->has.tgid || !seen->had.tgid)
		snprintf(buf, len, "its eventfd lost its irqfd and has none in %s %s", has.s, end);
	else
		snprintf(buf, len, "its eventfd lost its irqfd in %s and has none in %s %s", had.s,
			 has.s, end);
}

static void say_untold(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	if (n->device)
		snprintf(buf, len, "it signals an eventfd that was not told");
	else
		snprintf(buf, len,
			 "it lost its irqfd in %s, and whose interrupt it is was settled before "
			 "the recording",
			 name(&n->irq_seen->had).s);
}

SAY(say_closed,
    "the device was told to signal no eventfd for it inside the window, and was given none until "
    "it was closed")

static void say_not_yet(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	snprintf(buf, len, "%s, and here the recording ends",
		 n->irq_seen->lack == RS_IRQ_NO_TRIGGER
			 ? "the device signals no eventfd for it any more"
			 : "its eventfd has no irqfd again yet");
}

const struct rs_transition rs_irq_restored[] = {
	{ 0, RS_N_IRQ_AT_STAKE, NULL, 1, NULL },
	{ 1, RS_N_IRQ_NEEDED, &not_restored, RS_TO_VIOLATED, say_lost },
	{ 1, RS_N_IRQ_NEEDED, &untold, RS_TO_UNKNOWN, say_untold },
	{ 1, RS_N_IRQ_NEEDED, NULL, 0, NULL },
	{ 1, RS_N_IRQ_CLOSED, &not_restored, RS_TO_VIOLATED, say_closed },
	{ 1, RS_N_IRQ_END, &not_yet, RS_TO_UNKNOWN, say_not_yet },
};
