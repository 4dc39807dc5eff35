/* SPDX-License-Identifier: MIT */
/*
 * Namespaces: the table of kinds, the sets that threads have, unshare and
 * setns. What a kind means is in the files that know it.
 */
#include "linux/ns.h"
#include <linux/capability.h>
#include <gen/syscalls.h>
#include "core/heap.h"
#include "linux/exit_hooks.h"
#include "linux/fdtable.h"
#include "linux/ids.h"
#include "linux/ipc.h"
#include "linux/nsfs.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"
#include "linux/ptrace.h"

#define UNSHARE_KNOWN                                                        \
	(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_THREAD |             \
	 CLONE_SIGHAND | CLONE_VM | NS_FLAGS)

/* --- kinds ----------------------------------------------------------------*/
/* The numbers of the first ones are Linux's. */
static struct ns cgroup_ns_first = {
	.refs = { 1 }, .kind = NS_CGROUP, .inum = 4026531835u,
	.owner = &user_ns_first,
};

/* There is one group: to see it as the root changes nothing. */
static int make_cgroup(struct ns *old, struct user_ns *owner,
		       struct fs_state *fs, struct ns **out)
{
	*out = ns_create(NS_CGROUP, sizeof(**out), owner, ns_free);
	return *out ? 0 : -ENOMEM;
}

static int make_mnt(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		    struct ns **out)
{
	return mnt_ns_copy((struct mnt_ns *)old, owner, &fs->root, &fs->cwd,
			   out);
}

const struct ns_type ns_types[NS_KINDS] = {
	[NS_CGROUP] = { "cgroup", CLONE_NEWCGROUP, &cgroup_ns_first,
			make_cgroup },
	[NS_IPC] = { "ipc", CLONE_NEWIPC, (struct ns *)&ipc_ns_first,
		     ipc_ns_make },
	[NS_MNT] = { "mnt", CLONE_NEWNS, &mnt_ns_first.ns, make_mnt },
	[NS_NET] = { "net", CLONE_NEWNET, (struct ns *)&net_ns_first,
		     net_ns_make },
	[NS_PID] = { "pid", CLONE_NEWPID, &pid_ns_first.ns, pid_ns_make },
	[NS_USER] = { "user", CLONE_NEWUSER, &user_ns_first.ns, NULL },
	[NS_UTS] = { "uts", CLONE_NEWUTS, (struct ns *)&uts_ns_first,
		     uts_ns_make },
};

/* --- sets -----------------------------------------------------------------*/
void ns_set_put(struct ns_set *s)
{
	if (!s || !ref_put(&s->refs))
		return;
	for (int k = 0; k < NS_KINDS; k++)
		if (s->ns[k])
			ns_put(s->ns[k]);
	kfree(s);
}

/* The caller's namespaces, in a set that is not shared. NULL: no memory. */
static struct ns_set *set_copy(void)
{
	const struct thread *t = current_thread();
	struct ns_set *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	ref_init(&s->refs, 1);
	for (int k = 0; k < NS_KINDS; k++)
		if (k != NS_USER)
			s->ns[k] = ns_get(ns_of(t, (enum ns_kind)k));
	return s;
}

int ns_set_make(uint64_t flags, const struct cred *c, struct fs_state *fs,
		struct ns_set **out)
{
	const struct thread *t = current_thread();
	struct ns_set *s;

