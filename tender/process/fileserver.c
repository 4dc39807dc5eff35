/* SPDX-License-Identifier: MIT */
/*
 * The file server's loop: receive, check the form, find the handles, take the
 * right identity, do it, reply. See abi/fileserver.h for the rules.
 *
 * A request is checked completely before anything is done: lengths add up,
 * names are single components, handles are known and of a kind and export
 * that the operation may have. One table says what each operation needs.
 */
#include "process/fileserver_priv.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define SPIN_NS		20000ull
#define LOAD_CHECK_NS	500000000ull

enum op_needs {
	NEED_DIR = 1,		/* a handle of a directory (or a file export) */
	NEED_ANY = 2,		/* a handle of any kind */
	NEED_NAME = 4,
	OPT_NAME = 8,		/* a name, or "" for the handle's own object */
	NEED_SECOND = 16,	/* dir2 and name2 too */
	CHANGES = 32,		/* refused on read-only exports */
};

struct op {
	int (*fn)(struct fsrv_call *c);
	unsigned int needs;	/* enum op_needs */
};

static const struct op ops[] = {
	[FSRV_LOOKUP] = { fsrv_do_lookup, NEED_DIR | NEED_NAME },
	[FSRV_GETATTR] = { fsrv_do_getattr, NEED_ANY },
	[FSRV_OPEN] = { fsrv_do_open, NEED_DIR | OPT_NAME },
	[FSRV_CREATE] = { fsrv_do_create, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_READDIR] = { fsrv_do_readdir, NEED_DIR },
	[FSRV_MKDIR] = { fsrv_do_mkdir, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_SYMLINK] = { fsrv_do_symlink, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_MKNOD] = { fsrv_do_mknod, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_UNLINK] = { fsrv_do_unlink, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_RMDIR] = { fsrv_do_rmdir, NEED_DIR | NEED_NAME | CHANGES },
	[FSRV_RENAME] = { fsrv_do_rename,
			  NEED_DIR | NEED_NAME | NEED_SECOND | CHANGES },
	[FSRV_LINK] = { fsrv_do_link,
			NEED_DIR | NEED_NAME | NEED_SECOND | CHANGES },
	[FSRV_SETATTR] = { fsrv_do_setattr, NEED_ANY | OPT_NAME | CHANGES },
	[FSRV_STATFS] = { fsrv_do_statfs, NEED_ANY },
	[FSRV_FSYNC] = { fsrv_do_fsync, NEED_ANY | CHANGES },
	[FSRV_XATTR_GET] = { fsrv_do_xattr_get, NEED_DIR | OPT_NAME },
	[FSRV_XATTR_LIST] = { fsrv_do_xattr_list, NEED_DIR | OPT_NAME },
	[FSRV_TTY_GET] = { fsrv_do_tty_get, 0 },
	[FSRV_TTY_SET] = { fsrv_do_tty_set, 0 },
	[FSRV_TTY_WINSZ] = { fsrv_do_tty_winsz, 0 },
	[FSRV_TTY_FIONREAD] = { fsrv_do_tty_fionread, 0 },
	[FSRV_TTY_FRONT] = { fsrv_do_tty_front, 0 },
};
#define NR_OPS (sizeof(ops) / sizeof(ops[0]))

struct buffers {
	union {
		struct fsrv_request head;
		char bytes[sizeof(struct fsrv_request) + 2 * FSRV_NAME_MAX +
			   FSRV_DATA_MAX];
	} in;
	union {
		struct fsrv_reply head;
		char bytes[sizeof(struct fsrv_reply) + FSRV_DATA_MAX];
	} out;
};

/* --- checking ---------------------------------------------------------------*/

static int take_name(char *dst, const char *src, size_t len)
{
	if (len > FSRV_NAME_MAX)
		return -ENAMETOOLONG;
	if (memchr(src, 0, len) || memchr(src, '/', len))
		return -EINVAL;
	memcpy(dst, src, len);
	dst[len] = 0;
	if (!strcmp(dst, ".") || !strcmp(dst, ".."))
		return -EINVAL;
	return 0;
}

/* Split the bytes behind the header. */
static int take_parts(struct fsrv_call *c, const char *bytes, size_t len)
{
	size_t n1 = c->q.name_len, n2 = c->q.name2_len;
	const char *p = bytes + sizeof(c->q);
	int err;

	if (c->q.data_len > FSRV_DATA_MAX ||
	    len != sizeof(c->q) + n1 + n2 + c->q.data_len)
		return -EINVAL;
	err = take_name(c->name, p, n1);
	if (!err)
		err = take_name(c->name2, p + n1, n2);
	c->data = p + n1 + n2;
	return err;
}

/* Is the handle one that an operation with these needs may use? */
static int check_handle(struct fsrv_call *c, const struct fsrv_handle *h,
			const char *name, unsigned int needs)
{
	unsigned int flags;

	if (!h)
		return -EBADF;
	flags = c->server->exports[h->export_id].flags;
	if ((needs & CHANGES) &&
	    (flags & (FSRV_EXPORT_READ_ONLY | FSRV_EXPORT_AS_NOBODY)))
		return -EROFS;
	if ((needs & NEED_DIR) && h->kind != FSRV_DIR)
		return -ENOTDIR;
	/* names only lead downwards from directories */
	if (*name && (h->kind != FSRV_DIR || (flags & FSRV_EXPORT_IS_FILE)))
		return -ENOTDIR;
	if ((needs & NEED_NAME) && !*name)
		return -ENOENT;
	return 0;
}

