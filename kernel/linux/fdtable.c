/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables. A table (struct files) may be shared by threads; its
 * arrays hang off one pointer that is replaced when the table grows. Changes
 * are made under files->lock; look-ups take no lock.
 *
 * A look-up in a table that only its own thread uses needs nothing: nobody
 * else can close. In a shared table the protocol is
 *
 *	look-up				close, growth
 *	readers++			slot = NULL (or new array), under lock
 *	f = slot; ref_get(f)		wait until readers == 0 was seen
 *	readers--			file_put(f), free(old array)
 *
 * All four accesses are sequentially consistent: either the reader sees the
 * empty slot or the closer sees the reader. A descriptor that is reserved has
 * its `used` bit set and an empty slot.
 */
#include <linux/close_range.h>
#include <linux/resource.h>
#include <gen/syscalls.h>
#include "arch/arch_cpu.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/exit_hooks.h"
#include "linux/fdtable.h"
#include "linux/flock.h"

#define FD_MIN_CAP	64u
#define FD_MAX		(1u << 20)

struct fdarray {
	uint32_t cap;		/* multiple of 64 */
	uint64_t *used, *cloexec;	/* bitmaps, under files->lock */
	struct file **slot;
};

struct files {
	struct refcount refs;
	struct mutex lock;
	struct fdarray *a;	/* replaced under lock; atomic */
	uint32_t readers;	/* atomic: look-ups in progress */
	uint32_t first_free;	/* no free descriptor below; under lock */
};

static bool bit_get(const uint64_t *map, uint32_t n)
{
	return map[n / 64] >> (n % 64) & 1;
}

static void bit_put(uint64_t *map, uint32_t n, bool on)
{
	uint64_t b = 1ull << (n % 64);

	map[n / 64] = on ? map[n / 64] | b : map[n / 64] & ~b;
}

static struct fdarray *fdarray_create(uint32_t cap)
{
	size_t slots = cap * sizeof(struct file *), bits = cap / 8;
	struct fdarray *a = kzalloc(sizeof(*a) + slots + 2 * bits);

	if (!a)
		return NULL;
	a->cap = cap;
	a->slot = (struct file **)(a + 1);
	a->used = (uint64_t *)(a->slot + cap);
	a->cloexec = a->used + cap / 64;
	return a;
}

struct files *files_create(void)
{
	struct files *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	fs->a = fdarray_create(FD_MIN_CAP);
	if (!fs->a) {
		kfree(fs);
		return NULL;
	}
	ref_init(&fs->refs, 1);
	mutex_init(&fs->lock);
	return fs;
}

/* Number of slots up to the highest in use, rounded up to 64. */
static uint32_t fdarray_extent(const struct fdarray *a)
{
	uint32_t w = a->cap / 64;

	while (w > 1 && !a->used[w - 1])
		w--;
	return w * 64;
}

struct files *files_copy(struct files *f)
{
	struct files *n = kzalloc(sizeof(*n));
	struct fdarray *from, *to;
	uint32_t extent;

	if (!n)
		return NULL;
	ref_init(&n->refs, 1);
	mutex_init(&n->lock);
	mutex_lock(&f->lock);
	from = f->a;
	extent = fdarray_extent(from);
	to = fdarray_create(extent);
	for (uint32_t i = 0; to && i < extent; i++) {
		if (!from->slot[i])
			continue;
		to->slot[i] = file_get(from->slot[i]);
		bit_put(to->used, i, true);
		bit_put(to->cloexec, i, bit_get(from->cloexec, i));
	}
	n->first_free = 0;
	mutex_unlock(&f->lock);
	if (!to) {
		kfree(n);
		return NULL;
	}
	n->a = to;
	return n;
}

struct files *files_copy_if_shared(struct files *f)
{
	return files_is_shared(f) ? files_copy(f) : f;
}

struct files *files_get(struct files *f)
{
	ref_get(&f->refs);
	return f;
}

bool files_is_shared(struct files *fs)
{
	/* Pairs with the release in ref_put: the last other user is done. */
	return __atomic_load_n(&fs->refs.n, __ATOMIC_ACQUIRE) != 1;
}

