/* SPDX-License-Identifier: MIT */
/*
 * poll, ppoll, select, pselect6: arguments in, the engine of poll_items.c,
 * results and the rest of the timeout out.
 */
#include <linux/resource.h>
#include <linux/personality.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/timer.h"
#include "lib/string.h"
#include "linux/poll_items.h"
#include "linux/timeout.h"

#define NR_INLINE	16u
#define NSEC_PER_MSEC	1000000ull

struct user_pollfd {
	int32_t fd;
	int16_t events, revents;
};

/* --- poll --------------------------------------------------------------------*/
static int read_pollfds(uint64_t user, struct poll_item *items, uint32_t n)
{
	const struct user_pollfd *src = (const struct user_pollfd *)user;
	struct user_pollfd part[NR_INLINE];

	for (uint32_t at = 0; at < n; at += NR_INLINE) {
		uint32_t count = MIN(n - at, NR_INLINE);

		if (copy_from_user(part, src + at, count * sizeof(*part)))
			return -EFAULT;
		for (uint32_t i = 0; i < count; i++) {
			struct poll_item *it = &items[at + i];

			it->f = part[i].fd < 0 ? NULL :
				fd_borrow(part[i].fd, &it->counted);
			it->events = (uint16_t)part[i].events | POLL_ALWAYS;
			it->revents = it->f || part[i].fd < 0 ? 0 :
				      POLL_INVALID;
		}
	}
	return 0;
}

static int write_revents(uint64_t user, const struct poll_item *items,
			 uint32_t n)
{
	struct user_pollfd *dst = (struct user_pollfd *)user;

	for (uint32_t i = 0; i < n; i++) {
		int16_t v = (int16_t)items[i].revents;

		if (copy_to_user(&dst[i].revents, &v, sizeof(v)))
			return -EFAULT;
	}
	return 0;
}

/* Returns as poll_items, -EINVAL, -EFAULT. */
static int poll_until(uint64_t fds, uint32_t n, uint64_t deadline)
{
	struct poll_item small[NR_INLINE], *items = small;
	int ret;

	if (n > current_process()->limits[RLIMIT_NOFILE].cur)
		return -EINVAL;
	if (n > NR_INLINE) {
		items = kzalloc(n * sizeof(*items));
		if (!items)
			return -ENOMEM;
	} else {
		memset(small, 0, n * sizeof(*small));
	}
	ret = read_pollfds(fds, items, n);
	if (!ret) {
		ret = poll_items(items, n, deadline);
		if (ret >= 0 && write_revents(fds, items, n))
			ret = -EFAULT;
	}
	poll_items_release(items, n);
	if (items != small)
		kfree(items);
	return ret;
}

