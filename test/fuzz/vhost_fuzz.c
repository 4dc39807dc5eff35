/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a hostile monitor behind vhost-user (dev/vhost_user.h), and the
 * guest's memory that it shares, with the random device behind. Input: steps,
 * each a byte and what it brings
 *     0  message: u8 request, u8 flags, u8 descriptors, u8 length, bytes;
 *        of descriptors the low two bits are how many, the others their kind
 *     1  memory: u16 offset, u8 length, bytes
 *     2  doorbell
 *     3  the raw bytes of a message: u8 length, bytes
 * In the end no descriptor may be left.
 */
#include "dev/rng.h"
#include "dev/vhost_user.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY_SIZE	(1u << 16)
#define STEPS_MAX	64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step { STEP_MESSAGE, STEP_MEMORY, STEP_BELL, STEP_RAW, NR_STEPS };
enum fd_kind { FD_MEMORY, FD_BELL, FD_UNSEALED, FD_PIPE, NR_FD_KINDS };

static struct {
	struct guest_memory memory;
	struct dev_loop loop;
	struct rng_dev rng;
	struct vhost_user *vhost;
	int sock, fds[NR_FD_KINDS], pipe_out;
	unsigned char *ram;
	const uint8_t *in;
	size_t left;
	unsigned int nr_ended;
} t;

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* --- input -------------------------------------------------------------------*/

static uint8_t take(void)
{
	if (!t.left)
		return 0;
	t.left--;
	return *t.in++;
}

static const uint8_t *take_bytes(size_t *len)
{
	const uint8_t *at = t.in;

	if (*len > t.left)
		*len = t.left;
	t.in += *len;
	t.left -= *len;
	return at;
}

/* --- the other side ------------------------------------------------------------*/

static void send_bytes(const void *bytes, size_t len, const int *fds,
		       size_t nr_fds)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(3 * sizeof(int))];
	} control = { .head = { CMSG_LEN(nr_fds * sizeof(int)), SOL_SOCKET,
				SCM_RIGHTS } };
	struct iovec iov = { (void *)bytes, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nr_fds) {
		memcpy(CMSG_DATA(&control.head), fds, nr_fds * sizeof(int));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
	}
	/* the device may have ended the connection */
	if (sendmsg(t.sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		t.left = 0;
}

static void send_message(void)
{
	struct { uint32_t request, flags, size; uint8_t body[255]; } m;
	uint8_t request = take(), flags = take(), fds = take();
	size_t len = take(), nr = fds & 3;
	const uint8_t *body = take_bytes(&len);
	int given[3];

	m.request = request;
	m.flags = flags;
	m.size = (uint32_t)len;
	memcpy(m.body, body, len);
	for (size_t i = 0; i < nr; i++)
		given[i] = t.fds[(fds >> 2) % NR_FD_KINDS];
	send_bytes(&m, 12 + len, given, nr);
}

/* Cut off: the device must not wait for the rest of it. */
static void send_raw(void)
{
	size_t len = take();
	const uint8_t *bytes = take_bytes(&len);

	if (len)
		send_bytes(bytes, len, NULL, 0);
	shutdown(t.sock, SHUT_WR);
	t.left = 0;
}

static void write_memory(void)
{
	size_t at = take() | (size_t)take() << 8, len = take();
	const uint8_t *bytes = take_bytes(&len);

	if (len > MEMORY_SIZE - at)
		len = MEMORY_SIZE - at;
	memcpy(t.ram + at, bytes, len);
}

static void ring_bell(void)
{
	static const uint64_t one = 1;

	check(write(t.fds[FD_BELL], &one, sizeof(one)) == sizeof(one) ||
	      errno == EAGAIN);
}

/* --- the device's side -----------------------------------------------------------*/

static void ended(void *arg, const char *why)
{
	t.nr_ended++;
}

/* A doorbell that nobody takes rings for ever: only some steps. */
static void let_device_work(void)
{
	struct pollfd p = { .fd = t.loop.epoll, .events = POLLIN };
	char answer[512];

	for (int i = 0; i < STEPS_MAX && poll(&p, 1, 0) > 0; i++)
		dev_loop_step(&t.loop, 0);
	while (recv(t.sock, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		;
}

static size_t count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	check(d != NULL);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int make_memory(bool sealed)
{
	int fd = memfd_create("ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	check(fd >= 0 && !ftruncate(fd, MEMORY_SIZE) &&
	      (!sealed || !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)));
	return fd;
}

static void start(void)
{
	struct vhost_user_hooks hooks = { .ended = ended };
	struct err e;
	int sv[2], p[2];

	check(!dev_loop_init(&t.loop, &e) && !pipe(p) &&
	      !socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	t.fds[FD_MEMORY] = make_memory(true);
	t.fds[FD_UNSEALED] = make_memory(false);
	t.fds[FD_BELL] = eventfd(0, EFD_NONBLOCK);
	t.fds[FD_PIPE] = p[0];
	t.pipe_out = p[1];
	t.ram = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		     t.fds[FD_MEMORY], 0);
	check(t.ram != MAP_FAILED);
	t.sock = sv[1];
	rng_init(&t.rng, "rng", &t.memory);
	check(!vhost_user_create(&t.vhost, &t.rng.dev, &t.memory, &t.loop,
				 sv[0], &hooks, &e));
}

static void stop(void)
{
	vhost_user_destroy(t.vhost);
	check(t.memory.nr_ranges == 0 && t.nr_ended <= 1);
	rng_fini(&t.rng);
	dev_loop_fini(&t.loop);
	munmap(t.ram, MEMORY_SIZE);
	for (int i = 0; i < NR_FD_KINDS; i++)
		close(t.fds[i]);
	close(t.pipe_out);
	close(t.sock);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const steps[NR_STEPS])(void) = {
		[STEP_MESSAGE] = send_message, [STEP_MEMORY] = write_memory,
		[STEP_BELL] = ring_bell, [STEP_RAW] = send_raw,
	};
	size_t before = count_descriptors();

	signal(SIGPIPE, SIG_IGN);
	memset(&t, 0, sizeof(t));
	t.in = data;
	t.left = size;
	start();
	while (t.left && !t.nr_ended) {
		steps[take() % NR_STEPS]();
		let_device_work();
	}
	stop();
	check(count_descriptors() == before);
	return 0;
}
