/* SPDX-License-Identifier: MIT */
/*
 * System V objects: identifiers, keys, permissions, common commands. Contract:
 * ipc.h. An id is an index into the table of its kind and, above, a number that
 * changes with every object that goes, so that ids are not reused soon.
 */
#include "linux/ipc.h"
#include <linux/capability.h>
#include <linux/stat.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "core/timer.h"
#include "fs/pseudofs.h"
#include "lib/string.h"
#include "linux/ns.h"
#include "linux/pid_ns.h"

#define INDEX_BITS	15u
#define INDEX_MAX	(1u << INDEX_BITS)
#define INFO_MAX	80u	/* bytes of the largest answer to *_INFO */

struct mutex ipc_lock = MUTEX_INIT;

struct ipc_table {
	struct ipc_obj **slots;
	uint32_t cap, nr, seq;
};

struct ipc_ns {
	struct ns ns;
	struct ipc_table table[IPC_KINDS];	/* under ipc_lock */
	struct mount *mqueues;			/* likewise; linux/mqueue.c */
};

struct ipc_ns ipc_ns_first = {
	.ns = { .refs = { 1 }, .kind = NS_IPC, .inum = 4026531839u,
		.owner = &user_ns_first },
};

static const struct ipc_ops *const ops[IPC_KINDS] = {
	&sem_ops, &msg_ops, &shm_ops,
};
/* First of the commands *_STAT, *_INFO, *_STAT_ANY of a kind. */
static const uint8_t first_cmd[IPC_KINDS] = { 18, 11, 13 };
static const uint8_t ds_size[IPC_KINDS] = {
	sizeof(struct semid64_ds), sizeof(struct msqid64_ds),
	sizeof(struct shmid64_ds),
};
static const uint8_t ctime_at[IPC_KINDS] = {
	offsetof(struct semid64_ds, sem_ctime),
	offsetof(struct msqid64_ds, msg_ctime),
	offsetof(struct shmid64_ds, shm_ctime),
};
static const uint8_t mni[IPC_KINDS] = {
	LIMIT_SEMMNI, LIMIT_MSGMNI, LIMIT_SHMMNI,
};

uint64_t ipc_limits[NR_IPC_LIMITS] = {
	[LIMIT_SEMMSL] = 32000, [LIMIT_SEMMNS] = 1024000000,
	[LIMIT_SEMOPM] = 500, [LIMIT_SEMMNI] = 32000,
	[LIMIT_MSGMAX] = 8192, [LIMIT_MSGMNB] = 16384, [LIMIT_MSGMNI] = 32000,
	[LIMIT_SHMMAX] = UINT64_MAX - (1u << 24),
	[LIMIT_SHMALL] = UINT64_MAX - (1u << 24), [LIMIT_SHMMNI] = 4096,
	[LIMIT_MQ_DEFAULT] = 10, [LIMIT_MQ_MAX] = 10,
	[LIMIT_MQ_SIZE_DEFAULT] = 8192, [LIMIT_MQ_SIZE_MAX] = 8192,
	[LIMIT_MQ_QUEUES] = 256,
};

long ipc_now(void)
{
	return (long)(clock_real_ns() / NSEC_PER_SEC);
}

/* --- the table ---------------------------------------------------------------*/
static struct ipc_ns *own(void)
{
	return (struct ipc_ns *)ns_of(current_thread(), NS_IPC);
}

struct mount **ipc_ns_mqueues(bool is_first)
{
	return &(is_first ? &ipc_ns_first : own())->mqueues;
}

void ipc_for_each(enum ipc_kind kind,
		  void (*fn)(struct ipc_obj *o, void *arg), void *arg)
{
	struct ipc_table *t = &own()->table[kind];

	for (uint32_t i = 0; i < t->cap; i++)
		if (t->slots[i])
			fn(t->slots[i], arg);
}

static bool allows(const struct ipc_obj *o, uint32_t may)
{
	const struct cred *c = current_thread()->cred;
	const struct ipc64_perm *p = &o->perm;
	uint32_t mode = p->mode;

	may = (may >> 6 | may >> 3 | may) & 7;
	if (c->euid == p->cuid || c->euid == p->uid)
		mode >>= 6;
	else if (cred_in_group(c, p->cgid) || cred_in_group(c, p->gid))
		mode >>= 3;
	return !(may & ~mode) ||
	       cred_has_cap_in(c, own()->ns.owner, CAP_IPC_OWNER);
}

