/* SPDX-License-Identifier: MIT */
/*
 * Names of AF_UNIX sockets as programs give them: a path in the file system,
 * whose inode points at the socket (inode->attached, under inode->lock, no
 * reference: the socket clears it before it is released), or an abstract name.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "lib/string.h"
#include "linux/path.h"
#include "linux/sockets.h"
#include "linux/net_ns.h"

#define PATH_OFFSET 2u	/* sun_path in struct sockaddr_un */

int unix_addr_check(const struct sockaddr_copy *a)
{
	return a->len <= PATH_OFFSET || a->len > SOCK_NAME_MAX ||
	       a->b[0] != AF_UNIX || a->b[1] ? -EINVAL : 0;
}

static bool is_abstract(const struct sockaddr_copy *a)
{
	return !a->b[PATH_OFFSET];
}

/* The path as a string; the length with its NUL becomes the address's. */
static const char *path_of(struct sockaddr_copy *a)
{
	char *name = (char *)a->b + PATH_OFFSET;

	a->b[a->len] = 0;
	a->len = PATH_OFFSET + (uint32_t)strlen(name) + 1;
	return name;
}

static int find_path(struct sockaddr_copy *a, uint32_t type,
		     struct sock **out)
{
	const char *name = path_of(a);
	struct walk_ctx w;
	struct inode *i;
	struct path p;
	int err = walk_ctx_get(&w, AT_FDCWD, name);

	if (err)
		return err;
	err = path_walk(&w, name, WALK_FOLLOW, &p, NULL);
	if (err)
		goto out_ctx;
	i = path_inode(&p);
	err = inode_permission(i, w.cred, 2);
	if (!err) {
		*out = NULL;
		mutex_lock(&i->lock);
		if (S_ISSOCK(i->mode) && i->attached)
			*out = sock_get(i->attached);
		mutex_unlock(&i->lock);
		if (!*out)
			err = -ECONNREFUSED;
		else if ((*out)->type != type)
			err = -EPROTOTYPE;
		if (err) {
			sock_put(*out);
			*out = NULL;
		}
	}
	path_put(&p);
out_ctx:
	walk_ctx_put(&w);
	return err;
}

int unix_addr_find(struct sockaddr_copy *a, uint32_t type, struct sock **out)
{
	int err = unix_addr_check(a);

	if (err)
		return err;
	if (!is_abstract(a))
		return find_path(a, type, out);
	*out = unix_find_abstract(net_ns_space(), a->b, a->len, type);
	return *out ? 0 : -ECONNREFUSED;
}

static int bind_path(struct socket_file *sf, struct sockaddr_copy *a)
{
	const char *name = path_of(a);
	struct walk_ctx w;
	struct inode *i;
	struct path p;
	int err = walk_ctx_get(&w, AT_FDCWD, name);

	if (err)
		return err;
	err = vfs_bind_node(&w, name, 0777 & ~current_umask(), &p);
	if (!err) {
		err = unix_bind_path(sf->sk, a->b, a->len);
		if (err) {
			path_put(&p);
			(void)!vfs_unlink(&w, name);
		}
	} else if (err == -EEXIST) {
		err = -EADDRINUSE;
	}
	walk_ctx_put(&w);
	if (err)
		return err;
	sf->node = p;
	i = path_inode(&p);
	mutex_lock(&i->lock);
	i->attached = sf->sk;
	mutex_unlock(&i->lock);
	return 0;
}

int unix_addr_bind(struct socket_file *sf, struct sockaddr_copy *a)
{
	int err;

	if (a->len == PATH_OFFSET && a->b[0] == AF_UNIX && !a->b[1])
		return sf->sk->addr ? -EINVAL : unix_autobind(sf->sk);
	err = unix_addr_check(a);
	if (err)
		return err;
	if (is_abstract(a))
		return unix_bind_abstract(sf->sk, a->b, a->len);
	/* that it has a name is said last: Linux makes the node first, too */
	return bind_path(sf, a);
}

void unix_node_detach(struct socket_file *sf)
{
	struct inode *i;

	if (!sf->node.dentry)
		return;
	i = path_inode(&sf->node);
	mutex_lock(&i->lock);
	if (i->attached == sf->sk)
		i->attached = NULL;
	mutex_unlock(&i->lock);
	path_put(&sf->node);
}
