/* SPDX-License-Identifier: MIT */
/*
 * memfd_create and seals. A memfd is an unlinked tmpfs file. Seals only grow;
 * writing, truncating and mapping look at inode->seals.
 */
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/stat.h>
#include <asm/mman.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/mm.h"
#include "linux/process.h"
#include "linux/seals.h"

#define MEMFD_PREFIX "memfd:"
#define MEMFD_NAME_MAX 249u
#define SEALS_KNOWN                                                          \
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |          \
	 F_SEAL_FUTURE_WRITE | F_SEAL_EXEC_BIT)
#define F_SEAL_EXEC_BIT 0x20u
#define MFD_NOEXEC_SEAL_BIT 8u
#define MFD_EXEC_BIT 16u
#define MFD_KNOWN (MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL_BIT | \
		   MFD_EXEC_BIT)

struct map_search {
	const struct inode *inode;
	bool found;
};

static bool is_shared_writable(const struct vma *v, void *arg)
{
	struct map_search *s = arg;

	if (v->file && v->file->inode == s->inode && v->flags & VMA_SHARED &&
	    v->prot & PROT_WRITE)
		s->found = true;
	return !s->found;
}

long memfd_add_seals(struct file *f, uint32_t seals)
{
	struct map_search s = { .inode = f->inode };
	uint32_t old = __atomic_load_n(&f->inode->seals, __ATOMIC_RELAXED);

	if (!(old & SEALS_SUPPORTED))
		return -EINVAL;
	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~(uint32_t)SEALS_KNOWN)
		return -EINVAL;
	if (old & F_SEAL_SEAL)
		return -EPERM;
	if (seals & F_SEAL_WRITE && !(old & F_SEAL_WRITE)) {
		mm_for_each(current_mm(), is_shared_writable, &s);
		if (s.found)
			return -EBUSY;
	}
	__atomic_fetch_or(&f->inode->seals, seals, __ATOMIC_SEQ_CST);
	return 0;
}

long memfd_get_seals(struct file *f)
{
	uint32_t s = __atomic_load_n(&f->inode->seals, __ATOMIC_RELAXED);

	return s & SEALS_SUPPORTED ? (long)(s & ~SEALS_SUPPORTED) : -EINVAL;
}

static int memfd_name(uint64_t user, char *name, size_t size)
{
	size_t skip = sizeof(MEMFD_PREFIX) - 1;
	ssize_t n;

	memcpy(name, MEMFD_PREFIX, skip);
	n = strncpy_from_user(name + skip, (char *)user, size - skip);
	if (n == -ENAMETOOLONG)
		return -EINVAL;
	return n < 0 ? (int)n : 0;
}

long sys_memfd_create(uint64_t user_name, uint64_t flags)
{
	size_t size = sizeof(MEMFD_PREFIX) + MEMFD_NAME_MAX;
	uint32_t seals = SEALS_SUPPORTED;
	struct file *f;
	char *name;
	int ret;

	if (flags & ~(uint64_t)MFD_KNOWN ||
	    (flags & MFD_EXEC_BIT && flags & MFD_NOEXEC_SEAL_BIT))
		return -EINVAL;
	name = kmalloc(size);
	if (!name)
		return -ENOMEM;
	ret = memfd_name(user_name, name, size);
	if (!ret)
		ret = tmpfs_create_file(name, &f);
	kfree(name);
	if (ret)
		return ret;
	f->flags |= O_LARGEFILE;
	f->inode->mode = S_IFREG | 0777;
	f->inode->uid = current_thread()->cred->fsuid;
	f->inode->gid = current_thread()->cred->fsgid;
	if (flags & MFD_NOEXEC_SEAL_BIT) {
		f->inode->mode &= ~0111u;
		seals |= F_SEAL_EXEC_BIT;
	} else if (!(flags & MFD_ALLOW_SEALING)) {
		seals |= F_SEAL_SEAL;
	}
	f->inode->seals = seals;
	ret = fd_install(f, flags & MFD_CLOEXEC);
	if (ret < 0)
		file_put(f);
	return ret;
}
