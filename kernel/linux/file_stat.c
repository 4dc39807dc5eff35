/* SPDX-License-Identifier: MIT */
/*
 * Questions about files: stat in all forms, access, statfs, readlink. Each
 * call finds an inode by name or descriptor, asks it, and converts the answer
 * to the layout that programs know.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/path.h"

#define MAY_EXEC 1u
#define MAY_WRITE 2u
#define ST_VALID 0x20u

/* What a (dirfd, name, AT_* flags) triple names. */
struct target {
	struct inode *inode;	/* reference */
	struct path path;	/* references, or NULLs for anonymous files */
};

static int target_from_fd(int fd, struct target *t)
{
	struct file *f = fd_get_any(fd);

	if (!f)
		return -EBADF;
	t->inode = inode_get(f->inode);
	t->path = f->path;
	if (t->path.dentry)
		path_get(&t->path);
	file_put(f);
	return 0;
}

static int target_find(uint64_t dirfd, uint64_t name, uint64_t at,
		       struct target *t)
{
	uint32_t walk = at & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
	int err;

	if (at & AT_EMPTY_PATH) {
		if ((int)dirfd >= 0 && (!name || user_name_is_empty(name)))
			return target_from_fd((int)dirfd, t);
		walk |= WALK_EMPTY;
	}
	err = user_path_walk(dirfd, name, walk, &t->path);
	if (err)
		return err;
	t->inode = inode_get(path_inode(&t->path));
	return 0;
}

static void target_put(struct target *t)
{
	inode_put(t->inode);
	if (t->path.dentry)
		path_put(&t->path);
}

/* --- stat -----------------------------------------------------------------*/
static int stat_to_user(const struct kstat *k, uint64_t user)
{
	const struct user_ns *u = current_thread()->cred->user_ns;
	struct stat s;

	memset(&s, 0, sizeof(s));
	s.st_dev = k->dev;
	s.st_ino = k->ino;
	s.st_nlink = k->nlink;
	s.st_mode = k->mode;
	s.st_uid = id_show(u, ID_USER, k->uid);
	s.st_gid = id_show(u, ID_GROUP, k->gid);
	s.st_rdev = k->rdev;
	s.st_size = (long)k->size;
	s.st_blksize = k->blksize;
	s.st_blocks = (long)k->blocks;
	s.st_atime = (uint64_t)k->atime.sec;
	s.st_atime_nsec = k->atime.nsec;
	s.st_mtime = (uint64_t)k->mtime.sec;
	s.st_mtime_nsec = k->mtime.nsec;
	s.st_ctime = (uint64_t)k->ctime.sec;
	s.st_ctime_nsec = k->ctime.nsec;
	return copy_to_user((void *)user, &s, sizeof(s));
}

static int stat_fd(uint64_t fd, struct kstat *k, bool *is_root)
{
	struct file *f = fd_get_any((int)fd);
	int err;

	if (!f)
		return -EBADF;
	*is_root = f->path.mnt && f->path.dentry == f->path.mnt->root;
	err = inode_getattr(f->inode, k);
	file_put(f);
	return err;
}

static int stat_at(uint64_t dirfd, uint64_t name, uint64_t at,
		   struct kstat *k, bool *is_root)
{
	uint32_t walk = at & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;

	if (at & AT_EMPTY_PATH) {
		if ((int)dirfd >= 0 && (!name || user_name_is_empty(name)))
			return stat_fd(dirfd, k, is_root);
		walk |= WALK_EMPTY;
	}
	return user_path_getattr(dirfd, name, walk, k, is_root);
}

static long do_stat(uint64_t dirfd, uint64_t name, uint64_t user, uint64_t at)
{
	struct kstat k;
	bool root;
	int err;

	if (at & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
			     AT_EMPTY_PATH))
		return -EINVAL;
	err = stat_at(dirfd, name, at, &k, &root);
	return err ? err : stat_to_user(&k, user);
}

long sys_stat(uint64_t name, uint64_t user)
{
	return do_stat((uint64_t)AT_FDCWD, name, user, 0);
}

long sys_lstat(uint64_t name, uint64_t user)
{
	return do_stat((uint64_t)AT_FDCWD, name, user, AT_SYMLINK_NOFOLLOW);
}

