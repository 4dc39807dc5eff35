/* SPDX-License-Identifier: MIT */
/*
 * The file system device's special files: standard streams, the control channel,
 * waiting for them, and their ioctls.
 */
#include "fs_test.h"
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t in_fh, out_fh, err_fh, control_fh;

/* No look-up and no opening, for ever (abi/fs_device.h). */
bool test_fixed_numbers(void)
{
	const uint64_t fh = FS_HANDLE_SPECIAL + FS_STDERR;
	uint64_t node;

	CHECK(fs_lookup(&c, 1, "stdin", &node) == 0);
	CHECK(node == FS_NODEID_SPECIAL + FS_STDIN);
	CHECK(fs_lookup(&c, 1, "control", &node) == 0);
	CHECK(node == FS_NODEID_SPECIAL + FS_CONTROL);
	CHECK(fs_lookup(&c, 1, "1", &node) == 0);
	CHECK(node == FS_NODEID_EXPORT + 1);
	for (int i = 0; i < 2; i++) {
		CHECK(fs_write(&c, fh, 0, "x", 1) == 0);
		CHECK(fs_release(&c, fh) == 0);
	}
	CHECK(fs_write(&c, FS_HANDLE_SPECIAL + FS_NR_SPECIAL, 0, "x", 1) ==
	      -EBADF);
	CHECK(!ftruncate(err_file, 0));
	return true;
}

static bool open_special(const char *name, uint64_t *fh)
{
	uint64_t node;

	return !fs_lookup(&c, 1, name, &node) && !fs_open(&c, node, O_RDWR,
							   fh);
}

bool test_streams(void)
{
	char buf[16];
	uint64_t fh;

	CHECK(open_special("stdin", &in_fh));
	CHECK(open_special("stdout", &out_fh));
	CHECK(open_special("stderr", &err_fh));
	CHECK(!open_special("log", &fh));
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 100) == -EAGAIN);
	CHECK(fs_read(&c, in_fh, 0, 100) == -ESPIPE);
	CHECK(write(in_pipe[1], "abc", 3) == 3);
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 100) == 0);
	CHECK(fs_body_len(&c) == 3 && !memcmp(fs_body(&c), "abc", 3));
	CHECK(fs_write(&c, out_fh, FS_STREAM_POSITION, "hello", 5) == 0);
	CHECK(read(out_pipe[0], buf, sizeof(buf)) == 5);
	/* a full pipe makes nobody wait */
	while (!fs_write(&c, out_fh, FS_STREAM_POSITION, c.reply, 65536))
		;
	CHECK(fs_write(&c, out_fh, FS_STREAM_POSITION, "x", 1) == -EAGAIN);
	CHECK(!fcntl(out_pipe[0], F_SETFL, O_NONBLOCK));
	while (read(out_pipe[0], c.reply, 65536) > 0)
		;
	/* a file has offsets and a position */
	CHECK(fs_write(&c, err_fh, FS_STREAM_POSITION, "12345", 5) == 0);
	CHECK(fs_write(&c, err_fh, 1, "x", 1) == 0);
	CHECK(fs_read(&c, err_fh, 0, 10) == 0 && fs_body_len(&c) == 5);
	CHECK(!memcmp(fs_body(&c), "1x345", 5));
	CHECK(lseek(err_file, 0, SEEK_CUR) == 5);
	return true;
}

static int ask_poll(uint64_t fh, uint32_t events, uint32_t flags)
{
	struct fuse_poll_in in = { .fh = fh, .events = events,
				   .flags = flags };
	int err = fs_ask(&c, FUSE_POLL, 0, &in, sizeof(in), NULL, 0);

	return err ? err : (int)((struct fuse_poll_out *)fs_body(&c))->revents;
}

/* The event that a READ of "control" has left in the reply's place. */
static struct abi_event *event(uint32_t i)
{
	return &((struct abi_event *)fs_body(&c))[i];
}

bool test_poll(void)
{
	CHECK(open_special("control", &control_fh));
	CHECK(ask_poll(in_fh, POLLIN, 0) == 0);
	CHECK(ask_poll(out_fh, POLLOUT, 0) == POLLOUT);
	CHECK(ask_poll(err_fh, POLLIN | POLLOUT, 1) == (POLLIN | POLLOUT));
	CHECK(ask_poll(control_fh, POLLIN, 1) == -ENOTTY);
	CHECK(ask_poll(in_fh, POLLIN, FUSE_POLL_SCHEDULE_NOTIFY) == 0);
	CHECK(!dev_loop_step(&c.loop, 0) || !c.fs->events.poll[0]);
	CHECK(write(in_pipe[1], "x", 1) == 1);
	dev_loop_step(&c.loop, 1000);
	CHECK(c.fs->events.poll[0] == POLLIN && !c.fs->polls[0].armed);
	/* once: no second event */
	dev_loop_step(&c.loop, 0);
	CHECK(fs_read(&c, control_fh, 0, 4096) == 0);
	CHECK(fs_body_len(&c) == sizeof(struct abi_event));
	CHECK(event(0)->kind == ABI_EVENT_POLL && event(0)->arg == 0 &&
	      event(0)->value == POLLIN);
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 1) == 0);
	/* the end, waited for with no events at all */
	CHECK(ask_poll(in_fh, 0, FUSE_POLL_SCHEDULE_NOTIFY) == 0);
	return true;
}

