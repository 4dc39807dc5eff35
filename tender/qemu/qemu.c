/* SPDX-License-Identifier: MIT */
/*
 * The life of a sandbox in QEMU: anonymous files and socket pairs, the process,
 * a thread for the file system device and one that copies the log, the end.
 *
 * The guest's end is QEMU's: isa-debug-exit makes a status of what the kernel
 * writes (abi_exit), after the report has come over "control". Any other
 * status is a failure, 0 (a triple fault) as well.
 */
#include "qemu/qemu.h"
#include "qemu/qemu_priv.h"
#include "abi/machine.h"
#include "dev/blk.h"
#include "dev/fs.h"
#include "dev/vhost_user.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATUS_OF(value)	(2 * (value) + 1)	/* isa-debug-exit */
#define MESSAGE_MAX		160u
#define MESSAGES_MAX		4096u
#define LOG_PATIENCE_S		2

struct qemu {
	/* set once, before the threads run */
	struct guest_memory memory;
	struct dev_loop loop;
	struct fs_dev *fs;
	struct vhost_user *vhost;
	int log_in, log_out;	/* from QEMU; to the caller's descriptor */
	int messages_fd;	/* QEMU's own */
	pid_t pid;
	int pidfd;
	bool has_loop, has_device_thread, has_log_thread;
	pthread_t device_thread, log_thread;
	/* the device's thread; the main one after it has ended */
	struct abi_report report;
	char broken[128];
	/* atomic */
	uint32_t stopped;
};

/* --- threads -----------------------------------------------------------------*/

static void *device_main(void *arg)
{
	struct qemu *q = arg;

	fs_enter_thread(q->fs);
	dev_loop_run(&q->loop);
	return NULL;
}

static void *log_main(void *arg)
{
	struct qemu *q = arg;
	char buf[4096];
	ssize_t n, done, m;

	while ((n = read(q->log_in, buf, sizeof(buf))) > 0)
		for (done = 0; done < n; done += m) {
			m = write(q->log_out, buf + done, (size_t)(n - done));
			if (m <= 0)
				break;	/* nobody wants it */
		}
	return NULL;
}

static void take_report(void *arg, const struct abi_report *r)
{
	struct qemu *q = arg;

	if (r->stopped)
		__atomic_store_n(&q->stopped, r->stopped, __ATOMIC_RELEASE);
	else
		q->report = *r;
}

/* QEMU has closed the connection, mostly since it ends; or the device can not
 * go on, and without it the sandbox can not either. */
static void device_ended(void *arg, const char *why)
{
	struct qemu *q = arg;

	if (!why)
		return;
	snprintf(q->broken, sizeof(q->broken), "%s", why);
	kill(q->pid, SIGKILL);
}

static void report_line(void *arg, const char *line)
{
	struct qemu *q = arg;
	char text[300];
	int n = snprintf(text, sizeof(text), "mica: %s\n", line);

	if (write(q->log_out, text, (size_t)n) < 0)
		return;
}

/* --- start -------------------------------------------------------------------*/

/* An anonymous file that QEMU opens by its number. */
static int make_file(const char *name, const void *bytes, size_t size,
		     struct err *e)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return err_set(e, errno, "making a memory object: %s",
			       strerror(errno));
	while (done < size) {
		ssize_t n = write(fd, (const char *)bytes + done, size - done);

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		err_set(e, errno, "filling a memory object: %s",
			strerror(errno));
		close(fd);
		return -e->code;
	}
	return fd;
}

static int make_pair(int *ours, int *theirs, struct err *e)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return err_set(e, errno, "making a socket pair: %s",
			       strerror(errno));
	*ours = sv[0];
	*theirs = sv[1];
	return 0;
}

static int make_device(struct qemu *q, const struct qemu_config *c,
		       int *fs_sock, struct err *e)
{
	struct vhost_user_hooks hooks = { .ended = device_ended, .arg = q };
	struct fs_config config = { .server = c->server, .log_fd = c->log_fd,
				    .report = take_report, .report_arg = q };
	int err, sock = -1;

	memcpy(config.stdio, c->stdio, sizeof(config.stdio));
	err = dev_loop_init(&q->loop, e);
	if (err)
		return err;
	q->has_loop = true;
	err = fs_create(&q->fs, "fs", &q->memory, &q->loop, &config, e);
	if (!err)
		err = make_pair(&sock, fs_sock, e);
	if (err)
		return err;
	fs_virtio(q->fs)->report = report_line;
	fs_virtio(q->fs)->report_arg = q;
	err = vhost_user_create(&q->vhost, fs_virtio(q->fs), &q->memory,
				&q->loop, sock, &hooks, e);
	if (err)
		close(sock);
	return err;
}