static int check_call(struct fsrv_call *c, const struct op *op)
{
	struct fsrv *s = c->server;
	int err;

	if (!(op->needs & (NEED_NAME | OPT_NAME)) && *c->name)
		return -EINVAL;
	if (!(op->needs & NEED_SECOND) && *c->name2)
		return -EINVAL;
	if (!(op->needs & (NEED_DIR | NEED_ANY)))
		return 0;
	c->dir = fsrv_handle_find(s, c->q.dir);
	err = check_handle(c, c->dir, c->name, op->needs);
	if (err)
		return err;
	c->export = &s->exports[c->dir->export_id];
	if (!(op->needs & NEED_SECOND))
		return 0;
	c->dir2 = fsrv_handle_find(s, c->q.dir2);
	err = check_handle(c, c->dir2, c->name2, op->needs);
	if (err)
		return err;
	/* Two exports may have different rights: no moves between them. */
	return c->dir2->export_id == c->dir->export_id ? 0 : -EXDEV;
}

/* Returns the request's result; *fatal if the identity is not known. */
static int answer(struct fsrv_call *c, const char *bytes, size_t len,
		  bool *fatal)
{
	const struct op *op;
	int err;

	if (len < sizeof(c->q))
		return -EINVAL;
	memcpy(&c->q, bytes, sizeof(c->q));
	err = take_parts(c, bytes, len);
	if (err)
		return err;
	if (c->q.op == FSRV_FORGET)
		return fsrv_handle_forget(c->server, c->q.dir);
	if (c->q.op >= NR_OPS || !ops[c->q.op].fn)
		return -ENOSYS;
	op = &ops[c->q.op];
	if (c->q.arg && (op->needs & (NEED_DIR | NEED_ANY)))
		fsrv_handle_forget(c->server, (uint32_t)c->q.arg);
	err = check_call(c, op);
	if (err)
		return err;
	err = fsrv_identity_set(c->server, c->export &&
				(c->export->flags & FSRV_EXPORT_AS_NOBODY));
	if (err) {
		*fatal = true;
		return err;
	}
	return op->fn(c);
}

/* --- transport --------------------------------------------------------------*/

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/*
 * Waiting for requests: a wake-up costs more than most requests, so when the
 * last ones came quickly and there are processors to spare, look for a while
 * before going to sleep.
 */
struct pace {
	bool enabled;
	int credit;		/* > 0: spinning has paid lately */
	uint64_t load_checked_ns;
	bool is_loaded;
};

static void check_load(struct pace *p, uint64_t now)
{
	struct sysinfo si;

	if (now - p->load_checked_ns < LOAD_CHECK_NS)
		return;
	p->load_checked_ns = now;
	p->is_loaded = sysinfo(&si) ||
		       si.loads[0] > (unsigned long)get_nprocs() << 16;
}

static ssize_t receive(int sock, struct pace *p, void *buf, size_t size)
{
	uint64_t start, now;
	ssize_t n;

	if (!p->enabled)
		return recv(sock, buf, size, MSG_TRUNC);
	start = now = now_ns();
	check_load(p, now);
	while (p->credit > 0 && !p->is_loaded && now - start < SPIN_NS) {
		n = recv(sock, buf, size, MSG_TRUNC | MSG_DONTWAIT);
		if (n >= 0 || errno != EAGAIN) {
			p->credit = p->credit < 16 ? p->credit + 1 : 16;
			return n;
		}
		now = now_ns();
	}
	n = recv(sock, buf, size, MSG_TRUNC);
	if (now_ns() - start < SPIN_NS)
		p->credit = p->credit < 16 ? p->credit + 1 : 16;
	else if (p->credit > -4)
		p->credit -= 4;
	return n;
}

static int send_reply(int sock, struct fsrv_call *c)
{
	struct iovec iov = { c->r, sizeof(*c->r) + c->r->data_len };
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = c->fd >= 0 ? c->fd : c->keep_fd;

	if (fd >= 0) {
		struct cmsghdr *h = &control.head;

		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
		c->r->has_fd = 1;
	}
	while (sendmsg(sock, &m, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int serve_one(struct fsrv *s, int sock, struct buffers *b, size_t len)
{
	struct fsrv_call c = { .server = s, .fd = -1, .keep_fd = -1 };
	bool fatal = false;
	int err;

	memset(&b->out.head, 0, sizeof(b->out.head));
	c.r = &b->out.head;
	c.out = b->out.bytes + sizeof(b->out.head);
	err = len > sizeof(b->in) ? -EMSGSIZE :
				    answer(&c, b->in.bytes, len, &fatal);
	if (fatal)
		return err;
	if (err) {
		memset(c.r, 0, sizeof(*c.r));
		c.r->error = err;
	}
	err = send_reply(sock, &c);
	if (c.fd >= 0)
		close(c.fd);
	return err == -EPIPE || err == -ECONNRESET ? 0 : err;
}

int fsrv_serve(struct fsrv *s, int sock, const int stdio[3])
{
	struct pace pace = { .enabled = s->may_spin };
	struct buffers *b = malloc(sizeof(*b));
	int err = 0;

	if (!b)
		return -ENOMEM;
	memcpy(s->stdio, stdio, sizeof(s->stdio));
	/* Modes are what the sandbox asks for; only this thread's umask. */
	if (!unshare(CLONE_FS))
		umask(0);
	fsrv_raise_fd_limit();
	fsrv_identity_init(s);
	while (!err) {
		ssize_t n = receive(sock, &pace, &b->in, sizeof(b->in));

		if (n > 0)
			err = serve_one(s, sock, b, (size_t)n);
		else if (n == 0 || errno == ECONNRESET)
			break;
		else if (errno != EINTR)
			err = -errno;
	}
	free(b);
	return err;
}
