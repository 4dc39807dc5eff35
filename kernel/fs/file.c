/* SPDX-License-Identifier: MIT */
/*
 * Open files: life, generic read, write, seek and poll, names of files
 * without a path. The system calls on descriptors end up here; what a file
 * does is in its file_ops.
 */
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "core/panic.h"
#include "fs/dentry.h"
#include "fs/notify.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

static const struct super_ops anon_super_ops;
static struct super *anon_super;	/* set once, under anon_lock */
static struct mount *anon_mount;	/* likewise */
static struct mutex anon_lock = MUTEX_INIT;

static struct super *anon_super_get(void)
{
	struct super *sb = __atomic_load_n(&anon_super, __ATOMIC_ACQUIRE);

	if (sb)
		return sb;
	mutex_lock(&anon_lock);
	if (!anon_super) {
		sb = super_create(&anon_super_ops, "anon_inodefs",
				  SUPER_NO_DCACHE);
		__atomic_store_n(&anon_super, sb, __ATOMIC_RELEASE);
	}
	mutex_unlock(&anon_lock);
	return anon_super;
}

/* A mount that is in no tree, so that anonymous files can have paths. */
static struct mount *anon_mount_get(void)
{
	struct super *sb = anon_super_get();

	if (!sb)
		return NULL;
	mutex_lock(&anon_lock);
	if (!anon_mount)
		anon_mount = mount_create(sb, NULL, "anon", 0);
	mutex_unlock(&anon_lock);
	return anon_mount;
}

struct file *file_alloc(struct inode *i, uint32_t flags, uint32_t mode)
{
	struct file *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	f->inode = i;
	f->ops = i->file_ops;
	f->flags = flags;
	f->mode = mode;
	ref_init(&f->refs, 1);
	mutex_init(&f->pos_lock);
	list_init(&f->epoll_links);
	return f;
}

static uint32_t mode_of_flags(uint32_t flags)
{
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return FMODE_READ;
	case O_WRONLY:
		return FMODE_WRITE;
	default:
		return FMODE_READ | FMODE_WRITE;
	}
}

uint32_t file_mode_of_flags(uint32_t flags)
{
	return mode_of_flags(flags);
}

struct file *file_create_anon(const struct file_ops *ops, void *private,
			      uint32_t flags, uint32_t mode_type,
			      const char *name)
{
	struct super *sb = anon_super_get();
	struct inode *i;
	struct file *f;

	i = sb ? inode_create(sb, mode_type, NULL, ops) : NULL;
	if (!i)
		return NULL;
	f = file_alloc(i, flags, mode_of_flags(flags) | FMODE_STREAM);
	if (!f) {
		inode_put(i);
		return NULL;
	}
	f->private = private;
	f->anon_name = name;
	return f;
}

struct file *file_get(struct file *f)
{
	ref_get(&f->refs);
	return f;
}

static void file_destroy(struct file *f)
{
	if (!list_is_empty(&f->epoll_links) && fs_hooks.file_unwatch)
		fs_hooks.file_unwatch(f);
	if (f->ops && !(f->mode & FMODE_PATH))
		fs_file_closed(f);
	if (f->ops && f->ops->release && !(f->mode & FMODE_PATH))
		f->ops->release(f);
	if (f->counted_writer)
		inode_put_writer(f->inode);
	if (f->counted_reader)
		__atomic_fetch_sub(&f->inode->readers, 1, __ATOMIC_SEQ_CST);
	if (f->path.dentry)
		path_put(&f->path);
	inode_put(f->inode);
	cred_put(f->cred);
	kfree(f);
}

void file_put(struct file *f)
{
	if (f && ref_put(&f->refs))
		file_destroy(f);
}

void file_close(struct file *f)
{
	if (f->ops && f->ops->flush && !(f->mode & FMODE_PATH))
		f->ops->flush(f);
	file_put(f);
}

ssize_t file_read(struct file *f, struct uio *u, uint64_t *pos)
{
	uint64_t stream_pos = 0;
	ssize_t n;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->ops->read)
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	if (f->mode & FMODE_STREAM)
		return pos ? -ESPIPE : f->ops->read(f, u, &stream_pos);
	if (pos) {
		n = f->ops->read(f, u, pos);
	} else {
		mutex_lock(&f->pos_lock);
		n = f->ops->read(f, u, &f->pos);
		mutex_unlock(&f->pos_lock);
	}
	return n;
}

