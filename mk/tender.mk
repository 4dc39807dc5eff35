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

# The kernels at page boundaries, so that parts can be mapped from the file.
# $(1): object, $(2): symbol and section, $(3): the image.
define kernel_image
$(1): $(3)
	@mkdir -p $$(@D)
	@printf '%s\n' '.section .$(2),"a"' '.balign 4096' \
		'.globl $(2), $(2)_end' '$(2):' \
		'.incbin "$(3).stripped"' '$(2)_end:' \
		'.section .note.GNU-stack,"",@progbits' > $$(@:.o=.S)
	$$(Q)$$(CC) -c $$(@:.o=.S) -o $$@
endef
$(eval $(call kernel_image,$(O)/tender/image.o,kernel_image,$(KERNEL_process)))
$(eval $(call kernel_image,$(O)/tender/image-kvm.o,kvm_kernel_image,$(KERNEL_kvm)))

$(O)/mica: $(TENDER_OBJ)
	@echo "  LD      $@"
	$(Q)$(MUSL_CC) $(TENDER_LDFLAGS) $(TENDER_OBJ) -o $@.tmp
	@mv $@.tmp $@

-include $(TENDER_OBJ:.o=.d)
