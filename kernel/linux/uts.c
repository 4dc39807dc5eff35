/* SPDX-License-Identifier: MIT */
/* The names of the system, and the namespaces that have two of them. */
#include <linux/capability.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/ns.h"
#include "linux/uts.h"

struct uts_ns {
	struct ns ns;
	char name[UTS_NAMES][UTS_LEN];	/* under uts_lock */
};

static struct mutex uts_lock = MUTEX_INIT;
struct uts_ns uts_ns_first = {
	.ns = { .refs = { 1 }, .kind = NS_UTS, .inum = 4026531838u,
		.owner = &user_ns_first },
	/* no host's name: the boot block's */
	.name = { [UTS_DOMAINNAME] = "(none)" },
};

struct kutsname {
	char sysname[UTS_LEN], nodename[UTS_LEN], release[UTS_LEN];
	char version[UTS_LEN], machine[UTS_LEN], domainname[UTS_LEN];
};

static struct uts_ns *own(void)
{
	return (struct uts_ns *)ns_of(current_thread(), NS_UTS);
}

static void get(const struct uts_ns *u, enum uts_name which, char *buf)
{
	mutex_lock(&uts_lock);
	if (u != &uts_ns_first || which != UTS_HOSTNAME || u->name[which][0])
		strlcpy(buf, u->name[which], UTS_LEN);
	else
		strlcpy(buf, (const char *)boot->blob + boot->hostname,
			UTS_LEN);
	mutex_unlock(&uts_lock);
}

int uts_ns_make(struct ns *old, struct user_ns *owner, struct fs_state *fs,
		struct ns **out)
{
	struct ns *n = ns_create(NS_UTS, sizeof(struct uts_ns), owner, ns_free);

	if (!n)
		return -ENOMEM;
	for (int i = 0; i < UTS_NAMES; i++)
		get((struct uts_ns *)old, (enum uts_name)i,
		    ((struct uts_ns *)n)->name[i]);
	*out = n;
	return 0;
}

void uts_get_name(enum uts_name which, char *buf)
{
	get(own(), which, buf);
}

int uts_set_name(enum uts_name which, const char *name, size_t len)
{
	struct uts_ns *u = own();

	if (!cred_has_cap_in(current_thread()->cred, u->ns.owner,
			     CAP_SYS_ADMIN))
		return -EPERM;
	len = MIN(len, UTS_LEN - 1);
	mutex_lock(&uts_lock);
	memset(u->name[which], 0, UTS_LEN);
	memcpy(u->name[which], name, len);
	mutex_unlock(&uts_lock);
	return 0;
}

long sys_uname(uint64_t user)
{
	struct kutsname u;

	memset(&u, 0, sizeof(u));
	strlcpy(u.sysname, UTS_SYSNAME, UTS_LEN);
	strlcpy(u.release, UTS_RELEASE, UTS_LEN);
	strlcpy(u.version, UTS_VERSION, UTS_LEN);
	strlcpy(u.machine, UTS_MACHINE, UTS_LEN);
	uts_get_name(UTS_HOSTNAME, u.nodename);
	uts_get_name(UTS_DOMAINNAME, u.domainname);
	return copy_to_user((void *)user, &u, sizeof(u));
}

static long set_user_name(enum uts_name which, uint64_t user, uint64_t len)
{
	char name[UTS_LEN];

	if (!cred_has_cap_in(current_thread()->cred, own()->ns.owner,
			     CAP_SYS_ADMIN))
		return -EPERM;
	if ((int)len < 0 || len > UTS_LEN - 1)
		return -EINVAL;
	if (copy_from_user(name, (void *)user, len))
		return -EFAULT;
	return uts_set_name(which, name, len);
}

long sys_sethostname(uint64_t user, uint64_t len)
{
	return set_user_name(UTS_HOSTNAME, user, len);
}

long sys_setdomainname(uint64_t user, uint64_t len)
{
	return set_user_name(UTS_DOMAINNAME, user, len);
}
