/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk on a host file, see blk.h. Data goes between the file and the
 * guest's buffers directly; only the header and the status are looked at.
 *
 * A request that has no header or no place for its status breaks the device;
 * one that asks for the impossible gets an error.
 */
#include "dev/blk.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUE_SIZE	128u
#define SEGMENTS_MAX	126u		/* header and status come besides */
#define SEGMENT_BYTES	(256u << 10)
#define REQUEST_MAX	((uint64_t)SEGMENTS_MAX * SEGMENT_BYTES)

/* ---- the file ------------------------------------------------------------------ */

static int open_failed(const char *path, bool read_only, int code,
		       struct err *e)
{
	if (!read_only && (code == EACCES || code == EROFS || code == EPERM))
		return err_set(e, code, "opening disk %s for writing: %s; "
			       "%s:ro attaches it read-only", path,
			       strerror(code), path);
	return err_set(e, code, "opening disk %s: %s", path, strerror(code));
}

/* One sandbox that writes, or any number that read. */
static int lock_file(int fd, const char *path, bool read_only, struct err *e)
{
	struct flock l = { .l_type = read_only ? F_RDLCK : F_WRLCK,
			   .l_whence = SEEK_SET };

	/* file systems without locks have no say */
	if (!fcntl(fd, F_OFD_SETLK, &l) || (errno != EAGAIN &&
					    errno != EACCES))
		return 0;
	return err_set(e, EBUSY, "disk %s is in use by another sandbox%s",
		       path, read_only ? " that writes it" : "");
}

static int check_kind(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(e, errno, "disk %s: %s", path,
			       strerror(errno));
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return 0;
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "disk %s is a directory; "
			       "--volume gives access to directories", path);
	return err_set(e, EINVAL, "disk %s is neither a file nor a block "
		       "device", path);
}

static int check_size(struct blk_file *f, const char *path, struct err *e)
{
	off_t end = lseek(f->fd, 0, SEEK_END);

	if (end < 0)
		return err_set(e, errno, "size of disk %s: %s", path,
			       strerror(errno));
	if (end < (off_t)BLK_SECTOR)
		return err_set(e, EINVAL, "disk %s is empty: a disk has at "
			       "least %u bytes", path, BLK_SECTOR);
	f->nr_sectors = (uint64_t)end / BLK_SECTOR;
	return 0;
}

int blk_file_open(struct blk_file *f, const char *path, bool read_only,
		  struct err *e)
{
	int err;

	*f = (struct blk_file){ .read_only = read_only };
	/* non-blocking: the open of a FIFO would wait */
	f->fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC |
		     O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0 && errno == EISDIR)
		f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0)
		return open_failed(path, read_only, errno, e);
	err = check_kind(f->fd, path, e);
	if (!err)
		err = check_size(f, path, e);
	if (!err)
		err = lock_file(f->fd, path, read_only, e);
	if (err)
		blk_file_close(f);
	return err;
}

