/* SPDX-License-Identifier: MIT */
/* Start-up of file notification and of the end of file locks. */
#pragma once
#include "fs/textfile.h"

struct file;

/* Fill fs_hooks. Context: init. */
void inotify_start(void);
/* The watches of f for its fdinfo, if it is an inotify instance. */
void inotify_show(struct textbuf *t, const struct file *f);
