/* SPDX-License-Identifier: MIT */
/*
 * vhost-user, the back end's side. One table has the messages (vhost_message.h):
 * what they do, and the size of what they bring.
 *
 * A ring runs from the moment it has memory, addresses, a doorbell and is
 * enabled, until GET_VRING_BASE stops it. The memory table can only change
 * while no ring runs: nothing then points into the old mappings, since a ring
 * that stops gives back the requests that were kept. Stopping is not a reset:
 * it happens whenever the machine pauses (a debugger), too, and the driver does
 * not know. A driver that starts anew says so itself (FUSE_INIT).
 */
#include "dev/vhost_user.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dev/vhost_message.h"

#define RING_INDEX_MASK		0xffu
#define RING_NO_FD		(1u << 8)

#define FEATURE_PROTOCOL	(1ull << 30)
#define PROTOCOL_MQ		(1ull << 0)
#define PROTOCOL_REPLY_ACK	(1ull << 3)
#define PROTOCOL_CONFIG		(1ull << 9)
#define PROTOCOL_OURS		(PROTOCOL_MQ | PROTOCOL_REPLY_ACK)

enum request {
	GET_FEATURES = 1, SET_FEATURES, SET_OWNER, RESET_OWNER, SET_MEM_TABLE,
	SET_VRING_NUM = 8, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE,
	SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR, GET_PROTOCOL_FEATURES,
	SET_PROTOCOL_FEATURES, GET_QUEUE_NUM, SET_VRING_ENABLE,
	GET_CONFIG = 24,
};

struct mapping {
	void *at;
	size_t len;
	struct vhost_region region;
};

struct ring {
	struct vhost_vring_addr addr;
	uint32_t size;
	uint16_t base;
	int kick, call;
	bool has_addr, enabled, running;
	struct dev_doorbell bell;
};

struct vhost_user {
	/* set once */
	struct virtio_dev *dev;
	struct guest_memory *memory;
	struct dev_loop *loop;
	struct vhost_user_hooks hooks;
	/* the loop's thread only, but for call: under dev->lock */
	int sock;
	struct dev_source source;
	uint64_t features, protocol;
	struct mapping maps[VHOST_REGIONS_MAX];
	uint32_t nr_maps;
	struct ring rings[VIRTIO_QUEUES_MAX];
	bool ended;
};

/* --- the end -----------------------------------------------------------------*/

static void end(struct vhost_user *v, const char *why)
{
	if (v->ended)
		return;
	v->ended = true;
	dev_loop_watch(v->loop, &v->source, 0);
	if (v->hooks.ended)
		v->hooks.ended(v->hooks.arg, why);
}

/* --- rings -------------------------------------------------------------------*/

static bool any_running(const struct vhost_user *v)
{
	for (uint32_t i = 0; i < v->dev->nr_queues; i++)
		if (v->rings[i].running)
			return true;
	return false;
}

/* A guest address from one of the monitor's own. */
static int to_gpa(const struct vhost_user *v, uint64_t user, gpa_t *gpa)
{
	for (uint32_t i = 0; i < v->nr_maps; i++) {
		const struct vhost_region *r = &v->maps[i].region;

		if (user - r->user < r->len) {
			*gpa = r->gpa + (user - r->user);
			return 0;
		}
	}
	return -EFAULT;
}

static int fill_queue(struct vhost_user *v, const struct ring *r,
		      struct virtq *q)
{
	uint16_t used;

	if (to_gpa(v, r->addr.desc_user_addr, &q->desc) ||
	    to_gpa(v, r->addr.avail_user_addr, &q->avail) ||
	    to_gpa(v, r->addr.used_user_addr, &q->used))
		return -EFAULT;
	q->size = r->size;
	q->indirect = v->features &
		      VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC);
	q->event_idx = v->features & VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX);
	if (q->used > UINT64_MAX - 2 ||
	    guest_read(v->memory, q->used + 2, &used, sizeof(used)))
		return -EFAULT;
	return virtq_start(q, r->base, used);
}

/* Start the ring if it has all it needs. */
static int try_start(struct vhost_user *v, uint32_t index)
{
	static const uint64_t one = 1;
	struct ring *r = &v->rings[index];
	struct virtio_dev *d = v->dev;
	struct err e;
	int err;

	if (r->running || !r->enabled || !r->has_addr || r->kick < 0)
		return 0;
	if (!(v->features & VIRTIO_FEATURE(VIRTIO_F_VERSION_1)))
		return -EPROTO;
	pthread_mutex_lock(&d->lock);
	d->driver_features = v->features & ~FEATURE_PROTOCOL;
	err = fill_queue(v, r, &d->queues[index]);
	if (!err && !d->running)
		virtio_dev_start(d);
	pthread_mutex_unlock(&d->lock);
	if (!err)
		err = dev_loop_add_doorbell(v->loop, &r->bell, r->kick, d,
					    index, &e);
	if (err)
		return err;
	r->running = true;
	/* there may be requests already */
	return write(r->kick, &one, sizeof(one)) < 0 ? -errno : 0;
}

