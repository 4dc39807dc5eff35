/* SPDX-License-Identifier: MIT */
/* Memory and string functions with their C library meaning, and snprintf (%d %u %x %o %c %s %p %% with l, ll, z, width, 0, -, .precision). */
#pragma once
#include "lib/types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/* Copy at most size-1 bytes and terminate. Returns strlen(src). */
size_t strlcpy(char *dst, const char *src, size_t size);

int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
/* Like snprintf but returns the bytes stored, so that calls can be chained. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