	if (!(flags & NS_FLAGS & ~(uint64_t)CLONE_NEWUSER)) {
		*out = ns_set_get(t->ns);
		return 0;
	}
	if (!cred_has_cap_in(t->cred, c->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	s = set_copy();
	if (!s)
		return -ENOMEM;
	for (int k = 0; k < NS_KINDS; k++) {
		struct ns *old = s->ns[k];
		int err;

		if (!(flags & ns_types[k].flag) || !old)
			continue;
		err = ns_types[k].make ?
		      ns_types[k].make(old, c->user_ns, fs, &s->ns[k]) : -EPERM;
		if (err) {
			ns_set_put(s);
			return err;
		}
		ns_put(old);
	}
	*out = s;
	return 0;
}

/* --- what a call is about to change of the caller -------------------------*/
struct change {
	struct ns_set *set;
	struct cred *cred;	/* NULL: as it is */
	struct fs_state *fs;	/* likewise */
};

static void change_drop(struct change *n)
{
	ns_set_put(n->set);
	cred_put(n->cred);
	fs_state_put(n->fs);
}

/* Cannot fail. What the caller had is in n then, to be dropped. */
static void change_commit(struct change *n)
{
	struct thread *t = current_thread();
	struct ns_set *set = t->ns;
	struct fs_state *fs = t->fs;

	mutex_lock(&process_lock);
	t->ns = n->set;
	if (n->fs)
		t->fs = n->fs;
	mutex_unlock(&process_lock);
	if (n->cred)
		ids_commit(n->cred);
	*n = (struct change){ .set = set, .fs = n->fs ? fs : NULL };
}

/* Those that come with others. */
static uint64_t implied(uint64_t flags)
{
	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	if (flags & CLONE_VM)
		flags |= CLONE_SIGHAND;
	if (flags & CLONE_SIGHAND)
		flags |= CLONE_THREAD;
	if (flags & CLONE_NEWNS)
		flags |= CLONE_FS;
	return flags;
}

static int unshare_prepare(uint64_t flags, struct change *n)
{
	struct thread *t = current_thread();
	int err = 0;

	if (flags & (CLONE_NEWNS | CLONE_FS) &&
	    (flags & CLONE_NEWNS || ref_read(&t->fs->refs) > 1)) {
		n->fs = fs_state_copy(t->fs);
		if (!n->fs)
			return -ENOMEM;
	}
	if (flags & CLONE_NEWUSER)
		err = user_ns_make_cred(t->cred, &n->cred);
	if (!err)
		err = ns_set_make(flags, n->cred ? n->cred : t->cred, n->fs,
				  &n->set);
	if (!err && flags & CLONE_FILES)
		err = files_unshare();
	return err;
}

long sys_unshare(uint64_t flags)
{
	struct change n = { 0 };
	int err;

	if (flags & ~(uint64_t)UNSHARE_KNOWN)
		return -EINVAL;
	flags = implied(flags);
	if (flags & CLONE_THREAD && current_process()->nr_threads > 1)
		return -EINVAL;
	err = unshare_prepare(flags, &n);
	if (!err) {
		if (flags & CLONE_NEWIPC)
			sem_exit(current_process());
		change_commit(&n);
	}
	change_drop(&n);
	return err;
}

/* --- setns ----------------------------------------------------------------*/
/* The user namespace u becomes the caller's. */
static int enter_user(struct user_ns *u, struct change *n)
{
	struct thread *t = current_thread();

	if (u == t->cred->user_ns || t->process->nr_threads > 1 ||
	    ref_read(&t->fs->refs) > 1)
		return -EINVAL;
	if (!cred_has_cap_in(t->cred, u, CAP_SYS_ADMIN))
		return -EPERM;
	n->cred = ids_begin();
	if (!n->cred)
		return -ENOMEM;
	user_ns_enter(n->cred, u);
	return 0;
}

/* The caller stands at the root of the tree m. */
static int enter_mnt(struct mnt_ns *m, struct change *n)
{
	struct fs_state *fs = current_thread()->fs;

	if (ref_read(&fs->refs) > 1)
		return -EINVAL;
	n->fs = fs_state_copy(fs);
	if (!n->fs)
		return -ENOMEM;
	path_put(&n->fs->root);
	path_put(&n->fs->cwd);
	mnt_ns_root(m, &n->fs->root);
	n->fs->cwd = n->fs->root;
	path_get(&n->fs->cwd);
	return 0;
}

static int enter(struct ns *ns, struct change *n)
{
	const struct cred *c = current_thread()->cred;
	const struct user_ns *u = (n->cred ? n->cred : c)->user_ns;
	int err = 0;

	if (ns->kind == NS_USER)
		return enter_user((struct user_ns *)ns, n);
	if (!cred_has_cap_in(c, ns->owner, CAP_SYS_ADMIN) ||
	    !cred_has_cap_in(c, u, CAP_SYS_ADMIN))
		return -EPERM;
	if (ns->kind == NS_MNT)
		err = cred_has_cap_in(c, u, CAP_SYS_CHROOT) ?
		      enter_mnt((struct mnt_ns *)ns, n) : -EPERM;
	/* for the caller's children; never back */
	if (ns->kind == NS_PID &&
	    !pid_ns_is_below((struct pid_ns *)ns, own_pid_ns()))
		err = -EINVAL;
	if (err)
		return err;
	ns_put(n->set->ns[ns->kind]);
	n->set->ns[ns->kind] = ns_get(ns);
	return 0;
}

/* Those of a process that flags name, with references. */
static int take_of_process(struct process *p, uint64_t flags,
			   struct ns *want[NS_KINDS])
{
	struct thread *t;
	int err = -ESRCH;

	mutex_lock(&process_lock);
	if (!list_is_empty(&p->threads)) {
		t = list_first(&p->threads, struct thread, link);
		err = ptrace_may_access_locked(t, false) ? 0 : -EPERM;
		for (int k = 0; k < NS_KINDS && !err; k++)
			if (flags & ns_types[k].flag)
				want[k] = ns_get(k == NS_PID ? &p->pid_ns->ns :
						 ns_of(t, (enum ns_kind)k));
	}
	mutex_unlock(&process_lock);
	return err;
}

/* What the descriptor and the flags of setns mean. */
static int find_wanted(int fd, uint64_t flags, struct ns *want[NS_KINDS])
{
	struct file *f = fd_get(fd);
	struct ns *ns = f ? nsfs_file_ns(f) : NULL;
	struct process *p = f && !ns ? pidfd_process_get(fd, NULL) : NULL;
	int err = f ? -EINVAL : -EBADF;

	if (ns && (!flags || flags == ns_types[ns->kind].flag)) {
		want[ns->kind] = ns_get(ns);
		err = 0;
	} else if (p && flags && !(flags & ~(uint64_t)NS_FLAGS)) {
		err = take_of_process(p, flags, want);
	}
	if (p)
		process_put(p);
	file_put(f);
	return err;
}

long sys_setns(uint64_t fd, uint64_t flags)
{
	struct ns *want[NS_KINDS] = { NULL };
	int err = find_wanted((int)fd, (uint32_t)flags, want);
	struct change n = { 0 };

	if (!err) {
		n.set = set_copy();
		err = n.set ? 0 : -ENOMEM;
	}
	/* its rights count for the others */
	if (!err && want[NS_USER])
		err = enter(want[NS_USER], &n);
	for (int k = 0; k < NS_KINDS && !err; k++)
		if (want[k] && k != NS_USER)
			err = enter(want[k], &n);
	if (!err)
		change_commit(&n);
	change_drop(&n);
	for (int k = 0; k < NS_KINDS; k++)
		if (want[k])
			ns_put(want[k]);
	return err;
}
