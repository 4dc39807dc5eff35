/* SPDX-License-Identifier: MIT */
/* Sessions and process groups, as terminals see them (drv/tty.h). */
#pragma once
#include "drv/tty.h"

void tty_job_init(void);
/* TIOCGPTPEER: open the slave of master f. Returns a descriptor or -errno. */
long tty_open_peer(struct file *f, uint64_t flags);
