/* SPDX-License-Identifier: MIT */
/*
 * Listings of the overlay. A directory that is only lower or only upper is
 * listed by its own file system; of a merged one a list of all names is made
 * when reading starts: upper ones first, then lower ones that no upper name
 * or whiteout hides.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/dentry.h"
#include "fs/overlay/overlay.h"
#include "lib/string.h"

#define NOWHERE		UINT32_MAX
#define TYPE_CHR	2	/* DT_CHR */

struct name {
	uint64_t ino;
	uint32_t at, hash_next;
	uint16_t len;
	uint8_t type;
	bool whiteout;
};

/* A list of names under construction; entries without "." and "..". */
struct names {
	struct dir_sink sink;	/* adds what is emitted */
	struct overlay *o;
	struct inode *updir;	/* while the upper one is read, else NULL */
	int err;
	struct name *list;
	char *text;
	uint32_t nr, cap, text_len, text_cap;
	uint32_t buckets[64];
};

/* Private data of an open directory. */
struct overlay_dir {
	struct file *real;	/* listed by its own file system, or... */
	struct names *names;	/* ...merged */
};

static void names_free(struct names *n)
{
	if (!n)
		return;
	kfree(n->list);
	kfree(n->text);
	kfree(n);
}

static struct names *names_create(struct overlay *o)
{
	struct names *n = kzalloc(sizeof(*n));

	if (n) {
		n->o = o;
		memset(n->buckets, 0xff, sizeof(n->buckets));
	}
	return n;
}

static bool names_has(const struct names *n, const char *name, size_t len)
{
	uint32_t i = n->buckets[dentry_hash_name(name, len) %
				ARRAY_LEN(n->buckets)];

	for (; i != NOWHERE; i = n->list[i].hash_next)
		if (n->list[i].len == len &&
		    !memcmp(n->text + n->list[i].at, name, len))
			return true;
	return false;
}

static bool names_reserve(struct names *n, size_t len)
{
	if (n->nr == n->cap) {
		uint32_t cap = n->cap ? 2 * n->cap : 32;
		void *p = krealloc(n->list, cap * sizeof(*n->list));

		if (!p)
			return false;
		n->list = p;
		n->cap = cap;
	}
	if (n->text_len + len > n->text_cap) {
		uint32_t cap = n->text_cap ? 2 * n->text_cap : 1024;
		void *p = krealloc(n->text, cap);

		if (!p)
			return false;
		n->text = p;
		n->text_cap = cap;
	}
	return true;
}

static bool is_whiteout_name(struct inode *updir, const char *name, size_t len)
{
	char copy[256];
	struct inode *u;
	bool yes;

	memcpy(copy, name, len);
	copy[len] = 0;
	if (overlay_real_lookup(updir, copy, true, &u))
		return false;
	yes = overlay_is_whiteout(u);
	inode_put(u);
	return yes;
}

