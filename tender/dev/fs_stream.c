/* SPDX-License-Identifier: MIT */
/*
 * The sandbox's standard streams and its log as nodes of the file system
 * device.
 *
 * The host's descriptors are shared with whoever started the tender, so they
 * can not be made non-blocking. A transfer asks for RWF_NOWAIT; where the host
 * does not offer that, it looks whether the stream is ready and then moves no
 * more than is sure to find room. (Of a terminal, a part that is longer than
 * it looks may still wait until it drains.)
 */
#include "dev/fs_priv.h"
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOWAIT		8	/* RWF_NOWAIT, of <linux/fs.h> */
#define SURE_BYTES	512u	/* what a ready stream takes without waiting */
#define POLL_ALWAYS	(POLLERR | POLLHUP | POLLNVAL)
#define POLL_KNOWN	(POLLIN | POLLPRI | POLLOUT | POLLRDHUP | \
			 POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND)

int fs_stream_fd(const struct fs_dev *fs, enum fs_special which)
{
	if (which == FS_LOG)
		return fs->owner.log_fd;
	return which < FS_NR_STREAMS ? fs->owner.stdio[which] : -1;
}

/* --- contents ------------------------------------------------------------------*/

static uint32_t ready_now(int fd, uint32_t events)
{
	struct pollfd p = { .fd = fd, .events = (short)events };

	return poll(&p, 1, 0) > 0 ? (uint32_t)(uint16_t)p.revents : 0;
}

static ssize_t call_vector(long nr_call, int fd, const struct iovec *iov,
			   uint32_t nr, uint64_t offset, int flags)
{
	long n = syscall(nr_call, fd, iov, nr, offset, 0, flags);

	return n < 0 ? -errno : n;
}

/* Does the error mean that this kind of file has no RWF_NOWAIT? */
static bool lacks_nowait(ssize_t n)
{
	return n == -EOPNOTSUPP || n == -EINVAL || n == -ENOSYS;
}

ssize_t fs_stream_read(const struct fs_dev *fs, enum fs_special which,
		       const struct iovec *iov, uint32_t nr, uint64_t offset)
{
	int fd = fs_stream_fd(fs, which);
	ssize_t n;

	if (fd < 0 || which == FS_LOG)
		return -EBADF;
	if (fs->is_file[which] || offset != FS_STREAM_POSITION)
		return call_vector(SYS_preadv2, fd, iov, nr, offset, 0);
	n = call_vector(SYS_preadv2, fd, iov, nr, offset, NOWAIT);
	if (!lacks_nowait(n))
		return n;
	if (!ready_now(fd, POLLIN))
		return -EAGAIN;
	return call_vector(SYS_preadv2, fd, iov, nr, offset, 0);
}

ssize_t fs_stream_write(const struct fs_dev *fs, enum fs_special which,
			const struct iovec *iov, uint32_t nr, uint64_t offset)
{
	int fd = fs_stream_fd(fs, which);
	struct iovec some = *iov;
	ssize_t n;

	if (fd < 0)
		return -EBADF;
	if (fs->is_file[which] || offset != FS_STREAM_POSITION)
		return call_vector(SYS_pwritev2, fd, iov, nr, offset, 0);
	n = call_vector(SYS_pwritev2, fd, iov, nr, offset, NOWAIT);
	if (!lacks_nowait(n))
		return n;
	if (!ready_now(fd, POLLOUT))
		return -EAGAIN;
	if (some.iov_len > SURE_BYTES)
		some.iov_len = SURE_BYTES;
	return call_vector(SYS_pwritev2, fd, &some, 1, offset, 0);
}

/* --- readiness -----------------------------------------------------------------*/

static void stream_ready(void *arg, uint32_t events)
{
	struct fs_poll *p = arg;
	struct fs_dev *fs = p->fs;

	pthread_mutex_lock(&fs->dev.lock);
	events = p->armed ? ready_now(p->source.fd, p->armed) : 0;
	if (events) {
		fs->events.poll[p - fs->polls] |= events;
		p->armed = 0;
		fs_control_flush(fs);
	}
	if (!p->armed)	/* now, or by a reset */
		dev_loop_watch(fs->loop, &p->source, 0);
	pthread_mutex_unlock(&fs->dev.lock);
}

void fs_poll_init(struct fs_dev *fs, struct dev_loop *loop)
{
	struct stat st;

	fs->loop = loop;
	for (uint32_t i = 0; i < FS_CONTROL; i++) {
		int fd = fs_stream_fd(fs, (enum fs_special)i);

		fs->is_file[i] = fd >= 0 && !fstat(fd, &st) &&
				 S_ISREG(st.st_mode);
	}
	for (uint32_t i = 0; i < FS_NR_STREAMS; i++) {
		struct fs_poll *p = &fs->polls[i];

		p->fs = fs;
		p->source = (struct dev_source){ fs->owner.stdio[i],
						 stream_ready, p };
	}
}

