/* SPDX-License-Identifier: MIT */
/* /proc/PID/stat, status, statm: formats exactly as Linux prints them. */
#include "linux/proc/proc.h"
#include <linux/sched.h>
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/mm.h"
#include "linux/pid_ns.h"

#define TICK_NS		10000000ull	/* USER_HZ = 100 */
#define RT_PRIO_BASE	(-1)		/* field 18: -1 - priority */

static uint64_t ticks(uint64_t ns)
{
	return ns / TICK_NS;
}

/* Kernel's view: 20 + nice, or below zero for real-time policies. */
static int stat_priority(const struct proc_info *i)
{
	if (i->policy == SCHED_FIFO || i->policy == SCHED_RR)
		return RT_PRIO_BASE - (int)i->priority;
	return 20 + i->nice;
}

static uint32_t encode_tty(uint64_t rdev)
{
	return (dev_minor(rdev) & 0xff) | dev_major(rdev) << 8 |
	       (dev_minor(rdev) & ~0xffu) << 12;
}

struct stat_memory {
	uint64_t vsize, rss_pages, file_pages;
	uint64_t code_start, code_end, stack, data_start, data_end, brk;
	uint64_t arg_start, arg_end, env_start, env_end;
};

static void get_memory(const struct proc_info *i, struct stat_memory *m)
{
	struct mm *mm = i->mm;
	struct plat_usage u;

	memset(m, 0, sizeof(*m));
	if (!mm)
		return;
	proc_usage(mm, i->id, &u);
	m->vsize = mm_total_bytes(mm);
	m->rss_pages = (u.private + u.mapped) / PAGE_SIZE;
	m->file_pages = u.mapped / PAGE_SIZE;
	m->code_start = mm->code_start;
	m->code_end = mm->code_end;
	m->stack = mm->stack_start;
	m->data_start = mm->data_start;
	m->data_end = mm->data_end;
	m->brk = mm->brk_start;
	m->arg_start = mm->arg_start;
	m->arg_end = mm->arg_end;
	m->env_start = mm->env_start;
	m->env_end = mm->env_end;
}

int proc_show_stat(struct textbuf *t, struct pseudo_node *n)
{
	struct proc_info i;
	struct stat_memory m;
	int err = proc_info_init(&i, n);

	if (err)
		return err;
	get_memory(&i, &m);
	textbuf_printf(t, "%u (%s) %c %u %u %u %u %d %u ", i.tid, i.comm,
		       i.state, i.ppid, i.pgid, i.sid, encode_tty(i.tty),
		       i.tty ? (int)i.tty_pgrp : -1, 0x400000u);
	textbuf_printf(t, "0 0 0 0 %lu %lu %lu %lu %d %d %u 0 %lu ",
		       ticks(i.user_ns), ticks(i.sys_ns),
		       ticks(i.child_user_ns), ticks(i.child_sys_ns),
		       stat_priority(&i), i.nice, i.nr_threads,
		       ticks(i.start_ns));
	textbuf_printf(t, "%lu %lu 18446744073709551615 %lu %lu %lu 0 0 ",
		       m.vsize, m.rss_pages, m.code_start, m.code_end, m.stack);
	/* the four old 31-bit signal sets */
	textbuf_printf(t, "%lu %lu %lu %lu 0 0 0 %d 0 ",
		       i.pending & 0x7fffffff, i.blocked & 0x7fffffff,
		       i.ignored & 0x7fffffff, i.caught & 0x7fffffff,
		       (int)i.exit_signal);
	textbuf_printf(t, "%u %u 0 0 0 %lu %lu %lu %lu %lu %lu %lu %u\n",
		       i.priority, i.policy, m.data_start, m.data_end, m.brk,
		       m.arg_start, m.arg_end, m.env_start, m.env_end,
		       i.exit_status);
	proc_info_fini(&i);
	return 0;
}

int proc_show_statm(struct textbuf *t, struct pseudo_node *n)
{
	struct proc_info i;
	struct stat_memory m;
	int err = proc_info_init(&i, n);

	if (err)
		return err;
	get_memory(&i, &m);
	textbuf_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", m.vsize / PAGE_SIZE,
		       m.rss_pages, m.file_pages,
		       (m.code_end - m.code_start + PAGE_SIZE - 1) / PAGE_SIZE,
		       i.mm ? (i.mm->data_bytes + i.mm->stack_bytes) / PAGE_SIZE :
			      0);
	proc_info_fini(&i);
	return 0;
}

static const char *state_text(char state)
{
	switch (state) {
	case 'R':
		return "R (running)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "S (sleeping)";
	}
}

static const struct cred of_zombie;

/* As the reader's user namespace calls them. */
static void show_four(struct textbuf *t, const char *name, enum id_kind kind,
		      const uint32_t *id)
{
	textbuf_puts(t, name);
	for (int i = 0; i < 4; i++)
		textbuf_printf(t, "\t%u",
			       id_show(current_thread()->cred->user_ns, kind,
				       id[i]));
	textbuf_puts(t, "\n");
}