/* A write by the unprivileged takes set-user-ID away from a program. */
static void drop_suid(struct file *f)
{
	struct inode *i = f->inode;
	struct attr a = { .valid = ATTR_MODE };

	if (!S_ISREG(i->mode) || !i->ops || !i->ops->setattr ||
	    (f->cred && cred_has_cap(f->cred, CAP_FSETID)))
		return;
	a.mode = i->mode & 07777 & ~(uint32_t)S_ISUID;
	if ((a.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		a.mode &= ~(uint32_t)S_ISGID;
	if (a.mode != (i->mode & 07777))
		i->ops->setattr(i, &a);
}

ssize_t file_write(struct file *f, struct uio *u, uint64_t *pos)
{
	uint64_t stream_pos = 0;
	ssize_t n;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	if (f->mode & FMODE_STREAM)
		return pos ? -ESPIPE : f->ops->write(f, u, &stream_pos);
	if (unlikely(f->inode->mode & (S_ISUID | S_ISGID)) && u->left)
		drop_suid(f);
	if (pos) {
		n = f->ops->write(f, u, pos);
	} else {
		mutex_lock(&f->pos_lock);
		n = f->ops->write(f, u, &f->pos);
		mutex_unlock(&f->pos_lock);
	}
	return n;
}

ssize_t file_read_kernel(struct file *f, void *buf, size_t n, uint64_t off)
{
	struct kiovec iov;
	struct uio u;
	size_t done = 0;

	/* For exec: the file may be open for path only. */
	if (!f->ops || !f->ops->read)
		return -EINVAL;
	while (done < n) {
		ssize_t got;

		uio_init(&u, &iov, (char *)buf + done, n - done, false);
		got = f->ops->read(f, &u, &off);
		if (got < 0)
			return done ? (ssize_t)done : got;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

void file_accessed(struct file *f)
{
	struct inode *i = f->inode;
	const struct ktime *a = &i->atime, *m = &i->mtime, *c = &i->ctime;

	if (a->sec > m->sec && a->sec > c->sec)
		return;
	/* Newer than both already? Unlocked: at worst one update too many. */
	if ((a->sec > m->sec || (a->sec == m->sec && a->nsec > m->nsec)) &&
	    (a->sec > c->sec || (a->sec == c->sec && a->nsec > c->nsec)))
		return;
	if ((f->flags & O_NOATIME) || (i->sb->flags & SUPER_READ_ONLY) ||
	    (f->path.mnt &&
	     (f->path.mnt->flags & (MS_NOATIME | MS_RDONLY))))
		return;
	mutex_lock(&i->lock);
	inode_touch(i, true, false, false);
	mutex_unlock(&i->lock);
}

bool dir_emit_dots(struct file *f, struct dir_sink *s)
{
	uint64_t parent_ino = f->inode->ino;
	struct dentry *parent;

	if (f->pos == 0) {
		if (!s->emit(s, ".", 1, f->inode->ino, 4 /* DT_DIR */, 1))
			return false;
		f->pos = 1;
	}
	if (f->pos != 1)
		return true;
	mutex_lock(&dcache_lock);
	parent = f->path.dentry ? f->path.dentry->parent : NULL;
	if (!parent && f->path.mnt && f->path.mnt->mountpoint)
		parent = f->path.mnt->mountpoint->parent;
	if (parent)
		parent_ino = parent->inode->ino;
	mutex_unlock(&dcache_lock);
	if (!s->emit(s, "..", 2, parent_ino, 4, 2))
		return false;
	f->pos = 2;
	return true;
}

static int64_t seek_target(struct file *f, int64_t off, int whence)
{
	uint64_t size = __atomic_load_n(&f->inode->size, __ATOMIC_RELAXED);
	int64_t base;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = (int64_t)f->pos;
		break;
	case SEEK_END:
		base = (int64_t)size;
		break;
	case SEEK_DATA:		/* no holes known: all of it is data */
		return off < 0 || (uint64_t)off >= size ? -ENXIO : off;
	case SEEK_HOLE:
		return off < 0 || (uint64_t)off >= size ? -ENXIO :
		       (int64_t)size;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, off, &base))
		return -EOVERFLOW;
	return base < 0 ? -EINVAL : base;
}

int64_t file_seek_generic(struct file *f, int64_t off, int whence)
{
	int64_t pos;

	mutex_lock(&f->pos_lock);
	pos = seek_target(f, off, whence);
	if (pos >= 0)
		f->pos = (uint64_t)pos;
	mutex_unlock(&f->pos_lock);
	return pos;
}

int64_t file_seek(struct file *f, int64_t off, int whence)
{
	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (f->ops && f->ops->seek)
		return f->ops->seek(f, off, whence);
	if (!(f->mode & FMODE_SEEK))
		return -ESPIPE;
	return file_seek_generic(f, off, whence);
}

uint32_t file_poll(struct file *f, struct poll_table *pt)
{
	if (f->mode & FMODE_PATH)
		return 0x20;	/* POLLNVAL */
	if (f->ops && f->ops->poll)
		return f->ops->poll(f, pt);
	return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
}

/* --- names of anonymous files ----------------------------------------------*/

static size_t anon_text(struct file *f, char *buf, size_t size)
{
	const char *name = f->anon_name ? f->anon_name : "?";
	unsigned long ino = f->inode->ino;

	switch (f->inode->mode & S_IFMT) {
	case S_IFIFO:
		return (size_t)scnprintf(buf, size, "pipe:[%lu]", ino);
	case S_IFSOCK:
		return (size_t)scnprintf(buf, size, "socket:[%lu]", ino);
	case S_IFREG:		/* memfd */
		return (size_t)scnprintf(buf, size, "/%s (deleted)", name);
	default:
		return (size_t)scnprintf(buf, size, "anon_inode:%s", name);
	}
}

int file_path(struct file *f, struct path *out)
{
	struct mount *m;
	char name[128];
	size_t len;

	if (f->path.dentry) {
		*out = f->path;
		path_get(out);
		return 0;
	}
	m = anon_mount_get();
	if (!m)
		return -ENOMEM;
	len = anon_text(f, name, sizeof(name));
	out->dentry = dentry_create(NULL, m->sb, name, len,
				    inode_get(f->inode), DENTRY_ANON);
	if (!out->dentry) {
		inode_put(f->inode);
		return -ENOMEM;
	}
	ref_get(&m->refs);
	out->mnt = m;
	return 0;
}

ssize_t file_name(struct file *f, const struct path *root, char *buf, size_t n)
{
	if (f->path.dentry)
		return path_name(&f->path, root, buf, n);
	return (ssize_t)anon_text(f, buf, n);
}
