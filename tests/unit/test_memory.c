// SPDX-License-Identifier: GPL-2.0-only
/* Is it the same memory, is it charged right: tables of both comparisons. */
#include "judge.h"
#include "model/memory.h"

#define OLD_MM	  0x1000
#define NEW_MM	  0x2000
#define OLD_VADDR 0x700000000000ULL
#define NEW_VADDR 0x7f0000000000ULL

#define FILE_AT(at_, len_, off_)                                                          \
	{                                                                                 \
		.at = (at_), .len = (len_), .what = RS_BACKING_FILE, .dev = 1, .ino = 42, \
		.generation = 7, .offset = (off_), .vm_flags = RS_VM_SHARED | RS_VM_WRITE \
	}
#define OTHER_AT(at_, len_, what_)                          \
	{                                                   \
		.at = (at_), .len = (len_), .what = (what_) \
	}

#define PIECES_MAX 4

struct side {
	struct rs_piece piece[PIECES_MAX];
	size_t nr;
	bool unknown; /* nobody saw it */
	bool partial; /* ... or only a part */
};

struct comparison {
	const char *name;
	struct side old, now;
	bool in_place; /* neither the mm nor the vaddr changed */
	enum rs_memory want;
	const char *clause; /* "" when the same */
};

static struct rs_backing_list list_of(const struct side *s)
{
	return (struct rs_backing_list){
		.piece = (struct rs_piece *)s->piece,
		.nr = s->nr,
		.known = !s->unknown,
		.complete = !s->unknown && !s->partial,
	};
}

#define WHOLE                                       \
	{                                           \
		{ FILE_AT(0, 2 * MIB, 0) }, .nr = 1 \
	}

