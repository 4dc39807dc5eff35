/* SPDX-License-Identifier: MIT */
/*
 * The objects of epoll. An epoll holds items, one for each (file, descriptor)
 * it watches; an item is registered on the file's wait queues for good, and an
 * event puts it on the ready list, so that epoll_wait looks at ready items
 * only. What an item reports is what file_poll says when it is taken from the
 * list; level-triggered items go back to the end of the list.
 *
 * An item holds no reference to its file: the last file_put calls
 * file_unwatch, which removes all items of that file before it is released.
 *
 * Locks, in order: ep->lock (items; an outer epoll before the one it
 * watches), links_lock (file->epoll_links of all files, heights), a wait
 * queue's lock, ep->ready_lock (the ready list, from wake-ups), the lock of
 * ep->wait and ep->poll_wait.
 */
#include "linux/epoll_priv.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "core/heap.h"
#include "fs/notify.h"

#define CHAIN_MAX	5u	/* epolls that watch each other in a row */
#define NR_BUCKETS_MIN	16u

static struct mutex links_lock = MUTEX_INIT;
static const struct file_ops epoll_ops;

struct epoll *epoll_of_file(const struct file *f)
{
	return f->ops == &epoll_ops ? f->private : NULL;
}

/* --- ready list ---------------------------------------------------------------*/
void epoll_ready_add(struct epitem *it, bool front)
{
	struct epoll *ep = it->ep;

	mutex_lock(&ep->ready_lock);
	if (list_is_empty(&it->ready_link)) {
		list_add_before(front ? ep->ready.next : &ep->ready,
				&it->ready_link);
		__atomic_store_n(&ep->nr_ready, ep->nr_ready + 1,
				 __ATOMIC_RELAXED);
	}
	mutex_unlock(&ep->ready_lock);
}

static void ready_remove_locked(struct epitem *it)
{
	if (list_is_empty(&it->ready_link))
		return;
	list_remove(&it->ready_link);
	__atomic_store_n(&it->ep->nr_ready, it->ep->nr_ready - 1,
			 __ATOMIC_RELAXED);
}

struct epitem *epoll_ready_pop(struct epoll *ep)
{
	struct epitem *it = NULL;

	mutex_lock(&ep->ready_lock);
	if (!list_is_empty(&ep->ready)) {
		it = list_first(&ep->ready, struct epitem, ready_link);
		ready_remove_locked(it);
	}
	mutex_unlock(&ep->ready_lock);
	return it;
}

bool epoll_has_ready(struct epoll *ep)
{
	return __atomic_load_n(&ep->nr_ready, __ATOMIC_RELAXED) != 0;
}

static void wake_waiters(struct epoll *ep)
{
	wait_wake(&ep->wait, 1, EPOLLIN);
	wait_wake_all(&ep->poll_wait, EPOLLIN);
}

/* Something happened to a watched file. Under its wait queue's lock. */
static bool on_event(struct waiter *w, uint32_t key)
{
	struct epitem *it = container_of(w, struct ep_wait, w)->item;
	uint32_t events = __atomic_load_n(&it->events, __ATOMIC_RELAXED);

	bool slept;

	/* one-shot and spent, or not what it waits for */
	if (!(events & ~EPOLL_PRIVATE_BITS) || (key && !(key & events)))
		return false;
	epoll_ready_add(it, false);
	slept = !waitq_is_empty(&it->ep->wait);
	wake_waiters(it->ep);
	return slept;
}

uint32_t epoll_item_poll(struct epitem *it, struct poll_table *pt)
{
	return file_poll(it->file, pt) & it->events & ~EPOLL_PRIVATE_BITS;
}

/* --- items ----------------------------------------------------------------------*/
static struct list *bucket_of(struct list *buckets, uint32_t n,
			      const struct file *f, int fd)
{
	uint64_t h = ((uint64_t)f >> 5) + (uint32_t)fd;

	return &buckets[(h * 0x9e3779b97f4a7c15ull >> 32) & (n - 1)];
}

struct epitem *epoll_item_find(struct epoll *ep, const struct file *f, int fd)
{
	struct list *b = bucket_of(ep->buckets, ep->nr_buckets, f, fd);

	list_for_each(p, b) {
		struct epitem *it = list_entry(p, struct epitem, hash_link);

		if (it->file == f && it->fd == fd)
			return it;
	}
	return NULL;
}

struct file *epoll_item_file(const struct epoll *ep, int fd, uint32_t n)
{
	for (uint32_t i = 0; i < ep->nr_buckets; i++) {
		list_for_each(p, &ep->buckets[i]) {
			struct epitem *it = list_entry(p, struct epitem,
						       hash_link);

			if (it->fd == fd && !n--)
				return it->file;
		}
	}
	return NULL;
}

