/* SPDX-License-Identifier: MIT */
/*
 * vhost-user (tender/dev/vhost_user.c) as a monitor uses it: the messages, a
 * request through a real ring, and messages that make no sense.
 */
#include "dev/vhost_user.h"
#include "fs_client.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost_types.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY_SIZE	(1u << 20)
#define GUEST_BASE	0x100000ull
#define USER_BASE	0x7f0000000000ull	/* the monitor's own addresses */
#define RING_SIZE	8u
#define DESC_AT		0x0u
#define AVAIL_AT	0x1000u
#define USED_AT		0x2000u
#define IN_AT		0x3000u
#define OUT_AT		0x4000u

static struct {
	struct fsrv *server;
	struct guest_memory memory;
	struct dev_loop loop;
	struct fs_dev *fs;
	struct vhost_user *vhost;
	pthread_t thread;
	int sock, memfd, kick, call;
	unsigned char *ram;
	const char *why;
	int nr_ended;
} t;

static bool fail_here(const char *fn, int line, const char *what)
{
	printf("# %s:%d: %s\n", fn, line, what);
	return false;
}

#define CHECK(e) do { if (!(e)) \
	return fail_here(__func__, __LINE__, #e); } while (0)

static void ended(void *arg, const char *why)
{
	t.why = why;
	t.nr_ended++;
	dev_loop_stop(&t.loop);
}

static void *serve(void *arg)
{
	dev_loop_run(&t.loop);
	return NULL;
}

static void start(void)
{
	struct fs_config config = { .stdio = { -1, -1, -1 }, .log_fd = -1 };
	struct vhost_user_hooks hooks = { .ended = ended };
	struct err e = { 0 };
	uint32_t id;
	int sv[2];

	memset(&t, 0, sizeof(t));
	if (fsrv_create(&t.server, &e) ||
	    fsrv_add_export(t.server, "/usr", FSRV_EXPORT_READ_ONLY, &id, &e))
		exit(1);
	config.server = t.server;
	t.memfd = memfd_create("ram", MFD_ALLOW_SEALING);
	t.kick = eventfd(0, EFD_NONBLOCK);
	t.call = eventfd(0, 0);
	if (ftruncate(t.memfd, MEMORY_SIZE) ||
	    fcntl(t.memfd, F_ADD_SEALS, F_SEAL_SHRINK) ||
	    dev_loop_init(&t.loop, &e) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		exit(1);
	t.ram = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		     t.memfd, 0);
	t.sock = sv[1];
	if (fs_create(&t.fs, "fs", &t.memory, &t.loop, &config, &e) ||
	    vhost_user_create(&t.vhost, fs_virtio(t.fs), &t.memory, &t.loop,
			      sv[0], &hooks, &e) ||
	    pthread_create(&t.thread, NULL, serve, NULL))
		exit(1);
}

static void stop(void)
{
	dev_loop_stop(&t.loop);
	pthread_join(t.thread, NULL);
	vhost_user_destroy(t.vhost);
	fs_destroy(t.fs);
	dev_loop_fini(&t.loop);
	fsrv_destroy(t.server);
	munmap(t.ram, MEMORY_SIZE);
	close(t.memfd);
	close(t.kick);
	close(t.call);
	close(t.sock);
}

/* --- messages -----------------------------------------------------------------------*/

static void say(uint32_t request, uint32_t flags, const void *body,
		uint32_t size, int fd)
{
	uint32_t head[3] = { request, flags, size };
	struct iovec iov[2] = { { head, sizeof(head) },
				{ (void *)body, size } };
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET,
				SCM_RIGHTS } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.space);
	}
	if (sendmsg(t.sock, &m, MSG_NOSIGNAL) < 0)
		printf("# message %u: %s\n", request, strerror(errno));
}