static const struct comparison comparisons[] = {
	{ "one piece each", WHOLE, WHOLE, false, RS_MEMORY_SAME, "" },
	{ "split in two",
	  WHOLE,
	  { { FILE_AT(0, MIB, 0), FILE_AT(MIB, MIB, MIB) }, .nr = 2 },
	  false,
	  RS_MEMORY_SAME,
	  "" },
	{ "split at different places",
	  { { FILE_AT(0, 3 * PAGE, 8 * PAGE), FILE_AT(3 * PAGE, 2 * MIB - 3 * PAGE, 11 * PAGE) },
	    .nr = 2 },
	  { { FILE_AT(0, MIB, 8 * PAGE), FILE_AT(MIB, PAGE, MIB + 8 * PAGE),
	      FILE_AT(MIB + PAGE, MIB - PAGE, MIB + 9 * PAGE) },
	    .nr = 3 },
	  false,
	  RS_MEMORY_SAME,
	  "" },
	{ "two files, the same two",
	  { { FILE_AT(0, MIB, 0), { MIB, MIB, RS_BACKING_FILE, 1, 43, 7, 0, RS_VM_SHARED } },
	    .nr = 2 },
	  { { FILE_AT(0, MIB, 0), { MIB, MIB, RS_BACKING_FILE, 1, 43, 7, 0, RS_VM_SHARED } },
	    .nr = 2 },
	  false,
	  RS_MEMORY_SAME,
	  "" },
	{ "two files, swapped",
	  { { FILE_AT(0, MIB, 0), { MIB, MIB, RS_BACKING_FILE, 1, 43, 7, 0, RS_VM_SHARED } },
	    .nr = 2 },
	  { { { 0, MIB, RS_BACKING_FILE, 1, 43, 7, 0, RS_VM_SHARED }, FILE_AT(MIB, MIB, 0) },
	    .nr = 2 },
	  false,
	  RS_MEMORY_OTHER,
	  "was inode 42 of device 0:1 and now is inode 43 of device 0:1 (at +0x0)" },
	{ "a page further from the middle on",
	  WHOLE,
	  { { FILE_AT(0, MIB, 0), FILE_AT(MIB, MIB, MIB + PAGE) }, .nr = 2 },
	  false,
	  RS_MEMORY_OTHER,
	  "was inode 42 at offset 0x100000 and now is at offset 0x101000 (at "
	  "+0x100000)" },
	{ "a page off in a piece of one page, amid the old side's piece",
	  WHOLE,
	  { { FILE_AT(0, MIB, 0), FILE_AT(MIB, PAGE, MIB - PAGE),
	      FILE_AT(MIB + PAGE, MIB - PAGE, MIB + PAGE) },
	    .nr = 3 },
	  false,
	  RS_MEMORY_OTHER,
	  "was inode 42 at offset 0x100000 and now is at offset 0xff000 (at "
	  "+0x100000)" },
	{ "a page off, amid the new side's piece",
	  { { FILE_AT(0, MIB, 0), FILE_AT(MIB, MIB, MIB + PAGE) }, .nr = 2 },
	  WHOLE,
	  false,
	  RS_MEMORY_OTHER,
	  "was inode 42 at offset 0x101000 and now is at offset 0x100000 (at "
	  "+0x100000)" },
	{ "another inode",
	  WHOLE,
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 1, 43, 7, 0, RS_VM_SHARED } }, .nr = 1 },
	  false,
	  RS_MEMORY_OTHER,
	  "was inode 42 of device 0:1 and now is inode 43 of device 0:1 (at +0x0)" },
	{ "the same inode number on another device",
	  WHOLE,
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 0x00800002, 42, 7, 0, RS_VM_SHARED } }, .nr = 1 },
	  false,
	  RS_MEMORY_OTHER,
	  "was inode 42 of device 0:1 and now is inode 42 of device 8:2 (at +0x0)" },
	{ "the same inode number, used again for a new file",
	  WHOLE,
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 1, 42, 8, 0, RS_VM_SHARED } }, .nr = 1 },
	  false,
	  RS_MEMORY_OTHER,
	  NULL },
	{ "shared, then private",
	  WHOLE,
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 1, 42, 7, 0, RS_VM_WRITE } }, .nr = 1 },
	  false,
	  RS_MEMORY_OTHER,
	  "was a shared mapping of inode 42 and now is a private one (at +0x0)" },
	{ "private both times: copies may differ",
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 1, 42, 7, 0, RS_VM_WRITE } }, .nr = 1 },
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 1, 42, 7, 0, RS_VM_WRITE } }, .nr = 1 },
	  false,
	  RS_MEMORY_UNPROVED,
	  "is a private mapping of inode 42, of which the pages may differ (at "
	  "+0x0)" },
	{ "hugetlb, the same",
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 5, 9, 1, 4 * MIB, RS_VM_SHARED | RS_VM_HUGETLB } },
	    .nr = 1 },
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 5, 9, 1, 4 * MIB, RS_VM_SHARED | RS_VM_HUGETLB } },
	    .nr = 1 },
	  false,
	  RS_MEMORY_SAME,
	  "" },
	{ "hugetlb, the huge page beside it",
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 5, 9, 1, 4 * MIB, RS_VM_SHARED | RS_VM_HUGETLB } },
	    .nr = 1 },
	  { { { 0, 2 * MIB, RS_BACKING_FILE, 5, 9, 1, 2 * MIB, RS_VM_SHARED | RS_VM_HUGETLB } },
	    .nr = 1 },
	  false,
	  RS_MEMORY_OTHER,
	  "was inode 9 at offset 0x400000 and now is at offset 0x200000 (at +0x0)" },
	{ "anonymous, elsewhere",
	  { { OTHER_AT(0, 2 * MIB, RS_BACKING_ANON) }, .nr = 1 },
	  { { OTHER_AT(0, 2 * MIB, RS_BACKING_ANON) }, .nr = 1 },
	  false,
	  RS_MEMORY_UNPROVED,
	  "is anonymous memory, which nothing identifies (at +0x0)" },
	{ "anonymous, in place",
	  { { OTHER_AT(0, 2 * MIB, RS_BACKING_ANON) }, .nr = 1 },
	  { { OTHER_AT(0, 2 * MIB, RS_BACKING_ANON) }, .nr = 1 },
	  true,
	  RS_MEMORY_SAME,
	  "" },
	{ "a file, then anonymous",
	  WHOLE,
	  { { FILE_AT(0, MIB, 0), OTHER_AT(MIB, MIB, RS_BACKING_ANON) }, .nr = 2 },
	  false,
	  RS_MEMORY_OTHER,
	  "was a file and now is anonymous memory (at +0x100000)" },
	{ "anonymous in part, and the file's part wrong",
	  { { OTHER_AT(0, MIB, RS_BACKING_ANON), FILE_AT(MIB, MIB, 0) }, .nr = 2 },
	  { { OTHER_AT(0, MIB, RS_BACKING_ANON), FILE_AT(MIB, MIB, PAGE) }, .nr = 2 },
	  false,
	  RS_MEMORY_OTHER,
	  "was inode 42 at offset 0x0 and now is at offset 0x1000 (at +0x100000)" },
	{ "a hole at the new vaddr",
	  WHOLE,
	  { { FILE_AT(0, MIB, 0), OTHER_AT(MIB, MIB, RS_BACKING_NONE) }, .nr = 2 },
	  false,
	  RS_MEMORY_OTHER,
	  "has nothing mapped at its new vaddr 0x7f0000100000" },
	{ "a hole at the old one",
	  { { OTHER_AT(0, 2 * MIB, RS_BACKING_NONE) }, .nr = 1 },
	  WHOLE,
	  false,
	  RS_MEMORY_OTHER,
	  "was nothing and now is a file (at +0x0)" },
	{ "a hole, and nobody knows what was there",
	  { .unknown = true },
	  { { OTHER_AT(0, 2 * MIB, RS_BACKING_NONE) }, .nr = 1 },
	  false,
	  RS_MEMORY_OTHER,
	  "has nothing mapped at its new vaddr 0x7f0000000000" },
	{ "the mmap lock was taken",
	  WHOLE,
	  { { FILE_AT(0, MIB, 0), OTHER_AT(MIB, MIB, RS_BACKING_BUSY) }, .nr = 2 },
	  false,
	  RS_MEMORY_UNPROVED,
	  "could not be looked at all over (at +0x100000)" },
	{ "mapped before the recording",
	  { .unknown = true },
	  WHOLE,
	  false,
	  RS_MEMORY_UNPROVED,
	  "was mapped before the recording, so what memory it was is not known" },
	{ "nobody saw the remap's memory",
	  WHOLE,
	  { .unknown = true },
	  false,
	  RS_MEMORY_UNPROVED,
	  "was remapped, but nobody saw to what memory" },
	{ "only the first half was looked at, then",
	  { { FILE_AT(0, MIB, 0) }, .nr = 1, .partial = true },
	  WHOLE,
	  false,
	  RS_MEMORY_UNPROVED,
	  NULL },
	{ "only the first half was looked at, now",
	  WHOLE,
	  { { FILE_AT(0, MIB, 0) }, .nr = 1, .partial = true },
	  false,
	  RS_MEMORY_UNPROVED,
	  "could be looked at only in part" },
	{ "... and that half is wrong",
	  WHOLE,
	  { { FILE_AT(0, MIB, PAGE) }, .nr = 1, .partial = true },
	  false,
	  RS_MEMORY_OTHER,
	  "was inode 42 at offset 0x0 and now is at offset 0x1000 (at +0x0)" },
	{ "seen, but no piece of it came",
	  { .partial = true },
	  WHOLE,
	  false,
	  RS_MEMORY_UNPROVED,
	  NULL },
};

