/* SPDX-License-Identifier: MIT */
/*
 * The console: output and input through pipes and files, a full pipe, ends on
 * either side, resets in the middle, broken requests.
 */
#include "dev/console.h"
#include "fake_guest.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WRITE	VRING_DESC_F_WRITE
#define IN	0u
#define OUT	1u

static struct fake_guest g;
static struct console_dev console;
static struct dev_loop loop;
static int in[2], out[2];	/* the device has in[0] and out[1] */

static void set_up_on(int in_fd, int out_fd)
{
	struct err e;

	guest_init(&g);
	if (dev_loop_init(&loop, &e) ||
	    console_init(&console, "console0", &g.memory, &loop, in_fd,
			 out_fd, &e))
		abort();
	guest_attach(&g, &console.dev);
	guest_up(&g, 0);
}

static void set_up(void)
{
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		abort();
	set_up_on(in[0], out[1]);
}

static void close_pair(int fd[2])
{
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	fd[0] = fd[1] = -1;
}

static void tear_down(void)
{
	console_fini(&console);
	dev_loop_fini(&loop);
	guest_fini(&g);
	close_pair(in);
	close_pair(out);
}

/* Serve what can be served, as a device thread would. */
static void run(void)
{
	for (int i = 0; i < 50; i++) {
		virtio_dev_kick(&console.dev, IN);
		virtio_dev_kick(&console.dev, OUT);
		dev_loop_step(&loop, 0);
	}
}

static void test_output(void)
{
	char text[32] = "";
	uint32_t id, len;

	set_up();
	memcpy(guest_at(&g, DATA_BASE), "hello console", 13);
	put_desc(&g, OUT, 0, DATA_BASE, 6, VRING_DESC_F_NEXT, 1);
	put_desc(&g, OUT, 1, DATA_BASE + 6, 7, 0, 0);
	offer(&g, OUT, 0);
	run();
	CHECK(read(out[0], text, sizeof(text)) == 13);
	CHECK(!strcmp(text, "hello console"));
	CHECK(take_used(&g, OUT, &id, &len) && !id && !len);
	CHECK(g.interrupts == 1);
	tear_down();
}

static void test_input(void)
{
	uint32_t id, len;

	set_up();
	CHECK(write(in[1], "early", 5) == 5);
	run();
	CHECK(!take_used(&g, IN, &id, &len));
	put_desc(&g, IN, 0, DATA_BASE, 3, WRITE, 0);
	put_desc(&g, IN, 1, DATA_BASE + 100, 64, WRITE, 0);
	offer(&g, IN, 0);
	offer(&g, IN, 1);
	run();
	CHECK(take_used(&g, IN, &id, &len) && id == 0 && len == 3);
	CHECK(take_used(&g, IN, &id, &len) && id == 1 && len == 2);
	CHECK(!memcmp(guest_at(&g, DATA_BASE), "ear\0", 4));
	CHECK(!memcmp(guest_at(&g, DATA_BASE + 100), "ly\0", 3));
	offer(&g, IN, 0);
	run();
	CHECK(!take_used(&g, IN, &id, &len));
	CHECK(write(in[1], "x", 1) == 1);
	dev_loop_step(&loop, 1000);	/* by its event, without a doorbell */
	CHECK(take_used(&g, IN, &id, &len) && id == 0 && len == 1);
	tear_down();
}

static void test_input_ends(void)
{
	uint32_t id, len;

	set_up();
	put_desc(&g, IN, 0, DATA_BASE, 3, WRITE, 0);
	offer(&g, IN, 0);
	run();
	CHECK(write(in[1], "z", 1) == 1);
	close(in[1]);
	in[1] = -1;
	run();
	CHECK(take_used(&g, IN, &id, &len) && len == 1);
	offer(&g, IN, 0);
	run();
	CHECK(console.in_ended && !take_used(&g, IN, &id, &len));
	/* a hang-up is not told again and again */
	for (int i = 0; i < 3; i++)
		dev_loop_step(&loop, 0);
	dev_loop_stop(&loop);
	CHECK(!dev_loop_step(&loop, 10000));
	tear_down();
}

/* The pipe is full: the guest goes on, and all of it comes in the end. */
static void test_output_blocks(void)
{
	static char back[LOW_LEN];
	unsigned char *data;
	uint32_t id, len, got = 0, total = 0x20000;

	set_up();
	data = guest_at(&g, DATA_BASE);
	for (uint32_t i = 0; i < 0x10000; i++)
		data[i] = (unsigned char)(i * 31 + (i >> 8));
	put_desc(&g, OUT, 0, DATA_BASE, 0x10000, VRING_DESC_F_NEXT, 1);
	put_desc(&g, OUT, 1, DATA_BASE, 0x10000, 0, 0);
	put_desc(&g, OUT, 2, DATA_BASE, 1, 0, 0);
	offer(&g, OUT, 0);
	offer(&g, OUT, 2);
	run();
	CHECK(console.out_waits && !take_used(&g, OUT, &id, &len));
	while (got < total + 1) {
		ssize_t n = read(out[0], back + got, sizeof(back) - got);

		CHECK(n > 0);
		got += (uint32_t)n;
		for (int i = 0; i < 8; i++)
			dev_loop_step(&loop, 0);
	}
	CHECK(!memcmp(back, data, 0x10000));
	CHECK(!memcmp(back + 0x10000, data, 0x10000));
	CHECK(take_used(&g, OUT, &id, &len) && id == 0);
	CHECK(take_used(&g, OUT, &id, &len) && id == 2);
	CHECK(!console.out_waits);
	tear_down();
}

