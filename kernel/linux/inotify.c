/* SPDX-License-Identifier: MIT */
/*
 * inotify and dnotify. A watch links an inode (whose reference it holds) and an inotify
 * instance; the file layer reports changes through fs_hooks, which also end
 * file locks when files close.
 *
 * watch_lock guards all links; an instance's own lock its queue. Order:
 * watch_lock, then the instance's. An instance with watches is alive, since
 * release takes its watches away under watch_lock first.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/inotify.h>
#include <linux/stat.h>
#include <asm/ioctls.h>
#include <asm/siginfo.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "fs/notify.h"
#include "lib/string.h"
#include "linux/async.h"
#include "linux/flock.h"
#include "linux/lease.h"
#include "linux/inotify_start.h"
#include "linux/path.h"

#define QUEUE_MAX 16384u
#define IN_OPTIONS (IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | \
		    IN_MASK_CREATE | IN_MASK_ADD | IN_ONESHOT)

struct event {
	struct list link;
	struct inotify_event head;	/* as the program reads it */
	char name[];			/* head.len bytes, padded with 0 */
};

struct inotify {
	struct list watches;	/* under watch_lock */
	int32_t last_wd;	/* under watch_lock */
	struct mutex lock;
	/* under lock */
	struct list events;
	uint32_t nr_events;
	bool overflowed;
	struct waitq wait;
};

struct watch {
	struct list of_inode, of_instance;	/* under watch_lock */
	struct inode *inode;	/* reference */
	struct inotify *in;	/* NULL: it is a dnotify */
	int32_t wd;
	uint32_t mask;		/* under watch_lock */
};

/* F_NOTIFY: the owner of an open directory gets signals. */
struct dnotify {
	struct watch w;		/* mask: DN_* */
	struct async a;
	uint32_t cookie;	/* of the name that went last */
};

static struct mutex watch_lock = MUTEX_INIT;
static const struct file_ops inotify_ops;

/* --- queue ----------------------------------------------------------------*/
static struct event *event_make(int32_t wd, uint32_t mask, uint32_t cookie,
				const char *name)
{
	size_t len = name ? strlen(name) : 0;
	size_t padded = len ? ALIGN_UP(len + 1, sizeof(struct inotify_event)) :
			      0;
	struct event *e = kzalloc(sizeof(*e) + padded);

	if (!e)
		return NULL;
	e->head = (struct inotify_event){ .wd = wd, .mask = mask,
					  .cookie = cookie,
					  .len = (uint32_t)padded };
	if (len)
		memcpy(e->name, name, len);
	return e;
}

static bool same_event(const struct event *a, const struct event *b)
{
	return !memcmp(&a->head, &b->head, sizeof(a->head)) &&
	       !memcmp(a->name, b->name, a->head.len);
}

/* Queue e (taken over; NULL = lost). */
static void queue_event(struct inotify *in, struct event *e)
{
	mutex_lock(&in->lock);
	if (e && !list_is_empty(&in->events) &&
	    same_event(list_entry(in->events.prev, struct event, link), e)) {
		kfree(e);
		mutex_unlock(&in->lock);
		return;
	}
	if (!e || in->nr_events >= QUEUE_MAX) {
		kfree(e);
		e = in->overflowed ? NULL : event_make(-1, IN_Q_OVERFLOW, 0,
						       NULL);
		in->overflowed = true;
	}
	if (e) {
		list_append(&in->events, &e->link);
		in->nr_events++;
	}
	mutex_unlock(&in->lock);
	wait_wake_all(&in->wait, EPOLLIN | EPOLLRDNORM);
}

static void queue_new(struct inotify *in, int32_t wd, uint32_t mask,
		      uint32_t cookie, const char *name)
{
	queue_event(in, event_make(wd, mask, cookie, name));
}

/* --- watches --------------------------------------------------------------*/
/* Unlink w and tell its reader; the caller frees by watch_free. */
static void watch_unlink_locked(struct watch *w)
{
	list_remove(&w->of_inode);
	list_remove(&w->of_instance);
	__atomic_fetch_sub(&fs_nr_watches, 1, __ATOMIC_RELAXED);
	if (w->in)
		queue_new(w->in, w->wd, IN_IGNORED, 0, NULL);
}

