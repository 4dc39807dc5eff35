/* SPDX-License-Identifier: MIT */
/*
 * Credentials: copies, references and the two questions that permission
 * checks ask. A shared struct cred never changes; set*id calls change a copy.
 */
#include "fs/cred.h"

#include "core/heap.h"
#include "lib/string.h"

const struct cred cred_kernel = {
	.cap_effective = ~0ull, .cap_permitted = ~0ull,
};

struct cred *cred_copy(const struct cred *c)
{
	struct cred *n = kmalloc(sizeof(*n));

	if (!n)
		return NULL;
	memcpy(n, c, sizeof(*n));
	ref_init(&n->refs, 1);
	return n;
}

struct cred *cred_get(struct cred *c)
{
	ref_get(&c->refs);
	return c;
}

void cred_put(struct cred *c)
{
	if (c && ref_put(&c->refs))
		kfree(c);
}

bool cred_has_cap(const struct cred *c, int cap)
{
	return (unsigned int)cap < 64 && (c->cap_effective >> cap & 1);
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