void fs_poll_disarm(struct fs_dev *fs)
{
	for (uint32_t i = 0; i < FS_NR_STREAMS; i++)
		fs->polls[i].armed = 0;
}

void fs_poll_clear(struct fs_dev *fs)
{
	fs_poll_disarm(fs);
	for (uint32_t i = 0; i < FS_NR_STREAMS; i++)
		if (fs->polls[i].source.fd >= 0)
			dev_loop_watch(fs->loop, &fs->polls[i].source, 0);
}

/* The stream of an open file that can be polled. */
static int stream_of(struct fs_call *c, uint64_t fh, struct fs_file **f)
{
	*f = fs_file_find(c->fs, fh);
	if (!*f)
		return -EBADF;
	if ((*f)->kind != FS_FILE_SPECIAL || (*f)->special >= FS_NR_STREAMS)
		return -ENOTTY;
	return 0;
}

int fs_do_poll(struct fs_call *c)
{
	const struct fuse_poll_in *in = &c->arg.poll;
	struct fuse_poll_out *out = (void *)c->reply;
	uint32_t want = in->events & POLL_KNOWN, now;
	struct fs_file *f;
	struct fs_poll *p;
	int err = stream_of(c, in->fh, &f);

	if (err)
		return err;
	p = &c->fs->polls[f->special];
	now = ready_now(p->source.fd, want);
	if (!now && (in->flags & FUSE_POLL_SCHEDULE_NOTIFY)) {
		/* hang-up and error come without being asked for */
		p->armed |= want | POLL_ALWAYS;
		err = dev_loop_watch(c->fs->loop, &p->source, p->armed);
		if (err == -EPERM)
			now = want;	/* always ready */
		else if (err)
			return err;
	}
	memset(out, 0, sizeof(*out));
	out->revents = now;
	c->reply_len = sizeof(*out);
	return 0;
}

/* --- terminals -----------------------------------------------------------------*/

struct tty_request {
	uint32_t cmd;		/* of ioctl */
	uint32_t op;		/* of the file server */
	uint32_t how;		/* of FSRV_TTY_SET */
	uint32_t in_size;
};

static const struct tty_request tty_requests[] = {
	{ TCGETS2, FSRV_TTY_GET, 0, 0 },
	{ TCSETS2, FSRV_TTY_SET, 0, sizeof(struct termios2) },
	{ TCSETSW2, FSRV_TTY_SET, 1, sizeof(struct termios2) },
	{ TCSETSF2, FSRV_TTY_SET, 2, sizeof(struct termios2) },
	{ TIOCGWINSZ, FSRV_TTY_WINSZ, 0, 0 },
	{ FIONREAD, FSRV_TTY_FIONREAD, 0, 0 },
	{ TIOCGPGRP, FSRV_TTY_FRONT, 0, 0 },
};

static const struct tty_request *find_request(uint32_t cmd)
{
	for (size_t i = 0; i < sizeof(tty_requests) / sizeof(*tty_requests);
	     i++)
		if (tty_requests[i].cmd == cmd)
			return &tty_requests[i];
	return NULL;
}

static int reply_ioctl(struct fs_call *c, const struct fs_engine *g)
{
	struct fuse_ioctl_out *out = (void *)c->reply;
	const void *data = c->fs->data;
	uint32_t len = g->reply.data_len, number = (uint32_t)g->reply.arg;

	if (g->call.q.op == FSRV_TTY_FIONREAD ||
	    g->call.q.op == FSRV_TTY_FRONT) {
		data = &number;
		len = sizeof(number);
	}
	if (len > c->arg.ioctl.out_size)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	memcpy(c->reply + sizeof(*out), data, len);
	c->reply_len = sizeof(*out) + len;
	return 0;
}

int fs_do_ioctl(struct fs_call *c)
{
	const struct fuse_ioctl_in *in = &c->arg.ioctl;
	const struct tty_request *t = find_request(in->cmd);
	struct termios2 data;
	struct fs_engine g;
	struct fs_file *f;
	int err = stream_of(c, in->fh, &f);

	if (err)
		return err;
	if (!t || (in->flags & FUSE_IOCTL_UNRESTRICTED))
		return -ENOTTY;
	if (in->in_size < t->in_size ||
	    virtq_chain_read(c->chain, &data, t->in_size) < t->in_size)
		return -EINVAL;
	fs_engine_init(c, &g, t->op, 0);
	g.call.q.arg = f->special | t->how << 8;
	g.call.data = (const char *)&data;
	g.call.q.data_len = t->in_size;
	err = fs_engine_run(c, &g);
	return err ? err : reply_ioctl(c, &g);
}
