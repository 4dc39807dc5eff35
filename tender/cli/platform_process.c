/* SPDX-License-Identifier: MIT */
/*
 * `mica run` on the process platform (process/sandbox.h): the file server's
 * thread, events by the doorbell, the watch over the memory limit.
 */
#include "cli/run.h"
#include "process/fileserver.h"
#include "process/sandbox.h"
#include "process/usage.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_POLL_MS	20

static int process_check(const struct run *r, struct err *e)
{
	/* there is no machine to put them into */
	if (r->opt.nr_disks || r->opt.kernel)
		return err_set(e, EINVAL, "--%s is only possible with "
			       "--platform=kvm or --platform=qemu%s",
			       r->opt.kernel ? "kernel" : "disk",
			       strcmp(r->opt.platform, "auto") ? "" :
			       " (KVM can not be used here)");
	if (r->opt.rtprio > sandbox_rtprio_max())
		return err_set(e, EPERM, "--rtprio=%u: the host grants "
			       "real-time priorities up to %u; see ulimit -r "
			       "and limits.conf", r->opt.rtprio,
			       sandbox_rtprio_max());
	return 0;
}

static int process_create(struct run *r, struct err *e)
{
	static struct sandbox sandbox;

	r->carrier = &sandbox;
	sandbox.as_root = sandbox_has_root();
	return sandbox_create(&sandbox, &r->desc, e);
}

static int usage(void *arg, uint32_t process, struct fsrv_usage *u)
{
	struct sandbox *s = arg;

	return usage_of(s->pid, process, u);
}

static void *serve(void *arg)
{
	static const int stdio[3] = { 0, 1, 2 };
	struct run *r = arg;
	struct sandbox *s = r->carrier;

	fsrv_set_usage(r->server, usage, s);
	fsrv_serve(r->server, s->server_fd, stdio);
	return NULL;
}

static int process_start(struct run *r, struct err *e)
{
	struct sandbox *s = r->carrier;
	pthread_t thread;
	int err;

	s->log_fd = r->log_fd;
	err = sandbox_start(s, e);
	if (!err && pthread_create(&thread, NULL, serve, r))
		err = err_set(e, EAGAIN, "starting the file server");
	r->end_fd = s->pidfd;
	return err;
}

static void process_send_signals(struct run *r, uint64_t signals,
				 uint64_t tty_signals)
{
	struct sandbox *s = r->carrier;
	struct abi_doorbell *d = &s->boot->doorbell;

	__atomic_fetch_or(&d->signals, signals, __ATOMIC_RELEASE);
	__atomic_fetch_or(&d->tty_signals, tty_signals, __ATOMIC_RELEASE);
	sandbox_ring(s);
}

static void process_send_winsize(struct run *r, uint16_t rows, uint16_t cols)
{
	struct sandbox *s = r->carrier;

	s->boot->tty_rows = rows;
	s->boot->tty_cols = cols;
	__atomic_store_n(&s->boot->doorbell.winsize_changed, 1,
			 __ATOMIC_RELEASE);
	sandbox_ring(s);
}

static uint32_t process_take_stopped(struct run *r)
{
	struct sandbox *s = r->carrier;

	return __atomic_exchange_n(&s->boot->stopped, 0, __ATOMIC_ACQ_REL);
}

static void process_tick(struct run *r)
{
	struct sandbox *s = r->carrier;
	struct abi_boot *b = s->boot;
	uint64_t total = 0;
	struct stat st;

	if (!r->opt.memory)
		return;
	if (!fstat(s->pool_fd, &st))
		total = (uint64_t)st.st_blocks * 512;
	if (total + usage_total(s->pid) <= b->memory_limit)
		return;
	__atomic_store_n(&b->doorbell.oom, 1, __ATOMIC_RELEASE);
	sandbox_ring(s);
}

static int process_tick_ms(const struct run *r)
{
	return r->opt.memory ? MEMORY_POLL_MS : -1;
}

static void process_destroy(struct run *r)
{
	struct sandbox *s = r->carrier;
	const struct abi_boot *b = s->boot;

	sandbox_destroy(s);
	if (!b)
		return;
	r->report = (struct abi_report){
		.exit_status = b->exit_status,
		.exit_valid = b->exit_valid,
		.start_error = b->start_error,
	};
	memcpy(r->report.start_message, b->start_message,
	       sizeof(r->report.start_message));
}

const struct platform platform_process = {
	.name = "process",
	.check = process_check,
	.create = process_create,
	.start = process_start,
	.send_signals = process_send_signals,
	.send_winsize = process_send_winsize,
	.take_stopped = process_take_stopped,
	.tick = process_tick,
	.tick_ms = process_tick_ms,
	.destroy = process_destroy,
};
