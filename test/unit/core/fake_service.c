/* SPDX-License-Identifier: MIT */
#include "test/unit/core/fake_service.h"
#include "core/heap.h"
#include "core/page.h"
#include "lib/string.h"
#include "platform/platform.h"

void *aligned_alloc(size_t align, size_t n);
void *calloc(size_t n, size_t m);
void free(void *p);

uint64_t fake_now = NSEC_PER_SEC;
struct service *fake_service;
uint32_t fake_notified;

uint64_t plat_clock_mono_ns(void)
{
	return fake_now;
}

void *kzalloc(size_t n)
{
	return calloc(1, n);
}

void kfree(void *p)
{
	free(p);
}

void *page_alloc(uint32_t order, bool zeroed)
{
	void *p = aligned_alloc(PAGE_SIZE, PAGE_SIZE << order);

	return memset(p, 0, PAGE_SIZE << order);
}

void page_free(void *p, uint32_t order)
{
	free(p);
}

int service_start(struct service *s)
{
	fake_service = s;
	if (!s->is_started)
		fake_notified = UINT32_MAX;
	s->is_started = true;
	return 0;
}

void service_notify(struct service *s, uint32_t bits)
{
	fake_notified |= bits;
}
