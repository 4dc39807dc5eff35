/* SPDX-License-Identifier: MIT */
/*
 * Credentials: copies, references and the two questions that permission
 * checks ask. A shared struct cred never changes; set*id calls change a copy.
 */
#include "fs/cred.h"

#include "core/heap.h"
#include "lib/string.h"

const struct cred cred_kernel = {
	.user_ns = &user_ns_first,
	.cap_effective = ~0ull, .cap_permitted = ~0ull,
};

struct cred *cred_copy(const struct cred *c)
{
	struct cred *n = kmalloc(sizeof(*n));

	if (!n)
		return NULL;
	memcpy(n, c, sizeof(*n));
	ref_init(&n->refs, 1);
	user_ns_get(n->user_ns);
	return n;
}

struct cred *cred_get(struct cred *c)
{
	ref_get(&c->refs);
	return c;
}

void cred_put(struct cred *c)
{
	if (!c || !ref_put(&c->refs))
		return;
	user_ns_put(c->user_ns);
	kfree(c);
}

bool cred_has_cap(const struct cred *c, int cap)
{
	return c->user_ns == &user_ns_first && cred_has_own_cap(c, cap);
}

bool cred_has_cap_in(const struct cred *c, const struct user_ns *u, int cap)
{
	/* who made a namespace below the own one may do all there */
	for (; u != c->user_ns; u = u->ns.owner) {
		if (u->level <= c->user_ns->level)
			return false;
		if (u->ns.owner == c->user_ns && u->uid == c->euid)
			return true;
	}
	return cred_has_own_cap(c, cap);
}

bool cred_has_cap_over(const struct cred *c, uint32_t uid, uint32_t gid,
		       int cap)
{
	return cred_has_own_cap(c, cap) &&
	       id_to_user(c->user_ns, ID_USER, uid) != NO_ID &&
	       id_to_user(c->user_ns, ID_GROUP, gid) != NO_ID;
}

bool cred_in_group(const struct cred *c, uint32_t gid)
{
	if (c->fsgid == gid)
		return true;
	for (uint32_t i = 0; i < c->nr_groups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}