static void stop_ring(struct vhost_user *v, uint32_t index)
{
	struct ring *r = &v->rings[index];
	struct virtq *q = &v->dev->queues[index];

	if (r->running) {
		dev_loop_watch(v->loop, &r->bell.source, 0);
		pthread_mutex_lock(&v->dev->lock);
		if (v->dev->ops->stop_queue)
			v->dev->ops->stop_queue(v->dev, index);
		r->base = q->next_avail;
		virtq_reset(q);
		pthread_mutex_unlock(&v->dev->lock);
	}
	r->running = false;
	if (r->kick >= 0)
		close(r->kick);
	r->kick = -1;
}

static struct ring *ring_of(struct vhost_user *v, uint64_t index)
{
	return index < v->dev->nr_queues ? &v->rings[index] : NULL;
}

static int set_vring_num(struct vhost_user *v, struct vhost_message *m)
{
	struct ring *r = ring_of(v, m->body.state.index);
	uint32_t n = m->body.state.num;

	if (!r || r->running || !n || n > v->dev->queue_size_max)
		return -EINVAL;
	r->size = n;
	return 0;
}

static int set_vring_addr(struct vhost_user *v, struct vhost_message *m)
{
	struct ring *r = ring_of(v, m->body.addr.index);

	if (!r || r->running || m->body.addr.flags)
		return -EINVAL;
	r->addr = m->body.addr;
	r->has_addr = true;
	return try_start(v, m->body.addr.index);
}

static int set_vring_base(struct vhost_user *v, struct vhost_message *m)
{
	struct ring *r = ring_of(v, m->body.state.index);

	if (!r || r->running || m->body.state.num > UINT16_MAX)
		return -EINVAL;
	r->base = (uint16_t)m->body.state.num;
	return 0;
}

static int get_vring_base(struct vhost_user *v, struct vhost_message *m)
{
	struct ring *r = ring_of(v, m->body.state.index);

	if (!r)
		return -EINVAL;
	stop_ring(v, m->body.state.index);
	m->body.state.num = r->base;
	m->reply_len = sizeof(m->body.state);
	return 0;
}

