/* SPDX-License-Identifier: MIT */
/*
 * Signals of files to their owners. O_ASYNC keeps waiters on the wait queues
 * of a pipe, socket or terminal, as epoll does; their call-backs, and dnotify,
 * post. Posting happens under locks of all kinds, sending takes process_lock:
 * so what is posted waits in a list until the task that caused it returns to
 * user mode, which is before its call ends; a system task asks the clock.
 *
 * async_lock guards the list; under it only the clock is asked. set_lock is
 * taken before all that file_poll takes.
 */
#include "linux/async.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include "core/heap.h"
#include "core/timer.h"
#include "linux/process.h"

#define NR_WAITS 3

struct async_wait {
	struct waiter w;
	struct async_file *of;
};

/* Of a file with O_ASYNC. */
struct async_file {
	struct poll_table pt;
	struct async a;
	struct async_wait waits[NR_WAITS];
	uint32_t nr;
};

/* A signal on its way: copied out of the list. */
struct letter {
	int32_t owner, fd, signo, code;
	uint32_t type, uid, euid;
};

static struct mutex async_lock = MUTEX_INIT;
static struct mutex set_lock = MUTEX_INIT;	/* file->async */
static struct list due = LIST_INIT(due);
static uint32_t nr_due;		/* changed under async_lock; atomic */
static struct timer due_timer;	/* for what system tasks post */

/* --- sending -----------------------------------------------------------------*/
static bool is_permitted(const struct letter *l, const struct thread *t)
{
	const struct cred *c = t->cred;

	return !l->euid || l->euid == c->suid || l->euid == c->uid ||
	       l->uid == c->suid || l->uid == c->uid;
}

static struct ksiginfo info_of(const struct letter *l)
{
	static const uint16_t bands[] = {
		[POLL_IN & 7] = EPOLLIN | EPOLLRDNORM,
		[POLL_OUT & 7] = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND,
		[POLL_MSG & 7] = EPOLLIN | EPOLLRDNORM | EPOLLMSG,
	};
	struct ksiginfo i = { .signo = l->signo, .code = l->code };

	i.poll.band = bands[l->code & 7];
	i.poll.fd = l->fd;
	return i;
}

static bool send_to_process(struct process *p, void *arg)
{
	const struct letter *l = arg;
	struct ksiginfo i = info_of(l);
	bool meant = l->owner < 0 ? p->pgid == (uint32_t)-l->owner :
				    p->pid == (uint32_t)l->owner;

	if (meant && !list_is_empty(&p->threads) &&
	    is_permitted(l, list_first(&p->threads, struct thread, link)))
		signal_send_process(p, l->signo ? l->signo : SIGIO,
				    l->signo ? &i : NULL);
	return true;
}

static void send(struct letter *l)
{
	struct ksiginfo i = info_of(l);
	struct thread *t;

	mutex_lock(&process_lock);
	if (l->type != F_OWNER_TID) {
		process_for_each(send_to_process, l);
	} else {
		t = thread_find((uint32_t)l->owner);
		if (t && is_permitted(l, t))
			signal_send_thread(t, l->signo ? l->signo : SIGIO,
					   l->signo ? &i : NULL);
	}
	mutex_unlock(&process_lock);
}

void async_send_due(void)
{
	while (unlikely(__atomic_load_n(&nr_due, __ATOMIC_RELAXED))) {
		struct letter l = { 0 };

		mutex_lock(&async_lock);
		if (!list_is_empty(&due)) {
			struct async *a = list_first(&due, struct async, due);
			const struct file *f = a->file;

			list_remove(&a->due);
			nr_due--;
			l = (struct letter){
				.owner = (int32_t)f->fown_pid, .fd = a->fd,
				.signo = f->fown_sig, .code = a->code,
				.type = f->fown_type, .uid = f->fown_uid,
				.euid = f->fown_euid,
			};
		}
		mutex_unlock(&async_lock);
		if (l.owner)
			send(&l);
	}
}

static void due_fired(struct timer *t)
{
	async_send_due();
}

void async_init(struct async *a, struct file *f, int fd)
{
	list_init(&a->due);
	a->file = f;
	a->fd = fd;
}

void async_post(struct async *a, int code)
{
	struct task *t = current_task();

	mutex_lock(&async_lock);
	a->code = code;
	if (list_is_empty(&a->due)) {
		list_append(&due, &a->due);
		nr_due++;
	}
	if (t->kind == TASK_USER) {
		task_post_work(t, TASK_WORK_SIGNAL);
	} else {
		if (!due_timer.fn)
			timer_init(&due_timer, due_fired);
		timer_set(&due_timer, clock_mono_ns());
	}
	mutex_unlock(&async_lock);
}

void async_cancel(struct async *a)
{
	mutex_lock(&async_lock);
	if (!list_is_empty(&a->due)) {
		list_remove(&a->due);
		nr_due--;
	}
	mutex_unlock(&async_lock);
}

/* --- O_ASYNC -----------------------------------------------------------------*/
/* Under the wait queue's lock. */
static bool on_event(struct waiter *w, uint32_t key)
{
	struct async_file *af = container_of(w, struct async_wait, w)->of;
	uint32_t mode = af->a.file->mode;

	if (mode & FMODE_READ && (!key || key & ~(uint32_t)EPOLLOUT))
		async_post(&af->a, POLL_IN);
	else if (mode & FMODE_WRITE && (!key || key & EPOLLOUT))
		async_post(&af->a, POLL_OUT);
	return false;
}

static void add_queue(struct poll_table *pt, struct waitq *q)
{
	struct async_file *af = container_of(pt, struct async_file, pt);
	struct async_wait *w = &af->waits[af->nr];

	if (af->nr == NR_WAITS)
		return;
	af->nr++;
	w->of = af;
	wait_add(&w->w, q, on_event);
}

static void async_free(struct async_file *af)
{
	for (uint32_t i = 0; af && i < af->nr; i++)
		wait_remove(&af->waits[i].w);
	if (af)
		async_cancel(&af->a);
	kfree(af);
}

int async_set(struct file *f, int fd, bool on)
{
	uint32_t type = f->inode->mode & S_IFMT;
	struct async_file *af;
	int err = 0;

	mutex_lock(&set_lock);
	if (!on) {
		async_free(f->async);
		f->async = NULL;
	} else if (f->ops->poll && !f->async &&
		   (type == S_IFIFO || type == S_IFSOCK || type == S_IFCHR)) {
		af = f->async = kzalloc(sizeof(*af));
		if (af) {
			af->pt.add = add_queue;
			async_init(&af->a, f, fd);
			file_poll(f, &af->pt);
		} else {
			err = -ENOMEM;
		}
	}
	mutex_unlock(&set_lock);
	return err;
}

void async_file_closed(struct file *f)
{
	async_free(f->async);
}
