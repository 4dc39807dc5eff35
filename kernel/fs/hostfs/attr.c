/* SPDX-License-Identifier: MIT */
/*
 * Attributes of host objects: those the server gave stay in the inode, for good
 * in a still tree, for a moment (HOSTFS_FRESH_NS) in a live one.
 */
#include <linux/stat.h>

#include "core/timer.h"
#include "fs/hostfs/hostfs.h"

static struct ktime to_ktime(int64_t ns)
{
	int64_t sec = ns / (int64_t)NSEC_PER_SEC;
	int64_t rest = ns % (int64_t)NSEC_PER_SEC;

	if (rest < 0) {
		rest += (int64_t)NSEC_PER_SEC;
		sec--;
	}
	return (struct ktime){ sec, (uint32_t)rest };
}

static int64_t from_ktime(const struct ktime *t)
{
	return t->sec * (int64_t)NSEC_PER_SEC + t->nsec;
}

void hostnode_set_attr(struct inode *i, const struct fsrv_attr *a)
{
	i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
	i->nlink = a->nlink;
	i->uid = a->uid;
	i->gid = a->gid;
	__atomic_store_n(&i->size, a->size, __ATOMIC_RELAXED);
	i->blocks = a->blocks;
	i->atime = to_ktime(a->atime_ns);
	i->mtime = to_ktime(a->mtime_ns);
	i->ctime = to_ktime(a->ctime_ns);
	i->btime = to_ktime(a->btime_ns);
	__atomic_store_n(&hostnode(i)->fetched_ns, clock_mono_ns(),
			 __ATOMIC_RELAXED);
}

void hostfs_attr_to_kstat(struct super *sb, const struct fsrv_attr *a,
			  struct kstat *st)
{
	*st = (struct kstat){
		.dev = sb->dev, .size = a->size, .blocks = a->blocks,
		.ino = hostfs_map_ino(sb->private, a->dev, a->ino),
		.mode = a->mode, .nlink = a->nlink, .uid = a->uid,
		.gid = a->gid, .blksize = PAGE_SIZE,
		.rdev = dev_make(a->rdev_major, a->rdev_minor),
		.atime = to_ktime(a->atime_ns), .mtime = to_ktime(a->mtime_ns),
		.ctime = to_ktime(a->ctime_ns), .btime = to_ktime(a->btime_ns),
	};
}

bool hostnode_is_fresh(const struct inode *i)
{
	return !hostfs_of(i)->live ||
	       clock_mono_ns() - __atomic_load_n(&hostnode(i)->fetched_ns,
						 __ATOMIC_RELAXED) <
	       HOSTFS_FRESH_NS;
}

void hostnode_refresh(struct inode *i)
{
	struct hostnode *n = hostnode(i);
	struct fsrv_request rq = { .op = FSRV_GETATTR };
	struct fsrv_reply rp;
	int err;

	if (hostnode_is_fresh(i))
		return;
	err = hostnode_call_self(i, &rq, &rp);
	if (!err && rp.attr.ino == n->host_ino && rp.attr.dev == n->host_dev)
		hostnode_set_attr(i, &rp.attr);
	else if (!err || err == -ENOENT)
		i->nlink = 0;	/* replaced or removed by the host */
}

int hostfs_getattr(struct inode *i, struct kstat *st)
{
	hostnode_refresh(i);
	inode_getattr_generic(i, st);
	return 0;
}

int hostfs_setattr(struct inode *i, const struct attr *a)
{
	struct fsrv_request rq = { .op = FSRV_SETATTR };
	struct fsrv_reply rp;
	int err;

	rq.valid = (a->valid & ATTR_MODE ? FSRV_SET_MODE : 0) |
		   (a->valid & ATTR_UID ? FSRV_SET_UID : 0) |
		   (a->valid & ATTR_GID ? FSRV_SET_GID : 0) |
		   (a->valid & ATTR_SIZE ? FSRV_SET_SIZE : 0) |
		   (a->valid & ATTR_ATIME ? FSRV_SET_ATIME : 0) |
		   (a->valid & ATTR_MTIME ? FSRV_SET_MTIME : 0);
	/* the host's own clock stamps a truncated file */
	if (a->valid & ATTR_SIZE)
		rq.valid &= ~(uint32_t)FSRV_SET_MTIME;
	rq.attr.mode = a->mode;
	rq.attr.uid = a->uid;
	rq.attr.gid = a->gid;
	rq.attr.size = a->size;
	rq.attr.atime_ns = from_ktime(&a->atime);
	rq.attr.mtime_ns = from_ktime(&a->mtime);
	if (!rq.valid)
		return 0;
	err = hostnode_call_self(i, &rq, &rp);
	if (!err)
		hostnode_set_attr(i, &rp.attr);
	return err;
}
