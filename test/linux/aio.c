/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous input and output by the plain system calls: what is submitted
 * gives events, errors of the submission do not.
 */
#include "harness.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

static aio_context_t ctx;
static char buf[PAGE];

static long setup(unsigned n, aio_context_t *c)
{
	return syscall(SYS_io_setup, n, c);
}

static long submit(struct iocb *cb)
{
	return syscall(SYS_io_submit, ctx, 1, &cb);
}

static long events(long min, long nr, struct io_event *e, long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	return syscall(SYS_io_getevents, ctx, min, nr, e, ms < 0 ? NULL : &t);
}

static struct iocb block(int op, int fd, void *p, size_t n, long off)
{
	return (struct iocb){ .aio_lio_opcode = op, .aio_fildes = fd,
			      .aio_buf = (uintptr_t)p, .aio_nbytes = n,
			      .aio_offset = off, .aio_data = 100 + op };
}

/* Submit one and show its event. */
static void run(struct iocb cb)
{
	struct io_event e = { 0 };
	long n = submit(&cb);

	if (n != 1) {
		say("op %d: %s", cb.aio_lio_opcode, err_name(errno));
		return;
	}
	must(events(1, 1, &e, -1));
	say("op %d: %lld %lld, its own: %d %d", cb.aio_lio_opcode,
	    (long long)e.res, (long long)e.res2,
	    e.obj == (uintptr_t)&cb || e.obj != 0,
	    e.data == 100u + cb.aio_lio_opcode);
}

TEST(contexts)
{
	aio_context_t c = 0, odd = 1;

	show(setup(1, NULL));
	show(setup(1, &odd));
	show(setup(0, &c));
	show(setup(-1, &c));
	show(setup(1, &c));
	fact(c != 0);
	show(syscall(SYS_io_destroy, c + 1));
	show(syscall(SYS_io_destroy, c));
	show(syscall(SYS_io_destroy, c));
	ctx = c;
	show(events(0, 0, NULL, 0));
	show(syscall(SYS_io_submit, c, 0, NULL));
}

TEST(file)
{
	int fd = must(open("f", O_RDWR | O_CREAT, 0600));
	struct iovec v[2] = { { buf, 3 }, { buf + 10, 3 } };

	must(setup(8, &ctx));
	run(block(IOCB_CMD_PWRITE, fd, "abcdefgh", 8, 4));
	run(block(IOCB_CMD_PREAD, fd, buf, 100, 6));
	say("%.6s", buf);
	run(block(IOCB_CMD_PREADV, fd, v, 2, 4));
	say("%.3s %.3s", buf, buf + 10);
	run(block(IOCB_CMD_PWRITEV, fd, v, 2, 0));
	run(block(IOCB_CMD_PREAD, fd, buf, 100, 1000));
	run(block(IOCB_CMD_FSYNC, fd, NULL, 0, 0));
	run(block(IOCB_CMD_FDSYNC, fd, NULL, 0, 0));
	run(block(IOCB_CMD_NOOP, fd, NULL, 0, 0));
	num(lseek(fd, 0, SEEK_CUR));
	close(fd);
	show_file("f");
}

TEST(submit_errors)
{
	int fd = must(open("f", O_RDWR | O_CREAT, 0600));
	int rd = must(open("f", O_RDONLY)), wr = must(open("f", O_WRONLY));
	struct iocb a = block(IOCB_CMD_PREAD, fd, buf, 1, 0),
		    b = block(IOCB_CMD_PREAD, -1, buf, 1, 0);
	struct iocb *both[2] = { &a, &b }, *none = NULL;
	struct io_event e;

	must(setup(2, &ctx));
	show(submit(&b));
	show(syscall(SYS_io_submit, ctx, -1, both));
	show(syscall(SYS_io_submit, ctx, 1, bad_pointer()));
	show(syscall(SYS_io_submit, ctx, 1, &none));
	show(syscall(SYS_io_submit, ctx, 2, both));
	show(events(1, 2, &e, 0));
	run(block(IOCB_CMD_PWRITE, rd, buf, 1, 0));
	run(block(IOCB_CMD_PREAD, wr, buf, 1, 0));
	run(block(IOCB_CMD_PREAD, fd, buf, 1, -1));
	run(block(IOCB_CMD_PREAD, fd, buf, -1, 0));
	run(block(IOCB_CMD_FSYNC, fd, buf, 1, 0));
	a.aio_reserved2 = 1;
	show(submit(&a));
	a.aio_reserved2 = 0;
	a.aio_rw_flags = 1 << 20;
	show(submit(&a));
	a.aio_rw_flags = 0;
	a.aio_flags = IOCB_FLAG_RESFD;
	a.aio_resfd = fd;
	show(submit(&a));
	a.aio_resfd = -1;
	show(submit(&a));
}

