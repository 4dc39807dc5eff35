/* SPDX-License-Identifier: MIT */
/*
 * Nodes of host trees: the tables that make one host object one inode, the
 * server's directory handles, extended attributes.
 *
 * The tables hold no references: a node leaves them when its inode is
 * evicted, and whoever finds it takes a reference only if one is left.
 */
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/dentry.h"
#include "fs/hostfs/channel.h"
#include "fs/hostfs/hostfs.h"
#include "fs/rootfs.h"
#include "lib/string.h"

#define FETCH_TRIES	8192u	/* more than a path has names */
#define STALE_RETRIES	4
#define HANDLES_SPARE	64u

struct mutex hostfs_lock = MUTEX_INIT;
uint32_t hostfs_handles_max = 256;	/* at start-up; lowered when full */

/* Directory handles that may be given back, oldest first; hostfs_lock. */
static struct list handle_lru = LIST_INIT(handle_lru);
static uint32_t nr_handles;

uint64_t hostfs_map_ino(const struct hostfs *fs, uint64_t dev, uint64_t ino)
{
	/* Other host file systems below the export: keep numbers apart. */
	if (dev != fs->root_dev)
		ino ^= (dev * 0x9e3779b97f4a7c15ull) & ~0xffffffffffull;
	return ino;
}

static uint64_t name_key(const struct inode *parent, const char *name)
{
	return (uintptr_t)parent ^
	       ((uint64_t)dentry_hash_name(name, strlen(name)) << 16);
}

/* --- directory handles -----------------------------------------------------*/

/* n's directory handle is `handle` now. Returns one to give back, or 0. */
static uint32_t set_handle_locked(struct hostnode *n, uint32_t handle)
{
	if (n->has_handle)
		return handle;	/* somebody was faster */
	n->handle = handle;
	n->has_handle = true;
	list_append(&handle_lru, &n->handle_lru);
	nr_handles++;
	return 0;
}

static uint32_t drop_handle_locked(struct hostnode *n)
{
	if (!n->has_handle || n->is_root)
		return 0;
	n->has_handle = false;
	list_remove(&n->handle_lru);
	nr_handles--;
	return n->handle;
}

static void trim_handles(uint32_t keep)
{
	uint32_t handle;

	do {
		handle = 0;
		mutex_lock(&hostfs_lock);
		if (nr_handles > keep && !list_is_empty(&handle_lru))
			handle = drop_handle_locked(
				list_first(&handle_lru, struct hostnode,
					   handle_lru));
		mutex_unlock(&hostfs_lock);
		if (handle)
			server_forget(handle);
	} while (handle);
}

/* The server has no room for more, whatever was announced. */
static void handles_full(void)
{
	uint32_t n = __atomic_load_n(&nr_handles, __ATOMIC_RELAXED);

	if (n < hostfs_handles_max)
		hostfs_handles_max = MAX(n, 2 * HANDLES_SPARE);
	trim_handles(n / 2);
}

static void put_handle(struct hostnode *n, uint32_t handle)
{
	uint32_t spare;

	mutex_lock(&hostfs_lock);
	spare = set_handle_locked(n, handle);
	mutex_unlock(&hostfs_lock);
	if (spare)
		server_forget(spare);
	if (nr_handles + HANDLES_SPARE > hostfs_handles_max)
		trim_handles(hostfs_handles_max / 2);
}

/* Returns false if n has no handle at the moment. */
static bool cached_handle(struct hostnode *n, uint32_t *handle)
{
	bool has;

	mutex_lock(&hostfs_lock);
	has = n->has_handle;
	*handle = n->handle;
	if (has && !n->is_root) {
		list_remove(&n->handle_lru);
		list_append(&handle_lru, &n->handle_lru);
	}
	mutex_unlock(&hostfs_lock);
	return has;
}

int hostnode_name_get(struct hostnode *n, struct inode **parent, char **name)
{
	int err = 0;

	mutex_lock(&hostfs_lock);
	if (n->parent && n->name) {
		*name = kstrdup(n->name);
		*parent = *name ? inode_get(n->parent) : NULL;
		err = *name ? 0 : -ENOMEM;
	} else {
		err = -ENOENT;
	}
	mutex_unlock(&hostfs_lock);
	return err;
}

