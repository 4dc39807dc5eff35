/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues. Their names are a file system of their own, a tmpfs
 * whose regular files are queues; it is mounted nowhere for mq_open and
 * mq_unlink, which thus find their names whatever the program's root is, and at
 * /dev/mqueue for everybody else. Which queues there are is under ipc_lock; a
 * queue has a lock of its own, which is taken last.
 */
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/mqueue.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/timer.h"
#include "lib/string.h"
#include "linux/mm_priv.h"
#include "linux/mqueue_priv.h"
#include "linux/path.h"
#include "linux/pid_ns.h"
#include "linux/timeout.h"

#define NAME_SIZE	256u
#define STATUS_SIZE	80u	/* what a queue's size is said to be */
#define MESSAGE_COST	96u	/* beyond its bytes, for RLIMIT_MSGQUEUE */
#define HARD_MAX	65536	/* with CAP_SYS_RESOURCE */
#define HARD_SIZE_MAX	(16 << 20)

static struct list queues = LIST_INIT(queues);
static uint32_t nr_queues;
/* Set once, under ipc_lock: what the inodes of the places of names do. */
static struct inode_ops dir_ops, queue_inode_ops;
static int (*base_create)(struct inode *dir, const char *name, uint32_t mode,
			  const struct cred *c, struct inode **out);
static void (*base_evict)(struct inode *i);
/* What mq_open of this task wants to be made; under creating. */
static struct mutex creating = MUTEX_INIT;
static struct task *creator;
static struct mq_attr wanted;

/* --- life of a queue -----------------------------------------------------------*/
static uint64_t cost(const struct mqueue *mq)
{
	return mq->q.max_nr * ((uint64_t)mq->max_size + MESSAGE_COST);
}

static int check_attr(const struct mq_attr *a)
{
	bool all = cred_has_cap(current_thread()->cred, CAP_SYS_RESOURCE);
	int64_t nr = all ? HARD_MAX : (int64_t)ipc_limits[LIMIT_MQ_MAX];
	int64_t size = all ? HARD_SIZE_MAX :
			     (int64_t)ipc_limits[LIMIT_MQ_SIZE_MAX];

	return a->mq_maxmsg <= 0 || a->mq_maxmsg > nr || a->mq_msgsize <= 0 ||
	       a->mq_msgsize > size ? -EINVAL : 0;
}

/* Into the list of queues, if its owner and the system may have it. */
static int admit(struct mqueue *mq)
{
	uint64_t used = cost(mq);

	if (nr_queues >= ipc_limits[LIMIT_MQ_QUEUES] &&
	    !cred_has_cap(current_thread()->cred, CAP_SYS_RESOURCE))
		return -ENOSPC;
	list_for_each(l, &queues) {
		struct mqueue *other = list_entry(l, struct mqueue, link);

		if (other->uid == mq->uid)
			used += cost(other);
	}
	if (used > mm_limit(RLIMIT_MSGQUEUE))
		return -EMFILE;
	list_append(&queues, &mq->link);
	nr_queues++;
	return 0;
}

static void leave(struct mqueue *mq)
{
	mutex_lock(&ipc_lock);
	list_remove(&mq->link);
	nr_queues--;
	mutex_unlock(&ipc_lock);
}

static int make_queue(struct mqueue **out)
{
	struct mq_attr a = {
		.mq_maxmsg = (int64_t)MIN(ipc_limits[LIMIT_MQ_DEFAULT],
					  ipc_limits[LIMIT_MQ_MAX]),
		.mq_msgsize = (int64_t)MIN(ipc_limits[LIMIT_MQ_SIZE_DEFAULT],
					   ipc_limits[LIMIT_MQ_SIZE_MAX]),
	};
	struct mqueue *mq = kzalloc(sizeof(*mq));
	int err;

	if (!mq)
		return -ENOMEM;
	if (creator == current_task() && wanted.mq_maxmsg)
		a = wanted;
	msgq_init(&mq->q);
	waitq_init(&mq->wait);
	mutex_init(&mq->lock);
	mq->q.by_priority = true;
	mq->q.max_bytes = UINT64_MAX;
	mq->q.max_nr = (uint64_t)a.mq_maxmsg;
	mq->max_size = a.mq_msgsize;
	mq->uid = current_thread()->cred->uid;
	mutex_lock(&ipc_lock);
	err = admit(mq);
	mutex_unlock(&ipc_lock);
	if (err)
		kfree(mq);
	*out = mq;
	return err;
}

