/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of terminals: the different user structures for termios, window
 * size, queues, and numbers of job control. What the kinds of terminals do is
 * behind struct tty_ops.
 */
#include "drv/tty.h"
#include <linux/fs.h>
#include <asm/signal.h>
#include "arch/uaccess.h"
#include "lib/string.h"

#define TERMIOS_BYTES	sizeof(struct termios)	/* a prefix of termios2 */
_Static_assert(__builtin_offsetof(struct termios2, c_ispeed) == TERMIOS_BYTES,
	       "struct termios is a prefix of struct termios2");

static long put_int(uint64_t user, long v)
{
	int n = (int)v;

	if (v < 0)
		return v;
	return copy_to_user((void *)user, &n, sizeof(n));
}

static long get_termios(struct tty *t, uint64_t user, size_t size)
{
	struct termios2 tio;
	int err = t->ops->get_termios(t, &tio);

	return err ? err : copy_to_user((void *)user, &tio, size);
}

static const uint32_t baud_table[] = {
	0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600,
	19200, 38400,
};
static const uint32_t baud_table_high[] = {
	0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000,
	1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
};

static uint32_t baud_of(uint32_t code, uint32_t other)
{
	if (code == BOTHER)
		return other;
	return code & CBAUDEX ? baud_table_high[code & 15] :
	       baud_table[code & 15];
}

/* The structs without speeds give them by the bits of c_cflag. */
static void set_speeds(struct termios2 *tio)
{
	uint32_t in = (tio->c_cflag & CIBAUD) >> IBSHIFT;

	tio->c_ospeed = baud_of(tio->c_cflag & CBAUD, tio->c_ospeed);
	tio->c_ispeed = in ? baud_of(in, tio->c_ispeed) : tio->c_ospeed;
}

static uint32_t choose_bits(uint32_t old, uint32_t new, uint32_t locked)
{
	return (old & locked) | (new & ~locked);
}

/* All but what is locked (TIOCSLCKTRMIOS). */
static long apply_termios(struct tty *t, struct termios2 *new, int when)
{
	struct termios *l = &t->locked;
	struct termios2 old;
	int err = t->ops->get_termios(t, &old);

	if (err)
		return err;
	new->c_iflag = choose_bits(old.c_iflag, new->c_iflag, l->c_iflag);
	new->c_oflag = choose_bits(old.c_oflag, new->c_oflag, l->c_oflag);
	new->c_cflag = choose_bits(old.c_cflag, new->c_cflag, l->c_cflag);
	new->c_lflag = choose_bits(old.c_lflag, new->c_lflag, l->c_lflag);
	if (l->c_line)
		new->c_line = old.c_line;
	for (size_t i = 0; i < NCCS; i++)
		if (l->c_cc[i])
			new->c_cc[i] = old.c_cc[i];
	set_speeds(new);
	return t->ops->set_termios(t, new, when);
}

static long set_termios(struct tty *t, uint64_t user, size_t size, int when)
{
	struct termios2 tio;
	int err = tty_check_background(t, SIGTTOU);

	if (!err)
		err = t->ops->get_termios(t, &tio);
	if (err)
		return err;
	if (copy_from_user(&tio, (void *)user, size))
		return -EFAULT;
	return apply_termios(t, &tio, when);
}

static long lock_termios(struct tty *t, uint64_t user)
{
	struct termios l;

	if (!tty_job->is_admin())
		return -EPERM;
	if (copy_from_user(&l, (void *)user, sizeof(l)))
		return -EFAULT;
	t->locked = l;
	return 0;
}

static long get_termio(struct tty *t, uint64_t user)
{
	struct termios2 tio;
	struct termio old;
	int err = t->ops->get_termios(t, &tio);

	if (err)
		return err;
	old.c_iflag = (uint16_t)tio.c_iflag;
	old.c_oflag = (uint16_t)tio.c_oflag;
	old.c_cflag = (uint16_t)tio.c_cflag;
	old.c_lflag = (uint16_t)tio.c_lflag;
	old.c_line = tio.c_line;
	memcpy(old.c_cc, tio.c_cc, NCC);
	return copy_to_user((void *)user, &old, sizeof(old));
}

static uint32_t low_half(uint32_t old, uint16_t v)
{
	return (old & 0xffff0000u) | v;
}

static long set_termio(struct tty *t, uint64_t user, int when)
{
	struct termios2 tio;
	struct termio old;
	int err = tty_check_background(t, SIGTTOU);

	if (!err)
		err = t->ops->get_termios(t, &tio);
	if (err)
		return err;
	if (copy_from_user(&old, (void *)user, sizeof(old)))
		return -EFAULT;
	tio.c_iflag = low_half(tio.c_iflag, old.c_iflag);
	tio.c_oflag = low_half(tio.c_oflag, old.c_oflag);
	tio.c_cflag = low_half(tio.c_cflag, old.c_cflag);
	tio.c_lflag = low_half(tio.c_lflag, old.c_lflag);
	tio.c_line = old.c_line;
	memcpy(tio.c_cc, old.c_cc, NCC);
	return apply_termios(t, &tio, when);
}

