/* SPDX-License-Identifier: MIT */
/* Terminals behind the standard streams: the file server's requests as
 * IOCTLs of FUSE on the open stream. */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include "lib/string.h"
#include "platform/kvm/hostfd.h"
#include "platform/kvm/server_priv.h"

#define NR_STREAMS	3u

/* The ioctl for the request, and how long its answer is; 0: none such. */
static uint32_t command_of(const struct server_call *c, uint32_t *out_size)
{
	static const uint32_t set[] = { TCSETS2, TCSETSW2, TCSETSF2 };
	uint64_t how = c->q.arg >> 8;

	*out_size = sizeof(uint32_t);
	switch (c->q.op) {
	case FSRV_TTY_GET:
		*out_size = sizeof(struct termios2);
		return TCGETS2;
	case FSRV_TTY_SET:
		*out_size = 0;
		return how < ARRAY_LEN(set) &&
		       c->q.data_len == sizeof(struct termios2) ?
		       set[how] : 0;
	case FSRV_TTY_WINSZ:
		*out_size = sizeof(struct winsize);
		return TIOCGWINSZ;
	case FSRV_TTY_FIONREAD:
		return FIONREAD;
	default:
		return TIOCGPGRP;
	}
}

static int control(struct server_call *c, const struct hostopen *o,
		   uint32_t cmd, uint32_t out_size)
{
	struct fuse_msg m = { .opcode = FUSE_IOCTL,
			      .nodeid = hostopen_nodeid(o) };
	struct fuse_ioctl_in in = { .fh = o->fh, .cmd = cmd,
				    .out_size = out_size };
	struct fuse_ioctl_out out;
	uint32_t number = 0;
	bool is_set = c->q.op == FSRV_TTY_SET;
	int err;

	if (is_set)
		in.in_size = c->q.data_len;
	fuse_send(&m, &in, sizeof(in));
	fuse_send(&m, c->data, in.in_size);
	fuse_receive(&m, &out, sizeof(out));
	fuse_receive(&m, c->out, out_size);
	err = fuse_call_exact(&m);
	if (err || out.result)
		return err ? err : -EIO;
	c->r->data_len = out_size;
	if (c->q.op == FSRV_TTY_FIONREAD || c->q.op == FSRV_TTY_FRONT) {
		memcpy(&number, c->out, sizeof(number));
		c->r->arg = number;
		c->r->data_len = 0;
	}
	return 0;
}

int server_do_tty(struct server_call *c)
{
	uint32_t nr = c->q.arg & 0xff, out_size;
	uint32_t cmd = command_of(c, &out_size);
	struct hostopen *o;
	int err;

	if (!cmd || nr >= NR_STREAMS)
		return -EINVAL;
	o = hostfd_get((int)nr);
	if (!o)
		return -EBADF;
	err = control(c, o, cmd, out_size);
	hostopen_put(o);
	return err;
}
