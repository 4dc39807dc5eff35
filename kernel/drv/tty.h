/* SPDX-License-Identifier: MIT */
/*
 * Terminals: what all kinds share (job control, the common ioctls, /dev/tty),
 * and the two kinds: a terminal of the host behind a standard stream
 * (host_tty.c), and the slave side of a pseudo terminal (pty.c).
 *
 * Job control is decided here but needs to know sessions and process groups,
 * which belong to the personality: it registers struct tty_job_ops.
 *
 * Locks: tty_lock guards which session has which terminal, and the foreground
 * groups. It is a leaf: nothing that sends a signal is called under it.
 */
#pragma once
#include "abi/boot.h"
#include "fs/vfs.h"
#include <asm/termios.h>

struct session;
struct tty;

/* What the personality tells and does; none is called with tty_lock held. */
struct tty_job_ops {
	/* The caller's session (borrowed) and group; NULL in a system task. */
	struct session *(*session)(void);
	uint32_t (*pgid)(void);
	bool (*is_session_leader)(void);
	bool (*is_admin)(void);		/* CAP_SYS_ADMIN */
	bool (*is_ignored_or_blocked)(int signo);
	bool (*is_orphaned_pgrp)(void);	/* the caller's group */
	uint32_t (*session_id)(struct session *s);
	/* Where s keeps its terminal; the pointer's value is tty_lock's. */
	struct tty **(*session_tty)(struct session *s);
	/* The group that the caller calls nr; -ESRCH (there is none), -EPERM
	 * (of another session). */
	int (*check_pgrp)(uint32_t nr, struct session *s);
	/* What the caller calls a group or session. */
	long (*seen)(uint32_t id);
	void (*signal_pgrp)(uint32_t pgid, int signo);
	void (*signal_leader)(uint32_t sid, int signo);
};
void tty_set_job_ops(const struct tty_job_ops *ops);
extern const struct tty_job_ops *tty_job;	/* never NULL */

/* What differs between the kinds. */
struct tty_ops {
	ssize_t (*read)(struct tty *t, struct file *f, struct uio *u);
	ssize_t (*write)(struct tty *t, struct file *f, struct uio *u);
	uint32_t (*poll)(struct tty *t, struct file *f, struct poll_table *pt);
	/* Make f an open file of t. */
	int (*open)(struct tty *t, struct file *f);
	void (*close)(struct tty *t, struct file *f);
	void (*destroy)(struct tty *t);		/* last reference */
	int (*get_termios)(struct tty *t, struct termios2 *out);
	/* when: 0 now, 1 after output, 2 also discard input */
	int (*set_termios)(struct tty *t, const struct termios2 *in, int when);
	int (*get_winsize)(struct tty *t, struct winsize *out);
	int (*set_winsize)(struct tty *t, const struct winsize *in);
	/* FIONREAD, TIOCOUTQ: bytes or -errno */
	long (*input_bytes)(struct tty *t);
	long (*output_bytes)(struct tty *t);
	int (*flush)(struct tty *t, bool in, bool out);
	int (*flow)(struct tty *t, uint32_t action);	/* TCXONC */
	int (*drain)(struct tty *t);			/* TCSBRK, 1 */
	int (*fake_input)(struct tty *t, uint8_t c);	/* TIOCSTI */
};

struct tty {
	const struct tty_ops *ops;
	struct refcount refs;
	uint64_t rdev;
	void *private;
	/* under tty_lock */
	struct session *session;	/* whose controlling terminal; borrowed */
	uint32_t pgrp;			/* foreground group, 0 = none */
	bool exclusive;
	/* what of the settings can not be changed; the last one to say so wins */
	struct termios locked;
};

extern struct mutex tty_lock;

/* Register the devices. Context: init. Returns 0 or -errno. */
int tty_init(const struct abi_boot *boot);

void tty_setup(struct tty *t, const struct tty_ops *ops, uint64_t rdev);
struct tty *tty_get(struct tty *t);
void tty_put(struct tty *t);
/*
 * Make f an open file of t (takes a reference), and t the controlling
 * terminal of a session leader that has none, as open(2) does.
 */
int tty_open(struct tty *t, struct file *f);
/* The terminal of an open file, or NULL if f is none; borrowed. */
struct tty *tty_of_file(const struct file *f);

/*
 * The background rules: signo is SIGTTIN or SIGTTOU. Returns 0 (go on),
 * -EIO, -ERESTARTSYS (the caller's group was signalled).
 */
int tty_check_background(struct tty *t, int signo);
long tty_ioctl(struct tty *t, struct file *f, uint32_t cmd, uint64_t arg);
/* Controlling terminal and groups; -ENOTTY: not one of those. TIOCGPGRP and
 * TIOCGSID give the number itself. */
long tty_ioctl_job(struct tty *t, struct file *f, uint32_t cmd, uint64_t arg);
/* The part of it that masters share: termios, sizes, queues. */
long tty_ioctl_common(struct tty *t, uint32_t cmd, uint64_t arg);
/* Send to the foreground group, if there is one. */
void tty_signal_foreground(struct tty *t, int signo);
uint32_t tty_foreground(struct tty *t);
/* Session id of t, 0 = none. */
uint32_t tty_session_id(struct tty *t);
/* The line is gone: SIGHUP, SIGCONT to the session's leader; detach. */
void tty_hangup(struct tty *t);

/* --- for the personality ----------------------------------------------------*/
/* The leader of s ends: hang up its foreground group, give the terminal up.
 * Locks: the caller holds none. */
void tty_session_exit(struct session *s);
/* Make t the controlling terminal of s with foreground group pgid (start). */
void tty_attach(struct tty *t, struct session *s, uint32_t pgid);
/* Device number (0 = none) and foreground group, for /proc/PID/stat. */
void tty_session_info(struct session *s, uint64_t *rdev, uint32_t *pgrp);

/* --- host_tty.c ---------------------------------------------------------------*/
/* Terminals among the standard streams. Context: init. */
void host_tty_init(const struct abi_boot *boot);
/* The terminal behind stream n, or NULL; borrowed, lives for ever. */
struct tty *host_tty_of_stream(uint32_t n);
/* The first terminal of the host, or NULL. */
struct tty *host_tty_first(void);
/* The one with this device number, or NULL. */
struct tty *host_tty_find(uint64_t rdev);
/* From the tender: the size changed; a key's signal came. */
void tty_host_winsize(uint32_t rows, uint32_t cols);
void tty_host_signal(int signo);

/* --- pump.c -------------------------------------------------------------------*/
/*
 * -t: make a pseudo terminal, pump bytes between its master and the host's
 * streams 0 and 1. *out = its slave, with a reference.
 */
int tty_pump_start(const struct abi_boot *boot, struct tty **out);
/* Wait (a second at most) until all output has gone to the host. */
void tty_pump_drain(void);
