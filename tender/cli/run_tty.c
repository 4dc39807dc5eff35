/* SPDX-License-Identifier: MIT */
/*
 * `-t`: the program has a terminal of its own inside, so the caller's passes
 * every key on unchanged and unechoed, and is put back at the end.
 */
#include "cli/run.h"
#include <string.h>
#include <termios.h>
#include <unistd.h>

void run_tty_enter(struct run *r)
{
	struct termios raw;

	if (!r->opt.tty || !isatty(0) || tcgetattr(0, &r->saved_termios))
		return;
	raw = r->saved_termios;
	cfmakeraw(&raw);
	r->is_raw = tcsetattr(0, TCSADRAIN, &raw) == 0;
}

void run_tty_leave(struct run *r)
{
	if (r->is_raw)
		tcsetattr(0, TCSADRAIN, &r->saved_termios);
	r->is_raw = false;
}
