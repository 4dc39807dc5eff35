/* SPDX-License-Identifier: MIT */
/*
 * The table of processes and threads, identifiers, parents, groups, sessions.
 * Birth is in fork.c, death in exit.c, waiting in wait.c.
 */
#include "linux/process.h"
#include "arch/arch_cpu.h"
#include "core/heap.h"
#include "core/panic.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/mm.h"
#include "linux/pid_ns.h"
#include "linux/process_priv.h"
#include "linux/remote.h"
#include "platform/platform.h"
#include <asm/signal.h>
#include <linux/resource.h>

#define HASH_SIZE	256u

struct mutex process_lock = MUTEX_INIT;
uint32_t program_pid;

/* under process_lock */
static struct list threads_by_tid[HASH_SIZE], processes_by_pid[HASH_SIZE];
static struct list all_processes = LIST_INIT(all_processes);
static uint32_t nr_threads_total;

/* A list of one of the tables, made at its first use. */
static struct list *bucket(struct list *table, uint32_t id)
{
	struct list *b = &table[id % HASH_SIZE];

	if (!b->next)
		list_init(b);
	return b;
}

struct process *process_find(uint32_t pid)
{
	list_for_each(l, bucket(processes_by_pid, pid)) {
		struct process *p = list_entry(l, struct process, pid_link);

		if (p->pid == pid)
			return p;
	}
	return NULL;
}

struct thread *thread_find(uint32_t tid)
{
	list_for_each(l, bucket(threads_by_tid, tid)) {
		struct thread *t = list_entry(l, struct thread, tid_link);

		if (t->tid == tid)
			return t;
	}
	return NULL;
}

void process_for_each(bool (*fn)(struct process *p, void *arg), void *arg)
{
	list_for_each_safe(l, &all_processes)
		if (!fn(list_entry(l, struct process, all_link), arg))
			return;
}

struct find_group {
	uint32_t id;
	bool found;
};

static bool uses_id(struct process *p, void *arg)
{
	struct find_group *f = arg;

	f->found = p->pgid == f->id || (p->session && p->session->sid == f->id);
	return !f->found;
}

bool process_id_in_use_locked(uint32_t id)
{
	struct find_group f = { id, false };

	if (process_find(id) || thread_find(id))
		return true;
	process_for_each(uses_id, &f);
	return f.found;
}

uint32_t process_total_threads(void)
{
	return nr_threads_total;
}

struct process *process_get(struct process *p)
{
	ref_get(&p->refs);
	return p;
}

void process_put(struct process *p)
{
	if (!ref_put(&p->refs))
		return;
	if (p->exe.dentry)
		path_put(&p->exe);
	pid_ns_put(p->pid_ns);
	kfree(p->exe_name);
	process_free_proc_data(p);
	kfree(p);
}

uint32_t process_ppid(struct process *p)
{
	return p->parent ? p->parent->pid : 0;
}

struct process *process_alloc(void)
{
	struct process *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	ref_init(&p->refs, 1);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->threads);
	list_init(&p->errands);
	list_init(&p->all_link);
	list_init(&p->pid_link);
	list_init(&p->posix_timers);
	waitq_init(&p->child_wait);
	signal_state_init(&p->signals);
	process_init_extra(p);
	p->exit_signal = SIGCHLD;
	p->dumpable = 1;
	p->pid_ns = &pid_ns_first;
	p->start_ns = plat_clock_boot_ns();
	return p;
}

struct thread *thread_alloc(struct process *p)
{
	struct thread *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->task = task_create(TASK_USER, "thread");
	if (!t->task) {
		kfree(t);
		return NULL;
	}
	t->task->personality = t;
	t->process = p;
	t->regs = task_regs(t->task);
	list_init(&t->link);
	list_init(&t->tid_link);
	list_init(&t->tracees);
	list_init(&t->sig.pending.queue);
	t->sig.alt_flags = 2;	/* SS_DISABLE */
	return t;
}

/* Undo thread_alloc of a thread that never ran. */
void thread_free(struct thread *t)
{
	if (t->task)
		task_destroy(t->task);
	kfree(t);
}

/* Make a thread visible. Caller holds process_lock. */
void thread_link_locked(struct thread *t)
{
	struct process *p = t->process;

	mutex_lock(&p->signals.lock);
	list_append(&p->threads, &t->link);
	p->nr_threads++;
	mutex_unlock(&p->signals.lock);
	list_append(bucket(threads_by_tid, t->tid), &t->tid_link);
	nr_threads_total++;
}

void thread_unlink_locked(struct thread *t)
{
	struct process *p = t->process;

	mutex_lock(&p->signals.lock);
	list_remove(&t->link);
	p->nr_threads--;
	signal_thread_gone_locked(t);
	mutex_unlock(&p->signals.lock);
	list_remove(&t->tid_link);
	nr_threads_total--;
	if (!t->trace)	/* else its tracer has yet to wait for it */
		pid_release_locked(t->tid);
}

void thread_lead_locked(struct thread *t)
{
	uint32_t old = t->tid;

	list_remove(&t->tid_link);
	t->tid = t->process->pid;
	t->nr = t->process->nr;
	list_append(bucket(threads_by_tid, t->tid), &t->tid_link);
	pid_release_locked(old);
}

