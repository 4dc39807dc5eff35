/* SPDX-License-Identifier: MIT */
/*
 * virtio-fs: requests to the queue, answers to whoever waits. The interrupt
 * handler takes what is done and wakes each request's own task, which does
 * everything else; so one slow answer (the control node's) keeps nobody back.
 * Requests lie on their callers' stacks until they are taken.
 */
#include "drv/virtio/fs.h"
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include "abi/fs_device.h"
#include "core/panic.h"
#include "core/task.h"
#include "core/wait.h"
#include "drv/virtio/virtio.h"
#include "lib/string.h"
#include "platform/kvm/spin.h"
#include "platform/platform.h"

#define QUEUE_SIZE	128u
#define NR_FORGETS	32u	/* on their way at a time */
#define READAHEAD	(128u << 10)
#define MINOR		31u

enum { QUEUE_HIGH, QUEUE_REQUESTS };

struct request {
	struct fuse_in_header in;
	struct fuse_out_header out;
	struct task *task;
	uint32_t done;		/* atomic; then the task may go on */
	uint32_t written;	/* bytes, valid when done; ~0: given up */
	struct virtq_seg seg[FUSE_SEGS_MAX + 2];
	struct vring_desc table[FUSE_SEGS_MAX + 2];
};

struct forget {
	struct fuse_in_header in;
	struct fuse_forget_in arg;
	struct vring_desc table[2];
	bool busy;		/* under high_lock */
};

static struct {
	/* set once */
	struct virtio *v;	/* NULL: no device; atomic */
	struct waitq room;	/* for those who found the queue full */
	/* under lock */
	struct spinlock lock;
	struct virtq queue;
	uint64_t unique;
	/* under high_lock */
	struct spinlock high_lock;
	struct virtq high;
	struct forget forgets[NR_FORGETS];
} fs;

bool fuse_is_there(void)
{
	return __atomic_load_n(&fs.v, __ATOMIC_ACQUIRE);
}

/* --- requests ----------------------------------------------------------------*/

static void finish_locked(struct request *r, uint32_t written)
{
	struct task *t = r->task;

	r->written = written;
	/* Partner: the load in await; r is gone right after. */
	__atomic_store_n(&r->done, 1, __ATOMIC_RELEASE);
	task_unpark(t);
}

static void take_answers_locked(void)
{
	struct request *r;
	uint32_t written;

	do {
		while ((r = virtq_take(&fs.queue, &written)))
			finish_locked(r, written);
	} while (virtq_irq_on(&fs.queue));
}

static void fs_irq(struct virtio *v)
{
	const char *broken;

	spin_lock(&fs.lock);
	take_answers_locked();
	broken = fs.queue.broken;
	spin_unlock(&fs.lock);
	if (broken)
		virtio_fail(v, broken);
}

static void fs_failed(struct virtio *v)
{
	uint64_t flags = spin_lock_irq(&fs.lock);
	struct request *r;

	while ((r = virtq_abandon(&fs.queue)))
		finish_locked(r, UINT32_MAX);
	spin_unlock_irq(&fs.lock, flags);
}

static int submit(struct virtio *v, struct request *r, uint32_t nr_out,
		  uint32_t nr_in)
{
	uint64_t flags = spin_lock_irq(&fs.lock);
	bool notify = false;
	int err;

	r->in.unique = ++fs.unique * 2;	/* odd ones are interrupts' */
	err = virtq_add(&fs.queue, r->seg, nr_out, nr_in, r->table, r);
	if (!err)
		notify = virtq_publish(&fs.queue);
	spin_unlock_irq(&fs.lock, flags);
	if (notify)
		virtio_notify(v, QUEUE_REQUESTS);
	return err;
}

/* Submit, waiting while the queue is full. */
static int submit_waiting(struct virtio *v, struct request *r,
			  uint32_t nr_out, uint32_t nr_in)
{
	struct waiter w;
	int err = submit(v, r, nr_out, nr_in);

	if (err != -ENOSPC)
		return err;
	wait_begin(&w, &fs.room);
	while ((err = submit(v, r, nr_out, nr_in)) == -ENOSPC)
		wait_sleep(&w, DEADLINE_NEVER, false);
	wait_end(&w);
	return err;
}

static void await(struct request *r)
{
	/* Partner: the store in finish_locked. */
	while (!__atomic_load_n(&r->done, __ATOMIC_ACQUIRE))
		task_park(DEADLINE_NEVER, false);
	if (!waitq_is_empty(&fs.room))
		wait_wake(&fs.room, UINT32_MAX, 0);
}

/* Headers around the caller's pieces. */
static void lay_out(struct request *r, const struct fuse_msg *m)
{
	uint32_t n = 0, len = sizeof(r->in);

	r->seg[n++] = (struct virtq_seg){ &r->in, sizeof(r->in) };
	for (uint32_t i = 0; i < m->nr_out; i++) {
		r->seg[n++] = m->seg[i];
		len += m->seg[i].len;
	}
	r->seg[n++] = (struct virtq_seg){ &r->out, sizeof(r->out) };
	for (uint32_t i = 0; i < m->nr_in; i++)
		r->seg[n++] = m->seg[m->nr_out + i];
	r->in = (struct fuse_in_header){
		.len = len, .opcode = m->opcode, .nodeid = m->nodeid,
	};
	r->out = (struct fuse_out_header){ .len = 0 };
	r->task = current_task();
	r->done = 0;
}

