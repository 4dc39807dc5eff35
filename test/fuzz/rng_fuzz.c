/* SPDX-License-Identifier: MIT */
/* Fuzz target: a driver of the random device (dev_ops.h). */
#include "dev/rng.h"
#include "dev_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_guest g;
	static struct rng_dev rng;

	guest_init(&g);
	rng_init(&rng, "rng0", &g.memory);
	guest_attach(&g, &rng.dev);
	fuzz_run(&g, data, size, NULL);
	rng_fini(&rng);
	guest_fini(&g);
	return 0;
}