bool ipc_is_owner(const struct ipc_obj *o, int cap)
{
	const struct cred *c = current_thread()->cred;

	return c->euid == o->perm.cuid || c->euid == o->perm.uid ||
	       cred_has_cap_in(c, own()->ns.owner, cap);
}

/* What has this index; NULL: nothing. */
static struct ipc_obj *at(enum ipc_kind kind, int32_t id)
{
	const struct ipc_table *t = &own()->table[kind];
	uint32_t i = (uint32_t)id % INDEX_MAX;

	return id >= 0 && i < t->cap ? t->slots[i] : NULL;
}

int ipc_find(enum ipc_kind kind, int32_t id, uint32_t may,
	     struct ipc_obj **out)
{
	struct ipc_obj *o = at(kind, id);

	if (!o || o->id != id)
		return -EINVAL;
	*out = o;
	return allows(o, may) ? 0 : -EACCES;
}

/* A free index. Returns it, -ENOSPC or -ENOMEM. */
static int find_slot(enum ipc_kind kind)
{
	struct ipc_table *t = &own()->table[kind];
	uint32_t i = 0, cap = t->cap * 2 + 16;
	struct ipc_obj **grown;

	if (t->nr >= MIN(ipc_limits[mni[kind]], INDEX_MAX))
		return -ENOSPC;
	while (i < t->cap && t->slots[i])
		i++;
	if (i < t->cap)
		return (int)i;
	grown = krealloc(t->slots, cap * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + i, 0, (cap - i) * sizeof(*grown));
	t->slots = grown;
	t->cap = cap;
	return (int)i;
}

static long add(enum ipc_kind kind, int32_t key, uint32_t flags, uint64_t size)
{
	const struct cred *c = current_thread()->cred;
	struct ipc_table *t = &own()->table[kind];
	struct ipc_obj *o;
	int i = 0, err = ops[kind]->create(size, key, flags, &o);

	if (err)
		return err;
	i = find_slot(kind);
	if (i < 0) {
		ops[kind]->remove(o);
		ipc_free(o);
		return i;
	}
	t->slots[i] = o;
	t->nr++;
	o->table = t;
	o->id = (int32_t)((t->seq & 0xffff) << INDEX_BITS | (uint32_t)i);
	o->size = size;
	if (o->file)
		o->file->inode->ino = (uint64_t)o->id;
	o->perm.key = key;
	o->perm.uid = o->perm.cuid = c->euid;
	o->perm.gid = o->perm.cgid = c->egid;
	o->perm.mode = flags & 0777;
	o->perm.seq = (uint16_t)t->seq;
	*(long *)((char *)&o->perm + ctime_at[kind]) = ipc_now();
	return o->id;
}

void ipc_forget(struct ipc_obj *o)
{
	struct ipc_table *t = o->table;

	if (!t)		/* its namespace is gone */
		return;
	t->slots[(uint32_t)o->id % INDEX_MAX] = NULL;
	t->nr--;
	t->seq++;
}

void ipc_free(struct ipc_obj *o)
{
	if (o && o->file)
		file_put(o->file);
	kfree(o);
}

static struct ipc_obj *find_key(enum ipc_kind kind, int32_t key)
{
	struct ipc_table *t = &own()->table[kind];

	for (uint32_t i = 0; key != IPC_PRIVATE && i < t->cap; i++)
		if (t->slots[i] && t->slots[i]->perm.key == key)
			return t->slots[i];
	return NULL;
}

long ipc_get(enum ipc_kind kind, uint64_t key, uint64_t flags, uint64_t size)
{
	struct ipc_obj *o;
	long ret;

	mutex_lock(&ipc_lock);
	o = find_key(kind, (int32_t)key);
	if (!o)
		ret = (int32_t)key == IPC_PRIVATE || flags & IPC_CREAT ?
		      add(kind, (int32_t)key, (uint32_t)flags, size) : -ENOENT;
	else if (flags & IPC_CREAT && flags & IPC_EXCL)
		ret = -EEXIST;
	else if (size > o->size)
		ret = -EINVAL;
	else
		ret = allows(o, (uint32_t)flags) ? o->id : -EACCES;
	mutex_unlock(&ipc_lock);
	return ret;
}

