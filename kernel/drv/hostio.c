/* SPDX-License-Identifier: MIT */
/*
 * Transfers on the host's standard streams, and the task that watches their
 * readiness for poll.
 *
 * Interest is one-shot: hostio_poll() sets the events that are missing in
 * h->interest and posts work to the task, which makes its host poll return
 * and look at the set again; an event that comes is taken out of the set and
 * the stream's waiters are woken. So nobody polls for an idle program.
 */
#include "drv/hostio.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/stat.h>
#include <asm/ioctls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/task.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"

#define NR_STREAMS	3u
#define GATHER_MAX	65536u	/* scattered writes go out in one piece */
#define HOSTIO_WORK	TASK_WORK_SIGNAL	/* any bit that ends a host poll */
#define POLL_ALWAYS	(POLLERR | POLLHUP | POLLNVAL)

struct hostio {
	/* set once */
	int fd;
	bool always_ready;	/* files and the null device */
	struct abi_stdio info;
	struct inode *inode;	/* NULL: not opened yet; under streams.lock */
	struct mutex seek_lock;	/* no write while the size is looked up */
	struct waitq wait;
	uint32_t interest;	/* POLL*; atomic */
};

static struct {
	struct mutex lock;
	struct super *sb;	/* set once, under lock */
	struct task *task;	/* "hostio", likewise; atomic */
	struct hostio stream[NR_STREAMS];
} streams;

void hostio_init(const struct abi_boot *boot)
{
	mutex_init(&streams.lock);
	for (uint32_t i = 0; i < NR_STREAMS; i++) {
		struct hostio *h = &streams.stream[i];

		h->fd = (int)i;
		h->info = boot->stdio[i];
		/*
		 * Of a socket only the byte stream comes in, no address and
		 * no option: so it is shown as what can do just that, and
		 * programs do not try the rest.
		 */
		if (h->info.kind == ABI_STDIO_SOCKET)
			h->info.mode = S_IFIFO | (h->info.mode & 07777);
		h->always_ready = h->info.kind == ABI_STDIO_FILE ||
				  h->info.kind == ABI_STDIO_NULL;
		mutex_init(&h->seek_lock);
		waitq_init(&h->wait);
	}
}

const struct abi_stdio *hostio_info(uint32_t n)
{
	return &streams.stream[n].info;
}

struct hostio *hostio_stream(uint32_t n)
{
	return &streams.stream[n];
}

/* --- readiness ------------------------------------------------------------*/

static uint32_t poll_now(struct hostio *h, uint32_t events)
{
	struct plat_pollfd p = { h->fd, (short)events, 0 };

	return plat_fd_poll(&p, 1, 0) > 0 ? (uint32_t)(uint16_t)p.revents : 0;
}

static void deliver(const struct plat_pollfd *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct hostio *h = &streams.stream[p[i].fd];
		uint32_t events = (uint32_t)(uint16_t)p[i].revents;

		if (!events)
			continue;
		if (events & POLL_ALWAYS)
			__atomic_store_n(&h->interest, 0, __ATOMIC_SEQ_CST);
		else
			__atomic_fetch_and(&h->interest, ~events,
					   __ATOMIC_SEQ_CST);
		wait_wake_all(&h->wait, events);
	}
}

static void watch_main(void *arg)
{
	for (;;) {
		struct plat_pollfd p[NR_STREAMS];
		uint32_t n = 0;

		/* Partner: arm(): interest first, then the work bit. */
		task_clear_work(HOSTIO_WORK);
		for (uint32_t i = 0; i < NR_STREAMS; i++) {
			uint32_t want = __atomic_load_n(
				&streams.stream[i].interest, __ATOMIC_SEQ_CST);

			if (want)
				p[n++] = (struct plat_pollfd){
					(int)i, (short)want, 0
				};
		}
		if (!n)
			task_park(DEADLINE_NEVER, true);
		else if (plat_fd_poll(p, n, DEADLINE_NEVER) > 0)
			deliver(p, n);
	}
}

static struct task *watch_task(void)
{
	struct task *t = __atomic_load_n(&streams.task, __ATOMIC_ACQUIRE);