static void compare(const struct comparison *t, bool mirrored)
{
	const struct side *from = mirrored ? &t->now : &t->old, *to = mirrored ? &t->old : &t->now;
	struct rs_backing_list old = list_of(from), now = list_of(to);
	struct rs_ev_map ev = {
		.h.mm = t->in_place ? OLD_MM : NEW_MM,
		.vaddr = rs_vaddr(t->in_place ? OLD_VADDR : NEW_VADDR),
		.size = 2 * MIB,
	};
	struct rs_remap remap = {
		.ev = &ev,
		.old = &old,
		.now = &now,
		.old_size = 2 * MIB,
		.old_vaddr = rs_vaddr(OLD_VADDR),
		.old_owner_mm = OLD_MM,
	};
	enum rs_memory got, silent;
	char clause[256] = "";

	got = rs_memory_compare(&remap, clause, sizeof(clause));
	silent = rs_memory_compare(&remap, NULL, 0);
	if (got != silent)
		fail_msg("%s: the text changes the verdict", t->name);
	if (mirrored) {
		/* What is the same one way is the same the other way. */
		if ((got == RS_MEMORY_SAME) != (t->want == RS_MEMORY_SAME))
			fail_msg("%s, the other way round: got %d", t->name, got);
		return;
	}
	if (got != t->want)
		fail_msg("%s: got %d \"%s\", not %d", t->name, got, clause, t->want);
	if (t->clause && strcmp(clause, t->clause))
		fail_msg("%s: got \"%s\", not \"%s\"", t->name, clause, t->clause);
	if (!clause[0] != (got == RS_MEMORY_SAME))
		fail_msg("%s: \"%s\" does not go with %d", t->name, clause, got);
}

