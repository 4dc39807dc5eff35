/* SPDX-License-Identifier: MIT */
/* The file server channel, see channel.h. */
#include "fs/hostfs/channel.h"

#include "core/lock.h"
#include "lib/string.h"
#include "platform/platform.h"

#define NAMES_MAX (2 * FSRV_NAME_MAX)
#define FORGOTTEN_MAX 64u

static struct mutex channel_lock = MUTEX_INIT;
/* Under channel_lock. */
static _Alignas(8) char request[sizeof(struct fsrv_request) + NAMES_MAX +
				FSRV_DATA_MAX];
static _Alignas(8) char answer[sizeof(struct fsrv_reply) + FSRV_DATA_MAX];

/* Handles to give back with the next requests; under channel_lock. */
static uint32_t forgotten[FORGOTTEN_MAX], nr_forgotten;

static size_t append(size_t at, const void *bytes, size_t n)
{
	if (n)
		memcpy(request + at, bytes, n);
	return at + n;
}

static int exchange_locked(size_t len, struct fsrv_reply *rp, void *data_out,
			   size_t data_max, int *fds)
{
	size_t got = 0;
	int err;

	err = plat_server_call(request, len, answer, sizeof(answer), &got, fds);
	if (err)
		return err;
	if (got < sizeof(*rp))
		return -EIO;
	memcpy(rp, answer, sizeof(*rp));
	if (rp->data_len > got - sizeof(*rp))
		return -EIO;
	if (data_max)
		memcpy(data_out, answer + sizeof(*rp),
		       MIN(data_max, (size_t)rp->data_len));
	return rp->error > 0 ? -EIO : rp->error;
}

int server_call(const struct fsrv_request *rq, const void *name,
		const void *name2, const void *data, struct fsrv_reply *rp,
		void *data_out, size_t data_max, int *fd)
{
	uint32_t nr = !fd ? 0 : rq->op == FSRV_OPEN_MANY ? FSRV_FDS_MAX : 1;
	int received[FSRV_FDS_MAX], err;
	size_t len;

	if (rq->name_len > FSRV_NAME_MAX || rq->name2_len > FSRV_NAME_MAX)
		return -ENAMETOOLONG;
	if (rq->data_len > FSRV_DATA_MAX)
		return -EINVAL;
	mutex_lock(&channel_lock);
	len = append(0, rq, sizeof(*rq));
	if (nr_forgotten && rq->op < FSRV_TTY_GET)
		((struct fsrv_request *)request)->arg =
			forgotten[--nr_forgotten];
	len = append(len, name, rq->name_len);
	len = append(len, name2, rq->name2_len);
	len = append(len, data, rq->data_len);
	err = exchange_locked(len, rp, data_out, data_max, received);
	mutex_unlock(&channel_lock);
	for (uint32_t i = 0; i < FSRV_FDS_MAX; i++)
		if (i < nr)
			fd[i] = received[i];
		else if (received[i] >= 0)
			plat_fd_close(received[i]);
	return err;
}

void server_forget(uint32_t handle)
{
	struct fsrv_request rq = { .op = FSRV_FORGET, .dir = handle };
	struct fsrv_reply rp;
	bool later;

	mutex_lock(&channel_lock);
	later = nr_forgotten < FORGOTTEN_MAX;
	if (later)
		forgotten[nr_forgotten++] = handle;
	mutex_unlock(&channel_lock);
	if (!later)
		server_call(&rq, NULL, NULL, NULL, &rp, NULL, 0, NULL);
}
