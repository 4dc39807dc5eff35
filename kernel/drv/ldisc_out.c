/* SPDX-License-Identifier: MIT */
/*
 * The output half of the line discipline: processing of output (OPOST), echo,
 * and what erasing looks like on the screen.
 */
#include "drv/ldisc.h"

#define TAB_WIDTH	8u

static bool has(uint32_t flags, uint32_t bit)
{
	return flags & bit;
}

static bool is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

/* A byte of UTF-8 that is not the first of its character. */
static bool is_continuation(const struct ldisc *l, uint8_t c)
{
	return has(l->tio.c_iflag, IUTF8) && (c & 0xc0) == 0x80;
}

void ldisc_put_raw(struct ldisc *l, uint8_t c)
{
	if (!ring_room(&l->out))
		return;
	l->out.buf[l->out.head % LDISC_RING] = c;
	l->out.head++;
}

static void put_newline(struct ldisc *l)
{
	if (has(l->tio.c_oflag, ONLRET))
		l->column = 0;
	if (has(l->tio.c_oflag, ONLCR)) {
		l->column = 0;
		ldisc_put_raw(l, '\r');
	}
	l->canon_column = l->column;
	ldisc_put_raw(l, '\n');
}

static void put_return(struct ldisc *l)
{
	if (has(l->tio.c_oflag, ONOCR) && !l->column)
		return;
	if (has(l->tio.c_oflag, OCRNL)) {
		if (has(l->tio.c_oflag, ONLRET))
			l->canon_column = l->column = 0;
		ldisc_put_raw(l, '\n');
		return;
	}
	l->canon_column = l->column = 0;
	ldisc_put_raw(l, '\r');
}

static void put_tab(struct ldisc *l)
{
	uint32_t spaces = TAB_WIDTH - l->column % TAB_WIDTH;

	l->column += spaces;
	if ((l->tio.c_oflag & TABDLY) != XTABS) {
		ldisc_put_raw(l, '\t');
		return;
	}
	while (spaces--)
		ldisc_put_raw(l, ' ');
}

