/* SPDX-License-Identifier: MIT */
/*
 * The network driver (drv/virtio/net.c) against a device made here, which can
 * also lie. The driver's task runs until it would sleep; the test then is the
 * device, changes something, and lets it run again. Prints TAP.
 */
#include "core/heap.h"
#include "core/page.h"
#include "core/service.h"
#include "drv/virtio/virtio.h"
#include "lib/string.h"
#include "net/netdev.h"
#include "platform/kvm/paging.h"
#include "platform/platform.h"
#include <linux/virtio_net.h>

void *calloc(size_t n, size_t m);
void *aligned_alloc(size_t align, size_t n);
void free(void *p);
int printf(const char *fmt, ...);

#define HEADER	((uint32_t)sizeof(struct virtio_net_hdr_v1))

/* --- what the driver stands on --------------------------------------------------*/

static int allocations, fail_in;
static struct virtio device;
static struct virtq *queues[2];
static struct service *service;
static uint32_t notified;
static uint32_t nr_notified[2];
static const char *failure;

static bool must_fail(void)
{
	return fail_in && !--fail_in;
}

void *page_alloc(uint32_t order, bool zeroed)
{
	void *p = must_fail() ? NULL :
		  aligned_alloc(PAGE_SIZE, PAGE_SIZE << order);

	allocations += p != NULL;
	return p ? memset(p, 0, PAGE_SIZE << order) : NULL;
}

void page_free(void *p, uint32_t order)
{
	allocations -= p != NULL;
	free(p);
}

void *kzalloc(size_t n)
{
	void *p = must_fail() ? NULL : calloc(1, n);

	allocations += p != NULL;
	return p;
}

void kfree(void *p)
{
	allocations -= p != NULL;
	free(p);
}

int service_start(struct service *s)
{
	service = s;
	notified = UINT32_MAX;
	return must_fail() ? -ENOMEM : 0;
}

void service_notify(struct service *s, uint32_t bits)
{
	notified |= bits;
}

void plat_entropy(void *buf, size_t n)
{
	memset(buf, 0xff, n);
}

void rwlock_read_lock(struct rwlock *l)
{
}

void rwlock_read_unlock(struct rwlock *l)
{
}

void rwlock_write_lock(struct rwlock *l)
{
}

void rwlock_write_unlock(struct rwlock *l)
{
}

void waitq_init(struct waitq *q)
{
	list_init(&q->waiters);
}

void wait_wake(struct waitq *q, uint32_t nr_exclusive, uint32_t key)
{
}

/* --- the transport -----------------------------------------------------------------*/

static struct virtio_net_config config;
static uint16_t queue_size = 4;

uint8_t virtio_config8(struct virtio *v, uint32_t offset)
{
	return ((uint8_t *)&config)[offset];
}

uint16_t virtio_config16(struct virtio *v, uint32_t offset)
{
	return *(uint16_t *)((char *)&config + offset);
}

int virtio_queue_init(struct virtio *v, uint32_t index, struct virtq *q,
		      uint16_t max_size)
{
	queues[index] = q;
	return virtq_init(q, queue_size, false, virtio_has(v,
			  VIRTIO_RING_F_EVENT_IDX));
}

void virtio_ready(struct virtio *v)
{
	v->ready = true;
}

void virtio_notify(struct virtio *v, uint32_t queue)
{
	nr_notified[queue]++;
}

void virtio_fail(struct virtio *v, const char *why)
{
	v->failed = true;
	failure = why;
}

/* --- the device's side ---------------------------------------------------------------*/

static uint16_t seen[2];

static void *at(uint64_t gpa)
{
	return phys_to_virt(gpa);
}

/* Head of the next buffer or packet, or -1. */
static int next_head(uint32_t queue)
{
	struct virtq *q = queues[queue];

	if (q->avail->idx == seen[queue])
		return -1;
	return q->avail->ring[seen[queue]++ % q->size];
}

static void use(uint32_t queue, uint32_t id, uint32_t len)
{
	struct virtq *q = queues[queue];

	q->used->ring[q->used->idx % q->size] =
		(struct vring_used_elem){ id, len };
	q->used->idx++;
}

