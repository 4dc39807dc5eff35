/* SPDX-License-Identifier: MIT */
/*
 * Credentials of a thread: who it is for permission checks. Immutable once
 * shared: change a copy.
 */
#pragma once
#include "lib/types.h"
#include "lib/atomic.h"

#define CRED_GROUPS_MAX 64u

struct cred {
	struct refcount refs;
	uint32_t uid, euid, suid, fsuid;
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
bool cred_has_cap(const struct cred *c, int cap);	/* CAP_* number */
bool cred_in_group(const struct cred *c, uint32_t gid);	/* fsgid or groups */
