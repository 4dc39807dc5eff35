/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks. An inode with locks has a struct flock_list: range locks
 * (POSIX ones are owned by a descriptor table, OFD ones by an open file) and
 * whole-file locks of flock(2). One mutex guards all of it.
 *
 * Whoever must wait queues on the list, tries, sleeps, tries again; every
 * release wakes all waiters of that inode. Waiters for POSIX locks are listed
 * with the owner they wait for, so that a circle is refused with -EDEADLK.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "linux/flock.h"
#include "linux/pid_ns.h"
#include "linux/process.h"

#define RANGE_END INT64_MAX

struct range_lock {
	struct list link;
	const void *owner;	/* struct files or struct file */
	bool ofd;
	int16_t type;		/* F_RDLCK, F_WRLCK; F_UNLCK in requests */
	int32_t pid;
	int64_t start, end;	/* inclusive */
};

struct whole_lock {
	struct list link;
	struct file *file;	/* owner; not a reference */
	bool exclusive;
};

struct flock_list {
	struct list ranges, wholes;
	struct waitq wait;
	uint32_t nr_waiters;
};

/* One sleeper in F_SETLKW, for deadlock detection. */
struct lock_waiter {
	struct list link;
	const void *owner, *blocker;
};

static struct mutex flock_lock = MUTEX_INIT;
static struct list lock_waiters = LIST_INIT(lock_waiters);

/* --- the list of an inode -------------------------------------------------*/
static struct flock_list *list_of(struct inode *i)
{
	return __atomic_load_n(&i->locks, __ATOMIC_ACQUIRE);
}

static struct flock_list *list_make_locked(struct inode *i)
{
	struct flock_list *l = i->locks;

	if (l)
		return l;
	l = kzalloc(sizeof(*l));
	if (!l)
		return NULL;
	list_init(&l->ranges);
	list_init(&l->wholes);
	waitq_init(&l->wait);
	__atomic_store_n(&i->locks, l, __ATOMIC_RELEASE);
	return l;
}

static void list_trim_locked(struct inode *i)
{
	struct flock_list *l = i->locks;

	if (!l || l->nr_waiters || !list_is_empty(&l->ranges) ||
	    !list_is_empty(&l->wholes))
		return;
	__atomic_store_n(&i->locks, NULL, __ATOMIC_RELEASE);
	kfree(l);
}

