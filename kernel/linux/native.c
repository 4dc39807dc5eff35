/* SPDX-License-Identifier: MIT */
/*
 * The native interface (abi/native.h): messages for programs. Called from
 * dispatch for one number outside Linux's range.
 */
#include "linux/native.h"
#include "abi/native.h"
#include "arch/regs.h"
#include "arch/uaccess.h"
#include "core/clock.h"
#include "core/msg.h"
#include "core/timer.h"
#include "linux/process.h"
#include <linux/capability.h>

_Static_assert(sizeof(struct msg) == 64 && MSG_BUF_MAX == MICA_BUF_MAX && MSG_SET_MAX == MICA_SET_MAX &&
	       MSG_NAME_MAX == MICA_NAME_MAX && MSG_PUBLIC == MICA_PUBLIC &&
	       sizeof(struct msg) == sizeof(struct mica_msg), "abi/native.h");

/* One call's message and buffer. b: only if the program gave one. */
struct exchange {
	struct msg m;
	struct msg_buf b;
};

static int get_buf(struct msg_buf *b, uint64_t user, bool sends)
{
	struct mica_buf ub;

	if (copy_from_user(&ub, (void *)user, sizeof(ub)))
		return -EFAULT;
	*b = (struct msg_buf){
		.out = ub.out, .out_len = sends ? ub.out_len : 0,
		.in = ub.in, .in_len = ub.in_len, .user = true,
	};
	return 0;
}

static inline int exchange_begin(struct exchange *x, const struct regs *r,
				 bool sends)
{
	if (sends) {
		if (copy_64_from_user(&x->m, (void *)r->rdx))
			return -EFAULT;
	} else if (!user_range_ok((void *)r->rdx, sizeof(x->m))) {
		return -EFAULT;
	}
	return likely(!r->r10) ? 0 : get_buf(&x->b, r->r10, sends);
}

/* To the program, what has been received. */
static inline int exchange_end(const struct exchange *x, const struct regs *r)
{
	uint32_t *got = &((struct mica_buf *)r->r10)->got;

	if (copy_64_to_user((void *)r->rdx, &x->m))
		return -EFAULT;
	return likely(!r->r10) ? 0 : user_store32(got, x->b.got);
}

static struct msg_buf *buf_of(struct exchange *x, const struct regs *r)
{
	return r->r10 ? &x->b : NULL;
}

/* timeout_ns: relative, negative for ever. */
static uint64_t deadline(uint64_t timeout_ns)
{
	uint64_t now;

	if (likely((int64_t)timeout_ns <= 0))
		return timeout_ns ? DEADLINE_NEVER : 0;
	now = clock_mono_ns();
	return now + timeout_ns < now ? DEADLINE_NEVER : now + timeout_ns;
}

static long send_op(const struct regs *r)
{
	struct exchange x;
	int err = exchange_begin(&x, r, true);

	return err ? err : msg_send((uint32_t)r->rsi, &x.m, buf_of(&x, r),
				    deadline(r->r8));
}

static long call_op(const struct regs *r)
{
	struct exchange x;
	int err = exchange_begin(&x, r, true);

	if (!err)
		err = msg_call((uint32_t)r->rsi, &x.m, buf_of(&x, r),
			       deadline(r->r8));
	return err ? err : exchange_end(&x, r);
}

static long receive_op(const struct regs *r)
{
	uint32_t ids[MSG_SET_MAX];
	struct msg_from from = { ids, (uint32_t)r->rsi };
	struct exchange x;
	int err;

	if (r->rsi > MSG_SET_MAX)
		return -EINVAL;
	if (copy_from_user(ids, (void *)r->r9, from.nr * sizeof(*ids)))
		return -EFAULT;
	err = exchange_begin(&x, r, false);
	if (!err)
		err = msg_receive(&from, &x.m, buf_of(&x, r), deadline(r->r8));
	return err ? err : exchange_end(&x, r);
}

static long reply_op(const struct regs *r)
{
	struct exchange x;
	int err = exchange_begin(&x, r, true);

	return err ? err : msg_reply((uint32_t)r->rsi, &x.m, buf_of(&x, r));
}

static long reply_receive_op(const struct regs *r)
{
	struct exchange x;
	int err = exchange_begin(&x, r, true);

	if (!err)
		err = msg_reply_receive((uint32_t)r->rsi, &x.m, buf_of(&x, r),
					deadline(r->r8));
	return err ? err : exchange_end(&x, r);
}

/* --- names --------------------------------------------------------------------*/
static int get_name(char *name, uint64_t user)
{
	ssize_t n = strncpy_from_user(name, (void *)user, MSG_NAME_MAX);

	return n < 0 ? (int)n : 0;
}

static long name_op(const struct regs *r)
{
	char name[MSG_NAME_MAX];
	int err = get_name(name, r->rsi);

	if (err)
		return err;
	if (r->rdx & ~(uint64_t)MSG_PUBLIC)
		return -EINVAL;
	return msg_set_name(name, (uint32_t)r->rdx);
}

/* The services start when they are first asked for. */
static long find_op(const struct regs *r)
{
	char name[MSG_NAME_MAX];
	int err = get_name(name, r->rsi);
	uint32_t id;

	if (!err)
		err = clock_start_service();
	if (err)
		return err;
	id = msg_find(name);
	return id ? (long)id : -ESRCH;
}

static long self_op(const struct regs *r)
{
	uint32_t id = msg_self();

	return id ? (long)id : -ENOMEM;
}

static long version_op(const struct regs *r)
{
	return MICA_NATIVE_VERSION;
}

static long notify_op(const struct regs *r)
{
	return msg_notify_id((uint32_t)r->rsi, (uint32_t)r->rdx);
}

long native_call(const struct regs *r)
{
	static long (*const ops[])(const struct regs *r) = {
		[MICA_OP_VERSION] = version_op, [MICA_OP_SELF] = self_op,
		[MICA_OP_SEND] = send_op, [MICA_OP_RECEIVE] = receive_op,
		[MICA_OP_CALL] = call_op, [MICA_OP_REPLY] = reply_op,
		[MICA_OP_REPLY_RECEIVE] = reply_receive_op,
		[MICA_OP_NOTIFY] = notify_op, [MICA_OP_NAME] = name_op,
		[MICA_OP_FIND] = find_op,
	};

	if (r->rdi >= sizeof(ops) / sizeof(*ops))
		return -EINVAL;
	return ops[r->rdi](r);
}

void native_dispatch(struct regs *r)
{
	long ret;

	if (likely(r->rdi == MICA_OP_CALL))
		ret = call_op(r);
	else if (likely(r->rdi == MICA_OP_REPLY_RECEIVE))
		ret = reply_receive_op(r);
	else
		ret = native_call(r);
	r->rax = (uint64_t)ret;
}

/* --- rights ---------------------------------------------------------------------*/
/* A program may send to those it may signal: its own user's. */
static bool may_send(const struct task *from, const struct task *to)
{
	const struct thread *f = from->personality, *t = to->personality;
	const struct cred *me, *other;
	bool may;

	if (f->process == t->process)
		return true;
	mutex_lock(&process_lock);
	me = f->cred;
	other = t->cred;
	may = me->euid == other->uid || me->euid == other->euid ||
	      cred_has_cap_in(me, other->user_ns, CAP_KILL);
	mutex_unlock(&process_lock);
	return may;
}

void native_init(void)
{
	msg_set_policy(may_send);
}
