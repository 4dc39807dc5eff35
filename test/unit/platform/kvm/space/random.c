/* SPDX-License-Identifier: MIT */
/*
 * Random operations on some spaces against a model: an array that says for
 * each page of each space what a program must find. Ranges lie within a few
 * MiB, so that huge pages, tables and regions are cut, joined and emptied.
 */
#include "fake.h"
#include "lib/string.h"
#include <asm/signal.h>

#define BASE		0x3fe00000ull	/* across a border of 1 GiB */
#define NR_PAGES	1536u		/* 6 MiB */
#define NR_SPACES	4u
#define NR_TOKENS	100000u

enum { KIND_FREE = 100 };

/* What a program finds at one page. */
struct model_page {
	uint32_t kind;		/* enum plat_backing_kind or KIND_FREE */
	uint32_t prot;
	bool shared, own, dontfork;
	uint32_t index;		/* page in pool or file */
	uint64_t word;		/* of an own page */
};

static struct space *spaces[NR_SPACES];
static struct model_page model[NR_SPACES][NR_PAGES];
static uint64_t pool_words[FAKE_POOL_PAGES], file_words[FAKE_FILE_PAGES];
static uint64_t rnd_state;
static uint32_t fail_percent;

static uint32_t rnd(uint32_t n)
{
	rnd_state = rnd_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(rnd_state >> 33) % n;
}

static uaddr_t addr_of(uint32_t page)
{
	return BASE + page * PAGE_SIZE;
}

static void arm(void)
{
	fake_fail_after(rnd(100) < fail_percent ? 1 + rnd(6) : 0);
}

static bool disarm(void)
{
	bool failed = fake_has_failed();

	fake_fail_after(0);
	return failed;
}

/* A range; sometimes aligned to a huge page. */
static void pick_range(uint32_t *first, uint32_t *n)
{
	*n = rnd(3) ? 1 + rnd(40) : 1 + rnd(NR_PAGES);
	*first = rnd(NR_PAGES);
	if (!rnd(4)) {
		*first &= ~511u;
		*n = 512 * (1 + rnd(2));
	}
	*n = MIN(*n, NR_PAGES - *first);
}

static bool is_mapped(uint32_t s, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		if (model[s][i].kind == KIND_FREE)
			return false;
	return true;
}

static void model_free(uint32_t s, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		model[s][i] = (struct model_page){ .kind = KIND_FREE };
}

static uint64_t *model_word(struct model_page *m)
{
	if (m->own || m->kind == PLAT_BACK_ZERO)
		return &m->word;
	return m->kind == PLAT_BACK_POOL ? &pool_words[m->index] :
	       &file_words[m->index];
}

/* --- operations -------------------------------------------------------------*/
static uint32_t random_prot(void)
{
	static const uint8_t prots[] = { 0, PLAT_READ, 3, 3, 3, 5, 7 };

	return prots[rnd(ARRAY_LEN(prots))];
}

static void model_map(struct model_page *m, const struct plat_backing *b,
		      uint32_t prot, uint32_t index)
{
	*m = (struct model_page){
		.kind = b->kind, .index = index,
		.prot = b->kind == PLAT_BACK_NONE ? 0 : prot,
		.shared = b->shared && b->kind != PLAT_BACK_ZERO,
	};
	/* as on Linux, pages that may be written to become the program's own */
	if (!b->populate || !(m->prot & PLAT_WRITE) || m->shared ||
	    (b->kind == PLAT_BACK_HOST && index >= FAKE_FILE_PAGES))
		return;
	m->word = *model_word(m);
	m->own = true;
}

