/* SPDX-License-Identifier: MIT */
/*
 * Exports, handles and identity of the file server.
 *
 * A handle's number carries a generation, so that a number given back by
 * FORGET does not name the next directory that gets its place. Handles of
 * exports have generation 0 and stay.
 *
 * Identity: with root's rights the serving thread takes the effective ids of
 * nobody while it works for an "as nobody" export. The calls are made
 * directly, since the C library's would change all threads; real and saved
 * ids stay, so nobody's own processes can not signal the tender.
 */
#include "dev/files/fsrv_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NOBODY		65534u
#define KEEP_ID		((unsigned int)-1)
#define FIRST_HANDLES	64u
#define SPARE_FDS	128u	/* descriptors that are not handles */
#define FDS_MIN		128u	/* with fewer, programs run out at once */

/* Descriptors that the hard limit permits, no more than are of use. */
static uint64_t fd_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return 512;
	return l.rlim_max < FSRV_HANDLES_LIMIT + SPARE_FDS ?
	       l.rlim_max : FSRV_HANDLES_LIMIT + SPARE_FDS;
}

static void raise_fd_limit(void)
{
	uint64_t n = fd_limit();
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur >= n)
		return;
	l.rlim_cur = n;
	setrlimit(RLIMIT_NOFILE, &l);
}

static uint32_t handles_in(uint64_t nr_fds)
{
	return nr_fds > 2 * SPARE_FDS ? (uint32_t)nr_fds - SPARE_FDS :
					(uint32_t)nr_fds / 2;
}

int fsrv_create(struct fsrv **out, struct err *e)
{
	struct fsrv *s;

	if (fd_limit() < FDS_MIN)
		return err_set(e, EMFILE, "only %llu files may be open at a "
			       "time: %u are needed, raise 'ulimit -n'",
			       (unsigned long long)fd_limit(), FDS_MIN);
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ENOMEM, "making the file server");
	s->handles = calloc(FIRST_HANDLES, sizeof(*s->handles));
	if (!s->handles) {
		free(s);
		return err_set(e, ENOMEM, "making the file server");
	}
	s->nr_handles = 0;
	s->handles_max = handles_in(fd_limit());
	for (int i = 0; i < 3; i++)
		s->stdio[i] = -1;
	*out = s;
	return 0;
}

void fsrv_destroy(struct fsrv *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->nr_handles; i++)
		if (s->handles[i].kind != FSRV_FREE)
			close(s->handles[i].fd);
	free(s->handles);
	free(s);
}

void fsrv_set_usage(struct fsrv *s, int (*fn)(void *arg, uint32_t process,
					      struct fsrv_usage *u),
		    void *arg)
{
	s->usage = fn;
	s->usage_arg = arg;
}

uint32_t fsrv_handles_max(const struct fsrv *s)
{
	return s->handles_max;
}

uint32_t fsrv_nr_exports(const struct fsrv *s)
{
	return s->nr_exports;
}

unsigned int fsrv_export_flags(const struct fsrv *s, uint32_t id)
{
	return s->exports[id].flags;
}

/* Room for one more at index nr_handles. */
static int grow_handles(struct fsrv *s)
{
	uint32_t n = s->nr_handles;
	struct fsrv_handle *bigger;

	if (n < FIRST_HANDLES || (n & (n - 1)))
		return 0;
	bigger = realloc(s->handles, 2 * (size_t)n * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + n, 0, n * sizeof(*bigger));
	s->handles = bigger;
	return 0;
}

int fsrv_add_export(struct fsrv *s, const char *host_path, unsigned int flags,
		    uint32_t *id, struct err *e)
{
	struct fsrv_handle *h;
	struct stat st;
	int fd;

	if (s->nr_exports == ABI_NR_MOUNTS_MAX || grow_handles(s))
		return err_set(e, E2BIG, "granting %s: too many", host_path);
	fd = open(host_path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		int err = errno;

		if (fd >= 0)
			close(fd);
		return err_set(e, err, "opening %s", host_path);
	}
	if (S_ISDIR(st.st_mode) == !!(flags & FSRV_EXPORT_IS_FILE)) {
		close(fd);
		return S_ISDIR(st.st_mode) ?
			err_set(e, EISDIR, "%s is a directory", host_path) :
			err_set(e, ENOTDIR, "%s is no directory", host_path);
	}
	if (flags & FSRV_EXPORT_AS_NOBODY)
		flags |= FSRV_EXPORT_READ_ONLY;
	h = &s->handles[s->nr_handles];
	*h = (struct fsrv_handle){ .fd = fd, .kind = FSRV_DIR,
				   .export_id = (uint8_t)s->nr_exports,
				   .dev = ((uint64_t)major(st.st_dev) << 32) |
					  minor(st.st_dev) };
	s->exports[s->nr_exports++].flags = flags;
	*id = s->nr_handles++;
	return 0;
}