/* The nearest directory at or above i that has a handle; with a reference. */
static int fetch_handle(struct inode *i, uint32_t *handle)
{
	struct hostnode *n = hostnode(i);
	struct fsrv_request rq = { .op = FSRV_LOOKUP };
	struct fsrv_reply rp;
	struct inode *parent;
	char *name;
	int err;

	/*
	 * Top down without recursion would need the chain of parents; walk up
	 * to the lowest that has a handle and look one name up from it, until
	 * i itself has one.
	 */
	for (uint32_t tries = 0; !cached_handle(n, handle); tries++) {
		struct inode *at = inode_get(i);

		for (;;) {
			err = hostnode_name_get(hostnode(at), &parent, &name);
			if (err)
				break;
			if (cached_handle(hostnode(parent), &rq.dir))
				break;
			kfree(name);
			inode_put(at);
			at = parent;
		}
		if (err) {
			inode_put(at);
			return err;
		}
		rq.name_len = (uint16_t)strlen(name);
		err = server_call(&rq, name, NULL, NULL, &rp, NULL, 0, NULL);
		if (!err && !rp.handle)
			err = S_ISDIR(rp.attr.mode) ? -EACCES : -ENOTDIR;
		if (!err)
			put_handle(hostnode(at), rp.handle);
		kfree(name);
		inode_put(parent);
		inode_put(at);
		if (err == -EMFILE)
			handles_full();
		else if (err && err != -EBADF)
			return err;
		/* with too few handles each one drives out another */
		if (tries == FETCH_TRIES)
			return -ENFILE;
	}
	return 0;
}

static int handle_of(struct inode *i, uint32_t *handle)
{
	if (!S_ISDIR(i->mode) && !hostnode(i)->is_root)
		return -ENOTDIR;
	if (cached_handle(hostnode(i), handle))
		return 0;
	return fetch_handle(i, handle);
}

int hostnode_call(struct inode *dir, struct inode *dir2,
		  struct fsrv_request *rq, const char *name,
		  const char *name2, const void *data, struct fsrv_reply *rp,
		  void *data_out, size_t data_max, int *fd)
{
	int err = -EBADF;

	rq->name_len = (uint16_t)strlen(name);
	rq->name2_len = name2 ? (uint16_t)strlen(name2) : 0;
	for (int i = 0; err == -EBADF && i < STALE_RETRIES; i++) {
		err = handle_of(dir, &rq->dir);
		if (!err && dir2)
			err = handle_of(dir2, &rq->dir2);
		if (err)
			return err;
		err = server_call(rq, name, name2, data, rp, data_out,
				  data_max, fd);
		if (err == -EMFILE) {
			handles_full();
			err = -EBADF;
		}
	}
	return err == -EBADF ? -ESTALE : err;
}

int hostnode_list(struct inode *dir, struct fsrv_request *rq, const void *data,
		  struct fsrv_reply *rp, void *data_out, size_t data_max)
{
	struct hostnode *n = hostnode(dir);
	struct inode *parent;
	char *name;
	int err;

	if (cached_handle(n, &rq->dir) || hostnode_name_get(n, &parent, &name))
		return hostnode_call(dir, NULL, rq, "", NULL, data, rp,
				     data_out, data_max, NULL);
	err = hostnode_call(parent, NULL, rq, name, NULL, data, rp, data_out,
			    data_max, NULL);
	if (!err && rp->handle)
		put_handle(n, rp->handle);
	kfree(name);
	inode_put(parent);
	return err;
}

int hostnode_call_self(struct inode *i, struct fsrv_request *rq,
		       struct fsrv_reply *rp)
{
	struct hostnode *n = hostnode(i);
	struct inode *parent;
	char *name;
	int err, last = 0;

