/* SPDX-License-Identifier: MIT */
/*
 * User namespaces as programs make and describe them: credentials in a new
 * one, and the files uid_map, gid_map and setgroups of /proc/PID
 * (user_namespaces(7)). A map is written once, under process_lock.
 */
#include <linux/capability.h>
#include <linux/securebits.h>
#include "core/heap.h"
#include "lib/string.h"
#include "linux/ns.h"
#include "linux/proc/proc.h"
#include "linux/user_ns.h"

#define CAPS_ALL ((2ull << CAP_LAST_CAP) - 1)

/* --- making and entering --------------------------------------------------*/
void user_ns_enter(struct cred *c, struct user_ns *u)
{
	user_ns_get(u);
	user_ns_put(c->user_ns);
	c->user_ns = u;
	c->securebits = SECUREBITS_DEFAULT;
	c->cap_inheritable = c->cap_ambient = 0;
	c->cap_permitted = c->cap_effective = c->cap_bounding = CAPS_ALL;
}

/* Whose root is not that of his mounts could get out by his new rights. */
static bool is_chrooted(void)
{
	struct path root, top;
	bool same;

	mnt_ns_root(own_mnt_ns(), &top);
	proc_caller_root(&root);
	same = path_equal(&root, &top);
	path_put(&top);
	path_put(&root);
	return !same;
}

int user_ns_make_cred(const struct cred *c, struct cred **out)
{
	struct user_ns *u, *parent = c->user_ns;

	if (parent->level >= USER_NS_LEVELS)
		return -ENOSPC;
	if (is_chrooted() ||
	    id_to_user(parent, ID_USER, c->euid) == NO_ID ||
	    id_to_user(parent, ID_GROUP, c->egid) == NO_ID)
		return -EPERM;
	u = user_ns_create(parent);
	if (!u)
		return -ENOMEM;
	u->uid = c->euid;
	u->gid = c->egid;
	u->may_setgroups = parent->may_setgroups;
	u->parent_could_setfcap = cred_has_own_cap(c, CAP_SETFCAP);
	*out = cred_copy(c);
	if (*out)
		user_ns_enter(*out, u);
	user_ns_put(u);
	return *out ? 0 : -ENOMEM;
}

/* --- /proc/PID/uid_map, gid_map -------------------------------------------*/
/* The namespace of the process, with a reference; NULL: it is gone. */
static struct user_ns *find_ns(const struct pseudo_node *n)
{
	struct user_ns *u = NULL;
	struct process *p;

	mutex_lock(&process_lock);
	p = process_find(proc_pid(n));
	if (p && !list_is_empty(&p->threads))
		u = user_ns_get(list_first(&p->threads, struct thread, link)
				->cred->user_ns);
	mutex_unlock(&process_lock);
	return u;
}

int user_ns_show_map(struct textbuf *t, struct pseudo_node *n)
{
	const struct user_ns *to = current_thread()->cred->user_ns;
	enum id_kind kind = (enum id_kind)n->entry->arg;
	struct user_ns *u = find_ns(n);
	uint32_t nr;

	if (!u)
		return -ESRCH;
	/* who is in it sees what its parent would */
	if (to == u && u->ns.owner)
		to = u->ns.owner;
	nr = __atomic_load_n(&u->map[kind].nr, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < nr; i++) {
		const struct id_extent *e = &u->map[kind].extent[i];

		textbuf_printf(t, "%10u %10u %10u\n", e->first,
			       id_to_user(to, kind, e->lower), e->count);
	}
	user_ns_put(u);
	return 0;
}

static bool overlap(uint32_t a, uint32_t b, uint32_t nr_a, uint32_t nr_b)
{
	return a - b < nr_b || b - a < nr_a;
}

/* The next number of a line. Returns false if there is none. */
static bool get_number(const char **s, uint32_t *out)
{
	const char *c = *s;
	uint64_t v = 0;

	while (*c == ' ' || *c == '\t')
		c++;
	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++)
		v = MIN(v * 10 + (uint64_t)(*c - '0'), (uint64_t)NO_ID);
	*out = (uint32_t)v;
	*s = c;
	return *c == ' ' || *c == '\t' || *c == '\n' || !*c;
}

/* One line, behind nr others. */
static bool parse_line(const char **s, struct id_extent *e, uint32_t nr)
{
	struct id_extent *n = &e[nr];

	if (!get_number(s, &n->first) || !get_number(s, &n->lower) ||
	    !get_number(s, &n->count))
		return false;
	while (**s == ' ' || **s == '\t')
		(*s)++;
	if (**s && *(*s)++ != '\n')
		return false;
	if (n->first + n->count <= n->first || n->lower + n->count <= n->lower)
		return false;
	for (uint32_t i = 0; i < nr; i++)
		if (overlap(e[i].first, n->first, e[i].count, n->count) ||
		    overlap(e[i].lower, n->lower, e[i].count, n->count))
			return false;
	return true;
}

