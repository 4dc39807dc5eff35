# SPDX-License-Identifier: MIT
# Unit tests of the kvm platform's address spaces, with pretend memory.
UNIT_SPACE_DIR := test/unit/platform/kvm/space
UNIT_SPACE_SRC := $(addprefix kernel/platform/kvm/,anon.c gather.c \
	pagetable.c region.c space.c copy.c fault.c) kernel/lib/avl.c \
	$(wildcard $(UNIT_SPACE_DIR)/*.c)
UNIT_PROGS += $(UNIT_OUT)/space_test
UNIT_SPACE_CFLAGS := -std=gnu11 -O1 -g $(WARN) -ffreestanding -nostdinc \
	-fno-common -iquote $(UNIT_SPACE_DIR) -iquote kernel/platform/kvm \
	$(KERNEL_INC) -fsanitize=address,undefined -fno-sanitize-recover=all

check-unit: $(UNIT_OUT)/space_test

$(UNIT_OUT)/space_test: $(UNIT_SPACE_SRC) $(KERNEL_DEPS) \
		$(wildcard kernel/platform/kvm/*.h $(UNIT_SPACE_DIR)/*.h) \
		mk/unit-space.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_SPACE_CFLAGS) -o $@ $(UNIT_SPACE_SRC)

UNIT_PROGS += $(UNIT_OUT)/tlb_model
check-unit: $(UNIT_OUT)/tlb_model
$(UNIT_OUT)/tlb_model: test/unit/platform/kvm/tlb_model.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -fsanitize=address,undefined -o $@ $<

# Pages of host files, and when they are written back.
UNIT_WRITEBACK_SRC := test/unit/platform/kvm/writeback_test.c \
	test/unit/core/fake_service.c test/unit/tap.c \
	$(addprefix kernel/platform/kvm/,writeback.c hostfile.c hostpage.c) \
	kernel/lib/avl.c kernel/lib/string.c
UNIT_PROGS += $(UNIT_OUT)/writeback_test
check-unit: $(UNIT_OUT)/writeback_test
$(UNIT_OUT)/writeback_test: $(UNIT_WRITEBACK_SRC) $(KERNEL_DEPS) \
		$(wildcard kernel/platform/kvm/*.h kernel/core/*.h) \
		test/unit/core/fake_service.h test/unit/tap.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_EXEC_CFLAGS) -fsanitize=undefined -o $@ \
		$(filter %.c,$^)