/* Everything that QEMU is to find open. */
static int make_files(struct qemu *q, const struct qemu_config *c,
		      int fds[QEMU_NR_FDS], struct err *e)
{
	struct description *d = c->description;
	int err = make_device(q, c, &fds[QEMU_FS], e);

	if (!err)
		err = make_pair(&q->log_in, &fds[QEMU_LOG], e);
	if (err)
		return err;
	q->messages_fd = memfd_create("qemu-messages", MFD_CLOEXEC);
	if (q->messages_fd < 0)
		return err_set(e, errno, "making a memory object: %s",
			       strerror(errno));
	if (!c->kernel_path) {
		fds[QEMU_KERNEL] = make_file("kernel", c->kernel,
					     c->kernel_size, e);
		if (fds[QEMU_KERNEL] < 0)
			return fds[QEMU_KERNEL];
	}
	/* directories that the kernel may keep; some are for open files */
	d->boot->handles_max = fs_nodes_max(q->fs) / 4 * 3;
	d->boot->nr_cpus = c->nr_cpus;
	fds[QEMU_INITRD] = make_file("sandbox", d->boot, description_size(d),
				     e);
	return fds[QEMU_INITRD] < 0 ? fds[QEMU_INITRD] : 0;
}

static int run(struct qemu *q, const struct qemu_config *c,
	       const int fds[QEMU_NR_FDS], struct err *e)
{
	char path[4096], **argv;
	int err = qemu_find(path, sizeof(path), e);

	if (err)
		return err;
	argv = qemu_arguments(c, fds);
	if (!argv)
		return err_set(e, ENOMEM, "making QEMU's command line");
	/* a developer's arguments may need what only the caller may do */
	q->pid = qemu_spawn(path, argv, fds, q->messages_fd,
			    !c->arguments && !c->kernel_path, e);
	qemu_free_arguments(argv);
	if (q->pid < 0)
		return q->pid;
	q->pidfd = (int)syscall(SYS_pidfd_open, q->pid, 0);
	if (q->pidfd < 0)
		return err_set(e, errno, "watching QEMU: %s", strerror(errno));
	q->has_device_thread = !pthread_create(&q->device_thread, NULL,
					       device_main, q);
	q->has_log_thread = !pthread_create(&q->log_thread, NULL, log_main, q);
	if (!q->has_device_thread || !q->has_log_thread)
		return err_set(e, EAGAIN, "starting a thread: %s; raise "
			       "'ulimit -u'", strerror(EAGAIN));
	return 0;
}

/* Locked by us: QEMU's descriptors are the same open files. */
static int open_disks(const struct qemu_config *c, int fds[QEMU_NR_FDS],
		      struct err *e)
{
	if (c->nr_disks > QEMU_DISKS_MAX)
		return err_set(e, EINVAL, "more than %u disks",
			       QEMU_DISKS_MAX);
	for (uint32_t i = 0; i < c->nr_disks; i++) {
		struct blk_file f;
		int err = blk_file_open(&f, c->disks[i].path,
					c->disks[i].read_only, e);

		if (err)
			return err;
		fds[QEMU_DISKS + i] = f.fd;
	}
	return 0;
}

