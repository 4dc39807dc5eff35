/* SPDX-License-Identifier: MIT */
/* Memory of other processes, by process_vm_readv and process_vm_writev. */
#include <gen/syscalls.h>
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/mm_priv.h"
#include "linux/remote.h"
#include <linux/uio.h>

#define BOUNCE_SIZE	4096u

static int get_vector(struct kiovec **out, uint64_t user, uint64_t n)
{
	struct kiovec *v;

	if (n > UIO_MAXIOV)
		return -EINVAL;
	v = kmalloc((n + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	if (copy_from_user(v, (void *)user, n * sizeof(*v))) {
		kfree(v);
		return -EFAULT;
	}
	for (uint64_t i = 0; i < n; i++) {
		if ((ssize_t)v[i].len < 0) {
			kfree(v);
			return -EINVAL;
		}
	}
	*out = v;
	return 0;
}

static ssize_t copy_piece(const struct remote *m, char *mine, char *theirs,
			  size_t n, char *buf, bool write)
{
	size_t done = 0;

	while (done < n) {
		size_t k = MIN(n - done, (size_t)BOUNCE_SIZE), put;
		ssize_t got = write ?
			(ssize_t)copy_from_user_partial(buf, mine + done, k) :
			remote_access(m, (uaddr_t)theirs + done, buf, k, false,
				      false);

		if (got > 0 && write)
			got = remote_access(m, (uaddr_t)theirs + done, buf,
					    (size_t)got, true, false);
		if (got < 0)
			return done ? (ssize_t)done : got;
		put = write ? (size_t)got :
		      copy_to_user_partial(mine + done, buf, (size_t)got);
		done += put;
		if (put < k)
			break;
	}
	return (ssize_t)done;
}

/* Between the caller's `to` and m's `from`. */
static ssize_t copy_vectors(const struct remote *m, struct kiovec *to,
			    uint64_t nr_to, struct kiovec *from,
			    uint64_t nr_from, char *buf, bool write)
{
	uint64_t i = 0, j = 0;
	ssize_t total = 0;

	while (i < nr_to && j < nr_from) {
		size_t n = MIN(to[i].len, from[j].len);
		ssize_t got = n ? copy_piece(m, to[i].base, from[j].base, n,
					     buf, write) : 0;

		if (got < 0)
			return total ? total : got;
		total += got;
		if ((size_t)got < n)
			return total ? total : -EFAULT;
		to[i].base = (char *)to[i].base + n;
		from[j].base = (char *)from[j].base + n;
		to[i].len -= n;
		from[j].len -= n;
		i += to[i].len == 0;
		if (from[j].len == 0)
			j++;
	}
	return total;
}

static long transfer(uint64_t pid, uint64_t local, uint64_t nr_local,
		     uint64_t remote, uint64_t nr_remote, uint64_t flags,
		     bool write)
{
	struct kiovec *l = NULL, *r = NULL;
	struct remote m = { 0 };
	char *buf = NULL;
	ssize_t ret;

	if (flags)
		return -EINVAL;
	ret = get_vector(&l, local, nr_local);
	if (ret)
		return ret;
	ret = get_vector(&r, remote, nr_remote);
	if (!ret)
		ret = remote_get(NULL, (uint32_t)pid, false, &m);
	if (!ret) {
		buf = kmalloc(BOUNCE_SIZE);
		ret = buf ? 0 : -ENOMEM;
	}
	if (!ret)
		ret = copy_vectors(&m, l, nr_local, r, nr_remote, buf, write);
	if (m.mm)
		remote_put(&m);
	kfree(buf);
	kfree(l);
	kfree(r);
	return ret;
}

long sys_process_vm_readv(uint64_t pid, uint64_t local, uint64_t nr_local,
			  uint64_t remote, uint64_t nr_remote, uint64_t flags)
{
	return transfer(pid, local, nr_local, remote, nr_remote, flags, false);
}

long sys_process_vm_writev(uint64_t pid, uint64_t local, uint64_t nr_local,
			   uint64_t remote, uint64_t nr_remote, uint64_t flags)
{
	return transfer(pid, local, nr_local, remote, nr_remote, flags, true);
}
