/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk as block devices /dev/vda, /dev/vdb...: reads and writes at any
 * offset, straight to the device by way of kernel pages; nothing is cached.
 * What does not fill whole sectors is read, changed and written under the
 * disk's lock, which all writers take.
 */
#include <linux/fs.h>
#include <linux/stat.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/page.h"
#include "drv/virtio/channel.h"
#include "drv/virtio/virtio.h"
#include "fs/vfs.h"
#include "fs/uio.h"
#include "lib/string.h"

#define DISKS_MAX	8u
#define MAJOR_VD	252u
#define MINORS		16u	/* of one disk: room for partitions */
#define SECTOR		512u
#define PAGES_MAX	32u	/* of one request */
#define QUEUE_SIZE	64u

struct disk {
	/* set once */
	struct virtio *v;
	struct virtio_channel channel;
	bool read_only, has_flush;
	uint32_t nr_pages;	/* of one request */
	struct mutex write_lock;
	uint64_t sectors;	/* atomic; the host may change it */
};

static struct disk *disks[DISKS_MAX];	/* at start only */
static uint32_t nr_disks;

/* Pages for one request; `nr` of them. */
struct blk_buffer {
	char *page[PAGES_MAX];
	uint32_t nr;
};

/* --- requests ----------------------------------------------------------------*/

static int request(struct disk *d, uint32_t type, uint64_t sector,
		   const struct blk_buffer *b, size_t len)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };
	struct virtq_seg seg[PAGES_MAX + 2];
	struct vring_desc table[PAGES_MAX + 2];
	uint8_t status = VIRTIO_BLK_S_IOERR;
	uint32_t n = 0, nr_out;
	int64_t written;

	seg[n++] = (struct virtq_seg){ &h, sizeof(h) };
	for (size_t at = 0; at < len; at += PAGE_SIZE)
		seg[n++] = (struct virtq_seg){
			b->page[at >> PAGE_SHIFT],
			(uint32_t)MIN(len - at, PAGE_SIZE),
		};
	seg[n++] = (struct virtq_seg){ &status, 1 };
	nr_out = type == VIRTIO_BLK_T_IN ? 1 : n - 1;
	written = virtio_channel_call(&d->channel, seg, nr_out, n - nr_out,
				      table);
	if (written < 0 || status != VIRTIO_BLK_S_OK)
		return -EIO;
	return 0;
}

static void buffer_put(struct blk_buffer *b)
{
	while (b->nr)
		page_free(b->page[--b->nr], 0);
}

/* Room for len bytes or less, but some. */
static int buffer_get(struct blk_buffer *b, size_t len, uint32_t max)
{
	b->nr = 0;
	while (b->nr < max && b->nr * PAGE_SIZE < len) {
		b->page[b->nr] = page_alloc(0, false);
		if (!b->page[b->nr])
			break;
		b->nr++;
	}
	return b->nr ? 0 : -ENOMEM;
}

/* --- files -------------------------------------------------------------------*/

static uint64_t size_of(const struct disk *d)
{
	return __atomic_load_n(&d->sectors, __ATOMIC_RELAXED) * SECTOR;
}

/* One request's worth of [pos, pos + n). */
struct blk_piece {
	uint64_t sector;
	size_t skip;		/* bytes of the first sector not asked for */
	size_t len;		/* bytes asked for */
	size_t whole;		/* bytes of the sectors that are touched */
};

static void cut_piece(struct blk_piece *p, uint64_t pos, size_t n,
		      uint32_t nr_pages)
{
	p->sector = pos / SECTOR;
	p->skip = pos % SECTOR;
	p->len = MIN(n, nr_pages * PAGE_SIZE - p->skip);
	p->whole = ALIGN_UP(p->skip + p->len, (size_t)SECTOR);
}

/* Between a piece's bytes and the program. Returns bytes moved. */
static size_t move_bytes(const struct blk_buffer *b, const struct blk_piece *p,
			 struct uio *u, bool write)
{
	size_t done = 0;