/* An answer's first 8 bytes, or UINT64_MAX without one. */
static uint64_t hear(void)
{
	struct { uint32_t head[3]; } h;
	uint64_t value = 0;

	if (recv(t.sock, &h, sizeof(h), MSG_WAITALL) != sizeof(h) ||
	    h.head[2] > sizeof(value) ||
	    recv(t.sock, &value, h.head[2], MSG_WAITALL) != (int)h.head[2])
		return UINT64_MAX;
	return value;
}

static uint64_t ask(uint32_t request)
{
	say(request, 1, NULL, 0, -1);
	return hear();
}

static void set_u64(uint32_t request, uint64_t value, int fd)
{
	say(request, 1, &value, sizeof(value), fd);
}

static void set_state(uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_vring_state s = { index, num };

	say(request, 1, &s, sizeof(s), -1);
}

/* Does the other side end the connection? */
static bool is_refused(void)
{
	pthread_join(t.thread, NULL);
	pthread_create(&t.thread, NULL, serve, NULL);
	return t.nr_ended == 1 && t.why;
}

static void give_memory(uint64_t len, uint64_t offset)
{
	struct { uint32_t nr, padding; uint64_t region[4]; } m = {
		1, 0, { GUEST_BASE, len, USER_BASE, offset }
	};

	/* acknowledged, if that was agreed */
	say(5, 1 | 8, &m, sizeof(m), t.memfd);
}

static void negotiate(void)
{
	uint64_t features = ask(1);

	ask(15);
	set_u64(16, 1 | 8, -1);
	say(3, 1, NULL, 0, -1);
	set_u64(2, features, -1);
}

static void start_ring_at(uint32_t index, uint32_t base)
{
	struct vhost_vring_addr a = {
		.index = index, .desc_user_addr = USER_BASE + DESC_AT,
		.avail_user_addr = USER_BASE + AVAIL_AT,
		.used_user_addr = USER_BASE + USED_AT,
	};

	set_state(8, index, RING_SIZE);
	set_state(10, index, base);
	say(9, 1, &a, sizeof(a), -1);
	set_u64(12, index, t.kick);
	set_u64(13, index, t.call);
	set_state(18, index, 1);
}

static void start_ring(uint32_t index)
{
	start_ring_at(index, 0);
}

/* --- tests ----------------------------------------------------------------------------*/

/* A request in the ring: device-readable and device-writable part. */
static void put_request(uint16_t slot, const void *in, uint32_t len)
{
	struct vring_desc *d = (void *)(t.ram + DESC_AT);
	struct vring_avail *a = (void *)(t.ram + AVAIL_AT);

	memcpy(t.ram + IN_AT, in, len);
	d[0] = (struct vring_desc){ GUEST_BASE + IN_AT, len,
				    VRING_DESC_F_NEXT, 1 };
	d[1] = (struct vring_desc){ GUEST_BASE + OUT_AT, 4096,
				    VRING_DESC_F_WRITE, 0 };
	a->ring[slot] = 0;
	a->ring[RING_SIZE] = slot;	/* interrupt wanted after this one */
	__atomic_store_n(&a->idx, slot + 1, __ATOMIC_RELEASE);
}

static bool was_called(void)
{
	struct pollfd p = { .fd = t.call, .events = POLLIN };
	uint64_t n;

	return poll(&p, 1, 10000) == 1 && read(t.call, &n, sizeof(n)) > 0;
}