bool test_control(void)
{
	struct fuse_out_header *h = (void *)c.reply;
	struct fuse_interrupt_in stop = { 0 };
	struct abi_report r = { .exit_status = 3, .exit_valid = 1 };
	uint64_t unique;

	CHECK(fs_read(&c, control_fh, 0, 8) == -EINVAL);
	fs_read(&c, control_fh, 0, 4096);
	CHECK(c.served == VIRTIO_KEPT && c.fs->waiting);
	unique = c.fs->waiting_unique;
	fs_send_signals(c.fs, 1ull << (SIGTERM - 1), 0);
	CHECK(!c.fs->waiting && h->unique == unique && !h->error);
	CHECK(h->len == sizeof(*h) + sizeof(struct abi_event));
	CHECK(event(0)->kind == ABI_EVENT_SIGNAL &&
	      event(0)->value == 1ull << (SIGTERM - 1));
	/* what comes meanwhile is kept */
	fs_send_signals(c.fs, 0, 2);
	fs_send_winsize(c.fs, 25, 80);
	fs_send_winsize(c.fs, 26, 81);
	fs_send_stop(c.fs);
	CHECK(fs_read(&c, control_fh, 0, 4096) == 0);
	CHECK(fs_body_len(&c) == 3 * sizeof(struct abi_event));
	CHECK(event(0)->kind == ABI_EVENT_TTY_SIGNAL && event(0)->value == 2);
	CHECK(event(1)->kind == ABI_EVENT_WINSIZE &&
	      event(1)->value == (26u << 16 | 81));
	CHECK(event(2)->kind == ABI_EVENT_STOP);
	/* one READ at a time, which can be called off */
	fs_read(&c, control_fh, 0, 4096);
	CHECK(c.served == VIRTIO_KEPT);
	unique = c.fs->waiting_unique;
	CHECK(fs_read(&c, control_fh, 0, 4096) == -EBUSY);
	stop.unique = unique;
	fs_ask(&c, FUSE_INTERRUPT, 0, &stop, sizeof(stop), NULL, 0);
	CHECK(!c.fs->waiting && h->error == -EINTR && h->unique == unique);
	memset(r.start_message, 'x', sizeof(r.start_message));
	CHECK(fs_write(&c, control_fh, 0, &r, sizeof(r)) == 0);
	CHECK(c.nr_reports == 1 && c.report.exit_status == 3);
	CHECK(!c.report.start_message[255]);
	CHECK(fs_write(&c, control_fh, 0, &r, 4) == -EINVAL);
	return true;
}

static int ask_ioctl(uint64_t fh, uint32_t cmd, uint32_t in_size,
		     uint32_t out_size)
{
	struct fuse_ioctl_in in = { .fh = fh, .cmd = cmd, .in_size = in_size,
				    .out_size = out_size };
	char zero[256] = "";

	return fs_ask(&c, FUSE_IOCTL, 0, &in, sizeof(in), zero,
		      in_size < 256 ? in_size : 256);
}

bool test_ioctl(void)
{
	int *n = (void *)((char *)fs_body(&c) + sizeof(struct fuse_ioctl_out));

	CHECK(ask_ioctl(in_fh, TCGETS2, 0, 100) == -ENOTTY);
	CHECK(ask_ioctl(in_fh, TCSETS2, 10, 0) == -EINVAL);
	CHECK(ask_ioctl(in_fh, TCSETS2, UINT32_MAX, 0) == -ENOTTY);
	CHECK(ask_ioctl(in_fh, TIOCSTI, 1, 0) == -ENOTTY);
	CHECK(ask_ioctl(control_fh, FIONREAD, 0, 4) == -ENOTTY);
	CHECK(write(in_pipe[1], "four", 4) == 4);
	CHECK(ask_ioctl(in_fh, FIONREAD, 0, 2) == -EINVAL);
	CHECK(ask_ioctl(in_fh, FIONREAD, 0, 4) == 0 && *n == 4);
	CHECK(ask_ioctl(in_fh, TIOCGPGRP, 0, 4) == 0 && *n == 1);
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 4) == 0);
	return true;
}

bool test_hang_up(void)
{
	close(in_pipe[1]);
	in_pipe[1] = -1;
	dev_loop_step(&c.loop, 1000);
	CHECK(c.fs->events.poll[0] & POLLHUP);
	CHECK(fs_read(&c, in_fh, FS_STREAM_POSITION, 4) == 0);
	CHECK(fs_body_len(&c) == 0);
	close(out_pipe[0]);
	out_pipe[0] = -1;
	CHECK(fs_write(&c, out_fh, FS_STREAM_POSITION, "x", 1) == -EPIPE);
	return true;
}