static void memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
		compare(&comparisons[i], false);
		compare(&comparisons[i], true);
	}
}

/* Against the slow way: compare page by page. */
static void memory_page_by_page(void **state)
{
	__u64 rng = 0x1234567;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct side side[2] = { 0 };
		struct comparison t = { .name = "random", .clause = NULL, .want = RS_MEMORY_SAME };
		__u64 page_offset[2][8];

		for (int k = 0; k < 2; k++) {
			for (__u64 at = 0; at < 8;) {
				__u64 len = side[k].nr == PIECES_MAX - 1
						    ? 8 - at
						    : 1 + synth_random(&rng) % (8 - at);
				/* Mostly where it belongs. */
				__u64 off = at + (synth_random(&rng) % 6 == 0);
				struct rs_piece p = FILE_AT(at * PAGE, len * PAGE, off * PAGE);

				side[k].piece[side[k].nr++] = p;
				for (__u64 i = 0; i < len; i++)
					page_offset[k][at + i] = off + i;
				at += len;
			}
		}
		if (memcmp(page_offset[0], page_offset[1], sizeof(page_offset[0])))
			t.want = RS_MEMORY_OTHER;
		t.old = side[0];
		t.now = side[1];
		compare(&t, false);
	}
}

static const struct {
	const char *name;
	struct rs_acct acct[RS_NR_ACCT];
	__u32 other;
	bool first;  /* a map, not a remap */
	bool stays;  /* with its owner */
	bool gone;   /* the old owner's mm is */
	bool unsure; /* ... as far as is known; the kernel counted somebody */
	__u64 locked;
	enum rs_memory want;
	const char *clause;
} charges[] = {
	{ "a map", { { NEW_MM, 512 } }, .first = true, .locked = 512, .want = RS_MEMORY_SAME },
	{ "a map of what needs no charge", { { 0, 0 } }, .first = true, .want = RS_MEMORY_SAME },
	{ "a map that is charged too little",
	  { { NEW_MM, 511 } },
	  .first = true,
	  .locked = 512,
	  .want = RS_MEMORY_OTHER,
	  .clause = "holds 512 locked pages, but its owner's mm was charged 511" },
	{ "a map that is charged to another",
	  { { OLD_MM, 512 } },
	  .first = true,
	  .locked = 512,
	  .want = RS_MEMORY_OTHER,
	  .clause = "holds 512 locked pages, but its owner's mm was charged 0" },
	{ "a map on an old kernel",
	  { { NEW_MM, 512 } },
	  .first = true,
	  .locked = UINT64_MAX,
	  .want = RS_MEMORY_UNPROVED },
	{ "moved", { { NEW_MM, 512 }, { OLD_MM, -512 } }, .locked = 512, .want = RS_MEMORY_SAME },
	{ "moved, told the other way round",
	  { { OLD_MM, -512 }, { NEW_MM, 512 } },
	  .locked = 512,
	  .want = RS_MEMORY_SAME },
	{ "moved from the dead",
	  { { NEW_MM, 512 } },
	  .gone = true,
	  .locked = 512,
	  .want = RS_MEMORY_SAME },
	{ "moved from the dying",
	  { { NEW_MM, 512 }, { OLD_MM, -512 } },
	  .gone = true,
	  .locked = 512,
	  .want = RS_MEMORY_SAME },
	{ "moved from the dead, or not",
	  { { NEW_MM, 512 } },
	  .gone = true,
	  .unsure = true,
	  .locked = 512,
	  .want = RS_MEMORY_UNPROVED,
	  .clause = "gave the old owner's mm nothing back for its 512 pages, and whether anybody "
		    "else still has that mm is not known" },
	{ "moved from somebody who was not told",
	  { { NEW_MM, 512 }, { OLD_MM, -512 } },
	  .gone = true,
	  .unsure = true,
	  .locked = 512,
	  .want = RS_MEMORY_SAME },
	{ "charged twice",
	  { { NEW_MM, 512 } },
	  .locked = 512,
	  .want = RS_MEMORY_OTHER,
	  .clause = "is charged twice: the old owner's mm did not get its 512 pages back" },
	{ "not charged at all",
	  { { OLD_MM, -512 } },
	  .locked = 512,
	  .want = RS_MEMORY_OTHER,
	  .clause = "holds 512 locked pages, but its owner's mm was charged 0" },
	{ "given back too much",
	  { { NEW_MM, 512 }, { OLD_MM, -1024 } },
	  .locked = 512,
	  .want = RS_MEMORY_OTHER,
	  .clause = "holds 512 locked pages, but the old owner's mm got 1024 back" },
	{ "given back too much by the dying",
	  { { NEW_MM, 512 }, { OLD_MM, -513 } },
	  .gone = true,
	  .locked = 512,
	  .want = RS_MEMORY_OTHER,
	  .clause = "holds 512 locked pages, but the old owner's mm got 513 back" },
	{ "a third",
	  { { NEW_MM, 512 }, { OLD_MM, -512 } },
	  .other = 1,
	  .locked = 512,
	  .want = RS_MEMORY_OTHER,
	  .clause = "had a third mm charged or credited" },
	{ "stays", { { 0, 0 } }, .stays = true, .locked = 512, .want = RS_MEMORY_SAME },
	{ "stays, and is charged again",
	  { { NEW_MM, 512 } },
	  .stays = true,
	  .locked = 512,
	  .want = RS_MEMORY_OTHER,
	  .clause = "stayed with its owner, yet the mm was charged 512 pages" },
	{ "nothing locked, nothing moved", { { 0, 0 } }, .locked = 0, .want = RS_MEMORY_SAME },
	{ "an old kernel", { { NEW_MM, 512 } }, .locked = UINT64_MAX, .want = RS_MEMORY_UNPROVED },
};

