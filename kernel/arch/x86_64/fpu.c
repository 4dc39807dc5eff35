/* SPDX-License-Identifier: MIT */
/*
 * Vector state in Linux signal frames: an XSAVE image with the software
 * reserved bytes that libc and debuggers look for (struct _fpx_sw_bytes,
 * arch/x86/include/uapi/asm/sigcontext.h); on processors without XSAVE, or
 * where the kernel leaves it off, the bare FXSAVE image. The state itself is
 * live in the registers all the time.
 */
#include "arch/arch_cpu.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "plat/user_access.h"
#include <asm/sigcontext.h>

int user_xsave(void *frame, uint64_t mask);
int user_xrstor(const void *frame, uint64_t mask);
int user_fxsave(void *frame);
int user_fxrstor(const void *frame);

#define FXSAVE_SIZE	512u
#define SW_BYTES	464u	/* left to software in it */
#define CPUID1_OSXSAVE	(1u << 27)

static struct {
	uint64_t mask;		/* XCR0; 0: FXSAVE only */
	uint32_t size;		/* bytes of the image, all features */
} fpu;

static bool has_xsave(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c & CPUID1_OSXSAVE;
}

static void probe(void)
{
	uint32_t a = 0xd, b, c = 0, d, lo, hi;

	if (fpu.size)
		return;
	if (!has_xsave()) {
		__atomic_store_n(&fpu.size, FXSAVE_SIZE, __ATOMIC_RELEASE);
		return;
	}
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	fpu.mask = (uint64_t)hi << 32 | lo;
	__atomic_store_n(&fpu.size, b, __ATOMIC_RELEASE);
}

void arch_fpu_reset(void)
{
	static const struct {
		uint16_t control;
		uint8_t legacy[FXSAVE_SIZE - sizeof(uint16_t)];
		uint8_t header[64];
	} initial __attribute__((aligned(64))) = { .control = 0x37f };
	uint32_t mxcsr = 0x1f80;
	uint32_t lo, hi;

	probe();
	if (fpu.mask) {
		/* an empty header means: all in initial state */
		lo = (uint32_t)fpu.mask & ~(1u << 9);	/* not PKRU */
		hi = (uint32_t)(fpu.mask >> 32);
		__asm__ volatile("xrstor64 %0"
				 : : "m"(initial), "a"(lo), "d"(hi));
	} else {
		__asm__ volatile("fxrstor64 %0" : : "m"(initial));
	}
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

size_t arch_fpu_frame_size(void)
{
	probe();
	return fpu.mask ? fpu.size + FP_XSTATE_MAGIC2_SIZE : fpu.size;
}

static int fx_save(char *f)
{
	int err;

	plat_user_begin();
	err = user_fxsave(f);
	plat_user_end();
	/* the bytes left to software: no extension follows */
	return err || clear_user(f + 464, 48) ? -EFAULT : 0;
}

int arch_fpu_save(void *user_frame)
{
	struct _fpx_sw_bytes sw = { .magic1 = FP_XSTATE_MAGIC1 };
	char *f = user_frame;
	uint64_t zero[8] = { 0 };
	int err;

	probe();
	if (!user_range_ok(f, arch_fpu_frame_size()))
		return -EFAULT;
	if (!fpu.mask)
		return fx_save(f);
	/* XSAVE wants a clean header */
	if (copy_to_user(f + 512, zero, sizeof(zero)))
		return -EFAULT;
	plat_user_begin();
	err = user_xsave(f, fpu.mask);
	plat_user_end();
	if (err)
		return -EFAULT;
	sw.extended_size = fpu.size + FP_XSTATE_MAGIC2_SIZE;
	sw.xstate_size = fpu.size;
	sw.xfeatures = fpu.mask;
	if (copy_to_user(f + 464, &sw, sizeof(sw)))
		return -EFAULT;
	return user_store32((uint32_t *)(f + fpu.size), FP_XSTATE_MAGIC2);
}

static int fx_restore(const char *f)
{
	int err;

	plat_user_begin();
	err = user_fxrstor(f);
	plat_user_end();
	return err;
}

int arch_fpu_restore(const void *user_frame)
{
	const char *f = user_frame;
	uint32_t mxcsr;
	uint64_t hdr[8];
	int err;

	if (!f) {
		arch_fpu_reset();
		return 0;
	}
	probe();
	if ((uint64_t)f % 64 || !user_range_ok(f, fpu.size) ||
	    copy_from_user(&mxcsr, f + 24, 4) || mxcsr & 0xffff0000)
		return -EFAULT;
	/* A bad image faults in xrstor; that fault is fixed up to -EFAULT. */
	if (!fpu.mask)
		return fx_restore(f);
	if (copy_from_user(hdr, f + 512, sizeof(hdr)) ||
	    hdr[0] & ~fpu.mask || hdr[1])
		return -EFAULT;
	plat_user_begin();
	err = user_xrstor(f, fpu.mask);
	plat_user_end();
	return err;
}

size_t arch_fpu_image_size(void)
{
	probe();
	return fpu.size;
}

void arch_fpu_get(void *image)
{
	char *f = image;

	probe();
	memset(f, 0, fpu.size);
	if (!fpu.mask) {
		(void)!user_fxsave(f);
		return;
	}
	(void)!user_xsave(f, fpu.mask);
	memcpy(f + SW_BYTES, &fpu.mask, sizeof(fpu.mask));
}

int arch_fpu_put(void *image, size_t len)
{
	char *f = image;
	uint64_t hdr[8];
	uint32_t mxcsr;

	memcpy(&mxcsr, f + 24, sizeof(mxcsr));
	if (mxcsr & 0xffff0000)
		return -EINVAL;
	if (!fpu.mask)
		return user_fxrstor(f) ? -EINVAL : 0;
	memcpy(hdr, f + FXSAVE_SIZE, sizeof(hdr));
	if (len == FXSAVE_SIZE)
		hdr[0] |= 3;	/* x87 and SSE are not initial any more */
	memcpy(f + FXSAVE_SIZE, hdr, sizeof(hdr[0]));
	return hdr[0] & ~fpu.mask || hdr[1] || user_xrstor(f, fpu.mask) ?
	       -EINVAL : 0;
}
