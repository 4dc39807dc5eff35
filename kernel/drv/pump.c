/* SPDX-License-Identifier: MIT */
/*
 * `-t`: the program gets a pseudo terminal of its own. Two system tasks carry
 * bytes between its master and the host: "tty-in" what the user types (host
 * stream 0), "tty-out" what the program prints (host stream 1).
 */
#include "drv/tty.h"
#include <asm/signal.h>
#include "core/task.h"
#include "core/timer.h"
#include "drv/hostio.h"
#include "drv/pty.h"
#include "lib/string.h"

#define PUMP_BYTES	2048u
#define DRAIN_STEP_NS	2000000ull
#define DRAIN_MAX_NS	NSEC_PER_SEC

static struct {
	struct pty *pty;	/* set once; NULL: no -t */
	uint32_t writing;	/* atomic: bytes on their way to the host */
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

static void pump_out(void *arg)
{
	struct kiovec iov;
	struct uio u;
	ssize_t n;

	for (;;) {
		__atomic_store_n(&pump.writing, 1, __ATOMIC_SEQ_CST);
		uio_init(&u, &iov, pump.out, sizeof(pump.out), false);
		n = pty_master_read(pump.pty, &u, true);
		if (n <= 0) {
			__atomic_store_n(&pump.writing, 0, __ATOMIC_SEQ_CST);
			uio_init(&u, &iov, pump.out, sizeof(pump.out), false);
			n = pty_master_read(pump.pty, &u, false);
			__atomic_store_n(&pump.writing, 1, __ATOMIC_SEQ_CST);
		}
		if (n <= 0) {	/* all slaves closed: wait for the next */
			__atomic_store_n(&pump.writing, 0, __ATOMIC_SEQ_CST);
			task_park(clock_mono_ns() + 10 * DRAIN_STEP_NS, false);
			continue;
		}
		uio_init(&u, &iov, pump.out, (size_t)n, false);
		while (u.left && hostio_write(hostio_stream(1), &u, false) > 0)
			;
	}
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
	err = task_start_system("tty-out", pump_out, NULL, NULL);
	if (!err)
		err = task_start_system("tty-in", pump_in, NULL, NULL);
	if (!err)
		*out = tty_get(pty_slave(pump.pty));
	return err;
}

void tty_pump_drain(void)
{
	uint64_t end = clock_mono_ns() + DRAIN_MAX_NS;

	if (!pump.pty)
		return;
	while ((!pty_is_drained(pump.pty) ||
		__atomic_load_n(&pump.writing, __ATOMIC_SEQ_CST)) &&
	       clock_mono_ns() < end)
		task_park(clock_mono_ns() + DRAIN_STEP_NS, false);
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
