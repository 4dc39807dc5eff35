/* SPDX-License-Identifier: MIT */
/*
 * Directories and symbolic links of host trees: lookup, listing, changes of
 * live trees.
 *
 * A still directory in which several lookups went to the server is listed
 * once, with attributes if it is not large; from then on lookups in it cost
 * no round trip (programs that search paths fail hundreds of lookups).
 */
#include <linux/stat.h>

#include "core/heap.h"
#include "fs/hostfs/hostfs.h"
#include "lib/string.h"

#define LINK_TEXT_MAX	4096u
#define MISSED_FOR_NAMES 2u	/* failed lookups before the names are fetched */
#define ASKED_FOR_NAMES	16u	/* ...or lookups of any outcome */
#define ASKED_FOR_ATTRS	6u	/* lookups with names before attributes are */
#define ATTR_ENTRIES_MAX 8192u
#define LOOKS_MAX	16u
#define DT_DIR		4

/* --- lookup -----------------------------------------------------------------*/

static void fetch_list(struct inode *dir, enum dirlist_attrs want)
{
	struct hostnode *n = hostnode(dir);
	struct dirlist *l;

	if (dirlist_fetch(dir, want, &l)) {
		n->no_list = true;
		return;
	}
	if (n->list)
		dirlist_move_ahead(n->list, l);
	dirlist_put(n->list);
	n->list = l;
	n->nr_asked = 0;
}

/* Fetch the listing of a still directory if that pays. dir->lock held. */
static void prefetch(struct inode *dir)
{
	struct hostnode *n = hostnode(dir);

	if (n->no_list)
		return;
	if (!n->list && (n->nr_missed >= MISSED_FOR_NAMES ||
			 n->nr_asked >= ASKED_FOR_NAMES))
		fetch_list(dir, DIRLIST_NAMES);
	else if (n->list && n->list->nr_attrs < n->list->nr &&
		 n->nr_asked >= (n->list->listed ? 0 : ASKED_FOR_ATTRS) +
				n->list->nr / 64 &&
		 n->list->nr <= ATTR_ENTRIES_MAX)
		fetch_list(dir, DIRLIST_ALL);
}

/*
 * Programs that list a directory either look at its files as well (ls -l, du) or
 * do not (find): what they did lately says which attributes to ask for. A hint
 * that races may spoil.
 */
static uint32_t files_looked_at;

static void note_look(struct dirlist *l, const struct dirlist_entry *e)
{
	uint32_t n = __atomic_load_n(&files_looked_at, __ATOMIC_RELAXED);

	if (!l->listed || l->looked_at || e->type == DT_DIR)
		return;
	l->looked_at = true;
	__atomic_store_n(&files_looked_at, MIN(n + 2, LOOKS_MAX),
			 __ATOMIC_RELAXED);
}

static enum dirlist_attrs attrs_to_list(void)
{
	uint32_t n = __atomic_load_n(&files_looked_at, __ATOMIC_RELAXED);

	if (n)
		__atomic_store_n(&files_looked_at, n - 1, __ATOMIC_RELAXED);
	return n ? DIRLIST_ALL : DIRLIST_DIRS;
}

/* Answer from the listing. Returns 1 if it can not. */
static int lookup_in_list(struct inode *dir, const char *name,
			  struct inode **out)
{
	struct dirlist *l = hostnode(dir)->list;
	struct dirlist_entry *e;

	if (!l)
		return 1;
	e = dirlist_find(l, name);
	if (!e)
		return -ENOENT;
	note_look(l, e);
	if (e->attr == DIRLIST_NONE)
		return 1;
	return hostnode_get(dir->sb, dir, name, &l->attrs[e->attr], 0, out);
}

static int hostfs_peek(struct inode *dir, const char *name, struct kstat *st)
{
	struct dirlist *l = hostnode(dir)->list;
	struct dirlist_entry *e = l ? dirlist_find(l, name) : NULL;

	if (!e)
		return 1;
	note_look(l, e);
	if (e->attr == DIRLIST_NONE)
		return 1;
	hostfs_attr_to_kstat(dir->sb, &l->attrs[e->attr], st);
	return 0;
}

