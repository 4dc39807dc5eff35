/* SPDX-License-Identifier: MIT */
/*
 * Errors of the tender: a code and a text that says what was being done to
 * which file or sandbox. Functions fill it and return -errno; callers add
 * context; only cli/ prints.
 */
#pragma once

struct err {
	int code;		/* positive errno */
	char text[512];
};

/* Returns -code. */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
