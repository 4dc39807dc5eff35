/* SPDX-License-Identifier: MIT */
/*
 * Registers and memory of a stopped tracee, by itself: it stands in the kernel,
 * in its own address space, with its vector state and segments in the processor.
 *
 * A debugger may read and write whatever the file or the program could allow:
 * where the protection forbids it, it is lifted for the moment, and a write to a
 * private page makes a copy for this process alone (breakpoints in text).
 */
#include "linux/ptrace.h"
#include "arch/arch_cpu.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "linux/mm_priv.h"
#include "platform/platform.h"
#include <linux/mman.h>

/* Words of struct user_regs_struct; those up to rip are struct regs's own. */
enum { WORD_RIP = 16, WORD_CS, WORD_FLAGS, WORD_SP, WORD_SS, WORD_FS_BASE,
       WORD_GS_BASE, NR_WORDS = 27 };
#define USER_CS		0x33u
#define USER_SS		0x2bu
/* CF PF AF ZF SF TF DF OF NT RF AC */
#define FLAGS_SET	0x54dd5ull
#define BASE_END	0x7ffffffff000ull

/* --- asking ----------------------------------------------------------------------*/
void ptrace_finish(struct ptrace_request *r, long ret)
{
	struct task *from = r->from;

	r->ret = ret;
	__atomic_store_n(&r->done, 1, __ATOMIC_RELEASE);
	/* r is gone */
	task_unpark(from);
}

long ptrace_ask_unlock(struct tracee *tr, struct ptrace_request *r)
{
	r->from = current_task();
	list_append(&tr->stop->requests, &r->link);
	task_unpark(tr->thread->task);
	mutex_unlock(&process_lock);
	while (!__atomic_load_n(&r->done, __ATOMIC_ACQUIRE))
		task_park(DEADLINE_NEVER, false);
	return r->ret;
}

/* --- memory ------------------------------------------------------------------------*/
static size_t copy(const struct ptrace_request *r, size_t done, size_t n)
{
	char *buf = (char *)r->buf + done;
	void *at = (void *)(r->addr + done);

	return r->write ? copy_to_user_partial(at, buf, n) :
			  copy_from_user_partial(buf, at, n);
}

/* The page's protection as it is recorded, or open for us. False: not ours. */
static bool set_page(uaddr_t page, bool open, bool write)
{
	struct mm *mm = current_mm();
	struct vma *v;
	bool ok;

	rwlock_write_lock(&mm->lock);
	v = vma_at(mm, page);
	ok = v && page < v->backed_end && !(v->flags & VMA_PINNED);
	if (ok && !open)
		(void)!mm_host_protect(v, page, page + PAGE_SIZE);
	else if (ok && (write ? v->flags & VMA_SHARED :
			!(v->max_prot & PROT_READ)))
		ok = false;
	else if (ok)
		ok = !plat_protect(page, PAGE_SIZE, mm_host_prot(v) |
				   PLAT_READ | (write ? PLAT_WRITE : 0));
	rwlock_write_unlock(&mm->lock);
	return ok;
}

long ptrace_do_memory(struct thread *t, struct ptrace_request *r)
{
	size_t done = copy(r, 0, r->len);

	while (done < r->len) {
		uaddr_t page = PAGE_DOWN(r->addr + done);
		size_t n = MIN(r->len - done,
			       page + PAGE_SIZE - (r->addr + done)), got;

		if (!set_page(page, true, r->write))
			break;
		got = copy(r, done, n);
		set_page(page, false, false);
		done += got;
		if (got < n)
			break;
	}
	return (long)done;
}

/* --- registers ------------------------------------------------------------------------*/
static uint64_t *slot(struct regs *r, size_t word)
{
	if (word <= WORD_RIP)
		return &r->r15 + word;
	return word == WORD_FLAGS ? &r->rflags : word == WORD_SP ? &r->rsp :
	       NULL;
}

static uint64_t get_word(struct thread *t, size_t word)
{
	const uint64_t *s = slot(t->regs, word);

	switch (word) {
	case WORD_CS:
		return USER_CS;
	case WORD_SS:
		return USER_SS;
	case WORD_FS_BASE:
		return arch_get_fs();
	case WORD_GS_BASE:
		return arch_get_gs();
	default:
		return s ? *s : 0;
	}
}

static int set_word(struct thread *t, size_t word, uint64_t v)
{
	uint64_t *s = slot(t->regs, word);

	if (word == WORD_FLAGS)
		v = (v & FLAGS_SET) | (*s & ~FLAGS_SET);
	if (s) {
		*s = v;
		return 0;
	}
	if (v == get_word(t, word))
		return 0;
	if (v >= BASE_END)
		return -EIO;
	if (word == WORD_FS_BASE) {
		arch_set_fs(v);
		return 0;
	}
	/* other selectors than ours do not exist */
	return word == WORD_GS_BASE && !arch_set_gs(v) ? 0 : -EIO;
}

long ptrace_do_regs(struct thread *t, struct ptrace_request *r)
{
	uint64_t *words = r->buf;
	int err = 0;

	for (size_t i = 0; i < r->len / 8 && !err; i++) {
		if (r->write)
			err = set_word(t, r->addr + i, words[i]);
		else
			words[i] = get_word(t, r->addr + i);
	}
	/* all of them are to be loaded on the way out */
	if (r->write)
		task_post_work(t->task, TASK_WORK_SLOW);
	return err;
}

long ptrace_do_vector(struct thread *t, struct ptrace_request *r)
{
	if (r->write)
		return arch_fpu_put(r->buf, r->addr);
	arch_fpu_get(r->buf);
	return 0;
}