/* Its turns, until it would sleep. */
static void run_task(void)
{
	uint32_t bits;

	do {
		bits = notified;
		notified = 0;
	} while (service->turn(service, bits) != DEADLINE_NEVER);
}

/* A frame with this header comes in. False: no buffer. */
static bool frame_comes(const struct virtio_net_hdr_v1 *h, const char *text,
			uint32_t len)
{
	int head = next_head(0);
	uint8_t *p;

	if (head < 0)
		return false;
	p = at(queues[0]->desc[head].addr);
	memcpy(p, h, HEADER);
	memcpy(p + HEADER, text, len);
	use(0, (uint32_t)head, HEADER + len);
	return true;
}

/* --- who listens ---------------------------------------------------------------------*/

static uint32_t nr_frames, nr_outgoing, nr_done;
static char heard[64];

static void hear(struct netdev_listener *l, struct netdev *d,
		 const struct net_frame *f, uint32_t nr, bool outgoing)
{
	nr_frames += outgoing ? 0 : nr;
	nr_outgoing += outgoing;
	memcpy(heard, f[nr - 1].seg[0].p, MIN(f[nr - 1].len, 64u));
}

static struct netdev_listener listener = { .receive = hear };

static void done(struct net_packet *p)
{
	nr_done++;
}

/* --- tests ---------------------------------------------------------------------------*/

