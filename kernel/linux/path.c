/* SPDX-License-Identifier: MIT */
/*
 * Path names of programs: copying them in, and where a walk starts. Every
 * system call with a path goes through struct user_walk (linux/path.h).
 */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/path.h"

int user_path_get(const char *user_name, char **out)
{
	char *buf = kmalloc(PATH_MAX);
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	n = strncpy_from_user(buf, user_name, PATH_MAX);
	if (n < 0) {
		kfree(buf);
		return (int)n;
	}
	*out = buf;
	return 0;
}

int fs_settle_now(struct fs_state *fs, const struct cred *cred)
{
	const char *name = __atomic_load_n(&fs->cwd_later, __ATOMIC_RELAXED);
	struct walk_ctx w;
	struct path p;
	int err;

	/* another thread did */
	if (!name)
		return 0;
	err = walk_ctx_get(&w, AT_FDCWD, "/");
	if (err)
		return err;
	w.cred = cred;
	err = path_walk(&w, name, WALK_FOLLOW | WALK_DIRECTORY, &p, NULL);
	walk_ctx_put(&w);
	if (err)
		return err;
	mutex_lock(&fs->lock);
	if (fs->cwd_later) {
		struct path old = fs->cwd;

		fs->cwd = p;
		p = old;
		__atomic_store_n(&fs->cwd_later, NULL, __ATOMIC_RELAXED);
	}
	mutex_unlock(&fs->lock);
	path_put(&p);
	return 0;
}

int walk_ctx_get(struct walk_ctx *w, int dirfd, const char *name)
{
	struct thread *t = current_thread();
	struct fs_state *fs = t->fs;
	struct file *f = NULL;
	int err = 0;

	w->cred = t->cred;
	if (name[0] != '/' && dirfd != AT_FDCWD) {
		f = fd_get_any(dirfd);
		if (!f)
			return -EBADF;
		if (!f->path.dentry)
			err = -ENOTDIR;
		else if (name[0] && (f->inode->mode & S_IFMT) != S_IFDIR)
			err = -ENOTDIR;
		if (err) {
			file_put(f);
			return err;
		}
	} else if (name[0] != '/') {
		err = fs_settle(fs);
		if (err)
			return err;
	}
	mutex_lock(&fs->lock);
	w->root = fs->root;
	path_get(&w->root);
	w->start = f ? f->path : name[0] == '/' ? fs->root : fs->cwd;
	path_get(&w->start);
	mutex_unlock(&fs->lock);
	if (f)
		file_put(f);
	return 0;
}

void walk_ctx_put(struct walk_ctx *w)
{
	path_put(&w->root);
	path_put(&w->start);
}

/* Short names, nearly all, need no heap. */
static int user_name_get(struct user_walk *u, const char *user_name)
{
	ssize_t n = strncpy_from_user(u->buf, user_name, sizeof(u->buf));

	u->name = u->buf;
	if (likely(n >= 0))
		return 0;
	return n == -ENAMETOOLONG ? user_path_get(user_name, &u->name) :
				    (int)n;
}

/*
 * Root and working directory that are this thread's alone can only be changed
 * by itself: the walk borrows them. Otherwise references are taken.
 */
static int user_ctx_get(struct user_walk *u, int dirfd)
{
	struct thread *t = current_thread();
	struct fs_state *fs = t->fs;
	int err = fs_settle(fs);

	if (err)
		return err;
	if (ref_read(&fs->refs) == 1 &&
	    (u->name[0] == '/' || dirfd == AT_FDCWD)) {
		u->ctx.cred = t->cred;
		u->ctx.root = fs->root;
		u->ctx.start = u->name[0] == '/' ? fs->root : fs->cwd;
		u->root_counted = u->start_counted = false;
		return 0;
	}
	err = walk_ctx_get(&u->ctx, dirfd, u->name);
	u->root_counted = u->start_counted = true;
	return err;
}

/* What is absolute begins at the directory as well: take its slashes away. */
static void name_make_relative(char *name)
{
	size_t n = 0;

	while (name[n] == '/')
		n++;
	if (n && !name[n])
		name[--n] = '.';
	memmove(name, name + n, strlen(name + n) + 1);
}

int user_walk_init(struct user_walk *u, uint64_t dirfd, uint64_t user_name,
		   bool in_root)
{
	int err = user_name_get(u, (const char *)user_name);

	if (err)
		return err;
	if (unlikely(in_root))
		name_make_relative(u->name);
	err = user_ctx_get(u, (int)dirfd);
	if (err && u->name != u->buf)
		kfree(u->name);
	return err;
}

void user_walk_fini(struct user_walk *u)
{
	if (u->root_counted)
		path_put(&u->ctx.root);
	if (u->start_counted)
		path_put(&u->ctx.start);
	if (u->name != u->buf)
		kfree(u->name);
}

int user_path_walk(uint64_t dirfd, uint64_t user_name, uint32_t walk_flags,
		   struct path *out)
{
	struct user_walk u;
	int err = user_walk_init(&u, dirfd, user_name, false);

	if (err)
		return err;
	err = path_walk(&u.ctx, u.name, walk_flags, out, NULL);
	user_walk_fini(&u);
	return err;
}

int user_path_getattr(uint64_t dirfd, uint64_t user_name, uint32_t walk_flags,
		      struct kstat *st, bool *is_root)
{
	struct user_walk u;
	int err = user_walk_init(&u, dirfd, user_name, false);

	if (err)
		return err;
	err = path_getattr(&u.ctx, u.name, walk_flags, st, is_root);
	user_walk_fini(&u);
	return err;
}

bool user_name_is_empty(uint64_t user_name)
{
	char c;

	return !copy_from_user(&c, (const void *)user_name, 1) && !c;
}

uint32_t current_umask(void)
{
	return __atomic_load_n(&current_thread()->fs->umask, __ATOMIC_RELAXED);
}
