/* SPDX-License-Identifier: MIT */
/*
 * Write-back of what programs write to shared mappings (writeback.c, hostfile.c,
 * hostpage.c) against a host made here: when turns are due, that what has
 * changed goes and what has not stays, errors, files that go meanwhile, and the
 * end of the machine. Prints TAP.
 */
#include "platform/kvm/writeback.h"
#include "core/heap.h"
#include "core/msg.h"
#include "core/page.h"
#include "core/panic.h"
#include "drv/virtio/fs.h"
#include "lib/string.h"
#include "platform/kvm/hostfile_priv.h"
#include "platform/platform.h"
#include "test/unit/core/fake_service.h"
#include "test/unit/tap.h"

void abort(void) __noreturn;

#define NR_PAGES	4u

/* --- the core ------------------------------------------------------------------*/
static uint32_t nr_calls;

void mutex_init(struct mutex *m)
{
	m->word = 0;
}

/* One task, so a lock that is held would never be given up. */
void mutex_lock(struct mutex *m)
{
	if (m->word)
		abort();
	m->word = 1;
}

bool mutex_try_lock(struct mutex *m)
{
	return !m->word && ++m->word;
}

void mutex_unlock(struct mutex *m)
{
	m->word = 0;
}

void *page_alloc_program(uint32_t order, bool zeroed)
{
	return page_alloc(order, zeroed);
}

void assert_failed(const char *expr, const char *file, int line)
{
	printf("# assertion failed: %s (%s:%d)\n", expr, file, line);
	abort();
}

int service_open(struct service *s)
{
	return service_start(s);
}

static uint64_t turn(void)
{
	uint32_t bits = fake_notified;

	fake_notified = 0;
	return fake_service->turn(fake_service, bits);
}

int service_call(struct service *s, struct msg *m, uint64_t deadline_ns)
{
	nr_calls++;
	CHECK(s->answer(s, m));
	turn();
	return 0;
}

/* --- the host --------------------------------------------------------------------*/
static char disk[NR_PAGES * PAGE_SIZE];
static uint32_t nr_writes, nr_released;
static bool is_full;

static struct virtq_seg *segs_of(struct fuse_msg *m)
{
	return m->seg ? m->seg : m->few;
}

void fuse_send(struct fuse_msg *m, const void *p, size_t len)
{
	segs_of(m)[m->nr_out++] = (struct virtq_seg){ (void *)p, (uint32_t)len };
}

void fuse_receive(struct fuse_msg *m, void *p, size_t len)
{
	segs_of(m)[m->nr_out + m->nr_in++] =
		(struct virtq_seg){ p, (uint32_t)len };
}

static int host_read(struct fuse_msg *m)
{
	const struct fuse_read_in *in = segs_of(m)[0].p;
	uint64_t off = in->offset;

	for (uint32_t i = 0; i < m->nr_in && off < sizeof(disk); i++) {
		memcpy(segs_of(m)[1 + i].p, disk + off, PAGE_SIZE);
		off += PAGE_SIZE;
		m->got += (uint32_t)PAGE_SIZE;
	}
	return 0;
}

static int host_write(struct fuse_msg *m)
{
	const struct fuse_write_in *in = segs_of(m)[0].p;
	struct fuse_write_out *out = segs_of(m)[2].p;

	nr_writes++;
	if (is_full)
		return -ENOSPC;
	memcpy(disk + in->offset, segs_of(m)[1].p, segs_of(m)[1].len);
	out->size = segs_of(m)[1].len;
	return 0;
}

int fuse_call(struct fuse_msg *m)
{
	if (m->opcode == FUSE_READ)
		return host_read(m);
	nr_released += m->opcode == FUSE_RELEASE;
	return m->opcode == FUSE_WRITE ? host_write(m) : 0;
}

int fuse_call_exact(struct fuse_msg *m)
{
	return fuse_call(m);
}

void fuse_forget(uint64_t nodeid, uint64_t nr)
{
}

/* --- programs ----------------------------------------------------------------------*/
/* A file that is mapped to be written, opened no more. */
static struct hostfile *map_file(uint64_t nodeid)
{
	struct hostfile *f = hostfile_of_node(nodeid, false), *mapped;
	struct hostopen *o = hostopen_create(f, nodeid, true, true);

	mapped = hostfile_for_mapping(o, true);
	hostopen_put(o);
	return mapped;
}