	if (t)
		return t;
	mutex_lock(&streams.lock);
	if (!streams.task &&
	    !task_start_system("hostio", watch_main, NULL, &t))
		__atomic_store_n(&streams.task, t, __ATOMIC_RELEASE);
	t = streams.task;
	mutex_unlock(&streams.lock);
	return t;
}

static void arm(struct hostio *h, uint32_t events)
{
	uint32_t old = __atomic_fetch_or(&h->interest, events,
					 __ATOMIC_SEQ_CST);
	struct task *t;

	if ((old & events) == events)
		return;
	t = watch_task();
	if (t)
		task_post_work(t, HOSTIO_WORK);
}

uint32_t hostio_poll(struct hostio *h, struct poll_table *pt)
{
	uint32_t want, ready;

	switch (h->info.open_flags & O_ACCMODE) {
	case O_RDONLY:
		want = POLLIN | POLLPRI;
		break;
	case O_WRONLY:
		want = POLLOUT;
		break;
	default:
		want = POLLIN | POLLPRI | POLLOUT;
	}
	if (h->info.kind == ABI_STDIO_SOCKET)
		want |= POLLRDHUP;
	if (h->always_ready)
		return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
	poll_add(pt, &h->wait);
	ready = poll_now(h, want);
	if (want & ~ready && !(ready & POLLHUP) && !waitq_is_empty(&h->wait))
		arm(h, want & ~ready);
	if (ready & POLLIN)
		ready |= EPOLLRDNORM;
	if (ready & POLLOUT)
		ready |= EPOLLWRNORM;
	return ready;
}

void hostio_wake(struct hostio *h)
{
	wait_wake_all(&h->wait, UINT32_MAX);
}

/* --- transfers ------------------------------------------------------------*/

/* A poller that reads until -EAGAIN wants to hear of what comes after. */
static void rearm(struct hostio *h, uint32_t events)
{
	if (unlikely(!waitq_is_empty(&h->wait)) && !h->always_ready)
		arm(h, events);
}

/* Called after -EAGAIN or -EINTR. Returns 0 (try again) or -errno. */
static int wait_again(struct hostio *h, ssize_t n, uint32_t events)
{
	struct plat_pollfd p = { h->fd, (short)events, 0 };
	int r = 0;

	if (n == -EAGAIN)
		r = plat_fd_poll(&p, 1, DEADLINE_NEVER);
	if ((n == -EINTR || r == -EINTR) && task_is_interrupted())
		return -ERESTARTSYS;
	return 0;
}

static bool is_ready(struct hostio *h, uint32_t events)
{
	return h->always_ready || poll_now(h, events);
}

ssize_t hostio_read(struct hostio *h, struct uio *u, bool nonblock)
{
	ssize_t n;
	int err;

	for (;;) {
		size_t len;
		void *p = uio_piece(u, &len);

		if (nonblock && !is_ready(h, POLLIN)) {
			rearm(h, POLLIN);
			return -EAGAIN;
		}
		n = plat_fd_pread(h->fd, p, len, -1);
		if (n != -EINTR && (n != -EAGAIN || nonblock))
			break;
		err = wait_again(h, n, POLLIN);
		if (err)
			return err;
	}
	if (n > 0)
		uio_advance(u, (size_t)n);
	rearm(h, POLLIN);
	return n;
}

static ssize_t write_piece(struct hostio *h, const void *p, size_t len,
			   bool nonblock)
{
	ssize_t n;
	int err;

	for (;;) {
		if (nonblock && !is_ready(h, POLLOUT)) {
			rearm(h, POLLOUT);
			return -EAGAIN;
		}
		if (h->info.kind == ABI_STDIO_FILE)
			mutex_lock(&h->seek_lock);
		n = plat_fd_pwrite(h->fd, p, len, -1);
		if (h->info.kind == ABI_STDIO_FILE)
			mutex_unlock(&h->seek_lock);
		if (n != -EINTR && (n != -EAGAIN || nonblock))
			return n;
		err = wait_again(h, n, POLLOUT);
		if (err)
			return err;
	}
}

