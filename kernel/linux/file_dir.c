/* SPDX-License-Identifier: MIT */
/*
 * Names: making, removing and renaming them, and the working directory.
 * The rules about who may do what are the vfs's; here are the flags, the
 * file-creation mask and the older forms of the calls.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/dentry.h"
#include "linux/path.h"

#define CWD ((uint64_t)AT_FDCWD)

/* --- creating -------------------------------------------------------------*/
long sys_mkdirat(uint64_t dirfd, uint64_t name, uint64_t mode)
{
	struct user_walk u;
	int err = user_walk_init(&u, dirfd, name, false);

	if (err)
		return err;
	err = vfs_mkdir(&u.ctx, u.name,
			(uint32_t)mode & 01777u & ~current_umask());
	user_walk_fini(&u);
	return err;
}

long sys_mkdir(uint64_t name, uint64_t mode)
{
	return sys_mkdirat(CWD, name, mode);
}

static int mknod_check(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		return cred_has_cap(current_thread()->cred, CAP_MKNOD) ?
		       0 : -EPERM;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

long sys_mknodat(uint64_t dirfd, uint64_t name, uint64_t mode, uint64_t dev)
{
	uint32_t m = (uint32_t)mode & (S_IFMT | 07777u);
	struct user_walk u;
	int err = mknod_check(m);

	if (err)
		return err;
	if (!(m & S_IFMT))
		m |= S_IFREG;
	err = user_walk_init(&u, dirfd, name, false);
	if (err)
		return err;
	err = vfs_mknod(&u.ctx, u.name, m & ~current_umask(), (uint32_t)dev);
	user_walk_fini(&u);
	return err;
}

long sys_mknod(uint64_t name, uint64_t mode, uint64_t dev)
{
	return sys_mknodat(CWD, name, mode, dev);
}

long sys_symlinkat(uint64_t target, uint64_t dirfd, uint64_t name)
{
	struct user_walk u;
	char *text;
	int err = user_path_get((const char *)target, &text);

	if (err)
		return err;
	if (!text[0])
		err = -ENOENT;
	if (!err)
		err = user_walk_init(&u, dirfd, name, false);
	if (!err) {
		err = vfs_symlink(&u.ctx, text, u.name);
		user_walk_fini(&u);
	}
	kfree(text);
	return err;
}

long sys_symlink(uint64_t target, uint64_t name)
{
	return sys_symlinkat(target, CWD, name);
}

/* --- two names ------------------------------------------------------------*/
struct two_walks {
	struct user_walk from, to;
};

static int two_walks_init(struct two_walks *t, uint64_t from_fd, uint64_t from,
			  uint64_t to_fd, uint64_t to)
{
	int err = user_walk_init(&t->from, from_fd, from, false);

	if (err)
		return err;
	err = user_walk_init(&t->to, to_fd, to, false);
	if (err)
		user_walk_fini(&t->from);
	return err;
}

static void two_walks_fini(struct two_walks *t)
{
	user_walk_fini(&t->from);
	user_walk_fini(&t->to);
}

long sys_linkat(uint64_t from_fd, uint64_t from, uint64_t to_fd, uint64_t to,
		uint64_t at)
{
	struct two_walks t;
	int err;

	if (at & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = two_walks_init(&t, from_fd, from, to_fd, to);
	if (err)
		return err;
	err = vfs_link(&t.from.ctx, t.from.name, &t.to.ctx, t.to.name,
		       (uint32_t)at);
	two_walks_fini(&t);
	return err;
}

long sys_link(uint64_t from, uint64_t to)
{
	return sys_linkat(CWD, from, CWD, to, 0);
}

long sys_renameat2(uint64_t from_fd, uint64_t from, uint64_t to_fd,
		   uint64_t to, uint64_t flags)
{
	struct two_walks t;
	int err;

	if (flags & ~(uint64_t)(RENAME_NOREPLACE | RENAME_EXCHANGE |
				RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT) &&
	    flags & RENAME_EXCHANGE)
		return -EINVAL;
	if (flags & RENAME_WHITEOUT &&
	    !cred_has_cap(current_thread()->cred, CAP_MKNOD))
		return -EPERM;
	err = two_walks_init(&t, from_fd, from, to_fd, to);
	if (err)
		return err;
	err = vfs_rename(&t.from.ctx, t.from.name, &t.to.ctx, t.to.name,
			 (uint32_t)flags);
	two_walks_fini(&t);
	return err;
}

long sys_renameat(uint64_t from_fd, uint64_t from, uint64_t to_fd, uint64_t to)
{
	return sys_renameat2(from_fd, from, to_fd, to, 0);
}

long sys_rename(uint64_t from, uint64_t to)
{
	return sys_renameat2(CWD, from, CWD, to, 0);
}

/* --- removing -------------------------------------------------------------*/
long sys_unlinkat(uint64_t dirfd, uint64_t name, uint64_t at)
{
	struct user_walk u;
	int err;

	if (at & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	err = user_walk_init(&u, dirfd, name, false);
	if (err)
		return err;
	err = at & AT_REMOVEDIR ? vfs_rmdir(&u.ctx, u.name) :
				  vfs_unlink(&u.ctx, u.name);
	user_walk_fini(&u);
	return err;
}

long sys_unlink(uint64_t name)
{
	return sys_unlinkat(CWD, name, 0);
}

long sys_rmdir(uint64_t name)
{
	return sys_unlinkat(CWD, name, AT_REMOVEDIR);
}

/* --- where a process is ---------------------------------------------------*/
/* Put *p (reference taken over) in place of cwd or root. */
static void fs_state_set(struct path *slot, const struct path *p)
{
	struct fs_state *fs = current_thread()->fs;
	struct path old;

	mutex_lock(&fs->lock);
	old = *slot;
	*slot = *p;
	mutex_unlock(&fs->lock);
	path_put(&old);
}

static int enter_check(struct inode *i)
{
	if ((i->mode & S_IFMT) != S_IFDIR)
		return -ENOTDIR;
	return inode_permission(i, current_thread()->cred, 1);
}

long sys_chdir(uint64_t name)
{
	struct path p;
	int err = user_path_walk(CWD, name, WALK_FOLLOW | WALK_DIRECTORY, &p);

	if (err)
		return err;
	err = enter_check(path_inode(&p));
	if (err)
		path_put(&p);
	else
		fs_state_set(&current_thread()->fs->cwd, &p);
	return err;
}

long sys_fchdir(uint64_t fd)
{
	struct file *f = fd_get_any((int)fd);
	struct path p;
	int err;

	if (!f)
		return -EBADF;
	p = f->path;
	err = p.dentry ? enter_check(f->inode) : -ENOTDIR;
	if (!err)
		err = fs_settle(current_thread()->fs);
	if (!err) {
		path_get(&p);
		fs_state_set(&current_thread()->fs->cwd, &p);
	}
	file_put(f);
	return err;
}

long sys_chroot(uint64_t name)
{
	struct thread *t = current_thread();
	struct path p;
	int err = user_path_walk(CWD, name, WALK_FOLLOW | WALK_DIRECTORY, &p);

	if (err)
		return err;
	err = enter_check(path_inode(&p));
	if (!err && !cred_has_own_cap(t->cred, CAP_SYS_CHROOT))
		err = -EPERM;
	if (err)
		path_put(&p);
	else
		fs_state_set(&t->fs->root, &p);
	return err;
}

static ssize_t cwd_name(char *buf)
{
	struct fs_state *fs = current_thread()->fs;
	struct path cwd, root;
	ssize_t n = fs_settle(fs);

	if (n)
		return n;
	n = -ENOENT;
	mutex_lock(&fs->lock);
	cwd = fs->cwd;
	root = fs->root;
	path_get(&cwd);
	path_get(&root);
	mutex_unlock(&fs->lock);
	if (!(cwd.dentry->flags & DENTRY_DELETED))
		n = path_name(&cwd, &root, buf, PATH_MAX);
	path_put(&cwd);
	path_put(&root);
	return n;
}

long sys_getcwd(uint64_t user, uint64_t size)
{
	char *buf = kmalloc(PATH_MAX);
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	n = cwd_name(buf);
	if (n >= 0) {
		n++;
		if ((uint64_t)n > size)
			n = -ERANGE;
		else if (copy_to_user((void *)user, buf, (size_t)n))
			n = -EFAULT;
	}
	kfree(buf);
	return n;
}

long sys_umask(uint64_t mask)
{
	return __atomic_exchange_n(&current_thread()->fs->umask,
				   (uint32_t)mask & 0777u, __ATOMIC_RELAXED);
}
