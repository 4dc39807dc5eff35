/* SPDX-License-Identifier: MIT */
/* The ChaCha20 block function, RFC 8439. */
#include "lib/chacha20.h"
#include "lib/string.h"

static uint32_t rotate(uint32_t v, uint32_t n)
{
	return v << n | v >> (32 - n);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 16);
	*c += *d;
	*b = rotate(*b ^ *c, 12);
	*a += *b;
	*d = rotate(*d ^ *a, 8);
	*c += *d;
	*b = rotate(*b ^ *c, 7);
}

void chacha20_block(const uint32_t key[8], uint32_t counter,
		    const uint32_t nonce[3], uint8_t out[CHACHA_BLOCK])
{
	uint32_t start[16] = {
		0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
		[12] = counter, nonce[0], nonce[1], nonce[2],
	};
	uint32_t x[16];

	memcpy(&start[4], key, CHACHA_KEY);
	memcpy(x, start, sizeof(x));
	for (uint32_t i = 0; i < 10; i++) {
		/* constant indices: half the instructions */
#pragma GCC unroll 4
		for (uint32_t j = 0; j < 4; j++)
			quarter_round(&x[j], &x[4 + j], &x[8 + j], &x[12 + j]);
#pragma GCC unroll 4
		for (uint32_t j = 0; j < 4; j++)
			quarter_round(&x[j], &x[4 + (j + 1) % 4],
				      &x[8 + (j + 2) % 4],
				      &x[12 + (j + 3) % 4]);
	}
	for (uint32_t i = 0; i < 16; i++)
		x[i] += start[i];
	memcpy(out, x, sizeof(x));
}
