/* SPDX-License-Identifier: MIT */
/*
 * A machine and what serves it, see sandbox.h. Threads: one for each vCPU, one
 * for the file system device (it opens the caller's files), one for the other
 * devices, and the caller's. Each confines itself before the guest starts.
 */
#include "kvm/sandbox.h"
#include "dev/blk.h"
#include "dev/fs.h"
#include "dev/rng.h"
#include "kvm/confine.h"
#include "kvm/machine.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DISKS_MAX	8u
#define STACK_SIZE	(512u << 10)
#define REPORT_PATIENCE_MS	100

/* A thread with an event loop. */
struct device_thread {
	enum thread_kind kind;
	struct dev_loop loop;
	struct fs_dev *fs;	/* or NULL */
	pthread_t thread;
	bool has_loop, has_thread;
	struct kvm_sandbox *sandbox;
};

struct kvm_sandbox {
	/* set once */
	struct machine machine;
	bool has_machine;
	struct device_thread files, others;
	struct fs_dev *fs;
	struct rng_dev rng;
	bool has_rng;
	struct blk_dev disks[DISKS_MAX];
	char disk_names[DISKS_MAX][8];
	uint32_t nr_disks;
	int log_fd;
	pthread_mutex_t lock;
	pthread_cond_t ready;
	/* under lock */
	uint32_t nr_ready;
	int start_error;
	struct abi_report report;
	uint32_t stopped;
};

static void report_line(void *arg, const char *line)
{
	struct kvm_sandbox *s = arg;
	struct pollfd p = { .fd = s->log_fd, .events = POLLOUT };
	char text[320];
	int n = snprintf(text, sizeof(text), "mica: %s\n", line);

	/* a report that can not be written is lost: locks are held here */
	if (n > 0 && poll(&p, 1, REPORT_PATIENCE_MS) > 0 &&
	    write(s->log_fd, text, (size_t)n) < 0)
		return;
}

static void take_report(void *arg, const struct abi_report *r)
{
	struct kvm_sandbox *s = arg;

	pthread_mutex_lock(&s->lock);
	s->report = *r;
	if (r->stopped)
		s->stopped = r->stopped;
	pthread_mutex_unlock(&s->lock);
}

static void *device_thread(void *arg)
{
	struct device_thread *t = arg;
	struct kvm_sandbox *s = t->sandbox;
	int err;

	if (t->fs)
		fs_enter_thread(t->fs);
	err = confine_thread(t->kind, -1);
	pthread_mutex_lock(&s->lock);
	s->nr_ready++;
	if (err)
		s->start_error = -err;
	pthread_cond_broadcast(&s->ready);
	pthread_mutex_unlock(&s->lock);
	if (!err)
		dev_loop_run(&t->loop);
	return NULL;
}

static int start_device_threads(struct kvm_sandbox *s, struct err *e)
{
	struct device_thread *threads[] = { &s->files, &s->others };
	uint32_t nr = sizeof(threads) / sizeof(threads[0]);
	pthread_attr_t attr;
	int err = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (uint32_t i = 0; !err && i < nr; i++) {
		err = pthread_create(&threads[i]->thread, &attr,
				     device_thread, threads[i]);
		threads[i]->has_thread = !err;
	}
	pthread_attr_destroy(&attr);
	if (err)
		return err_set(e, err, "starting a device's thread: %s",
			       strerror(err));
	pthread_mutex_lock(&s->lock);
	while (s->nr_ready < nr)
		pthread_cond_wait(&s->ready, &s->lock);
	err = s->start_error;
	pthread_mutex_unlock(&s->lock);
	return err ? err_set(e, err, "confining a device's thread: %s",
			     strerror(err)) : 0;
}

static int add_device(struct kvm_sandbox *s, struct virtio_dev *dev,
		      struct device_thread *t, struct err *e)
{
	dev->report = report_line;
	dev->report_arg = s;
	return machine_add_device(&s->machine, dev, &t->loop, e);
}

static int add_fs(struct kvm_sandbox *s, const struct kvm_sandbox_config *c,
		  struct err *e)
{
	struct fs_config fc = {
		.server = c->server, .log_fd = c->log_fd,
		.report = take_report, .report_arg = s,
	};
	int err;

	memcpy(fc.stdio, c->stdio, sizeof(fc.stdio));
	err = fs_create(&s->fs, "fs", &s->machine.memory, &s->files.loop, &fc,
			e);
	if (err)
		return err;
	s->files.fs = s->fs;
	c->description->boot->handles_max = fs_nodes_max(s->fs);
	return add_device(s, fs_virtio(s->fs), &s->files, e);
}

static int add_disk(struct kvm_sandbox *s, const struct kvm_sandbox_disk *d,
		    struct err *e)
{
	uint32_t n = s->nr_disks;
	struct blk_file file;
	int err;

	if (n == DISKS_MAX)
		return err_set(e, EINVAL, "more than %u disks", DISKS_MAX);
	err = blk_file_open(&file, d->path, d->read_only, e);
	if (err)
		return err;
	snprintf(s->disk_names[n], sizeof(s->disk_names[n]), "blk%u", n);
	blk_init(&s->disks[n], s->disk_names[n], &s->machine.memory, &file);
	s->nr_disks++;
	return add_device(s, &s->disks[n].dev, &s->others, e);
}

