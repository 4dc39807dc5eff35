/* SPDX-License-Identifier: MIT */
/*
 * Private pages of programs. Each 4 KiB page counts the page table entries
 * that hold it, in all address spaces; a huge page is 512 such pages, so that
 * it can be cut at any time without asking who else maps it how.
 */
#pragma once
#include "platform/kvm/paging.h"

#define HUGE_ORDER	9u
#define HUGE_PAGES	(1u << HUGE_ORDER)
#define HUGE_SIZE	(PAGE_SIZE << HUGE_ORDER)

/* A page (huge: 512) with one holder. NULL: no memory. Context: task. */
void *anon_alloc(bool huge, bool zeroed) __must_check;
/* One more holder. Context: any. */
void anon_get(paddr_t p, bool huge);
/*
 * Is the caller, who holds it, the only one? If so this stays true until the
 * caller itself shares it, and what the others did to the page has happened.
 * Context: any.
 */
bool anon_is_sole(paddr_t p, bool huge);
/* Give up a hold; the last one frees the page. Context: task. */
void anon_put(paddr_t p, bool huge);
