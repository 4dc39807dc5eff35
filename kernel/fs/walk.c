/* SPDX-License-Identifier: MIT */
/*
 * Path resolution. Cached components are walked under one hold of
 * dcache_lock, without touching reference counts; when something may sleep
 * (an uncached name, a permission callback, reading a symlink) the position
 * is pinned by references and the lock given up for that time.
 *
 * Symlinks push the rest of the name on a small stack, so that neither
 * recursion nor a new buffer is needed; at most 40 in all.
 */
#include <linux/stat.h>

#include "core/heap.h"
#include "core/page.h"
#include "core/panic.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

/* Names in the cache, each with what hangs off it 1 KiB: a sixteenth of the
 * memory; then three quarters of them are kept. */
#define DCACHE_MIN	60000u
#define DCACHE_SHARE	(16u << 10)	/* bytes of memory for each */
#define LINK_TEXT_MAX	4096u
#define NAME_LEN_MAX	255u

void path_get(const struct path *p)
{
	ref_get(&p->mnt->refs);
	ref_get(&p->dentry->refs);
}

void path_put(struct path const *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
}

bool path_equal(const struct path *a, const struct path *b)
{
	return a->mnt == b->mnt && a->dentry == b->dentry;
}

struct inode *path_inode(const struct path *p)
{
	return dentry_inode(p->dentry);
}

static void walk_lock(struct walk *w)
{
	if (!w->locked) {
		mutex_lock(&dcache_lock);
		w->locked = true;
	}
}

void walk_unlock(struct walk *w)
{
	struct path old = w->pin;

	if (!w->locked)
		return;
	w->locked = false;
	if (old.dentry == w->d && old.mnt == w->mnt) {
		mutex_unlock(&dcache_lock);
		return;
	}
	w->pin.mnt = w->mnt;
	w->pin.dentry = w->d;
	path_get(&w->pin);
	mutex_unlock(&dcache_lock);
	if (old.dentry)
		path_put(&old);
}

/* Move to a position with references, which are taken over. Not locked. */
static void walk_set_pin(struct walk *w, struct mount *mnt, struct dentry *d)
{
	struct path old = w->pin;

	w->pin.mnt = w->mnt = mnt;
	w->pin.dentry = w->d = d;
	if (old.dentry)
		path_put(&old);
}

void walk_end(struct walk *w)
{
	if (w->locked) {
		mutex_unlock(&dcache_lock);
		w->locked = false;
	}
	if (w->pin.dentry)
		path_put(&w->pin);
	w->pin.dentry = NULL;
	while (w->depth) {
		struct walk_link *l = &w->links[--w->depth];

		inode_put(l->inode);
		kfree(l->text);
	}
}

void walk_take_position(struct walk *w, struct path *out)
{
	walk_unlock(w);
	if (w->pin.dentry == w->d && w->pin.mnt == w->mnt) {
		*out = w->pin;
		w->pin.dentry = NULL;
		w->pin.mnt = NULL;
		return;
	}
	/* Not pinned: where the walk began, held by its context. */
	out->mnt = w->mnt;
	out->dentry = w->d;
	path_get(out);
}

int walk_start(struct walk *w, const struct walk_ctx *ctx, const char *name,
	       uint32_t flags)
{
	w->cred = ctx->cred;
	w->root = flags & (WALK_BENEATH | WALK_IN_ROOT) ? ctx->start :
							   ctx->root;
	w->mnt = ctx->start.mnt;
	w->d = ctx->start.dentry;
	w->pin.mnt = NULL;
	w->pin.dentry = NULL;
	w->locked = false;
	w->flags = flags;
	w->name = name;
	w->comp_len = 0;
	w->comp_is_last = false;
	w->trailing_slash = false;
	w->peeked = false;
	w->peek = NULL;
	w->nr_links = w->nr_rests = w->depth = 0;
	if (!*name)
		return flags & WALK_EMPTY ? 0 : -ENOENT;
	if (*name == '/') {
		if (flags & WALK_BENEATH)
			return -EXDEV;
		w->mnt = w->root.mnt;
		w->d = w->root.dentry;
		/* "/" alone names a directory too */
		w->trailing_slash = !name[1];
	}
	return 0;
}