static int add_devices(struct kvm_sandbox *s,
		       const struct kvm_sandbox_config *c, struct err *e)
{
	int err = dev_loop_init(&s->files.loop, e);

	s->files.has_loop = !err;
	if (!err) {
		err = dev_loop_init(&s->others.loop, e);
		s->others.has_loop = !err;
	}
	if (!err)
		err = add_fs(s, c, e);
	if (err)
		return err;
	rng_init(&s->rng, "rng", &s->machine.memory);
	s->has_rng = true;
	err = add_device(s, &s->rng.dev, &s->others, e);
	for (uint32_t i = 0; !err && i < c->nr_disks; i++)
		err = add_disk(s, &c->disks[i], e);
	return err;
}

static int make_machine(struct kvm_sandbox *s,
			const struct kvm_sandbox_config *c, struct err *e)
{
	struct machine_config mc = {
		.ram_bytes = c->ram_bytes ? c->ram_bytes :
					    machine_default_ram(),
		.nr_cpus = c->nr_cpus, .log_fd = c->log_fd,
	};
	struct kernel_image image;
	int err = kernel_image_open(&image, c->kernel, e);

	if (err)
		return err;
	s->has_machine = true;
	err = machine_create(&s->machine, &mc, e);
	if (!err)
		err = add_devices(s, c, e);
	if (!err)
		err = machine_load(&s->machine, &image, c->description, e);
	kernel_image_close(&image);
	return err;
}

static void stop_thread(struct device_thread *t)
{
	if (t->has_thread) {
		dev_loop_stop(&t->loop);
		pthread_join(t->thread, NULL);
	}
	t->has_thread = false;
}

/* Everything, in the reverse order of making. */
static void take_down(struct kvm_sandbox *s)
{
	if (s->has_machine)
		machine_stop(&s->machine);
	stop_thread(&s->files);
	stop_thread(&s->others);
	if (s->has_machine)
		machine_destroy(&s->machine);
	for (uint32_t i = 0; i < s->nr_disks; i++)
		blk_fini(&s->disks[i]);
	if (s->has_rng)
		rng_fini(&s->rng);
	fs_destroy(s->fs);
	if (s->others.has_loop)
		dev_loop_fini(&s->others.loop);
	if (s->files.has_loop)
		dev_loop_fini(&s->files.loop);
	free(s);
}

int kvm_sandbox_start(struct kvm_sandbox **out,
		      const struct kvm_sandbox_config *c, struct err *e)
{
	struct kvm_sandbox *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return err_set(e, ENOMEM, "no memory for the monitor");
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->ready, NULL);
	s->log_fd = c->log_fd;
	s->files.kind = THREAD_FILES;
	s->others.kind = THREAD_DEVICE;
	s->files.sandbox = s->others.sandbox = s;
	err = make_machine(s, c, e);
	if (!err)
		err = start_device_threads(s, e);
	if (!err)
		err = machine_start(&s->machine, e);
	if (!err) {
		err = confine_thread(THREAD_MAIN, -1);
		if (err)
			err_set(e, -err, "confining the monitor: %s",
				strerror(-err));
	}
	if (err) {
		take_down(s);
		return err;
	}
	machine_go(&s->machine);
	*out = s;
	return 0;
}

int kvm_sandbox_end_fd(const struct kvm_sandbox *s)
{
	return s->machine.end_fd;
}

void kvm_sandbox_send_signals(struct kvm_sandbox *s, uint64_t signals,
			      uint64_t tty_signals)
{
	fs_send_signals(s->fs, signals, tty_signals);
}

void kvm_sandbox_send_winsize(struct kvm_sandbox *s, uint16_t rows,
			      uint16_t cols)
{
	fs_send_winsize(s->fs, rows, cols);
}

bool kvm_sandbox_is_deaf(struct kvm_sandbox *s)
{
	return fs_is_deaf(s->fs);
}

uint32_t kvm_sandbox_take_stopped(struct kvm_sandbox *s)
{
	uint32_t signo;

	pthread_mutex_lock(&s->lock);
	signo = s->stopped;
	s->stopped = 0;
	pthread_mutex_unlock(&s->lock);
	return signo;
}

/* A kernel that gave no report may have left its last words in memory. */
static void read_description(const struct kvm_sandbox *s,
			     struct abi_report *r)
{
	const struct abi_boot *b = machine_description(&s->machine);

	if (!b || s->machine.end != MACHINE_ENDED)
		return;
	r->exit_status = b->exit_status;
	r->exit_valid = b->exit_valid;
	r->start_error = b->start_error;
	memcpy(r->start_message, b->start_message, sizeof(r->start_message));
	r->start_message[sizeof(r->start_message) - 1] = 0;
}

void kvm_sandbox_destroy(struct kvm_sandbox *s, struct abi_report *r,
			 char *failure, size_t failure_size, int stats_fd)
{
	machine_stop(&s->machine);
	pthread_mutex_lock(&s->lock);
	*r = s->report;
	pthread_mutex_unlock(&s->lock);
	/* the program may have ended well before its kernel crashed: the
	 * report is only worth what comes after it */
	if (s->machine.end != MACHINE_ENDED)
		memset(r, 0, sizeof(*r));
	else if (!r->exit_valid && !r->start_error)
		read_description(s, r);
	machine_explain(&s->machine, failure, failure_size);
	if (!failure[0])
		snprintf(failure, failure_size, "the sandbox's kernel ended "
			 "without saying how its program did");
	if (stats_fd >= 0)
		machine_print_stats(&s->machine, stats_fd);
	take_down(s);
}
