/* SPDX-License-Identifier: MIT */
/* pipe and pipe2: two descriptors on one pipe (fs/pipe.c). */
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "fs/pipe.h"
#include "linux/process.h"
#include <linux/fcntl.h>

long sys_pipe2(uint64_t fds_user, uint64_t flags)
{
	bool cloexec = flags & O_CLOEXEC;
	struct file *ends[2];
	int fds[2];
	long err;

	if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_create(ends, (uint32_t)flags & (O_NONBLOCK | O_DIRECT));
	if (err)
		return err;
	for (int i = 0; i < 2; i++) {
		ends[i]->inode->uid = current_thread()->cred->fsuid;
		ends[i]->inode->gid = current_thread()->cred->fsgid;
	}
	fds[0] = fd_install(ends[0], cloexec);
	if (fds[0] < 0) {
		err = fds[0];
		goto out_put;
	}
	fds[1] = fd_install(ends[1], cloexec);
	if (fds[1] < 0) {
		err = fds[1];
		fd_close(fds[0]);
		file_put(ends[1]);
		return err;
	}
	if (!copy_to_user((void *)fds_user, fds, sizeof(fds)))
		return 0;
	fd_close(fds[0]);
	fd_close(fds[1]);
	return -EFAULT;
out_put:
	file_put(ends[0]);
	file_put(ends[1]);
	return err;
}

long sys_pipe(uint64_t fds_user)
{
	return sys_pipe2(fds_user, 0);
}
