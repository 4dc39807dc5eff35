/* SPDX-License-Identifier: MIT */
/*
 * Terminals of the host behind the standard streams. Bytes pass through: the
 * host's line discipline edits and echoes. Settings go to the tender by the
 * file server channel. Job control is the sandbox's own (tty.c): keys that
 * make signals reach the tender, which calls tty_host_signal().
 */
#include "drv/tty.h"
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <asm/signal.h>
#include "drv/hostio.h"
#include "fs/hostfs/channel.h"
#include "lib/string.h"

#define NR_STREAMS	3u
/* FSRV_TTY_SET: when to apply, above the number of the stream */
#define SET_WHEN_SHIFT	8

/* Streams that are the same terminal share one. */
static struct host_tty {
	struct tty tty;
	bool used;		/* set once */
	uint32_t in, out;	/* streams to read from and write to */
} host_ttys[NR_STREAMS];

static struct host_tty *of(struct tty *t)
{
	return container_of(t, struct host_tty, tty);
}

static int request(struct tty *t, uint32_t op, uint32_t when, const void *data,
		   size_t data_len, void *out, size_t out_len, uint64_t *arg);

/*
 * The whole sandbox may be a background job of the shell outside: then what
 * the host would do to one of its processes happens in here, and the tender
 * stops with the program. Returns 0 (go on), -EIO, -ERESTARTSYS.
 */
static int check_outside(struct tty *t, int signo)
{
	uint64_t front;

	if (request(t, FSRV_TTY_FRONT, 0, NULL, 0, NULL, 0, &front) || front)
		return 0;
	if (tty_job->is_ignored_or_blocked(signo))
		return signo == SIGTTIN ? -EIO : 0;
	tty_job->signal_pgrp(tty_job->pgid(), signo);
	return -ERESTARTSYS;
}

static ssize_t host_read(struct tty *t, struct file *f, struct uio *u)
{
	int err = check_outside(t, SIGTTIN);

	if (err)
		return err;
	return hostio_read(hostio_stream(of(t)->in), u, f->flags & O_NONBLOCK);
}

static ssize_t host_write(struct tty *t, struct file *f, struct uio *u)
{
	return hostio_write(hostio_stream(of(t)->out), u,
			    f->flags & O_NONBLOCK);
}

static uint32_t host_poll(struct tty *t, struct file *f, struct poll_table *pt)
{
	uint32_t ready = hostio_poll(hostio_stream(of(t)->in), pt);

	if (of(t)->out != of(t)->in)
		ready |= hostio_poll(hostio_stream(of(t)->out), pt);
	return ready;
}

static int request(struct tty *t, uint32_t op, uint32_t when, const void *data,
		   size_t data_len, void *out, size_t out_len, uint64_t *arg)
{
	struct fsrv_request rq = { .op = op };
	struct fsrv_reply rp;
	int err;

	rq.arg = of(t)->in | (uint64_t)when << SET_WHEN_SHIFT;
	rq.data_len = (uint32_t)data_len;
	memset(&rp, 0, sizeof(rp));
	err = server_call(&rq, NULL, NULL, data, &rp, out, out_len, NULL);
	if (!err && rp.data_len < out_len)
		err = -EIO;
	if (!err && arg)
		*arg = rp.arg;
	return err;
}

static int host_get_termios(struct tty *t, struct termios2 *out)
{
	return request(t, FSRV_TTY_GET, 0, NULL, 0, out, sizeof(*out), NULL);
}

static int host_set_termios(struct tty *t, const struct termios2 *in, int when)
{
	int err = check_outside(t, SIGTTOU);

	if (err)
		return err;
	return request(t, FSRV_TTY_SET, (uint32_t)when, in, sizeof(*in), NULL,
		       0, NULL);
}

static int host_get_winsize(struct tty *t, struct winsize *out)
{
	return request(t, FSRV_TTY_WINSZ, 0, NULL, 0, out, sizeof(*out), NULL);
}

