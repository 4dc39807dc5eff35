/* SPDX-License-Identifier: MIT */
/*
 * Does /dev/kvm run a guest correctly? One long-mode guest goes to ring 3 by
 * SYSRET and makes CALLS system calls; the handler counts them and, at the
 * last, leaves by an `out`. Prints one line; exit status 0 only if the count is
 * right. `tools/nested --check` runs it to show that the rig's KVM is real.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define CALLS		200
#define MEMORY		0x10000
#define TABLES		0x1000	/* three tables: one 2 MiB page at 0 */
#define KERNEL_CODE	0x8000
#define USER_CODE	0x9000
#define EXIT_PORT	0xf4

/*
 * Kernel: sysret to the user loop. LSTAR handler: count in r12, at CALLS exit
 * with it, else back to the program.
 */
static const uint8_t start_code[] = {
	0x48, 0xc7, 0xc1, 0x00, 0x90, 0x00, 0x00,	/* mov $0x9000,%rcx */
	0x41, 0xbb, 0x02, 0x00, 0x00, 0x00,		/* mov $2,%r11d */
	0x48, 0x0f, 0x07,				/* sysretq */
};
static const uint8_t handler_code[] = {
	0x49, 0xff, 0xc4,				/* inc %r12 */
	0x49, 0x81, 0xfc, CALLS, 0x00, 0x00, 0x00,	/* cmp $CALLS,%r12 */
	0x74, 0x03,					/* je 1f */
	0x48, 0x0f, 0x07,				/* sysretq */
	0x44, 0x89, 0xe0,				/* 1: mov %r12d,%eax */
	0xe7, EXIT_PORT,				/* out %eax,$port */
	0xf4,						/* hlt */
};
static const uint8_t user_code[] = {
	0x0f, 0x05,					/* 1: syscall */
	0xeb, 0xfc,					/* jmp 1b */
};
#define HANDLER		(KERNEL_CODE + 0x100)

static void fill_memory(uint8_t *mem)
{
	uint64_t *tables = (uint64_t *)(mem + TABLES);

	tables[0] = (TABLES + 0x1000) | 7;
	tables[512] = (TABLES + 0x2000) | 7;
	tables[1024] = 0x87;		/* 2 MiB, for ring 3 as well */
	memcpy(mem + KERNEL_CODE, start_code, sizeof(start_code));
	memcpy(mem + HANDLER, handler_code, sizeof(handler_code));
	memcpy(mem + USER_CODE, user_code, sizeof(user_code));
}

static void set_long_mode(int vcpu)
{
	struct kvm_segment code = { .limit = 0xfffff, .selector = 8,
				    .type = 11, .present = 1, .s = 1, .l = 1,
				    .g = 1 };
	struct kvm_segment data = { .limit = 0xfffff, .selector = 16,
				    .type = 3, .present = 1, .s = 1, .db = 1,
				    .g = 1 };
	struct kvm_sregs s;

	if (ioctl(vcpu, KVM_GET_SREGS, &s))
		err(1, "KVM_GET_SREGS");
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cr0 = 0x80010033;		/* PG WP NE ET MP PE */
	s.cr3 = TABLES;
	s.cr4 = 0x620;			/* PAE OSFXSR OSXMMEXCPT */
	s.efer = 0x501;			/* LMA LME SCE */
	if (ioctl(vcpu, KVM_SET_SREGS, &s))
		err(1, "KVM_SET_SREGS");
}

static void set_start(int vcpu)
{
	struct kvm_regs regs = { .rip = KERNEL_CODE, .rflags = 2,
				 .rsp = MEMORY };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[3];
	} msrs = {
		.head.nmsrs = 3,
		.entries = {
			{ .index = 0xc0000081, .data = 8ull << 32 |
					       16ull << 48 },	/* STAR */
			{ .index = 0xc0000082, .data = HANDLER }, /* LSTAR */
			{ .index = 0xc0000084, .data = 0x200 },	/* SFMASK */
		},
	};

	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		err(1, "KVM_SET_REGS");
	if (ioctl(vcpu, KVM_SET_MSRS, &msrs) != 3)
		err(1, "KVM_SET_MSRS");
}

static int run(int kvm, int vcpu)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *state = mmap(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_SHARED, vcpu, 0);
	uint32_t count;

	if (state == MAP_FAILED)
		err(1, "mmap of the virtual processor");
	if (ioctl(vcpu, KVM_RUN, 0))
		err(1, "KVM_RUN");
	if (state->exit_reason != KVM_EXIT_IO || state->io.port != EXIT_PORT) {
		printf("not usable: exit reason %u\n", state->exit_reason);
		return 1;
	}
	memcpy(&count, (char *)state + state->io.data_offset, sizeof(count));
	printf("%s: %u of %d system calls\n",
	       count == CALLS ? "usable" : "not usable", count, CALLS);
	return count != CALLS;
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };
	uint8_t *mem = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int vm, vcpu;

	if (kvm < 0)
		err(1, "/dev/kvm");
	if (mem == MAP_FAILED)
		err(1, "mmap");
	fill_memory(mem);
	region.userspace_addr = (uintptr_t)mem;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		err(1, "KVM_CREATE_VM");
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		err(1, "KVM_SET_USER_MEMORY_REGION");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		err(1, "KVM_CREATE_VCPU");
	set_long_mode(vcpu);
	set_start(vcpu);
	return run(kvm, vcpu);
}
