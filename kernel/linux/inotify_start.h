/* SPDX-License-Identifier: MIT */
/* Start-up of file notification and of the end of file locks. */
#pragma once

/* Fill fs_hooks. Context: init. */
void inotify_start(void);
