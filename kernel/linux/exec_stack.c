/* SPDX-License-Identifier: MIT */
/*
 * The first stack of a program, from the top: its name, environment and
 * argument strings, platform name and random bytes, then the vectors that
 * _start finds at the stack pointer.
 */
#include "linux/exec_priv.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/boot.h"
#include "linux/mm_priv.h"
#include "platform/platform.h"
#include <asm/auxvec.h>
#include <linux/auxvec.h>
#include <linux/mman.h>
#include <linux/resource.h>

#define STACK_MAX	(256ul << 20)	/* mapped at once; the rest grows */
#define STACK_SPARE	(132ul << 10)	/* beyond the arguments, at least */
#define STACK_RANDOM	(1ull << 22)	/* pages */
#define MMAP_RANDOM	(1ull << 26)	/* pages */
#define GAP_MIN		(128ull << 20)
#define GAP_MAX		(PLAT_USER_MAX / 6 * 5)
#define CLOCK_TICKS	100
#define AT_MINSIGSTKSZ_NR 51
#define PLATFORM_NAME	"x86_64"

static size_t args_bytes(const struct exec *e)
{
	return e->argv.len + e->envp.len + strlen(e->name) +
	       (e->argv.nr + e->envp.nr + 64) * sizeof(uint64_t);
}

int exec_map_stack(struct exec *e)
{
	uint64_t limit = mm_limit(RLIMIT_STACK);
	size_t size = PAGE_UP(MAX(MIN(limit, STACK_MAX),
				  args_bytes(e) + STACK_SPARE));
	struct mm *mm = current_mm();
	struct map_request rq = {
		.len = size, .prot = PROT_READ | PROT_WRITE,
		.max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
		.map_flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS |
			     MAP_NORESERVE,
		.vma_flags = VMA_STACK | VMA_GROWSDOWN | VMA_NORESERVE,
	};
	uint64_t gap = MAX(MIN(limit, GAP_MAX), GAP_MIN);
	long r;

	if (e->image->exec_stack)
		rq.prot |= PROT_EXEC;
	mm->mmap_top = PLAT_USER_MAX - exec_random(STACK_RANDOM);
	rq.addr = mm_find_free(mm, size + STACK_GUARD, PAGE_SIZE);
	if (!rq.addr)
		return -ENOMEM;
	rq.addr += STACK_GUARD;
	r = mm_map_request(mm, &rq);
	if (r < 0)
		return (int)r;
	e->stack_top = rq.addr + size;
	gap += exec_random(MMAP_RANDOM) + PAGE_SIZE;
	mm->mmap_top = rq.addr > gap + GAP_MIN ? rq.addr - gap : rq.addr;
	return 0;
}

static void put(struct mm *mm, uint64_t key, uint64_t value)
{
	if (mm->auxv_words + 4 > ARRAY_LEN(mm->auxv))
		return;
	mm->auxv[mm->auxv_words++] = key;
	mm->auxv[mm->auxv_words++] = value;
}

static void make_auxv(struct exec *e, uaddr_t name, uaddr_t platform,
		      uaddr_t random)
{
	const struct cred *c = current_thread()->cred;
	const struct elf_image *im = e->image;
	struct mm *mm = current_mm();

	mm->auxv_words = 0;
	if (boot->vdso)
		put(mm, AT_SYSINFO_EHDR, boot->vdso);
	put(mm, AT_MINSIGSTKSZ_NR, boot->minsigstksz);
	put(mm, AT_HWCAP, boot->hwcap);
	put(mm, AT_PAGESZ, PAGE_SIZE);
	put(mm, AT_CLKTCK, CLOCK_TICKS);
	put(mm, AT_PHDR, im->phdr_vaddr ? e->load_bias + im->phdr_vaddr : 0);
	put(mm, AT_PHENT, 56);
	put(mm, AT_PHNUM, im->phnum);
	put(mm, AT_BASE, e->interp_base);
	put(mm, AT_FLAGS, 0);
	put(mm, AT_ENTRY, e->load_bias + im->entry);
	put(mm, AT_UID, id_show(c->user_ns, ID_USER, c->uid));
	put(mm, AT_EUID, id_show(c->user_ns, ID_USER, c->euid));
	put(mm, AT_GID, id_show(c->user_ns, ID_GROUP, c->gid));
	put(mm, AT_EGID, id_show(c->user_ns, ID_GROUP, c->egid));
	put(mm, AT_SECURE, e->secure);
	put(mm, AT_RANDOM, random);
	put(mm, AT_HWCAP2, boot->hwcap2);
	put(mm, AT_EXECFN, name);
	put(mm, AT_PLATFORM, platform);
	mm->auxv[mm->auxv_words++] = AT_NULL;
	mm->auxv[mm->auxv_words++] = 0;
}

/* Addresses of nr strings that lie one after the other; then NULL. */
static uint64_t *put_pointers(uint64_t *at, const struct strings *s,
			      uaddr_t addr)
{
	size_t pos = 0;

	for (uint32_t i = 0; i < s->nr; i++) {
		*at++ = addr + pos;
		pos += strlen(s->buf + pos) + 1;
	}
	*at++ = 0;
	return at;
}

static int put_vectors(struct exec *e, uaddr_t args, uaddr_t env, uaddr_t top)
{
	struct mm *mm = current_mm();
	size_t words = 1 + e->argv.nr + 1 + e->envp.nr + 1 + mm->auxv_words;
	uint64_t *v = kmalloc(words * sizeof(*v)), *at = v;
	int err;

	if (!v)
		return -ENOMEM;
	*at++ = e->argv.nr;
	at = put_pointers(at, &e->argv, args);
	at = put_pointers(at, &e->envp, env);
	memcpy(at, mm->auxv, mm->auxv_words * sizeof(*at));
	e->sp = (top - words * sizeof(*v)) & ~15ull;
	mm->stack_start = e->sp;
	err = copy_to_user((void *)e->sp, v, words * sizeof(*v));
	kfree(v);
	return err;
}

int exec_fill_stack(struct exec *e)
{
	struct mm *mm = current_mm();
	size_t name_len = strlen(e->name) + 1;
	uaddr_t name = e->stack_top - sizeof(uint64_t) - name_len;
	uaddr_t env = name - e->envp.len, args = env - e->argv.len;
	uaddr_t platform, random;
	uint8_t bytes[16];
	int err;

	plat_entropy(bytes, sizeof(bytes));
	platform = (args & ~15ull) - (exec_random(2) >> 4) -
		   sizeof(PLATFORM_NAME);
	random = (platform & ~15ull) - sizeof(bytes);
	err = copy_to_user((void *)name, e->name, name_len);
	if (!err && e->envp.len)
		err = copy_to_user((void *)env, e->envp.buf, e->envp.len);
	if (!err && e->argv.len)
		err = copy_to_user((void *)args, e->argv.buf, e->argv.len);
	if (!err)
		err = copy_to_user((void *)platform, PLATFORM_NAME,
				   sizeof(PLATFORM_NAME));
	if (!err)
		err = copy_to_user((void *)random, bytes, sizeof(bytes));
	if (err)
		return err;
	mm->arg_start = args;
	mm->arg_end = mm->env_start = env;
	mm->env_end = name;
	make_auxv(e, name, platform, random);
	return put_vectors(e, args, env, random);
}