/* --- namespaces ----------------------------------------------------------------*/
static void ipc_ns_free(struct ns *n)
{
	struct ipc_ns *in = (struct ipc_ns *)n;

	for (int k = 0; k < IPC_KINDS; k++) {
		struct ipc_table *t = &in->table[k];

		for (uint32_t i = 0; i < t->cap; i++) {
			struct ipc_obj *o = t->slots[i];

			if (!o)
				continue;
			mutex_lock(&ipc_lock);
			o->table = NULL;
			/* what is attached goes with the last attachment */
			if (!ops[k]->remove(o))
				o = NULL;
			mutex_unlock(&ipc_lock);
			ipc_free(o);
		}
		kfree(t->slots);
	}
	if (in->mqueues)
		mqueue_names_put(in->mqueues);
	ns_free(n);
}

int ipc_ns_make(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		struct ns **out)
{
	*out = ns_create(NS_IPC, sizeof(struct ipc_ns), owner, ipc_ns_free);
	return *out ? 0 : -ENOMEM;
}

/* --- commands ------------------------------------------------------------------*/
static long show_info(enum ipc_kind kind, bool used, uint64_t user)
{
	const struct ipc_table *t = &own()->table[kind];
	uint64_t buf[INFO_MAX / sizeof(uint64_t)] = { 0 };
	uint32_t last = 0;
	size_t n;

	mutex_lock(&ipc_lock);
	n = ops[kind]->info(used, buf);
	for (uint32_t i = 0; i < t->cap; i++)
		if (t->slots[i])
			last = i;
	mutex_unlock(&ipc_lock);
	return copy_to_user((void *)user, buf, n) ? -EFAULT : (long)last;
}

/* The owners' numbers as the caller knows them. */
static void show_ids(struct ipc64_perm *p)
{
	const struct user_ns *u = current_thread()->cred->user_ns;

	p->uid = id_show(u, ID_USER, p->uid);
	p->cuid = id_show(u, ID_USER, p->cuid);
	p->gid = id_show(u, ID_GROUP, p->gid);
	p->cgid = id_show(u, ID_GROUP, p->cgid);
}

static void show_pid(int32_t *pid)
{
	*pid = (int32_t)pid_to_user((uint32_t)*pid);
}

/* any: without a right to read. by_index: returns the id. */
static long stat(enum ipc_kind kind, int32_t id, bool by_index, bool any,
		 uint64_t user)
{
	struct ipc_obj *o, copy;
	int err;

	mutex_lock(&ipc_lock);
	if (by_index) {
		o = at(kind, id);
		id = o ? o->id : -1;
	}
	err = ipc_find(kind, id, any ? 0 : 0444, &o);
	if (!err) {
		copy = *o;
		show_ids(&copy.perm);
	}
	mutex_unlock(&ipc_lock);
	if (err)
		return err;
	if (kind == IPC_SHM) {
		show_pid(&copy.shm.shm_cpid);
		show_pid(&copy.shm.shm_lpid);
	} else if (kind == IPC_MSG) {
		show_pid(&copy.msg.msg_lspid);
		show_pid(&copy.msg.msg_lrpid);
	}
	if (copy_to_user((void *)user, &copy.perm, ds_size[kind]))
		return -EFAULT;
	return by_index ? id : 0;
}

static int set(enum ipc_kind kind, struct ipc_obj *o,
	       const struct ipc_obj *want)
{
	const struct user_ns *u = current_thread()->cred->user_ns;
	uint32_t uid = id_from_user(u, ID_USER, want->perm.uid);
	uint32_t gid = id_from_user(u, ID_GROUP, want->perm.gid);
	int err = uid == NO_ID || gid == NO_ID ? -EINVAL : 0;

	if (!err && ops[kind]->set)
		err = ops[kind]->set(o, want);
	if (err)
		return err;
	o->perm.uid = uid;
	o->perm.gid = gid;
	o->perm.mode = (o->perm.mode & ~0777u) | (want->perm.mode & 0777);
	*(long *)((char *)&o->perm + ctime_at[kind]) = ipc_now();
	return 0;
}

static long change(enum ipc_kind kind, int32_t id, uint64_t cmd, uint64_t user)
{
	struct ipc_obj want, *o, *gone = NULL;
	int err;

	if (cmd == IPC_SET &&
	    copy_from_user(&want.perm, (void *)user, ds_size[kind]))
		return -EFAULT;
	task_wakes_begin();
	mutex_lock(&ipc_lock);
	err = ipc_find(kind, id, 0, &o);
	if (!err && !ipc_is_owner(o, CAP_SYS_ADMIN)) {
		err = -EPERM;
	} else if (!err && cmd == IPC_SET) {
		err = set(kind, o, &want);
	} else if (!err && ops[kind]->remove(o)) {
		ipc_forget(o);
		gone = o;
	}
	mutex_unlock(&ipc_lock);
	task_wakes_end();
	ipc_free(gone);
	return err;
}