static void locked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(charges) / sizeof(charges[0]); i++) {
		struct rs_ev_map ev = { .h.mm = NEW_MM, .work.acct_other = charges[i].other };
		struct rs_backing_list some = { 0 };
		struct rs_remap remap = {
			.ev = &ev,
			.old = charges[i].first ? NULL : &some,
			.old_owner_mm = charges[i].first   ? 0
					: charges[i].stays ? NEW_MM
							   : OLD_MM,
			.locked_pages = charges[i].locked,
			.old_mm_gone = charges[i].first || charges[i].gone,
			.old_mm_unsure = charges[i].unsure,
		};
		char clause[256] = "";
		enum rs_memory got;

		memcpy(ev.work.acct, charges[i].acct, sizeof(ev.work.acct));
		got = rs_locked_compare(&remap, clause, sizeof(clause));
		if (got != charges[i].want || got != rs_locked_compare(&remap, NULL, 0))
			fail_msg("%s: got %d \"%s\"", charges[i].name, got, clause);
		if (charges[i].clause && strcmp(clause, charges[i].clause))
			fail_msg("%s: got \"%s\"", charges[i].name, clause);
		if (!clause[0] != (got == RS_MEMORY_SAME))
			fail_msg("%s: \"%s\" does not go with %d", charges[i].name, clause, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory),
		cmocka_unit_test(memory_page_by_page),
		cmocka_unit_test(locked),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
