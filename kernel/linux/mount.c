/* SPDX-License-Identifier: MIT */
/*
 * mount, umount2 and pivot_root, for programs with CAP_SYS_ADMIN inside the sandbox: file
 * systems that live in the kernel, images, binds, moves and changed flags. Nothing of
 * the host can be mounted.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/ipc.h"
#include "linux/ns.h"
#include "linux/nsfs.h"
#include "linux/path.h"
#include "linux/pid_ns.h"
#include "linux/proc/proc.h"

#define FSTYPE_MAX 64u
#define MNT_FORCE 1u
#define MNT_DETACH 2u
#define MNT_EXPIRE 4u
#define UMOUNT_NOFOLLOW 8u
#define MS_PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)
#define MS_KEPT (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | \
		 MS_NODIRATIME | MS_RELATIME)

/* --- options of tmpfs -----------------------------------------------------*/
static uint64_t number(const char **s, uint32_t base)
{
	uint64_t n = 0;

	while (**s >= '0' && **s < (char)('0' + base))
		n = n * base + (uint64_t)(*(*s)++ - '0');
	return n;
}

static uint64_t size_option(const char *s)
{
	uint64_t n = number(&s, 10);

	switch (*s | 0x20) {
	case 'g':
		return n << 30;
	case 'm':
		return n << 20;
	case 'k':
		return n << 10;
	default:
		return n;
	}
}

static struct super *make_tmpfs(const char *options)
{
	uint64_t size = 0;
	uint32_t mode = 01777;

	while (*options) {
		const char *v = options + 5;

		if (!strncmp(options, "size=", 5))
			size = size_option(v);
		else if (!strncmp(options, "mode=", 5))
			mode = (uint32_t)number(&v, 8) & 07777;
		options = strchr(options, ',');
		if (!options)
			break;
		options++;
	}
	return tmpfs_create(size, mode);
}

static struct super *make_proc(const char *options)
{
	return procfs_create_own();
}

static struct super *make_sysfs(const char *options)
{
	return sysfs_create();
}

static struct super *make_cgroup(const char *options)
{
	return cgroup_create();
}

static struct super *make_devpts(const char *options)
{
	return devpts_create();
}

static struct super *make_dev(const char *options)
{
	return devfs_create();
}

static struct super *make_mqueue(const char *options)
{
	return mqueue_create_own();
}

/* shows: whose root may mount it, that of this namespace's owner; NS_USER: of
 * the caller's; NS_KINDS: only that of the whole system. */
static const struct {
	const char *name;
	struct super *(*make)(const char *options);
	enum ns_kind shows;
} fs_types[] = {
	{ "tmpfs", make_tmpfs, NS_USER },	{ "ramfs", make_tmpfs, NS_USER },
	{ "proc", make_proc, NS_PID },		{ "sysfs", make_sysfs, NS_NET },
	{ "devpts", make_devpts, NS_USER },	{ "devtmpfs", make_dev, NS_KINDS },
	{ "mqueue", make_mqueue, NS_IPC },	{ "cgroup2", make_cgroup, NS_CGROUP },
};

static bool may_mount_type(enum ns_kind shows)
{
	const struct thread *t = current_thread();
	const struct user_ns *u = &user_ns_first;

	if (shows != NS_KINDS)
		u = shows == NS_USER ? t->cred->user_ns :
		    shows == NS_PID ? own_pid_ns()->ns.owner :
		    ns_of(t, shows)->owner;
	return cred_has_cap_in(t->cred, u, CAP_SYS_ADMIN);
}

/* May the caller change his tree of mounts? */
static bool may_mount(void)
{
	return cred_has_cap_in(current_thread()->cred, own_mnt_ns()->ns.owner,
			       CAP_SYS_ADMIN);
}

static bool is_own(const struct path *p)
{
	return p->mnt->ns == own_mnt_ns();
}

