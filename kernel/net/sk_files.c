/* SPDX-License-Identifier: MIT */
/*
 * Files carried by messages. Dropping the last reference to a socket releases
 * it, which drops the files queued there, and so on: a chain of any length
 * must not use up the stack. So drops are queued, and whoever queued first
 * works the queue off.
 */
#include "core/heap.h"
#include "net/socket.h"

static struct mutex drop_lock = MUTEX_INIT;
/* under drop_lock */
static struct list drops = LIST_INIT(drops);
static bool is_draining;

static uint32_t nr_in_flight;	/* atomic */

struct sk_files *sk_files_create(uint32_t n)
{
	struct sk_files *f = kmalloc(sizeof(*f) + n * sizeof(void *));

	if (!f)
		return NULL;
	f->nr = 0;
	f->in_flight = false;
	list_init(&f->link);
	return f;
}

struct sk_files *sk_files_dup(const struct sk_files *f)
{
	struct sk_files *n = sk_files_create(f->nr);

	for (; n && n->nr < f->nr; n->nr++)
		n->file[n->nr] = sock_upcalls.file_get(f->file[n->nr]);
	return n;
}

int sk_files_launch(struct sk_files *f)
{
	uint32_t n = __atomic_add_fetch(&nr_in_flight, f->nr, __ATOMIC_RELAXED);

	f->in_flight = true;
	if (n <= SK_FILES_IN_FLIGHT_MAX)
		return 0;
	sk_files_land(f);
	return -ETOOMANYREFS;
}

void sk_files_land(struct sk_files *f)
{
	if (f->in_flight)
		__atomic_fetch_sub(&nr_in_flight, f->nr, __ATOMIC_RELAXED);
	f->in_flight = false;
}

uint32_t sk_files_in_flight(void)
{
	return __atomic_load_n(&nr_in_flight, __ATOMIC_RELAXED);
}

static void destroy(struct sk_files *f)
{
	sk_files_land(f);
	for (uint32_t i = 0; i < f->nr; i++)
		sock_upcalls.file_put(f->file[i]);
	kfree(f);
}

void sk_files_drop(struct sk_files *f)
{
	if (!f)
		return;
	mutex_lock(&drop_lock);
	list_append(&drops, &f->link);
	if (is_draining) {
		mutex_unlock(&drop_lock);
		return;
	}
	is_draining = true;
	while (!list_is_empty(&drops)) {
		f = list_first(&drops, struct sk_files, link);
		list_remove(&f->link);
		mutex_unlock(&drop_lock);
		destroy(f);
		mutex_lock(&drop_lock);
	}
	is_draining = false;
	mutex_unlock(&drop_lock);
}
