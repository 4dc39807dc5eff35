/* SPDX-License-Identifier: MIT */
/*
 * Code that owns its sandbox's kernel: through the test hook (mica run
 * --test-hook) it makes host calls from the stub page with any arguments.
 *
 *   attack call NR [ARG...]   make the host call, print its result
 *   attack fds                print the open host descriptors
 *   attack serve OP NAME      send a raw request to the file server on
 *                             directory 0 and print the reply's error
 *   attack junk               send byte soup to the file server
 *   attack race DIR N         open DIR/swap/file N times (the host swaps it)
 *   attack int80              an i386 system call
 */
#define _GNU_SOURCE
#include "abi/fileserver.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define HOOK		0x6d696361
#define SERVER_FD	4
#define FDS_MAX		4096

static long host(long nr, long a, long b, long c, long d, long e, long f)
{
	uint64_t args[7] = { (uint64_t)nr, (uint64_t)a, (uint64_t)b,
			     (uint64_t)c, (uint64_t)d, (uint64_t)e,
			     (uint64_t)f };
	long r = syscall(HOOK, args);

	return r < 0 ? -errno : r;
}

static int call(int argc, char **argv)
{
	long a[7] = { 0 };

	for (int i = 0; i < 7 && i < argc; i++)
		a[i] = (long)strtoull(argv[i], NULL, 0);
	printf("before\n");
	fflush(stdout);
	printf("result %ld\n",
	       host(a[0], a[1], a[2], a[3], a[4], a[5], a[6]));
	return 0;
}

static int list_fds(void)
{
	for (int fd = 0; fd < FDS_MAX; fd++) {
		struct pollfd p = { .fd = fd };
		struct timespec zero = { 0, 0 };

		host(SYS_ppoll, (long)&p, 1, (long)&zero, 0, 0, 0);
		if (!(p.revents & POLLNVAL))
			printf("%d\n", fd);
	}
	return 0;
}

static long request(const void *data, size_t len, struct fsrv_reply *reply)
{
	struct iovec iov = { (void *)data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	long r = host(SYS_sendmsg, SERVER_FD, (long)&m, MSG_NOSIGNAL, 0, 0, 0);

	if (r < 0)
		return r;
	iov.iov_base = reply;
	iov.iov_len = sizeof(*reply) + FSRV_DATA_MAX;
	return host(SYS_recvmsg, SERVER_FD, (long)&m, 0, 0, 0, 0);
}

static int serve(int op, const char *name)
{
	static char buf[sizeof(struct fsrv_request) + 4096];
	static char answer[sizeof(struct fsrv_reply) + FSRV_DATA_MAX];
	struct fsrv_request *q = (void *)buf;
	struct fsrv_reply *r = (void *)answer;
	long n;

	q->op = (uint32_t)op;
	q->name_len = (uint16_t)strlen(name);
	memcpy(q + 1, name, strlen(name));
	n = request(buf, sizeof(*q) + strlen(name), r);
	printf("error %d fd %u\n", n < 0 ? (int)n : r->error,
	       n < 0 ? 0 : r->has_fd);
	return 0;
}

static int junk(void)
{
	static unsigned char buf[8192];
	static char answer[sizeof(struct fsrv_reply) + FSRV_DATA_MAX];
	unsigned int seed = 1;

	for (int i = 0; i < 2000; i++) {
		size_t len = (size_t)(rand_r(&seed) % (int)sizeof(buf));

		for (size_t k = 0; k < len; k++)
			buf[k] = (unsigned char)rand_r(&seed);
		if (len > 4)	/* often a real operation */
			buf[0] = (unsigned char)(rand_r(&seed) % 30),
			buf[1] = buf[2] = buf[3] = 0;
		if (request(buf, len, (void *)answer) < 0)
			break;
	}
	printf("done\n");
	return 0;
}

static int race(const char *dir, int rounds)
{
	char path[4096], data[64];
	int leaks = 0;

	snprintf(path, sizeof(path), "%s/swap/file", dir);
	for (int i = 0; i < rounds; i++) {
		int fd = open(path, O_RDONLY);
		ssize_t n = fd < 0 ? 0 : read(fd, data, sizeof(data) - 1);

		if (n > 0 && memmem(data, (size_t)n, "secret", 6))
			leaks++;
		if (fd >= 0)
			close(fd);
	}
	printf("leaks %d\n", leaks);
	return 0;
}

static int int80(void)
{
	long r = 20;	/* getpid */

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
	printf("survived %ld\n", r);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "call"))
		return call(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "fds"))
		return list_fds();
	if (argc > 3 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]), argv[3]);
	if (argc > 1 && !strcmp(argv[1], "junk"))
		return junk();
	if (argc > 3 && !strcmp(argv[1], "race"))
		return race(argv[2], atoi(argv[3]));
	if (argc > 1 && !strcmp(argv[1], "int80"))
		return int80();
	return 2;
}