/* The image in a file, or on a disk. */
static int make_erofs(uint64_t source, struct super **out)
{
	const struct cred *c = current_thread()->cred;
	struct path what;
	struct file *f;
	int err = user_path_walk((uint64_t)AT_FDCWD, source, WALK_FOLLOW,
				 &what);

	if (err)
		return err;
	if (!S_ISREG(path_inode(&what)->mode) &&
	    !S_ISBLK(path_inode(&what)->mode))
		err = -ENOTBLK;
	if (!err)
		err = inode_permission(path_inode(&what), c, 4);
	if (!err)
		err = file_open_path(&what, O_RDONLY, c, &f);
	path_put(&what);
	if (err)
		return err;
	err = erofs_create(f, out);
	file_put(f);
	return err;
}

/* --- the kinds of mount ---------------------------------------------------*/
static int mount_new(const struct path *where, const char *type,
		     uint64_t user_source, const char *source, uint32_t flags,
		     const char *options)
{
	struct super *sb = NULL;
	int err = strcmp(type, "erofs") ? -ENODEV :
		  !may_mount_type(NS_KINDS) ? -EPERM :
		  make_erofs(user_source, &sb);

	for (size_t i = 0; i < ARRAY_LEN(fs_types); i++) {
		if (strcmp(type, fs_types[i].name))
			continue;
		if (!may_mount_type(fs_types[i].shows))
			return -EPERM;
		sb = fs_types[i].make(options);
		err = sb ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	err = vfs_mount(where, sb, NULL, source, flags & MS_KEPT);
	if (err)
		super_put(sb);
	return err;
}

/* A tree, or a namespace's file; but not of a tree that could hold, in the end,
 * this one: none that is older. */
static bool may_bind(const struct path *what)
{
	const struct ns *n = what->mnt->parent ? NULL :
			     nsfs_inode_ns(path_inode(what));

	return n ? n->kind != NS_MNT || n->inum > own_mnt_ns()->ns.inum :
		   is_own(what);
}

static int bind(const struct path *where, const struct path *what,
		uint32_t flags)
{
	bool a = S_ISDIR(path_inode(what)->mode);
	bool b = S_ISDIR(path_inode(where)->mode);

	if (!may_bind(what))
		return -EINVAL;
	return a != b ? -ENOTDIR : vfs_mount_bind(where, what, flags & MS_REC);
}

/* Of what is there already: bind, or move. */
static int mount_old(const struct path *where, uint64_t source, uint32_t flags)
{
	struct path what;
	int err = user_path_walk((uint64_t)AT_FDCWD, source, WALK_FOLLOW,
				 &what);

	if (err)
		return err;
	err = flags & MS_BIND ? bind(where, &what, flags) :
	      is_own(&what) ? vfs_mount_move(where, &what) : -EINVAL;
	path_put(&what);
	return err;
}

static int set_propagation(const struct path *where, uint32_t flags)
{
	uint32_t type = flags & ~(uint32_t)(MS_REC | MS_SILENT);

	/* one, and nothing else */
	return type & ~(uint32_t)MS_PROPAGATION || type & (type - 1) ? -EINVAL :
	       vfs_mount_propagation(where, type, flags & MS_REC);
}

/* A string of the program, or "" for NULL. *out is to be freed. */
static int get_text(uint64_t user, size_t max, char **out)
{
	ssize_t n;

	*out = kzalloc(max);
	if (!*out)
		return -ENOMEM;
	if (!user)
		return 0;
	n = strncpy_from_user(*out, (char *)user, max);
	if (n < 0) {
		kfree(*out);
		*out = NULL;
		return n == -ENAMETOOLONG ? -EINVAL : (int)n;
	}
	return 0;
}

static int mount_by_type(const struct path *where, uint64_t source,
			 uint64_t type, uint32_t flags, uint64_t data)
{
	char *t, *s = NULL, *o = NULL;
	int err;

	if (!type)
		return -EINVAL;
	err = get_text(type, FSTYPE_MAX, &t);
	if (!err)
		err = get_text(source, PAGE_SIZE, &s);
	if (!err)
		err = get_text(data, PAGE_SIZE, &o);
	if (!err)
		err = mount_new(where, t, source, s, flags, o);
	kfree(t);
	kfree(s);
	kfree(o);
	return err;
}

long sys_mount(uint64_t source, uint64_t target, uint64_t type,
	       uint64_t flags, uint64_t data)
{
	uint32_t f = (uint32_t)flags;
	struct path where;
	int err;

	if ((f & MS_MGC_MSK) == MS_MGC_VAL)
		f &= ~(uint32_t)MS_MGC_MSK;
	if (!may_mount())
		return -EPERM;
	err = user_path_walk((uint64_t)AT_FDCWD, target, WALK_FOLLOW, &where);
	if (err)
		return err;
	if (!is_own(&where))
		err = -EINVAL;
	else if (f & MS_REMOUNT)
		err = vfs_remount(&where, f & MS_KEPT);
	else if (f & MS_BIND)
		err = mount_old(&where, source, f);
	else if (f & MS_PROPAGATION)
		err = set_propagation(&where, f);
	else if (f & MS_MOVE)
		err = mount_old(&where, source, f);
	else
		err = mount_by_type(&where, source, type, f, data);
	path_put(&where);
	return err;
}

/* Whoever stood at the old root, by root or cwd, stands at the new one. */
struct pivot {
	const struct path *from, *to;
};

static bool pivot_process(struct process *p, void *arg)
{
	struct pivot *v = arg;

	list_for_each(l, &p->threads) {
		struct fs_state *fs = list_entry(l, struct thread, link)->fs;
		struct path *at[2] = { &fs->root, &fs->cwd };

		mutex_lock(&fs->lock);
		for (int i = 0; i < 2; i++) {
			if (!path_equal(at[i], v->from))
				continue;
			/* v->from keeps the old one alive: this cannot be
			 * the last reference */
			path_put(at[i]);
			*at[i] = *v->to;
			path_get(at[i]);
		}
		mutex_unlock(&fs->lock);
	}
	return true;
}

long sys_pivot_root(uint64_t new_user, uint64_t old_user)
{
	struct walk_ctx here;
	struct path new_root, put_old;
	struct pivot v;
	int err;

	if (!may_mount())
		return -EPERM;
	err = user_path_walk((uint64_t)AT_FDCWD, new_user,
			     WALK_FOLLOW | WALK_DIRECTORY, &new_root);
	if (err)
		return err;
	err = user_path_walk((uint64_t)AT_FDCWD, old_user,
			     WALK_FOLLOW | WALK_DIRECTORY, &put_old);
	if (err)
		goto out_new;
	err = walk_ctx_get(&here, AT_FDCWD, "/");
	if (err)
		goto out_old;
	err = is_own(&here.root) && is_own(&new_root) && is_own(&put_old) ?
	      vfs_pivot_root(&here.root, &new_root, &put_old) : -EINVAL;
	if (!err) {
		v = (struct pivot){ &here.root, &new_root };
		mutex_lock(&process_lock);
		process_for_each(pivot_process, &v);
		mutex_unlock(&process_lock);
	}
	walk_ctx_put(&here);
out_old:
	path_put(&put_old);
out_new:
	path_put(&new_root);
	return err;
}

long sys_umount2(uint64_t target, uint64_t flags)
{
	struct path where;
	int err;

	if (flags & ~(uint64_t)(MNT_FORCE | MNT_DETACH | MNT_EXPIRE |
				UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (!may_mount())
		return -EPERM;
	err = user_path_walk((uint64_t)AT_FDCWD, target,
			     flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW, &where);
	if (err)
		return err;
	if (where.dentry != where.mnt->root || !is_own(&where))
		err = -EINVAL;
	else if (flags & MNT_EXPIRE)
		err = flags & (MNT_FORCE | MNT_DETACH) ? -EINVAL : -EAGAIN;
	else
		err = vfs_umount(&where, (uint32_t)flags);
	path_put(&where);
	return err;
}
