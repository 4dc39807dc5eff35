/* SPDX-License-Identifier: MIT */
/*
 * Random numbers: ChaCha20 with fast key erasure. Of each block of the key
 * stream the first bytes replace the key at once, the rest is given out, and is
 * erased where it is kept until somebody asks: so what was given out can not be
 * computed from a later state. Seeds: 32 bytes of the tender, RDRAND where the
 * processor has it, the time-stamp counter, and what the random device gives.
 */
#include "platform/kvm/entropy.h"
#include "core/lock.h"
#include "lib/chacha20.h"
#include "lib/string.h"
#include "platform/kvm/cpu_start.h"
#include "platform/platform.h"

#define RDRAND_WORDS	(CHACHA_KEY / sizeof(uint64_t))

static struct {
	struct mutex lock;
	/* under lock */
	uint32_t key[8];
	uint64_t uses;
	uint8_t out[CHACHA_BLOCK - CHACHA_KEY];	/* not given out: at its end */
	uint32_t nr_out;
} state;

static void erase(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* The next block; the key is new afterwards. */
static void next_block_locked(void)
{
	uint32_t nonce[3] = { 0, (uint32_t)state.uses,
			      (uint32_t)(state.uses >> 32) };
	uint8_t block[CHACHA_BLOCK];

	state.uses++;
	chacha20_block(state.key, 0, nonce, block);
	memcpy(state.key, block, CHACHA_KEY);
	memcpy(state.out, block + CHACHA_KEY, sizeof(state.out));
	state.nr_out = sizeof(state.out);
	erase(block, sizeof(block));
}

/* No more bytes than the key has. */
static void mix_locked(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)state.key)[i] ^= p[i];
}

void entropy_add(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	mutex_lock(&state.lock);
	while (n) {
		size_t part = MIN(n, sizeof(state.key));

		mix_locked(p, part);
		next_block_locked();
		p += part;
		n -= part;
	}
	/* what comes next is from the new state */
	state.nr_out = 0;
	erase(state.out, sizeof(state.out));
	mutex_unlock(&state.lock);
}

void plat_entropy(void *buf, size_t n)
{
	uint8_t *p = buf;

	mutex_lock(&state.lock);
	while (n) {
		size_t part = MIN(n, (size_t)state.nr_out);
		uint8_t *from = state.out + sizeof(state.out) - state.nr_out;

		memcpy(p, from, part);
		erase(from, part);
		state.nr_out -= (uint32_t)part;
		p += part;
		n -= part;
		if (n)
			next_block_locked();
	}
	mutex_unlock(&state.lock);
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
	uint64_t v[RDRAND_WORDS] = { 0 };
	uint32_t one[4];

	mutex_init(&state.lock);
	cpuid(1, 0, one);
	for (uint32_t i = 0; one[2] >> 30 & 1 && i < RDRAND_WORDS; i++)
		(void)!read_rdrand(&v[i]);
	/* the first block is made of all of it */
	state.uses = __builtin_ia32_rdtsc();
	mix_locked(seed, MIN(n, sizeof(state.key)));
	mix_locked(v, sizeof(v));
}