static void show_ids(struct textbuf *t, const struct proc_info *i,
		     const struct pid_ns *from)
{
	const struct {
		const char *name;
		uint32_t nr;
	} ids[] = { { "tgid", i->pid }, { "pid", i->tid }, { "pgid", i->pgid },
		    { "sid", i->sid } };
	const struct cred *c = i->cred ? i->cred : &of_zombie;
	uint32_t fd_size = 64;

	while (fd_size < i->fd_max)
		fd_size *= 2;
	show_four(t, "Uid:", ID_USER, &c->uid);
	show_four(t, "Gid:", ID_GROUP, &c->gid);
	textbuf_printf(t, "FDSize:\t%u\nGroups:\t", fd_size);
	for (uint32_t g = 0; g < c->nr_groups; g++)
		textbuf_printf(t, "%s%u", g ? " " : "",
			       id_show(current_thread()->cred->user_ns,
				       ID_GROUP, c->groups[g]));
	textbuf_puts(t, " ");
	for (size_t n = 0; n < ARRAY_LEN(ids); n++) {
		textbuf_printf(t, "\nNS%s:", ids[n].name);
		pid_show_levels(t, from, i->pid_ns, ids[n].nr);
	}
	textbuf_puts(t, "\nKthread:\t0\n");
}

static void show_kb(struct textbuf *t, const char *name, uint64_t bytes)
{
	textbuf_printf(t, "%s:\t%8lu kB\n", name, bytes >> 10);
}

static void show_memory(struct textbuf *t, const struct proc_info *i)
{
	struct mm *mm = i->mm;
	struct plat_usage u;
	uint64_t text = mm->code_end > mm->code_start ?
			mm->code_end - mm->code_start : 0;

	proc_usage(mm, i->id, &u);
	show_kb(t, "VmPeak", MAX(mm->high_water_bytes, mm->total_bytes));
	show_kb(t, "VmSize", mm->total_bytes);
	show_kb(t, "VmLck", mm->locked_bytes);
	show_kb(t, "VmPin", 0);
	show_kb(t, "VmHWM", u.private_peak + u.mapped);
	show_kb(t, "VmRSS", u.private + u.mapped);
	show_kb(t, "RssAnon", u.private);
	show_kb(t, "RssFile", u.mapped);
	show_kb(t, "RssShmem", 0);
	show_kb(t, "VmData", mm->data_bytes);
	show_kb(t, "VmStk", mm->stack_bytes);
	show_kb(t, "VmExe", text);
	show_kb(t, "VmLib", u.mapped > text ? u.mapped - text : 0);
	show_kb(t, "VmPTE", u.tables);
	show_kb(t, "VmSwap", 0);
	show_kb(t, "HugetlbPages", 0);
	textbuf_puts(t, "CoreDumping:\t0\nTHP_enabled:\t1\n");
}

static void show_signals(struct textbuf *t, const struct proc_info *i)
{
	textbuf_printf(t, "Threads:\t%u\nSigQ:\t%u/%lu\n", i->nr_threads,
		       i->nr_queued, i->max_queued);
	textbuf_printf(t, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n",
		       i->pending, i->shared_pending, i->blocked);
	textbuf_printf(t, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", i->ignored,
		       i->caught);
}

static void show_caps(struct textbuf *t, const struct proc_info *i)
{
	const struct cred *c = i->cred ? i->cred : &of_zombie;

	textbuf_printf(t, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n",
		       c->cap_inheritable, c->cap_permitted, c->cap_effective);
	textbuf_printf(t, "CapBnd:\t%016lx\nCapAmb:\t%016lx\n",
		       c->cap_bounding, c->cap_ambient);
	textbuf_printf(t, "NoNewPrivs:\t%u\nSeccomp:\t%u\nSeccomp_filters:\t%u\n",
		       i->no_new_privs, i->seccomp_mode, i->nr_filters);
}

static void show_cpus(struct textbuf *t, const struct proc_info *i)
{
	uint64_t all = boot->nr_cpus >= 64 ? ~0ull :
		       (1ull << boot->nr_cpus) - 1;
	uint64_t mask = i->cpu_mask ? i->cpu_mask & all : all;
	bool first = true;

	textbuf_printf(t, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", mask);
	for (int c = 0; c < 64; c++) {
		int end = c;

		if (!(mask >> c & 1))
			continue;
		while (end < 63 && mask >> (end + 1) & 1)
			end++;
		textbuf_printf(t, end > c ? "%s%d-%d" : "%s%d",
			       first ? "" : ",", c, end);
		first = false;
		c = end;
	}
	textbuf_puts(t, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int proc_show_status(struct textbuf *t, struct pseudo_node *n)
{
	struct proc_info i;
	int err = proc_info_init(&i, n);

	if (err)
		return err;
	textbuf_printf(t, "Name:\t");
	textbuf_escape(t, i.comm, "\n\\");
	textbuf_printf(t, "\nUmask:\t%04o\nState:\t%s\nTgid:\t%u\nNgid:\t0\n",
		       i.umask, state_text(i.state), i.pid);
	textbuf_printf(t, "Pid:\t%u\nPPid:\t%u\nTracerPid:\t%u\n", i.tid,
		       i.ppid, i.tracer_pid);
	show_ids(t, &i, proc_pid_ns(n));
	if (i.mm)
		show_memory(t, &i);
	show_signals(t, &i);
	show_caps(t, &i);
	textbuf_puts(t, "Speculation_Store_Bypass:\tthread vulnerable\n"
		     "SpeculationIndirectBranch:\tconditional enabled\n");
	show_cpus(t, &i);
	textbuf_puts(t, "voluntary_ctxt_switches:\t0\n"
		     "nonvoluntary_ctxt_switches:\t0\n");
	proc_info_fini(&i);
	return 0;
}