/* A still link's text never changes: keep it where the walk looks for it. */
static void keep_link(struct inode *i, const char *text, size_t len)
{
	char *none = NULL, *copy = kmemdup_str(text, len);

	if (copy && !__atomic_compare_exchange_n(&i->link, &none, copy, false,
						 __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
		kfree(copy);
}

static int lookup_host(struct inode *dir, const char *name, bool want_handle,
		       struct inode **out)
{
	struct fsrv_request rq = { .op = FSRV_LOOKUP };
	bool live = hostfs_of(dir)->live;
	char *text = kmalloc(LINK_TEXT_MAX);
	struct fsrv_reply rp;
	int err, fd = -1;

	if (!text)
		return -ENOMEM;
	rq.flags = (want_handle ? 0 : FSRV_LOOKUP_ATTR) |
		   (live ? 0 : FSRV_LOOKUP_OPEN);
	err = hostnode_call(dir, NULL, &rq, name, NULL, NULL, &rp, text,
			    LINK_TEXT_MAX, &fd);
	if (!err)
		err = hostnode_get(dir->sb, dir, name, &rp.attr, rp.handle,
				   out);
	if (!err && S_ISLNK(rp.attr.mode) && !live &&
	    rp.data_len < LINK_TEXT_MAX)
		keep_link(*out, text, rp.data_len);
	if (!err && fd >= 0)
		hostfd_keep(hostnode(*out), fd);
	else if (fd >= 0)
		plat_fd_close(fd);
	kfree(text);
	return err;
}

static int hostfs_lookup(struct inode *dir, const char *name,
			 struct inode **out)
{
	bool live = hostfs_of(dir)->live, want_handle = true;
	struct inode *known = hostnode_find_name(dir, name);
	int err;

	if (known && !live) {
		*out = known;
		return 0;
	}
	if (known) {
		/* probably the same directory as before */
		want_handle = !hostnode(known)->has_handle;
		err = lookup_host(dir, name, want_handle, out);
		if (err || *out != known)
			hostnode_unname(hostnode(known), dir, name);
		inode_put(known);
		return err;
	}
	if (!live) {
		err = lookup_in_list(dir, name, out);
		if (err == 1) {
			prefetch(dir);
			err = lookup_in_list(dir, name, out);
		}
		if (err != 1)
			return err;
	}
	err = lookup_host(dir, name, true, out);
	hostnode(dir)->nr_asked++;
	hostnode(dir)->nr_missed += err == -ENOENT;
	return err;
}

/* --- listing ------------------------------------------------------------------*/

static int hostdir_open(struct inode *i, struct file *f)
{
	if (S_ISDIR(i->mode))
		f->private = NULL;
	return 0;
}

static void hostdir_release(struct file *f)
{
	dirlist_put(f->private);
}

/*
 * A program that lists a directory and then one in it walks a tree: it is given
 * what came ahead, or what it is about to come to is asked for as well. Returns
 * NULL if that does not help.
 */
static struct dirlist *list_ahead(struct inode *i)
{
	enum dirlist_attrs want =
		__atomic_load_n(&files_looked_at, __ATOMIC_RELAXED) ?
		DIRLIST_ALL : DIRLIST_DIRS;
	struct dirlist *l, *found = NULL;
	struct dirlist_entry *e = NULL;
	struct inode *parent;
	char *name;

	if (!PLAT_SERVES_TREES ||
	    hostnode_name_get(hostnode(i), &parent, &name))
		return NULL;
	mutex_lock(&parent->lock);
	l = hostnode(parent)->list;
	if (l && l->listed)
		e = dirlist_find(l, name);
	if (e)
		found = dirlist_take_ahead(l, e);
	if (e && !dirlist_is_enough(found, want)) {
		dirlist_put(found);
		dirlist_fetch_ahead(parent, e, attrs_to_list());
		found = dirlist_take_ahead(l, e);
	}
	mutex_unlock(&parent->lock);
	kfree(name);
	inode_put(parent);
	return found;
}

/* The list that f reads: made anew at the start of a live directory. */
static int list_for(struct file *f, struct dirlist **out)
{
	struct hostnode *n = hostnode(f->inode);
	struct dirlist *ahead = NULL;
	int err = 0;

	if (hostfs_of(f->inode)->live) {
		if (f->pos == 0 || !f->private) {
			dirlist_put(f->private);
			f->private = NULL;
			err = dirlist_fetch(f->inode, DIRLIST_NAMES, out);
			if (!err)
				f->private = *out;
		}
		*out = f->private;
		return err;
	}
	if (!f->private) {
		if (!__atomic_load_n(&n->list, __ATOMIC_RELAXED))
			ahead = list_ahead(f->inode);
		mutex_lock(&f->inode->lock);
		if (!n->list) {
			n->list = ahead;
			ahead = NULL;
		}
		if (!n->list)
			err = dirlist_fetch(f->inode, attrs_to_list(),
					    &n->list);
		if (!err) {
			n->list->listed = true;
			ref_get(&n->list->refs);
			f->private = n->list;
		}
		mutex_unlock(&f->inode->lock);
		dirlist_put(ahead);
	}
	*out = f->private;
	return err;
}

static uint64_t parent_ino(struct inode *i)
{
	uint64_t ino = i->ino;

	mutex_lock(&hostfs_lock);
	if (hostnode(i)->parent)
		ino = hostnode(i)->parent->ino;
	mutex_unlock(&hostfs_lock);
	return ino;
}

static int hostdir_readdir(struct file *f, struct dir_sink *s)
{
	struct inode *i = f->inode;
	struct dirlist *l;
	int err = list_for(f, &l);

	if (err)
		return err;
	if (f->pos == 0) {
		if (!s->emit(s, ".", 1, i->ino, DT_DIR, 1))
			return 0;
		f->pos = 1;
	}
	if (f->pos == 1) {
		if (!s->emit(s, "..", 2, parent_ino(i), DT_DIR, 2))
			return 0;
		f->pos = 2;
	}
	while (f->pos - 2 < l->nr) {
		struct dirlist_entry *e = &l->entries[f->pos - 2];

		if (!s->emit(s, l->names + e->name_at, e->len, e->ino,
			     e->type, f->pos + 1))
			break;
		f->pos++;
	}
	return 0;
}

static int hostdir_fsync(struct file *f, bool data_only)
{
	struct fsrv_request rq = { .op = FSRV_FSYNC };
	struct fsrv_reply rp;

	if (f->inode->sb->flags & SUPER_READ_ONLY)
		return 0;
	return hostnode_call(f->inode, NULL, &rq, "", NULL, NULL, &rp, NULL,
			     0, NULL);
}

const struct file_ops hostfs_dir_fops = {
	.readdir = hostdir_readdir,
	.fsync = hostdir_fsync,
	.release = hostdir_release,
};

/* --- symbolic links ------------------------------------------------------------*/

static ssize_t hostfs_readlink(struct inode *i, char *buf, size_t size)
{
	char *text = __atomic_load_n(&i->link, __ATOMIC_ACQUIRE);
	struct fsrv_request rq = { .op = FSRV_LOOKUP };
	struct hostnode *n = hostnode(i);
	struct inode *parent = NULL;
	char name[256];
	struct fsrv_reply rp;
	int err;

	if (text) {
		size_t len = MIN(strlen(text), size);

		memcpy(buf, text, len);
		return (ssize_t)len;
	}
	mutex_lock(&hostfs_lock);
	if (n->parent && n->name) {
		parent = inode_get(n->parent);
		strlcpy(name, n->name, sizeof(name));
	}
	mutex_unlock(&hostfs_lock);
	if (!parent)
		return -ENOENT;
	err = hostnode_call(parent, NULL, &rq, name, NULL, NULL, &rp, buf,
			    size, NULL);
	inode_put(parent);
	if (err)
		return err;
	if (!S_ISLNK(rp.attr.mode))
		return -EINVAL;
	if (!hostfs_of(i)->live && rp.data_len < size)
		keep_link(i, buf, rp.data_len);
	return (ssize_t)MIN((size_t)rp.data_len, size);
}

/* --- changes of live trees ------------------------------------------------------*/

/*
 * What the server made belongs to whom the tender is. If the program is
 * somebody else, and the tender may, give it to the program.
 */
static void set_owner(struct inode *dir, struct inode *i,
		      const struct cred *c)
{
	struct attr a = { .valid = ATTR_UID | ATTR_GID, .uid = c->fsuid };

	a.gid = dir->mode & S_ISGID ? dir->gid : c->fsgid;
	if ((i->uid == a.uid && i->gid == a.gid) || hostfs_of(dir)->no_chown)
		return;
	if (hostfs_setattr(i, &a) == -EPERM)
		hostfs_of(dir)->no_chown = true;
}

/* A request that makes (dir, name) and answers like a lookup. */
static int make_object(struct inode *dir, struct fsrv_request *rq,
		       const char *name, const char *data,
		       const struct cred *c, struct inode **out)
{
	struct fsrv_reply rp;
	int err;

	if (data)
		rq->data_len = (uint32_t)strlen(data);
	err = hostnode_call(dir, NULL, rq, name, NULL, data, &rp, NULL, 0,
			    NULL);
	hostnode(dir)->fetched_ns = 0;
	if (!err)
		err = hostnode_get(dir->sb, dir, name, &rp.attr, rp.handle,
				   out);
	if (!err)
		set_owner(dir, *out, c);
	return err;
}

static int hostfs_create_file(struct inode *dir, const char *name,
			      uint32_t mode, const struct cred *c,
			      struct inode **out)
{
	struct fsrv_request rq = { .op = FSRV_CREATE, .flags = 2 /* O_RDWR */,
				   .mode = mode & 07777 };
	struct fsrv_reply rp;
	int err, fd = -1;

	err = hostnode_call(dir, NULL, &rq, name, NULL, NULL, &rp, NULL, 0,
			    &fd);
	hostnode(dir)->fetched_ns = 0;
	if (err == -EEXIST)	/* the host was faster */
		return lookup_host(dir, name, true, out);
	if (!err && fd < 0)
		err = -ENFILE;
	if (err)
		return err;
	err = hostnode_get(dir->sb, dir, name, &rp.attr, 0, out);
	if (err) {
		plat_fd_close(fd);
		return err;
	}
	hostfd_adopt(hostnode(*out), fd, rp.handle);
	set_owner(dir, *out, c);
	return 0;
}

static int hostfs_mkdir(struct inode *dir, const char *name, uint32_t mode,
			const struct cred *c, struct inode **out)
{
	struct fsrv_request rq = { .op = FSRV_MKDIR, .mode = mode & 07777 };

	return make_object(dir, &rq, name, NULL, c, out);
}

static int hostfs_mknod(struct inode *dir, const char *name, uint32_t mode,
			uint64_t rdev, const struct cred *c,
			struct inode **out)
{
	struct fsrv_request rq = { .op = FSRV_MKNOD, .mode = mode };

	return make_object(dir, &rq, name, NULL, c, out);
}

static int hostfs_symlink(struct inode *dir, const char *name,
			  const char *target, const struct cred *c,
			  struct inode **out)
{
	struct fsrv_request rq = { .op = FSRV_SYMLINK };

	return make_object(dir, &rq, name, target, c, out);
}

static int hostfs_link(struct inode *dir, const char *name,
		       struct inode *target)
{
	struct hostnode *n = hostnode(target);
	struct fsrv_request rq = { .op = FSRV_LINK };
	struct inode *parent = NULL;
	struct fsrv_reply rp;
	char old[256];
	int err;

	mutex_lock(&hostfs_lock);
	if (n->parent && n->name) {
		parent = inode_get(n->parent);
		strlcpy(old, n->name, sizeof(old));
	}
	mutex_unlock(&hostfs_lock);
	if (!parent)
		return -ENOENT;
	err = hostnode_call(parent, dir, &rq, old, name, NULL, &rp, NULL, 0,
			    NULL);
	inode_put(parent);
	hostnode(dir)->fetched_ns = 0;
	n->fetched_ns = 0;
	if (!err)
		target->nlink++;
	return err;
}

static int remove_name(struct inode *dir, uint32_t op, const char *name,
		       struct inode *victim)
{
	struct fsrv_request rq = { .op = op };
	struct fsrv_reply rp;
	int err = hostnode_call(dir, NULL, &rq, name, NULL, NULL, &rp, NULL,
				0, NULL);

	if (err)
		return err;
	hostnode_unname(hostnode(victim), dir, name);
	hostnode(dir)->fetched_ns = 0;
	hostnode(victim)->fetched_ns = 0;
	if (S_ISDIR(victim->mode))
		victim->nlink = 0;
	else if (victim->nlink)
		victim->nlink--;
	if (!victim->nlink)
		hostfd_close_idle(hostnode(victim));
	return 0;
}

static int hostfs_unlink(struct inode *dir, const char *name,
			 struct inode *victim)
{
	return remove_name(dir, FSRV_UNLINK, name, victim);
}

static int hostfs_rmdir(struct inode *dir, const char *name,
			struct inode *victim)
{
	return remove_name(dir, FSRV_RMDIR, name, victim);
}

static int hostfs_rename(struct inode *old_dir, const char *old_name,
			 struct inode *old_inode, struct inode *new_dir,
			 const char *new_name, struct inode *new_inode,
			 uint32_t flags)
{
	struct fsrv_request rq = { .op = FSRV_RENAME, .flags = flags };
	char *s1 = kstrdup(new_name), *s2 = kstrdup(old_name);
	struct fsrv_reply rp;
	int err = -ENOMEM;

	if (!s1 || !s2)
		goto out_free;
	err = hostnode_call(old_dir, new_dir, &rq, old_name, new_name, NULL,
			    &rp, NULL, 0, NULL);
	if (err)
		goto out_free;
	hostnode(old_dir)->fetched_ns = 0;
	hostnode(new_dir)->fetched_ns = 0;
	if (new_inode && (flags & 2 /* RENAME_EXCHANGE */)) {
		hostnode_rename(hostnode(new_inode), old_dir, old_name, s2);
		s2 = NULL;
	} else if (new_inode) {
		hostnode_unname(hostnode(new_inode), new_dir, new_name);
		hostnode(new_inode)->fetched_ns = 0;
		if (S_ISDIR(new_inode->mode))
			new_inode->nlink = 0;
		else if (new_inode->nlink)
			new_inode->nlink--;
	}
	hostnode_rename(hostnode(old_inode), new_dir, new_name, s1);
	s1 = NULL;
out_free:
	kfree(s1);
	kfree(s2);
	return err;
}

const struct inode_ops hostfs_dir_ops = {
	.lookup = hostfs_lookup,
	.peek = hostfs_peek,
	.create = hostfs_create_file,
	.mkdir = hostfs_mkdir,
	.mknod = hostfs_mknod,
	.symlink = hostfs_symlink,
	.link = hostfs_link,
	.unlink = hostfs_unlink,
	.rmdir = hostfs_rmdir,
	.rename = hostfs_rename,
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
	.getxattr = hostfs_getxattr,
	.listxattr = hostfs_listxattr,
	.open = hostdir_open,
	.evict = hostnode_evict,
};

const struct inode_ops hostfs_link_ops = {
	.readlink = hostfs_readlink,
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
	.evict = hostnode_evict,
};