/* --- ranges ---------------------------------------------------------------*/
static bool overlaps(const struct range_lock *a, const struct range_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static struct range_lock *conflict_locked(struct flock_list *l,
					  const struct range_lock *want)
{
	list_for_each(p, &l->ranges) {
		struct range_lock *r = list_entry(p, struct range_lock, link);

		if (r->owner != want->owner && overlaps(r, want) &&
		    (r->type == F_WRLCK || want->type == F_WRLCK))
			return r;
	}
	return NULL;
}

static struct range_lock *range_copy(const struct range_lock *from)
{
	struct range_lock *r = kmalloc(sizeof(*r));

	if (r) {
		*r = *from;
		list_init(&r->link);
	}
	return r;
}

/* Cut want's range out of r, which overlaps it; *spare becomes the part
 * behind if both ends remain. */
static void range_cut(struct range_lock *r, const struct range_lock *want,
		      struct range_lock **spare)
{
	if (r->start < want->start && r->end > want->end) {
		struct range_lock *tail = *spare;

		*spare = NULL;
		*tail = *r;
		tail->start = want->end + 1;
		list_add_before(r->link.next, &tail->link);
		r->end = want->start - 1;
	} else if (r->start < want->start) {
		r->end = want->start - 1;
	} else if (r->end > want->end) {
		r->start = want->end + 1;
	} else {
		list_remove(&r->link);
		kfree(r);
	}
}

static bool adjoins(const struct range_lock *a, const struct range_lock *b)
{
	return overlaps(a, b) ||
	       (a->end != RANGE_END && a->end + 1 == b->start) ||
	       (b->end != RANGE_END && b->end + 1 == a->start);
}

/* An owner's locks stand together, by their start: F_GETLK tells the first. */
static struct list *place_of_locked(struct flock_list *l,
				    const struct range_lock *add)
{
	struct list *at = &l->ranges;

	list_for_each(p, &l->ranges) {
		struct range_lock *r = list_entry(p, struct range_lock, link);

		if (r->owner != add->owner)
			continue;
		if (r->start > add->start)
			return p;
		at = p->next;
	}
	return at;
}

/* Give want's owner exactly want on its range. No conflict is left. */
static int range_apply_locked(struct flock_list *l,
			      const struct range_lock *want)
{
	struct range_lock *spare = range_copy(want), *add = range_copy(want);

	if (!spare || !add) {
		kfree(spare);
		kfree(add);
		return -ENOMEM;
	}
	list_for_each_safe(p, &l->ranges) {
		struct range_lock *r = list_entry(p, struct range_lock, link);

		if (r->owner != want->owner)
			continue;
		if (r->type == add->type && adjoins(r, add)) {
			add->start = MIN(add->start, r->start);
			add->end = MAX(add->end, r->end);
			list_remove(&r->link);
			kfree(r);
		} else if (overlaps(r, want)) {
			range_cut(r, want, &spare);
		}
	}
	if (want->type == F_UNLCK)
		kfree(add);
	else
		list_add_before(place_of_locked(l, add), &add->link);
	kfree(spare);
	return 0;
}

/* Does blocker wait, directly or not, for owner? */
static bool deadlock_locked(const void *owner, const void *blocker)
{
	for (uint32_t depth = 0; depth < 64; depth++) {
		const void *next = NULL;

		list_for_each(p, &lock_waiters) {
			struct lock_waiter *w =
				list_entry(p, struct lock_waiter, link);

			if (w->owner == blocker)
				next = w->blocker;
		}
		if (!next)
			return false;
		if (next == owner)
			return true;
		blocker = next;
	}
	return false;
}

/* One try. Returns 0, -EAGAIN (with *blocker), -ENOMEM, -EDEADLK. */
static int range_try(struct inode *i, const struct range_lock *want,
		     struct lock_waiter *w)
{
	struct flock_list *l;
	struct range_lock *c = NULL;
	int err = 0;

	mutex_lock(&flock_lock);
	if (w)
		list_remove(&w->link);
	l = want->type == F_UNLCK ? i->locks : list_make_locked(i);
	if (!l) {
		err = want->type == F_UNLCK ? 0 : -ENOMEM;
		goto out;
	}
	if (want->type != F_UNLCK)
		c = conflict_locked(l, want);
	if (!c) {
		err = range_apply_locked(l, want);
		if (!err)
			wait_wake_all(&l->wait, 0);
	} else if (w && !want->ofd && deadlock_locked(want->owner, c->owner)) {
		err = -EDEADLK;
	} else {
		err = -EAGAIN;
		if (w) {
			w->owner = want->owner;
			w->blocker = c->owner;
			if (!want->ofd)
				list_append(&lock_waiters, &w->link);
		}
	}
	list_trim_locked(i);
out:
	mutex_unlock(&flock_lock);
	return err;
}

/* Count the caller as a waiter, so that the list stays. */
static struct flock_list *waiter_enter(struct inode *i, struct waiter *w)
{
	struct flock_list *l;

	mutex_lock(&flock_lock);
	l = list_make_locked(i);
	if (l) {
		l->nr_waiters++;
		wait_begin(w, &l->wait);
	}
	mutex_unlock(&flock_lock);
	return l;
}

static void waiter_leave(struct inode *i, struct flock_list *l,
			 struct waiter *w)
{
	wait_end(w);
	mutex_lock(&flock_lock);
	l->nr_waiters--;
	list_trim_locked(i);
	mutex_unlock(&flock_lock);
}

static int range_set(struct inode *i, const struct range_lock *want, bool wait)
{
	struct lock_waiter lw;
	struct flock_list *l;
	struct waiter w;
	int err = 0, try;

	if (!wait || want->type == F_UNLCK)
		return range_try(i, want, NULL);
	list_init(&lw.link);
	l = waiter_enter(i, &w);
	if (!l)
		return -ENOMEM;
	while ((try = range_try(i, want, &lw)) == -EAGAIN && !err)
		err = wait_sleep(&w, DEADLINE_NEVER, true);
	mutex_lock(&flock_lock);
	list_remove(&lw.link);
	mutex_unlock(&flock_lock);
	waiter_leave(i, l, &w);
	return try == -EAGAIN ? -ERESTARTSYS : try;
}

/* --- fcntl ----------------------------------------------------------------*/
static int range_from_user(struct file *f, const struct flock *u,
			   struct range_lock *r)
{
	int64_t base = u->l_whence == SEEK_CUR ? (int64_t)f->pos :
		       u->l_whence == SEEK_END ? (int64_t)f->inode->size : 0;
	int64_t start, end = RANGE_END;

	if (u->l_whence < SEEK_SET || u->l_whence > SEEK_END)
		return -EINVAL;
	if (__builtin_add_overflow(base, u->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	if (u->l_len > 0) {
		if (__builtin_add_overflow(start, u->l_len - 1, &end))
			return -EOVERFLOW;
	} else if (u->l_len < 0) {
		if (start + u->l_len < 0)
			return -EINVAL;
		end = start - 1;
		start += u->l_len;
	}
	r->start = start;
	r->end = end;
	r->type = u->l_type;
	return u->l_type == F_RDLCK || u->l_type == F_WRLCK ||
	       u->l_type == F_UNLCK ? 0 : -EINVAL;
}

static long range_get(struct inode *i, const struct range_lock *want,
		      struct flock *u, uaddr_t user)
{
	struct flock_list *l;
	struct range_lock *c;

	mutex_lock(&flock_lock);
	l = i->locks;
	c = l ? conflict_locked(l, want) : NULL;
	u->l_type = F_UNLCK;
	if (c) {
		u->l_type = c->type;
		u->l_whence = SEEK_SET;
		u->l_start = c->start;
		u->l_len = c->end == RANGE_END ? 0 : c->end - c->start + 1;
		u->l_pid = c->ofd ? -1 : c->pid;
	}
	mutex_unlock(&flock_lock);
	if (c && u->l_pid > 0)
		u->l_pid = (int)pid_to_user((uint32_t)u->l_pid);
	return copy_to_user((void *)user, u, sizeof(*u));
}

long flock_fcntl(struct file *f, uint32_t cmd, uaddr_t user)
{
	struct thread *t = current_thread();
	struct range_lock want = { .pid = (int32_t)t->process->pid };
	struct flock u;
	int err;

	want.ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK ||
		   cmd == F_OFD_SETLKW;
	want.owner = want.ofd ? (void *)f : (void *)t->files;
	list_init(&want.link);
	if (copy_from_user(&u, (void *)user, sizeof(u)))
		return -EFAULT;
	err = range_from_user(f, &u, &want);
	if (err)
		return err;
	if (want.ofd && u.l_pid)
		return -EINVAL;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK) {
		if (want.type == F_UNLCK && !want.ofd)
			return -EINVAL;
		return range_get(f->inode, &want, &u, user);
	}
	if ((want.type == F_RDLCK && !(f->mode & FMODE_READ)) ||
	    (want.type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	return range_set(f->inode, &want,
			 cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

/* --- flock(2) -------------------------------------------------------------*/
/* Remove f's lock; true if there was one of another kind than keep. */
static bool whole_remove_locked(struct flock_list *l, const struct file *f)
{
	list_for_each_safe(p, &l->wholes) {
		struct whole_lock *w = list_entry(p, struct whole_lock, link);

		if (w->file != f)
			continue;
		list_remove(&w->link);
		kfree(w);
		wait_wake_all(&l->wait, 0);
		return true;
	}
	return false;
}

static int whole_try(struct file *f, bool exclusive)
{
	struct inode *i = f->inode;
	struct whole_lock *n;
	struct flock_list *l;
	int err = -ENOMEM;

	mutex_lock(&flock_lock);
	l = list_make_locked(i);
	n = l ? kmalloc(sizeof(*n)) : NULL;
	if (!n)
		goto out;
	list_for_each(p, &l->wholes) {
		struct whole_lock *w = list_entry(p, struct whole_lock, link);

		if (w->file == f && w->exclusive == exclusive) {
			err = 0;
			goto out;
		}
	}
	whole_remove_locked(l, f);
	err = 0;
	list_for_each(p, &l->wholes)
		if (exclusive ||
		    list_entry(p, struct whole_lock, link)->exclusive)
			err = -EAGAIN;
	if (!err) {
		n->file = f;
		n->exclusive = exclusive;
		list_append(&l->wholes, &n->link);
		n = NULL;
	}
out:
	kfree(n);
	list_trim_locked(i);
	mutex_unlock(&flock_lock);
	return err;
}

static int whole_wait(struct file *f, bool exclusive)
{
	struct flock_list *l;
	struct waiter w;
	int err = 0, try;

	l = waiter_enter(f->inode, &w);
	if (!l)
		return -ENOMEM;
	while ((try = whole_try(f, exclusive)) == -EAGAIN && !err)
		err = wait_sleep(&w, DEADLINE_NEVER, true);
	waiter_leave(f->inode, l, &w);
	return try == -EAGAIN ? -ERESTARTSYS : try;
}

static void whole_unlock(struct file *f)
{
	mutex_lock(&flock_lock);
	if (f->inode->locks) {
		whole_remove_locked(f->inode->locks, f);
		list_trim_locked(f->inode);
	}
	mutex_unlock(&flock_lock);
}

long sys_flock(uint64_t fd, uint64_t op)
{
	struct file *f;
	long ret = 0;
	uint32_t how = (uint32_t)op & ~(uint32_t)LOCK_NB;

	if (op & LOCK_MAND)
		return 0;	/* once meant share modes: accepted, ignored */
	if (how != LOCK_SH && how != LOCK_EX && how != LOCK_UN)
		return -EINVAL;
	f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	if (how == LOCK_UN)
		whole_unlock(f);
	else if (op & LOCK_NB)
		ret = whole_try(f, how == LOCK_EX);
	else
		ret = whole_wait(f, how == LOCK_EX);
	file_put(f);
	return ret;
}

/* --- the end of descriptors and files -------------------------------------*/
static void owner_drop(struct inode *i, const void *owner)
{
	struct flock_list *l;
	bool any = false;

	mutex_lock(&flock_lock);
	l = i->locks;
	if (l) {
		list_for_each_safe(p, &l->ranges) {
			struct range_lock *r =
				list_entry(p, struct range_lock, link);

			if (r->owner != owner)
				continue;
			list_remove(&r->link);
			kfree(r);
			any = true;
		}
		if (any)
			wait_wake_all(&l->wait, 0);
		list_trim_locked(i);
	}
	mutex_unlock(&flock_lock);
}

void flock_descriptor_closed(struct files *fs, struct file *f)
{
	if (f->inode && list_of(f->inode))
		owner_drop(f->inode, fs);
}

void flock_file_closed(struct file *f)
{
	if (!f->inode || !list_of(f->inode))
		return;
	owner_drop(f->inode, f);
	whole_unlock(f);
}
