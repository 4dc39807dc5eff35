/* SPDX-License-Identifier: MIT */
/*
 * What the files of procfs share. Nodes under /proc/PID have key = pid, plus
 * tid << 32 below task/TID; key2 = descriptor number in fd and fdinfo. These are
 * the kernel's numbers (linux/pid_ns.h), names have those of proc_pid_ns().
 */
#pragma once
#include "fs/pseudofs.h"
#include "linux/process.h"
#include "platform/platform.h"

#define PROC_NAME_MAX	4096u	/* longest path shown */

static inline uint32_t proc_pid(const struct pseudo_node *n)
{
	return (uint32_t)n->key;
}

/* Whose numbers are shown: of the namespace that it was mounted in. */
static inline const struct pid_ns *proc_pid_ns(const struct pseudo_node *n)
{
	return n->data;
}

static inline uint32_t proc_tid(const struct pseudo_node *n)
{
	return (uint32_t)(n->key >> 32);
}

/* A process (and one of its threads) as it was at one moment; numbers as the
 * node shows them. */
struct proc_info {
	uint32_t pid, tid, ppid, pgid, sid, nr_threads;
	uint32_t id;			/* the kernel's number of the process */
	struct pid_ns *pid_ns;		/* of the process; a reference */
	char comm[16];
	char state;			/* R S T t Z */
	struct cred *cred;		/* reference, or NULL */
	uint64_t pending, shared_pending, blocked, ignored, caught;
	uint32_t nr_queued;
	uint64_t max_queued;
	int32_t nice, oom_score_adj;
	uint32_t policy, priority, exit_signal, exit_status, umask, fd_max;
	uint64_t cpu_mask, personality_flags, timer_slack;
	uint64_t start_ns, user_ns, sys_ns, child_user_ns, child_sys_ns;
	uint64_t tty;
	uint32_t tty_pgrp;
	int32_t syscall_nr;
	bool no_new_privs;
	uint32_t tracer_pid;
	uint8_t seccomp_mode;
	uint32_t nr_filters;
	struct mm *mm;			/* reference, or NULL (zombie) */
};
/* Returns 0 or -ESRCH. Pair with fini. */
int proc_info_init(struct proc_info *i, const struct pseudo_node *n);
void proc_info_fini(struct proc_info *i);

/* Each returns an object with a reference, or NULL (gone, or a zombie). */
struct process *proc_process(const struct pseudo_node *n);
struct files *proc_files(const struct pseudo_node *n);
struct mm *proc_mm(const struct pseudo_node *n);
/* root: its root directory, else its working directory. 0 or -errno */
int proc_fs_path(const struct pseudo_node *n, bool root, struct path *out);
/* May the caller look inside the process? (as ptrace would allow) */
bool proc_may_inspect(const struct pseudo_node *n);
/* The caller's root directory, with references. */
void proc_caller_root(struct path *out);
/* Name of p as the caller sees it, in heap memory; NULL: no memory. */
char *proc_path_name(const struct path *p);
/* readlink results: copy at most size bytes. */
ssize_t proc_link_text(const char *text, char *buf, size_t size);
/* Decimal number without sign, or -1. */
int64_t proc_parse_number(const char *s);
/* What is resident of mm, the one of process pid: what who accounts it says,
 * else what its programs may have touched, an upper bound. */
struct mm;
void proc_usage(struct mm *mm, uint32_t pid, struct plat_usage *u);

#define PROC_TEXT(n, t) \
	{ .name = n, .mode = S_IFREG | 0444, .is_text = true, .text = t }
#define PROC_FILE(n, fn) \
	{ .name = n, .mode = S_IFREG | 0444, .show = fn }

/* Processor time of all processes, and of those that were waited for. */
void proc_cpu_time(uint64_t *user_ns, uint64_t *sys_ns);

/* --- tables --------------------------------------------------------------------*/
extern const struct pseudo_entry proc_pid_table[];	/* of /proc/PID */
extern const struct pseudo_entry proc_task_table[];	/* of task/TID */
extern const struct pseudo_entry proc_net_table[];
extern const struct pseudo_dir_ops sysfs_net_ops;
extern const struct pseudo_entry proc_sys_table[];
extern const struct pseudo_entry proc_ns_table[];
extern const struct pseudo_entry proc_attr_table[];
extern const struct pseudo_dir_ops proc_fd_ops, proc_fdinfo_ops, proc_task_ops;

/* --- files: show functions -------------------------------------------------------*/
typedef int proc_show_fn(struct textbuf *t, struct pseudo_node *n);
proc_show_fn proc_show_stat, proc_show_status, proc_show_statm;
proc_show_fn proc_show_maps, proc_show_smaps, proc_show_smaps_rollup;
proc_show_fn proc_show_limits, proc_show_mounts, proc_show_mountinfo;
proc_show_fn proc_show_mountstats, proc_show_cpuinfo, proc_show_meminfo;
proc_show_fn proc_show_vmstat, proc_show_cpu_stat, proc_show_loadavg;
proc_show_fn proc_show_uptime, proc_show_version, proc_show_interrupts;
proc_show_fn proc_show_filesystems, proc_show_net_unix, proc_show_cpus;

/* mounts.c */
ssize_t proc_self_mounts(struct pseudo_node *n, char *buf, size_t size);
/* links.c */
ssize_t proc_exe_readlink(struct pseudo_node *n, char *buf, size_t size);
ssize_t proc_cwd_readlink(struct pseudo_node *n, char *buf, size_t size);
ssize_t proc_root_readlink(struct pseudo_node *n, char *buf, size_t size);
int proc_exe_follow(struct pseudo_node *n, struct path *out);
int proc_cwd_follow(struct pseudo_node *n, struct path *out);
int proc_root_follow(struct pseudo_node *n, struct path *out);
/* procfs.c: that of the caller's namespace; NULL: no memory. */
struct super *procfs_create_own(void);
/* Whose directory it is (/proc/PID); 0: none of those. */
uint32_t proc_dir_pid(const struct inode *i);
/* mem.c */
extern const struct file_ops proc_mem_ops;
