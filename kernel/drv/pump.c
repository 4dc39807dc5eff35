/* SPDX-License-Identifier: MIT */
/*
 * `-t`: the program gets a pseudo terminal of its own. Two system tasks carry
 * bytes between its master and the host. The service "tty-out" writes what the
 * program prints to host stream 1: the pair notifies it, and the end of the
 * program calls it to be sure that all is written. "tty-in" sleeps in the host
 * until the user types (host stream 0); nobody has anything to tell it.
 */
#include "drv/tty.h"
#include <asm/signal.h>
#include "core/msg.h"
#include "core/service.h"
#include "core/timer.h"
#include "core/wait.h"
#include "drv/hostio.h"
#include "drv/pty.h"
#include "lib/string.h"

#define PUMP_BYTES	2048u
#define DRAIN_MAX_NS	NSEC_PER_SEC

static struct {
	struct pty *pty;	/* set once; NULL: no -t */
	struct waiter on_output;	/* in the pair's queue, for ever */
	uint8_t in[PUMP_BYTES], out[PUMP_BYTES];	/* each one task's */
} pump;

static void type(const void *p, size_t n)
{
	struct kiovec iov;
	struct uio u;

	uio_init(&u, &iov, (void *)p, n, false);
	while (u.left && pty_master_write(pump.pty, &u, false) > 0)
		;
}

/* The end of the input is typed as an end-of-file key. */
static void type_end(void)
{
	struct termios2 tio;
	struct tty *t = pty_slave(pump.pty);

	if (!t->ops->get_termios(t, &tio) && (tio.c_lflag & ICANON) &&
	    tio.c_cc[VEOF])
		type(&tio.c_cc[VEOF], 1);
}

static void pump_in(void *arg)
{
	struct kiovec iov;
	struct uio u;
	ssize_t n;

	for (;;) {
		uio_init(&u, &iov, pump.in, sizeof(pump.in), false);
		n = hostio_read(hostio_stream(0), &u, false);
		if (n <= 0)
			break;
		type(pump.in, (size_t)n);
	}
	type_end();
	for (;;)
		task_park(DEADLINE_NEVER, false);
}

static void print(const void *p, size_t n)
{
	struct kiovec iov;
	struct uio u;

	uio_init(&u, &iov, (void *)p, n, false);
	while (u.left && hostio_write(hostio_stream(1), &u, false) > 0)
		;
}

/* Everything that is there. If all slaves are closed there is nothing; the next
 * one that prints notifies again. */
static uint64_t pump_out(struct service *s, uint32_t bits)
{
	struct kiovec iov;
	struct uio u;
	ssize_t n;

	for (;;) {
		uio_init(&u, &iov, pump.out, sizeof(pump.out), false);
		n = pty_master_read(pump.pty, &u, true);
		if (n <= 0)
			return DEADLINE_NEVER;
		print(pump.out, (size_t)n);
	}
}

/* The answer to a call comes after the next turn, when all is written. */
static bool pump_answer(struct service *s, struct msg *m)
{
	return true;
}

static struct service out_service = {
	.name = "tty-out", .turn = pump_out, .answer = pump_answer,
};

static bool output_came(struct waiter *w, uint32_t key)
{
	/* reading makes room, of which readers are told as well */
	if (current_task() != out_service.task)
		service_notify(&out_service, 1);
	return true;
}

int tty_pump_start(const struct abi_boot *boot, struct tty **out)
{
	struct winsize w = { .ws_row = (uint16_t)boot->tty_rows,
			     .ws_col = (uint16_t)boot->tty_cols };
	int err;

	pump.pty = pty_create();
	if (!pump.pty)
		return -ENOMEM;
	pty_unlock_slave(pump.pty);
	pty_set_winsize(pump.pty, &w);
	pty_watch(pump.pty, &pump.on_output, output_came);
	err = service_start(&out_service);
	if (!err)
		err = task_start_system("tty-in", pump_in, NULL, NULL);
	if (!err)
		*out = tty_get(pty_slave(pump.pty));
	return err;
}

void tty_pump_drain(void)
{
	struct msg m = { .type = 0 };

	/* a host that does not read is not waited for */
	task_clear_work(UINT32_MAX);
	if (pump.pty && !service_open(&out_service))
		(void)!service_call(&out_service, &m,
				    clock_mono_ns() + DRAIN_MAX_NS);
}

void tty_host_winsize(uint32_t rows, uint32_t cols)
{
	struct winsize w = { .ws_row = (uint16_t)rows,
			     .ws_col = (uint16_t)cols };
	struct tty *t = host_tty_first();

	if (pump.pty)
		pty_set_winsize(pump.pty, &w);
	else if (t)
		tty_signal_foreground(t, SIGWINCH);
}
