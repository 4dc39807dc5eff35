/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/ns: links to the namespaces of a process, and what can be asked of
 * an open one (ioctl_ns(2)).
 */
#include "linux/nsfs.h"
#include <linux/fcntl.h>
#include <linux/nsfs.h>
#include "arch/uaccess.h"
#include "fs/nsfs.h"
#include "lib/string.h"
#include "linux/ns.h"
#include "linux/pid_ns.h"
#include "linux/proc/proc.h"

#define NAME_SIZE 32u
#define PID_FOR_CHILDREN NS_KINDS	/* arg of an entry */

static const struct file_ops nsfs_ops;

struct ns *nsfs_inode_ns(const struct inode *i)
{
	return i->file_ops == &nsfs_ops ? i->private : NULL;
}

struct ns *nsfs_file_ns(const struct file *f)
{
	return nsfs_inode_ns(f->inode);
}

static int path_of(struct ns *n, struct path *out)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%s:[%u]", ns_types[n->kind].name,
		 n->inum);
	return nsfs_path(ns_get(n), name, &nsfs_ops, out);
}

/* --- ioctl ----------------------------------------------------------------*/
static long open_ns(struct ns *n)
{
	struct path p;
	struct file *f;
	int fd, err = path_of(n, &p);

	if (err)
		return err;
	err = file_open_path(&p, O_RDONLY, current_thread()->cred, &f);
	path_put(&p);
	if (err)
		return err;
	fd = fd_install(f, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long nsfs_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct ns *n = nsfs_file_ns(f);
	const struct user_ns *own = current_thread()->cred->user_ns;
	const struct user_ns *u = (const struct user_ns *)n;
	struct pid_ns *above;

	switch (cmd) {
	case NS_GET_NSTYPE:
		return ns_types[n->kind].flag;
	case NS_GET_PARENT:
		if (n->kind == NS_PID) {
			above = ((struct pid_ns *)n)->parent;
			return pid_ns_is_below(above, own_pid_ns()) ?
			       open_ns(&above->ns) : -EPERM;
		}
		if (n->kind != NS_USER)
			return -EINVAL;
		fallthrough;
	case NS_GET_USERNS:
		return user_ns_is_below(n->owner, own) ?
		       open_ns(&n->owner->ns) : -EPERM;
	case NS_GET_OWNER_UID:
		return n->kind != NS_USER ? -EINVAL :
		       user_store32((void *)arg, id_show(own, ID_USER, u->uid));
	default:
		return -ENOTTY;
	}
}

static const struct file_ops nsfs_ops = { .ioctl = nsfs_ioctl };

/* --- /proc/PID/ns -----------------------------------------------------------*/
/* NULL: there is nobody yet. */
static struct ns *for_children(const struct thread *t)
{
	struct pid_ns *n = (struct pid_ns *)ns_of(t, NS_PID);

	return n->init || n->ended ? &n->ns : NULL;
}

/* That of the process, with a reference. Returns 0, -EACCES, -ENOENT. */
static int ns_of_node(struct pseudo_node *n, struct ns **out)
{
	struct process *p;
	struct ns *ns = NULL;
	struct thread *t;
	int err = -ENOENT;

	if (!proc_may_inspect(n))
		return -EACCES;
	mutex_lock(&process_lock);
	p = process_find(proc_pid(n));
	t = proc_tid(n) ? thread_find(proc_tid(n)) :
	    p && !list_is_empty(&p->threads) ?
	    list_first(&p->threads, struct thread, link) : NULL;
	if (t)
		ns = n->entry->arg == NS_PID ? &t->process->pid_ns->ns :
		     n->entry->arg == PID_FOR_CHILDREN ? for_children(t) :
		     ns_of(t, (enum ns_kind)n->entry->arg);
	if (ns) {
		*out = ns_get(ns);
		err = 0;
	}
	mutex_unlock(&process_lock);
	return err;
}

static int ns_follow(struct pseudo_node *n, struct path *out)
{
	struct ns *ns;
	int err = ns_of_node(n, &ns);

	if (err)
		return err;
	err = path_of(ns, out);
	ns_put(ns);
	return err;
}

static ssize_t ns_readlink(struct pseudo_node *n, char *buf, size_t size)
{
	struct path p;
	ssize_t err = ns_follow(n, &p);
	char name[NAME_SIZE];

	if (err)
		return err;
	path_last_name(&p, name, sizeof(name));
	path_put(&p);
	return proc_link_text(name, buf, size);
}

#define NS(n, kind) \
	{ .name = n, .mode = S_IFLNK | 0777, .arg = kind, \
	  .readlink = ns_readlink, .follow = ns_follow }

const struct pseudo_entry proc_ns_table[] = {
	NS("cgroup", NS_CGROUP),
	NS("ipc", NS_IPC),
	NS("mnt", NS_MNT),
	NS("net", NS_NET),
	NS("pid", NS_PID),
	NS("pid_for_children", PID_FOR_CHILDREN),
	NS("user", NS_USER),
	NS("uts", NS_UTS),
	{ }
};