static void watch_free(struct watch *w)
{
	if (!w->in)
		async_cancel(&container_of(w, struct dnotify, w)->a);
	inode_put(w->inode);
	kfree(w);
}

/* Free a list of unlinked watches, linked by of_inode. */
static void watch_free_list(struct list *l)
{
	list_for_each_safe(p, l) {
		struct watch *w = list_entry(p, struct watch, of_inode);

		list_remove(&w->of_inode);
		watch_free(w);
	}
}

/* A rename within the directory is what comes in by the cookie that went. */
static uint32_t dnotify_events(struct dnotify *d, uint32_t mask,
			       uint32_t cookie)
{
	uint32_t e = (mask & IN_ACCESS ? DN_ACCESS : 0) |
		     (mask & IN_MODIFY ? DN_MODIFY : 0) |
		     (mask & IN_ATTRIB ? DN_ATTRIB : 0) |
		     (mask & (IN_CREATE | IN_MOVED_TO) ? DN_CREATE : 0) |
		     (mask & (IN_DELETE | IN_MOVED_FROM) ? DN_DELETE : 0);

	if (mask & IN_MOVED_TO && cookie == d->cookie)
		e |= DN_RENAME;
	if (mask & IN_MOVED_FROM)
		d->cookie = cookie;
	return e;
}

static void dnotify_event(struct watch *w, uint32_t mask, uint32_t cookie)
{
	struct dnotify *d = container_of(w, struct dnotify, w);

	if (!(dnotify_events(d, mask, cookie) & w->mask))
		return;
	async_post(&d->a, POLL_MSG);
	/* it has served, and stays until its signal is sent */
	if (!(w->mask & DN_MULTISHOT))
		w->mask = 0;
}

static void notify(struct inode *i, uint32_t mask, uint32_t cookie,
		   const char *name)
{
	struct list dead = LIST_INIT(dead);

	mutex_lock(&watch_lock);
	list_for_each_safe(p, &i->watches) {
		struct watch *w = list_entry(p, struct watch, of_inode);

		if (!w->in) {
			dnotify_event(w, mask, cookie);
			continue;
		}
		if (!(w->mask & mask & IN_ALL_EVENTS) ||
		    w->mask & mask & IN_EXCL_UNLINK)
			continue;
		queue_new(w->in, w->wd, mask & ~(uint32_t)IN_EXCL_UNLINK,
			  cookie, name);
		if (w->mask & IN_ONESHOT) {
			watch_unlink_locked(w);
			list_append(&dead, &w->of_inode);
		}
	}
	mutex_unlock(&watch_lock);
	watch_free_list(&dead);
}

static void gone(struct inode *i)
{
	struct list dead = LIST_INIT(dead);

	if (!S_ISDIR(i->mode))
		notify(i, IN_ATTRIB, 0, NULL);
	mutex_lock(&watch_lock);
	list_for_each_safe(p, &i->watches) {
		struct watch *w = list_entry(p, struct watch, of_inode);

		if (w->in && w->mask & IN_DELETE_SELF)
			queue_new(w->in, w->wd, IN_DELETE_SELF, 0, NULL);
		watch_unlink_locked(w);
		list_append(&dead, &w->of_inode);
	}
	mutex_unlock(&watch_lock);
	watch_free_list(&dead);
}

