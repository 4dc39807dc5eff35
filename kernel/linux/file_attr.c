/* SPDX-License-Identifier: MIT */
/*
 * Changing attributes: chmod, chown and times, in all forms. A call finds its
 * object by name or descriptor and hands one struct attr to vfs_setattr();
 * file_path() gives files without a name (pipes, memfd) one for that.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/timer.h"
#include "linux/path.h"

#define CWD ((uint64_t)AT_FDCWD)
/* utimensat's special nanoseconds; the UAPI headers do not have them */
#define UTIME_NOW ((1l << 30) - 1)
#define UTIME_OMIT ((1l << 30) - 2)

static int file_setattr(struct file *f, const struct cred *c,
			const struct attr *a)
{
	struct path p;
	int err = file_path(f, &p);

	if (err)
		return err;
	err = vfs_setattr(&p, c, a);
	path_put(&p);
	return err;
}

/* By (dirfd, name, AT_* flags); with AT_EMPTY_PATH the descriptor itself. */
static int setattr_at(uint64_t dirfd, uint64_t name, uint64_t at,
		      const struct cred *c, const struct attr *a)
{
	uint32_t walk = at & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
	struct path p;
	int err;

	if (at & AT_EMPTY_PATH) {
		if ((int)dirfd >= 0 && user_name_is_empty(name)) {
			struct file *f = fd_get_any((int)dirfd);

			if (!f)
				return -EBADF;
			err = file_setattr(f, c, a);
			file_put(f);
			return err;
		}
		walk |= WALK_EMPTY;
	}
	err = user_path_walk(dirfd, name, walk, &p);
	if (err)
		return err;
	err = vfs_setattr(&p, c, a);
	path_put(&p);
	return err;
}

static int setattr_fd(uint64_t fd, const struct attr *a)
{
	struct file *f = fd_get((int)fd);
	int err;

	if (!f)
		return -EBADF;
	err = file_setattr(f, current_thread()->cred, a);
	file_put(f);
	return err;
}

/* --- mode -----------------------------------------------------------------*/
static struct attr mode_attr(uint64_t mode)
{
	return (struct attr){ .valid = ATTR_MODE,
			      .mode = (uint32_t)mode & 07777u };
}

