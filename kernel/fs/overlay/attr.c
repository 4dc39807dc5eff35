/* SPDX-License-Identifier: MIT */
/* Attributes, extended attributes and symbolic links of the overlay. */
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/overlay/overlay.h"
#include "lib/string.h"

int overlay_getattr(struct inode *i, struct kstat *st)
{
	struct inode *upper = overlay_upper(i);
	int err;

	if (!upper) {
		inode_getattr_generic(i, st);
		return 0;
	}
	err = inode_getattr(upper, st);
	st->dev = i->sb->dev;
	st->ino = i->ino;
	/* of a merged directory it can not be known cheaply: 1, "unknown" */
	if (!S_ISDIR(i->mode))
		st->nlink = i->nlink;
	else if (onode(i)->lower && st->nlink)
		st->nlink = 1;
	return err;
}

int overlay_setattr(struct inode *i, const struct attr *a)
{
	uint64_t data = a->valid & ATTR_SIZE ? a->size : OVERLAY_WHOLE;
	int err = overlay_copy_up(i, data);
	struct inode *u;

	if (err)
		return err;
	u = overlay_upper(i);
	err = u->ops->setattr ? u->ops->setattr(u, a) :
				inode_setattr_generic(u, a);
	overlay_sync(i);
	return err;
}

ssize_t overlay_getxattr(struct inode *i, const char *name, void *buf,
			 size_t n)
{
	struct inode *r = overlay_real(i);

	return r->ops->getxattr ? r->ops->getxattr(r, name, buf, n) :
				  -EOPNOTSUPP;
}

ssize_t overlay_listxattr(struct inode *i, char *buf, size_t n)
{
	struct inode *r = overlay_real(i);

	return r->ops->listxattr ? r->ops->listxattr(r, buf, n) : 0;
}

int overlay_setxattr(struct inode *i, const char *name, const void *v,
		     size_t n, int flags)
{
	int err = overlay_copy_up(i, OVERLAY_WHOLE);
	struct inode *u;

	if (err)
		return err;
	u = overlay_upper(i);
	err = u->ops->setxattr ? u->ops->setxattr(u, name, v, n, flags) :
				 -EOPNOTSUPP;
	overlay_sync(i);	/* an access list changes the mode */
	return err;
}

int overlay_removexattr(struct inode *i, const char *name)
{
	int err = overlay_copy_up(i, OVERLAY_WHOLE);
	struct inode *u;

	if (err)
		return err;
	u = overlay_upper(i);
	return u->ops->removexattr ? u->ops->removexattr(u, name) :
				     -EOPNOTSUPP;
}

static ssize_t overlay_readlink(struct inode *i, char *buf, size_t size)
{
	struct inode *r = overlay_real(i);
	const char *text = __atomic_load_n(&r->link, __ATOMIC_ACQUIRE);
	size_t len;

	if (!text)
		return r->ops->readlink ? r->ops->readlink(r, buf, size) :
					  -EINVAL;
	len = MIN(strlen(text), size);
	memcpy(buf, text, len);
	return (ssize_t)len;
}

const struct inode_ops overlay_inode_ops = {
	.readlink = overlay_readlink,
	.getattr = overlay_getattr,
	.setattr = overlay_setattr,
	.getxattr = overlay_getxattr,
	.setxattr = overlay_setxattr,
	.listxattr = overlay_listxattr,
	.removexattr = overlay_removexattr,
	.open = overlay_open,
	.evict = overlay_evict,
};