static void file_closed(struct file *f)
{
	flock_file_closed(f);
	async_file_closed(f);
	lease_file_closed(f);
	if (fs_is_watched() && S_ISDIR(f->inode->mode))
		dnotify_set(f, 0, 0);
	if (fs_is_watched() && f->path.dentry)
		fs_notify_path(&f->path, f->mode & FMODE_WRITE ?
			       IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

/* The watch of f among those of i, or NULL. */
static struct watch *dnotify_of(struct inode *i, const struct file *f)
{
	list_for_each(p, &i->watches) {
		struct watch *w = list_entry(p, struct watch, of_inode);

		if (!w->in && container_of(w, struct dnotify, w)->a.file == f)
			return w;
	}
	return NULL;
}

long dnotify_set(struct file *f, int fd, uint32_t events)
{
	struct inode *i = f->inode;
	struct dnotify *fresh;
	struct watch *w;
	long err = 0;

	if (!S_ISDIR(i->mode))
		return -ENOTDIR;
	fresh = events & ~DN_MULTISHOT ? kzalloc(sizeof(*fresh)) : NULL;
	mutex_lock(&watch_lock);
	w = dnotify_of(i, f);
	if (w && events & ~DN_MULTISHOT) {
		w->mask |= events;
	} else if (w) {
		watch_unlink_locked(w);
	} else if (fresh) {
		w = &fresh->w;
		async_init(&fresh->a, f, fd);
		w->inode = inode_get(i);
		w->mask = events;
		list_init(&w->of_instance);
		list_append(&i->watches, &w->of_inode);
		__atomic_fetch_add(&fs_nr_watches, 1, __ATOMIC_RELAXED);
		fresh = NULL;
	} else if (events & ~DN_MULTISHOT) {
		err = -ENOMEM;
	}
	mutex_unlock(&watch_lock);
	if (w && !(events & ~DN_MULTISHOT))
		watch_free(w);
	kfree(fresh);
	return err;
}

void inotify_start(void)
{
	fs_hooks.notify = notify;
	fs_hooks.gone = gone;
	fs_hooks.file_closed = file_closed;
	fs_hooks.lease_break = lease_break;
}

/* --- the file -------------------------------------------------------------*/
static struct event *event_take(struct inotify *in, size_t room, int *err)
{
	struct event *e = NULL;

	*err = 0;
	mutex_lock(&in->lock);
	if (!list_is_empty(&in->events)) {
		e = list_first(&in->events, struct event, link);
		if (sizeof(e->head) + e->head.len > room) {
			*err = -EINVAL;
			e = NULL;
		} else {
			list_remove(&e->link);
			in->nr_events--;
			if (e->head.mask & IN_Q_OVERFLOW)
				in->overflowed = false;
		}
	}
	mutex_unlock(&in->lock);
	return e;
}

static ssize_t read_events(struct inotify *in, struct uio *u)
{
	size_t done = 0;
	int err;

	for (;;) {
		struct event *e = event_take(in, u->left, &err);
		size_t n;

		if (!e)
			return done ? (ssize_t)done : err;
		n = sizeof(e->head) + e->head.len;
		if (uio_fill(u, &e->head, n) != n)
			err = -EFAULT;
		kfree(e);
		if (err)
			return done ? (ssize_t)done : err;
		done += n;
	}
}

static ssize_t inotify_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inotify *in = f->private;
	struct waiter w;
	ssize_t n;
	int err = 0;

	n = read_events(in, u);
	if (n)
		return n;
	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	wait_begin(&w, &in->wait);
	while (!(n = read_events(in, u)) && !err)
		err = wait_sleep(&w, DEADLINE_NEVER, true);
	wait_end(&w);
	return n ? n : -ERESTARTSYS;
}

static uint32_t inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify *in = f->private;
	bool any;

	poll_add(pt, &in->wait);
	mutex_lock(&in->lock);
	any = !list_is_empty(&in->events);
	mutex_unlock(&in->lock);
	return any ? EPOLLIN | EPOLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct inotify *in = f->private;
	uint32_t n = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&in->lock);
	list_for_each(p, &in->events)
		n += sizeof(struct inotify_event) +
		     list_entry(p, struct event, link)->head.len;
	mutex_unlock(&in->lock);
	return copy_to_user((void *)arg, &n, sizeof(n));
}

static void inotify_release(struct file *f)
{
	struct inotify *in = f->private;
	struct list dead = LIST_INIT(dead);

	mutex_lock(&watch_lock);
	list_for_each_safe(p, &in->watches) {
		struct watch *w = list_entry(p, struct watch, of_instance);

		watch_unlink_locked(w);
		list_append(&dead, &w->of_inode);
	}
	mutex_unlock(&watch_lock);
	watch_free_list(&dead);
	list_for_each_safe(p, &in->events)
		kfree(list_entry(p, struct event, link));
	kfree(in);
}

void inotify_show(struct textbuf *t, const struct file *f)
{
	struct inotify *in = f->private;

	if (f->ops != &inotify_ops)
		return;
	mutex_lock(&watch_lock);
	list_for_each(p, &in->watches) {
		struct watch *w = list_entry(p, struct watch, of_instance);

		textbuf_printf(t, "inotify wd:%x ino:%lx sdev:%x mask:%x "
			       "ignored_mask:0\n", (uint32_t)w->wd,
			       w->inode->ino, (uint32_t)w->inode->sb->dev,
			       w->mask);
	}
	mutex_unlock(&watch_lock);
}

