/* SPDX-License-Identifier: MIT */
/*
 * Requests that are waited for, see channel.h. Nobody sleeps over an answer:
 * the handler sets `done`, then wakes; the task looks at `done` before each
 * park, and an unpark that comes first ends the park at once.
 */
#include "drv/virtio/channel.h"
#include "core/task.h"

struct request {
	struct task *task;
	uint32_t done;		/* atomic; then the task may go on */
	int64_t result;		/* valid when done */
};

/* r is gone right after. */
static void finish_locked(struct request *r, int64_t result)
{
	struct task *t = r->task;

	r->result = result;
	/* Partner: the load in virtio_channel_call. */
	__atomic_store_n(&r->done, 1, __ATOMIC_RELEASE);
	task_unpark(t);
}

void virtio_channel_irq(struct virtio_channel *c)
{
	const char *broken;
	struct request *r;
	uint32_t written;

	spin_lock(&c->lock);
	do {
		while ((r = virtq_take(&c->queue, &written)))
			finish_locked(r, written);
	} while (virtq_irq_on(&c->queue));
	broken = c->queue.broken;
	spin_unlock(&c->lock);
	if (broken)
		virtio_fail(c->v, broken);
}

void virtio_channel_failed(struct virtio_channel *c)
{
	uint64_t flags = spin_lock_irq(&c->lock);
	struct request *r;

	while ((r = virtq_abandon(&c->queue)))
		finish_locked(r, -EIO);
	spin_unlock_irq(&c->lock, flags);
}

int virtio_channel_init(struct virtio_channel *c, struct virtio *v,
			uint32_t index, uint16_t size, uint32_t nr_segs)
{
	int err;

	c->v = v;
	c->index = index;
	waitq_init(&c->room);
	err = virtio_queue_init(v, index, &c->queue, size);
	if (!err && !c->queue.indirect && c->queue.size < nr_segs) {
		virtq_fini(&c->queue);
		err = -ENODEV;
	}
	return err;
}

struct message {
	const struct virtq_seg *seg;
	uint32_t nr_out, nr_in;
	struct vring_desc *table;
};

static int submit(struct virtio_channel *c, const struct message *m,
		  struct request *r)
{
	uint64_t flags = spin_lock_irq(&c->lock);
	bool notify = false;
	int err;

	err = virtq_add(&c->queue, m->seg, m->nr_out, m->nr_in, m->table, r);
	if (!err)
		notify = virtq_publish(&c->queue);
	spin_unlock_irq(&c->lock, flags);
	if (notify)
		virtio_notify(c->v, c->index);
	return err;
}

/* Submit, waiting while the queue is full. */
static int submit_waiting(struct virtio_channel *c, const struct message *m,
			  struct request *r)
{
	struct waiter w;
	int err = submit(c, m, r);

	if (err != -ENOSPC)
		return err;
	wait_begin(&w, &c->room);
	while ((err = submit(c, m, r)) == -ENOSPC)
		wait_sleep(&w, DEADLINE_NEVER, false);
	wait_end(&w);
	return err;
}

int64_t virtio_channel_call(struct virtio_channel *c,
			    const struct virtq_seg *seg, uint32_t nr_out,
			    uint32_t nr_in, struct vring_desc *table)
{
	struct message m = { seg, nr_out, nr_in, table };
	struct request r = { .task = current_task() };
	int err = submit_waiting(c, &m, &r);

	if (err)
		return err;
	/* Partner: the store in finish_locked. */
	while (!__atomic_load_n(&r.done, __ATOMIC_ACQUIRE))
		task_park(DEADLINE_NEVER, false);
	if (!waitq_is_empty(&c->room))
		wait_wake_all(&c->room, 0);
	return r.result;
}
