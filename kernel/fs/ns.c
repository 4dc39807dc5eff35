/* SPDX-License-Identifier: MIT */
/*
 * What all namespaces share. User namespaces: their tree and their maps of ids.
 * Maps are set by linux/user_ns.c, and asked by everybody without a lock.
 */
#include "fs/ns.h"
#include "core/heap.h"

#define FIRST_INUM 4026531837u		/* Linux's for the first one */
#define LAST_FIRST_INUM 4026531999u	/* of a first one of any kind */

static struct id_extent all = { 0, 0, NO_ID };

struct user_ns user_ns_first = {
	.ns = { .refs = { 1 }, .kind = NS_USER, .inum = FIRST_INUM },
	.may_setgroups = true,
	.parent_could_setfcap = true,
	.map = { { 1, &all }, { 1, &all } },
};

struct ns *ns_create(enum ns_kind kind, size_t size, struct user_ns *owner,
		     void (*free)(struct ns *n))
{
	static uint32_t last = LAST_FIRST_INUM;		/* atomic */
	struct ns *n = kzalloc(size);

	if (!n)
		return NULL;
	ref_init(&n->refs, 1);
	n->kind = kind;
	n->inum = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	n->owner = user_ns_get(owner);
	n->free = free;
	return n;
}

void ns_free(struct ns *n)
{
	struct user_ns *owner = n->owner;

	kfree(n);
	user_ns_put(owner);	/* a chain as long as there are levels */
}

static void user_ns_free(struct ns *n)
{
	struct user_ns *u = (struct user_ns *)n;

	for (int k = 0; k < ID_KINDS; k++)
		kfree(u->map[k].extent);
	ns_free(n);
}

struct user_ns *user_ns_create(struct user_ns *parent)
{
	struct user_ns *u = (struct user_ns *)
		ns_create(NS_USER, sizeof(*u), parent, user_ns_free);

	if (u)
		u->level = parent->level + 1;
	return u;
}

static uint32_t translate(const struct user_ns *u, enum id_kind kind,
			  uint32_t id, uint32_t nr, bool to_user)
{
	const struct id_map *m = &u->map[kind];
	/* pairs with the writer's release: the extents are there */
	uint32_t nr_extents = __atomic_load_n(&m->nr, __ATOMIC_ACQUIRE);

	if (u == &user_ns_first)
		return id;
	for (uint32_t i = 0; i < nr_extents; i++) {
		const struct id_extent *e = &m->extent[i];
		uint32_t at = id - (to_user ? e->lower : e->first);

		if (at < e->count && nr <= e->count - at)
			return at + (to_user ? e->first : e->lower);
	}
	return NO_ID;
}

uint32_t id_from_user(const struct user_ns *u, enum id_kind kind, uint32_t id)
{
	return translate(u, kind, id, 1, false);
}

uint32_t id_range_from_user(const struct user_ns *u, enum id_kind kind,
			    uint32_t id, uint32_t nr)
{
	return translate(u, kind, id, nr, false);
}

uint32_t id_to_user(const struct user_ns *u, enum id_kind kind, uint32_t id)
{
	return translate(u, kind, id, 1, true);
}

uint32_t id_show(const struct user_ns *u, enum id_kind kind, uint32_t id)
{
	uint32_t to = translate(u, kind, id, 1, true);

	return to == NO_ID && id != NO_ID ? OVERFLOW_ID : to;
}

bool user_ns_is_below(const struct user_ns *u, const struct user_ns *top)
{
	while (u && u != top)
		u = u->ns.owner;
	return u == top;
}
