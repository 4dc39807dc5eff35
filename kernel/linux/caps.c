/* SPDX-License-Identifier: MIT */
/*
 * Capabilities: capget, capset and the prctl options about them.
 */
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "linux/ids.h"
#include "linux/pid_ns.h"

#define LSM_ID_CAPABILITY 100	/* not in older UAPI headers */

#define CAPS_KNOWN ((2ull << CAP_LAST_CAP) - 1)

struct cap_header {
	uint32_t version;
	int32_t pid;
};

struct cap_data {
	uint32_t effective, permitted, inheritable;
};

/* Words of 32 capabilities for a version; 0 = unknown version. */
static uint32_t version_words(uint32_t version)
{
	switch (version) {
	case _LINUX_CAPABILITY_VERSION_1:
		return 1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		return 2;
	default:
		return 0;
	}
}

/* Returns the number of words, or -errno; tells our version if unknown. */
static int header_get(uint64_t user, struct cap_header *h)
{
	uint32_t n;

	if (copy_from_user(h, (void *)user, sizeof(*h)))
		return -EFAULT;
	n = version_words(h->version);
	if (n)
		return (int)n;
	h->version = _LINUX_CAPABILITY_VERSION_3;
	if (copy_to_user((void *)user, &h->version, sizeof(h->version)))
		return -EFAULT;
	return -EINVAL;
}

/* The first process has no threads: it may do everything. */
static struct cred *cred_of_first(void)
{
	struct cred *c = cred_copy(current_thread()->cred);

	if (c) {
		c->cap_effective = c->cap_permitted = CAPS_KNOWN;
		c->cap_inheritable = 0;
	}
	return c;
}

static struct cred *cred_of_pid(int32_t pid)
{
	struct thread *t;
	struct cred *c = NULL;

	if (!pid)
		return cred_get(current_thread()->cred);
	mutex_lock(&process_lock);
	t = thread_find_user((uint32_t)pid);
	if (t)
		c = cred_get(t->cred);
	else if (process_find_user((uint32_t)pid))
		c = cred_of_first();
	mutex_unlock(&process_lock);
	return c;
}

long sys_capget(uint64_t header, uint64_t data)
{
	struct cap_data d[2];
	struct cap_header h;
	struct cred *c;
	int words = header_get(header, &h);

	if (words == -EINVAL && !data)
		return 0;
	if (words < 0)
		return words;
	if (!data)
		return 0;
	if (h.pid < 0)
		return -EINVAL;
	c = cred_of_pid(h.pid);
	if (!c)
		return -ESRCH;
	for (int i = 0; i < 2; i++) {
		d[i].effective = (uint32_t)(c->cap_effective >> (32 * i));
		d[i].permitted = (uint32_t)(c->cap_permitted >> (32 * i));
		d[i].inheritable = (uint32_t)(c->cap_inheritable >> (32 * i));
	}
	cred_put(c);
	return copy_to_user((void *)data, d, (size_t)words * sizeof(d[0]));
}

/* May the caller have these sets? */
static bool capset_allowed(const struct cred *old, uint64_t e, uint64_t p,
			   uint64_t i)
{
	if (i & ~(old->cap_inheritable | old->cap_permitted) &&
	    !cred_has_own_cap(old, CAP_SETPCAP))
		return false;
	return !(i & ~(old->cap_inheritable | old->cap_bounding)) &&
	       !(p & ~old->cap_permitted) && !(e & ~p);
}

long sys_capset(uint64_t header, uint64_t data)
{
	const struct cred *old = current_thread()->cred;
	uint64_t e = 0, p = 0, in = 0;
	struct cap_data d[2] = { 0 };
	struct cap_header h;
	struct cred *n;
	int words = header_get(header, &h);

	if (words < 0)
		return words;
	if (h.pid && (uint32_t)h.pid != current_thread()->nr)
		return -EPERM;
	if (copy_from_user(d, (void *)data, (size_t)words * sizeof(d[0])))
		return -EFAULT;
	for (int i = 0; i < words; i++) {
		e |= (uint64_t)d[i].effective << (32 * i);
		p |= (uint64_t)d[i].permitted << (32 * i);
		in |= (uint64_t)d[i].inheritable << (32 * i);
	}
	e &= CAPS_KNOWN;
	p &= CAPS_KNOWN;
	in &= CAPS_KNOWN;
	if (!capset_allowed(old, e, p, in))
		return -EPERM;
	n = ids_begin();
	if (!n)
		return -ENOMEM;
	n->cap_effective = e;
	n->cap_permitted = p;
	n->cap_inheritable = in;
	n->cap_ambient &= p & in;
	ids_commit(n);
	return 0;
}