/* A descriptor of f goes away from table fs: what close(2) does. */
static void descriptor_close(struct files *fs, struct file *f)
{
	flock_descriptor_closed(fs, f);
	file_close(f);
}

void files_put(struct files *f)
{
	struct fdarray *a;

	if (!f || !ref_put(&f->refs))
		return;
	a = f->a;
	for (uint32_t i = 0; i < a->cap; i++)
		if (a->slot[i])
			descriptor_close(f, a->slot[i]);
	kfree(a);
	kfree(f);
}

/* Wait until every look-up that may have seen the old state is over. */
static void files_drain(struct files *fs)
{
	for (uint32_t n = 0; __atomic_load_n(&fs->readers, __ATOMIC_SEQ_CST);
	     n++)
		if (n < 200)
			arch_relax();
		else
			plat_yield();
}

/* Make room for descriptor fd. Caller holds the lock. */
static int files_grow_locked(struct files *fs, uint32_t fd)
{
	struct fdarray *old = fs->a, *a;
	uint32_t cap = old->cap;

	if (fd < cap)
		return 0;
	if (fd >= FD_MAX)
		return -EMFILE;
	while (cap <= fd)
		cap *= 2;
	a = fdarray_create(cap);
	if (!a)
		return -ENOMEM;
	memcpy(a->slot, old->slot, old->cap * sizeof(*a->slot));
	memcpy(a->used, old->used, old->cap / 8);
	memcpy(a->cloexec, old->cloexec, old->cap / 8);
	/* SEQ_CST: pairs with the reader's increment, see above */
	__atomic_store_n(&fs->a, a, __ATOMIC_SEQ_CST);
	files_drain(fs);
	kfree(old);
	return 0;
}

static uint32_t fd_limit(void)
{
	uint64_t n = current_process()->limits[RLIMIT_NOFILE].cur;

	return n > FD_MAX ? FD_MAX : (uint32_t)n;
}

/* The first free descriptor >= from; may be the capacity. Lock held. */
static uint32_t find_free_locked(const struct fdarray *a, uint32_t from)
{
	uint32_t w = from / 64;
	uint64_t v;

	if (from >= a->cap)
		return from;
	v = ~a->used[w] & (~0ull << (from % 64));
	while (!v) {
		if (++w == a->cap / 64)
			return a->cap;
		v = ~a->used[w];
	}
	return w * 64 + (uint32_t)__builtin_ctzll(v);
}

static int reserve_locked(struct files *fs, uint32_t min_fd, bool cloexec)
{
	uint32_t fd = find_free_locked(fs->a, MAX(min_fd, fs->first_free));
	int err;

	if (fd >= fd_limit())
		return -EMFILE;
	err = files_grow_locked(fs, fd);
	if (err)
		return err;
	bit_put(fs->a->used, fd, true);
	bit_put(fs->a->cloexec, fd, cloexec);
	if (min_fd <= fs->first_free)
		fs->first_free = fd + 1;
	return (int)fd;
}

int fd_reserve(int min_fd, bool cloexec)
{
	struct files *fs = current_thread()->files;
	int fd;

	mutex_lock(&fs->lock);
	fd = reserve_locked(fs, (uint32_t)min_fd, cloexec);
	mutex_unlock(&fs->lock);
	return fd;
}

int files_fill(struct files *fs, int fd, struct file *f)
{
	int err;

	mutex_lock(&fs->lock);
	err = files_grow_locked(fs, (uint32_t)fd);
	if (!err) {
		bit_put(fs->a->used, (uint32_t)fd, true);
		__atomic_store_n(&fs->a->slot[fd], f, __ATOMIC_SEQ_CST);
	}
	mutex_unlock(&fs->lock);
	return err;
}

void fd_fill(int fd, struct file *f)
{
	struct files *fs = current_thread()->files;

	mutex_lock(&fs->lock);
	__atomic_store_n(&fs->a->slot[fd], f, __ATOMIC_SEQ_CST);
	mutex_unlock(&fs->lock);
}

static void release_locked(struct files *fs, uint32_t fd)
{
	bit_put(fs->a->used, fd, false);
	bit_put(fs->a->cloexec, fd, false);
	if (fd < fs->first_free)
		fs->first_free = fd;
}

