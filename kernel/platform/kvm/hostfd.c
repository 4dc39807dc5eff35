/* SPDX-License-Identifier: MIT */
/*
 * The table of host descriptors, and platform.h's calls on them. Streams are
 * stream.c's.
 */
#include "platform/kvm/hostfd.h"
#include "abi/boot.h"
#include "core/heap.h"
#include "core/lock.h"
#include "lib/string.h"
#include "platform/kvm/hostfile_priv.h"
#include "platform/kvm/stream.h"
#include "platform/platform.h"

#define FDS_FIRST	64u
#define FDS_MAX		65536u

static struct {
	struct mutex lock;
	/* under lock */
	struct hostopen **open;
	uint32_t nr, hint;	/* none is free below hint */
} table = { .lock = MUTEX_INIT, .hint = ABI_FD_FIRST_FREE };

static int grow_locked(void)
{
	uint32_t nr = table.nr ? table.nr * 2 : FDS_FIRST;
	struct hostopen **bigger;

	if (nr > FDS_MAX)
		return -ENFILE;
	bigger = krealloc(table.open, nr * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + table.nr, 0, (nr - table.nr) * sizeof(*bigger));
	table.open = bigger;
	table.nr = nr;
	return 0;
}

int hostfd_add(struct hostopen *o)
{
	int fd = 0;

	mutex_lock(&table.lock);
	while (table.hint < table.nr && table.open[table.hint])
		table.hint++;
	if (table.hint >= table.nr)
		fd = grow_locked();
	if (!fd) {
		fd = (int)table.hint++;
		table.open[fd] = o;
	}
	mutex_unlock(&table.lock);
	if (fd < 0)
		hostopen_put(o);
	return fd;
}

int hostfd_set(int fd, struct hostopen *o)
{
	int err = 0;

	mutex_lock(&table.lock);
	if (!table.nr)
		err = grow_locked();
	if (!err)
		table.open[fd] = o;
	mutex_unlock(&table.lock);
	return err;
}

struct hostopen *hostfd_get(int fd)
{
	struct hostopen *o = NULL;

	mutex_lock(&table.lock);
	if (fd >= 0 && (uint32_t)fd < table.nr && table.open[fd])
		o = hostopen_get(table.open[fd]);
	mutex_unlock(&table.lock);
	return o;
}

void plat_fd_close(int fd)
{
	struct hostopen *o = NULL;

	mutex_lock(&table.lock);
	if (fd >= ABI_FD_FIRST_FREE && (uint32_t)fd < table.nr) {
		o = table.open[fd];
		table.open[fd] = NULL;
		table.hint = MIN(table.hint, (uint32_t)fd);
	}
	mutex_unlock(&table.lock);
	hostopen_put(o);
}

ssize_t plat_fd_pread(int fd, void *buf, size_t n, int64_t off)
{
	struct hostopen *o = hostfd_get(fd);
	ssize_t r;

	if (!o)
		return -EBADF;
	if (o->is_stream && off < 0)
		r = stream_read(o, (uint32_t)fd, buf, n);
	else if (off < 0)
		r = -EINVAL;
	else
		r = hostopen_read(o, buf, n, (uint64_t)off);
	hostopen_put(o);
	return r;
}

ssize_t plat_fd_pwrite(int fd, const void *buf, size_t n, int64_t off)
{
	struct hostopen *o = hostfd_get(fd);
	ssize_t r;

	if (!o)
		return -EBADF;
	if (o->is_stream && off < 0)
		r = stream_write(o, (uint32_t)fd, buf, n);
	else if (off < 0)
		r = -EINVAL;
	else
		r = hostopen_write(o, buf, n, (uint64_t)off);
	hostopen_put(o);
	return r;
}

int64_t plat_fd_seek(int fd, int64_t off, int whence)
{
	struct hostopen *o = hostfd_get(fd);
	int64_t r;

	if (!o)
		return -EBADF;
	r = hostopen_seek(o, off, whence);
	hostopen_put(o);
	return r;
}

struct hostfile *hostfile_get(int fd, bool write_shared)
{
	struct hostopen *o = hostfd_get(fd);
	struct hostfile *f = NULL;

	if (o)
		f = hostfile_for_mapping(o, write_shared);
	hostopen_put(o);
	return f;
}
