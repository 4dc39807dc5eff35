/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous input and output as io_submit does it for files in memory:
 * what is submitted is done at once, before io_submit returns, and its event
 * waits to be collected. So nothing is ever there to be cancelled.
 *
 * A context's number is the address of a page that is mapped for it: the C
 * library libaio looks there for a ring of events, and asks the kernel when it
 * finds none. Contexts belong to an address space.
 *
 * aio_lock guards the lists of contexts, a context's own lock its events. A
 * reference is held by the list and by each call at work.
 */
#include <linux/aio_abi.h>
#include <linux/eventpoll.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "linux/aio.h"
#include "linux/file_rw.h"
#include "linux/mm_priv.h"
#include "linux/poll_items.h"
#include "linux/timeout.h"

#define AIO_MAX		65536u		/* /proc/sys/fs/aio-max-nr */
#define EVENTS_MAX	(0x10000000u / (uint32_t)sizeof(struct io_event))

struct aio {
	struct list link;	/* mm->aio; under aio_lock */
	struct refcount refs;
	uint64_t id;		/* these set once */
	uint32_t max;
	struct mutex lock;
	/* under lock */
	struct list done;	/* struct done */
	uint32_t nr;		/* submitted and not collected */
	bool dead;
	struct waitq wait;
};

struct done {
	struct list link;
	struct io_event event;
};

static struct mutex aio_lock = MUTEX_INIT;
static uint32_t aio_total;		/* sum of max; under aio_lock */

static void aio_put(struct aio *a)
{
	if (!ref_put(&a->refs))
		return;
	list_for_each_safe(l, &a->done)
		kfree(list_entry(l, struct done, link));
	kfree(a);
}

/* With a reference; NULL: the caller's space has none of that number. */
static struct aio *aio_get(uint64_t id)
{
	struct mm *mm = current_mm();
	struct aio *found = NULL;

	mutex_lock(&aio_lock);
	list_for_each(l, &mm->aio) {
		struct aio *a = list_entry(l, struct aio, link);

		if (a->id == id) {
			ref_get(&a->refs);
			found = a;
		}
	}
	mutex_unlock(&aio_lock);
	return found;
}

/* --- life -------------------------------------------------------------------*/
long sys_io_setup(uint64_t nr_arg, uint64_t user)
{
	uint32_t nr = (uint32_t)nr_arg;
	struct mm *mm = current_mm();
	struct aio *a;
	uint64_t id;
	long page;

	if (user_load64((void *)user, &id))
		return -EFAULT;
	if (id || !nr || nr > EVENTS_MAX)
		return -EINVAL;
	if (nr > AIO_MAX)
		return -EAGAIN;
	a = kzalloc(sizeof(*a));
	page = a ? mm_map(mm, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0) : -ENOMEM;
	if (page < 0) {
		kfree(a);
		return page;
	}
	a->id = (uint64_t)page;
	a->max = nr;
	ref_init(&a->refs, 1);
	mutex_init(&a->lock);
	list_init(&a->done);
	waitq_init(&a->wait);
	mutex_lock(&aio_lock);
	if (aio_total + nr > AIO_MAX) {
		mutex_unlock(&aio_lock);
		mm_unmap(mm, (uaddr_t)page, PAGE_SIZE);
		kfree(a);
		return -EAGAIN;
	}
	aio_total += nr;
	list_append(&mm->aio, &a->link);
	mutex_unlock(&aio_lock);
	if (user_store64((void *)user, (uint64_t)page)) {
		sys_io_destroy((uint64_t)page);
		return -EFAULT;
	}
	return 0;
}

/* Take a out of its list, if it is there; its waiters give up. */
static bool aio_end(struct aio *a)
{
	bool mine;

	mutex_lock(&aio_lock);
	mine = !a->dead;
	if (mine) {
		__atomic_store_n(&a->dead, true, __ATOMIC_RELAXED);
		list_remove(&a->link);
		aio_total -= a->max;
	}
	mutex_unlock(&aio_lock);
	if (mine) {
		wait_wake_all(&a->wait, 0);
		aio_put(a);
	}
	return mine;
}