static struct list *buckets_create(uint32_t n)
{
	struct list *b = kmalloc(n * sizeof(*b));

	for (uint32_t i = 0; b && i < n; i++)
		list_init(&b[i]);
	return b;
}

/* Twice the buckets; without memory it goes on with few. */
static void buckets_grow(struct epoll *ep)
{
	uint32_t n = ep->nr_buckets * 2;
	struct list *b = buckets_create(n);

	if (!b)
		return;
	for (uint32_t i = 0; i < ep->nr_buckets; i++) {
		list_for_each_safe(p, &ep->buckets[i]) {
			struct epitem *it = list_entry(p, struct epitem,
						       hash_link);

			list_remove(p);
			list_append(bucket_of(b, n, it->file, it->fd), p);
		}
	}
	kfree(ep->buckets);
	ep->buckets = b;
	ep->nr_buckets = n;
}

struct item_table {
	struct poll_table pt;
	struct epitem *item;
	bool no_memory;
};

static void item_register(struct poll_table *pt, struct waitq *q)
{
	struct item_table *t = container_of(pt, struct item_table, pt);
	struct epitem *it = t->item;
	struct ep_wait *w = it->waits ? kmalloc(sizeof(*w)) : &it->first;

	if (!w) {
		t->no_memory = true;
		return;
	}
	w->item = it;
	w->next = it->waits;
	it->waits = w;
	w->w = (struct waiter){ .exclusive = it->events & EPOLLEXCLUSIVE };
	wait_add(&w->w, q, on_event);
}

/* Caller holds ep->lock. */
void epoll_item_remove(struct epitem *it)
{
	struct epoll *ep = it->ep;

	while (it->waits) {
		struct ep_wait *w = it->waits;

		it->waits = w->next;
		wait_remove(&w->w);
		if (w != &it->first)
			kfree(w);
	}
	mutex_lock(&links_lock);
	list_remove(&it->file_link);
	mutex_unlock(&links_lock);
	mutex_lock(&ep->ready_lock);
	ready_remove_locked(it);
	mutex_unlock(&ep->ready_lock);
	list_remove(&it->hash_link);
	ep->nr_items--;
	kfree(it);
}

/* --- chains of epolls: links_lock held -------------------------------------------*/
/* Longest chain upwards, with ep itself; more than CHAIN_MAX if `below` is in
 * it or it is too long. */
static uint32_t chain_up(const struct epoll *ep, const struct epoll *below)
{
	uint32_t longest = 0;

	if (ep == below)
		return CHAIN_MAX + 1;
	list_for_each(p, &ep->file->epoll_links) {
		struct epitem *it = list_entry(p, struct epitem, file_link);
		uint32_t n = chain_up(it->ep, below);

		longest = MAX(longest, n);
	}
	return longest + 1;
}

static void raise_height(struct epoll *ep, uint32_t height)
{
	if (ep->height >= height)
		return;
	ep->height = height;
	list_for_each(p, &ep->file->epoll_links)
		raise_height(list_entry(p, struct epitem, file_link)->ep,
			     height + 1);
}

/* Make the item known to its file. Returns 0 or -ELOOP. */
static int item_link(struct epitem *it)
{
	struct epoll *inner = epoll_of_file(it->file);
	int err = 0;

	mutex_lock(&links_lock);
	if (inner) {
		if (chain_up(it->ep, inner) + inner->height > CHAIN_MAX)
			err = -ELOOP;
		else
			raise_height(it->ep, inner->height + 1);
	}
	if (!err)
		list_append(&it->file->epoll_links, &it->file_link);
	mutex_unlock(&links_lock);
	return err;
}

/* --- adding, changing: ep->lock held ------------------------------------------------*/
int epoll_item_add(struct epoll *ep, struct file *f, int fd,
		    const struct epoll_event *e)
{
	struct epitem *it = kzalloc(sizeof(*it));
	struct item_table t = { .pt = { item_register }, .item = it };
	uint32_t revents;
	int err;

	if (!it)
		return -ENOMEM;
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->events = e->events | EPOLLERR | EPOLLHUP;
	it->data = e->data;
	list_init(&it->ready_link);
	list_init(&it->file_link);
	err = item_link(it);
	if (err) {
		kfree(it);
		return err;
	}
	if (ep->nr_items >= 2 * ep->nr_buckets)
		buckets_grow(ep);
	list_append(bucket_of(ep->buckets, ep->nr_buckets, f, fd),
		    &it->hash_link);
	ep->nr_items++;
	revents = epoll_item_poll(it, &t.pt);
	if (t.no_memory) {
		epoll_item_remove(it);
		return -ENOMEM;
	}
	if (revents) {
		epoll_ready_add(it, false);
		wake_waiters(ep);
	}
	return 0;
}