static int check_answer(const struct request *r, struct fuse_msg *m)
{
	struct fuse_out_header h = r->out;

	if (r->written < sizeof(h) || h.len != r->written ||
	    h.unique != r->in.unique || h.error > 0 || h.error < -4095)
		return -EIO;
	m->got = h.error ? 0 : h.len - (uint32_t)sizeof(h);
	return h.error;
}

int fuse_call(struct fuse_msg *m)
{
	struct virtio *v = __atomic_load_n(&fs.v, __ATOMIC_ACQUIRE);
	struct request r;
	int err;

	m->got = 0;
	if (!v)
		return -ENODEV;
	lay_out(&r, m);
	err = submit_waiting(v, &r, m->nr_out + 1, m->nr_in + 1);
	if (err)
		return err;
	await(&r);
	return r.written == UINT32_MAX ? -EIO : check_answer(&r, m);
}

int fuse_call_exact(struct fuse_msg *m)
{
	uint32_t room = 0;
	int err = fuse_call(m);

	for (uint32_t i = 0; i < m->nr_in; i++)
		room += m->seg[m->nr_out + i].len;
	if (!err && m->got != room)
		err = -EIO;
	return err;
}

void fuse_send(struct fuse_msg *m, const void *p, size_t len)
{
	assert(!m->nr_in && m->nr_out < FUSE_SEGS_MAX);
	if (len)
		m->seg[m->nr_out++] =
			(struct virtq_seg){ (void *)p, (uint32_t)len };
}

void fuse_receive(struct fuse_msg *m, void *p, size_t len)
{
	assert(m->nr_out + m->nr_in < FUSE_SEGS_MAX);
	if (len)
		m->seg[m->nr_out + m->nr_in++] =
			(struct virtq_seg){ p, (uint32_t)len };
}

/* --- FORGET ------------------------------------------------------------------*/

/* A slot that is free, after those that the device is done with. */
static struct forget *find_forget_locked(void)
{
	struct forget *f;
	uint32_t written;

	while ((f = virtq_take(&fs.high, &written)))
		f->busy = false;
	for (uint32_t i = 0; i < NR_FORGETS; i++)
		if (!fs.forgets[i].busy)
			return &fs.forgets[i];
	return NULL;
}

/* Returns false if all are on their way. */
static bool try_forget(struct virtio *v, uint64_t nodeid, uint64_t nr)
{
	uint64_t flags = spin_lock_irq(&fs.high_lock);
	struct forget *f = find_forget_locked();
	bool notify = false;
	int err = -ENOSPC;

	if (f) {
		struct virtq_seg seg[2] = { { &f->in, sizeof(f->in) },
					    { &f->arg, sizeof(f->arg) } };

		f->in = (struct fuse_in_header){
			.len = sizeof(f->in) + sizeof(f->arg),
			.opcode = FUSE_FORGET, .nodeid = nodeid,
		};
		f->arg.nlookup = nr;
		err = virtq_add(&fs.high, seg, 2, 0, f->table, f);
		f->busy = !err;
		if (!err)
			notify = virtq_publish(&fs.high);
	}
	spin_unlock_irq(&fs.high_lock, flags);
	if (notify)
		virtio_notify(v, QUEUE_HIGH);
	return err != -ENOSPC;
}

void fuse_forget(uint64_t nodeid, uint64_t nr)
{
	struct virtio *v = __atomic_load_n(&fs.v, __ATOMIC_ACQUIRE);

	while (v && !virtio_is_failed(v) && !try_forget(v, nodeid, nr))
		plat_relax();
}

/* --- start -------------------------------------------------------------------*/

static int init_session(void)
{
	struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION, .minor = MINOR,
		.max_readahead = READAHEAD,
		.flags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC |
			 FUSE_BIG_WRITES | FUSE_DO_READDIRPLUS |
			 FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES,
	};
	struct fuse_init_out out;
	struct fuse_msg m = { .opcode = FUSE_INIT };
	int err;

	/* the fields of our minor version */
	fuse_send(&m, &in, offsetof(struct fuse_init_in, flags2));
	fuse_receive(&m, &out, sizeof(out));
	err = fuse_call_exact(&m);
	if (!err && (out.major != FUSE_KERNEL_VERSION || out.minor < MINOR ||
		     out.max_write < READAHEAD))
		err = -EPROTO;
	return err;
}

static bool has_our_tag(struct virtio *v)
{
	for (uint32_t i = 0; i < sizeof(FS_DEVICE_TAG); i++)
		if (virtio_config8(v, i) != (uint8_t)FS_DEVICE_TAG[i])
			return false;
	return true;
}

static int fs_probe(struct virtio *v)
{
	int err;

	if (fs.v || !has_our_tag(v))
		return -ENODEV;
	waitq_init(&fs.room);
	err = virtio_queue_init(v, QUEUE_HIGH, &fs.high, QUEUE_SIZE);
	if (!err)
		err = virtio_queue_init(v, QUEUE_REQUESTS, &fs.queue,
					QUEUE_SIZE);
	if (!err && !fs.queue.indirect &&
	    fs.queue.size < FUSE_SEGS_MAX + 2)
		err = -ENODEV;
	if (err)
		return err;
	virtq_irq_off(&fs.high);
	virtio_ready(v);
	__atomic_store_n(&fs.v, v, __ATOMIC_RELEASE);
	err = init_session();
	if (err)
		__atomic_store_n(&fs.v, NULL, __ATOMIC_RELEASE);
	return err;
}

const struct virtio_driver virtio_fs_driver = {
	.name = "fs",
	.type = VIRTIO_ID_FS,
	.probe = fs_probe,
	.irq = fs_irq,
	.failed = fs_failed,
};
