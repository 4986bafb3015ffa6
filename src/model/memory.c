// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "model/memory.h"

typedef unsigned long long ull;

static const char *what_name(__u32 what)
{
	switch (what) {
	case RS_BACKING_NONE:
		return "nothing";
	case RS_BACKING_FILE:
		return "a file";
	case RS_BACKING_ANON:
		return "anonymous memory";
	default:
		return "memory that could not be looked at";
	}
}

/* The piece of @b that holds @at; NULL when no piece does. */
static const struct rs_piece *piece_at(const struct rs_backing_list *b, __u64 at)
{
	for (size_t i = 0; i < b->nr; i++)
		if (at - b->piece[i].at < b->piece[i].len)
			return &b->piece[i];
	return NULL;
}

#define SAY(...) (buf ? (void)snprintf(buf, len, __VA_ARGS__) : (void)0)

/* One place of the range, where either side's piece begins. */
static enum rs_memory compare_at(const struct rs_remap *r, __u64 at, char *buf, size_t len)
{
	const struct rs_piece *o = piece_at(r->old, at), *n = piece_at(r->now, at);
	__u64 old_offset, new_offset;

	if (n && n->what == RS_BACKING_NONE) {
		SAY("has nothing mapped at its new vaddr 0x%llx", (ull)r->ev->vaddr.v + at);
		return RS_MEMORY_OTHER;
	}
	if (!o || !n || o->what == RS_BACKING_BUSY || n->what == RS_BACKING_BUSY) {
		SAY("could not be looked at all over (at +0x%llx)", (ull)at);
		return RS_MEMORY_UNPROVED;
	}
	if (o->what != n->what) {
		SAY("was %s and now is %s (at +0x%llx)", what_name(o->what), what_name(n->what),
		    (ull)at);
		return RS_MEMORY_OTHER;
	}
	if (o->what == RS_BACKING_ANON) {
		if (r->old_owner_mm == r->ev->h.mm && r->old_vaddr.v == r->ev->vaddr.v)
			return RS_MEMORY_SAME;
		SAY("is anonymous memory, which nothing identifies (at +0x%llx)", (ull)at);
		return RS_MEMORY_UNPROVED;
	}
	if (o->dev != n->dev || o->ino != n->ino || o->generation != n->generation) {
		SAY("was inode %llu of device %u:%u and now is inode %llu of device %u:%u (at "
		    "+0x%llx)",
		    (ull)o->ino, o->dev >> 20, o->dev & 0xfffff, (ull)n->ino, n->dev >> 20,
		    n->dev & 0xfffff, (ull)at);
		return RS_MEMORY_OTHER;
	}
	old_offset = o->offset + (at - o->at);
	new_offset = n->offset + (at - n->at);
	if (old_offset != new_offset) {
		SAY("was inode %llu at offset 0x%llx and now is at offset 0x%llx (at +0x%llx)",
		    (ull)o->ino, (ull)old_offset, (ull)new_offset, (ull)at);
		return RS_MEMORY_OTHER;
	}
	if ((o->vm_flags & RS_VM_SHARED) && !(n->vm_flags & RS_VM_SHARED)) {
		SAY("was a shared mapping of inode %llu and now is a private one (at +0x%llx)",
		    (ull)o->ino, (ull)at);
		return RS_MEMORY_OTHER;
	}
	if (!(o->vm_flags & RS_VM_SHARED)) {
		SAY("is a private mapping of inode %llu, of which the pages may differ (at "
		    "+0x%llx)",
		    (ull)o->ino, (ull)at);
		return RS_MEMORY_UNPROVED;
	}
	return RS_MEMORY_SAME;
}

enum rs_memory rs_memory_compare(const struct rs_remap *r, char *buf, size_t len)
{
	enum rs_memory worst = RS_MEMORY_SAME;

	if (!r->now->known) {
		SAY("was remapped, but nobody saw to what memory");
		return RS_MEMORY_UNPROVED;
	}
	/* A hole at the new vaddr is wrong whatever was there before. */
	if (!r->old->known && !(r->now->nr && r->now->piece[0].what == RS_BACKING_NONE)) {
		SAY("was mapped before the recording, so what memory it was is not known");
		return RS_MEMORY_UNPROVED;
	}
	/* Between two begins of pieces nothing changes: comparing at each is comparing all. */
	for (size_t i = 0; i < r->old->nr + r->now->nr; i++) {
		__u64 at = i < r->old->nr ? r->old->piece[i].at : r->now->piece[i - r->old->nr].at;
		char clause[256];
		enum rs_memory m = compare_at(r, at, clause, sizeof(clause));

		if (m == RS_MEMORY_OTHER || (m == RS_MEMORY_UNPROVED && worst == RS_MEMORY_SAME)) {
			worst = m;
			SAY("%s", clause);
		}
		if (m == RS_MEMORY_OTHER)
			return m;
	}
	if (worst == RS_MEMORY_SAME && (!r->old->complete || !r->now->complete)) {
		SAY("could be looked at only in part");
		return RS_MEMORY_UNPROVED;
	}
	return worst;
}

static __s64 charged(const struct rs_work *w, __u64 mm)
{
	for (int i = 0; i < RS_NR_ACCT; i++)
		if (w->acct[i].mm == mm)
			return w->acct[i].pages;
	return 0;
}

enum rs_memory rs_locked_compare(const struct rs_remap *r, char *buf, size_t len)
{
	const struct rs_work *w = &r->ev->work;
	__u64 mm = r->ev->h.mm;
	__s64 gain = charged(w, mm), loss = 0, locked = r->locked_pages;
	bool moved = r->old_owner_mm && r->old_owner_mm != mm;
	bool remap = r->old != NULL;

	if (r->locked_pages == UINT64_MAX) {
		SAY("is on a kernel, or in a recording, that does not tell its locked pages");
		return RS_MEMORY_UNPROVED;
	}
	if (w->acct_other) {
		SAY("had a third mm charged or credited");
		return RS_MEMORY_OTHER;
	}
	if (remap && !moved) {
		if (!gain)
			return RS_MEMORY_SAME;
		SAY("stayed with its owner, yet the mm was charged %lld pages", (long long)gain);
		return RS_MEMORY_OTHER;
	}
	if (gain != locked) {
		SAY("holds %lld locked pages, but its owner's mm was charged %lld",
		    (long long)locked, (long long)gain);
		return RS_MEMORY_OTHER;
	}
	if (!moved)
		return RS_MEMORY_SAME;
	loss = charged(w, r->old_owner_mm);
	if ((ull)loss == 0 - (ull)locked || (!loss && r->old_mm_gone && !r->old_mm_unsure))
		return RS_MEMORY_SAME;
	if (!loss && r->old_mm_gone) {
		SAY("gave the old owner's mm nothing back for its %lld pages, and whether anybody "
		    "else still has that mm is not known",
		    (long long)locked);
		return RS_MEMORY_UNPROVED;
	}
	if (!loss) {
		SAY("is charged twice: the old owner's mm did not get its %lld pages back",
		    (long long)locked);
		return RS_MEMORY_OTHER;
	}
	SAY("holds %lld locked pages, but the old owner's mm got %lld back", (long long)locked,
	    (long long)(0 - (ull)loss));
	return RS_MEMORY_OTHER;
}
