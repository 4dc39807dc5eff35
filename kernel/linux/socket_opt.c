/* SPDX-License-Identifier: MIT */
/*
 * getsockopt, setsockopt at level SOL_SOCKET; other levels are the family's
 * (net/inet_opt.c). On/off options are bits of sock.flags, by their number; the
 * rest has a field.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <asm/socket.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "lib/string.h"
#include "linux/clocks.h"
#include "linux/pidfd.h"
#include "linux/sockets.h"
#include "net/inet.h"

#define SNDBUF_MIN	4608u
#define RCVBUF_MIN	2304u
/* Not in the UAPI headers of older systems. */
#define OPT_PASSPIDFD	76
#define OPT_PEERPIDFD	77
#define FLAG_OPTIONS	(1u << SO_DEBUG | 1u << SO_REUSEADDR | \
			 1u << SO_DONTROUTE | 1u << SO_BROADCAST | \
			 1u << SO_KEEPALIVE | 1u << SO_OOBINLINE | \
			 1u << SO_NO_CHECK | 1u << SO_REUSEPORT | \
			 1u << SO_PASSCRED | 1u << 29 /* SO_TIMESTAMP */)

union opt_value {
	int32_t i;
	int32_t linger[2];
	struct sock_cred cred;
	struct kts time;	/* microseconds in nsec */
	uint8_t b[32];
};

static bool is_flag(uint32_t opt)
{
	return opt < 32 && FLAG_OPTIONS & 1u << opt;
}

/* --- timeouts ---------------------------------------------------------------------*/
static struct kts timeo_to_user(uint64_t ns)
{
	if (ns == DEADLINE_NEVER)
		return (struct kts){ 0, 0 };
	return (struct kts){ (int64_t)(ns / NSEC_PER_SEC),
			     (int64_t)(ns % NSEC_PER_SEC / 1000) };
}

static int timeo_from_user(const struct kts *t, uint64_t *out)
{
	uint64_t ns;

	if (t->nsec < 0 || t->nsec >= 1000000)
		return -EDOM;
	if (t->sec < 0) {
		*out = 0;
		return 0;
	}
	if (!t->sec && !t->nsec) {
		*out = DEADLINE_NEVER;
		return 0;
	}
	ns = kts_to_ns(t);
	*out = ns == INT64_MAX ? DEADLINE_NEVER :
	       (uint64_t)t->sec * NSEC_PER_SEC + (uint64_t)t->nsec * 1000;
	return 0;
}

/* --- getsockopt ---------------------------------------------------------------------*/
/* A pidfd for the peer, as a new descriptor. */
static int get_peer_pidfd(struct sock *s, int32_t *out)
{
	struct process *p = NULL;
	struct file *f;
	int fd;

	if (!s->peer_cred.pid)
		return -ENODATA;
	mutex_lock(&process_lock);
	p = process_find((uint32_t)s->peer_cred.pid);
	if (p)
		process_get(p);
	mutex_unlock(&process_lock);
	if (!p)
		return -ESRCH;
	f = pidfd_file_create(p, 0);
	process_put(p);
	if (!f)
		return -ENOMEM;
	fd = fd_install(f, true);
	if (fd < 0) {
		file_put(f);
		return fd;
	}
	*out = fd;
	return 0;
}

/* Fill *v. Returns its size or -errno. */
static int get_value(struct sock *s, uint32_t opt, union opt_value *v)
{
	int err;

	v->i = 0;
	if (is_flag(opt)) {
		v->i = s->flags >> opt & 1;
		return sizeof(v->i);
	}
	switch (opt) {
	case SO_TYPE:
		v->i = (int32_t)s->type;
		break;
	case SO_DOMAIN:
		v->i = (int32_t)s->domain;
		break;
	case SO_PROTOCOL:
		v->i = (int32_t)s->protocol;
		break;
	case SO_PRIORITY:
	case SO_MARK:
	case SO_BSDCOMPAT:
	case OPT_PASSPIDFD:
		break;
	case SO_SNDLOWAT:
		v->i = 1;
		break;
	case SO_ACCEPTCONN:
		v->i = s->state == SOCK_LISTENING;
		break;
	case SO_ERROR:
		v->i = -sock_take_error(s);
		break;
	case SO_SNDBUF:
		v->i = (int32_t)s->sndbuf;
		break;
	case SO_RCVBUF:
		v->i = (int32_t)s->rcvbuf;
		break;
	case SO_RCVLOWAT:
		v->i = s->rcvlowat;
		break;
	case SO_PEEK_OFF:
		v->i = s->peek_off;
		break;
	case SO_LINGER:
		v->linger[0] = s->linger >= 0;
		v->linger[1] = MAX(s->linger, 0);
		return sizeof(v->linger);
	case SO_PEERCRED:
		v->cred = socket_show_cred(&s->peer_cred);
		return sizeof(v->cred);
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		v->time = timeo_to_user(s->rcvtimeo_ns);
		return sizeof(v->time);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		v->time = timeo_to_user(s->sndtimeo_ns);
		return sizeof(v->time);
	case OPT_PEERPIDFD:
		err = get_peer_pidfd(s, &v->i);
		if (err)
			return err;
		break;
	default:
		return -ENOPROTOOPT;
	}
	return sizeof(v->i);
}

