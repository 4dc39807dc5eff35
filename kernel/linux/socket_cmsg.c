/* SPDX-License-Identifier: MIT */
/*
 * Control messages to and from the format of programs: descriptors
 * (SCM_RIGHTS), credentials (SCM_CREDENTIALS), what is told of a datagram.
 */
#include <linux/capability.h>
#include <asm/socket.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/pid_ns.h"
#include "linux/sockets.h"
#include "net/inet.h"

#define SCM_RIGHTS	1
#define SCM_CREDENTIALS	2
#define CONTROL_MAX	131072u	/* net.core.optmem_max */

struct cmsg_head {
	uint64_t len;		/* with this head */
	int32_t level, type;
};

/* --- sending ---------------------------------------------------------------------*/
static int read_rights(const int32_t *fds, uint32_t n, struct sock_msg *m)
{
	struct sk_files *sf = m->files;

	if (n > SK_FILES_MAX || (sf && sf->nr + n > SK_FILES_MAX))
		return -EINVAL;
	if (!n)
		return 0;
	if (!sf) {
		sf = sk_files_create(SK_FILES_MAX);
		if (!sf)
			return -ENOMEM;
		m->files = sf;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct file *f = fd_get_any(fds[i]);

		if (!f)
			return -EBADF;
		sf->file[sf->nr++] = f;
	}
	return 0;
}

static bool is_somebody(uint32_t pid)
{
	bool found;

	mutex_lock(&process_lock);
	found = thread_find(pid) || process_find(pid);
	mutex_unlock(&process_lock);
	return found;
}

static int read_cred(const struct sock_cred *c, struct sock_msg *m)
{
	const struct thread *t = current_thread();
	const struct cred *own = t->cred;
	uint32_t uid = id_from_user(own->user_ns, ID_USER, c->uid);
	uint32_t gid = id_from_user(own->user_ns, ID_GROUP, c->gid);
	uint32_t pid = pid_from_user((uint32_t)c->pid);

	if (uid == NO_ID || gid == NO_ID)
		return -EINVAL;
	if (c->pid != (int32_t)t->process->nr &&
	    !cred_has_cap_in(own, own_pid_ns()->ns.owner, CAP_SYS_ADMIN))
		return -EPERM;
	if (uid != own->uid && uid != own->euid && uid != own->suid &&
	    !cred_has_own_cap(own, CAP_SETUID))
		return -EPERM;
	if (gid != own->gid && gid != own->egid && gid != own->sgid &&
	    !cred_has_own_cap(own, CAP_SETGID))
		return -EPERM;
	if (!pid || !is_somebody(pid))
		return -ESRCH;
	m->cred = (struct sock_cred){ .pid = (int32_t)pid, .uid = uid,
				      .gid = gid };
	return 0;
}

static int read_one(const struct cmsg_head *h, const void *data, size_t len,
		    struct sock_msg *m)
{
	if (h->level != SOL_SOCKET)
		return inet_read_control(m, h->level, h->type, data, len);
	switch (h->type) {
	case SCM_RIGHTS:
		return read_rights(data, (uint32_t)(len / sizeof(int32_t)), m);
	case SCM_CREDENTIALS:
		if (len != sizeof(struct sock_cred))
			return -EINVAL;
		return read_cred(data, m);
	default:
		return -EINVAL;
	}
}

static int read_all(const uint8_t *buf, size_t size, struct sock_msg *m)
{
	size_t at = 0;
	int err = 0;

	while (!err && size - at >= sizeof(struct cmsg_head)) {
		const struct cmsg_head *h;

		h = (const struct cmsg_head *)(buf + at);
		if (h->len < sizeof(*h) || h->len > size - at)
			return -EINVAL;
		err = read_one(h, h + 1, h->len - sizeof(*h), m);
		if (size - at < ALIGN_UP(h->len, 8))
			break;
		at += ALIGN_UP(h->len, 8);
	}
	return err;
}

int cmsg_read(const struct user_msghdr *h, struct sock_msg *m)
{
	uint8_t *buf;
	int err;

	if (!h->controllen)
		return 0;
	if (h->controllen > CONTROL_MAX)
		return -ENOBUFS;
	buf = kmalloc(h->controllen);
	if (!buf)
		return -ENOBUFS;
	err = copy_from_user(buf, (const void *)h->control, h->controllen);
	if (!err)
		err = read_all(buf, h->controllen, m);
	if (!err && m->files)
		err = sk_files_launch(m->files);
	kfree(buf);
	if (err) {
		sk_files_drop(m->files);
		m->files = NULL;
	}
	return err;
}

/* --- receiving -------------------------------------------------------------------*/
/* The free part of the program's buffer. */
struct cmsg_out {
	uint64_t at;
	size_t left;
};

/* Store a message of len data bytes; cut short if there is no room. */
static void put(struct cmsg_out *o, struct sock_msg *m, int level, int type,
		const void *data, size_t len)
{
	struct cmsg_head h = { sizeof(h) + len, level, type };
	size_t space = ALIGN_UP(h.len, 8);

	if (o->left < sizeof(h)) {
		m->out_flags |= MSG_CTRUNC;
		return;
	}
	if (o->left < h.len) {
		m->out_flags |= MSG_CTRUNC;
		h.len = o->left;
	}
	if (copy_to_user((void *)o->at, &h, sizeof(h)) ||
	    copy_to_user((void *)(o->at + sizeof(h)), data,
			 h.len - sizeof(h)))
		return;
	space = MIN(space, o->left);
	o->at += space;
	o->left -= space;
}

/* Descriptors for as many files as fit. */
static void put_rights(struct cmsg_out *o, struct sock_msg *m)
{
	bool cloexec = m->flags & MSG_CMSG_CLOEXEC;
	size_t room = o->left < sizeof(struct cmsg_head) ? 0 :
		      (o->left - sizeof(struct cmsg_head)) / sizeof(int32_t);
	int32_t fds[SK_FILES_MAX];
	uint32_t n = 0;

	while (n < m->files->nr && n < room) {
		struct file *f = m->files->file[n];
		int fd = fd_install(file_get(f), cloexec);

		if (fd < 0) {
			file_put(f);
			break;
		}
		fds[n++] = fd;
	}
	if (n < m->files->nr)
		m->out_flags |= MSG_CTRUNC;
	if (n)
		put(o, m, SOL_SOCKET, SCM_RIGHTS, fds, n * sizeof(*fds));
}

void cmsg_write(struct user_msghdr *h, struct sock_msg *m,
		const struct sock *s)
{
	struct cmsg_out o = { h->control, h->controllen };
	bool pass_cred = s->flags & 1u << SO_PASSCRED;
	struct sock_cred cred = socket_show_cred(&m->cred);
	struct inet_control c;

	if (!h->control || !h->controllen) {
		if ((pass_cred && m->has_cred) || m->files || inet_next_control(s, m, 0, &c))
			m->out_flags |= MSG_CTRUNC;
	} else {
		for (uint32_t n = 0; inet_next_control(s, m, n, &c); n++)
			put(&o, m, c.level, c.type, c.data, c.len);
		if (pass_cred && m->has_cred)
			put(&o, m, SOL_SOCKET, SCM_CREDENTIALS, &cred,
			    sizeof(cred));
		if (m->files)
			put_rights(&o, m);
	}
	h->controllen -= o.left;
	sk_files_drop(m->files);
	m->files = NULL;
}
