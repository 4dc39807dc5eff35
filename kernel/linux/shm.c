/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory. A segment is a nameless file in memory, and an
 * attachment a mapping of it; the file tells of every record of a mapping that
 * comes and goes, and that is counted. A segment that was removed goes with its
 * last attachment. Locks: ipc_lock is taken under mm->lock.
 */
#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <gen/syscalls.h>
#include "core/heap.h"
#include "fs/textfile.h"
#include "lib/string.h"
#include "linux/ipc.h"
#include "linux/mm_priv.h"
#include "linux/pid_ns.h"

/* linux/shm.h needs the C library. */
#define SHM_HUGETLB	04000u
#define SHM_NORESERVE	010000u
#define SHM_RDONLY	010000u
#define SHM_RND		020000u
#define SHM_REMAP	040000u
#define SHM_EXEC	0100000u
#define SHM_LOCK	11u
#define SHM_UNLOCK	12u
#define SHM_DEST	01000u	/* in the mode: removed */
#define SHM_LOCKED	02000u

struct shm_info {
	int32_t used_ids;
	uint64_t tot, rss, swp, swap_attempts, swap_successes;
};

static struct file_ops segment_ops;	/* set once, under ipc_lock */
static uint64_t total_pages;		/* of all segments; under ipc_lock */

static uint64_t pages_of(const struct ipc_obj *o)
{
	return PAGE_UP(o->file->inode->size) >> PAGE_SHIFT;
}

/* Returns o if it is to be freed. Under ipc_lock. */
static struct ipc_obj *count(struct ipc_obj *o, int delta)
{
	o->shm.shm_nattch += (unsigned long)delta;
	if (o->shm.shm_nattch || !(o->perm.mode & SHM_DEST))
		return NULL;
	total_pages -= pages_of(o);
	ipc_forget(o);
	return o;
}

/* file_ops.mapped of a segment. */
static void count_mapping(struct file *f, int delta)
{
	struct ipc_obj *o = f->private, *gone;

	mutex_lock(&ipc_lock);
	o->shm.shm_lpid = (int32_t)current_process()->pid;
	*(delta > 0 ? &o->shm.shm_atime : &o->shm.shm_dtime) = ipc_now();
	gone = count(o, delta);
	mutex_unlock(&ipc_lock);
	f->inode->file_ops->mapped(f, delta);
	ipc_free(gone);		/* the mapping has a reference to f */
}

/* --- segments ------------------------------------------------------------------*/
static int check_size(uint64_t size, uint32_t flags)
{
	if (!size || size > ipc_limits[LIMIT_SHMMAX])
		return -EINVAL;
	if (PAGE_UP(size) < size || total_pages + (PAGE_UP(size) >> PAGE_SHIFT)
	    > ipc_limits[LIMIT_SHMALL])
		return -ENOSPC;
	if (flags & SHM_HUGETLB)
		return cred_has_cap(current_thread()->cred, CAP_IPC_LOCK) ?
		       -ENOMEM : -EPERM;
	return !(flags & SHM_NORESERVE) && mm_is_overcommit(size) ? -ENOMEM :
								    0;
}

static int shm_create(uint64_t size, int32_t key, uint32_t flags,
		      struct ipc_obj **out)
{
	int err = check_size(size, flags);
	struct ipc_obj *o;
	char name[16];

	if (err)
		return err;
	o = kzalloc(sizeof(*o));
	if (!o)
		return -ENOMEM;
	snprintf(name, sizeof(name), "SYSV%08x", (uint32_t)key);
	err = tmpfs_create_file(name, &o->file);
	if (!err)
		err = file_truncate(o->file, size);
	if (err) {
		ipc_free(o);
		return err;
	}
	if (!segment_ops.mapped) {
		segment_ops = *o->file->ops;
		segment_ops.mapped = count_mapping;
	}
	o->file->ops = &segment_ops;
	o->file->private = o;
	o->shm.shm_segsz = size;
	o->shm.shm_cpid = (int32_t)current_process()->pid;
	total_pages += pages_of(o);
	*out = o;
	return 0;
}

static bool shm_remove(struct ipc_obj *o)
{
	if (o->shm.shm_nattch) {
		o->perm.mode |= SHM_DEST;
		o->perm.key = IPC_PRIVATE;
		return false;
	}
	total_pages -= pages_of(o);
	return true;
}

static void add_resident(struct ipc_obj *o, void *arg)
{
	struct shm_info *i = arg;
	struct kstat st;

	i->used_ids++;
	if (!inode_getattr(o->file->inode, &st))
		i->rss += st.blocks * 512 >> PAGE_SHIFT;
}

static size_t shm_info(bool used, void *buf)
{
	struct shminfo64 *limits = buf;
	struct shm_info *i = buf;

	if (used) {
		ipc_for_each(IPC_SHM, add_resident, i);
		i->tot = total_pages;
		return sizeof(*i);
	}
	limits->shmmax = ipc_limits[LIMIT_SHMMAX];
	limits->shmmin = 1;
	limits->shmmni = limits->shmseg = ipc_limits[LIMIT_SHMMNI];
	limits->shmall = ipc_limits[LIMIT_SHMALL];
	return sizeof(*limits);
}

static void shm_show(struct textbuf *t, const struct ipc_obj *o)
{
	struct shm_info i = { 0 };

	add_resident((struct ipc_obj *)o, &i);
	textbuf_printf(t, " %21lu %5u %5u  %5lu %5u %5u %5u %5u %10lu %10lu "
		       "%10lu %21lu %21lu\n", o->shm.shm_segsz,
		       pid_to_user((uint32_t)o->shm.shm_cpid),
		       pid_to_user((uint32_t)o->shm.shm_lpid), o->shm.shm_nattch,
		       o->perm.uid, o->perm.gid, o->perm.cuid, o->perm.cgid,
		       o->shm.shm_atime, o->shm.shm_dtime, o->shm.shm_ctime,
		       i.rss << PAGE_SHIFT, 0ul);
}