static char *touch(struct hostfile *f, uint64_t index)
{
	struct hostpage *p;
	paddr_t pa;

	CHECK(!hostfile_page(f, index, true, &pa));
	p = hostpage_find_locked(f, index);
	return p->data;
}

static void unmap(struct hostfile *f, uint64_t index)
{
	hostfile_page_put(f, index, true);
	hostfile_put(f);
}

/* --- tests -------------------------------------------------------------------------*/
static void periods(void)
{
	struct hostfile *f = map_file(1);
	char *p;

	writeback_finish(fake_now);		/* nothing was ever dirty */
	CHECK(!fake_service && !nr_calls);
	p = touch(f, 0);
	CHECK(fake_service && fake_notified);
	CHECK(turn() == fake_now + WRITEBACK_NS && !nr_writes);
	p[3] = 'a';
	touch(f, 1);
	CHECK(!fake_notified);		/* it knows already */
	fake_now += WRITEBACK_NS - 1;
	CHECK(turn() == fake_now + 1 && !nr_writes);
	fake_now++;
	CHECK(turn() == fake_now + WRITEBACK_NS);
	CHECK(disk[3] == 'a' && nr_writes == 2);
	/* as they were: nothing goes, but it looks */
	fake_now += WRITEBACK_NS;
	CHECK(turn() == fake_now + WRITEBACK_NS && nr_writes == 2);
	p[4095] = 'b';
	fake_now += WRITEBACK_NS;
	turn();
	CHECK(disk[4095] == 'b' && nr_writes == 3);
	/* unmapped: written, and no turn finds anything */
	p[5] = 'c';
	hostfile_page_put(f, 1, true);
	unmap(f, 0);
	CHECK(disk[5] == 'c' && nr_released == 1);
	fake_now += WRITEBACK_NS;
	nr_writes = 0;
	CHECK(turn() == DEADLINE_NEVER && !nr_writes);
	CHECK(turn() == DEADLINE_NEVER);
	/* and it begins again */
	f = map_file(1);
	touch(f, 0)[6] = 'd';
	CHECK(fake_notified && turn() == fake_now + WRITEBACK_NS);
	unmap(f, 0);
	fake_now += WRITEBACK_NS;
	CHECK(turn() == DEADLINE_NEVER);
}

static void several_files(void)
{
	struct hostfile *f = map_file(2), *g = map_file(3);
	char *p = touch(f, 0), *q = touch(g, 1);

	nr_writes = 0;
	turn();
	p[0] = 'x';
	q[0] = 'y';
	fake_now += WRITEBACK_NS;
	CHECK(turn() == fake_now + WRITEBACK_NS && nr_writes == 2);
	CHECK(disk[0] == 'x' && disk[PAGE_SIZE] == 'y');
	unmap(f, 0);
	unmap(g, 1);
	fake_now += WRITEBACK_NS;
	CHECK(turn() == DEADLINE_NEVER);
}

/* What the host does not take is tried again. */
static void errors(void)
{
	struct hostfile *f = map_file(4);
	char *p = touch(f, 2);

	turn();
	p[0] = 'e';
	is_full = true;
	nr_writes = 0;
	fake_now += WRITEBACK_NS;
	CHECK(turn() == fake_now + WRITEBACK_NS && nr_writes == 1);
	is_full = false;
	fake_now += WRITEBACK_NS;
	CHECK(turn() == fake_now + WRITEBACK_NS && nr_writes == 2);
	CHECK(disk[2 * PAGE_SIZE] == 'e');
	unmap(f, 2);
	fake_now += WRITEBACK_NS;
	CHECK(turn() == DEADLINE_NEVER);
}

static void at_once(void)
{
	struct hostfile *f = map_file(5);
	char *p = touch(f, 3);

	turn();
	p[1] = 'f';
	plat_sync();
	CHECK(disk[3 * PAGE_SIZE + 1] == 'f');
	p[1] = 'g';
	writeback_finish(fake_now + 1);
	CHECK(nr_calls == 1 && disk[3 * PAGE_SIZE + 1] == 'g');
	unmap(f, 3);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "periods", periods }, { "several files", several_files },
		{ "errors", errors }, { "at once", at_once },
	};

	return unit_run("writeback", tests, ARRAY_LEN(tests), NULL, NULL);
}
