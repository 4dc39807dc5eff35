/* SPDX-License-Identifier: MIT */
#include <gen/syscalls.h>
#include "linux/exec.h"
#include "linux/mm.h"
#include "linux/text.h"
#include "linux/process.h"
#include "linux/boot.h"
#include "arch/uaccess.h"
#include "arch/arch_cpu.h"
#include "core/heap.h"
#include "core/panic.h"
#include "lib/string.h"
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/auxvec.h>
#include <linux/stat.h>

struct argblock { char *data; size_t len, cap; uint32_t argc, envc; };
static int arg_add(struct argblock *b, const char *s, size_t n)
{
	if (b->len + n + 1 > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 4096;
		char *p;
		while (cap < b->len + n + 1) cap *= 2;
		if (cap > 4u << 20) return -E2BIG;
		p = krealloc(b->data, cap);
		if (!p) return -ENOMEM;
		b->data = p; b->cap = cap;
	}
	memcpy(b->data + b->len, s, n);
	b->data[b->len + n] = 0;
	b->len += n + 1;
	return 0;
}
static int arg_add_user(struct argblock *b, uint64_t vec, uint32_t *count)
{
	char *buf = kmalloc(131072);
	int err = 0;
	if (!buf) return -ENOMEM;
	for (; vec; vec += 8) {
		uint64_t p; ssize_t n;
		if (user_load64((void *)vec, &p)) { err = -EFAULT; break; }
		if (!p) break;
		n = strncpy_from_user(buf, (void *)p, 131072);
		if (n < 0) { err = n == -ENAMETOOLONG ? -E2BIG : (int)n; break; }
		err = arg_add(b, buf, (size_t)n);
		if (err) break;
		++*count;
	}
	kfree(buf);
	return err;
}
static int open_exec(const char *name, int dirfd, struct file **out)
{
	struct walk_ctx w;
	int err = walk_ctx_get(&w, dirfd, name);
	if (err) return err;
	err = vfs_open(&w, name, O_RDONLY, 0, 0, out);
	if (!err) {
		if ((*out)->inode && ((*out)->inode->mode & S_IFMT) != S_IFREG) err = -EACCES;
		else err = inode_permission((*out)->inode, w.cred, 1);
		if (err) { file_put(*out); *out = NULL; }
	}
	walk_ctx_put(&w);
	return err;
}
struct image { Elf64_Ehdr eh; Elf64_Phdr ph[32]; char interp[256]; uint64_t lo, hi; };
static int read_image(struct file *f, struct image *im)
{
	if (file_read_kernel(f, &im->eh, sizeof(im->eh), 0) != sizeof(im->eh) || memcmp(im->eh.e_ident, ELFMAG, 4) ||
	    im->eh.e_machine != EM_X86_64 || im->eh.e_phentsize != 56 || !im->eh.e_phnum || im->eh.e_phnum > 32) return -ENOEXEC;
	if (file_read_kernel(f, im->ph, im->eh.e_phnum * 56u, im->eh.e_phoff) != im->eh.e_phnum * 56) return -ENOEXEC;
	im->lo = ~0ull; im->hi = 0; im->interp[0] = 0;
	for (int i = 0; i < im->eh.e_phnum; i++) {
		Elf64_Phdr *p = &im->ph[i];
		if (p->p_type == PT_LOAD) { im->lo = MIN(im->lo, PAGE_DOWN(p->p_vaddr)); im->hi = MAX(im->hi, PAGE_UP(p->p_vaddr + p->p_memsz)); }
		if (p->p_type == PT_INTERP) {
			if (p->p_filesz > 255) return -ENOEXEC;
			file_read_kernel(f, im->interp, p->p_filesz, p->p_offset);
			im->interp[p->p_filesz] = 0;
		}
	}
	return im->hi ? 0 : -ENOEXEC;
}
static long load_image(struct mm *mm, struct file *f, struct image *im, uint64_t want)
{
	uint64_t base = 0;
	if (im->eh.e_type == ET_DYN) {
		long a = mm_map(mm, want, im->hi - im->lo + text_tail_bytes(f), 0, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
		if (a < 0) return a;
		mm_unmap(mm, (uint64_t)a, im->hi - im->lo + text_tail_bytes(f));
		base = (uint64_t)a - im->lo;
	}
	for (int i = 0; i < im->eh.e_phnum; i++) {
		Elf64_Phdr *p = &im->ph[i];
		uint64_t a = base + p->p_vaddr, s = PAGE_DOWN(a), fe = a + p->p_filesz, me = a + p->p_memsz;
		uint32_t prot = (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) | (p->p_flags & PF_X ? PROT_EXEC : 0);
		long r = 0;
		if (p->p_type != PT_LOAD) continue;
		if (p->p_filesz) r = mm_map(mm, s, fe - s, prot, MAP_PRIVATE | MAP_FIXED, f, PAGE_DOWN(p->p_offset));
		if (r < 0) return r;
		if (me > fe) {
			if (p->p_filesz && fe & 4095 && prot & PROT_WRITE && clear_user((void *)fe, PAGE_UP(fe) - fe)) return -EFAULT;
			uint64_t z = p->p_filesz ? PAGE_UP(fe) : s;
			if (PAGE_UP(me) > z) r = mm_map(mm, z, PAGE_UP(me) - z, prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, NULL, 0);
			if (r < 0) return r;
		}
	}
	return (long)base;
}
static int setup(struct file *f, const char *path, struct argblock *b)
{
	struct image *im = kzalloc(sizeof(*im)), *ii = kzalloc(sizeof(*ii));
	struct file *fi = NULL;
	struct thread *t = current_thread();
	struct mm *mm;
	long base, ibase = 0, r;
	int err;
	if (!im || !ii) return -ENOMEM;
	err = read_image(f, im);
	if (!err && im->interp[0]) { err = open_exec(im->interp, AT_FDCWD, &fi); if (!err) err = read_image(fi, ii); }
	if (err) goto out;
	err = process_begin_exec();
	if (err) goto out;
	mm = current_mm();
	base = load_image(mm, f, im, 0x555555554000ull);
	if (base < 0) { err = (int)base; goto kill; }
	if (fi) { ibase = load_image(mm, fi, ii, 0); if (ibase < 0) { err = (int)ibase; goto kill; } }
	mm->brk_start = mm->brk = PAGE_UP((uint64_t)base + im->hi + PAGE_UP(text_tail_bytes(f))) + 0x1000000;
	r = mm_map(mm, 0x7ffe00000000ull - (8u << 20) - 0x10000, 8u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);
	if (r < 0) { err = (int)r; goto kill; }
	{
		uint64_t top = (uint64_t)r + (8u << 20) - 64, sp, strs, exe, rnd, v[64]; uint32_t n = 0; char *p = b->data;
		uint64_t phdr = 0;
		for (int i = 0; i < im->eh.e_phnum; i++) if (im->ph[i].p_type == PT_LOAD && !phdr && im->eh.e_phoff - im->ph[i].p_offset < im->ph[i].p_filesz) phdr = (uint64_t)base + im->ph[i].p_vaddr + im->eh.e_phoff - im->ph[i].p_offset;
		exe = top - strlen(path) - 1; rnd = (exe - 16) & ~15ull; strs = rnd - b->len;
		err = copy_to_user((void *)exe, path, strlen(path) + 1) | copy_to_user((void *)rnd, boot->seed, 16) | copy_to_user((void *)strs, b->data, b->len);
#define A(k, x) (v[n++] = (k), v[n++] = (uint64_t)(x))
		A(AT_PHDR, phdr); A(AT_PHENT, 56); A(AT_PHNUM, im->eh.e_phnum); A(AT_PAGESZ, 4096); A(AT_BASE, ibase); A(AT_FLAGS, 0); A(AT_ENTRY, (uint64_t)base + im->eh.e_entry);
		A(AT_UID, t->cred->uid); A(AT_EUID, t->cred->euid); A(AT_GID, t->cred->gid); A(AT_EGID, t->cred->egid); A(AT_SECURE, 0); A(AT_RANDOM, rnd); A(AT_EXECFN, exe);
		A(AT_HWCAP, boot->hwcap); A(AT_HWCAP2, boot->hwcap2); A(AT_CLKTCK, 100); if (boot->vdso) A(AT_SYSINFO_EHDR, boot->vdso); A(51, boot->minsigstksz); A(AT_NULL, 0);
		sp = (strs - (b->argc + b->envc + 3 + n) * 8) & ~15ull;
		uint64_t at = sp;
		err |= user_store64((void *)at, b->argc); at += 8;
		for (uint32_t i = 0; i < b->argc; i++, at += 8) { err |= user_store64((void *)at, strs + (uint64_t)(p - b->data)); p += strlen(p) + 1; }
		err |= user_store64((void *)at, 0); at += 8;
		for (uint32_t i = 0; i < b->envc; i++, at += 8) { err |= user_store64((void *)at, strs + (uint64_t)(p - b->data)); p += strlen(p) + 1; }
		err |= user_store64((void *)at, 0); at += 8;
		err |= copy_to_user((void *)at, v, n * 8);
		memset(t->regs, 0, sizeof(*t->regs));
		t->regs->orig_rax = (uint64_t)-1; t->regs->rflags = 0x202; t->regs->rsp = sp;
		t->regs->rip = fi ? (uint64_t)ibase + ii->eh.e_entry : (uint64_t)base + im->eh.e_entry;
	}
	if (err) goto kill;
	arch_fpu_reset();
	files_close_on_exec(t->files);
	signal_reset_on_exec(t->process);
	{ const char *s = strrchr(path, '/'); strlcpy(t->process->comm, s ? s + 1 : path, 16); strlcpy(t->task->name, t->process->comm, 16); }
	kfree(t->process->exe_name); t->process->exe_name = kstrdup(path);
	if (t->process->exe.dentry) path_put(&t->process->exe);
	t->process->exe = f->path; path_get(&f->path);
	task_post_work(t->task, TASK_WORK_SLOW);
	goto out;
kill:
	klog("exec failed late %d", err);
	process_exit_group(9);
	err = 0;
out:
	if (fi) file_put(fi);
	kfree(im); kfree(ii);
	return err;
}
static int exec_path(const char *path, struct argblock *b, int depth)
{
	struct file *f; char line[256]; ssize_t n; int err = open_exec(path, AT_FDCWD, &f);
	if (err) return err;
	n = file_read_kernel(f, line, 255, 0);
	if (n > 2 && line[0] == '#' && line[1] == '!') {
		struct argblock nb = { 0 }; char *s = line + 2, *arg, *e;
		line[n] = 0; e = strchr(s, '\n'); if (e) *e = 0;
		while (*s == ' ') s++;
		arg = strchr(s, ' '); if (arg) { *arg++ = 0; while (*arg == ' ') arg++; }
		file_put(f);
		if (depth > 4) return -ELOOP;
		arg_add(&nb, s, strlen(s)); nb.argc++;
		if (arg && *arg) { arg_add(&nb, arg, strlen(arg)); nb.argc++; }
		arg_add(&nb, path, strlen(path)); nb.argc++;
		char *p = b->data; 
		for (uint32_t i = 0; i < b->argc + b->envc; i++) { if (i) { arg_add(&nb, p, strlen(p)); if (i < b->argc) nb.argc++; } p += strlen(p) + 1; }
		nb.envc = b->envc;
		{ char *ip = kstrdup(s); err = exec_path(ip, &nb, depth + 1); kfree(ip); }
		kfree(nb.data);
		return err;
	}
	err = setup(f, path, b);
	file_put(f);
	return err;
}
long sys_execve(uint64_t name, uint64_t argv, uint64_t envp)
{
	struct argblock b = { 0 }; char *path; int err = user_path_get((void *)name, &path);
	if (err) return err;
	err = arg_add_user(&b, argv, &b.argc);
	if (!err) err = arg_add_user(&b, envp, &b.envc);
	if (!err) err = exec_path(path, &b, 0);
	kfree(b.data); kfree(path);
	return err;
}
int exec_initial(const struct abi_boot *bt)
{
	struct argblock b = { 0 }; const char *s = (const char *)bt->blob, *p; char path[512]; int err = -ENOENT;
	p = s + bt->argv; for (uint32_t i = 0; i < bt->argc; i++) { arg_add(&b, p, strlen(p)); b.argc++; p += strlen(p) + 1; }
	p = s + bt->envp; for (uint32_t i = 0; i < bt->envc; i++) { arg_add(&b, p, strlen(p)); b.envc++; p += strlen(p) + 1; }
	{ struct walk_ctx w; struct path np; struct thread *t = current_thread(); 
	  if (!walk_ctx_get(&w, AT_FDCWD, "/")) { if (!path_walk(&w, s + bt->cwd, WALK_FOLLOW, &np, NULL)) { path_put(&t->fs->cwd); t->fs->cwd = np; } walk_ctx_put(&w); } }
	if (strchr(s + bt->program, '/')) err = exec_path(s + bt->program, &b, 0);
	else { static const char *dirs[] = { "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin" };
		for (int i = 0; i < 5 && err == -ENOENT; i++) { snprintf(path, 512, "%s/%s", dirs[i], s + bt->program); err = exec_path(path, &b, 0); } }
	kfree(b.data);
	if (err) { boot->start_error = err == -ENOENT ? 127 : 126; snprintf(boot->start_message, 256, "%s: error %d", s + bt->program, -err); }
	return err;
}
long sys_mmap(uint64_t a, uint64_t len, uint64_t prot, uint64_t flags, uint64_t fd, uint64_t off)
{
	struct file *f = NULL; long r;
	if (!(flags & MAP_ANONYMOUS)) { f = fd_get((int)fd); if (!f) return -EBADF; }
	r = mm_map(current_mm(), a, len, (uint32_t)prot, (uint32_t)flags, f, off);
	if (f) file_put(f);
	return r;
}
long sys_munmap(uint64_t a, uint64_t len) { return mm_unmap(current_mm(), a, len); }
long sys_mprotect(uint64_t a, uint64_t len, uint64_t prot) { return mm_protect(current_mm(), a, len, (uint32_t)prot); }
long sys_madvise(uint64_t a, uint64_t len, uint64_t adv) { if (adv == 4) plat_advise(a, PAGE_UP(len), PLAT_ADV_DISCARD); return 0; }
long sys_brk(uint64_t a)
{
	struct mm *mm = current_mm(); uint64_t o = PAGE_UP(mm->brk), n = PAGE_UP(a);
	if (a < mm->brk_start) return (long)mm->brk;
	if (n > o) { if (mm_map(mm, o, n - o, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0) < 0) return (long)mm->brk; }
	else if (n < o) mm_unmap(mm, n, o - n);
	mm->brk = a;
	return (long)a;
}
