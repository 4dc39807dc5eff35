/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions. memcpy and memset use the processor's string
 * instructions: short code, no vector registers, fast for the sizes the
 * kernel moves. By words of eight bytes, with an overlapping word for the rest:
 * processors do both as fast, and where instructions are counted or emulated
 * each repetition costs one.
 */
#include "lib/string.h"

struct unaligned {
	uint64_t v;
} __attribute__((packed, may_alias));

static inline uint64_t load64(const void *p)
{
	return ((const struct unaligned *)p)->v;
}

static inline void store64(void *p, uint64_t v)
{
	((struct unaligned *)p)->v = v;
}

/* At least 8 bytes, upwards: dst may lie below src, in the same memory. */
static void copy_words(char *d, const char *s, size_t n)
{
	uint64_t last = load64(s + n - 8), words = n / 8;
	char *end = d + n;

	__asm__ volatile("rep movsq"
			 : "+D"(d), "+S"(s), "+c"(words) : : "memory");
	store64(end - 8, last);
}

void *memcpy(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	/* rep movsb is slow to start: short copies by overlapping moves */
	if (n >= 8 && n <= 16) {
		uint64_t a = load64(s), b = load64(s + n - 8);

		store64(d, a);
		store64(d + n - 8, b);
		return dst;
	}
	if (n < 8) {
		for (; n; n--) {
			*d++ = *s++;
			__asm__ volatile("" : : : "memory");
		}
		return dst;
	}
	copy_words(d, s, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	uint64_t value = (uint8_t)c * 0x0101010101010101ull, words = n / 8;
	char *d = dst, *end = d + n;

	if (n < 8) {
		__asm__ volatile("rep stosb"
				 : "+D"(d), "+c"(n) : "a"(c) : "memory");
		return dst;
	}
	__asm__ volatile("rep stosq"
			 : "+D"(d), "+c"(words) : "a"(value) : "memory");
	store64(end - 8, value);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	char *d = (char *)dst + n;
	const char *s = (const char *)src + n;

	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	/* downwards, a word at a time: all of it is read before it is written */
	for (; n >= 8; n -= 8) {
		d -= 8;
		s -= 8;
		store64(d, load64(s));
	}
	while (n--) {
		*--d = *--s;
		__asm__ volatile("" : : : "memory");
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const uint8_t *p = s;

	for (; n; n--, p++)
		if (*p == (uint8_t)c)
			return (void *)p;
	return NULL;
}

/* By aligned words, which never reach into another page: what comes before s
 * counts as not zero. The lowest byte of `zero` that is set is the first NUL. */
size_t strlen(const char *s)
{
	const uint64_t ones = 0x0101010101010101ull, tops = ones << 7;
	uintptr_t at = (uintptr_t)s & ~7ul;
	uint64_t word = load64((const void *)at) |
			((1ull << ((uintptr_t)s & 7) * 8) - 1);
	uint64_t zero;

	while (!(zero = (word - ones) & ~word & tops)) {
		at += 8;
		word = load64((const void *)at);
	}
	return at + (uint64_t)__builtin_ctzll(zero) / 8 - (uintptr_t)s;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (uint8_t)*a - (uint8_t)*b;
		if (!*a)
			break;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		size_t n = MIN(len, size - 1);

		memcpy(dst, src, n);
		dst[n] = 0;
	}
	return len;
}
