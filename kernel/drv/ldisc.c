/* SPDX-License-Identifier: MIT */
/*
 * The input half of the line discipline N_TTY. Called by pty.c with its lock
 * held. Input lies in a ring; in canonical mode the bytes up to canon_head
 * are complete lines (line_end marks their last byte, an end-of-file mark is
 * a NUL with that bit), those behind it are still being edited.
 */
#include "drv/ldisc.h"
#include <asm/signal.h>
#include "core/heap.h"
#include "lib/string.h"

#define DISABLED	0	/* _POSIX_VDISABLE */
#define THROTTLE_AT	(LDISC_RING - 4096u)
#define UNTHROTTLE_AT	4096u

static const struct termios2 default_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE |
		   IEXTEN,
	.c_cc = {
		[VINTR] = 3, [VQUIT] = 0x1c, [VERASE] = 0x7f, [VKILL] = 0x15,
		[VEOF] = 4, [VMIN] = 1, [VSTART] = 0x11, [VSTOP] = 0x13,
		[VSUSP] = 0x1a, [VREPRINT] = 0x12, [VDISCARD] = 0x0f,
		[VWERASE] = 0x17, [VLNEXT] = 0x16,
	},
	.c_ispeed = 38400, .c_ospeed = 38400,
};

int ldisc_init(struct ldisc *l)
{
	uint8_t *mem = kmalloc(2 * LDISC_RING + LDISC_RING / 8);

	if (!mem)
		return -ENOMEM;
	memset(l, 0, sizeof(*l));
	l->in.buf = mem;
	l->out.buf = mem + LDISC_RING;
	l->line_end = mem + 2 * LDISC_RING;
	memset(l->line_end, 0, LDISC_RING / 8);
	l->tio = default_termios;
	return 0;
}

void ldisc_fini(struct ldisc *l)
{
	kfree(l->in.buf);
}

static bool lflag(const struct ldisc *l, uint32_t bit)
{
	return l->tio.c_lflag & bit;
}

static bool iflag(const struct ldisc *l, uint32_t bit)
{
	return l->tio.c_iflag & bit;
}

/* Is c the special character number `which`? */
static bool is_key(const struct ldisc *l, uint8_t c, unsigned int which)
{
	return c == l->tio.c_cc[which] && c != DISABLED;
}

static bool get_end(const struct ldisc *l, uint32_t pos)
{
	pos %= LDISC_RING;
	return l->line_end[pos / 8] >> (pos % 8) & 1;
}

static void set_end(struct ldisc *l, uint32_t pos, bool on)
{
	uint8_t bit;

	pos %= LDISC_RING;
	bit = (uint8_t)(1u << (pos % 8));
	if (on)
		l->line_end[pos / 8] |= bit;
	else
		l->line_end[pos / 8] &= (uint8_t)~bit;
}

static void put_input(struct ldisc *l, uint8_t c)
{
	bool edits = lflag(l, ICANON);

	/* a line too long to edit loses what is typed behind its end */
	if (edits && l->in.head - l->canon_head >= LDISC_LINE_MAX)
		return;
	if (!ring_room(&l->in))
		return;
	l->in.buf[l->in.head % LDISC_RING] = c;
	set_end(l, l->in.head, false);
	l->in.head++;
}

static void put_line_end(struct ldisc *l, uint8_t c)
{
	if (!ring_room(&l->in))
		return;
	l->in.buf[l->in.head % LDISC_RING] = c;
	set_end(l, l->in.head, true);
	l->in.head++;
	l->canon_head = l->in.head;
}

void ldisc_start(struct ldisc *l)
{
	if (!l->stopped)
		return;
	l->stopped = false;
	l->packet_status &= (uint8_t)~TIOCPKT_STOP;
	l->packet_status |= TIOCPKT_START;
}

void ldisc_stop(struct ldisc *l)
{
	if (l->stopped)
		return;
	l->stopped = true;
	l->packet_status &= (uint8_t)~TIOCPKT_START;
	l->packet_status |= TIOCPKT_STOP;
}

void ldisc_flush(struct ldisc *l, bool in, bool out)
{
	if (in) {
		l->in.head = l->in.tail = l->canon_head = 0;
		memset(l->line_end, 0, LDISC_RING / 8);
		l->lnext = false;
		l->packet_status |= TIOCPKT_FLUSHREAD;
	}
	if (out) {
		l->out.tail = l->out.head;
		l->packet_status |= TIOCPKT_FLUSHWRITE;
	}
}

