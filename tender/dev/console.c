/* SPDX-License-Identifier: MIT */
/*
 * virtio-console, see console.h. Descriptors are asked by poll before they are
 * used, and writes are kept so short that a pipe which is ready takes them
 * whole: nobody waits under the device's lock.
 *
 * A request whose output could not be written is kept in `pending` and the
 * queue is left alone until it is gone.
 */
#include "dev/console.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define QUEUE_SIZE	64u
#define QUEUE_IN	0u
#define QUEUE_OUT	1u
#define WRITE_MAX	PIPE_BUF	/* what a ready pipe takes whole */
#define TURN_MAX	(64u << 10)	/* bytes of output before others run */
#define READ_MAX	4096u

static struct console_dev *console_of(struct virtio_dev *d)
{
	return (struct console_dev *)((char *)d -
				      offsetof(struct console_dev, dev));
}

static bool is_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0;
}

/* ---- output ------------------------------------------------------------------ */

static void out_fail(struct console_dev *c, int code)
{
	c->out_failed = true;
	virtio_dev_report(&c->dev, "output is lost from here on: %s",
			  strerror(code));
}

/* Write once. Returns bytes, 0 (not now) or -errno. */
static ssize_t out_write(struct console_dev *c, struct virtq_chain *q)
{
	uint32_t nr;
	const struct iovec *v = virtq_chain_out(q, &nr);
	size_t n = v->iov_len < WRITE_MAX ? v->iov_len : WRITE_MAX;
	ssize_t done;

	if (c->out_polled && !is_ready(c->out, POLLOUT))
		return 0;
	done = write(c->out, v->iov_base, n);
	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return done < 0 ? -errno : done;
}

static enum console_step out_step(struct console_dev *c, struct virtq_chain *q)
{
	size_t turn = 0;

	while (q->out_left) {
		ssize_t n;

		if (c->out < 0 || c->out_failed) {
			c->nr_dropped += q->out_left;
			return CONSOLE_DONE;
		}
		if (turn >= TURN_MAX)
			return CONSOLE_MORE;
		n = out_write(c, q);
		if (!n)
			return c->out_polled ? CONSOLE_BLOCKED : CONSOLE_MORE;
		if (n < 0) {
			out_fail(c, (int)-n);
			continue;
		}
		virtq_chain_skip_out(q, (size_t)n);
		turn += (size_t)n;
	}
	return CONSOLE_DONE;
}

static enum virtio_served out_one(struct virtio_dev *d, struct virtq_chain *q)
{
	struct console_dev *c = console_of(d);

	c->out_state = out_step(c, q);
	if (c->out_state == CONSOLE_DONE)
		return VIRTIO_DONE;
	c->pending = *q;
	c->out_waits = true;
	return VIRTIO_BUSY;
}

/* Go on with what is kept, then with the queue. True: call again. */
static bool out_run(struct console_dev *c)
{
	bool more = false;

	c->out_state = CONSOLE_DONE;
	if (c->out_waits) {
		c->out_state = out_step(c, &c->pending);
		if (c->out_state == CONSOLE_DONE) {
			c->out_waits = false;
			virtio_dev_push(&c->dev, QUEUE_OUT, c->pending.head,
					0);
		}
	}
	if (!c->out_waits)
		more = virtio_dev_serve(&c->dev, QUEUE_OUT, out_one);
	if (c->out_polled)
		dev_loop_watch(c->loop, &c->out_source,
			       c->out_state == CONSOLE_BLOCKED ? EPOLLOUT : 0);
	return more || c->out_state == CONSOLE_MORE;
}

static void out_event(void *arg, uint32_t events)
{
	struct console_dev *c = arg;

	pthread_mutex_lock(&c->dev.lock);
	dev_loop_watch(c->loop, &c->out_source, 0);
	/* there is more: this event again, it is ready as we know */
	if (c->dev.running && !c->dev.broken && out_run(c))
		dev_loop_watch(c->loop, &c->out_source, EPOLLOUT);
	pthread_mutex_unlock(&c->dev.lock);
}

/* ---- input --------------------------------------------------------------------- */