/* Several pieces: one host write, as writev(2) would make. */
static ssize_t write_gathered(struct hostio *h, struct uio *u, bool nonblock)
{
	size_t want = MIN(u->left, (size_t)GATHER_MAX), len;
	char *buf = kmalloc(want);
	struct uio copy = *u;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	/* drain a copy: what the host does not take stays in u */
	len = uio_drain(&copy, buf, want);
	if (!len) {
		kfree(buf);
		return -EFAULT;
	}
	n = write_piece(h, buf, len, nonblock);
	if (n > 0)
		uio_advance(u, (size_t)n);
	kfree(buf);
	return n;
}

ssize_t hostio_write(struct hostio *h, struct uio *u, bool nonblock)
{
	size_t done = 0, len;
	ssize_t n;

	for (;;) {
		void *p = uio_piece(u, &len);

		if (len < u->left) {
			len = MIN(u->left, (size_t)GATHER_MAX);
			n = write_gathered(h, u, nonblock);
		} else {
			n = write_piece(h, p, len, nonblock);
			if (n > 0)
				uio_advance(u, (size_t)n);
		}
		if (n <= 0)
			return done ? (ssize_t)done : n;
		done += (size_t)n;
		/* a short count of one host write is the program's to see */
		if (!u->left || nonblock || (size_t)n < len)
			break;
	}
	rearm(h, POLLOUT);
	return (ssize_t)done;
}

/* --- files ----------------------------------------------------------------*/

static ssize_t stream_read(struct file *f, struct uio *u, uint64_t *pos)
{
	return hostio_read(f->private, u, f->flags & O_NONBLOCK);
}

static ssize_t stream_write(struct file *f, struct uio *u, uint64_t *pos)
{
	return hostio_write(f->private, u, f->flags & O_NONBLOCK);
}

static uint32_t stream_poll(struct file *f, struct poll_table *pt)
{
	return hostio_poll(f->private, pt);
}

/*
 * A regular file keeps its position in the host's open file, which others
 * outside may share. f->pos says so by a value that no program can ask for:
 * whoever hands on a copy of it (sendfile, copy_file_range) means the host's.
 * Transfers at a position of their own do not move it.
 */
#define POS_OF_HOST	(1ull << 62)

static ssize_t file_stream_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct hostio *h = f->private;
	size_t len;
	void *p = uio_piece(u, &len);
	ssize_t n;

	if (*pos == POS_OF_HOST)
		return hostio_read(h, u, false);
	n = plat_fd_pread(h->fd, p, len, (int64_t)*pos);
	if (n > 0) {
		uio_advance(u, (size_t)n);
		*pos += (uint64_t)n;
	}
	return n == -EINTR ? -ERESTARTSYS : n;
}

static ssize_t file_stream_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct hostio *h = f->private;
	size_t len;
	void *p = uio_piece(u, &len);
	ssize_t n;

	if (*pos == POS_OF_HOST)
		return hostio_write(h, u, false);
	n = plat_fd_pwrite(h->fd, p, len, (int64_t)*pos);
	if (n > 0) {
		uio_advance(u, (size_t)n);
		*pos += (uint64_t)n;
	}
	return n == -EINTR ? -ERESTARTSYS : n;
}

static int64_t file_stream_seek(struct file *f, int64_t off, int whence)
{
	struct hostio *h = f->private;

	return plat_fd_seek(h->fd, off, whence);
}

/* The size, by looking where the end is and going back. */
static uint64_t stream_size(struct hostio *h)
{
	int64_t here, end;

	mutex_lock(&h->seek_lock);
	here = plat_fd_seek(h->fd, 0, SEEK_CUR);
	end = plat_fd_seek(h->fd, 0, SEEK_END);
	if (here >= 0)
		plat_fd_seek(h->fd, here, SEEK_SET);
	mutex_unlock(&h->seek_lock);
	return end > 0 ? (uint64_t)end : 0;
}

static long file_stream_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct hostio *h = f->private;
	int64_t here;
	int left;

	if (cmd != FIONREAD)
		return -ENOTTY;
	here = plat_fd_seek(h->fd, 0, SEEK_CUR);
	left = (int)(stream_size(h) - (uint64_t)MAX(here, (int64_t)0));
	return copy_to_user((void *)arg, &left, sizeof(left));
}