static void signal_key(struct ldisc *l, uint8_t c, int signo)
{
	if (!lflag(l, NOFLSH))
		ldisc_flush(l, true, true);
	l->signals |= 1ull << (signo - 1);
	if (iflag(l, IXON))
		ldisc_start(l);
	if (lflag(l, ECHO))
		ldisc_echo(l, c);
}

/* Keys that act in every mode. True: c is used up. */
static bool control_key(struct ldisc *l, uint8_t c)
{
	if (iflag(l, IXON)) {
		if (is_key(l, c, VSTART)) {
			ldisc_start(l);
			return true;
		}
		if (is_key(l, c, VSTOP)) {
			ldisc_stop(l);
			return true;
		}
	}
	if (!lflag(l, ISIG))
		return false;
	if (is_key(l, c, VINTR))
		signal_key(l, c, SIGINT);
	else if (is_key(l, c, VQUIT))
		signal_key(l, c, SIGQUIT);
	else if (is_key(l, c, VSUSP))
		signal_key(l, c, SIGTSTP);
	else
		return false;
	return true;
}

static void reprint(struct ldisc *l, uint8_t c)
{
	ldisc_finish_erasing(l);
	ldisc_echo(l, c);
	ldisc_put(l, '\n');
	for (uint32_t p = l->canon_head; p != l->in.head; p++)
		ldisc_echo(l, l->in.buf[p % LDISC_RING]);
}

static void echo_input(struct ldisc *l, uint8_t c)
{
	if (!lflag(l, ECHO))
		return;
	ldisc_finish_erasing(l);
	if (c == '\n') {
		ldisc_put(l, '\n');
		return;
	}
	if (l->canon_head == l->in.head)
		l->canon_column = l->column;
	ldisc_echo(l, c);
}

/* Keys of canonical mode. True: c is used up. */
static bool editing_key(struct ldisc *l, uint8_t c)
{
	bool extended = lflag(l, IEXTEN);

	if (is_key(l, c, VERASE) || is_key(l, c, VKILL) ||
	    (extended && is_key(l, c, VWERASE))) {
		ldisc_erase(l, c);
		return true;
	}
	if (extended && is_key(l, c, VLNEXT)) {
		l->lnext = true;
		if (lflag(l, ECHO) && lflag(l, ECHOCTL)) {
			ldisc_finish_erasing(l);
			ldisc_put_raw(l, '^');
			ldisc_put_raw(l, '\b');
		}
		return true;
	}
	if (extended && lflag(l, ECHO) && is_key(l, c, VREPRINT)) {
		reprint(l, c);
		return true;
	}
	if (c == '\n') {
		if (lflag(l, ECHO) || lflag(l, ECHONL))
			ldisc_put(l, '\n');
		put_line_end(l, c);
		return true;
	}
	if (is_key(l, c, VEOF)) {
		put_line_end(l, DISABLED);
		return true;
	}
	if (is_key(l, c, VEOL) || (extended && is_key(l, c, VEOL2))) {
		echo_input(l, c);
		put_line_end(l, c);
		return true;
	}
	return false;
}

static void store(struct ldisc *l, uint8_t c)
{
	echo_input(l, c);
	if (c == 0xff && iflag(l, PARMRK))
		put_input(l, c);
	put_input(l, c);
}