void process_link_locked(struct process *p, struct process *parent)
{
	p->parent = parent;
	if (parent)
		list_append(&parent->children, &p->sibling);
	pid_ns_count_locked(p->pid_ns, 1);
	list_append(&all_processes, &p->all_link);
	list_append(bucket(processes_by_pid, p->pid), &p->pid_link);
}

/* Forget a reaped process. Gives up the table's reference. */
void process_unlink_locked(struct process *p)
{
	uint32_t sid = p->session ? p->session->sid : 0;

	list_remove(&p->sibling);
	list_remove(&p->all_link);
	list_remove(&p->pid_link);
	p->state = PROC_DEAD;
	session_put(p->session);
	p->session = NULL;
	if (p->pid_ns->init == p)
		p->pid_ns->init = NULL;
	pid_release_locked(p->pid);
	pid_release_locked(p->pgid);
	pid_release_locked(sid);
	process_put(p);
}

/* Who inherits p's children: the nearest living subreaper, else the init. */
struct process *process_find_reaper_locked(struct process *p)
{
	for (struct process *a = p->parent; a && a->pid_ns == p->pid_ns;
	     a = a->parent)
		if (a->is_subreaper && !a->exiting && a->nr_threads)
			return a;
	return pid_ns_reaper_locked(p);
}

struct session *session_create(uint32_t sid)
{
	struct session *s = kzalloc(sizeof(*s));

	if (s) {
		s->sid = sid;
		ref_init(&s->refs, 1);
	}
	return s;
}

struct session *session_get(struct session *s)
{
	ref_get(&s->refs);
	return s;
}

void session_put(struct session *s)
{
	if (s && ref_put(&s->refs))
		kfree(s);
}

static void set_limits(struct process *p)
{
	struct klimit *l = p->limits;
	uint64_t inf = ~0ull;

	for (int i = 0; i < NR_RLIMITS; i++)
		l[i] = (struct klimit){ inf, inf };
	l[RLIMIT_STACK].cur = 8u << 20;
	l[RLIMIT_CORE].cur = 0;
	l[RLIMIT_NPROC] = (struct klimit){ PID_MAX, PID_MAX };
	l[RLIMIT_NOFILE] = (struct klimit){ boot->nofile_soft,
					    boot->nofile_hard };
	l[RLIMIT_MEMLOCK] = (struct klimit){ 8u << 20, 8u << 20 };
	l[RLIMIT_SIGPENDING] = (struct klimit){ 4096, 4096 };
	l[RLIMIT_MSGQUEUE] = (struct klimit){ 819200, 819200 };
	l[RLIMIT_NICE] = l[RLIMIT_RTPRIO] = (struct klimit){ 0, 0 };
}

/* pid 1 */
static int make_reaper(void)
{
	struct process *reaper = process_alloc();

	if (!reaper)
		return -ENOMEM;
	pid_ns_first.init = reaper;
	reaper->pid = reaper->nr = ++pid_ns_first.last;
	reaper->session = session_create(1);
	if (!reaper->session)
		return -ENOMEM;
	reaper->pgid = reaper->pid;
	strlcpy(reaper->comm, "mica", sizeof(reaper->comm));
	set_limits(reaper);
	reaper->signals.action[SIGCHLD - 1].handler = 1;	/* ignore */
	process_link_locked(reaper, NULL);
	return 0;
}

static struct cred *make_cred(void)
{
	struct cred *c = kzalloc(sizeof(*c));
	uint64_t caps;

	if (!c)
		return NULL;
	ref_init(&c->refs, 1);
	c->user_ns = &user_ns_first;
	c->uid = c->euid = c->suid = c->fsuid = boot->uid;
	c->gid = c->egid = c->sgid = c->fsgid = boot->gid;
	/* root inside holds every capability of the sandbox's own kernel */
	caps = boot->uid ? 0 : (1ull << 41) - 1;
	c->cap_effective = c->cap_permitted = caps;
	c->cap_bounding = (1ull << 41) - 1;
	return c;
}

static struct fs_state *make_fs_state(void)
{
	struct fs_state *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	ref_init(&fs->refs, 1);
	mutex_init(&fs->lock);
	vfs_root_path(&fs->root);
	vfs_root_path(&fs->cwd);
	fs->umask = boot->umask;
	return fs;
}

int process_init(struct thread **first)
{
	struct process *p;
	struct thread *t;

	task_set_errands(remote_serve);
	if (make_reaper())
		return -ENOMEM;
	p = process_alloc();
	t = p ? thread_alloc(p) : NULL;
	if (!t)
		return -ENOMEM;
	p->pid = p->nr = t->tid = t->nr = program_pid = ++pid_ns_first.last;
	p->pgid = p->pid;
	p->session = session_create(p->pid);
	p->mm = mm_create();
	t->files = files_create();
	t->fs = make_fs_state();
	t->cred = make_cred();
	if (!p->session || !p->mm || !t->files || !t->fs || !t->cred)
		return -ENOMEM;
	p->mm->nr_tasks = 1;
	set_limits(p);
	mutex_lock(&process_lock);
	process_link_locked(p, pid_ns_first.init);
	thread_link_locked(t);
	mutex_unlock(&process_lock);
	*first = t;
	return 0;
}