long ipc_ctl(enum ipc_kind kind, uint64_t id, uint64_t cmd, uint64_t user)
{
	uint32_t own;

	cmd = (uint32_t)cmd;
	own = (uint32_t)cmd - first_cmd[kind];
	if ((int32_t)id < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || own == 1)
		return show_info(kind, own == 1, user);
	if (cmd == IPC_STAT || own == 0 || own == 2)
		return stat(kind, (int32_t)id, cmd != IPC_STAT, own == 2,
			    user);
	if (cmd == IPC_SET || cmd == IPC_RMID)
		return change(kind, (int32_t)id, cmd, user);
	return -EINVAL;
}

/* --- sleeping --------------------------------------------------------------------*/
int ipc_sleep(struct ipc_wait *w, struct mutex *lock, uint64_t deadline_ns)
{
	int err = 0;

	w->task = current_task();
	w->status = IPC_WAITING;
	while (w->status == IPC_WAITING && !err) {
		mutex_unlock(lock);
		err = task_park(deadline_ns, true);
		mutex_lock(lock);
	}
	if (w->status != IPC_WAITING)
		return w->status;
	list_remove(&w->link);
	return err;
}

void ipc_wake(struct ipc_wait *w, int status)
{
	list_remove(&w->link);
	w->status = status;
	task_unpark(w->task);
}

/* --- /proc ------------------------------------------------------------------------*/
struct listing {
	struct textbuf *t;
	enum ipc_kind kind;
};

static void show_one(struct ipc_obj *o, void *arg)
{
	struct listing *l = arg;
	struct ipc_obj copy = *o;

	show_ids(&copy.perm);
	textbuf_printf(l->t, "%10d %10d  %4o", o->perm.key, o->id,
		       o->perm.mode);
	ops[l->kind]->show(l->t, &copy);
}

int ipc_show(struct textbuf *t, struct pseudo_node *n)
{
	struct listing l = { t, (enum ipc_kind)n->entry->arg };
	static const char *const heads[IPC_KINDS] = {
		"       key      semid perms      nsems   uid   gid  cuid  cgid"
		"      otime      ctime\n",
		"       key      msqid perms      cbytes       qnum lspid lrpid"
		"   uid   gid  cuid  cgid      stime      rtime      ctime\n",
		"       key      shmid perms                  size  cpid  lpid "
		"nattch   uid   gid  cuid  cgid      atime      dtime      "
		"ctime                   rss                  swap\n",
	};

	textbuf_puts(t, heads[l.kind]);
	mutex_lock(&ipc_lock);
	ipc_for_each(l.kind, show_one, &l);
	mutex_unlock(&ipc_lock);
	return 0;
}

/* The limits of semaphores are one file. */
static uint32_t nr_shared(uint64_t limit)
{
	return limit == LIMIT_SEMMSL ? 4 : 1;
}

int ipc_show_limit(struct textbuf *t, struct pseudo_node *n)
{
	uint64_t i = n->entry->arg;

	for (uint32_t k = 0; k < nr_shared(i); k++)
		textbuf_printf(t, k ? "\t%lu" : "%lu", ipc_limits[i + k]);
	textbuf_puts(t, "\n");
	return 0;
}

ssize_t ipc_store_limit(struct pseudo_node *n, struct file *f, const char *buf,
			size_t len, uint64_t pos)
{
	uint64_t i = n->entry->arg, v[4];
	uint32_t k, nr = nr_shared(i);

	for (k = 0; k < nr; k++) {
		const char *start;

		while (*buf == ' ' || *buf == '\t')
			buf++;
		start = buf;
		for (v[k] = 0; *buf >= '0' && *buf <= '9'; buf++)
			if (__builtin_mul_overflow(v[k], 10, &v[k]) ||
			    __builtin_add_overflow(v[k], *buf - '0', &v[k]))
				return -EINVAL;
		if (buf == start)
			return -EINVAL;
		if (i != LIMIT_SHMMAX && i != LIMIT_SHMALL && v[k] > INT32_MAX)
			return -EINVAL;
	}
	memcpy(&ipc_limits[i], v, nr * sizeof(*v));
	return (ssize_t)len;
}
