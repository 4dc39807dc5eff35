/* SPDX-License-Identifier: MIT */
/*
 * When files are written back, see writeback.h; what is written, and whether it
 * has changed, is hostfile.c's. Nothing is dirty, nothing runs: the first dirty
 * page notifies, from then on turns are due until nothing is dirty any more.
 *
 * No page is forgotten: it is dirty before `pending` is set; a turn clears
 * `pending` before it looks.
 */
#include "platform/kvm/writeback.h"
#include "core/msg.h"
#include "core/service.h"
#include "platform/kvm/hostfile.h"
#include "platform/platform.h"

/* The service's own. */
static uint64_t due_ns = DEADLINE_NEVER;
static bool pending;	/* atomic: it knows that there is something */

static uint64_t writeback_turn(struct service *s, uint32_t bits)
{
	uint64_t now = plat_clock_mono_ns();

	if (now >= due_ns) {
		due_ns = DEADLINE_NEVER;
		__atomic_store_n(&pending, false, __ATOMIC_SEQ_CST);
		if (hostfile_write_back())
			bits = 1;	/* mapped still, it may change again */
	}
	if (bits) {
		__atomic_store_n(&pending, true, __ATOMIC_SEQ_CST);
		due_ns = MIN(due_ns, now + WRITEBACK_NS);
	}
	return due_ns;
}

/* Answered after the next turn, which is due at once. */
static bool writeback_answer(struct service *s, struct msg *m)
{
	due_ns = 0;
	return true;
}

static struct service writeback = {
	.name = "writeback", .turn = writeback_turn,
	.answer = writeback_answer,
};

/* sync(2) does it itself: it can not be interrupted. */
void plat_sync(void)
{
	(void)!hostfile_write_back();
}

void writeback_wanted(void)
{
	if (__atomic_exchange_n(&pending, true, __ATOMIC_SEQ_CST))
		return;
	/* its first turn takes it that something is dirty */
	if (service_start(&writeback))
		__atomic_store_n(&pending, false, __ATOMIC_SEQ_CST);
	else
		service_notify(&writeback, 1);
}

void writeback_finish(uint64_t deadline_ns)
{
	struct msg m = { .type = 0 };

	/* not started: nothing was ever dirty */
	if (writeback.is_started && !service_open(&writeback))
		(void)!service_call(&writeback, &m, deadline_ns);
}