static bool test_request(void)
{
	struct { struct fuse_in_header h; struct fuse_init_in in; } init = {
		{ .len = 56, .opcode = FUSE_INIT, .unique = 7 },
		{ .major = 7, .minor = 31 },
	};
	struct fuse_out_header *out;
	struct vring_used *u;
	uint64_t one = 1;

	start();
	out = (void *)(t.ram + OUT_AT);
	u = (void *)(t.ram + USED_AT);
	negotiate();
	CHECK(ask(17) == 2);
	give_memory(MEMORY_SIZE, 0);
	CHECK(hear() == 0);
	/* a request that was there before the ring, then one with a kick */
	put_request(0, &init, 56);
	start_ring(1);
	CHECK(was_called());
	CHECK(u->idx == 1 && out->unique == 7 && !out->error);
	CHECK(out->len == sizeof(*out) + sizeof(struct fuse_init_out));
	init.h.unique = 8;
	put_request(1, &init, 56);
	CHECK(write(t.kick, &one, sizeof(one)) == sizeof(one));
	CHECK(was_called());
	CHECK(u->idx == 2 && out->unique == 8);
	/* stop: the base comes back, the device remembers */
	set_state(11, 1, 0);
	CHECK(hear() == (1ull | 2ull << 32));
	CHECK(t.fs->ready && !t.nr_ended);
	stop();
	return true;
}

static bool exchange(uint16_t slot, const void *in, uint32_t len)
{
	uint64_t one = 1;

	put_request(slot, in, len);
	return write(t.kick, &one, sizeof(one)) == sizeof(one);
}

static void until_read_waits(void)
{
	bool waits = false;

	while (!waits) {	/* alarm() in main is the limit */
		usleep(1000);
		pthread_mutex_lock(&t.fs->dev.lock);
		waits = t.fs->waiting;
		pthread_mutex_unlock(&t.fs->dev.lock);
	}
}

/* The machine pauses while a READ of "control" waits, and goes on. */
static bool test_pause(void)
{
	struct { struct fuse_in_header h; struct fuse_init_in in; } init = {
		{ .len = 56, .opcode = FUSE_INIT, .unique = 1 },
		{ .major = 7, .minor = 31 },
	};
	struct { struct fuse_in_header h; struct fuse_open_in in; } open = {
		{ .len = 48, .opcode = FUSE_OPEN, .unique = 2 }, { 0 },
	};
	struct { struct fuse_in_header h; struct fuse_read_in in; } read = {
		{ .len = 80, .opcode = FUSE_READ, .unique = 3 },
		{ .size = 4000 },
	};
	struct fuse_out_header *out;
	struct fuse_open_out opened;

	start();
	out = (void *)(t.ram + OUT_AT);
	negotiate();
	give_memory(MEMORY_SIZE, 0);
	CHECK(hear() == 0);
	start_ring(1);
	CHECK(exchange(0, &init, 56) && was_called());
	open.h.nodeid = fs_node_id(t.fs, fs_special_node(t.fs, FS_CONTROL));
	CHECK(exchange(1, &open, 48) && was_called() && !out->error);
	memcpy(&opened, out + 1, sizeof(opened));
	read.in.fh = opened.fh;
	CHECK(exchange(2, &read, 80));
	until_read_waits();
	set_state(11, 1, 0);
	CHECK(hear() == (1ull | 3ull << 32));
	CHECK(was_called() && out->unique == 3 && out->error == -EINTR);
	/* memory comes again, the ring goes on where it was; asked once more */
	give_memory(MEMORY_SIZE, 0);
	CHECK(hear() == 0);
	start_ring_at(1, 3);
	read.h.unique = 4;
	CHECK(exchange(3, &read, 80));
	fs_send_signals(t.fs, 2, 0);
	CHECK(was_called() && out->unique == 4 && !out->error);
	CHECK(!t.nr_ended);
	stop();
	return true;
}

/* Memory that the other side could take away under us. */
static bool test_unsealed_memory(void)
{
	start();
	close(t.memfd);
	t.memfd = memfd_create("ram", MFD_ALLOW_SEALING);
	CHECK(t.memfd >= 0 && !ftruncate(t.memfd, MEMORY_SIZE));
	negotiate();
	give_memory(MEMORY_SIZE, 0);
	CHECK(is_refused());
	stop();
	return true;
}

