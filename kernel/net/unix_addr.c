/* SPDX-License-Identifier: MIT */
/*
 * Names of AF_UNIX sockets and the table of abstract ones (first byte of the
 * path is zero; the length counts). A socket leaves the table when it is
 * released; sockets made by accept share the name of their listener without
 * being in the table.
 */
#include "core/heap.h"
#include "lib/string.h"
#include "net/unix.h"

#define NR_BUCKETS	64u
#define NAME_OFFSET	2u	/* sun_path in struct sockaddr_un */
#define AUTOBIND_LEN	(NAME_OFFSET + 6u)	/* "\0" and five digits */
#define AUTOBIND_MASK	0xfffffu

static struct mutex names_lock = MUTEX_INIT;
/* under names_lock */
static struct list names[NR_BUCKETS];	/* next NULL: never used */
static uint32_t next_auto;

struct unix_addr *unix_addr_create(const void *sun, uint32_t len)
{
	struct unix_addr *a = kzalloc(sizeof(*a));

	if (!a)
		return NULL;
	ref_init(&a->refs, 1);
	list_init(&a->link);
	a->len = len;
	memcpy(a->sun, sun, len);
	return a;
}

struct unix_addr *unix_addr_get(struct unix_addr *a)
{
	if (a)
		ref_get(&a->refs);
	return a;
}

void unix_addr_put(struct unix_addr *a)
{
	if (a && ref_put(&a->refs))
		kfree(a);
}

uint32_t unix_name(struct sock *s, uint8_t sun[SOCK_NAME_MAX])
{
	const struct unix_addr *a = __atomic_load_n(&s->addr,
						    __ATOMIC_ACQUIRE);

	if (!a) {
		sun[0] = AF_UNIX;
		sun[1] = 0;
		return NAME_OFFSET;
	}
	memcpy(sun, a->sun, a->len);
	return a->len;
}

static struct list *bucket_of(const uint8_t *sun, uint32_t len, uint32_t type)
{
	uint32_t h = type;
	struct list *b;

	for (uint32_t i = NAME_OFFSET; i < len; i++)
		h = h * 31 + sun[i];
	b = &names[(h ^ h >> 8) % NR_BUCKETS];
	if (!b->next)
		list_init(b);
	return b;
}

static struct unix_addr *find_locked(const struct net_space *n, const void *sun,
				     uint32_t len, uint32_t type)
{
	struct list *b = bucket_of(sun, len, type);

	list_for_each(p, b) {
		struct unix_addr *a = list_entry(p, struct unix_addr, link);

		if (a->type == type && a->len == len && a->owner->space == n &&
		    !memcmp(a->sun + NAME_OFFSET,
			    (const uint8_t *)sun + NAME_OFFSET,
			    len - NAME_OFFSET))
			return a;
	}
	return NULL;
}

struct sock *unix_find_abstract(const struct net_space *n, const void *sun,
				uint32_t len, uint32_t type)
{
	struct unix_addr *a;
	struct sock *s = NULL;

	mutex_lock(&names_lock);
	a = find_locked(n, sun, len, type);
	if (a)
		s = sock_get(a->owner);
	mutex_unlock(&names_lock);
	return s;
}

/* The name is set once; -EINVAL if there is one. */
static int set_name_locked(struct sock *s, struct unix_addr *a)
{
	int err = 0;

	mutex_lock(&s->lock);
	if (s->addr)
		err = -EINVAL;
	else
		__atomic_store_n(&s->addr, a, __ATOMIC_RELEASE);
	mutex_unlock(&s->lock);
	return err;
}

static int enter_locked(struct sock *s, struct unix_addr *a)
{
	int err;

	a->type = s->type;
	if (find_locked(s->space, a->sun, a->len, a->type))
		return -EADDRINUSE;
	err = set_name_locked(s, a);
	if (err)
		return err;
	a->owner = s;
	list_append(bucket_of(a->sun, a->len, a->type), &a->link);
	return 0;
}

int unix_bind_abstract(struct sock *s, const void *sun, uint32_t len)
{
	struct unix_addr *a;
	int err;

	if (s->addr)
		return -EINVAL;
	a = unix_addr_create(sun, len);
	if (!a)
		return -ENOMEM;
	mutex_lock(&names_lock);
	err = enter_locked(s, a);
	mutex_unlock(&names_lock);
	if (err)
		unix_addr_put(a);
	return err;
}

int unix_bind_path(struct sock *s, const void *sun, uint32_t len)
{
	struct unix_addr *a = unix_addr_create(sun, len);
	int err;

	if (!a)
		return -ENOMEM;
	err = set_name_locked(s, a);
	if (err)
		unix_addr_put(a);
	return err;
}

int unix_autobind(struct sock *s)
{
	uint8_t sun[AUTOBIND_LEN] = { AF_UNIX };
	struct unix_addr *a;
	int err = -EADDRINUSE;

	if (s->addr)
		return 0;
	a = unix_addr_create(sun, sizeof(sun));
	if (!a)
		return -ENOMEM;
	mutex_lock(&names_lock);
	for (uint32_t tries = 0; tries <= AUTOBIND_MASK; tries++) {
		char digits[8];

		next_auto = (next_auto + 1) & AUTOBIND_MASK;
		snprintf(digits, sizeof(digits), "%05x", next_auto);
		memcpy(a->sun + NAME_OFFSET + 1, digits, 5);
		err = enter_locked(s, a);
		if (err != -EADDRINUSE)
			break;
	}
	mutex_unlock(&names_lock);
	if (err)
		unix_addr_put(a);
	/* another thread named it meanwhile: as good */
	return err == -EINVAL ? 0 : err == -EADDRINUSE ? -ENOSPC : err;
}

void unix_unbind(struct sock *s)
{
	struct unix_addr *a = s->addr;

	if (!a)
		return;
	mutex_lock(&names_lock);
	if (a->owner == s) {
		list_remove(&a->link);
		a->owner = NULL;
	}
	mutex_unlock(&names_lock);
}
