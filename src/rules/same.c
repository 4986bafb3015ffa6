// SPDX-License-Identifier: GPL-2.0-only
/* Is it the same memory, and are they the same pages? */
#include "model/memory.h"
#include "rules/tables.h"

/* remap-same-memory */

GUARD(other_memory, "its memory is other", rs_memory_compare(n->remap, NULL, 0) == RS_MEMORY_OTHER)

GUARD(unproved_memory, "its memory is not proved to be the same",
      rs_memory_compare(n->remap, NULL, 0) == RS_MEMORY_UNPROVED)

/* Its pages will be looked at: they may prove what nothing else does. */
GUARD(unproved_yet, "not proved to be the same, but its pages will be looked at",
      n->remap->verified &&unproved_memory_holds(n, s))

GUARD(other_pages, "a page is another", n->pages->other)

GUARD(all_pages_same, "every page is the same", rs_pages_prove(n->pages))

static void say_memory(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	(void)s;
	rs_memory_compare(n->remap, buf, len);
}

static const char *who_has(__u32 source)
{
	return source == RS_PAGES_IOMMU ? "the IOMMU has"
	       : source == RS_PAGES_PIN ? "a driver's pin has"
					: "the new vaddr has";
}

static void say_other_pages(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	const struct rs_pages_seen *p = n->pages;

	(void)s;
	snprintf(buf, len, "is another page at +0x%llx: %s pfn 0x%llx, %s pfn 0x%llx",
		 (ull)p->iova.v - n->range->iova.v, who_has(p->had_by), (ull)p->had,
		 who_has(p->has_by), (ull)p->has);
}

static void say_unproved_pages(const struct rs_note *n, const struct rs_slot *s, char *buf,
			       size_t len)
{
	const char *why = n->range->unproved ? n->range->unproved : "is not proved to be the same";

	(void)s;
	snprintf(buf, len, "%s; of %llu pages that were looked for, %llu are the same", why,
		 (ull)n->pages->asked, (ull)n->pages->same);
}

static void say_unverified(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len)
{
	const char *why = n->range->unproved ? n->range->unproved : "is not proved to be the same";

	(void)s;
	snprintf(buf, len, "%s, and nobody looked at its pages in time", why);
}

const struct rs_transition rs_remap_same_memory[] = {
	{ 0, RS_N_MAPPED, NULL, 1, NULL },
	{ 0, RS_N_FOUND, NULL, 1, NULL },
	{ 0, RS_N_INVALIDATED, NULL, 2, NULL },
	{ 1, RS_N_INVALIDATED, NULL, 2, NULL },
	{ 2, RS_N_REMAPPED, &other_memory, RS_TO_VIOLATED, say_memory },
	{ 2, RS_N_REMAPPED, &unproved_yet, 3, NULL },
	{ 2, RS_N_REMAPPED, &unproved_memory, RS_TO_UNKNOWN, say_memory },
	{ 2, RS_N_REMAPPED, NULL, RS_ANEW | 1, NULL },
	{ 0, RS_N_REMAPPED, &other_memory, RS_TO_VIOLATED, say_memory },
	{ 0, RS_N_REMAPPED, &unproved_yet, 3, NULL },
	{ 0, RS_N_REMAPPED, &unproved_memory, RS_TO_UNKNOWN, say_memory },
	/* The same by name, but of that file a page can have been replaced. */
	{ 0, RS_N_VERIFIED, &other_pages, RS_TO_VIOLATED, say_other_pages },
	{ 1, RS_N_VERIFIED, &other_pages, RS_TO_VIOLATED, say_other_pages },
	{ 3, RS_N_VERIFIED, &other_pages, RS_TO_VIOLATED, say_other_pages },
	{ 3, RS_N_VERIFIED, &all_pages_same, RS_ANEW | 1, NULL },
	{ 3, RS_N_VERIFIED, NULL, RS_TO_UNKNOWN, say_unproved_pages },
	{ 3, RS_N_INVALIDATED, NULL, RS_TO_UNKNOWN, say_unverified },
	{ 3, RS_N_UNMAPPED, NULL, RS_TO_UNKNOWN, say_unverified },
	{ 3, RS_N_RELEASED, NULL, RS_TO_UNKNOWN, say_unverified },
	{ 3, RS_N_END, NULL, RS_TO_UNKNOWN, say_unverified },
};

/* translation-stable */

const struct rs_transition rs_translation_stable[] = {
	{ 0, RS_N_PAGES_KNOWN, NULL, 1, NULL },
	{ 0, RS_N_PAGES_OTHER, NULL, RS_TO_VIOLATED, say_other_pages },
	{ 1, RS_N_PAGES_OTHER, NULL, RS_TO_VIOLATED, say_other_pages },
	{ 0, RS_N_VERIFIED, &other_pages, RS_TO_VIOLATED, say_other_pages },
	{ 1, RS_N_VERIFIED, &other_pages, RS_TO_VIOLATED, say_other_pages },
};
