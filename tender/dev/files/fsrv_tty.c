/* SPDX-License-Identifier: MIT */
/*
 * Terminal requests of the file server, on the sandbox's standard streams
 * only. None of them waits for long: "after output drained" is bounded.
 */
#include "dev/files/fsrv_priv.h"
#include <asm/termbits.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define DRAIN_STEP_MS	5
#define DRAIN_STEPS	40

int ioctl(int fd, unsigned long request, ...);

#define REQ_TCGETS2	0x802c542aul
#define REQ_TCSETS2	0x402c542bul
#define REQ_TCFLSH	0x540bul
#define REQ_TIOCGWINSZ	0x5413ul
#define REQ_TIOCOUTQ	0x5411ul
#define REQ_FIONREAD	0x541bul

struct tty_winsize {
	unsigned short rows, cols, x_pixels, y_pixels;
};

/* The descriptor of the stream that the request names, or -errno. */
static int stream_of(struct fsrv_call *c, uint64_t nr)
{
	if (nr > 2)
		return -EINVAL;
	return c->server->stdio[nr] < 0 ? -EBADF : c->server->stdio[nr];
}

int fsrv_do_tty_get(struct fsrv_call *c)
{
	int fd = stream_of(c, c->q.arg);
	struct termios2 t;

	if (fd < 0)
		return fd;
	if (ioctl(fd, REQ_TCGETS2, &t))
		return -errno;
	memcpy(c->out, &t, sizeof(t));
	c->r->data_len = sizeof(t);
	return 0;
}

static void wait_drained(int fd)
{
	int queued;

	for (int i = 0; i < DRAIN_STEPS; i++) {
		if (ioctl(fd, REQ_TIOCOUTQ, &queued) || queued <= 0)
			return;
		poll(NULL, 0, DRAIN_STEP_MS);
	}
}

int fsrv_do_tty_set(struct fsrv_call *c)
{
	int fd = stream_of(c, c->q.arg & 0xff);
	uint64_t how = c->q.arg >> 8;
	struct termios2 t;

	if (fd < 0)
		return fd;
	if (how > 2 || c->q.data_len != sizeof(t))
		return -EINVAL;
	memcpy(&t, c->data, sizeof(t));
	if (how)
		wait_drained(fd);
	if (how == 2 && ioctl(fd, REQ_TCFLSH, 0 /* input */))
		return -errno;
	return ioctl(fd, REQ_TCSETS2, &t) ? -errno : 0;
}

int fsrv_do_tty_winsz(struct fsrv_call *c)
{
	int fd = stream_of(c, c->q.arg);
	struct tty_winsize w;

	if (fd < 0)
		return fd;
	if (ioctl(fd, REQ_TIOCGWINSZ, &w))
		return -errno;
	memcpy(c->out, &w, sizeof(w));
	c->r->data_len = sizeof(w);
	return 0;
}

int fsrv_do_tty_fionread(struct fsrv_call *c)
{
	int fd = stream_of(c, c->q.arg), n;

	if (fd < 0)
		return fd;
	if (ioctl(fd, REQ_FIONREAD, &n))
		return -errno;
	c->r->arg = (uint64_t)(unsigned int)n;
	return 0;
}

/* A terminal that is not the tender's own has no background for it. */
int fsrv_do_tty_front(struct fsrv_call *c)
{
	int fd = stream_of(c, c->q.arg);
	pid_t front;

	if (fd < 0)
		return fd;
	front = tcgetpgrp(fd);
	c->r->arg = front < 0 || front == getpgrp();
	return 0;
}