long sys_fchmodat2(uint64_t dirfd, uint64_t name, uint64_t mode, uint64_t at)
{
	struct attr a = mode_attr(mode);

	if (at & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return setattr_at(dirfd, name, at, current_thread()->cred, &a);
}

long sys_fchmodat(uint64_t dirfd, uint64_t name, uint64_t mode)
{
	return sys_fchmodat2(dirfd, name, mode, 0);
}

long sys_chmod(uint64_t name, uint64_t mode)
{
	return sys_fchmodat2(CWD, name, mode, 0);
}

long sys_fchmod(uint64_t fd, uint64_t mode)
{
	struct attr a = mode_attr(mode);

	return setattr_fd(fd, &a);
}

/* --- owner ----------------------------------------------------------------*/
/* Returns 0 or -EINVAL: the program has no such user or group. */
static int owner_attr(uint64_t uid, uint64_t gid, struct attr *a)
{
	const struct user_ns *u = current_thread()->cred->user_ns;

	*a = (struct attr){
		.uid = id_from_user(u, ID_USER, (uint32_t)uid),
		.gid = id_from_user(u, ID_GROUP, (uint32_t)gid),
	};
	if ((uint32_t)uid != NO_ID)
		a->valid |= ATTR_UID;
	if ((uint32_t)gid != NO_ID)
		a->valid |= ATTR_GID;
	return (a->valid & ATTR_UID && a->uid == NO_ID) ||
	       (a->valid & ATTR_GID && a->gid == NO_ID) ? -EINVAL : 0;
}

long sys_fchownat(uint64_t dirfd, uint64_t name, uint64_t uid, uint64_t gid,
		  uint64_t at)
{
	struct attr a;

	if (at & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ||
	    owner_attr(uid, gid, &a))
		return -EINVAL;
	return setattr_at(dirfd, name, at, current_thread()->cred, &a);
}

long sys_chown(uint64_t name, uint64_t uid, uint64_t gid)
{
	return sys_fchownat(CWD, name, uid, gid, 0);
}

long sys_lchown(uint64_t name, uint64_t uid, uint64_t gid)
{
	return sys_fchownat(CWD, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(uint64_t fd, uint64_t uid, uint64_t gid)
{
	struct attr a;

	return owner_attr(uid, gid, &a) ? -EINVAL : setattr_fd(fd, &a);
}

/* --- times ----------------------------------------------------------------*/
static struct ktime time_now(void)
{
	uint64_t ns = clock_real_ns();

	return (struct ktime){ (int64_t)(ns / NSEC_PER_SEC),
			       (uint32_t)(ns % NSEC_PER_SEC) };
}

static int times_one(struct attr *t, const int64_t ts[2], uint32_t bit,
		     struct ktime *out)
{
	if (ts[1] == UTIME_OMIT)
		return 0;
	t->valid |= bit;
	if (ts[1] == UTIME_NOW) {
		*out = time_now();
		return 0;
	}
	if (ts[1] < 0 || ts[1] >= (int64_t)NSEC_PER_SEC)
		return -EINVAL;
	t->valid &= ~(uint32_t)ATTR_TIMES_NOW;
	*out = (struct ktime){ ts[0], (uint32_t)ts[1] };
	return 0;
}

/* ts: access and modification time as (seconds, nanoseconds); NULL = now. */
static int times_init(struct attr *t, const int64_t ts[4])
{
	static const int64_t now[4] = { 0, UTIME_NOW, 0, UTIME_NOW };
	int err;

	*t = (struct attr){ .valid = ATTR_TIMES_NOW };
	if (!ts)
		ts = now;
	err = times_one(t, ts, ATTR_ATIME, &t->atime);
	if (!err)
		err = times_one(t, ts + 2, ATTR_MTIME, &t->mtime);
	if (~t->valid & (ATTR_ATIME | ATTR_MTIME))
		t->valid &= ~(uint32_t)ATTR_TIMES_NOW;
	return err;
}

static long do_utimes(uint64_t dirfd, uint64_t name, const int64_t ts[4],
		      uint64_t at)
{
	const struct cred *c = current_thread()->cred;
	struct attr t;
	struct file *f;
	int err = times_init(&t, ts);

	if (err || !t.valid)
		return err;
	if (name)
		return setattr_at(dirfd, name, at, c, &t);
	if ((int)dirfd == AT_FDCWD)
		return -EFAULT;
	f = fd_get((int)dirfd);
	if (!f)
		return -EBADF;
	err = file_setattr(f, c, &t);
	file_put(f);
	return err;
}

long sys_utimensat(uint64_t dirfd, uint64_t name, uint64_t user, uint64_t at)
{
	int64_t ts[4];

	if (user && copy_from_user(ts, (void *)user, sizeof(ts)))
		return -EFAULT;
	if (at & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ||
	    (!name && at))
		return -EINVAL;
	return do_utimes(dirfd, name, user ? ts : NULL, at);
}

long sys_futimesat(uint64_t dirfd, uint64_t name, uint64_t user)
{
	int64_t ts[4];

	if (!user)
		return do_utimes(dirfd, name, NULL, 0);
	if (copy_from_user(ts, (void *)user, sizeof(ts)))
		return -EFAULT;
	for (int i = 1; i < 4; i += 2) {
		if (ts[i] < 0 || ts[i] >= 1000000)
			return -EINVAL;
		ts[i] *= 1000;
	}
	return do_utimes(dirfd, name, ts, 0);
}

long sys_utimes(uint64_t name, uint64_t user)
{
	return sys_futimesat(CWD, name, user);
}

long sys_utime(uint64_t name, uint64_t user)
{
	int64_t in[2], ts[4] = { 0 };

	if (!user)
		return do_utimes(CWD, name, NULL, 0);
	if (copy_from_user(in, (void *)user, sizeof(in)))
		return -EFAULT;
	ts[0] = in[0];
	ts[2] = in[1];
	return do_utimes(CWD, name, ts, 0);
}