/* --- files -----------------------------------------------------------------------*/
static ssize_t mq_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct mqueue *mq = mqueue_of(f);
	char text[STATUS_SIZE];
	size_t n;

	mutex_lock(&mq->lock);
	n = (size_t)snprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d "
			     "SIGNO:%-5d NOTIFY_PID:%-6d\n", mq->q.bytes,
			     mq->owner ? mq->event.notify : 0,
			     mq->owner && !mq->event.notify ?
			     mq->event.signo : 0,
			     mq->owner ? (int)pid_to_user(mq->owner->pid) : 0);
	mutex_unlock(&mq->lock);
	if (*pos >= n || !u->left)
		return 0;
	n = uio_fill(u, text + *pos, MIN(n - *pos, u->left));
	*pos += n;
	return n ? (ssize_t)n : -EFAULT;
}

static uint32_t mq_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *mq = mqueue_of(f);
	uint64_t nr;

	poll_add(pt, &mq->wait);
	nr = __atomic_load_n(&mq->q.nr, __ATOMIC_ACQUIRE);
	return (nr ? EPOLLIN | EPOLLRDNORM : 0) |
	       (nr < mq->q.max_nr ? EPOLLOUT | EPOLLWRNORM : 0);
}

/* Each close by the one who is to be told ends that. */
static void mq_flush(struct file *f)
{
	struct mqueue *mq = mqueue_of(f);
	struct process *p = NULL;

	mutex_lock(&mq->lock);
	if (mq->owner == current_process())
		p = mqueue_forget_owner(mq, MQUEUE_REMOVED);
	mutex_unlock(&mq->lock);
	if (p)
		process_put(p);
}

static const struct file_ops queue_ops = {
	.read = mq_read,
	.poll = mq_poll,
	.flush = mq_flush,
};

static int mq_create(struct inode *dir, const char *name, uint32_t mode,
		     const struct cred *c, struct inode **out)
{
	struct mqueue *mq;
	int err = make_queue(&mq);

	if (err)
		return err;
	err = base_create(dir, name, mode, c, out);
	if (err) {
		leave(mq);
		kfree(mq);
		return err;
	}
	(*out)->ops = &queue_inode_ops;
	(*out)->file_ops = &queue_ops;
	(*out)->attached = mq;
	(*out)->size = STATUS_SIZE;
	return 0;
}

static void mq_evict(struct inode *i)
{
	struct mqueue *mq = i->attached;

	leave(mq);
	msgq_fini(&mq->q, 0);
	if (mq->owner)
		process_put(mqueue_forget_owner(mq, MQUEUE_REMOVED));
	kfree(mq);
	base_evict(i);
}

static int no_setattr(struct inode *i, const struct attr *a)
{
	return a->valid & ATTR_SIZE ? 0 : inode_setattr_generic(i, a);
}

/* From those of the first one's root; the same for all. Under ipc_lock. */
static void make_ops(const struct inode_ops *base)
{
	dir_ops = *base;
	base_create = dir_ops.create;
	base_evict = dir_ops.evict;
	queue_inode_ops = (struct inode_ops){
		.setattr = no_setattr, .evict = mq_evict,
	};
	dir_ops.create = mq_create;
	dir_ops.mkdir = NULL;
	dir_ops.mknod = NULL;
	dir_ops.symlink = NULL;
	dir_ops.link = NULL;
	dir_ops.rename = NULL;
	dir_ops.tmpfile = NULL;
}

void mqueue_init_super(struct super *sb)
{
	sb->type = "mqueue";
	if (!base_create)
		make_ops(sb->root->ops);
	sb->root->ops = &dir_ops;
}

