/* SPDX-License-Identifier: MIT */
/* Hash tables of inodes, see nodetab.h. */
#include "fs/nodetab.h"

#include "core/heap.h"

void nodetab_init(struct nodetab *t)
{
	t->buckets = t->first;
	t->nr_buckets = NODETAB_FIRST;
}

void nodetab_fini(struct nodetab *t)
{
	if (t->buckets != t->first)
		kfree(t->buckets);
}

void nodetab_link_init(struct nodetab_link *l)
{
	list_init(&l->link);
	l->key = 0;
}

/* Double the buckets; without memory the chains just grow. */
static void grow(struct nodetab *t)
{
	uint32_t old_nr = t->nr_buckets;
	struct list *old = t->buckets;
	struct list *bigger = kzalloc(2ul * old_nr * sizeof(*bigger));

	if (!bigger)
		return;
	t->buckets = bigger;
	t->nr_buckets = 2 * old_nr;
	for (uint32_t i = 0; i < old_nr; i++) {
		if (!old[i].next)
			continue;
		list_for_each_safe(p, &old[i]) {
			struct nodetab_link *l =
				list_entry(p, struct nodetab_link, link);

			list_remove(p);
			list_append(nodetab_bucket(t, l->key), p);
		}
	}
	if (old != t->first)
		kfree(old);
}

void nodetab_add(struct nodetab *t, struct nodetab_link *l, uint64_t key)
{
	if (t->count >= 2 * t->nr_buckets)
		grow(t);
	l->key = key;
	list_append(nodetab_bucket(t, key), &l->link);
	t->count++;
}

void nodetab_remove(struct nodetab *t, struct nodetab_link *l)
{
	if (list_is_empty(&l->link))
		return;
	list_remove(&l->link);
	t->count--;
}

struct nodetab_link *nodetab_find(struct nodetab *t,
				  bool (*fn)(struct nodetab_link *l))
{
	for (uint32_t i = 0; i < t->nr_buckets; i++) {
		if (!t->buckets[i].next)
			continue;
		list_for_each(p, &t->buckets[i]) {
			struct nodetab_link *l =
				list_entry(p, struct nodetab_link, link);

			if (fn(l))
				return l;
		}
	}
	return NULL;
}