static const char *skip_slashes(const char *p)
{
	while (*p == '/')
		p++;
	return p;
}

/* The rest of a name in front of which a symlink was put. */
static void pop_rest(struct walk *w)
{
	uint32_t i = w->depth;

	while (i--) {
		if (w->links[i].rest) {
			w->name = w->links[i].rest;
			w->links[i].rest = NULL;
			w->nr_rests--;
			return;
		}
	}
}

/* Fill w->comp*; comp_len 0 at the end of the name. */
static int next_component(struct walk *w)
{
	uint32_t h = DENTRY_HASH_START;
	const char *p, *q;

	p = skip_slashes(w->name);
	while (!*p && w->nr_rests) {
		pop_rest(w);
		p = skip_slashes(w->name);
	}
	w->comp = p;
	for (; *p && *p != '/'; p++)
		h = dentry_hash_step(h, (unsigned char)*p);
	w->comp_len = (size_t)(p - w->comp);
	if (w->comp_len > NAME_LEN_MAX)
		return -ENAMETOOLONG;
	w->comp_hash = dentry_hash_end(h);
	q = skip_slashes(p);
	w->comp_is_last = !*q && !w->nr_rests;
	if (w->comp_is_last && q != p)
		w->trailing_slash = true;
	w->name = q;
	return 0;
}

static bool comp_is_dot(const struct walk *w)
{
	return w->comp_len == 1 && w->comp[0] == '.';
}

static bool comp_is_dotdot(const struct walk *w)
{
	return w->comp_len == 2 && w->comp[0] == '.' && w->comp[1] == '.';
}

int walk_check_search(struct walk *w)
{
	struct inode *dir;
	int err;

	walk_lock(w);
	dir = w->d->inode;
	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (!dir->ops->permission) {
		if ((dir->mode & 0111) == 0111)
			return 0;
		return inode_permission_generic(dir, w->cred, 1);
	}
	walk_unlock(w);
	err = inode_permission(dir, w->cred, 1);
	walk_lock(w);
	return err;
}

/* The mount that the position waits for. Gives up the lock for that time. */
static int make_late(struct walk *w)
{
	struct path where = { w->mnt, w->d };
	int err;

	walk_unlock(w);
	err = mount_make_late(&where);
	walk_lock(w);
	return err;
}

static int cross_mounts_locked(struct walk *w)
{
	int err;

	while (unlikely(w->d->flags & DENTRY_MOUNTED)) {
		struct mount *m = mount_find_locked(w->mnt, w->d);

		if (!m && !mount_is_late_locked(w->mnt, w->d))
			break;
		if (w->flags & WALK_NO_XDEV)
			return -EXDEV;
		if (!m) {
			err = make_late(w);
			if (err)
				return err;
			continue;
		}
		w->mnt = m;
		w->d = m->root;
	}
	return 0;
}

static int step_up_locked(struct walk *w)
{
	for (;;) {
		if (w->mnt == w->root.mnt && w->d == w->root.dentry) {
			if (w->flags & WALK_BENEATH)
				return -EXDEV;
			return 0;
		}
		if (w->d != w->mnt->root)
			break;
		if (!w->mnt->parent)
			return 0;
		if (w->flags & WALK_NO_XDEV)
			return -EXDEV;
		w->d = w->mnt->mountpoint;
		w->mnt = w->mnt->parent;
	}
	if (w->d->parent)
		w->d = w->d->parent;
	return cross_mounts_locked(w);
}

/* Continue with text, then with what is left of the name. */
static int push_link(struct walk *w, const char *text, struct inode *inode,
		     char *heap_text)
{
	struct walk_link *l = &w->links[w->depth++];

	l->inode = inode;
	l->text = heap_text;
	l->rest = NULL;
	if (*w->name) {
		l->rest = w->name;
		w->nr_rests++;
	}
	w->name = text;
	if (!*text)
		return -ENOENT;
	if (*text == '/') {
		if (w->flags & WALK_BENEATH)
			return -EXDEV;
		if ((w->flags & WALK_NO_XDEV) && w->mnt != w->root.mnt)
			return -EXDEV;
		w->mnt = w->root.mnt;
		w->d = w->root.dentry;
	}
	return 0;
}

