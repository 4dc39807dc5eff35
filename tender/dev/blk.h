/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk on a file or block device of the host: read, write, flush,
 * get-id. The host's errors become VIRTIO_BLK_S_IOERR and are counted; the
 * first of each kind is reported. A file that shrinks gives errors beyond its
 * new end, for writes also: it is never grown.
 * Host calls: preadv, pwritev, fdatasync, lseek.
 */
#pragma once
#include "dev/virtio.h"
#include "util/err.h"
#include <linux/virtio_blk.h>

#define BLK_SECTOR	512u

/* A host file that is to be a disk. */
struct blk_file {
	int fd;
	bool read_only;
	uint64_t nr_sectors;
};

struct blk_dev {
	struct virtio_dev dev;
	/* Set once. */
	struct blk_file file;
	char id[VIRTIO_BLK_ID_BYTES];
	struct virtio_blk_config config;
	/* Under dev.lock. */
	uint64_t nr_requests, nr_io_errors, nr_refused;
	int last_error;		/* errno reported last */
};

/*
 * Open path; read_only opens it O_RDONLY. What has no whole number of sectors
 * loses the rest.
 * Returns 0; or -errno with a text for the user: missing, no permission, a
 * directory or other kind of file, empty.
 */
int blk_file_open(struct blk_file *f, const char *path, bool read_only,
		  struct err *e);
void blk_file_close(struct blk_file *f);

/* The device takes the file over and closes it in blk_fini. */
void blk_init(struct blk_dev *b, const char *name,
	      const struct guest_memory *memory, struct blk_file *file);
void blk_fini(struct blk_dev *b);
