/* SPDX-License-Identifier: MIT */
/*
 * Checked access to program memory on platforms where kernel and program
 * share the address space: a range check that keeps the kernel's window out,
 * then a copy whose faults are fixed up (uaccess.S, fixup_find).
 */
#include "arch/uaccess.h"
#include "abi/boot.h"
#include "arch/fixup.h"
#include "platform/platform.h"

size_t user_copy(void *dst, const void *src, size_t n);
size_t user_clear(void *dst, size_t n);
long user_str(char *dst, const char *src, size_t max);
int user_load32_raw(const uint32_t *p, uint32_t *out);
int user_load64_raw(const uint64_t *p, uint64_t *out);
int user_store32_raw(uint32_t *p, uint32_t v);
int user_store64_raw(uint64_t *p, uint64_t v);
int user_cmpxchg32_raw(uint32_t *p, uint32_t *old, uint32_t new_val);

bool user_range_ok(const void *p, size_t n)
{
	uint64_t start = (uint64_t)p, end = start + n;

	if (end < start || end > 0x7ffffffff000ull)
		return false;
	return end <= ABI_WINDOW_BASE || start >= ABI_WINDOW_END;
}

size_t copy_from_user_partial(void *dst, const void *src_user, size_t n)
{
	if (!user_range_ok(src_user, n))
		return 0;
	return n - user_copy(dst, src_user, n);
}

size_t copy_to_user_partial(void *dst_user, const void *src, size_t n)
{
	if (!user_range_ok(dst_user, n))
		return 0;
	return n - user_copy(dst_user, src, n);
}

int copy_from_user(void *dst, const void *src_user, size_t n)
{
	return copy_from_user_partial(dst, src_user, n) == n ? 0 : -EFAULT;
}

int copy_to_user(void *dst_user, const void *src, size_t n)
{
	return copy_to_user_partial(dst_user, src, n) == n ? 0 : -EFAULT;
}

int clear_user(void *dst_user, size_t n)
{
	if (!user_range_ok(dst_user, n) || user_clear(dst_user, n))
		return -EFAULT;
	return 0;
}

ssize_t strncpy_from_user(char *dst, const char *src_user, size_t max)
{
	uint64_t start = (uint64_t)src_user;
	size_t room = max;
	long n;

	if (!user_range_ok(src_user, 1))
		return -EFAULT;
	/* do not run into the window from below */
	if (start < ABI_WINDOW_BASE && ABI_WINDOW_BASE - start < room)
		room = ABI_WINDOW_BASE - start;
	n = user_str(dst, src_user, room);
	if (n >= 0)
		return n;
	return n == -2 && room == max ? -ENAMETOOLONG : -EFAULT;
}

int user_load32(const uint32_t *p, uint32_t *out)
{
	return user_range_ok(p, 4) ? user_load32_raw(p, out) : -EFAULT;
}

int user_load64(const uint64_t *p, uint64_t *out)
{
	return user_range_ok(p, 8) ? user_load64_raw(p, out) : -EFAULT;
}

int user_store32(uint32_t *p, uint32_t v)
{
	return user_range_ok(p, 4) ? user_store32_raw(p, v) : -EFAULT;
}

int user_store64(uint64_t *p, uint64_t v)
{
	return user_range_ok(p, 8) ? user_store64_raw(p, v) : -EFAULT;
}

int user_cmpxchg32(uint32_t *p, uint32_t *old, uint32_t new_val)
{
	return user_range_ok(p, 4) ? user_cmpxchg32_raw(p, old, new_val) :
				     -EFAULT;
}

extern const struct fixup fixup_start[], fixup_end[];

uint64_t fixup_find(uint64_t pc)
{
	for (const struct fixup *f = fixup_start; f < fixup_end; f++)
		if (f->at == pc)
			return f->to;
	return 0;
}
