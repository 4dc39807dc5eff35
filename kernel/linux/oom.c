/* SPDX-License-Identifier: MIT */
/*
 * Memory of processes. When a program's page finds no memory, the process that
 * has most is ended (as Linux does: its share of all memory in thousandths plus
 * oom_score_adj), and everybody else waits until its memory is back. Where the
 * host knows the sizes and not the kernel (platform process), the tender tells
 * them, watches the sum, and says when it is too much.
 */
#include "linux/oom.h"
#include "core/page.h"
#include "core/panic.h"
#include "fs/hostfs/channel.h"
#include "lib/string.h"
#include "linux/process.h"
#include "linux/signal.h"
#include "linux/strace.h"
#include "platform/platform.h"
#include <asm/signal.h>

#define NEVER		(-1000)	/* oom_score_adj: never this one */
#define SCORE_MAX	2000
/* From the end of a process's last thread until its memory is back. */
#define SETTLE_NS	(NSEC_PER_SEC / 5)

/* When the last one that was killed ended; process_lock. */
static uint64_t gone_ns;

/* The largest process that has ended; process_lock. */
static struct {
	uint64_t peak;
	uint32_t pid;
	char comm[16];
} largest;

static int ask_tender(uint32_t carrier, struct plat_usage *u)
{
	struct fsrv_request rq = { .op = FSRV_USAGE, .arg = carrier };
	struct fsrv_reply rp;
	struct fsrv_usage got;
	int err = server_call(&rq, NULL, NULL, NULL, &rp, &got, sizeof(got),
			      NULL);

	if (!err && rp.data_len != sizeof(got))
		err = -EIO;
	if (!err)
		*u = (struct plat_usage){
			.private = got.private, .mapped = got.mapped,
			.private_peak = got.private_peak, .tables = got.tables,
		};
	return err;
}

int process_usage(struct process *p, struct plat_usage *u)
{
	struct thread *t;
	int err;

	if (list_is_empty(&p->threads))
		return -ESRCH;
	t = list_first(&p->threads, struct thread, link);
	err = plat_space_usage(t->task, u);
	return err == -EOPNOTSUPP ?
	       ask_tender(plat_task_carrier(t->task), u) : err;
}

/* In thousandths of all memory, weighed; below 0: as little as there is. */
static int64_t badness(struct process *p, uint64_t *private)
{
	uint64_t all = page_limit_bytes();
	struct plat_usage u;

	*private = 0;
	if (process_usage(p, &u))
		return p->oom_score_adj;
	*private = u.private;
	/* rounded up: who has anything comes before who has nothing */
	return p->oom_score_adj +
	       (int64_t)(((u.private + u.tables) * 1000 + all) /
			 MAX(all, 1ull));
}

int oom_score(struct process *p)
{
	uint64_t private;
	int64_t score;

	if (p->oom_score_adj == NEVER)
		return 0;
	score = badness(p, &private) + 1000;
	/* as Linux: two thirds of 0..2000 */
	return (int)(MAX(0l, MIN(score, (int64_t)SCORE_MAX)) * 2 / 3);
}

void oom_kill_process(struct process *p, uint64_t private)
{
	p->oom_killed = true;
	if (private)
		klog("out of memory: killed process %u (%s), %lu KiB of "
		     "private memory, oom_score_adj %d", p->pid, p->comm,
		     private >> 10, p->oom_score_adj);
	else
		klog("out of memory: killed process %u (%s)", p->pid, p->comm);
	signal_send_process(p, SIGKILL, NULL);
}

struct choice {
	struct process *victim;
	int64_t badness;
	uint64_t private;
	bool ending;
};

static bool consider(struct process *p, void *arg)
{
	struct choice *c = arg;
	uint64_t private;
	int64_t bad;

	if (!p->nr_threads)
		return true;
	if (p->oom_killed) {
		c->ending = true;
		return false;
	}
	bad = badness(p, &private);
	if (p->oom_score_adj != NEVER && (!c->victim || bad > c->badness)) {
		c->victim = p;
		c->badness = bad;
		c->private = private;
	}
	return true;
}

void oom_kill(void)
{
	struct choice c = { 0 };

	/* the caller may hold it itself: then somebody else does this */
	if (!mutex_try_lock(&process_lock))
		return;
	process_for_each(consider, &c);
	if (!c.ending && c.victim &&
	    plat_clock_mono_ns() - gone_ns >= SETTLE_NS)
		oom_kill_process(c.victim, c.private);
	mutex_unlock(&process_lock);
}

/* --- --stats ----------------------------------------------------------------*/
static bool note_peak(struct process *p, void *arg)
{
	struct plat_usage u;

	if (!process_usage(p, &u) && u.private_peak > largest.peak) {
		largest.peak = u.private_peak;
		largest.pid = p->pid;
		strlcpy(largest.comm, p->comm, sizeof(largest.comm));
	}
	return true;
}

void oom_account_exit(struct process *p)
{
	if (p->oom_killed)
		gone_ns = plat_clock_mono_ns();
	if (syscall_watch & WATCH_STATS)
		note_peak(p, NULL);
}

void oom_stats_print(void)
{
	mutex_lock(&process_lock);
	process_for_each(note_peak, NULL);
	if (largest.peak)
		klog("stats: largest process %u (%s), %lu KiB of private "
		     "memory", largest.pid, largest.comm, largest.peak >> 10);
	mutex_unlock(&process_lock);
}