long sys_io_destroy(uint64_t id)
{
	struct aio *a = aio_get(id);
	bool mine = a && aio_end(a);

	if (a)
		aio_put(a);
	if (mine)
		mm_unmap(current_mm(), id, PAGE_SIZE);
	return mine ? 0 : -EINVAL;
}

void aio_space_gone(struct mm *mm)
{
	while (!list_is_empty(&mm->aio))
		aio_end(list_first(&mm->aio, struct aio, link));
}

/* --- submitting -------------------------------------------------------------*/
static int check_block(const struct iocb *cb, struct file *f, bool write,
		       bool sync)
{
	if (sync) {
		if (cb->aio_buf || cb->aio_offset || cb->aio_nbytes ||
		    cb->aio_rw_flags || !f->ops->fsync)
			return -EINVAL;
		return 0;
	}
	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (!(write ? f->ops->write != NULL : f->ops->read != NULL))
		return -EINVAL;
	return !(f->mode & FMODE_STREAM) &&
	       (cb->aio_offset < 0 ||
		cb->aio_offset + (int64_t)cb->aio_nbytes < 0) ? -EINVAL : 0;
}

/* Do it. Returns 0 with *res, or what makes io_submit fail. */
static int perform(const struct iocb *cb, struct file *f, long *res)
{
	uint32_t op = cb->aio_lio_opcode;
	bool vector = op == IOCB_CMD_PREADV || op == IOCB_CMD_PWRITEV;
	bool write = op == IOCB_CMD_PWRITE || op == IOCB_CMD_PWRITEV;
	bool sync = op == IOCB_CMD_FSYNC || op == IOCB_CMD_FDSYNC;
	uint64_t pos = (uint64_t)cb->aio_offset;
	struct user_iov v;
	int err;

	if (!vector && !write && !sync && op != IOCB_CMD_PREAD)
		return -EINVAL;
	err = check_block(cb, f, write, sync);
	if (err)
		return err;
	if (sync) {
		*res = f->ops->fsync(f, op == IOCB_CMD_FDSYNC);
		return 0;
	}
	err = vector ? user_iov_init(&v, cb->aio_buf, cb->aio_nbytes) :
		       user_iov_one(&v, cb->aio_buf, cb->aio_nbytes);
	if (err)
		return err;
	*res = rw_vector(f, &v.uio, f->mode & FMODE_STREAM ? NULL : &pos,
			 (uint32_t)cb->aio_rw_flags, write);
	user_iov_fini(&v);
	if (*res == -EOPNOTSUPP && cb->aio_rw_flags)
		return -EOPNOTSUPP;
	if (*res <= -ERESTARTSYS)
		*res = -EINTR;
	return 0;
}

/* The event of what is done; room for it was made before. */
static void complete(struct aio *a, struct done *d, struct file *event)
{
	mutex_lock(&a->lock);
	list_append(&a->done, &d->link);
	mutex_unlock(&a->lock);
	wait_wake_all(&a->wait, 0);
	if (event)
		eventfd_signal(event);
}

static int submit_to(struct aio *a, const struct iocb *cb, uint64_t user,
		     struct file *f, struct file *event)
{
	struct done *d = kzalloc(sizeof(*d));
	bool full;
	long res;
	int err;

	if (!d)
		return -EAGAIN;
	mutex_lock(&a->lock);
	full = a->nr >= a->max;
	a->nr += !full;
	mutex_unlock(&a->lock);
	if (full) {
		kfree(d);
		return -EAGAIN;
	}
	d->event.data = cb->aio_data;
	d->event.obj = user;
	err = perform(cb, f, &res);
	if (!err) {
		d->event.res = res;
		complete(a, d, event);
		return 0;
	}
	mutex_lock(&a->lock);
	a->nr--;
	mutex_unlock(&a->lock);
	kfree(d);
	return err;
}

