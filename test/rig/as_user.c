/* SPDX-License-Identifier: MIT */
/*
 * Loaded before virtiofsd when an ordinary user starts it, to do without what a
 * user name space of an ordinary user forbids:
 * - giving up supplementary groups. The files are served read-only to a machine
 *   of the same user, so the groups may stay.
 * - O_NOATIME on files of others, which the guest's overlay asks for.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int setgroups(size_t count, const gid_t *list)
{
	(void)count;
	(void)list;
	return 0;
}

static int open_plain(int dir, const char *path, int flags, va_list more)
{
	mode_t mode = 0;

	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(more, mode_t);
	return syscall(SYS_openat, dir, path, flags & ~O_NOATIME, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
	va_list more;
	int fd;

	va_start(more, flags);
	fd = open_plain(dir, path, flags, more);
	va_end(more);
	return fd;
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list more;
	int fd;

	va_start(more, flags);
	fd = open_plain(dir, path, flags, more);
	va_end(more);
	return fd;
}

int __openat64_2(int dir, const char *path, int flags);

int __openat64_2(int dir, const char *path, int flags)
{
	return syscall(SYS_openat, dir, path, flags & ~O_NOATIME, 0);
}