	if (S_ISDIR(i->mode) || n->is_root)
		return hostnode_call(i, NULL, rq, "", NULL, NULL, rp, NULL, 0,
				     NULL);
	/* the size can only be set through what is open for writing */
	if (rq->op == FSRV_SETATTR && (rq->valid & FSRV_SET_SIZE))
		last = 1;
	mutex_lock(&n->open_lock);
	for (int k = 1; k >= last; k--) {
		if (n->fds[k].fd < 0 || !n->fds[k].handle)
			continue;
		rq->dir = n->fds[k].handle;
		err = server_call(rq, NULL, NULL, NULL, rp, NULL, 0, NULL);
		mutex_unlock(&n->open_lock);
		return err;
	}
	mutex_unlock(&n->open_lock);
	err = hostnode_name_get(n, &parent, &name);
	if (err)
		return err;
	if (rq->op == FSRV_GETATTR) {
		rq->op = FSRV_LOOKUP;
		rq->flags = FSRV_LOOKUP_ATTR;
	}
	err = hostnode_call(parent, NULL, rq, name, NULL, NULL, rp, NULL, 0,
			    NULL);
	kfree(name);
	inode_put(parent);
	return err;
}

/* --- names and tables ------------------------------------------------------*/

/* Takes n's name away; what has to be given up goes to *old*. */
static void unname_locked(struct hostnode *n, struct inode **old_parent,
			  char **old_name)
{
	*old_parent = n->parent;
	*old_name = n->name;
	n->parent = NULL;
	n->name = NULL;
	if (*old_parent)
		nodetab_remove(&hostfs_of(n->inode)->by_name, &n->name_link);
}

void hostnode_rename(struct hostnode *n, struct inode *parent,
		     const char *name, char *storage)
{
	struct inode *old_parent;
	char *old_name;

	mutex_lock(&hostfs_lock);
	unname_locked(n, &old_parent, &old_name);
	n->parent = inode_get(parent);
	n->name = storage;
	nodetab_add(&hostfs_of(parent)->by_name, &n->name_link,
		    name_key(parent, name));
	mutex_unlock(&hostfs_lock);
	kfree(old_name);
	inode_put(old_parent);
}

void hostnode_unname(struct hostnode *n, struct inode *parent,
		     const char *name)
{
	struct inode *old_parent = NULL;
	char *old_name = NULL;

	mutex_lock(&hostfs_lock);
	if (n->parent == parent && n->name && !strcmp(n->name, name))
		unname_locked(n, &old_parent, &old_name);
	mutex_unlock(&hostfs_lock);
	kfree(old_name);
	inode_put(old_parent);
}

struct inode *hostnode_find_name(struct inode *parent, const char *name)
{
	struct nodetab *t = &hostfs_of(parent)->by_name;
	uint64_t key = name_key(parent, name);
	struct inode *found = NULL;

	mutex_lock(&hostfs_lock);
	list_for_each(p, nodetab_bucket(t, key)) {
		struct hostnode *n = nodetab_entry(p, struct hostnode,
						   name_link);

		if (n->parent != parent || strcmp(n->name, name))
			continue;
		if (ref_try_get(&n->inode->refs))
			found = n->inode;
		break;
	}
	mutex_unlock(&hostfs_lock);
	return found;
}

static struct inode *find_ino_locked(struct hostfs *fs,
				     const struct fsrv_attr *a)
{
	list_for_each(p, nodetab_bucket(&fs->by_ino, a->ino)) {
		struct hostnode *n = nodetab_entry(p, struct hostnode,
						   ino_link);

		if (n->host_ino != a->ino || n->host_dev != a->dev)
			continue;
		/* the number may have been used again for a new object */
		if (n->btime_ns != a->btime_ns ||
		    ((n->inode->mode ^ a->mode) & S_IFMT))
			continue;
		if (ref_try_get(&n->inode->refs))
			return n->inode;
	}
	return NULL;
}

static struct inode *node_create(struct super *sb, const struct fsrv_attr *a)
{
	struct hostfs *fs = sb->private;
	struct hostnode *n = kzalloc(sizeof(*n));
	const struct inode_ops *ops = &hostfs_file_ops;
	const struct file_ops *fops = &hostfs_file_fops;
	struct inode *i;

