/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a driver of the console (dev_ops.h). Host events: input comes,
 * output is taken away, either end goes, the terminal's size changes.
 */
#include "dev/console.h"
#include "dev_ops.h"
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static struct fake_guest g;
static struct console_dev console;
static struct dev_loop loop;
static int in[2], out[2];

static void end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void host(uint8_t arg)
{
	char bytes[4096] = "typed";

	switch (arg & 7) {
	case 0:
		FUZZ_CHECK(in[1] < 0 || write(in[1], bytes, arg >> 3) >= 0);
		break;
	case 1:
		FUZZ_CHECK(out[0] < 0 || read(out[0], bytes, sizeof(bytes)));
		break;
	case 2:
		end(&in[1]);
		break;
	case 3:
		end(&out[0]);
		break;
	case 4:
		console_resize(&console, arg, arg >> 3);
		break;
	default:
		dev_loop_step(&loop, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	FUZZ_CHECK(!pipe2(in, O_CLOEXEC | O_NONBLOCK));
	FUZZ_CHECK(!pipe2(out, O_CLOEXEC | O_NONBLOCK));
	FUZZ_CHECK(fcntl(out[1], F_SETPIPE_SZ, 4096) > 0);
	guest_init(&g);
	FUZZ_CHECK(!dev_loop_init(&loop, &e));
	FUZZ_CHECK(!console_init(&console, "console0", &g.memory, &loop,
				 in[0], out[1], &e));
	guest_attach(&g, &console.dev);
	fuzz_run(&g, data, size, host);
	console_fini(&console);
	dev_loop_fini(&loop);
	guest_fini(&g);
	for (int i = 0; i < 2; i++) {
		end(&in[i]);
		end(&out[i]);
	}
	return 0;
}
