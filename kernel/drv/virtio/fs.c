/* SPDX-License-Identifier: MIT */
/*
 * virtio-fs: requests of FUSE by a channel (channel.h), so that one slow
 * answer (the control node's) keeps nobody back; FORGET, which has no answer,
 * by the other queue.
 */
#include "drv/virtio/fs.h"
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include "abi/fs_device.h"
#include "core/panic.h"
#include "drv/virtio/channel.h"
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
	struct virtio_channel channel;
	uint64_t unique;	/* atomic */
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

static void fs_irq(struct virtio *v)
{
	virtio_channel_irq(&fs.channel);
}

static void fs_failed(struct virtio *v)
{
	virtio_channel_failed(&fs.channel);
}

static const struct virtq_seg *segs_of(const struct fuse_msg *m)
{
	return m->seg ? m->seg : m->few;
}

/* Headers around the caller's pieces. */
static void lay_out(struct request *r, const struct fuse_msg *m)
{
	const struct virtq_seg *seg = segs_of(m);
	uint32_t n = 0, len = sizeof(r->in);

	r->seg[n++] = (struct virtq_seg){ &r->in, sizeof(r->in) };
	for (uint32_t i = 0; i < m->nr_out; i++) {
		r->seg[n++] = seg[i];
		len += seg[i].len;
	}
	r->seg[n++] = (struct virtq_seg){ &r->out, sizeof(r->out) };
	for (uint32_t i = 0; i < m->nr_in; i++)
		r->seg[n++] = seg[m->nr_out + i];
	r->in = (struct fuse_in_header){
		.len = len, .opcode = m->opcode, .nodeid = m->nodeid,
		/* odd ones are interrupts' */
		.unique = __atomic_add_fetch(&fs.unique, 2, __ATOMIC_RELAXED),
	};
	r->out = (struct fuse_out_header){ .len = 0 };
}

static int check_answer(const struct request *r, int64_t written,
			struct fuse_msg *m)
{
	struct fuse_out_header h = r->out;

	if (written < (int64_t)sizeof(h) || h.len != written ||
	    h.unique != r->in.unique || h.error > 0 || h.error < -4095)
		return -EIO;
	m->got = h.error ? 0 : h.len - (uint32_t)sizeof(h);
	return h.error;
}

int fuse_call(struct fuse_msg *m)
{
	struct virtio *v = __atomic_load_n(&fs.v, __ATOMIC_ACQUIRE);
	struct request r;
	int64_t written;

	m->got = 0;
	if (!v)
		return -ENODEV;
	lay_out(&r, m);
	written = virtio_channel_call(&fs.channel, r.seg, m->nr_out + 1,
				      m->nr_in + 1, r.table);
	return written < 0 ? (int)written : check_answer(&r, written, m);
}

int fuse_call_exact(struct fuse_msg *m)
{
	uint32_t room = 0;
	int err = fuse_call(m);

	for (uint32_t i = 0; i < m->nr_in; i++)
		room += segs_of(m)[m->nr_out + i].len;
	if (!err && m->got != room)
		err = -EIO;
	return err;
}

static void add(struct fuse_msg *m, void *p, size_t len)
{
	uint32_t n = m->nr_out + m->nr_in;
	struct virtq_seg *seg = m->seg ? m->seg : m->few;

	assert(n < (m->seg ? FUSE_SEGS_MAX : FUSE_SEGS_FEW));
	seg[n] = (struct virtq_seg){ p, (uint32_t)len };
}

void fuse_send(struct fuse_msg *m, const void *p, size_t len)
{
	assert(!m->nr_in);
	if (!len)
		return;
	add(m, (void *)p, len);
	m->nr_out++;
}

void fuse_receive(struct fuse_msg *m, void *p, size_t len)
{
	if (!len)
		return;
	add(m, p, len);
	m->nr_in++;
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
	err = virtio_queue_init(v, QUEUE_HIGH, &fs.high, QUEUE_SIZE);
	if (!err)
		err = virtio_channel_init(&fs.channel, v, QUEUE_REQUESTS,
					  QUEUE_SIZE, FUSE_SEGS_MAX + 2);
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
