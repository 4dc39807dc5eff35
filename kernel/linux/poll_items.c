/* SPDX-License-Identifier: MIT */
/*
 * The engine of poll and select. Files are looked at once without any
 * preparation, which is enough when something is ready; only then is the
 * caller registered on their wait queues. Registering comes before the second
 * look, so an event in between is not lost (see core/wait.h).
 */
#include "linux/poll_items.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "linux/signal_priv.h"

#define NR_INLINE	8u
#define NR_CHUNK	60u

struct poll_wait {
	struct waiter w;
	uint32_t events;	/* only these wake */
};

struct poll_chunk {
	struct poll_chunk *next;
	uint32_t nr;
	struct poll_wait wait[NR_CHUNK];
};

struct poll_waits {
	struct poll_table pt;
	uint32_t events;	/* of the item at hand */
	uint32_t nr;
	bool no_memory;
	struct poll_chunk *chunks;
	struct poll_wait wait[NR_INLINE];
};

static bool on_event(struct waiter *w, uint32_t key)
{
	struct poll_wait *p = container_of(w, struct poll_wait, w);

	if (key && !(key & p->events))
		return false;
	task_unpark(w->task);
	return true;
}

static struct poll_wait *wait_alloc(struct poll_waits *pw)
{
	struct poll_chunk *c = pw->chunks;

	if (pw->nr < NR_INLINE)
		return &pw->wait[pw->nr++];
	if (!c || c->nr == NR_CHUNK) {
		c = kmalloc(sizeof(*c));
		if (!c)
			return NULL;
		c->nr = 0;
		c->next = pw->chunks;
		pw->chunks = c;
	}
	return &c->wait[c->nr++];
}

static void register_wait(struct poll_table *pt, struct waitq *q)
{
	struct poll_waits *pw = container_of(pt, struct poll_waits, pt);
	struct poll_wait *p = wait_alloc(pw);

	if (!p) {
		pw->no_memory = true;
		return;
	}
	p->events = pw->events;
	p->w = (struct waiter){ .task = current_task() };
	wait_add(&p->w, q, on_event);
}

static void unregister_all(struct poll_waits *pw)
{
	for (uint32_t i = 0; i < pw->nr; i++)
		wait_remove(&pw->wait[i].w);
	while (pw->chunks) {
		struct poll_chunk *c = pw->chunks;

		for (uint32_t i = 0; i < c->nr; i++)
			wait_remove(&c->wait[i].w);
		pw->chunks = c->next;
		kfree(c);
	}
}

/* Look at every file; register until the first that is ready. */
static int scan(struct poll_item *items, uint32_t n, struct poll_waits *pw)
{
	int count = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct poll_item *it = &items[i];

		if (it->f) {
			if (pw)
				pw->events = it->events;
			it->revents = file_poll(it->f, pw && !count ?
						&pw->pt : NULL) &
				      it->events;
		}
		if (it->revents)
			count++;
	}
	return count;
}

int poll_items(struct poll_item *items, uint32_t n, uint64_t deadline_ns)
{
	struct poll_waits pw;
	int count = scan(items, n, NULL), err = 0;

	if (count || !deadline_ns)
		return count;
	pw.pt.add = register_wait;
	pw.nr = 0;
	pw.no_memory = false;
	pw.chunks = NULL;
	count = scan(items, n, &pw);
	if (pw.no_memory)
		err = -ENOMEM;
	while (!count && !err) {
		err = task_park(deadline_ns, true);
		count = scan(items, n, NULL);
	}
	unregister_all(&pw);
	if (count)
		return count;
	return err == -ETIMEDOUT ? 0 : err;
}

void poll_items_release(struct poll_item *items, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (items[i].f)
			fd_return(items[i].f, items[i].counted);
}

/* --- signal mask during the call ---------------------------------------------*/
int temp_mask_begin(uint64_t user_mask, uint64_t size)
{
	uint64_t mask;

	if (!user_mask)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, (const void *)user_mask, sizeof(mask)))
		return -EFAULT;
	signal_set_temp_mask(mask);
	return 0;
}

void temp_mask_end(bool interrupted)
{
	struct thread *t = current_thread();

	if (interrupted || !t->sig.restore_saved)
		return;
	t->sig.restore_saved = false;
	signal_set_blocked(t, t->sig.saved_mask);
}
