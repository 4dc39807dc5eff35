/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of address spaces: single properties, then random operations on
 * several spaces against a model that keeps for each page what a program must
 * find there, with allocations that fail. Prints TAP.
 */
#include "fake.h"
#include "core/task.h"
#include <asm/signal.h>

#define BASE	0x40000000ull		/* of 1 GiB: huge pages fit */
#define PAGES(n) ((n) * PAGE_SIZE)
#define RW	(PLAT_READ | PLAT_WRITE)

void random_run(uint32_t seed, uint32_t nr_ops, uint32_t fail_percent);

static const struct plat_backing zero = { .kind = PLAT_BACK_ZERO };

static uint32_t access(struct space *s, uaddr_t addr, uint32_t how,
		       uint64_t **word)
{
	uint32_t signo = 0;

	*word = fake_access(s, addr, how, &signo);
	return signo;
}

static uint64_t get(struct space *s, uaddr_t addr)
{
	uint64_t *w;

	CHECK_EQ(access(s, addr, 0, &w), 0);
	return w ? *w : ~0ull;
}

static void put(struct space *s, uaddr_t addr, uint64_t v)
{
	uint64_t *w;

	CHECK_EQ(access(s, addr, SPACE_WRITE, &w), 0);
	if (w)
		*w = v;
}

static uint32_t signal_of(struct space *s, uaddr_t addr, uint32_t how)
{
	uint64_t *w;

	return access(s, addr, how, &w);
}

static struct space *enter_new(void)
{
	struct space *s = space_create();

	CHECK(s != NULL);
	fake_enter(s);
	return s;
}

static void test_zero(void)
{
	struct space *s = enter_new();

	CHECK_EQ(plat_map(BASE, PAGES(4), RW, &zero), 0);
	CHECK_EQ(get(s, BASE), 0);
	put(s, BASE + PAGES(1), 7);
	CHECK_EQ(get(s, BASE + PAGES(1)), 7);
	CHECK_EQ(s->pt.nr_owned, 2);
	CHECK_EQ(signal_of(s, BASE - 1, 0), SIGSEGV);
	CHECK_EQ(signal_of(s, BASE + PAGES(4), 0), SIGSEGV);
	CHECK_EQ(signal_of(s, BASE, SPACE_EXEC), SIGSEGV);
	CHECK_EQ(plat_unmap(BASE, PAGES(4)), 0);
	CHECK_EQ(signal_of(s, BASE, 0), SIGSEGV);
	/* the tables went with the last page */
	CHECK_EQ(s->pt.nr_tables, 1);
	CHECK_EQ(fake_pages_used(), 1);
	space_put(s);
}

static void test_protect(void)
{
	struct space *s = enter_new();

	CHECK_EQ(plat_map(BASE, PAGES(3), RW, &zero), 0);
	put(s, BASE + PAGES(1), 5);
	CHECK_EQ(plat_protect(BASE + PAGES(1), PAGES(1), 0), 0);
	CHECK_EQ(signal_of(s, BASE + PAGES(1), 0), SIGSEGV);
	CHECK_EQ(signal_of(s, BASE, SPACE_WRITE), 0);
	CHECK_EQ(plat_protect(BASE + PAGES(1), PAGES(1), PLAT_READ), 0);
	CHECK_EQ(get(s, BASE + PAGES(1)), 5);
	CHECK_EQ(signal_of(s, BASE + PAGES(1), SPACE_WRITE), SIGSEGV);
	CHECK_EQ(plat_protect(BASE, PAGES(3), RW | PLAT_EXEC), 0);
	CHECK_EQ(signal_of(s, BASE + PAGES(1), SPACE_EXEC), 0);
	CHECK_EQ(s->regions.list.next->next == &s->regions.list, 1);
	CHECK_EQ(plat_protect(BASE, PAGES(4), RW), -ENOMEM);	/* a hole */
	space_put(s);
}

static void test_fork(void)
{
	struct space *s = enter_new(), *child;
	uint32_t flushes;

	CHECK_EQ(plat_map(BASE, PAGES(2), RW, &zero), 0);
	put(s, BASE, 1);
	child = space_copy(s);
	CHECK_EQ(s->pt.nr_owned, 1);
	CHECK_EQ(get(child, BASE), 1);
	put(child, BASE, 2);
	CHECK_EQ(get(s, BASE), 1);
	/* the last holder takes the page over */
	flushes = fake_nr_flushes();
	put(s, BASE, 3);
	CHECK_EQ(fake_nr_flushes(), flushes);
	CHECK_EQ(get(child, BASE), 2);
	space_put(s);
	CHECK_EQ(get(child, BASE), 2);
	space_put(child);
}

