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
#include "linux/user_ns.h"

#define LINUX_GROUPS_MAX 65536u

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
	bool was_root = cred_is_root(old, old->euid);
	bool is_root = cred_is_root(n, n->euid);
	bool had_root = was_root || cred_is_root(old, old->uid) ||
			cred_is_root(old, old->suid);

	if (old->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (had_root && !is_root && !cred_is_root(n, n->uid) &&
	    !cred_is_root(n, n->suid)) {
		if (!(old->securebits & SECBIT_KEEP_CAPS)) {
			n->cap_permitted = 0;
			n->cap_effective = 0;
		}
		n->cap_ambient = 0;
	}
	if (was_root && !is_root)
		n->cap_effective = 0;
	if (!was_root && is_root)
		n->cap_effective = n->cap_permitted;
}

/* --- reading --------------------------------------------------------------*/
static uint32_t shown(enum id_kind kind, uint32_t id)
{
	return id_show(now()->user_ns, kind, id);
}

long sys_getuid(void)
{
	return shown(ID_USER, now()->uid);
}

long sys_geteuid(void)
{
	return shown(ID_USER, now()->euid);
}

long sys_getgid(void)
{
	return shown(ID_GROUP, now()->gid);
}

long sys_getegid(void)
{
	return shown(ID_GROUP, now()->egid);
}

static long put_three(enum id_kind kind, uint32_t a, uint32_t b, uint32_t c,
		      uint64_t ua, uint64_t ub, uint64_t uc)
{
	a = shown(kind, a);
	b = shown(kind, b);
	c = shown(kind, c);
	if (copy_to_user((void *)ua, &a, 4) || copy_to_user((void *)ub, &b, 4) ||
	    copy_to_user((void *)uc, &c, 4))
		return -EFAULT;
	return 0;
}

long sys_getresuid(uint64_t r, uint64_t e, uint64_t s)
{
	return put_three(ID_USER, now()->uid, now()->euid, now()->suid, r, e, s);
}

long sys_getresgid(uint64_t r, uint64_t e, uint64_t s)
{
	return put_three(ID_GROUP, now()->gid, now()->egid, now()->sgid, r, e, s);
}

long sys_getgroups(uint64_t size, uint64_t list)
{
	const struct cred *c = now();

	if ((int)size < 0 || (size && size < c->nr_groups))
		return -EINVAL;
	for (uint32_t i = 0; size && i < c->nr_groups; i++)
		if (user_store32((uint32_t *)list + i,
				 shown(ID_GROUP, c->groups[i])))
			return -EFAULT;
	return c->nr_groups;
}

/* --- user and group ids ---------------------------------------------------*/
static bool may_set_uid(void)
{
	return cred_has_own_cap(now(), CAP_SETUID);
}

static bool may_set_gid(void)
{
	return cred_has_own_cap(now(), CAP_SETGID);
}

/* The kernel's numbers of three ids of the program; NO_ID stays. Returns false
 * if it has no such id. */
static bool get_three(enum id_kind kind, uint64_t r, uint64_t e, uint64_t s,
		      uint32_t out[3])
{
	const uint32_t in[3] = { (uint32_t)r, (uint32_t)e, (uint32_t)s };

	for (int i = 0; i < 3; i++) {
		out[i] = id_from_user(now()->user_ns, kind, in[i]);
		if (out[i] == NO_ID && in[i] != NO_ID)
			return false;
	}
	return true;
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
	uint32_t u = id_from_user(now()->user_ns, ID_USER, (uint32_t)uid);

	if (u == NO_ID)
		return -EINVAL;
	if (may_set_uid())
		return set_uids(u, u, u);
	return is_uid_of(u, true, false, true) ? set_uids(NO_ID, u, NO_ID) :
						 -EPERM;
}

long sys_setgid(uint64_t gid)
{
	uint32_t g = id_from_user(now()->user_ns, ID_GROUP, (uint32_t)gid);

	if (g == NO_ID)
		return -EINVAL;
	if (may_set_gid())
		return set_gids(g, g, g);
	return is_gid_of(g, true, false, true) ? set_gids(NO_ID, g, NO_ID) :
						 -EPERM;
}

long sys_setreuid(uint64_t real, uint64_t effective)
{
	uint32_t id[3], r, e, s = NO_ID;

	if (!get_three(ID_USER, real, effective, NO_ID, id))
		return -EINVAL;
	r = id[0];
	e = id[1];
	if (!may_set_uid() && !(is_uid_of(r, true, true, false) &&
				is_uid_of(e, true, true, true)))
		return -EPERM;
	if (r != NO_ID || (e != NO_ID && e != now()->uid))
		s = e != NO_ID ? e : now()->euid;
	return set_uids(r, e, s);
}