static int get_option(struct sock *s, uint32_t opt, uint64_t value,
		      uint64_t len_p)
{
	union opt_value v;
	int32_t len;
	int size;

	if (copy_from_user(&len, (const void *)len_p, sizeof(len)))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	size = get_value(s, opt, &v);
	if (size < 0)
		return size;
	len = MIN(len, size);
	if (copy_to_user((void *)value, &v, (size_t)len))
		return -EFAULT;
	return copy_to_user((void *)len_p, &len, sizeof(len));
}

static int get_inet_option(struct sock *s, uint32_t level, uint32_t opt,
			   uint64_t value, uint64_t len_p)
{
	uint8_t v[INET_OPTION_MAX];
	int32_t len;

	if (copy_from_user(&len, (const void *)len_p, sizeof(len)))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = inet_get_option(s, level, opt, v, (uint32_t)len);
	if (len < 0)
		return len;
	if (copy_to_user((void *)value, v, (size_t)len))
		return -EFAULT;
	return copy_to_user((void *)len_p, &len, sizeof(len));
}

long sys_getsockopt(uint64_t fd, uint64_t level, uint64_t opt, uint64_t value,
		    uint64_t len)
{
	struct file *f;
	struct sock *s;
	int err = socket_get(fd, &f, &s);

	if (err)
		return err;
	if ((int)level == SOL_SOCKET)
		err = get_option(s, (uint32_t)opt, value, len);
	else if (inet_is(s))
		err = get_inet_option(s, (uint32_t)level, (uint32_t)opt, value,
				      len);
	else
		err = -EOPNOTSUPP;
	file_put(f);
	return err;
}

/* --- setsockopt ---------------------------------------------------------------------*/
static uint32_t buf_size(int32_t v, uint32_t min)
{
	uint32_t n = MIN((uint32_t)v, SOCK_BUF_MAX / 2);

	return MAX(n * 2, min);
}

static void set_flag_option(struct sock *s, uint32_t opt, bool on)
{
	if (on)
		__atomic_fetch_or(&s->flags, 1u << opt, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&s->flags, ~(1u << opt), __ATOMIC_RELAXED);
}

static int set_int(struct sock *s, uint32_t opt, int32_t v)
{
	switch (opt) {
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!cred_has_cap(current_thread()->cred, CAP_NET_ADMIN))
			return -EPERM;
		opt = opt == SO_SNDBUFFORCE ? SO_SNDBUF : SO_RCVBUF;
		fallthrough;
	case SO_SNDBUF:
	case SO_RCVBUF:
		if (opt == SO_SNDBUF)
			s->sndbuf = buf_size(v, SNDBUF_MIN);
		else
			s->rcvbuf = buf_size(v, RCVBUF_MIN);
		wait_wake_all(&s->wait, 0);
		return 0;
	case SO_RCVLOWAT:
		s->rcvlowat = v < 0 ? INT32_MAX : v ? v : 1;
		return 0;
	case SO_PEEK_OFF:
		s->peek_off = v < 0 ? -1 : v;
		return 0;
	case SO_PRIORITY:
	case SO_MARK:
	case SO_BSDCOMPAT:
	case OPT_PASSPIDFD:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int set_timeo(struct sock *s, uint32_t opt, uint64_t value, uint32_t len)
{
	bool recv = opt == SO_RCVTIMEO_OLD || opt == SO_RCVTIMEO_NEW;
	struct kts t;

	if (len < sizeof(t))
		return -EINVAL;
	if (copy_from_user(&t, (const void *)value, sizeof(t)))
		return -EFAULT;
	return timeo_from_user(&t, recv ? &s->rcvtimeo_ns : &s->sndtimeo_ns);
}

static int set_linger(struct sock *s, uint64_t value, uint32_t len)
{
	int32_t v[2];

	if (len < sizeof(v))
		return -EINVAL;
	if (copy_from_user(v, (const void *)value, sizeof(v)))
		return -EFAULT;
	s->linger = v[0] ? MAX(v[1], 0) : -1;
	return 0;
}

static int set_option(struct sock *s, uint32_t opt, uint64_t value,
		      uint32_t len)
{
	int32_t v;

	if (len < sizeof(v))
		return -EINVAL;
	if (copy_from_user(&v, (const void *)value, sizeof(v)))
		return -EFAULT;
	if (is_flag(opt)) {
		set_flag_option(s, opt, v);
		return 0;
	}
	switch (opt) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return set_timeo(s, opt, value, len);
	case SO_LINGER:
		return set_linger(s, value, len);
	default:
		return set_int(s, opt, v);
	}
}

static int set_inet_option(struct sock *s, uint32_t level, uint32_t opt,
			   uint64_t value, uint32_t len)
{
	uint8_t v[32];

	len = MIN(len, (uint32_t)sizeof(v));
	if (copy_from_user(v, (const void *)value, len))
		return -EFAULT;
	return inet_set_option(s, level, opt, v, len);
}

long sys_setsockopt(uint64_t fd, uint64_t level, uint64_t opt, uint64_t value,
		    uint64_t len)
{
	struct file *f;
	struct sock *s;
	int err;

	if ((int32_t)len < 0)
		return -EINVAL;
	err = socket_get(fd, &f, &s);
	if (err)
		return err;
	if ((int)level == SOL_SOCKET)
		err = set_option(s, (uint32_t)opt, value, (uint32_t)len);
	else if (inet_is(s))
		err = set_inet_option(s, (uint32_t)level, (uint32_t)opt, value,
				      (uint32_t)len);
	else
		err = -EOPNOTSUPP;
	file_put(f);
	return err;
}
