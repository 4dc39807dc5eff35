# SPDX-License-Identifier: MIT
# The kernels: one source, an image for each platform. All .c and .S files of a
# folder belong to it; folders named below are one platform's own.
KERNEL_DIRS := kernel kernel/lib kernel/core kernel/arch/x86_64 \
	kernel/fs kernel/fs/tmpfs kernel/fs/devfs kernel/fs/hostfs \
	kernel/fs/overlay kernel/fs/erofs kernel/drv kernel/net kernel/linux kernel/linux/proc
KERNEL_DIRS_process := kernel/arch/x86_64/process kernel/platform/process \
	kernel/linux/patched
KERNEL_DIRS_kvm := kernel/arch/x86_64/kvm kernel/platform/kvm \
	kernel/linux/unpatched kernel/drv/virtio
PLATFORMS := process kvm

# The image of a virtual machine is read, checked and copied at each start, so
# its size counts: whole folders are compiled for size, but for the files that
# programs wait for in their loops.
KERNEL_SMALL_kvm := kernel/linux/% kernel/fs/% kernel/drv/% kernel/net/% \
	kernel/platform/kvm/% kernel/main.c kernel/lib/printf.c \
	$(addprefix kernel/core/,clock.c msg_copy.c panic.c pi.c \
	service.c symbols.c timer.c msg_lend.c msg_port.c)
KERNEL_FAST_kvm := $(addprefix kernel/linux/,dispatch.c fdtable.c file_rw.c \
	native.c mm_fault.c) \
	$(addprefix kernel/fs/,file.c pipe.c uio.c) \
	$(addprefix kernel/drv/virtio/,blk.c channel.c mmio.c queue.c) \
	$(addprefix kernel/platform/kvm/,anon.c apic.c clock.c copy.c fault.c \
	irq.c message.c pagetable.c runq.c runq_fair.c sched.c \
	sched_queues.c sched_time.c space.c task.c tlb.c word.c)
kernel_small = $(if $(filter $(KERNEL_SMALL_$(1)),$(filter-out \
	$(KERNEL_FAST_$(1)),$(2))),$(KERNEL_SMALL_CFLAGS))
KERNELS ?= $(PLATFORMS)

ALL_CFLAGS = $(KERNEL_CFLAGS_process) $(KERNEL_CFLAGS_kvm) \
	$(KERNEL_SMALL_CFLAGS) $(TENDER_CFLAGS) \
	$(KERNEL_SMALL_kvm) / $(KERNEL_FAST_kvm)
$(O)/flags.stamp: FORCE
	@mkdir -p $(@D)
	@echo '$(ALL_CFLAGS)' | cmp -s - $@ || echo '$(ALL_CFLAGS)' > $@
FORCE:

# Constants of the Linux interface: the UAPI headers of the build machine.
$(O)/uapi/stamp:
	@mkdir -p $(@D)
	@test -e /usr/include/linux/futex.h || { echo \
		"linux headers missing: install linux-libc-dev" >&2; exit 1; }
	@ln -sfn /usr/include/linux $(O)/uapi/linux
	@ln -sfn /usr/include/asm-generic $(O)/uapi/asm-generic
	@ln -sfn /usr/include/x86_64-linux-gnu/asm $(O)/uapi/asm
	@touch $@

$(O)/gen/syscalls.h: kernel/linux/syscalls.tbl tools/gen-syscalls
	@mkdir -p $(@D)
	$(Q)tools/gen-syscalls $< header > $@.tmp && mv $@.tmp $@
$(O)/gen/syscall_table.c: kernel/linux/syscalls.tbl tools/gen-syscalls
	@mkdir -p $(@D)
	$(Q)tools/gen-syscalls $< table > $@.tmp && mv $@.tmp $@
docs/syscalls.md: kernel/linux/syscalls.tbl tools/gen-syscalls
	$(Q)tools/gen-syscalls $< doc > $@.tmp && mv $@.tmp $@

