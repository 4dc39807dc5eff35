# SPDX-License-Identifier: MIT
# The kernel for platform process. All .c and .S files of a folder belong to it.
KERNEL_DIRS := kernel kernel/lib kernel/core kernel/arch/x86_64 \
	kernel/platform/process kernel/fs kernel/fs/tmpfs kernel/fs/devfs \
	kernel/fs/hostfs kernel/fs/overlay kernel/drv kernel/net kernel/linux \
	kernel/linux/proc
KERNEL_SRC := $(foreach d,$(KERNEL_DIRS),$(wildcard $(d)/*.c $(d)/*.S))
KERNEL_OBJ := $(patsubst %,$(O)/%.o,$(KERNEL_SRC)) $(O)/gen/syscall_table.c.o
KERNEL := $(O)/kernel/kernel-process.elf

$(O)/flags.stamp: FORCE
	@mkdir -p $(@D)
	@echo '$(KERNEL_CFLAGS) $(TENDER_CFLAGS)' | cmp -s - $@ || \
		echo '$(KERNEL_CFLAGS) $(TENDER_CFLAGS)' > $@
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
$(O)/kernel/%.c.o: kernel/%.c $(KERNEL_DEPS)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@
$(O)/kernel/%.S.o: kernel/%.S $(KERNEL_DEPS)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	$(Q)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@
$(O)/gen/%.c.o: $(O)/gen/%.c $(KERNEL_DEPS)
	$(Q)$(CC) $(KERNEL_CFLAGS) -Wno-cast-function-type -MMD -MP -c $< -o $@

KERNEL_LD := kernel/platform/process/kernel.ld
KERNEL_LDFLAGS := -nostdlib -static -no-pie -Wl,-T,$(KERNEL_LD) \
	-Wl,-z,max-page-size=4096 -Wl,--build-id=none -Wl,-z,noexecstack \
	-Wl,--no-warn-rwx-segments
# Linked twice: the symbol table comes from the first link.
$(KERNEL): $(KERNEL_OBJ) $(KERNEL_LD) tools/gen-symbols
	@echo "  LD      $@"
	$(Q)tools/gen-symbols < /dev/null > $(O)/kernel/sym0.S
	$(Q)$(CC) -c $(O)/kernel/sym0.S -o $(O)/kernel/sym0.o
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(KERNEL_OBJ) $(O)/kernel/sym0.o -o $@.1
	$(Q)nm $@.1 | tools/gen-symbols > $(O)/kernel/sym1.S
	$(Q)$(CC) -c $(O)/kernel/sym1.S -o $(O)/kernel/sym1.o
	$(Q)$(CC) $(KERNEL_LDFLAGS) -Wl,-Map,$@.map $(KERNEL_OBJ) \
		$(O)/kernel/sym1.o -o $@
	$(Q)strip -o $@.stripped $@

-include $(KERNEL_OBJ:.o=.d)