long sys_setregid(uint64_t real, uint64_t effective)
{
	uint32_t id[3], r, e, s = NO_ID;

	if (!get_three(ID_GROUP, real, effective, NO_ID, id))
		return -EINVAL;
	r = id[0];
	e = id[1];
	if (!may_set_gid() && !(is_gid_of(r, true, true, false) &&
				is_gid_of(e, true, true, true)))
		return -EPERM;
	if (r != NO_ID || (e != NO_ID && e != now()->gid))
		s = e != NO_ID ? e : now()->egid;
	return set_gids(r, e, s);
}

long sys_setresuid(uint64_t r, uint64_t e, uint64_t s)
{
	uint32_t id[3];

	if (!get_three(ID_USER, r, e, s, id))
		return -EINVAL;
	if (!may_set_uid() && !(is_uid_of(id[0], true, true, true) &&
				is_uid_of(id[1], true, true, true) &&
				is_uid_of(id[2], true, true, true)))
		return -EPERM;
	return set_uids(id[0], id[1], id[2]);
}

long sys_setresgid(uint64_t r, uint64_t e, uint64_t s)
{
	uint32_t id[3];

	if (!get_three(ID_GROUP, r, e, s, id))
		return -EINVAL;
	if (!may_set_gid() && !(is_gid_of(id[0], true, true, true) &&
				is_gid_of(id[1], true, true, true) &&
				is_gid_of(id[2], true, true, true)))
		return -EPERM;
	return set_gids(id[0], id[1], id[2]);
}

/* Both return the old id, whether it worked or not. */
long sys_setfsuid(uint64_t uid)
{
	uint32_t u = id_from_user(now()->user_ns, ID_USER, (uint32_t)uid);
	uint32_t old = now()->fsuid;
	struct cred *n;

	if (u == NO_ID || u == old ||
	    !(may_set_uid() || u == old || is_uid_of(u, true, true, true)))
		return shown(ID_USER, old);
	n = ids_begin();
	if (!n)
		return shown(ID_USER, old);
	n->fsuid = u;
	if (!(n->securebits & SECBIT_NO_SETUID_FIXUP)) {
		if (cred_is_root(n, old))
			n->cap_effective &= ~CAPS_OF_FS;
		else if (cred_is_root(n, u))
			n->cap_effective |= n->cap_permitted & CAPS_OF_FS;
	}
	ids_commit(n);
	return shown(ID_USER, old);
}

long sys_setfsgid(uint64_t gid)
{
	uint32_t g = id_from_user(now()->user_ns, ID_GROUP, (uint32_t)gid);
	uint32_t old = now()->fsgid;
	struct cred *n;

	if (g == NO_ID || g == old ||
	    !(may_set_gid() || is_gid_of(g, true, true, true)))
		return shown(ID_GROUP, old);
	n = ids_begin();
	if (!n)
		return shown(ID_GROUP, old);
	n->fsgid = g;
	ids_commit(n);
	return shown(ID_GROUP, old);
}

long sys_setgroups(uint64_t size, uint64_t list)
{
	struct cred *n;
	uint32_t first;
	int err = 0;

	if (!may_set_gid() || !user_ns_may_setgroups(now()->user_ns))
		return -EPERM;
	if ((uint32_t)size > CRED_GROUPS_MAX)
		return (uint32_t)size <= LINUX_GROUPS_MAX &&
		       user_load32((void *)list, &first) ? -EFAULT : -EINVAL;
	n = ids_begin();
	if (!n)
		return -ENOMEM;
	if (copy_from_user(n->groups, (void *)list, (uint32_t)size * 4))
		err = -EFAULT;
	for (uint32_t i = 0; i < (uint32_t)size && !err; i++) {
		n->groups[i] = id_from_user(n->user_ns, ID_GROUP,
					    n->groups[i]);
		if (n->groups[i] == NO_ID)
			err = -EINVAL;
	}
	if (err) {
		cred_put(n);
		return err;
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
	if (cred_is_root(n, n->euid) || cred_is_root(n, n->uid))
		n->cap_permitted |= n->cap_inheritable | n->cap_bounding;
	if (cred_is_root(n, n->euid))
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
					m->sb->flags & SUPER_NOSUID)) &&
	    id_to_user(n->user_ns, ID_USER, f->inode->uid) != NO_ID &&
	    id_to_user(n->user_ns, ID_GROUP, f->inode->gid) != NO_ID) {
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