/* Read a symlink's text into heap memory, and keep it if it can't change. */
static int read_link(struct inode *inode, char **text, bool *cached)
{
	char *buf, *copy, *none = NULL;
	ssize_t n;

	*cached = false;
	if (!inode->ops->readlink)
		return -EINVAL;
	buf = kmalloc(LINK_TEXT_MAX);
	if (!buf)
		return -ENOMEM;
	n = inode->ops->readlink(inode, buf, LINK_TEXT_MAX - 1);
	if (n < 0) {
		kfree(buf);
		return (int)n;
	}
	copy = kmemdup_str(buf, (size_t)n);
	kfree(buf);
	if (!copy)
		return -ENOMEM;
	*text = copy;
	if (inode->sb->flags & SUPER_NO_DCACHE)
		return 0;
	*cached = true;
	/* Pairs with the load in walk_into_link. */
	if (!__atomic_compare_exchange_n(&inode->link, &none, copy, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		kfree(copy);
		*text = none;
	}
	return 0;
}

static int jump_magic_link(struct walk *w, struct inode *inode)
{
	struct path to;
	int err;

	if (w->flags & WALK_NO_MAGIC)
		return -ELOOP;
	if (w->flags & (WALK_BENEATH | WALK_IN_ROOT))
		return -EXDEV;
	err = inode->ops->follow(inode, &to);
	if (err)
		return err;
	if ((w->flags & WALK_NO_XDEV) && to.mnt != w->mnt) {
		path_put(&to);
		return -EXDEV;
	}
	walk_set_pin(w, to.mnt, to.dentry);
	return 0;
}

int walk_into_link(struct walk *w, struct dentry *d)
{
	struct inode *inode = d->inode;
	char *text;
	bool cached;
	int err;

	if (w->flags & WALK_NO_SYMLINKS || ++w->nr_links > WALK_LINKS_MAX)
		return -ELOOP;
	if (!inode->ops->follow) {
		text = __atomic_load_n(&inode->link, __ATOMIC_ACQUIRE);
		if (text)
			return push_link(w, text, inode_get(inode), NULL);
	}
	dentry_get(d);
	walk_unlock(w);
	if (inode->ops->follow) {
		err = jump_magic_link(w, inode);
	} else {
		err = read_link(inode, &text, &cached);
		if (!err)
			err = push_link(w, text,
					cached ? inode_get(inode) : NULL,
					cached ? NULL : text);
	}
	dentry_put(d);
	return err;
}

static bool must_follow(const struct walk *w, uint32_t mode)
{
	return unlikely(S_ISLNK(mode)) &&
	       (!w->comp_is_last || w->trailing_slash ||
		(w->flags & WALK_FOLLOW));
}

/*
 * Before a name is added: keep the cache, and what hangs off it, from filling
 * the sandbox's memory. No lock is held here, so that anything can be freed.
 */
static void limit_cache(void)
{
	uint64_t high = MAX(DCACHE_MIN, page_total_bytes() / DCACHE_SHARE);
	uint64_t limit = page_limit_bytes();
	uint32_t n = dentry_count();

	if (n > high)
		(void)vfs_shrink((uint32_t)(high - high / 4));
	else if (limit && n > VFS_NAMES_KEPT &&
		 page_used_bytes() > limit - limit / 4)
		(void)vfs_shrink(n / 2);
}

/*
 * Directories and links on the way are made: they are what a walk comes to
 * again, and what may be mounted on. The directory is locked.
 */
static bool peek_locked(struct walk *w, struct inode *dir)
{
	w->peeked = w->peek && w->comp_is_last && !w->trailing_slash &&
		    dir->ops->peek && !dir->ops->peek(dir, w->comp, w->peek) &&
		    !S_ISDIR(w->peek->mode) && !must_follow(w, w->peek->mode);
	return w->peeked;
}

/* The component is not cached: ask the file system. */
static int step_uncached(struct walk *w)
{
	struct inode *dir = w->d->inode;
	struct dentry *d;
	int err;

	walk_unlock(w);
	limit_cache();
	mutex_lock(&dir->lock);
	if (peek_locked(w, dir)) {
		mutex_unlock(&dir->lock);
		return 0;
	}
	err = dentry_lookup_locked(w->d, w->comp, w->comp_len, &d);
	mutex_unlock(&dir->lock);
	if (err)
		return err;
	if (!dentry_inode(d)) {
		dentry_put(d);
		return -ENOENT;
	}
	if (must_follow(w, d->inode->mode)) {
		err = walk_into_link(w, d);
		dentry_put(d);
		return err;
	}
	return walk_enter(w, d);
}

int walk_enter(struct walk *w, struct dentry *d)
{
	ref_get(&w->mnt->refs);
	walk_set_pin(w, w->mnt, d);
	walk_lock(w);
	return cross_mounts_locked(w);
}

/* Walk the component at hand. */
static int step(struct walk *w)
{
	struct dentry *d;
	int err;

	err = walk_check_search(w);
	if (err)
		return err;
	if (comp_is_dot(w))
		return 0;
	if (comp_is_dotdot(w))
		return step_up_locked(w);
	d = dentry_find_locked(w->d, w->comp, w->comp_len, w->comp_hash);
	if (!d || unlikely(d->sb->flags & SUPER_REVALIDATE))
		return step_uncached(w);
	if (!d->inode)
		return -ENOENT;
	if (must_follow(w, d->inode->mode))
		return walk_into_link(w, d);
	w->d = d;
	return cross_mounts_locked(w);
}

int walk_to_last(struct walk *w)
{
	for (;;) {
		int err = next_component(w);

		if (err || !w->comp_len || w->comp_is_last)
			return err;
		err = step(w);
		if (err)
			return err;
	}
}

static void fill_last(const struct walk *w, struct last_name *last)
{
	memcpy(last->name, w->comp, w->comp_len);
	last->name[w->comp_len] = 0;
	last->trailing_slash = w->trailing_slash;
	last->is_dot = comp_is_dot(w);
	last->is_dotdot = comp_is_dotdot(w);
	last->is_root = !w->comp_len;
}

/* The whole way to the position that was asked for. Leaves w unfinished. */
static int walk_all(struct walk *w)
{
	int err = 0;

	while (!err) {
		err = walk_to_last(w);
		if (err || !w->comp_len || (w->flags & WALK_PARENT))
			break;
		err = step(w);
		if (w->peeked)
			return err;
	}
	if (err)
		return err;
	if (w->flags & WALK_PARENT)
		return walk_check_search(w);
	if (((w->flags & WALK_DIRECTORY) || w->trailing_slash) &&
	    !S_ISDIR(w->d->inode->mode))
		return -ENOTDIR;
	return 0;
}

int path_walk(const struct walk_ctx *ctx, const char *name, uint32_t flags,
	      struct path *out, struct last_name *last)
{
	struct walk w;
	int err = walk_start(&w, ctx, name, flags);

	if (!err)
		err = walk_all(&w);
	if (!err && (flags & WALK_PARENT))
		fill_last(&w, last);
	if (!err)
		walk_take_position(&w, out);
	walk_end(&w);
	return err;
}

int path_getattr(const struct walk_ctx *ctx, const char *name, uint32_t flags,
		 struct kstat *st, bool *is_root)
{
	struct inode *i = NULL;
	struct walk w;
	int err = walk_start(&w, ctx, name, flags);

	w.peek = st;
	*is_root = false;
	if (!err)
		err = walk_all(&w);
	if (!err && !w.peeked) {
		*is_root = w.d == w.mnt->root;
		i = inode_get(w.d->inode);
	}
	walk_end(&w);
	if (i) {
		err = inode_getattr(i, st);
		inode_put(i);
	}
	return err;
}
