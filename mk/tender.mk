# SPDX-License-Identifier: MIT
# The program `mica`: command line and tender, with the kernel image inside.
TENDER_DIRS := tender/cli tender/process tender/kvm tender/qemu tender/dev \
	tender/dev/files tender/util
# Platforms whose kernel is in mica; the kvm kernel serves kvm and qemu.
EMBED ?= process
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

# An empty one where it is not wanted.
$(O)/tender/image-kvm.o: $(if $(filter kvm,$(EMBED)),$(KERNEL_kvm)) FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '.section .kernel_image,"a"' '.balign 4096' \
		'.globl kernel_image_kvm, kernel_image_kvm_end' \
		'kernel_image_kvm:' \
		$(if $(filter kvm,$(EMBED)),'.incbin "$(KERNEL_kvm).stripped"') \
		'kernel_image_kvm_end:' \
		'.section .note.GNU-stack,"",@progbits' > $(@:.o=.S).new
	@cmp -s $(@:.o=.S).new $(@:.o=.S) && test -e $@ $(if \
		$(filter kvm,$(EMBED)),-a $@ -nt $(KERNEL_kvm)) || { \
		mv $(@:.o=.S).new $(@:.o=.S) && $(CC) -c $(@:.o=.S) -o $@; }

$(O)/mica: $(TENDER_OBJ)
	@echo "  LD      $@"
	$(Q)$(MUSL_CC) $(TENDER_LDFLAGS) $(TENDER_OBJ) -o $@.tmp
	@mv $@.tmp $@

-include $(TENDER_OBJ:.o=.d)