TEST(collect)
{
	int fd = must(open("f", O_RDWR | O_CREAT, 0600));
	struct iocb a = block(IOCB_CMD_PWRITE, fd, "a", 1, 0);
	struct iocb *three[3] = { &a, &a, &a };
	struct io_event e[4];

	must(setup(4, &ctx));
	show(events(0, 4, e, 0));
	show(events(1, 4, e, 20));
	show(syscall(SYS_io_submit, ctx, 3, three));
	show(events(1, 2, e, -1));
	show(events(2, 1, e, -1));
	show(events(-1, 1, e, -1));
	show(events(1, 4, bad_pointer(), 0));
	show(syscall(SYS_io_submit, ctx, 3, three));
	show(events(3, 4, e, -1) >= 3);
	ticks_start(0);
	show(events(1, 1, e, -1));
	show(events(1, 1, e, 100000));
	ticks_stop();
}

TEST(pipe_without_waiting)
{
	struct iocb a;
	int p[2];

	must(pipe(p));
	must(setup(1, &ctx));
	a = block(IOCB_CMD_PREAD, p[0], buf, 10, 5);
	a.aio_rw_flags = RWF_NOWAIT;
	run(a);
	must(write(p[1], "xyz", 3));
	run(a);
	say("%.3s", buf);
}

TEST(told_by_eventfd)
{
	int fd = must(open("f", O_RDWR | O_CREAT, 0600));
	struct iocb a = block(IOCB_CMD_PWRITE, fd, "a", 1, 0);
	uint64_t n = 0;

	must(setup(4, &ctx));
	a.aio_flags = IOCB_FLAG_RESFD;
	a.aio_resfd = must(eventfd(0, 0));
	must(submit(&a));
	must(submit(&a));
	while (n < 2) {
		uint64_t v;

		must(read(a.aio_resfd, &v, sizeof(v)));
		n += v;
	}
	num(n);
}

/* One further than write(2) gets, and poll tells it. */
TEST(eventfd_overflows)
{
	int fd = must(open("f", O_RDWR | O_CREAT, 0600));
	struct iocb a = block(IOCB_CMD_PWRITE, fd, "a", 1, 0);
	struct pollfd p = { .events = POLLIN | POLLOUT };
	uint64_t n = UINT64_MAX - 1;
	struct io_event e[3];

	must(setup(4, &ctx));
	a.aio_flags = IOCB_FLAG_RESFD;
	a.aio_resfd = p.fd = must(eventfd(0, EFD_NONBLOCK));
	must(write(p.fd, &n, sizeof(n)));
	show(poll(&p, 1, 0));
	num(p.revents);
	must(submit(&a));
	must(submit(&a));
	must(syscall(SYS_io_getevents, ctx, 2, 3, e, NULL));
	show(poll(&p, 1, 0));
	num(p.revents);
	show(write(p.fd, &n, sizeof(n)));
	must(read(p.fd, &n, sizeof(n)));
	fact(n == UINT64_MAX);
	show(read(p.fd, &n, sizeof(n)));
}

TEST(cancel)
{
	int fd = must(open("f", O_RDWR | O_CREAT, 0600));
	struct iocb a = block(IOCB_CMD_PWRITE, fd, "a", 1, 0);
	struct io_event e;

	must(setup(1, &ctx));
	show(syscall(SYS_io_cancel, ctx, NULL, &e));
	must(submit(&a));
	show(syscall(SYS_io_cancel, ctx, &a, &e));
	a.aio_key = 5;
	show(syscall(SYS_io_cancel, ctx, &a, &e));
}

static int in_child(void *arg)
{
	show(syscall(SYS_io_submit, ctx, 0, NULL));
	show(syscall(SYS_io_destroy, ctx));
	return 0;
}

TEST(not_inherited)
{
	must(setup(1, &ctx));
	show_exit("child", spawn(in_child, NULL));
	show(syscall(SYS_io_submit, ctx, 0, NULL));
}

TEST(masked_wait)
{
	struct { const sigset_t *set; size_t size; } arg;
	struct timespec t = { 0, 20000000 };
	struct io_event e;
	sigset_t s;

	sigfillset(&s);
	arg.set = &s;
	arg.size = 8;
	must(setup(1, &ctx));
	show(syscall(SYS_io_pgetevents, ctx, 1, 1, &e, &t, &arg));
	arg.size = 7;
	show(syscall(SYS_io_pgetevents, ctx, 1, 1, &e, &t, &arg));
	show(syscall(SYS_io_pgetevents, ctx, 1, 1, &e, &t, NULL));
	show(syscall(SYS_io_pgetevents, ctx, 1, 1, &e, &t, bad_pointer()));
}
