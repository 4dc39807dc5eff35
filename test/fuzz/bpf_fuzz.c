/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a program's seccomp filter (kernel/linux/bpf.c). The input is the
 * 64 bytes that it sees, then its instructions. What is found valid must run to
 * its end inside its data, and load nothing that it has not stored: it is run
 * twice, over different rests of a stack.
 */
#include "linux/bpf.h"

#define WORDS	16u

void abort(void) __attribute__((noreturn));
void *malloc(size_t n);
void free(void *p);
void *memcpy(void *dst, const void *src, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static __attribute__((noinline)) void fill_stack(int with)
{
	volatile char rest[2048];

	for (size_t i = 0; i < sizeof(rest); i++)
		rest[i] = (char)with;
}

/* Blocks of their own, so that a sanitizer sees every step beside them. */
static void *copy(const void *from, size_t n)
{
	void *p = malloc(n);

	if (!p)
		abort();
	return memcpy(p, from, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size > 64 ? (size - 64) / sizeof(struct sock_filter) : 0;
	struct sock_filter *code;
	uint16_t *scratch;
	uint32_t *words, first;

	if (!len || len > BPF_MAXINSNS)
		return 0;
	words = copy(data, 64);
	code = copy(data + 64, len * sizeof(*code));
	scratch = copy(code, len * sizeof(*scratch));
	if (bpf_is_valid(code, (uint32_t)len, WORDS, scratch)) {
		fill_stack(0x11);
		first = bpf_run(code, words, WORDS);
		fill_stack(0xee);
		if (bpf_run(code, words, WORDS) != first)
			abort();
	}
	free(scratch);
	free(code);
	free(words);
	return 0;
}
