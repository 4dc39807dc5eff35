/* SPDX-License-Identifier: MIT */
/*
 * What a change of page tables leaves behind: addresses that processors may
 * still translate the old way, and pages that nobody may reuse until they do
 * not. One flush for many changes.
 */
#pragma once
#include "platform/kvm/paging.h"

#define GATHER_INLINE	16u

struct hostfile;
struct space;

struct gather {
	struct space *space;
	uaddr_t start, end;	/* to be flushed; empty if start >= end */
	uint32_t nr, max;
	uint64_t *items;	/* pages to let go after the flush */
	uint64_t first[GATHER_INLINE];
};

enum gather_kind {
	GATHER_PAGE,		/* anon_put */
	GATHER_HUGE,		/* likewise, 512 pages */
	GATHER_TABLE,		/* page_free */
	GATHER_FILE,		/* hostfile_page_put; takes a second item */
};

/* The caller holds the space's lock until gather_end. Context: task. */
void gather_begin(struct gather *g, struct space *s);
/* Entries for [start, end) lost rights, or became others. */
void gather_range(struct gather *g, uaddr_t start, uaddr_t end);
/* p is no more in the tables. After gather_range. May flush. */
void gather_add(struct gather *g, paddr_t p, enum gather_kind kind);
/* Likewise a use of a file's page (platform/kvm/hostfile.h); the file stays
 * until gather_end. */
void gather_add_file(struct gather *g, struct hostfile *f, uint64_t index,
		     bool write);
/* Flush, and let the pages go. g may be used further. */
void gather_flush(struct gather *g);
/* The same for the last time. */
void gather_end(struct gather *g);