/* The size belongs to whoever draws the terminal, outside. */
static int host_set_winsize(struct tty *t, const struct winsize *in)
{
	return -EPERM;
}

static long host_input_bytes(struct tty *t)
{
	uint64_t n;
	int err = request(t, FSRV_TTY_FIONREAD, 0, NULL, 0, NULL, 0, &n);

	return err ? err : (long)(int)n;
}

static long host_output_bytes(struct tty *t)
{
	return 0;
}

static int host_flush(struct tty *t, bool in, bool out)
{
	struct termios2 tio;
	int err = in ? host_get_termios(t, &tio) : 0;

	/* setting what is set already, with the input thrown away */
	return err || !in ? err : host_set_termios(t, &tio, 2);
}

static int host_drain(struct tty *t)
{
	struct termios2 tio;
	int err = host_get_termios(t, &tio);

	return err ? err : host_set_termios(t, &tio, 1);
}

static int host_flow(struct tty *t, uint32_t action)
{
	return -EOPNOTSUPP;
}

static int host_fake_input(struct tty *t, uint8_t c)
{
	return -EPERM;
}

static const struct tty_ops host_tty_ops = {
	.read = host_read,
	.write = host_write,
	.poll = host_poll,
	.get_termios = host_get_termios,
	.set_termios = host_set_termios,
	.get_winsize = host_get_winsize,
	.set_winsize = host_set_winsize,
	.input_bytes = host_input_bytes,
	.output_bytes = host_output_bytes,
	.flush = host_flush,
	.flow = host_flow,
	.drain = host_drain,
	.fake_input = host_fake_input,
};

/* --- which there are ----------------------------------------------------------*/

static void add_stream(const struct abi_boot *boot, uint32_t n)
{
	const struct abi_stdio *s = &boot->stdio[n];
	uint32_t acc = s->open_flags & O_ACCMODE;
	struct host_tty *h = NULL;

	for (uint32_t i = 0; i < NR_STREAMS && !h; i++)
		if (host_ttys[i].used && host_ttys[i].tty.rdev == s->rdev)
			h = &host_ttys[i];
	if (h) {
		/* any one that can both read and write will do for both */
		if (acc != O_WRONLY &&
		    (hostio_info(h->in)->open_flags & O_ACCMODE) == O_WRONLY)
			h->in = n;
		if (acc != O_RDONLY &&
		    (hostio_info(h->out)->open_flags & O_ACCMODE) == O_RDONLY)
			h->out = n;
		return;
	}
	h = &host_ttys[n];
	tty_setup(&h->tty, &host_tty_ops, s->rdev);
	h->in = h->out = n;
	h->used = true;
}

void host_tty_init(const struct abi_boot *boot)
{
	if (boot->flags & ABI_BOOT_NEW_TTY)
		return;
	for (uint32_t n = 0; n < NR_STREAMS; n++)
		if (boot->stdio[n].kind == ABI_STDIO_TTY)
			add_stream(boot, n);
}

struct tty *host_tty_find(uint64_t rdev)
{
	for (uint32_t i = 0; i < NR_STREAMS; i++)
		if (host_ttys[i].used && host_ttys[i].tty.rdev == rdev)
			return &host_ttys[i].tty;
	return NULL;
}

struct tty *host_tty_of_stream(uint32_t n)
{
	if (hostio_info(n)->kind != ABI_STDIO_TTY)
		return NULL;
	return host_tty_find(hostio_info(n)->rdev);
}

struct tty *host_tty_first(void)
{
	for (uint32_t i = 0; i < NR_STREAMS; i++)
		if (host_ttys[i].used)
			return &host_ttys[i].tty;
	return NULL;
}

void tty_host_signal(int signo)
{
	struct tty *t = host_tty_first();

	if (t)
		tty_signal_foreground(t, signo);
}
