/* SPDX-License-Identifier: MIT */
/* The loop of a device thread: doorbells, descriptors, stopping. */
#include "dev/loop.h"
#include "dev/rng.h"
#include "fake_guest.h"
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct fake_guest g;
static struct rng_dev rng;
static struct dev_loop loop;
static int bell;

static void ring(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		checks_failed++;
}

static void *run(void *arg)
{
	dev_loop_run(&loop);
	return NULL;
}

/* A device thread of its own: rung by an eventfd, stopped, joined. */
static void test_thread(void)
{
	struct dev_doorbell doorbell;
	struct err e;
	pthread_t thread;
	uint32_t id, len;

	guest_init(&g);
	rng_init(&rng, "rng0", &g.memory);
	guest_attach(&g, &rng.dev);
	guest_up(&g, 0);
	bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(!dev_loop_init(&loop, &e));
	CHECK(!dev_loop_add_doorbell(&loop, &doorbell, bell, &rng.dev, 0,
				     &e));
	CHECK(!pthread_create(&thread, NULL, run, NULL));
	put_desc(&g, 0, 0, DATA_BASE, 8, VRING_DESC_F_WRITE, 0);
	for (int i = 0; i < 500; i++) {
		offer(&g, 0, 0);
		ring(bell);
		for (int tries = 0; !(reg_get(&g,
		     VIRTIO_MMIO_INTERRUPT_STATUS) & 1); tries++) {
			CHECK(tries < 5000);
			poll(NULL, 0, 1);
		}
		reg_set(&g, VIRTIO_MMIO_INTERRUPT_ACK, 1);
		CHECK(take_used(&g, 0, &id, &len) && len == 8);
	}
	dev_loop_stop(&loop);
	pthread_join(thread, NULL);
	dev_loop_fini(&loop);
	close(bell);
	rng_fini(&rng);
	guest_fini(&g);
}

static int calls;

static void count(void *arg, uint32_t events)
{
	calls++;
}

static void test_watch(void)
{
	struct dev_source s = { eventfd(1, EFD_CLOEXEC), count, NULL };
	struct dev_source file = { STDIN_FILENO, count, NULL };
	struct err e;

	calls = 0;
	CHECK(!dev_loop_init(&loop, &e));
	CHECK(!dev_loop_add(&loop, &s, 0, &e));
	CHECK(dev_loop_step(&loop, 0) && !calls);
	CHECK(!dev_loop_watch(&loop, &s, EPOLLIN));
	CHECK(dev_loop_step(&loop, 0) && calls == 1);
	CHECK(dev_loop_step(&loop, 0) && calls == 2);
	CHECK(!dev_loop_watch(&loop, &s, 0));
	CHECK(!dev_loop_watch(&loop, &s, 0));
	CHECK(dev_loop_step(&loop, 0) && calls == 2);
	file.fd = fileno(tmpfile());
	CHECK(dev_loop_add(&loop, &file, EPOLLIN, &e) == -EPERM);
	file.fd = -1;
	CHECK(dev_loop_add(&loop, &file, EPOLLIN, &e) == -EBADF);
	close(s.fd);
	dev_loop_fini(&loop);
}

static void test_stop_first(void)
{
	struct err e;

	CHECK(!dev_loop_init(&loop, &e));
	dev_loop_stop(&loop);
	dev_loop_run(&loop);
	dev_loop_fini(&loop);
}

const struct unit_test loop_tests[] = {
	{ "device thread", test_thread }, { "watching", test_watch },
	{ "stopped before it runs", test_stop_first }, { NULL, NULL },
};
