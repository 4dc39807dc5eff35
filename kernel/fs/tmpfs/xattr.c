/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes of tmpfs: a list of (name, value) on the inode.
 * Namespaces and permissions are checked by the callers.
 */
#include <linux/xattr.h>

#include "core/heap.h"
#include "fs/tmpfs/tmpfs_priv.h"
#include "lib/string.h"

#define XATTR_TOTAL_MAX	(256u * 1024)	/* values of one inode */

struct tmpfs_xattr {
	struct list link;
	size_t size;
	char *name;		/* in the same allocation, behind the value */
	char value[];
};

static bool is_known_namespace(const char *name)
{
	static const char *const prefixes[] = {
		"user.", "trusted.", "security.", "system.posix_acl_",
	};

	for (size_t i = 0; i < ARRAY_LEN(prefixes) - 1; i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static struct tmpfs_xattr *find_xattr(struct tmpfs_node *node, const char *name)
{
	list_for_each(p, &node->xattrs) {
		struct tmpfs_xattr *x = list_entry(p, struct tmpfs_xattr, link);

		if (!strcmp(x->name, name))
			return x;
	}
	return NULL;
}

ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n)
{
	struct tmpfs_xattr *x;
	ssize_t ret;

	if (!is_known_namespace(name))
		return -EOPNOTSUPP;
	mutex_lock(&i->lock);
	x = find_xattr(tmpfs_node(i), name);
	if (!x) {
		ret = -ENODATA;
	} else if (!n) {
		ret = (ssize_t)x->size;
	} else if (n < x->size) {
		ret = -ERANGE;
	} else {
		memcpy(buf, x->value, x->size);
		ret = (ssize_t)x->size;
	}
	mutex_unlock(&i->lock);
	return ret;
}

static size_t total_size(const struct tmpfs_node *node)
{
	size_t total = 0;

	list_for_each(p, &node->xattrs)
		total += list_entry(p, struct tmpfs_xattr, link)->size;
	return total;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n,
		   int flags)
{
	struct tmpfs_node *node = tmpfs_node(i);
	size_t name_size = strlen(name) + 1;
	struct tmpfs_xattr *x, *old;
	int err = 0;

	if (!is_known_namespace(name))
		return -EOPNOTSUPP;
	x = kmalloc(sizeof(*x) + n + name_size);
	if (!x)
		return -ENOMEM;
	x->size = n;
	x->name = x->value + n;
	memcpy(x->value, v, n);
	memcpy(x->name, name, name_size);
	mutex_lock(&i->lock);
	old = find_xattr(node, name);
	if (old && (flags & XATTR_CREATE))
		err = -EEXIST;
	else if (!old && (flags & XATTR_REPLACE))
		err = -ENODATA;
	else if (total_size(node) - (old ? old->size : 0) + n >
		 XATTR_TOTAL_MAX)
		err = -ENOSPC;
	if (err) {
		kfree(x);
	} else {
		if (old) {
			list_remove(&old->link);
			kfree(old);
		}
		list_append(&node->xattrs, &x->link);
		inode_touch(i, false, false, true);
	}
	mutex_unlock(&i->lock);
	return err;
}

ssize_t tmpfs_listxattr(struct inode *i, char *buf, size_t n)
{
	ssize_t total = 0;

	mutex_lock(&i->lock);
	list_for_each(p, &tmpfs_node(i)->xattrs) {
		struct tmpfs_xattr *x = list_entry(p, struct tmpfs_xattr, link);
		size_t len = strlen(x->name) + 1;

		if (n) {
			if ((size_t)total + len > n) {
				total = -ERANGE;
				break;
			}
			memcpy(buf + total, x->name, len);
		}
		total += (ssize_t)len;
	}
	mutex_unlock(&i->lock);
	return total;
}

int tmpfs_removexattr(struct inode *i, const char *name)
{
	struct tmpfs_xattr *x;

	if (!is_known_namespace(name))
		return -EOPNOTSUPP;
	mutex_lock(&i->lock);
	x = find_xattr(tmpfs_node(i), name);
	if (x) {
		list_remove(&x->link);
		inode_touch(i, false, false, true);
	}
	mutex_unlock(&i->lock);
	if (!x)
		return -ENODATA;
	kfree(x);
	return 0;
}

void tmpfs_xattr_free(struct tmpfs_node *node)
{
	list_for_each_safe(p, &node->xattrs) {
		list_remove(p);
		kfree(list_entry(p, struct tmpfs_xattr, link));
	}
}
