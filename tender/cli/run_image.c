/* SPDX-License-Identifier: MIT */
/*
 * `mica run --image FILE`: FILE becomes an export that the sandbox's kernel
 * reads. The super block is looked at here as well, but only to say what is
 * wrong and what to do; nothing else of an image is ever read outside the
 * sandbox.
 */
#include "abi/erofs.h"
#include "cli/run.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (1u << EROFS_BLOCK_BITS)

static int check_super(const char *name, const struct erofs_super *s,
		       uint64_t size, struct err *e)
{
	if (s->magic != EROFS_MAGIC)
		return err_set(e, EINVAL, "--image %s: not an EROFS image: make "
			       "one with 'mkfs.erofs FILE DIRECTORY'", name);
	if (s->block_bits != EROFS_BLOCK_BITS)
		return err_set(e, EINVAL, "--image %s: its blocks have 2^%u "
			       "bytes: make it with blocks of 4096 ('mkfs.erofs "
			       "-b4096')", name, s->block_bits);
	if (s->incompat & EROFS_DEVICE_TABLE)
		return err_set(e, EINVAL, "--image %s: its data are in other "
			       "files: make it with 'mkfs.erofs' without "
			       "--blobdev", name);
	if (s->compression || (s->incompat & ~EROFS_INCOMPAT_KNOWN))
		return err_set(e, EINVAL, "--image %s: it is compressed, or has "
			       "other features that mica can not read: make it "
			       "with 'mkfs.erofs' without -z and -E", name);
	if (size < (uint64_t)s->nr_blocks * BLOCK)
		return err_set(e, EINVAL, "--image %s: it is cut short: %llu "
			       "bytes of %llu", name, (unsigned long long)size,
			       (unsigned long long)s->nr_blocks * BLOCK);
	return 0;
}

int run_add_image(struct run *r, uint32_t *id, struct err *e)
{
	const char *name = r->opt.image;
	struct erofs_super s = { 0 };
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int err = 0;

	if (fd < 0 || fstat(fd, &st))
		err = err_set(e, errno, "--image %s: %s", name,
			      strerror(errno));
	else if (!S_ISREG(st.st_mode))
		err = err_set(e, EINVAL, "--image %s: not a file%s", name,
			      S_ISDIR(st.st_mode) ? ": a directory can be "
						    "given with --root" : "");
	else if (pread(fd, &s, sizeof(s), EROFS_SUPER_AT) < 0)
		err = err_set(e, errno, "--image %s: %s", name,
			      strerror(errno));
	else
		err = check_super(name, &s, (uint64_t)st.st_size, e);
	if (fd >= 0)
		close(fd);
	return err ? err : fsrv_add_export(r->server, name,
					   FSRV_EXPORT_READ_ONLY |
					   FSRV_EXPORT_IS_FILE, id, e);
}
