/* SPDX-License-Identifier: MIT */
/*
 * A pretend machine for the tests of address spaces: physical memory with an
 * allocator that can be made to fail, a host file, a processor that translates
 * by the tables through a cache of translations which only flushes empty.
 */
#pragma once
#include "platform/kvm/space_priv.h"

#define FAKE_POOL_PAGES	256u	/* borrowed pages at pool offset FAKE_POOL */
#define FAKE_POOL	(1ull << 20)
#define FAKE_FILE_PAGES	96u	/* of the host file; more lies behind its end */
#define FAKE_FILE_FD	7

extern uint32_t failures;
void check_failed(const char *expr, const char *file, int line, long got);
#define CHECK(e) \
	do { \
		if (!(e)) \
			check_failed(#e, __FILE__, __LINE__, 0); \
	} while (0)
#define CHECK_EQ(a, b) \
	do { \
		long a_ = (long)(a); \
		if (a_ != (long)(b)) \
			check_failed(#a " == " #b, __FILE__, __LINE__, a_); \
	} while (0)

int printf(const char *fmt, ...);

void fake_init(void);
/* Whose space the plat_ calls are about. */
void fake_enter(struct space *s);
/* The n-th allocation from now fails (0: none), once. */
void fake_fail_after(uint32_t n);
/* That one and all after it. */
void fake_fail_from(uint32_t n);
bool fake_has_failed(void);	/* since one of these */
/* Nothing is allocated, locked, used or cached. */
void fake_check_clean(void);
uint64_t fake_pages_used(void);
uint32_t fake_nr_flushes(void);
uint64_t *fake_pool_word(uint32_t page);
uint64_t *fake_file_word(uint32_t page);
uint32_t fake_file_uses(uint32_t page, bool write);

/*
 * What the processor does: the first word of the page at addr, for reading,
 * writing or execution, by way of the cache, the tables and faults. Returns
 * NULL with the signal in *signo.
 */
uint64_t *fake_access(struct space *s, uaddr_t addr, uint32_t access,
		      uint32_t *signo);
