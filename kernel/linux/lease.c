/* SPDX-License-Identifier: MIT */
/*
 * File leases: inode->leases is a list of those that open files have, all
 * guarded by lease_lock. Who opens a file in a way that a lease stands against
 * has its owner told by a signal (async.c), and waits until the lease has come
 * down, by its owner or after a time.
 *
 * Opens are counted (inode->writers, readers) before they look for leases;
 * lease_set enters a lease before it looks at the counts.
 */
#include "linux/lease.h"
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <asm/siginfo.h>
#include "core/heap.h"
#include "core/timer.h"
#include "lib/string.h"
#include "linux/async.h"
#include "linux/process.h"

#define BREAK_TIME_NS	(45 * NSEC_PER_SEC)	/* fs.lease-break-time */

struct lease {
	struct lease *next;
	struct file *file;	/* borrowed */
	struct async signal;
	uint32_t type;		/* F_RDLCK, F_WRLCK */
	uint32_t target;	/* what is asked for; type: nothing is */
	uint64_t deadline;	/* when it comes to that by itself */
};

static struct mutex lease_lock = MUTEX_INIT;
static struct waitq changed = WAITQ_INIT(changed);	/* any lease */

static struct lease **place_of(struct inode *i, const struct file *f)
{
	struct lease **at = &i->leases;

	while (*at && (*at)->file != f)
		at = &(*at)->next;
	return at;
}

static void remove_locked(struct lease **at)
{
	struct lease *l = *at;

	async_cancel(&l->signal);
	l->file->fown_pid = 0;		/* as on Linux */
	l->file->fown_sig = 0;
	__atomic_store_n(at, l->next, __ATOMIC_SEQ_CST);
	kfree(l);
}

/* Those whose time is over come down. */
static void expire_locked(struct inode *i)
{
	struct lease **at = &i->leases;

	while (*at) {
		struct lease *l = *at;

		if (l->target != l->type && clock_mono_ns() >= l->deadline)
			l->type = l->target;
		if (l->type == F_UNLCK)
			remove_locked(at);
		else
			at = &l->next;
	}
}

/* --- breaking -----------------------------------------------------------------*/
/* Ask those that stand against it. Returns when to look again; 0: nobody. */
static uint64_t ask_locked(struct inode *i, bool write)
{
	uint32_t target = write ? F_UNLCK : F_RDLCK;
	uint64_t until = 0;

	expire_locked(i);
	for (struct lease *l = i->leases; l; l = l->next) {
		if (!write && l->type != F_WRLCK)
			continue;
		if (l->target != F_UNLCK && l->target != target) {
			l->target = target;
			l->deadline = clock_mono_ns() + BREAK_TIME_NS;
			async_post(&l->signal, POLL_MSG);
		}
		until = until ? MIN(until, l->deadline) : l->deadline;
	}
	return until;
}

/* What is posted for others goes out when the caller returns to user mode, so
 * its sleep ends at once; then it comes again. */
int lease_break(struct inode *i, uint32_t flags)
{
	bool write = (flags & O_ACCMODE) != O_RDONLY;
	struct waiter w;
	int err = 0;

	wait_begin(&w, &changed);
	while (!err) {
		uint64_t until;

		mutex_lock(&lease_lock);
		until = ask_locked(i, write);
		mutex_unlock(&lease_lock);
		if (!until)
			break;
		err = flags & O_NONBLOCK ? -EWOULDBLOCK :
					   wait_sleep(&w, until, true);
		if (err == -ETIMEDOUT)
			err = 0;
	}
	wait_end(&w);
	return err == -EINTR ? -ERESTARTSYS : err;
}

/* --- asking for one -------------------------------------------------------------*/
static int check(struct file *f, uint32_t type)
{
	const struct cred *c = current_thread()->cred;
	const char *fs = f->inode->sb->type;

	if (type > F_UNLCK)
		return -EINVAL;
	if (f->inode->uid != c->fsuid && !cred_has_cap(c, CAP_LEASE))
		return -EACCES;
	if (!S_ISREG(f->inode->mode))
		return -EINVAL;
	/* of files of the host others can not be kept */
	return strcmp(fs, "tmpfs") && strcmp(fs, "overlay") ? -EAGAIN : 0;
}

/* Is it open only as this lease can stand? */
static bool may_have(const struct file *f, uint32_t type)
{
	int32_t writers = __atomic_load_n(&f->inode->writers, __ATOMIC_SEQ_CST);
	int32_t readers = __atomic_load_n(&f->inode->readers, __ATOMIC_SEQ_CST);

	return type == F_RDLCK ? writers <= 0 :
	       writers == f->counted_writer && readers == f->counted_reader;
}

/* Enter l, or change f's to its type. True: l is in use now. */
static bool enter_locked(struct file *f, struct lease *l, int *err)
{
	struct lease **at, *other, *mine;

	expire_locked(f->inode);
	for (other = f->inode->leases; other; other = other->next)
		if (other->file != f && (l->type == F_WRLCK ||
					 other->target == F_UNLCK))
			*err = -EAGAIN;
	if (*err)
		return false;
	at = place_of(f->inode, f);
	mine = *at;
	if (!mine)
		__atomic_store_n(at, l, __ATOMIC_SEQ_CST);
	if (!may_have(f, l->type)) {
		if (!mine)
			__atomic_store_n(at, NULL, __ATOMIC_SEQ_CST);
		*err = -EAGAIN;
		return false;
	}
	if (mine)
		mine->type = mine->target = l->type;
	return !mine;
}

static long add(struct file *f, int fd, uint32_t type)
{
	struct lease *l = kzalloc(sizeof(*l));
	bool used;
	int err = 0;

	if (!l)
		return -ENOMEM;
	async_init(&l->signal, f, fd);
	l->file = f;
	l->type = l->target = type;
	mutex_lock(&lease_lock);
	used = enter_locked(f, l, &err);
	mutex_unlock(&lease_lock);
	if (!used)
		kfree(l);
	return err;
}

static long drop(struct file *f)
{
	struct lease **at;
	long err = -EAGAIN;

	mutex_lock(&lease_lock);
	at = place_of(f->inode, f);
	if (*at) {
		remove_locked(at);
		err = 0;
	}
	mutex_unlock(&lease_lock);
	return err;
}

long lease_set(struct file *f, int fd, uint32_t type)
{
	long err = check(f, type);

	if (!err)
		err = type == F_UNLCK ? drop(f) : add(f, fd, type);
	/* also who asked in vain was in the list for a moment */
	wait_wake_all(&changed, 0);
	return err;
}

uint32_t lease_get(struct file *f)
{
	uint32_t type = F_UNLCK;
	struct lease *l;

	mutex_lock(&lease_lock);
	expire_locked(f->inode);
	l = *place_of(f->inode, f);
	if (l)
		type = l->target;
	mutex_unlock(&lease_lock);
	return type;
}

void lease_file_closed(struct file *f)
{
	if (!__atomic_load_n(&f->inode->leases, __ATOMIC_RELAXED))
		return;
	(void)!drop(f);
	wait_wake_all(&changed, 0);
}