static void receive(struct ldisc *l, uint8_t c)
{
	if (iflag(l, ISTRIP))
		c &= 0x7f;
	if (l->lnext) {
		l->lnext = false;
		store(l, c);
		return;
	}
	if (iflag(l, IUCLC) && lflag(l, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	if (lflag(l, EXTPROC)) {
		put_input(l, c);
		return;
	}
	if (control_key(l, c))
		return;
	if (l->stopped && iflag(l, IXON) && iflag(l, IXANY))
		ldisc_start(l);
	if (c == '\r') {
		if (iflag(l, IGNCR))
			return;
		if (iflag(l, ICRNL))
			c = '\n';
	} else if (c == '\n' && iflag(l, INLCR)) {
		c = '\r';
	}
	if (lflag(l, ICANON) && editing_key(l, c))
		return;
	store(l, c);
}

size_t ldisc_receive(struct ldisc *l, const uint8_t *p, size_t n)
{
	size_t done = 0;

	/* two: PARMRK doubles a byte */
	while (done < n && ring_room(&l->in) >= 2)
		receive(l, p[done++]);
	if (iflag(l, IXOFF) && !l->throttled &&
	    ring_used(&l->in) > THROTTLE_AT) {
		l->throttled = true;
		ldisc_put_raw(l, l->tio.c_cc[VSTOP]);
	}
	return done;
}

bool ldisc_is_readable(const struct ldisc *l, uint32_t min)
{
	if (lflag(l, ICANON) && !lflag(l, EXTPROC))
		return l->canon_head != l->in.tail;
	return ring_used(&l->in) >= MAX(min, 1u);
}

/* Bytes [tail, tail + n) to u. Returns how many went before a fault. */
static size_t copy_input(struct ldisc *l, struct uio *u, size_t n)
{
	size_t done = 0;

	while (done < n) {
		uint32_t at = (l->in.tail + (uint32_t)done) % LDISC_RING;
		size_t want = MIN(n - done, (size_t)(LDISC_RING - at));
		size_t got = uio_fill(u, l->in.buf + at, want);

		done += got;
		if (got < want)
			break;
	}
	return done;
}

/* At most one line; an end-of-file mark is taken but not copied. */
static size_t read_line(struct ldisc *l, struct uio *u)
{
	uint32_t avail = l->canon_head - l->in.tail, n = 0;
	bool at_mark = false;
	size_t done;

	while (n < avail && n < u->left) {
		uint32_t pos = l->in.tail + n;

		if (get_end(l, pos)) {
			at_mark = l->in.buf[pos % LDISC_RING] == DISABLED;
			n += !at_mark;
			break;
		}
		n++;
	}
	/* a mark right behind a full buffer goes with it */
	if (n == u->left && n < avail && n && !get_end(l, l->in.tail + n - 1) &&
	    get_end(l, l->in.tail + n) &&
	    l->in.buf[(l->in.tail + n) % LDISC_RING] == DISABLED)
		at_mark = true;
	done = copy_input(l, u, n);
	l->in.tail += (uint32_t)done;
	if (done == n && at_mark)
		l->in.tail++;
	return done;
}

size_t ldisc_read(struct ldisc *l, struct uio *u)
{
	size_t n;

	if (lflag(l, ICANON) && !lflag(l, EXTPROC)) {
		n = read_line(l, u);
	} else {
		n = copy_input(l, u, MIN(u->left, (size_t)ring_used(&l->in)));
		l->in.tail += (uint32_t)n;
		if ((int32_t)(l->in.tail - l->canon_head) > 0)
			l->canon_head = l->in.tail;
	}
	if (l->throttled && ring_used(&l->in) < UNTHROTTLE_AT) {
		l->throttled = false;
		ldisc_put_raw(l, l->tio.c_cc[VSTART]);
	}
	return n;
}

uint32_t ldisc_input_bytes(const struct ldisc *l)
{
	uint32_t n = 0;

	if (!lflag(l, ICANON) || lflag(l, EXTPROC))
		return ring_used(&l->in);
	for (uint32_t p = l->in.tail; p != l->canon_head; p++)
		if (!get_end(l, p) || l->in.buf[p % LDISC_RING] != DISABLED)
			n++;
	return n;
}

/* Stop and start characters as packet mode knows them. */
static bool has_plain_flow(const struct termios2 *t)
{
	return (t->c_iflag & IXON) && t->c_cc[VSTOP] == 0x13 &&
	       t->c_cc[VSTART] == 0x11;
}

void ldisc_set_termios(struct ldisc *l, const struct termios2 *tio)
{
	struct termios2 old = l->tio;

	l->tio = *tio;
	if ((old.c_lflag ^ tio->c_lflag) & ICANON) {
		memset(l->line_end, 0, LDISC_RING / 8);
		if ((tio->c_lflag & ICANON) && ring_used(&l->in)) {
			/* what is there counts as one line */
			set_end(l, l->in.head - 1, true);
			l->canon_head = l->in.head;
		} else {
			l->canon_head = l->in.tail;
		}
		l->lnext = l->erasing = false;
	}
	if (l->stopped && (old.c_iflag & IXON) && !(tio->c_iflag & IXON))
		ldisc_start(l);
	if (has_plain_flow(&old) != has_plain_flow(tio)) {
		l->packet_status &= (uint8_t)~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
		l->packet_status |= has_plain_flow(tio) ? TIOCPKT_DOSTOP :
				    TIOCPKT_NOSTOP;
	}
	if ((old.c_lflag | tio->c_lflag) & EXTPROC)
		l->packet_status |= TIOCPKT_IOCTL;
}
