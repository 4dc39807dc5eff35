/* SPDX-License-Identifier: MIT */
/* What the tests of the file system device share: fs_test.c runs them all. */
#pragma once
#include <stdio.h>
#include "fs_client.h"

#define CHECK(e) do { if (!(e)) { \
	printf("# %s:%d: %s\n", __func__, __LINE__, #e); \
	return false; } } while (0)

extern struct fs_client c;
extern char root[64];			/* of the host's directory */
extern uint64_t still, live, nobody, one_file;	/* nodes of the exports */
/* The device's standard streams: ends of pipes, and a file. */
extern int in_pipe[2], out_pipe[2], err_file;

/* --- fs_changes_test.c ----------------------------------------------------------*/
bool test_create(void);
bool test_changes(void);
bool test_set_id(void);
bool test_xattr(void);
bool test_limits(void);

/* --- fs_streams_test.c, in this order ------------------------------------------*/
bool test_fixed_numbers(void);
bool test_streams(void);
bool test_poll(void);
bool test_control(void);
bool test_ioctl(void);
bool test_hang_up(void);