/* --- open and unlink -----------------------------------------------------------*/
static int start_walk(uint64_t user, struct walk_ctx *w, char *name)
{
	ssize_t n = strncpy_from_user(name, (char *)user, NAME_SIZE);
	struct mount *m = mqueue_names(false);

	if (n < 0)
		return (int)n;
	if (!m)
		return -ENOMEM;
	if (!n)
		return -ENOENT;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	w->root.mnt = m;
	w->root.dentry = m->root;
	w->start = w->root;
	w->cred = current_thread()->cred;
	return 0;
}

static int open_queue(const struct walk_ctx *w, const char *name,
		      uint32_t flags, uint32_t mode, bool bad_attr,
		      struct file **out)
{
	int err;

	if (!bad_attr)
		return vfs_open(w, name, flags, mode & ~current_umask() & 07777,
				0, out);
	/* attributes matter only if there is no such queue */
	err = vfs_open(w, name, flags & ~(uint32_t)(O_CREAT | O_EXCL), 0, 0,
		       out);
	if (err == -ENOENT)
		return -EINVAL;
	if (err || !(flags & O_EXCL))
		return err;
	file_put(*out);
	return -EEXIST;
}

long sys_mq_open(uint64_t user, uint64_t flags, uint64_t mode, uint64_t attr)
{
	uint32_t f = (uint32_t)flags & (O_ACCMODE | O_CREAT | O_EXCL |
					O_NONBLOCK);
	struct mq_attr a = { 0 };
	char name[NAME_SIZE];
	struct walk_ctx w;
	struct file *file;
	int err, fd;

	if (attr && copy_from_user(&a, (void *)attr, sizeof(a)))
		return -EFAULT;
	err = start_walk(user, &w, name);
	if (err)
		return err;
	if ((f & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	mutex_lock(&creating);
	wanted = a;
	creator = current_task();
	err = open_queue(&w, name, f, (uint32_t)mode,
			 f & O_CREAT && attr && check_attr(&a), &file);
	creator = NULL;
	mutex_unlock(&creating);
	if (err)
		return err;
	fd = fd_install(file, true);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_mq_unlink(uint64_t user)
{
	char name[NAME_SIZE];
	struct walk_ctx w;
	int err = start_walk(user, &w, name);

	return err ? err : vfs_unlink(&w, name);
}

/* --- messages --------------------------------------------------------------------*/
struct file *mqueue_get(uint64_t fd, uint32_t mode)
{
	struct file *f = fd_get((int)fd);

	if (f && f->ops == &queue_ops && (f->mode & mode) == mode)
		return f;
	if (f)
		file_put(f);
	return NULL;
}

static int get_deadline(uint64_t user, uint64_t *deadline)
{
	uint64_t ns;
	int err;

	*deadline = DEADLINE_NEVER;
	if (!user)
		return 0;
	err = user_timespec_get(user, &ns);
	if (!err)
		*deadline = deadline_of_real(ns);
	return err;
}

static int send(struct mqueue *mq, struct msg_wait *w, bool nowait,
		uint64_t deadline, struct process **told)
{
	if (!msgq_has_room(&mq->q, w->msg->len)) {
		if (nowait)
			return -EAGAIN;
		list_append(&mq->q.senders, &w->w.link);
		return ipc_sleep(&w->w, &mq->lock, deadline);
	}
	if (!msgq_put(&mq->q, w->msg) && mq->q.nr == 1)
		*told = mqueue_tell_owner(mq);
	return 0;
}

static long send_to(struct file *f, uint64_t user, uint64_t len,
		    uint64_t prio, uint64_t deadline)
{
	struct msg_wait w = { .pid = (int32_t)current_process()->pid };
	struct mqueue *mq = mqueue_of(f);
	struct process *told = NULL;
	int err;

	if (len > (uint64_t)mq->max_size)
		return -EMSGSIZE;
	err = msg_load(user, len, &w.msg);
	if (err)
		return err;
	w.msg->type = (int64_t)prio;
	task_wakes_begin();
	mutex_lock(&mq->lock);
	err = send(mq, &w, f->flags & O_NONBLOCK, deadline, &told);
	mutex_unlock(&mq->lock);
	wait_wake_all(&mq->wait, EPOLLIN | EPOLLRDNORM);
	task_wakes_end();
	if (told)
		process_put(told);
	if (err)
		kfree(w.msg);
	return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_mq_timedsend(uint64_t fd, uint64_t user, uint64_t len, uint64_t prio,
		      uint64_t timeout)
{
	uint64_t deadline;
	struct file *f;
	long ret = get_deadline(timeout, &deadline);

	if (ret)
		return ret;
	if ((uint32_t)prio >= MQ_PRIO_MAX)
		return -EINVAL;
	f = mqueue_get(fd, FMODE_WRITE);
	if (!f)
		return -EBADF;
	ret = send_to(f, user, len, (uint32_t)prio, deadline);
	file_put(f);
	return ret;
}

static int receive(struct mqueue *mq, struct msg_wait *w, bool nowait,
		   uint64_t deadline)
{
	w->msg = msgq_find(&mq->q, w);
	if (w->msg) {
		msgq_take(&mq->q, w->msg);
		return 0;
	}
	if (nowait)
		return -EAGAIN;
	list_append(&mq->q.receivers, &w->w.link);
	return ipc_sleep(&w->w, &mq->lock, deadline);
}

static long receive_from(struct file *f, uint64_t user, uint64_t len,
			 uint64_t prio, uint64_t deadline)
{
	struct msg_wait w = { .pid = (int32_t)current_process()->pid,
			      .max = len };
	struct mqueue *mq = mqueue_of(f);
	long ret;

	if (len < (uint64_t)mq->max_size)
		return -EMSGSIZE;
	task_wakes_begin();
	mutex_lock(&mq->lock);
	ret = receive(mq, &w, f->flags & O_NONBLOCK, deadline);
	mutex_unlock(&mq->lock);
	wait_wake_all(&mq->wait, EPOLLOUT | EPOLLWRNORM);
	task_wakes_end();
	if (ret)
		return ret == -EINTR ? -ERESTARTSYS : ret;
	ret = (long)w.msg->len;
	if ((prio && user_store32((uint32_t *)prio, (uint32_t)w.msg->type)) ||
	    copy_to_user((void *)user, w.msg->data, w.msg->len))
		ret = -EFAULT;
	kfree(w.msg);
	return ret;
}

long sys_mq_timedreceive(uint64_t fd, uint64_t user, uint64_t len,
			 uint64_t prio, uint64_t timeout)
{
	uint64_t deadline;
	struct file *f;
	long ret = get_deadline(timeout, &deadline);

	if (ret)
		return ret;
	f = mqueue_get(fd, FMODE_READ);
	if (!f)
		return -EBADF;
	ret = receive_from(f, user, len, prio, deadline);
	file_put(f);
	return ret;
}

/* --- attributes ------------------------------------------------------------------*/
long sys_mq_getsetattr(uint64_t fd, uint64_t new, uint64_t old)
{
	struct mq_attr want, a = { 0 };
	struct mqueue *mq;
	struct file *f;

	if (new && copy_from_user(&want, (void *)new, sizeof(want)))
		return -EFAULT;
	if (new && want.mq_flags & ~(int64_t)O_NONBLOCK)
		return -EINVAL;
	f = mqueue_get(fd, 0);
	if (!f)
		return -EBADF;
	mq = mqueue_of(f);
	mutex_lock(&mq->lock);
	a.mq_maxmsg = (int64_t)mq->q.max_nr;
	a.mq_msgsize = mq->max_size;
	a.mq_curmsgs = (int64_t)mq->q.nr;
	a.mq_flags = f->flags & O_NONBLOCK;
	if (new)
		f->flags = (f->flags & ~(uint32_t)O_NONBLOCK) |
			   (uint32_t)want.mq_flags;
	mutex_unlock(&mq->lock);
	file_put(f);
	return old && copy_to_user((void *)old, &a, sizeof(a)) ? -EFAULT : 0;
}