static void op_map(uint32_t s, uint32_t first, uint32_t n)
{
	struct plat_backing b = { .kind = rnd(4), .shared = rnd(2),
				  .populate = !rnd(4) };
	uint32_t index = 0, prot = random_prot();
	int err;

	if (b.kind == PLAT_BACK_POOL) {
		n = MIN(n, FAKE_POOL_PAGES);
		index = rnd(FAKE_POOL_PAGES - n + 1);
		b.offset = FAKE_POOL + index * PAGE_SIZE;
	} else if (b.kind == PLAT_BACK_HOST) {
		index = rnd(FAKE_FILE_PAGES);
		b.offset = index * PAGE_SIZE;
		b.host_fd = FAKE_FILE_FD;
	}
	/* half a success would leave the model in doubt */
	if (!b.populate)
		arm();
	err = plat_map(addr_of(first), n * PAGE_SIZE, prot, &b);
	if (disarm() && err == -ENOMEM) {
		CHECK_EQ(plat_unmap(addr_of(first), n * PAGE_SIZE), 0);
		model_free(s, first, n);
		return;
	}
	CHECK_EQ(err, 0);
	for (uint32_t i = 0; i < n; i++)
		model_map(&model[s][first + i], &b, prot, index + i);
	if (b.kind == PLAT_BACK_ZERO && rnd(2))
		CHECK_EQ(plat_advise(addr_of(first), n * PAGE_SIZE,
				     PLAT_ADV_HUGE), 0);
}

static void op_unmap(uint32_t s, uint32_t first, uint32_t n)
{
	int err;

	arm();
	err = plat_unmap(addr_of(first), n * PAGE_SIZE);
	if (disarm() && err == -ENOMEM)
		return;
	CHECK_EQ(err, 0);
	model_free(s, first, n);
}

static void op_protect(uint32_t s, uint32_t first, uint32_t n)
{
	bool whole = is_mapped(s, first, n);
	uint32_t prot = random_prot();
	int err;

	arm();
	err = plat_protect(addr_of(first), n * PAGE_SIZE, prot);
	if (disarm() && err == -ENOMEM) {
		err = plat_protect(addr_of(first), n * PAGE_SIZE, prot);
	}
	CHECK_EQ(err, whole ? 0 : -ENOMEM);
	for (uint32_t i = first; i < first + n; i++)
		if (model[s][i].kind != KIND_FREE &&
		    model[s][i].kind != PLAT_BACK_NONE)
			model[s][i].prot = prot;
}

static void op_discard(uint32_t s, uint32_t first, uint32_t n)
{
	bool whole = is_mapped(s, first, n);
	int err;

	arm();
	err = plat_advise(addr_of(first), n * PAGE_SIZE, rnd(2) ?
			  PLAT_ADV_DISCARD : PLAT_ADV_FREE);
	if (disarm() && err == -ENOMEM)
		err = plat_advise(addr_of(first), n * PAGE_SIZE,
				  PLAT_ADV_DISCARD);
	CHECK_EQ(err, whole ? 0 : -ENOMEM);
	for (uint32_t i = first; i < first + n; i++) {
		model[s][i].own = false;
		model[s][i].word = 0;
	}
}

static void op_dontfork(uint32_t s, uint32_t first, uint32_t n)
{
	bool dont = rnd(2), whole = is_mapped(s, first, n);

	CHECK_EQ(plat_advise(addr_of(first), n * PAGE_SIZE,
			     dont ? PLAT_ADV_DONTFORK : PLAT_ADV_DOFORK),
		 whole ? 0 : -ENOMEM);
	for (uint32_t i = first; i < first + n; i++)
		model[s][i].dontfork = dont;
}

static void op_move(uint32_t s, uint32_t first, uint32_t n)
{
	static struct model_page moved[NR_PAGES];
	uint32_t to = rnd(NR_PAGES - n + 1);
	int err;

	if (!rnd(3))
		to = (to & ~511u) + (first & 511u);
	if (to + n > NR_PAGES || (to < first + n && first < to + n))
		return;
	arm();
	err = plat_move(addr_of(first), n * PAGE_SIZE, addr_of(to),
			n * PAGE_SIZE);
	if (disarm() && err == -ENOMEM) {
		CHECK_EQ(plat_unmap(addr_of(to), n * PAGE_SIZE), 0);
		model_free(s, to, n);
		return;
	}
	if (!is_mapped(s, first, n)) {
		CHECK_EQ(err, -EFAULT);
		return;
	}
	CHECK_EQ(err, 0);
	memcpy(moved, &model[s][first], n * sizeof(moved[0]));
	model_free(s, first, n);
	memcpy(&model[s][to], moved, n * sizeof(moved[0]));
}