static void test_reset_while_blocked(void)
{
	uint32_t id, len;

	set_up();
	put_desc(&g, OUT, 0, LOW_BASE, 0x20000, 0, 0);
	offer(&g, OUT, 0);
	run();
	CHECK(console.out_waits);
	guest_up(&g, 0);
	CHECK(!console.out_waits);
	close(out[0]);
	out[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	run();
	CHECK(!take_used(&g, OUT, &id, &len));
	tear_down();
}

static void test_reader_is_gone(void)
{
	uint32_t id, len;

	set_up();
	close(out[0]);
	out[0] = -1;
	for (uint16_t i = 0; i < 5; i++) {
		put_desc(&g, OUT, i, DATA_BASE, 10, 0, 0);
		offer(&g, OUT, i);
	}
	run();
	for (int i = 0; i < 5; i++)
		CHECK(take_used(&g, OUT, &id, &len));
	CHECK(g.nr_reports == 1 && strstr(g.report, "Broken pipe"));
	CHECK(console.nr_dropped == 50 && !needs_reset(&g));
	tear_down();
}

static void test_files(void)
{
	int from = memfd_create("in", MFD_CLOEXEC);
	int to = memfd_create("out", MFD_CLOEXEC);
	char back[8] = "";
	uint32_t id, len;

	in[0] = in[1] = out[0] = out[1] = -1;
	CHECK(write(from, "file", 4) == 4 && !lseek(from, 0, SEEK_SET));
	set_up_on(from, to);
	put_desc(&g, IN, 0, DATA_BASE, 64, WRITE, 0);
	offer(&g, IN, 0);
	put_desc(&g, OUT, 0, LOW_BASE, 0x30000, 0, 0);
	offer(&g, OUT, 0);
	run();
	CHECK(take_used(&g, IN, &id, &len) && len == 4);
	CHECK(!memcmp(guest_at(&g, DATA_BASE), "file", 5));
	CHECK(take_used(&g, OUT, &id, &len));
	CHECK(lseek(to, 0, SEEK_END) == 0x30000);
	CHECK(pread(to, back, 1, 0) == 1);
	tear_down();
	close(from);
	close(to);
}

static void test_nothing_attached(void)
{
	uint32_t id, len;

	in[0] = in[1] = out[0] = out[1] = -1;
	set_up_on(-1, -1);
	put_desc(&g, IN, 0, DATA_BASE, 64, WRITE, 0);
	offer(&g, IN, 0);
	put_desc(&g, OUT, 0, DATA_BASE, 64, 0, 0);
	offer(&g, OUT, 0);
	run();
	CHECK(!take_used(&g, IN, &id, &len));
	CHECK(take_used(&g, OUT, &id, &len) && console.nr_dropped == 64);
	tear_down();
}

static void test_broken_input(void)
{
	set_up();
	CHECK(write(in[1], "x", 1) == 1);
	put_desc(&g, IN, 0, DATA_BASE, 64, 0, 0);
	offer(&g, IN, 0);
	run();
	CHECK(needs_reset(&g) && g.nr_reports == 1);
	guest_up(&g, 0);
	set_avail_index(&g, OUT, 1234);
	run();
	CHECK(needs_reset(&g));
	tear_down();
}

static void test_size(void)
{
	uint32_t generation;

	set_up();
	generation = reg_get(&g, VIRTIO_MMIO_CONFIG_GENERATION);
	console_resize(&console, 80, 25);
	CHECK(reg_get(&g, VIRTIO_MMIO_CONFIG) == (25u << 16 | 80));
	CHECK(reg_get(&g, VIRTIO_MMIO_CONFIG_GENERATION) == generation + 1);
	CHECK(g.interrupts == 1);
	console_resize(&console, 80, 25);
	CHECK(g.interrupts == 1);
	guest_down(&g);
	console_resize(&console, 100, 25);
	CHECK(g.interrupts == 1);
	tear_down();
}

const struct unit_test console_tests[] = {
	{ "console output", test_output }, { "console input", test_input },
	{ "console input ends", test_input_ends },
	{ "console output blocks", test_output_blocks },
	{ "console reset while blocked", test_reset_while_blocked },
	{ "console reader is gone", test_reader_is_gone },
	{ "console on files", test_files },
	{ "console on nothing", test_nothing_attached },
	{ "console broken input", test_broken_input },
	{ "console size", test_size }, { NULL, NULL },
};