/* Each of these ends the connection, with nothing else broken. */
static bool test_nonsense(void)
{
	static const struct {
		uint32_t request, flags, size;
		uint64_t value;
		bool has_fd;
	} bad[] = {
		{ 0, 1, 0, 0, false }, { 999, 1, 0, 0, false },
		{ 2, 2, 8, 0, false }, { 2, 1, 4, 0, false },
		{ 2, 1, UINT32_MAX, 0, false }, { 2, 1, 8, 1ull << 63, false },
		{ 8, 1, 8, 7, false }, { 8, 1, 8, 1ull << 32 | 1, false },
		{ 11, 1, 8, UINT32_MAX, false }, { 12, 1, 8, 0, false },
		{ 12, 1, 8, 9, true }, { 12, 1, 8, 1u << 8, false },
		{ 12, 1, 8, 1u << 9, true }, { 18, 1, 8, 2ull << 32, false },
		{ 5, 1, 8, 9, false }, { 5, 1, 8, 1, true },
		{ 16, 1, 8, 2, false },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t head[3] = { bad[i].request, bad[i].flags,
				     bad[i].size };

		start();
		if (bad[i].size == UINT32_MAX)
			CHECK(send(t.sock, head, 12, 0) == 12);
		else if (bad[i].request == 8 && bad[i].value == 7)
			set_state(8, 7, 8);
		else
			say(bad[i].request, bad[i].flags, &bad[i].value,
			    bad[i].size, bad[i].has_fd ? t.kick : -1);
		if (bad[i].request == 8 && bad[i].value >> 32)
			set_state(8, 1, 4096);
		if (!is_refused()) {
			printf("# message %zu\n", i);
			return false;
		}
		stop();
	}
	return true;
}

static bool refuse_memory(uint64_t len, uint64_t offset)
{
	bool ok;

	start();
	negotiate();
	give_memory(len, offset);
	ok = is_refused();
	stop();
	return ok;
}

static bool test_memory(void)
{
	CHECK(refuse_memory(MEMORY_SIZE + 4096, 0));
	CHECK(refuse_memory(MEMORY_SIZE, 4096));
	CHECK(refuse_memory(4096, UINT64_MAX - 4095));
	CHECK(refuse_memory(4096, 5));
	CHECK(refuse_memory(0, 0));
	/* a ring outside of it; none may run when it changes */
	start();
	negotiate();
	give_memory(0x1000, 0);
	CHECK(hear() == 0);
	start_ring(0);
	CHECK(is_refused());
	stop();
	start();
	negotiate();
	give_memory(MEMORY_SIZE, 0);
	CHECK(hear() == 0);
	start_ring(0);
	give_memory(MEMORY_SIZE, 0);
	CHECK(is_refused());
	stop();
	return true;
}

/* A ring that breaks the rules breaks the device. */
static bool test_broken_ring(void)
{
	struct vring_avail *a;
	uint64_t one = 1;

	start();
	negotiate();
	give_memory(MEMORY_SIZE, 0);
	CHECK(hear() == 0);
	start_ring(1);
	a = (void *)(t.ram + AVAIL_AT);
	__atomic_store_n(&a->idx, 500, __ATOMIC_RELEASE);
	CHECK(write(t.kick, &one, sizeof(one)) == sizeof(one));
	CHECK(is_refused());
	stop();
	return true;
}

int main(void)
{
	static const struct {
		const char *name;
		bool (*fn)(void);
	} tests[] = {
		{ "requests through a ring", test_request },
		{ "a pause", test_pause },
		{ "memory without a seal", test_unsealed_memory },
		{ "nonsense", test_nonsense }, { "memory", test_memory },
		{ "broken ring", test_broken_ring },
	};
	size_t n = sizeof(tests) / sizeof(*tests), failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(60);
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		bool ok = tests[i].fn();

		failed += !ok;
		printf("%s %zu - vhost-user: %s\n", ok ? "ok" : "not ok",
		       i + 1, tests[i].name);
	}
	return failed != 0;
}
