/* SPDX-License-Identifier: MIT */
/*
 * The kept verdict of the probe: a file of one record in a directory that is
 * ours alone, $XDG_RUNTIME_DIR/mica, else /run/user/UID/mica (root: /run/mica),
 * else /tmp/mica-UID. The directory is used only if we own it and nobody else may
 * write to it, and everything below it is reached by its descriptor, so others
 * can not slip something in. A record counts if boot, device and version are
 * the same.
 */
#include "kvm/probe_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_VERSION	1u
#define FILE_NAME	"kvm-verdict"

struct record {
	uint32_t version, size;
	char boot_id[40];
	uint64_t dev, ino, rdev;
	struct kvm_probe probe;
};

static int open_own_dir(const char *path)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IWGRP | S_IWOTH))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_cache_dir(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[512];
	int fd = -1;

	if (runtime && *runtime == '/') {
		snprintf(path, sizeof(path), "%s/mica", runtime);
		fd = open_own_dir(path);
	}
	if (fd < 0 && geteuid() == 0) {
		fd = open_own_dir("/run/mica");
	} else if (fd < 0) {
		snprintf(path, sizeof(path), "/run/user/%u/mica", geteuid());
		fd = open_own_dir(path);
	}
	if (fd < 0) {
		snprintf(path, sizeof(path), "/tmp/mica-%u", geteuid());
		fd = open_own_dir(path);
	}
	return fd;
}

/* What a record of now must say. Returns false if it can not be known. */
static bool fill_identity(struct record *r, int kvm)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	memset(r, 0, sizeof(*r));
	if (fd < 0)
		return false;
	n = read(fd, r->boot_id, sizeof(r->boot_id) - 1);
	close(fd);
	if (n <= 0 || fstat(kvm, &st))
		return false;
	r->version = RECORD_VERSION;
	r->size = sizeof(*r);
	r->dev = st.st_dev;
	r->ino = st.st_ino;
	r->rdev = st.st_rdev;
	return true;
}

bool probe_cache_get(int kvm, struct kvm_probe *p)
{
	struct record now, kept;
	int dir, fd;
	ssize_t n = 0;

	if (!fill_identity(&now, kvm))
		return false;
	dir = open_cache_dir();
	if (dir < 0)
		return false;
	fd = openat(dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
		    O_NONBLOCK);
	close(dir);
	if (fd < 0)
		return false;
	n = read(fd, &kept, sizeof(kept));
	close(fd);
	if (n != sizeof(kept) ||
	    memcmp(&kept, &now, offsetof(struct record, probe)) ||
	    kept.probe.verdict > KVM_VERDICT_UNUSABLE)
		return false;
	*p = kept.probe;
	p->text[sizeof(p->text) - 1] = 0;
	p->is_cached = true;
	return true;
}

void probe_cache_put(int kvm, const struct kvm_probe *p)
{
	char temporary[64];
	struct record r;
	int dir, fd;
	bool ok;

	if (!fill_identity(&r, kvm))
		return;
	r.probe = *p;
	dir = open_cache_dir();
	if (dir < 0)
		return;
	snprintf(temporary, sizeof(temporary), "." FILE_NAME ".%d", getpid());
	unlinkat(dir, temporary, 0);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd >= 0) {
		ok = write(fd, &r, sizeof(r)) == sizeof(r);
		close(fd);
		if (!ok || renameat(dir, temporary, dir, FILE_NAME))
			unlinkat(dir, temporary, 0);
	}
	close(dir);
}
