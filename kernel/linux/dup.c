/* SPDX-License-Identifier: MIT */
/* close, dup, dup2, dup3: the calls on single descriptors (fdtable.c). */
#include <linux/fcntl.h>
#include <gen/syscalls.h>
#include "linux/fdtable.h"

long sys_close(uint64_t fd)
{
	return fd_close((int)fd);
}

long sys_dup(uint64_t fd)
{
	struct file *f = fd_get_any((int)fd);
	int n;

	if (!f)
		return -EBADF;
	n = fd_install(f, false);
	if (n < 0)
		file_put(f);
	return n;
}

static long dup_to(int old_fd, int new_fd, bool cloexec)
{
	struct file *f = fd_get_any(old_fd);
	int n;

	if (!f)
		return -EBADF;
	n = fd_replace(f, new_fd, cloexec);
	if (n < 0)
		file_put(f);
	return n;
}

long sys_dup2(uint64_t old_fd, uint64_t new_fd)
{
	if ((uint32_t)old_fd == (uint32_t)new_fd) {
		struct file *f = fd_get_any((int)old_fd);

		if (!f)
			return -EBADF;
		file_put(f);
		return (int)new_fd;
	}
	return dup_to((int)old_fd, (int)new_fd, false);
}

long sys_dup3(uint64_t old_fd, uint64_t new_fd, uint64_t flags)
{
	if ((flags & ~(uint64_t)O_CLOEXEC) ||
	    (uint32_t)old_fd == (uint32_t)new_fd)
		return -EINVAL;
	return dup_to((int)old_fd, (int)new_fd, flags & O_CLOEXEC);
}