int epoll_item_modify(struct epitem *it, const struct epoll_event *e)
{
	if (it->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	it->data = e->data;
	/* Partner: on_event. It reads `events` after the file changed; we look
	 * at the file after the store. One of us sees the event. */
	__atomic_store_n(&it->events, e->events | EPOLLERR | EPOLLHUP,
			 __ATOMIC_SEQ_CST);
	if (epoll_item_poll(it, NULL)) {
		epoll_ready_add(it, false);
		wake_waiters(it->ep);
	}
	return 0;
}

/* --- the file --------------------------------------------------------------------------*/
/* Readable if a ready item still is. */
static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->private;
	uint32_t budget, revents = 0;

	poll_add(pt, &ep->poll_wait);
	if (!epoll_has_ready(ep))
		return 0;
	mutex_lock(&ep->lock);
	budget = __atomic_load_n(&ep->nr_ready, __ATOMIC_RELAXED);
	while (!revents && budget--) {
		struct epitem *it = epoll_ready_pop(ep);

		if (!it)
			break;
		if (epoll_item_poll(it, NULL)) {
			epoll_ready_add(it, true);
			revents = EPOLLIN | EPOLLRDNORM;
		}
	}
	mutex_unlock(&ep->lock);
	return revents;
}

static void epoll_put(struct epoll *ep)
{
	if (!ref_put(&ep->refs))
		return;
	kfree(ep->buckets);
	kfree(ep);
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->private;

	mutex_lock(&ep->lock);
	for (uint32_t i = 0; i < ep->nr_buckets; i++)
		list_for_each_safe(p, &ep->buckets[i])
			epoll_item_remove(list_entry(p, struct epitem, hash_link));
	mutex_unlock(&ep->lock);
	epoll_put(ep);
}

static const struct file_ops epoll_ops = {
	.poll = epoll_poll,
	.release = epoll_release,
};

/* An epoll that watches f, with a reference; NULL: none. */
static struct epoll *first_watcher(struct file *f)
{
	struct epoll *ep = NULL;

	mutex_lock(&links_lock);
	if (!list_is_empty(&f->epoll_links)) {
		ep = list_first(&f->epoll_links, struct epitem, file_link)->ep;
		ref_get(&ep->refs);
	}
	mutex_unlock(&links_lock);
	return ep;
}

/* An item of f in ep, whose lock is held; NULL: none is left. */
static struct epitem *item_of_file(struct epoll *ep, struct file *f)
{
	struct epitem *found = NULL;

	mutex_lock(&links_lock);
	list_for_each(p, &f->epoll_links) {
		struct epitem *it = list_entry(p, struct epitem, file_link);

		if (it->ep == ep)
			found = it;
	}
	mutex_unlock(&links_lock);
	return found;
}

/* The last reference to f is gone: nobody can add it any more. */
static void file_unwatch(struct file *f)
{
	struct epoll *ep;

	while ((ep = first_watcher(f))) {
		struct epitem *it;

		mutex_lock(&ep->lock);
		/* none if the epoll was closed meanwhile */
		while ((it = item_of_file(ep, f)))
			epoll_item_remove(it);
		mutex_unlock(&ep->lock);
		epoll_put(ep);
	}
}

static struct epoll *epoll_create(void)
{
	struct epoll *ep = kzalloc(sizeof(*ep));

	if (!ep)
		return NULL;
	ep->buckets = buckets_create(NR_BUCKETS_MIN);
	if (!ep->buckets) {
		kfree(ep);
		return NULL;
	}
	ep->nr_buckets = NR_BUCKETS_MIN;
	ep->height = 1;
	ref_init(&ep->refs, 1);
	mutex_init(&ep->lock);
	mutex_init(&ep->ready_lock);
	list_init(&ep->ready);
	waitq_init(&ep->wait);
	waitq_init(&ep->poll_wait);
	return ep;
}

struct file *epoll_file_create(void)
{
	struct epoll *ep = epoll_create();
	struct file *f;

	/* before the first file can be watched; the same value each time */
	__atomic_store_n(&fs_hooks.file_unwatch, file_unwatch,
			 __ATOMIC_RELEASE);
	if (!ep)
		return NULL;
	f = file_create_anon(&epoll_ops, ep, O_RDWR, 0600, "[eventpoll]");
	if (f)
		ep->file = f;
	else
		epoll_put(ep);
	return f;
}