static long poll_restart(struct thread *t)
{
	uint64_t *a = t->restart_arg;
	int ret = poll_until(a[0], (uint32_t)a[1], a[2]);

	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

long sys_poll(uint64_t fds, uint64_t nfds, uint64_t timeout_ms)
{
	int32_t ms = (int32_t)timeout_ms;
	uint64_t deadline = ms < 0 ? DEADLINE_NEVER :
			    deadline_in((uint64_t)ms * NSEC_PER_MSEC);
	int ret = poll_until(fds, (uint32_t)nfds, deadline);
	struct thread *t;

	if (ret != -EINTR)
		return ret;
	/* goes on after a stop; a handler makes it -EINTR */
	t = current_thread();
	t->restart_fn = poll_restart;
	t->restart_arg[0] = fds;
	t->restart_arg[1] = nfds;
	t->restart_arg[2] = deadline;
	return -ERESTART_RESTARTBLOCK;
}

/* What is left until the deadline, for writing back. */
static uint64_t time_left(uint64_t deadline)
{
	uint64_t now = clock_mono_ns();

	return deadline > now ? deadline - now : 0;
}

/* Is the rest of the timeout written back? */
static bool tells_rest(uint64_t deadline, uint64_t timeout)
{
	return deadline && deadline != DEADLINE_NEVER && timeout &&
	       !(current_process()->personality_flags & STICKY_TIMEOUTS);
}

long sys_ppoll(uint64_t fds, uint64_t nfds, uint64_t timeout, uint64_t mask,
	       uint64_t mask_size)
{
	uint64_t deadline;
	int ret = user_deadline_get(timeout, &deadline);

	if (!ret)
		ret = temp_mask_begin(mask, mask_size);
	if (ret)
		return ret;
	ret = poll_until(fds, (uint32_t)nfds, deadline);
	temp_mask_end(ret == -EINTR);
	if (tells_rest(deadline, timeout) &&
	    user_timespec_put(timeout, time_left(deadline)))
		return ret;
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

/* --- select ------------------------------------------------------------------*/
/* What makes a descriptor member of the result: IN RDNORM RDBAND HUP ERR,
 * OUT WRNORM WRBAND ERR, PRI. */
#define SELECT_IN	(0x01u | 0x40u | 0x80u | 16u | 8u)
#define SELECT_OUT	(0x04u | 0x100u | 0x200u | 8u)
#define SELECT_EX	0x02u
#define NR_SETS		3u
#define WORDS_INLINE	4u

/* Three bit sets: readable, writable, exceptional. */
struct select_sets {
	uint32_t n;		/* descriptors */
	uint32_t words;		/* of one set */
	uint64_t *bits;		/* NR_SETS * words */
	uint64_t small[NR_SETS * WORDS_INLINE];
};

static int read_sets(struct select_sets *s, const uint64_t user[NR_SETS])
{
	size_t bytes = s->words * sizeof(uint64_t);

	for (uint32_t i = 0; i < NR_SETS; i++) {
		uint64_t *set = s->bits + i * s->words;

		memset(set, 0, bytes);
		if (user[i] && copy_from_user(set, (void *)user[i], bytes))
			return -EFAULT;
	}
	return 0;
}

static uint64_t wanted(const struct select_sets *s, uint32_t word)
{
	uint64_t v = s->bits[word] | s->bits[s->words + word] |
		     s->bits[2 * s->words + word];

	if (word == s->n / 64)		/* bits behind n are not looked at */
		v &= (1ull << (s->n % 64)) - 1;
	return v;
}

static bool bit_is_set(const struct select_sets *s, uint32_t set, uint32_t fd)
{
	return s->bits[set * s->words + fd / 64] >> (fd % 64) & 1;
}

/* One item for each descriptor in a set. Returns how many or -EBADF. */
static int make_items(const struct select_sets *s, struct poll_item *items)
{
	int n = 0;

	for (uint32_t w = 0; w < s->words; w++) {
		for (uint64_t v = wanted(s, w); v; v &= v - 1) {
			uint32_t fd = w * 64 + (uint32_t)__builtin_ctzll(v);
			struct poll_item *it = &items[n];

			it->f = fd_borrow((int)fd, &it->counted);
			if (!it->f)
				return -EBADF;
			it->events = (bit_is_set(s, 0, fd) ? SELECT_IN : 0) |
				     (bit_is_set(s, 1, fd) ? SELECT_OUT : 0) |
				     (bit_is_set(s, 2, fd) ? SELECT_EX : 0);
			n++;
		}
	}
	return n;
}

/* Turn the sets into results. Returns how many bits are set. */
static int store_results(struct select_sets *s, const struct poll_item *items)
{
	static const uint32_t result[NR_SETS] = { SELECT_IN, SELECT_OUT,
						  SELECT_EX };
	int count = 0;
	uint32_t n = 0;

	for (uint32_t w = 0; w < s->words; w++) {
		uint64_t v = wanted(s, w);
		uint64_t out[NR_SETS] = { 0 };

		for (; v; v &= v - 1, n++) {
			uint64_t bit = v & -v;

			for (uint32_t i = 0; i < NR_SETS; i++) {
				if (!(s->bits[i * s->words + w] & bit &&
				      items[n].revents & result[i]))
					continue;
				out[i] |= bit;
				count++;
			}
		}
		for (uint32_t i = 0; i < NR_SETS; i++)
			s->bits[i * s->words + w] = out[i];
	}
	return count;
}

static int select_sets_wait(struct select_sets *s, uint64_t deadline)
{
	struct poll_item small[NR_INLINE], *items = small;
	uint32_t max = 0;
	int ret, n;

	for (uint32_t w = 0; w < s->words; w++)
		max += (uint32_t)__builtin_popcountll(wanted(s, w));
	if (max > NR_INLINE) {
		items = kzalloc(max * sizeof(*items));
		if (!items)
			return -ENOMEM;
	} else {
		memset(small, 0, sizeof(small));
	}
	n = make_items(s, items);
	ret = n < 0 ? n : poll_items(items, (uint32_t)n, deadline);
	if (ret >= 0)
		ret = store_results(s, items);
	poll_items_release(items, max);
	if (items != small)
		kfree(items);
	return ret;
}

/* Returns bits set, -EINTR, or an error. */
static int select_until(int n, const uint64_t user[NR_SETS],
			uint64_t deadline)
{
	struct select_sets s;
	uint32_t max;
	int ret;

	if (n < 0)
		return -EINVAL;
	max = (uint32_t)files_max_fd(current_thread()->files);
	max = ALIGN_UP(MAX(max, 256u), 64u);
	s.n = MIN((uint32_t)n, max);
	s.words = (s.n + 63) / 64;
	s.bits = s.small;
	if (s.words > WORDS_INLINE) {
		s.bits = kmalloc(NR_SETS * s.words * sizeof(uint64_t));
		if (!s.bits)
			return -ENOMEM;
	}
	ret = read_sets(&s, user);
	if (!ret)
		ret = select_sets_wait(&s, deadline);
	for (uint32_t i = 0; i < NR_SETS && ret >= 0; i++)
		if (user[i] && copy_to_user((void *)user[i],
					    s.bits + i * s.words,
					    s.words * sizeof(uint64_t)))
			ret = -EFAULT;
	if (s.bits != s.small)
		kfree(s.bits);
	return ret;
}

/* struct timeval; microseconds may exceed a second. */
static int timeval_deadline(uint64_t user, uint64_t *deadline)
{
	struct { int64_t sec, usec; } tv;
	struct user_timespec t;

	*deadline = DEADLINE_NEVER;
	if (!user)
		return 0;
	if (copy_from_user(&tv, (const void *)user, sizeof(tv)))
		return -EFAULT;
	if (__builtin_add_overflow(tv.sec, tv.usec / 1000000, &t.sec))
		return -EINVAL;
	t.nsec = tv.usec % 1000000 * 1000;
	if (!timespec_is_valid(&t))
		return -EINVAL;
	if (timespec_ns(&t) != DEADLINE_NEVER)
		*deadline = deadline_in(timespec_ns(&t));
	return 0;
}

long sys_select(uint64_t n, uint64_t in, uint64_t out, uint64_t ex,
		uint64_t timeout)
{
	const uint64_t user[NR_SETS] = { in, out, ex };
	uint64_t deadline, left;
	int ret = timeval_deadline(timeout, &deadline);

	if (ret)
		return ret;
	ret = select_until((int)n, user, deadline);
	if (tells_rest(deadline, timeout)) {
		struct { int64_t sec, usec; } tv;

		left = time_left(deadline) / 1000;
		tv.sec = (int64_t)(left / 1000000);
		tv.usec = (int64_t)(left % 1000000);
		if (copy_to_user((void *)timeout, &tv, sizeof(tv)))
			return ret;
	}
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

long sys_pselect6(uint64_t n, uint64_t in, uint64_t out, uint64_t ex,
		  uint64_t timeout, uint64_t mask_arg)
{
	const uint64_t user[NR_SETS] = { in, out, ex };
	uint64_t deadline, mask[2] = { 0, 0 };
	int ret;

	if (mask_arg && copy_from_user(mask, (void *)mask_arg, sizeof(mask)))
		return -EFAULT;
	ret = user_deadline_get(timeout, &deadline);
	if (!ret)
		ret = temp_mask_begin(mask[0], mask[1]);
	if (ret)
		return ret;
	ret = select_until((int)n, user, deadline);
	temp_mask_end(ret == -EINTR);
	if (tells_rest(deadline, timeout) &&
	    user_timespec_put(timeout, time_left(deadline)))
		return ret;
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