long sys_newfstatat(uint64_t dirfd, uint64_t name, uint64_t user, uint64_t at)
{
	return do_stat(dirfd, name, user, at);
}

long sys_fstat(uint64_t fd, uint64_t user)
{
	struct kstat k;
	bool root;
	int err = stat_fd(fd, &k, &root);

	return err ? err : stat_to_user(&k, user);
}

static struct statx_timestamp statx_time(const struct ktime *t)
{
	return (struct statx_timestamp){ .tv_sec = t->sec, .tv_nsec = t->nsec };
}

static int statx_to_user(const struct kstat *k, bool mount_root, uint64_t user)
{
	const struct user_ns *u = current_thread()->cred->user_ns;
	struct statx s;

	memset(&s, 0, sizeof(s));
	s.stx_mask = STATX_BASIC_STATS;
	s.stx_blksize = k->blksize;
	s.stx_attributes = mount_root ? STATX_ATTR_MOUNT_ROOT : 0;
	s.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
	s.stx_nlink = k->nlink;
	s.stx_uid = id_show(u, ID_USER, k->uid);
	s.stx_gid = id_show(u, ID_GROUP, k->gid);
	s.stx_mode = (uint16_t)k->mode;
	s.stx_ino = k->ino;
	s.stx_size = k->size;
	s.stx_blocks = k->blocks;
	s.stx_atime = statx_time(&k->atime);
	s.stx_mtime = statx_time(&k->mtime);
	s.stx_ctime = statx_time(&k->ctime);
	if (k->btime.sec || k->btime.nsec) {
		s.stx_mask |= STATX_BTIME;
		s.stx_btime = statx_time(&k->btime);
	}
	s.stx_rdev_major = dev_major(k->rdev);
	s.stx_rdev_minor = dev_minor(k->rdev);
	s.stx_dev_major = dev_major(k->dev);
	s.stx_dev_minor = dev_minor(k->dev);
	return copy_to_user((void *)user, &s, sizeof(s));
}

long sys_statx(uint64_t dirfd, uint64_t name, uint64_t at, uint64_t mask,
	       uint64_t user)
{
	struct kstat k;
	bool root;
	int err;

	if (mask & STATX__RESERVED)
		return -EINVAL;
	if (at & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
			     AT_EMPTY_PATH | AT_STATX_SYNC_TYPE) ||
	    (at & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	err = stat_at(dirfd, name, at, &k, &root);
	return err ? err : statx_to_user(&k, root, user);
}

/* --- access ---------------------------------------------------------------*/
/* Credentials for access(2): the real ids. A reference; NULL: no memory. */
static struct cred *access_cred(struct cred *now)
{
	uint64_t caps = cred_is_root(now, now->uid) ? now->cap_permitted : 0;
	struct cred *c;

	if (now->fsuid == now->uid && now->fsgid == now->gid &&
	    now->cap_effective == caps)
		return cred_get(now);
	c = cred_copy(now);
	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	c->cap_effective = caps;
	return c;
}

static int access_check(const struct target *t, const struct cred *c,
			uint32_t mode)
{
	uint32_t type = t->inode->mode & S_IFMT;
	const struct mount *m = t->path.mnt;
	int err;

	if (mode & MAY_EXEC && type == S_IFREG && m &&
	    (m->flags & MS_NOEXEC || m->sb->flags & SUPER_NOEXEC))
		return -EACCES;
	err = mode ? inode_permission(t->inode, c, mode) : 0;
	if (err || !(mode & MAY_WRITE))
		return err;
	if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK)
		return 0;
	return m && (m->flags & MS_RDONLY || m->sb->flags & SUPER_READ_ONLY) ?
	       -EROFS : 0;
}

