/* SPDX-License-Identifier: MIT */
/*
 * User and group ids: the get and set calls, and what exec makes of them.
 * Credentials are immutable once shared: a change is made on a copy that then
 * replaces the thread's, under process_lock since others read it there.
 */
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/msg.h"
#include "linux/ids.h"

#define LINUX_GROUPS_MAX 65536u

#define NO_ID UINT32_MAX
#define CAPS_OF_FS                                                           \
	((1ull << CAP_CHOWN) | (1ull << CAP_MKNOD) |                         \
	 (1ull << CAP_DAC_OVERRIDE) | (1ull << CAP_DAC_READ_SEARCH) |        \
	 (1ull << CAP_FOWNER) | (1ull << CAP_FSETID) |                       \
	 (1ull << CAP_LINUX_IMMUTABLE) | (1ull << CAP_MAC_OVERRIDE))

static const struct cred *now(void)
{
	return current_thread()->cred;
}

struct cred *ids_begin(void)
{
	return cred_copy(now());
}

void ids_commit(struct cred *n)
{
	struct thread *t = current_thread();
	struct cred *old = t->cred;

	mutex_lock(&process_lock);
	t->cred = n;
	if (old->euid != n->euid || old->egid != n->egid ||
	    old->fsuid != n->fsuid || old->fsgid != n->fsgid) {
		t->process->dumpable = 0;
		t->process->parent_death_signal = 0;
	}
	mutex_unlock(&process_lock);
	msg_rights_changed();
	cred_put(old);
}

