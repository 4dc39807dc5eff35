/* SPDX-License-Identifier: MIT */
/*
 * The first program's descriptors 0, 1 and 2: the host's streams as they are,
 * terminals by the name they have in /dev/pts, or the slave of a new pseudo
 * terminal (-t).
 */
#include "linux/stdio.h"
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "drv/hostio.h"
#include "drv/pty.h"
#include "fs/vfs_priv.h"
#include "lib/string.h"
#include "linux/fdtable.h"
#include "linux/tty_job.h"

#define PTS_MAJOR	136u
#define PTS_PER_MAJOR	256u

int stdio_init(const struct abi_boot *boot)
{
	hostio_init(boot);
	tty_job_init();
	return tty_init(boot);
}

static int open_path(const char *name, uint32_t flags, struct cred *c,
		     struct file **out)
{
	struct walk_ctx w = { .cred = c };
	int err;

	vfs_root_path(&w.root);
	w.start = w.root;
	err = vfs_open(&w, name, flags | O_NOCTTY, 0, 0, out);
	path_put(&w.root);
	return err;
}

/* Open the device node of t in /dev/pts. */
static int open_by_name(struct tty *t, uint32_t flags, struct cred *c,
			struct file **out)
{
	char name[24];

	if (dev_major(t->rdev) < PTS_MAJOR)
		return -ENOENT;
	scnprintf(name, sizeof(name), "/dev/pts/%u",
		  (dev_major(t->rdev) - PTS_MAJOR) * PTS_PER_MAJOR +
		  dev_minor(t->rdev));
	return open_path(name, flags, c, out);
}

/* A terminal without a name in here. */
static int open_nameless(struct tty *t, uint32_t n, uint32_t flags,
			 struct file **out)
{
	int err = hostio_open(n, out);

	if (err)
		return err;
	(*out)->flags = flags | O_NOCTTY;
	err = tty_open(t, *out);
	(*out)->flags &= ~(uint32_t)O_NOCTTY;
	return err;
}

static int open_stream(struct tty *t, uint32_t n, uint32_t flags,
		       struct cred *c, struct file **out)
{
	int err;

	if (!t && hostio_info(n)->kind == ABI_STDIO_NULL &&
	    !open_path("/dev/null", flags, c, out))
		return 0;
	if (!t)
		return hostio_open(n, out);
	err = open_by_name(t, flags, c, out);
	if (err && t == host_tty_of_stream(n))
		err = open_nameless(t, n, flags, out);
	return err;
}

int stdio_install(struct thread *first, const struct abi_boot *boot)
{
	struct tty *pty = NULL, *controlling;
	int err = 0;

	devpts_set_owner(boot->uid);
	if (boot->flags & ABI_BOOT_NEW_TTY)
		err = tty_pump_start(boot, &pty);
	for (uint32_t n = 0; n < 3 && !err; n++) {
		const struct abi_stdio *s = hostio_info(n);
		uint32_t flags = s->open_flags &
				 (O_ACCMODE | O_APPEND | O_NONBLOCK);
		struct tty *t = pty ? pty : host_tty_of_stream(n);
		struct file *f;

		if (!pty && s->kind == ABI_STDIO_CLOSED)
			continue;
		err = open_stream(t, n, pty ? O_RDWR : flags, first->cred, &f);
		if (!err)
			err = files_fill(first->files, (int)n, f);
	}
	controlling = pty ? pty : host_tty_first();
	if (controlling && first->process->session)
		tty_attach(controlling, first->process->session,
			   first->process->pgid);
	return err;
}
