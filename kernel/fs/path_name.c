/* SPDX-License-Identifier: MIT */
/*
 * From a path back to its name: what getcwd(2) and /proc/PID/fd show. Names
 * and parents are read under dcache_lock, from the end to the front.
 */
#include "core/panic.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

/* A name that is written from its end towards the front of a buffer. */
struct name_writer {
	char *buf;
	size_t at;		/* buf[at...] is written */
	bool overflow;
};

static void prepend(struct name_writer *n, const char *s, size_t len)
{
	if (len > n->at) {
		n->overflow = true;
		return;
	}
	n->at -= len;
	memcpy(n->buf + n->at, s, len);
}

/* Returns true if root was reached. */
static bool prepend_path_locked(struct name_writer *n, const struct path *p,
				const struct path *root)
{
	struct mount *mnt = p->mnt;
	struct dentry *d = p->dentry;

	for (;;) {
		if (root && mnt == root->mnt && d == root->dentry)
			return true;
		if (d == mnt->root) {
			if (!mnt->parent)
				return !root;
			d = mnt->mountpoint;
			mnt = mnt->parent;
			continue;
		}
		if (!d->parent)
			return false;
		prepend(n, d->name, d->len);
		prepend(n, "/", 1);
		d = d->parent;
	}
}

ssize_t path_name(const struct path *p, const struct path *root, char *buf,
		  size_t size)
{
	static const char deleted[] = " (deleted)", lost[] = "(unreachable)";
	struct name_writer n = { buf, size, false };
	struct path real_root = { NULL, NULL };
	size_t end;
	bool reached;

	if (!size)
		return -ENAMETOOLONG;
	prepend(&n, "", 1);
	mutex_lock(&dcache_lock);
	if (p->dentry->flags & DENTRY_ANON && !p->mnt->parent) {
		prepend(&n, p->dentry->name, p->dentry->len);
	} else {
		if (p->dentry->flags & DENTRY_DELETED)
			prepend(&n, deleted, sizeof(deleted) - 1);
		end = n.at;
		if (root)
			real_root = *root;
		reached = prepend_path_locked(&n, p, root ? &real_root : NULL);
		if (n.at == end || n.buf[n.at] != '/')
			prepend(&n, "/", 1);
		if (!reached)
			prepend(&n, lost, sizeof(lost) - 1);
	}
	mutex_unlock(&dcache_lock);
	if (n.overflow)
		return -ENAMETOOLONG;
	memmove(buf, buf + n.at, size - n.at);
	return (ssize_t)(size - n.at - 1);
}

void path_last_name(const struct path *p, char *buf, size_t size)
{
	mutex_lock(&dcache_lock);
	strlcpy(buf, p->dentry->name, size);
	mutex_unlock(&dcache_lock);
}