void fd_unreserve(int fd)
{
	struct files *fs = current_thread()->files;

	mutex_lock(&fs->lock);
	release_locked(fs, (uint32_t)fd);
	mutex_unlock(&fs->lock);
}

int fd_install_from(struct file *f, int min_fd, bool cloexec)
{
	struct files *fs = current_thread()->files;
	int fd;

	mutex_lock(&fs->lock);
	fd = reserve_locked(fs, (uint32_t)min_fd, cloexec);
	if (fd >= 0)
		__atomic_store_n(&fs->a->slot[fd], f, __ATOMIC_SEQ_CST);
	mutex_unlock(&fs->lock);
	return fd;
}

int fd_install(struct file *f, bool cloexec)
{
	return fd_install_from(f, 0, cloexec);
}

/* Empty slot fd. Returns what it held, or NULL. Lock held. */
static struct file *take_locked(struct files *fs, uint32_t fd)
{
	struct fdarray *a = fs->a;
	struct file *f;

	if (fd >= a->cap || !a->slot[fd])
		return NULL;
	f = __atomic_exchange_n(&a->slot[fd], NULL, __ATOMIC_SEQ_CST);
	release_locked(fs, fd);
	return f;
}

int fd_close(int fd)
{
	struct files *fs = current_thread()->files;
	struct file *f;

	mutex_lock(&fs->lock);
	f = take_locked(fs, (uint32_t)fd);
	mutex_unlock(&fs->lock);
	if (!f)
		return -EBADF;
	if (files_is_shared(fs))
		files_drain(fs);
	descriptor_close(fs, f);
	return 0;
}

int fd_replace(struct file *f, int new_fd, bool cloexec)
{
	struct files *fs = current_thread()->files;
	uint32_t fd = (uint32_t)new_fd;
	struct file *old;
	int err;

	if (fd >= fd_limit())
		return -EBADF;
	mutex_lock(&fs->lock);
	err = files_grow_locked(fs, fd);
	if (!err && bit_get(fs->a->used, fd) && !fs->a->slot[fd])
		err = -EBUSY;
	if (err) {
		mutex_unlock(&fs->lock);
		return err;
	}
	bit_put(fs->a->used, fd, true);
	bit_put(fs->a->cloexec, fd, cloexec);
	old = __atomic_exchange_n(&fs->a->slot[fd], f, __ATOMIC_SEQ_CST);
	mutex_unlock(&fs->lock);
	if (old) {
		if (files_is_shared(fs))
			files_drain(fs);
		descriptor_close(fs, old);
	}
	return new_fd;
}

/* --- look-up --------------------------------------------------------------*/
static struct file *slot_load(struct files *fs, uint32_t fd)
{
	struct fdarray *a = __atomic_load_n(&fs->a, __ATOMIC_SEQ_CST);

	if (fd >= a->cap)
		return NULL;
	return __atomic_load_n(&a->slot[fd], __ATOMIC_SEQ_CST);
}

static struct file *slot_get_shared(struct files *fs, uint32_t fd)
{
	struct file *f;

	/* Pairs with the closer's exchange, see the file's head. */
	__atomic_fetch_add(&fs->readers, 1, __ATOMIC_SEQ_CST);
	f = slot_load(fs, fd);
	if (f)
		ref_get(&f->refs);
	__atomic_fetch_sub(&fs->readers, 1, __ATOMIC_SEQ_CST);
	return f;
}

struct file *fd_get_any(int fd)
{
	struct files *fs = current_thread()->files;
	struct file *f;

	if (files_is_shared(fs))
		return slot_get_shared(fs, (uint32_t)fd);
	f = slot_load(fs, (uint32_t)fd);
	if (f)
		ref_get(&f->refs);
	return f;
}

struct file *fd_get(int fd)
{
	struct file *f = fd_get_any(fd);

