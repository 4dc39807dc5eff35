/* SPDX-License-Identifier: MIT */
/*
 * Parking, descriptors, the server channel, entropy and the log: the parts of
 * platform.h that are one host call each.
 */
#include "platform/process/host.h"
#include "abi/fileserver.h"
#include "lib/string.h"
#include "platform/platform.h"
#include <linux/futex.h>
#include <linux/poll.h>

struct process_platform process_platform;

struct host_timespec {
	int64_t sec, nsec;
};

static struct host_timespec to_timespec(uint64_t ns)
{
	return (struct host_timespec){ (int64_t)(ns / NSEC_PER_SEC),
				       (int64_t)(ns % NSEC_PER_SEC) };
}

int plat_word_wait(uint32_t *word, uint32_t val, uint64_t deadline_ns)
{
	struct host_timespec ts = to_timespec(deadline_ns);
	long r = host_call(__NR_futex, (uint64_t)word, FUTEX_WAIT_BITSET, val,
			   deadline_ns == DEADLINE_NEVER ? 0 : (uint64_t)&ts,
			   0, FUTEX_BITSET_MATCH_ANY);

	return r == -ETIMEDOUT || r == -EINTR ? (int)r : 0;
}

void plat_word_wake(uint32_t *word, uint32_t max)
{
	HC3(__NR_futex, word, FUTEX_WAKE, MIN(max, 0x7fffffffu));
}

/*
 * To sleep and to be woken takes two host calls and a few thousand cycles of
 * both sides' processors. So who waits for another looks first, for as long as
 * that would cost, never more: what comes sooner saves it for both.
 */
#define SPIN_CYCLES	8192

bool plat_spin_while(const uint32_t *word, uint32_t val)
{
	uint64_t start = __builtin_ia32_rdtsc();

	if (process_platform.boot->nr_cpus < 2)
		return false;
	do {
		if (__atomic_load_n(word, __ATOMIC_RELAXED) != val)
			return true;
		__builtin_ia32_pause();
	} while (__builtin_ia32_rdtsc() - start < SPIN_CYCLES);
	return false;
}

/* One that has looked in vain looks at each 64th time until that pays off. */
#define SPIN_DEBT	4	/* of one that was in vain */
#define SPIN_CREDIT	16
#define SPIN_SELDOM	64

void plat_park_spin(struct task *t)
{
	struct plat_task *p = &t->arch.plat;

	if (p->spin_debt > 0 && ++p->spins_missed % SPIN_SELDOM)
		return;
	if (plat_spin_while(&t->wake, WAKE_NONE))
		p->spin_debt = MAX(p->spin_debt - 1, -SPIN_CREDIT);
	else
		p->spin_debt = MIN(p->spin_debt + SPIN_DEBT, SPIN_DEBT);
}

/* The host schedules. */
int plat_park(uint32_t val, uint64_t deadline_ns, struct task *to)
{
	if (to)
		plat_unpark(to);
	return plat_word_wait(&current_task()->wake, val, deadline_ns);
}

void plat_unpark(struct task *t)
{
	plat_word_wake(&t->wake, 1);
}

/* All do. */
void plat_watch_calls(void)
{
}

void plat_yield(void)
{
	HC1(__NR_sched_yield, 0);
}

void plat_relax(void)
{
	uint32_t word = 0;

	plat_word_wait(&word, 0, plat_clock_mono_ns() + 50000);
}

ssize_t plat_fd_pread(int fd, void *buf, size_t n, int64_t off)
{
	struct { void *base; size_t len; } iov = { buf, n };

	return host_call_intr(__NR_preadv2, (uint64_t)fd, (uint64_t)&iov, 1,
			      (uint64_t)off, 0, 0);
}

ssize_t plat_fd_pwrite(int fd, const void *buf, size_t n, int64_t off)
{
	struct { const void *base; size_t len; } iov = { buf, n };

	return host_call_intr(__NR_pwritev2, (uint64_t)fd, (uint64_t)&iov, 1,
			      (uint64_t)off, 0, 0);
}

int64_t plat_fd_seek(int fd, int64_t off, int whence)
{
	return HC3(__NR_lseek, fd, off, whence);
}

void plat_fd_close(int fd)
{
	HC1(__NR_close, fd);
}