static int submit_one(struct aio *a, uint64_t user)
{
	struct file *f, *event = NULL;
	struct iocb cb;
	int err = 0;

	if (copy_from_user(&cb, (void *)user, sizeof(cb)))
		return -EFAULT;
	if (cb.aio_reserved2 || (int64_t)cb.aio_nbytes < 0)
		return -EINVAL;
	f = fd_get((int)cb.aio_fildes);
	if (!f)
		return -EBADF;
	if (cb.aio_flags & IOCB_FLAG_RESFD) {
		event = fd_get((int)cb.aio_resfd);
		err = !event ? -EBADF : eventfd_is(event) ? 0 : -EINVAL;
	}
	if (!err && user_store32((void *)(user + offsetof(struct iocb,
							  aio_key)), 0))
		err = -EFAULT;
	if (!err)
		err = submit_to(a, &cb, user, f, event);
	file_put(event);
	file_put(f);
	return err;
}

long sys_io_submit(uint64_t id, uint64_t nr_arg, uint64_t user)
{
	int64_t nr = (int64_t)nr_arg, i = 0;
	struct aio *a;
	int err = 0;

	if (nr < 0)
		return -EINVAL;
	a = aio_get(id);
	if (!a)
		return -EINVAL;
	for (; i < MIN(nr, (int64_t)a->max); i++) {
		uint64_t cb;

		err = user_load64((uint64_t *)user + i, &cb);
		if (!err)
			err = submit_one(a, cb);
		if (err)
			break;
	}
	aio_put(a);
	return i ? i : err;
}

/* --- collecting -------------------------------------------------------------*/
/* Up to nr. Returns how many, or -EFAULT if not even one. */
static long take(struct aio *a, uint64_t user, int64_t nr)
{
	struct io_event *to = (void *)user;
	long n = 0;

	while (n < nr) {
		struct done *d = NULL;
		bool fault;

		mutex_lock(&a->lock);
		if (!list_is_empty(&a->done)) {
			d = list_first(&a->done, struct done, link);
			list_remove(&d->link);
			a->nr--;
		}
		mutex_unlock(&a->lock);
		if (!d)
			break;
		fault = copy_to_user(&to[n], &d->event, sizeof(d->event));
		kfree(d);
		if (fault)
			return n ? n : -EFAULT;
		n++;
	}
	return n;
}

static long collect(uint64_t id, int64_t min, int64_t nr, uint64_t user,
		    uint64_t deadline)
{
	struct aio *a = aio_get(id);
	struct waiter w;
	long n = 0, more;
	int err = 0;

	if (!a)
		return -EINVAL;
	if (min < 0 || min > nr) {
		aio_put(a);
		return -EINVAL;
	}
	wait_begin(&w, &a->wait);
	for (;;) {
		more = take(a, user + (uint64_t)n * sizeof(struct io_event),
			    nr - n);
		n += MAX(more, 0);
		if (more < 0 || n >= min || err)
			break;
		err = __atomic_load_n(&a->dead, __ATOMIC_RELAXED) ? -EINVAL :
		      !deadline ? -ETIMEDOUT : wait_sleep(&w, deadline, true);
	}
	wait_end(&w);
	aio_put(a);
	return n ? n : more < 0 ? more : err == -ETIMEDOUT ? 0 : err;
}

long sys_io_getevents(uint64_t id, uint64_t min, uint64_t nr, uint64_t events,
		      uint64_t timeout)
{
	uint64_t deadline;
	int err = user_deadline_get(timeout, &deadline);

	return err ? err : collect(id, (int64_t)min, (int64_t)nr, events,
				   deadline);
}

long sys_io_pgetevents(uint64_t id, uint64_t min, uint64_t nr, uint64_t events,
		       uint64_t timeout, uint64_t user)
{
	uint64_t mask[2] = { 0 }, deadline;
	long ret = user_deadline_get(timeout, &deadline);

	if (!ret && user && copy_from_user(mask, (void *)user, sizeof(mask)))
		ret = -EFAULT;
	if (!ret)
		ret = temp_mask_begin(mask[0], mask[1]);
	if (ret)
		return ret;
	ret = collect(id, (int64_t)min, (int64_t)nr, events, deadline);
	temp_mask_end(ret == -EINTR);
	return ret;
}

long sys_io_cancel(uint64_t id, uint64_t user, uint64_t result)
{
	uint32_t key;

	return user_load32((void *)(user + offsetof(struct iocb, aio_key)),
			   &key) ? -EFAULT : -EINVAL;
}