struct fsrv_handle *fsrv_handle_find(struct fsrv *s, uint32_t number)
{
	uint32_t index = number & ((1u << FSRV_INDEX_BITS) - 1);
	struct fsrv_handle *h;

	if (index >= s->nr_handles)
		return NULL;
	h = &s->handles[index];
	if (h->kind == FSRV_FREE || h->generation != number >> FSRV_INDEX_BITS)
		return NULL;
	return h;
}

int fsrv_handle_add(struct fsrv *s, const struct fsrv_handle *like, int fd,
		    enum fsrv_kind kind, uint64_t dev, uint32_t *number)
{
	uint8_t export_id = like->export_id;
	uint32_t index = s->first_free;
	struct fsrv_handle *h;

	if (index) {
		h = &s->handles[index];
		s->first_free = h->next_free;
	} else {
		if (s->nr_handles >= s->handles_max)
			return -EMFILE;
		/* `like` may move */
		if (grow_handles(s))
			return -ENOMEM;
		index = s->nr_handles++;
		h = &s->handles[index];
		h->generation = 1;
	}
	h->fd = fd;
	h->kind = (uint8_t)kind;
	h->export_id = export_id;
	h->dev = dev;
	*number = index | (uint32_t)h->generation << FSRV_INDEX_BITS;
	return 0;
}

int fsrv_handle_forget(struct fsrv *s, uint32_t number)
{
	struct fsrv_handle *h = fsrv_handle_find(s, number);
	uint32_t index;

	if (!h)
		return -EBADF;
	index = (uint32_t)(h - s->handles);
	if (index < s->nr_exports)
		return -EINVAL;
	close(h->fd);
	h->kind = FSRV_FREE;
	h->generation = (h->generation + 1) &
			((1u << (32 - FSRV_INDEX_BITS)) - 1);
	h->next_free = s->first_free;
	s->first_free = index;
	return 0;
}

/* --- identity --------------------------------------------------------------*/

static int set_ids(unsigned int uid, unsigned int gid, int nr_groups,
		   const unsigned int *groups, bool uid_first)
{
	/* uid 0 brings back the rights that the other calls need */
	if (uid_first && syscall(SYS_setresuid, KEEP_ID, uid, KEEP_ID))
		return -errno;
	if (syscall(SYS_setgroups, nr_groups, groups) ||
	    syscall(SYS_setresgid, KEEP_ID, gid, KEEP_ID))
		return -errno;
	if (!uid_first && syscall(SYS_setresuid, KEEP_ID, uid, KEEP_ID))
		return -errno;
	return 0;
}

int fsrv_identity_set(struct fsrv *s, bool nobody)
{
	struct fsrv_identity *id = &s->identity;
	int err;

	if (!id->can_switch || id->is_nobody == nobody)
		return 0;
	if (nobody)
		err = set_ids(NOBODY, NOBODY, 0, NULL, false);
	else
		err = set_ids(id->uid, id->gid, id->nr_groups, id->groups,
			      true);
	if (!err)
		id->is_nobody = nobody;
	return err;
}

void fsrv_identity_init(struct fsrv *s)
{
	struct fsrv_identity *id = &s->identity;

	id->uid = geteuid();
	id->gid = getegid();
	id->is_nobody = id->can_switch = false;
	if (id->uid != 0)
		return;
	id->nr_groups = (int)syscall(SYS_getgroups, FSRV_GROUPS_MAX,
				     id->groups);
	if (id->nr_groups < 0)
		return;
	/* In a user namespace without id 65534 this fails and changes nothing
	 * that matters: the bits for others are checked all the same. */
	id->can_switch = true;
	if (fsrv_identity_set(s, true)) {
		id->can_switch = false;
		set_ids(id->uid, id->gid, id->nr_groups, id->groups, true);
	}
	fsrv_identity_set(s, false);
}

/*
 * Without it the host takes the set-id bits of a file that is written to, as
 * it does for ordinary users.
 */
static void drop_fsetid(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &h, caps))
		return;
	caps[0].effective &= ~(1u << CAP_FSETID);
	caps[0].permitted &= ~(1u << CAP_FSETID);
	caps[0].inheritable &= ~(1u << CAP_FSETID);
	syscall(SYS_capset, &h, caps);
}

void fsrv_enter_thread(struct fsrv *s, const int stdio[3])
{
	memcpy(s->stdio, stdio, sizeof(s->stdio));
	/* Modes are what the sandbox asks for; only this thread's umask. */
	if (!unshare(CLONE_FS))
		umask(0);
	raise_fd_limit();
	drop_fsetid();
	fsrv_identity_init(s);
}