void blk_file_close(struct blk_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* ---- requests --------------------------------------------------------------------- */

static struct blk_dev *blk_of(struct virtio_dev *d)
{
	return (struct blk_dev *)((char *)d - offsetof(struct blk_dev, dev));
}

static uint8_t host_error(struct blk_dev *b, const char *doing,
			  uint64_t offset, int code)
{
	b->nr_io_errors++;
	if (b->last_error != code) {
		b->last_error = code;
		virtio_dev_report(&b->dev, "%s at byte %llu of the disk: %s",
				  doing, (unsigned long long)offset,
				  code == ENODATA ?
				  "the file has become shorter" :
				  strerror(code));
	}
	return VIRTIO_BLK_S_IOERR;
}

static uint8_t refused(struct blk_dev *b)
{
	b->nr_refused++;
	return VIRTIO_BLK_S_IOERR;
}

/* Is [sector, sector + len bytes) on the disk, and a sensible amount? */
static bool in_bounds(const struct blk_dev *b, uint64_t sector, uint64_t len)
{
	return !(len % BLK_SECTOR) && len <= REQUEST_MAX &&
	       sector <= b->file.nr_sectors &&
	       len / BLK_SECTOR <= b->file.nr_sectors - sector;
}

static uint8_t read_data(struct blk_dev *b, struct virtq_chain *c,
			 uint64_t offset)
{
	while (c->in_left) {
		uint32_t nr;
		const struct iovec *v = virtq_chain_in(c, &nr);
		ssize_t n = preadv(b->file.fd, v, (int)nr, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return host_error(b, "reading", offset,
					  n ? errno : ENODATA);
		virtq_chain_skip_in(c, (size_t)n);
		offset += (uint64_t)n;
	}
	return VIRTIO_BLK_S_OK;
}

static uint8_t sync_file(struct blk_dev *b)
{
	if (fdatasync(b->file.fd))
		return host_error(b, "writing back", 0, errno);
	return VIRTIO_BLK_S_OK;
}

static uint8_t write_data(struct blk_dev *b, struct virtq_chain *c,
			  uint64_t offset)
{
	off_t end = lseek(b->file.fd, 0, SEEK_END);

	if (end < 0 || (uint64_t)end < offset + c->out_left)
		return host_error(b, "writing", offset,
				  end < 0 ? errno : ENODATA);
	while (c->out_left) {
		uint32_t nr;
		const struct iovec *v = virtq_chain_out(c, &nr);
		ssize_t n = pwritev(b->file.fd, v, (int)nr, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return host_error(b, "writing", offset,
					  n ? errno : EIO);
		virtq_chain_skip_out(c, (size_t)n);
		offset += (uint64_t)n;
	}
	/* a driver that can not flush relies on every write */
	if (!(b->dev.driver_features & VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH)))
		return sync_file(b);
	return VIRTIO_BLK_S_OK;
}

static uint8_t transfer(struct blk_dev *b, struct virtq_chain *c,
			const struct virtio_blk_outhdr *h)
{
	bool out = h->type == VIRTIO_BLK_T_OUT;

	if (!in_bounds(b, h->sector, out ? c->out_left : c->in_left))
		return refused(b);
	if (!out)
		return read_data(b, c, h->sector * BLK_SECTOR);
	if (b->file.read_only)
		return refused(b);
	return write_data(b, c, h->sector * BLK_SECTOR);
}

static uint8_t serve(struct blk_dev *b, struct virtq_chain *c,
		     const struct virtio_blk_outhdr *h)
{
	switch (h->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		return transfer(b, c, h);
	case VIRTIO_BLK_T_FLUSH:
		return b->file.read_only ? VIRTIO_BLK_S_OK : sync_file(b);
	case VIRTIO_BLK_T_GET_ID:
		virtq_chain_write(c, b->id, sizeof(b->id));
		return VIRTIO_BLK_S_OK;
	}
	b->nr_refused++;
	return VIRTIO_BLK_S_UNSUPP;
}

static enum virtio_served one(struct virtio_dev *d, struct virtq_chain *c)
{
	struct blk_dev *b = blk_of(d);
	struct virtio_blk_outhdr h;
	unsigned char *status = virtq_chain_take_last(c);

	if (!status || virtq_chain_read(c, &h, sizeof(h)) != sizeof(h)) {
		virtio_dev_fail(d, "stopped, a request has no %s",
				status ? "header" : "place for its status");
		return VIRTIO_KEPT;
	}
	b->nr_requests++;
	*status = serve(b, c, &h);
	c->written++;
	return VIRTIO_DONE;
}

/* ---- the device --------------------------------------------------------------------- */

static bool kick(struct virtio_dev *d, uint32_t queue)
{
	return virtio_dev_serve(d, queue, one);
}

static void reset(struct virtio_dev *d)
{
}

static const struct virtio_ops ops = { .kick = kick, .reset = reset };

void blk_init(struct blk_dev *b, const char *name,
	      const struct guest_memory *memory, struct blk_file *file)
{
	memset(b, 0, sizeof(*b));
	b->file = *file;
	file->fd = -1;
	snprintf(b->id, sizeof(b->id), "mica-%s", name);
	b->config.capacity = b->file.nr_sectors;
	b->config.seg_max = SEGMENTS_MAX;
	b->config.size_max = SEGMENT_BYTES;
	b->config.blk_size = BLK_SECTOR;
	b->dev = (struct virtio_dev){
		.ops = &ops, .name = name, .type = VIRTIO_ID_BLOCK,
		.features = VIRTIO_RING_FEATURES |
			    VIRTIO_FEATURE(VIRTIO_BLK_F_SIZE_MAX) |
			    VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) |
			    VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) |
			    VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH),
		.nr_queues = 1, .queue_size_max = QUEUE_SIZE,
		.config = &b->config, .config_len = sizeof(b->config),
	};
	if (b->file.read_only)
		b->dev.features |= VIRTIO_FEATURE(VIRTIO_BLK_F_RO);
	virtio_dev_init(&b->dev, memory);
}

void blk_fini(struct blk_dev *b)
{
	blk_file_close(&b->file);
	virtio_dev_fini(&b->dev);
}
