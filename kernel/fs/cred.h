/* SPDX-License-Identifier: MIT */
/*
 * Credentials of a thread: who it is for permission checks. Immutable once
 * shared: change a copy.
 */
#pragma once
#include "fs/ns.h"

#define CRED_GROUPS_MAX 64u

struct cred {
	struct refcount refs;
	struct user_ns *user_ns;	/* where the capabilities count */
	uint32_t uid, euid, suid, fsuid;	/* shown in this order */
	uint32_t gid, egid, sgid, fsgid;
	uint64_t cap_effective, cap_permitted, cap_inheritable;
	uint64_t cap_bounding, cap_ambient;
	uint32_t securebits;
	uint32_t nr_groups;
	uint32_t groups[CRED_GROUPS_MAX];
};

/* The kernel's own: user 0 with all rights. Without a count of references. */
extern const struct cred cred_kernel;

struct cred *cred_copy(const struct cred *c);	/* refs = 1, NULL: no memory */
struct cred *cred_get(struct cred *c);
void cred_put(struct cred *c);
/* The capability CAP_*... over the whole system; */
bool cred_has_cap(const struct cred *c, int cap);
/* ...over what belongs to u; */
bool cred_has_cap_in(const struct cred *c, const struct user_ns *u, int cap);
/* ...over c's own user namespace; */
static inline bool cred_has_own_cap(const struct cred *c, int cap)
{
	return c->cap_effective >> cap & 1;
}
/* ...over a file of this owner and group. */
bool cred_has_cap_over(const struct cred *c, uint32_t uid, uint32_t gid,
		       int cap);
/* Is it root where c is? */
static inline bool cred_is_root(const struct cred *c, uint32_t uid)
{
	return !id_to_user(c->user_ns, ID_USER, uid);
}
bool cred_in_group(const struct cred *c, uint32_t gid);	/* fsgid or groups */
