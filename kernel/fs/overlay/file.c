/* SPDX-License-Identifier: MIT */
/*
 * Open files of the overlay pass everything to a file of the real inode.
 *
 * A file that was opened for reading while it was lower turns to the upper
 * inode when somebody has it copied up, so that readers see what is written,
 * as on any local file system; mappings made before keep the old data.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/overlay/overlay.h"
#include "fs/vfs_priv.h"

#define PASSED_FLAGS (O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECT)

struct overlay_file {
	struct file *real;	/* atomic; owned */
	struct file *old;	/* the lower one before, for those inside it */
	struct mutex lock;	/* for the change of real, and lower_maps */
	bool is_upper;		/* atomic; set once */
	int32_t lower_maps;	/* mappings that `real` was not told of yet */
};

int overlay_open_real(struct inode *real, uint32_t flags, struct file **out)
{
	struct file *f = file_alloc(real, flags, file_mode_of_flags(flags));
	int err;

	if (!f)
		return -ENOMEM;
	inode_get(real);
	f->mode |= FMODE_SEEK;
	err = real->ops->open ? real->ops->open(real, f) : 0;
	if (err) {
		f->ops = NULL;	/* nothing to release */
		file_put(f);
		return err;
	}
	*out = f;
	return 0;
}

int overlay_open(struct inode *i, struct file *f)
{
	struct overlay_file *of;
	int err = 0;

	if (!S_ISREG(i->mode))
		return 0;
	if (f->mode & FMODE_WRITE)
		err = overlay_copy_up(i, f->flags & O_TRUNC ? 0 :
				      OVERLAY_WHOLE);
	if (err)
		return err;
	of = kzalloc(sizeof(*of));
	if (!of)
		return -ENOMEM;
	mutex_init(&of->lock);
	of->is_upper = overlay_upper(i) != NULL;
	err = overlay_open_real(of->is_upper ? overlay_upper(i) :
				onode(i)->lower, f->flags & ~(uint32_t)O_TRUNC,
				&of->real);
	if (err)
		kfree(of);
	else
		f->private = of;
	return err;
}

static void overlay_release(struct file *f)
{
	struct overlay_file *of = f->private;

	file_put(of->real);
	file_put(of->old);
	kfree(of);
}

static struct file *turn_to_upper(struct file *f, struct overlay_file *of)
{
	struct file *upper;

	mutex_lock(&of->lock);
	if (!of->is_upper &&
	    !overlay_open_real(overlay_upper(f->inode), f->flags, &upper)) {
		/* whoever was counted may map the upper file's pages next */
		if (upper->ops->mapped)
			upper->ops->mapped(upper, of->lower_maps);
		of->lower_maps = 0;
		of->old = of->real;
		__atomic_store_n(&of->real, upper, __ATOMIC_RELEASE);
		__atomic_store_n(&of->is_upper, true, __ATOMIC_RELEASE);
	}
	mutex_unlock(&of->lock);
	return of->real;
}

static struct file *real_of(struct file *f)
{
	struct overlay_file *of = f->private;

	/* is_upper pairs with the release above: real is seen first */
	if (!__atomic_load_n(&of->is_upper, __ATOMIC_ACQUIRE) &&
	    unlikely(overlay_upper(f->inode)))
		return turn_to_upper(f, of);
	return __atomic_load_n(&of->real, __ATOMIC_ACQUIRE);
}

static void sync_size(struct file *f, const struct file *r)
{
	uint64_t size = __atomic_load_n(&r->inode->size, __ATOMIC_RELAXED);

	__atomic_store_n(&f->inode->size, size, __ATOMIC_RELAXED);
}

static ssize_t overlay_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct file *r = real_of(f);

	return r->ops->read ? r->ops->read(r, u, pos) : -EINVAL;
}

static ssize_t overlay_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct file *r = real_of(f);
	ssize_t n;

	r->flags = (r->flags & ~(uint32_t)PASSED_FLAGS) |
		   (f->flags & PASSED_FLAGS);
	n = r->ops->write ? r->ops->write(r, u, pos) : -EINVAL;
	sync_size(f, r);
	return n;
}

static int64_t overlay_seek(struct file *f, int64_t off, int whence)
{
	struct file *r = real_of(f);
	int64_t at;

	if ((whence != SEEK_DATA && whence != SEEK_HOLE) || !r->ops->seek) {
		if (whence == SEEK_END)
			sync_size(f, r);
		return file_seek_generic(f, off, whence);
	}
	at = r->ops->seek(r, off, whence);
	return at < 0 ? at : file_seek_generic(f, at, SEEK_SET);
}

static int overlay_map(struct file *f, uint64_t off, uint64_t len,
		       bool write_shared, struct map_extent *out)
{
	struct file *r = real_of(f);

	return r->ops->map ? r->ops->map(r, off, len, write_shared, out) :
			     -ENODEV;
}

static void overlay_mapped(struct file *f, int delta)
{
	struct overlay_file *of = f->private;

	mutex_lock(&of->lock);
	if (!of->is_upper)
		of->lower_maps += delta;
	else if (of->real->ops->mapped)
		of->real->ops->mapped(of->real, delta);
	mutex_unlock(&of->lock);
}

static int overlay_fsync(struct file *f, bool data_only)
{
	struct file *r = real_of(f);

	return r->ops->fsync ? r->ops->fsync(r, data_only) : 0;
}

static int overlay_fallocate(struct file *f, int mode, uint64_t off,
			     uint64_t len)
{
	struct file *r = real_of(f);
	int err = r->ops->fallocate ? r->ops->fallocate(r, mode, off, len) :
				      -EOPNOTSUPP;

	sync_size(f, r);
	return err;
}

const struct file_ops overlay_file_fops = {
	.read = overlay_read,
	.write = overlay_write,
	.seek = overlay_seek,
	.map = overlay_map,
	.mapped = overlay_mapped,
	.fsync = overlay_fsync,
	.fallocate = overlay_fallocate,
	.release = overlay_release,
};
