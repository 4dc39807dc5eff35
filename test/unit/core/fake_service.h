/* SPDX-License-Identifier: MIT */
/*
 * What a service of the kernel stands on, for tests in one thread: the test
 * calls its turns and moves the time.
 */
#pragma once
#include "core/service.h"

extern uint64_t fake_now;		/* ns */
extern struct service *fake_service;	/* that was started, or NULL */
extern uint32_t fake_notified;		/* bits, since the last turn */
