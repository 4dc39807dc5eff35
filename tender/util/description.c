/* SPDX-License-Identifier: MIT */
/* The description of a sandbox, see description.h. */
#include "util/description.h"
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define PAGE 4096ull
#define AT_MINIMUM_SIGNAL_STACK 51	/* AT_MINSIGSTKSZ */

uint64_t description_blob_offset(void)
{
	return (sizeof(struct abi_boot) + PAGE - 1) & ~(PAGE - 1);
}

void description_init(struct description *d, void *memory)
{
	struct abi_boot *b = memory;

	d->boot = b;
	d->blob = (char *)memory + description_blob_offset();
	d->blob_max = DESCRIPTION_BLOB_MAX;
	b->magic = ABI_BOOT_MAGIC;
	b->version = ABI_BOOT_VERSION;
	b->size = sizeof(*b);
	b->blob_size = 1;	/* offset 0 is the empty string */
	b->nr_cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	b->hwcap = getauxval(AT_HWCAP);
	b->hwcap2 = getauxval(AT_HWCAP2);
	b->minsigstksz = getauxval(AT_MINIMUM_SIGNAL_STACK);
	if (getrandom(b->seed, sizeof(b->seed), 0) < 0)
		memset(b->seed, 0, sizeof(b->seed));
}

int description_create(struct description *d, struct err *e)
{
	void *m = mmap(NULL, description_blob_offset() + DESCRIPTION_BLOB_MAX,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (m == MAP_FAILED)
		return err_set(e, ENOMEM, "no memory for the sandbox's "
			       "description");
	description_init(d, m);
	d->is_own = true;
	d->boot->blob = description_blob_offset();
	return 0;
}

void description_destroy(struct description *d)
{
	if (d->is_own)
		munmap(d->boot, description_blob_offset() +
				DESCRIPTION_BLOB_MAX);
	memset(d, 0, sizeof(*d));
}

uint64_t description_size(const struct description *d)
{
	return description_blob_offset() + d->boot->blob_size;
}

uint32_t description_string(struct description *d, const char *str,
			    struct err *e)
{
	size_t n = strlen(str) + 1;
	uint32_t at = d->boot->blob_size;

	if (n > d->blob_max - at) {
		err_set(e, E2BIG, "arguments and environment are larger than "
			"%u bytes", d->blob_max);
		return 0;
	}
	memcpy(d->blob + at, str, n);
	d->boot->blob_size = at + (uint32_t)n;
	return at;
}