KERNEL_DEPS := $(O)/flags.stamp $(O)/uapi/stamp $(O)/gen/syscalls.h
KERNEL_LDFLAGS_process := -Wl,-z,max-page-size=4096
KERNEL_LDFLAGS_kvm := -Wl,-z,max-page-size=0x200000 -Wl,--gc-sections \
	--param=lto-partitions=2
KERNEL_LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments

# Linked twice: the symbol table comes from the first link.
# $(1): platform, $(2): objects and more flags. Makes $@ and $@.stripped.
define kernel_link
	@echo "  LD      $@"
	@mkdir -p $(@D)
	$(Q)tools/gen-symbols < /dev/null > $@.sym0.S
	$(Q)$(CC) -c $@.sym0.S -o $@.sym0.o
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(KERNEL_LDFLAGS_$(1)) \
		-Wl,-T,$(KERNEL_LD_$(1)) $(2) $@.sym0.o -o $@.1
	$(Q)nm $@.1 | tools/gen-symbols > $@.sym1.S
	$(Q)$(CC) -c $@.sym1.S -o $@.sym1.o
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(KERNEL_LDFLAGS_$(1)) \
		-Wl,-T,$(KERNEL_LD_$(1)) -Wl,-Map,$@.map $(2) $@.sym1.o -o $@
	$(Q)strip -o $@.stripped $@
endef

# Called by the entry code, which restores what it changes.
$(O)/kernel/kvm/platform/kvm/message.c.o: KERNEL_CFLAGS_kvm += -fcall-used-rbx \
	-fcall-used-r12 -fcall-used-r13 -fcall-used-r14 -fcall-used-r15

# $(1): platform. Objects in $(O)/kernel/$(1)/, image kernel-$(1).elf there.
define kernel_rules
KERNEL_OUT_$(1) := $(O)/kernel/$(1)
KERNEL_SRC_$(1) := $$(foreach d,$$(KERNEL_DIRS) $$(KERNEL_DIRS_$(1)),\
	$$(wildcard $$(d)/*.c $$(d)/*.S))
KERNEL_OBJ_$(1) := $$(patsubst kernel/%,$$(KERNEL_OUT_$(1))/%.o,\
	$$(KERNEL_SRC_$(1))) $$(KERNEL_OUT_$(1))/gen/syscall_table.c.o
KERNEL_$(1) := $$(KERNEL_OUT_$(1))/kernel-$(1).elf
KERNEL_LD_$(1) := kernel/platform/$(1)/kernel.ld

$$(KERNEL_OUT_$(1))/gen/%.c.o: $$(O)/gen/%.c $$(KERNEL_DEPS)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(KERNEL_CFLAGS_$(1)) -Wno-cast-function-type -MMD -MP \
		-c $$< -o $$@
$$(KERNEL_OUT_$(1))/%.c.o: kernel/%.c $$(KERNEL_DEPS)
	@mkdir -p $$(@D)
	@echo "  CC      $$< ($(1))"
	$$(Q)$$(CC) $$(KERNEL_CFLAGS_$(1)) $$(call kernel_small,$(1),$$<) \
		-MMD -MP -c $$< -o $$@
$$(KERNEL_OUT_$(1))/%.S.o: kernel/%.S $$(KERNEL_DEPS)
	@mkdir -p $$(@D)
	@echo "  AS      $$< ($(1))"
	$$(Q)$$(CC) $$(KERNEL_CFLAGS_$(1)) -MMD -MP -c $$< -o $$@

$$(KERNEL_$(1)): $$(KERNEL_OBJ_$(1)) $$(KERNEL_LD_$(1)) tools/gen-symbols
	$$(call kernel_link,$(1),$$(KERNEL_OBJ_$(1)))

-include $$(KERNEL_OBJ_$(1):.o=.d)
endef
$(foreach p,$(PLATFORMS),$(eval $(call kernel_rules,$(p))))
