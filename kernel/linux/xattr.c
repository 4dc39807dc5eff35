/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes: twelve calls, one table of meanings. Each call names
 * its object by path (followed or not) or descriptor; the namespace rules of
 * xattr(7) are here, storage is the file system's.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <linux/xattr.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/notify.h"
#include "lib/string.h"
#include "linux/path.h"

enum by { BY_PATH, BY_LINK, BY_FD };

/* The object, and the attribute's name if the call has one. */
struct xtarget {
	struct inode *inode;
	struct path path;	/* for the read-only check; may be NULLs */
	char name[XATTR_NAME_MAX + 1];
};

static int name_get(char *name, uint64_t user)
{
	ssize_t n = strncpy_from_user(name, (char *)user, XATTR_NAME_MAX + 1);

	if (n == -ENAMETOOLONG || !n)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

static struct xtarget *xtarget_get(enum by by, uint64_t object, uint64_t name,
				   int *err)
{
	struct xtarget *x = kzalloc(sizeof(*x));
	struct file *f;

	*err = x ? 0 : -ENOMEM;
	if (x && name)
		*err = name_get(x->name, name);
	if (*err)
		goto out_free;
	if (by == BY_FD) {
		f = fd_get((int)object);
		*err = f ? 0 : -EBADF;
		if (!f)
			goto out_free;
		x->inode = inode_get(f->inode);
		x->path = f->path;
		if (x->path.dentry)
			path_get(&x->path);
		file_put(f);
		return x;
	}
	*err = user_path_walk((uint64_t)AT_FDCWD, object,
			      by == BY_PATH ? WALK_FOLLOW : 0, &x->path);
	if (*err)
		goto out_free;
	x->inode = inode_get(path_inode(&x->path));
	return x;
out_free:
	kfree(x);
	return NULL;
}

static void xtarget_put(struct xtarget *x)
{
	inode_put(x->inode);
	if (x->path.dentry)
		path_put(&x->path);
	kfree(x);
}

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* Who may see (write: change) the attribute. */
static int xattr_permission(struct xtarget *x, bool write)
{
	const struct cred *c = current_thread()->cred;
	struct inode *i = x->inode;
	uint32_t type = i->mode & S_IFMT;
	int err;

	if (has_prefix(x->name, XATTR_TRUSTED_PREFIX))
		return cred_has_cap(c, CAP_SYS_ADMIN) ? 0 :
		       write ? -EPERM : -ENODATA;
	if (has_prefix(x->name, XATTR_SECURITY_PREFIX) ||
	    has_prefix(x->name, XATTR_SYSTEM_PREFIX))
		return write && !cred_has_cap(c, CAP_SYS_ADMIN) &&
		       i->uid != c->fsuid ? -EPERM : 0;
	if (!has_prefix(x->name, XATTR_USER_PREFIX))
		return -EOPNOTSUPP;
	if (type != S_IFREG && type != S_IFDIR)
		return write ? -EPERM : -ENODATA;
	if (type == S_IFDIR && write && i->mode & S_ISVTX &&
	    i->uid != c->fsuid && !cred_has_cap(c, CAP_FOWNER))
		return -EPERM;
	err = inode_permission(i, c, write ? 2 : 4);
	return err || x->name[XATTR_USER_PREFIX_LEN] ? err : -EINVAL;
}

static int xattr_write_check(struct xtarget *x)
{
	struct mount *m = x->path.mnt;

	if (m && (m->flags & 1 || m->sb->flags & SUPER_READ_ONLY))
		return -EROFS;
	return xattr_permission(x, true);
}

/* --- get ------------------------------------------------------------------*/
static long get_value(struct xtarget *x, uint64_t user, size_t size)
{
	char *buf = NULL;
	ssize_t n;

	if (!x->inode->ops || !x->inode->ops->getxattr)
		return -EOPNOTSUPP;
	size = MIN(size, XATTR_SIZE_MAX);
	if (size) {
		buf = kmalloc(size);
		if (!buf)
			return -ENOMEM;
	}
	n = x->inode->ops->getxattr(x->inode, x->name, buf, size);
	if (n > 0 && size) {
		if ((size_t)n > size)
			n = -ERANGE;
		else if (copy_to_user((void *)user, buf, (size_t)n))
			n = -EFAULT;
	}
	kfree(buf);
	return n;
}

static long do_get(enum by by, uint64_t object, uint64_t name, uint64_t user,
		   uint64_t size)
{
	int err;
	struct xtarget *x = xtarget_get(by, object, name, &err);
	long ret;

	if (!x)
		return err;
	ret = xattr_permission(x, false);
	if (!ret)
		ret = get_value(x, user, size);
	xtarget_put(x);
	return ret;
}

long sys_getxattr(uint64_t path, uint64_t name, uint64_t v, uint64_t n)
{
	return do_get(BY_PATH, path, name, v, n);
}

long sys_lgetxattr(uint64_t path, uint64_t name, uint64_t v, uint64_t n)
{
	return do_get(BY_LINK, path, name, v, n);
}

long sys_fgetxattr(uint64_t fd, uint64_t name, uint64_t v, uint64_t n)
{
	return do_get(BY_FD, fd, name, v, n);
}

/* --- set ------------------------------------------------------------------*/
static long set_value(struct xtarget *x, uint64_t user, size_t size, int flags)
{
	char *buf;
	int err;

	if (!x->inode->ops || !x->inode->ops->setxattr)
		return -EOPNOTSUPP;
	buf = kmalloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	err = copy_from_user(buf, (void *)user, size);
	if (!err)
		err = x->inode->ops->setxattr(x->inode, x->name, buf, size,
					      flags);
	kfree(buf);
	return err;
}

static long do_set(enum by by, uint64_t object, uint64_t name, uint64_t user,
		   uint64_t size, uint64_t flags)
{
	struct xtarget *x;
	long ret;
	int err;

	if (flags & ~(uint64_t)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	x = xtarget_get(by, object, name, &err);
	if (!x)
		return err;
	ret = xattr_write_check(x);
	if (!ret)
		ret = set_value(x, user, size, (int)flags);
	if (!ret && fs_is_watched() && x->path.dentry)
		fs_notify_path(&x->path, IN_ATTRIB);
	xtarget_put(x);
	return ret;
}

long sys_setxattr(uint64_t path, uint64_t name, uint64_t v, uint64_t n,
		  uint64_t flags)
{
	return do_set(BY_PATH, path, name, v, n, flags);
}

long sys_lsetxattr(uint64_t path, uint64_t name, uint64_t v, uint64_t n,
		   uint64_t flags)
{
	return do_set(BY_LINK, path, name, v, n, flags);
}

long sys_fsetxattr(uint64_t fd, uint64_t name, uint64_t v, uint64_t n,
		   uint64_t flags)
{
	return do_set(BY_FD, fd, name, v, n, flags);
}

/* --- list, remove ---------------------------------------------------------*/
static long do_list(enum by by, uint64_t object, uint64_t user, uint64_t size)
{
	int err;
	struct xtarget *x = xtarget_get(by, object, 0, &err);
	char *buf = NULL;
	ssize_t n = 0;

	if (!x)
		return err;
	size = MIN(size, XATTR_LIST_MAX);
	if (x->inode->ops && x->inode->ops->listxattr) {
		if (size)
			buf = kmalloc(size);
		n = size && !buf ? -ENOMEM :
		    x->inode->ops->listxattr(x->inode, buf, size);
	}
	if (n > 0 && size) {
		if ((size_t)n > size)
			n = -ERANGE;
		else if (copy_to_user((void *)user, buf, (size_t)n))
			n = -EFAULT;
	}
	kfree(buf);
	xtarget_put(x);
	return n;
}

long sys_listxattr(uint64_t path, uint64_t list, uint64_t n)
{
	return do_list(BY_PATH, path, list, n);
}

long sys_llistxattr(uint64_t path, uint64_t list, uint64_t n)
{
	return do_list(BY_LINK, path, list, n);
}

long sys_flistxattr(uint64_t fd, uint64_t list, uint64_t n)
{
	return do_list(BY_FD, fd, list, n);
}

static long do_remove(enum by by, uint64_t object, uint64_t name)
{
	int err;
	struct xtarget *x = xtarget_get(by, object, name, &err);
	const struct inode_ops *ops;
	long ret;

	if (!x)
		return err;
	ops = x->inode->ops;
	ret = xattr_write_check(x);
	if (!ret)
		ret = ops && ops->removexattr ?
		      ops->removexattr(x->inode, x->name) : -EOPNOTSUPP;
	if (!ret && fs_is_watched() && x->path.dentry)
		fs_notify_path(&x->path, IN_ATTRIB);
	xtarget_put(x);
	return ret;
}

long sys_removexattr(uint64_t path, uint64_t name)
{
	return do_remove(BY_PATH, path, name);
}

long sys_lremovexattr(uint64_t path, uint64_t name)
{
	return do_remove(BY_LINK, path, name);
}

long sys_fremovexattr(uint64_t fd, uint64_t name)
{
	return do_remove(BY_FD, fd, name);
}