static void op_fork(uint32_t s)
{
	uint32_t child = rnd(NR_SPACES);
	struct space *c;

	if (child == s)
		return;
	arm();
	c = space_copy(spaces[s]);
	if (disarm() && !c)
		return;
	CHECK(c != NULL);
	space_put(spaces[child]);
	spaces[child] = c;
	memcpy(model[child], model[s], sizeof(model[s]));
	for (uint32_t i = 0; i < NR_PAGES; i++)
		if (model[child][i].dontfork)
			model_free(child, i, 1);
}

static void op_access(uint32_t s, uint32_t page)
{
	static const uint32_t needs[] = { PLAT_READ | PLAT_EXEC | PLAT_WRITE,
					  PLAT_WRITE, PLAT_EXEC };
	struct model_page *m = &model[s][page];
	uint32_t how = rnd(3), expected = 0, signo = 0;
	uint64_t *w, token = rnd(NR_TOKENS);

	if (m->kind == KIND_FREE || !(m->prot & needs[how]))
		expected = SIGSEGV;
	else if (m->kind == PLAT_BACK_HOST && !m->own &&
		 m->index >= FAKE_FILE_PAGES)
		expected = SIGBUS;
	arm();
	w = fake_access(spaces[s], addr_of(page), how, &signo);
	if (disarm() && !w && signo == SIGKILL)
		return;
	CHECK_EQ(signo, expected);
	if (!w || expected)
		return;
	CHECK_EQ(*w, *model_word(m));
	if (how != SPACE_WRITE)
		return;
	m->own |= !m->shared;
	*w = *model_word(m) = token;
}

static void verify(void)
{
	for (uint32_t s = 0; s < NR_SPACES; s++)
		for (uint32_t i = 0; i < NR_PAGES; i += 1 + rnd(5))
			op_access(s, i);
}

static void one_op(void)
{
	uint32_t s = rnd(NR_SPACES), first, n;

	fake_enter(spaces[s]);
	pick_range(&first, &n);
	switch (rnd(20)) {
	case 0:
	case 1:
	case 2:
		op_map(s, first, n);
		break;
	case 3:
		op_unmap(s, first, n);
		break;
	case 4:
	case 5:
		op_protect(s, first, n);
		break;
	case 6:
		op_discard(s, first, n);
		break;
	case 7:
		op_move(s, first, n);
		break;
	case 8:
		op_fork(s);
		break;
	case 9:
		op_dontfork(s, first, n);
		break;
	default:
		for (uint32_t i = 0; i < 16; i++)
			op_access(s, first + rnd(n));
	}
}

void random_run(uint32_t seed, uint32_t nr_ops, uint32_t percent);
void random_run(uint32_t seed, uint32_t nr_ops, uint32_t percent)
{
	rnd_state = seed;
	fail_percent = percent;
	for (uint32_t i = 0; i < FAKE_POOL_PAGES; i++)
		pool_words[i] = *fake_pool_word(i);
	for (uint32_t i = 0; i < FAKE_FILE_PAGES; i++)
		file_words[i] = *fake_file_word(i);
	for (uint32_t s = 0; s < NR_SPACES; s++) {
		spaces[s] = space_create();
		model_free(s, 0, NR_PAGES);
	}
	for (uint32_t i = 0; i < nr_ops; i++) {
		one_op();
		if (i % 500 == 499)
			verify();
	}
	for (uint32_t s = 0; s < NR_SPACES; s++) {
		uint64_t owned;

		fake_enter(spaces[s]);
		plat_unmap(BASE, NR_PAGES * PAGE_SIZE);
		owned = spaces[s]->pt.nr_owned;
		CHECK_EQ(owned, 0);
		CHECK(percent || spaces[s]->pt.nr_tables == 1);
		space_put(spaces[s]);
	}
}