void ids_fix_caps(const struct cred *old, struct cred *n)
{
	bool had_root = !old->uid || !old->euid || !old->suid;

	if (old->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (had_root && n->uid && n->euid && n->suid) {
		if (!(old->securebits & SECBIT_KEEP_CAPS)) {
			n->cap_permitted = 0;
			n->cap_effective = 0;
		}
		n->cap_ambient = 0;
	}
	if (!old->euid && n->euid)
		n->cap_effective = 0;
	if (old->euid && !n->euid)
		n->cap_effective = n->cap_permitted;
}

/* --- reading --------------------------------------------------------------*/
long sys_getuid(void)
{
	return now()->uid;
}

long sys_geteuid(void)
{
	return now()->euid;
}

long sys_getgid(void)
{
	return now()->gid;
}

long sys_getegid(void)
{
	return now()->egid;
}

static long put_three(uint32_t a, uint32_t b, uint32_t c, uint64_t ua,
		      uint64_t ub, uint64_t uc)
{
	if (copy_to_user((void *)ua, &a, 4) || copy_to_user((void *)ub, &b, 4) ||
	    copy_to_user((void *)uc, &c, 4))
		return -EFAULT;
	return 0;
}

long sys_getresuid(uint64_t r, uint64_t e, uint64_t s)
{
	return put_three(now()->uid, now()->euid, now()->suid, r, e, s);
}

long sys_getresgid(uint64_t r, uint64_t e, uint64_t s)
{
	return put_three(now()->gid, now()->egid, now()->sgid, r, e, s);
}

long sys_getgroups(uint64_t size, uint64_t list)
{
	const struct cred *c = now();

	if ((int)size < 0)
		return -EINVAL;
	if (size) {
		if (size < c->nr_groups)
			return -EINVAL;
		if (copy_to_user((void *)list, c->groups, c->nr_groups * 4))
			return -EFAULT;
	}
	return c->nr_groups;
}

/* --- user and group ids ---------------------------------------------------*/
static bool may_set_uid(void)
{
	return cred_has_cap(now(), CAP_SETUID);
}

static bool may_set_gid(void)
{
	return cred_has_cap(now(), CAP_SETGID);
}

/* Set what is not NO_ID; rights were checked. */
static long set_uids(uint32_t r, uint32_t e, uint32_t s)
{
	struct cred *n = ids_begin();

	if (!n)
		return -ENOMEM;
	if (r != NO_ID)
		n->uid = r;
	if (e != NO_ID)
		n->euid = e;
	if (s != NO_ID)
		n->suid = s;
	n->fsuid = n->euid;
	ids_fix_caps(now(), n);
	ids_commit(n);
	return 0;
}

static long set_gids(uint32_t r, uint32_t e, uint32_t s)
{
	struct cred *n = ids_begin();

	if (!n)
		return -ENOMEM;
	if (r != NO_ID)
		n->gid = r;
	if (e != NO_ID)
		n->egid = e;
	if (s != NO_ID)
		n->sgid = s;
	n->fsgid = n->egid;
	ids_commit(n);
	return 0;
}

static bool is_uid_of(uint32_t id, bool real, bool effective, bool saved)
{
	return id == NO_ID || (real && id == now()->uid) ||
	       (effective && id == now()->euid) || (saved && id == now()->suid);
}

static bool is_gid_of(uint32_t id, bool real, bool effective, bool saved)
{
	return id == NO_ID || (real && id == now()->gid) ||
	       (effective && id == now()->egid) || (saved && id == now()->sgid);
}

long sys_setuid(uint64_t uid)
{
	uint32_t u = (uint32_t)uid;

	if (u == NO_ID)
		return -EINVAL;
	if (may_set_uid())
		return set_uids(u, u, u);
	return is_uid_of(u, true, false, true) ? set_uids(NO_ID, u, NO_ID) :
						 -EPERM;
}

long sys_setgid(uint64_t gid)
{
	uint32_t g = (uint32_t)gid;

	if (g == NO_ID)
		return -EINVAL;
	if (may_set_gid())
		return set_gids(g, g, g);
	return is_gid_of(g, true, false, true) ? set_gids(NO_ID, g, NO_ID) :
						 -EPERM;
}

long sys_setreuid(uint64_t real, uint64_t effective)
{
	uint32_t r = (uint32_t)real, e = (uint32_t)effective, s = NO_ID;

	if (!may_set_uid() && !(is_uid_of(r, true, true, false) &&
				is_uid_of(e, true, true, true)))
		return -EPERM;
	if (r != NO_ID || (e != NO_ID && e != now()->uid))
		s = e != NO_ID ? e : now()->euid;
	return set_uids(r, e, s);
}

long sys_setregid(uint64_t real, uint64_t effective)
{
	uint32_t r = (uint32_t)real, e = (uint32_t)effective, s = NO_ID;

	if (!may_set_gid() && !(is_gid_of(r, true, true, false) &&
				is_gid_of(e, true, true, true)))
		return -EPERM;
	if (r != NO_ID || (e != NO_ID && e != now()->gid))
		s = e != NO_ID ? e : now()->egid;
	return set_gids(r, e, s);
}

long sys_setresuid(uint64_t r, uint64_t e, uint64_t s)
{
	if (!may_set_uid() && !(is_uid_of((uint32_t)r, true, true, true) &&
				is_uid_of((uint32_t)e, true, true, true) &&
				is_uid_of((uint32_t)s, true, true, true)))
		return -EPERM;
	return set_uids((uint32_t)r, (uint32_t)e, (uint32_t)s);
}

long sys_setresgid(uint64_t r, uint64_t e, uint64_t s)
{
	if (!may_set_gid() && !(is_gid_of((uint32_t)r, true, true, true) &&
				is_gid_of((uint32_t)e, true, true, true) &&
				is_gid_of((uint32_t)s, true, true, true)))
		return -EPERM;
	return set_gids((uint32_t)r, (uint32_t)e, (uint32_t)s);
}

/* Both return the old id, whether it worked or not. */
long sys_setfsuid(uint64_t uid)
{
	uint32_t u = (uint32_t)uid, old = now()->fsuid;
	struct cred *n;

	if (u == NO_ID || u == old ||
	    !(may_set_uid() || u == old || is_uid_of(u, true, true, true)))
		return old;
	n = ids_begin();
	if (!n)
		return old;
	n->fsuid = u;
	if (!(n->securebits & SECBIT_NO_SETUID_FIXUP)) {
		if (!old)
			n->cap_effective &= ~CAPS_OF_FS;
		else if (!u)
			n->cap_effective |= n->cap_permitted & CAPS_OF_FS;
	}
	ids_commit(n);
	return old;
}

long sys_setfsgid(uint64_t gid)
{
	uint32_t g = (uint32_t)gid, old = now()->fsgid;
	struct cred *n;

	if (g == NO_ID || g == old ||
	    !(may_set_gid() || is_gid_of(g, true, true, true)))
		return old;
	n = ids_begin();
	if (!n)
		return old;
	n->fsgid = g;
	ids_commit(n);
	return old;
}

long sys_setgroups(uint64_t size, uint64_t list)
{
	struct cred *n;
	uint32_t first;

	if (!may_set_gid())
		return -EPERM;
	if ((uint32_t)size > CRED_GROUPS_MAX)
		return (uint32_t)size <= LINUX_GROUPS_MAX &&
		       user_load32((void *)list, &first) ? -EFAULT : -EINVAL;
	n = ids_begin();
	if (!n)
		return -ENOMEM;
	if (copy_from_user(n->groups, (void *)list, (uint32_t)size * 4)) {
		cred_put(n);
		return -EFAULT;
	}
	n->nr_groups = (uint32_t)size;
	ids_commit(n);
	return 0;
}

/* --- exec -----------------------------------------------------------------*/
static void exec_caps(struct cred *n)
{
	n->cap_permitted = n->cap_ambient;
	n->cap_effective = n->cap_ambient;
	if (n->securebits & SECBIT_NOROOT)
		return;
	if (!n->euid || !n->uid)
		n->cap_permitted |= n->cap_inheritable | n->cap_bounding;
	if (!n->euid)
		n->cap_effective = n->cap_permitted;
}

int ids_for_exec(struct file *f, struct cred **out, bool *secure)
{
	const struct thread *t = current_thread();
	const struct mount *m = f->path.mnt;
	uint32_t mode = f->inode->mode;
	struct cred *n = ids_begin();

	if (!n)
		return -ENOMEM;
	if (!t->no_new_privs && !(m && (m->flags & MS_NOSUID ||
					m->sb->flags & SUPER_NOSUID))) {
		if (mode & S_ISUID)
			n->euid = f->inode->uid;
		if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			n->egid = f->inode->gid;
	}
	*secure = n->euid != n->uid || n->egid != n->gid;
	if (n->euid != t->cred->euid || n->egid != t->cred->egid)
		n->cap_ambient = 0;
	n->suid = n->fsuid = n->euid;
	n->sgid = n->fsgid = n->egid;
	n->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
	exec_caps(n);
	*out = n;
	return 0;
}
