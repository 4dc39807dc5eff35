/* SPDX-License-Identifier: MIT */
/*
 * Program memory is the host's: mappings of the calling process, made and
 * changed by host calls. The kernel's window and the host's vDSO stay.
 */
#include "platform/platform.h"
#include "platform/process/host.h"
#include <linux/mman.h>
#include <linux/falloc.h>
#include <linux/membarrier.h>

#define HOST_MADV_DONTNEED	4
#define HOST_MADV_WILLNEED	3
#define HOST_MADV_FREE		8
#define HOST_MADV_DONTFORK	10
#define HOST_MADV_DOFORK	11
#define HOST_MADV_HUGEPAGE	14
#define HOST_MADV_NOHUGEPAGE	15

static uint64_t to_prot(uint32_t prot)
{
	return (prot & PLAT_READ ? PROT_READ : 0) |
	       (prot & PLAT_WRITE ? PROT_WRITE : 0) |
	       (prot & PLAT_EXEC ? PROT_EXEC : 0);
}

int plat_map(uaddr_t addr, size_t len, uint32_t prot,
	     const struct plat_backing *b)
{
	uint64_t flags = MAP_FIXED | MAP_NORESERVE;
	int fd = -1;
	long r;

	flags |= b->shared && b->kind != PLAT_BACK_ZERO ? MAP_SHARED :
							  MAP_PRIVATE;
	if (b->populate)
		flags |= MAP_POPULATE;
	switch (b->kind) {
	case PLAT_BACK_POOL:
		fd = ABI_FD_POOL;
		break;
	case PLAT_BACK_HOST:
		fd = b->host_fd;
		break;
	default:
		flags |= MAP_ANONYMOUS;
	}
	r = host_call(__NR_mmap, addr, len,
		      b->kind == PLAT_BACK_NONE ? PROT_NONE : to_prot(prot),
		      flags, (uint64_t)fd,
		      flags & MAP_ANONYMOUS ? 0 : b->offset);
	return r < 0 && r > -4096 ? (int)r : 0;
}

int plat_unmap(uaddr_t addr, size_t len)
{
	return (int)HC2(__NR_munmap, addr, len);
}

int plat_protect(uaddr_t addr, size_t len, uint32_t prot)
{
	return (int)HC3(__NR_mprotect, addr, len, to_prot(prot));
}

int plat_move(uaddr_t from, size_t from_len, uaddr_t to, size_t to_len)
{
	long r = host_call(__NR_mremap, from, from_len, to_len,
			   MREMAP_MAYMOVE | MREMAP_FIXED, to, 0);

	return r < 0 && r > -4096 ? (int)r : 0;
}

int plat_advise(uaddr_t addr, size_t len, enum plat_advice a)
{
	static const int host_advice[] = {
		[PLAT_ADV_DISCARD] = HOST_MADV_DONTNEED,
		[PLAT_ADV_HUGE] = HOST_MADV_HUGEPAGE,
		[PLAT_ADV_NOHUGE] = HOST_MADV_NOHUGEPAGE,
		[PLAT_ADV_WILLNEED] = HOST_MADV_WILLNEED,
		[PLAT_ADV_FREE] = HOST_MADV_FREE,
		[PLAT_ADV_DONTFORK] = HOST_MADV_DONTFORK,
		[PLAT_ADV_DOFORK] = HOST_MADV_DOFORK,
	};

	return (int)HC3(__NR_madvise, addr, len, host_advice[a]);
}

static const struct {
	int command, registration;
} host_barriers[PLAT_BARRIERS] = {
	[PLAT_BARRIER_ALL] = { MEMBARRIER_CMD_GLOBAL, 0 },
	[PLAT_BARRIER_SPACE] = {
		MEMBARRIER_CMD_PRIVATE_EXPEDITED,
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
	},
	[PLAT_BARRIER_SPACE_CODE] = {
		MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE
	},
};

/* The host's process may be a fresh one since the program registered. */
int plat_barrier(enum plat_barrier b)
{
	long r = HC2(__NR_membarrier, host_barriers[b].command, 0);

	if (r == -EPERM && host_barriers[b].registration) {
		HC2(__NR_membarrier, host_barriers[b].registration, 0);
		r = HC2(__NR_membarrier, host_barriers[b].command, 0);
	}
	return (int)r;
}

uint32_t plat_barriers(void)
{
	long known = HC2(__NR_membarrier, MEMBARRIER_CMD_QUERY, 0);
	uint32_t there = 0;

	for (uint32_t b = 0; known > 0 && b < PLAT_BARRIERS; b++)
		there |= known & host_barriers[b].command ? 1u << b : 0;
	return there;
}

uint32_t plat_reserved_ranges(struct plat_range *r, uint32_t max)
{
	const struct abi_boot *b = process_platform.boot;
	uint32_t n = 0;

	if (n < max)
		r[n++] = (struct plat_range){ ABI_WINDOW_BASE,
					      ABI_WINDOW_END };
	if (n < max && b->vvar_end)
		r[n++] = (struct plat_range){ b->vvar_start, b->vvar_end };
	return n;
}

/* Everything but the window and the host's vDSO; also the boot memory of the
 * tender below and above it. */
void plat_space_reset(void)
{
	const struct abi_boot *b = process_platform.boot;
	uint64_t top = 0x7ffffffff000ull;

	plat_unmap(0, ABI_WINDOW_BASE);
	if (!b->vvar_end) {
		plat_unmap(ABI_WINDOW_END, top - ABI_WINDOW_END);
		return;
	}
	plat_unmap(ABI_WINDOW_END, b->vvar_start - ABI_WINDOW_END);
	if (top > b->vvar_end)
		plat_unmap(b->vvar_end, top - b->vvar_end);
}

void plat_pool_release(uint64_t offset, size_t len)
{
	host_call(__NR_fallocate, ABI_FD_POOL,
		  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len, 0,
		  0);
}