/* Returns the number of extents, in *out for kfree; or -errno. */
static int parse(const char *s, struct id_extent **out)
{
	struct id_extent *e = kmalloc(ID_EXTENTS_MAX * sizeof(*e));
	uint32_t nr = 0;
	bool ok = true;

	if (!e)
		return -ENOMEM;
	while (*s && ok) {
		ok = nr < ID_EXTENTS_MAX && parse_line(&s, e, nr);
		nr++;
	}
	if (!ok || !nr) {
		kfree(e);
		return -EINVAL;
	}
	*out = e;
	return (int)nr;
}

/* May the opener of the file, and the caller, give u these ids of its parent? */
static bool may_map_locked(const struct user_ns *u, enum id_kind kind,
			   const struct id_extent *e, uint32_t nr,
			   const struct cred *opener)
{
	const struct user_ns *parent = u->ns.owner;
	const struct cred *me = current_thread()->cred;
	int cap = kind == ID_USER ? CAP_SETUID : CAP_SETGID;

	for (uint32_t i = 0; i < nr && kind == ID_USER; i++)
		/* programs of root's could get capabilities from files */
		if (!e[i].lower && !(opener->user_ns == u ?
				     u->parent_could_setfcap :
				     cred_has_cap_in(opener, parent,
						     CAP_SETFCAP)))
			return false;
	if (nr == 1 && e->count == 1 && u->uid == opener->euid) {
		uint32_t id = id_from_user(parent, kind, e->lower);

		if (kind == ID_USER ? id == opener->euid :
		    !u->may_setgroups && id == opener->egid)
			return true;
	}
	return cred_has_cap_in(me, parent, cap) &&
	       cred_has_cap_in(opener, parent, cap);
}

/* From the parent's numbers to the kernel's. Each lies in one extent there: what
 * is between two is nobody's to give. */
static bool to_kernel(const struct user_ns *parent, enum id_kind kind,
		      struct id_extent *e, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		e[i].lower = id_range_from_user(parent, kind, e[i].lower,
						e[i].count);
		if (e[i].lower == NO_ID)
			return false;
	}
	return true;
}

static int set_map_locked(struct user_ns *u, enum id_kind kind,
			  struct id_extent *e, uint32_t nr,
			  const struct cred *opener)
{
	if (!u->ns.owner || u->map[kind].nr ||
	    (opener->user_ns != u && opener->user_ns != u->ns.owner) ||
	    !cred_has_cap_in(opener, u, CAP_SYS_ADMIN) ||
	    !may_map_locked(u, kind, e, nr, opener) ||
	    !to_kernel(u->ns.owner, kind, e, nr))
		return -EPERM;
	u->map[kind].extent = e;
	/* pairs with translate()'s acquire: it must find the extents */
	__atomic_store_n(&u->map[kind].nr, nr, __ATOMIC_RELEASE);
	return 0;
}

ssize_t user_ns_store_map(struct pseudo_node *n, struct file *f,
			  const char *buf, size_t len, uint64_t pos)
{
	struct id_extent *e = NULL;
	struct user_ns *u;
	int nr, err;

	if (pos || len >= PAGE_SIZE)
		return -EINVAL;
	u = find_ns(n);
	if (!u)
		return -ESRCH;
	nr = parse(buf, &e);
	mutex_lock(&process_lock);
	err = u->map[n->entry->arg].nr ? -EPERM : nr < 0 ? nr :
	      set_map_locked(u, (enum id_kind)n->entry->arg, e, (uint32_t)nr,
			     f->cred);
	mutex_unlock(&process_lock);
	if (err)
		kfree(e);
	user_ns_put(u);
	return err ? err : (ssize_t)len;
}

/* --- /proc/PID/setgroups --------------------------------------------------*/
int user_ns_show_setgroups(struct textbuf *t, struct pseudo_node *n)
{
	struct user_ns *u = find_ns(n);

	if (!u)
		return -ESRCH;
	textbuf_puts(t, u->may_setgroups ? "allow\n" : "deny\n");
	user_ns_put(u);
	return 0;
}

/* What is told can only become less, and not once groups are mapped. */
static int set_setgroups_locked(struct user_ns *u, bool allow,
				const struct cred *opener)
{
	if (!cred_has_cap_in(opener, u, CAP_SYS_ADMIN) ||
	    (allow ? !u->may_setgroups : u->map[ID_GROUP].nr != 0))
		return -EPERM;
	u->may_setgroups = allow;
	return 0;
}

ssize_t user_ns_store_setgroups(struct pseudo_node *n, struct file *f,
				const char *buf, size_t len, uint64_t pos)
{
	bool allow = !strncmp(buf, "allow", 5);
	const char *rest = buf + (allow ? 5 : 4);
	struct user_ns *u;
	int err;

	if (pos || len >= 8 || (!allow && strncmp(buf, "deny", 4)))
		return -EINVAL;
	while (*rest == ' ' || *rest == '\n' || *rest == '\t')
		rest++;
	if (*rest)
		return -EINVAL;
	u = find_ns(n);
	if (!u)
		return -ESRCH;
	mutex_lock(&process_lock);
	err = set_setgroups_locked(u, allow, f->cred);
	mutex_unlock(&process_lock);
	user_ns_put(u);
	return err ? err : (ssize_t)len;
}

bool user_ns_may_setgroups(const struct user_ns *u)
{
	return u->may_setgroups &&
	       __atomic_load_n(&u->map[ID_GROUP].nr, __ATOMIC_ACQUIRE);
}