	if (f && unlikely(f->mode & FMODE_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

struct file *fd_borrow(int fd, bool *counted)
{
	struct files *fs = current_thread()->files;
	struct file *f;

	if (files_is_shared(fs)) {
		*counted = true;
		return fd_get(fd);
	}
	*counted = false;
	f = slot_load(fs, (uint32_t)fd);
	return f && !(f->mode & FMODE_PATH) ? f : NULL;
}

struct file *files_lookup(struct files *fs, int fd)
{
	struct file *f;

	mutex_lock(&fs->lock);
	f = slot_load(fs, (uint32_t)fd);
	if (f)
		ref_get(&f->refs);
	mutex_unlock(&fs->lock);
	return f;
}

int files_next_fd(struct files *fs, int fd)
{
	int found = -1;

	mutex_lock(&fs->lock);
	for (uint32_t i = (uint32_t)fd; i < fs->a->cap && found < 0; i++)
		if (fs->a->slot[i])
			found = (int)i;
	mutex_unlock(&fs->lock);
	return found;
}

int files_max_fd(struct files *fs)
{
	uint32_t n;

	mutex_lock(&fs->lock);
	n = fdarray_extent(fs->a);
	while (n && !fs->a->slot[n - 1])
		n--;
	mutex_unlock(&fs->lock);
	return (int)n;
}

bool files_is_cloexec(struct files *fs, int fd)
{
	uint32_t n = (uint32_t)fd;
	bool on;

	mutex_lock(&fs->lock);
	on = n < fs->a->cap && bit_get(fs->a->cloexec, n);
	mutex_unlock(&fs->lock);
	return on;
}

void files_set_cloexec(struct files *fs, int fd, bool on)
{
	uint32_t n = (uint32_t)fd;

	mutex_lock(&fs->lock);
	if (n < fs->a->cap && fs->a->slot[n])
		bit_put(fs->a->cloexec, n, on);
	mutex_unlock(&fs->lock);
}

/* --- many at once ---------------------------------------------------------*/
/* The first from fd to `last` that is to be closed; else one beyond them. */
static uint32_t next_locked(const struct fdarray *a, uint32_t fd, uint32_t last,
			    bool marked)
{
	while (fd < a->cap && fd <= last) {
		const uint64_t *map = marked ? a->cloexec : a->used;

		if (!(map[fd / 64] >> fd % 64)) {
			fd = (fd / 64 + 1) * 64;
			continue;
		}
		if (a->slot[fd] && bit_get(map, fd))
			break;
		fd++;
	}
	return fd;
}

/* Close [first, last], only those marked if `marked`. Runs without the lock
 * between two closes: each may sleep. */
static void close_many(struct files *fs, uint32_t first, uint32_t last,
		       bool marked)
{
	for (uint32_t fd = first; fd <= last; fd++) {
		struct file *f = NULL;

		mutex_lock(&fs->lock);
		fd = next_locked(fs->a, fd, last, marked);
		if (fd < fs->a->cap && fd <= last)
			f = take_locked(fs, fd);
		mutex_unlock(&fs->lock);
		if (!f)
			return;
		if (files_is_shared(fs))
			files_drain(fs);
		descriptor_close(fs, f);
	}
}

void files_close_on_exec(struct files *f)
{
	close_many(f, 0, FD_MAX, true);
}

int files_unshare(void)
{
	struct thread *t = current_thread();
	struct files *old = t->files, *fs;

	if (!files_is_shared(old))
		return 0;
	fs = files_copy(old);
	if (!fs)
		return -ENOMEM;
	mutex_lock(&process_lock);
	t->files = fs;
	mutex_unlock(&process_lock);
	files_put(old);
	return 0;
}

long sys_close_range(uint64_t first, uint64_t last, uint64_t flags)
{
	struct files *fs;
	uint32_t from = (uint32_t)first, to = (uint32_t)last;

	if (flags & ~(uint64_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if (from > to)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		int err = files_unshare();

		if (err)
			return err;
	}
	fs = current_thread()->files;
	if (!(flags & CLOSE_RANGE_CLOEXEC)) {
		close_many(fs, from, MIN(to, FD_MAX), false);
		return 0;
	}
	mutex_lock(&fs->lock);
	for (uint32_t fd = from; fd <= to && fd < fs->a->cap; fd++)
		if (fs->a->slot[fd])
			bit_put(fs->a->cloexec, fd, true);
	mutex_unlock(&fs->lock);
	return 0;
}
