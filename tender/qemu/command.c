/* SPDX-License-Identifier: MIT */
/*
 * QEMU's command line: the machine that kernel/platform/kvm expects
 * (abi/machine.h) and nothing besides.
 */
#include "qemu/qemu_priv.h"
#include "abi/fs_device.h"
#include "abi/machine.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM		"qemu-system-x86_64"
#define PACKAGE		"qemu-system-x86"
#define ARGUMENTS_MAX	256u
#define ARGUMENT_MAX	4608u	/* a path, and more */

struct arguments {
	char **v;
	size_t n;
	bool failed;
};

/* --- finding it --------------------------------------------------------------*/

int qemu_find(char *path, size_t size, struct err *e)
{
	const char *dirs = getenv("PATH");

	if (!dirs || !*dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	while (*dirs) {
		size_t n = strcspn(dirs, ":");

		snprintf(path, size, "%.*s/%s", (int)n, dirs, PROGRAM);
		if (n && !access(path, X_OK))
			return 0;
		dirs += n + (dirs[n] == ':');
	}
	return err_set(e, ENOENT, "platform qemu needs the program %s: "
		       "install the Debian package %s", PROGRAM, PACKAGE);
}

int qemu_check(struct err *e)
{
	char path[4096];

	return qemu_find(path, sizeof(path), e);
}

/* --- the arguments -----------------------------------------------------------*/

static void add_bytes(struct arguments *a, const char *s, size_t len)
{
	char *copy = a->n < ARGUMENTS_MAX ? strndup(s, len) : NULL;

	if (copy)
		a->v[a->n++] = copy;
	else
		a->failed = true;
}

__attribute__((format(printf, 2, 3)))
static void add(struct arguments *a, const char *fmt, ...)
{
	char text[ARGUMENT_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		a->failed = true;
	else
		add_bytes(a, text, (size_t)n);
}

/* Several words that hold no space of their own. */
static void add_words(struct arguments *a, const char *words)
{
	for (;;) {
		size_t n;

		words += strspn(words, " ");
		n = strcspn(words, " ");
		if (!n)
			return;
		add_bytes(a, words, n);
		words += n;
	}
}

/* By number: QEMU may not be allowed to open the file itself. */
static void add_disk(struct arguments *a, const struct qemu_disk *d,
		     unsigned int nr, int fd)
{
	add_words(a, "-add-fd");
	add(a, "set=%u,fd=%d", nr, fd);
	add_words(a, "-blockdev");
	add(a, "driver=raw,node-name=disk%u,read-only=%s,file.driver=file,"
	    "file.filename=/dev/fdset/%u", nr, d->read_only ? "on" : "off",
	    nr);
	add_words(a, "-device");
	/* errors are the program's: by itself QEMU would stop at a full disk */
	add(a, "virtio-blk-device,drive=disk%u,werror=report,rerror=report",
	    nr);
}

static void add_memory(struct arguments *a, uint64_t bytes)
{
	unsigned long long b = bytes;

	add_words(a, "-m");
	add(a, "%lluk", b >> 10);
	add_words(a, "-object");
	add(a, "memory-backend-memfd,id=memory,size=%llu,share=on", b);
	add_words(a, "-machine memory-backend=memory");
}

static void add_kernel(struct arguments *a, const struct qemu_config *c,
		       const int fds[QEMU_NR_FDS])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	add_words(a, "-kernel");
	if (c->kernel_path)
		add(a, "%s", c->kernel_path);
	else
		add(a, "/proc/self/fd/%d", fds[QEMU_KERNEL]);
	add_words(a, "-initrd");
	add(a, "/proc/self/fd/%d", fds[QEMU_INITRD]);
	add_words(a, "-append");
	/* where instructions make the time its counter counts nanoseconds */
	add(a, "mica.cpus=%u mica.real_ns=%llu%s", c->nr_cpus,
	    (unsigned long long)now.tv_sec * 1000000000ull +
	    (unsigned long long)now.tv_nsec,
	    c->arguments && strstr(c->arguments, "-icount") ?
	    " mica.tsc_khz=1000000" : "");
}

static void add_devices(struct arguments *a, const struct qemu_config *c,
			const int fds[QEMU_NR_FDS])
{
	add_words(a, "-device");
	add(a, "isa-debug-exit,iobase=%#x,iosize=4", ABI_PORT_EXIT);
	add_words(a, "-chardev");
	add(a, "socket,id=log,fd=%d", fds[QEMU_LOG]);
	add_words(a, "-device");
	add(a, "isa-debugcon,iobase=%#x,chardev=log", ABI_PORT_LOG_BYTE);
	add_words(a, "-device virtio-rng-device -chardev");
	add(a, "socket,id=fs,fd=%d", fds[QEMU_FS]);
	add_words(a, "-device vhost-user-fs-device,chardev=fs,queue-size=1024,"
		  "tag=" FS_DEVICE_TAG);
	for (uint32_t i = 0; i < c->nr_disks; i++)
		add_disk(a, &c->disks[i], i, fds[QEMU_DISKS + i]);
}

char **qemu_arguments(const struct qemu_config *c, const int fds[QEMU_NR_FDS])
{
	struct arguments a = {
		.v = calloc(ARGUMENTS_MAX + 1, sizeof(char *)),
	};

	if (!a.v)
		return NULL;
	add_words(&a, PROGRAM " -M microvm,acpi=off,pic=off,pit=off,rtc=off,"
		  "isa-serial=off,auto-kernel-cmdline=on "
		  "-global virtio-mmio.force-legacy=false -nodefaults "
		  "-no-user-config -display none -no-reboot "
		  "-accel tcg -cpu max");
	/* what the machine needs is there before its first instruction */
	add_words(&a, "-sandbox on,obsolete=deny,elevateprivileges=deny,"
		  "spawn=deny");
	add_words(&a, "-smp");
	add(&a, "%u", c->nr_cpus);
	add_memory(&a, c->memory);
	add_kernel(&a, c, fds);
	add_devices(&a, c, fds);
	if (c->arguments)
		add_words(&a, c->arguments);
	if (!a.failed)
		return a.v;
	qemu_free_arguments(a.v);
	return NULL;
}

void qemu_free_arguments(char **argv)
{
	for (char **p = argv; *p; p++)
		free(*p);
	free(argv);
}
