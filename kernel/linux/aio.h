/* SPDX-License-Identifier: MIT */
/* What others need of asynchronous input and output. */
#pragma once
#include "fs/vfs.h"

struct mm;

/* The address space ends: its contexts go. No lock held. */
void aio_space_gone(struct mm *mm);
/* eventfd.c: f is an eventfd; add one to it, without sleeping. */
bool eventfd_is(const struct file *f);
void eventfd_signal(struct file *f);
