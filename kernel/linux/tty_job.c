/* SPDX-License-Identifier: MIT */
/*
 * What terminals ask of the personality: the caller's session and group, and
 * signals to groups. See struct tty_job_ops.
 */
#include "linux/tty_job.h"
#include <linux/capability.h>
#include <linux/fcntl.h>
#include "drv/pty.h"
#include "lib/string.h"
#include "linux/pid_ns.h"
#include "linux/process.h"

static struct session *session(void)
{
	return current_thread() ? current_process()->session : NULL;
}

static uint32_t pgid(void)
{
	return current_thread() ? current_process()->pgid : 0;
}

static bool is_session_leader(void)
{
	struct session *s = session();

	return s && s->sid == current_process()->pid;
}

static bool is_admin(void)
{
	return current_thread() &&
	       cred_has_cap(current_thread()->cred, CAP_SYS_ADMIN);
}

static bool is_ignored_or_blocked(int signo)
{
	return signal_is_ignored_or_blocked(signo);
}

struct orphan_search {
	uint32_t pgid;
	bool has_shell;
};

/* A member whose parent is of the session but of another group. */
static bool look_for_shell(struct process *p, void *arg)
{
	struct orphan_search *s = arg;

	if (p->pgid == s->pgid && p->nr_threads && p->parent &&
	    p->parent->session == p->session && p->parent->pgid != p->pgid)
		s->has_shell = true;
	return !s->has_shell;
}

static bool is_orphaned_pgrp(void)
{
	struct orphan_search s = { pgid(), false };

	mutex_lock(&process_lock);
	process_for_each(look_for_shell, &s);
	mutex_unlock(&process_lock);
	return !s.has_shell;
}

static uint32_t session_id(struct session *s)
{
	return s->sid;
}

static struct tty **session_tty(struct session *s)
{
	return &s->ctty;
}

struct group_search {
	uint32_t pgid;
	struct session *session;
	bool exists, is_ours;
};

static bool look_for_group(struct process *p, void *arg)
{
	struct group_search *g = arg;

	if (p->pgid != g->pgid)
		return true;
	g->exists = true;
	g->is_ours = p->session == g->session;
	return !g->is_ours;
}

static int check_pgrp(uint32_t nr, struct session *s)
{
	struct group_search g = { .session = s };

	mutex_lock(&process_lock);
	g.pgid = pid_from_user_locked(nr);
	process_for_each(look_for_group, &g);
	mutex_unlock(&process_lock);
	if (!g.exists)
		return -ESRCH;
	return g.is_ours ? (int)g.pgid : -EPERM;
}

static long seen(uint32_t id)
{
	return pid_to_user(id);
}

static void signal_pgrp(uint32_t id, int signo)
{
	signal_send_pgrp(id, signo, NULL);
}

static void signal_leader(uint32_t sid, int signo)
{
	struct process *p;

	mutex_lock(&process_lock);
	p = process_find(sid);
	if (p && p->nr_threads)
		signal_send_process(p, signo, NULL);
	mutex_unlock(&process_lock);
}

static const struct tty_job_ops job_ops = {
	.session = session,
	.pgid = pgid,
	.is_session_leader = is_session_leader,
	.is_admin = is_admin,
	.is_ignored_or_blocked = is_ignored_or_blocked,
	.is_orphaned_pgrp = is_orphaned_pgrp,
	.session_id = session_id,
	.session_tty = session_tty,
	.check_pgrp = check_pgrp,
	.seen = seen,
	.signal_pgrp = signal_pgrp,
	.signal_leader = signal_leader,
};

void tty_job_init(void)
{
	tty_set_job_ops(&job_ops);
}

long tty_open_peer(struct file *f, uint64_t flags)
{
	struct pty *p = pty_of_master(f);
	struct walk_ctx w;
	struct file *peer;
	char name[24];
	int err;

	if (!p)
		return -ENOTTY;
	scnprintf(name, sizeof(name), "/dev/pts/%u", pty_index(p));
	err = walk_ctx_get(&w, AT_FDCWD, name);
	if (err)
		return err;
	err = vfs_open(&w, name, (uint32_t)flags & (O_ACCMODE | O_NOCTTY |
						    O_NONBLOCK), 0, 0, &peer);
	walk_ctx_put(&w);
	if (err)
		return err;
	err = fd_install(peer, flags & O_CLOEXEC);
	if (err < 0)
		file_put(peer);
	return err;
}
