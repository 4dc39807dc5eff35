/* SPDX-License-Identifier: MIT */
/*
 * Random numbers: ChaCha20 with fast key erasure. Each request takes a key
 * stream; its first bytes replace the key before the rest is given out, so what
 * was given out can not be computed from a later state. Seeds: 32 bytes of the
 * tender, RDRAND where the processor has it, the time-stamp counter, and what
 * the random device gives.
 */
#include "platform/kvm/entropy.h"
#include "core/lock.h"
#include "lib/chacha20.h"
#include "lib/string.h"
#include "platform/kvm/cpu_start.h"
#include "platform/platform.h"

#define RDRAND_WORDS	4u

static struct {
	struct mutex lock;
	/* under lock */
	uint32_t key[8];
	uint64_t uses;
} state;

static void erase(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* Under the lock: the next block; the key is new afterwards. */
static void next_block_locked(uint8_t out[CHACHA_BLOCK - CHACHA_KEY])
{
	uint32_t nonce[3] = { 0, (uint32_t)state.uses,
			      (uint32_t)(state.uses >> 32) };
	uint8_t block[CHACHA_BLOCK];

	state.uses++;
	chacha20_block(state.key, 0, nonce, block);
	memcpy(state.key, block, CHACHA_KEY);
	memcpy(out, block + CHACHA_KEY, CHACHA_BLOCK - CHACHA_KEY);
	erase(block, sizeof(block));
}

void entropy_add(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint8_t out[CHACHA_BLOCK - CHACHA_KEY];

	mutex_lock(&state.lock);
	while (n) {
		size_t part = MIN(n, sizeof(state.key));

		for (size_t i = 0; i < part; i++)
			((uint8_t *)state.key)[i] ^= p[i];
		next_block_locked(out);
		p += part;
		n -= part;
	}
	mutex_unlock(&state.lock);
	erase(out, sizeof(out));
}

void plat_entropy(void *buf, size_t n)
{
	uint8_t out[CHACHA_BLOCK - CHACHA_KEY], *p = buf;

	mutex_lock(&state.lock);
	while (n) {
		size_t part = MIN(n, sizeof(out));

		next_block_locked(out);
		memcpy(p, out, part);
		p += part;
		n -= part;
	}
	mutex_unlock(&state.lock);
	erase(out, sizeof(out));
}

/* Returns false if the processor had none at hand. */
static bool read_rdrand(uint64_t *v)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
	return ok;
}

void entropy_init(const void *seed, size_t n)
{
	uint64_t v[RDRAND_WORDS + 1] = { __builtin_ia32_rdtsc() };
	uint32_t one[4];

	mutex_init(&state.lock);
	cpuid(1, 0, one);
	for (uint32_t i = 0; one[2] >> 30 & 1 && i < RDRAND_WORDS; i++)
		(void)!read_rdrand(&v[1 + i]);
	entropy_add(seed, n);
	entropy_add(v, sizeof(v));
}
