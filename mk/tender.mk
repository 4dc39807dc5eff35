# SPDX-License-Identifier: MIT
# The program `mica`: command line and tender, with the kernel image inside.
TENDER_DIRS := tender/cli tender/process tender/kvm tender/qemu tender/dev \
	tender/dev/files tender/util
TENDER_SRC := $(foreach d,$(TENDER_DIRS),$(wildcard $(d)/*.c $(d)/*.S))
TENDER_OBJ := $(patsubst %,$(O)/%.o,$(TENDER_SRC)) $(O)/tender/image.o \
	$(O)/tender/image-kvm.o

$(O)/tender/%.c.o: tender/%.c $(O)/flags.stamp $(O)/uapi/stamp
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(MUSL_CC) $(TENDER_CFLAGS) -MMD -MP -c $< -o $@

$(O)/tender/%.S.o: tender/%.S $(O)/flags.stamp
	@mkdir -p $(@D)
	@echo "  AS      $<"
	$(Q)$(CC) -c $< -o $@

# The kernel at a page boundary, so that its parts can be mapped from the file.
$(O)/tender/image.o: $(KERNEL_process)
	@mkdir -p $(@D)
	@printf '%s\n' '.section .kernel_image,"a"' '.balign 4096' \
		'.globl kernel_image, kernel_image_end' 'kernel_image:' \
		'.incbin "$(KERNEL_process).stripped"' 'kernel_image_end:' \
		'.section .note.GNU-stack,"",@progbits' > $(@:.o=.S)
	$(Q)$(CC) -c $(@:.o=.S) -o $@

# The kernel of the kvm platform; empty while parts of it are missing.
KVM_KERNEL_PARTS := $(wildcard $(addprefix kernel/platform/kvm/,start.c \
	space.c server.c))
ifeq ($(words $(KVM_KERNEL_PARTS)),3)
KVM_KERNEL_FILE := $(KERNEL_kvm).stripped
$(O)/tender/image-kvm.o: $(KERNEL_kvm)
else
KVM_KERNEL_FILE := $(O)/tender/no-kernel
endif
$(O)/tender/image-kvm.o:
	@mkdir -p $(@D)
	@: > $(O)/tender/no-kernel
	@printf '%s\n' '.section .kvm_kernel_image,"a"' '.balign 4096' \
		'.globl kvm_kernel_image, kvm_kernel_image_end' \
		'kvm_kernel_image:' '.incbin "$(KVM_KERNEL_FILE)"' \
		'kvm_kernel_image_end:' \
		'.section .note.GNU-stack,"",@progbits' > $(@:.o=.S)
	$(Q)$(CC) -c $(@:.o=.S) -o $@

$(O)/mica: $(TENDER_OBJ)
	@echo "  LD      $@"
	$(Q)$(MUSL_CC) $(TENDER_LDFLAGS) $(TENDER_OBJ) -o $@.tmp
	@mv $@.tmp $@

-include $(TENDER_OBJ:.o=.d)
