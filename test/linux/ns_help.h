/* SPDX-License-Identifier: MIT */
/* What the tests of namespaces share. */
#pragma once
#include "harness.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

/* In a new namespace, or the test is skipped where that is not allowed. */
static inline void enter_new(int flags)
{
	if (!unshare(flags))
		return;
	if (errno == EPERM || errno == ENOSPC)
		skip("no new namespaces here: %s", err_name(errno));
	must(-1);
}

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Root of a new user namespace, whoever started the test. */
static inline void become_root_of_new(int more)
{
	unsigned int uid = geteuid(), gid = getegid();
	char text[64];

	enter_new(CLONE_NEWUSER | more);
	must(write_file("/proc/self/setgroups", "deny"));
	snprintf(text, sizeof(text), "0 %u 1", uid);
	must(write_file("/proc/self/uid_map", text));
	snprintf(text, sizeof(text), "0 %u 1", gid);
	must(write_file("/proc/self/gid_map", text));
}

/* In a tree of mounts that nobody else hears of, as its root. */
static inline void private_tree(void)
{
	if (!geteuid())
		enter_new(CLONE_NEWNS);
	else
		become_root_of_new(CLONE_NEWNS);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		skip("not allowed to mount: %s", err_name(errno));
}

static inline int open_ns(const char *kind)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	return must(open(path, O_RDONLY | O_CLOEXEC));
}

static inline bool is_same(int a, int b)
{
	struct stat x, y;

	must(fstat(a, &x));
	must(fstat(b, &y));
	return x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}
