/* SPDX-License-Identifier: MIT */
/*
 * A hash table of objects that embed a link, growing with their number. Used
 * by file systems to find the inode of an object. The caller locks.
 */
#pragma once
#include "lib/list.h"

struct nodetab_link {
	struct list link;
	uint64_t key;
};

#define NODETAB_FIRST 32u

struct nodetab {
	struct list *buckets;
	uint32_t nr_buckets, count;
	struct list first[NODETAB_FIRST];
};

void nodetab_init(struct nodetab *t);	/* t is zero */
void nodetab_fini(struct nodetab *t);	/* frees the table, not the objects */
void nodetab_link_init(struct nodetab_link *l);
void nodetab_add(struct nodetab *t, struct nodetab_link *l, uint64_t key);
/* Harmless when l is in no table. */
void nodetab_remove(struct nodetab *t, struct nodetab_link *l);

/* The bucket in which objects of that key are (with others). */
static inline struct list *nodetab_bucket(struct nodetab *t, uint64_t key)
{
	uint64_t h = key * 0x9e3779b97f4a7c15ull;
	struct list *b = &t->buckets[(h >> 32) & (t->nr_buckets - 1)];

	if (!b->next)
		list_init(b);	/* its first use */
	return b;
}

/* Some object of the table for which fn says yes, or NULL. */
struct nodetab_link *nodetab_find(struct nodetab *t,
				  bool (*fn)(struct nodetab_link *l));

#define nodetab_entry(p, type, member) \
	container_of(list_entry(p, struct nodetab_link, link), type, member)
