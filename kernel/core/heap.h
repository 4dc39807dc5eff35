/* SPDX-License-Identifier: MIT */
/*
 * The shared heap: power-of-two size classes from 32 bytes to 32 KiB, larger
 * requests as pages. Every allocation can fail. O(1).
 */
#pragma once
#include "lib/types.h"

/*
 * Small objects that a task freed, or took in advance, and takes first, without
 * a lock. Part of struct task; only the task itself touches it.
 */
#define HEAP_CACHE_CLASSES	5u	/* 32 to 512 bytes */
#define HEAP_CACHE_MAX		8u	/* of each */
struct heap_cache {
	void *free[HEAP_CACHE_CLASSES];	/* lists through the objects */
	uint8_t nr[HEAP_CACHE_CLASSES];
};
/* Give everything back: the task whose cache it was has ended. */
void heap_cache_flush(struct heap_cache *c);

void *kmalloc(size_t size) __must_check;	/* not cleared; NULL: no memory */
void *kzalloc(size_t size) __must_check;	/* cleared */
void *krealloc(void *p, size_t size) __must_check; /* NULL leaves p alone */
void kfree(void *p);				/* NULL is allowed */
char *kstrdup(const char *s) __must_check;
char *kmemdup_str(const char *s, size_t len) __must_check; /* + NUL */
uint64_t heap_used_bytes(void);
/* Unit tests: make the n-th allocation from now fail (0 = off). */
void heap_fail_after(uint32_t n);
