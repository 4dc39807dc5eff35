/* SPDX-License-Identifier: MIT */
/*
 * What surrounds an access to program memory: nothing, since kernel and
 * program share the processor's privilege level.
 */
#pragma once

static inline void plat_user_begin(void)
{
}

static inline void plat_user_end(void)
{
}
