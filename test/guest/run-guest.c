/* SPDX-License-Identifier: MIT */
/*
 * Runs a test guest on the monitor (tender/kvm) with a random device, a disk
 * and a console:
 *
 *     run-guest [-c CPUS] [-m MIB] [-t SECONDS] GUEST
 *
 * Its output goes to standard output, then a line "# end: ..." says how it
 * ended. Exit status: 0 orderly, 1 the guest gave up, 2 triple fault, 3 other
 * ends, 4 it did not end in time, 125 it could not start.
 */
#include "dev/blk.h"
#include "dev/console.h"
#include "dev/loop.h"
#include "dev/rng.h"
#include "kvm/confine.h"
#include "kvm/image.h"
#include "kvm/machine.h"
#include "util/description.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DISK_BYTES	(1u << 20)
#define STATUS_SETUP	125

/* There is no kernel inside this program. */
__asm__(".globl kvm_kernel_image, kvm_kernel_image_end\n"
	"kvm_kernel_image:\n"
	"kvm_kernel_image_end:\n");

static struct machine machine;
static struct rng_dev rng;
static struct blk_dev blk;
static struct console_dev console;
static struct dev_loop loop;

static int fail(const struct err *e)
{
	fprintf(stderr, "run-guest: %s\n", e->text);
	return STATUS_SETUP;
}

static void report(void *arg, const char *line)
{
	printf("# %s\n", line);
	fflush(stdout);
}

static int add_device(struct virtio_dev *d, struct err *e)
{
	d->report = report;
	return machine_add_device(&machine, d, &loop, e);
}

static int add_devices(struct err *e)
{
	struct blk_file disk = { memfd_create("disk", MFD_CLOEXEC), false,
				 DISK_BYTES / BLK_SECTOR };
	int err;

	if (disk.fd < 0 || ftruncate(disk.fd, DISK_BYTES))
		return err_set(e, 5, "making a disk");
	rng_init(&rng, "rng0", &machine.memory);
	blk_init(&blk, "blk0", &machine.memory, &disk);
	err = console_init(&console, "console0", &machine.memory, &loop, -1,
			   -1, e);
	if (!err)
		err = add_device(&rng.dev, e);
	if (!err)
		err = add_device(&blk.dev, e);
	return err ? err : add_device(&console.dev, e);
}

static void *serve(void *arg)
{
	dev_loop_run(&loop);
	return NULL;
}

/* Returns the exit status. */
static int wait_end(int seconds)
{
	struct pollfd p = { .fd = machine.end_fd, .events = POLLIN };
	char text[256];

	if (poll(&p, 1, seconds * 1000) <= 0) {
		printf("# end: not within %d s\n", seconds);
		return 4;
	}
	machine_explain(&machine, text, sizeof(text));
	printf("# end: %s\n", text[0] ? text : "orderly");
	switch (machine.end) {
	case MACHINE_ENDED:
		return 0;
	case MACHINE_PANICKED:
		return 1;
	case MACHINE_RESET:
		return 2;
	default:
		return 3;
	}
}

static int run(const struct machine_config *c, const char *name, int seconds)
{
	struct description d;
	struct kernel_image k;
	struct err e = { 0 };
	pthread_t thread;
	int err, status;

	err = confine_process(&e);
	if (!err)
		err = kernel_image_open(&k, name, &e);
	if (!err)
		err = description_create(&d, &e);
	if (!err)
		err = dev_loop_init(&loop, &e);
	if (!err)
		err = machine_create(&machine, c, &e);
	if (!err)
		err = add_devices(&e);
	if (!err)
		err = machine_load(&machine, &k, &d, &e);
	if (err)
		return fail(&e);
	if (pthread_create(&thread, NULL, serve, NULL))
		return STATUS_SETUP;
	if (machine_start(&machine, &e))
		return fail(&e);
	machine_go(&machine);
	status = wait_end(seconds);
	machine_stop(&machine);
	dev_loop_stop(&loop);
	pthread_join(thread, NULL);
	machine_destroy(&machine);
	return status;
}

int main(int argc, char **argv)
{
	struct machine_config c = { .ram_bytes = 64ull << 20, .nr_cpus = 1,
				    .log_fd = 1 };
	int seconds = 20, o;

	signal(SIGPIPE, SIG_IGN);
	while ((o = getopt(argc, argv, "c:m:t:")) != -1) {
		if (o == 'c')
			c.nr_cpus = (uint32_t)atoi(optarg);
		else if (o == 'm')
			c.ram_bytes = strtoull(optarg, NULL, 10) << 20;
		else if (o == 't')
			seconds = atoi(optarg);
		else
			return STATUS_SETUP;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: run-guest [-c CPUS] [-m MIB] "
			"[-t SECONDS] GUEST\n");
		return STATUS_SETUP;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run(&c, argv[optind], seconds);
}