/* The descriptor of a KICK or CALL message; -1 if it says there is none. */
static int take_ring_fd(struct vhost_user *v, struct vhost_message *m,
			struct ring **r, int *fd)
{
	*r = ring_of(v, m->body.u64 & RING_INDEX_MASK);
	*fd = -1;
	if (!*r || m->body.u64 & ~(uint64_t)(RING_INDEX_MASK | RING_NO_FD))
		return -EINVAL;
	if (m->body.u64 & RING_NO_FD)
		return 0;
	if (m->nr_fds != 1)
		return -EINVAL;
	*fd = m->fds[0];
	m->fds[0] = -1;
	return fcntl(*fd, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

static int set_vring_kick(struct vhost_user *v, struct vhost_message *m)
{
	struct ring *r;
	int fd, err = take_ring_fd(v, m, &r, &fd);

	if (!err && (r->running || fd < 0))
		err = -EINVAL;	/* a ring without doorbells is not served */
	if (err) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	if (r->kick >= 0)
		close(r->kick);
	r->kick = fd;
	/* without the protocol's features there is no ENABLE */
	if (!(v->features & FEATURE_PROTOCOL))
		r->enabled = true;
	return try_start(v, (uint32_t)(r - v->rings));
}

static int set_vring_call(struct vhost_user *v, struct vhost_message *m)
{
	struct ring *r;
	int fd, err = take_ring_fd(v, m, &r, &fd);

	if (err) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	pthread_mutex_lock(&v->dev->lock);
	if (r->call >= 0)
		close(r->call);
	r->call = fd;
	pthread_mutex_unlock(&v->dev->lock);
	return 0;
}

static int set_vring_enable(struct vhost_user *v, struct vhost_message *m)
{
	struct ring *r = ring_of(v, m->body.state.index);

	if (!r || m->body.state.num > 1)
		return -EINVAL;
	if (!m->body.state.num && r->running)
		stop_ring(v, m->body.state.index);
	r->enabled = m->body.state.num;
	return try_start(v, m->body.state.index);
}

/* --- memory ------------------------------------------------------------------*/

static void unmap_all(struct vhost_user *v)
{
	for (uint32_t i = 0; i < v->nr_maps; i++)
		munmap(v->maps[i].at, v->maps[i].len);
	v->nr_maps = 0;
	v->memory->nr_ranges = 0;
}

/* An access beyond the file's end would kill us: it may not become shorter. */
static bool stays_as_long(int fd, uint64_t end)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	return seals >= 0 && (seals & F_SEAL_SHRINK) && !fstat(fd, &st) &&
	       end <= (uint64_t)st.st_size;
}

/* Check one region against its file and map it. */
static int map_region(struct vhost_user *v, const struct vhost_region *r, int fd)
{
	struct mapping *m = &v->maps[v->nr_maps];
	int err;

	if (!r->len || r->user > UINT64_MAX - r->len ||
	    r->offset > UINT64_MAX - r->len || (r->offset & 4095) ||
	    !stays_as_long(fd, r->offset + r->len))
		return -EINVAL;
	m->at = mmap(NULL, r->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     (off_t)r->offset);
	if (m->at == MAP_FAILED)
		return -errno;
	m->len = r->len;
	m->region = *r;
	v->nr_maps++;
	err = guest_memory_add(v->memory, r->gpa, m->at, r->len);
	return err;
}

static int set_mem_table(struct vhost_user *v, struct vhost_message *m)
{
	const struct vhost_mem_table *t = &m->body.memory;
	int err = 0;

	if (t->nr > VHOST_REGIONS_MAX || t->nr != m->nr_fds ||
	    m->h.size < 8 + t->nr * sizeof(struct vhost_region) || any_running(v))
		return -EINVAL;
	unmap_all(v);
	for (uint32_t i = 0; !err && i < t->nr; i++)
		err = map_region(v, &t->regions[i], m->fds[i]);
	if (err)
		unmap_all(v);
	return err;
}

/* --- the rest of the messages ------------------------------------------------*/

static int reply_u64(struct vhost_message *m, uint64_t value)
{
	m->body.u64 = value;
	m->reply_len = sizeof(value);
	return 0;
}

static uint64_t offered(const struct vhost_user *v)
{
	return v->dev->features | FEATURE_PROTOCOL;
}

static int get_features(struct vhost_user *v, struct vhost_message *m)
{
	return reply_u64(m, offered(v));
}

static int set_features(struct vhost_user *v, struct vhost_message *m)
{
	if ((m->body.u64 & ~offered(v)) || any_running(v))
		return -EINVAL;
	v->features = m->body.u64;
	return 0;
}

/* A monitor that has the configuration itself warns about the offer. */
static uint64_t protocol_offered(const struct vhost_user *v)
{
	return PROTOCOL_OURS | (v->hooks.has_config ? PROTOCOL_CONFIG : 0);
}

static int get_protocol_features(struct vhost_user *v, struct vhost_message *m)
{
	return reply_u64(m, protocol_offered(v));
}

static int set_protocol_features(struct vhost_user *v, struct vhost_message *m)
{
	if (m->body.u64 & ~protocol_offered(v))
		return -EINVAL;
	v->protocol = m->body.u64;
	return 0;
}

static int get_queue_num(struct vhost_user *v, struct vhost_message *m)
{
	return reply_u64(m, v->dev->nr_queues);
}

static int get_config(struct vhost_user *v, struct vhost_message *m)
{
	struct vhost_config_space *c = &m->body.config;
	uint32_t head = (uint32_t)offsetof(struct vhost_config_space, bytes);

	if (!v->hooks.has_config || c->size > VHOST_CONFIG_MAX ||
	    c->offset > v->dev->config_len ||
	    c->size > v->dev->config_len - c->offset)
		return -EINVAL;
	pthread_mutex_lock(&v->dev->lock);
	memcpy(c->bytes, (char *)v->dev->config + c->offset, c->size);
	pthread_mutex_unlock(&v->dev->lock);
	m->reply_len = head + c->size;
	return 0;
}

static int nothing(struct vhost_user *v, struct vhost_message *m)
{
	return 0;
}

static const struct {
	int (*fn)(struct vhost_user *v, struct vhost_message *m);
	uint32_t min_size;
} requests[] = {
	[GET_FEATURES] = { get_features, 0 },
	[SET_FEATURES] = { set_features, 8 },
	[SET_OWNER] = { nothing, 0 },
	[RESET_OWNER] = { nothing, 0 },
	[SET_MEM_TABLE] = { set_mem_table, 8 },
	[SET_VRING_NUM] = { set_vring_num, 8 },
	[SET_VRING_ADDR] = { set_vring_addr,
			     sizeof(struct vhost_vring_addr) },
	[SET_VRING_BASE] = { set_vring_base, 8 },
	[GET_VRING_BASE] = { get_vring_base, 8 },
	[SET_VRING_KICK] = { set_vring_kick, 8 },
	[SET_VRING_CALL] = { set_vring_call, 8 },
	[SET_VRING_ERR] = { nothing, 8 },
	[GET_PROTOCOL_FEATURES] = { get_protocol_features, 0 },
	[SET_PROTOCOL_FEATURES] = { set_protocol_features, 8 },
	[GET_QUEUE_NUM] = { get_queue_num, 0 },
	[SET_VRING_ENABLE] = { set_vring_enable, 8 },
	[GET_CONFIG] = { get_config, 12 },
};
#define NR_REQUESTS (sizeof(requests) / sizeof(requests[0]))

/* --- messages as they come -----------------------------------------------------*/

static int answer(struct vhost_user *v, struct vhost_message *m, int err)
{
	bool wants_ack = (m->h.flags & VHOST_NEED_REPLY) &&
			 (v->protocol & PROTOCOL_REPLY_ACK);

	if (!m->reply_len && wants_ack)
		reply_u64(m, err ? 1 : 0);
	return m->reply_len ? vhost_message_reply(v->sock, m) : 0;
}

static int handle(struct vhost_user *v, struct vhost_message *m)
{
	int err;

	if (m->h.request >= NR_REQUESTS || !requests[m->h.request].fn)
		return -EPROTO;
	if (m->h.size < requests[m->h.request].min_size)
		return -EPROTO;
	err = requests[m->h.request].fn(v, m);
	if (answer(v, m, err))
		return -EPIPE;
	return err;
}

static void readable(void *arg, uint32_t events)
{
	struct vhost_user *v = arg;
	struct vhost_message m;
	int err = vhost_message_receive(v->sock, &m);

	if (err == 0)
		end(v, NULL);
	if (err > 0)
		err = handle(v, &m);
	for (uint32_t i = 0; i < VHOST_FDS_MAX; i++)
		if (m.fds[i] >= 0)
			close(m.fds[i]);
	if (err < 0)
		end(v, err == -EPIPE || err == -ECONNRESET ? NULL :
		       "the monitor's message is not understood");
}

/* --- the device's side ---------------------------------------------------------*/

static void signal_queue(void *arg, uint32_t queue)
{
	static const uint64_t one = 1;
	struct vhost_user *v = arg;
	int fd = v->rings[queue].call;

	/* full counter: the other side is told already */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

/* There is no message for this: the device's config is the monitor's. */
static void signal_config(void *arg)
{
}

static void failed(void *arg)
{
	end(arg, "the file system device is broken");
}

static const struct virtio_transport transport = {
	.signal_queue = signal_queue, .signal_config = signal_config,
	.failed = failed,
};

int vhost_user_create(struct vhost_user **out, struct virtio_dev *dev,
		      struct guest_memory *memory, struct dev_loop *loop,
		      int sock, const struct vhost_user_hooks *hooks,
		      struct err *e)
{
	struct vhost_user *v = calloc(1, sizeof(*v));
	int err;

	if (!v)
		return err_set(e, ENOMEM, "making the vhost-user device");
	v->dev = dev;
	v->memory = memory;
	v->loop = loop;
	v->sock = sock;
	v->hooks = *hooks;
	for (uint32_t i = 0; i < VIRTIO_QUEUES_MAX; i++)
		v->rings[i].kick = v->rings[i].call = -1;
	v->source = (struct dev_source){ sock, readable, v };
	err = dev_loop_add(loop, &v->source, EPOLLIN, e);
	if (err) {
		free(v);
		return err;
	}
	dev->transport = &transport;
	dev->transport_arg = v;
	*out = v;
	return 0;
}

void vhost_user_destroy(struct vhost_user *v)
{
	if (!v)
		return;
	for (uint32_t i = 0; i < v->dev->nr_queues; i++)
		stop_ring(v, i);
	for (uint32_t i = 0; i < VIRTIO_QUEUES_MAX; i++)
		if (v->rings[i].call >= 0)
			close(v->rings[i].call);
	dev_loop_watch(v->loop, &v->source, 0);
	pthread_mutex_lock(&v->dev->lock);
	virtio_dev_reset(v->dev);
	pthread_mutex_unlock(&v->dev->lock);
	unmap_all(v);
	close(v->sock);
	free(v);
}