#define CHECK(e) \
	do { \
		if (!(e)) { \
			printf("# line %d: %s\n", __LINE__, #e); \
			return false; \
		} \
	} while (0)

static const struct virtio_net_hdr_v1 plain;
static const char text[] = "to us from somebody: the payload";
static struct netdev *dev;

static int probe(uint64_t features)
{
	device = (struct virtio){
		.driver = &virtio_net_driver, .features = features,
	};
	memset(seen, 0, sizeof(seen));
	memset(nr_notified, 0, sizeof(nr_notified));
	nr_frames = nr_outgoing = nr_done = 0;
	failure = NULL;
	return virtio_net_driver.probe(&device);
}

/* Probe and run until it sleeps; the devices stay, so there are few. */
static bool start(uint64_t features)
{
	uint32_t n = 0;

	if (probe(features))
		return false;
	while (netdev_at(n))
		n++;
	dev = netdev_at(n - 1);
	run_task();
	return device.ready && !failure;
}

static bool frames(void)
{
	struct virtio_net_hdr_v1 odd = { .gso_type = 1 };

	config = (struct virtio_net_config){
		.mac = { 2, 1, 2, 3, 4, 5 }, .status = 0,
	};
	CHECK(start(1ull << VIRTIO_NET_F_MAC | 1ull << VIRTIO_NET_F_STATUS |
		    1ull << VIRTIO_RING_F_EVENT_IDX));
	CHECK(!memcmp(dev->mac, config.mac, 6) && dev->mtu == 1500);
	CHECK(!netdev_has_carrier(dev));
	config.status = VIRTIO_NET_S_LINK_UP;
	virtio_net_driver.changed(&device);
	run_task();
	CHECK(netdev_has_carrier(dev));
	/* all buffers, more than once round */
	for (uint32_t i = 0; i < 40; i++) {
		CHECK(frame_comes(&plain, text, sizeof(text)));
		if (i % 3 == 0)
			run_task();
	}
	run_task();
	CHECK(nr_frames == 40 && !memcmp(heard, text, sizeof(text)));
	/* too short, and with an offload that nobody asked for */
	CHECK(frame_comes(&plain, text, 13) && frame_comes(&odd, text, 30));
	run_task();
	CHECK(nr_frames == 40 && dev->stats.rx_errors == 2 && !failure);
	for (uint32_t i = 0; i < queue_size; i++)
		CHECK(frame_comes(&plain, text, 20));
	CHECK(!frame_comes(&plain, text, 20));
	return true;
}

static bool packets(void)
{
	struct net_seg seg[3] = { { (void *)text, 14 },
				  { (void *)text, 6 }, { (void *)text, 6 } };
	struct net_packet p[3] = { { { seg, 2, 20 }, done, NULL, NULL } };
	struct vring_desc *d;
	int head;

	queue_size = 8;
	CHECK(start(0));
	CHECK(dev->mac[0] == 0xfe && netdev_has_carrier(dev));
	p[1] = p[2] = p[0];
	CHECK(!netdev_transmit(dev, &p[0]) && !netdev_transmit(dev, &p[1]));
	CHECK(netdev_transmit(dev, &p[2]) == -ENOSPC);
	head = next_head(1);
	d = &queues[1]->desc[head];
	CHECK(d->len == HEADER && !memcmp(at(d->addr), &plain, HEADER));
	d = &queues[1]->desc[d->next];
	CHECK(d->len == 14 && at(d->addr) == text);
	d = &queues[1]->desc[d->next];
	CHECK(d->len == 6 && !(d->flags & VRING_DESC_F_NEXT));
	use(1, (uint32_t)head, 0);
	run_task();
	CHECK(nr_done == 1 && nr_outgoing == 1 && dev->stats.tx_bytes == 20);
	CHECK(!netdev_transmit(dev, &p[2]));
	/* the device breaks: what it has comes back, nothing more goes */
	virtio_fail(&device, "test");
	run_task();
	CHECK(nr_done == 3 && dev->stats.tx_errors == 2);
	CHECK(!netdev_has_carrier(dev));
	CHECK(netdev_transmit(dev, &p[0]) == -EIO && nr_done == 3);
	queue_size = 4;
	return true;
}

/* Each lie ends the device, not the kernel. */
static bool lies(void)
{
	struct net_seg seg = { (void *)text, 20 };
	struct net_packet p = { { &seg, 1, 20 }, done, NULL, NULL };

	CHECK(start(0));
	use(0, 99, HEADER + 20);
	run_task();
	CHECK(failure && !nr_frames);

	CHECK(start(0));
	use(0, (uint32_t)next_head(0), 1 << 20);
	run_task();
	CHECK(failure && !nr_frames);

	CHECK(start(0));
	CHECK(!netdev_transmit(dev, &p));
	use(1, (uint32_t)next_head(1), 1);	/* it may not write there */
	run_task();
	CHECK(failure && nr_done == 1 && dev->stats.tx_errors == 1);

	CHECK(start(0));
	queues[0]->used->idx += 1000;
	run_task();
	CHECK(failure);
	return true;
}

static bool big_frames(void)
{
	static char big[9014];

	config.mtu = 9000;
	queue_size = 2;
	CHECK(start(1ull << VIRTIO_NET_F_MTU));
	CHECK(dev->mtu == 9000 && dev->max_segs == 1);
	CHECK(frame_comes(&plain, big, sizeof(big)));
	run_task();
	CHECK(nr_frames == 1 && dev->stats.rx_bytes == sizeof(big));
	return true;
}

static bool refused(void)
{
	int before = allocations, i;

	queue_size = 1;		/* no room for a header and a frame */
	CHECK(probe(0) == -ENODEV && allocations == before);
	queue_size = 4;
	/* the buffers are two pages: one is enough */
	for (i = 1; i <= 6; i++) {
		fail_in = i;
		CHECK(probe(0) == -ENOMEM && allocations == before);
		fail_in = 0;
	}
	return true;
}

int main(void)
{
	static const struct {
		const char *name;
		bool (*run)(void);
	} tests[] = {
		{ "frames", frames }, { "packets", packets }, { "lies", lies },
		{ "big frames", big_frames }, { "refused", refused },
	};
	int failed = 0;

	netdev_listen(&listener);
	printf("1..%d\n", (int)ARRAY_LEN(tests));
	for (uint32_t i = 0; i < ARRAY_LEN(tests); i++) {
		bool good = tests[i].run();

		printf("%s %u - virtio-net: %s\n", good ? "ok" : "not ok",
		       i + 1, tests[i].name);
		failed += !good;
	}
	return failed != 0;
}