int qemu_start(struct qemu **out, const struct qemu_config *c, struct err *e)
{
	int fds[QEMU_NR_FDS];
	struct qemu *q = calloc(1, sizeof(*q));
	struct abi_report unused;
	char nothing[1];
	int err;

	if (!q)
		return err_set(e, ENOMEM, "no memory for a sandbox");
	memset(fds, -1, sizeof(fds));
	q->log_in = q->messages_fd = q->pidfd = -1;
	q->log_out = c->log_fd;
	err = open_disks(c, fds, e);
	if (!err)
		err = make_files(q, c, fds, e);
	if (!err)
		err = run(q, c, fds, e);
	for (int i = 0; i < QEMU_NR_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (err)
		qemu_destroy(q, &unused, nothing, sizeof(nothing));
	else
		*out = q;
	return err;
}

/* --- while it runs -----------------------------------------------------------*/

int qemu_end_fd(const struct qemu *q)
{
	return q->pidfd;
}

void qemu_send_signals(struct qemu *q, uint64_t signals, uint64_t tty_signals)
{
	fs_send_signals(q->fs, signals, tty_signals);
}

void qemu_send_winsize(struct qemu *q, uint16_t rows, uint16_t cols)
{
	fs_send_winsize(q->fs, rows, cols);
}

bool qemu_is_deaf(struct qemu *q)
{
	return fs_is_deaf(q->fs);
}

uint32_t qemu_take_stopped(struct qemu *q)
{
	return __atomic_exchange_n(&q->stopped, 0, __ATOMIC_ACQ_REL);
}

/* --- the end -----------------------------------------------------------------*/

/* The first line that QEMU has written and is not a mere warning, without its
 * own name; "" if there is none. */
static void first_message(const struct qemu *q, char *out, size_t size)
{
	char text[MESSAGES_MAX];
	ssize_t n = pread(q->messages_fd, text, sizeof(text) - 1, 0);
	char *line = text, *next, *colon;

	text[n > 0 ? n : 0] = 0;
	out[0] = 0;
	for (; *line && !out[0]; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = 0;
		if (strstr(line, "warning: "))
			continue;
		colon = strstr(line, ": ");
		if (colon && !strncmp(line, "qemu", 4))
			line = colon + 2;
		snprintf(out, size, "%.*s", (int)size - 1, line);
	}
}

static void describe_failure(const struct qemu *q, int status, char *out,
			     size_t size)
{
	char message[MESSAGE_MAX];

	first_message(q, message, sizeof(message));
	if (q->broken[0])
		snprintf(out, size, "the sandbox was ended: %s", q->broken);
	else if (WIFSIGNALED(status))
		snprintf(out, size, "QEMU was ended by signal %d%s%s",
			 WTERMSIG(status), message[0] ? ": " : "", message);
	else if (WEXITSTATUS(status) == STATUS_OF(ABI_EXIT_PANIC))
		snprintf(out, size, "the sandbox's kernel has panicked");
	else if (WEXITSTATUS(status) == STATUS_OF(ABI_EXIT_END))
		snprintf(out, size, "the sandbox's kernel has ended without "
			 "a report");
	else if (!WEXITSTATUS(status))
		snprintf(out, size, "the sandbox's kernel crashed (triple "
			 "fault: the machine was reset)");
	else if (message[0])
		snprintf(out, size, "QEMU: %s", message);
	else
		snprintf(out, size, "QEMU has ended with status %d",
			 WEXITSTATUS(status));
}

/* The log ends with QEMU's end of the socket; unless nobody reads it. */
static void stop_log(struct qemu *q)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOG_PATIENCE_S;
	if (!pthread_timedjoin_np(q->log_thread, NULL, &until))
		return;
	pthread_cancel(q->log_thread);
	pthread_join(q->log_thread, NULL);
}

static void stop_threads(struct qemu *q)
{
	if (q->has_device_thread) {
		dev_loop_stop(&q->loop);
		pthread_join(q->device_thread, NULL);
	}
	if (q->has_log_thread)
		stop_log(q);
}

static void close_all(struct qemu *q)
{
	int fds[] = { q->log_in, q->messages_fd, q->pidfd };

	vhost_user_destroy(q->vhost);
	fs_destroy(q->fs);
	if (q->has_loop)
		dev_loop_fini(&q->loop);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void qemu_destroy(struct qemu *q, struct abi_report *report, char *failure,
		  size_t failure_size)
{
	int status = 0;

	failure[0] = 0;
	if (q->pid > 0) {
		/* has no effect on one that has ended already */
		kill(q->pid, SIGKILL);
		while (waitpid(q->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	stop_threads(q);
	*report = q->report;
	if (!WIFEXITED(status) ||
	    WEXITSTATUS(status) != STATUS_OF(ABI_EXIT_END) ||
	    (!report->exit_valid && !report->start_error)) {
		memset(report, 0, sizeof(*report));
		describe_failure(q, status, failure, failure_size);
	}
	close_all(q);
	free(q);
}
