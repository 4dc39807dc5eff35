/* SPDX-License-Identifier: MIT */
/*
 * The line discipline N_TTY: what stands between the keyboard side (bytes the
 * master writes) and the program that reads a terminal; editing, echo, signal
 * characters, flow control, processing of output. No waiting, no locks: the
 * caller (pty.c) holds its lock around every call.
 */
#pragma once
#include "fs/uio.h"
#include "lib/types.h"
#include <asm/termios.h>

#define LDISC_RING	65536u	/* of input and of output */
#define LDISC_LINE_MAX	4095u	/* longest line that can be edited */

struct byte_ring {
	uint8_t *buf;		/* LDISC_RING bytes */
	uint32_t head, tail;	/* count up for ever */
};

struct ldisc {
	struct termios2 tio;
	struct byte_ring in;	/* to the reader */
	uint8_t *line_end;	/* bit per byte of in: last of a line */
	uint32_t canon_head;	/* in.head behind the last complete line */
	struct byte_ring out;	/* to the master, echo included */
	uint32_t column, canon_column;	/* of the cursor; where the line began */
	bool lnext;		/* the next character is literal */
	bool erasing;		/* inside "\...": ECHOPRT */
	bool stopped;		/* by VSTOP or TCOOFF */
	bool throttled;		/* IXOFF: we sent VSTOP */
	/* results since the caller looked */
	uint64_t signals;	/* bit n-1: send n to the foreground group */
	uint8_t packet_status;	/* TIOCPKT_*, for packet mode */
};

/* Returns 0 or -ENOMEM. */
int ldisc_init(struct ldisc *l);
void ldisc_fini(struct ldisc *l);

static inline uint32_t ring_used(const struct byte_ring *r)
{
	return r->head - r->tail;
}

static inline uint32_t ring_room(const struct byte_ring *r)
{
	return LDISC_RING - (r->head - r->tail);
}

/* Bytes typed. Returns how many were taken (the rest has no room). */
size_t ldisc_receive(struct ldisc *l, const uint8_t *p, size_t n);
/* Is there something a read would return? min: bytes wanted if not ICANON. */
bool ldisc_is_readable(const struct ldisc *l, uint32_t min);
/* Move input to u; 0 may be an end-of-file mark. */
size_t ldisc_read(struct ldisc *l, struct uio *u);
/* How many bytes of output surely have room now (0 if stopped). */
size_t ldisc_output_room(const struct ldisc *l);
/* Bytes the program writes; n at most ldisc_output_room(). */
void ldisc_output(struct ldisc *l, const uint8_t *p, size_t n);
/* Move output to the master's u. */
size_t ldisc_take_output(struct ldisc *l, struct uio *u);
void ldisc_set_termios(struct ldisc *l, const struct termios2 *tio);
void ldisc_flush(struct ldisc *l, bool in, bool out);
void ldisc_start(struct ldisc *l);
void ldisc_stop(struct ldisc *l);
/* Bytes for FIONREAD. */
uint32_t ldisc_input_bytes(const struct ldisc *l);

/* --- ldisc_out.c, for ldisc.c ---------------------------------------------------*/
/* One byte with output processing; dropped if there is no room. */
void ldisc_put(struct ldisc *l, uint8_t c);
void ldisc_put_raw(struct ldisc *l, uint8_t c);
/* As it is echoed: control characters as ^X if ECHOCTL. */
void ldisc_echo(struct ldisc *l, uint8_t c);
/* VERASE, VWERASE, VKILL. */
void ldisc_erase(struct ldisc *l, uint8_t c);
void ldisc_finish_erasing(struct ldisc *l);