	while (done < p->len) {
		size_t at = p->skip + done, in = at & (PAGE_SIZE - 1);
		size_t len = MIN(p->len - done, PAGE_SIZE - in), got;
		char *bytes = b->page[at >> PAGE_SHIFT] + in;

		got = write ? uio_drain(u, bytes, len) :
			      uio_fill(u, bytes, len);
		done += got;
		if (got < len)
			break;
	}
	return done;
}

static ssize_t read_piece(struct disk *d, struct blk_buffer *b, struct uio *u,
			  uint64_t pos, size_t n)
{
	struct blk_piece p;
	size_t got;
	int err;

	cut_piece(&p, pos, n, b->nr);
	err = request(d, VIRTIO_BLK_T_IN, p.sector, b, p.whole);
	if (err)
		return err;
	got = move_bytes(b, &p, u, false);
	return got ? (ssize_t)got : -EFAULT;
}

/* Under write_lock. */
static ssize_t write_piece(struct disk *d, struct blk_buffer *b,
			   struct uio *u, uint64_t pos, size_t n)
{
	struct blk_piece p;
	size_t got;
	int err = 0;

	cut_piece(&p, pos, n, b->nr);
	if (p.skip || p.whole != p.len)
		err = request(d, VIRTIO_BLK_T_IN, p.sector, b, p.whole);
	if (err)
		return err;
	got = move_bytes(b, &p, u, true);
	if (!got)
		return -EFAULT;
	/* a bad address: whole sectors only, the rest was not read */
	if (got < p.len && !p.skip && p.whole == p.len) {
		got -= got % SECTOR;
		p.whole = got;
		if (!got)
			return -EFAULT;
	}
	err = request(d, VIRTIO_BLK_T_OUT, p.sector, b, p.whole);
	return err ? err : (ssize_t)got;
}

static ssize_t blk_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct disk *d = f->private;
	struct blk_buffer b;
	size_t done = 0;
	ssize_t r = 0;

	if (*pos >= size_of(d) || !u->left)
		return 0;
	r = buffer_get(&b, MIN(u->left, size_of(d) - *pos) + SECTOR,
		       d->nr_pages);
	while (!r && u->left && *pos < size_of(d)) {
		size_t n = MIN(u->left, size_of(d) - *pos);

		r = read_piece(d, &b, u, *pos, n);
		if (r <= 0)
			break;
		done += (size_t)r;
		*pos += (uint64_t)r;
		r = 0;
	}
	buffer_put(&b);
	return done ? (ssize_t)done : r;
}

static ssize_t blk_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct disk *d = f->private;
	struct blk_buffer b;
	size_t done = 0;
	ssize_t r;

	if (d->read_only)
		return -EPERM;
	if (!u->left)
		return 0;
	if (*pos >= size_of(d))
		return -ENOSPC;
	r = buffer_get(&b, u->left + SECTOR, d->nr_pages);
	mutex_lock(&d->write_lock);
	while (!r && u->left && *pos < size_of(d)) {
		size_t n = MIN(u->left, size_of(d) - *pos);

		r = write_piece(d, &b, u, *pos, n);
		if (r <= 0)
			break;
		done += (size_t)r;
		*pos += (uint64_t)r;
		r = 0;
	}
	mutex_unlock(&d->write_lock);
	buffer_put(&b);
	return done ? (ssize_t)done : r;
}

static int64_t blk_seek(struct file *f, int64_t off, int whence)
{
	int64_t size = (int64_t)size_of(f->private), base = 0;

	if (whence == SEEK_CUR)
		base = (int64_t)f->pos;
	else if (whence == SEEK_END)
		base = size;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, off, &off) || off < 0 || off > size)
		return -EINVAL;
	f->pos = (uint64_t)off;
	return off;
}

static int blk_fsync(struct file *f, bool data_only)
{
	struct disk *d = f->private;

	if (!d->has_flush || d->read_only)
		return 0;
	return request(d, VIRTIO_BLK_T_FLUSH, 0, NULL, 0);
}

static int put_number(uint64_t arg, uint64_t v, size_t size)
{
	return copy_to_user((void *)arg, &v, size);
}

