/* SPDX-License-Identifier: MIT */
/* The ChaCha20 block function, RFC 8439. */
#pragma once
#include "lib/types.h"

#define CHACHA_KEY	32u	/* bytes */
#define CHACHA_BLOCK	64u

/* One block of the key stream (2.3 there). */
void chacha20_block(const uint32_t key[8], uint32_t counter,
		    const uint32_t nonce[3], uint8_t out[CHACHA_BLOCK]);
