/* SPDX-License-Identifier: MIT */
/*
 * Namespaces of threads. A thread whose set is NULL is in the first namespace
 * of every kind: who uses none pays nothing. A set never changes; a thread gets
 * another one. The user namespace is in its credentials.
 */
#pragma once
#include <linux/sched.h>
#include "fs/ns.h"
#include "linux/process.h"

#define NS_FLAGS                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |       \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

struct ns_set {
	struct refcount refs;
	struct ns *ns[NS_KINDS];	/* references; NS_USER: NULL */
};

/* What there is of a kind (ns.c). */
struct ns_type {
	const char *name;
	uint32_t flag;			/* CLONE_NEW* */
	struct ns *first;
	/* A new one, as `old` or empty. fs, not shared, is whose root and
	 * working directory follow. NULL: none can be made. */
	int (*make)(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		    struct ns **out);
};
extern const struct ns_type ns_types[NS_KINDS];

static inline struct ns_set *ns_set_get(struct ns_set *s)
{
	if (s)
		ref_get(&s->refs);
	return s;
}
void ns_set_put(struct ns_set *s);	/* no lock held */

/* Borrowed. Of another thread: the caller holds process_lock. */
static inline struct ns *ns_of(const struct thread *t, enum ns_kind kind)
{
	return kind == NS_USER ? &t->cred->user_ns->ns :
	       t->ns ? t->ns->ns[kind] : ns_types[kind].first;
}

/*
 * The set for who is to have new namespaces as flags say, with these
 * credentials and this state, which changes. flags without any: the caller's.
 * Returns 0 and a reference in *out, -EPERM, -ENOMEM, -EINVAL.
 */
int ns_set_make(uint64_t flags, const struct cred *c, struct fs_state *fs,
		struct ns_set **out);

/*
 * Credentials in a new user namespace below c's (user_ns.c). Returns 0 and a
 * reference in *out, -EPERM, -ENOSPC (too deep), -ENOMEM.
 */
int user_ns_make_cred(const struct cred *c, struct cred **out);
/* c, which is not shared, enters u with all its capabilities. */
void user_ns_enter(struct cred *c, struct user_ns *u);

static inline struct mnt_ns *own_mnt_ns(void)
{
	return (struct mnt_ns *)ns_of(current_thread(), NS_MNT);
}

extern struct uts_ns uts_ns_first;
extern struct ipc_ns ipc_ns_first;
extern struct net_ns net_ns_first;
int uts_ns_make(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		struct ns **out);
int ipc_ns_make(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		struct ns **out);
int pid_ns_make(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		struct ns **out);
int net_ns_make(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		struct ns **out);