static void test_fork_leaves_files(void)
{
	struct plat_backing host = { .kind = PLAT_BACK_HOST,
				     .host_fd = FAKE_FILE_FD };
	struct space *s = enter_new(), *child;

	CHECK_EQ(plat_map(BASE, PAGES(8), RW, &host), 0);
	CHECK_EQ(get(s, BASE + PAGES(3)), 5003);
	child = space_copy(s);
	CHECK_EQ(child->pt.nr_tables, 1);
	space_put(child);
	put(s, BASE + PAGES(2), 9);
	child = space_copy(s);
	CHECK_EQ(child->pt.nr_owned, 1);
	CHECK_EQ(get(child, BASE + PAGES(2)), 9);
	CHECK_EQ(*fake_file_word(2), 5002);
	space_put(child);
	space_put(s);
}

static void test_host_file(void)
{
	struct plat_backing host = { .kind = PLAT_BACK_HOST, .shared = true,
				     .host_fd = FAKE_FILE_FD,
				     .offset = PAGES(FAKE_FILE_PAGES - 2) };
	uint32_t page = FAKE_FILE_PAGES - 2;
	struct space *s = enter_new();

	CHECK_EQ(plat_map(BASE, PAGES(4), RW, &host), 0);
	CHECK_EQ(get(s, BASE), 5000 + page);
	CHECK_EQ(fake_file_uses(page, false), 1);
	put(s, BASE, 77);
	CHECK_EQ(*fake_file_word(page), 77);
	CHECK_EQ(fake_file_uses(page, false), 0);
	CHECK_EQ(fake_file_uses(page, true), 1);
	CHECK_EQ(signal_of(s, BASE + PAGES(2), 0), SIGBUS);
	CHECK_EQ(plat_protect(BASE, PAGES(4), PLAT_READ), 0);
	CHECK_EQ(plat_protect(BASE, PAGES(4), RW), 0);
	put(s, BASE, 78);
	CHECK_EQ(fake_file_uses(page, true), 1);
	CHECK_EQ(plat_unmap(BASE, PAGES(1)), 0);
	CHECK_EQ(fake_file_uses(page, true), 0);
	space_put(s);
}

static void test_huge(void)
{
	struct space *s = enter_new(), *child;

	CHECK_EQ(plat_map(BASE, 2 * HUGE_SIZE, RW, &zero), 0);
	CHECK_EQ(plat_advise(BASE, 2 * HUGE_SIZE, PLAT_ADV_HUGE), 0);
	put(s, BASE + PAGES(5), 5);
	CHECK_EQ(s->pt.nr_owned, 512);
	put(s, BASE + PAGES(6), 6);
	CHECK_EQ(s->pt.nr_owned, 512);
	child = space_copy(s);
	CHECK_EQ(child->pt.nr_tables, 3);
	put(child, BASE + PAGES(5), 15);	/* cuts the child's */
	CHECK_EQ(get(s, BASE + PAGES(5)), 5);
	CHECK_EQ(get(child, BASE + PAGES(6)), 6);
	CHECK_EQ(plat_unmap(BASE + PAGES(6), PAGES(500)), 0);
	CHECK_EQ(s->pt.nr_owned, 12);
	CHECK_EQ(get(child, BASE + PAGES(6)), 6);
	space_put(child);
	CHECK_EQ(get(s, BASE + PAGES(5)), 5);
	space_put(s);
}

static void test_huge_taken_back(void)
{
	struct space *s = enter_new(), *child;

	CHECK_EQ(plat_map(BASE, HUGE_SIZE, RW, &zero), 0);
	CHECK_EQ(plat_advise(BASE, HUGE_SIZE, PLAT_ADV_HUGE), 0);
	put(s, BASE, 5);
	child = space_copy(s);
	space_put(child);
	put(s, BASE + PAGES(1), 6);
	CHECK_EQ(s->pt.nr_tables, 3);	/* not cut */
	space_put(s);
}

static void test_move(void)
{
	struct space *s = enter_new();

	CHECK_EQ(plat_map(BASE, PAGES(4), RW, &zero), 0);
	put(s, BASE + PAGES(1), 5);
	CHECK_EQ(plat_move(BASE + PAGES(1), PAGES(2), BASE + PAGES(100),
			   PAGES(3)), 0);
	CHECK_EQ(get(s, BASE + PAGES(100)), 5);
	put(s, BASE + PAGES(102), 8);
	CHECK_EQ(signal_of(s, BASE + PAGES(1), 0), SIGSEGV);
	CHECK_EQ(plat_move(BASE, PAGES(2), BASE + PAGES(50), PAGES(2)),
		 -EFAULT);
	CHECK_EQ(plat_move(BASE + PAGES(100), PAGES(3), BASE + PAGES(200),
			   PAGES(1)), 0);
	CHECK_EQ(signal_of(s, BASE + PAGES(102), 0), SIGSEGV);
	CHECK_EQ(get(s, BASE + PAGES(200)), 5);
	space_put(s);
}