void ldisc_put(struct ldisc *l, uint8_t c)
{
	if (!has(l->tio.c_oflag, OPOST)) {
		ldisc_put_raw(l, c);
		return;
	}
	switch (c) {
	case '\n':
		put_newline(l);
		return;
	case '\r':
		put_return(l);
		return;
	case '\t':
		put_tab(l);
		return;
	case '\b':
		if (l->column)
			l->column--;
		break;
	default:
		if (is_control(c))
			break;
		if (has(l->tio.c_oflag, OLCUC) && c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		if (!is_continuation(l, c))
			l->column++;
	}
	ldisc_put_raw(l, c);
}

size_t ldisc_output_room(const struct ldisc *l)
{
	uint32_t room = ring_room(&l->out);

	if (l->stopped)
		return 0;
	/* a tab may become eight bytes, a newline two */
	if (!has(l->tio.c_oflag, OPOST))
		return room;
	return (l->tio.c_oflag & TABDLY) == XTABS ? room / 8 : room / 2;
}

void ldisc_output(struct ldisc *l, const uint8_t *p, size_t n)
{
	while (n--)
		ldisc_put(l, *p++);
}

size_t ldisc_take_output(struct ldisc *l, struct uio *u)
{
	size_t done = 0;

	while (u->left && ring_used(&l->out)) {
		uint32_t at = l->out.tail % LDISC_RING;
		size_t want = MIN(ring_used(&l->out), LDISC_RING - at);
		size_t got;

		want = MIN(want, u->left);
		got = uio_fill(u, l->out.buf + at, want);
		l->out.tail += (uint32_t)got;
		done += got;
		if (got < want)
			break;
	}
	return done;
}

void ldisc_echo(struct ldisc *l, uint8_t c)
{
	if (has(l->tio.c_lflag, ECHOCTL) && is_control(c) && c != '\t') {
		ldisc_put_raw(l, '^');
		ldisc_put_raw(l, c ^ 0100);
		l->column += 2;
		return;
	}
	ldisc_put(l, c);
}

void ldisc_finish_erasing(struct ldisc *l)
{
	if (!l->erasing)
		return;
	ldisc_put(l, '/');
	l->erasing = false;
}

static uint8_t in_at(const struct ldisc *l, uint32_t pos)
{
	return l->in.buf[pos % LDISC_RING];
}

/* Move back over the tab that was at in.head. */
static void erase_tab(struct ldisc *l)
{
	uint32_t width = 0, pos = l->in.head, steps;
	bool after_tab = false;

	while (pos != l->canon_head) {
		uint8_t c = in_at(l, --pos);

		if (c == '\t') {
			after_tab = true;
			break;
		}
		if (is_control(c)) {
			if (has(l->tio.c_lflag, ECHOCTL))
				width += 2;
		} else if (!is_continuation(l, c)) {
			width++;
		}
	}
	if (!after_tab)
		width += l->canon_column;
	for (steps = TAB_WIDTH - width % TAB_WIDTH; steps; steps--) {
		ldisc_put_raw(l, '\b');
		if (l->column)
			l->column--;
	}
}

static void rub_out(struct ldisc *l)
{
	ldisc_put_raw(l, '\b');
	ldisc_put_raw(l, ' ');
	ldisc_put_raw(l, '\b');
	if (l->column)
		l->column--;
}

/* Show that character c (nr_bytes from in.head on) went. */
static void show_erased(struct ldisc *l, uint8_t c, uint32_t nr_bytes,
			bool single)
{
	if (has(l->tio.c_lflag, ECHOPRT)) {
		if (!l->erasing) {
			ldisc_put(l, '\\');
			l->erasing = true;
		}
		ldisc_echo(l, c);
		for (uint32_t i = 1; i < nr_bytes; i++)
			ldisc_put_raw(l, in_at(l, l->in.head + i));
	} else if (single && !has(l->tio.c_lflag, ECHOE)) {
		ldisc_echo(l, l->tio.c_cc[VERASE]);
	} else if (c == '\t') {
		erase_tab(l);
	} else {
		if (is_control(c) && has(l->tio.c_lflag, ECHOCTL))
			rub_out(l);
		if (!is_control(c) || has(l->tio.c_lflag, ECHOCTL))
			rub_out(l);
	}
}

/* VKILL where the line is not rubbed out: true if that is all. */
static bool kill_plainly(struct ldisc *l)
{
	uint32_t all = ECHOK | ECHOKE | ECHOE;

	if (has(l->tio.c_lflag, ECHO) && (l->tio.c_lflag & all) == all)
		return false;
	l->in.head = l->canon_head;
	if (has(l->tio.c_lflag, ECHO)) {
		ldisc_finish_erasing(l);
		ldisc_echo(l, l->tio.c_cc[VKILL]);
		if (has(l->tio.c_lflag, ECHOK))
			ldisc_put(l, '\n');
	}
	return true;
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

void ldisc_erase(struct ldisc *l, uint8_t key)
{
	bool single = key == l->tio.c_cc[VERASE];
	bool word = !single && key == l->tio.c_cc[VWERASE];
	bool in_word = false;

	if (l->in.head == l->canon_head)
		return;
	if (!single && !word && kill_plainly(l))
		return;
	while (l->in.head != l->canon_head) {
		uint32_t pos = l->in.head, nr;
		uint8_t c;

		do
			c = in_at(l, --pos);
		while (is_continuation(l, c) && pos != l->canon_head);
		if (is_continuation(l, c))
			break;		/* not a whole character */
		if (word && is_word(c))
			in_word = true;
		else if (word && in_word)
			break;
		nr = l->in.head - pos;
		l->in.head = pos;
		if (has(l->tio.c_lflag, ECHO))
			show_erased(l, c, nr, single);
		if (single)
			break;
	}
	if (l->in.head == l->canon_head && has(l->tio.c_lflag, ECHO))
		ldisc_finish_erasing(l);
}