	if (S_ISDIR(a->mode)) {
		ops = &hostfs_dir_ops;
		fops = &hostfs_dir_fops;
	} else if (S_ISLNK(a->mode)) {
		ops = &hostfs_link_ops;
	}
	i = n ? inode_create(sb, a->mode, ops, fops) : NULL;
	if (!i) {
		kfree(n);
		return NULL;
	}
	i->private = n;
	i->rdev = dev_make(a->rdev_major, a->rdev_minor);
	n->inode = i;
	n->host_dev = a->dev;
	n->host_ino = a->ino;
	n->btime_ns = a->btime_ns;
	nodetab_link_init(&n->ino_link);
	nodetab_link_init(&n->name_link);
	list_init(&n->handle_lru);
	mutex_init(&n->open_lock);
	for (int k = 0; k < 2; k++) {
		n->fds[k].fd = -1;
		n->fds[k].node = n;
		list_init(&n->fds[k].idle);
	}
	i->ino = hostfs_map_ino(fs, a->dev, a->ino);
	return i;
}

static bool has_name(struct hostnode *n, const struct inode *parent,
		     const char *name)
{
	bool same;

	mutex_lock(&hostfs_lock);
	same = n->parent == parent && n->name && !strcmp(n->name, name);
	mutex_unlock(&hostfs_lock);
	return same;
}

int hostnode_get(struct super *sb, struct inode *parent, const char *name,
		 const struct fsrv_attr *attr, uint32_t handle,
		 struct inode **out)
{
	struct hostfs *fs = sb->private;
	struct inode *i, *fresh = NULL;
	struct hostnode *n;
	char *copy;

	mutex_lock(&hostfs_lock);
	i = find_ino_locked(fs, attr);
	mutex_unlock(&hostfs_lock);
	if (!i) {
		fresh = node_create(sb, attr);
		if (!fresh)
			goto no_memory;
		mutex_lock(&hostfs_lock);
		i = find_ino_locked(fs, attr);
		if (!i) {
			i = fresh;
			fresh = NULL;
			nodetab_add(&fs->by_ino, &hostnode(i)->ino_link,
				    attr->ino);
		}
		mutex_unlock(&hostfs_lock);
		inode_put(fresh);
	}
	n = hostnode(i);
	hostnode_set_attr(i, attr);
	if (handle)
		put_handle(n, handle);
	if (parent && !has_name(n, parent, name)) {
		copy = kstrdup(name);
		if (!copy) {
			inode_put(i);
			return -ENOMEM;
		}
		hostnode_rename(n, parent, name, copy);
	}
	*out = i;
	return 0;
no_memory:
	if (handle)
		server_forget(handle);
	return -ENOMEM;
}

void hostnode_evict(struct inode *i)
{
	struct hostnode *n = hostnode(i);
	struct inode *parent;
	uint32_t handle;
	char *name;

	mutex_lock(&hostfs_lock);
	nodetab_remove(&hostfs_of(i)->by_ino, &n->ino_link);
	unname_locked(n, &parent, &name);
	handle = drop_handle_locked(n);
	mutex_unlock(&hostfs_lock);
	if (handle)
		server_forget(handle);
	hostfd_close_all(n);
	dirlist_put(n->list);
	kfree(name);
	kfree(n);
	inode_put(parent);
}

/* --- extended attributes ----------------------------------------------------*/

static ssize_t xattr_call(struct inode *i, uint32_t op, const char *attr,
			  void *buf, size_t size)
{
	struct fsrv_request rq = { .op = op };
	struct fsrv_reply rp;
	struct inode *parent = NULL;
	char *name = NULL;
	int err = 0;

	if (attr)
		rq.data_len = (uint32_t)strlen(attr);
	if (S_ISDIR(i->mode) || hostnode(i)->is_root)
		parent = inode_get(i);
	else
		err = hostnode_name_get(hostnode(i), &parent, &name);
	if (err)
		return op == FSRV_XATTR_LIST ? 0 : -ENODATA;
	err = hostnode_call(parent, NULL, &rq, name ? name : "", NULL, attr,
			    &rp, buf, size, NULL);
	kfree(name);
	inode_put(parent);
	if (err)
		return err;
	if (size && rp.data_len > size)
		return -ERANGE;
	return rp.data_len;
}

ssize_t hostfs_getxattr(struct inode *i, const char *name, void *buf, size_t n)
{
	if (strncmp(name, "user.", 5))
		return -ENODATA;
	return xattr_call(i, FSRV_XATTR_GET, name, buf, n);
}

ssize_t hostfs_listxattr(struct inode *i, char *buf, size_t n)
{
	return xattr_call(i, FSRV_XATTR_LIST, NULL, buf, n);
}
