/* SPDX-License-Identifier: MIT */
/*
 * execve: find the program (through scripts), check everything about it, pass
 * the point of no return (process_begin_exec), load, set the new state. What
 * fails before that point leaves the caller as it was; after it, the process
 * dies by SIGSEGV.
 */
#include <gen/syscalls.h>
#include "arch/arch_cpu.h"
#include "arch/regs.h"
#include "core/heap.h"
#include "core/msg.h"
#include "lib/string.h"
#include "linux/exec_priv.h"
#include "linux/ids.h"
#include "linux/mm.h"
#include "linux/path.h"
#include "linux/ptrace.h"
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/stat.h>

#define LINE_SIZE	256u		/* what a script's line may take */
#define HEAD_SIZE	1007u		/* read at once: with the ELF headers */
#define SCRIPTS_MAX	5u
#define MAY_EXEC	1u
#define RFLAGS_START	0x202u

struct exec *exec_create(void)
{
	struct exec *e = kzalloc(sizeof(*e));

	if (!e)
		return NULL;
	e->image = kmalloc(sizeof(*e->image));
	if (!e->image) {
		kfree(e);
		return NULL;
	}
	exec_set_args_max(e);
	return e;
}

static void drop_program(struct exec *e)
{
	if (e->file) {
		inode_allow_write(e->file->inode);
		file_put(e->file);
	}
	e->file = NULL;
}

void exec_destroy(struct exec *e)
{
	drop_program(e);
	if (e->interp)
		file_put(e->interp);
	if (e->cred)
		cred_put(e->cred);
	strings_fini(&e->argv);
	strings_fini(&e->envp);
	kfree(e->name);
	kfree(e->walk_name);
	kfree(e->why_name);
	kfree(e->image);
	kfree(e->interp_image);
	kfree(e);
}

/* --- finding --------------------------------------------------------------------*/
static int check_program(const struct path *p, const struct cred *c)
{
	struct inode *i = path_inode(p);

	if (S_ISLNK(i->mode))
		return -ELOOP;
	if (!S_ISREG(i->mode))
		return -EACCES;
	if (p->mnt->flags & MS_NOEXEC || i->sb->flags & SUPER_NOEXEC)
		return -EACCES;
	return inode_permission(i, c, MAY_EXEC);
}

static int open_walked(const struct walk_ctx *w, const char *name,
		       uint32_t flags, struct file **out)
{
	struct path p;
	int err = path_walk(w, name, flags, &p, NULL);

	if (err)
		return err;
	err = check_program(&p, w->cred);
	if (!err)
		err = file_open_path(&p, O_RDONLY | O_LARGEFILE, w->cred, out);
	path_put(&p);
	return err;
}

/* The file of a descriptor: it may have no name that can be walked to. */
static int open_descriptor(int fd, struct file **out)
{
	struct file *f = fd_get_any(fd);
	struct path p;
	int err;

	if (!f)
		return -EBADF;
	err = file_path(f, &p);
	file_put(f);
	if (err)
		return err;
	err = check_program(&p, current_thread()->cred);
	if (!err)
		err = file_open_path(&p, O_RDONLY | O_LARGEFILE,
				     current_thread()->cred, out);
	path_put(&p);
	return err;
}

static int open_program(int dirfd, const char *name, uint32_t flags,
			struct file **out)
{
	struct walk_ctx w;
	int err;

	if (!*name && flags & WALK_EMPTY && dirfd != AT_FDCWD)
		return open_descriptor(dirfd, out);
	err = walk_ctx_get(&w, dirfd, name);
	if (err)
		return err;
	err = open_walked(&w, name, flags, out);
	walk_ctx_put(&w);
	return err;
}

/* --- formats ----------------------------------------------------------------------*/
/* A file and its first bytes, which are not asked for again. Fills 1 KiB. */
struct head {
	struct file *file;
	size_t n;
	char bytes[HEAD_SIZE + 1];	/* and a NUL */
};

static int head_read(struct head *h, struct file *f)
{
	ssize_t n = file_read_kernel(f, h->bytes, HEAD_SIZE, 0);

	if (n < 0)
		return (int)n;
	h->file = f;
	h->n = (size_t)n;
	h->bytes[n] = 0;
	return 0;
}

static ssize_t read_file(void *ctx, uint64_t off, void *buf, size_t n)
{
	const struct head *h = ctx;

	if (off > h->n || n > h->n - off)
		return file_read_kernel(h->file, buf, n, off);
	memcpy(buf, h->bytes + off, n);
	return (ssize_t)n;
}

