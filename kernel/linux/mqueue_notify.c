/* SPDX-License-Identifier: MIT */
/*
 * mq_notify: one process per queue is told of the first message in the empty
 * queue, by a signal, or by a record in a netlink socket of its own: with that
 * the C library starts a thread (SIGEV_THREAD). Whichever way the wish ends, the
 * socket gets its record.
 */
#include <asm/siginfo.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "linux/mqueue_priv.h"
#include "linux/sockets.h"

#define COOKIE_SIZE	32u
#define SIGNAL_MAX	64u

struct process *mqueue_forget_owner(struct mqueue *mq, enum mqueue_why why)
{
	struct process *p = mq->owner;

	if (mq->cookie) {
		mq->cookie->data[COOKIE_SIZE - 1] = (uint8_t)why;
		if (sk_queue_record(mq->socket, mq->cookie))
			wait_wake_all(&mq->socket->wait, 0);
		sock_put(mq->socket);
		mq->cookie = NULL;
	}
	mq->owner = NULL;
	return p;
}

struct process *mqueue_tell_owner(struct mqueue *mq)
{
	struct ksiginfo i = { .signo = mq->event.signo, .code = SI_MESGQ };

	if (mq->owner && mq->event.notify == SIGEV_SIGNAL && i.signo) {
		i.kill.pid = (int32_t)current_process()->nr;
		i.kill.uid = current_thread()->cred->uid;
		i.kill.value = mq->event.value;
		signal_send_process(mq->owner, i.signo, &i);
	}
	return mqueue_forget_owner(mq, MQUEUE_WOKEN_UP);
}

/* The cookie of SIGEV_THREAD, and the socket that is to have it. */
static int get_cookie(const struct mq_event *e, struct sk_buf **cookie,
		      struct sock **out)
{
	struct sk_buf *b = sk_buf_create(NULL, COOKIE_SIZE);
	struct file *f;
	struct sock *s;
	int err;

	if (!b)
		return -ENOMEM;
	err = copy_from_user(b->data, (void *)e->value, COOKIE_SIZE);
	if (!err)
		err = socket_get((uint32_t)e->signo, &f, &s);
	if (!err) {
		if (s->domain == AF_NETLINK)
			*out = sock_get(s);
		else
			err = -EINVAL;
		file_put(f);
	}
	if (err)
		sk_buf_free(b);
	else
		*cookie = b;
	return err;
}

static int get_event(uint64_t user, struct mq_event *e, struct sk_buf **cookie,
		     struct sock **s)
{
	if (copy_from_user(e, (void *)user, sizeof(*e)))
		return -EFAULT;
	switch (e->notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL:
		return (uint32_t)e->signo > SIGNAL_MAX ? -EINVAL : 0;
	case SIGEV_THREAD:
		return get_cookie(e, cookie, s);
	default:
		return -EINVAL;
	}
}

/* Takes cookie and socket over if it succeeds. */
static int notify(uint64_t fd, const struct mq_event *e, struct sk_buf *cookie,
		  struct sock *s)
{
	struct process *self = current_process(), *gone = NULL;
	struct file *f = mqueue_get(fd, 0);
	struct mqueue *mq;
	int err = 0;

	if (!f)
		return -EBADF;
	mq = mqueue_of(f);
	mutex_lock(&mq->lock);
	if (!e && mq->owner == self) {
		gone = mqueue_forget_owner(mq, MQUEUE_REMOVED);
	} else if (e && mq->owner) {
		err = -EBUSY;
	} else if (e) {
		mq->owner = process_get(self);
		mq->event = *e;
		mq->cookie = cookie;
		mq->socket = s;
	}
	mutex_unlock(&mq->lock);
	if (gone)
		process_put(gone);
	file_put(f);
	return err;
}

long sys_mq_notify(uint64_t fd, uint64_t user)
{
	struct sk_buf *cookie = NULL;
	struct sock *s = NULL;
	struct mq_event e;
	int err = user ? get_event(user, &e, &cookie, &s) : 0;

	if (err)
		return err;
	err = notify(fd, user ? &e : NULL, cookie, s);
	if (err && cookie) {
		sk_buf_free(cookie);
		sock_put(s);
	}
	return err;
}