static void test_advise(void)
{
	struct plat_backing pool = { .kind = PLAT_BACK_POOL,
				     .offset = FAKE_POOL };
	struct space *s = enter_new(), *child;

	CHECK_EQ(plat_map(BASE, PAGES(4), RW, &pool), 0);
	put(s, BASE, 5);
	CHECK_EQ(*fake_pool_word(0), 1000);
	CHECK_EQ(plat_advise(BASE, PAGES(1), PLAT_ADV_DISCARD), 0);
	CHECK_EQ(get(s, BASE), 1000);
	CHECK_EQ(plat_advise(BASE + PAGES(1), PAGES(1), PLAT_ADV_DONTFORK), 0);
	child = space_copy(s);
	CHECK_EQ(get(child, BASE + PAGES(2)), 1002);
	CHECK_EQ(signal_of(child, BASE + PAGES(1), 0), SIGSEGV);
	space_put(child);
	CHECK_EQ(plat_advise(BASE, PAGES(8), PLAT_ADV_DISCARD), -ENOMEM);
	space_put(s);
}

static void test_no_memory(void)
{
	struct space *s = enter_new();

	CHECK_EQ(plat_map(BASE, PAGES(4), RW, &zero), 0);
	for (uint32_t n = 1; n <= 3; n++) {
		fake_fail_from(n);
		CHECK_EQ(signal_of(s, BASE, SPACE_WRITE), SIGKILL);
	}
	fake_fail_after(0);
	put(s, BASE, 5);
	for (uint32_t n = 1;; n++) {
		struct space *child;

		fake_fail_after(n);
		child = space_copy(s);
		CHECK_EQ(child == NULL, fake_has_failed());
		fake_fail_after(0);
		if (child) {
			space_put(child);
			break;
		}
		put(s, BASE, 5);
	}
	space_put(s);
}

static uint32_t nr_asked, asked_enough;

static void memory_comes_back(void)
{
	if (++nr_asked == asked_enough)
		fake_fail_after(0);
}

/* A fault without memory asks for some and waits, but not if its own task is
 * the one that ends for it. */
static void test_wait_for_memory(void)
{
	struct space *s = enter_new();

	CHECK_EQ(plat_map(BASE, 2 * HUGE_SIZE, RW, &zero), 0);
	space_set_out_of_memory(memory_comes_back);
	asked_enough = 3;
	fake_fail_from(1);
	CHECK_EQ(signal_of(s, BASE, SPACE_WRITE), 0);
	CHECK_EQ(nr_asked, 3);
	fake_fail_from(1);
	current_task()->arch.work = TASK_WORK_EXIT;
	CHECK_EQ(signal_of(s, BASE + HUGE_SIZE, SPACE_WRITE), SIGKILL);
	CHECK_EQ(nr_asked, 3);
	current_task()->arch.work = 0;
	fake_fail_after(0);
	space_set_out_of_memory(NULL);
	space_put(s);
}

static void test_reset(void)
{
	struct space *s = enter_new();

	CHECK_EQ(plat_map(BASE, PAGES(4), RW, &zero), 0);
	CHECK_EQ(plat_map(PLAT_USER_MAX - PAGES(2), PAGES(2), RW, &zero), 0);
	put(s, BASE, 1);
	put(s, PLAT_USER_MAX - 8, 1);
	plat_space_reset();
	CHECK_EQ(fake_pages_used(), 1);
	CHECK_EQ(signal_of(s, BASE, 0), SIGSEGV);
	space_put(s);
}

static void test_random(void)
{
	for (uint32_t seed = 1; seed <= 6; seed++)
		random_run(seed, 4000, 0);
}

static void test_random_no_memory(void)
{
	for (uint32_t seed = 1; seed <= 6; seed++)
		random_run(seed, 4000, 30);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "zero pages come and go", test_zero },
	{ "protection", test_protect },
	{ "fork copies on write", test_fork },
	{ "fork leaves pages of files out", test_fork_leaves_files },
	{ "host files", test_host_file },
	{ "huge pages", test_huge },
	{ "a huge page of a dead child's", test_huge_taken_back },
	{ "moving", test_move },
	{ "advice", test_advise },
	{ "no memory", test_no_memory },
	{ "waiting for memory", test_wait_for_memory },
	{ "reset", test_reset },
	{ "random operations", test_random },
	{ "random operations, failing allocations", test_random_no_memory },
};

int main(void)
{
	uint32_t failed = 0;

	for (uint32_t i = 0; i < ARRAY_LEN(tests); i++) {
		failures = 0;
		fake_init();
		tests[i].run();
		fake_check_clean();
		printf("%sok %u - %s\n", failures ? "not " : "", i + 1,
		       tests[i].name);
		failed += failures != 0;
	}
	return failed != 0;
}