static long do_access(uint64_t dirfd, uint64_t name, uint64_t mode,
		      uint64_t at)
{
	struct thread *self = current_thread();
	struct user_walk u;
	struct cred *c;
	struct target t;
	int err;

	if (mode & ~7ull || at & ~(uint64_t)(AT_EACCESS | AT_EMPTY_PATH |
					     AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	c = at & AT_EACCESS ? cred_get(self->cred) : access_cred(self->cred);
	if (!c)
		return -ENOMEM;
	if (at & AT_EMPTY_PATH && user_name_is_empty(name)) {
		err = target_find(dirfd, name, at, &t);
	} else {
		err = user_walk_init(&u, dirfd, name, false);
		if (!err) {
			u.ctx.cred = c;
			err = path_walk(&u.ctx, u.name,
					at & AT_SYMLINK_NOFOLLOW ? 0 :
					WALK_FOLLOW, &t.path, NULL);
			user_walk_fini(&u);
		}
		if (!err)
			t.inode = inode_get(path_inode(&t.path));
	}
	if (!err) {
		err = access_check(&t, c, (uint32_t)mode);
		target_put(&t);
	}
	cred_put(c);
	return err;
}

long sys_access(uint64_t name, uint64_t mode)
{
	return do_access((uint64_t)AT_FDCWD, name, mode, 0);
}

long sys_faccessat(uint64_t dirfd, uint64_t name, uint64_t mode)
{
	return do_access(dirfd, name, mode, 0);
}

long sys_faccessat2(uint64_t dirfd, uint64_t name, uint64_t mode, uint64_t at)
{
	return do_access(dirfd, name, mode, at);
}

/* --- statfs ---------------------------------------------------------------*/
static int statfs_to_user(struct inode *i, const struct mount *m,
			  uint64_t user)
{
	struct kstatfs k = { .bsize = PAGE_SIZE, .namelen = NAME_MAX };
	struct statfs s;
	int err;

	if (i->sb && i->sb->ops && i->sb->ops->statfs) {
		err = i->sb->ops->statfs(i->sb, &k);
		if (err)
			return err;
	}
	memset(&s, 0, sizeof(s));
	s.f_type = (long)k.type;
	s.f_bsize = (long)k.bsize;
	s.f_frsize = (long)k.bsize;
	s.f_blocks = (long)k.blocks;
	s.f_bfree = (long)k.bfree;
	s.f_bavail = (long)k.bavail;
	s.f_files = (long)k.files;
	s.f_ffree = (long)k.ffree;
	s.f_namelen = k.namelen;
	s.f_flags = ST_VALID | k.flags;
	if (m)
		s.f_flags |= m->flags & (MS_RDONLY | MS_NOSUID | MS_NODEV |
					 MS_NOEXEC | MS_NOATIME | MS_RELATIME);
	return copy_to_user((void *)user, &s, sizeof(s));
}

long sys_statfs(uint64_t name, uint64_t user)
{
	struct path p;
	int err = user_path_walk((uint64_t)AT_FDCWD, name, WALK_FOLLOW, &p);

	if (err)
		return err;
	err = statfs_to_user(path_inode(&p), p.mnt, user);
	path_put(&p);
	return err;
}

long sys_fstatfs(uint64_t fd, uint64_t user)
{
	struct file *f = fd_get_any((int)fd);
	int err;

	if (!f)
		return -EBADF;
	err = statfs_to_user(f->inode, f->path.mnt, user);
	file_put(f);
	return err;
}

/* --- readlink -------------------------------------------------------------*/
static long readlink_inode(struct inode *i, uint64_t user, size_t size)
{
	char *buf;
	ssize_t n;

	if ((i->mode & S_IFMT) != S_IFLNK || !i->ops->readlink)
		return -EINVAL;
	buf = kmalloc(PATH_MAX);
	if (!buf)
		return -ENOMEM;
	n = i->ops->readlink(i, buf, MIN(size, PATH_MAX));
	if (n > 0 && copy_to_user((void *)user, buf, (size_t)n))
		n = -EFAULT;
	kfree(buf);
	return n;
}

long sys_readlinkat(uint64_t dirfd, uint64_t name, uint64_t user,
		    uint64_t size)
{
	bool empty = user_name_is_empty(name);
	struct target t;
	long ret;

	if ((int)size <= 0)
		return -EINVAL;
	ret = target_find(dirfd, name,
			  AT_SYMLINK_NOFOLLOW | (empty ? AT_EMPTY_PATH : 0),
			  &t);
	if (ret)
		return ret;
	ret = readlink_inode(t.inode, user, size);
	target_put(&t);
	return empty && ret == -EINVAL ? -ENOENT : ret;
}

long sys_readlink(uint64_t name, uint64_t user, uint64_t size)
{
	return sys_readlinkat((uint64_t)AT_FDCWD, name, user, size);
}
