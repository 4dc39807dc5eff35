/* SPDX-License-Identifier: MIT */
/*
 * Timeouts of programs. Times too far away to be counted in nanoseconds mean
 * "never".
 */
#include "linux/timeout.h"
#include "arch/uaccess.h"
#include "core/timer.h"

bool timespec_is_valid(const struct user_timespec *t)
{
	return t->sec >= 0 && (uint64_t)t->nsec < NSEC_PER_SEC;
}

uint64_t timespec_ns(const struct user_timespec *t)
{
	uint64_t ns;

	if (__builtin_mul_overflow((uint64_t)t->sec, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, (uint64_t)t->nsec, &ns))
		return DEADLINE_NEVER;
	return ns;
}

int user_timespec_get(uint64_t user, uint64_t *ns)
{
	struct user_timespec t;

	if (copy_from_user(&t, (const void *)user, sizeof(t)))
		return -EFAULT;
	if (!timespec_is_valid(&t))
		return -EINVAL;
	*ns = timespec_ns(&t);
	return 0;
}

int user_timespec_put(uint64_t user, uint64_t ns)
{
	struct user_timespec t = {
		.sec = (int64_t)(ns / NSEC_PER_SEC),
		.nsec = (int64_t)(ns % NSEC_PER_SEC),
	};

	return copy_to_user((void *)user, &t, sizeof(t));
}

uint64_t deadline_in(uint64_t ns)
{
	uint64_t at;

	if (!ns)
		return 0;
	return __builtin_add_overflow(clock_mono_ns(), ns, &at) ?
	       DEADLINE_NEVER : at;
}

uint64_t deadline_of_real(uint64_t real_ns)
{
	uint64_t now = clock_real_ns();

	if (real_ns == DEADLINE_NEVER)
		return DEADLINE_NEVER;
	return real_ns <= now ? 0 : deadline_in(real_ns - now);
}

int user_deadline_get(uint64_t user, uint64_t *deadline)
{
	uint64_t ns;
	int err;

	*deadline = DEADLINE_NEVER;
	if (!user)
		return 0;
	err = user_timespec_get(user, &ns);
	if (!err)
		*deadline = ns == DEADLINE_NEVER ? ns : deadline_in(ns);
	return err;
}
