/* SPDX-License-Identifier: MIT */
/*
 * Regions: what lies where in an address space, whether or not a page of it is
 * in the tables yet. They do not overlap; neighbours that are alike are one.
 * The caller holds the space's lock.
 */
#pragma once
#include "lib/avl.h"
#include "lib/list.h"
#include "platform/platform.h"

struct hostfile;

struct region {
	struct avl_node node;
	struct list link;	/* by address; or of those to be released */
	uaddr_t start, end;
	uint32_t prot;		/* PLAT_* */
	enum plat_backing_kind kind;
	bool shared;
	bool huge;		/* pages of 2 MiB are welcome */
	bool dontfork;
	bool has_owned;		/* private, of a file: perhaps own pages */
	struct hostfile *file;	/* PLAT_BACK_HOST: with a reference */
	uint64_t offset;	/* of start, in pool or file */
};

struct regions {
	struct avl_tree tree;
	struct list list;
};

void regions_init(struct regions *rs);
/* The first with end > addr, or NULL. */
struct region *region_find(const struct regions *rs, uaddr_t addr);
/* The one behind r, or NULL. */
struct region *region_next(const struct regions *rs, const struct region *r);
/* Does every address of the range lie in a region? */
bool region_covers(const struct regions *rs, uaddr_t start, uaddr_t end);
/* Owner: takes over r. */
void region_insert(struct regions *rs, struct region *r);
void region_remove(struct regions *rs, struct region *r);
/* A copy with its own reference to the file, in no tree. NULL: no memory. */
struct region *region_copy(const struct region *r);
/* Make start and end boundaries of regions. Returns 0, or -ENOMEM and nothing
 * changed. */
int region_isolate(struct regions *rs, uaddr_t start, uaddr_t end);
/* Take all of an isolated range out, to the end of the list `dead`. */
void region_detach(struct regions *rs, uaddr_t start, uaddr_t end,
		   struct list *dead);
/* Join alike neighbours in and around the range; what is left over goes to
 * `dead`. */
void region_merge(struct regions *rs, uaddr_t start, uaddr_t end,
		  struct list *dead);
/* Free them; without the lock, since closing a file may take time. */
void region_release(struct list *dead);