/* Read into one request. Returns whether there may be more to read. */
static bool in_one(struct console_dev *c, struct virtq *q)
{
	struct virtq_chain *chain = &c->dev.chain;
	char bytes[READ_MAX];
	size_t want;
	ssize_t n;

	if (virtq_next(q, chain) <= 0)
		return false;
	if (!chain->in_left || chain->out_left) {
		virtio_dev_fail(&c->dev, "stopped, a request of queue 0 is "
				"not just a buffer to be filled");
		return false;
	}
	want = chain->in_left < READ_MAX ? chain->in_left : READ_MAX;
	n = read(c->in, bytes, want);
	if (n <= 0) {
		virtq_put_back(q);
		c->in_ended |= !n || (errno != EAGAIN && errno != EINTR);
		return false;
	}
	virtq_chain_write(chain, bytes, (size_t)n);
	virtio_dev_push(&c->dev, QUEUE_IN, chain->head, (uint32_t)n);
	return true;
}

/* Fill the guest's buffers with what is there; then wait for more of either. */
static bool in_run(struct console_dev *c)
{
	struct virtq *q = &c->dev.queues[QUEUE_IN];
	uint32_t n = 0;
	bool more = true;

	if (c->in < 0 || c->in_ended)
		return false;
	while (more && n++ < VIRTIO_BATCH) {
		if (c->in_polled && !is_ready(c->in, POLLIN))
			break;
		more = in_one(c, q);
	}
	virtio_dev_check_queue(&c->dev, QUEUE_IN);
	if (c->dev.broken || c->in_ended)
		more = false;
	else if (!virtq_arm(q))		/* no buffers: wait for the guest */
		more = false;
	else if (c->in_polled)
		dev_loop_watch(c->loop, &c->in_source, EPOLLIN);
	return more && !c->in_polled;
}

static void in_event(void *arg, uint32_t events)
{
	struct console_dev *c = arg;

	pthread_mutex_lock(&c->dev.lock);
	dev_loop_watch(c->loop, &c->in_source, 0);
	if (c->dev.running && !c->dev.broken)
		in_run(c);
	pthread_mutex_unlock(&c->dev.lock);
}

/* ---- the device ------------------------------------------------------------------- */

static bool kick(struct virtio_dev *d, uint32_t queue)
{
	struct console_dev *c = console_of(d);

	return queue == QUEUE_IN ? in_run(c) : out_run(c);
}

/* No host calls: a processor's thread may make none. What is still watched is
 * left alone when it next tells something. */
static void reset(struct virtio_dev *d)
{
	console_of(d)->out_waits = false;
}

static const struct virtio_ops ops = { .kick = kick, .reset = reset };

/* Can fd be waited for? A regular file is always ready. */
static int source_init(struct console_dev *c, struct dev_source *s, int fd,
		       void (*fn)(void *arg, uint32_t events), bool *polled,
		       struct err *e)
{
	int err;

	*s = (struct dev_source){ fd, fn, c };
	*polled = false;
	if (fd < 0)
		return 0;
	err = dev_loop_add(c->loop, s, 0, e);
	*polled = !err;
	return err == -EPERM ? 0 : err;
}

int console_init(struct console_dev *c, const char *name,
		 const struct guest_memory *memory, struct dev_loop *loop,
		 int in, int out, struct err *e)
{
	int err;

	memset(c, 0, sizeof(*c));
	c->in = in;
	c->out = out;
	c->loop = loop;
	err = source_init(c, &c->in_source, in, in_event, &c->in_polled, e);
	if (!err)
		err = source_init(c, &c->out_source, out, out_event,
				  &c->out_polled, e);
	if (err)
		return err;
	c->dev = (struct virtio_dev){
		.ops = &ops, .name = name, .type = VIRTIO_ID_CONSOLE,
		.features = VIRTIO_RING_FEATURES |
			    VIRTIO_FEATURE(VIRTIO_CONSOLE_F_SIZE),
		.nr_queues = 2, .queue_size_max = QUEUE_SIZE,
		.config = &c->config, .config_len = sizeof(c->config),
	};
	virtio_dev_init(&c->dev, memory);
	return 0;
}

void console_fini(struct console_dev *c)
{
	virtio_dev_fini(&c->dev);
}

void console_resize(struct console_dev *c, uint16_t cols, uint16_t rows)
{
	pthread_mutex_lock(&c->dev.lock);
	if (c->config.cols != cols || c->config.rows != rows) {
		c->config.cols = cols;
		c->config.rows = rows;
		virtio_dev_config_changed(&c->dev);
	}
	pthread_mutex_unlock(&c->dev.lock);
}
