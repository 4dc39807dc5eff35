/* SPDX-License-Identifier: MIT */
/* virtio-rng, see rng.h. Invariant: bytes come from getrandom, nothing else. */
#include "dev/rng.h"
#include <errno.h>
#include <sys/random.h>

#define QUEUE_SIZE	64u
#define REQUEST_MAX	(64u << 10)	/* bytes given per request */
#define CALL_MAX	256u		/* never interrupted, never short */

static enum virtio_served fill(struct virtio_dev *d, struct virtq_chain *c)
{
	unsigned char bytes[CALL_MAX];

	if (!c->in_left || c->out_left) {
		virtio_dev_fail(d, "stopped, a request is not just a buffer "
				"to be filled");
		return VIRTIO_KEPT;
	}
	while (c->in_left && c->written < REQUEST_MAX) {
		size_t n = c->in_left < CALL_MAX ? c->in_left : CALL_MAX;
		ssize_t got = getrandom(bytes, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		virtq_chain_write(c, bytes, (size_t)got);
	}
	return VIRTIO_DONE;
}

static bool kick(struct virtio_dev *d, uint32_t queue)
{
	return virtio_dev_serve(d, queue, fill);
}

static void reset(struct virtio_dev *d)
{
}

static const struct virtio_ops ops = { .kick = kick, .reset = reset };

void rng_init(struct rng_dev *r, const char *name,
	      const struct guest_memory *memory)
{
	r->dev = (struct virtio_dev){
		.ops = &ops, .name = name, .type = VIRTIO_ID_RNG,
		.features = VIRTIO_RING_FEATURES, .nr_queues = 1,
		.queue_size_max = QUEUE_SIZE,
	};
	virtio_dev_init(&r->dev, memory);
}

void rng_fini(struct rng_dev *r)
{
	virtio_dev_fini(&r->dev);
}
