/* SPDX-License-Identifier: MIT */
/*
 * The file server's loop on the process platform: receive, have it answered
 * (dev/files/), reply.
 */
#include "process/fileserver.h"
#include "dev/files/fsrv_call.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define SPIN_NS		20000ull
#define LOAD_CHECK_NS	500000000ull

struct buffers {
	union {
		struct fsrv_request head;
		char bytes[sizeof(struct fsrv_request) + 2 * FSRV_NAME_MAX +
			   FSRV_DATA_MAX];
	} in;
	union {
		struct fsrv_reply head;
		char bytes[sizeof(struct fsrv_reply) + FSRV_DATA_MAX];
	} out;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/*
 * Waiting for requests: a wake-up costs more than most requests, so when the
 * last ones came quickly and there are processors to spare, look for a while
 * before going to sleep.
 */
struct pace {
	bool enabled;
	int credit;		/* > 0: spinning has paid lately */
	uint64_t load_checked_ns;
	bool is_loaded;
};

static void check_load(struct pace *p, uint64_t now)
{
	struct sysinfo si;

	if (now - p->load_checked_ns < LOAD_CHECK_NS)
		return;
	p->load_checked_ns = now;
	p->is_loaded = sysinfo(&si) ||
		       si.loads[0] > (unsigned long)get_nprocs() << 16;
}

static ssize_t receive(int sock, struct pace *p, void *buf, size_t size)
{
	uint64_t start, now;
	ssize_t n;

	if (!p->enabled)
		return recv(sock, buf, size, MSG_TRUNC);
	start = now = now_ns();
	check_load(p, now);
	while (p->credit > 0 && !p->is_loaded && now - start < SPIN_NS) {
		n = recv(sock, buf, size, MSG_TRUNC | MSG_DONTWAIT);
		if (n >= 0 || errno != EAGAIN) {
			p->credit = p->credit < 16 ? p->credit + 1 : 16;
			return n;
		}
		now = now_ns();
	}
	n = recv(sock, buf, size, MSG_TRUNC);
	if (now_ns() - start < SPIN_NS)
		p->credit = p->credit < 16 ? p->credit + 1 : 16;
	else if (p->credit > -4)
		p->credit -= 4;
	return n;
}

static int send_reply(int sock, struct fsrv_call *c)
{
	struct iovec iov = { c->r, sizeof(*c->r) + c->r->data_len };
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(c->more_fds))];
	} control;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int one = c->fd >= 0 ? c->fd : c->keep_fd;
	uint32_t nr = c->nr_more ? c->nr_more : one >= 0;

	if (nr) {
		struct cmsghdr *h = &control.head;

		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(h), c->nr_more ? c->more_fds : &one,
		       nr * sizeof(int));
		c->r->has_fd = nr;
	}
	while (sendmsg(sock, &m, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static void close_more(struct fsrv_call *c)
{
	while (c->nr_more)
		close(c->more_fds[--c->nr_more]);
}

static int serve_one(struct fsrv *s, int sock, struct buffers *b, size_t len)
{
	struct fsrv_call c = { .server = s, .fd = -1, .keep_fd = -1 };
	bool fatal = false;
	int err;

	memset(&b->out.head, 0, sizeof(b->out.head));
	c.r = &b->out.head;
	c.out = b->out.bytes + sizeof(b->out.head);
	err = len > sizeof(b->in) ? -EMSGSIZE :
				    fsrv_call_parse(&c, b->in.bytes, len);
	if (!err)
		err = fsrv_call_run(&c, &fatal);
	if (fatal)
		return err;
	if (err) {
		close_more(&c);
		memset(c.r, 0, sizeof(*c.r));
		c.r->error = err;
	}
	err = send_reply(sock, &c);
	if (c.fd >= 0)
		close(c.fd);
	close_more(&c);
	return err == -EPIPE || err == -ECONNRESET ? 0 : err;
}

int fsrv_serve(struct fsrv *s, int sock, const int stdio[3])
{
	struct pace pace = { .enabled = sysconf(_SC_NPROCESSORS_ONLN) > 1 };
	struct buffers *b = malloc(sizeof(*b));
	int err = 0;

	if (!b)
		return -ENOMEM;
	fsrv_enter_thread(s, stdio);
	while (!err) {
		ssize_t n = receive(sock, &pace, &b->in, sizeof(b->in));

		if (n > 0)
			err = serve_one(s, sock, b, (size_t)n);
		else if (n == 0 || errno == ECONNRESET)
			break;
		else if (errno != EINTR)
			err = -errno;
	}
	free(b);
	return err;
}
