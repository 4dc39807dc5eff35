/* SPDX-License-Identifier: MIT */
/*
 * What namespaces of all kinds have in common, and user namespaces: they are
 * known here because permission checks ask them. The other kinds and the calls
 * are in linux/ns.c.
 *
 * The kernel knows users and groups by the numbers of the first user namespace
 * only. They are translated where a program gives or gets them.
 */
#pragma once
#include "lib/atomic.h"
#include "lib/types.h"

#define NO_ID		UINT32_MAX
#define OVERFLOW_ID	65534u	/* shown for who has no number here */
#define ID_EXTENTS_MAX	340u
#define USER_NS_LEVELS	33u	/* below the first */

enum ns_kind {
	NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_USER, NS_UTS, NS_KINDS
};

/* First member of every namespace. The first ones are static. */
struct ns {
	struct refcount refs;
	uint32_t kind;		/* enum ns_kind */
	uint32_t inum;
	/* Whose capabilities count; a reference. Set once. */
	struct user_ns *owner;
	void (*free)(struct ns *n);	/* the last reference is gone */
};

enum id_kind { ID_USER, ID_GROUP, ID_KINDS };

struct id_extent {
	uint32_t first, lower, count;	/* lower: the kernel's number */
};

/* Written once: nr is stored last, with release. */
struct id_map {
	uint32_t nr;
	struct id_extent *extent;
};

struct user_ns {
	struct ns ns;			/* its owner: the parent, or NULL */
	uint32_t level;
	uint32_t uid, gid;		/* of who made it */
	bool may_setgroups;		/* under process_lock */
	bool parent_could_setfcap;	/* who made it; set once */
	struct id_map map[ID_KINDS];
};

extern struct user_ns user_ns_first;

static inline struct ns *ns_get(struct ns *n)
{
	ref_get(&n->refs);
	return n;
}
static inline void ns_put(struct ns *n)
{
	if (ref_put(&n->refs))
		n->free(n);
}
/* Of size bytes, all zero but for what is common; takes a reference to owner.
 * NULL: no memory. */
struct ns *ns_create(enum ns_kind kind, size_t size, struct user_ns *owner,
		     void (*free)(struct ns *n));
/* The end of every free(): owner and memory. */
void ns_free(struct ns *n);

/* Below parent, without maps. NULL: no memory. */
struct user_ns *user_ns_create(struct user_ns *parent);

/* The first one is not counted: everybody is in it. */
static inline struct user_ns *user_ns_get(struct user_ns *u)
{
	if (u != &user_ns_first)
		ns_get(&u->ns);
	return u;
}
static inline void user_ns_put(struct user_ns *u)
{
	if (u != &user_ns_first)
		ns_put(&u->ns);
}

/* The kernel's number of what u calls id; NO_ID: there is none. */
uint32_t id_from_user(const struct user_ns *u, enum id_kind kind, uint32_t id);
/* The same for the first of nr ids, which must lie in one extent: NO_ID else. */
uint32_t id_range_from_user(const struct user_ns *u, enum id_kind kind,
			    uint32_t id, uint32_t nr);
/* The other way round. */
uint32_t id_to_user(const struct user_ns *u, enum id_kind kind, uint32_t id);
/* The same for showing: OVERFLOW_ID if there is none. */
uint32_t id_show(const struct user_ns *u, enum id_kind kind, uint32_t id);
/* Is u the same as `top` or below it? */
bool user_ns_is_below(const struct user_ns *u, const struct user_ns *top);
