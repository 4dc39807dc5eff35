/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of parking on platform process: core/park.c above the platform's
 * host.c, whose host calls are counted here. A partner that answers while the
 * task still looks saves it the sleep; looking in vain soon ends. Prints TAP.
 */
#include "core/task.h"
#include "core/msg.h"
#include "core/page.h"
#include "core/panic.h"
#include "platform/process/host.h"
#include "tap.h"
#include <linux/futex.h>

static struct task self, partner;
static struct abi_boot boot;
static uint32_t nr_sleeps, nr_wakes;
static void (*at_wake)(void), (*at_sleep)(void);

/* --- what parking stands on --------------------------------------------------- */
struct task *current_task(void)
{
	return &self;
}

long host_call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
	       uint64_t e, uint64_t f)
{
	bool wakes = b == FUTEX_WAKE;

	CHECK_EQ(nr, __NR_futex);
	nr_wakes += wakes;
	nr_sleeps += !wakes;
	if (!wakes && *(uint32_t *)a != (uint32_t)c)
		return -EAGAIN;
	if (wakes && at_wake)
		at_wake();
	if (!wakes && at_sleep)
		at_sleep();
	return !wakes && d ? -ETIMEDOUT : 0;
}

long host_call_intr(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		    uint64_t e, uint64_t f)
{
	return -ENOSYS;
}

uint64_t plat_clock_mono_ns(void)
{
	return 0;
}

void plat_kick(struct task *t)
{
}

void task_stack_overflowed(void)
{
	__builtin_trap();
}

void task_wakes_flush(void)
{
}

void task_wake_later(struct task *t)
{
	plat_unpark(t);
}

/* --- tests ------------------------------------------------------------------------ */
static void before(void)
{
	self = partner = (struct task){ 0 };
	boot = (struct abi_boot){ .nr_cpus = 2 };
	process_platform.boot = &boot;
	nr_sleeps = nr_wakes = 0;
	at_wake = at_sleep = NULL;
}

static void unpark_self(void)
{
	task_unpark(&self);
}

static void partner_that_answers_at_once_saves_the_sleep(void)
{
	partner.wake = WAKE_ASLEEP;
	at_wake = unpark_self;
	CHECK_EQ(task_hand_over(&partner, DEADLINE_NEVER, false), 0);
	CHECK_EQ(nr_wakes, 1);
	CHECK_EQ(nr_sleeps, 0);
	CHECK_EQ(self.wake, WAKE_NONE);
}

static void partner_that_looks_needs_no_wake_up(void)
{
	at_sleep = unpark_self;
	CHECK_EQ(task_hand_over(&partner, DEADLINE_NEVER, false), 0);
	CHECK_EQ(partner.wake, WAKE_NOTIFIED);
	/* the one is our own, by unpark_self */
	CHECK_EQ(nr_wakes, 1);
	CHECK_EQ(nr_sleeps, 1);
}

static void deadline_that_passes_is_told(void)
{
	CHECK_EQ(task_park(1, false), -ETIMEDOUT);
	CHECK_EQ(nr_sleeps, 1);
	CHECK_EQ(self.wake, WAKE_NONE);
}

static void looking_in_vain_ends(void)
{
	uint32_t missed;

	plat_park_spin(&self);
	CHECK(self.arch.plat.spin_debt > 0);
	missed = self.arch.plat.spins_missed;
	/* not even what is there is seen, but for once in a while */
	self.wake = WAKE_NOTIFIED;
	for (uint32_t i = 0; i < 63; i++)
		plat_park_spin(&self);
	CHECK_EQ(self.arch.plat.spin_debt, 4);
	CHECK_EQ(self.arch.plat.spins_missed, missed + 63);
	plat_park_spin(&self);
	CHECK_EQ(self.arch.plat.spin_debt, 3);
}

static void success_is_remembered_for_a_while(void)
{
	self.wake = WAKE_NOTIFIED;
	for (uint32_t i = 0; i < 100; i++)
		plat_park_spin(&self);
	CHECK_EQ(self.arch.plat.spin_debt, -16);
	self.wake = WAKE_NONE;
	for (uint32_t i = 0; i < 5; i++)
		plat_park_spin(&self);
	CHECK_EQ(self.arch.plat.spin_debt, 4);
	CHECK_EQ(self.arch.plat.spins_missed, 0);
}

static void one_processor_never_looks(void)
{
	boot.nr_cpus = 1;
	self.wake = WAKE_NOTIFIED;
	CHECK(!plat_spin_while(&self.wake, WAKE_NONE));
	self.wake = WAKE_NONE;
	partner.wake = WAKE_ASLEEP;
	at_sleep = unpark_self;
	CHECK_EQ(task_hand_over(&partner, DEADLINE_NEVER, false), 0);
	CHECK_EQ(nr_sleeps, 1);
}

static void work_interrupts_before_the_sleep(void)
{
	self.arch.work = TASK_WORK_SIGNAL;
	CHECK_EQ(task_park(DEADLINE_NEVER, true), -EINTR);
	CHECK_EQ(nr_sleeps, 0);
	at_sleep = unpark_self;
	CHECK_EQ(task_park(DEADLINE_NEVER, false), 0);
	CHECK_EQ(nr_sleeps, 1);
}

static uint32_t nr_errands;

static void do_errand(void)
{
	task_clear_work(TASK_WORK_ERRAND);
	nr_errands++;
}

static void post_errand(void)
{
	self.arch.work |= TASK_WORK_ERRAND;
}

/* Like an unpark; a signal that comes with it still interrupts. */
static void errands_are_done_in_the_park(void)
{
	task_set_errands(do_errand);
	post_errand();
	CHECK(!task_has_work());
	CHECK_EQ(task_park(DEADLINE_NEVER, true), 0);
	CHECK_EQ(nr_errands, 1);
	CHECK_EQ(nr_sleeps, 0);
	at_sleep = post_errand;
	CHECK_EQ(task_park(DEADLINE_NEVER, true), 0);
	CHECK_EQ(nr_errands, 2);
	CHECK_EQ(self.arch.work, 0);
	CHECK_EQ(task_park(1, true), -ETIMEDOUT);
	CHECK_EQ(nr_errands, 3);
	CHECK_EQ(task_park(DEADLINE_NEVER, false), 0);
	CHECK_EQ(nr_errands, 3);
	self.arch.work |= TASK_WORK_SIGNAL;
	CHECK_EQ(task_park(DEADLINE_NEVER, true), -EINTR);
	CHECK_EQ(nr_errands, 4);
}

static const struct unit_test tests[] = {
	{ "a partner that answers at once saves the sleep",
	  partner_that_answers_at_once_saves_the_sleep },
	{ "a partner that looks needs no wake-up",
	  partner_that_looks_needs_no_wake_up },
	{ "a deadline that passes is told", deadline_that_passes_is_told },
	{ "looking in vain ends", looking_in_vain_ends },
	{ "success is remembered for a while",
	  success_is_remembered_for_a_while },
	{ "one processor never looks", one_processor_never_looks },
	{ "work interrupts before the sleep", work_interrupts_before_the_sleep },
	{ "errands are done in the park", errands_are_done_in_the_park },
};

int main(void)
{
	return unit_run("park", tests, ARRAY_LEN(tests), before, NULL);
}