/* --- prctl ----------------------------------------------------------------*/
static long bounding_drop(uint64_t cap)
{
	struct cred *n;

	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	if (!cred_has_own_cap(current_thread()->cred, CAP_SETPCAP))
		return -EPERM;
	n = ids_begin();
	if (!n)
		return -ENOMEM;
	n->cap_bounding &= ~(1ull << cap);
	ids_commit(n);
	return 0;
}

static long ambient(uint64_t what, uint64_t cap)
{
	const struct cred *c = current_thread()->cred;
	uint64_t bit = cap <= CAP_LAST_CAP ? 1ull << cap : 0;
	struct cred *n;

	if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (cap)
			return -EINVAL;
	} else if (!bit) {
		return -EINVAL;
	}
	if (what == PR_CAP_AMBIENT_IS_SET)
		return !!(c->cap_ambient & bit);
	if (what == PR_CAP_AMBIENT_RAISE &&
	    (!(c->cap_permitted & c->cap_inheritable & bit) ||
	     c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
		return -EPERM;
	n = ids_begin();
	if (!n)
		return -ENOMEM;
	if (what == PR_CAP_AMBIENT_RAISE)
		n->cap_ambient |= bit;
	else if (what == PR_CAP_AMBIENT_LOWER)
		n->cap_ambient &= ~bit;
	else
		n->cap_ambient = 0;
	ids_commit(n);
	return 0;
}

static long set_securebits(uint64_t bits)
{
	const struct cred *c = current_thread()->cred;
	uint32_t locked = (c->securebits & SECURE_ALL_LOCKS) >> 1;
	struct cred *n;

	if (locked & (c->securebits ^ (uint32_t)bits) ||
	    c->securebits & SECURE_ALL_LOCKS & ~(uint32_t)bits ||
	    bits & ~(uint64_t)(SECURE_ALL_LOCKS | SECURE_ALL_BITS) ||
	    !cred_has_own_cap(c, CAP_SETPCAP))
		return -EPERM;
	n = ids_begin();
	if (!n)
		return -ENOMEM;
	n->securebits = (uint32_t)bits;
	ids_commit(n);
	return 0;
}

static long set_keep_caps(uint64_t on)
{
	const struct cred *c = current_thread()->cred;
	struct cred *n;

	if (on > 1)
		return -EINVAL;
	if (c->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	n = ids_begin();
	if (!n)
		return -ENOMEM;
	n->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
	if (on)
		n->securebits |= SECBIT_KEEP_CAPS;
	ids_commit(n);
	return 0;
}

long ids_prctl(uint64_t option, uint64_t a2, uint64_t a3, uint64_t a4,
	       uint64_t a5)
{
	struct thread *t = current_thread();

	switch (option) {
	case PR_CAPBSET_READ:
		return a2 > CAP_LAST_CAP ? -EINVAL :
		       (long)(t->cred->cap_bounding >> a2 & 1);
	case PR_CAPBSET_DROP:
		return bounding_drop(a2);
	case PR_CAP_AMBIENT:
		if (a4 || a5 || a2 < PR_CAP_AMBIENT_IS_SET ||
		    a2 > PR_CAP_AMBIENT_CLEAR_ALL)
			return -EINVAL;
		return ambient(a2, a3);
	case PR_GET_SECUREBITS:
		return t->cred->securebits;
	case PR_SET_SECUREBITS:
		return set_securebits(a2);
	case PR_GET_KEEPCAPS:
		return !!(t->cred->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_keep_caps(a2);
	case PR_SET_NO_NEW_PRIVS:
		if (a2 != 1 || a3 || a4 || a5)
			return -EINVAL;
		t->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a2 || a3 || a4 || a5 ? -EINVAL : t->no_new_privs;
	default:
		return -ENOSYS;
	}
}

/* Capabilities are the only module there is. */
long sys_lsm_list_modules(uint64_t ids, uint64_t size_user, uint64_t flags)
{
	uint32_t size;

	if (flags)
		return -EINVAL;
	if (user_load32((void *)size_user, &size) ||
	    user_store32((void *)size_user, sizeof(uint64_t)))
		return -EFAULT;
	if (size < sizeof(uint64_t))
		return -E2BIG;
	return user_store64((void *)ids, LSM_ID_CAPABILITY) ? -EFAULT : 1;
}
