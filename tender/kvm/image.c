/* SPDX-License-Identifier: MIT */
/* Reading a kernel image, see image.h. */
#include "kvm/image.h"
#include "abi/machine.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_SIZE_MAX	(64 << 20)	/* bytes of a file, debug data and all */

/* Both empty where this program was built without the kernel. */
extern const unsigned char kvm_kernel_image[], kvm_kernel_image_end[];

bool kernel_image_is_built_in(void)
{
	return &kvm_kernel_image[0] != &kvm_kernel_image_end[0];
}

static int bad(const struct kernel_image *k, struct err *e, const char *what)
{
	return err_set(e, ENOEXEC, "kernel image %s: %s; give the file "
		       "kernel-kvm.elf of the same version", k->name, what);
}

static bool inside(const struct kernel_image *k, uint64_t at, uint64_t len)
{
	return at <= k->size && len <= k->size - at;
}

static bool overlaps(const struct kernel_image *k, const Elf64_Phdr *ph)
{
	for (uint32_t i = 0; i < k->nr_segments; i++)
		if (ph->p_paddr < k->segments[i].gpa +
				  k->segments[i].mem_len &&
		    k->segments[i].gpa < ph->p_paddr + ph->p_memsz)
			return true;
	return false;
}

static int add_segment(struct kernel_image *k, const Elf64_Phdr *ph,
		       struct err *e)
{
	struct image_segment *s = &k->segments[k->nr_segments];

	if (!ph->p_memsz)
		return 0;
	if (k->nr_segments == IMAGE_SEGMENTS_MAX)
		return bad(k, e, "too many segments");
	if (!inside(k, ph->p_offset, ph->p_filesz) ||
	    ph->p_filesz > ph->p_memsz)
		return bad(k, e, "damaged (a segment lies outside the file)");
	if (ph->p_paddr < ABI_IMAGE_START || ph->p_memsz > 1ull << 30 ||
	    ph->p_paddr > (1ull << 30) - ph->p_memsz ||
	    ph->p_vaddr != ABI_KERNEL_VIRT + ph->p_paddr)
		return bad(k, e, "not linked for this machine");
	if (overlaps(k, ph))
		return bad(k, e, "damaged (segments overlap)");
	*s = (struct image_segment){
		.gpa = ph->p_paddr, .mem_len = ph->p_memsz,
		.bytes = k->data + ph->p_offset, .file_len = ph->p_filesz,
	};
	k->nr_segments++;
	if (k->end < s->gpa + s->mem_len)
		k->end = s->gpa + s->mem_len;
	return 0;
}

static uint64_t note_pad(uint64_t n)
{
	return (n + 3) & ~3ull;
}

/* Look for our note. Returns 0, found or not, or -errno. */
static int read_notes(struct kernel_image *k, const Elf64_Phdr *ph,
		      struct err *e)
{
	uint64_t at = ph->p_offset, end;
	struct abi_note note;
	Elf64_Nhdr n;

	if (!inside(k, ph->p_offset, ph->p_filesz))
		return bad(k, e, "damaged (notes lie outside the file)");
	end = at + ph->p_filesz;
	while (end - at >= sizeof(n)) {
		uint64_t name, desc, next;

		memcpy(&n, k->data + at, sizeof(n));
		name = at + sizeof(n);
		desc = name + note_pad(n.n_namesz);
		next = desc + note_pad(n.n_descsz);
		if (next > end)
			return bad(k, e, "damaged (a note is cut off)");
		at = next;
		if (n.n_type != ABI_NOTE_TYPE ||
		    n.n_namesz != sizeof(ABI_NOTE_NAME) ||
		    memcmp(k->data + name, ABI_NOTE_NAME, n.n_namesz))
			continue;
		if (n.n_descsz < sizeof(note))
			return bad(k, e, "damaged (our note is too short)");
		memcpy(&note, k->data + desc, sizeof(note));
		if (note.version != ABI_MACHINE_VERSION)
			return bad(k, e, "made for another version of mica");
		k->entry64 = note.entry64;
		k->ap_entry = note.ap_entry;
	}
	return 0;
}

static bool is_in_image(const struct kernel_image *k, uint64_t virt)
{
	for (uint32_t i = 0; i < k->nr_segments; i++)
		if (virt - ABI_KERNEL_VIRT - k->segments[i].gpa <
		    k->segments[i].file_len)
			return true;
	return false;
}

static int parse(struct kernel_image *k, struct err *e)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	int err;

	if (k->size < sizeof(eh) || memcmp(k->data, ELFMAG, SELFMAG))
		return bad(k, e, "not an ELF file");
	memcpy(&eh, k->data, sizeof(eh));
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_X86_64 ||
	    eh.e_type != ET_EXEC || eh.e_phentsize != sizeof(ph))
		return bad(k, e, "not a 64-bit x86 kernel");
	if (!inside(k, eh.e_phoff, (uint64_t)eh.e_phnum * sizeof(ph)))
		return bad(k, e, "damaged (its headers are cut off)");
	for (uint32_t i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, k->data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		err = ph.p_type == PT_LOAD ? add_segment(k, &ph, e) :
		      ph.p_type == PT_NOTE ? read_notes(k, &ph, e) : 0;
		if (err)
			return err;
	}
	if (!k->entry64)
		return bad(k, e, "not a kernel of mica (it has no note)");
	if (!is_in_image(k, k->entry64) ||
	    (k->ap_entry && !is_in_image(k, k->ap_entry)))
		return bad(k, e, "damaged (its entry lies outside)");
	return 0;
}

static int read_bytes(struct kernel_image *k, int fd, const char *path,
		      struct err *e)
{
	size_t done = 0;

	while (done < k->size) {
		ssize_t n = read(fd, k->copy + done, k->size - done);

		if (n > 0) {
			done += (size_t)n;
		} else if (!n) {
			return bad(k, e, "it became shorter while it was read");
		} else if (errno != EINTR) {
			return err_set(e, errno, "reading kernel image %s: %s",
				       path, strerror(errno));
		}
	}
	k->data = k->copy;
	return 0;
}

/* A copy: a mapped file could change, or vanish under us. */
static int read_file(struct kernel_image *k, const char *path, struct err *e)
{
	/* non-blocking: the open of a FIFO would wait */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
	struct stat st = { 0 };

	if (fd < 0)
		return err_set(e, errno, "opening kernel image %s: %s", path,
			       strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size) {
		err = bad(k, e, "not a file, or empty");
	} else if (st.st_size > IMAGE_SIZE_MAX) {
		err = bad(k, e, "too big");
	} else {
		k->size = (size_t)st.st_size;
		k->copy = malloc(k->size);
		err = k->copy ? read_bytes(k, fd, path, e) :
		      err_set(e, ENOMEM, "no memory for kernel image %s",
			      path);
	}
	close(fd);
	return err;
}

int kernel_image_open(struct kernel_image *k, const char *path,
		      struct err *e)
{
	int err = 0;

	memset(k, 0, sizeof(*k));
	k->name = path ? path : "(built in)";
	if (path) {
		err = read_file(k, path, e);
	} else if (!kernel_image_is_built_in()) {
		err = err_set(e, ENOSYS, "this program was built without the "
			      "kernel of the kvm platform; use "
			      "--platform=process");
	} else {
		k->data = kvm_kernel_image;
		k->size = (size_t)(kvm_kernel_image_end - kvm_kernel_image);
	}
	if (!err)
		err = parse(k, e);
	if (err)
		kernel_image_close(k);
	return err;
}

void kernel_image_close(struct kernel_image *k)
{
	free(k->copy);
	memset(k, 0, sizeof(*k));
}