const struct ipc_ops shm_ops = {
	.create = shm_create,
	.remove = shm_remove,
	.info = shm_info,
	.show = shm_show,
};

long sys_shmget(uint64_t key, uint64_t size, uint64_t flags)
{
	return ipc_get(IPC_SHM, key, flags, size);
}

/* Memory is never swapped: a mark is all. */
static long lock_segment(int32_t id, bool lock)
{
	struct ipc_obj *o;
	int err;

	mutex_lock(&ipc_lock);
	err = ipc_find(IPC_SHM, id, 0, &o);
	if (!err && !ipc_is_owner(o, CAP_IPC_LOCK))
		err = -EPERM;
	else if (!err && lock && !mm_limit(RLIMIT_MEMLOCK) &&
		 !cred_has_cap(current_thread()->cred, CAP_IPC_LOCK))
		err = -EPERM;
	else if (!err && lock)
		o->perm.mode |= SHM_LOCKED;
	else if (!err)
		o->perm.mode &= ~SHM_LOCKED;
	mutex_unlock(&ipc_lock);
	return err;
}

long sys_shmctl(uint64_t id, uint64_t cmd, uint64_t user)
{
	if ((int32_t)id >= 0 && (cmd == SHM_LOCK || cmd == SHM_UNLOCK))
		return lock_segment((int32_t)id, cmd == SHM_LOCK);
	return ipc_ctl(IPC_SHM, id, cmd, user);
}

/* --- attachments ---------------------------------------------------------------*/
static int check_address(uint64_t flags, uaddr_t *addr, uint32_t *map_flags)
{
	*map_flags = MAP_SHARED;
	if (!*addr)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (*addr & ~PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr = PAGE_DOWN(*addr);
		if (!*addr && flags & SHM_REMAP)
			return -EINVAL;
	}
	*map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

long sys_shmat(uint64_t id, uint64_t addr, uint64_t flags)
{
	struct mm *mm = current_mm();
	struct map_request rq = { .prot = PROT_READ, .max_prot = PROT_READ |
				  PROT_EXEC, .addr = addr };
	uint32_t may = 0444;
	struct ipc_obj *o;
	long ret = check_address(flags, &rq.addr, &rq.map_flags);

	if (ret)
		return ret;
	if (!(flags & SHM_RDONLY)) {
		rq.prot |= PROT_WRITE;
		rq.max_prot |= PROT_WRITE;
		may |= 0222;
	}
	if (flags & SHM_EXEC) {
		rq.prot |= PROT_EXEC;
		may |= 0111;
	}
	mutex_lock(&ipc_lock);
	ret = ipc_find(IPC_SHM, (int32_t)id, may, &o);
	if (!ret) {
		rq.file = file_get(o->file);
		rq.len = PAGE_UP(o->size);
		o->shm.shm_nattch++;	/* it stays until it is mapped */
	}
	mutex_unlock(&ipc_lock);
	if (ret)
		return ret;
	mm->has_shm = true;
	rq.vma_flags = VMA_SHARED | mm->lock_future;
	rq.populate = mm->lock_future != 0;
	ret = mm_map_request(mm, &rq);
	mutex_lock(&ipc_lock);
	o = count(o, -1);
	mutex_unlock(&ipc_lock);
	ipc_free(o);
	file_put(rq.file);
	return ret == -EEXIST ? -EINVAL : ret;
}

static bool is_segment(const struct vma *v)
{
	return v->file && v->file->ops == &segment_ops;
}

/* Every piece that is left of the attachment at addr. */
static int detach_locked(struct mm *mm, uaddr_t addr, struct list *dead)
{
	struct vma *v = vma_find(mm, addr);
	struct file *f = NULL;
	uaddr_t end = UINT64_MAX, next;
	int err = -EINVAL;

	for (; v->link.next != &mm->vmas && v->end <= end;
	     v = vma_find(mm, next)) {
		next = v->end;
		if (!is_segment(v) || v->start - addr != v->offset ||
		    v->start < addr || (f && f != v->file))
			continue;
		f = v->file;
		end = addr + PAGE_UP(f->inode->size);
		err = mm_unmap_locked(mm, v->start, v->end, dead);
		if (err)
			break;
	}
	return err;
}

bool shm_is_ending(const struct file *f)
{
	const struct ipc_obj *o = f->private;
	bool ending;

	if (f->ops != &segment_ops)
		return false;
	mutex_lock(&ipc_lock);
	ending = o->perm.mode & SHM_DEST && o->shm.shm_nattch == 1;
	mutex_unlock(&ipc_lock);
	return ending;
}

long sys_shmdt(uint64_t addr)
{
	struct list dead = LIST_INIT(dead);
	struct mm *mm = current_mm();
	int err;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	rwlock_write_lock(&mm->lock);
	err = detach_locked(mm, addr, &dead);
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
	return err;
}

void shm_exit(struct mm *mm)
{
	struct list dead = LIST_INIT(dead);

	if (!mm->has_shm)
		return;
	rwlock_write_lock(&mm->lock);
	list_for_each_safe(l, &mm->vmas) {
		struct vma *v = list_entry(l, struct vma, link);

		if (!is_segment(v))
			continue;
		vma_remove(mm, v);
		list_append(&dead, &v->link);
	}
	rwlock_write_unlock(&mm->lock);
	vma_release(&dead);
}