int plat_fd_poll(struct plat_pollfd *p, uint32_t n, uint64_t deadline_ns)
{
	uint64_t now = deadline_ns ? plat_clock_mono_ns() : 0;
	struct host_timespec ts =
		to_timespec(deadline_ns > now ? deadline_ns - now : 0);
	uint64_t tsp = deadline_ns == DEADLINE_NEVER ? 0 : (uint64_t)&ts;

	_Static_assert(sizeof(*p) == sizeof(struct pollfd), "same layout");
	if (!deadline_ns)
		return (int)host_call(__NR_ppoll, (uint64_t)p, n, tsp, 0, 0, 0);
	return (int)host_call_intr(__NR_ppoll, (uint64_t)p, n, tsp, 0, 0, 0);
}

struct host_msghdr {
	void *name;
	uint32_t namelen, pad;
	void *iov;
	size_t iovlen;
	void *control;
	size_t controllen;
	int flags;
};

/* struct cmsghdr with descriptors */
struct host_cmsg_fds {
	size_t len;
	int level, type;
	int fd[FSRV_FDS_MAX];
};

#define HOST_SOL_SOCKET		1
#define HOST_SCM_RIGHTS		1
#define HOST_MSG_NOSIGNAL	0x4000

#define SPIN_TRIES	32
#define SPIN_CREDIT_MAX	16

/*
 * A reply mostly comes sooner than sleeping and waking would take: look for it
 * a while first, as long as that has paid off lately. The caller holds the
 * channel's lock, which guards the counters.
 */
static void await_reply(void)
{
	static int credit = 1;
	static uint32_t calls;
	struct pollfd p = { .fd = ABI_FD_SERVER, .events = POLLIN };
	struct host_timespec none = { 0, 0 };

	if (process_platform.boot->nr_cpus < 2)
		return;
	/* try again now and then: the load may have gone */
	if (credit <= 0 && ++calls % 64)
		return;
	for (int i = 0; i < SPIN_TRIES; i++) {
		if (host_call(__NR_ppoll, (uint64_t)&p, 1, (uint64_t)&none, 0,
			      0, 0)) {
			credit = MIN(credit + 1, SPIN_CREDIT_MAX);
			return;
		}
	}
	credit = MAX(credit - 4, 0);
}

int plat_server_call(const void *req, size_t req_len, void *reply,
		     size_t reply_max, size_t *reply_len, int *fds)
{
	struct { void *base; size_t len; } iov = { (void *)req, req_len };
	struct host_cmsg_fds cmsg;
	struct host_msghdr m = { .iov = &iov, .iovlen = 1 };
	long r;

	memset(fds, 0xff, sizeof(cmsg.fd));
	do
		r = HC3(__NR_sendmsg, ABI_FD_SERVER, &m, HOST_MSG_NOSIGNAL);
	while (r == -EINTR);
	if (r < 0)
		return (int)r;
	iov.base = reply;
	iov.len = reply_max;
	m.control = &cmsg;
	m.controllen = sizeof(cmsg);
	await_reply();
	do
		r = HC3(__NR_recvmsg, ABI_FD_SERVER, &m, 0);
	while (r == -EINTR);
	if (r <= 0)
		return r ? (int)r : -EIO;
	/* the host says how many there were room for */
	if (m.controllen > offsetof(struct host_cmsg_fds, fd) &&
	    cmsg.level == HOST_SOL_SOCKET && cmsg.type == HOST_SCM_RIGHTS &&
	    cmsg.len <= sizeof(cmsg))
		memcpy(fds, cmsg.fd,
		       cmsg.len - offsetof(struct host_cmsg_fds, fd));
	*reply_len = (size_t)r;
	return 0;
}

void plat_entropy(void *buf, size_t n)
{
	char *p = buf;

	while (n) {
		long r = HC3(__NR_getrandom, p, MIN(n, 256ul), 0);

		if (r <= 0)
			continue;
		p += r;
		n -= (size_t)r;
	}
}

void plat_log(const char *s, size_t n)
{
	struct { const char *base; size_t len; } iov = { s, n };

	host_call(__NR_pwritev2, ABI_FD_LOG, (uint64_t)&iov, 1, (uint64_t)-1,
		  0, 0);
}

/* The tender looks at the boot block itself. */
void plat_report(void)
{
}

/* Mappings are the host's. */
void plat_sync(void)
{
}

/* What there is to count, the host counts. */
void plat_stats_print(void)
{
}

long plat_test_call(const uint64_t a[7])
{
	return host_call((long)a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
}
