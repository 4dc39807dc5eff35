/* SPDX-License-Identifier: MIT */
/*
 * Checked access to program memory, which is mapped where the program sees it:
 * a range check that keeps the kernel's part out, then a copy whose faults are
 * fixed up (uaccess.S, fixup_find).
 */
#include "arch/uaccess.h"
#include "arch/fixup.h"
#include "plat/layout.h"
#include "plat/user_access.h"

size_t user_copy(void *dst, const void *src, size_t n);
size_t user_clear(void *dst, size_t n);
long user_str(char *dst, const char *src, size_t max);
int user_load32_raw(const uint32_t *p, uint32_t *out);
int user_load64_raw(const uint64_t *p, uint64_t *out);
int user_store32_raw(uint32_t *p, uint32_t v);
int user_store64_raw(uint64_t *p, uint64_t v);
int user_cmpxchg32_raw(uint32_t *p, uint32_t *old, uint32_t new_val);
int user_read_64_bytes(void *dst, const void *src);
int user_write_64_bytes(void *dst, const void *src);

bool user_range_ok(const void *p, size_t n)
{
	uint64_t start = (uint64_t)p, end = start + n;

	if (end < start || end > 0x7ffffffff000ull)
		return false;
	return end <= PLAT_WINDOW_START || start >= PLAT_WINDOW_END;
}

size_t copy_from_user_partial(void *dst, const void *src_user, size_t n)
{
	size_t left;

	if (!user_range_ok(src_user, n))
		return 0;
	plat_user_begin();
	left = user_copy(dst, src_user, n);
	plat_user_end();
	return n - left;
}

size_t copy_to_user_partial(void *dst_user, const void *src, size_t n)
{
	size_t left;

	if (!user_range_ok(dst_user, n))
		return 0;
	plat_user_begin();
	left = user_copy(dst_user, src, n);
	plat_user_end();
	return n - left;
}

int copy_struct_from_user(void *dst, size_t known, const void *src_user,
			  size_t n)
{
	const char *src = src_user;
	char c;

	if (n > PAGE_SIZE)
		return -E2BIG;
	if (copy_from_user(dst, src, MIN(known, n)))
		return -EFAULT;
	for (size_t i = known; i < n; i++) {
		if (copy_from_user(&c, src + i, 1))
			return -EFAULT;
		if (c)
			return -E2BIG;
	}
	return 0;
}

int copy_from_user(void *dst, const void *src_user, size_t n)
{
	return copy_from_user_partial(dst, src_user, n) == n ? 0 : -EFAULT;
}

int copy_to_user(void *dst_user, const void *src, size_t n)
{
	return copy_to_user_partial(dst_user, src, n) == n ? 0 : -EFAULT;
}

/* For the two below, which are in everybody's way. */
static inline bool is_range_ok(const void *p, size_t n)
{
	uint64_t start = (uint64_t)p;

	return start <= 0x7ffffffff000ull - n &&
	       (start + n <= PLAT_WINDOW_START || start >= PLAT_WINDOW_END);
}

int copy_64_from_user(void *dst, const void *src_user)
{
	int err;

	if (!is_range_ok(src_user, 64))
		return -EFAULT;
	plat_user_begin();
	err = user_read_64_bytes(dst, src_user);
	plat_user_end();
	return err;
}

int copy_64_to_user(void *dst_user, const void *src)
{
	int err;

	if (!is_range_ok(dst_user, 64))
		return -EFAULT;
	plat_user_begin();
	err = user_write_64_bytes(dst_user, src);
	plat_user_end();
	return err;
}

int clear_user(void *dst_user, size_t n)
{
	size_t left;

	if (!user_range_ok(dst_user, n))
		return -EFAULT;
	plat_user_begin();
	left = user_clear(dst_user, n);
	plat_user_end();
	return left ? -EFAULT : 0;
}

ssize_t strncpy_from_user(char *dst, const char *src_user, size_t max)
{
	uint64_t start = (uint64_t)src_user;
	size_t room = max;
	long n;

	if (!user_range_ok(src_user, 1))
		return -EFAULT;
	/* do not run into the window from below */
	if (start < PLAT_WINDOW_START && PLAT_WINDOW_START - start < room)
		room = PLAT_WINDOW_START - start;
	plat_user_begin();
	n = user_str(dst, src_user, room);
	plat_user_end();
	if (n >= 0)
		return n;
	return n == -2 && room == max ? -ENAMETOOLONG : -EFAULT;
}

/* One access to an aligned or unaligned word of the program. */
#define USER_WORD(p, n, access) ({				\
	int err_ = -EFAULT;					\
								\
	if (user_range_ok(p, n)) {				\
		plat_user_begin();				\
		err_ = access;					\
		plat_user_end();				\
	}							\
	err_;							\
})

int user_load32(const uint32_t *p, uint32_t *out)
{
	return USER_WORD(p, 4, user_load32_raw(p, out));
}

int user_load64(const uint64_t *p, uint64_t *out)
{
	return USER_WORD(p, 8, user_load64_raw(p, out));
}

int user_store32(uint32_t *p, uint32_t v)
{
	return USER_WORD(p, 4, user_store32_raw(p, v));
}

int user_store64(uint64_t *p, uint64_t v)
{
	return USER_WORD(p, 8, user_store64_raw(p, v));
}

int user_cmpxchg32(uint32_t *p, uint32_t *old, uint32_t new_val)
{
	return USER_WORD(p, 4, user_cmpxchg32_raw(p, old, new_val));
}

extern const struct fixup fixup_start[], fixup_end[];

uint64_t fixup_find(uint64_t pc)
{
	for (const struct fixup *f = fixup_start; f < fixup_end; f++)
		if (f->at == pc)
			return f->to;
	return 0;
}