static long blk_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct disk *d = f->private;

	switch (cmd) {
	case BLKGETSIZE64:
		return put_number(arg, size_of(d), sizeof(uint64_t));
	case BLKGETSIZE:
		return put_number(arg, size_of(d) / SECTOR, sizeof(uint64_t));
	case BLKSSZGET:
	case BLKPBSZGET:
		return put_number(arg, SECTOR, sizeof(uint32_t));
	case BLKBSZGET:
		return put_number(arg, PAGE_SIZE, sizeof(uint32_t));
	case BLKROGET:
		return put_number(arg, d->read_only, sizeof(uint32_t));
	case BLKFLSBUF:
		return blk_fsync(f, false);
	default:
		return -ENOTTY;
	}
}

static const struct file_ops blk_fops = {
	.read = blk_read,
	.write = blk_write,
	.seek = blk_seek,
	.ioctl = blk_ioctl,
	.fsync = blk_fsync,
};

static int blk_open(struct inode *i, struct file *f)
{
	uint32_t minor = dev_minor(i->rdev);

	if (minor % MINORS || minor / MINORS >= nr_disks)
		return -ENXIO;
	f->private = disks[minor / MINORS];
	f->ops = &blk_fops;
	return 0;
}

/* --- the device --------------------------------------------------------------*/

static void blk_irq(struct virtio *v)
{
	virtio_channel_irq(&((struct disk *)v->private)->channel);
}

static void blk_failed(struct virtio *v)
{
	virtio_channel_failed(&((struct disk *)v->private)->channel);
}

static void read_capacity(struct virtio *v)
{
	struct disk *d = v->private;
	uint64_t n = virtio_config64(v, offsetof(struct virtio_blk_config,
						 capacity));

	__atomic_store_n(&d->sectors, MIN(n, (uint64_t)INT64_MAX / SECTOR),
			 __ATOMIC_RELAXED);
}

/* Pages of one request that the device takes. */
static uint32_t segments_of(struct virtio *v, const struct disk *d)
{
	uint32_t n = PAGES_MAX;

	if (virtio_has(v, VIRTIO_BLK_F_SEG_MAX))
		n = MIN(n, virtio_config32(v, offsetof(struct virtio_blk_config,
						       seg_max)));
	if (!d->channel.queue.indirect)
		n = MIN(n, d->channel.queue.size - 2u);
	return MAX(n, 1u);
}

static int name_disk(struct disk *d)
{
	char name[] = "vda";
	int err = 0;

	if (!nr_disks)
		err = blkdev_register(MAJOR_VD, 0, DISKS_MAX * MINORS,
				      blk_open);
	name[2] = (char)('a' + nr_disks);
	if (!err)
		err = devfs_add(name, S_IFBLK | 0660,
				dev_make(MAJOR_VD, nr_disks * MINORS));
	if (!err)
		disks[nr_disks++] = d;
	return err;
}

static int blk_probe(struct virtio *v)
{
	struct disk *d;
	int err;

	if (nr_disks == DISKS_MAX)
		return -ENOSPC;
	d = kzalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->v = v;
	d->read_only = virtio_has(v, VIRTIO_BLK_F_RO);
	d->has_flush = virtio_has(v, VIRTIO_BLK_F_FLUSH);
	mutex_init(&d->write_lock);
	err = virtio_channel_init(&d->channel, v, 0, QUEUE_SIZE, 3);
	if (err) {
		kfree(d);
		return err;
	}
	d->nr_pages = segments_of(v, d);
	v->private = d;
	virtio_ready(v);
	read_capacity(v);
	return name_disk(d);
}

const struct virtio_driver virtio_blk_driver = {
	.name = "blk",
	.type = VIRTIO_ID_BLOCK,
	.features = 1ull << VIRTIO_BLK_F_RO | 1ull << VIRTIO_BLK_F_FLUSH |
		    1ull << VIRTIO_BLK_F_SEG_MAX,
	.probe = blk_probe,
	.irq = blk_irq,
	.changed = read_capacity,
	.failed = blk_failed,
};
