# SPDX-License-Identifier: MIT
#
# Kernels with bugs on request (test/provoke): the objects of the real ones, with
# test/provoke/provoke.c in place of plat_test_call, and a mica of its own.
PROVOKE_OUT := $(O)/test/provoke
PROVOKE_DEPS := test/provoke/provoke.h mk/test-provoke.mk

.PHONY: check-provoke check-provoke-kvm
check-provoke: $(PROVOKE_OUT)/mica $(PROVOKE_OUT)/program ## the kernel's own bugs: process, qemu
	$(Q)test/provoke/run --mica $< process qemu

check-provoke-kvm: $(PROVOKE_OUT)/mica $(PROVOKE_OUT)/program ## the same on kvm
	$(Q)$(NESTED) --timeout 600 -- test/provoke/run --mica $< kvm

# $(1): platform
define provoke_rules
$(PROVOKE_OUT)/provoke-$(1).o: test/provoke/provoke.c $(PROVOKE_DEPS) $(KERNEL_DEPS)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(KERNEL_CFLAGS_$(1)) -iquote test/provoke -MMD -MP -c $$< -o $$@
$(PROVOKE_OUT)/kernel-$(1).elf: $(PROVOKE_OUT)/provoke-$(1).o $(KERNEL_$(1))
	$$(call kernel_link,$(1),$(KERNEL_OBJ_$(1)) $$< -Wl$$(comma)--wrap=plat_test_call)
-include $(PROVOKE_OUT)/provoke-$(1).d
endef
comma := ,
$(foreach p,$(PLATFORMS),$(eval $(call provoke_rules,$(p))))
$(eval $(call kernel_image,$(PROVOKE_OUT)/image.o,kernel_image,$(PROVOKE_OUT)/kernel-process.elf))
$(eval $(call kernel_image,$(PROVOKE_OUT)/image-kvm.o,kvm_kernel_image,$(PROVOKE_OUT)/kernel-kvm.elf))

PROVOKE_OBJ := $(filter-out $(O)/tender/image.o $(O)/tender/image-kvm.o,\
	$(TENDER_OBJ)) $(PROVOKE_OUT)/image.o $(PROVOKE_OUT)/image-kvm.o
$(PROVOKE_OUT)/mica: $(PROVOKE_OBJ)
	$(Q)$(MUSL_CC) $(TENDER_LDFLAGS) $(PROVOKE_OBJ) -o $@

$(PROVOKE_OUT)/program: test/provoke/program.c $(PROVOKE_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) -O1 -Wall -Wextra -o $@ $<