static int file_stream_map(struct file *f, uint64_t off, uint64_t len,
			   bool write_shared, struct map_extent *out)
{
	struct hostio *h = f->private;
	uint64_t size = PAGE_UP(stream_size(h));

	if (write_shared && (h->info.open_flags & O_ACCMODE) != O_RDWR)
		return -EACCES;
	if ((h->info.open_flags & O_ACCMODE) == O_WRONLY)
		return -EACCES;
	out->backing = (struct plat_backing){
		.kind = PLAT_BACK_HOST, .shared = write_shared,
		.host_fd = h->fd, .offset = off,
	};
	out->len = off < size ? MIN(len, size - off) : 0;
	return 0;
}

static const struct file_ops stream_ops = {
	.read = stream_read,
	.write = stream_write,
	.poll = stream_poll,
};

static const struct file_ops file_stream_ops = {
	.read = file_stream_read,
	.write = file_stream_write,
	.seek = file_stream_seek,
	.ioctl = file_stream_ioctl,
	.map = file_stream_map,
};

/* --- inodes ---------------------------------------------------------------*/

static int stream_getattr(struct inode *i, struct kstat *st)
{
	struct hostio *h = i->private;

	inode_getattr_generic(i, st);
	st->dev = h->info.dev;
	st->ino = h->info.ino;
	if (S_ISREG(i->mode)) {
		st->size = stream_size(h);
		st->blocks = (st->size + 511) / 512;
	}
	return 0;
}

/* /dev/stdin, /proc/self/fd/0: the same host descriptor once more. */
static int stream_reopen(struct inode *i, struct file *f)
{
	f->private = i->private;
	if (S_ISREG(i->mode))
		f->pos = POS_OF_HOST;
	return 0;
}

/* The host's file keeps its size: only the size that it has is accepted. */
static int stream_setattr(struct inode *i, const struct attr *a)
{
	if (!(a->valid & ATTR_SIZE))
		return -EPERM;
	return S_ISREG(i->mode) && a->size == stream_size(i->private) ?
		       0 : -EINVAL;
}

static const struct inode_ops stream_inode_ops = {
	.getattr = stream_getattr,
	.setattr = stream_setattr,
	.open = stream_reopen,
};

static const struct super_ops stream_super_ops;

static struct inode *make_inode(struct hostio *h)
{
	struct inode *i;

	if (!streams.sb)
		streams.sb = super_create(&stream_super_ops, "hostio",
					  SUPER_NO_DCACHE);
	if (!streams.sb)
		return NULL;
	i = inode_create(streams.sb, h->info.mode, &stream_inode_ops,
			 h->info.kind == ABI_STDIO_FILE ? &file_stream_ops :
			 &stream_ops);
	if (!i)
		return NULL;
	i->private = h;
	i->state |= INODE_OWN_OPEN;
	i->ino = h->info.ino;
	i->rdev = h->info.rdev;
	i->size = h->info.size;
	return i;
}

/* The inode of h, shared with another stream that is the same object. */
static struct inode *inode_of(struct hostio *h)
{
	struct inode *i = NULL;

	mutex_lock(&streams.lock);
	for (uint32_t n = 0; n < NR_STREAMS && !h->inode; n++) {
		struct hostio *o = &streams.stream[n];

		if (o->inode && o->info.dev == h->info.dev &&
		    o->info.ino == h->info.ino)
			h->inode = inode_get(o->inode);
	}
	if (!h->inode)
		h->inode = make_inode(h);
	if (h->inode)
		i = inode_get(h->inode);
	mutex_unlock(&streams.lock);
	return i;
}

int hostio_open(uint32_t n, struct file **out)
{
	struct hostio *h = &streams.stream[n];
	uint32_t flags = h->info.open_flags & (O_ACCMODE | O_APPEND |
					       O_NONBLOCK);
	struct inode *i;
	struct file *f;

	if (h->info.kind == ABI_STDIO_CLOSED)
		return -EBADF;
	i = inode_of(h);
	if (!i)
		return -ENOMEM;
	f = file_alloc(i, flags | O_LARGEFILE, file_mode_of_flags(flags));
	if (!f) {
		inode_put(i);
		return -ENOMEM;
	}
	f->mode |= h->info.kind == ABI_STDIO_FILE ? FMODE_SEEK : FMODE_STREAM;
	f->anon_name = "host";
	stream_reopen(i, f);
	*out = f;
	return 0;
}