static long termios_ioctl(struct tty *t, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case TCGETS:
		return get_termios(t, arg, TERMIOS_BYTES);
	case TCGETS2:
		return get_termios(t, arg, sizeof(struct termios2));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(t, arg, TERMIOS_BYTES, (int)(cmd - TCSETS));
	case TCSETS2:
		return set_termios(t, arg, sizeof(struct termios2), 0);
	case TCSETSW2:
		return set_termios(t, arg, sizeof(struct termios2), 1);
	case TCSETSF2:
		return set_termios(t, arg, sizeof(struct termios2), 2);
	case TCGETA:
		return get_termio(t, arg);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return set_termio(t, arg, (int)(cmd - TCSETA));
	case TIOCGLCKTRMIOS:
		return copy_to_user((void *)arg, &t->locked, TERMIOS_BYTES);
	case TIOCSLCKTRMIOS:
		return lock_termios(t, arg);
	default:
		return -ENOTTY;
	}
}

static long get_winsize(struct tty *t, uint64_t user)
{
	struct winsize w = { 0 };
	int err = t->ops->get_winsize(t, &w);

	return err ? err : copy_to_user((void *)user, &w, sizeof(w));
}

static long set_winsize(struct tty *t, uint64_t user)
{
	struct winsize w;

	if (copy_from_user(&w, (void *)user, sizeof(w)))
		return -EFAULT;
	return t->ops->set_winsize(t, &w);
}

static long flush(struct tty *t, uint32_t what)
{
	int err = tty_check_background(t, SIGTTOU);

	if (err)
		return err;
	if (what > TCIOFLUSH)
		return -EINVAL;
	return t->ops->flush(t, what != TCOFLUSH, what != TCIFLUSH);
}

static long drain(struct tty *t)
{
	int err = tty_check_background(t, SIGTTOU);

	return err ? err : t->ops->drain(t);
}

static long flow(struct tty *t, uint32_t action)
{
	int err = tty_check_background(t, SIGTTOU);

	if (err)
		return err;
	return action > TCION ? -EINVAL : t->ops->flow(t, action);
}

static long fake_input(struct tty *t, uint64_t user)
{
	uint8_t c;

	if (!tty_job->is_admin())
		return -EPERM;
	if (copy_from_user(&c, (void *)user, 1))
		return -EFAULT;
	return t->ops->fake_input(t, c);
}

static long set_discipline(uint64_t user)
{
	int n;

	if (copy_from_user(&n, (void *)user, sizeof(n)))
		return -EFAULT;
	return n == 0 ? 0 : -EINVAL;	/* N_TTY is the only one */
}

long tty_ioctl_common(struct tty *t, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case TIOCGWINSZ:
		return get_winsize(t, arg);
	case TIOCSWINSZ:
		return set_winsize(t, arg);
	case TIOCINQ:
		return put_int(arg, t->ops->input_bytes(t));
	case TIOCOUTQ:
		return put_int(arg, t->ops->output_bytes(t));
	case TCFLSH:
		return flush(t, (uint32_t)arg);
	case TCXONC:
		return flow(t, (uint32_t)arg);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		return drain(t);
	case TIOCSTI:
		return fake_input(t, arg);
	case TIOCEXCL:
		t->exclusive = true;
		return 0;
	case TIOCNXCL:
		t->exclusive = false;
		return 0;
	case TIOCGEXCL:
		return put_int(arg, t->exclusive);
	case TIOCGETD:
		return put_int(arg, 0);
	case TIOCSETD:
		return set_discipline(arg);
	case TIOCGDEV:
		return put_int(arg, (long)(uint32_t)t->rdev);
	case TIOCCONS:
		return -EPERM;
	default:
		return termios_ioctl(t, cmd, arg);
	}
}

static long spgrp(struct tty *t, struct file *f, uint64_t user)
{
	int32_t pgid;

	if (copy_from_user(&pgid, (void *)user, sizeof(pgid)))
		return -EFAULT;
	return tty_ioctl_job(t, f, TIOCSPGRP, (uint64_t)(int64_t)pgid);
}

long tty_ioctl(struct tty *t, struct file *f, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case TIOCSCTTY:
	case TIOCNOTTY:
		return tty_ioctl_job(t, f, cmd, arg);
	case TIOCSPGRP:
		return spgrp(t, f, arg);
	case TIOCGPGRP:
	case TIOCGSID:
		return put_int(arg, tty_ioctl_job(t, f, cmd, 0));
	default:
		return tty_ioctl_common(t, cmd, arg);
	}
}