static void *alloc_scratch(size_t n)
{
	return kmalloc(n);
}

static int parse(struct exec *e, struct head *h, struct elf_image *im)
{
	static const struct elf_memory mem = { alloc_scratch, kfree };
	int err = elf_parse(h->bytes, h->n, read_file, h, &mem, im);

	if (err)
		e->why = im->why;
	return err;
}

static int load_interp(struct exec *e, struct head *h)
{
	const char *name = e->image->interp;
	int err;

	if (!e->image->has_interp)
		return 0;
	err = open_program(AT_FDCWD, name, WALK_FOLLOW, &e->interp);
	if (err) {
		e->why = err == -ENOENT ? "interpreter not found" :
					  "interpreter cannot be run";
		e->why_name = kstrdup(name);
		return err;
	}
	e->interp_image = kmalloc(sizeof(*e->interp_image));
	if (!e->interp_image)
		return -ENOMEM;
	err = head_read(h, e->interp);
	if (err)
		return err;
	err = parse(e, h, e->interp_image);
	if (!err)
		return 0;
	e->why = "interpreter is damaged or for another processor";
	e->why_name = kstrdup(name);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

/* Opens name and, through scripts, what is to be loaded: e->file, e->image. */
static int find_program(struct exec *e, int dirfd, uint32_t flags,
			struct head *h)
{
	char *script = NULL, *interp, *name = e->name;
	int err;

	for (uint32_t depth = 0;; depth++) {
		err = open_program(dirfd, depth || !e->walk_name ? name :
				   e->walk_name, flags, &e->file);
		if (err) {
			e->file = NULL;
			break;
		}
		err = inode_deny_write(e->file->inode);
		if (err) {
			file_put(e->file);
			e->file = NULL;
			break;
		}
		err = head_read(h, e->file);
		if (err)
			break;
		if (h->bytes[0] != '#' || h->bytes[1] != '!') {
			err = parse(e, h, e->image);
			break;
		}
		h->n = MIN(h->n, LINE_SIZE);
		h->bytes[h->n] = 0;
		err = depth == SCRIPTS_MAX ? -ELOOP :
		      e->fd_closes ? -ENOENT :
		      exec_take_script(e, h->bytes, h->n, LINE_SIZE, name,
				       &interp);
		if (err)
			break;
		drop_program(e);
		kfree(script);
		script = name = kstrdup(interp);
		if (!name)
			return -ENOMEM;
		dirfd = AT_FDCWD;
		flags = WALK_FOLLOW;
	}
	if (err && script && !e->why) {
		e->why = err == -ENOENT ? "interpreter not found" :
					  "interpreter cannot be run";
		e->why_name = script;
		script = NULL;
	}
	kfree(script);
	return err;
}

/* --- the new state ------------------------------------------------------------------*/
static char *copy_bytes(const struct strings *s)
{
	char *p = s->len ? kmalloc(s->len) : NULL;

	if (p)
		memcpy(p, s->buf, s->len);
	return p;
}

static char *program_name(const struct path *p)
{
	char *buf = kmalloc(PATH_MAX), *name = NULL;
	struct path root;

	if (!buf)
		return NULL;
	vfs_root_path(&root);
	if (path_name(p, &root, buf, PATH_MAX) >= 0)
		name = kstrdup(buf);
	path_put(&root);
	kfree(buf);
	return name;
}

static void set_names(struct exec *e, struct thread *t)
{
	struct process *p = t->process;
	char *args = copy_bytes(&e->argv), *env = copy_bytes(&e->envp);
	char *exe = program_name(&e->file->path);
	const char *base = strrchr(e->name, '/');
	struct path old_exe = p->exe;
	char *old[3] = { p->cmdline, p->environ, p->exe_name };

	mutex_lock(&process_lock);
	p->cmdline = args;
	p->cmdline_len = args ? e->argv.len : 0;
	p->environ = env;
	p->environ_len = env ? e->envp.len : 0;
	p->exe_name = exe;
	p->exe = e->file->path;
	path_get(&p->exe);
	strlcpy(p->comm, base ? base + 1 : e->name, sizeof(p->comm));
	mutex_unlock(&process_lock);
	strlcpy(t->task->name, p->comm, sizeof(t->task->name));
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		kfree(old[i]);
	if (old_exe.dentry)
		path_put(&old_exe);
}

static void set_thread(struct exec *e, struct thread *t)
{
	struct process *p = t->process;
	struct cred *old = t->cred;
	bool dumpable;

	if (old->euid != e->cred->euid || old->egid != e->cred->egid)
		p->parent_death_signal = 0;
	/* who cannot read the program must not look at its memory */
	dumpable = !e->secure && !inode_permission(e->file->inode, e->cred, 4);
	mutex_lock(&process_lock);
	t->cred = e->cred;
	p->dumpable = dumpable;
	mutex_unlock(&process_lock);
	msg_rights_changed();
	e->cred = NULL;
	cred_put(old);
	t->robust_list = NULL;
	t->robust_list_len = 0;
	t->set_child_tid = NULL;
	t->restart_fn = NULL;
	files_close_on_exec(t->files);
	signal_reset_on_exec(p);
}

static void set_registers(struct exec *e, struct thread *t)
{
	memset(t->regs, 0, sizeof(*t->regs));
	t->regs->orig_rax = (uint64_t)-1;
	t->regs->rip = e->entry;
	t->regs->rsp = e->sp;
	t->regs->rflags = RFLAGS_START;
	arch_set_fs(0);
	(void)!arch_set_gs(0);
	arch_fpu_reset();
	task_post_work(t->task, TASK_WORK_SLOW);
}

/* The program file stays protected against writing while it runs. */
static void keep_program(struct exec *e)
{
	struct mm *mm = current_mm();

	if (!inode_deny_write(e->file->inode))
		mm->exe = file_get(e->file);
}

static void commit(struct exec *e)
{
	struct thread *t = current_thread();
	int err;

	keep_program(e);
	set_names(e, t);
	set_thread(e, t);
	err = exec_load(e);
	if (!err)
		err = exec_fill_stack(e);
	if (err) {
		signal_die(SIGSEGV);
		return;
	}
	set_registers(e, t);
}

int exec_run(struct exec *e, int dirfd, uint32_t walk_flags)
{
	struct head *head = kmalloc(sizeof(*head));
	struct thread *self = current_thread();
	uint32_t old_tid = ptrace_seen(self, self->tid);
	int err;

	if (!head)
		return -ENOMEM;
	/* a program may rely on having a name */
	err = e->argv.nr ? 0 : strings_add(e, &e->argv, "", 0);
	if (!err)
		err = find_program(e, dirfd, walk_flags, head);
	if (!err)
		err = load_interp(e, head);
	kfree(head);
	if (!err)
		err = exec_check_placement(e);
	if (!err)
		err = ids_for_exec(e->file, &e->cred, &e->secure);
	if (!err)
		err = process_begin_exec();
	if (err)
		return err;
	commit(e);
	ptrace_exec(current_thread(), old_tid);
	return 0;
}

/* --- system calls ---------------------------------------------------------------------*/
/* The name by which a program run by descriptor knows itself. */
static int name_by_descriptor(struct exec *e, int fd)
{
	char *old = e->name;
	size_t size = strlen(old) + 24;

	e->name = kmalloc(size);
	if (e->name)
		snprintf(e->name, size, *old ? "/dev/fd/%d/%s" : "/dev/fd/%d%s",
			 fd, old);
	kfree(old);
	return e->name ? 0 : -ENOMEM;
}

static int exec_at(struct exec *e, int dirfd, uint64_t flags)
{
	uint32_t walk = flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
	int err;

	if (flags & AT_EMPTY_PATH)
		walk |= WALK_EMPTY;
	if (dirfd == AT_FDCWD || e->name[0] == '/')
		return exec_run(e, dirfd, walk);
	e->fd_closes = files_is_cloexec(current_thread()->files, dirfd);
	e->walk_name = kstrdup(e->name);
	if (!e->walk_name)
		return -ENOMEM;
	err = name_by_descriptor(e, dirfd);
	return err ? err : exec_run(e, dirfd, walk);
}

long sys_execveat(uint64_t dirfd, uint64_t name, uint64_t argv, uint64_t envp,
		  uint64_t flags)
{
	struct exec *e;
	int err;

	if (flags & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	e = exec_create();
	if (!e)
		return -ENOMEM;
	err = user_path_get((const char *)name, &e->name);
	if (!err && !e->name[0] && !(flags & AT_EMPTY_PATH))
		err = -ENOENT;
	if (!err)
		err = strings_add_user(e, &e->argv, argv);
	if (!err)
		err = strings_add_user(e, &e->envp, envp);
	if (!err)
		err = exec_at(e, (int)dirfd, flags);
	exec_destroy(e);
	return err;
}

long sys_execve(uint64_t name, uint64_t argv, uint64_t envp)
{
	return sys_execveat((uint64_t)AT_FDCWD, name, argv, envp, 0);
}