static bool is_dot_name(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/*
 * dir_sink.emit of struct names. Whiteouts are only marked as devices here:
 * the directory's own listing may hold its lock, so finish_upper() looks
 * at them later.
 */
static bool names_emit(struct dir_sink *s, const char *name, size_t len,
		       uint64_t ino, uint8_t type, uint64_t next_pos)
{
	struct names *n = container_of(s, struct names, sink);
	struct name *e;
	uint32_t h;

	if (len > 255 || is_dot_name(name, len))
		return true;
	if (!n->updir && names_has(n, name, len))
		return true;
	if (!names_reserve(n, len)) {
		n->err = -ENOMEM;
		return false;
	}
	h = dentry_hash_name(name, len) % ARRAY_LEN(n->buckets);
	e = &n->list[n->nr];
	*e = (struct name){ .ino = ino, .at = n->text_len,
			    .hash_next = n->buckets[h], .len = (uint16_t)len,
			    .type = type };
	n->buckets[h] = n->nr++;
	memcpy(n->text + n->text_len, name, len);
	n->text_len += (uint32_t)len;
	return true;
}

/* All of a real directory into n. Returns 0 or -errno. */
static int read_real(struct inode *real, struct names *n)
{
	struct file *f;
	uint64_t before;
	int err = overlay_open_real(real, O_RDONLY | O_DIRECTORY, &f);

	if (err)
		return err;
	n->sink.emit = names_emit;
	if (!f->ops->readdir)
		err = -ENOTDIR;
	while (!err && !n->err) {
		before = f->pos;
		err = f->ops->readdir(f, &n->sink);
		if (f->pos == before)
			break;
	}
	file_put(f);
	return err ? err : n->err;
}

/* Upper names: which are whiteouts, and the numbers they are shown by. */
static void finish_upper(struct names *n, struct inode *updir)
{
	for (uint32_t i = 0; i < n->nr; i++) {
		struct name *e = &n->list[i];

		if (e->type == TYPE_CHR &&
		    is_whiteout_name(updir, n->text + e->at, e->len)) {
			e->whiteout = true;
			continue;
		}
		e->ino = overlay_upper_ino(n->o, e->ino);
	}
}

/* The names of directory i, merged. */
static int merge(struct inode *i, struct names **out)
{
	struct inode *upper = overlay_upper(i), *lower = onode(i)->lower;
	struct names *n = names_create(overlay_of(i));
	int err = 0;

	if (!n)
		return -ENOMEM;
	if (upper) {
		n->updir = upper;
		err = read_real(upper, n);
		n->updir = NULL;
		if (!err)
			finish_upper(n, upper);
	}
	if (!err && lower)
		err = read_real(lower, n);
	if (err)
		names_free(n);
	else
		*out = n;
	return err;
}

int overlay_check_empty(struct inode *i)
{
	struct names *n;
	int err = merge(i, &n);

	if (err)
		return err;
	for (uint32_t k = 0; k < n->nr; k++)
		if (!n->list[k].whiteout)
			err = -ENOTEMPTY;
	names_free(n);
	return err;
}

int overlay_clear_whiteouts(struct inode *upper)
{
	struct names *n = kzalloc(sizeof(*n));
	char name[256];
	int err;

	if (!n)
		return -ENOMEM;
	memset(n->buckets, 0xff, sizeof(n->buckets));
	n->updir = upper;
	err = read_real(upper, n);
	for (uint32_t k = 0; !err && k < n->nr; k++) {
		struct inode *u;

		memcpy(name, n->text + n->list[k].at, n->list[k].len);
		name[n->list[k].len] = 0;
		mutex_lock(&upper->lock);
		err = overlay_real_lookup(upper, name, false, &u);
		if (!err) {
			mutex_lock(&u->lock);
			err = overlay_is_whiteout(u) ?
			      upper->ops->unlink(upper, name, u) :
			      -ENOTEMPTY;
			mutex_unlock(&u->lock);
			inode_put(u);
		}
		mutex_unlock(&upper->lock);
	}
	names_free(n);
	return err;
}

/* --- reading ------------------------------------------------------------------*/

static void forget_listing(struct overlay_dir *d)
{
	file_put(d->real);
	names_free(d->names);
	d->real = NULL;
	d->names = NULL;
}

static struct overlay_dir *dir_of(struct file *f)
{
	if (!f->private)
		f->private = kzalloc(sizeof(struct overlay_dir));
	return f->private;
}

/* Decide how the directory is listed, at the start of reading. */
static int begin(struct inode *i, struct overlay_dir *d)
{
	struct inode *upper = overlay_upper(i), *lower = onode(i)->lower;

	forget_listing(d);
	if (upper)
		return merge(i, &d->names);
	return overlay_open_real(lower, O_RDONLY | O_DIRECTORY, &d->real);
}

static int emit_names(struct file *f, struct dir_sink *s, struct names *n)
{
	struct inode *i = f->inode;

	if (f->pos == 0) {
		if (!s->emit(s, ".", 1, i->ino, 4 /* DT_DIR */, 1))
			return 0;
		f->pos = 1;
	}
	if (f->pos == 1) {
		uint64_t ino = i->ino;

		if (f->path.dentry && f->path.dentry->parent)
			ino = f->path.dentry->parent->inode->ino;
		if (!s->emit(s, "..", 2, ino, 4, 2))
			return 0;
		f->pos = 2;
	}
	for (; f->pos - 2 < n->nr; f->pos++) {
		struct name *e = &n->list[f->pos - 2];

		if (!e->whiteout &&
		    !s->emit(s, n->text + e->at, e->len, e->ino, e->type,
			     f->pos + 1))
			break;
	}
	return 0;
}

static int overlay_readdir(struct file *f, struct dir_sink *s)
{
	struct overlay_dir *d = dir_of(f);
	int err;

	if (!d)
		return -ENOMEM;
	if (f->pos == 0 || (!d->real && !d->names)) {
		err = begin(f->inode, d);
		if (err)
			return err;
	}
	if (d->names)
		return emit_names(f, s, d->names);
	d->real->pos = f->pos;
	err = d->real->ops->readdir ? d->real->ops->readdir(d->real, s) :
				      -ENOTDIR;
	f->pos = d->real->pos;
	return err;
}

static void overlay_dir_release(struct file *f)
{
	struct overlay_dir *d = f->private;

	if (!d)
		return;
	forget_listing(d);
	kfree(d);
}

static int overlay_dir_fsync(struct file *f, bool data_only)
{
	return 0;
}

const struct file_ops overlay_dir_fops = {
	.readdir = overlay_readdir,
	.release = overlay_dir_release,
	.fsync = overlay_dir_fsync,
};