static const struct file_ops inotify_ops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
};

/* --- the calls ------------------------------------------------------------*/
long sys_inotify_init1(uint64_t flags)
{
	struct inotify *in;
	struct file *f;
	int fd;

	if (flags & ~(uint64_t)(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	in = kzalloc(sizeof(*in));
	if (!in)
		return -ENOMEM;
	list_init(&in->watches);
	list_init(&in->events);
	mutex_init(&in->lock);
	waitq_init(&in->wait);
	f = file_create_anon(&inotify_ops, in,
			     O_RDONLY | ((uint32_t)flags & O_NONBLOCK), 0600,
			     "inotify");
	if (!f) {
		kfree(in);
		return -ENOMEM;
	}
	fd = fd_install(f, flags & IN_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

static struct inotify *inotify_of(uint64_t fd, struct file **f, int *err)
{
	*f = fd_get((int)fd);
	*err = *f ? 0 : -EBADF;
	if (!*f)
		return NULL;
	if ((*f)->ops == &inotify_ops)
		return (*f)->private;
	file_put(*f);
	*err = -EINVAL;
	return NULL;
}

static struct watch *find_locked(struct inotify *in, const struct inode *i)
{
	list_for_each(p, &in->watches) {
		struct watch *w = list_entry(p, struct watch, of_instance);

		if (w->inode == i)
			return w;
	}
	return NULL;
}

static int32_t watch_inode(struct inotify *in, struct inode *i, uint32_t mask)
{
	struct watch *fresh = kzalloc(sizeof(*fresh)), *w;
	uint32_t keep = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK);
	int32_t ret;

	mutex_lock(&watch_lock);
	w = find_locked(in, i);
	if (w) {
		ret = mask & IN_MASK_CREATE ? -EEXIST : w->wd;
		if (!(mask & IN_MASK_CREATE))
			w->mask = mask & IN_MASK_ADD ? w->mask | keep : keep;
	} else if (!fresh) {
		ret = -ENOMEM;
	} else {
		w = fresh;
		fresh = NULL;
		*w = (struct watch){ .inode = inode_get(i), .in = in,
				     .wd = ++in->last_wd, .mask = keep };
		list_append(&i->watches, &w->of_inode);
		list_append(&in->watches, &w->of_instance);
		__atomic_fetch_add(&fs_nr_watches, 1, __ATOMIC_RELAXED);
		ret = w->wd;
	}
	mutex_unlock(&watch_lock);
	kfree(fresh);
	return ret;
}

long sys_inotify_add_watch(uint64_t fd, uint64_t name, uint64_t mask)
{
	uint32_t m = (uint32_t)mask;
	struct inotify *in;
	struct file *f;
	struct path p;
	int err;

	if (!(m & (IN_ALL_EVENTS | IN_UNMOUNT)) ||
	    m & ~(uint32_t)(IN_ALL_EVENTS | IN_UNMOUNT | IN_OPTIONS) ||
	    (m & IN_MASK_ADD && m & IN_MASK_CREATE))
		return -EINVAL;
	in = inotify_of(fd, &f, &err);
	if (!in)
		return err;
	err = user_path_walk((uint64_t)AT_FDCWD, name,
			     (m & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW) |
			     (m & IN_ONLYDIR ? WALK_DIRECTORY : 0), &p);
	if (!err) {
		err = inode_permission(path_inode(&p), current_thread()->cred,
				       4);
		if (!err)
			err = watch_inode(in, path_inode(&p), m);
		path_put(&p);
	}
	file_put(f);
	return err;
}

long sys_inotify_rm_watch(uint64_t fd, uint64_t wd)
{
	struct watch *found = NULL;
	struct inotify *in;
	struct file *f;
	int err;

	in = inotify_of(fd, &f, &err);
	if (!in)
		return err;
	mutex_lock(&watch_lock);
	list_for_each(p, &in->watches) {
		struct watch *w = list_entry(p, struct watch, of_instance);

		if (w->wd == (int32_t)wd)
			found = w;
	}
	if (found)
		watch_unlink_locked(found);
	mutex_unlock(&watch_lock);
	if (found)
		watch_free(found);
	file_put(f);
	return found ? 0 : -EINVAL;
}
